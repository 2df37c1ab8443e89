#ifndef SLAD_TESTS_CHANCE_H
#define SLAD_TESTS_CHANCE_H

/* Chance with a seed, for property tests: the same sequence for the same seed. And the way such a test goes
 * on: seeds from SLAD_SEED, SLAD_SEEDS of them, else as many as some seconds allow. */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct chance {
    uint64_t state;
};

static inline struct chance
chance_of_seed(uint64_t seed)
{
    return (struct chance){(seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1};
}

static inline uint64_t
chance_next(struct chance *chance)
{
    chance->state ^= chance->state << 13;
    chance->state ^= chance->state >> 7;
    chance->state ^= chance->state << 17;
    return chance->state * UINT64_C(2685821657736338717) >> 11;
}

/* 0 .. count - 1 */
static inline unsigned
chance_below(struct chance *chance, unsigned count)
{
    return (unsigned)(chance_next(chance) % count);
}

static inline bool
chance_one_in(struct chance *chance, unsigned count)
{
    return chance_below(chance, count) == 0;
}

static inline int64_t
chance_within(struct chance *chance, int64_t low, int64_t high)
{
    return low + (int64_t)(chance_next(chance) % (uint64_t)(high - low + 1));
}

#define CHANCE_PICK(chance, list) ((list)[chance_below(chance, sizeof(list) / sizeof(list)[0])])

static inline uint64_t
chance_setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* A panic says its seed too. */
static volatile uint64_t chance_seed_now;

static inline void
chance_on_abort(int number)
{
    (void)fprintf(stderr, "\nseed %" PRIu64 " stopped: SLAD_SEED=%" PRIu64 " SLAD_SEEDS=1\n", chance_seed_now,
                  chance_seed_now);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* Calls test(seed) for one seed after another; stops at the first false. Returns main's exit status. */
static inline int
chance_run(bool (*test)(uint64_t seed), uint64_t seeds_min, int seconds)
{
    uint64_t first = chance_setting("SLAD_SEED", 1);
    uint64_t count = chance_setting("SLAD_SEEDS", 0);
    time_t until = time(NULL) + seconds;
    uint64_t seed = first;

    printf("seeds from %" PRIu64 "\n", first);
    (void)fflush(stdout);
    (void)signal(SIGABRT, chance_on_abort);
    for (; count > 0 ? seed < first + count : seed < first + seeds_min || time(NULL) < until; seed++) {
        chance_seed_now = seed;
        if (!test(seed)) {
            printf("seed %" PRIu64 " failed: SLAD_SEED=%" PRIu64 " SLAD_SEEDS=1\n", seed, seed);
            return 1;
        }
    }
    printf("%" PRIu64 " seeds\n", seed - first);
    return 0;
}

#endif
