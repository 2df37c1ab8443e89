/*
 * Durations, percentages and decimal numbers as people write them.
 *
 * Why this way: they are integers inside (milliseconds, basis points), so they are read as integers: 0.1% is
 * 10 basis points, not nearly 10.
 *
 * Always true: no locale, no rounding; what has more digits than the unit holds is refused.
 *
 * Not here: writing durations (base/duration), places and messages (yaml_get).
 */
#include "wire/quantity.h"
#include <stdbool.h>

enum { DIGITS_MAX = 15 };

static bool
is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Takes digits off the front of *rest; -1 when there are none or more than DIGITS_MAX. */
static int
take_number(struct slice *rest, int64_t *ret_number, int *ret_digits)
{
    int64_t number = 0;
    int digits = 0;

    while (rest->bytes > 0 && is_digit(rest->at[0])) {
        if (++digits > DIGITS_MAX)
            return -1;
        number = number * 10 + (rest->at[0] - '0');
        rest->at++;
        rest->bytes--;
    }
    *ret_number = number;
    *ret_digits = digits;
    return digits > 0 ? 0 : -1;
}

int
quantity_parse_duration_ms(struct slice text, int64_t *ret_ms)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'d', 86400000}, {'h', 3600000}, {'m', 60000}, {'s', 1000}};
    size_t next = 0;
    int64_t sum_ms = 0;

    while (text.bytes > 0) {
        int64_t number;
        int digits;

        if (take_number(&text, &number, &digits) != 0 || text.bytes == 0)
            return -1;
        while (next < 4 && units[next].letter != text.at[0])
            next++;
        if (next == 4 || number > (QUANTITY_DURATION_MAX_MS - sum_ms) / units[next].ms)
            return -1;
        sum_ms += number * units[next++].ms;
        text.at++;
        text.bytes--;
    }
    if (sum_ms == 0)
        return -1;
    *ret_ms = sum_ms;
    return 0;
}

int
quantity_parse_decimal(struct slice text, int decimals, int64_t *ret_scaled)
{
    bool negative = text.bytes > 0 && text.at[0] == '-';
    int64_t whole, fraction = 0;
    int digits, fraction_digits = 0;

    if (negative) {
        text.at++;
        text.bytes--;
    }
    if (take_number(&text, &whole, &digits) != 0)
        return -1;
    if (text.bytes > 0 && text.at[0] == '.') {
        text.at++;
        text.bytes--;
        if (take_number(&text, &fraction, &fraction_digits) != 0 || fraction_digits > decimals)
            return -1;
    }
    if (text.bytes > 0 || digits + decimals > DIGITS_MAX)
        return -1;
    for (int i = 0; i < decimals; i++)
        whole *= 10;
    for (int i = fraction_digits; i < decimals; i++)
        fraction *= 10;
    *ret_scaled = negative ? -(whole + fraction) : whole + fraction;
    return 0;
}

int
quantity_parse_share_bp(struct slice text, int *ret_bp)
{
    int64_t scaled;

    if (text.bytes == 0 || text.at[text.bytes - 1] != '%')
        return -1;
    text.bytes--;
    if (quantity_parse_decimal(text, 2, &scaled) != 0 || scaled <= 0 || scaled > 10000)
        return -1;
    *ret_bp = (int)scaled;
    return 0;
}
