/*
 * The loader of one process: restore.c's thread, played step by step.
 *
 * What: marker, committed offsets, heads and buckets of a snapshot, slad.state to its end; each step sees the
 * world as it is at that time.
 *
 * Why so: whatever can happen between two of its reads happens between two of these steps.
 *
 * Always true: what is decided is decided by restore_plan.c and snapshot_plan.c.
 *
 * Not here: what the loop does with the news.
 */
#include "base/memory.h"
#include "base/panic.h"
#include "sim.h"
#include <string.h>

enum { LOADER_AGAIN_MS = 300, LOADER_HELD_AGAIN_MS = 2000, LOADER_CHUNK_RECORDS = 40 };

uint64_t
process_ask(struct process *process, struct loader_question question)
{
    struct loader *loader = &process->loader;

    if (loader->questions_count == LOADER_QUESTIONS_MAX)
        sim_fail(process->sim, "the loader is asked without end");
    question.number = ++loader->last_number;
    policy_book_known(process->world.book, &question.known);
    loader->questions[loader->questions_count++] = question;
    return loader->last_number;
}

void
loader_done(struct loader *loader)
{
    for (size_t i = 0; i < loader->news_count; i++)
        restore_news_free(loader->news[i]);
    for (size_t i = 0; i < loader->questions_count; i++)
        buffer_free(&loader->questions[i].known);
    buffer_free(&loader->policies);
    state_tail_done(&loader->tail);
    buffer_free(&loader->last_marker_bytes);
    buffer_free(&loader->head);
    buffer_free(&loader->before);
    snapshot_head_done(&loader->chosen);
}

static struct restore_news *
loader_news(struct loader *loader, enum restore_news_kind kind)
{
    struct restore_news *news = memory_allocate_zeroed(1, sizeof *news);

    news->kind = kind;
    news->partition = loader->questions[0].partition;
    news->question = loader->questions[0].number;
    must(loader->news_count < LOADER_NEWS_MAX);
    loader->news[loader->news_count++] = news;
    return news;
}

static void
loader_remove(struct loader *loader, size_t i)
{
    buffer_free(&loader->questions[i].known);
    memmove(loader->questions + i, loader->questions + i + 1,
            (--loader->questions_count - i) * sizeof *loader->questions);
}

static void
loader_answered(struct loader *loader)
{
    loader_remove(loader, 0);
    loader->step = LOADER_IDLE;
}

/* The task is gone: what waits to be looked at again does not. */
void
loader_forget(struct loader *loader, int32_t partition)
{
    for (size_t i = loader->step == LOADER_IDLE ? 0 : 1; i < loader->questions_count;)
        if (loader->questions[i].partition == partition && loader->questions[i].again_ms > 0)
            loader_remove(loader, i);
        else
            i++;
}

/* What did not go well is looked at again; others are not held up by it. */
static void
loader_again(struct process *process, bool amiss)
{
    struct loader *loader = &process->loader;
    struct loader_question question = loader->questions[0];
    int64_t now_ms = process->sim->now_ms;

    loader->step = LOADER_IDLE;
    question.again_ms = now_ms + (question.held ? LOADER_HELD_AGAIN_MS : LOADER_AGAIN_MS);
    question.patience.patience_ms = RESTORE_TIMEOUTS_WAITED * process->world.config->transaction_timeout_ms;
    if (!question.held && restore_plan_gives_up(&question.patience, amiss, now_ms)) {
        struct restore_news *news = loader_news(loader, RESTORE_HELD);

        (void)snprintf(news->error, sizeof news->error, "marker %lld %lld epoch %llu, committed %lld %lld",
                       (long long)loader->found.marker.offsets[0], (long long)loader->found.marker.offsets[1],
                       (unsigned long long)loader->found.marker.epoch, (long long)loader->found.committed[0],
                       (long long)loader->found.committed[1]);
        question.held = true;
    }
    memmove(loader->questions, loader->questions + 1,
            (loader->questions_count - 1) * sizeof *loader->questions);
    loader->questions[loader->questions_count - 1] = question;
}

/* The first that it is time for comes to the front. false: none. */
static bool
loader_choose(struct process *process)
{
    struct loader *loader = &process->loader;

    for (size_t i = 0; i < loader->questions_count; i++) {
        struct loader_question question = loader->questions[i];

        if (process->sim->now_ms < question.again_ms)
            continue;
        memmove(loader->questions + 1, loader->questions, i * sizeof *loader->questions);
        loader->questions[0] = question;
        loader->step = LOADER_MARKER;
        return true;
    }
    return false;
}

/* ---- marker and offsets ---- */

static void
loader_keep(struct buffer *bytes, bool *has, int64_t *offset, const struct broker_record *record)
{
    if (*has)
        return;
    *has = true;
    *offset = record->offset;
    buffer_append_slice(bytes, broker_value(record));
}

/* The last marker, and the last decision behind it. */
static void
loader_find_tail(struct process *process)
{
    struct loader *loader = &process->loader;
    struct state_tail *tail = &loader->tail;
    const struct broker *broker = &process->sim->broker;
    int32_t partition = loader->questions[0].partition;
    const struct broker_log *log = &broker->logs[TOPIC_STATE][partition];
    int64_t end = broker_stable_end(broker, TOPIC_STATE, partition);

    state_tail_done(tail);
    *tail = (struct state_tail){0};
    for (size_t i = log->count; i-- > 0 && !tail->has_marker;) {
        const struct broker_record *record = &log->records[i];

        if (record->offset >= end || record->control || !record->has_value ||
            (record->transaction >= 0 && broker->transactions[record->transaction].state != BROKER_COMMITTED))
            continue;
        if (slice_is(broker_key(record), MARKER_KEY))
            loader_keep(&tail->marker, &tail->has_marker, &tail->marker_offset, record);
        else if (slice_is(broker_key(record), CONTROL_KEY))
            loader_keep(&tail->control, &tail->has_control, &tail->control_offset, record);
    }
    loader->state_end = tail->has_marker ? tail->marker_offset + 1 : 0;
}

static void
loader_read_marker(struct process *process)
{
    struct loader *loader = &process->loader;

    loader_find_tail(process);
    loader->decided = false;
    loader->found = (struct restore_found){.partitions_count = process->world.partitions_count,
                                           .group = process->world.group,
                                           .has_marker = loader->tail.has_marker};
    if (loader->found.has_marker)
        must(marker_read(buffer_slice(&loader->tail.marker), &loader->found.marker) == 0);
    if (loader->questions[0].marker_only) {
        struct restore_news *news = loader_news(loader, RESTORE_MARKER);

        news->has_marker = loader->found.has_marker;
        news->state_end = loader->state_end;
        buffer_append_slice(&news->bytes, buffer_slice(&loader->tail.marker));
        if (news->has_marker)
            must(marker_read(buffer_slice(&news->bytes), &news->marker) == 0);
        loader_answered(loader);
        return;
    }
    loader->step = LOADER_COMMITTED;
    process_dies(process, CRASH_LOAD_MARKER);
}

static void
loader_tell_begun(struct process *process)
{
    struct loader *loader = &process->loader;
    struct restore_news *news = loader_news(loader, RESTORE_BEGUN);

    news->has_marker = loader->found.has_marker;
    news->decided = loader->decided;
    news->used = loader->used;
    buffer_append_slice(&news->policies, buffer_slice(&loader->policies));
    buffer_append_slice(&news->head, buffer_slice(&loader->head));
    buffer_append_slice(&news->before, buffer_slice(&loader->before));
    marker_write(&loader->found.marker, &news->bytes);
    must(marker_read(buffer_slice(&news->bytes), &news->marker) == 0);
}

static void
loader_tell_done(struct process *process)
{
    struct restore_news *news = loader_news(&process->loader, RESTORE_DONE);

    news->state_end = process->loader.state_end;
    loader_answered(&process->loader);
}

/* There is no state. */
static void
loader_tell_nothing(struct process *process)
{
    struct loader *loader = &process->loader;

    buffer_reset(&loader->policies);
    buffer_reset(&loader->head);
    buffer_reset(&loader->before);
    loader_tell_begun(process);
    loader_tell_done(process);
}

static void
loader_begin_stream(struct process *process, int used, int64_t from_offset)
{
    struct loader *loader = &process->loader;

    loader->used = used;
    loader->position = from_offset;
    loader->has_last_marker = false;
    if (used < 0)
        loader_tell_begun(process);
    loader->step = LOADER_STREAM;
}

/* A person has decided about this very marker. */
static bool
loader_is_decided(struct process *process)
{
    struct loader *loader = &process->loader;
    struct control control;

    loader->questions[0].patience.patience_ms =
        RESTORE_TIMEOUTS_WAITED * process->world.config->transaction_timeout_ms;
    if (!state_tail_decision(&loader->tail, &loader->found.marker, &control) ||
        !restore_plan_may_decide(&loader->found, &loader->questions[0].patience, process->sim->now_ms))
        return false;
    loader->decided = true;
    restore_plan_decide(&control, loader->tail.control_offset, process->world.partitions_count,
                        &loader->found.has_marker, &loader->found.marker);
    sim_tell(process->sim, "process %d: task %d is decided", process->instance,
             (int)loader->questions[0].partition);
    loader->used = -1;
    loader->step = LOADER_POLICIES;
    process_dies(process, CRASH_LOAD_DECIDED);
    return true;
}

static void
loader_read_committed(struct process *process)
{
    struct loader *loader = &process->loader;
    const char *reason;

    if (!broker_offsets(&process->sim->broker, loader->questions[0].partition, loader->found.committed,
                        &loader->found.committed_epoch)) {
        process_dies(process, CRASH_LOAD_UNSTABLE);
        loader_again(process, false);
        return;
    }
    if (loader_is_decided(process))
        return;
    if (loader->questions[0].needs_decision) {
        loader_again(process, true);
        return;
    }
    switch (restore_plan_judge(&loader->found, &reason)) {
    case RESTORE_IS_AMISS:
        process_dies(process, CRASH_LOAD_AMISS);
        loader_again(process, true);
        break;
    case RESTORE_IS_NEW:
        process_dies(process, CRASH_LOAD_NEW);
        loader->used = -1;
        loader_tell_nothing(process);
        break;
    case RESTORE_IS_SOUND:
        process_dies(process, CRASH_LOAD_SOUND);
        loader->step = LOADER_POLICIES;
        loader->used = -1;
        break;
    }
}

/* ---- policy versions ---- */

/* Those that the marker names and the loop does not know, as restore.c looks for them. */
static void
loader_read_policies(struct process *process)
{
    struct loader *loader = &process->loader;
    const struct loader_question *question = &loader->questions[0];
    struct slice wanted = loader->found.has_marker ? loader->found.marker.policies : (struct slice){0}, id,
                 source;
    struct buffer ids = {0};
    struct policy_gather gather;
    const struct broker_record *record;
    int64_t position = 0;
    bool whole = true;

    for (size_t i = 0; i < policy_ids_count(wanted); i++)
        if (!policy_ids_has(buffer_slice(&question->known), policy_ids_get(wanted, i)))
            policy_ids_add(&ids, policy_ids_get(wanted, i));
    policy_gather_init(&gather, buffer_slice(&ids));
    buffer_reset(&loader->policies);
    while (gather.count > 0 &&
           (record = broker_read(&process->sim->broker, TOPIC_STATE, question->partition, &position)) != NULL)
        if (policy_record_is(broker_key(record)) && broker_value(record).at != NULL)
            policy_gather_take(&gather, broker_value(record));
    for (size_t i = 0; i < gather.count && whole; i++) {
        whole = policy_gather_get(&gather, i, &id, &source);
        if (whole)
            restore_plan_add(&loader->policies, id, source);
    }
    if (!whole)
        sim_fail(process->sim, "task %d: slad.state does not have the text of a version that is in force",
                 (int)question->partition);
    if (gather.count > 0)
        process_dies(process, CRASH_LOAD_POLICIES);
    policy_gather_done(&gather);
    buffer_free(&ids);
    if (!loader->found.has_marker)
        loader_tell_nothing(process);
    else if (loader->decided) {
        buffer_reset(&loader->head);
        buffer_reset(&loader->before);
        loader_begin_stream(process, -1, 0);
    } else
        loader->step = LOADER_HEADS;
}

/* ---- out of a snapshot ---- */

static void
loader_get_head(struct process *process, struct buffer *out, bool before)
{
    struct buffer name = {0};
    struct slice bytes;

    (before ? snapshot_name_before : snapshot_name_head)(&name, process->world.config->prefix,
                                                         process->loader.questions[0].partition);
    bytes = store_get(&process->sim->store, buffer_slice(&name));
    buffer_reset(out);
    if (bytes.at != NULL)
        buffer_append_slice(out, bytes);
    buffer_free(&name);
}

/* The next head that fits, or none. */
static void
loader_choose_head(struct process *process)
{
    struct loader *loader = &process->loader;
    struct snapshot_question question = {.marker = &loader->found.marker,
                                         .state_end = loader->state_end,
                                         .now_ms = process->world.now_ms,
                                         .age_ms_max = SIM_SNAPSHOT_AGE_MS_MAX};

    if (process->redis == NULL || process->sim->now_ms < process->sim->store.down_until_ms) {
        buffer_reset(&loader->head);
        buffer_reset(&loader->before);
        loader_begin_stream(process, -1, 0);
        return;
    }
    if (loader->used < 0) {
        loader_get_head(process, &loader->head, false);
        loader_get_head(process, &loader->before, true);
    }
    for (loader->used++; loader->used < 2; loader->used++) {
        snapshot_head_done(&loader->chosen);
        if (snapshot_judge(buffer_slice(loader->used == 0 ? &loader->head : &loader->before), &question,
                           &loader->chosen) == SNAPSHOT_FITS) {
            if (loader->used == 1)
                process_dies(process, CRASH_LOAD_SECOND_HEAD);
            process_dies(process, CRASH_LOAD_HEAD);
            loader_tell_begun(process);
            loader->bucket = 0;
            loader->step = LOADER_BUCKETS;
            return;
        }
    }
    loader_begin_stream(process, -1, 0);
}

static void
loader_read_bucket(struct process *process)
{
    struct loader *loader = &process->loader;
    const struct snapshot_head *head = &loader->chosen;
    struct buffer name = {0};
    struct slice bytes;

    while (loader->bucket < head->buckets_count && head->buckets[loader->bucket].epoch == 0)
        loader->bucket++;
    if (loader->bucket == head->buckets_count) {
        process_dies(process, CRASH_LOAD_BUCKETS);
        loader_begin_stream(process, loader->used, head->state_offset);
        return;
    }
    snapshot_name_bucket(&name, process->world.config->prefix, loader->questions[0].partition, head,
                         loader->bucket);
    bytes = store_get(&process->sim->store, buffer_slice(&name));
    if (bytes.at == NULL || !snapshot_bucket_is(&head->buckets[loader->bucket], bytes)) {
        process_dies(process, CRASH_LOAD_BUCKET_MISSING);
        loader->step = LOADER_HEADS;
    } else {
        struct restore_news *news = loader_news(loader, RESTORE_CHUNK);

        buffer_append_slice(&news->bytes, bytes);
        loader->bucket++;
    }
    buffer_free(&name);
}

/* ---- slad.state ---- */

static void
loader_end_stream(struct process *process)
{
    struct loader *loader = &process->loader;
    struct marker last;
    bool whole = loader->used >= 0 && loader->chosen.state_offset >= loader->state_end;

    if (!whole && loader->has_last_marker) {
        must(marker_read(buffer_slice(&loader->last_marker_bytes), &last) == 0);
        whole = restore_plan_is_whole(&loader->found.marker, &last);
    } else if (!whole)
        whole = restore_plan_is_whole(&loader->found.marker, NULL);
    process_dies(process, CRASH_LOAD_READ);
    if (whole)
        loader_tell_done(process);
    else {
        loader_again(process, false);
    }
}

static void
loader_read_state(struct process *process)
{
    struct loader *loader = &process->loader;
    int32_t partition = loader->questions[0].partition;
    struct restore_news *news = NULL;
    const struct broker_record *record;

    if (loader->used >= 0 && loader->chosen.state_offset >= loader->state_end) {
        loader_end_stream(process);
        return;
    }
    for (int i = 0; i < LOADER_CHUNK_RECORDS; i++) {
        record = broker_read(&process->sim->broker, TOPIC_STATE, partition, &loader->position);
        if (record == NULL) {
            loader_end_stream(process);
            return;
        }
        if (slice_is(broker_key(record), MARKER_KEY)) {
            buffer_reset(&loader->last_marker_bytes);
            buffer_append_slice(&loader->last_marker_bytes, broker_value(record));
            loader->has_last_marker = true;
            continue;
        }
        if (record->offset < loader->found.marker.begins_offset || slice_is(broker_key(record), CONTROL_KEY))
            continue;
        if (news == NULL) {
            news = loader_news(loader, RESTORE_CHUNK);
            news->behind_snapshot = loader->used >= 0;
        }
        restore_plan_add(&news->bytes, broker_key(record), broker_value(record));
    }
    process_dies(process, CRASH_LOAD_HALF);
}

void
loader_turn(struct process *process)
{
    struct loader *loader = &process->loader;

    for (int i = 0; i < 4 && !process->dying; i++) {
        if (loader->questions_count == 0 || loader->news_count + 2 > LOADER_NEWS_MAX)
            return;
        switch (loader->step) {
        case LOADER_IDLE:
            if (!loader_choose(process))
                return;
            break;
        case LOADER_MARKER:
            loader_read_marker(process);
            break;
        case LOADER_COMMITTED:
            loader_read_committed(process);
            break;
        case LOADER_POLICIES:
            loader_read_policies(process);
            break;
        case LOADER_HEADS:
            loader_choose_head(process);
            break;
        case LOADER_BUCKETS:
            loader_read_bucket(process);
            break;
        case LOADER_STREAM:
            loader_read_state(process);
            break;
        }
        if (chance_one_in(&process->sim->faults, 3))
            return; /* the brokers take their time */
    }
}
