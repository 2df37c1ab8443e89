#ifndef SLAD_CHAIN_H
#define SLAD_CHAIN_H

/*
 * Can the inside keep the promise to the outside (semantics.md section 10, idea 9)? A chain is one promise (a
 * target on a calendar) and the legs that have to fit into it one after another, each taking its whole target
 * in its own hours.
 *
 * Pure: calendars are borrowed for the call; instants are UTC milliseconds, lengths milliseconds. Nothing
 * here fails.
 */
#include "slad/calendar.h"

struct chain_leg {
    const struct calendar *calendar;
    int64_t target_ms; /* over 0 */
    int step; /* legs of equal step are alternatives: the one that ends last is taken. Ascending in a chain */
};

struct chain {
    const struct calendar *calendar; /* of the promise */
    int64_t target_ms;               /* over 0 */
    bool closing_grace;              /* an end before the next opening keeps it */
    const struct chain_leg *legs;
    size_t legs_count;
};

struct chain_verdict {
    bool due_ever; /* false: from no start is the promise ever due; then nothing below stands, and it fits */
    bool fits;     /* from every start */
    bool alike;    /* from every start it is late (or early) by the same */
    int64_t start_at_ms; /* the worst start: of the first stretch of equally bad ones the last */
    int64_t due_at_ms;   /* of that start; with closing_grace the last instant that keeps it */
    int64_t end_at_ms;   /* CALENDAR_NEVER: the chain never ends */
    int64_t
        late_ms; /* end - due: above 0 it does not fit, else how much is to spare; INT64_MAX: it never ends */
};

/* The starts that are asked about: [from_ms, to_ms), to the millisecond. It keeps the windows of each
 * calendar it meets, so one span is best used for many chains; the calendars must outlive it. What is not
 * reached ten years after to_ms counts as never. */
struct chain_span;
struct chain_span *chain_span_new(int64_t from_ms, int64_t to_ms);
void chain_span_free(struct chain_span *span);

/* Over every start of the span. */
void chain_judge(struct chain_span *span, const struct chain *chain, struct chain_verdict *ret_verdict);

/* The longest target in whole seconds below its own with which this leg alone makes the chain fit, all others
 * unchanged; 0: there is none. */
int64_t chain_tighten_ms(struct chain_span *span, const struct chain *chain, size_t leg);

/* One step of the worst case from one start: the leg that ends last, and when. */
struct chain_stay {
    size_t leg;
    int64_t from_ms, to_ms; /* to_ms CALENDAR_NEVER: never; nothing follows then */
};
/* Returns how many stays were written: at most one a step, so legs_count of room is enough. */
size_t chain_walk(const struct chain *chain, int64_t start_ms, struct chain_stay *ret_stays);

#endif
