/*
 * Alertmanager: the present state of every alert, told again and again.
 *
 * What: a table of what is firing, posted in batches to every Alertmanager of a cluster: what has changed at
 * once, everything else before their resolve_timeout runs out, what is over until each has heard of it.
 *
 * Why so: Alertmanager keeps no alert that nobody repeats, and the members of a cluster do not tell each
 * other of alerts, so each is sent everything. A record counts as delivered when one of them has taken it, as
 * with Prometheus: whoever was away hears of it with the next round. What changes twice before it is sent is
 * sent once: only the present state matters here.
 *
 * Always true: an entry has the labels it was first sent with; of an entry that is in a URL's heap none is
 * under way there; a mark is given back when its version or a later one was taken or refused.
 *
 * Not here: what is written (relay_alertmanager_print.c).
 */
#include "base/heap.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/wallclock.h"
#include "slactl/relay_alertmanager_print.h"
#include "slactl/relay_world.h"
#include "slad/effect.h"

enum { BATCH_MAX = 64, BATCH_BYTES_MAX = 1 << 20, OVER_KEPT_MS = 15 * 60000 };

/* A record that is not delivered yet, and the version of its entry that says it. */
struct pending {
    struct pending *next;
    struct relay_mark *mark;
    uint64_t version;
};

struct entry {
    struct buffer key, labels, rest;
    int32_t partition;
    bool over, alone; /* alone: its batch was refused, so it goes by itself */
    bool concluded;   /* somebody has taken its present version, or it was refused */
    int64_t over_mono_ms;
    uint64_t version;
    struct pending *first, **end;
    struct {
        struct heap_item due;
        uint64_t told; /* the version that was taken last */
        bool under_way;
    } to[RELAY_URLS_MAX];
};

struct peer {
    const char *url;
    struct heap *due;
    uint64_t number; /* under way; 0: none */
    struct {
        struct entry *entry;
        uint64_t version;
    } batch[BATCH_MAX];
    size_t batch_count;
    unsigned failures; /* since the last success */
    int64_t next_mono_ms, failing_since_mono_ms;
};

struct alertmanager {
    struct relay_world *world;
    struct map *entries;
    struct peer peers[RELAY_URLS_MAX];
    size_t peers_count, open_count; /* entries that are not concluded */
};

static struct slice
key_of(const void *value)
{
    return buffer_slice(&((const struct entry *)value)->key);
}

static struct entry *
entry_of(struct heap_item *item, size_t peer)
{
    return (struct entry *)(void *)((char *)item - offsetof(struct entry, to) -
                                    peer * sizeof((struct entry *)0)->to[0]);
}

/* ---- entries ---- */

static void
settle(struct alertmanager *self, struct entry *entry, uint64_t version)
{
    while (entry->first != NULL && entry->first->version <= version) {
        struct pending *pending = entry->first;

        entry->first = pending->next;
        if (entry->first == NULL)
            entry->end = &entry->first;
        relay_source_done(self->world->source, pending->mark);
        memory_free(pending);
    }
}

static void
entry_free(struct alertmanager *self, struct entry *entry)
{
    settle(self, entry, UINT64_MAX);
    self->open_count -= !entry->concluded;
    for (size_t i = 0; i < self->peers_count; i++) {
        must(!entry->to[i].under_way);
        if (heap_item_is_in(&entry->to[i].due))
            heap_remove(self->peers[i].due, &entry->to[i].due);
    }
    map_remove(self->entries, buffer_slice(&entry->key));
    buffer_free(&entry->key);
    buffer_free(&entry->labels);
    buffer_free(&entry->rest);
    memory_free(entry);
}

static struct entry *
entry_new(struct alertmanager *self, const struct relay_alert *alert, int32_t partition)
{
    struct entry *entry = memory_allocate_zeroed(1, sizeof *entry);

    entry->partition = partition;
    entry->concluded = true;
    entry->end = &entry->first;
    buffer_append_slice(&entry->key, alert->key);
    for (size_t i = 0; i < self->peers_count; i++)
        heap_item_init(&entry->to[i].due);
    map_put(self->entries, entry);
    return entry;
}

static void
set_due(struct alertmanager *self, struct entry *entry, size_t peer, int64_t at_ms)
{
    if (heap_item_is_in(&entry->to[peer].due))
        heap_move(self->peers[peer].due, &entry->to[peer].due, at_ms);
    else if (!entry->to[peer].under_way)
        heap_put(self->peers[peer].due, &entry->to[peer].due, at_ms);
}

static void
write_entry(struct alertmanager *self, struct entry *entry, const struct relay_alert *alert)
{
    const struct relay_options *options = self->world->options;
    int64_t now_ms = wallclock_wall_ms();

    entry->over = relay_alert_is_over(alert);
    entry->over_mono_ms = wallclock_mono_ms();
    entry->version++;
    self->open_count += entry->concluded;
    entry->concluded = false;
    if (alert->state == RELAY_REMOVED && entry->labels.bytes > 0) {
        buffer_reset(&entry->rest);
        relay_alertmanager_print_rest(alert, NULL, now_ms, &entry->rest);
        return;
    }
    if (entry->labels.bytes == 0)
        relay_alertmanager_print_labels(alert, self->world->installation, options->labels,
                                        options->labels_count, &entry->labels);
    buffer_reset(&entry->rest);
    relay_alertmanager_print_rest(alert, options->board_url,
                                  !entry->over                     ? INSTANT_NONE
                                  : alert->detected_at_ms < now_ms ? alert->detected_at_ms
                                                                   : now_ms,
                                  &entry->rest);
}

static void
alertmanager_take(void *context, const struct relay_alert *alert, const struct relay_message *message)
{
    struct alertmanager *self = context;
    struct entry *entry = map_get(self->entries, alert->key);

    if (entry == NULL)
        entry = entry_new(self, alert, message->partition);
    write_entry(self, entry, alert);
    if (message->mark != NULL) {
        struct pending *pending = memory_allocate_zeroed(1, sizeof *pending);

        pending->mark = message->mark;
        pending->version = entry->version;
        *entry->end = pending;
        entry->end = &pending->next;
    }
    for (size_t i = 0; i < self->peers_count; i++)
        set_due(self, entry, i, 0);
}

/* ---- sending ---- */

static void
begin_batch(struct alertmanager *self, size_t index, int64_t now_mono_ms)
{
    struct peer *peer = &self->peers[index];
    struct heap_item *item;
    struct http_request request = {
        .url = peer->url, .headers = {"Content-Type: application/json"}, .context = peer};
    struct buffer body = {0}, token = {0};
    bool closed = false;

    buffer_append_byte(&body, '[');
    while (!closed && peer->batch_count < BATCH_MAX && body.bytes < BATCH_BYTES_MAX &&
           (item = heap_top(peer->due)) != NULL && item->at_ms <= now_mono_ms) {
        struct entry *entry = entry_of(item, index);

        closed = entry->alone;
        if (closed && peer->batch_count > 0)
            break;
        heap_remove(peer->due, item);
        entry->to[index].under_way = true;
        peer->batch[peer->batch_count].entry = entry;
        peer->batch[peer->batch_count++].version = entry->version;
        if (body.bytes > 1)
            buffer_append_byte(&body, ',');
        buffer_append_text(&body, "{\"labels\":");
        buffer_append_slice(&body, buffer_slice(&entry->labels));
        buffer_append_byte(&body, ',');
        buffer_append_slice(&body, buffer_slice(&entry->rest));
        buffer_append_byte(&body, '}');
    }
    buffer_append_byte(&body, ']');
    relay_world_refresh(self->world);
    request.token = relay_world_token(self->world, &token);
    request.body = buffer_slice(&body);
    peer->number = http_client_begin(self->world->http, &request);
    buffer_free(&body);
    secret_free(&token);
}

static int64_t
alertmanager_step(void *context, int64_t now_mono_ms)
{
    struct alertmanager *self = context;
    int64_t due_mono_ms = INT64_MAX;

    for (size_t i = 0; i < self->peers_count; i++) {
        struct peer *peer = &self->peers[i];
        const struct heap_item *first = heap_top(peer->due);
        int64_t next_mono_ms;

        if (peer->number != 0 || first == NULL)
            continue;
        next_mono_ms = first->at_ms > peer->next_mono_ms ? first->at_ms : peer->next_mono_ms;
        if (next_mono_ms <= now_mono_ms)
            begin_batch(self, i, now_mono_ms);
        else if (next_mono_ms < due_mono_ms)
            due_mono_ms = next_mono_ms;
    }
    return due_mono_ms;
}

/* ---- how it ends ---- */

static bool
is_told(const struct alertmanager *self, const struct entry *entry)
{
    bool any = false, all = true;

    for (size_t i = 0; i < self->peers_count; i++) {
        if (entry->to[i].under_way)
            return false;
        any |= entry->to[i].told >= entry->version;
        all &= entry->to[i].told >= entry->version;
    }
    return all || (any && wallclock_mono_ms() - entry->over_mono_ms > OVER_KEPT_MS);
}

/* This version was taken, or will never be. */
static void
conclude(struct alertmanager *self, size_t index, struct entry *entry, uint64_t version, int64_t next_mono_ms)
{
    entry->to[index].told = version;
    settle(self, entry, version);
    if (entry->version > version) {
        set_due(self, entry, index, 0);
        return;
    }
    self->open_count -= !entry->concluded;
    entry->concluded = true;
    if (entry->over && is_told(self, entry))
        entry_free(self, entry);
    else if (!entry->over && next_mono_ms >= 0)
        set_due(self, entry, index, next_mono_ms);
}

static void
log_answer(const struct alertmanager *self, const struct peer *peer, const char *event, enum log_level level,
           const struct entry *entry, const struct http_response *response, int64_t delay_ms)
{
    struct slice said = buffer_slice(&response->body);

    if (said.bytes > 300)
        said.bytes = 300;
    log_write(self->world->log, level, event, LOG_TEXT("url", peer->url),
              LOG_SLICE("key", entry != NULL ? buffer_slice(&entry->key) : (struct slice){0}),
              LOG_INTEGER("alerts", peer->batch_count), LOG_INTEGER("status", response->status),
              LOG_TEXT("error", response->error), LOG_SLICE("answer", said),
              LOG_INTEGER("next_ms", delay_ms));
}

static void
on_delivered(struct alertmanager *self, size_t index, int64_t now_mono_ms)
{
    struct peer *peer = &self->peers[index];

    peer->failures = 0;
    for (size_t i = 0; i < peer->batch_count; i++) {
        struct entry *entry = peer->batch[i].entry;

        entry->alone = false;
        self->world->counts.delivered += entry->to[index].told < peer->batch[i].version;
        conclude(self, index, entry, peer->batch[i].version, now_mono_ms + self->world->options->resend_ms);
    }
}

/* Of a batch some may be sound: each goes by itself, and what is refused alone is not sent again until it
 * changes. */
static void
on_refused(struct alertmanager *self, size_t index, const struct http_response *response)
{
    struct peer *peer = &self->peers[index];
    bool single = peer->batch_count == 1;

    peer->failures = 0;
    for (size_t i = 0; i < peer->batch_count; i++) {
        struct entry *entry = peer->batch[i].entry;

        if (single) {
            self->world->counts.refused++;
            log_answer(self, peer, "relay_refused", LOG_ERROR, entry, response, -1);
            entry->alone = false;
            conclude(self, index, entry, peer->batch[i].version, -1);
        } else {
            entry->alone = true;
            set_due(self, entry, index, 0);
        }
    }
}

static void
on_failed(struct alertmanager *self, size_t index, enum relay_verdict verdict,
          const struct http_response *response, int64_t now_mono_ms)
{
    struct peer *peer = &self->peers[index];
    const struct relay_retry *retry = &self->world->options->retry;
    int64_t delay_ms;

    if (peer->failures++ == 0)
        peer->failing_since_mono_ms = now_mono_ms;
    delay_ms = relay_retry_delay_ms(retry, peer->failures, response->retry_after_ms, relay_world_random());
    peer->next_mono_ms = now_mono_ms + delay_ms;
    self->world->counts.retried++;
    if (relay_retry_is_over(retry, verdict, now_mono_ms - peer->failing_since_mono_ms)) {
        log_answer(self, peer, "relay_given_up", LOG_ERROR, NULL, response, delay_ms);
        self->world->counts.given_up += peer->batch_count;
        for (size_t i = 0; i < peer->batch_count; i++)
            conclude(self, index, peer->batch[i].entry, peer->batch[i].version, peer->next_mono_ms);
        return;
    }
    log_answer(self, peer, "relay_retry", LOG_WARNING, NULL, response, delay_ms);
    for (size_t i = 0; i < peer->batch_count; i++) {
        struct entry *entry = peer->batch[i].entry;

        set_due(self, entry, index, 0);
        if (entry->over && is_told(self, entry))
            entry_free(self, entry);
    }
}

static void
alertmanager_finish(void *context, void *exchange, const struct http_response *response, int64_t now_mono_ms)
{
    struct alertmanager *self = context;
    struct peer *peer = exchange;
    size_t index = (size_t)(peer - self->peers);
    enum relay_verdict verdict = relay_retry_judge(response->status, false);

    peer->number = 0;
    for (size_t i = 0; i < peer->batch_count; i++)
        peer->batch[i].entry->to[index].under_way = false;
    if (verdict == RELAY_DELIVERED)
        on_delivered(self, index, now_mono_ms);
    else if (verdict == RELAY_REFUSED)
        on_refused(self, index, response);
    else
        on_failed(self, index, verdict, response, now_mono_ms);
    peer->batch_count = 0;
}

/* ---- the rest of a sink ---- */

/* What is under way may speak of it: it is given up and sent again without. */
static void
take_back(struct alertmanager *self, size_t index)
{
    struct peer *peer = &self->peers[index];

    if (peer->number == 0)
        return;
    http_client_cancel(self->world->http, peer->number);
    peer->number = 0;
    for (size_t i = 0; i < peer->batch_count; i++) {
        peer->batch[i].entry->to[index].under_way = false;
        set_due(self, peer->batch[i].entry, index, 0);
    }
    peer->batch_count = 0;
}

static void
alertmanager_forget(void *context, int32_t partition)
{
    struct alertmanager *self = context;
    struct entry *entry, **found = memory_allocate((map_count(self->entries) + 1) * sizeof(struct entry *));
    size_t count = 0, cursor = 0;

    for (size_t i = 0; i < self->peers_count; i++)
        take_back(self, i);
    while ((entry = map_each(self->entries, &cursor)) != NULL)
        if (entry->partition == partition)
            found[count++] = entry;
    for (size_t i = 0; i < count; i++)
        entry_free(self, found[i]);
    memory_free(found);
}

static size_t
alertmanager_waiting(const void *context)
{
    return ((const struct alertmanager *)context)->open_count;
}

static void
alertmanager_free(void *context)
{
    struct alertmanager *self = context;

    must(map_count(self->entries) == 0);
    map_free(self->entries);
    for (size_t i = 0; i < self->peers_count; i++)
        heap_free(self->peers[i].due);
    memory_free(self);
}

struct relay_sink
relay_alertmanager_sink(struct relay_world *world)
{
    struct alertmanager *self = memory_allocate_zeroed(1, sizeof *self);

    self->world = world;
    self->entries = map_new(key_of, relay_world_random());
    self->peers_count = world->options->urls_count;
    for (size_t i = 0; i < self->peers_count; i++) {
        self->peers[i].url = world->options->urls[i];
        self->peers[i].due = heap_new(NULL);
    }
    return (struct relay_sink){.self = self,
                               .take = alertmanager_take,
                               .step = alertmanager_step,
                               .finish = alertmanager_finish,
                               .forget = alertmanager_forget,
                               .waiting = alertmanager_waiting,
                               .free = alertmanager_free};
}
