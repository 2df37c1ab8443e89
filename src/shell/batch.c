/*
 * What one task says in one epoch.
 *
 * What: one buffer with keys, values and headers one behind the other, and an array that says where each
 * begins.
 *
 * Why so: a retry must carry exactly the same bytes, and only those of tasks still owned: so what is sent is
 * made once and cut by task. One piece of memory is one allocation, and librdkafka sends from it without a
 * copy. Two batches a task take turns, so that an epoch of megabytes is not new memory each time.
 *
 * Always true: offsets, not pointers, are kept while the batch grows; a record is whole or not there.
 *
 * Not here: who sends it (transaction.c).
 */
#include "shell/batch.h"
#include "base/memory.h"
#include "base/panic.h"
#include <sys/mman.h>

struct batch_entry {
    enum topic topic;
    int32_t partition;
    bool has_key, has_value;
    size_t key_at, value_at, headers_at, end_at;
};

enum {
    BATCH_KEPT_BYTES = 65536,
    BATCH_KEPT_TIMES = 16,
    BATCH_AHEAD_BYTES = 1 << 20, /* pages asked for together, in batches of more than this */
    BATCH_RECORD_BYTES = 1 << 16,
    BATCH_PAGE_BYTES = 4096
};

struct batch {
    struct buffer bytes;
    struct batch_entry *entries;
    size_t count, room;
    size_t there_bytes; /* whose pages were asked for */
    bool open;          /* between begin and end */
    bool headers_open;  /* the value is complete */
};

struct batch *
batch_new(void)
{
    return memory_allocate_zeroed(1, sizeof(struct batch));
}

void
batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    buffer_free(&batch->bytes);
    memory_free(batch->entries);
    memory_free(batch);
}

void
batch_reset(struct batch *batch)
{
    must(!batch->open);
    if (batch->bytes.room > BATCH_KEPT_BYTES && batch->bytes.room / BATCH_KEPT_TIMES > batch->bytes.bytes) {
        buffer_free(&batch->bytes);
        memory_free(batch->entries);
        batch->entries = NULL;
        batch->room = batch->there_bytes = 0;
    }
    buffer_reset(&batch->bytes);
    batch->count = 0;
}

/* A large batch is new memory the first time, and a page that comes when it is written costs as much as
 * printing what goes onto it. Where the system cannot do this, nothing changes. */
static void
batch_ask_for_pages(struct batch *batch)
{
    size_t to_bytes = batch->bytes.bytes + BATCH_RECORD_BYTES + BATCH_AHEAD_BYTES;
    uintptr_t at = (uintptr_t)batch->bytes.at, from = at + batch->there_bytes, to;

    if (to_bytes > batch->bytes.room)
        to_bytes = batch->bytes.room;
    to = at + to_bytes;
    from = (from + BATCH_PAGE_BYTES - 1) & ~(uintptr_t)(BATCH_PAGE_BYTES - 1);
    to &= ~(uintptr_t)(BATCH_PAGE_BYTES - 1);
    batch->there_bytes = to_bytes;
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_POPULATE_WRITE);
}

void
batch_begin(struct batch *batch, enum topic topic, int32_t partition, struct slice key)
{
    struct batch_entry *entry;

    must(!batch->open);
    if (batch->count == batch->room) {
        batch->room = batch->room == 0 ? 64 : batch->room * 2;
        batch->entries = memory_resize(batch->entries, batch->room * sizeof *batch->entries);
    }
    entry = &batch->entries[batch->count];
    *entry = (struct batch_entry){.topic = topic, .partition = partition, .has_key = key.at != NULL};
    entry->key_at = batch->bytes.bytes;
    buffer_append_slice(&batch->bytes, key);
    entry->value_at = batch->bytes.bytes;
    if (batch->bytes.bytes > BATCH_AHEAD_BYTES && batch->there_bytes < batch->bytes.room &&
        batch->bytes.bytes + BATCH_RECORD_BYTES > batch->there_bytes)
        batch_ask_for_pages(batch);
    batch->open = true;
    batch->headers_open = false;
}

struct buffer *
batch_value(struct batch *batch)
{
    must(batch->open && !batch->headers_open);
    batch->entries[batch->count].has_value = true;
    return &batch->bytes;
}

void
batch_drop_value(struct batch *batch)
{
    must(batch->open && !batch->headers_open);
    must(batch->bytes.bytes == batch->entries[batch->count].value_at);
    batch->entries[batch->count].has_value = false;
}

static void
batch_end_value(struct batch *batch)
{
    if (!batch->headers_open)
        batch->entries[batch->count].headers_at = batch->bytes.bytes;
    batch->headers_open = true;
}

char *
batch_reserve_headers(struct batch *batch, size_t bytes_max)
{
    must(batch->open);
    batch_end_value(batch);
    return buffer_reserve(&batch->bytes, bytes_max);
}

void
batch_took_headers(struct batch *batch, const char *end)
{
    size_t bytes = (size_t)(end - (batch->bytes.at + batch->bytes.bytes));

    must(bytes <= batch->bytes.room - batch->bytes.bytes);
    buffer_advance(&batch->bytes, bytes);
}

void
batch_header(struct batch *batch, struct slice name, struct slice value)
{
    char *at = batch_reserve_headers(batch, name.bytes + value.bytes + BATCH_HEADER_BYTES_MAX);

    batch_took_headers(batch, batch_put_header(at, name, value));
}

void
batch_end(struct batch *batch)
{
    must(batch->open);
    batch_end_value(batch);
    batch->entries[batch->count].end_at = batch->bytes.bytes;
    batch->count++;
    batch->open = false;
}

size_t
batch_count(const struct batch *batch)
{
    return batch->count;
}

size_t
batch_bytes(const struct batch *batch)
{
    return batch->bytes.bytes + batch->count * sizeof *batch->entries;
}

size_t
batch_room_bytes(const struct batch *batch)
{
    return batch->bytes.room;
}

struct batch_record
batch_get(const struct batch *batch, size_t i)
{
    const struct batch_entry *entry = &batch->entries[i];
    const char *at = buffer_slice(&batch->bytes).at;

    must(i < batch->count);
    return (struct batch_record){
        .topic = entry->topic,
        .partition = entry->partition,
        .key = {entry->has_key ? at + entry->key_at : NULL, entry->value_at - entry->key_at},
        .value = {entry->has_value ? at + entry->value_at : NULL, entry->headers_at - entry->value_at},
        .headers = {at + entry->headers_at, entry->end_at - entry->headers_at},
    };
}

bool
batch_header_next(struct slice *headers, struct slice *ret_name, struct slice *ret_value)
{
    uint64_t has_value;

    if (headers->bytes == 0)
        return false;
    must(varint_get_slice(headers, ret_name) == 0 && varint_get(headers, &has_value) == 0 &&
         varint_get_slice(headers, ret_value) == 0);
    if (has_value == 0)
        ret_value->at = NULL;
    return true;
}
