/*
 * What: recorded events as histories, without anything happening on the way.
 *
 * Why this way: what is true of a ticket is derived from its history at one instant. So events are given to
 * the engines as if they had come ahead of their time: they wait, nobody is derived. Two things need time to
 * pass after all. A merge has to tell another ticket something: then the engines wake up once at the end. And
 * a ticket that is over retires, so that what comes for it afterwards is refused: as soon as an event comes
 * longer after its ticket's last one than a ticket is kept, the engines wake up and from then on go through
 * time as in slactl replay.
 *
 * Always true: the same lines are read, refused and cut off by --until as in slactl replay.
 *
 * Not here: what is asked afterwards.
 */
#include "slactl/backlog.h"
#include "base/arena.h"
#include "base/instant.h"
#include "base/map.h"
#include "wire/event_read.h"

enum { ARENA_BYTES = 65536 };

/* Before every event: all of them wait. */
#define BEFORE_ALL_MS (INSTANT_MIN_MS - 1)

struct known {
    struct slice ticket;
    int64_t last_ms;
};

static struct slice
key_of(const void *value)
{
    return ((const struct known *)value)->ticket;
}

/* ---- time ---- */

/* Whether the ticket may have retired before this event: it has heard nothing for so long. */
static bool
may_have_retired(struct backlog *backlog, struct slice ticket, int64_t t_ms)
{
    struct known *known = map_get(backlog->tickets, ticket);
    bool long_ago = known != NULL && t_ms - known->last_ms >= ENGINE_RETIRE_AFTER_MS;

    if (known == NULL) {
        known = arena_allocate(backlog->arena, sizeof *known);
        known->ticket = arena_copy_slice(backlog->arena, ticket);
        (void)map_put(backlog->tickets, known);
    }
    known->last_ms = t_ms;
    return long_ago;
}

static void
advance(struct backlog *backlog, int64_t t_ms, enum engine_moment moment)
{
    int64_t next_ms;

    /* labels count from the instant at which they are known */
    while (backlog->learner != NULL && (next_ms = engine_next_ms(backlog->engines[0])) < t_ms) {
        foresight_advance(backlog->learner, next_ms);
        (void)engine_advance(backlog->engines[0], next_ms, ENGINE_THROUGH, SIZE_MAX);
    }
    if (backlog->learner != NULL)
        foresight_advance(backlog->learner, t_ms);
    for (size_t i = 0; i < backlog->engines_count; i++)
        (void)engine_advance(backlog->engines[i], t_ms, moment, SIZE_MAX);
}

static void
on_arrive(void *context, int64_t t_ms)
{
    struct backlog *backlog = context;

    if (backlog->awake)
        advance(backlog, t_ms, ENGINE_BEFORE);
}

/* Into every history. What only one policy refuses is no reason to be silent. */
static struct engine_answer
on_event(void *context, const struct event *event, int64_t t_ms)
{
    struct backlog *backlog = context;
    struct engine_answer answer = {.disposition = ENGINE_APPLIED};

    if (event_read_topic(event) != EVENT_TOPIC_TICKETS || event->type == EVENT_ALERT_ACKNOWLEDGED)
        return answer; /* they decide nothing of a clock */
    if (may_have_retired(backlog, event->ticket, t_ms) && !backlog->awake) {
        backlog->awake = true;
        advance(backlog, t_ms, ENGINE_BEFORE);
    }
    backlog->merges |= event->type == EVENT_TICKET_MERGED;
    for (size_t i = 0; i < backlog->engines_count; i++) {
        struct engine_answer one =
            engine_event(backlog->engines[i], event, backlog->awake ? t_ms : BEFORE_ALL_MS);

        if (one.disposition == ENGINE_REFUSED && answer.disposition != ENGINE_REFUSED)
            answer = one;
    }
    return answer;
}

/* ---- the whole ---- */

static void
on_sample(void *context, const struct risk_sample *sample)
{
    foresight_learn(((struct backlog *)context)->learner, sample);
}

static bool
forecast(void *context, const struct foresight_query *query, struct foresight_forecast *ret_forecast)
{
    return foresight_forecast(context, query, ret_forecast);
}

/* As in slactl replay: predict, then learn. */
static void
ask_learner(struct backlog *backlog)
{
    const struct engine_foresight foresight = {
        .forecast = forecast, .context = backlog->learner, .contexts = &backlog->contexts, .tasks_count = 1};

    if (backlog->learner == NULL)
        return;
    backlog->awake = true;
    engine_set_foresight(backlog->engines[0], &foresight, INT64_MIN);
}

void
backlog_init(struct backlog *backlog, const char *command, struct symbols *symbols,
             struct policy_set *const *sets, size_t sets_count, bool keep_ids)
{
    struct engine_options options = engine_options_of_history(symbols);

    options.sink.context = backlog;
    options.sink.risk_sample = backlog->learner != NULL ? on_sample : NULL;
    options.hot_tickets_max = ENGINE_HOT_TICKETS;
    options.keep_retired = true;
    options.keep_ids = keep_ids;
    options.stepwise = backlog->learner != NULL;
    backlog->lines.command = command;
    backlog->lines.context = backlog;
    backlog->lines.arrive = on_arrive;
    backlog->lines.take = on_event;
    backlog->engines_count = sets_count;
    for (size_t i = 0; i < sets_count; i++)
        backlog->engines[i] = engine_new(&options, sets[i]);
    ask_learner(backlog);
    backlog->tickets = map_new(key_of, 0);
    backlog->arena = arena_new(ARENA_BYTES);
}

void
backlog_done(struct backlog *backlog)
{
    for (size_t i = 0; i < backlog->engines_count; i++)
        engine_free(backlog->engines[i]);
    event_lines_done(&backlog->lines);
    map_free(backlog->tickets);
    arena_free(backlog->arena);
}

void
backlog_read(struct backlog *backlog, char **paths, int paths_count)
{
    event_lines_read(&backlog->lines, paths, paths_count);
    if (backlog->merges || backlog->awake)
        advance(backlog, backlog->lines.t_ms, ENGINE_THROUGH);
}
