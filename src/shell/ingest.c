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

int64_t
ingest_timestamp_ms(const struct ingest *ingest, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(message, &type);

    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || at_ms <= 0 ? ingest->world->now_ms : at_ms;
}

/* ---- reading ---- */

enum error_code
ingest_read(struct ingest *ingest, const rd_kafka_message_t *message, enum event_topic topic,
            struct event *ret_event, char detail[EVENT_DETAIL_BYTES])
{
    struct event_headers headers = {0};
    rd_kafka_headers_t *list;
    struct slice value = {message->payload, message->payload != NULL ? message->len : 0};
    const char *name;
    const void *at;
    size_t bytes;
    bool any = rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR;

    for (size_t i = 0;
         any && rd_kafka_header_get_all(list, i, &name, &at, &bytes) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        event_headers_note(&headers, slice_of(name), (struct slice){at, bytes});
    return event_read(ingest->reader, value, any ? &headers : NULL, topic, ret_event, detail);
}

void
ingest_refuse(struct ingest *ingest, struct batch *batch, const rd_kafka_message_t *message,
              enum error_code error, const char *detail)
{
    rd_kafka_headers_t *headers = NULL;
    struct publish_letter letter = {
        .error = error,
        .detail = detail,
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .key = {message->key, message->key != NULL ? message->key_len : 0},
        .value = {message->payload, message->payload != NULL ? message->len : 0},
    };

    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        letter.headers = headers;
    publish_letter(batch, &letter);
    metrics_add(ingest->world->metrics, METRIC_DEADLETTERS, error, 1);
    log_write(ingest->world->log, LOG_NOTICE, "dead_letter", LOG_TEXT("error", error_code_text(error)),
              LOG_TEXT("detail", detail), LOG_TEXT("topic", letter.topic),
              LOG_INTEGER("partition", letter.partition), LOG_INTEGER("offset", letter.offset));
}

/* ---- tickets ---- */

/* Whether the record is where its ticket belongs. detail: EVENT_DETAIL_BYTES. */
static bool
ingest_key_fits(struct ingest *ingest, const rd_kafka_message_t *message, struct slice ticket, char *detail)
{
    const struct world *world = ingest->world;
    enum partitioner own = (enum partitioner)world->config->partitioner, fits;
    struct slice key = {message->key, message->key != NULL ? message->key_len : 0};

    if (message->key == NULL || !slice_equal(key, ticket)) {
        snprintf(detail, EVENT_DETAIL_BYTES, "the record's key is not its ticket");
        return false;
    }
    if (own == PARTITIONER_ANY ||
        partitioner_partition(own, key, world->partitions_count) == message->partition)
        return true;
    fits = partitioner_that_fits(key, message->partition, world->partitions_count);
    snprintf(detail, EVENT_DETAIL_BYTES, "under partitioner %s this key belongs to partition %d, not %d; %s",
             partitioner_text(own), (int)partitioner_partition(own, key, world->partitions_count),
             (int)message->partition,
             fits == PARTITIONER_CRC32 ? "crc32 would fit: the producer may be using librdkafka's partitioner"
             : fits == PARTITIONER_MURMUR2
                 ? "murmur2 would fit: the producer may be using the Java clients' partitioner"
                 : "no partitioner that slad knows would fit");
    log_write(world->log, LOG_WARNING, "wrong_partition", LOG_TEXT("partitioner", partitioner_text(own)),
              LOG_TEXT("would_fit", fits == PARTITIONER_ANY ? "none" : partitioner_text(fits)),
              LOG_INTEGER("partition", message->partition), LOG_INTEGER("offset", message->offset));
    return false;
}

static void
ingest_count(struct ingest *ingest, enum metric_topic topic, const rd_kafka_message_t *message)
{
    metrics_add(ingest->world->metrics, METRIC_EVENTS, topic, 1);
    metrics_add(ingest->world->metrics, METRIC_EVENT_BYTES, topic, message->len + message->key_len);
}

bool
ingest_ticket(struct ingest *ingest, struct task *task, const rd_kafka_message_t *message, int64_t high)
{
    char detail[EVENT_DETAIL_BYTES] = "";
    struct engine_answer answer;
    enum error_code error;
    struct event event;

    if (message->offset < task->next_offsets[TASK_TICKETS])
        return false;
    if (task_arrive(task, TASK_TICKETS, ingest_timestamp_ms(ingest, message)))
        return true;
    error = ingest_read(ingest, message, EVENT_TOPIC_TICKETS, &event, detail);
    if (error == ERROR_NONE && !ingest_key_fits(ingest, message, event.ticket, detail))
        error = ERROR_WRONG_KEY;
    if (error == ERROR_NONE) {
        answer = engine_event(task->engine, &event, task->t_ms);
        if (answer.disposition == ENGINE_REFUSED) {
            error = answer.error;
            snprintf(detail, sizeof detail, "%s", answer.detail != NULL ? answer.detail : "");
        }
    }
    if (error != ERROR_NONE)
        ingest_refuse(ingest, task->batch, message, error, detail);
    ingest_count(ingest, METRIC_TOPIC_TICKETS, message);
    task_advance_offset(task, TASK_TICKETS, message->offset, high);
    return false;
}

bool
ingest_relay(struct ingest *ingest, struct task *task, const rd_kafka_message_t *message, int64_t high)
{
    struct relay relay;

    if (message->offset < task->next_offsets[TASK_RELAY])
        return false;
    if (task_arrive(task, TASK_RELAY, ingest_timestamp_ms(ingest, message)))
        return true;
    if (message->payload == NULL ||
        relay_record_read((struct slice){message->payload, message->len}, &relay) != 0)
        log_write(ingest->world->log, LOG_ERROR, "relay_unreadable",
                  LOG_INTEGER("partition", message->partition), LOG_INTEGER("offset", message->offset));
    else
        engine_relay(task->engine, &relay, task->t_ms);
    ingest_count(ingest, METRIC_TOPIC_RELAY, message);
    task_advance_offset(task, TASK_RELAY, message->offset, high);
    return false;
}
