/*
 * Typed values out of a YAML tree.
 *
 * Why this way: readers of policies and of configuration are long lists of keys; with errors that stick and
 * getters that take NULL each key is one line, and no line can forget to look at a result.
 *
 * Always true: a getter that fails leaves its harmless value; the first error stays; a message says what was
 * found and what was expected.
 *
 * Not here: the grammar of any file.
 */
#include "wire/yaml_get.h"
#include "base/instant.h"
#include "wire/quantity.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_BYTES = 1024 };

static bool
failed(const struct policy_error *error)
{
    return error->code != POLICY_ERROR_NONE;
}

void
yaml_get_fail(struct policy_error *error, enum policy_error_code code, const struct yaml_node *node,
              const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    policy_error_set(error, code, node->line, node->column, "%s", message);
}

void
yaml_get_fail_key(struct policy_error *error, enum policy_error_code code, const struct yaml_node *node,
                  const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    bool has_key = node->key.at != NULL;

    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    policy_error_set(error, code, has_key ? node->key_line : node->line,
                     has_key ? node->key_column : node->column, "%s", message);
}

static bool
is_null(const struct yaml_node *node)
{
    return node->type == YAML_SCALAR && node->plain &&
           (node->text.bytes == 0 || slice_is(node->text, "null") || slice_is(node->text, "~") ||
            slice_is(node->text, "Null") || slice_is(node->text, "NULL"));
}

/* What stands here, for "found ...". */
static struct policy_error_quoted
found(const struct yaml_node *node)
{
    if (node->type == YAML_SCALAR && !is_null(node))
        return policy_error_quote(node->text);
    return (struct policy_error_quoted){{0}};
}

static const char *
found_kind(const struct yaml_node *node)
{
    if (node->type == YAML_MAPPING)
        return "a mapping";
    if (node->type == YAML_SEQUENCE)
        return "a list";
    return is_null(node) ? "nothing" : node->plain ? "" : "the text ";
}

void
yaml_get_fail_found(struct policy_error *error, enum policy_error_code code, const struct yaml_node *node,
                    const char *expected)
{
    yaml_get_fail(error, code, node, "found %s%s, expected %s", found_kind(node), found(node).text, expected);
}

void
yaml_get_fail_name(struct policy_error *error, const struct yaml_node *node, const char *what,
                   const struct spelling *spelling)
{
    yaml_get_fail(error, POLICY_ERROR_UNKNOWN_NAME, node, "unknown %s %s, expected one of this policy%s",
                  what, policy_error_quote(spelling->wanted).text, spelling_hint(spelling).text);
}

static bool
is_type(struct policy_error *error, const struct yaml_node *node, enum yaml_type type, const char *expected)
{
    if (failed(error) || node == NULL)
        return false;
    if (node->type != type)
        yaml_get_fail_found(error, POLICY_ERROR_WRONG_TYPE, node, expected);
    return !failed(error);
}

static bool
is_sized(struct policy_error *error, const struct yaml_node *node, enum yaml_type type, const char *expected,
         size_t least, size_t most)
{
    if (!is_type(error, node, type, expected))
        return false;
    if (node->children_count < least)
        yaml_get_fail(error, POLICY_ERROR_TOO_FEW, node, "found nothing in it, expected %s", expected);
    if (node->children_count > most)
        yaml_get_fail(error, POLICY_ERROR_TOO_MANY, node, "found %zu entries, expected at most %zu: %s",
                      node->children_count, most, expected);
    return !failed(error);
}

bool
yaml_get_mapping(struct policy_error *error, const struct yaml_node *node, const char *expected)
{
    return is_type(error, node, YAML_MAPPING, expected);
}

bool
yaml_get_list(struct policy_error *error, const struct yaml_node *node, const char *expected)
{
    return is_type(error, node, YAML_SEQUENCE, expected);
}

bool
yaml_get_bounded_mapping(struct policy_error *error, const struct yaml_node *node, const char *expected,
                         size_t children_max)
{
    return is_sized(error, node, YAML_MAPPING, expected, 0, children_max);
}

bool
yaml_get_bounded_list(struct policy_error *error, const struct yaml_node *node, const char *expected,
                      size_t children_max)
{
    return is_sized(error, node, YAML_SEQUENCE, expected, 0, children_max);
}

bool
yaml_get_filled_mapping(struct policy_error *error, const struct yaml_node *node, const char *expected,
                        size_t children_max)
{
    return is_sized(error, node, YAML_MAPPING, expected, 1, children_max);
}

bool
yaml_get_filled_list(struct policy_error *error, const struct yaml_node *node, const char *expected,
                     size_t children_max)
{
    return is_sized(error, node, YAML_SEQUENCE, expected, 1, children_max);
}

/* "a, b, c" */
static void
join(const char *const *words, char *out, size_t room)
{
    size_t used = 0;

    out[0] = '\0';
    for (; *words != NULL && used < room; words++) {
        int count = snprintf(out + used, room - used, "%s%s", used > 0 ? ", " : "", *words);

        used += (size_t)count;
    }
}

/* Fails with the nearest of the words, if one is near, and with all of them. */
static void
fail_word(struct policy_error *error, enum policy_error_code code, const struct yaml_node *node, bool at_key,
          const char *what, const char *const *words)
{
    struct slice text = at_key ? node->key : node->text;
    struct spelling spelling = spelling_of(text);
    struct spelling_hint hint;
    char list[MESSAGE_BYTES / 2];

    for (const char *const *word = words; *word != NULL; word++)
        spelling_offer(&spelling, slice_of(*word));
    hint = spelling_hint(&spelling);
    join(words, list, sizeof list);
    if (at_key)
        yaml_get_fail_key(error, code, node, "unknown key %s in %s%s%s%s", policy_error_quote(text).text,
                          what, hint.text,
                          hint.text[0] != '\0' ? " Expected one of: " : ", expected one of: ", list);
    else
        yaml_get_fail(error, code, node, "unknown %s %s%s%s%s", what, policy_error_quote(text).text,
                      hint.text, hint.text[0] != '\0' ? " Expected one of: " : ", expected one of: ", list);
}

static size_t
word_index(struct slice text, const char *const *words)
{
    size_t i = 0;

    while (words[i] != NULL && !slice_is(text, words[i]))
        i++;
    return i;
}

bool
yaml_get_record(struct policy_error *error, const struct yaml_node *node, const char *what,
                const char *const *keys)
{
    char expected[160];

    (void)snprintf(expected, sizeof expected, "a mapping (%s)", what);
    if (!yaml_get_mapping(error, node, expected))
        return false;
    for (const struct yaml_node *each = node->first; each != NULL && !failed(error); each = each->next)
        if (keys[word_index(each->key, keys)] == NULL)
            fail_word(error, POLICY_ERROR_UNKNOWN_KEY, each, true, what, keys);
    return !failed(error);
}

const struct yaml_node *
yaml_get_required(struct policy_error *error, const struct yaml_node *mapping, const char *key)
{
    const struct yaml_node *value = yaml_find(mapping, key);

    if (mapping != NULL && value == NULL)
        yaml_get_fail(error, POLICY_ERROR_MISSING_KEY, mapping, "the key \"%s\" is missing here", key);
    return value;
}

static struct slice
nothing(void)
{
    return (struct slice){"", 0};
}

static bool
is_scalar(struct policy_error *error, const struct yaml_node *node, const char *expected)
{
    if (failed(error) || node == NULL)
        return false;
    if (node->type != YAML_SCALAR || is_null(node))
        yaml_get_fail_found(error, POLICY_ERROR_WRONG_TYPE, node, expected);
    return !failed(error);
}

struct slice
yaml_get_text(struct policy_error *error, const struct yaml_node *node, const char *expected)
{
    if (!is_scalar(error, node, expected))
        return nothing();
    if (node->text.bytes == 0 || node->text.bytes > YAML_GET_TEXT_BYTES_MAX) {
        yaml_get_fail(error, POLICY_ERROR_BAD_TEXT, node, "found %zu bytes, expected %s of 1 to %d bytes",
                      node->text.bytes, expected, YAML_GET_TEXT_BYTES_MAX);
        return nothing();
    }
    return node->text;
}

struct slice
yaml_get_key_text(struct policy_error *error, const struct yaml_node *node)
{
    if (failed(error) || node == NULL)
        return nothing();
    if (node->key.bytes > YAML_GET_TEXT_BYTES_MAX) {
        yaml_get_fail_key(error, POLICY_ERROR_BAD_TEXT, node,
                          "found %zu bytes, expected a name of 1 to %d bytes", node->key.bytes,
                          YAML_GET_TEXT_BYTES_MAX);
        return nothing();
    }
    return node->key;
}

bool
yaml_get_boolean(struct policy_error *error, const struct yaml_node *node)
{
    static const char *const words[] = {"false", "no", "true", "yes", NULL};
    size_t i;

    if (!is_scalar(error, node, "true or false"))
        return false;
    i = word_index(node->text, words);
    if (!node->plain || words[i] == NULL) {
        yaml_get_fail_found(error, POLICY_ERROR_WRONG_TYPE, node, "true or false");
        return false;
    }
    return i >= 2;
}

int64_t
yaml_get_decimal(struct policy_error *error, const struct yaml_node *node, int decimals, int64_t least,
                 int64_t most)
{
    char expected[160];
    int64_t value, unit = 1;

    for (int i = 0; i < decimals; i++)
        unit *= 10;
    (void)snprintf(expected, sizeof expected, "a %snumber from %" PRId64 " to %" PRId64,
                   decimals == 0 ? "whole " : "", least / unit, most / unit);
    if (!is_scalar(error, node, expected))
        return 0;
    if (!node->plain) {
        yaml_get_fail_found(error, POLICY_ERROR_WRONG_TYPE, node, expected);
        return 0;
    }
    if (quantity_parse_decimal(node->text, decimals, &value) != 0 || value < least || value > most) {
        yaml_get_fail_found(error, POLICY_ERROR_BAD_NUMBER, node, expected);
        return 0;
    }
    return value;
}

int64_t
yaml_get_integer(struct policy_error *error, const struct yaml_node *node, int64_t least, int64_t most)
{
    return yaml_get_decimal(error, node, 0, least, most);
}

int64_t
yaml_get_duration_ms(struct policy_error *error, const struct yaml_node *node)
{
    static const char expected[] = "a duration like 90s, 15m, 4h, 2d or 1h30m";
    int64_t value_ms = 0;

    if (is_scalar(error, node, expected) && quantity_parse_duration_ms(node->text, &value_ms) != 0)
        yaml_get_fail_found(error, POLICY_ERROR_BAD_DURATION, node, expected);
    return value_ms;
}

int
yaml_get_share_bp(struct policy_error *error, const struct yaml_node *node)
{
    static const char expected[] = "a percentage over 0% and at most 100%, like 95% or 12.5%";
    int value_bp = 0;

    if (is_scalar(error, node, expected) && quantity_parse_share_bp(node->text, &value_bp) != 0)
        yaml_get_fail_found(error, POLICY_ERROR_BAD_PERCENTAGE, node, expected);
    return value_bp;
}

int64_t
yaml_get_instant_ms(struct policy_error *error, const struct yaml_node *node)
{
    static const char expected[] = "an instant like 2026-11-01T00:00:00Z";
    int64_t value_ms = 0;

    if (is_scalar(error, node, expected) && instant_parse(node->text, &value_ms) != 0)
        yaml_get_fail_found(error, POLICY_ERROR_BAD_INSTANT, node, expected);
    return value_ms;
}

size_t
yaml_get_word(struct policy_error *error, const struct yaml_node *node, const char *what,
              const char *const *words)
{
    char expected[MESSAGE_BYTES / 2];
    size_t i;

    join(words, expected, sizeof expected);
    if (!is_scalar(error, node, expected))
        return 0;
    i = word_index(node->text, words);
    if (words[i] == NULL) {
        fail_word(error, POLICY_ERROR_UNKNOWN_WORD, node, false, what, words);
        return 0;
    }
    return i;
}
