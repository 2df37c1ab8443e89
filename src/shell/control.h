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

void control_write(const struct control *control, struct buffer *out);
/* 0, or -1 when the bytes are no sound decision of a format this version reads. Texts borrow from bytes. */
int control_read(struct slice bytes, struct control *ret_control);
/* Whether it was made of this marker (NULL: of none). */
bool control_is_of(const struct control *control, const struct marker *marker);

#endif
