#ifndef SLAD_BASE_MAP_H
#define SLAD_BASE_MAP_H

/*
 * Values found by their key. The value owns the key's bytes; the map asks for them through key_of and keeps
 * 16 bytes a slot. A value's key must not change while it is in the map. The map never frees a value.
 */
#include "base/slice.h"
#include <stddef.h>
#include <stdint.h>

struct map;

/* key_of gives a value's key; it must stay valid as long as the value is in the map. The seed keys the hash:
 * give one that strangers do not know where keys come from strangers. It moves nothing but the order of
 * map_each. */
struct map *map_new(struct slice (*key_of)(const void *value), uint64_t seed);
/* The same, of keys that are hashes already: 8 bytes, in the machine's order, not hashed again. */
struct map *map_new_of_hashes(struct slice (*key_of)(const void *value));
void map_free(struct map *map); /* the values are the caller's */

/* The value with this key, NULL if there is none. */
void *map_get(const struct map *map, struct slice key);
/* Puts a value (never NULL). Returns the one it replaced, which had the same key, else NULL. */
void *map_put(struct map *map, void *value);
/* Takes the value with this key out and returns it; NULL if there is none. */
void *map_remove(struct map *map, struct slice key);
/* Room for so many at once: values put in the order of another map's walk would otherwise crowd its front. */
void map_reserve(struct map *map, size_t count);
size_t map_count(const struct map *map);
size_t map_bytes(const struct map *map); /* memory held, for the metric */

/* One value after another in no particular order; NULL at the end. Begin with cursor 0. Between two calls the
 * map must not change, but for replacing a value by one of the same key. */
void *map_each(const struct map *map, size_t *cursor);

/* A map in 2^bits parts (bits <= 32), each key in the one its hash says, whatever else is in the map: the
 * same key and seed give the same part, on every machine. */
size_t map_part(const struct map *map, struct slice key, unsigned bits);
/* As map_each, the values of one part: O(part), not O(map). */
void *map_each_in_part(const struct map *map, size_t part, unsigned bits, size_t *cursor);

#endif
