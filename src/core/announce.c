/*
 * effects = desired - announced: what must go out so that the world knows what was just derived (semantics.md
 * sections 0 and 7).
 *
 * Why by comparison: late proof, retarget, merge, catch-up and a restart all end here, and none of them is a
 * special case: a record goes out if what is true differs from what the marks say was announced. Always true:
 * an identity has no two `firing` without a `withdrawn` between (R33); of the stages that are true of a cycle
 * the highest is announced (R34, R51); a record's revision is the how-manieth of its key (R64). Not here:
 * when a ticket is looked at (engine), what is true (fold).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/ticket.h"

bool
announce_is_live(const struct alert_mark *mark)
{
    return mark->state == ALERT_FIRING || mark->state == ALERT_REPEATED || mark->state == ALERT_ACKNOWLEDGED;
}

struct alert_mark *
announce_mark(struct ticket *ticket, enum clock_kind kind, symbol clock, uint32_t cycle, symbol stage)
{
    for (uint32_t i = 0; i < ticket->marks.alerts_count; i++) {
        struct alert_mark *mark = &ticket->marks.alerts[i];

        if (mark->kind == kind && mark->clock == clock && mark->cycle == cycle && mark->stage == stage)
            return mark;
    }
    return NULL;
}

struct alert_mark *
announce_add_mark(struct engine *engine, struct ticket *ticket, const struct clock *clock, symbol stage)
{
    struct marks *marks = &ticket->marks;
    struct alert_mark *mark;

    if (marks->alerts_count == 0 || mark_room(marks->alerts_count) == marks->alerts_count)
        marks->alerts =
            memory_resize(marks->alerts, mark_room((size_t)marks->alerts_count + 1) * sizeof *marks->alerts);
    mark = &marks->alerts[marks->alerts_count++];
    *mark = (struct alert_mark){.kind = (uint8_t)clock->promise->kind,
                                .clock = clock->promise->name,
                                .cycle = clock->cycle,
                                .stage = stage};
    symbols_retain(engine->options.symbols, mark->clock);
    symbols_retain(engine->options.symbols, mark->stage);
    return mark;
}

static symbol
stage_symbol(struct engine *engine, const struct policy_stage *stage)
{
    return stage == NULL ? engine->breach_stage : symbols_intern(engine->options.symbols, stage->name);
}

static void
stage_release(struct engine *engine, const struct policy_stage *stage, symbol number)
{
    if (stage != NULL)
        symbols_release(engine->options.symbols, number);
}

/* Default: breach critical, the last warning warning, else info; the agreement may say otherwise (R68). */
static enum severity
severity_of(const struct clock *clock, const struct life *life, struct slice stage)
{
    const struct policy_clock *promise = clock->promise;
    enum severity found = SEVERITY_UNSET;
    int64_t last_ms = -1, own_ms = -1;

    for (size_t i = 0; i < promise->severities_count; i++) {
        const struct policy_severity *severity = &promise->severities[i];

        if (!slice_equal(severity->stage, stage))
            continue;
        if (severity->priority != 0 && severity->priority == life->attributes[ATTRIBUTE_PRIORITY])
            return severity->severity;
        if (severity->priority == 0)
            found = severity->severity;
    }
    if (found != SEVERITY_UNSET)
        return found;
    if (slice_is(stage, "breach"))
        return SEVERITY_CRITICAL;
    if (slice_is(stage, "slack") || slice_is(stage, "risk"))
        return SEVERITY_WARNING;
    for (size_t i = 0; i < promise->stages_count; i++) {
        int64_t threshold_ms = clock_stage_threshold_ms(&promise->stages[i], clock->target_ms);

        if (threshold_ms != NEVER && threshold_ms > last_ms)
            last_ms = threshold_ms;
        if (slice_equal(promise->stages[i].name, stage))
            own_ms = threshold_ms;
    }
    return own_ms >= 0 && own_ms == last_ms ? SEVERITY_WARNING : SEVERITY_INFO;
}

/* Whose turn the clock counts, for the reason; handling: of whom it is, nobody's when it is by group. */
static uint8_t
counted_balls(const struct policy_clock *promise)
{
    if (promise->measure != MEASURE_HANDLING)
        return promise->counts;
    return PARTY_BIT(promise->of_party < PARTIES_COUNT ? promise->of_party : PARTY_NOBODY);
}

void
announce_send(struct engine *engine, struct ticket *ticket, const struct clock *clock,
              const struct clock_extra *extra, struct alert_mark *mark)
{
    const struct life *life = &engine->said->life;
    const struct policy *policy = policy_set_version(engine->set, clock->version);
    const struct policy_calendar *calendar = &policy->calendars[clock->promise->calendar];
    struct foresight_told told;
    struct alert alert = {
        .name = {ticket_name(ticket), (enum clock_kind)mark->kind,
                 policy->agreements[clock->promise->agreement].name, engine_text(engine, mark->clock),
                 mark->cycle},
        .stage = engine_text(engine, mark->stage),
        .state = (enum alert_state)mark->state,
        .effective_at_ms = mark->effective_at_ms,
        .turn = account_attribution(life->ball),
        .risk_permille = -1,
        .policy = policy->label,
        .calendar = calendar->name,
        .zone = calendar->zone != POLICY_NONE ? policy->zones[calendar->zone].zone : NULL,
        .n = mark->state == ALERT_REPEATED ? mark->n : 0,
        .counts = counted_balls(clock->promise),
        .by = mark->state == ALERT_ACKNOWLEDGED && !life->erased ? engine_text(engine, mark->by)
                                                                 : (struct slice){NULL, 0},
    };

    clock_figures_at(clock, extra, clock->ended ? clock->stopped_at_ms : life->at_ms, &alert.figures);
    alert.remaining_ms = alert.figures.target_ms > alert.figures.elapsed_ms
                             ? alert.figures.target_ms - alert.figures.elapsed_ms
                             : 0;
    alert.severity = severity_of(clock, life, alert.stage);
    if (clock >= engine->said->clocks && clock < engine->said->clocks + engine->said->clocks_count &&
        risk_ask(engine, engine->said, (size_t)(clock - engine->said->clocks), &told)) {
        alert.risk_permille = told.forecast.p_permille;
        alert.foresight = &told;
        alert.has_foresight = true;
    }
    outcome_attributes(engine, life->attributes, life->erased, alert.attributes);
    mark->revision++;
    alert.arrival = (struct arrival){engine->t_ms, mark->revision,
                                     outcome_is_late(engine, &engine->said->life, clock), engine->lagging};
    engine_touch(engine, ticket);
    engine->figures.records++;
    if (engine->options.sink.alert != NULL)
        engine->options.sink.alert(engine->options.sink.context, &alert);
}

/* The stage of this cycle that ranks highest; a tie goes to the one listed first (R55). NULL: none is true.
 */
static const struct passed *
highest_passed(const struct clock_extra *extra, const struct policy_clock *promise)
{
    const struct passed *highest = NULL;

    for (size_t i = 0; i < extra->passed_count; i++) {
        const struct passed *passed = &extra->passed[i];

        if (passed->stage == NULL)
            return passed;
        if (highest == NULL || passed->threshold_ms > highest->threshold_ms ||
            (passed->threshold_ms == highest->threshold_ms && passed->stage >= promise->stages &&
             passed->stage < highest->stage))
            highest = passed;
    }
    return highest;
}

static const struct passed *
find_passed(const struct engine *engine, const struct clock_extra *extra, symbol stage)
{
    for (size_t i = 0; i < extra->passed_count; i++) {
        const struct passed *passed = &extra->passed[i];

        if (passed->stage == NULL ? stage == engine->breach_stage
                                  : slice_equal(passed->stage->name, engine_text(engine, stage)))
            return passed;
    }
    return NULL;
}

/* What became of an alert that is out: the state it must have now, or ALERT_FIRING for "let it stand". */
static enum alert_state
fate_of_alert(const struct engine *engine, const struct clock *clock, const struct clock_extra *extra,
              const struct alert_mark *mark)
{
    bool is_true = mark->stage == engine->risk.stage    ? true
                   : mark->stage == engine->slack_stage ? extra->slack_at_ms != INSTANT_NONE
                                                        : find_passed(engine, extra, mark->stage) != NULL;

    if (mark->stage == engine->breach_stage && is_true && clock->excused)
        return ALERT_RESOLVED; /* R39 */
    if (!is_true)
        return ALERT_WITHDRAWN;
    if (mark->stage == engine->risk.stage && clock->breached_at_ms != INSTANT_NONE)
        return ALERT_RESOLVED; /* the breach says it now */
    if (!clock->ended)
        return ALERT_FIRING;
    return clock->cancelled && !clock_is_breached(clock) ? ALERT_WITHDRAWN : ALERT_RESOLVED; /* R22, R33 */
}

static void
close_alerts(struct engine *engine, struct ticket *ticket, const struct clock *clock,
             const struct clock_extra *extra)
{
    for (uint32_t i = 0; i < ticket->marks.alerts_count; i++) {
        struct alert_mark *mark = &ticket->marks.alerts[i];
        enum alert_state fate;

        if (mark->kind != clock->promise->kind || mark->clock != clock->promise->name ||
            mark->cycle != clock->cycle || mark->state == ALERT_WITHDRAWN)
            continue;
        fate = fate_of_alert(engine, clock, extra, mark);
        if (fate == ALERT_FIRING || fate == (enum alert_state)mark->state)
            continue;
        engine->figures.false_alerts += fate == ALERT_WITHDRAWN && mark->stage == engine->breach_stage;
        mark->state = (uint8_t)fate;
        announce_send(engine, ticket, clock, extra, mark);
    }
}

/* A breach that runs again after a reopen, or whose next page is due (R35, R47). */
static void
repeat_alert(struct engine *engine, struct ticket *ticket, const struct clock *clock,
             const struct clock_extra *extra, struct alert_mark *mark)
{
    const struct fold *fold = engine->said;
    int64_t due_ms = announce_repeat_due_ms(clock, extra, mark);
    int64_t due_at_ms = due_ms != NEVER ? clock_reaches_at_ms(clock, due_ms) : NEVER;

    if (mark->state == ALERT_WITHDRAWN)
        return;
    /* timers come last */
    if (mark->state != ALERT_RESOLVED && (due_at_ms == NEVER || due_at_ms > fold->life.at_ms ||
                                          (due_at_ms == fold->life.at_ms && !fold->through)))
        return;
    mark->state = ALERT_REPEATED;
    mark->n++;
    mark->paged_ms = clock_elapsed_ms(clock, fold->life.at_ms);
    announce_send(engine, ticket, clock, extra, mark);
}

/* A higher stage of the same instant may be about to pass: then this one folds into it (R34). */
static bool
must_wait(const struct engine *engine, const struct clock *clock, const struct passed *passed)
{
    return passed->effective_at_ms == engine->said->life.at_ms &&
           clock->next_at_ms == engine->said->life.at_ms;
}

static void
open_alert(struct engine *engine, struct ticket *ticket, const struct clock *clock,
           const struct clock_extra *extra)
{
    const struct passed *highest = highest_passed(extra, clock->promise);
    struct alert_mark *mark;
    symbol stage;

    if (clock->ended || highest == NULL || (highest->stage == NULL && clock->excused))
        return;
    stage = stage_symbol(engine, highest->stage);
    mark = announce_mark(ticket, clock->promise->kind, clock->promise->name, clock->cycle, stage);
    if (mark != NULL && mark->state != ALERT_WITHDRAWN) {
        if (highest->stage == NULL)
            repeat_alert(engine, ticket, clock, extra, mark);
    } else if (highest->effective_at_ms >= engine->options.alerts_from_ms &&
               !must_wait(engine, clock, highest)) {
        if (mark == NULL)
            mark = announce_add_mark(engine, ticket, clock, stage);
        mark->state = ALERT_FIRING;
        mark->effective_at_ms = highest->effective_at_ms;
        mark->paged_ms = clock_elapsed_ms(clock, engine->said->life.at_ms);
        announce_send(engine, ticket, clock, extra, mark);
    }
    stage_release(engine, highest->stage, stage);
}

static void
open_slack(struct engine *engine, struct ticket *ticket, const struct clock *clock,
           const struct clock_extra *extra)
{
    struct alert_mark *mark =
        announce_mark(ticket, clock->promise->kind, clock->promise->name, clock->cycle, engine->slack_stage);

    if (clock->started_at_ms == INSTANT_NONE || clock->ended || extra->slack_at_ms == INSTANT_NONE ||
        extra->slack_at_ms < engine->options.alerts_from_ms ||
        (mark != NULL && mark->state != ALERT_WITHDRAWN))
        return;
    if (mark == NULL)
        mark = announce_add_mark(engine, ticket, clock, engine->slack_stage);
    mark->state = ALERT_FIRING;
    mark->effective_at_ms = extra->slack_at_ms;
    announce_send(engine, ticket, clock, extra, mark);
}

static struct verdict_mark *
verdict_mark(struct ticket *ticket, enum clock_kind kind, symbol clock, uint32_t cycle)
{
    for (uint32_t i = 0; i < ticket->marks.verdicts_count; i++) {
        struct verdict_mark *mark = &ticket->marks.verdicts[i];

        if (mark->kind == kind && mark->clock == clock && mark->cycle == cycle)
            return mark;
    }
    return NULL;
}

bool
announce_has_undecided(const struct ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->marks.verdicts_count; i++) {
        if (ticket->marks.verdicts[i].verdict >= VERDICT_OPEN)
            return true;
    }
    return false;
}

static struct verdict_mark *
add_verdict_mark(struct engine *engine, struct ticket *ticket, const struct clock *clock)
{
    struct marks *marks = &ticket->marks;
    struct verdict_mark *mark;

    if (marks->verdicts_count == 0 || mark_room(marks->verdicts_count) == marks->verdicts_count)
        marks->verdicts = memory_resize(marks->verdicts, mark_room((size_t)marks->verdicts_count + 1) *
                                                             sizeof *marks->verdicts);
    mark = &marks->verdicts[marks->verdicts_count++];
    *mark = (struct verdict_mark){
        .kind = clock->promise->kind & 3, .clock = clock->promise->name, .cycle = clock->cycle};
    symbols_retain(engine->options.symbols, mark->clock);
    return mark;
}

/* What a later `void` has to repeat. */
static void
keep_said(struct engine *engine, struct verdict_mark *mark, const struct verdict_outcome *outcome)
{
    symbol before = mark->agreement;

    mark->agreement = symbols_intern(engine->options.symbols, outcome->name.agreement);
    symbols_release(engine->options.symbols, before);
    mark->measure = outcome->measure & 7;
    mark->decided_at_ms = outcome->decided_at_ms;
}

static void
send_verdict(struct engine *engine, struct ticket *ticket, struct verdict_outcome *outcome,
             struct verdict_mark *mark, bool late)
{
    mark->verdict = outcome->verdict & 7;
    if (outcome->verdict != VERDICT_VOID)
        keep_said(engine, mark, outcome);
    mark->revision = (mark->revision + 1) & REVISION_MAX;
    outcome->arrival = (struct arrival){engine->t_ms, mark->revision, late, engine->lagging};
    engine_touch(engine, ticket);
    engine->figures.records++;
    if (engine->options.sink.verdict != NULL)
        engine->options.sink.verdict(engine->options.sink.context, outcome);
}

/* R37. */
static void
announce_verdict(struct engine *engine, struct ticket *ticket, const struct clock *clock,
                 const struct clock_extra *extra)
{
    struct verdict_mark *mark =
        verdict_mark(ticket, clock->promise->kind, clock->promise->name, clock->cycle);
    bool decided =
        clock->started_at_ms != INSTANT_NONE && (clock->breached_at_ms != INSTANT_NONE || clock->ended);
    struct verdict_outcome outcome;
    bool first = mark == NULL, stopped = clock->ended && clock->breached_at_ms != INSTANT_NONE;
    uint64_t content;

    if (!decided && (mark == NULL || clock->started_at_ms == INSTANT_NONE))
        return;
    outcome_verdict(engine, ticket, clock, extra, &outcome);
    content = outcome_verdict_content(
        engine, &outcome, extra->promise != NULL ? extra->attributes : engine->said->life.attributes);
    if (mark == NULL)
        mark = add_verdict_mark(engine, ticket, clock);
    else if (mark->content == content)
        return;
    mark->content = content;
    send_verdict(engine, ticket, &outcome, mark, outcome_is_late(engine, &engine->said->life, clock));
    if (first || (stopped && !mark->stopped))
        risk_sample_due(engine, clock, !first);
    mark->stopped |= stopped;
}

static bool
cycle_exists(const struct fold *fold, enum clock_kind kind, symbol name, uint32_t cycle)
{
    for (size_t i = 0; i < fold->clocks_count + fold->past_count; i++) {
        const struct clock *clock =
            i < fold->clocks_count ? &fold->clocks[i] : &fold->past[i - fold->clocks_count].clock;
        bool decided = clock->started_at_ms != INSTANT_NONE;

        if (decided && clock->promise->kind == kind && clock->promise->name == name && clock->cycle == cycle)
            return true;
    }
    return false;
}

/* The cycle an announced alert or verdict spoke of is no more (late proof took its start away). */
static void
void_verdict(struct engine *engine, struct ticket *ticket, struct verdict_mark *mark)
{
    const struct life *life = &engine->said->life;
    struct verdict_outcome outcome = {
        .name = {ticket_name(ticket), (enum clock_kind)mark->kind, engine_text(engine, mark->agreement),
                 engine_text(engine, mark->clock), mark->cycle},
        .measure = (enum measure)mark->measure,
        .has_wait = mark->measure == MEASURE_FIRST_RESPONSE,
        .verdict = VERDICT_VOID,
        .honest = VERDICT_VOID,
        .ended = true,
        .decided_at_ms = mark->decided_at_ms,
        .figures = {.state = CLOCK_CANCELLED,
                    .started_at_ms = INSTANT_NONE,
                    .due_at_ms = INSTANT_NONE,
                    .breached_at_ms = INSTANT_NONE,
                    .stopped_at_ms = INSTANT_NONE},
        .wait_ms = INSTANT_NONE,
        .source = engine_text(engine, life->source),
        .policy = policy_set_version(engine->set, life->version)->label,
    };

    outcome_attributes(engine, life->attributes, life->erased, outcome.attributes);
    mark->content = 0;
    send_verdict(engine, ticket, &outcome, mark, outcome_is_late(engine, &engine->said->life, NULL));
}

/* What any version says of a clock of this name, the newest first; NULL: it is in none any more. */
static const struct policy_clock *
any_promise(const struct engine *engine, enum clock_kind kind, symbol name, size_t *ret_version)
{
    for (size_t version = policy_set_count(engine->set); version-- > 0;) {
        const struct policy *policy = policy_set_version(engine->set, version);

        for (size_t i = 0; i < policy->clocks_count; i++) {
            *ret_version = version;
            if (policy->clocks[i].kind == kind && policy->clocks[i].name == name)
                return &policy->clocks[i];
        }
    }
    return NULL;
}

static void
void_alert(struct engine *engine, struct ticket *ticket, struct alert_mark *mark)
{
    struct clock clock;
    struct clock_extra extra = {.due_at_ms = INSTANT_NONE};
    size_t version;
    const struct policy_clock *promise =
        any_promise(engine, (enum clock_kind)mark->kind, mark->clock, &version);

    engine->figures.false_alerts += mark->stage == engine->breach_stage;
    mark->state = ALERT_WITHDRAWN;
    if (promise == NULL)
        return;
    clock_idle(&clock, promise, (uint16_t)version);
    clock.cycle = mark->cycle;
    announce_send(engine, ticket, &clock, &extra, mark);
}

static void
announce_voids(struct engine *engine, struct ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->marks.alerts_count; i++) {
        struct alert_mark *mark = &ticket->marks.alerts[i];

        if (mark->state != ALERT_WITHDRAWN &&
            !cycle_exists(engine->said, (enum clock_kind)mark->kind, mark->clock, mark->cycle))
            void_alert(engine, ticket, mark);
    }
    for (uint32_t i = 0; i < ticket->marks.verdicts_count; i++) {
        struct verdict_mark *mark = &ticket->marks.verdicts[i];

        if (mark->verdict != VERDICT_VOID &&
            !cycle_exists(engine->said, (enum clock_kind)mark->kind, mark->clock, mark->cycle))
            void_verdict(engine, ticket, mark);
    }
}

static void
announce_ticket(struct engine *engine, struct ticket *ticket, const struct fold *fold)
{
    struct ticket_outcome outcome;
    uint64_t content;

    outcome_ticket(engine, ticket, fold, &outcome);
    content = outcome_ticket_content(engine, &outcome, &fold->life);
    ticket->final = outcome.final;
    if (ticket->marks.ticket_revision > 0 && ticket->marks.ticket_content == content)
        return;
    ticket->marks.ticket_content = content;
    ticket->marks.ticket_revision++;
    outcome.arrival = (struct arrival){engine->t_ms, ticket->marks.ticket_revision,
                                       outcome_is_late(engine, &fold->life, NULL), engine->lagging};
    engine_touch(engine, ticket);
    engine->figures.records++;
    if (engine->options.sink.ticket != NULL)
        engine->options.sink.ticket(engine->options.sink.context, &outcome);
}

static void
send_due_changed(struct engine *engine, struct ticket *ticket, const struct clock *before,
                 const struct clock *after, size_t version)
{
    const struct policy *policy = policy_set_version(engine->set, version);
    struct due_changed_outcome outcome = {
        .name = {ticket_name(ticket), after->promise->kind,
                 policy_set_version(engine->set, after->version)->agreements[after->promise->agreement].name,
                 engine_text(engine, after->promise->name), after->cycle},
        .was_due_at_ms = clock_due_at_ms(before, NULL),
        .due_at_ms = clock_due_at_ms(after, NULL),
        .from = policy_set_version(engine->set, version - 1)->label,
        .to = policy->label,
        .effective_at_ms = policy->from_ms,
        .arrival = {engine->t_ms, 1, false, engine->lagging},
    };

    if (outcome.was_due_at_ms == outcome.due_at_ms)
        return;
    engine_touch(engine, ticket);
    engine->figures.records++;
    if (engine->options.sink.due_changed != NULL)
        engine->options.sink.due_changed(engine->options.sink.context, &outcome);
}

/* R49: once a version, at its `from`, for each running clock whose projected due its days have moved. */
static void
announce_due_changes(struct engine *engine, struct ticket *ticket)
{
    size_t newest = policy_set_in_force(engine->set, engine->t_ms);
    struct fold *before = &engine->other, *after = &engine->later;
    int64_t final_at_ms;

    /* later days do not reach it */
    if (fold_is_final(engine->said, &final_at_ms) && final_at_ms < engine->t_ms)
        newest = policy_set_in_force(engine->set, final_at_ms);
    for (size_t version = ticket->seen_version + (size_t)1; version <= newest; version++) {
        int64_t from_ms = policy_set_version(engine->set, version)->from_ms;

        if (engine->said->life.first_event_at_ms >= from_ms)
            continue;
        fold_init_again(before, engine->set, &ticket->history);
        fold_init_again(after, engine->set, &ticket->history);
        fold_derive_with_days(before, version - 1, from_ms, false);
        fold_derive_with_days(after, version, from_ms, false);
        for (size_t i = 0; i < after->clocks_count; i++) {
            int slot = fold_slot(before, after->clocks[i].promise->kind, after->clocks[i].promise->name);

            if (after->clocks[i].running && slot >= 0 && after->clocks[i].breached_at_ms == INSTANT_NONE &&
                before->clocks[slot].breached_at_ms == INSTANT_NONE &&
                before->clocks[slot].cycle == after->clocks[i].cycle)
                send_due_changed(engine, ticket, &before->clocks[slot], &after->clocks[i], version);
        }
    }
    if (newest > ticket->seen_version) {
        ticket->seen_version = (uint16_t)newest;
        engine_touch(engine, ticket); /* else whoever loads it asks again, and may be told something else */
    }
}

static void
compare_days(const struct fold *fold, struct clock *clock, struct clock_extra *extra,
             const struct fold *pinned)
{
    const struct clock_extra *pinned_extra;
    const struct clock *twin =
        fold_find_cycle(pinned, clock->promise->kind, clock->promise->name, clock->cycle, &pinned_extra);

    if (twin == NULL || clock->started_at_ms == INSTANT_NONE)
        return;
    if (clock_state(clock) != clock_state(twin) || clock->breached_at_ms != twin->breached_at_ms ||
        clock_elapsed_ms(clock, fold->life.at_ms) != clock_elapsed_ms(twin, fold->life.at_ms))
        clock->flags |= FLAG_CALENDAR_CORRECTED;
    extra->decision_corrected = clock->breached_at_ms != twin->breached_at_ms ||
                                extra->elapsed_at_breach_ms != pinned_extra->elapsed_at_breach_ms;
}

/* Clocks whose verdict the newest days changed say so (R49). */
static void
mark_corrected(struct engine *engine, struct ticket *ticket)
{
    struct fold *fold = engine->said, *pinned = &engine->other;
    bool differs = false;

    for (size_t i = 0; i < fold->clocks_count + fold->past_count && !differs; i++) {
        const struct clock *clock =
            i < fold->clocks_count ? &fold->clocks[i] : &fold->past[i - fold->clocks_count].clock;

        differs = clock->started_at_ms != INSTANT_NONE && clock->version < fold->days_version &&
                  clock->calendar != policy_set_calendar(engine->set, clock->version,
                                                         clock->promise->calendar, clock->version);
    }
    if (!differs)
        return;
    fold_init_again(pinned, engine->set, &ticket->history);
    pinned->pinned_days = true;
    fold_derive_with_days(pinned, fold->days_version, fold->until_ms, fold->through);
    for (size_t i = 0; i < fold->past_count; i++)
        compare_days(fold, &fold->past[i].clock, &fold->past[i].extra, pinned);
    for (size_t i = 0; i < fold->clocks_count; i++)
        compare_days(fold, &fold->clocks[i], &fold->extras[i], pinned);
}

/* The honest view needs a fold of its own only when the ticket gives it reason to differ (R60). */
static void
derive_honest(struct engine *engine, struct ticket *ticket)
{
    const struct life *life = &engine->said->life;

    if (!fold_has_honest_view(life))
        return;
    fold_init_again(&engine->other, engine->set, &ticket->history);
    engine->other.honest = true;
    fold_derive_with_days(&engine->other, engine->said->days_version, engine->said->until_ms,
                          engine->said->through);
}

/* Cycles in order: the past ones of a slot before its present one, slots as the promises came. */
static void
announce_clocks(struct engine *engine, struct ticket *ticket,
                void (*say)(struct engine *, struct ticket *, const struct clock *,
                            const struct clock_extra *))
{
    const struct fold *fold = engine->said;

    for (size_t i = 0; i < fold->past_count; i++)
        say(engine, ticket, &fold->past[i].clock, &fold->past[i].extra);
    for (size_t i = 0; i < fold->clocks_count; i++)
        say(engine, ticket, &fold->clocks[i], &fold->extras[i]);
}

void
announce_corrections(struct engine *engine, struct ticket *ticket)
{
    mark_corrected(engine, ticket);
}

void
announce(struct engine *engine, struct ticket *ticket)
{
    if (!engine->said->life.exists)
        return;
    announce_due_changes(engine, ticket);
    announce_clocks(engine, ticket, close_alerts);
    announce_clocks(engine, ticket, open_slack);
    announce_clocks(engine, ticket, open_alert);
    derive_honest(engine, ticket);
    announce_clocks(engine, ticket, announce_verdict);
    risk_sample_tell(engine, ticket);
    announce_voids(engine, ticket);
    announce_ticket(engine, ticket, engine->said);
    merge_announce(engine, ticket);
}

static void
arm_repeat(struct engine *engine, struct ticket *ticket, struct clock *clock, const struct clock_extra *extra)
{
    const struct alert_mark *mark;

    if (!clock_is_breached(clock) || clock->ended || clock->promise->repeat.every_ms == 0)
        return;
    mark =
        announce_mark(ticket, clock->promise->kind, clock->promise->name, clock->cycle, engine->breach_stage);
    if (mark != NULL)
        clock_arm_repeat(clock, announce_repeat_due_ms(clock, extra, mark));
}

/* Of the clocks this step decided something of. */
static void
announce_touched(struct engine *engine, struct ticket *ticket,
                 void (*say)(struct engine *, struct ticket *, const struct clock *,
                             const struct clock_extra *))
{
    const struct fold *fold = engine->said;

    for (size_t i = 0; i < fold->past_count; i++)
        say(engine, ticket, &fold->past[i].clock, &fold->past[i].extra);
    for (size_t i = 0; i < fold->clocks_count; i++) {
        if (fold->touched & SLOT_BIT(i))
            say(engine, ticket, &fold->clocks[i], &fold->sketches[i]);
    }
}

/* A leg that began with too little left did so for good; the mark still knows. */
static void
recall_slack(const struct engine *engine, struct ticket *ticket, const struct clock *clock,
             struct clock_extra *sketch)
{
    const struct alert_mark *mark =
        announce_mark(ticket, clock->promise->kind, clock->promise->name, clock->cycle, engine->slack_stage);

    if (mark != NULL && mark->state != ALERT_WITHDRAWN)
        sketch->slack_at_ms = mark->effective_at_ms;
}

/* What one light step has to say: everything else was said before and has not changed. */
void
announce_step(struct engine *engine, struct ticket *ticket)
{
    struct fold *fold = &engine->light;

    engine->said = fold;
    for (size_t i = 0; i < fold->clocks_count; i++) {
        if (fold->touched & SLOT_BIT(i)) {
            account_sketch(fold, i);
            recall_slack(engine, ticket, &fold->clocks[i], &fold->sketches[i]);
        }
    }
    announce_touched(engine, ticket, close_alerts);
    announce_touched(engine, ticket, open_alert);
    announce_touched(engine, ticket, announce_verdict);
    risk_sample_tell(engine, ticket);
    if (fold->loud_ticket)
        announce_ticket(engine, ticket, fold);
    for (size_t i = 0; i < fold->clocks_count; i++) {
        if (fold->touched & SLOT_BIT(i))
            arm_repeat(engine, ticket, &fold->clocks[i], &fold->sketches[i]);
    }
    engine->said = &engine->full;
}

/* The counted time at which the next page of a breach is due (R35); NEVER: none. */
int64_t
announce_repeat_due_ms(const struct clock *clock, const struct clock_extra *extra,
                       const struct alert_mark *mark)
{
    const struct policy_repeat *repeat = &clock->promise->repeat;
    int64_t after_ms = mark->state == ALERT_ACKNOWLEDGED ? repeat->ack_timeout_ms : repeat->every_ms;
    int64_t due_ms = mark->paged_ms + after_ms;

    if (repeat->every_ms == 0 || after_ms == 0 || !announce_is_live(mark))
        return NEVER;
    if (repeat->stop_after_ms > 0 && due_ms - extra->elapsed_at_breach_ms > repeat->stop_after_ms)
        return NEVER;
    return due_ms;
}

void
announce_arm_repeats(struct engine *engine, struct ticket *ticket)
{
    struct fold *fold = engine->said;

    if (engine->quiet) /* a page that came due meanwhile is found when the task is loud again */
        return;
    for (size_t i = 0; i < fold->clocks_count; i++)
        arm_repeat(engine, ticket, &fold->clocks[i], &fold->extras[i]);
}

/* R11: binds by key when it arrives. False: nothing to acknowledge. */
bool
announce_acknowledge(struct engine *engine, struct ticket *ticket, const struct event *event)
{
    for (uint32_t i = 0; i < ticket->marks.alerts_count; i++) {
        struct alert_mark *mark = &ticket->marks.alerts[i];
        int slot = fold_slot(engine->said, (enum clock_kind)mark->kind, mark->clock);

        buffer_reset(&engine->scratch);
        alert_key_append(&engine->scratch, ticket_name(ticket), (enum clock_kind)mark->kind,
                         engine_text(engine, mark->clock), mark->cycle, engine_text(engine, mark->stage));
        if (!slice_equal(buffer_slice(&engine->scratch), event->alert))
            continue;
        if (!announce_is_live(mark) || slot < 0 || engine->said->clocks[slot].cycle != mark->cycle)
            return false;
        symbols_release(engine->options.symbols, mark->by);
        mark->by = symbols_intern(engine->options.symbols, event->by);
        mark->state = ALERT_ACKNOWLEDGED;
        mark->paged_ms = clock_elapsed_ms(&engine->said->clocks[slot], engine->said->life.at_ms);
        announce_send(engine, ticket, &engine->said->clocks[slot], &engine->said->extras[slot], mark);
        return true;
    }
    return false;
}
