#ifndef SLAD_BASE_INSTANT_H
#define SLAD_BASE_INSTANT_H

/*
 * Instants: UTC milliseconds since 1970-01-01T00:00:00Z, and how they are read and written (RFC 3339, rulings
 * R13). The proleptic Gregorian calendar, no leap seconds. Years 1 to 9999.
 */
#include "base/slice.h"
#include <stdint.h>

#define INSTANT_MIN_MS INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define INSTANT_MAX_MS INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

enum { INSTANT_TEXT_BYTES = 25 }; /* with the NUL */

/* "2026-11-22T10:15:30.5+01:00": any offset, upper or lower case t and z, any fraction (cut off past
 * milliseconds). Refused: second 60, year 0000, days the month does not have, instants outside of years 1 to
 * 9999 in UTC, anything before or behind. 0, or -1 and *ret_ms is untouched. */
int instant_parse(struct slice text, int64_t *ret_ms);
/* "2026-11-22T10:15:30.000Z": always 24 characters and a NUL. An instant outside of the range is written as
 * the nearest one inside. */
void instant_format(int64_t at_ms, char out[INSTANT_TEXT_BYTES]);

struct instant_date {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};

/* Days since 1970-01-01 and back (Howard Hinnant, "chrono-compatible low-level date algorithms"). Any year
 * within a few million of today. */
int64_t instant_days_from_civil(int64_t year, int32_t month, int32_t day);
struct instant_date instant_civil_from_days(int64_t days);
int32_t instant_weekday(int64_t days); /* 0 = Monday .. 6 = Sunday */
int32_t instant_days_of_month(int64_t year, int32_t month);

#endif
