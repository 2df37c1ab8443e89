/*
 * The section `foresight` (docs/foresight.md): what makes tickets alike, and when a probability becomes an
 * alert.
 *
 * Why this way: whoever pays for false alarms and for breaches knows what they cost; so the threshold may be
 * said as a share, or as costs out of which it follows, but not as both. What is not said has the default
 * that docs/policy.md names, so the section need not exist.
 *
 * Always true: 0 < clear <= fire <= 1, the backstop is a share of a target, contexts are sound.
 *
 * Not here: what a probability is (core/foresight), when it is asked (core/risk).
 */
#include "base/panic.h"
#include "slad/foresight.h"
#include "wire/policy_yaml_loader.h"

enum { BUDGET_MAX = 1000000, COST_DECIMALS = 2, WHOLE_BP = 10000 };
#define COST_MAX INT64_C(1000000000000)

/* P > (alarm + false) / (effect * breach + false): beyond it an alarm costs less than silence. */
static void
read_cost(struct policy_yaml_loader *loader, const struct yaml_node *node, int *ret_fire_bp)
{
    static const char *const keys[] = {"alarm", "false_alarm", "breach", "effect", NULL};
    int64_t costs[3], wins;
    int effect_bp;

    if (node == NULL || !yaml_get_record(loader->error, node, "costs", keys))
        return;
    for (size_t i = 0; i < 3; i++)
        costs[i] = yaml_get_decimal(loader->error, yaml_get_required(loader->error, node, keys[i]),
                                    COST_DECIMALS, 0, COST_MAX);
    effect_bp = yaml_get_share_bp(loader->error, yaml_get_required(loader->error, node, "effect"));
    if (policy_yaml_loader_failed(loader))
        return;
    wins = costs[2] / WHOLE_BP * effect_bp + costs[2] % WHOLE_BP * effect_bp / WHOLE_BP + costs[1];
    if (costs[0] + costs[1] <= 0 || costs[0] + costs[1] >= wins) {
        yaml_get_fail(loader->error, POLICY_ERROR_BAD_NUMBER, node,
                      "by these costs an alarm is %s, expected 0 < alarm + false_alarm < effect of breach + "
                      "false_alarm",
                      costs[0] + costs[1] <= 0 ? "always worth it" : "never worth it");
        return;
    }
    while (wins > INT64_MAX / WHOLE_BP) {
        wins /= 2;
        costs[0] /= 2;
        costs[1] /= 2;
    }
    *ret_fire_bp = (int)((costs[0] + costs[1]) * WHOLE_BP / wins);
    *ret_fire_bp = *ret_fire_bp < 1 ? 1 : *ret_fire_bp;
}

static void
read_thresholds(struct policy_yaml_loader *loader, const struct yaml_node *node,
                struct policy_foresight *foresight)
{
    const struct yaml_node *fire = yaml_find(node, "fire"), *clear = yaml_find(node, "clear"),
                           *cost = yaml_find(node, "cost"), *backstop = yaml_find(node, "backstop");

    if (fire != NULL && cost != NULL) {
        yaml_get_fail_key(loader->error, POLICY_ERROR_NOT_HERE, cost,
                          "cost means nothing beside fire, expected one of the two");
        return;
    }
    if (fire != NULL)
        foresight->fire_bp = yaml_get_share_bp(loader->error, fire);
    read_cost(loader, cost, &foresight->fire_bp);
    if (clear != NULL)
        foresight->clear_bp = yaml_get_share_bp(loader->error, clear);
    else if (foresight->clear_bp > foresight->fire_bp / 4 * 3)
        foresight->clear_bp = foresight->fire_bp * 3 / 4;
    if (foresight->clear_bp > foresight->fire_bp)
        yaml_get_fail(loader->error, POLICY_ERROR_BAD_NUMBER, clear,
                      "found a share above that at which it fires, expected at most that");
    if (backstop != NULL)
        foresight->backstop_bp = yaml_get_share_bp(loader->error, backstop);
}

/* A list of texts, or nothing: kept as one text in its one form. */
static void
read_contexts(struct policy_yaml_loader *loader, const struct yaml_node *list,
              struct policy_foresight *foresight)
{
    struct foresight_contexts contexts;
    struct buffer text = {0};
    char detail[FORESIGHT_DETAIL_BYTES];

    if (list == NULL || !yaml_get_bounded_list(loader->error, list, "a list of contexts like group+status",
                                               FORESIGHT_CONTEXTS_MAX))
        return;
    for (const struct yaml_node *each = list->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next) {
        struct slice context = yaml_get_text(loader->error, each, "a context like group+status");

        if (text.bytes > 0)
            buffer_append_text(&text, ", ");
        buffer_append_slice(&text, context);
        if (!policy_yaml_loader_failed(loader) &&
            (memchr(context.at, ',', context.bytes) != NULL ||
             foresight_contexts_read(buffer_slice(&text), &contexts, detail) != 0))
            yaml_get_fail(loader->error, POLICY_ERROR_UNKNOWN_WORD, each, "%s",
                          memchr(context.at, ',', context.bytes) != NULL
                              ? "found a comma, expected one context an entry"
                              : detail);
    }
    foresight->contexts = arena_copy_slice(loader->arena, buffer_slice(&text));
    buffer_free(&text);
}

void
policy_yaml_foresight_read(struct policy_yaml_loader *loader)
{
    static const char *const keys[] = {"enabled",  "contexts",       "people", "fire",     "clear", "cost",
                                       "backstop", "min_actionable", "budget", "hold_out", NULL};
    const struct yaml_node *node = yaml_find(loader->root, "foresight");
    struct policy_foresight *foresight = &loader->policy->foresight;

    if (node == NULL || !yaml_get_record(loader->error, node, "foresight", keys))
        return;
    if (yaml_find(node, "enabled") != NULL)
        foresight->enabled = yaml_get_boolean(loader->error, yaml_find(node, "enabled"));
    if (yaml_find(node, "people") != NULL)
        foresight->people = yaml_get_boolean(loader->error, yaml_find(node, "people"));
    read_contexts(loader, yaml_find(node, "contexts"), foresight);
    read_thresholds(loader, node, foresight);
    if (yaml_find(node, "min_actionable") != NULL)
        foresight->min_actionable_ms = yaml_get_duration_ms(loader->error, yaml_find(node, "min_actionable"));
    if (yaml_find(node, "budget") != NULL)
        foresight->budget =
            (uint32_t)yaml_get_integer(loader->error, yaml_find(node, "budget"), 1, BUDGET_MAX);
    if (yaml_find(node, "hold_out") != NULL)
        foresight->hold_out_bp = yaml_get_share_bp(loader->error, yaml_find(node, "hold_out"));
}
