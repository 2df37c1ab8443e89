#ifndef SLAD_BASE_VARINT_H
#define SLAD_BASE_VARINT_H

/*
 * Whole numbers in as few bytes as they need: unsigned LEB128, and zigzag for signed ones. Every number has
 * exactly one form: longer ones are refused, so equal records are equal bytes.
 */
#include "base/slice.h"
#include <stddef.h>
#include <stdint.h>

enum { VARINT_BYTES_MAX = 10 };

/* Writes value at `at` (room for VARINT_BYTES_MAX); returns the bytes written. */
static inline size_t
varint_put(char *at, uint64_t value)
{
    size_t count = 0;

    while (value >= 0x80) {
        at[count++] = (char)(unsigned char)(value | 0x80);
        value >>= 7;
    }
    at[count++] = (char)(unsigned char)value;
    return count;
}

static inline uint64_t
varint_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline int64_t
varint_unzigzag(uint64_t value)
{
    uint64_t half = value >> 1;

    return (value & 1) != 0 ? -(int64_t)half - 1 : (int64_t)half;
}

static inline size_t
varint_put_signed(char *at, int64_t value)
{
    return varint_put(at, varint_zigzag(value));
}

/* Takes a number off the front of *from. 0, or -1 when it is cut off, over 64 bits, or longer than it needs
 * to be; then nothing has changed. */
static inline int
varint_get(struct slice *from, uint64_t *ret_value)
{
    uint64_t value = 0;
    size_t limit = from->bytes < VARINT_BYTES_MAX ? from->bytes : VARINT_BYTES_MAX;

    for (size_t i = 0; i < limit; i++) {
        unsigned char byte = (unsigned char)from->at[i];

        if ((byte == 0 && i > 0) || (i == VARINT_BYTES_MAX - 1 && byte > 1))
            return -1;
        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            from->at += i + 1;
            from->bytes -= i + 1;
            *ret_value = value;
            return 0;
        }
    }
    return -1;
}

/* Takes a number off bytes that this process wrote itself: nothing is checked. */
static inline uint64_t
varint_take(const char **at)
{
    uint64_t value = (unsigned char)*(*at)++;
    unsigned shift = 7;

    if (value < 0x80)
        return value;
    value &= 0x7f;
    for (;; shift += 7) {
        uint64_t byte = (unsigned char)*(*at)++;

        value |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

static inline int
varint_get_signed(struct slice *from, int64_t *ret_value)
{
    uint64_t value;

    if (varint_get(from, &value) != 0)
        return -1;
    *ret_value = varint_unzigzag(value);
    return 0;
}

/* A length and that many bytes; *ret_text borrows from *from. -1 as above, or when fewer bytes are there. */
static inline int
varint_get_slice(struct slice *from, struct slice *ret_text)
{
    struct slice rest = *from;
    uint64_t bytes;

    if (varint_get(&rest, &bytes) != 0 || bytes > rest.bytes)
        return -1;
    *ret_text = (struct slice){rest.at, (size_t)bytes};
    *from = (struct slice){rest.at + bytes, rest.bytes - (size_t)bytes};
    return 0;
}

#endif
