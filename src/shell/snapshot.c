/*
 * Snapshots of ticket tasks.
 *
 * What: carries out a snapshot plan: gathers the dirty buckets of one task, sends each to Redis, waits for
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
#include "shell/task.h"
#include "shell/wallclock.h"
#include <stdio.h>
#include <stdlib.h>

enum {
    SNAPSHOT_TURN_US = 2000,
    SNAPSHOT_PENDING_BYTES_MAX = 4 * 1024 * 1024,
    SNAPSHOT_TICKET_BYTES = 500,   /* until it was measured */
    SNAPSHOT_REFRESH_MS = 3600000, /* a head of an idle task gets no older */
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
    /* the one under way: serial 0: none is */
    uint64_t serial;
    int32_t partition;
    uint64_t number; /* answers to another one are not for this one */
    int64_t begun_mono_ms;
    size_t unanswered_count;
    bool failed;
    char error[REDIS_ERROR_BYTES];
    bool asked_to_move, answered_move, moved;
    struct buffer found;         /* in the head's place, when it did not move */
    struct buffer content, name; /* of the bucket at hand */
    /* names to be deleted, one behind the other, and how far we are */
    struct buffer garbage;
    size_t garbage_at;
    /* the search for names of former lives: "" none is under way */
    char sweep_cursor[24];
    bool sweep_asked;
    struct buffer sweep_found;
    int32_t first; /* task to be looked at first: each gets its turn */
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
    snapshot->serial = 0;
    snapshot->number++;
    snapshot->failed = snapshot->asked_to_move = snapshot->answered_move = snapshot->moved = false;
    snapshot->unanswered_count = 0;
    buffer_reset(&snapshot->found);
}

static void
snapshot_give_up(struct snapshot *snapshot, struct task *task, const char *error)
{
    struct world *world = snapshot->world;

    metrics_add(world->metrics, METRIC_SNAPSHOTS, METRIC_SNAPSHOT_FAILED, 1);
    log_write(world->log, LOG_WARNING, "snapshot_failed", LOG_INTEGER("task", task->partition),
              LOG_TEXT("why", error),
              LOG_INTEGER("age_ms", snapshot_task_age_ms(task->snapshot, world->now_mono_ms)));
    snapshot_plan_gave_up(task->snapshot->plan);
    task->snapshot->due_mono_ms = world->now_mono_ms + world->config->snapshot_every_ms;
    snapshot_over(snapshot);
}

static bool
snapshot_is_possible(const struct task *task)
{
    return task != NULL && task->snapshot != NULL && task->state == TASK_LIVE && task->committed_epoch > 0 &&
           task->state_end > 0;
}

/* false: there is nothing to write. */
static bool
snapshot_begin(struct snapshot *snapshot, struct task *task)
{
    struct snapshot_task *of_task = task->snapshot;
    struct world *world = snapshot->world;
    uint64_t ticket_bytes = of_task->gathered_tickets > 0
                                ? of_task->gathered_bytes / of_task->gathered_tickets + 1
                                : SNAPSHOT_TICKET_BYTES;
    struct snapshot_begin begin = {
        .committed_epoch = task->committed_epoch,
        .state_offset = task->state_end,
        .now_ms = world->now_ms,
        .content_bytes = engine_tickets_count(task->engine) * ticket_bytes,
        .anyway = snapshot_task_age_ms(of_task, world->now_mono_ms) >= SNAPSHOT_REFRESH_MS,
    };

    of_task->due_mono_ms = world->now_mono_ms + world->config->snapshot_every_ms;
    if (!redis_is_up(snapshot->redis)) {
        const char *error = redis_error(snapshot->redis);

        snapshot_give_up(snapshot, task, error != NULL ? error : "Redis is not there yet");
        return false;
    }
    if (!snapshot_plan_begin(of_task->plan, &begin)) {
        if (of_task->moved) /* nothing has changed: the last one is as good as a new one */
            of_task->moved_mono_ms = world->now_mono_ms;
        return false;
    }
    snapshot->serial = task->serial;
    snapshot->partition = task->partition;
    snapshot->begun_mono_ms = world->now_mono_ms;
    of_task->gathered_bytes /= 2; /* the last ones count most */
    of_task->gathered_tickets /= 2;
    return true;
}

/* The content of one bucket: every ticket and merge of it, as a loader takes records. */
static void
snapshot_gather(struct snapshot *snapshot, struct task *task, uint32_t bucket)
{
    uint32_t count = snapshot_plan_buckets_count(task->snapshot->plan);
    unsigned bits = (unsigned)__builtin_ctz(count);
    struct buffer key = {0}, record = {0};
    size_t cursor = 0;
    struct ticket *ticket;
    struct slice from;

    buffer_reset(&snapshot->content);
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
snapshot_write_bucket(struct snapshot *snapshot, struct task *task, uint32_t bucket)
{
    uint64_t seen_epoch = task->dirty ? task->epoch + 1 : task->epoch;
    struct slice words[3];

    snapshot_gather(snapshot, task, bucket);
    buffer_reset(&snapshot->name);
    if (!snapshot_plan_gathered(task->snapshot->plan, bucket, seen_epoch, buffer_slice(&snapshot->content),
                                &snapshot->name))
        return;
    words[0] = slice_of("SET");
    words[1] = buffer_slice(&snapshot->name);
    words[2] = buffer_slice(&snapshot->content);
    if (!snapshot_say(snapshot, words, 3, snapshot_on_written)) {
        snapshot_fail(snapshot, "Redis went away");
        return;
    }
    snapshot->unanswered_count++;
    metrics_add(snapshot->world->metrics, METRIC_SNAPSHOT_BYTES, 0, snapshot->content.bytes);
}

/* As many buckets as the turn allows. true: more could be written at once. */
static bool
snapshot_write(struct snapshot *snapshot, struct task *task)
{
    int64_t begun_us = wallclock_mono_us(), took_us = 0;
    uint32_t bucket;

    while (!snapshot->failed && took_us < SNAPSHOT_TURN_US &&
           redis_pending_bytes(snapshot->redis) < SNAPSHOT_PENDING_BYTES_MAX &&
           snapshot_plan_next(task->snapshot->plan, &bucket)) {
        snapshot_write_bucket(snapshot, task, bucket);
        took_us = wallclock_mono_us() - begun_us;
    }
    if (took_us > 0)
        metrics_observe(snapshot->world->metrics, METRIC_SNAPSHOT_TURN_TIME, 0, took_us);
    return snapshot_plan_next(task->snapshot->plan, &bucket) &&
           redis_pending_bytes(snapshot->redis) < SNAPSHOT_PENDING_BYTES_MAX;
}

static void
snapshot_ask_to_move(struct snapshot *snapshot, struct task *task)
{
    struct buffer head = {0}, before = {0}, expected = {0}, fresh = {0};
    struct slice words[7];

    snapshot_name_head(&head, snapshot->world->config->prefix, task->partition);
    snapshot_name_before(&before, snapshot->world->config->prefix, task->partition);
    snapshot_plan_move(task->snapshot->plan, &expected, &fresh);
    words[0] = slice_of("EVAL");
    words[1] = slice_of(snapshot_move_script);
    words[2] = slice_of("2");
    words[3] = buffer_slice(&head);
    words[4] = buffer_slice(&before);
    words[5] = buffer_slice(&expected);
    words[6] = buffer_slice(&fresh);
    snapshot->asked_to_move = true;
    if (!snapshot_say(snapshot, words, 7, snapshot_on_move))
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
snapshot_end_moved(struct snapshot *snapshot, struct task *task)
{
    struct world *world = snapshot->world;
    struct snapshot_task *of_task = task->snapshot;

    snapshot_plan_moved(of_task->plan, snapshot_note_garbage, snapshot);
    of_task->moved = true;
    of_task->moved_mono_ms = snapshot->begun_mono_ms;
    metrics_add(world->metrics, METRIC_SNAPSHOTS, METRIC_SNAPSHOT_MOVED, 1);
    metrics_observe(world->metrics, METRIC_SNAPSHOT_TIME, 0, world->now_mono_ms - snapshot->begun_mono_ms);
    log_write(world->log, LOG_DEBUG, "snapshot_moved", LOG_INTEGER("task", task->partition),
              LOG_INTEGER("epoch", task->committed_epoch),
              LOG_INTEGER("took_ms", world->now_mono_ms - snapshot->begun_mono_ms));
    snapshot_over(snapshot);
}

static void
snapshot_end_refused(struct snapshot *snapshot, struct task *task)
{
    static const char *const reasons[] = {
        [SNAPSHOT_MOVED_AFTER_ALL] = "",
        [SNAPSHOT_FOREIGN] =
            "the head in Redis is not the one written last (wiped, rolled back, or another's)",
        [SNAPSHOT_STALE] = "the head in Redis is ahead of this task: somebody else has it by now",
    };
    struct world *world = snapshot->world;
    enum snapshot_refusal refusal =
        snapshot_plan_refused(task->snapshot->plan, buffer_slice(&snapshot->found));

    if (refusal == SNAPSHOT_MOVED_AFTER_ALL) {
        snapshot_end_moved(snapshot, task);
        return;
    }
    metrics_add(world->metrics, METRIC_SNAPSHOTS, METRIC_SNAPSHOT_REFUSED, 1);
    log_write(world->log, LOG_WARNING, "snapshot_refused", LOG_INTEGER("task", task->partition),
              LOG_TEXT("why", reasons[refusal]));
    if (refusal == SNAPSHOT_FOREIGN)
        task->snapshot->due_mono_ms = world->now_mono_ms + SNAPSHOT_FOREIGN_AGAIN_MS;
    snapshot_over(snapshot);
}

/* true: there is more to do at once. */
static bool
snapshot_go_on(struct snapshot *snapshot, struct task *task)
{
    bool more = false;

    if (!snapshot->failed && !snapshot->asked_to_move) {
        more = snapshot_write(snapshot, task);
        if (!more && snapshot->unanswered_count == 0 &&
            snapshot_plan_may_move(task->snapshot->plan, task->committed_epoch))
            snapshot_ask_to_move(snapshot, task);
    }
    if (snapshot->failed)
        snapshot_give_up(snapshot, task, snapshot->error);
    else if (snapshot->answered_move && snapshot->moved)
        snapshot_end_moved(snapshot, task);
    else if (snapshot->answered_move)
        snapshot_end_refused(snapshot, task);
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

static void
snapshot_judge_swept(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    struct slice rest = buffer_slice(&snapshot->sweep_found), name;
    size_t stem_bytes = strlen(snapshot->world->config->prefix) + strlen(":snapshot:");
    char number[12];

    while (rest.bytes > 0) {
        long partition;

        must(varint_get_slice(&rest, &name) == 0);
        if (name.bytes <= stem_bytes)
            continue;
        snprintf(number, sizeof number, "%.*s",
                 (int)(name.bytes - stem_bytes < sizeof number ? name.bytes - stem_bytes : sizeof number - 1),
                 name.at + stem_bytes);
        partition = strtol(number, NULL, 10);
        if (partition >= 0 && partition < tasks_count && snapshot_is_possible(tasks[partition]) &&
            tasks[partition]->snapshot->swept &&
            snapshot_plan_is_garbage(tasks[partition]->snapshot->plan, name))
            snapshot_note_garbage(snapshot, name);
    }
    buffer_reset(&snapshot->sweep_found);
}

/* One search serves every task whose head is known to be ours when it begins. */
static void
snapshot_sweep(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    bool begins = false;

    snapshot_judge_swept(snapshot, tasks, tasks_count);
    if (snapshot->sweep_asked || snapshot->garbage.bytes > 0)
        return;
    for (int32_t p = 0; p < tasks_count && snapshot->sweep_cursor[0] == '\0' && !begins; p++)
        begins = snapshot_is_possible(tasks[p]) && tasks[p]->snapshot->moved && !tasks[p]->snapshot->swept;
    if (begins) {
        snprintf(snapshot->sweep_cursor, sizeof snapshot->sweep_cursor, "0");
        for (int32_t p = 0; p < tasks_count; p++)
            if (snapshot_is_possible(tasks[p]) && tasks[p]->snapshot->moved)
                tasks[p]->snapshot->swept = true;
    }
    if (snapshot->sweep_cursor[0] != '\0')
        snapshot_ask_sweep(snapshot);
}

/* ---- the phase ---- */

/* The task of the snapshot under way, when it is still the same assignment. */
static struct task *
snapshot_present_task(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    struct task *task = snapshot->partition < tasks_count ? tasks[snapshot->partition] : NULL;

    return task != NULL && task->serial == snapshot->serial && task->snapshot != NULL &&
                   (task->state == TASK_LIVE || task->state == TASK_CHECKING)
               ? task
               : NULL;
}

static void
snapshot_find_due(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    for (int32_t i = 0; i < tasks_count && snapshot->serial == 0; i++) {
        int32_t p = (snapshot->first + i) % tasks_count;

        if (snapshot_is_possible(tasks[p]) &&
            snapshot_due_mono_ms(snapshot, tasks[p]->snapshot) <= snapshot->world->now_mono_ms &&
            snapshot_begin(snapshot, tasks[p]))
            snapshot->first = p + 1;
    }
}

bool
snapshot_turn(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    struct task *task;

    redis_turn(snapshot->redis, snapshot->world->now_mono_ms);
    if (snapshot->serial == 0)
        snapshot_find_due(snapshot, tasks, tasks_count);
    if (redis_is_up(snapshot->redis)) {
        snapshot_delete(snapshot);
        snapshot_sweep(snapshot, tasks, tasks_count);
    }
    if (snapshot->serial == 0)
        return false;
    task = snapshot_present_task(snapshot, tasks, tasks_count);
    if (task != NULL)
        return snapshot_go_on(snapshot, task);
    snapshot_over(snapshot); /* it was revoked, or loaded anew */
    return false;
}

int64_t
snapshot_wait_ms(const struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count)
{
    int64_t now_mono_ms = snapshot->world->now_mono_ms;
    int64_t wait_ms = redis_wait_ms(snapshot->redis, now_mono_ms);

    for (int32_t p = 0; p < tasks_count && snapshot->serial == 0; p++)
        if (snapshot_is_possible(tasks[p])) {
            int64_t left_ms = snapshot_due_mono_ms(snapshot, tasks[p]->snapshot) - now_mono_ms;

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
