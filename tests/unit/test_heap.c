#include "../support/unit.h"
#include "base/heap.h"

enum { ITEMS = 500 };

struct timer {
    struct heap_item item;
    int number;
};

static bool
number_less(const struct heap_item *a, const struct heap_item *b)
{
    return ((const struct timer *)a)->number < ((const struct timer *)b)->number;
}

static const struct timer *
least(const struct timer *timers)
{
    const struct timer *best = NULL;

    for (int i = 0; i < ITEMS; i++) {
        const struct timer *timer = &timers[i];

        if (heap_item_is_in(&timer->item) && (best == NULL || timer->item.at_ms < best->item.at_ms))
            best = timer;
    }
    return best;
}

static void
test_random_moves_agree_with_a_scan(void **state)
{
    static struct timer timers[ITEMS];
    struct heap *heap = heap_new(number_less);
    uint64_t seed = 3;
    size_t count = 0;

    (void)state;
    for (int i = 0; i < ITEMS; i++) {
        heap_item_init(&timers[i].item);
        timers[i].number = i;
    }
    for (int step = 0; step < 20000; step++) {
        struct timer *timer = &timers[unit_random(&seed) % ITEMS];
        int64_t at_ms = (int64_t)(unit_random(&seed) % 100) - 50;

        if (!heap_item_is_in(&timer->item)) {
            heap_put(heap, &timer->item, at_ms);
            count++;
        } else if (unit_random(&seed) % 3 != 0) {
            heap_move(heap, &timer->item, at_ms);
        } else {
            heap_remove(heap, &timer->item);
            count--;
        }
        assert_int_equal(heap_count(heap), count);
        assert_ptr_equal(heap_top(heap), least(timers));
        if (step % 500 == 0)
            heap_check(heap);
    }
    heap_free(heap);
}

/* However it was filled, equal instants come in the order of the tie-break. */
static void
test_ties_come_in_one_order(void **state)
{
    static struct timer timers[ITEMS];
    uint64_t seed = 5;

    (void)state;
    for (int round = 0; round < 5; round++) {
        struct heap *heap = heap_new(number_less);

        for (int i = 0; i < ITEMS; i++) {
            heap_item_init(&timers[i].item);
            timers[i].number = i;
        }
        for (int i = 0; i < ITEMS * 4; i++) {
            struct timer *timer = &timers[unit_random(&seed) % ITEMS];

            if (!heap_item_is_in(&timer->item))
                heap_put(heap, &timer->item, (int64_t)(unit_random(&seed) % 9));
        }
        while (heap_count(heap) > 0)
            heap_remove(heap, heap_top(heap));
        for (int i = ITEMS; i > 0; i--)
            heap_put(heap, &timers[(i * 7 + round) % ITEMS].item, 1000);
        for (int i = 0; i < ITEMS; i++) {
            assert_ptr_equal(heap_top(heap), &timers[i]);
            heap_remove(heap, heap_top(heap));
        }
        assert_null(heap_top(heap));
        heap_free(heap);
    }
}

static void
put_twice(void *argument)
{
    struct heap *heap = heap_new(NULL);

    heap_put(heap, argument, 1);
    heap_put(heap, argument, 2);
}

static void
remove_a_stranger(void *argument)
{
    heap_remove(heap_new(NULL), argument);
}

static void
test_misuse_stops_the_process(void **state)
{
    struct heap_item item;

    (void)state;
    heap_item_init(&item);
    assert_true(unit_aborts(put_twice, &item, NULL, 0));
    assert_true(unit_aborts(remove_a_stranger, &item, NULL, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_moves_agree_with_a_scan),
        cmocka_unit_test(test_ties_come_in_one_order),
        cmocka_unit_test(test_misuse_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
