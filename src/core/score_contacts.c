/*
 * What: tickets as they were created, and whether their requester had been there before: chains by
 * (requester, service) in order of their start.
 *
 * Why this way: whether a ticket is a repeated contact depends on the one before it in its chain and on
 * nothing else, so what comes or goes changes itself and its follower. Nobody pays for it unless some KEI
 * asks: then all of it is built from the tickets.
 *
 * Always true: a known ticket with a start and a first version is counted as created at its start, in that
 * version's context; it is in a chain exactly when that version names a requester and a service.
 *
 * Not here: what a rate is (score_keis).
 */
#include "base/hash.h"
#include "base/panic.h"
#include "core/scores_state.h"

#define REPEATED_WITHIN_MS (INT64_C(7) * 86400000)

static struct score_contact *
contact_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->contacts, number);
}

static uint64_t
hash_of_names(symbol requester, symbol service)
{
    uint32_t names[2] = {requester, service};

    return hash_bytes(3, names, sizeof names);
}

static uint64_t
contact_hash(const void *context, uint32_t number)
{
    const struct score_contact *contact = contact_at(context, number);

    return hash_of_names(contact->requester, contact->service);
}

void
score_contacts_init(struct scores *scores)
{
    score_store_init(&scores->contacts, sizeof(struct score_contact));
    score_index_init(&scores->contact_index, contact_hash, scores);
}

void
score_contacts_done(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->contacts.used; i++) {
        symbols_release(scores->options.symbols, contact_at(scores, i)->requester);
        symbols_release(scores->options.symbols, contact_at(scores, i)->service);
    }
    score_index_done(&scores->contact_index);
    score_store_done(&scores->contacts);
}

static uint32_t
take_contact(struct scores *scores, symbol requester, symbol service)
{
    uint64_t hash = hash_of_names(requester, service);
    uint32_t place = score_index_home(&scores->contact_index, hash), number;

    for (; (number = scores->contact_index.slots[place]) != 0;
         place = score_index_next(&scores->contact_index, place))
        if (score_index_may_be(&scores->contact_index, place, hash) &&
            contact_at(scores, number)->requester == requester &&
            contact_at(scores, number)->service == service)
            return number;
    number = score_store_take(&scores->contacts);
    *contact_at(scores, number) = (struct score_contact){requester, service, 0};
    symbols_retain(scores->options.symbols, requester);
    symbols_retain(scores->options.symbols, service);
    score_index_add(&scores->contact_index, number);
    return number;
}

static void
release_contact(struct scores *scores, uint32_t number)
{
    struct score_contact *contact = contact_at(scores, number);

    if (contact->first != 0)
        return;
    score_index_remove(&scores->contact_index, number);
    symbols_release(scores->options.symbols, contact->requester);
    symbols_release(scores->options.symbols, contact->service);
    *contact = (struct score_contact){0};
    score_store_give_back(&scores->contacts, number);
}

/* ---- counting ---- */

static void
set_counted(struct scores *scores, uint32_t number, bool in)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);

    if (((ticket->flags & TICKET_CREATED) != 0) == in)
        return;
    ticket->flags = (uint8_t)(ticket->flags ^ TICKET_CREATED);
    score_count_created(scores, number, in);
}

/* The follower of `before` in its chain (0: of nobody) looks at who stands before it now. */
static void
look_back(struct scores *scores, uint32_t number, uint32_t before)
{
    struct score_ticket *ticket;
    bool repeated, counted;

    if (number == 0)
        return;
    ticket = scores_ticket_at(scores, number);
    repeated = before != 0 &&
               ticket->started_at_ms - scores_ticket_at(scores, before)->started_at_ms <= REPEATED_WITHIN_MS;
    if (((ticket->flags & TICKET_REPEATED) != 0) == repeated)
        return;
    counted = (ticket->flags & TICKET_CREATED) != 0;
    set_counted(scores, number, false);
    ticket->flags = (uint8_t)(ticket->flags ^ TICKET_REPEATED);
    set_counted(scores, number, counted);
}

static bool
is_before(const struct scores *scores, const struct score_ticket *a, const struct score_ticket *b)
{
    if (a->started_at_ms != b->started_at_ms)
        return a->started_at_ms < b->started_at_ms;
    return slice_compare(score_texts_get(&scores->texts, a->name), score_texts_get(&scores->texts, b->name)) <
           0;
}

static void
chain_in(struct scores *scores, uint32_t number, symbol requester, symbol service)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    uint32_t *link, before = 0;

    ticket->contact = take_contact(scores, requester, service);
    link = &contact_at(scores, ticket->contact)->first;
    while (*link != 0 && is_before(scores, scores_ticket_at(scores, *link), ticket)) {
        before = *link;
        link = &scores_ticket_at(scores, before)->next_contact;
    }
    ticket->next_contact = *link;
    *link = number;
    look_back(scores, number, before);
    look_back(scores, ticket->next_contact, number);
}

static void
chain_out(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    uint32_t *link, before = 0, contact = ticket->contact;

    if (contact == 0)
        return;
    link = &contact_at(scores, contact)->first;
    while (*link != number) {
        must(*link != 0);
        before = *link;
        link = &scores_ticket_at(scores, before)->next_contact;
    }
    *link = ticket->next_contact;
    look_back(scores, *link, before);
    look_back(scores, number, 0);
    ticket->contact = ticket->next_contact = 0;
    release_contact(scores, contact);
}

/* ---- in and out ---- */

void
score_contacts_drop(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);

    set_counted(scores, number, false);
    chain_out(scores, number);
    score_scopes_release(&scores->scopes, ticket->created_context);
    ticket->created_context = 0;
}

static const struct score_version *
first_version(const struct scores *scores, const struct score_ticket *ticket)
{
    const struct score_version *version = NULL;

    for (uint32_t number = ticket->versions; number != 0; number = version->next)
        version = score_store_at(&scores->versions, number);
    return version;
}

/* Whether it stands where its start and first version say. */
static bool
is_placed(const struct scores *scores, const struct score_ticket *ticket, const struct score_version *first,
          symbol service)
{
    const struct score_contact *contact;

    if ((ticket->flags & TICKET_CREATED) == 0 || ticket->created_at_ms != ticket->started_at_ms ||
        ticket->created_context != first->context)
        return false;
    if (ticket->contact == 0)
        return first->requester == 0 || service == 0;
    contact = contact_at(scores, ticket->contact);
    return contact->requester == first->requester && contact->service == service;
}

void
score_contacts_refresh(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    const struct score_version *first;
    symbol service;

    if ((scores->wanted & SCORE_KIND_BIT(SCORE_CREATED)) == 0)
        return;
    first = first_version(scores, ticket);
    if (first == NULL || ticket->started_at_ms == INSTANT_NONE)
        return;
    service = score_scopes_values(&scores->scopes, first->context)->of[ATTRIBUTE_SERVICE];
    if (is_placed(scores, ticket, first, service))
        return;
    score_contacts_drop(scores, number);
    score_scopes_retain(&scores->scopes, first->context);
    ticket->created_context = first->context;
    ticket->created_at_ms = ticket->started_at_ms;
    if (first->requester != 0 && service != 0)
        chain_in(scores, number, first->requester, service);
    set_counted(scores, number, true);
}

/* The scopes are gone already. */
void
score_contacts_uncount_all(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->tickets.used; i++) {
        struct score_ticket *ticket = scores_ticket_at(scores, i);

        ticket->flags = (uint8_t)(ticket->flags & ~(unsigned)(TICKET_CREATED | TICKET_REPEATED));
        ticket->contact = ticket->next_contact = 0;
        score_scopes_release(&scores->scopes, ticket->created_context);
        ticket->created_context = 0;
    }
    for (uint32_t i = 1; i < scores->contacts.used; i++)
        if (contact_at(scores, i)->requester != 0) {
            contact_at(scores, i)->first = 0;
            release_contact(scores, i);
        }
}

void
score_contacts_count_all(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->tickets.used; i++)
        if ((scores_ticket_at(scores, i)->flags & TICKET_KNOWN) != 0)
            score_contacts_refresh(scores, i);
}
