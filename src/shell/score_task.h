#ifndef SLAD_SHELL_SCORE_TASK_H
#define SLAD_SHELL_SCORE_TASK_H

/*
 * The score task, without I/O: the fold over slad.outcomes, the position in feedback, the epoch that is open,
 * and what an outcome, an answer, an end, a transaction's result or a rebalance leads to. What must be done
 * outside goes through the port: scoring.c does it with librdkafka, the simulation on a model. The loop
 * thread only.
 */
#include "shell/ingest.h"
#include "shell/score_epoch.h"
#include "shell/score_load.h"
#include "shell/snapshot.h"
#include "shell/source.h"
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
    /* Where feedback goes on and whose the last epoch is, as committed and stable, both at once:
     * score_task_on_offsets. The question's number, > 0. */
    uint64_t (*ask_offsets)(void *context);
    /* Takes the job; it comes back through score_task_on_done. The group's metadata is taken now. */
    void (*submit)(void *context, struct transaction_job *job);
    /* The four below belong together: all of them, or NULL: then every owner begins a life of its own, with
     * the policies of the disk and an empty state.
     * What is committed and where the log ends: score_task_on_found. The question's number, > 0. */
    uint64_t (*ask_found)(void *context);
    /* Texts of policy versions, out of slad.state: score_task_on_policies. */
    uint64_t (*ask_policies)(void *context, struct slice ids);
    /* Takes the load; it comes back through score_task_on_loaded. */
    void (*load)(void *context, struct score_load *load);
    bool (*has_snapshots)(void *context);
};

enum score_task_state {
    SCORE_TASK_IDLE,     /* somebody else is the owner */
    SCORE_TASK_FINDING,  /* who we are, how far the log goes */
    SCORE_TASK_HELD,     /* what was found is not of one life: a person must decide; it is looked at again */
    SCORE_TASK_LEARNING, /* texts of policies in force that this process does not have */
    SCORE_TASK_LOADING,  /* the state of a snapshot, or an empty one */
    SCORE_TASK_FOLDING,  /* reading slad.outcomes, from its beginning or behind the snapshot */
    SCORE_TASK_ASKING,   /* where feedback goes on */
    SCORE_TASK_LIVE
};

/* The parts of its snapshots from here on are what it has learned (learning.h), one behind the other; those
 * before are the scores'. All of it stood in the last one once. */
enum {
    SCORE_TASK_PART_LEARNING = SCORES_PARTS_COUNT - SCORES_PARTS_OWN,
    SCORE_TASK_PART_BYTES = 256 * 1024 /* of what was learned; more when there would be too many parts */
};

struct score_task {
    struct world *world;
    struct score_task_port port;
    struct ingest *ingest;
    struct outcome_reader *reader;

    enum score_task_state state;
    uint64_t serial;           /* of the assignment */
    uint64_t question;         /* open, while ASKING */
    struct scores *scores;     /* NULL before it is loaded */
    struct learning *learning; /* of the same records; likewise */
    struct scribe *scribe;     /* borrowed; NULL: what was learned is written in the turn itself */
    struct score_home *home;   /* all that scores needs; NULL: it goes by the world's policies */

    /* who we are (score_plan.h) */
    struct score_found found;
    struct score_note identity; /* as of the last epoch that was committed or found */
    struct buffer found_policies;
    struct buffer found_feedback;   /* where a person's decision says that it goes on */
    bool decided;                   /* there is one, and no epoch says so yet */
    struct buffer policies;         /* ids of the versions in force; written with every epoch */
    struct buffer policies_written; /* of them: those whose text is in slad.state[0] */
    bool policies_due;              /* the disk was loaded anew while no state was there */
    bool distrusts_redis;           /* the log is not the one a snapshot was made of */
    int64_t from_offset;            /* the fold began here */
    int64_t learn_mono_ms;          /* when it is asked again */
    int64_t asked_mono_ms;          /* when texts were asked for */
    char *missing;                  /* labels for people: why nothing is published; NULL */
    struct snapshot_task *snapshot; /* NULL: no snapshots */

    int64_t t_ms;
    int64_t outcomes_offset; /* next */
    struct source outcomes;
    int64_t *feedback_offsets; /* next, or MARKER_NO_OFFSET */
    struct source *feedback;   /* of each */
    int32_t feedback_count;
    int64_t read_mono_ms;      /* the last tick at which it might read; 0: none yet */
    int64_t wall_from_mono_ms; /* it stood still: T does not follow the wall before */
    bool feedback_fetching;
    size_t folded_count;
    int64_t folding_since_mono_ms;
    struct scores_fill told; /* what of it has been added to the metrics, and logged */

    struct score_epoch open;
    int64_t closed_mono_ms;          /* when the last epoch was */
    uint64_t epoch, committed_epoch; /* over all owners */

    bool producer_ready, in_flight;
    struct transaction_job *retry;
    int64_t retry_mono_ms;
};

void score_task_init(struct score_task *task, struct world *world, const struct score_task_port *port);
void score_task_done(struct score_task *task);

/* Ours from now on: found, loaded, folded. It was idle. */
void score_task_begin(struct score_task *task);
/* Not ours any more, or never mind; idle is fine. */
void score_task_end(struct score_task *task);
/* It is to be given back (not: lost): the last commit. true: wait for what is out, then call again with the
 * same *closed (false at first); false: now it may be ended. Whoever runs out of patience ends it anyway. */
bool score_task_is_parting(struct score_task *task, bool *closed);

/* ---- loading ---- */

/* Answers of the port's questions; false: nobody waits for it any more. found: its note's policies are
 * copied. */
bool score_task_on_found(struct score_task *task, uint64_t question, const struct score_found *found);
/* sources: id and source of what was found, as restore_plan_add writes them. */
bool score_task_on_policies(struct score_task *task, uint64_t question, struct slice sources);
void score_task_on_loaded(struct score_task *task, struct score_load *load); /* takes it */
/* slad.outcomes does not have the offset that was asked for: the snapshot is of another log. */
void score_task_on_outcomes_lost(struct score_task *task);
/* A partition of feedback does not have its offset any more: what is committed is looked at again. */
void score_task_on_feedback_lost(struct score_task *task, int32_t partition);

/* Whether the part can be saved now; else it is made ready: ask again next turn. */
bool score_task_has_part(struct score_task *task, uint32_t part);
/* The snapshot is over, however it ended: what was made ready for it goes. */
void score_task_parts_over(struct score_task *task);
/* Appends a part of the state. score_task_has_part has said so. */
void score_task_save_part(const struct score_task *task, uint32_t part, struct buffer *out);

/* ---- policies ---- */

/* The disk was loaded anew. */
void score_task_take_policies(struct score_task *task);
/* Whether the disk contradicts what is in force: lines. */
bool score_task_refuses_policies(const struct score_task *task, struct buffer *refusals);
/* Why it is not live, or what the disk lacks: lines; nothing when all is well. */
void score_task_reasons(const struct score_task *task, struct buffer *out);

/* ---- records ---- */

/* Records may be given to it now: the epoch takes more, and what learns from them is there. */
bool score_task_may_read(const struct score_task *task);
void score_task_on_outcome(struct score_task *task, const struct ingest_record *record);
void score_task_on_feedback(struct score_task *task, const struct ingest_record *record);
/* The end was reached, at this offset: of slad.outcomes, of a partition of feedback. */
void score_task_on_outcomes_end(struct score_task *task, int64_t offset);
void score_task_on_feedback_end(struct score_task *task, int32_t partition, int64_t offset);
/* What ask_offsets asked for; negative: none is committed. now: the note and the offset of slad.outcomes[0]
 * beside them. false: nobody waits for it any more. */
bool score_task_on_offsets(struct score_task *task, uint64_t question, const int64_t *offsets,
                           const struct score_found *now);

/* ---- epochs ---- */

void score_task_tick(struct score_task *task);
/* Closes the epoch when it is time and nothing is out; sends again what it is time for. Once a turn. */
void score_task_turn(struct score_task *task);
/* Takes a job that came back. */
void score_task_on_done(struct score_task *task, struct transaction_job *job);
bool score_task_is_out(const struct score_task *task);
void score_task_send_again(struct score_task *task);
/* It is live and behind (semantics.md 1): more is waiting, and what came last is old. */
bool score_task_lags(const struct score_task *task);
/* About once a second. */
void score_task_measure(struct score_task *task);
/* How long nothing happens by itself, in ms. */
int64_t score_task_wait_ms(const struct score_task *task);

#endif
