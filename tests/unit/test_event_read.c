/* The decoder of events: every field, every refusal that decoding can give, the three forms. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/memory.h"
#include "wire/event_read.h"

#define TIME "\"time\":\"2026-11-22T10:15:30.000Z\""
#define AT_MS INT64_C(1795342530000)
#define TICKET "\"ticket\":\"INC001\""
#define CREATED "{\"type\":\"ticket.created\"," TIME "," TICKET
#define UPDATED "{\"type\":\"ticket.updated\"," TIME "," TICKET
#define SUBMITTED "{\"type\":\"feedback.submitted\"," TIME "," TICKET ",\"feedback\":"

struct fixture {
    struct event_reader *reader;
    struct event event;
    char detail[EVENT_DETAIL_BYTES];
};

static int
setup(void **state)
{
    struct fixture *fixture = memory_allocate_zeroed(1, sizeof *fixture);

    fixture->reader = event_reader_new();
    *state = fixture;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fixture = *state;

    event_reader_free(fixture->reader);
    memory_free(fixture);
    return 0;
}

static enum error_code
read_on(struct fixture *fixture, const char *text, const struct event_headers *headers,
        enum event_topic topic)
{
    enum error_code error =
        event_read(fixture->reader, slice_of(text), headers, topic, &fixture->event, fixture->detail);

    if ((error == ERROR_NONE) != (fixture->detail[0] == '\0'))
        fail_msg("%s: %s, detail \"%s\"", text, error_code_text(error), fixture->detail);
    return error;
}

static const struct event *
sound(struct fixture *fixture, const char *text)
{
    if (read_on(fixture, text, NULL, EVENT_TOPIC_BOTH) != ERROR_NONE)
        fail_msg("%s: %s", text, fixture->detail);
    return &fixture->event;
}

/* ---- what is read ---- */

static void
test_every_field(void **state)
{
    static const char text[] =
        "{\"id\":\"e-1\",\"source\":\"snow\",\"type\":\"ticket.created\"," TIME ",\"seq\":7," TICKET
        ",\"customer\":\"acme\",\"contract\":\"acme-gold\",\"service\":\"network\",\"category\":\"incident\","
        "\"priority\":\"P2\",\"status\":\"New\",\"group\":\"service-desk\",\"assignee\":null,\"user_group\":"
        "\"stores\","
        "\"requester\":\"u-77\",\"channel\":\"portal\",\"actor\":\"requester\",\"by\":\"u-77\",\"public\":"
        "true,"
        "\"canned\":false,\"handled_by\":\"human\",\"waiting_on\":[\"customer\",\"supplier\"],"
        "\"created_at\":\"2026-11-22T11:15:29.999+01:00\",\"arrived_at\":\"2026-11-22T10:16:00Z\","
        "\"into\":\"X\",\"clock\":\"sla/"
        "x\",\"reason\":\"r\",\"alert\":\"a\",\"to\":\"t\",\"impact\":{\"a\":[1]},\"urgency\":2}";
    static const char *const attributes[ATTRIBUTES_COUNT] = {"acme", "acme-gold",    "network", "incident",
                                                             "P2",   "service-desk", "stores",  "portal",
                                                             "u-77", NULL,           "New"};
    const struct event *event = sound(*state, text);
    int64_t arrived_at_ms = 0;

    assert_int_equal(event->type, EVENT_TICKET_CREATED);
    assert_int_equal(event->at_ms, AT_MS);
    assert_true(event->has_seq);
    assert_int_equal(event->seq, 7);
    assert_true(slice_is(event->id, "e-1"));
    assert_true(slice_is(event->source, "snow"));
    assert_true(slice_is(event->ticket, "INC001"));
    assert_int_equal(event->attributes_present, (1 << ATTRIBUTES_COUNT) - 1);
    for (int i = 0; i < ATTRIBUTES_COUNT; i++)
        assert_true(slice_is(event->attributes[i], attributes[i]));
    assert_null(event->attributes[ATTRIBUTE_ASSIGNEE].at);
    assert_int_equal(event->actor, ACTOR_REQUESTER);
    assert_true(slice_is(event->by, "u-77"));
    assert_int_equal(event->is_public, EVENT_FLAG_TRUE);
    assert_int_equal(event->canned, EVENT_FLAG_FALSE);
    assert_int_equal(event->handled_by, HANDLED_BY_HUMAN);
    assert_true(event->has_waiting_on);
    assert_int_equal(event->waiting_on, PARTY_BIT(PARTY_CUSTOMER) | PARTY_BIT(PARTY_SUPPLIER));
    assert_true(event->has_created_at);
    assert_int_equal(event->created_at_ms, AT_MS - 1);
    assert_true(slice_is(event->into, "X"));
    assert_true(slice_is(event->clock, "sla/x"));
    assert_true(slice_is(event->reason, "r"));
    assert_true(slice_is(event->alert, "a"));
    assert_true(slice_is(event->to, "t"));
    assert_int_equal(event->unknown_fields, 2);
    assert_true(event_reader_arrived_at(((struct fixture *)*state)->reader, &arrived_at_ms));
    assert_int_equal(arrived_at_ms, AT_MS + 30000);
}

/* What is absent is missing, not null (R7), and nothing of the event before is left. */
static void
test_absent_fields(void **state)
{
    const struct event *event;
    int64_t arrived_at_ms;

    test_every_field(state);
    event = sound(*state, "{" TIME ",\"type\":\"ticket.updated\"," TICKET "}");
    assert_int_equal(event->attributes_present, 0);
    assert_int_equal(event->actor, ACTOR_MISSING);
    assert_int_equal(event->is_public, EVENT_FLAG_MISSING);
    assert_int_equal(event->canned, EVENT_FLAG_MISSING);
    assert_int_equal(event->handled_by, HANDLED_BY_MISSING);
    assert_false(event->has_seq || event->has_waiting_on || event->has_created_at);
    assert_null(event->source.at);
    assert_null(event->by.at);
    assert_null(event->feedback.id.at);
    assert_int_equal(event->unknown_fields, 0);
    assert_false(event_reader_arrived_at(((struct fixture *)*state)->reader, &arrived_at_ms));
    event =
        sound(*state, UPDATED
              ",\"seq\":null,\"actor\":null,\"public\":null,\"canned\":null,\"handled_by\":null,\"id\":null,"
              "\"source\":null,\"by\":null,\"created_at\":null,\"arrived_at\":null,\"feedback\":null}");
    assert_int_equal(event->actor, ACTOR_MISSING);
    assert_int_equal(event->is_public, EVENT_FLAG_MISSING);
    assert_false(event->has_seq || event->has_created_at);
    assert_int_equal(event->id.bytes, 32);
}

/* R8: [] and null clear, one name needs no list. */
static void
test_waiting_on(void **state)
{
    static const struct {
        const char *value;
        uint8_t parties;
    } rows[] = {{"null", 0},
                {"[]", 0},
                {"\"customer\"", PARTY_BIT(PARTY_CUSTOMER)},
                {"[\"nobody\"]", PARTY_BIT(PARTY_NOBODY)},
                {"[\"customer_supplier\",\"provider\",\"provider\"]",
                 PARTY_BIT(PARTY_CUSTOMER_SUPPLIER) | PARTY_BIT(PARTY_PROVIDER)}};
    char text[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct event *event;

        (void)snprintf(text, sizeof text, UPDATED ",\"waiting_on\":%s}", rows[i].value);
        event = sound(*state, text);
        assert_true(event->has_waiting_on);
        assert_int_equal(event->waiting_on, rows[i].parties);
    }
}

static void
test_id_of_the_payload(void **state)
{
    char first[33], second[33];
    const struct event *event = sound(*state, UPDATED "}");

    assert_int_equal(event->id.bytes, 32);
    memcpy(first, event->id.at, 33);
    assert_int_equal(strspn(first, "0123456789abcdef"), 32);
    event = sound(*state, UPDATED " }");
    memcpy(second, event->id.at, 33);
    assert_string_not_equal(first, second);
    event = sound(*state, UPDATED ",\"id\":\"\"}");
    assert_int_equal(event->id.bytes, 32);
    event = sound(*state, UPDATED "}");
    assert_true(slice_is(event->id, first));
    /* It is written down in histories: it must never change. */
    assert_string_equal(first, "0a63e2f53ef50d28fd5acdb139893206");
}

static void
test_feedback(void **state)
{
    const struct event *event = sound(
        *state, SUBMITTED
        "{\"id\":\"f-1\",\"survey\":\"post-ticket\",\"touchpoint\":\"resolution\",\"scale\":\"stars5\","
        "\"score\":4,\"aspects\":{\"speed\":5,\"left out\":null,\"clarity\":-2},\"lost_minutes\":45,"
        "\"respondent\":\"u-77\",\"comment\":\"typed by somebody\",\"mood\":1},\"user_group\":\"stores\"}");
    const struct feedback *feedback = &event->feedback;

    assert_true(slice_is(feedback->id, "f-1"));
    assert_true(slice_is(feedback->survey, "post-ticket"));
    assert_true(slice_is(feedback->touchpoint, "resolution"));
    assert_true(slice_is(feedback->scale, "stars5"));
    assert_true(slice_is(feedback->respondent, "u-77"));
    assert_true(feedback->has_score && feedback->has_lost_minutes);
    assert_int_equal(feedback->score, 4);
    assert_int_equal(feedback->lost_minutes, 45);
    assert_int_equal(feedback->aspects_count, 2);
    assert_true(slice_is(feedback->aspects[1].name, "clarity"));
    assert_int_equal(feedback->aspects[1].score, -2);
    assert_int_equal(event->unknown_fields, 1);
    assert_int_equal(event->attributes_present, ATTRIBUTE_BIT(ATTRIBUTE_USER_GROUP));

    event = sound(*state, "{\"type\":\"feedback.offered\"," TIME
                          ",\"customer\":\"acme\",\"feedback\":{\"id\":\"f-1\",\"scale\":\"nps\","
                          "\"score\":9}}");
    assert_null(event->feedback.scale.at);
    assert_false(event->feedback.has_score);
    assert_null(event->ticket.at);
    /* on a ticket's event it is nothing we know */
    event = sound(*state, UPDATED ",\"feedback\":7}");
    assert_null(event->feedback.id.at);
    assert_int_equal(event->unknown_fields, 1);
}

/* ---- what is refused ---- */

struct refusal {
    const char *text;
    enum event_topic topic;
    enum error_code error;
    const char *detail; /* NULL: any */
};

#define BOTH EVENT_TOPIC_BOTH
#define WRONG(member) UPDATED "," member "}", BOTH, ERROR_WRONG_TYPE

static const struct refusal refusals[] = {
    /* the door's */
    {"", BOTH, ERROR_BAD_JSON, NULL},
    {"{\"a\":\"\\ud800\"}", BOTH, ERROR_BAD_UTF8, NULL},
    {"{\"a\":1,\"a\":1}", BOTH, ERROR_DUPLICATE_KEY, "a: the key stands twice in one object"},
    /* required */
    {"{}", BOTH, ERROR_MISSING_FIELD, "type: required, but it is not there"},
    {"{\"type\":null," TIME "," TICKET "}", BOTH, ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"ticket.created\"," TICKET "}", BOTH, ERROR_MISSING_FIELD,
     "time: required, but it is not there"},
    {"{\"type\":\"ticket.created\",\"time\":null," TICKET "}", BOTH, ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"ticket.created\"," TIME "}", BOTH, ERROR_MISSING_FIELD,
     "ticket: required, but it is not there"},
    {"{\"type\":\"ticket.created\"," TIME ",\"ticket\":\"\"}", BOTH, ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"ticket.merged\"," TIME "," TICKET "}", BOTH, ERROR_MISSING_FIELD,
     "into: required, but it is not there"},
    {"{\"type\":\"verdict.excused\"," TIME "," TICKET ",\"by\":\"a\"}", BOTH, ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"verdict.excused\"," TIME "," TICKET ",\"clock\":\"sla/a\"}", BOTH, ERROR_MISSING_FIELD,
     NULL},
    {"{\"type\":\"alert.acknowledged\"," TIME "," TICKET ",\"by\":\"a\"}", BOTH, ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"alert.acknowledged\"," TIME "," TICKET ",\"alert\":\"a\"}", BOTH, ERROR_MISSING_FIELD,
     NULL},
    {"{\"type\":\"alert.acknowledged\"," TIME
     ",\"alert\":\"INC1/sla/r/1/breach\",\"by\":\"a\",\"customer\":\"acme\"}",
     BOTH, ERROR_MISSING_FIELD, "ticket: required, but it is not there"},
    {"{\"type\":\"alert.acknowledged\"," TIME ",\"alert\":\"acme/experience/s/f/detractor\",\"by\":\"a\"}",
     BOTH, ERROR_MISSING_FIELD, "ticket or customer: required, but it is not there"},
    {"{\"type\":\"feedback.submitted\"," TIME "," TICKET "}", BOTH, ERROR_MISSING_FIELD,
     "feedback: required, but it is not there"},
    {"{\"type\":\"feedback.withdrawn\"," TIME "," TICKET ",\"feedback\":{\"id\":\"\"}}", BOTH,
     ERROR_MISSING_FIELD, "feedback.id: required, but it is not there"},
    {"{\"type\":\"feedback.offered\"," TIME ",\"feedback\":{\"id\":\"f\"}}", BOTH, ERROR_MISSING_FIELD,
     "ticket or customer: required, but it is not there"},
    {SUBMITTED "{\"id\":\"f\",\"score\":4}}", BOTH, ERROR_MISSING_FIELD,
     "feedback.scale: required, but it is not there"},
    {SUBMITTED "{\"id\":\"f\",\"scale\":\"nps\"}}", BOTH, ERROR_MISSING_FIELD,
     "feedback.score: required, but it is not there"},
    {"{\"type\":\"contract.moved\"," TIME
     ",\"customer\":\"a\",\"to\":\"plan\",\"by\":\"b\",\"reason\":\"r\"}",
     BOTH, ERROR_MISSING_FIELD, "contract: required, but it is not there"},
    {"{\"type\":\"contract.moved\"," TIME ",\"contract\":\"a\",\"by\":\"b\",\"reason\":\"r\"}", BOTH,
     ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"contract.moved\"," TIME ",\"contract\":\"a\",\"to\":\"plan\",\"reason\":\"r\"}", BOTH,
     ERROR_MISSING_FIELD, NULL},
    {"{\"type\":\"contract.moved\"," TIME ",\"contract\":\"a\",\"to\":\"plan\",\"by\":\"b\"}", BOTH,
     ERROR_MISSING_FIELD, NULL},
    /* types of events */
    {"{\"type\":\"ticket.exploded\"," TIME "," TICKET "}", BOTH, ERROR_UNKNOWN_TYPE,
     "type: no event type is called \"ticket.exploded\""},
    {CREATED "}", EVENT_TOPIC_FEEDBACK, ERROR_UNKNOWN_TYPE,
     "type: ticket.created does not belong on this topic"},
    {SUBMITTED "{\"id\":\"f\",\"scale\":\"nps\",\"score\":4}}", EVENT_TOPIC_TICKETS, ERROR_UNKNOWN_TYPE,
     NULL},
    {"{\"type\":\"Ticket.created\"," TIME "," TICKET "}", BOTH, ERROR_UNKNOWN_TYPE, NULL},
    /* times (R10, R13) */
    {"{\"type\":\"ticket.created\",\"time\":\"yesterday\"," TICKET "}", BOTH, ERROR_BAD_TIME,
     "time: expected an RFC 3339 instant, found \"yesterday\" at byte 32"},
    {"{\"type\":\"ticket.created\",\"time\":\"2026-11-22T10:15:60Z\"," TICKET "}", BOTH, ERROR_BAD_TIME,
     NULL},
    {"{\"type\":\"ticket.created\",\"time\":\"0000-11-22T10:15:30Z\"," TICKET "}", BOTH, ERROR_BAD_TIME,
     NULL},
    {"{\"type\":\"ticket.created\",\"time\":\"2026-02-29T10:15:30Z\"," TICKET "}", BOTH, ERROR_BAD_TIME,
     NULL},
    {"{\"type\":\"ticket.created\",\"time\":\"2026-11-22T10:15:30\"," TICKET "}", BOTH, ERROR_BAD_TIME, NULL},
    {UPDATED ",\"created_at\":\"2026-11-22T10:15:30.001Z\"}", BOTH, ERROR_BAD_TIME,
     "created_at: after the event's own time"},
    {"{\"created_at\":\"2026-11-22T10:15:30.001Z\",\"type\":\"ticket.updated\"," TIME "," TICKET "}", BOTH,
     ERROR_BAD_TIME, NULL},
    {UPDATED ",\"created_at\":\"x\"}", BOTH, ERROR_BAD_TIME, NULL},
    {UPDATED ",\"arrived_at\":\"soon\"}", BOTH, ERROR_BAD_TIME, NULL},
    /* merges */
    {"{\"type\":\"ticket.merged\"," TIME "," TICKET ",\"into\":\"INC001\"}", BOTH, ERROR_BAD_MERGE,
     "into: the ticket itself"},
    /* JSON types and words */
    {"{\"type\":5," TIME "," TICKET "}", BOTH, ERROR_WRONG_TYPE,
     "type: expected text, found number at byte 8"},
    {"{\"type\":\"ticket.created\",\"time\":1795342530," TICKET "}", BOTH, ERROR_WRONG_TYPE, NULL},
    {WRONG("\"id\":5"), NULL},
    {WRONG("\"source\":{}"), NULL},
    {WRONG("\"ticket2\":1,\"customer\":5"), NULL},
    {WRONG("\"contract\":[]"), NULL},
    {WRONG("\"service\":true"), NULL},
    {WRONG("\"category\":{}"), NULL},
    {WRONG("\"priority\":2"), "priority: expected text or null, found number at byte 88"},
    {WRONG("\"group\":[\"a\"]"), NULL},
    {WRONG("\"user_group\":1"), NULL},
    {WRONG("\"channel\":1"), NULL},
    {WRONG("\"requester\":1"), NULL},
    {WRONG("\"assignee\":1"), NULL},
    {WRONG("\"status\":1"), NULL},
    {WRONG("\"seq\":\"7\""), "seq: expected an integer from 0 to 9007199254740992, found text at byte 83"},
    {WRONG("\"actor\":\"robot\""),
     "actor: expected requester, customer, agent, supplier, bot or system, found \"robot\" at byte 85"},
    {WRONG("\"actor\":1"), NULL},
    {WRONG("\"by\":1"), NULL},
    {WRONG("\"public\":\"yes\""), "public: expected true, false or null, found text at byte 86"},
    {WRONG("\"canned\":1"), NULL},
    {WRONG("\"handled_by\":\"nobody\""), NULL},
    {WRONG("\"handled_by\":false"), NULL},
    {WRONG("\"waiting_on\":\"us\""), NULL},
    {WRONG("\"waiting_on\":[\"customer\",\"us\"]"), NULL},
    {WRONG("\"waiting_on\":[null]"), NULL},
    {WRONG("\"waiting_on\":{}"), NULL},
    {WRONG("\"created_at\":5"), NULL},
    {WRONG("\"arrived_at\":5"), NULL},
    {WRONG("\"into\":5"), NULL},
    {WRONG("\"clock\":5"), NULL},
    {WRONG("\"reason\":5"), NULL},
    {WRONG("\"alert\":5"), NULL},
    {WRONG("\"to\":5"), NULL},
    {"{\"type\":\"verdict.excused\"," TIME "," TICKET ",\"by\":\"a\",\"clock\":\"resolution\"}", BOTH,
     ERROR_WRONG_TYPE, NULL},
    {"{\"type\":\"verdict.excused\"," TIME "," TICKET ",\"by\":\"a\",\"clock\":\"sla/\"}", BOTH,
     ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "7}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":7}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"survey\":7}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"touchpoint\":7}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"scale\":7}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"score\":\"7\"}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"aspects\":[]}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"aspects\":{\"a\":\"b\"}}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"lost_minutes\":\"7\"}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"respondent\":7}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"comment\":7}}", BOTH, ERROR_WRONG_TYPE, NULL},
    /* numbers */
    {UPDATED ",\"seq\":-1}", BOTH, ERROR_NUMBER_OUT_OF_RANGE,
     "seq: expected an integer from 0 to 9007199254740992, found -1 at byte 83"},
    {UPDATED ",\"seq\":9007199254740993}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {UPDATED ",\"seq\":7.0}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {UPDATED ",\"seq\":7e0}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"score\":2147483648}}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"score\":4.5}}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"aspects\":{\"a\":4.5}}}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"lost_minutes\":-1}}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    {SUBMITTED "{\"id\":\"f\",\"lost_minutes\":10000001}}", BOTH, ERROR_NUMBER_OUT_OF_RANGE, NULL},
    /* CloudEvents */
    {"{\"specversion\":\"1.0\",\"id\":\"c\"}", BOTH, ERROR_MISSING_FIELD,
     "data: required, but it is not there"},
    {"{\"specversion\":\"1.0\",\"data\":[]}", BOTH, ERROR_WRONG_TYPE,
     "data: expected an object, found list at byte 28"},
    {"{\"specversion\":\"0.3\",\"data\":{}}", BOTH, ERROR_WRONG_TYPE,
     "specversion: expected \"1.0\", found \"0.3\""},
    {"{\"specversion\":1.0,\"data\":{}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {"{\"specversion\":\"1.0\",\"datacontenttype\":\"text/xml\",\"data\":{}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {"{\"specversion\":\"1.0\",\"id\":7,\"data\":{}}", BOTH, ERROR_WRONG_TYPE, NULL},
    {"{\"specversion\":\"1.0\",\"type\":\"com.example.thing\",\"data\":{" TIME "," TICKET "}}", BOTH,
     ERROR_UNKNOWN_TYPE, NULL},
    {"{\"specversion\":\"1.0\",\"time\":\"x\",\"data\":{\"type\":\"ticket.updated\"," TICKET "}}", BOTH,
     ERROR_BAD_TIME, NULL},
};

static void
test_refusals(void **state)
{
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *row = &refusals[i];
        enum error_code error = read_on(fixture, row->text, NULL, row->topic);

        if (error != row->error || (row->detail != NULL && strcmp(row->detail, fixture->detail) != 0))
            fail_msg("%s: %s \"%s\", expected %s \"%s\"", row->text, error_code_text(error), fixture->detail,
                     error_code_text(row->error), row->detail != NULL ? row->detail : "");
    }
}

/* Texts have at most 1,024 bytes, aspects at most 64; a comment only the value's own bound. */
static void
test_bounds(void **state)
{
    static const char *const formats[] = {
        UPDATED ",\"id\":\"%s\"}",
        UPDATED ",\"source\":\"%s\"}",
        UPDATED ",\"assignee\":\"%s\"}",
        UPDATED ",\"status\":\"%s\"}",
        UPDATED ",\"by\":\"%s\"}",
        UPDATED ",\"into\":\"%s\"}",
        UPDATED ",\"reason\":\"%s\"}",
        SUBMITTED "{\"id\":\"%s\",\"scale\":\"nps\",\"score\":1}}",
        SUBMITTED "{\"id\":\"f\",\"scale\":\"nps\",\"score\":1,\"aspects\":{\"%s\":1}}}",
    };
    struct fixture *fixture = *state;
    char longest[EVENT_TEXT_BYTES_MAX + 2], text[16384];
    size_t bytes;

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        memset(longest, 'x', sizeof longest);
        longest[EVENT_TEXT_BYTES_MAX] = '\0';
        (void)snprintf(text, sizeof text, formats[i], longest);
        (void)sound(fixture, text);
        longest[EVENT_TEXT_BYTES_MAX] = 'x';
        longest[EVENT_TEXT_BYTES_MAX + 1] = '\0';
        (void)snprintf(text, sizeof text, formats[i], longest);
        assert_int_equal(read_on(fixture, text, NULL, BOTH), ERROR_TOO_LARGE);
    }
    (void)snprintf(text, sizeof text,
                   SUBMITTED "{\"id\":\"f\",\"scale\":\"nps\",\"score\":1,\"comment\":\"%s\"}}", longest);
    (void)sound(fixture, text);
    (void)snprintf(text, sizeof text, UPDATED ",\"alert\":\"%s%s%s\"}", longest, longest, longest);
    (void)sound(fixture, text); /* a key holds escaped texts: it has more room */
    memset(text, 'x', sizeof text);
    memcpy(text, UPDATED ",\"alert\":\"", sizeof(UPDATED ",\"alert\":\"") - 1);
    (void)strcpy(text + sizeof(UPDATED ",\"alert\":\"") - 1 + EVENT_ALERT_KEY_BYTES_MAX + 1, "\"}");
    assert_int_equal(read_on(fixture, text, NULL, BOTH), ERROR_TOO_LARGE);
    for (int count = 64; count <= 65; count++) {
        bytes = (size_t)snprintf(text, sizeof text,
                                 SUBMITTED "{\"id\":\"f\",\"scale\":\"nps\",\"score\":1,\"aspects\":{");
        for (int i = 0; i < count; i++)
            bytes +=
                (size_t)snprintf(text + bytes, sizeof text - bytes, "%s\"a%d\":%d", i > 0 ? "," : "", i, i);
        (void)snprintf(text + bytes, sizeof text - bytes, "}}}");
        assert_int_equal(read_on(fixture, text, NULL, BOTH), count == 64 ? ERROR_NONE : ERROR_TOO_LARGE);
    }
}

/* A message is bounded and printable, whatever strangers write. */
static void
test_details_are_tame(void **state)
{
    struct fixture *fixture = *state;
    char text[1024], longest[601];

    memset(longest, 'y', 600);
    longest[600] = '\0';
    (void)snprintf(text, sizeof text, UPDATED ",\"actor\":\"\\n\\u0007\xc3\xa4\\\"%s\"}", longest);
    assert_int_equal(read_on(fixture, text, NULL, BOTH), ERROR_WRONG_TYPE);
    assert_true(strlen(fixture->detail) < EVENT_DETAIL_BYTES - 1);
    for (const char *at = fixture->detail; *at != '\0'; at++)
        assert_true(*at >= 0x20 && *at < 0x7f);
    assert_non_null(strstr(fixture->detail, "found \"?????yyy"));
}

/* ---- topics ---- */

static void
test_topics(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(read_on(fixture, CREATED "}", NULL, EVENT_TOPIC_TICKETS), ERROR_NONE);
    assert_int_equal(event_read_topic(&fixture->event), EVENT_TOPIC_TICKETS);
    assert_int_equal(read_on(fixture,
                             "{\"type\":\"contract.moved\"," TIME
                             ",\"contract\":\"a\",\"to\":\"plan\",\"by\":\"b\",\"reason\":\"r\"}",
                             NULL, EVENT_TOPIC_FEEDBACK),
                     ERROR_NONE);
    assert_int_equal(event_read_topic(&fixture->event), EVENT_TOPIC_FEEDBACK);
    assert_int_equal(read_on(fixture,
                             "{\"type\":\"alert.acknowledged\"," TIME "," TICKET
                             ",\"alert\":\"INC001/sla/r/1/breach\",\"by\":\"a\"}",
                             NULL, BOTH),
                     ERROR_NONE);
    assert_int_equal(event_read_topic(&fixture->event), EVENT_TOPIC_TICKETS);
    assert_int_equal(
        read_on(fixture,
                "{\"type\":\"alert.acknowledged\"," TIME
                ",\"customer\":\"acme\",\"alert\":\"acme/experience/s/f/detractor\",\"by\":\"a\"}",
                NULL, BOTH),
        ERROR_NONE);
    assert_int_equal(event_read_topic(&fixture->event), EVENT_TOPIC_FEEDBACK);
    /* a ticket is required on `tickets`, whatever the key */
    assert_int_equal(
        read_on(fixture,
                "{\"type\":\"alert.acknowledged\"," TIME
                ",\"customer\":\"acme\",\"alert\":\"acme/experience/s/f/detractor\",\"by\":\"a\"}",
                NULL, EVENT_TOPIC_TICKETS),
        ERROR_MISSING_FIELD);
}

/* ---- CloudEvents ---- */

static void
test_structured(void **state)
{
    const struct event *event = sound(
        *state,
        "{\"type\":\"com.example.ignored\",\"id\":\"ce-1\",\"source\":\"/"
        "snow\",\"time\":\"2020-01-01T00:00:00Z\","
        "\"specversion\":\"1.0\",\"datacontenttype\":\"application/json; charset=utf-8\",\"subject\":\"x\","
        "\"data\":{\"id\":\"e-1\",\"source\":\"body\",\"type\":\"ticket.updated\"," TIME "," TICKET
        ",\"extra\":1}}");

    assert_true(slice_is(event->id, "ce-1"));
    assert_true(slice_is(event->source, "/snow"));
    assert_int_equal(event->type, EVENT_TICKET_UPDATED);
    assert_int_equal(event->at_ms, AT_MS);
    assert_int_equal(event->unknown_fields, 1);

    event = sound(
        *state,
        "{\"specversion\":\"1.0\",\"id\":\"ce-1\",\"source\":\"/snow\",\"type\":\"ticket.updated\"," TIME
        ",\"data\":{" TICKET ",\"specversion\":\"7\"}}");
    assert_int_equal(event->type, EVENT_TICKET_UPDATED);
    assert_int_equal(event->at_ms, AT_MS);
    assert_int_equal(event->unknown_fields, 1);
}

static struct event_headers
headers_of(const char *const *pairs)
{
    struct event_headers headers = {0};

    for (; pairs[0] != NULL; pairs += 2)
        event_headers_note(&headers, slice_of(pairs[0]), slice_of(pairs[1]));
    return headers;
}

static void
test_structured_by_header(void **state)
{
    struct event_headers headers = headers_of(
        (const char *const[]){"Content-Type", "application/CloudEvents+json; charset=utf-8", NULL});

    assert_int_equal(read_on(*state, UPDATED "}", &headers, BOTH), ERROR_MISSING_FIELD);
    assert_int_equal(read_on(*state, "{\"id\":\"c\",\"data\":" UPDATED "}}", &headers, BOTH),
                     ERROR_MISSING_FIELD);
    assert_int_equal(
        read_on(*state, "{\"specversion\":\"1.0\",\"id\":\"c\",\"data\":" UPDATED "}}", &headers, BOTH),
        ERROR_NONE);
}

static void
test_binary(void **state)
{
    struct fixture *fixture = *state;
    struct event_headers headers = headers_of(
        (const char *const[]){"ce_specversion", "1.0", "ce_id", "ce-1", "ce_source", "/snow", "ce_type",
                              "ticket.updated", "ce_time", "2026-11-22T10:15:30Z", "content-type",
                              "application/json", "ce_subject", "x", "other", "\xff", NULL});

    assert_int_equal(
        read_on(fixture, "{" TICKET ",\"id\":\"e-1\",\"specversion\":\"x\"}", &headers, EVENT_TOPIC_TICKETS),
        ERROR_NONE);
    assert_true(slice_is(fixture->event.id, "ce-1"));
    assert_true(slice_is(fixture->event.source, "/snow"));
    assert_int_equal(fixture->event.type, EVENT_TICKET_UPDATED);
    assert_int_equal(fixture->event.at_ms, AT_MS);
    assert_int_equal(fixture->event.unknown_fields, 1);
    /* the body's type and time stand */
    assert_int_equal(read_on(fixture,
                             "{\"type\":\"ticket.created\",\"time\":\"2026-11-22T10:15:31Z\"," TICKET "}",
                             &headers, BOTH),
                     ERROR_NONE);
    assert_int_equal(fixture->event.type, EVENT_TICKET_CREATED);
    assert_int_equal(fixture->event.at_ms, AT_MS + 1000);

    headers.id = (struct slice){"a\xff", 2};
    assert_int_equal(read_on(fixture, "{" TICKET "}", &headers, BOTH), ERROR_BAD_UTF8);
    assert_string_equal(fixture->detail, "ce_id: malformed UTF-8 or U+0000 in the header");
    headers.id = (struct slice){"a\0b", 3};
    assert_int_equal(read_on(fixture, "{" TICKET "}", &headers, BOTH), ERROR_BAD_UTF8);
    headers.id = (struct slice){NULL, 0};
    headers.specversion = slice_of("2.0");
    assert_int_equal(read_on(fixture, "{" TICKET "}", &headers, BOTH), ERROR_WRONG_TYPE);
    headers.specversion = slice_of("1.0");
    headers.content_type = slice_of("application/avro");
    assert_int_equal(read_on(fixture, "{" TICKET "}", &headers, BOTH), ERROR_WRONG_TYPE);
    headers.content_type = slice_of("application/vnd.acme+json");
    headers.time = slice_of("then");
    assert_int_equal(read_on(fixture, "{" TICKET "}", &headers, BOTH), ERROR_BAD_TIME);
}

/* Without ce_specversion headers say nothing. */
static void
test_other_headers(void **state)
{
    struct fixture *fixture = *state;
    struct event_headers headers =
        headers_of((const char *const[]){"content-type", "text/plain", "ce_id", "x", NULL});

    assert_int_equal(read_on(fixture, UPDATED ",\"id\":\"e\"}", &headers, BOTH), ERROR_NONE);
    assert_true(slice_is(fixture->event.id, "e"));
}

/* ---- the record that ships ---- */

static void
test_demo_events(void **state)
{
    static const char *const names[] = {"incidents", "messages", "feedback"};
    struct fixture *fixture = *state;
    char command[512], line[8192];
    size_t lines = 0;

    for (size_t i = 0; i < 3; i++) {
        FILE *file;

        (void)snprintf(command, sizeof command, "gzip -dc '%s/../conf/demo/demo-%s.ndjson.gz' 2>/dev/null",
                       TESTS_DIR, names[i]);
        file = popen(command, "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file) != NULL) {
            (void)sound(fixture, line);
            assert_int_equal(fixture->event.unknown_fields, 0);
            lines++;
        }
        (void)pclose(file);
    }
    assert_int_equal(lines, 3252 + 1361 + 772);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_field, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_id_of_the_payload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_feedback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_details_are_tame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_topics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_structured, setup, teardown),
        cmocka_unit_test_setup_teardown(test_structured_by_header, setup, teardown),
        cmocka_unit_test_setup_teardown(test_binary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_demo_events, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
