/*
 * The topics of one installation.
 *
 * What: one row a topic (partitions, clean-up, settings), the creation from it, the check against it.
 *
 * Why so: exactly-once rests on the set-up: a ticket, its state, its alerts and its relay share one partition
 * number; state that is deleted by time instead of compacted is lost; outcomes in two partitions have two
 * orders. So a wrong set-up is refused at start, with the command that mends it, and never repaired behind
 * the operator's back.
 *
 * Always true: topics_judge looks at what was found and nothing else, so it is tested with an array. A topic
 * that exists is never changed.
 *
 * Not here: settings of the brokers, access rights.
 */
#include "shell/topics.h"
#include "base/memory.h"
#include "base/panic.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPICS_DAY_MS INT64_C(86400000)
enum { TOPICS_OUTCOMES_RETENTION_DAYS = 400, TOPICS_CREATE_MS = 30000 };

static const struct topic_row topics_rows[TOPICS_COUNT] = {
    {TOPIC_TICKETS,
     true,
     TOPIC_PARTITIONS_OWN,
     false,
     0,
     {{"cleanup.policy", "delete"},
      {"retention.ms", "2592000000"},
      {"message.timestamp.type", "LogAppendTime"}},
     "events of tickets, keyed by ticket"},
    {TOPIC_FEEDBACK,
     true,
     TOPIC_PARTITIONS_OWN,
     false,
     0,
     {{"cleanup.policy", "delete"},
      {"retention.ms", "2592000000"},
      {"message.timestamp.type", "LogAppendTime"}},
     "events of feedback, any key"},
    {TOPIC_RELAY,
     false,
     TOPIC_PARTITIONS_AS_TICKETS,
     false,
     TOPICS_DAY_MS,
     {{"cleanup.policy", "delete"}, {"retention.ms", "2592000000"}},
     "what one task tells the others (merges)"},
    {TOPIC_STATE,
     false,
     TOPIC_PARTITIONS_AS_TICKETS,
     true,
     0,
     {{"cleanup.policy", "compact"},
      {"delete.retention.ms", "604800000"},
      {"min.cleanable.dirty.ratio", "0.2"},
      {"segment.ms", "86400000"},
      {"segment.bytes", "134217728"},
      {"max.message.bytes", "2097152"}},
     "every ticket's history and the epoch markers"},
    {TOPIC_OUTCOMES,
     false,
     TOPIC_PARTITIONS_ONE,
     false,
     TOPICS_OUTCOMES_RETENTION_DAYS *TOPICS_DAY_MS,
     {{"cleanup.policy", "delete"}, {"retention.ms", "39744000000"}, {"retention.bytes", "-1"}},
     "facts: verdicts, tickets, answers, contracts"},
    {TOPIC_SCORES,
     false,
     TOPIC_PARTITIONS_ONE,
     true,
     0,
     {{"cleanup.policy", "compact"}, {"delete.retention.ms", "604800000"}, {"segment.ms", "86400000"}},
     "present values of scores and of what is open"},
    {TOPIC_ALERTS,
     false,
     TOPIC_PARTITIONS_AS_TICKETS,
     true,
     0,
     {{"cleanup.policy", "compact"}, {"delete.retention.ms", "604800000"}, {"segment.ms", "86400000"}},
     "the live state of every alert"},
    {TOPIC_DEADLETTERS,
     false,
     TOPIC_PARTITIONS_OWN,
     false,
     0,
     {{"cleanup.policy", "delete"}, {"retention.ms", "2592000000"}, {"max.message.bytes", "2097152"}},
     "bad events as they came"},
};

const struct topic_row *
topics_row(enum topic topic)
{
    must(topics_rows[topic].topic == topic);
    return &topics_rows[topic];
}

static char *
topics_prefixed(const char *prefix, const char *name)
{
    char *dotted = kafka_name(prefix, ".");
    char *whole = kafka_name(dotted, name);

    memory_free(dotted);
    return whole;
}

void
topics_init(struct topics *topics, const struct config *config)
{
    topics->names[TOPIC_TICKETS] = kafka_name(config->tickets_topic, "");
    topics->names[TOPIC_FEEDBACK] = kafka_name(config->feedback_topic, "");
    topics->names[TOPIC_RELAY] = topics_prefixed(config->prefix, "relay");
    topics->names[TOPIC_STATE] = topics_prefixed(config->prefix, "state");
    topics->names[TOPIC_OUTCOMES] = topics_prefixed(config->prefix, "outcomes");
    topics->names[TOPIC_SCORES] = topics_prefixed(config->prefix, "scores");
    topics->names[TOPIC_ALERTS] = topics_prefixed(config->prefix, "alerts");
    topics->names[TOPIC_DEADLETTERS] = topics_prefixed(config->prefix, "deadletters");
}

void
topics_done(struct topics *topics)
{
    for (int i = 0; i < TOPICS_COUNT; i++) {
        memory_free(topics->names[i]);
        topics->names[i] = NULL;
    }
}

/* ---- asking ---- */

static void
topics_take_setting(const rd_kafka_ConfigEntry_t *entry, struct topic_found *found)
{
    const char *name = rd_kafka_ConfigEntry_name(entry), *value = rd_kafka_ConfigEntry_value(entry);

    if (value == NULL)
        return;
    if (strcmp(name, "cleanup.policy") == 0) {
        found->compact = strstr(value, "compact") != NULL;
        found->deletes = strstr(value, "delete") != NULL;
        found->settings_known = true;
    } else if (strcmp(name, "retention.ms") == 0)
        found->retention_ms = strtoll(value, NULL, 10);
    else if (strcmp(name, "delete.retention.ms") == 0)
        found->delete_retention_ms = strtoll(value, NULL, 10);
    else if (strcmp(name, "max.message.bytes") == 0)
        found->message_bytes_max = strtoll(value, NULL, 10);
    else if (strcmp(name, "message.timestamp.type") == 0)
        found->log_append_time = strcmp(value, "LogAppendTime") == 0;
}

static void
topics_take_answer(rd_kafka_event_t *event, const struct topics *topics,
                   struct topic_found found[TOPICS_COUNT])
{
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    size_t resources_count = 0;
    const rd_kafka_ConfigResource_t **resources;

    if (result == NULL)
        return;
    resources = rd_kafka_DescribeConfigs_result_resources(result, &resources_count);
    for (size_t i = 0; i < resources_count; i++) {
        size_t entries_count;
        const rd_kafka_ConfigEntry_t **entries =
            rd_kafka_ConfigResource_configs(resources[i], &entries_count);

        for (int topic = 0; topic < TOPICS_COUNT; topic++)
            if (strcmp(topics->names[topic], rd_kafka_ConfigResource_name(resources[i])) == 0)
                for (size_t e = 0; e < entries_count; e++)
                    topics_take_setting(entries[e], &found[topic]);
    }
}

/* The settings of those that exist. No answer (no right to ask, an old broker) leaves them unknown. */
static void
topics_find_settings(rd_kafka_t *client, const struct topics *topics, int timeout_ms,
                     struct topic_found found[TOPICS_COUNT])
{
    rd_kafka_ConfigResource_t *resources[TOPICS_COUNT];
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    rd_kafka_event_t *event;
    size_t count = 0;

    for (int i = 0; i < TOPICS_COUNT; i++)
        if (found[i].partitions_count > 0)
            resources[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics->names[i]);
    if (count > 0) {
        rd_kafka_DescribeConfigs(client, resources, count, NULL, queue);
        event = rd_kafka_queue_poll(queue, timeout_ms);
        if (event != NULL) {
            topics_take_answer(event, topics, found);
            rd_kafka_event_destroy(event);
        }
        rd_kafka_ConfigResource_destroy_array(resources, count);
    }
    rd_kafka_queue_destroy(queue);
}

int
topics_find(const struct kafka *kafka, const struct topics *topics, int timeout_ms,
            struct topic_found found[TOPICS_COUNT], char error[KAFKA_ERROR_BYTES])
{
    const struct kafka_client description = {.kafka = kafka, .name = "topics"};
    rd_kafka_t *client = kafka_producer_new(&description, error);
    int result = 0;

    if (client == NULL)
        return -1;
    for (int i = 0; i < TOPICS_COUNT && result == 0; i++) {
        found[i] = (struct topic_found){0};
        found[i].partitions_count = kafka_partitions_count(client, topics->names[i], timeout_ms, error);
        if (found[i].partitions_count < 0)
            result = -1;
        rd_kafka_poll(client, 0);
    }
    if (result == 0 && !kafka->embedded)
        topics_find_settings(client, topics, timeout_ms, found);
    rd_kafka_destroy(client);
    return result;
}

/* ---- judging ---- */

__attribute__((format(printf, 2, 3))) static void
topics_say(struct buffer *out, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    buffer_append_text(out, line);
    buffer_append_byte(out, '\n');
}

static size_t
topics_judge_partitions(const char *name, const struct topic_row *row, int32_t count, int32_t tickets_count,
                        struct buffer *refusals)
{
    if (count == 0)
        topics_say(refusals, "%s does not exist", name);
    else if (row->partitions == TOPIC_PARTITIONS_ONE && count != 1)
        topics_say(refusals, "%s has %" PRId32 " partitions, it must have exactly 1", name, count);
    else if (row->partitions == TOPIC_PARTITIONS_AS_TICKETS && tickets_count > 0 && count != tickets_count)
        topics_say(refusals, "%s has %" PRId32 " partitions, it must have as many as tickets: %" PRId32, name,
                   count, tickets_count);
    else
        return 0;
    return 1;
}

/* What a topic must take is what it is created with. 0: any. */
static int64_t
topics_message_bytes(const struct topic_row *row)
{
    for (int i = 0; i < TOPIC_SETTINGS_MAX && row->settings[i].name != NULL; i++)
        if (strcmp(row->settings[i].name, "max.message.bytes") == 0)
            return strtoll(row->settings[i].value, NULL, 10);
    return 0;
}

static size_t
topics_judge_settings(const char *name, const struct topic_row *row, const struct topic_found *found,
                      struct buffer *refusals, struct buffer *warnings)
{
    size_t before = refusals->bytes;

    if (row->is_input) {
        if (!found->log_append_time)
            topics_say(warnings,
                       "%s keeps the producers' timestamps: a producer with a wrong clock can make a task "
                       "look behind; "
                       "message.timestamp.type=LogAppendTime is safer",
                       name);
        return 0;
    }
    if (row->compacted && (!found->compact || found->deletes))
        topics_say(refusals,
                   "%s must have cleanup.policy=compact and nothing else: what is deleted by time is lost",
                   name);
    if (!row->compacted && found->compact)
        topics_say(refusals,
                   "%s must have cleanup.policy=delete: compaction drops what other records still need",
                   name);
    if (!row->compacted && row->retention_ms_min > 0 && found->retention_ms >= 0 &&
        found->retention_ms < row->retention_ms_min)
        topics_say(refusals, "%s keeps %" PRId64 " ms, it must keep at least %" PRId64 " (retention.ms)",
                   name, found->retention_ms, row->retention_ms_min);
    if (found->message_bytes_max > 0 && found->message_bytes_max < topics_message_bytes(row))
        topics_say(refusals,
                   "%s takes records of %" PRId64 " bytes, it must take %" PRId64
                   ": else one large one stops every epoch (max.message.bytes)",
                   name, found->message_bytes_max, topics_message_bytes(row));
    if (row->compacted && found->delete_retention_ms < TOPICS_DAY_MS)
        topics_say(warnings,
                   "%s keeps tombstones for %" PRId64
                   " ms only: a reader that is away longer keeps what is gone "
                   "(delete.retention.ms)",
                   name, found->delete_retention_ms);
    return refusals->bytes != before ? 1 : 0;
}

size_t
topics_judge(const struct topics *topics, const struct topic_found found[TOPICS_COUNT],
             struct buffer *refusals, struct buffer *warnings)
{
    size_t wrong = 0;

    for (int i = 0; i < TOPICS_COUNT; i++) {
        const struct topic_row *row = topics_row((enum topic)i);

        wrong += topics_judge_partitions(topics->names[i], row, found[i].partitions_count,
                                         found[TOPIC_TICKETS].partitions_count, refusals);
        if (found[i].partitions_count == 0)
            continue;
        if (found[i].settings_known)
            wrong += topics_judge_settings(topics->names[i], row, &found[i], refusals, warnings);
    }
    return wrong;
}

void
topics_append_command(const struct kafka *kafka, const struct topics *topics, int32_t partitions_count,
                      struct buffer *out)
{
    const struct config *config = kafka->config;

    (void)topics;
    buffer_append_text(out, "slactl topics --create --brokers ");
    buffer_append_text(out, kafka->brokers);
    buffer_append_text(out, " --prefix ");
    buffer_append_text(out, config->prefix);
    if (strcmp(config->tickets_topic, "tickets") != 0) {
        buffer_append_text(out, " --tickets-topic ");
        buffer_append_text(out, config->tickets_topic);
    }
    if (strcmp(config->feedback_topic, "feedback") != 0) {
        buffer_append_text(out, " --feedback-topic ");
        buffer_append_text(out, config->feedback_topic);
    }
    buffer_append_text(out, " --partitions ");
    buffer_append_int64(out, partitions_count > 0 ? partitions_count : 12);
}

/* ---- creating ---- */

static rd_kafka_NewTopic_t *
topics_describe(const char *name, const struct topic_row *row, int32_t partitions_count, int replication)
{
    char error[256];
    int32_t count =
        row->partitions == TOPIC_PARTITIONS_ONE || row->topic == TOPIC_DEADLETTERS ? 1 : partitions_count;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, count, replication, error, sizeof error);

    if (topic == NULL)
        return NULL;
    for (int i = 0; i < TOPIC_SETTINGS_MAX && row->settings[i].name != NULL; i++)
        rd_kafka_NewTopic_set_config(topic, row->settings[i].name, row->settings[i].value);
    return topic;
}

static int
topics_report(rd_kafka_event_t *event, struct buffer *report)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **results;
    int worst = 0;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR || result == NULL) {
        topics_say(report, "the brokers did not create the topics: %s", rd_kafka_event_error_string(event));
        return -1;
    }
    results = rd_kafka_CreateTopics_result_topics(result, &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            topics_say(report, "%s created", rd_kafka_topic_result_name(results[i]));
        else if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            topics_say(report, "%s is there already", rd_kafka_topic_result_name(results[i]));
        else {
            topics_say(report, "%s not created: %s", rd_kafka_topic_result_name(results[i]),
                       rd_kafka_topic_result_error_string(results[i]));
            worst = -1;
        }
    }
    return worst;
}

int
topics_create(const struct kafka *kafka, const struct topics *topics, int32_t partitions_count,
              int replication, struct buffer *report)
{
    const struct kafka_client description = {.kafka = kafka, .name = "topics"};
    rd_kafka_NewTopic_t *wanted[TOPICS_COUNT];
    char error[KAFKA_ERROR_BYTES];
    rd_kafka_t *client = kafka_producer_new(&description, error);
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
    int result = -1;

    if (client == NULL) {
        topics_say(report, "%s", error);
        return -1;
    }
    for (int i = 0; i < TOPICS_COUNT; i++) {
        wanted[i] =
            topics_describe(topics->names[i], topics_row((enum topic)i), partitions_count, replication);
        if (wanted[i] == NULL) {
            topics_say(report, "%s: no such number of partitions or replicas", topics->names[i]);
            rd_kafka_NewTopic_destroy_array(wanted, (size_t)i);
            rd_kafka_destroy(client);
            return -1;
        }
    }
    queue = rd_kafka_queue_new(client);
    options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, TOPICS_CREATE_MS, error, sizeof error);
    rd_kafka_CreateTopics(client, wanted, TOPICS_COUNT, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    event = rd_kafka_queue_poll(queue, TOPICS_CREATE_MS + 5000);
    if (event != NULL) {
        result = topics_report(event, report);
        rd_kafka_event_destroy(event);
    } else
        topics_say(report, "no answer from %s", kafka->brokers);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy_array(wanted, TOPICS_COUNT);
    rd_kafka_destroy(client);
    return result;
}
