#include "../support/unit.h"
#include "base/slice.h"

static void
test_slices_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(slice_is(slice_of("abc"), "abc"));
    assert_false(slice_is(slice_of("abc"), "abd"));
    assert_false(slice_is(slice_of("abc"), "ab"));
    assert_true(slice_equal((struct slice){NULL, 0}, slice_of("")));
    assert_null(slice_of(NULL).at);
    assert_true(slice_compare(slice_of("ab"), slice_of("abc")) < 0);
    assert_true(slice_compare(slice_of("b"), slice_of("abc")) > 0);
    assert_true(slice_compare(slice_of("\xc3"), slice_of("z")) > 0);
    assert_int_equal(slice_compare(slice_of(""), (struct slice){NULL, 0}), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_slices_compare_by_bytes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
