/*
 * What: experience agreements: the state of a contract's PXA, decided at each local midnight, and by hand.
 *
 * Why this way: a decision is a function of one row of numbers (pxa_decide), so anyone can check it. It goes
 * out with the numbers it saw, with how far it had read, and whether or not it moved anything: so a restart
 * knows which midnights are decided, and an audit can ask for each of them whether it was right.
 *
 * Always true: a midnight is decided once; what was decided is never rewritten; in a plan nothing but its
 * end, or a hand, moves; from the right to leave only a hand.
 *
 * Not here: which instants are midnights (score_contracts), bytes.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_windows.h"
#include "core/scores_state.h"
#include <stdlib.h>

const char *
pxa_state_text(enum pxa_state state)
{
    static const char *const texts[PXA_STATES_COUNT] = {
        [PXA_NO_DATA] = "no_data", [PXA_PROVISIONAL] = "provisional",     [PXA_HEALTHY] = "healthy",
        [PXA_PLAN] = "plan",       [PXA_RELEASE_RIGHT] = "release_right",
    };

    return texts[state];
}

enum pxa_state
pxa_decide(const struct pxa_question *question)
{
    bool enough = question->n > 0 && question->n >= question->min_answers;
    bool below = question->positive * 10000 < (int64_t)question->threshold_bp * question->n;

    if (question->state == PXA_RELEASE_RIGHT)
        return PXA_RELEASE_RIGHT;
    if (question->state == PXA_PLAN) {
        if (question->at_ms < question->plan_until_ms || !enough)
            return PXA_PLAN;
        return below ? PXA_RELEASE_RIGHT : PXA_HEALTHY;
    }
    if (!enough)
        return question->n > 0 ? PXA_PROVISIONAL : PXA_NO_DATA;
    return below ? PXA_PLAN : PXA_HEALTHY;
}

/* ---- the figures ---- */

static void
look(struct scores *scores, uint32_t index, int64_t at_ms, struct score_scope_state *scope,
     struct score_pxa *pxa)
{
    const struct policy_contract *policy = &scores->policy->contracts[index];
    const struct score_frame frame = {.before_ms = at_ms - policy->pxa_window_ms - 1,
                                      .after_ms = at_ms - policy->pxa_window_ms,
                                      .through_ms = at_ms,
                                      .min_answers = policy->pxa_min_answers,
                                      .neutral = policy->pxa_neutral};
    struct score_reading reading;
    double threshold = (double)policy->pxa_threshold_bp / 10000.0;

    score_figures_frame(scores, scope, &frame, &reading);
    pxa->contract = policy->name;
    pxa->at_ms = at_ms;
    pxa->after_ms = frame.after_ms;
    pxa->px = reading.record.px;
    pxa->people = reading.record.people;
    pxa->threshold_bp = policy->pxa_threshold_bp;
    pxa->min_answers = policy->pxa_min_answers;
    if (pxa->px.present)
        pxa->proven = pxa->px.positive * 10000 < (int64_t)policy->pxa_threshold_bp * pxa->px.n
                          ? pxa->px.high < threshold
                          : pxa->px.low >= threshold;
}

/* ---- the answers behind them ---- */

struct evidence {
    const struct scores *scores;
    bool neutral_too;
    uint32_t *tickets; /* of every answer that has one */
    size_t tickets_count;
    uint32_t answers[CONTRACT_ANSWERS_MAX]; /* those that are not positive: the latest, in order */
    size_t answers_kept, answers_count;
};

/* Puts it among the latest, by time and at one instant by id. */
static void
keep_answer(struct evidence *evidence, uint32_t number)
{
    const struct scores *scores = evidence->scores;
    const struct score_answer *answer = scores_answer_at(scores, number);
    uint32_t *kept = evidence->answers;
    size_t to = evidence->answers_kept;

    if (to == CONTRACT_ANSWERS_MAX) {
        if (score_answers_later(scores, scores_answer_at(scores, kept[0]), answer))
            return;
        memmove(&kept[0], &kept[1], (to - 1) * sizeof *kept);
        to--;
    } else {
        evidence->answers_kept++;
    }
    for (; to > 0 && score_answers_later(scores, scores_answer_at(scores, kept[to - 1]), answer); to--)
        kept[to] = kept[to - 1];
    kept[to] = number;
}

static void
take_answer(void *context, int64_t at_ms, uint32_t entry)
{
    struct evidence *evidence = context;
    uint32_t number = entry & ~SCORE_SERIES_MARK;
    const struct score_answer *answer = scores_answer_at(evidence->scores, number);
    enum answer_class class = score_class(answer);

    (void)at_ms;
    if (answer->ticket != 0 && (class != ANSWER_NEUTRAL || evidence->neutral_too))
        evidence->tickets[evidence->tickets_count++] = answer->ticket;
    if (class == ANSWER_NEGATIVE || (class == ANSWER_NEUTRAL && evidence->neutral_too)) {
        evidence->answers_count++;
        keep_answer(evidence, number);
    }
}

static int
compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static int64_t
count_distinct(uint32_t *numbers, size_t count)
{
    int64_t distinct = 0;

    if (count > 0)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < count; i++)
        distinct += i == 0 || numbers[i] != numbers[i - 1];
    return distinct;
}

static void
gather(const struct scores *scores, const struct score_scope_state *scope, const struct score_pxa *pxa,
       struct evidence *evidence)
{
    size_t room = 0;

    for (uint32_t i = 0; i < scope->series_count; i++)
        room += scope->series[i].series.count;
    evidence->scores = scores;
    evidence->tickets = memory_allocate((room + 1) * sizeof *evidence->tickets);
    for (uint32_t i = 0; i < scope->series_count; i++)
        score_series_each(&scope->series[i].series, pxa->after_ms, pxa->at_ms, take_answer, evidence);
}

static void
describe_answers(const struct scores *scores, struct evidence *evidence, struct contract_answer *answers,
                 struct contract_outcome *outcome)
{
    outcome->answers = answers;
    outcome->answers_count = evidence->answers_kept;
    outcome->answers_omitted = evidence->answers_count - evidence->answers_kept;
    for (size_t i = 0; i < evidence->answers_kept; i++) {
        const struct score_answer *answer = scores_answer_at(scores, evidence->answers[i]);
        const struct score_values *values = score_scopes_values(&scores->scopes, answer->context);

        answers[i] = (struct contract_answer){
            .survey = symbols_text(scores->options.symbols, values->of[SCORE_SURVEY]),
            .feedback = score_texts_get(&scores->texts, answer->id),
            .answer_class = score_class(answer),
            .at_ms = answer->at_ms};
        if (answer->ticket != 0)
            answers[i].ticket =
                score_texts_get(&scores->texts, scores_ticket_at(scores, answer->ticket)->name);
    }
}

/* ---- deciding ---- */

static void
tell(struct scores *scores, struct score_scope_state *scope, struct score_pxa *pxa,
     struct contract_outcome *outcome)
{
    struct contract_answer answers[CONTRACT_ANSWERS_MAX];
    struct evidence evidence = {
        .neutral_too =
            scores->policy->contracts[scores->scopes.definitions[scope->definition].index].pxa_neutral ==
            NEUTRAL_COUNTED};

    gather(scores, scope, pxa, &evidence);
    pxa->tickets = count_distinct(evidence.tickets, evidence.tickets_count);
    if (outcome->moved)
        describe_answers(scores, &evidence, answers, outcome);
    outcome->pxa = pxa;
    outcome->contract = pxa->contract;
    outcome->subject = CONTRACT_PXA;
    outcome->has_states = outcome->has_plan = true;
    score_contracts_tell(scores, outcome);
    memory_free(evidence.tickets);
    score_publish_ask(scores, scope, scores->t_ms);
}

/* The state that begins at at_ms. */
static void
enter(const struct scores *scores, uint32_t index, enum pxa_state to, int64_t at_ms,
      struct contract_outcome *outcome)
{
    const struct policy_contract *policy = &scores->policy->contracts[index];

    outcome->to = (int)to;
    outcome->moved = true;
    outcome->since_ms = at_ms;
    outcome->plan_until_ms = INSTANT_NONE;
    if (to == PXA_PLAN)
        outcome->plan_until_ms =
            score_windows_midnight_ms(score_contracts_zone(scores, policy), at_ms, policy->pxa_plan_days);
}

static void
state_of(const struct score_contract *contract, int64_t at_ms, struct contract_outcome *outcome)
{
    outcome->from = outcome->to = (int)contract->state;
    outcome->since_ms = contract->since_ms;
    outcome->plan_until_ms = contract->plan_until_ms;
    outcome->decided_at_ms = at_ms;
}

void
score_pxa_decide(struct scores *scores, uint32_t index, int64_t at_ms)
{
    struct score_contract *contract = score_contracts_of(scores, &scores->policy->contracts[index]);
    struct score_scope_state *scope = score_scopes_always(&scores->scopes, SCORE_USE_PXA, index);
    struct contract_outcome outcome = {.contract = {NULL, 0}};
    struct score_pxa pxa = {.state = contract->state};
    struct pxa_question question = {
        .state = contract->state, .at_ms = at_ms, .plan_until_ms = contract->plan_until_ms};

    look(scores, index, at_ms, scope, &pxa);
    question.positive = pxa.px.positive;
    question.n = pxa.px.n;
    question.threshold_bp = pxa.threshold_bp;
    question.min_answers = pxa.min_answers;
    state_of(contract, at_ms, &outcome);
    if (pxa_decide(&question) != contract->state || contract->since_ms == INSTANT_NONE)
        enter(scores, index, pxa_decide(&question), at_ms, &outcome);
    outcome.moved = outcome.to != outcome.from; /* the first decision may find what was there: no data */
    pxa.state = (enum pxa_state)outcome.to;
    pxa.since_ms = outcome.since_ms;
    pxa.plan_until_ms = outcome.plan_until_ms;
    tell(scores, scope, &pxa, &outcome);
}

void
score_pxa_move(struct scores *scores, uint32_t index, enum pxa_state to, const struct event *event)
{
    struct score_contract *contract = score_contracts_of(scores, &scores->policy->contracts[index]);
    struct score_scope_state *scope = score_scopes_always(&scores->scopes, SCORE_USE_PXA, index);
    struct contract_outcome outcome = {
        .by = event->by, .reason = event->reason, .event = event->id, .event_source = event->source};
    struct score_pxa pxa = {.state = to};

    look(scores, index, scores->t_ms, scope, &pxa);
    state_of(contract, scores->t_ms, &outcome);
    enter(scores, index, to, scores->t_ms, &outcome);
    pxa.since_ms = outcome.since_ms;
    pxa.plan_until_ms = outcome.plan_until_ms;
    tell(scores, scope, &pxa, &outcome);
}

/* ---- the present value ---- */

void
score_pxa_read(struct scores *scores, uint32_t index, int64_t at_ms, struct score_pxa *ret_pxa)
{
    const struct score_contract *contract = score_contracts_of(scores, &scores->policy->contracts[index]);
    struct score_scope_state *scope = score_scopes_always(&scores->scopes, SCORE_USE_PXA, index);

    *ret_pxa = (struct score_pxa){
        .state = contract->state, .since_ms = contract->since_ms, .plan_until_ms = contract->plan_until_ms};
    look(scores, index, at_ms, scope, ret_pxa);
}

int64_t
score_pxa_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always)
{
    uint32_t index = scores->scopes.definitions[scope->definition].index;
    const struct policy_window window = {.kind = WINDOW_ROLLING,
                                         .length_ms = scores->policy->contracts[index].pxa_window_ms};
    struct score_pxa pxa;
    uint64_t digest = 7;

    score_pxa_read(scores, index, at_ms, &pxa);
    digest = hash_bytes(digest, &pxa.px.positive, sizeof pxa.px.positive);
    digest = hash_bytes(digest, &pxa.px.neutral, sizeof pxa.px.neutral);
    digest = hash_bytes(digest, &pxa.px.negative, sizeof pxa.px.negative);
    digest = hash_bytes(digest, &pxa.people, sizeof pxa.people);
    digest = hash_bytes(digest, &pxa.state, sizeof pxa.state);
    digest = hash_bytes(digest, &pxa.since_ms, sizeof pxa.since_ms);
    if ((score_publish_differs(scores, scope, digest, &pxa.revision) || always) &&
        scores->options.sink.pxa != NULL)
        scores->options.sink.pxa(scores->options.sink.context, &pxa);
    return score_figures_expiry_ms(scope, &window, NULL, at_ms);
}
