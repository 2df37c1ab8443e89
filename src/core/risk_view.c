/*
 * A ticket as foresight sees it: attributes by the hashes of their texts, and a few small numbers.
 *
 * Why this way: what makes tickets alike must be the same when it is learned from a history and when it is
 * asked of a ticket that just took a light step; so both ask here, and everything here follows from what
 * every fold keeps. Always true: nothing is kept for foresight beside a ticket. Not here: which of it is used
 * (contexts), what it says.
 */
#include "core/risk.h"
#include "core/ticket.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000, WEEK_HOURS = 168, MONDAY_HOURS = 72 /* after 1970 began */ };

bool
risk_is_open(const struct clock *clock)
{
    return clock->started_at_ms != INSTANT_NONE && !clock->ended && clock->breached_at_ms == INSTANT_NONE;
}

uint32_t
risk_holds(const struct fold *fold, size_t slot)
{
    const struct course *course = &fold->course;
    bool ran = false;
    uint32_t holds = 0;

    if (course->broken || slot >= COURSE_SLOTS_MAX)
        return UINT32_MAX; /* more than anyone counts */
    for (uint32_t i = 0; i < course->count; i++) {
        bool runs = (course->marks[i].running & SLOT_BIT(slot)) != 0;

        if (course->marks[i].at_ms >= fold->clocks[slot].started_at_ms) {
            holds += ran && !runs;
            ran = runs;
        }
    }
    return holds;
}

struct risk_past
risk_past(const struct history *history, int64_t at_ms)
{
    struct risk_past past = {history->count, history->last_at_ms};
    uint32_t cursor = 0;
    struct entry entry;

    if (history->last_at_ms <= at_ms)
        return past;
    past = (struct risk_past){0, at_ms};
    while (history_next(history, &cursor, &entry) && entry.at_ms <= at_ms) {
        past.events++;
        past.last_event_ms = entry.at_ms;
    }
    return past;
}

/* Minutes the clock has counted since the last thing that happened to the ticket. */
static uint32_t
idle_minutes(const struct clock *clock, int64_t last_ms, int64_t at_ms)
{
    int64_t from_ms = last_ms > clock->since_ms ? last_ms : clock->since_ms;

    if (!clock->running || from_ms >= at_ms)
        return 0;
    return (uint32_t)(calendar_counted_ms(clock->calendar, from_ms, at_ms) / MINUTE_MS);
}

static uint32_t
hour_of_week(int64_t at_ms)
{
    int64_t hours = (at_ms / HOUR_MS - (at_ms % HOUR_MS < 0) + MONDAY_HOURS) % WEEK_HOURS;

    return (uint32_t)(hours < 0 ? hours + WEEK_HOURS : hours);
}

void
risk_numbers_go_on(const struct clock *clock, int64_t at_ms, const struct risk_past *past, uint32_t *numbers)
{
    numbers[FORESIGHT_IDLE] = idle_minutes(clock, past->last_event_ms, at_ms);
    numbers[FORESIGHT_HOUR] = hour_of_week(at_ms);
}

void
risk_numbers(const struct fold *fold, size_t slot, int64_t at_ms, const struct risk_past *past,
             uint32_t *numbers)
{
    const struct life *life = &fold->life;
    const struct policy_group *group =
        policy_group_find(fold_policy(fold), life->attributes[ATTRIBUTE_GROUP]);

    numbers[FORESIGHT_TIER] = group != NULL ? (uint32_t)group->tier : 0;
    numbers[FORESIGHT_MOVES] = life->group_bounces;
    numbers[FORESIGHT_HANDOVERS] = life->assignee_changes;
    numbers[FORESIGHT_HOLDS] = risk_holds(fold, slot);
    numbers[FORESIGHT_EVENTS] = past->events;
    numbers[FORESIGHT_REOPENS] = life->reopens;
    risk_numbers_go_on(&fold->clocks[slot], at_ms, past, numbers);
}

void
risk_view(const struct engine *engine, const struct fold *fold, size_t slot, int64_t at_ms,
          const struct risk_past *past, bool people, struct foresight_view *view)
{
    const struct life *life = &fold->life;
    bool named = people && !life->erased;

    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++) {
        bool person = i == ATTRIBUTE_REQUESTER || i == ATTRIBUTE_ASSIGNEE;

        view->texts[i] = named || !person ? symbols_hash(engine->options.symbols, life->attributes[i]) : 0;
    }
    risk_numbers(fold, slot, at_ms, past, view->numbers);
}
