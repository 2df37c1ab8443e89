/*
 * Outcomes from files and from the topic.
 *
 * What: one way to come by the records of slad.outcomes, with the offsets where they are known.
 *
 * Why this way: audit and report ask different questions of the same log; what a line may look like, where
 * the topic ends and how a place is told must not differ between them.
 *
 * Always true: from the topic only committed records come, in order, none of them written after the reading
 * began; nothing is committed and no group is joined.
 *
 * Not here: what is in a record (wire/outcome_read.c).
 */
#include "slactl/outcome_lines.h"
#include "base/memory.h"
#include "shell/wallclock.h"
#include "slactl/lines.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    OUTCOME_LINE_BYTES_MAX = 1 << 20,
    OUTCOME_OFFSET_DIGITS_MAX = 18,
    OUTCOME_ANSWER_MS = 10000,
    OUTCOME_POLL_MS = 100,
    OUTCOME_SILENCE_MS_MAX = 30000
};

struct slice
outcome_lines_unwrap(struct slice line, int64_t *ret_offset)
{
    static const char first[] = "{\"offset\":", second[] = ",\"value\":";
    size_t from = sizeof first - 1, at = from;
    int64_t offset = 0;

    *ret_offset = -1;
    if (line.bytes < sizeof first + sizeof second || memcmp(line.at, first, from) != 0)
        return line;
    for (; at < line.bytes && line.at[at] >= '0' && line.at[at] <= '9'; at++)
        if (at - from < OUTCOME_OFFSET_DIGITS_MAX)
            offset = offset * 10 + (line.at[at] - '0');
    if (at == from || at - from > OUTCOME_OFFSET_DIGITS_MAX || line.bytes - at < sizeof second ||
        memcmp(line.at + at, second, sizeof second - 1) != 0)
        return line;
    at += sizeof second - 1;
    *ret_offset = offset;
    return (struct slice){line.at + at, line.bytes - at - 1};
}

void
outcome_lines_place(const struct outcome_line *line, struct buffer *out)
{
    buffer_append_text(out, line->source != NULL ? line->source : "line");
    buffer_append_text(out, line->source != NULL ? ":" : " ");
    buffer_append_int64(out, (int64_t)line->number);
}

int
outcome_lines_read_file(const char *path, const struct outcome_taker *taker)
{
    struct outcome_line line = {.source = path != NULL && strcmp(path, "-") != 0 ? path : NULL};
    struct lines *lines = lines_open(path, OUTCOME_LINE_BYTES_MAX);
    struct slice text;
    int more = -1;

    while (lines != NULL && (more = lines_next(lines, &text)) == 1) {
        line.number = lines_number(lines);
        line.text = outcome_lines_unwrap(text, &line.offset);
        if (text.bytes > 0)
            taker->take(taker->context, &line);
    }
    lines_close(lines);
    return more < 0 ? -1 : 0;
}

/* ---- the topic ---- */

static void
take_message(const struct outcome_taker *taker, const char *topic, const rd_kafka_message_t *message)
{
    struct outcome_line line = {.text = {message->payload, message->len},
                                .offset = message->offset,
                                .source = topic,
                                .number = (uint64_t)message->offset};

    if (message->payload != NULL)
        taker->take(taker->context, &line);
}

/* The partition is assigned; up to the offset end. */
static rd_kafka_resp_err_t
read_messages(rd_kafka_t *consumer, const char *topic, int64_t end, const struct outcome_taker *taker)
{
    int64_t heard_mono_ms = wallclock_mono_ms();
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    bool at_end = false;

    while (code == RD_KAFKA_RESP_ERR_NO_ERROR && !at_end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, OUTCOME_POLL_MS);

        if (message == NULL) {
            if (wallclock_mono_ms() - heard_mono_ms > OUTCOME_SILENCE_MS_MAX)
                code = RD_KAFKA_RESP_ERR__TIMED_OUT;
            continue;
        }
        heard_mono_ms = wallclock_mono_ms();
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            at_end = true; /* what lies before the end is of transactions that failed or are open */
        } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            code = message->err;
        } else {
            if (message->offset < end)
                take_message(taker, topic, message);
            at_end = message->offset + 1 >= end;
        }
        rd_kafka_message_destroy(message);
    }
    return code;
}

static rd_kafka_resp_err_t
read_partition(rd_kafka_t *consumer, const char *topic, const struct outcome_taker *taker)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t code;
    int64_t low, end;

    code = rd_kafka_query_watermark_offsets(consumer, topic, 0, &low, &end, OUTCOME_ANSWER_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || low == end)
        return code;
    if (low > 0)
        fprintf(stderr, "%s begins at offset %lld: what was before is not there any more\n", topic,
                (long long)low);
    list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = low;
    code = rd_kafka_assign(consumer, list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = read_messages(consumer, topic, end, taker);
    rd_kafka_assign(consumer, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

int
outcome_lines_read_topic(const struct reach *reach, const struct outcome_taker *taker,
                         char error[KAFKA_ERROR_BYTES])
{
    char *group = kafka_name(reach->config->prefix, "-tickets");
    const char *topic = reach->topics.names[TOPIC_OUTCOMES];
    const struct kafka_setting settings[] = {{"group.id", group}};
    const struct kafka_client description = {
        .kafka = &reach->kafka, .name = "outcomes", .settings = settings, .settings_count = 1};
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__FAIL;
    int32_t partitions_count = 0;

    if (consumer != NULL) {
        error[0] = '\0';
        partitions_count = kafka_partitions_count(consumer, topic, OUTCOME_ANSWER_MS, error);
        if (partitions_count > 0)
            code = read_partition(consumer, topic, taker);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && error[0] == '\0')
            snprintf(error, KAFKA_ERROR_BYTES, "%s",
                     partitions_count == 0 ? "no such topic" : rd_kafka_err2str(code));
        rd_kafka_consumer_close(consumer);
        rd_kafka_destroy(consumer);
    }
    memory_free(group);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

/* ---- either ---- */

static int
read_file(const char *command, const char *path, const struct outcome_taker *taker)
{
    if (outcome_lines_read_file(path, taker) == 0)
        return 0;
    fprintf(stderr, "slactl %s: %s: %s\n", command, path != NULL ? path : "standard input", strerror(errno));
    return -1;
}

int
outcome_lines_read(const char *command, const struct reach *reach, int paths_count, char *const *paths,
                   const struct outcome_taker *taker)
{
    char error[KAFKA_ERROR_BYTES] = "";
    int result = 0;

    if (reach->config != NULL) {
        if (outcome_lines_read_topic(reach, taker, error) == 0)
            return 0;
        fprintf(stderr, "slactl %s: %s at %s: %s\n", command, reach->topics.names[TOPIC_OUTCOMES],
                reach->kafka.brokers, error);
        return -1;
    }
    if (paths_count == 0)
        result = read_file(command, NULL, taker);
    for (int i = 0; i < paths_count; i++)
        if (read_file(command, paths[i], taker) != 0)
            result = -1;
    return result;
}
