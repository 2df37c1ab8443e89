/*
 * What: the chain of legs inside a promise, judged over every start instant of a span (semantics.md section
 * 10).
 *
 * Why so few starts are enough. Let C be the open time of a calendar up to an instant: it rises by 1 a
 * millisecond while open and by 0 while closed. A leg that begins at s ends at F(s), the first instant u with
 * C(u) >= C(s) + target. F never falls; as s moves on by 1 ms it moves by 0 or 1, or it jumps: it rests at a
 * close and then leaps to behind the next opening. Its step changes only where s passes an edge (C changes
 * its slope there), or where F(s) arrives at an edge, which is where exactly the target is left before a
 * close; openings and closes have the same C, so closes are enough. The end of a whole chain, E =
 * Fn(...F1(s)), changes its step only where one of its legs does: where the start of leg i, Fi-1(...F1(s)),
 * passes an edge of calendar i or a point with exactly its target left. Carried back through the legs before
 * it, such a point p is the latest s with Fi-1(...F1(s)) <= p, and because F(s) <= p says no more than C(p) -
 * C(s) >= target, that is calendar_subtract_ms leg by leg. (When the legs before leap over p, or rest on it,
 * the leap or the end of the rest is a candidate of those legs.) The due instant D is a leg of its own.
 * Between two neighbouring candidates E and D both go on in even steps of 0 or 1, so E - D goes straight, and
 * its maximum over the whole span lies at a candidate or 1 ms beside one. Of alternatives in one step the
 * latest end counts: a maximum of functions that never fall is such a function; where one overtakes another
 * the slope can only rise, which is never a maximum, and "latest s with max <= p" is the least of their
 * carried-back points. prop_chain.c holds all this against every minute.
 *
 * Why a span keeps windows: starts are looked at in order, so every leg's ends come in order too, and a
 * finger that only moves forward over the windows of a calendar answers in a few steps what would be a search
 * each time.
 *
 * Always true: what is reported is a start inside the span whose lateness was computed forward, not inferred.
 *
 * Not here: which clocks make a chain (slactl lint), words.
 */
#include "slad/chain.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdlib.h>

#define SECOND_MS INT64_C(1000)
#define HORIZON_MS (INT64_C(10) * 365 * 86400000)
#define ALWAYS_MS (INT64_MAX / 4) /* where a window that never closes is said to */

struct window {
    int64_t open_ms, close_ms;
    int64_t before_ms; /* open before it, since the span's beginning */
};

/* The windows of one calendar from the span's beginning on, as far as they were asked for. */
struct timeline {
    const struct calendar *calendar;
    struct window *windows;
    size_t count, room;
    bool complete;
};

struct chain_span {
    int64_t from_ms, to_ms;
    struct timeline **timelines;
    size_t timelines_count;
};

/* One use of a timeline whose questions come in order: where the last instant and the last answer were. */
struct finger {
    struct timeline *timeline;
    size_t at, reach;
};

/* The fingers of one pass over the starts. */
struct fingers {
    struct finger due;
    struct finger *legs;
};

/* The points in time that have to be looked at, each meant with the millisecond before and behind it. */
struct starts {
    int64_t *at_ms;
    size_t count, room;
    int64_t from_ms, to_ms;
};

/* ---- time in order ---- */

struct chain_span *
chain_span_new(int64_t from_ms, int64_t to_ms)
{
    struct chain_span *span = memory_allocate_zeroed(1, sizeof *span);

    must(from_ms < to_ms);
    span->from_ms = from_ms;
    span->to_ms = to_ms;
    return span;
}

void
chain_span_free(struct chain_span *span)
{
    if (span == NULL)
        return;
    for (size_t i = 0; i < span->timelines_count; i++) {
        memory_free(span->timelines[i]->windows);
        memory_free(span->timelines[i]);
    }
    memory_free(span->timelines);
    memory_free(span);
}

static struct timeline *
timeline_of(struct chain_span *span, const struct calendar *calendar)
{
    struct timeline *timeline;

    for (size_t i = 0; i < span->timelines_count; i++) {
        if (span->timelines[i]->calendar == calendar)
            return span->timelines[i];
    }
    timeline = memory_allocate_zeroed(1, sizeof *timeline);
    timeline->calendar = calendar;
    span->timelines = memory_resize(span->timelines, (span->timelines_count + 1) * sizeof(struct timeline *));
    span->timelines[span->timelines_count++] = timeline;
    return timeline;
}

/* One window more; false: there is none. */
static bool
timeline_extend(const struct chain_span *span, struct timeline *timeline)
{
    const struct window *last = timeline->count > 0 ? &timeline->windows[timeline->count - 1] : NULL;
    struct window next;

    if (timeline->complete || (last != NULL && last->close_ms == ALWAYS_MS))
        return false;
    next.open_ms = calendar_next_open_ms(timeline->calendar, last != NULL ? last->close_ms : span->from_ms);
    if (next.open_ms > span->to_ms + HORIZON_MS) {
        timeline->complete = true;
        return false;
    }
    next.close_ms = calendar_next_edge_ms(timeline->calendar, next.open_ms);
    if (next.close_ms == CALENDAR_NEVER)
        next.close_ms = ALWAYS_MS;
    next.before_ms = last != NULL ? last->before_ms + last->close_ms - last->open_ms : 0;
    if (timeline->count == timeline->room) {
        timeline->room = timeline->room > 0 ? timeline->room * 2 : 1024;
        timeline->windows = memory_resize(timeline->windows, timeline->room * sizeof *timeline->windows);
    }
    must(timeline->windows != NULL);
    timeline->windows[timeline->count++] = next;
    return true;
}

static inline bool
has_window(const struct chain_span *span, struct timeline *timeline, size_t index)
{
    return index < timeline->count || timeline_extend(span, timeline);
}

/* Open time before at_ms, which is not before the last one asked about. */
static int64_t
open_before_ms(const struct chain_span *span, struct finger *finger, int64_t at_ms)
{
    struct timeline *timeline = finger->timeline;
    const struct window *window;

    while (has_window(span, timeline, finger->at + 1) && timeline->windows[finger->at + 1].open_ms <= at_ms)
        finger->at++;
    if (!has_window(span, timeline, finger->at) || timeline->windows[finger->at].open_ms > at_ms)
        return 0;
    window = &timeline->windows[finger->at];
    return window->before_ms + (at_ms < window->close_ms ? at_ms : window->close_ms) - window->open_ms;
}

/* calendar_add_ms, for starts in order. */
static int64_t
add_ms(const struct chain_span *span, struct finger *finger, int64_t start_ms, int64_t amount_ms)
{
    struct timeline *timeline = finger->timeline;
    int64_t reached_ms;

    if (start_ms == CALENDAR_NEVER)
        return CALENDAR_NEVER;
    reached_ms = open_before_ms(span, finger, start_ms) + amount_ms;
    for (; has_window(span, timeline, finger->reach); finger->reach++) {
        const struct window *window = &timeline->windows[finger->reach];

        if (window->before_ms + window->close_ms - window->open_ms >= reached_ms)
            return window->open_ms + reached_ms - window->before_ms;
    }
    return CALENDAR_NEVER;
}

/* calendar_subtract_ms, for ends in order; INT64_MIN also when it lies before the span. */
static int64_t
subtract_ms(const struct chain_span *span, struct finger *finger, int64_t end_ms, int64_t amount_ms)
{
    struct timeline *timeline = finger->timeline;
    int64_t left_ms;

    if (end_ms == INT64_MIN)
        return INT64_MIN;
    left_ms = open_before_ms(span, finger, end_ms) - amount_ms;
    for (; left_ms >= 0 && has_window(span, timeline, finger->reach); finger->reach++) {
        const struct window *window = &timeline->windows[finger->reach];

        if (window->before_ms + window->close_ms - window->open_ms > left_ms)
            return window->open_ms + left_ms - window->before_ms;
    }
    return INT64_MIN;
}

static struct fingers
fingers_new(struct chain_span *span, const struct chain *chain)
{
    struct fingers fingers = {.due = {timeline_of(span, chain->calendar), 0, 0}};

    fingers.legs = memory_allocate_zeroed(chain->legs_count + 1, sizeof *fingers.legs);
    for (size_t leg = 0; leg < chain->legs_count; leg++)
        fingers.legs[leg].timeline = timeline_of(span, chain->legs[leg].calendar);
    return fingers;
}

/* ---- the chain, forward and back ---- */

static size_t
step_end(const struct chain *chain, size_t leg)
{
    size_t end = leg;

    while (end < chain->legs_count && chain->legs[end].step == chain->legs[leg].step)
        end++;
    return end;
}

static size_t
step_begin(const struct chain *chain, size_t leg)
{
    while (leg > 0 && chain->legs[leg - 1].step == chain->legs[leg].step)
        leg--;
    return leg;
}

size_t
chain_walk(const struct chain *chain, int64_t start_ms, struct chain_stay *stays)
{
    size_t count = 0;
    int64_t at_ms = start_ms;

    for (size_t leg = 0, end; leg < chain->legs_count && at_ms != CALENDAR_NEVER; leg = end) {
        struct chain_stay stay = {leg, at_ms, INT64_MIN};

        end = step_end(chain, leg);
        for (size_t i = leg; i < end; i++) {
            int64_t ends_ms = calendar_add_ms(chain->legs[i].calendar, at_ms, chain->legs[i].target_ms);

            if (ends_ms > stay.to_ms) {
                stay.leg = i;
                stay.to_ms = ends_ms;
            }
        }
        stays[count++] = stay;
        at_ms = stay.to_ms;
    }
    return count;
}

static int64_t
end_at(const struct chain_span *span, const struct chain *chain, struct fingers *fingers, int64_t start_ms)
{
    int64_t at_ms = start_ms, latest_ms = start_ms;

    for (size_t leg = 0; leg < chain->legs_count; leg++) {
        int64_t ends_ms = add_ms(span, &fingers->legs[leg], at_ms, chain->legs[leg].target_ms);

        latest_ms = ends_ms > latest_ms ? ends_ms : latest_ms;
        if (leg + 1 == chain->legs_count || chain->legs[leg + 1].step != chain->legs[leg].step)
            at_ms = latest_ms;
    }
    return at_ms;
}

/* With closing_grace the last instant that keeps the promise. */
static int64_t
due_at(const struct chain_span *span, const struct chain *chain, struct fingers *fingers, int64_t start_ms)
{
    int64_t due_ms = add_ms(span, &fingers->due, start_ms, chain->target_ms);

    if (due_ms == CALENDAR_NEVER || !chain->closing_grace)
        return due_ms;
    if (due_ms < fingers->due.timeline->windows[fingers->due.reach].close_ms) /* a window's end is closed */
        return due_ms;
    if (!has_window(span, fingers->due.timeline, fingers->due.reach + 1))
        return CALENDAR_NEVER;
    return fingers->due.timeline->windows[fingers->due.reach + 1].open_ms;
}

/* The latest instant from which the first legs_count legs, whole steps, are done by end_ms; INT64_MIN: none
 * in the span. */
static int64_t
carry_back(const struct chain_span *span, const struct chain *chain, struct fingers *fingers,
           size_t legs_count, int64_t end_ms)
{
    int64_t at_ms = end_ms, before_ms = end_ms;

    for (size_t leg = legs_count; leg > 0 && at_ms != INT64_MIN; leg--) {
        int64_t latest_ms =
            subtract_ms(span, &fingers->legs[leg - 1], before_ms, chain->legs[leg - 1].target_ms);

        at_ms = latest_ms < at_ms ? latest_ms : at_ms;
        if (leg == 1 || chain->legs[leg - 2].step != chain->legs[leg - 1].step)
            before_ms = at_ms;
    }
    return at_ms;
}

/* ---- candidates ---- */

static void
put_start(struct starts *starts, int64_t at_ms)
{
    if (at_ms < starts->from_ms || at_ms >= starts->to_ms)
        return;
    if (starts->count == starts->room) {
        starts->room = starts->room > 0 ? starts->room * 2 : 4096;
        starts->at_ms = memory_resize(starts->at_ms, starts->room * sizeof *starts->at_ms);
    }
    starts->at_ms[starts->count++] = at_ms;
}

/* Every edge of a calendar, carried back through the first legs_count legs (whole steps). */
static void
put_edges(struct chain_span *span, const struct chain *chain, size_t legs_count,
          const struct calendar *calendar, struct starts *starts)
{
    struct timeline *timeline = timeline_of(span, calendar);
    struct fingers fingers = fingers_new(span, chain);
    int64_t start_ms = INT64_MIN;

    for (size_t i = 0; start_ms < span->to_ms && has_window(span, timeline, i); i++) {
        struct window window = timeline->windows[i];

        put_start(starts, carry_back(span, chain, &fingers, legs_count, window.open_ms));
        start_ms = carry_back(span, chain, &fingers, legs_count, window.close_ms);
        put_start(starts, start_ms);
    }
    memory_free(fingers.legs);
}

/* Every point with exactly this target left before a close, carried back likewise. */
static void
put_last_calls(struct chain_span *span, const struct chain *chain, size_t legs_count,
               const struct calendar *calendar, int64_t target_ms, struct starts *starts)
{
    struct timeline *timeline = timeline_of(span, calendar);
    struct fingers fingers = fingers_new(span, chain);
    struct finger left = {timeline, 0, 0};
    int64_t start_ms = INT64_MIN;

    for (size_t i = 0; start_ms < span->to_ms && has_window(span, timeline, i); i++) {
        int64_t left_ms = subtract_ms(span, &left, timeline->windows[i].close_ms, target_ms);

        start_ms = left_ms != INT64_MIN ? carry_back(span, chain, &fingers, legs_count, left_ms) : INT64_MIN;
        put_start(starts, start_ms);
    }
    memory_free(fingers.legs);
}

static int
compare_instants(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void
gather(struct chain_span *span, const struct chain *chain, struct starts *starts)
{
    put_start(starts, starts->from_ms);
    put_start(starts, starts->to_ms - 1);
    put_edges(span, chain, 0, chain->calendar, starts);
    put_last_calls(span, chain, 0, chain->calendar, chain->target_ms, starts);
    for (size_t leg = 0; leg < chain->legs_count; leg++) {
        const struct chain_leg *here = &chain->legs[leg];

        put_edges(span, chain, step_begin(chain, leg), here->calendar, starts);
        put_last_calls(span, chain, step_begin(chain, leg), here->calendar, here->target_ms, starts);
    }
    must(starts->count > 0); /* from_ms is one */
    qsort(starts->at_ms, starts->count, sizeof *starts->at_ms, compare_instants);
}

/* ---- judging ---- */

/* What is known while the starts go by in order. */
struct judging {
    struct chain_verdict worst;
    struct chain_verdict first; /* of the first start that is due at all */
    int64_t least_late_ms;
    bool on_it; /* the last start looked at was as bad as the worst */
};

static void
judge_start(const struct chain_span *span, const struct chain *chain, struct fingers *fingers,
            int64_t start_ms, struct judging *judging)
{
    struct chain_verdict *worst = &judging->worst, here;
    int64_t due_ms = due_at(span, chain, fingers, start_ms), end_ms, late_ms;

    if (due_ms == CALENDAR_NEVER) {
        judging->on_it = false;
        return;
    }
    end_ms = end_at(span, chain, fingers, start_ms);
    late_ms = end_ms == CALENDAR_NEVER ? INT64_MAX : end_ms - due_ms;
    here = (struct chain_verdict){true, late_ms <= 0, false, start_ms, due_ms, end_ms, late_ms};
    if (!worst->due_ever) {
        judging->first = here;
        judging->least_late_ms = late_ms;
    }
    judging->least_late_ms = late_ms < judging->least_late_ms ? late_ms : judging->least_late_ms;
    judging->on_it =
        !worst->due_ever || late_ms > worst->late_ms || (late_ms == worst->late_ms && judging->on_it);
    if (judging->on_it)
        *worst = here;
}

void
chain_judge(struct chain_span *span, const struct chain *chain, struct chain_verdict *ret_verdict)
{
    struct starts starts = {.from_ms = span->from_ms, .to_ms = span->to_ms};
    struct fingers fingers = fingers_new(span, chain);
    struct judging judging = {.worst = {.fits = true}};
    int64_t judged_ms = span->from_ms - 1;

    gather(span, chain, &starts);
    for (size_t i = 0; i < starts.count; i++) {
        int64_t at_ms = starts.at_ms[i] - 1 > judged_ms ? starts.at_ms[i] - 1 : judged_ms + 1;

        for (; at_ms <= starts.at_ms[i] + 1 && at_ms < span->to_ms; at_ms++)
            judge_start(span, chain, &fingers, at_ms, &judging);
        judged_ms = at_ms - 1;
    }
    memory_free(starts.at_ms);
    memory_free(fingers.legs);
    *ret_verdict = judging.worst;
    if (judging.worst.due_ever && judging.least_late_ms == judging.worst.late_ms) {
        *ret_verdict = judging.first;
        ret_verdict->alike = true;
    }
}

/* ---- tightening ---- */

/* How much this leg may take from this start, when all others take their whole targets; 0: nothing. */
static int64_t
room_at(const struct chain *chain, size_t leg, const struct chain_verdict *verdict)
{
    size_t begin = step_begin(chain, leg);
    int64_t from_ms = verdict->start_at_ms, at_ms = verdict->due_at_ms, before_ms = at_ms;

    for (size_t i = chain->legs_count; i > step_end(chain, begin) && at_ms != INT64_MIN; i--) {
        int64_t latest_ms =
            calendar_subtract_ms(chain->legs[i - 1].calendar, before_ms, chain->legs[i - 1].target_ms);

        at_ms = latest_ms < at_ms ? latest_ms : at_ms;
        if (chain->legs[i - 2].step != chain->legs[i - 1].step)
            before_ms = at_ms;
    }
    for (size_t i = 0, end; i < begin && from_ms != CALENDAR_NEVER; i = end) {
        int64_t latest_ms = from_ms;

        end = step_end(chain, i);
        for (size_t k = i; k < end; k++) {
            int64_t ends_ms = calendar_add_ms(chain->legs[k].calendar, from_ms, chain->legs[k].target_ms);

            latest_ms = ends_ms > latest_ms ? ends_ms : latest_ms;
        }
        from_ms = latest_ms;
    }
    return from_ms == CALENDAR_NEVER || at_ms <= from_ms
               ? 0
               : calendar_counted_ms(chain->legs[leg].calendar, from_ms, at_ms);
}

static int64_t
whole_seconds(int64_t length_ms)
{
    return length_ms > 0 ? length_ms - length_ms % SECOND_MS : 0;
}

/* What fits with a target fits with every shorter one. From above the worst start says how much it leaves,
 * which is nearly always the answer; where leaps follow the target about, every other round halves what is
 * left, so it ends. */
int64_t
chain_tighten_ms(struct chain_span *span, const struct chain *chain, size_t leg)
{
    struct chain_leg *legs = memory_copy(chain->legs, chain->legs_count * sizeof *legs);
    struct chain tightened = *chain;
    int64_t low_ms = 0, high_ms = whole_seconds(legs[leg].target_ms - 1); /* fits; none above it does */
    int64_t try_ms = SECOND_MS; /* nothing helps where nearly nothing does not */

    tightened.legs = legs;
    for (bool halve = false; low_ms < high_ms; halve = !halve) {
        struct chain_verdict verdict;
        int64_t room_ms;

        legs[leg].target_ms = try_ms;
        chain_judge(span, &tightened, &verdict);
        if (verdict.fits) {
            low_ms = try_ms;
        } else {
            room_ms = whole_seconds(room_at(&tightened, leg, &verdict));
            high_ms = room_ms < try_ms ? room_ms : try_ms - SECOND_MS;
        }
        try_ms = halve ? low_ms + whole_seconds((high_ms - low_ms + SECOND_MS) / 2) : high_ms;
    }
    memory_free(legs);
    return low_ms;
}
