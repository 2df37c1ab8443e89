/*
 * What: the values of slad/metrics.def and their page in Prometheus text format 0.0.4.
 *
 * Why this way: a row of the table is all there is to a metric; values are integers in the unit they are
 * measured in, and become seconds by placing a decimal point, so nothing is rounded and no float is near.
 * Labels are small numbers with a table of words, so counting is an index, never a look-up of text.
 *
 * Always true: a metric has a value for each of its labels from the start (but tasks: from their first value
 * on); bucket counts are kept apart and summed up when printed.
 *
 * Not here: threads (the loop's alone), registries, anything a stranger could name: labels come from tables
 * and partitions.
 */
#include "shell/metrics.h"
#include "base/memory.h"
#include "base/panic.h"
#include "slad/event.h"
#include <inttypes.h>
#include <stdio.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };
enum unit { ONE, BYTES, MS, US };

/* ---- labels ---- */

enum labels {
    LABELS_NONE,
    LABELS_TASK,
    LABELS_ERROR,
    LABELS_BOUND,
#define METRIC(NAME, name, KIND, unit, LABELS, help)
#define METRIC_LABELS(NAME, label, words) LABELS_##NAME,
#include "slad/metrics.def"
#undef METRIC
};

struct label_row {
    const char *label;
    const char *words; /* "a|b|c" */
};

static const struct label_row label_rows[] = {
    [LABELS_NONE] = {"", ""},
    [LABELS_TASK] = {"task", ""},
    [LABELS_ERROR] = {"code", ""},
    [LABELS_BOUND] = {"bound", ""},
#define METRIC(NAME, name, KIND, unit, LABELS, help)
#define METRIC_LABELS(NAME, label, words) [LABELS_##NAME] = {label, words},
#include "slad/metrics.def"
#undef METRIC
};

static size_t
words_count(const char *words)
{
    size_t count = 1;

    for (; *words != '\0'; words++)
        count += *words == '|';
    return count;
}

static struct slice
word_at(const char *words, size_t place)
{
    for (; place > 0; place--)
        words = strchr(words, '|') + 1;
    return (struct slice){words, strcspn(words, "|")};
}

static size_t
labels_count(enum labels labels)
{
    switch (labels) {
    case LABELS_NONE:
        return 1;
    case LABELS_TASK:
        return 0;
    case LABELS_ERROR:
        return ERROR_CODES_COUNT;
    case LABELS_BOUND:
        return CONFIG_KEYS_COUNT;
    default:
        return words_count(label_rows[labels].words);
    }
}

/* ---- the table ---- */

struct row {
    const char *name;
    enum kind kind;
    enum unit unit;
    enum labels labels;
    const char *help;
};

static const struct row rows[METRICS_COUNT] = {
#define METRIC(NAME, name, KIND, unit, LABELS, help) {name, KIND, unit, LABELS_##LABELS, help},
#include "slad/metrics.def"
#undef METRIC
};

static const int64_t bucket_bounds_us[] = {1000,     2500,     5000,     10000,    25000,   50000,
                                           100000,   250000,   500000,   1000000,  2500000, 5000000,
                                           10000000, 30000000, 60000000, 300000000};
enum { BUCKETS_COUNT = sizeof bucket_bounds_us / sizeof *bucket_bounds_us };

struct value {
    bool set;
    int64_t number; /* histogram: the sum */
};

struct buckets {
    int64_t counts[BUCKETS_COUNT + 1]; /* the last one: above every bound */
};

struct series {
    struct value *values;
    struct buckets *buckets; /* histograms only, as many as values */
    size_t count;
};

struct metrics {
    struct series series[METRICS_COUNT];
};

static void
series_grow(struct series *series, size_t count, bool histogram)
{
    size_t more = count - series->count;

    series->values = memory_resize(series->values, count * sizeof *series->values);
    memset(series->values + series->count, 0, more * sizeof *series->values);
    if (histogram) {
        series->buckets = memory_resize(series->buckets, count * sizeof *series->buckets);
        memset(series->buckets + series->count, 0, more * sizeof *series->buckets);
    }
    series->count = count;
}

struct metrics *
metrics_new(void)
{
    struct metrics *metrics = memory_allocate_zeroed(1, sizeof *metrics);

    for (size_t i = 0; i < METRICS_COUNT; i++)
        series_grow(&metrics->series[i], labels_count(rows[i].labels), rows[i].kind == HISTOGRAM);
    return metrics;
}

void
metrics_free(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    for (size_t i = 0; i < METRICS_COUNT; i++) {
        memory_free(metrics->series[i].values);
        memory_free(metrics->series[i].buckets);
    }
    memory_free(metrics);
}

static struct series *
series_of(struct metrics *metrics, enum metric metric, size_t label)
{
    struct series *series = &metrics->series[metric];

    if (label >= series->count) {
        must(rows[metric].labels == LABELS_TASK && label < METRICS_TASKS_MAX);
        series_grow(series, label + 1, rows[metric].kind == HISTOGRAM);
    }
    series->values[label].set = true;
    return series;
}

void
metrics_add(struct metrics *metrics, enum metric metric, size_t label, uint64_t more)
{
    must(rows[metric].kind == COUNTER);
    series_of(metrics, metric, label)->values[label].number += (int64_t)more;
}

void
metrics_set(struct metrics *metrics, enum metric metric, size_t label, int64_t value)
{
    must(rows[metric].kind != HISTOGRAM);
    series_of(metrics, metric, label)->values[label].number = value;
}

void
metrics_observe(struct metrics *metrics, enum metric metric, size_t label, int64_t value)
{
    struct series *series = series_of(metrics, metric, label);
    int64_t value_us;
    size_t i = 0;

    must(rows[metric].kind == HISTOGRAM && (rows[metric].unit == MS || rows[metric].unit == US));
    if (value < 0)
        value = 0;
    if (value > INT64_MAX / 1000)
        value = INT64_MAX / 1000;
    value_us = rows[metric].unit == MS ? value * 1000 : value;
    while (i < BUCKETS_COUNT && value_us > bucket_bounds_us[i])
        i++;
    series->buckets[label].counts[i]++;
    series->values[label].number += value;
}

int64_t
metrics_value(const struct metrics *metrics, enum metric metric, size_t label)
{
    const struct series *series = &metrics->series[metric];
    int64_t count = 0;

    if (label >= series->count)
        return 0;
    if (rows[metric].kind != HISTOGRAM)
        return series->values[label].number;
    for (size_t i = 0; i <= BUCKETS_COUNT; i++)
        count += series->buckets[label].counts[i];
    return count;
}

void
metrics_bound_hit(struct metrics *metrics, enum config_key key)
{
    metrics_add(metrics, METRIC_BOUND_HITS, (size_t)key, 1);
}

void
metrics_forget_task(struct metrics *metrics, size_t task)
{
    for (size_t i = 0; i < METRICS_COUNT; i++) {
        struct series *series = &metrics->series[i];

        if (rows[i].labels != LABELS_TASK || task >= series->count)
            continue;
        series->values[task] = (struct value){.set = false};
        if (series->buckets != NULL)
            series->buckets[task] = (struct buckets){{0}};
    }
}

/* ---- the page ---- */

/* value / 10^decimals without trailing zeros. */
static void
append_decimal(struct buffer *out, int64_t value, int decimals)
{
    char text[48];
    int64_t scale = decimals == 6 ? 1000000 : decimals == 3 ? 1000 : 1;
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    int length;

    if (decimals == 0) {
        buffer_append_int64(out, value);
        return;
    }
    length = snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, value < 0 ? "-" : "",
                      size / (uint64_t)scale, decimals, size % (uint64_t)scale);
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    buffer_append(out, text, (size_t)length);
}

static int
decimals_of(enum unit unit)
{
    return unit == MS ? 3 : unit == US ? 6 : 0;
}

static void
append_label(struct buffer *out, enum labels labels, size_t label)
{
    buffer_append_text(out, label_rows[labels].label);
    buffer_append_text(out, "=\"");
    if (labels == LABELS_TASK)
        buffer_append_int64(out, (int64_t)label);
    else if (labels == LABELS_ERROR)
        buffer_append_text(out, error_code_text((enum error_code)label));
    else if (labels == LABELS_BOUND)
        buffer_append_text(out, config_key_text((enum config_key)label));
    else
        buffer_append_slice(out, word_at(label_rows[labels].words, label));
    buffer_append_byte(out, '"');
}

/* name, suffix and {labels}; le NULL: no bucket. */
static void
append_name(struct buffer *out, const struct row *row, const char *suffix, size_t label,
            const struct slice *le)
{
    buffer_append_text(out, row->name);
    buffer_append_text(out, suffix);
    if (row->labels != LABELS_NONE || le != NULL) {
        buffer_append_byte(out, '{');
        if (row->labels != LABELS_NONE)
            append_label(out, row->labels, label);
        if (row->labels != LABELS_NONE && le != NULL)
            buffer_append_byte(out, ',');
        if (le != NULL) {
            buffer_append_text(out, "le=\"");
            buffer_append_slice(out, *le);
            buffer_append_byte(out, '"');
        }
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ' ');
}

static void
print_histogram(const struct row *row, const struct series *series, size_t label, struct buffer *out)
{
    int64_t count = 0;

    for (size_t i = 0; i <= BUCKETS_COUNT; i++) {
        struct buffer bound = {0};
        struct slice le;

        if (i < BUCKETS_COUNT)
            append_decimal(&bound, bucket_bounds_us[i], 6);
        else
            buffer_append_text(&bound, "+Inf");
        le = buffer_slice(&bound);
        count += series->buckets[label].counts[i];
        append_name(out, row, "_bucket", label, &le);
        buffer_append_int64(out, count);
        buffer_append_byte(out, '\n');
        buffer_free(&bound);
    }
    append_name(out, row, "_sum", label, NULL);
    append_decimal(out, series->values[label].number, decimals_of(row->unit));
    buffer_append_byte(out, '\n');
    append_name(out, row, "_count", label, NULL);
    buffer_append_int64(out, count);
    buffer_append_byte(out, '\n');
}

static bool
is_shown(const struct row *row, const struct series *series, size_t label)
{
    if (row->labels == LABELS_TASK || row->labels == LABELS_BOUND)
        return series->values[label].set;
    return row->labels != LABELS_ERROR || label != ERROR_NONE;
}

static const char *const kind_texts[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};

static void
print_row(const struct row *row, const struct series *series, struct buffer *out)
{
    buffer_append_text(out, "# HELP ");
    buffer_append_text(out, row->name);
    buffer_append_byte(out, ' ');
    buffer_append_text(out, row->help);
    buffer_append_text(out, "\n# TYPE ");
    buffer_append_text(out, row->name);
    buffer_append_byte(out, ' ');
    buffer_append_text(out, kind_texts[row->kind]);
    buffer_append_byte(out, '\n');
    for (size_t label = 0; label < series->count; label++) {
        if (!is_shown(row, series, label))
            continue;
        if (row->kind == HISTOGRAM) {
            print_histogram(row, series, label, out);
            continue;
        }
        append_name(out, row, "", label, NULL);
        append_decimal(out, series->values[label].number, decimals_of(row->unit));
        buffer_append_byte(out, '\n');
    }
}

void
metrics_print(const struct metrics *metrics, struct buffer *out)
{
    for (size_t i = 0; i < METRICS_COUNT; i++)
        print_row(&rows[i], &metrics->series[i], out);
}

struct metric_row
metrics_row(enum metric metric)
{
    static const char *const unit_texts[] = {
        [ONE] = "", [BYTES] = "bytes", [MS] = "seconds", [US] = "seconds"};
    const struct row *row = &rows[metric];

    return (struct metric_row){
        .name = row->name,
        .kind = kind_texts[row->kind],
        .unit = unit_texts[row->unit],
        .label = label_rows[row->labels].label,
        .help = row->help,
    };
}
