#ifndef SLAD_SHELL_CONFIG_H
#define SLAD_SHELL_CONFIG_H

/*
 * The daemon's configuration: one struct with a member for each row of slad/config.def (see there for types
 * and units).
 *
 * A value comes from the row's default, then from the file, then from --set key=value; config_load does all
 * three and is the whole way in. Afterwards the struct is read only, but for config_reload. Errors are texts
 * for people, "file:line:column: what was found, what was expected", one a line: print them and exit with 2.
 */
#include "base/buffer.h"
#include <stdbool.h>
#include <stdint.h>

struct config_entry {
    char *key;
    char *value;
};

struct config_map {
    struct config_entry *entries; /* in the order of the file; keys are unique */
    size_t count;
};

#define CONFIG_MEMBER_TEXT(key) char *key;
#define CONFIG_MEMBER_INTEGER(key) int64_t key;
#define CONFIG_MEMBER_DURATION(key) int64_t key##_ms;
#define CONFIG_MEMBER_BYTES(key) int64_t key;
#define CONFIG_MEMBER_CHOICE(key) int key;
#define CONFIG_MEMBER_SET(key) unsigned key;
#define CONFIG_MEMBER_INSTANT(key) int64_t key##_ms;
#define CONFIG_MEMBER_MAP(key) struct config_map key;

struct config {
#define CONFIG(key, TYPE, standard, min, max, unit, reloadable, help) CONFIG_MEMBER_##TYPE(key)
#include "slad/config.def"
#undef CONFIG
};

/* CONFIG_epoch_ms ...: the row of a key. */
enum config_key {
#define CONFIG(key, TYPE, standard, min, max, unit, reloadable, help) CONFIG_##key,
#include "slad/config.def"
#undef CONFIG
    CONFIG_KEYS_COUNT
};

/* The words of CHOICE and SET rows, in the order of their unit column. */
enum { CONFIG_ROLE_TICKETS = 1 << 0, CONFIG_ROLE_SCORES = 1 << 1, CONFIG_ROLE_BOARD = 1 << 2 };
enum { CONFIG_PARTITIONER_MURMUR2, CONFIG_PARTITIONER_CRC32, CONFIG_PARTITIONER_ANY };
enum { CONFIG_SNAPSHOT_NONE, CONFIG_SNAPSHOT_REDIS };

/* Where values come from. file NULL: defaults and overrides alone. overrides are "key=value" (of a map:
 * kafka.NAME=value), the last one of a key wins. Borrowed for the call. */
struct config_source {
    const char *file;
    const char *const *overrides;
    size_t overrides_count;
};

/* NULL when anything is wrong; then errors holds why (every error that was found, at least one line). */
struct config *config_load(const struct config_source *source, struct buffer *errors);
void config_free(struct config *config);

/* Reads the source again. 0: reloadable keys have their new value; their names are appended to ret_changed,
 * the names of other keys whose value differs to ret_refused (comma and blank between; both may stay empty).
 * -1: nothing changed, errors says why. */
int config_reload(struct config *config, const struct config_source *source, struct buffer *ret_changed,
                  struct buffer *ret_refused, struct buffer *errors);

/* "host:port", "[v6]:port" or ":port" (127.0.0.1): 0, or -1. ret_host is NUL-terminated, without brackets. */
enum { CONFIG_HOST_BYTES = 256 };
int config_split_listen(const char *listen, char ret_host[CONFIG_HOST_BYTES], int *ret_port);

/* The key `redis`: "address:port" with an IP address, "[v6]:port", or the path of a unix socket. 0, or -1.
 * *ret_port is 0 for a path (which is then in config->redis itself). */
int config_split_redis(const char *redis, char ret_host[CONFIG_HOST_BYTES], int *ret_port);

/* ---- the table, for docs and messages ---- */

enum config_type {
    CONFIG_TYPE_TEXT,
    CONFIG_TYPE_INTEGER,
    CONFIG_TYPE_DURATION,
    CONFIG_TYPE_BYTES,
    CONFIG_TYPE_CHOICE,
    CONFIG_TYPE_SET,
    CONFIG_TYPE_INSTANT,
    CONFIG_TYPE_MAP
};

struct config_row {
    const char *key;
    enum config_type type;
    const char *standard; /* the default, as written in the file; "": none */
    int64_t min, max;
    const char *unit;
    bool reloadable;
    const char *help;
};

const struct config_row *config_row(enum config_key key);
const char *config_key_text(enum config_key key);
const char *config_section(enum config_key key); /* the heading it stands under */

/* The value of a row as it would be written in the file, appended. Secrets of the map (passwords, keys) are
 * "***". */
void config_append_value(const struct config *config, enum config_key key, struct buffer *out);

#endif
