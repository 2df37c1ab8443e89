/*
 * What a thousand boards cost: the door with a thousand clients of /api/v1/stream on one core, a hundred
 * changed alerts a second coalesced to four messages a second a client, for ten seconds. Ten of the clients
 * stop reading at once.
 *
 * The server is a process of its own with the daemon's own door, board and stream; the clients, all in one
 * other process, only read and count. What is measured is the server's processor time (user and kernel, its
 * TCP included), its memory, and whether every reading client got every change.
 */
#include "shell/http.h"
#include "shell/wallclock.h"
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CLIENTS = 1000,
    STALLED = 10,
    SECONDS = 10,
    TICK_MS = 50,
    UPDATES_A_SECOND = 100,
    ALERTS = 2000,
    READ_BYTES = 1 << 18
};

struct server {
    struct event_base *base;
    struct board *board;
    uint64_t updates;
    int64_t begun_ms;
};

static void
update(struct server *server)
{
    char key[64], value[768];

    snprintf(key, sizeof key, "INC%06u/sla/resolution/1/breach", (unsigned)(server->updates % ALERTS));
    snprintf(value, sizeof value,
             "{\"key\":\"%s\",\"ticket\":\"INC%06u\",\"kind\":\"sla\",\"agreement\":\"acme-gold\",\"clock\":"
             "\"resolution\",\"cycle\":1,\"stage\":\"breach\",\"state\":\"repeated\",\"n\":%u,\"severity\":"
             "\"critical\",\"effective_at\":\"2026-11-22T10:15:30.000Z\",\"due_at\":\"2026-11-22T10:15:30."
             "000Z\",\"target_ms\":14400000,\"elapsed_ms\":14400000,\"remaining_ms\":0,\"overrun_ms\":0,"
             "\"turn\":\"provider\",\"risk\":null,\"customer\":\"acme\",\"service\":\"network\",\"priority\":"
             "\"P2\",\"group\":\"service-desk\",\"policy\":\"2026-11@1f3a9c\",\"flags\":[],\"reason\":\""
             "counted 4h of 4h on berlin since 10:15; paused 35m for customer\",\"arrival\":{\"detected_at\":"
             "\"2026-11-22T10:15:30.000Z\",\"revision\":%u}}",
             key, (unsigned)(server->updates % ALERTS), (unsigned)server->updates, (unsigned)server->updates);
    board_record(server->board, BOARD_ALERTS, slice_of(key), slice_of(value), wallclock_wall_ms());
    server->updates++;
}

static void
tick(evutil_socket_t descriptor, short what, void *context)
{
    struct server *server = context;

    (void)descriptor;
    (void)what;
    while ((int64_t)server->updates < (wallclock_mono_ms() - server->begun_ms) * UPDATES_A_SECOND / 1000)
        update(server);
}

/* Lives until it is killed; its address goes to the pipe. */
static void
serve(int announce)
{
    static const char *const overrides[] = {"listen=127.0.0.1:0", "stream_clients_max=2000",
                                            "http_connections_max=2000", "log_level=error"};
    struct buffer errors = {0};
    struct config *config =
        config_load(&(struct config_source){NULL, overrides, sizeof overrides / sizeof *overrides}, &errors);
    struct metrics *metrics = metrics_new();
    struct log *log = log_new(&(struct log_options){.descriptor = 2, .level = LOG_ERROR});
    struct server server = {.base = event_base_new(), .begun_ms = wallclock_mono_ms()};
    struct event *timer = event_new(server.base, -1, EV_PERSIST, tick, &server);
    const struct timeval interval = {.tv_usec = TICK_MS * 1000};
    struct http *http;
    int port;

    signal(SIGPIPE, SIG_IGN);
    server.board = board_new(config, metrics, log, 1);
    http = http_new(server.base, &(struct http_rooms){config, metrics, log, server.board, NULL, NULL});
    port = http != NULL ? http_port(http) : 0;
    if (write(announce, &port, sizeof port) != sizeof port || http == NULL)
        _exit(1);
    event_add(timer, &interval);
    event_base_dispatch(server.base);
    _exit(1);
}

struct client {
    int descriptor;
    bool stalled;
    uint64_t updates;
};

static int
connect_to(int port)
{
    static const char request[] = "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        send(descriptor, request, sizeof request - 1, 0) != sizeof request - 1) {
        perror("bench_streams");
        exit(1);
    }
    return descriptor;
}

/* Every record has one '}' behind its arrival: counted by the mark that nothing else has. */
static void
count(struct client *client, const char *text, size_t bytes)
{
    static const char mark[] = "\"n\":";

    for (const char *at = text, *end = text + bytes; (at = memmem(at, (size_t)(end - at), mark, 4)) != NULL;
         at += 4)
        client->updates++;
}

static void
read_for(struct client *clients, int poll, int64_t until_ms)
{
    static char text[READ_BYTES];
    struct epoll_event events[256];

    while (wallclock_mono_ms() < until_ms) {
        int ready = epoll_wait(poll, events, 256, 50);

        for (int i = 0; i < ready; i++) {
            struct client *client = &clients[events[i].data.u32];
            ssize_t bytes = recv(client->descriptor, text, sizeof text, MSG_DONTWAIT);

            if (bytes > 0)
                count(client, text, (size_t)bytes);
            else if (bytes == 0) {
                fputs("bench_streams: the server closed a connection\n", stderr);
                exit(1);
            }
        }
    }
}

/* Its processor time so far in seconds, and what it holds in bytes. */
static double
cpu_of(pid_t child, double *ret_resident_bytes)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    long resident = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
    file = fopen(path, "r");
    if (file != NULL && fgets(line, sizeof line, file) != NULL)
        sscanf(strrchr(line, ')') + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
               &user, &system, &resident);
    if (file != NULL)
        fclose(file);
    *ret_resident_bytes = (double)resident * (double)sysconf(_SC_PAGESIZE);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static void
measure(pid_t child, int port)
{
    static struct client clients[CLIENTS];
    int poll = epoll_create1(0);
    uint64_t least = UINT64_MAX, before[CLIENTS];
    double cpu_s, resident_before, resident;
    int64_t begun_ms;

    for (uint32_t i = 0; i < CLIENTS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

        clients[i] = (struct client){.descriptor = connect_to(port), .stalled = i % (CLIENTS / STALLED) == 0};
        if (!clients[i].stalled)
            epoll_ctl(poll, EPOLL_CTL_ADD, clients[i].descriptor, &event);
    }
    read_for(clients, poll, wallclock_mono_ms() + 2000);
    for (int i = 0; i < CLIENTS; i++)
        before[i] = clients[i].updates;
    begun_ms = wallclock_mono_ms();
    cpu_s = cpu_of(child, &resident_before);
    read_for(clients, poll, begun_ms + SECONDS * 1000);
    cpu_s = cpu_of(child, &resident) - cpu_s;
    for (int i = 0; i < CLIENTS; i++)
        if (!clients[i].stalled && clients[i].updates - before[i] < least)
            least = clients[i].updates - before[i];
    printf("streams_cpu %.2f %%\n", cpu_s * 100.0 * 1000.0 / (double)(wallclock_mono_ms() - begun_ms));
    printf("streams_resident %.1f MiB\n", resident / 1048576);
    printf("streams_growth %.1f MiB\n", (resident - resident_before) / 1048576);
    printf("streams_least_updates %.1f a-second\n",
           (double)least * 1000.0 / (double)(wallclock_mono_ms() - begun_ms));
}

int
main(void)
{
    struct rlimit files = {4096, 4096};
    int announce[2], port = 0;
    pid_t child;

    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (pipe(announce) != 0)
        return 1;
    child = fork();
    if (child == 0)
        serve(announce[1]);
    if (child < 0 || read(announce[0], &port, sizeof port) != sizeof port || port == 0)
        return 1;
    measure(child, port);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return 0;
}
