#ifndef SLAD_SHELL_PROTOCOL_H
#define SLAD_SHELL_PROTOCOL_H

/*
 * The exactly-once protocol of the ticket role, without I/O: which tasks there are and what becomes of each,
 * when an epoch closes and what is in it, and what an outcome, a piece of news or a rebalance leads to. What
 * must be done outside goes through the port: tickets.c does it with librdkafka, the simulation on a model.
 */
#include "shell/restore.h"
#include "shell/task.h"

/* None of these calls back into the protocol. */
struct protocol_port {
    void *context;
    /* The task's partitions, from next_offsets on, into the consumer's assignment; and out of it. */
    void (*fetch)(void *context, struct task *task);
    void (*unfetch)(void *context, struct task *task);
    /* Questions to the loader; their numbers, > 0. */
    uint64_t (*ask_task)(void *context, int32_t partition);
    uint64_t (*ask_marker)(void *context, int32_t partition);
    /* Takes the job; it comes back through protocol_on_done. The group's metadata is taken now. */
    void (*submit)(void *context, struct transaction_job *job);
    /* The end of one of the task's partitions as far as the consumer has heard, -1: it has not. */
    int64_t (*end)(void *context, const struct task *task, enum task_source source);
    /* The task goes: nothing of its partition may be given to it any more. */
    void (*forget)(void *context, int32_t partition);
    /* As ask_task, but nothing comes before a person has decided. NULL: nobody can. */
    uint64_t (*ask_decision)(void *context, int32_t partition);
};

struct protocol {
    struct world *world;
    struct protocol_port port;
    struct task **tasks; /* by partition; NULL: not ours */
    int32_t tasks_count;
    bool producer_ready;
    bool in_flight; /* a job is with the transaction thread */
    struct transaction_job *retry;
    int64_t retry_mono_ms, retry_delay_ms;
    char retry_error[KAFKA_ERROR_BYTES]; /* of the last that was aborted */
    int64_t ticked_mono_ms;
    bool was_full;     /* since the last tick */
    int32_t tick_next; /* whose turn is the first of the next tick */
};

void protocol_init(struct protocol *protocol, struct world *world, const struct protocol_port *port);
void protocol_done(struct protocol *protocol);

/* ---- tasks ---- */

/* NULL: not ours. */
struct task *protocol_task(const struct protocol *protocol, int32_t partition);
/* The group gave it to us: it is loaded. */
void protocol_assigned(struct protocol *protocol, int32_t partition);
/* Not ours is fine. */
void protocol_drop(struct protocol *protocol, int32_t partition, const char *why);
/* Partitions are to be given back (not: lost): the last commit. true: wait for what is out, then call again
 * with the same *closed (false at first); false: now they may be dropped. Whoever runs out of patience drops
 * them anyway. */
bool protocol_is_parting(struct protocol *protocol, bool *closed);
/* News of the loader for this role. The news stay the caller's. */
void protocol_on_news(struct protocol *protocol, const struct restore_news *news);
/* Where the task stands, there is no record any more: it is held. */
void protocol_on_offset_lost(struct protocol *protocol, struct task *task, enum task_source source,
                             const char *topic);
/* Whether records are for it now. */
bool protocol_takes_records(const struct task *task);

/* ---- epochs ---- */

/* The open epoch may take no more. */
bool protocol_is_full(const struct protocol *protocol);
/* Time passes for every task. true: there is more due. */
bool protocol_tick(struct protocol *protocol);
/* Closes the epoch when it is time, nothing is in flight and nothing waits to be sent again; sends again what
 * it is time for. Once a turn. */
void protocol_turn(struct protocol *protocol);
/* Every task that has something to say, now, whatever the time. Nothing is out. false: none has. */
bool protocol_close_all(struct protocol *protocol);
/* Takes a job that came back. */
void protocol_on_done(struct protocol *protocol, struct transaction_job *job);
/* A job is in flight, or waits to be sent again. */
bool protocol_is_out(const struct protocol *protocol);
/* Why nothing has been committed for some time, again and again (the topic was deleted ...). NULL: it is not
 * so. */
const char *protocol_stuck(const struct protocol *protocol);
void protocol_send_again(struct protocol *protocol);
/* How long nothing happens by itself, in ms. */
int64_t protocol_wait_ms(const struct protocol *protocol);

#endif
