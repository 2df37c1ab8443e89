#ifndef SLAD_SLACTL_JSON_PIECES_H
#define SLAD_SLACTL_JSON_PIECES_H

/*
 * A JSON text cut into its values without a tree: for answers that are larger than what the door
 * (wire/json.h) takes at once. Each piece that is to be understood goes through the door by itself.
 *
 * Only the outside is looked at (brackets, quotes, commas): a piece may still be no JSON, and the door says
 * so.
 */
#include "base/slice.h"
#include <stdbool.h>

/* Where one is in a list or an object. */
struct json_pieces {
    struct slice rest;
    bool object, begun;
};

/* False: the text is neither a list nor an object. */
bool json_pieces_begin(struct json_pieces *pieces, struct slice text);
/* 1 and the next value (and the key as it stands between its quotes, "" in a list), 0 at the end, -1: cut off
 * or something between values that is none. */
int json_pieces_next(struct json_pieces *pieces, struct slice *ret_key, struct slice *ret_value);
/* The value of a member whose key needs no escapes; at NULL: there is none. */
struct slice json_pieces_member(struct slice object, const char *key);

#endif
