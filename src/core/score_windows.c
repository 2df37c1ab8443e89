/*
 * What: the bounds of a rolling window, a running month, a running quarter.
 *
 * Why this way: a bound is an instant that is not in the window, so all windows are (after, now] and one
 * comparison serves. A month begins with its local midnight, that instant included: its bound is one
 * millisecond before.
 *
 * Always true: before < after <= now.
 *
 * Not here: what is in a window.
 */
#include "core/score_windows.h"
#include "base/instant.h"

#define DAY_S INT64_C(86400)

static int64_t
floor_divided(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The instant at which the first day of this month (counted from year 0, so it may be any number) begins. */
static int64_t
month_start_ms(const struct zone *zone, int64_t month)
{
    int64_t year = floor_divided(month, 12);
    int64_t local_s = instant_days_from_civil(year, (int32_t)(month - year * 12) + 1, 1) * DAY_S;

    return (zone == NULL ? local_s : zone_first_utc_s(zone, local_s)) * 1000;
}

/* The first month of the running period at this instant. */
static int64_t
period_at(const struct zone *zone, int64_t now_ms, int64_t months)
{
    int64_t now_s = floor_divided(now_ms, 1000);
    int64_t local_s = now_s + (zone == NULL ? 0 : zone_offset_s(zone, now_s));
    struct instant_date date = instant_civil_from_days(floor_divided(local_s, DAY_S));
    int64_t month = date.year * 12 + date.month - 1;

    return month - month % months;
}

static int64_t
months_of(const struct policy_window *window)
{
    return window->kind == WINDOW_QUARTER ? 3 : 1;
}

struct score_window
score_windows_at(const struct policy_window *window, const struct zone *zone, int64_t now_ms)
{
    int64_t months = months_of(window);
    int64_t month;

    if (window->kind == WINDOW_ROLLING)
        return (struct score_window){now_ms - 2 * window->length_ms, now_ms - window->length_ms};
    month = period_at(zone, now_ms, months);
    return (struct score_window){month_start_ms(zone, month - months) - 1, month_start_ms(zone, month) - 1};
}

int64_t
score_windows_next_turn_ms(const struct policy_window *window, const struct zone *zone, int64_t now_ms)
{
    int64_t months = months_of(window);

    if (window->kind == WINDOW_ROLLING)
        return INT64_MAX;
    return month_start_ms(zone, period_at(zone, now_ms, months) + months);
}

int64_t
score_windows_reach_ms(const struct policy_window *window)
{
    if (window->kind == WINDOW_ROLLING)
        return 2 * window->length_ms;
    return 63 * DAY_S * 1000 * months_of(window);
}

/* The local date at this instant, in days. */
static int64_t
local_day(const struct zone *zone, int64_t at_ms)
{
    int64_t at_s = floor_divided(at_ms, 1000);

    return floor_divided(at_s + (zone == NULL ? 0 : zone_offset_s(zone, at_s)), DAY_S);
}

static int64_t
midnight_ms(const struct zone *zone, int64_t day)
{
    return (zone == NULL ? day * DAY_S : zone_first_utc_s(zone, day * DAY_S)) * 1000;
}

int64_t
score_windows_midnight_ms(const struct zone *zone, int64_t at_ms, int64_t days)
{
    int64_t day = local_day(zone, at_ms) + days;
    int64_t result_ms = midnight_ms(zone, day);

    return result_ms > at_ms ? result_ms : midnight_ms(zone, day + 1);
}

int64_t
score_windows_month_ms(const struct zone *zone, int64_t at_ms, int64_t months)
{
    return month_start_ms(zone, period_at(zone, at_ms, 1) + months);
}

void
score_windows_month_text(const struct zone *zone, int64_t at_ms, char text[8])
{
    struct instant_date date = instant_civil_from_days(local_day(zone, at_ms));
    int64_t year = date.year % 10000;

    for (int i = 3; i >= 0; i--, year /= 10)
        text[i] = (char)('0' + year % 10);
    text[4] = '-';
    text[5] = (char)('0' + date.month / 10);
    text[6] = (char)('0' + date.month % 10);
    text[7] = '\0';
}
