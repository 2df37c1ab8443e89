/* A dead letter is what came, as far as a record has room. */
#include "../support/unit.h"
#include "base/memory.h"
#include "shell/batch.h"
#include "shell/publish.h"
#include <stdlib.h>

enum { RECORD_BYTES_MAX = 2097152, FAT_BYTES = 4 * 1024 * 1024 };

static struct batch_record
letter_of(struct batch *batch, struct slice key, struct slice value, rd_kafka_headers_t *headers)
{
    const struct publish_letter letter = {.error = ERROR_TOO_LARGE,
                                          .detail = "more than 262144 bytes",
                                          .topic = "tickets",
                                          .partition = 3,
                                          .offset = 7,
                                          .key = key,
                                          .value = value,
                                          .headers = headers};

    batch_reset(batch);
    publish_letter(batch, &letter);
    assert_int_equal(batch_count(batch), 1);
    return batch_get(batch, 0);
}

/* Returns how many of the letter's own headers are there; their bytes are added to *bytes. */
static size_t
count_headers(struct slice headers, size_t *bytes, bool *ret_says_why)
{
    struct slice name, value;
    size_t own = 0;

    *ret_says_why = false;
    while (batch_header_next(&headers, &name, &value)) {
        *bytes += name.bytes + value.bytes;
        own += name.bytes < 5 || memcmp(name.at, "slad-", 5) != 0;
        *ret_says_why |= slice_is(name, "slad-error") && slice_is(value, "too_large");
    }
    return own;
}

static void
test_it_is_as_it_came(void **state)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
    struct batch *batch = batch_new(NULL);
    struct batch_record record;
    size_t bytes = 0;
    bool says_why;

    (void)state;
    rd_kafka_header_add(headers, "trace", -1, "abc", 3);
    rd_kafka_header_add(headers, "slad-error", -1, "forged", 6);
    record = letter_of(batch, slice_of("T-1"), slice_of("{"), headers);
    assert_true(slice_is(record.key, "T-1") && slice_is(record.value, "{"));
    assert_int_equal(count_headers(record.headers, &bytes, &says_why), 1);
    assert_true(says_why);
    rd_kafka_headers_destroy(headers);
    batch_free(batch);
}

/* What a topic let through that takes larger records than others do is cut: a letter that could not be sent
 * would hold up everybody's epoch for ever. */
static void
test_it_has_room_in_a_record(void **state)
{
    char *fat = memory_allocate_zeroed(FAT_BYTES, 1);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(3);
    struct batch *batch = batch_new(NULL);
    struct slice much = {fat, FAT_BYTES};
    struct batch_record record;
    size_t bytes = 0;
    bool says_why;

    (void)state;
    memset(fat, 'x', FAT_BYTES);
    rd_kafka_header_add(headers, "trace", -1, "abc", 3);
    rd_kafka_header_add(headers, "fat", -1, fat, FAT_BYTES);
    rd_kafka_header_add(headers, "last", -1, "z", 1);
    record = letter_of(batch, much, much, headers);
    assert_int_equal(count_headers(record.headers, &bytes, &says_why), 2);
    assert_true(says_why);
    assert_true(record.key.bytes + record.value.bytes + bytes < RECORD_BYTES_MAX - 4096);
    rd_kafka_headers_destroy(headers);
    batch_free(batch);
    memory_free(fat);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_as_it_came),
        cmocka_unit_test(test_it_has_room_in_a_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
