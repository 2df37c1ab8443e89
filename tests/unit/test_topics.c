/* Which set-up of topics slad starts on, and what it says of the others. */
#include "../support/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include "shell/topics.h"

#define DAY_MS INT64_C(86400000)

struct fixture {
    struct config *config;
    struct topics topics;
    struct topic_found found[TOPICS_COUNT];
    struct buffer refusals, warnings;
};

static int
set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    const struct config_source source = {0};
    struct buffer errors = {0};

    fixture->config = config_load(&source, &errors);
    assert_non_null(fixture->config);
    topics_init(&fixture->topics, fixture->config);
    for (int i = 0; i < TOPICS_COUNT; i++) {
        const struct topic_row *row = topics_row((enum topic)i);

        fixture->found[i] = (struct topic_found){
            .partitions_count = row->partitions == TOPIC_PARTITIONS_ONE ? 1 : 6,
            .settings_known = true,
            .compact = row->compacted,
            .deletes = !row->compacted,
            .retention_ms = 500 * DAY_MS,
            .delete_retention_ms = 7 * DAY_MS,
            .log_append_time = true,
        };
    }
    buffer_free(&errors);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    topics_done(&fixture->topics);
    config_free(fixture->config);
    buffer_free(&fixture->refusals);
    buffer_free(&fixture->warnings);
    test_free(fixture);
    return 0;
}

static size_t
judge(struct fixture *fixture)
{
    buffer_reset(&fixture->refusals);
    buffer_reset(&fixture->warnings);
    return topics_judge(&fixture->topics, fixture->found, &fixture->refusals, &fixture->warnings);
}

static bool
says(const struct buffer *text, const char *words)
{
    return memmem(buffer_slice(text).at, text->bytes, words, strlen(words)) != NULL;
}

static void
test_sound(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(judge(fixture), 0);
    assert_int_equal(fixture->refusals.bytes, 0);
    assert_int_equal(fixture->warnings.bytes, 0);
    fixture->found[TOPIC_FEEDBACK].partitions_count = 31; /* any number */
    assert_int_equal(judge(fixture), 0);
}

static void
test_names(void **state)
{
    struct fixture *fixture = *state;

    assert_string_equal(fixture->topics.names[TOPIC_TICKETS], "tickets");
    assert_string_equal(fixture->topics.names[TOPIC_STATE], "slad.state");
}

static void
test_partition_counts(void **state)
{
    struct fixture *fixture = *state;
    const enum topic with_tickets[] = {TOPIC_STATE, TOPIC_RELAY, TOPIC_ALERTS};

    for (size_t i = 0; i < 3; i++) {
        fixture->found[with_tickets[i]].partitions_count = 5;
        assert_int_equal(judge(fixture), 1);
        assert_true(says(&fixture->refusals, fixture->topics.names[with_tickets[i]]));
        assert_true(says(&fixture->refusals, "as many as tickets: 6"));
        fixture->found[with_tickets[i]].partitions_count = 6;
    }
    fixture->found[TOPIC_OUTCOMES].partitions_count = 2;
    assert_int_equal(judge(fixture), 1);
    assert_true(says(&fixture->refusals, "slad.outcomes has 2 partitions, it must have exactly 1"));
}

static void
test_missing(void **state)
{
    struct fixture *fixture = *state;
    struct kafka kafka = {.config = fixture->config, .brokers = "broker:9092"};
    struct buffer command = {0};

    fixture->found[TOPIC_STATE] = (struct topic_found){0};
    fixture->found[TOPIC_FEEDBACK] = (struct topic_found){0};
    assert_int_equal(judge(fixture), 2);
    assert_true(says(&fixture->refusals, "slad.state does not exist"));
    topics_append_command(&kafka, &fixture->topics, 6, &command);
    assert_true(slice_is(buffer_slice(&command),
                         "slactl topics --create --brokers broker:9092 --prefix slad --partitions 6"));
    buffer_free(&command);
}

static void
test_clean_up(void **state)
{
    struct fixture *fixture = *state;

    fixture->found[TOPIC_STATE].compact = false;
    fixture->found[TOPIC_STATE].deletes = true;
    assert_int_equal(judge(fixture), 1);
    fixture->found[TOPIC_STATE].compact = true; /* compact,delete loses what is old */
    assert_int_equal(judge(fixture), 1);
    fixture->found[TOPIC_STATE].deletes = false;
    fixture->found[TOPIC_OUTCOMES].compact = true;
    assert_int_equal(judge(fixture), 1);
    assert_true(says(&fixture->refusals, "slad.outcomes must have cleanup.policy=delete"));
}

static void
test_retention(void **state)
{
    struct fixture *fixture = *state;

    fixture->found[TOPIC_OUTCOMES].retention_ms = 399 * DAY_MS;
    assert_int_equal(judge(fixture), 1);
    fixture->found[TOPIC_OUTCOMES].retention_ms = -1;
    assert_int_equal(judge(fixture), 0);
    fixture->found[TOPIC_STATE].delete_retention_ms = 1000;
    assert_int_equal(judge(fixture), 0);
    assert_true(says(&fixture->warnings, "slad.state keeps tombstones for 1000 ms only"));
}

static void
test_large_records(void **state)
{
    struct fixture *fixture = *state;

    fixture->found[TOPIC_DEADLETTERS].message_bytes_max = fixture->found[TOPIC_ALERTS].message_bytes_max =
        1048588;
    assert_int_equal(judge(fixture), 1);
    assert_true(
        says(&fixture->refusals, "slad.deadletters takes records of 1048588 bytes, it must take 2097152"));
    fixture->found[TOPIC_DEADLETTERS].message_bytes_max = 2097152;
    assert_int_equal(judge(fixture), 0);
}

static void
test_doubts(void **state)
{
    struct fixture *fixture = *state;

    fixture->found[TOPIC_TICKETS].log_append_time = false;
    assert_int_equal(judge(fixture), 0);
    assert_true(says(&fixture->warnings, "LogAppendTime"));
    fixture->found[TOPIC_STATE].settings_known = false; /* no right to ask: only what is seen is judged */
    fixture->found[TOPIC_STATE].compact = false;
    assert_int_equal(judge(fixture), 0);
}

/* What topics_create sets must be what topics_judge wants. */
static void
test_rows_agree_with_the_check(void **state)
{
    struct fixture *fixture = *state;

    (void)fixture;
    for (int i = 0; i < TOPICS_COUNT; i++) {
        const struct topic_row *row = topics_row((enum topic)i);

        assert_string_equal(row->settings[0].name, "cleanup.policy");
        assert_string_equal(row->settings[0].value, row->compacted ? "compact" : "delete");
        for (int n = 0; n < TOPIC_SETTINGS_MAX && row->settings[n].name != NULL; n++)
            if (strcmp(row->settings[n].name, "retention.ms") == 0)
                assert_true(strtoll(row->settings[n].value, NULL, 10) >= row->retention_ms_min);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_partition_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_clean_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retention, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_doubts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rows_agree_with_the_check, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
