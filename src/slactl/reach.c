/*
 * How a command reaches Kafka.
 *
 * What: the configuration of the daemon, read the way the daemon reads it, with what the command line says on
 * top.
 *
 * Why so: names of topics, security settings and brokers are said once, in slad.yaml; an operator without the
 * file at hand says them on the command line.
 *
 * Always true: after reach_open kafka and topics can be used until reach_close.
 *
 * Not here: what is done with it.
 */
#include "slactl/reach.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdio.h>
#include <string.h>

void
reach_override(struct reach *reach, const char *key, const char *value)
{
    char *first = kafka_name(key, "=");

    must(reach->overrides_count < REACH_OVERRIDES_MAX);
    reach->texts[reach->overrides_count] = kafka_name(first, value);
    reach->overrides[reach->overrides_count] = reach->texts[reach->overrides_count];
    reach->overrides_count++;
    memory_free(first);
}

static void
reach_set(struct reach *reach, const char *key, const char *argument)
{
    if (reach->overrides_count == REACH_OVERRIDES_MAX)
        reach->overflowed = true;
    else if (key != NULL)
        reach_override(reach, key, argument);
    else
        reach->overrides[reach->overrides_count++] = argument;
}

bool
reach_take_option(struct reach *reach, int option, const char *argument)
{
    switch (option) {
    case REACH_CONFIG:
        reach->config_file = argument;
        return true;
    case REACH_BROKERS:
        reach_set(reach, "brokers", argument);
        return true;
    case REACH_PREFIX:
        reach_set(reach, "prefix", argument);
        return true;
    case REACH_TICKETS_TOPIC:
        reach_set(reach, "tickets_topic", argument);
        return true;
    case REACH_FEEDBACK_TOPIC:
        reach_set(reach, "feedback_topic", argument);
        return true;
    case REACH_SET:
        reach_set(reach, NULL, argument);
        return true;
    default:
        return false;
    }
}

bool
reach_is_wanted(const struct reach *reach)
{
    return reach->config_file != NULL || reach->overrides_count > 0;
}

int
reach_open(struct reach *reach)
{
    const struct config_source source = {
        .file = reach->config_file, .overrides = reach->overrides, .overrides_count = reach->overrides_count};
    const struct log_options log_options = {.descriptor = 2, .level = LOG_WARNING, .burst_max = 5};
    struct buffer errors = {0};

    if (reach->overflowed) {
        fprintf(stderr, "at most %d settings besides the configuration\n", REACH_OVERRIDES_MAX);
        return -1;
    }
    reach->config = config_load(&source, &errors);
    if (reach->config == NULL)
        fprintf(stderr, "%.*s", (int)errors.bytes, buffer_slice(&errors).at);
    buffer_free(&errors);
    if (reach->config == NULL)
        return -1;
    reach->log = log_new(&log_options);
    reach->kafka =
        (struct kafka){.config = reach->config, .log = reach->log, .brokers = reach->config->brokers};
    topics_init(&reach->topics, reach->config);
    return 0;
}

void
reach_close(struct reach *reach)
{
    if (reach->config != NULL) {
        topics_done(&reach->topics);
        config_free(reach->config);
    }
    log_free(reach->log);
    for (size_t i = 0; i < reach->overrides_count; i++)
        memory_free(reach->texts[i]);
}
