/*
 * What: members that several records of the score side have: counts, shares, points, a scope, a PX.
 *
 * Why this way: one rule of rounding for a kind of figure, whatever record it stands in.
 *
 * Always true: points with four decimals, shares with six, without trailing zeros (R70); the dimensions of a
 * scope come in the order of its bits.
 *
 * Not here: which members a record has.
 */
#include "wire/score_parts.h"
#include "wire/number.h"
#include "wire/print.h"

const char *
score_parts_dimension(unsigned dimension)
{
    static const char *const others[] = {"source", "touchpoint", "survey"};

    return dimension < ATTRIBUTES_COUNT ? attribute_text((enum attribute)dimension)
                                        : others[dimension - ATTRIBUTES_COUNT];
}

void
score_parts_count(struct buffer *out, const char *key, int64_t count)
{
    print_key(out, key);
    buffer_append_int64(out, count);
}

void
score_parts_share(struct buffer *out, const char *key, double share)
{
    print_key(out, key);
    number_print(out, share, NUMBER_SHARE_DECIMALS);
}

void
score_parts_points(struct buffer *out, const char *key, double points)
{
    print_key(out, key);
    number_print(out, points, NUMBER_POINTS_DECIMALS);
}

void
score_parts_open(struct buffer *out, const char *key)
{
    print_key(out, key);
    buffer_append_byte(out, '{');
}

void
score_parts_close(struct buffer *out)
{
    buffer_append_byte(out, '}');
}

void
score_parts_scope(struct buffer *out, const struct score_scope *scope)
{
    score_parts_open(out, "scope");
    for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        if ((scope->dimensions & 1U << i) != 0) {
            print_key(out, score_parts_dimension(i));
            print_text(out, scope->values[i]);
        }
    score_parts_close(out);
}

void
score_parts_px(struct buffer *out, const struct score_px *px)
{
    score_parts_share(out, "value", px->value);
    score_parts_share(out, "low", px->low);
    score_parts_share(out, "high", px->high);
    score_parts_count(out, "positive", px->positive);
    score_parts_count(out, "neutral", px->neutral);
    score_parts_count(out, "negative", px->negative);
    score_parts_count(out, "n", px->n);
}

void
score_parts_nps(struct buffer *out, const struct score_nps *nps)
{
    if (nps->present) {
        score_parts_points(out, "value", nps->value);
        score_parts_points(out, "low", nps->low);
        score_parts_points(out, "high", nps->high);
    }
    score_parts_count(out, "promoters", nps->promoters);
    score_parts_count(out, "passives", nps->passives);
    score_parts_count(out, "detractors", nps->detractors);
    score_parts_count(out, "n", nps->n);
}

static void
append_encoded(struct buffer *out, struct slice text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        if (byte == '%' || byte == '/' || byte == ',' || byte == '=') {
            buffer_append_byte(out, '%');
            buffer_append_byte(out, digits[byte >> 4]);
            buffer_append_byte(out, digits[byte & 15]);
        } else {
            buffer_append_byte(out, (char)byte);
        }
    }
}

void
score_parts_scope_key(struct buffer *out, const struct score_scope *scope)
{
    bool first = true;

    for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++) {
        if ((scope->dimensions & 1U << i) == 0)
            continue;
        if (!first)
            buffer_append_byte(out, ',');
        first = false;
        buffer_append_text(out, score_parts_dimension(i));
        buffer_append_byte(out, '=');
        append_encoded(out, scope->values[i]);
    }
}

void
score_parts_text(struct buffer *out, const char *key, struct slice text)
{
    print_key(out, key);
    print_text_or_null(out, text);
}

void
score_parts_instant(struct buffer *out, const char *key, int64_t at_ms)
{
    print_key(out, key);
    print_instant(out, at_ms);
}

void
score_parts_boolean(struct buffer *out, const char *key, bool value)
{
    print_key(out, key);
    print_bool(out, value);
}
