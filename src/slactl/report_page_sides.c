/*
 * What: the sections about promises: at a glance, both sides, where the time went, honest against flattering,
 * inside the chain.
 *
 * Why this way: both views of a promise stand in one row, with the numbers of verdicts behind them, so that
 * nobody has to look for the other one.
 *
 * Always true: kept or not is decided on whole numbers.
 *
 * Not here: users (report_page_users), single tickets (report_page_lists).
 */
#include "slactl/report_page.h"

/* ---- at a glance ---- */

static void
append_gap(struct buffer *out, const struct score_record *record)
{
    if (!record->has_gap) {
        buffer_append_text(out, "none");
        return;
    }
    report_markup_points(out, record->attainment_gap * 100.0);
    buffer_append_text(out, " points");
}

/* What the two sides of the melon say together. */
static void
append_in_short(struct buffer *out, const struct report *report, const struct score_record *record, bool ripe)
{
    const struct policy_experience *experience = &report->policy->experience;
    bool kept = report_page_is_kept(&record->attainment_contract, experience->attainment_target_bp);
    enum report_mark users = report_page_judge_px(&record->px, experience->px_target_bp);

    if (ripe)
        report_page_mark(out, MARK_BAD, "watermelon: promises kept, users proven unhappy");
    else if (experience->attainment_target_bp == 0 || experience->px_target_bp == 0)
        buffer_append_text(out, "no targets known");
    else if (record->attainment_contract.n == 0)
        report_page_mark(out, MARK_UNSURE, "no verdicts");
    else if (!kept)
        report_page_mark(out, MARK_BAD,
                         users == MARK_BAD ? "promises broken, users unhappy" : "promises broken");
    else if (users == MARK_GOOD)
        report_page_mark(out, MARK_GOOD, "promises kept, users content");
    else if (users == MARK_BAD)
        report_page_mark(out, MARK_BAD, "promises kept, users proven unhappy");
    else
        report_page_mark(out, MARK_UNSURE,
                         record->px.present ? "promises kept, users below target, not proven"
                                            : "promises kept, too few answers");
}

static void
append_glance_row(struct buffer *out, const struct report *report, struct slice name,
                  const struct score_record *record, bool ripe)
{
    report_markup_row(out);
    buffer_append_text(out, "<th scope=\"row\">");
    report_markup_text(out, name);
    report_markup_number_cell(out);
    report_page_rate(out, &record->attainment_contract);
    report_markup_number_cell(out);
    report_page_rate(out, &record->attainment_honest);
    report_markup_number_cell(out);
    append_gap(out, record);
    report_markup_number_cell(out);
    report_page_px(out, &record->px);
    report_markup_number_cell(out);
    report_page_nps(out, &record->nps);
    report_markup_cell(out);
    append_in_short(out, report, record, ripe);
    report_markup_row_end(out);
}

static void
append_targets(struct buffer *out, const struct policy_experience *experience)
{
    if (experience->attainment_target_bp == 0 && experience->px_target_bp == 0)
        return;
    buffer_append_text(out, "<p class=\"says\">Targets: ");
    if (experience->attainment_target_bp > 0) {
        buffer_append_text(out, "promises kept ");
        report_markup_bp(out, experience->attainment_target_bp);
    }
    if (experience->px_target_bp > 0) {
        buffer_append_text(out, experience->attainment_target_bp > 0 ? ", PX " : "PX ");
        report_markup_bp(out, experience->px_target_bp);
    }
    if (experience->has_nps_target)
        report_markup_format(out, ", NPS %d", experience->nps_target);
    buffer_append_text(out, ".</p>\n");
}

void
report_page_sides_glance(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"", "#As agreed", "#Honest", "#Gap", "#PX", "#NPS", "In short", NULL};
    bool ripe = false;

    for (size_t i = 0; i < report->contracts_count; i++)
        ripe = ripe || report_figures_is_ripe(&report->contracts[i]);
    report_page_section(out, TEXT_GLANCE);
    if (report->whole.count == 0)
        report_page_nothing(out, "Nothing of this customer happened in this month.");
    else {
        report_markup_table(out, heads);
        append_glance_row(out, report, slice_of("All of it"), &report->whole.items[0].record,
                          ripe && report->contracts_count == 1);
        for (size_t i = 0; i < report->contracts_count; i++)
            append_glance_row(out, report, report->contracts[i].name, &report->contracts[i].figures.record,
                              report_figures_is_ripe(&report->contracts[i]));
        report_markup_table_end(out);
        append_targets(out, &report->policy->experience);
    }
    report_page_section_end(out);
}

/* ---- both sides ---- */

static const char *
name_of_side(enum report_side side)
{
    static const char *const names[SIDES_COUNT] = {[SIDE_PROVIDER] = "Provider",
                                                   [SIDE_CUSTOMER] = "Customer",
                                                   [SIDE_SUPPLIER] = "Supplier",
                                                   [SIDE_INSIDE] = "Inside",
                                                   [SIDE_UNKNOWN] = "Not known"};

    return names[side];
}

/* As agreed; and said when it is so in that view only. */
static void
append_kept(struct buffer *out, const struct report_clock *clock)
{
    const struct score_rate *rate = &clock->line.contract, *honest = &clock->line.honest;
    int target_bp = clock->target_bp;

    if (target_bp == 0)
        buffer_append_text(out, "no target");
    else if (rate->n == 0)
        report_page_mark(out, MARK_UNSURE, "no verdicts");
    else if (!report_page_is_kept(rate, target_bp))
        report_page_mark(out, MARK_BAD, "below");
    else if (clock->line.kind == KIND_SLA && !report_page_is_kept(honest, target_bp))
        report_page_mark(out, MARK_BAD, "as agreed only");
    else
        report_page_mark(out, MARK_GOOD, "at target");
}

static void
append_clock_row(struct buffer *out, const struct report_clock *clock)
{
    const struct score_rate *contract = &clock->line.contract;

    report_markup_row(out);
    report_markup_cell(out);
    buffer_append_text(out, name_of_side(clock->side));
    report_markup_cell(out);
    report_markup_text(out, clock->line.clock);
    if (clock->line.kind == KIND_SLA && !clock->attainment)
        buffer_append_text(out, " <small>(not in attainment)</small>");
    if (clock->line.kind != KIND_SLA && clock->agreement.at != NULL) {
        buffer_append_text(out, " <small>of ");
        report_markup_text(out, clock->agreement);
        buffer_append_text(out, "</small>");
    }
    report_markup_number_cell(out);
    report_page_rate(out, contract);
    report_markup_cell(out);
    if (contract->n > 0)
        report_chart_share(out, contract->hits, contract->n, clock->target_bp);
    report_markup_number_cell(out);
    if (clock->line.kind == KIND_SLA)
        report_page_rate(out, &clock->line.honest);
    report_markup_number_cell(out);
    if (clock->target_bp > 0)
        report_markup_bp(out, clock->target_bp);
    report_markup_cell(out);
    append_kept(out, clock);
    report_markup_row_end(out);
}

/* Rows of the chain's inside, or all others. */
static void
append_clocks(struct buffer *out, const struct report *report, bool inside)
{
    static const char *const heads[] = {"Side",    "Clock",   "#As agreed", "",
                                        "#Honest", "#Target", "In short",   NULL};
    size_t rows = 0;

    for (size_t i = 0; i < report->clocks_count; i++)
        rows += (report->clocks[i].line.kind != KIND_SLA) == inside;
    if (rows == 0) {
        report_page_nothing(out, inside ? "No verdict of an OLA or UC in this month."
                                        : "No verdict of an SLA in this month.");
        return;
    }
    report_markup_table(out, heads);
    for (size_t i = 0; i < report->clocks_count; i++)
        if ((report->clocks[i].line.kind != KIND_SLA) == inside)
            append_clock_row(out, &report->clocks[i]);
    report_markup_table_end(out);
}

void
report_page_sides_both(struct buffer *out, const struct report *report)
{
    report_page_section(out, TEXT_SIDES);
    append_clocks(out, report, false);
    report_page_section_end(out);
}

void
report_page_sides_inside(struct buffer *out, const struct report *report)
{
    report_page_section(out, TEXT_INSIDE);
    append_clocks(out, report, true);
    report_page_section_end(out);
}

/* ---- where the time went ---- */

static void
append_party_row(struct buffer *out, const struct scores_slice *whole, enum party party, int64_t sum_ms)
{
    report_markup_row(out);
    report_markup_cell(out);
    report_chart_swatch(out, party);
    report_markup_format(out, " %s", report_page_party(party));
    report_markup_number_cell(out);
    report_markup_length(out, whole->wall_ms[party]);
    report_markup_number_cell(out);
    report_markup_share_of(out, whole->wall_ms[party] / 1000, sum_ms / 1000 > 0 ? sum_ms / 1000 : 1);
    report_markup_number_cell(out);
    report_markup_length(out, whole->wall_ms[party] / whole->tickets);
    report_markup_row_end(out);
}

void
report_page_sides_time(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"Who had the ball", "#In all", "#Share", "#A ticket", NULL};
    const struct scores_slice *whole = report->whole.items;
    int64_t sum_ms = 0;

    report_page_section(out, TEXT_TIME);
    if (report->whole.count == 0 || whole->tickets == 0) {
        report_page_nothing(out, "No ticket was solved in this month.");
        report_page_section_end(out);
        return;
    }
    for (int i = 0; i < PARTIES_COUNT; i++)
        sum_ms += whole->wall_ms[i];
    buffer_append_text(out, "<figure>");
    report_chart_parties(out, whole->wall_ms, sum_ms, 660);
    report_markup_format(out, "<figcaption>n %lld tickets, ", (long long)whole->tickets);
    report_markup_length(out, sum_ms);
    buffer_append_text(out, " in all</figcaption></figure>\n");
    report_markup_table(out, heads);
    for (size_t i = 0; i < PARTIES_COUNT; i++)
        append_party_row(out, whole, report_chart_party(i), sum_ms);
    report_markup_table_end(out);
    report_page_section_end(out);
}

/* ---- honest against flattering ---- */

static void
append_flag_row(struct buffer *out, const char *name, const char *means, const struct report_flag *flag)
{
    report_markup_row(out);
    report_markup_cell(out);
    buffer_append_text(out, name);
    report_markup_cell(out);
    buffer_append_text(out, means);
    report_markup_number_cell(out);
    report_markup_count(out, flag->n);
    report_markup_number_cell(out);
    report_markup_count(out, flag->differ);
    report_markup_row_end(out);
}

static void
append_flags(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"Flag", "What happened", "#Verdicts with it",
                                        "#Met as agreed, not honestly", NULL};
    static const char *const means[CLOCK_FLAGS_COUNT] = {
        "the target changed when the time was already over",
        "broken by a correction of the past",
        "a calendar's days were corrected",
        "set to wait for the customer without a word to him",
        "solved or closed by a bot or the system, not by a person",
        "a holding reply was sent",
        "solved too early: the user had it opened again",
        "the priority was changed and changed back",
        "merged with another ticket",
        "a person excused the breach"};

    report_markup_table(out, heads);
    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++)
        if (report->flags[i].n > 0)
            append_flag_row(out, clock_flag_text((enum clock_flag)(1 << i)), means[i], &report->flags[i]);
    if (report->excluded.n > 0)
        append_flag_row(out, "excluded", "left out of the honest view by the contract", &report->excluded);
    if (report->unflagged.n > 0)
        append_flag_row(out, "no flag", "no flag says why", &report->unflagged);
    report_markup_table_end(out);
}

void
report_page_sides_honest(struct buffer *out, const struct report *report)
{
    const struct score_record *record = report->whole.count > 0 ? &report->whole.items[0].record : NULL;

    report_page_section(out, TEXT_HONEST);
    if (record == NULL || report->judged == 0) {
        report_page_nothing(out, "No verdict that counts in attainment in this month.");
    } else {
        buffer_append_text(out, "<p>As agreed ");
        report_page_rate(out, &record->attainment_contract);
        buffer_append_text(out, ", honest ");
        report_page_rate(out, &record->attainment_honest);
        buffer_append_text(out, ": a gap of ");
        append_gap(out, record);
        report_markup_format(out, ". Of %lld verdicts %lld were met as agreed and not so honestly.</p>\n",
                             (long long)report->judged, (long long)report->differ);
        append_flags(out, report);
    }
    report_page_section_end(out);
}
