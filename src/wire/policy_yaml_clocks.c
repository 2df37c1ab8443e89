/*
 * Clocks of an agreement: measure, target, whose time counts, warnings, repeats, severities, what it
 * supports.
 *
 * Why this way: a key that means nothing beside the clock's measure (start without first_response, of without
 * handling) is an error, for whoever wrote it expected something of it.
 *
 * Always true: after this every clock has a calendar, a target for at least one priority, and stages of
 * different names; the defaults are those of semantics.md section 4 and rulings R18, R50, R59.
 *
 * Not here: what clocks do (core).
 */
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"
#include "wire/quantity.h"

#define COUNTS_OF_WORK (PARTY_BIT(PARTY_PROVIDER) | PARTY_BIT(PARTY_SUPPLIER))

enum { SEVERITIES_MAX = 200 };

/* ---- what may stand at the agreement too ---- */

/* "50%" -> warn-50%, "30m left" -> warn-30m: the stage's text is as written (R34). */
static int
parse_stage(struct policy_yaml_loader *loader, struct slice text, struct policy_stage *stage)
{
    static const char left[] = "left";
    struct slice threshold = text;
    char *name;

    *stage = (struct policy_stage){0};
    if (quantity_parse_share_bp(text, &stage->share_bp) != 0) {
        if (text.bytes < sizeof left || memcmp(text.at + text.bytes - 4, left, 4) != 0)
            return -1;
        threshold.bytes -= 4;
        if (threshold.at[threshold.bytes - 1] != ' ')
            return -1;
        while (threshold.bytes > 0 && threshold.at[threshold.bytes - 1] == ' ')
            threshold.bytes--;
        if (quantity_parse_duration_ms(threshold, &stage->left_ms) != 0)
            return -1;
    }
    name = arena_allocate(loader->arena, threshold.bytes + 5);
    memcpy(name, "warn-", 5);
    memcpy(name + 5, threshold.at, threshold.bytes);
    stage->name = (struct slice){name, threshold.bytes + 5};
    return 0;
}

static void
read_warn_at(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_clock *clock)
{
    static const char expected[] = "a percentage like 75%, or \"30m left\"";
    struct policy_stage *stages;
    size_t count = 0;

    if (!yaml_get_bounded_list(loader->error, node, "a list of warnings like [50%, 75%, \"30m left\"]",
                               POLICY_STAGES_MAX))
        return;
    stages = policy_yaml_parts_allocate(loader, node->children_count, sizeof *stages);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next, count++) {
        struct slice text = yaml_get_text(loader->error, each, expected);

        if (policy_yaml_loader_failed(loader))
            return;
        if (parse_stage(loader, text, &stages[count]) != 0)
            yaml_get_fail_found(loader->error,
                                text.at[text.bytes - 1] == '%' ? POLICY_ERROR_BAD_PERCENTAGE
                                                               : POLICY_ERROR_BAD_DURATION,
                                each, expected);
        for (size_t i = 0; i < count && !policy_yaml_loader_failed(loader); i++)
            if (slice_equal(stages[i].name, stages[count].name))
                yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each,
                              "the warning %s stands here twice", policy_error_quote(text).text);
    }
    clock->stages = stages;
    clock->stages_count = count;
}

static enum severity
read_severity_word(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const char *const words[] = {"info", "warning", "critical", NULL};

    return (enum severity)(SEVERITY_INFO + yaml_get_word(loader->error, node, "severity", words));
}

/* One stage: a word, or a mapping of priorities to words. */
static size_t
read_severity_stage(struct policy_yaml_loader *loader, const struct yaml_node *node,
                    struct policy_severity *out)
{
    struct slice stage = arena_copy_slice(loader->arena, yaml_get_key_text(loader->error, node));
    size_t count = 0;

    if (node->type != YAML_MAPPING) {
        *out = (struct policy_severity){stage, 0, read_severity_word(loader, node)};
        return 1;
    }
    if (node->children_count == 0)
        yaml_get_fail(loader->error, POLICY_ERROR_TOO_FEW, node,
                      "found nothing in it, expected priorities like {P1: critical, default: warning}");
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        symbol priority = slice_is(each->key, "default") ? 0 : policy_yaml_parts_key_symbol(loader, each);

        out[count++] = (struct policy_severity){stage, priority, read_severity_word(loader, each)};
    }
    return count;
}

static void
read_severity(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_clock *clock)
{
    struct policy_severity *severities;
    size_t room = 0, count = 0;

    if (!yaml_get_bounded_mapping(loader->error, node, "a mapping of stages like {breach: critical}",
                                  SEVERITIES_MAX))
        return;
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next)
        room += each->type == YAML_MAPPING ? each->children_count : 1;
    if (room > SEVERITIES_MAX)
        yaml_get_fail(loader->error, POLICY_ERROR_TOO_MANY, node, "found %zu severities, expected at most %d",
                      room, SEVERITIES_MAX);
    severities = policy_yaml_parts_allocate(loader, room, sizeof *severities);
    for (const struct yaml_node *each = node->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next)
        count += read_severity_stage(loader, each, severities + count);
    clock->severities = severities;
    clock->severities_count = count;
}

/* Keys that are not there leave what the clock has: the agreement's. */
void
policy_yaml_clocks_read_options(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                struct policy_clock *clock)
{
    static const char *const reopens[] = {"resume", "continue", "new_cycle", NULL};
    const struct yaml_node *grace = yaml_find(node, "closing_grace");
    const struct yaml_node *on_reopen = yaml_find(node, "on_reopen");

    read_warn_at(loader, yaml_find(node, "warn_at"), clock);
    policy_yaml_parts_repeat(loader, yaml_find(node, "repeat"), &clock->repeat);
    read_severity(loader, yaml_find(node, "severity"), clock);
    if (grace != NULL)
        clock->closing_grace = yaml_get_boolean(loader->error, grace);
    if (on_reopen != NULL)
        clock->on_reopen = (enum on_reopen)yaml_get_word(loader->error, on_reopen, "on_reopen", reopens);
}

/* ---- stages that severities name ---- */

static bool
has_stage(const struct policy_clock *clock, struct slice stage)
{
    for (size_t i = 0; i < clock->stages_count; i++)
        if (slice_equal(clock->stages[i].name, stage))
            return true;
    return false;
}

static void
offer_stages(struct spelling *spelling, const struct policy_clock *clock)
{
    for (size_t i = 0; i < clock->stages_count; i++)
        spelling_offer(spelling, clock->stages[i].name);
}

/* node has a key `severity` whose stages must be some clock's, or the pattern's. */
void
policy_yaml_clocks_check_severities(struct policy_yaml_loader *loader, const struct yaml_node *node,
                                    const struct policy_clock *clocks, size_t clocks_count,
                                    const struct policy_clock *common)
{
    static const char *const always[] = {"breach", "risk", "slack"};
    const struct yaml_node *severity = yaml_find(node, "severity");

    if (severity == NULL || policy_yaml_loader_failed(loader))
        return;
    for (const struct yaml_node *each = severity->first; each != NULL; each = each->next) {
        struct spelling spelling = spelling_of(each->key);
        bool known = has_stage(common, each->key);

        offer_stages(&spelling, common);
        for (size_t i = 0; i < clocks_count; i++) {
            known = known || has_stage(&clocks[i], each->key);
            offer_stages(&spelling, &clocks[i]);
        }
        for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
            known = known || slice_is(each->key, always[i]);
            spelling_offer(&spelling, slice_of(always[i]));
        }
        if (!known)
            yaml_get_fail_key(
                loader->error, POLICY_ERROR_UNKNOWN_NAME, each,
                "unknown stage %s, expected breach, risk, slack or a warning of warn_at like warn-90%%%s",
                policy_error_quote(each->key).text, spelling_hint(&spelling).text);
    }
}

/* ---- one clock ---- */

static void
read_target(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_clock *clock)
{
    static const char expected[] = "a duration like 4h, or durations by priority like {P1: 4h, default: 3d}";
    struct policy_target *targets;

    if (node == NULL || policy_yaml_loader_failed(loader))
        return;
    if (node->type == YAML_SCALAR) {
        clock->target_default_ms = yaml_get_duration_ms(loader->error, node);
        return;
    }
    if (!yaml_get_filled_mapping(loader->error, node, expected, POLICY_YAML_VALUES_MAX))
        return;
    targets = policy_yaml_parts_allocate(loader, node->children_count, sizeof *targets);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        int64_t ms = yaml_get_duration_ms(loader->error, each);

        if (slice_is(each->key, "default"))
            clock->target_default_ms = ms;
        else
            targets[clock->targets_count++] =
                (struct policy_target){policy_yaml_parts_key_symbol(loader, each), ms};
    }
    clock->targets = targets;
}

static bool
counts_everyone_by_default(enum measure measure)
{
    static const bool everyone[MEASURES_COUNT] = {
#define MEASURE(NAME, text, everyone_counts, help) everyone_counts,
#include "slad/measures.def"
#undef MEASURE
    };

    return everyone[measure];
}

/* A list of parties, or everyone. */
static uint8_t
read_counts(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const char *const words[] = {"provider",          "supplier", "customer",
                                        "customer_supplier", "nobody",   NULL};
    static const char *const everyone[] = {"everyone", NULL};
    uint8_t counts = 0;

    if (node->type == YAML_SCALAR) {
        (void)yaml_get_word(loader->error, node, "value of counts", everyone);
        return PARTY_EVERYONE;
    }
    if (!yaml_get_filled_list(loader->error, node, "everyone, or a list of parties", PARTIES_COUNT))
        return 0;
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        uint8_t bit =
            PARTY_BIT(party_of(slice_of(words[yaml_get_word(loader->error, each, "party", words)])));

        if (!policy_yaml_loader_failed(loader) && (counts & bit) != 0)
            yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each, "the party %s stands here twice",
                          policy_error_quote(each->text).text);
        counts |= bit;
    }
    return counts;
}

static const struct policy_group *
find_group(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct slice name = yaml_get_text(loader->error, node, "the name of a group");
    const struct policy *policy = loader->policy;
    symbol number = symbols_find(policy->symbols, name);
    const struct policy_group *group = number != 0 ? policy_group_find(policy, number) : NULL;
    struct spelling spelling = spelling_of(name);

    if (group != NULL || policy_yaml_loader_failed(loader))
        return group;
    for (size_t i = 0; i < policy->groups_count; i++)
        spelling_offer(&spelling, symbols_text(policy->symbols, policy->groups[i].name));
    yaml_get_fail_name(loader->error, node, "group", &spelling);
    return NULL;
}

/* `of`: {group: NAME} or {party: PARTY}. Returns the group. */
static const struct policy_group *
read_of(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_clock *clock)
{
    static const char *const keys[] = {"group", "party", NULL};
    const struct yaml_node *group_node = yaml_find(node, "group"), *party = yaml_find(node, "party");
    const struct policy_group *group = NULL;

    if (!yaml_get_record(loader->error, node, "of", keys))
        return NULL;
    if ((group_node == NULL) == (party == NULL)) {
        yaml_get_fail(loader->error, group_node == NULL ? POLICY_ERROR_MISSING_KEY : POLICY_ERROR_NOT_HERE,
                      node, "found %s, expected either {group: NAME} or {party: PARTY}",
                      group_node == NULL ? "nothing in it" : "both");
        return NULL;
    }
    if (party != NULL) {
        clock->of_party = policy_yaml_parts_party(loader, party);
        return NULL;
    }
    group = find_group(loader, group_node);
    clock->of_group = group != NULL ? group->name : 0;
    return group;
}

/* In an OLA or UC the match may not name what `of` names. */
static void
check_match(struct policy_yaml_loader *loader, const struct yaml_node *match,
            const struct policy_clock *clock)
{
    const struct yaml_node *group = yaml_find(match, "group");

    if (clock->kind == KIND_SLA || clock->of_group == 0 || group == NULL)
        return;
    yaml_get_fail_key(
        loader->error, POLICY_ERROR_NOT_HERE, group,
        "found group in the match of an agreement whose clock is of a group, expected it in one place");
}

static void
refuse_key(struct policy_yaml_loader *loader, const struct yaml_node *node, const char *key,
           const char *where)
{
    const struct yaml_node *value = yaml_find(node, key);

    if (value != NULL)
        yaml_get_fail_key(loader->error, POLICY_ERROR_NOT_HERE, value, "found %s, expected it %s only", key,
                          where);
}

/* Whose time counts, and from where: what depends on the measure. Returns the calendar that follows from it.
 */
static int
read_by_measure(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_clock *clock)
{
    static const char *const starts[] = {"creation", "creation_always", "handoff", NULL};
    static const char *const modes[] = {"cumulative", "per_stay", NULL};
    const struct yaml_node *counts = yaml_find(node, "counts");
    const struct policy_group *group = NULL;
    uint8_t standard = counts_everyone_by_default(clock->measure) ? PARTY_EVERYONE : COUNTS_OF_WORK;

    clock->of_party = PARTIES_COUNT;
    clock->counts = counts != NULL ? read_counts(loader, counts) : standard;
    clock->counts_is_default = clock->counts == standard;
    clock->start = (enum clock_start)yaml_get_word(loader->error, yaml_find(node, "start"), "start", starts);
    clock->mode = (enum handling_mode)yaml_get_word(loader->error, yaml_find(node, "mode"), "mode", modes);
    if (clock->measure != MEASURE_FIRST_RESPONSE)
        refuse_key(loader, node, "start", "with measure first_response");
    if (clock->measure == MEASURE_HANDLING) {
        refuse_key(loader, node, "counts", "with other measures than handling");
        group = read_of(loader, yaml_get_required(loader->error, node, "of"), clock);
        return clock->kind == KIND_OLA && group != NULL ? group->calendar : POLICY_NONE;
    }
    refuse_key(loader, node, "of", "with measure handling");
    refuse_key(loader, node, "mode", "with measure handling");
    return POLICY_NONE;
}

/* The clock's own calendar, else the agreement's, else what its measure brings, else always (R18). */
static int
choose_calendar(struct policy_yaml_loader *loader, const struct yaml_node *node,
                const struct policy_agreement *agreement, int of_measure)
{
    int own = policy_yaml_parts_calendar(loader, yaml_find(node, "calendar"));

    if (policy_yaml_loader_failed(loader))
        return POLICY_NONE;
    if (own != POLICY_NONE)
        return own;
    if (agreement->calendar != POLICY_NONE)
        return agreement->calendar;
    return of_measure != POLICY_NONE ? of_measure : policy_yaml_calendars_always(loader);
}

static void
read_attainment(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_clock *clock)
{
    const struct yaml_node *attainment = yaml_find(node, "attainment");

    clock->attainment =
        clock->kind == KIND_SLA && clock->measure != MEASURE_HANDLING && clock->counts_is_default;
    if (attainment != NULL)
        clock->attainment = yaml_get_boolean(loader->error, attainment);
    if (clock->kind != KIND_SLA)
        refuse_key(loader, node, "attainment", "in an SLA");
}

/* Over all OLAs, and over all UCs, clock names are different. */
static void
check_name(struct policy_yaml_loader *loader, const struct yaml_node *node, const struct policy_clock *clock)
{
    if (clock->kind == KIND_SLA)
        return;
    for (size_t i = 0; i < loader->policy->clocks_count && !policy_yaml_loader_failed(loader); i++)
        if (loader->policy->clocks[i].kind == clock->kind && loader->policy->clocks[i].name == clock->name)
            yaml_get_fail_key(loader->error, POLICY_ERROR_DUPLICATE_NAME, node,
                              "two clocks of kind %s have the name %s, the first at %u:%u",
                              clock_kind_text(clock->kind), policy_error_quote(node->key).text,
                              loader->clock_nodes[i]->key_line, loader->clock_nodes[i]->key_column);
}

void
policy_yaml_clocks_read(struct policy_yaml_loader *loader, const struct yaml_node *node,
                        const struct policy_agreement *agreement, const struct yaml_node *match_node,
                        struct policy_clock *clock)
{
    static const char *const keys[] = {"measure", "target",   "start",         "of",         "mode",
                                       "counts",  "calendar", "supports",      "attainment", "warn_at",
                                       "repeat",  "severity", "closing_grace", "on_reopen",  NULL};
    static const char *const measures[] = {
#define MEASURE(NAME, text, everyone, help) text,
#include "slad/measures.def"
#undef MEASURE
        NULL};
    int calendar;

    if (!yaml_get_record(loader->error, node, "a clock", keys))
        return;
    clock->name = policy_yaml_parts_key_symbol(loader, node);
    clock->kind = agreement->kind;
    clock->supports_kind = POLICY_NONE;
    check_name(loader, node, clock);
    clock->measure = (enum measure)yaml_get_word(
        loader->error, yaml_get_required(loader->error, node, "measure"), "measure", measures);
    read_target(loader, yaml_get_required(loader->error, node, "target"), clock);
    calendar = read_by_measure(loader, node, clock);
    clock->calendar = choose_calendar(loader, node, agreement, calendar);
    check_match(loader, match_node, clock);
    read_attainment(loader, node, clock);
    policy_yaml_clocks_read_options(loader, node, clock);
    policy_yaml_clocks_check_severities(loader, node, NULL, 0, clock);
}

/* `supports` may name a clock further down, so it is read when all are there. */
void
policy_yaml_clocks_check_supports(struct policy_yaml_loader *loader)
{
    struct policy_clock *clocks = loader->clocks;

    for (size_t i = 0; i < loader->policy->clocks_count && !policy_yaml_loader_failed(loader); i++) {
        const struct yaml_node *supports = yaml_find(loader->clock_nodes[i], "supports");
        enum clock_kind kind = KIND_SLA;

        if (supports == NULL)
            continue;
        if (clocks[i].kind == KIND_SLA)
            refuse_key(loader, loader->clock_nodes[i], "supports", "in an OLA or a UC");
        policy_yaml_parts_clock(loader, supports, true, &kind, &clocks[i].supports_clock);
        clocks[i].supports_kind = (int)kind;
    }
}
