/*
 * What: foresight is the same however the work is cut. The same tickets in one task, or spread over three; in
 * one go, or with every engine and the learner saved at any instant and gone on with elsewhere (a restart),
 * or one task of three alone (a hand-over): each time the same samples are learned, every ticket is said the
 * same probabilities at the same instants, and learner and table end in the same bytes.
 *
 * Why this way: the tasks step through time together, whoever's timer is first, as their outcomes meet on one
 * partition; events and timers lie at distinct instants, so there is one order. A forecast comes from the
 * learner itself and tells what it was asked, so nothing may depend on which tickets lie beside it.
 *
 * Always true: a failure prints its seed. Not here: stage `risk`, which fires when a table comes (outside the
 * law).
 */
#include "../support/runs.h"
#include "slad/foresight.h"
#include "wire/risk_json.h"

enum { TICKETS = 90, EVENTS_MAX = TICKETS * 8, TASKS_MAX = 3 };

static const char policy_text[] =
    "version: \"1\"\n"
    "statuses:\n"
    "  New: {state: open}\n"
    "  Waiting: {state: waiting, on: customer}\n"
    "  Solved: {state: solved}\n"
    "  Cancelled: {state: cancelled}\n"
    "groups:\n"
    "  desk: {party: provider, tier: 1}\n"
    "  l2: {party: provider, tier: 2}\n"
    "agreements:\n"
    "  - {name: a, kind: sla, clocks: {resolution: {measure: resolution, target: {P1: 5h, default: 9h}}}}\n"
    "  - {name: d, kind: ola, clocks: {desk: {measure: handling, of: {group: desk}, mode: cumulative, "
    "target: 4h}}}\n"
    "foresight: {contexts: [group, group+status+moves, assignee+group, holds+idle, events, hour:4]}\n";

struct made {
    struct event event;
    size_t ticket;
};
struct story {
    struct made events[EVENTS_MAX];
    size_t count;
    char names[TICKETS][24], ids[EVENTS_MAX][40];
};

/* ---- histories ---- */

static void
set(struct event *event, enum attribute attribute, const char *value)
{
    event->attributes_present |= ATTRIBUTE_BIT(attribute);
    event->attributes[attribute] = slice_of(value);
}

static void
add_event(struct story *story, struct chance *chance, size_t ticket, int n, int last)
{
    static const char *const groups[] = {"desk", "l2", "other"}, *const people[] = {"ann", "bob", "cid"},
                             *const priorities[] = {"P1", "P3"};
    struct made *made = &story->events[story->count];
    struct event *event = &made->event;

    memset(made, 0, sizeof *made);
    (void)snprintf(story->ids[story->count], sizeof story->ids[0], "e%zu-%d", ticket, n);
    made->ticket = ticket;
    event->id = slice_of(story->ids[story->count]);
    event->source = slice_of("t");
    event->ticket = slice_of(story->names[ticket]);
    event->type = n == 0 ? EVENT_TICKET_CREATED : EVENT_TICKET_UPDATED;
    event->actor = n == 0 ? ACTOR_REQUESTER : ACTOR_AGENT;
    set(event, ATTRIBUTE_STATUS,
        n == 0                     ? "New"
        : n == last                ? (chance_one_in(chance, 8) ? "Cancelled" : "Solved")
        : chance_one_in(chance, 3) ? "Waiting"
                                   : "New");
    if (n == 0)
        set(event, ATTRIBUTE_PRIORITY, CHANCE_PICK(chance, priorities));
    if (n == 0 || chance_one_in(chance, 2))
        set(event, ATTRIBUTE_GROUP, CHANCE_PICK(chance, groups));
    if (chance_one_in(chance, 2))
        set(event, ATTRIBUTE_ASSIGNEE, CHANCE_PICK(chance, people));
    story->count++;
}

static int
compare_events(const void *a, const void *b)
{
    const struct made *left = a, *right = b;

    return left->event.at_ms < right->event.at_ms ? -1 : left->event.at_ms > right->event.at_ms;
}

/* Instants differ by more than their own few milliseconds between tickets, and so do timers. */
static void
make_story(struct story *story, struct chance *chance)
{
    story->count = 0;
    for (size_t ticket = 0; ticket < TICKETS; ticket++) {
        int last = 1 + (int)chance_below(chance, 6);
        int64_t at_ms =
            HISTORIES_START_MS + chance_within(chance, 0, 10 * 1440) * 60000 + (int64_t)ticket * 601;

        (void)snprintf(story->names[ticket], sizeof story->names[0], "T%zu", ticket);
        for (int n = 0; n <= last; n++) {
            add_event(story, chance, ticket, n, last);
            story->events[story->count - 1].event.at_ms = at_ms;
            at_ms += chance_within(chance, 5, 300) * 60000 + 1;
        }
    }
    qsort(story->events, story->count, sizeof story->events[0], compare_events);
}

/* ---- runs ---- */

struct task {
    struct policies policies;
    struct engine *engine;
};
struct course {
    struct task tasks[TASKS_MAX];
    size_t tasks_count;
    struct foresight *learner;
    struct foresight_contexts contexts;
    struct buffer samples, said[TICKETS], table, state;
};

static bool
forecast(void *context, const struct foresight_query *query, struct foresight_forecast *ret_forecast)
{
    return foresight_forecast(((struct course *)context)->learner, query, ret_forecast);
}

static void
on_sample(void *context, const struct risk_sample *sample)
{
    struct course *course = context;
    struct risk_sample plain = *sample;

    plain.alarmed = false; /* outside the law */
    risk_json_print_sample(&course->samples, &plain);
    buffer_append_byte(&course->samples, '\n');
    foresight_learn(course->learner, sample);
}

static void
on_risk(void *context, const struct engine_risk *risk)
{
    struct course *course = context;
    const struct foresight_told none = {.finish_p50_at_ms = INSTANT_NONE, .finish_p90_at_ms = INSTANT_NONE};
    struct risk_line line = {risk, risk->told != NULL ? risk->told : &none};
    size_t ticket = 0;

    while (!slice_is(risk->name.ticket, "") && ticket < TICKETS) {
        char name[24];

        (void)snprintf(name, sizeof name, "T%zu", ticket);
        if (slice_is(risk->name.ticket, name))
            break;
        ticket++;
    }
    must(ticket < TICKETS);
    risk_json_print(&course->said[ticket], &line);
    buffer_append_byte(&course->said[ticket], '\n');
}

static void
open_task(struct course *course, size_t place, unsigned ballast)
{
    struct task *task = &course->tasks[place];
    struct buffer text = {0};
    struct engine_options options;
    const struct engine_foresight foresight = {forecast, course, &course->contexts, (uint32_t)place,
                                               (uint32_t)course->tasks_count};

    buffer_append_text(&text, policy_text);
    policies_load(&task->policies, &text, 1, ballast);
    options =
        runs_options(task->policies.symbols,
                     (struct engine_sink){.context = course, .risk_sample = on_sample, .risk = on_risk});
    options.stepwise = true;
    options.self_check = false; /* prop_law does that */
    task->engine = engine_new(&options, task->policies.set);
    foresight_contexts_of(&policy_set_version(task->policies.set, 0)->foresight, &course->contexts);
    engine_set_foresight(task->engine, &foresight, INT64_MIN);
    buffer_free(&text);
}

static void
close_task(struct task *task)
{
    engine_free(task->engine);
    policies_free(&task->policies);
}

static struct foresight *
new_learner(const struct course *course)
{
    struct foresight_options options;

    foresight_options_default(&options);
    options.contexts = course->contexts;
    options.class_min = 3;
    return foresight_new(&options);
}

/* Saved, and loaded into an engine with symbols of its own. */
static void
restart_task(struct course *course, size_t place, int64_t t_ms)
{
    struct task before = course->tasks[place];
    struct ticket *ticket;
    struct buffer record = {0};
    size_t cursor = 0;

    open_task(course, place, 40);
    while ((ticket = engine_each(before.engine, &cursor)) != NULL) {
        buffer_reset(&record);
        if (engine_save(before.engine, ticket, &record))
            must(engine_load(course->tasks[place].engine, ticket_name(ticket), buffer_slice(&record)) == 0);
    }
    engine_loaded(course->tasks[place].engine, t_ms);
    close_task(&before);
    buffer_free(&record);
}

static void
restart_learner(struct course *course)
{
    struct buffer state = {0};

    foresight_save(course->learner, &state);
    foresight_free(course->learner);
    course->learner = new_learner(course);
    must(foresight_load(course->learner, buffer_slice(&state)) == 0);
    buffer_free(&state);
}

/* All tasks up to t, whoever's timer is first. */
static void
advance(struct course *course, int64_t t_ms)
{
    for (;;) {
        size_t first = 0;
        int64_t next_ms;

        for (size_t i = 1; i < course->tasks_count; i++)
            if (engine_next_ms(course->tasks[i].engine) < engine_next_ms(course->tasks[first].engine))
                first = i;
        next_ms = engine_next_ms(course->tasks[first].engine);
        if (next_ms >= t_ms)
            break;
        foresight_advance(course->learner, next_ms);
        (void)engine_advance(course->tasks[first].engine, next_ms, ENGINE_THROUGH, SIZE_MAX);
    }
    foresight_advance(course->learner, t_ms);
    for (size_t i = 0; i < course->tasks_count; i++)
        (void)engine_advance(course->tasks[i].engine, t_ms, ENGINE_BEFORE, SIZE_MAX);
}

/* cut: before this event all tasks and the learner, or (alone) task 1, are restarted. */
static struct course *
run(const struct story *story, size_t tasks_count, size_t cut, bool alone)
{
    struct course *course = memory_allocate_zeroed(1, sizeof *course);

    course->tasks_count = tasks_count;
    for (size_t i = 0; i < tasks_count; i++)
        open_task(course, i, 0);
    course->learner = new_learner(course);
    for (size_t i = 0; i < story->count; i++) {
        const struct made *made = &story->events[i];

        advance(course, made->event.at_ms);
        for (size_t k = 0; i == cut && k < tasks_count; k++)
            if (!alone || k == 1)
                restart_task(course, k, made->event.at_ms);
        if (i == cut && !alone)
            restart_learner(course);
        must(engine_event(course->tasks[made->ticket % tasks_count].engine, &made->event, made->event.at_ms)
                 .disposition == ENGINE_APPLIED);
    }
    advance(course, story->events[story->count - 1].event.at_ms + INT64_C(3) * 86400000);
    foresight_publish(course->learner, &course->table);
    foresight_save(course->learner, &course->state);
    return course;
}

static void
course_free(struct course *course)
{
    for (size_t i = 0; i < course->tasks_count; i++)
        close_task(&course->tasks[i]);
    for (size_t i = 0; i < TICKETS; i++)
        buffer_free(&course->said[i]);
    foresight_free(course->learner);
    buffer_free(&course->samples);
    buffer_free(&course->table);
    buffer_free(&course->state);
    memory_free(course);
}

static bool
agree(const char *what, const struct buffer *a, const struct buffer *b, bool texts)
{
    if (slice_equal(buffer_slice(a), buffer_slice(b)))
        return true;
    printf("%s differ\n", what);
    if (texts)
        runs_print_difference(buffer_slice(a), buffer_slice(b));
    return false;
}

static bool
same(const char *what, const struct course *whole, struct course *other)
{
    bool good = agree("the samples", &whole->samples, &other->samples, true);

    for (size_t i = 0; i < TICKETS && good; i++)
        good = agree("what a ticket was said", &whole->said[i], &other->said[i], true);
    good = good && agree("the tables", &whole->table, &other->table, false);
    good = good && agree("the learners", &whole->state, &other->state, false);
    if (!good)
        printf("... between one run and one %s\n", what);
    course_free(other);
    return good;
}

static bool
test(uint64_t seed)
{
    static struct story story;
    struct chance chance = chance_of_seed(seed);
    struct foresight_figures figures;
    struct course *whole;
    size_t cut;
    bool good;

    make_story(&story, &chance);
    cut = chance_below(&chance, (unsigned)story.count);
    whole = run(&story, 1, SIZE_MAX, false);
    foresight_figures(whole->learner, &figures);
    must(figures.labels > TICKETS && figures.breached > 5 && figures.censored > 0 &&
         whole->said[0].bytes > 0);
    good = same("the same again", whole, run(&story, 1, SIZE_MAX, false)) &&
           same("over three tasks", whole, run(&story, 3, SIZE_MAX, false)) &&
           same("restarted in the middle", whole, run(&story, 1, cut, false)) &&
           same("over three tasks, restarted", whole, run(&story, 3, cut, false)) &&
           same("over three tasks, one handed over", whole, run(&story, 3, cut, true));
    course_free(whole);
    return good;
}

int
main(void)
{
    return chance_run(test, 6, 4);
}
