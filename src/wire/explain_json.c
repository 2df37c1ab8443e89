/*
 * What: clocks, stretches and warnings of an explanation, as JSON.
 *
 * Why here: slactl explain and the API say the same figures, so one place prints them.
 *
 * Always true: keys in this order; a text that is not there is null; lengths are milliseconds.
 *
 * Not here: what is true (core/explain), words for people (slactl).
 */
#include "wire/explain_json.h"
#include "wire/effect.h"
#include "wire/print.h"
#include "wire/told_json.h"
#include <openssl/sha.h>
#include <stdio.h>

enum { ZONE_HASH_BYTES = 4 };

static const char *const whys[] = {"counted", "closed", "paused", "over"};

static void
print_number(struct buffer *out, const char *key, int64_t value)
{
    print_key(out, key);
    buffer_append_int64(out, value);
}

static void
print_name(struct buffer *out, const struct clock_name *name)
{
    print_key(out, "ticket"), print_text(out, name->ticket);
    print_key(out, "kind"), print_text(out, slice_of(clock_kind_text(name->kind)));
    print_key(out, "clock"), print_text(out, name->clock);
    print_number(out, "cycle", name->cycle);
}

void
explain_json_parties(struct buffer *out, uint8_t parties)
{
    buffer_append_byte(out, '[');
    for (int party = 0; party < PARTIES_COUNT; party++) {
        if ((parties & PARTY_BIT(party)) == 0)
            continue;
        print_comma(out);
        print_text(out, slice_of(party_text((enum party)party)));
    }
    buffer_append_byte(out, ']');
}

static void
print_cause(struct buffer *out, const struct explain_cause *cause)
{
    static const char *const kinds[] = {"event", "merge_in", "policy"};

    buffer_append_byte(out, '{');
    print_key(out, "kind"), print_text(out, slice_of(kinds[cause->kind]));
    print_key(out, "at"), print_instant(out, cause->at_ms);
    if (cause->kind == EXPLAIN_EVENT) {
        print_key(out, "event"), print_text_or_null(out, cause->event);
        print_key(out, "source"), print_text_or_null(out, cause->source);
        print_key(out, "type"), print_text(out, slice_of(event_type_text(cause->type)));
    }
    if (cause->kind == EXPLAIN_VERSION)
        print_key(out, "policy"), print_text(out, cause->policy);
    if (cause->other.at != NULL)
        print_key(out, "ticket"), print_text(out, cause->other);
    print_key(out, "status"), print_text_or_null(out, cause->status);
    print_key(out, "group"), print_text_or_null(out, cause->group);
    print_key(out, "waits_for"), explain_json_parties(out, cause->ball);
    print_key(out, "moved_start"), print_bool(out, cause->moved_start);
    buffer_append_byte(out, '}');
}

void
explain_json_stretch(struct buffer *out, const struct clock_name *name, const struct explain_stretch *stretch)
{
    buffer_append_byte(out, '{');
    if (name != NULL) {
        print_key(out, "record"), print_text(out, slice_of("stretch"));
        print_name(out, name);
    }
    print_key(out, "projected"), print_bool(out, stretch->projected);
    print_key(out, "why"), print_text(out, slice_of(whys[stretch->why]));
    print_key(out, "from"), print_instant(out, stretch->from_ms);
    print_key(out, "to"), print_instant(out, stretch->to_ms);
    print_number(out, "counted_ms", stretch->counted_ms);
    print_number(out, "in_hours_ms", stretch->in_hours_ms);
    print_number(out, "elapsed_ms", stretch->elapsed_ms);
    print_key(out, "party"), print_text(out, slice_of(party_text(stretch->party)));
    print_key(out, "calendar"), print_text(out, stretch->calendar);
    print_key(out, "begins_at_edge"), print_bool(out, stretch->begins_at_edge);
    print_key(out, "ends_at_edge"), print_bool(out, stretch->ends_at_edge);
    print_key(out, "policy"), print_text(out, stretch->policy);
    print_number(out, "target_ms", stretch->target_ms);
    print_key(out, "cause"), print_cause(out, &stretch->cause);
    buffer_append_byte(out, '}');
}

void
explain_json_risk(struct buffer *out, const struct clock_name *name, const struct explain_risk *risk)
{
    size_t object;

    buffer_append_byte(out, '{');
    if (name != NULL) {
        print_key(out, "record"), print_text(out, slice_of("foresight"));
        print_name(out, name);
    }
    print_key(out, "probability"), told_json_permille(out, risk->told.forecast.p_permille);
    object = out->bytes;
    told_json_print(out, &risk->told);
    out->at[object] = ',';
    out->bytes--;
    print_number(out, "next_elapsed_ms", risk->next_elapsed_ms);
    print_key(out, "next_at"), print_instant(out, risk->next_at_ms);
    print_key(out, "fire"), told_json_permille(out, risk->fire_permille);
    print_key(out, "fired_at"), print_instant(out, risk->fired_at_ms);
    print_key(out, "fires_at"), print_instant(out, risk->fires_at_ms);
    buffer_append_byte(out, '}');
}

void
explain_json_append_zone(struct buffer *out, struct slice file)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char digits[3];

    SHA256((const unsigned char *)file.at, file.bytes, hash);
    for (int i = 0; i < ZONE_HASH_BYTES; i++) {
        snprintf(digits, sizeof digits, "%02x", hash[i]);
        buffer_append_text(out, digits);
    }
}

void
explain_json_clock(struct buffer *out, const char *record, const struct explain_clock *clock)
{
    struct clock_line as_line = {clock->name, clock->figures};
    size_t object;

    if (record != NULL) {
        buffer_append_byte(out, '{');
        print_key(out, "record"), print_text(out, slice_of(record));
    }
    object = out->bytes;
    effect_print_clock(out, &as_line);
    if (record != NULL)
        out->at[object] = ',';
    out->bytes--;
    print_key(out, "measure"), print_text(out, slice_of(measure_text(clock->measure)));
    print_key(out, "counts"), explain_json_parties(out, clock->counts);
    print_key(out, "calendar"), print_text(out, clock->calendar);
    print_key(out, "time_zone"), print_text(out, clock->zone_name);
    print_key(out, "zone_data");
    if (clock->zone_bytes.at == NULL) {
        buffer_append_text(out, "null");
    } else {
        buffer_append_byte(out, '"');
        explain_json_append_zone(out, clock->zone_bytes);
        buffer_append_byte(out, '"');
    }
    print_key(out, "policy"), print_text(out, clock->policy);
    print_key(out, "days_policy"), print_text(out, clock->days_policy);
    print_key(out, "ended_by");
    if (clock->has_end)
        print_cause(out, &clock->end);
    else
        buffer_append_text(out, "null");
    buffer_append_byte(out, '}');
}

void
explain_json_sum(struct buffer *out, const struct clock_name *name, size_t stretches_count,
                 int64_t counted_ms, int64_t projected_ms)
{
    buffer_append_byte(out, '{');
    print_key(out, "record"), print_text(out, slice_of("sum"));
    print_name(out, name);
    print_number(out, "stretches", (int64_t)stretches_count);
    print_number(out, "counted_ms", counted_ms);
    print_number(out, "projected_ms", projected_ms);
    buffer_append_byte(out, '}');
}

void
explain_json_stage(struct buffer *out, const struct explain_stage *stage)
{
    buffer_append_byte(out, '{');
    print_key(out, "stage"), print_text(out, stage->name);
    print_number(out, "after_ms", stage->after_ms);
    print_key(out, "at"), print_instant(out, stage->at_ms);
    print_key(out, "projected"), print_bool(out, stage->projected);
    buffer_append_byte(out, '}');
}
