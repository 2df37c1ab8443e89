/*
 * What: a slab of equal records under 32-bit numbers.
 *
 * Why this way: the score task holds millions of small records that point at one another. A number costs half
 * a pointer; blocks never move and waste at most one block.
 *
 * Always true: number 0 is never given out; used - 1 == count + free_count, but between score_store_put and
 * score_store_collect.
 *
 * Not here: what the records are, shrinking, threads.
 */
#include "core/score_store.h"
#include "base/memory.h"
#include "base/panic.h"
#include <string.h>

void
score_store_init(struct score_store *store, size_t record_bytes)
{
    *store = (struct score_store){.size = record_bytes, .used = 1};
}

void
score_store_done(struct score_store *store)
{
    for (size_t i = 0; i < store->blocks_count; i++)
        memory_free(store->blocks[i]);
    memory_free(store->blocks);
    memory_free(store->free);
    score_store_init(store, store->size);
}

static uint32_t
take_new(struct score_store *store)
{
    must(store->used < UINT32_MAX);
    if (store->used >> SCORE_STORE_BLOCK_BITS >= store->blocks_count) {
        store->blocks = memory_resize(store->blocks, (store->blocks_count + 1) * sizeof *store->blocks);
        store->blocks[store->blocks_count++] =
            memory_allocate_zeroed((size_t)1 << SCORE_STORE_BLOCK_BITS, store->size);
    }
    return store->used++;
}

uint32_t
score_store_take(struct score_store *store)
{
    store->count++;
    if (store->free_count > 0) {
        uint32_t number = store->free[--store->free_count];

        memset(score_store_at(store, number), 0, store->size);
        return number;
    }
    return take_new(store);
}

void
score_store_put(struct score_store *store, uint32_t number)
{
    while (store->used <= number)
        (void)take_new(store);
    store->count++;
}

void
score_store_collect(struct score_store *store, bool (*in_use)(const void *record))
{
    store->free_count = 0;
    store->count = store->used - 1;
    for (uint32_t i = store->used - 1; i > 0; i--) /* the lowest is given out first */
        if (!in_use(score_store_at(store, i)))
            score_store_give_back(store, i);
}

void
score_store_give_back(struct score_store *store, uint32_t number)
{
    must(number != 0 && number < store->used);
    if (store->free_count == store->free_room) {
        store->free_room = store->free_room == 0 ? 64 : store->free_room * 2;
        store->free = memory_resize(store->free, store->free_room * sizeof *store->free);
    }
    store->free[store->free_count++] = number;
    store->count--;
}

size_t
score_store_bytes(const struct score_store *store)
{
    return store->blocks_count * (sizeof *store->blocks + (store->size << SCORE_STORE_BLOCK_BITS)) +
           store->free_room * sizeof *store->free;
}
