/*
 * What: service credits and bonuses of a contract's month: indicative while it runs, stated once when it is
 * over.
 *
 * Why this way: money is whole minor units and one multiplication of whole numbers, rounded once a line;
 * nothing else would survive a dispute. Both views of every line stand there, whichever it is paid by.
 *
 * Always true: a line is under its target or not by whole numbers; a line without verdicts is neither; no sum
 * is over what is at risk.
 *
 * Not here: which verdicts count (score_tickets), bytes.
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_windows.h"
#include "core/scores_state.h"

enum { DIGIT = 10000, DIGITS = 10 };

/* amount * a * b ... of ten-thousandths, rounded once. In digits of ten thousand: a share multiplies every
 * digit, and dividing by it all is leaving out one digit a share. */
static int64_t
share_of(int64_t amount, const int *shares_bp, size_t count, bool half_up)
{
    uint64_t digits[DIGITS] = {0}, result = 0;

    must(count + 5 < DIGITS && amount >= 0);
    for (size_t i = 0; i < 5; i++, amount /= DIGIT)
        digits[i] = (uint64_t)amount % DIGIT;
    for (size_t share = 0; share < count; share++) {
        uint64_t carry = 0;

        for (size_t i = 0; i < DIGITS; i++) {
            carry += digits[i] * (uint64_t)shares_bp[share];
            digits[i] = carry % DIGIT;
            carry /= DIGIT;
        }
        must(carry == 0);
    }
    for (size_t i = DIGITS; i > count; i--)
        result = result * DIGIT + digits[i - 1];
    return (int64_t)(result + (half_up && digits[count - 1] >= DIGIT / 2));
}

static struct score_rate
rate_of(int64_t hits, int64_t n)
{
    return (struct score_rate){n > 0, hits, n, n > 0 ? (double)hits / (double)n : 0};
}

static void
read_line(const struct scores *scores, const struct score_scope_state *scope,
          const struct policy_contract *policy, const struct score_credit *credit,
          struct score_credit_line *line)
{
    const struct policy_credit_line *of = line->line;
    uint64_t kind = score_series_kind(SCORE_LINE, (uint8_t)of->kind, of->clock);
    struct score_tally tally = score_figures_tally(scores, scope, kind, credit->after_ms, credit->at_ms);
    const int shares_bp[] = {policy->at_risk_bp, of->allocation_bp, of->share_bp};
    const struct score_rate *rate = of->honest ? &line->honest : &line->contract;
    bool under;

    line->clock = symbols_text(scores->options.symbols, of->clock);
    line->contract = rate_of(tally.columns[CLOCK_CONTRACT_MET], tally.columns[CLOCK_CONTRACT_N]);
    line->honest = rate_of(tally.columns[CLOCK_HONEST_MET], tally.columns[CLOCK_HONEST_N]);
    under = rate->hits * 10000 < (int64_t)of->target_bp * rate->n;
    line->due = rate->n > 0 && under != of->bonus;
    if (line->due)
        line->amount_minor = share_of(policy->monthly_fee_minor, shares_bp, 3, policy->rounds_half_up);
}

/* (after, at] of the contract with this number. lines: room for the policy's. */
static void
read_credit(struct scores *scores, uint32_t index, const struct score_scope_state *scope, int64_t after_ms,
            int64_t at_ms, struct score_credit_line *lines, struct score_credit *credit)
{
    const struct policy_contract *policy = &scores->policy->contracts[index];

    *credit = (struct score_credit){.contract = policy->name,
                                    .currency = policy->currency,
                                    .at_ms = at_ms,
                                    .after_ms = after_ms,
                                    .monthly_fee_minor = policy->monthly_fee_minor,
                                    .lines = lines,
                                    .lines_count = policy->lines_count};
    credit->at_risk_minor =
        share_of(policy->monthly_fee_minor, &policy->at_risk_bp, 1, policy->rounds_half_up);
    score_windows_month_text(score_contracts_zone(scores, policy), after_ms + 1, credit->month);
    for (size_t i = 0; i < policy->lines_count; i++) {
        int64_t *sum = policy->lines[i].bonus ? &credit->bonus_minor : &credit->credit_minor;

        lines[i] = (struct score_credit_line){.line = &policy->lines[i]};
        read_line(scores, scope, policy, credit, &lines[i]);
        *sum += lines[i].amount_minor;
        if (*sum > credit->at_risk_minor)
            *sum = credit->at_risk_minor;
    }
}

void
score_credits_state(struct scores *scores, uint32_t index, int64_t at_ms)
{
    const struct policy_contract *policy = &scores->policy->contracts[index];
    const struct zone *zone = score_contracts_zone(scores, policy);
    struct score_credit_line *lines = memory_allocate((policy->lines_count + 1) * sizeof *lines);
    struct score_scope_state *scope = score_scopes_always(&scores->scopes, SCORE_USE_CREDITS, index);
    struct contract_outcome outcome = {.contract = policy->name,
                                       .subject = CONTRACT_CREDIT,
                                       .decided_at_ms = at_ms,
                                       .since_ms = INSTANT_NONE,
                                       .plan_until_ms = INSTANT_NONE};
    struct score_credit credit;

    read_credit(scores, index, scope, score_windows_month_ms(zone, at_ms, -1) - 1, at_ms - 1, lines, &credit);
    outcome.credit = &credit;
    outcome.month = slice_of(credit.month);
    score_contracts_tell(scores, &outcome);
    memory_free(lines);
}

static uint64_t
digest_of(const struct score_credit *credit)
{
    uint64_t digest = hash_bytes(8, credit->month, sizeof credit->month);

    for (size_t i = 0; i < credit->lines_count; i++) {
        const struct score_credit_line *line = &credit->lines[i];
        const int64_t counts[] = {line->contract.hits, line->contract.n, line->honest.hits, line->honest.n,
                                  line->amount_minor};

        digest = hash_bytes(digest, counts, sizeof counts);
    }
    return digest;
}

int64_t
score_credits_publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always)
{
    uint32_t index = scores->scopes.definitions[scope->definition].index;
    const struct policy_contract *policy = &scores->policy->contracts[index];
    const struct zone *zone = score_contracts_zone(scores, policy);
    struct score_credit_line *lines = memory_allocate((policy->lines_count + 1) * sizeof *lines);
    struct score_credit credit;

    read_credit(scores, index, scope, score_windows_month_ms(zone, at_ms, 0) - 1, at_ms, lines, &credit);
    if ((score_publish_differs(scores, scope, digest_of(&credit), &credit.revision) || always) &&
        scores->options.sink.credit != NULL)
        scores->options.sink.credit(scores->options.sink.context, &credit);
    memory_free(lines);
    return score_windows_month_ms(zone, at_ms, 1);
}
