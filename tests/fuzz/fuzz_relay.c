/* An alert that the relay passes on: key and record are strangers' bytes (the first byte says how much is
 * key). What is written for each receiver is JSON that our own door takes, within the receiver's limits. */
#include "base/panic.h"
#include "wire/json.h"
/* Parts of a program, not of a library. */
#include "../../src/slactl/relay_alert.c"
#include "../../src/slactl/relay_alertmanager_print.c"
#include "../../src/slactl/relay_pagerduty.c"
#include "../../src/slactl/relay_webhook.c"

/* A record goes in whole, so it may become deeper than the door lets in; nothing else may be wrong. */
static void
check_json(struct json *json, struct buffer *text)
{
    const struct cJSON *object;
    char detail[JSON_DETAIL_BYTES];
    enum error_code error = json_read(json, buffer_slice(text), &object, detail);

    must(error == ERROR_NONE || error == ERROR_NESTED_TOO_DEEP || error == ERROR_TOO_LARGE);
    buffer_reset(text);
}

static void
check_alert(struct json *json, const struct relay_alert *alert)
{
    static const enum relay_field further[] = {RELAY_GROUP, RELAY_PRIORITY, RELAY_AGREEMENT};
    struct buffer text = {0};
    char id[RELAY_WEBHOOK_ID_BYTES];

    relay_pagerduty_append_dedup_key(alert->key, &text);
    must(text.bytes > 0 && text.bytes <= RELAY_PAGERDUTY_KEY_BYTES_MAX && json_is_utf8(buffer_slice(&text)));
    buffer_reset(&text);
    relay_alert_append_summary(alert, 64, &text);
    must(text.bytes <= 64 && json_is_utf8(buffer_slice(&text)));
    buffer_reset(&text);
    buffer_append_text(&text, "{\"routing_key\":\"k\",");
    relay_pagerduty_print(alert, "slad", "https://board.example", &text);
    check_json(json, &text);
    buffer_append_text(&text, "{\"labels\":");
    relay_alertmanager_print_labels(alert, "slad", further, 3, &text);
    buffer_append_byte(&text, ',');
    relay_alertmanager_print_rest(alert, "https://board.example", alert->detected_at_ms, &text);
    buffer_append_byte(&text, '}');
    check_json(json, &text);
    relay_webhook_print(alert, &text);
    check_json(json, &text);
    relay_webhook_id(alert, 0, 0, id);
    must(strspn(id + 4, "0123456789abcdef") == RELAY_WEBHOOK_ID_BYTES - 5);
    buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct json *json, *checker;
    struct relay_alert alert;
    struct slice key, value;
    char detail[JSON_DETAIL_BYTES], signature[RELAY_WEBHOOK_SIGNATURE_BYTES];

    if (json == NULL) {
        json = json_new();
        checker = json_new();
    }
    if (count == 0)
        return 0;
    key = (struct slice){(const char *)bytes + 1, bytes[0] < count - 1 ? bytes[0] : count - 1};
    value = (struct slice){key.at + key.bytes, count - 1 - key.bytes};
    (void)relay_webhook_sign(key, "msg_1", 1, value, signature);
    if (relay_alert_read(json, key, value.bytes > 0 ? value : (struct slice){NULL, 0}, 0, &alert, detail) ==
        0)
        check_alert(checker, &alert);
    return 0;
}
