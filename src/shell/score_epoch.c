/*
 * The open epoch of the score task.
 *
 * What: what the scores say becomes records of slad.outcomes, slad.scores and slad.alerts, with their
 * envelopes; when the epoch that holds them is to be closed.
 *
 * Why so: the task decides what is read, the scores what is said; this is where the second becomes bytes, and
 * neither has to know the other's business.
 *
 * Always true: facts (answers, contracts) and offsets wait for epoch_ms, numbers and pages do not.
 *
 * Not here: what comes in and whose it is (score_task.c), the text of a record (wire/).
 */
#include "shell/score_epoch.h"
#include "shell/envelope.h"
#include "shell/partitioner.h"
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/kei_json.h"
#include "wire/score_json.h"

/* ---- the epoch ---- */

void
score_epoch_init(struct score_epoch *epoch, const struct world *world)
{
    *epoch = (struct score_epoch){.world = world, .batch = batch_new(world->batches)};
}

void
score_epoch_done(struct score_epoch *epoch)
{
    batch_free(epoch->batch);
}

void
score_epoch_touch(struct score_epoch *epoch, bool announces)
{
    if (!epoch->dirty)
        epoch->dirty_since_mono_ms = epoch->world->now_mono_ms;
    epoch->dirty = true;
    epoch->announces |= announces;
}

bool
score_epoch_is_full(const struct score_epoch *epoch)
{
    return batch_count(epoch->batch) >= (size_t)epoch->world->config->epoch_records_max ||
           batch_bytes(epoch->batch) >= (size_t)epoch->world->config->epoch_bytes_max;
}

int64_t
score_epoch_close_at_mono_ms(const struct score_epoch *epoch)
{
    if (!epoch->dirty)
        return INT64_MAX;
    return epoch->announces || score_epoch_is_full(epoch)
               ? 0
               : epoch->dirty_since_mono_ms + epoch->world->config->epoch_ms;
}

struct batch *
score_epoch_take(struct score_epoch *epoch)
{
    struct batch *batch = epoch->batch;

    epoch->batch = batch_new(epoch->world->batches);
    epoch->dirty = epoch->announces = false;
    return batch;
}

/* ---- what the scores say ---- */

/* Ends the open record with its envelope and frees the texts. */
static void
finish(struct score_epoch *epoch, const char *type, struct buffer *key, struct buffer *id, int64_t at_ms,
       bool announces)
{
    envelope_add(epoch->batch, epoch->world, type, buffer_slice(id), at_ms);
    batch_end(epoch->batch);
    buffer_free(key);
    buffer_free(id);
    score_epoch_touch(epoch, announces);
}

static void
on_answer(void *context, const struct answer_outcome *outcome)
{
    struct score_epoch *epoch = context;
    struct buffer key = {0}, id = {0};

    effect_answer_key(&key, outcome);
    effect_answer_id(&id, outcome);
    batch_begin(epoch->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    effect_print_answer(batch_value(epoch->batch), outcome);
    finish(epoch, "slad.answer", &key, &id, outcome->arrival.detected_at_ms, false);
    metrics_add(epoch->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_ANSWER, 1);
}

static void
on_score(void *context, const struct score_record *record)
{
    struct score_epoch *epoch = context;
    struct buffer key = {0}, id = {0};

    score_json_key(&key, record);
    score_json_id(&id, record);
    batch_begin(epoch->batch, TOPIC_SCORES, 0, buffer_slice(&key));
    score_json_print(batch_value(epoch->batch), record);
    finish(epoch, "slad.score", &key, &id, record->at_ms, true);
    metrics_add(epoch->world->metrics, METRIC_SCORES, 0, 1);
}

/* KEIs and contracts' present values. */
#define ON_VALUE(name, struct_name, type, print, print_key, print_id)                                        \
    static void name(void *context, const struct struct_name *record)                                        \
    {                                                                                                        \
        struct score_epoch *epoch = context;                                                                 \
        struct buffer key = {0}, id = {0};                                                                   \
                                                                                                             \
        print_key(&key, record);                                                                             \
        print_id(&id, record);                                                                               \
        batch_begin(epoch->batch, TOPIC_SCORES, 0, buffer_slice(&key));                                      \
        print(batch_value(epoch->batch), record);                                                            \
        finish(epoch, type, &key, &id, record->at_ms, true);                                                 \
        metrics_add(epoch->world->metrics, METRIC_SCORES, 0, 1);                                             \
    }
ON_VALUE(on_kei, score_kei, "slad.kei", kei_json_print, kei_json_key, kei_json_id)
ON_VALUE(on_pxa, score_pxa, "slad.pxa", contract_json_print_pxa, contract_json_pxa_key, contract_json_pxa_id)
ON_VALUE(on_watermelon, score_watermelon, "slad.watermelon", contract_json_print_watermelon,
         contract_json_watermelon_key, contract_json_watermelon_id)
ON_VALUE(on_credit, score_credit, "slad.credit", contract_json_print_credit, contract_json_credit_key,
         contract_json_credit_id)
ON_VALUE(on_attainment, score_attainment, "slad.attainment", contract_json_print_attainment,
         contract_json_attainment_key, contract_json_attainment_id)

static void
on_contract(void *context, const struct contract_outcome *outcome)
{
    struct score_epoch *epoch = context;
    struct buffer key = {0}, id = {0};

    contract_json_key(&key, outcome);
    contract_json_id(&id, outcome);
    batch_begin(epoch->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    contract_json_print(batch_value(epoch->batch), outcome);
    finish(epoch, "slad.contract", &key, &id, outcome->arrival.detected_at_ms, false);
    metrics_add(epoch->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_CONTRACT, 1);
}

/* A detractor alert lies where its ticket's other alerts lie. */
static int32_t
detractor_partition(const struct score_epoch *epoch, const struct score_detractor *alert)
{
    const struct world *world = epoch->world;
    enum partitioner partitioner = (enum partitioner)world->config->partitioner;
    struct slice owner = alert->ticket.at != NULL ? alert->ticket : alert->customer;

    return partitioner_partition(partitioner == PARTITIONER_ANY ? PARTITIONER_MURMUR2 : partitioner, owner,
                                 world->partitions_count);
}

static void
on_detractor_gone(void *context, const struct score_detractor *alert)
{
    struct score_epoch *epoch = context;
    struct buffer key = {0};

    score_json_detractor_key(&key, alert);
    batch_begin(epoch->batch, TOPIC_ALERTS, detractor_partition(epoch, alert), buffer_slice(&key));
    batch_drop_value(epoch->batch);
    batch_end(epoch->batch);
    buffer_free(&key);
    score_epoch_touch(epoch, false);
}

static void
on_detractor(void *context, const struct score_detractor *alert)
{
    struct score_epoch *epoch = context;
    const struct world *world = epoch->world;
    struct buffer key = {0}, id = {0};

    score_json_detractor_key(&key, alert);
    score_json_detractor_id(&id, alert);
    batch_begin(epoch->batch, TOPIC_ALERTS, detractor_partition(epoch, alert), buffer_slice(&key));
    score_json_print_detractor(batch_value(epoch->batch), alert);
    finish(epoch, "slad.alert", &key, &id, alert->arrival.detected_at_ms, true);
    metrics_add(world->metrics, METRIC_ALERTS, alert->state, 1);
}

struct scores_sink
score_epoch_sink(struct score_epoch *epoch)
{
    return (struct scores_sink){.context = epoch,
                                .answer = on_answer,
                                .score = on_score,
                                .detractor = on_detractor,
                                .detractor_gone = on_detractor_gone,
                                .kei = on_kei,
                                .pxa = on_pxa,
                                .watermelon = on_watermelon,
                                .credit = on_credit,
                                .attainment = on_attainment,
                                .contract = on_contract};
}
