#ifndef SLAD_WIRE_EVENT_READ_H
#define SLAD_WIRE_EVENT_READ_H

/*
 * Events in (semantics.md section 2, rulings R7-R14): the bytes of one record's value, and its headers,
 * become a struct event, or are refused with a code. What is decided here is form: types, words, bounds,
 * required fields. What needs a policy, a ticket or a clock to be judged is the engine's. docs/events.md is
 * the reference for users.
 *
 * Three forms: the native object; a CloudEvents 1.0 envelope around it (structured mode: the object names
 * specversion and holds `data`); CloudEvents headers beside it (binary mode, the Kafka protocol binding).
 */
#include "base/slice.h"
#include "slad/event.h"

enum { EVENT_DETAIL_BYTES = 256, EVENT_TEXT_BYTES_MAX = 1024, EVENT_ALERT_KEY_BYTES_MAX = 8192 };

/* The record headers that matter, at NULL when absent. Zeroes are "none". Slices are borrowed. */
struct event_headers {
    struct slice content_type;
    struct slice specversion;
    struct slice id;
    struct slice source;
    struct slice type;
    struct slice time;
};

/* Takes one header of a Kafka record if it is one that matters (content-type, ce_...), else does nothing. The
 * last one of a name wins. Content is checked by event_read. */
void event_headers_note(struct event_headers *headers, struct slice name, struct slice value);

struct event_reader;

struct event_reader *event_reader_new(void);
void event_reader_free(struct event_reader *reader);

/* Reads one value. topic: the topic it came on; BOTH for a mixed stream (replay). ERROR_NONE: *ret_event is
 * filled, its slices live until the next event_read, event_reader_free, or until value or the headers die.
 * Else *ret_event is undefined and detail says what was expected, what was found, and where: "priority:
 * expected text or null, found number at byte 87". */
enum error_code event_read(struct event_reader *reader, struct slice value,
                           const struct event_headers *headers_or_null, enum event_topic topic,
                           struct event *ret_event, char detail[EVENT_DETAIL_BYTES]);

/* `arrived_at` of the event read last (replay's own field): true when it stands there. */
bool event_reader_arrived_at(const struct event_reader *reader, int64_t *ret_at_ms);
/* The topic an event belongs on: TICKETS or FEEDBACK. alert.acknowledged goes where its alert is made: the
 * keys of detractor alerts have `experience` as their kind. */
enum event_topic event_read_topic(const struct event *event);
/* Memory held, for the metric. */
size_t event_reader_bytes(const struct event_reader *reader);

#endif
