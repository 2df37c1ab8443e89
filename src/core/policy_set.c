/*
 * All versions of one installation: which one is in force, and the calendar of one version with the days of a
 * later one.
 *
 * Why this way: "days are facts, not policy" (semantics.md section 3) makes a calendar of every pair of
 * versions, but nearly all of them are equal: a new version repeats the old calendars, or adds a year's
 * holidays. So what a calendar is made of is hashed, and equal contents are compiled once. Compiling waits
 * until somebody asks: of a hundred calendars in twenty versions few are ever needed. A pair of a version and
 * a later one is looked up in an array.
 *
 * Always true: versions are in ascending order of from, no two alike; a cell, once filled, never changes; two
 * cells of equal content point at the same compiled calendar; every compiled calendar is in the map and freed
 * once.
 *
 * Not here: threads (one at a time), reading policies, checking them.
 */
#include "slad/policy.h"
#include "base/arena.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdlib.h>

/* What a calendar consists of, as hashes. Unions have none of their own: their members say it. */
struct content {
    struct hash128 week;
    struct hash128 days;
};

struct compiled {
    struct hash128 key;
    struct calendar *calendar;
};

struct version {
    struct policy *policy;
    struct content *contents; /* one a calendar */
    struct compiled **cells;  /* [calendar * later_count + (days_version - version)], NULL until asked for */
    size_t later_count;       /* versions from this one on, itself included */
};

struct policy_set {
    struct version *versions;
    size_t versions_count;
    struct map *compiled; /* by key */
};

static struct hash128
hash_count(struct hash128 key, size_t count)
{
    uint64_t number = count;

    return hash_bytes128(key, &number, sizeof number);
}

static struct hash128
hash_windows(struct hash128 key, const struct calendar_window *windows, size_t count)
{
    return hash_bytes128(hash_count(key, count), windows, count * sizeof *windows);
}

static struct hash128
hash_week(const struct calendar_week *week)
{
    struct hash128 key = hash_count((struct hash128){0, 0}, week->always);

    for (int day = 0; day < 7; day++)
        key = hash_windows(key, week->days[day], week->days_count[day]);
    return key;
}

static struct hash128
hash_days(const struct policy *policy, const struct policy_calendar *calendar)
{
    const struct calendar_days *days = &calendar->days;
    struct hash128 key = {0, 0};

    if (calendar->zone != POLICY_NONE) {
        struct slice bytes = policy->zones[calendar->zone].bytes;

        key = hash_bytes128(hash_count(key, bytes.bytes), bytes.at, bytes.bytes);
    }
    key = hash_count(key, days->closed_count);
    key = hash_bytes128(key, days->closed, days->closed_count * sizeof *days->closed);
    for (size_t i = 0; i < days->special_count; i++) {
        key = hash_bytes128(key, &days->special[i].date, sizeof days->special[i].date);
        key = hash_windows(key, days->special[i].windows, days->special[i].windows_count);
    }
    return key;
}

static int
compare_versions(const void *a, const void *b)
{
    int64_t from_a = ((const struct version *)a)->policy->from_ms;
    int64_t from_b = ((const struct version *)b)->policy->from_ms;

    return from_a < from_b ? -1 : from_a > from_b;
}

static struct slice
compiled_key(const void *value)
{
    const struct compiled *compiled = value;

    return (struct slice){(const char *)&compiled->key, sizeof compiled->key};
}

static void
version_init(struct version *version, size_t later_count)
{
    const struct policy *policy = version->policy;
    size_t count = policy->calendars_count;

    version->later_count = later_count;
    version->contents = memory_allocate_zeroed(count, sizeof *version->contents);
    version->cells = memory_allocate_zeroed(count * later_count, sizeof *version->cells);
    for (size_t i = 0; i < count; i++) {
        if (policy->calendars[i].is_union)
            continue;
        version->contents[i].week = hash_week(&policy->calendars[i].week);
        version->contents[i].days = hash_days(policy, &policy->calendars[i]);
    }
}

struct policy_set *
policy_set_new(struct policy **policies, size_t policies_count, struct symbols *symbols)
{
    struct policy_set *set = memory_allocate_zeroed(1, sizeof *set);

    must(policies_count > 0);
    set->versions = memory_allocate_zeroed(policies_count, sizeof *set->versions);
    set->versions_count = policies_count;
    set->compiled = map_new(compiled_key, 0);
    for (size_t i = 0; i < policies_count; i++) {
        must(policies[i]->symbols == symbols);
        set->versions[i].policy = policies[i];
    }
    qsort(set->versions, policies_count, sizeof *set->versions, compare_versions);
    for (size_t i = 0; i < policies_count; i++) {
        must(i == 0 || set->versions[i - 1].policy->from_ms < set->versions[i].policy->from_ms);
        version_init(&set->versions[i], policies_count - i);
    }
    return set;
}

void
policy_set_free(struct policy_set *set)
{
    size_t cursor = 0;

    if (set == NULL)
        return;
    for (struct compiled *each; (each = map_each(set->compiled, &cursor)) != NULL;) {
        calendar_free(each->calendar);
        memory_free(each);
    }
    map_free(set->compiled);
    for (size_t i = 0; i < set->versions_count; i++) {
        memory_free(set->versions[i].contents);
        memory_free(set->versions[i].cells);
        policy_free(set->versions[i].policy);
    }
    memory_free(set->versions);
    memory_free(set);
}

size_t
policy_set_count(const struct policy_set *set)
{
    return set->versions_count;
}

const struct policy *
policy_set_version(const struct policy_set *set, size_t version)
{
    must(version < set->versions_count);
    return set->versions[version].policy;
}

struct policy *
policy_set_share(const struct policy_set *set, size_t version)
{
    must(version < set->versions_count);
    return policy_share(set->versions[version].policy);
}

/* How many versions have from <= at_ms. */
static size_t
count_up_to(const struct policy_set *set, int64_t at_ms)
{
    size_t low = 0, high = set->versions_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->versions[middle].policy->from_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t
policy_set_in_force(const struct policy_set *set, int64_t at_ms)
{
    size_t count = set->versions_count > 1 ? count_up_to(set, at_ms) : 1;

    return count > 0 ? count - 1 : 0;
}

int64_t
policy_set_next_from_ms(const struct policy_set *set, int64_t at_ms)
{
    size_t next = count_up_to(set, at_ms);

    return next < set->versions_count ? set->versions[next].policy->from_ms : INT64_MAX;
}

/* ---- compiled calendars ---- */

static struct compiled *cell_fill(const struct policy_set *set, size_t version, int calendar,
                                  size_t days_version);

static struct compiled *
cell_of(const struct policy_set *set, size_t version, int calendar, size_t days_version)
{
    const struct version *own = &set->versions[version];
    struct compiled **cell = &own->cells[(size_t)calendar * own->later_count + (days_version - version)];

    if (*cell == NULL)
        *cell = cell_fill(set, version, calendar, days_version);
    return *cell;
}

static struct compiled *
keep(const struct policy_set *set, struct hash128 key, struct calendar *calendar)
{
    struct compiled *compiled = memory_allocate(sizeof *compiled);

    *compiled = (struct compiled){key, calendar};
    must(map_put(set->compiled, compiled) == NULL);
    return compiled;
}

static struct compiled *
find(const struct policy_set *set, const struct hash128 *key)
{
    return map_get(set->compiled, (struct slice){(const char *)key, sizeof *key});
}

static struct compiled *
compile_union(const struct policy_set *set, size_t version, int calendar, size_t days_version)
{
    const struct policy_calendar *own = &set->versions[version].policy->calendars[calendar];
    const struct calendar **members = memory_allocate(own->members_count * sizeof *members);
    struct hash128 key = {1, own->members_count}; /* not the beginning of any plain calendar's hash */
    struct compiled *compiled;

    for (size_t i = 0; i < own->members_count; i++) {
        const struct compiled *member = cell_of(set, version, own->members[i], days_version);

        members[i] = member->calendar;
        key = hash_bytes128(key, &member->key, sizeof member->key);
    }
    compiled = find(set, &key);
    if (compiled == NULL)
        compiled = keep(set, key, calendar_new_union(members, own->members_count));
    memory_free(members);
    return compiled;
}

/* Where the days of this calendar are written: in days_version, if it has a weekly calendar of this name,
 * else in its own. */
static void
find_days(const struct policy_set *set, size_t version, int calendar, size_t days_version,
          const struct calendar_days **ret_days, const struct hash128 **ret_hash)
{
    const struct policy_calendar *own = &set->versions[version].policy->calendars[calendar];
    const struct version *later = &set->versions[days_version];
    int at = policy_calendar_find(later->policy, own->name);

    if (at == POLICY_NONE || later->policy->calendars[at].is_union ||
        later->policy->calendars[at].week.always) {
        later = &set->versions[version];
        at = calendar;
    }
    *ret_days = &later->policy->calendars[at].days;
    *ret_hash = &later->contents[at].days;
}

static struct compiled *
compile_plain(const struct policy_set *set, size_t version, int calendar, size_t days_version)
{
    const struct calendar_week *week = &set->versions[version].policy->calendars[calendar].week;
    struct hash128 key = set->versions[version].contents[calendar].week;
    const struct hash128 *days_hash;
    const struct calendar_days *days;
    struct compiled *compiled;

    find_days(set, version, calendar, days_version, &days, &days_hash);
    if (!week->always)
        key = hash_bytes128(key, days_hash, sizeof *days_hash);
    compiled = find(set, &key);
    return compiled != NULL ? compiled : keep(set, key, calendar_new(week, days));
}

static struct compiled *
cell_fill(const struct policy_set *set, size_t version, int calendar, size_t days_version)
{
    if (set->versions[version].policy->calendars[calendar].is_union)
        return compile_union(set, version, calendar, days_version);
    return compile_plain(set, version, calendar, days_version);
}

const struct calendar *
policy_set_calendar(const struct policy_set *set, size_t version, int calendar, size_t days_version)
{
    must(version <= days_version && days_version < set->versions_count);
    must(calendar >= 0 && (size_t)calendar < set->versions[version].policy->calendars_count);
    return cell_of(set, version, calendar, days_version)->calendar;
}
