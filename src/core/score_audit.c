/*
 * What: for whoever reads a log back and asks whether it is right: one decision about a contract once more,
 * one published value once more.
 *
 * Why this way: an audit that decides with other code than the decisions were made with says little about
 * either; so it is the same code, on a state that is folded from the log alone, with the sink listening.
 * Afterwards what the log says is the state, so one wrong record is one difference and not a thousand.
 *
 * Always true: it is used while rebuilding only.
 *
 * Not here: which outcomes had been read when a decision was made (the caller folds them), comparing bytes.
 */
#include "base/panic.h"
#include "core/score_windows.h"
#include "core/scores_state.h"

static uint32_t
index_of(const struct scores *scores, struct slice contract)
{
    uint32_t index = 0;

    while (index < scores->policy->contracts_count &&
           !slice_equal(scores->policy->contracts[index].name, contract))
        index++;
    return index;
}

/* ---- experience agreements ---- */

static enum scores_verdict_of_audit
redecide_pxa(struct scores *scores, const struct contract_outcome *read, uint32_t index)
{
    struct score_contract *contract = score_contracts_of(scores, &scores->policy->contracts[index]);
    const struct zone *zone = score_contracts_zone(scores, &scores->policy->contracts[index]);
    const struct event event = {
        .by = read->by, .reason = read->reason, .id = read->event, .source = read->event_source};
    enum scores_verdict_of_audit verdict = SCORES_AUDIT_DECIDED;

    if (!scores->policy->contracts[index].has_pxa)
        return SCORES_AUDIT_UNKNOWN;
    if (read->by.at == NULL && contract->pxa_decided_ms != INSTANT_NONE &&
        read->decided_at_ms != score_windows_midnight_ms(zone, contract->pxa_decided_ms, 1))
        verdict = SCORES_AUDIT_GAP;
    if (read->by.at != NULL)
        score_pxa_move(scores, index, (enum pxa_state)read->to, &event);
    else
        score_pxa_decide(scores, index, read->decided_at_ms);
    contract->state = (enum pxa_state)read->to;
    contract->since_ms = read->since_ms;
    contract->plan_until_ms = read->plan_until_ms;
    contract->pxa_revision = read->arrival.revision;
    return verdict;
}

/* ---- watermelons ---- */

static struct score_scope_state *
find_scope(const struct scores *scores, enum score_use use, uint32_t index, const struct score_scope *scope)
{
    struct score_values values = {{0}};

    for (size_t d = 0; d < SCORE_DIMENSIONS_COUNT; d++)
        if ((scope->dimensions & 1U << d) != 0)
            values.of[d] = symbols_find(scores->options.symbols, scope->values[d]);
    for (uint32_t i = 0; i < scores->scopes.definitions_count; i++) {
        const struct score_definition *definition = &scores->scopes.definitions[i];

        if (definition->use == use && definition->index == index &&
            definition->dimensions == scope->dimensions)
            return score_scopes_find(&scores->scopes, i, &values);
    }
    return NULL;
}

static enum scores_verdict_of_audit
redecide_watermelon(struct scores *scores, const struct contract_outcome *read, uint32_t index)
{
    struct score_scope_state *scope = find_scope(scores, SCORE_USE_WATERMELON, index, &read->scope);
    uint64_t folded = scores->folded;

    if (scope == NULL)
        return read->to == CONTRACT_CLEAR ? SCORES_AUDIT_DROPPED : SCORES_AUDIT_UNKNOWN;
    (void)score_watermelons_publish(scores, scope, read->decided_at_ms, false);
    return scores->folded == folded ? SCORES_AUDIT_NOTHING : SCORES_AUDIT_DECIDED;
}

enum scores_verdict_of_audit
scores_redecide(struct scores *scores, const struct contract_outcome *read, int64_t t_ms)
{
    uint32_t index;
    enum scores_verdict_of_audit verdict =
        read->to == CONTRACT_CLEAR ? SCORES_AUDIT_DROPPED : SCORES_AUDIT_UNKNOWN;

    must(scores->rebuilding);
    scores_come_to(scores, t_ms);
    index = index_of(scores, read->contract);
    if (index < scores->policy->contracts_count) {
        if (read->subject == CONTRACT_PXA)
            verdict = redecide_pxa(scores, read, index);
        else if (read->subject == CONTRACT_WATERMELON)
            verdict = redecide_watermelon(scores, read, index);
        else if (scores->policy->contracts[index].has_credits) {
            score_credits_state(scores, index, read->decided_at_ms);
            verdict = SCORES_AUDIT_DECIDED;
        }
    }
    score_contracts_fold(scores, read); /* what the log says holds */
    return verdict;
}

int64_t
scores_undecided_ms(struct scores *scores)
{
    int64_t due_ms;

    must(scores->rebuilding);
    score_contracts_begin(scores);
    due_ms = scores->decide_next_ms;
    scores->decide_next_ms = INT64_MAX;
    return due_ms;
}

/* ---- published values ---- */

static bool
say_scope(struct scores *scores, const struct score_scope *scope, int64_t t_ms)
{
    struct score_scope_state *state = find_scope(scores, SCORE_USE_SCORES, 0, scope);

    if (state == NULL)
        return false;
    scores_say_all_windows(scores, state, t_ms);
    return true;
}

static uint32_t
kei_of(const struct scores *scores, struct slice name)
{
    uint32_t index = 0;

    while (index < scores->experience->keis_count && !slice_equal(scores->experience->keis[index].name, name))
        index++;
    return index;
}

bool
scores_say(struct scores *scores, enum scores_value value, struct slice name, const struct score_scope *scope,
           int64_t t_ms)
{
    static const enum score_use uses[] = {
        [SCORES_VALUE_SCORE] = SCORE_USE_SCORES,   [SCORES_VALUE_KEI] = SCORE_USE_KEI,
        [SCORES_VALUE_PXA] = SCORE_USE_PXA,        [SCORES_VALUE_WATERMELON] = SCORE_USE_WATERMELON,
        [SCORES_VALUE_CREDIT] = SCORE_USE_CREDITS, [SCORES_VALUE_ATTAINMENT] = SCORE_USE_ATTAINMENT};
    struct score_scope_state *state;
    uint32_t index;

    must(scores->rebuilding);
    scores_come_to(scores, t_ms);
    if (value == SCORES_VALUE_SCORE)
        return say_scope(scores, scope, scores->t_ms);
    index = value == SCORES_VALUE_KEI ? kei_of(scores, name) : index_of(scores, name);
    state = value == SCORES_VALUE_WATERMELON ? find_scope(scores, uses[value], index, scope)
                                             : score_scopes_always(&scores->scopes, uses[value], index);
    if (state == NULL)
        return false;
    scores->behind = true; /* it is asked, nothing is to be decided */
    score_publish_again(scores, state);
    scores->behind = false;
    return true;
}
