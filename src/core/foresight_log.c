/*
 * Logarithms and exponentials in integers.
 *
 * Why by table: what a model decides must be the same on every machine, and a mathematical library is not.
 * 256 steps of one octave with a straight line between them are exact to a few millionths, more than counts
 * of tickets ever are. Always true: each function is monotone; rounding treats both signs alike. Not here:
 * what is computed with them (foresight_forecast, foresight).
 */
#include "core/foresight_log.h"
#include "base/panic.h"
#include "core/foresight_log_tables.h"

#define LOG2_E_Q32 UINT64_C(6196328019) /* log2(e) */
#define LN_2_Q32 UINT64_C(2977044472)

uint32_t
foresight_log_half_q32(uint64_t x_q16)
{
    uint64_t octaves = x_q16 >> 16;
    uint32_t step = (uint32_t)(x_q16 >> 8) & 255, rest = (uint32_t)x_q16 & 255;
    uint32_t from = half_powers[step], fall = from - half_powers[step + 1];

    if (octaves >= 32)
        return 0;
    return (uint32_t)((from - ((uint64_t)fall * rest >> 8)) >> octaves);
}

uint32_t
foresight_log_exp_q32(uint32_t x_q16)
{
    if (x_q16 >= (UINT32_C(32) << 16))
        return 0; /* below e^-32 */
    return foresight_log_half_q32((x_q16 * LOG2_E_Q32 + (UINT64_C(1) << 31)) >> 32);
}

uint32_t
foresight_log_neg_q16(uint32_t p_q32)
{
    unsigned octaves;
    uint32_t mantissa, step, rest;
    uint64_t log2_q24;

    must(p_q32 != 0);
    octaves = (unsigned)__builtin_clz(p_q32);
    mantissa = (p_q32 << octaves) & UINT32_C(0x7fffffff);
    step = mantissa >> 23;
    rest = mantissa & UINT32_C(0x7fffff);
    log2_q24 =
        logarithms[step] + ((uint64_t)(logarithms[step + 1] - logarithms[step]) * rest >> 23); /* of 1 .. 2 */
    log2_q24 = ((uint64_t)(octaves + 1) << 24) - log2_q24;
    return (uint32_t)((log2_q24 * (LN_2_Q32 >> 8) + (UINT64_C(1) << 31)) >> 32);
}

int32_t
foresight_log_logit_q16(uint32_t x_q16)
{
    uint32_t p_q32 = foresight_log_exp_q32(x_q16);
    uint32_t not_q32 = UINT32_MAX - p_q32;
    int64_t logit_q16;

    if (not_q32 == 0)
        return LOGIT_MAX_Q16;
    logit_q16 = (int64_t)foresight_log_neg_q16(not_q32) - x_q16;
    return foresight_log_clamp(logit_q16, LOGIT_MAX_Q16);
}

uint32_t
foresight_log_sigmoid_q16(int32_t x_q16)
{
    uint64_t e_q32 = foresight_log_exp_q32((uint32_t)(x_q16 < 0 ? -(int64_t)x_q16 : x_q16));
    uint64_t one = UINT64_C(1) << 32;
    uint32_t small = (uint32_t)((e_q32 * Q16_ONE + (one + e_q32) / 2) / (one + e_q32));

    return x_q16 < 0 ? small : Q16_ONE - small;
}

uint32_t
foresight_log_root(uint64_t x)
{
    uint64_t root = 0;

    for (uint64_t bit = UINT64_C(1) << 31; bit > 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= x)
            root |= bit;
    }
    return (uint32_t)root;
}

int64_t
foresight_log_scale(int64_t a, int64_t b, unsigned shift)
{
    int64_t product = a * b, half = INT64_C(1) << (shift - 1);

    return product < 0 ? -((-product + half) >> shift) : (product + half) >> shift;
}

int32_t
foresight_log_clamp(int64_t x, int32_t bound)
{
    return (int32_t)(x > bound ? bound : x < -bound ? -bound : x);
}
