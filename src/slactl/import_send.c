/*
 * What: samples in transactions, each with a mark of how far the import has come.
 *
 * Why so: what is learned cannot be unlearned, so a sample must be there once. The mark (a record of
 * slad.scores, which keeps the last one of a key) goes out in the transaction of its samples: whatever dies,
 * both are there or neither is. A transactional id of the import's name fences the slower of two who do it at
 * once, and the mark is read after that. A transaction ends between two instants, so one instant is enough of
 * a mark, and a longer export of the same system goes on where the shorter one ended.
 *
 * Always true: the samples on slad.outcomes under one name are those up to its mark, each once.
 *
 * Not here: where samples come from (import.c).
 */
#include "slactl/import_send.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/ends.h"
#include "shell/envelope.h"
#include "shell/wallclock.h"
#include "wire/json.h"
#include "wire/print.h"
#include "wire/risk_json.h"
#include <stdio.h>
#include <time.h>

enum {
    ANSWER_MS = 10000,
    TRANSACTION_MS = 30000,
    TRANSACTION_SAMPLES = 1000, /* or more, when they are of one instant */
    SILENCE_MS_MAX = 20000,
    POLL_MS = 100
};

struct import_send {
    const struct reach *reach;
    struct world world; /* only what an envelope needs */
    const char *name;
    struct slice policy;
    int64_t rate; /* samples a second; 0: any */
    struct kafka_client description;
    rd_kafka_t *producer;
    struct batch *batch;
    struct import_mark mark, begun; /* committed; and when it was opened */
    int64_t last_ms, sent, passed, opened_mono_ms;
};

/* ---- the mark ---- */

static void
mark_key(const struct import_send *send, struct buffer *out)
{
    buffer_append_text(out, "import/");
    buffer_append_text(out, send->name);
}

static void
read_mark(struct import_mark *mark, struct json *json, struct slice value)
{
    char detail[JSON_DETAIL_BYTES];
    const struct cJSON *object;

    if (json_read(json, value, &object, detail) != ERROR_NONE)
        return;
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        if (slice_is(json_key(member), "through") && json_is_text(member))
            (void)instant_parse(json_text(member), &mark->through_ms);
        if (slice_is(json_key(member), "samples") && json_is_number(member))
            (void)json_integer(json, member, &mark->samples);
    }
}

/* From the beginning to what was the end: also behind transactions that are open now. */
static rd_kafka_resp_err_t
read_marks(struct import_send *send, rd_kafka_t *consumer, struct slice key, struct ends *ends)
{
    int64_t heard_mono_ms = wallclock_mono_ms();
    struct json *json = json_new();
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;

    while (!ends_reached(ends) && code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, POLL_MS);

        if (message == NULL) {
            if (wallclock_mono_ms() - heard_mono_ms > SILENCE_MS_MAX)
                code = RD_KAFKA_RESP_ERR__TIMED_OUT;
            continue;
        }
        heard_mono_ms = wallclock_mono_ms();
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            ends_pass(ends, message->partition, message->offset);
        else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            code = message->err;
        else {
            if (message->payload != NULL && slice_equal((struct slice){message->key, message->key_len}, key))
                read_mark(&send->mark, json, (struct slice){message->payload, message->len});
            ends_pass(ends, message->partition, message->offset + 1);
        }
        rd_kafka_message_destroy(message);
    }
    json_free(json);
    return code;
}

static int
find_mark(struct import_send *send, char error[KAFKA_ERROR_BYTES])
{
    const char *topic = send->reach->topics.names[TOPIC_SCORES];
    char *group = kafka_name(send->reach->config->prefix, "-import");
    const struct kafka_setting settings[] = {{"group.id", group}};
    const struct kafka_client description = {
        .kafka = &send->reach->kafka, .name = "import", .settings = settings, .settings_count = 1};
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR__FAIL;
    struct buffer key = {0};
    struct ends ends = {0};
    int64_t low = 0, high = 0;

    mark_key(send, &key);
    if (consumer != NULL) {
        code = rd_kafka_query_watermark_offsets(consumer, topic, 0, &low, &high, ANSWER_MS);
        rd_kafka_topic_partition_list_add(list, topic, 0)->offset = low;
        if (high > 0)
            ends_add(&ends, 0, high);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            code = rd_kafka_assign(consumer, list);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
            code = read_marks(send, consumer, buffer_slice(&key), &ends);
        ends_done(&ends);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            snprintf(error, KAFKA_ERROR_BYTES, "%s: %s", topic, rd_kafka_err2str(code));
        rd_kafka_consumer_close(consumer);
        rd_kafka_destroy(consumer);
    }
    rd_kafka_topic_partition_list_destroy(list);
    buffer_free(&key);
    memory_free(group);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

static void
add_mark(struct import_send *send, int64_t samples)
{
    struct buffer key = {0}, id = {0};
    char through[INSTANT_TEXT_BYTES];
    struct buffer *out;

    instant_format(send->last_ms, through);
    mark_key(send, &key);
    buffer_append_slice(&id, buffer_slice(&key));
    buffer_append_byte(&id, '/');
    buffer_append_text(&id, through);
    batch_begin(send->batch, TOPIC_SCORES, 0, buffer_slice(&key));
    out = batch_value(send->batch);
    buffer_append_byte(out, '{');
    print_key(out, "type"), print_text(out, slice_of("import"));
    print_key(out, "name"), print_text(out, slice_of(send->name));
    print_key(out, "through"), print_instant(out, send->last_ms);
    print_key(out, "samples"), buffer_append_int64(out, samples);
    print_key(out, "policy"), print_text(out, send->policy);
    buffer_append_byte(out, '}');
    envelope_add(send->batch, &send->world, "slad.import", buffer_slice(&id), wallclock_wall_ms());
    batch_end(send->batch);
    buffer_free(&key);
    buffer_free(&id);
}

/* ---- one transaction ---- */

static rd_kafka_error_t *
produce(struct import_send *send, const struct batch_record *record)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    struct slice encoded = record->headers, name, value;
    rd_kafka_error_t *failed;

    while (batch_header_next(&encoded, &name, &value))
        rd_kafka_header_add(headers, name.at, (ssize_t)name.bytes, value.at, (ssize_t)value.bytes);
    failed = rd_kafka_produceva(
        send->producer,
        (rd_kafka_vu_t[]){
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = send->reach->topics.names[record->topic]},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = record->partition},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY | RD_KAFKA_MSG_F_BLOCK},
            {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)record->key.at, record->key.bytes}},
            {.vtype = RD_KAFKA_VTYPE_VALUE,
             .u.mem = {(void *)(uintptr_t)record->value.at, record->value.bytes}},
            {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers}},
        6);
    if (failed != NULL)
        rd_kafka_headers_destroy(headers); /* not taken after all */
    return failed;
}

static rd_kafka_error_t *
commit(struct import_send *send)
{
    rd_kafka_error_t *problem = rd_kafka_commit_transaction(send->producer, TRANSACTION_MS);

    if (problem != NULL && rd_kafka_error_is_retriable(problem)) {
        rd_kafka_error_destroy(problem);
        problem = rd_kafka_commit_transaction(send->producer, TRANSACTION_MS);
    }
    return problem;
}

/* Not faster than was asked for, over the whole. */
static void
keep_to_rate(const struct import_send *send)
{
    int64_t due_ms = send->rate > 0 ? send->opened_mono_ms + send->sent * 1000 / send->rate : 0;
    int64_t left_ms = due_ms - wallclock_mono_ms();

    if (left_ms > 0)
        nanosleep(&(struct timespec){left_ms / 1000, left_ms % 1000 * 1000000}, NULL);
}

/* The batch and its mark. 0, or -1 with the reason: it is not known to be there, and nothing more is sent. */
static int
send_batch(struct import_send *send, char error[KAFKA_ERROR_BYTES])
{
    int64_t count = (int64_t)batch_count(send->batch);
    rd_kafka_error_t *problem;

    if (count == 0)
        return 0;
    add_mark(send, send->mark.samples + count);
    problem = rd_kafka_begin_transaction(send->producer);
    for (size_t i = 0; i < batch_count(send->batch) && problem == NULL; i++) {
        struct batch_record record = batch_get(send->batch, i);

        problem = produce(send, &record);
    }
    if (problem == NULL)
        problem = commit(send);
    if (problem != NULL) {
        if (rd_kafka_error_txn_requires_abort(problem)) {
            rd_kafka_error_t *aborted = rd_kafka_abort_transaction(send->producer, TRANSACTION_MS);

            if (aborted != NULL)
                rd_kafka_error_destroy(aborted);
        }
        kafka_error_text(problem, error);
        return -1;
    }
    send->mark = (struct import_mark){send->last_ms, send->mark.samples + count};
    send->sent += count;
    batch_free(send->batch);
    send->batch = batch_new(NULL);
    keep_to_rate(send);
    return 0;
}

int
import_send_take(struct import_send *send, const struct risk_sample *sample, char error[KAFKA_ERROR_BYTES])
{
    int64_t at_ms = sample->arrival.detected_at_ms;
    struct buffer key = {0}, id = {0};

    if (send->begun.through_ms != INSTANT_NONE && at_ms <= send->begun.through_ms) {
        send->passed++;
        return 0;
    }
    if (batch_count(send->batch) >= TRANSACTION_SAMPLES && at_ms > send->last_ms &&
        send_batch(send, error) != 0)
        return -1;
    risk_json_sample_key(&key, sample);
    risk_json_sample_id(&id, sample);
    batch_begin(send->batch, TOPIC_OUTCOMES, 0, buffer_slice(&key));
    risk_json_print_sample(batch_value(send->batch), sample);
    envelope_add(send->batch, &send->world, "slad.risk_sample", buffer_slice(&id), at_ms);
    batch_header(send->batch, slice_of("slad-import"), slice_of(send->name));
    batch_end(send->batch);
    buffer_free(&key);
    buffer_free(&id);
    send->last_ms = at_ms;
    return 0;
}

int
import_send_finish(struct import_send *send, char error[KAFKA_ERROR_BYTES])
{
    return send_batch(send, error);
}

struct import_mark
import_send_mark(const struct import_send *send)
{
    return send->mark;
}

int64_t
import_send_sent(const struct import_send *send)
{
    return send->sent;
}

int64_t
import_send_passed(const struct import_send *send)
{
    return send->passed;
}

/* ---- begin and end ---- */

static int
open_producer(struct import_send *send, char error[KAFKA_ERROR_BYTES])
{
    char *first = kafka_name(send->reach->config->prefix, "-import-");
    char *id = kafka_name(first, send->name);
    const struct kafka_setting settings[] = {{"transactional.id", id}, {"transaction.timeout.ms", "60000"}};
    rd_kafka_error_t *problem = NULL;

    send->description = (struct kafka_client){
        .kafka = &send->reach->kafka, .name = "import", .settings = settings, .settings_count = 2};
    send->producer = kafka_producer_new(&send->description, error);
    if (send->producer != NULL)
        problem = rd_kafka_init_transactions(send->producer, TRANSACTION_MS);
    memory_free(first);
    memory_free(id);
    if (problem == NULL)
        return send->producer != NULL ? 0 : -1;
    kafka_error_text(problem, error);
    return -1;
}

struct import_send *
import_send_open(const struct reach *reach, const char *name, struct slice policy, int64_t rate,
                 struct import_mark *ret_mark, char error[KAFKA_ERROR_BYTES])
{
    struct import_send *send = memory_allocate_zeroed(1, sizeof *send);

    send->reach = reach;
    send->name = name;
    send->policy = policy;
    send->rate = rate;
    send->mark.through_ms = INSTANT_NONE;
    send->world.source = kafka_name("/", reach->config->prefix);
    send->batch = batch_new(NULL);
    if (open_producer(send, error) != 0 || find_mark(send, error) != 0) {
        import_send_close(send);
        return NULL;
    }
    send->begun = *ret_mark = send->mark;
    send->opened_mono_ms = wallclock_mono_ms();
    return send;
}

void
import_send_close(struct import_send *send)
{
    if (send == NULL)
        return;
    if (send->producer != NULL)
        rd_kafka_destroy(send->producer);
    batch_free(send->batch);
    memory_free(send->world.source);
    memory_free(send);
}
