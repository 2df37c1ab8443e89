/*
 * What: the door: listening, connections, who is let in, routing, the plain pages and the session cookie.
 *
 * Why this way: a route is a row of a table: its path, the method, who may, and the function that answers it;
 * whoever adds one says who may, so nothing is open by being forgotten. Connections are
 * counted by holding a second reference to each one's bufferevent: when the server has let go of its own, it
 * has ended the connection and taken its callbacks back; the sweep sees that and closes the socket. The
 * page's policy names the digests of its one script and one style, taken from the bytes themselves at start,
 * so nothing else ever runs.
 *
 * Always true: every request gets one answer, with the security headers; above http_connections_max
 * connections new requests get 503, above that and OVERFLOW_CONNECTIONS nobody is accepted until some have
 * gone.
 *
 * A connection that has not brought a whole request within http_timeout of its beginning, or of its last
 * answer, is cut off, however busily it drips.
 *
 * Not here: streams (stream.c), what is answered (api*.c), tokens (access.c), TLS (tls.c), what a customer
 * may see (board.c).
 */
#include "shell/http.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/access.h"
#include "shell/api.h"
#include "shell/board_page.h"
#include "shell/reply.h"
#include "shell/stream.h"
#include "shell/tls.h"
#include "shell/wallclock.h"
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

enum {
    SWEEP_MS = 250,
    REFRESH_MS = 1000,
    OVERFLOW_CONNECTIONS = 64,
    POLICY_BYTES = 512,
    DIGEST_BYTES = 64,
    URL_BYTES = 320
};
enum { SLOW_ANSWERS = 6, COOKIE_BYTES = TOKEN_BYTES_MAX + 128 };

struct connection {
    struct bufferevent *stream;
    int64_t since_mono_ms; /* its beginning, or its last whole request */
    size_t unsent_bytes;   /* when last looked */
    bool waits;            /* for an answer of ours that takes its time, or it is a stream */
};

struct http {
    struct http_rooms rooms;
    struct http_installation installation;
    bool has_installation;
    struct access *access;
    struct tls *tls; /* NULL: none */
    int64_t refreshed_mono_ms;
    struct evhttp *server;
    struct evhttp_bound_socket *bound;
    struct stream *stream;
    struct event *sweep;
    struct connection *connections; /* those that live, and those that went since the last sweep */
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

static size_t
connections_max(const struct http *http)
{
    return (size_t)http->rooms.config->http_connections_max;
}

/* Neither a whole request in its time nor an answer taken in six times that: it is told that its time is
 * over, which ends it as if it had been silent. */
static void
look_for_slowness(struct http *http, struct connection *connection, int64_t now_mono_ms)
{
    int64_t most_ms = http->rooms.config->http_timeout_ms;
    size_t unsent = evbuffer_get_length(bufferevent_get_output(connection->stream));

    if (connection->waits)
        return;
    if (unsent > 0)
        most_ms *= SLOW_ANSWERS;
    else if (connection->unsent_bytes > 0) /* its answer has just gone out */
        connection->since_mono_ms = now_mono_ms;
    connection->unsent_bytes = unsent;
    if (now_mono_ms - connection->since_mono_ms <= most_ms)
        return;
    metrics_add(http->rooms.metrics, METRIC_HTTP_SLOW, 0, 1);
    bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
    connection->since_mono_ms = now_mono_ms;
}

static void
sweep_connections(struct http *http)
{
    int64_t now_mono_ms = wallclock_mono_ms();
    size_t kept = 0;

    for (size_t i = 0; i < http->connections_count; i++) {
        struct connection *connection = &http->connections[i];

        if (!is_open(connection->stream)) {
            bufferevent_decref(connection->stream);
            continue;
        }
        look_for_slowness(http, connection, now_mono_ms);
        http->connections[kept++] = *connection;
    }
    http->connections_count = kept;
    metrics_set(http->rooms.metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)kept);
}

/* A request's connection begins to wait for it, or to bring the next one. */
static void
set_waits(struct http *http, struct evhttp_request *request, bool waits)
{
    struct evhttp_connection *owner = evhttp_request_get_connection(request);
    struct bufferevent *stream = owner != NULL ? evhttp_connection_get_bufferevent(owner) : NULL;

    for (size_t i = http->connections_count; i > 0 && stream != NULL; i--) {
        struct connection *connection = &http->connections[i - 1];

        if (connection->stream != stream)
            continue;
        connection->since_mono_ms = wallclock_mono_ms();
        connection->waits = waits;
        return;
    }
}

/* The answer has gone out: what comes next on this connection has its time again. */
static void
on_answered(struct evhttp_request *request, void *context)
{
    set_waits(context, request, false);
}

/* Its connection has brought a whole request. */
static void
note_request(struct http *http, struct evhttp_request *request, bool waits)
{
    set_waits(http, request, waits);
    if (waits)
        evhttp_request_set_on_complete_cb(request, on_answered, http);
}

static void
refresh_files(struct http *http)
{
    access_refresh(http->access);
    tls_refresh(http->tls);
    http->refreshed_mono_ms = wallclock_mono_ms();
}

static void
sweep_turn(evutil_socket_t descriptor, short what, void *context)
{
    struct http *http = context;

    (void)descriptor;
    (void)what;
    sweep_connections(http);
    if (wallclock_mono_ms() - http->refreshed_mono_ms >= REFRESH_MS)
        refresh_files(http);
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
    struct bufferevent *stream = http->tls != NULL ? tls_accept(http->tls, base)
                                                   : bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

    must(stream != NULL);
    if (http->connections_count >= connections_max(http))
        sweep_connections(http);
    if (http->connections_count == http->connections_room) {
        http->connections_room = http->connections_room == 0 ? 16 : http->connections_room * 2;
        http->connections =
            memory_resize(http->connections, http->connections_room * sizeof *http->connections);
    }
    bufferevent_incref(stream);
    http->connections[http->connections_count++] =
        (struct connection){.stream = stream, .since_mono_ms = wallclock_mono_ms()};
    metrics_set(http->rooms.metrics, METRIC_HTTP_CONNECTIONS, 0, (int64_t)http->connections_count);
    if (http->connections_count >= connections_max(http) + OVERFLOW_CONNECTIONS) {
        evconnlistener_disable(evhttp_bound_socket_get_listener(http->bound));
        http->deaf = true;
        metrics_bound_hit(http->rooms.metrics, CONFIG_http_connections_max);
        log_write(http->rooms.log, LOG_WARNING, "http_not_accepting",
                  LOG_INTEGER("connections", http->connections_count));
    }
    return stream;
}

/* ---- the session cookie ---- */

/* token at NULL: the cookie is taken back. What a token is made of is safe in a header. */
static void
set_cookie(struct http *http, struct evhttp_request *request, struct slice token)
{
    char cookie[COOKIE_BYTES];

    snprintf(cookie, sizeof cookie, ACCESS_COOKIE "=%.*s; Path=/; HttpOnly; SameSite=Strict%s%s",
             (int)token.bytes, token.at != NULL ? token.at : "", http->tls != NULL ? "; Secure" : "",
             token.at != NULL ? "" : "; Max-Age=0");
    evhttp_add_header(evhttp_request_get_output_headers(request), "Set-Cookie", cookie);
}

static void
answer_session_open(struct http *http, struct api_call *call)
{
    if (call->visitor.token != NULL)
        set_cookie(http, call->request, access_token_of(call->request));
    reply_empty(call->request, http->rooms.metrics, 204);
}

static void
answer_session_close(struct http *http, struct api_call *call)
{
    set_cookie(http, call->request, (struct slice){NULL, 0});
    reply_empty(call->request, http->rooms.metrics, 204);
}

static void
refuse_unknown(struct http *http, struct evhttp_request *request)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                      "Bearer realm=\"slad\"");
    reply_problem(request, http->rooms.metrics, PROBLEM_NO_TOKEN,
                  "a token is needed: Authorization: Bearer TOKEN");
}

/* The address without its token: what stands in it stays in no history and no later Referer. */
static void
append_without_token(struct buffer *out, const char *query)
{
    char separator = '?';

    buffer_append_byte(out, '/');
    while (query != NULL && *query != '\0') {
        size_t bytes = strcspn(query, "&");

        if (strncmp(query, "token=", 6) != 0 && bytes > 0) {
            buffer_append_byte(out, separator);
            buffer_append(out, query, bytes);
            separator = '&';
        }
        query += bytes;
        query += *query == '&';
    }
    buffer_append_byte(out, '\0');
}

/* /?token=...: true when that is what it is, and it was answered. */
static bool
exchange_token(struct http *http, struct evhttp_request *request)
{
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request)), *text;
    struct evkeyvalq parameters;
    struct buffer location = {0};
    struct slice token;

    if (query == NULL || evhttp_parse_query_str(query, &parameters) != 0)
        return false;
    text = evhttp_find_header(&parameters, "token");
    token = slice_of(text);
    if (text != NULL && access_is_guarded(http->access) && !access_visitor_of(http->access, token).known)
        refuse_unknown(http, request);
    else if (text != NULL) {
        if (access_is_guarded(http->access))
            set_cookie(http, request, token);
        append_without_token(&location, query);
        evhttp_add_header(evhttp_request_get_output_headers(request), "Location", location.at);
        reply_empty(request, http->rooms.metrics, 303);
    }
    evhttp_clear_headers(&parameters);
    buffer_free(&location);
    return text != NULL;
}

/* ---- pages ---- */

static void
answer_page(struct http *http, struct api_call *call)
{
    if (exchange_token(http, call->request))
        return;
    reply_secure(call->request, http->page_policy);
    reply_send(call->request, http->rooms.metrics, 200, "text/html; charset=utf-8",
               (struct slice){(const char *)board_page, board_page_bytes});
}

static void
answer_metrics(struct http *http, struct api_call *call)
{
    struct buffer out = {0};

    if (http->rooms.refresh_metrics != NULL)
        http->rooms.refresh_metrics(http->rooms.context);
    sweep_connections(http);
    metrics_print(http->rooms.metrics, &out);
    reply_secure(call->request, NULL);
    reply_send(call->request, http->rooms.metrics, 200, "text/plain; version=0.0.4; charset=utf-8",
               buffer_slice(&out));
    buffer_free(&out);
}

static void
answer_livez(struct http *http, struct api_call *call)
{
    reply_secure(call->request, NULL);
    reply_send(call->request, http->rooms.metrics, 200, "text/plain; charset=utf-8", slice_of("alive\n"));
}

static void
answer_readyz(struct http *http, struct api_call *call)
{
    const struct board *board = http->rooms.board;
    bool ready = board_ready(board);
    bool tells = call->visitor.known && call->visitor.role != TOKEN_CUSTOMER;
    struct buffer out = {0};

    buffer_append_text(&out, ready ? "ready\n" : "not ready\n");
    for (size_t i = 0; tells && i < board_reasons_count(board); i++) {
        buffer_append_text(&out, board_reason(board, i));
        buffer_append_byte(&out, '\n');
    }
    reply_secure(call->request, NULL);
    reply_send(call->request, http->rooms.metrics, ready ? 200 : 503, "text/plain; charset=utf-8",
               buffer_slice(&out));
    buffer_free(&out);
}

static void
answer_stream(struct http *http, struct api_call *call)
{
    if (evhttp_request_get_command(call->request) == EVHTTP_REQ_HEAD) {
        reply_secure(call->request, NULL);
        reply_send(call->request, http->rooms.metrics, 200, "text/event-stream", slice_of(""));
        return;
    }
    stream_accept(http->stream, call->request, &call->visitor, &call->view);
}

/* ---- routing ---- */

/* Who may: roles as bits; ANYBODY: without a token too. */
enum { FULL = 1 << TOKEN_FULL, READ = 1 << TOKEN_READ, CUSTOMER = 1 << TOKEN_CUSTOMER, ANYBODY = 1 << 3 };
enum { READERS = FULL | READ, EVERYONE = FULL | READ | CUSTOMER };

/* A star stands for one part of the path, its subject. Exactly one of the two answers it. */
struct route {
    const char *path;
    enum evhttp_cmd_type method; /* GET: HEAD too */
    unsigned who;
    void (*api)(struct api_call *call);
    void (*answer)(struct http *http, struct api_call *call);
    bool probe; /* answered also when there are too many connections */
    bool waits; /* its answer takes its time */
};

static const struct route routes[] = {
    {"/", EVHTTP_REQ_GET, ANYBODY, NULL, answer_page, false, false},
    {"/metrics", EVHTTP_REQ_GET, READERS, NULL, answer_metrics, true, false},
    {"/livez", EVHTTP_REQ_GET, ANYBODY, NULL, answer_livez, true, false},
    {"/readyz", EVHTTP_REQ_GET, ANYBODY, NULL, answer_readyz, true, false},
    {"/api/v1/session", EVHTTP_REQ_POST, EVERYONE, NULL, answer_session_open, false, false},
    {"/api/v1/session", EVHTTP_REQ_DELETE, ANYBODY, NULL, answer_session_close, false, false},
    {"/api/v1/tickets", EVHTTP_REQ_GET, EVERYONE, api_tickets, NULL, false, false},
    {"/api/v1/tickets/*/explain", EVHTTP_REQ_GET, EVERYONE, api_ticket_explain, NULL, false, false},
    {"/api/v1/tickets/*", EVHTTP_REQ_GET, EVERYONE, api_ticket, NULL, false, false},
    {"/api/v1/alerts", EVHTTP_REQ_GET, EVERYONE, api_alerts, NULL, false, false},
    {"/api/v1/alerts/*/ack", EVHTTP_REQ_POST, FULL, api_alert_acknowledge, NULL, false, true},
    {"/api/v1/alerts/*", EVHTTP_REQ_GET, EVERYONE, api_alert, NULL, false, false},
    {"/api/v1/open", EVHTTP_REQ_GET, EVERYONE, api_open, NULL, false, false},
    {"/api/v1/scores", EVHTTP_REQ_GET, EVERYONE, api_scores, NULL, false, false},
    {"/api/v1/contracts", EVHTTP_REQ_GET, EVERYONE, api_contracts, NULL, false, false},
    {"/api/v1/outcomes", EVHTTP_REQ_GET, EVERYONE, api_outcomes, NULL, false, false},
    {"/api/v1/policies", EVHTTP_REQ_GET, READERS, api_policies, NULL, false, false},
    {"/api/v1/tasks", EVHTTP_REQ_GET, READERS, api_tasks, NULL, false, false},
    /* not for a customer: indicators of all customers stand in it */
    {"/api/v1/report", EVHTTP_REQ_GET, READERS, api_report, NULL, false, true},
    {"/api/v1/reload", EVHTTP_REQ_POST, FULL, api_reload, NULL, false, true},
    {"/api/v1/stream", EVHTTP_REQ_GET, EVERYONE, NULL, answer_stream, false, true},
};

/* What stands for the star; false: the path is another. */
static bool
fits_path(const char *pattern, const char *path, struct slice *ret_subject)
{
    const char *star = strchr(pattern, '*');
    size_t before = star != NULL ? (size_t)(star - pattern) : 0, bytes = strlen(path);
    size_t behind = star != NULL ? strlen(star + 1) : 0;

    *ret_subject = (struct slice){NULL, 0};
    if (star == NULL)
        return strcmp(path, pattern) == 0;
    if (bytes <= before + behind || memcmp(path, pattern, before) != 0 ||
        memcmp(path + bytes - behind, star + 1, behind) != 0)
        return false;
    *ret_subject = (struct slice){path + before, bytes - before - behind};
    return true;
}

static bool
fits_method(const struct route *route, enum evhttp_cmd_type method)
{
    return route->method == method || (route->method == EVHTTP_REQ_GET && method == EVHTTP_REQ_HEAD);
}

/* The route of a path and a method. NULL: there is none; *ret_allowed says which methods the path has. */
static const struct route *
find_route(struct evhttp_request *request, struct slice *ret_subject, struct buffer *ret_allowed)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL, *found = NULL;

    for (size_t i = 0; path != NULL && i < sizeof routes / sizeof *routes; i++) {
        if ((found != NULL && strcmp(found, routes[i].path) != 0) ||
            !fits_path(routes[i].path, path, ret_subject))
            continue;
        found = routes[i].path;
        if (fits_method(&routes[i], evhttp_request_get_command(request)))
            return &routes[i];
        buffer_append_text(ret_allowed, ret_allowed->bytes > 0 ? ", " : "");
        buffer_append_text(ret_allowed, routes[i].method == EVHTTP_REQ_GET    ? "GET, HEAD"
                                        : routes[i].method == EVHTTP_REQ_POST ? "POST"
                                                                              : "DELETE");
    }
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
    reply_later(request, http->rooms.metrics, PROBLEM_CROWDED,
                "http_connections_max connections are open already", 5);
    return true;
}

/* What stops a request before its route is asked. true: it was answered. */
static bool
is_stopped(struct http *http, struct evhttp_request *request, const struct route *route,
           const struct visitor *visitor)
{
    if (route->method != EVHTTP_REQ_GET && access_is_cross_site(http->rooms.config, request)) {
        reply_problem(request, http->rooms.metrics, PROBLEM_CROSS_SITE,
                      "a page of another site may change nothing here");
        return true;
    }
    if ((route->who & ANYBODY) != 0)
        return !route->probe && is_crowded(http, request);
    if (!visitor->known) {
        refuse_unknown(http, request);
        return true;
    }
    if ((route->who & (1U << visitor->role)) == 0) {
        reply_problem(request, http->rooms.metrics, PROBLEM_NOT_ALLOWED, "this token's role may not do that");
        return true;
    }
    return !route->probe && is_crowded(http, request);
}

static void
call_route(struct http *http, struct evhttp_request *request, const struct route *route, struct slice subject)
{
    struct api_call call = {
        .rooms = &http->rooms,
        .installation = http->has_installation ? &http->installation : NULL,
        .request = request,
        .path = route->path,
    };
    char *decoded = NULL;

    if ((route->who & ANYBODY) == 0 ||
        (route->probe && access_is_guarded(http->access) && access_token_of(request).at != NULL))
        call.visitor = access_visitor(http->access, request);
    else
        call.visitor.known = !access_is_guarded(http->access);
    call.view = (struct board_view){call.visitor.customer, api_owns, &http->installation};
    if (is_stopped(http, request, route, &call.visitor))
        return;
    if (subject.at != NULL) {
        char *copy = slice_copy(subject);

        decoded = evhttp_uridecode(copy, 0, &call.subject.bytes);
        memory_free(copy);
        must(decoded != NULL);
        call.subject.at = decoded;
    }
    note_request(http, request, route->waits);
    if (route->api != NULL)
        route->api(&call);
    else
        route->answer(http, &call);
    free(decoded);
}

/* What a browser asks before it lets a page of another origin call; true: answered. */
static bool
answer_preflight(struct http *http, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    const char *origin = access_cors_origin(http->rooms.config, request);

    if (origin == NULL)
        return false;
    evhttp_add_header(headers, "Access-Control-Allow-Origin", origin);
    evhttp_add_header(headers, "Vary", "Origin");
    evhttp_add_header(headers, "Access-Control-Expose-Headers", "Link, Retry-After");
    if (evhttp_request_get_command(request) != EVHTTP_REQ_OPTIONS)
        return false;
    evhttp_add_header(headers, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    evhttp_add_header(headers, "Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID");
    evhttp_add_header(headers, "Access-Control-Max-Age", "600");
    reply_empty(request, http->rooms.metrics, 204);
    return true;
}

static void
answer(struct evhttp_request *request, void *context)
{
    struct http *http = context;
    struct buffer allowed = {0};
    struct slice subject;
    const struct route *route;

    note_request(http, request, false);
    if (!is_welcome(http, request)) {
        reply_problem(request, http->rooms.metrics, PROBLEM_WRONG_HOST, "this name is not among http_hosts");
        return;
    }
    if (answer_preflight(http, request))
        return;
    route = find_route(request, &subject, &allowed);
    if (route != NULL) {
        call_route(http, request, route, subject);
    } else if (allowed.bytes == 0) {
        reply_problem(request, http->rooms.metrics, PROBLEM_NOT_FOUND,
                      "nothing is here; the API begins at /api/v1/");
    } else {
        buffer_append_byte(&allowed, '\0');
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", allowed.at);
        reply_problem(request, http->rooms.metrics, PROBLEM_METHOD_NOT_ALLOWED,
                      "this path is asked with another method");
    }
    buffer_free(&allowed);
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
    http->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                     : ((struct sockaddr_in *)&address)->sin_port);
    snprintf(http->url, sizeof http->url, v6 ? "%s://[%s]:%d" : "%s://%s:%d",
             http->tls != NULL ? "https" : "http", host, http->port);
}

/* 127.0.0.0/8 and ::1; a name only when it is localhost. */
static bool
is_loopback(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    if (inet_pton(AF_INET, host, address) == 1)
        return address[0] == 127;
    return strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

/* Tokens and certificate. -1: this process must not listen; why was logged. */
static int
open_doors(struct http *http)
{
    const struct config *config = http->rooms.config;
    bool wants_tls = config->tls_certificate[0] != '\0' || config->tls_key[0] != '\0';

    http->access = access_new(config, http->rooms.log, http->rooms.metrics, http->loopback);
    if (http->access != NULL && wants_tls)
        http->tls = tls_new(config, http->rooms.log, http->rooms.metrics);
    return http->access == NULL || (wants_tls && http->tls == NULL) ? -1 : 0;
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
    http->loopback = is_loopback(host);
    if (open_doors(http) != 0) {
        http_free(http);
        return NULL;
    }
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
    http->stream = stream_new(base, rooms, http->access);
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
        bufferevent_decref(http->connections[i].stream);
    if (http->sweep != NULL)
        event_free(http->sweep);
    memory_free(http->connections);
    access_free(http->access);
    tls_free(http->tls);
    memory_free(http);
}

void
http_set_installation(struct http *http, const struct http_installation *installation)
{
    http->installation = *installation;
    http->has_installation = true;
}

void
http_reload_report_done(struct reload_report *report)
{
    buffer_free(&report->changed);
    buffer_free(&report->needs_restart);
    buffer_free(&report->configuration_errors);
    buffer_free(&report->policy_errors);
}

void
http_reload(struct http *http)
{
    refresh_files(http);
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
