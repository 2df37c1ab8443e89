/*
 * What: the board's door on its own, fed by lines from standard input: for looking at the page, and for its
 * browser test.
 *
 * Why this way: the page must be seen with 0, 5 and 500 clocks, with hostile texts, stale and cut off, which
 * no broker is needed for. The door, the board and the stream are the daemon's own.
 *
 *     alerts|scores|outcomes <tab> KEY <tab> JSON      a record (JSON empty: a tombstone)
 *     ready                                            ready
 *     unready <tab> REASON                             not ready
 *     lag <tab> RECORDS
 *
 * Always true: it prints its address first and ends with its input. Not here: Kafka, tickets.
 */
#include "shell/http.h"
#include "shell/wallclock.h"
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct stub {
    struct event_base *base;
    struct board *board;
    struct buffer input;
};

static void
take_line(struct stub *stub, char *line)
{
    static const char *const kinds[BOARD_KINDS_COUNT] = {"alerts", "scores", "outcomes"};
    const char *kind = strtok(line, "\t");
    const char *key = strtok(NULL, "\t");
    const char *value = strtok(NULL, "");

    if (kind == NULL)
        return;
    if (strcmp(kind, "ready") == 0)
        board_set_ready(stub->board, NULL, 0);
    if (strcmp(kind, "unready") == 0 && key != NULL)
        board_set_ready(stub->board, &key, 1);
    if (strcmp(kind, "lag") == 0 && key != NULL)
        board_set_lag(stub->board, atoll(key));
    for (unsigned i = 0; i < BOARD_KINDS_COUNT; i++)
        if (strcmp(kind, kinds[i]) == 0 && key != NULL)
            board_record(stub->board, i, slice_of(key), slice_of(value != NULL ? value : ""),
                         wallclock_wall_ms());
}

static void
take_input(evutil_socket_t descriptor, short what, void *context)
{
    struct stub *stub = context;
    ssize_t bytes = read(descriptor, buffer_reserve(&stub->input, 65536), 65536);
    char *line = stub->input.at;
    char *end;

    (void)what;
    if (bytes <= 0) {
        event_base_loopbreak(stub->base);
        return;
    }
    buffer_advance(&stub->input, (size_t)bytes);
    while ((end = memchr(line, '\n', stub->input.bytes - (size_t)(line - stub->input.at))) != NULL) {
        *end = '\0';
        take_line(stub, line);
        line = end + 1;
    }
    stub->input.bytes -= (size_t)(line - stub->input.at);
    memmove(stub->input.at, line, stub->input.bytes);
}

int
main(int argc, char **argv)
{
    struct buffer errors = {0};
    struct config *config =
        config_load(&(struct config_source){NULL, (const char *const *)argv + 1, (size_t)argc - 1}, &errors);
    struct metrics *metrics = metrics_new();
    struct log *log = log_new(&(struct log_options){.descriptor = 2, .level = LOG_INFO});
    struct stub stub = {.base = event_base_new()};
    struct event *input = event_new(stub.base, 0, EV_READ | EV_PERSIST, take_input, &stub);
    struct http *http;

    if (config == NULL) {
        fprintf(stderr, "%.*s", (int)errors.bytes, errors.at);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    stub.board = board_new(config, metrics, log, (uint64_t)wallclock_wall_ms());
    http = http_new(stub.base, &(struct http_rooms){config, metrics, log, stub.board, NULL, NULL});
    if (http == NULL)
        return 1;
    printf("%s\n", http_url(http));
    fflush(stdout);
    event_add(input, NULL);
    event_base_dispatch(stub.base);
    http_free(http);
    event_free(input);
    board_free(stub.board);
    log_free(log);
    metrics_free(metrics);
    config_free(config);
    buffer_free(&stub.input);
    event_base_free(stub.base);
    return 0;
}
