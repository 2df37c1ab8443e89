/*
 * A ticket task.
 *
 * What: an engine, where it stands in its two partitions, what time it is for it, and the batch of the
 * present epoch.
 *
 * Why so: everything that must move together lives in one struct: state, position, outputs. An epoch is
 * closed by turning it into bytes; from then on it can be sent, sent again or thrown away without asking the
 * engine.
 *
 * Always true: T never goes back; while more is waiting and the last record is old (or unknown: just loaded)
 * the engine is quiet; the epoch's number grows by one a close; a position is committed only with the state
 * that it led to.
 *
 * Not here: reading Kafka (tickets.c), judging records (ingest.c), the transaction (transaction.c).
 */
#include "shell/task.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/envelope.h"
#include "shell/policy_book.h"
#include "shell/publish.h"
#include "shell/restore.h"
#include "shell/snapshot.h"
#include "wire/open_json.h"
#include <stdio.h>
#include <string.h>

enum {
    TASK_MEASURE_EVERY_MS = 2000,
    TASK_OPEN_EVERY_MS_MIN = 1000,
    TASK_SURVEY_TICKETS = 2000,     /* a second: some two milliseconds of a million tickets */
    TASK_SURVEY_TICKETS_IDLE = 500, /* while no event comes, or so many that a picture is old as it is made */
    TASK_WARM_TICKETS = 200,        /* a turn: some two milliseconds */
    TASK_OPEN_EVERY_MS_MAX = 10000,
    TASK_HEARTBEAT_MS = 6 * 3600000,
    TASK_AGAIN_TICKETS = 4096, /* an epoch, about */
    TASK_LOOK_BACK_EVERY_MS = 3600000,
    TASK_LOOK_BACK_TICKETS = 1000 /* a turn: less than a millisecond */
};

static int64_t
task_later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t
task_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

struct task *
task_new(struct world *world, int32_t partition)
{
    struct task *task = memory_allocate_zeroed(1, sizeof *task);

    task->world = world;
    task->partition = partition;
    task->serial = ++world->tasks_made;
    task->state = TASK_LOADING;
    task->assigned_mono_ms = world->now_mono_ms;
    task->batch = batch_new(task->world->batches);
    return task;
}

void
task_free(struct task *task)
{
    if (task == NULL)
        return;
    if (task->engine != NULL)
        engine_free(task->engine);
    if (task->world->book != NULL)
        policy_book_release(task->world->book, task->set);
    buffer_free(&task->policies);
    buffer_free(&task->policies_written);
    batch_free(task->batch);
    batch_free(task->spare);
    buffer_free(&task->key);
    buffer_free(&task->id);
    snapshot_task_free(task->snapshot);
    memory_free(task->held_reason);
    memory_free(task);
}

/* ---- loading ---- */

/* A lineage of its own: the writer is drawn at every start, the serial counts this process's tasks. */
static struct hash128
task_lineage_new(const struct task *task)
{
    return hash_bytes128(task->world->writer, &task->serial, sizeof task->serial);
}

static struct engine *
task_engine_new(struct task *task)
{
    const struct config *config = task->world->config;
    struct engine_options options = {
        .symbols = task->world->symbols,
        .sink = publish_sink(task),
        .late_after_ms = config->late_after_ms,
        .retire_after_ms = config->retire_after_ms,
        .retirement_mark_ms = config->retirement_mark_ms,
        .alerts_from_ms = config->alerts_from_ms != INT64_MIN ? config->alerts_from_ms : task->alerts_from_ms,
        .allowed_skew_ms = config->allowed_skew_ms,
        .accept_age_ms = config->accept_age_ms,
        .hot_tickets_max = (size_t)config->hot_tickets,
        .history_max = (size_t)config->history_max,
        .merges_max = (size_t)config->merges_max,
        .ticket_bytes_max = (size_t)config->ticket_bytes_max,
    };

    return engine_new(&options, task->set != NULL ? task->set : task->world->policies);
}

/* ---- policies ---- */

/* These are the versions in force. true: they are others than before. */
static bool
task_hold_policies(struct task *task, struct slice ids)
{
    const struct policy_set *before = task->set;

    buffer_reset(&task->policies);
    buffer_append_slice(&task->policies, ids);
    task->set = policy_book_hold(task->world->book, ids);
    policy_book_release(task->world->book, before);
    return task->set != before;
}

/* What was held, and what the disk adds: appended to ids. */
static void
task_join_policies(const struct task *task, struct buffer *ids)
{
    struct buffer refusals = {0};

    if (!policy_book_join(task->world->book, buffer_slice(&task->policies), ids, &refusals))
        log_write(task->world->log, LOG_ERROR, "policy_disagrees", LOG_INTEGER("task", task->partition),
                  LOG_SLICE("why", buffer_slice(&refusals)));
    buffer_free(&refusals);
}

/* The engine goes by these from now on, which may be none of those it goes by. */
static void
task_go_by(struct task *task, struct slice ids)
{
    struct policy_book *book = task->world->book;
    const struct policy_set *before = policy_book_hold(book, buffer_slice(&task->policies));

    if (task_hold_policies(task, ids)) {
        engine_set_policies(task->engine, task->set, task->t_ms);
        task_touch(task);
    }
    policy_book_release(book, before); /* now that the engine has let go of it */
}

/* What the marker says is in force, and what is new on disk. */
static void
task_begin_policies(struct task *task, struct slice held)
{
    struct buffer ids = {0};

    if (task->world->book == NULL)
        return;
    buffer_reset(&task->policies);
    buffer_reset(&task->policies_written);
    policy_book_keep_known(task->world->book, held, &task->policies);
    buffer_append_slice(&task->policies_written, buffer_slice(&task->policies));
    task->policies_due = task->looks_back = false;
    task->look_back_mono_ms = task->world->now_mono_ms + TASK_LOOK_BACK_EVERY_MS;
    task_join_policies(task, &ids);
    (void)task_hold_policies(task, buffer_slice(&ids));
    buffer_free(&ids);
}

static bool
task_has_unwritten_policies(const struct task *task)
{
    return !slice_equal(buffer_slice(&task->policies), buffer_slice(&task->policies_written));
}

void
task_take_policies(struct task *task)
{
    struct buffer ids = {0};

    if (task->world->book == NULL || task->engine == NULL || task->state == TASK_HELD)
        return;
    if (task->state == TASK_LOADING) {
        task->policies_due = true;
        return;
    }
    task->policies_due = task->looks_back = false;
    task->look_back_mono_ms = task->world->now_mono_ms; /* what is not on disk any more may be over */
    task_join_policies(task, &ids);
    task_go_by(task, buffer_slice(&ids));
    buffer_free(&ids);
}

/* The text of a version, or tombstones in its place. */
static void
task_write_policy(struct task *task, struct slice id, bool in_force)
{
    struct policy_book *book = task->world->book;
    struct slice source = policy_book_source(book, id), version = policy_book_version(book, id);
    struct buffer key = {0};

    for (size_t i = 0; i < policy_record_chunks(source); i++) {
        buffer_reset(&key);
        policy_record_key(version, id, i, &key);
        batch_begin(task->batch, TOPIC_STATE, task->partition, buffer_slice(&key));
        if (in_force)
            policy_record_chunk(id, source, i, batch_value(task->batch));
        batch_end(task->batch);
    }
    buffer_free(&key);
    log_write(task->world->log, LOG_NOTICE, in_force ? "policy_in_force" : "policy_over",
              LOG_INTEGER("task", task->partition), LOG_SLICE("version", version),
              LOG_INTEGER("epoch", task->epoch + 1));
}

/* The texts of the versions that are in force from this epoch on; those of which that is not true any more
 * go.
 */
static void
task_write_policies(struct task *task)
{
    struct slice ids = buffer_slice(&task->policies), written = buffer_slice(&task->policies_written);

    if (!task_has_unwritten_policies(task))
        return;
    for (size_t i = 0; i < policy_ids_count(ids); i++)
        if (!policy_ids_has(written, policy_ids_get(ids, i)))
            task_write_policy(task, policy_ids_get(ids, i), true);
    for (size_t i = 0; i < policy_ids_count(written); i++)
        if (!policy_ids_has(ids, policy_ids_get(written, i)))
            task_write_policy(task, policy_ids_get(written, i), false);
    buffer_reset(&task->policies_written);
    buffer_append_slice(&task->policies_written, ids);
}

/* ---- versions that are over ---- */

/* The versions in force without those that were over before this instant and are not on disk. false: there
 * are none. */
static bool
task_leave_over(const struct task *task, int64_t oldest_ms, struct buffer *ids)
{
    buffer_append_slice(ids, buffer_slice(&task->policies));
    return policy_book_leave_over(task->world->book, oldest_ms, ids);
}

/* A version that no ticket goes back to, and no event that is still accepted can, goes the way it came: with
 * one look at every ticket, and the epoch that does without it takes its text out of slad.state. A few
 * tickets a turn; where nothing can be over, none. */
static void
task_look_back(struct task *task)
{
    const int64_t accepted_ms = task->t_ms - task->world->config->accept_age_ms;
    struct buffer ids = {0};
    int64_t oldest_ms;

    if (task->world->book == NULL || task->world->now_mono_ms < task->look_back_mono_ms)
        return;
    task->looks_back = task->looks_back || task_leave_over(task, accepted_ms, &ids);
    if (task->looks_back && !engine_look_back(task->engine, TASK_LOOK_BACK_TICKETS, &oldest_ms)) {
        buffer_free(&ids);
        return;
    }
    task->look_back_mono_ms = task->world->now_mono_ms + TASK_LOOK_BACK_EVERY_MS;
    buffer_reset(&ids);
    if (task->looks_back && task_leave_over(task, task_earlier(oldest_ms, accepted_ms), &ids))
        task_go_by(task, buffer_slice(&ids));
    task->looks_back = false;
    buffer_free(&ids);
}

/* ---- foresight ---- */

static bool
task_forecast(void *table, const struct foresight_query *query, struct foresight_forecast *forecast)
{
    return foresight_table_forecast(table, query, forecast);
}

void
task_take_foresight(struct task *task)
{
    const struct foresight_table *table = task->world->foresight;
    const struct engine_foresight foresight = {.forecast = task_forecast,
                                               .context = (void *)(uintptr_t)table,
                                               .contexts =
                                                   table != NULL ? foresight_table_contexts(table) : NULL,
                                               .task = (uint32_t)task->partition,
                                               .tasks_count = (uint32_t)task->world->partitions_count};

    if (task->engine != NULL && (task->state == TASK_LIVE || task->state == TASK_CHECKING))
        engine_set_foresight(task->engine, table != NULL ? &foresight : NULL, task->t_ms);
}

/* ---- loading, of the whole ---- */

void
task_begin(struct task *task, bool has_marker, const struct marker *marker)
{
    if (task->engine != NULL)
        engine_free(task->engine);
    task->engine = NULL;
    batch_free(task->batch);
    task->batch = batch_new(task->world->batches);
    task->dirty = task->announces = false;
    task->taken_count = 0;
    task->counted = (struct engine_figures){0};
    task->decided = false;
    task->begins_offset = task->state_end = task->state_end_max = 0;
    task->again_left = 0;
    task->snapshot_bytes = 0;
    task->restored_records = 0;
    task->loaded_writer = has_marker ? marker->writer : task->world->writer;
    if (has_marker) {
        task->lineage = marker->lineage;
        task->epoch = task->committed_epoch = marker->epoch;
        task->t_ms = marker->t_ms;
        task->alerts_from_ms = marker->alerts_from_ms;
        task->created_at_ms = marker->created_at_ms;
        task->begins_offset = marker->begins_offset;
    } else {
        task->lineage = task_lineage_new(task);
        task->epoch = task->committed_epoch = 0;
        task->t_ms = INT64_MIN;
        task->alerts_from_ms = task->created_at_ms = task->world->started_at_ms;
    }
    for (int i = 0; i < TASK_SOURCES_COUNT; i++) {
        task->next_offsets[i] = has_marker ? marker->offsets[i] : MARKER_NO_OFFSET;
        source_begin(&task->sources[i]);
        task->last_record_ms[i] = has_marker ? marker->t_ms : INT64_MIN;
    }
    task_begin_policies(task, has_marker ? marker->policies : (struct slice){0});
    task->engine = task_engine_new(task);
}

void
task_begin_decided(struct task *task, const struct marker *marker)
{
    bool fresh = task->epoch == 0;

    task->decided = true;
    task->begins_offset = marker->begins_offset;
    for (int i = 0; i < TASK_SOURCES_COUNT; i++)
        task->next_offsets[i] = marker->offsets[i];
    if (fresh) /* what lies in the topic already pages nobody */
        task->alerts_from_ms = task->created_at_ms = task->world->now_ms;
}

void
task_begin_snapshots(struct task *task, struct slice head, struct slice before, int used)
{
    const struct world *world = task->world;
    const struct snapshot_plan_options options = {
        .prefix = world->config->prefix,
        .partition = task->partition,
        .bucket_bytes_max = (size_t)world->config->snapshot_bucket_bytes_max,
        .stamp = world->writer.low + task->serial,
        .writer = world->writer,
        .lineage = task->lineage,
        .loaded_epoch = task->epoch,
        .loaded_writer = task->loaded_writer,
        .head = head,
        .before = before,
        .used = used,
    };

    snapshot_task_free(task->snapshot);
    task->snapshot = snapshot_task_new(&options, world->now_mono_ms);
}

/* Not of the tickets: a policy (it came with the marker), or what a newer version keeps besides. A ticket's
 * key begins with no ~ or with two. */
static bool
task_is_aside(struct slice key)
{
    return key.bytes > 0 && key.at[0] == '~' && (key.bytes == 1 || key.at[1] != '~');
}

/* Once the first bucket of a snapshot is here, it can be told how many tickets there will be. */
static void
task_expect(struct task *task, struct slice records)
{
    struct slice rest = records, key, value;
    size_t count = 0;

    if (task->snapshot_bytes == 0 || records.bytes == 0)
        return;
    while (restore_plan_take(&rest, &key, &value))
        count++;
    engine_expect(task->engine, (size_t)(task->snapshot_bytes / records.bytes + 1) * count);
    task->snapshot_bytes = 0;
}

static size_t
task_load_records(struct task *task, struct slice records, bool behind)
{
    struct slice key, value;
    size_t bad = 0;

    task_expect(task, records);

    while (restore_plan_take(&records, &key, &value)) {
        struct slice ticket = task_state_ticket(key), from;
        bool merge = task_is_merge(key, &from);

        if (!merge && task_is_aside(key))
            continue;
        task->restored_records++;
        if (behind)
            snapshot_task_changed(task->snapshot, merge ? from : ticket);
        if (merge && value.at == NULL)
            engine_forget_merge(task->engine, from);
        else if (merge)
            bad += engine_load_merge(task->engine, from, value) != 0;
        else if (value.at == NULL)
            engine_forget(task->engine, ticket);
        else if (engine_load(task->engine, ticket, value) != 0)
            bad++;
    }
    return bad;
}

size_t
task_load(struct task *task, struct slice records)
{
    return task_load_records(task, records, false);
}

size_t
task_load_behind(struct task *task, struct slice records)
{
    return task_load_records(task, records, true);
}

/* Quiet from now on: announced is only what is still true when the task has caught up. */
static void
task_enter_behind(struct task *task)
{
    engine_set_quiet(task->engine, true, task->t_ms);
    task->quiet = true;
    if (!task->catching_up) { /* else it goes on: the difference was not announced yet */
        task->behind_since_mono_ms = task->world->now_mono_ms;
        /* timers that T has passed already, but that have not had their turn, are swallowed, too */
        task->behind_from_ms =
            task_later(task_earlier(task->t_ms, engine_next_ms(task->engine)), task->alerts_from_ms);
    }
    task->catching_up = false;
    log_write(task->world->log, LOG_INFO, "behind_begins", LOG_INTEGER("task", task->partition),
              LOG_INSTANT("from", task->behind_from_ms), LOG_INTEGER("epoch", task->epoch));
}

void
task_loaded(struct task *task)
{
    if (task->t_ms == INT64_MIN)
        task->t_ms = 0; /* a task that has seen nothing: its first record or the wall sets the time */
    engine_set_quiet(task->engine, true, task->t_ms);
    engine_loaded(task->engine, task->t_ms);
    task_enter_behind(task);
    task->state = TASK_LIVE;
    task_take_foresight(task);
    if (task->policies_due)
        task_take_policies(task);
    if (task->decided || task_has_unwritten_policies(task))
        task_touch(task);
    task->closed_mono_ms = task->world->now_mono_ms;
}

void
task_hold(struct task *task, const char *reason)
{
    task->state = TASK_HELD;
    memory_free(task->held_reason);
    task->held_reason = kafka_name(reason, "");
    batch_reset(task->batch); /* it is never sent, and takes the others' room in the epoch */
    task->taken_count = 0;
    task->dirty = task->announces = false;
    log_write(task->world->log, LOG_ERROR, "task_held", LOG_INTEGER("task", task->partition),
              LOG_TEXT("why", reason));
}

/* ---- time ---- */

bool
task_is_behind(const struct task *task)
{
    return source_any_lags(task->sources, TASK_SOURCES_COUNT);
}

static bool
task_is_idle(const struct task *task)
{
    int64_t now_mono_ms = task->world->now_mono_ms;

    return source_all_read(task->sources, TASK_SOURCES_COUNT, !task->paused, now_mono_ms) &&
           now_mono_ms >= task->wall_from_mono_ms;
}

void
task_doubt_end(struct task *task, enum task_source source)
{
    source_doubt_end(&task->sources[source], task->world->now_mono_ms);
}

void
task_stood_still(struct task *task)
{
    task->wall_from_mono_ms = task->world->now_mono_ms + SOURCE_SETTLE_MS;
}

void
task_touch(struct task *task)
{
    if (!task->dirty)
        task->dirty_since_mono_ms = task->world->now_mono_ms;
    task->dirty = true;
}

bool
task_arrive(struct task *task, enum task_source source, int64_t timestamp_ms)
{
    int64_t arrived_ms = source_arrive(&task->sources[source], timestamp_ms, task->world->now_ms);

    task->last_record_ms[source] = arrived_ms;
    if (task->sources[source].lags && !task->quiet && !task->lagging)
        task_enter_behind(task);
    if (task->quiet && arrived_ms < task->behind_from_ms && arrived_ms >= task->alerts_from_ms)
        task->behind_from_ms = arrived_ms; /* it lay there while T followed the wall past it */
    task->t_ms = task_later(task->t_ms, arrived_ms);
    if (engine_next_ms(task->engine) >= task->t_ms)
        return false;
    task_touch(task);
    return engine_advance(task->engine, task->t_ms, ENGINE_BEFORE,
                          (size_t)task->world->config->turn_tickets_max);
}

void
task_advance_offset(struct task *task, enum task_source source, int64_t offset, int64_t high)
{
    task->next_offsets[source] = offset + 1;
    if (high >= 0 && offset + 1 >= high) /* sooner than the consumer tells: it waits for more first */
        source_reach_end(&task->sources[source]);
    task_touch(task);
}

void
task_reach_end(struct task *task, enum task_source source, int64_t offset)
{
    source_reach_end(&task->sources[source]);
    if (offset > task->next_offsets[source]) /* past control records: no record, but a position */
        task->next_offsets[source] = offset;
}

/* Loud again: what is still true is announced from the next advance on. */
static void
task_leave_behind(struct task *task, bool lagging)
{
    task->lagging = lagging;
    engine_set_lagging(task->engine, lagging);
    engine_set_quiet(task->engine, false, task->t_ms);
    task->quiet = false;
    task->catching_up = true;
}

/* Quiet, and it may be over: first everything due fires in silence, then the difference is announced. The end
 * is logged when all of it is in the epoch: a process that dies before has not caught up. true: go on next
 * turn. */
static bool
task_tick_behind(struct task *task)
{
    bool behind = task_is_behind(task);
    bool patient =
        task->world->now_mono_ms - task->behind_since_mono_ms < task->world->config->catchup_max_ms;
    size_t tickets_max = (size_t)task->world->config->turn_tickets_max;

    if (task->quiet) {
        if (behind && patient)
            return false;
        if (engine_next_ms(task->engine) <= task->t_ms)
            task_touch(task); /* tickets change in silence, too */
        if (engine_advance(task->engine, task->t_ms, ENGINE_THROUGH, tickets_max))
            return true;
        task_leave_behind(task, behind);
    }
    task_touch(task); /* the difference may take several turns, and an epoch ends between them */
    if (engine_advance(task->engine, task->t_ms, ENGINE_THROUGH, tickets_max))
        return true;
    task->catching_up = false;
    log_write(task->world->log, task->lagging ? LOG_WARNING : LOG_INFO, "behind_ends",
              LOG_INTEGER("task", task->partition), LOG_INSTANT("from", task->behind_from_ms),
              LOG_INSTANT("until", task->t_ms), LOG_BOOLEAN("lagging", task->lagging));
    return false;
}

bool
task_tick(struct task *task)
{
    bool idle = task_is_idle(task), more = false;

    if (idle)
        task->t_ms = task_later(task->t_ms, task->world->now_ms);
    if (task->quiet || task->catching_up)
        return task_tick_behind(task);
    if (task->lagging && !task_is_behind(task)) {
        task->lagging = false;
        engine_set_lagging(task->engine, false);
        log_write(task->world->log, LOG_INFO, "lagging_ends", LOG_INTEGER("task", task->partition),
                  LOG_INSTANT("at", task->t_ms));
    }
    if (idle && engine_next_ms(task->engine) <= task->t_ms) {
        task_touch(task);
        more = engine_advance(task->engine, task->t_ms, ENGINE_THROUGH,
                              (size_t)task->world->config->turn_tickets_max);
    }
    task_look_back(task);
    if (task->world->now_mono_ms - task->closed_mono_ms > TASK_HEARTBEAT_MS)
        task_touch(task); /* offsets of a topic the group does not subscribe to expire */
    return more;
}

bool
task_is_cold(const struct task *task)
{
    return task->state == TASK_LIVE && !task->quiet &&
           (!engine_is_warm(task->engine) || !engine_has_picture(task->engine));
}

void
task_warm(struct task *task)
{
    if (!engine_is_warm(task->engine))
        (void)engine_warm(task->engine, TASK_WARM_TICKETS);
    else
        (void)engine_survey(task->engine, (size_t)task->world->config->open_clocks_max, TASK_SURVEY_TICKETS);
}

int64_t
task_next_ms(const struct task *task)
{
    return task_is_idle(task) ? engine_next_ms(task->engine) : INT64_MAX;
}

/* ---- the `open` record ---- */

/* What a change of counts: not the time. */
static uint64_t
task_open_hash(const struct open_record *record)
{
    uint64_t hash = hash_bytes(record->behind ? 1 : 0, &record->counts, sizeof record->counts);

    for (size_t i = 0; i < record->clocks_count; i++) {
        const struct open_clock *clock = &record->clocks[i];
        int64_t numbers[] = {(int64_t)clock->name.kind, (int64_t)clock->name.cycle, (int64_t)clock->state,
                             clock->due_at_ms, clock->target_ms};

        hash = hash_slice(hash, clock->name.ticket);
        hash = hash_slice(hash, clock->name.clock);
        hash = hash_bytes(hash, numbers, sizeof numbers);
    }
    return hash;
}

/* Goes on with the survey. true: there is something to say, or to say again. */
static bool
task_look_at_open(struct task *task)
{
    const struct world *world = task->world;
    int64_t age_ms = world->now_mono_ms - task->open_mono_ms;
    bool idle = task->quiet || task->surveyed_offset == task->next_offsets[TASK_TICKETS];

    if (!engine_is_warm(task->engine) ||
        (task->open_mono_ms != 0 && world->now_mono_ms - task->surveyed_mono_ms < TASK_OPEN_EVERY_MS_MIN))
        return false;
    if (task->open_mono_ms != 0 && engine_picture_stands(task->engine) &&
        task->open_behind == task_is_behind(task))
        return age_ms >= TASK_OPEN_EVERY_MS_MAX; /* nothing has moved since */
    if (!engine_survey(task->engine, (size_t)world->config->open_clocks_max,
                       idle ? TASK_SURVEY_TICKETS_IDLE : TASK_SURVEY_TICKETS)) /* the next turn goes on */
        return engine_has_picture(task->engine) && age_ms >= TASK_OPEN_EVERY_MS_MAX;
    task->surveyed_offset = task->next_offsets[TASK_TICKETS];
    task->surveyed_mono_ms = world->now_mono_ms;
    return true;
}

static void
task_write_open(struct task *task, const struct open_record *record)
{
    struct world *world = task->world;
    char key[OPEN_JSON_KEY_BYTES], id[OPEN_JSON_KEY_BYTES + 24];

    open_json_key(task->partition, key);
    batch_begin(task->batch, TOPIC_SCORES, 0, slice_of(key));
    open_json_print(batch_value(task->batch), record);
    snprintf(id, sizeof id, "%s/%lld", key, (long long)record->at_ms);
    envelope_add(task->batch, world, "slad.open", slice_of(id), record->at_ms);
    batch_end(task->batch);
    task_touch(task);
    metrics_add(world->metrics, METRIC_SCORES, 0, 1);
    metrics_set(world->metrics, METRIC_TASK_BREACHED, (size_t)task->partition,
                (int64_t)record->counts.breached_open);
}

void
task_publish_open(struct task *task)
{
    const struct world *world = task->world;
    size_t clocks_max = (size_t)world->config->open_clocks_max;
    int64_t now_mono_ms = world->now_mono_ms;
    struct open_clock *clocks;
    struct open_record record = {
        .task = task->partition,
        .at_ms = task->t_ms,
        .instance = slice_of(world->config->instance),
        .api = slice_of(world->api_url),
        .behind = task_is_behind(task),
    };
    uint64_t hash;

    if (!task_look_at_open(task))
        return;
    clocks = memory_allocate_zeroed(clocks_max, sizeof *clocks);
    record.clocks = clocks;
    record.clocks_count = engine_open(task->engine, &record.counts, clocks, clocks_max);
    if (record.behind)
        record.lag_ms = world->now_ms - task->last_record_ms[TASK_TICKETS];
    hash = task_open_hash(&record);
    if (task->open_mono_ms == 0 || hash != task->open_hash ||
        now_mono_ms - task->open_mono_ms >= TASK_OPEN_EVERY_MS_MAX) {
        task->open_hash = hash;
        task->open_behind = record.behind;
        task->open_mono_ms = now_mono_ms;
        task_write_open(task, &record);
    }
    memory_free(clocks);
}

/* ---- epochs ---- */

void
task_state_key(struct slice ticket, struct buffer *out)
{
    if (ticket.bytes > 0 && ticket.at[0] == '~')
        buffer_append_byte(out, '~');
    buffer_append_slice(out, ticket);
}

struct slice
task_state_ticket(struct slice key)
{
    if (key.bytes > 0 && key.at[0] == '~')
        return (struct slice){key.at + 1, key.bytes - 1};
    return key;
}

struct marker
task_marker(const struct task *task)
{
    const struct world *world = task->world;

    return (struct marker){
        .lineage = task->lineage,
        .epoch = task->epoch,
        .t_ms = task->t_ms,
        .writer = world->writer,
        .offsets = {task->next_offsets[0], task->next_offsets[1]},
        .alerts_from_ms = task->alerts_from_ms,
        .created_at_ms = task->created_at_ms,
        .begins_offset = task->begins_offset,
        .partitions_count = world->partitions_count,
        .group = slice_of(world->group),
        .instance = slice_of(world->config->instance),
        .policies = buffer_slice(&task->policies),
    };
}

void
task_merge_key(struct slice from, struct buffer *out)
{
    buffer_append_text(out, TASK_MERGE_PREFIX);
    buffer_append_slice(out, from);
}

bool
task_is_merge(struct slice key, struct slice *ret_from)
{
    const size_t prefix = strlen(TASK_MERGE_PREFIX);

    if (key.bytes <= prefix || memcmp(key.at, TASK_MERGE_PREFIX, prefix) != 0)
        return false;
    *ret_from = (struct slice){key.at + prefix, key.bytes - prefix};
    return true;
}

static void
task_write_merge(struct task *task, struct slice from)
{
    buffer_reset(&task->key);
    task_merge_key(from, &task->key);
    snapshot_task_changed(task->snapshot, from);
    batch_begin(task->batch, TOPIC_STATE, task->partition, buffer_slice(&task->key));
    if (!engine_save_merge(task->engine, from, batch_value(task->batch)))
        batch_drop_value(task->batch);
    batch_end(task->batch);
}

static void
task_write_merges(struct task *task)
{
    struct buffer from = {0};

    while (engine_merge_changed_next(task->engine, &from))
        task_write_merge(task, buffer_slice(&from));
    buffer_free(&from);
}

static void
task_write_ticket(struct task *task, const struct ticket *ticket)
{
    buffer_reset(&task->key);
    task_state_key(ticket_name(ticket), &task->key);
    snapshot_task_changed(task->snapshot, ticket_name(ticket));
    batch_begin(task->batch, TOPIC_STATE, task->partition, buffer_slice(&task->key));
    if (!engine_save(task->engine, ticket, batch_value(task->batch)))
        batch_drop_value(task->batch);
    batch_end(task->batch);
}

static void
task_write_states(struct task *task)
{
    const struct ticket *ticket;

    task_write_merges(task);
    while ((ticket = engine_changed_next(task->engine)) != NULL)
        task_write_ticket(task, ticket);
}

/* ---- slad.state was made anew ---- */

/* What was committed last ends before what was committed before: the partition lost all it had, but we have
 * it. */
static void
task_notice_made_anew(struct task *task)
{
    size_t tickets = engine_tickets_count(task->engine);

    if (task->state_end > 0 && task->state_end < task->state_end_max) {
        log_write(task->world->log, LOG_ERROR, "state_made_anew", LOG_INTEGER("task", task->partition),
                  LOG_INTEGER("ended_at", task->state_end_max), LOG_INTEGER("ends_at", task->state_end),
                  LOG_TEXT("hint", "somebody deleted slad.state: everything is written again"));
        for (task->again_bits = 0; tickets >> task->again_bits > TASK_AGAIN_TICKETS; task->again_bits++)
            continue;
        task->again_left = (size_t)1 << task->again_bits;
        task->begins_offset = 0;
        buffer_reset(&task->policies_written);
    }
    task->state_end_max = task->state_end;
}

/* A part of all tickets and merges, in each epoch one. */
static void
task_write_again(struct task *task)
{
    size_t cursor = 0, part;
    const struct ticket *ticket;
    struct slice from;

    if (task->again_left == 0)
        return;
    part = --task->again_left;
    while ((ticket = engine_each_in_part(task->engine, part, task->again_bits, &cursor)) != NULL)
        task_write_ticket(task, ticket);
    cursor = 0;
    while (engine_each_merge_in_part(task->engine, part, task->again_bits, &cursor, &from))
        task_write_merge(task, from);
}

void
task_close(struct task *task, struct transaction_part *ret_part)
{
    const enum topic topics[] = {TOPIC_TICKETS, TOPIC_RELAY};
    char note[RESTORE_NOTE_BYTES];
    struct marker marker;

    task_notice_made_anew(task);
    task_write_policies(task);
    task_write_again(task);
    task_write_states(task);
    task->epoch++;
    marker = task_marker(task);
    batch_begin(task->batch, TOPIC_STATE, task->partition, slice_of(MARKER_KEY));
    marker_write(&marker, batch_value(task->batch));
    batch_end(task->batch);
    ret_part->task = task->partition;
    ret_part->serial = task->serial;
    ret_part->epoch = task->epoch;
    ret_part->batch = task->batch;
    ret_part->offsets = rd_kafka_topic_partition_list_new(TASK_SOURCES_COUNT);
    restore_plan_note(task->epoch, note);
    for (int i = 0; i < TASK_SOURCES_COUNT; i++) {
        rd_kafka_topic_partition_t *added;

        if (task->next_offsets[i] == MARKER_NO_OFFSET)
            continue;
        added = rd_kafka_topic_partition_list_add(ret_part->offsets, task->world->topics.names[topics[i]],
                                                  task->partition);
        added->offset = task->next_offsets[i];
        added->metadata_size = strlen(note);
        added->metadata = memory_copy(note, added->metadata_size + 1);
    }
    task->batch = task->spare != NULL ? task->spare : batch_new(task->world->batches);
    task->spare = NULL;
    task->closed_announces_mono_ms = task->announces ? task->announces_since_mono_ms : 0;
    task->dirty = task->announces = false;
    task->taken_count = 0;
    task->closed_mono_ms = task->world->now_mono_ms;
    if (task->again_left > 0)
        task_touch(task);
}

void
task_take_back(struct task *task, struct batch **batch)
{
    if (task->spare != NULL)
        return;
    task->spare = *batch;
    *batch = NULL;
    batch_reset(task->spare);
}

void
task_committed(struct task *task, uint64_t epoch)
{
    task->committed_epoch = epoch;
    metrics_set(task->world->metrics, METRIC_TASK_EPOCH, (size_t)task->partition, (int64_t)epoch);
    if (task->closed_announces_mono_ms != 0)
        metrics_observe(task->world->metrics, METRIC_ALERT_DELAY, 0,
                        task->world->now_mono_ms - task->closed_announces_mono_ms);
    task->closed_announces_mono_ms = 0;
}

/* ---- figures ---- */

void
task_measure(struct task *task)
{
    struct metrics *metrics = task->world->metrics;
    size_t label = (size_t)task->partition;
    struct engine_figures now;

    if (task->engine == NULL || (task->state != TASK_LIVE && task->state != TASK_CHECKING) ||
        task->world->now_mono_ms - task->measured_mono_ms < TASK_MEASURE_EVERY_MS)
        return;
    task->measured_mono_ms = task->world->now_mono_ms;
    engine_figures(task->engine, &now);
    metrics_add(metrics, METRIC_DUPLICATES, 0, now.duplicates - task->counted.duplicates);
    metrics_add(metrics, METRIC_NO_EFFECT, 0, now.no_effect - task->counted.no_effect);
    metrics_add(metrics, METRIC_UNKNOWN_FIELDS, 0, now.unknown_fields - task->counted.unknown_fields);
    metrics_add(metrics, METRIC_UNMAPPED_STATUSES, 0,
                now.unmapped_statuses - task->counted.unmapped_statuses);
    metrics_add(metrics, METRIC_LATE_EVENTS, 0, now.late_events - task->counted.late_events);
    metrics_add(metrics, METRIC_MERGE_CIRCLES, 0, now.merge_circles - task->counted.merge_circles);
    metrics_add(metrics, METRIC_FALSE_ALERTS, 0, now.false_alerts - task->counted.false_alerts);
    metrics_add(metrics, METRIC_RISKS_FIRED, 0, now.risks_fired - task->counted.risks_fired);
    metrics_add(metrics, METRIC_RISKS_CLEARED, 0, now.risks_cleared - task->counted.risks_cleared);
    metrics_add(metrics, METRIC_SELF_CHECK_DIFFERENCES, 0,
                now.self_check_differences - task->counted.self_check_differences);
    metrics_add(metrics, METRIC_BOUND_HITS, CONFIG_merges_max,
                now.merges_forgotten - task->counted.merges_forgotten);
    metrics_set(metrics, METRIC_TASK_MERGES, label, (int64_t)now.merges);
    task->counted = now;
    metrics_set(metrics, METRIC_TASK_TICKETS, label, (int64_t)now.tickets);
    metrics_set(metrics, METRIC_TASK_TICKETS_OPEN, label, (int64_t)now.tickets_open);
    metrics_set(metrics, METRIC_TASK_POLICIES, label,
                (int64_t)policy_ids_count(buffer_slice(&task->policies)));
    metrics_set(metrics, METRIC_TASK_BEHIND, label, task_is_behind(task));
    metrics_set(metrics, METRIC_TASK_LAG_TIME, label,
                task_is_behind(task) ? task->world->now_ms - task->last_record_ms[TASK_TICKETS] : 0);
}
