#ifndef SLAD_BASE_HISTOGRAM_H
#define SLAD_BASE_HISTOGRAM_H

/*
 * Latencies in microseconds with a resolution of 1/64 (1.6 %) over 0 us .. 2^36 us (19 hours); longer ones
 * count as the longest. A value of zeroes is an empty histogram; it owns nothing.
 */
#include <stddef.h>
#include <stdint.h>

enum {
    HISTOGRAM_STEP_BITS = 6, /* 64 steps an octave */
    HISTOGRAM_VALUE_BITS = 36,
    HISTOGRAM_BUCKETS_COUNT = (HISTOGRAM_VALUE_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS,
};

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS_COUNT];
    uint64_t count;
    uint64_t sum_us; /* of the values as they came */
    uint64_t max_us;
};

void histogram_record_us(struct histogram *histogram, int64_t value_us); /* below 0 counts as 0 */
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The smallest value that at least basis_points / 10,000 of the values do not exceed (up to 1.6 % too high,
 * never too low, never above the greatest); 0 when empty. 5000 is the median, 9999 is p99.99. */
uint64_t histogram_quantile_us(const struct histogram *histogram, unsigned basis_points);
/* How many values are at most this (a Prometheus "le" bucket; exact where the edge is a bucket's last value).
 */
uint64_t histogram_count_up_to(const struct histogram *histogram, uint64_t value_us);

static inline uint64_t
histogram_count(const struct histogram *histogram)
{
    return histogram->count;
}

static inline uint64_t
histogram_sum_us(const struct histogram *histogram)
{
    return histogram->sum_us;
}

/* The buckets themselves: index 0 .. HISTOGRAM_BUCKETS_COUNT - 1, ascending; the last value that falls in
 * one. */
size_t histogram_bucket_of(uint64_t value_us);
uint64_t histogram_bucket_last_us(size_t index);

#endif
