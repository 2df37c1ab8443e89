/*
 * bench_core: decoded events through the core on one core, three clocks a ticket, and what a resident ticket
 * costs.
 *
 * A ticket's life is eight events: created, assigned, first answer, waits for the customer, he answers, goes
 * on, solved, closed. For the bytes it does not end: messages go to and fro instead. N tickets live side by
 * side, event by event, so every event meets a ticket that was last touched N events ago. N is 10,000 and a
 * million, or BENCH_TICKETS; BENCH_EVENTS_CORE is how many events there are at least (2,000,000). Prints
 * core_events_N, core_ticket_bytes (8 events, 3 clocks, open, at rest), core_event_bytes (each of 32 further
 * ones), and of a million tickets whose timers are due at one instant core_timers_N and core_timers_slice, the
 * longest call of engine_advance at a thousand tickets a call.
 *
 * What foresight adds, at 10,000 tickets of many groups and people whose lives take days and pass landmarks:
 * core_without_model and core_with_model, processor time of an event (with the samples of what it ends), in
 * turns, once as if there were no foresight, once with a table that was learned from the same lives;
 * core_foresight, what lies between; core_foresight_points, the same of the timers between the events
 * (landmarks and half way points of every clock); core_foresight_clock_bytes, the same of resident memory a
 * live clock.
 */
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "slad/engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char policy_text[] =
    "version: bench\n"
    "calendars:\n"
    "  always: {always: true}\n"
    "  office: {time_zone: Europe/Berlin, week: {mon-fri: [\"08:00-18:00\"]}}\n"
    "statuses:\n"
    "  New: {state: open}\n"
    "  Waiting: {state: waiting, on: customer}\n"
    "  Solved: {state: solved}\n"
    "  Closed: {state: closed}\n"
    "groups:\n"
    "  desk: {party: provider, tier: 1, calendar: office}\n"
    "agreements:\n"
    "  - name: gold\n"
    "    kind: sla\n"
    "    match: {customer: [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9]}\n"
    "    calendar: office\n"
    "    warn_at: [50%, 75%, 90%]\n"
    "    clocks:\n"
    "      first-response: {measure: first_response, target: {P1: 1h, default: 4h}}\n"
    "      resolution: {measure: resolution, target: {P1: 8h, default: 30h}}\n"
    "  - name: desk\n"
    "    kind: ola\n"
    "    clocks:\n"
    "      handling: {measure: handling, of: {group: desk}, mode: cumulative, target: 20h}\n";

enum { LIFE_EVENTS = 8, GROUPS = 70, PEOPLE = 300, SERVICES = 50, TURNS = 5 };
#define STEP_MS INT64_C(1200000)
#define LONG_STEP_MS INT64_C(18000000)  /* a life of 40 hours: past due for some */
#define START_MS INT64_C(1780302600000) /* Mon 2026-06-01 10:30 in Berlin */

struct load {
    size_t tickets;
    char (*names)[24];
    char (*ids)[28];
    bool goes_on;                  /* from the seventh event on messages, not an end */
    bool varied;                   /* many groups, people and services, and long lives */
    struct foresight *learner;     /* learns from every sample; NULL: nobody */
    struct foresight_table *table; /* answers; NULL: nobody */
    double timers_s;               /* varied: of spent time not in what run returns */
    uint64_t emitted;
};

static void
on_alert(void *context, const struct alert *alert)
{
    (void)alert;
    ((struct load *)context)->emitted++;
}
static void
on_verdict(void *context, const struct verdict_outcome *outcome)
{
    (void)outcome;
    ((struct load *)context)->emitted++;
}
static void
on_ticket(void *context, const struct ticket_outcome *outcome)
{
    (void)outcome;
    ((struct load *)context)->emitted++;
}

static void
on_sample(void *context, const struct risk_sample *sample)
{
    struct load *load = context;

    load->emitted++;
    if (load->learner != NULL)
        foresight_learn(load->learner, sample);
}

static bool
forecast(void *context, const struct foresight_query *query, struct foresight_forecast *ret_forecast)
{
    return foresight_table_forecast(context, query, ret_forecast);
}

static void
set(struct event *event, enum attribute attribute, const char *value)
{
    event->attributes_present |= ATTRIBUTE_BIT(attribute);
    event->attributes[attribute] = slice_of(value);
}

/* One of so many texts. */
static const char *
one_of(const char *what, size_t i, size_t count)
{
    static char texts[3][PEOPLE][12];
    char(*row)[12] = texts[what[0] == 'g' ? 0 : what[0] == 'a' ? 1 : 2];

    if (row[i % count][0] == '\0')
        snprintf(row[i % count], sizeof row[0], "%s-%zu", what, i % count);
    return row[i % count];
}

/* Attributes that many tickets do not share, but for every fourth one's group. */
static void
vary(size_t i, int n, struct event *event)
{
    if (n == 0) {
        set(event, ATTRIBUTE_SERVICE, one_of("s", i * 7, SERVICES));
        set(event, ATTRIBUTE_GROUP, i % 4 == 0 ? "desk" : one_of("g", i * 11, GROUPS));
    }
    if (n == 1 || n == 5)
        set(event, ATTRIBUTE_ASSIGNEE, one_of("a", i * 13 + (size_t)n, PEOPLE));
}

/* The n-th event of ticket i. */
static void
make_event(const struct load *load, size_t i, int n, struct event *event)
{
    static const char *const customers[] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"};
    int64_t step_ms = load->varied ? LONG_STEP_MS : STEP_MS;

    memset(event, 0, sizeof *event);
    event->ticket = slice_of(load->names[i]);
    snprintf(load->ids[i], sizeof load->ids[i], "%s-%d", load->names[i], n);
    event->id = slice_of(load->ids[i]);
    event->source = slice_of("desk");
    event->at_ms = START_MS + (int64_t)n * step_ms + (int64_t)i * step_ms / (int64_t)load->tickets;
    event->type = n == 0                                                              ? EVENT_TICKET_CREATED
                  : n == 2 || n == 4 || n >= LIFE_EVENTS || (load->goes_on && n >= 6) ? EVENT_TICKET_MESSAGE
                                                                                      : EVENT_TICKET_UPDATED;
    event->actor = n == 0 || n == 4 || (n >= LIFE_EVENTS && n % 2 == 0) ? ACTOR_REQUESTER : ACTOR_AGENT;
    if (n == 0) {
        set(event, ATTRIBUTE_CUSTOMER, customers[i % 10]);
        set(event, ATTRIBUTE_SERVICE, "network");
        set(event, ATTRIBUTE_PRIORITY, i % 7 == 0 ? "P1" : "P3");
        set(event, ATTRIBUTE_REQUESTER, "u-77");
        set(event, ATTRIBUTE_GROUP, "desk");
    }
    if (n == 1)
        set(event, ATTRIBUTE_ASSIGNEE, "a-3");
    if (event->type == EVENT_TICKET_MESSAGE && n != 4)
        event->is_public = EVENT_FLAG_TRUE;
    if (n == 0 || n == 3 || n == 4 || (!load->goes_on && n >= 6))
        set(event, ATTRIBUTE_STATUS, n == 3 ? "Waiting" : n == 6 ? "Solved" : n == 7 ? "Closed" : "New");
    if (n == 5)
        set(event, ATTRIBUTE_ASSIGNEE, "a-4");
    if (load->varied)
        vary(i, n, event);
}

static double
cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct engine_options
make_options(struct load *load, struct symbols *symbols)
{
    return (struct engine_options){
        .symbols = symbols,
        .sink = {.context = load,
                 .alert = on_alert,
                 .verdict = on_verdict,
                 .ticket = on_ticket,
                 .risk_sample = load->learner != NULL || load->table != NULL ? on_sample : NULL},
        .late_after_ms = 3600000,
        .retire_after_ms = INT64_C(30) * 86400000,
        .retirement_mark_ms = INT64_C(400) * 86400000,
        .alerts_from_ms = INT64_MIN,
        .allowed_skew_ms = -1,
        .accept_age_ms = -1,
        .hot_tickets_max = ENGINE_HOT_TICKETS,
        .history_max = 1024,
    };
}

static double
run(struct load *load, const struct policy_set *policies, struct symbols *symbols, int events,
    size_t *ret_resident_bytes)
{
    struct engine_options options = make_options(load, symbols);
    struct engine *engine = engine_new(&options, policies);
    double spent_s = 0;
    size_t history_bytes;
    struct engine_foresight foresight = {.forecast = forecast, .context = load->table, .tasks_count = 1};

    if (load->table != NULL) {
        foresight.contexts = foresight_table_contexts(load->table);
        engine_set_foresight(engine, &foresight, START_MS);
    }
    for (int n = 0; n < events; n++) {
        for (size_t i = 0; i < load->tickets; i += 256) {
            static struct event batch[256];
            size_t count = load->tickets - i < 256 ? load->tickets - i : 256;
            double from_s;

            for (size_t k = 0; k < count; k++)
                make_event(load, i + k, n, &batch[k]);
            from_s = cpu_s();
            if (load->varied) {
                (void)engine_advance(engine, batch[0].at_ms, ENGINE_BEFORE, SIZE_MAX);
                load->timers_s += cpu_s() - from_s;
                from_s = cpu_s();
            }
            for (size_t k = 0; k < count; k++) {
                if (!load->varied)
                    (void)engine_advance(engine, batch[k].at_ms, ENGINE_BEFORE, SIZE_MAX);
                must(engine_event(engine, &batch[k], batch[k].at_ms).disposition == ENGINE_APPLIED);
            }
            while (engine_changed_next(engine) != NULL)
                continue;
            spent_s += cpu_s() - from_s;
        }
    }
    engine_cool(engine);
    engine_memory(engine, &history_bytes, ret_resident_bytes);
    engine_free(engine);
    return spent_s;
}

static struct policy_set *
load_policy(struct symbols *symbols)
{
    struct policy_zone_reader reader = policy_files_zone_reader(policy_files_zoneinfo_default());
    struct policy_error error = {0};
    struct policy *policy =
        policy_yaml_load(slice_of(policy_text), slice_of("bench"), &reader, symbols, &error);

    if (policy == NULL)
        panic("the benchmark's policy does not load");
    return policy_set_new(&policy, 1, symbols);
}

/* So many tickets whose clocks are all due at one instant: the longest call of engine_advance at 1,000
 * tickets a call. */
static void
drain_timers(struct load *load, const struct policy_set *policies, struct symbols *symbols)
{
    struct engine_options options = make_options(load, symbols);
    struct engine *engine = engine_new(&options, policies);
    const int64_t due_ms = START_MS + INT64_C(7) * 86400000;
    double longest_s = 0, from_s, all_s = cpu_s();
    struct event event;
    bool more = true;

    for (size_t i = 0; i < load->tickets; i++) {
        make_event(load, i, 0, &event);
        event.at_ms = START_MS;
        must(engine_event(engine, &event, event.at_ms).disposition == ENGINE_APPLIED);
    }
    while (engine_changed_next(engine) != NULL)
        continue;
    all_s = cpu_s();
    while (more) {
        from_s = cpu_s();
        more = engine_advance(engine, due_ms, ENGINE_THROUGH, 1000);
        longest_s = cpu_s() - from_s > longest_s ? cpu_s() - from_s : longest_s;
    }
    printf("core_timers_%zu %.0f tickets/s\n", load->tickets, (double)load->tickets / (cpu_s() - all_s));
    printf("core_timers_slice %.3g ms\n", longest_s * 1000);
    engine_free(engine);
}

static void
name_tickets(struct load *load)
{
    load->names = memory_allocate(load->tickets * sizeof *load->names);
    load->ids = memory_allocate(load->tickets * sizeof *load->ids);
    for (size_t i = 0; i < load->tickets; i++)
        snprintf(load->names[i], sizeof load->names[i], "INC%07zu", i);
}

/* The table of whoever has seen all these lives once. */
static struct foresight_table *
learn_table(struct load *load, const struct policy_set *policies, struct symbols *symbols)
{
    struct foresight_options options;
    struct foresight_table *table;
    struct buffer bytes = {0};
    size_t resident_bytes;

    foresight_options_default(&options);
    load->learner = foresight_new(&options);
    (void)run(load, policies, symbols, LIFE_EVENTS, &resident_bytes);
    foresight_publish(load->learner, &bytes);
    table = foresight_table_read(buffer_slice(&bytes));
    must(table != NULL);
    foresight_free(load->learner);
    load->learner = NULL;
    buffer_free(&bytes);
    return table;
}

/* The same events without and with a model, in turns; then open tickets for their bytes. */
static void
bench_foresight(struct load *load, const struct policy_set *policies, struct symbols *symbols)
{
    struct foresight_table *table;
    double spent_s[2] = {0, 0}, timers_s[2] = {0, 0};
    double events = (double)TURNS * (double)load->tickets * LIFE_EVENTS;
    size_t bytes[2];

    load->varied = true;
    load->goes_on = false;
    table = learn_table(load, policies, symbols);
    for (int turn = 0; turn < 2 * TURNS; turn++) {
        load->table = turn % 2 != 0 ? table : NULL;
        load->timers_s = 0;
        spent_s[turn % 2] += run(load, policies, symbols, LIFE_EVENTS, &bytes[0]);
        timers_s[turn % 2] += load->timers_s;
    }
    load->goes_on = true;
    for (int with = 0; with < 2; with++) {
        load->table = with ? table : NULL;
        (void)run(load, policies, symbols, LIFE_EVENTS, &bytes[with]);
    }
    load->table = NULL;
    load->varied = load->goes_on = false;
    printf("core_without_model %.4f us\n", spent_s[0] / events * 1e6);
    printf("core_with_model %.4f us\n", spent_s[1] / events * 1e6);
    printf("core_foresight %.4f us\n", (spent_s[1] - spent_s[0]) / events * 1e6);
    printf("core_foresight_points %.4f us\n", (timers_s[1] - timers_s[0]) / events * 1e6);
    printf("core_foresight_clock_bytes %.2f B\n",
           ((double)bytes[1] - (double)bytes[0]) / (double)load->tickets / 3);
    foresight_table_free(table);
}

static void
bench_tickets(struct load *load, const struct policy_set *policies, struct symbols *symbols, size_t events)
{
    size_t rounds = events / (load->tickets * LIFE_EVENTS) + 1, resident_bytes, later_bytes;
    double spent_s = 0;

    name_tickets(load);
    load->goes_on = false;
    for (size_t round = 0; round < rounds; round++)
        spent_s += run(load, policies, symbols, LIFE_EVENTS, &resident_bytes);
    printf("core_events_%zu %.0f events/s\n", load->tickets,
           (double)(rounds * load->tickets * LIFE_EVENTS) / spent_s);
    if (load->tickets == 10000) {
        load->goes_on = true;
        (void)run(load, policies, symbols, LIFE_EVENTS, &resident_bytes);
        (void)run(load, policies, symbols, LIFE_EVENTS + 32, &later_bytes);
        printf("core_ticket_bytes %.0f B\n", (double)resident_bytes / (double)load->tickets);
        printf("core_event_bytes %.1f B\n",
               (double)(later_bytes - resident_bytes) / (double)load->tickets / 32);
        bench_foresight(load, policies, symbols);
    } else {
        drain_timers(load, policies, symbols);
    }
    memory_free(load->names);
    memory_free(load->ids);
}

int
main(void)
{
    const char *wanted = getenv("BENCH_TICKETS"), *events = getenv("BENCH_EVENTS_CORE");
    size_t events_count = events != NULL ? strtoul(events, NULL, 10) : 2000000;
    struct load load = {.tickets = 0};
    struct symbols *symbols = symbols_new();
    struct policy_set *policies = load_policy(symbols);
    const size_t sizes[] = {10000, 1000000};

    for (size_t i = 0; i < (wanted != NULL ? 1 : sizeof sizes / sizeof *sizes); i++) {
        load.tickets = wanted != NULL ? strtoul(wanted, NULL, 10) : sizes[i];
        bench_tickets(&load, policies, symbols, events_count);
    }
    policy_set_free(policies);
    symbols_free(symbols);
    return 0;
}
