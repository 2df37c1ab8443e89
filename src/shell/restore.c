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
 * three transaction time-outs (a dead writer's transaction may still be settled), then the task is held, and
 * looked at now and then; no other task waits for that. The last marker seen in the second pass is the one of
 * the first, else everything begins again. A snapshot replaces the beginning of the second pass, never its
 * end. A policy version that the marker names and the loop does not know is looked for in the whole of
 * slad.state[p] first: without it a state could only be judged by other promises.
 *
 * Not here: engines (they belong to the loop thread), what a held task means for readiness.
 */
#include "shell/restore.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/handover.h"
#include "shell/policy_record.h"
#include "shell/snapshot_read.h"
#include "shell/state_topic.h"
#include "shell/wallclock.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    RESTORE_CHUNK_BYTES = 256 * 1024,
    RESTORE_CHUNKS_MAX = 8,
    RESTORE_QUESTIONS_MAX = 65536,
    RESTORE_CALL_MS = 5000,
    RESTORE_AGAIN_MS = 300,
    RESTORE_HELD_AGAIN_MS = 2000,
    RESTORE_IDLE_MS = 500,
    RESTORE_AGE_MS_MAX = 302400000 /* half of the seven days for which topics --create keeps tombstones */
};

enum restore_question_kind {
    RESTORE_ASKS_TOPICS,
    RESTORE_ASKS_TASK,
    RESTORE_ASKS_DECISION,
    RESTORE_ASKS_NOTHING, /* what was asked for this partition is void */
    RESTORE_ASKS_MARKER,
    RESTORE_ASKS_OFFSETS,
    RESTORE_ASKS_FOUND,
    RESTORE_ASKS_POLICIES
};

struct restore_question {
    enum restore_question_kind kind;
    int32_t partition, partitions_count;
    uint64_t number;
    char *group;
    rd_kafka_topic_partition_list_t *partitions;
    struct buffer known; /* policy versions; of ASKS_POLICIES: those that are looked for */
    /* while it waits to be looked at again */
    struct restore_question *next;
    struct restore_patience patience;
    bool held;
    int64_t again_mono_ms;
};

struct restore {
    struct restore_options options;
    struct handover *questions, *news;
    uint64_t last_number;
    atomic_bool stopping;
    pthread_t thread;
    struct state_topic state;          /* of the thread */
    struct restore_question *waiting;  /* tasks to be looked at again; of the thread */
    struct snapshot_reader *snapshots; /* of the thread; NULL: none are used */
    int64_t snapshot_age_ms_max;
    /* what a person said of the scores last, and from where on it is looked for; of the thread */
    struct buffer word;
    int64_t word_from_offset;
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
    buffer_free(&news->policies);
    buffer_free(&news->word);
    buffer_free(&news->head);
    buffer_free(&news->before);
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

/* ---- a task ---- */

/* What a pass gathers. */
struct restore_pass {
    struct restore *restore;
    const struct restore_question *question;
    struct restore_news *chunk;
    struct state_tail tail;
    int64_t begins_offset;
    bool behind_snapshot;
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

    if (message->key == NULL || state_tail_note(&pass->tail, message) ||
        message->offset < pass->begins_offset)
        return;
    if (pass->chunk == NULL) {
        pass->chunk = restore_news_new(RESTORE_CHUNK, pass->question);
        pass->chunk->behind_snapshot = pass->behind_snapshot;
    }
    bytes = &pass->chunk->bytes;
    restore_plan_add(bytes, (struct slice){message->key, message->key_len},
                     (struct slice){message->payload, message->payload != NULL ? message->len : 0});
    if (bytes->bytes >= RESTORE_CHUNK_BYTES)
        restore_flush_chunk(pass);
}

/* What is loaded: the marker as it counts, and where it lies. */
struct restore_load {
    struct restore *restore;
    const struct restore_question *question;
    bool has_marker, decided;
    struct marker marker;
    int64_t state_end;
    struct buffer policies;     /* as RESTORE_BEGUN tells them */
    struct buffer head, before; /* as found in Redis */
};

static void
restore_tell_begun(const struct restore_load *load, const struct snapshot_head *head, int used, bool unusable)
{
    struct restore_news *news = restore_news_new(RESTORE_BEGUN, load->question);

    news->has_marker = load->has_marker;
    news->decided = load->decided;
    news->used = used;
    news->snapshot_unusable = unusable;
    for (uint32_t i = 0; head != NULL && i < head->buckets_count; i++)
        news->snapshot_bytes += head->buckets[i].bytes;
    buffer_append_slice(&news->policies, buffer_slice(&load->policies));
    buffer_append_slice(&news->head, buffer_slice(&load->head));
    buffer_append_slice(&news->before, buffer_slice(&load->before));
    marker_write(&load->marker, &news->bytes);
    must(marker_read(buffer_slice(&news->bytes), &news->marker) == 0);
    restore_tell(load->restore, news);
}

/* slad.state[p] from an offset on, told. true: with what was told before, it is the state of the marker. */
static bool
restore_stream(const struct restore_load *load, int64_t from_offset, bool behind_snapshot,
               char error[KAFKA_ERROR_BYTES])
{
    struct restore_pass pass = {.restore = load->restore,
                                .question = load->question,
                                .begins_offset = load->marker.begins_offset,
                                .behind_snapshot = behind_snapshot};
    const struct state_taker taker = {restore_take_record, &pass};
    struct marker last;
    bool whole;

    if (behind_snapshot && from_offset >= load->state_end)
        return true; /* nothing was written since */
    whole =
        state_topic_read(&load->restore->state, load->question->partition, from_offset, &taker, error) == 0;
    restore_flush_chunk(&pass);
    if (whole && !(pass.tail.has_marker && marker_read(buffer_slice(&pass.tail.marker), &last) == 0 &&
                   restore_plan_is_whole(&load->marker, &last))) {
        whole = false;
        snprintf(error, KAFKA_ERROR_BYTES, "another marker came while the state was read");
    }
    state_tail_done(&pass.tail);
    return whole;
}

/* ---- out of a snapshot ---- */

static bool
restore_take_bucket(void *context, struct slice content)
{
    const struct restore_load *load = context;
    struct restore_news *news = restore_news_new(RESTORE_CHUNK, load->question);

    buffer_append_slice(&news->bytes, content);
    restore_tell(load->restore, news);
    return !restore_stopping(load->restore);
}

static void
restore_log_unusable(const struct restore_load *load, int used, const char *why)
{
    log_write(load->restore->options.kafka->log, LOG_WARNING, "snapshot_unusable",
              LOG_INTEGER("task", load->question->partition),
              LOG_TEXT("which", used == 0 ? "last" : "previous"), LOG_TEXT("why", why));
}

/* true: everything was told. false: why is in the log; what was told is void. */
static bool
restore_from_snapshot(struct restore_load *load, int used)
{
    struct restore *restore = load->restore;
    const struct snapshot_question question = {.marker = &load->marker,
                                               .state_end = load->state_end,
                                               .now_ms = wallclock_wall_ms(),
                                               .age_ms_max = restore->snapshot_age_ms_max};
    const struct snapshot_taker taker = {.take = restore_take_bucket, .context = load};
    char redis_error[REDIS_ERROR_BYTES] = "", error[KAFKA_ERROR_BYTES] = "";
    struct snapshot_head head;
    enum snapshot_verdict verdict =
        snapshot_judge(buffer_slice(used == 0 ? &load->head : &load->before), &question, &head);
    bool told = false;

    if (verdict != SNAPSHOT_FITS) {
        restore_log_unusable(load, used, snapshot_verdict_text(verdict));
        return false;
    }
    restore_tell_begun(load, &head, used, used > 0);
    if (snapshot_reader_buckets(restore->snapshots, load->question->partition, &head, &taker, redis_error) !=
        0)
        restore_log_unusable(load, used, redis_error);
    else if (!restore_stream(load, head.state_offset, true, error))
        restore_log_unusable(load, used, error);
    else
        told = true;
    snapshot_head_done(&head);
    return told;
}

static bool
restore_from_redis(struct restore_load *load)
{
    struct restore *restore = load->restore;
    char error[REDIS_ERROR_BYTES] = "";

    if (restore->snapshots == NULL || load->decided)
        return false;
    if (snapshot_reader_heads(restore->snapshots, load->question->partition, wallclock_mono_ms(), &load->head,
                              &load->before, error) != 0) {
        buffer_reset(&load->head);
        buffer_reset(&load->before);
        restore_log_unusable(load, 0, error);
        return false;
    }
    return restore_from_snapshot(load, 0) || (!restore_stopping(restore) && restore_from_snapshot(load, 1));
}

/* ---- policy versions ---- */

static void
restore_take_policy(void *context, const rd_kafka_message_t *message)
{
    if (message->payload != NULL &&
        policy_record_is((struct slice){message->key, message->key != NULL ? message->key_len : 0}))
        policy_gather_take(context, (struct slice){message->payload, message->len});
}

/* For the scores: what was written for them, and what any task has. */
static void
restore_take_any_policy(void *context, const rd_kafka_message_t *message)
{
    struct slice key = {message->key, message->key != NULL ? message->key_len : 0};

    if (message->payload != NULL && (policy_record_is(key) || policy_record_is_scores(key)))
        policy_gather_take(context, (struct slice){message->payload, message->len});
}

/* Those that the marker names and the loop does not know. 1: they are in load->policies; 0: slad.state does
 * not have them all; -1: it could not be read. */
static int
restore_find_policies(struct restore_load *load, char error[KAFKA_ERROR_BYTES])
{
    struct slice wanted = load->has_marker ? load->marker.policies : (struct slice){0}, id, source;
    struct policy_gather gather;
    struct state_taker taker = {restore_take_policy, &gather};
    struct buffer ids = {0};
    int found = 1;

    for (size_t i = 0; i < policy_ids_count(wanted); i++)
        if (!policy_ids_has(buffer_slice(&load->question->known), policy_ids_get(wanted, i)))
            policy_ids_add(&ids, policy_ids_get(wanted, i));
    policy_gather_init(&gather, buffer_slice(&ids));
    if (gather.count > 0 && state_topic_read(&load->restore->state, load->question->partition,
                                             RD_KAFKA_OFFSET_BEGINNING, &taker, error) != 0)
        found = -1;
    for (size_t i = 0; i < gather.count && found >= 0; i++)
        if (policy_gather_get(&gather, i, &id, &source))
            restore_plan_add(&load->policies, id, source);
        else
            found = 0;
    policy_gather_done(&gather);
    buffer_free(&ids);
    return found;
}

/* ---- one attempt ---- */

static bool
restore_load_all(struct restore_load *load, char error[KAFKA_ERROR_BYTES])
{
    struct restore_news *done;

    if (!load->has_marker)
        restore_tell_begun(load, NULL, -1, false);
    else if (!restore_from_redis(load)) {
        restore_tell_begun(load, NULL, -1, load->restore->snapshots != NULL);
        if (!restore_stream(load, RD_KAFKA_OFFSET_BEGINNING, false, error))
            return false;
    }
    done = restore_news_new(RESTORE_DONE, load->question);
    done->state_end = load->state_end;
    restore_tell(load->restore, done);
    return true;
}

/* A person's word makes what was found be what is wanted. */
static void
restore_apply(struct restore_load *load, const struct control *control, const struct state_tail *tail)
{
    const struct restore_question *question = load->question;

    log_write(load->restore->options.kafka->log, LOG_NOTICE, "task_decided",
              LOG_INTEGER("task", question->partition),
              LOG_TEXT("verb", control->verb == CONTROL_ADOPT ? "adopt" : "fresh"),
              LOG_SLICE("by", control->by), LOG_INSTANT("at", control->at_ms),
              LOG_INTEGER("tickets", control->offsets[0]), LOG_INTEGER("relay", control->offsets[1]));
    load->decided = true;
    restore_plan_decide(control, tail->control_offset, question->partitions_count, &load->has_marker,
                        &load->marker);
}

static void
restore_say_amiss(const struct restore_found *found, const char *reason, char error[KAFKA_ERROR_BYTES])
{
    snprintf(error, KAFKA_ERROR_BYTES,
             "%s (marker: tickets %lld relay %lld epoch %llu; committed: %lld, %lld)", reason,
             (long long)(found->has_marker ? found->marker.offsets[0] : -1),
             (long long)(found->has_marker ? found->marker.offsets[1] : -1),
             (unsigned long long)(found->has_marker ? found->marker.epoch : 0),
             (long long)found->committed[0], (long long)found->committed[1]);
}

/* One attempt to load a task. 1: done, told. 0: try again; error says why. */
static int
restore_try_task(struct restore *restore, struct restore_question *question, bool *ret_amiss,
                 char error[KAFKA_ERROR_BYTES])
{
    struct restore_found found = {.partitions_count = question->partitions_count,
                                  .group = restore->options.group,
                                  .embedded = restore->options.kafka->embedded};
    struct restore_load load = {.restore = restore, .question = question};
    struct state_tail tail = {0};
    struct control control;
    const char *reason = "it waits for slactl task adopt, or fresh";
    int done = 0, read = state_topic_open(&restore->state, error);

    if (read == 0)
        read = state_topic_find_marker(&restore->state, question->partition, &tail, &found.marker, error);
    *ret_amiss = read > 0;
    if (read == 0 && state_topic_find_committed(&restore->state, question->partition, &found, error) == 0) {
        bool decided;

        found.has_marker = load.has_marker = tail.has_marker;
        decided = state_tail_decision(&tail, &found.marker, &control) &&
                  restore_plan_may_decide(&found, &question->patience, wallclock_mono_ms());
        load.marker = found.marker;
        load.state_end = tail.has_marker ? tail.marker_offset + 1 : 0;
        if (decided)
            restore_apply(&load, &control, &tail);
        if (!decided && (question->kind == RESTORE_ASKS_DECISION ||
                         restore_plan_judge(&found, &reason) == RESTORE_IS_AMISS)) {
            *ret_amiss = true;
            restore_say_amiss(&found, reason, error);
        } else {
            int policies = restore_find_policies(&load, error);

            *ret_amiss = policies == 0 && !decided;
            if (*ret_amiss)
                restore_say_amiss(&found, "slad.state does not have the text of a policy in force", error);
            else if (policies >= 0)
                done = restore_load_all(&load, error);
        }
        buffer_free(&load.policies);
        buffer_free(&load.head);
        buffer_free(&load.before);
    }
    state_tail_done(&tail);
    return done;
}

/* true: it is answered for good. false: it is to be looked at again, at again_mono_ms. */
static bool
restore_answer_task(struct restore *restore, struct restore_question *question)
{
    char error[KAFKA_ERROR_BYTES] = "";
    bool amiss;

    question->patience.patience_ms =
        RESTORE_TIMEOUTS_WAITED * restore->options.kafka->config->transaction_timeout_ms;
    if (restore_try_task(restore, question, &amiss, error) != 0)
        return true;
    question->again_mono_ms =
        wallclock_mono_ms() + (question->held ? RESTORE_HELD_AGAIN_MS : RESTORE_AGAIN_MS);
    if (question->held)
        return false;
    if (restore_plan_gives_up(&question->patience, amiss, wallclock_mono_ms())) {
        struct restore_news *news = restore_news_new(RESTORE_HELD, question);

        memcpy(news->error, error, sizeof error);
        restore_tell(restore, news);
        question->held = true;
    } else
        log_write(restore->options.kafka->log, LOG_WARNING, "task_waits",
                  LOG_INTEGER("task", question->partition), LOG_TEXT("why", error));
    return false;
}

/* ---- the other questions ---- */

/* Not answered: others are not held up by it. Takes the news. Always false. */
static bool
restore_answer_later(struct restore_question *question, struct restore_news *news)
{
    question->again_mono_ms = wallclock_mono_ms() + RESTORE_AGAIN_MS;
    restore_news_free(news);
    return false;
}

static bool
restore_answer_marker(struct restore *restore, struct restore_question *question)
{
    struct restore_news *news = restore_news_new(RESTORE_MARKER, question);
    struct state_tail tail = {0};
    bool found = state_topic_open(&restore->state, news->error) == 0 &&
                 state_topic_find_marker(&restore->state, question->partition, &tail, &news->marker,
                                         news->error) >= 0; /* one that cannot be read is not ours */

    news->has_marker = tail.has_marker;
    news->state_end = tail.has_marker ? tail.marker_offset + 1 : 0;
    news->bytes = tail.marker;
    tail.marker = (struct buffer){0};
    state_tail_done(&tail);
    if (!found) {
        log_write(restore->options.kafka->log, LOG_WARNING, "task_waits",
                  LOG_INTEGER("task", question->partition), LOG_TEXT("why", news->error));
        return restore_answer_later(question, news);
    }
    restore_tell(restore, news);
    return true;
}

static void
restore_answer_topics(struct restore *restore, const struct restore_question *question)
{
    while (!restore_stopping(restore)) {
        struct restore_news *news = restore_news_new(RESTORE_TOPICS, question);
        int found = topics_find(restore->options.kafka, restore->options.topics, RESTORE_CALL_MS,
                                news->topics, news->error);

        if (found == 0 && news->topics[TOPIC_STATE].settings_known)
            restore->snapshot_age_ms_max = news->topics[TOPIC_STATE].delete_retention_ms / 2;
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

static bool
restore_answer_offsets(struct restore *restore, struct restore_question *question)
{
    struct restore_news *news = restore_news_new(RESTORE_OFFSETS, question);

    if (restore_ask_committed(restore, question, news->error) != 0) {
        log_write(restore->options.kafka->log, LOG_WARNING, "offsets_wait", LOG_TEXT("why", news->error));
        return restore_answer_later(question, news);
    }
    news->offsets = question->partitions;
    question->partitions = NULL;
    restore_tell(restore, news);
    return true;
}

/* ---- for the score task ---- */

/* Whether feedback has what is committed of it. A partition that does not answer says nothing: others wait
 * for this thread. */
static void
restore_find_feedback(struct restore *restore, rd_kafka_t *consumer,
                      const rd_kafka_topic_partition_list_t *partitions, struct score_found *found)
{
    const char *feedback = restore->options.topics->names[TOPIC_FEEDBACK];
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t low, high;

    for (int i = 0; i < partitions->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *at = &partitions->elems[i];

        if (at->offset < 0 || strcmp(at->topic, feedback) != 0)
            continue;
        code =
            rd_kafka_query_watermark_offsets(consumer, feedback, at->partition, &low, &high, RESTORE_CALL_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            score_found_take_ends(found, at->offset, low, high);
    }
}

/* Where slad.outcomes[0] begins and ends, transactions that are open included; and feedback. */
static int
restore_find_log(struct restore *restore, const struct restore_question *question, struct score_found *found,
                 char error[KAFKA_ERROR_BYTES])
{
    struct kafka_setting settings[] = {{"group.id", restore->options.group},
                                       {"isolation.level", "read_uncommitted"}};
    struct kafka_client description = {
        .kafka = restore->options.kafka, .name = "loader", .settings = settings, .settings_count = 2};
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    rd_kafka_resp_err_t code;

    if (consumer == NULL)
        return -1;
    code = rd_kafka_query_watermark_offsets(consumer, restore->options.topics->names[TOPIC_OUTCOMES], 0,
                                            &found->log_begin, &found->log_end, RESTORE_CALL_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        restore_find_feedback(restore, consumer, question->partitions, found);
    rd_kafka_destroy(consumer);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(error, KAFKA_ERROR_BYTES, "end of slad.outcomes: %s", rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

static void
restore_take_found(struct restore *restore, const rd_kafka_topic_partition_list_t *partitions,
                   struct restore_news *news)
{
    for (int i = 0; i < partitions->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &partitions->elems[i];

        if (strcmp(at->topic, restore->options.topics->names[TOPIC_OUTCOMES]) == 0)
            score_found_take(&news->found, at->offset, (struct slice){at->metadata, at->metadata_size},
                             &news->bytes);
        else if (at->offset >= 0) {
            news->found.has_feedback = true;
            news->found.feedback_sum += at->offset;
        }
    }
}

static void
restore_take_word(void *context, const rd_kafka_message_t *message)
{
    struct restore *restore = context;

    restore->word_from_offset = message->offset + 1;
    if (message->key == NULL || !slice_is((struct slice){message->key, message->key_len}, CONTROL_SCORES_KEY))
        return;
    buffer_reset(&restore->word);
    if (message->payload != NULL)
        buffer_append(&restore->word, message->payload, message->len);
}

/* What is amiss may have been decided: in slad.state[0], read whole once, then what has come since. */
static void
restore_find_word(struct restore *restore, struct restore_news *news)
{
    const struct state_taker taker = {restore_take_word, restore};
    struct control_scores control;

    if (score_plan_amiss(&news->found) == NULL)
        return;
    if (state_topic_open(&restore->state, news->error) != 0 ||
        state_topic_read(&restore->state, 0, restore->word_from_offset, &taker, news->error) != 0) {
        log_write(restore->options.kafka->log, LOG_WARNING, "decision_waits", LOG_TEXT("task", "scores"),
                  LOG_TEXT("why", news->error));
        restore->word_from_offset = RD_KAFKA_OFFSET_BEGINNING;
        return;
    }
    buffer_append_slice(&news->word, buffer_slice(&restore->word));
    if (control_scores_read(buffer_slice(&news->word), &control) == 0 &&
        score_plan_decide(&control, &news->found))
        log_write(restore->options.kafka->log, LOG_NOTICE, "task_decided", LOG_TEXT("task", "scores"),
                  LOG_TEXT("verb", control.verb == CONTROL_ADOPT ? "adopt" : "fresh"),
                  LOG_SLICE("by", control.by), LOG_INSTANT("at", control.at_ms));
}

static bool
restore_answer_found(struct restore *restore, struct restore_question *question)
{
    struct restore_news *news = restore_news_new(RESTORE_FOUND, question);

    if (restore_ask_committed(restore, question, news->error) != 0 ||
        restore_find_log(restore, question, &news->found, news->error) != 0) {
        log_write(restore->options.kafka->log, LOG_WARNING, "offsets_wait", LOG_TEXT("why", news->error));
        return restore_answer_later(question, news);
    }
    restore_take_found(restore, question->partitions, news);
    restore_find_word(restore, news);
    restore_tell(restore, news);
    return true;
}

static void
restore_answer_policies(struct restore *restore, const struct restore_question *question)
{
    struct restore_news *news = restore_news_new(RESTORE_POLICIES, question);
    struct policy_gather gather;
    const struct state_taker taker = {restore_take_any_policy, &gather};
    struct slice id, source;

    policy_gather_init(&gather, buffer_slice(&question->known));
    for (int32_t p = 0; p < question->partitions_count && !restore_stopping(restore); p++)
        if (state_topic_open(&restore->state, news->error) != 0 ||
            state_topic_read(&restore->state, p, RD_KAFKA_OFFSET_BEGINNING, &taker, news->error) != 0)
            log_write(restore->options.kafka->log, LOG_WARNING, "policies_wait", LOG_INTEGER("task", p),
                      LOG_TEXT("why", news->error));
    for (size_t i = 0; i < gather.count; i++)
        if (policy_gather_get(&gather, i, &id, &source))
            restore_plan_add(&news->policies, id, source);
    policy_gather_done(&gather);
    restore_tell(restore, news);
}

/* ---- the thread ---- */

static void
restore_question_free(struct restore_question *question)
{
    if (question->partitions != NULL)
        rd_kafka_topic_partition_list_destroy(question->partitions);
    memory_free(question->group);
    buffer_free(&question->known);
    memory_free(question);
}

/* The tasks that are gone need no answer. partition -1: none does. */
static void
restore_forget_waiting(struct restore *restore, int32_t partition)
{
    struct restore_question **at = &restore->waiting;

    while (*at != NULL) {
        struct restore_question *question = *at;

        if (partition >= 0 && question->partition != partition) {
            at = &question->next;
            continue;
        }
        *at = question->next;
        restore_question_free(question);
    }
}

/* Of what is asked for the scores the last question alone is waited for. */
static void
restore_forget_older(struct restore *restore, const struct restore_question *than)
{
    struct restore_question **at = &restore->waiting;

    while (*at != NULL) {
        struct restore_question *question = *at;

        if (question->kind != than->kind || question->number > than->number) {
            at = &question->next;
            continue;
        }
        *at = question->next;
        restore_question_free(question);
    }
}

/* Takes the question. */
static void
restore_answer(struct restore *restore, struct restore_question *question)
{
    bool answered = true;

    switch (question->kind) {
    case RESTORE_ASKS_TOPICS:
        restore_answer_topics(restore, question);
        break;
    case RESTORE_ASKS_TASK:
    case RESTORE_ASKS_DECISION:
        answered = restore_answer_task(restore, question);
        break;
    case RESTORE_ASKS_NOTHING:
        restore_forget_waiting(restore, question->partition);
        break;
    case RESTORE_ASKS_MARKER:
        answered = restore_answer_marker(restore, question);
        break;
    case RESTORE_ASKS_OFFSETS:
        answered = restore_answer_offsets(restore, question);
        break;
    case RESTORE_ASKS_FOUND:
        answered = restore_answer_found(restore, question);
        break;
    case RESTORE_ASKS_POLICIES:
        restore_answer_policies(restore, question);
        break;
    }
    if (answered) {
        restore_question_free(question);
        return;
    }
    if (question->partition < 0)
        restore_forget_older(restore, question);
    question->next = restore->waiting; /* others are not held up by it */
    restore->waiting = question;
}

/* The waiting question that is due first, taken off the list; NULL: none is due. *ret_wait_ms: until then. */
static struct restore_question *
restore_take_due(struct restore *restore, int64_t *ret_wait_ms)
{
    int64_t now_mono_ms = wallclock_mono_ms();
    struct restore_question **first = NULL, *question;

    for (struct restore_question **at = &restore->waiting; *at != NULL; at = &(*at)->next)
        if (first == NULL || (*at)->again_mono_ms < (*first)->again_mono_ms)
            first = at;
    *ret_wait_ms = RESTORE_IDLE_MS;
    if (first == NULL)
        return NULL;
    if ((*first)->again_mono_ms > now_mono_ms) {
        if ((*first)->again_mono_ms - now_mono_ms < *ret_wait_ms)
            *ret_wait_ms = (*first)->again_mono_ms - now_mono_ms;
        return NULL;
    }
    question = *first;
    *first = question->next;
    return question;
}

static void *
restore_thread(void *context)
{
    struct restore *restore = context;

    while (!restore_stopping(restore)) {
        int64_t wait_ms;
        struct restore_question *question = handover_take(restore->questions); /* what is new comes first */

        if (question == NULL)
            question = restore_take_due(restore, &wait_ms);
        if (question == NULL)
            question = handover_take_wait(restore->questions, wait_ms);
        if (question != NULL)
            restore_answer(restore, question);
        else
            state_topic_idle(&restore->state);
    }
    restore_forget_waiting(restore, -1);
    return NULL;
}

struct restore *
restore_new(const struct restore_options *options)
{
    struct restore *restore = memory_allocate_zeroed(1, sizeof *restore);

    restore->options = *options;
    state_topic_init(&restore->state, options->kafka, options->topics, options->group, &restore->stopping);
    restore->snapshot_age_ms_max = RESTORE_AGE_MS_MAX;
    restore->word_from_offset = RD_KAFKA_OFFSET_BEGINNING;
    if (options->kafka->config->snapshot == CONFIG_SNAPSHOT_REDIS && !options->kafka->embedded)
        restore->snapshots = snapshot_reader_new(options->kafka->config, NULL);
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
    state_topic_done(&restore->state);
    while ((question = handover_take(restore->questions)) != NULL)
        restore_question_free(question);
    while ((news = handover_take(restore->news)) != NULL)
        restore_news_free(news);
    snapshot_reader_free(restore->snapshots);
    buffer_free(&restore->word);
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
restore_ask_task(struct restore *restore, int32_t partition, int32_t partitions_count, struct slice known)
{
    struct restore_question question = {
        .kind = RESTORE_ASKS_TASK, .partition = partition, .partitions_count = partitions_count};

    buffer_append_slice(&question.known, known);
    return restore_ask(restore, question);
}

uint64_t
restore_ask_decision(struct restore *restore, int32_t partition, int32_t partitions_count, struct slice known)
{
    struct restore_question question = {.kind = RESTORE_ASKS_DECISION,
                                        .partition = partition,
                                        .partitions_count = partitions_count,
                                        .held = true};

    buffer_append_slice(&question.known, known);
    return restore_ask(restore, question);
}

void
restore_forget_task(struct restore *restore, int32_t partition)
{
    (void)restore_ask(restore,
                      (struct restore_question){.kind = RESTORE_ASKS_NOTHING, .partition = partition});
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

uint64_t
restore_ask_found(struct restore *restore, const char *group, rd_kafka_topic_partition_list_t *partitions)
{
    return restore_ask(restore, (struct restore_question){.kind = RESTORE_ASKS_FOUND,
                                                          .partition = -1,
                                                          .group = kafka_name(group, ""),
                                                          .partitions = partitions});
}

uint64_t
restore_ask_policies(struct restore *restore, int32_t partitions_count, struct slice ids)
{
    struct restore_question question = {
        .kind = RESTORE_ASKS_POLICIES, .partition = -1, .partitions_count = partitions_count};

    buffer_append_slice(&question.known, ids);
    return restore_ask(restore, question);
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
