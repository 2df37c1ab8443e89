/*
 * The exactly-once protocol of the ticket role.
 *
 * What: the tasks of this process, the one transaction over all that have something to say, and what becomes
 * of a task when an epoch is committed, aborted or unknown, when the loader has news, when partitions come
 * and go.
 *
 * Why so: no line here calls Kafka, so the very code that runs in the daemon runs in a simulation that
 * crashes it at every step (tests/sim).
 *
 * Always true: at most one transaction is in flight, and a part of it counts only for the very assignment
 * (serial) it was made in; a task whose last epoch is unknown closes no other; a task is loaded anew whenever
 * what is in memory may not be what is in Kafka.
 *
 * Not here: librdkafka (tickets.c), what a task is (task.c), the steps of a transaction (course.c), whether
 * what was found is a task's state (restore_plan.c).
 */
#include "shell/protocol.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_book.h"
#include <stdio.h>

enum { PROTOCOL_RETRY_MS_MIN = 50, PROTOCOL_RETRY_MS_MAX = 2000 };

void
protocol_init(struct protocol *protocol, struct world *world, const struct protocol_port *port)
{
    *protocol = (struct protocol){.world = world, .port = *port, .tasks_count = world->partitions_count};
    protocol->tasks = memory_allocate_zeroed((size_t)protocol->tasks_count, sizeof(struct task *));
}

void
protocol_done(struct protocol *protocol)
{
    transaction_job_free(protocol->retry);
    for (int32_t p = 0; p < protocol->tasks_count; p++)
        task_free(protocol->tasks[p]);
    memory_free(protocol->tasks);
}

/* ---- tasks come and go ---- */

struct task *
protocol_task(const struct protocol *protocol, int32_t partition)
{
    return partition >= 0 && partition < protocol->tasks_count ? protocol->tasks[partition] : NULL;
}

static void
protocol_unfetch(struct protocol *protocol, struct task *task)
{
    if (!task->fetching)
        return;
    protocol->port.unfetch(protocol->port.context, task);
    task->fetching = task->paused = false;
}

static int64_t
protocol_tasks_held(const struct protocol *protocol)
{
    int64_t count = 0;

    for (int32_t p = 0; p < protocol->tasks_count; p++)
        count += protocol->tasks[p] != NULL && !protocol->tasks[p]->beyond;
    return count;
}

/* A place is free: one that was refused for want of it is taken up. */
static void
protocol_admit(struct protocol *protocol)
{
    for (int32_t p = 0; p < protocol->tasks_count; p++) {
        struct task *task = protocol->tasks[p];

        if (task == NULL || !task->beyond ||
            protocol_tasks_held(protocol) >= protocol->world->config->tasks_max)
            continue;
        task->beyond = false;
        task->state = TASK_LOADING;
        task->question = protocol->port.ask_task(protocol->port.context, p);
    }
}

void
protocol_assigned(struct protocol *protocol, int32_t partition)
{
    struct task *task;

    must(partition >= 0);
    if (partition >=
        protocol->tasks_count) /* the topic has grown: the marker's count will hold the others, too */
        return;
    must(protocol->tasks[partition] == NULL);
    task = protocol->tasks[partition] = task_new(protocol->world, partition);
    if (protocol_tasks_held(protocol) > protocol->world->config->tasks_max) {
        task->beyond = true;
        metrics_bound_hit(protocol->world->metrics, CONFIG_tasks_max);
        task_hold(task, "this process holds as many tasks as tasks_max allows: start another one");
        return;
    }
    task->question = protocol->port.ask_task(protocol->port.context, partition);
    log_write(protocol->world->log, LOG_INFO, "task_assigned", LOG_INTEGER("task", partition));
}

void
protocol_drop(struct protocol *protocol, int32_t partition, const char *why)
{
    struct task *task = protocol_task(protocol, partition);

    if (task == NULL)
        return;
    protocol_unfetch(protocol, task);
    protocol->port.forget(protocol->port.context, partition);
    metrics_forget_task(protocol->world->metrics, (size_t)partition);
    task_free(task);
    protocol->tasks[partition] = NULL;
    log_write(protocol->world->log, LOG_INFO, "task_dropped", LOG_INTEGER("task", partition),
              LOG_TEXT("why", why));
    protocol_admit(protocol);
}

/* What is in memory is not what is in Kafka: load it anew. */
static void
protocol_reload(struct protocol *protocol, struct task *task, const char *why)
{
    int32_t partition = task->partition;

    protocol_drop(protocol, partition, why);
    protocol_assigned(protocol, partition);
}

/* ---- transactions ---- */

/* The task a part was made for, when it is still the same assignment. */
static struct task *
protocol_part_task(struct protocol *protocol, const struct transaction_part *part)
{
    struct task *task = protocol->tasks[part->task];

    return task != NULL && task->serial == part->serial ? task : NULL;
}

/* The task was held while this part was out, and has begun again since: what it was loaded from may be older.
 */
static void
protocol_on_stale_part(struct protocol *protocol, const struct transaction_part *part)
{
    struct task *task = protocol->tasks[part->task];

    if (task != NULL && task->serial != part->serial && task->engine != NULL && task->epoch < part->epoch)
        protocol_reload(protocol, task, "an epoch from before it was held may have happened");
}

static void
protocol_submit(struct protocol *protocol, struct transaction_job *job)
{
    protocol->in_flight = true;
    protocol->port.submit(protocol->port.context, job);
}

/* Not before its first position is known: the offsets are what the group checks the generation of, so an
 * epoch without any could be committed by a process that has lost the task. */
static bool
protocol_may_close(const struct task *task)
{
    return task != NULL && task->state == TASK_LIVE && task->dirty &&
           task->next_offsets[TASK_TICKETS] != MARKER_NO_OFFSET;
}

/* INT64_MIN: at once. */
static int64_t
protocol_due_mono_ms(const struct protocol *protocol, const struct task *task)
{
    return task->announces ? INT64_MIN : task->dirty_since_mono_ms + protocol->world->config->epoch_ms;
}

/* The epochs of the tasks that are due by then, in one transaction. Each partition that is written to costs a
 * transaction a request, so a task with nothing to announce does not go along before its time. */
static bool
protocol_close(struct protocol *protocol, int64_t until_mono_ms)
{
    struct transaction_job *job = transaction_job_new((size_t)protocol->tasks_count);

    for (int32_t p = 0; p < protocol->tasks_count; p++) {
        struct task *task = protocol->tasks[p];

        if (protocol_may_close(task) && protocol_due_mono_ms(protocol, task) <= until_mono_ms)
            task_close(task, &job->parts[job->parts_count++]);
    }
    if (job->parts_count == 0) {
        transaction_job_free(job);
        return false;
    }
    protocol_submit(protocol, job);
    return true;
}

bool
protocol_close_all(struct protocol *protocol)
{
    return protocol_close(protocol, INT64_MAX);
}

static void
protocol_on_committed(struct protocol *protocol, struct transaction_job *job)
{
    struct metrics *metrics = protocol->world->metrics;

    for (size_t i = 0; i < job->parts_count; i++) {
        struct task *task = protocol_part_task(protocol, &job->parts[i]);

        if (task == NULL) {
            protocol_on_stale_part(protocol, &job->parts[i]);
            continue;
        }
        task_committed(task, job->parts[i].epoch);
        task_take_back(task, &job->parts[i].batch);
        if (job->parts[i].state_end > 0)
            task->state_end = job->parts[i].state_end;
    }
    protocol->retry_delay_ms = 0;
    metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_COMMITTED, 1);
    metrics_add(metrics, METRIC_TRANSACTION_RECORDS, METRIC_ROLE_TICKETS, job->records_count);
    metrics_observe(metrics, METRIC_TRANSACTION_TIME, METRIC_ROLE_TICKETS, job->took_us);
    transaction_job_free(job);
}

/* The same bytes again, but of tasks that are still ours. */
static void
protocol_on_aborted(struct protocol *protocol, struct transaction_job *job)
{
    metrics_add(protocol->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_ABORTED, 1);
    log_write(protocol->world->log, LOG_WARNING, "transaction_aborted", LOG_TEXT("role", "tickets"),
              LOG_TEXT("why", job->error));
    protocol->retry_delay_ms = protocol->retry_delay_ms == 0 ? PROTOCOL_RETRY_MS_MIN
                               : protocol->retry_delay_ms * 2 > PROTOCOL_RETRY_MS_MAX
                                   ? PROTOCOL_RETRY_MS_MAX
                                   : protocol->retry_delay_ms * 2;
    protocol->retry_mono_ms = protocol->world->now_mono_ms + protocol->retry_delay_ms;
    snprintf(protocol->retry_error, sizeof protocol->retry_error, "%s", job->error);
    protocol->retry = job;
}

const char *
protocol_stuck(const struct protocol *protocol)
{
    return protocol->retry_delay_ms >= PROTOCOL_RETRY_MS_MAX ? protocol->retry_error : NULL;
}

void
protocol_send_again(struct protocol *protocol)
{
    struct transaction_job *job = protocol->retry;
    size_t kept = 0;

    protocol->retry = NULL;
    for (size_t i = 0; i < job->parts_count; i++) {
        struct transaction_part part = job->parts[i];

        job->parts[i] = (struct transaction_part){0};
        if (protocol_part_task(protocol, &part) != NULL)
            job->parts[kept++] = part;
        else {
            batch_free(part.batch);
            if (part.offsets != NULL)
                rd_kafka_topic_partition_list_destroy(part.offsets);
        }
    }
    job->parts_count = kept;
    if (kept > 0)
        protocol_submit(protocol, job);
    else
        transaction_job_free(job);
}

/* Nobody knows what became of it: the markers will tell. */
static void
protocol_on_unknown(struct protocol *protocol, struct transaction_job *job)
{
    metrics_add(protocol->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_FATAL, 1);
    log_write(protocol->world->log, LOG_ERROR, "transaction_unknown", LOG_TEXT("role", "tickets"),
              LOG_TEXT("why", job->error));
    for (size_t i = 0; i < job->parts_count; i++) {
        struct task *task = protocol_part_task(protocol, &job->parts[i]);

        if (task == NULL)
            protocol_on_stale_part(protocol, &job->parts[i]);
        if (task == NULL || task->state == TASK_HELD)
            continue; /* a held one says nothing more; whoever loads it next finds out */
        must(task->epoch == job->parts[i].epoch);
        task->state = TASK_CHECKING;
        task->question = protocol->port.ask_marker(protocol->port.context, task->partition);
    }
    transaction_job_free(job);
}

void
protocol_on_done(struct protocol *protocol, struct transaction_job *job)
{
    if (job->result != TRANSACTION_READY)
        protocol->in_flight = false;
    switch (job->result) {
    case TRANSACTION_READY:
        protocol->producer_ready = true;
        transaction_job_free(job);
        break;
    case TRANSACTION_COMMITTED:
        protocol_on_committed(protocol, job);
        break;
    case TRANSACTION_ABORTED:
        protocol_on_aborted(protocol, job);
        break;
    case TRANSACTION_FATAL:
        protocol_on_unknown(protocol, job);
        break;
    case TRANSACTION_STOPPED:
        transaction_job_free(job);
        break;
    }
}

bool
protocol_is_parting(struct protocol *protocol, bool *closed)
{
    if (protocol_is_out(protocol))
        return true;
    if (*closed || !protocol->producer_ready)
        return false;
    *closed = true;
    return protocol_close_all(protocol);
}

bool
protocol_is_out(const struct protocol *protocol)
{
    return protocol->in_flight || protocol->retry != NULL;
}

/* ---- news of the loader ---- */

static void
protocol_on_marker(struct protocol *protocol, struct task *task, const struct restore_news *news)
{
    struct marker own = task_marker(task);

    if (news->has_marker && marker_is(&own, &news->marker)) {
        log_write(protocol->world->log, LOG_NOTICE, "epoch_was_committed",
                  LOG_INTEGER("task", task->partition), LOG_INTEGER("epoch", task->epoch));
        task->state = TASK_LIVE;
        task_committed(task, task->epoch);
        task->state_end = news->state_end;
    } else
        protocol_reload(protocol, task, "its last epoch did not happen");
}

/* In the order of enum metric_source. */
static const char *const protocol_source_texts[] = {"snapshot", "previous", "state", "nothing"};

/* Marker and offsets agree, so nothing mends itself: only a person's decision does. */
static void
protocol_ask_decision(struct protocol *protocol, struct task *task)
{
    if (protocol->port.ask_decision != NULL)
        task->question = protocol->port.ask_decision(protocol->port.context, task->partition);
}

/* The versions that were kept for us become known. false: one cannot be read, and the task is held; a person
 * who has decided about it goes on without that one. */
static bool
protocol_learn_policies(struct protocol *protocol, struct task *task, const struct restore_news *news)
{
    struct slice rest = buffer_slice(&news->policies), id, source;
    struct buffer error = {0};
    bool sound = true;

    while (protocol->world->book != NULL && restore_plan_take(&rest, &id, &source))
        sound &= policy_book_learn(protocol->world->book, id, source, &error) == 0;
    if (!sound) {
        buffer_append_byte(&error, '\0');
        if (news->decided)
            log_write(protocol->world->log, LOG_WARNING, "policy_unreadable",
                      LOG_INTEGER("task", task->partition), LOG_TEXT("why", error.at));
        else {
            task_hold(task, error.at);
            protocol_ask_decision(protocol, task);
        }
    }
    buffer_free(&error);
    return sound || news->decided;
}

static void
protocol_on_begun(struct protocol *protocol, struct task *task, const struct restore_news *news)
{
    const struct world *world = protocol->world;

    if (!protocol_learn_policies(protocol, task, news))
        return;
    if (task->state == TASK_HELD) /* what it said before is not its word any more */
        task->serial = ++protocol->world->tasks_made;
    task->state = TASK_LOADING;
    task_begin(task, news->has_marker, &news->marker);
    if (news->decided)
        task_begin_decided(task, &news->marker);
    task->restored_from = !news->has_marker ? METRIC_SOURCE_NOTHING
                          : news->used == 0 ? METRIC_SOURCE_SNAPSHOT
                          : news->used == 1 ? METRIC_SOURCE_PREVIOUS
                                            : METRIC_SOURCE_STATE;
    if (news->snapshot_unusable)
        metrics_add(world->metrics, METRIC_SNAPSHOT_UNUSABLE, 0, 1);
    task->snapshot_bytes = news->snapshot_bytes;
    if (world->config->snapshot == CONFIG_SNAPSHOT_REDIS && !world->kafka.embedded)
        task_begin_snapshots(task, buffer_slice(&news->head), buffer_slice(&news->before), news->used);
}

static void
protocol_on_loaded(struct protocol *protocol, struct task *task)
{
    int64_t took_ms = protocol->world->now_mono_ms - task->assigned_mono_ms;

    task_loaded(task);
    protocol->port.fetch(protocol->port.context, task);
    task->fetching = true;
    metrics_add(protocol->world->metrics, METRIC_RESTORES, 0, 1);
    metrics_add(protocol->world->metrics, METRIC_RESTORED_FROM, (size_t)task->restored_from, 1);
    metrics_add(protocol->world->metrics, METRIC_RESTORE_RECORDS, (size_t)task->restored_from,
                task->restored_records);
    metrics_observe(protocol->world->metrics, METRIC_RESTORE_TIME, 0, took_ms);
    log_write(protocol->world->log, LOG_INFO, "task_live", LOG_INTEGER("task", task->partition),
              LOG_INTEGER("tickets", engine_tickets_count(task->engine)), LOG_INTEGER("epoch", task->epoch),
              LOG_INTEGER("offset", task->next_offsets[TASK_TICKETS]),
              LOG_TEXT("from", protocol_source_texts[task->restored_from]),
              LOG_INTEGER("records", task->restored_records), LOG_INTEGER("took_ms", took_ms));
}

/* Half a state would forget promises and repeat alerts. */
static void
protocol_hold_unreadable(struct protocol *protocol, struct task *task, size_t count)
{
    char reason[128];

    snprintf(reason, sizeof reason, "%zu records of its state cannot be read by this version", count);
    task_hold(task, reason);
    protocol_ask_decision(protocol, task);
}

void
protocol_on_news(struct protocol *protocol, const struct restore_news *news)
{
    struct task *task = protocol_task(protocol, news->partition);
    size_t bad;

    if (task == NULL || task->question != news->question)
        return; /* it is for a task that has gone since */
    switch (news->kind) {
    case RESTORE_BEGUN:
        protocol_on_begun(protocol, task, news);
        break;
    case RESTORE_CHUNK:
        bad = task->state != TASK_LOADING ? 0
              : news->behind_snapshot     ? task_load_behind(task, buffer_slice(&news->bytes))
                                          : task_load(task, buffer_slice(&news->bytes));
        if (bad > 0)
            protocol_hold_unreadable(protocol, task, bad);
        break;
    case RESTORE_DONE:
        if (task->state == TASK_LOADING) {
            protocol_on_loaded(protocol, task);
            task->state_end = news->state_end;
        }
        break;
    case RESTORE_HELD:
        task_hold(task, news->error);
        break;
    case RESTORE_MARKER:
        protocol_on_marker(protocol, task, news);
        break;
    case RESTORE_TOPICS:
    case RESTORE_OFFSETS:
    case RESTORE_FOUND:
    case RESTORE_POLICIES:
        break;
    }
}

void
protocol_on_offset_lost(struct protocol *protocol, struct task *task, enum task_source source,
                        const char *topic)
{
    char reason[KAFKA_ERROR_BYTES];

    snprintf(reason, sizeof reason,
             "%s[%d] does not have offset %lld any more: records were lost, or the topic was made anew",
             topic, (int)task->partition, (long long)task->next_offsets[source]);
    protocol_unfetch(protocol, task);
    task_hold(task, reason);
    protocol_ask_decision(protocol, task);
}

bool
protocol_takes_records(const struct task *task)
{
    return task != NULL && task->fetching && (task->state == TASK_LIVE || task->state == TASK_CHECKING);
}

/* ---- time ---- */

bool
protocol_is_full(const struct protocol *protocol)
{
    const struct config *config = protocol->world->config;
    size_t bytes = 0, records = 0;

    for (int32_t p = 0; p < protocol->tasks_count; p++)
        if (protocol->tasks[p] != NULL) {
            bytes += batch_bytes(protocol->tasks[p]->batch);
            records += protocol->tasks[p]->taken_count + batch_count(protocol->tasks[p]->batch);
        }
    return records >= (size_t)config->epoch_records_max || bytes >= (size_t)config->epoch_bytes_max;
}

/* Stopped and continued, the machine was suspended, or the epoch was full and nothing was read. */
static void
protocol_notice_gap(struct protocol *protocol)
{
    int64_t now_mono_ms = protocol->world->now_mono_ms, before_mono_ms = protocol->ticked_mono_ms;

    protocol->ticked_mono_ms = now_mono_ms;
    if (!source_stood_still(before_mono_ms, now_mono_ms))
        return;
    log_write(protocol->world->log, LOG_WARNING, "stood_still",
              LOG_INTEGER("for_ms", now_mono_ms - before_mono_ms));
    for (int32_t p = 0; p < protocol->tasks_count; p++)
        if (protocol->tasks[p] != NULL)
            task_stood_still(protocol->tasks[p]);
}

/* Nothing was read while the epoch was full: who was at the end may not be there any more. */
static void
protocol_look_at_ends(struct protocol *protocol)
{
    protocol->was_full = false;
    for (int32_t p = 0; p < protocol->tasks_count; p++) {
        struct task *task = protocol->tasks[p];

        for (int s = 0; task != NULL && task->fetching && s < TASK_SOURCES_COUNT; s++)
            if (protocol->port.end(protocol->port.context, task, (enum task_source)s) > task->next_offsets[s])
                task_doubt_end(task, (enum task_source)s);
    }
}

/* What a restart put off, when nothing else is to be done. true: there is more. */
static bool
protocol_warm(struct protocol *protocol)
{
    struct task *cold = NULL;

    for (int32_t p = 0; p < protocol->tasks_count; p++) {
        struct task *task = protocol->tasks[p];

        if (task != NULL && task->state == TASK_LOADING)
            return false;
        if (task != NULL && task_is_cold(task))
            cold = task;
    }
    if (cold != NULL)
        task_warm(cold);
    return cold != NULL;
}

/* Every task in its turn, as long as the epoch has room: the next tick goes on behind the last that had it.
 * true: there is more due. */
static bool
protocol_tick_tasks(struct protocol *protocol)
{
    int32_t first = protocol->tick_next;
    bool more = false;

    for (int32_t n = 0; n < protocol->tasks_count; n++) {
        int32_t p = (first + n) % protocol->tasks_count;
        struct task *task = protocol->tasks[p];
        size_t said_count = task != NULL ? batch_count(task->batch) : 0;

        if (task == NULL || (task->state != TASK_LIVE && task->state != TASK_CHECKING))
            continue;
        more |= task_tick(task);
        if (batch_count(task->batch) > said_count && protocol_is_full(protocol)) {
            protocol->tick_next = (p + 1) % protocol->tasks_count;
            return true;
        }
    }
    return more;
}

bool
protocol_tick(struct protocol *protocol)
{

    if (protocol_is_full(protocol)) { /* a million alerts after an outage go out in many epochs */
        protocol->was_full = true;
        return false;
    }
    if (protocol->was_full)
        protocol_look_at_ends(protocol);
    protocol_notice_gap(protocol);
    return protocol_tick_tasks(protocol) || protocol_warm(protocol);
}

/* When the epoch is to be closed: INT64_MAX: nothing is to be said. */
static int64_t
protocol_close_at_mono_ms(const struct protocol *protocol)
{
    int64_t at_mono_ms = INT64_MAX;

    for (int32_t p = 0; p < protocol->tasks_count; p++) {
        const struct task *task = protocol->tasks[p];

        if (protocol_may_close(task) && protocol_due_mono_ms(protocol, task) < at_mono_ms)
            at_mono_ms = protocol_due_mono_ms(protocol, task);
    }
    return at_mono_ms;
}

void
protocol_turn(struct protocol *protocol)
{
    int64_t now_mono_ms = protocol->world->now_mono_ms;

    if (protocol->retry != NULL && !protocol->in_flight && now_mono_ms >= protocol->retry_mono_ms)
        protocol_send_again(protocol);
    if (!protocol->producer_ready || protocol_is_out(protocol))
        return;
    if (protocol_is_full(protocol))
        protocol_close_all(protocol);
    else if (protocol_close_at_mono_ms(protocol) <= now_mono_ms)
        protocol_close(protocol, now_mono_ms);
}

int64_t
protocol_wait_ms(const struct protocol *protocol)
{
    int64_t wait_ms = INT64_MAX, at_mono_ms = INT64_MAX;
    bool full = protocol_is_full(protocol); /* then no timer fires before a transaction has ended */

    for (int32_t p = 0; !full && p < protocol->tasks_count; p++) {
        const struct task *task = protocol->tasks[p];
        int64_t next_ms;

        if (task == NULL || task->state != TASK_LIVE)
            continue;
        next_ms = task_next_ms(task);
        if (next_ms != INT64_MAX && next_ms - protocol->world->now_ms < wait_ms)
            wait_ms = next_ms - protocol->world->now_ms;
    }
    if (protocol->retry != NULL)
        at_mono_ms = protocol->retry_mono_ms;
    else if (!protocol->in_flight && protocol->producer_ready)
        at_mono_ms = protocol_close_at_mono_ms(protocol);
    if (at_mono_ms <= protocol->world->now_mono_ms)
        return 0;
    if (at_mono_ms != INT64_MAX && at_mono_ms - protocol->world->now_mono_ms < wait_ms)
        wait_ms = at_mono_ms - protocol->world->now_mono_ms;
    return wait_ms > 0 ? wait_ms : 0;
}
