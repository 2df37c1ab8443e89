#include "../support/unit.h"
#include "../support/zones.h"
#include "base/instant.h"
#include "slad/calendar.h"

/* Scenarios SC-01 to SC-22 as far as calendars decide them; the numbers in the names are theirs. */

#define HOUR_MS INT64_C(3600000)
#define MINUTE_MS INT64_C(60000)
#define DAY_MS INT64_C(86400000)

static struct zone *berlin, *new_york, *utc;
static struct calendar *ber, *lunch, *night, *nyc, *always;

static int64_t
at(const char *text)
{
    int64_t at_ms = 0;

    if (instant_parse(slice_of(text), &at_ms) != 0)
        fail_msg("no instant: %s", text);
    return at_ms;
}

static void
expect_at(int64_t got_ms, const char *wanted)
{
    char text[INSTANT_TEXT_BYTES];
    char wanted_text[INSTANT_TEXT_BYTES];

    instant_format(got_ms, text);
    instant_format(at(wanted), wanted_text);
    assert_string_equal(text, wanted_text);
}

static void
expect_add(const struct calendar *calendar, const char *start, int64_t amount_ms, const char *due)
{
    expect_at(calendar_add_ms(calendar, at(start), amount_ms), due);
    assert_int_equal(calendar_counted_ms(calendar, at(start), at(due)), amount_ms);
}

/* "mon-fri", as days 0 to 4, with these windows; no other days. */
static struct calendar *
calendar_of(const struct zone *zone, int from_day, int to_day, const struct calendar_window *windows,
            size_t count)
{
    struct calendar_week week = {.always = false};
    struct calendar_days days = {.zone = zone};

    for (int day = from_day; day <= to_day; day++) {
        week.days[day % 7] = windows;
        week.days_count[day % 7] = count;
    }
    return calendar_new(&week, &days);
}

static const struct calendar_window office[] = {{540, 1020}};

static struct calendar *
ber_new(void)
{
    static const struct calendar_window eve[] = {{540, 720}};
    static const struct calendar_window saturday[] = {{600, 840}};
    static const struct calendar_date closed[] = {{2026, 4, 3}, {2026, 4, 6}, {2026, 12, 25}};
    static const struct calendar_special special[] = {{{2026, 12, 24}, eve, 1}, {{2026, 6, 13}, saturday, 1}};
    struct calendar_week week = {.always = false};
    struct calendar_days days = {berlin, closed, 3, special, 2};

    for (int day = 0; day < 5; day++) {
        week.days[day] = office;
        week.days_count[day] = 1;
    }
    return calendar_new(&week, &days);
}

static int
build(void **state)
{
    static const struct calendar_window halves[] = {{480, 720}, {780, 1080}};
    static const struct calendar_window nights[] = {{1320, 360}};
    struct calendar_week everything = {.always = true};
    struct calendar_days nothing = {.zone = NULL};

    (void)state;
    berlin = zones_load("Europe/Berlin");
    new_york = zones_load("America/New_York");
    utc = zones_load("UTC");
    ber = ber_new();
    lunch = calendar_of(berlin, 0, 4, halves, 2);
    night = calendar_of(berlin, 0, 6, nights, 1);
    nyc = calendar_of(new_york, 0, 4, office, 1);
    always = calendar_new(&everything, &nothing);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    calendar_free(ber);
    calendar_free(lunch);
    calendar_free(night);
    calendar_free(nyc);
    calendar_free(always);
    calendar_free(NULL);
    zone_free(berlin);
    zone_free(new_york);
    zone_free(utc);
    return 0;
}

static void
test_sc_01_friday_evening(void **state)
{
    (void)state;
    expect_add(ber, "2026-06-05T16:30:00+02:00", HOUR_MS, "2026-06-08T09:30:00+02:00");
}

static void
test_sc_02_ends_exactly_at_closing(void **state)
{
    (void)state;
    expect_add(ber, "2026-06-02T09:00:00+02:00", 8 * HOUR_MS, "2026-06-02T17:00:00+02:00");
    expect_at(calendar_next_open_ms(ber, at("2026-06-02T17:00:00+02:00")), "2026-06-03T09:00:00+02:00");
    assert_int_equal(
        calendar_counted_ms(ber, at("2026-06-02T17:00:00+02:00"), at("2026-06-02T20:00:00+02:00")), 0);
    assert_int_equal(
        calendar_counted_ms(ber, at("2026-06-02T17:00:00+02:00"), at("2026-06-03T09:30:00+02:00")),
        30 * MINUTE_MS);
    assert_true(calendar_is_open(ber, at("2026-06-02T16:59:59.999+02:00")));
    assert_false(calendar_is_open(ber, at("2026-06-02T17:00:00+02:00")));
}

static void
test_sc_03_created_out_of_hours(void **state)
{
    (void)state;
    expect_add(ber, "2026-06-06T12:00:00+02:00", 45 * MINUTE_MS, "2026-06-08T09:45:00+02:00");
    expect_add(ber, "2026-06-06T12:00:00+02:00", 60 * MINUTE_MS, "2026-06-08T10:00:00+02:00");
    expect_add(ber, "2026-06-06T12:00:00+02:00", 0, "2026-06-06T12:00:00+02:00");
    expect_add(ber, "2026-06-06T12:00:00+02:00", 1, "2026-06-08T09:00:00.001+02:00");
}

static void
test_sc_04_warnings_across_a_weekend(void **state)
{
    (void)state;
    expect_add(ber, "2026-06-05T15:00:00+02:00", 4 * HOUR_MS, "2026-06-08T11:00:00+02:00");
    expect_add(ber, "2026-06-05T15:00:00+02:00", 6 * HOUR_MS, "2026-06-08T13:00:00+02:00");
    expect_add(ber, "2026-06-05T15:00:00+02:00", 432 * MINUTE_MS, "2026-06-08T14:12:00+02:00");
    expect_add(ber, "2026-06-05T15:00:00+02:00", 8 * HOUR_MS, "2026-06-08T15:00:00+02:00");
}

static void
test_sc_05_06_09_around_the_clock(void **state)
{
    (void)state;
    expect_add(always, "2026-03-28T22:00:00+01:00", 8 * HOUR_MS, "2026-03-29T07:00:00+02:00");
    expect_add(always, "2026-10-24T22:00:00+02:00", 8 * HOUR_MS, "2026-10-25T05:00:00+01:00");
    assert_int_equal(
        calendar_counted_ms(always, at("2026-10-25T00:30:00+02:00"), at("2026-10-26T12:00:00+01:00")),
        36 * HOUR_MS + 30 * MINUTE_MS);
    expect_add(always, "2026-10-26T12:00:00+01:00", 9 * HOUR_MS + 30 * MINUTE_MS,
               "2026-10-26T21:30:00+01:00");
}

static void
test_sc_07_night_shift_on_the_25_hour_day(void **state)
{
    (void)state;
    expect_add(night, "2026-10-24T22:00:00+02:00", 8 * HOUR_MS + 30 * MINUTE_MS, "2026-10-25T05:30:00+01:00");
    assert_int_equal(calendar_counted_ms(night, at("2026-10-24T20:00:00Z"), at("2026-10-25T12:00:00Z")),
                     9 * HOUR_MS);
}

static void
test_sc_08_night_shift_on_the_23_hour_day(void **state)
{
    (void)state;
    expect_add(night, "2026-03-28T22:00:00+01:00", 7 * HOUR_MS + 30 * MINUTE_MS, "2026-03-29T22:30:00+02:00");
    assert_int_equal(calendar_counted_ms(night, at("2026-03-28T20:00:00Z"), at("2026-03-29T12:00:00Z")),
                     7 * HOUR_MS);
}

static void
test_sc_10_two_continents_change_on_different_sundays(void **state)
{
    (void)state;
    expect_add(nyc, "2026-03-06T16:00:00-05:00", 2 * HOUR_MS, "2026-03-09T10:00:00-04:00");
}

static void
test_sc_11_lunch_break(void **state)
{
    (void)state;
    expect_add(lunch, "2026-06-02T11:30:00+02:00", 2 * HOUR_MS, "2026-06-02T14:30:00+02:00");
    expect_add(lunch, "2026-06-02T12:15:00+02:00", HOUR_MS, "2026-06-02T14:00:00+02:00");
}

static void
test_sc_12_13_14_days(void **state)
{
    (void)state;
    expect_add(ber, "2026-04-02T16:00:00+02:00", 4 * HOUR_MS, "2026-04-07T12:00:00+02:00");
    expect_add(ber, "2026-12-24T10:00:00+01:00", 4 * HOUR_MS, "2026-12-28T11:00:00+01:00");
    assert_int_equal(
        calendar_counted_ms(ber, at("2026-12-24T10:00:00+01:00"), at("2026-12-25T00:00:00+01:00")),
        2 * HOUR_MS);
    expect_add(ber, "2026-06-12T16:00:00+02:00", 3 * HOUR_MS, "2026-06-13T12:00:00+02:00");
}

static void
expect_in_zone(const char *name, int from_day, int to_day, struct calendar_window window, const char *start,
               int64_t amount_ms, const char *due)
{
    struct zone *zone = zones_load(name);
    struct calendar *calendar = calendar_of(zone, from_day, to_day, &window, 1);

    expect_add(calendar, start, amount_ms, due);
    calendar_free(calendar);
    zone_free(zone);
}

static void
test_sc_15_16_17_other_weeks_and_offsets(void **state)
{
    struct zone *steady = zones_load_from("zoneinfo-without-ramadan", "Africa/Casablanca");
    struct calendar *calendar = calendar_of(steady, 0, 4, office, 1);

    (void)state;
    expect_in_zone("Asia/Riyadh", 6, 10, (struct calendar_window){480, 960}, "2026-06-04T15:00:00+03:00",
                   2 * HOUR_MS, "2026-06-07T09:00:00+03:00");
    expect_in_zone("Asia/Kathmandu", 6, 11, (struct calendar_window){600, 1080}, "2026-06-02T17:45:00+05:45",
                   30 * MINUTE_MS, "2026-06-03T10:15:00+05:45");
    expect_in_zone("Africa/Casablanca", 0, 4, (struct calendar_window){540, 1020},
                   "2026-02-13T16:00:00+01:00", 2 * HOUR_MS, "2026-02-16T10:00:00Z");
    expect_add(calendar, "2026-02-13T16:00:00+01:00", 2 * HOUR_MS, "2026-02-16T09:00:00Z");
    calendar_free(calendar);
    zone_free(steady);
}

static void
test_sc_18_around_the_clock_written_as_seven_days(void **state)
{
    static const struct calendar_window whole[] = {{0, 1440}};
    struct calendar *calendar = calendar_of(utc, 0, 6, whole, 1);
    struct calendar *local = calendar_of(berlin, 0, 6, whole, 1);

    (void)state;
    expect_add(calendar, "2026-06-02T23:00:00Z", 120 * MINUTE_MS, "2026-06-03T01:00:00Z");
    assert_true(calendar_next_edge_ms(calendar, at("2026-06-02T23:00:00Z")) == CALENDAR_NEVER);
    assert_true(calendar_previous_edge_ms(calendar, at("2026-06-02T23:00:00Z")) == INT64_MIN);
    assert_true(calendar_next_edge_ms(local, at("2026-06-02T23:00:00Z")) == CALENDAR_NEVER);
    assert_true(calendar_next_edge_ms(always, at("2026-06-02T23:00:00Z")) == CALENDAR_NEVER);
    for (int64_t start_ms = at("1999-01-01T00:00:00Z"); start_ms < at("2110-01-01T00:00:00Z");
         start_ms += 97 * DAY_MS) {
        assert_int_equal(calendar_add_ms(calendar, start_ms, 50 * HOUR_MS + 1), start_ms + 50 * HOUR_MS + 1);
        assert_int_equal(calendar_add_ms(local, start_ms, 50 * HOUR_MS + 1), start_ms + 50 * HOUR_MS + 1);
    }
    calendar_free(calendar);
    calendar_free(local);
}

static void
test_sc_19_follow_the_sun(void **state)
{
    struct calendar *first = ber_new();
    const struct calendar *members[2] = {first, nyc};
    struct calendar *sun = calendar_new_union(members, 2);
    const struct calendar *again[3] = {sun, nyc, sun};
    struct calendar *nested = calendar_new_union(again, 3);

    (void)state;
    calendar_free(first);
    expect_add(sun, "2026-06-05T14:00:00+02:00", 10 * HOUR_MS, "2026-06-08T10:00:00+02:00");
    assert_int_equal(calendar_counted_ms(sun, at("2026-06-05T00:00:00Z"), at("2026-06-06T00:00:00Z")),
                     14 * HOUR_MS);
    expect_at(calendar_next_edge_ms(sun, at("2026-06-05T07:00:00Z")), "2026-06-05T21:00:00Z");
    calendar_free(sun);
    expect_add(nested, "2026-06-05T14:00:00+02:00", 10 * HOUR_MS, "2026-06-08T10:00:00+02:00");
    expect_add(nested, "2526-06-10T06:00:00Z", 14 * HOUR_MS, "2526-06-10T21:00:00Z");
    calendar_free(nested);
}

static void
test_sc_20_two_calendars_one_ticket(void **state)
{
    (void)state;
    expect_add(nyc, "2026-06-05T14:00:00-04:00", 4 * HOUR_MS, "2026-06-08T10:00:00-04:00");
    expect_add(ber, "2026-06-05T14:00:00-04:00", 4 * HOUR_MS, "2026-06-08T13:00:00+02:00");
}

static void
test_sc_21_impossible_and_nearly_impossible(void **state)
{
    static const struct calendar_window hour[] = {{600, 660}};
    const struct calendar_special far[] = {
        {{2027, 7, 10}, hour, 1}, {{2326, 1, 1}, hour, 1}, {{9999, 12, 31}, hour, 1}};
    struct calendar_week week = {.always = false};
    struct calendar_days days = {berlin, NULL, 0, far, 3};
    struct calendar *rare = calendar_new(&week, &days);
    struct calendar *never;

    (void)state;
    days.special_count = 0;
    never = calendar_new(&week, &days);
    assert_false(calendar_ever_opens(never));
    assert_true(calendar_next_open_ms(never, 0) == CALENDAR_NEVER);
    assert_true(calendar_next_edge_ms(never, 0) == CALENDAR_NEVER);
    assert_true(calendar_previous_edge_ms(never, 0) == INT64_MIN);
    assert_true(calendar_add_ms(never, 0, 1) == CALENDAR_NEVER);
    assert_true(calendar_subtract_ms(never, 0, 1) == INT64_MIN);
    assert_int_equal(calendar_add_ms(never, 5, 0), 5);
    assert_int_equal(calendar_counted_ms(never, INT64_MIN, INT64_MAX), 0);
    assert_true(calendar_ever_opens(rare));
    expect_at(calendar_next_open_ms(rare, at("2026-06-05T00:00:00Z")), "2027-07-10T08:00:00Z");
    expect_at(calendar_next_open_ms(rare, at("2027-07-10T09:00:00Z")), "2326-01-01T09:00:00Z");
    expect_at(calendar_next_open_ms(rare, at("2326-01-02T00:00:00Z")), "9999-12-31T09:00:00Z");
    expect_at(calendar_add_ms(rare, at("0001-01-01T00:00:00Z"), 3 * HOUR_MS), "9999-12-31T10:00:00Z");
    assert_true(calendar_add_ms(rare, at("0001-01-01T00:00:00Z"), 3 * HOUR_MS + 1) == CALENDAR_NEVER);
    assert_true(calendar_next_open_ms(rare, at("9999-12-31T10:00:00Z")) == CALENDAR_NEVER);
    expect_at(calendar_previous_edge_ms(rare, at("9998-01-01T00:00:00Z")), "2326-01-01T10:00:00Z");
    calendar_free(rare);
    calendar_free(never);
}

static void
test_sc_22_edges_inside_the_repeated_or_missing_hour(void **state)
{
    static const struct calendar_window early[] = {{90, 150}};
    struct calendar *calendar = calendar_of(berlin, 6, 6, early, 1);

    (void)state;
    expect_at(calendar_next_open_ms(calendar, at("2026-10-24T00:00:00Z")), "2026-10-24T23:30:00Z");
    expect_at(calendar_next_edge_ms(calendar, at("2026-10-24T23:30:00Z")), "2026-10-25T01:30:00Z");
    expect_at(calendar_next_open_ms(calendar, at("2026-03-28T00:00:00Z")), "2026-03-29T00:30:00Z");
    expect_at(calendar_next_edge_ms(calendar, at("2026-03-29T00:30:00Z")), "2026-03-29T01:00:00Z");
    calendar_free(calendar);
}

static int64_t
counted_on(const struct zone *zone, struct calendar_window window, const char *from, const char *to)
{
    struct calendar *calendar = calendar_of(zone, 0, 6, &window, 1);
    int64_t counted_ms = calendar_counted_ms(calendar, at(from), at(to));

    calendar_free(calendar);
    return counted_ms;
}

static void
test_r2_what_closes_as_an_hour_repeats(void **state)
{
    static const char from[] = "2026-10-24T12:00:00Z";
    static const char to[] = "2026-10-25T12:00:00Z";

    (void)state;
    assert_int_equal(counted_on(berlin, (struct calendar_window){60, 120}, from, to), HOUR_MS);
    assert_int_equal(counted_on(berlin, (struct calendar_window){60, 121}, from, to),
                     2 * HOUR_MS + MINUTE_MS);
    assert_int_equal(counted_on(berlin, (struct calendar_window){120, 180}, from, to), 2 * HOUR_MS);
    assert_int_equal(counted_on(berlin, (struct calendar_window){120, 150}, from, to), 90 * MINUTE_MS);
    assert_int_equal(counted_on(berlin, (struct calendar_window){180, 240}, from, to), HOUR_MS);
    /* A window all inside the missing hour is nothing. */
    assert_int_equal(counted_on(berlin, (struct calendar_window){130, 170}, "2026-03-28T12:00:00Z",
                                "2026-03-29T12:00:00Z"),
                     0);
}

static void
test_r3_a_skipped_day_has_only_the_tail_of_its_night(void **state)
{
    struct zone *apia = zones_load("Pacific/Apia");
    static const char from[] = "2011-12-29T10:00:00Z"; /* the 29th begins at UTC-10 */
    static const char to[] = "2011-12-31T10:00:00Z";   /* the 31st ends at UTC+14 */

    (void)state;
    assert_int_equal(counted_on(apia, (struct calendar_window){540, 1020}, from, to), 16 * HOUR_MS);
    /* The tail of the 28th until 06:00, the 29th from 22:00 until it ends, the tail of the 30th, the 31st
     * from 22:00. */
    assert_int_equal(counted_on(apia, (struct calendar_window){1320, 360}, from, to),
                     (6 + 2 + 6 + 2) * HOUR_MS);
    zone_free(apia);
}

static void
test_r4_dated_closed_then_special_then_yearly(void **state)
{
    static const struct calendar_window hour[] = {{600, 660}};
    static const struct calendar_date closed[] = {{0, 12, 24}, {2026, 12, 23}, {0, 2, 29}};
    static const struct calendar_special special[] = {
        {{2026, 12, 24}, hour, 1}, {{2026, 12, 23}, hour, 1}, {{2026, 12, 22}, NULL, 0}};
    struct calendar_week week = {.always = false};
    struct calendar_days days = {berlin, closed, 3, special, 3};
    struct calendar *calendar;

    (void)state;
    for (int day = 0; day < 7; day++) {
        week.days[day] = office;
        week.days_count[day] = 1;
    }
    calendar = calendar_new(&week, &days);
    assert_int_equal(calendar_counted_ms(calendar, at("2026-12-22T00:00:00Z"), at("2026-12-24T00:00:00Z")),
                     0);
    assert_int_equal(calendar_counted_ms(calendar, at("2026-12-24T00:00:00Z"), at("2026-12-25T00:00:00Z")),
                     HOUR_MS);
    assert_int_equal(calendar_counted_ms(calendar, at("2027-12-24T00:00:00Z"), at("2027-12-25T00:00:00Z")),
                     0);
    assert_int_equal(calendar_counted_ms(calendar, at("2028-02-29T00:00:00Z"), at("2028-03-02T00:00:00Z")),
                     8 * HOUR_MS);
    assert_int_equal(calendar_counted_ms(calendar, at("2027-02-28T00:00:00Z"), at("2027-03-02T00:00:00Z")),
                     16 * HOUR_MS);
    calendar_free(calendar);
}

static void
test_a_night_belongs_to_the_day_it_opens(void **state)
{
    static const struct calendar_window nights[] = {{1320, 360}};
    static const struct calendar_date closed[] = {{2026, 12, 25}};
    struct calendar_week week = {.always = false};
    struct calendar_days days = {berlin, closed, 1, NULL, 0};
    struct calendar *calendar;

    (void)state;
    for (int day = 0; day < 7; day++) {
        week.days[day] = nights;
        week.days_count[day] = 1;
    }
    calendar = calendar_new(&week, &days);
    expect_at(calendar_next_edge_ms(calendar, at("2026-12-24T23:00:00+01:00")), "2026-12-25T06:00:00+01:00");
    expect_at(calendar_next_open_ms(calendar, at("2026-12-25T06:00:00+01:00")), "2026-12-26T22:00:00+01:00");
    calendar_free(calendar);
}

static void
test_subtract_is_the_latest_start(void **state)
{
    (void)state;
    expect_at(calendar_subtract_ms(ber, at("2026-06-08T09:30:00+02:00"), HOUR_MS),
              "2026-06-05T16:30:00+02:00");
    expect_at(calendar_subtract_ms(ber, at("2026-06-02T17:00:00+02:00"), 8 * HOUR_MS),
              "2026-06-02T09:00:00+02:00");
    /* All of Monday: not Friday 17:00, but the opening itself. */
    expect_at(calendar_subtract_ms(ber, at("2026-06-08T20:00:00+02:00"), 8 * HOUR_MS),
              "2026-06-08T09:00:00+02:00");
    expect_at(calendar_subtract_ms(ber, at("2026-06-07T12:00:00+02:00"), 0), "2026-06-07T12:00:00+02:00");
    assert_true(calendar_subtract_ms(ber, at("0001-01-02T00:00:00Z"), 1000 * HOUR_MS) == INT64_MIN);
}

static void
test_edges_of_the_world(void **state)
{
    (void)state;
    assert_false(calendar_is_open(always, INSTANT_MIN_MS - 1));
    assert_true(calendar_is_open(always, INSTANT_MIN_MS));
    assert_true(calendar_is_open(always, INSTANT_MAX_MS));
    assert_false(calendar_is_open(always, INSTANT_MAX_MS + 1));
    assert_int_equal(calendar_counted_ms(always, INT64_MIN, INT64_MAX), INSTANT_MAX_MS + 1 - INSTANT_MIN_MS);
    assert_int_equal(calendar_add_ms(always, INT64_MIN, 5), INSTANT_MIN_MS + 5);
    assert_int_equal(calendar_add_ms(always, INSTANT_MAX_MS, 1), INSTANT_MAX_MS + 1);
    assert_true(calendar_add_ms(always, INSTANT_MAX_MS, 2) == CALENDAR_NEVER);
    assert_true(calendar_add_ms(always, 0, INT64_MAX) == CALENDAR_NEVER);
    assert_true(calendar_add_ms(ber, INT64_MAX, 1) == CALENDAR_NEVER);
    assert_int_equal(calendar_counted_ms(ber, 1000, 999), 0);
    assert_true(calendar_next_open_ms(ber, INT64_MAX) == CALENDAR_NEVER);
    assert_true(calendar_previous_edge_ms(ber, INT64_MIN) == INT64_MIN);
    expect_at(calendar_next_open_ms(ber, INT64_MIN), "0001-01-01T08:06:32Z");
    expect_at(calendar_previous_edge_ms(ber, INT64_MAX), "9999-12-31T17:00:00+01:00");
}

/* Adding the same hour by hour or at once is the same, over the years of the table and those outside of it.
 */
static void
test_no_seam_at_the_ends_of_the_table(void **state)
{
    static const char *const places[] = {"1999-12-20T00:00:00Z", "2000-12-20T00:00:00Z",
                                         "2100-12-20T00:00:00Z", "1893-03-20T00:00:00Z",
                                         "2037-10-20T00:00:00Z", "2500-02-20T00:00:00Z"};

    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int64_t start_ms = at(places[i]);
        int64_t step_ms = start_ms;

        for (int hours = 1; hours <= 200; hours++) {
            step_ms = calendar_add_ms(night, step_ms, HOUR_MS);
            assert_int_equal(step_ms, calendar_add_ms(night, start_ms, hours * HOUR_MS));
            assert_int_equal(calendar_counted_ms(night, start_ms, step_ms), hours * HOUR_MS);
        }
    }
}

/* Three hundred weeks of which no two are alike, of a hundred windows a day: more than the table may hold.
 * What does not fit is counted all the same. */
static void
test_memory_is_bounded(void **state)
{
    static struct calendar_window windows[400];
    static struct calendar_special special[300];
    struct calendar_week week = {.always = false};
    struct calendar_days days = {berlin, NULL, 0, special, 300};
    int64_t monday = instant_days_from_civil(2026, 1, 5);
    struct calendar *calendar;

    (void)state;
    for (int16_t i = 0; i < 400; i++)
        windows[i] = (struct calendar_window){(int16_t)(i * 3), (int16_t)(i * 3 + 2)};
    for (int16_t i = 0; i < 300; i++) {
        struct instant_date date = instant_civil_from_days(monday + 7 * i);

        special[i].date = (struct calendar_date){(int16_t)date.year, (int8_t)date.month, (int8_t)date.day};
        special[i].windows = windows;
        special[i].windows_count = (size_t)i + 101;
    }
    for (int day = 0; day < 7; day++) {
        week.days[day] = windows;
        week.days_count[day] = 100;
    }
    calendar = calendar_new(&week, &days);
    assert_in_range(calendar_bytes(calendar), 1 << 20, 2 << 20);
    assert_in_range(calendar_bytes(ber), 1, 200 << 10);
    for (int i = 0; i < 300; i += 13) {
        int64_t start_ms = (monday + 7 * i) * DAY_MS - 2 * HOUR_MS; /* Sunday, after the last window */
        int64_t amount_ms = (i + 101) * 2 * MINUTE_MS;

        assert_int_equal(calendar_counted_ms(calendar, start_ms, start_ms + DAY_MS), amount_ms);
        assert_int_equal(
            calendar_counted_ms(calendar, start_ms, calendar_add_ms(calendar, start_ms, amount_ms)),
            amount_ms);
    }
    calendar_free(calendar);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sc_01_friday_evening),
        cmocka_unit_test(test_sc_02_ends_exactly_at_closing),
        cmocka_unit_test(test_sc_03_created_out_of_hours),
        cmocka_unit_test(test_sc_04_warnings_across_a_weekend),
        cmocka_unit_test(test_sc_05_06_09_around_the_clock),
        cmocka_unit_test(test_sc_07_night_shift_on_the_25_hour_day),
        cmocka_unit_test(test_sc_08_night_shift_on_the_23_hour_day),
        cmocka_unit_test(test_sc_10_two_continents_change_on_different_sundays),
        cmocka_unit_test(test_sc_11_lunch_break),
        cmocka_unit_test(test_sc_12_13_14_days),
        cmocka_unit_test(test_sc_15_16_17_other_weeks_and_offsets),
        cmocka_unit_test(test_sc_18_around_the_clock_written_as_seven_days),
        cmocka_unit_test(test_sc_19_follow_the_sun),
        cmocka_unit_test(test_sc_20_two_calendars_one_ticket),
        cmocka_unit_test(test_sc_21_impossible_and_nearly_impossible),
        cmocka_unit_test(test_sc_22_edges_inside_the_repeated_or_missing_hour),
        cmocka_unit_test(test_r2_what_closes_as_an_hour_repeats),
        cmocka_unit_test(test_r3_a_skipped_day_has_only_the_tail_of_its_night),
        cmocka_unit_test(test_r4_dated_closed_then_special_then_yearly),
        cmocka_unit_test(test_a_night_belongs_to_the_day_it_opens),
        cmocka_unit_test(test_subtract_is_the_latest_start),
        cmocka_unit_test(test_edges_of_the_world),
        cmocka_unit_test(test_no_seam_at_the_ends_of_the_table),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, build, tear_down);
}
