/*
 * What: a bump allocator over a chain of blocks.
 *
 * Why this way: an event is parsed, judged and forgotten; one pointer that moves forward and back costs
 * nothing, and nothing can leak. The chain is kept over a reset, so a warm daemon takes no memory from the
 * system.
 *
 * Always true: blocks before `current` are full, blocks after it are empty; used <= room in each; oversized
 * blocks are in a list of their own and die at the reset, so one giant event does not stay for ever.
 *
 * Not here: freeing of single pieces, threads.
 */
#include "base/arena.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdint.h>

enum { ALIGNMENT = 16, BLOCK_BYTES_MIN = 256 };

struct block {
    struct block *next;
    size_t room;
    _Alignas(ALIGNMENT) char bytes[];
};

struct arena {
    struct block *first;
    struct block *current;
    size_t used; /* of current */
    size_t block_bytes;
    struct block *oversized;
    size_t held_bytes;
};

static struct block *
block_new(struct arena *arena, size_t room)
{
    struct block *block = memory_allocate(sizeof *block + room);

    block->next = NULL;
    block->room = room;
    arena->held_bytes += sizeof *block + room;
    return block;
}

static void
blocks_free(struct arena *arena, struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;

        arena->held_bytes -= sizeof *block + block->room;
        memory_free(block);
        block = next;
    }
}

struct arena *
arena_new(size_t block_bytes)
{
    struct arena *arena = memory_allocate_zeroed(1, sizeof *arena);

    arena->block_bytes = block_bytes < BLOCK_BYTES_MIN ? BLOCK_BYTES_MIN : block_bytes;
    arena->held_bytes = sizeof *arena;
    return arena;
}

void
arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    blocks_free(arena, arena->first);
    blocks_free(arena, arena->oversized);
    memory_free(arena);
}

static void *
allocate_oversized(struct arena *arena, size_t bytes)
{
    struct block *block = block_new(arena, bytes);

    block->next = arena->oversized;
    arena->oversized = block;
    return block->bytes;
}

static void
step_to_next_block(struct arena *arena)
{
    struct block **link = arena->current == NULL ? &arena->first : &arena->current->next;

    if (*link == NULL)
        *link = block_new(arena, arena->block_bytes);
    arena->current = *link;
    arena->used = 0;
}

void *
arena_allocate(struct arena *arena, size_t bytes)
{
    void *piece;

    must(bytes <= SIZE_MAX / 2);
    bytes = (bytes + (ALIGNMENT - 1)) & ~(size_t)(ALIGNMENT - 1);
    if (arena->current == NULL || bytes > arena->current->room - arena->used) {
        if (bytes > arena->block_bytes) /* leaves current as it is */
            return allocate_oversized(arena, bytes);
        step_to_next_block(arena);
    }
    piece = arena->current->bytes + arena->used;
    arena->used += bytes;
    must(arena->used <= arena->current->room);
    return piece;
}

struct slice
arena_copy_slice(struct arena *arena, struct slice text)
{
    char *copy;

    if (text.at == NULL)
        return text;
    copy = arena_allocate(arena, text.bytes + 1);
    memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = '\0';
    return (struct slice){copy, text.bytes};
}

void
arena_reset(struct arena *arena)
{
    blocks_free(arena, arena->oversized);
    arena->oversized = NULL;
    arena->current = NULL;
    arena->used = 0;
}

size_t
arena_bytes(const struct arena *arena)
{
    return arena->held_bytes;
}
