/*
 * A forecast: base rate, evidence of contexts, mixer, calibration, finish.
 *
 * Why one file for learner and table: both must say the same, so both are a *source* that answers what a
 * cell, a clock and a finish are, and the sums are done here. Between two landmarks the cell of the last one
 * counts with what is left of its interval (the first factor to the power of the share that is left), so P
 * rises while nothing happens. Always true: the same answers of the source give the same forecast; without
 * evidence P is the base rate, calibrated. Not here: what cells hold (foresight), how they are found
 * (foresight_table).
 */
#include "base/panic.h"
#include "core/foresight_parts.h"

const char *
foresight_confidence_text(enum foresight_confidence confidence)
{
    static const char *const texts[] = {"normal", "low", "uncalibrated"};

    return texts[confidence];
}

const char *
risk_label_text(enum risk_label label)
{
    static const char *const texts[] = {"met", "breached", "censored"};

    return texts[label];
}

/* Log-odds that it stays open to the end. */
static int32_t
entry_logit_q16(const struct foresight_entry *entry, uint32_t left_q16)
{
    uint64_t sum_q16 = ((uint64_t)entry->first * left_q16 + (uint64_t)entry->rest * Q16_ONE) / ENTRY_ONE;

    return foresight_log_logit_q16((uint32_t)sum_q16);
}

bool
foresight_mix(const struct foresight_source *source, const struct foresight_mixer *mixer, uint64_t clock_key,
              uint64_t leaf_key, const uint64_t *value_hashes, int landmark, uint32_t left_q16,
              struct foresight_mix *mix)
{
    struct foresight_entry base;
    int64_t by_cells_q16, by_leans_q16;

    if (!source->cell(source->model, leaf_key, 0, clock_key, landmark, &base) &&
        !source->cell(source->model, clock_key, 0, clock_key, landmark, &base))
        return false;
    mix->base_q16 = entry_logit_q16(&base, left_q16);
    by_cells_q16 = by_leans_q16 = mix->base_q16;
    source->cells(source->model, value_hashes, source->contexts->count, leaf_key, clock_key, landmark,
                  mix->entries, mix->known);
    for (size_t i = 0; i < source->contexts->count; i++) {
        mix->evidence_q16[i] =
            mix->known[i] ? entry_logit_q16(&mix->entries[i], left_q16) - mix->base_q16 : 0;
        mix->leans_q16[i] = source->lean_q16(source->model, foresight_value_key(clock_key, value_hashes[i]));
        by_cells_q16 += foresight_log_scale(mixer->weights_q16[i], mix->evidence_q16[i], 16);
        by_leans_q16 += mix->leans_q16[i];
    }
    mix->by_cells_q16 = foresight_log_clamp(by_cells_q16, LOGIT_MAX_Q16);
    mix->by_leans_q16 = foresight_log_clamp(by_leans_q16, LOGIT_MAX_Q16);
    mix->mixed_q16 =
        mix->by_cells_q16 + (int32_t)foresight_log_scale(mix->by_leans_q16 - (int64_t)mix->by_cells_q16,
                                                         mixer->leans_share_q16, 16);
    return true;
}

int32_t
foresight_mix_adds_q16(const struct foresight_mixer *mixer, const struct foresight_mix *mix, size_t context)
{
    int64_t cell_q16 = foresight_log_scale(mixer->weights_q16[context], mix->evidence_q16[context], 16);

    return (int32_t)(cell_q16 +
                     foresight_log_scale(mix->leans_q16[context] - cell_q16, mixer->leans_share_q16, 16));
}

int32_t
foresight_calibrated_q16(const struct foresight_clock_model *model, int32_t mixed_q16)
{
    return foresight_log_clamp(model->offset_q16 + foresight_log_scale(model->slope_q16, mixed_q16, 16),
                               LOGIT_MAX_Q16);
}

static int
permille(uint32_t p_q16)
{
    int rounded = (int)((p_q16 * UINT64_C(1000) + Q16_ONE / 2) / Q16_ONE);

    return rounded < 1 ? 1 : rounded > 999 ? 999 : rounded;
}

/* ---- finish ---- */

int
foresight_finish_bucket(uint32_t p_q16)
{
    static const uint32_t up_to_q16[FINISH_BUCKETS - 1] = {6554, 16384, 32768, 49152,
                                                           58982}; /* 10 25 50 75 90 % */
    int bucket = 0;

    while (bucket < FINISH_BUCKETS - 1 && p_q16 >= up_to_q16[bucket])
        bucket++;
    return bucket;
}

/* Half octaves from 1/256 of the target to 362 targets; what lies beyond is in the last bin too: 2^0.5 in
 * 1/65536 for each second one. */
static const uint32_t finish_edges_q16[FINISH_BINS] = {
    256,     362,     512,     724,     1024,     1448,     2048,    2896,    4096,
    5792,    8192,    11585,   16384,   23170,    32768,    46341,   65536,   92682,
    131072,  185364,  262144,  370728,  524288,   741456,   1048576, 1482912, 2097152,
    2965824, 4194304, 5931648, 8388608, 11863296, 16777216, 23726592};

uint64_t
foresight_finish_share_q16(int64_t remaining_ms, int64_t target_ms)
{
    const int64_t length_max_ms = INT64_C(1) << 42;

    return (uint64_t)(remaining_ms < length_max_ms ? remaining_ms : length_max_ms) * Q16_ONE /
           (uint64_t)target_ms;
}

int
foresight_finish_bin(uint64_t share_q16)
{
    int bin = 0;

    while (bin < FINISH_BINS - 1 && share_q16 > finish_edges_q16[bin])
        bin++;
    return bin;
}

static uint32_t
lower_edge_q16(int bin)
{
    return bin > 0 ? finish_edges_q16[bin - 1] : 0;
}

/* How many of 65535 were done by this share of the target: straight lines inside a bin. */
static uint32_t
done_by(const struct foresight_finish *finish, uint64_t share)
{
    uint32_t below = 0;

    for (int bin = 0; bin < FINISH_BINS; bin++) {
        uint32_t from = lower_edge_q16(bin), to = finish_edges_q16[bin];

        if (share < to)
            return below + (uint32_t)((uint64_t)(finish->up_to[bin] - below) * (share - from) / (to - from));
        below = finish->up_to[bin];
    }
    return UINT16_MAX;
}

/* The share of the target by which so many of 65535 are done. */
static uint64_t
share_at(const struct foresight_finish *finish, uint32_t done)
{
    uint32_t below = 0;

    for (int bin = 0; bin < FINISH_BINS; bin++) {
        uint32_t from = lower_edge_q16(bin), to = finish_edges_q16[bin], in_bin = finish->up_to[bin] - below;

        if (done <= finish->up_to[bin])
            return from + (in_bin > 0 ? (uint64_t)(to - from) * (done - below) / in_bin : 0);
        below = finish->up_to[bin];
    }
    return finish_edges_q16[FINISH_BINS - 1];
}

uint64_t
foresight_finish_quantile_q16(const struct foresight_finish *finish, uint64_t since_q16, uint32_t tenths)
{
    uint32_t done = done_by(finish, since_q16);
    uint64_t share = share_at(finish, done + ((UINT16_MAX - done) * tenths + 9) / 10);

    return tenths == 9 ? share * finish->stretch_q16 / Q16_ONE : share;
}

static int64_t
left_ms(uint64_t share_q16, int64_t target_ms, int64_t since_ms)
{
    int64_t left = (int64_t)(share_q16 * (uint64_t)target_ms / Q16_ONE) - since_ms;

    return left > 0 ? left : 0;
}

/* From now on, of those not done since_ms after the landmark. */
static void
fill_finish(const struct foresight_source *source, const struct foresight_query *query, size_t place,
            int landmark, uint32_t p_q16, struct foresight_forecast *forecast)
{
    int64_t since_ms = query->elapsed_ms - foresight_landmark_ms(landmark, query->target_ms);
    uint64_t since_q16 = since_ms > 0 ? foresight_finish_share_q16(since_ms, query->target_ms) : 0;
    struct foresight_finish finish;

    forecast->p50_ms = forecast->p90_ms = -1;
    source->finish(source->model, place, landmark, foresight_finish_bucket(p_q16), &finish);
    if (finish.up_to[FINISH_BINS - 1] == 0)
        return;
    forecast->p50_ms =
        left_ms(foresight_finish_quantile_q16(&finish, since_q16, 5), query->target_ms, since_ms);
    forecast->p90_ms =
        left_ms(foresight_finish_quantile_q16(&finish, since_q16, 9), query->target_ms, since_ms);
    if (forecast->p90_ms < forecast->p50_ms)
        forecast->p90_ms = forecast->p50_ms;
}

/* ---- the forecast ---- */

static int64_t
magnitude(int32_t x)
{
    return x < 0 ? -(int64_t)x : x;
}

/* The weightiest first; of equals the one that is listed first. */
static void
fill_evidence(const struct foresight_source *source, const struct foresight_mixer *mixer,
              const struct foresight_mix *mix, struct foresight_forecast *forecast)
{
    forecast->evidence_count = 0;
    for (size_t i = 0; i < source->contexts->count; i++) {
        int32_t logit_q16 = foresight_mix_adds_q16(mixer, mix, i);
        size_t place = forecast->evidence_count;

        if (!mix->known[i] || logit_q16 == 0)
            continue;
        for (; place > 0 && magnitude(forecast->evidence[place - 1].logit_q16) < magnitude(logit_q16);
             place--)
            forecast->evidence[place] = forecast->evidence[place - 1];
        forecast->evidence[place] =
            (struct foresight_evidence){(uint8_t)i, logit_q16, mix->entries[i].like, mix->entries[i].late};
        forecast->evidence_count++;
    }
}

/* What is left of the landmark's interval; before the first landmark: all of it. */
static uint32_t
left_of_interval_q16(const struct foresight_query *query, int landmark)
{
    int64_t from_ms = foresight_landmark_ms(landmark, query->target_ms);
    int64_t to_ms = landmark + 1 < FORESIGHT_LANDMARKS_COUNT
                        ? foresight_landmark_ms(landmark + 1, query->target_ms)
                        : query->target_ms;

    if (query->elapsed_ms <= from_ms || to_ms <= from_ms)
        return Q16_ONE;
    if (query->elapsed_ms >= to_ms)
        return 0; /* a breach that waits for the next opening */
    return (uint32_t)((to_ms - query->elapsed_ms) * Q16_ONE / (to_ms - from_ms));
}

/* Before the first landmark it has to come that far first. */
static uint32_t
until_first_landmark_q16(const struct foresight_source *source, const struct foresight_query *query,
                         uint64_t clock_key, uint32_t p_q16)
{
    int64_t first_ms = foresight_landmark_ms(0, query->target_ms);
    uint64_t before_key = foresight_before_key(clock_key), open_q16;
    struct foresight_entry entry;

    if (query->elapsed_ms >= first_ms || !source->cell(source->model, before_key, 0, before_key, 0, &entry))
        return p_q16;
    open_q16 =
        (uint64_t)entry.first * (uint64_t)((first_ms - query->elapsed_ms) * Q16_ONE / first_ms) / ENTRY_ONE;
    return (uint32_t)((uint64_t)p_q16 * foresight_log_exp_q32((uint32_t)open_q16) >> 32);
}

static enum foresight_confidence
confidence_of(const struct foresight_source *source, const struct foresight_clock_model *model,
              uint32_t class_count)
{
    if (class_count < source->class_min)
        return FORESIGHT_LOW;
    return model->uncalibrated ? FORESIGHT_UNCALIBRATED : FORESIGHT_NORMAL;
}

/* What nobody has taught: one in ten ends in every interval. */
static void
fill_prior(const struct foresight_source *source, const struct foresight_query *query, int landmark,
           struct foresight_forecast *forecast)
{
    const uint32_t interval_q12 = 432; /* -ln 0.9 */
    uint32_t left_q16 = left_of_interval_q16(query, landmark);
    struct foresight_entry entry = {
        .first = (uint16_t)interval_q12,
        .rest = (uint16_t)(interval_q12 * (uint32_t)(FORESIGHT_LANDMARKS_COUNT - 1 - landmark))};

    memset(forecast, 0, sizeof *forecast);
    forecast->logit_q16 = entry_logit_q16(&entry, left_q16);
    forecast->p_permille = forecast->base_permille = permille(foresight_log_sigmoid_q16(forecast->logit_q16));
    forecast->confidence = FORESIGHT_LOW;
    forecast->p50_ms = forecast->p90_ms = -1;
    forecast->model = source->version;
}

bool
foresight_forecast_from(const struct foresight_source *source, const struct foresight_query *query,
                        struct foresight_forecast *forecast)
{
    uint64_t clock_key = foresight_clock_key(query->kind, query->clock), values[FORESIGHT_CONTEXTS_MAX];
    uint64_t leaf_key = foresight_leaf_key(clock_key, &query->view);
    int passed = foresight_landmark(query->elapsed_ms, query->target_ms), landmark = passed >= 0 ? passed : 0;
    const struct foresight_clock_model *model;
    struct foresight_mix mix;
    size_t place;
    uint32_t p_q16;

    must(query->target_ms > 0 && query->elapsed_ms >= 0);
    model = source->clock(source->model, clock_key, &place);
    for (size_t i = 0; i < source->contexts->count && model != NULL; i++)
        values[i] = foresight_value_hash(source->context_hashes[i], &source->contexts->at[i], &query->view);
    if (model == NULL || !foresight_mix(source, &model->mixers[landmark], clock_key, leaf_key, values,
                                        landmark, left_of_interval_q16(query, landmark), &mix)) {
        fill_prior(source, query, landmark, forecast);
        return false;
    }
    forecast->logit_q16 = foresight_calibrated_q16(model, mix.mixed_q16);
    p_q16 = foresight_log_sigmoid_q16(forecast->logit_q16);
    forecast->p50_ms = forecast->p90_ms = -1;
    forecast->evidence_count = 0;
    if (!query->brief)
        fill_finish(source, query, place, landmark, p_q16, forecast);
    p_q16 = until_first_landmark_q16(source, query, clock_key, p_q16);
    forecast->p_permille = permille(p_q16);
    forecast->base_permille = permille(foresight_log_sigmoid_q16(mix.base_q16));
    forecast->class_count = source->class_count(source->model, leaf_key);
    forecast->confidence = confidence_of(source, model, forecast->class_count);
    forecast->model = source->version;
    if (!query->brief)
        fill_evidence(source, &model->mixers[landmark], &mix, forecast);
    return true;
}

uint32_t
foresight_odds_permille(int32_t logit_q16)
{
    uint32_t x_q16 = (uint32_t)(logit_q16 < 0 ? -(int64_t)logit_q16 : logit_q16),
             fall_q32 = foresight_log_exp_q32(x_q16);
    uint64_t permille;

    if (logit_q16 <= 0)
        permille = (UINT64_C(1000) * fall_q32 + (UINT64_C(1) << 31)) >> 32;
    else
        permille = fall_q32 > 0 ? (UINT64_C(1000) << 32) / fall_q32 : 1000000;
    return permille < 1 ? 1 : permille > 1000000 ? 1000000 : (uint32_t)permille;
}
