#ifndef SLAD_CORE_SCORE_SERIES_H
#define SLAD_CORE_SCORE_SERIES_H

/*
 * A log of record numbers in order of time with sums over any stretch of it: what one scope knows of one kind
 * of thing. All windows share it: a window is two places in it. 12 bytes an entry and about 3 more.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCORE_COLUMNS_COUNT = 8, SCORE_BOUNDS_MAX = 64 };

/* Whole numbers that add up; what a column means is the affair of the kind of series. */
struct score_tally {
    int64_t columns[SCORE_COLUMNS_COUNT];
};

#define SCORE_SERIES_MARK UINT32_C(0x80000000) /* one bit an entry beside the number, the caller's */

struct score_leaf;
struct score_series {
    struct score_leaf *leaves; /* in order of time */
    int64_t *first_ms;         /* of each leaf */
    uint32_t leaves_count, leaves_room;
    uint32_t count;
    uint32_t groups_valid, groups_room; /* leading groups of leaves whose sums are known */
    struct score_tally *groups;
};

/* Adds what one entry (its number, its mark) weighs to *tally. Must give for an entry what it was inserted
 * with. */
struct score_weigher {
    void (*weigh)(const struct score_weigher *weigher, uint32_t entry, struct score_tally *tally);
    const void *context;
    uint64_t kind;
};

void score_series_done(struct score_series *series);
/* (at_ms, number) must not be there yet; all that is there weighs what it weighed when it came. */
void score_series_insert(struct score_series *series, int64_t at_ms, uint32_t entry,
                         const struct score_tally *weight, const struct score_weigher *weigher);
/* The entry of (at_ms, number) with its mark. It must be there, here and below. */
uint32_t score_series_find(const struct score_series *series, int64_t at_ms, uint32_t number);
void score_series_remove(struct score_series *series, int64_t at_ms, uint32_t number,
                         const struct score_tally *weight);
/* Sets or clears the mark; change is added to the sums. */
void score_series_mark(struct score_series *series, int64_t at_ms, uint32_t number, bool marked,
                       const struct score_tally *change);

/* Before sums are asked for often: all of them are then quick. O(1) when nothing was put in but at the end.
 */
void score_series_prepare(struct score_series *series);
/* ret_sums[i] = what the entries weigh with bounds[0] < at <= bounds[i]; bounds ascend, at most
 * SCORE_BOUNDS_MAX. One pass. */
void score_series_sums(const struct score_series *series, const int64_t *bounds, size_t bounds_count,
                       const struct score_weigher *weigher, struct score_tally *ret_sums);
/* The first instant after at_ms at which an entry stands; INT64_MAX when none. */
int64_t score_series_first_after_ms(const struct score_series *series, int64_t at_ms);
/* Every entry after `after` up to `through`, in order. */
void score_series_each(const struct score_series *series, int64_t after_ms, int64_t through_ms,
                       void (*visit)(void *context, int64_t at_ms, uint32_t entry), void *context);
size_t score_series_bytes(const struct score_series *series);
/* Audits order and sums; panics when broken. */
void score_series_check(const struct score_series *series, const struct score_weigher *weigher);

static inline void
score_tally_add(struct score_tally *to, const struct score_tally *more)
{
    for (size_t i = 0; i < SCORE_COLUMNS_COUNT; i++)
        to->columns[i] += more->columns[i];
}

static inline void
score_tally_subtract(struct score_tally *from, const struct score_tally *less)
{
    for (size_t i = 0; i < SCORE_COLUMNS_COUNT; i++)
        from->columns[i] -= less->columns[i];
}

#endif
