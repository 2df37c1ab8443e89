#ifndef SLAD_BASE_ARENA_H
#define SLAD_BASE_ARENA_H

/* Memory that is given back all at once: for what lives as long as one event or one turn. */
#include "base/slice.h"
#include <stddef.h>

struct arena;

/* Memory is taken in blocks of block_bytes (at least 256); what does not fit in one gets a block of its own.
 */
struct arena *arena_new(size_t block_bytes);
void arena_free(struct arena *arena);

/* Uninitialised, aligned to 16; never NULL. Lives until arena_reset or arena_free. */
void *arena_allocate(struct arena *arena, size_t bytes);
/* A copy, with a NUL behind its last byte that does not count. at == NULL stays NULL. */
struct slice arena_copy_slice(struct arena *arena, struct slice text);
/* Everything allocated is dead; the ordinary blocks are kept for the next round. */
void arena_reset(struct arena *arena);
/* Memory held from the system, for the metric. */
size_t arena_bytes(const struct arena *arena);

#endif
