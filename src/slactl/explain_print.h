#ifndef SLAD_SLACTL_EXPLAIN_PRINT_H
#define SLAD_SLACTL_EXPLAIN_PRINT_H

/* What engine_explain tells, as NDJSON for programs or as a page for people. */
#include "slad/explain.h"
#include <stdio.h>

/* Texts belong to the policies and the engine's symbols: both must outlive the page. */
struct explain_page {
    FILE *out;
    bool json;
    struct slice ticket;
    int64_t t_ms;      /* as of when */
    struct slice only; /* "kind/clock": the others are not told; at NULL: all */
    bool skips;        /* the clock in hand is one of the others */
    bool begun;        /* a clock is in hand */
    struct explain_clock clock;
    struct explain_stretch *stretches;
    size_t count, room;
    size_t told;        /* clocks */
    struct buffer risk; /* of the clock in hand, as JSON (wire/explain_json.h); empty: nothing is known */
    struct buffer line;
    struct buffer skipped; /* the names of those that were not told */
};

/* The sink: hand these to engine_explain with the page as context. The stretches of a clock are printed when
 * the next one begins, and by explain_page_end. */
void explain_page_clock(void *page, const struct explain_clock *clock);
void explain_page_stretch(void *page, const struct explain_stretch *stretch);
void explain_page_risk(void *page, const struct explain_risk *risk);
void explain_page_end(struct explain_page *page);
/* "T1 as of ...": stands over the first clock, or over the sentence that there is none. */
void explain_page_title(struct explain_page *page);
void explain_page_done(struct explain_page *page);

#endif
