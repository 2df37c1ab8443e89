#ifndef SLAD_TESTS_PORTS_H
#define SLAD_TESTS_PORTS_H

/* What a port (protocol.h, score_task.h) does in a test to which it does not matter: nothing. */
#include "shell/protocol.h"
#include "shell/score_task.h"

static inline void
ports_on_task(void *context, struct task *task)
{
    (void)context;
    (void)task;
}

/* The consumer has not heard of it. */
static inline int64_t
ports_end(void *context, const struct task *task, enum task_source source)
{
    (void)context;
    (void)task;
    (void)source;
    return -1;
}

static inline void
ports_forget(void *context, int32_t partition)
{
    (void)context;
    (void)partition;
}

static inline void
ports_fetch_outcomes(void *context, int64_t from_offset)
{
    (void)context;
    (void)from_offset;
}

static inline void
ports_on_call(void *context)
{
    (void)context;
}

/* Of scores that have no texts and no snapshots: nothing is read but by the test's own hand. */
static inline struct score_task_port
ports_of_scores(void *context, uint64_t (*ask_offsets)(void *context),
                void (*submit)(void *context, struct transaction_job *job))
{
    return (struct score_task_port){.context = context,
                                    .fetch_outcomes = ports_fetch_outcomes,
                                    .unfetch_outcomes = ports_on_call,
                                    .fetch_feedback = ports_on_call,
                                    .unfetch_feedback = ports_on_call,
                                    .ask_offsets = ask_offsets,
                                    .submit = submit};
}

#endif
