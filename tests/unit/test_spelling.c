/* "Did you mean". */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include "wire/spelling.h"

static size_t
distance(const char *a, const char *b)
{
    return spelling_distance(slice_of(a), slice_of(b), 9);
}

static void
distances(void **state)
{
    (void)state;
    assert_int_equal(distance("", ""), 0);
    assert_int_equal(distance("", "abc"), 3);
    assert_int_equal(distance("berlin", "berlin"), 0);
    assert_int_equal(distance("berln", "berlin"), 1);
    assert_int_equal(distance("berlinn", "berlin"), 1);
    assert_int_equal(distance("barlin", "berlin"), 1);
    assert_int_equal(distance("ebrlin", "berlin"), 1); /* swapped */
    assert_int_equal(distance("BERLIN", "berlin"), 0); /* case is no error */
    assert_int_equal(distance("kitten", "sitting"), 3);
    assert_int_equal(distance("ca", "abc"), 3); /* optimal string alignment: no letter is moved twice */
    assert_int_equal(spelling_distance(slice_of("kitten"), slice_of("sitting"), 2), 3);
    assert_int_equal(spelling_distance(slice_of("aaaaaaaaaa"), slice_of("bbbbbbbbbb"), 4), 5);
}

static const char *
suggest(const char *wanted, const char *const *words, struct spelling_hint *hint)
{
    struct spelling spelling = spelling_of(slice_of(wanted));

    for (; *words != NULL; words++)
        spelling_offer(&spelling, slice_of(*words));
    *hint = spelling_hint(&spelling);
    return hint->text;
}

static void
hints(void **state)
{
    static const char *const words[] = {"waiting", "open", "opens", "p1", NULL};
    struct spelling_hint hint;

    (void)state;
    assert_string_equal(suggest("opne", words, &hint), "; did you mean \"open\"?");
    assert_string_equal(suggest("Open", words, &hint), "; did you mean \"open\"?");
    assert_string_equal(suggest("wating", words, &hint), "; did you mean \"waiting\"?");
    assert_string_equal(suggest("p2", words, &hint), "; did you mean \"p1\"?");
    assert_string_equal(suggest("x", words, &hint), "");
    assert_string_equal(suggest("closed", words, &hint), "");
    assert_string_equal(suggest("", words, &hint), "");
}

static void
long_words_are_not_suggested(void **state)
{
    char text[100];
    const char *words[] = {text, NULL};
    struct spelling_hint hint;

    (void)state;
    memset(text, 'a', sizeof text);
    text[65] = '\0';
    assert_string_equal(suggest(text, words, &hint), "");
    text[64] = '\0';
    assert_int_not_equal(strlen(suggest(text, words, &hint)), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(distances), cmocka_unit_test(hints),
                                       cmocka_unit_test(long_words_are_not_suggested)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
