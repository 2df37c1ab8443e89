#ifndef SLAD_CORE_POINT_H
#define SLAD_CORE_POINT_H

/*
 * The last derived point of a ticket, packed: its life, its clocks and its course, all that a light fold goes
 * on from. Some hundred bytes. A value of zeroes holds nothing.
 */
#include "core/fold.h"

struct hot_image;

#define POINT_IS_HOT UINT32_MAX
struct point {
    union {
        char *bytes;
        struct hot_image *image; /* used == POINT_IS_HOT: it lies unpacked (hot) */
    };
    uint32_t used, room;
};

/* What is packed. Borrowed. */
struct point_content {
    const struct policy_set *set;
    int64_t base_ms; /* the history's */
    const struct life *life;
    const struct clock *clocks;
    size_t clocks_count;
    struct course course;
};

static inline bool
point_is_hot(const struct point *point)
{
    return point->used == POINT_IS_HOT;
}

/* The following are for points that are not hot. */
void point_done(struct point *point);
void point_pack(struct point *point, const struct point_content *content, struct buffer *scratch);
/* Keeps what this fold says now, if it fits (instants within some seventeen years of the first); scratch is
 * for the packing. */
void point_keep(struct point *point, const struct fold *fold, struct buffer *scratch);
/* Puts it back into a light fold of the same ticket and policies, reset for its next step; days_version is
 * set by the caller before. False: there is none, and the fold is that of a ticket that does not exist. */
bool point_restore(const struct point *point, struct fold *fold);
/* The ticket alone, without clocks and course. */
bool point_life(const struct point *point, int64_t base_ms, struct life *ret_life);

#endif
