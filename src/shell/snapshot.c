/*
 * Snapshots of ticket tasks and of the score task.
 *
 * What: carries out a snapshot plan: gathers the dirty buckets of one task (the score task's are the parts of
 * its state), sends each to Redis, waits for
 * the answers and for the epochs they saw to be committed, moves the head, deletes what no head names any
 * more.
 *
 * Why so: a snapshot is worth restart time and nothing else, so it never makes anything wait: a turn gives it
 * two milliseconds, Redis gets no more than a few megabytes it has not answered, and whatever goes wrong ends
 * the snapshot with a line and a count; the next one is due as if nothing had been. One task at a time keeps
 * memory and Redis' load flat.
 *
 * Always true: a head is moved only after every bucket it names was taken by Redis and every epoch they saw
 * is committed; an answer that belongs to a snapshot that is over changes nothing.
 *
 * Not here: what is dirty, names, heads, the rule of the move (snapshot_plan.c); reading (snapshot_read.c).
 */
#include "shell/snapshot.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/restore_plan.h"
#include "shell/score_task.h"
#include "shell/task.h"
#include "shell/wallclock.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    SNAPSHOT_TURN_US = 500, /* the last one begun is over within a millisecond more */
    SNAPSHOT_PENDING_BYTES_MAX = 4 * 1024 * 1024,
    SNAPSHOT_TICKET_BYTES = 500, /* until it was measured */
    SNAPSHOT_FOREIGN_AGAIN_MS = 1000,
    SNAPSHOT_DELETES_A_TURN = 64
};

struct snapshot_task {
    struct snapshot_plan *plan;
    int64_t due_mono_ms;   /* of the next one; 0: snapshot_every after it was loaded */
    int64_t moved_mono_ms; /* or when it was loaded */
    bool moved;            /* at least once: the head is ours */
    bool swept;            /* names of former lives were looked for */
    uint64_t gathered_bytes, gathered_tickets;
};

struct snapshot {
    struct world *world;
    struct redis *redis;
    struct score_task *scores; /* NULL: none in this process */
    /* the one under way: serial 0: none is */
    uint64_t serial;
    int32_t partition; /* of a ticket task, or SNAPSHOT_SCORES */
    uint64_t number;   /* answers to another one are not for this one */
    int64_t begun_mono_ms;
    size_t unanswered_count;
    bool failed;
    char error[REDIS_ERROR_BYTES];
    bool asked_to_move, answered_move, moved;
    struct buffer found;         /* in the head's place, when it did not move */
    struct buffer content, name; /* of the bucket at hand */
    bool wrote;                  /* in this turn */
    int64_t begun_cpu_us;        /* when it had something to do in this turn; -1: it had not so far */
    /* names to be deleted, one behind the other, and how far we are */
    struct buffer garbage;
    size_t garbage_at;
    /* the search for names of former lives: "" none is under way */
    char sweep_cursor[24];
    bool sweep_asked;
    struct buffer sweep_found;
    int32_t first; /* task to be looked at first: each gets its turn */
};

/* Whoever has snapshots, as it stands: one of the two. */
struct snapshot_subject {
    struct task *task;
    struct score_task *scores;
    struct snapshot_task *of_task;
    int32_t partition;
    uint64_t serial;
    uint64_t committed_epoch, seen_epoch; /* seen: what the state has seen, committed or not */
    int64_t state_offset;
    bool may_begin, goes_on;
};

/* What an answer belongs to. */
struct snapshot_ask {
    struct snapshot *snapshot;
    uint64_t number;
};

/* ---- of a task ---- */

struct snapshot_task *
snapshot_task_new(const struct snapshot_plan_options *options, int64_t now_mono_ms)
{
    struct snapshot_task *of_task = memory_allocate_zeroed(1, sizeof *of_task);

    of_task->plan = snapshot_plan_new(options);
    of_task->moved_mono_ms = now_mono_ms;
    return of_task;
}

void
snapshot_task_free(struct snapshot_task *of_task)
{
    if (of_task == NULL)
        return;
    snapshot_plan_free(of_task->plan);
    memory_free(of_task);
}

void
snapshot_task_changed(struct snapshot_task *of_task, struct slice ticket)
{
    if (of_task != NULL)
        snapshot_plan_changed(of_task->plan, ticket);
}

void
snapshot_task_touch(struct snapshot_task *of_task, uint32_t part)
{
    if (of_task != NULL)
        snapshot_plan_touch(of_task->plan, part);
}

void
snapshot_task_touch_all(struct snapshot_task *of_task)
{
    if (of_task != NULL)
        snapshot_plan_touch_all(of_task->plan);
}

void
snapshot_task_touch_from(struct snapshot_task *of_task, uint32_t part)
{
    if (of_task != NULL)
        snapshot_plan_touch_from(of_task->plan, part);
}

int64_t
snapshot_task_age_ms(const struct snapshot_task *of_task, int64_t now_mono_ms)
{
    return now_mono_ms - of_task->moved_mono_ms;
}

static int64_t
snapshot_due_mono_ms(const struct snapshot *snapshot, const struct snapshot_task *of_task)
{
    return of_task->due_mono_ms != 0 ? of_task->due_mono_ms
                                     : of_task->moved_mono_ms + snapshot->world->config->snapshot_every_ms;
}

/* ---- who has snapshots ---- */

static struct snapshot_subject
snapshot_subject_of_task(struct task *task)
{
    return (struct snapshot_subject){
        .task = task,
        .of_task = task->snapshot,
        .partition = task->partition,
        .serial = task->serial,
        .committed_epoch = task->committed_epoch,
        .seen_epoch = task->dirty ? task->epoch + 1 : task->epoch,
        .state_offset = task->state_end,
        .may_begin = task->state == TASK_LIVE && task->committed_epoch > 0 && task->state_end > 0,
        .goes_on = task->state == TASK_LIVE || task->state == TASK_CHECKING,
    };
}

static struct snapshot_subject
snapshot_subject_of_scores(struct score_task *scores)
{
    bool live = scores->state == SCORE_TASK_LIVE;

    return (struct snapshot_subject){
        .scores = scores,
        .of_task = scores->snapshot,
        .partition = SNAPSHOT_SCORES,
        .serial = scores->serial,
        .committed_epoch = scores->committed_epoch,
        .seen_epoch = scores->open.dirty ? scores->epoch + 1 : scores->epoch,
        .state_offset = scores->outcomes_offset,
        .may_begin = live && scores->committed_epoch > 0 && scores_has_room_for_parts(scores->scores),
        .goes_on = live,
    };
}

/* The i-th of all: the ticket tasks, then the score task. false: there is none there, or it has none. */
static bool
snapshot_subject_at(const struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count,
                    int32_t i, struct snapshot_subject *ret_subject)
{
    if (i < tasks_count && tasks[i] != NULL && tasks[i]->snapshot != NULL)
        *ret_subject = snapshot_subject_of_task(tasks[i]);
    else if (i == tasks_count && snapshot->scores != NULL && snapshot->scores->snapshot != NULL)
        *ret_subject = snapshot_subject_of_scores(snapshot->scores);
    else
        return false;
    return true;
}

/* The one that this partition belongs to. */
static bool
snapshot_subject_of(const struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count,
                    int32_t partition, struct snapshot_subject *ret_subject)
{
    int32_t i = partition == SNAPSHOT_SCORES ? tasks_count : partition;

    if (i < 0 || (partition != SNAPSHOT_SCORES && i >= tasks_count))
        return false;
    return snapshot_subject_at(snapshot, tasks, tasks_count, i, ret_subject);
}

/* ---- words with Redis ---- */

static bool
snapshot_say(struct snapshot *snapshot, const struct slice *words, size_t words_count,
             void (*answered)(void *context, const redisReply *reply, const char *error))
{
    struct snapshot_ask *ask = memory_allocate_zeroed(1, sizeof *ask);
    struct redis_command command = {
        .words = words, .words_count = words_count, .answered = answered, .context = ask};

    *ask = (struct snapshot_ask){.snapshot = snapshot, .number = snapshot->number};
    if (redis_send(snapshot->redis, &command, snapshot->world->now_mono_ms))
        return true;
    memory_free(ask);
    return false;
}

static void
snapshot_fail(struct snapshot *snapshot, const char *error)
{
    if (!snapshot->failed)
        snprintf(snapshot->error, sizeof snapshot->error, "%s", error);
    snapshot->failed = true;
}

/* Takes the ask. NULL: it is of one that is over. */
static struct snapshot *
snapshot_of_ask(struct snapshot_ask *taken)
{
    struct snapshot *snapshot = taken->number == taken->snapshot->number ? taken->snapshot : NULL;

    memory_free(taken);
    return snapshot;
}

static void
snapshot_on_written(void *context, const redisReply *reply, const char *error)
{
    struct snapshot *snapshot = snapshot_of_ask(context);

    (void)reply;
    if (snapshot == NULL)
        return;
    snapshot->unanswered_count--;
    if (error != NULL)
        snapshot_fail(snapshot, error);
}

/* {1}, or {0, what was found}. */
static void
snapshot_on_move(void *context, const redisReply *reply, const char *error)
{
    struct snapshot *snapshot = snapshot_of_ask(context);

    if (snapshot == NULL)
        return;
    snapshot->answered_move = true;
    if (reply == NULL)
        snapshot_fail(snapshot, error);
    else if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
             reply->element[0]->type != REDIS_REPLY_INTEGER)
        snapshot_fail(snapshot, "an answer of an unknown form");
    else {
        snapshot->moved = reply->element[0]->integer == 1;
        if (!snapshot->moved && reply->elements > 1 && reply->element[1]->type == REDIS_REPLY_STRING)
            buffer_append(&snapshot->found, reply->element[1]->str, reply->element[1]->len);
    }
}

static void
snapshot_on_deleted(void *context, const redisReply *reply, const char *error)
{
    (void)reply;
    (void)error; /* a name that stays is found by the next sweep */
    memory_free(context);
}

/* ---- one snapshot ---- */

static void
snapshot_over(struct snapshot *snapshot)
{
    if (snapshot->serial != 0 && snapshot->partition == SNAPSHOT_SCORES && snapshot->scores != NULL)
        score_task_parts_over(snapshot->scores);
    snapshot->serial = 0;
    snapshot->number++;
    snapshot->failed = snapshot->asked_to_move = snapshot->answered_move = snapshot->moved = false;
    snapshot->unanswered_count = 0;
    buffer_reset(&snapshot->found);
}

static void
snapshot_give_up(struct snapshot *snapshot, const struct snapshot_subject *subject, const char *error)
{
    struct world *world = snapshot->world;
    struct snapshot_task *of_task = subject->of_task;

    metrics_add(world->metrics, METRIC_SNAPSHOTS, METRIC_SNAPSHOT_FAILED, 1);
    log_write(world->log, LOG_WARNING, "snapshot_failed", LOG_INTEGER("task", subject->partition),
              LOG_TEXT("why", error),
              LOG_INTEGER("age_ms", snapshot_task_age_ms(of_task, world->now_mono_ms)));
    snapshot_plan_gave_up(of_task->plan);
    of_task->due_mono_ms = world->now_mono_ms + world->config->snapshot_every_ms;
    snapshot_over(snapshot);
}

/* From here on this turn costs something. Its processor time is asked of the kernel, and most turns have
 * nothing to do. */
static void
snapshot_note_work(struct snapshot *snapshot)
{
    if (snapshot->begun_cpu_us < 0)
        snapshot->begun_cpu_us = wallclock_thread_us();
}

/* About how many bytes all of it is: the number of a ticket task's buckets. */
static size_t
snapshot_content_bytes(const struct snapshot_subject *subject)
{
    const struct snapshot_task *of_task = subject->of_task;
    uint64_t ticket_bytes = of_task->gathered_tickets > 0
                                ? of_task->gathered_bytes / of_task->gathered_tickets + 1
                                : SNAPSHOT_TICKET_BYTES;

    return subject->task != NULL ? engine_tickets_count(subject->task->engine) * ticket_bytes : 0;
}

/* false: there is nothing to write. */
static bool
snapshot_begin(struct snapshot *snapshot, const struct snapshot_subject *subject)
{
    struct snapshot_task *of_task = subject->of_task;
    struct world *world = snapshot->world;
    struct snapshot_begin begin = {
        .committed_epoch = subject->committed_epoch,
        .state_offset = subject->state_offset,
        .now_ms = world->now_ms,
        .content_bytes = snapshot_content_bytes(subject),
    };

    snapshot_note_work(snapshot);
    of_task->due_mono_ms = world->now_mono_ms + world->config->snapshot_every_ms;
    if (!redis_is_up(snapshot->redis)) {
        const char *error = redis_error(snapshot->redis);

        snapshot_give_up(snapshot, subject, error != NULL ? error : "Redis is not there yet");
        return false;
    }
    if (!snapshot_plan_begin(of_task->plan, &begin)) {
        if (of_task->moved) /* nothing has changed: the last one is as good as a new one */
            of_task->moved_mono_ms = world->now_mono_ms;
        return false;
    }
    snapshot->serial = subject->serial;
    snapshot->partition = subject->partition;
    snapshot->begun_mono_ms = world->now_mono_ms;
    of_task->gathered_bytes /= 2; /* the last ones count most */
    of_task->gathered_tickets /= 2;
    return true;
}

/* The content of one bucket: every ticket and merge of it, as a loader takes records. */
static void
snapshot_gather_tickets(struct snapshot *snapshot, struct task *task, uint32_t bucket)
{
    uint32_t count = snapshot_plan_buckets_count(task->snapshot->plan);
    unsigned bits = (unsigned)__builtin_ctz(count);
    struct buffer key = {0}, record = {0};
    size_t cursor = 0;
    struct ticket *ticket;
    struct slice from;

    while ((ticket = engine_each_in_part(task->engine, bucket, bits, &cursor)) != NULL) {
        buffer_reset(&key);
        buffer_reset(&record);
        task_state_key(ticket_name(ticket), &key);
        if (engine_save(task->engine, ticket, &record)) {
            restore_plan_add(&snapshot->content, buffer_slice(&key), buffer_slice(&record));
            task->snapshot->gathered_tickets++;
        }
    }
    cursor = 0;
    while (engine_each_merge_in_part(task->engine, bucket, bits, &cursor, &from)) {
        buffer_reset(&key);
        buffer_reset(&record);
        task_merge_key(from, &key);
        must(engine_save_merge(task->engine, from, &record));
        restore_plan_add(&snapshot->content, buffer_slice(&key), buffer_slice(&record));
    }
    task->snapshot->gathered_bytes += snapshot->content.bytes;
    buffer_free(&key);
    buffer_free(&record);
}

static void
snapshot_write_piece(struct snapshot *snapshot, struct slice content)
{
    struct slice words[3] = {slice_of("SET"), buffer_slice(&snapshot->name), content};

    snapshot->wrote = true;
    if (snapshot_say(snapshot, words, 3, snapshot_on_written))
        snapshot->unanswered_count++;
    else
        snapshot_fail(snapshot, "Redis went away");
}

static void
snapshot_write_bucket(struct snapshot *snapshot, const struct snapshot_subject *subject, uint32_t bucket)
{
    size_t bytes_max = (size_t)snapshot->world->config->snapshot_bucket_bytes_max, name_bytes;
    struct slice rest;

    snapshot_note_work(snapshot);
    buffer_reset(&snapshot->content);
    buffer_reset(&snapshot->name);
    if (subject->task != NULL)
        snapshot_gather_tickets(snapshot, subject->task, bucket);
    else
        score_task_save_part(subject->scores, bucket, &snapshot->content);
    rest = buffer_slice(&snapshot->content);
    if (!snapshot_plan_gathered(subject->of_task->plan, bucket, subject->seen_epoch, rest, &snapshot->name))
        return;
    metrics_add(snapshot->world->metrics, METRIC_SNAPSHOT_BYTES, 0, rest.bytes);
    name_bytes = snapshot->name.bytes;
    for (size_t piece = 0; rest.bytes > 0 && !snapshot->failed; piece++) {
        size_t bytes = rest.bytes < bytes_max ? rest.bytes : bytes_max;

        snapshot->name.bytes = name_bytes;
        snapshot_name_piece(&snapshot->name, piece);
        snapshot_write_piece(snapshot, (struct slice){rest.at, bytes});
        rest = (struct slice){rest.at + bytes, rest.bytes - bytes};
    }
}

/* What the score task has learned is made ready beside the loop. */
static bool
snapshot_is_ready(const struct snapshot_subject *subject, uint32_t bucket)
{
    return subject->task != NULL || score_task_has_part(subject->scores, bucket);
}

/* As many buckets as the turn allows. true: more could be written at once. */
static bool
snapshot_write(struct snapshot *snapshot, const struct snapshot_subject *subject)
{
    int64_t begun_us = wallclock_mono_us();
    struct snapshot_plan *plan = subject->of_task->plan;
    uint32_t bucket;

    while (!snapshot->failed && wallclock_mono_us() - begun_us < SNAPSHOT_TURN_US &&
           redis_pending_bytes(snapshot->redis) < SNAPSHOT_PENDING_BYTES_MAX &&
           snapshot_plan_next(plan, &bucket) && snapshot_is_ready(subject, bucket))
        snapshot_write_bucket(snapshot, subject, bucket);
    return snapshot_plan_next(plan, &bucket) && snapshot_is_ready(subject, bucket) &&
           redis_pending_bytes(snapshot->redis) < SNAPSHOT_PENDING_BYTES_MAX;
}

static void
snapshot_ask_to_move(struct snapshot *snapshot, const struct snapshot_subject *subject)
{
    struct buffer head = {0}, before = {0}, expected = {0}, fresh = {0};
    struct slice words[7];

    snapshot_note_work(snapshot);
    snapshot_name_head(&head, snapshot->world->config->prefix, subject->partition);
    snapshot_name_before(&before, snapshot->world->config->prefix, subject->partition);
    snapshot_plan_move(subject->of_task->plan, &expected, &fresh);
    words[0] = slice_of("EVAL");
    words[1] = slice_of(snapshot_move_script);
    words[2] = slice_of("2");
    words[3] = buffer_slice(&head);
    words[4] = buffer_slice(&before);
    words[5] = buffer_slice(&expected);
    words[6] = buffer_slice(&fresh);
    snapshot->asked_to_move = snapshot->wrote = true;
    if (fresh.bytes > SNAPSHOT_HEAD_BYTES_MAX)
        snapshot_fail(snapshot, "its head would be larger than 1 MiB: raise snapshot_bucket_bytes_max");
    else if (!snapshot_say(snapshot, words, 7, snapshot_on_move))
        snapshot_fail(snapshot, "Redis went away");
    buffer_free(&head);
    buffer_free(&before);
    buffer_free(&expected);
    buffer_free(&fresh);
}

static void
snapshot_note_garbage(void *context, struct slice name)
{
    struct snapshot *snapshot = context;

    buffer_append_varint_slice(&snapshot->garbage, name);
}

static void
snapshot_end_moved(struct snapshot *snapshot, const struct snapshot_subject *subject)
{
    struct world *world = snapshot->world;
    struct snapshot_task *of_task = subject->of_task;

    snapshot_plan_moved(of_task->plan, snapshot_note_garbage, snapshot);
    of_task->moved = true;
    of_task->moved_mono_ms = snapshot->begun_mono_ms;
    metrics_add(world->metrics, METRIC_SNAPSHOTS, METRIC_SNAPSHOT_MOVED, 1);
    metrics_observe(world->metrics, METRIC_SNAPSHOT_TIME, 0, world->now_mono_ms - snapshot->begun_mono_ms);
    log_write(world->log, LOG_DEBUG, "snapshot_moved", LOG_INTEGER("task", subject->partition),
              LOG_INTEGER("epoch", subject->committed_epoch),
              LOG_INTEGER("took_ms", world->now_mono_ms - snapshot->begun_mono_ms));
    snapshot_over(snapshot);
}

static void
snapshot_end_refused(struct snapshot *snapshot, const struct snapshot_subject *subject)
{
    static const char *const reasons[] = {
        [SNAPSHOT_MOVED_AFTER_ALL] = "",
        [SNAPSHOT_FOREIGN] =
            "the head in Redis is not the one written last (wiped, rolled back, or another's)",
        [SNAPSHOT_STALE] = "the head in Redis is ahead of this task: somebody else has it by now",
    };
    struct world *world = snapshot->world;
    enum snapshot_refusal refusal =
        snapshot_plan_refused(subject->of_task->plan, buffer_slice(&snapshot->found));

    if (refusal == SNAPSHOT_MOVED_AFTER_ALL) {
        snapshot_end_moved(snapshot, subject);
        return;
    }
    metrics_add(world->metrics, METRIC_SNAPSHOTS, METRIC_SNAPSHOT_REFUSED, 1);
    log_write(world->log, LOG_WARNING, "snapshot_refused", LOG_INTEGER("task", subject->partition),
              LOG_TEXT("why", reasons[refusal]));
    if (refusal == SNAPSHOT_FOREIGN)
        subject->of_task->due_mono_ms = world->now_mono_ms + SNAPSHOT_FOREIGN_AGAIN_MS;
    snapshot_over(snapshot);
}

/* true: there is more to do at once. */
static bool
snapshot_go_on(struct snapshot *snapshot, const struct snapshot_subject *subject)
{
    struct snapshot_plan *plan = subject->of_task->plan;
    bool more = false;

    if (snapshot_plan_is_spoiled(plan) && !snapshot->asked_to_move)
        snapshot_fail(snapshot, "the state was laid out anew meanwhile");
    if (!snapshot->failed && !snapshot->asked_to_move) {
        more = snapshot_write(snapshot, subject);
        if (!more && snapshot->unanswered_count == 0 &&
            snapshot_plan_may_move(plan, subject->committed_epoch))
            snapshot_ask_to_move(snapshot, subject);
    }
    if (snapshot->failed)
        snapshot_give_up(snapshot, subject, snapshot->error);
    else if (snapshot->answered_move && snapshot->moved)
        snapshot_end_moved(snapshot, subject);
    else if (snapshot->answered_move)
        snapshot_end_refused(snapshot, subject);
    return more;
}

/* ---- garbage ---- */

static void
snapshot_delete(struct snapshot *snapshot)
{
    struct slice rest = {buffer_slice(&snapshot->garbage).at + snapshot->garbage_at,
                         snapshot->garbage.bytes - snapshot->garbage_at};
    struct slice words[SNAPSHOT_DELETES_A_TURN + 1];
    size_t count = 1;

    if (rest.bytes == 0)
        return;
    words[0] = slice_of("UNLINK");
    while (count <= SNAPSHOT_DELETES_A_TURN && rest.bytes > 0)
        must(varint_get_slice(&rest, &words[count++]) == 0);
    snapshot->garbage_at = snapshot->garbage.bytes - rest.bytes;
    (void)snapshot_say(snapshot, words, count, snapshot_on_deleted); /* down: a sweep finds them */
    if (rest.bytes == 0) {
        buffer_reset(&snapshot->garbage);
        snapshot->garbage_at = 0;
    }
}

/* Names of a life that ended before its head was moved: nobody remembers them, so they are looked for once
 * after each load. */
static void
snapshot_on_swept(void *context, const redisReply *reply, const char *error)
{
    struct snapshot_ask *ask = context;
    struct snapshot *snapshot = ask->snapshot;

    memory_free(ask);
    snapshot->sweep_asked = false;
    snapshot->sweep_cursor[0] = '\0';
    if (error != NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING || reply->element[1]->type != REDIS_REPLY_ARRAY)
        return;
    for (size_t i = 0; i < reply->element[1]->elements; i++)
        if (reply->element[1]->element[i]->type == REDIS_REPLY_STRING)
            buffer_append_varint_slice(
                &snapshot->sweep_found,
                (struct slice){reply->element[1]->element[i]->str, reply->element[1]->element[i]->len});
    if (strcmp(reply->element[0]->str, "0") != 0)
        snprintf(snapshot->sweep_cursor, sizeof snapshot->sweep_cursor, "%s", reply->element[0]->str);
}

/* PREFIX:snapshot:* with what SCAN would take for a pattern escaped. */
static void
snapshot_pattern(const struct snapshot *snapshot, struct buffer *out)
{
    for (const char *at = snapshot->world->config->prefix; *at != '\0'; at++) {
        if (strchr("*?[]\\^", *at) != NULL)
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *at);
    }
    buffer_append_text(out, ":snapshot:*");
}

static void
snapshot_ask_sweep(struct snapshot *snapshot)
{
    struct buffer pattern = {0};
    struct slice words[6] = {slice_of("SCAN"), slice_of(snapshot->sweep_cursor), slice_of("MATCH")};

    snapshot_pattern(snapshot, &pattern);
    words[3] = buffer_slice(&pattern);
    words[4] = slice_of("COUNT");
    words[5] = slice_of("500");
    snapshot->sweep_asked = snapshot_say(snapshot, words, 6, snapshot_on_swept);
    if (!snapshot->sweep_asked)
        snapshot->sweep_cursor[0] = '\0';
    buffer_free(&pattern);
}

/* Whose name it is: what stands behind PREFIX:snapshot: */
static int32_t
snapshot_partition_of(struct slice name, size_t stem_bytes)
{
    char number[12];
    size_t bytes = name.bytes - stem_bytes;

    if (bytes >= strlen("scores:") && memcmp(name.at + stem_bytes, "scores:", strlen("scores:")) == 0)
        return SNAPSHOT_SCORES;
    snprintf(number, sizeof number, "%.*s", (int)(bytes < sizeof number ? bytes : sizeof number - 1),
             name.at + stem_bytes);
    return (int32_t)strtol(number, NULL, 10);
}

static void
snapshot_judge_swept(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    struct slice rest = buffer_slice(&snapshot->sweep_found), name;
    size_t stem_bytes = strlen(snapshot->world->config->prefix) + strlen(":snapshot:");

    while (rest.bytes > 0) {
        struct snapshot_subject subject;

        must(varint_get_slice(&rest, &name) == 0);
        if (name.bytes <= stem_bytes ||
            !snapshot_subject_of(snapshot, tasks, tasks_count, snapshot_partition_of(name, stem_bytes),
                                 &subject))
            continue;
        if (subject.may_begin && subject.of_task->swept &&
            snapshot_plan_is_garbage(subject.of_task->plan, name))
            snapshot_note_garbage(snapshot, name);
    }
    buffer_reset(&snapshot->sweep_found);
}

/* One search serves every task whose head is known to be ours when it begins. */
static void
snapshot_sweep(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    struct snapshot_subject subject;
    bool begins = false;

    snapshot_judge_swept(snapshot, tasks, tasks_count);
    if (snapshot->sweep_asked || snapshot->garbage.bytes > 0)
        return;
    for (int32_t i = 0; i <= tasks_count && snapshot->sweep_cursor[0] == '\0' && !begins; i++)
        begins = snapshot_subject_at(snapshot, tasks, tasks_count, i, &subject) && subject.may_begin &&
                 subject.of_task->moved && !subject.of_task->swept;
    if (begins) {
        snprintf(snapshot->sweep_cursor, sizeof snapshot->sweep_cursor, "0");
        for (int32_t i = 0; i <= tasks_count; i++)
            if (snapshot_subject_at(snapshot, tasks, tasks_count, i, &subject) && subject.may_begin &&
                subject.of_task->moved)
                subject.of_task->swept = true;
    }
    if (snapshot->sweep_cursor[0] != '\0')
        snapshot_ask_sweep(snapshot);
}

/* ---- the phase ---- */

/* The task of the snapshot under way, when it is still the same assignment. */
static bool
snapshot_present_subject(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count,
                         struct snapshot_subject *ret_subject)
{
    return snapshot_subject_of(snapshot, tasks, tasks_count, snapshot->partition, ret_subject) &&
           ret_subject->serial == snapshot->serial && ret_subject->goes_on;
}

static void
snapshot_find_due(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    int32_t count = tasks_count + 1;

    for (int32_t k = 0; k < count && snapshot->serial == 0; k++) {
        int32_t i = (snapshot->first + k) % count;
        struct snapshot_subject subject;

        if (snapshot_subject_at(snapshot, tasks, tasks_count, i, &subject) && subject.may_begin &&
            snapshot_due_mono_ms(snapshot, subject.of_task) <= snapshot->world->now_mono_ms &&
            snapshot_begin(snapshot, &subject))
            snapshot->first = i + 1;
    }
}

static bool
snapshot_step(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    struct snapshot_subject subject;

    redis_turn(snapshot->redis, snapshot->world->now_mono_ms);
    if (snapshot->serial == 0)
        snapshot_find_due(snapshot, tasks, tasks_count);
    if (redis_is_up(snapshot->redis)) {
        snapshot_delete(snapshot);
        snapshot_sweep(snapshot, tasks, tasks_count);
    }
    if (snapshot->serial == 0)
        return false;
    if (snapshot_present_subject(snapshot, tasks, tasks_count, &subject))
        return snapshot_go_on(snapshot, &subject);
    snapshot_over(snapshot); /* it was revoked, or loaded anew */
    return false;
}

bool
snapshot_turn(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    int64_t begun_us = wallclock_mono_us();
    struct metrics *metrics = snapshot->world->metrics;
    bool more;

    snapshot->wrote = false;
    snapshot->begun_cpu_us = -1;
    more = snapshot_step(snapshot, tasks, tasks_count);
    if (snapshot->wrote) {
        metrics_observe(metrics, METRIC_SNAPSHOT_TURN_TIME, 0, wallclock_mono_us() - begun_us);
        metrics_observe(metrics, METRIC_SNAPSHOT_TURN_CPU, 0, wallclock_thread_us() - snapshot->begun_cpu_us);
    }
    return more;
}

int64_t
snapshot_wait_ms(const struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    int64_t now_mono_ms = snapshot->world->now_mono_ms;
    int64_t wait_ms = redis_wait_ms(snapshot->redis, now_mono_ms);
    struct snapshot_subject subject;

    for (int32_t i = 0; i <= tasks_count && snapshot->serial == 0; i++)
        if (snapshot_subject_at(snapshot, tasks, tasks_count, i, &subject) && subject.may_begin) {
            int64_t left_ms = snapshot_due_mono_ms(snapshot, subject.of_task) - now_mono_ms;

            if (left_ms < wait_ms)
                wait_ms = left_ms;
        }
    return wait_ms > 0 ? wait_ms : 0;
}

/* ---- life ---- */

struct snapshot *
snapshot_new(struct world *world, struct redis *redis)
{
    struct snapshot *snapshot = memory_allocate_zeroed(1, sizeof *snapshot);

    snapshot->world = world;
    snapshot->redis = redis;
    snapshot->number = 1;
    return snapshot;
}

void
snapshot_set_scores(struct snapshot *snapshot, struct score_task *scores)
{
    snapshot->scores = scores;
}

void
snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    buffer_free(&snapshot->found);
    buffer_free(&snapshot->content);
    buffer_free(&snapshot->name);
    buffer_free(&snapshot->garbage);
    buffer_free(&snapshot->sweep_found);
    memory_free(snapshot);
}
