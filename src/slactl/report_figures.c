/*
 * What: which figures a report asks of the scores, and where it keeps them.
 *
 * Why this way: every figure comes out of the functions that the score task publishes with. The report only
 * says of what (cuts: the whole, its services, its touchpoints, its contracts) and of when (the month, and
 * the months before it).
 *
 * Always true: a figure here is a copy of what the core gave; nothing is counted again.
 *
 * Not here: single verdicts and tickets (report_facts), what is worth doing (report_improve), words.
 */
#include "core/score_windows.h"
#include "slactl/report_model.h"
#include <stdlib.h>

static void *
copy(struct report *report, const void *items, size_t bytes)
{
    void *place = arena_allocate(report->arena, bytes + 1);

    if (bytes > 0)
        memcpy(place, items, bytes);
    return place;
}

/* ---- what is asked ---- */

/* The same match, and of this customer only. */
static struct policy_match
match_of(struct report *report, const struct policy_match *match)
{
    struct policy_match_key *keys = arena_allocate(report->arena, (match->keys_count + 1) * sizeof *keys);
    size_t count = 0;

    keys[count++] = (struct policy_match_key){ATTRIBUTE_CUSTOMER, &report->customer_symbol, 1};
    for (size_t i = 0; i < match->keys_count; i++)
        if (match->keys[i].attribute != ATTRIBUTE_CUSTOMER)
            keys[count++] = match->keys[i];
    return (struct policy_match){keys, count};
}

/* Whether the match leaves room for the customer; *ret_named: it names him. */
static bool
allows_customer(const struct report *report, const struct policy_match *match, bool *ret_named)
{
    *ret_named = false;
    for (size_t i = 0; i < match->keys_count; i++) {
        if (match->keys[i].attribute != ATTRIBUTE_CUSTOMER)
            continue;
        for (size_t k = 0; k < match->keys[i].values_count; k++)
            *ret_named = *ret_named || match->keys[i].values[k] == report->customer_symbol;
        return *ret_named;
    }
    return true;
}

static bool
is_wanted(const struct report *report, const struct policy_contract *contract)
{
    bool named;

    if (report->contract != NULL && !slice_is(contract->name, report->contract))
        return false;
    return allows_customer(report, &contract->match, &named);
}

static void
find_contracts(struct report *report)
{
    const struct policy *policy = report->policy;

    report->contracts =
        arena_allocate(report->arena, (policy->contracts_count + 1) * sizeof *report->contracts);
    for (size_t i = 0; i < policy->contracts_count; i++)
        if (is_wanted(report, &policy->contracts[i]))
            report->contracts[report->contracts_count++] =
                (struct report_contract){.name = policy->contracts[i].name, .policy = &policy->contracts[i]};
}

/* The customer, or one contract of his: by the policy, else by the attribute of that name. */
static struct policy_match
match_of_whole(struct report *report)
{
    struct policy_match_key *key = arena_allocate(report->arena, sizeof *key);
    struct policy_match match = {key, 1};

    if (report->contract == NULL)
        return match_of(report, &(struct policy_match){NULL, 0});
    if (report->contracts_count > 0)
        return match_of(report, &report->contracts[0].policy->match);
    *key = (struct policy_match_key){ATTRIBUTE_CONTRACT, &report->contract_symbol, 1};
    return match_of(report, &match);
}

void
report_figures_cuts(struct report *report)
{
    struct policy_match whole;

    find_contracts(report);
    whole = match_of_whole(report);
    report->cuts_count = REPORT_FIRST_CONTRACT + report->contracts_count;
    report->cuts = arena_allocate(report->arena, report->cuts_count * sizeof *report->cuts);
    report->cuts[REPORT_WHOLE] = (struct scores_cut){whole, 0};
    report->cuts[REPORT_BY_SERVICE] = (struct scores_cut){whole, ATTRIBUTE_BIT(ATTRIBUTE_SERVICE)};
    report->cuts[REPORT_BY_TOUCHPOINT] =
        (struct scores_cut){whole, SCOPE_TOUCHPOINT | ATTRIBUTE_BIT(ATTRIBUTE_USER_GROUP)};
    for (size_t i = 0; i < report->contracts_count; i++)
        report->cuts[REPORT_FIRST_CONTRACT + i] =
            (struct scores_cut){match_of(report, &report->contracts[i].policy->match), 0};
}

/* ---- cuts ---- */

struct taking {
    struct report *report;
    struct report_cuts *cuts;
};

static void
take(void *context, const struct scores_slice *slice)
{
    struct taking *taking = context;
    struct report_cuts *cuts = taking->cuts;
    struct scores_slice *items = arena_allocate(taking->report->arena, (cuts->count + 1) * sizeof *items),
                        *item;

    if (cuts->count > 0)
        memcpy(items, cuts->items, cuts->count * sizeof *items);
    cuts->items = items;
    item = &items[cuts->count++];
    *item = *slice;
    item->record.window = slice_of("month");
    item->record.aspects = copy(taking->report, slice->record.aspects,
                                slice->record.aspects_count * sizeof *slice->record.aspects);
    item->record.clocks =
        copy(taking->report, slice->record.clocks, slice->record.clocks_count * sizeof *slice->record.clocks);
    item->lines = copy(taking->report, slice->lines, slice->lines_count * sizeof *slice->lines);
}

static struct report_cuts
read_cut(struct report *report, size_t cut, const struct scores_span *span)
{
    struct report_cuts cuts = {NULL, 0};
    struct taking taking = {report, &cuts};

    scores_read_cut(report->scores, cut, span, take, &taking);
    return cuts;
}

static bool
has_something(const struct scores_slice *slice)
{
    return slice->record.n > 0 || slice->lines_count > 0 || slice->tickets > 0;
}

/* The months up to this one, from the first in which there is something. */
static void
read_months(struct report *report)
{
    for (int back = REPORT_MONTHS_MAX - 1; back >= 0; back--) {
        struct report_month *month = &report->months[report->months_count];
        int64_t middle_ms = report->span.through_ms, start_ms, end_ms;
        struct report_cuts cuts;

        start_ms = score_windows_month_ms(report->zone, middle_ms, -back);
        end_ms = score_windows_month_ms(report->zone, middle_ms, 1 - back);
        *month =
            (struct report_month){.span = {score_windows_month_ms(report->zone, middle_ms, -back - 1) - 1,
                                           start_ms - 1, end_ms - 1}};
        cuts = read_cut(report, REPORT_WHOLE, &month->span);
        month->has_figures = cuts.count > 0 && has_something(&cuts.items[0]);
        if (month->has_figures)
            month->figures = cuts.items[0];
        if (report->months_count > 0 || month->has_figures || back == 0)
            report->months_count++;
    }
}

/* ---- clocks ---- */

static enum report_side
side_of_party(enum party party)
{
    if (party == PARTY_CUSTOMER || party == PARTY_CUSTOMER_SUPPLIER)
        return SIDE_CUSTOMER;
    return party == PARTY_SUPPLIER ? SIDE_SUPPLIER : SIDE_PROVIDER;
}

static enum report_side
side_of(const struct policy *policy, const struct policy_clock *clock)
{
    const struct policy_group *group;

    if (clock->kind == KIND_OLA)
        return SIDE_INSIDE;
    if (clock->kind == KIND_UC)
        return SIDE_SUPPLIER;
    if (clock->measure != MEASURE_HANDLING)
        return SIDE_PROVIDER;
    if (clock->of_party != PARTIES_COUNT)
        return side_of_party(clock->of_party);
    group = policy_group_find(policy, clock->of_group);
    return group != NULL ? side_of_party(group->party) : SIDE_PROVIDER;
}

/* Of the agreements that have such a clock the first; the name is shown only where it is the only one. */
static void
describe_by_policy(const struct report *report, struct report_clock *clock)
{
    const struct policy *policy = report->policy;
    bool found = false;

    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *of = &policy->clocks[i];
        const struct policy_agreement *agreement = &policy->agreements[of->agreement];
        bool named;

        if (of->kind != clock->line.kind || of->name != symbols_find(report->symbols, clock->line.clock) ||
            !allows_customer(report, &agreement->match, &named))
            continue;
        clock->agreement = found ? (struct slice){NULL, 0} : agreement->name;
        if (!found) {
            clock->side = side_of(policy, of);
            clock->target_bp = agreement->attainment_target_bp > 0 ? agreement->attainment_target_bp
                                                                   : policy->experience.attainment_target_bp;
        }
        found = true;
    }
}

/* A verdict says what was measured: only with handling it matters whose it is. */
static void
describe_by_verdicts(const struct report *report, struct report_clock *clock)
{
    const struct report_verdict *verdict;
    size_t cursor = 0;

    while (clock->side == SIDE_UNKNOWN && (verdict = map_each(report->verdicts, &cursor)) != NULL)
        if (verdict->kind == clock->line.kind && verdict->measure != MEASURE_HANDLING &&
            slice_equal(verdict->clock, clock->line.clock))
            clock->side = SIDE_PROVIDER;
}

static bool
counts_in_attainment(const struct scores_slice *whole, const struct scores_line *line)
{
    for (size_t i = 0; line->kind == KIND_SLA && i < whole->record.clocks_count; i++)
        if (slice_equal(whole->record.clocks[i].name, line->clock))
            return true;
    return false;
}

static int
compare_clocks(const void *a, const void *b)
{
    const struct report_clock *left = a, *right = b;

    if (left->side != right->side)
        return left->side < right->side ? -1 : 1;
    if (left->attainment != right->attainment)
        return left->attainment ? -1 : 1;
    if (left->line.kind != right->line.kind)
        return left->line.kind < right->line.kind ? -1 : 1;
    return slice_compare(left->line.clock, right->line.clock);
}

static void
collect_clocks(struct report *report)
{
    const struct scores_slice *whole = report->whole.items;

    report->clocks = arena_allocate(report->arena, (whole->lines_count + 1) * sizeof *report->clocks);
    for (size_t i = 0; i < whole->lines_count; i++) {
        struct report_clock *clock = &report->clocks[report->clocks_count++];

        *clock = (struct report_clock){.line = whole->lines[i], .side = SIDE_UNKNOWN};
        clock->attainment = counts_in_attainment(whole, &clock->line);
        if (clock->attainment)
            clock->side = SIDE_PROVIDER;
        else if (clock->line.kind == KIND_OLA || clock->line.kind == KIND_UC)
            clock->side = clock->line.kind == KIND_OLA ? SIDE_INSIDE : SIDE_SUPPLIER;
        describe_by_policy(report, clock);
        describe_by_verdicts(report, clock);
    }
    if (report->clocks_count > 1)
        qsort(report->clocks, report->clocks_count, sizeof *report->clocks, compare_clocks);
}

/* ---- KEIs and contracts: what the scores say when they are asked ---- */

void
report_figures_hear_kei(void *context, const struct score_kei *kei)
{
    struct report *report = context;

    report->keis[report->keis_count++] = *kei;
}

static struct report_contract *
contract_of(struct report *report, struct slice name)
{
    for (size_t i = 0; i < report->contracts_count; i++)
        if (slice_equal(report->contracts[i].name, name))
            return &report->contracts[i];
    return NULL;
}

void
report_figures_hear_pxa(void *context, const struct score_pxa *pxa)
{
    struct report_contract *contract = contract_of(context, pxa->contract);

    contract->pxa = *pxa;
    contract->has_pxa = true;
}

void
report_figures_hear_watermelon(void *context, const struct score_watermelon *watermelon)
{
    struct report_contract *contract = contract_of(context, watermelon->contract);

    contract->watermelons[contract->watermelons_count++] = *watermelon;
}

void
report_figures_hear_credit(void *context, const struct score_credit *credit)
{
    struct report *report = context;
    struct report_contract *contract = contract_of(report, credit->contract);

    contract->credit = *credit;
    contract->credit.lines = copy(report, credit->lines, credit->lines_count * sizeof *credit->lines);
    contract->has_credit = true;
}

bool
report_figures_is_ripe(const struct report_contract *contract)
{
    for (size_t i = 0; i < contract->watermelons_count; i++)
        if (contract->watermelons[i].ripe)
            return true;
    return false;
}

static void
collect_keis(struct report *report)
{
    const struct policy_experience *experience = &report->policy->experience;
    bool named;

    report->keis = arena_allocate(report->arena, (experience->keis_count + 1) * sizeof *report->keis);
    for (size_t i = 0; i < experience->keis_count; i++)
        if (allows_customer(report, &experience->keis[i].match, &named))
            (void)scores_say(report->scores, SCORES_VALUE_KEI, experience->keis[i].name, NULL,
                             report->span.through_ms);
}

static bool
is_same_scope(const struct score_scope *a, const struct score_scope *b)
{
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        if ((a->dimensions & 1U << i) != 0 && !slice_equal(a->values[i], b->values[i]))
            return false;
    return a->dimensions == b->dimensions;
}

/* A watermelon's first move stands for its scope. */
static bool
is_first_of_scope(const struct report *report, size_t move)
{
    for (size_t i = 0; i < move; i++)
        if (report->moves[i].subject == CONTRACT_WATERMELON &&
            slice_equal(report->moves[i].contract, report->moves[move].contract) &&
            is_same_scope(&report->moves[i].scope, &report->moves[move].scope))
            return false;
    return true;
}

/* A scope that names another customer is not this one's affair. */
static bool
is_scope_of_customer(const struct report *report, const struct score_scope *scope)
{
    return (scope->dimensions & ATTRIBUTE_BIT(ATTRIBUTE_CUSTOMER)) == 0 ||
           slice_is(scope->values[ATTRIBUTE_CUSTOMER], report->customer);
}

static void
collect_watermelons(struct report *report, struct report_contract *contract)
{
    contract->watermelons =
        arena_allocate(report->arena, (report->moves_count + 1) * sizeof *contract->watermelons);
    for (size_t i = 0; i < report->moves_count; i++) {
        const struct report_move *move = &report->moves[i];

        if (move->subject != CONTRACT_WATERMELON || !slice_equal(move->contract, contract->name) ||
            !is_first_of_scope(report, i) || !is_scope_of_customer(report, &move->scope))
            continue;
        (void)scores_say(report->scores, SCORES_VALUE_WATERMELON, contract->name, &move->scope,
                         report->span.through_ms);
    }
}

static void
collect_contract(struct report *report, size_t index)
{
    struct report_contract *contract = &report->contracts[index];
    struct report_cuts cuts = read_cut(report, REPORT_FIRST_CONTRACT + index, &report->span);
    int64_t t_ms = report->span.through_ms;

    contract->has_figures = cuts.count > 0 && has_something(&cuts.items[0]);
    if (contract->has_figures)
        contract->figures = cuts.items[0];
    if (contract->policy->has_pxa)
        (void)scores_say(report->scores, SCORES_VALUE_PXA, contract->name, NULL, t_ms);
    if (contract->policy->has_credits)
        (void)scores_say(report->scores, SCORES_VALUE_CREDIT, contract->name, NULL, t_ms);
    collect_watermelons(report, contract);
}

/* A contract that names no customer is his if anything of his is in it. */
static void
drop_strangers(struct report *report)
{
    size_t kept = 0;
    bool named;

    for (size_t i = 0; i < report->contracts_count; i++)
        if (report->contracts[i].has_figures || report->contract != NULL ||
            (allows_customer(report, &report->contracts[i].policy->match, &named) && named))
            report->contracts[kept++] = report->contracts[i];
    report->contracts_count = kept;
}

void
report_figures_collect(struct report *report)
{
    read_months(report);
    report->whole = read_cut(report, REPORT_WHOLE, &report->span);
    report->services = read_cut(report, REPORT_BY_SERVICE, &report->span);
    report->touchpoints = read_cut(report, REPORT_BY_TOUCHPOINT, &report->span);
    if (report->whole.count > 0)
        collect_clocks(report);
    collect_keis(report);
    for (size_t i = 0; i < report->contracts_count; i++)
        collect_contract(report, i);
    drop_strangers(report);
}
