/*
 * The words of an event: names of types, attributes, actors, parties and refusals.
 *
 * Why here: the core, the decoder and the printers need the same words, and a word is declared in one table.
 * Always true: every enum value has exactly one text, and no text is shared within one enum.
 * Not here: reading an event (wire/event) and its meaning (ticket).
 */
#include "slad/event.h"

const char *
event_type_text(enum event_type type)
{
    static const char *const texts[EVENT_TYPES_COUNT] = {
#define EVENT(NAME, text, topic) [EVENT_##NAME] = text,
#include "slad/events.def"
#undef EVENT
    };

    return texts[type];
}

enum event_topic
event_type_topic(enum event_type type)
{
    static const enum event_topic topics[EVENT_TYPES_COUNT] = {
#define EVENT(NAME, text, topic) [EVENT_##NAME] = EVENT_TOPIC_##topic,
#include "slad/events.def"
#undef EVENT
    };

    return topics[type];
}

const char *
error_code_text(enum error_code code)
{
    static const char *const texts[ERROR_CODES_COUNT] = {
        [ERROR_NONE] = "none",
#define ERROR(NAME, text, help) [ERROR_##NAME] = text,
#include "slad/errors.def"
#undef ERROR
    };

    return texts[code];
}

const char *
attribute_text(enum attribute attribute)
{
    static const char *const texts[ATTRIBUTES_COUNT] = {
        [ATTRIBUTE_CUSTOMER] = "customer",     [ATTRIBUTE_CONTRACT] = "contract",
        [ATTRIBUTE_SERVICE] = "service",       [ATTRIBUTE_CATEGORY] = "category",
        [ATTRIBUTE_PRIORITY] = "priority",     [ATTRIBUTE_GROUP] = "group",
        [ATTRIBUTE_USER_GROUP] = "user_group", [ATTRIBUTE_CHANNEL] = "channel",
        [ATTRIBUTE_REQUESTER] = "requester",   [ATTRIBUTE_ASSIGNEE] = "assignee",
        [ATTRIBUTE_STATUS] = "status",
    };

    return texts[attribute];
}

const char *
actor_text(enum actor actor)
{
    static const char *const texts[] = {
        [ACTOR_MISSING] = NULL,    [ACTOR_REQUESTER] = "requester", [ACTOR_CUSTOMER] = "customer",
        [ACTOR_AGENT] = "agent",   [ACTOR_SUPPLIER] = "supplier",   [ACTOR_BOT] = "bot",
        [ACTOR_SYSTEM] = "system",
    };

    return texts[actor];
}

const char *
party_text(enum party party)
{
    static const char *const texts[PARTIES_COUNT] = {
        [PARTY_CUSTOMER] = "customer", [PARTY_CUSTOMER_SUPPLIER] = "customer_supplier",
        [PARTY_SUPPLIER] = "supplier", [PARTY_PROVIDER] = "provider",
        [PARTY_NOBODY] = "nobody",
    };

    return texts[party];
}

enum party
party_of(struct slice text)
{
    enum party party = 0;

    while (party < PARTIES_COUNT && !slice_is(text, party_text(party)))
        party++;
    return party;
}
