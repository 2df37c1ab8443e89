/*
 * What: the decoder of events, and every refusal that needs nothing but the event itself.
 *
 * Why this way: one walk over the object with one table look-up a key, for asking cJSON for thirty keys costs
 * as much as parsing. The fields are rows of a table: a new plain text is one row. Required fields and
 * agreements between fields are judged after the walk, so the order of keys never matters.
 *
 * Always true: an event that passes has a type of its topic, an instant, an id, and what its type requires;
 * every text in it is well-formed UTF-8 of at most EVENT_TEXT_BYTES_MAX bytes; into is never the ticket
 * itself; created_at is never after the event. A missing actor stays missing (R7: it is told from the
 * ticket).
 *
 * Not here: JSON itself (json.c), statuses, scales, keys and partitions, duplicates, the time allowed.
 */
#include "wire/event_read.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "wire/json.h"
#include <stdio.h>

enum field_kind {
    FIELD_TEXT,      /* text or null, into a slice of struct event */
    FIELD_KEY,       /* the same, and as long as an alert's key may be */
    FIELD_ATTRIBUTE, /* text or null, remembered as present */
    FIELD_FLAG,      /* true, false or null, into an enum event_flag */
    FIELD_TYPE,
    FIELD_TIME,
    FIELD_CREATED_AT,
    FIELD_ARRIVED_AT,
    FIELD_SEQ,
    FIELD_ACTOR,
    FIELD_HANDLED_BY,
    FIELD_WAITING_ON,
    FIELD_FEEDBACK,
    FIELD_SPECVERSION
};

struct field {
    const char *key;
    enum field_kind kind;
    uint32_t where; /* offset in struct event, or enum attribute */
};

#define TEXT_FIELD(name)                                                                                     \
    {                                                                                                        \
#name, FIELD_TEXT, offsetof(struct event, name)                                                      \
    }

static const struct field fields[] = {
    {"type", FIELD_TYPE, 0},
    {"time", FIELD_TIME, 0},
    TEXT_FIELD(id),
    TEXT_FIELD(source),
    {"seq", FIELD_SEQ, 0},
    TEXT_FIELD(ticket),
    {"customer", FIELD_ATTRIBUTE, ATTRIBUTE_CUSTOMER},
    {"contract", FIELD_ATTRIBUTE, ATTRIBUTE_CONTRACT},
    {"service", FIELD_ATTRIBUTE, ATTRIBUTE_SERVICE},
    {"category", FIELD_ATTRIBUTE, ATTRIBUTE_CATEGORY},
    {"priority", FIELD_ATTRIBUTE, ATTRIBUTE_PRIORITY},
    {"group", FIELD_ATTRIBUTE, ATTRIBUTE_GROUP},
    {"user_group", FIELD_ATTRIBUTE, ATTRIBUTE_USER_GROUP},
    {"channel", FIELD_ATTRIBUTE, ATTRIBUTE_CHANNEL},
    {"requester", FIELD_ATTRIBUTE, ATTRIBUTE_REQUESTER},
    {"assignee", FIELD_ATTRIBUTE, ATTRIBUTE_ASSIGNEE},
    {"status", FIELD_ATTRIBUTE, ATTRIBUTE_STATUS},
    {"actor", FIELD_ACTOR, 0},
    TEXT_FIELD(by),
    {"public", FIELD_FLAG, offsetof(struct event, is_public)},
    {"canned", FIELD_FLAG, offsetof(struct event, canned)},
    {"handled_by", FIELD_HANDLED_BY, 0},
    {"waiting_on", FIELD_WAITING_ON, 0},
    {"created_at", FIELD_CREATED_AT, 0},
    {"arrived_at", FIELD_ARRIVED_AT, 0},
    TEXT_FIELD(into),
    TEXT_FIELD(clock),
    TEXT_FIELD(reason),
    {"alert", FIELD_KEY, offsetof(struct event, alert)},
    TEXT_FIELD(to),
    {"feedback", FIELD_FEEDBACK, 0},
    {"specversion", FIELD_SPECVERSION, 0},
};

enum { FIELDS_COUNT = sizeof fields / sizeof fields[0], SLOTS_COUNT = 128, LOST_MINUTES_MAX = 10000000 };

struct event_reader {
    struct json *json;
    struct {
        const struct field *field;
        size_t key_bytes;
    } slots[SLOTS_COUNT];
    struct feedback_aspect aspects[EVENT_ASPECTS_MAX];
    char hash_text[33];
    bool has_type, has_time, has_arrived_at;
    bool expects_envelope; /* a specversion in this object makes it one */
    bool is_envelope;
    int64_t arrived_at_ms;
    const struct cJSON *feedback;
    char *detail; /* of the present call */
};

/* ---- the reader ---- */

/* Where a key of the table lies, and no other: event_reader_new checks it. */
static size_t
slot_of(struct slice key)
{
    unsigned first, middle;

    if (key.bytes == 0)
        return 0;
    first = (unsigned char)key.at[0];
    middle = (unsigned char)key.at[key.bytes / 2];
    return (key.bytes + first + middle * 7U) % SLOTS_COUNT;
}

struct event_reader *
event_reader_new(void)
{
    struct event_reader *reader = memory_allocate_zeroed(1, sizeof *reader);

    reader->json = json_new();
    for (size_t i = 0; i < FIELDS_COUNT; i++) {
        struct slice key = slice_of(fields[i].key);
        size_t slot = slot_of(key);

        must(reader->slots[slot].field == NULL); /* a new key collides: choose other factors in slot_of */
        reader->slots[slot].field = &fields[i];
        reader->slots[slot].key_bytes = key.bytes;
    }
    return reader;
}

void
event_reader_free(struct event_reader *reader)
{
    if (reader == NULL)
        return;
    json_free(reader->json);
    memory_free(reader);
}

size_t
event_reader_bytes(const struct event_reader *reader)
{
    return sizeof *reader + json_bytes(reader->json);
}

/* memcmp for keys of a few bytes, without the call: the first and the last word, which may overlap. */
static inline bool
same_bytes(const char *a, const char *b, size_t bytes)
{
    uint64_t a8, b8, a8_last, b8_last;
    uint32_t a4, b4, a4_last, b4_last;

    if (bytes > 16)
        return memcmp(a, b, bytes) == 0;
    if (bytes >= 8) {
        memcpy(&a8, a, 8), memcpy(&b8, b, 8);
        memcpy(&a8_last, a + bytes - 8, 8), memcpy(&b8_last, b + bytes - 8, 8);
        return ((a8 ^ b8) | (a8_last ^ b8_last)) == 0;
    }
    if (bytes >= 4) {
        memcpy(&a4, a, 4), memcpy(&b4, b, 4);
        memcpy(&a4_last, a + bytes - 4, 4), memcpy(&b4_last, b + bytes - 4, 4);
        return ((a4 ^ b4) | (a4_last ^ b4_last)) == 0;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

static inline const struct field *
field_of(const struct event_reader *reader, struct slice key)
{
    size_t slot = slot_of(key);
    const struct field *field = reader->slots[slot].field;

    if (field == NULL || reader->slots[slot].key_bytes != key.bytes ||
        !same_bytes(field->key, key.at, key.bytes))
        return NULL;
    return field;
}

/* ---- what is wrong ---- */

/* Strangers' text in a message: bounded, quoted, printable ASCII. */
static const char *
shown(struct slice text, char out[48])
{
    size_t bytes = 0;

    out[bytes++] = '"';
    for (size_t i = 0; i < text.bytes && bytes < 41; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        out[bytes++] = byte < 0x20 || byte >= 0x7f || byte == '"' ? '?' : (char)byte;
    }
    memcpy(out + bytes, bytes == 41 ? "...\"" : "\"", bytes == 41 ? 5 : 2);
    return out;
}

static enum error_code
found_kind(struct event_reader *reader, const char *key, const char *expected, const struct cJSON *value)
{
    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: expected %s, found %s at byte %zu", key, expected,
                   json_kind_text(value), json_offset(reader->json, value));
    return ERROR_WRONG_TYPE;
}

static enum error_code
found_text(struct event_reader *reader, enum error_code error, const char *key, const char *expected,
           const struct cJSON *value)
{
    char out[48];

    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: expected %s, found %s at byte %zu", key, expected,
                   shown(json_text(value), out), json_offset(reader->json, value));
    return error;
}

static enum error_code
found_number(struct event_reader *reader, const char *key, const char *expected, const struct cJSON *value)
{
    struct slice number = json_number(reader->json, value);

    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: expected %s, found %.*s at byte %zu", key,
                   expected, (int)number.bytes, number.at, json_offset(reader->json, value));
    return ERROR_NUMBER_OUT_OF_RANGE;
}

static enum error_code
found_long_text(struct event_reader *reader, const char *key, size_t bytes_max, size_t bytes)
{
    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: expected at most %zu bytes, found %zu", key,
                   bytes_max, bytes);
    return ERROR_TOO_LARGE;
}

static enum error_code
missing(struct event_reader *reader, const char *what)
{
    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: required, but it is not there", what);
    return ERROR_MISSING_FIELD;
}

/* ---- values ---- */

/* Text of at most bytes_max, or null (at NULL). */
static enum error_code
read_bounded(struct event_reader *reader, const char *key, const struct cJSON *value, size_t bytes_max,
             struct slice *ret_text)
{
    if (json_is_text(value)) {
        *ret_text = json_text(value);
        return ret_text->bytes <= bytes_max ? ERROR_NONE
                                            : found_long_text(reader, key, bytes_max, ret_text->bytes);
    }
    *ret_text = (struct slice){NULL, 0};
    return json_is_null(value) ? ERROR_NONE : found_kind(reader, key, "text or null", value);
}

static enum error_code
read_text(struct event_reader *reader, const char *key, const struct cJSON *value, struct slice *ret_text)
{
    return read_bounded(reader, key, value, EVENT_TEXT_BYTES_MAX, ret_text);
}

/* An instant, or null: *ret_there says which. */
static enum error_code
read_instant(struct event_reader *reader, const char *key, const struct cJSON *value, bool *ret_there,
             int64_t *ret_at_ms)
{
    *ret_there = false;
    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_text(value))
        return found_kind(reader, key, "an RFC 3339 instant", value);
    if (instant_parse(json_text(value), ret_at_ms) != 0)
        return found_text(reader, ERROR_BAD_TIME, key, "an RFC 3339 instant", value);
    *ret_there = true;
    return ERROR_NONE;
}

/* An integer within low..high, or null. expected says so in words. */
static enum error_code
read_integer(struct event_reader *reader, const char *key, const struct cJSON *value, int64_t low,
             int64_t high, const char *expected, bool *ret_there, int64_t *ret_integer)
{
    *ret_there = false;
    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_number(value))
        return found_kind(reader, key, expected, value);
    if (json_integer(reader->json, value, ret_integer) != 0 || *ret_integer < low || *ret_integer > high)
        return found_number(reader, key, expected, value);
    *ret_there = true;
    return ERROR_NONE;
}

static enum error_code
read_flag(struct event_reader *reader, const char *key, const struct cJSON *value, enum event_flag *ret_flag)
{
    *ret_flag = EVENT_FLAG_MISSING;
    if (json_is_bool(value))
        *ret_flag = json_is_true(value) ? EVENT_FLAG_TRUE : EVENT_FLAG_FALSE;
    else if (!json_is_null(value))
        return found_kind(reader, key, "true, false or null", value);
    return ERROR_NONE;
}

static enum error_code
type_of_text(struct event_reader *reader, struct slice text, enum event_type *ret_type)
{
    static const struct slice names[EVENT_TYPES_COUNT] = {
#define EVENT(NAME, name, topic) {name, sizeof name - 1},
#include "slad/events.def"
#undef EVENT
    };
    char out[48];

    for (int type = 0; type < EVENT_TYPES_COUNT; type++) {
        if (slice_equal(text, names[type])) {
            *ret_type = (enum event_type)type;
            reader->has_type = true;
            return ERROR_NONE;
        }
    }
    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "type: no event type is called %s", shown(text, out));
    return ERROR_UNKNOWN_TYPE;
}

static enum error_code
read_type(struct event_reader *reader, const struct cJSON *value, struct event *event)
{
    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_text(value))
        return found_kind(reader, "type", "text", value);
    return type_of_text(reader, json_text(value), &event->type);
}

static enum error_code
read_actor(struct event_reader *reader, const struct cJSON *value, enum actor *ret_actor)
{
    static const char expected[] = "requester, customer, agent, supplier, bot or system";

    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_text(value))
        return found_kind(reader, "actor", expected, value);
    for (int actor = ACTOR_REQUESTER; actor <= ACTOR_SYSTEM; actor++) {
        if (slice_is(json_text(value), actor_text((enum actor)actor))) {
            *ret_actor = (enum actor)actor;
            return ERROR_NONE;
        }
    }
    return found_text(reader, ERROR_WRONG_TYPE, "actor", expected, value);
}

static enum error_code
read_handled_by(struct event_reader *reader, const struct cJSON *value, enum handled_by *ret_handled_by)
{
    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_text(value))
        return found_kind(reader, "handled_by", "bot or human", value);
    if (slice_is(json_text(value), "bot"))
        *ret_handled_by = HANDLED_BY_BOT;
    else if (slice_is(json_text(value), "human"))
        *ret_handled_by = HANDLED_BY_HUMAN;
    else
        return found_text(reader, ERROR_WRONG_TYPE, "handled_by", "bot or human", value);
    return ERROR_NONE;
}

static enum error_code
read_party(struct event_reader *reader, const struct cJSON *value, uint8_t *parties)
{
    static const char expected[] = "provider, supplier, customer, customer_supplier or nobody";
    enum party party;

    if (!json_is_text(value))
        return found_kind(reader, "waiting_on", expected, value);
    party = party_of(json_text(value));
    if (party == PARTIES_COUNT)
        return found_text(reader, ERROR_WRONG_TYPE, "waiting_on", expected, value);
    *parties |= PARTY_BIT(party);
    return ERROR_NONE;
}

/* One party, a list of them, or null. */
static enum error_code
read_waiting_on(struct event_reader *reader, const struct cJSON *value, struct event *event)
{
    enum error_code error = ERROR_NONE;

    event->has_waiting_on = true;
    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_list(value))
        return read_party(reader, value, &event->waiting_on);
    for (const struct cJSON *item = value->child; item != NULL && error == ERROR_NONE; item = item->next)
        error = read_party(reader, item, &event->waiting_on);
    return error;
}

/* ---- feedback ---- */

static const char score_expected[] = "an integer";

static enum error_code
read_score(struct event_reader *reader, const char *key, const struct cJSON *value, bool *ret_there,
           int32_t *ret_score)
{
    int64_t score = 0;
    enum error_code error =
        read_integer(reader, key, value, INT32_MIN, INT32_MAX, score_expected, ret_there, &score);

    *ret_score = (int32_t)score;
    return error;
}

/* {"speed": 5, "clarity": null}: a null is a question left out. */
static enum error_code
read_aspects(struct event_reader *reader, const struct cJSON *value, struct feedback *feedback)
{
    static const char key[] = "feedback.aspects";
    enum error_code error = ERROR_NONE;
    size_t count = 0;

    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_object(value))
        return found_kind(reader, key, "an object or null", value);
    for (const struct cJSON *item = value->child; item != NULL; item = item->next) {
        struct feedback_aspect aspect = {.name = json_key(item)};
        bool there = false;

        if (aspect.name.bytes > EVENT_TEXT_BYTES_MAX)
            return found_long_text(reader, key, EVENT_TEXT_BYTES_MAX, aspect.name.bytes);
        error = read_score(reader, key, item, &there, &aspect.score);
        if (error != ERROR_NONE)
            return error;
        if (!there)
            continue;
        if (count == EVENT_ASPECTS_MAX) {
            (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: expected at most %d, found more", key,
                           EVENT_ASPECTS_MAX);
            return ERROR_TOO_LARGE;
        }
        reader->aspects[count++] = aspect;
    }
    feedback->aspects = reader->aspects;
    feedback->aspects_count = count;
    return ERROR_NONE;
}

static enum error_code
read_lost_minutes(struct event_reader *reader, const struct cJSON *value, struct feedback *feedback)
{
    int64_t minutes = 0;
    enum error_code error =
        read_integer(reader, "feedback.lost_minutes", value, 0, LOST_MINUTES_MAX,
                     "an integer from 0 to 10000000", &feedback->has_lost_minutes, &minutes);

    feedback->lost_minutes = (int32_t)minutes;
    return error;
}

static enum error_code
read_feedback_member(struct event_reader *reader, const struct cJSON *member, struct event *event)
{
    struct feedback *feedback = &event->feedback;
    struct slice key = json_key(member);

    if (slice_is(key, "id"))
        return read_text(reader, "feedback.id", member, &feedback->id);
    if (slice_is(key, "survey"))
        return read_text(reader, "feedback.survey", member, &feedback->survey);
    if (slice_is(key, "touchpoint"))
        return read_text(reader, "feedback.touchpoint", member, &feedback->touchpoint);
    if (slice_is(key, "scale"))
        return read_text(reader, "feedback.scale", member, &feedback->scale);
    if (slice_is(key, "score"))
        return read_score(reader, "feedback.score", member, &feedback->has_score, &feedback->score);
    if (slice_is(key, "aspects"))
        return read_aspects(reader, member, feedback);
    if (slice_is(key, "lost_minutes"))
        return read_lost_minutes(reader, member, feedback);
    if (slice_is(key, "respondent"))
        return read_text(reader, "feedback.respondent", member, &feedback->respondent);
    if (!slice_is(key, "comment"))
        event->unknown_fields++;
    else if (!json_is_text(member) && !json_is_null(member))
        return found_kind(reader, "feedback.comment", "text or null", member);
    return ERROR_NONE;
}

/* The object of a feedback.* event. Offers and withdrawals have no score, whatever they carry (section 8). */
static enum error_code
read_feedback(struct event_reader *reader, struct event *event)
{
    const struct cJSON *object = reader->feedback;
    struct feedback *feedback = &event->feedback;

    if (object == NULL || json_is_null(object))
        return missing(reader, "feedback");
    if (!json_is_object(object))
        return found_kind(reader, "feedback", "an object", object);
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        enum error_code error = read_feedback_member(reader, member, event);

        if (error != ERROR_NONE)
            return error;
    }
    if (feedback->id.bytes == 0)
        return missing(reader, "feedback.id");
    if (event->type != EVENT_FEEDBACK_SUBMITTED) {
        feedback->scale = (struct slice){NULL, 0};
        feedback->has_score = false;
        feedback->score = 0;
        return ERROR_NONE;
    }
    if (feedback->scale.bytes == 0)
        return missing(reader, "feedback.scale");
    return feedback->has_score ? ERROR_NONE : missing(reader, "feedback.score");
}

/* ---- the object ---- */

static enum error_code
read_seq(struct event_reader *reader, const struct cJSON *value, struct event *event)
{
    return read_integer(reader, "seq", value, 0, JSON_INTEGER_MAX, "an integer from 0 to 9007199254740992",
                        &event->has_seq, &event->seq);
}

static enum error_code
read_attribute(struct event_reader *reader, const struct field *field, const struct cJSON *value,
               struct event *event)
{
    event->attributes_present |= ATTRIBUTE_BIT(field->where);
    return read_text(reader, field->key, value, &event->attributes[field->where]);
}

static enum error_code
read_field(struct event_reader *reader, const struct field *field, const struct cJSON *value,
           struct event *event)
{
    char *where = (char *)event + field->where;

    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(reader, field->key, value, (struct slice *)(void *)where);
    case FIELD_KEY:
        return read_bounded(reader, field->key, value, EVENT_ALERT_KEY_BYTES_MAX,
                            (struct slice *)(void *)where);
    case FIELD_ATTRIBUTE:
        return read_attribute(reader, field, value, event);
    case FIELD_FLAG:
        return read_flag(reader, field->key, value, (enum event_flag *)(void *)where);
    case FIELD_TYPE:
        return read_type(reader, value, event);
    case FIELD_TIME:
        return read_instant(reader, "time", value, &reader->has_time, &event->at_ms);
    case FIELD_CREATED_AT:
        return read_instant(reader, "created_at", value, &event->has_created_at, &event->created_at_ms);
    case FIELD_ARRIVED_AT:
        return read_instant(reader, "arrived_at", value, &reader->has_arrived_at, &reader->arrived_at_ms);
    case FIELD_SEQ:
        return read_seq(reader, value, event);
    case FIELD_ACTOR:
        return read_actor(reader, value, &event->actor);
    case FIELD_HANDLED_BY:
        return read_handled_by(reader, value, &event->handled_by);
    case FIELD_WAITING_ON:
        return read_waiting_on(reader, value, event);
    case FIELD_FEEDBACK:
        reader->feedback = value; /* judged when the type is known */
        return ERROR_NONE;
    case FIELD_SPECVERSION:
        reader->is_envelope = reader->expects_envelope;
        event->unknown_fields++;
        return ERROR_NONE;
    }
    panic("event_read: a field of no kind");
}

/* The native object. Stops early when it turns out to be an envelope. */
static enum error_code
read_object(struct event_reader *reader, const struct cJSON *object, struct event *event)
{
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        const struct field *field = field_of(reader, json_key(member));
        enum error_code error;

        if (field == NULL) {
            event->unknown_fields++;
            continue;
        }
        error = read_field(reader, field, member, event);
        if (error != ERROR_NONE || reader->is_envelope)
            return error;
    }
    return ERROR_NONE;
}

/* ---- CloudEvents ---- */

static bool
begins_with_word(struct slice text, const char *word)
{
    size_t bytes = strlen(word);

    if (text.bytes < bytes)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        char byte = text.at[i];

        if ((byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte) != word[i])
            return false;
    }
    return text.bytes == bytes || text.at[bytes] == ';' || text.at[bytes] == ' ';
}

/* A media type of JSON: application/json, text/json, anything +json. */
static bool
is_json_type(struct slice type)
{
    static const char suffix[] = "+json";
    size_t bytes = 0;

    while (bytes < type.bytes && type.at[bytes] != ';' && type.at[bytes] != ' ')
        bytes++;
    if (begins_with_word(type, "application/json") || begins_with_word(type, "text/json"))
        return true;
    return bytes > sizeof suffix - 1 &&
           memcmp(type.at + bytes - (sizeof suffix - 1), suffix, sizeof suffix - 1) == 0;
}

void
event_headers_note(struct event_headers *headers, struct slice name, struct slice value)
{
    if (value.at == NULL)
        return;
    if (begins_with_word(name, "content-type"))
        headers->content_type = value;
    else if (slice_is(name, "ce_specversion"))
        headers->specversion = value;
    else if (slice_is(name, "ce_id"))
        headers->id = value;
    else if (slice_is(name, "ce_source"))
        headers->source = value;
    else if (slice_is(name, "ce_type"))
        headers->type = value;
    else if (slice_is(name, "ce_time"))
        headers->time = value;
}

/* The envelope of a structured event, as if it had been headers, and the event within. */
static enum error_code
open_envelope(struct event_reader *reader, const struct cJSON *object, struct event_headers *envelope,
              const struct cJSON **ret_data)
{
    const struct cJSON *data = NULL;

    memset(envelope, 0, sizeof *envelope);
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        struct slice key = json_key(member);
        enum error_code error = ERROR_NONE;

        if (slice_is(key, "specversion"))
            error = read_text(reader, "specversion", member, &envelope->specversion);
        else if (slice_is(key, "id"))
            error = read_text(reader, "id", member, &envelope->id);
        else if (slice_is(key, "source"))
            error = read_text(reader, "source", member, &envelope->source);
        else if (slice_is(key, "type"))
            error = read_text(reader, "type", member, &envelope->type);
        else if (slice_is(key, "time"))
            error = read_text(reader, "time", member, &envelope->time);
        else if (slice_is(key, "datacontenttype"))
            error = read_text(reader, "datacontenttype", member, &envelope->content_type);
        else if (slice_is(key, "data"))
            data = member;
        if (error != ERROR_NONE)
            return error;
    }
    if (data == NULL || json_is_null(data))
        return missing(reader, "data");
    if (!json_is_object(data))
        return found_kind(reader, "data", "an object", data);
    *ret_data = data;
    return ERROR_NONE;
}

static enum error_code
check_envelope_text(struct event_reader *reader, const char *key, struct slice text)
{
    if (text.bytes > EVENT_TEXT_BYTES_MAX)
        return found_long_text(reader, key, EVENT_TEXT_BYTES_MAX, text.bytes);
    if (!json_is_utf8(text)) {
        (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "%s: malformed UTF-8 or U+0000 in the header",
                       key);
        return ERROR_BAD_UTF8;
    }
    return ERROR_NONE;
}

/* Version and content of either mode. */
static enum error_code
check_envelope(struct event_reader *reader, const struct event_headers *envelope)
{
    const struct {
        const char *key;
        struct slice text;
    } texts[] = {{"ce_id", envelope->id},
                 {"ce_source", envelope->source},
                 {"ce_type", envelope->type},
                 {"ce_time", envelope->time}};
    char out[48];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        enum error_code error = check_envelope_text(reader, texts[i].key, texts[i].text);

        if (error != ERROR_NONE)
            return error;
    }
    if (envelope->specversion.bytes == 0)
        return missing(reader, "specversion");
    if (!slice_is(envelope->specversion, "1.0")) {
        (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "specversion: expected \"1.0\", found %s",
                       shown(envelope->specversion, out));
        return ERROR_WRONG_TYPE;
    }
    if (envelope->content_type.bytes > 0 && !is_json_type(envelope->content_type)) {
        (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "datacontenttype: expected JSON, found %s",
                       shown(envelope->content_type, out));
        return ERROR_WRONG_TYPE;
    }
    return ERROR_NONE;
}

/* The envelope's id and source win over the body's; its type and time fill what the body lacks. */
static enum error_code
apply_envelope(struct event_reader *reader, const struct event_headers *envelope, struct event *event)
{
    char out[48];

    if (envelope->id.bytes > 0)
        event->id = envelope->id;
    if (envelope->source.bytes > 0)
        event->source = envelope->source;
    if (!reader->has_time && envelope->time.bytes > 0) {
        if (instant_parse(envelope->time, &event->at_ms) != 0) {
            (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "time: expected an RFC 3339 instant, found %s",
                           shown(envelope->time, out));
            return ERROR_BAD_TIME;
        }
        reader->has_time = true;
    }
    if (!reader->has_type && envelope->type.bytes > 0)
        return type_of_text(reader, envelope->type, &event->type);
    return ERROR_NONE;
}

static void
clear(struct event_reader *reader, struct event *event)
{
    memset(event, 0, sizeof *event); /* every enum's 0 is "missing" */
    event->type = EVENT_TYPES_COUNT;
    reader->has_type = reader->has_time = reader->has_arrived_at = false;
    reader->is_envelope = false;
    reader->feedback = NULL;
}

static enum error_code
read_binary(struct event_reader *reader, const struct cJSON *object, const struct event_headers *headers,
            struct event *event)
{
    enum error_code error = check_envelope(reader, headers);

    reader->expects_envelope = false;
    if (error == ERROR_NONE)
        error = read_object(reader, object, event);
    return error == ERROR_NONE ? apply_envelope(reader, headers, event) : error;
}

static enum error_code
read_structured(struct event_reader *reader, const struct cJSON *object, struct event *event)
{
    struct event_headers envelope;
    const struct cJSON *data = NULL;
    enum error_code error = open_envelope(reader, object, &envelope, &data);

    return error == ERROR_NONE ? read_binary(reader, data, &envelope, event) : error;
}

static bool
has_specversion(const struct cJSON *object)
{
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        if (slice_is(json_key(member), "specversion"))
            return true;
    }
    return false;
}

/* The object, in whichever of the three forms it comes. Native is tried first; what is wrong with an envelope
 * as a native event (its type, for one) is nothing against it. */
static enum error_code
read_forms(struct event_reader *reader, const struct cJSON *object, const struct event_headers *headers,
           struct event *event)
{
    enum error_code error;

    clear(reader, event);
    reader->expects_envelope = true;
    if (headers != NULL && begins_with_word(headers->content_type, "application/cloudevents+json"))
        return read_structured(reader, object, event);
    if (headers != NULL && headers->specversion.at != NULL)
        return read_binary(reader, object, headers, event);
    error = read_object(reader, object, event);
    if (!reader->is_envelope && (error == ERROR_NONE || !has_specversion(object)))
        return error;
    clear(reader, event);
    reader->detail[0] = '\0';
    return read_structured(reader, object, event);
}

/* ---- what an event must have ---- */

enum event_topic
event_read_topic(const struct event *event)
{
    static const char kind[] = "experience/";
    enum event_topic topic = event_type_topic(event->type);
    const char *slash;

    if (topic != EVENT_TOPIC_BOTH)
        return topic;
    slash = event->alert.bytes > 0 ? memchr(event->alert.at, '/', event->alert.bytes) : NULL;
    if (slash == NULL || (size_t)(event->alert.at + event->alert.bytes - slash) < sizeof kind)
        return EVENT_TOPIC_TICKETS;
    return memcmp(slash + 1, kind, sizeof kind - 1) == 0 ? EVENT_TOPIC_FEEDBACK : EVENT_TOPIC_TICKETS;
}

/* Whom it is about. */
static enum error_code
check_subject(struct event_reader *reader, enum event_topic topic, const struct event *event)
{
    if (event->type == EVENT_CONTRACT_MOVED)
        return event->attributes[ATTRIBUTE_CONTRACT].bytes > 0 ? ERROR_NONE : missing(reader, "contract");
    if (event->ticket.bytes > 0)
        return ERROR_NONE;
    if (topic == EVENT_TOPIC_BOTH)
        topic = event_read_topic(event);
    if (topic == EVENT_TOPIC_TICKETS)
        return missing(reader, "ticket");
    return event->attributes[ATTRIBUTE_CUSTOMER].bytes > 0 ? ERROR_NONE
                                                           : missing(reader, "ticket or customer");
}

/* "sla/resolution" or "sla/resolution/2" (R39). */
static enum error_code
check_clock(struct event_reader *reader, struct slice clock)
{
    static const char *const kinds[] = {"sla/", "ola/", "uc/"};
    char out[48];

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t bytes = strlen(kinds[i]);

        if (clock.bytes > bytes && memcmp(clock.at, kinds[i], bytes) == 0)
            return ERROR_NONE;
    }
    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "clock: expected sla, ola or uc / clock, found %s",
                   shown(clock, out));
    return ERROR_WRONG_TYPE;
}

static enum error_code
check_merge(struct event_reader *reader, const struct event *event)
{
    if (event->into.bytes == 0)
        return missing(reader, "into");
    if (!slice_equal(event->into, event->ticket))
        return ERROR_NONE;
    (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "into: the ticket itself");
    return ERROR_BAD_MERGE;
}

static enum error_code
check_type_fields(struct event_reader *reader, struct event *event)
{
    switch (event->type) {
    case EVENT_TICKET_MERGED:
        return check_merge(reader, event);
    case EVENT_ALERT_ACKNOWLEDGED:
        if (event->alert.bytes == 0)
            return missing(reader, "alert");
        return event->by.bytes > 0 ? ERROR_NONE : missing(reader, "by");
    case EVENT_VERDICT_EXCUSED:
        if (event->clock.bytes == 0)
            return missing(reader, "clock");
        if (event->by.bytes == 0)
            return missing(reader, "by");
        return check_clock(reader, event->clock);
    case EVENT_CONTRACT_MOVED:
        if (event->to.bytes == 0)
            return missing(reader, "to");
        if (event->by.bytes == 0)
            return missing(reader, "by");
        return event->reason.bytes > 0 ? ERROR_NONE : missing(reader, "reason");
    case EVENT_FEEDBACK_OFFERED:
    case EVENT_FEEDBACK_SUBMITTED:
    case EVENT_FEEDBACK_WITHDRAWN:
        return read_feedback(reader, event);
    default:
        if (reader->feedback != NULL)
            event->unknown_fields++;
        return ERROR_NONE;
    }
}

static enum error_code
check_event(struct event_reader *reader, enum event_topic topic, struct event *event)
{
    enum error_code error;

    if (!reader->has_type)
        return missing(reader, "type");
    if ((event_type_topic(event->type) & topic) == 0) {
        (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "type: %s does not belong on this topic",
                       event_type_text(event->type));
        return ERROR_UNKNOWN_TYPE;
    }
    if (!reader->has_time)
        return missing(reader, "time");
    if (event->has_created_at && event->created_at_ms > event->at_ms) {
        (void)snprintf(reader->detail, EVENT_DETAIL_BYTES, "created_at: after the event's own time");
        return ERROR_BAD_TIME;
    }
    error = check_subject(reader, topic, event);
    return error == ERROR_NONE ? check_type_fields(reader, event) : error;
}

/* ---- the call ---- */

/* 128 bits of the value as 32 hex digits: the id of an event without one. */
static struct slice
hash_of(struct event_reader *reader, struct slice value)
{
    static const char digits[] = "0123456789abcdef";
    struct hash128 hash = hash_bytes128((struct hash128){0, 0}, value.at, value.bytes);

    for (int i = 0; i < 16; i++) {
        reader->hash_text[i] = digits[hash.high >> (60 - 4 * i) & 15];
        reader->hash_text[16 + i] = digits[hash.low >> (60 - 4 * i) & 15];
    }
    return (struct slice){reader->hash_text, 32};
}

enum error_code
event_read(struct event_reader *reader, struct slice value, const struct event_headers *headers_or_null,
           enum event_topic topic, struct event *ret_event, char detail[EVENT_DETAIL_BYTES])
{
    const struct cJSON *object;
    enum error_code error;

    _Static_assert((int)EVENT_DETAIL_BYTES == (int)JSON_DETAIL_BYTES, "one room for messages");
    detail[0] = '\0';
    reader->detail = detail;
    error = json_read(reader->json, value, &object, detail);
    if (error == ERROR_NONE)
        error = read_forms(reader, object, headers_or_null, ret_event);
    if (error == ERROR_NONE)
        error = check_event(reader, topic, ret_event);
    if (error == ERROR_NONE && ret_event->id.bytes == 0)
        ret_event->id = hash_of(reader, value);
    reader->detail = NULL;
    return error;
}

bool
event_reader_arrived_at(const struct event_reader *reader, int64_t *ret_at_ms)
{
    if (reader->has_arrived_at)
        *ret_at_ms = reader->arrived_at_ms;
    return reader->has_arrived_at;
}
