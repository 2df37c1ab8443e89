#ifndef SLAD_SLACTL_LINT_H
#define SLAD_SLACTL_LINT_H

#include "slactl/command.h"

#include "slactl/findings.h"
#include "slad/chain.h"
#include "slad/policy.h"

/* slactl lint P [--json] [--year Y]: can the inside keep the promise to the outside, and what in a policy is
 * not meant so (semantics.md section 10). */
extern const struct command lint_command;

/* ---- between the files of lint ---- */

/* The newest version is looked at, over every start in [from_ms, to_ms). */
struct lint {
    const struct policy_set *set;
    size_t version;
    const struct policy *policy;
    const struct symbols *symbols;
    int64_t from_ms, to_ms;
    struct chain_span *span;
    struct findings findings;
    size_t chains, chains_fit;
};

/* lint_chains.c: chains, and legs on their own */
void lint_chains(struct lint *lint);
/* lint_calendars.c: clock changes, closed against special, targets in hours that are never or not staffed */
void lint_calendars(struct lint *lint);
/* lint_matches.c: agreements nobody reaches, groups and statuses nobody declared */
void lint_matches(struct lint *lint);
/* Earlier SLAs take every ticket of this one. */
bool lint_is_unreachable(const struct policy *policy, int agreement);
/* Some ticket may match both. */
bool lint_matches_meet(const struct policy_match *a, const struct policy_match *b);
/* Every ticket that matches a matches b, as far as this key is not asked (-1: every key is). */
bool lint_match_implies(const struct policy_match *a, const struct policy_match *b, int but_attribute);
const struct policy_match_key *lint_match_key(const struct policy_match *match,
                                              int attribute); /* NULL: not named */
bool lint_key_holds(const struct policy_match_key *key, symbol value);

/* "kind/clock of AGREEMENT", and the same as JSON members. */
void lint_name_clock(const struct lint *lint, struct finding *finding, const struct policy_clock *clock);
void lint_append_clock(const struct lint *lint, struct buffer *out, const struct policy_clock *clock);
const struct calendar *lint_calendar(const struct lint *lint, int calendar); /* with this version's days */

#endif
