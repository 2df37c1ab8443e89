/*
 * What: looking members up.
 *
 * Why so: a table shows what is there; a server that is newer or older than this program is no error.
 *
 * Always true: never fails.
 *
 * Not here: records that are computed with (wire/outcome_read).
 */
#include "slactl/json_fields.h"
#include "base/instant.h"
#include "slad/effect.h"

const struct cJSON *
json_fields_find(const struct cJSON *object, const char *key)
{
    if (object == NULL || !json_is_object(object))
        return NULL;
    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), key))
            return member;
    return NULL;
}

struct slice
json_fields_text(const struct cJSON *object, const char *key)
{
    const struct cJSON *value = json_fields_find(object, key);

    return value != NULL && json_is_text(value) ? json_text(value) : (struct slice){0};
}

bool
json_fields_integer(const struct json *json, const struct cJSON *object, const char *key,
                    int64_t *ret_integer)
{
    const struct cJSON *value = json_fields_find(object, key);

    return value != NULL && json_is_number(value) && json_integer(json, value, ret_integer) == 0;
}

int64_t
json_fields_instant(const struct cJSON *object, const char *key)
{
    struct slice text = json_fields_text(object, key);
    int64_t at_ms = INSTANT_NONE;

    return text.at != NULL && instant_parse(text, &at_ms) == 0 ? at_ms : INSTANT_NONE;
}

bool
json_fields_true(const struct cJSON *object, const char *key)
{
    const struct cJSON *value = json_fields_find(object, key);

    return value != NULL && json_is_true(value);
}

struct slice
json_fields_shown(const struct json *json, const struct cJSON *object, const char *key)
{
    const struct cJSON *value = json_fields_find(object, key);

    if (value == NULL)
        return (struct slice){0};
    if (json_is_number(value))
        return json_number(json, value);
    if (json_is_bool(value))
        return slice_of(json_is_true(value) ? "yes" : "no");
    return json_is_text(value) ? json_text(value) : (struct slice){0};
}
