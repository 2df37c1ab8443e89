/*
 * An alert in the words of Alertmanager's API v2.
 *
 * What: labels, annotations, start, end and link of one alert.
 *
 * Why so: two records of one alert must have the same labels, or Alertmanager takes them for two alerts;
 * whatever moves in the life of a ticket (who has it, how far it is, who acknowledged it) is therefore an
 * annotation. A firing alert has no end: resolve_timeout is the receiver's to choose, and we send it again
 * sooner than that.
 *
 * Always true: no label and no annotation is empty; an end is never before the start.
 *
 * Not here: when it is sent (relay_alertmanager.c).
 */
#include "slactl/relay_alertmanager_print.h"
#include "slad/effect.h"
#include "wire/print.h"

static void
print_field(struct buffer *out, const char *name, struct slice text)
{
    if (text.bytes > 0)
        print_key(out, name), print_text(out, text);
}

/* One name for each thing that can be the matter: rules and templates go by it. */
static const char *
name_of(const struct relay_alert *alert)
{
    struct slice stage = alert->fields[RELAY_STAGE];

    return slice_is(stage, "breach")      ? "SladBreach"
           : slice_is(stage, "risk")      ? "SladRisk"
           : slice_is(stage, "slack")     ? "SladSlack"
           : slice_is(stage, "detractor") ? "SladDetractor"
                                          : "SladWarning";
}

void
relay_alertmanager_print_labels(const struct relay_alert *alert, const char *installation,
                                const enum relay_field *further, size_t further_count, struct buffer *out)
{
    static const struct {
        const char *name;
        enum relay_field field;
    } labels[] = {
        {"ticket", RELAY_TICKET},   {"kind", RELAY_KIND},         {"clock", RELAY_CLOCK},
        {"cycle", RELAY_CYCLE},     {"survey", RELAY_SURVEY},     {"feedback", RELAY_FEEDBACK},
        {"stage", RELAY_STAGE},     {"severity", RELAY_SEVERITY}, {"customer", RELAY_CUSTOMER},
        {"service", RELAY_SERVICE},
    };
    static const char *const names[RELAY_FIELDS_COUNT] = {
        [RELAY_AGREEMENT] = "agreement", [RELAY_PRIORITY] = "priority", [RELAY_GROUP] = "group"};

    buffer_append_byte(out, '{');
    print_field(out, "alertname", slice_of(name_of(alert)));
    print_field(out, "installation", slice_of(installation));
    print_field(out, "key", alert->key);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        print_field(out, labels[i].name, alert->fields[labels[i].field]);
    for (size_t i = 0; i < further_count; i++)
        print_field(out, names[further[i]], alert->fields[further[i]]);
    buffer_append_byte(out, '}');
}

static void
print_acknowledged(struct buffer *out, const struct relay_alert *alert)
{
    if (alert->state != RELAY_ACKNOWLEDGED)
        return;
    print_field(out, "acknowledged_by", alert->fields[RELAY_BY]);
    print_field(out, "acknowledged_at", alert->fields[RELAY_DETECTED_AT]);
}

static void
print_annotations(struct buffer *out, const struct relay_alert *alert)
{
    static const struct {
        const char *name;
        enum relay_field field;
    } annotations[] = {
        {"reason", RELAY_REASON},
        {"due", RELAY_DUE_AT},
        {"turn", RELAY_TURN},
        {"risk", RELAY_RISK},
        {"agreement", RELAY_AGREEMENT},
        {"priority", RELAY_PRIORITY},
        {"group", RELAY_GROUP},
        {"policy", RELAY_POLICY},
        {"score", RELAY_SCORE},
        {"scale", RELAY_SCALE},
        {"repeat", RELAY_N},
    };
    struct buffer summary = {0};

    relay_alert_append_summary(alert, 1024, &summary);
    buffer_append_byte(out, '{');
    print_field(out, "summary", buffer_slice(&summary));
    print_field(out, "state", slice_of(relay_alert_state_text(alert->state)));
    print_acknowledged(out, alert);
    for (size_t i = 0; i < sizeof annotations / sizeof *annotations; i++)
        print_field(out, annotations[i].name, alert->fields[annotations[i].field]);
    buffer_append_byte(out, '}');
    buffer_free(&summary);
}

void
relay_alertmanager_print_rest(const struct relay_alert *alert, const char *board, int64_t ends_at_ms,
                              struct buffer *out)
{
    struct buffer link = {0};

    buffer_append_text(out, "\"annotations\":");
    print_annotations(out, alert);
    print_key(out, "startsAt"), print_instant(out, alert->effective_at_ms);
    if (ends_at_ms != INSTANT_NONE) {
        print_key(out, "endsAt");
        print_instant(out, ends_at_ms > alert->effective_at_ms ? ends_at_ms : alert->effective_at_ms);
    }
    relay_alert_append_link(alert, board, &link);
    if (link.bytes > 0)
        print_key(out, "generatorURL"), print_text(out, buffer_slice(&link));
    buffer_free(&link);
}
