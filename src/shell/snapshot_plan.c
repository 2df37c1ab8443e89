/*
 * Every decision about snapshots.
 *
 * What: heads as bytes, names, the compare-and-set rule, the judgement of a loader, and the course of one
 * snapshot: begun at a committed epoch, its dirty buckets gathered one by one, its head moved once all they
 * saw is committed.
 *
 * Why so: Redis may forget, go back to yesterday, or hold what somebody else wrote; a snapshot must be worth
 * restart time only. So a name is never written twice with different bytes (epoch and stamp are in it), a
 * head carries length and hash of every bucket and of itself, and it moves only over the very bytes its mover
 * has seen.
 *
 * Always true: a head that was moved here names only content of committed epochs, and slad.state from its
 * state_offset on holds every change since its oldest bucket; a bucket that changed after it was gathered is
 * dirty; names of the last two heads and of the snapshot under way are never called garbage.
 *
 * Not here: Redis (redis.c), gathering and pace (snapshot.c), loading (restore.c).
 */
#include "shell/snapshot_plan.h"
#include "base/memory.h"
#include "base/panic.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    SNAPSHOT_NAME_BYTES = 96,
    SNAPSHOT_REFRESH_MS = 3600000,
    SNAPSHOT_AHEAD_MS_MAX = 3600000 /* a head from further ahead of the wall has no known age */
};

struct snapshot_plan {
    struct snapshot_plan_options options; /* its texts are not kept */
    char *prefix;
    struct buffer expected;            /* the head's bytes as they are believed to be */
    struct snapshot_head head, before; /* what they name; zeroes: nothing known */
    struct snapshot_head next;         /* under way; buckets_count 0: none is */
    bool *dirty;                       /* by bucket */
    bool *pending;                     /* of the one under way: to be gathered */
    uint32_t buckets_count;            /* of dirty and pending */
    uint32_t cursor;                   /* pending ones are at or behind it */
    uint64_t ahead_epoch;              /* somebody else's head; 0: none */
    bool spoiled;                      /* the one under way */
    uint64_t stamp;                    /* of names written now */
};

/* ---- heads ---- */

/* How many from `from` on are empty, or are not. */
static uint32_t
snapshot_run(const struct snapshot_head *head, uint32_t from, bool empty)
{
    uint32_t end = from;

    while (end < head->buckets_count && (head->buckets[end].epoch == 0) == empty)
        end++;
    return end - from;
}

/* Runs of empty ones and of others, in turns. Most buckets were written together with their neighbours: of
 * epoch and stamp the difference is said. */
static void
snapshot_write_buckets(const struct snapshot_head *head, struct buffer *out)
{
    struct snapshot_bucket before = {.epoch = head->epoch};

    for (uint32_t i = 0; i < head->buckets_count;) {
        uint32_t empty = snapshot_run(head, i, true), full = snapshot_run(head, i + empty, false);

        buffer_append_varint(out, empty);
        buffer_append_varint(out, full);
        for (i += empty; full > 0; full--, i++) {
            const struct snapshot_bucket *bucket = &head->buckets[i];

            buffer_append_varint_signed(out, (int64_t)(bucket->epoch - before.epoch));
            buffer_append_varint_signed(out, (int64_t)(bucket->stamp - before.stamp));
            buffer_append_varint(out, bucket->bytes);
            buffer_append(out, &bucket->hash, sizeof bucket->hash);
            before = *bucket;
        }
    }
}

void
snapshot_head_write(const struct snapshot_head *head, struct buffer *out)
{
    size_t begin = out->bytes;
    uint64_t hash;

    buffer_append_varint(out, SNAPSHOT_FORMAT);
    buffer_append_varint(out, head->lineage.low);
    buffer_append_varint(out, head->lineage.high);
    buffer_append_varint(out, head->epoch);
    buffer_append_varint(out, head->writer.low);
    buffer_append_varint(out, head->writer.high);
    buffer_append_varint_signed(out, head->state_offset);
    buffer_append_varint_signed(out, head->begun_at_ms);
    buffer_append_varint(out, head->buckets_count);
    snapshot_write_buckets(head, out);
    hash = hash_bytes(0, out->at + begin, out->bytes - begin);
    buffer_append_varint(out, hash);
}

static int
snapshot_read_bucket(struct slice *bytes, const struct snapshot_bucket *before,
                     struct snapshot_bucket *ret_bucket)
{
    int64_t epoch, stamp;

    if (varint_get_signed(bytes, &epoch) != 0 || varint_get_signed(bytes, &stamp) != 0 ||
        varint_get(bytes, &ret_bucket->bytes) != 0 || bytes->bytes < sizeof ret_bucket->hash)
        return -1;
    ret_bucket->epoch = before->epoch + (uint64_t)epoch;
    ret_bucket->stamp = before->stamp + (uint64_t)stamp;
    memcpy(&ret_bucket->hash, bytes->at, sizeof ret_bucket->hash);
    bytes->at += sizeof ret_bucket->hash;
    bytes->bytes -= sizeof ret_bucket->hash;
    return 0;
}

static int
snapshot_read_buckets(struct slice *bytes, struct snapshot_head *head)
{
    struct snapshot_bucket before = {.epoch = head->epoch};

    for (uint32_t i = 0; i < head->buckets_count;) {
        uint64_t empty, full;

        if (varint_get(bytes, &empty) != 0 || varint_get(bytes, &full) != 0 ||
            empty > head->buckets_count - i || full > head->buckets_count - i - empty || empty + full == 0)
            return -1;
        for (i += (uint32_t)empty; full > 0; full--, i++) {
            if (snapshot_read_bucket(bytes, &before, &head->buckets[i]) != 0 || head->buckets[i].epoch == 0 ||
                head->buckets[i].epoch > head->epoch)
                return -1;
            before = head->buckets[i];
        }
    }
    return 0;
}

static int
snapshot_read_buckets_1(struct slice *bytes, struct snapshot_head *head)
{
    for (uint32_t i = 0; i < head->buckets_count; i++) {
        struct snapshot_bucket *bucket = &head->buckets[i];

        if (varint_get(bytes, &bucket->epoch) != 0)
            return -1;
        if (bucket->epoch != 0 &&
            (varint_get(bytes, &bucket->stamp) != 0 || varint_get(bytes, &bucket->bytes) != 0 ||
             varint_get(bytes, &bucket->hash) != 0 || bucket->epoch > head->epoch))
            return -1;
    }
    return 0;
}

int
snapshot_head_read(struct slice bytes, struct snapshot_head *ret_head)
{
    struct slice rest = bytes;
    struct snapshot_head head = {0};
    uint64_t format, count, hash;

    if (varint_get(&rest, &format) != 0 || format < 1 || format > SNAPSHOT_FORMAT ||
        varint_get(&rest, &head.lineage.low) != 0 || varint_get(&rest, &head.lineage.high) != 0 ||
        varint_get(&rest, &head.epoch) != 0 || varint_get(&rest, &head.writer.low) != 0 ||
        varint_get(&rest, &head.writer.high) != 0 || varint_get_signed(&rest, &head.state_offset) != 0 ||
        varint_get_signed(&rest, &head.begun_at_ms) != 0 || varint_get(&rest, &count) != 0 || count == 0 ||
        count > SNAPSHOT_BUCKETS_MAX || (count & (count - 1)) != 0 || head.state_offset < 0)
        return -1;
    head.buckets_count = (uint32_t)count;
    head.buckets = memory_allocate_zeroed(head.buckets_count, sizeof *head.buckets);
    if ((format == 1 ? snapshot_read_buckets_1 : snapshot_read_buckets)(&rest, &head) != 0)
        goto unsound;
    count = (uint64_t)(rest.at - bytes.at);
    if (varint_get(&rest, &hash) != 0 || rest.bytes != 0 || hash != hash_bytes(0, bytes.at, (size_t)count))
        goto unsound;
    *ret_head = head;
    return 0;
unsound:
    snapshot_head_done(&head);
    return -1;
}

void
snapshot_head_done(struct snapshot_head *head)
{
    memory_free(head->buckets);
    *head = (struct snapshot_head){0};
}

bool
snapshot_bucket_is(const struct snapshot_bucket *bucket, struct slice bytes)
{
    return bucket->bytes == bytes.bytes && bucket->hash == hash_slice(0, bytes);
}

uint32_t
snapshot_bucket_of(struct slice ticket, uint32_t buckets_count)
{
    unsigned bits = (unsigned)__builtin_ctz(buckets_count);

    return bits == 0 ? 0 : (uint32_t)(hash_slice(0, ticket) >> (64 - bits)); /* as engine_part */
}

/* ---- names ---- */

void
snapshot_name_stem(struct buffer *out, const char *prefix, int32_t partition)
{
    char text[32];

    if (partition == SNAPSHOT_SCORES)
        (void)snprintf(text, sizeof text, ":snapshot:scores:");
    else
        (void)snprintf(text, sizeof text, ":snapshot:%" PRId32 ":", partition);
    buffer_append_text(out, prefix);
    buffer_append_text(out, text);
}

void
snapshot_name_head(struct buffer *out, const char *prefix, int32_t partition)
{
    snapshot_name_stem(out, prefix, partition);
    buffer_append_text(out, "head");
}

void
snapshot_name_before(struct buffer *out, const char *prefix, int32_t partition)
{
    snapshot_name_stem(out, prefix, partition);
    buffer_append_text(out, "before");
}

void
snapshot_name_bucket(struct buffer *out, const char *prefix, int32_t partition,
                     const struct snapshot_head *head, uint32_t bucket)
{
    const struct snapshot_bucket *at = &head->buckets[bucket];
    char text[SNAPSHOT_NAME_BYTES];

    snapshot_name_stem(out, prefix, partition);
    (void)snprintf(text, sizeof text, "%" PRIu32 ":%" PRIu32 ":%" PRIu64 ":%016" PRIx64, head->buckets_count,
                   bucket, at->epoch, at->stamp);
    buffer_append_text(out, text);
}

void
snapshot_name_piece(struct buffer *name, size_t piece)
{
    char text[24];

    if (piece == 0)
        return;
    (void)snprintf(text, sizeof text, ".%zu", piece);
    buffer_append_text(name, text);
}

/* ---- rules ---- */

bool
snapshot_may_replace(struct slice expected, struct slice found)
{
    return slice_equal(expected, found);
}

const char snapshot_move_script[] = "local found = redis.pcall('GET', KEYS[1]) or ''\n"
                                    "if type(found) ~= 'string' then found = '' end\n" /* no text */
                                    "if found ~= ARGV[1] then return {0, found} end\n"
                                    "if found ~= '' then redis.call('SET', KEYS[2], found) end\n"
                                    "redis.call('SET', KEYS[1], ARGV[2])\n"
                                    "return {1}\n";

const char *
snapshot_verdict_text(enum snapshot_verdict verdict)
{
    static const char *const texts[] = {
        [SNAPSHOT_FITS] = "it fits",
        [SNAPSHOT_ABSENT] = "there is none",
        [SNAPSHOT_GARBAGE] = "it is not a head that this version reads",
        [SNAPSHOT_OTHER_LINEAGE] = "it is of another life of this partition",
        [SNAPSHOT_NEWER] = "it is newer than what Kafka has",
        [SNAPSHOT_TOO_OLD] = "it is too old, or its age is not known",
    };

    return texts[verdict];
}

enum snapshot_verdict
snapshot_judge(struct slice bytes, const struct snapshot_question *question, struct snapshot_head *ret_head)
{
    const struct marker *marker = question->marker;
    enum snapshot_verdict verdict = SNAPSHOT_FITS;
    struct snapshot_head head;
    int64_t age_ms;

    if (bytes.bytes == 0)
        return SNAPSHOT_ABSENT;
    if (snapshot_head_read(bytes, &head) != 0)
        return SNAPSHOT_GARBAGE;
    age_ms = question->now_ms - head.begun_at_ms;
    if (!hash128_equal(head.lineage, marker->lineage))
        verdict = SNAPSHOT_OTHER_LINEAGE;
    else if (head.epoch > marker->epoch || head.state_offset > question->state_end ||
             (head.epoch == marker->epoch && !hash128_equal(head.writer, marker->writer)))
        verdict = SNAPSHOT_NEWER;
    else if (age_ms > question->age_ms_max || age_ms < -SNAPSHOT_AHEAD_MS_MAX)
        verdict = SNAPSHOT_TOO_OLD;
    if (verdict == SNAPSHOT_FITS)
        *ret_head = head;
    else
        snapshot_head_done(&head);
    return verdict;
}

/* ---- the course of one ---- */

static void
snapshot_set_buckets(struct snapshot_plan *plan, uint32_t count, bool dirty)
{
    plan->buckets_count = count;
    plan->dirty = memory_resize(plan->dirty, count * sizeof *plan->dirty);
    plan->pending = memory_resize(plan->pending, count * sizeof *plan->pending);
    memset(plan->dirty, dirty, count * sizeof *plan->dirty);
    memset(plan->pending, 0, count * sizeof *plan->pending);
}

static struct slice
snapshot_expected(const struct snapshot_plan *plan)
{
    return buffer_slice(&plan->expected);
}

static void
snapshot_expect(struct snapshot_plan *plan, struct slice bytes)
{
    buffer_reset(&plan->expected);
    buffer_append_slice(&plan->expected, bytes);
}

struct snapshot_plan *
snapshot_plan_new(const struct snapshot_plan_options *options)
{
    struct snapshot_plan *plan = memory_allocate_zeroed(1, sizeof *plan);

    plan->options = *options;
    plan->stamp = options->stamp;
    plan->prefix = memory_copy(options->prefix, strlen(options->prefix) + 1);
    snapshot_expect(plan, options->head);
    if (snapshot_head_read(options->head, &plan->head) != 0)
        plan->head = (struct snapshot_head){0};
    if (snapshot_head_read(options->before, &plan->before) != 0)
        plan->before = (struct snapshot_head){0};
    if (options->used ==
        1) { /* the newer one could not be had: what it names is garbage once this one is head */
        struct snapshot_head unusable = plan->head;

        plan->head = plan->before;
        plan->before = unusable;
    }
    if (options->used >= 0)
        must(plan->head.buckets_count > 0);
    if (options->buckets_fixed > 0) {
        must(options->used < 0 || plan->head.buckets_count == options->buckets_fixed);
        snapshot_set_buckets(plan, options->buckets_fixed, options->used < 0);
    } else
        snapshot_set_buckets(plan, options->used >= 0 ? plan->head.buckets_count : 1, options->used < 0);
    return plan;
}

void
snapshot_plan_free(struct snapshot_plan *plan)
{
    if (plan == NULL)
        return;
    snapshot_head_done(&plan->head);
    snapshot_head_done(&plan->before);
    snapshot_head_done(&plan->next);
    buffer_free(&plan->expected);
    memory_free(plan->dirty);
    memory_free(plan->pending);
    memory_free(plan->prefix);
    memory_free(plan);
}

void
snapshot_plan_changed(struct snapshot_plan *plan, struct slice ticket)
{
    plan->dirty[snapshot_bucket_of(ticket, plan->buckets_count)] = true;
}

void
snapshot_plan_touch(struct snapshot_plan *plan, uint32_t bucket)
{
    must(bucket < plan->buckets_count);
    plan->dirty[bucket] = true;
}

void
snapshot_plan_touch_from(struct snapshot_plan *plan, uint32_t bucket)
{
    must(bucket < plan->buckets_count);
    memset(plan->dirty + bucket, true, (plan->buckets_count - bucket) * sizeof *plan->dirty);
}

void
snapshot_plan_touch_all(struct snapshot_plan *plan)
{
    memset(plan->dirty, true, plan->buckets_count * sizeof *plan->dirty);
    plan->spoiled = snapshot_plan_under_way(plan);
}

bool
snapshot_plan_is_spoiled(const struct snapshot_plan *plan)
{
    return plan->spoiled;
}

/* A power of two; it grows at once and shrinks late. */
static uint32_t
snapshot_buckets_wanted(const struct snapshot_plan *plan, size_t content_bytes)
{
    uint32_t wanted = 1;

    if (plan->options.buckets_fixed > 0)
        return plan->options.buckets_fixed;
    while (wanted < SNAPSHOT_BUCKETS_MAX && content_bytes / wanted > plan->options.bucket_bytes_max / 2)
        wanted *= 2;
    return wanted < plan->buckets_count && wanted * 8 > plan->buckets_count ? plan->buckets_count : wanted;
}

bool
snapshot_plan_under_way(const struct snapshot_plan *plan)
{
    return plan->next.buckets_count != 0;
}

uint32_t
snapshot_plan_buckets_count(const struct snapshot_plan *plan)
{
    return plan->buckets_count;
}

/* The head: it names buckets that are as they were, but a loader goes by when it was begun. */
static bool
snapshot_grows_old(const struct snapshot_plan *plan, int64_t now_ms)
{
    int64_t age_ms = now_ms - plan->head.begun_at_ms;

    return age_ms >= SNAPSHOT_REFRESH_MS || age_ms < -SNAPSHOT_AHEAD_MS_MAX;
}

bool
snapshot_plan_begin(struct snapshot_plan *plan, const struct snapshot_begin *begin)
{
    uint32_t count = snapshot_buckets_wanted(plan, begin->content_bytes);
    bool any = false;

    must(!snapshot_plan_under_way(plan));
    if (begin->committed_epoch == 0 || begin->committed_epoch <= plan->ahead_epoch)
        return false;
    plan->ahead_epoch = 0;
    plan->spoiled = false;
    if (plan->options.buckets_fixed >
        0) /* its parts change between two epochs: epoch and load are not enough */
        plan->stamp += UINT64_C(1) << 24;
    if (count != plan->buckets_count)
        snapshot_set_buckets(plan, count, true);
    for (uint32_t i = 0; i < count; i++)
        any |= plan->dirty[i];
    if (!any && !snapshot_grows_old(plan, begin->now_ms))
        return false;
    if (plan->options.buckets_fixed > 0)
        plan->dirty[0] = true;
    plan->next = (struct snapshot_head){
        .lineage = plan->options.lineage,
        .epoch = begin->committed_epoch,
        .state_offset = begin->state_offset,
        .begun_at_ms = begin->now_ms,
        .buckets_count = count,
        .buckets = plan->head.buckets_count == count
                       ? memory_copy(plan->head.buckets, count * sizeof *plan->next.buckets)
                       : memory_allocate_zeroed(count, sizeof *plan->next.buckets),
    };
    memcpy(plan->pending, plan->dirty, count * sizeof *plan->pending);
    plan->cursor = 0;
    return true;
}

bool
snapshot_plan_next(struct snapshot_plan *plan, uint32_t *ret_bucket)
{
    while (plan->cursor < plan->next.buckets_count && !plan->pending[plan->cursor])
        plan->cursor++;
    *ret_bucket = plan->cursor;
    return plan->cursor < plan->next.buckets_count;
}

bool
snapshot_plan_gathered(struct snapshot_plan *plan, uint32_t bucket, uint64_t seen_epoch, struct slice content,
                       struct buffer *out_name)
{
    struct snapshot_bucket *next = &plan->next.buckets[bucket];

    must(snapshot_plan_under_way(plan) && plan->pending[bucket]);
    plan->pending[bucket] = plan->dirty[bucket] = false;
    if (seen_epoch > plan->next.epoch)
        plan->next.epoch = seen_epoch;
    *next = (struct snapshot_bucket){0};
    if (content.bytes == 0)
        return false;
    *next = (struct snapshot_bucket){
        .epoch = seen_epoch,
        .stamp = plan->stamp,
        .bytes = content.bytes,
        .hash = hash_slice(0, content),
    };
    snapshot_name_bucket(out_name, plan->prefix, plan->options.partition, &plan->next, bucket);
    return true;
}

static bool
snapshot_is_gathered(const struct snapshot_plan *plan)
{
    for (uint32_t i = plan->cursor; i < plan->next.buckets_count; i++)
        if (plan->pending[i])
            return false;
    return true;
}

bool
snapshot_plan_may_move(const struct snapshot_plan *plan, uint64_t committed_epoch)
{
    return snapshot_plan_under_way(plan) && !plan->spoiled && snapshot_is_gathered(plan) &&
           plan->next.epoch <= committed_epoch;
}

void
snapshot_plan_move(const struct snapshot_plan *plan, struct buffer *out_expected, struct buffer *out_head)
{
    struct snapshot_head head = plan->next;

    head.writer =
        head.epoch > plan->options.loaded_epoch ? plan->options.writer : plan->options.loaded_writer;
    buffer_append_slice(out_expected, snapshot_expected(plan));
    snapshot_head_write(&head, out_head);
}

/* ---- how it ended ---- */

static bool
snapshot_same_bucket(const struct snapshot_head *head, uint32_t buckets_count, uint32_t bucket,
                     const struct snapshot_bucket *wanted)
{
    return head->buckets_count == buckets_count && head->buckets[bucket].epoch == wanted->epoch &&
           head->buckets[bucket].stamp == wanted->stamp;
}

static void
snapshot_forget(struct snapshot_plan *plan, const struct snapshot_head *gone,
                void (*name)(void *context, struct slice name), void *context)
{
    struct buffer text = {0};

    for (uint32_t i = 0; i < gone->buckets_count; i++) {
        if (gone->buckets[i].epoch == 0 ||
            snapshot_same_bucket(&plan->head, gone->buckets_count, i, &gone->buckets[i]) ||
            snapshot_same_bucket(&plan->before, gone->buckets_count, i, &gone->buckets[i]))
            continue;
        for (size_t piece = 0; piece == 0 || piece * plan->options.bucket_bytes_max < gone->buckets[i].bytes;
             piece++) {
            buffer_reset(&text);
            snapshot_name_bucket(&text, plan->prefix, plan->options.partition, gone, i);
            snapshot_name_piece(&text, piece);
            name(context, buffer_slice(&text));
        }
    }
    buffer_free(&text);
}

void
snapshot_plan_moved(struct snapshot_plan *plan, void (*name)(void *context, struct slice name), void *context)
{
    struct snapshot_head gone = plan->before;
    struct buffer ignored = {0}, head = {0};

    must(snapshot_plan_under_way(plan) && snapshot_is_gathered(plan));
    snapshot_plan_move(plan, &ignored, &head);
    if (plan->expected.bytes > 0) {
        plan->before = plan->head;
        plan->head = plan->next;
    } else { /* there was no head: `before` stays what it was */
        gone = plan->head;
        plan->head = plan->next;
    }
    plan->next = (struct snapshot_head){0};
    snapshot_expect(plan, buffer_slice(&head));
    snapshot_forget(plan, &gone, name, context);
    snapshot_head_done(&gone);
    buffer_free(&ignored);
    buffer_free(&head);
}

void
snapshot_plan_gave_up(struct snapshot_plan *plan)
{
    if (!snapshot_plan_under_way(plan))
        return;
    for (uint32_t i = 0; i < plan->next.buckets_count; i++)
        if (plan->next.buckets[i].stamp == plan->stamp || plan->next.buckets[i].epoch == 0)
            plan->dirty[i] |=
                plan->head.buckets_count != plan->next.buckets_count ||
                !snapshot_same_bucket(&plan->head, plan->next.buckets_count, i, &plan->next.buckets[i]);
    snapshot_head_done(&plan->next);
}

enum snapshot_refusal
snapshot_plan_refused(struct snapshot_plan *plan, struct slice found)
{
    struct buffer ignored = {0}, wanted = {0};
    enum snapshot_refusal refusal = SNAPSHOT_FOREIGN;
    struct snapshot_head head = {0};

    snapshot_plan_move(plan, &ignored, &wanted);
    if (slice_equal(found, buffer_slice(&wanted)))
        refusal = SNAPSHOT_MOVED_AFTER_ALL;
    else {
        bool sound = snapshot_head_read(found, &head) == 0;

        if (sound && hash128_equal(head.lineage, plan->options.lineage) && head.epoch >= plan->next.epoch) {
            refusal = SNAPSHOT_STALE;
            plan->ahead_epoch = head.epoch;
        }
        snapshot_plan_gave_up(plan);
        memset(plan->dirty, true, plan->buckets_count * sizeof *plan->dirty);
        snapshot_expect(plan, found);
        snapshot_head_done(&plan->head);
        plan->head = head; /* zeroes when it is none */
    }
    buffer_free(&ignored);
    buffer_free(&wanted);
    return refusal;
}

bool
snapshot_plan_is_garbage(const struct snapshot_plan *plan, struct slice name)
{
    const struct snapshot_head *heads[] = {&plan->head, &plan->before, &plan->next};
    struct buffer stem = {0};
    char text[SNAPSHOT_NAME_BYTES];
    struct snapshot_bucket wanted = {0};
    uint32_t count = 0, bucket = 0;
    bool garbage;

    snapshot_name_stem(&stem, plan->prefix, plan->options.partition);
    garbage = name.bytes > stem.bytes && name.bytes - stem.bytes < sizeof text &&
              memcmp(name.at, stem.at, stem.bytes) == 0;
    if (garbage) {
        memcpy(text, name.at + stem.bytes, name.bytes - stem.bytes);
        text[name.bytes - stem.bytes] = '\0';
        garbage = sscanf(text, "%" SCNu32 ":%" SCNu32 ":%" SCNu64 ":%" SCNx64, &count, &bucket, &wanted.epoch,
                         &wanted.stamp) == 4;
    }
    for (size_t i = 0; garbage && i < sizeof heads / sizeof *heads; i++)
        garbage = bucket >= count || !snapshot_same_bucket(heads[i], count, bucket, &wanted);
    buffer_free(&stem);
    return garbage;
}
