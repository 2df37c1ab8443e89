/* A partition as its reader sees it: at its end, in doubt about it, or with more waiting that is old. */
#include "../support/unit.h"
#include "shell/source.h"

#define NOON_MS INT64_C(1774612800000)

static bool
is_read(const struct source *source, bool fetching, int64_t now_mono_ms)
{
    return source_all_read(source, 1, fetching, now_mono_ms);
}

/* Before anything is known there may be a backlog. */
static void
test_what_was_never_read_lags(void **state)
{
    struct source source;

    (void)state;
    source_begin(&source);
    assert_true(source.lags);
    assert_false(is_read(&source, true, 1 << 30));
    source_reach_end(&source);
    assert_false(source.lags);
    assert_true(is_read(&source, true, 1));
    source_begin(&source); /* from the beginning: nothing of before is left */
    assert_true(source.lags);
    assert_false(is_read(&source, true, 1));
}

static void
test_an_old_record_lags_and_a_new_one_does_not(void **state)
{
    static const struct {
        int64_t age_ms;
        bool lags;
    } rows[] = {{0, false}, {SOURCE_BEHIND_MS, false}, {SOURCE_BEHIND_MS + 1, true}, {86400000, true}};
    struct source source;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        source_reach_end(&source);
        assert_int_equal(source_arrive(&source, NOON_MS - rows[i].age_ms, NOON_MS), NOON_MS - rows[i].age_ms);
        assert_int_equal(source.lags, rows[i].lags);
        assert_false(source.at_end); /* more may be behind it, old or not */
    }
}

/* A producer's clock is ahead: nothing arrives in the future. */
static void
test_a_record_of_tomorrow_arrives_now(void **state)
{
    struct source source;

    (void)state;
    source_begin(&source);
    assert_int_equal(source_arrive(&source, NOON_MS + 86400000, NOON_MS), NOON_MS);
    assert_false(source.lags);
}

static void
test_a_doubt_lasts_until_nothing_has_come(void **state)
{
    struct source source;

    (void)state;
    source_reach_end(&source);
    source_doubt_end(&source, 100);
    assert_false(is_read(&source, true, 100 + SOURCE_DOUBT_MS - 1));
    assert_true(is_read(&source, true, 100 + SOURCE_DOUBT_MS));
    assert_false(is_read(&source, false, 100 + SOURCE_DOUBT_MS)); /* it could not come */
    source_doubt_end(&source, 1000);
    assert_false(is_read(&source, true, 100 + SOURCE_DOUBT_MS));
    assert_true(is_read(&source, true, 1000 + SOURCE_DOUBT_MS));
    assert_false(source.lags); /* nothing is known of anything old */
}

/* By a record: there is more. By an end: there is not, and that is sure at once. */
static void
test_a_doubt_is_settled(void **state)
{
    struct source source;

    (void)state;
    source_reach_end(&source);
    source_doubt_end(&source, 100);
    (void)source_arrive(&source, NOON_MS, NOON_MS);
    assert_false(is_read(&source, true, 100 + SOURCE_DOUBT_MS));
    source_reach_end(&source);
    source_doubt_end(&source, 100);
    source_reach_end(&source);
    assert_true(is_read(&source, false, 100));
}

/* Where more was waiting anyway, waiting longer does not make an end. */
static void
test_only_an_end_is_doubted(void **state)
{
    struct source source;

    (void)state;
    source_begin(&source);
    source_doubt_end(&source, 100);
    assert_false(is_read(&source, true, 100 + SOURCE_DOUBT_MS));
    (void)source_arrive(&source, NOON_MS, NOON_MS);
    source_doubt_end(&source, 100);
    assert_false(is_read(&source, true, 100 + SOURCE_DOUBT_MS));
}

static void
test_all_of_them_are_read_and_any_of_them_lags(void **state)
{
    struct source sources[3];

    (void)state;
    for (size_t i = 0; i < 3; i++)
        source_reach_end(&sources[i]);
    assert_true(source_all_read(sources, 3, true, 1));
    assert_false(source_any_lags(sources, 3));
    for (size_t i = 0; i < 3; i++) {
        source_begin(&sources[i]);
        assert_false(source_all_read(sources, 3, true, 1));
        assert_true(source_any_lags(sources, 3));
        source_reach_end(&sources[i]);
    }
    assert_true(source_all_read(sources, 0, true, 1)); /* feedback may have no partition */
    assert_false(source_any_lags(sources, 0));
}

static void
test_a_long_turn_is_a_standstill(void **state)
{
    (void)state;
    assert_false(source_stood_still(0, 86400000)); /* it was not there before */
    assert_false(source_stood_still(100, 100 + SOURCE_BEHIND_MS));
    assert_true(source_stood_still(100, 100 + SOURCE_BEHIND_MS + 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_never_read_lags),
        cmocka_unit_test(test_an_old_record_lags_and_a_new_one_does_not),
        cmocka_unit_test(test_a_record_of_tomorrow_arrives_now),
        cmocka_unit_test(test_a_doubt_lasts_until_nothing_has_come),
        cmocka_unit_test(test_a_doubt_is_settled),
        cmocka_unit_test(test_only_an_end_is_doubted),
        cmocka_unit_test(test_all_of_them_are_read_and_any_of_them_lags),
        cmocka_unit_test(test_a_long_turn_is_a_standstill),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
