/*
 * What: compiled calendars: which instants count, and how many count up to any instant.
 *
 * Why this way: everything a caller asks is one question put to a rising curve, "open time since year 1": its
 * value at an instant, and the instant where it reaches or leaves a value (and the same of closed time, for
 * edges). The curve is kept three levels deep: its value at every year, at every week of the years that
 * matter (most weeks are one of a few dozen patterns, which are shared), and within a pattern. Outside of
 * these years the weeks of one year are made when asked for: slower, equally exact. Years whose every zone
 * has settled into its yearly rule are summed once a kind (length, weekday, neighbours), so ten thousand
 * years cost as much as two hundred.
 *
 * Always true: weeks begin Monday 00:00 UTC, week 0 on 0001-01-01; a year owns the weeks that begin in it;
 * entries ascend, never touch, and end with {end of the week, open seconds of it}; nothing changes after
 * calendar_new.
 *
 * Not here: policies, business rules (which version's days: the caller brings them), caches.
 */
#include "slad/calendar.h"
#include "slad/zone.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WORLD_FROM_S INT64_C(-62135596800) /* 0001-01-01, a Monday */
#define WORLD_TO_S INT64_C(253402300800)   /* 10000-01-01 */
#define MS INT64_C(1000)
#define SURE_FROM_MS INT64_C(946684800000) /* 2000-01-01 */
#define SURE_TO_MS INT64_C(3786912000000)  /* 2090-01-01: SURE_YEARS behind its year are hot */

enum {
    DAY_S = 86400,
    WEEK_S = 7 * DAY_S,
    WEEK_MS = WEEK_S * 1000,
    YEAR_MIN = 1,
    YEAR_MAX = 9999,
    HOT_YEAR_FROM = 2000, /* under 136 years: weeks count in 32 bits */
    HOT_YEAR_TO = 2101,
    HOT_ENTRIES_MAX = 160 * 1024,
    SETTLED_MARGIN_S = 4 * DAY_S, /* windows and offsets reach no further */
    YEAR_KINDS = 7 * 2 * 2 * 2,
    YEARS_OF_CYCLE = 400, /* whole weeks */
    SOURCES_OF_UNION_MAX = 64,
    INSERTION_MAX = 64,
    FEW = 16, /* windows of a week: counting is faster than halving */
    SURE_YEARS = 8,
};

/* --- What a policy said, kept for the years outside of the table
 * ---------------------------------------------- */

struct dated {
    int32_t day; /* days since 1970 */
    uint32_t first;
    uint32_t count; /* of source.windows; 0: closed */
};

struct source {
    atomic_uint references; /* unions share the sources of their members */
    bool always;
    bool has_yearly;
    const struct zone *zone;
    struct calendar_window *windows;
    uint32_t week_first[8]; /* day d has windows[week_first[d] .. week_first[d + 1]) */
    struct dated *dated;    /* ascending */
    size_t dated_count;
    uint32_t yearly[13]; /* a bit a day */
};

struct window {
    int64_t open_s;
    int64_t close_s;
};

struct windows {
    struct window *at;
    size_t count;
    size_t room;
};

/* Open from open_s of the week; before_s of the week were open before. The next entry tells where it closes.
 */
struct entry {
    uint32_t open_s;
    uint32_t before_s;
};

struct pattern {
    const struct entry *entries; /* count + 1 of them: the last is {WEEK_S, open seconds of the week} */
    uint32_t count;
};

struct week {
    uint32_t before_s; /* open before it since the first hot week */
    uint32_t first;    /* its pattern: entries[first .. first + count] */
    uint32_t count;
};

struct calendar {
    struct source **sources;
    size_t sources_count;
    int64_t
        *years_before_s; /* [year - YEAR_MIN]: open before the first week of the year; one more for the end */
    int32_t hot_from;    /* weeks */
    int32_t hot_to;
    int64_t sure_ms;    /* any SURE_YEARS of the hot ones have at least so much */
    struct week *weeks; /* hot_to - hot_from + 1 of them: the last only carries its before_s */
    struct entry *entries;
    size_t entries_count;
    size_t entries_room;
};

static int
compare_windows(const void *a, const void *b)
{
    const struct calendar_window *left = a;
    const struct calendar_window *right = b;

    return left->open_minute - right->open_minute;
}

/* Takes a day's windows; returns the place behind them. */
static uint32_t
copy_windows(struct source *source, uint32_t first, const struct calendar_window *windows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        must(windows[i].open_minute >= 0 && windows[i].open_minute <= 1439);
        must(windows[i].close_minute >= 1 && windows[i].close_minute <= 1440);
        source->windows[first + i] = windows[i];
    }
    if (count > 1)
        qsort(source->windows + first, count, sizeof *windows, compare_windows);
    return first + (uint32_t)count;
}

static int32_t
day_of(const struct calendar_date *date)
{
    must(date->year >= YEAR_MIN && date->year <= YEAR_MAX);
    must(date->month >= 1 && date->month <= 12);
    must(date->day >= 1 && date->day <= instant_days_of_month(date->year, date->month));
    return (int32_t)instant_days_from_civil(date->year, date->month, date->day);
}

/* By day; of one day the closed first: a dated closed day beats a special one (R4). */
static int
compare_dated(const void *a, const void *b)
{
    const struct dated *left = a;
    const struct dated *right = b;

    if (left->day != right->day)
        return left->day < right->day ? -1 : 1;
    if ((left->count == 0) != (right->count == 0))
        return left->count == 0 ? -1 : 1;
    return left->first < right->first ? -1 : left->first > right->first;
}

static void
copy_closed(struct source *source, const struct calendar_days *days)
{
    for (size_t i = 0; i < days->closed_count; i++) {
        const struct calendar_date *date = &days->closed[i];

        if (date->year != 0) {
            source->dated[source->dated_count++] = (struct dated){day_of(date), 0, 0};
            continue;
        }
        must(date->month >= 1 && date->month <= 12 && date->day >= 1 && date->day <= 31);
        source->yearly[date->month] |= UINT32_C(1) << date->day;
        source->has_yearly = true;
    }
}

static void
copy_days(struct source *source, const struct calendar_days *days, uint32_t first)
{
    size_t kept = 0;

    source->dated = memory_allocate((days->closed_count + days->special_count) * sizeof *source->dated);
    copy_closed(source, days);
    for (size_t i = 0; i < days->special_count; i++) {
        const struct calendar_special *special = &days->special[i];
        uint32_t end = copy_windows(source, first, special->windows, special->windows_count);

        source->dated[source->dated_count++] = (struct dated){day_of(&special->date), first, end - first};
        first = end;
    }
    if (source->dated_count > 1)
        qsort(source->dated, source->dated_count, sizeof *source->dated, compare_dated);
    for (size_t i = 0; i < source->dated_count; i++)
        if (kept == 0 || source->dated[kept - 1].day != source->dated[i].day)
            source->dated[kept++] = source->dated[i];
    source->dated_count = kept;
}

static struct source *
source_new(const struct calendar_week *week, const struct calendar_days *days)
{
    struct source *source = memory_allocate_zeroed(1, sizeof *source);
    size_t windows_count = 0;
    uint32_t first = 0;

    atomic_init(&source->references, 1);
    source->always = week->always;
    if (source->always)
        return source;
    must(days->zone != NULL);
    source->zone = days->zone;
    for (size_t i = 0; i < 7; i++)
        windows_count += week->days_count[i];
    for (size_t i = 0; i < days->special_count; i++)
        windows_count += days->special[i].windows_count;
    must(windows_count < UINT32_MAX / 2);
    source->windows = memory_allocate(windows_count * sizeof *source->windows);
    for (size_t i = 0; i < 7; i++) {
        source->week_first[i] = first;
        first = copy_windows(source, first, week->days[i], week->days_count[i]);
    }
    source->week_first[7] = first;
    copy_days(source, days, first);
    return source;
}

static void
source_release(struct source *source)
{
    if (atomic_fetch_sub(&source->references, 1) > 1)
        return;
    memory_free(source->windows);
    memory_free(source->dated);
    memory_free(source);
}

/* --- The windows of one week
 * ---------------------------------------------------------------------------------- */

/* Where a source stands while weeks are made one after another: its offset is offset_s in [from_s, to_s). */
struct steady {
    int64_t from_s;
    int64_t to_s;
    int32_t offset_s;
};

/* Makes weeks. One is alive for one call into this file, or one compilation. */
struct maker {
    const struct calendar *calendar;
    struct steady steady[SOURCES_OF_UNION_MAX];
    struct windows windows;
    struct entry *entries;
    size_t entries_room;
};

static void
maker_init(struct maker *maker, const struct calendar *calendar)
{
    maker->calendar = calendar;
    maker->windows = (struct windows){NULL, 0, 0};
    maker->entries = NULL;
    maker->entries_room = 0;
    for (size_t i = 0; i < SOURCES_OF_UNION_MAX; i++)
        maker->steady[i] = (struct steady){0, 0, 0};
}

static void
maker_done(struct maker *maker)
{
    memory_free(maker->windows.at);
    memory_free(maker->entries);
}

static void
add_window(struct windows *windows, int64_t open_s, int64_t close_s)
{
    if (windows->count == windows->room) {
        windows->room = windows->room == 0 ? 32 : windows->room * 2;
        windows->at = memory_resize(windows->at, windows->room * sizeof *windows->at);
    }
    windows->at[windows->count++] = (struct window){open_s, close_s};
}

static size_t
first_dated_from(const struct source *source, int64_t day)
{
    size_t low = 0;
    size_t high = source->dated_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (source->dated[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The days of a source, one after the other. */
struct day_walk {
    const struct source *source;
    int64_t day;
    size_t dated;             /* the first of source->dated that is not before day */
    struct instant_date date; /* of day; kept only where a yearly closed day may ask for it */
};

static struct day_walk
day_walk_from(const struct source *source, int64_t day)
{
    struct day_walk walk = {source, day, first_dated_from(source, day), {0, 0, 0}};

    if (source->has_yearly)
        walk.date = instant_civil_from_days(day);
    return walk;
}

static void
day_walk_on(struct day_walk *walk)
{
    if (walk->dated < walk->source->dated_count && walk->source->dated[walk->dated].day == walk->day)
        walk->dated++;
    walk->day++;
    if (walk->source->has_yearly && ++walk->date.day > 28)
        walk->date = instant_civil_from_days(walk->day);
}

/* The windows that open on this day: dated closed, special, yearly closed, weekday, in this order (R4). */
static const struct calendar_window *
day_walk_windows(const struct day_walk *walk, size_t *ret_count)
{
    const struct source *source = walk->source;
    int32_t weekday;

    *ret_count = 0;
    if (walk->dated < source->dated_count && source->dated[walk->dated].day == walk->day) {
        *ret_count = source->dated[walk->dated].count;
        return source->windows + source->dated[walk->dated].first;
    }
    if (source->has_yearly && (source->yearly[walk->date.month] >> walk->date.day & 1) != 0)
        return NULL;
    weekday = instant_weekday(walk->day);
    *ret_count = source->week_first[weekday + 1] - source->week_first[weekday];
    return source->windows + source->week_first[weekday];
}

/* Local to UTC, clipped to the week. An offset known to be steady spares the search. */
static void
add_local_window(struct maker *maker, const struct source *source, const struct steady *steady,
                 struct window local, struct window week)
{
    int64_t open_s, close_s;

    if (steady != NULL) {
        open_s = local.open_s - steady->offset_s;
        close_s = local.close_s - steady->offset_s;
    } else {
        open_s = zone_first_utc_s(source->zone, local.open_s);
        close_s = zone_close_utc_s(source->zone, local.close_s);
    }
    open_s = open_s > week.open_s ? open_s : week.open_s;
    close_s = close_s < week.close_s ? close_s : week.close_s;
    if (open_s < close_s)
        add_window(&maker->windows, open_s, close_s);
}

static void
add_local_days(struct maker *maker, const struct source *source, const struct steady *steady,
               struct window days, struct window week)
{
    for (struct day_walk walk = day_walk_from(source, days.open_s); walk.day <= days.close_s;
         day_walk_on(&walk)) {
        size_t count;
        const struct calendar_window *windows = day_walk_windows(&walk, &count);

        for (size_t i = 0; i < count; i++) {
            int64_t midnight_s = walk.day * DAY_S;
            struct window local = {midnight_s + windows[i].open_minute * 60,
                                   midnight_s + windows[i].close_minute * 60};

            if (windows[i].close_minute <= windows[i].open_minute)
                local.close_s += DAY_S;
            add_local_window(maker, source, steady, local, week);
        }
    }
}

static int64_t
day_at(int64_t local_s)
{
    return local_s / DAY_S - (local_s % DAY_S < 0);
}

/* What one source adds to a week. A night window of the day before reaches into it; where the offset is not
 * steady around the week, a day may lie up to two further away. */
static void
add_source(struct maker *maker, const struct source *source, struct steady *steady, struct window week)
{
    struct window days;

    if (source->always) {
        add_window(&maker->windows, week.open_s, week.close_s);
        return;
    }
    if (week.open_s - SETTLED_MARGIN_S < steady->from_s || week.open_s - SETTLED_MARGIN_S >= steady->to_s) {
        steady->from_s = week.open_s - SETTLED_MARGIN_S;
        steady->to_s = zone_next_change_s(source->zone, steady->from_s);
        steady->offset_s = zone_offset_s(source->zone, steady->from_s);
    }
    if (week.close_s + SETTLED_MARGIN_S <= steady->to_s) {
        days = (struct window){day_at(week.open_s + steady->offset_s) - 1,
                               day_at(week.close_s - 1 + steady->offset_s)};
        add_local_days(maker, source, steady, days, week);
        return;
    }
    days = (struct window){day_at(week.open_s) - 4, day_at(week.close_s) + 3};
    add_local_days(maker, source, NULL, days, week);
}

static int
compare_opens(const void *a, const void *b)
{
    const struct window *left = a;
    const struct window *right = b;

    return left->open_s < right->open_s ? -1 : left->open_s > right->open_s;
}

/* Those of several sources come one source after the other, each in order: mostly a few short runs. */
static void
sort_windows(struct windows *windows)
{
    if (windows->count > INSERTION_MAX) {
        qsort(windows->at, windows->count, sizeof *windows->at, compare_opens);
        return;
    }
    for (size_t i = 1; i < windows->count; i++) {
        struct window window = windows->at[i];
        size_t j = i;

        for (; j > 0 && windows->at[j - 1].open_s > window.open_s; j--)
            windows->at[j] = windows->at[j - 1];
        windows->at[j] = window;
    }
}

/* Overlapping and touching windows become one; the rest is written as entries of the week. */
static struct pattern
merge_windows(struct maker *maker, int64_t week_from_s)
{
    uint32_t count = 0;
    uint32_t open_sum_s = 0;
    int64_t close_s = week_from_s - 1;

    if (maker->entries_room < maker->windows.count + 1) {
        maker->entries_room = (maker->windows.count + 1) * 2;
        maker->entries = memory_resize(maker->entries, maker->entries_room * sizeof *maker->entries);
    }
    for (size_t i = 0; i < maker->windows.count; i++) {
        struct window window = maker->windows.at[i];

        if (window.open_s > close_s) {
            maker->entries[count++] = (struct entry){(uint32_t)(window.open_s - week_from_s), open_sum_s};
            close_s = window.open_s;
        }
        if (window.close_s > close_s) {
            open_sum_s += (uint32_t)(window.close_s - close_s);
            close_s = window.close_s;
        }
    }
    maker->entries[count] = (struct entry){WEEK_S, open_sum_s};
    return (struct pattern){maker->entries, count};
}

/* The pattern of this week; it lives until the next one is made. */
static struct pattern
make_week(struct maker *maker, int32_t week)
{
    int64_t from_s = WORLD_FROM_S + (int64_t)week * WEEK_S;
    int64_t to_s = from_s + WEEK_S < WORLD_TO_S ? from_s + WEEK_S : WORLD_TO_S;
    const struct calendar *calendar = maker->calendar;

    maker->windows.count = 0;
    for (size_t i = 0; i < calendar->sources_count; i++) {
        struct steady other = {0, 0, 0};

        add_source(maker, calendar->sources[i], i < SOURCES_OF_UNION_MAX ? &maker->steady[i] : &other,
                   (struct window){from_s, to_s});
    }
    sort_windows(&maker->windows);
    return merge_windows(maker, from_s);
}

static uint32_t
open_s_of(struct pattern pattern)
{
    return pattern.entries[pattern.count].before_s;
}

/* --- Compiling
 * ------------------------------------------------------------------------------------------------ */

/* The first week that begins in this year. */
static int32_t
first_week_of(int32_t year)
{
    int64_t days = instant_days_from_civil(year, 1, 1) - WORLD_FROM_S / DAY_S;

    return (int32_t)((days + 6) / 7);
}

static int32_t
end_week(void)
{
    return (int32_t)((WORLD_TO_S - WORLD_FROM_S + WEEK_S - 1) / WEEK_S);
}

/* The weeks of a year; the last year's includes the one that the world's end cuts. */
static int32_t
last_week_of(int32_t year)
{
    return year < YEAR_MAX ? first_week_of(year + 1) : end_week();
}

static int32_t
year_of_week(int32_t week)
{
    int64_t monday = WORLD_FROM_S / DAY_S + (int64_t)week * 7;

    return instant_civil_from_days(monday).year;
}

/* Patterns seen so far while compiling: open addressing, value = first + 1 of weeks like it. */
struct pattern_table {
    struct pattern_place {
        uint32_t first; /* in calendar->entries, + 1; 0: empty */
        uint32_t count;
    } * places;
    size_t mask;
    size_t used;
};

static size_t
place_of_pattern(const struct pattern_table *table, const struct calendar *calendar, struct pattern pattern)
{
    size_t bytes = (pattern.count + 1) * sizeof *pattern.entries;
    size_t i = hash_bytes(0, pattern.entries, bytes) & table->mask;

    for (; table->places[i].first != 0; i = (i + 1) & table->mask)
        if (table->places[i].count == pattern.count &&
            memcmp(calendar->entries + table->places[i].first - 1, pattern.entries, bytes) == 0)
            break;
    return i;
}

static uint32_t
append_pattern(struct calendar *calendar, struct pattern pattern)
{
    size_t first = calendar->entries_count;

    calendar->entries_count += pattern.count + 1;
    if (calendar->entries_count > calendar->entries_room) {
        calendar->entries_room = calendar->entries_count * 2;
        calendar->entries =
            memory_resize(calendar->entries, calendar->entries_room * sizeof *calendar->entries);
    }
    memcpy(calendar->entries + first, pattern.entries, (pattern.count + 1) * sizeof *pattern.entries);
    return (uint32_t)first;
}

static uint32_t
intern_pattern(struct pattern_table *table, struct calendar *calendar, struct pattern pattern)
{
    size_t i = place_of_pattern(table, calendar, pattern);

    if (table->places[i].first == 0) {
        must(++table->used <= table->mask);
        table->places[i] = (struct pattern_place){append_pattern(calendar, pattern) + 1, pattern.count};
    }
    return table->places[i].first - 1;
}

static bool
is_like(const struct calendar *calendar, struct week week, struct pattern pattern)
{
    return week.count == pattern.count && memcmp(calendar->entries + week.first, pattern.entries,
                                                 (pattern.count + 1) * sizeof *pattern.entries) == 0;
}

/* The first week from this one on in which not the weekday alone decides, at the offset that is known: the
 * ones before it are alike. */
static int32_t
end_of_plain_weeks(const struct maker *maker, int32_t week)
{
    const struct calendar *calendar = maker->calendar;
    int64_t from_s = WORLD_FROM_S + (int64_t)week * WEEK_S, to_s = WORLD_TO_S - WEEK_S;

    for (size_t i = 0; i < calendar->sources_count; i++) {
        const struct source *source = calendar->sources[i];
        int64_t until_s;
        size_t dated;

        if (source->always)
            continue;
        if (i >= SOURCES_OF_UNION_MAX || source->has_yearly ||
            from_s - SETTLED_MARGIN_S < maker->steady[i].from_s)
            return week;
        until_s = maker->steady[i].to_s < WORLD_TO_S ? maker->steady[i].to_s : WORLD_TO_S;
        dated = first_dated_from(source, day_at(from_s) - 4);
        if (dated < source->dated_count && (int64_t)source->dated[dated].day * DAY_S < until_s)
            until_s = (int64_t)source->dated[dated].day * DAY_S;
        if (until_s - SETTLED_MARGIN_S < to_s)
            to_s = until_s - SETTLED_MARGIN_S;
    }
    return to_s > from_s ? week + (int32_t)((to_s - from_s) / WEEK_S) : week;
}

/* The table of weeks. A calendar of very many different windows ends it early, so that its memory is bounded.
 */
static void
compile_hot(struct calendar *calendar, struct maker *maker)
{
    int32_t to = first_week_of(HOT_YEAR_TO);
    struct pattern_table table = {NULL, 16 * 1024 - 1, 0};
    struct week week = {0, 0, 0};
    int32_t plain_to = 0;

    calendar->hot_from = calendar->hot_to = first_week_of(HOT_YEAR_FROM);
    calendar->weeks = memory_allocate((size_t)(to - calendar->hot_from + 1) * sizeof *calendar->weeks);
    table.places = memory_allocate_zeroed(table.mask + 1, sizeof *table.places);
    for (; calendar->hot_to < to; calendar->hot_to++) {
        struct pattern pattern = {calendar->entries + week.first, week.count};

        if (calendar->hot_to >= plain_to) { /* else it is like the one before */
            plain_to = end_of_plain_weeks(maker, calendar->hot_to);
            pattern = make_week(maker, calendar->hot_to);
        }
        if (calendar->hot_to == calendar->hot_from || !is_like(calendar, week, pattern)) {
            if (calendar->entries_count + pattern.count + 1 > HOT_ENTRIES_MAX)
                break;
            week.first = intern_pattern(&table, calendar, pattern);
            week.count = pattern.count;
        }
        calendar->weeks[calendar->hot_to - calendar->hot_from] = week;
        week.before_s += open_s_of(pattern);
    }
    calendar->weeks[calendar->hot_to - calendar->hot_from] = week;
    memory_free(table.places);
    calendar->entries_room = calendar->entries_count;
    calendar->entries = memory_resize(calendar->entries, calendar->entries_room * sizeof *calendar->entries);
}

static int64_t
sum_of_weeks(struct maker *maker, int32_t from, int32_t to)
{
    const struct calendar *calendar = maker->calendar;
    int64_t sum_s = 0;

    for (int32_t week = from; week < to; week++) {
        if (week >= calendar->hot_from && to <= calendar->hot_to)
            return sum_s + calendar->weeks[to - calendar->hot_from].before_s -
                   calendar->weeks[week - calendar->hot_from].before_s;
        sum_s += open_s_of(make_week(maker, week));
    }
    return sum_s;
}

static bool
is_leap(int32_t year)
{
    return instant_days_of_month(year, 2) == 29;
}

/* Two settled years of one kind have the same weeks: weekday of 1 January, lengths of the year and its
 * neighbours. */
static size_t
kind_of_year(int32_t year)
{
    int32_t weekday = instant_weekday(instant_days_from_civil(year, 1, 1));

    return (size_t)(weekday * 8 + is_leap(year - 1) * 4 + is_leap(year) * 2 + is_leap(year + 1));
}

/* The years in which all zones keep one offset (before `before`) or their yearly rule (from `from` on). */
struct settled {
    int32_t before;
    int32_t from;
    uint8_t *is_dated; /* [year]: a closed or special date is in it or beside it */
};

static int32_t
year_at(int64_t at_s)
{
    if (at_s < WORLD_FROM_S)
        return YEAR_MIN - 1;
    if (at_s >= WORLD_TO_S)
        return YEAR_MAX + 1;
    return instant_civil_from_days(day_at(at_s)).year;
}

static void
mark_dated(const struct source *source, struct settled *settled)
{
    for (size_t i = 0; i < source->dated_count; i++) {
        int32_t year = instant_civil_from_days(source->dated[i].day).year;

        for (int32_t y = year - 1; y <= year + 1; y++)
            settled->is_dated[y] = 1;
    }
}

static struct settled
find_settled(const struct calendar *calendar)
{
    struct settled settled = {YEAR_MAX + 1, YEAR_MIN - 1, memory_allocate_zeroed(YEAR_MAX + 2, 1)};

    for (size_t i = 0; i < calendar->sources_count; i++) {
        const struct source *source = calendar->sources[i];
        int64_t before_s, from_s;

        if (source->always)
            continue;
        mark_dated(source, &settled);
        zone_settled_s(source->zone, &before_s, &from_s);
        if (year_at(before_s) - 1 < settled.before)
            settled.before = year_at(before_s) - 1;
        if (from_s != INT64_MIN && year_at(from_s) + 2 > settled.from)
            settled.from = year_at(from_s) + 2;
    }
    return settled;
}

/* How many seconds of a year are open, in which nothing but its kind decides. */
static int64_t
sum_of_settled(struct maker *maker, int32_t year, int64_t known_s[YEAR_KINDS])
{
    int64_t *known = &known_s[kind_of_year(year)];

    if (*known < 0)
        *known = sum_of_weeks(maker, first_week_of(year), last_week_of(year));
    return *known;
}

/* After 400 settled years their sums come again. */
static void
compile_years(struct calendar *calendar, struct maker *maker)
{
    struct settled settled = find_settled(calendar);
    int64_t known_s[2][YEAR_KINDS], *before_s; /* of the year at hand */
    int32_t settled_since = YEAR_MIN;

    for (size_t kind = 0; kind < YEAR_KINDS; kind++)
        known_s[0][kind] = known_s[1][kind] = -1;
    calendar->years_before_s = memory_allocate((YEAR_MAX - YEAR_MIN + 2) * sizeof *calendar->years_before_s);
    before_s = calendar->years_before_s;
    before_s[0] = 0;
    for (int32_t year = YEAR_MIN; year <= YEAR_MAX; year++, before_s++) {
        bool early = year < settled.before;
        int64_t sum_s;

        if ((!early && year < settled.from) || year == YEAR_MAX || settled.is_dated[year] != 0) {
            sum_s = sum_of_weeks(maker, first_week_of(year), last_week_of(year));
            settled_since = year + 1;
        } else if (year - settled_since >= YEARS_OF_CYCLE &&
                   early == (year - YEARS_OF_CYCLE < settled.before))
            sum_s = before_s[1 - YEARS_OF_CYCLE] - before_s[-YEARS_OF_CYCLE];
        else
            sum_s = sum_of_settled(maker, year, known_s[early]);
        before_s[1] = before_s[0] + sum_s;
    }
    memory_free(settled.is_dated);
}

static void
find_sure(struct calendar *calendar)
{
    calendar->sure_ms = INT64_MAX;
    for (int32_t year = HOT_YEAR_FROM; year + SURE_YEARS <= HOT_YEAR_TO; year++) {
        const int64_t *before_s = calendar->years_before_s + (year - YEAR_MIN);
        int64_t open_ms = (before_s[SURE_YEARS] - before_s[0]) * MS;

        calendar->sure_ms = open_ms < calendar->sure_ms ? open_ms : calendar->sure_ms;
    }
}

static struct calendar *
compile(struct calendar *calendar)
{
    struct maker maker;

    maker_init(&maker, calendar);
    compile_hot(calendar, &maker);
    compile_years(calendar, &maker);
    find_sure(calendar);
    maker_done(&maker);
    return calendar;
}

struct calendar *
calendar_new(const struct calendar_week *week, const struct calendar_days *days)
{
    struct calendar *calendar = memory_allocate_zeroed(1, sizeof *calendar);

    calendar->sources = memory_allocate(sizeof calendar->sources[0]);
    calendar->sources[0] = source_new(week, days);
    calendar->sources_count = 1;
    return compile(calendar);
}

static void
add_shared_source(struct calendar *calendar, struct source *source)
{
    for (size_t i = 0; i < calendar->sources_count; i++)
        if (calendar->sources[i] == source)
            return;
    atomic_fetch_add(&source->references, 1);
    calendar->sources[calendar->sources_count++] = source;
}

struct calendar *
calendar_new_union(const struct calendar *const *members, size_t members_count)
{
    struct calendar *calendar = memory_allocate_zeroed(1, sizeof *calendar);
    size_t sources_max = 0;

    must(members_count >= 1);
    for (size_t i = 0; i < members_count; i++)
        sources_max += members[i]->sources_count;
    calendar->sources = memory_allocate(sources_max * sizeof calendar->sources[0]);
    for (size_t i = 0; i < members_count; i++)
        for (size_t j = 0; j < members[i]->sources_count; j++)
            add_shared_source(calendar, members[i]->sources[j]);
    return compile(calendar);
}

void
calendar_free(struct calendar *calendar)
{
    if (calendar == NULL)
        return;
    for (size_t i = 0; i < calendar->sources_count; i++)
        source_release(calendar->sources[i]);
    memory_free(calendar->sources);
    memory_free(calendar->years_before_s);
    memory_free(calendar->weeks);
    memory_free(calendar->entries);
    memory_free(calendar);
}

size_t
calendar_bytes(const struct calendar *calendar)
{
    return sizeof *calendar + (YEAR_MAX - YEAR_MIN + 2) * sizeof *calendar->years_before_s +
           (size_t)(calendar->hot_to - calendar->hot_from + 1) * sizeof *calendar->weeks +
           calendar->entries_count * sizeof *calendar->entries;
}

/* --- The curve within a week
 * ---------------------------------------------------------------------------------- */

/* Which time is looked at: open, or all the rest. */
enum measure { OPEN, CLOSED };

/* How much of the measure lies before the end of entry i's part: for OPEN the end of window i, for CLOSED the
 * gap in front of window i (entry `count` stands for the end of the week, which closes the last gap). */
static int64_t
part_end_ms(struct pattern pattern, enum measure measure, uint32_t i)
{
    const struct entry *entry = &pattern.entries[i];

    return measure == OPEN ? entry[1].before_s * MS : (int64_t)(entry->open_s - entry->before_s) * MS;
}

/* The first part whose end is at least amount_ms; there is one. */
static uint32_t
find_part(struct pattern pattern, enum measure measure, int64_t amount_ms)
{
    uint32_t low = 0;
    uint32_t high = measure == OPEN ? pattern.count - 1 : pattern.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (part_end_ms(pattern, measure, middle) < amount_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many windows of the week have begun at at_ms of it. */
static uint32_t
count_begun(struct pattern pattern, int64_t at_ms)
{
    uint32_t low = 0;
    uint32_t high = pattern.count;

    if (high <= FEW) {
        const uint32_t at_s = (uint32_t)((uint64_t)at_ms / 1000);

        for (uint32_t i = 0; i < high; i++)
            low += pattern.entries[i].open_s <= at_s;
        high = low;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (pattern.entries[middle].open_s * MS <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Open milliseconds of the week before at_ms of it. */
static int64_t
open_before_ms(struct pattern pattern, int64_t at_ms)
{
    uint32_t low = count_begun(pattern, at_ms);
    int64_t since_ms, length_ms;

    if (low == 0)
        return 0;
    since_ms = at_ms - pattern.entries[low - 1].open_s * MS;
    length_ms = (pattern.entries[low].before_s - pattern.entries[low - 1].before_s) * MS;
    return pattern.entries[low - 1].before_s * MS + (since_ms < length_ms ? since_ms : length_ms);
}

/* The first millisecond of the week at which amount_ms (above 0) of the measure have passed. */
static int64_t
reach_in_week_ms(struct pattern pattern, enum measure measure, int64_t amount_ms)
{
    uint32_t part = find_part(pattern, measure, amount_ms);
    const struct entry *entry = &pattern.entries[part];

    return measure == OPEN ? entry->open_s * MS + amount_ms - entry->before_s * MS
                           : entry->before_s * MS + amount_ms;
}

/* --- The curve over all time
 * ---------------------------------------------------------------------------------- */

static int64_t
week_start_ms(int32_t week)
{
    return (WORLD_FROM_S + (int64_t)week * WEEK_S) * MS;
}

static int64_t
years_before_ms(const struct calendar *calendar, enum measure measure, int32_t year)
{
    int64_t open_ms = calendar->years_before_s[year - YEAR_MIN] * MS;
    int32_t week = year <= YEAR_MAX ? first_week_of(year) : end_week();

    return measure == OPEN ? open_ms : (int64_t)week * WEEK_MS - open_ms;
}

static bool
is_hot(const struct calendar *calendar, int32_t week)
{
    return week >= calendar->hot_from && week < calendar->hot_to;
}

static struct pattern
hot_pattern(const struct calendar *calendar, int32_t week)
{
    const struct week *here = &calendar->weeks[week - calendar->hot_from];

    return (struct pattern){calendar->entries + here->first, here->count};
}

/* Open before the first hot week. */
static int64_t
hot_base_ms(const struct calendar *calendar)
{
    return calendar->years_before_s[HOT_YEAR_FROM - YEAR_MIN] * MS;
}

/* Of the measure before this week, hot or the one behind the last hot one. */
static int64_t
hot_before_ms(const struct calendar *calendar, enum measure measure, int32_t week)
{
    int64_t open_ms = hot_base_ms(calendar) + calendar->weeks[week - calendar->hot_from].before_s * MS;

    return measure == OPEN ? open_ms : (int64_t)week * WEEK_MS - open_ms;
}

static int32_t
week_at(int64_t at_ms)
{
    return (int32_t)((at_ms - WORLD_FROM_S * MS) / WEEK_MS);
}

static int64_t
cold_open_before_ms(const struct calendar *calendar, int64_t at_ms)
{
    int32_t week = week_at(at_ms);
    int32_t year = year_of_week(week);
    int64_t open_ms = calendar->years_before_s[year - YEAR_MIN] * MS;
    struct maker maker;

    maker_init(&maker, calendar);
    open_ms += sum_of_weeks(&maker, first_week_of(year), week) * MS;
    open_ms += open_before_ms(make_week(&maker, week), at_ms - week_start_ms(week));
    maker_done(&maker);
    return open_ms;
}

/* Open milliseconds before at_ms, since the beginning of the world. */
static int64_t
open_total_ms(const struct calendar *calendar, int64_t at_ms)
{
    int32_t week;

    if (at_ms <= WORLD_FROM_S * MS)
        return 0;
    if (at_ms >= WORLD_TO_S * MS)
        return years_before_ms(calendar, OPEN, YEAR_MAX + 1);
    week = week_at(at_ms);
    if (!is_hot(calendar, week))
        return cold_open_before_ms(calendar, at_ms);
    return hot_before_ms(calendar, OPEN, week) +
           open_before_ms(hot_pattern(calendar, week), at_ms - week_start_ms(week));
}

static int64_t
total_ms(const struct calendar *calendar, enum measure measure, int64_t at_ms)
{
    int64_t open_ms = open_total_ms(calendar, at_ms);

    if (measure == OPEN)
        return open_ms;
    if (at_ms <= WORLD_FROM_S * MS)
        return 0;
    return (at_ms < WORLD_TO_S * MS ? at_ms : WORLD_TO_S * MS) - WORLD_FROM_S * MS - open_ms;
}

/* Within hot weeks: the last one with less than amount_ms before it. */
static int64_t
hot_reach_ms(const struct calendar *calendar, enum measure measure, int64_t amount_ms, int64_t hint_ms)
{
    int32_t low = calendar->hot_from;
    int32_t high = calendar->hot_to - 1;
    int32_t hint = hint_ms > WORLD_FROM_S * MS && hint_ms < WORLD_TO_S * MS ? week_at(hint_ms) : -1;

    /* Most amounts are used up in the week they begin in, or in the next. */
    for (int32_t week = hint; is_hot(calendar, week) && week <= hint + 1; week++)
        if (hot_before_ms(calendar, measure, week) < amount_ms &&
            hot_before_ms(calendar, measure, week + 1) >= amount_ms)
            low = high = week;
    while (low < high) {
        int32_t middle = low + (high - low + 1) / 2;

        if (hot_before_ms(calendar, measure, middle) < amount_ms)
            low = middle;
        else
            high = middle - 1;
    }
    amount_ms -= hot_before_ms(calendar, measure, low);
    return week_start_ms(low) + reach_in_week_ms(hot_pattern(calendar, low), measure, amount_ms);
}

static int64_t
cold_reach_ms(const struct calendar *calendar, enum measure measure, int64_t amount_ms)
{
    int32_t low = YEAR_MIN;
    int32_t high = YEAR_MAX;
    int64_t at_ms = CALENDAR_NEVER;
    struct maker maker;

    while (low < high) {
        int32_t middle = low + (high - low + 1) / 2;

        if (years_before_ms(calendar, measure, middle) < amount_ms)
            low = middle;
        else
            high = middle - 1;
    }
    amount_ms -= years_before_ms(calendar, measure, low);
    maker_init(&maker, calendar);
    for (int32_t week = first_week_of(low); week < last_week_of(low); week++) {
        struct pattern pattern = make_week(&maker, week);
        int64_t open_ms = open_s_of(pattern) * MS;
        int64_t here_ms = measure == OPEN ? open_ms : WEEK_MS - open_ms;

        if (amount_ms <= here_ms) {
            at_ms = week_start_ms(week) + reach_in_week_ms(pattern, measure, amount_ms);
            break;
        }
        amount_ms -= here_ms;
    }
    maker_done(&maker);
    return at_ms;
}

/* The first instant before which amount_ms (above 0) of the measure lie; CALENDAR_NEVER if there is none.
 * hint_ms is an instant that may be near. */
static int64_t
reach_ms(const struct calendar *calendar, enum measure measure, int64_t amount_ms, int64_t hint_ms)
{
    if (amount_ms > years_before_ms(calendar, measure, YEAR_MAX + 1))
        return CALENDAR_NEVER;
    if (calendar->hot_to > calendar->hot_from &&
        amount_ms > hot_before_ms(calendar, measure, calendar->hot_from) &&
        amount_ms <= hot_before_ms(calendar, measure, calendar->hot_to))
        return hot_reach_ms(calendar, measure, amount_ms, hint_ms);
    return cold_reach_ms(calendar, measure, amount_ms);
}

/* The last instant before which no more than amount_ms of the measure lie: where its next millisecond begins.
 * Since every window begins and ends on a whole second, that is one millisecond before the next one is
 * reached. */
static int64_t
leave_ms(const struct calendar *calendar, enum measure measure, int64_t amount_ms, int64_t hint_ms)
{
    int64_t at_ms = reach_ms(calendar, measure, amount_ms + 1, hint_ms);

    return at_ms == CALENDAR_NEVER ? CALENDAR_NEVER : at_ms - 1;
}

/* --- The contract
 * --------------------------------------------------------------------------------------------- */

bool
calendar_ever_opens(const struct calendar *calendar)
{
    return years_before_ms(calendar, OPEN, YEAR_MAX + 1) > 0;
}

bool
calendar_is_open(const struct calendar *calendar, int64_t at_ms)
{
    int32_t week;
    struct maker maker;
    struct pattern pattern;
    bool is_open;

    if (at_ms < WORLD_FROM_S * MS || at_ms >= WORLD_TO_S * MS)
        return false;
    week = week_at(at_ms);
    at_ms -= week_start_ms(week);
    if (is_hot(calendar, week)) {
        pattern = hot_pattern(calendar, week);
        return open_before_ms(pattern, at_ms + 1) > open_before_ms(pattern, at_ms);
    }
    maker_init(&maker, calendar);
    pattern = make_week(&maker, week);
    is_open = open_before_ms(pattern, at_ms + 1) > open_before_ms(pattern, at_ms);
    maker_done(&maker);
    return is_open;
}

int64_t
calendar_next_open_ms(const struct calendar *calendar, int64_t at_ms)
{
    return leave_ms(calendar, OPEN, total_ms(calendar, OPEN, at_ms), at_ms);
}

int64_t
calendar_next_edge_ms(const struct calendar *calendar, int64_t at_ms)
{
    enum measure next = calendar_is_open(calendar, at_ms) ? CLOSED : OPEN;
    int64_t edge_ms = leave_ms(calendar, next, total_ms(calendar, next, at_ms), at_ms);

    return edge_ms < WORLD_TO_S * MS ? edge_ms : CALENDAR_NEVER;
}

int64_t
calendar_previous_edge_ms(const struct calendar *calendar, int64_t at_ms)
{
    enum measure before = calendar_is_open(calendar, at_ms) ? CLOSED : OPEN;
    int64_t passed_ms = total_ms(calendar, before, at_ms);

    return passed_ms > 0 ? reach_ms(calendar, before, passed_ms, at_ms) : INT64_MIN;
}

int64_t
calendar_counted_ms(const struct calendar *calendar, int64_t from_ms, int64_t to_ms)
{
    if (to_ms <= from_ms)
        return 0;
    return open_total_ms(calendar, to_ms) - open_total_ms(calendar, from_ms);
}

int64_t
calendar_add_ms(const struct calendar *calendar, int64_t start_ms, int64_t amount_ms)
{
    int64_t passed_ms;

    must(amount_ms >= 0);
    if (amount_ms == 0)
        return start_ms;
    if (amount_ms > INT64_MAX / 2)
        return CALENDAR_NEVER;
    passed_ms = open_total_ms(calendar, start_ms);
    return reach_ms(calendar, OPEN, passed_ms + amount_ms, start_ms);
}

void
calendar_stretch(const struct calendar *calendar, int64_t at_ms, struct calendar_stretch *stretch)
{
    int32_t week = at_ms >= WORLD_FROM_S * MS && at_ms < WORLD_TO_S * MS ? week_at(at_ms) : calendar->hot_to;
    const struct entry *entry;
    struct pattern pattern;
    int64_t start_ms;
    uint32_t begun;

    if (!is_hot(calendar, week)) {
        *stretch = (struct calendar_stretch){at_ms, at_ms + 1, open_total_ms(calendar, at_ms), 0};
        return;
    }
    pattern = hot_pattern(calendar, week);
    start_ms = week_start_ms(week);
    begun = count_begun(pattern, at_ms - start_ms);
    entry = &pattern.entries[begun];
    stretch->to_ms = start_ms + entry->open_s * MS;
    stretch->before_ms = hot_before_ms(calendar, OPEN, week);
    stretch->from_ms = start_ms;
    stretch->open_ms = 0;
    if (begun == 0)
        return;
    stretch->from_ms += entry[-1].open_s * MS;
    stretch->before_ms += entry[-1].before_s * MS;
    stretch->open_ms = (entry->before_s - entry[-1].before_s) * MS;
}

int64_t
calendar_of_total_ms(const struct calendar *calendar, int64_t total_ms, int64_t hint_ms)
{
    return total_ms <= INT64_MAX / 2 ? reach_ms(calendar, OPEN, total_ms, hint_ms) : CALENDAR_NEVER;
}

bool
calendar_surely_counts(const struct calendar *calendar, int64_t start_ms, int64_t amount_ms)
{
    return amount_ms <= calendar->sure_ms && start_ms >= SURE_FROM_MS && start_ms < SURE_TO_MS;
}

int64_t
calendar_subtract_ms(const struct calendar *calendar, int64_t end_ms, int64_t amount_ms)
{
    int64_t passed_ms;

    must(amount_ms >= 0);
    if (amount_ms == 0)
        return end_ms;
    passed_ms = open_total_ms(calendar, end_ms);
    if (amount_ms > passed_ms)
        return INT64_MIN;
    return leave_ms(calendar, OPEN, passed_ms - amount_ms, end_ms);
}
