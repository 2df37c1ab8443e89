#include "../support/unit.h"
#include "base/map.h"
#include "base/memory.h"
#include <stdio.h>

enum { ITEMS = 3000 };

struct item {
    char key[12];
    bool is_in;
};

static struct slice
key_of_item(const void *value)
{
    return slice_of(((const struct item *)value)->key);
}

static struct item *
items_new(void)
{
    struct item *items = memory_allocate_zeroed(ITEMS, sizeof *items);

    for (int i = 0; i < ITEMS; i++)
        snprintf(items[i].key, sizeof items[i].key, "INC%07d", i);
    return items;
}

static void
check_all(const struct map *map, const struct item *items)
{
    size_t count = 0;
    size_t cursor = 0;
    size_t seen = 0;

    for (int i = 0; i < ITEMS; i++) {
        count += items[i].is_in;
        assert_ptr_equal(map_get(map, slice_of(items[i].key)), items[i].is_in ? &items[i] : NULL);
    }
    assert_int_equal(map_count(map), count);
    for (const struct item *item = map_each(map, &cursor); item != NULL; item = map_each(map, &cursor)) {
        assert_true(item->is_in);
        seen++;
    }
    assert_int_equal(seen, count);
}

static struct slice
key_of_hash(const void *value)
{
    return (struct slice){value, sizeof(uint64_t)};
}

/* Keys that are hashes, also such as differ in their lowest bits or highest bits alone. */
static void
test_keys_that_are_hashes_are_found(void **state)
{
    struct map *map = map_new_of_hashes(key_of_hash);
    uint64_t keys[600];
    size_t cursor = 0, seen = 0;

    (void)state;
    for (uint64_t i = 0; i < 600; i++) {
        keys[i] = i < 200 ? i : i < 400 ? (i - 199) << 55 : i * UINT64_C(0x9e3779b97f4a7c15);
        assert_null(map_put(map, &keys[i]));
    }
    for (size_t i = 0; i < 600; i += 2)
        assert_ptr_equal(map_remove(map, key_of_hash(&keys[i])), &keys[i]);
    for (size_t i = 0; i < 600; i++) {
        uint64_t same = keys[i];

        assert_ptr_equal(map_get(map, key_of_hash(&same)), i % 2 == 0 ? NULL : &keys[i]);
    }
    while (map_each(map, &cursor) != NULL)
        seen++;
    assert_int_equal(seen, 300);
    map_free(map);
}

/* Keys of the lengths at which they are compared in other ways. */
static void
test_keys_of_every_length_are_found(void **state)
{
    struct item items[11];
    struct map *map = map_new(key_of_item, 5);
    char same[12];

    (void)state;
    for (size_t bytes = 1; bytes < sizeof items[0].key; bytes++) {
        memset(items[bytes - 1].key, 'a', bytes);
        items[bytes - 1].key[bytes] = '\0';
        assert_null(map_put(map, &items[bytes - 1]));
    }
    for (size_t bytes = 1; bytes < sizeof items[0].key; bytes++) {
        memset(same, 'a', bytes);
        assert_ptr_equal(map_get(map, (struct slice){same, bytes}), &items[bytes - 1]);
        same[bytes - 1] = 'b';
        assert_null(map_get(map, (struct slice){same, bytes}));
    }
    map_free(map);
}

/* Against an array of truths: whatever was put and removed, what is found is what is in. */
static void
test_random_lives_agree_with_an_array(void **state)
{
    struct item *items = items_new();
    struct map *map = map_new(key_of_item, 42);
    uint64_t seed = 7;

    (void)state;
    for (int step = 1; step <= 60000; step++) {
        struct item *item = &items[unit_random(&seed) % (step < 30000 ? ITEMS : 40)];

        if (unit_random(&seed) % 5 < 3) {
            assert_ptr_equal(map_put(map, item), item->is_in ? item : NULL);
            item->is_in = true;
        } else {
            assert_ptr_equal(map_remove(map, slice_of(item->key)), item->is_in ? item : NULL);
            item->is_in = false;
        }
        if (step % 6000 == 0)
            check_all(map, items);
    }
    map_free(map);
    memory_free(items);
}

static void
test_put_replaces_the_value_of_a_key(void **state)
{
    struct map *map = map_new(key_of_item, 0);
    struct item first = {"a", true};
    struct item second = {"a", true};

    (void)state;
    assert_null(map_put(map, &first));
    assert_ptr_equal(map_put(map, &second), &first);
    assert_ptr_equal(map_get(map, slice_of("a")), &second);
    assert_int_equal(map_count(map), 1);
    assert_null(map_get(map, slice_of("b")));
    assert_null(map_remove(map, slice_of("")));
    map_free(map);
    map_free(NULL);
}

static struct slice
key_of_number(const void *value)
{
    return (struct slice){value, sizeof(uint32_t)};
}

/* A hundred thousand in and out again and again does not make it larger, nor slower: no tombstones. */
static void
test_memory_stays_within_bounds(void **state)
{
    enum { COUNT = 100000 };
    uint32_t *numbers = memory_allocate(COUNT * sizeof *numbers);
    struct map *map = map_new(key_of_number, 9);
    size_t bytes;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        numbers[i] = i;
        map_put(map, &numbers[i]);
    }
    bytes = map_bytes(map);
    assert_in_range(bytes, (uintmax_t)COUNT * 16, (uintmax_t)COUNT * 48);
    for (int round = 0; round < 5; round++)
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_ptr_equal(map_remove(map, key_of_number(&numbers[i])), &numbers[i]);
            numbers[i] += COUNT;
            assert_null(map_put(map, &numbers[i]));
        }
    assert_int_equal(map_bytes(map), bytes);
    assert_int_equal(map_count(map), COUNT);
    map_free(map);
    memory_free(numbers);
}

/* However many values and parts: each value is in one part, the one its key says. */
static void
test_parts_hold_each_value_once(void **state)
{
    const uint32_t counts[] = {0, 1, 12, 13, 1000, 5000};
    uint32_t numbers[5000];
    unsigned char seen[5000];

    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (unsigned bits = 0; bits <= 16; bits += bits < 8 ? 1 : 4) {
            struct map *map = map_new(key_of_number, c);
            size_t found = 0;

            memset(seen, 0, sizeof seen);
            for (uint32_t i = 0; i < counts[c]; i++) {
                numbers[i] = i;
                map_put(map, &numbers[i]);
            }
            for (size_t part = 0; part < (size_t)1 << bits; part++) {
                size_t cursor = 0;
                const uint32_t *number;

                while ((number = map_each_in_part(map, part, bits, &cursor)) != NULL) {
                    assert_int_equal(map_part(map, key_of_number(number), bits), part);
                    assert_int_equal(seen[*number]++, 0);
                    found++;
                }
            }
            assert_int_equal(found, counts[c]);
            map_free(map);
        }
}

static void
test_room_is_made_for_what_comes_in_order(void **state)
{
    static uint32_t numbers[1000];
    struct map *from = map_new(key_of_number, 0), *into = map_new(key_of_number, 0);
    size_t cursor = 0, bytes;
    uint32_t *number;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        numbers[i] = i;
        map_put(from, &numbers[i]);
    }
    map_put(into, &numbers[7]);
    map_reserve(into, 1000);
    bytes = map_bytes(into);
    while ((number = map_each(from, &cursor)) != NULL)
        (void)map_put(into, number);
    assert_int_equal(map_bytes(into), bytes); /* it did not have to grow */
    assert_int_equal(map_count(into), 1000);
    for (uint32_t i = 0; i < 1000; i++)
        assert_ptr_equal(map_get(into, key_of_number(&numbers[i])), &numbers[i]);
    map_reserve(into, 3);
    assert_int_equal(map_bytes(into), bytes);
    map_free(from);
    map_free(into);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_that_are_hashes_are_found),
        cmocka_unit_test(test_keys_of_every_length_are_found),
        cmocka_unit_test(test_random_lives_agree_with_an_array),
        cmocka_unit_test(test_put_replaces_the_value_of_a_key),
        cmocka_unit_test(test_memory_stays_within_bounds),
        cmocka_unit_test(test_parts_hold_each_value_once),
        cmocka_unit_test(test_room_is_made_for_what_comes_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
