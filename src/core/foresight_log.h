#ifndef SLAD_CORE_FORESIGHT_LOG_H
#define SLAD_CORE_FORESIGHT_LOG_H

/*
 * Logarithms and exponentials in integers, by table: the same on every machine. Names end in the unit: _q16
 * is 1/65536, _q32 is 1/2^32. Probabilities in q32 are 1 .. 2^32 - 1. Errors are below 1/20,000 of what is
 * asked.
 */
#include <stdint.h>

#define Q16_ONE 65536
#define LOGIT_MAX_Q16 (8 * Q16_ONE) /* log-odds are kept within -8 .. 8: 3 in 10,000 */

/* 2^-x, x >= 0 in q16; below 2^-32: 0. 2^-0 is 2^32 - 1. */
uint32_t foresight_log_half_q32(uint64_t x_q16);
/* e^-x, x >= 0. */
uint32_t foresight_log_exp_q32(uint32_t x_q16);
/* -ln p, p of 1 .. 2^32 - 1. */
uint32_t foresight_log_neg_q16(uint32_t p_q32);
/* Log-odds of e^-x, within the bounds above. */
int32_t foresight_log_logit_q16(uint32_t x_q16);
/* 1 / (1 + e^-x): 0 .. 65536. */
uint32_t foresight_log_sigmoid_q16(int32_t x_q16);
/* The whole root of x: rounded down. */
uint32_t foresight_log_root(uint64_t x);
/* a * b / 2^shift, rounded to the nearest, halves away from 0: the same for either sign. */
int64_t foresight_log_scale(int64_t a, int64_t b, unsigned shift);
int32_t foresight_log_clamp(int64_t x, int32_t bound); /* within -bound .. bound */

#endif
