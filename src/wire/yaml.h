#ifndef SLAD_WIRE_YAML_H
#define SLAD_WIRE_YAML_H

/*
 * One strict YAML document as a small tree (ruling R15), for policies and for the daemon's configuration.
 * JSON is YAML.
 *
 * Refused, with the place: anchors, aliases, tags, merge keys, keys that are not texts, a key twice in one
 * mapping, several documents, more than 4 MiB, more than 32 levels (the outermost is 1), bad UTF-8, control
 * characters. Scalars stay as they are written: what a plain `no` or `2026-12-25` means is up to the key it
 * stands at (wire/yaml_get).
 */
#include "base/arena.h"
#include "base/slice.h"
#include "wire/policy_error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define YAML_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define YAML_LEVELS_MAX 32

enum yaml_type { YAML_SCALAR, YAML_MAPPING, YAML_SEQUENCE };

struct yaml_node {
    enum yaml_type type;
    bool plain;            /* a scalar without quotes */
    uint32_t line, column; /* from 1, columns in characters */
    struct slice text;     /* a scalar's; at NULL for the others */
    struct slice key;      /* its key when its parent is a mapping, else at NULL */
    uint32_t key_line, key_column;
    const struct yaml_node *first, *next; /* the first child; the next child of the same parent */
    size_t children_count;
};

/* The tree, in the arena, or NULL and *error (when no error stands there yet). text is borrowed for the call.
 */
const struct yaml_node *yaml_read(struct slice text, struct arena *arena, struct policy_error *error);

/* The value at this key; NULL when it is not there, or when node is NULL or no mapping. Costs a walk over the
 * keys. */
const struct yaml_node *yaml_find(const struct yaml_node *node, const char *key);

#endif
