/*
 * The records of facts: what a verdict and a ticket outcome say (semantics.md section 7, rulings R43,
 * R58-R62).
 *
 * Why apart: what is true (fold) and when to say it (announce) know nothing of a record's shape. Always true:
 * two calls on the same derived ticket give the same bytes; nothing but `arrival` depends on when it arrived,
 * and that is not in here. Not here: printing (wire/effect).
 */
#include "base/hash.h"
#include "base/panic.h"
#include "core/ticket.h"

struct slice
engine_text(const struct engine *engine, symbol number)
{
    return number != 0 ? symbols_text(engine->options.symbols, number) : (struct slice){NULL, 0};
}

/* R28: the event in hand belongs before the end of what it changes and comes more than late_after after it.
 */
bool
outcome_is_late(const struct engine *engine, const struct life *life, const struct clock *clock)
{
    int64_t end_ms = life->closed_at_ms != INSTANT_NONE ? life->closed_at_ms : life->solved_at_ms;

    if (end_ms == INSTANT_NONE && clock != NULL)
        end_ms = clock->stopped_at_ms;
    return end_ms != INSTANT_NONE && engine->late_entry_at_ms <= end_ms &&
           engine->t_ms - end_ms > engine->options.late_after_ms;
}

static const struct spoken *
spoken_of(const struct engine *engine, const symbol *values)
{
    const struct symbols *symbols = engine->options.symbols;
    struct spoken *spoken = engine->spoken;

    if (spoken->is_known && spoken->age == symbols_age(symbols) &&
        memcmp(spoken->values, values, sizeof spoken->values) == 0)
        return spoken;
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++) {
        spoken->values[i] = values[i];
        spoken->texts[i] = engine_text(engine, values[i]);
        spoken->hashes[i] = values[i] != 0 ? symbols_hash(symbols, values[i]) : 0;
    }
    spoken->age = symbols_age(symbols);
    spoken->is_known = true;
    return spoken;
}

void
outcome_attributes(const struct engine *engine, const symbol *values, bool erased, struct slice *ret_texts)
{
    memcpy(ret_texts, spoken_of(engine, values)->texts, ATTRIBUTES_COUNT * sizeof *ret_texts);
    if (erased) /* R63 */
        ret_texts[ATTRIBUTE_REQUESTER] = ret_texts[ATTRIBUTE_ASSIGNEE] = (struct slice){NULL, 0};
}

static enum verdict
verdict_of(const struct clock *clock)
{
    if (clock_is_breached(clock))
        return VERDICT_BREACHED;
    if (clock->breached_at_ms != INSTANT_NONE)
        return VERDICT_MET; /* excused */
    if (!clock->ended)
        return VERDICT_OPEN;
    return clock->cancelled ? VERDICT_CANCELLED : clock->unanswered ? VERDICT_UNANSWERED : VERDICT_MET;
}

/* Until it has ended a verdict is as of its decision instant (R43). */
static void
figures_of_verdict(const struct clock *clock, const struct clock_extra *extra, struct clock_figures *figures)
{
    clock_figures_at(clock, extra, clock->ended ? clock->stopped_at_ms : extra->decided_at_ms, figures);
    if (extra->promise == NULL) { /* what was announced was never true, and nothing is decided */
        *figures = (struct clock_figures){.state = CLOCK_RUNNING,
                                          .started_at_ms = clock->started_at_ms,
                                          .due_at_ms = INSTANT_NONE,
                                          .breached_at_ms = INSTANT_NONE,
                                          .stopped_at_ms = INSTANT_NONE,
                                          .target_ms = clock->target_ms,
                                          .flags = clock->flags};
        return;
    }
    if (clock->breached_at_ms != INSTANT_NONE) {
        figures->due_at_ms = extra->due_at_ms;
        figures->target_ms = extra->target_at_breach_ms;
    }
    if (clock->ended)
        return;
    figures->state = clock_is_breached(clock) ? CLOCK_BREACHED : CLOCK_RUNNING;
    if (!extra->decision_corrected)
        figures->flags &= (uint16_t)~FLAG_CALENDAR_CORRECTED;
    figures->elapsed_ms = extra->elapsed_at_breach_ms;
    figures->overrun_ms = 0;
    figures->overrun_wall_ms = 0;
    figures->paused_ms = extra->at_breach.paused_ms;
    figures->paused_wall_ms = extra->at_breach.paused_wall_ms;
    memcpy(figures->by_party, extra->at_breach.by_party, sizeof figures->by_party);
    if (clock->breached_at_ms == INSTANT_NONE) /* open again */
        figures->due_at_ms = INSTANT_NONE;
}

static int64_t
wait_of(const struct engine *engine, const struct clock *clock, const struct clock_extra *extra)
{
    if (!clock->answered || !clock->ended)
        return INSTANT_NONE;
    if (extra->promise->start == START_HANDOFF)
        return clock->stopped_at_ms - engine->said->life.started_at_ms;
    return clock->stopped_at_ms - extra->wait_from_ms;
}

/* R60. engine->other holds the honest fold when the ticket's life gives it reason to differ. */
static enum verdict
honest_verdict(const struct engine *engine, const struct clock *clock, enum verdict contract)
{
    const struct life *life = &engine->said->life;
    const struct clock *honest = clock;
    const struct clock_extra *extra;
    enum verdict verdict;

    if (fold_has_honest_view(life) && engine->other.honest)
        honest =
            fold_find_cycle(&engine->other, clock->promise->kind, clock->promise->name, clock->cycle, &extra);
    if (honest == NULL)
        return contract; /* under `continue` the cycle is part of an earlier one, which says it */
    verdict = honest == clock ? contract : verdict_of(honest);
    if (verdict == VERDICT_MET && clock->promise->measure == MEASURE_RESOLUTION &&
        (honest->flags & FLAG_AUTO_CLOSED) && !clock->excused)
        return VERDICT_BREACHED;
    return clock->excused && contract == VERDICT_MET ? VERDICT_MET : verdict;
}

static bool
is_excluded(const struct engine *engine, const struct clock_extra *extra)
{
    const struct policy *policy = policy_set_version(engine->set, engine->said->life.version);
    struct life as_decided;

    if (policy->contracts_count == 0)
        return false;
    as_decided.source = engine->said->life.source; /* all that a match looks at */
    memcpy(as_decided.attributes, extra->attributes, sizeof as_decided.attributes);
    for (size_t i = 0; i < policy->contracts_count; i++) {
        const struct policy_contract *contract = &policy->contracts[i];

        if (promise_match(&contract->match, &as_decided))
            return contract->honest_exclude.keys_count > 0 &&
                   promise_match(&contract->honest_exclude, &as_decided);
    }
    return false;
}

void
outcome_verdict(struct engine *engine, const struct ticket *ticket, const struct clock *clock,
                const struct clock_extra *extra, struct verdict_outcome *outcome)
{
    bool decided = extra->promise != NULL;
    const struct policy_clock *promise = decided ? extra->promise : clock->promise;
    const struct policy *policy = policy_set_version(engine->set, decided ? extra->version : clock->version);
    bool erased = engine->said->life.erased;
    int64_t final_at_ms;

    *outcome = (struct verdict_outcome){
        .name = {ticket_name(ticket), promise->kind, policy->agreements[promise->agreement].name,
                 engine_text(engine, promise->name), clock->cycle},
        .measure = promise->measure,
        .verdict = verdict_of(clock),
        .ended = clock->ended,
        .final = clock->ended && (clock->final || fold_is_final(engine->said, &final_at_ms)),
        .decided_at_ms = decided ? extra->decided_at_ms : INSTANT_NONE,
        .attainment = promise->attainment,
        .default_counts = promise->counts_is_default,
        .has_wait = promise->measure == MEASURE_FIRST_RESPONSE,
        .wait_ms = wait_of(engine, clock, extra),
        .source = engine_text(engine, engine->said->life.source),
        .policy = policy->label,
    };
    figures_of_verdict(clock, extra, &outcome->figures);
    outcome_attributes(engine, decided ? extra->attributes : engine->said->life.attributes, erased,
                       outcome->attributes);
    if (outcome->figures.flags & FLAG_EXCUSED) {
        outcome->excused_by = engine_text(engine, erased ? 0 : extra->excused_by);
        outcome->excused_reason = engine_text(engine, extra->excused_reason);
    }
    outcome->honest = honest_verdict(engine, clock, outcome->verdict);
    outcome->honest_excluded = is_excluded(engine, extra);
}

/* What a record says, as words: texts by the hashes their symbols keep. */
struct words {
    uint64_t at[64];
    size_t count;
};

static inline void
add_word(struct words *words, int64_t word)
{
    words->at[words->count++] = (uint64_t)word;
}

static inline void
add_symbol(struct words *words, const struct engine *engine, symbol number)
{
    words->at[words->count++] = number != 0 ? symbols_hash(engine->options.symbols, number) : 0;
}

static inline void
add_text(struct words *words, struct slice text)
{
    words->at[words->count++] = text.at != NULL ? hash_content(text.at, text.bytes) : 0;
}

static uint64_t
hash_words(const struct words *words)
{
    must(words->count <= 64);
    return hash_content(words->at, words->count * sizeof words->at[0]);
}

static void
add_figures(struct words *words, const struct clock_figures *figures)
{
    add_word(words, figures->started_at_ms);
    add_word(words, figures->due_at_ms);
    add_word(words, figures->breached_at_ms);
    add_word(words, figures->stopped_at_ms);
    add_word(words, figures->target_ms);
    add_word(words, figures->elapsed_ms);
    add_word(words, figures->overrun_ms);
    add_word(words, figures->overrun_wall_ms);
    add_word(words, figures->paused_ms);
    add_word(words, figures->paused_wall_ms);
    for (int party = 0; party < PARTIES_COUNT; party++) {
        add_word(words, figures->by_party[party].wall_ms);
        add_word(words, figures->by_party[party].in_hours_ms);
    }
}

static void
add_attributes(struct words *words, const struct engine *engine, const symbol *attributes, bool erased)
{
    uint64_t *at = words->at + words->count;

    memcpy(at, spoken_of(engine, attributes)->hashes, ATTRIBUTES_COUNT * sizeof *at);
    if (erased)
        at[ATTRIBUTE_REQUESTER] = at[ATTRIBUTE_ASSIGNEE] = 0;
    words->count += ATTRIBUTES_COUNT;
}

uint64_t
outcome_verdict_content(const struct engine *engine, const struct verdict_outcome *outcome,
                        const symbol *attributes)
{
    struct words words = {.count = 0};
    const bool bools[] = {outcome->ended, outcome->final, outcome->honest_excluded, outcome->attainment};
    int64_t small = (int64_t)outcome->verdict | (int64_t)outcome->honest << 8 |
                    (int64_t)outcome->figures.state << 16 | (int64_t)outcome->figures.flags << 24;

    for (size_t i = 0; i < sizeof bools; i++)
        small |= (int64_t)bools[i] << (48 + i);
    add_word(&words, small);
    add_word(&words, outcome->decided_at_ms);
    add_word(&words, outcome->wait_ms);
    add_figures(&words, &outcome->figures);
    add_attributes(&words, engine, attributes, engine->said->life.erased);
    add_symbol(&words, engine, engine->said->life.source);
    add_text(&words, outcome->policy);
    add_text(&words, outcome->name.agreement);
    add_text(&words, outcome->excused_by);
    add_text(&words, outcome->excused_reason);
    return hash_words(&words);
}

enum ticket_state
outcome_ticket_state(const struct life *life)
{
    if (life->deleted || life->merged || life->phase == PHASE_CANCELLED)
        return TICKET_CANCELLED;
    return life->phase == PHASE_CLOSED   ? TICKET_CLOSED
           : life->phase == PHASE_SOLVED ? TICKET_SOLVED
                                         : TICKET_OPEN;
}

void
outcome_ticket(struct engine *engine, const struct ticket *ticket, const struct fold *fold,
               struct ticket_outcome *outcome)
{
    const struct life *life = &fold->life;
    enum ticket_state state = outcome_ticket_state(life);
    int64_t final_at_ms;

    *outcome = (struct ticket_outcome){
        .ticket = ticket_name(ticket),
        .state = state,
        .final = fold_is_final(fold, &final_at_ms),
        .changed_at_ms = life->changed_at_ms,
        .erased = life->erased,
        .started_at_ms = life->started_at_ms,
        .solved_at_ms = state == TICKET_SOLVED || state == TICKET_CLOSED ? life->solved_at_ms : INSTANT_NONE,
        .closed_at_ms = state == TICKET_CLOSED ? life->closed_at_ms : INSTANT_NONE,
        .counted = state == TICKET_SOLVED || state == TICKET_CLOSED,
        .source = engine_text(engine, life->source),
        .policy = policy_set_version(engine->set, life->start_version)->label,
    };
    outcome_attributes(engine, life->attributes, life->erased, outcome->attributes);
    outcome->attributes[ATTRIBUTE_STATUS] = (struct slice){NULL, 0};
    if (!outcome->counted)
        return;
    outcome->reopens = fold->solve.reopens;
    outcome->group_bounces = fold->solve.group_bounces;
    outcome->assignee_changes = fold->solve.assignee_changes;
    outcome->tiers_touched = fold->solve.tiers_touched;
    outcome->first_contact_resolution =
        fold->solve.group_bounces == 0 && fold->solve.reopens == 0 && fold->solve.agent_messages <= 1;
    memcpy(outcome->by_party_wall_ms, fold->solve.by_party_wall_ms, sizeof outcome->by_party_wall_ms);
}

uint64_t
outcome_ticket_content(const struct engine *engine, const struct ticket_outcome *outcome,
                       const struct life *life)
{
    struct words words = {.count = 0};
    size_t first;

    add_word(&words, (int64_t)outcome->state | (int64_t)outcome->final << 8 | (int64_t)outcome->counted << 9 |
                         (int64_t)outcome->first_contact_resolution << 10 | (int64_t)outcome->erased << 11 |
                         (int64_t)outcome->tiers_touched << 16);
    add_word(&words, outcome->started_at_ms);
    add_word(&words, outcome->solved_at_ms);
    add_word(&words, outcome->closed_at_ms);
    add_word(&words, (int64_t)outcome->reopens | (int64_t)outcome->group_bounces << 32);
    add_word(&words, outcome->assignee_changes);
    add_word(&words, outcome->changed_at_ms);
    for (int party = 0; party < PARTIES_COUNT; party++)
        add_word(&words, outcome->by_party_wall_ms[party]);
    first = words.count;
    add_attributes(&words, engine, life->attributes, outcome->erased);
    words.at[first + ATTRIBUTE_STATUS] = 0;
    add_symbol(&words, engine, life->source);
    add_text(&words, outcome->policy);
    return hash_words(&words);
}
