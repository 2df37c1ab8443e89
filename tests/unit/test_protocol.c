/* The protocol, with a port that only counts: what a task said before it was held is not its word once a
 * person has let it begin again. */
#include "../support/ports.h"
#include "../support/worlds.h"
#include <stdio.h>

static const char policy[] = "version: \"1\"\nstatuses:\n  New: {state: open}\n  Closed: {state: closed}\n";

/* What the protocol asked for. */
enum { TASKS = 2 };

struct outside {
    struct worlds worlds;
    struct protocol protocol;
    struct transaction_job *job; /* submitted, not answered */
    uint64_t questions, tasks, markers, decisions;
    int64_t end; /* of every partition; 0: not known */
};

static uint64_t
outside_ask_task(void *context, int32_t partition)
{
    struct outside *outside = context;

    (void)partition;
    outside->tasks++;
    return ++outside->questions;
}

static uint64_t
outside_ask_marker(void *context, int32_t partition)
{
    struct outside *outside = context;

    (void)partition;
    outside->markers++;
    return ++outside->questions;
}

static uint64_t
outside_ask_decision(void *context, int32_t partition)
{
    struct outside *outside = context;

    (void)partition;
    outside->decisions++;
    return ++outside->questions;
}

static void
outside_submit(void *context, struct transaction_job *job)
{
    struct outside *outside = context;

    assert_null(outside->job);
    outside->job = job;
}

static int64_t
outside_end(void *context, const struct task *task, enum task_source source)
{
    const struct outside *outside = context;

    (void)task;
    (void)source;
    return outside->end > 0 ? outside->end : -1;
}

/* The loader's news of the task it was asked for last. */
static void
outside_tell(struct outside *outside, struct restore_news news)
{
    news.question = outside->questions;
    protocol_on_news(&outside->protocol, &news);
}

static struct task *
outside_live(struct outside *outside, int32_t partition)
{
    protocol_assigned(&outside->protocol, partition);
    outside_tell(outside, (struct restore_news){.kind = RESTORE_BEGUN, .partition = partition, .used = -1});
    outside_tell(outside, (struct restore_news){.kind = RESTORE_DONE, .partition = partition});
    return protocol_task(&outside->protocol, partition);
}

static struct task *
outside_task(struct outside *outside)
{
    return protocol_task(&outside->protocol, 0);
}

/* Task 0 is live, has read ten records, and its first epoch is with the transaction thread. */
static void
outside_open(struct outside *outside)
{
    struct protocol_port port = {outside,          ports_on_task,      ports_on_task,
                                 outside_ask_task, outside_ask_marker, outside_submit,
                                 outside_end,      ports_forget,       outside_ask_decision};
    struct transaction_job *ready = transaction_job_new(1);

    memset(outside, 0, sizeof *outside);
    worlds_open(&outside->worlds, policy, NULL, 0);
    outside->worlds.world.partitions_count = TASKS;
    protocol_init(&outside->protocol, &outside->worlds.world, &port);
    ready->result = TRANSACTION_READY;
    protocol_on_done(&outside->protocol, ready);
    assert_int_equal(outside_live(outside, 0)->state, TASK_LIVE);
    task_advance_offset(outside_task(outside), TASK_TICKETS, 9, -1);
    assert_true(protocol_close_all(&outside->protocol));
    assert_non_null(outside->job);
    assert_int_equal(outside->job->parts[0].epoch, 1);
}

static void
outside_close(struct outside *outside)
{
    transaction_job_free(outside->job);
    protocol_done(&outside->protocol);
    worlds_close(&outside->worlds);
}

static void
outside_answer(struct outside *outside, enum transaction_result result)
{
    struct transaction_job *job = outside->job;

    outside->job = NULL;
    job->result = result;
    protocol_on_done(&outside->protocol, job);
}

/* Its offset is gone, and a person says it is to begin with nothing. */
static void
outside_hold_and_decide(struct outside *outside)
{
    struct task *task = outside_task(outside);

    protocol_on_offset_lost(&outside->protocol, task, TASK_TICKETS, "tickets");
    assert_int_equal(task->state, TASK_HELD);
    assert_int_equal(outside->decisions, 1);
    outside_tell(outside, (struct restore_news){.kind = RESTORE_BEGUN,
                                                .decided = true,
                                                .used = -1,
                                                .marker = {.offsets = {20, 0}, .begins_offset = 5}});
    outside_tell(outside, (struct restore_news){.kind = RESTORE_DONE});
    assert_int_equal(task->state, TASK_LIVE);
    assert_int_equal(task->epoch, 0);
}

/* It did not happen, and is not sent again: else it would carry the offset back to before the decision. */
static void
test_an_epoch_from_before_it_was_held_is_not_sent_again(void **state)
{
    struct outside outside;

    (void)state;
    outside_open(&outside);
    outside_hold_and_decide(&outside);
    outside_answer(&outside, TRANSACTION_ABORTED);
    outside.worlds.world.now_mono_ms += 60000;
    protocol_turn(&outside.protocol);
    if (outside.job != NULL) { /* what the task has said since, under the decision */
        assert_int_equal(outside.job->parts[0].serial, outside_task(&outside)->serial);
        assert_int_equal(outside.job->parts[0].offsets->elems[0].offset, 20);
    }
    assert_null(outside.protocol.retry);
    outside_close(&outside);
}

/* It did happen: then what the decision was made of was older, and the task is loaded anew. */
static void
test_an_epoch_from_before_it_was_held_that_happened_is_looked_for(void **state)
{
    struct outside outside;
    uint64_t tasks;

    (void)state;
    outside_open(&outside);
    outside_hold_and_decide(&outside);
    tasks = outside.tasks;
    outside_answer(&outside, TRANSACTION_COMMITTED);
    assert_int_equal(outside.tasks, tasks + 1);
    assert_int_equal(outside_task(&outside)->state, TASK_LOADING);
    outside_close(&outside);
}

/* Nobody knows whether it did: the same, and its own marker is not what it asks for. */
static void
test_an_unknown_epoch_from_before_it_was_held_is_looked_for(void **state)
{
    struct outside outside;
    uint64_t tasks;

    (void)state;
    outside_open(&outside);
    outside_hold_and_decide(&outside);
    tasks = outside.tasks;
    outside_answer(&outside, TRANSACTION_FATAL);
    assert_int_equal(outside.tasks, tasks + 1);
    assert_int_equal(outside.markers, 0);
    outside_close(&outside);
}

/* Without a hold all of it is its word: sent again, counted, asked for. */
static void
test_the_same_epoch_of_a_task_that_was_never_held_counts(void **state)
{
    struct outside outside;

    (void)state;
    outside_open(&outside);
    outside_answer(&outside, TRANSACTION_ABORTED);
    outside.worlds.world.now_mono_ms += 60000;
    protocol_turn(&outside.protocol);
    assert_non_null(outside.job);
    assert_int_equal(outside.job->parts[0].epoch, 1);
    assert_int_equal(outside.job->parts[0].offsets->elems[0].offset, 10);
    outside_answer(&outside, TRANSACTION_FATAL);
    assert_int_equal(outside_task(&outside)->state, TASK_CHECKING);
    assert_int_equal(outside.markers, 1);
    outside_tell(&outside, (struct restore_news){.kind = RESTORE_MARKER,
                                                 .has_marker = true,
                                                 .marker = task_marker(outside_task(&outside)),
                                                 .state_end = 3});
    assert_int_equal(outside_task(&outside)->state, TASK_LIVE);
    assert_int_equal(outside_task(&outside)->committed_epoch, 1);
    outside_close(&outside);
}

/* A ticket was created, and the task has read everything: it has something to say when it is loud again. */
static void
outside_create(struct task *task)
{
    struct event event = {.type = EVENT_TICKET_CREATED, .id = slice_of("1"), .ticket = slice_of("T-1")};

    event.at_ms = task->t_ms;
    event.attributes_present = ATTRIBUTE_BIT(ATTRIBUTE_STATUS);
    event.attributes[ATTRIBUTE_STATUS] = slice_of("New");
    assert_int_equal(engine_event(task->engine, &event, task->t_ms).disposition, ENGINE_APPLIED);
    task_touch(task);
    task_reach_end(task, TASK_TICKETS, 10);
    task_reach_end(task, TASK_RELAY, 0);
}

/* What is due cannot fire while the epoch is full: to wake up for it would be to spin. */
static void
test_a_full_epoch_waits_for_its_transaction(void **state)
{
    struct outside outside;
    struct event event = {.type = EVENT_TICKET_CREATED, .id = slice_of("2"), .ticket = slice_of("T-1")};
    struct task *task;

    (void)state;
    outside_open(&outside);
    task = outside_task(&outside);
    outside_create(task);
    event.attributes_present = ATTRIBUTE_BIT(ATTRIBUTE_STATUS);
    event.attributes[ATTRIBUTE_STATUS] = slice_of("New");
    outside.worlds.world.now_mono_ms += 60000;
    while (protocol_tick(&outside.protocol)) /* loud, and what the ticket has to say is said */
        ;
    event.at_ms = task->t_ms + 1; /* it waits, and a millisecond later it is due */
    assert_int_equal(engine_event(task->engine, &event, task->t_ms).disposition, ENGINE_WAITS);
    outside.worlds.world.now_ms += 60000;
    assert_int_equal(protocol_wait_ms(&outside.protocol), 0);
    task->taken_count = (size_t)outside.worlds.config->epoch_records_max;
    assert_true(protocol_wait_ms(&outside.protocol) > 0);
    outside_close(&outside);
}

/* Each partition that is written to costs a request: what announces goes at once and alone, the rest when its
 * time has come, and everything when there is no more room. */
static void
test_a_task_with_nothing_to_announce_waits_for_its_time(void **state)
{
    struct outside outside;
    struct task *quiet, *loud;

    (void)state;
    outside_open(&outside);
    loud = outside_task(&outside);
    quiet = outside_live(&outside, 1);
    outside_answer(&outside, TRANSACTION_COMMITTED);
    for (int turn = 0; turn < 3; turn++) {
        task_advance_offset(quiet, TASK_TICKETS, turn, -1);
        task_advance_offset(loud, TASK_TICKETS, 10 + turn, -1);
        loud->announces = true;
        if (turn == 1)
            outside.worlds.world.now_mono_ms += outside.worlds.config->epoch_ms;
        if (turn == 2)
            loud->taken_count = (size_t)outside.worlds.config->epoch_records_max;
        assert_int_equal(protocol_wait_ms(&outside.protocol), 0);
        protocol_turn(&outside.protocol);
        assert_non_null(outside.job);
        assert_int_equal(outside.job->parts_count, turn == 0 ? 1 : 2);
        assert_int_equal(outside.job->parts[0].task, 0);
        assert_int_equal(loud->taken_count, 0);
        outside_answer(&outside, TRANSACTION_COMMITTED);
    }
    outside_close(&outside);
}

/* The bound is the whole epoch's: whoever speaks when it is reached is the last, and the next one is the
 * first of the next epoch. */
static void
test_tasks_stop_speaking_when_the_epoch_is_full(void **state)
{
    struct outside outside;
    struct task *tasks[TASKS];

    (void)state;
    outside_open(&outside);
    tasks[0] = outside_task(&outside);
    tasks[1] = outside_live(&outside, 1);
    task_advance_offset(tasks[1], TASK_TICKETS, 0, -1);
    outside_answer(&outside, TRANSACTION_COMMITTED);
    outside.worlds.config->epoch_records_max = 1;
    for (int i = 0; i < TASKS; i++)
        outside_create(tasks[i]);
    outside.worlds.world.now_mono_ms += 60000;
    for (int i = 0; i < TASKS; i++) {
        for (int n = 0; n < 5; n++)
            (void)protocol_tick(&outside.protocol);
        assert_true(batch_count(tasks[i]->batch) > 0);
        assert_int_equal(batch_count(tasks[1 - i]->batch), 0);
        protocol_turn(&outside.protocol);
        assert_non_null(outside.job);
        outside_answer(&outside, TRANSACTION_COMMITTED);
    }
    outside_close(&outside);
}

/* The epoch was full, and what lies in Kafka by now is behind a transaction that its writer left open: it
 * cannot be read for minutes, and what is due does not wait for that. */
static void
test_an_open_transaction_does_not_stop_timers(void **state)
{
    struct outside outside;
    struct task *task;

    (void)state;
    outside_open(&outside);
    task = outside_task(&outside);
    outside_create(task);
    outside_answer(&outside, TRANSACTION_COMMITTED);
    outside.end = 12;
    task->taken_count = (size_t)outside.worlds.config->epoch_records_max;
    assert_false(protocol_tick(&outside.protocol));
    task->taken_count = 0;
    worlds_wait(&outside.worlds, 100);
    (void)protocol_tick(&outside.protocol);
    worlds_wait(&outside.worlds, 1000);
    (void)protocol_tick(&outside.protocol);
    assert_true(task->t_ms < outside.worlds.world.now_ms); /* it may be a record that is on its way */
    for (int i = 0; i < 10; i++) {
        worlds_wait(&outside.worlds, 1000);
        (void)protocol_tick(&outside.protocol);
    }
    assert_int_equal(task->t_ms, outside.worlds.world.now_ms);
    assert_false(
        task_arrive(task, TASK_TICKETS, outside.worlds.world.now_ms)); /* settled: it goes by records */
    worlds_wait(&outside.worlds, 60000);
    assert_int_equal(task_next_ms(task), INT64_MAX);
    outside_close(&outside);
}

/* Its offset is lost when it has filled the epoch: what it will never say does not stand in the others' way.
 */
static void
test_a_held_task_takes_no_room(void **state)
{
    struct outside outside;

    (void)state;
    outside_open(&outside);
    (void)outside_live(&outside, 1);
    outside_create(outside_task(&outside));
    outside_task(&outside)->taken_count = (size_t)outside.worlds.config->epoch_records_max;
    assert_true(protocol_is_full(&outside.protocol));
    protocol_on_offset_lost(&outside.protocol, outside_task(&outside), TASK_TICKETS, "tickets");
    assert_false(protocol_is_full(&outside.protocol));
    outside_answer(&outside, TRANSACTION_COMMITTED);
    task_advance_offset(protocol_task(&outside.protocol, 1), TASK_TICKETS, 0, -1);
    outside.worlds.world.now_mono_ms += 60000;
    protocol_turn(&outside.protocol);
    assert_non_null(outside.job);
    assert_int_equal(outside.job->parts[0].task, 1);
    outside_close(&outside);
}

/* The topic was deleted, say: the same epoch is aborted again and again, and readiness is to say why. */
static void
test_an_epoch_aborted_again_and_again_is_told(void **state)
{
    struct outside outside;

    (void)state;
    outside_open(&outside);
    for (int i = 0; i < 7; i++) {
        assert_null(i < 6 ? protocol_stuck(&outside.protocol) : NULL);
        (void)snprintf(outside.job->error, sizeof outside.job->error, "no such topic");
        outside_answer(&outside, TRANSACTION_ABORTED);
        outside.worlds.world.now_mono_ms += 60000;
        protocol_turn(&outside.protocol);
        assert_non_null(outside.job);
    }
    assert_string_equal(protocol_stuck(&outside.protocol), "no such topic");
    outside_answer(&outside, TRANSACTION_COMMITTED);
    assert_null(protocol_stuck(&outside.protocol));
    outside_close(&outside);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_from_before_it_was_held_is_not_sent_again),
        cmocka_unit_test(test_an_epoch_from_before_it_was_held_that_happened_is_looked_for),
        cmocka_unit_test(test_an_unknown_epoch_from_before_it_was_held_is_looked_for),
        cmocka_unit_test(test_the_same_epoch_of_a_task_that_was_never_held_counts),
        cmocka_unit_test(test_a_full_epoch_waits_for_its_transaction),
        cmocka_unit_test(test_a_task_with_nothing_to_announce_waits_for_its_time),
        cmocka_unit_test(test_tasks_stop_speaking_when_the_epoch_is_full),
        cmocka_unit_test(test_an_open_transaction_does_not_stop_timers),
        cmocka_unit_test(test_a_held_task_takes_no_room),
        cmocka_unit_test(test_an_epoch_aborted_again_and_again_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
