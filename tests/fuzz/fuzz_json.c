/* The JSON door: whatever comes in, it answers; what comes through can be walked and read to the last value.
 */
#include "base/panic.h"
#include "wire/json.h"

static void
walk(const struct json *json, const struct cJSON *value, struct slice text, int level)
{
    must(level <= JSON_DEPTH_MAX);
    for (const struct cJSON *member = value->child; member != NULL; member = member->next) {
        size_t place = json_offset(json, member);
        int64_t integer = 0;

        must(place < text.bytes);
        if (json_is_object(value))
            must(json_is_utf8(json_key(member)) && strlen(json_key(member).at) == json_key(member).bytes);
        if (json_is_text(member)) {
            must(text.at[place] == '"' && json_is_utf8(json_text(member)));
            must(strlen(json_text(member).at) == json_text(member).bytes);
        }
        if (json_is_number(member) && json_integer(json, member, &integer) == 0)
            must(integer >= -JSON_INTEGER_MAX && integer <= JSON_INTEGER_MAX &&
                 (double)integer == member->valuedouble);
        if (member->child != NULL)
            walk(json, member, text, level + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct json *json;
    struct slice text = {(const char *)bytes, count};
    const struct cJSON *object;
    char detail[JSON_DETAIL_BYTES] = "";

    if (json == NULL)
        json = json_new();
    if (json_read(json, text, &object, detail) != ERROR_NONE) {
        must(detail[0] != '\0' && memchr(detail, '\0', sizeof detail) != NULL);
        return 0;
    }
    walk(json, object, text, 1);
    return 0;
}
