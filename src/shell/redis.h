#ifndef SLAD_SHELL_REDIS_H
#define SLAD_SHELL_REDIS_H

/*
 * One connection to Redis beside the loop: hiredis' asynchronous interface on libevent, with what it lacks:
 * time-outs, connecting again with patience, logging in. The loop thread only; nothing here waits.
 */
#include "base/slice.h"
#include "shell/config.h"
#include "shell/log.h"
#include "shell/metrics.h"
#include <hiredis/async.h>

struct event_base;
struct redis;

/* Every call to the outside, so that tests can make the Nth one fail. */
struct redis_calls {
    redisAsyncContext *(*connect)(const char *address, int port);
    redisAsyncContext *(*connect_unix)(const char *path);
    int (*attach)(redisAsyncContext *context, struct event_base *base);
    int (*command)(redisAsyncContext *context, redisCallbackFn *answered, void *private_data, int words_count,
                   const char **words, const size_t *bytes);
};
extern const struct redis_calls redis_calls_real;

struct redis_options {
    const struct config *config; /* all borrowed, outlive it */
    struct event_base *base;
    struct log *log;
    struct metrics *metrics;
    const struct redis_calls *calls; /* NULL: the real ones */
};

enum { REDIS_ERROR_BYTES = 256 };

/* Never NULL; connects in redis_turn. */
struct redis *redis_new(const struct redis_options *options);
/* Answers everything that is out with an error first. NULL is fine. */
void redis_free(struct redis *redis);

/* Once a turn: time-outs, connecting. */
void redis_turn(struct redis *redis, int64_t now_mono_ms);
/* When redis_turn has something to do, in ms from now; INT64_MAX: nothing. */
int64_t redis_wait_ms(const struct redis *redis, int64_t now_mono_ms);
/* It answers, we are logged in, the database is chosen. */
bool redis_is_up(const struct redis *redis);
/* Why it is not, NULL when nothing is known to be wrong. */
const char *redis_error(const struct redis *redis);

/* Sends a command. answered is called once, later: with an answer, or with reply NULL and why there is none.
 * An error of Redis is no answer: its text is in error. What reply points to lives for the call. false: not
 * up; answered is not called. */
struct redis_command {
    const struct slice *words; /* copied */
    size_t words_count;
    void (*answered)(void *context, const redisReply *reply, const char *error);
    void *context;
};
bool redis_send(struct redis *redis, const struct redis_command *command, int64_t now_mono_ms);
/* Bytes sent and not answered yet. */
size_t redis_pending_bytes(const struct redis *redis);

/* The first line of the password file. 0: ret_password holds it ("" without a file); -1: it cannot be read,
 * error says why. Any thread. */
enum { REDIS_PASSWORD_BYTES = 512 };
int redis_password(const struct config *config, char ret_password[REDIS_PASSWORD_BYTES],
                   char error[REDIS_ERROR_BYTES]);

#endif
