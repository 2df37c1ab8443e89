/*
 * What: what is known of each contract, whatever the policy says of it now; when something of it is to be
 * decided; how a decision becomes an outcome and an outcome becomes state.
 *
 * Why this way: as with answers: decide, send, fold. State is a fold over contract outcomes, so whoever reads
 * them back goes on where the last one stopped, with the midnights that nobody was there to decide.
 *
 * Always true: while a log is read back nothing is decided; a contract that the policy drops keeps its state
 * for the day it comes back.
 *
 * Not here: what is decided (score_pxa, score_credits, score_watermelons).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_windows.h"
#include "core/scores_state.h"

void
score_contracts_done(struct scores *scores)
{
    for (size_t i = 0; i < scores->contracts_count; i++)
        symbols_release(scores->options.symbols, scores->contracts[i].name);
    memory_free(scores->contracts);
}

const struct zone *
score_contracts_zone(const struct scores *scores, const struct policy_contract *policy)
{
    return policy->zone == POLICY_NONE ? NULL : scores->policy->zones[policy->zone].zone;
}

static struct score_contract *
contract_of(struct scores *scores, struct slice name)
{
    symbol number = symbols_intern(scores->options.symbols, name);
    struct score_contract *contract;

    for (size_t i = 0; i < scores->contracts_count; i++)
        if (scores->contracts[i].name == number) {
            symbols_release(scores->options.symbols, number);
            return &scores->contracts[i];
        }
    scores->contracts =
        memory_resize(scores->contracts, (scores->contracts_count + 1) * sizeof *scores->contracts);
    contract = &scores->contracts[scores->contracts_count++];
    *contract = (struct score_contract){.name = number,
                                        .since_ms = INSTANT_NONE,
                                        .plan_until_ms = INSTANT_NONE,
                                        .pxa_decided_ms = INSTANT_NONE,
                                        .credits_stated_ms = INSTANT_NONE,
                                        .pxa_next_ms = INT64_MAX,
                                        .credits_next_ms = INT64_MAX};
    return contract;
}

struct score_contract *
score_contracts_of(struct scores *scores, const struct policy_contract *policy)
{
    return contract_of(scores, policy->name);
}

/* ---- when ---- */

static void
note_next(struct scores *scores)
{
    scores->decide_next_ms = INT64_MAX;
    for (size_t i = 0; i < scores->contracts_count; i++) {
        const struct score_contract *contract = &scores->contracts[i];

        if (contract->pxa_next_ms < scores->decide_next_ms)
            scores->decide_next_ms = contract->pxa_next_ms;
        if (contract->credits_next_ms < scores->decide_next_ms)
            scores->decide_next_ms = contract->credits_next_ms;
    }
}

/* After what was decided last; for the first time after now. */
static void
set_timers(const struct scores *scores, const struct policy_contract *policy, struct score_contract *contract)
{
    const struct zone *zone = score_contracts_zone(scores, policy);
    int64_t decided_ms = contract->pxa_decided_ms != INSTANT_NONE ? contract->pxa_decided_ms : scores->t_ms;
    int64_t stated_ms =
        contract->credits_stated_ms != INSTANT_NONE ? contract->credits_stated_ms : scores->t_ms;

    contract->pxa_next_ms = policy->has_pxa ? score_windows_midnight_ms(zone, decided_ms, 1) : INT64_MAX;
    contract->credits_next_ms = policy->has_credits ? score_windows_month_ms(zone, stated_ms, 1) : INT64_MAX;
}

void
score_contracts_begin(struct scores *scores)
{
    for (size_t i = 0; i < scores->contracts_count; i++)
        scores->contracts[i].pxa_next_ms = scores->contracts[i].credits_next_ms = INT64_MAX;
    for (size_t i = 0; i < scores->policy->contracts_count; i++)
        set_timers(scores, &scores->policy->contracts[i],
                   score_contracts_of(scores, &scores->policy->contracts[i]));
    note_next(scores);
}

/* All that is due at the earliest instant, in the order of the policy. The state is as of now, the window
 * ends then. */
void
score_contracts_decide(struct scores *scores)
{
    int64_t at_ms = scores->decide_next_ms;

    for (uint32_t i = 0; i < scores->policy->contracts_count; i++) {
        const struct policy_contract *policy = &scores->policy->contracts[i];

        if (score_contracts_of(scores, policy)->pxa_next_ms <= at_ms)
            score_pxa_decide(scores, i, at_ms);
        if (score_contracts_of(scores, policy)->credits_next_ms <= at_ms)
            score_credits_state(scores, i, at_ms);
        set_timers(scores, policy, score_contracts_of(scores, policy));
    }
    note_next(scores);
    must(scores->decide_next_ms > at_ms);
}

/* ---- outcomes ---- */

const char *
contract_subject_text(enum contract_subject subject)
{
    static const char *const texts[CONTRACT_SUBJECTS_COUNT] = {"pxa", "watermelon", "credit"};

    return texts[subject];
}

const char *
contract_state_text(int state)
{
    if (state < PXA_STATES_COUNT)
        return pxa_state_text((enum pxa_state)state);
    return state == CONTRACT_RIPE ? "ripe" : "clear";
}

void
score_contracts_tell(struct scores *scores, struct contract_outcome *outcome)
{
    outcome->offset = scores->options.outcomes_offset != NULL ? *scores->options.outcomes_offset : -1;
    outcome->policy = scores->policy->label;
    outcome->arrival.detected_at_ms = scores->t_ms;
    if (outcome->subject == CONTRACT_PXA)
        outcome->arrival.revision = contract_of(scores, outcome->contract)->pxa_revision + 1;
    else if (outcome->subject == CONTRACT_CREDIT)
        outcome->arrival.revision = 1; /* a month is stated once */
    if (scores->options.sink.contract != NULL)
        scores->options.sink.contract(scores->options.sink.context, outcome);
    score_contracts_fold(scores, outcome);
}

static void
fold_pxa(struct scores *scores, const struct contract_outcome *outcome)
{
    struct score_contract *contract = contract_of(scores, outcome->contract);

    if (outcome->arrival.revision <= contract->pxa_revision) {
        scores->stale++;
        return;
    }
    contract->pxa_revision = outcome->arrival.revision;
    contract->state = (enum pxa_state)outcome->to;
    contract->since_ms = outcome->since_ms;
    contract->plan_until_ms = outcome->plan_until_ms;
    if (outcome->by.at == NULL)
        contract->pxa_decided_ms = outcome->decided_at_ms;
}

static void
fold_credit(struct score_contract *contract, const struct contract_outcome *outcome)
{
    if (contract->credits_stated_ms < outcome->decided_at_ms) /* INSTANT_NONE is before all */
        contract->credits_stated_ms = outcome->decided_at_ms;
}

void
score_contracts_fold(struct scores *scores, const struct contract_outcome *outcome)
{
    scores->folded++;
    score_parts_touch(scores, SCORE_PART_REST, 0);
    if (outcome->event.at != NULL)
        score_seen_add(scores, outcome->event_source, outcome->event);
    switch (outcome->subject) {
    case CONTRACT_PXA:
        fold_pxa(scores, outcome);
        break;
    case CONTRACT_WATERMELON:
        score_watermelons_fold(scores, outcome);
        break;
    case CONTRACT_CREDIT:
        fold_credit(contract_of(scores, outcome->contract), outcome);
        break;
    case CONTRACT_SUBJECTS_COUNT:
        panic("an outcome of nothing");
    }
}

void
score_contracts_adopt(struct scores *scores, const struct score_contract *contract)
{
    *contract_of(scores, symbols_text(scores->options.symbols, contract->name)) = *contract;
}

/* ---- by hand ---- */

static struct engine_answer
refuse(struct scores *scores, enum error_code error, const char *detail)
{
    scores->refused++;
    return (struct engine_answer){ENGINE_REFUSED, error, detail};
}

struct engine_answer
score_contracts_move(struct scores *scores, const struct event *event)
{
    struct slice name = event->attributes[ATTRIBUTE_CONTRACT];
    enum pxa_state to = PXA_NO_DATA;
    uint32_t index = 0;

    if (score_seen_has(scores, event->source, event->id)) {
        scores->duplicates++;
        return (struct engine_answer){ENGINE_DUPLICATE, ERROR_NONE, NULL};
    }
    while (index < scores->policy->contracts_count &&
           !slice_equal(scores->policy->contracts[index].name, name))
        index++;
    if (index == scores->policy->contracts_count || !scores->policy->contracts[index].has_pxa)
        return refuse(scores, ERROR_UNKNOWN_CONTRACT,
                      "contract names no experience agreement of the policy in force");
    while (to < PXA_STATES_COUNT && !slice_is(event->to, pxa_state_text(to)))
        to++;
    if (to == PXA_STATES_COUNT)
        return refuse(scores, ERROR_WRONG_TYPE,
                      "to: expected no_data, provisional, healthy, plan or release_right");
    if (event->by.bytes == 0 || event->reason.bytes == 0)
        return refuse(scores, ERROR_MISSING_FIELD, "by and reason are required");
    if (to == score_contracts_of(scores, &scores->policy->contracts[index])->state && to != PXA_PLAN) {
        score_seen_add(scores, event->source, event->id);
        scores->no_effect++;
        return (struct engine_answer){ENGINE_NO_EFFECT, ERROR_NONE, "the contract is in that state"};
    }
    score_pxa_move(scores, index, to, event);
    return (struct engine_answer){ENGINE_APPLIED, ERROR_NONE, NULL};
}
