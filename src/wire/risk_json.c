/*
 * What: foresight as JSON.
 *
 * Why points carry differences: a clock passes eight landmarks and little changes between them; a sample
 * stays some hundred bytes. Always true: what is printed reads back as the same sample. Not here: what a
 * sample says (core/risk).
 */
#include "wire/risk_json.h"
#include "base/instant.h"
#include "wire/effect.h"
#include "wire/print.h"
#include <stddef.h>
#include <stdio.h>

static const char *const number_texts[FORESIGHT_NUMBERS_COUNT] = {
#define NUMBER(NAME, text, KIND, default_, help) text,
#include "slad/foresight.def"
#undef NUMBER
};
static const struct print_fixed_key attribute_names[ATTRIBUTES_COUNT] = {
    [ATTRIBUTE_CUSTOMER] = PRINT_FIXED_KEY("customer"),
    [ATTRIBUTE_CONTRACT] = PRINT_FIXED_KEY("contract"),
    [ATTRIBUTE_SERVICE] = PRINT_FIXED_KEY("service"),
    [ATTRIBUTE_CATEGORY] = PRINT_FIXED_KEY("category"),
    [ATTRIBUTE_PRIORITY] = PRINT_FIXED_KEY("priority"),
    [ATTRIBUTE_GROUP] = PRINT_FIXED_KEY("group"),
    [ATTRIBUTE_USER_GROUP] = PRINT_FIXED_KEY("user_group"),
    [ATTRIBUTE_CHANNEL] = PRINT_FIXED_KEY("channel"),
    [ATTRIBUTE_REQUESTER] = PRINT_FIXED_KEY("requester"),
    [ATTRIBUTE_ASSIGNEE] = PRINT_FIXED_KEY("assignee"),
    [ATTRIBUTE_STATUS] = PRINT_FIXED_KEY("status"),
};
static const struct print_fixed_key number_names[FORESIGHT_NUMBERS_COUNT] = {
#define NUMBER(NAME, text, KIND, default_, help) PRINT_FIXED_KEY(text),
#include "slad/foresight.def"
#undef NUMBER
};

static void
print_number(struct buffer *out, const char *key, int64_t number)
{
    print_key(out, key);
    buffer_append_int64(out, number);
}

void
risk_json_print(struct buffer *out, const struct risk_line *line)
{
    const struct engine_risk *risk = line->risk;
    const struct foresight_forecast *forecast = &line->told->forecast;

    buffer_append_byte(out, '{');
    print_key(out, "ticket"), print_text(out, risk->name.ticket);
    print_key(out, "kind"), print_text(out, slice_of(clock_kind_text(risk->name.kind)));
    print_key(out, "clock"), print_text(out, risk->name.clock);
    print_number(out, "cycle", risk->name.cycle);
    print_key(out, "at"), print_instant(out, risk->at_ms);
    print_number(out, "elapsed_permille", risk->elapsed_ms * 1000 / risk->target_ms);
    print_number(out, "p_permille", forecast->p_permille);
    print_key(out, "finish_p50"), print_instant(out, line->told->finish_p50_at_ms);
    print_key(out, "finish_p90"), print_instant(out, line->told->finish_p90_at_ms);
    print_number(out, "model", (int64_t)forecast->model);
    print_key(out, "confidence"), print_text(out, slice_of(foresight_confidence_text(forecast->confidence)));
    buffer_append_byte(out, '}');
}

/* ---- samples ---- */

static bool
texts_equal(struct slice a, struct slice b)
{
    return (a.at == b.at && a.bytes == b.bytes) || ((a.at == NULL) == (b.at == NULL) && slice_equal(a, b));
}

static void
print_point(struct buffer *out, const struct risk_point *point, const struct risk_point *before)
{
    static const struct print_fixed_key landmark = PRINT_FIXED_KEY("landmark"), at = PRINT_FIXED_KEY("at"),
                                        remaining = PRINT_FIXED_KEY("remaining_ms");

    buffer_append_byte(out, '{');
    print_fixed_key(out, &landmark, true), buffer_append_int64(out, point->landmark);
    print_fixed_key(out, &at, false), print_instant(out, point->at_ms);
    if (point->remaining_ms >= 0)
        print_fixed_key(out, &remaining, false), buffer_append_int64(out, point->remaining_ms);
    for (int i = 0; i < ATTRIBUTES_COUNT; i++) {
        if (texts_equal(point->texts[i], before->texts[i]))
            continue;
        print_fixed_key(out, &attribute_names[i], false);
        print_text_or_null(out, point->texts[i]);
    }
    for (int i = 0; i < FORESIGHT_NUMBERS_COUNT; i++) {
        if (point->numbers[i] != before->numbers[i])
            print_fixed_key(out, &number_names[i], false), buffer_append_int64(out, point->numbers[i]);
    }
    buffer_append_byte(out, '}');
}

static void
print_points(struct buffer *out, const void *record)
{
    static const struct risk_point nothing;
    const struct risk_sample *sample = record;

    buffer_append_byte(out, '[');
    for (size_t i = 0; i < sample->points_count; i++) {
        print_comma(out);
        print_point(out, &sample->points[i], i > 0 ? &sample->points[i - 1] : &nothing);
    }
    buffer_append_byte(out, ']');
}

#define FIELD(key, kind, words, member)                                                                      \
    {                                                                                                        \
        RECORD_KEY(key), kind, offsetof(struct risk_sample, member), RECORD_ALWAYS, words, NULL, NULL, NULL  \
    }

static const struct record_field arrival_rows[] = {
    FIELD("detected_at", RECORD_INSTANT, RECORD_WORDS_KIND, arrival.detected_at_ms),
    FIELD("revision", RECORD_COUNT, RECORD_WORDS_KIND, arrival.revision),
    FIELD("lagging", RECORD_BOOL, RECORD_WORDS_KIND, arrival.lagging),
};
static const struct record_table arrival_table = {arrival_rows, sizeof arrival_rows / sizeof arrival_rows[0]};

static const struct record_field rows[] = {
    {RECORD_KEY("type"), RECORD_TYPE, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, "risk_sample", NULL},
    FIELD("ticket", RECORD_TEXT, RECORD_WORDS_KIND, name.ticket),
    FIELD("kind", RECORD_WORD, RECORD_WORDS_KIND, name.kind),
    FIELD("agreement", RECORD_TEXT, RECORD_WORDS_KIND, name.agreement),
    FIELD("clock", RECORD_TEXT, RECORD_WORDS_KIND, name.clock),
    FIELD("cycle", RECORD_COUNT, RECORD_WORDS_KIND, name.cycle),
    FIELD("measure", RECORD_WORD, RECORD_WORDS_MEASURE, measure),
    FIELD("label", RECORD_WORD, RECORD_WORDS_RISK_LABEL, label),
    FIELD("finish", RECORD_BOOL, RECORD_WORDS_KIND, finish),
    FIELD("alarmed", RECORD_BOOL, RECORD_WORDS_KIND, alarmed),
    FIELD("held_out", RECORD_BOOL, RECORD_WORDS_KIND, held_out),
    FIELD("started_at", RECORD_INSTANT, RECORD_WORDS_KIND, started_at_ms),
    FIELD("decided_at", RECORD_INSTANT, RECORD_WORDS_KIND, decided_at_ms),
    FIELD("known_at", RECORD_INSTANT, RECORD_WORDS_KIND, known_at_ms),
    FIELD("target_ms", RECORD_LENGTH, RECORD_WORDS_KIND, target_ms),
    FIELD("elapsed_ms", RECORD_LENGTH, RECORD_WORDS_KIND, elapsed_ms),
    {RECORD_KEY("points"), RECORD_PRINTED, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, NULL, print_points},
    {RECORD_KEY("arrival"), RECORD_OBJECT, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, &arrival_table, NULL, NULL},
};
static const struct record_table table = {rows, sizeof rows / sizeof rows[0]};

void
risk_json_print_sample(struct buffer *out, const struct risk_sample *sample)
{
    record_print(out, &table, sample);
}

/* ---- reading ---- */

static enum error_code
refuse(enum error_code error, const struct json *json, const struct cJSON *value, const char *what,
       char detail[JSON_DETAIL_BYTES])
{
    (void)snprintf(detail, JSON_DETAIL_BYTES, "points: expected %s, found %s at byte %zu", what,
                   json_kind_text(value), json_offset(json, value));
    return error;
}

static bool
read_count(const struct json *json, const struct cJSON *value, int64_t most, int64_t *ret_number)
{
    return json_is_number(value) && json_integer(json, value, ret_number) == 0 && *ret_number >= 0 &&
           *ret_number <= most;
}

static bool
read_landmark(const struct json *json, const struct cJSON *member, struct risk_point *point)
{
    int64_t number;

    if (!read_count(json, member, FORESIGHT_LANDMARKS_COUNT - 1, &number))
        return false;
    point->landmark = (uint8_t)number;
    return true;
}

/* One member of a point; first what every point has. False: it is not what it should be. */
static bool
read_member(const struct json *json, const struct cJSON *member, struct risk_point *point)
{
    struct slice key = json_key(member);
    int64_t number;

    if (slice_is(key, "landmark"))
        return read_landmark(json, member, point);
    if (slice_is(key, "at"))
        return json_is_text(member) && instant_parse(json_text(member), &point->at_ms) == 0;
    if (slice_is(key, "remaining_ms"))
        return read_count(json, member, POLICY_DURATION_MAX_MS * 10, &point->remaining_ms);
    for (int i = 0; i < ATTRIBUTES_COUNT; i++) {
        if (!slice_is(key, attribute_text((enum attribute)i)))
            continue;
        point->texts[i] = json_is_text(member) ? json_text(member) : (struct slice){NULL, 0};
        return json_is_text(member) || json_is_null(member);
    }
    for (int i = 0; i < FORESIGHT_NUMBERS_COUNT; i++) {
        if (!slice_is(key, number_texts[i]))
            continue;
        if (!read_count(json, member, UINT32_MAX, &number))
            return false;
        point->numbers[i] = (uint32_t)number;
        return true;
    }
    return true; /* of a later version */
}

static enum error_code
read_points(const struct json *json, const struct cJSON *list, struct risk_sample *sample,
            char detail[JSON_DETAIL_BYTES])
{
    if (!json_is_list(list))
        return refuse(ERROR_WRONG_TYPE, json, list, "a list", detail);
    for (const struct cJSON *value = list->child; value != NULL; value = value->next) {
        struct risk_point *point = &sample->points[sample->points_count];

        if (!json_is_object(value) || sample->points_count == FORESIGHT_LANDMARKS_COUNT)
            return refuse(ERROR_WRONG_TYPE, json, value, "at most eight objects", detail);
        *point = sample->points_count > 0 ? point[-1] : (struct risk_point){0};
        point->remaining_ms = -1;
        for (const struct cJSON *member = value->child; member != NULL; member = member->next) {
            if (!read_member(json, member, point))
                return refuse(ERROR_WRONG_TYPE, json, member, "a landmark's attributes and numbers", detail);
        }
        if (sample->points_count > 0 && point->landmark <= point[-1].landmark)
            return refuse(ERROR_NUMBER_OUT_OF_RANGE, json, value, "landmarks in order", detail);
        sample->points_count++;
    }
    return ERROR_NONE;
}

enum error_code
risk_json_read_sample(const struct json *json, const struct cJSON *object, struct risk_sample *sample,
                      char detail[JSON_DETAIL_BYTES])
{
    enum error_code error;

    memset(sample, 0, sizeof *sample);
    error = record_read(json, &table, object, sample, NULL, detail);
    for (const struct cJSON *member = object->child; error == ERROR_NONE && member != NULL;
         member = member->next) {
        if (slice_is(json_key(member), "points"))
            error = read_points(json, member, sample, detail);
    }
    return error;
}

/* ---- keys ---- */

void
risk_json_sample_key(struct buffer *out, const struct risk_sample *sample)
{
    effect_print_segment(out, sample->name.ticket);
    buffer_append_byte(out, '/');
    buffer_append_text(out, clock_kind_text(sample->name.kind));
    buffer_append_byte(out, '/');
    effect_print_segment(out, sample->name.clock);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, sample->name.cycle);
}

void
risk_json_sample_id(struct buffer *out, const struct risk_sample *sample)
{
    risk_json_sample_key(out, sample);
    buffer_append_text(out, "/risk_sample/");
    buffer_append_int64(out, sample->arrival.revision);
}
