#include "../support/unit.h"
#include "base/buffer.h"
#include <inttypes.h>
#include <stdio.h>

static void
test_appends_come_one_behind_the_other(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    assert_non_null(buffer_slice(&buffer).at);
    buffer_append_byte(&buffer, '{');
    buffer_append_text(&buffer, "\"ms\":");
    buffer_append_int64(&buffer, -42);
    buffer_append_slice(&buffer, slice_of("}"));
    buffer_append(&buffer, NULL, 0);
    assert_true(slice_is(buffer_slice(&buffer), "{\"ms\":-42}"));
    buffer_free(&buffer);
    assert_int_equal(buffer.room, 0);
}

static void
test_growing_keeps_what_is_there(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    for (int i = 0; i < 5000; i++)
        buffer_append(&buffer, &i, sizeof i);
    assert_int_equal(buffer.bytes, 5000 * sizeof(int));
    for (int i = 0; i < 5000; i++)
        assert_memory_equal(buffer.at + (size_t)i * sizeof i, &i, sizeof i);
    buffer_reset(&buffer);
    assert_int_equal(buffer.bytes, 0);
    assert_true(buffer.room >= 5000 * sizeof(int));
    memcpy(buffer_reserve(&buffer, 3), "abc", 3);
    buffer_advance(&buffer, 2);
    assert_true(slice_is(buffer_slice(&buffer), "ab"));
    buffer_free(&buffer);
}

static void
test_int64_in_decimal(void **state)
{
    static const int64_t values[] = {0, 7, -1, 10, 99, 100, -1000, 1799999999999, INT64_MAX, INT64_MIN};
    struct buffer buffer = {0};
    char wanted[32];

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        buffer_reset(&buffer);
        buffer_append_int64(&buffer, values[i]);
        snprintf(wanted, sizeof wanted, "%" PRId64, values[i]);
        assert_true(slice_is(buffer_slice(&buffer), wanted));
    }
    buffer_free(&buffer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends_come_one_behind_the_other),
        cmocka_unit_test(test_growing_keeps_what_is_there),
        cmocka_unit_test(test_int64_in_decimal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
