/* shell/tokens: which lines are tokens, which files are refused, and what is found. */
#include "../support/unit.h"
#include "shell/tokens.h"
#include <stdio.h>
#include <stdlib.h>

static void
refuses(const char *text, const char *why)
{
    struct tokens tokens = {0};
    struct buffer error = {0};

    assert_int_equal(tokens_read(slice_of(text), &tokens, &error), -1);
    buffer_append_byte(&error, '\0');
    if (strstr(error.at, why) == NULL)
        fail_msg("\"%s\" says \"%s\", not \"%s\"", text, error.at, why);
    assert_null(tokens.list);
    buffer_free(&error);
}

static void
lines_are_tokens(void **state)
{
    static const char text[] =
        "# comment\n\n  \t\n"
        "aaaaaaaaaaaaaaaa full operator\r\n"
        "sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0 read tv\n"
        "bbbbbbbbbbbbbbbb\tcustomer=Acme%20%26%20Sons%25  portal";
    struct tokens tokens;
    struct buffer error = {0};
    const struct token *found;

    (void)state;
    assert_int_equal(tokens_read(slice_of(text), &tokens, &error), 0);
    assert_int_equal(tokens.count, 3);
    found = tokens_find(&tokens, slice_of("aaaaaaaaaaaaaaaa"));
    assert_non_null(found);
    assert_int_equal(found->role, TOKEN_FULL);
    assert_null(found->customer);
    assert_string_equal(found->name, "operator");
    found = tokens_find(&tokens, slice_of("aaa")); /* its hash stands there, but it is too short */
    assert_null(found);
    assert_null(tokens_find(&tokens, slice_of("")));
    assert_null(tokens_find(
        &tokens, slice_of("sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0")));
    found = tokens_find(&tokens, slice_of("bbbbbbbbbbbbbbbb"));
    assert_non_null(found);
    assert_int_equal(found->role, TOKEN_CUSTOMER);
    assert_string_equal(found->customer, "Acme & Sons%");
    assert_null(tokens_find(&tokens, slice_of("aaaaaaaaaaaaaaa")));
    assert_null(tokens_find(&tokens, slice_of("aaaaaaaaaaaaaaaaa")));
    tokens_done(&tokens);
    buffer_free(&error);
}

static void
a_hash_stands_for_its_token(void **state)
{
    struct tokens tokens;
    struct buffer error = {0};

    (void)state; /* sha256sum of "0123456789abcdef" */
    assert_int_equal(
        tokens_read(
            slice_of("sha256:9F9F5111F7B27A781F1F1DDDE5EBC2DD2B796BFC7365C9C28B548E564176929F read tv\n"),
            &tokens, &error),
        0);
    assert_non_null(tokens_find(&tokens, slice_of("0123456789abcdef")));
    assert_null(tokens_find(&tokens, slice_of("0123456789abcdeg")));
    tokens_done(&tokens);
}

static void
a_slip_refuses_the_whole_file(void **state)
{
    static const char long_token[] = "x x x\n";

    (void)state;
    refuses("", "no token");
    refuses("# nothing\n", "no token");
    refuses("aaaaaaaaaaaaaaaa full operator\naaaaaaaaaaaaaaa full x\n", "line 2: a token has 16");
    refuses(long_token, "line 1: a token has 16");
    refuses("aaaaaaaaaaaaaaaa admin x\n", "expected a role");
    refuses("aaaaaaaaaaaaaaaa full\n", "expected TOKEN ROLE NAME");
    refuses("aaaaaaaaaaaaaaaa full a b\n", "expected TOKEN ROLE NAME");
    refuses("aaaaaaaaaaaaaaaa customer= x\n", "customer=");
    refuses("aaaaaaaaaaaaaaaa customer=a%2 x\n", "customer=");
    refuses("aaaaaaaaaaaaaaaa customer=a%00 x\n", "customer=");
    refuses("aaaaaaaaaaaaaaa; full x\n", "printable");
    refuses("sha256:12 full x\n", "64 hex digits");
    refuses("aaaaaaaaaaaaaaaa full a\naaaaaaaaaaaaaaaa read b\n", "line 2: this token stands");
}

static void
rights_that_change_are_not_the_same_token(void **state)
{
    struct tokens before, after;
    struct buffer error = {0};

    (void)state;
    assert_int_equal(
        tokens_read(
            slice_of("aaaaaaaaaaaaaaaa full x\nbbbbbbbbbbbbbbbb customer=a x\ncccccccccccccccc read x\n"),
            &before, &error),
        0);
    assert_int_equal(
        tokens_read(
            slice_of("cccccccccccccccc read y\naaaaaaaaaaaaaaaa read x\nbbbbbbbbbbbbbbbb customer=b x\n"),
            &after, &error),
        0);
    assert_false(tokens_have(&after, &before.list[0]));
    assert_false(tokens_have(&after, &before.list[1]));
    assert_true(tokens_have(&after, &before.list[2]));
    tokens_done(&before);
    tokens_done(&after);
}

static void
too_many_are_refused(void **state)
{
    struct buffer text = {0};
    char line[64];

    (void)state;
    for (int i = 0; i <= TOKENS_MAX; i++) {
        snprintf(line, sizeof line, "aaaaaaaaaaaa%08d full x\n", i);
        buffer_append_text(&text, line);
    }
    buffer_append_byte(&text, '\0');
    refuses(text.at, "more than 1024");
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_tokens),
        cmocka_unit_test(a_hash_stands_for_its_token),
        cmocka_unit_test(a_slip_refuses_the_whole_file),
        cmocka_unit_test(rights_that_change_are_not_the_same_token),
        cmocka_unit_test(too_many_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
