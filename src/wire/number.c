/*
 * What: a double printed with a fixed number of decimals.
 *
 * Why this way: printf asks the locale for the point and rounds halves to even; a score must be the same
 * bytes everywhere. A double is an integer times a power of two, so its part behind the point, times a power
 * of ten, is an exact integer of at most 73 bits over a power of two: rounding compares integers.
 *
 * Always true: no floating-point operation but the look at the double's bits. Zero has no sign.
 *
 * Not here: exponents, shortest round-trip digits, not-a-number.
 */
#include "wire/number.h"
#include "base/panic.h"
#include <stdbool.h>

__extension__ typedef unsigned __int128 wide;

enum { MANTISSA_BITS = 52, EXPONENT_BIAS = 1075 };

/* |value| = mantissa * 2^exponent */
static bool
take_apart(double value, uint64_t *ret_mantissa, int *ret_exponent)
{
    uint64_t bits;
    int biased;

    memcpy(&bits, &value, sizeof bits);
    biased = (int)(bits >> MANTISSA_BITS & 0x7ff);
    must(biased != 0x7ff); /* infinite or not a number */
    *ret_mantissa = bits & ((UINT64_C(1) << MANTISSA_BITS) - 1);
    if (biased != 0)
        *ret_mantissa |= UINT64_C(1) << MANTISSA_BITS;
    else
        biased = 1;
    *ret_exponent = biased - EXPONENT_BIAS;
    return bits >> 63 != 0;
}

static void
print_parts(struct buffer *out, bool negative, uint64_t whole, uint64_t fraction, int decimals)
{
    char digits[NUMBER_DECIMALS_MAX];

    if (negative && (whole != 0 || fraction != 0))
        buffer_append_byte(out, '-');
    buffer_append_int64(out, (int64_t)whole);
    if (fraction == 0)
        return;
    for (int i = decimals - 1; i >= 0; i--, fraction /= 10)
        digits[i] = (char)('0' + fraction % 10);
    while (decimals > 0 && digits[decimals - 1] == '0')
        decimals--;
    buffer_append_byte(out, '.');
    buffer_append(out, digits, (size_t)decimals);
}

void
number_print(struct buffer *out, double value, int decimals)
{
    uint64_t mantissa, whole, fraction = 0, power = 1;
    int exponent;
    bool negative = take_apart(value, &mantissa, &exponent);

    must(decimals >= 0 && decimals <= NUMBER_DECIMALS_MAX && exponent <= 10);
    for (int i = 0; i < decimals; i++)
        power *= 10;
    if (exponent >= 0) {
        whole = mantissa << exponent;
    } else {
        int shift = -exponent; /* 1 .. 1074 */
        wide behind = shift > MANTISSA_BITS ? mantissa : mantissa & ((UINT64_C(1) << shift) - 1);
        wide scaled = behind * power;

        whole = shift > MANTISSA_BITS ? 0 : mantissa >> shift;
        /* half a unit is 2^(shift-1); from 2^75 on nothing reaches it */
        if (shift <= 75)
            fraction = (uint64_t)((scaled + ((wide)1 << (shift - 1))) >> shift);
    }
    must(whole <= INT64_MAX);
    if (fraction == power) {
        whole++;
        fraction = 0;
    }
    print_parts(out, negative, whole, fraction, decimals);
}
