/*
 * What: the report's pictures as inline SVG: a share against its target, a length by party, a trend with
 * intervals.
 *
 * Why this way: a printed page has no scripts and often no colour. So everything that a picture says it says
 * by position, pattern or shape, and the figure stands beside it as text; for whoever cannot see it the
 * picture is hidden or labelled.
 *
 * Always true: a value outside its axis is drawn at the edge; nothing of a stranger's enters a picture.
 *
 * Not here: which figures are shown (report_page).
 */
#include "slactl/report_chart.h"
#include "slactl/report_markup.h"

enum {
    SHARE_WIDTH = 90,
    BAR_HEIGHT = 10,
    TREND_WIDTH = 220,
    TREND_HEIGHT = 110,
    TREND_LEFT = 34,
    TREND_RIGHT = 8,
    TREND_TOP = 18,
    TREND_BOTTOM = 18
};

static const struct party_look {
    enum party party;
    const char *id, *pattern;
} looks[PARTIES_COUNT] = {
    {PARTY_PROVIDER, "provider", "<rect width=\"6\" height=\"6\" fill=\"#1d3557\"/>"},
    {PARTY_SUPPLIER, "supplier",
     "<rect width=\"6\" height=\"6\" fill=\"#fff\"/><path d=\"M-1 7L7 -1M-1 1L1 -1M5 7L7 5\" "
     "stroke=\"#1d3557\" "
     "stroke-width=\"1.6\"/>"},
    {PARTY_CUSTOMER, "customer",
     "<rect width=\"6\" height=\"6\" fill=\"#f6d9a8\"/><circle cx=\"3\" cy=\"3\" r=\"1.3\" "
     "fill=\"#5c3a00\"/>"},
    {PARTY_CUSTOMER_SUPPLIER, "customer_supplier",
     "<rect width=\"6\" height=\"6\" fill=\"#fff\"/><path d=\"M0 3H6M3 0V6\" stroke=\"#5c3a00\" "
     "stroke-width=\"1\"/>"},
    {PARTY_NOBODY, "nobody", "<rect width=\"6\" height=\"6\" fill=\"#fff\"/>"},
};

enum party
report_chart_party(size_t place)
{
    return looks[place].party;
}

static const char *
id_of(enum party party)
{
    size_t i = 0;

    while (looks[i].party != party)
        i++;
    return looks[i].id;
}

void
report_chart_patterns(struct buffer *out)
{
    buffer_append_text(out, "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>\n");
    for (size_t i = 0; i < PARTIES_COUNT; i++)
        report_markup_format(
            out,
            "<pattern id=\"p-%s\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">%s</pattern>\n",
            looks[i].id, looks[i].pattern);
    buffer_append_text(out, "</defs></svg>\n");
}

/* A coordinate in tenths. */
static void
append_coordinate(struct buffer *out, const char *name, int64_t tenths)
{
    report_markup_format(out, " %s=\"%s%lld.%lld\"", name, tenths < 0 ? "-" : "",
                         (long long)(tenths < 0 ? -tenths : tenths) / 10,
                         (long long)(tenths < 0 ? -tenths : tenths) % 10);
}

static void
open_svg(struct buffer *out, int width, int height, const char *more)
{
    report_markup_format(out, "<svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" %s>", width, height,
                         width, height, more);
}

static void
append_line(struct buffer *out, const char *class, const int64_t from[2], const int64_t to[2])
{
    report_markup_format(out, "<line class=\"%s\"", class);
    append_coordinate(out, "x1", from[0]);
    append_coordinate(out, "y1", from[1]);
    append_coordinate(out, "x2", to[0]);
    append_coordinate(out, "y2", to[1]);
    buffer_append_text(out, "/>");
}

/* ---- shares ---- */

void
report_chart_share(struct buffer *out, int64_t hits, int64_t n, int target_bp)
{
    int64_t filled = hits * (SHARE_WIDTH * 10 - 10) / n,
            mark = 5 + (int64_t)target_bp * (SHARE_WIDTH - 1) / 1000;

    open_svg(out, SHARE_WIDTH, BAR_HEIGHT + 4, "class=\"share\" aria-hidden=\"true\"");
    report_markup_format(out, "<rect class=\"empty\" x=\"0.5\" y=\"2.5\" width=\"%d\" height=\"%d\"/>",
                         SHARE_WIDTH - 1, BAR_HEIGHT - 1);
    buffer_append_text(out, "<rect class=\"full\" x=\"0.5\" y=\"2.5\"");
    append_coordinate(out, "width", filled);
    report_markup_format(out, " height=\"%d\"/>", BAR_HEIGHT - 1);
    if (target_bp > 0)
        append_line(out, "mark", (const int64_t[]){mark, 0}, (const int64_t[]){mark, 10 * (BAR_HEIGHT + 4)});
    buffer_append_text(out, "</svg>");
}

/* ---- parties ---- */

static void
append_part(struct buffer *out, enum party party, int64_t from, int64_t to, int height)
{
    report_markup_format(out, "<rect class=\"part\" fill=\"url(#p-%s)\" y=\"0.5\" height=\"%d\"",
                         id_of(party), height);
    append_coordinate(out, "x", from + 5);
    append_coordinate(out, "width", to - from);
    buffer_append_text(out, "/>");
}

void
report_chart_parties(struct buffer *out, const int64_t wall_ms[PARTIES_COUNT], int64_t whole_ms, int width)
{
    int64_t so_far_ms = 0;
    double room = (double)(width - 1) * 10.0;

    open_svg(out, width, BAR_HEIGHT + 2, "class=\"parties\" aria-hidden=\"true\"");
    for (size_t i = 0; whole_ms > 0 && i < PARTIES_COUNT; i++) {
        int64_t part_ms = wall_ms[looks[i].party];

        if (part_ms > 0)
            append_part(out, looks[i].party, (int64_t)((double)so_far_ms / (double)whole_ms * room),
                        (int64_t)((double)(so_far_ms + part_ms) / (double)whole_ms * room), BAR_HEIGHT);
        so_far_ms += part_ms;
    }
    buffer_append_text(out, "</svg>");
}

void
report_chart_swatch(struct buffer *out, enum party party)
{
    open_svg(out, 12, 12, "class=\"swatch\" aria-hidden=\"true\"");
    append_part(out, party, 0, 110, 11);
    buffer_append_text(out, "</svg>");
}

/* ---- trends ---- */

static int64_t
y_of(const struct report_chart *chart, double value)
{
    double share = (value - chart->lowest) / (chart->highest - chart->lowest);
    double room = (double)(TREND_HEIGHT - TREND_TOP - TREND_BOTTOM) * 10.0;

    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (TREND_HEIGHT - TREND_BOTTOM) * 10 - (int64_t)(share * room + 0.5);
}

static int64_t
x_of(const struct report_chart *chart, size_t point)
{
    int64_t room = (TREND_WIDTH - TREND_LEFT - TREND_RIGHT) * 10;

    return TREND_LEFT * 10 + room * (2 * (int64_t)point + 1) / (2 * (int64_t)chart->points_count);
}

static void
append_label(struct buffer *out, const char *anchor, int64_t x, int64_t y, const char *text)
{
    report_markup_format(out, "<text text-anchor=\"%s\"", anchor);
    append_coordinate(out, "x", x);
    append_coordinate(out, "y", y);
    report_markup_format(out, ">%s</text>", text);
}

static void
append_axis(struct buffer *out, const struct report_chart *chart)
{
    const int64_t left = TREND_LEFT * 10, right = (TREND_WIDTH - TREND_RIGHT) * 10;
    const int64_t ends[] = {y_of(chart, chart->highest), y_of(chart, chart->lowest)};

    report_markup_format(out, "<text class=\"title\" x=\"0\" y=\"9\">%s</text>", chart->title);
    for (size_t i = 0; i < 2; i++)
        append_line(out, "axis", (const int64_t[]){left, ends[i]}, (const int64_t[]){right, ends[i]});
    append_label(out, "end", left - 40, ends[0] + 30, chart->high_label);
    append_label(out, "end", left - 40, ends[1] + 30, chart->low_label);
    if (chart->has_target)
        append_line(out, "target", (const int64_t[]){left, y_of(chart, chart->target)},
                    (const int64_t[]){right, y_of(chart, chart->target)});
}

/* A filled circle with its interval; the second series a hollow square. */
static void
append_point(struct buffer *out, const struct report_chart *chart, size_t i)
{
    const struct report_chart_point *point = &chart->points[i];
    int64_t x = x_of(chart, i), y = y_of(chart, point->value);

    append_label(out, "middle", x, TREND_HEIGHT * 10 - 50, point->label);
    if (!point->present) {
        append_label(out, "middle", x, TREND_HEIGHT * 5, "?");
        return;
    }
    if (point->has_interval)
        append_line(out, "whisker", (const int64_t[]){x, y_of(chart, point->low)},
                    (const int64_t[]){x, y_of(chart, point->high)});
    if (point->has_second) {
        buffer_append_text(out, "<rect class=\"hollow\" width=\"6\" height=\"6\"");
        append_coordinate(out, "x", x - 30);
        append_coordinate(out, "y", y_of(chart, point->second) - 30);
        buffer_append_text(out, "/>");
    }
    buffer_append_text(out, "<circle class=\"point\" r=\"3\"");
    append_coordinate(out, "cx", x);
    append_coordinate(out, "cy", y);
    buffer_append_text(out, "/>");
}

void
report_chart_trend(struct buffer *out, const struct report_chart *chart)
{
    open_svg(out, TREND_WIDTH, TREND_HEIGHT, "class=\"trend\" role=\"img\"");
    report_markup_format(out, "<title>%s</title>", chart->title);
    append_axis(out, chart);
    for (size_t i = 0; i + 1 < chart->points_count; i++)
        if (chart->points[i].present && chart->points[i + 1].present)
            append_line(out, "joint", (const int64_t[]){x_of(chart, i), y_of(chart, chart->points[i].value)},
                        (const int64_t[]){x_of(chart, i + 1), y_of(chart, chart->points[i + 1].value)});
    for (size_t i = 0; i < chart->points_count; i++)
        append_point(out, chart, i);
    buffer_append_text(out, "</svg>");
}
