/*
 * The board's reading.
 *
 * What: a consumer without a group over alerts, scores and outcomes, its records into the board.
 *
 * Why so: the board shows what everybody can read, read_committed, so it is never ahead of what a consumer of
 * the alerts knows, and every process shows the whole installation, not its share.
 *
 * Always true: compacted topics are read from their beginning, outcomes only as far back as the board keeps
 * them; of those that came in a heap meanwhile the older ones are passed over unread, and while more come in
 * a second than anyone could look at they are not even fetched: the newest are, once a second.
 *
 * Not here: what the board does with a record (board.c).
 */
#include "shell/watch.h"
#include "base/memory.h"
#include "base/panic.h"
#include <sys/eventfd.h>
#include <string.h>
#include <unistd.h>

struct watch {
    struct world *world;
    struct board *board; /* NULL: nobody looks */
    struct model *model; /* NULL: nobody asks */
    struct kafka_client description;
    struct kafka_setting settings[2];
    char *group;
    rd_kafka_t *consumer;
    rd_kafka_queue_t *queue;
    struct kafka_warm warm;
    int descriptor;
    rd_kafka_topic_partition_list_t *partitions; /* offset: the next to read, or negative */
    int *topics;                                 /* of each: its row of watch_topics */
    bool *at_end;                                /* of each */
    int64_t *until; /* of each: behind what was there when its first record came; -1: none has */
    int last_place;
    int64_t outcomes_end;   /* of slad.outcomes, as far as it was asked for; -1: not known */
    int64_t outcomes_count; /* fetched since the last look at the second */
    bool outcomes_rest;     /* not fetched until the next look */
};

enum { WATCH_HEAP_TIMES = 4 }; /* a heap: as many times what the board keeps, in a second */

static const struct {
    enum topic topic;
    enum board_kind kind;
    enum metric_topic metric;
} watch_topics[] = {
    {TOPIC_ALERTS, BOARD_ALERTS, METRIC_TOPIC_ALERTS},
    {TOPIC_SCORES, BOARD_SCORES, METRIC_TOPIC_SCORES},
    {TOPIC_OUTCOMES, BOARD_OUTCOMES, METRIC_TOPIC_OUTCOMES},
};
enum { WATCH_TOPICS_COUNT = sizeof watch_topics / sizeof *watch_topics };

static bool
watch_reads(const struct watch *watch, int i)
{
    return watch->board != NULL || watch_topics[i].topic == TOPIC_SCORES;
}

static int
watch_open(struct watch *watch)
{
    char error[KAFKA_ERROR_BYTES];
    rd_kafka_resp_err_t code;

    watch->settings[0] = (struct kafka_setting){"group.id", watch->group};
    watch->settings[1] = (struct kafka_setting){"fetch.wait.max.ms", "500"}; /* what comes comes at once */
    watch->description = (struct kafka_client){.kafka = &watch->world->kafka,
                                               .name = "board",
                                               .settings = watch->settings,
                                               .settings_count = watch->world->kafka.embedded ? 1 : 2};
    watch->consumer = kafka_consumer_new(&watch->description, error);
    if (watch->consumer == NULL) {
        log_write(watch->world->log, LOG_ERROR, "kafka_setting_refused", LOG_TEXT("text", error));
        return -1;
    }
    watch->queue = rd_kafka_queue_get_consumer(watch->consumer);
    kafka_queue_wake(watch->queue, watch->descriptor);
    for (int i = 0; i < WATCH_TOPICS_COUNT; i++)
        if (watch_reads(watch, i))
            kafka_warm_add(&watch->warm, watch->consumer, watch->world->topics.names[watch_topics[i].topic]);
    code = rd_kafka_assign(watch->consumer, watch->partitions);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    log_write(watch->world->log, LOG_ERROR, "assignment_failed", LOG_TEXT("call", "assign"),
              LOG_TEXT("text", rd_kafka_err2str(code)));
    return -1;
}

/* Where the place's partition is read from. */
static int64_t
watch_begins(const struct watch *watch, int place)
{
    return watch_topics[watch->topics[place]].topic == TOPIC_OUTCOMES
               ? RD_KAFKA_OFFSET_TAIL(watch->world->config->board_outcomes_max)
               : RD_KAFKA_OFFSET_BEGINNING;
}

static void
watch_list_places(struct watch *watch, const struct topic_found found[TOPICS_COUNT])
{
    const struct world *world = watch->world;
    size_t count = 0;

    for (int i = 0; i < WATCH_TOPICS_COUNT; i++)
        count += watch_reads(watch, i) ? (size_t)found[watch_topics[i].topic].partitions_count : 0;
    watch->partitions = rd_kafka_topic_partition_list_new((int)count);
    watch->topics = memory_allocate_zeroed(count, sizeof *watch->topics);
    watch->at_end = memory_allocate_zeroed(count, sizeof *watch->at_end);
    watch->until = memory_allocate_zeroed(count, sizeof *watch->until);
    for (int i = 0; i < WATCH_TOPICS_COUNT; i++)
        for (int32_t p = 0; watch_reads(watch, i) && p < found[watch_topics[i].topic].partitions_count; p++) {
            rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(
                watch->partitions, world->topics.names[watch_topics[i].topic], p);

            watch->topics[watch->partitions->cnt - 1] = i;
            place->offset = watch_begins(watch, watch->partitions->cnt - 1);
            watch->until[watch->partitions->cnt - 1] = -1;
        }
}

struct watch *
watch_new(struct world *world, struct board *board, struct model *model,
          const struct topic_found found[TOPICS_COUNT])
{
    struct watch *watch = memory_allocate_zeroed(1, sizeof *watch);

    watch->world = world;
    watch->board = board;
    watch->model = model;
    watch->group = kafka_name(world->config->prefix, "-board");
    watch->outcomes_end = -1;
    watch->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(watch->descriptor >= 0);
    watch_list_places(watch, found);
    if (watch_open(watch) != 0) {
        watch_free(watch);
        return NULL;
    }
    return watch;
}

void
watch_free(struct watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->queue != NULL) {
        rd_kafka_queue_io_event_enable(watch->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(watch->queue);
    }
    kafka_warm_done(&watch->warm);
    if (watch->consumer != NULL) {
        rd_kafka_consumer_close(watch->consumer);
        rd_kafka_destroy(watch->consumer);
    }
    rd_kafka_topic_partition_list_destroy(watch->partitions);
    close(watch->descriptor);
    memory_free(watch->topics);
    memory_free(watch->at_end);
    memory_free(watch->until);
    memory_free(watch->group);
    memory_free(watch);
}

/* The place in partitions, or -1. */
static int
watch_find(struct watch *watch, const rd_kafka_message_t *message)
{
    const char *name = message->rkt != NULL ? rd_kafka_topic_name(message->rkt) : "";

    for (int n = 0; n < watch->partitions->cnt; n++) { /* the next record is mostly of the same one */
        int place = (watch->last_place + n) % watch->partitions->cnt;

        if (watch->partitions->elems[place].partition == message->partition &&
            strcmp(watch->partitions->elems[place].topic, name) == 0)
            return watch->last_place = place;
    }
    return -1;
}

/* How far an import has come (slactl/import_send.c): nothing to look at. */
static bool
watch_is_import(enum topic topic, struct slice key)
{
    static const char prefix[] = "import/";

    return topic == TOPIC_SCORES && key.bytes >= sizeof prefix - 1 &&
           memcmp(key.at, prefix, sizeof prefix - 1) == 0;
}

/* How many records lie behind this one. The end is asked for only when few are left of what was known. */
static int64_t
watch_behind(struct watch *watch, const rd_kafka_message_t *message)
{
    int64_t low;

    if (board_wants_outcome(watch->board, watch->outcomes_end - message->offset - 1) &&
        rd_kafka_get_watermark_offsets(watch->consumer, rd_kafka_topic_name(message->rkt), message->partition,
                                       &low, &watch->outcomes_end) != RD_KAFKA_RESP_ERR_NO_ERROR)
        watch->outcomes_end = -1;
    return watch->outcomes_end - message->offset - 1;
}

static void
watch_show(struct watch *watch, int topic, const rd_kafka_message_t *message)
{
    struct slice key = {message->key, message->key != NULL ? message->key_len : 0};
    struct slice value = {message->payload, message->payload != NULL ? message->len : 0};
    rd_kafka_timestamp_type_t type;

    metrics_add(watch->world->metrics, METRIC_EVENTS, watch_topics[topic].metric, 1);
    if (watch_topics[topic].topic == TOPIC_SCORES && model_is_piece(key)) {
        if (watch->model != NULL)
            (void)model_take(watch->model, key, value);
    } else if (watch->board != NULL && !watch_is_import(watch_topics[topic].topic, key) &&
               (watch_topics[topic].topic != TOPIC_OUTCOMES ||
                board_wants_outcome(watch->board, watch_behind(watch, message)))) {
        board_record_from(watch->board, watch_topics[topic].kind, message->partition, key, value,
                          rd_kafka_message_timestamp(message, &type));
    }
}

/* Fetches outcomes on from the last the board would keep, or leaves off. */
static void
watch_fetch_outcomes(struct watch *watch, bool fetch)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_error_t *failed;

    rd_kafka_topic_partition_list_add(list, watch->world->topics.names[TOPIC_OUTCOMES], 0)->offset =
        RD_KAFKA_OFFSET_TAIL(watch->world->config->board_outcomes_max);
    failed = fetch ? rd_kafka_incremental_assign(watch->consumer, list)
                   : rd_kafka_incremental_unassign(watch->consumer, list);
    if (failed != NULL) {
        log_write(watch->world->log, LOG_ERROR, "assignment_failed", LOG_TEXT("call", "board"),
                  LOG_TEXT("text", rd_kafka_error_string(failed)));
        rd_kafka_error_destroy(failed);
    } else {
        watch->outcomes_rest = !fetch;
        watch->outcomes_end = -1;
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void
watch_count_outcome(struct watch *watch)
{
    int64_t heap = WATCH_HEAP_TIMES * (watch->world->config->board_outcomes_max + 1);

    if (watch->board != NULL && ++watch->outcomes_count > heap && !watch->outcomes_rest &&
        !watch->world->kafka.embedded)
        watch_fetch_outcomes(watch, false);
}

/* Its offset is gone: the topic was made anew, or records were lost. librdkafka fetches nothing more of it.
 */
static void
watch_begin_anew(struct watch *watch, int place)
{
    rd_kafka_topic_partition_t *partition = &watch->partitions->elems[place];
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_error_t *failed;

    log_write(watch->world->log, LOG_WARNING, "board_begins_anew", LOG_TEXT("topic", partition->topic),
              LOG_INTEGER("partition", partition->partition), LOG_INTEGER("offset", partition->offset));
    partition->offset = watch_begins(watch, place);
    watch->at_end[place] = false;
    watch->until[place] = -1;
    rd_kafka_topic_partition_list_add(list, partition->topic, partition->partition)->offset =
        partition->offset;
    failed = rd_kafka_incremental_unassign(watch->consumer, list);
    if (failed == NULL)
        failed = rd_kafka_incremental_assign(watch->consumer, list);
    if (failed != NULL) {
        log_write(watch->world->log, LOG_ERROR, "assignment_failed", LOG_TEXT("call", "board"),
                  LOG_TEXT("text", rd_kafka_error_string(failed)));
        rd_kafka_error_destroy(failed);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static bool
watch_rests(const struct watch *watch, int place)
{
    return watch->outcomes_rest && watch_topics[watch->topics[place]].topic == TOPIC_OUTCOMES;
}

/* The next to read of this place. told: it is an end, as far as it may be read. */
static void
watch_pass(struct watch *watch, int place, int64_t offset, bool told)
{
    rd_kafka_topic_partition_t *partition = &watch->partitions->elems[place];
    int64_t low, high;

    if (watch->until[place] < 0 &&
        rd_kafka_get_watermark_offsets(watch->consumer, partition->topic, partition->partition, &low,
                                       &high) == RD_KAFKA_RESP_ERR_NO_ERROR)
        watch->until[place] = high;
    if (told && (watch->until[place] < 0 || watch->until[place] > offset))
        watch->until[place] = offset;
    partition->offset = offset;
    watch->at_end[place] = told;
}

static void
watch_on_message(struct watch *watch, const rd_kafka_message_t *message)
{
    int place = watch_find(watch, message);

    if (place < 0)
        return;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        if (message->offset < watch->partitions->elems[place].offset)
            return; /* shown before outcomes were left off */
        watch_pass(watch, place, message->offset + 1, false);
        watch_show(watch, watch->topics[place], message);
        if (watch_topics[watch->topics[place]].topic == TOPIC_OUTCOMES)
            watch_count_outcome(watch);
    } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        watch_pass(watch, place, message->offset, true);
    else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && !watch_rests(watch, place))
        watch_begin_anew(watch, place);
    else
        log_write(watch->world->log, LOG_WARNING, "consumer_error", LOG_TEXT("client", "board"),
                  LOG_TEXT("code", rd_kafka_err2name(message->err)),
                  LOG_TEXT("text", rd_kafka_message_errstr(message)));
}

bool
watch_drain(struct watch *watch, int64_t records_max)
{
    for (int64_t i = 0; i < records_max; i++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(watch->consumer, 0);

        if (message == NULL)
            return false;
        watch_on_message(watch, message);
        rd_kafka_message_destroy(message);
    }
    return true;
}

bool
watch_caught_up(const struct watch *watch)
{
    for (int i = 0; i < watch->partitions->cnt; i++)
        if (!watch_rests(watch, i) &&
            (watch->until[i] < 0 || watch->partitions->elems[i].offset < watch->until[i]))
            return false;
    return true;
}

void
watch_measure(struct watch *watch)
{
    int64_t lag = 0, low, high;

    watch->outcomes_count = 0;
    if (watch->outcomes_rest)
        watch_fetch_outcomes(watch, true);
    for (int i = 0; i < watch->partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *partition = &watch->partitions->elems[i];

        if (watch->at_end[i] ||
            rd_kafka_get_watermark_offsets(watch->consumer, partition->topic, partition->partition, &low,
                                           &high) != RD_KAFKA_RESP_ERR_NO_ERROR)
            continue;
        if (partition->offset >= 0 && high > partition->offset)
            lag += high - partition->offset;
        else if (partition->offset < 0 && high > low)
            lag += high - low;
    }
    if (watch->board != NULL)
        board_set_lag(watch->board, lag);
}

int
watch_descriptor(const struct watch *watch)
{
    return watch->descriptor;
}

void
watch_clear(struct watch *watch)
{
    uint64_t rung;

    while (read(watch->descriptor, &rung, sizeof rung) > 0)
        ;
}
