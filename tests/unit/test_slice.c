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

static void
test_a_copy_is_a_text_of_its_own(void **state)
{
    char word[] = "abcd";
    char *copy = slice_copy((struct slice){word, 3}), *nothing = slice_copy((struct slice){NULL, 0});

    (void)state;
    word[1] = 'x';
    assert_string_equal(copy, "abc");
    assert_string_equal(nothing, "");
    memory_free(copy);
    memory_free(nothing);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_compare_by_bytes),
        cmocka_unit_test(test_a_copy_is_a_text_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
