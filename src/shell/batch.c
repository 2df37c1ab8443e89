/*
 * What one task says in one epoch.
 *
 * What: pieces of memory with keys, values and headers one behind the other, and an array that says where
 * each begins. A store of pieces that all batches of a process share.
 *
 * Why so: a retry must carry exactly the same bytes, and only those of tasks still owned: so what is sent is
 * made once and cut by task. librdkafka sends from it without a copy. One buffer that grows would copy
 * megabytes each time it is full, to memory nobody has touched yet: that was two thirds of a backlog's page
 * faults. Pieces stay where they are, and the next epoch, whosever task it is, writes on the warm ones of the
 * one before. There may be hundreds of tasks and each has two batches, so one that waits holds next to
 * nothing; how much the last epoch needed is asked for at once when the next one begins.
 *
 * Always true: offsets, not pointers, are kept while records are added; a record is whole or not there, and
 * lies in one piece; what the store holds has exactly BATCH_PIECE_BYTES; an empty batch holds no more than
 * BATCH_KEPT_BYTES and BATCH_KEPT_ENTRIES.
 *
 * Not here: who sends it (transaction.c).
 */
#include "shell/batch.h"
#include "base/memory.h"
#include "base/panic.h"
#include <pthread.h>
#include <sys/mman.h>

struct batch_entry {
    enum topic topic;
    int32_t partition;
    uint32_t piece;
    bool has_key, has_value;
    size_t key_at, value_at, headers_at, end_at; /* in its piece */
};

enum {
    BATCH_PIECE_BYTES = 1 << 20,
    BATCH_RECORD_BYTES =
        1 << 16, /* so much is left when a record begins; a larger one makes its piece grow */
    BATCH_KEPT_BYTES = 1 << 16,
    BATCH_KEPT_ENTRIES = 1024,
    BATCH_PAGE_BYTES = 4096
};

struct batch_store {
    pthread_mutex_t lock;
    char **pieces;
    size_t count, room;
    size_t idle_count; /* as few as there ever were since the last trim */
};

struct batch {
    struct batch_store *store; /* NULL: none */
    struct buffer *pieces;     /* the first is the batch's own and grows from nothing; there is always one */
    size_t pieces_count, pieces_room;
    size_t full_bytes; /* in all pieces but the last */
    struct batch_entry *entries;
    size_t count, room;
    size_t before_bytes, before_count; /* what the epoch before had in the first piece, and of records */
    bool open;                         /* between begin and end */
    bool headers_open;                 /* the value is complete */
};

/* ---- pages ---- */

/* What lies whole inside a piece: others may have the ends of the first and the last page. */
static void
batch_advise(char *piece, int advice)
{
    uintptr_t from = ((uintptr_t)piece + BATCH_PAGE_BYTES - 1) & ~(uintptr_t)(BATCH_PAGE_BYTES - 1);
    uintptr_t to = ((uintptr_t)piece + BATCH_PIECE_BYTES) & ~(uintptr_t)(BATCH_PAGE_BYTES - 1);

    (void)madvise((void *)from, to - from, advice);
}

/* New memory comes a page at a time when it is written, which costs as much as printing what goes onto it:
 * all of a piece is asked for at once. Where the system cannot do this, nothing changes. */
static char *
batch_piece_new(void)
{
    char *piece = memory_allocate(BATCH_PIECE_BYTES);

    batch_advise(piece, MADV_POPULATE_WRITE);
    return piece;
}

/* malloc would keep it, in the middle of its heap or at the end: the system gets its pages back. */
static void
batch_piece_free(char *piece)
{
    batch_advise(piece, MADV_DONTNEED);
    memory_free(piece);
}

/* ---- the store ---- */

struct batch_store *
batch_store_new(void)
{
    struct batch_store *store = memory_allocate_zeroed(1, sizeof *store);

    must(pthread_mutex_init(&store->lock, NULL) == 0);
    return store;
}

void
batch_store_free(struct batch_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        memory_free(store->pieces[i]);
    memory_free(store->pieces);
    must(pthread_mutex_destroy(&store->lock) == 0);
    memory_free(store);
}

void
batch_store_trim(struct batch_store *store)
{
    must(pthread_mutex_lock(&store->lock) == 0);
    for (; store->idle_count > 0; store->idle_count--)
        batch_piece_free(store->pieces[--store->count]);
    store->idle_count = store->count;
    must(pthread_mutex_unlock(&store->lock) == 0);
}

size_t
batch_store_bytes(struct batch_store *store)
{
    size_t bytes;

    must(pthread_mutex_lock(&store->lock) == 0);
    bytes = store->count * BATCH_PIECE_BYTES;
    must(pthread_mutex_unlock(&store->lock) == 0);
    return bytes;
}

static char *
batch_store_take(struct batch_store *store)
{
    char *piece = NULL;

    if (store != NULL) {
        must(pthread_mutex_lock(&store->lock) == 0);
        if (store->count > 0)
            piece = store->pieces[--store->count];
        if (store->idle_count > store->count)
            store->idle_count = store->count;
        must(pthread_mutex_unlock(&store->lock) == 0);
    }
    return piece != NULL ? piece : batch_piece_new();
}

static void
batch_store_put(struct batch_store *store, char *piece)
{
    must(pthread_mutex_lock(&store->lock) == 0);
    if (store->count == store->room) {
        store->room = store->room == 0 ? 16 : store->room * 2;
        store->pieces = memory_resize(store->pieces, store->room * sizeof *store->pieces);
    }
    store->pieces[store->count++] = piece;
    must(pthread_mutex_unlock(&store->lock) == 0);
}

/* ---- a batch ---- */

struct batch *
batch_new(struct batch_store *store)
{
    struct batch *batch = memory_allocate_zeroed(1, sizeof *batch);

    batch->store = store;
    batch->pieces = memory_allocate_zeroed(1, sizeof *batch->pieces);
    batch->pieces_count = batch->pieces_room = 1;
    return batch;
}

static struct buffer *
batch_piece(const struct batch *batch)
{
    return &batch->pieces[batch->pieces_count - 1];
}

static void
batch_give_back(struct batch *batch, struct buffer *piece)
{
    if (batch->store != NULL && piece->room == BATCH_PIECE_BYTES)
        batch_store_put(batch->store, piece->at);
    else
        buffer_free(piece);
    *piece = (struct buffer){0};
}

/* All but the first. */
static void
batch_give_back_pieces(struct batch *batch)
{
    for (; batch->pieces_count > 1; batch->pieces_count--)
        batch_give_back(batch, batch_piece(batch));
    batch->full_bytes = 0;
}

void
batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    batch_give_back_pieces(batch);
    batch_give_back(batch, &batch->pieces[0]);
    memory_free(batch->pieces);
    memory_free(batch->entries);
    memory_free(batch);
}

static void
batch_resize_entries(struct batch *batch, size_t room)
{
    batch->room = room;
    batch->entries = memory_resize(batch->entries, room * sizeof *batch->entries);
}

void
batch_reset(struct batch *batch)
{
    struct buffer *own = &batch->pieces[0];

    must(!batch->open);
    batch_give_back_pieces(batch);
    batch->before_bytes = own->bytes;
    batch->before_count = batch->count;
    if (own->room > BATCH_KEPT_BYTES)
        batch_give_back(batch, own);
    if (batch->room > BATCH_KEPT_ENTRIES) {
        memory_free(batch->entries);
        batch->entries = NULL;
        batch->room = 0;
    }
    buffer_reset(own);
    batch->count = 0;
}

/* The batch's own piece will be as large as any: then one that lies ready will do. */
static void
batch_move_to_piece(struct batch *batch, struct buffer *own)
{
    struct buffer piece = {.at = batch_store_take(batch->store), .room = BATCH_PIECE_BYTES};

    buffer_append_slice(&piece, buffer_slice(own));
    buffer_free(own);
    *own = piece;
}

/* As much as the epoch before needed: a backlog has many alike. */
static void
batch_begin_epoch(struct batch *batch)
{
    struct buffer *own = &batch->pieces[0];

    if (own->at == NULL && batch->before_bytes > BATCH_PIECE_BYTES / 2)
        *own = (struct buffer){.at = batch_store_take(batch->store), .room = BATCH_PIECE_BYTES};
    else if (own->at == NULL && batch->before_bytes > BATCH_KEPT_BYTES / 2)
        (void)buffer_reserve(own, batch->before_bytes);
    if (batch->room < batch->before_count)
        batch_resize_entries(batch, batch->before_count);
}

/* A record of the usual size finds room in the last piece as it is. */
static struct buffer *
batch_begin_piece(struct batch *batch)
{
    if (batch->pieces_count == batch->pieces_room) {
        batch->pieces_room *= 2;
        batch->pieces = memory_resize(batch->pieces, batch->pieces_room * sizeof *batch->pieces);
    }
    batch->full_bytes += batch_piece(batch)->bytes;
    batch->pieces[batch->pieces_count++] =
        (struct buffer){.at = batch_store_take(batch->store), .room = BATCH_PIECE_BYTES};
    return batch_piece(batch);
}

void
batch_begin(struct batch *batch, enum topic topic, int32_t partition, struct slice key)
{
    struct batch_entry *entry;
    struct buffer *piece;

    must(!batch->open);
    if (batch->count == 0)
        batch_begin_epoch(batch);
    piece = batch_piece(batch);
    if (piece->bytes > BATCH_PIECE_BYTES - BATCH_RECORD_BYTES)
        piece = batch_begin_piece(batch);
    else if (piece->bytes > BATCH_PIECE_BYTES / 2 - BATCH_RECORD_BYTES && piece->room < BATCH_PIECE_BYTES)
        batch_move_to_piece(batch, piece);
    if (batch->count == batch->room)
        batch_resize_entries(batch, batch->room == 0 ? 64 : batch->room * 2);
    entry = &batch->entries[batch->count];
    *entry = (struct batch_entry){.topic = topic,
                                  .partition = partition,
                                  .piece = (uint32_t)(batch->pieces_count - 1),
                                  .has_key = key.at != NULL};
    entry->key_at = piece->bytes;
    buffer_append_slice(piece, key);
    entry->value_at = piece->bytes;
    batch->open = true;
    batch->headers_open = false;
}

struct buffer *
batch_value(struct batch *batch)
{
    must(batch->open && !batch->headers_open);
    batch->entries[batch->count].has_value = true;
    return batch_piece(batch);
}

void
batch_drop_value(struct batch *batch)
{
    must(batch->open && !batch->headers_open);
    must(batch_piece(batch)->bytes == batch->entries[batch->count].value_at);
    batch->entries[batch->count].has_value = false;
}

static void
batch_end_value(struct batch *batch)
{
    if (!batch->headers_open)
        batch->entries[batch->count].headers_at = batch_piece(batch)->bytes;
    batch->headers_open = true;
}

char *
batch_reserve_headers(struct batch *batch, size_t bytes_max)
{
    must(batch->open);
    batch_end_value(batch);
    return buffer_reserve(batch_piece(batch), bytes_max);
}

void
batch_took_headers(struct batch *batch, const char *end)
{
    struct buffer *piece = batch_piece(batch);
    size_t bytes = (size_t)(end - (piece->at + piece->bytes));

    must(bytes <= piece->room - piece->bytes);
    buffer_advance(piece, bytes);
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
    batch->entries[batch->count].end_at = batch_piece(batch)->bytes;
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
    return batch->full_bytes + batch_piece(batch)->bytes + batch->count * sizeof *batch->entries;
}

size_t
batch_room_bytes(const struct batch *batch)
{
    size_t bytes = 0;

    for (size_t i = 0; i < batch->pieces_count; i++)
        bytes += batch->pieces[i].room;
    return bytes;
}

struct batch_record
batch_get(const struct batch *batch, size_t i)
{
    const struct batch_entry *entry = &batch->entries[i];
    const char *at;

    must(i < batch->count);
    at = buffer_slice(&batch->pieces[entry->piece]).at;
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
