/*
 * What: chain_judge, which looks at a few starts, against every minute of the span.
 *
 * Why this way: the reference knows calendars only as one bit a minute and walks: a leg uses up its target
 * minute by minute. All edges and targets of these cases are whole minutes, so every change of pace and every
 * leap lies on a whole minute; between two of them lateness goes straight, and right behind a leap it may be
 * worse than at both. So each minute and the millisecond behind it are tried: that meets the true maximum
 * without knowing where to look.
 *
 * Always true: a failure prints its seed. SLAD_SEED is the first seed, SLAD_SEEDS how many (without it: as
 * many as two seconds allow).
 *
 * Not here: zones and clock changes (prop_calendar: to a chain they are windows like others).
 */
#include "../support/chance.h"
#include "../support/zones.h"
#include "base/memory.h"
#include "slad/chain.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE_MS = 60000, DAY = 1440, SPAN = 12 * DAY, WORLD = 90 * DAY, CALENDARS = 4, LEGS_MAX = 4 };

static const int64_t world_from_ms = INT64_C(1780272000000); /* 2026-06-01, a Monday */

static struct chance chance;

static int64_t
random_within(int64_t low, int64_t high)
{
    return chance_within(&chance, low, high);
}

struct plan {
    struct calendar *calendar;
    bool open[WORLD];
    int before[WORLD]; /* open minutes before this one */
    int nth[WORLD];    /* the open minutes in order */
    int open_count;
};

static void
plan_random(struct plan *plan, const struct zone *zone)
{
    struct calendar_window windows[7][3];
    struct calendar_week week = {.always = random_within(0, 7) == 0};
    struct calendar_date closed[3];
    struct calendar_days days = {.zone = zone, .closed = closed, .closed_count = (size_t)random_within(0, 3)};
    int64_t step = random_within(0, 1) == 0 ? 30 : 7;

    for (size_t i = 0; i < days.closed_count; i++)
        closed[i] = (struct calendar_date){2026, 6, (int8_t)random_within(1, 25)};
    for (int day = 0; day < 7; day++) {
        int64_t at = random_within(0, 700) / step * step;

        for (size_t i = 0; i < (size_t)random_within(0, 2); i++) {
            int64_t close = at + random_within(1, 300 / step) * step;

            if (close > DAY)
                break;
            windows[day][week.days_count[day]++] = (struct calendar_window){(int16_t)at, (int16_t)close};
            at = close + random_within(0, 240 / step) * step;
            if (at >= DAY)
                break;
        }
        week.days[day] = windows[day];
    }
    plan->calendar = calendar_new(&week, &days);
    plan->open_count = 0;
    for (int minute = 0; minute < WORLD; minute++) {
        plan->open[minute] = calendar_is_open(plan->calendar, world_from_ms + (int64_t)minute * MINUTE_MS);
        plan->before[minute] = plan->open_count;
        if (plan->open[minute])
            plan->nth[plan->open_count++] = minute;
    }
}

/* The first millisecond of this world before which target_ms open ones have passed since start_ms; -1: not
 * within it. */
static int64_t
walk(const struct plan *plan, int64_t start_ms, int64_t target_ms)
{
    int64_t minute = start_ms / MINUTE_MS;
    int64_t reached_ms = (int64_t)plan->before[minute] * MINUTE_MS +
                         (plan->open[minute] ? start_ms % MINUTE_MS : 0) + target_ms;
    int64_t last =
        (reached_ms - 1) / MINUTE_MS; /* the open minute, counted from 0, in which the target is reached */

    return last < plan->open_count ? (int64_t)plan->nth[last] * MINUTE_MS + (reached_ms - last * MINUTE_MS)
                                   : -1;
}

struct scene {
    struct plan plans[CALENDARS];
    struct chain chain;
    struct chain_leg legs[LEGS_MAX];
    int plan_of_leg[LEGS_MAX];
    int plan_of_promise;
};

/* False: not within the world. */
static bool
late_at(const struct scene *scene, int64_t start_ms, int64_t *ret_late_ms)
{
    const struct plan *promise = &scene->plans[scene->plan_of_promise];
    const int64_t world_ms = (int64_t)WORLD * MINUTE_MS;
    int64_t due_ms = walk(promise, start_ms, scene->chain.target_ms), at_ms = start_ms;

    while (due_ms >= 0 && scene->chain.closing_grace && due_ms < world_ms &&
           !promise->open[due_ms / MINUTE_MS])
        due_ms += MINUTE_MS - due_ms % MINUTE_MS;
    for (size_t leg = 0; leg < scene->chain.legs_count && at_ms >= 0 && at_ms < world_ms;) {
        int step = scene->legs[leg].step;
        int64_t latest_ms = 0;

        for (; leg < scene->chain.legs_count && scene->legs[leg].step == step; leg++) {
            int64_t end_ms = walk(&scene->plans[scene->plan_of_leg[leg]], at_ms, scene->legs[leg].target_ms);

            latest_ms = end_ms < 0 || latest_ms < 0 ? -1 : end_ms > latest_ms ? end_ms : latest_ms;
        }
        at_ms = latest_ms;
    }
    *ret_late_ms = at_ms - due_ms;
    return due_ms >= 0 && due_ms < world_ms && at_ms >= 0 && at_ms < world_ms;
}

static void
scene_init(struct scene *scene, const struct zone *zone)
{
    int step = 1;

    for (int i = 0; i < CALENDARS; i++)
        do {
            calendar_free(scene->plans[i].calendar);
            plan_random(&scene->plans[i], zone);
        } while (!calendar_ever_opens(scene->plans[i].calendar));
    scene->plan_of_promise = (int)random_within(0, CALENDARS - 1);
    scene->chain = (struct chain){
        .calendar = scene->plans[scene->plan_of_promise].calendar,
        .target_ms = random_within(1, 40) * 13 * MINUTE_MS,
        .closing_grace = random_within(0, 3) == 0,
        .legs = scene->legs,
        .legs_count = (size_t)random_within(0, LEGS_MAX),
    };
    for (size_t leg = 0; leg < scene->chain.legs_count; leg++) {
        scene->plan_of_leg[leg] = (int)random_within(0, CALENDARS - 1);
        step += leg > 0 && random_within(0, 2) > 0;
        scene->legs[leg] = (struct chain_leg){scene->plans[scene->plan_of_leg[leg]].calendar,
                                              random_within(1, 30) * 11 * MINUTE_MS, step};
    }
}

static void
fail(const char *what, int64_t found, int64_t expected)
{
    fprintf(stderr, "seed %" PRIu64 ": %s: %" PRId64 ", the walk says %" PRId64 "\n", chance_seed_now, what,
            found, expected);
    abort();
}

/* The tightened target fits, and one minute more does not. */
static void
check_tightening(struct scene *scene, struct chain_span *span)
{
    struct chain_verdict verdict;

    for (size_t leg = 0; leg < scene->chain.legs_count; leg++) {
        int64_t kept_ms = scene->legs[leg].target_ms;
        int64_t target_ms = chain_tighten_ms(span, &scene->chain, leg);

        scene->legs[leg].target_ms = target_ms > 0 ? target_ms : 1000;
        chain_judge(span, &scene->chain, &verdict);
        if (verdict.fits != (target_ms > 0))
            fail("a tightened target fits", verdict.fits, target_ms > 0);
        scene->legs[leg].target_ms += 1000;
        chain_judge(span, &scene->chain, &verdict);
        if (target_ms > 0 && target_ms + 1000 < kept_ms && verdict.fits)
            fail("1 s more fits", 1, 0);
        scene->legs[leg].target_ms = kept_ms;
    }
}

static void
check_seed(struct scene *scene, const struct zone *zone)
{
    int64_t worst_ms = INT64_MIN, least_ms = INT64_MAX, late_ms;
    struct chain_span *span;
    struct chain_verdict verdict;

    scene_init(scene, zone);
    for (int64_t start = 1; start <= 3 * SPAN; start++) {
        if (!late_at(scene, start / 3 * MINUTE_MS + start % 3 - 1, &late_ms))
            return; /* too long for this world */
        worst_ms = late_ms > worst_ms ? late_ms : worst_ms;
        least_ms = late_ms < least_ms ? late_ms : least_ms;
    }
    span = chain_span_new(world_from_ms, world_from_ms + (int64_t)SPAN * MINUTE_MS);
    chain_judge(span, &scene->chain, &verdict);
    if (!verdict.due_ever || verdict.late_ms != worst_ms)
        fail("the worst lateness in ms", verdict.late_ms, worst_ms);
    if (verdict.fits != (worst_ms <= 0))
        fail("fits", verdict.fits, worst_ms <= 0);
    if (verdict.alike && worst_ms != least_ms)
        fail("alike", 1, 0);
    if (!late_at(scene, verdict.start_at_ms - world_from_ms, &late_ms) || late_ms != worst_ms)
        fail("the lateness of the worst start", late_ms, worst_ms);
    if (verdict.end_at_ms - verdict.due_at_ms != verdict.late_ms)
        fail("end - due", verdict.end_at_ms - verdict.due_at_ms, verdict.late_ms);
    if (!verdict.fits)
        check_tightening(scene, span);
    chain_span_free(span);
}

static struct scene *scene_of_seeds;
static struct zone *utc;

static bool
test_seed(uint64_t seed)
{
    chance = chance_of_seed(seed);
    check_seed(scene_of_seeds, utc);
    return true;
}

int
main(void)
{
    int status;

    utc = zones_load("UTC");
    scene_of_seeds = memory_allocate_zeroed(1, sizeof *scene_of_seeds);
    status = chance_run(test_seed, 25, 2);
    for (int i = 0; i < CALENDARS; i++)
        calendar_free(scene_of_seeds->plans[i].calendar);
    memory_free(scene_of_seeds);
    zone_free(utc);
    return status;
}
