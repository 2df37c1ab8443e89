/*
 * Reopening: whether a ticket really comes back, and what its clocks do then (semantics.md section 5, rulings
 * R29, R30, R31, R56, R67).
 *
 * Why look ahead: a customer's "thanks, works" reopens a ticket that an agent closes again a minute later.
 * Whether that was a reopen is only known afterwards, but then it counts from its own instant; so the fold,
 * which has the whole history up to T before it, looks at what followed and folds the truth, instead of
 * undoing a guess. Always true: a reopen by an agent is real at once; a pending one is solved in every
 * respect. Not here: the verdict records of it (announce).
 */
#include "core/fold.h"

/* What one later entry says of a pending reopen. */
static enum reopen_fate
fate_of_entry(const struct fold *fold, const struct entry *entry)
{
    enum status_state state;
    uint8_t on;
    bool solves = false;

    switch (entry->type) {
    case EVENT_TICKET_MERGED:
    case EVENT_TICKET_DELETED:
        return REOPEN_IS_REAL; /* R56 */
    case EVENT_TICKET_CREATED:
    case EVENT_TICKET_UPDATED:
    case EVENT_TICKET_MESSAGE:
        break;
    default:
        return REOPEN_IS_PENDING;
    }
    if (entry->present & ATTRIBUTE_BIT(ATTRIBUTE_STATUS)) {
        fold_status_meaning(fold, entry->attributes[ATTRIBUTE_STATUS], &state, &on);
        if (state == STATUS_CANCELLED)
            return REOPEN_IS_REAL;
        solves = state == STATUS_SOLVED || state == STATUS_CLOSED;
    }
    if (solves)
        return REOPEN_IS_NONE;
    return fold_actor(fold, entry) == ACTOR_AGENT ? REOPEN_IS_REAL : REOPEN_IS_PENDING;
}

enum reopen_fate
reopen_fate(const struct fold *fold, const struct entry *entry, enum actor actor)
{
    int64_t window_end_ms = entry->at_ms + fold_policy(fold)->courtesy_window_ms;
    uint32_t cursor = fold->cursor;
    enum reopen_fate fate = REOPEN_IS_PENDING;
    struct entry later;

    if (actor == ACTOR_AGENT)
        return REOPEN_IS_REAL;
    while (fate == REOPEN_IS_PENDING && history_next(fold->history, &cursor, &later)) {
        if (later.at_ms > fold->until_ms || later.at_ms > window_end_ms)
            break;
        fate = fate_of_entry(fold, &later);
    }
    if (fate == REOPEN_IS_PENDING &&
        (fold->until_ms > window_end_ms || (fold->until_ms == window_end_ms && fold->through)))
        fate = REOPEN_IS_REAL;
    return fate;
}

static void
begin_again(struct fold *fold, size_t slot, int64_t at_ms)
{
    uint16_t version;
    const struct policy_clock *promise = promise_now(fold, &fold->clocks[slot], &version);

    if (promise == NULL)
        return;
    fold->clocks[slot].final = true;
    clock_begin(fold, slot, promise, version, at_ms);
}

static void
go_on(struct fold *fold, size_t slot, int64_t at_ms, bool counts_gap)
{
    struct clock *clock = &fold->clocks[slot];
    const struct policy_clock *promise = fold->only;

    if (promise == NULL)
        promise = promise_find(policy_set_version(fold->set, clock->asked_version), &fold->life,
                               clock->promise->kind, clock->promise->name);
    if (promise == NULL) {
        clock->lost = true;
        return;
    }
    clock->final = false;
    clock->flags |= FLAG_REOPENED;
    clock_resume(fold, slot, at_ms, counts_gap);
    if (fold->extras != NULL)
        clock_retarget(fold, slot, promise, clock->asked_version, at_ms);
}

/* What one clock does when its ticket is open again. anew: every promise begins a new cycle (R30). */
static void
reopen_clock(struct fold *fold, size_t slot, int64_t at_ms, bool anew)
{
    struct clock *clock = &fold->clocks[slot];
    enum on_reopen mode = anew           ? REOPEN_NEW_CYCLE
                          : fold->honest ? REOPEN_CONTINUE
                                         : clock->promise->on_reopen;
    bool idle = clock->started_at_ms == INSTANT_NONE;

    switch (clock->promise->measure) {
    case MEASURE_RESOLUTION:
        if (idle || (clock->ended && mode == REOPEN_NEW_CYCLE))
            begin_again(fold, slot, at_ms);
        else if (clock->ended)
            go_on(fold, slot, at_ms, mode == REOPEN_CONTINUE && !clock->cancelled);
        break;
    case MEASURE_FIRST_RESPONSE:
        if (!idle && clock->ended && !clock->answered && mode != REOPEN_NEW_CYCLE)
            go_on(fold, slot, at_ms, mode == REOPEN_CONTINUE && !clock->cancelled);
        break;
    case MEASURE_UPDATE:
        if (idle || clock->ended)
            begin_again(fold, slot, at_ms);
        break;
    case MEASURE_NEXT_RESPONSE:
        if (fold->life.message_since_solve)
            begin_again(fold, slot, at_ms);
        break;
    case MEASURE_HANDLING: /* a new stay or cycle begins when it has the ball (fold_update_running) */
        if (idle || !clock->ended || clock->promise->mode != HANDLING_CUMULATIVE)
            break;
        if (mode == REOPEN_NEW_CYCLE)
            clock->renewed = true;
        else
            go_on(fold, slot, at_ms, false);
        break;
    case MEASURES_COUNT:
        break;
    }
}

void
reopen_clocks(struct fold *fold, int64_t at_ms)
{
    struct life *life = &fold->life;
    bool anew =
        life->closed_at_ms != INSTANT_NONE || life->final_at_ms != INSTANT_NONE ||
        (life->solved_at_ms != INSTANT_NONE && at_ms > life->solved_at_ms + fold_reopen_window_ms(fold));

    life->changed_at_ms = at_ms;
    life->phase = PHASE_ACTIVE;
    life->reopens++;
    life->solved_at_ms = INSTANT_NONE;
    life->closed_at_ms = INSTANT_NONE;
    life->final_at_ms = INSTANT_NONE;
    for (size_t i = 0; i < fold->past_count && anew; i++)
        fold->past[i].clock.final = true;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        fold->clocks[slot].final |= anew && fold->clocks[slot].ended;
        reopen_clock(fold, slot, at_ms, anew);
    }
}
