#include "../support/unit.h"
#include "base/duration.h"

static void
test_as_a_person_would_say_it(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {14400000, "4h"},
        {2100000, "35m"},
        {5400000, "1h 30m"},
        {183900000, "2d 3h 5m"},
        {45000, "45s"},
        {1250, "1s 250ms"},
        {-300000, "-5m"},
        {-5400000, "-1h 30m"},
        {86400000, "1d"},
        {1, "1ms"},
        {INT64_MIN, "-106751991167d 7h 12m 55s 808ms"},
    };
    char text[DURATION_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(duration_format(cases[i].ms, text), cases[i].text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_a_person_would_say_it)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
