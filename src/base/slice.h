#ifndef SLAD_BASE_SLICE_H
#define SLAD_BASE_SLICE_H

/* A borrowed run of bytes, not NUL-terminated. at may be NULL only with bytes 0 ("nothing there"); an empty
 * text that is there has at != NULL. A slice never owns. */
#include "base/memory.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *at;
    size_t bytes;
};

static inline struct slice
slice_of(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what has bytes has a place */
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

/* Texts that are compared so are words: byte by byte is faster than two calls, but for a text that the
 * compiler knows. */
static inline bool
slice_is(struct slice a, const char *text)
{
    if (text == NULL || __builtin_constant_p(__builtin_strlen(text)))
        return slice_equal(a, slice_of(text));
    for (size_t i = 0; i < a.bytes; i++)
        if (text[i] == '\0' || text[i] != a.at[i])
            return false;
    return text[a.bytes] == '\0';
}

/* Byte order, shorter first when one begins the other: < 0, 0, > 0. */
static inline int
slice_compare(struct slice a, struct slice b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = common > 0 ? memcmp(a.at, b.at, common) : 0;

    if (order != 0)
        return order;
    return a.bytes < b.bytes ? -1 : a.bytes > b.bytes;
}

/* Its bytes in memory of their own, with a NUL behind them; nothing there is an empty text. The caller's to
 * free (memory_free). */
static inline char *
slice_copy(struct slice text)
{
    char *copy = memory_allocate(text.bytes + 1);

    if (text.bytes > 0)
        memcpy(copy, text.at, text.bytes);
    copy[text.bytes] = '\0';
    return copy;
}

#endif
