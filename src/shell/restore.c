/*
 * The loader.
 *
 * What: a thread that answers the loop's questions with a consumer of its own: topics, a task's state,
 * committed offsets.
 *
 * Why so: all of these wait for brokers, and some read a million records; the loop goes on with the other
 * tasks meanwhile. A task is loaded in two passes: the end of slad.state[p] first, where the marker is, and
 * when marker and committed offsets agree the whole partition. Loading what nobody vouches for would be worse
 * than waiting.
 *
 * Always true: a marker that differs from the committed offsets loads nothing: it is looked at again for
 * three transaction time-outs (a dead writer's transaction may still be settled), then the task is held. The
 * last marker seen in the second pass is the one of the first, else everything begins again.
 *
 * Not here: engines (they belong to the loop thread), what a held task means for readiness.
 */
#include "shell/restore.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/handover.h"
#include "shell/wallclock.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    RESTORE_CHUNK_BYTES = 256 * 1024,
    RESTORE_CHUNKS_MAX = 8,
    RESTORE_QUESTIONS_MAX = 65536,
    RESTORE_TAIL = 512,
    RESTORE_POLL_MS = 100,
    RESTORE_SILENCE_MS_MAX = 30000,
    RESTORE_CALL_MS = 5000,
    RESTORE_AGAIN_MS = 300
};

enum restore_question_kind {
    RESTORE_ASKS_TOPICS,
    RESTORE_ASKS_TASK,
    RESTORE_ASKS_MARKER,
    RESTORE_ASKS_OFFSETS
};

struct restore_question {
    enum restore_question_kind kind;
    int32_t partition, partitions_count;
    uint64_t number;
    char *group;
    rd_kafka_topic_partition_list_t *partitions;
};

struct restore {
    struct restore_options options;
    struct kafka_client description;
    struct kafka_setting settings[2];
    struct handover *questions, *news;
    uint64_t last_number;
    atomic_bool stopping;
    pthread_t thread;
    rd_kafka_t *consumer; /* of the thread; NULL until it is needed */
    struct kafka_warm warm;
};

/* ---- news ---- */

static struct restore_news *
restore_news_new(enum restore_news_kind kind, const struct restore_question *question)
{
    struct restore_news *news = memory_allocate_zeroed(1, sizeof *news);

    news->kind = kind;
    news->partition = question->partition;
    news->question = question->number;
    return news;
}

void
restore_news_free(struct restore_news *news)
{
    if (news == NULL)
        return;
    buffer_free(&news->bytes);
    if (news->offsets != NULL)
        rd_kafka_topic_partition_list_destroy(news->offsets);
    memory_free(news);
}

static void
restore_tell(struct restore *restore, struct restore_news *news)
{
    if (!handover_put(restore->news, news))
        restore_news_free(news);
}

/* ---- reading ---- */

static bool
restore_stopping(struct restore *restore)
{
    return atomic_load(&restore->stopping);
}

static void
restore_pause(struct restore *restore, int64_t length_ms)
{
    for (int64_t waited_ms = 0; waited_ms < length_ms && !restore_stopping(restore); waited_ms += 50)
        usleep(50000);
}

static int
restore_ensure_consumer(struct restore *restore, char error[KAFKA_ERROR_BYTES])
{
    if (restore->consumer == NULL) {
        restore->consumer = kafka_consumer_new(&restore->description, error);
        if (restore->consumer != NULL)
            kafka_warm_add(&restore->warm, restore->consumer, restore->options.topics->names[TOPIC_STATE]);
    }
    return restore->consumer != NULL ? 0 : -1;
}

/* Reads slad.state[p] from an offset to its end, one call of take a record. 0, or -1 with the reason. */
static int
restore_read(struct restore *restore, int32_t partition, int64_t from_offset,
             void (*take)(void *context, const rd_kafka_message_t *message), void *context,
             char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    int64_t heard_mono_ms = wallclock_mono_ms();
    rd_kafka_resp_err_t code;
    bool at_end = false;

    rd_kafka_topic_partition_list_add(list, restore->options.topics->names[TOPIC_STATE], partition)->offset =
        from_offset;
    code = rd_kafka_assign(restore->consumer, list);
    while (code == RD_KAFKA_RESP_ERR_NO_ERROR && !at_end) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(restore->consumer, RESTORE_POLL_MS);

        if (message != NULL) {
            heard_mono_ms = wallclock_mono_ms();
            at_end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
                take(context, message);
            else if (!at_end)
                code = message->err;
            rd_kafka_message_destroy(message);
        } else if (restore_stopping(restore) || wallclock_mono_ms() - heard_mono_ms > RESTORE_SILENCE_MS_MAX)
            code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    rd_kafka_assign(restore->consumer, NULL);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "%s[%d]: %s", restore->options.topics->names[TOPIC_STATE],
                 (int)partition, rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

/* The last marker that was read, as bytes. */
struct restore_tail {
    bool has_marker;
    struct buffer marker;
};

static bool
restore_is_marker(const rd_kafka_message_t *message)
{
    return slice_is((struct slice){message->key, message->key_len}, MARKER_KEY);
}

static void
restore_note_marker(struct restore_tail *tail, const rd_kafka_message_t *message)
{
    if (!restore_is_marker(message) || message->payload == NULL)
        return;
    buffer_reset(&tail->marker);
    buffer_append(&tail->marker, message->payload, message->len);
    tail->has_marker = true;
}

static void
restore_take_tail(void *context, const rd_kafka_message_t *message)
{
    restore_note_marker(context, message);
}

/* The marker, from the last records or, when none is among them, from all. Its texts borrow from tail. */
static int
restore_find_marker(struct restore *restore, int32_t partition, struct restore_tail *tail,
                    struct marker *ret_marker, char error[KAFKA_ERROR_BYTES])
{
    const int64_t from[] = {RD_KAFKA_OFFSET_TAIL(RESTORE_TAIL), RD_KAFKA_OFFSET_BEGINNING};

    tail->has_marker = false;
    for (size_t i = 0; i < sizeof from / sizeof *from && !tail->has_marker; i++)
        if (restore_read(restore, partition, from[i], restore_take_tail, tail, error) != 0)
            return -1;
    if (tail->has_marker && marker_read(buffer_slice(&tail->marker), ret_marker) != 0) {
        snprintf(error, KAFKA_ERROR_BYTES, "the marker of partition %d cannot be read by this version",
                 (int)partition);
        return -1;
    }
    return 0;
}

static int
restore_find_committed(struct restore *restore, int32_t partition, int64_t committed[2],
                       char error[KAFKA_ERROR_BYTES])
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_resp_err_t code;

    rd_kafka_topic_partition_list_add(list, restore->options.topics->names[TOPIC_TICKETS], partition);
    rd_kafka_topic_partition_list_add(list, restore->options.topics->names[TOPIC_RELAY], partition);
    code = rd_kafka_committed(restore->consumer, list, RESTORE_CALL_MS);
    for (int i = 0; i < 2 && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        committed[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : MARKER_NO_OFFSET;
        code = list->elems[i].err;
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "committed offsets: %s", rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

/* ---- a task ---- */

/* What the second pass gathers. */
struct restore_pass {
    struct restore *restore;
    const struct restore_question *question;
    struct restore_news *chunk;
    struct restore_tail tail;
};

static void
restore_flush_chunk(struct restore_pass *pass)
{
    if (pass->chunk == NULL)
        return;
    restore_tell(pass->restore, pass->chunk);
    pass->chunk = NULL;
}

static void
restore_take_record(void *context, const rd_kafka_message_t *message)
{
    struct restore_pass *pass = context;
    struct buffer *bytes;

    if (restore_is_marker(message)) {
        restore_note_marker(&pass->tail, message);
        return;
    }
    if (message->key == NULL)
        return;
    if (pass->chunk == NULL)
        pass->chunk = restore_news_new(RESTORE_CHUNK, pass->question);
    bytes = &pass->chunk->bytes;
    restore_plan_add(bytes, (struct slice){message->key, message->key_len},
                     (struct slice){message->payload, message->payload != NULL ? message->len : 0});
    if (bytes->bytes >= RESTORE_CHUNK_BYTES)
        restore_flush_chunk(pass);
}

/* The whole partition. true: what was told is the state of *marker. */
static bool
restore_stream(struct restore *restore, const struct restore_question *question,
               const struct restore_found *found, const struct restore_tail *tail,
               char error[KAFKA_ERROR_BYTES])
{
    struct restore_pass pass = {.restore = restore, .question = question};
    struct restore_news *news = restore_news_new(RESTORE_BEGUN, question);
    struct marker last;
    bool same = true;

    news->has_marker = found->has_marker;
    if (found->has_marker) {
        buffer_append_slice(&news->bytes, buffer_slice(&tail->marker));
        must(marker_read(buffer_slice(&news->bytes), &news->marker) == 0);
    }
    restore_tell(restore, news);
    if (found->has_marker) {
        same = restore_read(restore, question->partition, RD_KAFKA_OFFSET_BEGINNING, restore_take_record,
                            &pass, error) == 0;
        restore_flush_chunk(&pass);
        same = same && pass.tail.has_marker && marker_read(buffer_slice(&pass.tail.marker), &last) == 0 &&
               restore_plan_is_whole(&found->marker, &last);
    }
    buffer_free(&pass.tail.marker);
    return same;
}

/* One attempt to load a task. 1: done, told. 0: try again; error says why. */
static int
restore_try_task(struct restore *restore, const struct restore_question *question, bool *ret_amiss,
                 char error[KAFKA_ERROR_BYTES])
{
    struct restore_found found = {.partitions_count = question->partitions_count,
                                  .group = restore->options.group,
                                  .embedded = restore->options.kafka->embedded};
    struct restore_tail tail = {0};
    const char *reason = "";
    int done = 0;

    *ret_amiss = false;
    if (restore_ensure_consumer(restore, error) == 0 &&
        restore_find_marker(restore, question->partition, &tail, &found.marker, error) == 0 &&
        restore_find_committed(restore, question->partition, found.committed, error) == 0) {
        found.has_marker = tail.has_marker;
        if (restore_plan_judge(&found, &reason) == RESTORE_IS_AMISS) {
            *ret_amiss = true;
            snprintf(error, KAFKA_ERROR_BYTES,
                     "%s (marker: tickets %lld relay %lld epoch %llu; committed: %lld, %lld)", reason,
                     (long long)(found.has_marker ? found.marker.offsets[0] : -1),
                     (long long)(found.has_marker ? found.marker.offsets[1] : -1),
                     (unsigned long long)(found.has_marker ? found.marker.epoch : 0),
                     (long long)found.committed[0], (long long)found.committed[1]);
        } else if (restore_stream(restore, question, &found, &tail, error))
            done = 1;
    }
    buffer_free(&tail.marker);
    return done;
}

static void
restore_answer_task(struct restore *restore, const struct restore_question *question)
{
    struct restore_patience patience = {
        .patience_ms = RESTORE_TIMEOUTS_WAITED * restore->options.kafka->config->transaction_timeout_ms};
    char error[KAFKA_ERROR_BYTES] = "";
    bool amiss;

    while (!restore_stopping(restore)) {
        if (restore_try_task(restore, question, &amiss, error) != 0) {
            restore_tell(restore, restore_news_new(RESTORE_DONE, question));
            return;
        }
        if (restore_plan_gives_up(&patience, amiss, wallclock_mono_ms()))
            break;
        log_write(restore->options.kafka->log, LOG_WARNING, "task_waits",
                  LOG_INTEGER("task", question->partition), LOG_TEXT("why", error));
        restore_pause(restore, RESTORE_AGAIN_MS);
    }
    if (!restore_stopping(restore)) {
        struct restore_news *news = restore_news_new(RESTORE_HELD, question);

        memcpy(news->error, error, sizeof error);
        restore_tell(restore, news);
    }
}

/* ---- the other questions ---- */

static void
restore_answer_marker(struct restore *restore, const struct restore_question *question)
{
    struct restore_news *news = restore_news_new(RESTORE_MARKER, question);
    struct restore_tail tail = {0};

    while (!restore_stopping(restore)) {
        if (restore_ensure_consumer(restore, news->error) == 0 &&
            restore_find_marker(restore, question->partition, &tail, &news->marker, news->error) == 0)
            break;
        restore_pause(restore, RESTORE_AGAIN_MS);
    }
    news->has_marker = tail.has_marker;
    news->bytes = tail.marker;
    restore_tell(restore, news);
}

static void
restore_answer_topics(struct restore *restore, const struct restore_question *question)
{
    while (!restore_stopping(restore)) {
        struct restore_news *news = restore_news_new(RESTORE_TOPICS, question);
        int found = topics_find(restore->options.kafka, restore->options.topics, RESTORE_CALL_MS,
                                news->topics, news->error);

        restore_tell(restore, news);
        if (found == 0)
            return;
        restore_pause(restore, 1000);
    }
}

/* The committed offsets of another group need a consumer of that group. */
static int
restore_ask_committed(struct restore *restore, const struct restore_question *question,
                      char error[KAFKA_ERROR_BYTES])
{
    struct kafka_setting setting = {"group.id", question->group};
    struct kafka_client description = {
        .kafka = restore->options.kafka, .name = "loader", .settings = &setting, .settings_count = 1};
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    rd_kafka_resp_err_t code;

    if (consumer == NULL)
        return -1;
    code = rd_kafka_committed(consumer, question->partitions, RESTORE_CALL_MS);
    for (int i = 0; i < question->partitions->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        code = question->partitions->elems[i].err;
    rd_kafka_destroy(consumer);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "committed offsets of %s: %s", question->group,
                 rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

static void
restore_answer_offsets(struct restore *restore, struct restore_question *question)
{
    struct restore_news *news = restore_news_new(RESTORE_OFFSETS, question);

    while (!restore_stopping(restore) && restore_ask_committed(restore, question, news->error) != 0) {
        log_write(restore->options.kafka->log, LOG_WARNING, "offsets_wait", LOG_TEXT("why", news->error));
        restore_pause(restore, RESTORE_AGAIN_MS);
    }
    news->offsets = question->partitions;
    question->partitions = NULL;
    restore_tell(restore, news);
}

/* ---- the thread ---- */

static void
restore_question_free(struct restore_question *question)
{
    if (question->partitions != NULL)
        rd_kafka_topic_partition_list_destroy(question->partitions);
    memory_free(question->group);
    memory_free(question);
}

static void *
restore_thread(void *context)
{
    struct restore *restore = context;

    while (!restore_stopping(restore)) {
        struct restore_question *question = handover_take_wait(restore->questions, 500);

        if (question == NULL) {
            if (restore->consumer != NULL)
                rd_kafka_poll(restore->consumer, 0);
            continue;
        }
        switch (question->kind) {
        case RESTORE_ASKS_TOPICS:
            restore_answer_topics(restore, question);
            break;
        case RESTORE_ASKS_TASK:
            restore_answer_task(restore, question);
            break;
        case RESTORE_ASKS_MARKER:
            restore_answer_marker(restore, question);
            break;
        case RESTORE_ASKS_OFFSETS:
            restore_answer_offsets(restore, question);
            break;
        }
        restore_question_free(question);
    }
    return NULL;
}

struct restore *
restore_new(const struct restore_options *options)
{
    struct restore *restore = memory_allocate_zeroed(1, sizeof *restore);

    restore->options = *options;
    restore->settings[0] = (struct kafka_setting){"group.id", options->group};
    restore->settings[1] = (struct kafka_setting){"fetch.wait.max.ms", "5"}; /* reads to the end and goes */
    restore->description = (struct kafka_client){
        .kafka = options->kafka, .name = "loader", .settings = restore->settings, .settings_count = 2};
    restore->questions = handover_new(RESTORE_QUESTIONS_MAX);
    restore->news = handover_new(RESTORE_CHUNKS_MAX);
    must(pthread_create(&restore->thread, NULL, restore_thread, restore) == 0);
    return restore;
}

void
restore_free(struct restore *restore)
{
    struct restore_question *question;
    struct restore_news *news;

    if (restore == NULL)
        return;
    atomic_store(&restore->stopping, true);
    handover_close(restore->questions);
    handover_close(restore->news);
    must(pthread_join(restore->thread, NULL) == 0);
    if (restore->consumer != NULL) {
        kafka_warm_done(&restore->warm);
        rd_kafka_consumer_close(restore->consumer);
        rd_kafka_destroy(restore->consumer);
    }
    while ((question = handover_take(restore->questions)) != NULL)
        restore_question_free(question);
    while ((news = handover_take(restore->news)) != NULL)
        restore_news_free(news);
    handover_free(restore->questions);
    handover_free(restore->news);
    memory_free(restore);
}

static uint64_t
restore_ask(struct restore *restore, struct restore_question asked)
{
    struct restore_question *question = memory_copy(&asked, sizeof asked);
    uint64_t number = question->number = ++restore->last_number;

    if (!handover_put(restore->questions, question))
        restore_question_free(question);
    return number;
}

uint64_t
restore_ask_topics(struct restore *restore)
{
    return restore_ask(restore, (struct restore_question){.kind = RESTORE_ASKS_TOPICS, .partition = -1});
}

uint64_t
restore_ask_task(struct restore *restore, int32_t partition, int32_t partitions_count)
{
    return restore_ask(restore, (struct restore_question){.kind = RESTORE_ASKS_TASK,
                                                          .partition = partition,
                                                          .partitions_count = partitions_count});
}

uint64_t
restore_ask_marker(struct restore *restore, int32_t partition)
{
    return restore_ask(restore,
                       (struct restore_question){.kind = RESTORE_ASKS_MARKER, .partition = partition});
}

uint64_t
restore_ask_offsets(struct restore *restore, const char *group, rd_kafka_topic_partition_list_t *partitions)
{
    return restore_ask(restore, (struct restore_question){
                                    .kind = RESTORE_ASKS_OFFSETS,
                                    .partition = -1,
                                    .group = kafka_name(group != NULL ? group : restore->options.group, ""),
                                    .partitions = partitions});
}

struct restore_news *
restore_take(struct restore *restore)
{
    return handover_take(restore->news);
}

int
restore_descriptor(const struct restore *restore)
{
    return handover_descriptor(restore->news);
}

void
restore_clear(struct restore *restore)
{
    handover_clear(restore->news);
}
