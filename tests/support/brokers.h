#ifndef SLAD_TESTS_BROKERS_H
#define SLAD_TESTS_BROKERS_H

/* The broker in the process, and what a transaction needs besides: settings, a log, names of topics. */
#include "base/memory.h"
#include "shell/transaction.h"
#include "unit.h"
#include <librdkafka/rdkafka_mock.h>

struct brokers {
    struct config *config;
    struct log *log;
    struct kafka kafka;
    struct topics topics;
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *cluster;
};

static inline void
brokers_open(struct brokers *brokers, const struct log_options *log_options)
{
    const char *overrides[] = {"transaction_timeout=5s"};
    const struct config_source source = {.overrides = overrides, .overrides_count = 1};
    struct buffer errors = {0};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    memset(brokers, 0, sizeof *brokers);
    brokers->config = config_load(&source, &errors);
    assert_non_null(brokers->config);
    brokers->log = log_new(log_options);
    assert_int_equal(rd_kafka_conf_set(conf, "socket.nagle.disable", "true", why, sizeof why),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "2", why, sizeof why), RD_KAFKA_CONF_OK);
    brokers->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(brokers->owner);
    brokers->cluster = rd_kafka_mock_cluster_new(brokers->owner, 1);
    assert_non_null(brokers->cluster);
    brokers->kafka = (struct kafka){.config = brokers->config,
                                    .log = brokers->log,
                                    .brokers = rd_kafka_mock_cluster_bootstraps(brokers->cluster),
                                    .embedded = true};
    topics_init(&brokers->topics, brokers->config);
    /* The one of Debian 12 takes offsets of any topic, and may stand still for a second as it makes one. */
    for (int i = 0; i < TOPICS_COUNT && rd_kafka_version() > 0x020002ff; i++)
        assert_int_equal(rd_kafka_mock_topic_create(brokers->cluster, brokers->topics.names[i], 4, 1),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    buffer_free(&errors);
}

static inline void
brokers_close(struct brokers *brokers)
{
    rd_kafka_mock_cluster_destroy(brokers->cluster);
    rd_kafka_destroy(brokers->owner);
    topics_done(&brokers->topics);
    config_free(brokers->config);
    log_free(brokers->log);
}

#endif
