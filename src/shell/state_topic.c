/*
 * Reading slad.state.
 *
 * What: one consumer that is given one partition at a time, reads it to its end as read_committed and lets go
 * of it.
 *
 * Why so: the loader and slactl ask the same questions of the same log, and must not differ in how they read
 * the answer.
 *
 * Always true: a read that returns 0 has seen every record up to the end that the partition had when it
 * began; nothing is committed, no group is joined.
 *
 * Not here: what the answers mean (restore_plan.c), the loader's thread (restore.c).
 */
#include "shell/state_topic.h"
#include "shell/wallclock.h"
#include <stdio.h>

enum {
    STATE_TOPIC_TAIL = 512,
    STATE_TOPIC_POLL_MS = 100,
    STATE_TOPIC_SILENCE_MS_MAX = 30000,
    STATE_TOPIC_CALL_MS = 5000,
    STATE_TOPIC_IDLE_MS_MAX = 30000
};

void
state_topic_init(struct state_topic *topic, const struct kafka *kafka, const struct topics *topics,
                 const char *group, const atomic_bool *stopping)
{
    *topic = (struct state_topic){.kafka = kafka, .topics = topics, .stopping = stopping};
    topic->settings[0] = (struct kafka_setting){"group.id", group};
    topic->settings[1] = (struct kafka_setting){"fetch.wait.max.ms", "5"}; /* reads to the end and goes */
    topic->description = (struct kafka_client){
        .kafka = kafka, .name = "loader", .settings = topic->settings, .settings_count = 2};
}

void
state_topic_done(struct state_topic *topic)
{
    if (topic->consumer == NULL)
        return;
    kafka_warm_done(&topic->warm);
    rd_kafka_consumer_close(topic->consumer);
    rd_kafka_destroy(topic->consumer);
    topic->consumer = NULL;
}

/* What a reading that was broken off has left is nobody's. Not rd_kafka_poll: it aborts when it meets a
 * record.
 */
void
state_topic_idle(struct state_topic *topic)
{
    rd_kafka_message_t *message;

    if (topic->consumer == NULL)
        return;
    while ((message = rd_kafka_consumer_poll(topic->consumer, 0)) != NULL)
        rd_kafka_message_destroy(message);
    if (wallclock_mono_ms() - topic->opened_mono_ms > STATE_TOPIC_IDLE_MS_MAX)
        state_topic_done(topic); /* a client costs a tenth of a percent of a core, doing nothing */
}

int
state_topic_open(struct state_topic *topic, char error[KAFKA_ERROR_BYTES])
{
    topic->opened_mono_ms = wallclock_mono_ms();
    if (topic->consumer == NULL) {
        topic->consumer = kafka_consumer_new(&topic->description, error);
        if (topic->consumer != NULL)
            kafka_warm_add(&topic->warm, topic->consumer, topic->topics->names[TOPIC_STATE]);
    }
    return topic->consumer != NULL ? 0 : -1;
}

/* Whether the record is the last of those that were there when the first one was fetched: where something is
 * always coming, an end is never told. *end: -1 before the first. */
static bool
state_topic_is_last(struct state_topic *topic, const rd_kafka_message_t *message, int64_t *end)
{
    int64_t low;

    if (*end < 0 &&
        rd_kafka_get_watermark_offsets(topic->consumer, topic->topics->names[TOPIC_STATE], message->partition,
                                       &low, end) != RD_KAFKA_RESP_ERR_NO_ERROR)
        *end = -1;
    return *end >= 0 && message->offset + 1 >= *end;
}

static bool
state_topic_is_stopping(const struct state_topic *topic)
{
    return topic->stopping != NULL && atomic_load(topic->stopping);
}

int
state_topic_read(struct state_topic *topic, int32_t partition, int64_t from_offset,
                 const struct state_taker *taker, char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int64_t heard_mono_ms = wallclock_mono_ms(), end = -1;
    rd_kafka_resp_err_t code;
    bool at_end = false;

    rd_kafka_topic_partition_list_add(list, topic->topics->names[TOPIC_STATE], partition)->offset =
        from_offset;
    code = rd_kafka_assign(topic->consumer, list);
    while (code == RD_KAFKA_RESP_ERR_NO_ERROR && !at_end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(topic->consumer, STATE_TOPIC_POLL_MS);

        if (message != NULL) {
            heard_mono_ms = wallclock_mono_ms();
            at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                taker->take(taker->context, message);
                at_end = state_topic_is_last(topic, message, &end);
            } else if (!at_end)
                code = message->err;
            rd_kafka_message_destroy(message);
        } else if (wallclock_mono_ms() - heard_mono_ms > STATE_TOPIC_SILENCE_MS_MAX)
            code = RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (!at_end && state_topic_is_stopping(topic))
            code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    rd_kafka_assign(topic->consumer, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "%s[%d]: %s", topic->topics->names[TOPIC_STATE], (int)partition,
                 rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

void
state_tail_done(struct state_tail *tail)
{
    buffer_free(&tail->marker);
    buffer_free(&tail->control);
}

static void
state_tail_keep(bool *has, struct buffer *bytes, int64_t *offset, const rd_kafka_message_t *message)
{
    buffer_reset(bytes);
    buffer_append(bytes, message->payload, message->len);
    *offset = message->offset;
    *has = true;
}

bool
state_tail_note(struct state_tail *tail, const rd_kafka_message_t *message)
{
    struct slice key = {message->key, message->key != NULL ? message->key_len : 0};

    bool is_marker = slice_is(key, MARKER_KEY), is_control = slice_is(key, CONTROL_KEY);

    if (is_marker && message->payload != NULL)
        state_tail_keep(&tail->has_marker, &tail->marker, &tail->marker_offset, message);
    else if (is_control && message->payload != NULL)
        state_tail_keep(&tail->has_control, &tail->control, &tail->control_offset, message);
    return is_marker || is_control;
}

static void
state_topic_take_tail(void *context, const rd_kafka_message_t *message)
{
    (void)state_tail_note(context, message);
}

int
state_topic_find_marker(struct state_topic *topic, int32_t partition, struct state_tail *tail,
                        struct marker *ret_marker, char error[KAFKA_ERROR_BYTES])
{
    const int64_t from[] = {RD_KAFKA_OFFSET_TAIL(STATE_TOPIC_TAIL), RD_KAFKA_OFFSET_BEGINNING};
    const struct state_taker taker = {state_topic_take_tail, tail};

    tail->has_marker = tail->has_control = false;
    for (size_t i = 0; i < sizeof from / sizeof *from && !tail->has_marker; i++)
        if (state_topic_read(topic, partition, from[i], &taker, error) != 0)
            return -1;
    if (tail->has_marker && marker_read(buffer_slice(&tail->marker), ret_marker) != 0) {
        snprintf(error, KAFKA_ERROR_BYTES, "the marker of partition %d cannot be read by this version",
                 (int)partition);
        return 1;
    }
    return 0;
}

bool
state_tail_decision(const struct state_tail *tail, const struct marker *marker, struct control *ret_control)
{
    return tail->has_control && (!tail->has_marker || tail->control_offset > tail->marker_offset) &&
           control_read(buffer_slice(&tail->control), ret_control) == 0 &&
           control_is_of(ret_control, tail->has_marker ? marker : NULL);
}

int
state_topic_find_committed(struct state_topic *topic, int32_t partition, struct restore_found *found,
                           char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(list, topic->topics->names[TOPIC_TICKETS], partition);
    rd_kafka_topic_partition_list_add(list, topic->topics->names[TOPIC_RELAY], partition);
    code = rd_kafka_committed(topic->consumer, list, STATE_TOPIC_CALL_MS);
    for (int i = 0; i < 2 && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        found->committed[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : MARKER_NO_OFFSET;
        restore_plan_read_note((struct slice){list->elems[i].metadata, list->elems[i].metadata_size},
                               &found->committed_epoch);
        code = list->elems[i].err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "committed offsets: %s", rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}
