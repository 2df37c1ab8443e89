/*
 * What: one report at a time, made by the program that makes it at the command line too.
 *
 * Why this way: a report reads years of outcomes and computes for seconds to minutes with memory to match. In
 * a process of its own it cannot hold up the loop, has its own policies and symbols, is ended when it takes
 * too long, and the system takes it first when memory runs out. And there is one report: the page of the
 * command line and the API's figures cannot differ.
 *
 * Always true: at most one child; its request is answered once, or was gone; a child whose request has gone
 * is ended.
 *
 * Not here: what a report says (slactl/report*.c), who may ask for whose (api_installation.c).
 */
#include "shell/reports.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/reply.h"
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_BYTES_MAX = 4096, PATH_BYTES = 4096, WORDS_MAX = 160, LOOK_AGAIN_MS = 20, REPORT_NICE = 10 };

extern char **environ;

struct reports {
    struct world *world;
    struct event_base *base;
    const struct config_source *source;
    struct evhttp_request *request; /* NULL: its client has gone, or there is none */
    pid_t child;                    /* 0: none */
    int out, said;                  /* pipes; -1: closed */
    struct event *out_readable, *said_readable, *deadline, *look_again;
    struct buffer body, words;
    bool too_large, too_slow;
};

/* ---- the command ---- */

struct command {
    char *words[WORDS_MAX];
    size_t count;
};

static void
add_word(struct command *command, struct slice word)
{
    must(command->count < WORDS_MAX - 1);
    command->words[command->count++] = slice_copy(word);
}

static void
add_option(struct command *command, const char *name, struct slice value)
{
    add_word(command, slice_of(name));
    add_word(command, value);
}

static void
command_done(struct command *command)
{
    for (size_t i = 0; i < command->count; i++)
        memory_free(command->words[i]);
}

/* slactl in the directory of this program. -1: there is none. */
static int
find_program(char path[PATH_BYTES])
{
    ssize_t bytes = readlink("/proc/self/exe", path, PATH_BYTES - 16);
    char *slash;

    if (bytes <= 0)
        return -1;
    path[bytes] = '\0';
    slash = strrchr(path, '/');
    must(slash != NULL);
    memcpy(slash + 1, "slactl", sizeof "slactl");
    return access(path, X_OK);
}

/* The brokers, the policy and the rest come from where this process has them. */
static void
build_command(const struct reports *reports, const char *program, const struct report_wish *wish,
              struct command *command)
{
    add_word(command, slice_of(program));
    add_word(command, slice_of("report"));
    add_word(command, slice_of("--json"));
    add_option(command, "--customer", wish->customer);
    add_option(command, "--month", wish->month);
    if (wish->contract.at != NULL)
        add_option(command, "--contract", wish->contract);
    if (reports->source->file != NULL)
        add_option(command, "--config", slice_of(reports->source->file));
    for (size_t i = 0; i < reports->source->overrides_count && command->count < WORDS_MAX - 8; i++)
        add_option(command, "--set", slice_of(reports->source->overrides[i]));
    add_option(command, "--brokers", slice_of(reports->world->kafka.brokers));
}

/* Its output into two pipes, nothing else of ours goes with it. -1: errno says why. */
static int
spawn(struct reports *reports, const char *program, struct command *command)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    int out[2], said[2], code;

    if (pipe2(out, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(said, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return -1;
    }
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, said[1], STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    code = posix_spawn(&reports->child, program, &actions, &attributes, command->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(out[1]);
    close(said[1]);
    reports->out = out[0];
    reports->said = said[0];
    if (code == 0)
        return 0;
    reports->child = 0;
    errno = code;
    return -1;
}

/* Others come first, and when memory runs out it is the one to go. What cannot be had is not needed. */
static void
put_behind(pid_t child)
{
    char path[64];
    int descriptor;

    (void)setpriority(PRIO_PROCESS, (id_t)child, REPORT_NICE);
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)child);
    descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return;
    (void)!write(descriptor, "800", 3);
    close(descriptor);
}

/* ---- its end ---- */

static void
close_pipe(int *descriptor, struct event **readable)
{
    if (*readable != NULL)
        event_free(*readable);
    if (*descriptor >= 0)
        close(*descriptor);
    *readable = NULL;
    *descriptor = -1;
}

/* The request, if its client is still there. It is the caller's to answer. */
static struct evhttp_request *
take_request(struct reports *reports)
{
    struct evhttp_request *request = reports->request;

    if (request != NULL)
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    reports->request = NULL;
    return request;
}

static void
clear(struct reports *reports)
{
    close_pipe(&reports->out, &reports->out_readable);
    close_pipe(&reports->said, &reports->said_readable);
    evtimer_del(reports->deadline);
    evtimer_del(reports->look_again);
    buffer_reset(&reports->body);
    buffer_reset(&reports->words);
    reports->too_large = reports->too_slow = false;
    reports->child = 0;
}

static void
answer(struct reports *reports, struct evhttp_request *request, int status)
{
    struct metrics *metrics = reports->world->metrics;
    struct buffer *words = &reports->words;

    buffer_append_byte(words, '\0');
    if (reports->too_large)
        metrics_bound_hit(metrics, CONFIG_http_answer_bytes_max);
    if (reports->too_slow || reports->too_large)
        reply_problem(request, metrics, PROBLEM_REPORT_FAILED,
                      reports->too_slow ? "it took longer than report_timeout"
                                        : "more than http_answer_bytes_max");
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        reply_json(request, metrics, 200, buffer_slice(&reports->body));
    else if (strstr(words->at, ": nothing of customer") != NULL)
        reply_problem(request, metrics, PROBLEM_NOT_FOUND, "there is nothing of that customer in that month");
    else if (strstr(words->at, "no contract of that name") != NULL)
        reply_problem(request, metrics, PROBLEM_NOT_FOUND, "the policy has no contract of that name");
    else {
        log_write(reports->world->log, LOG_WARNING, "report_failed", LOG_INTEGER("status", status),
                  LOG_TEXT("text", words->at));
        reply_later(request, metrics, PROBLEM_REPORT_FAILED, "it could not be made: the log says why", 30);
    }
}

/* Both pipes have ended: so has it, or it is about to. */
static void
look(struct reports *reports)
{
    const struct timeval soon = {.tv_usec = LOOK_AGAIN_MS * 1000};
    struct evhttp_request *request;
    int status = 0;
    pid_t ended;

    if (reports->out >= 0 || reports->said >= 0)
        return;
    ended = waitpid(reports->child, &status, WNOHANG);
    if (ended == 0) {
        must(evtimer_add(reports->look_again, &soon) == 0);
        return;
    }
    request = take_request(reports);
    if (request != NULL)
        answer(reports, request, status);
    clear(reports);
}

static void
on_look_again(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    look(context);
}

static void
on_deadline(evutil_socket_t descriptor, short what, void *context)
{
    struct reports *reports = context;

    (void)descriptor;
    (void)what;
    reports->too_slow = true;
    kill(reports->child, SIGKILL);
}

/* Reads what is there; what is beyond bytes_max is passed over. true: the end. */
static bool
drain(int descriptor, struct buffer *into, size_t bytes_max, bool *too_large)
{
    char text[16384];
    ssize_t bytes = read(descriptor, text, sizeof text);

    if (bytes < 0)
        return errno != EAGAIN && errno != EINTR;
    if (into->bytes + (size_t)bytes <= bytes_max)
        buffer_append(into, text, (size_t)bytes);
    else if (too_large != NULL)
        *too_large = true;
    return bytes == 0;
}

static void
on_out(evutil_socket_t descriptor, short what, void *context)
{
    struct reports *reports = context;

    (void)what;
    if (drain(descriptor, &reports->body, (size_t)reports->world->config->http_answer_bytes_max,
              &reports->too_large))
        close_pipe(&reports->out, &reports->out_readable);
    look(reports);
}

static void
on_said(evutil_socket_t descriptor, short what, void *context)
{
    struct reports *reports = context;

    (void)what;
    if (drain(descriptor, &reports->words, SAID_BYTES_MAX, NULL))
        close_pipe(&reports->said, &reports->said_readable);
    look(reports);
}

/* ---- one ---- */

/* Nobody waits for it any more. (What the server has let go of is ours to free, as in stream.c.) */
static void
on_closed(struct evhttp_connection *connection, void *context)
{
    struct reports *reports = context;

    (void)connection;
    if (evhttp_request_get_connection(reports->request) == NULL)
        evhttp_send_reply_end(reports->request);
    reports->request = NULL;
    kill(reports->child, SIGKILL);
}

static struct event *
watch_pipe(struct reports *reports, int descriptor, event_callback_fn readable)
{
    struct event *event;

    must(evutil_make_socket_nonblocking(descriptor) == 0);
    event = event_new(reports->base, descriptor, EV_READ | EV_PERSIST, readable, reports);
    must(event != NULL && event_add(event, NULL) == 0);
    return event;
}

void
reports_make(struct reports *reports, struct evhttp_request *request, const struct report_wish *wish)
{
    struct metrics *metrics = reports->world->metrics;
    const int64_t timeout_ms = reports->world->config->report_timeout_ms;
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    struct command command = {.count = 0};
    char program[PATH_BYTES];

    if (reports->child != 0) {
        reply_later(request, metrics, PROBLEM_REPORT_BUSY, "a report is being made already", 10);
        return;
    }
    if (find_program(program) != 0) {
        reply_problem(request, metrics, PROBLEM_REPORT_FAILED, "slactl, which makes it, is not beside slad");
        return;
    }
    build_command(reports, program, wish, &command);
    if (spawn(reports, program, &command) != 0) {
        log_write(reports->world->log, LOG_WARNING, "report_failed", LOG_TEXT("text", strerror(errno)));
        clear(reports);
        reply_later(request, metrics, PROBLEM_REPORT_FAILED, "no process can be made", 30);
    } else {
        put_behind(reports->child);
        reports->request = request;
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), on_closed, reports);
        reports->out_readable = watch_pipe(reports, reports->out, on_out);
        reports->said_readable = watch_pipe(reports, reports->said, on_said);
        must(evtimer_add(reports->deadline, &timeout) == 0);
    }
    command_done(&command);
}

bool
reports_is_month(struct slice text)
{
    if (text.bytes != 7 || text.at[4] != '-')
        return false;
    for (size_t i = 0; i < 7; i++)
        if (i != 4 && (text.at[i] < '0' || text.at[i] > '9'))
            return false;
    return memcmp(text.at + 5, "01", 2) >= 0 && memcmp(text.at + 5, "12", 2) <= 0;
}

/* ---- life ---- */

struct reports *
reports_new(struct world *world, struct event_base *base, const struct config_source *source)
{
    struct reports *reports = memory_allocate_zeroed(1, sizeof *reports);

    reports->world = world;
    reports->base = base;
    reports->source = source;
    reports->out = reports->said = -1;
    reports->deadline = evtimer_new(base, on_deadline, reports);
    reports->look_again = evtimer_new(base, on_look_again, reports);
    must(reports->deadline != NULL && reports->look_again != NULL);
    return reports;
}

void
reports_free(struct reports *reports)
{
    struct evhttp_request *request;

    if (reports == NULL)
        return;
    request = take_request(reports);
    if (request != NULL)
        reply_later(request, reports->world->metrics, PROBLEM_REPORT_FAILED, "this process is stopping", 10);
    if (reports->child != 0) {
        kill(reports->child, SIGKILL);
        (void)waitpid(reports->child, NULL, 0);
    }
    clear(reports);
    event_free(reports->deadline);
    event_free(reports->look_again);
    buffer_free(&reports->body);
    buffer_free(&reports->words);
    memory_free(reports);
}
