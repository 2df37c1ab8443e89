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

void
print_key(struct buffer *out, const char *key)
{
    print_comma(out);
    buffer_append_byte(out, '"');
    buffer_append_text(out, key);
    buffer_append(out, "\":", 2);
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

void
print_text(struct buffer *out, struct slice text)
{
    size_t plain = 0;

    buffer_append_byte(out, '"');
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buffer_append(out, text.at + plain, i - plain);
        append_escape(out, byte);
        plain = i + 1;
    }
    if (text.bytes > plain)
        buffer_append(out, text.at + plain, text.bytes - plain);
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
    char text[INSTANT_TEXT_BYTES];

    if (at_ms == INSTANT_NONE) {
        buffer_append(out, "null", 4);
        return;
    }
    instant_format(at_ms, text);
    buffer_append_byte(out, '"');
    buffer_append(out, text, INSTANT_TEXT_BYTES - 1);
    buffer_append_byte(out, '"');
}

void
print_bool(struct buffer *out, bool value)
{
    buffer_append_text(out, value ? "true" : "false");
}
