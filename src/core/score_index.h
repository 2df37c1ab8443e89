#ifndef SLAD_CORE_SCORE_INDEX_H
#define SLAD_CORE_SCORE_INDEX_H

/*
 * Which number of a score_store has this key: open addressing, 5 bytes a slot. Keys live in the records. To
 * look up, walk the candidates and compare the keys of those that may be it: for (p = score_index_home(ix,
 * hash); (number = ix->slots[p]) != 0; p = score_index_next(ix, p)) if (score_index_may_be(ix, p, hash) &&
 * ...)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct score_index {
    uint32_t *slots;
    uint8_t *tags; /* some bits of the hash of each slot: most wrong candidates end here */
    uint32_t mask;
    uint32_t count;
    uint64_t (*hash_of)(const void *context, uint32_t number);
    const void *context;
};

void score_index_init(struct score_index *index, uint64_t (*hash_of)(const void *context, uint32_t number),
                      const void *context);
void score_index_done(struct score_index *index);
void score_index_add(struct score_index *index, uint32_t number); /* its record is complete, its key is new */
void score_index_remove(struct score_index *index, uint32_t number); /* its record is still there */
void score_index_reserve(struct score_index *index, uint32_t count); /* room for as many; it is empty */
size_t score_index_bytes(const struct score_index *index);

static inline uint32_t
score_index_home(const struct score_index *index, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & index->mask;
}

static inline bool
score_index_may_be(const struct score_index *index, uint32_t place, uint64_t hash)
{
    return index->tags[place] == (uint8_t)hash;
}

static inline uint32_t
score_index_next(const struct score_index *index, uint32_t place)
{
    return (place + 1) & index->mask;
}

#endif
