#ifndef SLAD_SHELL_RESTORE_H
#define SLAD_SHELL_RESTORE_H

/*
 * The loader: one thread for what must be asked of the brokers and may take long, so that the loop never
 * waits: whether the topics are right, what a task's state is, which offsets a group has committed.
 *
 * The loop asks, the loader answers with news in the order of the questions. A task's state comes as
 * RESTORE_BEGUN (the marker), any number of RESTORE_CHUNK, then RESTORE_DONE; RESTORE_BEGUN may come again:
 * then everything before it is void. After RESTORE_HELD the loader goes on looking, and begins when what was
 * amiss has mended itself or a person has decided (control.h).
 */
#include "shell/kafka.h"
#include "shell/marker.h"
#include "shell/restore_plan.h"
#include "shell/score_plan.h"
#include "shell/topics.h"

struct restore;

enum restore_news_kind {
    RESTORE_TOPICS, /* topics, or error: they will be looked for again */
    RESTORE_BEGUN,  /* has_marker: false is a new task */
    RESTORE_CHUNK,  /* records */
    RESTORE_DONE,
    RESTORE_HELD,    /* error says why: a person has to judge */
    RESTORE_MARKER,  /* the answer of restore_ask_marker */
    RESTORE_OFFSETS, /* offsets */
    RESTORE_FOUND,   /* found: of the score task */
    RESTORE_POLICIES /* policies: those that were found */
};

struct restore_news {
    enum restore_news_kind kind;
    int32_t partition;
    uint64_t question; /* the number that the question got */
    struct topic_found topics[TOPICS_COUNT];
    bool has_marker;
    struct marker
        marker;   /* of a BEGUN with `decided`: offsets and begins_offset count even without has_marker */
    bool decided; /* of BEGUN: a person's decision made it so: say so in Kafka soon */
    bool snapshot_unusable; /* of BEGUN */
    struct buffer
        bytes; /* what the marker's texts borrow from; or the records of a chunk, for restore_plan_take */
    int64_t state_end; /* of DONE and MARKER: next offset of slad.state behind the marker; 0: not known */
    /* of BEGUN: the heads as found in Redis, and which of them the chunks are of (-1: neither; as
     * snapshot_plan_options) */
    struct buffer policies; /* of BEGUN: versions the asker does not know: id and source, as a chunk */
    struct buffer head, before;
    int used;
    uint64_t snapshot_bytes;  /* of BEGUN: of all chunks that come out of a snapshot */
    bool behind_snapshot;     /* of CHUNK: read from slad.state behind a snapshot */
    struct score_found found; /* its note's policies are in bytes, its feedback in word */
    struct buffer word;
    rd_kafka_topic_partition_list_t *offsets;
    char error[KAFKA_ERROR_BYTES];
};

struct restore_options {
    const struct kafka *kafka; /* borrowed, outlives the loader */
    const struct topics *topics;
    const char *group; /* whose committed offsets are the check */
};

/* Starts the thread. */
struct restore *restore_new(const struct restore_options *options);
/* Stops and joins the thread. NULL is fine. */
void restore_free(struct restore *restore);

/* Each returns the question's number, > 0. Questions are bounded by the number of tasks: they never wait. */
uint64_t restore_ask_topics(struct restore *restore);
/* known: ids of the policy versions whose texts need not be read (copied). */
uint64_t restore_ask_task(struct restore *restore, int32_t partition, int32_t partitions_count,
                          struct slice known);
/* As restore_ask_task, for a task that is held although marker and offsets agree: nothing comes before a
 * person has decided. */
uint64_t restore_ask_decision(struct restore *restore, int32_t partition, int32_t partitions_count,
                              struct slice known);
/* The task is gone: what was asked for it needs no answer any more. */
void restore_forget_task(struct restore *restore, int32_t partition);
uint64_t restore_ask_marker(struct restore *restore, int32_t partition);
/* Takes the list: the group's committed offsets of these partitions. group NULL: the loader's own. */
uint64_t restore_ask_offsets(struct restore *restore, const char *group,
                             rd_kafka_topic_partition_list_t *partitions);

/* What is committed for slad.outcomes[0] by this group, with its note, and where the log begins and ends. */
uint64_t restore_ask_found(struct restore *restore, const char *group,
                           rd_kafka_topic_partition_list_t *partitions);
/* The texts of these versions, out of whichever partition of slad.state has them. */
uint64_t restore_ask_policies(struct restore *restore, int32_t partitions_count, struct slice ids);

/* News, or NULL. The caller frees it. */
struct restore_news *restore_take(struct restore *restore);
void restore_news_free(struct restore_news *news);
int restore_descriptor(const struct restore *restore); /* see handover.h */
void restore_clear(struct restore *restore);

#endif
