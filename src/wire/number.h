#ifndef SLAD_WIRE_NUMBER_H
#define SLAD_WIRE_NUMBER_H

/* Doubles as decimal text: the same bytes on every machine and in every locale (rulings R70). */
#include "base/buffer.h"

enum { NUMBER_DECIMALS_MAX = 6, NUMBER_POINTS_DECIMALS = 4, NUMBER_SHARE_DECIMALS = 6 };

/* Appends value rounded to `decimals` (0..NUMBER_DECIMALS_MAX) places, halves away from zero, without
 * trailing zeros: "25",
 * "-0.5", "0.888251", never "-0". Rounding is decided on the exact value of the double, so 0.15 to one place
 * is 0.1 (the double lies below). value must be finite and of a magnitude below 2^63. */
void number_print(struct buffer *out, double value, int decimals);

#endif
