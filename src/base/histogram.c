/*
 * What: a log-linear histogram (the idea of HdrHistogram): every power of two is cut into 64 equal steps.
 *
 * Why this way: one shift finds the bucket, recording is two additions, histograms of threads and minutes add
 * up, and every quantile is known to 1.6 % without keeping a value.
 *
 * Always true: count is the sum of counts; values below 64 have a bucket each, so they are exact.
 *
 * Not here: clocks, decay, floating point.
 */
#include "base/histogram.h"
#include "base/panic.h"

enum { STEPS = 1 << HISTOGRAM_STEP_BITS };

size_t
histogram_bucket_of(uint64_t value_us)
{
    unsigned shift;

    if (value_us >> HISTOGRAM_VALUE_BITS != 0)
        return HISTOGRAM_BUCKETS_COUNT - 1;
    if (value_us < STEPS)
        return (size_t)value_us;
    shift = 63 - (unsigned)__builtin_clzll(value_us) - HISTOGRAM_STEP_BITS;
    return ((size_t)shift << HISTOGRAM_STEP_BITS) + (size_t)(value_us >> shift);
}

uint64_t
histogram_bucket_last_us(size_t index)
{
    size_t shift;

    must(index < HISTOGRAM_BUCKETS_COUNT);
    if (index < STEPS)
        return index;
    shift = (index >> HISTOGRAM_STEP_BITS) - 1;
    return ((uint64_t)(index - (shift << HISTOGRAM_STEP_BITS) + 1) << shift) - 1;
}

void
histogram_record_us(struct histogram *histogram, int64_t value_us)
{
    uint64_t value = value_us < 0 ? 0 : (uint64_t)value_us;

    histogram->counts[histogram_bucket_of(value)]++;
    histogram->count++;
    histogram->sum_us += value;
    if (value > histogram->max_us)
        histogram->max_us = value;
}

void
histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS_COUNT; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    into->sum_us += from->sum_us;
    if (from->max_us > into->max_us)
        into->max_us = from->max_us;
}

uint64_t
histogram_quantile_us(const struct histogram *histogram, unsigned basis_points)
{
    uint64_t rank;
    uint64_t seen = 0;

    must(basis_points <= 10000);
    if (histogram->count == 0)
        return 0;
    rank = histogram->count / 10000 * basis_points + (histogram->count % 10000 * basis_points + 9999) / 10000;
    if (rank == 0)
        rank = 1;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS_COUNT - 1; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) {
            uint64_t last = histogram_bucket_last_us(i);

            return last < histogram->max_us ? last : histogram->max_us;
        }
    }
    return histogram->max_us;
}

uint64_t
histogram_count_up_to(const struct histogram *histogram, uint64_t value_us)
{
    uint64_t count = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS_COUNT && histogram_bucket_last_us(i) <= value_us; i++)
        count += histogram->counts[i];
    return count;
}
