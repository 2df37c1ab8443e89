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
 * Always true: what is reported is a start inside the span whose lateness was computed forward, not inferred.
 *
 * Not here: which clocks make a chain (slactl lint), words.
 */
#include "slad/chain.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdlib.h>

/* The points in time that have to be looked at, in no order, each meant with the millisecond before and
 * behind it. */
struct starts {
    int64_t *at_ms;
    size_t count, room;
    int64_t from_ms, to_ms;
};

static size_t
step_end(const struct chain *chain, size_t leg)
{
    size_t end = leg;

    while (end < chain->legs_count && chain->legs[end].step == chain->legs[leg].step)
        end++;
    return end;
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

/* When the steps before this leg's are done. */
static int64_t
end_before(const struct chain *chain, size_t legs_count, int64_t start_ms)
{
    int64_t at_ms = start_ms;

    for (size_t leg = 0, end; leg < legs_count && at_ms != CALENDAR_NEVER; leg = end) {
        int64_t latest_ms = INT64_MIN;

        end = step_end(chain, leg);
        for (size_t i = leg; i < end; i++) {
            int64_t ends_ms = calendar_add_ms(chain->legs[i].calendar, at_ms, chain->legs[i].target_ms);

            latest_ms = ends_ms > latest_ms ? ends_ms : latest_ms;
        }
        at_ms = latest_ms;
    }
    return at_ms;
}

/* The latest instant from which the legs [from, to), whole steps, are done by end_ms; INT64_MIN: none. */
static int64_t
carry_back(const struct chain *chain, size_t from, size_t to, int64_t end_ms)
{
    int64_t at_ms = end_ms, before_ms = end_ms;

    for (size_t leg = to; leg > from && at_ms != INT64_MIN; leg--) {
        const struct chain_leg *here = &chain->legs[leg - 1];
        int64_t latest_ms = calendar_subtract_ms(here->calendar, before_ms, here->target_ms);

        at_ms = latest_ms < at_ms ? latest_ms : at_ms;
        if (leg - 1 == from || chain->legs[leg - 2].step != here->step)
            before_ms = at_ms;
    }
    return at_ms;
}

static size_t
step_begin(const struct chain *chain, size_t leg)
{
    while (leg > 0 && chain->legs[leg - 1].step == chain->legs[leg].step)
        leg--;
    return leg;
}

static int64_t
due_at(const struct chain *chain, int64_t start_ms)
{
    int64_t due_ms = calendar_add_ms(chain->calendar, start_ms, chain->target_ms);

    if (due_ms != CALENDAR_NEVER && chain->closing_grace && !calendar_is_open(chain->calendar, due_ms))
        due_ms = calendar_next_open_ms(chain->calendar, due_ms);
    return due_ms;
}

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

/* Every edge of a calendar, and every point with exactly this target left before a close, carried back
 * through the first legs_count legs (whole steps). */
static void
put_edges(struct starts *starts, const struct chain *chain, size_t legs_count,
          const struct calendar *calendar, int64_t target_ms)
{
    int64_t edge_ms = calendar_next_edge_ms(calendar, starts->from_ms - 1);
    bool opens = edge_ms != CALENDAR_NEVER && calendar_is_open(calendar, edge_ms);

    for (; edge_ms != CALENDAR_NEVER; edge_ms = calendar_next_edge_ms(calendar, edge_ms), opens = !opens) {
        int64_t start_ms = carry_back(chain, 0, legs_count, edge_ms), left_ms;

        put_start(starts, start_ms);
        if (opens)
            continue;
        left_ms = calendar_subtract_ms(calendar, edge_ms, target_ms);
        left_ms = left_ms != INT64_MIN ? carry_back(chain, 0, legs_count, left_ms) : INT64_MIN;
        put_start(starts, left_ms);
        if (left_ms >= starts->to_ms)
            break;
    }
}

static int
compare_instants(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void
gather(struct starts *starts, const struct chain *chain)
{
    put_start(starts, starts->from_ms);
    put_start(starts, starts->to_ms - 1);
    put_edges(starts, chain, 0, chain->calendar, chain->target_ms);
    for (size_t leg = 0; leg < chain->legs_count; leg++)
        put_edges(starts, chain, step_begin(chain, leg), chain->legs[leg].calendar,
                  chain->legs[leg].target_ms);
    qsort(starts->at_ms, starts->count, sizeof *starts->at_ms, compare_instants);
}

/* What is known while the starts go by in order. */
struct judging {
    struct chain_verdict worst;
    int64_t least_late_ms;
    bool on_it; /* the last start looked at was as bad as the worst */
};

static void
judge_start(const struct chain *chain, int64_t start_ms, struct judging *judging)
{
    int64_t due_ms = due_at(chain, start_ms), end_ms, late_ms;

    if (due_ms == CALENDAR_NEVER) {
        judging->on_it = false;
        return;
    }
    end_ms = end_before(chain, chain->legs_count, start_ms);
    late_ms = end_ms == CALENDAR_NEVER ? INT64_MAX : end_ms - due_ms;
    if (!judging->worst.due_ever || late_ms < judging->least_late_ms)
        judging->least_late_ms = late_ms;
    if (judging->worst.due_ever &&
        (late_ms < judging->worst.late_ms || (late_ms == judging->worst.late_ms && !judging->on_it))) {
        judging->on_it = false;
        return;
    }
    judging->on_it = true;
    judging->worst = (struct chain_verdict){true, late_ms <= 0, false, start_ms, due_ms, end_ms, late_ms};
}

void
chain_judge(const struct chain *chain, int64_t from_ms, int64_t to_ms, struct chain_verdict *ret_verdict)
{
    struct starts starts = {.from_ms = from_ms, .to_ms = to_ms};
    struct judging judging = {.worst = {.fits = true}};
    int64_t judged_ms = from_ms - 1;

    must(from_ms < to_ms);
    gather(&starts, chain);
    for (size_t i = 0; i < starts.count; i++) {
        for (int64_t at_ms = starts.at_ms[i] - 1; at_ms <= starts.at_ms[i] + 1; at_ms++) {
            if (at_ms <= judged_ms || at_ms >= to_ms)
                continue;
            judge_start(chain, at_ms, &judging);
            judged_ms = at_ms;
        }
    }
    memory_free(starts.at_ms);
    if (judging.worst.due_ever && judging.least_late_ms == judging.worst.late_ms && due_at(chain, from_ms) != CALENDAR_NEVER) {
        judging.on_it = true;
        judge_start(chain, from_ms, &judging);
        judging.worst.alike = true;
    }
    *ret_verdict = judging.worst;
}

/* How much this leg may take from this start, when all others take their whole targets; 0 or less: nothing.
 */
static int64_t
room_at(const struct chain *chain, size_t leg, int64_t start_ms)
{
    size_t begin = step_begin(chain, leg), end = step_end(chain, begin);
    int64_t from_ms = end_before(chain, begin, start_ms);
    int64_t to_ms = carry_back(chain, end, chain->legs_count, due_at(chain, start_ms));

    if (from_ms == CALENDAR_NEVER || to_ms == INT64_MIN)
        return 0;
    return calendar_counted_ms(chain->legs[leg].calendar, from_ms, to_ms);
}

static int64_t
whole_seconds(int64_t length_ms)
{
    return length_ms > 0 ? length_ms - length_ms % 1000 : 0;
}

/* What fits with a target fits with every shorter one. From above the worst start says how much it leaves,
 * which is nearly always the answer; where leaps follow the target about, every other round halves what is
 * left, so it ends. */
int64_t
chain_tighten_ms(const struct chain *chain, size_t leg, int64_t from_ms, int64_t to_ms)
{
    struct chain_leg *legs = memory_copy(chain->legs, chain->legs_count * sizeof *legs);
    struct chain tightened = *chain;
    int64_t low_ms = 0, high_ms = whole_seconds(legs[leg].target_ms - 1); /* fits; none above it does */
    bool halve = false;

    tightened.legs = legs;
    while (low_ms < high_ms) {
        struct chain_verdict verdict;
        int64_t try_ms = halve ? low_ms + whole_seconds((high_ms - low_ms + 1000) / 2) : high_ms, room_ms;

        legs[leg].target_ms = try_ms;
        chain_judge(&tightened, from_ms, to_ms, &verdict);
        if (verdict.fits) {
            low_ms = try_ms;
        } else {
            room_ms = whole_seconds(room_at(&tightened, leg, verdict.start_at_ms));
            high_ms = room_ms < try_ms ? room_ms : try_ms - 1000;
        }
        halve = !halve;
    }
    memory_free(legs);
    return low_ms;
}
