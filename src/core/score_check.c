/*
 * What: audits of the score side, for tests: a hash over the whole state that does not depend on its place in
 * memory, and a count of everything from scratch.
 *
 * Why this way: "a rebuild gives the same state" is a claim about everything, so the hash takes in every
 * record with its texts and every scope with its sums. The audit counts by the rules as written, without
 * chains, marks or leaves.
 *
 * Always true: it changes nothing.
 *
 * Not here: speed.
 */
#include "base/hash.h"
#include "base/panic.h"
#include "core/scores_state.h"

static uint64_t
mix_number(uint64_t hash, int64_t number)
{
    return hash_bytes(hash, &number, sizeof number);
}

static uint64_t
mix_symbol(const struct scores *scores, uint64_t hash, symbol number)
{
    return hash_slice(mix_number(hash, number != 0), symbols_text(scores->options.symbols, number));
}

static uint64_t
mix_text(const struct scores *scores, uint64_t hash, uint32_t text)
{
    return hash_slice(mix_number(hash, text != 0), score_texts_get(&scores->texts, text));
}

static uint64_t
mix_values(const struct scores *scores, uint64_t hash, const struct score_values *values)
{
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        hash = mix_symbol(scores, hash, values->of[i]);
    return hash;
}

static uint64_t
mix_context(const struct scores *scores, uint64_t hash, uint32_t context)
{
    return context == 0 ? mix_number(hash, 0)
                        : mix_values(scores, hash, score_scopes_values(&scores->scopes, context));
}

static uint64_t
digest_answer(const struct scores *scores, const struct score_answer *answer)
{
    uint64_t hash = mix_text(scores, 1, answer->id);

    hash = mix_number(hash, answer->at_ms);
    hash = mix_text(scores, hash, answer->person == 0 ? 0 : scores_person_at(scores, answer->person)->name);
    hash = mix_text(scores, hash, answer->ticket == 0 ? 0 : scores_ticket_at(scores, answer->ticket)->name);
    hash = mix_context(scores, hash, answer->context);
    hash = mix_number(hash, score_of_answer(answer));
    hash = mix_number(hash, answer->lost_minutes);
    hash = mix_number(hash, answer->revision);
    hash = mix_number(hash, answer->own);
    hash = mix_number(hash, (answer->flags & ANSWER_COUNTED) !=
                                    0 /* nobody asks the others whether they were answered */
                                ? answer->flags
                                : answer->flags & ~(unsigned)ANSWER_ANSWERED);
    hash = mix_symbol(scores, hash, scores->scales[answer->scale]);
    if (answer->aspects != 0) {
        const struct score_answer_aspects *aspects = score_store_at(&scores->aspects, answer->aspects);

        for (uint32_t i = 0; i < aspects->count; i++) {
            hash = mix_symbol(scores, hash, aspects->items[i].name);
            hash = mix_number(hash, aspects->items[i].score * 4 + aspects->items[i].answer_class);
        }
    }
    return hash;
}

static uint64_t
digest_alert(const struct scores *scores, const struct score_alert *alert)
{
    uint64_t hash = mix_text(scores, 5, scores_answer_at(scores, alert->answer)->id);

    hash = mix_number(hash, alert->effective_at_ms);
    hash = mix_number(hash, alert->fired_at_ms);
    hash = mix_number(hash, alert->is_acknowledged ? alert->acknowledged_at_ms : INSTANT_NONE);
    hash = mix_text(scores, hash, alert->acknowledged_by);
    hash = mix_number(hash, alert->told);
    hash = mix_number(hash, alert->settled);
    return mix_number(mix_number(hash, alert->pages), alert->state);
}

static uint64_t
digest_ticket(const struct scores *scores, const struct score_ticket *ticket)
{
    uint64_t hash = mix_text(scores, 2, ticket->name);
    uint32_t number = ticket->versions;

    hash = mix_number(hash, ticket->solved_at_ms);
    hash = mix_number(hash, ticket->revision);
    hash = mix_number(hash, ticket->offers);
    hash = mix_number(hash, ticket->met);
    hash = mix_number(hash, ticket->breached);
    hash = mix_number(hash, ticket->cycle);
    hash = mix_number(hash, ticket->flags);
    hash = mix_number(hash, ticket->weight);
    hash = mix_number(hash, ticket->state);
    hash = mix_number(hash, ticket->started_at_ms);
    hash = mix_number(hash, ticket->bounces);
    hash = mix_number(hash, ticket->tier);
    hash = hash_bytes(hash, ticket->wall_ms, sizeof ticket->wall_ms);
    while (number != 0) {
        const struct score_version *version = score_store_at(&scores->versions, number);

        hash = mix_number(hash, version->from_ms);
        hash = mix_context(scores, hash, version->context);
        hash = mix_symbol(scores, hash, version->requester);
        hash = mix_symbol(scores, hash, version->assignee);
        hash = mix_number(hash, version->cycle);
        number = version->next;
    }
    return hash;
}

static uint64_t
digest_verdict(const struct scores *scores, const struct score_verdict *verdict)
{
    uint64_t hash = mix_text(scores, 3, scores_ticket_at(scores, verdict->ticket)->name);

    hash = mix_symbol(scores, hash, verdict->clock);
    hash = mix_number(hash, verdict->cycle);
    hash = mix_number(hash, verdict->decided_at_ms);
    hash = mix_number(hash, verdict->revision);
    hash = mix_number(hash, verdict->flags);
    hash = mix_number(hash, verdict->kind);
    hash = mix_symbol(scores, hash, verdict->requester);
    hash = mix_symbol(scores, hash, verdict->assignee);
    return mix_context(scores, hash, verdict->context);
}

/* The sum over its series, so their order (by number of names) does not matter. */
static uint64_t
digest_scope(const struct scores *scores, const struct score_scope_state *scope)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < scope->series_count; i++) {
        const struct score_named_series *named = &scope->series[i];
        const int64_t bounds[] = {INT64_MIN, INT64_MAX};
        struct score_weigher weigher = score_count_weigher(scores, named->kind);
        struct score_tally sums[2];
        uint64_t hash;

        if (named->series.count == 0)
            continue;
        score_series_sums(&named->series, bounds, 2, &weigher, sums);
        hash = mix_number(4, (int64_t)(named->kind >> 56));
        hash = mix_symbol(scores, hash, (symbol)(named->kind >> 8));
        hash = mix_symbol(scores, hash, scores->scales[(uint8_t)named->kind]);
        sum += hash_bytes(hash, &sums[1], sizeof sums[1]);
    }
    return sum == 0 ? 0 : mix_values(scores, mix_number(sum, scope->definition), &scope->values);
}

/* What was never decided is as if it were not known. */
static uint64_t
digest_contract(const struct scores *scores, const struct score_contract *contract)
{
    uint64_t hash = mix_symbol(scores, 6, contract->name);

    if (contract->pxa_revision == 0 && contract->credits_stated_ms == INSTANT_NONE)
        return 0;
    hash = mix_number(hash, contract->state);
    hash = mix_number(hash, contract->since_ms);
    hash = mix_number(hash, contract->plan_until_ms);
    hash = mix_number(hash, contract->pxa_decided_ms);
    hash = mix_number(hash, contract->pxa_revision);
    return mix_number(hash, contract->credits_stated_ms);
}

static uint64_t
digest_melon(const struct scores *scores, const struct score_melon *melon)
{
    uint64_t hash = mix_values(scores, mix_symbol(scores, 7, melon->contract), &melon->values);

    hash = mix_number(hash, melon->dimensions);
    hash = mix_number(hash, melon->ripe);
    hash = mix_number(hash, melon->since_ms);
    return mix_number(hash, melon->revision);
}

uint64_t
scores_digest(const struct scores *scores)
{
    uint64_t digest = scores->waiting_count;

    for (size_t i = 0; i < scores->contracts_count; i++)
        digest += digest_contract(scores, &scores->contracts[i]);
    for (size_t i = 0; i < scores->melons_count; i++)
        digest += digest_melon(scores, &scores->melons[i]);

    for (uint32_t i = 1; i < scores->answers.used; i++)
        if (scores_answer_at(scores, i)->id != 0)
            digest += digest_answer(scores, scores_answer_at(scores, i));
    for (uint32_t i = 1; i < scores->alerts.used; i++)
        if (((const struct score_alert *)score_store_at(&scores->alerts, i))->answer != 0)
            digest += digest_alert(scores, score_store_at(&scores->alerts, i));
    for (uint32_t i = 1; i < scores->tickets.used; i++)
        if (scores_ticket_at(scores, i)->references != 0)
            digest += digest_ticket(scores, scores_ticket_at(scores, i));
    for (uint32_t i = 1; i < scores->verdicts.used; i++)
        if (((const struct score_verdict *)score_store_at(&scores->verdicts, i))->ticket != 0)
            digest += digest_verdict(scores, score_store_at(&scores->verdicts, i));
    for (uint32_t i = 1; i < scores->scopes.scopes.used; i++)
        if (score_scopes_at(&scores->scopes, i)->number != 0)
            digest += digest_scope(scores, score_scopes_at(&scores->scopes, i));
    return digest;
}

/* ---- from scratch ---- */

static void
check_people(struct scores *scores, const struct score_scope_state *scope)
{
    int64_t marks = 0, people = 0;

    for (uint32_t i = 0; i < scope->series_count; i++) {
        const int64_t bounds[] = {INT64_MIN, INT64_MAX};
        struct score_weigher weigher = score_count_weigher(scores, scope->series[i].kind);
        struct score_tally sums[2];

        if (scope->series[i].kind >> 56 != SCORE_ANSWERS)
            continue;
        score_series_sums(&scope->series[i].series, bounds, 2, &weigher, sums);
        marks += sums[1].columns[ANSWER_PEOPLE];
    }
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);
        bool last = true;

        if ((answer->flags & (ANSWER_COUNTED | ANSWER_OFFER)) != ANSWER_COUNTED ||
            !score_scopes_counts_in(&scores->scopes, answer->context, scope->number))
            continue;
        for (uint32_t j = 1; j < scores->answers.used && answer->person != 0; j++) {
            const struct score_answer *other = scores_answer_at(scores, j);

            if ((other->flags & (ANSWER_COUNTED | ANSWER_OFFER)) == ANSWER_COUNTED &&
                other->person == answer->person &&
                score_scopes_counts_in(&scores->scopes, other->context, scope->number) &&
                score_answers_later(scores, other, answer))
                last = false;
        }
        people += last;
    }
    must(marks == people);
}

static void
check_scope(struct scores *scores, const struct score_scope_state *scope)
{
    for (uint32_t i = 0; i < scope->series_count; i++) {
        struct score_weigher weigher = score_count_weigher(scores, scope->series[i].kind);

        score_series_check(&scope->series[i].series, &weigher);
    }
    if ((scope->kinds & SCORE_KIND_BIT(SCORE_ANSWERS)) != 0)
        check_people(scores, scope);
}

/* Series of answers and aspects in which this one stands. */
static size_t
count_entries(struct scores *scores, const struct score_answer *answer)
{
    size_t aspects = 0, entries = 0;
    uint32_t count;
    const struct score_place *places = score_scopes_of(&scores->scopes, answer->context, &count);

    if (answer->aspects != 0)
        aspects =
            ((const struct score_answer_aspects *)score_store_at(&scores->aspects, answer->aspects))->count;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t kinds = score_scopes_at(&scores->scopes, places[i].scope)->kinds;

        entries += (kinds & SCORE_KIND_BIT(SCORE_ANSWERS)) != 0;
        entries += (kinds & SCORE_KIND_BIT(SCORE_ASPECT)) != 0 ? aspects : 0;
    }
    return entries;
}

void
scores_check(struct scores *scores)
{
    size_t entries = 0;

    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);
        bool counted = (answer->flags & ANSWER_COUNTED) != 0;

        if (answer->id == 0)
            continue;
        must(counted == ((answer->flags & ANSWER_WITHDRAWN) == 0 && score_answers_elected(scores, i) == i));
        if (!counted || (answer->flags & ANSWER_OFFER) != 0)
            continue;
        entries += count_entries(scores, answer);
    }
    for (uint32_t i = 1; i < scores->scopes.scopes.used; i++) {
        const struct score_scope_state *scope = score_scopes_at(&scores->scopes, i);

        if (scope->number == 0)
            continue;
        check_scope(scores, scope);
        for (uint32_t s = 0; s < scope->series_count; s++)
            if (scope->series[s].kind >> 56 <= SCORE_ASPECT)
                entries -= scope->series[s].series.count;
    }
    must(entries == 0);
    heap_check(scores->scopes.due);
}
