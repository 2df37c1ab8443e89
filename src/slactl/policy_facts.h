#ifndef SLAD_SLACTL_POLICY_FACTS_H
#define SLAD_SLACTL_POLICY_FACTS_H

/*
 * A policy version as facts in the words of the field: "sla acme-gold, clock resolution", "target P1", "4 h".
 * What two versions promise differently is what their facts differ in.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "slad/policy.h"

struct policy_fact {
    struct slice subject, property, value;
};

struct policy_facts {
    struct policy_fact *list; /* in order of subject and property, after policy_facts_collect */
    size_t count, room;
    struct arena *arena; /* of the texts */
    const struct policy *policy;
    struct buffer subject, property, value; /* of the fact in hand */
};

/* facts: zero but for nothing. Everything a policy says, but its version, its comments and the order of what
 * has none. */
void policy_facts_collect(struct policy_facts *facts, const struct policy *policy);
void policy_facts_done(struct policy_facts *facts);
/* Below 0, 0, over 0: by subject, then property. */
int policy_facts_compare(const struct policy_fact *a, const struct policy_fact *b);

#endif
