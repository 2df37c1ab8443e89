#ifndef SLAD_EXPLAIN_H
#define SLAD_EXPLAIN_H

/*
 * Why a clock says what it says: its whole life in stretches, counted or not, each with who had the ball and
 * the event, the calendar and the policy version that made it so. The counted lengths add up exactly to
 * elapsed; of a clock that will become due, those still to come add up exactly to what is left.
 *
 * Instants are UTC milliseconds, lengths milliseconds. Slices and pointers live for the call that hands them
 * out.
 */
#include "slad/engine.h"

enum explain_why {
    EXPLAIN_COUNTED, /* it ran and its calendar was open */
    EXPLAIN_CLOSED,  /* it ran, out of hours */
    EXPLAIN_PAUSED,  /* it stood still: somebody's turn that it does not count; with handling, somebody else's
                      */
    EXPLAIN_OVER     /* between two parts of a cycle: solved, cancelled, deleted, or promised by nobody */
};

enum explain_event { EXPLAIN_EVENT, EXPLAIN_MERGE_IN, EXPLAIN_VERSION };

/* What made a stretch be as it is. */
struct explain_cause {
    enum explain_event kind;
    enum event_type type;       /* EXPLAIN_EVENT */
    int64_t at_ms;              /* when it happened; a start that it moved lies before */
    struct slice event, source; /* its id (at NULL unless keep_ids), its source */
    struct slice other;  /* MERGE_IN: the ticket that was merged in; a merge: into which. at NULL else */
    struct slice policy; /* VERSION: the label of the version that came into force */
    struct slice status, group; /* the ticket's from then on; at NULL: none */
    uint8_t ball;               /* PARTY_BITs: all who had it from then on */
    uint16_t changed;           /* ATTRIBUTE_BITs of what it changed */
    bool waits;                 /* the event said itself who is waited for (waiting_on) */
    bool moved_start;           /* the clock began before the ticket's first event because of it */
};

struct explain_stretch {
    bool projected; /* still to come, if nothing happens */
    enum explain_why why;
    int64_t from_ms, to_ms;
    int64_t counted_ms;  /* to - from when COUNTED, else 0 */
    int64_t in_hours_ms; /* of to - from: while its calendar was open */
    int64_t elapsed_ms;  /* counted up to to_ms */
    enum party party;    /* whose time it was; with several in the ball the first of the precedence */
    bool begins_at_edge, ends_at_edge; /* at an opening or close of the calendar */
    struct explain_cause cause;
    struct slice calendar; /* the terms in force: its name ... */
    struct slice policy;   /* ... the version they are pinned to */
    int64_t target_ms;
};

/* One cycle of one clock, before its stretches. */
struct explain_clock {
    struct clock_name name;
    struct clock_figures figures;
    enum measure measure;
    uint8_t counts;           /* PARTY_BITs */
    struct slice calendar;    /* the present terms */
    struct slice zone_name;   /* of the calendar's (a union's first) zone; "UTC" */
    const struct zone *zone;  /* NULL: UTC */
    struct slice zone_bytes;  /* the zone's file, to name its version; at NULL: none */
    struct slice policy;      /* the version it is pinned to */
    struct slice days_policy; /* the version whose closed and special days and zones count */
    bool has_end;             /* it has ended, and this ended it: */
    struct explain_cause end;
    int supports_kind;           /* a leg: enum clock_kind of what it supports, or POLICY_NONE ... */
    struct slice supports_clock; /* ... and its name */
};

/* A warning of the present terms. */
struct explain_stage {
    struct slice name;
    int64_t after_ms; /* counted time */
    int64_t at_ms;    /* when it was or, if nothing happens, will be reached; INSTANT_NONE: neither */
    bool projected;   /* still to come */
};

/* How surely it will breach, by whoever answers for probabilities (engine_set_foresight). */
struct explain_risk {
    struct foresight_told told;
    int64_t next_elapsed_ms; /* counted time at which it is asked about next: a landmark, or half way ... */
    int64_t next_at_ms;  /* ... and when, if nothing happens; INSTANT_NONE: it stands still, or due is next */
    int fire_permille;   /* stage `risk` fires from here on */
    int64_t fired_at_ms; /* it has; INSTANT_NONE: it has not */
    int64_t fires_at_ms; /* when it will if nothing happens, a budget and what others' ends teach left aside;
                            INSTANT_NONE: it will not, or has */
};

struct explain_sink {
    void *context;
    void (*clock)(void *context, const struct explain_clock *clock);
    void (*stretch)(void *context, const struct explain_stretch *stretch);
    /* Behind clock, before its stretches, in order of after_ms; of a clock that has begun. May be NULL. */
    void (*stage)(void *context, const struct explain_stage *stage);
    /* Behind its stages: of an open clock somebody knows something of. May be NULL. */
    void (*risk)(void *context, const struct explain_risk *risk);
};

/* Every cycle of every clock of the ticket as of t_ms, in order of kind, clock name, cycle; an idle clock has
 * no stretches. The engine is as before. Costs a derivation and a few calendar questions a stretch. */
void engine_explain(struct engine *engine, struct ticket *ticket, int64_t t_ms,
                    const struct explain_sink *sink);

#endif
