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

enum { ROOM_MIN_BYTES = 64, INT64_DIGITS_MAX = 24 /* with the sign, and room for pairs */ };

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

const char buffer_digit_pairs[200] = {
#define TEN(tens)                                                                                            \
    tens, '0', tens, '1', tens, '2', tens, '3', tens, '4', tens, '5', tens, '6', tens, '7', tens, '8', tens, \
        '9'
    TEN('0'), TEN('1'), TEN('2'), TEN('3'), TEN('4'), TEN('5'), TEN('6'), TEN('7'), TEN('8'), TEN('9'),
#undef TEN
};

/* What is copied has one size whatever the number: room is asked for as much. */
void
buffer_append_int64(struct buffer *buffer, int64_t value)
{
    char digits[2 * INT64_DIGITS_MAX];
    size_t i = INT64_DIGITS_MAX;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    if ((uint64_t)value < 10) {
        buffer_append_byte(buffer, (char)('0' + value));
        return;
    }
    for (; rest >= 100; rest /= 100)
        memcpy(digits + (i -= 2), buffer_digit_pairs + rest % 100 * 2, 2);
    memcpy(digits + (i -= 2), buffer_digit_pairs + rest * 2, 2);
    i += rest < 10;
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
