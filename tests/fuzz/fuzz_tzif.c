/*
 * What: any bytes as a time zone file, and a calendar upon what is accepted.
 *
 * Why this way: a zone file comes from a directory the operator names; a broken one must be refused in words.
 * What is accepted must keep its promises: changes ascend and change something, offsets stay within a day or
 * so, local times come back, and a calendar built on it counts consistently.
 *
 * Always true: nothing but the input decides.
 *
 * Not here: files on disk.
 */
#include "base/panic.h"
#include "slad/calendar.h"
#include "slad/zone.h"
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void
check_changes(const struct zone *zone, int64_t at_s)
{
    for (int i = 0; i < 300; i++) {
        int64_t next_s = zone_next_change_s(zone, at_s);
        int32_t offset_s;

        if (next_s == INT64_MAX)
            return;
        offset_s = zone_offset_s(zone, next_s);
        must(next_s > at_s);
        must(offset_s != zone_offset_s(zone, next_s - 1));
        must(offset_s >= -26 * 3600 && offset_s <= 26 * 3600);
        for (int64_t local_s = next_s + offset_s - 7200; local_s <= next_s + offset_s + 7200;
             local_s += 1800) {
            must(zone_first_utc_s(zone, local_s) <= zone_last_utc_s(zone, local_s));
            must(zone_close_utc_s(zone, local_s) <= zone_last_utc_s(zone, local_s));
            must(zone_first_utc_s(zone, local_s) <= zone_first_utc_s(zone, local_s + 1));
        }
        at_s = next_s;
    }
}

static void
check_calendar(const struct zone *zone)
{
    static const struct calendar_window windows[] = {{90, 150}, {1320, 360}};
    struct calendar_week week = {.always = false};
    struct calendar_days days = {.zone = zone};
    struct calendar *calendar;

    for (int day = 0; day < 7; day += 2) {
        week.days[day] = windows;
        week.days_count[day] = 2;
    }
    calendar = calendar_new(&week, &days);
    for (int64_t at_ms = -3000000000000; at_ms < 5000000000000; at_ms += 499999999999) {
        int64_t due_ms = calendar_add_ms(calendar, at_ms, 123456789);
        int64_t edge_ms = calendar_next_edge_ms(calendar, at_ms);

        must(due_ms == CALENDAR_NEVER || calendar_counted_ms(calendar, at_ms, due_ms) == 123456789);
        must(edge_ms == CALENDAR_NEVER ||
             calendar_is_open(calendar, edge_ms) != calendar_is_open(calendar, edge_ms - 1));
    }
    calendar_free(calendar);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const char *error = NULL;
    struct zone *zone = zone_new(bytes, count, &error);

    must((zone == NULL) == (error != NULL));
    if (zone == NULL)
        return 0;
    check_changes(zone, INT64_MIN);
    check_changes(zone, 1700000000);
    check_changes(zone, 250000000000);
    if (count % 16 == 3) /* it costs a hundred times the rest */
        check_calendar(zone);
    zone_free(zone);
    return 0;
}
