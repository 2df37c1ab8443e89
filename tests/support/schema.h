#ifndef SLAD_TESTS_SCHEMA_H
#define SLAD_TESTS_SCHEMA_H

/* As much of JSON Schema 2020-12 as docs/schema uses: type, const, enum, properties, required,
 * additionalProperties, items, minimum, maximum. Anything else in a schema but its words for people fails the
 * test: a keyword nobody checks promises nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "wire/json.h"

static inline const struct cJSON *
schema_member(const struct cJSON *object, const char *key)
{
    const struct cJSON *member = object->child;

    while (member != NULL && !slice_is(json_key(member), key))
        member = member->next;
    return member;
}

static inline bool
schema_same_scalar(const struct cJSON *a, const struct cJSON *b)
{
    if ((a->type & 0xff) != (b->type & 0xff))
        return false;
    if (json_is_text(a))
        return slice_equal(json_text(a), json_text(b));
    return !json_is_number(a) || a->valuedouble == b->valuedouble;
}

static inline bool
schema_is_type(const struct cJSON *value, struct slice type)
{
    if (slice_is(type, "integer"))
        return json_is_number(value) && value->valuedouble == (double)(int64_t)value->valuedouble;
    if (slice_is(type, "boolean"))
        return json_is_bool(value);
    if (slice_is(type, "string"))
        return json_is_text(value);
    if (slice_is(type, "array"))
        return json_is_list(value);
    return slice_is(type, json_kind_text(value)); /* object, null, number */
}

static inline bool
schema_is_one_of(const struct cJSON *value, const struct cJSON *choices, bool types)
{
    if (!json_is_list(choices))
        return schema_is_type(value, json_text(choices));
    for (const struct cJSON *choice = choices->child; choice != NULL; choice = choice->next) {
        if (types ? schema_is_type(value, json_text(choice)) : schema_same_scalar(value, choice))
            return true;
    }
    return false;
}

static inline void schema_check(const struct cJSON *schema, const struct cJSON *value, const char *path);

static inline void
schema_check_object(const struct cJSON *schema, const struct cJSON *object, const char *path)
{
    const struct cJSON *properties = schema_member(schema, "properties");
    const struct cJSON *required = schema_member(schema, "required");
    const struct cJSON *others = schema_member(schema, "additionalProperties");
    char place[256];

    for (const struct cJSON *key = required != NULL ? required->child : NULL; key != NULL; key = key->next) {
        if (schema_member(object, key->valuestring) == NULL)
            fail_msg("%s: %s is missing", path, key->valuestring);
    }
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        const struct cJSON *rule = properties != NULL ? schema_member(properties, member->string) : NULL;

        (void)snprintf(place, sizeof place, "%s.%s", path, member->string);
        if (rule == NULL && others != NULL && !json_is_object(others))
            fail_msg("%s is not in the schema", place);
        rule = rule != NULL ? rule : others;
        if (rule != NULL)
            schema_check(rule, member, place);
    }
}

static inline void
schema_check_keyword(const struct cJSON *schema, const struct cJSON *keyword, const struct cJSON *value,
                     const char *path)
{
    struct slice name = json_key(keyword);
    bool good = true;

    if (slice_is(name, "type"))
        good = schema_is_one_of(value, keyword, true);
    else if (slice_is(name, "enum"))
        good = schema_is_one_of(value, keyword, false);
    else if (slice_is(name, "const"))
        good = schema_same_scalar(value, keyword);
    else if (slice_is(name, "minimum"))
        good = !json_is_number(value) || value->valuedouble >= keyword->valuedouble;
    else if (slice_is(name, "maximum"))
        good = !json_is_number(value) || value->valuedouble <= keyword->valuedouble;
    else if (slice_is(name, "items"))
        for (const struct cJSON *item = value->child; item != NULL; item = item->next)
            schema_check(keyword, item, path);
    else if (slice_is(name, "properties"))
        schema_check_object(schema, value, path);
    else if (slice_is(name, "additionalProperties") && schema_member(schema, "properties") == NULL)
        schema_check_object(schema, value, path);
    else
        good = slice_is(name, "required") || slice_is(name, "additionalProperties") ||
               slice_is(name, "description") || slice_is(name, "title") || slice_is(name, "$schema") ||
               slice_is(name, "format");
    if (!good)
        fail_msg("%s: breaks \"%s\" of the schema", path, keyword->string);
}

static inline void
schema_check(const struct cJSON *schema, const struct cJSON *value, const char *path)
{
    for (const struct cJSON *keyword = schema->child; keyword != NULL; keyword = keyword->next)
        schema_check_keyword(schema, keyword, value, path);
}

/* The keys of the record in the order in which the schema lists them. */
static inline void
schema_check_order(const struct cJSON *schema, const struct cJSON *record, const char *path)
{
    const struct cJSON *property = schema_member(schema, "properties")->child;

    for (const struct cJSON *member = record->child; member != NULL; member = member->next) {
        while (property != NULL && !slice_equal(json_key(property), json_key(member)))
            property = property->next;
        if (property == NULL)
            fail_msg("%s.%s is not where the schema has it", path, member->string);
    }
}

/* Checks one printed record against docs/schema/NAME.json. */
static inline void
schema_check_record(const char *name, struct slice record)
{
    static char text[65536];
    char path[512], detail[JSON_DETAIL_BYTES];
    struct json *schema_door = json_new();
    struct json *record_door = json_new();
    const struct cJSON *schema, *object;
    FILE *file;
    size_t bytes;

    (void)snprintf(path, sizeof path, "%s/../docs/schema/%s.json", TESTS_DIR, name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s: not there", path);
    bytes = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    if (json_read(schema_door, (struct slice){text, bytes}, &schema, detail) != ERROR_NONE)
        fail_msg("%s: %s", path, detail);
    if (json_read(record_door, record, &object, detail) != ERROR_NONE)
        fail_msg("%.*s: %s", (int)record.bytes, record.at, detail);
    schema_check(schema, object, name);
    schema_check_order(schema, object, name);
    json_free(schema_door);
    json_free(record_door);
}

#endif
