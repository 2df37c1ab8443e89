/*
 * What: P of one clock with its reasons, when half and nine in ten of such clocks end, and when an alert is
 * due.
 *
 * Why out of JSON: a running slad answers with JSON and a log is explained in this process; both are said in
 * the same words.
 *
 * Always true: every figure stands in the object. Not here: what it is (core/risk), when it is told
 * (explain_print).
 */
#include "slactl/explain_risk.h"
#include "base/instant.h"
#include "slactl/json_fields.h"
#include "slactl/words.h"
#include "slad/engine.h"

/* A forecast to the millisecond says more than anyone knows. */
#define MINUTE_MS INT64_C(60000)

enum { INDENT = 2, REASON_INDENT = 6 };

/* 0.834 as thousandths. */
static int
permille_of(struct slice decimal)
{
    int permille = 0, scale = 1000;
    bool behind = false;

    for (size_t i = 0; i < decimal.bytes && scale > 0; i++) {
        if (decimal.at[i] == '.') {
            behind = true;
        } else if (!behind) {
            permille = permille * 10 + (decimal.at[i] - '0') * 1000;
        } else {
            scale /= 10;
            permille += (decimal.at[i] - '0') * scale;
        }
    }
    return permille;
}

static void
append_percent(struct buffer *line, struct slice decimal)
{
    int permille = permille_of(decimal);

    words_append(line, permille % 10 != 0 ? "%d.%d %%" : "%d %%", permille / 10, permille % 10);
}

static void
append_at(struct buffer *line, const struct cJSON *risk, const char *key, const struct zone *zone)
{
    int64_t at_ms = json_fields_instant(risk, key);

    words_append_day_and_time(line, zone, at_ms + (MINUTE_MS - at_ms % MINUTE_MS) % MINUTE_MS);
}

static bool
is_there(const struct cJSON *risk, const char *key)
{
    return json_fields_instant(risk, key) != INSTANT_NONE;
}

static void
print_chance(FILE *out, const struct json *json, const struct cJSON *risk, const struct zone *zone)
{
    struct slice confidence = json_fields_text(risk, "confidence"), model;
    struct buffer line = {0};

    append_percent(&line, json_fields_shown(json, risk, "probability"));
    buffer_append_text(&line, " likely to breach");
    if (is_there(risk, "finish_p50")) {
        buffer_append_text(&line, "; half of such clocks end by ");
        append_at(&line, risk, "finish_p50", zone);
    }
    if (is_there(risk, "finish_p90")) {
        buffer_append_text(&line, ", nine in ten by ");
        append_at(&line, risk, "finish_p90", zone);
    }
    model = json_fields_shown(json, risk, "model");
    words_append(&line, " (model %.*s, confidence ", (int)(model.bytes < 24 ? model.bytes : 24), model.at);
    words_append_name(&line, confidence);
    buffer_append_byte(&line, ')');
    words_print_wrapped(out, buffer_slice(&line), INDENT, REASON_INDENT);
    buffer_free(&line);
}

/* "group network-l2, moves 2: 41 of 49 like it at this point were late, odds x 2.35" */
static void
print_reason(FILE *out, const struct json *json, const struct cJSON *reason)
{
    const struct cJSON *values = json_fields_find(reason, "values");
    struct buffer line = {0};

    if (values == NULL || !json_is_object(values))
        return;
    for (const struct cJSON *value = values->child; value != NULL; value = value->next) {
        struct slice shown = json_is_text(value)     ? json_text(value)
                             : json_is_number(value) ? json_number(json, value)
                                                     : slice_of("none");

        if (value != values->child)
            buffer_append_text(&line, ", ");
        words_append_name(&line, json_key(value));
        buffer_append_byte(&line, ' ');
        words_append_name(&line, shown);
    }
    buffer_append_text(&line, ": ");
    buffer_append_slice(&line, json_fields_shown(json, reason, "late"));
    buffer_append_text(&line, " of ");
    buffer_append_slice(&line, json_fields_shown(json, reason, "like"));
    buffer_append_text(&line, " like it at this point were late, odds x ");
    buffer_append_slice(&line, json_fields_shown(json, reason, "odds"));
    words_print_wrapped(out, buffer_slice(&line), REASON_INDENT, REASON_INDENT + 2);
    buffer_free(&line);
}

static void
print_alert(FILE *out, const struct json *json, const struct cJSON *risk, const struct zone *zone)
{
    struct slice confidence = json_fields_text(risk, "confidence");
    struct buffer line = {0};

    if (is_there(risk, "fired_at")) {
        buffer_append_text(&line, "its risk alert fired ");
        append_at(&line, risk, "fired_at", zone);
    } else if (is_there(risk, "fires_at")) {
        buffer_append_text(&line, "if nothing happens its risk alert fires ");
        append_at(&line, risk, "fires_at", zone);
        buffer_append_text(&line, " (at ");
        append_percent(&line, json_fields_shown(json, risk, "fire"));
        buffer_append_text(&line, ", or late in its target)");
    } else if (slice_is(confidence, "low")) {
        buffer_append_text(&line, "no risk alert: too few clocks like it have ended");
    } else {
        buffer_append_text(&line, "no risk alert before it is due");
    }
    if (is_there(risk, "next_at")) {
        buffer_append_text(&line, "; asked again ");
        append_at(&line, risk, "next_at", zone);
    }
    words_print_wrapped(out, buffer_slice(&line), REASON_INDENT, REASON_INDENT + 2);
    buffer_free(&line);
}

void
explain_risk_print(FILE *out, struct slice risk, const struct zone *zone)
{
    char detail[JSON_DETAIL_BYTES];
    struct json *json = json_new();
    const struct cJSON *object, *because;

    if (json_read(json, risk, &object, detail) == ERROR_NONE) {
        print_chance(out, json, object, zone);
        because = json_fields_find(object, "because");
        if (because != NULL && json_is_list(because))
            for (const struct cJSON *reason = because->child; reason != NULL; reason = reason->next)
                print_reason(out, json, reason);
        print_alert(out, json, object, zone);
    }
    json_free(json);
}
