#ifndef SLAD_SHELL_ALLOCATOR_H
#define SLAD_SHELL_ALLOCATOR_H

/* The machine's malloc, set for a process that runs for years and works in bursts. To be called once, before
 * the first thread: what was freed is kept for whoever asks next, up to 64 MiB of it at the end of each of
 * malloc's heaps, instead of being given back to the system after each burst and asked for again in the next.
 * What the environment says (MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_, MALLOC_TOP_PAD_: mallopt(3))
 * goes first. Without glibc it does nothing. */
void allocator_keep_freed(void);

#endif
