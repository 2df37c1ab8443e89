#include "../support/unit.h"
#include "base/instant.h"

static void
accept(const char *text, int64_t wanted_ms)
{
    int64_t at_ms = 0;

    assert_int_equal(instant_parse(slice_of(text), &at_ms), 0);
    assert_int_equal(at_ms, wanted_ms);
}

static void
refuse(const char *text)
{
    int64_t at_ms = 77;

    assert_int_equal(instant_parse(slice_of(text), &at_ms), -1);
    assert_int_equal(at_ms, 77);
}

static void
test_accepted(void **state)
{
    (void)state;
    accept("1970-01-01T00:00:00Z", 0);
    accept("2026-11-22T10:15:30.000Z", 1795342530000);
    accept("2026-11-22t10:15:30z", 1795342530000);
    accept("2026-11-22T11:15:30+01:00", 1795342530000);
    accept("2026-11-22T04:30:30-05:45", 1795342530000);
    accept("2026-11-22T10:15:30-00:00", 1795342530000);
    accept("2026-11-23T10:14:30+23:59", 1795342530000);
    accept("2026-11-22T10:15:30.5Z", 1795342530500);
    accept("2026-11-22T10:15:30.99999999999999999999Z", 1795342530999);
    accept("2026-11-22T10:15:30.0009+00:00", 1795342530000);
    accept("1969-12-31T23:59:59.999Z", -1);
    accept("2024-02-29T00:00:00Z", 1709164800000);
    accept("2000-02-29T00:00:00Z", 951782400000);
    accept("0001-01-01T00:00:00Z", INSTANT_MIN_MS);
    accept("9999-12-31T23:59:59.999Z", INSTANT_MAX_MS);
}

static void
test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "Z",
        "2026-11-22",
        "2026-11-22T10:15:30",
        "2026-11-22T10:15Z",
        "2026-11-22 10:15:30Z",
        "2026-11-22T10:15:60Z",
        "2026-11-22T10:60:30Z",
        "2026-11-22T24:00:00Z",
        "2026-13-22T10:15:30Z",
        "2026-00-22T10:15:30Z",
        "2026-11-31T10:15:30Z",
        "2026-11-00T10:15:30Z",
        "2025-02-29T10:15:30Z",
        "1900-02-29T10:15:30Z",
        "0000-11-22T10:15:30Z",
        "2026-11-22T10:15:30.Z",
        "2026-11-22T10:15:30,5Z",
        "2026-11-22T10:15:30+24:00",
        "2026-11-22T10:15:30+01:60",
        "2026-11-22T10:15:30+0100",
        "2026-11-22T10:15:30+01",
        "2026-11-22T10:15:30+01:00Z",
        "2026-11-22T10:15:30ZZ",
        " 2026-11-22T10:15:30Z",
        "2026-11-22T10:15:30Z ",
        "2026-11-22T10:15:30X",
        "+026-11-22T10:15:30Z",
        "2026-11-22T1a:15:30Z",
        "2026/11/22T10:15:30Z",
        "2026-11-22T10-15-30Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-11-22T10:15:30.5",
        "12026-11-22T10:15:30Z",
        "2026-11-22T10:15:30\xe2\x88\x92" /* a typographer's minus */,
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        refuse(texts[i]);
}

static void
test_cut_anywhere_is_refused_and_never_read_beyond(void **state)
{
    static const char text[] = "2026-11-22T10:15:30.125+01:00";

    (void)state;
    for (size_t bytes = 0; bytes < sizeof text - 1; bytes++) {
        char cut[sizeof text];
        int64_t at_ms;

        memcpy(cut, text, bytes);
        assert_int_equal(instant_parse((struct slice){cut, bytes}, &at_ms), -1);
    }
}

static void
test_format_and_back(void **state)
{
    char text[INSTANT_TEXT_BYTES];
    uint64_t seed = 31;

    (void)state;
    instant_format(1795342530000, text);
    assert_string_equal(text, "2026-11-22T10:15:30.000Z");
    instant_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    instant_format(INT64_MIN, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
    instant_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    for (int i = 0; i < 20000; i++) {
        int64_t at_ms =
            INSTANT_MIN_MS + (int64_t)(unit_random(&seed) % (uint64_t)(INSTANT_MAX_MS - INSTANT_MIN_MS + 1));

        instant_format(at_ms, text);
        accept(text, at_ms);
    }
}

/* Every day of ten thousand years, counted up by the rules a child knows. */
static void
test_civil_days_one_by_one(void **state)
{
    int64_t day = instant_days_from_civil(1, 1, 1);
    int32_t weekday = 0; /* 0001-01-01 was a Monday */

    (void)state;
    assert_int_equal(day, INSTANT_MIN_MS / 86400000);
    for (int32_t year = 1; year <= 9999; year++)
        for (int32_t month = 1; month <= 12; month++)
            for (int32_t i = 1; i <= instant_days_of_month(year, month);
                 i++, day++, weekday = (weekday + 1) % 7) {
                struct instant_date date = instant_civil_from_days(day);

                if (instant_days_from_civil(year, month, i) != day || date.year != year ||
                    date.month != month || date.day != i || instant_weekday(day) != weekday)
                    fail_msg("%d-%d-%d", year, month, i);
            }
    assert_int_equal(day - 1, INSTANT_MAX_MS / 86400000);
    assert_int_equal(instant_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(instant_weekday(0), 3);
    assert_int_equal(instant_weekday(-1), 2);
    assert_int_equal(instant_civil_from_days(instant_days_from_civil(-400, 2, 29)).year, -400);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_anywhere_is_refused_and_never_read_beyond),
        cmocka_unit_test(test_format_and_back),
        cmocka_unit_test(test_civil_days_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
