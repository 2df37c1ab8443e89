#ifndef SLAD_SLACTL_REACH_H
#define SLAD_SLACTL_REACH_H

/* How a command reaches Kafka: the daemon's own configuration, or what the command line says instead. */
#include "shell/kafka.h"
#include "shell/topics.h"

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

/* What a command that may read from the brokers adds to its options: --config, --brokers, --prefix, --set. */
enum { REACH_CONFIG = 256, REACH_BROKERS, REACH_PREFIX, REACH_SET };
/* clang-format off */
#define REACH_OPTIONS                                                                                        \
    {"config", required_argument, NULL, REACH_CONFIG}, {"brokers", required_argument, NULL, REACH_BROKERS},  \
    {"prefix", required_argument, NULL, REACH_PREFIX}, {"set", required_argument, NULL, REACH_SET}
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
