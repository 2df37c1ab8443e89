/*
 * Where the time of a clock went: by party, in hours and outside, paused, overrun (semantics.md section 4,
 * R25, R26).
 *
 * Why apart from the clock: a clock only needs to know when it reaches its next threshold. Who had the ball
 * meanwhile is asked when a record is due. A full fold adds it up as it goes; a light one keeps the ticket's
 * course (who had the ball and which clocks ran, since when), from which the sums of a regular clock follow
 * when they are asked for. Always true: every instant of [started_at, end) is given to exactly one party, so
 * elapsed + paused + nobody's time in hours is the life in hours; a course has no two marks at one instant.
 * Not here: deciding whether a clock runs (fold_event) or what it has counted (clock).
 */
#include "base/memory.h"
#include "core/fold.h"

enum { SLICE_BITS = 22 }; /* of time, some seventy minutes: instants of one share a place */

enum party
account_attribution(uint8_t ball)
{
    enum party party = PARTY_CUSTOMER;

    while (party < PARTY_NOBODY && (ball & PARTY_BIT(party)) == 0)
        party++;
    return party;
}

void
account_gap(struct account *account, const struct calendar *calendar, enum party party, int64_t from_ms,
            int64_t to_ms)
{
    account->by_party[party].wall_ms += to_ms - from_ms;
    account->by_party[party].in_hours_ms += to_ms >= from_ms ? calendar_counted_ms(calendar, from_ms, to_ms)
                                                             : -calendar_counted_ms(calendar, to_ms, from_ms);
}

/* The stretch of this instant, out of those last asked about. */
static const struct calendar_stretch *
stretch_of(struct fold *fold, const struct calendar *calendar, int64_t at_ms)
{
    uint64_t mixed =
        ((uint64_t)(at_ms >> SLICE_BITS) ^ (uint64_t)(uintptr_t)calendar) * UINT64_C(0x9e3779b97f4a7c15);
    struct fold_stretch *known = &fold->stretches[mixed >> (64 - FOLD_STRETCHES_BITS)];

    if (known->calendar != calendar || at_ms < known->stretch.from_ms || at_ms >= known->stretch.to_ms) {
        known->calendar = calendar;
        calendar_stretch(calendar, at_ms, &known->stretch);
    }
    return &known->stretch;
}

int64_t
account_total_ms(struct fold *fold, const struct calendar *calendar, int64_t at_ms)
{
    const struct calendar_stretch *stretch = stretch_of(fold, calendar, at_ms);
    int64_t into_ms = at_ms - stretch->from_ms;

    return stretch->before_ms + (into_ms < stretch->open_ms ? into_ms : stretch->open_ms);
}

int64_t
account_add_ms(struct fold *fold, const struct calendar *calendar, int64_t start_ms, int64_t amount_ms)
{
    const struct calendar_stretch *stretch;
    int64_t into_ms;

    if (amount_ms == 0)
        return start_ms;
    if (amount_ms > INT64_MAX / 4)
        return CALENDAR_NEVER;
    stretch = stretch_of(fold, calendar, start_ms);
    into_ms = start_ms - stretch->from_ms;
    if (into_ms + amount_ms <= stretch->open_ms)
        return start_ms + amount_ms;
    into_ms = into_ms < stretch->open_ms ? into_ms : stretch->open_ms;
    return calendar_of_total_ms(calendar, stretch->before_ms + into_ms + amount_ms, start_ms);
}

int64_t
account_counted_ms(struct fold *fold, const struct calendar *calendar, int64_t from_ms, int64_t to_ms)
{
    if (to_ms <= from_ms)
        return 0;
    return account_total_ms(fold, calendar, to_ms) - account_total_ms(fold, calendar, from_ms);
}

void
account_forget(struct fold *fold)
{
    memset(fold->stretches, 0, sizeof fold->stretches);
}

void
account_segment(struct fold *fold, size_t slot, int64_t from_ms, int64_t to_ms)
{
    const struct clock *clock = &fold->clocks[slot];
    struct account *account = &fold->extras[slot].now;
    enum party party = account_attribution(fold->life.ball);
    int64_t counted_ms;

    if (clock->started_at_ms == INSTANT_NONE || clock->ended || from_ms >= to_ms)
        return;
    counted_ms = account_counted_ms(fold, clock->calendar, from_ms, to_ms);
    account->by_party[party].wall_ms += to_ms - from_ms;
    account->by_party[party].in_hours_ms += counted_ms;
    if (!clock->running && party != PARTY_NOBODY) {
        account->paused_ms += counted_ms;
        account->paused_wall_ms += to_ms - from_ms;
    }
    if (clock->breached_at_ms != INSTANT_NONE && party != PARTY_NOBODY)
        account->overrun_wall_ms += to_ms - from_ms;
}

/* ---- the course ---- */

void
course_done(struct course *course)
{
    memory_free(course->marks);
}

void
course_take(struct course *course, const struct course_mark *marks, uint32_t count)
{
    course->count = count;
    if (count > course->room) {
        course->room = count;
        course->marks = memory_resize(course->marks, course->room * sizeof *course->marks);
    }
    if (count > 0)
        memcpy(course->marks, marks, count * sizeof *marks);
}

static void
add_mark(struct course *course, const struct course_mark *mark)
{
    if (course->count == COURSE_MARKS_MAX) {
        course->broken = true;
        return;
    }
    if (course->count == course->room) {
        course->room = course->room > 0 ? course->room * 2 : 8;
        course->marks = memory_resize(course->marks, course->room * sizeof *course->marks);
    }
    course->marks[course->count++] = *mark;
}

void
account_note_course(struct fold *fold, int64_t at_ms)
{
    struct course *course = &fold->course;
    struct course_mark mark = {.at_ms = at_ms, .ball = fold->life.ball};
    struct course_mark *last = course->count > 0 ? &course->marks[course->count - 1] : NULL;

    course->broken |= fold->clocks_count > COURSE_SLOTS_MAX;
    for (size_t slot = 0; slot < fold->clocks_count; slot++)
        mark.running |= fold->clocks[slot].running ? SLOT_BIT(slot) : 0;
    if (last != NULL && last->at_ms == at_ms)
        *last = mark;
    else if (last == NULL || last->ball != mark.ball || last->running != mark.running)
        add_mark(course, &mark);
}

/* The part of [from_ms, to_ms) that mark i stands for. */
static int64_t
stretch(const struct course *course, uint32_t i, int64_t from_ms, int64_t to_ms, int64_t *ret_from_ms)
{
    int64_t until_ms = i + 1 < course->count ? course->marks[i + 1].at_ms : to_ms;

    *ret_from_ms = course->marks[i].at_ms > from_ms ? course->marks[i].at_ms : from_ms;
    return until_ms < to_ms ? until_ms : to_ms;
}

static void
sum_up(struct fold *fold, size_t slot, int64_t from_ms, int64_t to_ms, struct account *account)
{
    const struct course *course = &fold->course;
    const struct calendar *calendar = fold->clocks[slot].calendar;
    int64_t before_at_ms = INSTANT_NONE, before_ms = 0;

    for (uint32_t i = 0; i < course->count; i++) {
        enum party party = account_attribution(course->marks[i].ball);
        int64_t start_ms, end_ms = stretch(course, i, from_ms, to_ms, &start_ms), counted_ms, end_total_ms;

        if (start_ms >= end_ms)
            continue;
        if (start_ms != before_at_ms)
            before_ms = account_total_ms(fold, calendar, start_ms);
        end_total_ms = account_total_ms(fold, calendar, end_ms);
        counted_ms = end_total_ms - before_ms;
        before_at_ms = end_ms;
        before_ms = end_total_ms;
        account->by_party[party].wall_ms += end_ms - start_ms;
        account->by_party[party].in_hours_ms += counted_ms;
        if ((course->marks[i].running & SLOT_BIT(slot)) == 0 && party != PARTY_NOBODY) {
            account->paused_ms += counted_ms;
            account->paused_wall_ms += end_ms - start_ms;
        }
    }
}

/* The wall time of [from_ms, to_ms) that is not nobody's. */
static int64_t
somebodys_ms(const struct course *course, int64_t from_ms, int64_t to_ms)
{
    int64_t sum_ms = 0;

    for (uint32_t i = 0; i < course->count; i++) {
        int64_t start_ms, end_ms = stretch(course, i, from_ms, to_ms, &start_ms);

        if (start_ms < end_ms && account_attribution(course->marks[i].ball) != PARTY_NOBODY)
            sum_ms += end_ms - start_ms;
    }
    return sum_ms;
}

void
account_sketch(struct fold *fold, size_t slot)
{
    const struct clock *clock = &fold->clocks[slot];
    struct clock_extra *sketch = &fold->sketches[slot];
    int64_t end_ms = clock->ended ? clock->stopped_at_ms : fold->life.at_ms;

    sum_up(fold, slot, clock->started_at_ms, end_ms, &sketch->now);
    if (clock->breached_at_ms == INSTANT_NONE)
        return;
    sum_up(fold, slot, clock->started_at_ms, clock->breached_at_ms, &sketch->at_breach);
    sketch->now.overrun_wall_ms = somebodys_ms(&fold->course, clock->breached_at_ms, end_ms);
}

void
account_ticket(const struct fold *fold, int64_t at_ms, int64_t *by_party_wall_ms)
{
    const struct life *life = &fold->life;
    const struct course *course = &fold->course;

    memset(by_party_wall_ms, 0, PARTIES_COUNT * sizeof *by_party_wall_ms);
    for (uint32_t i = 0; i < course->count; i++) {
        int64_t start_ms, end_ms = stretch(course, i, INT64_MIN, at_ms, &start_ms);

        if (start_ms < end_ms)
            by_party_wall_ms[account_attribution(course->marks[i].ball)] += end_ms - start_ms;
    }
    by_party_wall_ms[account_attribution(life->first_ball)] += life->first_event_at_ms - life->started_at_ms;
}
