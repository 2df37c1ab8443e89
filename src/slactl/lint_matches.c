/*
 * What: who a policy speaks of: agreements that no ticket reaches, groups and statuses that are used but not
 * declared.
 *
 * Why this way: of SLAs the first that matches wins, so an agreement may be dead without an error. Whether it
 * is can be seen from the matches alone when earlier ones agree in all keys but one and share out that one's
 * values; what needs more than that is not claimed.
 *
 * Always true: an agreement called unreachable is.
 *
 * Not here: times.
 */
#include "base/memory.h"
#include "slactl/lint.h"
#include "slactl/words.h"
#include "wire/print.h"

const struct policy_match_key *
lint_match_key(const struct policy_match *match, int attribute)
{
    for (size_t i = 0; i < match->keys_count; i++) {
        if (match->keys[i].attribute == attribute)
            return &match->keys[i];
    }
    return NULL;
}

bool
lint_key_holds(const struct policy_match_key *key, symbol value)
{
    for (size_t i = 0; i < key->values_count; i++) {
        if (key->values[i] == value)
            return true;
    }
    return false;
}

bool
lint_matches_meet(const struct policy_match *a, const struct policy_match *b)
{
    for (size_t i = 0; i < a->keys_count; i++) {
        const struct policy_match_key *other = lint_match_key(b, a->keys[i].attribute);
        bool meet = other == NULL;

        for (size_t k = 0; k < a->keys[i].values_count && !meet; k++)
            meet = lint_key_holds(other, a->keys[i].values[k]);
        if (!meet)
            return false;
    }
    return true;
}

bool
lint_match_implies(const struct policy_match *a, const struct policy_match *b, int but_attribute)
{
    for (size_t i = 0; i < b->keys_count; i++) {
        const struct policy_match_key *mine = lint_match_key(a, b->keys[i].attribute);

        if (b->keys[i].attribute == but_attribute)
            continue;
        if (mine == NULL)
            return false;
        for (size_t k = 0; k < mine->values_count; k++) {
            if (!lint_key_holds(&b->keys[i], mine->values[k]))
                return false;
        }
    }
    return true;
}

/* Whether earlier SLAs that agree in all other keys have this value among theirs. */
static bool
is_taken_before(const struct policy *policy, int agreement, const struct policy_match_key *key, symbol value)
{
    for (int i = 0; i < agreement; i++) {
        const struct policy_agreement *earlier = &policy->agreements[i];
        const struct policy_match_key *same = lint_match_key(&earlier->match, key->attribute);

        if (earlier->kind == KIND_SLA &&
            lint_match_implies(&policy->agreements[agreement].match, &earlier->match, key->attribute) &&
            (same == NULL || lint_key_holds(same, value)))
            return true;
    }
    return false;
}

bool
lint_is_unreachable(const struct policy *policy, int agreement)
{
    const struct policy_agreement *here = &policy->agreements[agreement];

    if (here->kind != KIND_SLA)
        return false;
    for (int i = 0; i < agreement; i++) {
        if (policy->agreements[i].kind == KIND_SLA &&
            lint_match_implies(&here->match, &policy->agreements[i].match, -1))
            return true;
    }
    for (size_t i = 0; i < here->match.keys_count; i++) {
        const struct policy_match_key *key = &here->match.keys[i];
        size_t k = 0;

        while (k < key->values_count && is_taken_before(policy, agreement, key, key->values[k]))
            k++;
        if (k == key->values_count)
            return true;
    }
    return false;
}

static void
check_agreements(struct lint *lint)
{
    for (int i = 0; i < (int)lint->policy->agreements_count; i++) {
        const struct policy_agreement *agreement = &lint->policy->agreements[i];
        struct finding *finding;

        if (!lint_is_unreachable(lint->policy, i))
            continue;
        finding = findings_begin(&lint->findings, LINT_UNREACHABLE);
        words_append(&finding->subject, "agreement ");
        words_append_name(&finding->subject, agreement->name);
        print_key(&finding->fields, "agreement"), print_text(&finding->fields, agreement->name);
        buffer_append_text(
            &finding->text,
            "No ticket can have this SLA: every ticket that it matches is taken by one that stands "
            "before it, and of SLAs the first that matches wins. Move it up, or narrow the others.");
    }
}

/* where: "agreement acme-gold". */
static void
check_groups(struct lint *lint, const struct policy_match *match, const char *what, struct slice name)
{
    const struct policy_match_key *key = lint_match_key(match, ATTRIBUTE_GROUP);

    for (size_t i = 0; key != NULL && i < key->values_count; i++) {
        struct slice group = symbols_text(lint->symbols, key->values[i]);
        struct finding *finding;

        if (policy_group_find(lint->policy, key->values[i]) != NULL)
            continue;
        finding = findings_begin(&lint->findings, LINT_UNDECLARED_GROUP);
        words_append(&finding->subject, "group ");
        words_append_name(&finding->subject, group);
        print_key(&finding->fields, "group"), print_text(&finding->fields, group);
        words_append(&finding->text, "The match of %s ", what);
        words_append_name(&finding->text, name);
        buffer_append_text(
            &finding->text,
            " names this group, but `groups` does not declare it: it counts as the provider's, "
            "without a tier and without hours.");
    }
}

static void
check_statuses(struct lint *lint)
{
    const struct policy *policy = lint->policy;
    bool ends = false;

    for (size_t i = 0; i < policy->statuses_count; i++)
        ends |= policy->statuses[i].state >= STATUS_SOLVED;
    if (!ends && policy->clocks_count > 0) {
        struct finding *finding = findings_begin(&lint->findings, LINT_NO_END);

        buffer_append_text(&finding->subject, "statuses");
        buffer_append_text(
            &finding->text,
            "No status of this policy means solved, closed or cancelled, so no ticket is ever solved "
            "and no resolution clock ever ends.");
    }
    for (size_t v = 0; v < lint->version; v++) {
        const struct policy *earlier = policy_set_version(lint->set, v);

        for (size_t i = 0; i < earlier->statuses_count; i++) {
            struct slice name = symbols_text(lint->symbols, earlier->statuses[i].name);
            struct finding *finding;

            if (policy_status_find(policy, earlier->statuses[i].name) != NULL)
                continue;
            finding = findings_begin(&lint->findings, LINT_UNMAPPED_STATUS);
            words_append(&finding->subject, "status ");
            words_append_name(&finding->subject, name);
            print_key(&finding->fields, "status"), print_text(&finding->fields, name);
            words_append(&finding->text, "Version ");
            words_append_name(&finding->text, earlier->version);
            words_append(&finding->text, " maps this status and version ");
            words_append_name(&finding->text, policy->version);
            words_append(&finding->text, " does not: from then on tickets in it are %s",
                         policy->unknown_status_rejects
                             ? "open, and new events that carry it become dead letters."
                             : "open.");
        }
    }
}

void
lint_matches(struct lint *lint)
{
    const struct policy *policy = lint->policy;

    check_agreements(lint);
    for (size_t i = 0; i < policy->agreements_count; i++)
        check_groups(lint, &policy->agreements[i].match, "agreement", policy->agreements[i].name);
    for (size_t i = 0; i < policy->contracts_count; i++) {
        check_groups(lint, &policy->contracts[i].match, "contract", policy->contracts[i].name);
        check_groups(lint, &policy->contracts[i].honest_exclude, "contract", policy->contracts[i].name);
    }
    for (size_t i = 0; i < policy->experience.keis_count; i++)
        check_groups(lint, &policy->experience.keis[i].match, "KEI", policy->experience.keis[i].name);
    check_statuses(lint);
}
