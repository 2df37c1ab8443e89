/*
 * What: structs to JSON objects and back, by table.
 *
 * Why this way: seven kinds of records share a handful of kinds of fields. A row printed is a row read.
 *
 * Always true: record_read(record_print(x)) is x, but for fields of kind RECORD_PRINTED. All five parties
 * always stand, in the order of R26. Keys come in the order of the rows.
 *
 * Not here: which rows a record has (effect.c).
 */
#include "wire/record.h"
#include "base/instant.h"
#include "base/panic.h"
#include "slad/foresight.h"
#include "slad/scores.h"
#include "wire/print.h"
#include <stdio.h>

/* The order in which parties are printed (R26). */
static const enum party parties[PARTIES_COUNT] = {PARTY_PROVIDER, PARTY_SUPPLIER, PARTY_CUSTOMER,
                                                  PARTY_CUSTOMER_SUPPLIER, PARTY_NOBODY};

/* party_text's words, as keys. */
static const struct print_fixed_key party_names[PARTIES_COUNT] = {
    [PARTY_PROVIDER] = PRINT_FIXED_KEY("provider"),
    [PARTY_SUPPLIER] = PRINT_FIXED_KEY("supplier"),
    [PARTY_CUSTOMER] = PRINT_FIXED_KEY("customer"),
    [PARTY_CUSTOMER_SUPPLIER] = PRINT_FIXED_KEY("customer_supplier"),
    [PARTY_NOBODY] = PRINT_FIXED_KEY("nobody"),
};

static const struct print_fixed_key wall_name = PRINT_FIXED_KEY("wall_ms");
static const struct print_fixed_key in_hours_name = PRINT_FIXED_KEY("in_hours_ms");

const char *
record_class_text(enum answer_class answer_class)
{
    static const char *const texts[ANSWER_CLASSES_COUNT] = {
        [ANSWER_POSITIVE] = "positive",
        [ANSWER_NEUTRAL] = "neutral",
        [ANSWER_NEGATIVE] = "negative",
    };

    return texts[answer_class];
}

/* The word of a value, NULL when the enum has no such value. */
static const char *
word_of(enum record_words words, int value)
{
    switch (words) {
    case RECORD_WORDS_KIND:
        return value <= KIND_EXPERIENCE ? clock_kind_text((enum clock_kind)value) : NULL;
    case RECORD_WORDS_MEASURE:
        return value < MEASURES_COUNT ? measure_text((enum measure)value) : NULL;
    case RECORD_WORDS_CLOCK_STATE:
        return value <= CLOCK_UNANSWERED ? clock_state_text((enum clock_state)value) : NULL;
    case RECORD_WORDS_ALERT_STATE:
        return value <= ALERT_WITHDRAWN ? alert_state_text((enum alert_state)value) : NULL;
    case RECORD_WORDS_VERDICT:
        return value <= VERDICT_VOID ? verdict_text((enum verdict)value) : NULL;
    case RECORD_WORDS_TICKET_STATE:
        return value <= TICKET_CANCELLED ? ticket_state_text((enum ticket_state)value) : NULL;
    case RECORD_WORDS_SEVERITY:
        value = value < SEVERITY_INFO ? SEVERITY_INFO : value;
        return value <= SEVERITY_CRITICAL ? severity_text((enum severity)value) : NULL;
    case RECORD_WORDS_PARTY:
        return value < PARTIES_COUNT ? party_text((enum party)value) : NULL;
    case RECORD_WORDS_CLASS:
        return value < ANSWER_CLASSES_COUNT ? record_class_text((enum answer_class)value) : NULL;
    case RECORD_WORDS_CONTRACT_SUBJECT:
        return value < CONTRACT_SUBJECTS_COUNT ? contract_subject_text((enum contract_subject)value) : NULL;
    case RECORD_WORDS_CONTRACT_STATE:
        return value < CONTRACT_STATES_COUNT ? contract_state_text(value) : NULL;
    case RECORD_WORDS_RISK_LABEL:
        return value <= RISK_CENSORED ? risk_label_text((enum risk_label)value) : NULL;
    }
    panic("record: words of no enum");
}

/* ---- printing ---- */

static void
print_flags(struct buffer *out, uint16_t flags)
{
    buffer_append_byte(out, '[');
    for (int i = 0; i < CLOCK_FLAGS_COUNT; i++) {
        if ((flags >> i & 1) == 0)
            continue;
        print_comma(out);
        print_word(out, clock_flag_text((enum clock_flag)(1 << i)));
    }
    buffer_append_byte(out, ']');
}

static void
print_attributes(struct buffer *out, uint16_t bits)
{
    buffer_append_byte(out, '[');
    for (int i = 0; i < ATTRIBUTES_COUNT; i++) {
        if ((bits & ATTRIBUTE_BIT(i)) == 0)
            continue;
        print_comma(out);
        print_word(out, attribute_text((enum attribute)i));
    }
    buffer_append_byte(out, ']');
}

static void
print_tiers(struct buffer *out, uint32_t tiers)
{
    buffer_append_byte(out, '[');
    for (int i = 0; i < 32; i++) {
        if ((tiers >> i & 1) == 0)
            continue;
        print_comma(out);
        buffer_append_int64(out, i);
    }
    buffer_append_byte(out, ']');
}

static void
print_length_or_null(struct buffer *out, int64_t length_ms)
{
    if (length_ms == INSTANT_NONE)
        buffer_append(out, "null", 4);
    else
        buffer_append_int64(out, length_ms);
}

/* A literal and the length behind it. */
#define LENGTH(text, length_ms)                                                                              \
    (buffer_append(out, text, sizeof text - 1), buffer_append_int64(out, length_ms))

static void
print_times(struct buffer *out, const struct party_time *time)
{
    LENGTH("{\"wall_ms\":", time->wall_ms);
    LENGTH(",\"in_hours_ms\":", time->in_hours_ms);
    LENGTH(",\"outside_ms\":", time->wall_ms - time->in_hours_ms);
    buffer_append_byte(out, '}');
}

static void
print_by_party(struct buffer *out, const struct party_time *times)
{
    buffer_append_byte(out, '{');
    for (int i = 0; i < PARTIES_COUNT; i++) {
        print_fixed_key(out, &party_names[parties[i]], i == 0);
        print_times(out, &times[parties[i]]);
    }
    buffer_append_byte(out, '}');
}

static void
print_by_party_wall(struct buffer *out, const int64_t *wall_ms)
{
    buffer_append_byte(out, '{');
    for (int i = 0; i < PARTIES_COUNT; i++) {
        print_fixed_key(out, &party_names[parties[i]], i == 0);
        LENGTH("{\"wall_ms\":", wall_ms[parties[i]]);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, '}');
}

static void
print_aspects(struct buffer *out, const struct feedback *feedback)
{
    buffer_append_byte(out, '{');
    for (size_t i = 0; i < feedback->aspects_count; i++) {
        print_comma(out);
        print_text(out, feedback->aspects[i].name);
        buffer_append_byte(out, ':');
        buffer_append_int64(out, feedback->aspects[i].score);
    }
    buffer_append_byte(out, '}');
}

static void
print_word_or_null(struct buffer *out, enum record_words words, int value)
{
    const char *word = word_of(words, value);

    must(word != NULL || words == RECORD_WORDS_CLASS);
    if (word != NULL)
        print_word(out, word);
    else
        buffer_append(out, "null", 4);
}

static void
print_value(struct buffer *out, const struct record_field *field, const void *record)
{
    const void *at = (const char *)record + field->offset;

    switch (field->kind) {
    case RECORD_TYPE:
        print_word(out, field->constant);
        break;
    case RECORD_TEXT:
    case RECORD_TEXT_IF_THERE:
        print_text(out, *(const struct slice *)at);
        break;
    case RECORD_TEXT_OR_NULL:
        print_text_or_null(out, *(const struct slice *)at);
        break;
    case RECORD_INSTANT:
        print_instant(out, *(const int64_t *)at);
        break;
    case RECORD_LENGTH:
        buffer_append_int64(out, *(const int64_t *)at);
        break;
    case RECORD_LENGTH_OR_NULL:
        print_length_or_null(out, *(const int64_t *)at);
        break;
    case RECORD_COUNT:
    case RECORD_COUNT_IF_ANY:
        buffer_append_int64(out, *(const uint32_t *)at);
        break;
    case RECORD_SCORE:
        buffer_append_int64(out, *(const int32_t *)at);
        break;
    case RECORD_BOOL:
    case RECORD_BOOL_IF_TRUE:
        print_bool(out, *(const bool *)at);
        break;
    case RECORD_WORD:
        print_word_or_null(out, field->words, *(const int *)at);
        break;
    case RECORD_FLAGS:
        print_flags(out, *(const uint16_t *)at);
        break;
    case RECORD_ATTRIBUTES:
        print_attributes(out, *(const uint16_t *)at);
        break;
    case RECORD_TIERS:
        print_tiers(out, *(const uint32_t *)at);
        break;
    case RECORD_BY_PARTY:
        print_by_party(out, at);
        break;
    case RECORD_BY_PARTY_WALL:
        print_by_party_wall(out, at);
        break;
    case RECORD_ASPECTS:
        print_aspects(out, at);
        break;
    case RECORD_OBJECT:
        record_print(out, field->table, at);
        break;
    case RECORD_PRINTED:
        field->print(out, record);
        break;
    }
}

/* Of a kind that may be left out: whether it stands in this record. */
static bool
stands(const struct record_field *field, const void *record)
{
    const void *at = (const char *)record + field->offset;

    switch (field->kind) {
    case RECORD_TEXT_IF_THERE:
        return ((const struct slice *)at)->at != NULL;
    case RECORD_BOOL_IF_TRUE:
        return *(const bool *)at;
    case RECORD_COUNT_IF_ANY:
        return *(const uint32_t *)at != 0;
    case RECORD_ASPECTS:
        return ((const struct feedback *)at)->aspects_count > 0;
    default:
        return true;
    }
}

#define KIND_BIT(kind) (UINT32_C(1) << (kind))
#define KINDS_LEFT_OUT                                                                                       \
    (KIND_BIT(RECORD_TEXT_IF_THERE) | KIND_BIT(RECORD_BOOL_IF_TRUE) | KIND_BIT(RECORD_COUNT_IF_ANY) |        \
     KIND_BIT(RECORD_ASPECTS))

void
record_print(struct buffer *out, const struct record_table *table, const void *record)
{
    const struct record_field *end = table->fields + table->fields_count;
    bool first = true;

    buffer_append_byte(out, '{');
    for (const struct record_field *field = table->fields; field < end; field++) {
        if (field->when != RECORD_ALWAYS && !*(const bool *)((const char *)record + field->when))
            continue;
        if ((KINDS_LEFT_OUT & KIND_BIT(field->kind)) != 0 && !stands(field, record))
            continue;
        print_fixed_key(out, &field->name, first);
        print_value(out, field, record);
        first = false;
    }
    buffer_append_byte(out, '}');
}

/* ---- reading ---- */

struct reading {
    const struct json *json;
    struct feedback_aspect *aspects;
    char *detail;
};

static enum error_code
wrong(struct reading *reading, enum error_code error, const char *key, const char *expected,
      const struct cJSON *value)
{
    (void)snprintf(reading->detail, JSON_DETAIL_BYTES, "%s: expected %s, found %s at byte %zu", key, expected,
                   json_kind_text(value), json_offset(reading->json, value));
    return error;
}

static enum error_code
read_number(struct reading *reading, const char *key, const struct cJSON *value, int64_t low, int64_t high,
            int64_t *ret_number)
{
    if (!json_is_number(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "an integer", value);
    if (json_integer(reading->json, value, ret_number) != 0 || *ret_number < low || *ret_number > high)
        return wrong(reading, ERROR_NUMBER_OUT_OF_RANGE, key, "an integer within its range", value);
    return ERROR_NONE;
}

static enum error_code
read_length(struct reading *reading, const char *key, const struct cJSON *value, int64_t *ret_length_ms)
{
    return read_number(reading, key, value, -JSON_INTEGER_MAX, JSON_INTEGER_MAX, ret_length_ms);
}

static enum error_code
read_text(struct reading *reading, const struct record_field *field, const struct cJSON *value,
          struct slice *ret_text)
{
    bool nullable = field->kind == RECORD_TEXT_OR_NULL;

    if (json_is_text(value))
        *ret_text = json_text(value);
    else if (!nullable || !json_is_null(value))
        return wrong(reading, ERROR_WRONG_TYPE, field->key, nullable ? "text or null" : "text", value);
    return ERROR_NONE;
}

static enum error_code
read_instant(struct reading *reading, const char *key, const struct cJSON *value, int64_t *ret_at_ms)
{
    *ret_at_ms = INSTANT_NONE;
    if (json_is_null(value))
        return ERROR_NONE;
    if (!json_is_text(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "an instant or null", value);
    if (instant_parse(json_text(value), ret_at_ms) != 0)
        return wrong(reading, ERROR_BAD_TIME, key, "an RFC 3339 instant", value);
    return ERROR_NONE;
}

static enum error_code
read_word(struct reading *reading, const struct record_field *field, const struct cJSON *value,
          int *ret_value)
{
    int i = field->words == RECORD_WORDS_SEVERITY ? SEVERITY_INFO : 0;
    const char *word;

    if (field->words == RECORD_WORDS_CLASS && json_is_null(value)) {
        *ret_value = ANSWER_CLASSES_COUNT;
        return ERROR_NONE;
    }
    if (!json_is_text(value))
        return wrong(reading, ERROR_WRONG_TYPE, field->key, "a word", value);
    for (; (word = word_of(field->words, i)) != NULL; i++) {
        if (slice_is(json_text(value), word)) {
            *ret_value = i;
            return ERROR_NONE;
        }
    }
    return wrong(reading, ERROR_WRONG_TYPE, field->key, "one of its words", value);
}

static enum error_code
read_flags(struct reading *reading, const char *key, const struct cJSON *value, uint16_t *ret_flags)
{
    if (!json_is_list(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "a list", value);
    for (const struct cJSON *item = value->child; item != NULL; item = item->next) {
        int i = 0;

        if (!json_is_text(item))
            return wrong(reading, ERROR_WRONG_TYPE, key, "flags", item);
        while (i < CLOCK_FLAGS_COUNT &&
               !slice_is(json_text(item), clock_flag_text((enum clock_flag)(1 << i))))
            i++;
        if (i == CLOCK_FLAGS_COUNT)
            return wrong(reading, ERROR_WRONG_TYPE, key, "a known flag", item);
        *ret_flags = (uint16_t)(*ret_flags | 1 << i);
    }
    return ERROR_NONE;
}

static enum error_code
read_attributes(struct reading *reading, const char *key, const struct cJSON *value, uint16_t *ret_bits)
{
    if (!json_is_list(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "a list", value);
    for (const struct cJSON *item = value->child; item != NULL; item = item->next) {
        int i = 0;

        if (!json_is_text(item))
            return wrong(reading, ERROR_WRONG_TYPE, key, "names of attributes", item);
        while (i < ATTRIBUTES_COUNT && !slice_is(json_text(item), attribute_text((enum attribute)i)))
            i++;
        if (i == ATTRIBUTES_COUNT)
            return wrong(reading, ERROR_WRONG_TYPE, key, "a known attribute", item);
        *ret_bits = (uint16_t)(*ret_bits | ATTRIBUTE_BIT(i));
    }
    return ERROR_NONE;
}

static enum error_code
read_tiers(struct reading *reading, const char *key, const struct cJSON *value, uint32_t *ret_tiers)
{
    if (!json_is_list(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "a list", value);
    for (const struct cJSON *item = value->child; item != NULL; item = item->next) {
        int64_t tier;
        enum error_code error = read_number(reading, key, item, 0, 31, &tier);

        if (error != ERROR_NONE)
            return error;
        *ret_tiers |= UINT32_C(1) << tier;
    }
    return ERROR_NONE;
}

static inline bool
is_key(struct slice key, const struct print_fixed_key *name)
{
    struct slice wanted = print_fixed_key_text(name);

    return key.bytes == wanted.bytes && memcmp(key.at, wanted.at, key.bytes) == 0;
}

static const struct cJSON *
member_of(const struct cJSON *object, const struct print_fixed_key *name)
{
    const struct cJSON *member = object->child;

    while (member != NULL && !is_key(json_key(member), name))
        member = member->next;
    return member;
}

static enum error_code
missing(struct reading *reading, const char *key)
{
    (void)snprintf(reading->detail, JSON_DETAIL_BYTES, "%s: required, but it is not there", key);
    return ERROR_MISSING_FIELD;
}

/* The length `key` within one party's object, which may not be there. */
static enum error_code
read_party_length(struct reading *reading, const struct cJSON *times, enum party party, const char *key,
                  const struct print_fixed_key *name, int64_t *ret_length_ms)
{
    const struct cJSON *length = NULL;

    if (times == NULL)
        return missing(reading, party_text(party));
    if (json_is_object(times))
        length = member_of(times, name);
    return length != NULL ? read_length(reading, key, length, ret_length_ms) : missing(reading, key);
}

static enum error_code
read_by_party(struct reading *reading, const char *key, const struct cJSON *value,
              struct party_time *ret_times)
{
    if (!json_is_object(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "an object", value);
    for (enum party party = 0; party < PARTIES_COUNT; party++) {
        const struct cJSON *times = member_of(value, &party_names[party]);
        enum error_code error =
            read_party_length(reading, times, party, "wall_ms", &wall_name, &ret_times[party].wall_ms);

        if (error == ERROR_NONE)
            error = read_party_length(reading, times, party, "in_hours_ms", &in_hours_name,
                                      &ret_times[party].in_hours_ms);
        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

static enum error_code
read_by_party_wall(struct reading *reading, const char *key, const struct cJSON *value, int64_t *ret_wall_ms)
{
    if (!json_is_object(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "an object", value);
    for (enum party party = 0; party < PARTIES_COUNT; party++) {
        const struct cJSON *times = member_of(value, &party_names[party]);
        enum error_code error =
            read_party_length(reading, times, party, "wall_ms", &wall_name, &ret_wall_ms[party]);

        if (error != ERROR_NONE)
            return error;
    }
    return ERROR_NONE;
}

static enum error_code
read_aspects(struct reading *reading, const char *key, const struct cJSON *value, struct feedback *feedback)
{
    if (!json_is_object(value))
        return wrong(reading, ERROR_WRONG_TYPE, key, "an object", value);
    for (const struct cJSON *item = value->child; item != NULL; item = item->next) {
        int64_t score;
        enum error_code error = read_number(reading, key, item, INT32_MIN, INT32_MAX, &score);

        if (error != ERROR_NONE)
            return error;
        if (feedback->aspects_count == EVENT_ASPECTS_MAX)
            return wrong(reading, ERROR_TOO_LARGE, key, "at most 64 aspects", item);
        reading->aspects[feedback->aspects_count++] =
            (struct feedback_aspect){json_key(item), (int32_t)score};
    }
    feedback->aspects = reading->aspects;
    return ERROR_NONE;
}

static enum error_code
read_small_number(struct reading *reading, const struct record_field *field, const struct cJSON *value,
                  void *at)
{
    bool count = field->kind != RECORD_SCORE;
    int64_t number;
    enum error_code error = read_number(reading, field->key, value, count ? 0 : INT32_MIN,
                                        count ? UINT32_MAX : INT32_MAX, &number);

    if (error == ERROR_NONE && count)
        *(uint32_t *)at = (uint32_t)number;
    else if (error == ERROR_NONE)
        *(int32_t *)at = (int32_t)number;
    return error;
}

static enum error_code read_object(struct reading *reading, const struct record_table *table,
                                   const struct cJSON *object, const char *name, void *record);

static enum error_code
read_value(struct reading *reading, const struct record_field *field, const struct cJSON *value, void *record)
{
    void *at = (char *)record + field->offset;

    switch (field->kind) {
    case RECORD_TYPE:
        if (!json_is_text(value) || !slice_is(json_text(value), field->constant))
            return wrong(reading, ERROR_WRONG_TYPE, field->key, field->constant, value);
        return ERROR_NONE;
    case RECORD_TEXT:
    case RECORD_TEXT_OR_NULL:
    case RECORD_TEXT_IF_THERE:
        return read_text(reading, field, value, at);
    case RECORD_INSTANT:
        return read_instant(reading, field->key, value, at);
    case RECORD_LENGTH:
        return read_length(reading, field->key, value, at);
    case RECORD_LENGTH_OR_NULL:
        *(int64_t *)at = INSTANT_NONE;
        return json_is_null(value) ? ERROR_NONE : read_length(reading, field->key, value, at);
    case RECORD_COUNT:
    case RECORD_COUNT_IF_ANY:
    case RECORD_SCORE:
        return read_small_number(reading, field, value, at);
    case RECORD_BOOL:
    case RECORD_BOOL_IF_TRUE:
        if (!json_is_bool(value))
            return wrong(reading, ERROR_WRONG_TYPE, field->key, "true or false", value);
        *(bool *)at = json_is_true(value);
        return ERROR_NONE;
    case RECORD_WORD:
        return read_word(reading, field, value, at);
    case RECORD_FLAGS:
        return read_flags(reading, field->key, value, at);
    case RECORD_ATTRIBUTES:
        return read_attributes(reading, field->key, value, at);
    case RECORD_TIERS:
        return read_tiers(reading, field->key, value, at);
    case RECORD_BY_PARTY:
        return read_by_party(reading, field->key, value, at);
    case RECORD_BY_PARTY_WALL:
        return read_by_party_wall(reading, field->key, value, at);
    case RECORD_ASPECTS:
        return read_aspects(reading, field->key, value, at);
    case RECORD_OBJECT:
        return read_object(reading, field->table, value, field->key, at);
    case RECORD_PRINTED:
        return ERROR_NONE;
    }
    panic("record: a field of no kind");
}

/* The row of this key, looked for from *next on: records come in the order of the rows. fields_count when
 * none. */
static size_t
row_of(const struct record_table *table, struct slice key, size_t *next)
{
    for (size_t i = 0; i < table->fields_count; i++) {
        size_t row = *next + i < table->fields_count ? *next + i : *next + i - table->fields_count;

        if (is_key(key, &table->fields[row].name)) {
            *next = row + 1 < table->fields_count ? row + 1 : 0;
            return row;
        }
    }
    return table->fields_count;
}

static bool
may_be_left_out(enum record_kind kind)
{
    return kind == RECORD_TEXT_IF_THERE || kind == RECORD_BOOL_IF_TRUE || kind == RECORD_COUNT_IF_ANY ||
           kind == RECORD_ASPECTS || kind == RECORD_PRINTED;
}

/* A field that had to stand and was not seen. */
static enum error_code
check_seen(struct reading *reading, const struct record_table *table, const void *record, uint64_t seen)
{
    for (size_t i = 0; i < table->fields_count; i++) {
        const struct record_field *field = &table->fields[i];

        if ((seen >> i & 1) != 0 || may_be_left_out(field->kind))
            continue;
        if (field->when != RECORD_ALWAYS && !*(const bool *)((const char *)record + field->when))
            continue;
        return missing(reading, field->key);
    }
    return ERROR_NONE;
}

static enum error_code
read_object(struct reading *reading, const struct record_table *table, const struct cJSON *object,
            const char *name, void *record)
{
    uint64_t seen = 0;
    size_t next = 0;

    must(table->fields_count <= 64);
    if (!json_is_object(object))
        return wrong(reading, ERROR_WRONG_TYPE, name, "an object", object);
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        size_t row = row_of(table, json_key(member), &next);
        enum error_code error;

        if (row == table->fields_count)
            continue;
        seen |= UINT64_C(1) << row;
        if (table->fields[row].when != RECORD_ALWAYS)
            *(bool *)((char *)record + table->fields[row].when) = true;
        error = read_value(reading, &table->fields[row], member, record);
        if (error != ERROR_NONE)
            return error;
    }
    return check_seen(reading, table, record, seen);
}

enum error_code
record_read(const struct json *json, const struct record_table *table, const struct cJSON *object,
            void *record, struct feedback_aspect *aspects, char detail[JSON_DETAIL_BYTES])
{
    struct reading reading = {json, aspects, detail};

    return read_object(&reading, table, object, "record", record);
}
