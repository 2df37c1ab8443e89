/*
 * The score task.
 *
 * What: the fold over slad.outcomes[0], then every partition of feedback beside it; what the scores say
 * becomes the open epoch, an epoch becomes a job.
 *
 * Why so: slad.outcomes has one partition, so it has one owner, and the owner alone reads feedback: nothing
 * has to be merged. The state is a fold over what the owner itself reads back, so after any doubt it is
 * thrown away and folded again. No line here calls Kafka, so the very code that runs in the daemon runs in
 * the simulation.
 *
 * Always true: nothing is published before the fold has reached the end of slad.outcomes; an answer's outcome
 * and the offset of its feedback commit together; a job that comes back counts only for the assignment
 * (serial) it was made in.
 *
 * Not here: librdkafka (scoring.c), what a score is (core/scores), the steps of a transaction (course.c).
 */
#include "shell/score_task.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/envelope.h"
#include "shell/learning.h"
#include "shell/partitioner.h"
#include "shell/poison.h"
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/kei_json.h"
#include "wire/outcome_read.h"
#include "wire/score_json.h"
#include <stdio.h>
#include <string.h>

enum { SCORE_TASK_RETRY_MS = 100, SCORE_TASK_PUBLISH_EVERY_MS = 1000, SCORE_TASK_HEARTBEAT_MS = 6 * 3600000 };

/* ---- what goes out ---- */

static void
score_task_touch(struct score_task *task, bool announces)
{
    if (!task->dirty)
        task->dirty_since_mono_ms = task->world->now_mono_ms;
    task->dirty = true;
    task->announces |= announces;
}

/* Ends the open record with its envelope and frees the texts. */
static void
score_task_finish(struct score_task *task, const char *type, struct buffer *key, struct buffer *id,
                  int64_t at_ms, bool announces)
{
    envelope_add(task->batch, task->world, type, buffer_slice(id), at_ms);
    batch_end(task->batch);
    buffer_free(key);
    buffer_free(id);
    score_task_touch(task, announces);
}

static void
score_task_on_answer(void *context, const struct answer_outcome *outcome)
{
    struct score_task *task = context;
    struct buffer key = {0}, id = {0};

    effect_answer_key(&key, outcome);
    effect_answer_id(&id, outcome);
    batch_begin(task->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    effect_print_answer(batch_value(task->batch), outcome);
    score_task_finish(task, "slad.answer", &key, &id, outcome->arrival.detected_at_ms, false);
    metrics_add(task->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_ANSWER, 1);
}

static void
score_task_on_score(void *context, const struct score_record *record)
{
    struct score_task *task = context;
    struct buffer key = {0}, id = {0};

    score_json_key(&key, record);
    score_json_id(&id, record);
    batch_begin(task->batch, TOPIC_SCORES, 0, buffer_slice(&key));
    score_json_print(batch_value(task->batch), record);
    score_task_finish(task, "slad.score", &key, &id, record->at_ms, true);
    metrics_add(task->world->metrics, METRIC_SCORES, 0, 1);
}

/* KEIs and contracts' present values. */
#define SCORE_TASK_ON_VALUE(name, struct_name, type, print, print_key, print_id)                             \
    static void name(void *context, const struct struct_name *record)                                        \
    {                                                                                                        \
        struct score_task *task = context;                                                                   \
        struct buffer key = {0}, id = {0};                                                                   \
                                                                                                             \
        print_key(&key, record);                                                                             \
        print_id(&id, record);                                                                               \
        batch_begin(task->batch, TOPIC_SCORES, 0, buffer_slice(&key));                                       \
        print(batch_value(task->batch), record);                                                             \
        score_task_finish(task, type, &key, &id, record->at_ms, true);                                       \
        metrics_add(task->world->metrics, METRIC_SCORES, 0, 1);                                              \
    }
SCORE_TASK_ON_VALUE(score_task_on_kei, score_kei, "slad.kei", kei_json_print, kei_json_key, kei_json_id)
SCORE_TASK_ON_VALUE(score_task_on_pxa, score_pxa, "slad.pxa", contract_json_print_pxa, contract_json_pxa_key,
                    contract_json_pxa_id)
SCORE_TASK_ON_VALUE(score_task_on_watermelon, score_watermelon, "slad.watermelon",
                    contract_json_print_watermelon, contract_json_watermelon_key, contract_json_watermelon_id)
SCORE_TASK_ON_VALUE(score_task_on_credit, score_credit, "slad.credit", contract_json_print_credit,
                    contract_json_credit_key, contract_json_credit_id)
SCORE_TASK_ON_VALUE(score_task_on_attainment, score_attainment, "slad.attainment",
                    contract_json_print_attainment, contract_json_attainment_key, contract_json_attainment_id)

static void
score_task_on_contract(void *context, const struct contract_outcome *outcome)
{
    struct score_task *task = context;
    struct buffer key = {0}, id = {0};

    contract_json_key(&key, outcome);
    contract_json_id(&id, outcome);
    batch_begin(task->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    contract_json_print(batch_value(task->batch), outcome);
    score_task_finish(task, "slad.contract", &key, &id, outcome->arrival.detected_at_ms, false);
    metrics_add(task->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_CONTRACT, 1);
}

/* A detractor alert lies where its ticket's other alerts lie. */
static int32_t
score_task_detractor_partition(const struct score_task *task, const struct score_detractor *alert)
{
    struct world *world = task->world;
    enum partitioner partitioner = (enum partitioner)world->config->partitioner;
    struct slice owner = alert->ticket.at != NULL ? alert->ticket : alert->customer;

    return partitioner_partition(partitioner == PARTITIONER_ANY ? PARTITIONER_MURMUR2 : partitioner, owner,
                                 world->partitions_count);
}

static void
score_task_on_detractor_gone(void *context, const struct score_detractor *alert)
{
    struct score_task *task = context;
    struct buffer key = {0};

    score_json_detractor_key(&key, alert);
    batch_begin(task->batch, TOPIC_ALERTS, score_task_detractor_partition(task, alert), buffer_slice(&key));
    batch_drop_value(task->batch);
    batch_end(task->batch);
    buffer_free(&key);
    score_task_touch(task, false);
}

static void
score_task_on_detractor(void *context, const struct score_detractor *alert)
{
    struct score_task *task = context;
    struct world *world = task->world;
    struct buffer key = {0}, id = {0};

    score_json_detractor_key(&key, alert);
    score_json_detractor_id(&id, alert);
    batch_begin(task->batch, TOPIC_ALERTS, score_task_detractor_partition(task, alert), buffer_slice(&key));
    score_json_print_detractor(batch_value(task->batch), alert);
    score_task_finish(task, "slad.alert", &key, &id, alert->arrival.detected_at_ms, true);
    metrics_add(world->metrics, METRIC_ALERTS, alert->state, 1);
}

/* ---- the assignment ---- */

void
score_task_init(struct score_task *task, struct world *world, const struct score_task_port *port)
{
    *task = (struct score_task){.world = world, .port = *port};
    task->ingest = ingest_new(world);
    task->reader = outcome_reader_new();
    task->batch = batch_new();
    task->feedback_count = world->feedback_partitions_count;
    task->feedback_offsets =
        memory_allocate_zeroed((size_t)task->feedback_count, sizeof *task->feedback_offsets);
    task->feedback_at_end =
        memory_allocate_zeroed((size_t)task->feedback_count, sizeof *task->feedback_at_end);
}

void
score_task_done(struct score_task *task)
{
    transaction_job_free(task->retry);
    scores_free(task->scores);
    learning_free(task->learning);
    batch_free(task->batch);
    outcome_reader_free(task->reader);
    ingest_free(task->ingest);
    memory_free(task->feedback_offsets);
    memory_free(task->feedback_at_end);
}

static void
score_task_drop_state(struct score_task *task)
{
    scores_free(task->scores);
    task->scores = NULL;
    learning_free(task->learning);
    task->learning = NULL;
    batch_free(task->batch);
    task->batch = batch_new();
    task->dirty = task->announces = false;
    task->serial++;
}

void
score_task_begin(struct score_task *task)
{
    struct scores_options options = {
        .symbols = task->world->symbols,
        .sink = {.context = task,
                 .answer = score_task_on_answer,
                 .score = score_task_on_score,
                 .detractor = score_task_on_detractor,
                 .detractor_gone = score_task_on_detractor_gone,
                 .kei = score_task_on_kei,
                 .pxa = score_task_on_pxa,
                 .watermelon = score_task_on_watermelon,
                 .credit = score_task_on_credit,
                 .attainment = score_task_on_attainment,
                 .contract = score_task_on_contract},
        .publish_every_ms = SCORE_TASK_PUBLISH_EVERY_MS,
        .allowed_skew_ms = task->world->config->allowed_skew_ms,
        .accept_age_ms = task->world->config->accept_age_ms,
        .outcomes_offset = &task->outcomes_offset,
    };

    must(task->state == SCORE_TASK_IDLE);
    score_task_drop_state(task);
    task->scores = scores_new(&options, task->world->policies);
    task->learning = learning_new(task->world);
    task->t_ms = 0;
    scores_set_rebuilding(task->scores, true, 0);
    task->outcomes_offset = 0;
    task->outcomes_at_end = false;
    task->folded_count = 0;
    task->folding_since_mono_ms = task->world->now_mono_ms;
    task->state = SCORE_TASK_FOLDING;
    task->port.fetch_outcomes(task->port.context, task->outcomes_offset);
}

void
score_task_end(struct score_task *task)
{
    if (task->state == SCORE_TASK_IDLE)
        return;
    if (task->feedback_fetching)
        task->port.unfetch_feedback(task->port.context);
    task->feedback_fetching = false;
    task->port.unfetch_outcomes(task->port.context);
    score_task_drop_state(task);
    task->state = SCORE_TASK_IDLE;
}

/* ---- transactions ---- */

static void
score_task_submit(struct score_task *task, struct transaction_job *job)
{
    task->in_flight = true;
    task->port.submit(task->port.context, job);
}

static bool
score_task_close(struct score_task *task)
{
    const struct topics *topics = &task->world->topics;
    struct transaction_job *job;
    struct transaction_part *part;

    if (!task->dirty || task->state != SCORE_TASK_LIVE)
        return false;
    job = transaction_job_new(1);
    part = &job->parts[job->parts_count++];
    part->serial = task->serial;
    part->epoch = ++task->epoch;
    part->batch = task->batch;
    part->offsets = rd_kafka_topic_partition_list_new(task->feedback_count + 1);
    rd_kafka_topic_partition_list_add(part->offsets, topics->names[TOPIC_OUTCOMES], 0)->offset =
        task->outcomes_offset;
    for (int32_t p = 0; p < task->feedback_count; p++)
        if (task->feedback_offsets[p] != MARKER_NO_OFFSET)
            rd_kafka_topic_partition_list_add(part->offsets, topics->names[TOPIC_FEEDBACK], p)->offset =
                task->feedback_offsets[p];
    task->batch = batch_new();
    task->dirty = task->announces = false;
    task->closed_mono_ms = task->world->now_mono_ms;
    score_task_submit(task, job);
    return true;
}

bool
score_task_is_out(const struct score_task *task)
{
    return task->in_flight || task->retry != NULL;
}

/* The same bytes again, when the task is still ours. */
void
score_task_send_again(struct score_task *task)
{
    struct transaction_job *job = task->retry;

    task->retry = NULL;
    if (job->parts[0].serial == task->serial)
        score_task_submit(task, job);
    else
        transaction_job_free(job);
}

bool
score_task_is_parting(struct score_task *task, bool *closed)
{
    if (score_task_is_out(task))
        return true;
    if (*closed || !task->producer_ready)
        return false;
    *closed = true;
    return score_task_close(task);
}

static void
score_task_on_committed(struct score_task *task, const struct transaction_job *job)
{
    struct metrics *metrics = task->world->metrics;

    metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_COMMITTED, 1);
    metrics_add(metrics, METRIC_TRANSACTION_RECORDS, METRIC_ROLE_SCORES, job->records_count);
    metrics_observe(metrics, METRIC_TRANSACTION_TIME, METRIC_ROLE_SCORES, job->took_us);
}

/* true: it waits to be sent again. */
static bool
score_task_on_aborted(struct score_task *task, struct transaction_job *job, bool ours)
{
    metrics_add(task->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_ABORTED, 1);
    log_write(task->world->log, LOG_WARNING, "transaction_aborted", LOG_TEXT("role", "scores"),
              LOG_TEXT("why", job->error));
    if (!ours)
        return false;
    task->retry = job;
    task->retry_mono_ms = task->world->now_mono_ms + SCORE_TASK_RETRY_MS;
    return true;
}

/* Nobody knows what became of it: fold again, the log knows. */
static void
score_task_on_unknown(struct score_task *task, const struct transaction_job *job, bool ours)
{
    metrics_add(task->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_FATAL, 1);
    log_write(task->world->log, LOG_ERROR, "transaction_unknown", LOG_TEXT("role", "scores"),
              LOG_TEXT("why", job->error));
    if (!ours)
        return;
    score_task_end(task);
    score_task_begin(task);
}

void
score_task_on_done(struct score_task *task, struct transaction_job *job)
{
    bool ours = job->parts_count > 0 && job->parts[0].serial == task->serial;

    if (job->result != TRANSACTION_READY)
        task->in_flight = false;
    switch (job->result) {
    case TRANSACTION_READY:
        task->producer_ready = true;
        break;
    case TRANSACTION_COMMITTED:
        score_task_on_committed(task, job);
        break;
    case TRANSACTION_ABORTED:
        if (score_task_on_aborted(task, job, ours))
            return;
        break;
    case TRANSACTION_FATAL:
        score_task_on_unknown(task, job, ours);
        break;
    case TRANSACTION_STOPPED:
        break;
    }
    transaction_job_free(job);
}

/* ---- the fold ---- */

static void
score_task_arrive(struct score_task *task, int64_t at_ms)
{
    if (at_ms > task->world->now_ms)
        at_ms = task->world->now_ms;
    if (at_ms > task->t_ms)
        task->t_ms = at_ms;
    scores_advance(task->scores, task->t_ms, SCORES_BEFORE);
}

static void
score_task_fold(struct score_task *task, const struct outcome *outcome, int64_t offset)
{
    switch (outcome->kind) {
    case OUTCOME_RISK_SAMPLE:
        learning_sample(task->learning, &outcome->risk_sample, offset);
        break;
    case OUTCOME_VERDICT:
        learning_time(task->learning, outcome->verdict.arrival.detected_at_ms, offset);
        scores_verdict(task->scores, &outcome->verdict, task->t_ms);
        break;
    case OUTCOME_TICKET:
        scores_ticket(task->scores, &outcome->ticket, task->t_ms);
        break;
    case OUTCOME_ANSWER:
        scores_answer(task->scores, &outcome->answer, task->t_ms);
        break;
    case OUTCOME_CONTRACT:
        scores_contract(task->scores, &outcome->contract, task->t_ms);
        break;
    default:
        break;
    }
}

void
score_task_on_outcome(struct score_task *task, const struct ingest_record *record)
{
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;
    enum error_code error;

    if (task->state == SCORE_TASK_IDLE || record->offset < task->outcomes_offset || record->value.at == NULL)
        return;
    score_task_arrive(task, record->timestamp_ms);
    error = outcome_read(task->reader, record->value, &outcome, detail);
    if (error == ERROR_NONE)
        score_task_fold(task, &outcome, record->offset);
    else
        log_write(task->world->log, LOG_WARNING, "outcome_unreadable", LOG_INTEGER("offset", record->offset),
                  LOG_TEXT("error", error_code_text(error)), LOG_TEXT("detail", detail));
    task->folded_count++;
    task->outcomes_offset = record->offset + 1;
    task->outcomes_at_end = false;
    metrics_add(task->world->metrics, METRIC_EVENTS, METRIC_TOPIC_OUTCOMES, 1);
}

void
score_task_on_outcomes_end(struct score_task *task, int64_t offset)
{
    if (task->state == SCORE_TASK_IDLE)
        return;
    task->outcomes_at_end = true;
    if (offset > task->outcomes_offset)
        task->outcomes_offset = offset;
    if (task->state != SCORE_TASK_FOLDING)
        return;
    task->state = SCORE_TASK_ASKING;
    for (int32_t p = 0; p < task->feedback_count; p++)
        task->feedback_offsets[p] = MARKER_NO_OFFSET;
    task->question = task->port.ask_offsets(task->port.context);
    log_write(task->world->log, LOG_INFO, "scores_folded", LOG_INTEGER("outcomes", task->folded_count),
              LOG_INTEGER("took_ms", task->world->now_mono_ms - task->folding_since_mono_ms));
}

bool
score_task_on_offsets(struct score_task *task, uint64_t question, const int64_t *offsets)
{
    if (task->state != SCORE_TASK_ASKING || question != task->question)
        return false;
    for (int32_t p = 0; p < task->feedback_count; p++) {
        task->feedback_offsets[p] = offsets[p] >= 0 ? offsets[p] : MARKER_NO_OFFSET;
        task->feedback_at_end[p] = false;
    }
    task->port.fetch_feedback(task->port.context);
    task->feedback_fetching = true;
    task->state = SCORE_TASK_LIVE;
    task->closed_mono_ms = task->world->now_mono_ms;
    if (task->t_ms < task->world->now_ms)
        task->t_ms = task->world->now_ms;
    scores_set_rebuilding(task->scores, false, task->t_ms);
    scores_set_behind(task->scores, true); /* what came while nobody ran is still to be read */
    log_write(task->world->log, LOG_INFO, "scores_live");
    return true;
}

/* ---- feedback ---- */

static enum error_code
score_task_take_feedback(struct score_task *task, const struct ingest_record *record,
                         char detail[EVENT_DETAIL_BYTES])
{
    struct engine_answer answer;
    struct event event;
    enum error_code error;

    if (poison_begin(task->world->poison, TOPIC_FEEDBACK, record->partition, record->offset, record->value))
        return ingest_poison(task->ingest, detail);
    error = ingest_read(task->ingest, record, EVENT_TOPIC_FEEDBACK, &event, detail);
    if (error != ERROR_NONE)
        return error;
    answer = scores_feedback(task->scores, &event, task->t_ms);
    if (answer.disposition == ENGINE_REFUSED) {
        snprintf(detail, EVENT_DETAIL_BYTES, "%s", answer.detail != NULL ? answer.detail : "");
        return answer.error;
    }
    if (answer.disposition == ENGINE_DUPLICATE)
        metrics_add(task->world->metrics, METRIC_DUPLICATES, 0, 1);
    else if (answer.disposition == ENGINE_NO_EFFECT)
        metrics_add(task->world->metrics, METRIC_NO_EFFECT, 0, 1);
    return ERROR_NONE;
}

void
score_task_on_feedback(struct score_task *task, const struct ingest_record *record)
{
    char detail[EVENT_DETAIL_BYTES] = "";
    enum error_code error;

    if (task->state != SCORE_TASK_LIVE || record->partition >= task->feedback_count ||
        record->offset < task->feedback_offsets[record->partition])
        return;
    score_task_arrive(task, record->timestamp_ms);
    error = score_task_take_feedback(task, record, detail);
    poison_end(task->world->poison);
    if (error != ERROR_NONE)
        ingest_refuse(task->ingest, task->batch, record, error, detail);
    task->feedback_offsets[record->partition] = record->offset + 1;
    task->feedback_at_end[record->partition] = false;
    score_task_touch(task, false);
    metrics_add(task->world->metrics, METRIC_EVENTS, METRIC_TOPIC_FEEDBACK, 1);
    metrics_add(task->world->metrics, METRIC_EVENT_BYTES, METRIC_TOPIC_FEEDBACK,
                record->value.bytes + record->key.bytes);
}

void
score_task_on_feedback_end(struct score_task *task, int32_t partition, int64_t offset)
{
    if (task->state != SCORE_TASK_LIVE || partition >= task->feedback_count)
        return;
    task->feedback_at_end[partition] = true;
    if (offset > task->feedback_offsets[partition])
        task->feedback_offsets[partition] = offset;
}

/* ---- time ---- */

bool
score_task_is_full(const struct score_task *task)
{
    return batch_count(task->batch) >= (size_t)task->world->config->epoch_records_max ||
           batch_bytes(task->batch) >= (size_t)task->world->config->epoch_bytes_max;
}

static bool
score_task_is_idle(const struct score_task *task)
{
    if (task->state != SCORE_TASK_LIVE || !task->outcomes_at_end)
        return false;
    for (int32_t p = 0; p < task->feedback_count; p++)
        if (!task->feedback_at_end[p])
            return false;
    return true;
}

void
score_task_tick(struct score_task *task)
{
    if (score_task_is_idle(task)) {
        if (task->t_ms < task->world->now_ms)
            task->t_ms = task->world->now_ms;
        scores_set_behind(task->scores, false);
        if (scores_next_ms(task->scores) <= task->t_ms)
            scores_advance(task->scores, task->t_ms, SCORES_THROUGH);
    }
    if (task->state == SCORE_TASK_LIVE && task->outcomes_at_end && learning_wait_ms(task->learning) == 0) {
        learning_tell(task->learning, task->batch);
        score_task_touch(task, false);
    }
    if (task->state == SCORE_TASK_LIVE &&
        task->world->now_mono_ms - task->closed_mono_ms > SCORE_TASK_HEARTBEAT_MS)
        score_task_touch(task, false); /* offsets of a topic the group does not subscribe to expire */
}

/* INT64_MAX: nothing is to be said. */
static int64_t
score_task_close_at_mono_ms(const struct score_task *task)
{
    if (!task->dirty || task->state != SCORE_TASK_LIVE)
        return INT64_MAX;
    return task->announces || score_task_is_full(task)
               ? 0
               : task->dirty_since_mono_ms + task->world->config->epoch_ms;
}

void
score_task_turn(struct score_task *task)
{
    int64_t now_mono_ms = task->world->now_mono_ms;

    if (task->retry != NULL && !task->in_flight && now_mono_ms >= task->retry_mono_ms)
        score_task_send_again(task);
    if (task->producer_ready && !score_task_is_out(task) && score_task_close_at_mono_ms(task) <= now_mono_ms)
        score_task_close(task);
}

void
score_task_measure(struct score_task *task)
{
    if (task->learning != NULL)
        learning_measure(task->learning);
}

int64_t
score_task_wait_ms(const struct score_task *task)
{
    int64_t wait_ms = INT64_MAX, at_mono_ms = INT64_MAX,
            next_ms = score_task_is_idle(task) ? scores_next_ms(task->scores) : INT64_MAX;

    if (next_ms != INT64_MAX)
        wait_ms = next_ms - task->world->now_ms;
    if (task->retry != NULL)
        at_mono_ms = task->retry_mono_ms;
    else if (!task->in_flight && task->producer_ready)
        at_mono_ms = score_task_close_at_mono_ms(task);
    if (task->state == SCORE_TASK_LIVE && task->outcomes_at_end && learning_wait_ms(task->learning) < wait_ms)
        wait_ms = learning_wait_ms(task->learning);
    if (at_mono_ms != INT64_MAX && at_mono_ms - task->world->now_mono_ms < wait_ms)
        wait_ms = at_mono_ms - task->world->now_mono_ms;
    return wait_ms > 0 ? wait_ms : 0;
}
