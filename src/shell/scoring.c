/*
 * The score role on librdkafka.
 *
 * What: one consumer in a group of its own, the transaction thread, and the score task between them.
 *
 * Why so: what is decided is in score_task.c, which knows no broker; here are the calls.
 *
 * Always true: before slad.outcomes[0] is given back the last epoch has ended, or patience has.
 *
 * Not here: the fold, the position and the epochs (score_task.c), what a score is (core/scores), how a
 * transaction runs (transaction.c).
 */
#include "shell/learning.h"
#include "shell/scoring.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/ingest.h"
#include "shell/score_task.h"
#include "shell/transaction.h"
#include "shell/wallclock.h"
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SCORING_REVOKE_MS_MAX = 5000, SCORING_AGAIN_MS = 100, SCORING_TURN_US = 3000 };

struct scoring {
    struct world *world;
    struct restore *restore;
    struct ingest *ingest;
    struct transaction *transaction;
    char *group, *transactional_id;

    struct kafka_client description;
    struct kafka_setting settings[2];
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    struct kafka_warm warm;
    int records_descriptor;

    struct score_task task;
    struct score_loader *loader;
    bool joined, assigned_once, stopping;
    char fatal[KAFKA_ERROR_BYTES];
};

/* ---- the assignment ---- */

static rd_kafka_topic_partition_list_t *
scoring_outcomes_list(const struct scoring *scoring, int64_t from_offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, scoring->world->topics.names[TOPIC_OUTCOMES], 0)->offset =
        from_offset > 0 ? from_offset : RD_KAFKA_OFFSET_BEGINNING;
    return list;
}

static rd_kafka_topic_partition_list_t *
scoring_feedback_list(const struct scoring *scoring)
{
    const struct score_task *task = &scoring->task;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(task->feedback_count);

    for (int32_t p = 0; p < task->feedback_count; p++)
        rd_kafka_topic_partition_list_add(list, scoring->world->topics.names[TOPIC_FEEDBACK], p)->offset =
            task->feedback_offsets[p] == MARKER_NO_OFFSET ? RD_KAFKA_OFFSET_BEGINNING
                                                          : task->feedback_offsets[p];
    return list;
}

/* Takes both. */
static void
scoring_assign(struct scoring *scoring, bool add, rd_kafka_topic_partition_list_t *list)
{
    char text[KAFKA_ERROR_BYTES];
    rd_kafka_error_t *failed = add ? rd_kafka_incremental_assign(scoring->consumer, list)
                                   : rd_kafka_incremental_unassign(scoring->consumer, list);

    rd_kafka_topic_partition_list_destroy(list);
    if (failed == NULL)
        return;
    kafka_error_text(failed, text);
    log_write(scoring->world->log, LOG_ERROR, "assignment_failed",
              LOG_TEXT("call", add ? "assign" : "unassign"), LOG_TEXT("text", text));
}

/* ---- what the task asks for ---- */

static void
scoring_fetch_outcomes(void *context, int64_t from_offset)
{
    scoring_assign(context, true, scoring_outcomes_list(context, from_offset));
}

static void
scoring_unfetch_outcomes(void *context)
{
    scoring_assign(context, false, scoring_outcomes_list(context, 0));
}

static void
scoring_fetch_feedback(void *context)
{
    scoring_assign(context, true, scoring_feedback_list(context));
}

static void
scoring_unfetch_feedback(void *context)
{
    scoring_assign(context, false, scoring_feedback_list(context));
}

static uint64_t
scoring_ask_offsets(void *context)
{
    struct scoring *scoring = context;

    return restore_ask_offsets(scoring->restore, scoring->group, scoring_feedback_list(scoring));
}

static uint64_t
scoring_ask_found(void *context)
{
    struct scoring *scoring = context;

    return restore_ask_found(scoring->restore, scoring->group);
}

static uint64_t
scoring_ask_policies(void *context, struct slice ids)
{
    struct scoring *scoring = context;

    return restore_ask_policies(scoring->restore, scoring->world->partitions_count, ids);
}

static void
scoring_load(void *context, struct score_load *load)
{
    struct scoring *scoring = context;

    score_loader_submit(scoring->loader, load);
}

static bool
scoring_has_snapshots(void *context)
{
    const struct scoring *scoring = context;

    return scoring->world->config->snapshot == CONFIG_SNAPSHOT_REDIS && !scoring->world->kafka.embedded;
}

static void
scoring_submit(void *context, struct transaction_job *job)
{
    struct scoring *scoring = context;

    if (job->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(job->group);
    job->group = rd_kafka_consumer_group_metadata(scoring->consumer);
    if (job->group == NULL)
        job->group = rd_kafka_consumer_group_metadata_new(scoring->group);
    transaction_submit(scoring->transaction, job);
}

/* The last commit before it is given back. The loop stands still meanwhile. */
static void
scoring_part(struct scoring *scoring, int64_t until_mono_ms)
{
    bool closed = false;

    while (score_task_is_parting(&scoring->task, &closed)) {
        int64_t left_ms = until_mono_ms - wallclock_mono_ms();
        struct transaction_job *job;

        if (left_ms <= 0)
            return;
        if (!scoring->task.in_flight) {
            usleep(SCORING_AGAIN_MS * 1000);
            score_task_send_again(&scoring->task);
            continue;
        }
        job = transaction_take_wait(scoring->transaction, left_ms);
        if (job != NULL)
            score_task_on_done(&scoring->task, job);
    }
}

/* ---- the group ---- */

static void
scoring_on_rebalance(void *context, rd_kafka_t *client, bool assigned,
                     rd_kafka_topic_partition_list_t *partitions)
{
    struct scoring *scoring = context;

    (void)client;
    metrics_add(scoring->world->metrics, METRIC_REBALANCES, 0, 1);
    log_write(scoring->world->log, LOG_INFO, "scores_rebalance", LOG_BOOLEAN("assigned", assigned),
              LOG_INTEGER("partitions", partitions->cnt));
    scoring->assigned_once = true;
    if (assigned && partitions->cnt > 0 && scoring->task.state == SCORE_TASK_IDLE)
        score_task_begin(&scoring->task);
    else if (assigned)
        scoring_assign(scoring, true, rd_kafka_topic_partition_list_new(0));
    else {
        if (partitions->cnt > 0 && !rd_kafka_assignment_lost(scoring->consumer))
            scoring_part(scoring, wallclock_mono_ms() + SCORING_REVOKE_MS_MAX);
        if (partitions->cnt > 0)
            score_task_end(&scoring->task);
        scoring_assign(scoring, false, rd_kafka_topic_partition_list_new(0));
    }
}

static void
scoring_join(struct scoring *scoring)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    scoring->joined = true;
    if (scoring->world->kafka.embedded) {
        scoring->assigned_once = true;
        score_task_begin(&scoring->task);
    } else {
        rd_kafka_topic_partition_list_add(topics, scoring->world->topics.names[TOPIC_OUTCOMES],
                                          RD_KAFKA_PARTITION_UA);
        code = rd_kafka_subscribe(scoring->consumer, topics);
    }
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(scoring->fatal, sizeof scoring->fatal, "subscribe: %s", rd_kafka_err2str(code));
}

/* ---- phases ---- */

void
scoring_take_done(struct scoring *scoring)
{
    struct transaction_job *job;
    struct score_load *load;

    while ((job = transaction_take(scoring->transaction)) != NULL)
        score_task_on_done(&scoring->task, job);
    while ((load = score_loader_take(scoring->loader)) != NULL)
        score_task_on_loaded(&scoring->task, load);
    if (scoring->task.producer_ready && !scoring->joined && !scoring->stopping)
        scoring_join(scoring);
}

static void
scoring_take_offsets(struct scoring *scoring, const struct restore_news *news)
{
    int64_t *offsets = memory_allocate_zeroed((size_t)scoring->task.feedback_count, sizeof *offsets);

    for (int i = 0; i < news->offsets->cnt; i++)
        offsets[news->offsets->elems[i].partition] = news->offsets->elems[i].offset;
    (void)score_task_on_offsets(&scoring->task, news->question, offsets);
    memory_free(offsets);
}

bool
scoring_take_news(struct scoring *scoring, struct restore_news *news)
{
    if (news->kind == RESTORE_OFFSETS)
        scoring_take_offsets(scoring, news);
    else if (news->kind == RESTORE_FOUND)
        (void)score_task_on_found(&scoring->task, news->question, &news->found);
    else if (news->kind == RESTORE_POLICIES)
        (void)score_task_on_policies(&scoring->task, news->question, buffer_slice(&news->policies));
    else
        return false;
    restore_news_free(news);
    return true;
}

static void
scoring_on_event(struct scoring *scoring, bool is_outcomes, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__FATAL)
        rd_kafka_fatal_error(scoring->consumer, scoring->fatal, sizeof scoring->fatal);
    else if (scoring->task.state == SCORE_TASK_IDLE)
        return;
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && is_outcomes)
        score_task_on_outcomes_lost(&scoring->task);
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        snprintf(scoring->fatal, sizeof scoring->fatal,
                 "feedback[%d] does not have the committed offset any more: records were lost, or the topic "
                 "was made anew",
                 (int)message->partition);
    else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        log_write(scoring->world->log, LOG_WARNING, "consumer_error", LOG_TEXT("client", "scores"),
                  LOG_TEXT("code", rd_kafka_err2name(message->err)),
                  LOG_TEXT("text", rd_kafka_message_errstr(message)));
    else if (is_outcomes)
        score_task_on_outcomes_end(&scoring->task, message->offset);
    else
        score_task_on_feedback_end(&scoring->task, message->partition, message->offset);
}

static void
scoring_on_message(struct scoring *scoring, const rd_kafka_message_t *message)
{
    const char *name = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "";
    bool is_outcomes = strcmp(name, scoring->world->topics.names[TOPIC_OUTCOMES]) == 0;
    struct ingest_record record;

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        scoring_on_event(scoring, is_outcomes, message);
        return;
    }
    record = ingest_record_of(scoring->ingest, message);
    if (is_outcomes)
        score_task_on_outcome(&scoring->task, &record);
    else
        score_task_on_feedback(&scoring->task, &record);
}

bool
scoring_ingest(struct scoring *scoring)
{
    int64_t begun_us = wallclock_mono_us();

    if (score_task_is_full(&scoring->task))
        return false;
    for (int64_t i = 0;
         i < scoring->world->config->turn_records_max && wallclock_mono_us() - begun_us < SCORING_TURN_US;
         i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(scoring->consumer, 0);

        if (message == NULL)
            return false;
        scoring_on_message(scoring, message);
        rd_kafka_message_destroy(message);
    }
    return true;
}

void
scoring_tick(struct scoring *scoring)
{
    enum score_task_state state = scoring->task.state;

    metrics_set(scoring->world->metrics, METRIC_SCORE_TASK, 0, state == SCORE_TASK_LIVE);
    metrics_set(scoring->world->metrics, METRIC_SCORE_TASK_LOADING, 0,
                state == SCORE_TASK_FOLDING || state == SCORE_TASK_ASKING);
    score_task_tick(&scoring->task);
}

void
scoring_close_epoch(struct scoring *scoring)
{
    score_task_turn(&scoring->task);
}

int64_t
scoring_wait_ms(const struct scoring *scoring)
{
    return score_task_wait_ms(&scoring->task);
}

void
scoring_take_policies(struct scoring *scoring)
{
    score_task_take_policies(&scoring->task);
}

void
scoring_measure(struct scoring *scoring)
{
    score_task_measure(&scoring->task);
}

bool
scoring_refuses_policies(const struct scoring *scoring, struct buffer *refusals)
{
    return score_task_refuses_policies(&scoring->task, refusals);
}

struct score_task *
scoring_task(struct scoring *scoring)
{
    return &scoring->task;
}

void
scoring_reasons(const struct scoring *scoring, struct buffer *out)
{
    const struct score_task *task = &scoring->task;

    if (!task->producer_ready)
        buffer_append_text(out, "scores: waiting for the brokers to take transactions\n");
    else if (!scoring->assigned_once)
        buffer_append_text(out, "scores: waiting for the group\n");
    else
        score_task_reasons(task, out);
}

const char *
scoring_fatal(const struct scoring *scoring)
{
    return scoring->fatal[0] != '\0' ? scoring->fatal : NULL;
}

/* ---- life ---- */

int
scoring_records_descriptor(const struct scoring *scoring)
{
    return scoring->records_descriptor;
}

int
scoring_done_descriptor(const struct scoring *scoring)
{
    return transaction_descriptor(scoring->transaction);
}

int
scoring_loaded_descriptor(const struct scoring *scoring)
{
    return score_loader_descriptor(scoring->loader);
}

void
scoring_clear(struct scoring *scoring)
{
    uint64_t rung;

    while (read(scoring->records_descriptor, &rung, sizeof rung) > 0)
        ;
    transaction_clear(scoring->transaction);
    score_loader_clear(scoring->loader);
}

static int
scoring_open_consumer(struct scoring *scoring)
{
    struct world *world = scoring->world;
    char error[KAFKA_ERROR_BYTES];

    scoring->settings[0] = (struct kafka_setting){"group.id", scoring->group};
    scoring->settings[1] = (struct kafka_setting){"group.instance.id", world->config->instance};
    scoring->description = (struct kafka_client){
        .kafka = &world->kafka,
        .name = "scores",
        .settings = scoring->settings,
        .settings_count = world->kafka.embedded ? 1 : 2,
        .context = scoring,
        .rebalance = scoring_on_rebalance,
    };
    scoring->consumer = kafka_consumer_new(&scoring->description, error);
    if (scoring->consumer == NULL) {
        log_write(world->log, LOG_ERROR, "kafka_setting_refused", LOG_TEXT("text", error));
        return -1;
    }
    scoring->queue = rd_kafka_queue_get_consumer(scoring->consumer);
    kafka_queue_wake(scoring->queue, scoring->records_descriptor);
    kafka_warm_add(&scoring->warm, scoring->consumer, world->topics.names[TOPIC_OUTCOMES]);
    kafka_warm_add(&scoring->warm, scoring->consumer, world->topics.names[TOPIC_FEEDBACK]);
    return 0;
}

struct scoring *
scoring_new(struct world *world, struct restore *restore)
{
    struct scoring *scoring = memory_allocate_zeroed(1, sizeof *scoring);
    struct transaction_options options = {.kafka = &world->kafka, .topics = &world->topics, .name = "scores"};
    const struct score_task_port port = {
        .context = scoring,
        .fetch_outcomes = scoring_fetch_outcomes,
        .unfetch_outcomes = scoring_unfetch_outcomes,
        .fetch_feedback = scoring_fetch_feedback,
        .unfetch_feedback = scoring_unfetch_feedback,
        .ask_offsets = scoring_ask_offsets,
        .submit = scoring_submit,
        .ask_found = scoring_ask_found,
        .ask_policies = scoring_ask_policies,
        .load = scoring_load,
        .has_snapshots = scoring_has_snapshots,
    };
    char *first;

    scoring->world = world;
    scoring->restore = restore;
    scoring->group = kafka_name(world->config->prefix, "-scores");
    first = kafka_name(scoring->group, "-");
    scoring->transactional_id = kafka_name(first, world->config->instance);
    memory_free(first);
    scoring->ingest = ingest_new(world);
    scoring->loader = score_loader_new(world->config, world->log);
    score_task_init(&scoring->task, world, &port);
    scoring->records_descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(scoring->records_descriptor >= 0);
    if (scoring_open_consumer(scoring) != 0) {
        scoring_free(scoring);
        return NULL;
    }
    options.transactional_id = scoring->transactional_id;
    scoring->transaction = transaction_new(&options);
    return scoring;
}

void
scoring_stop(struct scoring *scoring, int64_t timeout_ms)
{
    scoring->stopping = true;
    scoring_part(scoring, wallclock_mono_ms() + timeout_ms);
    score_task_end(&scoring->task);
    rd_kafka_consumer_close(scoring->consumer);
}

void
scoring_free(struct scoring *scoring)
{
    if (scoring == NULL)
        return;
    score_loader_free(scoring->loader);
    transaction_free(scoring->transaction);
    if (scoring->queue != NULL) {
        rd_kafka_queue_io_event_enable(scoring->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(scoring->queue);
    }
    kafka_warm_done(&scoring->warm);
    if (scoring->consumer != NULL)
        rd_kafka_destroy(scoring->consumer);
    score_task_done(&scoring->task);
    close(scoring->records_descriptor);
    ingest_free(scoring->ingest);
    memory_free(scoring->group);
    memory_free(scoring->transactional_id);
    memory_free(scoring);
}
