#ifndef SLAD_SHELL_SNAPSHOT_PLAN_H
#define SLAD_SHELL_SNAPSHOT_PLAN_H

/*
 * What a task's snapshot in Redis is made of, and every decision about it: which buckets are to be written
 * anew, their names, what the head says, when the head may be moved and over what, which names are garbage,
 * and whether a head that was found is of use to a loader. No I/O: the daemon carries it out (snapshot.c,
 * restore.c), the simulation carries it out on a model.
 *
 * A snapshot is a head and its buckets. The tickets of a task are spread over buckets by the hash of their
 * names; a bucket's content is records as restore_plan_take takes them. The head names its buckets; two
 * heads are kept. Whoever has loaded the buckets of a head reads slad.state[p] from head.state_offset on and
 * then has the state of the marker, whatever of that the buckets held already: the last record of a name
 * wins.
 */
#include "base/buffer.h"
#include "base/hash.h"
#include "shell/marker.h"
#include <stdbool.h>

enum {
    SNAPSHOT_FORMAT = 2, /* 1: a bucket has all its numbers, empty ones too; still read */
    SNAPSHOT_BUCKETS_MAX = 65536,
    SNAPSHOT_HEAD_BYTES_MAX =
        1024 * 1024 /* one that would be larger is not written; some 15 bytes a bucket */
};

/* ---- the head ---- */

struct snapshot_bucket {
    uint64_t epoch; /* the content saw at most this one; 0: the bucket is empty and has no name */
    uint64_t stamp; /* of the load of the task that wrote it */
    uint64_t bytes, hash;
};

struct snapshot_head {
    struct hash128 lineage;
    uint64_t epoch;         /* the last one that any bucket saw; committed before the head was moved */
    struct hash128 writer;  /* of that epoch's marker */
    int64_t state_offset;   /* next offset of slad.state[p] when the snapshot was begun */
    int64_t begun_at_ms;    /* wall */
    uint32_t buckets_count; /* a power of two */
    struct snapshot_bucket *buckets; /* owned */
};

/* Empty buckets take nothing, one written with its neighbours some 15 bytes. */
void snapshot_head_write(const struct snapshot_head *head, struct buffer *out);
/* 0, or -1 when the bytes are no sound head of a format this version reads: then nothing is owned. */
int snapshot_head_read(struct slice bytes, struct snapshot_head *ret_head);
void snapshot_head_done(struct snapshot_head *head); /* a head of zeroes is fine */

/* Whether these bytes are what the head meant. */
bool snapshot_bucket_is(const struct snapshot_bucket *bucket, struct slice bytes);
/* As engine_part has it: so a bucket is found without walking over the others. */
uint32_t snapshot_bucket_of(struct slice ticket, uint32_t buckets_count);

/* ---- names ---- */

/* The score task's, in place of a partition: P is "scores". */
enum { SNAPSHOT_SCORES = -1 };
/* prefix: of the installation. PREFIX:snapshot:P:head, and its predecessor PREFIX:snapshot:P:before. */
void snapshot_name_head(struct buffer *out, const char *prefix, int32_t partition);
void snapshot_name_before(struct buffer *out, const char *prefix, int32_t partition);
/* PREFIX:snapshot:P:BUCKETS:BUCKET:EPOCH:STAMP: never written twice with different bytes. */
void snapshot_name_bucket(struct buffer *out, const char *prefix, int32_t partition,
                          const struct snapshot_head *head, uint32_t bucket);
/* A content larger than bucket_bytes_max lies in several values, one behind the other: after a bucket's name
 * has been appended, makes it the name of this piece (from 0). Whoever reads takes pieces until it has as
 * many bytes as the head says. */
void snapshot_name_piece(struct buffer *name, size_t piece);
/* Every bucket name of a task begins so (for SCAN: append *). */
void snapshot_name_stem(struct buffer *out, const char *prefix, int32_t partition);

/* ---- moving the head ---- */

/* The rule: the head moves only when it still is what the mover believes it to be (empty: there is none). */
bool snapshot_may_replace(struct slice expected, struct slice found);
/* The same in Lua, in one step. KEYS: head, before. ARGV: expected, new. Returns {1} when it moved (what the
 * head was is now in `before`), else {0, what was found, or an empty text}. */
extern const char snapshot_move_script[];

/* ---- whether a head that was found is of use ---- */

enum snapshot_verdict {
    SNAPSHOT_FITS,
    SNAPSHOT_ABSENT,
    SNAPSHOT_GARBAGE,       /* not a head */
    SNAPSHOT_OTHER_LINEAGE, /* of another life of this partition */
    SNAPSHOT_NEWER,         /* than the marker: Kafka has lost something, or it was never committed */
    SNAPSHOT_TOO_OLD /* tombstones since then may be gone; or its age is not known (a clock was wrong) */
};
const char *snapshot_verdict_text(enum snapshot_verdict verdict);

struct snapshot_question {
    const struct marker *marker;
    int64_t state_end; /* the offset after the marker's */
    int64_t now_ms;
    int64_t age_ms_max; /* half the tombstone retention */
};
/* The verdict on a head's bytes as they came from Redis (empty: nothing there). FITS: *ret_head is the
 * caller's. */
enum snapshot_verdict snapshot_judge(struct slice bytes, const struct snapshot_question *question,
                                     struct snapshot_head *ret_head);

/* ---- one loaded task's snapshots, one after the other ---- */

struct snapshot_plan;

struct snapshot_plan_options {
    const char *prefix; /* borrowed */
    int32_t partition;
    size_t bucket_bytes_max; /* aimed at by the number of buckets: half of it on the average */
    uint32_t buckets_fixed;  /* 0, or the number of buckets: always as many, a power of two. Then bucket 0 is
                              * written with every snapshot, before the others */
    uint64_t stamp; /* differs for every load of a task by any process: writer.low + the task's serial. With
                     * buckets_fixed it goes up by 1 << 24 with every snapshot */
    struct hash128 writer; /* this process */
    /* of the marker (the note) the task was loaded to; a new task: its lineage, 0 and its own writer */
    struct hash128 lineage;
    uint64_t loaded_epoch;
    struct hash128 loaded_writer;
    struct slice head,
        before; /* as found in Redis when it was loaded (copied); empty: nothing, or not asked */
    int used;   /* 0: loaded from head, 1: from before; -1: from neither (every bucket will be written) */
};
struct snapshot_plan *snapshot_plan_new(const struct snapshot_plan_options *options);
void snapshot_plan_free(struct snapshot_plan *plan); /* NULL is fine */

/* A ticket's state record was written, or read behind the snapshot while loading: its bucket is dirty. */
void snapshot_plan_changed(struct snapshot_plan *plan, struct slice ticket);
/* The same by the number of its bucket; and of this one with all behind it. */
void snapshot_plan_touch(struct snapshot_plan *plan, uint32_t bucket);
void snapshot_plan_touch_from(struct snapshot_plan *plan, uint32_t bucket);
/* Every bucket is dirty, and what is in which has changed: a snapshot under way is spoiled, and must be given
 * up. */
void snapshot_plan_touch_all(struct snapshot_plan *plan);
bool snapshot_plan_is_spoiled(const struct snapshot_plan *plan);

struct snapshot_begin {
    uint64_t committed_epoch;
    int64_t state_offset; /* next offset of slad.state[p] behind the marker of committed_epoch */
    int64_t now_ms;
    size_t content_bytes; /* of all tickets' records, about */
};
/* Begins one; when the last is an hour old also when nothing has changed, for the head of an idle task must
 * not become too old to be used. false: nothing has changed since the last, or somebody else's head is ahead
 * of this task. Must not be under way. */
bool snapshot_plan_begin(struct snapshot_plan *plan, const struct snapshot_begin *begin);
bool snapshot_plan_under_way(const struct snapshot_plan *plan);
/* The next bucket to be written; false: all are (or none is under way). */
bool snapshot_plan_next(struct snapshot_plan *plan, uint32_t *ret_bucket);
uint32_t snapshot_plan_buckets_count(const struct snapshot_plan *plan);
/* Its content has been gathered. seen_epoch: the task's epoch, one more when the open one has changed
 * anything yet. Appends the name to write it under; false: it is empty, nothing is to be written. */
bool snapshot_plan_gathered(struct snapshot_plan *plan, uint32_t bucket, uint64_t seen_epoch,
                            struct slice content, struct buffer *out_name);
/* Every bucket is gathered (the caller knows that Redis has taken them) and everything they saw is
 * committed: now the head may be moved. */
bool snapshot_plan_may_move(const struct snapshot_plan *plan, uint64_t committed_epoch);
/* Appends what snapshot_move_script needs. */
void snapshot_plan_move(const struct snapshot_plan *plan, struct buffer *out_expected,
                        struct buffer *out_head);
/* It moved: it is over. name is called for every name that no head needs any more. */
void snapshot_plan_moved(struct snapshot_plan *plan, void (*name)(void *context, struct slice name),
                         void *context);

enum snapshot_refusal {
    SNAPSHOT_MOVED_AFTER_ALL, /* the answer was lost the first time: go on as with snapshot_plan_moved */
    SNAPSHOT_FOREIGN, /* wiped, rolled back, garbage: the next one writes every bucket. Raise an alarm */
    SNAPSHOT_STALE /* the head is ahead of this task: it is somebody else's by now. Quiet until it is not */
};
/* It did not move: found is in the head's place. But for MOVED_AFTER_ALL it is over. */
enum snapshot_refusal snapshot_plan_refused(struct snapshot_plan *plan, struct slice found);
/* Redis did not answer, or lost a bucket: it is over, and what was gathered is dirty again. */
void snapshot_plan_gave_up(struct snapshot_plan *plan);

/* Whether a name that SCAN has found (it begins with the stem) is needed by neither head nor a snapshot under
 * way. */
bool snapshot_plan_is_garbage(const struct snapshot_plan *plan, struct slice name);

#endif
