/*
 * A policy version as records of slad.state.
 *
 * What: a version to bytes and back, the bytes to chunks and back.
 *
 * Why so: what a promise is judged by must not depend on the disk of the process that happens to hold the
 * task. The hash is made of text and zone files, so these are what is kept, and a version that comes back is
 * the one that was written or none.
 *
 * Always true: equal versions are equal bytes, chunk by chunk, whoever writes them: chunks of two writers may
 * be mixed. What is put together is believed only when its hash is its id.
 *
 * Not here: which versions are in force (policy_book.c), when they are written (task.c).
 */
#include "shell/policy_record.h"
#include "base/memory.h"
#include "base/panic.h"
#include "wire/policy_yaml.h"
#include <string.h>

/* ---- ids ---- */

struct slice
policy_record_id(const struct policy *policy)
{
    return (struct slice){(const char *)policy->hash, POLICY_ID_BYTES};
}

struct slice
policy_ids_get(struct slice ids, size_t i)
{
    must(i < policy_ids_count(ids));
    return (struct slice){ids.at + i * POLICY_ID_BYTES, POLICY_ID_BYTES};
}

/* Where it is, or belongs. */
static size_t
policy_ids_place(struct slice ids, struct slice id)
{
    size_t i = 0;

    while (i < policy_ids_count(ids) && slice_compare(policy_ids_get(ids, i), id) < 0)
        i++;
    return i;
}

bool
policy_ids_has(struct slice ids, struct slice id)
{
    size_t place = policy_ids_place(ids, id);

    return place < policy_ids_count(ids) && slice_equal(policy_ids_get(ids, place), id);
}

void
policy_ids_add(struct buffer *ids, struct slice id)
{
    size_t at = policy_ids_place(buffer_slice(ids), id) * POLICY_ID_BYTES;

    must(id.bytes == POLICY_ID_BYTES);
    if (policy_ids_has(buffer_slice(ids), id))
        return;
    (void)buffer_reserve(ids, POLICY_ID_BYTES);
    memmove(ids->at + at + POLICY_ID_BYTES, ids->at + at, ids->bytes - at);
    memcpy(ids->at + at, id.at, POLICY_ID_BYTES);
    buffer_advance(ids, POLICY_ID_BYTES);
}

/* ---- the source ---- */

void
policy_record_source(const struct policy *policy, struct buffer *out)
{
    buffer_append_varint(out, POLICY_RECORD_FORMAT);
    buffer_append_varint_slice(out, policy->text);
    buffer_append_varint(out, policy->zones_count);
    for (size_t i = 0; i < policy->zones_count; i++) {
        buffer_append_varint_slice(out, policy->zones[i].name);
        buffer_append_varint_slice(out, policy->zones[i].bytes);
    }
}

/* What follows the text is left in *source. */
static int
policy_record_open(struct slice *source, struct slice *ret_text)
{
    uint64_t format;

    return varint_get(source, &format) != 0 || format != POLICY_RECORD_FORMAT ||
                   varint_get_slice(source, ret_text) != 0
               ? -1
               : 0;
}

struct slice
policy_record_text(struct slice source)
{
    struct slice text;

    must(policy_record_open(&source, &text) == 0);
    return text;
}

/* A zone out of the source. */
static int
policy_record_read_zone(void *context, struct slice wanted, struct buffer *out)
{
    struct slice rest = *(const struct slice *)context, name, bytes;
    uint64_t count;

    if (varint_get(&rest, &count) != 0)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        if (varint_get_slice(&rest, &name) != 0 || varint_get_slice(&rest, &bytes) != 0)
            return -1;
        if (!slice_equal(name, wanted))
            continue;
        buffer_append_slice(out, bytes);
        return 0;
    }
    return -1;
}

struct policy *
policy_record_load(struct slice source, struct slice id, struct symbols *symbols,
                   struct policy_error *ret_error)
{
    const struct slice file = slice_of("slad.state");
    struct slice zones = source, text;
    const struct policy_zone_reader reader = {&zones, policy_record_read_zone};
    struct policy *policy;

    if (policy_record_open(&zones, &text) != 0) {
        *ret_error = (struct policy_error){.file = file};
        policy_error_set(ret_error, POLICY_ERROR_UNREADABLE, 1, 1, "it was kept by a newer version of slad");
        return NULL;
    }
    policy = policy_yaml_load(text, file, &reader, symbols, ret_error);
    if (policy != NULL && !slice_equal(policy_record_id(policy), id)) {
        policy_free(policy);
        *ret_error = (struct policy_error){.file = file};
        policy_error_set(ret_error, POLICY_ERROR_UNREADABLE, 1, 1, "it is not what its hash says");
        return NULL;
    }
    return policy;
}

/* ---- records ---- */

static void
policy_record_name(const char *prefix, struct slice version, struct slice id, size_t chunk,
                   struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";

    buffer_append_text(out, prefix);
    buffer_append_slice(out, version);
    buffer_append_byte(out, '@');
    for (size_t i = 0; i < id.bytes; i++) {
        buffer_append_byte(out, digits[(unsigned char)id.at[i] >> 4]);
        buffer_append_byte(out, digits[(unsigned char)id.at[i] & 15]);
    }
    buffer_append_byte(out, '/');
    buffer_append_int64(out, (int64_t)chunk);
}

static bool
policy_record_begins(struct slice key, const char *prefix)
{
    const size_t bytes = strlen(prefix);

    return key.bytes > bytes && memcmp(key.at, prefix, bytes) == 0;
}

void
policy_record_key(struct slice version, struct slice id, size_t chunk, struct buffer *out)
{
    policy_record_name(POLICY_RECORD_PREFIX, version, id, chunk, out);
}

bool
policy_record_is(struct slice key)
{
    return policy_record_begins(key, POLICY_RECORD_PREFIX);
}

void
policy_record_scores_key(struct slice version, struct slice id, size_t chunk, struct buffer *out)
{
    policy_record_name(POLICY_RECORD_SCORES_PREFIX, version, id, chunk, out);
}

bool
policy_record_is_scores(struct slice key)
{
    return policy_record_begins(key, POLICY_RECORD_SCORES_PREFIX);
}

size_t
policy_record_chunks(struct slice source)
{
    return (source.bytes + POLICY_RECORD_CHUNK_BYTES - 1) / POLICY_RECORD_CHUNK_BYTES;
}

void
policy_record_chunk(struct slice id, struct slice source, size_t chunk, struct buffer *out)
{
    size_t at = chunk * POLICY_RECORD_CHUNK_BYTES, left = source.bytes - at;

    must(chunk < policy_record_chunks(source));
    buffer_append_varint(out, POLICY_RECORD_FORMAT);
    buffer_append_slice(out, id);
    buffer_append_varint(out, source.bytes);
    buffer_append_varint(out, chunk);
    buffer_append(out, source.at + at, left < POLICY_RECORD_CHUNK_BYTES ? left : POLICY_RECORD_CHUNK_BYTES);
}

/* ---- putting together ---- */

struct policy_gathered {
    char id[POLICY_ID_BYTES];
    struct buffer source;
    bool *has; /* by chunk; NULL: none has come */
    size_t has_count;
};

void
policy_gather_init(struct policy_gather *gather, struct slice ids)
{
    gather->count = policy_ids_count(ids);
    gather->versions = memory_allocate_zeroed(gather->count + 1, sizeof *gather->versions);
    for (size_t i = 0; i < gather->count; i++)
        memcpy(gather->versions[i].id, policy_ids_get(ids, i).at, POLICY_ID_BYTES);
}

void
policy_gather_done(struct policy_gather *gather)
{
    for (size_t i = 0; i < gather->count; i++) {
        buffer_free(&gather->versions[i].source);
        memory_free(gather->versions[i].has);
    }
    memory_free(gather->versions);
}

static void
policy_gather_put(struct policy_gathered *version, uint64_t bytes, uint64_t chunk, struct slice part)
{
    uint64_t at = chunk * POLICY_RECORD_CHUNK_BYTES;

    if (version->has == NULL) {
        (void)buffer_reserve(&version->source, (size_t)bytes);
        buffer_advance(&version->source, (size_t)bytes);
        version->has = memory_allocate_zeroed(policy_record_chunks(buffer_slice(&version->source)), 1);
    }
    if (bytes != version->source.bytes || version->has[chunk])
        return;
    memcpy(version->source.at + at, part.at, part.bytes);
    version->has[chunk] = true;
    version->has_count++;
}

void
policy_gather_take(struct policy_gather *gather, struct slice value)
{
    struct slice id = {NULL, POLICY_ID_BYTES};
    uint64_t format, bytes, chunk, left;

    if (varint_get(&value, &format) != 0 || format != POLICY_RECORD_FORMAT || value.bytes < POLICY_ID_BYTES)
        return;
    id.at = value.at;
    value.at += POLICY_ID_BYTES;
    value.bytes -= POLICY_ID_BYTES;
    if (varint_get(&value, &bytes) != 0 || varint_get(&value, &chunk) != 0 || bytes == 0 ||
        bytes > POLICY_RECORD_SOURCE_BYTES_MAX || chunk > (bytes - 1) / POLICY_RECORD_CHUNK_BYTES)
        return;
    left = bytes - chunk * POLICY_RECORD_CHUNK_BYTES;
    if (value.bytes != (left < POLICY_RECORD_CHUNK_BYTES ? left : POLICY_RECORD_CHUNK_BYTES))
        return;
    for (size_t i = 0; i < gather->count; i++)
        if (memcmp(gather->versions[i].id, id.at, POLICY_ID_BYTES) == 0)
            policy_gather_put(&gather->versions[i], bytes, chunk, value);
}

bool
policy_gather_get(const struct policy_gather *gather, size_t i, struct slice *ret_id,
                  struct slice *ret_source)
{
    const struct policy_gathered *version = &gather->versions[i];

    must(i < gather->count);
    *ret_id = (struct slice){version->id, POLICY_ID_BYTES};
    *ret_source = buffer_slice(&version->source);
    return version->has != NULL && version->has_count == policy_record_chunks(*ret_source);
}
