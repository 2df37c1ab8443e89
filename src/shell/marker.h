#ifndef SLAD_SHELL_MARKER_H
#define SLAD_SHELL_MARKER_H

/*
 * The epoch marker: the record with key MARKER_KEY that ends what a task writes to its partition of
 * slad.state in one epoch. It says how far the state reaches and who wrote it; with the state records before
 * it it is the whole truth about a task.
 */
#include "base/buffer.h"
#include "base/hash.h"
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

/* In slad.state the key of a ticket whose name begins with ~ gets one more ~, so no ticket is mistaken for
 * the marker. */
#define MARKER_KEY "~epoch"
enum { MARKER_FORMAT = 3 }; /* 1: without begins_offset, 2: without policies; still read */
#define MARKER_NO_OFFSET (-1)

struct marker {
    struct hash128 lineage; /* drawn when the task was first created; never changes */
    uint64_t epoch;         /* from 1 */
    int64_t t_ms;           /* task time T */
    struct hash128 writer;  /* drawn at every start of a process */
    int64_t offsets[2];     /* next offset of tickets[p] and relay[p]; MARKER_NO_OFFSET: none yet */
    int64_t alerts_from_ms;
    int64_t created_at_ms; /* when the task was first created */
    int64_t begins_offset; /* records of slad.state before this one are of another life and do not count */
    int32_t partitions_count;
    struct slice group;    /* consumer group the offsets are committed for */
    struct slice instance; /* of the writer, for people */
    struct slice policies; /* ids of the versions in force (policy_record.h); empty: none are kept */
};

void marker_write(const struct marker *marker, struct buffer *out);
/* 0, or -1 when the bytes are no sound marker of a format this version reads. Texts borrow from bytes. */
int marker_read(struct slice bytes, struct marker *ret_marker);
/* Same lineage, epoch and writer: the very marker that was sent. */
bool marker_is(const struct marker *a, const struct marker *b);

#endif
