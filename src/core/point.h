#ifndef SLAD_CORE_POINT_H
#define SLAD_CORE_POINT_H

/*
 * The last derived point of a ticket, packed: its life, its clocks and its course, all that a light fold goes
 * on from. Some hundred bytes. A value of zeroes holds nothing.
 */
#include "core/fold.h"

struct point {
    char *bytes;
    uint32_t used, room;
};

void point_done(struct point *point);
/* Keeps what this fold says now, if it fits (instants within some seventeen years of the first); scratch is
 * for the packing. */
void point_keep(struct point *point, const struct fold *fold, struct buffer *scratch);
/* Puts it back into a light fold of the same ticket and policies, reset for its next step; days_version is
 * set by the caller before. False: there is none, and the fold is that of a ticket that does not exist. */
bool point_restore(const struct point *point, struct fold *fold);
/* The ticket alone, without clocks and course. */
bool point_life(const struct point *point, int64_t base_ms, struct life *ret_life);

#endif
