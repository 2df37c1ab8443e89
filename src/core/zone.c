/*
 * What: a reader of TZif files (RFC 9636) and the offsets they describe.
 *
 * Why this way: the C library knows one zone a process and asks the environment; slad needs many at once,
 * each pinned to the bytes a policy was loaded with. The footer's rule is unrolled once over 400 years, after
 * which the Gregorian calendar repeats, so every question is a binary search, for any year.
 *
 * Always true: changes[] ascends strictly and each changes the offset; offsets are within 26 hours; a file
 * that says less or more than its counts promise is refused before a byte behind its end is read.
 *
 * Not here: no files, no names or abbreviations, no isdst (a negative summer time is an offset like any
 * other). Files with leap seconds ("right/") are refused: their instants are not UTC as slad and its sources
 * count it, and reading them as if would move every change by half a minute without a word.
 */
#include "slad/zone.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdbool.h>
#include <string.h>

#define CYCLE_S (INT64_C(146097) * 86400)    /* 400 years */
#define WORLD_FROM_S INT64_C(-62167219200)   /* 0000-01-01 */
#define WORLD_TO_S INT64_C(253433836800)     /* 10001-01-01 */
#define FAR_S INT64_C(1000000000000)         /* beyond it instants are all alike */
#define RULE_ALL_TIME_FROM_S INT64_C(-86400) /* where unrolling begins if no change is listed */

enum {
    DAY_S = 86400,
    OFFSET_S_MAX = 26 * 3600,
    CHANGES_MAX = 4096, /* the busiest real zone lists about 250 */
    HEADER_BYTES = 44,
    RULE_HOURS_MAX = 167,
};

struct change {
    int64_t at_s;
    int32_t offset_s; /* from at_s on */
};

struct zone {
    int32_t first_offset_s; /* before changes[0] */
    size_t changes_count;
    size_t cycle_first; /* changes[cycle_first ..] are within (cycle_from_s, cycle_from_s + CYCLE_S] */
    bool cycles;        /* ... and repeat from there on */
    bool all_time;      /* they repeat backwards too */
    int64_t cycle_from_s;
    int64_t settled_from_s;
    struct change changes[];
};

/* --- The footer: a POSIX TZ string
 * -------------------------------------------------------------------------- */

enum rule_form { RULE_JULIAN, RULE_DAY_OF_YEAR, RULE_MONTH_WEEK_DAY };

struct rule_date {
    enum rule_form form;
    int32_t month; /* MONTH_WEEK_DAY: 1..12 */
    int32_t week;  /* 1..5, 5 is the last */
    int32_t day;   /* JULIAN: 1..365, never the 29th of February; DAY_OF_YEAR: 0..365; else 0 = Sunday */
    int32_t time_s;
};

struct rule {
    bool is_there;
    bool has_summer; /* a second offset with two dates; negative summer times too */
    int32_t standard_s;
    int32_t summer_s;
    struct rule_date start, end;
};

static bool
take_byte(struct slice *rest, char byte)
{
    if (rest->bytes == 0 || rest->at[0] != byte)
        return false;
    rest->at++;
    rest->bytes--;
    return true;
}

static int
take_number(struct slice *rest, int32_t low, int32_t high, int32_t *ret_value)
{
    int32_t value = 0;
    size_t digits = 0;

    while (rest->bytes > 0 && rest->at[0] >= '0' && rest->at[0] <= '9' && digits < 4) {
        value = value * 10 + (rest->at[0] - '0');
        rest->at++;
        rest->bytes--;
        digits++;
    }
    if (digits == 0 || value < low || value > high)
        return -1;
    *ret_value = value;
    return 0;
}

/* "<+0330>" or "CEST": at least three characters. */
static int
take_name(struct slice *rest)
{
    bool is_quoted = take_byte(rest, '<');
    size_t count = 0;

    while (rest->bytes > 0) {
        char byte = rest->at[0];
        bool is_letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        bool is_other = (byte >= '0' && byte <= '9') || byte == '+' || byte == '-';

        if (!is_letter && !(is_quoted && is_other))
            break;
        rest->at++;
        rest->bytes--;
        count++;
    }
    return count < 3 || (is_quoted && !take_byte(rest, '>')) ? -1 : 0;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static int
take_time(struct slice *rest, int32_t hours_max, int32_t *ret_s)
{
    int32_t sign = take_byte(rest, '-') ? -1 : 1;
    int32_t hours;
    int32_t minutes = 0;
    int32_t seconds = 0;

    if (sign > 0)
        (void)take_byte(rest, '+');
    if (take_number(rest, 0, hours_max, &hours) != 0)
        return -1;
    if (take_byte(rest, ':')) {
        if (take_number(rest, 0, 59, &minutes) != 0)
            return -1;
        if (take_byte(rest, ':') && take_number(rest, 0, 59, &seconds) != 0)
            return -1;
    }
    *ret_s = sign * (hours * 3600 + minutes * 60 + seconds);
    return 0;
}

static int
take_rule_day(struct slice *rest, struct rule_date *date)
{
    if (take_byte(rest, 'J')) {
        date->form = RULE_JULIAN;
        return take_number(rest, 1, 365, &date->day);
    }
    if (!take_byte(rest, 'M')) {
        date->form = RULE_DAY_OF_YEAR;
        return take_number(rest, 0, 365, &date->day);
    }
    date->form = RULE_MONTH_WEEK_DAY;
    if (take_number(rest, 1, 12, &date->month) != 0 || !take_byte(rest, '.'))
        return -1;
    if (take_number(rest, 1, 5, &date->week) != 0 || !take_byte(rest, '.'))
        return -1;
    return take_number(rest, 0, 6, &date->day);
}

/* ",M3.5.0/2": the time defaults to 02:00. */
static int
take_rule_date(struct slice *rest, struct rule_date *date)
{
    *date = (struct rule_date){.time_s = 2 * 3600};
    if (!take_byte(rest, ',') || take_rule_day(rest, date) != 0)
        return -1;
    return take_byte(rest, '/') ? take_time(rest, RULE_HOURS_MAX, &date->time_s) : 0;
}

static int
parse_footer(struct slice rest, struct rule *rule)
{
    int32_t west_s;

    *rule = (struct rule){.is_there = false};
    if (rest.bytes == 0)
        return 0;
    rule->is_there = true;
    if (take_name(&rest) != 0 || take_time(&rest, 24, &west_s) != 0)
        return -1;
    rule->standard_s = rule->summer_s = -west_s;
    if (rest.bytes == 0)
        return 0;
    rule->has_summer = true;
    rule->summer_s += 3600;
    if (take_name(&rest) != 0)
        return -1;
    if (rest.bytes > 0 && rest.at[0] != ',') {
        if (take_time(&rest, 24, &west_s) != 0)
            return -1;
        rule->summer_s = -west_s;
    }
    if (take_rule_date(&rest, &rule->start) != 0 || take_rule_date(&rest, &rule->end) != 0)
        return -1;
    return rest.bytes == 0 ? 0 : -1;
}

/* The day a rule names in this year, as days since 1970. */
static int64_t
rule_day(const struct rule_date *date, int64_t year)
{
    int64_t first = instant_days_from_civil(year, 1, 1);
    int32_t days_of_month, weekday, day;

    switch (date->form) {
    case RULE_JULIAN:
        return first + date->day - 1 + (date->day >= 60 && instant_days_of_month(year, 2) == 29);
    case RULE_DAY_OF_YEAR:
        return first + date->day;
    case RULE_MONTH_WEEK_DAY:
        break;
    }
    first = instant_days_from_civil(year, date->month, 1);
    days_of_month = instant_days_of_month(year, date->month);
    weekday = (instant_weekday(first) + 1) % 7; /* 0 = Sunday, as in the rule */
    day = (date->day - weekday + 7) % 7 + (date->week - 1) * 7;
    return first + (day < days_of_month ? day : day - 7);
}

static int64_t
rule_start_s(const struct rule *rule, int64_t year)
{
    return rule_day(&rule->start, year) * DAY_S + rule->start.time_s - rule->standard_s;
}

static int64_t
rule_end_s(const struct rule *rule, int64_t year)
{
    return rule_day(&rule->end, year) * DAY_S + rule->end.time_s - rule->summer_s;
}

/* The summer that begins in this year. Where the end comes before the start (the south), it ends next year; a
 * rule whose hours reach over New Year may need one year more. */
static void
rule_summer_s(const struct rule *rule, int64_t year, int64_t *ret_from_s, int64_t *ret_to_s)
{
    *ret_from_s = rule_start_s(rule, year);
    *ret_to_s = rule_end_s(rule, year);
    for (int64_t y = year + 1; *ret_to_s <= *ret_from_s; y++)
        *ret_to_s = rule_end_s(rule, y);
}

static int64_t
year_of(int64_t at_s)
{
    return instant_civil_from_days(at_s / DAY_S - (at_s % DAY_S < 0)).year;
}

static int32_t
rule_offset_s(const struct rule *rule, int64_t at_s)
{
    int64_t year = year_of(at_s);

    if (!rule->has_summer)
        return rule->standard_s;
    for (int64_t y = year - 3; y <= year + 1; y++) {
        int64_t from_s, to_s;

        rule_summer_s(rule, y, &from_s, &to_s);
        if (at_s >= from_s && at_s < to_s)
            return rule->summer_s;
    }
    return rule->standard_s;
}

/* --- The file
 * ------------------------------------------------------------------------------------------------ */

struct header {
    char version;
    uint32_t isut_count, isstd_count, leap_count, time_count, type_count, char_count;
};

/* What is used of one data block; all of it borrowed from the file. */
struct block {
    const unsigned char *times;
    const unsigned char *indices;
    const unsigned char *types;
    size_t time_bytes; /* 4 or 8 */
    struct header header;
};

static uint64_t
big_end_first(const unsigned char *at, size_t count)
{
    uint64_t value = 0;

    for (size_t i = 0; i < count; i++)
        value = value << 8 | at[i];
    return value;
}

static int32_t
offset_of_type(const struct block *block, size_t type)
{
    return (int32_t)(uint32_t)big_end_first(block->types + type * 6, 4);
}

static int64_t
time_at(const struct block *block, size_t i)
{
    uint64_t value = big_end_first(block->times + i * block->time_bytes, block->time_bytes);

    return block->time_bytes == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static const char *
take_header(struct slice *rest, struct header *header)
{
    const unsigned char *at = (const unsigned char *)rest->at;

    if (rest->bytes < HEADER_BYTES)
        return "the file ends within a header";
    if (memcmp(at, "TZif", 4) != 0)
        return "not a time zone file: it does not begin with TZif";
    header->version = (char)at[4];
    if (header->version != '\0' && (header->version < '2' || header->version > '9'))
        return "a TZif version that does not exist";
    header->isut_count = (uint32_t)big_end_first(at + 20, 4);
    header->isstd_count = (uint32_t)big_end_first(at + 24, 4);
    header->leap_count = (uint32_t)big_end_first(at + 28, 4);
    header->time_count = (uint32_t)big_end_first(at + 32, 4);
    header->type_count = (uint32_t)big_end_first(at + 36, 4);
    header->char_count = (uint32_t)big_end_first(at + 40, 4);
    rest->at += HEADER_BYTES;
    rest->bytes -= HEADER_BYTES;
    return NULL;
}

/* Steps over one data block, remembering where its parts are. The counts are 32 bits wide, so no sum
 * overflows. */
static const char *
take_block(struct slice *rest, const struct header *header, size_t time_bytes, struct block *block)
{
    uint64_t times = (uint64_t)header->time_count * time_bytes;
    uint64_t bytes = times + header->time_count + (uint64_t)header->type_count * 6 + header->char_count +
                     (uint64_t)header->leap_count * (time_bytes + 4) + header->isstd_count +
                     header->isut_count;

    if (bytes > rest->bytes)
        return "the file ends within a data block";
    block->header = *header;
    block->time_bytes = time_bytes;
    block->times = (const unsigned char *)rest->at;
    block->indices = block->times + times;
    block->types = block->indices + header->time_count;
    rest->at += bytes;
    rest->bytes -= (size_t)bytes;
    return NULL;
}

static const char *
check_block(const struct block *block)
{
    const struct header *header = &block->header;

    if (header->type_count == 0 || header->type_count > 256 || header->char_count == 0)
        return "no local time types, or too many";
    if ((header->isut_count != 0 && header->isut_count != header->type_count) ||
        (header->isstd_count != 0 && header->isstd_count != header->type_count))
        return "indicator counts that do not fit the types";
    if (header->leap_count != 0)
        return "a file with leap seconds (right/): use the one without";
    if (header->time_count > CHANGES_MAX)
        return "too many transitions";
    for (size_t i = 0; i < header->type_count; i++)
        if (offset_of_type(block, i) < -OFFSET_S_MAX || offset_of_type(block, i) > OFFSET_S_MAX)
            return "an offset beyond 26 hours";
    for (size_t i = 0; i < header->time_count; i++) {
        if (block->indices[i] >= header->type_count)
            return "a transition to a type that is not there";
        if (i > 0 && time_at(block, i) <= time_at(block, i - 1))
            return "transitions out of order";
    }
    return NULL;
}

static const char *
take_footer(struct slice rest, struct rule *rule)
{
    const char *end;

    if (!take_byte(&rest, '\n'))
        return "no footer";
    end = rest.bytes > 0 ? memchr(rest.at, '\n', rest.bytes) : NULL;
    if (end == NULL)
        return "the footer does not end";
    if (parse_footer((struct slice){rest.at, (size_t)(end - rest.at)}, rule) != 0)
        return "a footer that is not a time zone rule";
    return NULL;
}

/* Finds the block to use, the 64-bit one where there is one, and the footer behind it. */
static const char *
read_file(struct slice rest, struct block *block, struct rule *rule)
{
    struct header header;
    const char *error = take_header(&rest, &header);

    *rule = (struct rule){.is_there = false};
    if (error == NULL)
        error = take_block(&rest, &header, 4, block);
    if (error == NULL && header.version != '\0') {
        error = take_header(&rest, &header);
        if (error == NULL)
            error = take_block(&rest, &header, 8, block);
        if (error == NULL)
            error = take_footer(rest, rule);
    }
    return error != NULL ? error : check_block(block);
}

/* --- Building
 * ------------------------------------------------------------------------------------------------ */

static int32_t
last_offset_s(const struct zone *zone)
{
    return zone->changes_count > 0 ? zone->changes[zone->changes_count - 1].offset_s : zone->first_offset_s;
}

static void
add_change(struct zone *zone, int64_t at_s, int32_t offset_s)
{
    if (offset_s == last_offset_s(zone))
        return;
    must(zone->changes_count == 0 || zone->changes[zone->changes_count - 1].at_s < at_s);
    zone->changes[zone->changes_count++] = (struct change){at_s, offset_s};
}

/* The listed changes. What lies before year 0 is as if it had always been; what lies after 10000 never comes.
 */
static void
add_listed(struct zone *zone, const struct block *block, const struct rule *rule)
{
    size_t count = block->header.time_count;

    zone->first_offset_s = offset_of_type(block, 0);
    for (size_t i = 0; i < count; i++) {
        int64_t at_s = time_at(block, i);
        int32_t offset_s = offset_of_type(block, block->indices[i]);

        if (at_s >= WORLD_TO_S)
            return;
        if (i == count - 1) {
            zone->settled_from_s = at_s < WORLD_FROM_S ? WORLD_FROM_S : at_s;
            if (rule->is_there)
                offset_s = rule_offset_s(rule, zone->settled_from_s);
        }
        if (at_s < WORLD_FROM_S)
            zone->first_offset_s = offset_s;
        else
            add_change(zone, at_s, offset_s);
    }
}

/* The rule's changes in (cycle_from_s, cycle_from_s + CYCLE_S]. Summers that touch are one. */
static void
unroll_rule(struct zone *zone, const struct rule *rule)
{
    int64_t from_s = zone->cycle_from_s;
    int64_t to_s = from_s + CYCLE_S;
    int64_t year_to = year_of(to_s) + 2;
    int64_t open_s, close_s;

    zone->cycles = true;
    zone->cycle_first = zone->changes_count;
    rule_summer_s(rule, year_of(from_s) - 4, &open_s, &close_s);
    for (int64_t year = year_of(from_s) - 3; year <= year_to; year++) {
        int64_t next_open_s, next_close_s;

        rule_summer_s(rule, year, &next_open_s, &next_close_s);
        if (next_open_s > close_s) {
            if (open_s > from_s && open_s <= to_s)
                add_change(zone, open_s, rule->summer_s);
            if (close_s > from_s && close_s <= to_s)
                add_change(zone, close_s, rule->standard_s);
            open_s = next_open_s;
        }
        close_s = next_close_s > close_s ? next_close_s : close_s;
    }
}

static void
build(struct zone *zone, const struct block *block, const struct rule *rule)
{
    bool is_rule_everything = block->header.time_count == 0 && rule->is_there;

    zone->settled_from_s = INT64_MAX;
    add_listed(zone, block, rule);
    if (block->header.time_count == 0)
        zone->settled_from_s = INT64_MIN;
    if (is_rule_everything)
        zone->first_offset_s = rule_offset_s(rule, RULE_ALL_TIME_FROM_S);
    if (!rule->has_summer || rule->summer_s == rule->standard_s || zone->settled_from_s == INT64_MAX)
        return;
    zone->all_time = is_rule_everything;
    zone->cycle_from_s = is_rule_everything ? RULE_ALL_TIME_FROM_S : zone->settled_from_s;
    unroll_rule(zone, rule);
}

struct zone *
zone_new(const void *bytes, size_t count, const char **ret_error)
{
    struct block block;
    struct rule rule;
    const char *error = read_file((struct slice){bytes, count}, &block, &rule);
    size_t changes_max;
    struct zone *zone;

    if (error != NULL) {
        *ret_error = error;
        return NULL;
    }
    changes_max = block.header.time_count + (rule.has_summer ? 2 * (400 + 8) : 0);
    zone = memory_allocate_zeroed(1, sizeof *zone + changes_max * sizeof zone->changes[0]);
    build(zone, &block, &rule);
    must(zone->changes_count <= changes_max);
    return zone;
}

void
zone_free(struct zone *zone)
{
    memory_free(zone);
}

/* --- Asking
 * -------------------------------------------------------------------------------------------------- */

static int64_t
clamped(int64_t at_s)
{
    if (at_s < -FAR_S)
        return -FAR_S;
    return at_s > FAR_S ? FAR_S : at_s;
}

/* How far at_s has to move, by whole cycles, to lie where changes[] tells. */
static int64_t
cycle_shift_s(const struct zone *zone, int64_t at_s)
{
    int64_t beyond_s = at_s - zone->cycle_from_s;

    if (!zone->cycles || (beyond_s >= 0 && beyond_s < CYCLE_S) || (beyond_s < 0 && !zone->all_time))
        return 0;
    return -CYCLE_S * (beyond_s / CYCLE_S - (beyond_s % CYCLE_S < 0));
}

/* How many changes are at or before at_s. */
static size_t
changes_until(const struct zone *zone, int64_t at_s)
{
    size_t low = 0;
    size_t high = zone->changes_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (zone->changes[middle].at_s <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t
zone_offset_s(const struct zone *zone, int64_t at_s)
{
    size_t passed;

    at_s = clamped(at_s);
    passed = changes_until(zone, at_s + cycle_shift_s(zone, at_s));
    return passed > 0 ? zone->changes[passed - 1].offset_s : zone->first_offset_s;
}

int64_t
zone_next_change_s(const struct zone *zone, int64_t at_s)
{
    int64_t shift_s;
    size_t passed;

    at_s = clamped(at_s);
    shift_s = cycle_shift_s(zone, at_s);
    passed = changes_until(zone, at_s + shift_s);
    if (passed < zone->changes_count)
        return zone->changes[passed].at_s - shift_s;
    if (zone->cycles && zone->cycle_first < zone->changes_count)
        return zone->changes[zone->cycle_first].at_s + CYCLE_S - shift_s;
    return INT64_MAX;
}

/*
 * Local to UTC. Local time is a saw: u + offset(u) climbs by one a second and jumps at each change. A window
 * opens when it first reaches the local time, and has closed when it was last below: both defined for every
 * local time, both ascending, in gaps (the jump itself), repeated hours, repeated repeated hours and skipped
 * days alike.
 */
int64_t
zone_first_utc_s(const struct zone *zone, int64_t local_s)
{
    int64_t from_s;

    local_s = clamped(local_s);
    from_s = local_s - OFFSET_S_MAX;
    for (;;) {
        int64_t to_s = zone_next_change_s(zone, from_s);
        int64_t at_s = local_s - zone_offset_s(zone, from_s);

        if (at_s < to_s)
            return at_s > from_s ? at_s : from_s;
        from_s = to_s;
    }
}

/* The end of the instants whose local time is at most last_s. */
static int64_t
end_of_local_s(const struct zone *zone, int64_t last_s, int64_t local_s)
{
    int64_t from_s = last_s - OFFSET_S_MAX - 1;
    int64_t end_s = from_s;

    while (from_s <= local_s + OFFSET_S_MAX) {
        int64_t to_s = zone_next_change_s(zone, from_s);
        int32_t offset_s = zone_offset_s(zone, from_s);

        if (from_s + offset_s <= last_s)
            end_s = local_s - offset_s < to_s ? local_s - offset_s : to_s;
        if (to_s == INT64_MAX)
            break;
        from_s = to_s;
    }
    return end_s;
}

int64_t
zone_last_utc_s(const struct zone *zone, int64_t local_s)
{
    local_s = clamped(local_s);
    return end_of_local_s(zone, local_s, local_s);
}

int64_t
zone_close_utc_s(const struct zone *zone, int64_t local_s)
{
    local_s = clamped(local_s);
    return end_of_local_s(zone, local_s - 1, local_s);
}

void
zone_settled_s(const struct zone *zone, int64_t *ret_before_s, int64_t *ret_from_s)
{
    *ret_from_s = zone->settled_from_s;
    *ret_before_s = zone->settled_from_s;
    if (zone->settled_from_s != INT64_MIN && zone->changes_count > 0)
        *ret_before_s = zone->changes[0].at_s;
}
