/*
 * The score role.
 *
 * What: one consumer; when the group gives it slad.outcomes[0], a fold over that partition, then every
 * partition of feedback.
 *
 * Why so: slad.outcomes has one partition, so it has one owner, and the owner alone reads feedback: nothing
 * has to be merged. The state is a fold over what the owner itself reads back, so after any doubt it is
 * thrown away and folded again.
 *
 * Always true: nothing is published before the fold has reached the end of slad.outcomes; an answer's outcome
 * and the offset of its feedback commit together; a part that is sent again counts only for the assignment
 * (serial) it was made in.
 *
 * Not here: what a score is (core/scores), how a transaction runs (transaction.c).
 */
#include "shell/scoring.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/envelope.h"
#include "shell/ingest.h"
#include "shell/poison.h"
#include "shell/partitioner.h"
#include "shell/transaction.h"
#include "shell/wallclock.h"
#include "slad/scores.h"
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/kei_json.h"
#include "wire/outcome_read.h"
#include "wire/score_json.h"
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    SCORING_RETRY_MS = 100,
    SCORING_REVOKE_MS_MAX = 5000,
    SCORING_PUBLISH_EVERY_MS = 1000,
    SCORING_HEARTBEAT_MS = 6 * 3600000
};

enum scoring_state {
    SCORING_IDLE,    /* somebody else is the owner */
    SCORING_FOLDING, /* reading slad.outcomes from its beginning */
    SCORING_ASKING,  /* where feedback goes on */
    SCORING_LIVE
};

struct scoring {
    struct world *world;
    struct restore *restore;
    struct ingest *ingest;
    struct outcome_reader *reader;
    struct transaction *transaction;
    char *group, *transactional_id;

    struct kafka_client description;
    struct kafka_setting settings[2];
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    struct kafka_warm warm;
    int records_descriptor;

    enum scoring_state state;
    uint64_t serial; /* of the assignment */
    uint64_t question;
    struct scores *scores; /* NULL while idle */
    int64_t t_ms;
    int64_t outcomes_offset;
    bool outcomes_at_end;
    int64_t *feedback_offsets; /* next, or MARKER_NO_OFFSET */
    bool *feedback_at_end;
    int32_t feedback_count;
    bool feedback_fetching;
    size_t folded_count;
    int64_t folding_since_mono_ms;

    struct batch *batch;
    bool dirty, announces;
    int64_t dirty_since_mono_ms, closed_mono_ms;
    uint64_t epoch;

    bool producer_ready, joined, assigned_once, stopping, in_flight;
    struct transaction_job *retry;
    int64_t retry_mono_ms;
    char fatal[KAFKA_ERROR_BYTES];
};

/* ---- what goes out ---- */

static void
scoring_touch(struct scoring *scoring, bool announces)
{
    if (!scoring->dirty)
        scoring->dirty_since_mono_ms = scoring->world->now_mono_ms;
    scoring->dirty = true;
    scoring->announces |= announces;
}

/* Ends the open record with its envelope and frees the texts. */
static void
scoring_finish(struct scoring *scoring, const char *type, struct buffer *key, struct buffer *id,
               int64_t at_ms, bool announces)
{
    envelope_add(scoring->batch, scoring->world, type, buffer_slice(id), at_ms);
    batch_end(scoring->batch);
    buffer_free(key);
    buffer_free(id);
    scoring_touch(scoring, announces);
}

static void
scoring_on_answer(void *context, const struct answer_outcome *outcome)
{
    struct scoring *scoring = context;
    struct buffer key = {0}, id = {0};

    effect_answer_key(&key, outcome);
    effect_answer_id(&id, outcome);
    batch_begin(scoring->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    effect_print_answer(batch_value(scoring->batch), outcome);
    scoring_finish(scoring, "slad.answer", &key, &id, outcome->arrival.detected_at_ms, false);
    metrics_add(scoring->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_ANSWER, 1);
}

static void
scoring_on_score(void *context, const struct score_record *record)
{
    struct scoring *scoring = context;
    struct buffer key = {0}, id = {0};

    score_json_key(&key, record);
    score_json_id(&id, record);
    batch_begin(scoring->batch, TOPIC_SCORES, 0, buffer_slice(&key));
    score_json_print(batch_value(scoring->batch), record);
    scoring_finish(scoring, "slad.score", &key, &id, record->at_ms, true);
    metrics_add(scoring->world->metrics, METRIC_SCORES, 0, 1);
}

/* KEIs and contracts' present values. */
#define SCORING_ON_VALUE(name, struct_name, type, print, print_key, print_id)                                \
    static void name(void *context, const struct struct_name *record)                                        \
    {                                                                                                        \
        struct scoring *scoring = context;                                                                   \
        struct buffer key = {0}, id = {0};                                                                   \
                                                                                                             \
        print_key(&key, record);                                                                             \
        print_id(&id, record);                                                                               \
        batch_begin(scoring->batch, TOPIC_SCORES, 0, buffer_slice(&key));                                    \
        print(batch_value(scoring->batch), record);                                                          \
        scoring_finish(scoring, type, &key, &id, record->at_ms, true);                                       \
        metrics_add(scoring->world->metrics, METRIC_SCORES, 0, 1);                                           \
    }
SCORING_ON_VALUE(scoring_on_kei, score_kei, "slad.kei", kei_json_print, kei_json_key, kei_json_id)
SCORING_ON_VALUE(scoring_on_pxa, score_pxa, "slad.pxa", contract_json_print_pxa, contract_json_pxa_key,
                 contract_json_pxa_id)
SCORING_ON_VALUE(scoring_on_watermelon, score_watermelon, "slad.watermelon", contract_json_print_watermelon,
                 contract_json_watermelon_key, contract_json_watermelon_id)
SCORING_ON_VALUE(scoring_on_credit, score_credit, "slad.credit", contract_json_print_credit,
                 contract_json_credit_key, contract_json_credit_id)

static void
scoring_on_contract(void *context, const struct contract_outcome *outcome)
{
    struct scoring *scoring = context;
    struct buffer key = {0}, id = {0};

    contract_json_key(&key, outcome);
    contract_json_id(&id, outcome);
    batch_begin(scoring->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    contract_json_print(batch_value(scoring->batch), outcome);
    scoring_finish(scoring, "slad.contract", &key, &id, outcome->arrival.detected_at_ms, false);
    metrics_add(scoring->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_CONTRACT, 1);
}

/* A detractor alert lies where its ticket's other alerts lie. */
static int32_t
scoring_detractor_partition(const struct scoring *scoring, const struct score_detractor *alert)
{
    struct world *world = scoring->world;
    enum partitioner partitioner = (enum partitioner)world->config->partitioner;
    struct slice owner = alert->ticket.at != NULL ? alert->ticket : alert->customer;

    return partitioner_partition(partitioner == PARTITIONER_ANY ? PARTITIONER_MURMUR2 : partitioner, owner,
                                 world->partitions_count);
}

static void
scoring_on_detractor_gone(void *context, const struct score_detractor *alert)
{
    struct scoring *scoring = context;
    struct buffer key = {0};

    score_json_detractor_key(&key, alert);
    batch_begin(scoring->batch, TOPIC_ALERTS, scoring_detractor_partition(scoring, alert),
                buffer_slice(&key));
    batch_drop_value(scoring->batch);
    batch_end(scoring->batch);
    buffer_free(&key);
    scoring_touch(scoring, false);
}

static void
scoring_on_detractor(void *context, const struct score_detractor *alert)
{
    struct scoring *scoring = context;
    struct world *world = scoring->world;
    struct buffer key = {0}, id = {0};

    score_json_detractor_key(&key, alert);
    score_json_detractor_id(&id, alert);
    batch_begin(scoring->batch, TOPIC_ALERTS, scoring_detractor_partition(scoring, alert),
                buffer_slice(&key));
    score_json_print_detractor(batch_value(scoring->batch), alert);
    scoring_finish(scoring, "slad.alert", &key, &id, alert->arrival.detected_at_ms, true);
    metrics_add(world->metrics, METRIC_ALERTS, alert->state, 1);
}

/* ---- the assignment ---- */

static rd_kafka_topic_partition_list_t *
scoring_outcomes_list(const struct scoring *scoring)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, scoring->world->topics.names[TOPIC_OUTCOMES], 0)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
    return list;
}

static rd_kafka_topic_partition_list_t *
scoring_feedback_list(const struct scoring *scoring)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(scoring->feedback_count);

    for (int32_t p = 0; p < scoring->feedback_count; p++)
        rd_kafka_topic_partition_list_add(list, scoring->world->topics.names[TOPIC_FEEDBACK], p)->offset =
            scoring->feedback_offsets[p] == MARKER_NO_OFFSET ? RD_KAFKA_OFFSET_BEGINNING
                                                             : scoring->feedback_offsets[p];
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

static void
scoring_drop_state(struct scoring *scoring)
{
    scores_free(scoring->scores);
    scoring->scores = NULL;
    batch_free(scoring->batch);
    scoring->batch = batch_new();
    scoring->dirty = scoring->announces = false;
    scoring->serial++;
}

/* Ours from now on: an empty state, and everything read again. */
static void
scoring_begin(struct scoring *scoring)
{
    struct scores_options options = {
        .symbols = scoring->world->symbols,
        .sink = {.context = scoring,
                 .answer = scoring_on_answer,
                 .score = scoring_on_score,
                 .detractor = scoring_on_detractor,
                 .detractor_gone = scoring_on_detractor_gone,
                 .kei = scoring_on_kei,
                 .pxa = scoring_on_pxa,
                 .watermelon = scoring_on_watermelon,
                 .credit = scoring_on_credit,
                 .contract = scoring_on_contract},
        .publish_every_ms = SCORING_PUBLISH_EVERY_MS,
        .allowed_skew_ms = scoring->world->config->allowed_skew_ms,
        .accept_age_ms = scoring->world->config->accept_age_ms,
        .outcomes_offset = &scoring->outcomes_offset,
    };

    scoring_drop_state(scoring);
    scoring->scores = scores_new(&options, scoring->world->policies);
    scoring->t_ms = 0;
    scores_set_rebuilding(scoring->scores, true, 0);
    scoring->outcomes_offset = 0;
    scoring->outcomes_at_end = false;
    scoring->folded_count = 0;
    scoring->folding_since_mono_ms = scoring->world->now_mono_ms;
    scoring->state = SCORING_FOLDING;
    scoring_assign(scoring, true, scoring_outcomes_list(scoring));
}

static void
scoring_end(struct scoring *scoring)
{
    if (scoring->state == SCORING_IDLE)
        return;
    if (scoring->feedback_fetching)
        scoring_assign(scoring, false, scoring_feedback_list(scoring));
    scoring->feedback_fetching = false;
    scoring_assign(scoring, false, scoring_outcomes_list(scoring));
    scoring_drop_state(scoring);
    scoring->state = SCORING_IDLE;
}

/* ---- transactions ---- */

static void
scoring_submit(struct scoring *scoring, struct transaction_job *job)
{
    if (job->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(job->group);
    job->group = rd_kafka_consumer_group_metadata(scoring->consumer);
    if (job->group == NULL)
        job->group = rd_kafka_consumer_group_metadata_new(scoring->group);
    scoring->in_flight = true;
    transaction_submit(scoring->transaction, job);
}

static bool
scoring_close(struct scoring *scoring)
{
    struct transaction_job *job;
    struct transaction_part *part;

    if (!scoring->dirty || scoring->state != SCORING_LIVE)
        return false;
    job = transaction_job_new(1);
    part = &job->parts[job->parts_count++];
    part->serial = scoring->serial;
    part->epoch = ++scoring->epoch;
    part->batch = scoring->batch;
    part->offsets = rd_kafka_topic_partition_list_new(scoring->feedback_count + 1);
    rd_kafka_topic_partition_list_add(part->offsets, scoring->world->topics.names[TOPIC_OUTCOMES], 0)
        ->offset = scoring->outcomes_offset;
    for (int32_t p = 0; p < scoring->feedback_count; p++)
        if (scoring->feedback_offsets[p] != MARKER_NO_OFFSET)
            rd_kafka_topic_partition_list_add(part->offsets, scoring->world->topics.names[TOPIC_FEEDBACK], p)
                ->offset = scoring->feedback_offsets[p];
    scoring->batch = batch_new();
    scoring->dirty = scoring->announces = false;
    scoring->closed_mono_ms = scoring->world->now_mono_ms;
    scoring_submit(scoring, job);
    return true;
}

static void
scoring_on_done(struct scoring *scoring, struct transaction_job *job)
{
    struct metrics *metrics = scoring->world->metrics;
    bool ours = job->parts_count > 0 && job->parts[0].serial == scoring->serial;

    if (job->result == TRANSACTION_READY)
        scoring->producer_ready = true;
    else
        scoring->in_flight = false;
    if (job->result == TRANSACTION_COMMITTED) {
        metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_COMMITTED, 1);
        metrics_add(metrics, METRIC_TRANSACTION_RECORDS, METRIC_ROLE_SCORES, job->records_count);
        metrics_observe(metrics, METRIC_TRANSACTION_TIME, METRIC_ROLE_SCORES, job->took_us);
    } else if (job->result == TRANSACTION_ABORTED) {
        metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_ABORTED, 1);
        log_write(scoring->world->log, LOG_WARNING, "transaction_aborted", LOG_TEXT("role", "scores"),
                  LOG_TEXT("why", job->error));
        if (ours) {
            scoring->retry = job;
            scoring->retry_mono_ms = scoring->world->now_mono_ms + SCORING_RETRY_MS;
            return;
        }
    } else if (job->result == TRANSACTION_FATAL) {
        metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_FATAL, 1);
        log_write(scoring->world->log, LOG_ERROR, "transaction_unknown", LOG_TEXT("role", "scores"),
                  LOG_TEXT("why", job->error));
        if (ours) { /* fold again: the log knows */
            scoring_end(scoring);
            scoring_begin(scoring);
        }
    }
    transaction_job_free(job);
}

static void
scoring_send_again(struct scoring *scoring)
{
    struct transaction_job *job = scoring->retry;

    scoring->retry = NULL;
    if (job->parts[0].serial == scoring->serial)
        scoring_submit(scoring, job);
    else
        transaction_job_free(job);
}

static bool
scoring_settle(struct scoring *scoring, int64_t until_mono_ms)
{
    while (scoring->in_flight || scoring->retry != NULL) {
        int64_t left_ms = until_mono_ms - wallclock_mono_ms();
        struct transaction_job *job;

        if (left_ms <= 0)
            return false;
        if (!scoring->in_flight) {
            usleep(SCORING_RETRY_MS * 1000);
            scoring_send_again(scoring);
            continue;
        }
        job = transaction_take_wait(scoring->transaction, left_ms);
        if (job != NULL)
            scoring_on_done(scoring, job);
    }
    return true;
}

/* ---- the group ---- */

static void
scoring_on_rebalance(void *context, rd_kafka_t *client, bool assigned,
                     rd_kafka_topic_partition_list_t *partitions)
{
    struct scoring *scoring = context;
    int64_t until_mono_ms = wallclock_mono_ms() + SCORING_REVOKE_MS_MAX;

    (void)client;
    metrics_add(scoring->world->metrics, METRIC_REBALANCES, 0, 1);
    log_write(scoring->world->log, LOG_INFO, "scores_rebalance", LOG_BOOLEAN("assigned", assigned),
              LOG_INTEGER("partitions", partitions->cnt));
    scoring->assigned_once = true;
    if (assigned && partitions->cnt > 0 && scoring->state == SCORING_IDLE)
        scoring_begin(scoring);
    else if (assigned)
        scoring_assign(scoring, true, rd_kafka_topic_partition_list_new(0));
    else {
        if (partitions->cnt > 0 && !rd_kafka_assignment_lost(scoring->consumer) &&
            scoring_settle(scoring, until_mono_ms) && scoring_close(scoring))
            scoring_settle(scoring, until_mono_ms);
        if (partitions->cnt > 0)
            scoring_end(scoring);
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
        scoring_begin(scoring);
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

    while ((job = transaction_take(scoring->transaction)) != NULL)
        scoring_on_done(scoring, job);
    if (scoring->producer_ready && !scoring->joined && !scoring->stopping)
        scoring_join(scoring);
    if (scoring->retry != NULL && !scoring->in_flight &&
        scoring->world->now_mono_ms >= scoring->retry_mono_ms)
        scoring_send_again(scoring);
}

/* The fold has reached the end: ask where feedback goes on. */
static void
scoring_folded(struct scoring *scoring)
{
    scoring->state = SCORING_ASKING;
    for (int32_t p = 0; p < scoring->feedback_count; p++)
        scoring->feedback_offsets[p] = MARKER_NO_OFFSET;
    scoring->question = restore_ask_offsets(scoring->restore, scoring->group, scoring_feedback_list(scoring));
    log_write(scoring->world->log, LOG_INFO, "scores_folded", LOG_INTEGER("outcomes", scoring->folded_count),
              LOG_INTEGER("took_ms", scoring->world->now_mono_ms - scoring->folding_since_mono_ms));
}

bool
scoring_take_news(struct scoring *scoring, struct restore_news *news)
{
    if (news->kind != RESTORE_OFFSETS)
        return false;
    if (scoring->state == SCORING_ASKING && news->question == scoring->question) {
        for (int i = 0; i < news->offsets->cnt; i++) {
            const rd_kafka_topic_partition_t *partition = &news->offsets->elems[i];

            scoring->feedback_offsets[partition->partition] =
                partition->offset >= 0 ? partition->offset : MARKER_NO_OFFSET;
            scoring->feedback_at_end[partition->partition] = false;
        }
        scoring_assign(scoring, true, scoring_feedback_list(scoring));
        scoring->feedback_fetching = true;
        scoring->state = SCORING_LIVE;
        scoring->closed_mono_ms = scoring->world->now_mono_ms;
        if (scoring->t_ms < scoring->world->now_ms)
            scoring->t_ms = scoring->world->now_ms;
        scores_set_rebuilding(scoring->scores, false, scoring->t_ms);
        scores_set_behind(scoring->scores, true); /* what came while nobody ran is still to be read */
        log_write(scoring->world->log, LOG_INFO, "scores_live");
    }
    restore_news_free(news);
    return true;
}

static void
scoring_arrive(struct scoring *scoring, const rd_kafka_message_t *message)
{
    int64_t at_ms = ingest_record_of(scoring->ingest, message).timestamp_ms;

    if (at_ms > scoring->world->now_ms)
        at_ms = scoring->world->now_ms;
    if (at_ms > scoring->t_ms)
        scoring->t_ms = at_ms;
    scores_advance(scoring->scores, scoring->t_ms, SCORES_BEFORE);
}

static void
scoring_on_outcome(struct scoring *scoring, const rd_kafka_message_t *message)
{
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;
    enum error_code error;

    if (message->offset < scoring->outcomes_offset || message->payload == NULL)
        return;
    scoring_arrive(scoring, message);
    error = outcome_read(scoring->reader, (struct slice){message->payload, message->len}, &outcome, detail);
    if (error != ERROR_NONE)
        log_write(scoring->world->log, LOG_WARNING, "outcome_unreadable",
                  LOG_INTEGER("offset", message->offset), LOG_TEXT("error", error_code_text(error)),
                  LOG_TEXT("detail", detail));
    else if (outcome.kind == OUTCOME_VERDICT)
        scores_verdict(scoring->scores, &outcome.verdict, scoring->t_ms);
    else if (outcome.kind == OUTCOME_TICKET)
        scores_ticket(scoring->scores, &outcome.ticket, scoring->t_ms);
    else if (outcome.kind == OUTCOME_ANSWER)
        scores_answer(scoring->scores, &outcome.answer, scoring->t_ms);
    else if (outcome.kind == OUTCOME_CONTRACT)
        scores_contract(scoring->scores, &outcome.contract, scoring->t_ms);
    scoring->folded_count++;
    scoring->outcomes_offset = message->offset + 1;
    scoring->outcomes_at_end = false;
    metrics_add(scoring->world->metrics, METRIC_EVENTS, METRIC_TOPIC_OUTCOMES, 1);
}

static void
scoring_on_feedback(struct scoring *scoring, const rd_kafka_message_t *message)
{
    char detail[EVENT_DETAIL_BYTES] = "";
    struct ingest_record record;
    struct event event;
    enum error_code error;

    if (message->partition >= scoring->feedback_count ||
        message->offset < scoring->feedback_offsets[message->partition])
        return;
    scoring_arrive(scoring, message);
    record = ingest_record_of(scoring->ingest, message);
    error = poison_begin(scoring->world->poison, TOPIC_FEEDBACK, record.partition, record.offset)
                ? ingest_poison(scoring->ingest, detail)
                : ingest_read(scoring->ingest, &record, EVENT_TOPIC_FEEDBACK, &event, detail);
    if (error == ERROR_NONE) {
        struct engine_answer answer = scores_feedback(scoring->scores, &event, scoring->t_ms);

        if (answer.disposition == ENGINE_REFUSED) {
            error = answer.error;
            snprintf(detail, sizeof detail, "%s", answer.detail != NULL ? answer.detail : "");
        } else if (answer.disposition == ENGINE_DUPLICATE)
            metrics_add(scoring->world->metrics, METRIC_DUPLICATES, 0, 1);
        else if (answer.disposition == ENGINE_NO_EFFECT)
            metrics_add(scoring->world->metrics, METRIC_NO_EFFECT, 0, 1);
    }
    poison_end(scoring->world->poison);
    if (error != ERROR_NONE)
        ingest_refuse(scoring->ingest, scoring->batch, &record, error, detail);
    scoring->feedback_offsets[message->partition] = message->offset + 1;
    scoring->feedback_at_end[message->partition] = false;
    scoring_touch(scoring, false);
    metrics_add(scoring->world->metrics, METRIC_EVENTS, METRIC_TOPIC_FEEDBACK, 1);
    metrics_add(scoring->world->metrics, METRIC_EVENT_BYTES, METRIC_TOPIC_FEEDBACK,
                message->len + message->key_len);
}

static void
scoring_on_event(struct scoring *scoring, bool is_outcomes, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__FATAL)
        rd_kafka_fatal_error(scoring->consumer, scoring->fatal, sizeof scoring->fatal);
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && !is_outcomes)
        snprintf(scoring->fatal, sizeof scoring->fatal,
                 "feedback[%d] does not have the committed offset any more: records were lost, or the topic "
                 "was made anew",
                 (int)message->partition);
    else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        log_write(scoring->world->log, LOG_WARNING, "consumer_error", LOG_TEXT("client", "scores"),
                  LOG_TEXT("code", rd_kafka_err2name(message->err)),
                  LOG_TEXT("text", rd_kafka_message_errstr(message)));
    else if (is_outcomes) {
        scoring->outcomes_at_end = true;
        if (message->offset > scoring->outcomes_offset)
            scoring->outcomes_offset = message->offset;
        if (scoring->state == SCORING_FOLDING)
            scoring_folded(scoring);
    } else if (message->partition < scoring->feedback_count) {
        scoring->feedback_at_end[message->partition] = true;
        if (message->offset > scoring->feedback_offsets[message->partition])
            scoring->feedback_offsets[message->partition] = message->offset;
    }
}

static void
scoring_on_message(struct scoring *scoring, const rd_kafka_message_t *message)
{
    const char *name = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "";
    bool is_outcomes = strcmp(name, scoring->world->topics.names[TOPIC_OUTCOMES]) == 0;

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (scoring->state != SCORING_IDLE || message->err == RD_KAFKA_RESP_ERR__FATAL)
            scoring_on_event(scoring, is_outcomes, message);
    } else if (scoring->state == SCORING_IDLE)
        return;
    else if (is_outcomes)
        scoring_on_outcome(scoring, message);
    else if (scoring->state == SCORING_LIVE)
        scoring_on_feedback(scoring, message);
}

static bool
scoring_is_full(const struct scoring *scoring)
{
    return batch_count(scoring->batch) >= (size_t)scoring->world->config->epoch_records_max ||
           batch_bytes(scoring->batch) >= (size_t)scoring->world->config->epoch_bytes_max;
}

bool
scoring_ingest(struct scoring *scoring)
{
    if (scoring_is_full(scoring))
        return false;
    for (int64_t i = 0; i < scoring->world->config->turn_records_max; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(scoring->consumer, 0);

        if (message == NULL)
            return false;
        scoring_on_message(scoring, message);
        rd_kafka_message_destroy(message);
    }
    return true;
}

static bool
scoring_is_idle(const struct scoring *scoring)
{
    if (scoring->state != SCORING_LIVE || !scoring->outcomes_at_end)
        return false;
    for (int32_t p = 0; p < scoring->feedback_count; p++)
        if (!scoring->feedback_at_end[p])
            return false;
    return true;
}

void
scoring_tick(struct scoring *scoring)
{
    if (scoring_is_idle(scoring)) {
        if (scoring->t_ms < scoring->world->now_ms)
            scoring->t_ms = scoring->world->now_ms;
        scores_set_behind(scoring->scores, false);
        if (scores_next_ms(scoring->scores) <= scoring->t_ms)
            scores_advance(scoring->scores, scoring->t_ms, SCORES_THROUGH);
    }
    if (scoring->state == SCORING_LIVE &&
        scoring->world->now_mono_ms - scoring->closed_mono_ms > SCORING_HEARTBEAT_MS)
        scoring_touch(scoring, false); /* offsets of a topic the group does not subscribe to expire */
}

void
scoring_close_epoch(struct scoring *scoring)
{
    if (!scoring->producer_ready || scoring->in_flight || scoring->retry != NULL || !scoring->dirty)
        return;
    if (scoring->announces || scoring_is_full(scoring) ||
        scoring->world->now_mono_ms - scoring->dirty_since_mono_ms >= scoring->world->config->epoch_ms)
        scoring_close(scoring);
}

int64_t
scoring_wait_ms(const struct scoring *scoring)
{
    int64_t wait_ms = INT64_MAX,
            next_ms = scoring_is_idle(scoring) ? scores_next_ms(scoring->scores) : INT64_MAX;
    int64_t at_mono_ms = INT64_MAX;

    if (next_ms != INT64_MAX)
        wait_ms = next_ms - scoring->world->now_ms;
    if (scoring->retry != NULL)
        at_mono_ms = scoring->retry_mono_ms;
    else if (scoring->dirty && !scoring->in_flight && scoring->producer_ready &&
             scoring->state == SCORING_LIVE)
        at_mono_ms = scoring->announces ? 0 : scoring->dirty_since_mono_ms + scoring->world->config->epoch_ms;
    if (at_mono_ms != INT64_MAX && at_mono_ms - scoring->world->now_mono_ms < wait_ms)
        wait_ms = at_mono_ms - scoring->world->now_mono_ms;
    return wait_ms > 0 ? wait_ms : 0;
}

void
scoring_set_policies(struct scoring *scoring, const struct policy_set *set)
{
    if (scoring->scores != NULL)
        scores_set_policies(scoring->scores, set, scoring->t_ms);
}

void
scoring_reasons(const struct scoring *scoring, struct buffer *out)
{
    if (!scoring->producer_ready)
        buffer_append_text(out, "scores: waiting for the brokers to take transactions\n");
    else if (!scoring->assigned_once)
        buffer_append_text(out, "scores: waiting for the group\n");
    else if (scoring->state == SCORING_FOLDING || scoring->state == SCORING_ASKING)
        buffer_append_text(out, "scores: the outcomes are being read\n");
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

void
scoring_clear(struct scoring *scoring)
{
    uint64_t rung;

    while (read(scoring->records_descriptor, &rung, sizeof rung) > 0)
        ;
    transaction_clear(scoring->transaction);
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
    char *first;

    scoring->world = world;
    scoring->restore = restore;
    scoring->group = kafka_name(world->config->prefix, "-scores");
    first = kafka_name(scoring->group, "-");
    scoring->transactional_id = kafka_name(first, world->config->instance);
    memory_free(first);
    scoring->ingest = ingest_new(world);
    scoring->reader = outcome_reader_new();
    scoring->batch = batch_new();
    scoring->feedback_count = world->feedback_partitions_count;
    scoring->feedback_offsets =
        memory_allocate_zeroed((size_t)scoring->feedback_count, sizeof *scoring->feedback_offsets);
    scoring->feedback_at_end =
        memory_allocate_zeroed((size_t)scoring->feedback_count, sizeof *scoring->feedback_at_end);
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
    int64_t until_mono_ms = wallclock_mono_ms() + timeout_ms;

    scoring->stopping = true;
    if (scoring->producer_ready && scoring_settle(scoring, until_mono_ms) && scoring_close(scoring))
        scoring_settle(scoring, until_mono_ms);
    scoring_end(scoring);
    rd_kafka_consumer_close(scoring->consumer);
}

void
scoring_free(struct scoring *scoring)
{
    if (scoring == NULL)
        return;
    transaction_free(scoring->transaction);
    transaction_job_free(scoring->retry);
    if (scoring->queue != NULL) {
        rd_kafka_queue_io_event_enable(scoring->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(scoring->queue);
    }
    kafka_warm_done(&scoring->warm);
    if (scoring->consumer != NULL)
        rd_kafka_destroy(scoring->consumer);
    scores_free(scoring->scores);
    batch_free(scoring->batch);
    close(scoring->records_descriptor);
    outcome_reader_free(scoring->reader);
    ingest_free(scoring->ingest);
    memory_free(scoring->feedback_offsets);
    memory_free(scoring->feedback_at_end);
    memory_free(scoring->group);
    memory_free(scoring->transactional_id);
    memory_free(scoring);
}
