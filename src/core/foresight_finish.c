/*
 * Finishes: of the clocks that stood at a landmark with such a P, how long it took to their first stop.
 *
 * Why so: "when will it be done" needs what lies beyond the target too, and the time of pauses to come; both
 * stand in what was measured: time in the clock's own hours from the landmark to the stop, pauses included,
 * as a share of the target. P sorts the hurried from the slow. Always true: a row is drawn to that of all P
 * by `shrinkage` tickets; nothing known stays nothing. Not here: instants (calendar), quantiles
 * (foresight_forecast).
 */
#include "core/foresight_learner.h"

static uint32_t
faded(uint32_t count, uint32_t left_q32)
{
    return (uint32_t)(((uint64_t)count * left_q32 + (UINT64_C(1) << 31)) >> 32);
}

static void
count_in(const struct foresight *learner, struct foresight_finishes *row, int bin, uint32_t weight)
{
    uint32_t hour = foresight_hour(learner->at_ms);

    if (row->at_hour < hour) {
        uint32_t left_q32 = foresight_faded_q32(learner, row->at_hour, hour);

        for (int i = 0; i < FINISH_BINS; i++)
            row->counts[i] = faded(row->counts[i], left_q32);
        row->at_hour = hour;
    }
    if (row->counts[bin] < UINT32_MAX - weight)
        row->counts[bin] += weight;
}

void
foresight_finish_count(struct foresight *learner, struct foresight_clock *clock, int landmark, int bucket,
                       int bin, uint32_t weight)
{
    count_in(learner, &clock->finishes[landmark][bucket], bin, weight);
    count_in(learner, &clock->finishes[landmark][FINISH_BUCKETS], bin, weight);
}

void
foresight_finish_row(const void *model, size_t clock, int landmark, int bucket,
                     struct foresight_finish *finish)
{
    const struct foresight *learner = model;
    const struct foresight_finishes *rows = learner->clocks[clock]->finishes[landmark];
    uint32_t hour = foresight_hour(learner->at_ms);
    uint32_t own_q32 = foresight_faded_q32(learner, rows[bucket].at_hour, hour);
    uint64_t all = 0, sum = 0, so_far = 0, drawn = (uint64_t)learner->options.shrinkage * WEIGHT_ONE,
             counts[FINISH_BINS];

    for (int i = 0; i < FINISH_BINS; i++)
        all += rows[FINISH_BUCKETS].counts[i];
    for (int i = 0; i < FINISH_BINS && all > 0; i++) {
        counts[i] = faded(rows[bucket].counts[i], own_q32) + drawn * rows[FINISH_BUCKETS].counts[i] / all;
        sum += counts[i];
    }
    memset(finish, 0, sizeof *finish);
    for (int i = 0; i < FINISH_BINS && sum > 0; i++) {
        so_far += counts[i];
        finish->up_to[i] = (uint16_t)(so_far * UINT16_MAX / sum);
    }
}
