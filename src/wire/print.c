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

/* Those of the word that do not stand for themselves: quotes, backslashes, control characters. */
#define MARKS(word)                                                                                          \
    ((marks_of(word, '"') | marks_of(word, '\\') | (((word)-EACH_BYTE(0x20)) & ~(word))) & EACH_BYTE(0x80))

/* How many bytes from here on stand for themselves: all but quotes, backslashes and control characters. */
static size_t
plain_bytes(struct slice text)
{
    size_t i = 0;

    for (uint64_t word; text.bytes - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.at + i, sizeof word);
        if (MARKS(word) != 0)
            break;
    }
    while (i < text.bytes && (unsigned char)text.at[i] >= 0x20 && text.at[i] != '"' && text.at[i] != '\\')
        i++;
    return i;
}

/* Copies the text and says whether every byte stands for itself; else what was copied means nothing. A word
 * at a time, the last one over a part of the one before it. */
static inline bool
copy_plain(char *to, struct slice text)
{
    size_t i = 0;
    uint64_t word, marks = 0;
    uint32_t low, high;

    if (text.bytes >= sizeof word) {
        for (; i + sizeof word < text.bytes; i += sizeof word) {
            memcpy(&word, text.at + i, sizeof word);
            memcpy(to + i, &word, sizeof word);
            marks |= MARKS(word);
        }
        i = text.bytes - sizeof word;
        memcpy(&word, text.at + i, sizeof word);
        memcpy(to + i, &word, sizeof word);
        return (marks | MARKS(word)) == 0;
    }
    if (text.bytes >= sizeof low) {
        memcpy(&low, text.at, sizeof low);
        memcpy(&high, text.at + text.bytes - sizeof high, sizeof high);
        memcpy(to, &low, sizeof low);
        memcpy(to + text.bytes - sizeof high, &high, sizeof high);
        word = low | (uint64_t)high << 32;
        return MARKS(word) == 0;
    }
    for (word = EACH_BYTE(' '); i < text.bytes; i++) {
        to[i] = text.at[i];
        word = word << 8 | (unsigned char)text.at[i];
    }
    return MARKS(word) == 0;
}

static void
append_escaped(struct buffer *out, struct slice text)
{
    for (;;) {
        size_t plain = plain_bytes(text);

        buffer_append(out, text.at, plain);
        if (plain == text.bytes)
            return;
        append_escape(out, (unsigned char)text.at[plain]);
        text = (struct slice){text.at + plain + 1, text.bytes - plain - 1};
    }
}

void
print_text(struct buffer *out, struct slice text)
{
    char *at = buffer_reserve(out, text.bytes + 2);

    at[0] = '"';
    if (copy_plain(at + 1, text)) {
        at[text.bytes + 1] = '"';
        buffer_advance(out, text.bytes + 2);
        return;
    }
    buffer_advance(out, 1);
    append_escaped(out, text);
    buffer_append_byte(out, '"');
}

void
print_word(struct buffer *out, const char *word)
{
    size_t bytes = strlen(word);
    char *at = buffer_reserve(out, bytes + 2);

    at[0] = '"';
    memcpy(at + 1, word, bytes);
    at[bytes + 1] = '"';
    buffer_advance(out, bytes + 2);
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
    if (value)
        buffer_append(out, "true", 4);
    else
        buffer_append(out, "false", 5);
}
