#ifndef SLAD_CALENDAR_H
#define SLAD_CALENDAR_H

/*
 * A calendar says which instants count (semantics.md section 1.2, rulings R2-R5).
 *
 * Instants are UTC milliseconds since 1970-01-01 (years 1 to 9999; outside of them nothing is open), lengths
 * are milliseconds. A compiled calendar is immutable; it may be shared by everybody and lives until
 * calendar_free. Windows are half-open [open, close); overlapping and touching windows count once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct calendar;
struct zone; /* slad/zone.h */

#define CALENDAR_NEVER INT64_MAX

/* A window of one local day: minutes since local midnight, 0 <= open_minute <= 1439, 1 <= close_minute <=
 * 1440. close_minute <= open_minute ends on the next date (a night window belongs to the day it opens). */
struct calendar_window {
    int16_t open_minute;
    int16_t close_minute;
};

/* A local date. year 0 means every year (a yearly month-day). */
struct calendar_date {
    int16_t year;
    int8_t month; /* 1..12 */
    int8_t day;   /* 1..31 */
};

struct calendar_special {
    struct calendar_date date;             /* dated: year is never 0 */
    const struct calendar_window *windows; /* may be empty: then the day is closed */
    size_t windows_count;
};

/* What a policy says of one calendar, resolved. Everything is borrowed for the call only, but the zone, which
 * must outlive the calendar. The weekly part and the days part are apart because they may come from two
 * policy versions ("days are facts", semantics.md section 3). */
struct calendar_week {
    bool always;                           /* everything counts; the rest is ignored */
    const struct calendar_window *days[7]; /* 0 = Monday */
    size_t days_count[7];
};

struct calendar_days {
    const struct zone *zone; /* NULL only with always */
    const struct calendar_date
        *closed; /* dated or yearly; precedence: dated closed > special > yearly closed (R4) */
    size_t closed_count;
    const struct calendar_special *special;
    size_t special_count;
};

/* Compiles. Never NULL (out of memory panics). Costs at most some milliseconds and 2 MiB. */
struct calendar *calendar_new(const struct calendar_week *week, const struct calendar_days *days);
/* The union of 1..64 compiled calendars (of any zones; unions of unions too). The members may be freed
 * afterwards. */
struct calendar *calendar_new_union(const struct calendar *const *members, size_t members_count);
void calendar_free(struct calendar *calendar);
/* Memory of its tables, for the metric. */
size_t calendar_bytes(const struct calendar *calendar);

/* False when the calendar has no open millisecond ever (such a calendar is refused at load, SC-21). */
bool calendar_ever_opens(const struct calendar *calendar);
bool calendar_is_open(const struct calendar *calendar, int64_t at_ms);
/* The first open instant at or after at_ms; CALENDAR_NEVER if there is none. */
int64_t calendar_next_open_ms(const struct calendar *calendar, int64_t at_ms);
/* The first instant after at_ms at which open becomes closed or closed open; CALENDAR_NEVER if there is none
 * (that nothing counts after year 9999 is no edge). */
int64_t calendar_next_edge_ms(const struct calendar *calendar, int64_t at_ms);
/* The last edge at or before at_ms; INT64_MIN if there is none. */
int64_t calendar_previous_edge_ms(const struct calendar *calendar, int64_t at_ms);
/* Open milliseconds in [from_ms, to_ms); 0 when to_ms <= from_ms. O(log n). */
int64_t calendar_counted_ms(const struct calendar *calendar, int64_t from_ms, int64_t to_ms);
/* The earliest instant at which amount_ms (>= 0) open milliseconds have passed since start_ms (R: the close,
 * not the next opening); amount 0 is start_ms itself. CALENDAR_NEVER if the calendar never counts that much.
 * O(log n). */
int64_t calendar_add_ms(const struct calendar *calendar, int64_t start_ms, int64_t amount_ms);
/* The curve behind both is the open milliseconds before an instant since year 1, its total. Of every instant
 * of [from_ms, to_ms), which at_ms is one of: before_ms is the total at from_ms, the first open_ms count, the
 * rest do not. */
struct calendar_stretch {
    int64_t from_ms, to_ms;
    int64_t before_ms, open_ms;
};
void calendar_stretch(const struct calendar *calendar, int64_t at_ms, struct calendar_stretch *ret_stretch);
/* The earliest instant with this total, above 0; CALENDAR_NEVER: there is none. hint_ms may be near it. */
int64_t calendar_of_total_ms(const struct calendar *calendar, int64_t total_ms, int64_t hint_ms);
/* Whether amount_ms open milliseconds certainly pass within nine years and a week of start_ms. False: it has
 * to be asked (calendar_add_ms). */
bool calendar_surely_counts(const struct calendar *calendar, int64_t start_ms, int64_t amount_ms);
/* The latest instant s such that [s, end_ms) holds amount_ms open milliseconds; INT64_MIN if there is none.
 */
int64_t calendar_subtract_ms(const struct calendar *calendar, int64_t end_ms, int64_t amount_ms);

#endif
