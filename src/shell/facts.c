/*
 * What: picking what lists and views go by out of a record, once, when it is read.
 *
 * Why this way: a page is asked for far more seldom than records come, but it must never cost a parse of the
 * whole board; a handful of short texts beside each value costs little.
 *
 * Always true: what is no text is passed over; a record that says nothing has no facts.
 *
 * Not here: who may see what (board.c).
 */
#include "shell/facts.h"
#include "base/varint.h"

static const struct {
    const char *key;
    enum fact fact;
} names[] = {
    {"type", FACT_TYPE},         {"state", FACT_STATE},       {"stage", FACT_STAGE},
    {"severity", FACT_SEVERITY}, {"kind", FACT_KIND},         {"by", FACT_BY},
    {"ticket", FACT_TICKET},     {"customer", FACT_CUSTOMER}, {"service", FACT_SERVICE},
    {"group", FACT_GROUP},       {"priority", FACT_PRIORITY}, {"contract", FACT_CONTRACT},
    {"window", FACT_WINDOW},
};

void
facts_add(struct buffer *out, enum fact fact, struct slice value)
{
    buffer_append_byte(out, (char)fact);
    buffer_append_varint_slice(out, value);
}

/* A KEI of one customer is that customer's; one of several, or of anybody, is nobody's. */
static void
read_match(const struct cJSON *match, struct buffer *out)
{
    for (const struct cJSON *member = match->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), "customer") && json_is_list(member) && member->child != NULL &&
            member->child->next == NULL && json_is_text(member->child))
            facts_add(out, FACT_CUSTOMER, json_text(member->child));
}

static void
read_scope(const struct cJSON *scope, struct buffer *out)
{
    for (const struct cJSON *member = scope->child; member != NULL; member = member->next)
        if (json_is_text(member) && slice_is(json_key(member), "customer"))
            facts_add(out, FACT_CUSTOMER, json_text(member));
        else if (json_is_text(member) && slice_is(json_key(member), "contract"))
            facts_add(out, FACT_CONTRACT, json_text(member));
}

static void
read_arrival(const struct json *json, const struct cJSON *arrival, struct buffer *out)
{
    for (const struct cJSON *member = arrival->child; member != NULL; member = member->next)
        if (slice_is(json_key(member), "revision") && json_is_number(member))
            facts_add(out, FACT_REVISION, json_number(json, member));
}

static void
read_member(const struct json *json, const struct cJSON *member, struct buffer *out)
{
    struct slice key = json_key(member);

    if (json_is_text(member))
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (slice_is(key, names[i].key))
                facts_add(out, names[i].fact, json_text(member));
    if (!json_is_object(member))
        return;
    if (slice_is(key, "scope"))
        read_scope(member, out);
    else if (slice_is(key, "match"))
        read_match(member, out);
    else if (slice_is(key, "arrival"))
        read_arrival(json, member, out);
}

void
facts_read(const struct json *json, const struct cJSON *object, struct slice key, struct buffer *out)
{
    const char *slash;

    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        read_member(json, member, out);
    if (key.bytes < 6 || memcmp(key.at, "score/", 6) != 0)
        return;
    slash = memchr(key.at + 6, '/', key.bytes - 6);
    if (slash != NULL)
        facts_add(out, FACT_SCOPE, (struct slice){slash + 1, key.bytes - (size_t)(slash + 1 - key.at)});
}

struct slice
facts_next(struct slice facts, enum fact fact, size_t *cursor)
{
    struct slice rest = {facts.at + *cursor, facts.bytes - *cursor};
    struct slice value;

    while (rest.bytes > 0) {
        enum fact found = (enum fact)rest.at[0];

        rest = (struct slice){rest.at + 1, rest.bytes - 1};
        if (varint_get_slice(&rest, &value) != 0)
            break;
        *cursor = facts.bytes - rest.bytes;
        if (found == fact)
            return value;
    }
    return (struct slice){NULL, 0};
}

struct slice
facts_get(struct slice facts, enum fact fact)
{
    size_t cursor = 0;

    return facts_next(facts, fact, &cursor);
}

bool
facts_has(struct slice facts, enum fact fact, struct slice value)
{
    size_t cursor = 0;
    struct slice found;

    while ((found = facts_next(facts, fact, &cursor)).at != NULL)
        if (slice_equal(found, value))
            return true;
    return false;
}
