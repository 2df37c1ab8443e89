/*
 * What several sections of a policy have in common: names, zones, dates, windows of scores, matches.
 *
 * Why this way: each form is read in one place, so it is written the same way everywhere and fails with the
 * same words.
 *
 * Always true: texts are copied into the policy's arena, symbols are held by the policy, a zone that several
 * places name is read once.
 *
 * Not here: the sections.
 */
#include "base/instant.h"
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"
#include "wire/quantity.h"
#include <stdio.h>

enum { ZONE_NAME_BYTES_MAX = 64, ZONE_BYTES_MAX = 256 * 1024, ZONES_ROOM_MIN = 8 };

void *
policy_yaml_parts_allocate(struct policy_yaml_loader *loader, size_t count, size_t size)
{
    void *memory = arena_allocate(loader->arena, count * size);

    memset(memory, 0, count * size);
    return memory;
}

struct slice
policy_yaml_parts_text(struct policy_yaml_loader *loader, const struct yaml_node *node, const char *expected)
{
    if (node == NULL)
        return (struct slice){NULL, 0};
    return arena_copy_slice(loader->arena, yaml_get_text(loader->error, node, expected));
}

symbol
policy_yaml_parts_symbol(struct policy_yaml_loader *loader, const struct yaml_node *node,
                         const char *expected)
{
    struct slice text = yaml_get_text(loader->error, node, expected);

    return text.bytes > 0 ? policy_symbol(loader->policy, text) : 0;
}

symbol
policy_yaml_parts_key_symbol(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    return policy_symbol(loader->policy, yaml_get_key_text(loader->error, node));
}

/* ---- zones ---- */

static bool
is_zone_name(struct slice name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-";
    bool after_slash = true;

    if (name.bytes > ZONE_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.bytes; i++) {
        bool slash = name.at[i] == '/';

        if (slash ? after_slash : name.at[i] == '\0' || strchr(allowed, name.at[i]) == NULL)
            return false;
        after_slash = slash;
    }
    return !after_slash;
}

static int
add_zone(struct policy_yaml_loader *loader, struct slice name, struct slice bytes, struct zone *zone)
{
    struct policy *policy = loader->policy;

    if (policy->zones_count == loader->zones_room) {
        size_t room = loader->zones_room == 0 ? ZONES_ROOM_MIN : loader->zones_room * 2;
        struct policy_zone *zones = policy_yaml_parts_allocate(loader, room, sizeof *zones);

        if (policy->zones_count > 0)
            memcpy(zones, loader->zones, policy->zones_count * sizeof *zones);
        loader->zones = zones;
        loader->zones_room = room;
        policy->zones = zones;
    }
    loader->zones[policy->zones_count] = (struct policy_zone){arena_copy_slice(loader->arena, name),
                                                              arena_copy_slice(loader->arena, bytes), zone};
    return (int)policy->zones_count++;
}

static int
read_zone(struct policy_yaml_loader *loader, const struct yaml_node *node, struct slice name)
{
    struct buffer bytes = {0};
    const char *reason = "it is larger than a zone can be";
    struct zone *zone = NULL;
    int index = POLICY_NONE;

    if (loader->reader->read(loader->reader->context, name, &bytes) != 0) {
        yaml_get_fail(loader->error, POLICY_ERROR_UNKNOWN_ZONE, node,
                      "unknown time zone %s, expected one that the zone directory has, like Europe/Berlin",
                      policy_error_quote(name).text);
        buffer_free(&bytes);
        return POLICY_NONE;
    }
    if (bytes.bytes <= ZONE_BYTES_MAX)
        zone = zone_new(buffer_slice(&bytes).at, bytes.bytes, &reason);
    if (zone == NULL)
        yaml_get_fail(loader->error, POLICY_ERROR_BAD_ZONE, node,
                      "the file of the time zone %s is not sound: %s", policy_error_quote(name).text, reason);
    else
        index = add_zone(loader, name, buffer_slice(&bytes), zone);
    buffer_free(&bytes);
    return index;
}

int
policy_yaml_parts_zone(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct slice name = yaml_get_text(loader->error, node, "a time zone");

    if (node == NULL || policy_yaml_loader_failed(loader))
        return POLICY_NONE;
    if (!is_zone_name(name)) {
        yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_ZONE_NAME, node,
                            "the name of a time zone like Europe/Berlin");
        return POLICY_NONE;
    }
    for (size_t i = 0; i < loader->policy->zones_count; i++)
        if (slice_equal(loader->zones[i].name, name))
            return (int)i;
    return read_zone(loader, node, name);
}

/* ---- names ---- */

int
policy_yaml_parts_calendar(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct slice name = yaml_get_text(loader->error, node, "the name of a calendar");
    struct spelling spelling;
    int index;

    if (node == NULL || policy_yaml_loader_failed(loader))
        return POLICY_NONE;
    index = policy_calendar_find(loader->policy, name);
    if (index != POLICY_NONE)
        return index;
    spelling = spelling_of(name);
    for (size_t i = 0; i < loader->policy->calendars_count; i++)
        spelling_offer(&spelling, loader->policy->calendars[i].name);
    yaml_get_fail_name(loader->error, node, "calendar", &spelling);
    return POLICY_NONE;
}

enum party
policy_yaml_parts_party(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const char *const words[] = {"provider", "supplier", "customer", "customer_supplier", NULL};
    size_t word = yaml_get_word(loader->error, node, "party", words);

    return party_of(slice_of(words[word]));
}

void
policy_yaml_parts_check_name(struct policy_yaml_loader *loader, const struct yaml_node *list,
                             const struct yaml_node *child, const char *what)
{
    const struct yaml_node *name = yaml_find(child, "name");

    if (policy_yaml_loader_failed(loader))
        return;
    for (const struct yaml_node *each = list->first; each != child; each = each->next) {
        const struct yaml_node *other = yaml_find(each, "name");

        if (!slice_equal(other->text, name->text))
            continue;
        yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_NAME, name,
                      "two %s have the name %s, the first at %u:%u", what,
                      policy_error_quote(name->text).text, other->line, other->column);
        return;
    }
}

static void
fail_clock(struct policy_yaml_loader *loader, const struct yaml_node *node, enum clock_kind kind,
           struct slice clock)
{
    struct spelling spelling = spelling_of(clock);
    char names[YAML_GET_TEXT_BYTES_MAX + 8];

    for (size_t i = 0; i < loader->policy->clocks_count; i++)
        if (loader->policy->clocks[i].kind == kind)
            spelling_offer(&spelling, symbols_text(loader->policy->symbols, loader->policy->clocks[i].name));
    spelling.wanted = node->text;
    if (spelling.best.at != NULL) {
        (void)snprintf(names, sizeof names, "%s/%s", clock_kind_text(kind), spelling.best.at);
        spelling.best = slice_of(names);
    }
    yaml_get_fail_name(loader->error, node, "clock", &spelling);
}

void
policy_yaml_parts_clock(struct policy_yaml_loader *loader, const struct yaml_node *node, bool sla_only,
                        enum clock_kind *ret_kind, symbol *ret_clock)
{
    const char *expected =
        sla_only ? "the clock of an SLA, like sla/resolution" : "kind/clock, like sla/resolution";
    struct slice text = yaml_get_text(loader->error, node, expected);
    const char *slash = text.bytes > 0 ? memchr(text.at, '/', text.bytes) : NULL;
    enum clock_kind kind = KIND_SLA;
    struct slice clock;
    symbol name;

    if (node == NULL || policy_yaml_loader_failed(loader))
        return;
    while (slash != NULL && kind < KIND_EXPERIENCE &&
           !slice_is((struct slice){text.at, (size_t)(slash - text.at)}, clock_kind_text(kind)))
        kind++;
    if (slash == NULL || kind == KIND_EXPERIENCE || (sla_only && kind != KIND_SLA)) {
        yaml_get_fail_found(loader->error, POLICY_ERROR_UNKNOWN_NAME, node, expected);
        return;
    }
    clock = (struct slice){slash + 1, text.bytes - (size_t)(slash + 1 - text.at)};
    name = symbols_find(loader->policy->symbols, clock);
    for (size_t i = 0; name != 0 && i < loader->policy->clocks_count; i++) {
        if (loader->policy->clocks[i].kind == kind && loader->policy->clocks[i].name == name) {
            *ret_kind = kind;
            *ret_clock = name;
            return;
        }
    }
    fail_clock(loader, node, kind, clock);
}

/* ---- dates and windows ---- */

static int
digits(const char *at, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

int
policy_yaml_parts_parse_date(struct slice text, struct calendar_date *ret_date)
{
    bool dated = text.bytes == 10 && text.at[4] == '-';
    const char *at = dated ? text.at + 5 : text.at;
    int year = dated ? digits(text.at, 4) : 0;
    int month, day;

    if ((!dated && text.bytes != 5) || at[2] != '-' || (dated && year < 1))
        return -1;
    month = digits(at, 2);
    day = digits(at + 3, 2);
    if (month < 1 || month > 12 || day < 1 || day > instant_days_of_month(dated ? year : 2000, month))
        return -1;
    *ret_date = (struct calendar_date){(int16_t)year, (int8_t)month, (int8_t)day};
    return 0;
}

struct policy_window
policy_yaml_parts_window(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct policy_window window = {0};
    static const char expected[] = "month, quarter or a duration like 30d";

    window.name = policy_yaml_parts_text(loader, node, expected);
    if (node == NULL || policy_yaml_loader_failed(loader))
        return window;
    if (slice_is(window.name, "month"))
        window.kind = WINDOW_MONTH;
    else if (slice_is(window.name, "quarter"))
        window.kind = WINDOW_QUARTER;
    else if (quantity_parse_duration_ms(window.name, &window.length_ms) != 0)
        yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_DURATION, node, expected);
    return window;
}

/* ---- matches ---- */

/* Adds a symbol to values unless it is there. */
static void
add_value(struct policy_yaml_loader *loader, const struct yaml_node *node, symbol *values, size_t *count)
{
    symbol value = policy_yaml_parts_symbol(loader, node, "a text");

    for (size_t i = 0; i < *count && !policy_yaml_loader_failed(loader); i++)
        if (values[i] == value)
            yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, node, "the value %s stands here twice",
                          policy_error_quote(node->text).text);
    values[(*count)++] = value;
}

const symbol *
policy_yaml_parts_symbols(struct policy_yaml_loader *loader, const struct yaml_node *node, size_t values_max,
                          size_t *ret_count)
{
    symbol *values;

    *ret_count = 0;
    if (!yaml_get_filled_list(loader->error, node, "a list of texts", values_max))
        return NULL;
    values = policy_yaml_parts_allocate(loader, node->children_count, sizeof *values);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next)
        add_value(loader, each, values, ret_count);
    return values;
}

static void
read_match_key(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_match_key *key)
{
    symbol *single;

    key->attribute = 0;
    while (key->attribute < ATTRIBUTES_COUNT &&
           !slice_is(node->key, attribute_text((enum attribute)key->attribute)))
        key->attribute++; /* what is no attribute is source: POLICY_MATCH_SOURCE */
    if (node->type == YAML_SEQUENCE) {
        key->values = policy_yaml_parts_symbols(loader, node, POLICY_YAML_VALUES_MAX, &key->values_count);
        return;
    }
    single = policy_yaml_parts_allocate(loader, 1, sizeof *single);
    *single = policy_yaml_parts_symbol(loader, node, "a text or a list of texts");
    key->values = single;
    key->values_count = 1;
}

struct policy_match
policy_yaml_parts_match(struct policy_yaml_loader *loader, const struct yaml_node *node,
                        symbol *ret_touchpoint, symbol *ret_survey)
{
    static const char *const all[] = {"customer", "contract",   "service", "category",  "priority",
                                      "group",    "user_group", "channel", "requester", "assignee",
                                      "source",   "touchpoint", "survey",  NULL};
    static const char *const ticket[] = {"customer",  "contract", "service",    "category",
                                         "priority",  "group",    "user_group", "channel",
                                         "requester", "assignee", "source",     NULL};
    struct policy_match match = {NULL, 0};
    struct policy_match_key *keys;

    if (!yaml_get_record(loader->error, node, "a match", ret_touchpoint != NULL ? all : ticket))
        return match;
    keys = policy_yaml_parts_allocate(loader, node->children_count, sizeof *keys);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        if (slice_is(each->key, "touchpoint"))
            *ret_touchpoint = policy_yaml_parts_symbol(loader, each, "a touchpoint");
        else if (slice_is(each->key, "survey"))
            *ret_survey = policy_yaml_parts_symbol(loader, each, "a survey");
        else
            read_match_key(loader, each, &keys[match.keys_count++]);
    }
    match.keys = keys;
    return match;
}

void
policy_yaml_parts_repeat(struct policy_yaml_loader *loader, const struct yaml_node *node,
                         struct policy_repeat *repeat)
{
    static const char *const keys[] = {"every", "stop_after", "ack_timeout", NULL};

    if (!yaml_get_record(loader->error, node, "repeat", keys))
        return;
    *repeat = (struct policy_repeat){
        .every_ms = yaml_get_duration_ms(loader->error, yaml_get_required(loader->error, node, "every")),
        .stop_after_ms = yaml_get_duration_ms(loader->error, yaml_find(node, "stop_after")),
        .ack_timeout_ms = yaml_get_duration_ms(loader->error, yaml_find(node, "ack_timeout")),
    };
}
