#ifndef SLAD_SLACTL_WHATIF_PRINT_H
#define SLAD_SLACTL_WHATIF_PRINT_H

/* What two policies say of the same clocks: counted, and printed where they differ. */
#include "slad/engine.h"
#include <stdio.h>

/* A clock's verdict as whatif compares it. NONE: there is no such clock, or it never started. */
enum whatif_verdict {
    WHATIF_MET,
    WHATIF_BREACHED,
    WHATIF_UNANSWERED,
    WHATIF_CANCELLED,
    WHATIF_OPEN,
    WHATIF_NONE,
    WHATIF_VERDICTS_COUNT
};

/* The sum of one kind and clock. */
struct whatif_sum {
    enum clock_kind kind;
    struct buffer clock;
    uint64_t counts[2][WHATIF_VERDICTS_COUNT]; /* old, new */
    uint64_t differences;
};

struct whatif_report {
    FILE *out;
    bool json;
    struct whatif_sum *sums;
    size_t sums_count;
    uint64_t differences;
    struct buffer line;   /* the record in hand */
    struct buffer listed; /* the table of differences, for people */
    /* set by the caller before the end */
    size_t tickets;
    int64_t until_ms; /* INSTANT_NONE: nothing was read */
    struct slice labels[2];
};

void whatif_report_begin(struct whatif_report *report, FILE *out, bool json);
/* One cycle of one clock; either side may be NULL, not both. */
void whatif_report_add(struct whatif_report *report, const struct clock_line *old,
                       const struct clock_line *new);
/* The sums, and for people the differences behind them. */
void whatif_report_end(struct whatif_report *report);
void whatif_report_done(struct whatif_report *report);

#endif
