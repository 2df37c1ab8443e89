#ifndef SLAD_SHELL_HANDOVER_H
#define SLAD_SHELL_HANDOVER_H

/*
 * A bounded queue in which one thread hands whole things to another: a mutex, a ring, a condition, and an
 * eventfd for a reader that sleeps in an event loop. Whoever puts an item gives it away; whoever takes it
 * owns it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handover;

/* Never NULL; items_max >= 1. */
struct handover *handover_new(size_t items_max);
/* Nobody may be inside any more. Items still in it are the caller's loss: take them first. NULL is fine. */
void handover_free(struct handover *handover);

/* Puts an item (never NULL). Waits while the queue is full; false when it was closed meanwhile: the item is
 * still the caller's. */
bool handover_put(struct handover *handover, void *item);
/* The oldest item, or NULL when there is none. Never waits. */
void *handover_take(struct handover *handover);
/* As handover_take, but waits up to timeout_ms for one. NULL: nothing came, or the queue is closed and empty.
 */
void *handover_take_wait(struct handover *handover, int64_t timeout_ms);
/* No more items: puts fail, waits end. What is in it can still be taken. */
void handover_close(struct handover *handover);
bool handover_is_closed(struct handover *handover);
size_t handover_count(struct handover *handover);

/* Readable as long as something was put since the last handover_clear. For poll and event loops: clear, then
 * take until NULL. */
int handover_descriptor(const struct handover *handover);
void handover_clear(struct handover *handover);

#endif
