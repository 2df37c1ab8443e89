/*
 * What: a 4-ary indexed min-heap.
 *
 * Why this way: millions of timers, most of which are moved often and fire never. Four children share a cache
 * line of {instant, item} pairs, so a sift compares without touching the items unless instants tie.
 *
 * Always true: slots[i].at_ms == slots[i].item->at_ms; slots[i].item->position == i; no child comes before
 * its parent. A position is assigned in place_item and forgotten in heap_remove, nowhere else.
 *
 * Not here: no clock, no callbacks when an instant comes: heap_top is asked.
 */
#include "base/heap.h"
#include "base/memory.h"
#include "base/panic.h"

enum { CHILDREN = 4, SLOTS_MIN = 16 };

struct slot {
    int64_t at_ms;
    struct heap_item *item;
};

struct heap {
    struct slot *slots;
    size_t count;
    size_t room;
    bool (*tie_less)(const struct heap_item *a, const struct heap_item *b);
};

struct heap *
heap_new(bool (*tie_less)(const struct heap_item *a, const struct heap_item *b))
{
    struct heap *heap = memory_allocate_zeroed(1, sizeof *heap);

    heap->tie_less = tie_less;
    return heap;
}

void
heap_free(struct heap *heap)
{
    if (heap == NULL)
        return;
    memory_free(heap->slots);
    memory_free(heap);
}

static inline bool
less(const struct heap *heap, struct slot a, struct slot b)
{
    if (a.at_ms != b.at_ms)
        return a.at_ms < b.at_ms;
    return heap->tie_less != NULL && heap->tie_less(a.item, b.item);
}

static inline void
place_item(struct heap *heap, size_t i, struct slot slot)
{
    heap->slots[i] = slot;
    slot.item->position = (uint32_t)i;
}

static size_t
sift_up(struct heap *heap, size_t i, struct slot slot)
{
    while (i > 0) {
        size_t parent = (i - 1) / CHILDREN;

        if (!less(heap, slot, heap->slots[parent]))
            break;
        place_item(heap, i, heap->slots[parent]);
        i = parent;
    }
    return i;
}

static size_t
sift_down(struct heap *heap, size_t i, struct slot slot)
{
    for (;;) {
        size_t child = i * CHILDREN + 1;
        size_t end = child + CHILDREN < heap->count ? child + CHILDREN : heap->count;
        size_t least = child;

        if (child >= heap->count)
            break;
        for (child++; child < end; child++)
            if (less(heap, heap->slots[child], heap->slots[least]))
                least = child;
        if (!less(heap, heap->slots[least], slot))
            break;
        place_item(heap, i, heap->slots[least]);
        i = least;
    }
    return i;
}

/* Puts the slot where it belongs, beginning with the free place i. */
static void
settle(struct heap *heap, size_t i, struct slot slot)
{
    size_t up = sift_up(heap, i, slot);

    place_item(heap, up == i ? sift_down(heap, i, slot) : up, slot);
}

static void
must_be_in(const struct heap *heap, const struct heap_item *item)
{
    must(item->position < heap->count);
    must(heap->slots[item->position].item == item);
}

void
heap_put(struct heap *heap, struct heap_item *item, int64_t at_ms)
{
    must(item->position == HEAP_NOWHERE);
    must(heap->count < HEAP_NOWHERE);
    if (heap->count == heap->room) {
        heap->room = heap->room == 0 ? SLOTS_MIN : heap->room * 2;
        heap->slots = memory_resize(heap->slots, heap->room * sizeof *heap->slots);
    }
    item->at_ms = at_ms;
    heap->count++;
    settle(heap, heap->count - 1, (struct slot){at_ms, item});
}

void
heap_move(struct heap *heap, struct heap_item *item, int64_t at_ms)
{
    must_be_in(heap, item);
    item->at_ms = at_ms;
    settle(heap, item->position, (struct slot){at_ms, item});
}

void
heap_remove(struct heap *heap, struct heap_item *item)
{
    size_t hole;
    struct slot last;

    must_be_in(heap, item);
    hole = item->position;
    item->position = HEAP_NOWHERE;
    last = heap->slots[--heap->count];
    if (hole < heap->count)
        settle(heap, hole, last);
}

struct heap_item *
heap_top(const struct heap *heap)
{
    return heap->count > 0 ? heap->slots[0].item : NULL;
}

size_t
heap_count(const struct heap *heap)
{
    return heap->count;
}

size_t
heap_bytes(const struct heap *heap)
{
    return sizeof *heap + heap->room * sizeof *heap->slots;
}

void
heap_check(const struct heap *heap)
{
    must(heap->count <= heap->room);
    for (size_t i = 0; i < heap->count; i++) {
        must(heap->slots[i].item->position == i);
        must(heap->slots[i].item->at_ms == heap->slots[i].at_ms);
        must(i == 0 || !less(heap, heap->slots[i], heap->slots[(i - 1) / CHILDREN]));
    }
}
