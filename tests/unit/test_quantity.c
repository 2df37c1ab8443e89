/* Durations, percentages and decimals as people write them (ruling R15). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "wire/quantity.h"

struct row {
    const char *text;
    int64_t value;
};

static void
durations(void **state)
{
    static const struct row rows[] = {{"90s", 90000},
                                      {"15m", 900000},
                                      {"4h", 14400000},
                                      {"2d", 172800000},
                                      {"1h30m", 5400000},
                                      {"1d2h3m4s", 93784000},
                                      {"1d1s", 86401000},
                                      {"0d1s", 1000},
                                      {"05m", 300000},
                                      {"3650d", QUANTITY_DURATION_MAX_MS},
                                      {"315360000s", QUANTITY_DURATION_MAX_MS}};
    static const char *const wrong[] = {"",
                                        "0s",
                                        "0d0h",
                                        "1",
                                        "h",
                                        "1w",
                                        "1ms",
                                        "1 h",
                                        " 1h",
                                        "1h ",
                                        "-1h",
                                        "+1h",
                                        "1.5h",
                                        "30m1h",
                                        "1h1h",
                                        "1s1s",
                                        "3651d",
                                        "3650d1s",
                                        "315360001s",
                                        "9999999999999999999d",
                                        "999999999999999d",
                                        "1H",
                                        "1h30"};
    int64_t ms = 7;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(quantity_parse_duration_ms(slice_of(rows[i].text), &ms), 0);
        assert_int_equal(ms, rows[i].value);
    }
    ms = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (quantity_parse_duration_ms(slice_of(wrong[i]), &ms) == 0)
            fail_msg("took %s", wrong[i]);
    assert_int_equal(ms, 7);
}

static void
shares(void **state)
{
    static const struct row rows[] = {{"95%", 9500},   {"12.5%", 1250},    {"0.01%", 1},
                                      {"100%", 10000}, {"100.00%", 10000}, {"099%", 9900}};
    static const char *const wrong[] = {"",    "%",   "95",  "0%",  "0.00%", "100.01%", "101%", "12.345%",
                                        "-5%", "5 %", " 5%", ".5%", "5.%",   "5,5%",    "5%%"};
    int bp = 7;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(quantity_parse_share_bp(slice_of(rows[i].text), &bp), 0);
        assert_int_equal(bp, rows[i].value);
    }
    bp = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (quantity_parse_share_bp(slice_of(wrong[i]), &bp) == 0)
            fail_msg("took %s", wrong[i]);
    assert_int_equal(bp, 7);
}

static void
decimals(void **state)
{
    static const struct row rows[] = {
        {"1", 100},    {"-1.5", -150},          {"0.07", 7},
        {"-0.07", -7}, {"100000.00", 10000000}, {"9999999999999.99", 999999999999999}};
    static const char *const wrong[] = {
        "", "-", ".", "1.", ".1", "1.234", "1e5", "+1", "1 000", "99999999999999", "--1", "1.-5", "0x10"};
    int64_t value = 7;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(quantity_parse_decimal(slice_of(rows[i].text), 2, &value), 0);
        assert_int_equal(value, rows[i].value);
    }
    value = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (quantity_parse_decimal(slice_of(wrong[i]), 2, &value) == 0)
            fail_msg("took %s", wrong[i]);
    assert_int_equal(value, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(durations), cmocka_unit_test(shares),
                                       cmocka_unit_test(decimals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
