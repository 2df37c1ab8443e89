/*
 * The broker in this process.
 *
 * What: a producer handle that owns a mock cluster of one broker, with every topic created.
 *
 * Why so: someone who wants to see slad at work should not need a Kafka. The daemon takes the same path as
 * with a real one.
 *
 * Always true: the owning handle has Nagle's algorithm off too (44 ms a transaction otherwise); every topic
 * is created before anyone asks for it, because unknown ones would appear with four partitions.
 *
 * Creating a topic in the mock of librdkafka 2.0.2 stalls for a second now and then (a lost wake-up of its
 * thread). A helper thread that connects to the mock's port every few milliseconds while topics are created
 * wakes it.
 *
 * Not here: joining without a group (tickets.c, scoring.c), what committed offsets mean then (restore.c).
 */
#include "shell/embedded.h"
#include "base/memory.h"
#include "base/panic.h"
#include <arpa/inet.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct embedded {
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *cluster;
};

struct embedded_waker {
    uint16_t port;
    atomic_bool done;
};

static void *
embedded_wake(void *context)
{
    struct embedded_waker *waker = context;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(waker->port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    while (!atomic_load(&waker->done)) {
        int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (descriptor >= 0) {
            (void)!connect(descriptor, (const struct sockaddr *)&address, sizeof address);
            usleep(3000);
            close(descriptor);
        } else
            usleep(3000);
    }
    return NULL;
}

static int
embedded_create_topics(struct embedded *embedded, const struct topics *topics, char error[KAFKA_ERROR_BYTES])
{
    const char *colon = strrchr(embedded_address(embedded), ':');
    struct embedded_waker waker = {.port = (uint16_t)strtoul(colon != NULL ? colon + 1 : "0", NULL, 10)};
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    pthread_t thread;

    must(pthread_create(&thread, NULL, embedded_wake, &waker) == 0);
    for (int i = 0; i < TOPICS_COUNT && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        code = rd_kafka_mock_topic_create(
            embedded->cluster, topics->names[i],
            topics_row((enum topic)i)->partitions == TOPIC_PARTITIONS_ONE ? 1 : EMBEDDED_PARTITIONS_COUNT, 1);
    atomic_store(&waker.done, true);
    must(pthread_join(thread, NULL) == 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "embedded broker: %s", rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

struct embedded *
embedded_new(const struct kafka *kafka, const struct topics *topics, char error[KAFKA_ERROR_BYTES])
{
    struct embedded *embedded = memory_allocate_zeroed(1, sizeof *embedded);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    (void)kafka;
    if (rd_kafka_conf_set(conf, "socket.nagle.disable", "true", error, KAFKA_ERROR_BYTES) !=
            RD_KAFKA_CONF_OK ||
        rd_kafka_conf_set(conf, "log_level", "3", error, KAFKA_ERROR_BYTES) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        embedded_free(embedded);
        return NULL;
    }
    embedded->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, KAFKA_ERROR_BYTES);
    if (embedded->owner == NULL)
        rd_kafka_conf_destroy(conf);
    else
        embedded->cluster = rd_kafka_mock_cluster_new(embedded->owner, 1);
    if (embedded->cluster == NULL || embedded_create_topics(embedded, topics, error) != 0) {
        embedded_free(embedded);
        return NULL;
    }
    return embedded;
}

const char *
embedded_address(const struct embedded *embedded)
{
    return rd_kafka_mock_cluster_bootstraps(embedded->cluster);
}

void
embedded_free(struct embedded *embedded)
{
    if (embedded == NULL)
        return;
    if (embedded->cluster != NULL)
        rd_kafka_mock_cluster_destroy(embedded->cluster);
    if (embedded->owner != NULL)
        rd_kafka_destroy(embedded->owner);
    memory_free(embedded);
}
