/*
 * What: the report as one HTML page: its frame, the order of its sections, and the cells they share.
 *
 * Why this way: a committee prints it, mails it and reads it next year. So it is one file without scripts,
 * fonts or pictures from elsewhere, and every figure stands as text with its n.
 *
 * Always true: same report, same bytes; a section is there even when it has nothing to say, and says why.
 *
 * Not here: sections (report_page_*.c), colours (report_style).
 */
#include "slactl/report_page.h"
#include "slactl/report_chart.h"

static const struct {
    const char *title, *says;
} texts[TEXTS_COUNT] = {
#define TEXT(NAME, title, says) {title, says},
#include "slactl/report_text.def"
#undef TEXT
};

/* ---- shared ---- */

void
report_page_section(struct buffer *out, enum report_text text)
{
    report_markup_format(out, "<section>\n<h2>%s</h2>\n", texts[text].title);
    if (texts[text].says[0] != '\0')
        buffer_append_text(out, "<p class=\"says\">"), buffer_append_text(out, texts[text].says),
            buffer_append_text(out, "</p>\n");
}

void
report_page_section_end(struct buffer *out)
{
    buffer_append_text(out, "</section>\n");
}

void
report_page_nothing(struct buffer *out, const char *why)
{
    report_markup_format(out, "<p class=\"nothing\">%s</p>\n", why);
}

void
report_page_mark(struct buffer *out, enum report_mark mark, const char *words)
{
    static const struct {
        const char *class, *shape;
    } marks[] = {[MARK_GOOD] = {"good", "&#9679;"},
                 [MARK_BAD] = {"bad", "&#9650;"},
                 [MARK_UNSURE] = {"unsure", "&#9670;"}};

    report_markup_format(out, "<span class=\"mark %s\">%s %s</span>", marks[mark].class, marks[mark].shape,
                         words);
}

void
report_page_rate(struct buffer *out, const struct score_rate *rate)
{
    if (rate->n == 0) {
        buffer_append_text(out, "none");
        return;
    }
    report_markup_share_of(out, rate->hits, rate->n);
    buffer_append_text(out, " <small>(");
    report_markup_count(out, rate->hits);
    buffer_append_text(out, " of ");
    report_markup_count(out, rate->n);
    buffer_append_text(out, ")</small>");
}

static void
append_too_few(struct buffer *out, int64_t n)
{
    buffer_append_text(out, n == 0 ? "no answers" : "too few");
    report_markup_format(out, " <small>(n&nbsp;%lld)</small>", (long long)n);
}

void
report_page_px(struct buffer *out, const struct score_px *px)
{
    if (!px->present) {
        append_too_few(out, px->n);
        return;
    }
    report_markup_share(out, px->value);
    buffer_append_text(out, " <small>(");
    report_markup_share(out, px->low);
    buffer_append_text(out, " to ");
    report_markup_share(out, px->high);
    report_markup_format(out, ", n&nbsp;%lld)</small>", (long long)px->n);
}

void
report_page_nps(struct buffer *out, const struct score_nps *nps)
{
    if (!nps->present) {
        append_too_few(out, nps->n);
        return;
    }
    report_markup_points(out, nps->value);
    buffer_append_text(out, " <small>(");
    report_markup_points(out, nps->low);
    buffer_append_text(out, " to ");
    report_markup_points(out, nps->high);
    report_markup_format(out, ", n&nbsp;%lld)</small>", (long long)nps->n);
}

enum report_mark
report_page_judge_px(const struct score_px *px, int target_bp)
{
    double target = (double)target_bp / 10000.0;

    if (!px->present)
        return MARK_UNSURE;
    if (px->value >= target)
        return MARK_GOOD;
    return px->high < target ? MARK_BAD : MARK_UNSURE;
}

bool
report_page_is_kept(const struct score_rate *rate, int target_bp)
{
    return rate->hits * 10000 >= (int64_t)target_bp * rate->n;
}

/* "service network, user_group stores"; the customer of the report goes without saying. */
void
report_page_scope(struct buffer *out, const struct score_scope *scope, const char *customer)
{
    bool first = true;

    for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++) {
        static const char *const behind[] = {"source", "touchpoint", "survey"};

        if ((scope->dimensions & 1U << i) == 0 ||
            (i == ATTRIBUTE_CUSTOMER && slice_is(scope->values[i], customer)))
            continue;
        report_markup_format(out, "%s%s ", first ? "" : ", ",
                             i < ATTRIBUTES_COUNT ? attribute_text((enum attribute)i)
                                                  : behind[i - ATTRIBUTES_COUNT]);
        report_markup_text(out, scope->values[i]);
        first = false;
    }
    if (first)
        buffer_append_text(out, "all of it");
}

const char *
report_page_party(enum party party)
{
    static const char *const names[PARTIES_COUNT] = {[PARTY_PROVIDER] = "provider",
                                                     [PARTY_SUPPLIER] = "provider's supplier",
                                                     [PARTY_CUSTOMER] = "customer",
                                                     [PARTY_CUSTOMER_SUPPLIER] = "customer's supplier",
                                                     [PARTY_NOBODY] = "nobody (solved)"};

    return names[party];
}

void
report_page_holder(struct buffer *out, const int64_t wall_ms[PARTIES_COUNT])
{
    enum party longest = report_chart_party(0);
    int64_t whole_ms = 0;

    for (size_t i = 0; i < PARTIES_COUNT; i++) {
        enum party party = report_chart_party(i);

        if (party == PARTY_NOBODY)
            continue;
        whole_ms += wall_ms[party];
        if (wall_ms[party] > wall_ms[longest])
            longest = party;
    }
    if (whole_ms == 0)
        return;
    report_markup_format(out, "%s, ", report_page_party(longest));
    report_markup_length(out, wall_ms[longest]);
}

/* ---- the frame ---- */

static void
append_title(struct buffer *out, const struct report *report)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};

    report_markup_plain(out, slice_of(report->customer));
    if (report->contract != NULL) {
        buffer_append_text(out, ", ");
        report_markup_plain(out, slice_of(report->contract));
    }
    report_markup_format(out, ": %s %d", months[report->month_of_year - 1], (int)report->year);
}

static void
append_head(struct buffer *out, const struct report *report)
{
    buffer_append_text(out,
                       "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                       "'unsafe-inline'\">\n<title>");
    append_title(out, report);
    buffer_append_text(out, "</title>\n<style>\n");
    buffer_append_text(out, report_style());
    buffer_append_text(out, "</style>\n</head>\n<body>\n");
    report_chart_patterns(out);
    buffer_append_text(out, "<header>\n<h1>");
    append_title(out, report);
    buffer_append_text(out, "</h1>\n<p>Service and experience report for the committee. ");
    report_markup_instant(out, report->zone, report->span.after_ms + 1);
    buffer_append_text(out, " to ");
    report_markup_instant(out, report->zone, report->span.through_ms + 1);
    buffer_append_text(out, " (");
    report_markup_text(out, report->zone_name);
    buffer_append_text(out, "). From ");
    report_markup_count(out, (int64_t)report->outcomes);
    buffer_append_text(out, " outcomes, ");
    buffer_append_text(out, report->known_until_ms == INSTANT_NONE ? "none" : "known until ");
    if (report->known_until_ms != INSTANT_NONE)
        report_markup_instant(out, report->zone, report->known_until_ms);
    buffer_append_text(out, report->has_policy ? ". Policy " : ". No policy was given");
    if (report->has_policy)
        report_markup_text(out, report->policy->label);
    buffer_append_text(out, ".</p>\n</header>\n<main>\n");
}

void
report_page_print(struct buffer *out, const struct report *report)
{
    append_head(out, report);
    report_page_sides_glance(out, report);
    report_page_sides_both(out, report);
    report_page_sides_time(out, report);
    report_page_sides_honest(out, report);
    report_page_users(out, report);
    report_page_contracts_watermelons(out, report);
    report_page_lists_improve(out, report);
    report_page_lists_stretches(out, report);
    report_page_contracts_keis(out, report);
    report_page_contracts_agreements(out, report);
    report_page_sides_inside(out, report);
    report_page_lists_unknown(out, report);
    buffer_append_text(out, "</main>\n</body>\n</html>\n");
}
