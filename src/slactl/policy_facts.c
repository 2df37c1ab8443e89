/*
 * What: a policy flattened into facts.
 *
 * Why so: to compare two policies field by field needs every pair of fields twice; facts are made once a side
 * and compared as texts, and what is new in a policy needs one line here.
 *
 * Always true: two versions with the same facts promise the same; a fact is made where something is said, or
 * has a default that means something.
 *
 * Not here: comparing (policy.c).
 */
#include "slactl/policy_facts.h"
#include "base/memory.h"
#include "slactl/words.h"
#include <inttypes.h>
#include <stdlib.h>

enum { ARENA_BYTES = 65536, SHARE_BYTES = 32 };

/* ---- a fact ---- */

int
policy_facts_compare(const struct policy_fact *a, const struct policy_fact *b)
{
    int order = slice_compare(a->subject, b->subject);

    return order != 0 ? order : slice_compare(a->property, b->property);
}

static int
compare(const void *a, const void *b)
{
    return policy_facts_compare(a, b);
}

static void
subject(struct policy_facts *facts, const char *kind, struct slice name)
{
    buffer_reset(&facts->subject);
    buffer_append_text(&facts->subject, kind);
    if (name.bytes > 0) {
        buffer_append_byte(&facts->subject, ' ');
        buffer_append_slice(&facts->subject, name);
    }
}

/* Ends the value in hand. */
static void
end_fact(struct policy_facts *facts, const char *property, struct slice of)
{
    buffer_reset(&facts->property);
    buffer_append_text(&facts->property, property);
    if (of.bytes > 0) {
        buffer_append_byte(&facts->property, ' ');
        buffer_append_slice(&facts->property, of);
    }
    if (facts->count == facts->room) {
        facts->room = facts->room > 0 ? facts->room * 2 : 256;
        facts->list = memory_resize(facts->list, facts->room * sizeof *facts->list);
    }
    facts->list[facts->count++] =
        (struct policy_fact){arena_copy_slice(facts->arena, buffer_slice(&facts->subject)),
                             arena_copy_slice(facts->arena, buffer_slice(&facts->property)),
                             arena_copy_slice(facts->arena, buffer_slice(&facts->value))};
    buffer_reset(&facts->value);
}

static void
text_fact(struct policy_facts *facts, const char *property, struct slice text)
{
    if (text.bytes == 0)
        return;
    buffer_append_slice(&facts->value, text);
    end_fact(facts, property, slice_of(""));
}

static void
bool_fact(struct policy_facts *facts, const char *property, bool value)
{
    text_fact(facts, property, slice_of(value ? "yes" : "no"));
}

/* 0: nothing was said. */
static void
length_fact(struct policy_facts *facts, const char *property, struct slice of, int64_t length_ms)
{
    if (length_ms == 0)
        return;
    words_append_length(&facts->value, length_ms);
    end_fact(facts, property, of);
}

static void
append_share(struct buffer *out, int64_t basis_points)
{
    char text[SHARE_BYTES];

    snprintf(text, sizeof text, "%" PRId64 ".%02d", basis_points / 100, (int)(basis_points % 100));
    for (size_t last = strlen(text); last > 0 && (text[last - 1] == '0' || text[last - 1] == '.'); last--) {
        bool dot = text[last - 1] == '.';

        text[last - 1] = '\0';
        if (dot)
            break;
    }
    buffer_append_text(out, text);
    buffer_append_text(out, " %");
}

static void
share_fact(struct policy_facts *facts, const char *property, int64_t basis_points)
{
    if (basis_points == 0)
        return;
    append_share(&facts->value, basis_points);
    end_fact(facts, property, slice_of(""));
}

static void
number_fact(struct policy_facts *facts, const char *property, int64_t number)
{
    buffer_append_int64(&facts->value, number);
    end_fact(facts, property, slice_of(""));
}

static struct slice
text_of(const struct policy_facts *facts, symbol number)
{
    return symbols_text(facts->policy->symbols, number);
}

static void
append_item(struct buffer *out, struct slice item)
{
    if (out->bytes > 0)
        buffer_append_text(out, ", ");
    buffer_append_slice(out, item);
}

static void
parties_fact(struct policy_facts *facts, const char *property, uint8_t parties)
{
    if (parties == PARTY_EVERYONE) {
        text_fact(facts, property, slice_of("everyone"));
        return;
    }
    for (int party = 0; party < PARTIES_COUNT; party++)
        if ((parties & PARTY_BIT(party)) != 0)
            append_item(&facts->value, slice_of(party_text((enum party)party)));
    end_fact(facts, property, slice_of(""));
}

static void
calendar_fact(struct policy_facts *facts, int calendar)
{
    if (calendar != POLICY_NONE)
        text_fact(facts, "calendar", facts->policy->calendars[calendar].name);
}

static void
match_facts(struct policy_facts *facts, const char *property, const struct policy_match *match)
{
    for (size_t i = 0; i < match->keys_count; i++) {
        const struct policy_match_key *key = &match->keys[i];

        for (size_t j = 0; j < key->values_count; j++)
            append_item(&facts->value, text_of(facts, key->values[j]));
        end_fact(facts, property,
                 slice_of(key->attribute == POLICY_MATCH_SOURCE
                              ? "source"
                              : attribute_text((enum attribute)key->attribute)));
    }
}

/* ---- calendars ---- */

static void
append_windows(struct buffer *out, const struct calendar_window *windows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int open = windows[i].open_minute, close = windows[i].close_minute;

        words_append(out, "%s%02d:%02d-%02d:%02d", i > 0 ? ", " : "", open / 60, open % 60, close / 60,
                     close % 60);
    }
    if (count == 0)
        buffer_append_text(out, "closed");
}

static void
date_fact(struct policy_facts *facts, const char *property, const struct calendar_date *date)
{
    char text[40];

    if (date->year != 0)
        snprintf(text, sizeof text, "%04d-%02d-%02d", (int)date->year, (int)date->month, (int)date->day);
    else
        snprintf(text, sizeof text, "%02d-%02d", (int)date->month, (int)date->day);
    end_fact(facts, property, slice_of(text));
}

static void
calendar_facts(struct policy_facts *facts, const struct policy_calendar *calendar)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

    subject(facts, "calendar", calendar->name);
    if (calendar->is_union) {
        for (size_t i = 0; i < calendar->members_count; i++)
            append_item(&facts->value, facts->policy->calendars[calendar->members[i]].name);
        end_fact(facts, "union of", slice_of(""));
        return;
    }
    if (calendar->week.always) {
        text_fact(facts, "open", slice_of("always"));
        return;
    }
    if (calendar->zone != POLICY_NONE)
        text_fact(facts, "time zone", facts->policy->zones[calendar->zone].name);
    for (int day = 0; day < 7; day++) {
        append_windows(&facts->value, calendar->week.days[day], calendar->week.days_count[day]);
        end_fact(facts, days[day], slice_of(""));
    }
    for (size_t i = 0; i < calendar->days.closed_count; i++) {
        buffer_append_text(&facts->value, "yes");
        date_fact(facts, "closed on", &calendar->days.closed[i]);
    }
    for (size_t i = 0; i < calendar->days.special_count; i++) {
        append_windows(&facts->value, calendar->days.special[i].windows,
                       calendar->days.special[i].windows_count);
        date_fact(facts, "special on", &calendar->days.special[i].date);
    }
}

/* ---- statuses, groups, the top level ---- */

static void
status_facts(struct policy_facts *facts, const struct policy_status *status)
{
    static const char *const states[] = {"open", "waiting", "solved", "closed", "cancelled"};

    subject(facts, "status", text_of(facts, status->name));
    text_fact(facts, "state", slice_of(states[status->state]));
    if (status->on != PARTIES_COUNT)
        text_fact(facts, "turn of", slice_of(party_text(status->on)));
}

static void
group_facts(struct policy_facts *facts, const struct policy_group *group)
{
    subject(facts, "group", text_of(facts, group->name));
    text_fact(facts, "party", slice_of(party_text(group->party)));
    if (group->tier > 0)
        number_fact(facts, "tier", group->tier);
    calendar_fact(facts, group->calendar);
}

static void
top_facts(struct policy_facts *facts)
{
    const struct policy *policy = facts->policy;

    subject(facts, "policy", slice_of(""));
    bool_fact(facts, "rejects unknown statuses", policy->unknown_status_rejects);
    bool_fact(facts, "a merge brings its contact along", !policy->merge_own_clock);
    bool_fact(facts, "applies to clocks that run", policy->apply_to_running);
    length_fact(facts, "reopen window", slice_of(""), policy->reopen_window_ms);
    length_fact(facts, "courtesy window", slice_of(""), policy->courtesy_window_ms);
    length_fact(facts, "flip window", slice_of(""), policy->flip_window_ms);
    for (size_t i = 0; i < policy->agreements_count; i++)
        if (policy->agreements[i].kind == KIND_SLA)
            append_item(&facts->value, policy->agreements[i].name);
    if (facts->value.bytes > 0)
        end_fact(facts, "order of SLAs (the first that fits counts)", slice_of(""));
}

static void
foresight_facts(struct policy_facts *facts, const struct policy_foresight *foresight)
{
    subject(facts, "foresight", slice_of(""));
    bool_fact(facts, "enabled", foresight->enabled);
    if (!foresight->enabled)
        return;
    bool_fact(facts, "people", foresight->people);
    text_fact(facts, "contexts", foresight->contexts);
    share_fact(facts, "fires at", foresight->fire_bp);
    share_fact(facts, "clears below", foresight->clear_bp);
    share_fact(facts, "backstop", foresight->backstop_bp);
    length_fact(facts, "min actionable", slice_of(""), foresight->min_actionable_ms);
    number_fact(facts, "budget", foresight->budget);
    share_fact(facts, "hold out", foresight->hold_out_bp);
}

/* ---- agreements ---- */

static void
repeat_facts(struct policy_facts *facts, const struct policy_repeat *repeat)
{
    length_fact(facts, "repeats every", slice_of(""), repeat->every_ms);
    length_fact(facts, "stops repeating after", slice_of(""), repeat->stop_after_ms);
    length_fact(facts, "repeats again after an acknowledgement of", slice_of(""), repeat->ack_timeout_ms);
}

static void
alarm_facts(struct policy_facts *facts, const struct policy_clock *clock)
{
    for (size_t i = 0; i < clock->stages_count; i++)
        append_item(&facts->value, clock->stages[i].name);
    if (clock->stages_count > 0)
        end_fact(facts, "warns at", slice_of(""));
    for (size_t i = 0; i < clock->severities_count; i++) {
        struct buffer of = {0};

        buffer_append_slice(&of, clock->severities[i].stage);
        if (clock->severities[i].priority != 0) {
            buffer_append_byte(&of, ' ');
            buffer_append_slice(&of, text_of(facts, clock->severities[i].priority));
        }
        buffer_append_text(&facts->value, severity_text(clock->severities[i].severity));
        end_fact(facts, "severity of", buffer_slice(&of));
        buffer_free(&of);
    }
    repeat_facts(facts, &clock->repeat);
    if (clock->closing_grace)
        bool_fact(facts, "closing grace", true);
}

static void
clock_facts(struct policy_facts *facts, const struct policy_agreement *agreement,
            const struct policy_clock *clock)
{
    static const char *const starts[] = {"creation", "creation, always", "hand-off"};
    static const char *const reopens[] = {"resume", "continue", "new cycle"};

    subject(facts, clock_kind_text(agreement->kind), agreement->name);
    buffer_append_text(&facts->subject, ", clock ");
    buffer_append_slice(&facts->subject, text_of(facts, clock->name));
    text_fact(facts, "measure", slice_of(measure_text(clock->measure)));
    for (size_t i = 0; i < clock->targets_count; i++)
        length_fact(facts, "target", text_of(facts, clock->targets[i].priority), clock->targets[i].ms);
    length_fact(facts, clock->targets_count > 0 ? "target otherwise" : "target", slice_of(""),
                clock->target_default_ms);
    calendar_fact(facts, clock->calendar);
    if (clock->measure == MEASURE_HANDLING) {
        text_fact(facts, "of",
                  clock->of_group != 0 ? text_of(facts, clock->of_group)
                                       : slice_of(party_text(clock->of_party)));
        text_fact(facts, "mode", slice_of(clock->mode == HANDLING_PER_STAY ? "per stay" : "cumulative"));
    } else {
        parties_fact(facts, "counts the turn of", clock->counts);
    }
    if (clock->measure == MEASURE_FIRST_RESPONSE)
        text_fact(facts, "starts at", slice_of(starts[clock->start]));
    text_fact(facts, "on a reopen", slice_of(reopens[clock->on_reopen]));
    bool_fact(facts, "counts in attainment", clock->attainment);
    if (clock->supports_kind != POLICY_NONE) {
        buffer_append_text(&facts->value, clock_kind_text((enum clock_kind)clock->supports_kind));
        buffer_append_byte(&facts->value, '/');
        buffer_append_slice(&facts->value, text_of(facts, clock->supports_clock));
        end_fact(facts, "supports", slice_of(""));
    }
    alarm_facts(facts, clock);
}

static void
agreement_facts(struct policy_facts *facts, const struct policy_agreement *agreement)
{
    subject(facts, clock_kind_text(agreement->kind), agreement->name);
    bool_fact(facts, "agreed", true);
    match_facts(facts, "for", &agreement->match);
    calendar_fact(facts, agreement->calendar);
    share_fact(facts, "attainment target", agreement->attainment_target_bp);
    length_fact(facts, "reopen window", slice_of(""), agreement->reopen_window_ms);
    for (size_t i = 0; i < agreement->clocks_count; i++)
        clock_facts(facts, agreement, &facts->policy->clocks[(size_t)agreement->first_clock + i]);
}

/* ---- experience and contracts ---- */

static void
kei_facts(struct policy_facts *facts, const struct policy_kei *kei)
{
    subject(facts, "indicator", kei->name);
    text_fact(facts, "measure", kei->measure);
    text_fact(facts, "window", kei->window.name);
    text_fact(facts, "target", kei->target);
    text_fact(facts, "owner", kei->owner);
    text_fact(facts, "review by", kei->review_by);
    text_fact(facts, "touchpoint", text_of(facts, kei->touchpoint));
    text_fact(facts, "survey", text_of(facts, kei->survey));
    match_facts(facts, "for", &kei->match);
}

static void
scale_facts(struct policy_facts *facts, const struct policy_scale *scale)
{
    static const char *const classes[] = {"positive", "neutral", "negative"};

    subject(facts, "scale", text_of(facts, scale->name));
    for (int class = 0; class < ANSWER_CLASSES_COUNT; class ++) {
        for (size_t i = 0; i < scale->classes_count; i++)
            if (scale->classes[i] == class)
                words_append(&facts->value, "%s%lld", facts->value.bytes > 0 ? ", " : "",
                             (long long)scale->lowest + (long long)i);
        if (facts->value.bytes > 0)
            end_fact(facts, classes[class], slice_of(""));
    }
}

static void
scopes_fact(struct policy_facts *facts, const struct policy_experience *experience)
{
    static const char *const more[] = {"source", "touchpoint", "survey"};

    for (size_t i = 0; i < experience->scopes_count; i++) {
        bool first = true;

        buffer_append_text(&facts->value, i > 0 ? ", [" : "[");
        for (int bit = 0; bit < ATTRIBUTES_COUNT + 3; bit++)
            if ((experience->scopes[i] & 1U << bit) != 0) {
                words_append(&facts->value, "%s%s", first ? "" : ", ",
                             bit < ATTRIBUTES_COUNT ? attribute_text((enum attribute)bit)
                                                    : more[bit - ATTRIBUTES_COUNT]);
                first = false;
            }
        buffer_append_byte(&facts->value, ']');
    }
    end_fact(facts, "scopes", slice_of(""));
}

static void
experience_facts(struct policy_facts *facts, const struct policy_experience *experience)
{
    static const char *const pers[] = {"ticket", "cycle", "respondent"};

    subject(facts, "experience", slice_of(""));
    text_fact(facts, "one answer per", slice_of(pers[experience->one_answer_per]));
    number_fact(facts, "min answers", experience->min_answers);
    text_fact(facts, "neutral", slice_of(experience->neutral == NEUTRAL_COUNTED ? "counted" : "excluded"));
    for (size_t i = 0; i < experience->windows_count; i++)
        append_item(&facts->value, experience->windows[i].name);
    end_fact(facts, "windows", slice_of(""));
    if (experience->zone != POLICY_NONE)
        text_fact(facts, "time zone", facts->policy->zones[experience->zone].name);
    scopes_fact(facts, experience);
    share_fact(facts, "PX target", experience->px_target_bp);
    if (experience->has_nps_target)
        number_fact(facts, "NPS target", experience->nps_target);
    share_fact(facts, "attainment target", experience->attainment_target_bp);
    bool_fact(facts, "alerts of negative answers", experience->detractor_alert);
    repeat_facts(facts, &experience->detractor_repeat);
    for (size_t i = SCALES_BUILTIN_COUNT; i < experience->scales_count; i++)
        scale_facts(facts, &experience->scales[i]);
    for (size_t i = 0; i < experience->keis_count; i++)
        kei_facts(facts, &experience->keis[i]);
}

static void
credit_facts(struct policy_facts *facts, const struct policy_contract *contract)
{
    words_append(&facts->value, "%lld.%02d ", (long long)(contract->monthly_fee_minor / 100),
                 (int)(contract->monthly_fee_minor % 100));
    buffer_append_slice(&facts->value, contract->currency);
    end_fact(facts, "monthly fee", slice_of(""));
    share_fact(facts, "at risk", contract->at_risk_bp);
    text_fact(facts, "rounding", slice_of(contract->rounds_half_up ? "half up" : "down"));
    for (size_t i = 0; i < contract->lines_count; i++) {
        const struct policy_credit_line *line = &contract->lines[i];
        struct buffer of = {0};

        words_append(&of, "%zu on %s/", i + 1, clock_kind_text(line->kind));
        buffer_append_slice(&of, text_of(facts, line->clock));
        words_append(&facts->value, "%s, %s view: target ", line->bonus ? "bonus" : "credit",
                     line->honest ? "honest" : "contract");
        append_share(&facts->value, line->target_bp);
        buffer_append_text(&facts->value, ", allocation ");
        append_share(&facts->value, line->allocation_bp);
        buffer_append_text(&facts->value, ", share ");
        append_share(&facts->value, line->share_bp);
        end_fact(facts, "line", buffer_slice(&of));
        buffer_free(&of);
    }
}

static void
contract_facts(struct policy_facts *facts, const struct policy_contract *contract)
{
    subject(facts, "contract", contract->name);
    bool_fact(facts, "agreed", true);
    match_facts(facts, "for", &contract->match);
    if (contract->zone != POLICY_NONE)
        text_fact(facts, "time zone", facts->policy->zones[contract->zone].name);
    match_facts(facts, "honest view excludes", &contract->honest_exclude);
    if (contract->has_pxa) {
        length_fact(facts, "PXA window", slice_of(""), contract->pxa_window_ms);
        share_fact(facts, "PXA threshold", contract->pxa_threshold_bp);
        number_fact(facts, "PXA min answers", contract->pxa_min_answers);
        number_fact(facts, "PXA plan days", contract->pxa_plan_days);
        text_fact(facts, "PXA neutral",
                  slice_of(contract->pxa_neutral == NEUTRAL_COUNTED ? "counted" : "excluded"));
        for (size_t i = 0; i < contract->pxa_surveys_count; i++)
            append_item(&facts->value, text_of(facts, contract->pxa_surveys[i]));
        if (contract->pxa_surveys_count > 0)
            end_fact(facts, "PXA surveys", slice_of(""));
    }
    if (contract->has_watermelon)
        text_fact(facts, "watermelon window", contract->watermelon_window.name);
    if (contract->has_credits)
        credit_facts(facts, contract);
}

/* ---- the whole ---- */

void
policy_facts_collect(struct policy_facts *facts, const struct policy *policy)
{
    facts->policy = policy;
    facts->arena = arena_new(ARENA_BYTES);
    top_facts(facts);
    for (size_t i = 0; i < policy->calendars_count; i++)
        calendar_facts(facts, &policy->calendars[i]);
    for (size_t i = 0; i < policy->statuses_count; i++)
        status_facts(facts, &policy->statuses[i]);
    for (size_t i = 0; i < policy->groups_count; i++)
        group_facts(facts, &policy->groups[i]);
    for (size_t i = 0; i < policy->agreements_count; i++)
        agreement_facts(facts, &policy->agreements[i]);
    experience_facts(facts, &policy->experience);
    foresight_facts(facts, &policy->foresight);
    for (size_t i = 0; i < policy->contracts_count; i++)
        contract_facts(facts, &policy->contracts[i]);
    qsort(facts->list, facts->count, sizeof *facts->list, compare);
}

void
policy_facts_done(struct policy_facts *facts)
{
    arena_free(facts->arena);
    memory_free(facts->list);
    buffer_free(&facts->subject);
    buffer_free(&facts->property);
    buffer_free(&facts->value);
}
