/*
 * The score role of one process: score_task.c with the plumbing around it played.
 *
 * What: its own producer and transaction thread, its own group (one partition: slad.outcomes), its positions
 * in slad.outcomes and feedback, the turn. Beside it the witness of what it publishes.
 *
 * Why so: as in process.c: between two calls to the outside nothing can be seen.
 *
 * Always true: a number says at least what was committed before its transaction began; an answer's revision
 * is committed once.
 *
 * Not here: what the scores are at the end (oracle_scores.c).
 */
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "sim.h"
#include "wire/effect.h"
#include <string.h>

enum { SCORING_PART_MS = 1500, SCORING_ANSWER_MS_MAX = 60 };

/* ---- what the task asks for ---- */

static void
scoring_fetch_outcomes(void *context, int64_t from_offset)
{
    struct scoring_role *role = context;

    role->outcomes_position = from_offset;
    role->fetching_outcomes = true;
    role->told_outcomes = -1;
}

static void
scoring_unfetch_outcomes(void *context)
{
    ((struct scoring_role *)context)->fetching_outcomes = false;
}

static void
scoring_fetch_feedback(void *context)
{
    struct scoring_role *role = context;

    role->fetching_feedback = true;
    for (int p = 0; p < BROKER_FEEDBACKS; p++) {
        role->feedback_positions[p] =
            role->task.feedback_offsets[p] == MARKER_NO_OFFSET ? 0 : role->task.feedback_offsets[p];
        role->told_feedback[p] = -1;
    }
}

static void
scoring_unfetch_feedback(void *context)
{
    ((struct scoring_role *)context)->fetching_feedback = false;
}

static uint64_t
scoring_ask_offsets(void *context)
{
    struct scoring_role *role = context;
    struct sim *sim = role->process->sim;

    role->asked_ms = sim->now_ms + chance_within(&sim->faults, 0, SCORING_ANSWER_MS_MAX);
    process_dies(role->process, CRASH_SCORES_ASKING);
    return ++role->question;
}

static uint64_t
scoring_ask_found(void *context)
{
    struct scoring_role *role = context;
    struct sim *sim = role->process->sim;

    role->asked_ms = sim->now_ms + chance_within(&sim->faults, 0, SCORING_ANSWER_MS_MAX);
    process_dies(role->process, CRASH_SCORES_FINDING);
    return ++role->question;
}

static uint64_t
scoring_ask_policies(void *context, struct slice ids)
{
    struct scoring_role *role = context;

    buffer_reset(&role->wanted);
    buffer_append_slice(&role->wanted, ids);
    process_dies(role->process, CRASH_SCORES_LEARNING);
    return ++role->question;
}

static void
scoring_load(void *context, struct score_load *load)
{
    struct scoring_role *role = context;

    score_load_free(role->load);
    role->load = load;
    process_dies(role->process, CRASH_SCORES_LOADING);
}

static bool
scoring_has_snapshots(void *context)
{
    return ((struct scoring_role *)context)->process->redis != NULL;
}

static void
scoring_submit(void *context, struct transaction_job *job)
{
    struct scoring_role *role = context;

    must(role->writer.job == NULL);
    role->writer.job = job;
    role->writer.job_member = role->member;
    role->writer.job_generation = role->generation;
    course_begin(&role->writer.course);
    process_dies(role->process, CRASH_SCORES_CLOSED);
}

/* ---- the group ---- */

static void
scoring_begin_to_part(struct scoring_role *role)
{
    role->parting = true;
    role->closed = false;
    role->part_until_ms = role->process->sim->now_ms + SCORING_PART_MS;
}

void
scoring_stop(struct process *process)
{
    process->scoring.stopping = true;
    scoring_begin_to_part(&process->scoring);
}

static void
scoring_on_done(struct scoring_role *role)
{
    struct transaction_job *job = role->writer.done;
    enum transaction_result result;

    if (job == NULL)
        return;
    role->writer.done = NULL;
    result = job->result;
    sim_tell(role->process->sim, "process %d: the scores' epoch ended %d", role->process->instance,
             (int)result);
    score_task_on_done(&role->task, job);
    if (result == TRANSACTION_COMMITTED)
        process_dies(role->process, CRASH_SCORES_COMMITTED);
    if (result == TRANSACTION_FATAL)
        process_dies(role->process, CRASH_SCORES_UNKNOWN);
    if (result == TRANSACTION_READY) {
        role->member = broker_join(&role->process->sim->broker, BROKER_SCORES, role->process->instance, 0);
        role->joined = true;
    }
}

/* In the callback: the loop stands still until the last commit is heard, or patience ends. */
void
scoring_part(struct process *process)
{
    struct scoring_role *role = &process->scoring;
    struct sim *sim = process->sim;

    (void)broker_heartbeat(&sim->broker, BROKER_SCORES, role->member, process->instance);
    scoring_on_done(role);
    if (process->dying)
        return;
    if (role->owned && score_task_is_parting(&role->task, &role->closed) &&
        sim->now_ms < role->part_until_ms) {
        if (!role->task.in_flight)
            score_task_send_again(&role->task);
        process_dies(process, CRASH_SCORES_REVOKING);
        return;
    }
    role->parting = false;
    score_task_end(&role->task);
    role->owned = false;
    if (process_dies(process, CRASH_SCORES_GONE))
        return;
    if (role->stopping) {
        broker_leave(&sim->broker, BROKER_SCORES, role->member);
        process->ended = true;
    } else
        broker_rejoin(&sim->broker, BROKER_SCORES, role->member, 0);
}

static void
scoring_turn_group(struct scoring_role *role)
{
    struct process *process = role->process;
    struct broker *broker = &process->sim->broker;
    unsigned assigned;
    int generation;

    if (!role->joined)
        return;
    switch (broker_heartbeat(broker, BROKER_SCORES, role->member, process->instance)) {
    case BROKER_FENCED_MEMBER:
        process->ended = true;
        return;
    case BROKER_UNKNOWN_MEMBER:
        score_task_end(&role->task);
        role->owned = false;
        if (process_dies(process, CRASH_SCORES_LOST))
            return;
        role->member = broker_join(broker, BROKER_SCORES, process->instance, 0);
        role->generation = -1;
        return;
    case BROKER_REJOIN:
        broker_rejoin(broker, BROKER_SCORES, role->member, role->owned);
        return;
    case BROKER_STEADY:
        break;
    }
    if (!broker_assignment(broker, BROKER_SCORES, role->member, &generation, &assigned) ||
        generation == role->generation)
        return;
    role->generation = generation;
    if (role->owned && assigned == 0)
        scoring_begin_to_part(role);
    else if (!role->owned && assigned != 0) {
        role->owned = true;
        sim_tell(process->sim, "process %d has the scores", process->instance);
        score_task_begin(&role->task);
        process_dies(process, CRASH_SCORES_ASSIGNED);
    }
}

/* ---- records ---- */

static struct ingest_record
scoring_record(const struct scoring_role *role, enum topic topic, int32_t partition,
               const struct broker_record *from)
{
    return (struct ingest_record){.topic = role->process->world.topics.names[topic],
                                  .partition = partition,
                                  .offset = from->offset,
                                  .timestamp_ms = from->timestamp_ms,
                                  .key = broker_key(from),
                                  .value = broker_value(from)};
}

static void
scoring_read_outcomes(struct scoring_role *role, int *budget)
{
    struct process *process = role->process;
    struct sim *sim = process->sim;

    while (role->fetching_outcomes && *budget > 0 && !process->dying) {
        int64_t next = role->outcomes_position;
        const struct broker_record *from = broker_read(&sim->broker, TOPIC_OUTCOMES, 0, &next);
        struct ingest_record record;

        role->outcomes_position = next;
        if (from == NULL) {
            if (role->told_outcomes != next)
                score_task_on_outcomes_end(&role->task, next);
            role->told_outcomes = next;
            return;
        }
        (*budget)--;
        role->told_outcomes = -1;
        record = scoring_record(role, TOPIC_OUTCOMES, 0, from);
        score_task_on_outcome(&role->task, &record);
        if (role->task.state != SCORE_TASK_LIVE)
            process_dies(process, CRASH_SCORES_FOLDING);
    }
}

static void
scoring_read_feedback(struct scoring_role *role, int32_t p, int *budget)
{
    struct process *process = role->process;
    struct sim *sim = process->sim;

    while (role->fetching_feedback && *budget > 0 && !process->dying) {
        int64_t next = role->feedback_positions[p];
        const struct broker_record *from = broker_read(&sim->broker, TOPIC_FEEDBACK, p, &next);
        struct ingest_record record;

        role->feedback_positions[p] = next;
        if (from == NULL) {
            if (role->told_feedback[p] != next)
                score_task_on_feedback_end(&role->task, p, next);
            role->told_feedback[p] = next;
            return;
        }
        (*budget)--;
        role->told_feedback[p] = -1;
        record = scoring_record(role, TOPIC_FEEDBACK, p, from);
        score_task_on_feedback(&role->task, &record);
        process_dies(process, CRASH_ANSWER_TAKEN);
    }
}

/* ---- the turn ---- */

/* What a person decided last of what is amiss. */
static void
scoring_find_word(struct sim *sim, struct score_found *found)
{
    const struct broker_record *record;
    struct control_scores control;
    struct slice word = {NULL, 0};
    int64_t position = 0;

    while ((record = broker_read(&sim->broker, TOPIC_STATE, 0, &position)) != NULL)
        if (slice_is(broker_key(record), CONTROL_SCORES_KEY))
            word = broker_value(record);
    if (word.at != NULL && control_scores_read(word, &control) == 0 && score_plan_decide(&control, found))
        sim_tell(sim, "the scores go on by a person's word");
}

/* What is committed, then how far the log goes: as restore.c asks. */
static void
scoring_take_found(struct scoring_role *role)
{
    struct process *process = role->process;
    const struct broker *broker = &process->sim->broker;
    struct score_found found = {.log_begin = broker_begin(broker, TOPIC_OUTCOMES, 0)};
    struct buffer policies = {0};
    int64_t offsets[1 + BROKER_FEEDBACKS];
    char note[BROKER_NOTE_BYTES];

    if (role->task.state != SCORE_TASK_FINDING || process->sim->now_ms < role->asked_ms ||
        !broker_scores(broker, offsets, note))
        return;
    found.log_end = broker->logs[TOPIC_OUTCOMES][0].end;
    score_found_take(&found, offsets[0], slice_of(note), &policies);
    for (int p = 0; p < BROKER_FEEDBACKS; p++)
        if (offsets[1 + p] >= 0) {
            found.has_feedback = true;
            found.feedback_sum += offsets[1 + p];
        }
    scoring_find_word(process->sim, &found);
    (void)score_task_on_found(&role->task, role->question, &found);
    buffer_free(&policies);
    if (role->task.state == SCORE_TASK_HELD) {
        if (!process->sim->mishap.scores_happened)
            sim_fail(process->sim, "the scores are held: %s", role->task.missing);
        process_dies(process, CRASH_SCORES_HELD);
    }
}

/* Texts of versions, out of whatever task's state has them. */
static void
scoring_take_policies(struct scoring_role *role)
{
    const struct broker *broker = &role->process->sim->broker;
    struct buffer sources = {0};
    struct policy_gather gather;
    struct slice id, source;

    if (role->task.state != SCORE_TASK_LEARNING || role->wanted.bytes == 0)
        return;
    policy_gather_init(&gather, buffer_slice(&role->wanted));
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        const struct broker_record *record;
        int64_t position = 0;

        while ((record = broker_read(broker, TOPIC_STATE, p, &position)) != NULL)
            if ((policy_record_is(broker_key(record)) || policy_record_is_scores(broker_key(record))) &&
                broker_value(record).at != NULL)
                policy_gather_take(&gather, broker_value(record));
    }
    for (size_t i = 0; i < gather.count; i++)
        if (policy_gather_get(&gather, i, &id, &source))
            restore_plan_add(&sources, id, source);
    policy_gather_done(&gather);
    buffer_reset(&role->wanted);
    (void)score_task_on_policies(&role->task, role->question, buffer_slice(&sources));
    buffer_free(&sources);
}

static void
scoring_get_head(struct process *process, struct buffer *out, bool before)
{
    struct buffer name = {0};
    struct slice bytes;

    (before ? snapshot_name_before : snapshot_name_head)(&name, process->world.config->prefix,
                                                         SCORE_PLAN_PARTITION);
    bytes = store_get(&process->sim->store, buffer_slice(&name));
    if (bytes.at != NULL)
        buffer_append_slice(out, bytes);
    buffer_free(&name);
}

/* As score_load.c does it. */
static bool
scoring_load_from(struct scoring_role *role, struct score_load *load, struct slice bytes)
{
    struct process *process = role->process;
    struct snapshot_head head;
    bool whole = true;

    if (score_plan_judge(bytes, &load->found, &load->identity, SCORES_PARTS_COUNT, load->now_ms, &head) !=
        SNAPSHOT_FITS)
        return false;
    for (uint32_t i = 0; i < head.buckets_count && whole; i++) {
        struct buffer name = {0};
        struct slice part;

        if (head.buckets[i].epoch == 0)
            continue;
        snapshot_name_bucket(&name, process->world.config->prefix, SCORE_PLAN_PARTITION, &head, i);
        part = store_get(&process->sim->store, buffer_slice(&name));
        whole = part.at != NULL && snapshot_bucket_is(&head.buckets[i], part);
        if (whole && i == SCORE_TASK_PART_LEARNING) {
            buffer_reset(&load->learned);
            buffer_append_slice(&load->learned, part);
        } else
            whole = whole && scores_load_part(load->home->scores, i, part) == 0;
        buffer_free(&name);
    }
    whole = whole && scores_load_end(load->home->scores) == 0;
    if (whole)
        load->offset = head.state_offset;
    snapshot_head_done(&head);
    return whole;
}

static void
scoring_take_loaded(struct scoring_role *role)
{
    struct process *process = role->process;
    struct score_load *load = role->load;

    if (load == NULL || chance_one_in(&process->sim->faults, 3))
        return;
    role->load = NULL;
    load->home = score_home_new(&load->options, buffer_slice(&load->sources));
    load->used = -1;
    load->offset = 0;
    if (load->snapshots && load->identity.epoch > 0 &&
        process->sim->now_ms >= process->sim->store.down_until_ms) {
        scoring_get_head(process, &load->head, false);
        scoring_get_head(process, &load->before, true);
        for (int which = 0; which < 2 && load->used < 0; which++) {
            if (scoring_load_from(role, load, buffer_slice(which == 0 ? &load->head : &load->before)))
                load->used = which;
            else {
                score_home_free(load->home);
                load->home = score_home_new(&load->options, buffer_slice(&load->sources));
            }
        }
    }
    process->sim->ground->scores_loaded += load->used >= 0;
    if (load->used >= 0 && process_dies(process, CRASH_SCORES_FROM_SNAPSHOT)) {
        role->load = load;
        return;
    }
    score_task_on_loaded(&role->task, load);
}

static void
scoring_take_offsets(struct scoring_role *role)
{
    struct process *process = role->process;
    int64_t offsets[1 + BROKER_FEEDBACKS];
    char note[BROKER_NOTE_BYTES];
    struct score_found now = {.log_begin = -1, .log_end = -1};
    struct buffer policies = {0};

    if (role->task.state != SCORE_TASK_ASKING || process->sim->now_ms < role->asked_ms ||
        !broker_scores(&process->sim->broker, offsets, note))
        return;
    score_found_take(&now, offsets[0], slice_of(note), &policies);
    (void)score_task_on_offsets(&role->task, role->question, offsets + 1, &now);
    buffer_free(&policies);
    process_dies(process, CRASH_SCORES_LIVE);
}

void
scoring_turn(struct process *process)
{
    struct scoring_role *role = &process->scoring;
    struct sim *sim = process->sim;
    int budget = (int)chance_within(&sim->faults, 1, 60);

    if (!role->on)
        return;
    scoring_on_done(role);
    if (!process->dying)
        scoring_turn_group(role);
    if (process->dying || process->ended || role->parting)
        return;
    scoring_take_found(role);
    if (!process->dying)
        scoring_take_policies(role);
    if (!process->dying)
        scoring_take_loaded(role);
    if (!process->dying)
        scoring_take_offsets(role);
    if (!process->dying && !score_epoch_is_full(&role->task.open)) {
        scoring_read_outcomes(role, &budget);
        for (int32_t p = 0; p < BROKER_FEEDBACKS && !process->dying; p++)
            scoring_read_feedback(role, p, &budget);
    }
    if (process->dying)
        return;
    score_task_tick(&role->task);
    if (role->task.open.announces)
        process_dies(process, CRASH_SCORES_PUBLISHED);
    if (!process->dying)
        score_task_turn(&role->task);
}

/* ---- life ---- */

void
scoring_start(struct process *process)
{
    struct scoring_role *role = &process->scoring;
    const struct score_task_port port = {
        .context = role,
        .fetch_outcomes = scoring_fetch_outcomes,
        .unfetch_outcomes = scoring_unfetch_outcomes,
        .fetch_feedback = scoring_fetch_feedback,
        .unfetch_feedback = scoring_unfetch_feedback,
        .ask_offsets = scoring_ask_offsets,
        .submit = scoring_submit,
        .ask_found = scoring_ask_found,
        .ask_policies = scoring_ask_policies,
        .load = scoring_load,
        .has_snapshots = scoring_has_snapshots,
    };

    if (!process->sim->with_scores)
        return;
    *role = (struct scoring_role){.on = true, .process = process, .generation = -1};
    role->writer = (struct writer){.process = process, .of_scores = true, .starting = true};
    score_task_init(&role->task, &process->world, &port);
}

void
scoring_kill(struct process *process)
{
    struct scoring_role *role = &process->scoring;

    if (!role->on)
        return;
    transaction_job_free(role->writer.job);
    transaction_job_free(role->writer.done);
    score_task_done(&role->task);
    score_load_free(role->load);
    buffer_free(&role->wanted);
    role->on = false;
}

/* ---- what must be true ---- */

static int64_t
scoring_number(struct slice record, const char *name)
{
    const char *at = memmem(record.at, record.bytes, name, strlen(name));
    int64_t number = 0;

    must(at != NULL);
    for (at += strlen(name); *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (*at - '0');
    return number;
}

/* The instant of "name":"..." */
static int64_t
scoring_instant(struct slice record, const char *name)
{
    const char *at = memmem(record.at, record.bytes, name, strlen(name));
    int64_t at_ms = 0;

    must(at != NULL && instant_parse((struct slice){at + strlen(name), 24}, &at_ms) == 0);
    return at_ms;
}

static struct slice
scoring_key_of(const void *value)
{
    return ((const struct scoring_answer *)value)->key;
}

static void
scoring_note_answer(struct scoring_witness *witness, struct sim *sim, const struct broker_record *record)
{
    struct slice key = broker_key(record), value = broker_value(record);
    struct scoring_answer *answer = map_get(witness->answers, key);
    int64_t revision = scoring_number(value, "\"revision\":");
    bool withdrawn = memmem(value.at, value.bytes, "\"withdrawn\":true", 16) != NULL;
    int64_t at_ms = scoring_instant(value, "\"answered_at\":\"");

    if (answer == NULL) {
        answer = memory_allocate_zeroed(1, sizeof *answer + key.bytes);
        memcpy(answer + 1, key.at, key.bytes);
        answer->key = (struct slice){(const char *)(answer + 1), key.bytes};
        answer->withdrawn = true;
        answer->from_ms = at_ms;
        (void)map_put(witness->answers, answer);
    }
    if (revision != answer->revision + 1)
        sim_fail(sim, "revision %lld of %.*s was committed after revision %lld", (long long)revision,
                 (int)key.bytes, key.at, (long long)answer->revision);
    if (answer->withdrawn && !withdrawn)
        answer->since = record->transaction;
    if (at_ms < answer->from_ms)
        answer->from_ms = at_ms;
    answer->withdrawn = withdrawn;
    answer->revision = revision;
}

/* Every record of this transaction in a log. */
static const struct broker_record *
scoring_each(const struct broker *broker, const struct broker_transaction *transaction, enum topic topic,
             size_t *cursor)
{
    const struct broker_log *log = &broker->logs[topic][0];
    int32_t number = (int32_t)(transaction - broker->transactions);

    for (; *cursor < log->count; (*cursor)++)
        if (log->records[*cursor].transaction == number && !log->records[*cursor].control)
            return &log->records[(*cursor)++];
    return NULL;
}

/* What is in force stays in force, and whoever owns the scores next finds its text in slad.state[0]. */
static void
scoring_note_policies(struct scoring_witness *witness, struct sim *sim,
                      const struct broker_transaction *transaction, struct slice ids)
{
    const struct broker *broker = &sim->broker;
    const struct broker_log *log = &broker->logs[TOPIC_STATE][0];
    int32_t number = (int32_t)(transaction - broker->transactions);
    struct slice held = buffer_slice(&witness->policies), id, source;
    struct policy_gather gather;

    if (slice_equal(held, ids))
        return;
    for (size_t i = 0; i < policy_ids_count(held); i++)
        if (!policy_ids_has(ids, policy_ids_get(held, i)))
            sim_fail(sim, "a version is not in force for the scores any more");
    policy_gather_init(&gather, ids);
    for (size_t i = 0; i < log->count; i++) {
        const struct broker_record *record = &log->records[i];

        if (!record->control && policy_record_is_scores(broker_key(record)) && record->has_value &&
            (record->transaction == number ||
             broker->transactions[record->transaction].state == BROKER_COMMITTED))
            policy_gather_take(&gather, broker_value(record));
    }
    for (size_t i = 0; i < gather.count; i++)
        if (!policy_gather_get(&gather, i, &id, &source))
            sim_fail(sim, "the scores go by a version whose text is not in slad.state");
    policy_gather_done(&gather);
    rollout_check(sim, SCORE_PLAN_PARTITION, ids);
    buffer_reset(&witness->policies);
    buffer_append_slice(&witness->policies, ids);
}

/* Epochs of the scores come one by one, in one lineage. */
static void
scoring_note_epoch(struct scoring_witness *witness, struct sim *sim,
                   const struct broker_transaction *transaction)
{
    struct buffer policies = {0};
    struct score_note note;

    if (!transaction->has_scores || transaction->scores_note[0] == '\0' ||
        score_note_read(slice_of(transaction->scores_note), &note, &policies) != 0)
        sim_fail(sim, "an epoch of the scores says nothing of itself: %s", transaction->scores_note);
    if (witness->may_begin_anew && note.epoch == 1 && !hash128_equal(note.lineage, witness->lineage)) {
        witness->may_begin_anew = false; /* somebody deleted all offsets of the group */
        witness->former = witness->lineage;
        witness->epoch = 0;
        buffer_reset(&witness->policies);
    }
    if (note.epoch != witness->epoch + 1 ||
        (witness->epoch > 0 && !hash128_equal(note.lineage, witness->lineage)))
        sim_fail(sim, "epoch %llu of the scores was committed after epoch %llu",
                 (unsigned long long)note.epoch, (unsigned long long)witness->epoch);
    scoring_note_policies(witness, sim, transaction, note.policies);
    witness->epoch = note.epoch;
    witness->lineage = note.lineage;
    buffer_free(&policies);
}

/* A head of the scores was moved in Redis. */
bool
scoring_moved(struct sim *sim, struct slice head_name, struct slice bytes)
{
    struct buffer name = {0};
    struct snapshot_head head;
    bool is_it;

    snapshot_name_head(&name, sim->ground->configs[0]->prefix, SCORE_PLAN_PARTITION);
    is_it = slice_equal(buffer_slice(&name), head_name);
    buffer_free(&name);
    if (!is_it)
        return false;
    if (snapshot_head_read(bytes, &head) != 0)
        sim_fail(sim, "the scores' head was moved to what is none");
    /* What a former life sent last may arrive in the next one: no loader takes a head of another lineage. */
    if (!hash128_equal(head.lineage, sim->scoring_witness.former) &&
        (head.epoch > sim->scoring_witness.epoch ||
         head.state_offset > sim->broker.logs[TOPIC_OUTCOMES][0].end))
        sim_fail(sim, "Redis is newer than Kafka: the scores' head at epoch %llu, Kafka at %llu",
                 (unsigned long long)head.epoch, (unsigned long long)sim->scoring_witness.epoch);
    snapshot_head_done(&head);
    return true;
}

/* Answers that were committed before this transaction, are not taken back by it, and count at this instant:
 * what is stamped ahead of it waits. */
static int64_t
scoring_standing(const struct scoring_witness *witness, int32_t number, int64_t at_ms)
{
    const struct scoring_answer *answer;
    int64_t count = 0;
    size_t cursor = 0;

    while ((answer = map_each(witness->answers, &cursor)) != NULL)
        count += !answer->withdrawn && answer->since != number && answer->from_ms <= at_ms;
    return count;
}

void
scoring_committed(struct sim *sim, const struct broker_transaction *transaction)
{
    struct scoring_witness *witness = &sim->scoring_witness;
    int32_t number = (int32_t)(transaction - sim->broker.transactions);
    const struct broker_record *record;
    size_t cursor = 0;

    if (transaction->producer < SIM_INSTANCES)
        return;
    scoring_note_epoch(witness, sim, transaction);
    if (witness->answers == NULL)
        witness->answers = map_new(scoring_key_of, 1);
    while ((record = scoring_each(&sim->broker, transaction, TOPIC_OUTCOMES, &cursor)) != NULL)
        if (memmem(broker_value(record).at, broker_value(record).bytes, "\"type\":\"answer\"", 15) != NULL)
            scoring_note_answer(witness, sim, record);
    cursor = 0;
    while ((record = scoring_each(&sim->broker, transaction, TOPIC_SCORES, &cursor)) != NULL) {
        struct slice value = broker_value(record);
        int64_t stands;

        if (value.at == NULL || memmem(value.at, value.bytes, "\"scope\":{}", 10) == NULL)
            continue;
        sim->ground->scores++;
        stands = scoring_standing(witness, number, scoring_instant(value, "\"at\":\""));
        if (scoring_number(value, ",\"n\":") < stands)
            sim_fail(sim, "a number from a half-loaded state: of %lld answers it says %.*s",
                     (long long)stands, (int)(value.bytes < 300 ? value.bytes : 300), value.at);
    }
}

void
scoring_witness_done(struct scoring_witness *witness)
{
    size_t cursor = 0;
    void *answer;

    while (witness->answers != NULL && (answer = map_each(witness->answers, &cursor)) != NULL)
        memory_free(answer);
    map_free(witness->answers);
    buffer_free(&witness->policies);
}

/* ---- at the end ---- */

struct scoring_oracle {
    struct sim *sim;
    struct map *published; /* struct scoring_answer, its text behind the key */
};

/* With --verbose: what slad.outcomes says of an answer and of its ticket. */
static void
scoring_tell(const struct sim *sim, const struct answer_outcome *outcome)
{
    const struct broker_record *record;
    struct buffer answer = {0};
    int64_t offset = 0;

    effect_answer_key(&answer, outcome);
    while (sim->ground->verbose && (record = broker_read(&sim->broker, TOPIC_OUTCOMES, 0, &offset)) != NULL) {
        struct slice key = broker_key(record), value = broker_value(record);

        if (slice_equal(key, outcome->ticket) || slice_equal(key, buffer_slice(&answer)))
            sim_tell(sim, "slad.outcomes %lld at +%lld: %.*s", (long long)record->offset,
                     (long long)(record->timestamp_ms - SIM_START_MS), (int)value.bytes, value.at);
    }
    buffer_reset(&answer);
    effect_print_answer(&answer, outcome);
    sim_tell(sim, "missing: %.*s", (int)answer.bytes, answer.at);
    buffer_free(&answer);
}

static void
scoring_on_missing(void *context, const struct answer_outcome *outcome)
{
    const struct scoring_oracle *oracle = context;

    scoring_tell(oracle->sim, outcome);

    sim_fail(oracle->sim, "revision %u of the answer %.*s is not in slad.outcomes",
             (unsigned)outcome->arrival.revision, (int)outcome->feedback.id.bytes, outcome->feedback.id.at);
}

static struct scores *
scoring_rebuild(struct sim *sim, struct scoring_oracle *oracle)
{
    struct outcome_reader *reader = outcome_reader_new();
    const struct scores_options options = {
        .symbols = sim->ground->symbols,
        .sink = {.context = oracle, .answer = scoring_on_missing},
        .allowed_skew_ms = sim->ground->configs[0]->allowed_skew_ms,
        .accept_age_ms = sim->ground->configs[0]->accept_age_ms,
    };
    struct scores *scores = scores_new(&options, sim->ground->policies);
    const struct broker_record *record;
    int64_t offset = 0;

    scores_set_rebuilding(scores, true, 0);
    while ((record = broker_read(&sim->broker, TOPIC_OUTCOMES, 0, &offset)) != NULL) {
        char detail[JSON_DETAIL_BYTES];
        struct outcome outcome;

        if (outcome_read(reader, broker_value(record), &outcome, detail) != ERROR_NONE)
            sim_fail(sim, "an outcome cannot be read: %s", detail);
        if (outcome.kind == OUTCOME_VERDICT)
            scores_verdict(scores, &outcome.verdict, record->timestamp_ms);
        else if (outcome.kind == OUTCOME_TICKET)
            scores_ticket(scores, &outcome.ticket, record->timestamp_ms);
        else if (outcome.kind == OUTCOME_ANSWER)
            scores_answer(scores, &outcome.answer, record->timestamp_ms);
    }
    scores_set_rebuilding(scores, false, sim->now_ms);
    scores_advance(scores, sim->now_ms, SCORES_THROUGH);
    outcome_reader_free(reader);
    return scores;
}

/* Who owns the scores when the run is over. */
static struct score_task *
scoring_owner(struct sim *sim)
{
    struct score_task *found = NULL;

    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        struct process *process = &sim->processes[i];

        if (!process->running || process->scoring.task.state == SCORE_TASK_IDLE)
            continue;
        if (found != NULL)
            sim_fail(sim, "two have the scores");
        found = &process->scoring.task;
    }
    return found;
}

const char *
scoring_unrest(struct sim *sim)
{
    const struct score_task *task = sim->with_scores ? scoring_owner(sim) : NULL;

    if (!sim->with_scores)
        return NULL;
    if (task == NULL)
        return "nobody has the scores";
    if (task->state != SCORE_TASK_LIVE)
        return "the scores are not live";
    if (task->open.dirty || score_task_is_out(task))
        return "the scores have something to say";
    for (int p = 0; p < BROKER_FEEDBACKS; p++)
        if (task->feedback_offsets[p] < sim->broker.logs[TOPIC_FEEDBACK][p].end)
            return "feedback is not read";
    return task->outcomes_offset < broker_stable_end(&sim->broker, TOPIC_OUTCOMES, 0)
               ? "outcomes are not read"
               : NULL;
}

/* What was published last of a scope, but for when and how often. */
static struct slice
scoring_last(struct sim *sim, struct slice key)
{
    const struct broker_log *log = &sim->broker.logs[TOPIC_SCORES][0];

    for (size_t i = log->count; i-- > 0;) {
        const struct broker_record *record = &log->records[i];

        if (!record->control && record->transaction >= 0 && slice_equal(broker_key(record), key) &&
            sim->broker.transactions[record->transaction].state == BROKER_COMMITTED)
            return broker_value(record);
    }
    return (struct slice){NULL, 0};
}

void
scoring_compare(struct sim *sim)
{
    struct scoring_oracle oracle = {.sim = sim};
    struct score_task *owner = sim->with_scores ? scoring_owner(sim) : NULL;
    struct score_scope scope = {0};
    struct score_record mine;
    struct scores *rebuilt;
    struct buffer key = {0};
    struct slice last;

    if (!sim->with_scores)
        return;
    must(owner != NULL);
    rebuilt = scoring_rebuild(sim, &oracle);
    if (!scores_read(rebuilt, &scope, slice_of("24h"), sim->now_ms, &mine))
        sim_fail(sim, "the log has no score");
    mine.scope = scope;
    mine.window = slice_of("24h");
    score_json_key(&key, &mine);
    last = scoring_last(sim, buffer_slice(&key));
    if (last.at == NULL || scoring_number(last, ",\"n\":") != mine.n ||
        scoring_number(last, "\"promoters\":") != mine.nps.promoters ||
        scoring_number(last, "\"detractors\":") != mine.nps.detractors)
        sim_fail(sim, "published: %.*s\n  the log says n %lld, promoters %lld, detractors %lld",
                 (int)last.bytes, last.at, (long long)mine.n, (long long)mine.nps.promoters,
                 (long long)mine.nps.detractors);
    if (scores_digest(owner->scores) != scores_digest(rebuilt))
        sim_fail(sim, "the owner of the scores holds another state than the log has");
    if (sim->scoring_witness.answers == NULL ||
        map_count(sim->scoring_witness.answers) != sim->load.feedback_ids)
        sim_fail(sim, "%zu answers of %zu were counted",
                 sim->scoring_witness.answers == NULL ? 0 : map_count(sim->scoring_witness.answers),
                 sim->load.feedback_ids);
    sim->ground->answers += sim->load.feedback_ids;
    buffer_free(&key);
    scores_free(rebuilt);
}
