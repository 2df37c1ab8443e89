/* How far partitions are to be read: as far as there was something when it was asked for, whatever comes
 * since. */
#include "../support/unit.h"
#include "shell/ends.h"

/* Something is always coming: no end is told, and all that was there has been read. */
static void
test_records_alone_reach_the_end(void **state)
{
    struct ends ends = {0};

    (void)state;
    assert_true(ends_reached(&ends));
    ends_add(&ends, 0, 10);
    for (int64_t offset = 0; offset < 10; offset++) {
        assert_false(ends_reached(&ends));
        assert_true(ends_holds(&ends, 0, offset));
        ends_pass(&ends, 0, offset + 1);
    }
    assert_true(ends_reached(&ends));
    assert_false(ends_holds(&ends, 0, 10));
    assert_false(ends_holds(&ends, 1, 0)); /* nobody asked for that one */
    ends_done(&ends);
}

/* A partition tells its end each time that something has come: it stands for itself alone. */
static void
test_an_end_told_twice_is_one(void **state)
{
    struct ends ends = {0};

    (void)state;
    ends_add(&ends, 0, 3);
    ends_add(&ends, 1, 1000);
    for (int64_t told = 3; told < 9; told++)
        ends_pass(&ends, 0, told);
    assert_false(ends_reached(&ends));
    ends_pass(&ends, 1, 1000);
    assert_true(ends_reached(&ends));
    ends_done(&ends);
}

/* A transaction of a writer that died is open at 5: the end told there is not the end. */
static void
test_what_lies_behind_an_open_transaction_is_waited_for(void **state)
{
    struct ends ends = {0};

    (void)state;
    ends_add(&ends, 0, 8);
    ends_pass(&ends, 0, 5);
    assert_false(ends_reached(&ends));
    ends_pass(&ends, 0, 9); /* it is settled; its mark lies behind it */
    assert_true(ends_reached(&ends));
    ends_done(&ends);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_alone_reach_the_end),
        cmocka_unit_test(test_an_end_told_twice_is_one),
        cmocka_unit_test(test_what_lies_behind_an_open_transaction_is_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
