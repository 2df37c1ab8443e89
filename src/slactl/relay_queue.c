/*
 * Deliveries one by one: an alert's record is a request of its own.
 *
 * What: lanes of deliveries; a key always takes the same lane, and of a lane one request is under way at a
 * time.
 *
 * Why so: order matters within a key only, and a receiver that takes 300 ms an event would take three a
 * second without lanes. What fails is tried again at the head of its lane, so nothing of a key overtakes it;
 * a receiver that asks to be left alone (429, 502 to 504) stops all lanes for as long.
 *
 * Always true: a delivery leaves its lane when it was delivered, refused, given up or forgotten, and its mark
 * is given back then and only then. Body and id of a delivery never change between attempts.
 *
 * Not here: what a request says (relay_pagerduty.c, relay_webhook.c), batches (relay_alertmanager.c).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/wallclock.h"
#include "slactl/relay_pagerduty.h"
#include "slactl/relay_webhook.h"
#include "slactl/relay_world.h"
#include <stdio.h>

struct delivery {
    struct delivery *next;
    struct relay_mark *mark;
    int32_t partition;
    enum relay_state state;
    struct buffer key, body;
    char id[RELAY_WEBHOOK_ID_BYTES]; /* webhook only */
    unsigned attempts;
    int64_t begun_mono_ms, next_mono_ms; /* of the first attempt; before it the next must not begin */
};

struct lane {
    struct delivery *head, **end;
    uint64_t number; /* of the exchange under way for the head; 0: none */
};

struct queue {
    struct relay_world *world;
    struct lane lanes[RELAY_LANES_MAX];
    size_t lanes_count, waiting_count;
    int64_t quiet_until_mono_ms; /* the receiver wants to be left alone */
};

static void
delivery_free(struct queue *queue, struct delivery *delivery)
{
    if (delivery->mark != NULL)
        relay_source_done(queue->world->source, delivery->mark);
    buffer_free(&delivery->key);
    buffer_free(&delivery->body);
    memory_free(delivery);
    queue->waiting_count--;
}

static void
queue_take(void *self, const struct relay_alert *alert, const struct relay_message *message)
{
    struct queue *queue = self;
    struct lane *lane = &queue->lanes[hash_slice(0, alert->key) % queue->lanes_count];
    struct delivery *delivery = memory_allocate_zeroed(1, sizeof *delivery);

    delivery->mark = message->mark;
    delivery->partition = message->partition;
    delivery->state = alert->state;
    buffer_append_slice(&delivery->key, alert->key);
    if (queue->world->options->to == RELAY_TO_WEBHOOK) {
        relay_webhook_print(alert, &delivery->body);
        relay_webhook_id(alert, message->partition, message->offset, delivery->id);
    } else
        relay_pagerduty_print(alert, queue->world->installation, queue->world->options->board_url,
                              &delivery->body);
    *lane->end = delivery;
    lane->end = &delivery->next;
    queue->waiting_count++;
}

/* ---- attempts ---- */

struct attempt {
    struct http_request request;
    struct buffer body, token;
    char id[64], timestamp[64];
    char
        signature[sizeof "webhook-signature: " + RELAY_SECRETS_MAX * 4 * (RELAY_WEBHOOK_SIGNATURE_BYTES + 1)];
};

/* Every line of every secret's file signs, as many as there is room for: while one replaces another, both do.
 */
static void
sign(const struct relay_world *world, const struct delivery *delivery, int64_t now_s, struct attempt *attempt)
{
    size_t used = (size_t)snprintf(attempt->signature, sizeof attempt->signature, "webhook-signature:");
    char signature[RELAY_WEBHOOK_SIGNATURE_BYTES];

    for (size_t i = 0; i < world->options->secret_files_count; i++) {
        struct slice rest = buffer_slice(&world->secrets[i]), line;

        while (secret_next_line(&rest, &line))
            if (used + RELAY_WEBHOOK_SIGNATURE_BYTES + 1 < sizeof attempt->signature &&
                relay_webhook_sign(line, delivery->id, now_s, buffer_slice(&delivery->body), signature) == 0)
                used += (size_t)snprintf(attempt->signature + used, sizeof attempt->signature - used, " %s",
                                         signature);
    }
}

static void
prepare_webhook(const struct relay_world *world, const struct delivery *delivery, struct attempt *attempt)
{
    int64_t now_s = wallclock_wall_ms() / 1000;

    sign(world, delivery, now_s, attempt);
    snprintf(attempt->id, sizeof attempt->id, "webhook-id: %s", delivery->id);
    snprintf(attempt->timestamp, sizeof attempt->timestamp, "webhook-timestamp: %lld", (long long)now_s);
    attempt->request.headers[1] = attempt->id;
    attempt->request.headers[2] = attempt->timestamp;
    attempt->request.headers[3] = attempt->signature;
    attempt->request.body = buffer_slice(&delivery->body);
}

static void
prepare_pagerduty(const struct relay_world *world, const struct delivery *delivery, struct attempt *attempt)
{
    struct slice rest = buffer_slice(&world->secrets[0]), key = {0};

    (void)secret_next_line(&rest, &key);
    buffer_append_text(&attempt->body, "{\"routing_key\":\"");
    buffer_append_slice(&attempt->body, key); /* letters and digits: looked at when it was read */
    buffer_append_text(&attempt->body, "\",");
    buffer_append_slice(&attempt->body, buffer_slice(&delivery->body));
    attempt->request.body = buffer_slice(&attempt->body);
}

static void
begin(struct queue *queue, struct lane *lane, int64_t now_mono_ms)
{
    struct relay_world *world = queue->world;
    struct delivery *delivery = lane->head;
    struct attempt attempt = {.request = {.url = world->options->urls[0],
                                          .headers = {"Content-Type: application/json"},
                                          .context = lane}};

    relay_world_refresh(world);
    attempt.request.token = relay_world_token(world, &attempt.token);
    if (world->options->to == RELAY_TO_WEBHOOK)
        prepare_webhook(world, delivery, &attempt);
    else
        prepare_pagerduty(world, delivery, &attempt);
    if (delivery->attempts++ == 0)
        delivery->begun_mono_ms = now_mono_ms;
    lane->number = http_client_begin(world->http, &attempt.request);
    secret_free(&attempt.body);
    secret_free(&attempt.token);
}

static int64_t
queue_step(void *self, int64_t now_mono_ms)
{
    struct queue *queue = self;
    int64_t due_mono_ms = INT64_MAX;

    for (size_t i = 0; i < queue->lanes_count; i++) {
        struct lane *lane = &queue->lanes[i];
        int64_t next_mono_ms;

        if (lane->head == NULL || lane->number != 0)
            continue;
        next_mono_ms = lane->head->next_mono_ms > queue->quiet_until_mono_ms ? lane->head->next_mono_ms
                                                                             : queue->quiet_until_mono_ms;
        if (next_mono_ms <= now_mono_ms)
            begin(queue, lane, now_mono_ms);
        else if (next_mono_ms < due_mono_ms)
            due_mono_ms = next_mono_ms;
    }
    return due_mono_ms;
}

/* ---- how attempts end ---- */

static void
log_outcome(struct queue *queue, const struct delivery *delivery, const char *event, enum log_level level,
            const struct http_response *response, int64_t delay_ms)
{
    struct slice said = buffer_slice(&response->body);

    if (said.bytes > 300)
        said.bytes = 300;
    log_write(queue->world->log, level, event, LOG_SLICE("key", buffer_slice(&delivery->key)),
              LOG_TEXT("state", relay_alert_state_text(delivery->state)),
              LOG_INTEGER("attempt", delivery->attempts), LOG_INTEGER("status", response->status),
              LOG_TEXT("error", response->error), LOG_SLICE("answer", said),
              LOG_INTEGER("next_ms", delay_ms));
}

static void
pop(struct queue *queue, struct lane *lane)
{
    struct delivery *delivery = lane->head;

    lane->head = delivery->next;
    if (lane->head == NULL)
        lane->end = &lane->head;
    delivery_free(queue, delivery);
}

static void
retry(struct queue *queue, struct delivery *delivery, const struct http_response *response,
      int64_t now_mono_ms)
{
    struct relay_world *world = queue->world;
    int64_t delay_ms = relay_retry_delay_ms(&world->options->retry, delivery->attempts,
                                            response->retry_after_ms, relay_world_random());

    world->counts.retried++;
    delivery->next_mono_ms = now_mono_ms + delay_ms;
    if (relay_retry_is_throttling(response->status) && delivery->next_mono_ms > queue->quiet_until_mono_ms)
        queue->quiet_until_mono_ms = delivery->next_mono_ms;
    log_outcome(queue, delivery, "relay_retry", LOG_WARNING, response, delay_ms);
}

static void
queue_finish(void *self, void *context, const struct http_response *response, int64_t now_mono_ms)
{
    struct queue *queue = self;
    struct relay_world *world = queue->world;
    struct lane *lane = context;
    struct delivery *delivery = lane->head;
    enum relay_verdict verdict = relay_retry_judge(response->status, world->options->to == RELAY_TO_WEBHOOK);

    lane->number = 0;
    if (verdict == RELAY_DELIVERED) {
        world->counts.delivered++;
        log_outcome(queue, delivery, "relay_delivered", LOG_DEBUG, response, -1);
        pop(queue, lane);
    } else if (verdict == RELAY_GONE) {
        world->gone = true; /* it stays undelivered */
        log_outcome(queue, delivery, "relay_gone", LOG_ERROR, response, -1);
    } else if (verdict == RELAY_REFUSED) {
        world->counts.refused++;
        log_outcome(queue, delivery, "relay_refused", LOG_ERROR, response, -1);
        pop(queue, lane);
    } else if (relay_retry_is_over(&world->options->retry, verdict, now_mono_ms - delivery->begun_mono_ms)) {
        world->counts.given_up++;
        log_outcome(queue, delivery, "relay_given_up", LOG_ERROR, response, -1);
        pop(queue, lane);
    } else
        retry(queue, delivery, response, now_mono_ms);
}

/* ---- the rest of a sink ---- */

static void
forget_lane(struct queue *queue, struct lane *lane, int32_t partition)
{
    struct delivery **place = &lane->head;

    if (lane->number != 0 && lane->head->partition == partition) {
        http_client_cancel(queue->world->http, lane->number);
        lane->number = 0;
    }
    while (*place != NULL) {
        struct delivery *delivery = *place;

        if (delivery->partition != partition) {
            place = &delivery->next;
            continue;
        }
        *place = delivery->next;
        delivery_free(queue, delivery);
    }
    lane->end = place;
}

static void
queue_forget(void *self, int32_t partition)
{
    struct queue *queue = self;

    for (size_t i = 0; i < queue->lanes_count; i++)
        forget_lane(queue, &queue->lanes[i], partition);
}

static size_t
queue_waiting(const void *self)
{
    const struct queue *queue = self;

    return queue->waiting_count;
}

static void
queue_free(void *self)
{
    struct queue *queue = self;

    must(queue->waiting_count == 0);
    memory_free(queue);
}

struct relay_sink
relay_queue_sink(struct relay_world *world)
{
    struct queue *queue = memory_allocate_zeroed(1, sizeof *queue);

    queue->world = world;
    queue->lanes_count = (size_t)world->options->lanes_count;
    must(queue->lanes_count >= 1 && queue->lanes_count <= RELAY_LANES_MAX);
    for (size_t i = 0; i < queue->lanes_count; i++)
        queue->lanes[i].end = &queue->lanes[i].head;
    return (struct relay_sink){.self = queue,
                               .take = queue_take,
                               .step = queue_step,
                               .finish = queue_finish,
                               .forget = queue_forget,
                               .waiting = queue_waiting,
                               .free = queue_free};
}
