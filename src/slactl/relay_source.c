/*
 * slad.alerts for a relay.
 *
 * What: the group's membership, where each partition is read and committed, and the marks of what is under
 * way.
 *
 * Why so: the topic is compacted, so its beginning tells the present state of every alert, and the group's
 * offset tells up to where the receiver has been told. Reading from the beginning every time needs no state
 * of our own. Eager assignment (range) instead of the daemon's cooperative one: librdkafka 2.0.2 must not
 * commit while a cooperative rebalance is under way.
 *
 * Always true: an offset is committed only when everything before it is done; a mark of a partition that was
 * lost moves nothing; records come in order, none twice, from one assignment to the next loss.
 *
 * Not here: what is in a record, who is told (relay.c and its sinks).
 */
#include "slactl/relay_source.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { SOURCE_ANSWER_MS = 10000 };

struct relay_mark {
    struct relay_partition *partition;
    struct relay_mark *next, *previous; /* in the order of offsets */
    int64_t offset;                     /* -1: before everything */
    bool done;
};

struct relay_partition {
    struct relay_partition *next;
    int32_t number;
    int64_t delivered_to; /* what the group had committed when it was assigned */
    int64_t next_offset;  /* to be read; -1: nothing yet */
    int64_t committed;    /* asked for last; -1: nothing */
    bool first, caught_up, at_end;
    struct relay_mark *head, *tail;
};

struct relay_source {
    const struct reach *reach;
    const char *topic;
    const struct relay_reader *reader;
    struct kafka_client description;
    struct kafka_setting settings[3];
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue, *commits; /* records; answers to commits */
    struct kafka_warm warm;
    int descriptor;
    struct relay_partition *partitions;
    size_t marks_count;
    bool paused, failed;
};

/* ---- positions ---- */

static struct relay_partition *
find_partition(const struct relay_source *source, int32_t number)
{
    struct relay_partition *partition = source->partitions;

    while (partition != NULL && partition->number != number)
        partition = partition->next;
    return partition;
}

/* Everything before it is done; -1: not known, or nothing was. */
static int64_t
position_of(const struct relay_partition *partition)
{
    if (!partition->caught_up)
        return -1;
    return partition->head != NULL ? partition->head->offset : partition->next_offset;
}

static struct relay_mark *
mark_new(struct relay_source *source, struct relay_partition *partition, int64_t offset)
{
    struct relay_mark *mark = memory_allocate_zeroed(1, sizeof *mark);

    mark->partition = partition;
    mark->offset = offset;
    mark->previous = partition->tail;
    *(partition->tail != NULL ? &partition->tail->next : &partition->head) = mark;
    partition->tail = mark;
    source->marks_count++;
    return mark;
}

static void
mark_free(struct relay_mark *mark)
{
    struct relay_partition *partition = mark->partition;

    *(mark->previous != NULL ? &mark->previous->next : &partition->head) = mark->next;
    *(mark->next != NULL ? &mark->next->previous : &partition->tail) = mark->previous;
    memory_free(mark);
}

struct relay_mark *
relay_source_mark(struct relay_source *source, int32_t number)
{
    struct relay_partition *partition = find_partition(source, number);

    must(partition != NULL);
    return mark_new(source, partition, -1);
}

void
relay_source_done(struct relay_source *source, struct relay_mark *mark)
{
    struct relay_partition *partition = mark->partition;

    must(!mark->done);
    mark->done = true;
    source->marks_count--;
    while (partition->head != NULL && partition->head->done)
        mark_free(partition->head);
}

size_t
relay_source_marks_count(const struct relay_source *source)
{
    return source->marks_count;
}

/* ---- commits ---- */

static rd_kafka_topic_partition_list_t *
list_done(struct relay_source *source)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);

    for (struct relay_partition *partition = source->partitions; partition != NULL;
         partition = partition->next) {
        int64_t position = position_of(partition);

        if (position >= 0 && position != partition->committed) {
            rd_kafka_topic_partition_list_add(list, source->topic, partition->number)->offset = position;
            partition->committed = position;
        }
    }
    return list;
}

/* What was not taken is asked for again. */
static void
on_committed(struct relay_source *source, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET)
        return;
    log_write(source->reach->log, LOG_WARNING, "commit_failed", LOG_TEXT("code", rd_kafka_err2name(code)),
              LOG_TEXT("text", rd_kafka_err2str(code)));
    for (struct relay_partition *partition = source->partitions; partition != NULL;
         partition = partition->next)
        partition->committed = -1;
}

void
relay_source_commit(struct relay_source *source)
{
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(source->commits, 0)) != NULL) {
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT)
            on_committed(source, event);
        rd_kafka_event_destroy(event);
    }
    list = list_done(source);
    if (list->cnt > 0)
        rd_kafka_commit_queue(source->consumer, list, source->commits, NULL, NULL);
    rd_kafka_topic_partition_list_destroy(list);
}

static void
commit_and_wait(struct relay_source *source)
{
    rd_kafka_topic_partition_list_t *list = list_done(source);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    if (list->cnt > 0)
        code = rd_kafka_commit(source->consumer, list, 0);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_write(source->reach->log, LOG_WARNING, "commit_failed", LOG_TEXT("code", rd_kafka_err2name(code)),
                  LOG_TEXT("text", rd_kafka_err2str(code)));
    rd_kafka_topic_partition_list_destroy(list);
}

/* ---- the group ---- */

static int
begin_partition(struct relay_source *source, rd_kafka_topic_partition_t *given)
{
    struct relay_partition *partition;
    int64_t low, high;
    rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
        source->consumer, source->topic, given->partition, &low, &high, SOURCE_ANSWER_MS);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_write(source->reach->log, LOG_ERROR, "relay_cannot_begin",
                  LOG_INTEGER("partition", given->partition), LOG_TEXT("text", rd_kafka_err2str(code)));
        return -1;
    }
    partition = memory_allocate_zeroed(1, sizeof *partition);
    partition->number = given->partition;
    partition->next_offset = partition->committed = -1;
    partition->first = given->offset < 0 || given->offset > high;
    partition->delivered_to = partition->first ? high : given->offset;
    if (given->offset > high)
        log_write(source->reach->log, LOG_WARNING, "relay_topic_is_another",
                  LOG_INTEGER("partition", given->partition), LOG_INTEGER("committed", given->offset),
                  LOG_INTEGER("end", high));
    partition->next = source->partitions;
    source->partitions = partition;
    given->offset = RD_KAFKA_OFFSET_BEGINNING;
    return 0;
}

static void
on_assigned(struct relay_source *source, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t code = rd_kafka_committed(source->consumer, list, SOURCE_ANSWER_MS);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_write(source->reach->log, LOG_ERROR, "relay_cannot_begin",
                  LOG_TEXT("text", rd_kafka_err2str(code)));
    source->failed |= code != RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < list->cnt && !source->failed; i++)
        source->failed |= begin_partition(source, &list->elems[i]) != 0;
    source->paused = false; /* a new assignment begins unpaused */
    rd_kafka_assign(source->consumer, source->failed ? NULL : list);
    log_write(source->reach->log, LOG_INFO, "relay_assigned", LOG_INTEGER("partitions", list->cnt));
}

static void
lose_all(struct relay_source *source)
{
    commit_and_wait(source);
    while (source->partitions != NULL) {
        struct relay_partition *partition = source->partitions;

        source->reader->lost(source->reader->context, partition->number);
        must(partition->head == NULL);
        source->partitions = partition->next;
        memory_free(partition);
    }
}

static void
on_rebalance(void *context, rd_kafka_t *client, bool assigned, rd_kafka_topic_partition_list_t *list)
{
    struct relay_source *source = context;

    if (assigned) {
        on_assigned(source, list);
        return;
    }
    lose_all(source);
    rd_kafka_assign(client, NULL);
    log_write(source->reach->log, LOG_INFO, "relay_revoked", LOG_INTEGER("partitions", list->cnt));
}

/* ---- reading ---- */

static void
catch_up(struct relay_source *source, struct relay_partition *partition)
{
    partition->caught_up = true;
    source->reader->caught_up(source->reader->context, partition->number, partition->first);
}

static void
hand_out(struct relay_source *source, struct relay_partition *partition, const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    struct relay_message handed = {.key = {message->key, message->key != NULL ? message->key_len : 0},
                                   .value = {message->payload, message->payload != NULL ? message->len : 0},
                                   .partition = message->partition,
                                   .offset = message->offset,
                                   .recorded_at_ms = rd_kafka_message_timestamp(message, &type)};

    if (message->offset < partition->next_offset)
        return; /* librdkafka 2.0.2 may say it again after a pause */
    if (!partition->caught_up && message->offset >= partition->delivered_to)
        catch_up(source, partition);
    partition->at_end = false;
    partition->next_offset = message->offset + 1;
    if (partition->caught_up)
        handed.mark = mark_new(source, partition, message->offset);
    source->reader->message(source->reader->context, &handed);
}

static void
on_error(struct relay_source *source, const rd_kafka_message_t *message)
{
    bool fatal = message->err == RD_KAFKA_RESP_ERR__FATAL ||
                 message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
                 message->err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
                 message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                 message->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;

    log_write(source->reach->log, fatal ? LOG_ERROR : LOG_WARNING, "consumer_error",
              LOG_TEXT("code", rd_kafka_err2name(message->err)),
              LOG_TEXT("text", rd_kafka_message_errstr(message)));
    source->failed |= fatal;
}

static void
on_message(struct relay_source *source, const rd_kafka_message_t *message)
{
    struct relay_partition *partition = find_partition(source, message->partition);

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        on_error(source, message);
    else if (partition == NULL)
        return;
    else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        hand_out(source, partition, message);
    else {
        partition->at_end = true;
        if (message->offset > partition->next_offset)
            partition->next_offset = message->offset;
        if (!partition->caught_up)
            catch_up(source, partition);
    }
}

bool
relay_source_drain(struct relay_source *source, int records_max)
{
    uint64_t rung;

    while (read(source->descriptor, &rung, sizeof rung) > 0)
        ;
    for (int i = 0; i < records_max; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(source->consumer, 0);

        if (message == NULL)
            return false;
        on_message(source, message);
        rd_kafka_message_destroy(message);
    }
    return true;
}

void
relay_source_pause(struct relay_source *source, bool paused)
{
    rd_kafka_topic_partition_list_t *list;

    if (paused == source->paused || source->partitions == NULL)
        return;
    list = rd_kafka_topic_partition_list_new(16);
    for (struct relay_partition *partition = source->partitions; partition != NULL;
         partition = partition->next)
        rd_kafka_topic_partition_list_add(list, source->topic, partition->number);
    (void)(paused ? rd_kafka_pause_partitions(source->consumer, list)
                  : rd_kafka_resume_partitions(source->consumer, list));
    rd_kafka_topic_partition_list_destroy(list);
    source->paused = paused;
}

bool
relay_source_at_end(const struct relay_source *source)
{
    const struct relay_partition *partition = source->partitions;

    while (partition != NULL && partition->at_end)
        partition = partition->next;
    return source->partitions != NULL && partition == NULL;
}

bool
relay_source_failed(const struct relay_source *source)
{
    return source->failed;
}

int
relay_source_descriptor(const struct relay_source *source)
{
    return source->descriptor;
}

/* ---- beginning and end ---- */

static int
subscribe(struct relay_source *source, char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_topic_partition_list_t *topics;
    rd_kafka_resp_err_t code;
    int32_t count;

    source->consumer = kafka_consumer_new(&source->description, error);
    if (source->consumer == NULL)
        return -1;
    source->queue = rd_kafka_queue_get_consumer(source->consumer);
    source->commits = rd_kafka_queue_new(source->consumer);
    kafka_queue_wake(source->queue, source->descriptor);
    count = kafka_partitions_count(source->consumer, source->topic, SOURCE_ANSWER_MS, error);
    if (count <= 0) {
        if (count == 0)
            snprintf(error, KAFKA_ERROR_BYTES, "there is no topic %s", source->topic);
        return -1;
    }
    kafka_warm_add(&source->warm, source->consumer, source->topic);
    topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, source->topic, RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(source->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "%s", rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

struct relay_source *
relay_source_new(const struct reach *reach, const struct relay_source_options *options,
                 char error[KAFKA_ERROR_BYTES])
{
    struct relay_source *source = memory_allocate_zeroed(1, sizeof *source);

    source->reach = reach;
    source->reader = options->reader;
    source->topic = reach->topics.names[TOPIC_ALERTS];
    source->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(source->descriptor >= 0);
    source->settings[0] = (struct kafka_setting){"group.id", options->group};
    source->settings[1] = (struct kafka_setting){"partition.assignment.strategy", "range"};
    source->settings[2] = (struct kafka_setting){"group.instance.id", options->instance};
    source->description = (struct kafka_client){.kafka = &reach->kafka,
                                                .name = "relay",
                                                .settings = source->settings,
                                                .settings_count = options->instance != NULL ? 3 : 2,
                                                .context = source,
                                                .rebalance = on_rebalance};
    if (subscribe(source, error) == 0)
        return source;
    relay_source_free(source);
    return NULL;
}

void
relay_source_free(struct relay_source *source)
{
    if (source == NULL)
        return;
    if (source->consumer != NULL) {
        lose_all(source);
        rd_kafka_queue_io_event_enable(source->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(source->queue);
        rd_kafka_queue_destroy(source->commits);
        kafka_warm_done(&source->warm);
        rd_kafka_consumer_close(source->consumer);
        rd_kafka_destroy(source->consumer);
    }
    close(source->descriptor);
    memory_free(source);
}
