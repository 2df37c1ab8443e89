/* What one task says in one epoch: what was written is read back, also after the memory moved. */
#include "../support/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include "shell/batch.h"

static void
assert_slice(struct slice found, const char *expected)
{
    assert_non_null(found.at);
    assert_int_equal(found.bytes, strlen(expected));
    assert_memory_equal(found.at, expected, found.bytes);
}

static void
test_records_come_back(void **state)
{
    struct batch *batch = batch_new();
    struct batch_record record;
    struct slice name, value;

    (void)state;
    batch_begin(batch, TOPIC_ALERTS, 3, slice_of("key"));
    buffer_append_text(batch_value(batch), "val");
    buffer_append_text(batch_value(batch), "ue");
    batch_header(batch, slice_of("a"), slice_of("1"));
    batch_header(batch, slice_of("empty"), slice_of(""));
    batch_header(batch, slice_of("none"), (struct slice){0});
    batch_end(batch);
    record = batch_get(batch, 0);
    assert_int_equal(record.topic, TOPIC_ALERTS);
    assert_int_equal(record.partition, 3);
    assert_slice(record.key, "key");
    assert_slice(record.value, "value");
    assert_true(batch_header_next(&record.headers, &name, &value));
    assert_slice(name, "a");
    assert_slice(value, "1");
    assert_true(batch_header_next(&record.headers, &name, &value));
    assert_slice(name, "empty");
    assert_slice(value, "");
    assert_true(batch_header_next(&record.headers, &name, &value));
    assert_slice(name, "none");
    assert_null(value.at);
    assert_false(batch_header_next(&record.headers, &name, &value));
    batch_free(batch);
}

static void
test_tombstones_and_no_key(void **state)
{
    struct batch *batch = batch_new();

    (void)state;
    batch_begin(batch, TOPIC_ALERTS, 0, slice_of("gone"));
    batch_end(batch);
    batch_begin(batch, TOPIC_STATE, 0, slice_of("saved nothing"));
    (void)batch_value(batch);
    batch_drop_value(batch);
    batch_end(batch);
    batch_begin(batch, TOPIC_DEADLETTERS, 0, (struct slice){0});
    (void)batch_value(batch);
    batch_end(batch);
    assert_null(batch_get(batch, 0).value.at);
    assert_null(batch_get(batch, 1).value.at);
    assert_null(batch_get(batch, 2).key.at);
    assert_slice(batch_get(batch, 2).value, ""); /* empty is not nothing */
    batch_free(batch);
}

static void
test_many(void **state)
{
    struct batch *batch = batch_new();
    char text[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "ticket-%d", i);
        batch_begin(batch, TOPIC_STATE, i, slice_of(text));
        for (int n = 0; n < i % 50; n++)
            buffer_append_byte(batch_value(batch), (char)('a' + n % 26));
        batch_header(batch, slice_of("n"), slice_of(text));
        batch_end(batch);
    }
    assert_int_equal(batch_count(batch), 5000);
    assert_true(batch_bytes(batch) > 5000 * 20);
    for (int i = 0; i < 5000; i++) {
        struct batch_record record = batch_get(batch, (size_t)i);
        struct slice name, value;

        (void)snprintf(text, sizeof text, "ticket-%d", i);
        assert_slice(record.key, text);
        assert_int_equal(record.value.bytes, i % 50);
        assert_true((record.value.at != NULL) == (i % 50 > 0));
        assert_true(batch_header_next(&record.headers, &name, &value));
        assert_slice(value, text);
    }
    batch_free(batch);
}

/* What is used again begins empty, and gives back what a storm has left. */
static void
test_used_again(void **state)
{
    struct batch *batch = batch_new();
    size_t stormy;

    (void)state;
    batch_begin(batch, TOPIC_ALERTS, 0, slice_of("large"));
    for (int i = 0; i < 1000; i++)
        buffer_append(batch_value(batch), (const char[1000]){0}, 1000);
    batch_end(batch);
    stormy = batch_room_bytes(batch);
    batch_reset(batch);
    assert_int_equal(batch_count(batch), 0);
    batch_begin(batch, TOPIC_ALERTS, 1, slice_of("small"));
    batch_end(batch);
    assert_int_equal(batch_get(batch, 0).partition, 1);
    assert_slice(batch_get(batch, 0).key, "small");
    assert_true(batch_room_bytes(batch) == stormy);
    batch_reset(batch);
    assert_true(batch_room_bytes(batch) == 0);
    batch_free(batch);
}

/* Of megabytes: its pages are asked for ahead, also where something lies already. */
static void
test_large_ones_keep_what_they_hold(void **state)
{
    static char text[20000];
    struct batch *batch = batch_new();

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            memset(text, 'a' + (i + round) % 26, sizeof text);
            batch_begin(batch, TOPIC_OUTCOMES, i, (struct slice){text, 100});
            buffer_append(batch_value(batch), text, sizeof text);
            batch_end(batch);
        }
        for (int i = 0; i < 300; i++) {
            struct batch_record record = batch_get(batch, (size_t)i);

            memset(text, 'a' + (i + round) % 26, sizeof text);
            assert_int_equal(record.key.bytes, 100);
            assert_int_equal(record.value.bytes, sizeof text);
            assert_memory_equal(record.key.at, text, 100);
            assert_memory_equal(record.value.at, text, sizeof text);
        }
        batch_reset(batch);
    }
    batch_free(batch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back),
        cmocka_unit_test(test_tombstones_and_no_key),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_used_again),
        cmocka_unit_test(test_large_ones_keep_what_they_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
