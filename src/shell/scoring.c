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
#include "shell/scoring.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/ingest.h"
#include "shell/member.h"
#include "shell/score_task.h"
#include "shell/scribe.h"
#include "shell/transaction.h"
#include "shell/wallclock.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SCORING_REVOKE_MS_MAX = 5000, SCORING_AGAIN_MS = 100, SCORING_TURN_US = 3000 };

struct scoring {
    struct world *world;
    struct restore *restore;
    struct ingest *ingest;
    struct member member;
    struct score_task task;
    struct score_loader *loader;
    struct scribe *scribe;
    bool stopping;
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

/* ---- what the task asks for ---- */

static void
scoring_fetch_outcomes(void *context, int64_t from_offset)
{
    struct scoring *scoring = context;

    member_assign(&scoring->member, true, scoring_outcomes_list(scoring, from_offset));
}

static void
scoring_unfetch_outcomes(void *context)
{
    struct scoring *scoring = context;

    member_assign(&scoring->member, false, scoring_outcomes_list(scoring, 0));
}

static void
scoring_fetch_feedback(void *context)
{
    struct scoring *scoring = context;

    member_assign(&scoring->member, true, scoring_feedback_list(scoring));
}

static void
scoring_unfetch_feedback(void *context)
{
    struct scoring *scoring = context;

    member_assign(&scoring->member, false, scoring_feedback_list(scoring));
}

static rd_kafka_topic_partition_list_t *
scoring_all_list(const struct scoring *scoring)
{
    rd_kafka_topic_partition_list_t *list = scoring_feedback_list(scoring);

    rd_kafka_topic_partition_list_add(list, scoring->world->topics.names[TOPIC_OUTCOMES], 0);
    return list;
}

static uint64_t
scoring_ask_offsets(void *context)
{
    struct scoring *scoring = context;

    return restore_ask_offsets(scoring->restore, scoring->member.group, scoring_all_list(scoring));
}

static uint64_t
scoring_ask_found(void *context)
{
    struct scoring *scoring = context;

    return restore_ask_found(scoring->restore, scoring->member.group, scoring_all_list(scoring));
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

    member_submit(&scoring->member, job);
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
        job = transaction_take_wait(scoring->member.transaction, left_ms);
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
    scoring->member.assigned_once = true;
    if (assigned && partitions->cnt > 0 && scoring->task.state == SCORE_TASK_IDLE)
        score_task_begin(&scoring->task);
    else if (assigned)
        member_assign(&scoring->member, true, rd_kafka_topic_partition_list_new(0));
    else {
        if (partitions->cnt > 0 && !rd_kafka_assignment_lost(scoring->member.consumer))
            scoring_part(scoring, wallclock_mono_ms() + SCORING_REVOKE_MS_MAX);
        if (partitions->cnt > 0)
            score_task_end(&scoring->task);
        member_assign(&scoring->member, false, rd_kafka_topic_partition_list_new(0));
    }
}

/* ---- phases ---- */

void
scoring_take_done(struct scoring *scoring)
{
    struct transaction_job *job;
    struct score_load *load;

    while ((job = transaction_take(scoring->member.transaction)) != NULL)
        score_task_on_done(&scoring->task, job);
    while ((load = score_loader_take(scoring->loader)) != NULL)
        score_task_on_loaded(&scoring->task, load);
    if (!scoring->task.producer_ready || scoring->member.joined || scoring->stopping)
        return;
    if (scoring->world->kafka.embedded) { /* the mock's group would wait three seconds */
        scoring->member.joined = scoring->member.assigned_once = true;
        score_task_begin(&scoring->task);
    } else
        member_join(&scoring->member);
}

static void
scoring_take_offsets(struct scoring *scoring, const struct restore_news *news)
{
    int64_t *offsets = memory_allocate_zeroed((size_t)scoring->task.feedback_count, sizeof *offsets);
    const char *outcomes = scoring->world->topics.names[TOPIC_OUTCOMES];
    struct score_found now = {.log_begin = -1, .log_end = -1};
    struct buffer policies = {0};

    for (int i = 0; i < news->offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &news->offsets->elems[i];

        if (strcmp(at->topic, outcomes) == 0)
            score_found_take(&now, at->offset, (struct slice){at->metadata, at->metadata_size}, &policies);
        else
            offsets[at->partition] = at->offset;
    }
    (void)score_task_on_offsets(&scoring->task, news->question, offsets, &now);
    buffer_free(&policies);
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
        member_on_error(&scoring->member, message);
    else if (scoring->task.state == SCORE_TASK_IDLE)
        return;
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && is_outcomes)
        score_task_on_outcomes_lost(&scoring->task);
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        score_task_on_feedback_lost(&scoring->task, message->partition);
    else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        member_on_error(&scoring->member, message);
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

    if (!score_task_may_read(&scoring->task))
        return false;
    for (int64_t i = 0;
         i < scoring->world->config->turn_records_max && wallclock_mono_us() - begun_us < SCORING_TURN_US;
         i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(scoring->member.consumer, 0);

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
    metrics_set(scoring->world->metrics, METRIC_SCORE_TASK_HELD, 0, state == SCORE_TASK_HELD);
    metrics_set(scoring->world->metrics, METRIC_SCORE_TASK_LOADING, 0,
                state == SCORE_TASK_FOLDING || state == SCORE_TASK_ASKING);
    metrics_set(scoring->world->metrics, METRIC_SCORE_TASK_BEHIND, 0, score_task_lags(&scoring->task));
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
    else if (!scoring->member.assigned_once)
        buffer_append_text(out, "scores: waiting for the group\n");
    else
        score_task_reasons(task, out);
}

const char *
scoring_fatal(const struct scoring *scoring)
{
    return member_fatal(&scoring->member);
}

/* ---- life ---- */

int
scoring_records_descriptor(const struct scoring *scoring)
{
    return scoring->member.descriptor;
}

int
scoring_done_descriptor(const struct scoring *scoring)
{
    return transaction_descriptor(scoring->member.transaction);
}

int
scoring_loaded_descriptor(const struct scoring *scoring)
{
    return score_loader_descriptor(scoring->loader);
}

void
scoring_clear(struct scoring *scoring)
{
    member_clear(&scoring->member);
    score_loader_clear(scoring->loader);
}

struct scoring *
scoring_new(struct world *world, struct restore *restore)
{
    struct scoring *scoring = memory_allocate_zeroed(1, sizeof *scoring);
    struct member_options member = {
        .name = "scores",
        .read = {TOPIC_OUTCOMES, TOPIC_FEEDBACK},
        .context = scoring,
        .rebalance = scoring_on_rebalance,
    };
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
    char *group = kafka_name(world->config->prefix, "-scores");
    int opened;

    scoring->world = world;
    scoring->restore = restore;
    scoring->ingest = ingest_new(world);
    scoring->loader = score_loader_new(world->config, world->log);
    score_task_init(&scoring->task, world, &port);
    scoring->task.scribe = scoring->scribe = scribe_new();
    member.group = group;
    opened = member_open(&scoring->member, world, &member);
    memory_free(group);
    if (opened != 0) {
        scoring_free(scoring);
        return NULL;
    }
    return scoring;
}

void
scoring_stop(struct scoring *scoring, int64_t timeout_ms)
{
    scoring->stopping = true;
    member_settle(&scoring->member);
    scoring_part(scoring, wallclock_mono_ms() + timeout_ms);
    score_task_end(&scoring->task);
    member_leave(&scoring->member);
}

void
scoring_free(struct scoring *scoring)
{
    if (scoring == NULL)
        return;
    score_loader_free(scoring->loader);
    member_done(&scoring->member);
    score_task_done(&scoring->task);
    scribe_free(scoring->scribe);
    ingest_free(scoring->ingest);
    memory_free(scoring);
}
