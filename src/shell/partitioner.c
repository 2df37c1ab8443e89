/*
 * Which partition a key belongs to.
 *
 * What: the two hashes that producers use, murmur2 (Java clients) and CRC-32 (librdkafka's default), over the
 * key's bytes.
 *
 * Why so: a ticket lives in exactly one task, so all its events must be in one partition. A producer with
 * another partitioner splits a ticket in silence; here it is found by the first record, and named.
 *
 * Always true: the answer is in [0, partitions_count) and is the one that the producer's own library gives
 * (test vectors of the Java client).
 *
 * Not here: what happens to a record in the wrong place (ingest.c).
 */
#include "shell/partitioner.h"
#include "base/panic.h"

uint32_t
partitioner_murmur2(struct slice key)
{
    const uint32_t m = 0x5bd1e995;
    const unsigned char *at = (const unsigned char *)key.at;
    size_t left = key.bytes;
    uint32_t h = 0x9747b28cU ^ (uint32_t)key.bytes;

    for (; left >= 4; at += 4, left -= 4) {
        uint32_t k = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

        k *= m;
        k ^= k >> 24;
        k *= m;
        h *= m;
        h ^= k;
    }
    if (left >= 3)
        h ^= (uint32_t)at[2] << 16;
    if (left >= 2)
        h ^= (uint32_t)at[1] << 8;
    if (left >= 1) {
        h ^= at[0];
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    h ^= h >> 15;
    return h;
}

uint32_t
partitioner_crc32(struct slice key)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < key.bytes; i++) {
        crc ^= (unsigned char)key.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320U & (0U - (crc & 1)));
    }
    return ~crc;
}

int32_t
partitioner_partition(enum partitioner partitioner, struct slice key, int32_t partitions_count)
{
    uint32_t hash;

    must(partitions_count >= 1 && partitioner != PARTITIONER_ANY);
    hash = partitioner == PARTITIONER_CRC32 ? partitioner_crc32(key) : partitioner_murmur2(key) & 0x7fffffff;
    return (int32_t)(hash % (uint32_t)partitions_count);
}

enum partitioner
partitioner_that_fits(struct slice key, int32_t partition, int32_t partitions_count)
{
    for (enum partitioner it = PARTITIONER_MURMUR2; it < PARTITIONER_ANY; it++)
        if (partitioner_partition(it, key, partitions_count) == partition)
            return it;
    return PARTITIONER_ANY;
}

const char *
partitioner_text(enum partitioner partitioner)
{
    static const char *const texts[] = {"murmur2", "crc32", "any"};

    return texts[partitioner];
}
