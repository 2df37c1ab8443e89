#ifndef SLAD_WIRE_QUANTITY_H
#define SLAD_WIRE_QUANTITY_H

/* Amounts as people write them in policies, configuration and on the command line (ruling R15). Each returns
 * 0, or -1 and leaves *ret alone. */
#include "base/slice.h"
#include <stdint.h>

#define QUANTITY_DURATION_MAX_MS (INT64_C(10) * 365 * 86400000)

/* "90s", "1h30m", "2d": d, h, m, s, each at most once, in that order; over 0, at most 10 years. */
int quantity_parse_duration_ms(struct slice text, int64_t *ret_ms);
/* "95%", "12.5%": over 0, at most 100, at most two decimals. In basis points. */
int quantity_parse_share_bp(struct slice text, int *ret_bp);
/* "-12.5" with decimals = 4 gives -125000: at most that many decimals, at most 15 digits in all. */
int quantity_parse_decimal(struct slice text, int decimals, int64_t *ret_scaled);

#endif
