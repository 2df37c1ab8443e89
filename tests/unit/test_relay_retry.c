/* What an answer means to a delivery, and how long it waits. */
#include "../support/unit.h"
/* A part of a program, not of a library. */
#include "../../src/slactl/relay_retry.c"

static void
test_judge(void **state)
{
    static const struct {
        int status;
        enum relay_verdict verdict;
    } cases[] = {{0, RELAY_AGAIN},           {200, RELAY_DELIVERED}, {202, RELAY_DELIVERED},
                 {204, RELAY_DELIVERED},     {299, RELAY_DELIVERED}, {301, RELAY_AGAIN_BRIEFLY},
                 {302, RELAY_AGAIN_BRIEFLY}, {400, RELAY_REFUSED},   {401, RELAY_AGAIN_BRIEFLY},
                 {403, RELAY_AGAIN_BRIEFLY}, {404, RELAY_REFUSED},   {407, RELAY_AGAIN_BRIEFLY},
                 {408, RELAY_AGAIN},         {410, RELAY_REFUSED},   {413, RELAY_REFUSED},
                 {422, RELAY_REFUSED},       {425, RELAY_AGAIN},     {429, RELAY_AGAIN},
                 {500, RELAY_AGAIN},         {502, RELAY_AGAIN},     {503, RELAY_AGAIN},
                 {504, RELAY_AGAIN},         {599, RELAY_AGAIN},     {101, RELAY_AGAIN}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(relay_retry_judge(cases[i].status, false), cases[i].verdict);
    assert_int_equal(relay_retry_judge(410, true), RELAY_GONE);
    assert_true(relay_retry_is_throttling(429) && relay_retry_is_throttling(503));
    assert_false(relay_retry_is_throttling(500) || relay_retry_is_throttling(0) ||
                 relay_retry_is_throttling(408));
}

static void
test_delay(void **state)
{
    const struct relay_retry retry = {.min_ms = 1000, .max_ms = 60000};
    static const int64_t whole_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    uint64_t seed = 7;

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        for (int n = 0; n < 200; n++) {
            int64_t delay_ms = relay_retry_delay_ms(&retry, i + 1, -1, unit_random(&seed));

            assert_in_range(delay_ms, whole_ms[i] / 2, whole_ms[i]);
        }
    assert_int_equal(relay_retry_delay_ms(&retry, 4000000000u, -1, 0), 60000);
    for (int n = 0; n < 200; n++) {
        assert_in_range(relay_retry_delay_ms(&retry, 1, 7000, unit_random(&seed)), 7000, 8000);
        assert_in_range(relay_retry_delay_ms(&retry, 6, 1000, unit_random(&seed)), 16000, 32000);
        assert_in_range(relay_retry_delay_ms(&retry, 1, INT64_MAX, unit_random(&seed)), 3600000, 3601000);
    }
}

static void
test_end(void **state)
{
    const struct relay_retry patient = {.min_ms = 1, .max_ms = 1}, hasty = {1, 1, 5000};

    (void)state;
    assert_false(relay_retry_is_over(&patient, RELAY_AGAIN, INT64_MAX));
    assert_false(relay_retry_is_over(&patient, RELAY_AGAIN_BRIEFLY, RELAY_BRIEFLY_MS - 1));
    assert_true(relay_retry_is_over(&patient, RELAY_AGAIN_BRIEFLY, RELAY_BRIEFLY_MS));
    assert_false(relay_retry_is_over(&hasty, RELAY_AGAIN, 4999));
    assert_true(relay_retry_is_over(&hasty, RELAY_AGAIN, 5000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
