#ifndef SLAD_SHELL_RESTORE_PLAN_H
#define SLAD_SHELL_RESTORE_PLAN_H

/*
 * What a loader decides, without I/O: whether what was found is the state of a task, how long what does not
 * agree is looked at again, and how records travel from the loader to the loop.
 */
#include "base/buffer.h"
#include "shell/control.h"
#include "shell/marker.h"

/* What was found of one task. committed is read after the marker, and stable: the brokers give no offset
 * while a transaction that carries one is being settled. */
struct restore_found {
    bool has_marker;
    struct marker marker;
    int64_t committed[2];     /* of tickets[p] and relay[p]; MARKER_NO_OFFSET: none */
    uint64_t committed_epoch; /* what their metadata says; 0: nothing */
    int32_t partitions_count; /* that tickets has now */
    const char *group;
    bool embedded; /* committed offsets mean nothing */
};
enum restore_verdict { RESTORE_IS_NEW, RESTORE_IS_SOUND, RESTORE_IS_AMISS };
/* AMISS: *ret_reason is set to a static English sentence. It may be a transaction that is still being
 * settled: look again. */
enum restore_verdict restore_plan_judge(const struct restore_found *found, const char **ret_reason);
/* What goes with every committed offset as its metadata: the epoch. Offsets alone do not tell two epochs
 * apart between which no record was read; and while somebody's transaction is open in slad.state[p], the
 * later marker cannot be seen. */
enum { RESTORE_NOTE_BYTES = 32 };
void restore_plan_note(uint64_t epoch, char out[RESTORE_NOTE_BYTES]);
/* The larger of *epoch and what a note says; anything else says nothing. */
void restore_plan_read_note(struct slice note, uint64_t *epoch);
/* The records were read in a second pass: whether they are the state of the marker found in the first. last
 * NULL: there was none. */
bool restore_plan_is_whole(const struct marker *found, const struct marker *last);

/* A person's word, found at this offset of slad.state, makes what was found be what is wanted: the marker, or
 * none. */
void restore_plan_decide(const struct control *control, int64_t control_offset, int32_t partitions_count,
                         bool *has_marker, struct marker *marker);

enum { RESTORE_TIMEOUTS_WAITED = 3 }; /* of a transaction: a dead writer's may still be settled */

/* How long an amiss task is looked at again. Zeroes, but for patience_ms. */
struct restore_patience {
    int64_t patience_ms;
    bool amiss;
    int64_t amiss_since_mono_ms;
};
/* After an attempt that did not load. amiss false: the brokers did not answer, which proves nothing. true:
 * hold the task. */
bool restore_plan_gives_up(struct restore_patience *patience, bool amiss, int64_t now_mono_ms);
/* Whether a person's decision about the marker that was found may be acted on now. While the committed
 * offsets are of a later epoch it may only be hidden behind somebody's open transaction; after the patience
 * it never was. */
bool restore_plan_may_decide(const struct restore_found *found, struct restore_patience *patience,
                             int64_t now_mono_ms);

/* A record into a chunk; value.at NULL: a tombstone. */
void restore_plan_add(struct buffer *chunk, struct slice key, struct slice value);
/* Takes a record off a chunk: *rest begins as buffer_slice of its bytes. false at the end. The bytes are
 * sound: they were written here. */
bool restore_plan_take(struct slice *rest, struct slice *ret_key, struct slice *ret_value);

#endif
