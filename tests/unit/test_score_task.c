/* The score task without Kafka: what a bound keeps out goes to the dead letters, is counted and said, and the
 * stream goes on. */
#include "../support/worlds.h"
#include "base/memory.h"
#include "shell/learning.h"
#include "shell/score_task.h"
#include <stdio.h>

static const char policy[] =
    "version: \"1\"\nexperience: {min_answers: 1, windows: [7d], scopes: [[], [customer]]}\n";

struct desk {
    struct worlds worlds;
    struct score_task task;
    uint64_t questions;
    int64_t offset;
};

static void
on_fetch(void *context, int64_t from_offset)
{
    (void)context;
    (void)from_offset;
}

static void
on_call(void *context)
{
    (void)context;
}

static uint64_t
on_ask(void *context)
{
    struct desk *desk = context;

    return ++desk->questions;
}

static void
on_submit(void *context, struct transaction_job *job)
{
    (void)context;
    transaction_job_free(job);
}

/* Live, and has read nothing. */
static void
open_desk(struct desk *desk, const char *const *overrides, size_t overrides_count)
{
    const struct score_task_port port = {.context = desk,
                                         .fetch_outcomes = on_fetch,
                                         .unfetch_outcomes = on_call,
                                         .fetch_feedback = on_call,
                                         .unfetch_feedback = on_call,
                                         .ask_offsets = on_ask,
                                         .submit = on_submit};
    const int64_t nowhere = MARKER_NO_OFFSET;
    const struct score_found now = {.committed_offset = MARKER_NO_OFFSET};

    memset(desk, 0, sizeof *desk);
    worlds_open(&desk->worlds, policy, overrides, overrides_count);
    score_task_init(&desk->task, &desk->worlds.world, &port);
    score_task_begin(&desk->task);
    score_task_on_outcomes_end(&desk->task, 0);
    assert_true(score_task_on_offsets(&desk->task, desk->questions, &nowhere, &now));
    assert_int_equal(desk->task.state, SCORE_TASK_LIVE);
}

static void
close_desk(struct desk *desk)
{
    score_task_done(&desk->task);
    worlds_close(&desk->worlds);
}

static void
give(struct desk *desk, const char *id, const char *customer)
{
    struct ingest_record record = {.topic = desk->worlds.world.topics.names[TOPIC_FEEDBACK],
                                   .offset = desk->offset++,
                                   .timestamp_ms = desk->worlds.world.now_ms};
    char text[512];

    (void)snprintf(text, sizeof text,
                   "{\"type\":\"feedback.submitted\",\"id\":\"e-%lld\",\"source\":\"desk\","
                   "\"time\":\"2026-03-27T09:00:00Z\",\"customer\":\"%s\","
                   "\"feedback\":{\"id\":\"%s\",\"scale\":\"nps\",\"score\":9}}",
                   (long long)record.offset, customer, id);
    record.value = slice_of(text);
    score_task_on_feedback(&desk->task, &record);
    assert_int_equal(desk->task.feedback_offsets[0], record.offset + 1);
}

/* How many dead letters of this code the open epoch holds. */
static size_t
letters(const struct desk *desk, const char *code)
{
    size_t count = 0;

    for (size_t i = 0; i < batch_count(desk->task.batch); i++) {
        struct batch_record record = batch_get(desk->task.batch, i);
        struct slice name, value;

        while (record.topic == TOPIC_DEADLETTERS && batch_header_next(&record.headers, &name, &value))
            count += slice_is(name, "slad-error") && slice_is(value, code);
    }
    return count;
}

static bool
says(const struct desk *desk, const char *words)
{
    struct buffer reasons = {0};
    bool said;

    score_task_reasons(&desk->task, &reasons);
    buffer_append_byte(&reasons, '\0');
    said = strstr(reasons.at, words) != NULL;
    buffer_free(&reasons);
    return said;
}

static int64_t
hits(const struct desk *desk, enum config_key key)
{
    return metrics_value(desk->worlds.world.metrics, METRIC_BOUND_HITS, (size_t)key);
}

static void
test_answers_over_the_bound_are_dead_letters(void **state)
{
    static const char *const overrides[] = {"answers_max=100"};
    struct desk desk;
    char id[32];

    (void)state;
    open_desk(&desk, overrides, 1);
    for (int i = 0; i < 103; i++) {
        (void)snprintf(id, sizeof id, "f-%d", i);
        give(&desk, id, "acme");
    }
    give(&desk, "f-7", "acme"); /* held: it may change */
    score_task_measure(&desk.task);
    assert_int_equal(letters(&desk, "scores_full"), 3);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_DEADLETTERS, ERROR_SCORES_FULL), 3);
    assert_int_equal(hits(&desk, CONFIG_answers_max), 3);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_ANSWERS, 0), 100);
    assert_true(says(&desk, "answers_max (100) is reached"));
    desk.worlds.config->answers_max = 200; /* a reload */
    score_task_measure(&desk.task);
    assert_false(says(&desk, "answers_max"));
    give(&desk, "f-101", "acme");
    assert_int_equal(letters(&desk, "scores_full"), 3);
    score_task_measure(&desk.task);
    assert_int_equal(hits(&desk, CONFIG_answers_max), 3);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_ANSWERS, 0), 101);
    close_desk(&desk);
}

static void
test_scopes_over_the_bound_are_told(void **state)
{
    static const char *const overrides[] = {"scopes_max=10"};
    struct desk desk;
    char text[32];

    (void)state;
    open_desk(&desk, overrides, 1);
    for (int i = 0; i < 12; i++) {
        (void)snprintf(text, sizeof text, "c-%d", i);
        give(&desk, text, text);
    }
    score_task_measure(&desk.task);
    assert_int_equal(letters(&desk, "scores_full"), 0); /* the answers count where there is a scope */
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_SCOPES, 0), 10);
    assert_int_equal(hits(&desk, CONFIG_scopes_max), 3);
    assert_true(says(&desk, "scopes_max (10) was reached"));
    desk.worlds.config->scopes_max = 20;
    score_task_measure(&desk.task);
    assert_false(says(&desk, "scopes_max"));
    score_task_measure(&desk.task);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_SCOPES, 0), 13);
    close_desk(&desk);
}

/* What was learned lies in the last parts, one behind the other; those before are the scores'. */
static void
test_what_was_learned_is_cut_into_parts(void **state)
{
    struct buffer whole = {0}, parts = {0};
    struct desk desk;

    (void)state;
    open_desk(&desk, NULL, 0);
    learning_save(desk.task.learning, &whole);
    for (uint32_t part = SCORE_TASK_PART_LEARNING; part < SCORES_PARTS_COUNT; part++) {
        assert_true(score_task_has_part(&desk.task, part));
        score_task_save_part(&desk.task, part, &parts);
        assert_true(parts.bytes > 0);
    }
    assert_true(slice_equal(buffer_slice(&whole), buffer_slice(&parts)));
    score_task_parts_over(&desk.task);
    assert_true(score_task_may_read(&desk.task));
    buffer_free(&whole);
    buffer_free(&parts);
    close_desk(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_over_the_bound_are_dead_letters),
        cmocka_unit_test(test_scopes_over_the_bound_are_told),
        cmocka_unit_test(test_what_was_learned_is_cut_into_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
