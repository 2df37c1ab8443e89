#include "../support/unit.h"
#include "base/symbols.h"
#include <stdio.h>

static void
test_equal_texts_have_equal_numbers(void **state)
{
    struct symbols *symbols = symbols_new();
    symbol acme = symbols_intern(symbols, slice_of("acme"));

    (void)state;
    assert_int_not_equal(acme, 0);
    assert_int_equal(symbols_intern(symbols, slice_of("acme")), acme);
    assert_int_equal(symbols_find(symbols, slice_of("acme")), acme);
    assert_int_equal(symbols_find(symbols, slice_of("acm")), 0);
    assert_true(slice_is(symbols_text(symbols, acme), "acme"));
    assert_int_equal(symbols_text(symbols, acme).at[4], '\0');
    assert_int_equal(symbols_count(symbols), 1);
    symbols_release(symbols, acme);
    assert_int_equal(symbols_count(symbols), 1);
    symbols_release(symbols, acme);
    assert_int_equal(symbols_count(symbols), 0);
    assert_int_equal(symbols_find(symbols, slice_of("acme")), 0);
    symbols_free(symbols);
    symbols_free(NULL);
}

static void
test_no_text_is_not_the_empty_text(void **state)
{
    struct symbols *symbols = symbols_new();
    symbol empty = symbols_intern(symbols, slice_of(""));

    (void)state;
    assert_int_equal(symbols_intern(symbols, slice_of(NULL)), 0);
    assert_int_not_equal(empty, 0);
    assert_int_equal(symbols_text(symbols, empty).bytes, 0);
    assert_non_null(symbols_text(symbols, empty).at);
    assert_null(symbols_text(symbols, 0).at);
    symbols_retain(symbols, 0);
    symbols_release(symbols, 0);
    symbols_free(symbols);
}

/* Random lives against an array of counts; texts stay where they are while others come and go. */
static void
test_random_lives_agree_with_counts(void **state)
{
    enum { TEXTS = 700 };
    static uint32_t counts[TEXTS];
    static symbol numbers[TEXTS];
    static const char *places[TEXTS];
    struct symbols *symbols = symbols_new();
    uint64_t seed = 21;
    size_t held = 0;

    (void)state;
    for (int step = 0; step < 50000; step++) {
        size_t i = unit_random(&seed) % TEXTS;
        char text[20];

        snprintf(text, sizeof text, "service-%zu", i);
        assert_int_equal(symbols_find(symbols, slice_of(text)), counts[i] > 0 ? numbers[i] : 0);
        if (unit_random(&seed) % 2 == 0) {
            symbol number = symbols_intern(symbols, slice_of(text));

            assert_true(counts[i] == 0 || number == numbers[i]);
            held += counts[i]++ == 0;
            numbers[i] = number;
            places[i] = counts[i] == 1 ? symbols_text(symbols, number).at : places[i];
        } else if (counts[i] > 0) {
            assert_ptr_equal(symbols_text(symbols, numbers[i]).at, places[i]);
            assert_true(slice_is(symbols_text(symbols, numbers[i]), text));
            symbols_release(symbols, numbers[i]);
            held -= --counts[i] == 0;
        }
        assert_int_equal(symbols_count(symbols), held);
    }
    assert_in_range(symbols_bytes(symbols), 1, 200000);
    symbols_free(symbols);
}

static void
release_a_stranger(void *argument)
{
    struct symbols *symbols = symbols_new();
    symbol number = symbols_intern(symbols, slice_of("x"));

    (void)argument;
    symbols_release(symbols, number);
    symbols_release(symbols, number);
}

static void
test_one_release_too_many_stops_the_process(void **state)
{
    (void)state;
    assert_true(unit_aborts(release_a_stranger, NULL, NULL, 0));
}

/* A text has one hash, whatever its number is, in whatever table. */
static void
test_a_text_has_one_hash_everywhere(void **state)
{
    enum { TEXTS = 500 };
    struct symbols *one = symbols_new(), *other = symbols_new();
    uint64_t hashes[TEXTS];
    char text[20];

    (void)state;
    assert_int_equal(symbols_hash(one, 0), 0);
    for (int i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "service-%d", TEXTS - 1 - i);
        (void)symbols_intern(other, slice_of(text));
    }
    for (int i = 0; i < TEXTS; i++) {
        symbol number;

        snprintf(text, sizeof text, "service-%d", i);
        number = symbols_intern(one, slice_of(text));
        hashes[i] = symbols_hash(one, number);
        assert_int_not_equal(hashes[i], 0);
        assert_true(hashes[i] == symbols_hash(other, symbols_find(other, slice_of(text))));
        for (int k = 0; k < i; k++)
            assert_true(hashes[k] != hashes[i]);
    }
    assert_int_not_equal(symbols_hash(one, symbols_intern(one, slice_of(""))), 0); /* the empty text is one */
    symbols_release(
        one,
        symbols_find(one, slice_of("service-7"))); /* and keeps it when it comes again under another number */
    (void)symbols_intern(one, slice_of("newcomer"));
    assert_true(symbols_hash(one, symbols_intern(one, slice_of("service-7"))) == hashes[7]);
    symbols_free(one);
    symbols_free(other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_texts_have_equal_numbers),
        cmocka_unit_test(test_no_text_is_not_the_empty_text),
        cmocka_unit_test(test_random_lives_agree_with_counts),
        cmocka_unit_test(test_one_release_too_many_stops_the_process),
        cmocka_unit_test(test_a_text_has_one_hash_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
