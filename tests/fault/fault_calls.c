/* Files and sockets: the Nth call to the system fails, for every N until none is hit. What is asked for is
 * refused with a reason, or done; the next time it is done; nobody dies of it. The functions below stand
 * before the system's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "shell/http.h"
#include "shell/notify.h"
#include "shell/policy_files.h"
#include "shell/redis.h"
#include "shell/tokens.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static int until_failure = -1; /* calls that still go through; below 0: every one does */
static int error_number;
static bool hit;

/* The turn of the one that fails. */
static bool
fails(void)
{
    if (until_failure < 0 || until_failure-- > 0)
        return false;
    hit = true;
    errno = error_number;
    return true;
}

#define REAL(result, name, ...)                                                                              \
    result (*real)(__VA_ARGS__) = (result(*)(__VA_ARGS__))(uintptr_t)dlsym(RTLD_NEXT, #name)

int
open(const char *path, int flags, ...)
{
    REAL(int, open64, const char *, int, ...);
    va_list arguments;
    int mode;

    va_start(arguments, flags);
    mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return fails() ? -1 : real(path, flags, mode);
}

int
fstat(int descriptor, struct stat *ret_found)
{
    REAL(int, fstat64, int, struct stat *);

    return fails() ? -1 : real(descriptor, ret_found);
}

int
stat(const char *path, struct stat *ret_found)
{
    REAL(int, stat64, const char *, struct stat *);

    return fails() ? -1 : real(path, ret_found);
}

int
scandir(const char *path, struct dirent ***ret_names, int (*filter)(const struct dirent *),
        int (*compare)(const struct dirent **, const struct dirent **))
{
    REAL(int, scandir64, const char *, struct dirent ***, int (*)(const struct dirent *),
         int (*)(const struct dirent **, const struct dirent **));

    return fails() ? -1 : real(path, ret_names, filter, compare);
}

ssize_t
read(int descriptor, void *bytes, size_t count)
{
    REAL(ssize_t, read, int, void *, size_t);

    return fails() ? -1 : real(descriptor, bytes, count);
}

FILE *
fopen(const char *path, const char *mode)
{
    REAL(FILE *, fopen64, const char *, const char *);

    return fails() ? NULL : real(path, mode);
}

int
socket(int domain, int type, int protocol)
{
    REAL(int, socket, int, int, int);

    return fails() ? -1 : real(domain, type, protocol);
}

int
connect(int descriptor, __CONST_SOCKADDR_ARG address, socklen_t bytes)
{
    REAL(int, connect, int, const struct sockaddr *, socklen_t);

    return fails() ? -1 : real(descriptor, address.__sockaddr__, bytes);
}

ssize_t
send(int descriptor, const void *bytes, size_t count, int flags)
{
    REAL(ssize_t, send, int, const void *, size_t, int);

    return fails() ? -1 : real(descriptor, bytes, count, flags);
}

int
accept4(int descriptor, __SOCKADDR_ARG address, socklen_t *bytes, int flags)
{
    REAL(int, accept4, int, struct sockaddr *, socklen_t *, int);

    return fails() ? -1 : real(descriptor, address.__sockaddr__, bytes, flags);
}

ssize_t
readv(int descriptor, const struct iovec *pieces, int count)
{
    REAL(ssize_t, readv, int, const struct iovec *, int);

    return fails() ? -1 : real(descriptor, pieces, count);
}

ssize_t
writev(int descriptor, const struct iovec *pieces, int count)
{
    REAL(ssize_t, writev, int, const struct iovec *, int);

    return fails() ? -1 : real(descriptor, pieces, count);
}

static void
arm(int nth, int number)
{
    until_failure = nth;
    error_number = number;
    hit = false;
}

static bool
disarm(void)
{
    until_failure = -1;
    return hit;
}

/* ---- policy files ---- */

static void
write_policy(const char *directory, const char *name, const char *version, const char *from)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "version: \"%s\"\n%scalendars:\n  day: {time_zone: Europe/Berlin, week: {mon-fri: "
                  "[\"09:00-17:00\"]}}\n"
                  "statuses: {New: {state: open}}\nagreements: []\n",
                  version, from);
    assert_int_equal(fclose(file), 0);
}

static void
test_policy_files(void **state)
{
    char directory[] = "/tmp/slad-fault.XXXXXX", path[256];
    struct symbols *symbols = symbols_new();
    struct buffer errors = {0};
    struct policy_set *set;
    int nth = 0;
    bool failed;

    (void)state;
    assert_non_null(mkdtemp(directory));
    write_policy(directory, "a.yaml", "1", "");
    write_policy(directory, "b.yaml", "2", "from: 2026-01-01T00:00:00Z\n");
    do {
        buffer_reset(&errors);
        arm(nth++, EIO);
        set = policy_files_load(directory, TESTS_DIR "/zoneinfo", symbols, &errors);
        failed = disarm();
        assert_int_equal(set == NULL, failed);
        assert_int_equal(errors.bytes > 0, failed); /* a reason, or all of it: never half a policy */
        policy_set_free(set);
    } while (failed);
    assert_true(nth > 8);
    print_message("%d calls for two policy files, each failed once\n", nth - 1);
    for (const char *name = "a.yaml"; name != NULL; name = strcmp(name, "a.yaml") == 0 ? "b.yaml" : NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, name);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(symbols_count(symbols), 0);
    symbols_free(symbols);
    buffer_free(&errors);
}

/* ---- tokens, settings, a password ---- */

/* A file of this text; its path is the caller's to unlink. */
static void
write_text(char path[], const char *text)
{
    int descriptor = mkstemp(path);

    assert_true(descriptor >= 0);
    assert_true(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(close(descriptor), 0);
}

static void
test_tokens(void **state)
{
    char path[] = "/tmp/slad-fault-tokens.XXXXXX", text[10000];
    struct buffer error = {0};
    int nth = 0;
    bool failed;

    (void)state;
    (void)snprintf(text, sizeof text, "aaaaaaaaaaaaaaaa read wall\n#%*d\nbbbbbbbbbbbbbbbb full desk\n", 9000,
                   1);
    write_text(path, text); /* several reads: half of it would be tokens, too */
    do {
        struct tokens tokens = {0};
        int loaded;

        buffer_reset(&error);
        arm(nth++, EIO);
        loaded = tokens_load(path, &tokens, &error);
        failed = disarm();
        assert_int_equal(loaded, failed ? -1 : 0); /* never half of them */
        assert_int_equal(error.bytes > 0, failed);
        assert_int_equal(tokens.count, failed ? 0 : 2);
        tokens_done(&tokens);
    } while (failed);
    assert_true(nth > 3);
    buffer_free(&error);
    assert_int_equal(unlink(path), 0);
}

static void
test_settings(void **state)
{
    char path[] = "/tmp/slad-fault-settings.XXXXXX", secret[] = "/tmp/slad-fault-secret.XXXXXX";
    char password_file[64], password[REDIS_PASSWORD_BYTES], reason[REDIS_ERROR_BYTES];
    struct buffer errors = {0};
    struct config *config;

    (void)state;
    write_text(secret, "open sesame\n");
    (void)snprintf(password_file, sizeof password_file, "redis_password_file: %s\n", secret);
    write_text(path, password_file);
    arm(0, EIO);
    config = config_load(&(struct config_source){path, NULL, 0}, &errors);
    assert_true(disarm());
    assert_null(config); /* not the defaults */
    assert_true(errors.bytes > 0);
    buffer_reset(&errors);
    config = config_load(&(struct config_source){path, NULL, 0}, &errors);
    assert_non_null(config);
    arm(0, EMFILE);
    assert_int_equal(redis_password(config, password, reason), -1); /* not the empty one */
    assert_true(disarm());
    assert_non_null(strstr(reason, strerror(EMFILE)));
    assert_int_equal(redis_password(config, password, reason), 0);
    assert_string_equal(password, "open sesame");
    config_free(config);
    buffer_free(&errors);
    assert_int_equal(unlink(path) + unlink(secret), 0);
}

/* ---- the service manager ---- */

static void
test_notify(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int manager = socket(AF_UNIX, SOCK_DGRAM, 0), nth = 0;
    bool failed;

    (void)state;
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/tmp/slad-fault-notify.%d", (int)getpid());
    assert_true(manager >= 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
    do {
        struct notify notify;
        char heard[64];

        arm(nth++, ENOBUFS);
        (void)notify_init(&notify, address.sun_path, NULL, NULL);
        notify_ready(&notify);
        notify_alive(&notify);
        notify_done(&notify);
        failed = disarm();
        while (recv(manager, heard, sizeof heard, MSG_DONTWAIT) > 0)
            ;
    } while (failed);
    assert_true(nth > 3);
    (void)close(manager);
    (void)unlink(address.sun_path);
}

/* ---- HTTP ---- */

struct room {
    struct event_base *base;
    struct config *config;
    struct metrics *metrics;
    struct log *log;
    struct board *board;
    struct http *http;
};

static void
open_room(struct room *room)
{
    static const char *const overrides[] = {"listen=:0"};
    struct buffer errors = {0};

    room->base = event_base_new();
    room->config = config_load(&(struct config_source){NULL, overrides, 1}, &errors);
    assert_non_null(room->config);
    room->config->http_timeout_ms = 200;
    room->metrics = metrics_new();
    room->log = log_new(&(struct log_options){.descriptor = 2, .level = LOG_ERROR});
    room->board = board_new(room->config, room->metrics, room->log, 0xabc);
    room->http = http_new(room->base, &(struct http_rooms){.config = room->config,
                                                           .metrics = room->metrics,
                                                           .log = room->log,
                                                           .board = room->board});
    assert_non_null(room->http);
}

static void
close_room(struct room *room)
{
    http_free(room->http);
    board_free(room->board);
    log_free(room->log);
    metrics_free(room->metrics);
    config_free(room->config);
    event_base_free(room->base);
}

/* Asks, and turns the loop until there is an answer or the connection is closed. Only the loop's own calls
 * are counted. */
static bool
is_answered(struct room *room, int nth, int number, bool *ret_hit)
{
    static const char request[] = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)http_port(room->http))};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    char answer[4096] = "";
    bool answered = false;

    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &address.sin_addr), 1);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL),
                     (ssize_t)sizeof request - 1);
    arm(nth, number);
    for (int turns = 0; turns < 5000; turns++) {
        int left = until_failure;
        ssize_t bytes;

        event_base_loop(room->base, EVLOOP_NONBLOCK);
        left = until_failure;
        until_failure = -1;
        bytes = recv(descriptor, answer, sizeof answer - 1, MSG_DONTWAIT);
        if (bytes >= 0 || errno != EAGAIN) {
            answered = bytes > 0 && strncmp(answer, "HTTP/1.1 200", 12) == 0;
            break;
        }
        usleep(200);
        until_failure = left;
    }
    *ret_hit = disarm();
    (void)close(descriptor);
    for (int i = 0; i < 20; i++) /* it is let go */
        event_base_loop(room->base, EVLOOP_NONBLOCK);
    return answered;
}

static void
test_http(void **state)
{
    static const int numbers[] = {ECONNRESET, EMFILE, EINTR};
    struct room room;

    (void)state;
    open_room(&room);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        bool failed;
        int nth = 0;

        do {
            bool answered = is_answered(&room, nth++, numbers[i], &failed), again;

            assert_true(answered || failed);
            assert_true(is_answered(&room, -1, 0, &again)); /* the next one is served */
        } while (failed);
        assert_true(nth >= 3);
        print_message("%d calls for one answer, each failed once with %s\n", nth - 1, strerror(numbers[i]));
    }
    close_room(&room);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_files), cmocka_unit_test(test_tokens), cmocka_unit_test(test_settings),
        cmocka_unit_test(test_notify),       cmocka_unit_test(test_http),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
