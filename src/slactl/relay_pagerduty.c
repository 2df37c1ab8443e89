/*
 * An alert as an event for PagerDuty.
 *
 * What: event_action, dedup_key and payload as the Events API v2 documents them, within its limits.
 *
 * Why so: one incident an alert key, whoever relays and however often: PagerDuty finds it by dedup_key. A
 * repeat is a trigger again: it is noted on an open incident and opens a new one where a person has closed it
 * too early.
 *
 * Always true: dedup_key has at most 255 bytes and depends on the key alone; summary at most 1024, cut
 * between characters.
 *
 * Not here: the routing key (a secret, put in when it is sent), sending (relay_queue.c).
 */
#include "slactl/relay_pagerduty.h"
#include "base/panic.h"
#include "wire/print.h"
#include <openssl/evp.h>

enum { HASH_BYTES = 32 };

static const char *
action_of(const struct relay_alert *alert)
{
    if (relay_alert_is_over(alert))
        return "resolve";
    return alert->state == RELAY_ACKNOWLEDGED ? "acknowledge" : "trigger";
}

void
relay_pagerduty_append_dedup_key(struct slice key, struct buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct slice head = {key.at, RELAY_PAGERDUTY_KEY_BYTES_MAX - 1 - 2 * HASH_BYTES};

    if (key.bytes <= RELAY_PAGERDUTY_KEY_BYTES_MAX) {
        buffer_append_slice(out, key);
        return;
    }
    while (((unsigned char)head.at[head.bytes] & 0xc0) == 0x80)
        head.bytes--;
    must(EVP_Digest(key.at, key.bytes, digest, NULL, EVP_sha256(), NULL) == 1);
    buffer_append_slice(out, head);
    buffer_append_byte(out, '~');
    for (int i = 0; i < HASH_BYTES; i++) {
        buffer_append_byte(out, digits[digest[i] >> 4]);
        buffer_append_byte(out, digits[digest[i] & 15]);
    }
}

static void
print_member(struct buffer *out, const char *name, const struct relay_alert *alert, enum relay_field field)
{
    if (alert->fields[field].bytes > 0)
        print_key(out, name), print_text(out, alert->fields[field]);
}

/* "sla/resolution/breach": what kind of thing has happened. */
static void
print_class(struct buffer *out, const struct relay_alert *alert)
{
    static const enum relay_field parts[] = {RELAY_KIND, RELAY_CLOCK, RELAY_STAGE};
    struct buffer text = {0};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (alert->fields[parts[i]].bytes > 0) {
            if (text.bytes > 0)
                buffer_append_byte(&text, '/');
            buffer_append_slice(&text, alert->fields[parts[i]]);
        }
    print_key(out, "class"), print_text(out, buffer_slice(&text));
    buffer_free(&text);
}

/* slad's three words are among PagerDuty's four; a word of later versions is a warning. */
static struct slice
severity_of(const struct relay_alert *alert)
{
    struct slice severity = alert->fields[RELAY_SEVERITY];

    return slice_is(severity, "critical") || slice_is(severity, "info") ? severity : slice_of("warning");
}

static void
print_payload(struct buffer *out, const struct relay_alert *alert, const char *source)
{
    struct buffer summary = {0};

    relay_alert_append_summary(alert, RELAY_PAGERDUTY_SUMMARY_BYTES_MAX, &summary);
    print_key(out, "payload");
    buffer_append_byte(out, '{');
    print_key(out, "summary"), print_text(out, buffer_slice(&summary));
    print_key(out, "source"), print_text(out, slice_of(source));
    print_key(out, "severity"), print_text(out, severity_of(alert));
    print_key(out, "timestamp"), print_instant(out, alert->effective_at_ms);
    print_member(out, "component", alert, RELAY_SERVICE);
    print_member(out, "group", alert, RELAY_GROUP);
    print_class(out, alert);
    print_key(out, "custom_details"), buffer_append_slice(out, alert->value);
    buffer_append_byte(out, '}');
    buffer_free(&summary);
}

void
relay_pagerduty_print(const struct relay_alert *alert, const char *source, const char *board,
                      struct buffer *out)
{
    struct buffer text = {0};

    buffer_append_text(out, "\"event_action\":\"");
    buffer_append_text(out, action_of(alert));
    buffer_append_byte(out, '"');
    relay_pagerduty_append_dedup_key(alert->key, &text);
    print_key(out, "dedup_key"), print_text(out, buffer_slice(&text));
    if (alert->value.at != NULL)
        print_payload(out, alert, source);
    print_key(out, "client"), print_text(out, slice_of("slad"));
    buffer_reset(&text);
    relay_alert_append_link(alert, board, &text);
    if (text.bytes > 0)
        print_key(out, "client_url"), print_text(out, buffer_slice(&text));
    buffer_append_byte(out, '}');
    buffer_free(&text);
}
