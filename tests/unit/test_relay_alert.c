/* An alert as the relay reads it, and as PagerDuty, Alertmanager and a webhook are told of it. */
#include "../support/unit.h"
/* Parts of a program, not of a library. */
#include "../../src/slactl/relay_alert.c"
#include "../../src/slactl/relay_alertmanager_print.c"
#include "../../src/slactl/relay_pagerduty.c"
#include "../../src/slactl/relay_webhook.c"

#define RECORD(state, more)                                                                                  \
    "{\"key\":\"k\",\"ticket\":\"INC/"                                                                       \
    "1\",\"kind\":\"sla\",\"agreement\":\"gold\",\"clock\":\"resolution\",\"cycle\":1,"                      \
    "\"stage\":\"breach\",\"state\":\"" state "\"," more                                                     \
    "\"severity\":\"critical\",\"effective_at\":\"2026-11-22T10:15:30.000Z\",\"due_at\":null,\"risk\":0.93," \
    "\"customer\":\"acme\",\"service\":null,\"priority\":\"P1\",\"reason\":\"counted\\n4h\",\"new\":[1,{"    \
    "\"x\":2}],"                                                                                             \
    "\"arrival\":{\"detected_at\":\"2026-11-22T10:15:31.000Z\",\"revision\":3}}"

static struct json *json;

static struct relay_alert
read_alert(const char *key, const char *record)
{
    struct relay_alert alert;
    char detail[JSON_DETAIL_BYTES];

    if (relay_alert_read(json, slice_of(key), slice_of(record), 5, &alert, detail) != 0)
        fail_msg("%s: %s", record, detail);
    return alert;
}

static void
assert_text(struct buffer *text, const char *wanted)
{
    buffer_append_byte(text, '\0');
    assert_string_equal(text->at, wanted);
    buffer_reset(text);
}

static void
test_read(void **state)
{
    struct relay_alert alert =
        read_alert("INC%2F1/sla/resolution/1/breach", RECORD("acknowledged", "\"by\":\"kim\","));
    static const struct {
        const char *key, *record, *why;
    } bad[] = {
        {"k", "[]", ""},
        {"k", "{}", "no known state"},
        {"k", RECORD("FIRING", ""), "no known state"},
        {"k", "{\"state\":\"firing\"}", "no stage or no severity"},
        {"k", "{\"state\":\"firing\",\"stage\":\"breach\",\"severity\":\"info\"}", "is no instant"},
        {"", RECORD("firing", ""), "its key is no text"},
        {"\xff", RECORD("firing", ""), "its key is no text"},
    };

    (void)state;
    assert_int_equal(alert.state, RELAY_ACKNOWLEDGED);
    assert_false(relay_alert_is_over(&alert));
    assert_true(slice_is(alert.fields[RELAY_BY], "kim"));
    assert_true(slice_is(alert.fields[RELAY_CYCLE], "1"));
    assert_true(slice_is(alert.fields[RELAY_RISK], "0.93"));
    assert_true(slice_is(alert.fields[RELAY_REVISION], "3"));
    assert_null(alert.fields[RELAY_SERVICE].at);
    assert_null(alert.fields[RELAY_N].at);
    assert_int_equal(alert.detected_at_ms - alert.effective_at_ms, 1000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char detail[JSON_DETAIL_BYTES] = "";

        assert_int_equal(
            relay_alert_read(json, slice_of(bad[i].key), slice_of(bad[i].record), 5, &alert, detail), -1);
        assert_non_null(strstr(detail, bad[i].why));
    }
    assert_int_equal(
        relay_alert_read(json, slice_of("k"), (struct slice){0}, 5, &alert, (char[JSON_DETAIL_BYTES]){0}), 0);
    assert_true(alert.state == RELAY_REMOVED && relay_alert_is_over(&alert) && alert.effective_at_ms == 5);
}

static void
test_summary_and_link(void **state)
{
    struct relay_alert alert = read_alert("k", RECORD("firing", ""));
    struct buffer text = {0};

    (void)state;
    relay_alert_append_summary(&alert, 1024, &text);
    assert_text(&text, "INC/1 (acme, P1): sla resolution breach; counted 4h");
    relay_alert_append_summary(&alert, 10, &text);
    assert_text(&text, "INC/1 (acm");
    alert.fields[RELAY_TICKET] = slice_of("aaaa\xe5\x90\x8d");
    relay_alert_append_summary(&alert, 6, &text);
    assert_text(&text, "aaaa");
    relay_alert_append_link(&alert, "https://b.example//", &text);
    assert_text(&text, "https://b.example/?view=ticket&ticket=aaaa%E5%90%8D");
    relay_alert_append_link(&alert, NULL, &text);
    assert_text(&text, "");
    buffer_free(&text);
}

static void
test_filter(void **state)
{
    struct relay_alert alert = read_alert("k", RECORD("firing", ""));
    struct relay_filter filter = {0};

    (void)state;
    assert_true(relay_filter_matches(&filter, &alert));
    relay_filter_add(&filter, RELAY_CUSTOMER, "globex");
    assert_false(relay_filter_matches(&filter, &alert));
    relay_filter_add(&filter, RELAY_CUSTOMER, "acme");
    assert_true(relay_filter_matches(&filter, &alert));
    relay_filter_add(&filter, RELAY_STAGE, "warn");
    assert_false(relay_filter_matches(&filter, &alert));
    alert.fields[RELAY_STAGE] = slice_of("warn-50%");
    assert_true(relay_filter_matches(&filter, &alert));
    alert.fields[RELAY_CUSTOMER] = (struct slice){0};
    assert_false(relay_filter_matches(&filter, &alert));
    while (filter.words_count < RELAY_FILTER_WORDS_MAX)
        assert_true(relay_filter_add(&filter, RELAY_STAGE, "x"));
    assert_false(relay_filter_add(&filter, RELAY_STAGE, "x"));
}

static void
test_pagerduty(void **state)
{
    struct relay_alert alert = read_alert("k", RECORD("firing", ""));
    struct buffer text = {0};
    char key[400];

    (void)state;
    relay_pagerduty_print(&alert, "slad", "http://b/", &text);
    assert_text(
        &text,
        "\"event_action\":\"trigger\",\"dedup_key\":\"k\",\"payload\":{\"summary\":\"INC/1 (acme, P1): sla "
        "resolution breach; counted 4h\",\"source\":\"slad\",\"severity\":\"critical\",\"timestamp\":"
        "\"2026-11-22T10:15:30.000Z\",\"class\":\"sla/resolution/breach\",\"custom_details\":" RECORD(
            "firing", "") "},\"client\":\"slad\",\"client_url\":\"http://b/?view=ticket&ticket=INC%2F1\"}");
    alert = (struct relay_alert){.key = slice_of("k"), .state = RELAY_REMOVED};
    relay_pagerduty_print(&alert, "slad", NULL, &text);
    assert_text(&text, "\"event_action\":\"resolve\",\"dedup_key\":\"k\",\"client\":\"slad\"}");
    memset(key, 'x', sizeof key);
    memcpy(key + 188, "\xe5\x90\x8d", 3); /* over the cut */
    relay_pagerduty_append_dedup_key((struct slice){key, 255}, &text);
    assert_int_equal(text.bytes, 255);
    buffer_reset(&text);
    relay_pagerduty_append_dedup_key((struct slice){key, 256}, &text);
    assert_int_equal(text.bytes, 188 + 1 + 64);
    assert_int_equal(text.at[188], '~');
    assert_true(json_is_utf8(buffer_slice(&text)));
    buffer_free(&text);
}

static void
test_alertmanager(void **state)
{
    static const enum relay_field further[] = {RELAY_PRIORITY, RELAY_GROUP};
    struct relay_alert alert = read_alert("k", RECORD("acknowledged", "\"by\":\"kim\","));
    struct buffer text = {0};

    (void)state;
    relay_alertmanager_print_labels(&alert, "slad", further, 2, &text);
    assert_text(
        &text,
        "{\"alertname\":\"SladBreach\",\"installation\":\"slad\",\"key\":\"k\",\"ticket\":\"INC/1\",\"kind\":"
        "\"sla\",\"clock\":\"resolution\",\"cycle\":\"1\",\"stage\":\"breach\",\"severity\":\"critical\","
        "\"customer\":\"acme\",\"priority\":\"P1\"}");
    relay_alertmanager_print_rest(&alert, NULL, INSTANT_NONE, &text);
    assert_text(
        &text,
        "\"annotations\":{\"summary\":\"INC/1 (acme, P1): sla resolution breach; counted 4h\",\"state\":"
        "\"acknowledged\",\"acknowledged_by\":\"kim\",\"acknowledged_at\":\"2026-11-22T10:15:31.000Z\","
        "\"reason\":\"counted\\n4h\",\"risk\":\"0.93\",\"agreement\":\"gold\",\"priority\":\"P1\"},"
        "\"startsAt\":\"2026-11-22T10:15:30.000Z\"");
    relay_alertmanager_print_rest(&alert, "http://b", 0, &text);
    buffer_append_byte(&text, '\0');
    assert_non_null(
        strstr(text.at, "\"endsAt\":\"2026-11-22T10:15:30.000Z\",\"generatorURL\":\"http://b/?view="));
    buffer_free(&text);
}

/* The vector of the specification's own libraries. */
static void
test_webhook_signature(void **state)
{
    char signature[RELAY_WEBHOOK_SIGNATURE_BYTES];
    static const char *const bad[] = {"",        "whsec_",         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
                                      "whsec_!", "whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaL\nSw"};

    (void)state;
    assert_int_equal(relay_webhook_sign(slice_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                                        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                        slice_of("{\"test\": 2432232314}"), signature),
                     0);
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_int_equal(
        relay_webhook_sign(slice_of("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "i", 1, slice_of(""), signature), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(relay_webhook_sign(slice_of(bad[i]), "i", 1, slice_of(""), signature), -1);
}

static void
test_webhook_body(void **state)
{
    struct relay_alert alert = read_alert("k", RECORD("resolved", "")), other = alert;
    char id[RELAY_WEBHOOK_ID_BYTES], again[RELAY_WEBHOOK_ID_BYTES];
    struct buffer text = {0};

    (void)state;
    relay_webhook_print(&alert, &text);
    assert_text(
        &text,
        "{\"type\":\"slad.alert.resolved\",\"timestamp\":\"2026-11-22T10:15:31.000Z\",\"data\":" RECORD(
            "resolved", "") "}");
    relay_webhook_id(&alert, 1, 7, id);
    relay_webhook_id(&alert, 2, 8, again);
    assert_string_equal(id, again);
    assert_int_equal(strlen(id), RELAY_WEBHOOK_ID_BYTES - 1);
    other.key = slice_of("l");
    relay_webhook_id(&other, 1, 7, again);
    assert_string_not_equal(id, again);
    alert = (struct relay_alert){.key = slice_of("k\"\n"), .state = RELAY_REMOVED};
    relay_webhook_print(&alert, &text);
    assert_text(
        &text,
        "{\"type\":\"slad.alert.removed\",\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"data\":{\"key\":"
        "\"k\\\"\\n\",\"state\":\"removed\"}}");
    relay_webhook_id(&alert, 1, 7, id);
    relay_webhook_id(&alert, 1, 8, again);
    assert_string_not_equal(id, again);
    buffer_free(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),         cmocka_unit_test(test_summary_and_link),
        cmocka_unit_test(test_filter),       cmocka_unit_test(test_pagerduty),
        cmocka_unit_test(test_alertmanager), cmocka_unit_test(test_webhook_signature),
        cmocka_unit_test(test_webhook_body),
    };
    int failed;

    json = json_new();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_free(json);
    return failed;
}
