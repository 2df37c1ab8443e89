/*
 * What: finds where JSON values begin and end.
 *
 * Why so: a page of a thousand alerts or the explanation of a long ticket is more than the door takes; its
 * elements are not.
 *
 * Always true: what is given lies within the text it was given; a piece has balanced brackets and closed
 * quotes.
 *
 * Not here: whether it is JSON (the door).
 */
#include "slactl/json_pieces.h"

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t
skip_blanks(struct slice text, size_t at)
{
    while (at < text.bytes && is_blank(text.at[at]))
        at++;
    return at;
}

/* Behind the closing quote; text.bytes + 1: there is none. */
static size_t
skip_text(struct slice text, size_t at)
{
    for (at++; at < text.bytes; at++) {
        if (text.at[at] == '"')
            return at + 1;
        if (text.at[at] == '\\')
            at++;
    }
    return text.bytes + 1;
}

/* Behind the value that begins at `at`; text.bytes + 1: it does not end. */
static size_t
skip_value(struct slice text, size_t at)
{
    size_t depth = 0;

    while (at < text.bytes) {
        char byte = text.at[at];

        if (depth == 0 && (byte == ',' || byte == ']' || byte == '}' || is_blank(byte)))
            return at;
        if (byte == '"') {
            at = skip_text(text, at);
            if (depth == 0 || at > text.bytes)
                return at;
            continue;
        }
        depth += byte == '[' || byte == '{';
        at++;
        if ((byte == ']' || byte == '}') && --depth == 0)
            return at;
    }
    return depth == 0 ? at : text.bytes + 1;
}

bool
json_pieces_begin(struct json_pieces *pieces, struct slice text)
{
    size_t at = skip_blanks(text, 0);

    if (at == text.bytes || (text.at[at] != '[' && text.at[at] != '{'))
        return false;
    *pieces =
        (struct json_pieces){.rest = {text.at + at + 1, text.bytes - at - 1}, .object = text.at[at] == '{'};
    return true;
}

int
json_pieces_next(struct json_pieces *pieces, struct slice *ret_key, struct slice *ret_value)
{
    struct slice rest = pieces->rest, key = {rest.at, 0};
    size_t at = skip_blanks(rest, 0), end;

    if (at < rest.bytes && rest.at[at] == (pieces->object ? '}' : ']'))
        return 0;
    if (pieces->begun) {
        if (at == rest.bytes || rest.at[at] != ',')
            return -1;
        at = skip_blanks(rest, at + 1);
    }
    if (pieces->object) {
        if (at == rest.bytes || rest.at[at] != '"' || (end = skip_text(rest, at)) > rest.bytes)
            return -1;
        key = (struct slice){rest.at + at + 1, end - at - 2};
        at = skip_blanks(rest, end);
        if (at == rest.bytes || rest.at[at] != ':')
            return -1;
        at = skip_blanks(rest, at + 1);
    }
    end = skip_value(rest, at);
    if (end > rest.bytes || end == at)
        return -1;
    *ret_key = key;
    *ret_value = (struct slice){rest.at + at, end - at};
    pieces->rest = (struct slice){rest.at + end, rest.bytes - end};
    pieces->begun = true;
    return 1;
}

struct slice
json_pieces_member(struct slice object, const char *key)
{
    struct json_pieces pieces;
    struct slice name, value;

    if (json_pieces_begin(&pieces, object) && pieces.object)
        while (json_pieces_next(&pieces, &name, &value) == 1)
            if (slice_is(name, key))
                return value;
    return (struct slice){0};
}
