/*
 * What: key experience indicators as JSON, and their keys.
 *
 * Why this way: a board shows a KEI by itself, so its record says what is measured, of whom, against what,
 * who answers for it and whether somebody looked at it in time.
 *
 * Always true: the same struct gives the same bytes.
 *
 * Not here: what a measure is (core/score_keis.c).
 */
#include "wire/kei_json.h"
#include "wire/effect.h"
#include "wire/print.h"
#include "wire/score_parts.h"

static void
print_value(struct buffer *out, const struct score_kei *kei, const char *key, double value)
{
    if (kei->unit == KEI_LENGTH)
        score_parts_count(out, key, (int64_t)value);
    else if (kei->unit == KEI_SHARE)
        score_parts_share(out, key, value);
    else
        score_parts_points(out, key, value);
}

static void
print_values(struct buffer *out, const struct score_kei *kei, const struct policy_match_key *key)
{
    print_key(out, score_parts_dimension(
                       (unsigned)key->attribute)); /* POLICY_MATCH_SOURCE is the bit behind them */
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < key->values_count; i++) {
        print_comma(out);
        print_text(out, symbols_text(kei->symbols, key->values[i]));
    }
    buffer_append_byte(out, ']');
}

static void
print_match(struct buffer *out, const struct score_kei *kei)
{
    score_parts_open(out, "match");
    for (size_t i = 0; i < kei->kei->match.keys_count; i++)
        print_values(out, kei, &kei->kei->match.keys[i]);
    if (kei->kei->touchpoint != 0)
        score_parts_text(out, "touchpoint", symbols_text(kei->symbols, kei->kei->touchpoint));
    if (kei->kei->survey != 0)
        score_parts_text(out, "survey", symbols_text(kei->symbols, kei->kei->survey));
    score_parts_close(out);
}

static void
print_trend(struct buffer *out, const struct score_kei *kei)
{
    if (!kei->has_previous)
        return;
    score_parts_open(out, "trend");
    print_value(out, kei, "previous", kei->previous);
    print_value(out, kei, "difference", kei->value - kei->previous);
    if (kei->has_z)
        score_parts_share(out, "z", kei->z);
    score_parts_count(out, "previous_n", kei->previous_n);
    score_parts_close(out);
}

void
kei_json_print(struct buffer *out, const struct score_kei *kei)
{
    static const char *const units[] = {[KEI_SHARE] = "share", [KEI_POINTS] = "points", [KEI_LENGTH] = "ms"};

    buffer_append_byte(out, '{');
    score_parts_text(out, "type", slice_of("kei"));
    score_parts_text(out, "name", kei->kei->name);
    score_parts_text(out, "measure", kei->kei->measure);
    print_match(out, kei);
    score_parts_text(out, "window", kei->kei->window.name);
    score_parts_instant(out, "at", kei->at_ms);
    score_parts_text(out, "unit", slice_of(units[kei->unit]));
    score_parts_count(out, "n", kei->n);
    if (kei->present)
        print_value(out, kei, "value", kei->value);
    print_value(out, kei, "target",
                (double)kei->kei->target_value / (kei->unit == KEI_LENGTH ? 1.0 : 10000.0));
    if (kei->present)
        score_parts_boolean(out, "met", kei->met);
    print_trend(out, kei);
    score_parts_text(out, "owner", kei->kei->owner);
    score_parts_text(out, "review_by", kei->kei->review_by);
    score_parts_boolean(out, "overdue", kei->overdue);
    buffer_append_byte(out, '}');
}

void
kei_json_key(struct buffer *out, const struct score_kei *kei)
{
    buffer_append_text(out, "kei/");
    effect_print_segment(out, kei->kei->name);
}

void
kei_json_id(struct buffer *out, const struct score_kei *kei)
{
    kei_json_key(out, kei);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, kei->at_ms);
}
