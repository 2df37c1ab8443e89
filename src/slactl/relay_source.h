#ifndef SLAD_SLACTL_RELAY_SOURCE_H
#define SLAD_SLACTL_RELAY_SOURCE_H

/*
 * slad.alerts for a relay: a member of a consumer group that reads each of its partitions from the beginning,
 * so that it knows what is firing, and hands out what the group has not delivered yet. What is handed out
 * carries a mark; the group's offset follows the first mark that is not done.
 */
#include "base/slice.h"
#include "slactl/reach.h"

struct relay_source;
struct relay_mark;

struct relay_message {
    struct slice key, value; /* value at NULL: a tombstone */
    int32_t partition;
    int64_t offset, recorded_at_ms;
    struct relay_mark *mark; /* NULL: delivered before, only to be known */
};

struct relay_reader {
    void *context;
    /* A mark must be given back to relay_source_done once, now or later. */
    void (*message)(void *context, const struct relay_message *message);
    /* What was delivered before has been read. first: the group has never delivered anything of this
     * partition. */
    void (*caught_up)(void *context, int32_t partition, bool first);
    /* It is another member's now: all marks of it must be given back before this returns (they move nothing).
     */
    void (*lost)(void *context, int32_t partition);
};

struct relay_source_options {
    const char *group;
    const char *instance; /* a static member of this name; NULL: none */
    const struct relay_reader *reader;
};

/* reach is open. NULL, or with the reason: there is no such topic, no broker. Outlives neither. */
struct relay_source *relay_source_new(const struct reach *reach, const struct relay_source_options *options,
                                      char error[KAFKA_ERROR_BYTES]);
/* Commits what is done and leaves the group; lost is called for every partition. NULL is fine. */
void relay_source_free(struct relay_source *source);

/* Readable when there may be something to read. */
int relay_source_descriptor(const struct relay_source *source);
/* Reads at most this many. true: there may be more. */
bool relay_source_drain(struct relay_source *source, int records_max);
/* Commits what is done; call it about once a second. Does not wait. */
void relay_source_commit(struct relay_source *source);
/* Nothing more is read until it is resumed. May be said again and again. */
void relay_source_pause(struct relay_source *source, bool paused);

/* A mark for something of this partition that the reader begins by itself when it has caught up for the first
 * time: until it is done, the group has delivered nothing. */
struct relay_mark *relay_source_mark(struct relay_source *source, int32_t partition);
void relay_source_done(struct relay_source *source, struct relay_mark *mark);

size_t relay_source_marks_count(const struct relay_source *source); /* out */
/* Whether every partition of this member has been read to its end, and it has some. */
bool relay_source_at_end(const struct relay_source *source);
bool relay_source_failed(const struct relay_source *source); /* it cannot go on, and has said why */

#endif
