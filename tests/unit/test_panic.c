#include "../support/unit.h"
#include "base/panic.h"

static void
break_a_must(void *argument)
{
    must(argument != NULL);
}

static void
give_up(void *argument)
{
    panic(argument);
}

static void
test_must_says_where_and_what(void **state)
{
    char words[200];

    (void)state;
    must(1 + 1 == 2);
    assert_true(unit_aborts(break_a_must, NULL, words, sizeof words));
    assert_string_equal(words, "panic: test_panic.c:7: must(argument != NULL)\n");
    assert_false(unit_aborts(break_a_must, words, NULL, 0));
}

static void
test_panic_is_one_bounded_line(void **state)
{
    char words[2000];
    char what[1500];

    (void)state;
    memset(what, 'x', sizeof what - 1);
    what[sizeof what - 1] = '\0';
    assert_true(unit_aborts(give_up, what, words, sizeof words));
    assert_memory_equal(words, "panic: xxx", 10);
    assert_int_equal(strlen(words), 512);
    assert_int_equal(words[511], '\n');
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_must_says_where_and_what),
        cmocka_unit_test(test_panic_is_one_bounded_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
