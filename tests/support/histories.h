#ifndef SLAD_TESTS_HISTORIES_H
#define SLAD_TESTS_HISTORIES_H

/*
 * Random histories: events of a few tickets in order of their instants, and when each of them arrives.
 * Instants like to lie exactly on a target, a warning, a courtesy window's end behind an earlier event;
 * several may share one; an event may come late, early (future-stamped), twice.
 */
#include "policies.h"
#include "slad/engine.h"

enum { HISTORIES_EVENTS_MAX = 64, HISTORIES_TICKETS_MAX = 4 };

#define HISTORIES_START_MS                                                                                   \
    INT64_C(1774602000000) /* Friday 2026-03-27T09:00:00Z: Berlin's clocks change on Sunday */

/* What a history may hold. Zeroes: everything, in any order of arrival. */
struct histories_traits {
    bool in_order; /* every event arrives at its time */
    bool no_future;
    bool no_duplicates;
    bool no_acknowledgements;
    bool no_merges;
    bool no_circles; /* merges only into tickets further down */
    bool no_deletions;
    bool no_excuses;
    bool no_corrections; /* created_at */
    bool with_seq;       /* every event has seq from one source: any order of arrival is put right */
    bool one_ticket;
    unsigned events_max; /* 0: HISTORIES_EVENTS_MAX */
};

struct histories_event {
    struct event event;
    int64_t arrives_ms;
    char id[32];
    char text[96]; /* the alert's key, or the clock of an excuse */
};

struct history_made {
    struct histories_event events[HISTORIES_EVENTS_MAX];
    size_t count;
    unsigned tickets;
    int64_t end_ms; /* after everything has happened and arrived */
};

static const char *const histories_names[HISTORIES_TICKETS_MAX] = {"T-0", "T/1%", "T-2", "T-3"};

static inline void
histories_set(struct event *event, enum attribute attribute, const char *value)
{
    event->attributes_present |= ATTRIBUTE_BIT(attribute);
    event->attributes[attribute] = slice_of(value);
}

static inline void
histories_set_status(struct chance *chance, struct event *event)
{
    static const char *const statuses[] = {
        "New",      "Working",  "Awaiting User", "Awaiting User", "Awaiting Vendor", "On Hold",
        "Resolved", "Resolved", "Resolved",      "Closed",        "Canceled",        "Odd",
        NULL};

    histories_set(event, ATTRIBUTE_STATUS, CHANCE_PICK(chance, statuses));
}

static inline void
histories_set_attributes(struct chance *chance, struct event *event, unsigned sparsity)
{
    static const char *const customers[] = {"acme", "acme", "acme", "beta", "gamma", NULL};
    static const char *const categories[] = {"incident", "request", NULL};
    static const char *const priorities[] = {"P1", "P2", "P3", NULL};
    static const char *const groups[] = {"desk", "l2", "telco", "feed", "users", "strangers", NULL};
    static const char *const agents[] = {"a-1", "a-2", NULL};
    static const char *const users[] = {"u-1", "u-2"};

    if (chance_one_in(chance, sparsity))
        histories_set(event, ATTRIBUTE_CUSTOMER, CHANCE_PICK(chance, customers));
    if (chance_one_in(chance, sparsity))
        histories_set(event, ATTRIBUTE_CATEGORY, CHANCE_PICK(chance, categories));
    if (chance_one_in(chance, sparsity))
        histories_set(event, ATTRIBUTE_PRIORITY, CHANCE_PICK(chance, priorities));
    if (chance_one_in(chance, sparsity))
        histories_set(event, ATTRIBUTE_GROUP, CHANCE_PICK(chance, groups));
    if (chance_one_in(chance, sparsity))
        histories_set(event, ATTRIBUTE_ASSIGNEE, CHANCE_PICK(chance, agents));
    if (chance_one_in(chance, sparsity))
        histories_set(event, ATTRIBUTE_REQUESTER, CHANCE_PICK(chance, users));
    if (chance_one_in(chance, sparsity * 2))
        histories_set(event, ATTRIBUTE_SERVICE, chance_one_in(chance, 2) ? "network" : "mail");
}

static inline void
histories_set_people(struct chance *chance, struct event *event)
{
    static const char *const people[] = {"u-1", "u-2", "a-1", "a-2", "x-9"};
    static const enum actor actors[] = {ACTOR_MISSING, ACTOR_REQUESTER, ACTOR_REQUESTER, ACTOR_CUSTOMER,
                                        ACTOR_AGENT,   ACTOR_AGENT,     ACTOR_AGENT,     ACTOR_SUPPLIER,
                                        ACTOR_BOT,     ACTOR_SYSTEM};

    event->actor = CHANCE_PICK(chance, actors);
    if (chance_one_in(chance, 2))
        event->by = slice_of(CHANCE_PICK(chance, people));
    if (chance_one_in(chance, 8))
        event->handled_by = chance_one_in(chance, 2) ? HANDLED_BY_BOT : HANDLED_BY_HUMAN;
    if (chance_one_in(chance, 10))
        event->canned = EVENT_FLAG_TRUE;
    if (event->type == EVENT_TICKET_MESSAGE)
        event->is_public = (enum event_flag)chance_below(chance, 3);
    if (chance_one_in(chance, 12)) {
        event->has_waiting_on = true;
        event->waiting_on = (uint8_t)chance_below(chance, PARTY_BIT(PARTY_NOBODY));
    }
}

static inline void
histories_excuse(struct chance *chance, struct histories_event *made)
{
    static const char *const clocks[] = {"sla/resolution", "sla/first-response", "sla/update", "ola/l2",
                                         "sla/nothing"};

    made->event.type = EVENT_VERDICT_EXCUSED;
    if (chance_one_in(chance, 2))
        (void)snprintf(made->text, sizeof made->text, "%s", CHANCE_PICK(chance, clocks));
    else
        (void)snprintf(made->text, sizeof made->text, "%s/%u", CHANCE_PICK(chance, clocks),
                       1 + chance_below(chance, 3));
    made->event.clock = slice_of(made->text);
    made->event.by = slice_of("m-1");
    made->event.reason = slice_of(chance_one_in(chance, 2) ? "storm" : "flood");
}

static inline void
histories_acknowledge(struct chance *chance, struct histories_event *made, const char *ticket)
{
    static const char *const clocks[] = {"sla/resolution", "sla/first-response", "sla/update",
                                         "sla/next-response", "ola/desk"};
    static const char *const stages[] = {"breach", "breach", "breach", "warn-50%", "warn-75%", "slack"};

    made->event.type = EVENT_ALERT_ACKNOWLEDGED;
    (void)snprintf(made->text, sizeof made->text, "%s/%s/%u/%s", ticket[1] == '/' ? "T%2F1%25" : ticket,
                   CHANCE_PICK(chance, clocks), 1 + chance_below(chance, 4) / 3, CHANCE_PICK(chance, stages));
    made->event.alert = slice_of(made->text);
    made->event.by = slice_of(chance_one_in(chance, 2) ? "m-1" : "m-2");
}

static inline unsigned
histories_into(struct chance *chance, const struct histories_traits *traits, unsigned ticket,
               unsigned tickets)
{
    if (traits->no_circles)
        return ticket + 1 < HISTORIES_TICKETS_MAX
                   ? (unsigned)chance_within(chance, ticket + 1, HISTORIES_TICKETS_MAX - 1)
                   : 0;
    return (ticket + 1 + chance_below(chance, tickets > 1 ? tickets - 1 : 1)) % HISTORIES_TICKETS_MAX;
}

/* What is rarer than an update or a message. */
static inline bool
histories_be_rare(struct chance *chance, const struct histories_traits *traits, struct histories_event *made,
                  unsigned ticket, unsigned tickets)
{
    struct event *event = &made->event;

    switch (chance_below(chance, 24)) {
    case 0:
        event->type = chance_one_in(chance, 2) ? EVENT_TICKET_DELETED : EVENT_TICKET_RESTORED;
        return !traits->no_deletions;
    case 1:
        event->type = chance_one_in(chance, 3) ? EVENT_TICKET_UNMERGED : EVENT_TICKET_MERGED;
        if (event->type == EVENT_TICKET_MERGED)
            event->into = slice_of(histories_names[histories_into(chance, traits, ticket, tickets)]);
        return !traits->no_merges && (!traits->no_circles || ticket + 1 < HISTORIES_TICKETS_MAX);
    case 2:
        histories_excuse(chance, made);
        return !traits->no_excuses;
    case 3:
        histories_acknowledge(chance, made, histories_names[ticket]);
        return !traits->no_acknowledgements;
    case 4:
        event->type = EVENT_TICKET_ERASED;
        return chance_one_in(chance, 6);
    default:
        return false;
    }
}

static inline void
histories_make(struct chance *chance, const struct histories_traits *traits, struct history_made *history,
               unsigned ticket, bool first, struct histories_event *made)
{
    struct event *event = &made->event;

    memset(made, 0, sizeof *made);
    if (!first && histories_be_rare(chance, traits, made, ticket, history->tickets)) {
        /* all is said */
    } else {
        made->event = (struct event){.type = first ? EVENT_TICKET_CREATED : EVENT_TICKET_UPDATED};
        made->text[0] = '\0';
        if (!first && chance_one_in(chance, 3))
            event->type = EVENT_TICKET_MESSAGE;
        else if (first && chance_one_in(chance, 8))
            event->type = chance_one_in(chance, 2) ? EVENT_TICKET_UPDATED : EVENT_TICKET_MESSAGE;
        histories_set_people(chance, event);
        histories_set_attributes(chance, event, first ? 1 : 9);
        if (first && chance_one_in(chance, 6))
            histories_set_attributes(chance, event, 2);
        if (first ? !chance_one_in(chance, 4) : !chance_one_in(chance, 3))
            histories_set_status(chance, event);
        if (first && !chance_one_in(chance, 6))
            histories_set(event, ATTRIBUTE_STATUS, "New");
    }
    event->ticket = slice_of(histories_names[ticket]);
    event->source = slice_of(traits->with_seq || chance_one_in(chance, 2) ? "snow" : "jira");
    if (chance_one_in(chance, 12) && !traits->with_seq)
        event->source = (struct slice){NULL, 0};
}

/* The next instant of this ticket: often exactly a target, a warning or a window behind an earlier one. */
static inline int64_t
histories_instant(struct chance *chance, const struct history_made *history,
                  const struct histories_traits *traits, int64_t last_ms)
{
    static const int64_t exact_min[] = {5,    15, 30, 60, 90, 120, 240, 480, 1200, 45, 27, 8 * 60 * 24 / 10,
                                        1440, 2,  4};
    int64_t at_ms = last_ms;

    if (history->count > 0 && chance_one_in(chance, 3)) {
        at_ms = history->events[chance_below(chance, (unsigned)history->count)].event.at_ms;
        at_ms += CHANCE_PICK(chance, exact_min) * 60000;
        if (chance_one_in(chance, 4))
            at_ms += chance_one_in(chance, 2) ? 1 : -1;
    } else if (chance_one_in(chance, 8)) {
        at_ms += chance_within(chance, 0, INT64_C(2) * 86400000);
    } else if (chance_one_in(chance, 3)) {
        at_ms += chance_within(chance, 0, 6) * 3600000;
    } else {
        at_ms += chance_within(chance, 0, 40) * 60000;
    }
    if (!traits->with_seq && at_ms <= last_ms && traits->in_order)
        at_ms = last_ms;
    return at_ms > HISTORIES_START_MS ? at_ms : HISTORIES_START_MS;
}

static inline int
histories_compare_instants(const void *a, const void *b)
{
    const struct histories_event *left = a, *right = b;
    bool left_created = left->event.type == EVENT_TICKET_CREATED,
         right_created = right->event.type == EVENT_TICKET_CREATED;

    if (left->event.at_ms != right->event.at_ms)
        return left->event.at_ms < right->event.at_ms ? -1 : 1;
    if (left_created != right_created)
        return left_created ? -1 : 1;
    return strcmp(left->id, right->id);
}

static inline int
histories_compare_arrivals(const void *a, const void *b)
{
    const struct histories_event *left = a, *right = b;

    if (left->arrives_ms != right->arrives_ms)
        return left->arrives_ms < right->arrives_ms ? -1 : 1;
    return strcmp(left->id, right->id);
}

/* qsort moved the texts that the slices point at. */
static inline void
histories_point_again(struct history_made *history)
{
    for (size_t i = 0; i < history->count; i++) {
        struct histories_event *made = &history->events[i];

        made->event.id = slice_of(made->id);
        if (made->event.type == EVENT_VERDICT_EXCUSED)
            made->event.clock = slice_of(made->text);
        if (made->event.type == EVENT_ALERT_ACKNOWLEDGED)
            made->event.alert = slice_of(made->text);
    }
}

/* In order of instants: names, seq, created_at. */
static inline void
histories_finish_events(struct chance *chance, const struct histories_traits *traits,
                        struct history_made *history)
{
    qsort(history->events, history->count, sizeof history->events[0], histories_compare_instants);
    for (size_t i = 0; i < history->count; i++) {
        struct histories_event *made = &history->events[i];

        (void)snprintf(made->id, sizeof made->id, "e%03zu", i);
        if (traits->with_seq || chance_one_in(chance, 6)) {
            made->event.has_seq = true;
            made->event.seq = traits->with_seq ? (int64_t)i : chance_within(chance, 0, 5);
        }
        if (!traits->no_corrections && made->event.type <= EVENT_TICKET_MESSAGE &&
            chance_one_in(chance, 20)) {
            made->event.has_created_at = true;
            made->event.created_at_ms = made->event.at_ms - chance_within(chance, 0, 8) * 1800000;
        }
        made->arrives_ms = made->event.at_ms;
        if (traits->in_order || chance_one_in(chance, 2))
            continue;
        if (chance_one_in(chance, 4) && !traits->no_future)
            made->arrives_ms -= chance_within(chance, 0, 600) * 60000;
        else
            made->arrives_ms += chance_within(chance, 0, chance_one_in(chance, 3) ? 4000 : 60) * 60000;
    }
    histories_point_again(history);
}

/* Sorts by arrival and finds the end. */
static inline void
histories_arrive(struct history_made *history)
{
    qsort(history->events, history->count, sizeof history->events[0], histories_compare_arrivals);
    histories_point_again(history);
    history->end_ms = HISTORIES_START_MS;
    for (size_t i = 0; i < history->count; i++) {
        const struct histories_event *made = &history->events[i];
        int64_t later_ms = made->arrives_ms > made->event.at_ms ? made->arrives_ms : made->event.at_ms;

        history->end_ms = later_ms > history->end_ms ? later_ms : history->end_ms;
    }
    history->end_ms += INT64_C(2) * 86400000;
}

static inline void
histories_duplicate(struct chance *chance, struct history_made *history)
{
    for (size_t i = 0, count = history->count; i < count && history->count < HISTORIES_EVENTS_MAX; i++) {
        struct histories_event *again;

        if (!chance_one_in(chance, 16))
            continue;
        again = &history->events[history->count++];
        *again = history->events[i];
        again->arrives_ms += chance_within(chance, 0, 3000) * 60000;
    }
    histories_point_again(history);
}

static inline void
histories_generate(struct history_made *history, struct chance *chance, const struct histories_traits *traits)
{
    unsigned events_max = traits->events_max > 0 ? traits->events_max : HISTORIES_EVENTS_MAX;
    int64_t last_ms[HISTORIES_TICKETS_MAX];
    unsigned count;

    memset(history, 0, sizeof *history);
    history->tickets = traits->one_ticket ? 1 : 1 + chance_below(chance, HISTORIES_TICKETS_MAX);
    count = history->tickets + chance_below(chance, events_max - history->tickets + 1);
    for (unsigned i = 0; i < count; i++) {
        unsigned ticket = i < history->tickets ? i : chance_below(chance, history->tickets);
        bool first = i < history->tickets;
        int64_t at_ms = first ? HISTORIES_START_MS + chance_within(chance, 0, 300) * 60000
                              : histories_instant(chance, history, traits, last_ms[ticket]);
        struct histories_event made;

        histories_make(chance, traits, history, ticket, first, &made);
        made.event.at_ms = at_ms;
        (void)snprintf(made.id, sizeof made.id, "e%03u", i);
        last_ms[ticket] = first || at_ms > last_ms[ticket] ? at_ms : last_ms[ticket];
        history->events[history->count++] = made;
    }
    histories_finish_events(chance, traits, history);
    if (!traits->no_duplicates)
        histories_duplicate(chance, history);
    histories_arrive(history);
}

/* One line an event, for a failure's report. */
static inline void
histories_print(const struct history_made *history)
{
    char at[INSTANT_TEXT_BYTES], arrives[INSTANT_TEXT_BYTES], created[INSTANT_TEXT_BYTES];

    for (size_t i = 0; i < history->count; i++) {
        const struct event *event = &history->events[i].event;

        instant_format(event->at_ms, at);
        instant_format(history->events[i].arrives_ms, arrives);
        printf("{\"id\":\"%.*s\",\"type\":\"%s\",\"time\":\"%s\",\"arrived_at\":\"%s\",\"ticket\":\"%.*s\"",
               (int)event->id.bytes, event->id.at, event_type_text(event->type), at, arrives,
               (int)event->ticket.bytes, event->ticket.at);
        if (event->source.at != NULL)
            printf(",\"source\":\"%.*s\"", (int)event->source.bytes, event->source.at);
        if (event->has_seq)
            printf(",\"seq\":%" PRId64, event->seq);
        if (event->actor != ACTOR_MISSING)
            printf(",\"actor\":\"%s\"", actor_text(event->actor));
        if (event->by.at != NULL)
            printf(",\"by\":\"%.*s\"", (int)event->by.bytes, event->by.at);
        if (event->is_public != EVENT_FLAG_MISSING)
            printf(",\"public\":%s", event->is_public == EVENT_FLAG_TRUE ? "true" : "false");
        if (event->canned != EVENT_FLAG_MISSING)
            printf(",\"canned\":true");
        if (event->handled_by != HANDLED_BY_MISSING)
            printf(",\"handled_by\":\"%s\"", event->handled_by == HANDLED_BY_BOT ? "bot" : "human");
        for (unsigned k = 0; k < ATTRIBUTES_COUNT; k++) {
            struct slice value = event->attributes[k];

            if (event->attributes_present & ATTRIBUTE_BIT(k))
                printf(value.at != NULL ? ",\"%s\":\"%.*s\"" : ",\"%s\":null",
                       attribute_text((enum attribute)k), (int)value.bytes, value.at);
        }
        if (event->has_waiting_on) {
            const char *separator = "";

            printf(",\"waiting_on\":[");
            for (unsigned k = 0; k < PARTY_NOBODY; k++) {
                if (event->waiting_on & PARTY_BIT(k)) {
                    printf("%s\"%s\"", separator, party_text((enum party)k));
                    separator = ",";
                }
            }
            printf("]");
        }
        instant_format(event->created_at_ms, created);
        if (event->has_created_at)
            printf(",\"created_at\":\"%s\"", created);
        if (event->into.at != NULL)
            printf(",\"into\":\"%.*s\"", (int)event->into.bytes, event->into.at);
        if (event->clock.at != NULL)
            printf(",\"clock\":\"%.*s\",\"reason\":\"%.*s\"", (int)event->clock.bytes, event->clock.at,
                   (int)event->reason.bytes, event->reason.at);
        if (event->alert.at != NULL)
            printf(",\"alert\":\"%.*s\"", (int)event->alert.bytes, event->alert.at);
        printf("}\n");
    }
}

#endif
