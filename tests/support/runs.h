#ifndef SLAD_TESTS_RUNS_H
#define SLAD_TESTS_RUNS_H

/*
 * An engine over a random history under a random policy: what is done to it is a plan, so that it can be done
 * again, stopped anywhere and gone on with in another engine. What comes out is a log of lines for each
 * ticket, as slad would print them (timers of several tickets that are fired by one call have no order
 * between them).
 */
#include "base/memory.h"
#include "histories.h"
#include "wire/effect.h"

enum { RUNS_STEPS_MAX = HISTORIES_EVENTS_MAX * 6 + 16 };

enum runs_action { RUNS_EVENT, RUNS_ADVANCE, RUNS_QUIET, RUNS_LOUD };

struct runs_step {
    enum runs_action action;
    int64_t t_ms;
    enum engine_moment moment;
    const struct event *event;
};

struct plan {
    struct runs_step steps[RUNS_STEPS_MAX];
    size_t count;
};

struct run {
    struct engine *engine;
    struct buffer logs[HISTORIES_TICKETS_MAX];
    uint64_t refused;
};

struct world {
    struct chance chance;
    struct buffer texts[POLICIES_VERSIONS_MAX];
    size_t versions;
    struct policies policies;
    struct history_made history;
    struct plan plan;
};

static inline void
world_make_policies(struct world *world, const struct policies_traits *traits)
{
    static const char *const windows[] = {"1h", "4h", "1d"};
    struct chance *chance = &world->chance;
    const char *reopen_window = CHANCE_PICK(chance, windows); /* of all versions: what is final stays final */
    struct policies_traits own = *traits;
    int64_t from_ms = HISTORIES_START_MS;

    world->versions =
        traits->one_version || chance_one_in(chance, 2) ? 1 : 1 + chance_below(chance, POLICIES_VERSIONS_MAX);
    for (size_t i = 0; i < world->versions; i++) {
        own.one_version = world->versions == 1;
        policies_write(&world->texts[i], chance, &own, (unsigned)i, reopen_window, from_ms,
                       HISTORIES_START_MS);
        from_ms += 60000 + chance_within(chance, 0, 48 * 60) * 60000;
    }
    policies_load(&world->policies, world->texts, world->versions, 0);
}

static inline void
plan_add(struct plan *plan, struct runs_step step)
{
    must(plan->count < RUNS_STEPS_MAX);
    plan->steps[plan->count++] = step;
}

/* Events at their arrival, timers at any instants between them. quiet: with times in which nothing is
 * announced. */
static inline void
plan_make(struct plan *plan, struct chance *chance, const struct history_made *history, bool quiet)
{
    int64_t t_ms = HISTORIES_START_MS - 86400000;
    bool is_quiet = false;

    plan->count = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct histories_event *made = &history->events[i];
        int64_t arrives_ms = made->arrives_ms > t_ms ? made->arrives_ms : t_ms;

        for (int k = 0; k < 2 && chance_one_in(chance, 2); k++) {
            t_ms = chance_within(chance, t_ms, arrives_ms);
            plan_add(plan,
                     (struct runs_step){RUNS_ADVANCE, t_ms,
                                        chance_one_in(chance, 2) ? ENGINE_BEFORE : ENGINE_THROUGH, NULL});
        }
        t_ms = arrives_ms;
        plan_add(plan, (struct runs_step){RUNS_ADVANCE, t_ms, ENGINE_BEFORE, NULL});
        if (quiet && chance_one_in(chance, 5)) {
            is_quiet = !is_quiet;
            plan_add(plan, (struct runs_step){is_quiet ? RUNS_QUIET : RUNS_LOUD, t_ms, ENGINE_BEFORE, NULL});
        }
        plan_add(plan, (struct runs_step){RUNS_EVENT, t_ms, ENGINE_BEFORE, &made->event});
        if (chance_one_in(chance, 4))
            plan_add(plan, (struct runs_step){RUNS_ADVANCE, t_ms, ENGINE_THROUGH, NULL});
    }
    if (is_quiet)
        plan_add(plan, (struct runs_step){RUNS_LOUD, t_ms, ENGINE_BEFORE, NULL});
    plan_add(plan, (struct runs_step){RUNS_ADVANCE, history->end_ms > t_ms ? history->end_ms : t_ms,
                                      ENGINE_THROUGH, NULL});
}

/* ---- what comes out ---- */

static inline struct buffer *
runs_log(void *context, struct slice ticket)
{
    size_t i = 0;

    while (!slice_is(ticket, histories_names[i]))
        must(++i < HISTORIES_TICKETS_MAX);
    return &((struct run *)context)->logs[i];
}

#define RUNS_SAY(context, ticket, word, print, record)                                                       \
    do {                                                                                                     \
        struct buffer *log = runs_log(context, ticket);                                                      \
                                                                                                             \
        buffer_append_text(log, word " ");                                                                   \
        print(log, record);                                                                                  \
        buffer_append_byte(log, '\n');                                                                       \
    } while (0)

static inline void
runs_on_alert(void *context, const struct alert *alert)
{
    RUNS_SAY(context, alert->name.ticket, "alert", effect_print_alert, alert);
}

static inline void
runs_on_verdict(void *context, const struct verdict_outcome *outcome)
{
    RUNS_SAY(context, outcome->name.ticket, "verdict", effect_print_verdict, outcome);
}

static inline void
runs_on_ticket(void *context, const struct ticket_outcome *outcome)
{
    RUNS_SAY(context, outcome->ticket, "ticket", effect_print_ticket, outcome);
}

static inline void
runs_on_due_changed(void *context, const struct due_changed_outcome *outcome)
{
    RUNS_SAY(context, outcome->name.ticket, "due_changed", effect_print_due_changed, outcome);
}

static inline void
runs_on_relay(void *context, const struct relay *relay)
{
    char text[256];

    (void)snprintf(text, sizeof text,
                   "relay %.*s into %.*s at %" PRId64 " %d start %" PRId64 " contact %d %" PRId64 "\n",
                   (int)relay->from_ticket.bytes, relay->from_ticket.at, (int)relay->into_ticket.bytes,
                   relay->into_ticket.at, relay->at_ms, relay->active, relay->started_at_ms,
                   relay->has_contact, relay->contact_at_ms);
    buffer_append_text(runs_log(context, relay->from_ticket), text);
}

static inline void
runs_on_tombstone(void *context, struct slice ticket, struct slice key)
{
    struct buffer *log = runs_log(context, ticket);

    buffer_append_text(log, "tombstone ");
    buffer_append_slice(log, key);
    buffer_append_byte(log, '\n');
}

static inline void
runs_on_clock(void *context, const struct clock_line *line)
{
    RUNS_SAY(context, line->name.ticket, "clock", effect_print_clock, line);
}

static inline struct engine_sink
runs_sink(struct run *run)
{
    return (struct engine_sink){.context = run,
                                .alert = runs_on_alert,
                                .verdict = runs_on_verdict,
                                .ticket = runs_on_ticket,
                                .due_changed = runs_on_due_changed,
                                .relay = runs_on_relay,
                                .tombstone = runs_on_tombstone};
}

static inline struct engine_options
runs_options(struct symbols *symbols, struct engine_sink sink)
{
    struct engine_options options = engine_options_of_history(symbols);

    options.sink = sink;
    options.self_check = true;
    return options;
}

static inline void
run_open(struct run *run, struct engine_options options, const struct policies *policies)
{
    memset(run, 0, sizeof *run);
    options.symbols = policies->symbols;
    options.sink = runs_sink(run);
    run->engine = engine_new(&options, policies->set);
}

static inline void
run_close(struct run *run)
{
    engine_free(run->engine);
    for (size_t i = 0; i < HISTORIES_TICKETS_MAX; i++)
        buffer_free(&run->logs[i]);
}

/* ---- doing it ---- */

/* As a shell does: what has nothing left to keep is forgotten. */
static inline void
run_write_changed(struct engine *engine)
{
    struct buffer record = {0};
    struct ticket *ticket;

    while ((ticket = engine_changed_next(engine)) != NULL) {
        char name[64];
        struct slice text = ticket_name(ticket);

        must(text.bytes < sizeof name);
        memcpy(name, text.at, text.bytes);
        if (!engine_save(engine, ticket, &record))
            engine_forget(engine, (struct slice){name, text.bytes});
    }
    buffer_free(&record);
}

static inline void
run_step(struct engine *engine, const struct runs_step *step, uint64_t *refused)
{
    switch (step->action) {
    case RUNS_EVENT:
        *refused += engine_event(engine, step->event, step->t_ms).disposition == ENGINE_REFUSED;
        break;
    case RUNS_ADVANCE:
        while (engine_advance(engine, step->t_ms, step->moment, 1))
            continue;
        break;
    case RUNS_QUIET:
        engine_set_quiet(engine, true, step->t_ms);
        break;
    case RUNS_LOUD:
        engine_set_quiet(engine, false, step->t_ms);
        break;
    }
    run_write_changed(engine);
}

static inline int
runs_compare_tickets(const void *a, const void *b)
{
    return slice_compare(ticket_name(*(struct ticket *const *)a), ticket_name(*(struct ticket *const *)b));
}

/* Every ticket in order of names; returns how many. */
static inline size_t
run_tickets(const struct engine *engine, struct ticket *tickets[HISTORIES_TICKETS_MAX])
{
    size_t cursor = 0, count = 0;
    struct ticket *ticket;

    while ((ticket = engine_each(engine, &cursor)) != NULL) {
        must(count < HISTORIES_TICKETS_MAX);
        tickets[count++] = ticket;
    }
    if (count > 1)
        qsort(tickets, count, sizeof tickets[0], runs_compare_tickets);
    return count;
}

static inline void
run_clock_lines(struct run *run, int64_t t_ms)
{
    struct ticket *tickets[HISTORIES_TICKETS_MAX];
    size_t count = run_tickets(run->engine, tickets);

    for (size_t i = 0; i < count; i++)
        engine_clock_lines(run->engine, tickets[i], t_ms, runs_on_clock, run);
}

static inline void
world_free(struct world *world)
{
    policies_free(&world->policies);
    for (size_t i = 0; i < POLICIES_VERSIONS_MAX; i++)
        buffer_free(&world->texts[i]);
}

static inline void
world_print(const struct world *world)
{
    for (size_t i = 0; i < world->versions; i++)
        printf("%.*s\n", (int)world->texts[i].bytes, world->texts[i].at);
    histories_print(&world->history);
}

/* Leaves out what a failure does not need: fails(world, context) must say the same thing for the same
 * history. */
static inline void
world_shrink(struct world *world, bool (*fails)(struct world *world, void *context), void *context)
{
    static struct history_made kept;

    for (bool shorter = true; shorter;) {
        shorter = false;
        for (size_t i = world->history.count; i > 0 && world->history.count > 1; i--) {
            struct history_made *history = &world->history;

            kept = *history;
            memmove(&history->events[i - 1], &history->events[i],
                    (history->count - i) * sizeof history->events[0]);
            history->count--;
            histories_point_again(history);
            if (fails(world, context)) {
                shorter = true;
            } else {
                *history = kept;
                histories_point_again(history);
            }
        }
    }
    printf("what is left of the history fails too:\n");
}

/* The end of a seed: what failed is made short and said. Returns good. */
static inline bool
world_end(struct world *world, bool good, bool (*fails)(struct world *world, void *context), void *context)
{
    if (!good) {
        world_shrink(world, fails, context);
        (void)fails(world, context);
        world_print(world);
    }
    world_free(world);
    return good;
}

/* The first line in which two logs differ, with the one before. */
static inline void
runs_print_difference(struct slice a, struct slice b)
{
    size_t i = 0, line = 0, before = 0;

    while (i < a.bytes && i < b.bytes && a.at[i] == b.at[i]) {
        if (a.at[i++] == '\n') {
            before = line;
            line = i;
        }
    }
    for (int side = 0; side < 2; side++) {
        struct slice text = side == 0 ? a : b;
        size_t end = line < text.bytes ? line : text.bytes;

        while (end < text.bytes && text.at[end] != '\n')
            end++;
        if (side == 0)
            printf("after: %.*s", (int)(line - before), text.at + before);
        printf("%s: %.*s\n", side == 0 ? "one  " : "other", (int)(end - line),
               line < text.bytes ? text.at + line : "(nothing)");
    }
}

#endif
