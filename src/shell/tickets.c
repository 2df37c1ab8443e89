/*
 * The ticket role.
 *
 * What: one consumer, the tasks of the partitions it was given, one transaction over all tasks that have
 * something to say.
 *
 * Why so: the group says which partitions are ours; each is loaded beside the loop and only then put into the
 * consumer's assignment, at the offset of its marker, so nothing is ever sought, paused for loading or read
 * too early. The sibling partition of slad.relay follows its partition of tickets.
 *
 * Always true: at most one transaction is in flight, and a part of it counts only for the very assignment
 * (serial) it was made in; a task whose last epoch is unknown closes no other; the consumer is polled in
 * every turn unless the open epoch is full, and when that lasts the partitions are paused and it is polled
 * again.
 *
 * Not here: what a record means (ingest.c), what a task is (task.c), how a transaction runs (transaction.c).
 */
#include "shell/tickets.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/ingest.h"
#include "shell/wallclock.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    TICKETS_PAUSE_AFTER_MS = 1000, /* the epoch was full for this long */
    TICKETS_RETRY_MS_MIN = 50,
    TICKETS_RETRY_MS_MAX = 2000,
    TICKETS_REVOKE_MS_MAX = 5000 /* the last commit before partitions are given back */
};

struct tickets {
    struct world *world;
    struct restore *restore;
    struct ingest *ingest;
    struct transaction *transaction;
    char *transactional_id;

    struct kafka_client description;
    struct kafka_setting settings[2];
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    struct kafka_warm warm;
    int records_descriptor;
    rd_kafka_message_t *pending; /* its turn is the next one */

    struct task **tasks; /* by partition; NULL: not ours */
    int32_t tasks_count;

    bool producer_ready, joined, assigned_once, stopping;
    struct transaction_job *retry;
    int64_t retry_mono_ms, retry_delay_ms;
    bool in_flight;
    int64_t full_since_mono_ms; /* 0: the epoch is not full */
    size_t records_count;       /* taken since the last epoch was closed */
    char fatal[KAFKA_ERROR_BYTES];
};

/* ---- the consumer's assignment ---- */

static rd_kafka_topic_partition_list_t *
tickets_list(const struct tickets *tickets, const struct task *task)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    const enum topic topics[] = {TOPIC_TICKETS, TOPIC_RELAY};

    for (int i = 0; i < TASK_SOURCES_COUNT; i++)
        rd_kafka_topic_partition_list_add(list, tickets->world->topics.names[topics[i]], task->partition)
            ->offset =
            task->next_offsets[i] == MARKER_NO_OFFSET ? RD_KAFKA_OFFSET_BEGINNING : task->next_offsets[i];
    return list;
}

static void
tickets_log_error(struct tickets *tickets, const char *what, rd_kafka_error_t *taken)
{
    char text[KAFKA_ERROR_BYTES];

    if (taken == NULL)
        return;
    kafka_error_text(taken, text);
    log_write(tickets->world->log, LOG_ERROR, "assignment_failed", LOG_TEXT("call", what),
              LOG_TEXT("text", text));
}

static void
tickets_fetch(struct tickets *tickets, struct task *task)
{
    rd_kafka_topic_partition_list_t *list = tickets_list(tickets, task);

    tickets_log_error(tickets, "incremental_assign", rd_kafka_incremental_assign(tickets->consumer, list));
    rd_kafka_topic_partition_list_destroy(list);
    task->fetching = true;
}

static void
tickets_unfetch(struct tickets *tickets, struct task *task)
{
    rd_kafka_topic_partition_list_t *list;

    if (!task->fetching)
        return;
    list = tickets_list(tickets, task);
    tickets_log_error(tickets, "incremental_unassign",
                      rd_kafka_incremental_unassign(tickets->consumer, list));
    rd_kafka_topic_partition_list_destroy(list);
    task->fetching = task->paused = false;
}

/* Pauses or resumes what is fetched and is not so already. */
static void
tickets_set_paused(struct tickets *tickets, bool paused)
{
    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        struct task *task = tickets->tasks[p];
        rd_kafka_topic_partition_list_t *list;

        if (task == NULL || !task->fetching || task->paused == paused)
            continue;
        list = tickets_list(tickets, task);
        if (paused)
            rd_kafka_pause_partitions(tickets->consumer, list);
        else
            rd_kafka_resume_partitions(tickets->consumer, list);
        rd_kafka_topic_partition_list_destroy(list);
        task->paused = paused;
    }
}

/* ---- tasks come and go ---- */

static void
tickets_add(struct tickets *tickets, int32_t partition)
{
    struct task *task;

    must(partition >= 0);
    if (partition >=
        tickets->tasks_count) /* the topic has grown: the marker's count will hold the others, too */
        return;
    must(tickets->tasks[partition] == NULL);
    task = tickets->tasks[partition] = task_new(tickets->world, partition);
    task->question = restore_ask_task(tickets->restore, partition, tickets->world->partitions_count);
    log_write(tickets->world->log, LOG_INFO, "task_assigned", LOG_INTEGER("task", partition));
}

static void
tickets_drop(struct tickets *tickets, int32_t partition, const char *why)
{
    struct task *task = partition < tickets->tasks_count ? tickets->tasks[partition] : NULL;

    if (task == NULL)
        return;
    tickets_unfetch(tickets, task);
    if (tickets->pending != NULL && tickets->pending->partition == partition) {
        rd_kafka_message_destroy(tickets->pending);
        tickets->pending = NULL;
    }
    metrics_forget_task(tickets->world->metrics, (size_t)partition);
    task_free(task);
    tickets->tasks[partition] = NULL;
    log_write(tickets->world->log, LOG_INFO, "task_dropped", LOG_INTEGER("task", partition),
              LOG_TEXT("why", why));
}

/* What is in memory is not what is in Kafka: load it anew. */
static void
tickets_reload(struct tickets *tickets, struct task *task, const char *why)
{
    int32_t partition = task->partition;

    tickets_drop(tickets, partition, why);
    tickets_add(tickets, partition);
}

/* ---- transactions ---- */

/* The task a part was made for, when it is still the same assignment. */
static struct task *
tickets_part_task(struct tickets *tickets, const struct transaction_part *part)
{
    struct task *task = tickets->tasks[part->task];

    return task != NULL && task->serial == part->serial ? task : NULL;
}

static void
tickets_submit(struct tickets *tickets, struct transaction_job *job)
{
    if (job->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(job->group);
    job->group = rd_kafka_consumer_group_metadata(tickets->consumer);
    if (job->group == NULL) /* embedded: never joined */
        job->group = rd_kafka_consumer_group_metadata_new(tickets->world->group);
    tickets->in_flight = true;
    transaction_submit(tickets->transaction, job);
}

/* Ends an epoch over every live task that has something to say. false: none has. */
static bool
tickets_close_all(struct tickets *tickets)
{
    struct transaction_job *job = transaction_job_new((size_t)tickets->tasks_count);

    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        struct task *task = tickets->tasks[p];

        if (task != NULL && task->state == TASK_LIVE && task->dirty)
            task_close(task, &job->parts[job->parts_count++]);
    }
    tickets->records_count = 0;
    if (job->parts_count == 0) {
        transaction_job_free(job);
        return false;
    }
    tickets_submit(tickets, job);
    return true;
}

static void
tickets_on_committed(struct tickets *tickets, struct transaction_job *job)
{
    struct metrics *metrics = tickets->world->metrics;

    for (size_t i = 0; i < job->parts_count; i++) {
        struct task *task = tickets_part_task(tickets, &job->parts[i]);

        if (task != NULL)
            task_committed(task, job->parts[i].epoch);
    }
    tickets->retry_delay_ms = 0;
    metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_COMMITTED, 1);
    metrics_add(metrics, METRIC_TRANSACTION_RECORDS, METRIC_ROLE_TICKETS, job->records_count);
    metrics_observe(metrics, METRIC_TRANSACTION_TIME, METRIC_ROLE_TICKETS, job->took_us);
    transaction_job_free(job);
}

/* The same bytes again, but of tasks that are still ours. */
static void
tickets_on_aborted(struct tickets *tickets, struct transaction_job *job)
{
    metrics_add(tickets->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_ABORTED, 1);
    log_write(tickets->world->log, LOG_WARNING, "transaction_aborted", LOG_TEXT("role", "tickets"),
              LOG_TEXT("why", job->error));
    tickets->retry_delay_ms = tickets->retry_delay_ms == 0 ? TICKETS_RETRY_MS_MIN
                              : tickets->retry_delay_ms * 2 > TICKETS_RETRY_MS_MAX
                                  ? TICKETS_RETRY_MS_MAX
                                  : tickets->retry_delay_ms * 2;
    tickets->retry_mono_ms = tickets->world->now_mono_ms + tickets->retry_delay_ms;
    tickets->retry = job;
}

static void
tickets_send_again(struct tickets *tickets)
{
    struct transaction_job *job = tickets->retry;
    size_t kept = 0;

    tickets->retry = NULL;
    for (size_t i = 0; i < job->parts_count; i++) {
        struct transaction_part part = job->parts[i];

        job->parts[i] = (struct transaction_part){0};
        if (tickets_part_task(tickets, &part) != NULL)
            job->parts[kept++] = part;
        else {
            batch_free(part.batch);
            if (part.offsets != NULL)
                rd_kafka_topic_partition_list_destroy(part.offsets);
        }
    }
    job->parts_count = kept;
    if (kept > 0)
        tickets_submit(tickets, job);
    else
        transaction_job_free(job);
}

/* Nobody knows what became of it: the markers will tell. */
static void
tickets_on_unknown(struct tickets *tickets, struct transaction_job *job)
{
    metrics_add(tickets->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_FATAL, 1);
    log_write(tickets->world->log, LOG_ERROR, "transaction_unknown", LOG_TEXT("role", "tickets"),
              LOG_TEXT("why", job->error));
    for (size_t i = 0; i < job->parts_count; i++) {
        struct task *task = tickets_part_task(tickets, &job->parts[i]);

        if (task == NULL)
            continue;
        must(task->epoch == job->parts[i].epoch);
        task->state = TASK_CHECKING;
        task->question = restore_ask_marker(tickets->restore, task->partition);
    }
    transaction_job_free(job);
}

static void
tickets_on_done(struct tickets *tickets, struct transaction_job *job)
{
    if (job->result != TRANSACTION_READY)
        tickets->in_flight = false;
    switch (job->result) {
    case TRANSACTION_READY:
        tickets->producer_ready = true;
        transaction_job_free(job);
        break;
    case TRANSACTION_COMMITTED:
        tickets_on_committed(tickets, job);
        break;
    case TRANSACTION_ABORTED:
        tickets_on_aborted(tickets, job);
        break;
    case TRANSACTION_FATAL:
        tickets_on_unknown(tickets, job);
        break;
    case TRANSACTION_STOPPED:
        transaction_job_free(job);
        break;
    }
}

/* Waits for what is in flight, and for its retries, up to an instant. true: nothing is out any more. */
static bool
tickets_settle(struct tickets *tickets, int64_t until_mono_ms)
{
    while (tickets->in_flight || tickets->retry != NULL) {
        int64_t left_ms = until_mono_ms - wallclock_mono_ms();
        struct transaction_job *job;

        if (left_ms <= 0)
            return false;
        if (!tickets->in_flight) {
            usleep(TICKETS_RETRY_MS_MIN * 1000);
            tickets_send_again(tickets);
            continue;
        }
        job = transaction_take_wait(tickets->transaction, left_ms);
        if (job != NULL)
            tickets_on_done(tickets, job);
    }
    return true;
}

/* ---- the group ---- */

static void
tickets_on_assigned(struct tickets *tickets, rd_kafka_topic_partition_list_t *partitions)
{
    rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);

    /* Fetching begins when the task is loaded; until then the group is told that it was heard. */
    tickets_log_error(tickets, "incremental_assign", rd_kafka_incremental_assign(tickets->consumer, nothing));
    rd_kafka_topic_partition_list_destroy(nothing);
    for (int i = 0; i < partitions->cnt; i++)
        tickets_add(tickets, partitions->elems[i].partition);
    tickets->assigned_once = true;
}

static void
tickets_on_revoked(struct tickets *tickets, rd_kafka_topic_partition_list_t *partitions)
{
    bool lost = rd_kafka_assignment_lost(tickets->consumer) != 0;
    int64_t until_mono_ms = wallclock_mono_ms() + TICKETS_REVOKE_MS_MAX;
    rd_kafka_topic_partition_list_t *nothing = rd_kafka_topic_partition_list_new(0);

    if (!lost && tickets->producer_ready && tickets_settle(tickets, until_mono_ms) &&
        tickets_close_all(tickets))
        tickets_settle(tickets, until_mono_ms);
    for (int i = 0; i < partitions->cnt; i++)
        tickets_drop(tickets, partitions->elems[i].partition, lost ? "lost" : "revoked");
    tickets_log_error(tickets, "incremental_unassign",
                      rd_kafka_incremental_unassign(tickets->consumer, nothing));
    rd_kafka_topic_partition_list_destroy(nothing);
}

static void
tickets_on_rebalance(void *context, rd_kafka_t *client, bool assigned,
                     rd_kafka_topic_partition_list_t *partitions)
{
    struct tickets *tickets = context;

    (void)client;
    metrics_add(tickets->world->metrics, METRIC_REBALANCES, 0, 1);
    log_write(tickets->world->log, LOG_INFO, "rebalance", LOG_BOOLEAN("assigned", assigned),
              LOG_INTEGER("partitions", partitions->cnt));
    if (assigned)
        tickets_on_assigned(tickets, partitions);
    else
        tickets_on_revoked(tickets, partitions);
}

/* The producer is there, its leftovers are settled: now partitions may come. */
static void
tickets_join(struct tickets *tickets)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    tickets->joined = true;
    if (tickets->world->kafka.embedded) { /* the mock's group would wait three seconds */
        for (int32_t p = 0; p < tickets->tasks_count; p++)
            rd_kafka_topic_partition_list_add(topics, tickets->world->topics.names[TOPIC_TICKETS], p);
        tickets_on_assigned(tickets, topics);
    } else {
        rd_kafka_topic_partition_list_add(topics, tickets->world->topics.names[TOPIC_TICKETS],
                                          RD_KAFKA_PARTITION_UA);
        code = rd_kafka_subscribe(tickets->consumer, topics);
    }
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(tickets->fatal, sizeof tickets->fatal, "subscribe: %s", rd_kafka_err2str(code));
}

/* ---- phases ---- */

void
tickets_take_done(struct tickets *tickets)
{
    struct transaction_job *job;

    while ((job = transaction_take(tickets->transaction)) != NULL)
        tickets_on_done(tickets, job);
    if (tickets->producer_ready && !tickets->joined && !tickets->stopping)
        tickets_join(tickets);
    if (tickets->retry != NULL && !tickets->in_flight &&
        tickets->world->now_mono_ms >= tickets->retry_mono_ms)
        tickets_send_again(tickets);
}

static void
tickets_on_marker(struct tickets *tickets, struct task *task, const struct restore_news *news)
{
    struct marker own = task_marker(task);

    if (news->has_marker && marker_is(&own, &news->marker)) {
        log_write(tickets->world->log, LOG_NOTICE, "epoch_was_committed",
                  LOG_INTEGER("task", task->partition), LOG_INTEGER("epoch", task->epoch));
        task->state = TASK_LIVE;
        task_committed(task, task->epoch);
    } else
        tickets_reload(tickets, task, "its last epoch did not happen");
}

static void
tickets_on_loaded(struct tickets *tickets, struct task *task)
{
    int64_t took_ms = tickets->world->now_mono_ms - task->assigned_mono_ms;

    task_loaded(task);
    tickets_fetch(tickets, task);
    metrics_add(tickets->world->metrics, METRIC_RESTORES, 0, 1);
    metrics_observe(tickets->world->metrics, METRIC_RESTORE_TIME, 0, took_ms);
    log_write(tickets->world->log, LOG_INFO, "task_live", LOG_INTEGER("task", task->partition),
              LOG_INTEGER("tickets", engine_tickets_count(task->engine)), LOG_INTEGER("epoch", task->epoch),
              LOG_INTEGER("offset", task->next_offsets[TASK_TICKETS]), LOG_INTEGER("took_ms", took_ms));
}

/* Half a state would forget promises and repeat alerts. */
static void
tickets_hold_unreadable(struct task *task, size_t count)
{
    char reason[128];

    snprintf(reason, sizeof reason, "%zu records of its state cannot be read by this version", count);
    task_hold(task, reason);
}

bool
tickets_take_news(struct tickets *tickets, struct restore_news *news)
{
    struct task *task = news->partition >= 0 && news->partition < tickets->tasks_count
                            ? tickets->tasks[news->partition]
                            : NULL;
    size_t bad;

    if (news->kind == RESTORE_TOPICS || news->kind == RESTORE_OFFSETS)
        return false;
    if (task != NULL && task->question == news->question) { /* else it is for a task that has gone since */
        switch (news->kind) {
        case RESTORE_BEGUN:
            task_begin(task, news->has_marker, &news->marker);
            break;
        case RESTORE_CHUNK:
            bad = task->state == TASK_LOADING ? task_load(task, buffer_slice(&news->bytes)) : 0;
            if (bad > 0)
                tickets_hold_unreadable(task, bad);
            break;
        case RESTORE_DONE:
            if (task->state == TASK_LOADING)
                tickets_on_loaded(tickets, task);
            break;
        case RESTORE_HELD:
            task_hold(task, news->error);
            break;
        case RESTORE_MARKER:
            tickets_on_marker(tickets, task, news);
            break;
        case RESTORE_TOPICS:
        case RESTORE_OFFSETS:
            break;
        }
    }
    restore_news_free(news);
    return true;
}

/* What is not a record. */
static void
tickets_on_event(struct tickets *tickets, struct task *task, enum task_source source,
                 const rd_kafka_message_t *message)
{
    char reason[KAFKA_ERROR_BYTES];

    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (task != NULL && task->engine != NULL && task->fetching)
            task_reach_end(task, source, message->offset);
    } else if (message->err == RD_KAFKA_RESP_ERR__FATAL)
        rd_kafka_fatal_error(tickets->consumer, tickets->fatal, sizeof tickets->fatal);
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && task != NULL) {
        snprintf(reason, sizeof reason,
                 "%s[%d] does not have offset %lld any more: records were lost, or the topic was made anew",
                 rd_kafka_topic_name(message->rkt), (int)message->partition,
                 (long long)task->next_offsets[source]);
        tickets_unfetch(tickets, task);
        task_hold(task, reason);
    } else
        log_write(tickets->world->log, LOG_WARNING, "consumer_error",
                  LOG_TEXT("code", rd_kafka_err2name(message->err)),
                  LOG_TEXT("text", rd_kafka_message_errstr(message)));
}

/* The end of the message's partition as far as it is known, -1: it is not. Asked for only when the end that
 * was known before is reached: the question costs as much as a small event. */
static int64_t
tickets_end_of(struct tickets *tickets, struct task *task, enum task_source source,
               const rd_kafka_message_t *message)
{
    int64_t low;

    if (message->offset + 1 >= task->ends[source] &&
        rd_kafka_get_watermark_offsets(tickets->consumer, rd_kafka_topic_name(message->rkt),
                                       message->partition, &low,
                                       &task->ends[source]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        task->ends[source] = -1;
    return task->ends[source];
}

/* true: the message must be given again next turn. */
static bool
tickets_on_message(struct tickets *tickets, const rd_kafka_message_t *message)
{
    bool is_relay = message->rkt != NULL &&
                    strcmp(rd_kafka_topic_name(message->rkt), tickets->world->topics.names[TOPIC_RELAY]) == 0;
    struct task *task = message->partition >= 0 && message->partition < tickets->tasks_count
                            ? tickets->tasks[message->partition]
                            : NULL;
    int64_t high;

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        tickets_on_event(tickets, task, is_relay ? TASK_RELAY : TASK_TICKETS, message);
        return false;
    }
    if (task == NULL || !task->fetching || (task->state != TASK_LIVE && task->state != TASK_CHECKING))
        return false;
    tickets->records_count++;
    high = tickets_end_of(tickets, task, is_relay ? TASK_RELAY : TASK_TICKETS, message);
    return is_relay ? ingest_relay(tickets->ingest, task, message, high)
                    : ingest_ticket(tickets->ingest, task, message, high);
}

/* Whether the open epoch may take no more. */
static bool
tickets_is_full(struct tickets *tickets)
{
    const struct config *config = tickets->world->config;
    size_t bytes = 0, records = tickets->records_count;

    for (int32_t p = 0; p < tickets->tasks_count; p++)
        if (tickets->tasks[p] != NULL) {
            bytes += batch_bytes(tickets->tasks[p]->batch);
            records += batch_count(tickets->tasks[p]->batch);
        }
    return records >= (size_t)config->epoch_records_max || bytes >= (size_t)config->epoch_bytes_max;
}

/* Full for a while: pause and poll on. Not full: go on. true: do not poll in this turn. */
static bool
tickets_hold_back(struct tickets *tickets)
{
    int64_t now_mono_ms = tickets->world->now_mono_ms;

    if (!tickets_is_full(tickets)) {
        if (tickets->full_since_mono_ms != 0)
            tickets_set_paused(tickets, false);
        tickets->full_since_mono_ms = 0;
        return false;
    }
    if (tickets->full_since_mono_ms == 0) {
        tickets->full_since_mono_ms = now_mono_ms;
        metrics_bound_hit(tickets->world->metrics, CONFIG_epoch_records_max);
    }
    if (now_mono_ms - tickets->full_since_mono_ms < TICKETS_PAUSE_AFTER_MS)
        return true;
    tickets_set_paused(tickets, true);
    return false;
}

/* It came into Kafka after this turn's reading of the clocks: the next turn knows its time. (A stamp that is
 * ahead of any clock here is taken as now.) */
static bool
tickets_is_ahead(const struct tickets *tickets, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(message, &type);

    return message->err == RD_KAFKA_RESP_ERR_NO_ERROR && at_ms > tickets->world->now_ms &&
           at_ms <= wallclock_wall_ms();
}

bool
tickets_ingest(struct tickets *tickets)
{
    int64_t records_max = tickets->world->config->turn_records_max;

    if (tickets_hold_back(tickets))
        return false;
    for (int64_t i = 0; i < records_max; i++) {
        rd_kafka_message_t *message = tickets->pending;
        bool is_new = message == NULL;

        if (is_new)
            message = rd_kafka_consumer_poll(tickets->consumer, 0);
        tickets->pending = NULL;
        if (message == NULL)
            return false;
        if ((is_new && tickets_is_ahead(tickets, message)) || tickets_on_message(tickets, message)) {
            tickets->pending = message;
            return true;
        }
        rd_kafka_message_destroy(message);
    }
    return true;
}

bool
tickets_tick(struct tickets *tickets)
{
    bool more = false;

    if (tickets_is_full(tickets)) /* a million alerts after an outage go out in many epochs */
        return false;
    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        struct task *task = tickets->tasks[p];

        if (task != NULL && (task->state == TASK_LIVE || task->state == TASK_CHECKING))
            more |= task_tick(task);
    }
    return more;
}

/* When the epoch is to be closed: INT64_MAX: nothing is to be said. */
static int64_t
tickets_close_at_mono_ms(const struct tickets *tickets)
{
    int64_t at_mono_ms = INT64_MAX;

    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        const struct task *task = tickets->tasks[p];
        int64_t due_mono_ms;

        if (task == NULL || task->state != TASK_LIVE || !task->dirty)
            continue;
        due_mono_ms = task->announces ? 0 : task->dirty_since_mono_ms + tickets->world->config->epoch_ms;
        if (due_mono_ms < at_mono_ms)
            at_mono_ms = due_mono_ms;
    }
    return at_mono_ms;
}

void
tickets_close_epoch(struct tickets *tickets)
{
    if (!tickets->producer_ready || tickets->in_flight || tickets->retry != NULL)
        return;
    if (tickets_close_at_mono_ms(tickets) <= tickets->world->now_mono_ms || tickets_is_full(tickets))
        tickets_close_all(tickets);
}

int64_t
tickets_wait_ms(const struct tickets *tickets)
{
    int64_t wait_ms = INT64_MAX, at_mono_ms = INT64_MAX;

    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        const struct task *task = tickets->tasks[p];
        int64_t next_ms;

        if (task == NULL || task->state != TASK_LIVE)
            continue;
        next_ms = task_next_ms(task);
        if (next_ms != INT64_MAX && next_ms - tickets->world->now_ms < wait_ms)
            wait_ms = next_ms - tickets->world->now_ms;
    }
    if (tickets->retry != NULL)
        at_mono_ms = tickets->retry_mono_ms;
    else if (!tickets->in_flight && tickets->producer_ready)
        at_mono_ms = tickets_close_at_mono_ms(tickets);
    if (at_mono_ms != INT64_MAX && at_mono_ms - tickets->world->now_mono_ms < wait_ms)
        wait_ms = at_mono_ms - tickets->world->now_mono_ms;
    return wait_ms > 0 ? wait_ms : 0;
}

/* ---- once a second ---- */

static void
tickets_measure_lag(struct tickets *tickets, const struct task *task)
{
    int64_t low, high;

    if (task->fetching &&
        rd_kafka_get_watermark_offsets(tickets->consumer, tickets->world->topics.names[TOPIC_TICKETS],
                                       task->partition, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0)
        metrics_set(tickets->world->metrics, METRIC_TASK_LAG, (size_t)task->partition,
                    task->at_end[TASK_TICKETS] || task->next_offsets[TASK_TICKETS] > high ? 0
                    : task->next_offsets[TASK_TICKETS] == MARKER_NO_OFFSET
                        ? high - low
                        : high - task->next_offsets[TASK_TICKETS]);
}

void
tickets_measure(struct tickets *tickets)
{
    struct metrics *metrics = tickets->world->metrics;
    int64_t tasks = 0, held = 0, loading = 0, bytes = 0;

    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        struct task *task = tickets->tasks[p];

        if (task == NULL)
            continue;
        tasks++;
        held += task->state == TASK_HELD;
        loading += task->state == TASK_LOADING;
        if (task->state == TASK_LIVE)
            task_publish_open(task);
        task_measure(task);
        tickets_measure_lag(tickets, task);
        bytes += (int64_t)task->counted.resident_bytes;
    }
    metrics_set(metrics, METRIC_TASKS, 0, tasks);
    metrics_set(metrics, METRIC_TASKS_HELD, 0, held);
    metrics_set(metrics, METRIC_TASKS_LOADING, 0, loading);
    metrics_set(metrics, METRIC_TICKET_BYTES, 0, bytes);
}

void
tickets_set_policies(struct tickets *tickets, const struct policy_set *set)
{
    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        struct task *task = tickets->tasks[p];

        if (task == NULL || task->engine == NULL)
            continue;
        engine_set_policies(task->engine, set, task->t_ms);
        if (task->state == TASK_LIVE || task->state == TASK_CHECKING)
            task_touch(task);
    }
}

/* ---- readiness ---- */

__attribute__((format(printf, 2, 3))) static void
tickets_say(struct buffer *out, const char *format, ...)
{
    char line[KAFKA_ERROR_BYTES + 64];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    buffer_append_text(out, line);
    buffer_append_byte(out, '\n');
}

void
tickets_reasons(const struct tickets *tickets, struct buffer *out)
{
    int32_t loading = 0;

    if (!tickets->producer_ready)
        tickets_say(out, "waiting for the brokers to take transactions (%s)", tickets->world->kafka.brokers);
    else if (!tickets->assigned_once)
        tickets_say(out, "waiting for the group to give out partitions");
    for (int32_t p = 0; p < tickets->tasks_count; p++) {
        const struct task *task = tickets->tasks[p];

        if (task != NULL && task->state == TASK_HELD)
            tickets_say(out, "task %d is held: %s", (int)p, task->held_reason);
        loading += task != NULL && task->state == TASK_LOADING;
    }
    if (loading > 0)
        tickets_say(out, "%d tasks are being restored", (int)loading);
}

const char *
tickets_fatal(const struct tickets *tickets)
{
    return tickets->fatal[0] != '\0' ? tickets->fatal : NULL;
}

/* ---- life ---- */

int
tickets_records_descriptor(const struct tickets *tickets)
{
    return tickets->records_descriptor;
}

int
tickets_done_descriptor(const struct tickets *tickets)
{
    return transaction_descriptor(tickets->transaction);
}

void
tickets_clear(struct tickets *tickets)
{
    uint64_t rung;

    while (read(tickets->records_descriptor, &rung, sizeof rung) > 0)
        ;
    transaction_clear(tickets->transaction);
}

static int
tickets_open_consumer(struct tickets *tickets)
{
    struct world *world = tickets->world;
    char error[KAFKA_ERROR_BYTES];

    tickets->settings[0] = (struct kafka_setting){"group.id", world->group};
    tickets->settings[1] = (struct kafka_setting){"group.instance.id", world->config->instance};
    tickets->description = (struct kafka_client){
        .kafka = &world->kafka,
        .name = "tickets",
        .settings = tickets->settings,
        .settings_count = world->kafka.embedded ? 1 : 2,
        .context = tickets,
        .rebalance = tickets_on_rebalance,
    };
    tickets->consumer = kafka_consumer_new(&tickets->description, error);
    if (tickets->consumer == NULL) {
        log_write(world->log, LOG_ERROR, "kafka_setting_refused", LOG_TEXT("text", error));
        return -1;
    }
    tickets->queue = rd_kafka_queue_get_consumer(tickets->consumer);
    kafka_queue_wake(tickets->queue, tickets->records_descriptor);
    kafka_warm_add(&tickets->warm, tickets->consumer, world->topics.names[TOPIC_TICKETS]);
    kafka_warm_add(&tickets->warm, tickets->consumer, world->topics.names[TOPIC_RELAY]);
    return 0;
}

struct tickets *
tickets_new(struct world *world, struct restore *restore)
{
    struct tickets *tickets = memory_allocate_zeroed(1, sizeof *tickets);
    struct transaction_options options = {
        .kafka = &world->kafka, .topics = &world->topics, .name = "tickets"};
    char *first = kafka_name(world->group, "-");

    tickets->world = world;
    tickets->restore = restore;
    tickets->tasks_count = world->partitions_count;
    tickets->tasks = memory_allocate_zeroed((size_t)world->partitions_count, sizeof(struct task *));
    tickets->ingest = ingest_new(world);
    tickets->transactional_id = kafka_name(first, world->config->instance);
    memory_free(first);
    tickets->records_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(tickets->records_descriptor >= 0);
    if (tickets_open_consumer(tickets) != 0) {
        tickets_free(tickets);
        return NULL;
    }
    options.transactional_id = tickets->transactional_id;
    tickets->transaction = transaction_new(&options);
    return tickets;
}

void
tickets_stop(struct tickets *tickets, int64_t timeout_ms)
{
    int64_t until_mono_ms = wallclock_mono_ms() + timeout_ms;

    tickets->stopping = true;
    if (tickets->producer_ready && tickets_settle(tickets, until_mono_ms) && tickets_close_all(tickets))
        tickets_settle(tickets, until_mono_ms);
    for (int32_t p = 0; p < tickets->tasks_count; p++)
        tickets_drop(tickets, p, "stopping");
    rd_kafka_consumer_close(tickets->consumer);
}

void
tickets_free(struct tickets *tickets)
{
    if (tickets == NULL)
        return;
    if (tickets->pending != NULL)
        rd_kafka_message_destroy(tickets->pending);
    transaction_free(tickets->transaction);
    transaction_job_free(tickets->retry);
    for (int32_t p = 0; p < tickets->tasks_count; p++)
        task_free(tickets->tasks[p]);
    if (tickets->queue != NULL) {
        rd_kafka_queue_io_event_enable(tickets->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(tickets->queue);
    }
    kafka_warm_done(&tickets->warm);
    if (tickets->consumer != NULL)
        rd_kafka_destroy(tickets->consumer);
    close(tickets->records_descriptor);
    ingest_free(tickets->ingest);
    memory_free(tickets->transactional_id);
    memory_free(tickets->tasks);
    memory_free(tickets);
}
