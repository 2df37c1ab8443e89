#include "../support/unit.h"
#include "base/memory.h"
#include <stdlib.h>

static int left;

/* Fails the Nth call. */
static void *
source_that_ends(void *pointer, size_t bytes)
{
    return left-- > 0 ? realloc(pointer, bytes) : NULL;
}

static void
take_three(void *argument)
{
    char *first, *second;

    left = *(int *)argument;
    memory_replace_source(source_that_ends);
    first = memory_allocate(10);
    second = memory_allocate_zeroed(3, 5);
    for (int i = 0; i < 15; i++)
        if (second[i] != 0)
            _exit(1);
    first = memory_resize(first, 100);
    memory_free(first);
    memory_free(second);
}

static void
test_every_nth_failure_stops_the_process(void **state)
{
    char words[100];

    (void)state;
    for (int n = 0; n < 3; n++) {
        assert_true(unit_aborts(take_three, &n, words, sizeof words));
        assert_string_equal(words, "panic: out of memory\n");
    }
    left = 3;
    assert_false(unit_aborts(take_three, &left, NULL, 0));
}

static void
overflow(void *argument)
{
    (void)argument;
    memory_free(memory_allocate_zeroed(SIZE_MAX / 2, 3));
}

static void
test_sizes_of_nothing_and_too_much(void **state)
{
    void *nothing = memory_allocate(0);

    (void)state;
    assert_non_null(nothing);
    nothing = memory_resize(nothing, 0);
    assert_non_null(nothing);
    memory_free(nothing);
    memory_free(memory_allocate_zeroed(0, 8));
    memory_free(NULL);
    assert_true(unit_aborts(overflow, NULL, NULL, 0));
}

static void
test_copy(void **state)
{
    char *copy = memory_copy("abc", 4);

    (void)state;
    assert_string_equal(copy, "abc");
    memory_free(copy);
    memory_free(memory_copy(NULL, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_nth_failure_stops_the_process),
        cmocka_unit_test(test_sizes_of_nothing_and_too_much),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
