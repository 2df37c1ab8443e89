/*
 * malloc, for a process that lives for a fifth of a second.
 *
 * What: malloc, calloc, realloc and free, of sizes in classes. What is freed waits for the next of its class;
 * what is new is cut off the end of a region of large pages.
 *
 * Why so: a run asks for a million pieces, and its memory is new each time: with libc's a tenth of its time
 * went there, most of it into page faults. A run begins on a large page of its own (heap_begin_run), so that
 * it copies next to nothing of what its parent has.
 *
 * Always true: one thread. A piece has its class eight bytes before it, and stands at a multiple of 16.
 *
 * Not here: aligned_alloc and its kin, which nobody here calls; finding mistakes. A build with sanitizers has
 * theirs in this one's place, and runs as many seeds.
 */
#include "sim.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#if !SIM_HAS_SANITIZERS

enum {
    HEAP_HEADER_BYTES = 8,
    HEAP_STEP_BYTES = 16,
    HEAP_SMALL_BYTES_MAX = 1024, /* up to here a class for every step */
    HEAP_SMALL_CLASSES = HEAP_SMALL_BYTES_MAX / HEAP_STEP_BYTES,
    HEAP_SMALL_BITS = 10,
    HEAP_QUARTER_BITS = 2, /* beyond it four classes for every doubling */
    HEAP_CLASSES = HEAP_SMALL_CLASSES + 1 + 4 * 32,
    HEAP_PAGE_BYTES = 2 * 1024 * 1024,
    HEAP_REGION_BYTES = 64 * 1024 * 1024,
    HEAP_LARGE_BYTES_MIN = 128 * 1024
};

static const size_t HEAP_BYTES_MAX = (size_t)1 << 40;

/* A piece that is free. */
struct heap_piece {
    struct heap_piece *next;
};

/* Zeroes, never touched. */
struct heap_region {
    char *at, *end;
};

static struct {
    struct heap_region small, large; /* on large pages; on small ones: of a large piece that is not zeroed
                                        much is never touched */
    struct heap_piece *free[HEAP_CLASSES];
} heap;

/* With its header; ret_bytes: of the whole class. */
static inline unsigned
heap_class(size_t bytes, size_t *ret_bytes)
{
    size_t whole = (bytes + HEAP_HEADER_BYTES + HEAP_STEP_BYTES - 1) & ~(size_t)(HEAP_STEP_BYTES - 1);
    unsigned bits;
    size_t step;

    if (whole <= HEAP_SMALL_BYTES_MAX) {
        *ret_bytes = whole;
        return (unsigned)(whole / HEAP_STEP_BYTES);
    }
    bits = 63U - (unsigned)__builtin_clzll(whole - 1);
    step = (size_t)1 << (bits - HEAP_QUARTER_BITS);
    whole = (whole + step - 1) & ~(step - 1);
    *ret_bytes = whole;
    return HEAP_SMALL_CLASSES + (bits - HEAP_SMALL_BITS) * 4 +
           (unsigned)((whole - 1) >> (bits - HEAP_QUARTER_BITS)) - 3;
}

/* The size of a class, header and all. */
static inline size_t
heap_class_bytes(uint64_t class)
{
    uint64_t beyond = class - HEAP_SMALL_CLASSES - 1;

    if (class <= HEAP_SMALL_CLASSES)
        return class * HEAP_STEP_BYTES;
    return (5 + (beyond & 3)) << (HEAP_SMALL_BITS - HEAP_QUARTER_BITS + (beyond >> 2));
}

/* The first large page that begins at `at` or behind it. */
static char *
heap_page(char *at)
{
    return (char *)(((uintptr_t)at + HEAP_PAGE_BYTES - 1) & ~(uintptr_t)(HEAP_PAGE_BYTES - 1));
}

/* Its pages come as they are touched. */
static bool
heap_open_region(struct heap_region *region, size_t bytes)
{
    size_t whole = (bytes > HEAP_REGION_BYTES ? bytes : HEAP_REGION_BYTES) + HEAP_PAGE_BYTES;
    char *begin =
        mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (begin == MAP_FAILED)
        return false;
    (void)madvise(begin, whole, region == &heap.small ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    region->end = begin + whole;
    region->at = heap_page(begin);
    return true;
}

static uint64_t *
heap_header(void *piece)
{
    return (uint64_t *)(void *)((char *)piece - HEAP_HEADER_BYTES);
}

/* ret_is_new: it is full of zeroes. */
static inline void *
heap_take(size_t bytes, bool zeroed, bool *ret_is_new)
{
    size_t whole;
    unsigned class;
    struct heap_piece *piece;
    struct heap_region *region = bytes < HEAP_LARGE_BYTES_MIN || zeroed ? &heap.small : &heap.large;

    if (bytes > HEAP_BYTES_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    class = heap_class(bytes, &whole);
    piece = heap.free[class];
    *ret_is_new = piece == NULL;
    if (piece != NULL) {
        heap.free[class] = piece->next;
        return piece;
    }
    if ((size_t)(region->end - region->at) < whole + HEAP_STEP_BYTES &&
        !heap_open_region(region, whole + HEAP_STEP_BYTES)) {
        errno = ENOMEM;
        return NULL;
    }
    piece = (void *)(region->at + HEAP_STEP_BYTES);
    region->at += whole;
    *heap_header(piece) = class;
    return piece;
}

void
heap_begin_run(void)
{
    char *next = heap.small.at == NULL ? NULL : heap_page(heap.small.at);

    if (next < heap.small.end)
        heap.small.at = next;
}

void *
malloc(size_t bytes)
{
    bool is_new;

    return heap_take(bytes, false, &is_new);
}

void
free(void *pointer)
{
    struct heap_piece *piece = pointer;
    uint64_t class;

    if (piece == NULL)
        return;
    class = *heap_header(piece);
    piece->next = heap.free[class];
    heap.free[class] = piece;
}

void *
calloc(size_t count, size_t size)
{
    size_t bytes;
    void *piece;
    bool is_new;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    piece = heap_take(bytes, true, &is_new);
    return piece == NULL || is_new ? piece : memset(piece, 0, bytes);
}

void *
realloc(void *pointer, size_t bytes)
{
    size_t room;
    void *piece;

    if (pointer == NULL)
        return malloc(bytes);
    room = heap_class_bytes(*heap_header(pointer)) - HEAP_HEADER_BYTES;
    if (bytes <= room)
        return pointer;
    piece = malloc(bytes);
    if (piece == NULL)
        return NULL;
    memcpy(piece, pointer, room);
    free(pointer);
    return piece;
}

#else

void
heap_begin_run(void)
{
}

#endif
