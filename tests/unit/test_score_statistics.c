/* The vectors of semantics.md section 8, to every digit that stands there. */
#include "core/score_statistics.h"
#include "../support/unit.h"

static void
near(double value, double expected, double half)
{
    if (value < expected - half || value > expected + half)
        fail_msg("%.9f, expected %.9f", value, expected);
}

static void
test_nps(void **state)
{
    struct score_interval a = score_statistics_nps(10, 5, 5);
    struct score_interval b = score_statistics_nps(40, 35, 25);
    struct score_interval all = score_statistics_nps(5, 0, 0);
    struct score_interval none = score_statistics_nps(0, 0, 1);

    (void)state;
    near(a.value, 25, 0);
    near(a.low, -11.7161, 0.00005);
    near(a.high, 55.1944, 0.00005);
    near(b.value, 15, 0);
    near(b.low, -0.6974, 0.00005);
    near(b.high, 29.8236, 0.00005);
    near(all.value, 100, 0);
    near(all.low, 17.4915, 0.00005);
    near(all.high, 100, 0);
    near(none.value, -100, 0);
    near(none.low, -98.4987, 0.00005); /* the adjusted interval need not hold the plain value */
}

static void
test_share(void **state)
{
    struct score_interval most = score_statistics_share(95, 100);
    struct score_interval all = score_statistics_share(20, 20);
    struct score_interval one = score_statistics_share(1, 1);
    struct score_interval none = score_statistics_share(0, 20);

    (void)state;
    near(most.value, 0.95, 0);
    near(most.low, 0.888250, 0.0000005);
    near(most.high, 0.978456, 0.0000005);
    near(all.low, 0.838875, 0.0000005);
    near(all.high, 1, 0);
    near(one.low, 0.206549, 0.0000005);
    near(one.high, 1, 0);
    near(none.low, 0, 0);
    near(none.high, 1 - 0.838875, 0.0000005);
}

static void
test_change(void **state)
{
    (void)state;
    near(score_statistics_nps_z((struct score_nps_counts){55, 30, 15}, (struct score_nps_counts){40, 35, 25}),
         2.279505, 0.0000005);
    near(score_statistics_nps_z((struct score_nps_counts){40, 35, 25}, (struct score_nps_counts){55, 30, 15}),
         -2.279505, 0.0000005);
    near(score_statistics_share_z(5, 10, 5, 10), 0, 0);
    /* Agresti and Caffo: (57/62 - 51/62) / sqrt(p(1-p)/62 of both) */
    near(score_statistics_share_z(56, 60, 50, 60), 1.624284, 0.0000005);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nps),
        cmocka_unit_test(test_share),
        cmocka_unit_test(test_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
