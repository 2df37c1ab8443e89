#ifndef SLAD_SHELL_TRANSACTION_H
#define SLAD_SHELL_TRANSACTION_H

/*
 * One role's transactional producer and its thread. The loop hands it a whole epoch, it ships it as one burst
 * (begin, produce, wait for the reports, send offsets, commit) and hands the job back with how it ended. One
 * job at a time.
 */
#include "shell/batch.h"
#include "shell/course.h"
#include "shell/kafka.h"
#include "shell/topics.h"

/* What one task says in this epoch. */
struct transaction_part {
    int32_t task;    /* its partition */
    uint64_t serial; /* which of its assignments: the loop's own */
    uint64_t epoch;
    struct batch *batch;                      /* the job owns it */
    rd_kafka_topic_partition_list_t *offsets; /* next offsets to read; the job owns it; NULL: none */
    int64_t state_end; /* set when it comes back committed: next offset of slad.state behind its marker; 0:
                          not known */
};

struct transaction_job {
    struct transaction_part *parts;
    size_t parts_count;
    rd_kafka_consumer_group_metadata_t *group; /* as of now: ownership is judged when the epoch closes */
    /* set when it comes back */
    enum transaction_result result;
    char error[KAFKA_ERROR_BYTES]; /* of ABORTED, FATAL */
    int64_t took_us;
    size_t records_count;
};

struct transaction_job *transaction_job_new(size_t parts_max);
void transaction_job_free(struct transaction_job *job); /* with its parts and metadata; NULL is fine */

/* Every call to the outside, so that tests can make the Nth one fail. */
struct transaction_calls {
    rd_kafka_error_t *(*init)(rd_kafka_t *client, int timeout_ms);
    rd_kafka_error_t *(*begin)(rd_kafka_t *client);
    rd_kafka_error_t *(*produce)(rd_kafka_t *client, const rd_kafka_vu_t *values, size_t count);
    rd_kafka_error_t *(*send_offsets)(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
                                      const rd_kafka_consumer_group_metadata_t *group, int timeout_ms);
    rd_kafka_error_t *(*commit)(rd_kafka_t *client, int timeout_ms);
    rd_kafka_error_t *(*abort)(rd_kafka_t *client, int timeout_ms);
};
extern const struct transaction_calls transaction_calls_real;

struct transaction;

struct transaction_options {
    const struct kafka *kafka; /* all borrowed, outlive the transaction */
    const struct topics *topics;
    const char *name; /* of the role, for logs: "tickets" */
    const char *transactional_id;
    const struct transaction_calls *calls; /* NULL: the real ones */
};

/* Starts the thread; its first message is a job with TRANSACTION_READY, which may take as long as the brokers
 * do. */
struct transaction *transaction_new(const struct transaction_options *options);
/* Takes the job; the last one must have come back. */
void transaction_submit(struct transaction *transaction, struct transaction_job *job);
/* A job that came back, or NULL. The caller frees it. */
struct transaction_job *transaction_take(struct transaction *transaction);
/* As transaction_take, waiting up to timeout_ms: for a revocation's last commit. */
struct transaction_job *transaction_take_wait(struct transaction *transaction, int64_t timeout_ms);
/* Readable when a job came back: see handover.h. */
int transaction_descriptor(const struct transaction *transaction);
void transaction_clear(struct transaction *transaction);
/* No more jobs; a call that hangs is given up at its next time-out (2 s). */
void transaction_stop(struct transaction *transaction);
/* Stops, joins the thread, destroys the producer. NULL is fine. */
void transaction_free(struct transaction *transaction);

#endif
