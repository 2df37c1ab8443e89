/* What one task says in one epoch: what was written is read back, also after the memory moved, and by another
 * thread; what nobody needs any more goes back. */
#include "../support/unit.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "shell/batch.h"
#include "shell/handover.h"

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
    struct batch *batch = batch_new(NULL);
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
    struct batch *batch = batch_new(NULL);

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
    struct batch *batch = batch_new(NULL);
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
    struct batch *batch = batch_new(NULL);
    size_t stormy;

    (void)state;
    batch_begin(batch, TOPIC_ALERTS, 0, slice_of("large"));
    for (int i = 0; i < 500; i++)
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

static void
add_record(struct batch *batch, int i, const char *text, size_t bytes)
{
    batch_begin(batch, TOPIC_OUTCOMES, i, (struct slice){text, 100});
    buffer_append(batch_value(batch), text, bytes);
    batch_header(batch, slice_of("some"), (struct slice){text, 50});
    batch_end(batch);
}

/* What one batch gives back the next one writes on, whoever had it; what nobody wants goes. */
static void
test_pieces_go_round(void **state)
{
    static const char text[30000] = {'x'};
    struct batch_store *store = batch_store_new();
    struct batch *first = batch_new(store), *second = batch_new(store);
    const char *first_at[100];
    bool warm = false;

    (void)state;
    for (int i = 0; i < 100; i++)
        add_record(first, i, text, sizeof text);
    for (size_t i = 0; i < 100; i++)
        first_at[i] = batch_get(first, i).value.at;
    assert_int_equal(batch_store_bytes(store), 0);
    assert_true(batch_bytes(first) > 100 * sizeof text);
    batch_reset(first);
    assert_true(batch_bytes(first) == 0);
    assert_true(batch_store_bytes(store) > 2 * sizeof text);
    for (int i = 0; i < 40; i++)
        add_record(second, i, text, sizeof text);
    for (size_t i = 0; i < 100; i++)
        warm |= first_at[i] == batch_get(second, 39).value.at;
    assert_true(warm);
    batch_store_trim(store); /* what is left was needed since the last call */
    assert_true(batch_store_bytes(store) > 0);
    batch_free(second);
    batch_store_trim(store);
    assert_true(batch_store_bytes(store) > 0);
    batch_store_trim(store);
    assert_int_equal(batch_store_bytes(store), 0);
    add_record(first, 0, text, sizeof text);
    batch_free(first);
    batch_store_free(store);
}

/* Five hundred tasks have read their share of a backlog, one after the other: who waits holds next to
 * nothing, and the next epoch begins where there is room for it. */
static void
test_the_waiting_hold_next_to_nothing(void **state)
{
    static const char text[5000] = {'x'};
    struct batch_store *store = batch_store_new();
    struct batch *batches[500];
    size_t held_bytes = 0, full_bytes;

    (void)state;
    for (size_t i = 0; i < 500; i++) {
        batches[i] = batch_new(store);
        for (int n = 0; n < 150 + (int)i; n++)
            add_record(batches[i], n, text, sizeof text);
        full_bytes = batch_room_bytes(batches[i]);
        batch_reset(batches[i]);
        held_bytes += batch_room_bytes(batches[i]);
    }
    assert_true(held_bytes <= 500 * 65536);
    assert_true(batch_store_bytes(store) <= full_bytes);
    add_record(batches[400], 0, text, sizeof text);
    assert_true(batch_room_bytes(batches[400]) > 800000);
    batch_reset(batches[400]);
    add_record(batches[400], 0, text, sizeof text); /* now it needs little */
    assert_true(batch_room_bytes(batches[400]) <= 65536);
    for (size_t i = 0; i < 500; i++)
        batch_free(batches[i]);
    batch_store_trim(store);
    batch_store_trim(store);
    assert_int_equal(batch_store_bytes(store), 0);
    batch_store_free(store);
}

enum { TEST_PAGE_BYTES = 4096 };

/* Whether the page there is in memory. */
static bool
is_resident(const char *at)
{
    unsigned char resident = 0;
    void *page = (void *)((uintptr_t)at & ~(uintptr_t)(TEST_PAGE_BYTES - 1));

    return mincore(page, TEST_PAGE_BYTES, &resident) == 0 && (resident & 1) != 0;
}

/* Whatever malloc makes of it. */
static void
test_the_system_gets_its_pages_back(void **state)
{
    static const char text[30000] = {'x'};
    struct batch_store *store = batch_store_new();
    struct batch *batch = batch_new(store);
    const char *last_at;
    void *behind;

    (void)state;
    for (int i = 0; i < 50; i++)
        add_record(batch, i, text, sizeof text);
    last_at = batch_get(batch, 49).value.at + TEST_PAGE_BYTES;
    behind = malloc(100000); /* it does not lie at the end of the heap */
    batch_reset(batch);
    batch_store_trim(store);
    assert_true(is_resident(last_at));
    batch_store_trim(store);
    assert_false(is_resident(last_at));
    free(behind);
    batch_free(batch);
    batch_store_free(store);
}

/* ---- threads ---- */

enum { THREADS_ROUNDS = 300 };

struct threads {
    struct batch_store *store;
    struct handover *sent, *back; /* to the sender and to the writer, as epochs go */
    size_t wrong_count;
};

static char
letter(size_t round, size_t record)
{
    return (char)('a' + (round + record) % 26);
}

static void
write_epoch(struct batch *batch, size_t round)
{
    char text[20000];

    for (size_t i = 0; i < 20 + round % 97; i++) {
        memset(text, letter(round, i), sizeof text);
        add_record(batch, (int)round, text, sizeof text);
    }
}

static size_t
count_wrong(const struct batch *batch)
{
    size_t wrong_count = 0;

    for (size_t i = 0; i < batch_count(batch); i++) {
        struct batch_record record = batch_get(batch, i);
        char expected = letter((size_t)record.partition, i);

        for (size_t at = 0; at < record.value.bytes; at += 499)
            wrong_count += record.value.at[at] != expected;
        wrong_count +=
            record.key.at[0] != expected || record.headers.at[record.headers.bytes - 1] != expected;
    }
    return wrong_count;
}

/* Reads epochs as they are sent; gives every other one back and frees the rest itself. */
static void *
send_epochs(void *context)
{
    struct threads *threads = context;

    for (size_t round = 0; round < THREADS_ROUNDS; round++) {
        struct batch *batch;

        while ((batch = handover_take_wait(threads->sent, 1000)) == NULL)
            continue;
        threads->wrong_count += count_wrong(batch);
        if (round % 2 == 0 || !handover_put(threads->back, batch))
            batch_free(batch);
    }
    return NULL;
}

/* Another task, with an epoch of its own all the time, and who trims. */
static void *
write_beside(void *context)
{
    struct threads *threads = context;
    struct batch *batch = batch_new(threads->store);
    size_t *wrong_count = malloc(sizeof *wrong_count);

    *wrong_count = 0;
    for (size_t round = 0; round < THREADS_ROUNDS; round++) {
        write_epoch(batch, round);
        *wrong_count += count_wrong(batch);
        batch_reset(batch);
        if (round % 7 == 0)
            batch_store_trim(threads->store);
        (void)batch_store_bytes(threads->store);
    }
    batch_free(batch);
    return wrong_count;
}

static void
test_threads_share_a_store(void **state)
{
    struct threads threads = {batch_store_new(), handover_new(2), handover_new(THREADS_ROUNDS), 0};
    pthread_t sender, beside;
    struct batch *batch;
    void *wrong_count;

    (void)state;
    assert_int_equal(pthread_create(&sender, NULL, send_epochs, &threads), 0);
    assert_int_equal(pthread_create(&beside, NULL, write_beside, &threads), 0);
    for (size_t round = 0; round < THREADS_ROUNDS; round++) {
        batch = handover_take(threads.back);
        if (batch == NULL)
            batch = batch_new(threads.store);
        else
            batch_reset(batch);
        write_epoch(batch, round);
        while (!handover_put(threads.sent, batch))
            sched_yield();
    }
    assert_int_equal(pthread_join(sender, NULL), 0);
    assert_int_equal(pthread_join(beside, &wrong_count), 0);
    assert_int_equal(threads.wrong_count, 0);
    assert_int_equal(*(size_t *)wrong_count, 0);
    free(wrong_count);
    while ((batch = handover_take(threads.back)) != NULL)
        batch_free(batch);
    handover_free(threads.sent);
    handover_free(threads.back);
    batch_store_free(threads.store);
}

/* A record larger than a piece makes its piece grow: whole, and what lies before it too. */
static void
test_giants(void **state)
{
    static char text[3000000];
    struct batch_store *store = batch_store_new();
    struct batch *batch = batch_new(store);

    (void)state;
    for (int i = 0; i < 40; i++) {
        memset(text, 'a' + i % 26, sizeof text);
        add_record(batch, i, text, i % 7 == 6 ? sizeof text : 100000);
    }
    for (int i = 0; i < 40; i++) {
        struct batch_record record = batch_get(batch, (size_t)i);

        memset(text, 'a' + i % 26, sizeof text);
        assert_int_equal(record.value.bytes, i % 7 == 6 ? sizeof text : 100000);
        assert_memory_equal(record.key.at, text, 100);
        assert_memory_equal(record.value.at, text, record.value.bytes);
    }
    batch_reset(batch);
    assert_true(batch_store_bytes(store) < sizeof text);
    batch_free(batch);
    batch_store_free(store);
}

/* Of megabytes, and used again. */
static void
test_large_ones_keep_what_they_hold(void **state)
{
    static char text[20000];
    struct batch *batch = batch_new(NULL);

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
        cmocka_unit_test(test_pieces_go_round),
        cmocka_unit_test(test_the_waiting_hold_next_to_nothing),
        cmocka_unit_test(test_the_system_gets_its_pages_back),
        cmocka_unit_test(test_threads_share_a_store),
        cmocka_unit_test(test_giants),
        cmocka_unit_test(test_large_ones_keep_what_they_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
