/* Doubles as text: exact rounding, halves away from zero, no trailing zeros, no locale (R70). */
#include "../support/unit.h"
#include "wire/number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void
expect(double value, int decimals, const char *expected)
{
    struct buffer out = {0};

    number_print(&out, value, decimals);
    if (!slice_is(buffer_slice(&out), expected))
        fail_msg("%.17g to %d: %.*s, expected %s", value, decimals, (int)out.bytes, out.at, expected);
    buffer_free(&out);
}

static void
test_table(void **state)
{
    (void)state;
    expect(0, 4, "0");
    expect(-0.0, 4, "0");
    expect(-0.00001, 4, "0");
    expect(25, 4, "25");
    expect(-100, 4, "-100");
    expect(18.5405, 4, "18.5405");
    expect(-11.71614, 4, "-11.7161");
    expect(0.888250, 6, "0.88825");
    expect(0.5, 4, "0.5");
    expect(99.99996, 4, "100");
    expect(-0.99999999, 6, "-1");
    expect(0.99999949, 6, "0.999999");
    /* exact halves go away from zero */
    expect(0.5, 0, "1");
    expect(1.5, 0, "2");
    expect(2.5, 0, "3");
    expect(-2.5, 0, "-3");
    expect(0.125, 2, "0.13");
    expect(-0.375, 2, "-0.38");
    expect(0.03125, 4, "0.0313");
    expect(0.0000002384185791015625, 6, "0"); /* 2^-22 */
    /* what only looks like a half is not one: the double decides */
    expect(0.15, 1, "0.1");
    expect(0.25, 1, "0.3");
    expect(0.35, 1, "0.3");
    expect(1.005, 2, "1");
    expect(2.675, 2, "2.67");
    expect(0.0000005, 6, "0"); /* just below */
    expect(0.00000050000000000000011, 6, "0.000001");
    /* the ends */
    expect(5e-324, 6, "0");
    expect(2.2250738585072014e-308, 6, "0");
    expect(9007199254740993.0, 6, "9007199254740992");
    expect(4503599627370495.5, 0, "4503599627370496");
    expect(9223372036854774784.0, 6, "9223372036854774784");
    expect(-9223372036854774784.0, 6, "-9223372036854774784");
}

/* glibc's printf is exact; it differs in ties alone, and a random double is none. */
static void
test_against_printf(void **state)
{
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);

    (void)state;
    for (int i = 0; i < 200000; i++) {
        char expected[64];
        double value;
        size_t bytes;
        int decimals = i % (NUMBER_DECIMALS_MAX + 1);

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        value = (double)(int64_t)seed / (double)(UINT64_C(1) << (45 + i % 18));
        bytes = (size_t)snprintf(expected, sizeof expected, "%.*f", decimals, value);
        while (decimals > 0 && expected[bytes - 1] == '0')
            bytes--;
        if (decimals > 0 && expected[bytes - 1] == '.')
            bytes--;
        expected[bytes] = '\0';
        expect(value, decimals, strcmp(expected, "-0") == 0 ? "0" : expected);
    }
}

static void
print_infinity(void *out)
{
    number_print(out, (double)INFINITY, 4);
}

static void
print_too_large(void *out)
{
    number_print(out, 18446744073709551616.0, 4);
}

static void
test_refuses_what_is_no_figure(void **state)
{
    struct buffer out = {0};

    (void)state;
    assert_true(unit_aborts(print_infinity, &out, NULL, 0));
    assert_true(unit_aborts(print_too_large, &out, NULL, 0));
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_against_printf),
        cmocka_unit_test(test_refuses_what_is_no_figure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
