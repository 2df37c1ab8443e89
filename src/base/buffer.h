#ifndef SLAD_BASE_BUFFER_H
#define SLAD_BASE_BUFFER_H

/* Bytes that grow at the end: JSON and binary records are built in one. A value of zeroes is an empty buffer.
 */
#include "base/slice.h"
#include "base/varint.h"
#include <stddef.h>
#include <stdint.h>

struct buffer {
    char *at;
    size_t bytes; /* in use */
    size_t room;
};

/* "00" "01" ... "99", one behind the other: two digits a division. */
extern const char buffer_digit_pairs[200];

/* Room for `more` further bytes: what was buffer_slice is dead if it had to move. */
void buffer_grow(struct buffer *buffer, size_t more);
void buffer_append_int64(struct buffer *buffer, int64_t value); /* decimal */
/* Gives the memory back; the buffer is empty and may be used again. */
void buffer_free(struct buffer *buffer);

/* Keeps the memory. */
static inline void
buffer_reset(struct buffer *buffer)
{
    buffer->bytes = 0;
}

/* At least `more` bytes may be written at the place returned; buffer_advance says how many were. */
static inline char *
buffer_reserve(struct buffer *buffer, size_t more)
{
    if (__builtin_expect(more > buffer->room - buffer->bytes, 0))
        buffer_grow(buffer, more);
    return buffer->at + buffer->bytes;
}

static inline void
buffer_advance(struct buffer *buffer, size_t count)
{
    buffer->bytes += count;
}

/* The bytes must not lie in the buffer itself. */
static inline void
buffer_append(struct buffer *buffer, const void *bytes, size_t count)
{
    if (count == 0)
        return;
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): what has bytes has a place */
    memcpy(buffer_reserve(buffer, count), bytes, count);
    buffer->bytes += count;
}

static inline void
buffer_append_slice(struct buffer *buffer, struct slice text)
{
    buffer_append(buffer, text.at, text.bytes);
}

static inline void
buffer_append_text(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

static inline void
buffer_append_byte(struct buffer *buffer, char byte)
{
    *buffer_reserve(buffer, 1) = byte;
    buffer->bytes++;
}

static inline void
buffer_append_varint(struct buffer *buffer, uint64_t value)
{
    buffer->bytes += varint_put(buffer_reserve(buffer, VARINT_BYTES_MAX), value);
}

static inline void
buffer_append_varint_signed(struct buffer *buffer, int64_t value)
{
    buffer_append_varint(buffer, varint_zigzag(value));
}

/* A length and the bytes: what varint_get_slice reads. */
static inline void
buffer_append_varint_slice(struct buffer *buffer, struct slice text)
{
    buffer_append_varint(buffer, text.bytes);
    buffer_append_slice(buffer, text);
}

/* What is in it. at is never NULL, also when empty. Lives until the next append. */
static inline struct slice
buffer_slice(const struct buffer *buffer)
{
    return (struct slice){buffer->at != NULL ? buffer->at : "", buffer->bytes};
}

#endif
