/*
 * What: what the score side knows of tickets: their attributes over time, when they were solved, and the
 * verdicts of their SLA clocks.
 *
 * Why this way: an answer is judged by the ticket as it was when the answer was given, so a ticket keeps its
 * versions, not only its present. Everything about a ticket hangs on it in short chains: it goes as one.
 *
 * Always true: versions run from the latest to the earliest and differ from their neighbours; a ticket is in
 * the scopes as solved exactly when its last outcome says so, weighed by what its offers and verdicts say
 * now; the record of a verdict counts with the attributes it was decided under.
 *
 * Not here: answers (score_answers), their revision when attributes change (score_join).
 */
#include "base/hash.h"
#include "base/panic.h"
#include "core/scores_state.h"

static struct score_version *
version_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->versions, number);
}

static struct score_verdict *
verdict_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->verdicts, number);
}

static uint64_t
ticket_hash(const void *context, uint32_t number)
{
    const struct scores *scores = context;

    return hash_slice(0, score_texts_get(&scores->texts, scores_ticket_at(scores, number)->name));
}

void
score_tickets_init(struct scores *scores)
{
    score_store_init(&scores->tickets, sizeof(struct score_ticket));
    score_store_init(&scores->versions, sizeof(struct score_version));
    score_store_init(&scores->verdicts, sizeof(struct score_verdict));
    score_index_init(&scores->ticket_index, ticket_hash, scores);
}

static void
release_version(struct scores *scores, uint32_t number)
{
    struct score_version *version = version_at(scores, number);

    score_scopes_release(&scores->scopes, version->context);
    symbols_release(scores->options.symbols, version->requester);
    symbols_release(scores->options.symbols, version->assignee);
    *version = (struct score_version){0};
    score_store_give_back(&scores->versions, number);
}

static void
release_people(struct scores *scores, struct score_verdict *verdict)
{
    symbols_release(scores->options.symbols, verdict->requester);
    symbols_release(scores->options.symbols, verdict->assignee);
    verdict->requester = verdict->assignee = 0;
}

static void
release_names(struct scores *scores, struct score_verdict *verdict)
{
    release_people(scores, verdict);
    symbols_release(scores->options.symbols, verdict->clock);
}

void
score_tickets_done(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->versions.used; i++) {
        symbols_release(scores->options.symbols, version_at(scores, i)->requester);
        symbols_release(scores->options.symbols, version_at(scores, i)->assignee);
    }
    for (uint32_t i = 1; i < scores->verdicts.used; i++)
        release_names(scores, verdict_at(scores, i));
    score_index_done(&scores->ticket_index);
    score_store_done(&scores->tickets);
    score_store_done(&scores->versions);
    score_store_done(&scores->verdicts);
}

uint32_t
score_tickets_find(const struct scores *scores, struct slice name)
{
    uint64_t hash = hash_slice(0, name);
    uint32_t place = score_index_home(&scores->ticket_index, hash);
    uint32_t number;

    for (; (number = scores->ticket_index.slots[place]) != 0;
         place = score_index_next(&scores->ticket_index, place))
        if (score_index_may_be(&scores->ticket_index, place, hash) &&
            slice_equal(score_texts_get(&scores->texts, scores_ticket_at(scores, number)->name), name))
            return number;
    return 0;
}

uint32_t
score_tickets_take(struct scores *scores, struct slice name)
{
    uint32_t number = score_tickets_find(scores, name);
    struct score_ticket *ticket;

    if (number == 0) {
        number = score_store_take(&scores->tickets);
        ticket = scores_ticket_at(scores, number);
        ticket->name = score_texts_add(&scores->texts, name);
        ticket->started_at_ms = ticket->solved_at_ms = INSTANT_NONE;
        ticket->cycle = 1;
        score_index_add(&scores->ticket_index, number);
        score_parts_touch(scores, SCORE_PART_TICKETS, number);
    }
    scores_ticket_at(scores, number)->references++;
    return number;
}

void
score_tickets_release(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);

    must(ticket->references > 0);
    if (--ticket->references > 0)
        return;
    must(ticket->answers == 0 && ticket->verdicts == 0 && ticket->contact == 0);
    must((ticket->flags & (TICKET_COUNTED | TICKET_CREATED)) == 0);
    while (ticket->versions != 0) {
        uint32_t version = ticket->versions;

        ticket->versions = version_at(scores, version)->next;
        release_version(scores, version);
    }
    score_index_remove(&scores->ticket_index, number);
    score_texts_drop(&scores->texts, ticket->name);
    *ticket = (struct score_ticket){0};
    score_store_give_back(&scores->tickets, number);
    score_parts_touch(scores, SCORE_PART_TICKETS, number);
}

/* ---- attributes over time ---- */

uint32_t
score_tickets_version_at(const struct scores *scores, uint32_t ticket, int64_t at_ms)
{
    uint32_t number = scores_ticket_at(scores, ticket)->versions;

    while (number != 0 && version_at(scores, number)->from_ms > at_ms &&
           version_at(scores, number)->next != 0)
        number = version_at(scores, number)->next;
    return number;
}

static bool
same_version(const struct score_version *a, const struct score_version *b)
{
    return a->context == b->context && a->requester == b->requester && a->assignee == b->assignee &&
           a->cycle == b->cycle;
}

/* What was said to hold from later on is taken back: from here to the present it is as the new version says.
 */
static bool
drop_later(struct scores *scores, struct score_ticket *ticket, int64_t from_ms)
{
    bool dropped = false;

    while (ticket->versions != 0 && version_at(scores, ticket->versions)->from_ms > from_ms) {
        uint32_t later = ticket->versions;

        ticket->versions = version_at(scores, later)->next;
        release_version(scores, later);
        dropped = true;
    }
    return dropped;
}

/* Puts the version at the end; it replaces one of the same instant. The one that answers from its instant on
 * have now, 0 when they have it already. */
static uint32_t
add_version(struct scores *scores, struct score_ticket *ticket, const struct score_version *version)
{
    bool dropped = drop_later(scores, ticket, version->from_ms);
    uint32_t *link = &ticket->versions;
    uint32_t number;

    if (*link != 0 && same_version(version_at(scores, *link), version))
        return dropped ? *link : 0;
    if (*link != 0 && version_at(scores, *link)->from_ms == version->from_ms) {
        uint32_t replaced = *link;

        *link = version_at(scores, replaced)->next;
        release_version(scores, replaced);
    }
    number = score_store_take(&scores->versions);
    *version_at(scores, number) = *version;
    version_at(scores, number)->next = *link;
    *link = number;
    score_scopes_retain(&scores->scopes, version->context);
    symbols_retain(scores->options.symbols, version->requester);
    symbols_retain(scores->options.symbols, version->assignee);
    return number;
}

/* R65: a cycle ends with a reopen. What is solved knows how many there were; an open one after a solved one
 * is one more. */
static uint16_t
cycle_after(const struct score_ticket *ticket, const struct ticket_outcome *outcome)
{
    uint32_t cycle = ticket->cycle;

    if (outcome->counted)
        cycle = outcome->reopens + 1;
    else if (outcome->state == TICKET_OPEN &&
             (ticket->state == TICKET_SOLVED || ticket->state == TICKET_CLOSED) &&
             (ticket->flags & TICKET_KNOWN) != 0)
        cycle++;
    return cycle < UINT16_MAX ? (uint16_t)cycle : UINT16_MAX;
}

static uint32_t
take_version(struct scores *scores, struct score_ticket *ticket, const struct ticket_outcome *outcome)
{
    struct symbols *symbols = scores->options.symbols;
    struct score_version version = {0};
    uint32_t number;

    version.from_ms = outcome->changed_at_ms != 0 ? outcome->changed_at_ms : outcome->arrival.detected_at_ms;
    version.context = score_context_of(scores, outcome->attributes, outcome->source, NULL, 0);
    version.requester = symbols_intern(symbols, outcome->attributes[ATTRIBUTE_REQUESTER]);
    version.assignee = symbols_intern(symbols, outcome->attributes[ATTRIBUTE_ASSIGNEE]);
    version.cycle = ticket->cycle;
    number = add_version(scores, ticket, &version);
    score_scopes_release(&scores->scopes, version.context);
    symbols_release(symbols, version.requester);
    symbols_release(symbols, version.assignee);
    return number;
}

/* ---- solved tickets ---- */

static uint8_t
weight_of(const struct score_ticket *ticket)
{
    unsigned weight = 0;

    weight |= ticket->offers > 0 ? SOLVED_WAS_OFFERED : 0U;
    weight |= ticket->breached > 0 ? SOLVED_WAS_BREACHED : ticket->met > 0 ? SOLVED_WAS_MET : 0U;
    weight |= (ticket->flags & TICKET_REOPENED) != 0 ? SOLVED_WAS_REOPENED : 0U;
    weight |= (ticket->flags & TICKET_FIRST_CONTACT) != 0 ? SOLVED_WAS_FIRST_CONTACT : 0U;
    return (uint8_t)weight;
}

/* Where the ticket counts as it is now; 0: nowhere, it is not solved. */
static uint32_t
context_to_count(const struct scores *scores, uint32_t number)
{
    const struct score_ticket *ticket = scores_ticket_at(scores, number);
    bool solved = (ticket->state == TICKET_SOLVED || ticket->state == TICKET_CLOSED) &&
                  ticket->solved_at_ms != INSTANT_NONE && (ticket->flags & TICKET_KNOWN) != 0;
    uint32_t version = solved ? score_tickets_version_at(scores, number, ticket->solved_at_ms) : 0;

    return version != 0 ? version_at(scores, version)->context : 0;
}

static void
take_out(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);

    if ((ticket->flags & TICKET_COUNTED) != 0)
        score_count_solved(scores, number, false);
    score_scopes_release(&scores->scopes, ticket->counted_context);
    ticket->counted_context = 0;
    ticket->weight = 0;
}

void
score_tickets_refresh(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    uint32_t context = context_to_count(scores, number);

    if (((ticket->flags & TICKET_COUNTED) != 0) == (context != 0) &&
        (context == 0 ||
         (ticket->counted_context == context && ticket->counted_at_ms == ticket->solved_at_ms &&
          ticket->weight == weight_of(ticket))))
        return;
    take_out(scores, number);
    if (context == 0)
        return;
    score_scopes_retain(&scores->scopes, context);
    ticket->counted_context = context;
    ticket->counted_at_ms = ticket->solved_at_ms;
    ticket->weight = weight_of(ticket);
    score_count_solved(scores, number, true);
}

static void
set_flag(struct score_ticket *ticket, enum ticket_flag flag, bool on)
{
    ticket->flags = (uint8_t)(on ? ticket->flags | (unsigned)flag : ticket->flags & ~(unsigned)flag);
}

/* R63: nobody is named any more, in no version. */
static void
forget_people(struct scores *scores, const struct score_ticket *ticket)
{
    for (uint32_t number = ticket->versions; number != 0; number = version_at(scores, number)->next) {
        struct score_version *version = version_at(scores, number);

        symbols_release(scores->options.symbols, version->requester);
        symbols_release(scores->options.symbols, version->assignee);
        version->requester = version->assignee = 0;
        version->context = score_context_with_people(scores, version->context, 0, 0, 0);
    }
}

static uint8_t
highest_tier(uint32_t tiers)
{
    uint8_t tier = 0;

    for (uint8_t i = 1; i < 32; i++)
        if ((tiers >> i & 1) != 0)
            tier = i;
    return tier;
}

/* What its life weighs. It leaves the scopes first when that changes. */
static void
take_life(struct scores *scores, uint32_t number, const struct ticket_outcome *outcome)
{
    static const int64_t nothing[PARTIES_COUNT] = {0};
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    const int64_t *wall_ms = outcome->counted ? outcome->by_party_wall_ms : nothing;
    uint32_t bounces = outcome->counted ? outcome->group_bounces : 0;
    uint8_t tier = outcome->counted ? highest_tier(outcome->tiers_touched) : 0;

    if (ticket->bounces == bounces && ticket->tier == tier &&
        ticket->started_at_ms == outcome->started_at_ms &&
        memcmp(ticket->wall_ms, wall_ms, sizeof ticket->wall_ms) == 0)
        return;
    take_out(scores, number);
    ticket->bounces = bounces;
    ticket->tier = tier;
    ticket->started_at_ms = outcome->started_at_ms;
    memcpy(ticket->wall_ms, wall_ms, sizeof ticket->wall_ms);
}

/* No more tickets and verdicts may be held. */
static bool
is_full(const struct scores *scores)
{
    size_t facts_max = scores->options.bounds.facts_max;

    return facts_max > 0 && scores_fill(scores).facts >= facts_max;
}

/* score_tickets_fold, of a ticket that is held. */
static uint32_t
fold_ticket(struct scores *scores, uint32_t number, const struct ticket_outcome *outcome, bool *ret_erased)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    bool known = (ticket->flags & TICKET_KNOWN) != 0;
    bool erased = outcome->erased && (ticket->flags & TICKET_ERASED) == 0;
    uint32_t changed;

    if (known) {
        score_tickets_release(scores, number); /* being known holds one reference, not one an outcome */
        if (outcome->arrival.revision <= ticket->revision) {
            scores->stale++;
            *ret_erased = false;
            return 0;
        }
    }
    score_parts_touch(scores, SCORE_PART_TICKETS, number);
    take_life(scores, number, outcome);
    ticket->revision = outcome->arrival.revision;
    ticket->cycle = cycle_after(ticket, outcome);
    ticket->state = (uint8_t)outcome->state;
    ticket->solved_at_ms =
        outcome->solved_at_ms != INSTANT_NONE ? outcome->solved_at_ms : outcome->closed_at_ms;
    set_flag(ticket, TICKET_KNOWN, true);
    set_flag(ticket, TICKET_FINAL, outcome->final);
    set_flag(ticket, TICKET_ERASED, outcome->erased);
    set_flag(ticket, TICKET_REOPENED, outcome->counted && outcome->reopens > 0);
    set_flag(ticket, TICKET_FIRST_CONTACT, outcome->counted && outcome->first_contact_resolution);
    changed = take_version(scores, ticket, outcome);
    if (erased)
        forget_people(scores, ticket);
    score_contacts_refresh(scores, number);
    score_tickets_refresh(scores, number);
    if (changed != 0 && scores->experience->one_answer_per == ONE_ANSWER_PER_CYCLE)
        score_answers_elect_ticket(scores, number);
    *ret_erased = erased;
    return changed;
}

uint32_t
score_tickets_fold(struct scores *scores, const struct ticket_outcome *outcome, bool *ret_erased)
{
    scores->folded++;
    if (is_full(scores) && score_tickets_find(scores, outcome->ticket) == 0) {
        scores->facts_refused++;
        *ret_erased = false;
        return 0;
    }
    return fold_ticket(scores, score_tickets_take(scores, outcome->ticket), outcome, ret_erased);
}

/* ---- verdicts ---- */

/* The record of this clock and cycle; 0: none yet. */
static uint32_t
find_verdict(const struct scores *scores, const struct score_ticket *ticket, enum clock_kind kind,
             symbol clock, uint32_t cycle)
{
    uint32_t number = ticket->verdicts;

    for (; number != 0; number = verdict_at(scores, number)->next) {
        const struct score_verdict *verdict = verdict_at(scores, number);

        if (verdict->clock == clock && verdict->cycle == cycle && verdict->kind == kind)
            break;
    }
    return number;
}

uint32_t
score_tickets_verdicts_count(const struct scores *scores, uint32_t ticket)
{
    uint32_t count = 0;

    for (uint32_t number = scores_ticket_at(scores, ticket)->verdicts; number != 0;
         number = verdict_at(scores, number)->next)
        count++;
    return count;
}

/* What it counts as: met and breached only, in either view. */
static uint8_t
verdict_flags(const struct verdict_outcome *outcome)
{
    unsigned flags = 0;

    if (outcome->verdict == VERDICT_MET || outcome->verdict == VERDICT_BREACHED)
        flags |= VERDICT_CONTRACT | (outcome->verdict == VERDICT_MET ? VERDICT_CONTRACT_MET : 0U);
    if (!outcome->honest_excluded && outcome->verdict != VERDICT_VOID &&
        (outcome->honest == VERDICT_MET || outcome->honest == VERDICT_BREACHED))
        flags |= VERDICT_HONEST | (outcome->honest == VERDICT_MET ? VERDICT_HONEST_MET : 0U);
    if (flags != 0 && outcome->attainment && outcome->name.kind == KIND_SLA)
        flags |= VERDICT_ATTAINMENT; /* attainment is of SLAs (section 8) */
    return (uint8_t)flags;
}

static void
tally_on_ticket(struct score_ticket *ticket, uint8_t flags, int by)
{
    if ((flags & VERDICT_CONTRACT) == 0 || (flags & VERDICT_ATTAINMENT) == 0)
        return;
    if ((flags & VERDICT_CONTRACT_MET) != 0)
        ticket->met = (uint16_t)(ticket->met + by);
    else
        ticket->breached = (uint16_t)(ticket->breached + by);
}

static void
set_verdict(struct scores *scores, uint32_t number, const struct verdict_outcome *outcome)
{
    struct score_verdict *verdict = verdict_at(scores, number);
    struct score_ticket *ticket = scores_ticket_at(scores, verdict->ticket);
    struct symbols *symbols = scores->options.symbols;
    uint8_t flags = verdict_flags(outcome);

    if (verdict->context != 0) {
        score_count_verdict(scores, number, false);
        score_scopes_release(&scores->scopes, verdict->context);
        verdict->context = 0;
    }
    score_parts_touch(scores, SCORE_PART_TICKETS, verdict->ticket);
    tally_on_ticket(ticket, verdict->flags, -1);
    tally_on_ticket(ticket, flags, 1);
    verdict->flags = flags;
    verdict->revision = outcome->arrival.revision;
    verdict->decided_at_ms = outcome->decided_at_ms;
    release_people(scores, verdict);
    verdict->requester = symbols_intern(symbols, outcome->attributes[ATTRIBUTE_REQUESTER]);
    verdict->assignee = symbols_intern(symbols, outcome->attributes[ATTRIBUTE_ASSIGNEE]);
    if (flags != 0) {
        verdict->context = score_context_of(scores, outcome->attributes, outcome->source, NULL, 0);
        score_count_verdict(scores, number, true);
    }
    score_tickets_refresh(scores, verdict->ticket);
}

static uint32_t
make_verdict(struct scores *scores, uint32_t ticket, enum clock_kind kind, symbol clock, uint32_t cycle)
{
    uint32_t number = score_store_take(&scores->verdicts);
    struct score_verdict *verdict = verdict_at(scores, number);

    verdict->ticket = ticket;
    verdict->kind = (uint8_t)kind;
    verdict->clock = clock;
    verdict->cycle = cycle;
    verdict->next = scores_ticket_at(scores, ticket)->verdicts;
    scores_ticket_at(scores, ticket)->verdicts = number;
    return number;
}

void
score_tickets_fold_verdict(struct scores *scores, const struct verdict_outcome *outcome)
{
    enum clock_kind kind = outcome->name.kind;
    symbol clock;
    uint32_t ticket, number;

    scores->folded++;
    clock = symbols_find(scores->options.symbols, outcome->name.clock);
    ticket = score_tickets_find(scores, outcome->name.ticket);
    number = clock == 0 || ticket == 0
                 ? 0
                 : find_verdict(scores, scores_ticket_at(scores, ticket), kind, clock, outcome->name.cycle);
    if (number == 0) {
        if (is_full(scores)) {
            scores->facts_refused++;
            return;
        }
        clock = symbols_intern(scores->options.symbols, outcome->name.clock);
        ticket = score_tickets_take(scores, outcome->name.ticket);
        set_verdict(scores, make_verdict(scores, ticket, kind, clock, outcome->name.cycle), outcome);
        return; /* the record keeps the references on ticket and clock */
    }
    if (outcome->arrival.revision <= verdict_at(scores, number)->revision)
        scores->stale++;
    else
        set_verdict(scores, number, outcome);
}

/* ---- all of them ---- */

void
score_tickets_uncount_all(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->tickets.used; i++)
        set_flag(scores_ticket_at(scores, i), TICKET_COUNTED, false);
    score_contacts_uncount_all(scores);
}

void
score_tickets_place_people(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->versions.used; i++) {
        struct score_version *version = version_at(scores, i);

        if (version->context != 0)
            version->context =
                score_context_with_people(scores, version->context, version->requester, version->assignee, 0);
    }
    for (uint32_t i = 1; i < scores->verdicts.used; i++) {
        struct score_verdict *verdict = verdict_at(scores, i);

        if (verdict->context != 0)
            verdict->context =
                score_context_with_people(scores, verdict->context, verdict->requester, verdict->assignee, 0);
    }
    for (uint32_t i = 1; i < scores->tickets.used; i++) {
        struct score_ticket *ticket = scores_ticket_at(scores, i);
        uint32_t number =
            ticket->counted_context == 0 ? 0 : score_tickets_version_at(scores, i, ticket->counted_at_ms);

        if (number == 0)
            continue;
        score_scopes_retain(&scores->scopes, version_at(scores, number)->context);
        score_scopes_release(&scores->scopes, ticket->counted_context);
        ticket->counted_context = version_at(scores, number)->context;
    }
}

static void
retire_verdict(struct scores *scores, uint32_t number)
{
    struct score_verdict *verdict = verdict_at(scores, number);
    uint32_t ticket = verdict->ticket;
    uint32_t *link = &scores_ticket_at(scores, ticket)->verdicts;

    score_parts_touch(scores, SCORE_PART_TICKETS, ticket);
    while (*link != number)
        link = &verdict_at(scores, *link)->next;
    *link = verdict->next;
    if (verdict->context != 0)
        score_count_verdict(scores, number, false);
    score_scopes_release(&scores->scopes, verdict->context);
    release_names(scores, verdict);
    *verdict = (struct score_verdict){0};
    score_store_give_back(&scores->verdicts, number);
    score_tickets_release(scores, ticket);
}

static bool
is_over(const struct score_ticket *ticket)
{
    return (ticket->flags & TICKET_KNOWN) != 0 &&
           ((ticket->flags & TICKET_FINAL) != 0 || ticket->state == TICKET_CANCELLED);
}

void
score_tickets_retire(struct scores *scores, int64_t before_ms)
{
    for (uint32_t i = 1; i < scores->verdicts.used; i++) {
        const struct score_verdict *verdict = verdict_at(scores, i);

        if (verdict->ticket != 0 && verdict->decided_at_ms < before_ms &&
            is_over(scores_ticket_at(scores, verdict->ticket)))
            retire_verdict(scores, i);
    }
    for (uint32_t i = 1; i < scores->tickets.used; i++) {
        struct score_ticket *ticket = scores_ticket_at(scores, i);

        if (!is_over(ticket) || ticket->references > 1 ||
            version_at(scores, ticket->versions)->from_ms >= before_ms)
            continue;
        take_out(scores, i);
        score_contacts_drop(scores, i);
        set_flag(ticket, TICKET_KNOWN, false);
        score_tickets_release(scores, i);
    }
}

/* ---- a snapshot read back ---- */

uint32_t
score_tickets_name_check(struct slice name)
{
    return (uint32_t)hash_slice(0, name);
}

bool
score_tickets_adopt(struct scores *scores, uint32_t number, struct slice name)
{
    struct score_ticket *ticket;

    if (score_tickets_find(scores, name) != 0)
        return false;
    score_store_put(&scores->tickets, number);
    ticket = scores_ticket_at(scores, number);
    ticket->name = score_texts_add(&scores->texts, name);
    ticket->references = 1;
    score_index_add(&scores->ticket_index, number);
    return true;
}

void
score_tickets_adopt_verdict(struct scores *scores, uint32_t number)
{
    const struct score_verdict *verdict = verdict_at(scores, number);
    struct score_ticket *ticket = scores_ticket_at(scores, verdict->ticket);

    ticket->references++;
    tally_on_ticket(ticket, verdict->flags, 1);
}

/* Nothing is counted yet. */
static void
settle(struct scores *scores, uint32_t number)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);
    uint32_t context = context_to_count(scores, number);

    if (context == 0)
        return;
    score_scopes_retain(&scores->scopes, context);
    ticket->counted_context = context;
    ticket->counted_at_ms = ticket->solved_at_ms;
    ticket->weight = weight_of(ticket);
}

void
score_tickets_settle(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->tickets.used; i++) {
        struct score_ticket *ticket = scores_ticket_at(scores, i);

        if (ticket->name == 0)
            continue;
        if (ticket->references > 1) {
            ticket->references--;
            settle(scores, i);
        } else /* who named it says something else by now */
            score_tickets_release(scores, i);
    }
}
