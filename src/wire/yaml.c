/*
 * YAML in, tree out: libyaml's events, and everything refused that makes YAML surprising.
 *
 * Why this way: a policy is a contract, so what one sees must be what one gets: no references, no types
 * guessed from the look of a word, no key that silently wins over another. libyaml's own document loader
 * drops places of keys and knows no limits, its events have both.
 *
 * Always true: nesting is bounded by YAML_LEVELS_MAX whatever the input; each error has a place inside the
 * text; every event is deleted on every way out; nodes live in the caller's arena. Keys of a mapping are
 * compared through a table once there are more than a few.
 *
 * Not here: what values mean (yaml_get), which keys there are (policy_yaml, config).
 */
#include "wire/yaml.h"
#include "base/map.h"
#include "base/panic.h"
#include <yaml.h>

enum { KEYS_WITHOUT_TABLE = 16 };

struct level {
    struct yaml_node *node;
    struct yaml_node *last;  /* its last child */
    struct yaml_node *named; /* a mapping's child whose key is read and whose value is not */
    struct map *keys;        /* NULL as long as there are few */
};

struct reading {
    yaml_parser_t parser;
    struct slice text;
    struct arena *arena;
    struct policy_error *error;
    struct level levels[YAML_LEVELS_MAX];
    size_t depth;
    struct yaml_node *root;
    bool done;
};

static uint32_t
line_of(yaml_mark_t mark)
{
    return (uint32_t)mark.line + 1;
}

static uint32_t
column_of(yaml_mark_t mark)
{
    return (uint32_t)mark.column + 1;
}

static void
refuse(struct reading *reading, enum policy_error_code code, yaml_mark_t mark, const char *message)
{
    policy_error_set(reading->error, code, line_of(mark), column_of(mark), "%s", message);
}

/* ---- keys ---- */

static struct slice
key_of(const void *value)
{
    return ((const struct yaml_node *)value)->key;
}

/* The child of this level with this key, NULL if there is none. */
static const struct yaml_node *
find_twin(struct level *level, struct slice key)
{
    if (level->keys != NULL)
        return map_get(level->keys, key);
    for (const struct yaml_node *each = level->node->first; each != NULL; each = each->next)
        if (slice_equal(each->key, key))
            return each;
    return NULL;
}

static void
remember_key(struct level *level, struct yaml_node *child)
{
    if (level->keys == NULL && level->node->children_count < KEYS_WITHOUT_TABLE)
        return;
    if (level->keys == NULL) {
        level->keys = map_new(key_of, 0);
        for (struct yaml_node *each = (struct yaml_node *)level->node->first; each != NULL;
             each = (struct yaml_node *)each->next)
            (void)map_put(level->keys, each);
    }
    (void)map_put(level->keys, child);
}

static bool
is_one_of(struct slice text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (slice_is(text, *words))
            return true;
    return false;
}

static size_t
skip(struct slice text, size_t i, const char *bytes)
{
    while (i < text.bytes && text.at[i] != '\0' && strchr(bytes, text.at[i]) != NULL)
        i++;
    return i;
}

/* A number by YAML 1.2's core schema: [-+]? (digits | digits . digits?) exponent?, 0x and 0o. */
static bool
is_number(struct slice text)
{
    static const char digits[] = "0123456789";
    size_t i = text.bytes > 0 && (text.at[0] == '-' || text.at[0] == '+');
    size_t whole, after;

    if (text.bytes > 2 && text.at[0] == '0' && (text.at[1] == 'x' || text.at[1] == 'o'))
        return skip(text, 2, text.at[1] == 'x' ? "0123456789abcdefABCDEF" : "01234567") == text.bytes;
    whole = skip(text, i, digits);
    after = whole < text.bytes && text.at[whole] == '.' ? skip(text, whole + 1, digits) : whole;
    if (whole == i && after <= whole + 1)
        return false;
    if (after < text.bytes && (text.at[after] == 'e' || text.at[after] == 'E')) {
        size_t sign = after + 1;

        if (sign < text.bytes && (text.at[sign] == '-' || text.at[sign] == '+'))
            sign++;
        return sign < text.bytes && skip(text, sign, digits) == text.bytes;
    }
    return after == text.bytes;
}

/* A plain key that other YAML readers take for something else than a text. */
static bool
is_no_text(struct slice text)
{
    static const char *const words[] = {"",      "~",     "null",  "Null",  "NULL",  "true",  "True",  "TRUE",
                                        "false", "False", "FALSE", ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",
                                        ".INF",  "-.inf", "-.Inf", "-.INF", "+.inf", "+.Inf", "+.INF", NULL};

    return is_one_of(text, words) || is_number(text);
}

static void
check_key(struct reading *reading, struct level *level, struct slice key, bool plain, yaml_mark_t mark)
{
    const struct yaml_node *twin;

    if (plain && slice_is(key, "<<")) {
        refuse(reading, POLICY_ERROR_MERGE_KEY, mark, "found the merge key <<, expected the keys themselves");
        return;
    }
    if (key.bytes == 0 || (plain && is_no_text(key))) {
        policy_error_set(reading->error, POLICY_ERROR_BAD_KEY, line_of(mark), column_of(mark),
                         "found the key %s, expected a text: put it in quotes if it is one",
                         key.bytes == 0 ? "\"\"" : policy_error_quote(key).text);
        return;
    }
    twin = find_twin(level, key);
    if (twin != NULL)
        policy_error_set(reading->error, POLICY_ERROR_DUPLICATE_KEY, line_of(mark), column_of(mark),
                         "the key %s stands here twice, first at %u:%u", policy_error_quote(key).text,
                         twin->key_line, twin->key_column);
}

static void
add_key(struct reading *reading, struct level *level, struct slice text, bool plain, yaml_mark_t mark)
{
    struct yaml_node *child;

    check_key(reading, level, text, plain, mark);
    if (reading->error->code != POLICY_ERROR_NONE)
        return;
    child = arena_allocate(reading->arena, sizeof *child);
    *child = (struct yaml_node){.key = text, .key_line = line_of(mark), .key_column = column_of(mark)};
    level->named = child;
}

/* ---- nodes ---- */

/* The node for a value that begins here, linked to its parent. NULL when the place is a key's and an error is
 * set. */
static struct yaml_node *
add_node(struct reading *reading, enum yaml_type type, yaml_mark_t mark)
{
    struct level *level = reading->depth > 0 ? &reading->levels[reading->depth - 1] : NULL;
    struct yaml_node *node;

    if (level != NULL && level->node->type == YAML_MAPPING) {
        node = level->named;
        must(node != NULL);
        remember_key(level, node);
        level->named = NULL;
    } else {
        node = arena_allocate(reading->arena, sizeof *node);
        *node = (struct yaml_node){0};
    }
    node->type = type;
    node->line = line_of(mark);
    node->column = column_of(mark);
    if (level == NULL) {
        reading->root = node;
        return node;
    }
    if (level->last == NULL)
        level->node->first = node;
    else
        level->last->next = node;
    level->last = node;
    level->node->children_count++;
    return node;
}

static bool
key_is_due(const struct reading *reading)
{
    const struct level *level = reading->depth > 0 ? &reading->levels[reading->depth - 1] : NULL;

    return level != NULL && level->node->type == YAML_MAPPING && level->named == NULL;
}

static void
on_scalar(struct reading *reading, const yaml_event_t *event)
{
    struct slice value = {(const char *)event->data.scalar.value, event->data.scalar.length};
    struct slice text = arena_copy_slice(reading->arena, value);
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct yaml_node *node;

    if (event->data.scalar.anchor != NULL)
        refuse(reading, POLICY_ERROR_ANCHOR, event->start_mark,
               "found an anchor (&...), expected the value alone");
    else if (event->data.scalar.tag != NULL)
        refuse(reading, POLICY_ERROR_TAG, event->start_mark, "found a tag (!...), expected the value alone");
    else if (value.bytes > 0 && memchr(value.at, 0, value.bytes) != NULL)
        refuse(reading, POLICY_ERROR_BAD_TEXT, event->start_mark, "found U+0000 in a text, expected none");
    else if (key_is_due(reading))
        add_key(reading, &reading->levels[reading->depth - 1], text, plain, event->start_mark);
    else {
        node = add_node(reading, YAML_SCALAR, event->start_mark);
        node->text = text;
        node->plain = plain;
    }
}

static void
on_start(struct reading *reading, const yaml_event_t *event)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *anchor =
        mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const yaml_char_t *tag = mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    struct yaml_node *node;

    if (anchor != NULL)
        refuse(reading, POLICY_ERROR_ANCHOR, event->start_mark,
               "found an anchor (&...), expected the value alone");
    else if (tag != NULL)
        refuse(reading, POLICY_ERROR_TAG, event->start_mark, "found a tag (!...), expected the value alone");
    else if (key_is_due(reading))
        refuse(reading, POLICY_ERROR_BAD_KEY, event->start_mark,
               mapping ? "found a mapping as a key, expected a text"
                       : "found a list as a key, expected a text");
    else if (reading->depth == YAML_LEVELS_MAX)
        refuse(reading, POLICY_ERROR_NESTED_TOO_DEEP, event->start_mark,
               "found a 33rd level of lists and mappings, expected at most 32");
    else {
        node = add_node(reading, mapping ? YAML_MAPPING : YAML_SEQUENCE, event->start_mark);
        reading->levels[reading->depth++] = (struct level){.node = node};
    }
}

static void
on_end(struct reading *reading)
{
    map_free(reading->levels[--reading->depth].keys);
}

static void
on_event(struct reading *reading, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (reading->root != NULL)
            refuse(reading, POLICY_ERROR_SEVERAL_DOCUMENTS, event->start_mark,
                   "found a second document, expected one in a file");
        else if (event->data.document_start.tag_directives.start !=
                 event->data.document_start.tag_directives.end)
            refuse(reading, POLICY_ERROR_TAG, event->start_mark, "found a %TAG directive, expected none");
        break;
    case YAML_ALIAS_EVENT:
        refuse(reading, POLICY_ERROR_ALIAS, event->start_mark,
               "found an alias (*...), expected the value itself");
        break;
    case YAML_SCALAR_EVENT:
        on_scalar(reading, event);
        break;
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        on_start(reading, event);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        on_end(reading);
        break;
    case YAML_STREAM_END_EVENT:
        reading->done = true;
        break;
    default:
        break;
    }
}

/* ---- what libyaml refuses ---- */

/* Line and column of a byte. */
static yaml_mark_t
mark_of(struct slice text, size_t offset)
{
    yaml_mark_t mark = {0};

    for (size_t i = 0; i < offset && i < text.bytes; i++) {
        if (text.at[i] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)text.at[i] & 0xC0) != 0x80) {
            mark.column++;
        }
    }
    return mark;
}

static void
on_refusal(struct reading *reading)
{
    const yaml_parser_t *parser = &reading->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";
    yaml_mark_t mark = parser->problem_mark;

    if (parser->error == YAML_MEMORY_ERROR)
        panic("out of memory in libyaml");
    if (parser->error == YAML_READER_ERROR) {
        mark = mark_of(reading->text, parser->problem_offset);
        policy_error_set(reading->error, POLICY_ERROR_BAD_UTF8, line_of(mark), column_of(mark),
                         "found bytes that are no text (%s), expected UTF-8 without control characters",
                         problem);
        return;
    }
    policy_error_set(reading->error, POLICY_ERROR_BAD_YAML, line_of(mark), column_of(mark),
                     "not YAML: %s%s%s", problem, parser->context != NULL ? ", " : "",
                     parser->context != NULL ? parser->context : "");
}

static void
read_all(struct reading *reading)
{
    while (!reading->done && reading->error->code == POLICY_ERROR_NONE) {
        yaml_event_t event;

        if (!yaml_parser_parse(&reading->parser, &event)) {
            on_refusal(reading);
            return;
        }
        on_event(reading, &event);
        yaml_event_delete(&event);
    }
}

const struct yaml_node *
yaml_read(struct slice text, struct arena *arena, struct policy_error *error)
{
    struct reading reading = {.text = text, .arena = arena, .error = error};

    if (error->code != POLICY_ERROR_NONE)
        return NULL;
    if (text.bytes > YAML_BYTES_MAX) {
        policy_error_set(error, POLICY_ERROR_TOO_LARGE, 1, 1, "found %zu bytes, expected at most %zu",
                         text.bytes, YAML_BYTES_MAX);
        return NULL;
    }
    if (!yaml_parser_initialize(&reading.parser))
        panic("out of memory in libyaml");
    yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)(text.at != NULL ? text.at : ""),
                                 text.bytes);
    read_all(&reading);
    while (reading.depth > 0)
        on_end(&reading);
    yaml_parser_delete(&reading.parser);
    if (error->code == POLICY_ERROR_NONE && reading.root == NULL)
        policy_error_set(error, POLICY_ERROR_WRONG_TYPE, 1, 1, "found an empty file, expected a mapping");
    return error->code == POLICY_ERROR_NONE ? reading.root : NULL;
}

const struct yaml_node *
yaml_find(const struct yaml_node *node, const char *key)
{
    if (node == NULL || node->type != YAML_MAPPING)
        return NULL;
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next)
        if (slice_is(each->key, key))
            return each;
    return NULL;
}
