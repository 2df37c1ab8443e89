/*
 * What: printing the `open` record, whole or for one customer's eyes, and reading it back.
 *
 * Why this way: it is written once a second a task and read by the board as it is, so it is printed straight
 * from what the engine answers, without a tree.
 *
 * Always true: one JSON object, keys in this order; a paused clock's due_at is null; lengths are
 * milliseconds.
 *
 * Not here: when it is published, and the order of the clocks (the engine's).
 */
#include "wire/open_json.h"
#include "base/instant.h"
#include "base/memory.h"
#include "wire/print.h"
#include "wire/told_json.h"
#include <inttypes.h>
#include <stdio.h>

static void
print_number(struct buffer *out, const char *key, int64_t value)
{
    print_key(out, key);
    buffer_append_int64(out, value);
}

static void
print_counts(struct buffer *out, const struct open_counts *counts)
{
    buffer_append_byte(out, '{');
    print_number(out, "open", (int64_t)counts->open);
    print_number(out, "waiting", (int64_t)counts->waiting);
    print_number(out, "solved", (int64_t)counts->solved);
    print_number(out, "breached_open", (int64_t)counts->breached_open);
    print_number(out, "paused", (int64_t)counts->paused);
    buffer_append_byte(out, '}');
}

static void
print_named(struct buffer *out, const char *key, struct slice text)
{
    print_key(out, key);
    print_text_or_null(out, text);
}

static void
print_clock(struct buffer *out, const struct open_clock *clock)
{
    print_named(out, "ticket", clock->name.ticket);
    print_named(out, "kind", slice_of(clock_kind_text(clock->name.kind)));
    print_named(out, "clock", clock->name.clock);
    print_number(out, "cycle", clock->name.cycle);
    print_named(out, "agreement", clock->name.agreement);
    print_named(out, "state", slice_of(clock_state_text(clock->state)));
    print_key(out, "due_at");
    print_instant(out, clock->due_at_ms);
    print_number(out, "target_ms", clock->target_ms);
    print_number(out, "elapsed_ms", clock->elapsed_ms);
    print_named(out, "turn", slice_of(party_text(clock->turn)));
    print_named(out, "customer", clock->customer);
    print_named(out, "service", clock->service);
    print_named(out, "priority", clock->priority);
    print_named(out, "group", clock->group);
    if (clock->has_told) {
        print_key(out, "risk");
        told_json_permille(out, clock->told.forecast.p_permille);
        print_key(out, "foresight");
        told_json_print(out, &clock->told);
    }
}

void
open_json_print_clock(struct buffer *out, const struct open_record *record, const struct open_clock *clock)
{
    print_comma(out);
    buffer_append_byte(out, '{');
    print_clock(out, clock);
    print_number(out, "task", record->task);
    print_key(out, "at");
    print_instant(out, record->at_ms);
    buffer_append_byte(out, '}');
}

/* customer at NULL: everything. */
static void
print_record(struct buffer *out, const struct open_record *record, struct slice customer)
{
    bool all = customer.at == NULL;

    buffer_append_byte(out, '{');
    print_named(out, "type", slice_of("open"));
    print_number(out, "task", record->task);
    print_key(out, "at");
    print_instant(out, record->at_ms);
    print_named(out, "instance", record->instance);
    print_named(out, "api", record->api);
    print_key(out, "behind");
    print_bool(out, record->behind);
    print_number(out, "lag", all ? record->lag_records : record->lag_records > 0);
    print_number(out, "lag_ms", record->lag_ms);
    print_key(out, "counts");
    if (all)
        print_counts(out, &record->counts);
    else
        buffer_append_text(out, "null");
    print_key(out, "clocks");
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < record->clocks_count; i++) {
        if (!all && !slice_equal(record->clocks[i].customer, customer))
            continue;
        print_comma(out);
        buffer_append_byte(out, '{');
        print_clock(out, &record->clocks[i]);
        buffer_append_byte(out, '}');
    }
    buffer_append_text(out, "]}");
}

void
open_json_print(struct buffer *out, const struct open_record *record)
{
    print_record(out, record, (struct slice){NULL, 0});
}

void
open_json_print_for(struct buffer *out, const struct open_record *record, struct slice customer)
{
    print_record(out, record, customer);
}

/* ---- reading ---- */

static const struct cJSON *
member_of(const struct cJSON *object, const char *key)
{
    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), key))
            return member;
    return NULL;
}

/* Copies a text behind *end. at NULL: it is not there. */
static struct slice
read_text(const struct cJSON *object, const char *key, char **end)
{
    const struct cJSON *member = member_of(object, key);
    struct slice text;

    if (member == NULL || !json_is_text(member))
        return (struct slice){NULL, 0};
    text = json_text(member);
    memcpy(*end, text.at, text.bytes);
    *end += text.bytes;
    return (struct slice){*end - text.bytes, text.bytes};
}

static int64_t
read_number(const struct json *json, const struct cJSON *object, const char *key)
{
    const struct cJSON *member = member_of(object, key);
    int64_t value = 0;

    if (member != NULL && json_is_number(member))
        (void)!json_integer(json, member, &value);
    return value;
}

static int64_t
read_instant(const struct cJSON *object, const char *key)
{
    const struct cJSON *member = member_of(object, key);
    int64_t at_ms = INSTANT_NONE;

    if (member != NULL && json_is_text(member))
        (void)!instant_parse(json_text(member), &at_ms);
    return at_ms;
}

/* The number of a word; count: it is none of them. */
static int
read_word(const struct cJSON *object, const char *key, const char *(*text_of)(int), int count)
{
    const struct cJSON *member = member_of(object, key);
    int word = 0;

    if (member == NULL || !json_is_text(member))
        return count;
    while (word < count && !slice_is(json_text(member), text_of(word)))
        word++;
    return word;
}

static const char *
kind_of(int word)
{
    return clock_kind_text((enum clock_kind)word);
}

static const char *
state_of(int word)
{
    return clock_state_text((enum clock_state)word);
}

static const char *
turn_of(int word)
{
    return party_text((enum party)word);
}

/* "0.93" is 930; -1: it is not there, or no share. */
static int
read_permille(const struct json *json, const struct cJSON *object, const char *key)
{
    const struct cJSON *member = member_of(object, key);
    struct slice text =
        member != NULL && json_is_number(member) ? json_number(json, member) : (struct slice){NULL, 0};
    int permille = 0, unit = 100;

    if (text.bytes == 0 || (text.at[0] != '0' && text.at[0] != '1') || (text.bytes > 1 && text.at[1] != '.'))
        return -1;
    permille = (text.at[0] - '0') * 1000;
    for (size_t i = 2; i < text.bytes; i++, unit /= 10) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        permille += (text.at[i] - '0') * unit;
    }
    return permille <= 1000 ? permille : -1;
}

static const char *
confidence_of(int word)
{
    return foresight_confidence_text((enum foresight_confidence)word);
}

/* But for the reasons. */
static void
read_told(const struct json *json, const struct cJSON *object, struct open_clock *clock)
{
    static const struct foresight_contexts none;
    const struct cJSON *foresight = member_of(object, "foresight");
    int permille = read_permille(json, object, "risk"), confidence;

    if (permille < 0 || foresight == NULL || !json_is_object(foresight))
        return;
    confidence = read_word(foresight, "confidence", confidence_of, FORESIGHT_UNCALIBRATED + 1);
    if (confidence > FORESIGHT_UNCALIBRATED)
        return;
    clock->has_told = true;
    clock->told = (struct foresight_told){
        .forecast = {.p_permille = permille,
                     .confidence = (enum foresight_confidence)confidence,
                     .model = (uint64_t)read_number(json, foresight, "model")},
        .contexts = &none,
        .finish_p50_at_ms = read_instant(foresight, "finish_p50"),
        .finish_p90_at_ms = read_instant(foresight, "finish_p90"),
    };
}

static bool
read_clock(const struct json *json, const struct cJSON *object, char **end, struct open_clock *clock)
{
    int kind = read_word(object, "kind", kind_of, KIND_UC + 1);
    int state = read_word(object, "state", state_of, CLOCK_UNANSWERED + 1);
    int turn = read_word(object, "turn", turn_of, PARTIES_COUNT);

    if (kind > KIND_UC || state > CLOCK_UNANSWERED || turn == PARTIES_COUNT)
        return false;
    *clock = (struct open_clock){
        .name = {.ticket = read_text(object, "ticket", end),
                 .kind = (enum clock_kind)kind,
                 .agreement = read_text(object, "agreement", end),
                 .clock = read_text(object, "clock", end),
                 .cycle = (uint32_t)read_number(json, object, "cycle")},
        .state = (enum clock_state)state,
        .due_at_ms = read_instant(object, "due_at"),
        .target_ms = read_number(json, object, "target_ms"),
        .elapsed_ms = read_number(json, object, "elapsed_ms"),
        .turn = (enum party)turn,
        .customer = read_text(object, "customer", end),
        .service = read_text(object, "service", end),
        .priority = read_text(object, "priority", end),
        .group = read_text(object, "group", end),
    };
    read_told(json, object, clock);
    return clock->name.ticket.at != NULL && clock->name.agreement.at != NULL && clock->name.clock.at != NULL;
}

/* Texts of an object and of what is in it. */
static size_t
texts_bytes(const struct cJSON *value)
{
    size_t bytes = 0;

    for (const struct cJSON *member = value->child; member != NULL; member = member->next)
        bytes += json_is_text(member)                             ? json_text(member).bytes
                 : json_is_object(member) || json_is_list(member) ? texts_bytes(member)
                                                                  : 0;
    return bytes;
}

struct open_record *
open_json_read(const struct json *json, const struct cJSON *object)
{
    const struct cJSON *list = member_of(object, "clocks"), *type = member_of(object, "type"),
                       *behind = member_of(object, "behind");
    struct open_record *record;
    struct open_clock *clocks;
    size_t count = 0;
    char *end;

    if (type == NULL || !json_is_text(type) || !slice_is(json_text(type), "open") || list == NULL ||
        !json_is_list(list))
        return NULL;
    for (const struct cJSON *clock = list->child; clock != NULL; clock = clock->next)
        count++;
    record = memory_allocate_zeroed(1, sizeof *record + count * sizeof *clocks + texts_bytes(object));
    clocks = (struct open_clock *)(record + 1);
    end = (char *)(clocks + count);
    *record = (struct open_record){
        .task = read_number(json, object, "task"),
        .at_ms = read_instant(object, "at"),
        .instance = read_text(object, "instance", &end),
        .api = read_text(object, "api", &end),
        .behind = behind != NULL && json_is_true(behind),
        .lag_records = read_number(json, object, "lag"),
        .lag_ms = read_number(json, object, "lag_ms"),
        .clocks = clocks,
    };
    for (const struct cJSON *clock = list->child; clock != NULL; clock = clock->next)
        record->clocks_count +=
            json_is_object(clock) && read_clock(json, clock, &end, &clocks[record->clocks_count]);
    return record;
}

void
open_json_key(int64_t task, char ret_key[OPEN_JSON_KEY_BYTES])
{
    snprintf(ret_key, OPEN_JSON_KEY_BYTES, "open/%" PRId64, task);
}
