/*
 * Cells: of the tickets like this one that were open at a landmark, how many entered each later interval
 * open, and how many ended in it (Kaplan and Meier 1958), fading with a half-life.
 *
 * Why fading by the hour and only when touched: a count is multiplied once, however long nobody came, and
 * what is read without being written stays as it was, so reading never moves a bit. Always true: done <= open
 * in every interval; a rate is drawn to its parent's by `shrinkage` tickets: value to class, class to clock,
 * clock to one in ten. Not here: whose values count (foresight).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/foresight_learner.h"
#include <stdlib.h>

#define PRIOR_RATE_Q16 (Q16_ONE / 10)
#define HOUR_MS INT64_C(3600000)

static struct slice
key_of_value(const void *value)
{
    return (struct slice){value, sizeof(uint64_t)};
}

void
foresight_cells_init(struct foresight *learner)
{
    learner->values = map_new_of_hashes(key_of_value);
}

void
foresight_cells_done(struct foresight *learner)
{
    struct foresight_value *value;
    size_t cursor = 0;

    while ((value = map_each(learner->values, &cursor)) != NULL)
        memory_free(value);
    map_free(learner->values);
}

uint32_t
foresight_hour(int64_t at_ms)
{
    return at_ms > 0 ? (uint32_t)(at_ms / HOUR_MS) : 0;
}

uint32_t
foresight_faded_q32(const struct foresight *learner, uint32_t from_hour, uint32_t to_hour)
{
    uint64_t hours = to_hour > from_hour ? to_hour - from_hour : 0;

    return foresight_log_half_q32(hours * (uint64_t)HOUR_MS / 64 * Q16_ONE /
                                  ((uint64_t)learner->options.half_life_ms / 64));
}

static uint32_t
faded(uint32_t count, uint32_t faded_q32)
{
    return (uint32_t)(((uint64_t)count * faded_q32 + (UINT64_C(1) << 31)) >> 32);
}

/* ---- reading ---- */

struct foresight_value *
foresight_value_find(const struct foresight *learner, uint64_t key)
{
    return map_get(learner->values, (struct slice){(const char *)&key, sizeof key});
}

/* What the values of a class are drawn to: the rates of a landmark's intervals. */
struct rates {
    uint32_t q16[FORESIGHT_LANDMARKS_COUNT];
};

/* Draws the rates, which are the parent's, to what this value has seen. */
static void
draw_rates(const struct foresight *learner, const struct foresight_value *value, int landmark,
           uint32_t left_q32, struct rates *rates)
{
    const struct foresight_count *counts = &value->counts[foresight_first_interval(landmark)];
    uint64_t drawn = (uint64_t)learner->options.shrinkage * WEIGHT_ONE;

    for (int i = 0; i < FORESIGHT_LANDMARKS_COUNT - landmark; i++) {
        uint64_t open = faded(counts[i].open, left_q32), done = faded(counts[i].done, left_q32);

        if (open > 0) /* else it stays as it is */
            rates->q16[i] = (uint32_t)((done * Q16_ONE + drawn * rates->q16[i]) / (open + drawn));
    }
}

static uint32_t
left_of(const struct foresight *learner, const struct foresight_value *value, int landmark)
{
    return foresight_faded_q32(learner, value->at_hour[landmark], foresight_hour(learner->at_ms));
}

static void
draw_parent(const struct foresight *learner, uint64_t key, int landmark, struct rates *rates)
{
    const struct foresight_value *value = key != 0 ? foresight_value_find(learner, key) : NULL;

    if (value != NULL)
        draw_rates(learner, value, landmark, left_of(learner, value, landmark), rates);
}

/* Of a class of this clock; 0: nothing is known of it. */
static struct rates
rates_of(const struct foresight *learner, uint64_t leaf_key, uint64_t clock_key, int landmark)
{
    struct rates rates;

    for (int i = 0; i < FORESIGHT_LANDMARKS_COUNT; i++)
        rates.q16[i] = PRIOR_RATE_Q16;
    draw_parent(learner, clock_key, landmark, &rates);
    draw_parent(learner, leaf_key, landmark, &rates);
    return rates;
}

static uint16_t
at_most(uint64_t x)
{
    return (uint16_t)(x < UINT16_MAX ? x : UINT16_MAX);
}

/* -ln of the share that stays open, in 1/4096. */
static uint32_t
open_sum(uint32_t rate_q16)
{
    uint32_t open_q16 = rate_q16 < Q16_ONE ? Q16_ONE - rate_q16 : 1;

    return open_q16 < Q16_ONE ? (foresight_log_neg_q16(open_q16 << 16) + 8) >> 4 : 0;
}

/* What a value says whose parents' rates these are. False: nobody like it was there. */
static bool
entry_of(const struct foresight *learner, const struct foresight_value *value, int landmark,
         const struct rates *parents, struct foresight_entry *entry)
{
    const struct foresight_count *counts = &value->counts[foresight_first_interval(landmark)];
    uint32_t left_q32 = left_of(learner, value, landmark);
    uint32_t like = (faded(counts[0].open, left_q32) + WEIGHT_ONE / 2) / WEIGHT_ONE;
    int last = FORESIGHT_LANDMARKS_COUNT - 1 - landmark;
    struct rates rates = *parents;
    uint64_t rest = 0;

    if (like == 0)
        return false;
    draw_rates(learner, value, landmark, left_q32, &rates);
    for (int i = 1; i <= last; i++)
        rest += open_sum(rates.q16[i]);
    *entry = (struct foresight_entry){
        .first = at_most(open_sum(rates.q16[0])),
        .rest = at_most(rest),
        .like = at_most(like),
        .late =
            at_most((faded(counts[last].open - counts[last].done, left_q32) + WEIGHT_ONE / 2) / WEIGHT_ONE),
    };
    return true;
}

bool
foresight_cell(const void *model, uint64_t key, uint64_t leaf_key, uint64_t clock_key, int landmark,
               struct foresight_entry *entry)
{
    const struct foresight *learner = model;
    const struct foresight_value *value = foresight_value_find(learner, key);
    struct rates parents;

    if (value == NULL)
        return false;
    parents = rates_of(learner, leaf_key, key != clock_key ? clock_key : 0, landmark);
    return entry_of(learner, value, landmark, &parents, entry);
}

void
foresight_cells(const void *model, const uint64_t *value_hashes, size_t count, uint64_t leaf_key,
                uint64_t clock_key, int landmark, struct foresight_entry *entries, bool *known)
{
    const struct foresight *learner = model;
    const struct rates parents = rates_of(learner, leaf_key, clock_key, landmark);

    for (size_t i = 0; i < count; i++) {
        uint64_t key = foresight_value_key(leaf_key, value_hashes[i]);
        const struct foresight_value *value = foresight_value_find(learner, key);

        known[i] = value != NULL && entry_of(learner, value, landmark, &parents, &entries[i]);
    }
}

static int
compare_keys(const void *a, const void *b)
{
    uint64_t left = (*(struct foresight_value *const *)a)->key,
             right = (*(struct foresight_value *const *)b)->key;

    return left < right ? -1 : left > right;
}

static struct foresight_value **
list_of_values(const struct foresight *learner)
{
    struct foresight_value **list = memory_allocate((map_count(learner->values) + 1) * sizeof *list), *value;
    size_t cursor = 0, count = 0;

    while ((value = map_each(learner->values, &cursor)) != NULL)
        list[count++] = value;
    return list;
}

struct foresight_value **
foresight_values_sorted(const struct foresight *learner)
{
    struct foresight_value **list = list_of_values(learner);

    qsort(list, map_count(learner->values), sizeof(struct foresight_value *), compare_keys);
    return list;
}

/* ---- writing ---- */

/* A value and what it weighs now, for the eviction. */
struct weighed {
    uint64_t weight;
    struct foresight_value *value;
};

static int
compare_weights(const void *a, const void *b)
{
    const struct weighed *left = a, *right = b;

    if (left->weight != right->weight)
        return left->weight < right->weight ? -1 : 1;
    return left->value->key < right->value->key ? -1 : left->value->key > right->value->key;
}

static uint64_t
weight_of(const struct foresight *learner, const struct foresight_value *value)
{
    uint64_t weight = 0;

    if (value->clock_key == 0)
        return UINT64_MAX; /* a clock's own rates stay */
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++)
        weight +=
            faded(value->counts[foresight_first_interval(landmark)].open,
                  foresight_faded_q32(learner, value->at_hour[landmark], foresight_hour(learner->at_ms)));
    return weight;
}

/* The lightest eighth goes, of equals the lowest keys: the same ones everywhere. */
static void
evict(struct foresight *learner)
{
    size_t count = map_count(learner->values), goes = learner->options.values_max / 8 + 1;
    struct foresight_value **list = list_of_values(learner);
    struct weighed *weighed = memory_allocate((count + 1) * sizeof *weighed);

    for (size_t i = 0; i < count; i++)
        weighed[i] = (struct weighed){weight_of(learner, list[i]), list[i]};
    qsort(weighed, count, sizeof *weighed, compare_weights);
    for (size_t i = 0; i < goes && i < count && weighed[i].weight < UINT64_MAX; i++) {
        must(map_remove(learner->values, key_of_value(weighed[i].value)) == weighed[i].value);
        memory_free(weighed[i].value);
        learner->figures.evicted_values++;
    }
    memory_free(weighed);
    memory_free(list);
}

struct foresight_value *
foresight_value_need(struct foresight *learner, uint64_t key, uint64_t leaf_key, uint64_t clock_key)
{
    struct foresight_value *value = foresight_value_find(learner, key);

    if (value != NULL)
        return value;
    if (map_count(learner->values) >= learner->options.values_max)
        evict(learner);
    value = memory_allocate_zeroed(1, sizeof *value);
    value->key = key;
    value->leaf_key = leaf_key;
    value->clock_key = clock_key;
    must(map_put(learner->values, value) == NULL);
    return value;
}

static void
fade(const struct foresight *learner, struct foresight_value *value, int landmark)
{
    struct foresight_count *counts = &value->counts[foresight_first_interval(landmark)];
    uint32_t hour = foresight_hour(learner->at_ms), left_q32;

    if (value->at_hour[landmark] >= hour)
        return;
    left_q32 = foresight_faded_q32(learner, value->at_hour[landmark], hour);
    for (int i = 0; i < FORESIGHT_LANDMARKS_COUNT - landmark; i++) {
        counts[i].open = faded(counts[i].open, left_q32);
        counts[i].done = faded(counts[i].done, left_q32);
    }
    value->at_hour[landmark] = hour;
}

static void
add_to(uint32_t *count, uint32_t weight)
{
    *count = *count < UINT32_MAX - weight ? *count + weight : UINT32_MAX;
}

void
foresight_value_count(struct foresight *learner, struct foresight_value *value, int landmark, int interval,
                      bool ended, uint32_t weight)
{
    struct foresight_count *counts = &value->counts[foresight_first_interval(landmark)];

    fade(learner, value, landmark);
    for (int i = landmark; i < FORESIGHT_LANDMARKS_COUNT && i <= interval; i++) {
        if (i < interval || ended)
            add_to(&counts[i - landmark].open, weight);
        if (i == interval && ended)
            add_to(&counts[i - landmark].done, weight);
    }
}
