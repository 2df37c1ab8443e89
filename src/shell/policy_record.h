#ifndef SLAD_SHELL_POLICY_RECORD_H
#define SLAD_SHELL_POLICY_RECORD_H

/*
 * A policy version as records of slad.state: its text and the zone files it names, so that a process without
 * the file has the version all the same. The whole is called the source; it goes in chunks, for a policy may
 * be larger than a record may be.
 *
 * A version's id is the beginning of its hash (text and zone files); several are written one behind the
 * other, in ascending order.
 */
#include "base/buffer.h"
#include "slad/policy.h"
#include "wire/policy_error.h"

#define POLICY_RECORD_PREFIX "~policy/"
#define POLICY_RECORD_SCORES_PREFIX "~scores/policy/"
enum {
    POLICY_ID_BYTES = 16,
    POLICY_RECORD_FORMAT = 1,
    POLICY_RECORD_CHUNK_BYTES = 256 * 1024,
    POLICY_RECORD_SOURCE_BYTES_MAX = 64 * 1024 * 1024
};

/* ---- ids ---- */

struct slice policy_record_id(const struct policy *policy); /* borrowed */
static inline size_t
policy_ids_count(struct slice ids)
{
    return ids.bytes / POLICY_ID_BYTES;
}
struct slice policy_ids_get(struct slice ids, size_t i);
bool policy_ids_has(struct slice ids, struct slice id);
/* Puts it in its place; one that is there already is not put twice. */
void policy_ids_add(struct buffer *ids, struct slice id);

/* ---- the source ---- */

/* The same bytes in every process that has this version. */
void policy_record_source(const struct policy *policy, struct buffer *out);
/* The version, when source is sound and of this id; NULL: *ret_error says why. symbols as policy_yaml_load.
 */
struct policy *policy_record_load(struct slice source, struct slice id, struct symbols *symbols,
                                  struct policy_error *ret_error);
/* The text in a source that policy_record_source made. Borrowed. */
struct slice policy_record_text(struct slice source);

/* ---- records ---- */

/* "~policy/VERSION@ID/CHUNK": VERSION for people. */
void policy_record_key(struct slice version, struct slice id, size_t chunk, struct buffer *out);
bool policy_record_is(struct slice key);
/* The same, of the versions that are in force for the scores: they lie in slad.state[0] besides, written by
 * whoever owns the scores, and are nothing to the task of that partition. "~scores/policy/VERSION@ID/CHUNK"
 */
void policy_record_scores_key(struct slice version, struct slice id, size_t chunk, struct buffer *out);
bool policy_record_is_scores(struct slice key);
size_t policy_record_chunks(struct slice source);
void policy_record_chunk(struct slice id, struct slice source, size_t chunk, struct buffer *out);

/* What is put together again. Zeroes are empty. */
struct policy_gather {
    struct policy_gathered *versions;
    size_t count;
};
/* Which ids are looked for. */
void policy_gather_init(struct policy_gather *gather, struct slice ids);
void policy_gather_done(struct policy_gather *gather);
/* A chunk as it was read. One that nobody looks for, or that is not sound, is ignored. */
void policy_gather_take(struct policy_gather *gather, struct slice value);
/* false: chunks are missing. *ret_source is borrowed. */
bool policy_gather_get(const struct policy_gather *gather, size_t i, struct slice *ret_id,
                       struct slice *ret_source);

#endif
