/*
 * What: value, interval and change of an NPS and of a share, from counts.
 *
 * Why this way: small samples are the rule at a service desk. A plain Wald interval of 5 promoters out of 5
 * has no width; the adjusted one says 17 to 100, which is what five answers know. Wilson's interval does the
 * same for shares.
 *
 * Always true: low <= high, both inside of the scale; the same counts give the same bits on every machine:
 * one fixed order of + - * / and sqrt, no contraction (-ffp-contract=off).
 *
 * Not here: deciding whether a figure is shown (min_answers), rounding for print.
 */
#include "core/score_statistics.h"
#include "base/panic.h"
#include <math.h>

#define Z_95 1.959964

static double
clamped(double value, double lowest, double highest)
{
    return value < lowest ? lowest : value > highest ? highest : value;
}

/* The adjusted NPS as a fraction of 1, and the square of its standard error. */
struct adjusted {
    double value, variance;
};

static struct adjusted
adjust_nps(struct score_nps_counts counts)
{
    double n = (double)(counts.promoters + counts.passives + counts.detractors) + 3.0;
    double p = ((double)counts.promoters + 0.75) / n;
    double d = ((double)counts.detractors + 0.75) / n;
    double value = p - d;

    return (struct adjusted){value, (p + d - value * value) / n};
}

struct score_interval
score_statistics_nps(int64_t promoters, int64_t passives, int64_t detractors)
{
    int64_t n = promoters + passives + detractors;
    struct adjusted adjusted = adjust_nps((struct score_nps_counts){promoters, passives, detractors});
    double reach = Z_95 * sqrt(adjusted.variance);

    must(promoters >= 0 && passives >= 0 && detractors >= 0 && n > 0);
    return (struct score_interval){
        100.0 * (double)(promoters - detractors) / (double)n,
        clamped(100.0 * (adjusted.value - reach), -100.0, 100.0),
        clamped(100.0 * (adjusted.value + reach), -100.0, 100.0),
    };
}

struct score_interval
score_statistics_share(int64_t hits, int64_t n)
{
    double count = (double)n;
    double share = (double)hits / count;
    double square = Z_95 * Z_95;
    double middle = share + square / (2.0 * count);
    double reach = Z_95 * sqrt(share * (1.0 - share) / count + square / (4.0 * count * count));
    double width = 1.0 + square / count;

    must(n > 0 && hits >= 0 && hits <= n);
    return (struct score_interval){
        share,
        hits == 0 ? 0.0 : clamped((middle - reach) / width, 0.0, share),
        hits == n ? 1.0 : clamped((middle + reach) / width, share, 1.0),
    };
}

double
score_statistics_nps_z(struct score_nps_counts now, struct score_nps_counts before)
{
    struct adjusted a = adjust_nps(now);
    struct adjusted b = adjust_nps(before);

    return (a.value - b.value) / sqrt(a.variance + b.variance);
}

double
score_statistics_share_z(int64_t hits, int64_t n, int64_t hits_before, int64_t n_before)
{
    double count = (double)n + 2.0;
    double count_before = (double)n_before + 2.0;
    double share = ((double)hits + 1.0) / count;
    double share_before = ((double)hits_before + 1.0) / count_before;

    return (share - share_before) /
           sqrt(share * (1.0 - share) / count + share_before * (1.0 - share_before) / count_before);
}
