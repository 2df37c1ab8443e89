#include "../support/unit.h"
#include "base/histogram.h"

static struct histogram histogram, other;

static int
forget(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    memset(&other, 0, sizeof other);
    return 0;
}

static void
test_buckets_cover_everything_once(void **state)
{
    uint64_t next = 0;

    (void)state;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS_COUNT; i++) {
        uint64_t last = histogram_bucket_last_us(i);

        assert_int_equal(histogram_bucket_of(next), i);
        assert_int_equal(histogram_bucket_of(last), i);
        assert_true(last - next <= next / 64);
        next = last + 1;
    }
    assert_int_equal(next, UINT64_C(1) << 36);
    assert_int_equal(histogram_bucket_of(UINT64_MAX), HISTOGRAM_BUCKETS_COUNT - 1);
}

static void
test_quantiles_are_close_and_never_too_low(void **state)
{
    (void)state;
    assert_int_equal(histogram_quantile_us(&histogram, 5000), 0);
    for (int64_t i = 1; i <= 100000; i++)
        histogram_record_us(&histogram, i * 10);
    for (unsigned points = 1; points <= 10000; points += 7) {
        uint64_t exact = (uint64_t)points * 100;

        assert_in_range(histogram_quantile_us(&histogram, points), exact, exact + exact / 64 + 1);
    }
    assert_int_equal(histogram_quantile_us(&histogram, 10000), 1000000);
    assert_int_equal(histogram_quantile_us(&histogram, 0), 10);
    assert_int_equal(histogram_count(&histogram), 100000);
    assert_int_equal(histogram_sum_us(&histogram), UINT64_C(50000500000));
}

static void
test_extremes(void **state)
{
    (void)state;
    histogram_record_us(&histogram, -5);
    histogram_record_us(&histogram, 0);
    histogram_record_us(&histogram, INT64_C(1) << 40);
    assert_int_equal(histogram_quantile_us(&histogram, 5000), 0);
    assert_int_equal(histogram_quantile_us(&histogram, 10000), INT64_C(1) << 40);
    assert_int_equal(histogram_quantile_us(&histogram, 6666), 0);
    assert_int_equal(histogram_quantile_us(&histogram, 6667), INT64_C(1)
                                                                  << 40); /* two of three are not enough */
    assert_int_equal(histogram_count_up_to(&histogram, 0), 2);
    assert_int_equal(histogram_count_up_to(&histogram, UINT64_MAX), 3);
}

static void
test_merged_is_as_if_recorded_in_one(void **state)
{
    static struct histogram whole;
    uint64_t seed = 11;

    (void)state;
    memset(&whole, 0, sizeof whole);
    for (int i = 0; i < 1000; i++) {
        int64_t value_us = (int64_t)(unit_random(&seed) % 5000000);

        histogram_record_us(i % 3 == 0 ? &histogram : &other, value_us);
        histogram_record_us(&whole, value_us);
    }
    histogram_merge(&histogram, &other);
    assert_memory_equal(&histogram, &whole, sizeof whole);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_buckets_cover_everything_once, forget),
        cmocka_unit_test_setup(test_quantiles_are_close_and_never_too_low, forget),
        cmocka_unit_test_setup(test_extremes, forget),
        cmocka_unit_test_setup(test_merged_is_as_if_recorded_in_one, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
