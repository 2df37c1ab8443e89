/*
 * One clock: starts, counts, passes thresholds, stops, and may be taken up again (semantics.md sections 1 and
 * 4).
 *
 * Why this way: a running clock is a point (since, elapsed before it) and a calendar; everything else follows
 * from them without a tick. Its next threshold is one calendar_add away, so a clock that nothing happens to
 * costs nothing. Always true: `elapsed_ms` is the sum of the closed runs; a clock runs only when started and
 * not ended; `next_at_ms` is NEVER unless it runs; breached_at_ms is set once a cycle and cleared only by
 * deriving again. Not here: when a clock should run or stop (fold_event), which terms it has (promise), who
 * had the ball (account).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/fold.h"

const struct calendar *
clock_calendar(const struct fold *fold, const struct policy_clock *promise, uint16_t version)
{
    size_t days = fold->pinned_days || fold->days_version < version ? version : fold->days_version;

    return policy_set_calendar(fold->set, version, promise->calendar, days);
}

int64_t
clock_elapsed_ms(const struct clock *clock, int64_t at_ms)
{
    if (!clock->running)
        return clock->elapsed_ms;
    return clock->elapsed_ms + calendar_counted_ms(clock->calendar, clock->since_ms, at_ms);
}

bool
clock_is_breached(const struct clock *clock)
{
    return clock->breached_at_ms != INSTANT_NONE && !clock->excused;
}

enum clock_state
clock_state(const struct clock *clock)
{
    if (clock->started_at_ms == INSTANT_NONE)
        return CLOCK_IDLE;
    if (clock_is_breached(clock))
        return CLOCK_BREACHED;
    if (!clock->ended)
        return clock->running ? CLOCK_RUNNING : CLOCK_PAUSED;
    if (clock->excused && clock->breached_at_ms != INSTANT_NONE)
        return CLOCK_MET;
    return clock->cancelled ? CLOCK_CANCELLED : clock->unanswered ? CLOCK_UNANSWERED : CLOCK_MET;
}

int64_t
clock_reaches_at_ms(const struct clock *clock, int64_t counted_ms)
{
    int64_t amount_ms = counted_ms > clock->elapsed_ms ? counted_ms - clock->elapsed_ms : 0;
    int64_t at_ms;

    if (!clock->running)
        return NEVER;
    at_ms = calendar_add_ms(clock->calendar, clock->since_ms, amount_ms);
    return at_ms != CALENDAR_NEVER && at_ms - clock->started_at_ms <= POLICY_DURATION_MAX_MS ? at_ms : NEVER;
}

int64_t
clock_reaches_in(struct fold *fold, const struct clock *clock, int64_t counted_ms)
{
    int64_t amount_ms = counted_ms > clock->elapsed_ms ? counted_ms - clock->elapsed_ms : 0;
    int64_t at_ms;

    if (!clock->running)
        return NEVER;
    at_ms = account_add_ms(fold, clock->calendar, clock->since_ms, amount_ms);
    return at_ms != CALENDAR_NEVER && at_ms - clock->started_at_ms <= POLICY_DURATION_MAX_MS ? at_ms : NEVER;
}

/* A stage's threshold in counted time: shares round up (R6); NEVER when it is not armed (R34) or falls on the
 * breach. */
int64_t
clock_stage_threshold_ms(const struct policy_stage *stage, int64_t target_ms)
{
    int64_t threshold_ms;

    if (stage->left_ms > 0)
        threshold_ms = target_ms > stage->left_ms ? target_ms - stage->left_ms : NEVER;
    else
        threshold_ms =
            target_ms / 10000 * stage->share_bp + (target_ms % 10000 * stage->share_bp + 9999) / 10000;
    return threshold_ms < target_ms ? threshold_ms : NEVER;
}

static bool
stage_equal(const struct policy_stage *a, const struct policy_stage *b)
{
    return a == b || (a != NULL && b != NULL && slice_equal(a->name, b->name));
}

static bool
has_passed(const struct clock_extra *extra, const struct policy_stage *stage)
{
    for (size_t i = 0; extra != NULL && i < extra->passed_count; i++) {
        if (stage_equal(extra->passed[i].stage, stage))
            return true;
    }
    return false;
}

/* The least threshold at or above from_ms whose stage has not passed; the target is the last one. */
static int64_t
next_threshold_ms(const struct clock *clock, const struct clock_extra *extra, int64_t from_ms)
{
    int64_t next_ms = clock->target_ms;

    if (clock->breached_at_ms != INSTANT_NONE)
        return NEVER;
    for (size_t i = 0; i < clock->promise->stages_count && !clock->excused; i++) {
        const struct policy_stage *stage = &clock->promise->stages[i];
        int64_t threshold_ms = clock_stage_threshold_ms(stage, clock->target_ms);

        if (threshold_ms >= from_ms && threshold_ms < next_ms && !has_passed(extra, stage))
            next_ms = threshold_ms;
    }
    return next_ms;
}

static struct clock_extra *
extra_of(const struct fold *fold, size_t slot)
{
    return fold->extras != NULL ? &fold->extras[slot] : NULL;
}

void
clock_extra_clear(struct clock_extra *extra)
{
    struct clock_run *runs = extra->runs;
    size_t room = extra->runs_room;

    memset(extra, 0, offsetof(struct clock_extra, passed));
    extra->runs = runs;
    extra->runs_room = room;
}

static void
begin_extra(struct clock_extra *extra, const struct clock *clock, int64_t at_ms)
{
    clock_extra_clear(extra);
    extra->first_calendar = clock->calendar;
    extra->at_due_ms = INSTANT_NONE;
    extra->first_counts = clock->promise->counts;
    extra->inherited_start_ms = NEVER;
    extra->resumed_at_ms = INSTANT_NONE;
    extra->decided_at_ms = INSTANT_NONE;
    extra->due_at_ms = INSTANT_NONE;
    extra->slack_at_ms = INSTANT_NONE;
    extra->wait_from_ms = at_ms;
}

/* Where a decision of this instant is noted: with the clock, or (light) in its sketch. */
static struct clock_extra *
note_of(struct fold *fold, size_t slot)
{
    if (!fold->light)
        return &fold->extras[slot];
    if ((fold->touched & SLOT_BIT(slot)) == 0) {
        fold->needs_full |= slot >= COURSE_SLOTS_MAX || fold->clocks[slot].irregular;
        fold->touched |= SLOT_BIT(slot);
        begin_extra(&fold->sketches[slot], &fold->clocks[slot], fold->clocks[slot].started_at_ms);
    }
    return &fold->sketches[slot];
}

static void
add_run(struct clock_extra *extra, int64_t from_ms, int64_t to_ms, int64_t before_ms,
        const struct calendar *calendar)
{
    if (extra->runs_count == extra->runs_room) {
        extra->runs_room = extra->runs_room > 0 ? extra->runs_room * 2 : 4;
        extra->runs = memory_resize(extra->runs, extra->runs_room * sizeof *extra->runs);
    }
    extra->runs[extra->runs_count++] = (struct clock_run){from_ms, to_ms, before_ms, calendar};
}

/* Within ten years of its start, as clock_reaches_at_ms would say. */
static bool
reaches_target(const struct clock *clock)
{
    const int64_t soon_ms = INT64_C(300) * 86400000;

    if (clock->running && clock->since_ms - clock->started_at_ms < soon_ms &&
        calendar_surely_counts(clock->calendar, clock->since_ms, clock->target_ms))
        return true;
    return clock_reaches_at_ms(clock, clock->target_ms) != NEVER;
}

/* When the next threshold comes, if nothing happens. A clock that cannot reach its target within ten years
 * has no timers. */
static void
arm(struct fold *fold, struct clock *clock)
{
    int64_t at_ms = clock->next_ms != NEVER ? clock_reaches_in(fold, clock, clock->next_ms) : NEVER;

    if (at_ms != NEVER && clock->next_ms < clock->target_ms && !reaches_target(clock))
        at_ms = NEVER;
    if (at_ms != NEVER && clock->next_ms >= clock->target_ms && clock->promise->closing_grace &&
        !calendar_is_open(clock->calendar, at_ms))
        at_ms = calendar_next_open_ms(clock->calendar, at_ms);
    clock->next_at_ms = at_ms;
}

void
clock_arm_repeat(struct clock *clock, int64_t due_ms)
{
    clock->next_ms = due_ms;
    clock->next_at_ms = due_ms != NEVER ? clock_reaches_at_ms(clock, due_ms) : NEVER;
}

void
clock_set_running(struct fold *fold, size_t slot, bool running, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = extra_of(fold, slot);

    if (clock->running == running)
        return;
    if (running) {
        clock->since_ms = at_ms;
        if (extra != NULL)
            add_run(extra, at_ms, NEVER, clock->elapsed_ms, clock->calendar);
    } else {
        clock->elapsed_ms += account_counted_ms(fold, clock->calendar, clock->since_ms, at_ms);
        if (extra != NULL && clock->since_ms == at_ms)
            extra->runs_count--;
        else if (extra != NULL)
            extra->runs[extra->runs_count - 1].to_ms = at_ms;
    }
    clock->running = running;
    arm(fold, clock);
}

/* A stage becomes true of this cycle. */
static void
pass(struct clock_extra *extra, const struct policy_stage *stage, int64_t threshold_ms, int64_t at_ms)
{
    if (has_passed(extra, stage) || extra->passed_count == PASSED_MAX)
        return;
    extra->passed[extra->passed_count++] = (struct passed){stage, at_ms, threshold_ms};
}

/* Light: the stages below this much counted time have passed, at instants that only the history knows. */
static void
recall_passed(struct fold *fold, size_t slot, int64_t below_ms)
{
    const struct clock *clock = &fold->clocks[slot];

    for (size_t i = 0; i < clock->promise->stages_count && fold->light; i++) {
        int64_t threshold_ms = clock_stage_threshold_ms(&clock->promise->stages[i], clock->target_ms);

        if (threshold_ms < below_ms)
            pass(&fold->sketches[slot], &clock->promise->stages[i], threshold_ms, INSTANT_NONE);
    }
}

void
clock_recall(struct fold *fold, size_t slot)
{
    const struct clock *clock = &fold->clocks[slot];
    bool breached = clock->breached_at_ms != INSTANT_NONE;
    struct clock_extra *sketch = note_of(fold, slot);

    sketch->decided_at_ms = breached ? clock->breached_at_ms : clock->stopped_at_ms;
    sketch->due_at_ms = clock->due_at_ms;
    sketch->promise = clock->promise;
    sketch->version = clock->version;
    recall_passed(fold, slot, breached ? clock->target_ms : clock->next_ms);
    if (!breached)
        return;
    pass(sketch, NULL, clock->target_ms, clock->breached_at_ms);
    sketch->elapsed_at_breach_ms = sketch->target_at_breach_ms = clock->target_ms;
}

/* Keeps what a verdict needs as it was when it was decided (R43). */
static void
keep_decision(struct fold *fold, size_t slot, int64_t at_ms)
{
    struct clock_extra *extra = note_of(fold, slot);

    extra->decided_at_ms = at_ms;
    extra->promise = fold->clocks[slot].promise;
    extra->version = fold->clocks[slot].version;
    memcpy(extra->attributes, fold->life.attributes, sizeof extra->attributes);
}

static void
breach(struct fold *fold, size_t slot, int64_t at_ms, int64_t due_at_ms, uint16_t flags)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = note_of(fold, slot);

    clock->irregular |= clock->promise->closing_grace; /* it is decided later than it happened */
    if (fold->light) {
        fold->needs_full |= clock->irregular;
        recall_passed(fold, slot, clock->target_ms);
    }
    clock->breached_at_ms = at_ms;
    clock->due_at_ms = due_at_ms;
    clock->decided_after = fold->entries_done;
    clock->flags |= flags;
    clock->flags |= clock->excused ? FLAG_EXCUSED : 0;
    clock->unanswered = false;
    clock->next_ms = NEVER;
    clock->next_at_ms = NEVER;
    extra->due_at_ms = due_at_ms;
    extra->elapsed_at_breach_ms = clock_elapsed_ms(clock, at_ms);
    extra->target_at_breach_ms = clock->target_ms;
    extra->at_breach = extra->now;
    extra->now.overrun_wall_ms = 0;
    keep_decision(fold, slot, at_ms);
    if (!clock->excused)
        pass(extra, NULL, clock->target_ms, at_ms);
}

/* The threshold that came due passes, and every other one of the same counted time. */
static void
pass_next(struct fold *fold, size_t slot)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = note_of(fold, slot);
    int64_t reached_ms = clock->next_ms;

    recall_passed(fold, slot, reached_ms);
    for (size_t i = 0; i < clock->promise->stages_count; i++) {
        const struct policy_stage *stage = &clock->promise->stages[i];

        if (clock_stage_threshold_ms(stage, clock->target_ms) == reached_ms)
            pass(extra, stage, reached_ms, clock->next_at_ms);
    }
    clock->next_ms = next_threshold_ms(clock, extra, reached_ms + 1);
    arm(fold, clock);
}

/* Under closing_grace the breach is decided later than it happens: what was true at the due instant is kept
 * then. */
static int64_t
settle_grace(struct fold *fold, size_t slot, int64_t from_ms, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    int64_t due_at_ms;

    if (fold->extras == NULL || !clock->running || !clock->promise->closing_grace ||
        clock->next_ms != clock->target_ms)
        return from_ms;
    due_at_ms = clock_reaches_at_ms(clock, clock->target_ms);
    if (due_at_ms < from_ms || due_at_ms > at_ms)
        return from_ms;
    account_segment(fold, slot, from_ms, due_at_ms);
    fold->extras[slot].at_due = fold->extras[slot].now;
    fold->extras[slot].at_due_ms = due_at_ms;
    return due_at_ms;
}

void
clock_settle(struct fold *fold, size_t slot, int64_t at_ms, bool through)
{
    struct clock *clock = &fold->clocks[slot];
    int64_t from_ms = settle_grace(fold, slot, fold->life.at_ms, at_ms);

    while (clock->next_at_ms < at_ms || (through && clock->next_at_ms == at_ms)) {
        if (clock->breached_at_ms != INSTANT_NONE) { /* a page is due */
            clock->next_ms = clock->next_at_ms = NEVER;
            fold->needs_full |= fold->light;
        } else if (clock->next_ms < clock->target_ms) {
            pass_next(fold, slot);
            from_ms = settle_grace(fold, slot, from_ms, at_ms);
        } else {
            int64_t due_at_ms = clock_reaches_in(fold, clock, clock->target_ms);

            if (fold->extras != NULL && due_at_ms > from_ms) {
                account_segment(fold, slot, from_ms, due_at_ms);
                from_ms = due_at_ms;
            }
            breach(fold, slot, due_at_ms, due_at_ms, 0);
            if (fold->extras != NULL) { /* under closing_grace the due may lie before what is accounted for */
                fold->extras[slot].now.overrun_wall_ms = from_ms - due_at_ms;
                if (fold->extras[slot].at_due_ms == due_at_ms)
                    fold->extras[slot].at_breach = fold->extras[slot].at_due;
            }
        }
    }
    if (fold->extras != NULL)
        account_segment(fold, slot, from_ms, at_ms);
}

void
clock_idle(struct clock *clock, const struct policy_clock *promise, uint16_t version)
{
    *clock = (struct clock){
        .promise = promise,
        .started_at_ms = INSTANT_NONE,
        .stopped_at_ms = INSTANT_NONE,
        .breached_at_ms = INSTANT_NONE,
        .due_at_ms = INSTANT_NONE,
        .next_ms = NEVER,
        .next_at_ms = NEVER,
        .cycle = 1,
        .version = version,
        .asked_version = version,
    };
}

/* The cycle that ends here is kept for its record; the slot is free for the next one. Light: only what this
 * step decided has one. */
static void
keep_past(struct fold *fold, size_t slot)
{
    struct clock_extra *extra = fold->light ? &fold->sketches[slot] : &fold->extras[slot];

    fold->life.has_past = true;
    fold->needs_full |= (fold->recalled & SLOT_BIT(slot)) != 0;
    if (fold->light && (fold->touched & SLOT_BIT(slot)) == 0)
        return;
    if (fold->light)
        account_sketch(fold, slot);
    fold->touched &= ~SLOT_BIT(slot);
    if (fold->past_count == fold->past_room) {
        fold->past_room = fold->past_room > 0 ? fold->past_room * 2 : 4;
        fold->past = memory_resize(fold->past, fold->past_room * sizeof *fold->past);
    }
    fold->past[fold->past_count++] = (struct past_cycle){fold->clocks[slot], *extra};
    memset(extra, 0, offsetof(struct clock_extra, passed));
}

/* An excuse given before this cycle began. */
static void
apply_excuses(struct fold *fold, size_t slot)
{
    const struct clock *clock = &fold->clocks[slot];

    for (size_t i = 0; i < fold->excuses_count; i++) {
        const struct excuse *excuse = &fold->excuses[i];

        if (excuse->kind == clock->promise->kind && excuse->clock == clock->promise->name &&
            excuse->cycle == clock->cycle)
            clock_excuse(fold, slot, excuse);
    }
}

/* Starts the first cycle of an idle slot, or the next one after an ended cycle. */
void
clock_begin(struct fold *fold, size_t slot, const struct policy_clock *promise, uint16_t version,
            int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    uint32_t cycle = clock->cycle;
    bool excused = clock->excused && clock->started_at_ms == INSTANT_NONE;
    struct clock_extra *extra = extra_of(fold, slot);

    if (clock->started_at_ms != INSTANT_NONE) {
        keep_past(fold, slot);
        clock = &fold->clocks[slot];
        cycle++;
    }
    clock_idle(clock, promise, version);
    clock->cycle = cycle;
    clock->excused = clock->irregular = excused;
    clock->started_at_ms = at_ms;
    clock->since_ms = at_ms;
    clock->calendar = clock_calendar(fold, clock->promise, clock->version);
    clock->target_ms = promise_target_ms(clock->promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
    if (extra != NULL) {
        symbol by = excused ? extra->excused_by : 0, reason = excused ? extra->excused_reason : 0;
        int64_t excused_at_ms = extra->excused_at_ms;

        begin_extra(extra, clock, at_ms);
        extra->excused_by = by;
        extra->excused_reason = reason;
        extra->excused_at_ms = excused_at_ms;
        apply_excuses(fold, slot);
    } else if (fold->life.excused_ahead) {
        fold->needs_full = true;
    }
    clock->next_ms = fold->only == NULL ? next_threshold_ms(clock, extra, 0) : NEVER;
    fold->begun |= SLOT_BIT(slot);
}

void
clock_stop(struct fold *fold, size_t slot, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];

    if (clock->started_at_ms == INSTANT_NONE || clock->ended)
        return;
    if (clock->breached_at_ms == INSTANT_NONE) {
        struct clock_extra *extra = note_of(fold, slot);
        int64_t due_at_ms = clock_reaches_in(fold, clock, clock->target_ms);

        recall_passed(fold, slot, clock->next_ms);
        extra->due_at_ms = clock->due_at_ms = due_at_ms != NEVER ? due_at_ms : INSTANT_NONE;
        clock->decided_after = fold->entries_done;
        keep_decision(fold, slot, at_ms);
    } else if (fold->light && (fold->touched & SLOT_BIT(slot)) == 0) {
        fold->recalled |= SLOT_BIT(slot); /* its verdict is as of the breach */
    }
    clock_set_running(fold, slot, false, at_ms);
    clock->ended = true;
    clock->stopped_at_ms = at_ms;
}

void
clock_cancel(struct fold *fold, size_t slot, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];

    if (clock->started_at_ms == INSTANT_NONE || clock->ended)
        return;
    clock_stop(fold, slot, at_ms);
    clock->cancelled = true;
}

/* When this much had been counted, in what the clock has run up to at_ms; NEVER: it has not. Exactly at a
 * pause it is not yet due: it is from the resume on (SC-35); exactly at the stop it is. */
static int64_t
reached_at_ms(const struct clock *clock, const struct clock_extra *extra, int64_t counted_ms, int64_t at_ms)
{
    for (size_t i = 0; i < extra->runs_count; i++) {
        const struct clock_run *run = &extra->runs[i];
        int64_t to_ms = run->to_ms != NEVER ? run->to_ms : at_ms,
                left_ms = counted_ms - run->elapsed_before_ms, reached_ms;
        bool stops_here = run->to_ms == NEVER || (clock->ended && run->to_ms == clock->stopped_at_ms);

        if (left_ms > calendar_counted_ms(run->calendar, run->from_ms, to_ms))
            continue;
        reached_ms = calendar_add_ms(run->calendar, run->from_ms, left_ms > 0 ? left_ms : 0);
        if (reached_ms < to_ms || stops_here)
            return reached_ms;
    }
    return NEVER;
}

/* Whether a threshold was passed by the jump itself: counted time lies above it, or (after a recount) reached
 * it earlier than now, or than the stop. Exactly equal and not earlier is an ordinary due (R6). */
static bool
lies_behind(const struct clock *clock, const struct clock_extra *extra, int64_t threshold_ms, int64_t at_ms,
            uint16_t flag)
{
    int64_t elapsed_ms = clock_elapsed_ms(clock, at_ms);

    if (threshold_ms != elapsed_ms || flag != FLAG_RETROACTIVE)
        return threshold_ms < elapsed_ms;
    return reached_at_ms(clock, extra, threshold_ms, at_ms) < (clock->ended ? clock->stopped_at_ms : at_ms);
}

/* Counted time may have jumped at at_ms: every stage it now lies above passes, and the breach (R6). */
static void
jump(struct fold *fold, size_t slot, int64_t at_ms, uint16_t flag)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = &fold->extras[slot];
    if (clock->breached_at_ms != INSTANT_NONE || fold->only != NULL)
        return;
    for (size_t i = 0; i < clock->promise->stages_count && !clock->excused; i++) {
        int64_t threshold_ms = clock_stage_threshold_ms(&clock->promise->stages[i], clock->target_ms);

        if (lies_behind(clock, extra, threshold_ms, at_ms, flag))
            pass(extra, &clock->promise->stages[i], threshold_ms, at_ms);
    }
    if (!clock->cancelled && lies_behind(clock, extra, clock->target_ms, at_ms, flag)) {
        int64_t nominal_ms =
            flag == FLAG_RETROACTIVE ? reached_at_ms(clock, extra, clock->target_ms, at_ms) : NEVER;

        breach(fold, slot, at_ms, nominal_ms != NEVER ? nominal_ms : at_ms, flag);
        return;
    }
    clock->next_ms = clock->ended ? NEVER : next_threshold_ms(clock, extra, clock_elapsed_ms(clock, at_ms));
    arm(fold, clock);
}

/* Takes an ended cycle up again. The time between is nobody's, or (counts_gap, R31) the provider's and
 * counted. */
void
clock_resume(struct fold *fold, size_t slot, int64_t at_ms, bool counts_gap)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = extra_of(fold, slot);
    int64_t stopped_at_ms = clock->stopped_at_ms;

    clock->irregular = true;
    if (extra == NULL) {
        fold->needs_full = true;
        return;
    }
    account_gap(&extra->now, clock->calendar, counts_gap ? PARTY_PROVIDER : PARTY_NOBODY, stopped_at_ms,
                at_ms);
    clock->ended = clock->cancelled = clock->unanswered = false;
    clock->stopped_at_ms = INSTANT_NONE;
    clock->flags &= (uint16_t)~FLAG_AUTO_CLOSED;
    extra->resumed_at_ms = at_ms;
    if (counts_gap && at_ms > stopped_at_ms) {
        add_run(extra, stopped_at_ms, at_ms, clock->elapsed_ms, clock->calendar);
        clock->elapsed_ms += calendar_counted_ms(clock->calendar, stopped_at_ms, at_ms);
        extra->now.overrun_wall_ms += clock->breached_at_ms != INSTANT_NONE ? at_ms - stopped_at_ms : 0;
    }
    if (clock->breached_at_ms == INSTANT_NONE) {
        extra->due_at_ms = clock->due_at_ms = INSTANT_NONE;
        clock->decided_after = 0;
        extra->at_breach = extra->now;
        extra->elapsed_at_breach_ms = clock->elapsed_ms;
        keep_decision(fold, slot, at_ms);
    }
    jump(fold, slot, at_ms, counts_gap ? FLAG_RETROACTIVE : FLAG_AT_RETARGET);
}

/* New terms from at_ms on; what was counted stays counted (section 5, Retarget). */
void
clock_retarget(struct fold *fold, size_t slot, const struct policy_clock *promise, uint16_t version,
               int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    int64_t target_ms = promise_target_ms(promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
    const struct calendar *calendar = clock_calendar(fold, promise, version);
    bool running = clock->running;

    clock->asked_version = version;
    if (clock->promise == promise && clock->target_ms == target_ms && clock->calendar == calendar)
        return;
    clock->irregular = true;
    if (fold->extras == NULL) {
        fold->needs_full = true;
        return;
    }
    clock_set_running(fold, slot, false, at_ms);
    clock->promise = promise;
    clock->version = clock->asked_version = version;
    clock->target_ms = target_ms;
    clock->calendar = calendar;
    if (clock->breached_at_ms != INSTANT_NONE)
        fold->extras[slot].retargeted_below = clock->elapsed_ms < target_ms;
    jump(fold, slot, at_ms, FLAG_AT_RETARGET);
    clock_set_running(fold, slot, running, at_ms);
}

/* The runs follow a start that moved; the sums are made anew. */
static void
clip_runs(struct clock *clock, struct clock_extra *extra, int64_t start_ms)
{
    size_t kept = 0;
    int64_t sum_ms = 0;

    for (size_t i = 0; i < extra->runs_count; i++) {
        struct clock_run run = extra->runs[i];

        if (run.to_ms != NEVER && run.to_ms <= start_ms)
            continue;
        run.from_ms = run.from_ms > start_ms ? run.from_ms : start_ms;
        run.elapsed_before_ms = sum_ms;
        if (run.to_ms != NEVER)
            sum_ms += calendar_counted_ms(run.calendar, run.from_ms, run.to_ms);
        else
            clock->since_ms = run.from_ms;
        extra->runs[kept++] = run;
    }
    extra->runs_count = kept;
    clock->elapsed_ms = sum_ms;
}

/* The projection as it stood in the last run (R24). */
static int64_t
due_of_last_run(const struct clock *clock, const struct clock_extra *extra)
{
    const struct clock_run *run = extra->runs_count > 0 ? &extra->runs[extra->runs_count - 1] : NULL;
    int64_t due_at_ms;

    if (run == NULL || (run->to_ms != NEVER && run->to_ms != clock->stopped_at_ms))
        return INSTANT_NONE;
    due_at_ms = calendar_add_ms(
        run->calendar, run->from_ms,
        clock->target_ms > run->elapsed_before_ms ? clock->target_ms - run->elapsed_before_ms : 0);
    return due_at_ms != CALENDAR_NEVER && due_at_ms - clock->started_at_ms <= POLICY_DURATION_MAX_MS
               ? due_at_ms
               : INSTANT_NONE;
}

/* One stretch, which lies before the start that was thought (or, from_ms above to_ms, behind it): its
 * party's, counted or paused. */
static void
shift_stretch(struct clock_extra *extra, uint8_t ball, int64_t from_ms, int64_t to_ms)
{
    struct account *accounts[] = {&extra->now, extra->promise != NULL ? &extra->at_breach : NULL}; /* R43 */
    enum party party = account_attribution(ball);

    for (size_t i = 0; i < 2 && accounts[i] != NULL; i++) {
        int64_t before_ms = accounts[i]->by_party[party].in_hours_ms;

        account_gap(accounts[i], extra->first_calendar, party, from_ms, to_ms);
        if ((ball & ~extra->first_counts) == 0 || party == PARTY_NOBODY)
            continue;
        accounts[i]->paused_ms += accounts[i]->by_party[party].in_hours_ms - before_ms;
        accounts[i]->paused_wall_ms += to_ms - from_ms;
    }
}

/* The stretches of [start_ms, started_at_ms): until the ticket's first event its first ball's (R40), then as
 * the ticket's course says. Those that count become runs in front of the others. */
static void
shift_earlier(struct fold *fold, size_t slot, int64_t start_ms)
{
    const struct course *course = &fold->course;
    struct clock_extra *extra = &fold->extras[slot];
    int64_t end_ms = fold->clocks[slot].started_at_ms, at_ms = start_ms;
    size_t had = extra->runs_count, added;
    uint8_t ball = fold->life.first_ball;

    for (uint32_t i = 0; at_ms < end_ms; i++) {
        int64_t until_ms =
            i < course->count && course->marks[i].at_ms < end_ms ? course->marks[i].at_ms : end_ms;

        if (until_ms > at_ms) {
            shift_stretch(extra, ball, at_ms, until_ms);
            if ((ball & ~extra->first_counts) == 0)
                add_run(extra, at_ms, until_ms, 0, extra->first_calendar);
            at_ms = until_ms;
        }
        ball = i < course->count ? course->marks[i].ball : ball;
    }
    added = extra->runs_count - had;
    for (size_t i = 0; i < added; i++) { /* the new ones go in front, in their order */
        struct clock_run run = extra->runs[had + i];

        memmove(extra->runs + i + 1, extra->runs + i, had * sizeof run);
        extra->runs[i] = run;
    }
}

/* The clock began at another instant than was thought, known from at_ms on (R10, R31, R32). */
void
clock_shift_start(struct fold *fold, size_t slot, int64_t start_ms, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = extra_of(fold, slot);
    int64_t elapsed_ms;

    if (clock->started_at_ms == INSTANT_NONE || clock->started_at_ms == start_ms)
        return;
    clock->irregular = true;
    if (extra == NULL) {
        fold->needs_full = true;
        return;
    }
    elapsed_ms = clock_elapsed_ms(clock, at_ms);
    if (start_ms < clock->started_at_ms)
        shift_earlier(fold, slot, start_ms);
    else
        shift_stretch(extra, fold->life.first_ball, start_ms, clock->started_at_ms);
    clip_runs(clock, extra, start_ms);
    if (extra->promise != NULL)
        extra->elapsed_at_breach_ms += clock_elapsed_ms(clock, at_ms) - elapsed_ms;
    if (clock->breached_at_ms == INSTANT_NONE && clock->ended && extra->due_at_ms != INSTANT_NONE)
        extra->due_at_ms = due_of_last_run(clock, extra);
    clock->started_at_ms = start_ms;
    extra->wait_from_ms = start_ms;
    if (clock->breached_at_ms == INSTANT_NONE)
        jump(fold, slot, at_ms, FLAG_RETROACTIVE);
}

/* R39, R61. */
void
clock_excuse(struct fold *fold, size_t slot, const struct excuse *excuse)
{
    struct clock *clock = &fold->clocks[slot];
    struct clock_extra *extra = extra_of(fold, slot);

    clock->irregular = true;
    if (extra == NULL) {
        fold->needs_full = true;
        return;
    }
    clock->excused = true;
    extra->excused_by = excuse->by;
    extra->excused_reason = excuse->reason;
    extra->excused_at_ms = excuse->at_ms;
    if (clock->breached_at_ms != INSTANT_NONE || clock->ended) {
        clock->flags |= clock->breached_at_ms != INSTANT_NONE ? FLAG_EXCUSED : 0;
        return;
    }
    clock->next_ms = clock->started_at_ms != INSTANT_NONE && fold->only == NULL ? clock->target_ms : NEVER;
    arm(fold, clock);
}

/* Takes over what a trial run of this promise alone has found (R21): its counted time is carried, and if that
 * is past the target the breach is effective now. */
void
clock_adopt(struct fold *fold, size_t slot, const struct fold *trial, int64_t at_ms)
{
    struct clock_extra *extra = &fold->extras[slot];
    size_t runs_bytes = trial->extras[0].runs_count * sizeof *extra->runs;
    bool running;

    memory_free(extra->runs);
    fold->clocks[slot] = trial->clocks[0];
    *extra = trial->extras[0];
    extra->runs = extra->runs_count > 0 ? memory_copy(trial->extras[0].runs, runs_bytes) : NULL;
    extra->runs_room = extra->runs_count;
    if (fold->clocks[slot].started_at_ms == INSTANT_NONE)
        return;
    fold->clocks[slot].irregular = true;
    fold->clocks[slot].target_ms =
        promise_target_ms(fold->clocks[slot].promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
    running = fold->clocks[slot].running;
    /* what lies exactly at a threshold is due now, not in the past */
    clock_set_running(fold, slot, false, at_ms);
    jump(fold, slot, at_ms, FLAG_AT_RETARGET);
    clock_set_running(fold, slot, running, at_ms);
}

int64_t
clock_due_at_ms(const struct clock *clock, const struct clock_extra *extra)
{
    bool breached = clock->breached_at_ms != INSTANT_NONE;
    bool missed = breached && !(extra != NULL && (extra->retargeted_below || clock->excused));
    int64_t due_at_ms;

    if (clock->started_at_ms == INSTANT_NONE)
        return INSTANT_NONE;
    if (missed || (clock->ended && !breached))
        return extra != NULL ? extra->due_at_ms : clock->breached_at_ms;
    if (breached) { /* as if it had not been missed: when it was reached, else as it stands now */
        due_at_ms = !clock->running && !clock->ended ? NEVER
                    : extra->retargeted_below ? reached_at_ms(clock, extra, clock->target_ms, clock->since_ms)
                                              : extra->due_at_ms;
        if (due_at_ms != NEVER)
            return due_at_ms;
        if (clock->ended)
            return due_of_last_run(clock, extra);
    }
    due_at_ms = clock_reaches_at_ms(clock, clock->target_ms);
    return due_at_ms != NEVER ? due_at_ms : INSTANT_NONE;
}

void
clock_figures_at(const struct clock *clock, const struct clock_extra *extra, int64_t at_ms,
                 struct clock_figures *figures)
{
    const struct account *account = &extra->now;

    *figures = (struct clock_figures){
        .state = clock_state(clock),
        .started_at_ms = clock->started_at_ms,
        .due_at_ms = clock_due_at_ms(clock, extra),
        .breached_at_ms = clock_is_breached(clock) ? clock->breached_at_ms : INSTANT_NONE,
        .stopped_at_ms = clock->stopped_at_ms,
        .target_ms = clock->target_ms,
        .elapsed_ms = clock_elapsed_ms(clock, at_ms),
        .paused_ms = account->paused_ms,
        .paused_wall_ms = account->paused_wall_ms,
        .flags = clock->flags,
    };
    memcpy(figures->by_party, account->by_party, sizeof figures->by_party);
    if (clock_is_breached(clock)) {
        figures->overrun_ms = figures->elapsed_ms - extra->elapsed_at_breach_ms;
        figures->overrun_wall_ms = account->overrun_wall_ms;
    }
}
