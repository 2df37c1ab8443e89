/* shell/board: what it keeps, what it refuses, and that a reader who remembers a number misses nothing. */
#include "shell/board.h"
#include "wire/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct room {
    struct config *config;
    struct metrics *metrics;
    struct log *log;
    struct board *board;
    struct buffer out;
    int descriptor;
};

static int
setup(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    struct buffer errors = {0};

    room->config = config_load(&(struct config_source){0}, &errors);
    room->metrics = metrics_new();
    room->descriptor = open("/dev/null", O_WRONLY);
    room->log = log_new(&(struct log_options){.descriptor = room->descriptor, .level = LOG_DEBUG});
    room->board = board_new(room->config, room->metrics, room->log, 7);
    *state = room;
    return 0;
}

static int
teardown(void **state)
{
    struct room *room = *state;

    board_free(room->board);
    log_free(room->log);
    metrics_free(room->metrics);
    config_free(room->config);
    buffer_free(&room->out);
    close(room->descriptor);
    free(room);
    return 0;
}

static void
put(struct room *room, enum board_kind kind, const char *key, const char *value)
{
    board_record(room->board, kind, slice_of(key), slice_of(value), INT64_C(1793487600000));
}

/* What changed since, as a JSON array; *version moves on. */
static const char *
changes(struct room *room, uint64_t *version, size_t bytes_max)
{
    buffer_reset(&room->out);
    buffer_append_byte(&room->out, '[');
    *version = board_changes(room->board, *version, BOARD_BIT(BOARD_ALERTS) | BOARD_BIT(BOARD_SCORES), NULL,
                             bytes_max, &room->out);
    buffer_append_byte(&room->out, ']');
    buffer_append_byte(&room->out, '\0');
    return room->out.at;
}

static const char *
print(struct room *room, enum board_kind kind, const char *prefix)
{
    const struct board_page page = {.kind = kind, .prefix = slice_of(prefix), .records_max = 100};

    buffer_reset(&room->out);
    assert_null(board_print(room->board, &page, &room->out).at);
    buffer_append_byte(&room->out, '\0');
    return room->out.at;
}

#define AT "\"at\":\"2026-10-31T23:00:00.000Z\""

static void
keeps_the_latest_value_of_a_key(void **state)
{
    struct room *room = *state;
    uint64_t version = 0;

    put(room, BOARD_SCORES, "open/1", "{\"n\":1}");
    put(room, BOARD_SCORES, "b", "{\"n\":2}");
    put(room, BOARD_SCORES, "open/1", "{\n\"n\":\r\n3}");
    assert_string_equal(print(room, BOARD_SCORES, "open/"),
                        "[{\"kind\":\"scores\",\"key\":\"open/1\"," AT ",\"value\":{ \"n\":  3}}]");
    assert_string_equal(changes(room, &version, 10000),
                        "[{\"kind\":\"scores\",\"key\":\"b\"," AT ",\"value\":{\"n\":2}},"
                        "{\"kind\":\"scores\",\"key\":\"open/1\"," AT ",\"value\":{ \"n\":  3}}]");
    assert_true(version == board_version(room->board));
    assert_string_equal(changes(room, &version, 10000), "[]");
    put(room, BOARD_SCORES, "b", "");
    assert_string_equal(changes(room, &version, 10000),
                        "[{\"kind\":\"scores\",\"key\":\"b\"," AT ",\"value\":null}]");
    version = 0;
    assert_null(strstr(changes(room, &version, 10000), "null"));
    assert_string_equal(print(room, BOARD_SCORES, "b"), "[]");
    assert_int_equal(metrics_value(room->metrics, METRIC_BOARD_RECORDS, BOARD_SCORES), 1);
}

static void
one_key_in_two_topics_is_two(void **state)
{
    struct room *room = *state;

    put(room, BOARD_SCORES, "a", "{\"n\":1}");
    put(room, BOARD_ALERTS, "a", "{\"n\":2}");
    assert_non_null(strstr(print(room, BOARD_SCORES, ""), "{\"n\":1}"));
    assert_non_null(strstr(print(room, BOARD_ALERTS, ""), "{\"n\":2}"));
}

static void
what_is_no_record_is_refused(void **state)
{
    struct room *room = *state;
    char key[2000];

    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    put(room, BOARD_SCORES, "a", "{\"n\":1");
    put(room, BOARD_SCORES, "a", "[1]");
    put(room, BOARD_SCORES, "a", "<script>");
    put(room, BOARD_SCORES, "", "{}");
    put(room, BOARD_SCORES, "\xff", "{}");
    put(room, BOARD_SCORES, key, "{}");
    assert_string_equal(print(room, BOARD_SCORES, ""), "[]");
    assert_int_equal(metrics_value(room->metrics, METRIC_BOARD_REFUSED, BOARD_SCORES), 6);
    put(room, BOARD_SCORES, "q\"\n<", "{}");
    assert_string_equal(print(room, BOARD_SCORES, ""),
                        "[{\"kind\":\"scores\",\"key\":\"q\\\"\\n<\"," AT ",\"value\":{}}]");
}

static void
at_the_bound_new_keys_are_refused_known_ones_taken(void **state)
{
    struct room *room = *state;
    char key[32];

    room->config->board_scores_max = 3;
    for (int i = 0; i < 5; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(room, BOARD_SCORES, key, "{}");
    }
    assert_int_equal(metrics_value(room->metrics, METRIC_BOARD_RECORDS, BOARD_SCORES), 3);
    assert_int_equal(metrics_value(room->metrics, METRIC_BOARD_REFUSED, BOARD_SCORES), 2);
    assert_int_equal(metrics_value(room->metrics, METRIC_BOUND_HITS, CONFIG_board_scores_max), 2);
    put(room, BOARD_SCORES, "1", "{\"n\":2}");
    assert_non_null(strstr(print(room, BOARD_SCORES, "1"), "{\"n\":2}"));
    put(room, BOARD_SCORES, "1", "");
    put(room, BOARD_SCORES, "9", "{}");
    assert_int_equal(metrics_value(room->metrics, METRIC_BOARD_REFUSED, BOARD_SCORES), 2);
}

static void
alerts_that_are_over_make_room(void **state)
{
    struct room *room = *state;
    uint64_t version = 0;

    room->config->board_alerts_max = 3;
    put(room, BOARD_ALERTS, "a", "{\"state\":\"firing\"}");
    put(room, BOARD_ALERTS, "b", "{\"state\":\"resolved\"}");
    put(room, BOARD_ALERTS, "c", "{\"state\":\"withdrawn\"}");
    put(room, BOARD_ALERTS, "d", "{\"state\":\"firing\"}");
    put(room, BOARD_ALERTS, "e", "{\"state\":\"firing\"}");
    put(room, BOARD_ALERTS, "f", "{\"state\":\"firing\"}");
    assert_int_equal(metrics_value(room->metrics, METRIC_BOARD_REFUSED, BOARD_ALERTS), 1);
    changes(room, &version, 10000);
    assert_non_null(strstr(room->out.at, "\"a\""));
    assert_null(strstr(room->out.at, "\"b\""));
    assert_non_null(strstr(room->out.at, "\"e\""));
    put(room, BOARD_ALERTS, "a", "{\"state\":\"resolved\"}"); /* a reader must hear that it is over */
    assert_non_null(strstr(changes(room, &version, 10000), "resolved"));
}

static void
too_many_bytes_show_nothing_rather_than_something_old(void **state)
{
    struct room *room = *state;
    char value[4096];

    room->config->board_bytes_max = 2000;
    put(room, BOARD_SCORES, "a", "{\"n\":1}");
    snprintf(value, sizeof value, "{\"n\":\"%02000d\"}", 5);
    put(room, BOARD_SCORES, "b", value);
    put(room, BOARD_SCORES, "a", value);
    assert_string_equal(print(room, BOARD_SCORES, ""), "[]");
    assert_int_equal(metrics_value(room->metrics, METRIC_BOUND_HITS, CONFIG_board_bytes_max), 2);
    put(room, BOARD_SCORES, "a", "{\"n\":2}");
    assert_non_null(strstr(print(room, BOARD_SCORES, ""), "{\"n\":2}"));
}

static void
the_latest_outcomes_are_kept(void **state)
{
    struct room *room = *state;

    room->config->board_outcomes_max = 2;
    put(room, BOARD_OUTCOMES, "", "{\"n\":1}");
    put(room, BOARD_OUTCOMES, "x", "{\"n\":2}");
    put(room, BOARD_OUTCOMES, "x", "{\"n\":3}");
    print(room, BOARD_OUTCOMES, "");
    assert_null(strstr(room->out.at, "{\"n\":1}"));
    assert_non_null(strstr(room->out.at, "{\"n\":2}"));
    assert_non_null(strstr(room->out.at, "{\"n\":3}"));
}

static void
outcomes_that_will_not_stay_are_not_wanted(void **state)
{
    struct room *room = *state;

    room->config->board_outcomes_max = 2;
    assert_true(board_wants_outcome(room->board, 0));
    assert_true(board_wants_outcome(room->board, 1));
    assert_false(board_wants_outcome(room->board, 2));
    assert_true(board_wants_outcome(room->board, -1));
}

static void
pages_follow_each_other(void **state)
{
    struct room *room = *state;
    struct board_page page = {.kind = BOARD_SCORES, .prefix = {NULL, 0}, .records_max = 2};
    static const char *const keys[] = {"c", "a", "e", "b", "d"};

    for (size_t i = 0; i < 5; i++)
        put(room, BOARD_SCORES, keys[i], "{}");
    page.after = board_print(room->board, &page, &room->out);
    assert_true(slice_is(page.after, "b"));
    page.after = board_print(room->board, &page, &room->out);
    assert_true(slice_is(page.after, "d"));
    assert_null(board_print(room->board, &page, &room->out).at);
}

/* A reader that takes small bites at random moments ends with what is there, or is told to start over. */
static void
a_slow_reader_misses_nothing(void **state)
{
    struct room *room = *state;
    struct json *json = json_new();
    bool seen[40] = {false};
    bool truth[40] = {false};
    uint64_t version = 0;
    uint64_t since = 0;
    int restarts = 0;
    int agreed = 0;
    char detail[JSON_DETAIL_BYTES];

    room->config->board_gone_max = 8;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        const struct cJSON *object;
        struct buffer wrapped = {0};
        char key[8];
        int i = rand() % 40;

        truth[i] = rand() % 2 == 0;
        snprintf(key, sizeof key, "%d", i);
        put(room, BOARD_SCORES, key, truth[i] ? "{}" : "");
        if (rand() % 12 != 0 && round < 19000)
            continue;
        if (!board_remembers(room->board, version > since ? version : since)) {
            version = 0;
            restarts++;
        }
        if (version == 0) {
            since = board_version(room->board);
            memset(seen, 0, sizeof seen);
        }
        buffer_append_text(&wrapped, "{\"records\":");
        buffer_append_text(&wrapped, changes(room, &version, 600));
        buffer_append_byte(&wrapped, '}');
        assert_int_equal(json_read(json, buffer_slice(&wrapped), &object, detail), ERROR_NONE);
        for (const struct cJSON *record = object->child->child; record != NULL; record = record->next)
            seen[atoi(record->child->next->valuestring)] = json_is_object(record->child->next->next->next);
        buffer_free(&wrapped);
        if (version == board_version(room->board)) {
            assert_memory_equal(seen, truth, sizeof seen);
            agreed++;
        }
    }
    assert_true(version == board_version(room->board));
    assert_true(restarts > 10 && agreed > 1000);
    json_free(json);
}

static void
readiness_has_reasons(void **state)
{
    struct room *room = *state;
    const char *const reasons[] = {"no broker", "task 3 is held"};

    assert_true(board_ready(room->board));
    board_set_ready(room->board, reasons, 2);
    assert_false(board_ready(room->board));
    assert_string_equal(board_reason(room->board, 1), "task 3 is held");
    assert_int_equal(metrics_value(room->metrics, METRIC_READY, 0), 0);
    board_set_ready(room->board, NULL, 0);
    assert_true(board_ready(room->board));
}

/* ---- one customer's eyes ---- */

static bool
owns(void *context, struct slice contract, struct slice customer)
{
    (void)context;
    return slice_is(contract, "acme-gold") && slice_is(customer, "acme");
}

static const struct board_view acme = {.customer = {"acme", 4}, .owns = owns};

static const char *
seen_by_acme(struct room *room, uint64_t *version)
{
    buffer_reset(&room->out);
    buffer_append_byte(&room->out, '[');
    *version = board_changes(room->board, *version, ~0U, &acme, SIZE_MAX, &room->out);
    buffer_append_text(&room->out, "]");
    buffer_append_byte(&room->out, '\0');
    return room->out.at;
}

static const char *
page_for_acme(struct room *room, enum board_kind kind)
{
    struct board_page page = {.kind = kind, .records_max = 100, .view = &acme};

    buffer_reset(&room->out);
    (void)board_print(room->board, &page, &room->out);
    buffer_append_byte(&room->out, '\0');
    return room->out.at;
}

#define OPEN_CLOCK(ticket, customer)                                                                         \
    "{\"ticket\":\"" ticket "\",\"kind\":\"sla\",\"clock\":\"c\",\"cycle\":1,\"agreement\":\"a\","           \
    "\"state\":\"running\",\"due_at\":null,\"target_ms\":1,\"elapsed_ms\":0,\"turn\":\"provider\","          \
    "\"customer\":\"" customer "\",\"service\":null,\"priority\":null,\"group\":null}"

static void
a_customer_sees_its_own_alone(void **state)
{
    static const struct {
        enum board_kind kind;
        const char *key, *value;
        bool own;
    } rows[] = {
        {BOARD_ALERTS, "k1", "{\"state\":\"firing\",\"customer\":\"acme\"}", true},
        {BOARD_ALERTS, "k2", "{\"state\":\"firing\",\"customer\":\"acme2\"}", false},
        {BOARD_ALERTS, "k3", "{\"state\":\"firing\",\"customer\":null}", false},
        {BOARD_ALERTS, "k4", "{\"state\":\"firing\",\"service\":\"acme\"}", false},
        {BOARD_SCORES, "score/30d/customer=acme", "{\"type\":\"score\",\"scope\":{\"customer\":\"acme\"}}",
         true},
        {BOARD_SCORES, "score/30d/group=acme", "{\"type\":\"score\",\"scope\":{\"group\":\"acme\"}}", false},
        {BOARD_SCORES, "score/30d/", "{\"type\":\"score\",\"scope\":{}}", false},
        {BOARD_SCORES, "score/30d/contract=acme-gold",
         "{\"type\":\"score\",\"scope\":{\"contract\":\"acme-gold\"}}", true},
        {BOARD_SCORES, "pxa/acme-gold", "{\"type\":\"pxa\",\"contract\":\"acme-gold\"}", true},
        {BOARD_SCORES, "pxa/other", "{\"type\":\"pxa\",\"contract\":\"other\"}", false},
        {BOARD_SCORES, "credit/other", "{\"type\":\"credit\",\"contract\":\"other\"}", false},
        {BOARD_SCORES, "kei/own", "{\"type\":\"kei\",\"match\":{\"customer\":[\"acme\"]}}", true},
        {BOARD_SCORES, "kei/two", "{\"type\":\"kei\",\"match\":{\"customer\":[\"acme\",\"b\"]}}", false},
        {BOARD_SCORES, "kei/all", "{\"type\":\"kei\",\"match\":{}}", false},
        {BOARD_SCORES, "what", "{\"type\":\"what\"}", false},
        {BOARD_OUTCOMES, "", "{\"type\":\"verdict\",\"ticket\":\"own\",\"customer\":\"acme\"}", true},
        {BOARD_OUTCOMES, "", "{\"type\":\"verdict\",\"ticket\":\"other\",\"customer\":\"b\"}", false},
        {BOARD_OUTCOMES, "", "{\"type\":\"due_changed\",\"ticket\":\"acme\"}", false},
    };
    struct room *room = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t version = board_version(room->board);
        const char *told;

        put(room, rows[i].kind, rows[i].key, rows[i].value);
        told = seen_by_acme(room, &version);
        if ((strcmp(told, "[]") != 0) != rows[i].own)
            fail_msg("%s of %s: %s", rows[i].own ? "hidden" : "shown", rows[i].value, told);
        assert_true((strstr(page_for_acme(room, rows[i].kind), rows[i].value) != NULL) == rows[i].own);
        if (rows[i].kind != BOARD_OUTCOMES)
            assert_true((board_find(room->board, rows[i].kind, slice_of(rows[i].key), &acme) != NULL) ==
                        rows[i].own);
    }
}

static void
a_customer_sees_its_clocks_and_no_counts(void **state)
{
    struct room *room = *state;
    uint64_t version = 0;
    const char *told;

    put(room, BOARD_SCORES, "open/0",
        "{\"type\":\"open\",\"task\":0,\"at\":\"2026-11-22T10:00:00.000Z\",\"instance\":\"one\",\"api\":null,"
        "\"behind\":false,\"lag\":7,\"lag_ms\":0,\"counts\":{\"open\":99},\"clocks\":[" OPEN_CLOCK(
            "A", "acme") "," OPEN_CLOCK("B", "b") "]}");
    told = seen_by_acme(room, &version);
    assert_non_null(strstr(told, "\"counts\":null,\"clocks\":[" OPEN_CLOCK("A", "acme") "]"));
    assert_non_null(strstr(told, "\"lag\":1,"));
    assert_null(strstr(told, "\"B\""));
    assert_null(strstr(told, "99"));
}

static void
what_changes_hands_is_gone_for_the_first(void **state)
{
    struct room *room = *state;
    uint64_t version = 0;

    put(room, BOARD_ALERTS, "k", "{\"state\":\"firing\",\"customer\":\"acme\"}");
    put(room, BOARD_ALERTS, "other", "{\"state\":\"firing\",\"customer\":\"b\"}");
    assert_non_null(strstr(seen_by_acme(room, &version), "\"key\":\"k\""));
    put(room, BOARD_ALERTS, "k", "{\"state\":\"firing\",\"customer\":\"b\"}");
    assert_string_equal(
        seen_by_acme(room, &version),
        "[{\"kind\":\"alerts\",\"key\":\"k\",\"at\":\"2026-10-31T23:00:00.000Z\",\"value\":null}]");
    /* one that comes now never hears of it, nor of the other's end */
    version = 0;
    assert_string_equal(seen_by_acme(room, &version), "[]");
    put(room, BOARD_ALERTS, "other", "");
    assert_string_equal(seen_by_acme(room, &version), "[]");
    put(room, BOARD_ALERTS, "k", "{\"state\":\"firing\",\"customer\":\"acme\"}");
    assert_non_null(strstr(seen_by_acme(room, &version), "firing"));
    put(room, BOARD_ALERTS, "k", "");
    assert_non_null(strstr(seen_by_acme(room, &version), "\"value\":null"));
}

static void
pages_are_filtered(void **state)
{
    static const struct board_filter filters[] = {
        {FACT_STATE, {"firing", 6}}, {FACT_TICKET, {"T1", 2}}, {FACT_TICKET, {"T2", 2}}};
    struct room *room = *state;
    struct board_page page = {.kind = BOARD_ALERTS, .records_max = 1, .filters = filters, .filters_count = 3};
    struct slice last;

    put(room, BOARD_ALERTS, "a", "{\"state\":\"firing\",\"ticket\":\"T1\"}");
    put(room, BOARD_ALERTS, "b", "{\"state\":\"resolved\",\"ticket\":\"T1\"}");
    put(room, BOARD_ALERTS, "c", "{\"state\":\"firing\",\"ticket\":\"T3\"}");
    put(room, BOARD_ALERTS, "d", "{\"state\":\"firing\",\"ticket\":\"T2\"}");
    buffer_reset(&room->out);
    last = board_print(room->board, &page, &room->out);
    assert_true(slice_is(last, "a"));
    page.after = slice_of("a");
    buffer_reset(&room->out);
    last = board_print(room->board, &page, &room->out);
    assert_null(last.at);
    buffer_append_byte(&room->out, '\0');
    assert_non_null(strstr(room->out.at, "\"key\":\"d\""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_the_latest_value_of_a_key, setup, teardown),
        cmocka_unit_test_setup_teardown(one_key_in_two_topics_is_two, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_record_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(at_the_bound_new_keys_are_refused_known_ones_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(alerts_that_are_over_make_room, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_bytes_show_nothing_rather_than_something_old, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_latest_outcomes_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(outcomes_that_will_not_stay_are_not_wanted, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_slow_reader_misses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(readiness_has_reasons, setup, teardown),
        cmocka_unit_test_setup_teardown(a_customer_sees_its_own_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_customer_sees_its_clocks_and_no_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changes_hands_is_gone_for_the_first, setup, teardown),
        cmocka_unit_test_setup_teardown(pages_are_filtered, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
