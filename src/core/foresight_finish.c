/*
 * Finishes: of the clocks that stood at a landmark with such a P, how long it took to their first stop.
 *
 * Why so: "when will it be done" needs what lies beyond the target too, and the time of pauses to come; both
 * stand in what was measured: time in the clock's own hours from the landmark to the stop, pauses included,
 * as a share of the target. P sorts the hurried from the slow. A clock that has breached and goes on would be
 * missing until it stops, and the slow ones would be missing longest: it counts as open from its breach on
 * and is handed on to the later bins as those who stopped are spread (Kaplan and Meier; Efron 1967). Always
 * true: a row is drawn to that of all P by `shrinkage` tickets; nothing known stays nothing. Not here:
 * instants (calendar), quantiles (foresight_forecast).
 */
#include "core/foresight_learner.h"

enum { STRETCH_STEP_Q24 = 83886 /* 0.005 */, STRETCH_MAX_Q24 = 4 * (1 << 24) };
/* Nine in ten of all would be 9; those beyond are heard of last, so of those heard of it must be more. */
enum { STRETCH_UP = 24 };
static const int64_t landmarks_permille[] = FORESIGHT_LANDMARKS_PERMILLE;

static uint32_t
faded(uint32_t count, uint32_t left_q32)
{
    return (uint32_t)(((uint64_t)count * left_q32 + (UINT64_C(1) << 31)) >> 32);
}

/* ---- writing ---- */

static void
fade_row(const struct foresight *learner, struct foresight_finishes *row)
{
    uint32_t hour = foresight_hour(learner->at_ms), left_q32;

    if (row->at_hour >= hour)
        return;
    left_q32 = foresight_faded_q32(learner, row->at_hour, hour);
    for (int i = 0; i < FINISH_BINS; i++) {
        row->counts[i] = faded(row->counts[i], left_q32);
        row->open[i] = faded(row->open[i], left_q32);
    }
    row->at_hour = hour;
}

static void
add(uint32_t *count, uint32_t weight)
{
    *count = *count < UINT32_MAX - weight ? *count + weight : UINT32_MAX;
}

static void
count_in(const struct foresight *learner, struct foresight_finishes *row, enum foresight_finish_step step,
         int open_bin, int bin, uint32_t weight)
{
    fade_row(learner, row);
    if (step == FINISH_OPEN)
        add(&row->open[open_bin], weight);
    else
        add(&row->counts[bin], weight);
    if (step == FINISH_OPEN_STOPPED) /* it has faded meanwhile, and its P may have moved */
        row->open[open_bin] -= row->open[open_bin] < weight ? row->open[open_bin] : weight;
}

/* Whether P90 was kept. What has breached beyond it was not, whenever it stops; what breached before it is
 * not known until then. */
static void
learn_stretch(struct foresight *learner, size_t clock, int landmark, int bucket,
              enum foresight_finish_step step, uint64_t open_q16, uint64_t share_q16)
{
    int32_t *stretch_q24 = &learner->clocks[clock]->stretches_q24[bucket];
    struct foresight_finish finish;
    uint64_t p90_q16;
    bool beyond;

    foresight_finish_row(learner, clock, landmark, bucket, &finish);
    if (finish.up_to[FINISH_BINS - 1] == 0)
        return;
    p90_q16 = foresight_finish_quantile_q16(&finish, 0, 9);
    beyond = p90_q16 < open_q16;
    if ((step == FINISH_OPEN && !beyond) || (step == FINISH_OPEN_STOPPED && beyond))
        return;
    *stretch_q24 +=
        step == FINISH_OPEN || share_q16 > p90_q16 ? STRETCH_UP * STRETCH_STEP_Q24 : -STRETCH_STEP_Q24;
    *stretch_q24 = foresight_log_clamp(*stretch_q24, STRETCH_MAX_Q24);
}

void
foresight_finish_count(struct foresight *learner, size_t clock, int landmark, int bucket,
                       enum foresight_finish_step step, uint64_t share_q16, uint32_t weight)
{
    struct foresight_finishes *rows = learner->clocks[clock]->finishes[landmark];
    uint64_t open_q16 = (uint64_t)(1000 - landmarks_permille[landmark]) * Q16_ONE / 1000;
    int open_bin = foresight_finish_bin(open_q16), bin = foresight_finish_bin(share_q16);

    learn_stretch(learner, clock, landmark, bucket, step, open_q16, share_q16);
    count_in(learner, &rows[bucket], step, open_bin, bin, weight);
    count_in(learner, &rows[FINISH_BUCKETS], step, open_bin, bin, weight);
}

/* ---- reading ---- */

/* How many stop in each bin, the open ones handed on; the sum. */
static uint64_t
spread(const struct foresight_finishes *row, uint32_t left_q32, uint64_t *ret_counts)
{
    uint64_t later = 0, open = 0, sum = 0;

    for (int i = 0; i < FINISH_BINS; i++)
        later += faded(row->counts[i], left_q32);
    for (int i = 0; i < FINISH_BINS; i++) {
        uint64_t stopped = faded(row->counts[i], left_q32), taken = 0;

        open += faded(row->open[i], left_q32);
        if (i == FINISH_BINS - 1)
            taken = open;
        else if (open > 0 && stopped > 0)
            taken = open * stopped / later;
        ret_counts[i] = stopped + taken;
        open -= taken;
        later -= stopped;
        sum += ret_counts[i];
    }
    return sum;
}

/* e to this power. */
static uint32_t
stretch_q16(int32_t power_q24)
{
    uint32_t fall_q32 = foresight_log_exp_q32((uint32_t)(power_q24 < 0 ? -power_q24 : power_q24) >> 8);

    return power_q24 < 0 ? fall_q32 >> 16 : (uint32_t)((UINT64_C(1) << 48) / fall_q32);
}

void
foresight_finish_row(const void *model, size_t clock, int landmark, int bucket,
                     struct foresight_finish *finish)
{
    const struct foresight *learner = model;
    const struct foresight_finishes *rows = learner->clocks[clock]->finishes[landmark];
    uint32_t hour = foresight_hour(learner->at_ms);
    uint64_t own[FINISH_BINS], of_all[FINISH_BINS], so_far = 0;
    uint64_t sum = spread(&rows[bucket], foresight_faded_q32(learner, rows[bucket].at_hour, hour), own);
    uint64_t all = spread(&rows[FINISH_BUCKETS], UINT32_MAX, of_all);
    uint64_t drawn = (uint64_t)learner->options.shrinkage * WEIGHT_ONE;
    uint16_t up_to = 0;

    memset(finish, 0, sizeof *finish);
    if (all == 0)
        return;
    finish->stretch_q16 = stretch_q16(learner->clocks[clock]->stretches_q24[bucket]);
    for (int i = 0; i < FINISH_BINS; i++) {
        uint64_t more = own[i] + (of_all[i] > 0 ? drawn * of_all[i] / all : 0);

        so_far += more;
        if (more > 0)
            up_to = (uint16_t)(so_far < sum + drawn ? so_far * UINT16_MAX / (sum + drawn) : UINT16_MAX);
        finish->up_to[i] = up_to;
    }
    finish->up_to[FINISH_BINS - 1] = UINT16_MAX;
}
