#ifndef SLAD_SHELL_INGEST_H
#define SLAD_SHELL_INGEST_H

/* One Kafka record into one task: read, checked, given to the engine; or a dead letter. The loop thread only.
 */
#include "shell/task.h"
#include "wire/event_read.h"

struct ingest;

struct ingest *ingest_new(struct world *world);
void ingest_free(struct ingest *ingest);

/* A record as it lies in Kafka. Everything is borrowed. */
struct ingest_record {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;        /* Kafka's, or the wall when it has none */
    struct slice key, value;     /* at NULL: none */
    rd_kafka_headers_t *headers; /* NULL: none */
};
struct ingest_record ingest_record_of(const struct ingest *ingest, const rd_kafka_message_t *message);

/* A record of tickets (or of relay) for a live task; high as task_advance_offset has it. true: timers before
 * it are still due; give it again next turn. */
bool ingest_ticket(struct ingest *ingest, struct task *task, const struct ingest_record *record,
                   int64_t high);
bool ingest_relay(struct ingest *ingest, struct task *task, const struct ingest_record *record, int64_t high);

/* Reads a record's value and headers as an event. Else the code, and detail says why. Slices as event_read's.
 */
enum error_code ingest_read(struct ingest *ingest, const struct ingest_record *record, enum event_topic topic,
                            struct event *ret_event, char detail[EVENT_DETAIL_BYTES]);
/* The record killed this daemon before (poison_begin says so): it is put aside unread. Counted; the code and
 * why. */
enum error_code ingest_poison(struct ingest *ingest, char detail[EVENT_DETAIL_BYTES]);
/* A dead letter into a batch, and counted. */
void ingest_refuse(struct ingest *ingest, struct batch *batch, const struct ingest_record *record,
                   enum error_code error, const char *detail);

#endif
