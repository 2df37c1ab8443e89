/*
 * The score task.
 *
 * What: the fold over slad.outcomes[0], then every partition of feedback beside it; an epoch (score_epoch.c)
 * becomes a job.
 *
 * Why so: slad.outcomes has one partition, so it has one owner, and the owner alone reads feedback: nothing
 * has to be merged. The state is a fold over what the owner itself reads back, so after any doubt it is
 * thrown away and folded again. No line here calls Kafka, so the very code that runs in the daemon runs in
 * the simulation.
 *
 * Always true: nothing is published before the fold has reached the end of slad.outcomes; an answer's outcome
 * and the offset of its feedback commit together; a job that comes back counts only for the assignment
 * (serial) it was made in.
 *
 * Not here: librdkafka (scoring.c), what a score is (core/scores), the steps of a transaction (course.c).
 */
#include "shell/score_task.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/learning.h"
#include "shell/poison.h"
#include "shell/policy_book.h"
#include "shell/restore_plan.h"
#include "wire/outcome_read.h"
#include <stdio.h>
#include <string.h>

enum {
    SCORE_TASK_RETRY_MS = 100,
    SCORE_TASK_PUBLISH_EVERY_MS = 1000,
    SCORE_TASK_HEARTBEAT_MS = 6 * 3600000,
    SCORE_TASK_LEARN_AGAIN_MS = 2000,
    SCORE_TASK_LEARN_TIMES = 10
};

/* ---- the assignment ---- */

void
score_task_init(struct score_task *task, struct world *world, const struct score_task_port *port)
{
    *task = (struct score_task){.world = world, .port = *port};
    task->ingest = ingest_new(world);
    task->reader = outcome_reader_new();
    score_epoch_init(&task->open, world);
    task->feedback_count = world->feedback_partitions_count;
    task->feedback_offsets =
        memory_allocate_zeroed((size_t)task->feedback_count, sizeof *task->feedback_offsets);
    task->feedback = memory_allocate_zeroed((size_t)task->feedback_count, sizeof *task->feedback);
}

static void
score_task_drop_scores(struct score_task *task)
{
    if (task->home != NULL)
        score_home_free(task->home);
    else
        scores_free(task->scores);
    task->home = NULL;
    task->scores = NULL;
    task->told = (struct scores_fill){0};
    learning_free(task->learning);
    task->learning = NULL;
    snapshot_task_free(task->snapshot);
    task->snapshot = NULL;
    memory_free(task->missing);
    task->missing = NULL;
}

void
score_task_done(struct score_task *task)
{
    transaction_job_free(task->retry);
    score_task_drop_scores(task);
    buffer_free(&task->found_policies);
    buffer_free(&task->found_feedback);
    buffer_free(&task->policies);
    buffer_free(&task->policies_written);
    score_epoch_done(&task->open);
    outcome_reader_free(task->reader);
    ingest_free(task->ingest);
    memory_free(task->feedback_offsets);
    memory_free(task->feedback);
}

static void
score_task_drop_state(struct score_task *task)
{
    score_task_drop_scores(task);
    batch_free(score_epoch_take(&task->open));
    task->serial++;
}

static void
score_task_on_part_changed(void *context, uint32_t part)
{
    const struct score_task *task = context;

    snapshot_task_touch(task->snapshot, part);
}

static void
score_task_on_parts_moved(void *context)
{
    const struct score_task *task = context;

    snapshot_task_touch_all(task->snapshot);
}

static struct scores_bounds
score_task_bounds(const struct score_task *task)
{
    const struct config *config = task->world->config;

    return (struct scores_bounds){.answers_max = (size_t)config->answers_max,
                                  .facts_max = (size_t)config->facts_max,
                                  .scopes_max = (size_t)config->scopes_max,
                                  .aspects_max = (size_t)config->score_aspects_max};
}

static struct scores_options
score_task_options(struct score_task *task)
{
    return (struct scores_options){
        .symbols = task->world->symbols,
        .sink = score_epoch_sink(&task->open),
        .publish_every_ms = SCORE_TASK_PUBLISH_EVERY_MS,
        .allowed_skew_ms = task->world->config->allowed_skew_ms,
        .accept_age_ms = task->world->config->accept_age_ms,
        .outcomes_offset = &task->outcomes_offset,
        .bounds = score_task_bounds(task),
    };
}

/* The state is there: what the log has behind it. */
static void
score_task_fold_from(struct score_task *task, int64_t offset)
{
    task->t_ms = scores_t_ms(task->scores) > 0 ? scores_t_ms(task->scores) : 0;
    task->outcomes_offset = task->from_offset = offset;
    source_begin(&task->outcomes);
    task->folded_count = 0;
    task->folding_since_mono_ms = task->world->now_mono_ms;
    task->state = SCORE_TASK_FOLDING;
    task->port.fetch_outcomes(task->port.context, task->outcomes_offset);
}

void
score_task_begin(struct score_task *task)
{
    struct scores_options options = score_task_options(task);

    must(task->state == SCORE_TASK_IDLE);
    score_task_drop_state(task);
    if (task->port.ask_found != NULL) {
        task->state = SCORE_TASK_FINDING;
        task->question = task->port.ask_found(task->port.context);
        return;
    }
    task->found = (struct score_found){.committed_offset = MARKER_NO_OFFSET};
    task->scores = scores_new(&options, task->world->policies);
    task->learning = learning_new(task->world);
    learning_set_scribe(task->learning, task->scribe);
    scores_set_rebuilding(task->scores, true, 0);
    score_task_fold_from(task, 0);
}

void
score_task_end(struct score_task *task)
{
    if (task->state == SCORE_TASK_IDLE)
        return;
    if (task->feedback_fetching)
        task->port.unfetch_feedback(task->port.context);
    task->feedback_fetching = false;
    if (task->state >= SCORE_TASK_FOLDING)
        task->port.unfetch_outcomes(task->port.context);
    score_task_drop_state(task);
    task->state = SCORE_TASK_IDLE;
}

/* ---- policies ---- */

/* id and source of each version in force. */
static void
score_task_sources(const struct score_task *task, struct buffer *out)
{
    struct slice ids = buffer_slice(&task->policies);

    for (size_t i = 0; i < policy_ids_count(ids); i++)
        restore_plan_add(out, policy_ids_get(ids, i),
                         policy_book_source(task->world->book, policy_ids_get(ids, i)));
}

/* What was held and what the disk adds, as many as there may be: appended to ids. false: the disk is refused,
 * and ids are those held. */
static bool
score_task_would_hold(const struct score_task *task, struct buffer *ids, struct buffer *refusals)
{
    const struct world *world = task->world;
    size_t max = (size_t)world->config->score_versions_max;
    char text[160];

    if (!policy_book_join(world->book, buffer_slice(&task->policies), ids, refusals))
        return false;
    if (policy_ids_count(buffer_slice(ids)) <= max)
        return true;
    metrics_bound_hit(world->metrics, CONFIG_score_versions_max);
    if (policy_book_keep_newest(world->book, max, world->now_ms, ids))
        return true;
    (void)snprintf(text, sizeof text,
                   "of policies in force or yet to come there are %zu, and score_versions_max is %zu\n",
                   policy_ids_count(buffer_slice(ids)), max);
    buffer_append_text(refusals, text);
    buffer_reset(ids);
    buffer_append_slice(ids, buffer_slice(&task->policies));
    return false;
}

/* true: they are others than before. */
static bool
score_task_join_policies(struct score_task *task)
{
    struct buffer ids = {0}, refusals = {0};
    bool others;

    if (!score_task_would_hold(task, &ids, &refusals))
        log_write(task->world->log, LOG_ERROR, "policy_disagrees", LOG_TEXT("task", "scores"),
                  LOG_SLICE("why", buffer_slice(&refusals)));
    others = !slice_equal(buffer_slice(&ids), buffer_slice(&task->policies));
    buffer_reset(&task->policies);
    buffer_append_slice(&task->policies, buffer_slice(&ids));
    buffer_free(&ids);
    buffer_free(&refusals);
    return others;
}

void
score_task_take_policies(struct score_task *task)
{
    struct buffer sources = {0};

    if (task->learning != NULL)
        learning_take_policies(task->learning);
    if (task->home == NULL) {
        if (task->scores != NULL)
            scores_set_policies(task->scores, task->world->policies, task->t_ms);
        task->policies_due = task->port.ask_found != NULL;
        task->learn_mono_ms = 0; /* what was missing may be on disk now */
        return;
    }
    if (task->state != SCORE_TASK_LIVE) {
        task->policies_due = true;
        return;
    }
    task->policies_due = false;
    if (!score_task_join_policies(task))
        return;
    score_task_sources(task, &sources);
    score_home_set_policies(task->home, buffer_slice(&sources), task->t_ms);
    score_epoch_touch(&task->open, false); /* in force from this epoch on */
    buffer_free(&sources);
}

bool
score_task_refuses_policies(const struct score_task *task, struct buffer *refusals)
{
    struct buffer ids = {0};
    bool refused = task->home != NULL && !score_task_would_hold(task, &ids, refusals);

    buffer_free(&ids);
    return refused;
}

/* Which bounds keep something out. */
static void
score_task_full_reasons(const struct score_task *task, struct buffer *out)
{
    const struct scores_bounds bounds = score_task_bounds(task);
    struct scores_fill fill;
    char line[160];

    if (task->scores == NULL)
        return;
    fill = scores_fill(task->scores);
    if (fill.answers >= bounds.answers_max) {
        snprintf(line, sizeof line, "scores: answers_max (%zu) is reached: new answers are dead letters\n",
                 bounds.answers_max);
        buffer_append_text(out, line);
    }
    if (fill.facts >= bounds.facts_max) {
        snprintf(line, sizeof line,
                 "scores: facts_max (%zu) is reached: coverage and attainment are not whole\n",
                 bounds.facts_max);
        buffer_append_text(out, line);
    }
    if (fill.scopes_full) {
        snprintf(line, sizeof line, "scores: scopes_max (%zu) was reached: scopes are missing\n",
                 bounds.scopes_max);
        buffer_append_text(out, line);
    }
}

void
score_task_reasons(const struct score_task *task, struct buffer *out)
{
    struct buffer ids = {0};

    if (task->missing != NULL) {
        buffer_append_text(out, "scores: ");
        buffer_append_text(out, task->missing);
        buffer_append_byte(out, '\n');
    } else if (task->state != SCORE_TASK_IDLE && task->state != SCORE_TASK_LIVE)
        buffer_append_text(out, "scores: the outcomes are being read\n");
    score_task_full_reasons(task, out);
    if (task->home == NULL)
        return;
    /* what was over before any event that is still accepted need not lie on disk */
    buffer_append_slice(&ids, buffer_slice(&task->policies));
    (void)policy_book_leave_over(task->world->book, task->t_ms - task->world->config->accept_age_ms, &ids);
    policy_book_differences(task->world->book, buffer_slice(&ids), out);
    buffer_free(&ids);
}

/* ---- loading ---- */

static void
score_task_begin_again(struct score_task *task)
{
    score_task_end(task);
    score_task_begin(task);
}

/* Nothing is published meanwhile, and it is looked at again. */
static void
score_task_wait_for_policies(struct score_task *task, const char *why)
{
    memory_free(task->missing);
    task->missing = kafka_name(why, "");
    task->state = SCORE_TASK_LEARNING;
    task->learn_mono_ms = task->world->now_mono_ms + SCORE_TASK_LEARN_AGAIN_MS;
}

static void
score_task_ask_load(struct score_task *task)
{
    struct score_load *load = memory_allocate_zeroed(1, sizeof *load);

    load->serial = task->serial;
    load->options = score_task_options(task);
    load->found = task->found;
    load->identity = task->identity;
    load->found.note.policies = load->identity.policies = (struct slice){"", 0};
    load->found.feedback = (struct slice){"", 0};
    load->snapshots =
        !task->distrusts_redis && !task->decided && task->port.has_snapshots(task->port.context);
    load->now_ms = task->world->now_ms;
    score_task_sources(task, &load->sources);
    task->state = SCORE_TASK_LOADING;
    task->port.load(task->port.context, load);
}

/* Texts of what is in force: here, or asked for. */
static void
score_task_learn(struct score_task *task)
{
    struct buffer known = {0}, missing = {0};

    policy_book_known(task->world->book, &known);
    score_plan_missing(task->identity.policies, buffer_slice(&known), &missing);
    if (missing.bytes == 0) {
        memory_free(task->missing);
        task->missing = NULL;
        buffer_reset(&task->policies);
        buffer_append_slice(&task->policies, task->identity.policies);
        task->policies_due = false;
        (void)score_task_join_policies(task);
        if (task->policies.bytes > 0)
            score_task_ask_load(task);
        else
            score_task_wait_for_policies(task,
                                         "more policies are yet to come than score_versions_max allows: "
                                         "take some off this disk and reload");
    } else {
        task->state = SCORE_TASK_LEARNING;
        task->learn_mono_ms = INT64_MAX;
        task->asked_mono_ms = task->world->now_mono_ms;
        task->question = task->port.ask_policies(task->port.context, buffer_slice(&missing));
    }
    buffer_free(&known);
    buffer_free(&missing);
}

static void
score_task_take_found(struct score_task *task, const struct score_found *found)
{
    struct hash128 fresh = hash_bytes128(task->world->writer, &task->serial, sizeof task->serial);

    buffer_reset(&task->found_policies);
    if (found->has_note)
        buffer_append_slice(&task->found_policies, found->note.policies);
    task->found = *found;
    task->found.note.policies = buffer_slice(&task->found_policies);
    task->decided = found->decided;
    buffer_reset(&task->found_feedback);
    buffer_append_slice(&task->found_feedback, found->feedback);
    task->found.feedback = buffer_slice(&task->found_feedback);
    task->identity = score_plan_identity(&task->found, fresh);
    buffer_reset(&task->policies_written);
    if (task->identity.keeps_texts)
        buffer_append_slice(&task->policies_written, task->identity.policies);
    if (task->identity.epoch == 0) /* what was committed is of a former life */
        task->found.committed_offset = MARKER_NO_OFFSET;
    task->epoch = task->committed_epoch = task->identity.epoch;
}

static void
score_task_find(struct score_task *task)
{
    task->state = SCORE_TASK_FINDING;
    task->question = task->port.ask_found(task->port.context);
}

static void
score_task_hold(struct score_task *task, const char *why)
{
    char text[320];

    if (task->missing == NULL)
        log_write(task->world->log, LOG_ERROR, "scores_held", LOG_TEXT("why", why));
    memory_free(task->missing);
    (void)snprintf(text, sizeof text, "%s; it waits for slactl task adopt scores, or fresh scores", why);
    task->missing = kafka_name("held: ", text);
    task->state = SCORE_TASK_HELD;
    task->learn_mono_ms = task->world->now_mono_ms + SCORE_TASK_LEARN_AGAIN_MS;
}

bool
score_task_on_found(struct score_task *task, uint64_t question, const struct score_found *found)
{
    const char *amiss = score_plan_amiss(found);

    if (task->state != SCORE_TASK_FINDING || question != task->question)
        return false;
    if (amiss != NULL) {
        score_task_hold(task, amiss);
        return true;
    }
    score_task_take_found(task, found);
    score_task_learn(task);
    return true;
}

bool
score_task_on_policies(struct score_task *task, uint64_t question, struct slice sources)
{
    const int64_t took_ms = task->world->now_mono_ms - task->asked_mono_ms;
    struct buffer error = {0}, known = {0}, missing = {0};
    struct slice id, source;

    if (task->state != SCORE_TASK_LEARNING || question != task->question)
        return false;
    while (restore_plan_take(&sources, &id, &source))
        if (policy_book_learn(task->world->book, id, source, &error) != 0)
            log_write(task->world->log, LOG_ERROR, "policy_unreadable", LOG_TEXT("task", "scores"),
                      LOG_SLICE("why", buffer_slice(&error)));
    policy_book_known(task->world->book, &known);
    score_plan_missing(task->identity.policies, buffer_slice(&known), &missing);
    if (missing.bytes == 0)
        score_task_learn(task);
    else {
        if (task->missing == NULL)
            log_write(task->world->log, LOG_ERROR, "scores_held",
                      LOG_INTEGER("versions_missing", policy_ids_count(buffer_slice(&missing))));
        score_task_wait_for_policies(task, "a policy version in force for the scores is neither on this disk "
                                           "nor in slad.state: put its file back and reload");
        /* to look for it reads all of slad.state, and the tickets' tasks wait for who does */
        if (task->learn_mono_ms < task->world->now_mono_ms + SCORE_TASK_LEARN_TIMES * took_ms)
            task->learn_mono_ms = task->world->now_mono_ms + SCORE_TASK_LEARN_TIMES * took_ms;
    }
    buffer_free(&error);
    buffer_free(&known);
    buffer_free(&missing);
    return true;
}

static void
score_task_begin_snapshots(struct score_task *task, const struct score_load *load)
{
    const struct world *world = task->world;
    const struct snapshot_plan_options options = {
        .prefix = world->config->prefix,
        .partition = SCORE_PLAN_PARTITION,
        .bucket_bytes_max = (size_t)world->config->snapshot_bucket_bytes_max,
        .buckets_fixed = SCORES_PARTS_COUNT,
        .stamp = world->writer.low + (task->serial << 44),
        .writer = world->writer,
        .lineage = task->identity.lineage,
        .loaded_epoch = task->identity.epoch,
        .loaded_writer = task->identity.epoch > 0 ? task->identity.writer : world->writer,
        .head = buffer_slice(&load->head),
        .before = buffer_slice(&load->before),
        .used = load->used,
    };

    if (task->port.has_snapshots(task->port.context))
        task->snapshot = snapshot_task_new(&options, world->now_mono_ms);
}

/* The i-th piece of what was learned; behind the last one they are empty. */
static struct slice
score_task_learned(const struct score_task *task, size_t i)
{
    struct slice all = learning_saved(task->learning);
    size_t bytes = all.bytes / SCORES_PARTS_OWN + 1;

    if (bytes < SCORE_TASK_PART_BYTES)
        bytes = SCORE_TASK_PART_BYTES;
    if (i * bytes >= all.bytes)
        return (struct slice){"", 0};
    all = (struct slice){all.at + i * bytes, all.bytes - i * bytes};
    return all.bytes < bytes ? all : (struct slice){all.at, bytes};
}

void
score_task_save_part(const struct score_task *task, uint32_t part, struct buffer *out)
{
    if (part >= SCORE_TASK_PART_LEARNING)
        buffer_append_slice(out, score_task_learned(task, part - SCORE_TASK_PART_LEARNING));
    else
        (void)scores_save_part(task->scores, part, out);
}

bool
score_task_has_part(struct score_task *task, uint32_t part)
{
    return part < SCORE_TASK_PART_LEARNING || learning_is_saved(task->learning);
}

/* All of what was learned is of one instant: when it is another by now, all of it is to be written again. */
void
score_task_parts_over(struct score_task *task)
{
    if (task->learning != NULL && learning_saved_over(task->learning))
        snapshot_task_touch_from(task->snapshot, SCORE_TASK_PART_LEARNING);
}

/* What was learned is part of the snapshot: none without it. */
static bool
score_task_load_learning(struct score_task *task, const struct score_load *load)
{
    int64_t offset;

    task->learning = learning_new(task->world);
    learning_set_scribe(task->learning, task->scribe);
    if (load->used < 0 || learning_load(task->learning, buffer_slice(&load->learned), &offset) == 0)
        return true;
    log_write(task->world->log, LOG_WARNING, "snapshot_unusable", LOG_TEXT("task", "scores"),
              LOG_TEXT("why", "what was learned cannot be read"));
    task->distrusts_redis = true;
    return false;
}

void
score_task_on_loaded(struct score_task *task, struct score_load *load)
{
    const struct scores_watch watch = {task, score_task_on_part_changed, score_task_on_parts_moved};
    bool ours = task->state == SCORE_TASK_LOADING && load->serial == task->serial;

    if (ours && !score_task_load_learning(task, load))
        score_task_begin_again(task);
    else if (ours) {
        task->home = load->home;
        task->scores = load->home->scores;
        load->home = NULL;
        scores_watch_parts(task->scores, &watch);
        score_task_begin_snapshots(task, load);
        if (load->snapshots && load->identity.epoch > 0 && load->used != 0)
            metrics_add(task->world->metrics, METRIC_SNAPSHOT_UNUSABLE, 0, 1);
        log_write(task->world->log, LOG_INFO, "scores_loaded",
                  LOG_TEXT("from", load->used < 0 ? "nothing" : "snapshot"),
                  LOG_INTEGER("offset", load->offset), LOG_INTEGER("took_ms", load->took_ms));
        score_task_fold_from(task, load->offset);
    }
    score_load_free(load);
}

void
score_task_on_outcomes_lost(struct score_task *task)
{
    if (task->state < SCORE_TASK_FOLDING)
        return;
    log_write(task->world->log, LOG_WARNING, "snapshot_unusable", LOG_TEXT("task", "scores"),
              LOG_TEXT("why", "slad.outcomes does not have its offset"),
              LOG_INTEGER("offset", task->from_offset));
    task->distrusts_redis = true;
    score_task_begin_again(task);
}

void
score_task_on_feedback_lost(struct score_task *task, int32_t partition)
{
    if (task->state != SCORE_TASK_LIVE || partition >= task->feedback_count)
        return;
    log_write(task->world->log, LOG_ERROR, "feedback_lost", LOG_INTEGER("partition", partition),
              LOG_INTEGER("offset", task->feedback_offsets[partition]));
    score_task_begin_again(task);
}

/* ---- transactions ---- */

static void
score_task_submit(struct score_task *task, struct transaction_job *job)
{
    task->in_flight = true;
    task->port.submit(task->port.context, job);
}

/* The offset of slad.outcomes, and with it who we are as of this epoch. */
static void
score_task_add_note(struct score_task *task, rd_kafka_topic_partition_t *offset)
{
    struct slice ids = buffer_slice(&task->policies);
    struct score_note before = task->identity, note;
    struct buffer text = {0};

    offset->offset = task->outcomes_offset;
    if (task->home == NULL)
        return;
    before.epoch = task->epoch - 1;
    note = score_plan_next(&before, task->world->writer, ids);
    score_note_write(&note, &text);
    buffer_append_byte(&text, '\0');
    offset->metadata_size = text.bytes - 1;
    offset->metadata = memory_copy(text.at, text.bytes);
    buffer_free(&text);
}

/* A version is in force from the epoch on that commits its text, so whoever comes next has it; the one that
 * does without it puts tombstones in its place. */
static void
score_task_write_policy(struct score_task *task, struct slice id, bool in_force)
{
    const struct policy_book *book = task->world->book;
    struct slice source = policy_book_source(book, id), version = policy_book_version(book, id);
    struct buffer key = {0};

    for (size_t i = 0; i < policy_record_chunks(source); i++) {
        buffer_reset(&key);
        policy_record_scores_key(version, id, i, &key);
        batch_begin(task->open.batch, TOPIC_STATE, 0, buffer_slice(&key));
        if (in_force)
            policy_record_chunk(id, source, i, batch_value(task->open.batch));
        batch_end(task->open.batch);
    }
    buffer_free(&key);
    log_write(task->world->log, LOG_NOTICE, in_force ? "policy_in_force" : "policy_over",
              LOG_TEXT("task", "scores"), LOG_SLICE("version", version),
              LOG_INTEGER("epoch", task->epoch + 1));
}

static void
score_task_write_policies(struct score_task *task)
{
    struct slice ids = buffer_slice(&task->policies), written = buffer_slice(&task->policies_written);

    if (task->home == NULL || slice_equal(ids, written))
        return;
    for (size_t i = 0; i < policy_ids_count(ids); i++)
        if (!policy_ids_has(written, policy_ids_get(ids, i)))
            score_task_write_policy(task, policy_ids_get(ids, i), true);
    for (size_t i = 0; i < policy_ids_count(written); i++)
        if (!policy_ids_has(ids, policy_ids_get(written, i)))
            score_task_write_policy(task, policy_ids_get(written, i), false);
    buffer_reset(&task->policies_written);
    buffer_append_slice(&task->policies_written, ids);
}

/* The decision that led here goes with the first epoch behind it: it is of nothing that may come later. */
static void
score_task_use_up(struct score_task *task)
{
    if (!task->decided)
        return;
    batch_begin(task->open.batch, TOPIC_STATE, 0, slice_of(CONTROL_SCORES_KEY));
    batch_end(task->open.batch);
    task->decided = false;
}

static bool
score_task_close(struct score_task *task)
{
    const struct topics *topics = &task->world->topics;
    struct transaction_job *job;
    struct transaction_part *part;

    if (!task->open.dirty || task->state != SCORE_TASK_LIVE)
        return false;
    score_task_write_policies(task);
    score_task_use_up(task);
    job = transaction_job_new(1);
    part = &job->parts[job->parts_count++];
    part->serial = task->serial;
    part->epoch = ++task->epoch;
    part->batch = score_epoch_take(&task->open);
    part->offsets = rd_kafka_topic_partition_list_new(task->feedback_count + 1);
    score_task_add_note(task,
                        rd_kafka_topic_partition_list_add(part->offsets, topics->names[TOPIC_OUTCOMES], 0));
    for (int32_t p = 0; p < task->feedback_count; p++)
        if (task->feedback_offsets[p] != MARKER_NO_OFFSET)
            rd_kafka_topic_partition_list_add(part->offsets, topics->names[TOPIC_FEEDBACK], p)->offset =
                task->feedback_offsets[p];
    task->closed_mono_ms = task->world->now_mono_ms;
    score_task_submit(task, job);
    return true;
}

bool
score_task_is_out(const struct score_task *task)
{
    return task->in_flight || task->retry != NULL;
}

/* The same bytes again, when the task is still ours. */
void
score_task_send_again(struct score_task *task)
{
    struct transaction_job *job = task->retry;

    task->retry = NULL;
    if (job->parts[0].serial == task->serial)
        score_task_submit(task, job);
    else
        transaction_job_free(job);
}

bool
score_task_is_parting(struct score_task *task, bool *closed)
{
    if (score_task_is_out(task))
        return true;
    if (*closed || !task->producer_ready)
        return false;
    *closed = true;
    return score_task_close(task);
}

static void
score_task_on_committed(struct score_task *task, const struct transaction_job *job)
{
    struct metrics *metrics = task->world->metrics;

    metrics_add(metrics, METRIC_TRANSACTIONS, METRIC_ENDED_COMMITTED, 1);
    metrics_add(metrics, METRIC_TRANSACTION_RECORDS, METRIC_ROLE_SCORES, job->records_count);
    metrics_observe(metrics, METRIC_TRANSACTION_TIME, METRIC_ROLE_SCORES, job->took_us);
    if (job->parts_count == 0 || job->parts[0].serial != task->serial)
        return;
    task->committed_epoch = job->parts[0].epoch;
    task->distrusts_redis = false; /* the next one finds what is written from now on */
    task->identity.epoch = task->committed_epoch;
    task->identity.writer = task->world->writer;
}

/* true: it waits to be sent again. */
static bool
score_task_on_aborted(struct score_task *task, struct transaction_job *job, bool ours)
{
    metrics_add(task->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_ABORTED, 1);
    log_write(task->world->log, LOG_WARNING, "transaction_aborted", LOG_TEXT("role", "scores"),
              LOG_TEXT("why", job->error));
    if (!ours)
        return false;
    task->retry = job;
    task->retry_mono_ms = task->world->now_mono_ms + SCORE_TASK_RETRY_MS;
    return true;
}

/* Nobody knows what became of it: fold again, the log knows. */
static void
score_task_on_unknown(struct score_task *task, const struct transaction_job *job, bool ours)
{
    metrics_add(task->world->metrics, METRIC_TRANSACTIONS, METRIC_ENDED_FATAL, 1);
    log_write(task->world->log, LOG_ERROR, "transaction_unknown", LOG_TEXT("role", "scores"),
              LOG_TEXT("why", job->error));
    if (ours)
        score_task_begin_again(task);
}

void
score_task_on_done(struct score_task *task, struct transaction_job *job)
{
    bool ours = job->parts_count > 0 && job->parts[0].serial == task->serial;

    if (job->result != TRANSACTION_READY)
        task->in_flight = false;
    switch (job->result) {
    case TRANSACTION_READY:
        task->producer_ready = true;
        break;
    case TRANSACTION_COMMITTED:
        score_task_on_committed(task, job);
        break;
    case TRANSACTION_ABORTED:
        if (score_task_on_aborted(task, job, ours))
            return;
        break;
    case TRANSACTION_FATAL:
        score_task_on_unknown(task, job, ours);
        break;
    case TRANSACTION_STOPPED:
        break;
    }
    transaction_job_free(job);
}

/* ---- the fold ---- */

static void
score_task_arrive(struct score_task *task, struct source *source, int64_t timestamp_ms)
{
    int64_t arrived_ms = source_arrive(source, timestamp_ms, task->world->now_ms);

    if (arrived_ms > task->t_ms)
        task->t_ms = arrived_ms;
    scores_advance(task->scores, task->t_ms, SCORES_BEFORE);
}

static void
score_task_fold(struct score_task *task, const struct outcome *outcome, int64_t offset)
{
    switch (outcome->kind) {
    case OUTCOME_RISK_SAMPLE:
        learning_sample(task->learning, &outcome->risk_sample, offset);
        snapshot_task_touch_from(task->snapshot, SCORE_TASK_PART_LEARNING);
        break;
    case OUTCOME_VERDICT:
        learning_time(task->learning, outcome->verdict.arrival.detected_at_ms, offset);
        snapshot_task_touch_from(task->snapshot, SCORE_TASK_PART_LEARNING);
        scores_verdict(task->scores, &outcome->verdict, task->t_ms);
        break;
    case OUTCOME_TICKET:
        scores_ticket(task->scores, &outcome->ticket, task->t_ms);
        break;
    case OUTCOME_ANSWER:
        scores_answer(task->scores, &outcome->answer, task->t_ms);
        break;
    case OUTCOME_CONTRACT:
        scores_contract(task->scores, &outcome->contract, task->t_ms);
        break;
    default:
        break;
    }
}

/* Everything that was there when it was asked for is folded: now where feedback goes on. */
static void
score_task_ask(struct score_task *task)
{
    task->state = SCORE_TASK_ASKING;
    for (int32_t p = 0; p < task->feedback_count; p++)
        task->feedback_offsets[p] = MARKER_NO_OFFSET;
    task->question = task->port.ask_offsets(task->port.context);
    log_write(task->world->log, LOG_INFO, "scores_folded", LOG_INTEGER("outcomes", task->folded_count),
              LOG_INTEGER("took_ms", task->world->now_mono_ms - task->folding_since_mono_ms));
}

void
score_task_on_outcome(struct score_task *task, const struct ingest_record *record)
{
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;
    enum error_code error;

    if (task->state < SCORE_TASK_FOLDING || record->offset < task->outcomes_offset ||
        record->value.at == NULL)
        return;
    score_task_arrive(task, &task->outcomes, record->timestamp_ms);
    error = outcome_read(task->reader, record->value, &outcome, detail);
    if (error == ERROR_NONE)
        score_task_fold(task, &outcome, record->offset);
    else
        log_write(task->world->log, LOG_WARNING, "outcome_unreadable", LOG_INTEGER("offset", record->offset),
                  LOG_TEXT("error", error_code_text(error)), LOG_TEXT("detail", detail));
    task->folded_count++;
    task->outcomes_offset = record->offset + 1;
    metrics_add(task->world->metrics, METRIC_EVENTS, METRIC_TOPIC_OUTCOMES, 1);
    /* Where something is always coming, an end is never told: the consumer tells it after a quiet moment. */
    if (task->state == SCORE_TASK_FOLDING && task->found.log_end > 0 &&
        score_plan_reached(&task->found, task->from_offset, record->offset + 1) == SCORE_REACH_WHOLE)
        score_task_ask(task);
}

void
score_task_on_outcomes_end(struct score_task *task, int64_t offset)
{
    if (task->state < SCORE_TASK_FOLDING)
        return;
    source_reach_end(&task->outcomes);
    if (offset > task->outcomes_offset)
        task->outcomes_offset = offset;
    if (task->state != SCORE_TASK_FOLDING)
        return;
    switch (score_plan_reached(&task->found, task->from_offset, offset)) {
    case SCORE_REACH_MORE: /* somebody's transaction is open before the end */
        return;
    case SCORE_REACH_SHORT:
        score_task_on_outcomes_lost(task);
        return;
    case SCORE_REACH_WHOLE:
        break;
    }
    score_task_ask(task);
}

/* Somebody who was the owner before has committed since: what he read is not folded here. */
static bool
score_task_was_overtaken(struct score_task *task, const struct score_found *now)
{
    struct score_found found = *now;

    found.log_end = task->found.log_end; /* as of when it was decided whose the note is */
    if (task->port.ask_found == NULL || score_plan_same(&task->identity, &found) ||
        score_plan_is_left(&task->found, now))
        return false;
    log_write(task->world->log, LOG_NOTICE, "scores_overtaken", LOG_INTEGER("epoch", task->identity.epoch),
              LOG_INTEGER("committed_epoch", now->note.epoch));
    score_task_begin_again(task);
    return true;
}

/* As committed, or as a person has decided. */
static void
score_task_begin_feedback(struct score_task *task, const int64_t *offsets)
{
    struct slice decided = buffer_slice(&task->found_feedback);

    for (int32_t p = 0; p < task->feedback_count; p++) {
        int64_t offset = offsets[p];

        if (task->decided && !control_offset_take(&decided, &offset))
            offset = MARKER_NO_OFFSET;
        task->feedback_offsets[p] = offset >= 0 ? offset : MARKER_NO_OFFSET;
        source_begin(&task->feedback[p]);
    }
}

bool
score_task_on_offsets(struct score_task *task, uint64_t question, const int64_t *offsets,
                      const struct score_found *now)
{
    if (task->state != SCORE_TASK_ASKING || question != task->question)
        return false;
    if (score_task_was_overtaken(task, now))
        return true;
    score_task_begin_feedback(task, offsets);
    task->port.fetch_feedback(task->port.context);
    task->feedback_fetching = true;
    task->state = SCORE_TASK_LIVE;
    task->closed_mono_ms = task->world->now_mono_ms;
    if (task->t_ms < task->world->now_ms)
        task->t_ms = task->world->now_ms;
    scores_set_rebuilding(task->scores, false, task->t_ms);
    scores_set_behind(task->scores, true); /* what came while nobody ran is still to be read */
    log_write(task->world->log, LOG_INFO, "scores_live");
    if (task->policies_due)
        score_task_take_policies(task);
    if (task->identity.epoch == 0 || task->decided)
        score_epoch_touch(&task->open, false); /* who we are is written though nothing has happened */
    return true;
}

/* ---- feedback ---- */

static enum error_code
score_task_take_feedback(struct score_task *task, const struct ingest_record *record,
                         char detail[EVENT_DETAIL_BYTES])
{
    struct engine_answer answer;
    struct event event;
    enum error_code error;

    if (poison_begin(task->world->poison, TOPIC_FEEDBACK, record->partition, record->offset, record->value))
        return ingest_poison(task->ingest, detail);
    error = ingest_read(task->ingest, record, EVENT_TOPIC_FEEDBACK, &event, detail);
    if (error != ERROR_NONE)
        return error;
    answer = scores_feedback(task->scores, &event, task->t_ms);
    if (answer.disposition == ENGINE_REFUSED) {
        snprintf(detail, EVENT_DETAIL_BYTES, "%s", answer.detail != NULL ? answer.detail : "");
        return answer.error;
    }
    if (answer.disposition == ENGINE_DUPLICATE)
        metrics_add(task->world->metrics, METRIC_DUPLICATES, 0, 1);
    else if (answer.disposition == ENGINE_NO_EFFECT)
        metrics_add(task->world->metrics, METRIC_NO_EFFECT, 0, 1);
    return ERROR_NONE;
}

void
score_task_on_feedback(struct score_task *task, const struct ingest_record *record)
{
    char detail[EVENT_DETAIL_BYTES] = "";
    enum error_code error;

    if (task->state != SCORE_TASK_LIVE || record->partition >= task->feedback_count ||
        record->offset < task->feedback_offsets[record->partition])
        return;
    score_task_arrive(task, &task->feedback[record->partition], record->timestamp_ms);
    error = score_task_take_feedback(task, record, detail);
    poison_end(task->world->poison);
    if (error != ERROR_NONE)
        ingest_refuse(task->ingest, task->open.batch, record, error, detail);
    task->feedback_offsets[record->partition] = record->offset + 1;
    score_epoch_touch(&task->open, false);
    metrics_add(task->world->metrics, METRIC_EVENTS, METRIC_TOPIC_FEEDBACK, 1);
    metrics_add(task->world->metrics, METRIC_EVENT_BYTES, METRIC_TOPIC_FEEDBACK,
                record->value.bytes + record->key.bytes);
}

void
score_task_on_feedback_end(struct score_task *task, int32_t partition, int64_t offset)
{
    if (task->state != SCORE_TASK_LIVE || partition >= task->feedback_count)
        return;
    source_reach_end(&task->feedback[partition]);
    if (offset > task->feedback_offsets[partition])
        task->feedback_offsets[partition] = offset;
}

/* ---- time ---- */

bool
score_task_may_read(const struct score_task *task)
{
    return !score_epoch_is_full(&task->open) && (task->learning == NULL || !learning_is_away(task->learning));
}

/* Nothing is left to be read, as far as it is known: T follows the wall. */
static bool
score_task_is_idle(const struct score_task *task)
{
    int64_t now_mono_ms = task->world->now_mono_ms;

    return task->state == SCORE_TASK_LIVE && source_all_read(&task->outcomes, 1, true, now_mono_ms) &&
           source_all_read(task->feedback, (size_t)task->feedback_count, true, now_mono_ms) &&
           now_mono_ms >= task->wall_from_mono_ms;
}

static bool
score_task_is_behind(const struct score_task *task)
{
    return task->outcomes.lags || source_any_lags(task->feedback, (size_t)task->feedback_count);
}

/* Stopped and continued, the machine was suspended, or nothing was read because the epoch was full: who was
 * at an end may not be there any more. */
static void
score_task_notice_gap(struct score_task *task)
{
    int64_t now_mono_ms = task->world->now_mono_ms, before_mono_ms = task->read_mono_ms;

    if (!score_task_may_read(task))
        return;
    task->read_mono_ms = now_mono_ms;
    if (source_stood_still(before_mono_ms, now_mono_ms))
        task->wall_from_mono_ms = now_mono_ms + SOURCE_SETTLE_MS;
}

bool
score_task_lags(const struct score_task *task)
{
    return task->state == SCORE_TASK_LIVE && score_task_is_behind(task);
}

/* Whether what was learned may be told: not while a backlog is folded, it would be told again and again. */
static bool
score_task_may_tell(const struct score_task *task)
{
    return task->state == SCORE_TASK_LIVE && !task->outcomes.lags;
}

void
score_task_tick(struct score_task *task)
{
    score_task_notice_gap(task);
    if (task->state == SCORE_TASK_LIVE)
        scores_set_behind(task->scores, score_task_is_behind(task));
    if (score_task_is_idle(task)) {
        if (task->t_ms < task->world->now_ms)
            task->t_ms = task->world->now_ms;
        if (scores_next_ms(task->scores) <= task->t_ms)
            scores_advance(task->scores, task->t_ms, SCORES_THROUGH);
    }
    if (task->learning != NULL)
        learning_turn(task->learning);
    if (score_task_may_tell(task) && learning_wait_ms(task->learning) == 0 &&
        learning_tell(task->learning, task->open.batch))
        score_epoch_touch(&task->open, false);
    if (task->state == SCORE_TASK_LIVE &&
        task->world->now_mono_ms - task->closed_mono_ms > SCORE_TASK_HEARTBEAT_MS)
        score_epoch_touch(&task->open, false); /* offsets of a topic the group does not subscribe to expire */
}

/* INT64_MAX: nothing is to be said. */
static int64_t
score_task_close_at_mono_ms(const struct score_task *task)
{
    return task->state == SCORE_TASK_LIVE ? score_epoch_close_at_mono_ms(&task->open) : INT64_MAX;
}

void
score_task_turn(struct score_task *task)
{
    int64_t now_mono_ms = task->world->now_mono_ms;

    if ((task->state == SCORE_TASK_LEARNING || task->state == SCORE_TASK_HELD) &&
        now_mono_ms >= task->learn_mono_ms)
        score_task_find(task); /* which versions are in force, too: they may be others by now */
    if (task->retry != NULL && !task->in_flight && now_mono_ms >= task->retry_mono_ms)
        score_task_send_again(task);
    if (task->producer_ready && !score_task_is_out(task) && score_task_close_at_mono_ms(task) <= now_mono_ms)
        score_task_close(task);
}

/* A bound kept out so many since they were counted last. */
static void
score_task_count_hits(const struct score_task *task, enum config_key key, const char *bound, uint64_t now,
                      uint64_t before)
{
    metrics_add(task->world->metrics, METRIC_BOUND_HITS, (size_t)key, now - before);
    if (now > before)
        log_write(task->world->log, LOG_ERROR, "scores_full", LOG_TEXT("bound", bound),
                  LOG_INTEGER("refused", now - before));
}

/* Bounds as a reload left them; how full it is. */
static void
score_task_measure_fill(struct score_task *task)
{
    const struct scores_bounds bounds = score_task_bounds(task);
    struct metrics *metrics = task->world->metrics;
    struct scores_fill fill = {0};

    if (task->scores != NULL) {
        scores_set_bounds(task->scores, &bounds);
        fill = scores_fill(task->scores);
    }
    metrics_set(metrics, METRIC_SCORE_ANSWERS, 0, (int64_t)fill.answers);
    metrics_set(metrics, METRIC_SCORE_FACTS, 0, (int64_t)fill.facts);
    metrics_set(metrics, METRIC_SCORE_SCOPES, 0, (int64_t)fill.scopes);
    score_task_count_hits(task, CONFIG_answers_max, "answers_max", fill.answers_refused,
                          task->told.answers_refused);
    score_task_count_hits(task, CONFIG_facts_max, "facts_max", fill.facts_refused, task->told.facts_refused);
    score_task_count_hits(task, CONFIG_scopes_max, "scopes_max", fill.scopes_refused,
                          task->told.scopes_refused);
    score_task_count_hits(task, CONFIG_score_aspects_max, "score_aspects_max", fill.aspects_refused,
                          task->told.aspects_refused);
    task->told = fill;
}

void
score_task_measure(struct score_task *task)
{
    score_task_measure_fill(task);
    if (task->learning != NULL)
        learning_measure(task->learning);
}

int64_t
score_task_wait_ms(const struct score_task *task)
{
    int64_t wait_ms = INT64_MAX, at_mono_ms = INT64_MAX,
            next_ms = score_task_is_idle(task) ? scores_next_ms(task->scores) : INT64_MAX;

    if (next_ms != INT64_MAX)
        wait_ms = next_ms - task->world->now_ms;
    else if (task->wall_from_mono_ms > task->world->now_mono_ms)
        wait_ms = task->wall_from_mono_ms - task->world->now_mono_ms;
    if (task->state == SCORE_TASK_LEARNING || task->state == SCORE_TASK_HELD)
        at_mono_ms = task->learn_mono_ms;
    if (task->retry != NULL)
        at_mono_ms = task->retry_mono_ms;
    else if (task->state == SCORE_TASK_LIVE && !task->in_flight && task->producer_ready)
        at_mono_ms = score_task_close_at_mono_ms(task);
    if (task->learning != NULL && (learning_is_away(task->learning) || score_task_may_tell(task)) &&
        learning_wait_ms(task->learning) < wait_ms)
        wait_ms = learning_wait_ms(task->learning);
    if (at_mono_ms != INT64_MAX && at_mono_ms - task->world->now_mono_ms < wait_ms)
        wait_ms = at_mono_ms - task->world->now_mono_ms;
    return wait_ms > 0 ? wait_ms : 0;
}
