/*
 * What: the report as one JSON object.
 *
 * Why this way: what slad publishes (scores, KEIs, PXA, watermelons, credits) stands here as the same objects
 * by the same printers; only what a report adds has a shape of its own. So whoever reads the topics can read
 * the report.
 *
 * Always true: same report, same bytes; docs/schema/report.json says all of it.
 *
 * Not here: words for people (report_page).
 */
#include "slactl/report_model.h"
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/kei_json.h"
#include "wire/print.h"
#include "wire/score_json.h"
#include "wire/score_parts.h"

/* The order of R26. */
static const enum party parties[PARTIES_COUNT] = {PARTY_PROVIDER, PARTY_SUPPLIER, PARTY_CUSTOMER,
                                                  PARTY_CUSTOMER_SUPPLIER, PARTY_NOBODY};

static void
open_list(struct buffer *out, const char *key)
{
    print_key(out, key);
    buffer_append_byte(out, '[');
}

static void
open_item(struct buffer *out)
{
    print_comma(out);
    buffer_append_byte(out, '{');
}

static void
print_rate(struct buffer *out, const char *key, const struct score_rate *rate)
{
    score_parts_open(out, key);
    if (rate->n > 0)
        score_parts_share(out, "value", (double)rate->hits / (double)rate->n);
    score_parts_count(out, "met", rate->hits);
    score_parts_count(out, "n", rate->n);
    score_parts_close(out);
}

static void
print_target(struct buffer *out, int target_bp)
{
    if (target_bp > 0) {
        score_parts_share(out, "target", (double)target_bp / 10000.0);
        return;
    }
    print_key(out, "target");
    buffer_append_text(out, "null");
}

static void
print_by_party(struct buffer *out, const int64_t wall_ms[PARTIES_COUNT])
{
    score_parts_open(out, "by_party");
    for (size_t i = 0; i < PARTIES_COUNT; i++) {
        score_parts_open(out, party_text(parties[i]));
        score_parts_count(out, "wall_ms", wall_ms[parties[i]]);
        score_parts_close(out);
    }
    score_parts_close(out);
}

/* ---- cuts ---- */

static void
print_slice(struct buffer *out, const struct scores_slice *slice)
{
    print_key(out, "score");
    score_json_print(out, &slice->record);
    score_parts_count(out, "solved", slice->tickets);
    print_by_party(out, slice->wall_ms);
}

static void
print_cuts(struct buffer *out, const char *key, const struct report_cuts *cuts)
{
    open_list(out, key);
    for (size_t i = 0; i < cuts->count; i++) {
        open_item(out);
        print_slice(out, &cuts->items[i]);
        score_parts_close(out);
    }
    buffer_append_byte(out, ']');
}

static void
print_month_nps(struct buffer *out, const struct score_nps *nps)
{
    score_parts_open(out, "nps");
    if (nps->present) {
        score_parts_points(out, "value", nps->value);
        score_parts_points(out, "low", nps->low);
        score_parts_points(out, "high", nps->high);
    }
    score_parts_count(out, "n", nps->n);
    score_parts_close(out);
}

static void
print_month_px(struct buffer *out, const struct score_px *px)
{
    score_parts_open(out, "px");
    if (px->present) {
        score_parts_share(out, "value", px->value);
        score_parts_share(out, "low", px->low);
        score_parts_share(out, "high", px->high);
    }
    score_parts_count(out, "n", px->n);
    score_parts_close(out);
}

static void
print_months(struct buffer *out, const struct report *report)
{
    open_list(out, "months");
    for (size_t i = 0; i < report->months_count; i++) {
        const struct score_record *record = &report->months[i].figures.record;

        open_item(out);
        score_parts_instant(out, "after", report->months[i].span.after_ms);
        score_parts_instant(out, "through", report->months[i].span.through_ms);
        print_rate(out, "contract", &record->attainment_contract);
        print_rate(out, "honest", &record->attainment_honest);
        print_month_px(out, &record->px);
        print_month_nps(out, &record->nps);
        score_parts_close(out);
    }
    buffer_append_byte(out, ']');
}

static void
print_clocks(struct buffer *out, const struct report *report)
{
    open_list(out, "clocks");
    for (size_t i = 0; i < report->clocks_count; i++) {
        const struct report_clock *clock = &report->clocks[i];

        open_item(out);
        score_parts_text(out, "kind", slice_of(clock_kind_text(clock->line.kind)));
        score_parts_text(out, "clock", clock->line.clock);
        score_parts_text(out, "agreement", clock->agreement);
        score_parts_text(out, "side", slice_of(report_side_text(clock->side)));
        score_parts_boolean(out, "attainment", clock->attainment);
        print_target(out, clock->target_bp);
        print_rate(out, "contract", &clock->line.contract);
        print_rate(out, "honest", &clock->line.honest);
        score_parts_close(out);
    }
    buffer_append_byte(out, ']');
}

/* ---- facts ---- */

static void
print_flag(struct buffer *out, const char *name, const struct report_flag *flag)
{
    if (flag->n == 0)
        return;
    open_item(out);
    score_parts_text(out, "flag", slice_of(name));
    score_parts_count(out, "n", flag->n);
    score_parts_count(out, "differ", flag->differ);
    score_parts_close(out);
}

static void
print_flags(struct buffer *out, const struct report *report)
{
    score_parts_open(out, "honesty");
    score_parts_count(out, "verdicts", report->judged);
    score_parts_count(out, "differ", report->differ);
    open_list(out, "flags");
    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++)
        print_flag(out, clock_flag_text((enum clock_flag)(1 << i)), &report->flags[i]);
    print_flag(out, "excluded", &report->excluded);
    print_flag(out, "none", &report->unflagged);
    buffer_append_byte(out, ']');
    score_parts_close(out);
}

static void
print_flag_words(struct buffer *out, uint16_t flags)
{
    open_list(out, "flags");
    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++)
        if ((flags & 1 << i) != 0) {
            print_comma(out);
            print_text(out, slice_of(clock_flag_text((enum clock_flag)(1 << i))));
        }
    buffer_append_byte(out, ']');
}

static void
print_overrun(struct buffer *out, const struct report_verdict *verdict)
{
    open_item(out);
    score_parts_text(out, "ticket", verdict->ticket);
    score_parts_text(out, "kind", slice_of(clock_kind_text(verdict->kind)));
    score_parts_text(out, "clock", verdict->clock);
    score_parts_text(out, "agreement", verdict->agreement);
    score_parts_text(out, "priority", verdict->priority);
    score_parts_text(out, "service", verdict->service);
    score_parts_instant(out, "breached_at", verdict->decided_at_ms);
    score_parts_boolean(out, "ended", verdict->ended);
    score_parts_count(out, "target_ms", verdict->target_ms);
    score_parts_count(out, "overrun_wall_ms", verdict->overrun_wall_ms);
    print_by_party(out, verdict->wall_ms);
    print_flag_words(out, verdict->flags);
    score_parts_close(out);
}

static void
print_overruns(struct buffer *out, const struct report *report)
{
    static const char *const sides[] = {[REPORT_OF_PROVIDER] = "provider",
                                        [REPORT_OF_CUSTOMER] = "customer",
                                        [REPORT_OF_UNKNOWN] = "unknown"};

    score_parts_open(out, "overruns");
    for (int side = 0; side < REPORT_OVERRUNS_COUNT; side++) {
        const struct report_overruns *overruns = &report->overruns[side];

        score_parts_open(out, sides[side]);
        score_parts_count(out, "breached", (int64_t)overruns->breached);
        open_list(out, "worst");
        for (size_t i = 0; i < overruns->count; i++)
            print_overrun(out, overruns->worst[i]);
        buffer_append_byte(out, ']');
        score_parts_close(out);
    }
    score_parts_close(out);
}

static void
print_waits(struct buffer *out, const struct report *report)
{
    open_list(out, "waits");
    for (size_t i = 0; i < report->waits_count; i++) {
        const struct report_ticket *ticket = report->waits[i];

        open_item(out);
        score_parts_text(out, "ticket", ticket->name);
        score_parts_text(out, "priority", ticket->priority);
        score_parts_text(out, "service", ticket->service);
        score_parts_instant(out, "solved_at", ticket->solved_at_ms);
        score_parts_count(out, "waited_ms", ticket->waited_ms);
        print_by_party(out, ticket->wall_ms);
        score_parts_count(out, "reopens", ticket->reopens);
        score_parts_close(out);
    }
    buffer_append_byte(out, ']');
    score_parts_count(out, "solved", (int64_t)report->solved_count);
}

static void
print_improvements(struct buffer *out, const struct report *report)
{
    static const char *const kinds[] = {[IMPROVE_SERVICE] = "service",
                                        [IMPROVE_ASPECT] = "aspect",
                                        [IMPROVE_TOUCHPOINT] = "touchpoint",
                                        [IMPROVE_PROMISE] = "promise"};

    open_list(out, "improvements");
    for (size_t i = 0; i < report->improvements_count; i++) {
        const struct report_improvement *improvement = &report->improvements[i];

        open_item(out);
        score_parts_text(out, "kind", slice_of(kinds[improvement->kind]));
        score_parts_text(out, "what", improvement->what);
        if (improvement->kind == IMPROVE_TOUCHPOINT)
            score_parts_text(out, "user_group", improvement->detail);
        if (improvement->kind == IMPROVE_PROMISE)
            score_parts_text(out, "side", slice_of(report_side_text(improvement->side)));
        score_parts_count(out, "good", improvement->hits);
        score_parts_count(out, "n", improvement->n);
        print_target(out, improvement->target_bp);
        score_parts_points(out, "impact", improvement->impact);
        score_parts_close(out);
    }
    buffer_append_byte(out, ']');
}

/* ---- contracts ---- */

static void
print_moves(struct buffer *out, const struct report *report, const struct report_contract *contract)
{
    open_list(out, "moves");
    for (size_t i = 0; i < report->moves_count; i++) {
        const struct report_move *move = &report->moves[i];

        if (!move->in_month || !slice_equal(move->contract, contract->name))
            continue;
        open_item(out);
        score_parts_text(out, "subject", slice_of(contract_subject_text(move->subject)));
        score_parts_instant(out, "decided_at", move->at_ms);
        score_parts_text(out, "from", slice_of(contract_state_text(move->from)));
        score_parts_text(out, "to", slice_of(contract_state_text(move->to)));
        score_parts_instant(out, "plan_until", move->plan_until_ms);
        if (move->subject == CONTRACT_WATERMELON)
            score_parts_scope(out, &move->scope);
        if (move->by.at != NULL) {
            score_parts_text(out, "by", move->by);
            score_parts_text(out, "reason", move->reason);
        }
        score_parts_close(out);
    }
    buffer_append_byte(out, ']');
}

static void
print_contract(struct buffer *out, const struct report *report, const struct report_contract *contract)
{
    open_item(out);
    score_parts_text(out, "contract", contract->name);
    if (contract->has_figures)
        print_slice(out, &contract->figures);
    if (contract->has_pxa) {
        print_key(out, "pxa");
        contract_json_print_pxa(out, &contract->pxa);
    }
    open_list(out, "watermelons");
    for (size_t i = 0; i < contract->watermelons_count; i++) {
        print_comma(out);
        contract_json_print_watermelon(out, &contract->watermelons[i]);
    }
    buffer_append_byte(out, ']');
    if (contract->has_credit) {
        print_key(out, "credit");
        contract_json_print_credit(out, &contract->credit);
    }
    print_moves(out, report, contract);
    score_parts_close(out);
}

static void
print_contracts(struct buffer *out, const struct report *report)
{
    open_list(out, "contracts");
    for (size_t i = 0; i < report->contracts_count; i++)
        print_contract(out, report, &report->contracts[i]);
    buffer_append_byte(out, ']');
    open_list(out, "keis");
    for (size_t i = 0; i < report->keis_count; i++) {
        print_comma(out);
        kei_json_print(out, &report->keis[i]);
    }
    buffer_append_byte(out, ']');
}

/* ---- all of it ---- */

static void
print_head(struct buffer *out, const struct report *report)
{
    score_parts_text(out, "type", slice_of("report"));
    score_parts_text(out, "customer", slice_of(report->customer));
    score_parts_text(out, "contract", slice_of(report->contract));
    score_parts_text(out, "month", slice_of(report->month));
    score_parts_text(out, "time_zone", report->zone_name);
    score_parts_instant(out, "after", report->span.after_ms);
    score_parts_instant(out, "through", report->span.through_ms);
    score_parts_instant(out, "known_until", report->known_until_ms);
    score_parts_text(out, "policy", report->has_policy ? report->policy->label : (struct slice){NULL, 0});
    score_parts_count(out, "outcomes", (int64_t)report->outcomes);
    score_parts_count(out, "after_the_month", (int64_t)report->later);
    score_parts_count(out, "unread", (int64_t)report->unread);
}

void
report_json_print(struct buffer *out, const struct report *report)
{
    buffer_append_byte(out, '{');
    print_head(out, report);
    if (report->whole.count > 0) {
        score_parts_open(out, "whole");
        print_slice(out, &report->whole.items[0]);
        score_parts_close(out);
    }
    print_cuts(out, "services", &report->services);
    print_cuts(out, "touchpoints", &report->touchpoints);
    print_months(out, report);
    print_clocks(out, report);
    print_flags(out, report);
    print_overruns(out, report);
    print_waits(out, report);
    print_improvements(out, report);
    print_contracts(out, report);
    buffer_append_text(out, "}\n");
}
