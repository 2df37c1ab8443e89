#ifndef SLAD_SHELL_BATCH_H
#define SLAD_SHELL_BATCH_H

/*
 * What one task says in one epoch: records for topics, in order, as bytes that can be sent again as they are.
 *
 * A record is written in three steps: batch_begin with its key, appends to batch_value(), batch_headers_* and
 * batch_end. Everything lies in one growing piece of memory; pointers into it are good from the batch's last
 * append on.
 */
#include "base/buffer.h"
#include "base/slice.h"
#include "shell/topics.h"
#include <stdbool.h>
#include <stdint.h>

struct batch;

struct batch_record {
    enum topic topic;
    int32_t partition;
    struct slice key;     /* at NULL: none */
    struct slice value;   /* at NULL: a tombstone */
    struct slice headers; /* what batch_header_next reads */
};

struct batch *batch_new(void);
void batch_free(struct batch *batch); /* NULL is fine */
/* Empty again. It keeps its memory for the next epoch, unless it holds many times of what this one needed. */
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
