#ifndef SLAD_SHELL_INGEST_H
#define SLAD_SHELL_INGEST_H

/* One Kafka record into one task: read, checked, given to the engine; or a dead letter. The loop thread only.
 */
#include "shell/task.h"
#include "wire/event_read.h"

struct ingest;

struct ingest *ingest_new(struct world *world);
void ingest_free(struct ingest *ingest);

/* A record of tickets (or of relay) for a live task; high as task_advance_offset has it. true: timers before
 * it are still due; give it again next turn. */
bool ingest_ticket(struct ingest *ingest, struct task *task, const rd_kafka_message_t *message, int64_t high);
bool ingest_relay(struct ingest *ingest, struct task *task, const rd_kafka_message_t *message, int64_t high);

/* Reads a record's value and headers as an event. Else the code, and detail says why. Slices as event_read's.
 */
enum error_code ingest_read(struct ingest *ingest, const rd_kafka_message_t *message, enum event_topic topic,
                            struct event *ret_event, char detail[EVENT_DETAIL_BYTES]);
/* A dead letter into a batch, and counted. */
void ingest_refuse(struct ingest *ingest, struct batch *batch, const rd_kafka_message_t *message,
                   enum error_code error, const char *detail);
/* The record's Kafka timestamp, or the wall when it has none. */
int64_t ingest_timestamp_ms(const struct ingest *ingest, const rd_kafka_message_t *message);

#endif
