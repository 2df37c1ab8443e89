/*
 * The sections `statuses`, `groups` and `agreements`; an agreement's clocks are read by policy_yaml_clocks.
 *
 * Why this way: what may stand at an agreement or at a clock (warn_at, repeat, severity, closing_grace,
 * on_reopen) is read once into a pattern, which every clock starts from; the clock's own keys then win.
 *
 * Always true: clocks lie in the order of their agreements, each agreement's without a gap; statuses and
 * groups end up sorted by symbol number, as the look-ups need them.
 *
 * Not here: which agreement a ticket has (core).
 */
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"
#include <stdlib.h>

/* ---- statuses and groups ---- */

static int
compare_statuses(const void *a, const void *b)
{
    symbol name_a = ((const struct policy_status *)a)->name, name_b = ((const struct policy_status *)b)->name;

    return name_a < name_b ? -1 : name_a > name_b;
}

static int
compare_groups(const void *a, const void *b)
{
    symbol name_a = ((const struct policy_group *)a)->name, name_b = ((const struct policy_group *)b)->name;

    return name_a < name_b ? -1 : name_a > name_b;
}

static void
read_status(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_status *status)
{
    static const char *const keys[] = {"state", "on", NULL};
    static const char *const states[] = {"open", "waiting", "solved", "closed", "cancelled", NULL};
    const struct yaml_node *on = yaml_find(node, "on");

    status->name = policy_yaml_parts_key_symbol(loader, node);
    status->on = PARTIES_COUNT;
    if (!yaml_get_record(loader->error, node, "a status", keys))
        return;
    status->state = (enum status_state)yaml_get_word(
        loader->error, yaml_get_required(loader->error, node, "state"), "state", states);
    if (on == NULL)
        return;
    status->on = policy_yaml_parts_party(loader, on);
    if (status->state != STATUS_OPEN && status->state != STATUS_WAITING)
        yaml_get_fail_key(
            loader->error, POLICY_ERROR_NOT_HERE, on,
            "found on beside state %s, expected it with open or waiting only: nobody has the ball then",
            states[status->state]);
}

static void
read_statuses(struct policy_yaml_loader *loader)
{
    const struct yaml_node *section = yaml_find(loader->root, "statuses");
    struct policy_status *statuses;
    size_t count = 0;

    if (!yaml_get_bounded_mapping(loader->error, section, "a mapping of statuses", POLICY_YAML_STATUSES_MAX))
        return;
    statuses = policy_yaml_parts_allocate(loader, section->children_count, sizeof *statuses);
    for (const struct yaml_node *each = section->first; each != NULL; each = each->next)
        read_status(loader, each, &statuses[count++]);
    qsort(statuses, count, sizeof *statuses, compare_statuses);
    loader->policy->statuses = statuses;
    loader->policy->statuses_count = count;
}

static void
read_group(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_group *group)
{
    static const char *const keys[] = {"party", "tier", "calendar", NULL};
    const struct yaml_node *party = yaml_find(node, "party");

    group->name = policy_yaml_parts_key_symbol(loader, node);
    if (!yaml_get_record(loader->error, node, "a group", keys))
        return;
    group->party = party != NULL ? policy_yaml_parts_party(loader, party) : PARTY_PROVIDER;
    group->tier = (int)yaml_get_integer(loader->error, yaml_find(node, "tier"), 1, POLICY_YAML_TIER_MAX);
    group->calendar = policy_yaml_parts_calendar(loader, yaml_find(node, "calendar"));
}

static void
read_groups(struct policy_yaml_loader *loader)
{
    const struct yaml_node *section = yaml_find(loader->root, "groups");
    struct policy_group *groups;
    size_t count = 0;

    if (!yaml_get_bounded_mapping(loader->error, section, "a mapping of groups", POLICY_YAML_GROUPS_MAX))
        return;
    groups = policy_yaml_parts_allocate(loader, section->children_count, sizeof *groups);
    for (const struct yaml_node *each = section->first; each != NULL; each = each->next)
        read_group(loader, each, &groups[count++]);
    qsort(groups, count, sizeof *groups, compare_groups);
    loader->policy->groups = groups;
    loader->policy->groups_count = count;
}

/* ---- agreements ---- */

/* Names of agreements of one kind are different. */
static void
check_name(struct policy_yaml_loader *loader, const struct yaml_node *node,
           const struct policy_agreement *agreements, size_t index)
{
    for (size_t i = 0; i < index && !policy_yaml_loader_failed(loader); i++)
        if (agreements[i].kind == agreements[index].kind &&
            slice_equal(agreements[i].name, agreements[index].name))
            yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_NAME, yaml_find(node, "name"),
                          "two agreements of kind %s have the name %s",
                          clock_kind_text(agreements[index].kind),
                          policy_error_quote(agreements[index].name).text);
}

static void
read_clocks(struct policy_yaml_loader *loader, const struct yaml_node *node,
            struct policy_agreement *agreement, struct policy_clock *clocks,
            const struct policy_clock *common)
{
    const struct yaml_node *list = yaml_find(node, "clocks");

    if (!yaml_get_mapping(loader->error, list, "a mapping of clocks"))
        return;
    for (const struct yaml_node *each = list->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next) {
        struct policy_clock *clock = &clocks[loader->policy->clocks_count];

        *clock = *common;
        policy_yaml_clocks_read(loader, each, agreement, yaml_find(node, "match"), clock);
        loader->clock_nodes[loader->policy->clocks_count++] = each;
        agreement->clocks_count++;
    }
}

static void
read_agreement(struct policy_yaml_loader *loader, const struct yaml_node *node,
               struct policy_agreement *agreements, size_t index, struct policy_clock *clocks)
{
    static const char *const keys[] = {
        "name",          "kind",      "match",         "calendar",          "warn_at", "repeat", "severity",
        "closing_grace", "on_reopen", "reopen_window", "attainment_target", "clocks",  NULL};
    static const char *const kinds[] = {"sla", "ola", "uc", NULL};
    struct policy_agreement *agreement = &agreements[index];
    struct policy_clock common = {.agreement = (int)index};

    if (!yaml_get_record(loader->error, node, "an agreement", keys))
        return;
    agreement->name =
        policy_yaml_parts_text(loader, yaml_get_required(loader->error, node, "name"), "a name");
    agreement->kind = (enum clock_kind)yaml_get_word(
        loader->error, yaml_get_required(loader->error, node, "kind"), "kind", kinds);
    check_name(loader, node, agreements, index);
    agreement->match = policy_yaml_parts_match(loader, yaml_find(node, "match"), NULL, NULL);
    agreement->calendar = policy_yaml_parts_calendar(loader, yaml_find(node, "calendar"));
    agreement->attainment_target_bp = yaml_get_share_bp(loader->error, yaml_find(node, "attainment_target"));
    agreement->reopen_window_ms = yaml_get_duration_ms(loader->error, yaml_find(node, "reopen_window"));
    agreement->first_clock = (int)loader->policy->clocks_count;
    policy_yaml_clocks_read_options(loader, node, &common);
    read_clocks(loader, node, agreement, clocks, &common);
    policy_yaml_clocks_check_severities(loader, node, clocks + agreement->first_clock,
                                        agreement->clocks_count, &common);
}

/* How many clocks all agreements have, 0 with an error. */
static size_t
count_clocks(struct policy_yaml_loader *loader, const struct yaml_node *section)
{
    size_t count = 0;

    for (const struct yaml_node *each = section->first; each != NULL; each = each->next) {
        const struct yaml_node *clocks = yaml_find(each, "clocks");

        count += clocks != NULL ? clocks->children_count : 0;
    }
    if (count > POLICY_YAML_CLOCKS_MAX)
        yaml_get_fail(loader->error, POLICY_ERROR_TOO_MANY, section, "found %zu clocks, expected at most %d",
                      count, POLICY_YAML_CLOCKS_MAX);
    return count;
}

static void
read_agreements(struct policy_yaml_loader *loader)
{
    const struct yaml_node *section = yaml_find(loader->root, "agreements");
    struct policy_agreement *agreements;
    struct policy_clock *clocks;
    size_t clocks_count, index = 0;

    if (!yaml_get_bounded_list(loader->error, section, "a list of agreements", POLICY_YAML_AGREEMENTS_MAX))
        return;
    clocks_count = count_clocks(loader, section);
    clocks = policy_yaml_parts_allocate(loader, clocks_count, sizeof *clocks);
    agreements = policy_yaml_parts_allocate(loader, section->children_count, sizeof *agreements);
    loader->clock_nodes = policy_yaml_parts_allocate(loader, clocks_count, sizeof(const struct yaml_node *));
    loader->clocks = clocks;
    loader->policy->clocks = clocks;
    for (const struct yaml_node *each = section->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next)
        read_agreement(loader, each, agreements, index++, clocks);
    loader->policy->agreements = agreements;
    loader->policy->agreements_count = index;
    policy_yaml_clocks_check_supports(loader);
}

void
policy_yaml_agreements_read(struct policy_yaml_loader *loader)
{
    read_groups(loader);
    read_statuses(loader);
    read_agreements(loader);
}
