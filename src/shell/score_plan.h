#ifndef SLAD_SHELL_SCORE_PLAN_H
#define SLAD_SHELL_SCORE_PLAN_H

/*
 * What the score task decides about its own life, without I/O: who it is (the note that is committed with
 * every epoch), whether what lies in slad.outcomes and in Redis is its own, how far it must have read before
 * it may say a number, and by which policies. The daemon carries it out (scoring.c, score_load.c), the
 * simulation carries it out on a model.
 *
 * The life of an owner of slad.outcomes[0], in this order:
 *     ASKING    score_found: what is committed for the group (offsets, the note), where the log begins and
 *               ends; score_plan_identity makes it an identity
 *     LEARNING  the texts of policies in force that this process does not have (score_plan_missing)
 *     LOADING   a snapshot, when score_plan_judge finds that one fits; else an empty state
 *     FOLDING   slad.outcomes from the snapshot's offset (or from its beginning) on, until
 *               score_plan_reached says it is whole
 *     SETTLING  score_found once more: where feedback goes on; score_plan_same: nobody else committed since
 *     LIVE      numbers are published; every epoch commits the note of score_plan_next with its offsets
 * In every other state nothing is published and no epoch is closed. Whatever goes wrong on the way begins at
 * ASKING again.
 */
#include "shell/control.h"
#include "shell/snapshot_plan.h"

/* ---- the note ---- */

/* Committed as the metadata of the offset of slad.outcomes[0], in one transaction with what the epoch says:
 * what a marker is for a ticket task. Brokers drop it with the topic, so a topic that was made anew begins a
 * new life. */
struct score_note {
    struct hash128 lineage; /* drawn when there was no note; never changes */
    uint64_t epoch;         /* from 1, over all owners */
    struct hash128 writer;  /* the process that committed it */
    struct slice policies;  /* ids of the versions in force (policy_record.h) */
    bool keeps_texts; /* their texts were committed to slad.state[0], with this note or one before it; notes
                         of format 1 did not see to that */
};
/* Brokers take 4096 bytes: so many versions at most (config.def). */
enum { SCORE_NOTE_POLICIES_MAX = 100, SCORE_NOTE_FORMAT = 2 };
/* keeps_texts must be true. */
void score_note_write(const struct score_note *note, struct buffer *out);
/* 0, or -1 when it is no note of a format this version reads. The ids are appended to policies, and borrowed
 * from it. */
int score_note_read(struct slice text, struct score_note *ret_note, struct buffer *policies);

/* ---- what was found ---- */

struct score_found {
    bool has_note;
    struct score_note note;
    int64_t committed_offset; /* of slad.outcomes[0]; MARKER_NO_OFFSET: none */
    bool has_feedback;        /* offsets of feedback are committed */
    int64_t feedback_sum;     /* those, added up */
    bool feedback_lost;       /* one of them is none that its partition has */
    bool decided;             /* a person has decided that it is the state of one life (score_plan_decide) */
    struct slice feedback;    /* of decided: as struct control_scores has it */
    int64_t log_begin,
        log_end; /* of slad.outcomes[0] as of then, open transactions included; -1: not known */
};

/* What is committed for slad.outcomes[0]: offset (negative: none) and metadata, into committed_offset and the
 * note. The note's ids are appended to policies, and borrowed from it. */
void score_found_take(struct score_found *found, int64_t offset, struct slice metadata,
                      struct buffer *policies);

/* What is committed for a partition of feedback (negative: nothing), and what it has: [low, high]. */
void score_found_take_ends(struct score_found *found, int64_t committed, int64_t low, int64_t high);

/* Why what was found is not the state of one life: a static English sentence. NULL: it is, or there is none
 * yet. Nothing mends that by itself: to go on would forget answers, or count them twice. */
const char *score_plan_amiss(const struct score_found *found);

/* Makes of what is amiss what the person decided of it. false: the decision is of something else. The
 * feedback is borrowed from the control's. */
bool score_plan_decide(const struct control_scores *control, struct score_found *found);

/* Who this owner is: the note's lineage and epoch, or a new life. fresh: drawn by the caller. In a new life
 * policies is empty. The texts are those of found. */
struct score_note score_plan_identity(const struct score_found *found, struct hash128 fresh);
/* Whether the committed note is still the one the task was loaded from: nobody else has committed since. */
bool score_plan_same(const struct score_note *identity, const struct score_found *found);
/* Whether the committed note is that of the life which a person has ended: the new one has no note yet. */
bool score_plan_is_left(const struct score_found *decided, const struct score_found *now);

/* Ids in force whose texts are not known: appended to missing. */
void score_plan_missing(struct slice in_force, struct slice known, struct buffer *missing);

/* ---- snapshots ---- */

/* Parts of the state are the buckets, always as many: a bucket's number is its part's. */
enum { SCORE_PLAN_PARTITION = SNAPSHOT_SCORES };

/* The verdict on a head's bytes as they came from Redis. FITS: *ret_head is the caller's, and
 * head.state_offset is where folding goes on. */
enum snapshot_verdict score_plan_judge(struct slice bytes, const struct score_found *found,
                                       const struct score_note *identity, uint32_t parts_count,
                                       int64_t now_ms, struct snapshot_head *ret_head);

/* ---- how far it has read ---- */

enum score_reach {
    SCORE_REACH_MORE,  /* the log went further than this when it was asked for: read on */
    SCORE_REACH_WHOLE, /* all that any former owner committed is folded */
    SCORE_REACH_SHORT  /* the log ends before what was committed, or before the snapshot: it is another log.
                          Begin anew with a new life and without snapshots */
};
/* offset: the next one to be read, when the consumer says that it is at the end. */
enum score_reach score_plan_reached(const struct score_found *found, int64_t from_offset, int64_t offset);

/* ---- epochs ---- */

/* The note that the epoch after `identity`'s commits. */
struct score_note score_plan_next(const struct score_note *identity, struct hash128 writer,
                                  struct slice policies);

#endif
