/*
 * What: the small pieces of JSON text.
 *
 * Why this way: records are built once and sent; a tree in between would be thrown away. Whether a comma is
 * due can be seen from the byte before: only an opened object or list has none.
 *
 * Always true: what is printed from well-formed UTF-8 is well-formed RFC 8259.
 *
 * Not here: the shape of a record (effect.c), doubles (number.c).
 */
#include "wire/print.h"
#include "base/instant.h"
#include "base/panic.h"

void
print_comma(struct buffer *out)
{
    char before;

    must(out->bytes > 0);
    before = out->at[out->bytes - 1];
    if (before != '{' && before != '[')
        buffer_append_byte(out, ',');
}

/* A record has some thirty of them: room is asked for once. */
void
print_key(struct buffer *out, const char *key)
{
    size_t key_bytes = strlen(key);
    char *at = buffer_reserve(out, key_bytes + 4);
    bool first;

    must(out->bytes > 0);
    first = at[-1] == '{' || at[-1] == '[';
    at[0] = ',';
    at += !first;
    at[0] = '"';
    memcpy(at + 1, key, key_bytes);
    memcpy(at + 1 + key_bytes, "\":", 2);
    buffer_advance(out, key_bytes + 3 + !first);
}

static void
append_escape(struct buffer *out, unsigned char byte)
{
    static const char digits[] = "0123456789abcdef";

    buffer_append_byte(out, '\\');
    switch (byte) {
    case '"':
    case '\\':
        buffer_append_byte(out, (char)byte);
        break;
    case '\n':
        buffer_append_byte(out, 'n');
        break;
    case '\r':
        buffer_append_byte(out, 'r');
        break;
    case '\t':
        buffer_append_byte(out, 't');
        break;
    default:
        buffer_append(out, "u00", 3);
        buffer_append_byte(out, digits[byte >> 4]);
        buffer_append_byte(out, digits[byte & 15]);
    }
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The bytes of the word that equal the byte, each by its highest bit, and perhaps some above such a one. */
static inline uint64_t
marks_of(uint64_t word, unsigned char byte)
{
    uint64_t differs = word ^ EACH_BYTE(byte);

    return (differs - EACH_BYTE(1)) & ~differs;
}

/* How many bytes from here on stand for themselves: all but quotes, backslashes and control characters. */
static size_t
plain_bytes(struct slice text)
{
    size_t i = 0;

    for (uint64_t word; text.bytes - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.at + i, sizeof word);
        if (((marks_of(word, '"') | marks_of(word, '\\') | ((word - EACH_BYTE(0x20)) & ~word)) &
             EACH_BYTE(0x80)) != 0)
            break;
    }
    while (i < text.bytes && (unsigned char)text.at[i] >= 0x20 && text.at[i] != '"' && text.at[i] != '\\')
        i++;
    return i;
}

void
print_text(struct buffer *out, struct slice text)
{
    buffer_append_byte(out, '"');
    for (;;) {
        size_t plain = plain_bytes(text);

        buffer_append(out, text.at, plain);
        if (plain == text.bytes)
            break;
        append_escape(out, (unsigned char)text.at[plain]);
        text = (struct slice){text.at + plain + 1, text.bytes - plain - 1};
    }
    buffer_append_byte(out, '"');
}

void
print_text_or_null(struct buffer *out, struct slice text)
{
    if (text.at == NULL)
        buffer_append(out, "null", 4);
    else
        print_text(out, text);
}

void
print_instant(struct buffer *out, int64_t at_ms)
{
    char *at;

    if (at_ms == INSTANT_NONE) {
        buffer_append(out, "null", 4);
        return;
    }
    at = buffer_reserve(out, INSTANT_TEXT_BYTES + 1);
    at[0] = '"';
    instant_format(at_ms, at + 1);
    at[INSTANT_TEXT_BYTES] = '"';
    buffer_advance(out, INSTANT_TEXT_BYTES + 1);
}

void
print_bool(struct buffer *out, bool value)
{
    buffer_append_text(out, value ? "true" : "false");
}
