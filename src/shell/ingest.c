/*
 * One Kafka record into one task.
 *
 * What: bytes and headers become an event, the key is compared with the ticket, the engine gets it; whatever
 * is refused, by whom ever, becomes a dead letter in the same epoch that moves the position past it.
 *
 * Why so: a bad event never stops the stream and is never lost. The key is checked here, because only here is
 * the partition known.
 *
 * Always true: after a call that returned false the position is past the record; a record below the position
 * changes nothing (librdkafka may give one again after a pause).
 *
 * Not here: form (wire/event_read), meaning (the engine), where records come from (tickets.c).
 */
#include "shell/ingest.h"
#include "base/memory.h"
#include "shell/partitioner.h"
#include "shell/poison.h"
#include "shell/publish.h"
#include "shell/relay_record.h"
#include <stdio.h>
#include <string.h>

struct ingest {
    struct world *world;
    struct event_reader *reader;
};

struct ingest *
ingest_new(struct world *world)
{
    struct ingest *ingest = memory_allocate_zeroed(1, sizeof *ingest);

    ingest->world = world;
    ingest->reader = event_reader_new();
    return ingest;
}

void
ingest_free(struct ingest *ingest)
{
    if (ingest == NULL)
        return;
    event_reader_free(ingest->reader);
    memory_free(ingest);
}

struct ingest_record
ingest_record_of(const struct ingest *ingest, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(message, &type);
    struct ingest_record record = {
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms =
            type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || at_ms <= 0 ? ingest->world->now_ms : at_ms,
        .key = {message->key, message->key != NULL ? message->key_len : 0},
        .value = {message->payload, message->payload != NULL ? message->len : 0},
    };

    if (rd_kafka_message_headers(message, &record.headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        record.headers = NULL;
    return record;
}

/* ---- reading ---- */

enum error_code
ingest_read(struct ingest *ingest, const struct ingest_record *record, enum event_topic topic,
            struct event *ret_event, char detail[EVENT_DETAIL_BYTES])
{
    struct event_headers headers = {0};
    const char *name;
    const void *at;
    size_t bytes;

    for (size_t i = 0;
         record->headers != NULL &&
         rd_kafka_header_get_all(record->headers, i, &name, &at, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        event_headers_note(&headers, slice_of(name), (struct slice){at, bytes});
    return event_read(ingest->reader, record->value, record->headers != NULL ? &headers : NULL, topic,
                      ret_event, detail);
}

void
ingest_refuse(struct ingest *ingest, struct batch *batch, const struct ingest_record *record,
              enum error_code error, const char *detail)
{
    struct publish_letter letter = {
        .error = error,
        .detail = detail,
        .topic = record->topic,
        .partition = record->partition,
        .offset = record->offset,
        .key = record->key,
        .value = record->value,
        .headers = record->headers,
    };

    publish_letter(batch, &letter);
    metrics_add(ingest->world->metrics, METRIC_DEADLETTERS, error, 1);
    log_write(ingest->world->log, LOG_NOTICE, "dead_letter", LOG_TEXT("error", error_code_text(error)),
              LOG_TEXT("detail", detail), LOG_TEXT("topic", letter.topic),
              LOG_INTEGER("partition", letter.partition), LOG_INTEGER("offset", letter.offset));
}

/* ---- tickets ---- */

/* Whether the record is where its ticket belongs. detail: EVENT_DETAIL_BYTES. */
static bool
ingest_key_fits(struct ingest *ingest, const struct ingest_record *record, struct slice ticket, char *detail)
{
    const struct world *world = ingest->world;
    enum partitioner own = (enum partitioner)world->config->partitioner, fits;
    struct slice key = record->key;

    if (key.at == NULL || !slice_equal(key, ticket)) {
        snprintf(detail, EVENT_DETAIL_BYTES, "the record's key is not its ticket");
        return false;
    }
    if (own == PARTITIONER_ANY ||
        partitioner_partition(own, key, world->partitions_count) == record->partition)
        return true;
    fits = partitioner_that_fits(key, record->partition, world->partitions_count);
    snprintf(detail, EVENT_DETAIL_BYTES, "under partitioner %s this key belongs to partition %d, not %d; %s",
             partitioner_text(own), (int)partitioner_partition(own, key, world->partitions_count),
             (int)record->partition,
             fits == PARTITIONER_CRC32 ? "crc32 would fit: the producer may be using librdkafka's partitioner"
             : fits == PARTITIONER_MURMUR2
                 ? "murmur2 would fit: the producer may be using the Java clients' partitioner"
                 : "no partitioner that slad knows would fit");
    log_write(world->log, LOG_WARNING, "wrong_partition", LOG_TEXT("partitioner", partitioner_text(own)),
              LOG_TEXT("would_fit", fits == PARTITIONER_ANY ? "none" : partitioner_text(fits)),
              LOG_INTEGER("partition", record->partition), LOG_INTEGER("offset", record->offset));
    return false;
}

static void
ingest_count(struct ingest *ingest, enum metric_topic topic, const struct ingest_record *record)
{
    metrics_add(ingest->world->metrics, METRIC_EVENTS, topic, 1);
    metrics_add(ingest->world->metrics, METRIC_EVENT_BYTES, topic, record->value.bytes + record->key.bytes);
}

enum error_code
ingest_poison(struct ingest *ingest, char detail[EVENT_DETAIL_BYTES])
{
    metrics_add(ingest->world->metrics, METRIC_POISONED, 0, 1);
    snprintf(detail, EVENT_DETAIL_BYTES, "%s died on it %d times", ingest->world->config->instance,
             POISON_DEATHS_MAX);
    return ERROR_POISON;
}

/* The engine's judgement, or why it did not come so far. detail: EVENT_DETAIL_BYTES. */
static enum error_code
ingest_apply_ticket(struct ingest *ingest, struct task *task, const struct ingest_record *record,
                    char detail[EVENT_DETAIL_BYTES])
{
    struct engine_answer answer;
    enum error_code error;
    struct event event;

    error = ingest_read(ingest, record, EVENT_TOPIC_TICKETS, &event, detail);
    if (error == ERROR_NONE && !ingest_key_fits(ingest, record, event.ticket, detail))
        error = ERROR_WRONG_KEY;
    if (error == ERROR_NONE) {
        answer = engine_event(task->engine, &event, task->t_ms);
        if (answer.disposition == ENGINE_REFUSED) {
            if (answer.error == ERROR_HISTORY_FULL)
                metrics_bound_hit(ingest->world->metrics, CONFIG_ticket_bytes_max);
            error = answer.error;
            snprintf(detail, EVENT_DETAIL_BYTES, "%s", answer.detail != NULL ? answer.detail : "");
        }
    }
    return error;
}

bool
ingest_ticket(struct ingest *ingest, struct task *task, const struct ingest_record *record, int64_t high)
{
    struct poison *poison = ingest->world->poison;
    char detail[EVENT_DETAIL_BYTES] = "";
    enum error_code error;

    if (record->offset < task->next_offsets[TASK_TICKETS])
        return false;
    if (task_arrive(task, TASK_TICKETS, record->timestamp_ms))
        return true;
    error = poison_begin(poison, TOPIC_TICKETS, record->partition, record->offset, record->value)
                ? ingest_poison(ingest, detail)
                : ingest_apply_ticket(ingest, task, record, detail);
    poison_end(poison);
    if (error != ERROR_NONE)
        ingest_refuse(ingest, task->batch, record, error, detail);
    ingest_count(ingest, METRIC_TOPIC_TICKETS, record);
    task_advance_offset(task, TASK_TICKETS, record->offset, high);
    return false;
}

bool
ingest_relay(struct ingest *ingest, struct task *task, const struct ingest_record *record, int64_t high)
{
    struct poison *poison = ingest->world->poison;
    enum error_code error = ERROR_NONE;
    char detail[EVENT_DETAIL_BYTES] = "";
    struct relay relay;

    if (record->offset < task->next_offsets[TASK_RELAY])
        return false;
    if (task_arrive(task, TASK_RELAY, record->timestamp_ms))
        return true;
    if (poison_begin(poison, TOPIC_RELAY, record->partition, record->offset, record->value))
        error = ingest_poison(ingest, detail);
    else if (relay_record_read(record->value, &relay) != 0)
        error = ERROR_RELAY_UNREADABLE;
    else
        engine_relay(task->engine, &relay, task->t_ms);
    poison_end(poison);
    if (error != ERROR_NONE)
        ingest_refuse(ingest, task->batch, record, error, detail);
    ingest_count(ingest, METRIC_TOPIC_RELAY, record);
    task_advance_offset(task, TASK_RELAY, record->offset, high);
    return false;
}
