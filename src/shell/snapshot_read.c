/*
 * Snapshots read back.
 *
 * What: a connection that waits, GETs of heads and buckets, and the check of what comes.
 *
 * Why so: the loader thread has nothing else to do, so plain questions and answers are enough; some are sent
 * ahead so that Redis and the check work at the same time. Redis is a cache that anybody may have written: a
 * wrong length, a wrong hash or a record that cannot be cut makes the snapshot unusable, and slad.state is
 * read from its beginning instead.
 *
 * Always true: what take is given is what the head says, and restore_plan_take can walk over it; an answer
 * that does not come in redis_timeout ends the connection.
 *
 * Not here: which head is of use (snapshot_plan.c), what becomes of records (restore.c).
 */
#include "shell/snapshot_read.h"
#include "base/memory.h"
#include <stdio.h>
#include <string.h>

enum { SNAPSHOT_READ_AHEAD = 8, SNAPSHOT_READ_AGAIN_MS = 10000, SNAPSHOT_READ_WORDS_MAX = 3 };

struct snapshot_reader {
    const struct config *config;
    const struct snapshot_reader_calls *calls;
    redisContext *context; /* NULL: not connected */
    bool failed;
    int64_t again_mono_ms; /* after a failure */
    char error[REDIS_ERROR_BYTES];
};

const struct snapshot_reader_calls snapshot_reader_calls_real = {
    redisConnectWithTimeout, redisConnectUnixWithTimeout, redisAppendCommandArgv, redisGetReply};

struct snapshot_reader *
snapshot_reader_new(const struct config *config, const struct snapshot_reader_calls *calls)
{
    struct snapshot_reader *reader = memory_allocate_zeroed(1, sizeof *reader);

    reader->config = config;
    reader->calls = calls != NULL ? calls : &snapshot_reader_calls_real;
    return reader;
}

static void
snapshot_reader_close(struct snapshot_reader *reader)
{
    if (reader->context != NULL)
        redisFree(reader->context);
    reader->context = NULL;
}

void
snapshot_reader_free(struct snapshot_reader *reader)
{
    if (reader == NULL)
        return;
    snapshot_reader_close(reader);
    memory_free(reader);
}

/* Always -1. */
static int
snapshot_reader_fail(struct snapshot_reader *reader, char error[REDIS_ERROR_BYTES])
{
    const char *why = reader->context == NULL     ? "no connection"
                      : reader->context->err != 0 ? reader->context->errstr
                                                  : "no answer";

    snprintf(error, REDIS_ERROR_BYTES, "redis: %s", why);
    memcpy(reader->error, error, sizeof reader->error);
    reader->failed = true;
    snapshot_reader_close(reader);
    return -1;
}

static int
snapshot_reader_append(struct snapshot_reader *reader, const char *const *words, const size_t *bytes,
                       int count)
{
    const char *copy[SNAPSHOT_READ_WORDS_MAX];

    memcpy(copy, words, (size_t)count * sizeof *copy);
    return reader->calls->append(reader->context, count, copy, bytes) == REDIS_OK ? 0 : -1;
}

/* NULL: no answer; the connection is closed then. The caller frees it. */
static redisReply *
snapshot_reader_get(struct snapshot_reader *reader, char error[REDIS_ERROR_BYTES])
{
    void *reply = NULL;

    if (reader->calls->get(reader->context, &reply) == REDIS_OK && reply != NULL)
        return reply;
    if (reply != NULL)
        freeReplyObject(reply);
    (void)snapshot_reader_fail(reader, error);
    return NULL;
}

static int
snapshot_reader_say(struct snapshot_reader *reader, const char *const *words, int count,
                    char error[REDIS_ERROR_BYTES])
{
    size_t bytes[SNAPSHOT_READ_WORDS_MAX];
    redisReply *reply;
    int result;

    for (int i = 0; i < count; i++)
        bytes[i] = strlen(words[i]);
    if (snapshot_reader_append(reader, words, bytes, count) != 0)
        return snapshot_reader_fail(reader, error);
    reply = snapshot_reader_get(reader, error);
    if (reply == NULL)
        return -1;
    result = reply->type == REDIS_REPLY_ERROR ? -1 : 0;
    if (result != 0) {
        snprintf(error, REDIS_ERROR_BYTES, "redis: %s", reply->str);
        snapshot_reader_close(reader);
    }
    freeReplyObject(reply);
    return result;
}

static int
snapshot_reader_log_in(struct snapshot_reader *reader, char error[REDIS_ERROR_BYTES])
{
    const struct config *config = reader->config;
    char password[REDIS_PASSWORD_BYTES], database[24];
    bool has_user = config->redis_user[0] != '\0';
    const char *auth[] = {"AUTH", has_user ? config->redis_user : password, password};
    const char *select[] = {"SELECT", database};

    if (redis_password(config, password, error) != 0) {
        snapshot_reader_close(reader);
        return -1;
    }
    snprintf(database, sizeof database, "%lld", (long long)config->redis_database);
    if (password[0] != '\0' && snapshot_reader_say(reader, auth, has_user ? 3 : 2, error) != 0)
        return -1;
    return config->redis_database == 0 ? 0 : snapshot_reader_say(reader, select, 2, error);
}

static int
snapshot_reader_connect(struct snapshot_reader *reader, char error[REDIS_ERROR_BYTES])
{
    int64_t timeout_ms = reader->config->redis_timeout_ms;
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    char host[CONFIG_HOST_BYTES];
    int port = 0;

    if (reader->context != NULL)
        return 0;
    (void)config_split_redis(reader->config->redis, host, &port);
    reader->context = port == 0 ? reader->calls->connect_unix(reader->config->redis, timeout)
                                : reader->calls->connect(host, port, timeout);
    if (reader->context == NULL || reader->context->err != 0 ||
        redisSetTimeout(reader->context, timeout) != REDIS_OK)
        return snapshot_reader_fail(reader, error);
    return snapshot_reader_log_in(reader, error);
}

/* ---- heads ---- */

/* Not there, or no text: out stays empty. Any other refusal (it loads its dump, it wants a password) says
 * nothing about what is there. */
static int
snapshot_reader_take_text(struct snapshot_reader *reader, struct buffer *out, char error[REDIS_ERROR_BYTES])
{
    redisReply *reply = snapshot_reader_get(reader, error);
    int result = 0;

    if (reply == NULL)
        return -1;
    if (reply->type == REDIS_REPLY_STRING)
        buffer_append(out, reply->str, reply->len);
    else if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "WRONGTYPE", strlen("WRONGTYPE")) != 0) {
        snprintf(error, REDIS_ERROR_BYTES, "redis: %s", reply->str);
        snapshot_reader_close(reader);
        result = -1;
    }
    freeReplyObject(reply);
    return result;
}

static int
snapshot_reader_ask(struct snapshot_reader *reader, const struct buffer *name, char error[REDIS_ERROR_BYTES])
{
    const char *words[] = {"GET", name->at};
    const size_t bytes[] = {3, name->bytes};

    return snapshot_reader_append(reader, words, bytes, 2) == 0 ? 0 : snapshot_reader_fail(reader, error);
}

int
snapshot_reader_heads(struct snapshot_reader *reader, int32_t partition, int64_t now_mono_ms,
                      struct buffer *out_head, struct buffer *out_before, char error[REDIS_ERROR_BYTES])
{
    const char *prefix = reader->config->prefix;
    struct buffer head = {0}, before = {0};
    int result = -1;

    if (reader->failed && reader->again_mono_ms == 0)
        reader->again_mono_ms = now_mono_ms + SNAPSHOT_READ_AGAIN_MS;
    if (reader->failed && now_mono_ms < reader->again_mono_ms) {
        memcpy(error, reader->error, sizeof reader->error);
        return -1;
    }
    reader->failed = false;
    reader->again_mono_ms = 0;
    snapshot_name_head(&head, prefix, partition);
    snapshot_name_before(&before, prefix, partition);
    if (snapshot_reader_connect(reader, error) == 0 && snapshot_reader_ask(reader, &head, error) == 0 &&
        snapshot_reader_ask(reader, &before, error) == 0 &&
        snapshot_reader_take_text(reader, out_head, error) == 0)
        result = snapshot_reader_take_text(reader, out_before, error);
    buffer_free(&head);
    buffer_free(&before);
    return result;
}

/* ---- buckets ---- */

/* Whether records can be taken off it: then restore_plan_take can. */
static bool
snapshot_content_is_sound(struct slice content)
{
    struct slice key, value;
    uint64_t has_value;

    while (content.bytes > 0)
        if (varint_get_slice(&content, &key) != 0 || varint_get(&content, &has_value) != 0 ||
            has_value != 1 || varint_get_slice(&content, &value) != 0 || key.bytes == 0)
            return false;
    return true;
}

/* The answer to a GET, appended. */
static int
snapshot_reader_take_value(struct snapshot_reader *reader, struct buffer *out, char error[REDIS_ERROR_BYTES])
{
    redisReply *reply = snapshot_reader_get(reader, error);
    int result = -1;

    if (reply == NULL)
        return -1;
    if (reply->type == REDIS_REPLY_ERROR)
        snprintf(error, REDIS_ERROR_BYTES, "redis: %s", reply->str);
    else if (reply->type != REDIS_REPLY_STRING)
        snprintf(error, REDIS_ERROR_BYTES, "a bucket is missing");
    else {
        buffer_append(out, reply->str, reply->len);
        result = 0;
    }
    freeReplyObject(reply);
    return result;
}

static int
snapshot_give_bucket(const struct snapshot_bucket *bucket, uint32_t number, struct slice content,
                     const struct snapshot_taker *taker, char error[REDIS_ERROR_BYTES])
{
    bool is_part = taker->take_part != NULL;

    if (!snapshot_bucket_is(bucket, content) || (!is_part && !snapshot_content_is_sound(content)))
        snprintf(error, REDIS_ERROR_BYTES, "a bucket is not what its head says");
    else if (!(is_part ? taker->take_part(taker->context, number, content)
                       : taker->take(taker->context, content)))
        snprintf(error, REDIS_ERROR_BYTES, is_part ? "a part cannot be read" : "stopped");
    else
        return 0;
    return -1;
}

/* The pieces behind the first, one at a time: they are few. What was asked for ahead has been answered. */
static int
snapshot_reader_take_pieces(struct snapshot_reader *reader, int32_t partition,
                            const struct snapshot_head *head, uint32_t number, struct buffer *content,
                            char error[REDIS_ERROR_BYTES])
{
    struct buffer name = {0};
    int result = 0;

    for (size_t piece = 1; result == 0 && content->bytes < head->buckets[number].bytes; piece++) {
        size_t before = content->bytes;

        buffer_reset(&name);
        snapshot_name_bucket(&name, reader->config->prefix, partition, head, number);
        snapshot_name_piece(&name, piece);
        result = snapshot_reader_ask(reader, &name, error);
        if (result == 0)
            result = snapshot_reader_take_value(reader, content, error);
        if (result == 0 && content->bytes == before) {
            snprintf(error, REDIS_ERROR_BYTES, "a bucket is not what its head says");
            result = -1;
        }
    }
    buffer_free(&name);
    return result;
}

/* The next bucket that has a name, from *bucket on. false: there is none. */
static bool
snapshot_next_named(const struct snapshot_head *head, uint32_t *bucket)
{
    while (*bucket < head->buckets_count && head->buckets[*bucket].epoch == 0)
        ++*bucket;
    return *bucket < head->buckets_count;
}

/* Some buckets, asked for ahead and then taken: numbers[0 .. count). */
static int
snapshot_reader_take_some(struct snapshot_reader *reader, int32_t partition, const struct snapshot_head *head,
                          const uint32_t *numbers, size_t count, const struct snapshot_taker *taker,
                          char error[REDIS_ERROR_BYTES])
{
    struct buffer contents[SNAPSHOT_READ_AHEAD] = {{0}}, name = {0};
    int result = 0;

    for (size_t i = 0; result == 0 && i < count; i++) {
        buffer_reset(&name);
        snapshot_name_bucket(&name, reader->config->prefix, partition, head, numbers[i]);
        result = snapshot_reader_ask(reader, &name, error);
    }
    for (size_t i = 0; result == 0 && i < count; i++)
        result = snapshot_reader_take_value(reader, &contents[i], error);
    for (size_t i = 0; result == 0 && i < count; i++) {
        result = snapshot_reader_take_pieces(reader, partition, head, numbers[i], &contents[i], error);
        if (result == 0)
            result = snapshot_give_bucket(&head->buckets[numbers[i]], numbers[i], buffer_slice(&contents[i]),
                                          taker, error);
    }
    for (size_t i = 0; i < count; i++)
        buffer_free(&contents[i]);
    buffer_free(&name);
    return result;
}

int
snapshot_reader_buckets(struct snapshot_reader *reader, int32_t partition, const struct snapshot_head *head,
                        const struct snapshot_taker *taker, char error[REDIS_ERROR_BYTES])
{
    int result = snapshot_reader_connect(reader, error);
    uint32_t next = 0;

    while (result == 0) {
        uint32_t numbers[SNAPSHOT_READ_AHEAD];
        size_t count = 0;

        while (count < SNAPSHOT_READ_AHEAD && snapshot_next_named(head, &next))
            numbers[count++] = next++;
        if (count == 0)
            break;
        result = snapshot_reader_take_some(reader, partition, head, numbers, count, taker, error);
    }
    if (result != 0) /* answers may be on their way */
        snapshot_reader_close(reader);
    return result;
}
