#ifndef SLAD_ZONE_H
#define SLAD_ZONE_H

/*
 * A time zone from TZif bytes (RFC 9636, versions 1 to 4, footer rule included). Reading the file is the
 * caller's: the core takes bytes. Immutable after zone_new; any number of zones at once; no process-wide TZ
 * is touched.
 */
#include <stddef.h>
#include <stdint.h>

struct zone;

/* Takes the bytes of one TZif file (borrowed for the call). Returns NULL and sets *ret_error to a static
 * English sentence when they are not a sound TZif file; never reads outside [bytes, bytes + count). */
struct zone *zone_new(const void *bytes, size_t count, const char **ret_error);
void zone_free(struct zone *zone);

/* Seconds east of UTC in force at this instant (UTC seconds): at most 26 hours either way. Exact in years 0
 * to 10000. */
int32_t zone_offset_s(const struct zone *zone, int64_t at_s);
/* The first instant after at_s at which the offset changes; INT64_MAX if there is none. */
int64_t zone_next_change_s(const struct zone *zone, int64_t at_s);

/* Local wall-clock seconds (as if UTC) to UTC seconds. A local time inside a gap is the transition instant;
 * in a repeated hour: first = the first occurrence, last = the last. */
int64_t zone_first_utc_s(const struct zone *zone, int64_t local_s);
int64_t zone_last_utc_s(const struct zone *zone, int64_t local_s);
/* When local clocks are last before local_s: where a window that ends at local_s closes. It is
 * zone_last_utc_s, but for the first moment of a repeated hour, which is its first occurrence (rulings R2).
 */
int64_t zone_close_utc_s(const struct zone *zone, int64_t local_s);

/* Before *ret_before_s the offset is one and the same; from *ret_from_s on it repeats every 400 years
 * (146,097 days). INT64_MIN for the first: there is no such beginning; for the second: it repeats through all
 * time. */
void zone_settled_s(const struct zone *zone, int64_t *ret_before_s, int64_t *ret_from_s);

#endif
