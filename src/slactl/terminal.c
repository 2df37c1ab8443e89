/*
 * What: strangers' text made harmless for a terminal; widths; colours.
 *
 * Why so: a ticket called "\x1b]0;..." or with a right-to-left override in it must not steer the terminal of
 * whoever looks for it at night, nor be taken for another one. An escape that can be seen is better than a
 * character that is left out: two names that differ look different.
 *
 * Always true: what terminal_append gives holds no control character and nothing that turns the writing
 * around.
 *
 * Not here: tables (table.c), colours' meaning (who uses them).
 */
#include "slactl/terminal.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

enum { CODE_NONE = 0x110000, ESCAPE_BYTES = 16 };

void
terminal_start(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* The next character of well-formed UTF-8 and how many bytes it has; CODE_NONE and 1 for a byte that is none.
 */
static uint32_t
next_code(struct slice text, size_t at, size_t *ret_bytes)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text.at[at];
    size_t bytes = first < 0x80                    ? 1
                   : first >= 0xC2 && first < 0xE0 ? 2
                   : first >= 0xE0 && first < 0xF0 ? 3
                                                   : 4;
    uint32_t code = bytes == 1   ? first
                    : bytes == 2 ? first & 0x1FU
                    : bytes == 3 ? first & 0x0FU
                                 : first & 0x07U;

    *ret_bytes = 1;
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || bytes > text.bytes - at)
        return CODE_NONE;
    for (size_t i = 1; i < bytes; i++) {
        unsigned char byte = (unsigned char)text.at[at + i];

        if ((byte & 0xC0) != 0x80)
            return CODE_NONE;
        code = code << 6 | (byte & 0x3FU);
    }
    if (code < smallest[bytes] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return CODE_NONE;
    *ret_bytes = bytes;
    return code;
}

/* Control characters, and formats: what turns the writing around, what cannot be seen, what is no character.
 */
static bool
is_hostile(uint32_t code)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {
        {0x0000, 0x001F},   {0x007F, 0x009F},    {0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x061C, 0x061C},
        {0x115F, 0x1160},   {0x17B4, 0x17B5},    {0x180B, 0x180F}, {0x200B, 0x200F}, {0x2028, 0x202E},
        {0x2060, 0x206F},   {0x3164, 0x3164},    {0xD800, 0xF8FF}, {0xFDD0, 0xFDEF}, {0xFE00, 0xFE0F},
        {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},    {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3},
        {0x1D173, 0x1D17A}, {0xE0000, 0x10FFFF},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].from && code <= ranges[i].to)
            return true;
    return false;
}

static size_t
code_columns(uint32_t code)
{
    int columns = code < 0x80 ? 1 : wcwidth((wchar_t)code);

    return columns < 0 ? 1 : (size_t)columns;
}

/* One character as it may be shown, into piece; how many columns it takes. */
static size_t
show(struct slice text, size_t at, size_t *ret_bytes, char piece[ESCAPE_BYTES])
{
    uint32_t code = next_code(text, at, ret_bytes);

    if (code == CODE_NONE)
        return (size_t)snprintf(piece, ESCAPE_BYTES, "\\x%02x", (unsigned char)text.at[at]);
    if (is_hostile(code) && code < 0x10000)
        return (size_t)snprintf(piece, ESCAPE_BYTES, "\\u%04x", (unsigned)code);
    if (is_hostile(code)) /* a pair, as in JSON */
        return (size_t)snprintf(piece, ESCAPE_BYTES, "\\u%04x\\u%04x",
                                (unsigned)(0xD800 + ((code - 0x10000) >> 10)),
                                (unsigned)(0xDC00 + ((code - 0x10000) & 0x3FF)));
    memcpy(piece, text.at + at, *ret_bytes);
    piece[*ret_bytes] = '\0';
    return code_columns(code);
}

void
terminal_append(struct buffer *out, struct slice text)
{
    terminal_append_cut(out, text, SIZE_MAX);
}

void
terminal_append_cut(struct buffer *out, struct slice text, size_t columns)
{
    size_t used = 0, fits = out->bytes; /* up to here a mark of the cut still has its place */

    for (size_t at = 0, bytes; at < text.bytes; at += bytes) {
        char piece[ESCAPE_BYTES];
        size_t wide = show(text, at, &bytes, piece);

        if (used + wide > columns) {
            out->bytes = fits;
            if (columns > 0)
                buffer_append_text(out, "…");
            return;
        }
        buffer_append_text(out, piece);
        used += wide;
        if (used < columns)
            fits = out->bytes;
    }
}

size_t
terminal_columns(struct slice text)
{
    size_t columns = 0;

    for (size_t at = 0, bytes; at < text.bytes; at += bytes) {
        uint32_t code = next_code(text, at, &bytes);

        columns += code == CODE_NONE ? 1 : code_columns(code);
    }
    return columns;
}

/* ---- what standard output is ---- */

struct terminal
terminal_look(FILE *stream)
{
    struct terminal terminal = {.columns = SIZE_MAX};
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size = {0};

    terminal.is_terminal = isatty(fileno(stream)) == 1;
    if (!terminal.is_terminal)
        return terminal;
    terminal.colours = (no_color == NULL || *no_color == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        size = (struct winsize){.ws_col = 80, .ws_row = 24};
    terminal.columns = size.ws_col;
    terminal.lines = size.ws_row > 0 ? size.ws_row : 24;
    return terminal;
}

const char *
terminal_begin(const struct terminal *terminal, enum terminal_style style)
{
    static const char *const sequences[] = {
        [TERMINAL_PLAIN] = "",         [TERMINAL_BOLD] = "\x1b[1m",    [TERMINAL_DIM] = "\x1b[2m",
        [TERMINAL_RED] = "\x1b[1;31m", [TERMINAL_YELLOW] = "\x1b[33m", [TERMINAL_GREEN] = "\x1b[32m",
    };

    return terminal->colours ? sequences[style] : "";
}

const char *
terminal_end(const struct terminal *terminal, enum terminal_style style)
{
    return terminal->colours && style != TERMINAL_PLAIN ? "\x1b[0m" : "";
}
