/*
 * What: the lists: worst stretches, what would help most, what the report cannot know.
 *
 * Why this way: a list is short, in an order that is said, and says how much it leaves out.
 *
 * Always true: at most REPORT_WORST_MAX and REPORT_IMPROVEMENTS_MAX rows.
 *
 * Not here: the order (report_facts, report_improve).
 */
#include "slactl/report_page.h"

/* ---- worst stretches ---- */

static void
append_where(struct buffer *out, struct slice priority, struct slice service)
{
    report_markup_text(out, priority);
    if (priority.at != NULL && service.at != NULL)
        buffer_append_text(out, ", ");
    report_markup_text(out, service);
}

static void
append_overrun(struct buffer *out, const struct report *report, const struct report_verdict *verdict)
{
    const char *between = "";

    report_markup_row(out);
    report_markup_cell(out);
    report_markup_ticket(out, report->ticket_url, verdict->ticket);
    report_markup_cell(out);
    report_markup_format(out, "%s/", clock_kind_text(verdict->kind));
    report_markup_text(out, verdict->clock);
    report_markup_cell(out);
    append_where(out, verdict->priority, verdict->service);
    report_markup_number_cell(out);
    report_markup_length(out, verdict->target_ms);
    report_markup_number_cell(out);
    report_markup_length(out, verdict->overrun_wall_ms);
    buffer_append_text(out, verdict->ended ? "" : " <small>(not over yet)</small>");
    report_markup_cell(out);
    report_page_holder(out, verdict->wall_ms);
    report_markup_cell(out);
    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++)
        if ((verdict->flags & 1 << i) != 0) {
            report_markup_format(out, "%s%s", between, clock_flag_text((enum clock_flag)(1 << i)));
            between = ", ";
        }
    report_markup_row_end(out);
}

static void
append_wait(struct buffer *out, const struct report *report, const struct report_ticket *ticket)
{
    int64_t whole_ms = report->waits[0]->waited_ms, wall_ms[PARTIES_COUNT];

    memcpy(wall_ms, ticket->wall_ms, sizeof wall_ms);
    wall_ms[PARTY_NOBODY] = 0;
    report_markup_row(out);
    report_markup_cell(out);
    report_markup_ticket(out, report->ticket_url, ticket->name);
    report_markup_cell(out);
    append_where(out, ticket->priority, ticket->service);
    report_markup_number_cell(out);
    report_markup_length(out, ticket->waited_ms);
    report_markup_cell(out);
    report_chart_parties(out, wall_ms, whole_ms, 220);
    report_markup_cell(out);
    report_page_holder(out, wall_ms);
    report_markup_number_cell(out);
    report_markup_count(out, ticket->reopens);
    report_markup_row_end(out);
}

static void
append_overruns(struct buffer *out, const struct report *report, int side)
{
    static const char *const heads[] = {"Ticket",       "Promise", "What", "#Target", "#Past it, real time",
                                        "Longest with", "Flags",   NULL};
    static const char *const sides[] = {[REPORT_OF_PROVIDER] = "the provider and whom he brings",
                                        [REPORT_OF_CUSTOMER] = "the customer",
                                        [REPORT_OF_UNKNOWN] =
                                            "whose duty it is is not known without a policy"};
    const struct report_overruns *overruns = &report->overruns[side];

    if (side == REPORT_OF_UNKNOWN && overruns->count == 0)
        return;
    report_markup_format(out, "<h3>Past the promise: %s <small>(%zu of %zu broken)</small></h3>\n",
                         sides[side], overruns->count, overruns->breached);
    if (overruns->count == 0) {
        report_page_nothing(out, "No promise of this side was broken in this month.");
        return;
    }
    report_markup_table(out, heads);
    for (size_t i = 0; i < overruns->count; i++)
        append_overrun(out, report, overruns->worst[i]);
    report_markup_table_end(out);
}

void
report_page_lists_stretches(struct buffer *out, const struct report *report)
{
    static const char *const waits[] = {"Ticket",       "What",      "#Waited", "By party",
                                        "Longest with", "#Reopened", NULL};

    report_page_section(out, TEXT_STRETCHES);
    for (int side = 0; side < REPORT_OVERRUNS_COUNT; side++)
        append_overruns(out, report, side);
    report_markup_format(out, "<h3>Longest waits <small>(%zu of %zu tickets solved)</small></h3>\n",
                         report->waits_count, report->solved_count);
    if (report->waits_count > 0) {
        report_markup_table(out, waits);
        for (size_t i = 0; i < report->waits_count; i++)
            append_wait(out, report, report->waits[i]);
        report_markup_table_end(out);
    }
    report_page_section_end(out);
}

/* ---- what would help most ---- */

static void
append_what(struct buffer *out, const struct report_improvement *improvement)
{
    static const char *const befores[] = {[IMPROVE_SERVICE] = "Experience of the service ",
                                          [IMPROVE_ASPECT] = "What users say of ",
                                          [IMPROVE_TOUCHPOINT] = "Experience at ",
                                          [IMPROVE_PROMISE] = "Promise "};

    buffer_append_text(out, befores[improvement->kind]);
    buffer_append_text(out, "<b>");
    report_markup_text(out, improvement->what);
    buffer_append_text(out, "</b>");
    if (improvement->detail.at != NULL) {
        buffer_append_text(out, " of ");
        report_markup_text(out, improvement->detail);
    }
    if (improvement->kind == IMPROVE_PROMISE)
        buffer_append_text(out, improvement->side == SIDE_PROVIDER   ? " (honest view)"
                                : improvement->side == SIDE_CUSTOMER ? " (the customer's own)"
                                                                     : " (inside the chain)");
}

/* Of a service: its worst aspect, and who had its tickets longest. */
static void
append_look(struct buffer *out, const struct report *report, const struct report_improvement *improvement)
{
    const struct scores_slice *service = NULL;
    const struct score_aspect *worst = NULL;

    for (size_t i = 0; improvement->kind == IMPROVE_SERVICE && i < report->services.count; i++)
        if (slice_equal(report->services.items[i].record.scope.values[ATTRIBUTE_SERVICE], improvement->what))
            service = &report->services.items[i];
    if (service == NULL)
        return;
    for (size_t i = 0; i < service->record.aspects_count; i++) {
        const struct score_aspect *aspect = &service->record.aspects[i];

        if (aspect->has_impact && aspect->impact < 0 && (worst == NULL || aspect->impact < worst->impact))
            worst = aspect;
    }
    if (worst != NULL) {
        report_markup_text(out, worst->name);
        buffer_append_text(out, " <small>(");
        report_markup_share(out, worst->px.value);
        report_markup_format(out, ", n&nbsp;%lld)</small>; ", (long long)worst->px.n);
    }
    report_page_holder(out, service->wall_ms);
}

static void
append_improvement(struct buffer *out, const struct report *report, size_t i)
{
    const struct report_improvement *improvement = &report->improvements[i];

    report_markup_row(out);
    report_markup_number_cell(out);
    report_markup_format(out, "%zu", i + 1);
    report_markup_cell(out);
    append_what(out, improvement);
    report_markup_number_cell(out);
    report_page_rate(out, &(struct score_rate){true, improvement->hits, improvement->n, 0});
    report_markup_number_cell(out);
    report_markup_bp(out, improvement->target_bp);
    report_markup_number_cell(out);
    report_markup_decimal(out, improvement->impact);
    report_markup_cell(out);
    append_look(out, report, improvement);
    report_markup_row_end(out);
}

void
report_page_lists_improve(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"#", "What", "#Now", "#Target", "#Impact", "Where to look first",
                                        NULL};
    size_t shown = report->improvements_count < REPORT_IMPROVEMENTS_MAX ? report->improvements_count
                                                                        : REPORT_IMPROVEMENTS_MAX;

    report_page_section(out, TEXT_IMPROVE);
    if (shown == 0) {
        report_page_nothing(out, report->has_policy
                                     ? "Nothing that has a target and enough behind it is below it."
                                     : "Targets are not known without a policy.");
    } else {
        report_markup_table(out, heads);
        for (size_t i = 0; i < shown; i++)
            append_improvement(out, report, i);
        report_markup_table_end(out);
        if (shown < report->improvements_count)
            report_markup_format(out, "<p class=\"says\">%zu more are below target.</p>\n",
                                 report->improvements_count - shown);
    }
    report_page_section_end(out);
}

/* ---- what it cannot know ---- */

static void
append_item(struct buffer *out, const char *text)
{
    buffer_append_text(out, "<li>");
    buffer_append_text(out, text);
    buffer_append_text(out, "</li>\n");
}

static void
append_silent(struct buffer *out, const struct report *report)
{
    const struct score_rate *rate =
        report->whole.count > 0 ? &report->whole.items[0].record.response_rate : NULL;

    if (rate == NULL || rate->n == 0) {
        append_item(out, "How many of those who were asked did answer: no survey was offered in the month.");
        return;
    }
    buffer_append_text(out, "<li>What the ");
    report_markup_count(out, rate->n - rate->hits);
    buffer_append_text(out, " of ");
    report_markup_count(out, rate->n);
    buffer_append_text(out, " would have said who were asked and did not answer.</li>\n");
}

static void
append_pauses(struct buffer *out, const struct report *report)
{
    const struct report_flag *flag = &report->flags[3]; /* FLAG_PAUSE_WITHOUT_CONTACT */

    buffer_append_text(
        out, "<li>Whether a ticket that waits for the customer really needed him: the status is believed");
    if (flag->n > 0)
        report_markup_format(out, "; %lld verdicts have a wait that began without a word to him",
                             (long long)flag->n);
    buffer_append_text(out, ".</li>\n");
}

void
report_page_lists_unknown(struct buffer *out, const struct report *report)
{
    report_page_section(out, TEXT_UNKNOWN);
    buffer_append_text(out, "<ul>\n");
    append_silent(out, report);
    append_item(out, "What users suffered who opened no ticket.");
    append_pauses(out, report);
    append_item(out, "How promises end that were neither kept nor broken by the month's end: they count when "
                     "they are decided.");
    if (report->known_until_ms != INSTANT_NONE) {
        buffer_append_text(out, "<li>What was learnt after ");
        report_markup_instant(out, report->zone, report->known_until_ms);
        buffer_append_text(out, "; later proof may still change these figures.</li>\n");
    }
    if (!report->has_policy)
        append_item(out, "Targets, key experience indicators, contracts and whose duty a handling clock is: "
                         "no policy was given.");
    if (report->unread > 0)
        report_markup_format(out, "<li>What stands in %llu lines that could not be read.</li>\n",
                             (unsigned long long)report->unread);
    append_item(out, "What people wrote: comments never enter the outcomes.");
    buffer_append_text(out, "</ul>\n");
    report_page_section_end(out);
}
