#ifndef SLAD_EVENT_H
#define SLAD_EVENT_H

/*
 * One event as it came in, decoded and checked in form (semantics.md section 2), not yet in meaning.
 *
 * Every slice points into the payload or into the decoder's arena and dies with it. Instants are UTC
 * milliseconds. "Missing" and "null" are different: a missing attribute leaves the ticket's value, null
 * clears it.
 */
#include "base/slice.h"
#include <stdint.h>

enum event_type {
#define EVENT(NAME, text, topic) EVENT_##NAME,
#include "slad/events.def"
#undef EVENT
    EVENT_TYPES_COUNT
};

enum event_topic { EVENT_TOPIC_TICKETS = 1, EVENT_TOPIC_FEEDBACK = 2, EVENT_TOPIC_BOTH = 3 };

/* Why an event is refused. ERROR_NONE is "it is fine". */
enum error_code {
    ERROR_NONE = 0,
#define ERROR(NAME, code, help) ERROR_##NAME,
#include "slad/errors.def"
#undef ERROR
    ERROR_CODES_COUNT
};

/* The attributes a ticket has (and an answer describes itself with). Order is storage order; policy match
 * keys are these and source. */
enum attribute {
    ATTRIBUTE_CUSTOMER,
    ATTRIBUTE_CONTRACT,
    ATTRIBUTE_SERVICE,
    ATTRIBUTE_CATEGORY,
    ATTRIBUTE_PRIORITY,
    ATTRIBUTE_GROUP,
    ATTRIBUTE_USER_GROUP,
    ATTRIBUTE_CHANNEL,
    ATTRIBUTE_REQUESTER,
    ATTRIBUTE_ASSIGNEE,
    ATTRIBUTE_STATUS,
    ATTRIBUTES_COUNT
};
#define ATTRIBUTE_BIT(attribute) ((uint16_t)(1U << (attribute)))

enum actor {
    ACTOR_MISSING,
    ACTOR_REQUESTER,
    ACTOR_CUSTOMER,
    ACTOR_AGENT,
    ACTOR_SUPPLIER,
    ACTOR_BOT,
    ACTOR_SYSTEM
};
enum handled_by { HANDLED_BY_MISSING, HANDLED_BY_BOT, HANDLED_BY_HUMAN };
enum event_flag { EVENT_FLAG_MISSING, EVENT_FLAG_FALSE, EVENT_FLAG_TRUE }; /* a boolean that may be absent */

/* Who may have the ball, as bits; the order is the precedence of attribution (semantics.md section 4). */
enum party {
    PARTY_CUSTOMER,
    PARTY_CUSTOMER_SUPPLIER,
    PARTY_SUPPLIER,
    PARTY_PROVIDER,
    PARTY_NOBODY,
    PARTIES_COUNT
};
#define PARTY_BIT(party) ((uint8_t)(1U << (party)))
#define PARTY_EVERYONE ((uint8_t)((1U << PARTIES_COUNT) - 1))

#define EVENT_ASPECTS_MAX 64

struct feedback_aspect {
    struct slice name;
    int32_t score; /* on the answer's own scale, unless it is checked elsewhere; as sent */
};

/* The object "feedback" of a feedback.* event. */
struct feedback {
    struct slice id; /* required: never empty */
    struct slice survey;
    struct slice touchpoint;
    struct slice scale; /* at NULL on an offer */
    struct slice respondent;
    bool has_score;
    int32_t score;
    bool has_lost_minutes;
    int32_t lost_minutes; /* 0 .. 10,000,000 */
    const struct feedback_aspect *aspects;
    size_t aspects_count; /* <= EVENT_ASPECTS_MAX */
    /* comment is read past on purpose: what people typed never enters state */
};

struct event {
    enum event_type type;
    enum actor actor;
    enum handled_by handled_by;
    enum event_flag is_public;
    enum event_flag canned;
    int64_t at_ms; /* "time" */
    bool has_seq;
    int64_t seq;                 /* 0 .. 2^53 */
    struct slice source;         /* at NULL when absent */
    struct slice id;             /* never empty: without one the payload's hash, 32 hex digits */
    struct slice ticket;         /* at NULL only on feedback topics */
    uint16_t attributes_present; /* ATTRIBUTE_BIT per attribute that stands in the event */
    struct slice attributes[ATTRIBUTES_COUNT]; /* present and at NULL: null, clears */
    bool has_waiting_on;
    uint8_t waiting_on; /* PARTY_BITs; 0 for [] and null */
    bool has_created_at;
    int64_t created_at_ms;
    struct slice by;
    struct slice into;        /* ticket.merged */
    struct slice clock;       /* verdict.excused: kind/clock or kind/clock/cycle */
    struct slice reason;      /* verdict.excused, contract.moved */
    struct slice alert;       /* alert.acknowledged: the alert's key */
    struct slice to;          /* contract.moved */
    struct feedback feedback; /* feedback.* only; else id.at is NULL */
    uint32_t unknown_fields;  /* attributes nobody knows: ignored, counted */
};

const char *event_type_text(enum event_type type);
enum event_topic event_type_topic(enum event_type type);
const char *error_code_text(enum error_code code);
const char *attribute_text(enum attribute attribute); /* "customer", ... "status" */
const char *actor_text(enum actor actor);             /* "requester", ...; ACTOR_MISSING: NULL */
const char *party_text(enum party party);             /* "provider", ... */
/* The party of this name, or PARTIES_COUNT. "nobody" is one. */
enum party party_of(struct slice text);

#endif
