#ifndef SLAD_TESTS_FOLDS_H
#define SLAD_TESTS_FOLDS_H

/*
 * The tickets of a random history under a random policy, each as it stood every five hours: derived in full,
 * kept as a point, and restored from it into a light fold.
 */
#include "core/ticket.h"
#include "runs.h"
#include "unit.h"

/* Zeroes at first. */
struct folds {
    struct fold full, light;
    struct point point;
    struct buffer scratch;
};

static inline void
folds_at(struct folds *folds, const struct policy_set *set, const struct ticket *ticket, int64_t t_ms)
{
    fold_init_again(&folds->full, set, &ticket->history);
    fold_derive(&folds->full, t_ms, true);
    point_keep(&folds->point, &folds->full, &folds->scratch);
    folds->light.history = &ticket->history;
    folds->light.set = set;
    folds->light.days_version = folds->full.days_version;
    assert_true(point_restore(&folds->point, &folds->light));
}

/* look: at both folds and the point, of this ticket at this instant. */
static inline void
folds_of_seed(struct folds *folds, uint64_t seed,
              void (*look)(void *context, const struct ticket *ticket, int64_t t_ms), void *context)
{
    static const struct policies_traits policies_traits;
    static struct world world;
    const struct histories_traits traits = {.events_max = 40};
    struct ticket *tickets[HISTORIES_TICKETS_MAX];
    struct run run;
    size_t count;

    printf("seed %" PRIu64 "\n", seed);
    memset(&world, 0, sizeof world);
    world.chance = chance_of_seed(seed);
    world_make_policies(&world, &policies_traits);
    histories_generate(&world.history, &world.chance, &traits);
    plan_make(&world.plan, &world.chance, &world.history, false);
    run_open(&run, runs_options(NULL, (struct engine_sink){0}), &world.policies);
    for (size_t i = 0; i < world.plan.count; i++)
        run_step(run.engine, &world.plan.steps[i], &run.refused);
    count = run_tickets(run.engine, tickets);
    fold_init(&folds->full, world.policies.set, NULL);
    fold_init(&folds->light, world.policies.set, NULL);
    folds->light.light = true;
    for (size_t i = 0; i < count; i++) {
        for (int64_t hour = 0; hour < 200 && !tickets[i]->retired; hour += 5) {
            int64_t t_ms = HISTORIES_START_MS + hour * 3600000;

            if (t_ms < tickets[i]->history.base_ms)
                continue;
            folds_at(folds, world.policies.set, tickets[i], t_ms);
            look(context, tickets[i], t_ms);
        }
    }
    fold_done(&folds->full);
    fold_done(&folds->light);
    run_close(&run);
    world_free(&world);
}

static inline void
folds_done(struct folds *folds)
{
    point_done(&folds->point);
    buffer_free(&folds->scratch);
}

#endif
