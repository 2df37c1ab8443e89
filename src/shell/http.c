/*
 * What: the door: listening, routing, the plain pages and the API's lists.
 *
 * Why this way: a route is a row of a table: its path and the function that answers it. Connections are
 * counted by holding a second reference to each one's bufferevent: when the server has let go of its own, it
 * has ended the connection and taken its callbacks back; the sweep sees that and closes the socket. The
 * page's policy names the digests of its one script and one style, taken from the bytes themselves at start,
 * so nothing else ever runs.
 *
 * Always true: every request gets one answer, with the security headers; above http_connections_max
 * connections new requests get 503, above that and OVERFLOW_CONNECTIONS nobody is accepted until some have
 * gone.
 *
 * Not here: streams (stream.c), what the board knows (board.c), TLS and tokens.
 */
#include "shell/http.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/board_page.h"
#include "shell/reply.h"
#include "shell/stream.h"
#include "wire/json.h"
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SWEEP_MS = 250, OVERFLOW_CONNECTIONS = 64, POLICY_BYTES = 512, DIGEST_BYTES = 64, URL_BYTES = 320 };
enum { PAGE_RECORDS = 1000, PAGE_RECORDS_MAX = 10000 };

struct http {
    struct http_rooms rooms;
    struct evhttp *server;
    struct evhttp_bound_socket *bound;
    struct stream *stream;
    struct event *sweep;
    struct bufferevent **connections; /* those that live, and those that went since the last sweep */
    size_t connections_count, connections_room;
    bool deaf;     /* not accepting */
    bool loopback; /* listens to this machine alone */
    int port;
    char url[URL_BYTES];
    char page_policy[POLICY_BYTES];
};

/* ---- connections ---- */

/* The server takes its callbacks back when it is done with a connection. */
static bool
is_open(struct bufferevent *connection)
{
    bufferevent_event_cb event = NULL;

    bufferevent_getcb(connection, NULL, NULL, &event, NULL);
    return event != NULL;
}

static void
sweep_connections(struct http *http)
{
    size_t kept = 0;

    for (size_t i = 0; i < http->connections_count; i++) {
        if (is_open(http->connections[i]))
            http->connections[kept++] = http->connections[i];
        else
            bufferevent_decref(http->connections[i]);
    }
    http->connections_count = kept;
    metrics_set(http->rooms.metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)kept);
}

static size_t
connections_max(const struct http *http)
{
    return (size_t)http->rooms.config->http_connections_max;
}

static void
sweep_turn(evutil_socket_t descriptor, short what, void *context)
{
    struct http *http = context;

    (void)descriptor;
    (void)what;
    sweep_connections(http);
    if (http->deaf && http->connections_count < connections_max(http)) {
        evconnlistener_enable(evhttp_bound_socket_get_listener(http->bound));
        http->deaf = false;
    }
}

/* Called by the server for every connection it accepts. */
static struct bufferevent *
connection_new(struct event_base *base, void *context)
{
    struct http *http = context;
    struct bufferevent *connection = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    must(connection != NULL);
    if (http->connections_count >= connections_max(http))
        sweep_connections(http);
    if (http->connections_count == http->connections_room) {
        http->connections_room = http->connections_room == 0 ? 16 : http->connections_room * 2;
        http->connections =
            memory_resize(http->connections, http->connections_room * sizeof(struct bufferevent *));
    }
    bufferevent_incref(connection);
    http->connections[http->connections_count++] = connection;
    metrics_set(http->rooms.metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)http->connections_count);
    if (http->connections_count >= connections_max(http) + OVERFLOW_CONNECTIONS) {
        evconnlistener_disable(evhttp_bound_socket_get_listener(http->bound));
        http->deaf = true;
        metrics_bound_hit(http->rooms.metrics, CONFIG_http_connections_max);
        log_write(http->rooms.log, LOG_WARNING, "http_not_accepting",
                  LOG_INTEGER("connections", http->connections_count));
    }
    return connection;
}

/* ---- pages ---- */

static void
answer_page(struct http *http, struct evhttp_request *request)
{
    reply_secure(request, http->page_policy);
    reply_send(request, http->rooms.metrics, 200, "text/html; charset=utf-8",
               (struct slice){(const char *)board_page, board_page_bytes});
}

static void
answer_metrics(struct http *http, struct evhttp_request *request)
{
    struct buffer out = {0};

    if (http->rooms.refresh_metrics != NULL)
        http->rooms.refresh_metrics(http->rooms.context);
    sweep_connections(http);
    metrics_print(http->rooms.metrics, &out);
    reply_secure(request, NULL);
    reply_send(request, http->rooms.metrics, 200, "text/plain; version=0.0.4; charset=utf-8",
               buffer_slice(&out));
    buffer_free(&out);
}

static void
answer_livez(struct http *http, struct evhttp_request *request)
{
    reply_secure(request, NULL);
    reply_send(request, http->rooms.metrics, 200, "text/plain; charset=utf-8", slice_of("alive\n"));
}

static void
answer_readyz(struct http *http, struct evhttp_request *request)
{
    const struct board *board = http->rooms.board;
    bool ready = board_ready(board);
    struct buffer out = {0};

    buffer_append_text(&out, ready ? "ready\n" : "not ready\n");
    for (size_t i = 0; i < board_reasons_count(board); i++) {
        buffer_append_text(&out, board_reason(board, i));
        buffer_append_byte(&out, '\n');
    }
    reply_secure(request, NULL);
    reply_send(request, http->rooms.metrics, ready ? 200 : 503, "text/plain; charset=utf-8",
               buffer_slice(&out));
    buffer_free(&out);
}

/* ---- lists ---- */

/* limit and after out of the query; -1 when they are not sound. after lives in *parameters. */
static int
parse_page(const char *query, struct evkeyvalq *parameters, struct board_page *page)
{
    const char *text;
    char *end;

    if (evhttp_parse_query_str(query != NULL ? query : "", parameters) != 0)
        return -1;
    text = evhttp_find_header(parameters, "after");
    if (text != NULL)
        page->after = slice_of(text);
    text = evhttp_find_header(parameters, "limit");
    if (text == NULL)
        return 0;
    page->records_max = strtoul(text, &end, 10);
    return *text >= '1' && *text <= '9' && *end == '\0' && page->records_max <= PAGE_RECORDS_MAX ? 0 : -1;
}

static void
add_next_link(struct evhttp_request *request, const char *path, const struct board_page *page,
              struct slice last)
{
    char *key = evhttp_uriencode(last.at, (ev_ssize_t)last.bytes, 0);
    struct buffer link = {0};

    must(key != NULL);
    buffer_append_byte(&link, '<');
    buffer_append_text(&link, path);
    buffer_append_text(&link, "?limit=");
    buffer_append_int64(&link, (int64_t)page->records_max);
    buffer_append_text(&link, "&after=");
    buffer_append_text(&link, key);
    buffer_append_text(&link, ">; rel=\"next\"");
    buffer_append_byte(&link, '\0');
    evhttp_add_header(evhttp_request_get_output_headers(request), "Link", link.at);
    buffer_free(&link);
    free(key);
}

static void
answer_list(struct http *http, struct evhttp_request *request, const char *path, struct board_page page)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct evkeyvalq parameters; /* set by every path of parse_page */
    struct buffer out = {0};
    struct slice last;

    if (parse_page(query, &parameters, &page) != 0) {
        reply_problem(request, http->rooms.metrics, 400,
                      "limit: expected a number from 1 to 10000; after: expected a key");
    } else {
        last = board_print(http->rooms.board, &page, &out);
        buffer_append_byte(&out, '\n');
        if (last.at != NULL)
            add_next_link(request, path, &page, last);
        reply_secure(request, NULL);
        reply_send(request, http->rooms.metrics, 200, "application/json", buffer_slice(&out));
    }
    buffer_free(&out);
    evhttp_clear_headers(&parameters);
}

static void
answer_open(struct http *http, struct evhttp_request *request)
{
    answer_list(
        http, request, "/api/v1/open",
        (struct board_page){.kind = BOARD_SCORES, .prefix = slice_of("open/"), .records_max = PAGE_RECORDS});
}

static void
answer_alerts(struct http *http, struct evhttp_request *request)
{
    answer_list(http, request, "/api/v1/alerts",
                (struct board_page){.kind = BOARD_ALERTS, .records_max = PAGE_RECORDS});
}

static void
answer_scores(struct http *http, struct evhttp_request *request)
{
    answer_list(http, request, "/api/v1/scores",
                (struct board_page){.kind = BOARD_SCORES, .records_max = PAGE_RECORDS});
}

static void
answer_outcomes(struct http *http, struct evhttp_request *request)
{
    answer_list(http, request, "/api/v1/outcomes",
                (struct board_page){.kind = BOARD_OUTCOMES, .records_max = PAGE_RECORDS});
}

static void
answer_stream(struct http *http, struct evhttp_request *request)
{
    if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD) {
        reply_secure(request, NULL);
        reply_send(request, http->rooms.metrics, 200, "text/event-stream", slice_of(""));
        return;
    }
    stream_accept(http->stream, request);
}

/* ---- routing ---- */

struct route {
    const char *path;
    void (*answer)(struct http *http, struct evhttp_request *request);
    bool probe; /* answered also when there are too many connections */
};

static const struct route routes[] = {
    {"/", answer_page, false},
    {"/metrics", answer_metrics, true},
    {"/livez", answer_livez, true},
    {"/readyz", answer_readyz, true},
    {"/api/v1/open", answer_open, false},
    {"/api/v1/alerts", answer_alerts, false},
    {"/api/v1/scores", answer_scores, false},
    {"/api/v1/outcomes", answer_outcomes, false},
    {"/api/v1/stream", answer_stream, false},
};

static const struct route *
find_route(struct evhttp_request *request)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;

    for (size_t i = 0; path != NULL && i < sizeof routes / sizeof *routes; i++)
        if (strcmp(path, routes[i].path) == 0)
            return &routes[i];
    return NULL;
}

/* "name:port", "[v6]:port": the name alone. */
static struct slice
host_name(const char *host)
{
    const char *end = *host == '[' ? strchr(host, ']') : strchr(host, ':');

    if (*host == '[')
        return end != NULL ? (struct slice){host + 1, (size_t)(end - host - 1)} : slice_of("");
    return end != NULL ? (struct slice){host, (size_t)(end - host)} : slice_of(host);
}

static bool
is_listed(const char *names, struct slice name)
{
    while (*names != '\0') {
        size_t bytes = strcspn(names, ", ");

        if (bytes == name.bytes && strncasecmp(names, name.at, bytes) == 0)
            return true;
        names += bytes;
        names += strspn(names, ", ");
    }
    return false;
}

/* Whether a browser may call the door by this name: a page of a stranger can point its own name here and read
 * what it is given (DNS rebinding), but not an address, and not localhost. */
static bool
is_welcome(const struct http *http, struct evhttp_request *request)
{
    const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
    char name[CONFIG_HOST_BYTES];
    unsigned char address[sizeof(struct in6_addr)];
    struct slice found;

    if (host == NULL) /* no browser */
        return true;
    if (!http->loopback && *http->rooms.config->http_hosts == '\0')
        return true;
    found = host_name(host);
    if (found.bytes >= sizeof name)
        return false;
    memcpy(name, found.at, found.bytes);
    name[found.bytes] = '\0';
    if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1 ||
        strcasecmp(name, "localhost") == 0)
        return true;
    return is_listed(http->rooms.config->http_hosts, found);
}

static bool
is_crowded(struct http *http, struct evhttp_request *request)
{
    if (http->connections_count <= connections_max(http))
        return false;
    sweep_connections(http);
    if (http->connections_count <= connections_max(http))
        return false;
    metrics_bound_hit(http->rooms.metrics, CONFIG_http_connections_max);
    log_write(http->rooms.log, LOG_WARNING, "http_crowded",
              LOG_INTEGER("connections", http->connections_count));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", "5");
    reply_problem(request, http->rooms.metrics, 503, "http_connections_max connections are open already");
    return true;
}

static void
answer(struct evhttp_request *request, void *context)
{
    struct http *http = context;
    enum evhttp_cmd_type command = evhttp_request_get_command(request);
    const struct route *route = find_route(request);

    if (!is_welcome(http, request)) {
        reply_problem(request, http->rooms.metrics, 421, "this name is not among http_hosts");
        return;
    }
    if (route == NULL) {
        reply_problem(request, http->rooms.metrics, 404, "nothing is here; the API begins at /api/v1/");
        return;
    }
    if (command != EVHTTP_REQ_GET && command != EVHTTP_REQ_HEAD) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
        reply_problem(request, http->rooms.metrics, 405, "only GET and HEAD are answered here");
        return;
    }
    if (!route->probe && is_crowded(http, request))
        return;
    route->answer(http, request);
}

/* ---- start and end ---- */

/* 'sha256-...' of what stands between two marks of the page, as Content-Security-Policy wants it. */
static void
make_digest(const char *open, const char *close, char ret_digest[DIGEST_BYTES])
{
    const char *page = (const char *)board_page;
    const char *begin = memmem(page, board_page_bytes, open, strlen(open));
    const char *end;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char base64[DIGEST_BYTES];

    must(begin != NULL);
    begin += strlen(open);
    end = memmem(begin, board_page_bytes - (size_t)(begin - page), close, strlen(close));
    must(end != NULL);
    must(EVP_Digest(begin, (size_t)(end - begin), digest, NULL, EVP_sha256(), NULL) == 1);
    EVP_EncodeBlock((unsigned char *)base64, digest, sizeof digest);
    snprintf(ret_digest, DIGEST_BYTES, "'sha256-%.44s'", base64);
}

static void
make_page_policy(struct http *http)
{
    char script[DIGEST_BYTES];
    char style[DIGEST_BYTES];

    make_digest("<script>", "</script>", script);
    make_digest("<style>", "</style>", style);
    snprintf(http->page_policy, sizeof http->page_policy,
             "default-src 'none'; script-src %s; style-src %s; connect-src 'self'; img-src data:; base-uri "
             "'none'; "
             "form-action 'none'; frame-ancestors 'none'",
             script, style);
}

static void
set_up_server(struct http *http)
{
    const struct config *config = http->rooms.config;
    const struct timeval timeout = {.tv_sec = config->http_timeout_ms / 1000,
                                    .tv_usec = config->http_timeout_ms % 1000 * 1000};

    evhttp_set_max_headers_size(http->server, (ev_ssize_t)config->http_header_bytes_max);
    evhttp_set_max_body_size(http->server, (ev_ssize_t)config->http_body_bytes_max);
    evhttp_set_timeout_tv(http->server, &timeout);
    evhttp_set_default_content_type(http->server, NULL);
    evhttp_set_bevcb(http->server, connection_new, http);
    evhttp_set_gencb(http->server, answer, http);
    /* Every method comes to us: what is refused, is refused in our words. */
    evhttp_set_allowed_methods(http->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
                                                 EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
}

/* The port it was given, and the address to call it by. */
static void
note_address(struct http *http, const char *host)
{
    struct sockaddr_storage address = {0};
    socklen_t bytes = sizeof address;
    bool v6 = strchr(host, ':') != NULL;

    must(getsockname(evhttp_bound_socket_get_fd(http->bound), (struct sockaddr *)&address, &bytes) == 0);
    http->loopback =
        strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0;
    http->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                     : ((struct sockaddr_in *)&address)->sin_port);
    snprintf(http->url, sizeof http->url, v6 ? "http://[%s]:%d" : "http://%s:%d", host, http->port);
}

struct http *
http_new(struct event_base *base, const struct http_rooms *rooms)
{
    struct http *http = memory_allocate_zeroed(1, sizeof *http);
    const struct timeval sweep_interval = {.tv_usec = SWEEP_MS * 1000};
    char host[CONFIG_HOST_BYTES];
    int port = 0;

    http->rooms = *rooms;
    http->server = evhttp_new(base);
    must(http->server != NULL && config_split_listen(rooms->config->listen, host, &port) == 0);
    set_up_server(http);
    make_page_policy(http);
    http->bound = evhttp_bind_socket_with_handle(http->server, host, (ev_uint16_t)port);
    if (http->bound == NULL) {
        log_write(rooms->log, LOG_ERROR, "http_cannot_listen", LOG_TEXT("listen", rooms->config->listen),
                  LOG_TEXT("why", strerror(errno)));
        http_free(http);
        return NULL;
    }
    note_address(http, host);
    http->stream = stream_new(base, rooms);
    http->sweep = event_new(base, -1, EV_PERSIST, sweep_turn, http);
    must(http->sweep != NULL && event_add(http->sweep, &sweep_interval) == 0);
    log_write(rooms->log, LOG_NOTICE, "http_listening", LOG_TEXT("url", http->url));
    return http;
}

void
http_free(struct http *http)
{
    if (http == NULL)
        return;
    stream_free(http->stream);
    evhttp_free(http->server);
    for (size_t i = 0; i < http->connections_count; i++)
        bufferevent_decref(http->connections[i]);
    if (http->sweep != NULL)
        event_free(http->sweep);
    memory_free(http->connections);
    memory_free(http);
}

int
http_port(const struct http *http)
{
    return http->port;
}

const char *
http_url(const struct http *http)
{
    return http->url;
}
