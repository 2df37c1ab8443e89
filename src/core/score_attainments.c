/*
 * What: the attainment of each contract in its running month, as the contract counts it and as an honest
 * reader would.
 *
 * Why this way: a contract's match need not be any scope of the policy, and a committee asks for the figure
 * of the contract, not for one of a customer that happens to be the same. So every contract counts its own
 * verdicts, by the month of its own zone, and both views stand in one record.
 *
 * Always true: it is there from the first instant on, with or without a verdict; the figures are those that a
 * score of the same tickets and the same stretch would say.
 *
 * Not here: which verdicts count (score_tickets), what is due in money (score_credits).
 */
#include "base/hash.h"
#include "core/score_windows.h"
#include "core/scores_state.h"

static uint64_t
digest_of(const struct score_attainment *attainment)
{
    uint64_t digest = hash_bytes(11, attainment->month, sizeof attainment->month);

    for (size_t i = 0; i < attainment->figures->clocks_count; i++) {
        const struct score_attainment_clock *clock = &attainment->figures->clocks[i];
        const int64_t counts[] = {clock->contract.hits, clock->contract.n, clock->honest.hits,
                                  clock->honest.n};

        digest = hash_bytes(digest, clock->name.at, clock->name.bytes);
        digest = hash_bytes(digest, counts, sizeof counts);
    }
    return hash_bytes(digest, &attainment->target_bp, sizeof attainment->target_bp);
}

int64_t
score_attainments_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always)
{
    const struct policy_contract *policy =
        &scores->policy->contracts[scores->scopes.definitions[scope->definition].index];
    const struct zone *zone = score_contracts_zone(scores, policy);
    int64_t after_ms = score_windows_month_ms(zone, at_ms, 0) - 1;
    const struct score_frame frame = {.before_ms = after_ms - 1,
                                      .after_ms = after_ms,
                                      .through_ms = at_ms,
                                      .min_answers = scores->experience->min_answers,
                                      .neutral = scores->experience->neutral};
    struct score_attainment attainment = {.contract = policy->name,
                                          .at_ms = at_ms,
                                          .after_ms = after_ms,
                                          .target_bp = scores->experience->attainment_target_bp};
    struct score_reading reading;

    score_figures_frame(scores, scope, &frame, &reading);
    attainment.figures = &reading.record;
    score_windows_month_text(zone, after_ms + 1, attainment.month);
    if ((score_publish_differs(scores, scope, digest_of(&attainment), &attainment.revision) || always) &&
        scores->options.sink.attainment != NULL)
        scores->options.sink.attainment(scores->options.sink.context, &attainment);
    return score_windows_month_ms(zone, at_ms, 1);
}
