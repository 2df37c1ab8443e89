/*
 * Errors in files that people wrote.
 *
 * Why this way: whoever edits a policy sees one line in an editor's own format, FILE:LINE:COLUMN: MESSAGE,
 * and jumps to the place. The first error counts: what follows from it would only confuse.
 *
 * Always true: a message is at most 300 bytes, is valid UTF-8 if the file was, and holds no control
 * character, so a file cannot write into a terminal or a log what its author did not mean to be read.
 *
 * Not here: where the errors are found (yaml, yaml_get, policy_yaml).
 */
#include "wire/policy_error.h"
#include "base/panic.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

enum { QUOTED_BYTES_MAX = 48 };

const char *
policy_error_code_text(enum policy_error_code code)
{
    static const char *const texts[POLICY_ERROR_CODES_COUNT] = {
        [POLICY_ERROR_NONE] = "none",
#define POLICY_ERROR(NAME, code, help) [POLICY_ERROR_##NAME] = code,
#include "slad/policy_errors.def"
#undef POLICY_ERROR
    };

    must(code < POLICY_ERROR_CODES_COUNT);
    return texts[code];
}

const char *
policy_error_help(enum policy_error_code code)
{
    static const char *const texts[POLICY_ERROR_CODES_COUNT] = {
        [POLICY_ERROR_NONE] = "",
#define POLICY_ERROR(NAME, code, help) [POLICY_ERROR_##NAME] = help,
#include "slad/policy_errors.def"
#undef POLICY_ERROR
    };

    must(code < POLICY_ERROR_CODES_COUNT);
    return texts[code];
}

/* How many of these bytes are whole characters, when the text was cut behind them. */
static size_t
whole_characters(const char *text, size_t bytes)
{
    while (bytes > 0 && ((unsigned char)text[bytes] & 0xC0) == 0x80)
        bytes--;
    return bytes;
}

void
policy_error_set(struct policy_error *error, enum policy_error_code code, uint32_t line, uint32_t column,
                 const char *format, ...)
{
    char text[1024];
    va_list arguments;
    size_t bytes;

    if (error->code != POLICY_ERROR_NONE)
        return;
    error->code = code;
    error->line = line;
    error->column = column;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bytes = strlen(text);
    if (bytes >= sizeof error->message)
        bytes = whole_characters(text, sizeof error->message - 1);
    memcpy(error->message, text, bytes);
    error->message[bytes] = '\0';
}

/* Writes one character of text escaped, at most 6 bytes; returns how many bytes of text it took. */
static size_t
escape(const char *text, size_t left, char out[8])
{
    unsigned char byte = (unsigned char)text[0];

    if (byte < 0x20 || byte == 0x7F) {
        (void)snprintf(out, 8, "\\x%02x", byte);
        return 1;
    }
    if (byte == 0xC2 && left > 1 && (unsigned char)text[1] < 0xA0) { /* U+0080..U+009F */
        (void)snprintf(out, 8, "\\x%02x", (unsigned char)text[1]);
        return 2;
    }
    if (byte == '"' || byte == '\\') {
        (void)snprintf(out, 8, "\\%c", byte);
        return 1;
    }
    out[0] = (char)byte;
    out[1] = '\0';
    return 1;
}

struct policy_error_quoted
policy_error_quote(struct slice text)
{
    struct policy_error_quoted quoted;
    bool cut = text.bytes > QUOTED_BYTES_MAX;
    size_t shown = cut ? whole_characters(text.at, QUOTED_BYTES_MAX) : text.bytes;
    size_t used = 0;

    quoted.text[used++] = '"';
    for (size_t i = 0; i < shown;) {
        char one[8];

        i += escape(text.at + i, shown - i, one);
        memcpy(quoted.text + used, one, strlen(one));
        used += strlen(one);
    }
    (void)snprintf(quoted.text + used, sizeof quoted.text - used, "%s\"", cut ? "..." : "");
    return quoted;
}

void
policy_error_format(const struct policy_error *error, struct buffer *out)
{
    char place[32];

    for (size_t i = 0; i < error->file.bytes;) {
        char one[8];

        i += escape(error->file.at + i, error->file.bytes - i, one);
        buffer_append_text(out, one);
    }
    (void)snprintf(place, sizeof place, ":%u:%u: ", error->line, error->column);
    buffer_append_text(out, place);
    buffer_append_text(out, error->message);
}
