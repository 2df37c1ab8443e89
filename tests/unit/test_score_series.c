/* A log with sums against a plain array: in order, out of order, removed, marked; bounds on and beside the
 * entries. */
#include "../support/unit.h"
#include "core/score_series.h"
#include <stdlib.h>

enum { ENTRIES = 9000, INSTANTS = 2500 }; /* enough for groups of leaves */

struct entry {
    int64_t at_ms;
    bool in, marked;
};

/* Entry i weighs i in column 0, 1 in column 1, and 1 in column 7 when it is marked. */
static void
weigh(const struct score_weigher *weigher, uint32_t entry, struct score_tally *tally)
{
    (void)weigher;
    tally->columns[0] += entry & ~SCORE_SERIES_MARK;
    tally->columns[1]++;
    tally->columns[7] += (entry & SCORE_SERIES_MARK) != 0;
}

static const struct score_weigher weigher = {weigh, NULL, 0};

static void
compare(const struct score_series *series, const struct entry *entries, const int64_t *bounds, size_t count)
{
    struct score_tally sums[SCORE_BOUNDS_MAX];
    int64_t first_ms = INT64_MAX;

    score_series_sums(series, bounds, count, &weigher, sums);
    for (size_t b = 0; b < count; b++) {
        struct score_tally expected = {{0}};

        for (uint32_t i = 1; i < ENTRIES; i++)
            if (entries[i].in && entries[i].at_ms > bounds[0] && entries[i].at_ms <= bounds[b])
                weigh(&weigher, entries[i].marked ? i | SCORE_SERIES_MARK : i, &expected);
        assert_memory_equal(&expected, &sums[b], sizeof expected);
    }
    for (uint32_t i = 1; i < ENTRIES; i++)
        if (entries[i].in && entries[i].at_ms > bounds[0] && entries[i].at_ms < first_ms)
            first_ms = entries[i].at_ms;
    assert_int_equal(score_series_first_after_ms(series, bounds[0]), first_ms);
}

static int
ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void
change(struct score_series *series, struct entry *entries, uint32_t i, uint64_t *seed)
{
    struct score_tally weight = {{0}};

    if (entries[i].in && unit_random(seed) % 3 == 0) {
        weight.columns[7] = entries[i].marked ? -1 : 1;
        entries[i].marked = !entries[i].marked;
        score_series_mark(series, entries[i].at_ms, i, entries[i].marked, &weight);
        assert_int_equal((score_series_find(series, entries[i].at_ms, i) & SCORE_SERIES_MARK) != 0,
                         entries[i].marked);
        return;
    }
    weigh(&weigher, entries[i].marked ? i | SCORE_SERIES_MARK : i, &weight);
    if (entries[i].in)
        score_series_remove(series, entries[i].at_ms, i, &weight);
    else
        score_series_insert(series, entries[i].at_ms, entries[i].marked ? i | SCORE_SERIES_MARK : i, &weight,
                            &weigher);
    entries[i].in = !entries[i].in;
}

static void
live(bool in_order, uint64_t seed)
{
    struct score_series series = {0};
    struct entry entries[ENTRIES] = {{0}};

    for (uint32_t i = 1; i < ENTRIES; i++)
        entries[i].at_ms = in_order ? i / 3 : (int64_t)(unit_random(&seed) % INSTANTS);
    for (uint32_t step = 1; step < 6 * ENTRIES; step++) {
        bool filling = step<ENTRIES, emptying = step> 4 * ENTRIES;
        uint32_t i = filling ? step : (uint32_t)(1 + unit_random(&seed) % (ENTRIES - 1));

        if (!emptying || entries[i].in)
            change(&series, entries, i, &seed);
        if (step % 397 == 0) {
            int64_t bounds[5];

            for (size_t b = 0; b < 5; b++)
                bounds[b] = (int64_t)(unit_random(&seed) % (INSTANTS + 100)) - 2;
            qsort(bounds, 5, sizeof bounds[0], ascending);
            if (unit_random(&seed) % 2 == 0)
                score_series_prepare(&series);
            compare(&series, entries, bounds, 5);
            score_series_check(&series, &weigher);
        }
    }
    score_series_done(&series);
}

static void
test_against_array(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        live(seed % 2 == 0, seed * UINT64_C(0x9e3779b97f4a7c15));
}

/* The promise of 24 bytes a scope. */
static void
test_bytes(void **state)
{
    struct score_series series = {0};
    struct score_tally weight = {{0}};

    (void)state;
    for (uint32_t i = 1; i <= 100000; i++) {
        weight.columns[0] = i;
        weight.columns[1] = 1;
        score_series_insert(&series, i, i, &weight, &weigher);
    }
    assert_in_range(score_series_bytes(&series), 12 * 100000, 16 * 100000);
    score_series_done(&series);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_array),
        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
