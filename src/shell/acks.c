/*
 * What: acknowledgements as events, and the requests that wait for their delivery.
 *
 * Why this way: what a person says is an input like every other, so that it is in the log, is replayed with
 * it and reaches the task that holds the ticket, wherever that is. The answer waits for the brokers, so 202
 * means that it cannot be lost any more; the event's id makes asking twice harmless.
 *
 * Always true: every request taken over is answered once: by the delivery report, by its time-out (librdkafka
 * reports that too), or at the end; one whose client has gone is freed. The producer comes with the first
 * one: most processes never need it, and one costs a tenth of a percent of a core.
 *
 * Not here: who may acknowledge (api.c), what it does (the engine, the scores).
 */
#include "shell/acks.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/partitioner.h"
#include "shell/reply.h"
#include "shell/wallclock.h"
#include "wire/print.h"
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct pending {
    struct acks *acks;
    struct evhttp_request *request; /* NULL: its client has gone */
    struct buffer answer;
    struct pending *previous, *next;
};

struct acks {
    struct world *world;
    struct kafka_client description;
    struct kafka_setting settings[2];
    char timeout_ms[24];
    rd_kafka_t *producer;
    rd_kafka_queue_t *queue;
    int descriptor;
    struct event *wake;
    struct pending *waiting;
    size_t waiting_count;
};

/* ---- waiting ---- */

static void
pending_remove(struct pending *pending)
{
    struct acks *acks = pending->acks;

    if (pending->previous != NULL)
        pending->previous->next = pending->next;
    else
        acks->waiting = pending->next;
    if (pending->next != NULL)
        pending->next->previous = pending->previous;
    acks->waiting_count--;
    buffer_free(&pending->answer);
    memory_free(pending);
}

/* The client goes before its answer: what the server has let go of is ours to free (as in stream.c). */
static void
pending_closed(struct evhttp_connection *connection, void *context)
{
    struct pending *pending = context;

    (void)connection;
    if (evhttp_request_get_connection(pending->request) == NULL)
        evhttp_send_reply_end(pending->request);
    pending->request = NULL;
}

static struct pending *
pending_new(struct acks *acks, struct evhttp_request *request)
{
    struct pending *pending = memory_allocate_zeroed(1, sizeof *pending);

    pending->acks = acks;
    pending->request = request;
    pending->next = acks->waiting;
    if (pending->next != NULL)
        pending->next->previous = pending;
    acks->waiting = pending;
    acks->waiting_count++;
    evhttp_connection_set_closecb(evhttp_request_get_connection(request), pending_closed, pending);
    return pending;
}

/* failed: why, or NULL. */
static void
pending_end(struct pending *pending, const char *failed)
{
    struct metrics *metrics = pending->acks->world->metrics;
    struct evhttp_request *request = pending->request;

    metrics_add(metrics, METRIC_ACKS, failed == NULL ? METRIC_ACK_WRITTEN : METRIC_ACK_FAILED, 1);
    if (request != NULL) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
        if (failed == NULL)
            reply_json(request, metrics, 202, buffer_slice(&pending->answer));
        else
            reply_later(request, metrics, PROBLEM_NO_BROKER, failed, 5);
    }
    pending_remove(pending);
}

static void
on_delivered(void *context, const rd_kafka_message_t *message)
{
    struct acks *acks = context;

    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_write(acks->world->log, LOG_WARNING, "acknowledgement_not_written",
                  LOG_TEXT("text", rd_kafka_err2str(message->err)));
    pending_end(message->_private, message->err == RD_KAFKA_RESP_ERR_NO_ERROR
                                       ? NULL
                                       : "the brokers have not taken the event; ask again");
}

static void
on_wake(evutil_socket_t descriptor, short what, void *context)
{
    struct acks *acks = context;
    uint64_t rung;

    (void)what;
    while (read(descriptor, &rung, sizeof rung) > 0)
        ;
    (void)rd_kafka_poll(acks->producer, 0);
}

/* ---- life ---- */

struct acks *
acks_new(struct world *world, struct event_base *base)
{
    struct acks *acks = memory_allocate_zeroed(1, sizeof *acks);

    acks->world = world;
    snprintf(acks->timeout_ms, sizeof acks->timeout_ms, "%lld", (long long)world->config->ack_timeout_ms);
    acks->settings[0] = (struct kafka_setting){"message.timeout.ms", acks->timeout_ms};
    acks->settings[1] = (struct kafka_setting){"acks", "all"};
    acks->description = (struct kafka_client){.kafka = &world->kafka,
                                              .name = "acknowledgements",
                                              .settings = acks->settings,
                                              .settings_count = 2,
                                              .context = acks,
                                              .delivered = on_delivered};
    acks->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(acks->descriptor >= 0);
    acks->wake = event_new(base, acks->descriptor, EV_READ | EV_PERSIST, on_wake, acks);
    must(acks->wake != NULL && event_add(acks->wake, NULL) == 0);
    return acks;
}

void
acks_free(struct acks *acks)
{
    if (acks == NULL)
        return;
    if (acks->producer != NULL) {
        rd_kafka_purge(acks->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_poll(acks->producer, 0);
        rd_kafka_queue_io_event_enable(acks->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(acks->queue);
    }
    while (acks->waiting != NULL)
        pending_end(acks->waiting, "this process is stopping; ask again");
    if (acks->producer != NULL)
        rd_kafka_destroy(acks->producer);
    if (acks->wake != NULL)
        event_free(acks->wake);
    close(acks->descriptor);
    memory_free(acks);
}

/* ---- one ---- */

static bool
is_of_feedback(const struct board_entry *alert)
{
    return slice_is(board_entry_fact(alert, FACT_KIND), "experience");
}

int32_t
acks_partition(const struct world *world, const struct board_entry *alert)
{
    struct slice ticket = board_entry_fact(alert, FACT_TICKET);

    if (is_of_feedback(alert))
        return RD_KAFKA_PARTITION_UA;
    if (world->config->partitioner != CONFIG_PARTITIONER_ANY && ticket.at != NULL)
        return partitioner_partition((enum partitioner)world->config->partitioner, ticket,
                                     world->partitions_count);
    return board_entry_partition(alert); /* an alert lies in its task's partition */
}

void
acks_make_id(const struct ack *ack, char ret_id[ACKS_ID_BYTES])
{
    struct buffer text = {0};
    unsigned char hash[EVP_MAX_MD_SIZE];

    buffer_append_varint_slice(&text, board_entry_key(ack->alert));
    buffer_append_varint_slice(&text, board_entry_fact(ack->alert, FACT_REVISION));
    buffer_append_varint_slice(&text, ack->by);
    must(EVP_Digest(text.at, text.bytes, hash, NULL, EVP_sha256(), NULL) == 1);
    memcpy(ret_id, "ack-", 5);
    for (int i = 0; i < 16; i++)
        snprintf(ret_id + 4 + 2 * i, 3, "%02x", hash[i]);
    buffer_free(&text);
}

static void
print_event(const struct acks *acks, const struct ack *ack, struct slice id, struct buffer *out)
{
    struct slice ticket = board_entry_fact(ack->alert, FACT_TICKET);

    buffer_append_byte(out, '{');
    print_key(out, "id"), print_text(out, id);
    print_key(out, "source"), print_text(out, slice_of(acks->world->source));
    print_key(out, "type"), print_text(out, slice_of("alert.acknowledged"));
    print_key(out, "time"), print_instant(out, wallclock_wall_ms());
    if (ticket.at != NULL) {
        print_key(out, "ticket"), print_text(out, ticket);
    } else {
        print_key(out, "customer"), print_text(out, board_entry_fact(ack->alert, FACT_CUSTOMER));
    }
    print_key(out, "alert"), print_text(out, board_entry_key(ack->alert));
    print_key(out, "by"), print_text(out, ack->by);
    if (ack->note.bytes > 0)
        print_key(out, "reason"), print_text(out, ack->note);
    buffer_append_byte(out, '}');
}

static void
print_answer(const struct ack *ack, struct slice id, struct buffer *out)
{
    buffer_append_byte(out, '{');
    print_key(out, "event");
    print_text_or_null(out, id);
    print_key(out, "alert");
    print_text(out, board_entry_key(ack->alert));
    buffer_append_text(out, "}\n");
}

/* 0, or -1 with the reason. */
static int
open_producer(struct acks *acks, char error[KAFKA_ERROR_BYTES])
{
    if (acks->producer != NULL)
        return 0;
    acks->producer = kafka_producer_new(&acks->description, error);
    if (acks->producer == NULL) {
        log_write(acks->world->log, LOG_ERROR, "kafka_setting_refused", LOG_TEXT("text", error));
        return -1;
    }
    acks->queue = rd_kafka_queue_get_main(acks->producer);
    kafka_queue_wake(acks->queue, acks->descriptor);
    return 0;
}

static void
produce(struct acks *acks, struct pending *pending, const struct ack *ack, struct slice event)
{
    enum topic topic = is_of_feedback(ack->alert) ? TOPIC_FEEDBACK : TOPIC_TICKETS;
    struct slice key = board_entry_fact(ack->alert, FACT_TICKET);
    rd_kafka_error_t *failed;
    char text[KAFKA_ERROR_BYTES];

    if (key.at == NULL)
        key = board_entry_fact(ack->alert, FACT_CUSTOMER);
    if (open_producer(acks, text) != 0) {
        pending_end(pending, text);
        return;
    }
    failed = rd_kafka_produceva(
        acks->producer,
        (rd_kafka_vu_t[]){
            {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = acks->world->topics.names[topic]},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = acks_partition(acks->world, ack->alert)},
            {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.at, key.bytes}},
            {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)event.at, event.bytes}},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
            {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = pending},
        },
        6);
    if (failed == NULL)
        return;
    kafka_error_text(failed, text);
    pending_end(pending, text);
}

/* Somebody has it in hand already, and it is the one who asks: nothing is to be written. */
static bool
is_so_already(const struct ack *ack)
{
    return ack->id.at == NULL && slice_is(board_entry_fact(ack->alert, FACT_STATE), "acknowledged") &&
           slice_equal(board_entry_fact(ack->alert, FACT_BY), ack->by);
}

void
acks_post(struct acks *acks, struct evhttp_request *request, const struct ack *ack)
{
    struct metrics *metrics = acks->world->metrics;
    char made[ACKS_ID_BYTES];
    struct buffer event = {0};
    struct slice id = ack->id;
    struct pending *pending;

    if ((int64_t)acks->waiting_count >= acks->world->config->acks_max) {
        metrics_bound_hit(metrics, CONFIG_acks_max);
        reply_later(request, metrics, PROBLEM_NO_BROKER, "acks_max acknowledgements are on their way already",
                    5);
        return;
    }
    if (is_so_already(ack)) {
        print_answer(ack, (struct slice){NULL, 0}, &event);
        reply_json(request, metrics, 200, buffer_slice(&event));
        buffer_free(&event);
        return;
    }
    if (id.at == NULL) {
        acks_make_id(ack, made);
        id = slice_of(made);
    }
    pending = pending_new(acks, request);
    print_answer(ack, id, &pending->answer);
    print_event(acks, ack, id, &event);
    produce(acks, pending, ack, buffer_slice(&event));
    buffer_free(&event);
}
