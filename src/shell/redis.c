/*
 * A connection to Redis.
 *
 * What: connects, logs in, sends commands, hands each answer to whom it belongs; when an answer does not come
 * in time the connection is given up and made anew.
 *
 * Why so: hiredis 0.14 has no time-outs of its own when asynchronous. Answers come in the order of the
 * commands, so one instant is enough: since when nothing has been heard while something was out. Redis is
 * never worth waiting for: who wants something while it is down is told so at once.
 *
 * Always true: every command that was taken is answered once, and never inside redis_send; what is out when
 * the connection goes is answered with an error; between two attempts lies a pause that doubles up to ten
 * seconds.
 *
 * Not here: what is stored and how (snapshot.c), the loader's own connection (snapshot_read.c), TLS.
 */
#include "shell/redis.h"
#include "base/memory.h"
#include "base/panic.h"
#include <errno.h>
#include <hiredis/adapters/libevent.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { REDIS_PAUSE_MS_MIN = 250, REDIS_PAUSE_MS_MAX = 10000, REDIS_WORDS_ON_STACK = 8 };

enum redis_state { REDIS_DOWN, REDIS_CONNECTING, REDIS_GREETING, REDIS_UP };

struct redis {
    struct redis_options options;
    enum redis_state state;
    redisAsyncContext *context; /* NULL while down */
    int64_t again_mono_ms;      /* not connected before */
    int64_t pause_ms;
    int64_t now_mono_ms;   /* of this turn */
    int64_t heard_mono_ms; /* since then nothing was heard although something is out */
    bool refused;          /* in the greeting: the next turn ends the connection */
    size_t pending_count, pending_bytes;
    char error[REDIS_ERROR_BYTES];
    bool told; /* the present trouble is in the log */
};

struct redis_request {
    struct redis *redis;
    size_t bytes;
    void (*answered)(void *context, const redisReply *reply, const char *error);
    void *context;
};

const struct redis_calls redis_calls_real = {redisAsyncConnect, redisAsyncConnectUnix, redisLibeventAttach,
                                             redisAsyncCommandArgv};

/* ---- up and down ---- */

static void
redis_note_error(struct redis *redis, const char *what, const char *error)
{
    snprintf(redis->error, sizeof redis->error, "%s: %s", what, error);
    metrics_add(redis->options.metrics, METRIC_REDIS_ERRORS, 0, 1);
    if (!redis->told)
        log_write(redis->options.log, LOG_WARNING, "redis_down", LOG_TEXT("at", redis->options.config->redis),
                  LOG_TEXT("why", redis->error));
    redis->told = true;
}

/* The connection is gone, or never came. */
static void
redis_note_down(struct redis *redis)
{
    redis->context = NULL;
    redis->state = REDIS_DOWN;
    redis->again_mono_ms = redis->now_mono_ms + redis->pause_ms;
    redis->pause_ms = redis->pause_ms * 2 < REDIS_PAUSE_MS_MAX ? redis->pause_ms * 2 : REDIS_PAUSE_MS_MAX;
    metrics_set(redis->options.metrics, METRIC_REDIS_UP, 0, 0);
}

/* From outside hiredis' callbacks. What is out is answered here. */
static void
redis_end(struct redis *redis)
{
    redisAsyncContext *context = redis->context;

    redis_note_down(redis);
    if (context != NULL)
        redisAsyncFree(context);
}

static void
redis_give_up(struct redis *redis, const char *what, const char *error)
{
    redis_note_error(redis, what, error);
    redis_end(redis);
}

static void
redis_on_disconnected(const redisAsyncContext *context, int status)
{
    struct redis *redis = context->data;

    if (redis == NULL || redis->context != context)
        return;
    redis_note_error(redis, "connection lost", status == REDIS_OK ? "closed" : context->errstr);
    redis_note_down(redis);
}

/* ---- commands ---- */

static void
redis_on_answered(redisAsyncContext *context, void *answer, void *private_data)
{
    struct redis_request *request = private_data;
    struct redis *redis = request->redis;
    const redisReply *reply = answer;

    (void)context;
    redis->pending_count--;
    redis->pending_bytes -= request->bytes;
    redis->heard_mono_ms = redis->now_mono_ms;
    if (reply == NULL)
        request->answered(request->context, NULL,
                          redis->error[0] != '\0' ? redis->error : "the connection was lost");
    else if (reply->type == REDIS_REPLY_ERROR) {
        metrics_add(redis->options.metrics, METRIC_REDIS_ERRORS, 0, 1);
        request->answered(request->context, NULL, reply->str);
    } else
        request->answered(request->context, reply, NULL);
    memory_free(request);
}

/* Up or not. */
static bool
redis_put(struct redis *redis, const struct redis_command *command)
{
    const char *words_here[REDIS_WORDS_ON_STACK];
    size_t bytes_here[REDIS_WORDS_ON_STACK], *bytes = bytes_here;
    const char **words = words_here;
    struct redis_request *request = memory_allocate_zeroed(1, sizeof *request);
    int result;

    if (command->words_count > REDIS_WORDS_ON_STACK) {
        words = memory_allocate(command->words_count * sizeof *words);
        bytes = memory_allocate(command->words_count * sizeof *bytes);
    }
    *request =
        (struct redis_request){.redis = redis, .answered = command->answered, .context = command->context};
    for (size_t i = 0; i < command->words_count; i++) {
        words[i] = command->words[i].at;
        bytes[i] = command->words[i].bytes;
        request->bytes += bytes[i];
    }
    result = redis->options.calls->command(redis->context, redis_on_answered, request,
                                           (int)command->words_count, words, bytes);
    if (words != words_here) {
        memory_free(words);
        memory_free(bytes);
    }
    if (result != REDIS_OK) {
        memory_free(request);
        return false;
    }
    if (redis->pending_count++ == 0)
        redis->heard_mono_ms = redis->now_mono_ms;
    redis->pending_bytes += request->bytes;
    return true;
}

bool
redis_send(struct redis *redis, const struct redis_command *command, int64_t now_mono_ms)
{
    redis->now_mono_ms = now_mono_ms;
    return redis->state == REDIS_UP && redis_put(redis, command);
}

size_t
redis_pending_bytes(const struct redis *redis)
{
    return redis->pending_bytes;
}

/* ---- the greeting: AUTH, SELECT, PING ---- */

/* A refusal: the turn ends the connection (freeing it inside its own callback would be hiredis' business). */
static void
redis_on_greeted(void *context, const redisReply *reply, const char *error)
{
    struct redis *redis = context;

    (void)reply;
    if (error != NULL && redis->context != NULL && !redis->refused) {
        redis_note_error(redis, "refused", error);
        redis->refused = true;
    }
}

static void
redis_on_ponged(void *context, const redisReply *reply, const char *error)
{
    struct redis *redis = context;

    redis_on_greeted(context, reply, error);
    if (error != NULL || redis->state != REDIS_GREETING || redis->refused)
        return; /* a PING is answered in the wrong database, too */
    redis->state = REDIS_UP;
    redis->pause_ms = REDIS_PAUSE_MS_MIN;
    redis->error[0] = '\0';
    redis->told = false;
    metrics_set(redis->options.metrics, METRIC_REDIS_UP, 0, 1);
    log_write(redis->options.log, LOG_NOTICE, "redis_up", LOG_TEXT("at", redis->options.config->redis));
}

static bool
redis_say(struct redis *redis, const char *const *texts, size_t count,
          void (*answered)(void *context, const redisReply *reply, const char *error))
{
    struct slice words[3];
    struct redis_command command = {
        .words = words, .words_count = count, .answered = answered, .context = redis};

    must(count <= sizeof words / sizeof *words);
    for (size_t i = 0; i < count; i++)
        words[i] = slice_of(texts[i]);
    if (redis_put(redis, &command))
        return true;
    redis_note_error(redis, "refused", "the connection takes no command");
    return false;
}

static bool
redis_greet(struct redis *redis)
{
    const struct config *config = redis->options.config;
    char password[REDIS_PASSWORD_BYTES], error[REDIS_ERROR_BYTES], database[24];
    bool has_user = config->redis_user[0] != '\0';
    const char *auth[] = {"AUTH", has_user ? config->redis_user : password, password};
    const char *select[] = {"SELECT", database};
    const char *ping[] = {"PING"};

    if (redis_password(config, password, error) != 0) {
        redis_note_error(redis, "no password", error);
        return false;
    }
    snprintf(database, sizeof database, "%lld", (long long)config->redis_database);
    return (password[0] == '\0' || redis_say(redis, auth, has_user ? 3 : 2, redis_on_greeted)) &&
           (config->redis_database == 0 || redis_say(redis, select, 2, redis_on_greeted)) &&
           redis_say(redis, ping, 1, redis_on_ponged);
}

static void
redis_on_connected(const redisAsyncContext *context, int status)
{
    struct redis *redis = context->data;

    if (redis == NULL || redis->context != context)
        return;
    if (status != REDIS_OK) { /* hiredis frees it */
        redis_note_error(redis, "cannot connect", context->errstr);
        redis_note_down(redis);
        return;
    }
    redis->state = REDIS_GREETING;
    redis->heard_mono_ms = redis->now_mono_ms;
    redis->refused |= !redis_greet(redis);
}

static void
redis_connect(struct redis *redis)
{
    const struct redis_calls *calls = redis->options.calls;
    const char *address = redis->options.config->redis;
    char host[CONFIG_HOST_BYTES];
    int port;

    must(config_split_redis(address, host, &port) == 0);
    redis->context = port == 0 ? calls->connect_unix(address) : calls->connect(host, port);
    if (redis->context == NULL)
        redis_give_up(redis, "cannot connect", "no memory");
    else if (redis->context->err != 0)
        redis_give_up(redis, "cannot connect", redis->context->errstr);
    else if (calls->attach(redis->context, redis->options.base) != REDIS_OK)
        redis_give_up(redis, "cannot connect", "no event");
    else {
        redis->context->data = redis;
        redis->state = REDIS_CONNECTING;
        redis->refused = false;
        redis->heard_mono_ms = redis->now_mono_ms;
        redisAsyncSetConnectCallback(redis->context, redis_on_connected);
        redisAsyncSetDisconnectCallback(redis->context, redis_on_disconnected);
    }
}

/* ---- once a turn ---- */

static bool
redis_waits(const struct redis *redis)
{
    return redis->state == REDIS_CONNECTING || redis->state == REDIS_GREETING || redis->pending_count > 0;
}

void
redis_turn(struct redis *redis, int64_t now_mono_ms)
{
    redis->now_mono_ms = now_mono_ms;
    if (redis->state == REDIS_DOWN) {
        if (now_mono_ms >= redis->again_mono_ms)
            redis_connect(redis);
    } else if (redis->refused)
        redis_end(redis);
    else if (redis_waits(redis) &&
             now_mono_ms - redis->heard_mono_ms > redis->options.config->redis_timeout_ms)
        redis_give_up(redis, "no answer", "redis_timeout passed");
}

int64_t
redis_wait_ms(const struct redis *redis, int64_t now_mono_ms)
{
    int64_t at_mono_ms = INT64_MAX;

    if (redis->state == REDIS_DOWN)
        at_mono_ms = redis->again_mono_ms;
    else if (redis->refused)
        at_mono_ms = now_mono_ms;
    else if (redis_waits(redis))
        at_mono_ms = redis->heard_mono_ms + redis->options.config->redis_timeout_ms + 1;
    if (at_mono_ms == INT64_MAX)
        return INT64_MAX;
    return at_mono_ms > now_mono_ms ? at_mono_ms - now_mono_ms : 0;
}

bool
redis_is_up(const struct redis *redis)
{
    return redis->state == REDIS_UP;
}

const char *
redis_error(const struct redis *redis)
{
    return redis->error[0] != '\0' ? redis->error : NULL;
}

/* ---- life ---- */

struct redis *
redis_new(const struct redis_options *options)
{
    struct redis *redis = memory_allocate_zeroed(1, sizeof *redis);

    redis->options = *options;
    if (redis->options.calls == NULL)
        redis->options.calls = &redis_calls_real;
    redis->pause_ms = REDIS_PAUSE_MS_MIN;
    redis->again_mono_ms = INT64_MIN;
    return redis;
}

void
redis_free(struct redis *redis)
{
    redisAsyncContext *context;

    if (redis == NULL)
        return;
    context = redis->context;
    redis->context = NULL;
    redis->state = REDIS_DOWN;
    if (context != NULL)
        redisAsyncFree(context);
    must(redis->pending_count == 0);
    memory_free(redis);
}

int
redis_password(const struct config *config, char ret_password[REDIS_PASSWORD_BYTES],
               char error[REDIS_ERROR_BYTES])
{
    FILE *file;
    bool read;

    ret_password[0] = '\0';
    if (config->redis_password_file[0] == '\0')
        return 0;
    file = fopen(config->redis_password_file, "re");
    read = file != NULL && fgets(ret_password, REDIS_PASSWORD_BYTES, file) != NULL;
    if (!read)
        snprintf(error, REDIS_ERROR_BYTES, "%s: %s", config->redis_password_file,
                 file == NULL ? strerror(errno) : "it is empty");
    if (file != NULL)
        fclose(file);
    ret_password[strcspn(ret_password, "\r\n")] = '\0';
    return read ? 0 : -1;
}
