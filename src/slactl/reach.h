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
    char *texts[REACH_OVERRIDES_MAX];
    struct config *config;
    struct log *log;
    struct kafka kafka;
    struct topics topics;
};

/* As if KEY=VALUE stood in the configuration. */
void reach_override(struct reach *reach, const char *key, const char *value);
/* 0, or -1 and the reasons are on standard error. */
int reach_open(struct reach *reach);
void reach_close(struct reach *reach);

#endif
