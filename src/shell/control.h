#ifndef SLAD_SHELL_CONTROL_H
#define SLAD_SHELL_CONTROL_H

/*
 * What a person decided about a held task, as a record of slad.state[p] (key CONTROL_KEY; in that topic a key
 * that begins with one ~ is never a ticket's). It lies in the very log it is about: whoever holds the task
 * reads it, it survives every process, and the first epoch committed behind it uses it up.
 */
#include "base/buffer.h"
#include "base/hash.h"
#include "shell/marker.h"

#define CONTROL_KEY "~control"
enum { CONTROL_FORMAT = 1 };

enum control_verb {
    CONTROL_ADOPT = 1, /* the marker's state counts, read on from the offsets given here */
    CONTROL_FRESH = 2  /* no state counts that was written before this record; a new lineage */
};

struct control {
    enum control_verb verb;
    /* Which marker the person saw; zeroes: there was none. With any other the decision is void. */
    struct hash128 lineage;
    uint64_t epoch;
    int64_t offsets[2]; /* next offset of tickets[p] and relay[p]; MARKER_NO_OFFSET: the beginning */
    int64_t at_ms;
    struct slice by; /* for people */
};

/* The same about the scores, as a record of slad.state[0] that is nothing to the task of that partition. The
 * first epoch of the scores behind it puts a tombstone in its place. */
#define CONTROL_SCORES_KEY "~scores/control"
struct control_scores {
    enum control_verb verb; /* ADOPT: who the owner is stays; slad.outcomes is folded as it is now. FRESH: a
                               new life with the outcomes that are there */
    /* What the person saw: the note's lineage and epoch (zeroes: there was none), the committed offset of
     * slad.outcomes[0], and those of feedback, added up. With anything else the decision is void. */
    struct hash128 lineage;
    uint64_t epoch;
    int64_t committed_offset; /* MARKER_NO_OFFSET: none */
    int64_t feedback_sum;
    int64_t at_ms;
    struct slice by;       /* for people */
    struct slice feedback; /* where it goes on: control_offset_add, one a partition */
};
void control_scores_write(const struct control_scores *control, struct buffer *out);
int control_scores_read(struct slice bytes, struct control_scores *ret_control); /* as control_read */
void control_offset_add(struct buffer *offsets, int64_t offset);                 /* >= 0 */
/* Takes the next one off *offsets; false at the end. */
bool control_offset_take(struct slice *offsets, int64_t *ret_offset);

void control_write(const struct control *control, struct buffer *out);
/* 0, or -1 when the bytes are no sound decision of a format this version reads. Texts borrow from bytes. */
int control_read(struct slice bytes, struct control *ret_control);
/* Whether it was made of this marker (NULL: of none). */
bool control_is_of(const struct control *control, const struct marker *marker);

#endif
