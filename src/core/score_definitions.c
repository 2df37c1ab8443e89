/*
 * What: which scopes the policy in force asks for: its own, one for each KEI, and those of its contracts.
 *
 * Why this way: to the fold all of them are the same, a filter and a list of kinds to count; so a KEI costs
 * what its measure needs and no more.
 *
 * Always true: the order is that of the policy; a definition without dimensions that is no scope of the
 * policy is one scope.
 *
 * Not here: what is read from a scope.
 */
#include "base/memory.h"
#include "core/score_windows.h"
#include "core/scores_state.h"

#define DAY_MS INT64_C(86400000)

enum {
    KINDS_OF_SCORES =
        1 << SCORE_ANSWERS | 1 << SCORE_ASPECT | 1 << SCORE_OFFERS | 1 << SCORE_SOLVED | 1 << SCORE_CLOCK,
    KINDS_OF_WATERMELONS = 1 << SCORE_ANSWERS | 1 << SCORE_ASPECT | 1 << SCORE_CLOCK | 1 << SCORE_LIFE,
    KINDS_OF_CUTS = KINDS_OF_SCORES | 1 << SCORE_LINE | 1 << SCORE_LIFE
};

/* Looked for only where there is something to be green against, and something to be unhappy with. */
static bool
has_watermelons(const struct policy_experience *experience, const struct policy_contract *contract)
{
    return contract->has_watermelon && experience->attainment_target_bp > 0 &&
           (experience->px_target_bp > 0 || experience->has_nps_target);
}

static size_t
add_contract(const struct policy_experience *experience, const struct policy_contract *contract,
             uint32_t index, struct score_definition *definitions)
{
    struct score_definition definition = {.match = &contract->match, .index = index};
    size_t count = 0;

    if (contract->has_pxa) {
        definitions[count] = definition;
        definitions[count].use = SCORE_USE_PXA;
        definitions[count].surveys = contract->pxa_surveys;
        definitions[count].surveys_count = contract->pxa_surveys_count;
        definitions[count++].kinds = SCORE_KIND_BIT(SCORE_ANSWERS);
    }
    if (contract->has_credits) {
        definitions[count] = definition;
        definitions[count].use = SCORE_USE_CREDITS;
        definitions[count++].kinds = SCORE_KIND_BIT(SCORE_LINE);
    }
    definitions[count] = definition;
    definitions[count].use = SCORE_USE_ATTAINMENT;
    definitions[count++].kinds = SCORE_KIND_BIT(SCORE_CLOCK);
    for (size_t i = 0; has_watermelons(experience, contract) && i < experience->scopes_count; i++) {
        definitions[count] = definition;
        definitions[count].use = SCORE_USE_WATERMELON;
        definitions[count].dimensions = experience->scopes[i];
        definitions[count++].kinds = KINDS_OF_WATERMELONS;
    }
    return count;
}

struct score_definition *
score_definitions_make(struct scores *scores, size_t *ret_count)
{
    const struct policy_experience *experience = scores->experience;
    const struct policy *policy = scores->policy;
    size_t room = experience->scopes_count + experience->keis_count +
                  policy->contracts_count * (experience->scopes_count + 3) + scores->options.cuts_count;
    struct score_definition *definitions = memory_allocate_zeroed(room + 1, sizeof *definitions);
    size_t count = 0;

    for (size_t i = 0; i < experience->scopes_count; i++)
        definitions[count++] = (struct score_definition){
            .dimensions = experience->scopes[i], .use = SCORE_USE_SCORES, .kinds = KINDS_OF_SCORES};
    for (uint32_t i = 0; i < experience->keis_count; i++)
        definitions[count++] =
            (struct score_definition){.match = &experience->keis[i].match,
                                      .touchpoint = experience->keis[i].touchpoint,
                                      .survey = experience->keis[i].survey,
                                      .use = SCORE_USE_KEI,
                                      .index = i,
                                      .kinds = score_keis_kinds(experience->keis[i].measure)};
    for (uint32_t i = 0; i < policy->contracts_count; i++)
        count += add_contract(experience, &policy->contracts[i], i, &definitions[count]);
    for (uint32_t i = 0; i < scores->options.cuts_count; i++)
        definitions[count++] = (struct score_definition){.match = &scores->options.cuts[i].match,
                                                         .dimensions = scores->options.cuts[i].dimensions,
                                                         .use = SCORE_USE_CUT,
                                                         .index = i,
                                                         .kinds = KINDS_OF_CUTS};
    scores->wanted = 0;
    for (size_t i = 0; i < count; i++)
        scores->wanted |= definitions[i].kinds;
    *ret_count = count;
    return definitions;
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t
score_definitions_reach_ms(const struct scores *scores)
{
    const struct policy_window month = {.kind = WINDOW_MONTH};
    const struct policy_experience *experience = scores->experience;
    int64_t reach_ms = 0;

    for (size_t i = 0; i < experience->windows_count; i++)
        reach_ms = later(reach_ms, score_windows_reach_ms(&experience->windows[i]));
    for (size_t i = 0; i < experience->keis_count; i++)
        reach_ms = later(reach_ms, score_windows_reach_ms(&experience->keis[i].window) + 8 * DAY_MS);
    for (size_t i = 0; i < scores->policy->contracts_count; i++) {
        const struct policy_contract *contract = &scores->policy->contracts[i];

        if (contract->has_pxa) /* midnights of an outage are decided after it */
            reach_ms = later(reach_ms, contract->pxa_window_ms + 8 * DAY_MS);
        if (contract->has_watermelon)
            reach_ms = later(reach_ms, score_windows_reach_ms(&contract->watermelon_window) + 2 * DAY_MS);
        reach_ms = later(reach_ms, score_windows_reach_ms(&month)); /* attainment, credits */
    }
    return reach_ms;
}
