/*
 * What: the slow half of buffer.h: growing, and numbers in decimal.
 *
 * Why this way: appends are inline and almost always a compare and a copy; what happens rarely lives here.
 *
 * Always true: bytes <= room; room at least doubles, so n appends cost O(n).
 *
 * Not here: JSON escaping (the wire's), files.
 */
#include "base/buffer.h"
#include "base/memory.h"
#include "base/panic.h"

enum { ROOM_MIN_BYTES = 64, INT64_DIGITS_MAX = 20 /* with the sign */ };

void
buffer_grow(struct buffer *buffer, size_t more)
{
    size_t room = buffer->room < ROOM_MIN_BYTES ? ROOM_MIN_BYTES : buffer->room;

    must(more <= SIZE_MAX / 4 && buffer->bytes <= SIZE_MAX / 4);
    while (room - buffer->bytes < more)
        room *= 2;
    if (room == buffer->room)
        return;
    buffer->at = memory_resize(buffer->at, room);
    buffer->room = room;
}

/* Two digits a division. What is copied has one size whatever the number: room is asked for as much. */
void
buffer_append_int64(struct buffer *buffer, int64_t value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
        "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";
    char digits[2 * INT64_DIGITS_MAX];
    size_t i = INT64_DIGITS_MAX;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    if (rest == (uint64_t)value && rest < 10) {
        buffer_append_byte(buffer, (char)('0' + rest));
        return;
    }
    for (; rest >= 100; rest /= 100)
        memcpy(digits + (i -= 2), pairs + rest % 100 * 2, 2);
    if (rest >= 10)
        memcpy(digits + (i -= 2), pairs + rest * 2, 2);
    else
        digits[--i] = (char)('0' + rest);
    if (value < 0)
        digits[--i] = '-';
    memcpy(buffer_reserve(buffer, INT64_DIGITS_MAX), digits + i, INT64_DIGITS_MAX);
    buffer->bytes += INT64_DIGITS_MAX - i;
}

void
buffer_free(struct buffer *buffer)
{
    memory_free(buffer->at);
    *buffer = (struct buffer){NULL, 0, 0};
}
