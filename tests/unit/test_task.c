/* A ticket task without Kafka: what it does of itself must reach slad.state. */
#include "../support/histories.h"
#include "../support/worlds.h"
#include "shell/task.h"

#define DAY_MS INT64_C(86400000)

static const char policy[] = "version: \"1\"\nreopen_window: 1d\n"
                             "statuses:\n  New: {state: open}\n  Closed: {state: closed}\n";

static void
tell(struct task *task, const char *ticket, const char *id, const char *status)
{
    struct event event = {.at_ms = task->t_ms,
                          .type = EVENT_TICKET_UPDATED,
                          .ticket = slice_of(ticket),
                          .id = slice_of(id),
                          .source = slice_of("desk"),
                          .actor = ACTOR_AGENT};

    histories_set(&event, ATTRIBUTE_STATUS, status);
    assert_int_equal(engine_event(task->engine, &event, task->t_ms).disposition, ENGINE_APPLIED);
    task_touch(task);
}

/* Ends the epoch and commits it. Returns how many records of tickets it carries. */
static size_t
close_epoch(struct task *task)
{
    struct transaction_job *job = transaction_job_new(1);
    size_t tickets = 0;

    job->parts_count = 1;
    task_close(task, &job->parts[0]);
    for (size_t i = 0; i < batch_count(job->parts[0].batch); i++) {
        struct batch_record record = batch_get(job->parts[0].batch, i);

        tickets += record.topic == TOPIC_STATE && !slice_is(record.key, MARKER_KEY);
    }
    task_committed(task, job->parts[0].epoch);
    transaction_job_free(job);
    return tickets;
}

/* Through every turn that is due, an epoch a turn when there is anything to write; what the task holds to be
 * clean is clean. */
static size_t
settle(struct task *task)
{
    size_t written = 0, turns = 0;
    bool more;

    do {
        more = task_tick(task);
        if (task->dirty)
            written += close_epoch(task);
        else
            assert_int_equal(close_epoch(task), 0);
        assert_true(turns++ < 100);
    } while (more);
    return written;
}

static void
begin(struct task *task)
{
    task_begin(task, false, NULL);
    task_loaded(task);
    task_reach_end(task, TASK_TICKETS, 0);
    task_reach_end(task, TASK_RELAY, 0);
    settle(task);
}

/* Tickets that retire say nothing to anybody, and are to be written all the same: also when the task has just
 * caught up, and they are too many for one turn. */
static void
test_what_catching_up_changes_in_silence_is_written(void **state)
{
    static const char *const overrides[] = {"turn_tickets_max=1", "retire_after=30d"};
    static const char *const tickets[] = {"T-1", "T-2", "T-3"};
    struct worlds worlds;
    struct task *task;

    (void)state;
    worlds_open(&worlds, policy, overrides, 2);
    task = task_new(&worlds.world, 0);
    begin(task);
    for (int i = 0; i < 3; i++)
        tell(task, tickets[i], "1", "New");
    worlds_wait(&worlds, 60000);
    settle(task);
    for (int i = 0; i < 3; i++)
        tell(task, tickets[i], "2", "Closed");
    worlds.world.now_ms += 2 * DAY_MS;
    settle(task); /* final: everything is said that was to be said */
    worlds.world.now_ms += 30 * DAY_MS;
    while (task_arrive(task, TASK_TICKETS, worlds.world.now_ms - 3600000))
        ;
    assert_true(task->quiet);
    task_advance_offset(task, TASK_TICKETS, 0, 1);
    assert_int_equal(close_epoch(task), 0); /* nothing retires while the task is behind */
    assert_int_equal(settle(task), 3);
    assert_false(task->quiet);
    task_free(task);
    worlds_close(&worlds);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_catching_up_changes_in_silence_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
