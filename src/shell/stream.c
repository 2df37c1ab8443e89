/*
 * What: the clients of the event stream, and what each gets when.
 *
 * Why this way: a client is a number in the board's order of changes. Every stream_interval_ms it gets what
 * changed since, as far as its buffer allows; a slow client therefore skips states instead of piling them up,
 * and one that takes nothing at all is cut off. Clients at the same number with the same eyes share one
 * printing: the bytes stand once in memory, and every client's buffer refers to them. A part of the clients
 * has its turn in each part of the interval, so that a thousand of them never hold up the loop together.
 *
 * Always true: unsent bytes of a client are at most stream_buffer_bytes_max and one message, of one that has
 * caught up at most one message and heartbeats; a client that
 * has an id has all that the id stands for; the list holds exactly the open streams. A client whose token is
 * gone, or may no longer do what it did, is cut off within a turn.
 *
 * Not here: what a record means, who may see it, the page.
 */
#include "shell/stream.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/query.h"
#include "shell/reply.h"
#include "shell/wallclock.h"
#include "wire/print.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_MS = 1000, BUDGET_BYTES_MIN = 4096, UNREAD_BYTES_MAX = 4096, ID_BYTES = 40 };

struct client {
    struct stream *stream;
    struct evhttp_request *request;
    struct evhttp_connection *connection;
    unsigned kinds;
    char *customer; /* whose eyes it looks with; NULL: it sees everything */
    struct board_view view;
    bool has_token;
    struct token token; /* a copy; its customer is the one above or another's, its name is not kept */
    unsigned phase;
    uint64_t version;    /* it has been given everything up to here ... */
    uint64_t since;      /* ... of what there was when it began */
    bool synced;         /* it has caught up at least once */
    size_t unsent_bytes; /* when last looked */
    int64_t progress_mono_ms;
    int64_t heartbeat_mono_ms;
    struct client *previous, *next;
};

/* Bytes that several buffers refer to; the last one frees them. */
struct shared {
    size_t references;
    size_t bytes;
    char text[];
};

/* What a client got: the next one with the same numbers and eyes gets the same. */
struct batch {
    uint64_t from, to;
    unsigned kinds;
    char *customer;
    struct shared *text; /* NULL: it is nothing to them */
};
enum { BATCHES = 16, PHASES = 4 };

struct stream {
    struct http_rooms rooms;
    struct event *timer;
    struct client *clients;
    size_t clients_count;
    struct access *access;
    uint64_t generation; /* of the tokens, when every client was looked at last */
    unsigned phase, next_phase;
    struct batch batches[BATCHES];
    size_t next_batch;
    struct buffer text;
};

/* ---- messages ---- */

static void
append_event(struct buffer *out, const char *event)
{
    buffer_append_text(out, "event: ");
    buffer_append_text(out, event);
    buffer_append_text(out, "\ndata: ");
}

static void
append_number(struct buffer *out, const char *key, int64_t value)
{
    print_key(out, key);
    buffer_append_int64(out, value);
}

static void
append_hello(const struct client *client, struct buffer *out)
{
    const struct stream *stream = client->stream;
    enum token_role role = client->has_token ? client->token.role : TOKEN_FULL;
    char seed[ID_BYTES];

    snprintf(seed, sizeof seed, "%016" PRIx64, board_seed(stream->rooms.board));
    buffer_append_text(out, "retry: ");
    buffer_append_int64(out, RETRY_MS);
    buffer_append_byte(out, '\n');
    append_event(out, "hello");
    buffer_append_byte(out, '{');
    print_key(out, "server");
    print_text(out, slice_of(SLAD_VERSION));
    print_key(out, "board");
    print_text(out, slice_of(seed));
    print_key(out, "instance");
    print_text(out, slice_of(stream->rooms.config->instance));
    append_number(out, "now_ms", wallclock_wall_ms());
    append_number(out, "heartbeat_ms", stream->rooms.config->stream_heartbeat_ms);
    print_key(out, "role");
    print_text(out, slice_of(token_role_text(role)));
    print_key(out, "customer");
    print_text_or_null(out, slice_of(client->customer));
    buffer_append_text(out, "}\n\n");
}

/* A customer is told whether, not why and how much: that is of the whole installation. */
static void
append_heartbeat(const struct client *client, struct buffer *out)
{
    const struct board *board = client->stream->rooms.board;
    bool tells = client->customer == NULL;

    append_event(out, "heartbeat");
    buffer_append_byte(out, '{');
    append_number(out, "now_ms", wallclock_wall_ms());
    print_key(out, "ready");
    print_bool(out, board_ready(board));
    print_key(out, "reasons");
    buffer_append_byte(out, '[');
    for (size_t i = 0; tells && i < board_reasons_count(board); i++) {
        print_comma(out);
        print_text(out, slice_of(board_reason(board, i)));
    }
    buffer_append_byte(out, ']');
    append_number(out, "lag", tells ? board_lag(board) : board_lag(board) > 0);
    buffer_append_text(out, "}\n\n");
}

static void
append_id(const struct stream *stream, struct buffer *out, uint64_t version)
{
    char id[2 * ID_BYTES];

    snprintf(id, sizeof id, "id: %016" PRIx64 "-%" PRIu64 "\n", board_seed(stream->rooms.board), version);
    buffer_append_text(out, id);
}

/* Records behind a client's number as the text of one message, without its id. Returns the number reached. */
static uint64_t
append_records(const struct client *client, size_t bytes_max, struct buffer *out)
{
    size_t begin = out->bytes;
    size_t empty;
    uint64_t to;

    append_event(out, "records");
    buffer_append_text(out, "{\"records\":[");
    empty = out->bytes;
    to = board_changes(client->stream->rooms.board, client->version, client->kinds, &client->view, bytes_max,
                       out);
    if (out->bytes == empty)
        out->bytes = begin;
    else
        buffer_append_text(out, "]}\n\n");
    return to;
}

/* ---- clients ---- */

static void
client_remove(struct client *client)
{
    struct stream *stream = client->stream;

    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        stream->clients = client->next;
    if (client->next != NULL)
        client->next->previous = client->previous;
    stream->clients_count--;
    metrics_set(stream->rooms.metrics, METRIC_STREAM_CLIENTS, 0, (int64_t)stream->clients_count);
    memory_free(client->customer);
    memory_free(client->token.customer);
    memory_free(client);
}

/* The connection goes, whoever ended it. */
static void
client_closed(struct evhttp_connection *connection, void *context)
{
    struct client *client = context;

    (void)connection;
    /* The server lets go of a request that is still being answered when its client has gone: it is ours to
     * free. When we end the connection, the request is still its own and is freed with it. */
    if (evhttp_request_get_connection(client->request) == NULL)
        evhttp_send_reply_end(client->request);
    client_remove(client);
}

static size_t
client_unsent_bytes(const struct client *client)
{
    return evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(client->connection)));
}

/* Bytes it may be given now. */
static size_t
client_budget_bytes(const struct client *client)
{
    size_t most = (size_t)client->stream->rooms.config->stream_buffer_bytes_max;
    size_t unsent = client_unsent_bytes(client);

    return unsent >= most ? 0 : most - unsent;
}

static void client_drained(struct evhttp_connection *connection, void *context);

static void
client_send(struct client *client, struct slice text)
{
    struct evbuffer *out = evbuffer_new();

    must(out != NULL && evbuffer_add(out, text.at, text.bytes) == 0);
    evhttp_send_reply_chunk_with_cb(client->request, out, client_drained, client);
    evbuffer_free(out);
    client->unsent_bytes = client_unsent_bytes(client);
    metrics_add(client->stream->rooms.metrics, METRIC_STREAM_BYTES, 0, text.bytes);
}

static void
client_start_over(struct client *client, struct buffer *out)
{
    client->version = 0;
    client->since = board_version(client->stream->rooms.board);
    client->synced = false;
    append_event(out, "reset");
    buffer_append_text(out, "{}\n\n");
}

/* ---- what is shared ---- */

static void
shared_release(const void *bytes, size_t count, void *context)
{
    struct shared *shared = context;

    (void)bytes;
    (void)count;
    if (--shared->references == 0)
        memory_free(shared);
}

static struct shared *
shared_new(struct slice text)
{
    struct shared *shared = memory_allocate(sizeof *shared + text.bytes);

    shared->references = 1;
    shared->bytes = text.bytes;
    memcpy(shared->text, text.at, text.bytes);
    return shared;
}

static void
batch_clear(struct batch *batch)
{
    memory_free(batch->customer);
    if (batch->text != NULL)
        shared_release(NULL, 0, batch->text);
    *batch = (struct batch){0};
}

static bool
has_same_eyes(const struct batch *batch, const struct client *client)
{
    return batch->kinds == client->kinds && (batch->customer == NULL) == (client->customer == NULL) &&
           (batch->customer == NULL || strcmp(batch->customer, client->customer) == 0);
}

/* The step from this client's number to the present, printed already or now. */
static struct batch *
batch_for(struct client *client, size_t bytes_max)
{
    struct stream *stream = client->stream;
    uint64_t present = board_version(stream->rooms.board);
    struct batch *batch;

    for (size_t i = 0; i < BATCHES; i++) {
        batch = &stream->batches[i];
        if (batch->from == client->version && batch->to == present && has_same_eyes(batch, client) &&
            (batch->text == NULL || batch->text->bytes <= bytes_max))
            return batch;
    }
    batch = &stream->batches[stream->next_batch++ % BATCHES];
    batch_clear(batch);
    buffer_reset(&stream->text);
    batch->from = client->version;
    batch->kinds = client->kinds;
    batch->customer =
        client->customer != NULL ? memory_copy(client->customer, strlen(client->customer) + 1) : NULL;
    batch->to = append_records(client, bytes_max, &stream->text);
    if (stream->text.bytes > 0) {
        struct buffer whole = {0};

        append_id(stream, &whole, batch->to);
        buffer_append_slice(&whole, buffer_slice(&stream->text));
        batch->text = shared_new(buffer_slice(&whole));
        buffer_free(&whole);
    }
    return batch;
}

/* The next step from the present number, for a client that has caught up: printed once for all who are there.
 */
static void
client_push_shared(struct client *client, size_t bytes_max)
{
    struct batch *batch = batch_for(client, bytes_max);
    struct evbuffer *out;

    client->version = batch->to;
    if (batch->text == NULL)
        return;
    out = evbuffer_new();
    batch->text->references++;
    must(out != NULL && evbuffer_add_reference(out, batch->text->text, batch->text->bytes, shared_release,
                                               batch->text) == 0);
    evhttp_send_reply_chunk_with_cb(client->request, out, client_drained, client);
    evbuffer_free(out);
    client->unsent_bytes = client_unsent_bytes(client);
    metrics_add(client->stream->rooms.metrics, METRIC_STREAM_BYTES, 0, batch->text->bytes);
}

/* The next step of a client that is given everything. */
static void
append_everything(struct client *client, size_t bytes_max, struct buffer *out)
{
    client->version = append_records(client, bytes_max, out);
    if (client->version < client->since)
        return;
    client->synced = true;
    append_id(client->stream, out, client->version);
    append_event(out, "synced");
    buffer_append_text(out, "{}\n\n");
}

/* Gives a client what it has not seen, as far as there is room. */
static void
client_push(struct client *client)
{
    struct board *board = client->stream->rooms.board;
    struct buffer *out = &client->stream->text;
    size_t budget_bytes = client_budget_bytes(client);
    uint64_t seen = client->version > client->since ? client->version : client->since;

    if (budget_bytes < BUDGET_BYTES_MIN || (client->synced && client->version == board_version(board)))
        return;
    /* What it has not taken yet is enough for now: what changes meanwhile waits on the board, each key once.
     */
    if (client->synced && client_unsent_bytes(client) > 0)
        return;
    if (client->synced && board_remembers(board, seen)) {
        client_push_shared(client, budget_bytes);
        return;
    }
    buffer_reset(out);
    if (!board_remembers(board, seen))
        client_start_over(client, out);
    append_everything(client, budget_bytes, out);
    if (out->bytes > 0)
        client_send(client, buffer_slice(out));
}

/* All was taken: one that is still being given everything gets more at once. */
static void
client_drained(struct evhttp_connection *connection, void *context)
{
    struct client *client = context;

    (void)connection;
    if (!client->synced)
        client_push(client);
}

/* Whether it is still taking what it is given. */
static bool
client_is_alive(struct client *client, int64_t now_mono_ms)
{
    size_t unsent = client_unsent_bytes(client);

    if (unsent == 0 || unsent < client->unsent_bytes)
        client->progress_mono_ms = now_mono_ms;
    client->unsent_bytes = unsent;
    return now_mono_ms - client->progress_mono_ms < client->stream->rooms.config->stream_stall_ms;
}

static void
client_cut(struct client *client, const char *why)
{
    struct stream *stream = client->stream;

    metrics_add(stream->rooms.metrics, METRIC_STREAM_CUT, 0, 1);
    log_write(stream->rooms.log, LOG_NOTICE, "stream_client_cut", LOG_TEXT("why", why),
              LOG_INTEGER("unsent_bytes", client->unsent_bytes));
    evhttp_connection_free(client->connection); /* client_closed removes it */
}

static void
client_turn(struct client *client, int64_t now_mono_ms)
{
    struct stream *stream = client->stream;

    if (!client_is_alive(client, now_mono_ms)) {
        client_cut(client, "it took nothing for stream_stall");
        return;
    }
    client_push(client);
    if (now_mono_ms >= client->heartbeat_mono_ms && client_budget_bytes(client) > 0) {
        client->heartbeat_mono_ms = now_mono_ms + stream->rooms.config->stream_heartbeat_ms;
        buffer_reset(&stream->text);
        append_heartbeat(client, &stream->text);
        client_send(client, buffer_slice(&stream->text));
    }
}

/* ---- the stream ---- */

static void
stream_arm(struct stream *stream)
{
    int64_t interval_ms = stream->rooms.config->stream_interval_ms / PHASES;
    const struct timeval interval = {.tv_sec = interval_ms / 1000, .tv_usec = interval_ms % 1000 * 1000};

    must(evtimer_add(stream->timer, &interval) == 0);
}

/* The tokens have changed: who may still be here? */
static void
look_at_tokens(struct stream *stream)
{
    struct client *next;

    if (stream->generation == access_generation(stream->access))
        return;
    stream->generation = access_generation(stream->access);
    for (struct client *client = stream->clients; client != NULL; client = next) {
        next = client->next;
        if (!access_still(stream->access, client->has_token ? &client->token : NULL))
            client_cut(client, "its token is gone");
    }
}

static void
stream_turn(evutil_socket_t descriptor, short what, void *context)
{
    struct stream *stream = context;
    int64_t now_mono_ms = wallclock_mono_ms();
    struct client *next;

    (void)descriptor;
    (void)what;
    look_at_tokens(stream);
    stream->phase = (stream->phase + 1) % PHASES;
    for (struct client *client = stream->clients; client != NULL; client = next) {
        next = client->next;
        if (client->phase == stream->phase)
            client_turn(client, now_mono_ms);
    }
    if (stream->clients != NULL)
        stream_arm(stream);
}

struct stream *
stream_new(struct event_base *base, const struct http_rooms *rooms, struct access *access)
{
    struct stream *stream = memory_allocate_zeroed(1, sizeof *stream);

    stream->rooms = *rooms;
    stream->access = access;
    stream->generation = access_generation(access);
    stream->timer = evtimer_new(base, stream_turn, stream);
    must(stream->timer != NULL);
    return stream;
}

void
stream_free(struct stream *stream)
{
    if (stream == NULL)
        return;
    while (stream->clients != NULL)
        evhttp_connection_free(stream->clients->connection);
    event_free(stream->timer);
    for (size_t i = 0; i < BATCHES; i++)
        batch_clear(&stream->batches[i]);
    buffer_free(&stream->text);
    memory_free(stream);
}

size_t
stream_clients_count(const struct stream *stream)
{
    return stream->clients_count;
}

/* ---- a new client ---- */

/* "scores,alerts" as bits; 0 when it names something else. */
static unsigned
parse_kinds(const char *text)
{
    static const char *const names[BOARD_KINDS_COUNT] = {"alerts", "scores", "outcomes"};
    unsigned kinds = 0;

    while (*text != '\0') {
        struct slice word = {text, strcspn(text, ",")};
        unsigned kind = 0;

        while (kind < BOARD_KINDS_COUNT && !slice_is(word, names[kind]))
            kind++;
        if (kind == BOARD_KINDS_COUNT)
            return 0;
        kinds |= BOARD_BIT(kind);
        text += word.bytes;
        text += *text == ',';
    }
    return kinds;
}

/* What a new client asks for. */
struct wish {
    unsigned kinds;
    struct slice customer; /* at NULL: everything it may see */
};

/* What is refused, or PROBLEMS_COUNT. Texts live in the query. */
static enum problem
read_wish(const struct query *query, const struct visitor *visitor, struct wish *ret_wish,
          const char **ret_why)
{
    struct wish wish = {.kinds = BOARD_BIT(BOARD_ALERTS) | BOARD_BIT(BOARD_SCORES),
                        .customer = visitor->customer};

    for (size_t i = 0; i < query->filters_count; i++) {
        const struct board_filter *filter = &query->filters[i];

        if (filter->fact == FACT_KIND)
            wish.kinds = parse_kinds(filter->value.at);
        else if (visitor->customer.at != NULL && !slice_equal(visitor->customer, filter->value)) {
            *ret_why = "this token is another customer's";
            return PROBLEM_NOT_ALLOWED;
        } else
            wish.customer = filter->value;
    }
    *ret_wish = wish;
    *ret_why = "kinds: expected some of alerts,scores,outcomes";
    return wish.kinds == 0 ? PROBLEM_BAD_PARAMETER : PROBLEMS_COUNT;
}

/* The number a client comes back with, if this board gave it; else 0. */
static uint64_t
resumed_version(const struct stream *stream, struct evhttp_request *request)
{
    const char *id = evhttp_find_header(evhttp_request_get_input_headers(request), "Last-Event-ID");
    uint64_t seed;
    uint64_t version;

    if (id == NULL || sscanf(id, "%16" SCNx64 "-%20" SCNu64, &seed, &version) != 2)
        return 0;
    return seed == board_seed(stream->rooms.board) && board_remembers(stream->rooms.board, version) ? version
                                                                                                    : 0;
}

static bool
is_full(struct stream *stream, struct evhttp_request *request)
{
    if ((int64_t)stream->clients_count < stream->rooms.config->stream_clients_max)
        return false;
    metrics_bound_hit(stream->rooms.metrics, CONFIG_stream_clients_max);
    log_write(stream->rooms.log, LOG_WARNING, "stream_full", LOG_INTEGER("clients", stream->clients_count));
    reply_later(request, stream->rooms.metrics, PROBLEM_STREAM_FULL,
                "stream_clients_max clients are connected already", 5);
    return true;
}

static struct client *
client_new(struct stream *stream, struct evhttp_request *request, const struct visitor *visitor,
           const struct board_view *view, const struct wish *wish)
{
    struct client *client = memory_allocate_zeroed(1, sizeof *client);
    int64_t now_mono_ms = wallclock_mono_ms();

    client->stream = stream;
    client->request = request;
    client->connection = evhttp_request_get_connection(request);
    client->kinds = wish->kinds;
    client->customer = wish->customer.at != NULL ? slice_copy(wish->customer) : NULL;
    client->view = *view;
    client->view.customer = slice_of(client->customer);
    client->has_token = visitor->token != NULL;
    if (client->has_token) {
        client->token = *visitor->token;
        client->token.name = NULL;
        client->token.customer =
            visitor->token->customer != NULL ? slice_copy(slice_of(visitor->token->customer)) : NULL;
    }
    client->phase = stream->next_phase++ % PHASES;
    client->progress_mono_ms = now_mono_ms;
    client->heartbeat_mono_ms = now_mono_ms;
    client->next = stream->clients;
    if (client->next != NULL)
        client->next->previous = client;
    stream->clients = client;
    stream->clients_count++;
    metrics_set(stream->rooms.metrics, METRIC_STREAM_CLIENTS, 0, (int64_t)stream->clients_count);
    return client;
}

static void
open_reply(struct client *client)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(client->request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(client->connection);

    reply_secure(client->request, NULL);
    reply_count(client->stream->rooms.metrics, 200);
    evhttp_add_header(headers, "Content-Type", "text/event-stream");
    evhttp_add_header(headers, "X-Accel-Buffering", "no");
    evhttp_connection_set_closecb(client->connection, client_closed, client);
    evhttp_send_reply_start(client->request, 200, "OK");
    /* It only listens: no time-out on its silence. Whether it takes anything is looked at every turn. */
    bufferevent_set_timeouts(stream, NULL, NULL);
    /* What it says from now on is not read, and must not pile up. */
    bufferevent_setwatermark(stream, EV_READ, 0, UNREAD_BYTES_MAX);
}

static void
client_begin(struct client *client)
{
    struct stream *stream = client->stream;

    open_reply(client);
    client->version = resumed_version(stream, client->request);
    client->synced = client->version > 0;
    buffer_reset(&stream->text);
    append_hello(client, &stream->text);
    append_heartbeat(client, &stream->text);
    if (!client->synced)
        client_start_over(client, &stream->text);
    client->heartbeat_mono_ms += stream->rooms.config->stream_heartbeat_ms;
    client_send(client, buffer_slice(&stream->text));
    client_push(client);
    if (stream->clients_count == 1)
        stream_arm(stream);
}

void
stream_accept(struct stream *stream, struct evhttp_request *request, const struct visitor *visitor,
              const struct board_view *view)
{
    static const struct query_name names[] = {{"kinds", FACT_KIND}, {"customer", FACT_CUSTOMER}};
    struct query query;
    struct wish wish;
    enum problem problem = PROBLEM_BAD_PARAMETER;
    const char *why = query.wrong;

    if (query_read(request, false, names, sizeof names / sizeof *names, &query) == 0)
        problem = read_wish(&query, visitor, &wish, &why);
    if (problem != PROBLEMS_COUNT)
        reply_problem(request, stream->rooms.metrics, problem, why);
    else if (!is_full(stream, request))
        client_begin(client_new(stream, request, visitor, view, &wish));
    query_done(&query);
}
