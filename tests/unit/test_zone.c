#include "../support/unit.h"
#include "../support/zones.h"
#include "base/instant.h"
#include "base/memory.h"

static int64_t
at(const char *text)
{
    int64_t at_ms = 0;

    if (instant_parse(slice_of(text), &at_ms) != 0)
        fail_msg("no instant: %s", text);
    return at_ms / 1000;
}

/* "2026-03-29T02:30:00" as local seconds. */
static int64_t
local(const char *text)
{
    char with_z[40];

    snprintf(with_z, sizeof with_z, "%sZ", text);
    return at(with_z);
}

/* A file of version 2 without transitions: this footer is all there is. `after` bytes follow. */
static struct zone *
zone_of_footer(const char *footer, const char **ret_error)
{
    unsigned char bytes[400] = {0};
    size_t count = 0;

    for (int i = 0; i < 2; i++) {
        memcpy(bytes + count, "TZif2", 5);
        bytes[count + 39] = bytes[count + 43] = 1;
        count += 44 + 6 + 1;
    }
    count += (size_t)snprintf((char *)bytes + count, sizeof bytes - count, "\n%s\n", footer);
    return zone_new(bytes, count, ret_error);
}

static void
test_berlin(void **state)
{
    struct zone *zone = zones_load("Europe/Berlin");

    (void)state;
    assert_int_equal(zone_offset_s(zone, at("2026-03-29T00:59:59Z")), 3600);
    assert_int_equal(zone_offset_s(zone, at("2026-03-29T01:00:00Z")), 7200);
    assert_int_equal(zone_offset_s(zone, at("2026-10-25T00:59:59Z")), 7200);
    assert_int_equal(zone_offset_s(zone, at("2026-10-25T01:00:00Z")), 3600);
    assert_int_equal(zone_next_change_s(zone, at("2026-03-29T00:59:59Z")), at("2026-03-29T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("2026-03-29T01:00:00Z")), at("2026-10-25T01:00:00Z"));
    assert_int_equal(zone_offset_s(zone, at("1800-01-01T00:00:00Z")), 53 * 60 + 28);
    /* By the footer's rule, past the last listed transition (2037), and past 400 years of it. */
    assert_int_equal(zone_next_change_s(zone, at("2099-01-01T00:00:00Z")), at("2099-03-29T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("2099-07-01T00:00:00Z")), at("2099-10-25T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("2437-01-01T00:00:00Z")), at("2437-03-29T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("2437-03-29T01:00:00Z")), at("2437-10-25T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("2437-10-25T01:00:00Z")), at("2438-03-28T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("9998-12-01T00:00:00Z")), at("9999-03-28T01:00:00Z"));
    assert_int_equal(zone_next_change_s(zone, at("9999-03-28T01:00:00Z")), at("9999-10-31T01:00:00Z"));
    zone_free(zone);
    zone_free(NULL);
}

static void
test_gaps_and_repeated_hours(void **state)
{
    struct zone *zone = zones_load("Europe/Berlin");

    (void)state;
    assert_int_equal(zone_first_utc_s(zone, local("2026-03-29T02:30:00")), at("2026-03-29T01:00:00Z"));
    assert_int_equal(zone_last_utc_s(zone, local("2026-03-29T02:30:00")), at("2026-03-29T01:00:00Z"));
    assert_int_equal(zone_close_utc_s(zone, local("2026-03-29T02:30:00")), at("2026-03-29T01:00:00Z"));
    assert_int_equal(zone_first_utc_s(zone, local("2026-10-25T02:30:00")), at("2026-10-25T00:30:00Z"));
    assert_int_equal(zone_last_utc_s(zone, local("2026-10-25T02:30:00")), at("2026-10-25T01:30:00Z"));
    assert_int_equal(zone_close_utc_s(zone, local("2026-10-25T02:30:00")), at("2026-10-25T01:30:00Z"));
    /* R2: 02:00 comes twice, but what closes then closes at the first; what ends the hour comes once. */
    assert_int_equal(zone_first_utc_s(zone, local("2026-10-25T02:00:00")), at("2026-10-25T00:00:00Z"));
    assert_int_equal(zone_last_utc_s(zone, local("2026-10-25T02:00:00")), at("2026-10-25T01:00:00Z"));
    assert_int_equal(zone_close_utc_s(zone, local("2026-10-25T02:00:00")), at("2026-10-25T00:00:00Z"));
    assert_int_equal(zone_first_utc_s(zone, local("2026-10-25T03:00:00")), at("2026-10-25T02:00:00Z"));
    assert_int_equal(zone_close_utc_s(zone, local("2026-10-25T03:00:00")), at("2026-10-25T02:00:00Z"));
    /* Nothing special far from a change. */
    assert_int_equal(zone_first_utc_s(zone, local("2026-07-01T12:00:00")), at("2026-07-01T10:00:00Z"));
    assert_int_equal(zone_last_utc_s(zone, local("2026-07-01T12:00:00")), at("2026-07-01T10:00:00Z"));
    zone_free(zone);
}

static void
test_apia_skipped_a_day(void **state)
{
    struct zone *zone = zones_load("Pacific/Apia");
    int64_t skip_s = at("2011-12-30T10:00:00Z");

    (void)state;
    assert_int_equal(zone_offset_s(zone, skip_s - 1), -10 * 3600);
    assert_int_equal(zone_offset_s(zone, skip_s), 14 * 3600);
    assert_int_equal(zone_first_utc_s(zone, local("2011-12-30T00:00:00")), skip_s);
    assert_int_equal(zone_first_utc_s(zone, local("2011-12-30T12:00:00")), skip_s);
    assert_int_equal(zone_close_utc_s(zone, local("2011-12-30T12:00:00")), skip_s);
    assert_int_equal(zone_close_utc_s(zone, local("2011-12-31T00:00:00")), skip_s);
    assert_int_equal(zone_first_utc_s(zone, local("2011-12-31T00:00:00")), skip_s);
    assert_int_equal(zone_first_utc_s(zone, local("2011-12-31T00:00:01")), skip_s + 1);
    assert_int_equal(zone_close_utc_s(zone, local("2011-12-29T23:59:59")), skip_s - 1);
    zone_free(zone);
}

static void
test_changes_that_are_no_summer_time(void **state)
{
    struct zone *troll = zones_load("Antarctica/Troll");
    struct zone *lord_howe = zones_load("Australia/Lord_Howe");
    struct zone *casablanca = zones_load("Africa/Casablanca");
    struct zone *steady = zones_load_from("zoneinfo-without-ramadan", "Africa/Casablanca");
    struct zone *dublin = zones_load("Europe/Dublin");

    (void)state;
    assert_int_equal(zone_offset_s(troll, at("2026-07-01T00:00:00Z")), 7200);
    assert_int_equal(zone_offset_s(troll, at("2026-01-01T00:00:00Z")), 0);
    assert_int_equal(zone_last_utc_s(lord_howe, local("2026-04-05T01:45:00")) -
                         zone_first_utc_s(lord_howe, local("2026-04-05T01:45:00")),
                     1800);
    assert_int_equal(zone_next_change_s(casablanca, at("2026-01-01T00:00:00Z")), at("2026-02-15T02:00:00Z"));
    assert_int_equal(zone_offset_s(casablanca, at("2026-02-16T00:00:00Z")), 0);
    assert_int_equal(zone_offset_s(steady, at("2026-02-16T00:00:00Z")), 3600);
    assert_true(zone_next_change_s(steady, at("2026-01-01T00:00:00Z")) == INT64_MAX);
    assert_int_equal(zone_offset_s(dublin, at("2040-01-01T00:00:00Z")), 0);
    assert_int_equal(zone_offset_s(dublin, at("2040-07-01T00:00:00Z")), 3600);
    zone_free(troll);
    zone_free(lord_howe);
    zone_free(casablanca);
    zone_free(steady);
    zone_free(dublin);
}

static void
expect_changes(const char *footer, const char *from, const char *const *changes, size_t count)
{
    const char *error = NULL;
    struct zone *zone = zone_of_footer(footer, &error);
    int64_t at_s = at(from);

    if (zone == NULL)
        fail_msg("%s: %s", footer, error);
    for (size_t i = 0; i < count; i++) {
        at_s = zone_next_change_s(zone, at_s);
        if (at_s != at(changes[i]))
            fail_msg("%s: change %zu at %lld, not %s", footer, i, (long long)at_s, changes[i]);
    }
    if (count == 0)
        assert_true(zone_next_change_s(zone, at_s) == INT64_MAX);
    zone_free(zone);
}

static void
test_rules_of_every_form(void **state)
{
    static const char *const eu[] = {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2027-03-28T01:00:00Z"};
    static const char *const south[] = {"2026-04-04T16:00:00Z", "2026-10-03T16:00:00Z",
                                        "2027-04-03T16:00:00Z"};
    static const char *const february[] = {"2028-02-28T00:00:00Z", "2028-02-29T23:00:00Z"};
    /* These five as the C library sees them. */
    static const char *const julian[] = {"2028-03-01T10:00:00Z", "2028-11-01T10:00:00Z",
                                         "2029-03-01T10:00:00Z"};
    static const char *const of_year[] = {"2027-03-01T12:00:00Z", "2027-12-31T11:00:00Z",
                                          "2028-02-29T12:00:00Z", "2028-12-30T11:00:00Z"};
    static const char *const late[] = {"2026-03-28T00:00:00Z", "2026-10-28T22:00:00Z"};
    static const char *const early[] = {"2026-03-24T23:00:00Z", "2026-10-21T22:00:00Z"};
    static const char *const seconds[] = {"2026-03-02T02:00:00Z", "2026-09-07T00:29:45Z"};
    static const char *const negative[] = {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"};
    static const char *const long_ago[] = {"0100-03-28T01:00:00Z", "0100-10-31T01:00:00Z"};

    (void)state;
    expect_changes("CET-1CEST,M3.5.0,M10.5.0/3", "2026-01-01T00:00:00Z", eu, 3);
    expect_changes("AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", south, 3);
    expect_changes("<-10>10<-09>,J60/0,J305/1", "2028-01-01T00:00:00Z", julian, 3);
    expect_changes("AAA-12BBB,59/24,364/24", "2027-01-01T00:00:00Z", of_year, 4);
    expect_changes("AAA0BBB-1,M3.4.4/48,M10.4.4/167", "2026-01-01T00:00:00Z", late, 2);
    expect_changes("AAA0BBB-1,M3.4.4/-25,M10.4.4/-1", "2026-01-01T00:00:00Z", early, 2);
    expect_changes("AAA0BBB-1:30:15,M3.1.1,M9.1.1", "2026-01-01T00:00:00Z", seconds, 2);
    expect_changes("AAA0BBB-1,J59/0,J60/0", "2028-01-01T00:00:00Z", february, 2);
    /* Summer time all year, the way RFC 9636 writes it. */
    expect_changes("XXX3EDT4,0/0,J365/23", "2026-01-01T00:00:00Z", NULL, 0);
    expect_changes("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", negative, 2);
    expect_changes("CET-1CEST,M3.5.0,M10.5.0/3", "0100-01-01T00:00:00Z", long_ago, 2);
    expect_changes("UTC0", "2026-01-01T00:00:00Z", NULL, 0);
    expect_changes("", "2026-01-01T00:00:00Z", NULL, 0);
}

static void
test_summer_time_all_year_has_its_offset(void **state)
{
    const char *error = NULL;
    struct zone *zone = zone_of_footer("XXX3EDT4,0/0,J365/23", &error);
    int64_t before_s, from_s;

    (void)state;
    assert_int_equal(zone_offset_s(zone, at("2026-01-01T00:00:00Z")), -4 * 3600);
    assert_int_equal(zone_offset_s(zone, at("2028-07-01T00:00:00Z")), -4 * 3600);
    zone_settled_s(zone, &before_s, &from_s);
    assert_true(before_s == INT64_MIN && from_s == INT64_MIN);
    zone_free(zone);
}

/* Clocks go back by three hours, and an hour later once more by one: 02:30 comes three times. */
static void
test_an_hour_repeated_twice(void **state)
{
    static const unsigned char data[] = {
        0, 0, 0,    0,    0, 1, 0x51, 0x80, 0,    0,    0, 0, 0, 1, 0x5f, 0x90, /* 86400 and 90000 */
        1, 2,                                                                   /* types */
        0, 0, 0x54, 0x60, 0, 0, 0,    0,    0x2a, 0x30, 0, 0, 0, 0, 0x1c, 0x20,
        0, 0, /* +21600, +10800, +7200 */
        0, 0, '\n', '\n',
    };
    unsigned char bytes[200] = {0};
    const char *error = NULL;
    struct zone *zone;

    (void)state;
    memcpy(bytes, "TZif2", 5);
    bytes[39] = bytes[43] = 1;
    memcpy(bytes + 51, "TZif2", 5);
    bytes[51 + 35] = 2;
    bytes[51 + 39] = 3;
    bytes[51 + 43] = 2;
    memcpy(bytes + 95, data, sizeof data);
    zone = zone_new(bytes, 95 + sizeof data, &error);
    assert_non_null(zone);
    /* local: ..06:00 | 03:00 .. 04:00 | 03:00 .. */
    assert_int_equal(zone_first_utc_s(zone, 86400 + 3 * 3600 + 1800), 86400 - 9000);
    assert_int_equal(zone_last_utc_s(zone, 86400 + 3 * 3600 + 1800), 90000 + 1800);
    assert_int_equal(zone_close_utc_s(zone, 86400 + 3 * 3600 + 1800), 90000 + 1800);
    assert_int_equal(zone_close_utc_s(zone, 86400 + 3 * 3600), 86400 - 10800);
    assert_int_equal(zone_close_utc_s(zone, 86400 + 4 * 3600), 90000 + 3600);
    zone_free(zone);
}

static void
test_where_a_zone_settles(void **state)
{
    struct zone *berlin = zones_load("Europe/Berlin");
    struct zone *utc = zones_load("UTC");
    int64_t before_s, from_s;

    (void)state;
    zone_settled_s(berlin, &before_s, &from_s);
    assert_int_equal(before_s, at("1893-03-31T23:06:32Z"));
    assert_int_equal(from_s, at("2037-10-25T01:00:00Z"));
    zone_settled_s(utc, &before_s, &from_s);
    assert_true(from_s == INT64_MIN);
    assert_int_equal(zone_offset_s(utc, INT64_MAX), 0);
    assert_int_equal(zone_offset_s(berlin, INT64_MIN), 53 * 60 + 28);
    (void)zone_offset_s(berlin, INT64_MAX);
    (void)zone_next_change_s(berlin, INT64_MAX);
    (void)zone_first_utc_s(berlin, INT64_MIN);
    (void)zone_close_utc_s(berlin, INT64_MAX);
    zone_free(berlin);
    zone_free(utc);
}

/* --- Files that are not what they say
 * ------------------------------------------------------------------------- */

static unsigned char berlin[ZONE_FILE_BYTES_MAX];
static size_t berlin_bytes;

static int
load_berlin(void **state)
{
    (void)state;
    berlin_bytes = zones_read_file("zoneinfo", "Europe/Berlin", berlin);
    return 0;
}

/* The exact bytes on the heap, so that reading one too many is seen. */
static const char *
error_of(const unsigned char *bytes, size_t count)
{
    unsigned char *copy = memory_copy(bytes, count);
    const char *error = NULL;
    struct zone *zone = zone_new(copy, count, &error);

    assert_true((zone == NULL) == (error != NULL));
    zone_free(zone);
    memory_free(copy);
    return error;
}

static void
test_every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t count = 0; count < berlin_bytes; count++)
        assert_non_null(error_of(berlin, count));
    assert_null(error_of(berlin, berlin_bytes));
    assert_null(error_of(berlin, berlin_bytes + 10)); /* what follows the footer is nobody's */
}

static void
test_every_byte_may_lie(void **state)
{
    static const unsigned char lies[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

    (void)state;
    for (size_t i = 0; i < berlin_bytes; i++) {
        unsigned char true_byte = berlin[i];

        if (i > 120 && i < berlin_bytes - 60 && i % 7 != 0)
            continue;
        for (size_t j = 0; j < sizeof lies; j++) {
            berlin[i] = lies[j];
            (void)error_of(berlin, berlin_bytes);
        }
        berlin[i] = true_byte;
    }
}

static void
test_counts_of_four_billion(void **state)
{
    (void)state;
    for (size_t field = 20; field < 44; field += 4) {
        unsigned char bytes[44 + 100] = {0};

        memcpy(bytes, "TZif", 4);
        bytes[39] = bytes[43] = 1;
        memset(bytes + field, 0xff, 4);
        assert_non_null(error_of(bytes, sizeof bytes));
    }
}

static size_t
second_header(void)
{
    for (size_t i = 4; i + 4 < berlin_bytes; i++)
        if (memcmp(berlin + i, "TZif", 4) == 0)
            return i;
    fail_msg("no second header");
    return 0;
}

static void
test_unsound_blocks_are_named(void **state)
{
    size_t header = second_header();
    size_t times = header + 44;
    unsigned char copy[ZONE_FILE_BYTES_MAX];

    (void)state;
    memcpy(copy, berlin, berlin_bytes);
    memcpy(copy + times, copy + times + 8, 8); /* twice the same instant */
    assert_string_equal(error_of(copy, berlin_bytes), "transitions out of order");
    memcpy(copy, berlin, berlin_bytes);
    copy[times + 8 * (((size_t)copy[header + 34] << 8) + copy[header + 35])] = 200;
    assert_string_equal(error_of(copy, berlin_bytes), "a transition to a type that is not there");
    memcpy(copy, berlin, berlin_bytes);
    copy[header + 31] = 1; /* one leap second, in place of 12 bytes of something else */
    assert_non_null(error_of(copy, berlin_bytes));
    memcpy(copy, berlin, berlin_bytes);
    copy[0] = 't';
    assert_non_null(error_of(copy, berlin_bytes));
    copy[0] = 'T';
    copy[4] = '1';
    assert_string_equal(error_of(copy, berlin_bytes), "a TZif version that does not exist");
}

static void
test_leap_seconds_are_refused(void **state)
{
    unsigned char bytes[44 + 6 + 1 + 8] = {0};

    (void)state;
    memcpy(bytes, "TZif", 4);
    bytes[31] = bytes[39] = bytes[43] = 1;
    assert_string_equal(error_of(bytes, sizeof bytes),
                        "a file with leap seconds (right/): use the one without");
}

static void
test_footers_that_are_no_rule(void **state)
{
    static const char *const footers[] = {
        "CE-1",
        "CET",
        "CET-25",
        "CET-1CEST",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/3x",
        "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.0.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,J0,J100",
        "CET-1CEST,J366,J100",
        "CET-1CEST,366,100",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,M3.5.0/-168,M10.5.0",
        "CET-1:60",
        "CET-1:00:60",
        "<CET-1",
        "<>0",
        "<+1>-1",
        ":Europe/Berlin",
        "CET-1CEST,M3.5.0/2:,M10.5.0",
        "CET-1CEST,M3.5.0/99999,M10.5.0",
    };

    (void)state;
    for (size_t i = 0; i < sizeof footers / sizeof footers[0]; i++) {
        const char *error = NULL;

        if (zone_of_footer(footers[i], &error) != NULL)
            fail_msg("accepted: %s", footers[i]);
        assert_string_equal(error, "a footer that is not a time zone rule");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_berlin),
        cmocka_unit_test(test_gaps_and_repeated_hours),
        cmocka_unit_test(test_apia_skipped_a_day),
        cmocka_unit_test(test_changes_that_are_no_summer_time),
        cmocka_unit_test(test_rules_of_every_form),
        cmocka_unit_test(test_summer_time_all_year_has_its_offset),
        cmocka_unit_test(test_an_hour_repeated_twice),
        cmocka_unit_test(test_where_a_zone_settles),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_every_byte_may_lie),
        cmocka_unit_test(test_counts_of_four_billion),
        cmocka_unit_test(test_unsound_blocks_are_named),
        cmocka_unit_test(test_leap_seconds_are_refused),
        cmocka_unit_test(test_footers_that_are_no_rule),
    };
    return cmocka_run_group_tests(tests, load_berlin, NULL);
}
