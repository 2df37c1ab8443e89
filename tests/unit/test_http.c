/* shell/http and shell/stream over a real socket: what is answered, what is refused, and how a stream
 * behaves. */
#include "shell/http.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct room {
    struct event_base *base;
    struct config *config;
    struct metrics *metrics;
    struct log *log;
    struct board *board;
    struct http *http;
    FILE *log_file;
    int descriptor; /* of the log */
    int refreshed;
    char answer[1 << 20];
    size_t answer_bytes;
};

static void
refresh(void *context)
{
    struct room *room = context;

    room->refreshed++;
}

static int
setup(void **state)
{
    static const char *const overrides[] = {"listen=:0", "stream_interval_ms=50",
                                            "http_header_bytes_max=2048"};
    struct room *room = calloc(1, sizeof *room);
    struct buffer errors = {0};

    room->base = event_base_new();
    room->config =
        config_load(&(struct config_source){NULL, overrides, sizeof overrides / sizeof *overrides}, &errors);
    assert_non_null(room->config);
    room->config->http_timeout_ms = 200; /* shorter than a file may say */
    room->config->stream_heartbeat_ms = 100;
    room->config->stream_stall_ms = 200;
    room->metrics = metrics_new();
    room->log_file = tmpfile();
    room->descriptor = fileno(room->log_file);
    room->log = log_new(&(struct log_options){.descriptor = room->descriptor, .level = LOG_DEBUG});
    room->board = board_new(room->config, room->metrics, room->log, 0xabc);
    room->http = http_new(
        room->base, &(struct http_rooms){room->config, room->metrics, room->log, room->board, refresh, room});
    assert_non_null(room->http);
    *state = room;
    return 0;
}

static int
teardown(void **state)
{
    struct room *room = *state;

    http_free(room->http);
    board_free(room->board);
    log_free(room->log);
    metrics_free(room->metrics);
    config_free(room->config);
    event_base_free(room->base);
    fclose(room->log_file);
    free(room);
    return 0;
}

static int
call(struct room *room, int receive_bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(room->http))};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (receive_bytes > 0) /* the system's own buffers fill soon */
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    (void)!connect(descriptor, (struct sockaddr *)&address, sizeof address);
    return descriptor;
}

static void
turn(struct room *room)
{
    event_base_loop(room->base, EVLOOP_NONBLOCK);
    usleep(200);
}

/* Runs the loop until the answer holds the text (NULL: until the connection is closed); false after about 5
 * s. */
static bool
wait_for(struct room *room, int descriptor, const char *text)
{
    for (int i = 0; i < 25000; i++) {
        ssize_t bytes;

        turn(room);
        bytes = recv(descriptor, room->answer + room->answer_bytes,
                     sizeof room->answer - 1 - room->answer_bytes, 0);
        if (bytes > 0)
            room->answer_bytes += (size_t)bytes;
        room->answer[room->answer_bytes] = '\0';
        if (bytes == 0)
            return text == NULL;
        if (text != NULL && strstr(room->answer, text) != NULL)
            return true;
    }
    return false;
}

static int
say_slowly(struct room *room, const char *text, int receive_bytes)
{
    int descriptor = call(room, receive_bytes);

    for (int i = 0; i < 20; i++)
        turn(room);
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    room->answer_bytes = 0;
    return descriptor;
}

static int
say(struct room *room, const char *text)
{
    return say_slowly(room, text, 0);
}

/* The whole answer to a request that ends its connection. */
static const char *
ask(struct room *room, const char *method, const char *path, const char *more)
{
    char request[1024];
    int descriptor;

    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
             method, path, more);
    descriptor = say(room, request);
    assert_true(wait_for(room, descriptor, NULL));
    close(descriptor);
    return room->answer;
}

static void
expect(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no \"%s\" in\n%.2000s", text, answer);
}

static void
expect_secure(const char *answer)
{
    expect(answer, "\r\nX-Content-Type-Options: nosniff\r\n");
    expect(answer, "\r\nX-Frame-Options: DENY\r\n");
    expect(answer, "\r\nReferrer-Policy: no-referrer\r\n");
    expect(answer, "\r\nContent-Security-Policy: default-src 'none'; ");
    expect(answer, "\r\nCache-Control: no-store\r\n");
    assert_null(strstr(answer, "Access-Control-"));
}

static void
every_page_is_there(void **state)
{
    struct room *room = *state;
    const char *const reasons[] = {"no broker answers", "task 3 is held"};
    const char *answer = ask(room, "GET", "/", "");

    expect(answer, "HTTP/1.1 200 OK\r\n");
    expect(answer, "Content-Type: text/html; charset=utf-8\r\n");
    expect(answer, "script-src 'sha256-");
    expect(answer, "style-src 'sha256-");
    assert_null(strstr(answer, "unsafe-inline"));
    expect_secure(answer);
    answer = ask(room, "GET", "/livez", "");
    expect(answer, "\r\n\r\nalive\n");
    expect_secure(answer);
    expect(ask(room, "GET", "/readyz", ""), "\r\n\r\nready\n");
    board_set_ready(room->board, reasons, 2);
    answer = ask(room, "GET", "/readyz?verbose", "");
    expect(answer, "HTTP/1.1 503 Service Unavailable\r\n");
    expect(answer, "\r\n\r\nnot ready\nno broker answers\ntask 3 is held\n");
    answer = ask(room, "GET", "/metrics", "");
    expect(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    expect(answer, "\nslad_ready 0\n");
    expect(answer, "\nslad_http_requests_total{status=\"5xx\"} 1\n");
    assert_int_equal(room->refreshed, 1);
}

static void
lists_are_json_and_paged(void **state)
{
    struct room *room = *state;
    const char *answer;

    board_record(room->board, BOARD_SCORES, slice_of("open/0"), slice_of("{\"type\":\"open\"}"), 0);
    board_record(room->board, BOARD_SCORES, slice_of("score/x y"), slice_of("{\"type\":\"score\"}"), 0);
    board_record(room->board, BOARD_ALERTS, slice_of("a/sla"), slice_of("{\"state\":\"firing\"}"), 0);
    answer = ask(room, "GET", "/api/v1/open", "");
    expect(answer, "Content-Type: application/json\r\n");
    expect(answer, "\r\n\r\n[{\"kind\":\"scores\",\"key\":\"open/"
                   "0\",\"at\":\"1970-01-01T00:00:00.000Z\",\"value\":{\"type\":\"open\"}}]\n");
    expect(ask(room, "GET", "/api/v1/alerts", ""), "\"value\":{\"state\":\"firing\"}}]\n");
    expect(ask(room, "GET", "/api/v1/outcomes", ""), "\r\n\r\n[]\n");
    answer = ask(room, "GET", "/api/v1/scores?limit=1", "");
    expect(answer, "Link: </api/v1/scores?limit=1&after=open%2F0>; rel=\"next\"\r\n");
    answer = ask(room, "GET", "/api/v1/scores?limit=1&after=open%2F0", "");
    expect(answer, "score/x y");
    assert_null(strstr(answer, "Link:"));
    expect(ask(room, "GET", "/api/v1/scores?limit=0", ""), "HTTP/1.1 400 Bad Request\r\n");
    expect(ask(room, "GET", "/api/v1/scores?limit=99999", ""), "HTTP/1.1 400 Bad Request\r\n");
    expect(ask(room, "GET", "/api/v1/scores?limit=x", ""), "HTTP/1.1 400 Bad Request\r\n");
}

static void
what_is_wrong_is_a_problem_document(void **state)
{
    struct room *room = *state;
    const char *answer = ask(room, "GET", "/nothing/%2e%2e/etc/passwd", "");

    expect(answer, "HTTP/1.1 404 Not Found\r\n");
    expect(answer, "Content-Type: application/problem+json\r\n");
    expect(answer, "{\"type\":\"urn:slad:problem:not_found\",\"code\":\"not_found\",\"title\":\"Not "
                   "Found\",\"status\":404,\"detail\":\"");
    expect_secure(answer);
    answer = ask(room, "POST", "/", "Content-Length: 2\r\n\r\nhi");
    expect(answer, "HTTP/1.1 405 Method Not Allowed\r\n");
    expect(answer, "Allow: GET, HEAD\r\n");
    expect(ask(room, "DELETE", "/api/v1/open", ""), "HTTP/1.1 405 ");
    expect(ask(room, "GET", "/api/v1/stream?kinds=secrets", ""), "HTTP/1.1 400 ");
    expect(ask(room, "GET", "/api/v1/stream?kinds=", ""), "HTTP/1.1 400 ");
}

/* Ids and keys are one part of a path: escaped, or (a key) with bare slashes; unknown parameters are refused.
 */
static void
paths_have_subjects(void **state)
{
    struct room *room = *state;
    static const char key[] = "T%2F1/sla/resolution/1/warn-50%";

    board_record(room->board, BOARD_ALERTS, slice_of(key),
                 slice_of("{\"state\":\"firing\",\"customer\":\"a b\"}"), 0);
    expect(ask(room, "GET", "/api/v1/alerts/T%252F1%2Fsla%2Fresolution%2F1%2Fwarn-50%25", ""),
           "\"key\":\"T%2F1/sla");
    expect(ask(room, "GET", "/api/v1/alerts/T%252F1/sla/resolution/1/warn-50%25", ""), "\"key\":\"T%2F1/sla");
    expect(ask(room, "GET", "/api/v1/alerts/T%2F1/sla/resolution/1/warn-50%25", ""), "HTTP/1.1 404 ");
    expect(ask(room, "GET", "/api/v1/alerts/", ""), "HTTP/1.1 404 ");
    expect(ask(room, "GET", "/api/v1/alerts//ack", ""), "HTTP/1.1 404 ");
    expect(ask(room, "GET", "/api/v1/alerts?customer=a%20b", ""), "\"key\":\"T%2F1/sla");
    expect(ask(room, "GET", "/api/v1/alerts?customer=a+b&limit=5", ""), "\"key\":\"T%2F1/sla");
    expect(ask(room, "GET", "/api/v1/alerts?customer=a", ""), "\r\n\r\n[]\n");
    expect(ask(room, "GET", "/api/v1/alerts?nonsense=1", ""), "\"code\":\"bad_parameter\"");
    expect(ask(room, "GET", "/api/v1/open?customer=a", ""), "\"code\":\"bad_parameter\"");
    expect(ask(room, "GET", "/api/v1/alerts/x/ack", ""), "Allow: POST\r\n");
    expect(ask(room, "POST", "/api/v1/alerts/x/ack", "Content-Type: text/plain\r\n"), "HTTP/1.1 415 ");
    expect(ask(room, "POST", "/api/v1/alerts/x/ack", "Content-Type: application/json\r\n"), "HTTP/1.1 404 ");
    expect(ask(room, "POST", "/api/v1/alerts/x/ack",
               "Origin: http://evil\r\nContent-Type: application/json\r\n"),
           "HTTP/1.1 403 ");
}

static void
head_has_headers_alone(void **state)
{
    struct room *room = *state;
    const char *answer = ask(room, "HEAD", "/livez", "");

    expect(answer, "HTTP/1.1 200 OK\r\n");
    expect(answer, "Content-Length: 6\r\n");
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n");
    answer = ask(room, "HEAD", "/api/v1/stream", "");
    expect(answer, "Content-Type: text/event-stream\r\n");
}

static void
strangers_names_are_refused(void **state)
{
    struct room *room = *state;
    int descriptor =
        say(room, "GET /api/v1/alerts HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n");

    assert_true(wait_for(room, descriptor, NULL));
    close(descriptor);
    expect(room->answer, "HTTP/1.1 421 Misdirected Request\r\n");
    descriptor = say(room, "GET /livez HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n");
    assert_true(wait_for(room, descriptor, NULL));
    close(descriptor);
    expect(room->answer, "alive");
    free(room->config->http_hosts);
    room->config->http_hosts = strdup("a.example, Evil.Example");
    descriptor = say(room, "GET /livez HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n");
    assert_true(wait_for(room, descriptor, NULL));
    close(descriptor);
    expect(room->answer, "alive");
}

static void
too_much_and_too_slow_are_cut_off(void **state)
{
    struct room *room = *state;
    char header[4096] = "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ";
    int descriptor;

    memset(header + strlen(header), 'x', 3000);
    strcat(header, "\r\n\r\n");
    descriptor = say(room, header);
    assert_true(wait_for(room, descriptor, NULL));
    close(descriptor);
    assert_null(strstr(room->answer, "alive"));
    descriptor = say(room, "GET /livez HT"); /* and never the rest */
    assert_true(wait_for(room, descriptor, NULL));
    close(descriptor);
    expect(ask(room, "GET", "/livez", ""), "alive");
}

static void
connections_are_bounded(void **state)
{
    struct room *room = *state;
    int descriptors[3];

    room->config->http_connections_max = 2;
    for (int i = 0; i < 3; i++)
        descriptors[i] = call(room, 0);
    for (int i = 0; i < 20; i++)
        turn(room);
    expect(ask(room, "GET", "/api/v1/open", ""), "HTTP/1.1 503 Service Unavailable\r\n");
    expect(ask(room, "GET", "/livez", ""), "alive");
    for (int i = 0; i < 3; i++)
        close(descriptors[i]);
    for (int i = 0; i < 20; i++)
        turn(room);
    expect(ask(room, "GET", "/api/v1/open", ""), "HTTP/1.1 200 OK\r\n");
    expect(ask(room, "GET", "/metrics", ""), "\nslad_http_connections 1\n");
    assert_int_equal(metrics_value(room->metrics, METRIC_BOUND_HITS, CONFIG_http_connections_max), 1);
}

static const char stream_request[] = "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";

static void
a_stream_gives_what_is_and_what_comes(void **state)
{
    struct room *room = *state;
    int descriptor;

    board_record(room->board, BOARD_SCORES, slice_of("a"), slice_of("{\"n\":\n1}"), 0);
    descriptor = say(room, stream_request);
    assert_true(wait_for(room, descriptor, "event: synced"));
    expect(room->answer, "Content-Type: text/event-stream\r\n");
    expect_secure(room->answer);
    expect(room->answer, "event: hello\ndata: {\"server\":");
    expect(room->answer, "event: reset\n");
    expect(room->answer, "event: records\ndata: {\"records\":[{\"kind\":\"scores\",\"key\":\"a\",");
    expect(room->answer, "\"value\":{\"n\": 1}}]}\n\n");
    assert_int_equal(metrics_value(room->metrics, METRIC_STREAM_CLIENTS, 0), 1);
    board_record(room->board, BOARD_SCORES, slice_of("b"), slice_of("{\"n\":2}"), 0);
    board_record(room->board, BOARD_SCORES, slice_of("b"), slice_of("{\"n\":3}"), 0);
    board_record(room->board, BOARD_OUTCOMES, slice_of("b"), slice_of("{\"n\":4}"), 0);
    assert_true(wait_for(room, descriptor, "\"value\":{\"n\":3}}]}\n\n"));
    assert_null(strstr(room->answer, "{\"n\":2}"));
    assert_null(strstr(room->answer, "{\"n\":4}"));
    room->answer_bytes = 0;
    assert_true(wait_for(room, descriptor, "event: heartbeat\ndata: {\"now_ms\":"));
    expect(room->answer, "\"ready\":true,\"reasons\":[],\"lag\":0}");
    close(descriptor);
    for (int i = 0; i < 50; i++)
        turn(room);
    assert_int_equal(metrics_value(room->metrics, METRIC_STREAM_CLIENTS, 0), 0);
}

static void
a_client_that_comes_back_gets_the_rest(void **state)
{
    struct room *room = *state;
    char request[256];
    char id[64];
    int descriptor;

    board_record(room->board, BOARD_SCORES, slice_of("a"), slice_of("{\"n\":1}"), 0);
    board_record(room->board, BOARD_SCORES, slice_of("b"), slice_of("{\"n\":2}"), 0);
    descriptor = say(room, stream_request);
    assert_true(wait_for(room, descriptor, "event: synced"));
    assert_int_equal(sscanf(strstr(room->answer, "\nid: "), " id: %63s", id), 1);
    close(descriptor);
    board_record(room->board, BOARD_SCORES, slice_of("b"), slice_of(""), 0);
    snprintf(request, sizeof request,
             "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: %s\r\n\r\n", id);
    descriptor = say(room, request);
    assert_true(
        wait_for(room, descriptor, "\"key\":\"b\",\"at\":\"1970-01-01T00:00:00.000Z\",\"value\":null}]}"));
    assert_null(strstr(room->answer, "event: reset"));
    assert_null(strstr(room->answer, "\"key\":\"a\""));
    close(descriptor);
    id[0] = id[0] == 'f' ? 'e' : 'f'; /* another board's number */
    snprintf(request, sizeof request,
             "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: %s\r\n\r\n", id);
    descriptor = say(room, request);
    assert_true(wait_for(room, descriptor, "event: synced"));
    expect(room->answer, "event: reset");
    expect(room->answer, "\"key\":\"a\"");
    close(descriptor);
}

static void
streams_are_bounded(void **state)
{
    struct room *room = *state;
    int first;
    int second;

    room->config->stream_clients_max = 1;
    first = say(room, stream_request);
    assert_true(wait_for(room, first, "event: synced"));
    second = say(room, stream_request);
    assert_true(wait_for(room, second, "\"status\":503"));
    expect(room->answer, "Retry-After: 5\r\n");
    expect(room->answer, "stream_clients_max");
    close(second);
    close(first);
    assert_int_equal(metrics_value(room->metrics, METRIC_BOUND_HITS, CONFIG_stream_clients_max), 1);
    for (int i = 0; i < 50; i++)
        turn(room);
    first = say(room, stream_request);
    assert_true(wait_for(room, first, "event: synced"));
    close(first);
}

/* What a field of the log's line of this kind says; -1: there is no such line. */
static long
logged(struct room *room, const char *event, const char *field)
{
    char line[1024];
    long found = -1;

    rewind(room->log_file);
    while (fgets(line, sizeof line, room->log_file) != NULL)
        if (strstr(line, event) != NULL && strstr(line, field) != NULL)
            found = atol(strstr(line, field) + strlen(field));
    return found;
}

/* One that takes nothing is given a bounded amount, then cut off; its neighbour notices nothing. */
static void
a_stalled_client_is_cut_off_and_hurts_nobody(void **state)
{
    struct room *room = *state;
    char value[20000];
    int stalled;
    int neighbour;

    room->config->stream_buffer_bytes_max = 65536;
    room->config->stream_interval_ms = 5;
    memset(value, ' ', sizeof value);
    memcpy(value, "{\"n\":", 5);
    memcpy(value + sizeof value - 3, "1}", 3);
    stalled = say_slowly(room, stream_request, 4096);
    for (int i = 0; i < 50; i++)
        turn(room);
    neighbour = say(room, stream_request);
    assert_true(wait_for(room, neighbour, "event: synced"));
    for (int round = 0; round < 3000 && metrics_value(room->metrics, METRIC_STREAM_CUT, 0) == 0; round++) {
        for (int i = 0; i < 10; i++) {
            char key[16];

            snprintf(key, sizeof key, "%d", i);
            board_record(room->board, BOARD_SCORES, slice_of(key), slice_of(value), round);
        }
        room->answer_bytes = 0;
        for (int i = 0; i < 10; i++) {
            ssize_t bytes;

            turn(room);
            while ((bytes = recv(neighbour, room->answer, sizeof room->answer, 0)) > 0)
                continue;
            assert_true(bytes < 0);
        }
    }
    assert_int_equal(metrics_value(room->metrics, METRIC_STREAM_CUT, 0), 1);
    assert_in_range(logged(room, "stream_client_cut", "unsent_bytes="), 1, 65536 + sizeof value);
    assert_int_equal(metrics_value(room->metrics, METRIC_STREAM_CLIENTS, 0), 1);
    board_record(room->board, BOARD_SCORES, slice_of("last"), slice_of("{}"), 0);
    assert_true(wait_for(room, neighbour, "\"key\":\"last\""));
    close(stalled);
    close(neighbour);
}

static void
a_big_board_comes_in_pieces(void **state)
{
    struct room *room = *state;
    int descriptor;
    int records = 0;

    room->config->stream_buffer_bytes_max = 16384;
    for (int i = 0; i < 5000; i++) {
        char key[16];

        snprintf(key, sizeof key, "%d", i);
        board_record(room->board, BOARD_SCORES, slice_of(key), slice_of("{\"n\":1}"), 0);
    }
    descriptor = say(room, stream_request);
    assert_true(wait_for(room, descriptor, "event: synced"));
    for (const char *at = room->answer; (at = strstr(at, "\"kind\":")) != NULL; at++)
        records++;
    /* A chunk's boundary may cut a word, but seldom. */
    assert_true(records >= 4900 && records <= 5000);
    close(descriptor);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_page_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_are_json_and_paged, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_a_problem_document, setup, teardown),
        cmocka_unit_test_setup_teardown(paths_have_subjects, setup, teardown),
        cmocka_unit_test_setup_teardown(head_has_headers_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers_names_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(too_much_and_too_slow_are_cut_off, setup, teardown),
        cmocka_unit_test_setup_teardown(connections_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_gives_what_is_and_what_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_that_comes_back_gets_the_rest, setup, teardown),
        cmocka_unit_test_setup_teardown(streams_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stalled_client_is_cut_off_and_hurts_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_big_board_comes_in_pieces, setup, teardown),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
