/*
 * What: malloc that never says no.
 *
 * Why this way: a daemon whose truth is in a log gains nothing from limping on without memory; every "if (p
 * == NULL)" would be a branch no test walks. Checked here once.
 *
 * Always true: what is returned is never NULL; a size that overflows is refused like a size that is not
 * there.
 *
 * Not here: no pools (arena.h), no accounting.
 */
#include "base/memory.h"
#include "base/panic.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The one thing a test may swap; NULL in every running daemon. */
static void *(*memory_source)(void *pointer, size_t bytes);

static void *
there(void *pointer)
{
    if (pointer == NULL)
        panic("out of memory");
    return pointer;
}

void *
memory_allocate(size_t bytes)
{
    if (bytes == 0)
        bytes = 1;
    return there(memory_source != NULL ? memory_source(NULL, bytes) : malloc(bytes));
}

void *
memory_allocate_zeroed(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        panic("out of memory: a size that overflows");
    if (count == 0 || size == 0)
        count = size = 1;
    if (memory_source != NULL)
        return memset(there(memory_source(NULL, count * size)), 0, count * size);
    return there(calloc(count, size));
}

void *
memory_resize(void *pointer, size_t bytes)
{
    if (bytes == 0)
        bytes = 1;
    return there(memory_source != NULL ? memory_source(pointer, bytes) : realloc(pointer, bytes));
}

void *
memory_copy(const void *bytes, size_t count)
{
    void *copy = memory_allocate(count);

    if (count > 0)
        memcpy(copy, bytes, count);
    return copy;
}

void
memory_free(void *pointer)
{
    free(pointer);
}

void
memory_replace_source(void *(*source)(void *pointer, size_t bytes))
{
    memory_source = source;
}
