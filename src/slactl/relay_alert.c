/*
 * One alert, read for the relay.
 *
 * What: the record's fields by name, its one line for people, where the board shows it, and whether a filter
 * wants it.
 *
 * Why so: receivers get the record itself or a few of its fields; what the relay decides by is its state, its
 * key and what filters look at. A field that it does not know is passed over, as records.md asks of readers.
 *
 * Always true: an alert that was read has a state, a stage, a severity and its instants; its key is UTF-8.
 *
 * Not here: what is sent (relay_alertmanager.c, relay_pagerduty.c, relay_webhook.c).
 */
#include "slactl/relay_alert.h"
#include "base/instant.h"
#include <stdio.h>

static const char *const relay_field_names[RELAY_FIELDS_COUNT] = {
#define FIELD(NAME, name) [RELAY_##NAME] = (name),
    RELAY_ALERT_FIELDS(FIELD)
#undef FIELD
};

static const char *const relay_state_names[RELAY_STATES_COUNT] = {
    [RELAY_FIRING] = "firing",     [RELAY_REPEATED] = "repeated",   [RELAY_ACKNOWLEDGED] = "acknowledged",
    [RELAY_RESOLVED] = "resolved", [RELAY_WITHDRAWN] = "withdrawn", [RELAY_REMOVED] = "removed",
};

static void
read_members(const struct json *json, const struct cJSON *object, int first, int end,
             struct relay_alert *alert)
{
    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        for (int i = first; i < end; i++)
            if (slice_is(json_key(member), relay_field_names[i])) {
                if (json_is_text(member))
                    alert->fields[i] = json_text(member);
                else if (json_is_number(member))
                    alert->fields[i] = json_number(json, member);
                break;
            }
}

static int
read_state(struct relay_alert *alert)
{
    for (int i = 0; i < RELAY_REMOVED; i++)
        if (slice_is(alert->fields[RELAY_STATE], relay_state_names[i])) {
            alert->state = (enum relay_state)i;
            return 0;
        }
    return -1;
}

static const char *
find_fault(struct relay_alert *alert)
{
    if (read_state(alert) != 0)
        return "it has no known state";
    if (alert->fields[RELAY_STAGE].at == NULL || alert->fields[RELAY_SEVERITY].at == NULL)
        return "it has no stage or no severity";
    if (instant_parse(alert->fields[RELAY_EFFECTIVE_AT], &alert->effective_at_ms) != 0 ||
        instant_parse(alert->fields[RELAY_DETECTED_AT], &alert->detected_at_ms) != 0)
        return "effective_at or arrival.detected_at is no instant";
    return NULL;
}

int
relay_alert_read(struct json *json, struct slice key, struct slice value, int64_t recorded_at_ms,
                 struct relay_alert *ret_alert, char detail[JSON_DETAIL_BYTES])
{
    struct relay_alert alert = {.key = key,
                                .value = value,
                                .state = RELAY_REMOVED,
                                .effective_at_ms = recorded_at_ms,
                                .detected_at_ms = recorded_at_ms};
    const struct cJSON *object;
    const char *fault;

    if (key.at == NULL || key.bytes == 0 || !json_is_utf8(key)) {
        snprintf(detail, JSON_DETAIL_BYTES, "its key is no text");
        return -1;
    }
    if (value.at != NULL) {
        if (json_read(json, value, &object, detail) != ERROR_NONE)
            return -1;
        read_members(json, object, 0, RELAY_DETECTED_AT, &alert);
        for (const struct cJSON *member = object->child; member != NULL; member = member->next)
            if (json_is_object(member) && slice_is(json_key(member), "arrival"))
                read_members(json, member, RELAY_DETECTED_AT, RELAY_FIELDS_COUNT, &alert);
        if ((fault = find_fault(&alert)) != NULL) {
            snprintf(detail, JSON_DETAIL_BYTES, "%s", fault);
            return -1;
        }
    }
    *ret_alert = alert;
    return 0;
}

bool
relay_alert_is_over(const struct relay_alert *alert)
{
    return alert->state >= RELAY_RESOLVED;
}

const char *
relay_alert_state_text(enum relay_state state)
{
    return relay_state_names[state];
}

/* ---- for people ---- */

static void
append_list(const struct relay_alert *alert, struct buffer *out)
{
    static const enum relay_field listed[] = {RELAY_CUSTOMER, RELAY_SERVICE, RELAY_PRIORITY};
    bool any = false;

    for (size_t i = 0; i < sizeof listed / sizeof *listed; i++)
        if (alert->fields[listed[i]].bytes > 0) {
            buffer_append_text(out, any ? ", " : " (");
            buffer_append_slice(out, alert->fields[listed[i]]);
            any = true;
        }
    if (any)
        buffer_append_byte(out, ')');
}

static void
append_detractor(const struct relay_alert *alert, struct buffer *out)
{
    buffer_append_text(out, ": negative answer");
    if (alert->fields[RELAY_SCALE].at != NULL) {
        buffer_append_text(out, ", ");
        buffer_append_slice(out, alert->fields[RELAY_SCORE]);
        buffer_append_text(out, " on ");
        buffer_append_slice(out, alert->fields[RELAY_SCALE]);
    }
}

void
relay_alert_append_summary(const struct relay_alert *alert, size_t bytes_max, struct buffer *out)
{
    size_t from = out->bytes;

    buffer_append_slice(out,
                        alert->fields[RELAY_TICKET].at != NULL ? alert->fields[RELAY_TICKET] : alert->key);
    append_list(alert, out);
    if (slice_is(alert->fields[RELAY_KIND], "experience"))
        append_detractor(alert, out);
    else if (alert->state != RELAY_REMOVED) {
        buffer_append_text(out, ": ");
        buffer_append_slice(out, alert->fields[RELAY_KIND]);
        buffer_append_byte(out, ' ');
        buffer_append_slice(out, alert->fields[RELAY_CLOCK]);
        buffer_append_byte(out, ' ');
        buffer_append_slice(out, alert->fields[RELAY_STAGE]);
        buffer_append_text(out, "; ");
        buffer_append_slice(out, alert->fields[RELAY_REASON]);
    }
    if (out->bytes - from > bytes_max) {
        out->bytes = from + bytes_max;
        while (out->bytes > from && ((unsigned char)out->at[out->bytes] & 0xc0) == 0x80)
            out->bytes--;
    }
    for (size_t i = from; i < out->bytes; i++)
        if ((unsigned char)out->at[i] < 0x20 || out->at[i] == 0x7f)
            out->at[i] = ' ';
}

static void
append_encoded(struct slice text, struct buffer *out)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.at[i];

        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
            byte == '-' || byte == '_' || byte == '.' || byte == '~')
            buffer_append_byte(out, (char)byte);
        else {
            buffer_append_byte(out, '%');
            buffer_append_byte(out, digits[byte >> 4]);
            buffer_append_byte(out, digits[byte & 15]);
        }
    }
}

void
relay_alert_append_link(const struct relay_alert *alert, const char *board, struct buffer *out)
{
    struct slice base = slice_of(board);

    if (board == NULL || alert->fields[RELAY_TICKET].bytes == 0)
        return;
    while (base.bytes > 0 && base.at[base.bytes - 1] == '/')
        base.bytes--;
    buffer_append_slice(out, base);
    buffer_append_text(out, "/?view=ticket&ticket=");
    append_encoded(alert->fields[RELAY_TICKET], out);
}

/* ---- filters ---- */

bool
relay_filter_add(struct relay_filter *filter, enum relay_field field, const char *text)
{
    if (filter->words_count == RELAY_FILTER_WORDS_MAX)
        return false;
    filter->words[filter->words_count].field = field;
    filter->words[filter->words_count].text = text;
    filter->words_count++;
    return true;
}

static bool
word_matches(enum relay_field field, const char *text, const struct relay_alert *alert)
{
    struct slice value = alert->fields[field];

    if (field == RELAY_STAGE && strcmp(text, "warn") == 0)
        return value.bytes > 5 && memcmp(value.at, "warn-", 5) == 0;
    return value.at != NULL && slice_is(value, text);
}

bool
relay_filter_matches(const struct relay_filter *filter, const struct relay_alert *alert)
{
    bool asked[RELAY_FIELDS_COUNT] = {0}, found[RELAY_FIELDS_COUNT] = {0};

    for (size_t i = 0; i < filter->words_count; i++) {
        asked[filter->words[i].field] = true;
        found[filter->words[i].field] |= word_matches(filter->words[i].field, filter->words[i].text, alert);
    }
    for (int i = 0; i < RELAY_FIELDS_COUNT; i++)
        if (asked[i] && !found[i])
            return false;
    return true;
}
