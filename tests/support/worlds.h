#ifndef SLAD_TESTS_WORLDS_H
#define SLAD_TESTS_WORLDS_H

/*
 * What the roles of a process share, without a process: settings, a silent log, metrics, topics, one policy,
 * a time that tests set. For unit tests of what stands above librdkafka (task.c, protocol.c, score_task.c).
 */
#include "base/memory.h"
#include "policies.h"
#include "shell/world.h"
#include "unit.h"
#include <fcntl.h>

struct worlds {
    struct world world;
    struct config *config;
    struct policies policies;
    int silence;
};

/* 2026-03-27T09:00:00Z */
#define WORLDS_START_MS INT64_C(1774602000000)

static inline void
worlds_open(struct worlds *worlds, const char *policy, const char *const *overrides, size_t overrides_count)
{
    const struct config_source source = {.overrides = overrides, .overrides_count = overrides_count};
    struct buffer errors = {0}, text = {0};
    struct log_options options = {.level = LOG_ERROR};

    memset(worlds, 0, sizeof *worlds);
    buffer_append_text(&text, policy);
    policies_load(&worlds->policies, &text, 1, 0);
    buffer_free(&text);
    worlds->config = config_load(&source, &errors);
    if (worlds->config == NULL)
        panic(buffer_slice(&errors).at);
    buffer_free(&errors);
    worlds->silence = options.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    worlds->world = (struct world){
        .config = worlds->config,
        .log = log_new(&options),
        .metrics = metrics_new(),
        .symbols = worlds->policies.symbols,
        .policies = worlds->policies.set,
        .writer = {7, 9},
        .group = kafka_name("test", "-tickets"),
        .source = kafka_name("/", "test"),
        .partitions_count = 1,
        .feedback_partitions_count = 1,
        .started_at_ms = WORLDS_START_MS,
        .now_ms = WORLDS_START_MS,
        .now_mono_ms = 1000000,
    };
    topics_init(&worlds->world.topics, worlds->config);
}

static inline void
worlds_close(struct worlds *worlds)
{
    topics_done(&worlds->world.topics);
    memory_free(worlds->world.group);
    memory_free(worlds->world.source);
    metrics_free(worlds->world.metrics);
    log_free(worlds->world.log);
    close(worlds->silence);
    config_free(worlds->config);
    policy_set_free(worlds->policies.set);
    symbols_free(worlds->policies.symbols);
}

static inline void
worlds_wait(struct worlds *worlds, int64_t ms)
{
    worlds->world.now_ms += ms;
    worlds->world.now_mono_ms += ms;
}

#endif
