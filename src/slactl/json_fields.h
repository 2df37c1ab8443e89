#ifndef SLAD_SLACTL_JSON_FIELDS_H
#define SLAD_SLACTL_JSON_FIELDS_H

/* Members of an object that came through the door (wire/json.h), by name, for tables: what is not there,
 * null, or of another type is nothing. Objects may be NULL. */
#include "wire/json.h"

const struct cJSON *json_fields_find(const struct cJSON *object, const char *key);
struct slice json_fields_text(const struct cJSON *object, const char *key); /* at NULL: nothing */
bool json_fields_integer(const struct json *json, const struct cJSON *object, const char *key,
                         int64_t *ret_integer);
/* INSTANT_NONE: nothing. */
int64_t json_fields_instant(const struct cJSON *object, const char *key);
bool json_fields_true(const struct cJSON *object, const char *key);
/* A number as it stands; a text; true and false as yes and no; else at NULL. */
struct slice json_fields_shown(const struct json *json, const struct cJSON *object, const char *key);

#endif
