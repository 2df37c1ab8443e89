/*
 * One policy version: its life, its look-ups and the words it is written in.
 *
 * Why this way: a policy is read once and asked a million times, so everything lies in one arena, statuses
 * and groups are sorted by symbol number, and nothing is ever changed after the loader has let go of it.
 *
 * Always true: every symbol a policy names is in `held` exactly as often as it was taken, so policy_free
 * gives each reference back; the struct itself lives in its own arena.
 *
 * Not here: reading YAML (wire/policy_yaml), several versions and compiled calendars (policy_set).
 */
#include "slad/policy.h"
#include "base/arena.h"
#include "base/memory.h"
#include "base/panic.h"

enum { ARENA_BLOCK_BYTES = 16 * 1024, HELD_MIN = 64 };

#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

struct policy *
policy_new(struct symbols *symbols)
{
    struct arena *arena = arena_new(ARENA_BLOCK_BYTES);
    struct policy *policy = arena_allocate(arena, sizeof *policy);

    *policy = (struct policy){
        .from_ms = INT64_MIN,
        .reopen_window_ms = 7 * DAY_MS,
        .courtesy_window_ms = 15 * MINUTE_MS,
        .flip_window_ms = 15 * MINUTE_MS,
        .experience = {.min_answers = 5, .zone = POLICY_NONE},
        .foresight =
            {.enabled = true, .people = true, .fire_bp = 8000, .clear_bp = 6000, .backstop_bp = 8750},
        .arena = arena,
        .symbols = symbols,
    };
    return policy;
}

symbol
policy_symbol(struct policy *policy, struct slice text)
{
    symbol number = symbols_intern(policy->symbols, text);

    if (number == 0)
        return 0;
    if (policy->held_count == policy->held_room) {
        policy->held_room = policy->held_room == 0 ? HELD_MIN : policy->held_room * 2;
        policy->held = memory_resize(policy->held, policy->held_room * sizeof *policy->held);
    }
    policy->held[policy->held_count++] = number;
    return number;
}

struct policy *
policy_share(struct policy *policy)
{
    policy->shared_count++;
    return policy;
}

void
policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    if (policy->shared_count > 0) {
        policy->shared_count--;
        return;
    }
    for (size_t i = 0; i < policy->zones_count; i++)
        zone_free(policy->zones[i].zone);
    for (size_t i = 0; i < policy->held_count; i++)
        symbols_release(policy->symbols, policy->held[i]);
    memory_free(policy->held);
    arena_free(policy->arena); /* the policy itself goes with it */
}

const struct policy_status *
policy_status_find(const struct policy *policy, symbol name)
{
    size_t low = 0, high = policy->statuses_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (policy->statuses[middle].name == name)
            return &policy->statuses[middle];
        if (policy->statuses[middle].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct policy_group *
policy_group_find(const struct policy *policy, symbol name)
{
    size_t low = 0, high = policy->groups_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (policy->groups[middle].name == name)
            return &policy->groups[middle];
        if (policy->groups[middle].name < name)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

int
policy_calendar_find(const struct policy *policy, struct slice name)
{
    for (size_t i = 0; i < policy->calendars_count; i++)
        if (slice_equal(policy->calendars[i].name, name))
            return (int)i;
    return POLICY_NONE;
}

const char *
clock_kind_text(enum clock_kind kind)
{
    static const char *const texts[] = {
        [KIND_SLA] = "sla", [KIND_OLA] = "ola", [KIND_UC] = "uc", [KIND_EXPERIENCE] = "experience"};

    must(kind <= KIND_EXPERIENCE);
    return texts[kind];
}

const char *
measure_text(enum measure measure)
{
    static const char *const texts[MEASURES_COUNT] = {
#define MEASURE(NAME, text, everyone, help) [MEASURE_##NAME] = text,
#include "slad/measures.def"
#undef MEASURE
    };

    must(measure < MEASURES_COUNT);
    return texts[measure];
}

const char *
severity_text(enum severity severity)
{
    static const char *const texts[] = {[SEVERITY_UNSET] = "unset",
                                        [SEVERITY_INFO] = "info",
                                        [SEVERITY_WARNING] = "warning",
                                        [SEVERITY_CRITICAL] = "critical"};

    must(severity <= SEVERITY_CRITICAL);
    return texts[severity];
}
