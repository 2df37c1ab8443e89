/* A ticket task without Kafka: what it does of itself must reach slad.state. */
#include "../support/histories.h"
#include "../support/worlds.h"
#include "shell/policy_book.h"
#include "shell/task.h"
#include <stdio.h>

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

/* Somebody deletes slad.state under a task that lives: what is in memory is the truth, and all of it is
 * written again. */
static void
test_all_is_written_again_when_the_topic_was_made_anew(void **state)
{
    struct worlds worlds;
    struct task *task;
    char name[16];

    (void)state;
    worlds_open(&worlds, policy, NULL, 0);
    task = task_new(&worlds.world, 0);
    begin(task);
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof name, "T-%d", i);
        tell(task, name, "1", "New");
    }
    assert_int_equal(close_epoch(task), 5000);
    task->state_end = 5001;
    tell(task, "T-7", "2", "New");
    assert_int_equal(close_epoch(task), 1);
    task->state_end = 2; /* the answer from the new topic */
    tell(task, "T-7", "3", "New");
    assert_in_range(close_epoch(task), 1, 5000 - 1);
    task->state_end = 2600;
    assert_true(task->dirty); /* in two epochs */
    assert_in_range(close_epoch(task), 1, 5000 - 1);
    task->state_end = 5004;
    assert_false(task->dirty);
    tell(task, "T-7", "4", "New");
    assert_int_equal(close_epoch(task), 1);
    task_free(task);
    worlds_close(&worlds);
}

/* ---- versions that are over ---- */

enum { OLD = 1, MIDDLE = 2, NEW = 4 };

/* Of 2026-01-01 (whatever was before belongs to it), 2026-02-01 and 2026-03-01. */
static void
put_on_disk(struct worlds *worlds, unsigned versions)
{
    const struct policy_zone_reader reader = {NULL, policies_read_zone};
    struct policy *policies[3];
    struct policy_error error;
    size_t count = 0;
    char text[512];

    for (int i = 0; i < 3; i++) {
        if ((versions & 1U << i) == 0)
            continue;
        (void)snprintf(text, sizeof text,
                       "version: \"v%d\"\nfrom: 2026-0%d-01T00:00:00Z\nstatuses:\n  New: {state: open}\n"
                       "  Closed: {state: closed}\nagreements: [{name: a, kind: sla, clocks: {r: {measure: "
                       "resolution, target: %dh}}}]\n",
                       i, i + 1, i + 1);
        policies[count] =
            policy_yaml_load(slice_of(text), slice_of("p"), &reader, worlds->world.symbols, &error);
        assert_non_null(policies[count++]);
    }
    policy_book_set_disk(worlds->world.book, policy_set_new(policies, count, worlds->world.symbols));
}

static unsigned
versions_of(const struct worlds *worlds, struct slice ids)
{
    unsigned versions = 0;

    for (size_t i = 0; i < policy_ids_count(ids); i++)
        versions |= 1U << (policy_book_version(worlds->world.book, policy_ids_get(ids, i)).at[1] - '0');
    return versions;
}

/* What one epoch makes of the texts in slad.state, and of what its marker names. */
struct texts {
    unsigned written, gone, named;
    size_t alerts, outcomes;
};

static struct texts
close_with_texts(struct worlds *worlds, struct task *task)
{
    struct transaction_job *job = transaction_job_new(1);
    struct texts texts = {0};
    struct marker marker;

    job->parts_count = 1;
    task_close(task, &job->parts[0]);
    for (size_t i = 0; i < batch_count(job->parts[0].batch); i++) {
        struct batch_record record = batch_get(job->parts[0].batch, i);

        texts.outcomes += record.topic == TOPIC_OUTCOMES;
        if (record.topic != TOPIC_STATE)
            continue;
        if (policy_record_is(record.key))
            *(record.value.at != NULL ? &texts.written : &texts.gone) |=
                1U << (record.key.at[strlen(POLICY_RECORD_PREFIX) + 1] - '0');
        if (slice_is(record.key, MARKER_KEY)) {
            assert_int_equal(marker_read(record.value, &marker), 0);
            texts.named = versions_of(worlds, marker.policies);
        }
    }
    task_committed(task, job->parts[0].epoch);
    transaction_job_free(job);
    return texts;
}

/* Some turns, and what they made of the versions. */
static struct texts
turn_with_texts(struct worlds *worlds, struct task *task)
{
    for (int i = 0; i < 3; i++)
        (void)task_tick(task);
    return close_with_texts(worlds, task);
}

static void
open_with_versions(struct worlds *worlds, struct task **task, unsigned versions)
{
    static const char *const overrides[] = {"accept_age=10d", "retire_after=30d"};

    worlds_open(worlds, policy, overrides, 2);
    worlds->world.book = policy_book_new(worlds->world.symbols);
    put_on_disk(worlds, versions);
    *task = task_new(&worlds->world, 0);
    task_begin(*task, false, NULL);
    task_loaded(*task);
    task_reach_end(*task, TASK_TICKETS, 0);
    task_reach_end(*task, TASK_RELAY, 0);
}

static void
close_with_versions(struct worlds *worlds, struct task *task)
{
    task_free(task);
    policy_book_free(worlds->world.book);
    worlds_close(worlds);
}

/* It is 2026-03-27: events of 2026-03-17 are still taken, so the versions of January and February are over.
 */
static void
test_a_version_that_is_over_goes_when_it_is_not_on_disk(void **state)
{
    struct texts texts;
    struct worlds worlds;
    struct task *task;

    (void)state;
    open_with_versions(&worlds, &task, OLD | MIDDLE | NEW);
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.written, OLD | MIDDLE | NEW);
    worlds_wait(&worlds, 2 * 3600000);
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.gone, 0);
    assert_int_equal(texts.named, OLD | MIDDLE | NEW);
    put_on_disk(&worlds, NEW | MIDDLE); /* what came after one that stays does, too */
    task_take_policies(task);
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.gone, OLD);
    assert_int_equal(texts.written, 0);
    assert_int_equal(texts.named, MIDDLE | NEW);
    put_on_disk(&worlds, OLD | MIDDLE | NEW);
    task_take_policies(task); /* back again */
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.written, OLD);
    assert_int_equal(texts.named, OLD | MIDDLE | NEW);
    close_with_versions(&worlds, task);
}

/* It may be asked for as long as a ticket goes back to it, or an event may that is not too old. */
static void
test_a_version_stays_while_it_may_be_asked_for(void **state)
{
    struct event event = {.type = EVENT_TICKET_UPDATED,
                          .ticket = slice_of("T-1"),
                          .id = slice_of("2"),
                          .source = slice_of("desk"),
                          .actor = ACTOR_AGENT};
    struct texts texts;
    struct worlds worlds;
    struct task *task;

    (void)state;
    open_with_versions(&worlds, &task, OLD | MIDDLE | NEW);
    (void)task_tick(task);
    tell(task, "T-1", "1", "New");
    event.at_ms = task->t_ms;
    event.created_at_ms = WORLDS_START_MS - 40 * DAY_MS; /* in February */
    event.has_created_at = true;
    assert_int_equal(engine_event(task->engine, &event, task->t_ms).disposition, ENGINE_APPLIED);
    (void)turn_with_texts(&worlds, task);
    put_on_disk(&worlds, NEW);
    task_take_policies(task);
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.gone, OLD);
    assert_int_equal(texts.named, MIDDLE | NEW);
    assert_int_equal(texts.outcomes + texts.alerts, 0); /* and nothing is said of it */
    tell(task, "T-1", "3", "Closed");
    worlds_wait(&worlds, 29 * DAY_MS);
    assert_int_equal(turn_with_texts(&worlds, task).gone, 0);
    assert_int_equal(engine_tickets_count(task->engine), 1);
    worlds_wait(&worlds, 2 * DAY_MS); /* it retires, before somebody looks */
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.gone, MIDDLE);
    assert_int_equal(texts.named, NEW);
    close_with_versions(&worlds, task);
}

/* Whoever loads such a marker goes by the rest; what is accepted is judged as it would have been. */
static void
test_a_version_is_not_over_before_accept_age(void **state)
{
    struct texts texts;
    struct worlds worlds;
    struct task *task;

    (void)state;
    open_with_versions(&worlds, &task, MIDDLE | NEW);
    (void)turn_with_texts(&worlds, task);
    worlds.world.now_ms = INT64_C(1772323200000) + 10 * DAY_MS - 1; /* March has begun ten days ago, nearly */
    task->t_ms = worlds.world.now_ms;
    put_on_disk(&worlds, NEW);
    task_take_policies(task);
    assert_int_equal(turn_with_texts(&worlds, task).gone, 0);
    worlds_wait(&worlds, 3600000);
    texts = turn_with_texts(&worlds, task);
    assert_int_equal(texts.gone, MIDDLE);
    close_with_versions(&worlds, task);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_catching_up_changes_in_silence_is_written),
        cmocka_unit_test(test_all_is_written_again_when_the_topic_was_made_anew),
        cmocka_unit_test(test_a_version_that_is_over_goes_when_it_is_not_on_disk),
        cmocka_unit_test(test_a_version_stays_while_it_may_be_asked_for),
        cmocka_unit_test(test_a_version_is_not_over_before_accept_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
