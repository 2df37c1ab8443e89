/*
 * What: answers, offers and the people who gave them: one record each, found by (survey, feedback id),
 * chained by ticket and by person; and who of several answers counts.
 *
 * Why this way: one record of 48 bytes serves every scope and window. Chains run from the latest to the
 * earliest, so the two questions that are asked all the time, "is there a later one?" and "who takes its
 * place?", end at the first hit. What counts depends on the set of records alone, never on the order in which
 * they came: a rebuild from the log cannot differ.
 *
 * Always true: of all answers that share ticket (or cycle, or person), survey and scale, the latest is
 * counted and no other; the same of offers that share person, ticket and survey; what is withdrawn is in no
 * chain. At one instant the greater feedback id is later.
 *
 * Not here: deciding what an event says (score_join), sums (score_count).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/scores_state.h"

#define OFFER_SEED UINT64_C(0x6f66666572)

_Static_assert(sizeof(struct score_answer) == 48, "at most 64 bytes an answer, with its place in the index");

static symbol
survey_of(const struct scores *scores, const struct score_answer *answer)
{
    return score_scopes_values(&scores->scopes, answer->context)->of[SCORE_SURVEY];
}

static uint64_t
answer_key_hash(symbol survey, struct slice id, bool offer)
{
    return hash_slice((uint64_t)survey << 32 ^ (offer ? OFFER_SEED : 0), id);
}

static uint64_t
answer_hash(const void *context, uint32_t number)
{
    const struct scores *scores = context;
    const struct score_answer *answer = scores_answer_at(scores, number);

    return answer_key_hash(survey_of(scores, answer), score_texts_get(&scores->texts, answer->id),
                           (answer->flags & ANSWER_OFFER) != 0);
}

static uint64_t
person_hash(const void *context, uint32_t number)
{
    const struct scores *scores = context;

    return hash_slice(0, score_texts_get(&scores->texts, scores_person_at(scores, number)->name));
}

void
score_answers_init(struct scores *scores)
{
    score_store_init(&scores->answers, sizeof(struct score_answer));
    score_store_init(&scores->aspects, sizeof(struct score_answer_aspects));
    score_store_init(&scores->people, sizeof(struct score_person));
    score_index_init(&scores->answer_index, answer_hash, scores);
    score_index_init(&scores->person_index, person_hash, scores);
}

uint32_t
score_answers_find(const struct scores *scores, symbol survey, struct slice id, bool offer)
{
    uint64_t hash = answer_key_hash(survey, id, offer);
    uint32_t place = score_index_home(&scores->answer_index, hash);
    uint32_t number;

    for (; (number = scores->answer_index.slots[place]) != 0;
         place = score_index_next(&scores->answer_index, place)) {
        const struct score_answer *answer = scores_answer_at(scores, number);

        if (score_index_may_be(&scores->answer_index, place, hash) &&
            ((answer->flags & ANSWER_OFFER) != 0) == offer && survey_of(scores, answer) == survey &&
            slice_equal(score_texts_get(&scores->texts, answer->id), id))
            return number;
    }
    return 0;
}

/* ---- people ---- */

static uint32_t
take_person(struct scores *scores, struct slice name)
{
    uint64_t hash = name.at == NULL ? 0 : hash_slice(0, name);
    uint32_t place = score_index_home(&scores->person_index, hash);
    uint32_t number;
    struct score_person *person;

    if (name.at == NULL)
        return 0;
    for (; (number = scores->person_index.slots[place]) != 0;
         place = score_index_next(&scores->person_index, place)) {
        person = scores_person_at(scores, number);
        if (score_index_may_be(&scores->person_index, place, hash) &&
            slice_equal(score_texts_get(&scores->texts, person->name), name)) {
            person->references++;
            return number;
        }
    }
    number = score_store_take(&scores->people);
    person = scores_person_at(scores, number);
    person->name = score_texts_add(&scores->texts, name);
    person->references = 1;
    score_index_add(&scores->person_index, number);
    return number;
}

static void
release_person(struct scores *scores, uint32_t number)
{
    struct score_person *person;

    if (number == 0)
        return;
    person = scores_person_at(scores, number);
    if (--person->references > 0)
        return;
    score_index_remove(&scores->person_index, number);
    score_texts_drop(&scores->texts, person->name);
    person->name = 0;
    score_store_give_back(&scores->people, number);
}

/* ---- chains ---- */

bool
score_answers_later(const struct scores *scores, const struct score_answer *a, const struct score_answer *b)
{
    int order;

    if (a->at_ms != b->at_ms)
        return a->at_ms > b->at_ms;
    order = slice_compare(score_texts_get(&scores->texts, a->id), score_texts_get(&scores->texts, b->id));
    if (order == 0)
        order = (a->flags & ANSWER_OFFER) - (b->flags & ANSWER_OFFER);
    if (order == 0)
        order = slice_compare(symbols_text(scores->options.symbols, survey_of(scores, a)),
                              symbols_text(scores->options.symbols, survey_of(scores, b)));
    return order > 0;
}

static uint32_t *
next_of(struct score_answer *answer, bool by_ticket)
{
    return by_ticket ? &answer->next_of_ticket : &answer->next_of_person;
}

static void
chain_in(struct scores *scores, uint32_t *head, uint32_t number, bool by_ticket)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    uint32_t *link = head;

    while (*link != 0 && score_answers_later(scores, scores_answer_at(scores, *link), answer))
        link = next_of(scores_answer_at(scores, *link), by_ticket);
    *next_of(answer, by_ticket) = *link;
    *link = number;
}

static void
chain_out(struct scores *scores, uint32_t *head, uint32_t number, bool by_ticket)
{
    uint32_t *link = head;

    while (*link != number) {
        must(*link != 0);
        link = next_of(scores_answer_at(scores, *link), by_ticket);
    }
    *link = *next_of(scores_answer_at(scores, number), by_ticket);
}

static void
set_chained(struct scores *scores, uint32_t number, bool in)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    void (*change)(struct scores *, uint32_t *, uint32_t, bool) = in ? chain_in : chain_out;
    uint32_t offers = (answer->flags & ANSWER_OFFER) != 0;

    if (answer->ticket != 0) {
        struct score_ticket *ticket = scores_ticket_at(scores, answer->ticket);

        change(scores, &ticket->answers, number, true);
        ticket->offers = in ? ticket->offers + offers : ticket->offers - offers;
    }
    if (answer->person != 0) {
        struct score_person *person = scores_person_at(scores, answer->person);

        change(scores, &person->answers, number, false);
        person->offers = in ? person->offers + offers : person->offers - offers;
    }
}

/* ---- who counts ---- */

/* What an answer competes in: one survey, one scale (none: offers), and a ticket, a cycle of it, or a person.
 */
static bool
compete(const struct scores *scores, const struct score_answer *a, const struct score_answer *b)
{
    if (a->scale != b->scale || survey_of(scores, a) != survey_of(scores, b))
        return false;
    if (((a->flags ^ b->flags) & ANSWER_OFFER) != 0)
        return false;
    if ((a->flags & ANSWER_OFFER) != 0)
        return a->ticket == b->ticket && a->person == b->person;
    switch (scores->experience->one_answer_per) {
    case ONE_ANSWER_PER_RESPONDENT:
        return a->person == b->person;
    case ONE_ANSWER_PER_TICKET:
        return a->ticket == b->ticket;
    case ONE_ANSWER_PER_CYCLE:
        break;
    }
    if (a->ticket != b->ticket)
        return false;
    {
        uint32_t of_a = score_tickets_version_at(scores, a->ticket, a->at_ms);
        uint32_t of_b = score_tickets_version_at(scores, b->ticket, b->at_ms);

        return of_a == of_b ||
               ((const struct score_version *)score_store_at(&scores->versions, of_a))->cycle ==
                   ((const struct score_version *)score_store_at(&scores->versions, of_b))->cycle;
    }
}

/* The chain in which the competitors of an answer stand; 0: it has none, it counts by its feedback id. */
static uint32_t
competition_of(const struct scores *scores, const struct score_answer *answer, bool *ret_by_ticket)
{
    bool offer = (answer->flags & ANSWER_OFFER) != 0;

    *ret_by_ticket =
        offer ? answer->ticket != 0 : scores->experience->one_answer_per != ONE_ANSWER_PER_RESPONDENT;
    if (*ret_by_ticket)
        return answer->ticket == 0 ? 0 : scores_ticket_at(scores, answer->ticket)->answers;
    return answer->person == 0 ? 0 : scores_person_at(scores, answer->person)->answers;
}

/* The first competitor from `number` on in its chain (number itself may be it). */
static uint32_t
next_competitor(const struct scores *scores, uint32_t number, const struct score_answer *answer,
                bool by_ticket)
{
    while (number != 0 && !compete(scores, scores_answer_at(scores, number), answer))
        number = *next_of(scores_answer_at(scores, number), by_ticket);
    return number;
}

uint32_t
score_answers_elected(const struct scores *scores, uint32_t number)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    bool by_ticket;
    uint32_t head = competition_of(scores, answer, &by_ticket);

    return head == 0 ? number : next_competitor(scores, head, answer, by_ticket);
}

static bool
is_counted(const struct scores *scores, uint32_t number)
{
    return (scores_answer_at(scores, number)->flags & ANSWER_COUNTED) != 0;
}

static void
set_counted(struct scores *scores, uint32_t number, bool counted)
{
    if (is_counted(scores, number) != counted)
        score_count_answer(scores, number, counted);
}

/* A new one is in its chains: it counts when it is the latest, and then takes the place of the one that did.
 */
static void
enter_election(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    bool by_ticket;
    uint32_t head = competition_of(scores, answer, &by_ticket);
    uint32_t other;

    if (head != 0) {
        if (next_competitor(scores, head, answer, by_ticket) != number)
            return;
        other = next_competitor(scores, *next_of(answer, by_ticket), answer, by_ticket);
        if (other != 0)
            set_counted(scores, other, false);
    }
    set_counted(scores, number, true);
}

/* ---- offers meet answers ---- */

static bool
same_triple(const struct scores *scores, const struct score_answer *a, const struct score_answer *b)
{
    return a->ticket == b->ticket && a->person == b->person && survey_of(scores, a) == survey_of(scores, b);
}

/* The latest offer (or answer) in the chain with this one's person, ticket and survey. */
static uint32_t
find_triple(const struct scores *scores, const struct score_answer *answer, bool offer)
{
    bool by_ticket = answer->ticket != 0;
    uint32_t number = 0;

    if (by_ticket)
        number = scores_ticket_at(scores, answer->ticket)->answers;
    else if (answer->person != 0)
        number = scores_person_at(scores, answer->person)->answers;
    for (; number != 0; number = *next_of(scores_answer_at(scores, number), by_ticket)) {
        const struct score_answer *other = scores_answer_at(scores, number);

        if (((other->flags & ANSWER_OFFER) != 0) == offer && same_triple(scores, other, answer))
            return number;
    }
    /* Without ticket and person an offer and its answer are known by their feedback id. */
    if (answer->ticket != 0 || answer->person != 0)
        return 0;
    number = score_answers_find(scores, survey_of(scores, answer),
                                score_texts_get(&scores->texts, answer->id), offer);
    return number != 0 && same_triple(scores, scores_answer_at(scores, number), answer) ? number : 0;
}

static bool
may_have_offers(const struct scores *scores, const struct score_answer *answer)
{
    if (answer->ticket != 0)
        return scores_ticket_at(scores, answer->ticket)->offers > 0;
    return answer->person == 0 || scores_person_at(scores, answer->person)->offers > 0;
}

/* Says of the offer whether it was answered, as it stands now. */
static void
refresh_offer(struct scores *scores, uint32_t number)
{
    struct score_answer *offer = scores_answer_at(scores, number);
    uint32_t answer = find_triple(scores, offer, false);
    bool answered = answer != 0 && (scores_answer_at(scores, answer)->flags & ANSWER_WITHDRAWN) == 0;
    bool counted = is_counted(scores, number);

    if (((offer->flags & ANSWER_ANSWERED) != 0) == answered)
        return;
    set_counted(scores, number, false);
    offer->flags = (uint8_t)(offer->flags ^ ANSWER_ANSWERED);
    set_counted(scores, number, counted);
}

static void
refresh_offer_of(struct scores *scores, const struct score_answer *answer)
{
    uint32_t offer = may_have_offers(scores, answer) ? find_triple(scores, answer, true) : 0;

    if (offer != 0)
        refresh_offer(scores, offer);
}

/* ---- in and out ---- */

static void
attach(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);

    if ((answer->flags & ANSWER_WITHDRAWN) != 0)
        return;
    set_chained(scores, number, true);
    if ((answer->flags & ANSWER_OFFER) != 0) {
        refresh_offer(scores, number);
        enter_election(scores, number);
        if (answer->ticket != 0)
            score_tickets_refresh(scores, answer->ticket);
        return;
    }
    enter_election(scores, number);
    refresh_offer_of(scores, answer);
}

static void
detach(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    bool by_ticket;
    uint32_t heir, head;

    if ((answer->flags & ANSWER_WITHDRAWN) != 0)
        return;
    set_counted(scores, number, false);
    set_chained(scores, number, false);
    head = competition_of(scores, answer, &by_ticket);
    heir = next_competitor(scores, head, answer, by_ticket);
    if (heir != 0 && (answer->flags & ANSWER_OFFER) != 0)
        refresh_offer(scores, heir);
    if (heir != 0)
        set_counted(scores, heir, true);
    answer->flags |= ANSWER_WITHDRAWN; /* for the moment: it is in no chain */
    if ((answer->flags & ANSWER_OFFER) == 0)
        refresh_offer_of(scores, answer);
    else if (answer->ticket != 0)
        score_tickets_refresh(scores, answer->ticket);
}

static void
free_aspects(struct scores *scores, struct score_answer *answer)
{
    struct score_answer_aspects *aspects;

    if (answer->aspects == 0)
        return;
    aspects = score_store_at(&scores->aspects, answer->aspects);
    for (uint32_t i = 0; i < aspects->count; i++)
        symbols_release(scores->options.symbols, aspects->items[i].name);
    memory_free(aspects->items);
    aspects->items = NULL;
    aspects->count = 0;
    score_store_give_back(&scores->aspects, answer->aspects);
    answer->aspects = 0;
}

const struct policy_scale *
score_answers_scale(const struct scores *scores, symbol name, int64_t at_ms)
{
    const struct policy *policy = policy_set_version(scores->set, policy_set_in_force(scores->set, at_ms));

    for (size_t i = 0; name != 0 && i < policy->experience.scales_count; i++)
        if (policy->experience.scales[i].name == name)
            return &policy->experience.scales[i];
    return NULL;
}

int
score_answers_class(const struct policy_scale *scale, int32_t score)
{
    int64_t place = (int64_t)score - scale->lowest;

    return place >= 0 && place < (int64_t)scale->classes_count ? scale->classes[place] : -1;
}

static bool
has_aspect(const struct score_answer_aspects *aspects, symbol name)
{
    for (uint32_t i = 0; i < aspects->count; i++)
        if (aspects->items[i].name == name)
            return true;
    return false;
}

void
score_answers_done(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++)
        free_aspects(scores, scores_answer_at(scores, i));
    for (size_t i = 1; i < 256; i++)
        symbols_release(scores->options.symbols, scores->scales[i]);
    score_index_done(&scores->answer_index);
    score_index_done(&scores->person_index);
    score_store_done(&scores->answers);
    score_store_done(&scores->aspects);
    score_store_done(&scores->people);
}

static void
take_aspects(struct scores *scores, struct score_answer *answer, const struct feedback *feedback)
{
    const struct policy_scale *scale =
        score_answers_scale(scores, scores->scales[answer->scale], answer->at_ms);
    struct score_answer_aspects *aspects;

    if (feedback->aspects_count == 0)
        return;
    answer->aspects = score_store_take(&scores->aspects);
    aspects = score_store_at(&scores->aspects, answer->aspects);
    aspects->items = memory_allocate(feedback->aspects_count * sizeof *aspects->items);
    for (size_t i = 0; i < feedback->aspects_count; i++) {
        symbol name = symbols_intern(scores->options.symbols, feedback->aspects[i].name);
        int32_t score = feedback->aspects[i].score;
        int answer_class = scale != NULL ? score_answers_class(scale, score) : -1;

        if (has_aspect(aspects, name))
            symbols_release(scores->options.symbols, name);
        else
            aspects->items[aspects->count++] =
                (struct score_answer_aspect){name, score, (int8_t)answer_class};
    }
}

/* The scale's number; made when it is new. At most 255: a policy that names more is not one. */
uint8_t
score_answers_scale_number(struct scores *scores, symbol scale)
{
    uint8_t number = 1;

    if (scale == 0)
        return 0;
    while (number < UINT8_MAX && scores->scales[number] != 0 && scores->scales[number] != scale)
        number++;
    if (scores->scales[number] == 0) {
        symbols_retain(scores->options.symbols, scale);
        scores->scales[number] = scale;
    }
    if (scores->scales[number] != scale)
        panic("more than 255 scales");
    return number;
}

static uint8_t
scale_number(struct scores *scores, struct slice name)
{
    symbol scale = symbols_intern(scores->options.symbols, name);
    uint8_t number = score_answers_scale_number(scores, scale);

    symbols_release(scores->options.symbols, scale);
    return number;
}

static uint32_t
context_of(struct scores *scores, const struct answer_outcome *outcome)
{
    struct slice attributes[ATTRIBUTES_COUNT];

    memcpy(attributes, outcome->attributes, sizeof attributes);
    for (size_t i = ATTRIBUTE_REQUESTER; i <= ATTRIBUTE_ASSIGNEE; i++)
        if (outcome->withdrawn && (outcome->attributes_own & ATTRIBUTE_BIT(i)) == 0)
            attributes[i] = (struct slice){NULL, 0};
    return score_context_of(scores, attributes, outcome->source, &outcome->feedback, outcome->attributes_own);
}

static uint32_t
at_most(uint32_t value, uint32_t most)
{
    return value < most ? value : most;
}

/* What lies outside of every scale stays at the end. */
static uint32_t
pack_score(int32_t score)
{
    if (score < SCORE_ANSWER_LOWEST)
        return 0;
    return at_most((uint32_t)(score - SCORE_ANSWER_LOWEST), (1U << 21) - 1);
}

static void
fill(struct scores *scores, struct score_answer *answer, const struct answer_outcome *outcome)
{
    const struct feedback *feedback = &outcome->feedback;
    unsigned flags = outcome->offered_only ? ANSWER_OFFER : 0U;

    if (outcome->withdrawn)
        flags |= ANSWER_WITHDRAWN;
    flags |= (unsigned)outcome->answer_class << ANSWER_CLASS_SHIFT;
    flags |= answer->flags & ANSWER_ALERTED;
    answer->flags = (uint8_t)flags;
    answer->at_ms = outcome->answered_at_ms;
    answer->context = context_of(scores, outcome);
    answer->ticket = outcome->ticket.at != NULL ? score_tickets_take(scores, outcome->ticket) : 0;
    answer->person = take_person(scores, feedback->respondent);
    answer->revision =
        at_most(outcome->arrival.revision, SCORE_ANSWER_REVISION_MAX) & SCORE_ANSWER_REVISION_MAX;
    answer->score = pack_score(feedback->has_score ? feedback->score : 0) & ((1U << 21) - 1);
    answer->lost_minutes =
        feedback->has_lost_minutes
            ? at_most((uint32_t)feedback->lost_minutes + 1, SCORE_ANSWER_LOST_MAX) & SCORE_ANSWER_LOST_MAX
            : 0;
    answer->own = outcome->attributes_own & ((1U << ATTRIBUTES_COUNT) - 1);
    answer->scale = outcome->offered_only ? 0 : scale_number(scores, feedback->scale);
    take_aspects(scores, answer, feedback);
}

/* Forgets what fill took, but for the id. */
static void
let_go(struct scores *scores, struct score_answer *answer)
{
    free_aspects(scores, answer);
    release_person(scores, answer->person);
    score_scopes_release(&scores->scopes, answer->context);
    if (answer->ticket != 0)
        score_tickets_release(scores, answer->ticket);
    answer->person = 0;
    answer->context = 0;
    answer->ticket = 0;
}

void
score_answers_fold(struct scores *scores, const struct answer_outcome *outcome)
{
    symbol survey = symbols_intern(scores->options.symbols, outcome->feedback.survey);
    uint32_t number = score_answers_find(scores, survey, outcome->feedback.id, outcome->offered_only);
    struct score_answer *answer;

    symbols_release(scores->options.symbols, survey);
    scores->folded++;
    if (number == 0) {
        number = score_store_take(&scores->answers);
        answer = scores_answer_at(scores, number);
        answer->id = score_texts_add(&scores->texts, outcome->feedback.id);
        fill(scores, answer, outcome);
        score_index_add(&scores->answer_index, number);
    } else {
        struct score_answer before;

        answer = scores_answer_at(scores, number);
        if (outcome->arrival.revision <= answer->revision) {
            scores->stale++;
            if (outcome->arrival.revision == answer->revision) /* loaded, and read once more */
                answer->flags = (uint8_t)(answer->flags & ~(unsigned)ANSWER_BEHIND);
            return;
        }
        detach(scores, number);
        before = *answer;
        answer->aspects = 0;
        fill(scores, answer, outcome);
        let_go(scores, &before); /* last: the outcome may point at what the record holds */
    }
    attach(scores, number);
    score_detractors_follow(scores, number, outcome);
    score_parts_touch(scores, SCORE_PART_ANSWERS, number);
}

void
score_answers_elect_ticket(struct scores *scores, uint32_t ticket)
{
    uint32_t head = scores_ticket_at(scores, ticket)->answers;
    uint32_t number;

    for (number = head; number != 0; number = scores_answer_at(scores, number)->next_of_ticket)
        set_counted(scores, number, score_answers_elected(scores, number) == number);
}

void
score_answers_uncount_all(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        struct score_answer *answer = scores_answer_at(scores, i);

        answer->flags = (uint8_t)(answer->flags & ~(unsigned)ANSWER_COUNTED);
    }
}

void
score_answers_elect_all(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id != 0 && (answer->flags & ANSWER_WITHDRAWN) == 0 &&
            score_answers_elected(scores, i) == i)
            answer->flags |= ANSWER_COUNTED;
    }
}

void
score_answers_place_people(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        struct score_answer *answer = scores_answer_at(scores, i);
        const struct score_version *version;
        uint32_t number;

        if (answer->id == 0 || answer->ticket == 0 || (answer->flags & ANSWER_WITHDRAWN) != 0)
            continue;
        number = score_tickets_version_at(scores, answer->ticket, answer->at_ms);
        if (number == 0)
            continue;
        version = score_store_at(&scores->versions, number);
        answer->context = (scores_ticket_at(scores, answer->ticket)->flags & TICKET_ERASED) != 0
                              ? score_context_with_people(scores, answer->context, 0, 0, answer->own)
                              : score_context_with_people(scores, answer->context, version->requester,
                                                          version->assignee, answer->own);
    }
}

void
score_answers_retire(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);

    score_detractors_forget(scores, number);
    detach(scores, number);
    score_index_remove(&scores->answer_index, number);
    let_go(scores, answer);
    score_texts_drop(&scores->texts, answer->id);
    answer->id = 0;
    score_store_give_back(&scores->answers, number);
    score_parts_touch(scores, SCORE_PART_ANSWERS, number);
}

void
score_answers_disown(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);

    free_aspects(scores, answer);
    score_scopes_release(&scores->scopes, answer->context);
    score_texts_drop(&scores->texts, answer->id);
    *answer = (struct score_answer){0};
}

/* As if it had never been: nothing is counted yet. */
static void
unadopt(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);

    score_detractors_forget(scores, number);
    if ((answer->flags & ANSWER_WITHDRAWN) == 0)
        set_chained(scores, number, false);
    score_index_remove(&scores->answer_index, number);
    release_person(scores, answer->person);
    if (answer->ticket != 0)
        score_tickets_release(scores, answer->ticket);
    score_answers_disown(scores, number);
}

/* Two of one key: one was retired while the snapshot was made, and its id came again. The later stays. */
bool
score_answers_adopt(struct scores *scores, uint32_t number, struct slice person)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    uint32_t other =
        score_answers_find(scores, survey_of(scores, answer), score_texts_get(&scores->texts, answer->id),
                           (answer->flags & ANSWER_OFFER) != 0);

    if (other != 0 && scores_answer_at(scores, other)->at_ms >= answer->at_ms) {
        score_answers_disown(scores, number);
        return false;
    }
    if (other != 0)
        unadopt(scores, other);
    answer->person = take_person(scores, person);
    if (answer->ticket != 0)
        scores_ticket_at(scores, answer->ticket)->references++;
    if ((answer->flags & ANSWER_WITHDRAWN) == 0)
        set_chained(scores, number, true);
    score_index_add(&scores->answer_index, number);
    return true;
}

void
score_answers_settle(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id != 0 && (answer->flags & (ANSWER_OFFER | ANSWER_WITHDRAWN)) == ANSWER_OFFER)
            refresh_offer(scores, i);
    }
}
