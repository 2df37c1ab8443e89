#ifndef SLAD_WIRE_YAML_GET_H
#define SLAD_WIRE_YAML_GET_H

/*
 * Values out of a YAML tree, checked: "found X, expected Y" with the place (wire/policy_error).
 *
 * Every function may be called with an error standing and with node NULL (a key that is not there): then it
 * says nothing and gives its harmless value: 0, false, the first word, a text of no bytes, no children. So a
 * reader reads straight on and looks at the error once. Texts live in the tree's arena.
 */
#include "wire/spelling.h"
#include "wire/yaml.h"

enum { YAML_GET_TEXT_BYTES_MAX = 256 };

/* An error at a value, or at the key it stands at (at the value itself if it has none). Quote what comes from
 * the file. */
void yaml_get_fail(struct policy_error *error, enum policy_error_code code, const struct yaml_node *node,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void yaml_get_fail_key(struct policy_error *error, enum policy_error_code code, const struct yaml_node *node,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* found WHAT, expected EXPECTED: code is the reason. */
void yaml_get_fail_found(struct policy_error *error, enum policy_error_code code,
                         const struct yaml_node *node, const char *expected);
/* A name that nobody has: `unknown calendar "berln"; did you mean "berlin"?`. */
void yaml_get_fail_name(struct policy_error *error, const struct yaml_node *node, const char *what,
                        const struct spelling *spelling);

/* True when node is a mapping (list); else false, and an error unless node is NULL. expected: "a mapping of
 * calendars". */
bool yaml_get_mapping(struct policy_error *error, const struct yaml_node *node, const char *expected);
bool yaml_get_list(struct policy_error *error, const struct yaml_node *node, const char *expected);
/* The same with at most children_max children ... */
bool yaml_get_bounded_mapping(struct policy_error *error, const struct yaml_node *node, const char *expected,
                              size_t children_max);
bool yaml_get_bounded_list(struct policy_error *error, const struct yaml_node *node, const char *expected,
                           size_t children_max);
/* ... and at least one. */
bool yaml_get_filled_mapping(struct policy_error *error, const struct yaml_node *node, const char *expected,
                             size_t children_max);
bool yaml_get_filled_list(struct policy_error *error, const struct yaml_node *node, const char *expected,
                          size_t children_max);

/* A mapping of these keys only. keys ends with NULL; what: "an agreement". */
bool yaml_get_record(struct policy_error *error, const struct yaml_node *node, const char *what,
                     const char *const *keys);
/* The value at a key that must be there; NULL and an error at the mapping if it is not. */
const struct yaml_node *yaml_get_required(struct policy_error *error, const struct yaml_node *mapping,
                                          const char *key);

/* A text of 1 to 256 bytes; a plain null or nothing is none. Numbers and dates are texts as they are written.
 */
struct slice yaml_get_text(struct policy_error *error, const struct yaml_node *node, const char *expected);
/* The same for the text that a node's key is. */
struct slice yaml_get_key_text(struct policy_error *error, const struct yaml_node *node);
bool yaml_get_boolean(struct policy_error *error,
                      const struct yaml_node *node); /* plain true, false, yes or no */
int64_t yaml_get_integer(struct policy_error *error, const struct yaml_node *node, int64_t least,
                         int64_t most);
/* A number with up to that many decimals, times 10 to the decimals; least and most are in that unit (and
 * whole). */
int64_t yaml_get_decimal(struct policy_error *error, const struct yaml_node *node, int decimals,
                         int64_t least, int64_t most);
int64_t yaml_get_duration_ms(struct policy_error *error, const struct yaml_node *node);
int yaml_get_share_bp(struct policy_error *error, const struct yaml_node *node);
int64_t yaml_get_instant_ms(struct policy_error *error, const struct yaml_node *node);
/* The number of the word (words ends with NULL). what: "state". */
size_t yaml_get_word(struct policy_error *error, const struct yaml_node *node, const char *what,
                     const char *const *words);

#endif
