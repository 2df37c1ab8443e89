/* Partitioners against the vectors of the clients that use them. */
#include "../support/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include "shell/partitioner.h"

/* org.apache.kafka.common.utils.UtilsTest.testMurmur2 */
static void
test_murmur2(void **state)
{
    static const struct {
        const char *key;
        int32_t hash;
    } vectors[] = {
        {"21", -973932308},
        {"foobar", -790332482},
        {"a-little-bit-long-string", -985981536},
        {"a-little-bit-longer-string", -1486304829},
        {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
        {"abc", 479470107},
    };

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        assert_int_equal((int32_t)partitioner_murmur2(slice_of(vectors[i].key)), vectors[i].hash);
}

/* The check value of CRC-32/ISO-HDLC. */
static void
test_crc32(void **state)
{
    (void)state;
    assert_int_equal(partitioner_crc32(slice_of("123456789")), 0xcbf43926);
    assert_int_equal(partitioner_crc32(slice_of("")), 0);
}

static void
test_partition_is_in_range(void **state)
{
    char key[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "INC%07d", i);
        for (int32_t count = 1; count < 40; count += 13)
            for (enum partitioner it = PARTITIONER_MURMUR2; it < PARTITIONER_ANY; it++) {
                int32_t partition = partitioner_partition(it, slice_of(key), count);

                assert_true(partition >= 0 && partition < count);
            }
    }
    /* a hash with its highest bit set: Java takes the sign away, it does not negate */
    assert_int_equal(partitioner_partition(PARTITIONER_MURMUR2, slice_of("21"), 1000),
                     (-973932308 & 0x7fffffff) % 1000);
}

static void
test_the_one_that_fits(void **state)
{
    struct slice key = slice_of("INC0000045");
    int32_t murmur2 = partitioner_partition(PARTITIONER_MURMUR2, key, 1000);
    int32_t crc32 = partitioner_partition(PARTITIONER_CRC32, key, 1000);

    (void)state;
    assert_int_not_equal(murmur2, crc32);
    assert_int_equal(partitioner_that_fits(key, murmur2, 1000), PARTITIONER_MURMUR2);
    assert_int_equal(partitioner_that_fits(key, crc32, 1000), PARTITIONER_CRC32);
    assert_int_equal(partitioner_that_fits(key, 999 - murmur2 - (999 - murmur2 == crc32), 1000),
                     PARTITIONER_ANY);
    assert_string_equal(partitioner_text(PARTITIONER_CRC32), "crc32");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_murmur2),
        cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_partition_is_in_range),
        cmocka_unit_test(test_the_one_that_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
