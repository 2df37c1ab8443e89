/*
 * What: what the users said: the month's figures, the months before it, services, aspects, touchpoints by
 * user group, and who was asked.
 *
 * Why this way: a figure without its interval is gossip, and one without its response rate a choice of
 * friends; so both stand there.
 *
 * Always true: below min_answers there is no figure, only how many there were.
 *
 * Not here: targets that are missed, in order (report_page_lists).
 */
#include "slactl/report_page.h"

enum { TOUCHPOINT = ATTRIBUTES_COUNT + 1, MONTH_BYTES = 8 };

/* ---- trend ---- */

/* For a picture: "2026-11". */
static void
month_label(const struct report *report, const struct report_month *month, char label[MONTH_BYTES])
{
    static const char before[] = "<time>";
    struct buffer text = {0};

    report_markup_month(&text, report->zone, month->span.after_ms + 1);
    memcpy(label, text.at + sizeof before - 1, MONTH_BYTES - 1);
    label[MONTH_BYTES - 1] = '\0';
    buffer_free(&text);
}

enum trend { TREND_ATTAINMENT, TREND_PX, TREND_NPS };

static struct report_chart_point
point_of(const struct report_month *month, enum trend trend)
{
    const struct score_record *record = &month->figures.record;

    if (!month->has_figures)
        return (struct report_chart_point){.present = false};
    if (trend == TREND_ATTAINMENT)
        return (struct report_chart_point){.present = record->attainment_contract.present,
                                           .value = record->attainment_contract.value,
                                           .has_second = record->attainment_honest.present,
                                           .second = record->attainment_honest.value};
    if (trend == TREND_PX)
        return (struct report_chart_point){.present = record->px.present,
                                           .value = record->px.value,
                                           .has_interval = true,
                                           .low = record->px.low,
                                           .high = record->px.high};
    return (struct report_chart_point){.present = record->nps.present,
                                       .value = record->nps.value,
                                       .has_interval = true,
                                       .low = record->nps.low,
                                       .high = record->nps.high};
}

static void
append_trend(struct buffer *out, const struct report *report, enum trend trend)
{
    const struct policy_experience *experience = &report->policy->experience;
    struct report_chart charts[] = {
        [TREND_ATTAINMENT] = {"Promises: &#9679; as agreed, &#9633; honest", 0.5, 1, "50 %", "100 %",
                              experience->attainment_target_bp > 0,
                              (double)experience->attainment_target_bp / 10000.0, NULL, 0},
        [TREND_PX] = {"PX with interval", 0, 1, "0 %", "100 %", experience->px_target_bp > 0,
                      (double)experience->px_target_bp / 10000.0, NULL, 0},
        [TREND_NPS] = {"NPS with interval", -100, 100, "&#8722;100", "+100", experience->has_nps_target,
                       (double)experience->nps_target, NULL, 0}};
    struct report_chart_point points[REPORT_MONTHS_MAX];
    char labels[REPORT_MONTHS_MAX][MONTH_BYTES];

    for (size_t i = 0; i < report->months_count; i++) {
        month_label(report, &report->months[i], labels[i]);
        points[i] = point_of(&report->months[i], trend);
        points[i].label = report->months_count > 4 ? labels[i] + 5 : labels[i];
    }
    charts[trend].points = points;
    charts[trend].points_count = report->months_count;
    report_chart_trend(out, &charts[trend]);
}

/* Four cells: attainment as agreed and honest, PX, NPS. */
static void
append_figures(struct buffer *out, const struct score_record *record)
{
    report_markup_number_cell(out);
    report_page_rate(out, &record->attainment_contract);
    report_markup_number_cell(out);
    report_page_rate(out, &record->attainment_honest);
    report_markup_number_cell(out);
    report_page_px(out, &record->px);
    report_markup_number_cell(out);
    report_page_nps(out, &record->nps);
}

static void
append_month_row(struct buffer *out, const struct report *report, const struct report_month *month)
{
    report_markup_row(out);
    buffer_append_text(out, "<th scope=\"row\">");
    report_markup_month(out, report->zone, month->span.after_ms + 1);
    append_figures(out, &month->figures.record);
    report_markup_row_end(out);
}

static void
append_months(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"Month", "#As agreed", "#Honest", "#PX", "#NPS", NULL};

    buffer_append_text(out, "<figure class=\"trends\">");
    append_trend(out, report, TREND_ATTAINMENT);
    append_trend(out, report, TREND_PX);
    append_trend(out, report, TREND_NPS);
    buffer_append_text(out,
                       "<figcaption>The dashed line is the target; ? means too few.</figcaption></figure>\n");
    report_markup_table(out, heads);
    for (size_t i = 0; i < report->months_count; i++)
        append_month_row(out, report, &report->months[i]);
    report_markup_table_end(out);
}

/* "PX −35.1 points against the month before (n 97), z −5.6: more than chance." */
static void
append_change(struct buffer *out, const char *name, const struct score_change *change, double scale)
{
    if (!change->present)
        return;
    report_markup_format(out, "<p>%s ", name);
    report_markup_points(out, change->difference * scale);
    report_markup_format(out, " points against the month before (n&nbsp;%lld), z&nbsp;",
                         (long long)change->previous_n);
    report_markup_points(out, change->z);
    buffer_append_text(out, change->z >= 1.959964 || change->z <= -1.959964 ? ": more than chance.</p>\n"
                                                                            : ": may be chance.</p>\n");
}

/* ---- who was asked ---- */

static void
append_fact(struct buffer *out, const char *name, const struct score_rate *rate)
{
    report_markup_format(out, "<div><dt>%s</dt><dd>", name);
    report_page_rate(out, rate);
    buffer_append_text(out, "</dd></div>\n");
}

static void
append_mean(struct buffer *out, const char *name, const char *unit, const struct score_mean *mean)
{
    if (!mean->present)
        return;
    report_markup_format(out, "<div><dt>%s</dt><dd>", name);
    report_markup_decimal(out, mean->value);
    report_markup_format(out, "%s <small>(n&nbsp;%lld)</small></dd></div>\n", unit, (long long)mean->n);
}

static void
append_facts(struct buffer *out, const struct score_record *record)
{
    buffer_append_text(out, "<dl>\n");
    report_markup_format(out, "<div><dt>Answers</dt><dd>%lld <small>of %lld people</small></dd></div>\n",
                         (long long)record->n, (long long)record->people);
    append_fact(out, "Surveys answered", &record->response_rate);
    append_fact(out, "Solved tickets asked about", &record->coverage);
    append_fact(out, "&hellip; whose promises were kept", &record->coverage_met);
    append_fact(out, "&hellip; of which one was broken", &record->coverage_breached);
    append_mean(out, "Stars, mean", " of 5", &record->csat);
    append_mean(out, "Effort, mean", " of 7", &record->ces);
    append_mean(out, "Time lost, mean", "&nbsp;min, as users say", &record->lost_minutes);
    buffer_append_text(out, "</dl>\n");
}

/* ---- by service, aspect, touchpoint ---- */

static void
append_service_row(struct buffer *out, const struct scores_slice *service)
{
    const struct score_record *record = &service->record;

    report_markup_row(out);
    buffer_append_text(out, "<th scope=\"row\">");
    report_markup_text(out, record->scope.values[ATTRIBUTE_SERVICE]);
    append_figures(out, record);
    report_markup_number_cell(out);
    report_markup_count(out, service->tickets);
    report_markup_cell(out);
    report_page_holder(out, service->wall_ms);
    report_markup_row_end(out);
}

static void
append_services(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"Service", "#As agreed",         "#Honest", "#PX", "#NPS",
                                        "#Solved", "Waited longest for", NULL};

    if (report->services.count == 0)
        return;
    buffer_append_text(out, "<h3>By service</h3>\n");
    report_markup_table(out, heads);
    for (size_t i = 0; i < report->services.count; i++)
        append_service_row(out, &report->services.items[i]);
    report_markup_table_end(out);
}

static void
append_aspects(struct buffer *out, const struct report *report, const struct score_record *record)
{
    static const char *const heads[] = {"Aspect", "#Positive", "", "#Mean", "", NULL};
    int target_bp = report->policy->experience.px_target_bp;

    if (record->aspects_count == 0)
        return;
    buffer_append_text(out, "<h3>By aspect</h3>\n");
    report_markup_table(out, heads);
    for (size_t i = 0; i < record->aspects_count; i++) {
        const struct score_aspect *aspect = &record->aspects[i];

        report_markup_row(out);
        buffer_append_text(out, "<th scope=\"row\">");
        report_markup_text(out, aspect->name);
        report_markup_number_cell(out);
        report_page_px(out, &aspect->px);
        report_markup_cell(out);
        if (aspect->px.present)
            report_chart_share(out, aspect->px.positive, aspect->px.n, target_bp);
        report_markup_number_cell(out);
        if (aspect->mean.present)
            report_markup_decimal(out, aspect->mean.value);
        report_markup_cell(out);
        if (aspect->px.present && target_bp > 0)
            report_page_mark(out, report_page_judge_px(&aspect->px, target_bp),
                             aspect->has_impact && aspect->impact >= 0 ? "at target" : "below");
        report_markup_row_end(out);
    }
    report_markup_table_end(out);
}

static void
append_touchpoints(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"Touchpoint", "User group", "#PX", "", "#NPS", NULL};

    if (report->touchpoints.count == 0)
        return;
    buffer_append_text(out, "<h3>By touchpoint and user group</h3>\n");
    report_markup_table(out, heads);
    for (size_t i = 0; i < report->touchpoints.count; i++) {
        const struct score_record *record = &report->touchpoints.items[i].record;

        report_markup_row(out);
        report_markup_cell(out);
        report_markup_text(out, record->scope.values[TOUCHPOINT]);
        report_markup_cell(out);
        report_markup_text(out, record->scope.values[ATTRIBUTE_USER_GROUP]);
        report_markup_number_cell(out);
        report_page_px(out, &record->px);
        report_markup_cell(out);
        if (record->px.present)
            report_chart_share(out, record->px.positive, record->px.n,
                               report->policy->experience.px_target_bp);
        report_markup_number_cell(out);
        report_page_nps(out, &record->nps);
        report_markup_row_end(out);
    }
    report_markup_table_end(out);
}

void
report_page_users(struct buffer *out, const struct report *report)
{
    const struct score_record *record = report->whole.count > 0 ? &report->whole.items[0].record : NULL;

    report_page_section(out, TEXT_USERS);
    append_months(out, report);
    if (record != NULL) {
        append_change(out, "PX", &record->change_px, 100);
        append_change(out, "NPS", &record->change_nps, 1);
        append_facts(out, record);
        append_services(out, report);
        append_aspects(out, report, record);
        append_touchpoints(out, report);
    }
    report_page_section_end(out);
}
