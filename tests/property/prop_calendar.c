/*
 * What: compiled calendars against a walk, minute by minute, that knows nothing but zone_offset_s.
 *
 * Why this way: the walk reads the local clock at every minute of some weeks and takes rules R2 to R5
 * literally: a window is open from the first to the last minute whose reading is inside of it, on the day it
 * opens; closed, special and yearly days are looked up one by one; a union is an "or". No code and no formula
 * is shared with the compiler.
 *
 * Always true: a failure prints its seed. SLAD_SEED is the first seed, SLAD_SEEDS how many
 * (without it: as many as two seconds allow).
 *
 * Not here: offsets with seconds (no zone has had one since 1972).
 */
#include "../support/chance.h"
#include "../support/zones.h"
#include "base/instant.h"
#include "base/memory.h"
#include "slad/calendar.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DAYS = 30, /* walked */
    EDGE_DAYS = 4,
    MINUTES = DAYS * 1440,
    EDGE = EDGE_DAYS * 1440,
    MEMBERS_MAX = 3,
    WINDOWS_MAX = 3,
    DATES_MAX = 8,
    QUESTIONS = 40,
};

static const char *const zone_names[] = {
    "Europe/Berlin",     "America/New_York",     "Australia/Lord_Howe", "Pacific/Apia",
    "Africa/Casablanca", "Asia/Kathmandu",       "Antarctica/Troll",    "America/Sao_Paulo",
    "America/St_Johns",  "Asia/Tehran",          "Europe/Dublin",       "Pacific/Kwajalein",
    "Asia/Gaza",         "America/Scoresbysund", "Pacific/Easter",      "Pacific/Kiritimati",
    "Asia/Pyongyang",    "Antarctica/Casey",     "America/Caracas",     "UTC",
    "Pacific/Chatham",   "Africa/Cairo",         "Asia/Amman",          "America/Havana",
    "Europe/Lisbon",
};

enum {
    ZONES_REAL = sizeof zone_names / sizeof zone_names[0],
    ZONES_MADE_UP = 8,
    ZONES = ZONES_REAL + ZONES_MADE_UP
};

static struct chance chance;
static struct zone *zones[ZONES]; /* those that are made up: of the seed */

static int64_t
random_within(int64_t low, int64_t high)
{
    return chance_within(&chance, low, high);
}

struct day_plan {
    struct calendar_window windows[WINDOWS_MAX];
    size_t count;
};

struct plan {
    struct zone *zone;
    struct day_plan week[7];
    struct calendar_date closed[DATES_MAX];
    size_t closed_count;
    struct calendar_date special_date[DATES_MAX];
    struct day_plan special[DATES_MAX];
    size_t special_count;
};

/* Not overlapping; the last may run past midnight; often at the hours where clocks change. */
static struct day_plan
random_day(void)
{
    struct day_plan day = {.count = 0};
    int64_t steps[] = {1, 15, 30, 60};
    int64_t step = steps[random_within(0, 3)];
    int64_t at = random_within(0, random_within(0, 2) == 0 ? 1439 : 240) / step * step;
    size_t count = (size_t)random_within(0, WINDOWS_MAX);

    while (day.count < count && at <= 1439) {
        int64_t length = random_within(1, random_within(0, 1) == 0 ? 180 : random_within(180, 1440));
        int64_t close = at + (length + step - 1) / step * step;

        if (close > 1440 && (day.count == 0 || close - 1440 <= day.windows[0].open_minute)) {
            close = close - 1440 <= at ? close - 1440 : at;
            close = close == 0 ? 1440 : close;
        } else if (close > 1440) {
            close = 1440;
        }
        day.windows[day.count++] = (struct calendar_window){(int16_t)at, (int16_t)close};
        if (close <= at)
            break;
        at = close + (random_within(0, 2) == 0 ? 0 : random_within(1, 300) / step * step);
    }
    return day;
}

static struct calendar_date
random_date(int64_t near_s)
{
    int64_t day = near_s / 86400 + random_within(-DAYS / 2 - 3, DAYS / 2 + 3);
    struct instant_date date = instant_civil_from_days(day);

    return (struct calendar_date){(int16_t)date.year, (int8_t)date.month, (int8_t)date.day};
}

/* A zone that never was: clocks change by minutes or by most of a day, on any weekday, at any hour. */
static struct zone *
random_zone(void)
{
    static const char block[6 + 1] = {0}; /* one type, one character */
    static const int64_t jumps[] = {-1380, -120, -60, -45, 30, 60, 60, 60, 90, 180, 1380};
    unsigned char bytes[256] = {0};
    int64_t west = random_within(-55, 47) * 15;
    int64_t east = -west + jumps[random_within(0, sizeof jumps / sizeof jumps[0] - 1)];
    int month = (int)random_within(1, 6);
    struct zone *zone;
    const char *error = NULL;
    size_t count = 0;

    if (east < -24 * 60 || east > 24 * 60)
        east = -west + 60;
    for (int i = 0; i < 2; i++) {
        memcpy(bytes + count, "TZif2", 5);
        bytes[count + 39] = bytes[count + 43] = 1;
        memcpy(bytes + count + 44, block, sizeof block);
        count += 44 + sizeof block;
    }
    count += (size_t)snprintf(
        (char *)bytes + count, sizeof bytes - count, "\nAAA%s%d:%02dBBB%s%d:%02d,M%d.%d.%d/%d,M%d.%d.%d/%d\n",
        west < 0 ? "-" : "", abs((int)west) / 60, abs((int)west) % 60, east > 0 ? "-" : "",
        abs((int)east) / 60, abs((int)east) % 60, month, (int)random_within(1, 5), (int)random_within(0, 6),
        (int)random_within(-30, 50), month + (int)random_within(2, 6), (int)random_within(1, 5),
        (int)random_within(0, 6), (int)random_within(-30, 50));
    must(count < sizeof bytes);
    zone = zone_new(bytes, count, &error);
    must(zone != NULL);
    return zone;
}

static struct plan
random_plan(struct zone *zone, int64_t near_s)
{
    struct plan plan = {.zone = zone};
    bool is_daily = random_within(0, 3) == 0;

    for (int day = 0; day < 7; day++)
        plan.week[day] = is_daily && day > 0 ? plan.week[0] : random_day();
    plan.closed_count = (size_t)random_within(0, DATES_MAX);
    for (size_t i = 0; i < plan.closed_count; i++) {
        plan.closed[i] = random_date(near_s);
        if (random_within(0, 1) == 0)
            plan.closed[i].year = 0;
    }
    plan.special_count = (size_t)random_within(0, DATES_MAX);
    for (size_t i = 0; i < plan.special_count; i++) {
        plan.special_date[i] = random_date(near_s);
        plan.special[i] = random_day();
        for (size_t j = 0; j < i; j++)
            if (memcmp(&plan.special_date[i], &plan.special_date[j], sizeof plan.special_date[i]) == 0)
                plan.special[i] = plan.special[j];
    }
    return plan;
}

static struct calendar *
compile(const struct plan *plan)
{
    struct calendar_week week = {.always = false};
    struct calendar_special special[DATES_MAX];
    struct calendar_days days = {plan->zone, plan->closed, plan->closed_count, special, plan->special_count};

    for (size_t i = 0; i < plan->special_count; i++)
        special[i] = (struct calendar_special){plan->special_date[i], plan->special[i].windows,
                                               plan->special[i].count};
    for (int i = 0; i < 7; i++) {
        week.days[i] = plan->week[i].windows;
        week.days_count[i] = plan->week[i].count;
    }
    return calendar_new(&week, &days);
}

/* --- The walk
 * ------------------------------------------------------------------------------------------------- */

static bool
is_date(const struct calendar_date *date, struct instant_date day, bool is_yearly)
{
    return date->year == (is_yearly ? 0 : day.year) && date->month == day.month && date->day == day.day;
}

static const struct day_plan *
plan_of_day(const struct plan *plan, int64_t day)
{
    static const struct day_plan nothing = {.count = 0};
    struct instant_date date = instant_civil_from_days(day);

    for (size_t i = 0; i < plan->closed_count; i++)
        if (is_date(&plan->closed[i], date, false))
            return &nothing;
    for (size_t i = 0; i < plan->special_count; i++)
        if (is_date(&plan->special_date[i], date, false))
            return &plan->special[i];
    for (size_t i = 0; i < plan->closed_count; i++)
        if (is_date(&plan->closed[i], date, true))
            return &nothing;
    return &plan->week[((day + 3) % 7 + 7) % 7];
}

/* open[m]: minute m since from_s counts. reading[m]: what local clocks show then, in minutes since 1970, from
 * EDGE minutes before from_s to EDGE minutes behind its end. */
static void
walk_window(bool *open, const int64_t *reading, int64_t open_minute, int64_t close_minute)
{
    int first = -1;
    int last = -1;

    /* No clock of these zones is set by more than a day: the rest of the walk cannot show this window's
     * readings. */
    int64_t from = open_minute - reading[0] - 2 * 1440;
    int64_t to = close_minute - reading[0] + 2 * 1440;

    for (int m = from > 0 ? (int)from : 0; m < MINUTES + 2 * EDGE && m < to; m++) {
        if (reading[m] < open_minute || reading[m] >= close_minute)
            continue;
        if (first < 0)
            first = m;
        last = m;
    }
    for (int m = first; first >= 0 && m <= last; m++)
        if (m >= EDGE && m < EDGE + MINUTES)
            open[m - EDGE] = true;
}

static void
walk(const struct plan *plan, int64_t from_s, bool *open)
{
    static int64_t reading[MINUTES + 2 * EDGE];
    int64_t first_day;

    for (int m = 0; m < MINUTES + 2 * EDGE; m++) {
        int64_t at_s = from_s + (m - EDGE) * INT64_C(60);

        reading[m] = (at_s + zone_offset_s(plan->zone, at_s)) / 60;
    }
    first_day = reading[EDGE] / 1440 - 2;
    for (int64_t day = first_day; day <= first_day + DAYS + 4; day++) {
        const struct day_plan *windows = plan_of_day(plan, day);

        for (size_t i = 0; i < windows->count; i++) {
            int64_t opens = day * 1440 + windows->windows[i].open_minute;
            int64_t closes = day * 1440 + windows->windows[i].close_minute;

            walk_window(open, reading, opens, closes <= opens ? closes + 1440 : closes);
        }
    }
}

/* --- The questions
 * -------------------------------------------------------------------------------------------- */

struct walked {
    int64_t from_ms;
    bool open[MINUTES];
    uint64_t seed;
};

static bool
walked_is_open(const struct walked *walked, int64_t at_ms)
{
    return walked->open[(at_ms - walked->from_ms) / 60000];
}

static int64_t
walked_counted(const struct walked *walked, int64_t from_ms, int64_t to_ms)
{
    int64_t sum_ms = 0;

    while (from_ms < to_ms) {
        int64_t next_ms = from_ms + 60000 - (from_ms - walked->from_ms) % 60000;

        if (next_ms > to_ms)
            next_ms = to_ms;
        if (walked_is_open(walked, from_ms))
            sum_ms += next_ms - from_ms;
        from_ms = next_ms;
    }
    return sum_ms;
}

static void
expect(const struct walked *walked, const char *what, int64_t at_ms, int64_t got, int64_t wanted)
{
    char text[INSTANT_TEXT_BYTES];

    if (got == wanted)
        return;
    instant_format(at_ms, text);
    printf("seed %" PRIu64 ": %s at %s (%" PRId64 "): got %" PRId64 ", the walk says %" PRId64 "\n",
           walked->seed, what, text, at_ms, got, wanted);
    exit(1);
}

/* From at_ms on, when open has another value than `open`; or at_ms if it has it there; -1: not within the
 * walk. */
static int64_t
walked_next(const struct walked *walked, int64_t at_ms, bool open)
{
    int64_t end_ms = walked->from_ms + MINUTES * INT64_C(60000);

    while (at_ms < end_ms && walked_is_open(walked, at_ms) != open)
        at_ms += 60000 - (at_ms - walked->from_ms) % 60000;
    return at_ms < end_ms ? at_ms : -1;
}

static int64_t
walked_previous_edge(const struct walked *walked, int64_t at_ms)
{
    int64_t minute = (at_ms - walked->from_ms) / 60000;

    while (minute > 0 && walked->open[minute] == walked->open[minute - 1])
        minute--;
    return minute > 0 ? walked->from_ms + minute * 60000 : -1;
}

static void
ask_edges(const struct calendar *calendar, const struct walked *walked, int64_t at_ms)
{
    bool is_open = walked_is_open(walked, at_ms);
    int64_t next_open_ms = walked_next(walked, at_ms, true);
    int64_t next_edge_ms = walked_next(walked, at_ms, !is_open);
    int64_t previous_ms = walked_previous_edge(walked, at_ms);

    expect(walked, "is_open", at_ms, calendar_is_open(calendar, at_ms), is_open);
    if (next_open_ms >= 0)
        expect(walked, "next_open", at_ms, calendar_next_open_ms(calendar, at_ms), next_open_ms);
    if (next_edge_ms >= 0)
        expect(walked, "next_edge", at_ms, calendar_next_edge_ms(calendar, at_ms), next_edge_ms);
    if (previous_ms >= 0)
        expect(walked, "previous_edge", at_ms, calendar_previous_edge_ms(calendar, at_ms), previous_ms);
}

/* The earliest instant from which, and the latest to which, this much is counted: by stepping over minutes.
 */
static int64_t
walked_add(const struct walked *walked, int64_t at_ms, int64_t amount_ms)
{
    int64_t end_ms = walked->from_ms + MINUTES * INT64_C(60000);

    while (amount_ms > 0 && at_ms < end_ms) {
        int64_t next_ms = at_ms + 60000 - (at_ms - walked->from_ms) % 60000;
        int64_t here_ms = next_ms - at_ms;

        if (walked_is_open(walked, at_ms) && here_ms >= amount_ms)
            return at_ms + amount_ms;
        if (walked_is_open(walked, at_ms))
            amount_ms -= here_ms;
        at_ms = next_ms;
    }
    return amount_ms == 0 ? at_ms : -1;
}

static void
ask(const struct calendar *calendar, const struct walked *walked)
{
    int64_t end_ms = walked->from_ms + MINUTES * INT64_C(60000) - 1;
    int64_t a_ms = random_within(walked->from_ms, end_ms);
    int64_t b_ms = random_within(a_ms, end_ms);
    int64_t amount_ms, counted_ms;

    if (random_within(0, 2) == 0)
        a_ms -= (a_ms - walked->from_ms) % 60000;
    counted_ms = walked_counted(walked, a_ms, b_ms);
    amount_ms = random_within(0, counted_ms);
    ask_edges(calendar, walked, a_ms);
    expect(walked, "counted", a_ms, calendar_counted_ms(calendar, a_ms, b_ms), counted_ms);
    expect(walked, "add", a_ms, calendar_add_ms(calendar, a_ms, amount_ms),
           walked_add(walked, a_ms, amount_ms));
    expect(walked, "add up to a close", a_ms, calendar_add_ms(calendar, a_ms, counted_ms),
           walked_add(walked, a_ms, counted_ms));
    if (amount_ms > 0) {
        int64_t from_ms = calendar_subtract_ms(calendar, b_ms, amount_ms);

        expect(walked, "subtract", b_ms, walked_counted(walked, from_ms, b_ms), amount_ms);
        expect(walked, "subtract is the latest", b_ms, walked_counted(walked, from_ms + 1, b_ms),
               amount_ms - 1);
    }
}

/* Around a change of the zone's clocks, anywhere in 1973 to 2140, or in a far year. */
static int64_t
random_place(const struct zone *zone)
{
    int64_t kind = random_within(0, 9);
    int64_t at_s = random_within(INT64_C(94694400), INT64_C(5364662400));

    if (kind == 0)
        at_s = random_within(INT64_C(5364662400), INT64_C(253000000000));
    if (kind < 7 && zone_next_change_s(zone, at_s) != INT64_MAX)
        at_s = zone_next_change_s(zone, at_s) + random_within(-10, 10) * 86400;
    return at_s / 60 * 60 - DAYS / 2 * 86400;
}

static void
run_seed(uint64_t seed)
{
    static struct walked walked;
    struct calendar *members[MEMBERS_MAX];
    size_t members_count = (size_t)random_within(1, MEMBERS_MAX);
    struct calendar *calendar = NULL;
    struct zone *zone = zones[random_within(random_within(0, 1) * ZONES_REAL, ZONES - 1)];
    int64_t from_s = random_place(zone);

    memset(&walked, 0, sizeof walked);
    walked.from_ms = from_s * 1000;
    walked.seed = seed;
    for (size_t i = 0; i < members_count; i++) {
        struct plan plan = random_plan(zone, from_s + DAYS / 2 * 86400);

        members[i] = compile(&plan);
        walk(&plan, from_s, walked.open);
        zone = zones[random_within(0, ZONES - 1)];
    }
    if (members_count > 1)
        calendar = calendar_new_union((const struct calendar *const *)members, members_count);
    for (int i = 0; i < QUESTIONS; i++)
        ask(calendar != NULL ? calendar : members[0], &walked);
    for (size_t i = 0; i < members_count; i++)
        calendar_free(members[i]);
    calendar_free(calendar);
}

/* The curve has no seam: over every year's first Monday one millisecond counts if and only if it is open.
 * This is where sums of years that were never walked meet weeks that were. */
static void
check_seams(uint64_t seed, struct zone *zone)
{
    struct plan plan = random_plan(zone, 0);
    struct calendar *calendar = compile(&plan);
    struct walked walked = {.seed = seed};

    for (int32_t year = 2; year <= 9999; year += (int32_t)random_within(1, 9)) {
        int64_t day = instant_days_from_civil(year, 1, 1);
        int64_t monday_ms = (day + (7 - instant_weekday(day)) % 7) * INT64_C(86400000);

        expect(&walked, "a seam", monday_ms, calendar_counted_ms(calendar, monday_ms - 1, monday_ms),
               calendar_is_open(calendar, monday_ms - 1));
    }
    calendar_free(calendar);
}

static bool
test_seed(uint64_t seed)
{
    chance = chance_of_seed(seed);
    for (size_t i = ZONES_REAL; i < ZONES; i++)
        zones[i] = random_zone();
    run_seed(seed);
    if (seed % 20 == 0)
        check_seams(seed, zones[random_within(0, ZONES - 1)]);
    for (size_t i = ZONES_REAL; i < ZONES; i++)
        zone_free(zones[i]);
    return true;
}

int
main(void)
{
    int status;

    for (size_t i = 0; i < ZONES_REAL; i++)
        zones[i] = zones_load(zone_names[i]);
    status = chance_run(test_seed, 10, 2);
    for (size_t i = 0; i < ZONES_REAL; i++)
        zone_free(zones[i]);
    return status;
}
