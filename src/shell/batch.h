#ifndef SLAD_SHELL_BATCH_H
#define SLAD_SHELL_BATCH_H

/*
 * What one task says in one epoch: records for topics, in order, as bytes that can be sent again as they are.
 *
 * A record is written in three steps: batch_begin with its key, appends to batch_value(), batch_headers_* and
 * batch_end. Each record lies in one piece of memory. What batch_get returns points into it: good until the
 * next record begins, which may move those before it, or the batch is reset or freed.
 */
#include "base/buffer.h"
#include "base/slice.h"
#include "shell/topics.h"
#include <stdbool.h>
#include <stdint.h>

struct batch;
/* Pieces of memory that batches take from and give back to. Its functions, and those of batches that share
 * it, may be called from several threads at once. */
struct batch_store;

struct batch_record {
    enum topic topic;
    int32_t partition;
    struct slice key;     /* at NULL: none */
    struct slice value;   /* at NULL: a tombstone */
    struct slice headers; /* what batch_header_next reads */
};

struct batch_store *batch_store_new(void);
void batch_store_free(struct batch_store *store); /* NULL is fine; after every batch that was made with it */
/* To be called now and then: what lay there unused ever since the last call goes back to the system. */
void batch_store_trim(struct batch_store *store);
size_t batch_store_bytes(struct batch_store *store); /* what lies there unused */

/* store NULL: its memory comes from and goes to the heap. The store must outlive it. */
struct batch *batch_new(struct batch_store *store);
void batch_free(struct batch *batch); /* NULL is fine */
/* Empty again: what is large goes to the store. It keeps little more than a hundred kilobytes of its own, and
 * remembers how much it needed. */
void batch_reset(struct batch *batch);

void batch_begin(struct batch *batch, enum topic topic, int32_t partition, struct slice key);
/* Append the value here. A record whose value nobody asked for is a tombstone. */
struct buffer *batch_value(struct batch *batch);
/* Nothing was appended after all: the record is a tombstone. */
void batch_drop_value(struct batch *batch);
/* After the value. Both texts are copied; value.at NULL is a header without value. */
void batch_header(struct batch *batch, struct slice name, struct slice value);
/* The same for several at once: room for so many bytes (BATCH_HEADER_BYTES_MAX for each beside its texts),
 * batch_put_header for each, and where the last one ended. */
enum { BATCH_HEADER_BYTES_MAX = 2 * VARINT_BYTES_MAX + 1 };
char *batch_reserve_headers(struct batch *batch, size_t bytes_max);
void batch_took_headers(struct batch *batch, const char *end);
/* Encodes one; returns where it ends. Inline: of a name that is a literal only the copy is left. */
static inline char *
batch_put_header(char *at, struct slice name, struct slice value)
{
    at += varint_put(at, name.bytes);
    memcpy(at, name.at, name.bytes);
    at += name.bytes;
    *at++ = value.at != NULL;
    at += varint_put(at, value.bytes);
    if (value.bytes > 0)
        memcpy(at, value.at, value.bytes);
    return at + value.bytes;
}
void batch_end(struct batch *batch);

size_t batch_count(const struct batch *batch);
size_t batch_bytes(const struct batch *batch);
size_t batch_room_bytes(const struct batch *batch); /* what it holds for keys, values and headers */
struct batch_record batch_get(const struct batch *batch, size_t i);
/* Takes the next header off *headers; false at the end. */
bool batch_header_next(struct slice *headers, struct slice *ret_name, struct slice *ret_value);

#endif
