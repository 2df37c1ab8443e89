#ifndef SLAD_BASE_DURATION_H
#define SLAD_BASE_DURATION_H

/* Lengths of time for people: "4h", "35m", "1h 30m", "2d 3h 5m", "45s", "1s 250ms", "-5m", "0s". d = 24 h. */
#include <stddef.h>
#include <stdint.h>

enum { DURATION_TEXT_BYTES = 48 }; /* the longest, with the NUL, fits */

/* Exact: every part that is not zero is written. Returns out. */
const char *duration_format(int64_t length_ms, char out[DURATION_TEXT_BYTES]);

#endif
