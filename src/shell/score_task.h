#ifndef SLAD_SHELL_SCORE_TASK_H
#define SLAD_SHELL_SCORE_TASK_H

/*
 * The score task, without I/O: the fold over slad.outcomes, the position in feedback, the epoch that is open,
 * and what an outcome, an answer, an end, a transaction's result or a rebalance leads to. What must be done
 * outside goes through the port: scoring.c does it with librdkafka, the simulation on a model. The loop
 * thread only.
 */
#include "shell/ingest.h"
#include "shell/transaction.h"
#include "slad/scores.h"

struct learning;
struct outcome_reader;

/* None of these calls back into the task. */
struct score_task_port {
    void *context;
    /* slad.outcomes[0] from this offset on into the consumer's assignment; and out of it. */
    void (*fetch_outcomes)(void *context, int64_t from_offset);
    void (*unfetch_outcomes)(void *context);
    /* Every partition of feedback, from feedback_offsets on. */
    void (*fetch_feedback)(void *context);
    void (*unfetch_feedback)(void *context);
    /* Where feedback goes on, as committed and stable: score_task_on_offsets. The question's number, > 0. */
    uint64_t (*ask_offsets)(void *context);
    /* Takes the job; it comes back through score_task_on_done. The group's metadata is taken now. */
    void (*submit)(void *context, struct transaction_job *job);
};

enum score_task_state {
    SCORE_TASK_IDLE,    /* somebody else is the owner */
    SCORE_TASK_FOLDING, /* reading slad.outcomes from its beginning */
    SCORE_TASK_ASKING,  /* where feedback goes on */
    SCORE_TASK_LIVE
};

struct score_task {
    struct world *world;
    struct score_task_port port;
    struct ingest *ingest;
    struct outcome_reader *reader;

    enum score_task_state state;
    uint64_t serial;           /* of the assignment */
    uint64_t question;         /* open, while ASKING */
    struct scores *scores;     /* NULL while idle */
    struct learning *learning; /* of the same records; NULL while idle */
    int64_t t_ms;
    int64_t outcomes_offset; /* next */
    bool outcomes_at_end;
    int64_t *feedback_offsets; /* next, or MARKER_NO_OFFSET */
    bool *feedback_at_end;
    int32_t feedback_count;
    bool feedback_fetching;
    size_t folded_count;
    int64_t folding_since_mono_ms;

    /* the open epoch */
    struct batch *batch;
    bool dirty, announces;
    int64_t dirty_since_mono_ms, closed_mono_ms;
    uint64_t epoch;

    bool producer_ready, in_flight;
    struct transaction_job *retry;
    int64_t retry_mono_ms;
};

void score_task_init(struct score_task *task, struct world *world, const struct score_task_port *port);
void score_task_done(struct score_task *task);

/* Ours from now on: an empty state, and everything read again. It was idle. */
void score_task_begin(struct score_task *task);
/* Not ours any more, or never mind; idle is fine. */
void score_task_end(struct score_task *task);
/* It is to be given back (not: lost): the last commit. true: wait for what is out, then call again with the
 * same *closed (false at first); false: now it may be ended. Whoever runs out of patience ends it anyway. */
bool score_task_is_parting(struct score_task *task, bool *closed);

/* ---- records ---- */

/* The open epoch may take no more. */
bool score_task_is_full(const struct score_task *task);
void score_task_on_outcome(struct score_task *task, const struct ingest_record *record);
void score_task_on_feedback(struct score_task *task, const struct ingest_record *record);
/* The end was reached, at this offset: of slad.outcomes, of a partition of feedback. */
void score_task_on_outcomes_end(struct score_task *task, int64_t offset);
void score_task_on_feedback_end(struct score_task *task, int32_t partition, int64_t offset);
/* What ask_offsets asked for; negative: none is committed. false: nobody waits for it any more. */
bool score_task_on_offsets(struct score_task *task, uint64_t question, const int64_t *offsets);

/* ---- epochs ---- */

void score_task_tick(struct score_task *task);
/* Closes the epoch when it is time and nothing is out; sends again what it is time for. Once a turn. */
void score_task_turn(struct score_task *task);
/* Takes a job that came back. */
void score_task_on_done(struct score_task *task, struct transaction_job *job);
bool score_task_is_out(const struct score_task *task);
void score_task_send_again(struct score_task *task);
/* About once a second. */
void score_task_measure(struct score_task *task);
/* How long nothing happens by itself, in ms. */
int64_t score_task_wait_ms(const struct score_task *task);

#endif
