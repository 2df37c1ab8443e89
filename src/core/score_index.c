/*
 * What: an open-addressing hash table of record numbers, linear probing, no tombstones.
 *
 * Why this way: a slot is a number and 8 bits of the hash; the key stays in the record, which is looked at
 * only when the bits agree. So the table may be seven eighths full. Growing asks for the hashes again.
 *
 * Always true: 0 is an empty slot; at most seven eighths are full; between a number's home and its place
 * there is no empty slot.
 *
 * Not here: comparing keys (the caller walks the candidates), shrinking, threads.
 */
#include "core/score_index.h"
#include "base/memory.h"
#include "base/panic.h"

enum { SLOTS_MIN = 16 };

void
score_index_init(struct score_index *index, uint64_t (*hash_of)(const void *context, uint32_t number),
                 const void *context)
{
    *index = (struct score_index){.mask = SLOTS_MIN - 1, .hash_of = hash_of, .context = context};
    index->slots = memory_allocate_zeroed(SLOTS_MIN, sizeof *index->slots);
    index->tags = memory_allocate_zeroed(SLOTS_MIN, sizeof *index->tags);
}

void
score_index_done(struct score_index *index)
{
    memory_free(index->slots);
    memory_free(index->tags);
    index->slots = NULL;
    index->tags = NULL;
}

static void
put(struct score_index *index, uint32_t number)
{
    uint64_t hash = index->hash_of(index->context, number);
    uint32_t place = score_index_home(index, hash);

    while (index->slots[place] != 0)
        place = score_index_next(index, place);
    index->slots[place] = number;
    index->tags[place] = (uint8_t)hash;
}

static void
grow(struct score_index *index)
{
    uint32_t *old = index->slots;
    uint32_t old_count = index->mask + 1;

    must(old_count <= UINT32_MAX / 4);
    index->mask = old_count * 2 - 1;
    index->slots = memory_allocate_zeroed((size_t)old_count * 2, sizeof *index->slots);
    memory_free(index->tags);
    index->tags = memory_allocate_zeroed((size_t)old_count * 2, sizeof *index->tags);
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i] != 0)
            put(index, old[i]);
    memory_free(old);
}

void
score_index_reserve(struct score_index *index, uint32_t count)
{
    uint32_t slots = SLOTS_MIN;

    must(index->count == 0);
    while (slots / 8 * 7 < count && slots <= UINT32_MAX / 4)
        slots *= 2;
    if (slots <= index->mask + 1)
        return;
    score_index_done(index);
    index->mask = slots - 1;
    index->slots = memory_allocate_zeroed(slots, sizeof *index->slots);
    index->tags = memory_allocate_zeroed(slots, sizeof *index->tags);
}

void
score_index_add(struct score_index *index, uint32_t number)
{
    if (index->count + 1 > (index->mask + 1) / 8 * 7)
        grow(index);
    put(index, number);
    index->count++;
}

/* Closes the hole at i: followers that may live nearer to their home move back. */
static void
close_hole(struct score_index *index, uint32_t i)
{
    uint32_t j = i;

    for (;;) {
        uint32_t home;

        j = score_index_next(index, j);
        if (index->slots[j] == 0)
            break;
        home = score_index_home(index, index->hash_of(index->context, index->slots[j]));
        if (((j - home) & index->mask) >= ((j - i) & index->mask)) {
            index->slots[i] = index->slots[j];
            index->tags[i] = index->tags[j];
            i = j;
        }
    }
    index->slots[i] = 0;
}

void
score_index_remove(struct score_index *index, uint32_t number)
{
    uint32_t place = score_index_home(index, index->hash_of(index->context, number));

    while (index->slots[place] != number) {
        must(index->slots[place] != 0);
        place = score_index_next(index, place);
    }
    close_hole(index, place);
    index->count--;
}

size_t
score_index_bytes(const struct score_index *index)
{
    return ((size_t)index->mask + 1) * (sizeof *index->slots + sizeof *index->tags);
}
