/*
 * The learner: what became of clocks, turned into cells, weights and calibration, one label after the other.
 *
 * Why labels wait: a ticket solved quickly is known to have held at once, a breach only at its deadline. If
 * both counted when they are known, the model would see too many good ends in every first week and after
 * every change. So each counts at the instant at which its deadline would have passed, whatever became of it.
 * Always true: a label is learned once, in the order (known, arrival); mixer and calibration learn from what
 * the model would have said without it; time is what stands in the samples, never a clock's. Not here: sums
 * of a forecast (foresight_forecast), counting (foresight_cells), bytes (foresight_state, foresight_table).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/foresight_learner.h"

#define HALF_LIFE_MS (INT64_C(30) * 86400000)
/* Rates of learning, in 1/2^20. The mixer's and the first weight are the design's; the calibration's were
 * chosen on the first half of the incident log (docs/foresight.md). */
enum { MIXER_RATE_Q20 = 10486, OFFSET_RATE_Q20 = 4194, SLOPE_RATE_Q20 = 1049, PULL_Q16 = 6554 /* 0.1 */ };
#define Q24_ONE (1 << 24)
#define FIRST_WEIGHT_Q24 5872026 /* 0.35 */
/* The leans' share of the answer: where it begins, and its rate. */
#define FIRST_SHARE_Q24 (Q24_ONE / 2)
enum { SHARE_RATE_Q20 = 20972 };
#define WEIGHT_MAX_Q24 (4 * Q24_ONE)
enum { BIN_FADES_SHIFT = 12, UNCALIBRATED_PERMILLE = 50, UNCALIBRATED_OUTCOMES = 500 };

void
foresight_options_default(struct foresight_options *options)
{
    char detail[FORESIGHT_DETAIL_BYTES];

    *options = (struct foresight_options){
        .half_life_ms = HALF_LIFE_MS,
        .shrinkage = 5,
        .alarmed_permille = 1000,
        .class_min = 50,
        .values_max = 16384,
        .clocks_max = 64,
        .pending_max = 100000,
    };
    must(foresight_contexts_read(slice_of(FORESIGHT_CONTEXTS_DEFAULT), &options->contexts, detail) == 0);
}

static bool
known_before(const struct heap_item *a, const struct heap_item *b)
{
    return ((const struct foresight_pending *)a)->order < ((const struct foresight_pending *)b)->order;
}

struct foresight *
foresight_new(const struct foresight_options *options)
{
    struct foresight *learner = memory_allocate_zeroed(1, sizeof *learner);

    learner->options = *options;
    learner->at_ms = INSTANT_NONE;
    learner->pending = heap_new(known_before);
    for (size_t i = 0; i < options->contexts.count; i++)
        learner->context_hashes[i] = foresight_context_hash(&options->contexts.at[i]);
    foresight_cells_init(learner);
    foresight_leans_init(learner);
    return learner;
}

void
foresight_free(struct foresight *learner)
{
    struct heap_item *item;

    if (learner == NULL)
        return;
    while ((item = heap_top(learner->pending)) != NULL) {
        heap_remove(learner->pending, item);
        memory_free(item);
    }
    heap_free(learner->pending);
    for (size_t i = 0; i < learner->clocks_count; i++) {
        memory_free(learner->clocks[i]->name);
        memory_free(learner->clocks[i]);
    }
    memory_free(learner->clocks);
    foresight_cells_done(learner);
    foresight_leans_done(learner);
    memory_free(learner);
}

/* ---- as a source of forecasts ---- */

static int32_t
q16_of_q24(int32_t x_q24)
{
    return (int32_t)foresight_log_scale(x_q24, 1, 8);
}

static size_t
clock_place(const struct foresight *learner, uint64_t key)
{
    size_t place = 0;

    while (place < learner->clocks_count && learner->clocks[place]->key != key)
        place++;
    return place;
}

int
foresight_clock_error_permille(const struct foresight_clock *clock)
{
    uint64_t off = 0, count = 0;

    for (int i = 0; i < CALIBRATION_BINS; i++) {
        const struct foresight_bin *bin = &clock->bins[i];

        off += bin->said_q20 > bin->late_q20 ? bin->said_q20 - bin->late_q20 : bin->late_q20 - bin->said_q20;
        count += bin->count_q20;
    }
    return count > 0 ? (int)(off * 1000 / count) : 0;
}

static void
refresh_mixer(struct foresight_clock *clock, int landmark)
{
    struct foresight_mixer *mixer = &clock->model.mixers[landmark];

    mixer->leans_share_q16 = q16_of_q24(clock->leans_shares_q24[landmark]);
    for (int i = 0; i < FORESIGHT_CONTEXTS_MAX; i++)
        mixer->weights_q16[i] = q16_of_q24(clock->weights_q24[landmark][i]);
}

static void
refresh_calibration(struct foresight_clock *clock)
{
    struct foresight_clock_model *model = &clock->model;

    model->offset_q16 = q16_of_q24(clock->offset_q24);
    model->slope_q16 = q16_of_q24(clock->slope_q24);
    model->uncalibrated = clock->outcomes >= UNCALIBRATED_OUTCOMES &&
                          foresight_clock_error_permille(clock) > UNCALIBRATED_PERMILLE;
}

void
foresight_clock_refresh(struct foresight_clock *clock)
{
    refresh_calibration(clock);
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++)
        refresh_mixer(clock, landmark);
}

static const struct foresight_clock_model *
clock_of(const void *model, uint64_t clock_key, size_t *ret_place)
{
    const struct foresight *learner = model;
    size_t place = clock_place(learner, clock_key);

    *ret_place = place;
    return place < learner->clocks_count ? &learner->clocks[place]->model : NULL;
}

static uint32_t
class_count_of(const void *model, uint64_t leaf_key)
{
    const struct foresight_value *leaf = foresight_value_find(model, leaf_key);

    return leaf != NULL ? leaf->finished : 0;
}

void
foresight_source_of(const struct foresight *learner, struct foresight_source *source)
{
    *source = (struct foresight_source){
        .model = learner,
        .contexts = &learner->options.contexts,
        .context_hashes = learner->context_hashes,
        .version = learner->version,
        .class_min = learner->options.class_min,
        .clock = clock_of,
        .cell = foresight_cell,
        .cells = foresight_cells,
        .lean_q16 = foresight_lean_q16,
        .class_count = class_count_of,
        .finish = foresight_finish_row,
    };
}

bool
foresight_forecast(const struct foresight *learner, const struct foresight_query *query,
                   struct foresight_forecast *forecast)
{
    struct foresight_source source;

    foresight_source_of(learner, &source);
    return foresight_forecast_from(&source, query, forecast);
}

/* ---- clocks ---- */

struct foresight_clock *
foresight_clock_add(struct foresight *learner, enum clock_kind kind, struct slice name)
{
    struct foresight_clock *clock = memory_allocate_zeroed(1, sizeof *clock);

    clock->kind = kind;
    clock->key = foresight_clock_key(kind, foresight_text_hash(name));
    clock->name = memory_copy(name.at, name.bytes);
    clock->name_bytes = name.bytes;
    clock->slope_q24 = Q24_ONE;
    for (int i = 0; i < FINISH_BUCKETS; i++)
        clock->stretches_q24[i] = Q24_ONE; /* a young log has not seen its longest tails */
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        clock->leans_shares_q24[landmark] = FIRST_SHARE_Q24;
        for (int i = 0; i < FORESIGHT_CONTEXTS_MAX; i++)
            clock->weights_q24[landmark][i] = FIRST_WEIGHT_Q24;
    }
    foresight_clock_refresh(clock);
    learner->clocks =
        memory_resize(learner->clocks, (learner->clocks_count + 1) * sizeof(struct foresight_clock *));
    learner->clocks[learner->clocks_count++] = clock;
    return clock;
}

/* The clock's place, or clocks_count: there is no room for one more. */
static size_t
need_clock(struct foresight *learner, const struct clock_name *name)
{
    size_t place = clock_place(learner, foresight_clock_key(name->kind, foresight_text_hash(name->clock)));

    if (place < learner->clocks_count)
        return place;
    if (learner->clocks_count >= learner->options.clocks_max) {
        learner->figures.refused_clocks++;
        return learner->clocks_count;
    }
    (void)foresight_clock_add(learner, name->kind, name->clock);
    return place;
}

/* ---- one label ---- */

static const uint64_t *
point_of(const struct foresight *learner, const struct foresight_pending *pending, size_t point)
{
    return pending->words + point * (POINT_VALUES + learner->options.contexts.count);
}

static void
learn_weights(struct foresight_clock *clock, int landmark, const struct foresight_mix *mix, size_t contexts,
              int64_t off_q16)
{
    for (size_t i = 0; i < contexts; i++) {
        int32_t *weight_q24 = &clock->weights_q24[landmark][i];
        int64_t step_q24 = foresight_log_scale(off_q16 * mix->evidence_q16[i], MIXER_RATE_Q20, 28);

        *weight_q24 = foresight_log_clamp(*weight_q24 + step_q24, WEIGHT_MAX_Q24);
    }
}

/* Towards the answer that errs less. */
static void
learn_share(struct foresight_clock *clock, int landmark, const struct foresight_mix *mix, int64_t off_q16)
{
    int32_t *share_q24 = &clock->leans_shares_q24[landmark];
    int64_t apart_q16 = (int64_t)mix->by_leans_q16 - mix->by_cells_q16;

    *share_q24 = foresight_log_clamp(
        *share_q24 + foresight_log_scale(off_q16 * apart_q16, SHARE_RATE_Q20, 28), Q24_ONE);
    if (*share_q24 < 0)
        *share_q24 = 0;
}

static void
learn_bins(struct foresight_clock *clock, uint32_t said_q16, bool late)
{
    struct foresight_bin *own = &clock->bins[said_q16 * CALIBRATION_BINS / (Q16_ONE + 1)];

    for (int i = 0; i < CALIBRATION_BINS; i++) {
        struct foresight_bin *bin = &clock->bins[i];

        bin->count_q20 -= bin->count_q20 >> BIN_FADES_SHIFT;
        bin->said_q20 -= bin->said_q20 >> BIN_FADES_SHIFT;
        bin->late_q20 -= bin->late_q20 >> BIN_FADES_SHIFT;
    }
    own->count_q20 += UINT64_C(1) << 20;
    own->said_q20 += (uint64_t)said_q16 << 4;
    own->late_q20 += late ? UINT64_C(1) << 20 : 0;
}

/* logit(P') = offset + slope logit(P), each drawn back to 0 and 1. */
static void
learn_calibration(struct foresight_clock *clock, int32_t mixed_q16, int64_t off_q16)
{
    int64_t offset_q24 = off_q16 * 256 - foresight_log_scale(clock->offset_q24, PULL_Q16, 16);
    int64_t slope_q24 = foresight_log_scale(off_q16, mixed_q16, 16) * 256 -
                        foresight_log_scale(clock->slope_q24 - Q24_ONE, PULL_Q16, 16);

    clock->offset_q24 = foresight_log_clamp(
        clock->offset_q24 + foresight_log_scale(offset_q24, OFFSET_RATE_Q20, 20), WEIGHT_MAX_Q24);
    clock->slope_q24 += (int32_t)foresight_log_scale(slope_q24, SLOPE_RATE_Q20, 20);
    if (clock->slope_q24 < Q24_ONE / 4)
        clock->slope_q24 = Q24_ONE / 4;
    if (clock->slope_q24 > 2 * Q24_ONE)
        clock->slope_q24 = 2 * Q24_ONE;
}

/* What the model says at a point, calibrated. False: nothing yet. */
static bool
say_at(const struct foresight *learner, const struct foresight_pending *pending, const uint64_t *point,
       struct foresight_mix *mix, uint32_t *ret_said_q16)
{
    const struct foresight_clock *clock = learner->clocks[pending->clock];
    int landmark = (int)point[POINT_LANDMARK];
    struct foresight_source source;

    foresight_source_of(learner, &source);
    if (!foresight_mix(&source, &clock->model.mixers[landmark], clock->key, point[POINT_LEAF],
                       point + POINT_VALUES, landmark, Q16_ONE, mix))
        return false;
    *ret_said_q16 = foresight_log_sigmoid_q16(foresight_calibrated_q16(&clock->model, mix->mixed_q16));
    return true;
}

/* Breached clocks count twice: as open at their breach, and when they stop. */
static void
learn_finish(struct foresight *learner, const struct foresight_pending *pending, const uint64_t *point,
             uint32_t said_q16, bool stopped)
{
    enum foresight_finish_step step = FINISH_STOPPED;

    if (pending->label == RISK_BREACHED)
        step = stopped ? FINISH_OPEN_STOPPED : FINISH_OPEN;
    if (step == FINISH_OPEN || point[POINT_FINISH] != UINT64_MAX)
        foresight_finish_count(learner, pending->clock, (int)point[POINT_LANDMARK],
                               foresight_finish_bucket(said_q16), step, point[POINT_FINISH], pending->weight);
}

/* Mixer, calibration and finish, before the cells know of it. How far off the leans were. */
static int64_t
learn_point(struct foresight *learner, const struct foresight_pending *pending, const uint64_t *point)
{
    struct foresight_clock *clock = learner->clocks[pending->clock];
    bool late = pending->label == RISK_BREACHED;
    int64_t truth_q16 = late ? Q16_ONE : 0, off_q16, leans_off_q16;
    struct foresight_mix mix;
    uint32_t said_q16;

    if (!say_at(learner, pending, point, &mix, &said_q16))
        return 0;
    leans_off_q16 = (truth_q16 - foresight_log_sigmoid_q16(mix.by_leans_q16)) * pending->weight / WEIGHT_ONE;
    off_q16 = (truth_q16 - foresight_log_sigmoid_q16(mix.by_cells_q16)) * pending->weight / WEIGHT_ONE;
    learn_weights(clock, (int)point[POINT_LANDMARK], &mix, learner->options.contexts.count, off_q16);
    off_q16 = (truth_q16 - foresight_log_sigmoid_q16(mix.mixed_q16)) * pending->weight / WEIGHT_ONE;
    learn_share(clock, (int)point[POINT_LANDMARK], &mix, off_q16);
    off_q16 = (truth_q16 - said_q16) * pending->weight / WEIGHT_ONE;
    learn_calibration(clock, mix.mixed_q16, off_q16);
    learn_bins(clock, said_q16, late);
    learn_finish(learner, pending, point, said_q16, false);
    refresh_calibration(clock);
    refresh_mixer(clock, (int)point[POINT_LANDMARK]); /* the others have learned nothing */
    return leans_off_q16;
}

/* Each value of the ticket once, by the mean of the landmarks at which it had it. */
static void
learn_leans(struct foresight *learner, const struct foresight_pending *pending, size_t context,
            const int64_t *off_q16)
{
    uint64_t clock_key = learner->clocks[pending->clock]->key;
    uint64_t values[FORESIGHT_LANDMARKS_COUNT];

    for (size_t i = 0; i < pending->points_count; i++)
        values[i] = point_of(learner, pending, i)[POINT_VALUES + context];
    for (size_t i = 0; i < pending->points_count; i++) {
        int64_t sum_q16 = 0, count = 0;
        bool before = values[i] == 0;

        for (size_t k = 0; k < pending->points_count; k++) {
            before |= k < i && values[k] == values[i];
            sum_q16 += values[k] == values[i] ? off_q16[k] : 0;
            count += values[k] == values[i];
        }
        if (!before)
            foresight_lean_learn(learner, foresight_value_key(clock_key, values[i]), sum_q16 / count);
    }
}

static void
count_value(struct foresight *learner, const struct foresight_pending *pending, uint64_t key,
            uint64_t leaf_key, int landmark)
{
    uint64_t clock_key = learner->clocks[pending->clock]->key;
    struct foresight_value *value =
        foresight_value_need(learner, key, leaf_key, key != clock_key ? clock_key : 0);

    foresight_value_count(learner, value, landmark, pending->interval, pending->label != RISK_CENSORED,
                          pending->weight);
}

/* The stretch before the first landmark: one interval, all clocks of this name. */
static void
count_before(struct foresight *learner, const struct foresight_pending *pending)
{
    uint64_t key = foresight_before_key(learner->clocks[pending->clock]->key);

    if (pending->interval < 0 && pending->label == RISK_CENSORED)
        return;
    foresight_value_count(learner, foresight_value_need(learner, key, 0, 0), 0, pending->interval < 0 ? 0 : 1,
                          pending->interval < 0, pending->weight);
}

static void
count_class(struct foresight *learner, const struct foresight_pending *pending)
{
    uint64_t before = 0;

    for (size_t i = 0; i < pending->points_count && pending->label != RISK_CENSORED; i++) {
        uint64_t leaf_key = point_of(learner, pending, i)[POINT_LEAF];
        struct foresight_value *leaf = foresight_value_find(learner, leaf_key);

        if (leaf != NULL && leaf_key != before && leaf->finished < UINT32_MAX)
            leaf->finished++;
        before = leaf_key;
    }
}

static void
learn_label(struct foresight *learner, const struct foresight_pending *pending)
{
    struct foresight_clock *clock = learner->clocks[pending->clock];
    int64_t leans_off_q16[FORESIGHT_LANDMARKS_COUNT];

    for (size_t i = 0; i < pending->points_count && pending->label != RISK_CENSORED; i++)
        leans_off_q16[i] = learn_point(learner, pending, point_of(learner, pending, i));
    for (size_t i = 0; i < learner->options.contexts.count && pending->label != RISK_CENSORED; i++)
        learn_leans(learner, pending, i, leans_off_q16);
    for (size_t i = 0; i < pending->points_count; i++) {
        const uint64_t *point = point_of(learner, pending, i);
        int landmark = (int)point[POINT_LANDMARK];

        count_value(learner, pending, clock->key, 0, landmark);
        count_value(learner, pending, point[POINT_LEAF], 0, landmark);
        for (size_t k = 0; k < learner->options.contexts.count; k++) {
            if (point[POINT_VALUES + k] != 0)
                count_value(learner, pending, foresight_value_key(point[POINT_LEAF], point[POINT_VALUES + k]),
                            point[POINT_LEAF], landmark);
        }
    }
    count_before(learner, pending);
    count_class(learner, pending);
    clock->outcomes += pending->label != RISK_CENSORED;
    learner->figures.labels++;
    learner->figures.breached += pending->label == RISK_BREACHED;
    learner->figures.censored += pending->label == RISK_CENSORED;
    learner->version++;
}

/* ---- samples ---- */

struct foresight_pending *
foresight_pending_new(const struct foresight *learner, size_t points_count)
{
    size_t words = points_count * (POINT_VALUES + learner->options.contexts.count);
    struct foresight_pending *pending =
        memory_allocate_zeroed(1, sizeof *pending + words * sizeof pending->words[0]);

    heap_item_init(&pending->item);
    pending->points_count = (uint8_t)points_count;
    return pending;
}

static void
take_point(const struct foresight *learner, uint64_t clock_key, const struct risk_point *point,
           int64_t target_ms, uint64_t *words)
{
    const struct foresight_contexts *contexts = &learner->options.contexts;
    struct foresight_view view;

    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++)
        view.texts[i] = foresight_text_hash(point->texts[i]);
    memcpy(view.numbers, point->numbers, sizeof view.numbers);
    words[POINT_LANDMARK] = point->landmark;
    words[POINT_FINISH] =
        point->remaining_ms >= 0 ? foresight_finish_share_q16(point->remaining_ms, target_ms) : UINT64_MAX;
    words[POINT_LEAF] = foresight_leaf_key(clock_key, &view);
    for (size_t i = 0; i < contexts->count; i++)
        words[POINT_VALUES + i] = foresight_value_hash(learner->context_hashes[i], &contexts->at[i], &view);
}

/* Points beyond the interval in which it ended are none: a landmark that is met on the very end. */
static size_t
sound_points(const struct risk_sample *sample, int interval)
{
    size_t count = 0;

    while (count < sample->points_count && count < FORESIGHT_LANDMARKS_COUNT &&
           sample->points[count].landmark < FORESIGHT_LANDMARKS_COUNT &&
           sample->points[count].landmark <= interval)
        count++;
    return count;
}

static int
interval_of(const struct risk_sample *sample)
{
    if (sample->label == RISK_BREACHED)
        return FORESIGHT_LANDMARKS_COUNT;
    return foresight_landmark(sample->elapsed_ms, sample->target_ms);
}

static struct foresight_pending *
take_sample(struct foresight *learner, size_t clock, const struct risk_sample *sample)
{
    int interval = interval_of(sample);
    struct foresight_pending *pending = foresight_pending_new(learner, sound_points(sample, interval));
    uint32_t weight = sample->alarmed && !sample->held_out ? learner->options.alarmed_permille : 1000;

    pending->order = learner->orders++;
    pending->clock = (uint32_t)clock;
    pending->weight = (uint16_t)(weight * WEIGHT_ONE / 1000);
    pending->label = (uint8_t)sample->label;
    pending->interval = (int8_t)interval;
    for (size_t i = 0; i < pending->points_count; i++)
        take_point(learner, learner->clocks[clock]->key, &sample->points[i], sample->target_ms,
                   pending->words + i * (POINT_VALUES + learner->options.contexts.count));
    return pending;
}

static size_t
pending_bytes(const struct foresight *learner, const struct foresight_pending *pending)
{
    return sizeof *pending + pending->points_count * (POINT_VALUES + learner->options.contexts.count) *
                                 sizeof pending->words[0];
}

void
foresight_pending_put(struct foresight *learner, struct foresight_pending *pending, int64_t known_at_ms)
{
    heap_put(learner->pending, &pending->item, known_at_ms);
    learner->pending_bytes += pending_bytes(learner, pending);
}

static void
learn_next(struct foresight *learner)
{
    struct foresight_pending *pending = (struct foresight_pending *)heap_top(learner->pending);

    heap_remove(learner->pending, &pending->item);
    learner->pending_bytes -= pending_bytes(learner, pending);
    learn_label(learner, pending);
    memory_free(pending);
}

void
foresight_advance(struct foresight *learner, int64_t t_ms)
{
    const struct heap_item *top;

    if (t_ms <= learner->at_ms)
        return;
    while ((top = heap_top(learner->pending)) != NULL && top->at_ms <= t_ms) {
        learner->at_ms = top->at_ms > learner->at_ms ? top->at_ms : learner->at_ms;
        learn_next(learner);
    }
    learner->at_ms = t_ms;
}

/* The stop of a clock whose breach was learned before. */
static void
take_finish(struct foresight *learner, size_t clock, const struct risk_sample *sample)
{
    struct foresight_pending *pending = take_sample(learner, clock, sample);
    struct foresight_mix mix;
    uint32_t said_q16;

    for (size_t i = 0; i < pending->points_count; i++) {
        const uint64_t *point = point_of(learner, pending, i);

        if (say_at(learner, pending, point, &mix, &said_q16))
            learn_finish(learner, pending, point, said_q16, true);
    }
    learner->figures.finishes++;
    memory_free(pending);
}

void
foresight_learn(struct foresight *learner, const struct risk_sample *sample)
{
    struct foresight_pending *pending;
    size_t clock;

    foresight_advance(learner, sample->arrival.detected_at_ms);
    if (sample->target_ms <= 0)
        return;
    clock = need_clock(learner, &sample->name);
    if (clock == learner->clocks_count)
        return;
    if (sample->finish) {
        take_finish(learner, clock, sample);
        return;
    }
    pending = take_sample(learner, clock, sample);
    foresight_pending_put(learner, pending,
                          sample->known_at_ms > learner->at_ms ? sample->known_at_ms : learner->at_ms);
    learner->figures.early_labels += heap_count(learner->pending) > learner->options.pending_max;
    while (heap_count(learner->pending) > learner->options.pending_max ||
           (heap_count(learner->pending) > 0 && heap_top(learner->pending)->at_ms <= learner->at_ms))
        learn_next(learner);
}

/* ---- figures ---- */

int64_t
foresight_at_ms(const struct foresight *learner)
{
    return learner->at_ms;
}

uint64_t
foresight_version(const struct foresight *learner)
{
    return learner->version;
}

void
foresight_figures(const struct foresight *learner, struct foresight_figures *figures)
{
    *figures = learner->figures;
    figures->values = map_count(learner->values);
    figures->clocks = learner->clocks_count;
    figures->pending = heap_count(learner->pending);
    figures->resident_bytes = sizeof *learner + map_bytes(learner->values) + map_bytes(learner->leans) +
                              heap_bytes(learner->pending) +
                              map_count(learner->leans) * sizeof(struct foresight_lean) +
                              figures->values * sizeof(struct foresight_value) +
                              figures->clocks * sizeof(struct foresight_clock) + learner->pending_bytes;
}

/* What was said less what came of it, on the whole. */
static int
drift_permille(const struct foresight_clock *clock)
{
    int64_t off = 0, count = 0;

    for (int i = 0; i < CALIBRATION_BINS; i++) {
        off += (int64_t)clock->bins[i].said_q20 - (int64_t)clock->bins[i].late_q20;
        count += (int64_t)clock->bins[i].count_q20;
    }
    return count > 0 ? (int)(off * 1000 / count) : 0;
}

bool
foresight_calibration(const struct foresight *learner, size_t place,
                      struct foresight_calibration *calibration)
{
    const struct foresight_clock *clock;

    if (place >= learner->clocks_count)
        return false;
    clock = learner->clocks[place];
    *calibration = (struct foresight_calibration){
        .kind = clock->kind,
        .clock = {clock->name, clock->name_bytes},
        .error_permille = foresight_clock_error_permille(clock),
        .drift_permille = drift_permille(clock),
        .outcomes = clock->outcomes,
        .uncalibrated = clock->model.uncalibrated,
        .offset_q16 = clock->model.offset_q16,
        .slope_q16 = clock->model.slope_q16,
    };
    return true;
}

bool
foresight_held_out(struct slice ticket, int share_permille)
{
    return (int)(hash_bytes(0x686f6c642d6f7574U, ticket.at, ticket.bytes) % 1000) < share_permille;
}
