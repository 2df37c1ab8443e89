#ifndef SLAD_CORE_HOT_H
#define SLAD_CORE_HOT_H

/*
 * The points of the tickets that were touched lately, unpacked: as a fold has them, so that they are copied
 * and nothing is read or written bit by bit. At most so many at once; which they are is seen by nobody but a
 * clock on the wall. Every kept point of a ticket goes through here.
 */
#include "core/point.h"

struct ticket;
struct hot;

/* tickets_max 0: every point is packed at once. */
struct hot *hot_new(size_t tickets_max);
void hot_free(struct hot *hot); /* its tickets are gone */

/* Keeps what this fold says of the ticket now; another one may be packed in its place. */
void hot_keep(struct hot *hot, struct ticket *ticket, const struct fold *fold);
/* As point_restore. The fold is of this ticket; its set and its days_version are set. */
bool hot_restore(const struct ticket *ticket, struct fold *fold);
/* The ticket alone; false: there is no point. */
bool hot_life(const struct ticket *ticket, struct life *ret_life);
/* Its point goes, packed or not. */
void hot_drop(struct hot *hot, struct ticket *ticket);
/* Packs them all: before a policy they point into goes. */
void hot_cool(struct hot *hot);

size_t hot_count(const struct hot *hot);
/* Bytes of this ticket's point, packed or not. */
size_t hot_bytes(const struct ticket *ticket);

#endif
