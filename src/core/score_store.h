#ifndef SLAD_CORE_SCORE_STORE_H
#define SLAD_CORE_SCORE_STORE_H

/*
 * Records of one size under small numbers (from 1; 0 is "none"). A record never moves; a number that was
 * given back is used again, the latest first.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCORE_STORE_BLOCK_BITS = 10 };

struct score_store {
    char **blocks; /* of 1 << SCORE_STORE_BLOCK_BITS records */
    size_t blocks_count;
    size_t size;
    uint32_t used;  /* numbers ever given out, 0 included */
    uint32_t count; /* records in use */
    uint32_t *free;
    size_t free_count, free_room;
};

void score_store_init(struct score_store *store, size_t record_bytes);
void score_store_done(struct score_store *store);
uint32_t score_store_take(struct score_store *store); /* all zeroes */
void score_store_give_back(struct score_store *store, uint32_t number);
/* Takes this very number, which is not in use; all zeroes. Those before it that nobody took are in no use
 * either: score_store_take gives none of them before score_store_collect has found them. */
void score_store_put(struct score_store *store, uint32_t number);
void score_store_collect(struct score_store *store, bool (*in_use)(const void *record));
size_t score_store_bytes(const struct score_store *store);

/* number must have been taken. Pointers live until it is given back. */
static inline void *
score_store_at(const struct score_store *store, uint32_t number)
{
    return store->blocks[number >> SCORE_STORE_BLOCK_BITS] +
           (size_t)(number & ((1U << SCORE_STORE_BLOCK_BITS) - 1)) * store->size;
}

#endif
