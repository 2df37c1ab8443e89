#include "../support/unit.h"
#include "base/buffer.h"
#include "base/varint.h"

static const int64_t values[] = {
    0,   1,   -1,    63,    64,      -64,       -65,       127,
    128, 300, -8192, 16384, 1 << 21, INT64_MAX, INT64_MIN, INT64_C(1795342530000)};

enum { VALUES = sizeof values / sizeof values[0] };

static void
test_what_is_put_is_got(void **state)
{
    struct buffer buffer = {0};
    struct slice rest;

    (void)state;
    for (size_t i = 0; i < VALUES; i++) {
        buffer_append_varint_signed(&buffer, values[i]);
        buffer_append_varint(&buffer, (uint64_t)values[i]);
    }
    buffer_append_varint_slice(&buffer, slice_of("text"));
    rest = buffer_slice(&buffer);
    for (size_t i = 0; i < VALUES; i++) {
        int64_t with_sign;
        uint64_t without;

        assert_int_equal(varint_get_signed(&rest, &with_sign), 0);
        assert_int_equal(varint_get(&rest, &without), 0);
        assert_true(with_sign == values[i] && without == (uint64_t)values[i]);
    }
    {
        struct slice text;

        assert_int_equal(varint_get_slice(&rest, &text), 0);
        assert_true(slice_is(text, "text"));
    }
    assert_int_equal(rest.bytes, 0);
    buffer_free(&buffer);
}

static void
test_small_numbers_are_short(void **state)
{
    char bytes[VARINT_BYTES_MAX];

    (void)state;
    assert_int_equal(varint_put(bytes, 127), 1);
    assert_int_equal(varint_put(bytes, 128), 2);
    assert_memory_equal(bytes, "\x80\x01", 2);
    assert_int_equal(varint_put(bytes, UINT64_MAX), 10);
    assert_int_equal(varint_put_signed(bytes, -64), 1);
    assert_int_equal(varint_put_signed(bytes, 64), 2);
}

static void
refuse(const char *bytes, size_t count)
{
    struct slice rest = {bytes, count};
    uint64_t value = 77;

    assert_int_equal(varint_get(&rest, &value), -1);
    assert_int_equal(value, 77);
    assert_true(rest.at == bytes && rest.bytes == count);
}

static void
test_broken_bytes_are_refused_and_nothing_moves(void **state)
{
    struct slice rest = {"\x05"
                         "abcd",
                         5};
    struct slice text;

    (void)state;
    refuse("", 0);
    refuse("\x80", 1);
    refuse("\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    refuse("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    refuse("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
    refuse("\x80\x00", 2); /* 0 has one form */
    refuse("\xff\x80\x00", 3);
    assert_int_equal(varint_get_slice(&rest, &text), -1);
    assert_int_equal(rest.bytes, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_put_is_got),
        cmocka_unit_test(test_small_numbers_are_short),
        cmocka_unit_test(test_broken_bytes_are_refused_and_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
