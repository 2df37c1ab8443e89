#ifndef SLAD_SLACTL_REACH_H
#define SLAD_SLACTL_REACH_H

/* How a command reaches Kafka: the daemon's own configuration, or what the command line says instead. */
#include "shell/kafka.h"
#include "shell/topics.h"
#include "slactl/command.h"

enum { REACH_OVERRIDES_MAX = 16 };

struct reach {
    const char *config_file;                    /* --config */
    const char *overrides[REACH_OVERRIDES_MAX]; /* "brokers=...": see reach_override */
    size_t overrides_count;
    bool overflowed; /* more --set than there is room for */
    char *texts[REACH_OVERRIDES_MAX];
    struct config *config;
    struct log *log;
    struct kafka kafka;
    struct topics topics;
};

/* What a command that may read from the brokers adds to its options. */
enum {
    REACH_CONFIG = COMMAND_SHARED,
    REACH_BROKERS,
    REACH_PREFIX,
    REACH_SET,
    REACH_TICKETS_TOPIC,
    REACH_FEEDBACK_TOPIC,
    REACH_END
};
/* clang-format off */
#define REACH_OPTIONS                                                                                        \
    {"config", REACH_CONFIG, "FILE", "the daemon's configuration: brokers, names, security"},                \
    {"brokers", REACH_BROKERS, "HOST:PORT,...", "instead of the configuration's"},                           \
    {"prefix", REACH_PREFIX, "NAME", "instead of the configuration's"},                                      \
    {"set", REACH_SET, "KEY=VALUE", "any other key of the configuration; may be given more than once"}
#define REACH_TOPIC_OPTIONS                                                                                  \
    {"tickets-topic", REACH_TICKETS_TOPIC, "TOPIC", "instead of the configuration's"},                       \
    {"feedback-topic", REACH_FEEDBACK_TOPIC, "TOPIC", "instead of the configuration's"}
/* clang-format on */
/* True when it was one of these. Too many are refused by reach_open. */
bool reach_take_option(struct reach *reach, int option, const char *argument);
/* Whether any was given. */
bool reach_is_wanted(const struct reach *reach);

/* As if KEY=VALUE stood in the configuration. */
void reach_override(struct reach *reach, const char *key, const char *value);
/* 0, or -1 and the reasons are on standard error. */
int reach_open(struct reach *reach);
void reach_close(struct reach *reach);

#endif
