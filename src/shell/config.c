/*
 * What: the configuration, read by the table slad/config.def: defaults, file, --set, in that order, and the
 * reload.
 *
 * Why this way: the table is the only list of keys. A value is read by its row's type whether it comes from
 * the default, the file or the command line, so all three take the same forms and fail with the same words. A
 * reload reads everything into a new struct first: the one in use changes only when the new one is sound.
 *
 * Always true: a struct config that got out is complete, within every row's bounds and sound across keys;
 * errors name the place (file:line:column, or --set KEY), what was found and what was expected.
 *
 * Not here: what a value means, files that a value names (policy, zoneinfo), the environment.
 */
#include "shell/config.h"
#include "base/arena.h"
#include "base/duration.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "wire/policy_error.h"
#include "wire/quantity.h"
#include "wire/spelling.h"
#include "wire/yaml.h"
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

enum { LISTEN_PORT_MAX = 65535, READ_BYTES = 16384 };

/* ---- the table ---- */

#define CONFIG_NAME_TEXT(key) key
#define CONFIG_NAME_INTEGER(key) key
#define CONFIG_NAME_DURATION(key) key##_ms
#define CONFIG_NAME_BYTES(key) key
#define CONFIG_NAME_CHOICE(key) key
#define CONFIG_NAME_SET(key) key
#define CONFIG_NAME_INSTANT(key) key##_ms
#define CONFIG_NAME_MAP(key) key

struct row {
    struct config_row row;
    size_t offset, bytes;
};

static const struct row rows[] = {
#define CONFIG(key, TYPE, standard, min, max, unit, reloadable, help)                                        \
    {{#key, CONFIG_TYPE_##TYPE, standard, min, max, unit, reloadable, help},                                 \
     offsetof(struct config, CONFIG_NAME_##TYPE(key)),                                                       \
     sizeof((struct config *)0)->CONFIG_NAME_##TYPE(key)},
#include "slad/config.def"
#undef CONFIG
};

struct outline {
    const char *title; /* NULL: a key */
    enum config_key key;
};

static const struct outline outline[] = {
#define CONFIG_SECTION(title) {title, CONFIG_KEYS_COUNT},
#define CONFIG(key, TYPE, standard, min, max, unit, reloadable, help) {NULL, CONFIG_##key},
#include "slad/config.def"
#undef CONFIG
};

/* What slad says to librdkafka itself: exactly-once and the group hang on these. */
static const char *const reserved_properties[] = {
    "bootstrap.servers",
    "metadata.broker.list",
    "client.id",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "enable.idempotence",
    "isolation.level",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "session.timeout.ms",
    "transaction.timeout.ms",
    "partition.assignment.strategy",
    "partitioner",
    "enable.partition.eof",
    "group.protocol",
};

static void *
member_of(struct config *config, const struct row *row)
{
    return (char *)config + row->offset;
}

static const void *
member_of_const(const struct config *config, const struct row *row)
{
    return (const char *)config + row->offset;
}

const struct config_row *
config_row(enum config_key key)
{
    return &rows[key].row;
}

const char *
config_key_text(enum config_key key)
{
    return rows[key].row.key;
}

const char *
config_section(enum config_key key)
{
    const char *title = NULL;

    for (size_t i = 0; i < sizeof outline / sizeof *outline; i++) {
        if (outline[i].title != NULL)
            title = outline[i].title;
        else if (outline[i].key == key)
            break;
    }
    return title;
}

static const struct row *
row_find(struct slice key)
{
    for (size_t i = 0; i < CONFIG_KEYS_COUNT; i++)
        if (slice_is(key, rows[i].row.key))
            return &rows[i];
    return NULL;
}

/* ---- errors ---- */

/* Where a value stands: in a file, or on the command line (line 0), or in the table (file NULL too). */
struct place {
    const char *file;
    uint32_t line, column;
    struct slice key; /* of an override */
};

struct reading {
    struct config *config;
    struct buffer *errors;
    bool failed;
};

__attribute__((format(printf, 3, 4))) static void
fail(struct reading *reading, const struct place *place, const char *format, ...)
{
    char message[512];
    char where[64];
    va_list arguments;

    reading->failed = true;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (place->line > 0) {
        buffer_append_text(reading->errors, place->file);
        snprintf(where, sizeof where, ":%" PRIu32 ":%" PRIu32 ": ", place->line, place->column);
        buffer_append_text(reading->errors, where);
    } else {
        buffer_append_text(reading->errors, "--set ");
        buffer_append_text(reading->errors, policy_error_quote(place->key).text);
        buffer_append_text(reading->errors, ": ");
    }
    buffer_append_text(reading->errors, message);
    buffer_append_byte(reading->errors, '\n');
}

/* About the whole: no place. file may be NULL. */
static void
complain(struct reading *reading, const char *file, const char *what)
{
    reading->failed = true;
    if (file != NULL) {
        buffer_append_text(reading->errors, file);
        buffer_append_text(reading->errors, ":1:1: ");
    }
    buffer_append_text(reading->errors, what);
    buffer_append_byte(reading->errors, '\n');
}

/* ---- values from text ---- */

static struct slice
trim(struct slice text)
{
    while (text.bytes > 0 && text.at[0] == ' ')
        text = (struct slice){text.at + 1, text.bytes - 1};
    while (text.bytes > 0 && text.at[text.bytes - 1] == ' ')
        text.bytes--;
    return text;
}

static int
take_text(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    char **member = member_of(reading->config, row);

    for (size_t i = 0; i < text.bytes; i++)
        if ((unsigned char)text.at[i] < ' ') {
            fail(reading, place, "%s: %s has a control character", row->row.key,
                 policy_error_quote(text).text);
            return -1;
        }
    if ((int64_t)text.bytes < row->row.min || (int64_t)text.bytes > row->row.max) {
        fail(reading, place, "%s: found %zu characters, expected %" PRId64 " to %" PRId64, row->row.key,
             text.bytes, row->row.min, row->row.max);
        return -1;
    }
    memory_free(*member);
    *member = slice_copy(text);
    return 0;
}

/* "64KiB" without its suffix; *ret_factor is what it stands for. */
static struct slice
cut_size(struct slice text, int64_t *ret_factor)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } sizes[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};

    *ret_factor = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (text.bytes > 3 && slice_is((struct slice){text.at + text.bytes - 3, 3}, sizes[i].suffix)) {
            *ret_factor = sizes[i].factor;
            text.bytes -= 3;
            break;
        }
    return text;
}

/* Digits alone: 0, else -1. */
static int
parse_digits(struct slice text, int64_t *ret_number)
{
    int64_t number = 0;

    if (text.bytes == 0 || text.bytes > 15)
        return -1;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        number = number * 10 + (text.at[i] - '0');
    }
    *ret_number = number;
    return 0;
}

static int
take_number(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    int64_t *member = member_of(reading->config, row);
    int64_t factor = 1;
    int64_t number;
    struct slice digits = row->row.type == CONFIG_TYPE_BYTES ? cut_size(text, &factor) : text;

    if (parse_digits(digits, &number) != 0 || number > INT64_MAX / factor) {
        fail(reading, place, "%s: found %s, expected a whole number%s", row->row.key,
             policy_error_quote(text).text,
             row->row.type == CONFIG_TYPE_BYTES ? " of bytes, KiB, MiB or GiB" : "");
        return -1;
    }
    number *= factor;
    if (number < row->row.min || number > row->row.max) {
        fail(reading, place, "%s: found %" PRId64 ", expected %" PRId64 " to %" PRId64 " %s", row->row.key,
             number, row->row.min, row->row.max, row->row.unit);
        return -1;
    }
    *member = number;
    return 0;
}

static int
take_duration(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    int64_t *member = member_of(reading->config, row);
    int64_t length_ms;
    char least[DURATION_TEXT_BYTES];
    char most[DURATION_TEXT_BYTES];

    if (quantity_parse_duration_ms(text, &length_ms) != 0) {
        fail(reading, place, "%s: found %s, expected a length like 90s, 15m, 4h, 2d or 1h30m", row->row.key,
             policy_error_quote(text).text);
        return -1;
    }
    if (length_ms < row->row.min || length_ms > row->row.max) {
        fail(reading, place, "%s: found %s, expected %s to %s", row->row.key, policy_error_quote(text).text,
             duration_format(row->row.min, least), duration_format(row->row.max, most));
        return -1;
    }
    *member = length_ms;
    return 0;
}

static int
take_instant(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    int64_t *member = member_of(reading->config, row);

    if (text.bytes == 0) {
        *member = INT64_MIN;
        return 0;
    }
    if (instant_parse(text, member) != 0) {
        fail(reading, place, "%s: found %s, expected an instant like 2026-11-01T00:00:00Z", row->row.key,
             policy_error_quote(text).text);
        return -1;
    }
    return 0;
}

/* The next of the words between bars; at NULL at the end. */
static struct slice
next_word(const char **words)
{
    struct slice word = {NULL, 0};

    if (**words == '\0')
        return word;
    word = (struct slice){*words, strcspn(*words, "|")};
    *words += word.bytes;
    if (**words == '|')
        ++*words;
    return word;
}

/* The place of a word in the row's unit, or -1, said. */
static int
find_word(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    const char *words = row->row.unit;
    struct spelling spelling = spelling_of(text);
    struct slice word;

    for (int i = 0; (word = next_word(&words)).at != NULL; i++) {
        if (slice_equal(word, text))
            return i;
        spelling_offer(&spelling, word);
    }
    fail(reading, place, "%s: found %s, expected %s%s", row->row.key, policy_error_quote(text).text,
         row->row.unit, spelling_hint(&spelling).text);
    return -1;
}

static int
take_choice(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    int *member = member_of(reading->config, row);
    int found = find_word(reading, place, row, text);

    if (found < 0)
        return -1;
    *member = found;
    return 0;
}

/* One word of a set; a word twice is an error. */
static int
take_set_word(struct reading *reading, const struct place *place, const struct row *row, struct slice word,
              unsigned *set)
{
    int found = find_word(reading, place, row, word);

    if (found < 0)
        return -1;
    if (*set & 1U << found) {
        fail(reading, place, "%s: names %s twice", row->row.key, policy_error_quote(word).text);
        return -1;
    }
    *set |= 1U << found;
    return 0;
}

/* "[a, b]" or "a,b" */
static int
take_set(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    unsigned set = 0;

    if (text.bytes >= 2 && text.at[0] == '[' && text.at[text.bytes - 1] == ']')
        text = (struct slice){text.at + 1, text.bytes - 2};
    while (text.bytes > 0) {
        const char *comma = memchr(text.at, ',', text.bytes);
        size_t bytes = comma != NULL ? (size_t)(comma - text.at) : text.bytes;

        if (take_set_word(reading, place, row, trim((struct slice){text.at, bytes}), &set) != 0)
            return -1;
        bytes += comma != NULL;
        text = (struct slice){text.at + bytes, text.bytes - bytes};
    }
    if (set == 0) {
        fail(reading, place, "%s: names nothing, expected some of %s", row->row.key, row->row.unit);
        return -1;
    }
    *(unsigned *)member_of(reading->config, row) = set;
    return 0;
}

static int
take_value(struct reading *reading, const struct place *place, const struct row *row, struct slice text)
{
    switch (row->row.type) {
    case CONFIG_TYPE_TEXT:
        return take_text(reading, place, row, text);
    case CONFIG_TYPE_INTEGER:
    case CONFIG_TYPE_BYTES:
        return take_number(reading, place, row, text);
    case CONFIG_TYPE_DURATION:
        return take_duration(reading, place, row, text);
    case CONFIG_TYPE_CHOICE:
        return take_choice(reading, place, row, text);
    case CONFIG_TYPE_SET:
        return take_set(reading, place, row, text);
    case CONFIG_TYPE_INSTANT:
        return take_instant(reading, place, row, text);
    case CONFIG_TYPE_MAP:
        break;
    }
    fail(reading, place, "%s: found a text, expected a map (on the command line: %s.NAME=VALUE)",
         row->row.key, row->row.key);
    return -1;
}

/* ---- maps ---- */

static int
take_entry(struct reading *reading, const struct place *place, const struct row *row, struct slice key,
           struct slice value)
{
    struct config_map *map = member_of(reading->config, row);
    struct config_entry *entry = NULL;

    for (size_t i = 0; i < sizeof reserved_properties / sizeof *reserved_properties; i++)
        if (slice_is(key, reserved_properties[i])) {
            fail(reading, place, "%s: %s is set by slad itself", row->row.key, reserved_properties[i]);
            return -1;
        }
    if (key.bytes == 0) {
        fail(reading, place, "%s: an entry has no name", row->row.key);
        return -1;
    }
    for (size_t i = 0; i < map->count; i++)
        if (slice_is(key, map->entries[i].key))
            entry = &map->entries[i];
    if (entry == NULL) {
        if ((int64_t)map->count >= row->row.max) {
            fail(reading, place, "%s: more than %" PRId64 " entries", row->row.key, row->row.max);
            return -1;
        }
        map->entries = memory_resize(map->entries, (map->count + 1) * sizeof *map->entries);
        entry = &map->entries[map->count++];
        *entry = (struct config_entry){.key = slice_copy(key)};
    }
    memory_free(entry->value);
    entry->value = slice_copy(value);
    return 0;
}

static void
map_done(struct config_map *map)
{
    for (size_t i = 0; i < map->count; i++) {
        memory_free(map->entries[i].key);
        memory_free(map->entries[i].value);
    }
    memory_free(map->entries);
    *map = (struct config_map){NULL, 0};
}

/* ---- sources ---- */

static void
take_defaults(struct reading *reading)
{
    for (size_t i = 0; i < CONFIG_KEYS_COUNT; i++) {
        const struct place place = {.key = slice_of(rows[i].row.key)};

        if (rows[i].row.type != CONFIG_TYPE_MAP &&
            !(rows[i].row.type == CONFIG_TYPE_TEXT && *rows[i].row.standard == '\0'))
            must(take_value(reading, &place, &rows[i], slice_of(rows[i].row.standard)) == 0);
        else if (rows[i].row.type == CONFIG_TYPE_TEXT)
            *(char **)member_of(reading->config, &rows[i]) = slice_copy(slice_of(""));
    }
}

static void
fail_unknown(struct reading *reading, const struct place *place, struct slice key)
{
    struct spelling spelling = spelling_of(key);

    for (size_t i = 0; i < CONFIG_KEYS_COUNT; i++)
        spelling_offer(&spelling, slice_of(rows[i].row.key));
    fail(reading, place, "unknown key %s%s", policy_error_quote(key).text, spelling_hint(&spelling).text);
}

static void
take_override(struct reading *reading, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    struct slice key = {assignment, equals != NULL ? (size_t)(equals - assignment) : strlen(assignment)};
    const struct place place = {.key = key};
    const char *dot = memchr(key.at, '.', key.bytes);
    const struct row *row = row_find(dot != NULL ? (struct slice){key.at, (size_t)(dot - key.at)} : key);

    if (equals == NULL)
        fail(reading, &place, "expected key=value");
    else if (row == NULL || (dot != NULL && row->row.type != CONFIG_TYPE_MAP))
        fail_unknown(reading, &place, key);
    else if (dot != NULL)
        take_entry(reading, &place, row, (struct slice){dot + 1, (size_t)(equals - dot - 1)},
                   slice_of(equals + 1));
    else
        take_value(reading, &place, row, slice_of(equals + 1));
}

/* ---- the file ---- */

static bool
is_nothing(const struct yaml_node *node)
{
    return node->plain &&
           (node->text.bytes == 0 || slice_is(node->text, "null") || slice_is(node->text, "~"));
}

static void
take_map_node(struct reading *reading, const struct row *row, const struct yaml_node *node,
              struct place place)
{
    if (node->type != YAML_MAPPING) {
        fail(reading, &place, "%s: expected a mapping of %s", row->row.key, row->row.unit);
        return;
    }
    for (const struct yaml_node *entry = node->first; entry != NULL; entry = entry->next) {
        place.line = entry->line;
        place.column = entry->column;
        if (entry->type != YAML_SCALAR || is_nothing(entry))
            fail(reading, &place, "%s.%s: expected a text", row->row.key,
                 policy_error_quote(entry->key).text);
        else
            take_entry(reading, &place, row, entry->key, entry->text);
    }
}

static void
take_set_node(struct reading *reading, const struct row *row, const struct yaml_node *node,
              struct place place)
{
    unsigned set = 0;
    bool sound = node->children_count > 0;

    if (!sound)
        fail(reading, &place, "%s: names nothing, expected some of %s", row->row.key, row->row.unit);
    for (const struct yaml_node *word = node->first; word != NULL; word = word->next) {
        place.line = word->line;
        place.column = word->column;
        if (word->type != YAML_SCALAR) {
            fail(reading, &place, "%s: expected some of %s", row->row.key, row->row.unit);
            sound = false;
        } else if (take_set_word(reading, &place, row, word->text, &set) != 0) {
            sound = false;
        }
    }
    if (sound)
        *(unsigned *)member_of(reading->config, row) = set;
}

static void
take_node(struct reading *reading, const char *file, const struct yaml_node *node)
{
    const struct row *row = row_find(node->key);
    struct place place = {.file = file, .line = node->key_line, .column = node->key_column};

    if (row == NULL) {
        fail_unknown(reading, &place, node->key);
        return;
    }
    place.line = node->line;
    place.column = node->column;
    if (row->row.type == CONFIG_TYPE_MAP)
        take_map_node(reading, row, node, place);
    else if (row->row.type == CONFIG_TYPE_SET && node->type == YAML_SEQUENCE)
        take_set_node(reading, row, node, place);
    else if (node->type != YAML_SCALAR)
        fail(reading, &place, "%s: found a %s, expected one value", row->row.key,
             node->type == YAML_MAPPING ? "mapping" : "list");
    else if (is_nothing(node))
        fail(reading, &place, "%s: found nothing, expected a value (leave the key out for the default)",
             row->row.key);
    else
        take_value(reading, &place, row, node->text);
}

/* The whole file; at NULL, said, when it cannot be read. */
static struct buffer
read_file(struct reading *reading, const char *file)
{
    struct buffer text = {0};
    FILE *stream = fopen(file, "rbe");
    size_t got = 0;

    if (stream == NULL) {
        reading->failed = true;
        buffer_append_text(reading->errors, file);
        buffer_append_text(reading->errors, ":1:1: cannot be read: ");
        buffer_append_text(reading->errors, strerror(errno));
        buffer_append_byte(reading->errors, '\n');
        return text;
    }
    do {
        got = fread(buffer_reserve(&text, READ_BYTES), 1, READ_BYTES, stream);
        buffer_advance(&text, got);
    } while (got > 0 && text.bytes <= YAML_BYTES_MAX);
    if (ferror(stream)) {
        buffer_reset(&text);
        complain(reading, file, "cannot be read: is it a file?");
    }
    fclose(stream);
    return text;
}

/* Nothing but comments and blanks: a sound way to say "the defaults". */
static bool
is_blank(struct slice text)
{
    bool comment = false;

    for (size_t i = 0; i < text.bytes; i++) {
        comment = text.at[i] == '#' || (comment && text.at[i] != '\n');
        if (!comment && strchr(" \r\n", text.at[i]) == NULL)
            return false;
    }
    return true;
}

static void
take_file(struct reading *reading, const char *file)
{
    struct policy_error error = {.file = slice_of(file)};
    struct buffer text = read_file(reading, file);
    struct arena *arena = NULL;
    const struct yaml_node *top = NULL;

    if (reading->failed || is_blank(buffer_slice(&text)))
        goto done;
    arena = arena_new(READ_BYTES);
    top = yaml_read(buffer_slice(&text), arena, &error);
    if (top == NULL) {
        reading->failed = true;
        policy_error_format(&error, reading->errors);
        buffer_append_byte(reading->errors, '\n');
    } else if (top->type != YAML_MAPPING) {
        complain(reading, file, "expected a mapping of keys");
    } else {
        for (const struct yaml_node *node = top->first; node != NULL; node = node->next)
            take_node(reading, file, node);
    }
done:
    arena_free(arena);
    buffer_free(&text);
}

/* ---- checks across keys ---- */

int
config_split_listen(const char *listen, char ret_host[CONFIG_HOST_BYTES], int *ret_port)
{
    const char *colon = strrchr(listen, ':');
    struct slice host;
    int64_t port;

    if (colon == NULL || parse_digits(slice_of(colon + 1), &port) != 0 || port > LISTEN_PORT_MAX)
        return -1;
    host = (struct slice){listen, (size_t)(colon - listen)};
    if (host.bytes >= 2 && host.at[0] == '[' && host.at[host.bytes - 1] == ']')
        host = (struct slice){host.at + 1, host.bytes - 2};
    else if (memchr(host.at, ':', host.bytes) != NULL)
        return -1;
    if (host.bytes == 0)
        host = slice_of("127.0.0.1");
    if (host.bytes >= CONFIG_HOST_BYTES)
        return -1;
    memcpy(ret_host, host.at, host.bytes);
    ret_host[host.bytes] = '\0';
    *ret_port = (int)port;
    return 0;
}

int
config_split_redis(const char *redis, char ret_host[CONFIG_HOST_BYTES], int *ret_port)
{
    unsigned char address[sizeof(struct in6_addr)];

    if (redis[0] == '/') {
        *ret_port = 0;
        return 0;
    }
    if (config_split_listen(redis, ret_host, ret_port) != 0 || *ret_port == 0)
        return -1;
    return inet_pton(AF_INET, ret_host, address) == 1 || inet_pton(AF_INET6, ret_host, address) == 1 ? 0 : -1;
}

static void
check_together(struct reading *reading, const char *file)
{
    const struct config *config = reading->config;
    char host[CONFIG_HOST_BYTES];
    int port;

    if (config_split_listen(config->listen, host, &port) != 0)
        complain(reading, file, "listen: expected host:port, [IPv6 address]:port or :port");
    if (config->retirement_mark_ms < config->retire_after_ms)
        complain(reading, file, "retirement_mark: expected at least as long as retire_after");
    if (config->stream_clients_max > config->http_connections_max)
        complain(reading, file, "stream_clients_max: expected at most http_connections_max");
    if (config_split_redis(config->redis, host, &port) != 0)
        complain(reading, file,
                 "redis: expected an IP address and port (127.0.0.1:6379), or the path of a unix socket");
}

static struct config *
read_all(const struct config_source *source, struct buffer *errors)
{
    struct reading reading = {.config = memory_allocate_zeroed(1, sizeof(struct config)), .errors = errors};

    take_defaults(&reading);
    if (source->file != NULL)
        take_file(&reading, source->file);
    for (size_t i = 0; i < source->overrides_count; i++)
        take_override(&reading, source->overrides[i]);
    if (!reading.failed)
        check_together(&reading, source->file);
    if (!reading.failed)
        return reading.config;
    config_free(reading.config);
    return NULL;
}

struct config *
config_load(const struct config_source *source, struct buffer *errors)
{
    return read_all(source, errors);
}

void
config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < CONFIG_KEYS_COUNT; i++) {
        if (rows[i].row.type == CONFIG_TYPE_TEXT)
            memory_free(*(char **)member_of(config, &rows[i]));
        if (rows[i].row.type == CONFIG_TYPE_MAP)
            map_done(member_of(config, &rows[i]));
    }
    memory_free(config);
}

/* ---- printing ---- */

/* Whether an entry's value is nobody's business. */
static bool
is_secret(const char *key)
{
    static const char *const words[] = {"password",           "secret", "key.pem", "token",
                                        "oauthbearer.config", "jaas"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(key, words[i]) != NULL)
            return true;
    return false;
}

static void
append_map(const struct config_map *map, bool masked, struct buffer *out)
{
    buffer_append_byte(out, '{');
    for (size_t i = 0; i < map->count; i++) {
        if (i > 0)
            buffer_append_text(out, ", ");
        buffer_append_text(out, map->entries[i].key);
        buffer_append_text(out, ": ");
        buffer_append_text(out, masked && is_secret(map->entries[i].key) ? "***" : map->entries[i].value);
    }
    buffer_append_byte(out, '}');
}

static void
append_words(const struct config_row *row, unsigned set, struct buffer *out)
{
    const char *words = row->unit;
    const char *between = "";
    struct slice word;

    buffer_append_byte(out, '[');
    for (unsigned i = 0; (word = next_word(&words)).at != NULL; i++) {
        if (!(set & 1U << i))
            continue;
        buffer_append_text(out, between);
        buffer_append_slice(out, word);
        between = ", ";
    }
    buffer_append_byte(out, ']');
}

static void
append_duration(int64_t length_ms, struct buffer *out)
{
    char text[DURATION_TEXT_BYTES];

    duration_format(length_ms, text);
    for (const char *at = text; *at != '\0'; at++) /* "1h 30m" is for people; the file wants 1h30m */
        if (*at != ' ')
            buffer_append_byte(out, *at);
}

static void
append_value(const struct config *config, const struct row *row, bool masked, struct buffer *out)
{
    const void *member = member_of_const(config, row);
    char at[INSTANT_TEXT_BYTES];
    const char *words = row->row.unit;

    switch (row->row.type) {
    case CONFIG_TYPE_TEXT:
        buffer_append_text(out, *(char *const *)member);
        break;
    case CONFIG_TYPE_INTEGER:
    case CONFIG_TYPE_BYTES:
        buffer_append_int64(out, *(const int64_t *)member);
        break;
    case CONFIG_TYPE_DURATION:
        append_duration(*(const int64_t *)member, out);
        break;
    case CONFIG_TYPE_CHOICE:
        for (int i = 0; i < *(const int *)member; i++)
            next_word(&words);
        buffer_append_slice(out, next_word(&words));
        break;
    case CONFIG_TYPE_SET:
        append_words(&row->row, *(const unsigned *)member, out);
        break;
    case CONFIG_TYPE_INSTANT:
        if (*(const int64_t *)member != INT64_MIN) {
            instant_format(*(const int64_t *)member, at);
            buffer_append_text(out, at);
        }
        break;
    case CONFIG_TYPE_MAP:
        append_map(member, masked, out);
        break;
    }
}

void
config_append_value(const struct config *config, enum config_key key, struct buffer *out)
{
    append_value(config, &rows[key], true, out);
}

/* ---- reload ---- */

static bool
differs(const struct config *a, const struct config *b, const struct row *row)
{
    struct buffer left = {0};
    struct buffer right = {0};
    bool different;

    append_value(a, row, false, &left);
    append_value(b, row, false, &right);
    different = !slice_equal(buffer_slice(&left), buffer_slice(&right));
    buffer_free(&left);
    buffer_free(&right);
    return different;
}

static void
swap_member(struct config *a, struct config *b, const struct row *row)
{
    char kept[sizeof(struct config_map)];

    must(row->bytes <= sizeof kept);
    memcpy(kept, member_of(a, row), row->bytes);
    memcpy(member_of(a, row), member_of(b, row), row->bytes);
    memcpy(member_of(b, row), kept, row->bytes);
}

int
config_reload(struct config *config, const struct config_source *source, struct buffer *ret_changed,
              struct buffer *ret_refused, struct buffer *errors)
{
    struct config *fresh = read_all(source, errors);

    if (fresh == NULL)
        return -1;
    for (size_t i = 0; i < CONFIG_KEYS_COUNT; i++) {
        struct buffer *names = rows[i].row.reloadable ? ret_changed : ret_refused;

        if (!differs(config, fresh, &rows[i]))
            continue;
        if (names->bytes > 0)
            buffer_append_text(names, ", ");
        buffer_append_text(names, rows[i].row.key);
        if (rows[i].row.reloadable)
            swap_member(config, fresh, &rows[i]);
    }
    config_free(fresh);
    return 0;
}
