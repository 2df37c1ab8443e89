/* Every allocation fails once: each ends the process, by one line and abort, and by nothing else. In the core
 * from the reading of a policy over a ticket's life to its record and back; in the shell from the
 * configuration over a task's epochs and their loading to the scores', and the board. */
#include "../support/desk.h"
#include "../support/ports.h"
#include "../support/worlds.h"
#include "base/memory.h"
#include "shell/batch.h"
#include "shell/board.h"
#include "shell/ingest.h"
#include "shell/policy_files.h"

enum { TRIES_MAX = 400 };

static uint64_t allocations, fails_at; /* the Nth fails; 0: none */

static void *
failing(void *pointer, size_t bytes)
{
    return ++allocations == fails_at ? NULL : realloc(pointer, bytes);
}

static const char policy[] = DESK_POLICY "agreements:\n"
                                         "  - name: gold\n"
                                         "    kind: sla\n"
                                         "    warn_at: [50%]\n"
                                         "    clocks:\n"
                                         "      resolution: {measure: resolution, target: 1h}\n";

static void
live(void *argument)
{
    static struct desk desk;
    struct buffer record = {0};
    struct batch *batch;
    struct ticket *ticket;

    (void)argument;
    desk_open(&desk, policy);
    for (int i = 0; i < 20; i++) {
        char words[64];

        (void)snprintf(words, sizeof words, "created T-%d status=New actor=requester", i);
        desk_say(&desk, i, words);
    }
    desk_until(&desk, 90);
    desk_say(&desk, 95, "updated T-0 status=Resolved actor=agent");
    batch = batch_new(NULL);
    while ((ticket = engine_changed_next(desk.engine)) != NULL) {
        buffer_reset(&record);
        if (!engine_save(desk.engine, ticket, &record))
            continue;
        batch_begin(batch, TOPIC_STATE, 0, ticket_name(ticket));
        buffer_append_slice(batch_value(batch), buffer_slice(&record));
        batch_end(batch);
        (void)engine_load(desk.engine, ticket_name(ticket), buffer_slice(&record));
    }
    batch_free(batch);
    buffer_free(&record);
    desk_close(&desk);
}

/* ---- the shell: epochs, and what they are loaded from ---- */

/* What the roles ask for, answered at once. */
struct outside {
    struct worlds worlds;
    struct protocol protocol;
    struct score_task scores;
    struct transaction_job *job;
    uint64_t questions;
};

static uint64_t
on_ask_task(void *context, int32_t partition)
{
    struct outside *outside = context;

    (void)partition;
    return ++outside->questions;
}

static void
on_submit(void *context, struct transaction_job *job)
{
    struct outside *outside = context;

    must(outside->job == NULL);
    outside->job = job;
}

static uint64_t
on_ask(void *context)
{
    struct outside *outside = context;

    return ++outside->questions;
}

static void
tell(struct outside *outside, struct restore_news *news)
{
    news->question = outside->questions;
    protocol_on_news(&outside->protocol, news);
}

/* The job that is out is committed, or aborted and sent again. */
static struct transaction_job *
take(struct outside *outside, enum transaction_result result)
{
    struct transaction_job *job = outside->job;

    must(job != NULL);
    outside->job = NULL;
    job->result = result;
    return job;
}

static void
read_ticket(struct outside *outside, struct ingest *ingest, int64_t offset, const char *key,
            const char *status)
{
    struct world *world = &outside->worlds.world;
    struct ingest_record record = {.topic = world->topics.names[TOPIC_TICKETS],
                                   .offset = offset,
                                   .timestamp_ms = world->now_ms,
                                   .key = slice_of(key)};
    char text[256];

    (void)snprintf(text, sizeof text,
                   "{\"type\":\"ticket.updated\",\"time\":\"2026-03-27T09:00:00Z\",\"ticket\":\"%s\","
                   "\"status\":\"%s\",\"customer\":\"acme\"}",
                   key, status);
    record.value = slice_of(text);
    while (ingest_ticket(ingest, protocol_task(&outside->protocol, 0), &record, offset + 1))
        ;
}

static void
live_tickets(struct outside *outside)
{
    const struct protocol_port port = {outside,   ports_on_task, ports_on_task, on_ask_task, on_ask_task,
                                       on_submit, ports_end,     ports_forget,  on_ask_task};
    struct transaction_job *ready = transaction_job_new(1);
    struct ingest *ingest = ingest_new(&outside->worlds.world);
    struct restore_news begun = {.kind = RESTORE_BEGUN, .used = -1}, done = {.kind = RESTORE_DONE},
                        chunk = {.kind = RESTORE_CHUNK};
    struct task *task;

    protocol_init(&outside->protocol, &outside->worlds.world, &port);
    ready->result = TRANSACTION_READY;
    protocol_on_done(&outside->protocol, ready);
    protocol_assigned(&outside->protocol, 0);
    tell(outside, &begun);
    tell(outside, &done);
    for (int i = 0; i < 3; i++)
        read_ticket(outside, ingest, i, i == 1 ? "T-1" : "T-0", i == 2 ? "nobody knows it" : "New");
    task = protocol_task(&outside->protocol, 0);
    task_reach_end(task, TASK_RELAY, 0);
    worlds_wait(&outside->worlds, 7200000);
    while (protocol_tick(&outside->protocol))
        ;
    task_publish_open(task);
    protocol_turn(&outside->protocol);
    protocol_on_done(&outside->protocol, take(outside, TRANSACTION_ABORTED));
    worlds_wait(&outside->worlds, 60000);
    protocol_turn(&outside->protocol);
    begun.has_marker = true;
    begun.marker = task_marker(task);
    for (size_t i = 0; i < batch_count(outside->job->parts[0].batch); i++) {
        struct batch_record record = batch_get(outside->job->parts[0].batch, i);

        if (record.topic == TOPIC_STATE && !slice_is(record.key, MARKER_KEY))
            restore_plan_add(&chunk.bytes, record.key, record.value);
    }
    protocol_on_done(&outside->protocol, take(outside, TRANSACTION_FATAL));
    protocol_drop(&outside->protocol, 0, "loaded anew");
    protocol_assigned(&outside->protocol, 0);
    tell(outside, &begun);
    tell(outside, &chunk);
    tell(outside, &done);
    buffer_free(&chunk.bytes);
    protocol_done(&outside->protocol);
    ingest_free(ingest);
}

static void
live_scores(struct outside *outside)
{
    const struct score_task_port port = ports_of_scores(outside, on_ask, on_submit);
    const int64_t nowhere = MARKER_NO_OFFSET;
    const struct score_found now = {.committed_offset = MARKER_NO_OFFSET};
    struct ingest_record record = {.topic = outside->worlds.world.topics.names[TOPIC_FEEDBACK],
                                   .timestamp_ms = outside->worlds.world.now_ms,
                                   .value =
                                       slice_of("{\"type\":\"feedback.submitted\",\"id\":\"e-1\",\"time\":"
                                                "\"2026-03-27T09:00:00Z\",\"customer\":\"acme\",\"feedback\":"
                                                "{\"id\":\"f-1\",\"scale\":\"nps\",\"score\":9}}")};

    score_task_init(&outside->scores, &outside->worlds.world, &port);
    outside->scores.producer_ready = true;
    score_task_begin(&outside->scores);
    score_task_on_outcomes_end(&outside->scores, 0);
    must(score_task_on_offsets(&outside->scores, outside->questions, &nowhere, &now));
    score_task_on_feedback(&outside->scores, &record);
    score_task_on_feedback_end(&outside->scores, 0, 1);
    for (int i = 0; i < 3 && outside->job == NULL; i++) {
        worlds_wait(&outside->worlds, 1000);
        score_task_tick(&outside->scores);
        score_task_turn(&outside->scores);
    }
    score_task_on_done(&outside->scores, take(outside, TRANSACTION_COMMITTED));
    score_task_done(&outside->scores);
}

static const char shell_policy[] =
    DESK_POLICY "agreements:\n  - {name: gold, kind: sla, warn_at: [50%], clocks: {resolution: {measure: "
                "resolution, target: 1h}}}\n"
                "experience: {min_answers: 1, windows: [7d], scopes: [[], [customer]]}\n";

static void
live_shell(void *argument)
{
    static struct outside outside;
    struct buffer errors = {0};
    struct board *board;

    (void)argument;
    memset(&outside, 0, sizeof outside);
    worlds_open(&outside.worlds, shell_policy, NULL, 0);
    board = board_new(outside.worlds.config, outside.worlds.world.metrics, outside.worlds.world.log, 0xabc);
    live_tickets(&outside);
    live_scores(&outside);
    policy_set_free(
        policy_files_load("/nowhere", TESTS_DIR "/zoneinfo", outside.worlds.world.symbols, &errors));
    buffer_free(&errors);
    board_free(board);
    worlds_close(&outside.worlds);
}

/* ---- each fails once ---- */

static void
fail_each(void (*act)(void *argument))
{
    uint64_t count, step;
    char words[512];

    allocations = fails_at = 0;
    memory_replace_source(failing);
    act(NULL);
    count = allocations;
    assert_true(count > 100);
    step = count / TRIES_MAX + 1;
    for (fails_at = 1; fails_at <= count; fails_at += step) {
        allocations = 0;
        assert_true(unit_aborts(act, NULL, words, sizeof words));
        assert_string_equal(words, "panic: out of memory\n");
    }
    memory_replace_source(NULL);
    print_message("%llu allocations, every %lluth failed\n", (unsigned long long)count,
                  (unsigned long long)step);
}

static void
test_every_allocation_of_the_core_fails_once(void **state)
{
    (void)state;
    fail_each(live);
}

static void
test_every_allocation_of_the_shell_fails_once(void **state)
{
    (void)state;
    fail_each(live_shell);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_of_the_core_fails_once),
        cmocka_unit_test(test_every_allocation_of_the_shell_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
