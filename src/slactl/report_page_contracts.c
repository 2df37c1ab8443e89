/*
 * What: the sections about contracts: watermelons, key experience indicators, experience agreements and
 * credits.
 *
 * Why this way: states come from the decisions that were published, figures from the scores as of the month's
 * end; where the page does not know, it says that no decision was read.
 *
 * Always true: no amount of money without the word indicative.
 *
 * Not here: promises (report_page_sides).
 */
#include "slactl/report_page.h"

static void
append_moves(struct buffer *out, const struct report *report, const struct report_contract *contract,
             enum contract_subject subject)
{
    bool any = false;

    for (size_t i = 0; i < report->moves_count; i++) {
        const struct report_move *move = &report->moves[i];

        if (move->subject != subject || !move->in_month || !slice_equal(move->contract, contract->name))
            continue;
        buffer_append_text(out, any ? "" : "<ul>\n");
        any = true;
        buffer_append_text(out, "<li>");
        report_markup_instant(out, report->zone, move->at_ms);
        report_markup_format(out, ": %s to %s", contract_state_text(move->from),
                             contract_state_text(move->to));
        if (subject == CONTRACT_WATERMELON) {
            buffer_append_text(out, ", ");
            report_page_scope(out, &move->scope, report->customer);
        }
        if (move->plan_until_ms != INSTANT_NONE) {
            buffer_append_text(out, ", improvement plan until ");
            report_markup_date(out, report->zone, move->plan_until_ms);
        }
        if (move->by.at != NULL) {
            buffer_append_text(out, ", by hand of ");
            report_markup_text(out, move->by);
            buffer_append_text(out, ": ");
            report_markup_text(out, move->reason);
        }
        buffer_append_text(out, "</li>\n");
    }
    buffer_append_text(out, any ? "</ul>\n" : "");
}

/* ---- watermelons ---- */

static void
append_aspect_list(struct buffer *out, const char *what, const struct score_share *shares, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_append_text(out, i == 0 ? what : ", ");
        report_markup_text(out, shares[i].name);
        buffer_append_byte(out, ' ');
        report_markup_share(out, shares[i].value);
        report_markup_format(out, " <small>(n&nbsp;%lld)</small>", (long long)shares[i].n);
    }
}

static void
append_watermelon(struct buffer *out, const struct report *report, const struct score_watermelon *melon)
{
    report_markup_row(out);
    report_markup_cell(out);
    report_page_scope(out, &melon->scope, report->customer);
    report_markup_cell(out);
    report_page_mark(out, melon->ripe ? MARK_BAD : MARK_GOOD, melon->ripe ? "ripe since" : "clear since");
    buffer_append_byte(out, ' ');
    if (melon->since_ms != INSTANT_NONE)
        report_markup_date(out, report->zone, melon->since_ms);
    report_markup_number_cell(out);
    report_page_rate(out, &melon->attainment);
    report_markup_number_cell(out);
    report_page_px(out, &melon->px);
    report_markup_number_cell(out);
    report_page_nps(out, &melon->nps);
    report_markup_cell(out);
    append_aspect_list(out, "negative: ", melon->negative, melon->negative_count);
    append_aspect_list(out, melon->negative_count > 0 ? "; positive: " : "positive: ", melon->positive,
                       melon->positive_count);
    report_markup_cell(out);
    report_page_holder(out, melon->wall_ms);
    report_markup_row_end(out);
}

static void
append_watermelons_of(struct buffer *out, const struct report *report, const struct report_contract *contract)
{
    static const char *const heads[] = {"Where", "State",   "#Promises as agreed", "#PX",
                                        "#NPS",  "Aspects", "Waited longest for",  NULL};

    buffer_append_text(out, "<h3>");
    report_markup_text(out, contract->name);
    buffer_append_text(out, " <small>(window ");
    report_markup_text(out, contract->policy->watermelon_window.name);
    buffer_append_text(out, ")</small></h3>\n");
    if (contract->watermelons_count == 0) {
        report_page_nothing(out, "None: no scope of it was ever ripe.");
        return;
    }
    report_markup_table(out, heads);
    for (size_t i = 0; i < contract->watermelons_count; i++)
        append_watermelon(out, report, &contract->watermelons[i]);
    report_markup_table_end(out);
    append_moves(out, report, contract, CONTRACT_WATERMELON);
}

void
report_page_contracts_watermelons(struct buffer *out, const struct report *report)
{
    size_t shown = 0;

    report_page_section(out, TEXT_WATERMELONS);
    for (size_t i = 0; i < report->contracts_count; i++)
        if (report->contracts[i].policy->has_watermelon) {
            append_watermelons_of(out, report, &report->contracts[i]);
            shown++;
        }
    if (shown == 0)
        report_page_nothing(out, report->has_policy ? "No contract of this customer asks for it."
                                                    : "Not known without a policy.");
    report_page_section_end(out);
}

/* ---- KEIs ---- */

static void
append_kei_value(struct buffer *out, const struct score_kei *kei, double value)
{
    if (kei->unit == KEI_SHARE)
        report_markup_share(out, value);
    else if (kei->unit == KEI_LENGTH)
        report_markup_length(out, (int64_t)value);
    else
        report_markup_decimal(out, value);
}

static void
append_kei_trend(struct buffer *out, const struct score_kei *kei)
{
    if (!kei->has_previous)
        return;
    buffer_append_text(out, kei->value > kei->previous   ? "up from "
                            : kei->value < kei->previous ? "down from "
                                                         : "as before, ");
    append_kei_value(out, kei, kei->previous);
    report_markup_format(out, " <small>(n&nbsp;%lld)</small>", (long long)kei->previous_n);
}

static void
append_review(struct buffer *out, const struct score_kei *kei)
{
    if (kei->kei->review_by.at == NULL) {
        buffer_append_text(out, "none set");
        return;
    }
    if (kei->overdue)
        report_page_mark(out, MARK_BAD, "overdue, was");
    else
        buffer_append_text(out, "by");
    buffer_append_byte(out, ' ');
    report_markup_text(out, kei->kei->review_by);
}

static bool
names_customer(const struct policy_match *match)
{
    for (size_t i = 0; i < match->keys_count; i++)
        if (match->keys[i].attribute == ATTRIBUTE_CUSTOMER)
            return match->keys[i].values_count == 1;
    return false;
}

static void
append_kei(struct buffer *out, const struct score_kei *kei)
{
    report_markup_row(out);
    buffer_append_text(out, "<th scope=\"row\">");
    report_markup_text(out, kei->kei->name);
    if (!names_customer(&kei->kei->match))
        buffer_append_text(out, " <small>(other customers too)</small>");
    report_markup_cell(out);
    report_markup_text(out, kei->kei->measure);
    buffer_append_text(out, " <small>(");
    report_markup_text(out, kei->kei->window.name);
    buffer_append_text(out, ")</small>");
    report_markup_number_cell(out);
    if (kei->present)
        append_kei_value(out, kei, kei->value);
    else
        buffer_append_text(out, "too few");
    report_markup_format(out, " <small>(n&nbsp;%lld)</small>", (long long)kei->n);
    report_markup_number_cell(out);
    report_markup_text(out, kei->kei->target);
    report_markup_cell(out);
    if (kei->present)
        report_page_mark(out, kei->met ? MARK_GOOD : MARK_BAD, kei->met ? "at target" : "missed");
    report_markup_cell(out);
    append_kei_trend(out, kei);
    report_markup_cell(out);
    report_markup_text(out, kei->kei->owner);
    report_markup_cell(out);
    append_review(out, kei);
    report_markup_row_end(out);
}

void
report_page_contracts_keis(struct buffer *out, const struct report *report)
{
    static const char *const heads[] = {"Indicator", "Measure", "#Value", "#Target", "",
                                        "Trend",     "Owner",   "Review", NULL};

    report_page_section(out, TEXT_KEIS);
    if (report->keis_count == 0) {
        report_page_nothing(out, report->has_policy ? "The policy names none of this customer."
                                                    : "Not known without a policy.");
    } else {
        report_markup_table(out, heads);
        for (size_t i = 0; i < report->keis_count; i++)
            append_kei(out, &report->keis[i]);
        report_markup_table_end(out);
    }
    report_page_section_end(out);
}

/* ---- experience agreements ---- */

static void
append_pxa_state(struct buffer *out, enum pxa_state state)
{
    static const struct {
        enum report_mark mark;
        const char *words;
    } rows[PXA_STATES_COUNT] = {
        [PXA_NO_DATA] = {MARK_UNSURE, "no data"},
        [PXA_PROVISIONAL] = {MARK_UNSURE, "provisional: too few answers yet"},
        [PXA_HEALTHY] = {MARK_GOOD, "healthy"},
        [PXA_PLAN] = {MARK_BAD, "improvement plan"},
        [PXA_RELEASE_RIGHT] = {MARK_BAD, "right of release: the plan has failed, the customer may leave"}};

    report_page_mark(out, rows[state].mark, rows[state].words);
}

static void
append_pxa(struct buffer *out, const struct report *report, const struct report_contract *contract)
{
    const struct score_pxa *pxa = &contract->pxa;

    buffer_append_text(out, "<p>Experience agreement: ");
    append_pxa_state(out, pxa->state);
    if (pxa->since_ms != INSTANT_NONE) {
        buffer_append_text(out, " since ");
        report_markup_date(out, report->zone, pxa->since_ms);
    } else {
        buffer_append_text(out, ", no decision of it was read");
    }
    if (pxa->plan_until_ms != INSTANT_NONE) {
        buffer_append_text(out, ", plan until ");
        report_markup_date(out, report->zone, pxa->plan_until_ms);
    }
    buffer_append_text(out, ". PX at the month's end ");
    report_page_px(out, &pxa->px);
    buffer_append_text(out, " against ");
    report_markup_bp(out, pxa->threshold_bp);
    report_markup_format(out, ", %lld people, at least %d answers wanted%s.</p>\n", (long long)pxa->people,
                         pxa->min_answers,
                         !pxa->px.present ? ""
                         : pxa->proven    ? "; proven by the interval"
                                          : "; not proven by the interval");
    append_moves(out, report, contract, CONTRACT_PXA);
}

/* ---- credits ---- */

static void
append_line(struct buffer *out, const struct score_credit *credit, const struct score_credit_line *line)
{
    report_markup_row(out);
    report_markup_cell(out);
    report_markup_format(out, "%s/", clock_kind_text(line->line->kind));
    report_markup_text(out, line->clock);
    report_markup_format(out, " <small>(%s view%s)</small>", line->line->honest ? "honest" : "contract",
                         line->line->bonus ? ", bonus" : "");
    report_markup_number_cell(out);
    report_page_rate(out, &line->contract);
    report_markup_number_cell(out);
    report_page_rate(out, &line->honest);
    report_markup_number_cell(out);
    report_markup_bp(out, line->line->target_bp);
    report_markup_number_cell(out);
    report_markup_bp(out, line->line->allocation_bp);
    buffer_append_text(out, " &times; ");
    report_markup_bp(out, line->line->share_bp);
    report_markup_number_cell(out);
    report_markup_money(out, line->amount_minor, credit->currency);
    report_markup_row_end(out);
}

static void
append_credit(struct buffer *out, const struct score_credit *credit)
{
    static const char *const heads[] = {"Line",   "#As agreed",          "#Honest", "#Target",
                                        "#Share", "#Amount, indicative", NULL};

    report_markup_table(out, heads);
    for (size_t i = 0; i < credit->lines_count; i++)
        append_line(out, credit, &credit->lines[i]);
    report_markup_table_end(out);
    buffer_append_text(out, "<p>Indicative credit ");
    report_markup_money(out, credit->credit_minor, credit->currency);
    if (credit->bonus_minor > 0) {
        buffer_append_text(out, ", indicative bonus ");
        report_markup_money(out, credit->bonus_minor, credit->currency);
    }
    buffer_append_text(out, ", of ");
    report_markup_money(out, credit->at_risk_minor, credit->currency);
    buffer_append_text(out, " at risk (fee ");
    report_markup_money(out, credit->monthly_fee_minor, credit->currency);
    buffer_append_text(out, " a month). Not an invoice.</p>\n");
}

void
report_page_contracts_agreements(struct buffer *out, const struct report *report)
{
    size_t shown = 0;

    report_page_section(out, TEXT_AGREEMENTS);
    for (size_t i = 0; i < report->contracts_count; i++) {
        const struct report_contract *contract = &report->contracts[i];

        if (!contract->has_pxa && !contract->has_credit)
            continue;
        shown++;
        buffer_append_text(out, "<h3>");
        report_markup_text(out, contract->name);
        buffer_append_text(out, "</h3>\n");
        if (contract->has_pxa)
            append_pxa(out, report, contract);
        if (contract->has_credit)
            append_credit(out, &contract->credit);
    }
    if (shown == 0)
        report_page_nothing(out, report->has_policy ? "No contract of this customer has either."
                                                    : "Not known without a policy.");
    report_page_section_end(out);
}
