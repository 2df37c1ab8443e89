#ifndef SLAD_SHELL_SOURCE_H
#define SLAD_SHELL_SOURCE_H

/*
 * A partition as its reader sees it: whether anything is left of it, and whether what comes is old. By the
 * first a task knows when its time may follow the wall, by the second that it is behind and says nothing
 * (semantics.md 1.5). Told the time; the loop thread only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOURCE_BEHIND_MS = 2000, /* more is waiting, and the last record was older than that when it came */
    SOURCE_DOUBT_MS =
        5000, /* so long after source_doubt_end neither a record nor an end: nothing can be read */
    SOURCE_SETTLE_MS = 1000 /* after a standstill T does not follow the wall before: see source_stood_still */
};

/* Read by anybody; changed by the functions below alone. */
struct source {
    bool at_end;             /* nothing is left of it, as far as it is known; then it does not lag */
    bool lags;               /* more is waiting and the last record was old; so it is before the first one */
    int64_t doubted_mono_ms; /* since when it is not sure that at_end is over; 0: it is sure */
};

/* Nothing of it has been read. */
void source_begin(struct source *source);

/* A record of this Kafka timestamp is there. Returns the instant at which it counts as arrived: the
 * timestamp, but never after now_ms (both UTC). */
int64_t source_arrive(struct source *source, int64_t timestamp_ms, int64_t now_ms);

/* The end was told, or the last record that there is has been dealt with. */
void source_reach_end(struct source *source);

/* More may be there by now than was told, for nothing was read for a while. It changes nothing about a source
 * that was not at its end; a doubt begins anew. now_mono_ms > 0. */
void source_doubt_end(struct source *source, int64_t now_mono_ms);

/* Nothing that can be read is left in any of them: each is at its end, or has been doubted for
 * SOURCE_DOUBT_MS, and a transaction is open in front of what lies there. fetching: the consumer would have
 * brought it by now; while it is paused a doubt stays one. */
bool source_all_read(const struct source *sources, size_t count, bool fetching, int64_t now_mono_ms);

/* Any of them lags: who reads them is behind. */
bool source_any_lags(const struct source *sources, size_t count);

/* Whether who was there at before_mono_ms (0: never yet) and is at now_mono_ms has stood still: stopped and
 * continued, suspended, or it did not read. What came meanwhile lies in Kafka, and at_end does not know yet:
 * for SOURCE_SETTLE_MS nobody is to rely on it. */
bool source_stood_still(int64_t before_mono_ms, int64_t now_mono_ms);

#endif
