#ifndef SLAD_SHELL_MEMBER_H
#define SLAD_SHELL_MEMBER_H

/*
 * One member of one consumer group, and the transactions that commit the group's offsets: what the ticket
 * role and the score role have in common on librdkafka. Used by one thread, the loop's.
 */
#include "shell/kafka.h"
#include "shell/topics.h"
#include "shell/transaction.h"
#include "shell/world.h"

struct member {
    struct world *world;    /* borrowed */
    const char *name;       /* of the role, for logs: "tickets", "scores" */
    char *group;            /* its group.id */
    char *transactional_id; /* GROUP-INSTANCE */

    rd_kafka_t *consumer;
    struct transaction *transaction;
    int descriptor; /* readable when records may wait */

    bool joined;                   /* subscribed; embedded: as good as */
    bool assigned_once;            /* the group has answered; the role sets it */
    char fatal[KAFKA_ERROR_BYTES]; /* why the process cannot go on; "": it can */

    struct kafka_client description; /* member.c's from here on */
    enum topic topic;
    struct kafka_setting settings[2];
    rd_kafka_queue_t *queue;
    struct kafka_warm warm;
};

struct member_options {
    const char *name;   /* borrowed, outlives the member */
    const char *group;  /* copied */
    enum topic read[2]; /* whose records it will fetch; the first is what the group gives out */
    void *context;      /* of rebalance */
    void (*rebalance)(void *context, rd_kafka_t *client, bool assigned,
                      rd_kafka_topic_partition_list_t *partitions);
};

/* Fills *ret_member, which must not move afterwards, and starts the transaction thread. -1, logged:
 * librdkafka refuses a setting; member_done is called all the same. */
int member_open(struct member *ret_member, struct world *world, const struct member_options *options);
/* Before a stop: one that asked its group and has not heard from it yet waits for that, up to two seconds. */
void member_settle(struct member *member);
/* Leaves the group; nothing is fetched afterwards. */
void member_leave(struct member *member);
void member_done(struct member *member);

/* Asks the group for partitions of the first topic; the answer comes through rebalance. Not when embedded:
 * there the role gives itself everything. */
void member_join(struct member *member);
/* Adds to what is fetched, or takes from it, and frees the list. An empty list tells the group that it was
 * heard. A refusal is logged. */
void member_assign(struct member *member, bool add, rd_kafka_topic_partition_list_t *list);
/* Hands an epoch to the transaction thread, with the group's metadata of this moment. */
void member_submit(struct member *member, struct transaction_job *job);
/* What is no record and no end of a partition: keeps a fatal error, logs the rest. */
void member_on_error(struct member *member, const rd_kafka_message_t *message);
/* The descriptors have been seen: before reading what they announced. */
void member_clear(struct member *member);
/* NULL, or why the process cannot go on. */
const char *member_fatal(const struct member *member);

#endif
