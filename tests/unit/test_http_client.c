/* The client of HTTP against a server that says what it is told to: bounds, time-outs, resets, redirects,
 * tokens. */
#include "../support/unit.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
/* A part of a program, not of a library. */
#include "../../src/slactl/http_client.c"

/* Answers one connection after another with a canned text, keeps what it was asked. */
struct server {
    int listener, port, answers_count, closed;
    struct {
        const char *text; /* NULL: nothing, until the client goes */
        bool reset;       /* RST instead of FIN */
    } answers[8];
    char asked[8][4096];
    pthread_t thread;
};

static void
serve_one(struct server *server, int index)
{
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    int connection = accept(server->listener, NULL, NULL);
    char *asked = server->asked[index];
    const char *length, *body;
    size_t have = 0;
    ssize_t count;

    assert_true(connection >= 0);
    while ((count = read(connection, asked + have, sizeof server->asked[0] - 1 - have)) > 0) {
        have += (size_t)count;
        asked[have] = '\0';
        body = strstr(asked, "\r\n\r\n");
        length = strstr(asked, "Content-Length: ");
        if (body != NULL &&
            (length == NULL || have >= (size_t)(body + 4 - asked) + (size_t)atoi(length + 16)))
            break;
    }
    if (server->answers[index].text == NULL)
        while (read(connection, &(char){0}, 1) > 0)
            ;
    else if (write(connection, server->answers[index].text, strlen(server->answers[index].text)) < 0)
        server->closed++;
    if (server->answers[index].reset)
        (void)setsockopt(connection, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(connection);
}

static void *
serve(void *context)
{
    struct server *server = context;

    for (int i = 0; i < server->answers_count; i++)
        serve_one(server, i);
    return NULL;
}

static void
server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t bytes = sizeof address;

    (void)signal(SIGPIPE, SIG_IGN);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &bytes), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void
server_end(struct server *server)
{
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    close(server->listener);
}

static const char *
url_of(const struct server *server, const char *path)
{
    static char url[128];

    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server->port, path);
    return url;
}

#define OK                                                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nhello"

static void
test_get_and_post(void **state)
{
    struct server server = {
        .answers_count = 2,
        .answers = {{.text = OK},
                    {.text = "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 0\r\n"
                             "Connection: close\r\n\r\n"}}};
    struct http_client *client = http_client_new(&(struct http_client_options){.timeout_ms = 20000});
    struct http_request request = {.headers = {"X-A: b"}, .token = "secret"};
    struct http_response response;

    (void)state;
    server_start(&server);
    request.url = url_of(&server, "/a?b=c");
    assert_int_equal(http_client_perform(client, &request, &response), 0);
    assert_int_equal(response.status, 200);
    assert_true(slice_is(buffer_slice(&response.body), "hello"));
    assert_true(slice_is(http_response_header(&response, "content-length"), "5"));
    assert_null(http_response_header(&response, "Content").at);
    assert_string_equal(response.content_type, "text/plain");
    assert_int_equal(response.retry_after_ms, -1);
    assert_non_null(strstr(server.asked[0], "GET /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(server.asked[0], "X-A: b\r\n"));
    assert_non_null(strstr(server.asked[0], "Authorization: Bearer secret\r\n"));
    http_response_done(&response);

    request = (struct http_request){.url = url_of(&server, "/p"), .body = slice_of("{\"x\":1}")};
    assert_int_equal(http_client_perform(client, &request, &response), 0);
    assert_int_equal(response.status, 429);
    assert_int_equal(response.retry_after_ms, 7000);
    assert_non_null(strstr(server.asked[1], "POST /p HTTP/1.1\r\n"));
    assert_non_null(strstr(server.asked[1], "\r\n\r\n{\"x\":1}"));
    assert_null(strstr(server.asked[1], "Authorization"));
    assert_null(strstr(server.asked[1], "Expect"));
    http_response_done(&response);
    http_client_free(client);
    server_end(&server);
}

/* Retry-After may be a date, and may be nonsense. */
static void
test_retry_after(void **state)
{
    static const char *const lines[] = {"Fri, 31 Dec 9999 23:59:59 GMT", "Sun, 06 Nov 1994 08:49:37 GMT",
                                        "soon", "0", "-5"};
    struct http_client *client = http_client_new(&(struct http_client_options){0});
    char texts[sizeof lines / sizeof *lines + 1][256], when[64];
    struct server server = {.answers_count = sizeof texts / sizeof *texts};
    time_t later = time(NULL) + 100;
    struct tm broken;

    (void)state;
    assert_non_null(gmtime_r(&later, &broken));
    strftime(when, sizeof when, "%a, %d %b %Y %H:%M:%S GMT", &broken);
    for (int i = 0; i < server.answers_count; i++) {
        snprintf(texts[i], sizeof texts[i],
                 "HTTP/1.1 503 No\r\nRetry-After: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                 i == 0 ? when : lines[i - 1]);
        server.answers[i].text = texts[i];
    }
    server_start(&server);
    for (int i = 0; i < server.answers_count; i++) {
        struct http_request request = {.url = url_of(&server, "/")};
        struct http_response response;

        assert_int_equal(http_client_perform(client, &request, &response), 0);
        assert_int_equal(response.status, 503);
        if (i == 0)
            assert_in_range(response.retry_after_ms, 80000, 100000);
        else if (i == 1)
            assert_true(response.retry_after_ms > 100000 || response.retry_after_ms == -1);
        else
            assert_int_equal(response.retry_after_ms, -1);
        http_response_done(&response);
    }
    http_client_free(client);
    server_end(&server);
}

/* What is cut off, too large, silent or reset has no status, and says why. */
static void
test_no_answer(void **state)
{
    static const struct {
        const char *text;
        bool reset;
        const char *why;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", false,
         "45 bytes"}, /* closed with 45 bytes remaining; end of response with 45 bytes missing */
        {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmore than sixteen bytes", false,
         "larger than 200 bytes"},
        {NULL, false, "timed out"},
        {"", false, "Empty reply"},
        {"", true, ""},
        {"rubbish\r\n\r\n", false, "HTTP/0.9"},
    };
    struct http_client_options options = {.timeout_ms = 300, .response_bytes_max = 200};
    struct http_client *client = http_client_new(&options);
    char much[400];

    (void)state;
    snprintf(much, sizeof much, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%0300d", 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server server = {.answers_count = 1, .answers = {{cases[i].text, cases[i].reset}}};
        struct http_request request = {0};
        struct http_response response;

        if (strstr(cases[i].why, "larger") != NULL)
            server.answers[0].text = much;
        server_start(&server);
        request.url = url_of(&server, "/");
        assert_int_equal(http_client_perform(client, &request, &response), -1);
        assert_int_equal(response.status, 0);
        if (strstr(response.error, cases[i].why) == NULL)
            fail_msg("case %zu: \"%s\" without \"%s\"", i, response.error, cases[i].why);
        http_response_done(&response);
        server_end(&server);
    }
    http_client_free(client);
}

static void
test_redirects(void **state)
{
    static const char to[] = "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: "
                             "close\r\n\r\n";
    struct server server = {.answers_count = 3, .answers = {{.text = to}, {.text = to}, {.text = OK}}};
    struct http_client *plain = http_client_new(&(struct http_client_options){0});
    struct http_client *following = http_client_new(&(struct http_client_options){.redirects = true});
    struct http_request request = {0};
    struct http_response response;

    (void)state;
    server_start(&server);
    request.url = url_of(&server, "/here");
    assert_int_equal(http_client_perform(plain, &request, &response), 0);
    assert_int_equal(response.status, 302);
    http_response_done(&response);
    assert_int_equal(http_client_perform(following, &request, &response), 0);
    assert_int_equal(response.status, 200);
    assert_non_null(strstr(server.asked[2], "GET /there"));
    http_response_done(&response);
    request.url = "file:///etc/passwd";
    assert_int_equal(http_client_perform(plain, &request, &response), -1);
    http_client_free(plain);
    http_client_free(following);
    server_end(&server);
}

static bool
take_some(void *context, struct slice bytes)
{
    buffer_append_slice(context, bytes);
    return ((struct buffer *)context)->bytes < 5;
}

/* A stream goes to its reader, who may end it. */
static void
test_stream(void **state)
{
    struct server server = {.answers_count = 1, .answers = {{.text = OK}}};
    struct http_client *client = http_client_new(&(struct http_client_options){.timeout_ms = 1});
    struct buffer heard = {0};
    struct http_request request = {.take = take_some, .context = &heard};
    struct http_response response;

    (void)state;
    client->options.connect_timeout_ms = 20000;
    server_start(&server);
    request.url = url_of(&server, "/stream");
    assert_int_equal(http_client_perform(client, &request, &response), 0);
    assert_int_equal(response.status, 200);
    assert_true(slice_is(buffer_slice(&heard), "hello"));
    assert_int_equal(response.body.bytes, 0);
    http_response_done(&response);
    buffer_free(&heard);
    http_client_free(client);
    server_end(&server);
}

/* Several under way, one given up, a descriptor that is waited for besides. */
static void
test_many(void **state)
{
    struct server server = {.answers_count = 3, .answers = {{.text = OK}, {.text = OK}, {.text = OK}}};
    struct http_client *client = http_client_new(&(struct http_client_options){0});
    struct http_request request = {0};
    struct http_response response;
    struct pollfd ready;
    int ends[2], told[4] = {0}, contexts[4];
    uint64_t numbers[4], number;

    (void)state;
    server_start(&server);
    request.url = url_of(&server, "/");
    for (int i = 0; i < 4; i++) {
        request.context = &contexts[i];
        numbers[i] = http_client_begin(client, &request);
    }
    http_client_cancel(client, numbers[1]);
    http_client_cancel(client, 4711);
    assert_int_equal(http_client_count(client), 3);
    while (http_client_count(client) > 0) {
        void *context;

        if ((number = http_client_next(client, &context, &response)) != 0) {
            int index = (int)((int *)context - contexts);

            assert_int_equal(number, numbers[index]);
            assert_int_equal(response.status, 200);
            told[index]++;
            http_response_done(&response);
        } else
            http_client_wait(client, NULL, 0, 1000);
    }
    assert_int_equal(told[0] + told[2] + told[3], 3);
    assert_int_equal(told[1], 0);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    ready = (struct pollfd){.fd = ends[0], .events = POLLIN};
    http_client_wait(client, &ready, 1, 20000);
    assert_int_equal(ready.revents, POLLIN);
    close(ends[0]);
    close(ends[1]);
    http_client_free(client);
    server_end(&server);
}

static void
test_transient(void **state)
{
    static const int yes[] = {408, 425, 429, 500, 502, 503, 504, 599}, no[] = {200, 301, 400, 401, 404, 410};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(http_client_is_transient(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(http_client_is_transient(no[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_and_post), cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_no_answer),    cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_stream),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_transient),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
