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

enum { ROOM_MIN_BYTES = 64, INT64_DIGITS_MAX = 20 };

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

/* Two digits a division. */
void
buffer_append_int64(struct buffer *buffer, int64_t value)
{
    char digits[INT64_DIGITS_MAX + 1];
    size_t i = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    for (; rest >= 100; rest /= 100) {
        unsigned two = (unsigned)(rest % 100);

        digits[--i] = (char)('0' + two % 10);
        digits[--i] = (char)('0' + two / 10);
    }
    if (rest >= 10)
        digits[--i] = (char)('0' + rest % 10);
    digits[--i] = (char)('0' + (rest >= 10 ? rest / 10 : rest));
    if (value < 0)
        digits[--i] = '-';
    buffer_append(buffer, digits + i, sizeof digits - i);
}

void
buffer_free(struct buffer *buffer)
{
    memory_free(buffer->at);
    *buffer = (struct buffer){NULL, 0, 0};
}
