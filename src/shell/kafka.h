#ifndef SLAD_SHELL_KAFKA_H
#define SLAD_SHELL_KAFKA_H

/*
 * librdkafka, set up the one way slad uses it: clients with the settings that were measured to matter, the
 * log and the errors of a client, and small helpers around lists and errors.
 */
#include "base/buffer.h"
#include "base/slice.h"
#include "shell/config.h"
#include "shell/log.h"
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

/* How this process reaches Kafka. Owned by the daemon (or a slactl command), outlives every client. */
struct kafka {
    const struct config *config;
    struct log *log;
    const char *brokers; /* config->brokers, or the address of the broker in this process */
    bool embedded;       /* the mock cluster: no static members, no stable offsets (embedded.h) */
    atomic_uint_fast64_t errors_count;
};

struct kafka_setting {
    const char *name, *value;
};

enum { KAFKA_ERROR_BYTES = 512 };

/* What a client does beyond the common settings. All members may be NULL / 0. Settings of the configuration's
 * kafka map come after the common ones and before these, so that what slad's correctness rests on cannot be
 * overridden. */
struct kafka_client {
    const struct kafka *kafka; /* required */
    const char *name;          /* "tickets", "scores", "board", "loader": for the log */
    const struct kafka_setting *settings;
    size_t settings_count;
    void *context; /* given to the two below */
    void (*rebalance)(void *context, rd_kafka_t *client, bool assigned,
                      rd_kafka_topic_partition_list_t *partitions);
    void (*delivered)(void *context, const rd_kafka_message_t *message);
};

/* Whether librdkafka takes each of the configuration's kafka map: 0, or -1 with what is wrong, so that a word
 * it does not know is refused at the start, and not taken for brokers that do not answer. */
int kafka_check_settings(const struct config *config, char error[KAFKA_ERROR_BYTES]);

/* The struct kafka_client must live as long as the client. NULL when librdkafka refuses a setting; why is in
 * error. */
rd_kafka_t *kafka_consumer_new(const struct kafka_client *description, char error[KAFKA_ERROR_BYTES]);
rd_kafka_t *kafka_producer_new(const struct kafka_client *description, char error[KAFKA_ERROR_BYTES]);
/* An admin client is a producer that never produces. */

/* Lets the queue ring an eventfd whenever something is put into an empty queue, and rings it once at the
 * beginning: read the queue until it is empty whenever it rings. */
void kafka_queue_wake(rd_kafka_queue_t *queue, int descriptor);

/* A producer's topic whose records are compressed with lz4, unless the installation's kafka map names a
 * compression, which is then this topic's too. The caller's to destroy. NULL: rd_kafka_last_error says why. */
rd_kafka_topic_t *kafka_topic_compressed(rd_kafka_t *client, const struct kafka *kafka, const char *name);

/* Fetches the metadata of a topic into the client, so that its first use does not wait. 0, or -1 with the
 * reason. */
int kafka_topic_warm(rd_kafka_t *client, rd_kafka_topic_t *topic, int timeout_ms,
                     char error[KAFKA_ERROR_BYTES]);

/* Topics whose metadata a consumer has before it is given their partitions: without it the first record comes
 * up to seconds later. Zeroes are empty; done before the client is destroyed. */
enum { KAFKA_WARM_MAX = 4 };
struct kafka_warm {
    rd_kafka_topic_t *topics[KAFKA_WARM_MAX];
    size_t count;
};
void kafka_warm_add(struct kafka_warm *warm, rd_kafka_t *client, const char *name);
void kafka_warm_done(struct kafka_warm *warm);

/* How many partitions the topic has; 0: there is no such topic; -1: no answer, the reason in error. */
int32_t kafka_partitions_count(rd_kafka_t *client, const char *topic, int timeout_ms,
                               char error[KAFKA_ERROR_BYTES]);

/* Takes an error: its text goes into error (cut), the object is destroyed. NULL gives "". */
void kafka_error_text(rd_kafka_error_t *taken, char error[KAFKA_ERROR_BYTES]);

/* "slad-tickets" and the like: into a new text that memory_free takes. */
char *kafka_name(const char *first, const char *second);

#endif
