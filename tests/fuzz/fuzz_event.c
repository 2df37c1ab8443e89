/* The event decoder: the first byte chooses topic and headers, the rest is the value. What passes keeps every
 * promise of event_read.c, and is the same when it is read again. */
#include "base/panic.h"
#include "wire/event_read.h"
#include "wire/json.h"

static void
check_text(struct slice text, bool required)
{
    must(text.at != NULL || (text.bytes == 0 && !required));
    must(text.bytes <= EVENT_TEXT_BYTES_MAX && (text.bytes > 0 || !required));
    must(text.at == NULL || json_is_utf8(text));
}

static void
check_event(const struct event *event, enum event_topic topic)
{
    must((int)event->type >= 0 && event->type < EVENT_TYPES_COUNT);
    must((event_type_topic(event->type) & topic) != 0);
    check_text(event->id, true);
    check_text(event->source, false);
    check_text(event->ticket, topic == EVENT_TOPIC_TICKETS);
    for (int i = 0; i < ATTRIBUTES_COUNT; i++) {
        check_text(event->attributes[i], false);
        must(event->attributes[i].at == NULL || (event->attributes_present >> i & 1) != 0);
    }
    must(!event->has_created_at || event->created_at_ms <= event->at_ms);
    must(event->type != EVENT_TICKET_MERGED || !slice_equal(event->into, event->ticket));
    must(event->feedback.aspects_count <= EVENT_ASPECTS_MAX);
    must(event->feedback.lost_minutes >= 0 && event->feedback.lost_minutes <= 10000000);
    must(event->type != EVENT_FEEDBACK_SUBMITTED ||
         (event->feedback.has_score && event->feedback.scale.bytes > 0));
    (void)event_read_topic(event);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static struct event_reader *reader;
    struct event_headers headers = {0};
    struct event event;
    char detail[EVENT_DETAIL_BYTES];
    enum event_topic topic;
    struct slice value;
    enum error_code error;

    if (reader == NULL)
        reader = event_reader_new();
    if (count == 0)
        return 0;
    topic = (enum event_topic)(bytes[0] % 3 + 1);
    value = (struct slice){(const char *)bytes + 1, count - 1};
    if ((bytes[0] & 4) != 0)
        event_headers_note(&headers, slice_of("content-type"), slice_of("application/cloudevents+json"));
    if ((bytes[0] & 8) != 0) {
        struct slice text = {value.at, value.bytes < 64 ? value.bytes : 64};

        event_headers_note(&headers, slice_of("ce_specversion"), slice_of("1.0"));
        event_headers_note(&headers, slice_of((bytes[0] & 16) != 0 ? "ce_id" : "ce_time"), text);
    }
    error = event_read(reader, value, (bytes[0] & 12) != 0 ? &headers : NULL, topic, &event, detail);
    must(memchr(detail, '\0', sizeof detail) != NULL);
    must((error == ERROR_NONE) == (detail[0] == '\0'));
    if (error == ERROR_NONE)
        check_event(&event, topic);
    return 0;
}
