/*
 * What: which OLA and UC clocks stand behind which SLA clock, as chains (semantics.md section 10), and what
 * core/chain says of them.
 *
 * Why so: for a kind of ticket (an SLA and a priority) the tiers hand on to one another and then to the
 * suppliers; in each the worst group counts, and a group that two OLAs bind at once is bound by the tighter.
 * Clocks that run beside the whole life (an OLA resolution, all of the provider's time) are no leg: each is
 * held against the SLA by itself.
 *
 * Always true: a chain is judged once for all priorities that give it the same targets; a leg is blamed alone
 * only when its chain does not fit, for alone it is never later than in its chain.
 *
 * Not here: the arithmetic.
 */
#include "base/memory.h"
#include "slactl/lint.h"
#include "slactl/words.h"
#include "slad/chain.h"
#include "base/duration.h"
#include "wire/print.h"
#include <stdlib.h>

enum { STEP_SUPPLIERS = 1000 }; /* behind every tier */

struct leg {
    int clock;    /* of the policy */
    int step;     /* the tier, or behind them; 0: beside the chain */
    bool binding; /* every ticket of the chain has it */
    int64_t target_ms;
};

/* The legs of one SLA clock for one priority, and which priorities share them. */
struct variant {
    int64_t target_ms;
    struct leg *legs;
    size_t legs_count;
    struct buffer priorities; /* "P1, P2, others" */
};

struct work {
    struct lint *lint;
    const struct policy_clock *promise;
    const struct policy_match *match; /* its agreement's */
    struct variant *variants;
    size_t variants_count;
};

const struct calendar *
lint_calendar(const struct lint *lint, int calendar)
{
    return policy_set_calendar(lint->set, lint->version, calendar, lint->version);
}

static int64_t
target_of(const struct policy_clock *clock, symbol priority)
{
    for (size_t i = 0; i < clock->targets_count && priority != 0; i++) {
        if (clock->targets[i].priority == priority)
            return clock->targets[i].ms;
    }
    return clock->target_default_ms;
}

void
lint_append_clock(const struct lint *lint, struct buffer *out, const struct policy_clock *clock)
{
    words_append(out, "%s/", clock_kind_text(clock->kind));
    words_append_name(out, symbols_text(lint->symbols, clock->name));
}

void
lint_name_clock(const struct lint *lint, struct finding *finding, const struct policy_clock *clock)
{
    struct slice agreement = lint->policy->agreements[clock->agreement].name;

    lint_append_clock(lint, &finding->subject, clock);
    words_append(&finding->subject, " of ");
    words_append_name(&finding->subject, agreement);
    print_key(&finding->fields, "kind"), print_text(&finding->fields, slice_of(clock_kind_text(clock->kind)));
    print_key(&finding->fields, "agreement"), print_text(&finding->fields, agreement);
    print_key(&finding->fields, "clock"),
        print_text(&finding->fields, symbols_text(lint->symbols, clock->name));
}

/* ---- which legs ---- */

static enum party
party_of_leg(const struct lint *lint, const struct policy_clock *clock)
{
    const struct policy_group *group = policy_group_find(lint->policy, clock->of_group);

    return clock->of_party < PARTIES_COUNT ? clock->of_party : group != NULL ? group->party : PARTY_PROVIDER;
}

/* 0: it runs beside the chain. -1: its place is not known. */
static int
step_of(const struct lint *lint, const struct policy_clock *clock)
{
    const struct policy_group *group = policy_group_find(lint->policy, clock->of_group);
    int tier = group != NULL ? group->tier : 0;

    if (clock->measure != MEASURE_HANDLING ||
        (clock->of_party < PARTIES_COUNT && clock->of_party == PARTY_PROVIDER))
        return 0;
    if (clock->kind == KIND_UC || party_of_leg(lint, clock) != PARTY_PROVIDER)
        return STEP_SUPPLIERS + tier;
    return tier > 0 ? tier : -1;
}

static bool
supports(const struct policy_clock *leg, const struct policy_clock *promise)
{
    return leg->supports_kind == (int)promise->kind && leg->supports_clock == promise->name;
}

static void
warn_left_out(struct work *work, const struct policy_clock *clock, enum lint_code code)
{
    struct finding *finding = findings_begin(&work->lint->findings, code);

    lint_name_clock(work->lint, finding, clock);
    if (code == LINT_NO_TIER) {
        words_append(&finding->text, "Its group ");
        words_append_name(&finding->text, symbols_text(work->lint->symbols, clock->of_group));
        buffer_append_text(
            &finding->text,
            " has no tier, so nobody knows when in the chain it gets the ticket: it is left out.");
        return;
    }
    words_append(&finding->text, "It is left out of the chain of ");
    lint_append_clock(work->lint, &finding->text, work->promise);
    words_append(&finding->text, ", which does not count while the ticket waits for %s.",
                 party_text(party_of_leg(work->lint, clock)));
}

/* Whether some ticket of this priority (0: another one or none) has the SLA and this leg; *ret_binding: every
 * one has. */
static bool
leg_applies(const struct work *work, const struct policy_clock *clock, symbol priority, bool *ret_binding)
{
    const struct policy_match *match = &work->lint->policy->agreements[clock->agreement].match;
    const struct policy_match_key *key = lint_match_key(match, ATTRIBUTE_PRIORITY);

    if ((key != NULL && !lint_key_holds(key, priority)) || !lint_matches_meet(work->match, match))
        return false;
    *ret_binding = lint_match_implies(work->match, match, ATTRIBUTE_PRIORITY);
    return target_of(clock, priority) > 0;
}

static int
compare_legs(const void *a, const void *b)
{
    const struct leg *left = a, *right = b;

    if (left->step != right->step)
        return left->step < right->step ? -1 : 1;
    return left->clock < right->clock ? -1 : left->clock > right->clock;
}

/* A group that every ticket binds to a target needs no more than its tightest; that of others is not its
 * worst case. */
static bool
is_overruled(const struct work *work, const struct variant *variant, const struct leg *leg)
{
    const struct policy_clock *clocks = work->lint->policy->clocks, *mine = &clocks[leg->clock];

    for (size_t i = 0; i < variant->legs_count && leg->step != 0; i++) {
        const struct leg *other = &variant->legs[i];
        const struct policy_clock *its = &clocks[other->clock];

        if (other == leg || !other->binding || other->step != leg->step || its->of_group != mine->of_group ||
            its->of_party != mine->of_party)
            continue;
        if (!leg->binding || other->target_ms < leg->target_ms ||
            (other->target_ms == leg->target_ms && other < leg))
            return true;
    }
    return false;
}

static void
drop_overruled(const struct work *work, struct variant *variant)
{
    struct leg *kept = memory_allocate((variant->legs_count + 1) * sizeof *kept);
    size_t count = 0;

    for (size_t i = 0; i < variant->legs_count; i++) {
        if (!is_overruled(work, variant, &variant->legs[i]))
            kept[count++] = variant->legs[i];
    }
    memory_free(variant->legs);
    variant->legs = kept;
    variant->legs_count = count;
}

static void
find_legs(struct work *work, symbol priority, struct variant *variant)
{
    const struct policy *policy = work->lint->policy;

    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *clock = &policy->clocks[i];
        struct leg leg = {(int)i, step_of(work->lint, clock), false, target_of(clock, priority)};
        bool counted = (PARTY_BIT(party_of_leg(work->lint, clock)) & ~work->promise->counts) == 0;

        if (!supports(clock, work->promise) || !leg_applies(work, clock, priority, &leg.binding))
            continue;
        if (leg.step != 0 && !counted) {
            warn_left_out(work, clock, LINT_NOT_COUNTED);
        } else if (leg.step < 0) {
            warn_left_out(work, clock, LINT_NO_TIER);
        } else {
            variant->legs = memory_resize(variant->legs, (variant->legs_count + 1) * sizeof *variant->legs);
            variant->legs[variant->legs_count++] = leg;
        }
    }
    if (variant->legs_count > 0)
        qsort(variant->legs, variant->legs_count, sizeof *variant->legs, compare_legs);
    drop_overruled(work, variant);
}

/* ---- which priorities ---- */

static void
append_priority(const struct lint *lint, struct buffer *out, symbol priority, bool named)
{
    if (out->bytes > 0)
        buffer_append_text(out, ", ");
    if (priority != 0)
        words_append_name(out, symbols_text(lint->symbols, priority));
    else
        buffer_append_text(out, named ? "others" : "any priority");
}

static bool
variants_equal(const struct variant *a, const struct variant *b)
{
    if (a->target_ms != b->target_ms || a->legs_count != b->legs_count)
        return false;
    for (size_t i = 0; i < a->legs_count; i++) {
        if (a->legs[i].clock != b->legs[i].clock || a->legs[i].target_ms != b->legs[i].target_ms)
            return false;
    }
    return true;
}

static void
add_priority(struct work *work, symbol priority, bool named)
{
    struct variant variant = {.target_ms = target_of(work->promise, priority)};
    size_t i = 0;

    if (variant.target_ms == 0)
        return;
    find_legs(work, priority, &variant);
    while (i < work->variants_count && !variants_equal(&work->variants[i], &variant))
        i++;
    if (i == work->variants_count) {
        work->variants = memory_resize(work->variants, (work->variants_count + 1) * sizeof *work->variants);
        work->variants[work->variants_count++] = variant;
    } else {
        memory_free(variant.legs);
    }
    append_priority(work->lint, &work->variants[i].priorities, priority, named);
}

static void
put_symbol(symbol **list, size_t *count, symbol value)
{
    for (size_t i = 0; i < *count; i++) {
        if ((*list)[i] == value)
            return;
    }
    *list = memory_resize(*list, (*count + 1) * sizeof **list);
    (*list)[(*count)++] = value;
}

/* Every priority that makes a difference, then all others. */
static void
find_variants(struct work *work)
{
    const struct policy *policy = work->lint->policy;
    const struct policy_match_key *only = lint_match_key(work->match, ATTRIBUTE_PRIORITY);
    symbol *priorities = NULL;
    size_t count = 0;

    for (size_t i = 0; only != NULL && i < only->values_count; i++)
        put_symbol(&priorities, &count, only->values[i]);
    for (size_t i = 0; only == NULL && i < policy->clocks_count; i++) {
        const struct policy_clock *clock = &policy->clocks[i];
        const struct policy_match_key *key =
            lint_match_key(&policy->agreements[clock->agreement].match, ATTRIBUTE_PRIORITY);

        if (clock != work->promise && !supports(clock, work->promise))
            continue;
        for (size_t k = 0; k < clock->targets_count; k++)
            put_symbol(&priorities, &count, clock->targets[k].priority);
        for (size_t k = 0; key != NULL && k < key->values_count; k++)
            put_symbol(&priorities, &count, key->values[k]);
    }
    for (size_t i = 0; i < count; i++)
        add_priority(work, priorities[i], true);
    if (only == NULL)
        add_priority(work, 0, count > 0);
    memory_free(priorities);
}

/* ---- what is said ---- */

static void
append_target(struct buffer *out, const struct lint *lint, int64_t target_ms, int calendar)
{
    char text[DURATION_TEXT_BYTES];

    words_append(out, "%s on ", duration_format(target_ms, text));
    words_append_name(out, words_calendar_name(lint->policy, calendar));
}

/* "l2-handling of l2-ola (network-l2, 2h on berlin)" */
static void
append_leg(struct buffer *out, const struct lint *lint, const struct leg *leg)
{
    const struct policy_clock *clock = &lint->policy->clocks[leg->clock];

    lint_append_clock(lint, out, clock);
    words_append(out, " (");
    if (clock->of_group != 0) {
        words_append_name(out, symbols_text(lint->symbols, clock->of_group));
        words_append(out, ", ");
    }
    append_target(out, lint, leg->target_ms, clock->calendar);
    words_append(out, ")");
}

/* Times are told in the zone of the promise, or, where that is always, of the first leg that has one. */
static const struct zone *
zone_of(const struct work *work, const struct variant *variant, struct slice *ret_name)
{
    const struct policy *policy = work->lint->policy;
    const struct zone *zone = words_calendar_zone(policy, work->promise->calendar, ret_name);

    for (size_t i = 0; i < variant->legs_count && zone == NULL; i++)
        zone = words_calendar_zone(policy, policy->clocks[variant->legs[i].clock].calendar, ret_name);
    return zone;
}

static void
append_local(struct buffer *out, const struct work *work, const struct variant *variant, int64_t at_ms)
{
    struct slice name;

    if (at_ms == CALENDAR_NEVER)
        buffer_append_text(out, "never");
    else
        words_append_day_and_time(out, zone_of(work, variant, &name), at_ms);
}

static void
append_zone_name(struct buffer *out, const struct work *work, const struct variant *variant)
{
    struct slice name;

    (void)zone_of(work, variant, &name);
    words_append(out, " (%.*s)", (int)name.bytes, name.at);
}

/* "Then ola/l1 ... until Fri 2026-06-05 17:00; ..." */
static void
append_walk(struct finding *finding, const struct work *work, const struct variant *variant,
            const struct chain *chain, const struct leg *legs, int64_t start_ms)
{
    struct chain_stay *stays = memory_allocate((chain->legs_count + 1) * sizeof *stays);
    size_t count = chain_walk(chain, start_ms, stays);
    struct buffer *fields = &finding->fields;

    print_key(fields, "legs"), buffer_append_byte(fields, '[');
    for (size_t i = 0; i < count; i++) {
        const struct leg *leg = &legs[stays[i].leg];
        const struct policy_clock *clock = &work->lint->policy->clocks[leg->clock];

        buffer_append_text(&finding->text, i == 0 ? " The worst case: " : "; ");
        append_leg(&finding->text, work->lint, leg);
        buffer_append_text(&finding->text, " until ");
        append_local(&finding->text, work, variant, stays[i].to_ms);
        print_comma(fields), buffer_append_byte(fields, '{');
        print_key(fields, "kind"), print_text(fields, slice_of(clock_kind_text(clock->kind)));
        print_key(fields, "clock"), print_text(fields, symbols_text(work->lint->symbols, clock->name));
        print_key(fields, "target_ms"), buffer_append_int64(fields, leg->target_ms);
        print_key(fields, "from"), print_instant(fields, stays[i].from_ms);
        print_key(fields, "to"),
            print_instant(fields, stays[i].to_ms == CALENDAR_NEVER ? INSTANT_NONE : stays[i].to_ms);
        buffer_append_byte(fields, '}');
    }
    if (count > 0)
        buffer_append_byte(&finding->text, '.');
    buffer_append_byte(fields, ']');
    memory_free(stays);
}

/* Which leg to tighten: the one that has to give least. */
static void
append_advice(struct finding *finding, const struct work *work, const struct chain *chain,
              const struct leg *legs)
{
    char from[DURATION_TEXT_BYTES], to[DURATION_TEXT_BYTES];
    int64_t best_ms = 0, least_ms = INT64_MAX;
    size_t best = 0;

    for (size_t leg = 0; leg < chain->legs_count; leg++) {
        int64_t target_ms = chain_tighten_ms(work->lint->span, chain, leg);

        if (target_ms == 0 || legs[leg].target_ms - target_ms >= least_ms)
            continue;
        best = leg;
        best_ms = target_ms;
        least_ms = legs[leg].target_ms - target_ms;
    }
    print_key(&finding->fields, "tighten");
    if (best_ms == 0) {
        buffer_append_text(&finding->fields, "null");
        buffer_append_text(
            &finding->text,
            " No leg alone can make it fit: tighten several, staff more hours, or promise later.");
        return;
    }
    buffer_append_text(&finding->text, " To make it fit, tighten ");
    lint_append_clock(work->lint, &finding->text, &work->lint->policy->clocks[legs[best].clock]);
    words_append(&finding->text, " from %s to %s (by ", duration_format(legs[best].target_ms, from),
                 duration_format(best_ms, to));
    words_append_length(&finding->text, least_ms);
    buffer_append_text(&finding->text, ").");
    buffer_append_byte(&finding->fields, '{');
    print_key(&finding->fields, "kind");
    print_text(&finding->fields,
               slice_of(clock_kind_text(work->lint->policy->clocks[legs[best].clock].kind)));
    print_key(&finding->fields, "clock");
    print_text(&finding->fields,
               symbols_text(work->lint->symbols, work->lint->policy->clocks[legs[best].clock].name));
    print_key(&finding->fields, "from_ms"), buffer_append_int64(&finding->fields, legs[best].target_ms);
    print_key(&finding->fields, "to_ms"), buffer_append_int64(&finding->fields, best_ms);
    buffer_append_byte(&finding->fields, '}');
}

static void
append_verdict(struct finding *finding, const struct work *work, const struct variant *variant,
               struct slice priorities, const struct chain_verdict *verdict)
{
    struct buffer *text = &finding->text, *fields = &finding->fields;
    bool late = verdict->late_ms > 0;

    append_target(text, work->lint, variant->target_ms, work->promise->calendar);
    words_append(text, " (");
    buffer_append_slice(text, priorities);
    words_append(text, "). ");
    if (verdict->alike) {
        buffer_append_text(text, "Whenever it is created, it ");
        words_append(text, late ? "is " : "has ");
    } else {
        words_append(text, late ? "Created " : "At worst, created ");
        append_local(text, work, variant, verdict->start_at_ms);
        append_zone_name(text, work, variant);
        words_append(text, ": ");
    }
    if (verdict->late_ms == INT64_MAX) {
        buffer_append_text(text, "never done");
    } else {
        words_append_length(text, late ? verdict->late_ms : -verdict->late_ms);
        words_append(text, late ? " late" : " to spare");
    }
    words_append(text, verdict->alike ? "; for instance, created " : ", due ");
    if (verdict->alike) {
        append_local(text, work, variant, verdict->start_at_ms);
        append_zone_name(text, work, variant);
        words_append(text, " it is due ");
    }
    append_local(text, work, variant, verdict->due_at_ms);
    words_append(text, " and done ");
    append_local(text, work, variant, verdict->end_at_ms);
    words_append(text, ".");
    print_key(fields, "priorities"), print_text(fields, priorities);
    print_key(fields, "target_ms"), buffer_append_int64(fields, variant->target_ms);
    print_key(fields, "worst_start_at"), print_instant(fields, verdict->start_at_ms);
    print_key(fields, "due_at"), print_instant(fields, verdict->due_at_ms);
    print_key(fields, "done_at"),
        print_instant(fields, verdict->late_ms == INT64_MAX ? INSTANT_NONE : verdict->end_at_ms);
    print_key(fields, "late_ms");
    if (verdict->late_ms == INT64_MAX)
        buffer_append_text(fields, "null");
    else
        buffer_append_int64(fields, verdict->late_ms);
    print_key(fields, "any_start"), print_bool(fields, verdict->alike);
}

/* Every variant in which this leg has this target against this promise; false: one before this variant has,
 * so it was said. */
static bool
gather_priorities(const struct work *work, const struct variant *variant, const struct leg *leg,
                  struct buffer *out)
{
    for (const struct variant *other = work->variants; other < work->variants + work->variants_count;
         other++) {
        for (size_t i = 0; i < other->legs_count && other->target_ms == variant->target_ms; i++) {
            if (other->legs[i].clock != leg->clock || other->legs[i].target_ms != leg->target_ms)
                continue;
            if (other < variant)
                return false;
            if (out->bytes > 0)
                buffer_append_text(out, ", ");
            buffer_append_slice(out, buffer_slice(&other->priorities));
        }
    }
    return true;
}

/* One OLA or UC by itself against the promise. */
static void
judge_alone(struct work *work, const struct variant *variant, const struct leg *leg)
{
    const struct policy_clock *clock = &work->lint->policy->clocks[leg->clock];
    const struct chain_leg alone = {lint_calendar(work->lint, clock->calendar), leg->target_ms, 1};
    const struct chain chain = {lint_calendar(work->lint, work->promise->calendar), variant->target_ms,
                                work->promise->closing_grace, &alone, 1};
    struct buffer priorities = {0};
    struct chain_verdict verdict = {.fits = true};
    struct finding *finding;

    if (gather_priorities(work, variant, leg, &priorities))
        chain_judge(work->lint->span, &chain, &verdict);
    if (verdict.fits) {
        buffer_free(&priorities);
        return;
    }
    finding = findings_begin(&work->lint->findings, LINT_LOOSER);
    lint_name_clock(work->lint, finding, clock);
    words_append(&finding->text, "With its own ");
    append_target(&finding->text, work->lint, leg->target_ms, clock->calendar);
    words_append(&finding->text, " it can take longer than all of ");
    lint_append_clock(work->lint, &finding->text, work->promise);
    words_append(&finding->text, " of ");
    words_append_name(&finding->text, work->lint->policy->agreements[work->promise->agreement].name);
    words_append(&finding->text, ", ");
    append_verdict(finding, work, variant, buffer_slice(&priorities), &verdict);
    append_walk(finding, work, variant, &chain, leg, verdict.start_at_ms);
    append_advice(finding, work, &chain, leg);
    buffer_free(&priorities);
}

static void
report_chain(struct work *work, const struct variant *variant, const struct chain *chain,
             const struct leg *legs, const struct chain_verdict *verdict)
{
    struct finding *finding =
        findings_begin(&work->lint->findings, verdict->fits ? LINT_FITS : LINT_DOES_NOT_FIT);

    lint_name_clock(work->lint, finding, work->promise);
    buffer_append_text(&finding->text, "It promises ");
    append_verdict(finding, work, variant, buffer_slice(&variant->priorities), verdict);
    append_walk(finding, work, variant, chain, legs, verdict->start_at_ms);
    if (!verdict->fits)
        append_advice(finding, work, chain, legs);
}

static void
judge(struct work *work, const struct variant *variant)
{
    struct chain_leg *legs = memory_allocate((variant->legs_count + 1) * sizeof *legs);
    struct chain chain = {lint_calendar(work->lint, work->promise->calendar), variant->target_ms,
                          work->promise->closing_grace, legs, 0};
    const struct leg *first = variant->legs;
    struct chain_verdict verdict = {.fits = true};

    for (size_t i = 0; i < variant->legs_count; i++) {
        const struct leg *leg = &variant->legs[i];
        int calendar = work->lint->policy->clocks[leg->clock].calendar;

        if (leg->step == 0) { /* they come first */
            judge_alone(work, variant, leg);
            first++;
        } else {
            legs[chain.legs_count++] =
                (struct chain_leg){lint_calendar(work->lint, calendar), leg->target_ms, leg->step};
        }
    }
    if (chain.legs_count > 0)
        chain_judge(work->lint->span, &chain, &verdict);
    if (verdict.due_ever) {
        work->lint->chains++;
        work->lint->chains_fit += verdict.fits;
        report_chain(work, variant, &chain, first, &verdict);
    }
    for (size_t i = 0; i < chain.legs_count && !verdict.fits; i++)
        judge_alone(work, variant, &first[i]);
    memory_free(legs);
}

/* A leg that no SLA has a use for. */
static void
check_use(struct lint *lint, const struct policy_clock *leg)
{
    const struct policy *policy = lint->policy;
    struct finding *finding;

    if (leg->supports_kind == POLICY_NONE)
        return;
    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *promise = &policy->clocks[i];

        if (supports(leg, promise) && !lint_is_unreachable(policy, promise->agreement) &&
            lint_matches_meet(&policy->agreements[leg->agreement].match,
                              &policy->agreements[promise->agreement].match))
            return;
    }
    finding = findings_begin(&lint->findings, LINT_SERVES_NOTHING);
    lint_name_clock(lint, finding, leg);
    words_append(&finding->text, "It supports %s/", clock_kind_text((enum clock_kind)leg->supports_kind));
    words_append_name(&finding->text, symbols_text(lint->symbols, leg->supports_clock));
    buffer_append_text(&finding->text,
                       ", but no ticket can have both: the matches of their agreements exclude each other.");
}

void
lint_chains(struct lint *lint)
{
    const struct policy *policy = lint->policy;

    for (size_t i = 0; i < policy->clocks_count; i++) {
        struct work work = {.lint = lint, .promise = &policy->clocks[i]};

        check_use(lint, &policy->clocks[i]);
        work.match = &policy->agreements[work.promise->agreement].match;
        if (work.promise->kind != KIND_SLA || lint_is_unreachable(policy, work.promise->agreement))
            continue;
        find_variants(&work);
        for (size_t v = 0; v < work.variants_count; v++)
            judge(&work, &work.variants[v]);
        for (size_t v = 0; v < work.variants_count; v++) {
            memory_free(work.variants[v].legs);
            buffer_free(&work.variants[v].priorities);
        }
        memory_free(work.variants);
    }
}
