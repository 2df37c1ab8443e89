#ifndef SLAD_WIRE_JSON_H
#define SLAD_WIRE_JSON_H

/*
 * The JSON door: the only place where strangers' JSON becomes a tree (architecture.md, Bounds; rulings R13).
 * What comes through is one object in strict RFC 8259 form, at most JSON_BYTES_MAX bytes and JSON_DEPTH_MAX
 * levels (the outermost is level 1), well-formed UTF-8, without U+0000 and lone surrogates, without a byte
 * order mark, without a key that an object names twice.
 *
 * The tree is cJSON's own. Walk it with ->child and ->next: cJSON_GetObjectItem looks at every member and
 * takes "A" for "a". Nobody but the door calls a cJSON function; numbers are read with json_integer, never
 * from valuedouble or valueint, which the door uses for itself.
 */
#include "base/slice.h"
#include "slad/event.h"
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_BYTES_MAX = 262144, JSON_DEPTH_MAX = 32, JSON_DETAIL_BYTES = 256, JSON_NUMBER_BYTES_MAX = 63 };
#define JSON_INTEGER_MAX                                                                                     \
    (INT64_C(1) << 53) /* and -JSON_INTEGER_MAX: what every JSON reader holds exactly                        \
                        */

struct json;

/* A door belongs to one thread at a time. Create the first one before a second thread uses any. */
struct json *json_new(void);
void json_free(struct json *json);

/* Reads one text. On ERROR_NONE *ret_object is its tree: it and every text in it live until the next
 * json_read or json_free; text itself must stay as long as json_integer and json_offset are asked. Else one
 * of bad_utf8, bad_json, duplicate_key, nested_too_deep, too_large, number_out_of_range (a number of more
 * than JSON_NUMBER_BYTES_MAX characters), *ret_object is untouched and detail says in English what is wrong
 * and at which byte (from 0). */
enum error_code json_read(struct json *json, struct slice text, const struct cJSON **ret_object,
                          char detail[JSON_DETAIL_BYTES]);

/* Where the value stands in the text: the byte of its first character. */
size_t json_offset(const struct json *json, const struct cJSON *value);
/* A number without fraction and exponent within +-JSON_INTEGER_MAX: 0. Else -1 and *ret_integer is untouched.
 * The value must be a number. */
int json_integer(const struct json *json, const struct cJSON *value, int64_t *ret_integer);
/* The number's characters as they stand in the text. */
struct slice json_number(const struct json *json, const struct cJSON *value);
/* Well-formed UTF-8 without U+0000: for texts that come by another way (headers). */
bool json_is_utf8(struct slice text);
/* Memory held, for the metric. */
size_t json_bytes(const struct json *json);

/* "null", "true", "false", "number", "text", "list", "object" */
const char *json_kind_text(const struct cJSON *value);

static inline bool
json_is_null(const struct cJSON *value)
{
    return (value->type & 0xff) == cJSON_NULL;
}

static inline bool
json_is_text(const struct cJSON *value)
{
    return (value->type & 0xff) == cJSON_String;
}

static inline bool
json_is_number(const struct cJSON *value)
{
    return (value->type & 0xff) == cJSON_Number;
}

static inline bool
json_is_bool(const struct cJSON *value)
{
    return (value->type & (cJSON_True | cJSON_False)) != 0;
}

static inline bool
json_is_true(const struct cJSON *value)
{
    return (value->type & 0xff) == cJSON_True;
}

static inline bool
json_is_object(const struct cJSON *value)
{
    return (value->type & 0xff) == cJSON_Object;
}

static inline bool
json_is_list(const struct cJSON *value)
{
    return (value->type & 0xff) == cJSON_Array;
}

/* How the door marks a value: valueint holds its number in the text and the length of its key, valuedouble of
 * a text the text's length. For the two functions below. */
enum { JSON_INDEX_BITS = 18, JSON_INDEX_MASK = (1 << JSON_INDEX_BITS) - 1, JSON_KEY_LONG = (1 << 13) - 1 };

/* The text of a text. at is never NULL. */
static inline struct slice
json_text(const struct cJSON *value)
{
    return (struct slice){value->valuestring, (size_t)value->valuedouble};
}

/* The key of a member of an object. */
static inline struct slice
json_key(const struct cJSON *member)
{
    size_t bytes = (unsigned)member->valueint >> JSON_INDEX_BITS;

    return (struct slice){member->string, bytes < JSON_KEY_LONG ? bytes : strlen(member->string)};
}

#endif
