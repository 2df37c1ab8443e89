#ifndef SLAD_SLACTL_REPORT_CHART_H
#define SLAD_SLACTL_REPORT_CHART_H

/*
 * Inline SVG: pictures of figures that stand beside them as text. Black and white is enough: parties differ
 * by pattern, series by the shape of their marks. Coordinates are whole tenths, so the bytes are the same
 * everywhere.
 */
#include "base/buffer.h"
#include "slad/event.h"
#include <stddef.h>

/* The patterns of parties: once a page, before any chart. */
void report_chart_patterns(struct buffer *out);

/* A bar of hits of n, with a mark at the target (0: none). n > 0. */
void report_chart_share(struct buffer *out, int64_t hits, int64_t n, int target_bp);

/* One bar of a length in parts, by party; whole_ms is the full width. */
void report_chart_parties(struct buffer *out, const int64_t wall_ms[PARTIES_COUNT], int64_t whole_ms,
                          int width);
/* A small square of the party's pattern, for a legend. */
void report_chart_swatch(struct buffer *out, enum party party);
/* In which order parties stand: provider, supplier, customer, the customer's supplier, nobody. */
enum party report_chart_party(size_t place);

struct report_chart_point {
    const char *label; /* "2026-11" */
    bool present;
    double value;
    bool has_interval;
    double low, high;
    bool has_second; /* a second series, hollow */
    double second;
};
struct report_chart {
    const char *title;
    double lowest, highest; /* of the axis */
    const char *low_label, *high_label;
    bool has_target;
    double target;
    const struct report_chart_point *points;
    size_t points_count; /* 1 or more */
};
void report_chart_trend(struct buffer *out, const struct report_chart *chart);

#endif
