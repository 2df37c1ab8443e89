/*
 * What: the figures of one scope in every window, from the sums of its series.
 *
 * Why this way: all bounds of all windows are read in one pass over each series; everything after is
 * arithmetic on whole numbers, and the only floating point is the last division.
 *
 * Always true: the same entries give the same record, whatever was read before. A figure with fewer than
 * min_answers answers is absent; its counts are there.
 *
 * Not here: when it is read (score_publish), how it is printed (wire/score_json).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_statistics.h"
#include "core/score_windows.h"
#include "core/scores_state.h"
#include <stdlib.h>

enum { WINDOWS_AT_ONCE = (SCORE_BOUNDS_MAX - 1) / 2 };

struct bounds {
    int64_t at_ms[SCORE_BOUNDS_MAX]; /* ascending, each once */
    size_t count;
};

/* One series in one window, and in the window before. */
struct part {
    uint64_t kind;
    struct score_tally now, before;
};

/* What the record needs of the window before. */
struct before {
    struct score_px px;
    struct score_nps nps;
};

static int
compare_instants(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void
collect_bounds(const struct scores *scores, const struct policy_window *windows, size_t windows_count,
               int64_t at_ms, struct bounds *bounds)
{
    size_t kept = 0;

    must(windows_count <= WINDOWS_AT_ONCE);
    bounds->count = 0;
    for (size_t i = 0; i < windows_count; i++) {
        struct score_window window = score_windows_at(&windows[i], scores->zone, at_ms);

        bounds->at_ms[bounds->count++] = window.before_ms;
        bounds->at_ms[bounds->count++] = window.after_ms;
    }
    bounds->at_ms[bounds->count++] = at_ms;
    qsort(bounds->at_ms, bounds->count, sizeof bounds->at_ms[0], compare_instants);
    for (size_t i = 1; i < bounds->count; i++)
        if (bounds->at_ms[i] != bounds->at_ms[kept])
            bounds->at_ms[++kept] = bounds->at_ms[i];
    bounds->count = kept + 1;
}

static size_t
bound_of(const struct bounds *bounds, int64_t at_ms)
{
    size_t i = 0;

    while (bounds->at_ms[i] != at_ms)
        i++;
    return i;
}

/* ---- one kind of thing at a time ---- */

static bool
is_builtin(const struct scores *scores, uint8_t scale, enum scale_builtin builtin)
{
    return scores->experience->scales_count > (size_t)builtin &&
           scores->experience->scales[builtin].name == scores->scales[scale];
}

static void
add_px(struct score_px *px, const struct score_tally *tally)
{
    px->positive += tally->columns[ANSWER_CLASS_FIRST + ANSWER_POSITIVE];
    px->neutral += tally->columns[ANSWER_CLASS_FIRST + ANSWER_NEUTRAL];
    px->negative += tally->columns[ANSWER_CLASS_FIRST + ANSWER_NEGATIVE];
}

static void
add_nps(struct score_nps *nps, const struct score_tally *tally)
{
    nps->promoters += tally->columns[ANSWER_CLASS_FIRST + ANSWER_POSITIVE];
    nps->passives += tally->columns[ANSWER_CLASS_FIRST + ANSWER_NEUTRAL];
    nps->detractors += tally->columns[ANSWER_CLASS_FIRST + ANSWER_NEGATIVE];
}

static void
add_mean(struct score_mean *mean, const struct score_tally *tally)
{
    mean->n += tally->columns[ANSWER_N];
    mean->sum += tally->columns[ANSWER_SCORE];
}

static void
add_answers(const struct scores *scores, const struct part *part, struct score_record *record,
            struct before *before)
{
    uint8_t scale = (uint8_t)part->kind;

    record->n += part->now.columns[ANSWER_N];
    record->people += part->now.columns[ANSWER_PEOPLE];
    record->lost_minutes.n += part->now.columns[ANSWER_LOST_N];
    record->lost_minutes.sum += part->now.columns[ANSWER_LOST];
    add_px(&record->px, &part->now);
    add_px(&before->px, &part->before);
    if (is_builtin(scores, scale, SCALE_NPS)) {
        add_nps(&record->nps, &part->now);
        add_nps(&before->nps, &part->before);
    }
    if (is_builtin(scores, scale, SCALE_STARS5))
        add_mean(&record->csat, &part->now);
    if (is_builtin(scores, scale, SCALE_CES7))
        add_mean(&record->ces, &part->now);
}

/* Series of one aspect stand together, one a scale. */
static void
add_aspect(const struct scores *scores, const struct part *part, struct score_record *record,
           struct score_aspect *aspects)
{
    struct slice name = symbols_text(scores->options.symbols, (symbol)(part->kind >> 8));
    struct score_aspect *aspect = record->aspects_count > 0 ? &aspects[record->aspects_count - 1] : NULL;

    if (part->now.columns[ANSWER_N] == 0)
        return;
    if (aspect == NULL || aspect->name.at != name.at) {
        aspect = &aspects[record->aspects_count++];
        *aspect = (struct score_aspect){.name = name};
        aspect->mean.present = true;
    } else {
        aspect->mean.present = false; /* another scale: no mean of both */
    }
    add_px(&aspect->px, &part->now);
    add_mean(&aspect->mean, &part->now);
}

static void
add_clock(const struct scores *scores, const struct part *part, struct score_record *record,
          struct score_attainment_clock *clocks)
{
    struct score_attainment_clock *clock = &clocks[record->clocks_count];

    if (part->now.columns[CLOCK_CONTRACT_N] == 0 && part->now.columns[CLOCK_HONEST_N] == 0)
        return;
    record->clocks_count++;
    *clock = (struct score_attainment_clock){
        .name = symbols_text(scores->options.symbols, (symbol)(part->kind >> 8)),
        .contract = {.hits = part->now.columns[CLOCK_CONTRACT_MET], .n = part->now.columns[CLOCK_CONTRACT_N]},
        .honest = {.hits = part->now.columns[CLOCK_HONEST_MET], .n = part->now.columns[CLOCK_HONEST_N]},
    };
    record->attainment_contract.hits += clock->contract.hits;
    record->attainment_contract.n += clock->contract.n;
    record->attainment_honest.hits += clock->honest.hits;
    record->attainment_honest.n += clock->honest.n;
}

static void
add_solved(const struct score_tally *now, struct score_record *record)
{
    record->coverage = (struct score_rate){.hits = now->columns[SOLVED_OFFERED], .n = now->columns[SOLVED_N]};
    record->coverage_met =
        (struct score_rate){.hits = now->columns[SOLVED_MET_OFFERED], .n = now->columns[SOLVED_MET_N]};
    record->coverage_breached = (struct score_rate){.hits = now->columns[SOLVED_BREACHED_OFFERED],
                                                    .n = now->columns[SOLVED_BREACHED_N]};
}

static void
add_part(struct scores *scores, const struct part *part, struct score_record *record, struct before *before)
{
    switch ((enum score_kind)(part->kind >> 56)) {
    case SCORE_ANSWERS:
        add_answers(scores, part, record, before);
        break;
    case SCORE_ASPECT:
        add_aspect(scores, part, record, scores->read_aspects);
        break;
    case SCORE_OFFERS:
        record->response_rate.hits = part->now.columns[OFFER_ANSWERED];
        record->response_rate.n = part->now.columns[OFFER_N];
        break;
    case SCORE_SOLVED:
        add_solved(&part->now, record);
        break;
    case SCORE_CLOCK:
        add_clock(scores, part, record, scores->read_clocks);
        break;
    case SCORE_LINE:
    case SCORE_LIFE:
    case SCORE_TIER:
    case SCORE_CREATED:
    case SCORE_KINDS_COUNT:
        break; /* read one by one (score_figures_tally) */
    }
}

/* ---- figures from counts ---- */

static void
finish_px(const struct score_frame *frame, struct score_px *px)
{
    struct score_interval interval;

    px->n = px->positive + px->negative;
    if (frame->neutral == NEUTRAL_COUNTED)
        px->n += px->neutral;
    px->present = px->n > 0 && px->n >= frame->min_answers;
    if (!px->present)
        return;
    interval = score_statistics_share(px->positive, px->n);
    px->value = interval.value;
    px->low = interval.low;
    px->high = interval.high;
}

static void
finish_nps(const struct score_frame *frame, struct score_nps *nps)
{
    struct score_interval interval;

    nps->n = nps->promoters + nps->passives + nps->detractors;
    nps->present = nps->n > 0 && nps->n >= frame->min_answers;
    if (!nps->present)
        return;
    interval = score_statistics_nps(nps->promoters, nps->passives, nps->detractors);
    nps->value = interval.value;
    nps->low = interval.low;
    nps->high = interval.high;
}

static void
finish_mean(struct score_mean *mean, bool present)
{
    mean->present = present && mean->n > 0;
    if (mean->present)
        mean->value = (double)mean->sum / (double)mean->n;
}

static void
finish_rate(struct score_rate *rate)
{
    rate->present = rate->n > 0;
    if (rate->present)
        rate->value = (double)rate->hits / (double)rate->n;
}

static double
px_impact(const struct scores *scores, const struct score_px *px)
{
    return (double)px->n * (px->value - (double)scores->experience->px_target_bp / 10000.0);
}

static void
finish_aspects(struct scores *scores, const struct score_frame *frame, struct score_record *record)
{
    for (size_t i = 0; i < record->aspects_count; i++) {
        struct score_aspect *aspect = &scores->read_aspects[i];

        finish_px(frame, &aspect->px);
        finish_mean(&aspect->mean, aspect->mean.present && aspect->mean.n >= frame->min_answers);
        aspect->has_impact = aspect->px.present && scores->experience->px_target_bp > 0;
        if (aspect->has_impact)
            aspect->impact = px_impact(scores, &aspect->px);
    }
    record->aspects = scores->read_aspects;
}

static void
finish_attainment(struct scores *scores, struct score_record *record)
{
    for (size_t i = 0; i < record->clocks_count; i++) {
        finish_rate(&scores->read_clocks[i].contract);
        finish_rate(&scores->read_clocks[i].honest);
    }
    record->clocks = scores->read_clocks;
    finish_rate(&record->attainment_contract);
    finish_rate(&record->attainment_honest);
    record->has_gap = record->attainment_contract.present && record->attainment_honest.present;
    if (record->has_gap)
        record->attainment_gap = record->attainment_contract.value - record->attainment_honest.value;
}

static void
finish_change(const struct score_frame *frame, struct score_record *record, struct before *before)
{
    const struct score_nps *now = &record->nps, *then = &before->nps;

    finish_px(frame, &before->px);
    finish_nps(frame, &before->nps);
    if (record->px.present && before->px.present)
        record->change_px = (struct score_change){
            true, before->px.value, record->px.value - before->px.value,
            score_statistics_share_z(record->px.positive, record->px.n, before->px.positive, before->px.n),
            before->px.n};
    if (now->present && then->present)
        record->change_nps = (struct score_change){
            true, then->value, now->value - then->value,
            score_statistics_nps_z(
                (struct score_nps_counts){now->promoters, now->passives, now->detractors},
                (struct score_nps_counts){then->promoters, then->passives, then->detractors}),
            then->n};
}

static int
compare_aspects(const void *a, const void *b)
{
    return slice_compare(((const struct score_aspect *)a)->name, ((const struct score_aspect *)b)->name);
}

static int
compare_clocks(const void *a, const void *b)
{
    return slice_compare(((const struct score_attainment_clock *)a)->name,
                         ((const struct score_attainment_clock *)b)->name);
}

static int
compare_answers(const void *a, const void *b)
{
    int64_t n_of_a = ((const struct score_aspect *)a)->px.n, n_of_b = ((const struct score_aspect *)b)->px.n;

    return n_of_a != n_of_b ? (n_of_a < n_of_b) - (n_of_a > n_of_b) : compare_aspects(a, b);
}

/* Names of aspects are as many as people type. Those that most have answered are told. */
static void
choose_aspects(struct scores *scores, struct score_record *record)
{
    const size_t max = scores->options.bounds.aspects_max;

    if (max != 0 && record->aspects_count > max) {
        qsort(scores->read_aspects, record->aspects_count, sizeof *scores->read_aspects, compare_answers);
        scores->aspects_refused += record->aspects_count - max;
        record->aspects_count = max;
    }
    if (record->aspects_count > 1)
        qsort(scores->read_aspects, record->aspects_count, sizeof *scores->read_aspects, compare_aspects);
}

static void
finish(struct scores *scores, const struct score_frame *frame, struct score_record *record,
       struct before *before)
{
    const struct policy_experience *experience = scores->experience;

    record->insufficient = record->n < frame->min_answers;
    finish_px(frame, &record->px);
    finish_nps(frame, &record->nps);
    finish_mean(&record->csat, record->csat.n >= frame->min_answers);
    finish_mean(&record->ces, record->ces.n >= frame->min_answers);
    finish_mean(&record->lost_minutes, record->lost_minutes.n >= frame->min_answers);
    finish_rate(&record->response_rate);
    finish_rate(&record->coverage);
    finish_rate(&record->coverage_met);
    finish_rate(&record->coverage_breached);
    finish_aspects(scores, frame, record);
    finish_attainment(scores, record);
    finish_change(frame, record, before);
    record->has_impact_px = record->px.present && experience->px_target_bp > 0;
    if (record->has_impact_px)
        record->impact_px = px_impact(scores, &record->px);
    record->has_impact_nps = record->nps.present && experience->has_nps_target;
    if (record->has_impact_nps)
        record->impact_nps = (double)record->nps.n * (record->nps.value - (double)experience->nps_target);
    choose_aspects(scores, record);
    if (record->clocks_count > 1)
        qsort(scores->read_clocks, record->clocks_count, sizeof *scores->read_clocks, compare_clocks);
}

/* ---- a window ---- */

int64_t
score_figures_expiry_ms(const struct score_scope_state *scope, const struct policy_window *window,
                        const struct zone *zone, int64_t at_ms)
{
    struct score_window place = score_windows_at(window, zone, at_ms);
    int64_t earliest_ms = INT64_MAX;

    if (window->kind != WINDOW_ROLLING)
        return score_windows_next_turn_ms(window, zone, at_ms);
    for (uint32_t i = 0; i < scope->series_count; i++) {
        const struct score_series *series = &scope->series[i].series;
        int64_t leaves_ms = score_series_first_after_ms(series, place.after_ms);
        int64_t fades_ms = score_series_first_after_ms(series, place.before_ms);

        if (leaves_ms != INT64_MAX && leaves_ms + window->length_ms < earliest_ms)
            earliest_ms = leaves_ms + window->length_ms;
        if (scope->series[i].kind >> 56 == SCORE_ANSWERS && fades_ms <= place.after_ms &&
            fades_ms + 2 * window->length_ms < earliest_ms)
            earliest_ms = fades_ms + 2 * window->length_ms;
    }
    return earliest_ms;
}

static const struct score_tally *
sums_of(const struct scores *scores, uint32_t series)
{
    return &scores->read_sums[(size_t)series * SCORE_BOUNDS_MAX];
}

/* Of the window before only the classes of answers are in a figure. */
static void
keep_what_is_compared(struct part *part)
{
    for (size_t i = 0; i < SCORE_COLUMNS_COUNT; i++)
        if (part->kind >> 56 != SCORE_ANSWERS || i < ANSWER_CLASS_FIRST || i >= ANSWER_SCORE)
            part->before.columns[i] = 0;
}

/* The figures of (after, through] from the sums that were read up to these bounds. */
static void
read_frame(struct scores *scores, const struct score_scope_state *scope, const struct score_frame *frame,
           const struct bounds *bounds, struct score_reading *reading)
{
    size_t before_bound = bound_of(bounds, frame->before_ms);
    size_t after_bound = bound_of(bounds, frame->after_ms);
    size_t through_bound = bound_of(bounds, frame->through_ms);
    struct before before = {0};
    const struct score_tally nothing = {{0}};

    for (uint32_t i = 0; i < scope->series_count; i++) {
        const struct score_tally *sums = sums_of(scores, i);
        struct part part = {scope->series[i].kind, sums[through_bound], sums[after_bound]};

        score_tally_subtract(&part.now, &sums[after_bound]);
        score_tally_subtract(&part.before, &sums[before_bound]);
        add_part(scores, &part, &reading->record, &before);
        keep_what_is_compared(&part);
        if (memcmp(&part.now, &nothing, sizeof nothing) != 0 ||
            memcmp(&part.before, &nothing, sizeof nothing) != 0)
            reading->digest = hash_bytes(reading->digest, &part, sizeof part);
    }
    reading->record.at_ms = frame->through_ms;
    reading->record.after_ms = frame->after_ms;
    finish(scores, frame, &reading->record, &before);
}

static void
read_window(struct scores *scores, const struct score_scope_state *scope, const struct policy_window *window,
            int64_t at_ms, const struct bounds *bounds, struct score_reading *reading)
{
    struct score_window place = score_windows_at(window, scores->zone, at_ms);
    const struct score_frame frame = {.before_ms = place.before_ms,
                                      .after_ms = place.after_ms,
                                      .through_ms = at_ms,
                                      .min_answers = scores->experience->min_answers,
                                      .neutral = scores->experience->neutral};

    reading->record.window = window->name;
    read_frame(scores, scope, &frame, bounds, reading);
    if (reading->digest != 0)
        reading->expires_at_ms = score_figures_expiry_ms(scope, window, scores->zone, at_ms);
}

static void
make_room(struct scores *scores, size_t series)
{
    if (series <= scores->read_room)
        return;
    scores->read_room = series + series / 2;
    scores->read_sums =
        memory_resize(scores->read_sums, scores->read_room * SCORE_BOUNDS_MAX * sizeof *scores->read_sums);
    scores->read_aspects =
        memory_resize(scores->read_aspects, scores->read_room * sizeof *scores->read_aspects);
    scores->read_clocks = memory_resize(scores->read_clocks, scores->read_room * sizeof *scores->read_clocks);
}

static void
describe_scope(const struct scores *scores, const struct score_scope_state *scope,
               struct score_scope *description)
{
    description->dimensions = scores->scopes.definitions[scope->definition].dimensions;
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        description->values[i] = symbols_text(scores->options.symbols, scope->values.of[i]);
}

static void
read_sums(struct scores *scores, const struct score_scope_state *scope, const struct bounds *bounds)
{
    for (uint32_t i = 0; i < scope->series_count; i++) {
        struct score_weigher weigher = score_count_weigher(scores, scope->series[i].kind);

        score_series_prepare(&scope->series[i].series);
        score_series_sums(&scope->series[i].series, bounds->at_ms, bounds->count, &weigher,
                          &scores->read_sums[(size_t)i * SCORE_BOUNDS_MAX]);
    }
}

void
score_figures_read(struct scores *scores, const struct score_scope_state *scope, int64_t at_ms,
                   void (*take)(void *context, size_t window, struct score_reading *reading), void *context)
{
    const struct policy_window *windows;
    size_t windows_count = scores_windows(scores, &windows);
    struct bounds bounds;

    make_room(scores, (size_t)scope->series_count + 1);
    for (size_t i = 0; i < windows_count; i++) {
        struct score_reading reading = {.expires_at_ms = INT64_MAX};

        if (i % WINDOWS_AT_ONCE == 0) {
            size_t left = windows_count - i;

            collect_bounds(scores, &windows[i], left < WINDOWS_AT_ONCE ? left : WINDOWS_AT_ONCE, at_ms,
                           &bounds);
            read_sums(scores, scope, &bounds);
        }
        describe_scope(scores, scope, &reading.record.scope);
        read_window(scores, scope, &windows[i], at_ms, &bounds, &reading);
        take(context, i, &reading);
    }
}

void
score_figures_frame(struct scores *scores, const struct score_scope_state *scope,
                    const struct score_frame *frame, struct score_reading *ret_reading)
{
    struct bounds bounds = {{frame->before_ms, frame->after_ms, frame->through_ms}, 3};

    must(frame->before_ms < frame->after_ms && frame->after_ms < frame->through_ms);
    make_room(scores, (size_t)scope->series_count + 1);
    read_sums(scores, scope, &bounds);
    *ret_reading = (struct score_reading){.expires_at_ms = INT64_MAX};
    describe_scope(scores, scope, &ret_reading->record.scope);
    read_frame(scores, scope, frame, &bounds, ret_reading);
}

struct score_series *
score_figures_series(const struct score_scope_state *scope, uint64_t kind)
{
    for (uint32_t i = 0; i < scope->series_count; i++)
        if (scope->series[i].kind == kind)
            return &scope->series[i].series;
    return NULL;
}

struct score_tally
score_figures_tally(const struct scores *scores, const struct score_scope_state *scope, uint64_t kind,
                    int64_t after_ms, int64_t through_ms)
{
    struct score_series *series = score_figures_series(scope, kind);
    const int64_t bounds[] = {after_ms, through_ms};
    struct score_weigher weigher = score_count_weigher(scores, kind);
    struct score_tally sums[2] = {{{0}}, {{0}}};

    if (series == NULL)
        return sums[0];
    score_series_prepare(series);
    score_series_sums(series, bounds, 2, &weigher, sums);
    score_tally_subtract(&sums[1], &sums[0]);
    return sums[1];
}
