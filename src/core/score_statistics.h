#ifndef SLAD_CORE_SCORE_STATISTICS_H
#define SLAD_CORE_SCORE_STATISTICS_H

/*
 * The figures of section 8 from whole counts. IEEE double with + - * / and sqrt only, in a fixed order, so
 * every machine gives the same bits (R70). Intervals are 95 %, z = 1.959964.
 *
 * Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
 * (1927), for shares. A. Agresti and B. A. Coull, "Approximate is better than 'exact' for interval estimation
 * of binomial proportions", The American Statistician 52 (1998), for the manner of adding successes and
 * failures before a Wald interval; for the three classes of NPS: 3 answers more, 3/4 of one each to promoters
 * and to detractors. A. Agresti and B. Caffo, "Simple and effective confidence intervals for proportions and
 * differences of proportions", The American Statistician 54 (2000), for the change of a share.
 */
#include <stdint.h>

struct score_interval {
    double value, low, high;
};

/* NPS in points, -100 .. 100; the value is the plain one, the bounds are adjusted and clamped. The sum is
 * over 0. */
struct score_interval score_statistics_nps(int64_t promoters, int64_t passives, int64_t detractors);
/* hits / n with Wilson's interval, 0 .. 1. n > 0, 0 <= hits <= n. */
struct score_interval score_statistics_share(int64_t hits, int64_t n);

struct score_nps_counts {
    int64_t promoters, passives, detractors;
};
/* The change from before to now in standard errors, both adjusted as above. */
double score_statistics_nps_z(struct score_nps_counts now, struct score_nps_counts before);
double score_statistics_share_z(int64_t hits, int64_t n, int64_t hits_before, int64_t n_before);

#endif
