/*
 * The section `experience` (semantics.md section 8): scales, windows, scopes, targets, key experience
 * indicators.
 *
 * Why this way: scores are kept on the raw scale and classed by table, so the built-in scales are tables too
 * and come first in every policy. What is not said has the default that docs/policy.md names, so scores exist
 * without the section.
 *
 * Always true: every score of a scale is in one class or in none; scopes and windows are all different; a
 * target is a whole number in the unit of its measure.
 *
 * Not here: computing scores (core/score).
 */
#include "base/instant.h"
#include "base/panic.h"
#include "wire/policy_yaml_loader.h"

enum { SCALE_SCORE_MAX = 1000000, SCALE_WIDTH_MAX = 10001, MIN_ANSWERS_MAX = 1000000 };

#define DAY_MS INT64_C(86400000)

/* ---- scales ---- */

static int8_t *
new_classes(struct policy_yaml_loader *loader, size_t count)
{
    int8_t *classes = arena_allocate(loader->arena, count);

    memset(classes, -1, count);
    return classes;
}

/* lowest..highest, of which everything below `neutral` is negative and everything from `positive` on
 * positive. */
static struct policy_scale
builtin_scale(struct policy_yaml_loader *loader, const char *name, int lowest, int neutral, int positive,
              int highest)
{
    size_t count = (size_t)(highest - lowest + 1);
    int8_t *classes = new_classes(loader, count);

    for (int score = lowest; score <= highest; score++)
        classes[score - lowest] = score >= positive  ? ANSWER_POSITIVE
                                  : score >= neutral ? ANSWER_NEUTRAL
                                                     : ANSWER_NEGATIVE;
    return (struct policy_scale){policy_symbol(loader->policy, slice_of(name)), lowest, classes, count};
}

static void
add_builtin_scales(struct policy_yaml_loader *loader, struct policy_scale *scales)
{
    scales[SCALE_NPS] = builtin_scale(loader, "nps", 0, 7, 9, 10);
    scales[SCALE_STARS5] = builtin_scale(loader, "stars5", 1, 3, 4, 5);
    scales[SCALE_THUMBS] = builtin_scale(loader, "thumbs", 0, 1, 1, 1);
    scales[SCALE_SMILEY3] = builtin_scale(loader, "smiley3", 1, 2, 3, 3);
    scales[SCALE_CES7] = builtin_scale(loader, "ces7", 1, 4, 5, 7);
    scales[SCALE_PERCENT] = builtin_scale(loader, "percent", 0, 50, 75, 100);
}

/* The lowest and the highest score of all lists; false when there is none. */
static bool
find_bounds(struct policy_yaml_loader *loader, const struct yaml_node *node, int64_t *ret_lowest,
            int64_t *ret_highest)
{
    bool any = false;

    for (const struct yaml_node *list = node->first; list != NULL; list = list->next) {
        if (!yaml_get_bounded_list(loader->error, list, "a list of scores", SCALE_WIDTH_MAX))
            return false;
        for (const struct yaml_node *each = list->first; each != NULL; each = each->next) {
            int64_t score = yaml_get_integer(loader->error, each, -SCALE_SCORE_MAX, SCALE_SCORE_MAX);

            *ret_lowest = !any || score < *ret_lowest ? score : *ret_lowest;
            *ret_highest = !any || score > *ret_highest ? score : *ret_highest;
            any = true;
        }
    }
    if (!any)
        yaml_get_fail(loader->error, POLICY_ERROR_TOO_FEW, node,
                      "found no score, expected scores like {positive: [4], neutral: [3], negative: [1, 2]}");
    return !policy_yaml_loader_failed(loader);
}

static void
fill_class(struct policy_yaml_loader *loader, const struct yaml_node *list, enum answer_class class,
           int64_t lowest, int8_t *classes)
{
    for (const struct yaml_node *each = list != NULL ? list->first : NULL; each != NULL; each = each->next) {
        int8_t *at =
            &classes[yaml_get_integer(loader->error, each, -SCALE_SCORE_MAX, SCALE_SCORE_MAX) - lowest];

        if (*at != -1)
            yaml_get_fail(loader->error, POLICY_ERROR_BAD_SCALE, each,
                          "the score %s stands in this scale twice", policy_error_quote(each->text).text);
        if (policy_yaml_loader_failed(loader))
            return;
        *at = (int8_t) class;
    }
}

static void
read_scale(struct policy_yaml_loader *loader, const struct yaml_node *node, struct policy_scale *scales,
           size_t index)
{
    static const char *const keys[] = {"positive", "neutral", "negative", NULL};
    static const char *const builtin[] = {"nps", "stars5", "thumbs", "smiley3", "ces7", "percent"};
    int64_t lowest = 0, highest = 0;
    int8_t *classes;

    for (size_t i = 0; i < SCALES_BUILTIN_COUNT; i++)
        if (slice_is(node->key, builtin[i]))
            yaml_get_fail_key(loader->error, POLICY_ERROR_DUPLICATE_NAME, node,
                              "the scale %s is built in, expected another name", builtin[i]);
    if (!yaml_get_record(loader->error, node, "a scale", keys) ||
        !find_bounds(loader, node, &lowest, &highest))
        return;
    if (highest - lowest >= SCALE_WIDTH_MAX) {
        yaml_get_fail(loader->error, POLICY_ERROR_BAD_SCALE, node,
                      "found scores over %d apart, expected less", SCALE_WIDTH_MAX - 1);
        return;
    }
    classes = new_classes(loader, (size_t)(highest - lowest + 1));
    fill_class(loader, yaml_find(node, "positive"), ANSWER_POSITIVE, lowest, classes);
    fill_class(loader, yaml_find(node, "neutral"), ANSWER_NEUTRAL, lowest, classes);
    fill_class(loader, yaml_find(node, "negative"), ANSWER_NEGATIVE, lowest, classes);
    scales[index] = (struct policy_scale){policy_yaml_parts_key_symbol(loader, node), (int32_t)lowest,
                                          classes, (size_t)(highest - lowest + 1)};
}

static void
read_scales(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct policy_experience *experience = &loader->policy->experience;
    size_t own = 0, index = SCALES_BUILTIN_COUNT;
    struct policy_scale *scales;

    if (yaml_get_bounded_mapping(loader->error, node, "a mapping of scales", POLICY_YAML_LIST_MAX))
        own = node->children_count;
    scales = policy_yaml_parts_allocate(loader, SCALES_BUILTIN_COUNT + own, sizeof *scales);
    add_builtin_scales(loader, scales);
    for (const struct yaml_node *each = own > 0 ? node->first : NULL; each != NULL; each = each->next)
        read_scale(loader, each, scales, index++);
    experience->scales = scales;
    experience->scales_count = index;
}

/* ---- windows and scopes ---- */

static void
read_windows(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const struct policy_window standard[] = {
        {{"24h", 3}, WINDOW_ROLLING, DAY_MS},      {{"7d", 2}, WINDOW_ROLLING, 7 * DAY_MS},
        {{"30d", 3}, WINDOW_ROLLING, 30 * DAY_MS}, {{"90d", 3}, WINDOW_ROLLING, 90 * DAY_MS},
        {{"month", 5}, WINDOW_MONTH, 0},           {{"quarter", 7}, WINDOW_QUARTER, 0},
    };
    struct policy_experience *experience = &loader->policy->experience;
    struct policy_window *windows;
    size_t count = 0;

    experience->windows = standard;
    experience->windows_count = sizeof standard / sizeof standard[0];
    if (!yaml_get_filled_list(loader->error, node, "a list of windows like [24h, 30d, month]",
                              POLICY_YAML_LIST_MAX))
        return;
    windows = policy_yaml_parts_allocate(loader, node->children_count, sizeof *windows);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next, count++) {
        windows[count] = policy_yaml_parts_window(loader, each);
        for (size_t i = 0; i < count && !policy_yaml_loader_failed(loader); i++)
            if (windows[i].kind == windows[count].kind && windows[i].length_ms == windows[count].length_ms)
                yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each,
                              "the window %s stands here twice", policy_error_quote(each->text).text);
    }
    experience->windows = windows;
    experience->windows_count = count;
}

/* One scope: a list of dimensions, as bits. */
static uint32_t
read_scope(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    /* In the order of the bits; a status is no dimension. */
    static const char *const words[] = {"customer", "contract",   "service", "category",  "priority",
                                        "group",    "user_group", "channel", "requester", "assignee",
                                        "source",   "touchpoint", "survey",  NULL};
    uint32_t scope = 0;

    _Static_assert(ATTRIBUTE_ASSIGNEE == 9 && ATTRIBUTES_COUNT == 11,
                   "the words above are in the order of the bits");
    if (!yaml_get_bounded_list(loader->error, node, "a list of dimensions like [customer, service]",
                               sizeof words / sizeof words[0] - 1))
        return 0;
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next) {
        size_t word = yaml_get_word(loader->error, each, "dimension", words);
        uint32_t bit =
            word <= ATTRIBUTE_ASSIGNEE ? 1U << word : SCOPE_SOURCE << (word - ATTRIBUTE_ASSIGNEE - 1);

        if (!policy_yaml_loader_failed(loader) && (scope & bit) != 0)
            yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each,
                          "the dimension %s stands here twice", policy_error_quote(each->text).text);
        scope |= bit;
    }
    return scope;
}

static void
read_scopes(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const uint32_t over_all[] = {0};
    struct policy_experience *experience = &loader->policy->experience;
    uint32_t *scopes;
    size_t count = 0;

    experience->scopes = over_all;
    experience->scopes_count = 1;
    if (!yaml_get_filled_list(loader->error, node, "a list of scopes like [[], [customer]]",
                              POLICY_YAML_LIST_MAX))
        return;
    scopes = policy_yaml_parts_allocate(loader, node->children_count, sizeof *scopes);
    for (const struct yaml_node *each = node->first; each != NULL; each = each->next, count++) {
        scopes[count] = read_scope(loader, each);
        for (size_t i = 0; i < count && !policy_yaml_loader_failed(loader); i++)
            if (scopes[i] == scopes[count])
                yaml_get_fail(loader->error, POLICY_ERROR_DUPLICATE_VALUE, each,
                              "this scope stands here twice, whatever the order of its dimensions");
    }
    experience->scopes = scopes;
    experience->scopes_count = count;
}

static void
read_targets(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    static const char *const keys[] = {"px", "nps", "attainment", NULL};
    struct policy_experience *experience = &loader->policy->experience;

    if (!yaml_get_record(loader->error, node, "targets", keys))
        return;
    experience->px_target_bp = yaml_get_share_bp(loader->error, yaml_find(node, "px"));
    experience->has_nps_target = yaml_find(node, "nps") != NULL;
    experience->nps_target = (int)yaml_get_integer(loader->error, yaml_find(node, "nps"), -100, 100);
    experience->attainment_target_bp = yaml_get_share_bp(loader->error, yaml_find(node, "attainment"));
}

/* ---- key experience indicators ---- */

enum target_unit { TARGET_SHARE, TARGET_POINTS, TARGET_MEAN, TARGET_LENGTH };

struct kei_measure {
    const char *text; /* ends with ':' when an argument follows */
    enum target_unit unit;
};

static const struct kei_measure kei_measures[] = {
    {"px", TARGET_SHARE},
    {"nps", TARGET_POINTS},
    {"csat", TARGET_MEAN},
    {"ces", TARGET_MEAN},
    {"lost_minutes", TARGET_MEAN},
    {"reopen_rate", TARGET_SHARE},
    {"repeat_contact_rate", TARGET_SHARE},
    {"bounce_count", TARGET_MEAN},
    {"first_contact_resolution", TARGET_SHARE},
    {"tier_share:", TARGET_SHARE},
    {"honest_attainment", TARGET_SHARE},
    {"experienced_p50", TARGET_LENGTH},
    {"experienced_p90", TARGET_LENGTH},
    {"aspect:", TARGET_SHARE},
};
enum { KEI_MEASURES_COUNT = sizeof kei_measures / sizeof kei_measures[0] };

/* What stands behind the colon is a tier, or any text. */
static bool
is_argument(const char *measure, struct slice argument)
{
    int tier = 0;

    if (measure[0] != 't')
        return argument.bytes > 0;
    for (size_t i = 0; i < argument.bytes; i++) {
        if (argument.at[i] < '0' || argument.at[i] > '9' || i >= 2)
            return false;
        tier = tier * 10 + (argument.at[i] - '0');
    }
    return tier >= 1 && tier <= POLICY_YAML_TIER_MAX && argument.at[0] != '0';
}

static const struct kei_measure *
find_measure(struct slice text)
{
    for (size_t i = 0; i < KEI_MEASURES_COUNT; i++) {
        const char *name = kei_measures[i].text;
        size_t bytes = strlen(name);

        if (name[bytes - 1] != ':') {
            if (slice_is(text, name))
                return &kei_measures[i];
        } else if (text.bytes > bytes && memcmp(text.at, name, bytes) == 0 &&
                   is_argument(name, (struct slice){text.at + bytes, text.bytes - bytes})) {
            return &kei_measures[i];
        }
    }
    return NULL;
}

static const struct kei_measure *
read_measure(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct slice text = yaml_get_text(loader->error, node, "what is measured, like px");
    const struct kei_measure *measure = find_measure(text);
    struct spelling spelling = spelling_of(text);

    if (measure != NULL || policy_yaml_loader_failed(loader))
        return measure;
    for (size_t i = 0; i < KEI_MEASURES_COUNT; i++)
        if (strchr(kei_measures[i].text, ':') == NULL)
            spelling_offer(&spelling, slice_of(kei_measures[i].text));
    yaml_get_fail(
        loader->error, POLICY_ERROR_BAD_MEASURE, node,
        "unknown measure %s%s%s px, nps, csat, ces, lost_minutes, reopen_rate, repeat_contact_rate, "
        "bounce_count, first_contact_resolution, tier_share:N, honest_attainment, experienced_p50, "
        "experienced_p90 or aspect:NAME",
        policy_error_quote(text).text, spelling_hint(&spelling).text,
        spelling.best.at != NULL ? " Expected" : ", expected");
    return NULL;
}

static int64_t
read_target(struct policy_yaml_loader *loader, const struct yaml_node *node, enum target_unit unit)
{
    enum { DECIMALS = 4 };

    switch (unit) {
    case TARGET_SHARE:
        return yaml_get_share_bp(loader->error, node);
    case TARGET_POINTS:
        return yaml_get_decimal(loader->error, node, DECIMALS, INT64_C(-1000000), INT64_C(1000000));
    case TARGET_MEAN:
        return yaml_get_decimal(loader->error, node, DECIMALS, 0, INT64_C(10000000000));
    case TARGET_LENGTH:
        return yaml_get_duration_ms(loader->error, node);
    }
    return 0;
}

/* The end of that day in the zone of `experience`. */
static int64_t
read_review_by(struct policy_yaml_loader *loader, const struct yaml_node *node)
{
    struct slice text = yaml_get_text(loader->error, node, "a date like 2027-05-01");
    const struct policy_experience *experience = &loader->policy->experience;
    struct calendar_date date;
    int64_t midnight_s;

    if (node == NULL || policy_yaml_loader_failed(loader))
        return 0;
    if (policy_yaml_parts_parse_date(text, &date) != 0 || date.year == 0) {
        yaml_get_fail_found(loader->error, POLICY_ERROR_BAD_DATE, node, "a date like 2027-05-01");
        return 0;
    }
    midnight_s = (instant_days_from_civil(date.year, date.month, date.day) + 1) * (DAY_MS / 1000);
    if (experience->zone != POLICY_NONE)
        midnight_s = zone_first_utc_s(loader->zones[experience->zone].zone, midnight_s);
    return midnight_s * 1000;
}

static void
read_kei(struct policy_yaml_loader *loader, const struct yaml_node *list, const struct yaml_node *node,
         struct policy_kei *kei)
{
    static const char *const keys[] = {"name",   "measure", "match",     "window",
                                       "target", "owner",   "review_by", NULL};
    const struct yaml_node *measure_node = yaml_find(node, "measure"), *target = yaml_find(node, "target");
    const struct kei_measure *measure;

    if (!yaml_get_record(loader->error, node, "a KEI", keys))
        return;
    kei->name = policy_yaml_parts_text(loader, yaml_get_required(loader->error, node, "name"), "a name");
    policy_yaml_parts_check_name(loader, list, node, "KEIs");
    (void)yaml_get_required(loader->error, node, "measure");
    measure = read_measure(loader, measure_node);
    kei->measure = policy_yaml_parts_text(loader, measure_node, "a measure");
    kei->match = policy_yaml_parts_match(loader, yaml_find(node, "match"), &kei->touchpoint, &kei->survey);
    kei->window = policy_yaml_parts_window(loader, yaml_get_required(loader->error, node, "window"));
    (void)yaml_get_required(loader->error, node, "target");
    kei->target = policy_yaml_parts_text(loader, target, "a target");
    if (measure != NULL)
        kei->target_value = read_target(loader, target, measure->unit);
    kei->owner = policy_yaml_parts_text(loader, yaml_find(node, "owner"), "the owner's name");
    kei->review_by = policy_yaml_parts_text(loader, yaml_find(node, "review_by"), "a date like 2027-05-01");
    kei->review_by_ms = read_review_by(loader, yaml_find(node, "review_by"));
}

static void
read_keis(struct policy_yaml_loader *loader, const struct yaml_node *list)
{
    struct policy_experience *experience = &loader->policy->experience;
    struct policy_kei *keis;
    size_t count = 0;

    if (!yaml_get_bounded_list(loader->error, list, "a list of KEIs", POLICY_YAML_LIST_MAX))
        return;
    keis = policy_yaml_parts_allocate(loader, list->children_count, sizeof *keis);
    for (const struct yaml_node *each = list->first; each != NULL && !policy_yaml_loader_failed(loader);
         each = each->next)
        read_kei(loader, list, each, &keis[count++]);
    experience->keis = keis;
    experience->keis_count = count;
}

void
policy_yaml_experience_read(struct policy_yaml_loader *loader)
{
    static const char *const keys[] = {"scales",          "one_answer_per",   "min_answers", "neutral",
                                       "windows",         "time_zone",        "scopes",      "targets",
                                       "detractor_alert", "detractor_repeat", "keis",        NULL};
    static const char *const per[] = {"ticket", "cycle", "respondent", NULL};
    static const char *const neutral[] = {"counted", "excluded", NULL};
    const struct yaml_node *node = yaml_find(loader->root, "experience");
    struct policy_experience *experience = &loader->policy->experience;

    if (node != NULL && !yaml_get_record(loader->error, node, "experience", keys))
        return;
    read_scales(loader, yaml_find(node, "scales"));
    experience->one_answer_per = (enum one_answer_per)yaml_get_word(
        loader->error, yaml_find(node, "one_answer_per"), "one_answer_per", per);
    if (yaml_find(node, "min_answers") != NULL)
        experience->min_answers =
            (int)yaml_get_integer(loader->error, yaml_find(node, "min_answers"), 1, MIN_ANSWERS_MAX);
    experience->neutral =
        (enum neutral_rule)yaml_get_word(loader->error, yaml_find(node, "neutral"), "neutral", neutral);
    read_windows(loader, yaml_find(node, "windows"));
    experience->zone = policy_yaml_parts_zone(loader, yaml_find(node, "time_zone"));
    read_scopes(loader, yaml_find(node, "scopes"));
    read_targets(loader, yaml_find(node, "targets"));
    experience->detractor_alert = yaml_get_boolean(loader->error, yaml_find(node, "detractor_alert"));
    policy_yaml_parts_repeat(loader, yaml_find(node, "detractor_repeat"), &experience->detractor_repeat);
    if (yaml_find(node, "detractor_repeat") != NULL && !experience->detractor_alert)
        yaml_get_fail_key(loader->error, POLICY_ERROR_NOT_HERE, yaml_find(node, "detractor_repeat"),
                          "detractor_repeat means nothing here, expected detractor_alert: true beside it");
    read_keis(loader, yaml_find(node, "keis"));
}
