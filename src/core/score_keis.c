/*
 * What: key experience indicators: value, target, trend, and whether somebody looked at them in time.
 *
 * Why this way: a KEI is a scope with a filter whose series are those its measure needs; its value is read
 * from sums when it is due, and its trend is the same reading of the window before. Medians are read from the
 * entries: only they must be looked at one by one.
 *
 * Always true: a KEI has a record from the first instant on, with or without anything that counts; what is
 * met is decided in whole numbers where the measure has them.
 *
 * Not here: when it is due (score_publish), its bytes (wire).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_statistics.h"
#include "core/score_windows.h"
#include "core/scores_state.h"
#include <stdlib.h>

enum measure_of_kei {
    KEI_PX,
    KEI_NPS,
    KEI_CSAT,
    KEI_CES,
    KEI_LOST_MINUTES,
    KEI_REOPEN_RATE,
    KEI_REPEAT_CONTACT_RATE,
    KEI_BOUNCE_COUNT,
    KEI_FIRST_CONTACT,
    KEI_TIER_SHARE,
    KEI_HONEST_ATTAINMENT,
    KEI_EXPERIENCED_P50,
    KEI_EXPERIENCED_P90,
    KEI_ASPECT,
    KEI_MEASURES_COUNT
};

enum direction { KEI_AT_LEAST, KEI_AT_MOST };

/* name ends with ':' when an argument follows. */
static const struct kei_row {
    const char *name;
    uint16_t kinds;
    enum direction direction;
    enum kei_unit unit;
} rows[KEI_MEASURES_COUNT] = {
    [KEI_PX] = {"px", 1 << SCORE_ANSWERS, KEI_AT_LEAST, KEI_SHARE},
    [KEI_NPS] = {"nps", 1 << SCORE_ANSWERS, KEI_AT_LEAST, KEI_POINTS},
    [KEI_CSAT] = {"csat", 1 << SCORE_ANSWERS, KEI_AT_LEAST, KEI_POINTS},
    [KEI_CES] = {"ces", 1 << SCORE_ANSWERS, KEI_AT_LEAST, KEI_POINTS},
    [KEI_LOST_MINUTES] = {"lost_minutes", 1 << SCORE_ANSWERS, KEI_AT_MOST, KEI_POINTS},
    [KEI_REOPEN_RATE] = {"reopen_rate", 1 << SCORE_SOLVED, KEI_AT_MOST, KEI_SHARE},
    [KEI_REPEAT_CONTACT_RATE] = {"repeat_contact_rate", 1 << SCORE_CREATED, KEI_AT_MOST, KEI_SHARE},
    [KEI_BOUNCE_COUNT] = {"bounce_count", 1 << SCORE_LIFE, KEI_AT_MOST, KEI_POINTS},
    [KEI_FIRST_CONTACT] = {"first_contact_resolution", 1 << SCORE_SOLVED, KEI_AT_LEAST, KEI_SHARE},
    [KEI_TIER_SHARE] = {"tier_share:", 1 << SCORE_SOLVED | 1 << SCORE_TIER, KEI_AT_MOST, KEI_SHARE},
    [KEI_HONEST_ATTAINMENT] = {"honest_attainment", 1 << SCORE_CLOCK, KEI_AT_LEAST, KEI_SHARE},
    [KEI_EXPERIENCED_P50] = {"experienced_p50", 1 << SCORE_SOLVED, KEI_AT_MOST, KEI_LENGTH},
    [KEI_EXPERIENCED_P90] = {"experienced_p90", 1 << SCORE_SOLVED, KEI_AT_MOST, KEI_LENGTH},
    [KEI_ASPECT] = {"aspect:", 1 << SCORE_ANSWERS | 1 << SCORE_ASPECT, KEI_AT_LEAST, KEI_SHARE},
};

/* The loader has seen that the measure is one. *ret_argument: what stands behind the colon. */
static enum measure_of_kei
measure_of(struct slice text, struct slice *ret_argument)
{
    for (int i = 0; i < KEI_MEASURES_COUNT; i++) {
        size_t bytes = strlen(rows[i].name);
        bool has_argument = rows[i].name[bytes - 1] == ':';

        if (text.bytes < bytes || (!has_argument && text.bytes != bytes) ||
            memcmp(text.at, rows[i].name, bytes) != 0)
            continue;
        *ret_argument = (struct slice){text.at + bytes, text.bytes - bytes};
        return (enum measure_of_kei)i;
    }
    panic("a KEI of no measure");
}

uint16_t
score_keis_kinds(struct slice measure)
{
    struct slice argument;

    return rows[measure_of(measure, &argument)].kinds;
}

/* ---- one window ---- */

struct figure {
    bool present;
    double value;
    int64_t n;
};

struct window_of_kei {
    struct scores *scores;
    const struct score_scope_state *scope;
    enum measure_of_kei measure;
    struct slice argument;
    int64_t after_ms, through_ms;
};

static struct figure
ratio(int64_t hits, int64_t n)
{
    return (struct figure){n > 0, n > 0 ? (double)hits / (double)n : 0, n};
}

static struct score_tally
tally_of(const struct window_of_kei *window, enum score_kind kind, uint8_t scale)
{
    return score_figures_tally(window->scores, window->scope, score_series_kind(kind, scale, 0),
                               window->after_ms, window->through_ms);
}

static uint8_t
tier_of(struct slice argument)
{
    int tier = 0;

    for (size_t i = 0; i < argument.bytes; i++)
        tier = tier * 10 + (argument.at[i] - '0');
    return (uint8_t)tier;
}

/* ---- lengths: the value that a share of all does not exceed ---- */

struct lengths {
    const struct scores *scores;
    int64_t *of_ms;
    size_t count;
};

static void
take_length(void *context, int64_t at_ms, uint32_t entry)
{
    struct lengths *lengths = context;
    const struct score_ticket *ticket = scores_ticket_at(lengths->scores, entry);

    if (ticket->started_at_ms != INSTANT_NONE && ticket->started_at_ms <= at_ms)
        lengths->of_ms[lengths->count++] = at_ms - ticket->started_at_ms;
}

static int
compare_lengths(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return (left > right) - (left < right);
}

/* Nearest rank: the smallest length that at least this share of the tickets does not exceed. */
static struct figure
read_length(const struct window_of_kei *window, int64_t percent)
{
    const struct score_series *series =
        score_figures_series(window->scope, score_series_kind(SCORE_SOLVED, 0, 0));
    struct lengths lengths = {.scores = window->scores};
    struct figure figure = {0};

    if (series == NULL || series->count == 0)
        return figure;
    lengths.of_ms = memory_allocate(series->count * sizeof *lengths.of_ms);
    score_series_each(series, window->after_ms, window->through_ms, take_length, &lengths);
    if (lengths.count > 0) {
        size_t rank = (lengths.count * (size_t)percent + 99) / 100;

        qsort(lengths.of_ms, lengths.count, sizeof *lengths.of_ms, compare_lengths);
        figure = (struct figure){true, (double)lengths.of_ms[rank - 1], (int64_t)lengths.count};
    }
    memory_free(lengths.of_ms);
    return figure;
}

/* ---- measures ---- */

static struct figure
read_tickets(const struct window_of_kei *window)
{
    struct score_tally solved = tally_of(window, SCORE_SOLVED, 0), other;

    switch (window->measure) {
    case KEI_REOPEN_RATE:
        return ratio(solved.columns[SOLVED_REOPENED], solved.columns[SOLVED_N]);
    case KEI_FIRST_CONTACT:
        return ratio(solved.columns[SOLVED_FIRST_CONTACT], solved.columns[SOLVED_N]);
    case KEI_TIER_SHARE:
        other = tally_of(window, SCORE_TIER, tier_of(window->argument));
        return ratio(other.columns[TIER_N], solved.columns[SOLVED_N]);
    case KEI_REPEAT_CONTACT_RATE:
        other = tally_of(window, SCORE_CREATED, 0);
        return ratio(other.columns[CREATED_REPEATED], other.columns[CREATED_N]);
    case KEI_BOUNCE_COUNT:
        other = tally_of(window, SCORE_LIFE, 0);
        return ratio(other.columns[LIFE_BOUNCES], other.columns[LIFE_N]);
    case KEI_EXPERIENCED_P50:
        return read_length(window, 50);
    default:
        must(window->measure == KEI_EXPERIENCED_P90);
        return read_length(window, 90);
    }
}

static struct figure
figure_of_px(const struct score_px *px)
{
    return (struct figure){px->present, px->value, px->n};
}

static struct figure
figure_of_aspect(const struct score_record *record, struct slice name)
{
    for (size_t i = 0; i < record->aspects_count; i++)
        if (slice_equal(record->aspects[i].name, name))
            return figure_of_px(&record->aspects[i].px);
    return (struct figure){0};
}

/* What users said, and verdicts. */
static struct figure
read_record(const struct score_record *record, const struct window_of_kei *window)
{
    switch (window->measure) {
    case KEI_PX:
        return figure_of_px(&record->px);
    case KEI_NPS:
        return (struct figure){record->nps.present, record->nps.value, record->nps.n};
    case KEI_CSAT:
        return (struct figure){record->csat.present, record->csat.value, record->csat.n};
    case KEI_CES:
        return (struct figure){record->ces.present, record->ces.value, record->ces.n};
    case KEI_LOST_MINUTES:
        return (struct figure){record->lost_minutes.n > 0 &&
                                   record->lost_minutes.n >= window->scores->experience->min_answers,
                               record->lost_minutes.value, record->lost_minutes.n};
    case KEI_ASPECT:
        return figure_of_aspect(record, window->argument);
    default:
        must(window->measure == KEI_HONEST_ATTAINMENT);
        return ratio(record->attainment_honest.hits, record->attainment_honest.n);
    }
}

static struct figure
read_figure(const struct window_of_kei *window, struct score_record *ret_record)
{
    const struct score_frame frame = {.before_ms = window->after_ms - 1,
                                      .after_ms = window->after_ms,
                                      .through_ms = window->through_ms,
                                      .min_answers = window->scores->experience->min_answers,
                                      .neutral = window->scores->experience->neutral};
    struct score_reading reading;

    *ret_record = (struct score_record){0};
    if ((rows[window->measure].kinds & (1 << SCORE_ANSWERS | 1 << SCORE_CLOCK)) == 0)
        return read_tickets(window);
    score_figures_frame(window->scores, window->scope, &frame, &reading);
    *ret_record = reading.record;
    return read_record(&reading.record, window);
}

/* ---- against its target, and before ---- */

/* What ends at the first tier is to be much, what needs another one is to be little. */
static bool
is_met(const struct window_of_kei *window, int64_t target, const struct figure *figure)
{
    double wanted = (double)target / (rows[window->measure].unit == KEI_LENGTH ? 1.0 : 10000.0);
    bool at_least = rows[window->measure].direction == KEI_AT_LEAST;

    if (window->measure == KEI_TIER_SHARE)
        at_least = tier_of(window->argument) == 1;
    return at_least ? figure->value >= wanted : figure->value <= wanted;
}

/* How much of the trend is chance. */
static void
compare(enum measure_of_kei measure, const struct score_record *now, const struct score_record *before,
        struct score_kei *kei)
{
    kei->has_z = measure == KEI_PX || measure == KEI_NPS;
    if (measure == KEI_PX)
        kei->z = score_statistics_share_z(now->px.positive, now->px.n, before->px.positive, before->px.n);
    else if (measure == KEI_NPS)
        kei->z = score_statistics_nps_z(
            (struct score_nps_counts){now->nps.promoters, now->nps.passives, now->nps.detractors},
            (struct score_nps_counts){before->nps.promoters, before->nps.passives, before->nps.detractors});
}

void
score_keis_read(struct scores *scores, struct score_scope_state *scope, int64_t at_ms,
                struct score_kei *ret_kei, uint64_t *ret_digest)
{
    const struct policy_kei *policy =
        &scores->experience->keis[scores->scopes.definitions[scope->definition].index];
    struct score_window place = score_windows_at(&policy->window, scores->zone, at_ms);
    struct window_of_kei window = {scores, scope, KEI_PX, {NULL, 0}, place.after_ms, at_ms};
    struct score_kei kei = {.symbols = scores->options.symbols, .kei = policy, .at_ms = at_ms};
    struct score_record now, before;
    struct figure figure;
    uint64_t digest = 6;

    window.measure = measure_of(policy->measure, &window.argument);
    kei.unit = rows[window.measure].unit;
    figure = read_figure(&window, &now);
    kei.present = figure.present;
    kei.value = figure.value;
    kei.n = figure.n;
    kei.met = figure.present && is_met(&window, policy->target_value, &figure);
    window.after_ms = place.before_ms;
    window.through_ms = place.after_ms;
    figure = read_figure(&window, &before);
    kei.has_previous = kei.present && figure.present;
    kei.previous = figure.value;
    kei.previous_n = figure.n;
    if (kei.has_previous)
        compare(window.measure, &now, &before, &kei);
    kei.overdue = policy->review_by.at != NULL && at_ms >= policy->review_by_ms;
    digest = hash_bytes(digest, &kei.value, sizeof kei.value);
    digest = hash_bytes(digest, &kei.n, sizeof kei.n);
    digest = hash_bytes(digest, &kei.previous, sizeof kei.previous);
    digest = hash_bytes(digest, &kei.previous_n, sizeof kei.previous_n);
    *ret_digest = hash_bytes(digest, &kei.overdue, sizeof kei.overdue);
    *ret_kei = kei;
}

int64_t
score_keis_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always)
{
    struct score_kei kei;
    uint64_t digest;
    int64_t next_ms;

    score_keis_read(scores, scope, at_ms, &kei, &digest);
    if ((score_publish_differs(scores, scope, digest, &kei.revision) || always) &&
        scores->options.sink.kei != NULL)
        scores->options.sink.kei(scores->options.sink.context, &kei);
    next_ms = score_figures_expiry_ms(scope, &kei.kei->window, scores->zone, at_ms);
    if (kei.kei->review_by.at != NULL && !kei.overdue && kei.kei->review_by_ms < next_ms)
        next_ms = kei.kei->review_by_ms;
    return next_ms;
}
