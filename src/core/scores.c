/*
 * What: the score side's front: takes feedback, outcomes and time, and calls on the parts in order.
 *
 * Why this way: everything is a fold of records by key and revision (score_answers, score_tickets). What a
 * scope shows is read from sums when it is due (score_publish), never kept; so a new policy, a month that
 * turns or a restart is nothing special.
 *
 * Always true: t_ms never goes back; before something is done at t, every timer before t was; the set's
 * version in force at t_ms is the one whose scopes exist.
 *
 * Not here: I/O, clocks, what a record looks like in bytes.
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/score_windows.h"
#include "core/scores_state.h"
#include <stdlib.h>

#define SWEEP_MIN_MS INT64_C(3600000)
enum { SWEEPS_PER_REACH = 32 };

size_t
scores_windows(const struct scores *scores, const struct policy_window **ret_windows)
{
    *ret_windows = scores->experience->windows;
    return scores->experience->windows_count;
}

/* ---- the policy in force ---- */

/* Returns whether people have become dimensions, or are none any more. */
static bool
see_who_counts(struct scores *scores, const struct score_definition *definitions, size_t count)
{
    bool requester = scores->counts_requester, assignee = scores->counts_assignee;

    scores->counts_requester = scores->counts_assignee = false;
    for (size_t i = 0; i < count; i++) {
        uint32_t asked = definitions[i].dimensions;

        for (size_t k = 0; definitions[i].match != NULL && k < definitions[i].match->keys_count; k++)
            asked |= 1U << definitions[i].match->keys[k].attribute;
        scores->counts_requester |= (asked & ATTRIBUTE_BIT(ATTRIBUTE_REQUESTER)) != 0;
        scores->counts_assignee |= (asked & ATTRIBUTE_BIT(ATTRIBUTE_ASSIGNEE)) != 0;
    }
    return scores->counts_requester != requester || scores->counts_assignee != assignee;
}

/* What KEIs and contracts say is asked for now. */
static void
speak(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->scopes.scopes.used; i++) {
        struct score_scope_state *scope = score_scopes_at(&scores->scopes, i);

        if (scope->number != 0 && scores->scopes.definitions[scope->definition].use != SCORE_USE_SCORES)
            score_publish_touch(scores, scope);
    }
}

/* T is real and nothing is read back: KEIs and contracts speak, and have their timers. */
static void
begin(struct scores *scores)
{
    scores->begun = true;
    score_contracts_begin(scores);
    score_watermelons_drop(scores);
    speak(scores);
}

static void
take_policy(struct scores *scores)
{
    struct score_definition *definitions;
    size_t count;

    scores->version = policy_set_in_force(scores->set, scores->t_ms);
    scores->policy = policy_set_version(scores->set, scores->version);
    scores->experience = &scores->policy->experience;
    scores->next_version_ms = policy_set_next_from_ms(scores->set, scores->t_ms);
    scores->zone =
        scores->experience->zone == POLICY_NONE ? NULL : scores->policy->zones[scores->experience->zone].zone;
    scores->reach_ms = score_definitions_reach_ms(scores);
    if (scores->reach_ms < SWEEP_MIN_MS)
        scores->reach_ms = SWEEP_MIN_MS;
    if (scores->options.retire_after_ms > scores->reach_ms)
        scores->reach_ms = scores->options.retire_after_ms;
    definitions = score_definitions_make(scores, &count);
    scores->others = memory_resize(scores->others, (count + 1) * sizeof *scores->others);
    score_answers_uncount_all(scores);
    score_tickets_uncount_all(scores);
    score_scopes_define(&scores->scopes, definitions, count, scores->experience->windows_count);
    if (see_who_counts(scores, definitions, count)) {
        score_tickets_place_people(scores);
        score_answers_place_people(scores);
    }
    score_bulk_count(scores);
    score_parts_touch_all(scores);
    memory_free(definitions);
    if (scores->begun)
        begin(scores);
}

struct scores *
scores_new(const struct scores_options *options, const struct policy_set *set)
{
    struct scores *scores = memory_allocate_zeroed(1, sizeof *scores);

    scores->options = *options;
    scores->set = set;
    scores->t_ms = INT64_MIN;
    scores->swept_at_ms = INT64_MIN;
    scores->resumed_at_ms = INT64_MIN;
    scores->decide_next_ms = INT64_MAX;
    score_scopes_init(&scores->scopes, options->symbols);
    scores->scopes.scopes_max = options->bounds.scopes_max;
    score_texts_init(&scores->texts);
    score_answers_init(scores);
    score_detractors_init(scores);
    score_tickets_init(scores);
    score_contacts_init(scores);
    take_policy(scores);
    return scores;
}

void
scores_free(struct scores *scores)
{
    if (scores == NULL)
        return;
    score_waiting_done(scores);
    score_answers_done(scores);
    score_detractors_done(scores);
    score_tickets_done(scores);
    score_contacts_done(scores);
    score_contracts_done(scores);
    score_watermelons_done(scores);
    score_scopes_done(&scores->scopes);
    score_texts_done(&scores->texts);
    score_seen_done(scores);
    memory_free(scores->load);
    memory_free(scores->others);
    memory_free(scores->read_sums);
    memory_free(scores->read_aspects);
    memory_free(scores->read_clocks);
    memory_free(scores);
}

void
scores_set_policies(struct scores *scores, const struct policy_set *set, int64_t t_ms)
{
    scores_advance(scores, t_ms, SCORES_BEFORE);
    scores->set = set;
    scores->t_ms = t_ms > scores->t_ms ? t_ms : scores->t_ms;
    take_policy(scores);
}

void
scores_set_rebuilding(struct scores *scores, bool rebuilding, int64_t t_ms)
{
    if (rebuilding) {
        scores->rebuilding = true;
        scores->begun = false;
        scores->decide_next_ms = INT64_MAX;
        scores_advance(scores, t_ms, SCORES_BEFORE);
        return;
    }
    scores_advance(scores, t_ms, SCORES_BEFORE);
    scores->rebuilding = false;
    scores->resumed_at_ms = scores->t_ms;
    begin(scores);
    score_join_catch_up(scores);
    score_detractors_resume(scores);
}

void
scores_set_behind(struct scores *scores, bool behind)
{
    bool over = scores->behind && !behind;

    scores->behind = behind;
    if (over)
        speak(scores);
}

/* Another version may come into force now. */
static void
turn_policy(struct scores *scores)
{
    if (scores->next_version_ms > scores->t_ms)
        return;
    if (policy_set_in_force(scores->set, scores->t_ms) != scores->version)
        take_policy(scores);
    scores->next_version_ms = policy_set_next_from_ms(scores->set, scores->t_ms);
}

void
scores_take_version(struct scores *scores)
{
    take_policy(scores);
}

void
scores_set_bounds(struct scores *scores, const struct scores_bounds *bounds)
{
    scores->options.bounds = *bounds;
    scores->scopes.scopes_max = bounds->scopes_max;
    if (scores->scopes.full && (bounds->scopes_max == 0 || scores->scopes.scopes.count < bounds->scopes_max))
        take_policy(scores);
}

/* ---- time ---- */

int64_t
scores_next_ms(const struct scores *scores)
{
    int64_t next_ms = score_publish_next_ms(scores);
    int64_t page_ms = score_detractors_next_ms(scores);

    if (page_ms < next_ms)
        next_ms = page_ms;
    if (scores->decide_next_ms < next_ms && !scores->behind)
        next_ms = scores->decide_next_ms;
    if (scores->next_version_ms < next_ms)
        next_ms = scores->next_version_ms;
    if (scores->waiting_count > 0 && scores->waiting[0].outcome.answered_at_ms < next_ms)
        next_ms = scores->waiting[0].outcome.answered_at_ms;
    return next_ms;
}

/* What one timer does. At one instant: the policy first (R49), then what waited, then what is said
 * again, then what contracts decide, then what is published. */
static void
fire(struct scores *scores)
{
    if (scores->next_version_ms <= scores->t_ms)
        turn_policy(scores);
    else if (scores->waiting_count > 0 && scores->waiting[0].outcome.answered_at_ms <= scores->t_ms)
        score_waiting_fold_due(scores);
    else if (score_detractors_next_ms(scores) <= scores->t_ms)
        score_detractors_page(scores);
    else if (scores->decide_next_ms <= scores->t_ms && !scores->behind)
        score_contracts_decide(scores);
    else
        score_publish_due(scores);
}

/* Texts that nobody refers to are left behind when they are the larger half. */
static void
pack_texts(struct scores *scores)
{
    struct score_texts old = scores->texts;

    if (old.garbage * 2 < old.used)
        return;
    score_texts_init(&scores->texts);
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        struct score_answer *answer = scores_answer_at(scores, i);

        answer->id = score_texts_add(&scores->texts, score_texts_get(&old, answer->id));
    }
    for (uint32_t i = 1; i < scores->people.used; i++) {
        struct score_person *person = scores_person_at(scores, i);

        person->name = score_texts_add(&scores->texts, score_texts_get(&old, person->name));
    }
    for (uint32_t i = 1; i < scores->tickets.used; i++) {
        struct score_ticket *ticket = scores_ticket_at(scores, i);

        ticket->name = score_texts_add(&scores->texts, score_texts_get(&old, ticket->name));
    }
    for (uint32_t i = 1; i < scores->alerts.used; i++) {
        struct score_alert *alert = score_store_at(&scores->alerts, i);

        alert->acknowledged_by = score_texts_add(
            &scores->texts, score_texts_get(&old, alert->answer != 0 ? alert->acknowledged_by : 0));
    }
    score_texts_done(&old);
}

/* Now and then, what no window can see any more goes. */
static void
sweep(struct scores *scores)
{
    int64_t every_ms = scores->reach_ms / SWEEPS_PER_REACH;
    int64_t before_ms = scores->t_ms - scores->reach_ms;

    if (scores->options.retire_after_ms < 0)
        return;
    if (scores->swept_at_ms == INT64_MIN)
        scores->swept_at_ms = scores->seen_turned_at_ms = scores->t_ms;
    if (scores->t_ms - scores->swept_at_ms < every_ms)
        return;
    if (scores->t_ms - scores->seen_turned_at_ms >= scores->reach_ms) {
        score_seen_turn(scores);
        scores->seen_turned_at_ms = scores->t_ms;
    }
    scores->swept_at_ms = scores->t_ms;
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id != 0 && answer->at_ms < before_ms)
            score_answers_retire(scores, i);
    }
    score_tickets_retire(scores, before_ms);
    pack_texts(scores);
}

void
scores_advance(struct scores *scores, int64_t t_ms, enum scores_moment moment)
{
    int64_t limit_ms = moment == SCORES_BEFORE && t_ms > INT64_MIN ? t_ms - 1 : t_ms;
    int64_t next_ms;

    if (t_ms == INT64_MIN)
        return; /* before all time: there is no timer */
    if (!scores->begun && !scores->rebuilding) {
        scores->t_ms = scores->t_ms == INT64_MIN ? t_ms : scores->t_ms;
        begin(scores);
    }
    while ((next_ms = scores_next_ms(scores)) <= limit_ms) {
        scores->t_ms = next_ms > scores->t_ms ? next_ms : scores->t_ms;
        fire(scores);
    }
    scores->t_ms = t_ms > scores->t_ms ? t_ms : scores->t_ms;
    sweep(scores);
}

/* ---- what comes in ---- */

/* T is t_ms; a policy that comes into force at this instant is in force for what comes at it. */
void
scores_come_to(struct scores *scores, int64_t t_ms)
{
    if (t_ms > scores->t_ms)
        scores_advance(scores, t_ms, SCORES_BEFORE);
    turn_policy(scores);
    score_waiting_fold_due(scores);
}

struct engine_answer
scores_feedback(struct scores *scores, const struct event *event, int64_t t_ms)
{
    scores_come_to(scores, t_ms);
    scores->events++;
    switch (event->type) {
    case EVENT_FEEDBACK_OFFERED:
    case EVENT_FEEDBACK_SUBMITTED:
    case EVENT_FEEDBACK_WITHDRAWN:
        return score_join_feedback(scores, event);
    case EVENT_ALERT_ACKNOWLEDGED:
        return score_detractors_acknowledge(scores, event);
    case EVENT_CONTRACT_MOVED:
        return score_contracts_move(scores, event);
    default:
        scores->no_effect++;
        return (struct engine_answer){ENGINE_NO_EFFECT, ERROR_NONE, NULL};
    }
}

void
scores_ticket(struct scores *scores, const struct ticket_outcome *outcome, int64_t t_ms)
{
    bool erased;
    uint32_t version, ticket;

    scores_come_to(scores, t_ms);
    version = score_tickets_fold(scores, outcome, &erased);
    if (version == 0 && !erased)
        return;
    ticket = score_tickets_find(scores, outcome->ticket);
    score_join_again(scores, ticket, erased ? 0 : version);
}

void
scores_verdict(struct scores *scores, const struct verdict_outcome *outcome, int64_t t_ms)
{
    scores_come_to(scores, t_ms);
    score_tickets_fold_verdict(scores, outcome);
}

void
scores_answer(struct scores *scores, const struct answer_outcome *outcome, int64_t t_ms)
{
    scores_come_to(scores, t_ms);
    if (outcome->event.at != NULL)
        score_seen_add(scores, outcome->event_source, outcome->event);
    score_waiting_take(scores, outcome);
    if (scores->rebuilding)
        score_join_check(scores, outcome);
}

void
scores_contract(struct scores *scores, const struct contract_outcome *outcome, int64_t t_ms)
{
    scores_come_to(scores, t_ms);
    score_contracts_fold(scores, outcome);
}

/* ---- everything at once ---- */

struct ordered_scope {
    struct scores *scores;
    struct score_scope_state *scope;
};

static int
compare_ordered(const void *a, const void *b)
{
    const struct ordered_scope *left = a, *right = b;
    const struct symbols *symbols = left->scores->options.symbols;
    int order = (left->scope->definition > right->scope->definition) -
                (left->scope->definition < right->scope->definition);

    for (size_t i = 0; order == 0 && i < SCORE_DIMENSIONS_COUNT; i++)
        order = slice_compare(symbols_text(symbols, left->scope->values.of[i]),
                              symbols_text(symbols, right->scope->values.of[i]));
    return order;
}

static void
say(void *context, size_t window, struct score_reading *reading)
{
    const struct ordered_scope *said = context;
    struct score_published *last = &said->scope->published[window];

    last->digest = reading->digest;
    reading->record.revision = ++last->revision;
    said->scores->published++;
    said->scores->options.sink.score(said->scores->options.sink.context, &reading->record);
}

void
scores_say_all_windows(struct scores *scores, struct score_scope_state *scope, int64_t at_ms)
{
    struct ordered_scope said = {scores, scope};

    score_figures_read(scores, scope, at_ms, say, &said);
}

void
scores_publish_all(struct scores *scores, int64_t t_ms)
{
    struct ordered_scope *all;
    size_t count = 0;

    scores_come_to(scores, t_ms);
    if (scores->options.sink.score == NULL)
        return;
    all = memory_allocate(((size_t)scores->scopes.scopes.count + 1) * sizeof *all);
    for (uint32_t i = 1; i < scores->scopes.scopes.used; i++)
        if (score_scopes_at(&scores->scopes, i)->number != 0)
            all[count++] = (struct ordered_scope){scores, score_scopes_at(&scores->scopes, i)};
    must(count == scores->scopes.scopes.count);
    qsort(all, count, sizeof *all, compare_ordered);
    for (size_t i = 0; i < count; i++)
        if (scores->scopes.definitions[all[i].scope->definition].use == SCORE_USE_SCORES)
            score_figures_read(scores, all[i].scope, scores->t_ms, say, &all[i]);
        else
            score_publish_again(scores, all[i].scope);
    memory_free(all);
}

struct wanted {
    struct slice window;
    struct score_record *record;
    bool found;
};

static void
pick(void *context, size_t window, struct score_reading *reading)
{
    struct wanted *wanted = context;

    (void)window;
    if (!wanted->found && slice_equal(reading->record.window, wanted->window)) {
        *wanted->record = reading->record;
        wanted->found = true;
    }
}

bool
scores_read(struct scores *scores, const struct score_scope *scope, struct slice window, int64_t t_ms,
            struct score_record *ret_record)
{
    struct score_values values = {{0}};
    struct wanted wanted = {window, ret_record, false};

    scores_come_to(scores, t_ms);
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        if ((scope->dimensions & 1U << i) != 0)
            values.of[i] = symbols_find(scores->options.symbols, scope->values[i]);
    for (uint32_t i = 0; i < scores->scopes.definitions_count; i++) {
        const struct score_scope_state *state = score_scopes_find(&scores->scopes, i, &values);

        if (scores->scopes.definitions[i].dimensions != scope->dimensions ||
            scores->scopes.definitions[i].use != SCORE_USE_SCORES || state == NULL)
            continue;
        score_figures_read(scores, state, scores->t_ms, pick, &wanted);
        break;
    }
    return wanted.found;
}

struct scores_fill
scores_fill(const struct scores *scores)
{
    return (struct scores_fill){.answers = scores->answers.count + scores->waiting_count,
                                .facts = (size_t)scores->tickets.count + scores->verdicts.count,
                                .scopes = scores->scopes.scopes.count,
                                .answers_refused = scores->answers_refused,
                                .facts_refused = scores->facts_refused,
                                .scopes_refused = scores->scopes.refused,
                                .aspects_refused = scores->aspects_refused,
                                .scopes_full = scores->scopes.full};
}

void
scores_figures(const struct scores *scores, struct scores_figures *ret_figures)
{
    struct scores_figures figures = {.events = scores->events,
                                     .duplicates = scores->duplicates,
                                     .refused = scores->refused,
                                     .no_effect = scores->no_effect,
                                     .answers_decided = scores->answers_decided,
                                     .folded = scores->folded,
                                     .stale = scores->stale,
                                     .published = scores->published,
                                     .joined_later = scores->joined_later,
                                     .tickets = scores->tickets.count,
                                     .verdicts = scores->verdicts.count,
                                     .people = scores->people.count,
                                     .scopes = scores->scopes.scopes.count,
                                     .contexts = scores->scopes.contexts.count,
                                     .waiting = scores->waiting_count};

    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);

        figures.offers += answer->id != 0 && (answer->flags & ANSWER_OFFER) != 0;
    }
    figures.answers = scores->answers.count - figures.offers;
    figures.entries = score_scopes_entries(&scores->scopes);
    figures.answers_bytes = score_store_bytes(&scores->answers) + score_index_bytes(&scores->answer_index);
    figures.texts_bytes = scores->texts.room;
    figures.entries_bytes = score_scopes_entries_bytes(&scores->scopes);
    figures.resident_bytes = sizeof *scores + figures.answers_bytes + figures.texts_bytes +
                             figures.entries_bytes + score_scopes_bytes(&scores->scopes) +
                             score_store_bytes(&scores->aspects) + score_store_bytes(&scores->people) +
                             score_store_bytes(&scores->tickets) + score_store_bytes(&scores->versions) +
                             score_store_bytes(&scores->alerts) + score_store_bytes(&scores->verdicts) +
                             score_index_bytes(&scores->person_index) +
                             score_index_bytes(&scores->ticket_index) + score_seen_bytes(scores);
    *ret_figures = figures;
}
