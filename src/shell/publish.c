/*
 * Where effects become records.
 *
 * What: the engine's sink: one function an effect, each writes a record into the batch of the task's present
 * epoch; and dead letters.
 *
 * Why so: an effect is printed at the moment it is decided, because its texts live for the call only, and
 * into the epoch that also carries the state it came from: they commit together or not at all.
 *
 * Always true: an alert goes to the partition of its ticket, outcomes to the one partition they have, relays
 * to every partition; nothing here looks at the wall or decides.
 *
 * Not here: how a record is printed (wire/effect), what is decided (the engine).
 */
#include "shell/publish.h"
#include "shell/envelope.h"
#include "shell/relay_record.h"
#include "wire/dead_letter.h"
#include "wire/effect.h"
#include "wire/risk_json.h"
#include <string.h>

/* What a dead letter is cut at: more than any broker's default takes in, and less than slad.deadletters
 * takes. Key and headers may have a quarter each. */
enum { PUBLISH_LETTER_BYTES_MAX = 2000000 };

/* Key and id are built beside the batch, which is growing. */
static void
publish_begin(struct task *task)
{
    buffer_reset(&task->key);
    buffer_reset(&task->id);
}

/* Ends the open record with its envelope. */
static void
publish_finish(struct task *task, const char *type, int64_t at_ms)
{
    envelope_add(task->batch, task->world, type, buffer_slice(&task->id), at_ms);
    batch_end(task->batch);
    task_touch(task);
}

static void
publish_alert(void *context, const struct alert *alert)
{
    struct task *task = context;

    publish_begin(task);
    effect_alert_key(&task->key, alert);
    effect_alert_id(&task->id, alert);
    batch_begin(task->batch, TOPIC_ALERTS, task->partition, buffer_slice(&task->key));
    effect_print_alert(batch_value(task->batch), alert);
    publish_finish(task, "slad.alert", alert->arrival.detected_at_ms);
    if (!task->announces)
        task->announces_since_mono_ms = task->world->now_mono_ms;
    task->announces = true;
    metrics_add(task->world->metrics, METRIC_ALERTS, alert->state, 1);
}

static void
publish_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct task *task = context;

    publish_begin(task);
    effect_verdict_key(&task->key, outcome);
    effect_verdict_id(&task->id, outcome);
    batch_begin(task->batch, TOPIC_OUTCOMES, 0, buffer_slice(&task->key));
    effect_print_verdict(batch_value(task->batch), outcome);
    publish_finish(task, "slad.verdict", outcome->arrival.detected_at_ms);
    metrics_add(task->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_VERDICT, 1);
}

static void
publish_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct task *task = context;

    publish_begin(task);
    effect_ticket_key(&task->key, outcome);
    effect_ticket_id(&task->id, outcome);
    batch_begin(task->batch, TOPIC_OUTCOMES, 0, buffer_slice(&task->key));
    effect_print_ticket(batch_value(task->batch), outcome);
    publish_finish(task, "slad.ticket", outcome->arrival.detected_at_ms);
    metrics_add(task->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_TICKET, 1);
}

static void
publish_due_changed(void *context, const struct due_changed_outcome *outcome)
{
    struct task *task = context;

    publish_begin(task);
    effect_due_changed_key(&task->key, outcome);
    effect_due_changed_id(&task->id, outcome);
    batch_begin(task->batch, TOPIC_OUTCOMES, 0, buffer_slice(&task->key));
    effect_print_due_changed(batch_value(task->batch), outcome);
    publish_finish(task, "slad.due_changed", outcome->arrival.detected_at_ms);
    metrics_add(task->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_DUE_CHANGED, 1);
}

static void
publish_risk_sample(void *context, const struct risk_sample *sample)
{
    struct task *task = context;

    publish_begin(task);
    risk_json_sample_key(&task->key, sample);
    risk_json_sample_id(&task->id, sample);
    batch_begin(task->batch, TOPIC_OUTCOMES, 0, buffer_slice(&task->key));
    risk_json_print_sample(batch_value(task->batch), sample);
    publish_finish(task, "slad.risk_sample", sample->arrival.detected_at_ms);
    metrics_add(task->world->metrics, METRIC_OUTCOMES, METRIC_OUTCOME_RISK_SAMPLE, 1);
}

static void
publish_relay(void *context, const struct relay *relay)
{
    struct task *task = context;

    for (int32_t partition = 0; partition < task->world->partitions_count; partition++) {
        batch_begin(task->batch, TOPIC_RELAY, partition, relay->into_ticket);
        relay_record_write(relay, batch_value(task->batch));
        batch_end(task->batch);
    }
    task_touch(task);
}

static void
publish_tombstone(void *context, struct slice ticket, struct slice alert_key)
{
    struct task *task = context;

    (void)ticket;
    batch_begin(task->batch, TOPIC_ALERTS, task->partition, alert_key);
    batch_end(task->batch);
    task_touch(task);
}

struct engine_sink
publish_sink(struct task *task)
{
    return (struct engine_sink){
        .context = task,
        .alert = publish_alert,
        .verdict = publish_verdict,
        .ticket = publish_ticket,
        .due_changed = publish_due_changed,
        .relay = publish_relay,
        .tombstone = publish_tombstone,
        .risk_sample = publish_risk_sample,
    };
}

/* ---- dead letters ---- */

static struct slice
publish_cut(struct slice text, size_t bytes_max)
{
    return (struct slice){text.at, text.bytes < bytes_max ? text.bytes : bytes_max};
}

/* The record's own headers, those that fit. batch NULL: only measured. Returns their bytes. */
static size_t
publish_letter_headers(struct batch *batch, const struct publish_letter *letter)
{
    size_t all_bytes = 0, bytes;
    const char *name;
    const void *at;

    for (size_t i = 0;
         letter->headers != NULL &&
         rd_kafka_header_get_all(letter->headers, i, &name, &at, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        size_t with_bytes = all_bytes + strlen(name) + bytes;

        if (dead_letter_is_header(slice_of(name)) || with_bytes > PUBLISH_LETTER_BYTES_MAX / 4)
            continue;
        all_bytes = with_bytes;
        if (batch != NULL)
            batch_header(batch, slice_of(name), (struct slice){at, bytes});
    }
    return all_bytes;
}

void
publish_letter(struct batch *batch, const struct publish_letter *letter)
{
    struct slice key = publish_cut(letter->key, PUBLISH_LETTER_BYTES_MAX / 4);
    size_t beside_bytes = key.bytes + publish_letter_headers(NULL, letter);
    struct dead_letter why;

    dead_letter_set(&why, letter->error, letter->detail, letter->topic, letter->partition, letter->offset);
    batch_begin(batch, TOPIC_DEADLETTERS, RD_KAFKA_PARTITION_UA, key);
    if (letter->value.at != NULL)
        buffer_append_slice(batch_value(batch),
                            publish_cut(letter->value, PUBLISH_LETTER_BYTES_MAX - beside_bytes));
    (void)publish_letter_headers(batch, letter);
    for (size_t i = 0; i < DEAD_LETTER_HEADERS_COUNT; i++)
        batch_header(batch, slice_of(why.headers[i].name), why.headers[i].value);
    batch_end(batch);
}
