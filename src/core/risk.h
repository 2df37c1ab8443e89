#ifndef SLAD_CORE_RISK_H
#define SLAD_CORE_RISK_H

/*
 * What foresight asks of tickets, for the files of the engine only (semantics.md section 7,
 * docs/foresight.md).
 */
#include "core/fold.h"
#include "slad/foresight.h"

struct engine;
struct explain_risk;
struct ticket;
struct verdict_mark;

/* How many alerts of stage `risk` a group had on the day. */
struct risk_spent {
    symbol group; /* a reference; 0: tickets without one */
    uint32_t count;
};
/* A cycle that was decided in the step in hand; its sample is due. */
struct risk_due {
    enum clock_kind kind;
    symbol clock;
    uint32_t cycle;
    bool finish;
};
struct risk {
    struct engine_foresight foresight; /* forecast NULL: nobody knows anything */
    symbol stage;                      /* interned */
    int64_t day_from_ms, day_to_ms;    /* what is spent is of [from, to) */
    struct risk_spent *spent;
    size_t spent_count, spent_room;
    bool recount; /* loaded: what was spent stands in the marks alone */
    struct risk_due *due;
    size_t due_count, due_room;
    struct risk_tracking *tracking; /* risk_sample.c's */
};

void risk_init(struct engine *engine);
void risk_done(struct engine *engine);

/* ---- risk_view.c ---- */

/* What had happened to a ticket by an instant. */
struct risk_past {
    uint32_t events;
    int64_t last_event_ms;
};
struct risk_past risk_past(const struct history *history, int64_t at_ms);
/* The numbers of the ticket as of at_ms, seen from this clock: at or after everything folded, before anything
 * that comes. */
void risk_numbers(const struct fold *fold, size_t slot, int64_t at_ms, const struct risk_past *past,
                  uint32_t *ret_numbers);
/* Those of them that time alone changes. */
void risk_numbers_go_on(const struct clock *clock, int64_t at_ms, const struct risk_past *past,
                        uint32_t *numbers);
/* And its attributes. people: those that name people too. */
void risk_view(const struct engine *engine, const struct fold *fold, size_t slot, int64_t at_ms,
               const struct risk_past *past, bool people, struct foresight_view *ret_view);
/* How often the clock in this slot was paused in its present cycle, by the ticket's course. */
uint32_t risk_holds(const struct fold *fold, size_t slot);
/* Started, not ended, not breached. */
bool risk_is_open(const struct clock *clock);

/* ---- risk.c ---- */

/* The policy's section, by the version in force at T; NULL: switched off, or nobody can tell. */
const struct policy_foresight *risk_rules(const struct engine *engine);
/* The next counted point at which an open clock of the ticket is looked at again; NEVER: none. */
int64_t risk_next_ms(const struct engine *engine, const struct fold *fold);
/* Whether an alert of the ticket changes its state: then it must be derived in full and followed. */
bool risk_speaks(struct engine *engine, const struct ticket *ticket, const struct fold *fold);
/* The full fold was announced: fires, clears and repeats alerts of stage `risk`. */
void risk_follow(struct engine *engine, struct ticket *ticket);
/* Tells the sink what is known of every open clock. event: an event brought us here; else only clocks at a
 * landmark. */
void risk_tell(const struct engine *engine, const struct ticket *ticket, const struct fold *fold, bool event);
/* What is known of this clock of the fold now; false: nothing, or it is over. */
bool risk_ask(const struct engine *engine, const struct fold *fold, size_t slot,
              struct foresight_told *ret_told);
/* The same of the full fold, with what will come of it if nothing happens. */
bool risk_outlook(const struct engine *engine, const struct ticket *ticket, size_t slot,
                  struct explain_risk *ret_outlook);

/* ---- risk_sample.c ---- */

/* The cycle's verdict goes out: for the first time, or (finish) it has stopped after its breach. */
void risk_sample_due(struct engine *engine, const struct clock *clock, bool finish);
/* The fold, which is about to be derived and announced, is watched: what is due then is told without another
 * reading of the history. */
void risk_sample_follow(struct engine *engine, struct fold *fold);
void risk_sample_done(struct engine *engine);
/* Gives the sink the samples that are due, from the derivation that was followed, else from the ticket's
 * history. */
void risk_sample_tell(struct engine *engine, const struct ticket *ticket);

#endif
