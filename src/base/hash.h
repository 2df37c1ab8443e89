#ifndef SLAD_BASE_HASH_H
#define SLAD_BASE_HASH_H

/*
 * Hashes of bytes, the same on every machine whatever its byte order: they may be written down. SipHash
 * (Aumasson and Bernstein, 2012): whoever does not know the seed cannot make texts collide on purpose.
 */
#include "base/slice.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 under the key (seed, 0). For tables. */
uint64_t hash_bytes(uint64_t seed, const void *bytes, size_t count);

static inline uint64_t
hash_slice(uint64_t seed, struct slice text)
{
    return hash_bytes(seed, text.at, text.bytes);
}

/* A fast 64-bit hash of bytes that no stranger chose to collide (contents compared with their own former
 * hash): multiply and fold, eight bytes at a time, read little-endian. */
uint64_t hash_content(const void *bytes, size_t count);

/* SipHash-2-4 with 128 bits. For identities, where nobody compares the bytes afterwards; as a key it is also
 * the keyed hash under which people's ids are kept. The hash of a sequence: the result of one is the key of
 * the next. */
struct hash128 {
    uint64_t low;
    uint64_t high;
};

struct hash128 hash_bytes128(struct hash128 key, const void *bytes, size_t count);

static inline bool
hash128_equal(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

#endif
