/* Dead letters: the five headers and replay's line. */
#include "../support/unit.h"
#include "wire/dead_letter.h"

static void
test_headers(void **state)
{
    static const char *const names[] = {"slad-error", "slad-detail", "slad-topic", "slad-partition",
                                        "slad-offset"};
    static const char *const values[] = {"wrong_key", "ticket: why", "tickets", "-2147483648",
                                         "-9223372036854775808"};
    struct dead_letter letter;

    (void)state;
    dead_letter_set(&letter, ERROR_WRONG_KEY, "ticket: why", "tickets", INT32_MIN, INT64_MIN);
    for (int i = 0; i < DEAD_LETTER_HEADERS_COUNT; i++) {
        assert_string_equal(letter.headers[i].name, names[i]);
        assert_true(slice_is(letter.headers[i].value, values[i]));
        assert_true(dead_letter_is_header(slice_of(names[i])));
    }
    assert_false(dead_letter_is_header(slice_of("slad-errors")));
    dead_letter_set(&letter, ERROR_POISON, NULL, "t", 0, 7);
    assert_int_equal(letter.headers[1].value.bytes, 0);
    assert_non_null(letter.headers[1].value.at);
    assert_true(slice_is(letter.headers[4].value, "7"));
}

/* Never half a character. */
static void
test_long_detail_is_cut(void **state)
{
    char detail[600];
    struct dead_letter letter;

    (void)state;
    memset(detail, 'x', sizeof detail);
    memcpy(detail + 254, "\xc3\xa4", 2);
    detail[599] = '\0';
    dead_letter_set(&letter, ERROR_BAD_JSON, detail, "t", 0, 0);
    assert_int_equal(letter.headers[1].value.bytes, 254);
    memcpy(detail + 253, "\xc3\xa4x", 3);
    dead_letter_set(&letter, ERROR_BAD_JSON, detail, "t", 0, 0);
    assert_int_equal(letter.headers[1].value.bytes, 255);
}

static void
test_line(void **state)
{
    struct buffer out = {0};

    (void)state;
    dead_letter_print_line(&out, ERROR_BAD_TIME, "time: \"x\"", 3, NULL);
    dead_letter_print_line(&out, ERROR_NESTED_TOO_DEEP, NULL, 12345678901, "a\xff/\xc3\xa4.ndjson");
    dead_letter_print_line(&out, ERROR_NESTED_TOO_DEEP, "d", 1, "\xc3\xa4.ndjson");
    assert_true(slice_is(buffer_slice(&out),
                         "{\"error\":\"bad_time\",\"detail\":\"time: \\\"x\\\"\",\"line\":3}\n"
                         "{\"error\":\"nested_too_deep\",\"detail\":\"\",\"line\":12345678901,"
                         "\"file\":\"a?/??.ndjson\"}\n"
                         "{\"error\":\"nested_too_deep\",\"detail\":\"d\",\"line\":1,"
                         "\"file\":\"\xc3\xa4.ndjson\"}\n"));
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_long_detail_is_cut),
        cmocka_unit_test(test_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
