/*
 * The policy versions a process knows, and those its tasks hold.
 *
 * What: texts by id; sets made of some of them; the few comparisons by which a disk and a task's state become
 * the versions in force.
 *
 * Why so: tasks of one process may hold different versions for a while: they come from processes whose disks
 * differed, or which were told to load at different times. A verdict must not depend on that, so every task
 * goes by its own versions; tasks that hold the same share one set.
 *
 * Always true: a version once seen is kept as long as the process lives; two versions in force of one task
 * differ in name and in `from`; what is held is never replaced by another text, only by the same text with
 * newer zone files (R16).
 *
 * Not here: reading files (policy_files.c), reading and writing slad.state (restore.c, task.c).
 */
#include "shell/policy_book.h"
#include "base/memory.h"
#include "base/panic.h"

struct policy_known {
    char id[POLICY_ID_BYTES];
    struct buffer version, label, source;
    int64_t from_ms;
};

struct policy_shared {
    struct buffer ids;
    struct policy_set *set;
    size_t holders;
    struct policy_shared *next;
};

struct policy_book {
    struct symbols *symbols;
    struct policy_known **known;
    size_t known_count, known_room;
    struct policy_shared *shared;
    const struct policy_set *disk;
    struct buffer disk_ids;
};

struct policy_book *
policy_book_new(struct symbols *symbols)
{
    struct policy_book *book = memory_allocate_zeroed(1, sizeof *book);

    book->symbols = symbols;
    return book;
}

void
policy_book_free(struct policy_book *book)
{
    if (book == NULL)
        return;
    policy_book_release(book, book->disk);
    must(book->shared == NULL);
    for (size_t i = 0; i < book->known_count; i++) {
        buffer_free(&book->known[i]->version);
        buffer_free(&book->known[i]->label);
        buffer_free(&book->known[i]->source);
        memory_free(book->known[i]);
    }
    memory_free(book->known);
    buffer_free(&book->disk_ids);
    memory_free(book);
}

/* ---- what is known ---- */

static const struct policy_known *
policy_book_find(const struct policy_book *book, struct slice id)
{
    for (size_t i = 0; i < book->known_count; i++)
        if (memcmp(book->known[i]->id, id.at, POLICY_ID_BYTES) == 0)
            return book->known[i];
    return NULL;
}

static const struct policy_known *
policy_book_get(const struct policy_book *book, struct slice id)
{
    const struct policy_known *known = policy_book_find(book, id);

    must(known != NULL);
    return known;
}

static void
policy_book_note(struct policy_book *book, const struct policy *policy)
{
    struct policy_known *known;

    if (policy_book_find(book, policy_record_id(policy)) != NULL)
        return;
    if (book->known_count == book->known_room) {
        book->known_room = book->known_room == 0 ? 8 : book->known_room * 2;
        book->known = memory_resize(book->known, book->known_room * sizeof(struct policy_known *));
    }
    known = book->known[book->known_count++] = memory_allocate_zeroed(1, sizeof *known);
    memcpy(known->id, policy_record_id(policy).at, POLICY_ID_BYTES);
    buffer_append_slice(&known->version, policy->version);
    buffer_append_slice(&known->label, policy->label);
    policy_record_source(policy, &known->source);
    known->from_ms = policy->from_ms;
}

int
policy_book_learn(struct policy_book *book, struct slice id, struct slice source, struct buffer *error)
{
    struct policy_error why;
    struct policy *policy;

    if (policy_book_find(book, id) != NULL)
        return 0;
    policy = policy_record_load(source, id, book->symbols, &why);
    if (policy == NULL) {
        policy_error_format(&why, error);
        return -1;
    }
    policy_book_note(book, policy);
    policy_free(policy);
    return 0;
}

void
policy_book_known(const struct policy_book *book, struct buffer *out)
{
    for (size_t i = 0; i < book->known_count; i++)
        policy_ids_add(out, (struct slice){book->known[i]->id, POLICY_ID_BYTES});
}

void
policy_book_keep_known(const struct policy_book *book, struct slice ids, struct buffer *out)
{
    for (size_t i = 0; i < policy_ids_count(ids); i++)
        if (policy_book_find(book, policy_ids_get(ids, i)) != NULL)
            policy_ids_add(out, policy_ids_get(ids, i));
}

struct slice
policy_book_version(const struct policy_book *book, struct slice id)
{
    return buffer_slice(&policy_book_get(book, id)->version);
}

struct slice
policy_book_source(const struct policy_book *book, struct slice id)
{
    return buffer_slice(&policy_book_get(book, id)->source);
}

struct slice
policy_book_disk(const struct policy_book *book)
{
    return buffer_slice(&book->disk_ids);
}

/* ---- sets ---- */

static struct policy_shared *
policy_book_share(struct policy_book *book, struct slice ids, struct policy_set *set)
{
    struct policy_shared *shared = memory_allocate_zeroed(1, sizeof *shared);

    buffer_append_slice(&shared->ids, ids);
    shared->set = set;
    shared->next = book->shared;
    book->shared = shared;
    return shared;
}

/* Of a set that somebody holds, or NULL. */
static struct policy *
policy_book_held(const struct policy_book *book, struct slice id)
{
    for (const struct policy_shared *shared = book->shared; shared != NULL; shared = shared->next)
        for (size_t i = 0; i < policy_set_count(shared->set); i++)
            if (slice_equal(policy_record_id(policy_set_version(shared->set, i)), id))
                return policy_set_share(shared->set, i);
    return NULL;
}

static struct policy_set *
policy_book_make(struct policy_book *book, struct slice ids)
{
    size_t count = policy_ids_count(ids);
    struct policy **policies = memory_allocate_zeroed(count, sizeof *policies);
    struct policy_error error;
    struct policy_set *set;

    for (size_t i = 0; i < count; i++) {
        policies[i] = policy_book_held(book, policy_ids_get(ids, i));
        if (policies[i] == NULL)
            policies[i] = policy_record_load(policy_book_source(book, policy_ids_get(ids, i)),
                                             policy_ids_get(ids, i), book->symbols, &error);
        must(policies[i] != NULL); /* it was read before */
    }
    set = policy_set_new(policies, count, book->symbols);
    memory_free(policies);
    return set;
}

const struct policy_set *
policy_book_hold(struct policy_book *book, struct slice ids)
{
    struct policy_shared *shared = book->shared;

    must(ids.bytes > 0);
    while (shared != NULL && !slice_equal(buffer_slice(&shared->ids), ids))
        shared = shared->next;
    if (shared == NULL)
        shared = policy_book_share(book, ids, policy_book_make(book, ids));
    shared->holders++;
    return shared->set;
}

void
policy_book_release(struct policy_book *book, const struct policy_set *set)
{
    struct policy_shared **at, *shared;

    if (set == NULL)
        return;
    at = &book->shared;
    while (*at != NULL && (*at)->set != set)
        at = &(*at)->next;
    shared = *at;
    must(shared != NULL && shared->holders > 0);
    if (--shared->holders > 0)
        return;
    *at = shared->next;
    policy_set_free(shared->set);
    buffer_free(&shared->ids);
    memory_free(shared);
}

void
policy_book_set_disk(struct policy_book *book, struct policy_set *set)
{
    const struct policy_set *before = book->disk;
    struct policy_shared *shared = book->shared;

    buffer_reset(&book->disk_ids);
    for (size_t i = 0; i < policy_set_count(set); i++) {
        policy_book_note(book, policy_set_version(set, i));
        policy_ids_add(&book->disk_ids, policy_record_id(policy_set_version(set, i)));
    }
    while (shared != NULL && !slice_equal(buffer_slice(&shared->ids), policy_book_disk(book)))
        shared = shared->next;
    if (shared != NULL)
        policy_set_free(set); /* somebody has it already */
    else
        shared = policy_book_share(book, policy_book_disk(book), set);
    shared->holders++;
    book->disk = shared->set;
    policy_book_release(book, before);
}

/* ---- disk and state ---- */

enum policy_relation {
    POLICY_RELATION_NONE, /* another version */
    POLICY_RELATION_SAME,
    POLICY_RELATION_ZONES, /* the same text with other zone files */
    POLICY_RELATION_TEXT,  /* the same name, another text */
    POLICY_RELATION_FROM   /* another name, the same `from` */
};

static enum policy_relation
policy_book_compare(const struct policy_book *book, struct slice a, struct slice b)
{
    const struct policy_known *left = policy_book_get(book, a), *right = policy_book_get(book, b);

    if (left == right)
        return POLICY_RELATION_SAME;
    if (!slice_equal(buffer_slice(&left->version), buffer_slice(&right->version)))
        return left->from_ms == right->from_ms ? POLICY_RELATION_FROM : POLICY_RELATION_NONE;
    return slice_equal(policy_record_text(buffer_slice(&left->source)),
                       policy_record_text(buffer_slice(&right->source)))
               ? POLICY_RELATION_ZONES
               : POLICY_RELATION_TEXT;
}

static void
policy_book_say(const struct policy_book *book, struct buffer *out, const char *before, struct slice id,
                const char *after)
{
    buffer_append_text(out, before);
    buffer_append_slice(out, buffer_slice(&policy_book_get(book, id)->label));
    buffer_append_text(out, after);
}

/* Every contradiction between the disk and what is held, a line each. */
static void
policy_book_contradictions(const struct policy_book *book, struct slice held, struct buffer *out)
{
    struct slice disk = policy_book_disk(book);

    for (size_t d = 0; d < policy_ids_count(disk); d++)
        for (size_t h = 0; h < policy_ids_count(held); h++) {
            struct slice ours = policy_ids_get(disk, d), theirs = policy_ids_get(held, h);
            enum policy_relation relation = policy_book_compare(book, ours, theirs);

            if (relation != POLICY_RELATION_TEXT && relation != POLICY_RELATION_FROM)
                continue;
            policy_book_say(book, out, "policy ", ours, " on disk has the ");
            buffer_append_text(out, relation == POLICY_RELATION_TEXT ? "name" : "`from`");
            policy_book_say(book, out, " of ", theirs, ", which is in force, and another ");
            buffer_append_text(out, relation == POLICY_RELATION_TEXT ? "text\n" : "name\n");
        }
}

/* Whether a version of `ids` takes the place of this one: it, or its text with other zone files. */
static bool
policy_book_covers(const struct policy_book *book, struct slice ids, struct slice id)
{
    for (size_t i = 0; i < policy_ids_count(ids); i++) {
        enum policy_relation relation = policy_book_compare(book, policy_ids_get(ids, i), id);

        if (relation == POLICY_RELATION_SAME || relation == POLICY_RELATION_ZONES)
            return true;
    }
    return false;
}

bool
policy_book_join(const struct policy_book *book, struct slice held, struct buffer *ids,
                 struct buffer *refusals)
{
    struct slice disk = policy_book_disk(book);
    size_t said = refusals->bytes;

    policy_book_contradictions(book, held, refusals);
    if (refusals->bytes > said) {
        buffer_append_slice(ids, held);
        return false;
    }
    buffer_append_slice(ids, disk);
    for (size_t h = 0; h < policy_ids_count(held); h++)
        if (!policy_book_covers(book, disk, policy_ids_get(held, h)))
            policy_ids_add(ids, policy_ids_get(held, h));
    return true;
}

static void
policy_book_take_out(struct buffer *ids, size_t i)
{
    size_t at = i * POLICY_ID_BYTES;

    memmove(ids->at + at, ids->at + at + POLICY_ID_BYTES, ids->bytes - at - POLICY_ID_BYTES);
    ids->bytes -= POLICY_ID_BYTES;
}

/* The place of the version whose `from` is the least: SIZE_MAX when that is in force now, or none is over. */
static size_t
policy_book_oldest_over(const struct policy_book *book, struct slice ids, int64_t now_ms)
{
    int64_t oldest_ms = INT64_MAX;
    size_t oldest = SIZE_MAX, begun = 0;

    for (size_t i = 0; i < policy_ids_count(ids); i++) {
        int64_t from_ms = policy_book_get(book, policy_ids_get(ids, i))->from_ms;

        if (from_ms > now_ms)
            continue;
        begun++;
        if (oldest == SIZE_MAX || from_ms < oldest_ms) {
            oldest_ms = from_ms;
            oldest = i;
        }
    }
    return begun > 1 ? oldest : SIZE_MAX;
}

bool
policy_book_keep_newest(const struct policy_book *book, size_t max, int64_t now_ms, struct buffer *ids)
{
    struct buffer kept = {0};
    bool fits;

    buffer_append_slice(&kept, buffer_slice(ids));
    while (policy_ids_count(buffer_slice(&kept)) > max) {
        size_t gone = policy_book_oldest_over(book, buffer_slice(&kept), now_ms);

        if (gone == SIZE_MAX)
            break;
        policy_book_take_out(&kept, gone);
    }
    fits = policy_ids_count(buffer_slice(&kept)) <= max;
    if (fits) {
        buffer_reset(ids);
        buffer_append_slice(ids, buffer_slice(&kept));
    }
    buffer_free(&kept);
    return fits;
}

bool
policy_book_leave_over(const struct policy_book *book, int64_t oldest_ms, struct buffer *ids)
{
    struct buffer refusals = {0};
    bool left_out = false;
    size_t gone;

    policy_book_contradictions(book, buffer_slice(ids), &refusals);
    while (refusals.bytes == 0) {
        gone = policy_book_oldest_over(book, buffer_slice(ids), oldest_ms);
        if (gone == SIZE_MAX ||
            policy_book_covers(book, policy_book_disk(book), policy_ids_get(buffer_slice(ids), gone)))
            break;
        policy_book_take_out(ids, gone);
        left_out = true;
    }
    buffer_free(&refusals);
    return left_out;
}

void
policy_book_differences(const struct policy_book *book, struct slice held, struct buffer *out)
{
    struct slice disk = policy_book_disk(book);

    policy_book_contradictions(book, held, out);
    for (size_t h = 0; h < policy_ids_count(held); h++) {
        struct slice theirs = policy_ids_get(held, h);
        bool named = policy_book_covers(book, disk, theirs);

        for (size_t d = 0; d < policy_ids_count(disk) && !named; d++)
            named = policy_book_compare(book, policy_ids_get(disk, d), theirs) == POLICY_RELATION_TEXT;
        if (!named)
            policy_book_say(book, out, "policy ", theirs, " is in force and not on disk\n");
    }
}
