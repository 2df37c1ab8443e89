/*
 * What: watermelons: a contract's scope whose SLA clocks keep their target while its users are proven to be
 * below theirs.
 *
 * Why this way: whether a scope is green outside and red inside is read whenever it is due, like any figure;
 * what is kept is only whether it was. "At target for a day" is asked of the entries themselves, instant by
 * instant back through the day, so that it does not matter who was running then.
 *
 * Always true: it opens on the interval (its upper bound under the target) and closes on attainment or on a
 * day of the point estimate; each of the two is an outcome with its figures; what was never ripe has no
 * record.
 *
 * Not here: when a scope is due (score_publish), bytes.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_windows.h"
#include "core/scores_state.h"
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

void
score_watermelons_done(struct scores *scores)
{
    for (size_t i = 0; i < scores->melons_count; i++) {
        symbols_release(scores->options.symbols, scores->melons[i].contract);
        for (size_t d = 0; d < SCORE_DIMENSIONS_COUNT; d++)
            symbols_release(scores->options.symbols, scores->melons[i].values.of[d]);
    }
    memory_free(scores->melons);
}

static struct score_melon *
find_melon(const struct scores *scores, symbol contract, uint32_t dimensions,
           const struct score_values *values)
{
    for (size_t i = 0; i < scores->melons_count; i++) {
        struct score_melon *melon = &scores->melons[i];

        if (melon->contract == contract && melon->dimensions == dimensions &&
            memcmp(&melon->values, values, sizeof *values) == 0)
            return melon;
    }
    return NULL;
}

/* Takes hold of the names when it is new. */
static struct score_melon *
take_melon(struct scores *scores, symbol contract, uint32_t dimensions, const struct score_values *values)
{
    struct score_melon *melon = find_melon(scores, contract, dimensions, values);

    if (melon != NULL)
        return melon;
    scores->melons = memory_resize(scores->melons, (scores->melons_count + 1) * sizeof *scores->melons);
    melon = &scores->melons[scores->melons_count++];
    *melon = (struct score_melon){.contract = contract,
                                  .dimensions = dimensions,
                                  .values = *values,
                                  .since_ms = INSTANT_NONE,
                                  .check_at_ms = INT64_MIN};
    symbols_retain(scores->options.symbols, contract);
    for (size_t d = 0; d < SCORE_DIMENSIONS_COUNT; d++)
        symbols_retain(scores->options.symbols, values->of[d]);
    return melon;
}

void
score_watermelons_fold(struct scores *scores, const struct contract_outcome *outcome)
{
    struct symbols *symbols = scores->options.symbols;
    struct score_values values = {{0}};
    symbol contract = symbols_intern(symbols, outcome->contract);
    struct score_melon *melon;

    for (size_t d = 0; d < SCORE_DIMENSIONS_COUNT; d++)
        if ((outcome->scope.dimensions & 1U << d) != 0)
            values.of[d] = symbols_intern(symbols, outcome->scope.values[d]);
    melon = take_melon(scores, contract, outcome->scope.dimensions, &values);
    symbols_release(symbols, contract);
    for (size_t d = 0; d < SCORE_DIMENSIONS_COUNT; d++)
        symbols_release(symbols, values.of[d]);
    if (outcome->arrival.revision <= melon->revision) {
        scores->stale++;
        return;
    }
    melon->revision = outcome->arrival.revision;
    melon->ripe = outcome->to == CONTRACT_RIPE;
    melon->since_ms = outcome->since_ms;
    melon->check_at_ms = INT64_MIN;
}

void
score_watermelons_adopt(struct scores *scores, const struct score_melon *melon)
{
    *take_melon(scores, melon->contract, melon->dimensions, &melon->values) = *melon;
}

/* ---- the figures ---- */

static void
look(struct scores *scores, const struct score_scope_state *scope, const struct policy_window *window,
     const struct zone *zone, int64_t at_ms, struct score_reading *ret_reading)
{
    struct score_window place = score_windows_at(window, zone, at_ms);
    const struct score_frame frame = {.before_ms = place.after_ms - 1,
                                      .after_ms = place.after_ms,
                                      .through_ms = at_ms,
                                      .min_answers = scores->experience->min_answers,
                                      .neutral = scores->experience->neutral};

    score_figures_frame(scores, scope, &frame, ret_reading);
}

static double
px_target(const struct scores *scores)
{
    return (double)scores->experience->px_target_bp / 10000.0;
}

/* A point estimate stands and is below its target. */
static bool
is_below(const struct scores *scores, const struct score_record *record)
{
    const struct policy_experience *experience = scores->experience;

    if (experience->px_target_bp > 0 && record->px.present && record->px.value < px_target(scores))
        return true;
    return experience->has_nps_target && record->nps.present &&
           record->nps.value < (double)experience->nps_target;
}

static bool
is_proven_below(const struct scores *scores, const struct score_record *record)
{
    const struct policy_experience *experience = scores->experience;

    if (experience->px_target_bp > 0 && record->px.present && record->px.high < px_target(scores))
        return true;
    return experience->has_nps_target && record->nps.present &&
           record->nps.high < (double)experience->nps_target;
}

static bool
is_green(const struct scores *scores, const struct score_record *record)
{
    const struct score_rate *rate = &record->attainment_contract;

    return rate->n > 0 && rate->hits * 10000 >= (int64_t)scores->experience->attainment_target_bp * rate->n;
}

/* ---- a day at target ---- */

struct instants {
    int64_t *of_ms;
    size_t count, room;
    int64_t shift_ms;
};

static void
take_instant(void *context, int64_t at_ms, uint32_t entry)
{
    struct instants *instants = context;

    (void)entry;
    if (instants->count == instants->room) {
        instants->room = instants->room * 2 + 64;
        instants->of_ms = memory_resize(instants->of_ms, instants->room * sizeof *instants->of_ms);
    }
    instants->of_ms[instants->count++] = at_ms + instants->shift_ms;
}

static int
compare_descending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left < right) - (left > right);
}

/* Instants in (at - a day, at] at which an answer entered or left the window, the latest first. */
static void
gather_changes(const struct score_scope_state *scope, const struct policy_window *window,
               const struct zone *zone, int64_t at_ms, struct instants *instants)
{
    for (uint32_t i = 0; i < scope->series_count; i++) {
        const struct score_series *series = &scope->series[i].series;

        if (scope->series[i].kind >> 56 != SCORE_ANSWERS)
            continue;
        instants->shift_ms = 0;
        score_series_each(series, at_ms - DAY_MS, at_ms, take_instant, instants);
        if (window->kind != WINDOW_ROLLING)
            continue;
        instants->shift_ms = window->length_ms;
        score_series_each(series, at_ms - DAY_MS - window->length_ms, at_ms - window->length_ms, take_instant,
                          instants);
    }
    if (window->kind != WINDOW_ROLLING) {
        int64_t turn_ms = score_windows_next_turn_ms(window, zone, at_ms - DAY_MS);

        instants->shift_ms = 0;
        if (turn_ms <= at_ms)
            take_instant(instants, turn_ms, 0);
    }
    if (instants->count > 0)
        qsort(instants->of_ms, instants->count, sizeof *instants->of_ms, compare_descending);
}

/* Now it is at target: since when, looking back a day at most (then the result is a day ago). */
static int64_t
at_target_since_ms(struct scores *scores, const struct score_scope_state *scope,
                   const struct policy_window *window, const struct zone *zone, int64_t at_ms)
{
    struct instants instants = {NULL, 0, 0, 0};
    int64_t since_ms = at_ms - DAY_MS;

    gather_changes(scope, window, zone, at_ms, &instants);
    for (size_t i = 0; i < instants.count; i++) {
        struct score_reading reading;

        if (i > 0 && instants.of_ms[i] == instants.of_ms[i - 1])
            continue;
        look(scores, scope, window, zone, instants.of_ms[i] - 1, &reading);
        if (is_below(scores, &reading.record)) {
            since_ms = instants.of_ms[i];
            break;
        }
    }
    memory_free(instants.of_ms);
    return since_ms;
}

/* ---- the state ---- */

static bool
is_ripe_still(struct scores *scores, const struct score_scope_state *scope,
              const struct policy_window *window, const struct zone *zone, const struct score_record *record,
              int64_t at_ms, struct score_melon *melon)
{
    if (!is_green(scores, record))
        return false;
    if (is_below(scores, record)) {
        melon->check_at_ms = INT64_MIN;
        return true;
    }
    if (melon->check_at_ms == INT64_MIN || melon->check_at_ms <= at_ms)
        melon->check_at_ms = at_target_since_ms(scores, scope, window, zone, at_ms) + DAY_MS;
    return melon->check_at_ms > at_ms;
}

/* The greatest shares of what was said of aspects, negative or positive. */
static size_t
top_aspects(const struct score_record *record, bool negative, struct score_share *shares)
{
    size_t count = 0;

    for (size_t i = 0; i < record->aspects_count; i++) {
        const struct score_px *px = &record->aspects[i].px;
        int64_t hits = negative ? px->negative : px->positive;
        struct score_share share = {record->aspects[i].name, px->n, 0};
        size_t to = count < WATERMELON_ASPECTS_MAX ? count : WATERMELON_ASPECTS_MAX - 1;

        if (!px->present || hits == 0)
            continue;
        share.value = (double)hits / (double)px->n;
        if (count == WATERMELON_ASPECTS_MAX && shares[to].value >= share.value)
            continue;
        for (; to > 0 && shares[to - 1].value < share.value; to--)
            shares[to] = shares[to - 1];
        shares[to] = share;
        count += count < WATERMELON_ASPECTS_MAX;
    }
    return count;
}

static void
describe(struct scores *scores, const struct score_scope_state *scope, const struct policy_contract *policy,
         const struct score_record *record, struct score_watermelon *melon)
{
    const struct policy_experience *experience = scores->experience;
    struct score_tally life = score_figures_tally(scores, scope, score_series_kind(SCORE_LIFE, 0, 0),
                                                  record->after_ms, record->at_ms);

    melon->contract = policy->name;
    melon->scope = record->scope;
    melon->window = policy->watermelon_window.name;
    melon->at_ms = record->at_ms;
    melon->attainment = record->attainment_contract;
    melon->attainment_target_bp = experience->attainment_target_bp;
    melon->has_px_target = experience->px_target_bp > 0;
    melon->px_target_bp = experience->px_target_bp;
    melon->px = record->px;
    melon->has_nps_target = experience->has_nps_target;
    melon->nps_target = experience->nps_target;
    melon->nps = record->nps;
    melon->negative_count = top_aspects(record, true, melon->negative);
    melon->positive_count = top_aspects(record, false, melon->positive);
    for (int i = 0; i < PARTIES_COUNT; i++)
        melon->wall_ms[i] = life.columns[LIFE_PARTY_FIRST + i];
}

static void
turn(struct scores *scores, bool ripe, struct score_watermelon *body, uint32_t revision)
{
    struct contract_outcome outcome = {.contract = body->contract,
                                       .subject = CONTRACT_WATERMELON,
                                       .decided_at_ms = body->at_ms,
                                       .has_states = true,
                                       .from = ripe ? CONTRACT_CLEAR : CONTRACT_RIPE,
                                       .to = ripe ? CONTRACT_RIPE : CONTRACT_CLEAR,
                                       .moved = true,
                                       .since_ms = body->at_ms,
                                       .has_scope = true,
                                       .scope = body->scope,
                                       .window = body->window,
                                       .watermelon = body};

    body->ripe = ripe;
    body->since_ms = body->at_ms;
    outcome.arrival.revision = revision + 1;
    score_contracts_tell(scores, &outcome);
}

int64_t
score_watermelons_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always)
{
    const struct score_definition *definition = &scores->scopes.definitions[scope->definition];
    const struct policy_contract *policy = &scores->policy->contracts[definition->index];
    const struct zone *zone = score_contracts_zone(scores, policy);
    struct score_melon *melon =
        find_melon(scores, policy->name_symbol, definition->dimensions, &scope->values);
    struct score_melon none = {.revision = 0};
    struct score_watermelon body = {.ripe = melon != NULL && melon->ripe};
    struct score_reading reading;
    int64_t next_ms = score_figures_expiry_ms(scope, &policy->watermelon_window, zone, at_ms);
    bool ripe;

    look(scores, scope, &policy->watermelon_window, zone, at_ms, &reading);
    if (melon == NULL)
        melon = &none;
    ripe = melon->ripe
               ? is_ripe_still(scores, scope, &policy->watermelon_window, zone, &reading.record, at_ms, melon)
               : is_green(scores, &reading.record) && is_proven_below(scores, &reading.record);
    if (scores->behind)
        ripe = melon->ripe;
    if (ripe && melon->ripe && melon->check_at_ms != INT64_MIN && melon->check_at_ms < next_ms)
        next_ms = melon->check_at_ms;
    if (!ripe && melon->revision == 0)
        return next_ms;
    look(scores, scope, &policy->watermelon_window, zone, at_ms,
         &reading); /* looking back has used its arrays */
    body.since_ms = melon->since_ms;
    describe(scores, scope, policy, &reading.record, &body);
    if (ripe != melon->ripe)
        turn(scores, ripe, &body, melon->revision);
    reading.digest = hash_bytes(reading.digest, body.wall_ms, sizeof body.wall_ms);
    reading.digest = hash_bytes(reading.digest, &body.since_ms, sizeof body.since_ms);
    if ((score_publish_differs(scores, scope, reading.digest, &body.revision) || always) &&
        scores->options.sink.watermelon != NULL)
        scores->options.sink.watermelon(scores->options.sink.context, &body);
    return next_ms;
}

/* ---- a policy that looks elsewhere ---- */

static bool
is_looked_for(const struct scores *scores, const struct score_melon *melon)
{
    for (size_t i = 0; i < scores->scopes.definitions_count; i++) {
        const struct score_definition *definition = &scores->scopes.definitions[i];

        if (definition->use == SCORE_USE_WATERMELON && definition->dimensions == melon->dimensions &&
            scores->policy->contracts[definition->index].name_symbol == melon->contract)
            return true;
    }
    return false;
}

void
score_watermelons_drop(struct scores *scores)
{
    struct symbols *symbols = scores->options.symbols;

    for (size_t i = 0; i < scores->melons_count; i++) {
        const struct score_melon *melon = &scores->melons[i];
        struct score_watermelon body = {.contract = symbols_text(symbols, melon->contract),
                                        .at_ms = scores->t_ms};

        if (!melon->ripe || is_looked_for(scores, melon))
            continue;
        body.window = (struct slice){"", 0};
        body.scope.dimensions = melon->dimensions;
        for (size_t d = 0; d < SCORE_DIMENSIONS_COUNT; d++)
            body.scope.values[d] = symbols_text(symbols, melon->values.of[d]);
        turn(scores, false, &body, melon->revision);
        if (scores->options.sink.watermelon != NULL)
            scores->options.sink.watermelon(scores->options.sink.context, &body);
    }
}
