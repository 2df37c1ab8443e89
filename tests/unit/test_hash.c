#include "../support/unit.h"
#include "base/hash.h"

/* Values of two other implementations: CPython 3.11 (SipHash-1-3, key 0) and OpenSSL 3 (SipHash-2-4, 128
 * bits). */
static void
test_bytes_are_siphash_1_3(void **state)
{
    (void)state;
    assert_true(hash_slice(0, slice_of("a")) == UINT64_C(0x407448d2b89b1813));
    assert_true(hash_slice(0, slice_of("1234567")) == UINT64_C(0xa33d651594fdae81));
    assert_true(hash_slice(0, slice_of("12345678")) == UINT64_C(0x3489982430560a87));
    assert_true(hash_slice(0, slice_of("123456789")) == UINT64_C(0x0fbc0f0007965fcf));
    assert_true(hash_slice(0, slice_of("The quick brown fox jumps over the lazy dog")) ==
                UINT64_C(0x8df676d3d00c451e));
    assert_true(hash_slice(1, slice_of("a")) != hash_slice(0, slice_of("a")));
    assert_true(hash_bytes(0, NULL, 0) == hash_slice(0, slice_of("")));
}

static void
test_bytes128_are_siphash_2_4(void **state)
{
    static const unsigned char bytes[15] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    struct hash128 key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    struct hash128 hash = hash_bytes128(key, bytes, 0);

    (void)state;
    assert_true(
        hash128_equal(hash, (struct hash128){UINT64_C(0xe6a825ba047f81a3), UINT64_C(0x930255c71472f66d)}));
    hash = hash_bytes128(key, bytes, 8);
    assert_true(
        hash128_equal(hash, (struct hash128){UINT64_C(0x61f55862baa9623b), UINT64_C(0xb49714f364e2830f)}));
    hash = hash_bytes128(key, bytes, 15);
    assert_true(
        hash128_equal(hash, (struct hash128){UINT64_C(0x11a8b03399e99354), UINT64_C(0xd9c3cf970fec087e)}));
    assert_false(hash128_equal(hash, (struct hash128){hash.low, hash.high ^ 1}));
    assert_false(hash128_equal(hash, (struct hash128){hash.low ^ 1, hash.high}));
}

static void
test_alignment_does_not_matter(void **state)
{
    char room[64];
    uint64_t wanted = hash_slice(7, slice_of("INC0012345/sla/resolution"));

    (void)state;
    for (size_t shift = 0; shift < 9; shift++) {
        memcpy(room + shift, "INC0012345/sla/resolution", 25);
        assert_true(hash_bytes(7, room + shift, 25) == wanted);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_are_siphash_1_3),
        cmocka_unit_test(test_bytes128_are_siphash_2_4),
        cmocka_unit_test(test_alignment_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
