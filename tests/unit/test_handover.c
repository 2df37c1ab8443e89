/* The hand-over queue: order, bounds, waking, closing; and two threads on it, for the thread sanitizer. */
#include "../support/unit.h"
#include "base/memory.h"
#include "shell/handover.h"
#include <poll.h>
#include <pthread.h>

enum { ITEMS = 20000, PRODUCERS = 3 };

static bool
readable(struct handover *handover)
{
    struct pollfd one = {.fd = handover_descriptor(handover), .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

static void
test_order_and_bound(void **state)
{
    struct handover *handover = handover_new(3);
    int items[3];

    (void)state;
    assert_null(handover_take(handover));
    for (int i = 0; i < 3; i++)
        assert_true(handover_put(handover, &items[i]));
    assert_int_equal(handover_count(handover), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(handover_take(handover), &items[i]);
    assert_null(handover_take(handover));
    handover_free(handover);
}

static void
test_wakes(void **state)
{
    struct handover *handover = handover_new(2);
    int item;

    (void)state;
    assert_false(readable(handover));
    assert_true(handover_put(handover, &item));
    assert_true(readable(handover));
    handover_clear(handover);
    assert_false(readable(handover));
    assert_ptr_equal(handover_take(handover), &item); /* cleared first, taken afterwards: nothing is missed */
    assert_true(handover_put(handover, &item));
    assert_true(readable(handover));
    assert_ptr_equal(handover_take(handover), &item);
    handover_free(handover);
}

static void
test_waits_no_longer_than_asked(void **state)
{
    struct handover *handover = handover_new(1);

    (void)state;
    assert_null(handover_take_wait(handover, 20));
    handover_close(handover);
    assert_null(handover_take_wait(handover, 3600000)); /* closed: at once */
    handover_free(handover);
}

static void
test_closed_refuses_but_gives_what_is_left(void **state)
{
    struct handover *handover = handover_new(2);
    int first, second;

    (void)state;
    assert_true(handover_put(handover, &first));
    handover_close(handover);
    assert_true(handover_is_closed(handover));
    assert_true(readable(handover));
    assert_false(handover_put(handover, &second));
    assert_ptr_equal(handover_take_wait(handover, 0), &first);
    assert_null(handover_take(handover));
    handover_free(handover);
}

/* What is handed over is written by one thread and read by the other without a lock of its own. */
struct item {
    int producer, number;
    char text[32];
};

struct producer {
    struct handover *handover;
    int name;
};

static void *
produce(void *context)
{
    struct producer *producer = context;

    for (int i = 0; i < ITEMS; i++) {
        struct item *item = memory_allocate(sizeof *item);

        item->producer = producer->name;
        item->number = i;
        memset(item->text, 'a' + i % 26, sizeof item->text);
        if (!handover_put(producer->handover, item)) {
            memory_free(item);
            return NULL;
        }
    }
    return NULL;
}

static void
test_threads(void **state)
{
    struct handover *handover = handover_new(7); /* small: producers must wait */
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = {0}, taken = 0;

    (void)state;
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){handover, i};
        assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
    }
    while (taken < PRODUCERS * ITEMS) {
        struct item *item = handover_take_wait(handover, 10000);

        assert_non_null(item);
        assert_int_equal(item->number, next[item->producer]);
        assert_int_equal(item->text[31], 'a' + item->number % 26);
        next[item->producer]++;
        taken++;
        memory_free(item);
    }
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    handover_free(handover);
}

/* A reader that polls, clears and takes until empty sees everything. */
static void
test_polling_reader(void **state)
{
    struct handover *handover = handover_new(5);
    struct producer producer = {handover, 0};
    pthread_t thread;
    int taken = 0;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, produce, &producer), 0);
    while (taken < ITEMS) {
        struct pollfd one = {.fd = handover_descriptor(handover), .events = POLLIN};
        struct item *item;

        assert_int_equal(poll(&one, 1, 10000), 1);
        handover_clear(handover);
        while ((item = handover_take(handover)) != NULL) {
            assert_int_equal(item->number, taken);
            taken++;
            memory_free(item);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    handover_free(handover);
}

/* A producer that waits for room is let go by a close. */
static void
test_close_frees_a_waiting_producer(void **state)
{
    struct handover *handover = handover_new(1);
    struct producer producer = {handover, 0};
    struct item *item;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, produce, &producer), 0);
    item = handover_take_wait(handover, 10000);
    assert_non_null(item);
    memory_free(item);
    handover_close(handover);
    assert_int_equal(pthread_join(thread, NULL), 0);
    while ((item = handover_take(handover)) != NULL)
        memory_free(item);
    handover_free(handover);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_bound),
        cmocka_unit_test(test_wakes),
        cmocka_unit_test(test_waits_no_longer_than_asked),
        cmocka_unit_test(test_closed_refuses_but_gives_what_is_left),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_polling_reader),
        cmocka_unit_test(test_close_frees_a_waiting_producer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
