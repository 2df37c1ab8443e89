/*
 * librdkafka, set up the one way slad uses it.
 *
 * What: making consumers and producers; their log lines and errors into slad's log; waking an event loop.
 *
 * Why so: each setting below was measured or learned the hard way (docs: architecture). Nagle's algorithm
 * costs 40 ms a transaction; a missing delivery-report callback makes every commit sleep in steps of 10 ms;
 * before librdkafka 2.2 a full prefetch queue backs off for a whole second, so it is generous.
 *
 * Always true: no client commits or stores offsets by itself; every consumer reads committed records only and
 * says when it has reached the end of a partition; auto.offset.reset is an error, because a lost position is
 * for a person to judge.
 *
 * Not here: what is read or written (ingest.c, transaction.c), topics (topics.c).
 */
#include "shell/kafka.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { KAFKA_WARM_MS = 3000, KAFKA_SLACK_NS = 1000000, KAFKA_SLACK_USUAL_NS = 50000 };

static const struct kafka_setting kafka_common[] = {
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"topic.metadata.refresh.interval.ms", "30000"}, /* partitions that were added are noticed that late */
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "2000"},
    {"log.connection.close", "false"},
    {"allow.auto.create.topics", "false"},
    {"log_level", "6"},
};

static const struct kafka_setting kafka_consumer_fixed[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"isolation.level", "read_committed"},
    {"enable.partition.eof", "true"},
    {"partition.assignment.strategy", "cooperative-sticky"},
    {"fetch.wait.max.ms", "100"}, /* the end of a quiet partition is told that late */
    {"fetch.error.backoff.ms", "50"},
    {"queued.min.messages", "300000"}, /* with so many it pauses for a second: more than a second's work */
};

static void
kafka_on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    const struct kafka_client *description = rd_kafka_opaque(client);
    enum log_level own = level <= 3   ? LOG_WARNING
                         : level <= 5 ? LOG_NOTICE
                         : level == 6 ? LOG_INFO
                                      : LOG_DEBUG;

    if (description->kafka->embedded && strcmp(facility, "AUTOCREATE") == 0)
        own = LOG_DEBUG; /* the mock cannot be asked not to create topics: they are all there */
    if (strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored by this") != NULL)
        own = LOG_DEBUG; /* every client is given all of `kafka`: compression.type is no news to a consumer */
    log_write(description->kafka->log, own, "kafka_client", LOG_TEXT("client", description->name),
              LOG_TEXT("facility", facility), LOG_TEXT("text", text));
}

static void
kafka_on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    const struct kafka_client *description = opaque;
    struct kafka *kafka =
        (struct kafka *)(uintptr_t)description->kafka; /* the counter is the one thing in it that changes */
    char text[KAFKA_ERROR_BYTES];

    atomic_fetch_add(&kafka->errors_count, 1);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        log_write(kafka->log, LOG_WARNING, "no_broker", LOG_TEXT("client", description->name),
                  LOG_TEXT("trying", kafka->brokers), LOG_TEXT("text", reason));
    else if (code == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client, text, sizeof text);

        log_write(kafka->log, LOG_ERROR, "kafka_fatal", LOG_TEXT("client", description->name),
                  LOG_TEXT("code", rd_kafka_err2name(fatal)), LOG_TEXT("text", text));
    } else
        log_write(kafka->log, LOG_WARNING, "kafka_error", LOG_TEXT("client", description->name),
                  LOG_TEXT("code", rd_kafka_err2name(code)), LOG_TEXT("text", reason));
}

static void
kafka_on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                   void *opaque)
{
    const struct kafka_client *description = opaque;

    description->rebalance(description->context, client, code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS,
                           partitions);
}

static void
kafka_on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    const struct kafka_client *description = opaque;

    (void)client;
    if (description->delivered != NULL)
        description->delivered(description->context, message);
}

static int
kafka_set(rd_kafka_conf_t *conf, const char *name, const char *value, char error[KAFKA_ERROR_BYTES])
{
    return rd_kafka_conf_set(conf, name, value, error, KAFKA_ERROR_BYTES) == RD_KAFKA_CONF_OK ? 0 : -1;
}

static int
kafka_set_all(rd_kafka_conf_t *conf, const struct kafka_setting *settings, size_t count,
              char error[KAFKA_ERROR_BYTES])
{
    for (size_t i = 0; i < count; i++)
        if (kafka_set(conf, settings[i].name, settings[i].value, error) != 0)
            return -1;
    return 0;
}

/* The common settings, the pass-through ones, and what depends on the configuration. */
static int
kafka_set_common(rd_kafka_conf_t *conf, const struct kafka_client *description, char error[KAFKA_ERROR_BYTES])
{
    const struct kafka *kafka = description->kafka;
    const struct config_map *map = &kafka->config->kafka;

    if (kafka_set_all(conf, kafka_common, sizeof kafka_common / sizeof *kafka_common, error) != 0 ||
        kafka_set(conf, "client.id", kafka->config->instance, error) != 0)
        return -1;
    for (size_t i = 0; i < map->count; i++)
        if (kafka_set(conf, map->entries[i].key, map->entries[i].value, error) != 0)
            return -1;
    return kafka_set(conf, "bootstrap.servers", kafka->brokers, error);
}

int
kafka_check_settings(const struct config *config, char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int status = 0;

    for (size_t i = 0; i < config->kafka.count && status == 0; i++)
        status = kafka_set(conf, config->kafka.entries[i].key, config->kafka.entries[i].value, error);
    rd_kafka_conf_destroy(conf);
    return status;
}

/* librdkafka's main thread sleeps whole milliseconds short of its next timer and spins for the rest, some
 * half a millisecond a timer, a tenth of a percent of a core for each client. Let it oversleep by that. Its
 * other threads keep time as usual: they are its children, and would inherit it. */
static rd_kafka_resp_err_t
kafka_on_thread(rd_kafka_t *client, rd_kafka_thread_type_t type, const char *name, void *context)
{
    (void)client;
    (void)name;
    (void)context;
    (void)prctl(PR_SET_TIMERSLACK, type == RD_KAFKA_THREAD_MAIN ? KAFKA_SLACK_NS : KAFKA_SLACK_USUAL_NS, 0, 0,
                0);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
kafka_on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *context, char *error, size_t error_bytes)
{
    (void)conf;
    (void)context;
    (void)error;
    (void)error_bytes;
    return rd_kafka_interceptor_add_on_thread_start(client, "slad", kafka_on_thread, NULL);
}

static rd_kafka_t *
kafka_client_new(const struct kafka_client *description, rd_kafka_conf_t *conf, rd_kafka_type_t type,
                 char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_t *client;

    rd_kafka_conf_set_opaque(conf, (void *)(uintptr_t)description);
    rd_kafka_conf_set_log_cb(conf, kafka_on_log);
    rd_kafka_conf_set_error_cb(conf, kafka_on_error);
    (void)rd_kafka_conf_interceptor_add_on_new(conf, "slad", kafka_on_new, NULL);
    client = rd_kafka_new(type, conf, error, KAFKA_ERROR_BYTES);
    if (client == NULL)
        rd_kafka_conf_destroy(conf);
    return client;
}

rd_kafka_t *
kafka_consumer_new(const struct kafka_client *description, char error[KAFKA_ERROR_BYTES])
{
    const struct kafka *kafka = description->kafka;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;
    char kbytes[24], session_ms[24];

    snprintf(kbytes, sizeof kbytes, "%lld", (long long)(kafka->config->fetch_bytes_max / 1024));
    snprintf(session_ms, sizeof session_ms, "%lld", (long long)kafka->config->session_timeout_ms);
    if (kafka_set_common(conf, description, error) != 0 ||
        kafka_set_all(conf, kafka_consumer_fixed, sizeof kafka_consumer_fixed / sizeof *kafka_consumer_fixed,
                      error) != 0 ||
        kafka_set(conf, "queued.max.messages.kbytes", kbytes, error) != 0 ||
        kafka_set(conf, "session.timeout.ms", session_ms, error) != 0 ||
        (kafka->embedded && kafka_set(conf, "fetch.wait.max.ms", "20", error) != 0) ||
        kafka_set_all(conf, description->settings, description->settings_count, error) != 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    if (description->rebalance != NULL)
        rd_kafka_conf_set_rebalance_cb(conf, kafka_on_rebalance);
    client = kafka_client_new(description, conf, RD_KAFKA_CONSUMER, error);
    if (client != NULL)
        rd_kafka_poll_set_consumer(client);
    return client;
}

rd_kafka_t *
kafka_producer_new(const struct kafka_client *description, char error[KAFKA_ERROR_BYTES])
{
    static const struct kafka_setting producing[] = {
        {"linger.ms", "0"}, /* 2.0.2 spins while one lingers; epochs: transaction_settle */
        {"retry.backoff.ms", "2"},
        {"queue.buffering.max.messages", "2000000"},
        {"queue.buffering.max.kbytes", "2097151"},
        {"message.max.bytes", "2097152"},
        {"message.copy.max.bytes", "256"}, /* larger ones are sent from the batch they lie in */
    };
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    if (kafka_set_common(conf, description, error) != 0 ||
        kafka_set_all(conf, producing, sizeof producing / sizeof *producing, error) != 0 ||
        kafka_set_all(conf, description->settings, description->settings_count, error) != 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, kafka_on_delivered);
    return kafka_client_new(description, conf, RD_KAFKA_PRODUCER, error);
}

void
kafka_queue_wake(rd_kafka_queue_t *queue, int descriptor)
{
    static const uint64_t one = 1;

    rd_kafka_queue_io_event_enable(queue, descriptor, &one, sizeof one);
    /* What came before rings nobody, and while it lies there nothing else does. */
    must(write(descriptor, &one, sizeof one) == sizeof one);
}

rd_kafka_topic_t *
kafka_topic_compressed(rd_kafka_t *client, const struct kafka *kafka, const char *name)
{
    const struct config *config = kafka->config;
    rd_kafka_topic_conf_t *conf = rd_kafka_default_topic_conf_dup(client);
    bool is_named = false;
    char error[KAFKA_ERROR_BYTES];

    for (size_t i = 0; i < config->kafka.count; i++)
        is_named = is_named || strcmp(config->kafka.entries[i].key, "compression.type") == 0 ||
                   strcmp(config->kafka.entries[i].key, "compression.codec") == 0;
    if (!is_named)
        must(rd_kafka_topic_conf_set(conf, "compression.codec", "lz4", error, sizeof error) ==
             RD_KAFKA_CONF_OK);
    return rd_kafka_topic_new(client, name, conf);
}

int
kafka_topic_warm(rd_kafka_t *client, rd_kafka_topic_t *topic, int timeout_ms, char error[KAFKA_ERROR_BYTES])
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 0, topic, &metadata, timeout_ms);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(error, KAFKA_ERROR_BYTES, "%s: %s", rd_kafka_topic_name(topic), rd_kafka_err2str(code));
        return -1;
    }
    rd_kafka_metadata_destroy(metadata);
    return 0;
}

void
kafka_warm_add(struct kafka_warm *warm, rd_kafka_t *client, const char *name)
{
    char error[KAFKA_ERROR_BYTES];
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);

    must(warm->count < KAFKA_WARM_MAX);
    if (topic == NULL)
        return;
    (void)!kafka_topic_warm(client, topic, KAFKA_WARM_MS, error); /* no answer: it will be slower, no more */
    warm->topics[warm->count++] = topic;
}

void
kafka_warm_done(struct kafka_warm *warm)
{
    for (size_t i = 0; i < warm->count; i++)
        rd_kafka_topic_destroy(warm->topics[i]);
    warm->count = 0;
}

int32_t
kafka_partitions_count(rd_kafka_t *client, const char *name, int timeout_ms, char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code;
    int32_t count = -1;

    if (topic == NULL) {
        snprintf(error, KAFKA_ERROR_BYTES, "%s: %s", name, rd_kafka_err2str(rd_kafka_last_error()));
        return -1;
    }
    code = rd_kafka_metadata(client, 0, topic, &metadata, timeout_ms);
    rd_kafka_topic_destroy(topic);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (metadata->topic_cnt == 1) {
            code = metadata->topics[0].err;
            count = code == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[0].partition_cnt : -1;
        }
        rd_kafka_metadata_destroy(metadata);
    }
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return 0;
    if (count < 0)
        snprintf(error, KAFKA_ERROR_BYTES, "%s: %s", name, rd_kafka_err2str(code));
    return count;
}

void
kafka_error_text(rd_kafka_error_t *taken, char error[KAFKA_ERROR_BYTES])
{
    if (taken == NULL) {
        error[0] = '\0';
        return;
    }
    snprintf(error, KAFKA_ERROR_BYTES, "%s: %s", rd_kafka_error_name(taken), rd_kafka_error_string(taken));
    rd_kafka_error_destroy(taken);
}

char *
kafka_name(const char *first, const char *second)
{
    size_t bytes = strlen(first) + strlen(second) + 1;
    char *name = memory_allocate(bytes);

    snprintf(name, bytes, "%s%s", first, second);
    return name;
}
