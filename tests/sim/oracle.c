/*
 * What was announced against what should have been.
 *
 * What: the read_committed alerts and outcomes of the run beside those of one engine that got the same
 * records at the instants at which they came into Kafka, and was never disturbed.
 *
 * Why so: the rules are those of the kill test on real brokers (tests/e2e/installation.py): outcomes equal
 * but for `arrival`; nothing fires twice; nothing is announced and stands that the other does not know; a
 * stage is missing only when its task was behind then and a higher one was announced, or its clock ended
 * meanwhile.
 *
 * Not here: what must be true on the way (witness.c).
 */
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/partitioner.h"
#include "sim.h"
#include "wire/effect.h"
#include "wire/event_read.h"
#include <string.h>

enum { ORACLE_STOPS_MAX = 16, ORACLE_TURNS_MS = 1000 };

struct oracle_alert {
    struct slice key; /* behind the struct */
    int32_t partition;
    enum alert_state last;
    bool fired; /* and not withdrawn since */
    bool twice;
    bool lagging;               /* announced though its task was behind */
    int64_t first_ms, fired_ms; /* detected: the first record, the last firing */
    int64_t effective_ms;       /* expected: of the last firing */
};
struct oracle_outcome {
    struct slice key;
    struct buffer body; /* up to arrival */
};
/* A clock's cycle: the highest stages that were announced, when it ended. */
struct oracle_clock {
    struct slice key;
    struct {
        int rank;
        int64_t found_ms;
    } stages[8];
    size_t stages_count;
    int64_t stops_ms[ORACLE_STOPS_MAX];
    size_t stops_count;
};

struct oracle {
    struct sim *sim;
    struct map *published, *expected;                   /* struct oracle_alert */
    struct map *outcomes_published, *outcomes_expected; /* struct oracle_outcome */
    struct map *clocks;                                 /* struct oracle_clock */
    struct buffer key, body;
    size_t excused_higher, excused_ended, excused_withdrawn, excused_folded, excused_besides, excused_before;
};

static struct slice
oracle_key_of(const void *value)
{
    return *(const struct slice *)value; /* the first member of each of them */
}

/* The value of this key, made of zeroes when there is none. Its first member is its key. */
static void *
oracle_get(struct map *map, struct slice key, size_t bytes)
{
    char *value = map_get(map, key);

    if (value != NULL)
        return value;
    value = memory_allocate_zeroed(1, bytes + key.bytes);
    memcpy(value + bytes, key.at, key.bytes);
    *(struct slice *)(void *)value = (struct slice){value + bytes, key.bytes};
    (void)map_put(map, value);
    return value;
}

static struct slice
oracle_clock_of(struct slice key)
{
    while (key.bytes > 0 && key.at[key.bytes - 1] != '/')
        key.bytes--;
    key.bytes -= key.bytes > 0;
    return key;
}

static int
oracle_rank(struct slice key)
{
    size_t clock = oracle_clock_of(key).bytes + 1;
    int rank = 0;

    if (slice_is((struct slice){key.at + clock, key.bytes - clock}, "breach"))
        return 1000;
    for (; clock < key.bytes; clock++)
        if (key.at[clock] >= '0' && key.at[clock] <= '9')
            rank = rank * 10 + (key.at[clock] - '0');
    return rank;
}

static void
oracle_note_alert(struct map *map, struct slice key, enum alert_state state, int64_t detected_ms,
                  int32_t partition, bool lagging)
{
    struct oracle_alert *alert = oracle_get(map, key, sizeof *alert);

    if (alert->first_ms == 0)
        alert->first_ms = detected_ms;
    alert->partition = partition;
    alert->lagging |= lagging;
    alert->last = state;
    if (state == ALERT_FIRING) {
        alert->twice |= alert->fired;
        alert->fired = true;
        alert->fired_ms = detected_ms;
    } else if (state == ALERT_WITHDRAWN)
        alert->fired = false;
}

/* The last place of this text: arrival stands at a record's end. NULL: nowhere. */
static const char *
oracle_last(struct slice record, const char *text, size_t bytes)
{
    for (size_t i = record.bytes < bytes ? 0 : record.bytes - bytes + 1; i-- > 0;)
        if (record.at[i + 2] == text[2] && memcmp(record.at + i, text, bytes) == 0)
            return record.at + i;
    return NULL;
}

/* Everything before the member `arrival`. */
static void
oracle_note_outcome(struct map *map, struct slice key, struct slice record)
{
    static const char arrival[] = ",\"arrival\":";
    const char *end = oracle_last(record, arrival, sizeof arrival - 1);
    const char *comma = memchr(record.at, ',', record.bytes);
    struct buffer name = {0};
    struct oracle_outcome *outcome;

    must(end != NULL && comma != NULL);
    buffer_append(&name, record.at, (size_t)(comma - record.at)); /* {"type":"verdict" */
    buffer_append_slice(&name, key);
    outcome = oracle_get(map, buffer_slice(&name), sizeof *outcome);
    buffer_reset(&outcome->body);
    buffer_append(&outcome->body, record.at, (size_t)(end - record.at));
    buffer_free(&name);
}

/* ---- what was published ---- */

/* The text of "name":"..."; what is looked for is told with its quotes. */
#define MEMBER(name) "\"" name "\":\""
static struct slice
oracle_member(struct slice record, const char *wanted)
{
    size_t bytes = strlen(wanted);
    const char *at = memmem(record.at, record.bytes, wanted, bytes), *end;

    must(at != NULL);
    at += bytes;
    end = memchr(at, '"', record.bytes - (size_t)(at - record.at));
    must(end != NULL);
    return (struct slice){at, (size_t)(end - at)};
}

static enum alert_state
oracle_state(struct slice word)
{
    for (int i = ALERT_FIRING; i <= ALERT_WITHDRAWN; i++)
        if (slice_is(word, alert_state_text((enum alert_state)i)))
            return (enum alert_state)i;
    panic("an alert is in no state");
}

static void
oracle_read_alerts(struct oracle *oracle)
{
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        const struct broker_record *record;
        int64_t offset = 0, detected_ms = 0;

        while ((record = broker_read(&oracle->sim->broker, TOPIC_ALERTS, p, &offset)) != NULL) {
            struct slice value = broker_value(record);
            struct oracle_clock *clock;

            if (value.at == NULL)
                continue;
            must(instant_parse(oracle_member(value, MEMBER("detected_at")), &detected_ms) == 0);
            oracle_note_alert(oracle->published, broker_key(record),
                              oracle_state(oracle_member(value, MEMBER("state"))), detected_ms, p,
                              memmem(value.at, value.bytes, "\"lagging\":true", 14) != NULL);
            clock = oracle_get(oracle->clocks, oracle_clock_of(broker_key(record)), sizeof *clock);
            if (clock->stages_count < 8) {
                clock->stages[clock->stages_count].rank = oracle_rank(broker_key(record));
                clock->stages[clock->stages_count++].found_ms = detected_ms;
            }
        }
    }
}

static bool
oracle_is_of(struct slice record, const char *beginning)
{
    size_t bytes = strlen(beginning);

    return record.bytes > bytes && memcmp(record.at, beginning, bytes) == 0;
}

static void
oracle_read_outcomes(struct oracle *oracle)
{
    const struct broker_record *record;
    int64_t offset = 0;

    while ((record = broker_read(&oracle->sim->broker, TOPIC_OUTCOMES, 0, &offset)) != NULL) {
        struct slice value = broker_value(record);

        /* samples of risk are outside the law, answers are scoring.c's */
        if (oracle_is_of(value, "{\"type\":\"verdict\"") || oracle_is_of(value, "{\"type\":\"ticket\""))
            oracle_note_outcome(oracle->outcomes_published, broker_key(record), value);
    }
}

/* ---- what should have been ---- */

static void
oracle_on_alert(void *context, const struct alert *alert)
{
    struct oracle *oracle = context;

    buffer_reset(&oracle->key);
    effect_alert_key(&oracle->key, alert);
    oracle_note_alert(oracle->expected, buffer_slice(&oracle->key), alert->state,
                      alert->arrival.detected_at_ms,
                      partitioner_partition(PARTITIONER_MURMUR2, alert->name.ticket, BROKER_KEYED), false);
    if (alert->state == ALERT_FIRING)
        ((struct oracle_alert *)map_get(oracle->expected, buffer_slice(&oracle->key)))->effective_ms =
            alert->effective_at_ms;
}

static void
oracle_note_body(struct oracle *oracle)
{
    oracle_note_outcome(oracle->outcomes_expected, buffer_slice(&oracle->key), buffer_slice(&oracle->body));
}

static void
oracle_note_stop(struct oracle_clock *clock, int64_t at_ms)
{
    if (clock->stops_count < ORACLE_STOPS_MAX)
        clock->stops_ms[clock->stops_count++] = at_ms;
}

static void
oracle_on_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct oracle *oracle = context;
    struct oracle_clock *clock;

    buffer_reset(&oracle->key);
    buffer_reset(&oracle->body);
    effect_verdict_key(&oracle->key, outcome);
    effect_print_verdict(&oracle->body, outcome);
    oracle_note_body(oracle);
    clock = oracle_get(oracle->clocks, buffer_slice(&oracle->key), sizeof *clock);
    if (outcome->figures.stopped_at_ms == INSTANT_NONE)
        return;
    oracle_note_stop(clock, outcome->figures.stopped_at_ms);
    oracle_note_stop(clock, outcome->arrival.detected_at_ms); /* late proof: that is when it was known */
}

static void
oracle_on_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct oracle *oracle = context;

    buffer_reset(&oracle->key);
    buffer_reset(&oracle->body);
    effect_ticket_key(&oracle->key, outcome);
    effect_print_ticket(&oracle->body, outcome);
    oracle_note_body(oracle);
}

/* The next record of tickets over all partitions, as it came into Kafka. */
static const struct load_event *
oracle_next(const struct load *load, size_t next[BROKER_PARTITIONS])
{
    const struct load_event *first = NULL;

    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        while (next[p] < load->sent && (load->events[next[p]].partition != p || load->events[next[p]].lost))
            next[p]++;
        if (next[p] < load->sent && (first == NULL || load->events[next[p]].sent_ms < first->sent_ms))
            first = &load->events[next[p]];
    }
    if (first != NULL)
        next[first->partition]++;
    return first;
}

static void
oracle_replay(struct oracle *oracle)
{
    struct sim *sim = oracle->sim;
    const struct config *config = sim->ground->configs[0];
    const struct engine_options options = {
        .symbols = sim->ground->symbols,
        .sink = {.context = oracle,
                 .alert = oracle_on_alert,
                 .verdict = oracle_on_verdict,
                 .ticket = oracle_on_ticket},
        .late_after_ms = config->late_after_ms,
        .retire_after_ms = config->retire_after_ms,
        .retirement_mark_ms = config->retirement_mark_ms,
        .alerts_from_ms = SIM_START_MS,
        .allowed_skew_ms = config->allowed_skew_ms,
        .accept_age_ms = config->accept_age_ms,
        .hot_tickets_max = (size_t)config->hot_tickets,
        .history_max = (size_t)config->history_max,
        .loop_relays = true,
        .stepwise = true,
    };
    struct engine *engine = engine_new(&options, sim->ground->policies);
    size_t next[BROKER_PARTITIONS] = {0};
    const struct load_event *told;
    char detail[EVENT_DETAIL_BYTES];
    struct event event;

    while ((told = oracle_next(&sim->load, next)) != NULL) {
        struct slice value = slice_of(told->json);

        if (told->poison ||
            event_read(sim->ground->reader, value, NULL, EVENT_TOPIC_TICKETS, &event, detail) != ERROR_NONE)
            continue;
        while (engine_advance(engine, told->sent_ms, ENGINE_BEFORE, 1000))
            ;
        (void)engine_event(engine, &event, told->sent_ms);
    }
    while (engine_advance(engine, sim->now_ms, ENGINE_THROUGH, 1000))
        ;
    engine_free(engine);
}

/* ---- the comparison ---- */

/* With --verbose: everything of the ticket that the key begins with. */
static void
oracle_tell(struct oracle *oracle, struct slice key)
{
    const struct sim *sim = oracle->sim;
    const char *slash = memchr(key.at, '/', key.bytes);
    size_t bytes = slash != NULL ? (size_t)(slash - key.at) : key.bytes;
    struct slice ticket = {key.at, bytes};

    if (!sim->ground->verbose)
        return;
    for (size_t i = 0; i < sim->load.sent; i++) {
        const struct load_event *event = &sim->load.events[i];

        if (slice_equal(slice_of(event->ticket), ticket))
            sim_tell(sim, "[%d] %lld of life %d at +%lld%s: %s", (int)event->partition,
                     (long long)event->offset, event->life, (long long)(event->sent_ms - SIM_START_MS),
                     event->lost ? " (lost)" : "", event->json);
    }
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        const struct broker_record *record;
        int64_t offset = 0;

        while ((record = broker_read(&sim->broker, TOPIC_ALERTS, p, &offset)) != NULL) {
            struct slice found = broker_key(record);

            if (found.bytes > bytes && memcmp(found.at, ticket.at, bytes) == 0 && found.at[bytes] == '/')
                sim_tell(sim, "[%d] at +%lld: %.*s", (int)p, (long long)(record->timestamp_ms - SIM_START_MS),
                         (int)broker_value(record).bytes, broker_value(record).at);
        }
    }
    for (size_t i = 0; i < sim->witness.behinds_count; i++)
        sim_tell(sim, "task %d was behind from +%lld to +%lld", (int)sim->witness.behinds[i].partition,
                 (long long)(sim->witness.behinds[i].from_ms - SIM_START_MS),
                 (long long)(sim->witness.behinds[i].until_ms - SIM_START_MS));
}

/* Its life has no end: what would have ended it was deleted before anybody read it. */
static bool
oracle_has_lost(const struct oracle *oracle, struct slice ticket)
{
    const struct load *load = &oracle->sim->load;

    for (size_t i = 0; i < load->sent && oracle->sim->mishap.happened; i++)
        if (load->events[i].lost && slice_equal(slice_of(load->events[i].ticket), ticket))
            return true;
    return false;
}

/* Somebody said fresh, and what was before is forgotten; or what was corrected later was told too late. */
static bool
oracle_is_forgotten(const struct oracle *oracle, const struct oracle_outcome *outcome)
{
    struct slice ticket = oracle_member(buffer_slice(&outcome->body), MEMBER("ticket"));

    return oracle_has_lost(oracle, ticket) ||
           oracle->sim->mishap.fresh[partitioner_partition(PARTITIONER_MURMUR2, ticket, BROKER_KEYED)];
}

static void
oracle_compare_outcomes(struct oracle *oracle)
{
    size_t cursor = 0;
    const struct oracle_outcome *expected, *published;

    while ((expected = map_each(oracle->outcomes_expected, &cursor)) != NULL) {
        if (oracle_is_forgotten(oracle, expected))
            continue;
        published = map_get(oracle->outcomes_published, expected->key);
        if (published == NULL || !slice_equal(buffer_slice(&expected->body), buffer_slice(&published->body)))
            oracle_tell(oracle, oracle_member(buffer_slice(&expected->body), MEMBER("ticket")));
        if (published == NULL)
            sim_fail(oracle->sim, "an outcome was never published: %.*s", (int)expected->key.bytes,
                     expected->key.at);
        if (!slice_equal(buffer_slice(&expected->body), buffer_slice(&published->body)))
            sim_fail(oracle->sim, "an outcome differs:\n  published %.*s\n  expected  %.*s",
                     (int)published->body.bytes, published->body.at, (int)expected->body.bytes,
                     expected->body.at);
    }
    cursor = 0;
    while ((published = map_each(oracle->outcomes_published, &cursor)) != NULL)
        if (!oracle_is_forgotten(oracle, published) &&
            map_get(oracle->outcomes_expected, published->key) == NULL)
            sim_fail(oracle->sim, "an outcome was published that nobody expected: %.*s",
                     (int)published->key.bytes, published->key.at);
}

static bool
oracle_is_over(enum alert_state state)
{
    return state == ALERT_RESOLVED || state == ALERT_WITHDRAWN;
}

/* A record of its ticket lay in Kafka when it was announced, but not for long: it was on its way. */
static bool
oracle_was_on_the_way(const struct oracle *oracle, const struct oracle_alert *published)
{
    const struct load *load = &oracle->sim->load;
    size_t bytes =
        (size_t)((const char *)memchr(published->key.at, '/', published->key.bytes) - published->key.at);
    struct slice ticket = {published->key.at, bytes};

    for (size_t i = 0; i < load->sent; i++)
        if (load->events[i].sent_ms <= published->fired_ms &&
            load->events[i].sent_ms > published->fired_ms - 2 * SOURCE_BEHIND_MS &&
            slice_equal(slice_of(load->events[i].ticket), ticket))
            return true;
    return false;
}

/* Its process's timers were frozen then: its time stood still while records came. */
static bool
oracle_was_frozen(const struct oracle *oracle, const struct oracle_alert *published)
{
    const struct witness *witness = &oracle->sim->witness;

    for (size_t i = 0; i < witness->frozen_clocks_count; i++)
        if (witness->frozen_clocks[i].partition == published->partition &&
            published->fired_ms >= witness->frozen_clocks[i].from_ms &&
            published->fired_ms <= witness->frozen_clocks[i].until_ms)
            return true;
    return false;
}

static struct slice
oracle_ticket(struct slice key)
{
    return (struct slice){key.at, (size_t)((const char *)memchr(key.at, '/', key.bytes) - key.at)};
}

static void
oracle_check_published(struct oracle *oracle, const struct oracle_alert *published)
{
    const struct oracle_alert *expected = map_get(oracle->expected, published->key);

    bool differs = expected != NULL && oracle_is_over(published->last) != oracle_is_over(expected->last) &&
                   !oracle_has_lost(oracle, oracle_ticket(published->key));
    bool stands = expected == NULL && !oracle_has_lost(oracle, oracle_ticket(published->key)) &&
                  !(oracle_is_over(published->last) &&
                    (published->lagging || oracle_was_on_the_way(oracle, published) ||
                     oracle_was_frozen(oracle, published)));

    if (published->twice || stands || differs)
        oracle_tell(oracle, published->key);
    if (published->twice)
        sim_fail(oracle->sim, "%.*s fired twice", (int)published->key.bytes, published->key.at);
    if (stands)
        sim_fail(oracle->sim, "%.*s was announced (and %s), and nobody expected it",
                 (int)published->key.bytes, published->key.at, alert_state_text(published->last));
    if (expected == NULL)
        oracle->excused_besides++;
    else if (differs)
        sim_fail(oracle->sim, "%.*s ends %s, expected %s", (int)published->key.bytes, published->key.at,
                 alert_state_text(published->last), alert_state_text(expected->last));
}

/* How long it went on: what begins where another ends (it was handed over, it died) is one interval. */
static int64_t
oracle_behind_until(const struct witness *witness, int32_t partition, int64_t until_ms)
{
    int64_t before_ms;

    do {
        before_ms = until_ms;
        for (size_t i = 0; i < witness->behinds_count; i++)
            if (witness->behinds[i].partition == partition && witness->behinds[i].from_ms <= until_ms &&
                witness->behinds[i].until_ms > until_ms)
                until_ms = witness->behinds[i].until_ms;
    } while (until_ms > before_ms);
    return until_ms;
}

/* Whether the task was behind at an instant; then, whether the clock ended in that interval. */
static bool
oracle_was_behind(const struct oracle *oracle, const struct oracle_alert *expected,
                  const struct oracle_clock *clock, bool *ret_ended)
{
    const struct witness *witness = &oracle->sim->witness;
    bool behind = false;

    for (size_t i = 0; i < witness->behinds_count; i++) {
        const struct witness_behind *at = &witness->behinds[i];
        int64_t until_ms;

        /* timers that T had passed, but that had not had their turn, are from a little before */
        if (at->partition != expected->partition || expected->fired_ms < at->from_ms - ORACLE_TURNS_MS ||
            expected->fired_ms > at->until_ms)
            continue;
        behind = true;
        until_ms = oracle_behind_until(witness, at->partition, at->until_ms);
        for (size_t k = 0; clock != NULL && k < clock->stops_count; k++)
            *ret_ended |= clock->stops_ms[k] >= at->from_ms && clock->stops_ms[k] <= until_ms;
    }
    return behind;
}

static void
oracle_check_missing(struct oracle *oracle, const struct oracle_alert *expected)
{
    const struct oracle_clock *clock = map_get(oracle->clocks, oracle_clock_of(expected->key));
    bool higher = false, soon = false, ended = false, behind;

    if (expected->last == ALERT_WITHDRAWN) {
        oracle->excused_withdrawn++;
        return;
    }
    if (expected->effective_ms < oracle->sim->witness.alerts_from_ms[expected->partition]) {
        oracle->excused_before++; /* it is true from before the first epoch on, whenever that was known */
        return;
    }
    for (size_t i = 0; clock != NULL && i < clock->stages_count; i++)
        if (clock->stages[i].rank > oracle_rank(expected->key)) {
            higher = true;
            soon |= clock->stages[i].found_ms - expected->fired_ms < SOURCE_BEHIND_MS;
        }
    behind = oracle_was_behind(oracle, expected, clock, &ended);
    if (behind && higher)
        oracle->excused_higher++;
    else if (behind && ended)
        oracle->excused_ended++;
    else if (soon)
        oracle->excused_folded++;
    else {
        oracle_tell(oracle, expected->key);
        sim_fail(oracle->sim, "%.*s (known from +%lld ms, task %d) was never announced%s",
                 (int)expected->key.bytes, expected->key.at, (long long)(expected->fired_ms - SIM_START_MS),
                 (int)expected->partition, behind ? ": behind then, but still true afterwards" : "");
    }
}

static void
oracle_drop(struct map *map, bool outcomes)
{
    size_t cursor = 0;
    void *value;

    while ((value = map_each(map, &cursor)) != NULL) {
        if (outcomes)
            buffer_free(&((struct oracle_outcome *)value)->body);
        memory_free(value);
    }
    map_free(map);
}

void
oracle_compare(struct sim *sim)
{
    struct oracle oracle = {
        .sim = sim,
        .published = map_new(oracle_key_of, 1),
        .expected = map_new(oracle_key_of, 1),
        .outcomes_published = map_new(oracle_key_of, 1),
        .outcomes_expected = map_new(oracle_key_of, 1),
        .clocks = map_new(oracle_key_of, 1),
    };
    size_t cursor = 0;
    const struct oracle_alert *alert;

    for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
        witness_end(&sim->witness, p);
    oracle_read_alerts(&oracle);
    oracle_read_outcomes(&oracle);
    oracle_replay(&oracle);
    oracle_compare_outcomes(&oracle);
    while ((alert = map_each(oracle.published, &cursor)) != NULL)
        if (!sim->mishap.fresh[alert->partition])
            oracle_check_published(&oracle, alert);
    cursor = 0;
    while ((alert = map_each(oracle.expected, &cursor)) != NULL)
        if (map_get(oracle.published, alert->key) == NULL && !sim->mishap.fresh[alert->partition])
            oracle_check_missing(&oracle, alert);
    sim->ground->announced += map_count(oracle.published);
    sim->ground->expected += map_count(oracle.expected);
    sim->ground->excused[0] += oracle.excused_higher;
    sim->ground->excused[1] += oracle.excused_ended;
    sim->ground->excused[2] += oracle.excused_withdrawn;
    sim->ground->excused[3] += oracle.excused_folded;
    sim->ground->excused[4] += oracle.excused_besides;
    sim->ground->excused[5] += oracle.excused_before;
    oracle_drop(oracle.published, false);
    oracle_drop(oracle.expected, false);
    oracle_drop(oracle.outcomes_published, true);
    oracle_drop(oracle.outcomes_expected, true);
    oracle_drop(oracle.clocks, false);
    buffer_free(&oracle.key);
    buffer_free(&oracle.body);
}
