/*
 * What: the one place where answers, offers, solved tickets and verdicts enter and leave the scopes' series.
 *
 * Why this way: a thing weighs what its record says, so it must leave with the record it came with. Whoever
 * changes a record takes it out first and puts it back after. Distinct people are sums too: in every scope
 * the latest counting answer of a person bears a mark, and all windows end now, so a window has as many
 * people as marks.
 *
 * Always true: a record is in the series of every scope of its context, or in none; of one person's answers
 * in one scope exactly the latest is marked; an answer without respondent is a person of its own.
 *
 * Not here: who counts (score_answers, score_tickets).
 */
#include "base/panic.h"
#include "core/scores_state.h"

static void
weigh_answer(const struct scores *scores, uint32_t entry, struct score_tally *tally)
{
    const struct score_answer *answer = scores_answer_at(scores, entry & ~SCORE_SERIES_MARK);

    tally->columns[ANSWER_N]++;
    tally->columns[ANSWER_CLASS_FIRST + score_class(answer)]++;
    tally->columns[ANSWER_SCORE] += score_of_answer(answer);
    if (answer->lost_minutes != 0) {
        tally->columns[ANSWER_LOST_N]++;
        tally->columns[ANSWER_LOST] += answer->lost_minutes - 1;
    }
    if ((entry & SCORE_SERIES_MARK) != 0)
        tally->columns[ANSWER_PEOPLE]++;
}

static void
weigh_aspect(const struct scores *scores, symbol name, uint32_t entry, struct score_tally *tally)
{
    const struct score_answer *answer = scores_answer_at(scores, entry & ~SCORE_SERIES_MARK);
    const struct score_answer_aspects *aspects = score_store_at(&scores->aspects, answer->aspects);

    for (uint32_t i = 0; i < aspects->count; i++) {
        if (aspects->items[i].name != name || aspects->items[i].answer_class < 0)
            continue;
        tally->columns[ANSWER_N]++;
        tally->columns[ANSWER_SCORE] += aspects->items[i].score;
        tally->columns[ANSWER_CLASS_FIRST + aspects->items[i].answer_class]++;
    }
}

static void
weigh_offer(const struct scores *scores, uint32_t entry, struct score_tally *tally)
{
    const struct score_answer *answer = scores_answer_at(scores, entry & ~SCORE_SERIES_MARK);

    tally->columns[OFFER_N]++;
    if ((answer->flags & ANSWER_ANSWERED) != 0)
        tally->columns[OFFER_ANSWERED]++;
}

static void
weigh_solved(const struct scores *scores, uint32_t entry, struct score_tally *tally)
{
    unsigned weight = scores_ticket_at(scores, entry)->weight;
    int64_t offered = (weight & SOLVED_WAS_OFFERED) != 0;

    tally->columns[SOLVED_N]++;
    tally->columns[SOLVED_OFFERED] += offered;
    if ((weight & SOLVED_WAS_BREACHED) != 0) {
        tally->columns[SOLVED_BREACHED_N]++;
        tally->columns[SOLVED_BREACHED_OFFERED] += offered;
    } else if ((weight & SOLVED_WAS_MET) != 0) {
        tally->columns[SOLVED_MET_N]++;
        tally->columns[SOLVED_MET_OFFERED] += offered;
    }
    tally->columns[SOLVED_REOPENED] += (weight & SOLVED_WAS_REOPENED) != 0;
    tally->columns[SOLVED_FIRST_CONTACT] += (weight & SOLVED_WAS_FIRST_CONTACT) != 0;
}

static void
weigh_verdict(const struct scores *scores, uint32_t entry, struct score_tally *tally)
{
    const struct score_verdict *verdict = score_store_at(&scores->verdicts, entry);

    tally->columns[CLOCK_CONTRACT_N] += (verdict->flags & VERDICT_CONTRACT) != 0;
    tally->columns[CLOCK_CONTRACT_MET] += (verdict->flags & VERDICT_CONTRACT_MET) != 0;
    tally->columns[CLOCK_HONEST_N] += (verdict->flags & VERDICT_HONEST) != 0;
    tally->columns[CLOCK_HONEST_MET] += (verdict->flags & VERDICT_HONEST_MET) != 0;
}

static void
weigh_life(const struct scores *scores, uint32_t entry, struct score_tally *tally)
{
    const struct score_ticket *ticket = scores_ticket_at(scores, entry);

    tally->columns[LIFE_N]++;
    tally->columns[LIFE_BOUNCES] += ticket->bounces;
    for (int i = 0; i < PARTIES_COUNT; i++)
        tally->columns[LIFE_PARTY_FIRST + i] += ticket->wall_ms[i];
}

static void
weigh_created(const struct scores *scores, uint32_t entry, struct score_tally *tally)
{
    tally->columns[CREATED_N]++;
    tally->columns[CREATED_REPEATED] += (scores_ticket_at(scores, entry)->flags & TICKET_REPEATED) != 0;
}

static void
weigh(const struct score_weigher *weigher, uint32_t entry, struct score_tally *tally)
{
    const struct scores *scores = weigher->context;

    switch ((enum score_kind)(weigher->kind >> 56)) {
    case SCORE_ANSWERS:
        weigh_answer(scores, entry, tally);
        break;
    case SCORE_ASPECT:
        weigh_aspect(scores, (symbol)(weigher->kind >> 8), entry, tally);
        break;
    case SCORE_OFFERS:
        weigh_offer(scores, entry, tally);
        break;
    case SCORE_SOLVED:
        weigh_solved(scores, entry, tally);
        break;
    case SCORE_CLOCK:
    case SCORE_LINE:
        weigh_verdict(scores, entry, tally);
        break;
    case SCORE_LIFE:
        weigh_life(scores, entry, tally);
        break;
    case SCORE_TIER:
        tally->columns[TIER_N]++;
        break;
    case SCORE_CREATED:
        weigh_created(scores, entry, tally);
        break;
    case SCORE_KINDS_COUNT:
        panic("a series of no kind");
    }
}

struct score_weigher
score_count_weigher(const struct scores *scores, uint64_t kind)
{
    return (struct score_weigher){weigh, scores, kind};
}

/* One thing into or out of one series of every scope of its context that wants it. */
static void
count_in_scopes(struct scores *scores, uint32_t context, uint64_t kind, int64_t at_ms, uint32_t number,
                bool in)
{
    uint32_t count;
    const struct score_place *places = score_scopes_of(&scores->scopes, context, &count);
    struct score_weigher weigher = score_count_weigher(scores, kind);
    struct score_tally weight = {{0}};

    weigh(&weigher, number, &weight);
    for (uint32_t i = 0; i < count; i++) {
        struct score_scope_state *scope = score_scopes_at(&scores->scopes, places[i].scope);

        if ((scope->kinds & SCORE_KIND_BIT(kind >> 56)) == 0)
            continue;
        if (in)
            score_series_insert(score_scopes_series(&scores->scopes, scope, kind), at_ms, number, &weight,
                                &weigher);
        else
            score_series_remove(score_scopes_series(&scores->scopes, scope, kind), at_ms, number, &weight);
        score_publish_touch(scores, scope);
    }
}

static uint64_t
answers_kind(const struct score_answer *answer)
{
    return score_series_kind(SCORE_ANSWERS, answer->scale, 0);
}

/* Moves the mark of a person in one scope onto or off another answer. */
static void
set_mark(struct scores *scores, uint32_t scope, uint32_t number, bool marked)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    struct score_tally change = {{0}};

    change.columns[ANSWER_PEOPLE] = marked ? 1 : -1;
    score_series_mark(
        score_scopes_series(&scores->scopes, score_scopes_at(&scores->scopes, scope), answers_kind(answer)),
        answer->at_ms, number, marked, &change);
}

/* The places of a candidate that are places of ours too, and still open: it is the latest there. */
static uint32_t
take_places(const struct score_context *candidate, uint32_t other, const struct score_place *places,
            uint32_t count, uint32_t *ret_others)
{
    uint32_t theirs = 0, taken = 0;

    if (candidate->places_count == SCORE_PLACES_UNKNOWN)
        return 0;
    for (uint32_t i = 0; i < count && theirs < candidate->places_count; i++) {
        while (theirs < candidate->places_count &&
               candidate->places[theirs].definition < places[i].definition)
            theirs++;
        if (theirs < candidate->places_count && candidate->places[theirs].scope == places[i].scope &&
            ret_others[i] == 0) {
            ret_others[i] = other;
            taken++;
        }
    }
    return taken;
}

/* For each place the latest other answer of the same person that counts in the same scope; 0: none. */
static void
find_others(const struct scores *scores, uint32_t number, const struct score_place *places, uint32_t count,
            uint32_t *ret_others)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    uint32_t open = count;
    uint32_t other;

    memset(ret_others, 0, count * sizeof *ret_others);
    other = answer->person == 0 ? 0 : scores_person_at(scores, answer->person)->answers;
    for (; other != 0 && open > 0; other = scores_answer_at(scores, other)->next_of_person) {
        const struct score_answer *candidate = scores_answer_at(scores, other);

        if (other == number || (candidate->flags & (ANSWER_COUNTED | ANSWER_OFFER)) != ANSWER_COUNTED)
            continue;
        open -= take_places(score_store_at(&scores->scopes.contexts, candidate->context), other, places,
                            count, ret_others);
    }
}

static void
count_one_answer(struct scores *scores, uint32_t number, bool in)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    uint32_t count;
    const struct score_place *places = score_scopes_of(&scores->scopes, answer->context, &count);
    struct score_weigher weigher = score_count_weigher(scores, answers_kind(answer));
    uint32_t *others = scores->others;

    find_others(scores, number, places, count, others);
    for (uint32_t i = 0; i < count; i++) {
        bool marked;
        uint32_t entry;
        struct score_tally weight = {{0}};
        struct score_scope_state *scope = score_scopes_at(&scores->scopes, places[i].scope);
        struct score_series *series;

        if ((scope->kinds & SCORE_KIND_BIT(SCORE_ANSWERS)) == 0)
            continue;
        marked = others[i] == 0 || score_answers_later(scores, answer, scores_answer_at(scores, others[i]));
        entry = marked ? number | SCORE_SERIES_MARK : number;
        if (marked && others[i] != 0)
            set_mark(scores, places[i].scope, others[i], !in);
        weigh_answer(scores, entry, &weight);
        series = score_scopes_series(&scores->scopes, scope, weigher.kind);
        if (in)
            score_series_insert(series, answer->at_ms, entry, &weight, &weigher);
        else
            score_series_remove(series, answer->at_ms, number, &weight);
        score_publish_touch(scores, scope);
    }
}

static void
count_aspects(struct scores *scores, uint32_t number, bool in)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    const struct score_answer_aspects *aspects;

    if (answer->aspects == 0)
        return;
    aspects = score_store_at(&scores->aspects, answer->aspects);
    for (uint32_t i = 0; i < aspects->count; i++)
        count_in_scopes(scores, answer->context,
                        score_series_kind(SCORE_ASPECT, answer->scale, aspects->items[i].name), answer->at_ms,
                        number, in);
}

void
score_count_answer(struct scores *scores, uint32_t number, bool in)
{
    struct score_answer *answer = scores_answer_at(scores, number);

    must(((answer->flags & ANSWER_COUNTED) != 0) != in);
    answer->flags = (uint8_t)(answer->flags ^ ANSWER_COUNTED);
    if ((answer->flags & ANSWER_OFFER) != 0) {
        count_in_scopes(scores, answer->context, score_series_kind(SCORE_OFFERS, 0, 0), answer->at_ms, number,
                        in);
        return;
    }
    count_one_answer(scores, number, in);
    count_aspects(scores, number, in);
}

void
score_count_marked(struct scores *scores, uint32_t number, uint64_t marks)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    struct score_weigher weigher = score_count_weigher(scores, answers_kind(answer));
    const struct score_place *places;
    uint32_t count;

    if ((answer->flags & ANSWER_OFFER) != 0) {
        count_in_scopes(scores, answer->context, score_series_kind(SCORE_OFFERS, 0, 0), answer->at_ms, number,
                        true);
        return;
    }
    places = score_scopes_of(&scores->scopes, answer->context, &count);
    for (uint32_t i = 0; i < count; i++) {
        struct score_scope_state *scope = score_scopes_at(&scores->scopes, places[i].scope);
        uint32_t entry = (marks >> i & 1) != 0 ? number | SCORE_SERIES_MARK : number;
        struct score_tally weight = {{0}};

        if ((scope->kinds & SCORE_KIND_BIT(SCORE_ANSWERS)) == 0)
            continue;
        weigh_answer(scores, entry, &weight);
        score_series_insert(score_scopes_series(&scores->scopes, scope, weigher.kind), answer->at_ms, entry,
                            &weight, &weigher);
    }
    count_aspects(scores, number, true);
}

void
score_count_solved(struct scores *scores, uint32_t number, bool in)
{
    struct score_ticket *ticket = scores_ticket_at(scores, number);

    must(((ticket->flags & TICKET_COUNTED) != 0) != in);
    ticket->flags = (uint8_t)(ticket->flags ^ TICKET_COUNTED);
    count_in_scopes(scores, ticket->counted_context, score_series_kind(SCORE_SOLVED, 0, 0),
                    ticket->counted_at_ms, number, in);
    if ((scores->wanted & SCORE_KIND_BIT(SCORE_LIFE)) != 0)
        count_in_scopes(scores, ticket->counted_context, score_series_kind(SCORE_LIFE, 0, 0),
                        ticket->counted_at_ms, number, in);
    if ((scores->wanted & SCORE_KIND_BIT(SCORE_TIER)) != 0 && ticket->tier != 0)
        count_in_scopes(scores, ticket->counted_context, score_series_kind(SCORE_TIER, ticket->tier, 0),
                        ticket->counted_at_ms, number, in);
}

void
score_count_created(struct scores *scores, uint32_t number, bool in)
{
    const struct score_ticket *ticket = scores_ticket_at(scores, number);

    count_in_scopes(scores, ticket->created_context, score_series_kind(SCORE_CREATED, 0, 0),
                    ticket->created_at_ms, number, in);
}

void
score_count_verdict(struct scores *scores, uint32_t number, bool in)
{
    const struct score_verdict *verdict = score_store_at(&scores->verdicts, number);

    if ((verdict->flags & VERDICT_ATTAINMENT) != 0)
        count_in_scopes(scores, verdict->context, score_series_kind(SCORE_CLOCK, 0, verdict->clock),
                        verdict->decided_at_ms, number, in);
    if ((scores->wanted & SCORE_KIND_BIT(SCORE_LINE)) != 0)
        count_in_scopes(scores, verdict->context,
                        score_series_kind(SCORE_LINE, verdict->kind, verdict->clock), verdict->decided_at_ms,
                        number, in);
}
