#ifndef SLAD_BASE_HEAP_H
#define SLAD_BASE_HEAP_H

/*
 * The next instants first: a min-heap of items that live inside their owners. An item knows its place, so it
 * is moved or taken out in O(log n). Equal instants come in the order of tie_less, which must be total over
 * the items of one heap: then the order of firing does not depend on how the heap was filled.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_NOWHERE UINT32_MAX

/* at_ms and position are written by heap.c only, but for the owner's first heap_item_init. */
struct heap_item {
    int64_t at_ms;
    uint32_t position; /* HEAP_NOWHERE when it is in no heap */
};

struct heap;

static inline void
heap_item_init(struct heap_item *item)
{
    item->at_ms = 0;
    item->position = HEAP_NOWHERE;
}

static inline bool
heap_item_is_in(const struct heap_item *item)
{
    return item->position != HEAP_NOWHERE;
}

/* tie_less(a, b): a comes before b when their instants are equal. NULL: any order. */
struct heap *heap_new(bool (*tie_less)(const struct heap_item *a, const struct heap_item *b));
void heap_free(struct heap *heap); /* the items are the owners' */

void heap_put(struct heap *heap, struct heap_item *item, int64_t at_ms);  /* it is in no heap */
void heap_move(struct heap *heap, struct heap_item *item, int64_t at_ms); /* it is in this one */
void heap_remove(struct heap *heap, struct heap_item *item);              /* it is in this one */
/* The first item; NULL when empty. */
struct heap_item *heap_top(const struct heap *heap);
size_t heap_count(const struct heap *heap);
size_t heap_bytes(const struct heap *heap);
/* Audits the whole heap; panics when it is broken. O(n). */
void heap_check(const struct heap *heap);

#endif
