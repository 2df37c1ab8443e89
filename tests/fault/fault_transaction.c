/*
 * Transactions whose every outside call fails, each in its turn: a new client, init, metadata, begin,
 * produce, send offsets, commit, abort; and what answers a failure fails, too. A call fails by an error that
 * asks to be repeated, to be answered by an abort, or to give the producer up; it was not made, or it was
 * made and only its answer is lost. Under it are the real transaction thread on the broker in the process,
 * and the real protocol with a task, or the real score task. Whatever fails: what readers of committed
 * records get is what they would have got, each record once; after an abort the same bytes go out again;
 * after anything worse what was committed is read back; and it is one line of the log.
 *
 * The flags of librdkafka's errors cannot be set from outside, so three functions below stand before its
 * own and know the errors made here by their text. The mock's transactions are no transactions, so what is
 * committed is kept here, as the calls that were made say.
 */
#include "../support/brokers.h"
#include "../support/ports.h"
#include "../support/worlds.h"
#include "shell/ingest.h"
#include <dlfcn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

/* In the order of transaction_calls, then those that make a producer. */
enum fault_call {
    FAULT_INIT,
    FAULT_BEGIN,
    FAULT_PRODUCE,
    FAULT_OFFSETS,
    FAULT_COMMIT,
    FAULT_ABORT,
    FAULT_NEW,     /* a client */
    FAULT_METADATA /* of a topic, before it is used */
};
enum fault_kind { FAULT_AGAIN, FAULT_ABORTABLE, FAULT_FATAL, FAULT_KINDS_COUNT };

struct fault {
    enum fault_kind kind;
    bool made; /* the call was made, only its answer is lost */
};

struct kept_record {
    int topic; /* enum topic; -1: none of ours */
    struct buffer key, value;
    bool tombstone;
};

enum { KEPT_RECORDS_MAX = 512, KEPT_CALLS_MAX = 512 };

struct kept_list {
    struct kept_record *records[KEPT_RECORDS_MAX];
    size_t count;
};

/* Touched by the transaction's thread while a job is with it, else by the test. */
static struct {
    struct topics *topics;
    struct kept_list committed, open, aborted;
    rd_kafka_topic_partition_list_t *offsets, *open_offsets; /* committed; of what is open */
    bool differs; /* what was sent again was not what was aborted */
    enum fault_call calls[KEPT_CALLS_MAX];
    size_t calls_count;
    size_t nth;               /* this call fails (from 1; 0: none) */
    struct fault fault;       /* so */
    const struct fault *then; /* and then, once, the next call of this name; NULL: none */
    enum fault_call then_call;
    bool hit;               /* it has failed, */
    enum fault_call failed; /* this one */
    size_t opens_failed;
    bool trouble; /* a call failed by itself, before: a machine that stood still */
} kept;

static const char *const fault_texts[] = {"made to fail: again", "made to fail: abort",
                                          "made to fail: fatal"};

static bool
fault_is(const rd_kafka_error_t *error, enum fault_kind kind)
{
    return error != NULL && strcmp(rd_kafka_error_string(error), fault_texts[kind]) == 0;
}

#define FAULT_FLAG(name, kind)                                                                               \
    int name(const rd_kafka_error_t *error)                                                                  \
    {                                                                                                        \
        int (*real)(const rd_kafka_error_t *) =                                                              \
            (int (*)(const rd_kafka_error_t *))(uintptr_t)dlsym(RTLD_NEXT, #name);                           \
                                                                                                             \
        return fault_is(error, kind) ? 1 : real(error);                                                      \
    }
FAULT_FLAG(rd_kafka_error_is_fatal, FAULT_FATAL)
FAULT_FLAG(rd_kafka_error_txn_requires_abort, FAULT_ABORTABLE)
FAULT_FLAG(rd_kafka_error_is_retriable, FAULT_AGAIN)

/* ---- what is kept ---- */

static void
kept_clear(struct kept_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        buffer_free(&list->records[i]->key);
        buffer_free(&list->records[i]->value);
        memory_free(list->records[i]);
    }
    list->count = 0;
}

static void
kept_move(struct kept_list *from, struct kept_list *to)
{
    must(to->count + from->count <= KEPT_RECORDS_MAX);
    memcpy(to->records + to->count, from->records, from->count * sizeof *from->records);
    to->count += from->count;
    from->count = 0;
}

static bool
kept_equal(const struct kept_record *a, const struct kept_record *b)
{
    return a->topic == b->topic && a->tombstone == b->tombstone &&
           slice_equal(buffer_slice(&a->key), buffer_slice(&b->key)) &&
           slice_equal(buffer_slice(&a->value), buffer_slice(&b->value));
}

static void
kept_forget_open(void)
{
    kept_clear(&kept.open);
    if (kept.open_offsets != NULL)
        rd_kafka_topic_partition_list_destroy(kept.open_offsets);
    kept.open_offsets = NULL;
}

static void
kept_produce(const rd_kafka_vu_t *values, size_t count)
{
    struct kept_record *record = memory_allocate_zeroed(1, sizeof *record);

    record->topic = -1;
    record->tombstone = true;
    for (size_t i = 0; i < count; i++) {
        struct slice bytes = {values[i].u.mem.ptr, values[i].u.mem.size};

        if (values[i].vtype == RD_KAFKA_VTYPE_RKT) {
            for (int topic = 0; topic < TOPICS_COUNT; topic++)
                if (strcmp(rd_kafka_topic_name(values[i].u.rkt), kept.topics->names[topic]) == 0)
                    record->topic = topic;
        } else if (values[i].vtype == RD_KAFKA_VTYPE_KEY)
            buffer_append_slice(&record->key, bytes);
        else if (values[i].vtype == RD_KAFKA_VTYPE_VALUE) {
            record->tombstone = bytes.at == NULL;
            buffer_append_slice(&record->value, bytes);
        }
    }
    must(kept.open.count < KEPT_RECORDS_MAX);
    kept.open.records[kept.open.count++] = record;
}

/* What was aborted, and what has begun to be sent again, are the same bytes. */
static void
kept_compare_again(void)
{
    for (size_t i = 0; i < kept.aborted.count && i < kept.open.count; i++)
        kept.differs |= !kept_equal(kept.aborted.records[i], kept.open.records[i]);
    kept.differs |= kept.open.count < kept.aborted.count;
    kept_clear(&kept.aborted);
}

/* With its metadata. */
static void
kept_copy_offset(rd_kafka_topic_partition_list_t *all, const rd_kafka_topic_partition_t *from)
{
    rd_kafka_topic_partition_t *to = rd_kafka_topic_partition_list_add(all, from->topic, from->partition);

    to->offset = from->offset;
    if (from->metadata_size == 0)
        return;
    to->metadata = memory_copy(from->metadata, from->metadata_size);
    to->metadata_size = from->metadata_size;
}

static void
kept_commit(void)
{
    if (kept.aborted.count > 0)
        kept_compare_again();
    kept_move(&kept.open, &kept.committed);
    for (int i = 0; kept.open_offsets != NULL && i < kept.open_offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *from = &kept.open_offsets->elems[i];

        (void)rd_kafka_topic_partition_list_del(kept.offsets, from->topic, from->partition);
        kept_copy_offset(kept.offsets, from);
    }
    kept_forget_open();
}

/* ---- the calls ---- */

/* Whether this call fails, and how; NULL: it does not. */
static const struct fault *
next_fault(enum fault_call call)
{
    const struct fault *found = NULL;

    must(kept.calls_count < KEPT_CALLS_MAX);
    kept.calls[kept.calls_count++] = call;
    if (kept.calls_count == kept.nth) {
        found = &kept.fault;
        kept.hit = true;
        kept.failed = call;
    } else if (kept.hit && kept.then != NULL && call == kept.then_call) {
        found = kept.then;
        kept.then = NULL;
    }
    return found;
}

/* What the caller is told of a call that was made, or was not (answer NULL, fault not NULL). */
static rd_kafka_error_t *
told(const struct fault *fault, rd_kafka_error_t *answer)
{
    if (fault == NULL) {
        kept.trouble |= answer != NULL && !kept.hit;
        return answer;
    }
    if (answer != NULL)
        rd_kafka_error_destroy(answer);
    return rd_kafka_error_new(RD_KAFKA_RESP_ERR__FAIL, "%s", fault_texts[fault->kind]);
}

static rd_kafka_error_t *
failing_init(rd_kafka_t *client, int timeout_ms)
{
    const struct fault *fault = next_fault(FAULT_INIT);
    rd_kafka_error_t *answer = NULL;

    if (fault == NULL || fault->made)
        answer = rd_kafka_init_transactions(client, timeout_ms);
    if (answer == NULL && (fault == NULL || fault->made)) { /* the one before has left nothing */
        kept_forget_open();
        kept_clear(&kept.aborted);
    }
    kept.opens_failed += fault != NULL || answer != NULL;
    return fault == NULL ? answer : told(fault, answer); /* a slow one is nothing to wonder at */
}

/* These two stand before librdkafka's own. */
rd_kafka_t *
rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *error, size_t error_bytes)
{
    rd_kafka_t *(*real)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t) =
        (rd_kafka_t *
         (*)(rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t))(uintptr_t)dlsym(RTLD_NEXT, "rd_kafka_new");

    if (kept.topics == NULL || next_fault(FAULT_NEW) == NULL)
        return real(type, conf, error, error_bytes);
    kept.opens_failed++;
    (void)snprintf(error, error_bytes, "made to fail");
    return NULL;
}

rd_kafka_resp_err_t
rd_kafka_metadata(rd_kafka_t *client, int all, rd_kafka_topic_t *topic,
                  const struct rd_kafka_metadata **ret_metadata, int timeout_ms)
{
    rd_kafka_resp_err_t (*real)(rd_kafka_t *, int, rd_kafka_topic_t *, const struct rd_kafka_metadata **,
                                int) =
        (rd_kafka_resp_err_t(*)(rd_kafka_t *, int, rd_kafka_topic_t *, const struct rd_kafka_metadata **,
                                int))(uintptr_t)dlsym(RTLD_NEXT, "rd_kafka_metadata");
    rd_kafka_resp_err_t code = next_fault(FAULT_METADATA) != NULL
                                   ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                   : real(client, all, topic, ret_metadata, timeout_ms);

    kept.opens_failed += code != RD_KAFKA_RESP_ERR_NO_ERROR;
    return code;
}

/* Nobody needs to wait for a broker that is to come back. */
int
usleep(useconds_t length_us)
{
    struct timespec length = {.tv_nsec = (long)(length_us < 1000 ? length_us : 1000) * 1000};

    return nanosleep(&length, NULL);
}

static rd_kafka_error_t *
failing_begin(rd_kafka_t *client)
{
    const struct fault *fault = next_fault(FAULT_BEGIN);

    return told(fault, fault == NULL ? rd_kafka_begin_transaction(client) : NULL);
}

static rd_kafka_error_t *
failing_produce(rd_kafka_t *client, const rd_kafka_vu_t *values, size_t count)
{
    const struct fault *fault = next_fault(FAULT_PRODUCE);
    rd_kafka_error_t *answer = NULL;

    if (fault == NULL) {
        kept_produce(values, count); /* first: a record that was taken may be gone */
        answer = rd_kafka_produceva(client, values, count);
    }
    return told(fault, answer);
}

static rd_kafka_error_t *
failing_send_offsets(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *offsets,
                     const rd_kafka_consumer_group_metadata_t *group, int timeout_ms)
{
    const struct fault *fault = next_fault(FAULT_OFFSETS);
    rd_kafka_error_t *answer = NULL;

    if (fault == NULL || fault->made) {
        answer = rd_kafka_send_offsets_to_transaction(client, offsets, group, timeout_ms);
        if (kept.open_offsets != NULL)
            rd_kafka_topic_partition_list_destroy(kept.open_offsets);
        kept.open_offsets = rd_kafka_topic_partition_list_new(offsets->cnt);
        for (int i = 0; i < offsets->cnt; i++)
            kept_copy_offset(kept.open_offsets, &offsets->elems[i]);
    }
    return told(fault, answer);
}

static rd_kafka_error_t *
failing_commit(rd_kafka_t *client, int timeout_ms)
{
    const struct fault *fault = next_fault(FAULT_COMMIT);
    rd_kafka_error_t *answer = NULL;

    if (fault == NULL || fault->made) {
        answer = rd_kafka_commit_transaction(client, timeout_ms);
        if (answer == NULL)
            kept_commit();
    }
    return told(fault, answer);
}

static rd_kafka_error_t *
failing_abort(rd_kafka_t *client, int timeout_ms)
{
    const struct fault *fault = next_fault(FAULT_ABORT);
    rd_kafka_error_t *answer = NULL;

    if (fault == NULL || fault->made) {
        answer = rd_kafka_abort_transaction(client, timeout_ms);
        if (answer == NULL) {
            kept_clear(&kept.aborted);
            kept_move(&kept.open, &kept.aborted);
            kept_forget_open();
        }
    }
    return told(fault, answer);
}

static const struct transaction_calls failing_calls = {failing_init,         failing_begin,  failing_produce,
                                                       failing_send_offsets, failing_commit, failing_abort};

/* ---- the scene: what both roles share ---- */

enum { WAIT_MS = 30000, TURNS_MAX = 2000, TURN_MS = 200, LOG_BYTES_MAX = 65536 };

struct scene {
    struct brokers *brokers;
    struct worlds worlds;
    struct transaction *transaction;
    int log; /* its file */
    size_t aborted_count, unknown_count;
    struct protocol protocol; /* of the tickets */
    struct ingest *ingest;
    uint64_t questions;
    bool asked_task, asked_marker;
    size_t loads_count;
    struct score_task scores; /* of the scores */
    bool asked_offsets;
    int64_t outcomes_read; /* next of what is committed, -1: none is to be read */
};

static void
scene_open(struct scene *scene, struct brokers *brokers, const char *policy)
{
    struct log_options log_options = {.level = LOG_WARNING};
    struct transaction_options options = {
        .name = "test", .transactional_id = "test", .calls = &failing_calls};

    memset(scene, 0, sizeof *scene);
    scene->brokers = brokers;
    worlds_open(&scene->worlds, policy, NULL, 0);
    log_free(scene->worlds.world.log);
    scene->log = log_options.descriptor = memfd_create("log", MFD_CLOEXEC);
    assert_true(scene->log >= 0);
    scene->worlds.world.log = log_new(&log_options);
    brokers->kafka.log = scene->worlds.world.log;
    kept.topics = &scene->worlds.world.topics;
    kept.offsets = rd_kafka_topic_partition_list_new(4);
    options.kafka = &brokers->kafka;
    options.topics = &scene->worlds.world.topics;
    scene->transaction = transaction_new(&options);
}

static void
scene_close(struct scene *scene)
{
    transaction_free(scene->transaction);
    scene->brokers->kafka.log = scene->brokers->log;
    worlds_close(&scene->worlds);
    close(scene->log);
    kept_forget_open();
    kept_clear(&kept.aborted);
    rd_kafka_topic_partition_list_destroy(kept.offsets);
    kept.offsets = NULL;
    kept.topics = NULL;
}

static void
scene_submit(void *context, struct transaction_job *job)
{
    struct scene *scene = context;

    if (job->group == NULL)
        job->group = rd_kafka_consumer_group_metadata_new("test");
    transaction_submit(scene->transaction, job);
}

/* The job that is out, when it is back. */
static struct transaction_job *
scene_wait(struct scene *scene)
{
    struct transaction_job *job = transaction_take_wait(scene->transaction, WAIT_MS);

    assert_non_null(job);
    scene->aborted_count += job->result == TRANSACTION_ABORTED;
    scene->unknown_count += job->result == TRANSACTION_FATAL;
    return job;
}

/* -1: none is committed. */
static int64_t
scene_committed(const struct scene *scene, enum topic topic)
{
    const rd_kafka_topic_partition_t *found =
        rd_kafka_topic_partition_list_find(kept.offsets, scene->worlds.world.topics.names[topic], 0);

    return found != NULL ? found->offset : MARKER_NO_OFFSET;
}

/* How many lines of the log say this; NULL: how many there are. */
static size_t
scene_lines(const struct scene *scene, const char *what)
{
    static char text[LOG_BYTES_MAX];
    ssize_t bytes = pread(scene->log, text, sizeof text - 1, 0);
    size_t count = 0;

    assert_true(bytes >= 0);
    text[bytes] = '\0';
    for (const char *at = text; (at = strstr(at, what != NULL ? what : "\n")) != NULL; at++)
        count++;
    return count;
}

/* ---- the ticket role ---- */

static const char tickets_policy[] =
    "version: \"1\"\nstatuses: {New: {state: open}, Solved: {state: solved}}\n"
    "agreements:\n  - {name: all, kind: sla, warn_at: [50%], clocks: {resolution: {measure: resolution, "
    "target: 1h}}}\n";

/* What happens: a ticket says something, or only time passes. */
static const struct step {
    int minute;
    const char *key, *type, *status;
} steps[] = {
    {0, "T-0", "created", "New"},     {10, "T-1", "created", "New"}, {45, NULL, NULL, NULL},
    {46, "T-0", "updated", "Solved"}, {75, NULL, NULL, NULL},
};
enum { STEPS_COUNT = sizeof steps / sizeof *steps };

static uint64_t
tickets_ask_task(void *context, int32_t partition)
{
    struct scene *scene = context;

    (void)partition;
    scene->asked_task = true;
    return ++scene->questions;
}

static uint64_t
tickets_ask_marker(void *context, int32_t partition)
{
    struct scene *scene = context;

    (void)partition;
    scene->asked_marker = true;
    return ++scene->questions;
}

static bool
tickets_marker(struct marker *ret_marker)
{
    bool found = false;

    for (size_t i = 0; i < kept.committed.count; i++) {
        const struct kept_record *record = kept.committed.records[i];

        if (record->topic == TOPIC_STATE && slice_is(buffer_slice(&record->key), MARKER_KEY)) {
            assert_int_equal(marker_read(buffer_slice(&record->value), ret_marker), 0);
            found = true;
        }
    }
    return found;
}

static void
tickets_tell(struct scene *scene, struct restore_news *news)
{
    news->question = scene->questions;
    protocol_on_news(&scene->protocol, news);
}

/* What a loader would find. */
static void
tickets_load(struct scene *scene)
{
    struct restore_news begun = {.kind = RESTORE_BEGUN, .used = -1}, done = {.kind = RESTORE_DONE},
                        chunk = {.kind = RESTORE_CHUNK};

    scene->asked_task = false;
    scene->loads_count++;
    begun.has_marker = tickets_marker(&begun.marker);
    if (begun.has_marker) /* it reads on where the group stands, which is where the marker says */
        assert_int_equal(begun.marker.offsets[TASK_TICKETS], scene_committed(scene, TOPIC_TICKETS));
    tickets_tell(scene, &begun);
    for (size_t i = 0; i < kept.committed.count; i++) {
        const struct kept_record *record = kept.committed.records[i];

        if (record->topic == TOPIC_STATE)
            restore_plan_add(&chunk.bytes, buffer_slice(&record->key),
                             record->tombstone ? (struct slice){0} : buffer_slice(&record->value));
    }
    tickets_tell(scene, &chunk);
    buffer_free(&chunk.bytes);
    tickets_tell(scene, &done);
}

static void
tickets_answer(struct scene *scene)
{
    struct restore_news news = {.kind = RESTORE_MARKER};

    if (scene->asked_marker) {
        scene->asked_marker = false;
        news.has_marker = tickets_marker(&news.marker);
        tickets_tell(scene, &news);
    }
    if (scene->asked_task)
        tickets_load(scene);
}

/* What lies in the topic at this offset, when it does already. */
static bool
tickets_read(struct scene *scene, struct task *task, int64_t offset, size_t steps_done)
{
    struct ingest_record record = {.topic = scene->worlds.world.topics.names[TOPIC_TICKETS],
                                   .offset = offset};
    char text[512];
    int64_t at = 0;

    for (size_t i = 0; i < steps_done; i++) {
        char instant[INSTANT_TEXT_BYTES];

        if (steps[i].key == NULL || at++ != offset)
            continue;
        record.timestamp_ms = WORLDS_START_MS + steps[i].minute * 60000;
        instant_format(record.timestamp_ms, instant);
        (void)snprintf(text, sizeof text,
                       "{\"id\":\"e-%zu\",\"source\":\"s\",\"type\":\"ticket.%s\",\"time\":\"%s\",\"ticket\":"
                       "\"%s\",\"status\":\"%s\",\"actor\":\"agent\"}",
                       i, steps[i].type, instant, steps[i].key, steps[i].status);
        record.key = slice_of(steps[i].key);
        record.value = slice_of(text);
        while (ingest_ticket(scene->ingest, task, &record, offset + 1))
            ;
        return true;
    }
    return false;
}

/* true: nothing is left to do. */
static bool
tickets_turn(struct scene *scene, size_t steps_done)
{
    struct protocol *protocol = &scene->protocol;
    struct task *task;
    bool read = false;

    if (protocol->in_flight || !protocol->producer_ready)
        protocol_on_done(protocol, scene_wait(scene));
    tickets_answer(scene);
    task = protocol_task(protocol, 0);
    if (protocol_takes_records(task)) {
        int64_t next = task->next_offsets[TASK_TICKETS];

        read = tickets_read(scene, task, next == MARKER_NO_OFFSET ? 0 : next, steps_done);
        if (!read)
            for (int i = 0; i < TASK_SOURCES_COUNT; i++)
                task_reach_end(task, (enum task_source)i,
                               task->next_offsets[i] == MARKER_NO_OFFSET ? 0 : task->next_offsets[i]);
    }
    while (protocol_tick(protocol))
        ;
    scene->worlds.world.now_mono_ms += TURN_MS;
    protocol_turn(protocol);
    return !read && task->state == TASK_LIVE && !task->quiet && !task->catching_up && !task->dirty &&
           !protocol_is_out(protocol);
}

static void
tickets_go(struct scene *scene)
{
    const struct protocol_port port = {
        scene,     ports_on_task, ports_on_task, tickets_ask_task, tickets_ask_marker, scene_submit,
        ports_end, ports_forget,  NULL};
    struct marker marker;
    size_t epochs = 0;

    protocol_init(&scene->protocol, &scene->worlds.world, &port);
    scene->ingest = ingest_new(&scene->worlds.world);
    protocol_assigned(&scene->protocol, 0);
    for (size_t i = 0; i < STEPS_COUNT; i++) {
        int turns = 0;

        scene->worlds.world.now_ms = WORLDS_START_MS + steps[i].minute * 60000;
        while (!tickets_turn(scene, i + 1))
            assert_true(++turns < TURNS_MAX);
    }
    for (size_t i = 0; i < kept.committed.count; i++) /* one by one, in one lineage */
        if (slice_is(buffer_slice(&kept.committed.records[i]->key), MARKER_KEY)) {
            assert_int_equal(marker_read(buffer_slice(&kept.committed.records[i]->value), &marker), 0);
            assert_int_equal(marker.epoch, ++epochs);
        }
    protocol_done(&scene->protocol);
    ingest_free(scene->ingest);
}

/* ---- the score role ---- */

static const char scores_policy[] =
    "version: \"1\"\nexperience: {min_answers: 1, windows: [7d], scopes: [[], [customer]]}\n";

/* The same answer changes; others come. */
static const struct answer {
    const char *id;
    int score;
} answers[] = {{"f-1", 9}, {"f-2", 3}, {"f-1", 6}};
enum { ANSWERS_COUNT = sizeof answers / sizeof *answers };

static void
scores_fetch_outcomes(void *context, int64_t from_offset)
{
    struct scene *scene = context;

    scene->outcomes_read = from_offset;
}

static void
scores_unfetch_outcomes(void *context)
{
    struct scene *scene = context;

    scene->outcomes_read = -1;
}

static uint64_t
scores_ask_offsets(void *context)
{
    struct scene *scene = context;

    scene->asked_offsets = true;
    return ++scene->questions;
}

/* slad.outcomes, as far as it is committed. */
static bool
scores_read_outcomes(struct scene *scene)
{
    struct ingest_record record = {.topic = scene->worlds.world.topics.names[TOPIC_OUTCOMES],
                                   .timestamp_ms = scene->worlds.world.now_ms};
    int64_t offset = 0;
    bool read = false;

    if (scene->outcomes_read < 0)
        return false;
    for (size_t i = 0; i < kept.committed.count; i++) {
        const struct kept_record *at = kept.committed.records[i];

        if (at->topic != TOPIC_OUTCOMES || offset++ < scene->outcomes_read)
            continue;
        record.offset = offset - 1;
        record.key = buffer_slice(&at->key);
        record.value = buffer_slice(&at->value);
        score_task_on_outcome(&scene->scores, &record);
        read = true;
    }
    scene->outcomes_read = offset;
    score_task_on_outcomes_end(&scene->scores, offset);
    return read;
}

static void
scores_tell_offsets(struct scene *scene)
{
    const rd_kafka_topic_partition_t *found;
    struct score_found now = {.committed_offset = MARKER_NO_OFFSET, .log_begin = -1, .log_end = -1};
    struct buffer policies = {0};
    int64_t offset = scene_committed(scene, TOPIC_FEEDBACK);

    if (!scene->asked_offsets || scene->scores.state != SCORE_TASK_ASKING)
        return;
    scene->asked_offsets = false;
    scene->loads_count++;
    found =
        rd_kafka_topic_partition_list_find(kept.offsets, scene->worlds.world.topics.names[TOPIC_OUTCOMES], 0);
    if (found != NULL)
        score_found_take(&now, found->offset, (struct slice){found->metadata, found->metadata_size},
                         &policies);
    assert_true(score_task_on_offsets(&scene->scores, scene->questions, &offset, &now));
    buffer_free(&policies);
}

static bool
scores_read_feedback(struct scene *scene, size_t steps_done)
{
    struct score_task *task = &scene->scores;
    struct ingest_record record = {.topic = scene->worlds.world.topics.names[TOPIC_FEEDBACK],
                                   .timestamp_ms = WORLDS_START_MS};
    char text[512];

    if (task->state != SCORE_TASK_LIVE)
        return false;
    record.offset = task->feedback_offsets[0] == MARKER_NO_OFFSET ? 0 : task->feedback_offsets[0];
    if (record.offset >= (int64_t)steps_done) {
        score_task_on_feedback_end(task, 0, record.offset);
        return false;
    }
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"feedback.submitted\",\"id\":\"e-%d\",\"source\":\"s\",\"time\":"
                   "\"2026-03-27T09:0%d:00Z\",\"customer\":\"acme\",\"feedback\":{\"id\":\"%s\",\"scale\":"
                   "\"nps\",\"score\":%d}}",
                   (int)record.offset, (int)record.offset, answers[record.offset].id,
                   answers[record.offset].score);
    record.value = slice_of(text);
    record.timestamp_ms = scene->worlds.world.now_ms;
    score_task_on_feedback(task, &record);
    return true;
}

static bool
scores_turn(struct scene *scene, size_t steps_done)
{
    struct score_task *task = &scene->scores;
    bool read;

    if (task->in_flight || !task->producer_ready)
        score_task_on_done(task, scene_wait(scene));
    read = scores_read_outcomes(scene);
    scores_tell_offsets(scene);
    read |= scores_read_feedback(scene, steps_done);
    score_task_tick(task);
    scene->worlds.world.now_mono_ms += TURN_MS;
    score_task_turn(task);
    return !read && task->state == SCORE_TASK_LIVE && !task->open.dirty && !score_task_is_out(task);
}

static void
scores_go(struct scene *scene)
{
    struct score_task_port port = ports_of_scores(scene, scores_ask_offsets, scene_submit);

    port.fetch_outcomes = scores_fetch_outcomes;
    port.unfetch_outcomes = scores_unfetch_outcomes;
    scene->outcomes_read = -1;
    score_task_init(&scene->scores, &scene->worlds.world, &port);
    score_task_begin(&scene->scores);
    for (size_t i = 0; i < ANSWERS_COUNT; i++) {
        int turns = 0;

        scene->worlds.world.now_ms = WORLDS_START_MS + (int64_t)i * 60000;
        while (!scores_turn(scene, i + 1))
            assert_true(++turns < TURNS_MAX);
    }
    score_task_done(&scene->scores);
}

/* ---- every call, every way ---- */

struct lane {
    const char *policy;
    void (*go)(struct scene *scene);
    int once, last;             /* topics: each record exactly once; the last of every key */
    struct kept_list reference; /* what an undisturbed one has committed */
};

static const struct kept_record *
last_of(const struct kept_list *list, const struct kept_record *like)
{
    for (size_t i = list->count; i-- > 0;)
        if (list->records[i]->topic == like->topic &&
            slice_equal(buffer_slice(&list->records[i]->key), buffer_slice(&like->key)))
            return list->records[i];
    return NULL;
}

static size_t
times(const struct kept_list *list, const struct kept_record *record)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += kept_equal(list->records[i], record);
    return count;
}

/* Nothing of one is missing in the other, nothing is there more often. */
static void
check_within(const struct lane *lane, const struct kept_list *list, const struct kept_list *other)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct kept_record *record = list->records[i], *last;

        if (record->topic == lane->once && times(list, record) != times(other, record))
            fail_msg("%zu times instead of %zu: %.*s", times(list, record), times(other, record),
                     (int)record->value.bytes, record->value.at);
        if (record->topic != lane->last)
            continue;
        last = last_of(other, record);
        if (last == NULL || !kept_equal(last_of(list, record), last))
            fail_msg("the last is not the last: %.*s", (int)record->value.bytes, record->value.at);
    }
}

enum outcome { NOTHING, WAITED, ABORTED, UNKNOWN, EITHER };

/* What one failing call leads to. */
static enum outcome
outcome_of(enum fault_call call, struct fault fault)
{
    if (call == FAULT_INIT || call == FAULT_NEW || call == FAULT_METADATA)
        return WAITED;
    if (fault.made && fault.kind == FAULT_AGAIN && call != FAULT_OFFSETS)
        return EITHER; /* asked again for what has happened, librdkafka may or may not know */
    if (fault.kind == FAULT_FATAL || call == FAULT_BEGIN)
        return UNKNOWN;
    if (fault.kind == FAULT_ABORTABLE)
        return call == FAULT_ABORT ? UNKNOWN : ABORTED;
    return call == FAULT_PRODUCE ? ABORTED : NOTHING;
}

static void
check_lines(const struct scene *scene, enum outcome outcome)
{
    size_t waits = scene_lines(scene, " transaction_waits "), all = scene_lines(scene, NULL);
    size_t said = scene_lines(scene, " transaction_aborted ") + scene_lines(scene, " transaction_unknown ");

    assert_int_equal(scene_lines(scene, " transaction_aborted "), scene->aborted_count);
    assert_int_equal(scene_lines(scene, " transaction_unknown "), scene->unknown_count);
    assert_int_equal(all, said + waits);
    assert_int_equal(waits, kept.opens_failed);
    assert_true(waits > 0 || outcome != WAITED);
    if (outcome != EITHER)
        assert_int_equal(said, outcome == ABORTED || outcome == UNKNOWN);
    assert_int_equal(scene->aborted_count, outcome == ABORTED  ? 1
                                           : outcome == EITHER ? scene->aborted_count
                                                               : 0);
    assert_true(said <= 1);
}

/* A second fault, at the call that answers the first one. */
struct second {
    enum fault_call call;
    const struct fault *fault; /* NULL: there is none */
};

/* What both lead to. */
static enum outcome
outcome_of_both(struct fault fault, struct second second)
{
    enum outcome first = outcome_of(kept.failed, fault), then;

    if (second.fault == NULL || second.call != FAULT_ABORT)
        return first; /* a producer that is made in a second attempt changes nothing */
    then = outcome_of(FAULT_ABORT, *second.fault);
    return then == NOTHING ? first : then;
}

/* One life with these faults. The number of calls it made. */
static size_t
live(struct lane *lane, struct brokers *brokers, size_t nth, struct fault fault, struct second second)
{
    struct scene scene;
    enum outcome outcome = NOTHING;

    do {
        kept_clear(&kept.committed);
        kept.calls_count = kept.opens_failed = 0;
        kept.nth = nth;
        kept.fault = fault;
        kept.then = second.fault;
        kept.then_call = second.call;
        kept.hit = kept.trouble = kept.differs = false;
        scene_open(&scene, brokers, lane->policy);
        lane->go(&scene);
        if (kept.trouble)
            scene_close(&scene);
    } while (kept.trouble);
    assert_int_equal(kept.hit, nth > 0);
    assert_null(kept.then);
    if (kept.hit)
        outcome = outcome_of_both(fault, second);
    check_lines(&scene, outcome);
    assert_false(kept.differs);
    if (outcome == UNKNOWN && lane->go == tickets_go) /* read back; loaded anew when it did not happen */
        assert_int_equal(scene.loads_count, kept.failed == FAULT_COMMIT && fault.made ? 1 : 2);
    if (nth > 0) {
        check_within(lane, &kept.committed, &lane->reference);
        check_within(lane, &lane->reference, &kept.committed);
    }
    scene_close(&scene);
    return kept.calls_count;
}

/* Begin and produce ask no broker, so an answer cannot get lost; one that asks for an abort is of a call that
 * did nothing; and a client, or metadata, is there or not. */
static bool
is_possible(enum fault_call call, struct fault fault)
{
    if (call == FAULT_NEW || call == FAULT_METADATA)
        return fault.kind == FAULT_FATAL && !fault.made;
    return !fault.made ||
           ((call == FAULT_INIT || call == FAULT_OFFSETS || call == FAULT_COMMIT || call == FAULT_ABORT) &&
            fault.kind != FAULT_ABORTABLE);
}

static const struct fault faults[] = {{FAULT_AGAIN, false},
                                      {FAULT_ABORTABLE, false},
                                      {FAULT_FATAL, false},
                                      {FAULT_AGAIN, true},
                                      {FAULT_FATAL, true}};
enum { FAULTS_COUNT = sizeof faults / sizeof *faults };

/* The faults of the call that answers: every one that is possible. How many lives it took. */
static size_t
fail_the_answer(struct lane *lane, struct brokers *brokers, size_t nth, struct fault fault,
                enum fault_call answer)
{
    size_t lives = 0;

    for (size_t i = 0; i < FAULTS_COUNT; i++) {
        struct second second = {answer, &faults[i]};

        if (!is_possible(answer, faults[i]))
            continue;
        (void)live(lane, brokers, nth, fault, second);
        lives++;
    }
    return lives;
}

/* An abort answers, or a new producer; it fails, too. Of the records of one transaction the first is enough,
 * of the producers those of a commit are. */
static size_t
fail_answers(struct lane *lane, struct brokers *brokers, const enum fault_call *calls, size_t nth,
             struct fault fault)
{
    enum fault_call call = calls[nth - 1];
    size_t lives = 0;

    if (fault.kind == FAULT_ABORTABLE && outcome_of(call, fault) == ABORTED &&
        (call != FAULT_PRODUCE || calls[nth - 2] != FAULT_PRODUCE))
        lives += fail_the_answer(lane, brokers, nth, fault, FAULT_ABORT);
    if (fault.kind == FAULT_FATAL && call == FAULT_COMMIT)
        for (enum fault_call answer = FAULT_INIT; answer <= FAULT_METADATA; answer++)
            if (answer == FAULT_INIT || answer == FAULT_NEW || answer == FAULT_METADATA)
                lives += fail_the_answer(lane, brokers, nth, fault, answer);
    return lives;
}

static void
fail_each(struct lane *lane)
{
    const struct second none = {FAULT_ABORT, NULL};
    const struct log_options log_options = {.descriptor = 2, .level = LOG_ERROR};
    static enum fault_call calls[KEPT_CALLS_MAX];
    struct brokers brokers;
    size_t calls_count, lives = 0;

    brokers_open(&brokers, &log_options);
    calls_count = live(lane, &brokers, 0, faults[0], none);
    memcpy(calls, kept.calls, sizeof calls);
    kept_move(&kept.committed, &lane->reference);
    for (size_t nth = 1; nth <= calls_count; nth++)
        for (size_t i = 0; i < FAULTS_COUNT; i++) {
            if (!is_possible(calls[nth - 1], faults[i]))
                continue;
            (void)live(lane, &brokers, nth, faults[i], none);
            lives += 1 + fail_answers(lane, &brokers, calls, nth, faults[i]);
        }
    print_message("%zu calls, %zu lives with one that fails, or two\n", calls_count, lives);
    assert_true(calls_count > 20);
    kept_clear(&kept.committed);
    kept_clear(&lane->reference);
    brokers_close(&brokers);
}

static void
test_tickets(void **state)
{
    static struct lane alerts = {tickets_policy, tickets_go, TOPIC_ALERTS, TOPIC_OUTCOMES, {{NULL}, 0}};

    (void)state;
    fail_each(&alerts);
}

static void
test_scores(void **state)
{
    static struct lane scores = {scores_policy, scores_go, TOPIC_OUTCOMES, TOPIC_SCORES, {{NULL}, 0}};

    (void)state;
    fail_each(&scores);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_scores),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
