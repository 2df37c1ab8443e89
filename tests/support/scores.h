#ifndef SLAD_TESTS_SCORES_H
#define SLAD_TESTS_SCORES_H

/* A score side with a policy from text, and short words for what comes in. */
#include "base/arena.h"
#include "base/panic.h"
#include "slad/scores.h"
#include "zones.h"
#include "wire/policy_yaml.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define T0_MS INT64_C(1795348800000) /* 2026-11-22T12:00:00Z */

struct house {
    struct symbols *symbols;
    struct policy_set *set;
    struct scores *scores;
    uint64_t events; /* for ids */
    char id[32];
};

static inline int
house_read_zone(void *context, struct slice name, struct buffer *out)
{
    static unsigned char bytes[ZONE_FILE_BYTES_MAX];
    char text[128];

    (void)context;
    snprintf(text, sizeof text, "%.*s", (int)name.bytes, name.at);
    buffer_append(out, bytes, zones_read_file("zoneinfo", text, bytes));
    return 0;
}

static inline struct policy *
house_policy(struct symbols *symbols, const char *text)
{
    const struct policy_zone_reader reader = {NULL, house_read_zone};
    struct policy_error error = {0};
    struct policy *policy = policy_yaml_load(slice_of(text), slice_of("test.yaml"), &reader, symbols, &error);

    if (policy == NULL)
        panic("the test's policy does not load");
    return policy;
}

/* text: a whole policy. */
static inline void
house_open_text(struct house *house, const char *text, struct scores_sink sink)
{
    struct scores_options options = {
        .sink = sink, .publish_every_ms = 1000, .allowed_skew_ms = -1, .accept_age_ms = -1};
    struct policy *policies[1];

    *house = (struct house){.symbols = symbols_new()};
    policies[0] = house_policy(house->symbols, text);
    house->set = policy_set_new(policies, 1, house->symbols);
    options.symbols = house->symbols;
    house->scores = scores_new(&options, house->set);
}

/* experience: the lines under `experience:`, in flow form ("{min_answers: 1}"). */
static inline void
house_open(struct house *house, const char *experience, struct scores_sink sink)
{
    char text[4096];

    snprintf(text, sizeof text, "version: \"1\"\nexperience: %s\n", experience);
    house_open_text(house, text, sink);
}

static inline void
house_close(struct house *house)
{
    size_t of_policy;

    scores_free(house->scores);
    of_policy = symbols_count(house->symbols);
    policy_set_free(house->set);
    must(symbols_count(house->symbols) <= of_policy);
    must(symbols_count(house->symbols) == 0); /* whoever took a name gave it back */
    symbols_free(house->symbols);
}

/* A feedback event with a fresh event id. */
static inline struct event
house_event(struct house *house, enum event_type type, int64_t at_ms, const char *feedback_id)
{
    struct event event = {.type = type, .at_ms = at_ms};

    snprintf(house->id, sizeof house->id, "e-%llu", (unsigned long long)++house->events);
    event.id = slice_of(house->id);
    event.source = slice_of("test");
    event.feedback.id = slice_of(feedback_id);
    event.feedback.survey = slice_of("post-ticket");
    return event;
}

static inline struct event
house_answer(struct house *house, int64_t at_ms, const char *feedback_id, const char *scale, int32_t score)
{
    struct event event = house_event(house, EVENT_FEEDBACK_SUBMITTED, at_ms, feedback_id);

    event.feedback.scale = slice_of(scale);
    event.feedback.has_score = true;
    event.feedback.score = score;
    return event;
}

static inline void
house_attribute(struct event *event, enum attribute attribute, const char *value)
{
    event->attributes_present |= ATTRIBUTE_BIT(attribute);
    event->attributes[attribute] = slice_of(value);
}

static inline struct score_record
house_read(struct house *house, const char *window, int64_t t_ms)
{
    struct score_record record = {0};
    struct score_scope all = {0};

    (void)scores_read(house->scores, &all, slice_of(window), t_ms, &record);
    return record;
}

/* The record of one value of one dimension. */
static inline struct score_record
house_read_one(struct house *house, unsigned dimension, const char *value, const char *window, int64_t t_ms)
{
    struct score_record record = {0};
    struct score_scope scope = {.dimensions = 1U << dimension};

    scope.values[dimension] = slice_of(value);
    (void)scores_read(house->scores, &scope, slice_of(window), t_ms, &record);
    return record;
}

static inline struct ticket_outcome
house_ticket(const char *name, uint32_t revision, enum ticket_state state, int64_t changed_at_ms)
{
    struct ticket_outcome outcome = {.ticket = slice_of(name),
                                     .state = state,
                                     .started_at_ms = changed_at_ms,
                                     .solved_at_ms = INSTANT_NONE,
                                     .closed_at_ms = INSTANT_NONE,
                                     .source = slice_of("desk"),
                                     .changed_at_ms = changed_at_ms,
                                     .arrival = {.detected_at_ms = changed_at_ms, .revision = revision}};

    if (state == TICKET_SOLVED || state == TICKET_CLOSED) {
        outcome.solved_at_ms = changed_at_ms;
        outcome.counted = true;
    }
    return outcome;
}

static inline struct verdict_outcome
house_verdict(const char *ticket, const char *clock, uint32_t revision, enum verdict contract,
              enum verdict honest, int64_t decided_at_ms)
{
    return (struct verdict_outcome){
        .name = {slice_of(ticket), KIND_SLA, slice_of("gold"), slice_of(clock), 1},
        .verdict = contract,
        .honest = honest,
        .ended = true,
        .decided_at_ms = decided_at_ms,
        .attainment = true,
        .source = slice_of("desk"),
        .arrival = {.detected_at_ms = decided_at_ms, .revision = revision}};
}

#endif
