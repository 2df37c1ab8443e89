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
 * Always true: the consumer is polled in every turn unless the open epoch is full, and when that lasts the
 * partitions are paused and it is polled again.
 *
 * Not here: what becomes of tasks and epochs (protocol.c), what a record means (ingest.c), what a task is
 * (task.c), how a transaction runs (transaction.c).
 */
#include "shell/tickets.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/ingest.h"
#include "shell/member.h"
#include "shell/policy_book.h"
#include "shell/protocol.h"
#include "shell/wallclock.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    TICKETS_PAUSE_AFTER_MS = 1000, /* the epoch was full for this long */
    TICKETS_ROOM_SHARE = 100,      /* a hundredth below tickets_max reading begins again */
    TICKETS_SEND_AGAIN_MS = 50,    /* while stopping or giving partitions back */
    TICKETS_QUERY_MS = 20,         /* of the broker in the process */
    TICKETS_REVOKE_MS_MAX = 5000   /* the last commit before partitions are given back */
};

struct tickets {
    struct world *world;
    struct restore *restore;
    struct ingest *ingest;
    struct member member;
    rd_kafka_message_t *pending; /* its turn is the next one */

    struct protocol protocol;

    bool stopping;
    bool crowded;               /* tickets_max tickets are held */
    int64_t dropped_count;      /* records that the broker in the process dropped unread */
    int64_t full_since_mono_ms; /* 0: the epoch is not full */
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
tickets_fetch(void *context, struct task *task)
{
    struct tickets *tickets = context;

    member_assign(&tickets->member, true, tickets_list(tickets, task));
}

static void
tickets_unfetch(void *context, struct task *task)
{
    struct tickets *tickets = context;

    member_assign(&tickets->member, false, tickets_list(tickets, task));
}

/* Pauses or resumes what is fetched and is not so already. */
static void
tickets_set_paused(struct tickets *tickets, bool paused)
{
    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++) {
        struct task *task = tickets->protocol.tasks[p];
        rd_kafka_topic_partition_list_t *list;

        if (task == NULL || !task->fetching || task->paused == paused)
            continue;
        list = tickets_list(tickets, task);
        if (paused)
            rd_kafka_pause_partitions(tickets->member.consumer, list);
        else
            rd_kafka_resume_partitions(tickets->member.consumer, list);
        rd_kafka_topic_partition_list_destroy(list);
        task->paused = paused;
    }
}

/* ---- what the protocol asks for ---- */

static uint64_t
tickets_ask(const struct tickets *tickets, int32_t partition,
            uint64_t (*ask)(struct restore *restore, int32_t partition, int32_t partitions_count,
                            struct slice known))
{
    struct buffer known = {0};
    uint64_t number;

    policy_book_known(tickets->world->book, &known);
    number = ask(tickets->restore, partition, tickets->world->partitions_count, buffer_slice(&known));
    buffer_free(&known);
    return number;
}

static uint64_t
tickets_ask_task(void *context, int32_t partition)
{
    return tickets_ask(context, partition, restore_ask_task);
}

static uint64_t
tickets_ask_decision(void *context, int32_t partition)
{
    return tickets_ask(context, partition, restore_ask_decision);
}

static uint64_t
tickets_ask_marker(void *context, int32_t partition)
{
    struct tickets *tickets = context;

    return restore_ask_marker(tickets->restore, partition);
}

static int64_t
tickets_end(void *context, const struct task *task, enum task_source source)
{
    struct tickets *tickets = context;
    enum topic topic = source == TASK_RELAY ? TOPIC_RELAY : TOPIC_TICKETS;
    int64_t low, high;

    return rd_kafka_get_watermark_offsets(tickets->member.consumer, tickets->world->topics.names[topic],
                                          task->partition, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR
               ? high
               : -1;
}

static void
tickets_forget(void *context, int32_t partition)
{
    struct tickets *tickets = context;

    restore_forget_task(tickets->restore, partition);
    if (tickets->pending == NULL || tickets->pending->partition != partition)
        return;
    rd_kafka_message_destroy(tickets->pending);
    tickets->pending = NULL;
}

static void
tickets_submit(void *context, struct transaction_job *job)
{
    struct tickets *tickets = context;

    member_submit(&tickets->member, job);
}

/* The last commit before partitions are given back, up to an instant. */
static void
tickets_part(struct tickets *tickets, int64_t until_mono_ms)
{
    struct protocol *protocol = &tickets->protocol;
    bool closed = false;

    while (protocol_is_parting(protocol, &closed)) {
        int64_t left_ms = until_mono_ms - wallclock_mono_ms();
        struct transaction_job *job;

        if (left_ms <= 0)
            return;
        if (!protocol->in_flight) {
            usleep(TICKETS_SEND_AGAIN_MS * 1000);
            protocol_send_again(protocol);
            continue;
        }
        job = transaction_take_wait(tickets->member.transaction, left_ms);
        if (job != NULL)
            protocol_on_done(protocol, job);
    }
}

/* ---- the group ---- */

/* Keys go to other partitions from now on, and what is there for the old ones is not what markers say: a new
 * start holds the tasks, with the reason. */
static void
tickets_on_grown(struct tickets *tickets)
{
    struct member *member = &tickets->member;

    if (member->fatal[0] == '\0')
        snprintf(member->fatal, sizeof member->fatal,
                 "partitions were added to %s: it had %d when this process started",
                 tickets->world->topics.names[TOPIC_TICKETS], (int)tickets->protocol.tasks_count);
}

static void
tickets_on_assigned(struct tickets *tickets, rd_kafka_topic_partition_list_t *partitions)
{
    /* Fetching begins when the task is loaded; until then the group is told that it was heard. */
    member_assign(&tickets->member, true, rd_kafka_topic_partition_list_new(0));
    for (int i = 0; i < partitions->cnt; i++) {
        if (partitions->elems[i].partition >= tickets->protocol.tasks_count)
            tickets_on_grown(tickets);
        protocol_assigned(&tickets->protocol, partitions->elems[i].partition);
    }
    tickets->member.assigned_once = true;
}

static void
tickets_on_revoked(struct tickets *tickets, rd_kafka_topic_partition_list_t *partitions)
{
    bool lost = rd_kafka_assignment_lost(tickets->member.consumer) != 0;
    int64_t until_mono_ms = wallclock_mono_ms() + TICKETS_REVOKE_MS_MAX;

    if (!lost)
        tickets_part(tickets, until_mono_ms);
    for (int i = 0; i < partitions->cnt; i++)
        protocol_drop(&tickets->protocol, partitions->elems[i].partition, lost ? "lost" : "revoked");
    member_assign(&tickets->member, false, rd_kafka_topic_partition_list_new(0));
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

/* The mock's group would wait three seconds. */
static void
tickets_give_all(struct tickets *tickets)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(1);

    tickets->member.joined = true;
    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++)
        rd_kafka_topic_partition_list_add(all, tickets->world->topics.names[TOPIC_TICKETS], p);
    tickets_on_assigned(tickets, all);
    rd_kafka_topic_partition_list_destroy(all);
}

/* ---- phases ---- */

void
tickets_take_done(struct tickets *tickets)
{
    struct transaction_job *job;

    while ((job = transaction_take(tickets->member.transaction)) != NULL)
        protocol_on_done(&tickets->protocol, job);
    /* The producer is there, its leftovers are settled: now partitions may come. */
    if (!tickets->protocol.producer_ready || tickets->member.joined || tickets->stopping)
        return;
    if (tickets->world->kafka.embedded)
        tickets_give_all(tickets);
    else
        member_join(&tickets->member);
}

bool
tickets_take_news(struct tickets *tickets, struct restore_news *news)
{
    if (news->kind == RESTORE_TOPICS || news->kind == RESTORE_OFFSETS)
        return false;
    protocol_on_news(&tickets->protocol, news);
    restore_news_free(news);
    return true;
}

/* What is not a record. */
static void
tickets_on_event(struct tickets *tickets, struct task *task, enum task_source source,
                 const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (task != NULL && task->engine != NULL && task->fetching)
            task_reach_end(task, source, message->offset);
    } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && task != NULL)
        protocol_on_offset_lost(&tickets->protocol, task, source, rd_kafka_topic_name(message->rkt));
    else
        member_on_error(&tickets->member, message);
}

/* The end of the message's partition as far as it is known, -1: it is not. Asked for only when the end that
 * was known before is reached: the question costs as much as a small event. */
static int64_t
tickets_end_of(struct tickets *tickets, struct task *task, enum task_source source,
               const rd_kafka_message_t *message)
{
    int64_t low;

    if (message->offset + 1 >= task->ends[source] &&
        rd_kafka_get_watermark_offsets(tickets->member.consumer, rd_kafka_topic_name(message->rkt),
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
    struct task *task = protocol_task(&tickets->protocol, message->partition);
    struct ingest_record record;
    int64_t high;

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        tickets_on_event(tickets, task, is_relay ? TASK_RELAY : TASK_TICKETS, message);
        return false;
    }
    if (!protocol_takes_records(task))
        return false;
    task->taken_count++;
    high = tickets_end_of(tickets, task, is_relay ? TASK_RELAY : TASK_TICKETS, message);
    record = ingest_record_of(tickets->ingest, message);
    return is_relay ? ingest_relay(tickets->ingest, task, &record, high)
                    : ingest_ticket(tickets->ingest, task, &record, high);
}

/* As many tickets as the process may hold: no more are read until some have retired, or another process has
 * come. Timers of a task that has records waiting stand still with it. */
static bool
tickets_is_crowded(struct tickets *tickets)
{
    const struct world *world = tickets->world;
    int64_t count = 0, room_max = world->config->tickets_max;

    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++)
        if (tickets->protocol.tasks[p] != NULL && tickets->protocol.tasks[p]->engine != NULL)
            count += (int64_t)engine_tickets_count(tickets->protocol.tasks[p]->engine);
    if (count >= room_max && !tickets->crowded) {
        tickets->crowded = true;
        metrics_bound_hit(world->metrics, CONFIG_tickets_max);
        log_write(world->log, LOG_ERROR, "tickets_max_reached", LOG_INTEGER("tickets", count),
                  LOG_INTEGER("tickets_max", room_max),
                  LOG_TEXT("hint", "raise tickets_max, or start another process: partitions are paused"));
    } else if (tickets->crowded && count < room_max - room_max / TICKETS_ROOM_SHARE) {
        tickets->crowded = false;
        log_write(world->log, LOG_NOTICE, "tickets_max_left", LOG_INTEGER("tickets", count));
        tickets_set_paused(tickets, false);
    }
    if (tickets->crowded)
        tickets_set_paused(tickets, true);
    return tickets->crowded;
}

/* Full for a while: pause and poll on. Not full: go on. true: do not poll in this turn. */
static bool
tickets_hold_back(struct tickets *tickets)
{
    int64_t now_mono_ms = tickets->world->now_mono_ms;

    if (!protocol_is_full(&tickets->protocol)) {
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

    if (!tickets_is_crowded(tickets) && tickets_hold_back(tickets))
        return false;
    for (int64_t i = 0; i < records_max; i++) {
        rd_kafka_message_t *message = tickets->pending;
        bool is_new = message == NULL;

        if (is_new)
            message = rd_kafka_consumer_poll(tickets->member.consumer, 0);
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
    return protocol_tick(&tickets->protocol);
}

void
tickets_close_epoch(struct tickets *tickets)
{
    protocol_turn(&tickets->protocol);
}

int64_t
tickets_wait_ms(const struct tickets *tickets)
{
    return protocol_wait_ms(&tickets->protocol);
}

bool
tickets_snapshot(struct tickets *tickets, struct snapshot *snapshot)
{
    return snapshot_turn(snapshot, tickets->protocol.tasks, tickets->protocol.tasks_count);
}

int64_t
tickets_snapshot_wait_ms(const struct tickets *tickets, const struct snapshot *snapshot)
{
    return snapshot_wait_ms(snapshot, tickets->protocol.tasks, tickets->protocol.tasks_count);
}

/* ---- once a second ---- */

/* The broker in the process keeps 5 MiB a partition, and drops the oldest without a word. librdkafka hears of
 * it only when it asks; the answer comes from this very process. */
static void
tickets_watch_embedded(struct tickets *tickets, const struct task *task)
{
    int64_t next =
        task->next_offsets[TASK_TICKETS] != MARKER_NO_OFFSET ? task->next_offsets[TASK_TICKETS] : 0;
    int64_t low, high;

    if (!tickets->world->kafka.embedded ||
        rd_kafka_query_watermark_offsets(tickets->member.consumer,
                                         tickets->world->topics.names[TOPIC_TICKETS], task->partition, &low,
                                         &high, TICKETS_QUERY_MS) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        low <= next || low - next <= tickets->dropped_count)
        return;
    tickets->dropped_count = low - next;
    log_write(tickets->world->log, LOG_ERROR, "embedded_broker_full", LOG_INTEGER("task", task->partition),
              LOG_INTEGER("records_lost", low - next));
}

static void
tickets_measure_lag(struct tickets *tickets, const struct task *task)
{
    int64_t low, high;

    if (task->fetching &&
        rd_kafka_get_watermark_offsets(tickets->member.consumer, tickets->world->topics.names[TOPIC_TICKETS],
                                       task->partition, &low, &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        high >= 0) {
        metrics_set(tickets->world->metrics, METRIC_TASK_LAG, (size_t)task->partition,
                    task->sources[TASK_TICKETS].at_end || task->next_offsets[TASK_TICKETS] > high ? 0
                    : task->next_offsets[TASK_TICKETS] == MARKER_NO_OFFSET
                        ? high - low
                        : high - task->next_offsets[TASK_TICKETS]);
    }
}

void
tickets_measure(struct tickets *tickets)
{
    struct metrics *metrics = tickets->world->metrics;
    int64_t tasks = 0, held = 0, loading = 0, bytes = 0, hot = 0;

    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++) {
        struct task *task = tickets->protocol.tasks[p];

        if (task == NULL)
            continue;
        tasks++;
        held += task->state == TASK_HELD;
        loading += task->state == TASK_LOADING;
        if (task->state == TASK_LIVE)
            task_publish_open(task);
        task_measure(task);
        tickets_measure_lag(tickets, task);
        if (task->fetching)
            tickets_watch_embedded(tickets, task);
        if (task->snapshot != NULL)
            metrics_set(metrics, METRIC_SNAPSHOT_AGE, (size_t)p,
                        snapshot_task_age_ms(task->snapshot, tickets->world->now_mono_ms));
        bytes += (int64_t)task->counted.resident_bytes;
        hot += (int64_t)task->counted.tickets_hot;
    }
    metrics_set(metrics, METRIC_TASKS, 0, tasks);
    metrics_set(metrics, METRIC_TASKS_HELD, 0, held);
    metrics_set(metrics, METRIC_TASKS_LOADING, 0, loading);
    metrics_set(metrics, METRIC_TICKET_BYTES, 0, bytes);
    metrics_set(metrics, METRIC_TICKETS_HOT, 0, hot);
}

bool
tickets_refuse_policies(const struct tickets *tickets, struct buffer *refusals)
{
    struct buffer ids = {0};
    bool refused = false;

    for (int32_t p = 0; p < tickets->protocol.tasks_count && !refused; p++) {
        const struct task *task = tickets->protocol.tasks[p];

        buffer_reset(&ids);
        refused = task != NULL &&
                  !policy_book_join(tickets->world->book, buffer_slice(&task->policies), &ids, refusals);
    }
    buffer_free(&ids);
    return refused;
}

void
tickets_take_policies(struct tickets *tickets)
{
    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++)
        if (tickets->protocol.tasks[p] != NULL)
            task_take_policies(tickets->protocol.tasks[p]);
}

void
tickets_take_foresight(struct tickets *tickets)
{
    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++)
        if (tickets->protocol.tasks[p] != NULL)
            task_take_foresight(tickets->protocol.tasks[p]);
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

/* The versions of all tasks, each once: in the order in which the tasks have them, not in order of ids. */
void
tickets_policy_differences(const struct tickets *tickets, struct buffer *out)
{
    struct buffer said = {0};

    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++) {
        const struct task *task = tickets->protocol.tasks[p];

        for (size_t i = 0; task != NULL && i < policy_ids_count(buffer_slice(&task->policies)); i++) {
            struct slice id = policy_ids_get(buffer_slice(&task->policies), i);

            if (!policy_ids_has(buffer_slice(&said), id))
                policy_book_differences(tickets->world->book, id, out);
            policy_ids_add(&said, id);
        }
    }
    buffer_free(&said);
}

void
tickets_reasons(const struct tickets *tickets, struct buffer *out)
{
    int32_t loading = 0;

    if (!tickets->protocol.producer_ready)
        tickets_say(out, "waiting for the brokers to take transactions (%s)", tickets->world->kafka.brokers);
    else if (!tickets->member.assigned_once)
        tickets_say(out, "waiting for the group to give out partitions");
    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++) {
        const struct task *task = tickets->protocol.tasks[p];

        if (task != NULL && task->state == TASK_HELD)
            tickets_say(out, "task %d is held: %s", (int)p, task->held_reason);
        loading += task != NULL && task->state == TASK_LOADING;
    }
    tickets_policy_differences(tickets, out);
    if (loading > 0)
        tickets_say(out, "%d tasks are being restored", (int)loading);
    if (protocol_stuck(&tickets->protocol) != NULL)
        tickets_say(out, "nothing can be committed, no alert goes out: %s",
                    protocol_stuck(&tickets->protocol));
    if (tickets->crowded)
        tickets_say(out, "tickets_max (%lld) is reached: nothing more is read",
                    (long long)tickets->world->config->tickets_max);
    if (tickets->dropped_count > 0)
        tickets_say(
            out,
            "the broker in the process is full: it has dropped %lld records of tickets that were not read",
            (long long)tickets->dropped_count);
}

struct task *
tickets_task(const struct tickets *tickets, int32_t partition)
{
    return protocol_task(&tickets->protocol, partition);
}

const char *
tickets_fatal(const struct tickets *tickets)
{
    return member_fatal(&tickets->member);
}

/* ---- life ---- */

int
tickets_records_descriptor(const struct tickets *tickets)
{
    return tickets->member.descriptor;
}

int
tickets_done_descriptor(const struct tickets *tickets)
{
    return transaction_descriptor(tickets->member.transaction);
}

void
tickets_clear(struct tickets *tickets)
{
    member_clear(&tickets->member);
}

struct tickets *
tickets_new(struct world *world, struct restore *restore)
{
    struct tickets *tickets = memory_allocate_zeroed(1, sizeof *tickets);
    const struct member_options member = {
        .name = "tickets",
        .group = world->group,
        .read = {TOPIC_TICKETS, TOPIC_RELAY},
        .context = tickets,
        .rebalance = tickets_on_rebalance,
    };
    struct protocol_port port = {
        .context = tickets,
        .fetch = tickets_fetch,
        .unfetch = tickets_unfetch,
        .ask_task = tickets_ask_task,
        .ask_marker = tickets_ask_marker,
        .submit = tickets_submit,
        .end = tickets_end,
        .forget = tickets_forget,
        .ask_decision = tickets_ask_decision,
    };

    tickets->world = world;
    tickets->restore = restore;
    protocol_init(&tickets->protocol, world, &port);
    tickets->ingest = ingest_new(world);
    if (member_open(&tickets->member, world, &member) != 0) {
        tickets_free(tickets);
        return NULL;
    }
    return tickets;
}

void
tickets_stop(struct tickets *tickets, int64_t timeout_ms)
{
    int64_t until_mono_ms = wallclock_mono_ms() + timeout_ms;

    tickets->stopping = true;
    member_settle(&tickets->member);
    tickets_part(tickets, until_mono_ms);
    for (int32_t p = 0; p < tickets->protocol.tasks_count; p++)
        protocol_drop(&tickets->protocol, p, "stopping");
    member_leave(&tickets->member);
}

void
tickets_free(struct tickets *tickets)
{
    if (tickets == NULL)
        return;
    if (tickets->pending != NULL)
        rd_kafka_message_destroy(tickets->pending);
    member_done(&tickets->member);
    protocol_done(&tickets->protocol);
    ingest_free(tickets->ingest);
    memory_free(tickets);
}
