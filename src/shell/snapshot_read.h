#ifndef SLAD_SHELL_SNAPSHOT_READ_H
#define SLAD_SHELL_SNAPSHOT_READ_H

/*
 * Snapshots read back: the loader thread's own connection to Redis, which may wait, but never longer than
 * redis_timeout for an answer. What Redis holds is a stranger's: every bucket is compared with what its head
 * says and looked at record by record before anybody gets it.
 */
#include "shell/config.h"
#include "shell/redis.h"
#include "shell/snapshot_plan.h"
#include <hiredis/hiredis.h>

struct snapshot_reader;

/* Every call to the outside, so that tests can make the Nth one fail. */
struct snapshot_reader_calls {
    redisContext *(*connect)(const char *address, int port, const struct timeval timeout);
    redisContext *(*connect_unix)(const char *path, const struct timeval timeout);
    int (*append)(redisContext *context, int words_count, const char **words, const size_t *bytes);
    int (*get)(redisContext *context, void **ret_reply);
};
extern const struct snapshot_reader_calls snapshot_reader_calls_real;

/* config is borrowed and outlives it; calls NULL: the real ones. Never NULL; connects when it is asked
 * something. One thread at a time. */
struct snapshot_reader *snapshot_reader_new(const struct config *config,
                                            const struct snapshot_reader_calls *calls);
void snapshot_reader_free(struct snapshot_reader *reader); /* NULL is fine */

/* What stands in the places of a task's two heads, as it is (empty: nothing). 0, or -1 when Redis does not
 * answer: error says why. After a failure it is not asked again for some seconds: a Redis that hangs costs
 * one time-out, not one a task. */
int snapshot_reader_heads(struct snapshot_reader *reader, int32_t partition, int64_t now_mono_ms,
                          struct buffer *out_head, struct buffer *out_before, char error[REDIS_ERROR_BYTES]);
/* Every bucket of a head: take is called with the sound content of each, which it may give away a copy of; it
 * returns false to stop. 0, or -1: a bucket is missing, is not what the head says, or Redis does not answer.
 */
struct snapshot_taker {
    bool (*take)(void *context, struct slice content);
    void *context;
    bool (*take_part)(void *context, uint32_t part, struct slice content); /* in place of take: a score
                                                                            * task's, in ascending order */
};
int snapshot_reader_buckets(struct snapshot_reader *reader, int32_t partition,
                            const struct snapshot_head *head, const struct snapshot_taker *taker,
                            char error[REDIS_ERROR_BYTES]);

#endif
