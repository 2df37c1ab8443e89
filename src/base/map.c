/*
 * What: an open-addressing hash table of pointers, linear probing, no tombstones.
 *
 * Why this way: a slot is {hash, value}, so a probe touches one cache line and a key's bytes are read only
 * when the whole hash agrees. The home of a hash is given by its upper bits: growing writes the new table
 * from front to back, in the order the old one is read, and never looks at a key.
 *
 * Always true: value == NULL is an empty slot; between a value's home and its place there is no empty slot;
 * at most three quarters are full. Removing moves the followers back, so a table that lived long is as good
 * as a new one.
 *
 * Not here: ownership of values, shrinking, ordered iteration, threads.
 */
#include "base/map.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"

enum { SLOTS_MIN_BITS = 4, RESERVE_BITS_MAX = 28 };

struct slot {
    uint64_t hash;
    void *value;
};

struct map {
    struct slot *slots;
    size_t mask; /* slots - 1, a power of two */
    unsigned bits;
    size_t count;
    uint64_t seed;
    bool of_hashes;
    struct slice (*key_of)(const void *value);
};

/* Upper bits are the home: a multiplication brings all of a key there. */
static inline uint64_t
hash_of(const struct map *map, struct slice key)
{
    uint64_t word;

    if (!map->of_hashes)
        return hash_slice(map->seed, key);
    must(key.bytes == sizeof word);
    memcpy(&word, key.at, sizeof word);
    return word * UINT64_C(0x9e3779b97f4a7c15);
}

static inline size_t
home_of(const struct map *map, uint64_t hash)
{
    return (size_t)(hash >> (64 - map->bits));
}

struct map *
map_new(struct slice (*key_of)(const void *value), uint64_t seed)
{
    struct map *map = memory_allocate_zeroed(1, sizeof *map);

    map->bits = SLOTS_MIN_BITS;
    map->mask = ((size_t)1 << map->bits) - 1;
    map->slots = memory_allocate_zeroed(map->mask + 1, sizeof *map->slots);
    map->seed = seed;
    map->key_of = key_of;
    return map;
}

struct map *map_new_of_hashes(struct slice (*key_of)(const void *value))
{
    struct map *map = map_new(key_of, 0);

    map->of_hashes = true;
    return map;
}

void
map_free(struct map *map)
{
    if (map == NULL)
        return;
    memory_free(map->slots);
    memory_free(map);
}

/* Whether the keys are the same. Most are short: up to 16 bytes are two words that overlap. */
static inline bool
same_key(struct slice a, struct slice b)
{
    uint64_t words[4];

    if (a.bytes < 8 || a.bytes > 16 || a.bytes != b.bytes)
        return slice_equal(a, b);
    memcpy(&words[0], a.at, 8);
    memcpy(&words[1], b.at, 8);
    memcpy(&words[2], a.at + a.bytes - 8, 8);
    memcpy(&words[3], b.at + a.bytes - 8, 8);
    return words[0] == words[1] && words[2] == words[3];
}

/* The place of this key: where its value is, or the empty slot where it would go. */
static size_t
place_of(const struct map *map, uint64_t hash, struct slice key)
{
    size_t i = home_of(map, hash);

    for (; map->slots[i].value != NULL; i = (i + 1) & map->mask)
        if (map->slots[i].hash == hash && same_key(map->key_of(map->slots[i].value), key))
            break;
    return i;
}

static void
grow_to(struct map *map, unsigned bits)
{
    struct slot *old = map->slots;
    size_t old_count = map->mask + 1;

    map->bits = bits;
    map->mask = ((size_t)1 << bits) - 1;
    map->slots = memory_allocate_zeroed(map->mask + 1, sizeof *map->slots);
    for (size_t i = 0; i < old_count; i++) {
        size_t j;

        if (old[i].value == NULL)
            continue;
        j = home_of(map, old[i].hash);
        while (map->slots[j].value != NULL)
            j = (j + 1) & map->mask;
        map->slots[j] = old[i];
    }
    memory_free(old);
}

void
map_reserve(struct map *map, size_t count)
{
    unsigned bits = map->bits;

    while (bits < RESERVE_BITS_MAX && ((size_t)1 << bits) / 4 * 3 < count)
        bits++;
    if (bits > map->bits)
        grow_to(map, bits);
}

void *
map_get(const struct map *map, struct slice key)
{
    return map->slots[place_of(map, hash_of(map, key), key)].value;
}

void *
map_put(struct map *map, void *value)
{
    struct slice key;
    uint64_t hash;
    size_t i;
    void *replaced;

    must(value != NULL);
    key = map->key_of(value);
    hash = hash_of(map, key);
    i = place_of(map, hash, key);
    replaced = map->slots[i].value;
    if (replaced == NULL) {
        if (map->count + 1 > (map->mask + 1) / 4 * 3) {
            grow_to(map, map->bits + 1);
            i = place_of(map, hash, key);
        }
        map->count++;
    }
    map->slots[i] = (struct slot){hash, value};
    return replaced;
}

/* Closes the hole at i: followers that may live nearer to their home move back. */
static void
close_hole(struct map *map, size_t i)
{
    size_t j = i;

    for (;;) {
        size_t home;

        j = (j + 1) & map->mask;
        if (map->slots[j].value == NULL)
            break;
        home = home_of(map, map->slots[j].hash);
        if (((j - home) & map->mask) >= ((j - i) & map->mask)) {
            map->slots[i] = map->slots[j];
            i = j;
        }
    }
    map->slots[i] = (struct slot){0, NULL};
}

void *
map_remove(struct map *map, struct slice key)
{
    size_t i = place_of(map, hash_of(map, key), key);
    void *value = map->slots[i].value;

    if (value == NULL)
        return NULL;
    close_hole(map, i);
    map->count--;
    return value;
}

size_t
map_count(const struct map *map)
{
    return map->count;
}

size_t
map_bytes(const struct map *map)
{
    return sizeof *map + (map->mask + 1) * sizeof *map->slots;
}

void *
map_each(const struct map *map, size_t *cursor)
{
    while (*cursor <= map->mask) {
        void *value = map->slots[(*cursor)++].value;

        if (value != NULL)
            return value;
    }
    return NULL;
}

static size_t
part_of(uint64_t hash, unsigned bits)
{
    return bits == 0 ? 0 : (size_t)(hash >> (64 - bits));
}

size_t
map_part(const struct map *map, struct slice key, unsigned bits)
{
    must(bits <= 32);
    return part_of(hash_of(map, key), bits);
}

/* Homes are in the order of hashes, so a part is a run of homes; what did not find its home free lies behind,
 * up to the next empty slot. The cursor counts slots from the part's first home. */
void *
map_each_in_part(const struct map *map, size_t part, unsigned bits, size_t *cursor)
{
    size_t slots = map->mask + 1;
    size_t homes = map->bits >= bits ? slots >> bits : 1;
    size_t first = map->bits >= bits ? part * homes : part >> (bits - map->bits);

    must(bits <= 32 && part < (size_t)1 << bits);
    while (*cursor < slots) {
        const struct slot *slot = &map->slots[(first + *cursor) & map->mask];

        if (*cursor >= homes && slot->value == NULL)
            break;
        ++*cursor;
        if (slot->value != NULL && part_of(slot->hash, bits) == part)
            return slot->value;
    }
    return NULL;
}
