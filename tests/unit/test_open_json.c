/* wire/open_json: the record as the board and others read it. */
#include "../support/schema.h"
#include "wire/open_json.h"
#include "base/memory.h"
#include "wire/json.h"

static const struct open_clock clocks[] = {
    {.name = {.ticket = {"INC\"<1>", 7},
              .kind = KIND_SLA,
              .agreement = {"gold", 4},
              .clock = {"resolution", 10},
              .cycle = 2},
     .state = CLOCK_BREACHED,
     .due_at_ms = INT64_C(1793487600000),
     .target_ms = 14400000,
     .elapsed_ms = 15000000,
     .turn = PARTY_SUPPLIER,
     .customer = {"acme", 4},
     .priority = {"P1", 2}},
    {.name = {.ticket = {"INC2", 4},
              .kind = KIND_OLA,
              .agreement = {"l2", 2},
              .clock = {"handling", 8},
              .cycle = 1},
     .state = CLOCK_PAUSED,
     .due_at_ms = INSTANT_NONE,
     .turn = PARTY_CUSTOMER},
};

static void
prints_the_whole_record(void **state)
{
    struct buffer out = {0};
    const struct open_record record = {
        .task = 3,
        .at_ms = INT64_C(1793487600001),
        .instance = {"slad-1", 6},
        .behind = true,
        .lag_records = 7,
        .lag_ms = 2500,
        .counts = {.open = 5, .waiting = 4, .solved = 3, .breached_open = 2, .paused = 1},
        .clocks = clocks,
        .clocks_count = 2,
    };

    (void)state;
    open_json_print(&out, &record);
    schema_check_record("open", buffer_slice(&out));
    buffer_append_byte(&out, '\0');
    assert_string_equal(
        out.at,
        "{\"type\":\"open\",\"task\":3,\"at\":\"2026-10-31T23:00:00.001Z\",\"instance\":\"slad-1\",\"api\":"
        "null,"
        "\"behind\":true,\"lag\":7,\"lag_ms\":2500,"
        "\"counts\":{\"open\":5,\"waiting\":4,\"solved\":3,\"breached_open\":2,\"paused\":1},\"clocks\":["
        "{\"ticket\":\"INC\\\"<1>\",\"kind\":\"sla\",\"clock\":\"resolution\",\"cycle\":2,\"agreement\":"
        "\"gold\","
        "\"state\":\"breached\",\"due_at\":\"2026-10-31T23:00:00.000Z\",\"target_ms\":14400000,\"elapsed_"
        "ms\":15000000,"
        "\"turn\":\"supplier\",\"customer\":\"acme\",\"service\":null,\"priority\":\"P1\",\"group\":null},"
        "{\"ticket\":\"INC2\",\"kind\":\"ola\",\"clock\":\"handling\",\"cycle\":1,\"agreement\":\"l2\","
        "\"state\":\"paused\",\"due_at\":null,\"target_ms\":0,\"elapsed_ms\":0,"
        "\"turn\":\"customer\",\"customer\":null,\"service\":null,\"priority\":null,\"group\":null}]}");
    buffer_free(&out);
}

static void
without_clocks_it_is_json_too(void **state)
{
    struct buffer out = {0};
    struct json *json = json_new();
    const struct cJSON *object;
    char detail[JSON_DETAIL_BYTES];
    char key[OPEN_JSON_KEY_BYTES];

    (void)state;
    open_json_print(
        &out, &(struct open_record){.instance = {"a", 1}, .api = {"http://b", 8}, .at_ms = INSTANT_NONE});
    assert_int_equal(json_read(json, buffer_slice(&out), &object, detail), ERROR_NONE);
    open_json_key(17, key);
    assert_string_equal(key, "open/17");
    json_free(json);
    buffer_free(&out);
}

static void
what_was_printed_is_read_back(void **state)
{
    struct buffer out = {0}, again = {0};
    const struct open_record record = {.task = 3,
                                       .at_ms = INT64_C(1793487600001),
                                       .instance = {"slad-1", 6},
                                       .api = {"http://a:1", 10},
                                       .lag_records = 7,
                                       .clocks = clocks,
                                       .clocks_count = 2};
    struct json *json = json_new();
    const struct cJSON *object;
    char detail[JSON_DETAIL_BYTES];
    struct open_record *read;

    (void)state;
    open_json_print(&out, &record);
    assert_int_equal(json_read(json, buffer_slice(&out), &object, detail), ERROR_NONE);
    read = open_json_read(json, object);
    assert_non_null(read);
    json_free(json); /* what was read stands by itself */
    open_json_print(&again, read);
    assert_true(slice_equal(buffer_slice(&out), buffer_slice(&again)));
    memory_free(read);
    buffer_free(&out);
    buffer_free(&again);
}

/* A probability comes back, but for its reasons. */
static void
probabilities_are_read_back(void **state)
{
    static const struct {
        const char *risk;
        int permille; /* -1: nothing is known */
    } rows[] = {{"0.93", 930}, {"1", 1000},     {"0.001", 1}, {"0", 0},    {"0.5", 500}, {"2", -1},
                {"-1", -1},    {"\"0.5\"", -1}, {"5e-1", -1}, {"1.5", -1}, {"10", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct json *json = json_new();
        char text[512], detail[JSON_DETAIL_BYTES];
        const struct cJSON *object;
        struct open_record *read;
        struct buffer out = {0};

        (void)snprintf(
            text, sizeof text,
            "{\"type\":\"open\",\"clocks\":[{\"ticket\":\"x\",\"kind\":\"sla\",\"state\":\"running\","
            "\"turn\":"
            "\"nobody\",\"clock\":\"c\",\"agreement\":\"a\",\"risk\":%s,\"foresight\":{\"model\":7,"
            "\"confidence\":\"low\",\"finish_p50\":\"2026-06-01T10:00:00.000Z\",\"finish_p90\":null}}]}",
            rows[i].risk);
        assert_int_equal(json_read(json, slice_of(text), &object, detail), ERROR_NONE);
        read = open_json_read(json, object);
        assert_int_equal(read->clocks[0].has_told, rows[i].permille >= 0);
        if (rows[i].permille >= 0) {
            assert_int_equal(read->clocks[0].told.forecast.p_permille, rows[i].permille);
            assert_int_equal(read->clocks[0].told.forecast.confidence, FORESIGHT_LOW);
            open_json_print(&out, read);
            buffer_append_byte(&out, '\0');
            assert_non_null(strstr(out.at,
                                   "\"foresight\":{\"model\":7,\"confidence\":\"low\",\"finish_p50\":"
                                   "\"2026-06-01T10:00:00.000Z\",\"finish_p90\":null,\"because\":[]}"));
        }
        buffer_free(&out);
        memory_free(read);
        json_free(json);
    }
}

static void
what_is_no_open_record_is_not_read(void **state)
{
    static const struct {
        const char *text;
        int clocks; /* -1: it is none */
    } rows[] = {
        {"{}", -1},
        {"{\"type\":\"score\",\"clocks\":[]}", -1},
        {"{\"type\":\"open\"}", -1},
        {"{\"type\":\"open\",\"clocks\":{}}", -1},
        {"{\"type\":\"open\",\"clocks\":[1,null,{},{\"ticket\":\"x\"},{\"ticket\":1,\"kind\":\"sla\"}]}", 0},
        {"{\"type\":\"open\",\"clocks\":[{\"ticket\":\"x\",\"kind\":\"sla\",\"state\":\"paused\",\"turn\":"
         "\"nobody\",\"clock\":\"c\",\"agreement\":\"a\"}]}",
         1},
    };
    struct json *json = json_new();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cJSON *object;
        char detail[JSON_DETAIL_BYTES];
        struct open_record *read;

        assert_int_equal(json_read(json, slice_of(rows[i].text), &object, detail), ERROR_NONE);
        read = open_json_read(json, object);
        assert_int_equal(read != NULL ? (int)read->clocks_count : -1, rows[i].clocks);
        memory_free(read);
    }
    json_free(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_the_whole_record),       cmocka_unit_test(what_was_printed_is_read_back),
        cmocka_unit_test(probabilities_are_read_back),   cmocka_unit_test(what_is_no_open_record_is_not_read),
        cmocka_unit_test(without_clocks_it_is_json_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
