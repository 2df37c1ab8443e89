/*
 * Leans: what one value of one context adds to the log-odds of being late, whatever the landmark.
 *
 * Why beside the cells: a cell knows its landmark and its class well and has few tickets; evidence of
 * contexts that overlap (a group, and its people) is counted twice when cells are added up. Leans are learned
 * together, each from what all of them left unsaid, and every landmark and class of a clock teaches the same
 * one; the two answers err differently, and between them lies less error than in either. The step is that of
 * Duchi, Hazan and Singer 2011 (the more a value has been corrected the smaller), fading as cells do; a
 * ticket counts once, however many landmarks it passed, or eight equal labels in a row would be learned by
 * heart. Always true: reading changes nothing; unknown is 0. Not here: what was left unsaid (foresight), sums
 * (forecast).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/foresight_learner.h"
#include <stdlib.h>

/* Chosen on the first half of the incident log. */
enum { STEP_Q24 = 1 << 22 /* 0.25 */, PULL_Q16 = 26214 /* 0.4 */, LEAN_MAX_Q24 = 4 * (1 << 24) };

static struct slice
key_of_lean(const void *lean)
{
    return (struct slice){lean, sizeof(uint64_t)};
}

void
foresight_leans_init(struct foresight *learner)
{
    learner->leans = map_new_of_hashes(key_of_lean);
}

void
foresight_leans_done(struct foresight *learner)
{
    struct foresight_lean *lean;
    size_t cursor = 0;

    while ((lean = map_each(learner->leans, &cursor)) != NULL)
        memory_free(lean);
    map_free(learner->leans);
}

static struct foresight_lean *
find(const struct foresight *learner, uint64_t key)
{
    return map_get(learner->leans, (struct slice){(const char *)&key, sizeof key});
}

int32_t
foresight_lean_q16(const void *model, uint64_t key)
{
    const struct foresight_lean *lean = find(model, key);

    return lean != NULL ? (int32_t)foresight_log_scale(lean->lean_q24, 1, 8) : 0;
}

static struct foresight_lean **
list_of_leans(const struct foresight *learner)
{
    struct foresight_lean **list = memory_allocate((map_count(learner->leans) + 1) * sizeof *list), *lean;
    size_t cursor = 0, count = 0;

    while ((lean = map_each(learner->leans, &cursor)) != NULL)
        list[count++] = lean;
    return list;
}

static int
compare_keys(const void *a, const void *b)
{
    uint64_t left = (*(struct foresight_lean *const *)a)->key,
             right = (*(struct foresight_lean *const *)b)->key;

    return left < right ? -1 : left > right;
}

struct foresight_lean **
foresight_leans_sorted(const struct foresight *learner)
{
    struct foresight_lean **list = list_of_leans(learner);

    qsort(list, map_count(learner->leans), sizeof(struct foresight_lean *), compare_keys);
    return list;
}

/* ---- writing ---- */

static uint32_t
heat_now_q16(const struct foresight *learner, const struct foresight_lean *lean)
{
    uint32_t left_q32 = foresight_faded_q32(learner, lean->at_hour, foresight_hour(learner->at_ms));

    return (uint32_t)(((uint64_t)lean->heat_q16 * left_q32 + (UINT64_C(1) << 31)) >> 32);
}

/* A lean and what it has learned from, for the eviction. */
struct warmed {
    uint32_t heat_q16;
    struct foresight_lean *lean;
};

static int
compare_heats(const void *a, const void *b)
{
    const struct warmed *left = a, *right = b;

    if (left->heat_q16 != right->heat_q16)
        return left->heat_q16 < right->heat_q16 ? -1 : 1;
    return left->lean->key < right->lean->key ? -1 : left->lean->key > right->lean->key;
}

/* The eighth that has learned least goes, of equals the lowest keys: the same ones everywhere. */
static void
evict(struct foresight *learner)
{
    size_t count = map_count(learner->leans), goes = learner->options.values_max / 8 + 1;
    struct foresight_lean **list = list_of_leans(learner);
    struct warmed *warmed = memory_allocate((count + 1) * sizeof *warmed);

    for (size_t i = 0; i < count; i++)
        warmed[i] = (struct warmed){heat_now_q16(learner, list[i]), list[i]};
    qsort(warmed, count, sizeof *warmed, compare_heats);
    for (size_t i = 0; i < goes && i < count; i++) {
        must(map_remove(learner->leans, key_of_lean(warmed[i].lean)) == warmed[i].lean);
        memory_free(warmed[i].lean);
        learner->figures.evicted_values++;
    }
    memory_free(warmed);
    memory_free(list);
}

struct foresight_lean *
foresight_lean_need(struct foresight *learner, uint64_t key)
{
    struct foresight_lean *lean = find(learner, key);

    if (lean != NULL)
        return lean;
    if (map_count(learner->leans) >= learner->options.values_max)
        evict(learner);
    lean = memory_allocate_zeroed(1, sizeof *lean);
    lean->key = key;
    must(map_put(learner->leans, lean) == NULL);
    return lean;
}

void
foresight_lean_learn(struct foresight *learner, uint64_t key, int64_t off_q16)
{
    struct foresight_lean *lean = foresight_lean_need(learner, key);
    int64_t slope_q16 = off_q16 - foresight_log_scale(lean->lean_q24, PULL_Q16, 24);
    uint64_t heat_q16 = heat_now_q16(learner, lean) + (uint64_t)(slope_q16 * slope_q16) / Q16_ONE;
    int64_t root_q16 = foresight_log_root((heat_q16 + Q16_ONE) << 16);

    lean->heat_q16 = (uint32_t)(heat_q16 < UINT32_MAX ? heat_q16 : UINT32_MAX);
    lean->at_hour = foresight_hour(learner->at_ms);
    lean->lean_q24 = foresight_log_clamp(lean->lean_q24 + slope_q16 * STEP_Q24 / root_q16, LEAN_MAX_Q24);
}
