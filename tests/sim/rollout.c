/*
 * The policy on three disks.
 *
 * What: which versions each instance has, when that changes, when its processes are told.
 *
 * Why so: a version that changes targets reaches one disk after the other, and its `from` is later than the
 * last: then every task must go by it, whoever holds it. Versions that never come into force may be on one
 * disk only, with two texts, or two names for one instant: what a task holds decides. One was over before the
 * oldest ticket began: a task whose disk has it no more lets it go, and one whose disk has it takes it again.
 *
 * Not here: what a process makes of its disk (process.c), what is written of it (witness.c).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "sim.h"
#include "wire/policy_yaml.h"
#include <string.h>

#define ROLLOUT_STATUSES                                                                                     \
    "courtesy_window: 1s\n"                                                                                  \
    "experience: {windows: [24h], scopes: [[], [customer]], min_answers: 1, one_answer_per: respondent}\n"   \
    "statuses:\n"                                                                                            \
    "  New: {state: open}\n"                                                                                 \
    "  Active: {state: open}\n"                                                                              \
    "  Waiting: {state: waiting, on: customer}\n"                                                            \
    "  Solved: {state: solved}\n"                                                                            \
    "  Closed: {state: closed}\n"
#define ROLLOUT_AGREEMENTS(targets, response)                                                                \
    "agreements:\n"                                                                                          \
    "  - name: all\n"                                                                                        \
    "    kind: sla\n"                                                                                        \
    "    warn_at: [50%, 75%]\n"                                                                              \
    "    clocks:\n"                                                                                          \
    "      resolution: {measure: resolution, target: {" targets "}}\n"                                       \
    "      first-response: {measure: first_response, start: creation_always, target: {P1: 2s, "              \
    "default: " response "}}\n"
#define ROLLOUT_FIRST_TARGETS "P1: 3s, P2: 6s, default: 12s"

enum {
    ROLLOUT_SECOND_MS_MIN = 1000,
    ROLLOUT_SECOND_MS_MAX = 9000,
    ROLLOUT_TELL_MS_MAX = 600,
    ROLLOUT_FUTURE_MS_MIN = 11000, /* a disk that is refused brings nothing: the second version comes first */
    ROLLOUT_FUTURE_MS_MAX = 46000
};

/* In the order of the bits of a disk. The second is in force from SIM_START_MS + 20 s. */
static const char *const rollout_texts[] = {
    "version: \"sim\"\nfrom: \"2020-01-01T00:00:00Z\"\n" ROLLOUT_STATUSES ROLLOUT_AGREEMENTS(
        ROLLOUT_FIRST_TARGETS, "4s"),
    "version: \"sim-2\"\nfrom: \"2026-03-27T09:00:20Z\"\n" ROLLOUT_STATUSES ROLLOUT_AGREEMENTS(
        "P1: 2s, P2: 7s, default: 10s", "3s"),
    "version: \"sim-3\"\nfrom: \"2031-01-01T00:00:00Z\"\n" ROLLOUT_STATUSES ROLLOUT_AGREEMENTS(
        ROLLOUT_FIRST_TARGETS, "5s"),
    "version: \"sim-3\"\nfrom: \"2031-01-01T00:00:00Z\"\n" ROLLOUT_STATUSES ROLLOUT_AGREEMENTS(
        ROLLOUT_FIRST_TARGETS, "6s"),
    "version: \"sim-4\"\nfrom: \"2031-01-01T00:00:00Z\"\n" ROLLOUT_STATUSES ROLLOUT_AGREEMENTS(
        ROLLOUT_FIRST_TARGETS, "5s"),
    "version: \"sim-0\"\n" ROLLOUT_STATUSES ROLLOUT_AGREEMENTS("P1: 1s, P2: 1s, default: 1s", "1s"),
};
enum { ROLLOUT_TEXTS_COUNT = sizeof rollout_texts / sizeof *rollout_texts };

static int
rollout_read_zone(void *context, struct slice name, struct buffer *out)
{
    (void)context;
    (void)name;
    (void)out;
    return -1; /* none is named */
}

void
rollout_read_texts(struct sim_ground *ground)
{
    const struct policy_zone_reader reader = {NULL, rollout_read_zone};

    _Static_assert((int)ROLLOUT_TEXTS_COUNT <= (int)ROLLOUT_TEXTS_MAX, "room for every text");
    for (unsigned i = 0; i < ROLLOUT_TEXTS_COUNT; i++) {
        struct policy_error error = {0};

        ground->texts[i] = policy_yaml_load(slice_of(rollout_texts[i]), slice_of("policy.yaml"), &reader,
                                            ground->symbols, &error);
        if (ground->texts[i] == NULL)
            panic(error.message);
    }
}

/* A policy is never changed: all processes have the same. */
struct policy_set *
rollout_read(const struct sim_ground *ground, unsigned disk)
{
    struct policy *policies[ROLLOUT_TEXTS_COUNT];
    size_t count = 0;

    for (unsigned i = 0; i < ROLLOUT_TEXTS_COUNT; i++)
        if ((disk & 1U << i) != 0)
            policies[count++] = policy_share(ground->texts[i]);
    return policy_set_new(policies, count, ground->symbols);
}

/* The version that is over, or not: most disks lose it with the second version's coming, some get it back. */
static unsigned
rollout_elder(const struct sim *sim, int instance, size_t step)
{
    uint64_t turn = sim->seed + (uint64_t)instance + step;

    return turn % (step == 0 ? 3 : 4) == 0 ? DISK_ELDER : 0;
}

void
rollout_plan(struct sim *sim)
{
    static const unsigned futures[] = {0, DISK_FUTURE, DISK_FUTURE, DISK_FUTURE_TEXT, DISK_FUTURE_NAME};

    for (int i = 0; i < SIM_INSTANCES; i++) {
        struct rollout *rollout = &sim->rollouts[i];
        int64_t at_ms =
            SIM_START_MS + chance_within(&sim->chance, ROLLOUT_SECOND_MS_MIN, ROLLOUT_SECOND_MS_MAX);

        rollout->disk = DISK_FIRST | DISK_ELDER;
        rollout->steps[rollout->steps_count++] =
            (struct rollout_step){at_ms, DISK_FIRST | DISK_SECOND | rollout_elder(sim, i, 0)};
        at_ms = SIM_START_MS + ROLLOUT_FUTURE_MS_MIN;
        while (rollout->steps_count < ROLLOUT_STEPS_MAX && !chance_one_in(&sim->chance, 3)) {
            at_ms += chance_within(&sim->chance, 0, (ROLLOUT_FUTURE_MS_MAX - ROLLOUT_FUTURE_MS_MIN) / 3);
            rollout->steps[rollout->steps_count] =
                (struct rollout_step){at_ms, DISK_FIRST | DISK_SECOND | CHANCE_PICK(&sim->chance, futures) |
                                                 rollout_elder(sim, i, rollout->steps_count)};
            rollout->steps_count++;
        }
    }
}

void
rollout_turn(struct sim *sim)
{
    for (int i = 0; i < SIM_INSTANCES; i++) {
        struct rollout *rollout = &sim->rollouts[i];

        if (rollout->done == rollout->steps_count || sim->now_ms < rollout->steps[rollout->done].at_ms)
            continue;
        rollout->disk = rollout->steps[rollout->done++].disk;
        rollout->told_ms = sim->now_ms + chance_within(&sim->faults, 0, ROLLOUT_TELL_MS_MAX);
        sim_tell(sim, "disk %d becomes %x", i, rollout->disk);
    }
}

unsigned
rollout_versions(const struct sim *sim, struct slice ids)
{
    static char known[ROLLOUT_TEXTS_COUNT][POLICY_ID_BYTES];
    static bool has_known;
    unsigned versions = 0;

    for (unsigned i = 0; i < ROLLOUT_TEXTS_COUNT && !has_known; i++) {
        struct policy_set *set = rollout_read(sim->ground, 1U << i);

        memcpy(known[i], policy_record_id(policy_set_version(set, 0)).at, POLICY_ID_BYTES);
        policy_set_free(set);
    }
    has_known = true;
    for (unsigned i = 0; i < ROLLOUT_TEXTS_COUNT; i++)
        if (policy_ids_has(ids, (struct slice){known[i], POLICY_ID_BYTES}))
            versions |= 1U << i;
    return versions;
}

void
rollout_check(const struct sim *sim, int32_t partition, struct slice ids)
{
    unsigned in_force = rollout_versions(sim, ids);

    if ((size_t)__builtin_popcount(in_force) != policy_ids_count(ids))
        sim_fail(sim, "task %d goes by a version that was never on a disk", (int)partition);
    if (__builtin_popcount(in_force & (DISK_FUTURE | DISK_FUTURE_TEXT | DISK_FUTURE_NAME)) > 1)
        sim_fail(sim, "task %d goes by two versions that contradict each other", (int)partition);
}
