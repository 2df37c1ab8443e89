/*
 * malloc, set the one way slad uses it.
 *
 * What: four parameters of glibc.
 *
 * Why so: an epoch of a backlog is ten thousand records with their headers, made in one thread and freed in
 * another. As installed, malloc gives the end of a heap back once 128 KiB lie there free, so each epoch paid
 * for the same pages again, and the system time of that swings most of all. Nor are small
 * pieces put aside in fastbins: with so much kept nearly every free lies beside a large free piece, and then
 * malloc walked through all of them.
 *
 * Always true: the first three are set together, because setting one ends glibc's own adjusting of the
 * others.
 *
 * Not here: what is allocated (base/memory.h).
 */
#include "shell/allocator.h"
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>

enum { KEPT_BYTES = 1 << 26, LARGE_BYTES = 1 << 25, AHEAD_BYTES = 1 << 20 };

static void
allocator_set(int parameter, const char *variable, int bytes)
{
    if (getenv(variable) == NULL)
        (void)mallopt(parameter, bytes);
}

void
allocator_keep_freed(void)
{
    allocator_set(M_TRIM_THRESHOLD, "MALLOC_TRIM_THRESHOLD_", KEPT_BYTES);
    allocator_set(M_MMAP_THRESHOLD, "MALLOC_MMAP_THRESHOLD_", LARGE_BYTES);
    allocator_set(M_TOP_PAD, "MALLOC_TOP_PAD_", AHEAD_BYTES);
    (void)mallopt(M_MXFAST, 0);
}

#else

void
allocator_keep_freed(void)
{
}

#endif
