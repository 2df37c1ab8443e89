/*
 * The section `contracts` (semantics.md section 9): the honest view, experience agreements (PXA),
 * watermelons, credits.
 *
 * Why this way: money is read as text into integer minor units. `neutral` of a PXA has no default, for it
 * changes who may walk out of a contract.
 *
 * Always true: a credit line names a clock of this policy; names of contracts are different.
 *
 * Not here: deciding anything (core/score).
 */
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"
#include "wire/quantity.h"

enum { PXA_MIN_ANSWERS = 30, PXA_PLAN_DAYS = 90, MIN_ANSWERS_MAX = 1000000, PLAN_DAYS_MAX = 3650 };

static void
read_honest(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_contract *contract)
{
    static const char *const keys[] = {"exclude", NULL};

    if (yaml_get_record(loader->error, node, "honest", keys))
        contract->honest_exclude = policy_yaml_parts_match(loader, yaml_find(node, "exclude"), NULL, NULL);
}

static void
read_pxa(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_contract *contract)
{
    static const char *const keys[] = {"window",  "surveys",   "threshold", "min_answers",
                                       "neutral", "plan_days", NULL};
    static const char *const neutral[] = {"counted", "excluded", NULL};
    const struct yaml_node *min_answers = yaml_find(node, "min_answers"),
                           *plan_days = yaml_find(node, "plan_days");

    if (!yaml_get_record(loader->error, node, "pxa", keys))
        return;
    contract->has_pxa = true;
    contract->pxa_window_ms =
        yaml_get_duration_ms(loader->error, yaml_get_required(loader->error, node, "window"));
    contract->pxa_surveys = policy_yaml_parts_symbols(loader, yaml_find(node, "surveys"),
                                                      POLICY_YAML_LIST_MAX, &contract->pxa_surveys_count);
    contract->pxa_threshold_bp =
        yaml_get_share_bp(loader->error, yaml_get_required(loader->error, node, "threshold"));
    contract->pxa_min_answers = min_answers != NULL
                                    ? (int)yaml_get_integer(loader->error, min_answers, 1, MIN_ANSWERS_MAX)
                                    : PXA_MIN_ANSWERS;
    contract->pxa_neutral = (enum neutral_rule)yaml_get_word(
        loader->error, yaml_get_required(loader->error, node, "neutral"), "neutral", neutral);
    contract->pxa_plan_days =
        plan_days != NULL ? (int)yaml_get_integer(loader->error, plan_days, 1, PLAN_DAYS_MAX) : PXA_PLAN_DAYS;
}

static void
read_watermelon(struct policy_yaml_loader *loader, const struct yaml_node *node,
                struct policy_contract *contract)
{
    static const char *const keys[] = {"window", NULL};

    if (!yaml_get_record(loader->error, node, "watermelon", keys))
        return;
    contract->has_watermelon = true;
    contract->watermelon_window =
        policy_yaml_parts_window(loader, yaml_get_required(loader->error, node, "window"));
}

/* ---- credits ---- */

static struct slice
read_currency(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct slice text = policy_yaml_parts_text(loader, node, "a currency like EUR");
    bool sound = text.bytes == 3;

    if (node == NULL || policy_yaml_loader_failed(loader))
        return text;
    for (size_t i = 0; sound && i < 3; i++)
        sound = text.at[i] >= 'A' && text.at[i] <= 'Z';
    if (!sound)
        yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_CURRENCY, node,
                            "a currency of three letters like EUR");
    return text;
}

/* "100000.00", in quotes or not. */
static int64_t
read_fee(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const char expected[] = "an amount over 0 with at most two decimals, like \"100000.00\"";
    struct slice text = yaml_get_text(loader->error, node, expected);
    int64_t minor = 0;

    if (node == NULL || policy_yaml_loader_failed(loader))
        return 0;
    if (quantity_parse_decimal(text, 2, &minor) != 0 || minor <= 0)
        yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_NUMBER, node, expected);
    return minor;
}

static void
read_line(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_credit_line *line)
{
    static const char *const keys[] = {"clock", "view", "target", "allocation", "share", "bonus", NULL};
    static const char *const views[] = {"contract", "honest", NULL};

    if (!yaml_get_record(loader->error, node, "a line of credits", keys))
        return;
    policy_yaml_parts_clock(loader, yaml_get_required(loader->error, node, "clock"), false, &line->kind,
                            &line->clock);
    line->honest = yaml_get_word(loader->error, yaml_find(node, "view"), "view", views) == 1;
    line->target_bp = yaml_get_share_bp(loader->error, yaml_get_required(loader->error, node, "target"));
    line->allocation_bp =
        yaml_get_share_bp(loader->error, yaml_get_required(loader->error, node, "allocation"));
    line->share_bp = yaml_get_share_bp(loader->error, yaml_get_required(loader->error, node, "share"));
    line->bonus = yaml_get_boolean(loader->error, yaml_find(node, "bonus"));
}

static void
read_lines(struct policy_yaml_loader *loader, const struct yaml_node *list, struct policy_contract *contract)
{
    struct policy_credit_line *lines;

    if (!yaml_get_filled_list(loader->error, list, "a list of lines", POLICY_YAML_LIST_MAX))
        return;
    lines = policy_yaml_parts_allocate(loader, list->children_count, sizeof *lines);
    for (const struct yaml_node *each = list->first; each != NULL; each = each->next)
        read_line(loader, each, &lines[contract->lines_count++]);
    contract->lines = lines;
}

static void
read_credits(struct policy_yaml_loader *loader, const struct yaml_node *node,
             struct policy_contract *contract)
{
    static const char *const keys[] = {"currency", "monthly_fee", "at_risk", "rounding", "lines", NULL};
    static const char *const roundings[] = {"half_up", "down", NULL};

    if (!yaml_get_record(loader->error, node, "credits", keys))
        return;
    contract->has_credits = true;
    contract->currency = read_currency(loader, yaml_get_required(loader->error, node, "currency"));
    contract->monthly_fee_minor = read_fee(loader, yaml_get_required(loader->error, node, "monthly_fee"));
    contract->at_risk_bp =
        yaml_get_share_bp(loader->error, yaml_get_required(loader->error, node, "at_risk"));
    contract->rounds_half_up =
        yaml_get_word(loader->error, yaml_find(node, "rounding"), "rounding", roundings) == 0;
    read_lines(loader, yaml_get_required(loader->error, node, "lines"), contract);
}

/* ---- contracts ---- */

static void
read_contract(struct policy_yaml_loader *loader, const struct yaml_node *list, const struct yaml_node *node,
              struct policy_contract *contract)
{
    static const char *const keys[] = {"name", "match",      "time_zone", "honest",
                                       "pxa",  "watermelon", "credits",   NULL};
    const struct yaml_node *name;

    contract->zone = POLICY_NONE;
    if (!yaml_get_record(loader->error, node, "a contract", keys))
        return;
    name = yaml_get_required(loader->error, node, "name");
    contract->name = policy_yaml_parts_text(loader, name, "a name");
    contract->name_symbol = policy_yaml_parts_symbol(loader, name, "a name");
    policy_yaml_parts_check_name(loader, list, node, "contracts");
    contract->match = policy_yaml_parts_match(loader, yaml_find(node, "match"), NULL, NULL);
    contract->zone = policy_yaml_parts_zone(loader, yaml_find(node, "time_zone"));
    read_honest(loader, yaml_find(node, "honest"), contract);
    read_pxa(loader, yaml_find(node, "pxa"), contract);
    read_watermelon(loader, yaml_find(node, "watermelon"), contract);
    read_credits(loader, yaml_find(node, "credits"), contract);
}

void
policy_yaml_contracts_read(struct policy_yaml_loader *loader)
{
    const struct yaml_node *list = yaml_find(loader->root, "contracts");
    struct policy_contract *contracts;
    size_t count = 0;

    if (!yaml_get_bounded_list(loader->error, list, "a list of contracts", POLICY_YAML_LIST_MAX))
        return;
    contracts = policy_yaml_parts_allocate(loader, list->children_count, sizeof *contracts);
    for (const struct yaml_node *each = list->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next)
        read_contract(loader, list, each, &contracts[count++]);
    loader->policy->contracts = contracts;
    loader->policy->contracts_count = count;
}
