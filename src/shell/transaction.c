/*
 * One role's transactional producer and its thread.
 *
 * What: a thread that takes a job, runs it as one transaction and gives it back.
 *
 * Why so: the whole transaction runs as one late burst over finished bytes, so it is open for milliseconds
 * and a retry sends the same bytes again. rd_kafka_flush wakes up for reports alone, in steps of 10 ms
 * without them: every record has one, and what is full goes before anybody flushes. An error that asks for an
 * abort leaves nothing behind; any other leaves the outcome unknown, and then the producer is thrown away: a
 * new one's init_transactions settles what the old one left, and the loop reads the marker back to learn
 * which way.
 *
 * Always true: a job comes back exactly once; when it comes back as FATAL the leftovers are settled; nothing
 * of a job is referenced by librdkafka any more when it comes back (the batch's bytes are sent without a
 * copy).
 *
 * Not here: what is in an epoch and whose it is (tickets.c, scoring.c).
 */
#include "shell/transaction.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/handover.h"
#include "shell/wallclock.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TRANSACTION_CALL_MS = 2000,
    TRANSACTION_INIT_MS = 500,
    TRANSACTION_LEFT_RECORDS = 1000, /* mostly less than a full request, of outcomes */
    TRANSACTION_FULL_MS = 5,         /* a full one is answered by then, or what is left over is not full */
    TRANSACTION_REST_US = 1000       /* the brokers have mostly finished the last one by then */
};

struct transaction {
    struct transaction_options options;
    struct kafka_client description;
    struct kafka_setting settings[4];
    char timeout_ms_text[24];
    struct handover *jobs, *done;
    atomic_bool stopping;
    pthread_t thread;
    /* of the thread */
    rd_kafka_t *client;
    rd_kafka_topic_t *topics[TOPICS_COUNT];
    size_t failed_count;  /* delivery reports with an error */
    int64_t rested_at_us; /* monotonic: the next one begins here at the earliest */
};

const struct transaction_calls transaction_calls_real = {
    rd_kafka_init_transactions,           rd_kafka_begin_transaction,  rd_kafka_produceva,
    rd_kafka_send_offsets_to_transaction, rd_kafka_commit_transaction, rd_kafka_abort_transaction,
};

/* ---- jobs ---- */

struct transaction_job *
transaction_job_new(size_t parts_max)
{
    struct transaction_job *job = memory_allocate_zeroed(1, sizeof *job);

    job->parts = memory_allocate_zeroed(parts_max, sizeof *job->parts);
    return job;
}

void
transaction_job_free(struct transaction_job *job)
{
    if (job == NULL)
        return;
    for (size_t i = 0; i < job->parts_count; i++) {
        batch_free(job->parts[i].batch);
        if (job->parts[i].offsets != NULL)
            rd_kafka_topic_partition_list_destroy(job->parts[i].offsets);
    }
    if (job->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(job->group);
    memory_free(job->parts);
    memory_free(job);
}

/* ---- the producer ---- */

static void
transaction_on_delivered(void *context, const rd_kafka_message_t *message)
{
    struct transaction *transaction = context;

    int64_t *state_end = message->_private;

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        transaction->failed_count++;
    else if (state_end != NULL && message->offset >= *state_end)
        *state_end = message->offset + 1;
}

/* Logs an error that is waited out, at most every few seconds (the log's own limit). */
static void
transaction_log_wait(struct transaction *transaction, const char *what, const char *error)
{
    log_write(transaction->options.kafka->log, LOG_WARNING, "transaction_waits",
              LOG_TEXT("role", transaction->options.name), LOG_TEXT("for", what), LOG_TEXT("text", error),
              LOG_TEXT("trying", transaction->options.kafka->brokers));
}

static void
transaction_close_producer(struct transaction *transaction)
{
    if (transaction->client == NULL)
        return;
    rd_kafka_purge(transaction->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    if (rd_kafka_outq_len(transaction->client) > 0)
        rd_kafka_poll(transaction->client, 100);
    for (int i = 0; i < TOPICS_COUNT; i++)
        if (transaction->topics[i] != NULL)
            rd_kafka_topic_destroy(transaction->topics[i]);
    memset(transaction->topics, 0, sizeof transaction->topics);
    rd_kafka_destroy(transaction->client);
    transaction->client = NULL;
}

/* Outcomes are most of what is written, the same words again and again: a seventh of the bytes is left of them.
 * An epoch's few records elsewhere would only wait for it. */
static rd_kafka_topic_t *
transaction_topic(const struct transaction *transaction, enum topic topic)
{
    const char *name = transaction->options.topics->names[topic];

    if (topic == TOPIC_OUTCOMES)
        return kafka_topic_compressed(transaction->client, transaction->options.kafka, name);
    return rd_kafka_topic_new(transaction->client, name, NULL);
}

/* One attempt. 0, or -1 with the reason. */
static int
transaction_open_producer(struct transaction *transaction, char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_error_t *failed;

    if (transaction->client == NULL) {
        transaction->client = kafka_producer_new(&transaction->description, error);
        if (transaction->client == NULL)
            return -1;
    }
    failed = transaction->options.calls->init(transaction->client, TRANSACTION_INIT_MS);
    if (failed != NULL) {
        bool again = rd_kafka_error_is_retriable(failed) != 0;

        kafka_error_text(failed, error);
        if (!again)
            transaction_close_producer(transaction);
        return -1;
    }
    for (int i = 0; i < TOPICS_COUNT; i++) { /* the first use of a topic would wait for its metadata */
        if (topics_row((enum topic)i)->is_input)
            continue;
        if (transaction->topics[i] == NULL)
            transaction->topics[i] = transaction_topic(transaction, (enum topic)i);
        if (transaction->topics[i] == NULL ||
            kafka_topic_warm(transaction->client, transaction->topics[i], TRANSACTION_CALL_MS, error) != 0) {
            transaction_close_producer(transaction);
            return -1;
        }
    }
    return 0;
}

/* Until it is there. false: stopped first. */
static bool
transaction_ensure_producer(struct transaction *transaction)
{
    char error[KAFKA_ERROR_BYTES] = "";

    while (!atomic_load(&transaction->stopping)) {
        if (transaction_open_producer(transaction, error) == 0)
            return true;
        transaction_log_wait(transaction, "producer", error);
        for (int i = 0; i < 10 && !atomic_load(&transaction->stopping); i++)
            usleep(50000);
    }
    return false;
}

/* ---- one transaction ---- */

/* Reads an error: what it means for the transaction. Takes it. */
static enum course_verdict
transaction_judge(rd_kafka_error_t *taken, char error[KAFKA_ERROR_BYTES])
{
    enum course_verdict verdict;

    if (taken == NULL)
        return COURSE_GOES_ON;
    verdict = rd_kafka_error_is_fatal(taken)             ? COURSE_IS_LOST
              : rd_kafka_error_txn_requires_abort(taken) ? COURSE_MUST_ABORT
              : rd_kafka_error_is_retriable(taken)       ? COURSE_AGAIN
                                                         : COURSE_IS_LOST;
    kafka_error_text(taken, error);
    return verdict;
}

static rd_kafka_headers_t *
transaction_headers(struct slice encoded)
{
    struct slice name, value;
    rd_kafka_headers_t *headers;

    if (encoded.bytes == 0)
        return NULL;
    headers = rd_kafka_headers_new(8);
    while (batch_header_next(&encoded, &name, &value))
        rd_kafka_header_add(headers, name.at, (ssize_t)name.bytes, value.at,
                            value.at == NULL ? 0 : (ssize_t)value.bytes);
    return headers;
}

static rd_kafka_error_t *
transaction_produce_one(struct transaction *transaction, const struct batch_record *record,
                        int64_t *state_end)
{
    rd_kafka_headers_t *headers = transaction_headers(record->headers);
    size_t count = 5;
    rd_kafka_vu_t values[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = transaction->topics[record->topic]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)record->key.at, record->key.bytes}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)record->value.at, record->value.bytes}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = record->topic == TOPIC_STATE ? state_end : NULL},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    rd_kafka_error_t *failed;

    if (headers != NULL)
        count++;
    for (;;) {
        failed = transaction->options.calls->produce(transaction->client, values, count);
        if (failed == NULL)
            return NULL;
        if (rd_kafka_error_code(failed) != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            break;
        rd_kafka_error_destroy(failed);
        rd_kafka_poll(transaction->client, 5);
    }
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    return failed;
}

static enum course_verdict
transaction_produce(struct transaction *transaction, struct transaction_job *job)
{
    for (size_t p = 0; p < job->parts_count; p++) {
        const struct batch *batch = job->parts[p].batch;

        job->parts[p].state_end = 0;
        for (size_t i = 0; i < batch_count(batch); i++) {
            struct batch_record record = batch_get(batch, i);
            rd_kafka_error_t *failed =
                transaction_produce_one(transaction, &record, &job->parts[p].state_end);

            if (failed != NULL) {
                bool fatal = rd_kafka_error_is_fatal(failed) != 0;

                kafka_error_text(failed, job->error);
                return fatal ? COURSE_IS_LOST : COURSE_MUST_ABORT;
            }
            job->records_count++;
        }
        rd_kafka_poll(transaction->client, 0);
    }
    return COURSE_GOES_ON;
}

/* Serves delivery reports until nothing is out. librdkafka (2.0.2) has one request a partition on its
 * way and, while a record that may go waits behind it, asks for nothing else than whether it is answered: a
 * thread that spins. A record may go when it has lingered, or while somebody flushes. So records linger for
 * longer than an epoch takes: full requests go as they are, and only what is left over is flushed. */
static enum course_verdict
transaction_settle(struct transaction *transaction, struct transaction_job *job)
{
    while (rd_kafka_outq_len(transaction->client) > TRANSACTION_LEFT_RECORDS &&
           rd_kafka_poll(transaction->client, TRANSACTION_FULL_MS) > 0)
        continue;
    while (rd_kafka_outq_len(transaction->client) > 0) {
        (void)rd_kafka_flush(transaction->client, 100);
        if (atomic_load(&transaction->stopping) && transaction->failed_count > 0)
            break;
    }
    if (transaction->failed_count == 0)
        return COURSE_GOES_ON;
    snprintf(job->error, sizeof job->error, "%zu records were not delivered", transaction->failed_count);
    return COURSE_MUST_ABORT;
}

/* With its metadata. */
static void
transaction_copy_offset(rd_kafka_topic_partition_list_t *all, const rd_kafka_topic_partition_t *from)
{
    rd_kafka_topic_partition_t *to = rd_kafka_topic_partition_list_add(all, from->topic, from->partition);

    to->offset = from->offset;
    if (from->metadata_size == 0)
        return;
    to->metadata = memory_copy(from->metadata, from->metadata_size);
    to->metadata_size = from->metadata_size;
}

static enum course_verdict
transaction_send_offsets(struct transaction *transaction, struct transaction_job *job)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new((int)job->parts_count * 2);
    enum course_verdict verdict = COURSE_GOES_ON;

    for (size_t p = 0; p < job->parts_count; p++) {
        const rd_kafka_topic_partition_list_t *offsets = job->parts[p].offsets;

        for (int i = 0; offsets != NULL && i < offsets->cnt; i++)
            transaction_copy_offset(all, &offsets->elems[i]);
    }
    if (all->cnt > 0)
        verdict = transaction_judge(transaction->options.calls->send_offsets(transaction->client, all,
                                                                             job->group, TRANSACTION_CALL_MS),
                                    job->error);
    rd_kafka_topic_partition_list_destroy(all);
    return verdict;
}

static enum course_verdict
transaction_abort(struct transaction *transaction)
{
    char error[KAFKA_ERROR_BYTES];
    enum course_verdict verdict =
        transaction_judge(transaction->options.calls->abort(transaction->client, TRANSACTION_CALL_MS), error);

    rd_kafka_poll(transaction->client, 0);
    while (verdict == COURSE_GOES_ON && rd_kafka_outq_len(transaction->client) > 0)
        rd_kafka_poll(transaction->client,
                      10); /* the purged ones' reports: then nothing points into the batches */
    return verdict;
}

static enum course_verdict
transaction_step(struct transaction *transaction, struct transaction_job *job, enum course_step step)
{
    switch (step) {
    case COURSE_BEGIN:
        return transaction_judge(transaction->options.calls->begin(transaction->client), job->error);
    case COURSE_PRODUCE:
        return transaction_produce(transaction, job);
    case COURSE_SETTLE:
        return transaction_settle(transaction, job);
    case COURSE_OFFSETS:
        return transaction_send_offsets(transaction, job);
    case COURSE_COMMIT:
        return transaction_judge(transaction->options.calls->commit(transaction->client, TRANSACTION_CALL_MS),
                                 job->error);
    case COURSE_ABORT:
        return transaction_abort(transaction);
    case COURSE_RENEW:
        transaction_close_producer(transaction);
        return transaction_ensure_producer(transaction) ? COURSE_GOES_ON : COURSE_IS_LOST;
    case COURSE_ENDED:
        break;
    }
    panic("a transaction that has ended goes on");
}

static void
transaction_rest(const struct transaction *transaction)
{
    int64_t left_us = transaction->rested_at_us - wallclock_mono_us();

    if (left_us > 0)
        usleep((useconds_t)left_us);
}

static void
transaction_run(struct transaction *transaction, struct transaction_job *job)
{
    int64_t begun_us = wallclock_mono_us();
    struct course course;

    transaction->failed_count = 0;
    job->records_count = 0;
    job->error[0] = '\0';
    transaction_rest(transaction);
    course_begin(&course);
    while (course.step != COURSE_ENDED) {
        enum course_verdict verdict = transaction_step(transaction, job, course.step);

        if (verdict == COURSE_AGAIN && atomic_load(&transaction->stopping))
            verdict = COURSE_IS_LOST; /* stopped in the middle */
        course_go(&course, verdict);
    }
    job->result = course.result;
    job->took_us = wallclock_mono_us() - begun_us;
    transaction->rested_at_us = begun_us + job->took_us + TRANSACTION_REST_US;
}

/* ---- the thread ---- */

static void *
transaction_thread(void *context)
{
    struct transaction *transaction = context;
    struct transaction_job *job;

    if (!transaction_ensure_producer(transaction))
        return NULL;
    job = transaction_job_new(1);
    job->result = TRANSACTION_READY;
    if (!handover_put(transaction->done, job))
        transaction_job_free(job);
    while (!handover_is_closed(transaction->jobs) || handover_count(transaction->jobs) > 0) {
        job = handover_take_wait(transaction->jobs, 1000);
        if (job == NULL) {
            rd_kafka_poll(transaction->client, 0);
            continue;
        }
        transaction_run(transaction, job);
        if (!handover_put(transaction->done, job))
            transaction_job_free(job);
        if (transaction->client == NULL)
            break; /* stopped without one */
    }
    return NULL;
}

struct transaction *
transaction_new(const struct transaction_options *options)
{
    struct transaction *transaction = memory_allocate_zeroed(1, sizeof *transaction);

    transaction->options = *options;
    if (transaction->options.calls == NULL)
        transaction->options.calls = &transaction_calls_real;
    snprintf(transaction->timeout_ms_text, sizeof transaction->timeout_ms_text, "%lld",
             (long long)options->kafka->config->transaction_timeout_ms);
    transaction->settings[0] = (struct kafka_setting){"transactional.id", options->transactional_id};
    transaction->settings[1] = (struct kafka_setting){"transaction.timeout.ms", transaction->timeout_ms_text};
    transaction->settings[2] = (struct kafka_setting){"enable.idempotence", "true"};
    /* See transaction_settle. Under the shortest transaction_timeout, or there is no producer. */
    transaction->settings[3] = (struct kafka_setting){"linger.ms", "900"};
    transaction->description = (struct kafka_client){
        .kafka = options->kafka,
        .name = options->name,
        .settings = transaction->settings,
        .settings_count = sizeof transaction->settings / sizeof *transaction->settings,
        .context = transaction,
        .delivered = transaction_on_delivered,
    };
    transaction->jobs = handover_new(1);
    transaction->done = handover_new(4);
    must(pthread_create(&transaction->thread, NULL, transaction_thread, transaction) == 0);
    return transaction;
}

void
transaction_submit(struct transaction *transaction, struct transaction_job *job)
{
    if (!handover_put(transaction->jobs, job)) {
        job->result = TRANSACTION_STOPPED;
        must(handover_put(transaction->done, job));
    }
}

struct transaction_job *
transaction_take(struct transaction *transaction)
{
    return handover_take(transaction->done);
}

struct transaction_job *
transaction_take_wait(struct transaction *transaction, int64_t timeout_ms)
{
    return handover_take_wait(transaction->done, timeout_ms);
}

int
transaction_descriptor(const struct transaction *transaction)
{
    return handover_descriptor(transaction->done);
}

void
transaction_clear(struct transaction *transaction)
{
    handover_clear(transaction->done);
}

void
transaction_stop(struct transaction *transaction)
{
    atomic_store(&transaction->stopping, true);
    handover_close(transaction->jobs);
}

void
transaction_free(struct transaction *transaction)
{
    struct transaction_job *job;

    if (transaction == NULL)
        return;
    transaction_stop(transaction);
    must(pthread_join(transaction->thread, NULL) == 0);
    transaction_close_producer(transaction);
    while ((job = handover_take(transaction->jobs)) != NULL)
        transaction_job_free(job);
    while ((job = handover_take(transaction->done)) != NULL)
        transaction_job_free(job);
    handover_free(transaction->jobs);
    handover_free(transaction->done);
    memory_free(transaction);
}
