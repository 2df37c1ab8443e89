/*
 * One process of the simulation.
 *
 * What: the daemon's own protocol, tasks, ingest and snapshots, with the plumbing around them played: the
 * transaction thread, the consumer and its group, the turn of the loop.
 *
 * Why so: between two calls to the outside nothing can be seen, so a process can only die in a way that
 * matters where this file asks process_dies.
 *
 * Always true: a process that is dying sends nothing any more.
 *
 * Not here: the loader (loader.c), Redis (store.c).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "shell/poison.h"
#include "sim.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    PROCESS_GIVES_UP_MS = 2000, /* a call to the broker */
    PROCESS_PART_MS = 1500,
    PROCESS_MEASURE_MS = 1000,
    PROCESS_JUMP_MS = 1000
};

bool
process_dies(struct process *process, enum crash_point point)
{
    struct sim *sim = process->sim;
    size_t i = 0;

    if (process->dying)
        return true;
    if (sim->calm)
        return false;
    while (i < 2 && !(sim->fuses[i].is_armed && sim->fuses[i].point == point && sim->fuses[i].after-- == 0))
        i++;
    if (i == 2)
        return false;
    sim->fuses[i].is_armed = false;
    if (sim->fuses[i].freezes) {
        process->frozen_until_ms = sim->now_ms + chance_within(&sim->faults, 2100, 9000);
        sim_tell(sim, "process %d stands still at %s until +%lld", process->instance,
                 crash_point_names[point], (long long)(process->frozen_until_ms - SIM_START_MS));
        return false;
    }
    sim->ground->crashed[point]++;
    process->dying = true;
    sim_tell(sim, "process %d dies at %s", process->instance, crash_point_names[point]);
    return true;
}

/* ---- requests ---- */

static void
request_send(struct writer *writer, struct request request)
{
    struct sim *sim = writer->process->sim;
    int64_t there_ms = chance_within(&sim->faults, 0, 3), back_ms = chance_within(&sim->faults, 0, 3);

    if (!sim->calm && chance_one_in(&sim->faults, 60))
        there_ms += chance_within(&sim->faults, 20, 3000);
    if (!sim->calm && chance_one_in(&sim->faults, 60))
        back_ms += chance_within(&sim->faults, 20, 1500);
    request.applies_ms = sim->now_ms + there_ms;
    request.replies_ms = request.applies_ms + back_ms;
    request.gives_up_ms = sim->now_ms + PROCESS_GIVES_UP_MS;
    request.reply_lost = !sim->calm && chance_one_in(&sim->faults, 150);
    request.producer = writer->process->instance + (writer->of_scores ? SIM_INSTANCES : 0);
    request.epoch = writer->epoch;
    request.of_scores = writer->of_scores;
    writer->request = request;
}

static void
request_produce(struct sim *sim, struct request *request, struct transaction_job *job)
{
    struct transaction_part *part = &job->parts[request->part];

    for (size_t i = request->first; i < request->end && request->error == BROKER_OK; i++) {
        struct batch_record record = batch_get(part->batch, i);
        int32_t partition = record.partition;
        int64_t offset;

        if (record.topic == TOPIC_SCORES && !request->of_scores)
            continue; /* nobody here reads what is open */
        if (partition < 0)
            partition = 0;
        request->error = broker_produce(&sim->broker, request->producer, request->epoch, record.topic,
                                        partition, record.key, record.value, &offset);
        if (request->error == BROKER_OK && record.topic == TOPIC_STATE && slice_is(record.key, MARKER_KEY))
            part->state_end = offset + 1;
    }
}

void
request_apply(struct sim *sim, struct request *request, struct transaction_job *job)
{
    request->applied = true;
    request->error = BROKER_OK;
    switch (request->kind) {
    case REQUEST_INIT:
        request->epoch = broker_init_producer(&sim->broker, request->producer);
        break;
    case REQUEST_PRODUCE:
        request_produce(sim, request, job);
        break;
    case REQUEST_OFFSETS:
        if (request->of_scores)
            request->error =
                broker_send_scores(&sim->broker, request->producer, request->epoch, request->member,
                                   request->generation, request->scores_offsets, request->scores_note);
        for (int32_t p = 0; p < BROKER_PARTITIONS && request->error == BROKER_OK; p++)
            if (request->has_offsets[p])
                request->error =
                    broker_send_offsets(&sim->broker, request->producer, request->epoch, request->member,
                                        request->generation, p, request->offsets[p], request->notes[p]);
        break;
    case REQUEST_COMMIT:
    case REQUEST_ABORT:
        request->error =
            broker_end(&sim->broker, request->producer, request->epoch, request->kind == REQUEST_COMMIT);
        break;
    case REQUEST_NONE:
        break;
    }
    sim_tell(sim, "broker: producer %d (epoch %d) asks for %d: error %d", request->producer, request->epoch,
             (int)request->kind, (int)request->error);
}

/* It goes on travelling without anybody who waits for it. */
static void
request_orphan(struct sim *sim, const struct request *request)
{
    if (request->kind == REQUEST_NONE || request->kind == REQUEST_PRODUCE || request->kind == REQUEST_INIT ||
        request->applied || sim->orphans_count == SIM_ORPHANS_MAX)
        return;
    sim->orphans[sim->orphans_count++] = *request;
}

static enum course_verdict
request_verdict(struct writer *writer, const struct request *request)
{
    struct sim *sim = writer->process->sim;

    switch (request->error) {
    case BROKER_OK:
        if (!sim->calm && request->kind == REQUEST_COMMIT && chance_one_in(&sim->faults, 100))
            return COURSE_IS_LOST;
        if (!sim->calm && (request->kind == REQUEST_PRODUCE || request->kind == REQUEST_OFFSETS) &&
            chance_one_in(&sim->faults, 200))
            return COURSE_MUST_ABORT;
        return COURSE_GOES_ON;
    case BROKER_ILLEGAL_GENERATION:
        return COURSE_MUST_ABORT;
    case BROKER_CONCURRENT:
        writer->again_ms = sim->now_ms + 5;
        return COURSE_AGAIN;
    case BROKER_FENCED:
    case BROKER_INVALID_STATE:
        break;
    }
    return COURSE_IS_LOST;
}

/* true: answered, or given up; *ret_verdict says what that means. */
static bool
request_is_over(struct writer *writer, enum course_verdict *ret_verdict)
{
    struct sim *sim = writer->process->sim;
    struct request *request = &writer->request;

    if (!request->applied && request->applies_ms <= sim->now_ms)
        request_apply(sim, request, writer->job);
    if (request->applied && !request->reply_lost && request->replies_ms <= sim->now_ms) {
        *ret_verdict = request_verdict(writer, request);
        return true;
    }
    if (sim->now_ms < request->gives_up_ms)
        return false;
    *ret_verdict = request->kind == REQUEST_PRODUCE ? COURSE_MUST_ABORT : COURSE_AGAIN;
    if (request->kind == REQUEST_COMMIT && chance_one_in(&sim->faults, 3))
        *ret_verdict = COURSE_IS_LOST;
    if (*ret_verdict == COURSE_IS_LOST) /* else the same connection would bring it before what comes next */
        request_orphan(sim, request);
    return true;
}

/* ---- the transaction thread ---- */

static void
transaction_produce_next(struct writer *writer)
{
    struct transaction_job *job = writer->job;
    size_t count, half;

    while (writer->part < job->parts_count && writer->record >= batch_count(job->parts[writer->part].batch)) {
        writer->part++;
        writer->record = 0;
    }
    if (writer->part >= job->parts_count) {
        course_go(&writer->course, COURSE_GOES_ON);
        return;
    }
    count = batch_count(job->parts[writer->part].batch);
    half = writer->record + count / 2 + 1;
    request_send(writer, (struct request){.kind = REQUEST_PRODUCE,
                                          .part = writer->part,
                                          .first = writer->record,
                                          .end = half < count ? half : count});
}

static void
transaction_send_scores(struct writer *writer)
{
    const struct topics *topics = &writer->process->world.topics;
    const rd_kafka_topic_partition_list_t *offsets = writer->job->parts[0].offsets;
    struct request request = {
        .kind = REQUEST_OFFSETS, .member = writer->job_member, .generation = writer->job_generation};

    memset(request.scores_offsets, 0xff, sizeof request.scores_offsets);
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *at = &offsets->elems[i];
        bool outcomes = strcmp(at->topic, topics->names[TOPIC_OUTCOMES]) == 0;

        request.scores_offsets[outcomes ? 0 : 1 + at->partition] = at->offset;
        if (outcomes && at->metadata_size > 0 && at->metadata_size < sizeof request.scores_note)
            memcpy(request.scores_note, at->metadata, at->metadata_size);
    }
    request_send(writer, request);
}

static void
transaction_send_offsets(struct writer *writer)
{
    struct transaction_job *job = writer->job;
    struct request request = {
        .kind = REQUEST_OFFSETS, .member = writer->job_member, .generation = writer->job_generation};
    bool any = false;

    memset(request.offsets, 0xff, sizeof request.offsets);
    for (size_t i = 0; i < job->parts_count; i++) {
        const rd_kafka_topic_partition_list_t *offsets = job->parts[i].offsets;

        for (int k = 0; k < offsets->cnt; k++) {
            const rd_kafka_topic_partition_t *at = &offsets->elems[k];
            bool relay = strcmp(at->topic, writer->process->world.topics.names[TOPIC_RELAY]) == 0;

            request.has_offsets[at->partition] = any = true;
            request.offsets[at->partition][relay] = at->offset;
            restore_plan_read_note((struct slice){at->metadata, at->metadata_size},
                                   &request.notes[at->partition]);
        }
    }
    if (any)
        request_send(writer, request);
    else
        course_go(&writer->course, COURSE_GOES_ON);
}

/* The next call of the course. */
static void
transaction_call(struct writer *writer)
{
    struct course *course = &writer->course;

    switch (course->step) {
    case COURSE_BEGIN:
        writer->part = writer->record = 0;
        course_go(course, COURSE_GOES_ON);
        process_dies(writer->process, CRASH_TRANSACTION_BEGUN);
        break;
    case COURSE_PRODUCE:
        transaction_produce_next(writer);
        break;
    case COURSE_SETTLE:
        if (!process_dies(writer->process, CRASH_PRODUCED_ALL))
            course_go(course, COURSE_GOES_ON);
        process_dies(writer->process, CRASH_REPORTS_HEARD);
        break;
    case COURSE_OFFSETS:
        (writer->of_scores ? transaction_send_scores : transaction_send_offsets)(writer);
        process_dies(writer->process, CRASH_OFFSETS_OUT);
        break;
    case COURSE_COMMIT:
        if (process_dies(writer->process, CRASH_COMMIT_READY))
            break;
        request_send(writer, (struct request){.kind = REQUEST_COMMIT});
        process_dies(writer->process, CRASH_COMMIT_OUT);
        break;
    case COURSE_ABORT:
        request_send(writer, (struct request){.kind = REQUEST_ABORT});
        process_dies(writer->process, CRASH_ABORT_OUT);
        break;
    case COURSE_RENEW:
        if (process_dies(writer->process, CRASH_OUTCOME_UNKNOWN))
            break;
        request_send(writer, (struct request){.kind = REQUEST_INIT});
        process_dies(writer->process, CRASH_RENEW_OUT);
        break;
    case COURSE_ENDED:
        writer->job->result = course->result;
        writer->done = writer->job;
        writer->job = NULL;
        break;
    }
}

static void
transaction_answer(struct writer *writer, enum request_kind kind, enum course_verdict verdict)
{
    struct course *course = &writer->course;
    const struct request *request = &writer->request;

    if (kind == REQUEST_PRODUCE && verdict == COURSE_GOES_ON) {
        writer->record = request->end;
        if (process_dies(writer->process, CRASH_PRODUCED_HALF))
            return;
        transaction_produce_next(writer);
        return;
    }
    if (kind == REQUEST_OFFSETS && verdict == COURSE_GOES_ON &&
        process_dies(writer->process, CRASH_OFFSETS_TAKEN))
        return;
    if (kind == REQUEST_COMMIT && request->applied && process_dies(writer->process, CRASH_COMMIT_TAKEN))
        return;
    if (kind == REQUEST_INIT)
        verdict = verdict == COURSE_GOES_ON ? verdict : COURSE_AGAIN;
    course_go(course, verdict);
    if (kind == REQUEST_COMMIT && verdict == COURSE_GOES_ON)
        process_dies(writer->process, CRASH_COMMIT_HEARD);
    if (kind == REQUEST_ABORT && verdict == COURSE_GOES_ON)
        process_dies(writer->process, CRASH_ABORT_HEARD);
    if (kind == REQUEST_INIT && verdict == COURSE_GOES_ON)
        process_dies(writer->process, CRASH_RENEWED);
}

/* The first producer of a process. */
static void
transaction_start(struct writer *writer)
{
    enum course_verdict verdict;

    if (writer->request.kind == REQUEST_NONE) {
        if (process_dies(writer->process, CRASH_STARTED))
            return;
        request_send(writer, (struct request){.kind = REQUEST_INIT});
        process_dies(writer->process, CRASH_PRODUCER_ASKED);
        return;
    }
    if (!request_is_over(writer, &verdict))
        return;
    if (verdict == COURSE_GOES_ON) {
        writer->starting = false;
        writer->epoch = writer->request.epoch;
        writer->done = transaction_job_new(1);
        writer->done->result = TRANSACTION_READY;
    }
    writer->request.kind = REQUEST_NONE;
}

void
process_write(struct writer *writer)
{
    for (int i = 0; i < 32 && !writer->process->dying &&
                    writer->process->sim->now_ms >= writer->process->frozen_until_ms;
         i++) {
        enum course_verdict verdict;
        enum request_kind kind = writer->request.kind;

        if (writer->starting) {
            transaction_start(writer);
            continue;
        }
        if (writer->job == NULL || writer->done != NULL || writer->process->sim->now_ms < writer->again_ms)
            return;
        if (kind == REQUEST_NONE) {
            transaction_call(writer);
            continue;
        }
        if (!request_is_over(writer, &verdict))
            return;
        if (kind == REQUEST_INIT && verdict == COURSE_GOES_ON)
            writer->epoch = writer->request.epoch;
        writer->request.kind = REQUEST_NONE;
        transaction_answer(writer, kind, verdict);
    }
}

/* ---- what the protocol asks for ---- */

static void
process_fetch(void *context, struct task *task)
{
    struct process *process = context;

    for (int s = 0; s < 2; s++) {
        process->positions[task->partition][s] =
            task->next_offsets[s] == MARKER_NO_OFFSET ? 0 : task->next_offsets[s];
        process->told_end[task->partition][s] = -1;
    }
}

static int64_t
process_end(void *context, const struct task *task, enum task_source source)
{
    struct process *process = context;

    return process->sim->broker.logs[source == TASK_RELAY ? TOPIC_RELAY : TOPIC_TICKETS][task->partition].end;
}

static void
process_unfetch(void *context, struct task *task)
{
    (void)context;
    (void)task;
}

static uint64_t
process_ask_task(void *context, int32_t partition)
{
    return process_ask(context, (struct loader_question){.partition = partition});
}

static uint64_t
process_ask_decision(void *context, int32_t partition)
{
    return process_ask(
        context, (struct loader_question){.partition = partition, .held = true, .needs_decision = true});
}

static uint64_t
process_ask_marker(void *context, int32_t partition)
{
    uint64_t number =
        process_ask(context, (struct loader_question){.partition = partition, .marker_only = true});

    process_dies(context, CRASH_MARKER_ASKED);
    return number;
}

static void
process_submit(void *context, struct transaction_job *job)
{
    struct process *process = context;

    must(process->writer.job == NULL);
    process->writer.job = job;
    process->writer.job_member = process->member;
    process->writer.job_generation = process->generation;
    course_begin(&process->writer.course);
    process_dies(process, CRASH_EPOCH_CLOSED);
}

static void
process_note_behind(struct process *process, const struct task *task)
{
    struct witness *witness = &process->sim->witness;

    if (task == NULL || task->engine == NULL)
        return;
    if (task->quiet || task->catching_up)
        witness_behind(witness, task, task->behind_from_ms, INT64_MAX);
    if (wallclock_frozen(&process->clock)) {
        witness_behind(witness, task, wallclock_now_ms(&process->clock), INT64_MAX);
        witness_frozen_clock(witness, task->partition, wallclock_now_ms(&process->clock),
                             process->sim->now_ms);
    }
    witness_gone(witness, task);
}

static void
process_forget(void *context, int32_t partition)
{
    struct process *process = context;

    sim_tell(process->sim, "process %d: task %d goes", process->instance, (int)partition);
    process_note_behind(process, protocol_task(&process->protocol, partition));
    process->was_behind[partition] = false;
    loader_forget(&process->loader, partition);
}

/* ---- the group ---- */

static void
group_drop(struct process *process, unsigned partitions, const char *why)
{
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
        if ((partitions & 1U << p) != 0)
            protocol_drop(&process->protocol, p, why);
    process->owned &= ~partitions;
}

static void
group_add(struct process *process, unsigned assigned)
{
    unsigned added = assigned & ~process->owned;

    for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
        if ((added & 1U << p) != 0)
            protocol_assigned(&process->protocol, p);
    process->owned |= added;
    if (added != 0)
        process_dies(process, CRASH_ASSIGNED);
}

/* In the callback: the loop stands still until the last commit is heard, or patience ends. */
static void
group_part(struct process *process)
{
    struct sim *sim = process->sim;
    unsigned assigned;
    int generation;

    (void)broker_heartbeat(&sim->broker, BROKER_TICKETS, process->member, process->instance);
    if (process->writer.done != NULL) {
        struct transaction_job *job = process->writer.done;

        process->writer.done = NULL;
        protocol_on_done(&process->protocol, job);
    }
    if (protocol_is_parting(&process->protocol, &process->closed) && sim->now_ms < process->part_until_ms) {
        if (!process->protocol.in_flight)
            protocol_send_again(&process->protocol);
        process_dies(process, process->stopping ? CRASH_STOPPING : CRASH_REVOKING_WAITS);
        return;
    }
    process->parting = false;
    group_drop(process, process->revoking, process->stopping ? "stopping" : "revoked");
    if (process_dies(process, CRASH_REVOKED))
        return;
    if (process->stopping) {
        broker_leave(&sim->broker, BROKER_TICKETS, process->member);
        if (process->scoring.on && process->scoring.joined)
            scoring_stop(process);
        else
            process->ended = true;
        return;
    }
    if (broker_assignment(&sim->broker, BROKER_TICKETS, process->member, &generation, &assigned) &&
        generation == process->generation)
        group_add(process, assigned);
    if (process->dying)
        return;
    broker_rejoin(&sim->broker, BROKER_TICKETS, process->member, process->owned);
    process_dies(process, CRASH_GAVE_BACK);
}

static void
group_begin_to_part(struct process *process, unsigned partitions)
{
    process->parting = true;
    process->closed = false;
    process->revoking = partitions;
    sim_tell(process->sim, "process %d: gives back %x", process->instance, partitions);
    process->part_until_ms = process->sim->now_ms + PROCESS_PART_MS;
}

void
process_stop(struct process *process)
{
    process->stopping = true;
    group_begin_to_part(process, process->owned);
}

static void
group_turn(struct process *process)
{
    struct broker *broker = &process->sim->broker;
    unsigned assigned;
    int generation;

    if (!process->joined)
        return;
    switch (broker_heartbeat(broker, BROKER_TICKETS, process->member, process->instance)) {
    case BROKER_FENCED_MEMBER:
        process->ended = true; /* another of the same name: this one says so and ends */
        return;
    case BROKER_UNKNOWN_MEMBER:
        group_drop(process, process->owned, "lost");
        if (process_dies(process, CRASH_LOST))
            return;
        process->member = broker_join(broker, BROKER_TICKETS, process->instance, 0);
        process->generation = -1;
        return;
    case BROKER_REJOIN:
        broker_rejoin(broker, BROKER_TICKETS, process->member, process->owned);
        return;
    case BROKER_STEADY:
        break;
    }
    if (!broker_assignment(broker, BROKER_TICKETS, process->member, &generation, &assigned) ||
        generation == process->generation)
        return;
    process->generation = generation;
    sim_tell(process->sim, "process %d: generation %d, owns %x, assigned %x", process->instance, generation,
             process->owned, assigned);
    if ((process->owned & ~assigned) != 0) {
        if (!process_dies(process, CRASH_REVOKING))
            group_begin_to_part(process, process->owned & ~assigned);
    } else
        group_add(process, assigned);
}

/* ---- records ---- */

/* Whether this record kills the process in the middle of it: until it has done so often enough. */
static bool
records_kill(struct process *process, struct task *task, const struct ingest_record *record)
{
    if (memmem(record->value.at, record->value.bytes, "poison", 6) == NULL ||
        record->offset < task->next_offsets[TASK_TICKETS])
        return false;
    while (task_arrive(task, TASK_TICKETS, record->timestamp_ms)) /* in a few turns, else */
        ;
    if (poison_begin(process->world.poison, TOPIC_TICKETS, record->partition, record->offset, record->value))
        return false;
    process->sim->ground->crashed[CRASH_POISON]++;
    process->dying = true;
    return true;
}

/* true: it is to be given again. */
static bool
records_give(struct process *process, struct task *task, enum task_source source,
             const struct broker_record *from)
{
    struct sim *sim = process->sim;
    enum topic topic = source == TASK_RELAY ? TOPIC_RELAY : TOPIC_TICKETS;
    int64_t end = sim->broker.logs[topic][task->partition].end;
    int64_t high = chance_one_in(&sim->faults, 3) ? -1 : end;
    struct ingest_record record = {
        .topic = process->world.topics.names[topic],
        .partition = task->partition,
        .offset = from->offset,
        .timestamp_ms = from->timestamp_ms,
        .key = broker_key(from),
        .value = broker_value(from),
    };
    bool again;

    task->taken_count++;
    if (source == TASK_RELAY) {
        again = ingest_relay(process->ingest, task, &record, high);
        process_dies(process, CRASH_RELAY_TAKEN);
        return again;
    }
    if (records_kill(process, task, &record))
        return false;
    again = ingest_ticket(process->ingest, task, &record, high);
    process_dies(process, CRASH_RECORD_TAKEN);
    if (memmem(record.value.at, record.value.bytes, "broken", 6) != NULL)
        process_dies(process, CRASH_LETTER_WRITTEN);
    return again;
}

static void
records_of(struct process *process, struct task *task, enum task_source source, int *budget)
{
    struct sim *sim = process->sim;
    enum topic topic = source == TASK_RELAY ? TOPIC_RELAY : TOPIC_TICKETS;
    int64_t *position = &process->positions[task->partition][source];

    if (!sim->calm && *position > 4 && chance_one_in(&sim->faults, 400))
        *position -= chance_within(&sim->faults, 1, 4); /* librdkafka may give one again */
    while (*budget > 0 && protocol_takes_records(task) && !process->dying) {
        int64_t next = *position;

        if (*position > sim->broker.logs[topic][task->partition].end ||
            (*position > 0 && *position < broker_begin(&sim->broker, topic, task->partition))) {
            protocol_on_offset_lost(&process->protocol, task, source, process->world.topics.names[topic]);
            process_dies(process, CRASH_OFFSET_LOST);
            return;
        }
        const struct broker_record *record = broker_read(&sim->broker, topic, task->partition, &next);

        if (record == NULL) {
            *position = next;
            if (process->told_end[task->partition][source] != next)
                task_reach_end(task, source, next);
            process->told_end[task->partition][source] = next;
            return;
        }
        process->told_end[task->partition][source] = -1;
        (*budget)--;
        if (records_give(process, task, source, record))
            return;
        *position = next;
    }
}

static void
records_turn(struct process *process)
{
    struct sim *sim = process->sim;
    int budget = (int)chance_within(&sim->faults, 1, process->world.config->turn_records_max);
    int32_t first = (int32_t)chance_below(&sim->faults, BROKER_PARTITIONS);

    if (protocol_is_full(&process->protocol)) {
        process_dies(process, CRASH_PAUSED);
        return;
    }
    if (!sim->calm && sim->now_ms < process->slow_until_ms)
        return;
    if (!sim->calm && chance_one_in(&sim->faults, 1500))
        process->slow_until_ms = sim->now_ms + chance_within(&sim->faults, 50, 900);
    for (int32_t i = 0; i < BROKER_PARTITIONS; i++) {
        struct task *task = protocol_task(&process->protocol, (first + i) % BROKER_PARTITIONS);

        for (int s = 0; s < TASK_SOURCES_COUNT && protocol_takes_records(task); s++)
            records_of(process, task, (enum task_source)s, &budget);
    }
}

/* ---- the turn ---- */

static void
loop_take_news(struct process *process)
{
    struct loader *loader = &process->loader;

    for (int i = 0; i < 2 && loader->news_count > 0 && !process->dying; i++) {
        struct restore_news *news = loader->news[0];
        struct task *task = protocol_task(&process->protocol, news->partition);
        bool is_for_it = task != NULL && task->question == news->question;

        memmove(loader->news, loader->news + 1, --loader->news_count * sizeof *loader->news);
        if (is_for_it && news->kind == RESTORE_DONE && task->state == TASK_LOADING)
            witness_loaded(&process->sim->witness, task);
        if (is_for_it && news->kind == RESTORE_HELD) {
            process->sim->ground->held++;
            if (!mishap_is_possible(process->sim))
                sim_fail(process->sim, "task %d of process %d is held: %s", (int)news->partition,
                         process->instance, news->error);
        }
        if (is_for_it && news->kind == RESTORE_MARKER) {
            struct marker own = task_marker(task);

            process->sim->ground->unknown++;
            process_dies(process, news->has_marker && marker_is(&own, &news->marker)
                                      ? CRASH_MARKER_IS_OURS
                                      : CRASH_MARKER_IS_NOT_OURS);
        }
        if (is_for_it && news->kind == RESTORE_BEGUN && task->state == TASK_HELD) {
            process_note_behind(process, task); /* as if it had died: it is loaded anew */
            process->was_behind[news->partition] = false;
        }
        protocol_on_news(&process->protocol, news);
        task = protocol_task(&process->protocol, news->partition); /* it may be another by now */
        is_for_it = is_for_it && task != NULL;
        if (is_for_it && task->state == TASK_HELD)
            process_dies(process, CRASH_HELD);
        if (is_for_it && news->kind == RESTORE_DONE && task->decided) {
            mishap_note_decided(process->sim, task, task->next_offsets[TASK_TICKETS]);
            process_dies(process, CRASH_DECIDED);
        }
        if (is_for_it && news->kind == RESTORE_BEGUN && news->policies.bytes > 0)
            process_dies(process, CRASH_POLICY_LEARNED);
        if (is_for_it && news->kind == RESTORE_DONE) {
            sim_tell(process->sim, "process %d: task %d is live at epoch %llu", process->instance,
                     (int)news->partition, (unsigned long long)task->epoch);
            process->sim->ground->restores++;
            process_dies(process, CRASH_LOAD_LIVE);
        }
        restore_news_free(news);
    }
}

static void
loop_take_done(struct process *process)
{
    struct transaction_job *job = process->writer.done;
    enum transaction_result result;

    if (job == NULL)
        return;
    process->writer.done = NULL;
    result = job->result;
    for (size_t i = 0; i < job->parts_count; i++)
        sim_tell(process->sim, "process %d: task %d epoch %llu ended %d", process->instance,
                 (int)job->parts[i].task, (unsigned long long)job->parts[i].epoch, (int)result);
    protocol_on_done(&process->protocol, job);
    if (result == TRANSACTION_COMMITTED)
        process_dies(process, CRASH_COMMIT_KNOWN);
    if (result == TRANSACTION_ABORTED)
        process_dies(process, CRASH_RETRY_WAITS);
    if (result == TRANSACTION_READY && !process_dies(process, CRASH_PRODUCER_THERE)) {
        process->member = broker_join(&process->sim->broker, BROKER_TICKETS, process->instance, 0);
        process->joined = true;
        process_dies(process, CRASH_JOINED);
    }
}

/* A task may be behind between two phases of one turn. */
static void
loop_note_behind(struct process *process)
{
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        const struct task *task = protocol_task(&process->protocol, p);
        bool is_behind = task != NULL && task->engine != NULL && task->state != TASK_LOADING &&
                         (task->quiet || task->catching_up);

        if (task != NULL && task->serial == process->serials[p] && !process->was_behind[p] && !is_behind &&
            process->t_ms[p] > 0 &&
            task->t_ms - process->t_ms[p] > PROCESS_JUMP_MS) /* as a full epoch makes it: stages fold */
            witness_behind(&process->sim->witness, task, process->t_ms[p], task->t_ms);
        process->serials[p] =
            task != NULL && task->engine != NULL && task->state != TASK_LOADING ? task->serial : 0;
        process->t_ms[p] = process->serials[p] == 0 ? 0 : task->t_ms;
        if (process->serials[p] != 0 && engine_next_ms(task->engine) < task->t_ms)
            process->t_ms[p] = engine_next_ms(task->engine); /* passed, but not had its turn */
        if (process->was_behind[p] && !is_behind && task != NULL)
            witness_behind(&process->sim->witness, task, task->behind_from_ms, task->t_ms);
        process->was_behind[p] = is_behind;
    }
}

static void
loop_watch_tasks(struct process *process)
{
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        struct task *task = protocol_task(&process->protocol, p);

        if (task == NULL || task->engine == NULL || task->state == TASK_LOADING)
            continue;
        if (task->quiet || task->catching_up)
            process_dies(process, task->quiet ? CRASH_BEHIND : CRASH_CATCHING_UP);
        if (task->lagging)
            process_dies(process, CRASH_LAGGING);
        if (task->announces) {
            process->sim->ground->alerts++;
            process_dies(process, CRASH_ALERT_DECIDED);
        }
    }
}

static void
loop_measure(struct process *process)
{
    if (process->sim->now_ms - process->measured_ms < PROCESS_MEASURE_MS)
        return;
    process->measured_ms = process->sim->now_ms;
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        struct task *task = protocol_task(&process->protocol, p);

        if (task != NULL && task->state == TASK_LIVE) {
            task_publish_open(task);
            process_dies(process, CRASH_OPEN_PUBLISHED);
        }
    }
}

/* What daemon.c does when it is told that the disk has changed. */
static void
loop_read_disk(struct process *process)
{
    struct sim *sim = process->sim;
    const struct rollout *rollout = &sim->rollouts[process->instance];
    struct policy_book *book = process->world.book;
    const struct policy_set *before = process->policies;
    struct buffer ids = {0}, refusals = {0};
    bool refused = false;

    if (process->disk == rollout->disk || sim->now_ms < rollout->told_ms ||
        process_dies(process, CRASH_POLICY_ON_DISK))
        return;
    process->disk = rollout->disk;
    policy_book_set_disk(book, rollout_read(sim->ground, rollout->disk));
    for (int32_t p = 0; p < BROKER_PARTITIONS && !refused; p++) {
        const struct task *task = protocol_task(&process->protocol, p);

        buffer_reset(&ids);
        refused = task != NULL && !policy_book_join(book, buffer_slice(&task->policies), &ids, &refusals);
    }
    refused |= process->scoring.on && score_task_refuses_policies(&process->scoring.task, &refusals);
    sim_tell(sim, "process %d: disk %x%s", process->instance, process->disk, refused ? ", refused" : "");
    if (!refused) {
        process->world.policies = process->policies = policy_book_hold(book, policy_book_disk(book));
        if (process->scoring.on)
            score_task_take_policies(&process->scoring.task);
        policy_book_release(book, before);
        for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
            if (protocol_task(&process->protocol, p) != NULL)
                task_take_policies(protocol_task(&process->protocol, p));
    }
    process_dies(process, refused ? CRASH_POLICY_REFUSED : CRASH_POLICY_TAKEN);
    buffer_free(&ids);
    buffer_free(&refusals);
}

/* An epoch that is closed now writes a version. */
static bool
loop_has_versions_to_write(const struct process *process)
{
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        const struct task *task = protocol_task(&process->protocol, p);

        if (task != NULL && task->state == TASK_LIVE &&
            !slice_equal(buffer_slice(&task->policies), buffer_slice(&task->policies_written)))
            return true;
    }
    return false;
}

static void
loop_close(struct process *process)
{
    bool writes = loop_has_versions_to_write(process);

    protocol_turn(&process->protocol);
    if (writes && !process->dying && !loop_has_versions_to_write(process))
        process_dies(process, CRASH_POLICY_WRITTEN);
}

static void
loop_turn(struct process *process)
{
    loop_read_disk(process);
    if (process->dying)
        return;
    loop_take_news(process);
    if (process->dying)
        return;
    loop_take_done(process);
    if (process->dying)
        return;
    group_turn(process);
    if (process->dying || process->ended || process->parting)
        return;
    loop_note_behind(process);
    records_turn(process);
    loop_note_behind(process);
    if (process->dying)
        return;
    (void)protocol_tick(&process->protocol);
    loop_note_behind(process);
    loop_watch_tasks(process);
    if (process->dying)
        return;
    loop_close(process);
    if (!process->dying && process->snapshot != NULL)
        (void)snapshot_turn(process->snapshot, process->protocol.tasks, process->protocol.tasks_count);
    if (!process->dying)
        loop_measure(process);
}

static void
process_read_time(struct process *process)
{
    int64_t mono_ms = process->sim->now_ms - SIM_START_MS + 1000000;
    struct wallclock_reading reading = {process->sim->now_ms + process->wall_off_ms, mono_ms};

    int64_t held_ms = wallclock_now_ms(&process->clock);

    switch (wallclock_turn(&process->clock, reading)) {
    case WALLCLOCK_JUMPED:
        process_dies(process, CRASH_CLOCK_JUMPED);
        break;
    case WALLCLOCK_RESUMED:
        for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
            const struct task *task = protocol_task(&process->protocol, p);

            if (task == NULL)
                continue;
            witness_behind(&process->sim->witness, task, held_ms, wallclock_now_ms(&process->clock));
            witness_frozen_clock(&process->sim->witness, p, held_ms, wallclock_now_ms(&process->clock));
        }
        break;
    case WALLCLOCK_STEADY:
        break;
    }
    process->world.now_ms = wallclock_now_ms(&process->clock);
    process->world.now_mono_ms = mono_ms;
}

void
process_turn(struct process *process)
{
    if (!process->running || process->sim->now_ms < process->frozen_until_ms)
        return;
    process_read_time(process);
    process_write(&process->writer);
    if (process->scoring.on && !process->dying)
        process_write(&process->scoring.writer);
    if (!process->dying)
        loader_turn(process);
    if (!process->dying) {
        if (process->parting)
            group_part(process);
        else if (process->scoring.parting)
            scoring_part(process);
        else
            loop_turn(process);
    }
    if (!process->dying && !process->ended && !process->parting && !process->scoring.parting)
        scoring_turn(process);
    if (!process->dying)
        process_write(&process->writer);
    if (process->scoring.on && !process->dying)
        process_write(&process->scoring.writer);
    if (process->dying || process->ended)
        process_kill(process);
}

/* ---- life ---- */

/* The state directories: one file in memory an instance, told by its name's last letter. */
static int
process_open(const char *path, int flags, ...)
{
    int instance = path[0] != '\0' ? path[strcspn(path, "0123456789")] - '0' : 0;

    (void)flags;
    must(instance >= 0 && instance < SIM_INSTANCES);
    return dup(sim_state_files[instance]);
}

static void *
process_map(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset)
{
    return mmap(at, bytes, protection, flags, descriptor, offset);
}

static const struct poison_calls process_poison_calls = {process_open, ftruncate, process_map};

void
process_start(struct process *process, struct sim *sim, int instance)
{
    struct sim_ground *ground = sim->ground;
    struct protocol_port port = {
        .context = process,
        .fetch = process_fetch,
        .unfetch = process_unfetch,
        .ask_task = process_ask_task,
        .ask_marker = process_ask_marker,
        .ask_decision = process_ask_decision,
        .submit = process_submit,
        .end = process_end,
        .forget = process_forget,
    };
    uint64_t drawn[2] = {sim->seed, ++sim->writers};

    must(!process->running);
    sim_tell(sim, "process %d starts", instance);
    *process = (struct process){.sim = sim, .instance = instance, .running = true, .generation = -1};
    process->writer = (struct writer){.process = process, .starting = true};
    process->world = (struct world){
        .config = ground->configs[instance],
        .log = ground->log,
        .metrics = ground->metrics,
        .kafka = {.config = ground->configs[instance], .log = ground->log, .brokers = "nowhere"},
        .topics = ground->topics,
        .symbols = ground->symbols,
        .book = policy_book_new(ground->symbols),
        .writer = hash_bytes128((struct hash128){0, 0}, drawn, sizeof drawn),
        .group = ground->group,
        .partitions_count = sim->broker.groups[BROKER_TICKETS].partitions_count,
        .source = ground->source,
        .feedback_partitions_count = BROKER_FEEDBACKS,
        .started_at_ms = sim->now_ms,
    };
    process->disk = sim->rollouts[instance].disk;
    policy_book_set_disk(process->world.book, rollout_read(ground, process->disk));
    process->world.policies = process->policies =
        policy_book_hold(process->world.book, policy_book_disk(process->world.book));
    process->measured_ms = sim->now_ms;
    wallclock_init(&process->clock,
                   (struct wallclock_reading){sim->now_ms, sim->now_ms - SIM_START_MS + 1000000});
    protocol_init(&process->protocol, &process->world, &port);
    process_read_time(process);
    process->world.poison = poison_new(process->world.config, ground->log, &process_poison_calls);
    process->ingest = ingest_new(&process->world);
    scoring_start(process);
    if (sim->with_redis) {
        process->redis = store_connect(process);
        process->snapshot = snapshot_new(&process->world, process->redis);
        if (process->scoring.on)
            snapshot_set_scores(process->snapshot, &process->scoring.task);
    }
}

void
process_kill(struct process *process)
{
    struct sim *sim = process->sim;

    for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
        process_note_behind(process, protocol_task(&process->protocol, p));
    if (process->dying) {
        sim->crashes++;
        if (chance_one_in(&sim->faults, 2))
            request_orphan(sim, &process->writer.request);
        if (process->scoring.on && chance_one_in(&sim->faults, 2))
            request_orphan(sim, &process->scoring.writer.request);
    }
    scoring_kill(process);
    if (process->redis != NULL) {
        store_disconnect(process->redis);
        snapshot_free(process->snapshot);
    }
    transaction_job_free(process->writer.job);
    transaction_job_free(process->writer.done);
    loader_done(&process->loader);
    protocol_done(&process->protocol);
    ingest_free(process->ingest);
    poison_free(process->world.poison);
    policy_book_release(process->world.book, process->policies);
    policy_book_free(process->world.book);
    process->running = false;
}
