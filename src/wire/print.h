#ifndef SLAD_WIRE_PRINT_H
#define SLAD_WIRE_PRINT_H

/*
 * JSON out, piece by piece, into a buffer: compact, keys in the order they are asked for. Braces and brackets
 * are appended with buffer_append_byte; commas come by themselves.
 *
 *     buffer_append_byte(out, '{');
 *     print_key(out, "at"), print_instant(out, at_ms);
 *     buffer_append_byte(out, '}');
 */
#include "base/buffer.h"
#include "slad/effect.h"

/* A comma unless the object or list has just been opened. For the items of a list. */
void print_comma(struct buffer *out);
/* `"key":` and the comma before it. key needs no escapes. */
void print_key(struct buffer *out, const char *key);
/* The same of a name that is known when the program is built: `,"key":` with room to be copied at once. */
enum { PRINT_FIXED_KEY_BYTES = 32 };
struct print_fixed_key {
    char text[PRINT_FIXED_KEY_BYTES];
    unsigned char bytes;
};
#define PRINT_FIXED_KEY(key)                                                                                 \
    {                                                                                                        \
        ",\"" key "\":", sizeof key + 3                                                                      \
    }
/* The key alone. */
static inline struct slice
print_fixed_key_text(const struct print_fixed_key *name)
{
    return (struct slice){name->text + 2, name->bytes - 4U};
}
/* first: of its object. */
static inline void
print_fixed_key(struct buffer *out, const struct print_fixed_key *name, bool first)
{
    memcpy(buffer_reserve(out, PRINT_FIXED_KEY_BYTES), name->text + first, PRINT_FIXED_KEY_BYTES - 1);
    buffer_advance(out, (size_t)name->bytes - first);
}

/* In quotes, escaped: well-formed UTF-8 stays so, control characters become \u00xx. */
void print_text(struct buffer *out, struct slice text);
void print_text_or_null(struct buffer *out, struct slice text); /* at NULL: null */
void print_instant(struct buffer *out, int64_t at_ms);          /* RFC 3339, Z, ms; INSTANT_NONE: null */
void print_word(struct buffer *out, const char *word);          /* in quotes; it needs no escapes */
void print_bool(struct buffer *out, bool value);

#endif
