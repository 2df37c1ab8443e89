/* JSON cut into values. */
#include "../support/unit.h"
/* A part of a program, not of a library. */
#include "../../src/slactl/json_pieces.c"
#include <stdio.h>

/* The pieces one after another: "key=value;", with "!" where it breaks off. */
static void
assert_pieces(const char *text, const char *expected)
{
    struct json_pieces pieces;
    struct slice key, value;
    char found[256] = "";
    int more = -1;

    if (json_pieces_begin(&pieces, slice_of(text)))
        while ((more = json_pieces_next(&pieces, &key, &value)) == 1)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s=%.*s;", (int)key.bytes,
                     key.at, (int)value.bytes, value.at);
    if (more < 0)
        strcat(found, "!");
    assert_string_equal(found, expected);
}

static void
test_lists_and_objects(void **state)
{
    (void)state;
    assert_pieces("[]", "");
    assert_pieces(" [ 1 , \"a,]\\\"\" , {\"b\":[2,{}]} ,null]", "=1;=\"a,]\\\"\";={\"b\":[2,{}]};=null;");
    assert_pieces("{\"a\":1, \"b\" : \"}\" }", "a=1;b=\"}\";");
    assert_pieces("{}", "");
}

static void
test_what_is_cut_off_says_so(void **state)
{
    (void)state;
    assert_pieces("", "!");
    assert_pieces("17", "!");
    assert_pieces("[1", "=1;!");
    assert_pieces("[1,", "=1;!");
    assert_pieces("[1 2]", "=1;!");
    assert_pieces("[\"a", "!");
    assert_pieces("[\"a\\", "!");
    assert_pieces("[{\"a\":[1]", "!");
    assert_pieces("{\"a\"", "!");
    assert_pieces("{\"a\":", "!");
    assert_pieces("{1:2}", "!");
    assert_pieces("[,]", "!");
}

static void
test_members_are_found(void **state)
{
    struct slice object = slice_of("{\"x\":{\"clocks\":1},\"clocks\":[1,2]}");

    (void)state;
    assert_true(slice_is(json_pieces_member(object, "clocks"), "[1,2]"));
    assert_null(json_pieces_member(object, "nothing").at);
    assert_null(json_pieces_member(slice_of("[1]"), "clocks").at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists_and_objects),
                                       cmocka_unit_test(test_what_is_cut_off_says_so),
                                       cmocka_unit_test(test_members_are_found)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
