/*
 * Stage `risk`: when the probability of a breach becomes an alert, and when it is over (semantics.md section
 * 7).
 *
 * Why beside the fold: what is true of a ticket follows from its history; what is likely follows from what
 * others have learned, and changes without an event. So after a ticket was derived or stepped, its open
 * clocks are asked about, at events, at landmarks and half way between them, and an alert moves only here.
 * Always true: a probability never fires an alert of a clock that is paused, nearly due, held out, or of
 * whose class too little is known; what has fired is cleared by a lower probability, or by the end of the
 * clock (announce). Not here: what a probability is (foresight), what is learned from (risk_sample).
 */
#include "base/memory.h"
#include "core/score_windows.h"
#include "core/ticket.h"
#include "slad/explain.h"

enum { WHOLE_BP = 10000, PERMILLE_BP = 10 };

void
risk_init(struct engine *engine)
{
    engine->risk.stage = symbols_intern(engine->options.symbols, slice_of("risk"));
    engine->risk.day_to_ms = INSTANT_NONE;
}

static void
forget_spent(struct engine *engine)
{
    struct risk *risk = &engine->risk;

    for (size_t i = 0; i < risk->spent_count; i++)
        symbols_release(engine->options.symbols, risk->spent[i].group);
    risk->spent_count = 0;
}

void
risk_done(struct engine *engine)
{
    forget_spent(engine);
    memory_free(engine->risk.spent);
    risk_sample_done(engine);
    symbols_release(engine->options.symbols, engine->risk.stage);
}

const struct policy_foresight *
risk_rules(const struct engine *engine)
{
    size_t version = policy_set_in_force(engine->set, engine->t_ms);
    const struct policy_foresight *rules = &policy_set_version(engine->set, version)->foresight;

    return rules->enabled ? rules : NULL;
}

/* ---- asking ---- */

/* at_ms: now, or an instant to come before which nothing happens. */
static void
make_query(const struct engine *engine, const struct fold *fold, size_t slot, int64_t at_ms, bool people,
           struct foresight_query *query)
{
    const struct clock *clock = &fold->clocks[slot];
    struct risk_past past = risk_past(fold->history, at_ms);

    query->kind = clock->promise->kind;
    query->clock = symbols_hash(engine->options.symbols, clock->promise->name);
    query->elapsed_ms = clock_elapsed_ms(clock, at_ms);
    query->target_ms = clock->target_ms;
    query->brief = false;
    risk_view(engine, fold, slot, at_ms, &past, people, &query->view);
}

static int64_t
finish_at_ms(const struct clock *clock, int64_t at_ms, int64_t counted_ms)
{
    int64_t finish_ms =
        counted_ms >= 0 ? calendar_add_ms(clock->calendar, at_ms, counted_ms) : CALENDAR_NEVER;

    return finish_ms != CALENDAR_NEVER ? finish_ms : INSTANT_NONE;
}

/* The forecast alone. */
static bool
forecast_of(const struct engine *engine, const struct foresight_query *query,
            struct foresight_forecast *forecast)
{
    const struct engine_foresight *foresight = &engine->risk.foresight;

    return foresight->forecast != NULL && query->elapsed_ms < query->target_ms &&
           foresight->forecast(foresight->context, query, forecast);
}

static bool
ask(const struct engine *engine, const struct fold *fold, size_t slot, const struct foresight_query *query,
    struct foresight_told *told)
{
    const struct clock *clock = &fold->clocks[slot];

    if (!forecast_of(engine, query, &told->forecast))
        return false;
    told->contexts = engine->risk.foresight.contexts;
    memcpy(told->numbers, query->view.numbers, sizeof told->numbers);
    for (unsigned i = 0; i < ATTRIBUTES_COUNT; i++)
        told->texts[i] = engine_text(engine, query->view.texts[i] != 0 ? fold->life.attributes[i] : 0);
    told->finish_p50_at_ms = finish_at_ms(clock, fold->life.at_ms, told->forecast.p50_ms);
    told->finish_p90_at_ms = finish_at_ms(clock, fold->life.at_ms, told->forecast.p90_ms);
    return true;
}

bool
risk_ask(const struct engine *engine, const struct fold *fold, size_t slot, struct foresight_told *told)
{
    const struct policy_foresight *rules = risk_rules(engine);
    struct foresight_query query;

    if (rules == NULL || engine->risk.foresight.forecast == NULL || !fold_is_active(fold) ||
        !risk_is_open(&fold->clocks[slot]))
        return false;
    make_query(engine, fold, slot, fold->life.at_ms, rules->people, &query);
    return ask(engine, fold, slot, &query, told);
}

/* ---- when to look again ---- */

/* Landmarks and half way between them: counted time of the first one beyond elapsed; NEVER: the target is
 * next. */
static int64_t
next_point_ms(int64_t elapsed_ms, int64_t target_ms)
{
    for (int landmark = 0; landmark < FORESIGHT_LANDMARKS_COUNT; landmark++) {
        int64_t point_ms = foresight_landmark_ms(landmark, target_ms);
        int64_t beyond_ms = landmark + 1 < FORESIGHT_LANDMARKS_COUNT
                                ? foresight_landmark_ms(landmark + 1, target_ms)
                                : target_ms;

        if (point_ms > elapsed_ms)
            return point_ms;
        if (point_ms + (beyond_ms - point_ms) / 2 > elapsed_ms)
            return point_ms + (beyond_ms - point_ms) / 2;
    }
    return NEVER;
}

int64_t
risk_next_ms(const struct engine *engine, const struct fold *fold)
{
    int64_t next_ms = NEVER;

    if (engine->risk.foresight.forecast == NULL || risk_rules(engine) == NULL || !fold_is_active(fold))
        return NEVER;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        const struct clock *clock = &fold->clocks[slot];
        int64_t point_ms, at_ms;

        if (!risk_is_open(clock) || !clock->running)
            continue;
        point_ms = next_point_ms(clock_elapsed_ms(clock, fold->life.at_ms), clock->target_ms);
        at_ms = point_ms != NEVER ? clock_reaches_at_ms(clock, point_ms) : NEVER;
        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    return next_ms;
}

/* ---- what may be spent ---- */

static struct risk_spent *
spent_of(struct engine *engine, symbol group)
{
    struct risk *risk = &engine->risk;

    for (size_t i = 0; i < risk->spent_count; i++) {
        if (risk->spent[i].group == group)
            return &risk->spent[i];
    }
    if (risk->spent_count == risk->spent_room) {
        risk->spent_room = risk->spent_room > 0 ? risk->spent_room * 2 : 16;
        risk->spent = memory_resize(risk->spent, risk->spent_room * sizeof *risk->spent);
    }
    symbols_retain(engine->options.symbols, group);
    risk->spent[risk->spent_count] = (struct risk_spent){group, 0};
    return &risk->spent[risk->spent_count++];
}

/* What was fired today before this process held the tickets, by the group they have now. */
static void
count_again(struct engine *engine)
{
    const struct ticket *ticket;
    size_t cursor = 0;

    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        struct life life;

        if (ticket->retired || !hot_life(ticket, &life))
            continue;
        for (uint32_t i = 0; i < ticket->marks.alerts_count; i++) {
            const struct alert_mark *mark = &ticket->marks.alerts[i];

            if (mark->stage == engine->risk.stage && mark->effective_at_ms >= engine->risk.day_from_ms)
                spent_of(engine, life.attributes[ATTRIBUTE_GROUP])->count++;
        }
    }
}

static void
turn_day(struct engine *engine)
{
    const struct policy *policy =
        policy_set_version(engine->set, policy_set_in_force(engine->set, engine->t_ms));
    const struct zone *zone =
        policy->experience.zone != POLICY_NONE ? policy->zones[policy->experience.zone].zone : NULL;
    struct risk *risk = &engine->risk;

    if (risk->day_to_ms == INSTANT_NONE || engine->t_ms >= risk->day_to_ms) {
        forget_spent(engine);
        risk->day_to_ms = score_windows_midnight_ms(zone, engine->t_ms, 1);
        risk->day_from_ms = score_windows_midnight_ms(zone, engine->t_ms - 2 * INT64_C(86400000), 2);
        while (score_windows_midnight_ms(zone, risk->day_from_ms, 1) <= engine->t_ms)
            risk->day_from_ms = score_windows_midnight_ms(zone, risk->day_from_ms, 1);
    }
    if (risk->recount) {
        risk->recount = false;
        forget_spent(engine);
        count_again(engine);
    }
}

/* This task's part of the group's budget: the parts of all tasks add up to it. */
static uint32_t
share_of_budget(const struct engine *engine, uint32_t budget, symbol group)
{
    uint32_t tasks = engine->risk.foresight.tasks_count > 0 ? engine->risk.foresight.tasks_count : 1;
    uint64_t turn = symbols_hash(engine->options.symbols, group) + engine->risk.foresight.task;

    return budget / tasks + (turn % tasks < budget % tasks);
}

static bool
may_spend(struct engine *engine, uint32_t budget, symbol group)
{
    if (budget == 0)
        return true;
    turn_day(engine);
    return spent_of(engine, group)->count < share_of_budget(engine, budget, group);
}

/* ---- moving alerts ---- */

/* The backstop: so much of the target is used up. */
static bool
is_beyond(const struct foresight_query *query, const struct policy_foresight *rules)
{
    return query->elapsed_ms >= query->target_ms / WHOLE_BP * rules->backstop_bp +
                                    query->target_ms % WHOLE_BP * rules->backstop_bp / WHOLE_BP;
}

/* What this forecast would fire, if nothing else stands in the way. */
static bool
is_worth_saying(const struct foresight_query *query, const struct foresight_forecast *forecast,
                const struct policy_foresight *rules)
{
    bool likely =
        forecast->confidence == FORESIGHT_NORMAL && forecast->p_permille * PERMILLE_BP >= rules->fire_bp;

    return forecast->confidence != FORESIGHT_LOW && (likely || is_beyond(query, rules)) &&
           query->target_ms - query->elapsed_ms >= rules->min_actionable_ms;
}

enum risk_move { RISK_STANDS, RISK_FIRES, RISK_CLEARS };

static enum risk_move
move_of(struct engine *engine, const struct ticket *ticket, const struct fold *fold, size_t slot,
        const struct alert_mark *mark, const struct policy_foresight *rules)
{
    const struct clock *clock = &fold->clocks[slot];
    bool live = mark != NULL && announce_is_live(mark), beyond;
    struct foresight_forecast forecast;
    struct foresight_query query;
    int p_bp;

    if (rules == NULL)
        return live ? RISK_CLEARS : RISK_STANDS;
    if (!clock->running || foresight_held_out(ticket_name(ticket), rules->hold_out_bp / PERMILLE_BP))
        return RISK_STANDS;
    make_query(engine, fold, slot, fold->life.at_ms, rules->people, &query);
    query.brief = true;
    if (!forecast_of(engine, &query, &forecast) || forecast.confidence == FORESIGHT_LOW)
        return RISK_STANDS;
    p_bp = forecast.confidence == FORESIGHT_NORMAL ? forecast.p_permille * PERMILLE_BP : 0;
    beyond = is_beyond(&query, rules);
    if (live)
        return !beyond && forecast.confidence == FORESIGHT_NORMAL && p_bp < rules->clear_bp ? RISK_CLEARS
                                                                                            : RISK_STANDS;
    if (!is_worth_saying(&query, &forecast, rules) || fold->life.at_ms < engine->options.alerts_from_ms ||
        !may_spend(engine, rules->budget, fold->life.attributes[ATTRIBUTE_GROUP]))
        return RISK_STANDS;
    return RISK_FIRES;
}

static struct alert_mark *
mark_of(const struct engine *engine, const struct ticket *ticket, const struct clock *clock)
{
    return announce_mark((struct ticket *)ticket, clock->promise->kind, clock->promise->name, clock->cycle,
                         engine->risk.stage);
}

bool
risk_speaks(struct engine *engine, const struct ticket *ticket, const struct fold *fold)
{
    const struct policy_foresight *rules = risk_rules(engine);

    if (engine->risk.foresight.forecast == NULL || engine->quiet || !fold_is_active(fold))
        return false;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        const struct clock *clock = &fold->clocks[slot];

        if (risk_is_open(clock) &&
            move_of(engine, ticket, fold, slot, mark_of(engine, ticket, clock), rules) != RISK_STANDS)
            return true;
    }
    return false;
}

static void
fire(struct engine *engine, struct ticket *ticket, size_t slot, struct alert_mark *mark)
{
    const struct fold *fold = engine->said;
    const struct clock *clock = &fold->clocks[slot];
    bool again = mark != NULL && mark->state == ALERT_RESOLVED;

    if (mark == NULL)
        mark = announce_add_mark(engine, ticket, clock, engine->risk.stage);
    mark->state = again ? ALERT_REPEATED : ALERT_FIRING;
    mark->n += again;
    if (!again)
        mark->effective_at_ms = fold->life.at_ms;
    mark->paged_ms = clock_elapsed_ms(clock, fold->life.at_ms);
    if (risk_rules(engine)->budget > 0)
        spent_of(engine, fold->life.attributes[ATTRIBUTE_GROUP])->count++;
    engine->figures.risks_fired++;
    announce_send(engine, ticket, clock, &fold->extras[slot], mark);
}

void
risk_follow(struct engine *engine, struct ticket *ticket)
{
    const struct policy_foresight *rules = risk_rules(engine);
    const struct fold *fold = engine->said;

    if (engine->risk.foresight.forecast == NULL || engine->quiet || !fold_is_active(fold))
        return;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        const struct clock *clock = &fold->clocks[slot];
        struct alert_mark *mark = mark_of(engine, ticket, clock);
        enum risk_move move =
            risk_is_open(clock) ? move_of(engine, ticket, fold, slot, mark, rules) : RISK_STANDS;

        if (move == RISK_FIRES)
            fire(engine, ticket, slot, mark);
        if (move == RISK_CLEARS) {
            mark->state = ALERT_RESOLVED;
            engine->figures.risks_cleared++;
            announce_send(engine, ticket, clock, &fold->extras[slot], mark);
        }
    }
}

/* ---- telling ---- */

static int
landmark_at(const struct foresight_query *query)
{
    int landmark = foresight_landmark(query->elapsed_ms, query->target_ms);

    return landmark >= 0 && foresight_landmark_ms(landmark, query->target_ms) == query->elapsed_ms ? landmark
                                                                                                   : -1;
}

void
risk_tell(const struct engine *engine, const struct ticket *ticket, const struct fold *fold, bool event)
{
    const struct policy_foresight *rules = risk_rules(engine);

    if (engine->options.sink.risk == NULL || rules == NULL || !fold_is_active(fold))
        return;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        const struct clock *clock = &fold->clocks[slot];
        const struct policy *policy = policy_set_version(engine->set, clock->version);
        struct foresight_query query;
        struct foresight_told told;
        struct engine_risk risk;

        if (!risk_is_open(clock))
            continue;
        make_query(engine, fold, slot, fold->life.at_ms, rules->people, &query);
        risk = (struct engine_risk){{ticket_name(ticket), clock->promise->kind,
                                     policy->agreements[clock->promise->agreement].name,
                                     engine_text(engine, clock->promise->name), clock->cycle},
                                    fold->life.at_ms,
                                    query.elapsed_ms,
                                    query.target_ms,
                                    !clock->running,
                                    landmark_at(&query),
                                    &query,
                                    NULL};
        if (!event && (risk.landmark < 0 || !clock->running))
            continue;
        if (ask(engine, fold, slot, &query, &told))
            risk.told = &told;
        engine->options.sink.risk(engine->options.sink.context, &risk);
    }
}

/* ---- what will come of it ---- */

/* The points at which the engine will look again, one after the other, as if nothing happened until then. */
static void
look_ahead(const struct engine *engine, const struct fold *fold, size_t slot, bool may_fire,
           struct explain_risk *outlook)
{
    const struct policy_foresight *rules = risk_rules(engine);
    const struct clock *clock = &fold->clocks[slot];
    int64_t point_ms = clock_elapsed_ms(clock, fold->life.at_ms);

    while ((point_ms = next_point_ms(point_ms, clock->target_ms)) != NEVER) {
        int64_t at_ms = clock_reaches_at_ms(clock, point_ms);
        struct foresight_forecast forecast;
        struct foresight_query query;

        if (at_ms == NEVER)
            return;
        if (outlook->next_at_ms == INSTANT_NONE) {
            outlook->next_at_ms = at_ms;
            outlook->next_elapsed_ms = point_ms;
        }
        make_query(engine, fold, slot, at_ms, rules->people, &query);
        query.elapsed_ms = point_ms;
        if (!may_fire)
            return;
        query.brief = true;
        if (forecast_of(engine, &query, &forecast) && is_worth_saying(&query, &forecast, rules)) {
            outlook->fires_at_ms = at_ms;
            return;
        }
    }
}

bool
risk_outlook(const struct engine *engine, const struct ticket *ticket, size_t slot,
             struct explain_risk *outlook)
{
    const struct policy_foresight *rules = risk_rules(engine);
    const struct fold *fold = &engine->full;
    const struct clock *clock = &fold->clocks[slot];
    const struct alert_mark *mark = mark_of(engine, ticket, clock);
    bool fired = mark != NULL && announce_is_live(mark);

    if (!risk_ask(engine, fold, slot, &outlook->told))
        return false;
    outlook->next_elapsed_ms = 0;
    outlook->fire_permille = rules->fire_bp / PERMILLE_BP;
    outlook->next_at_ms = outlook->fires_at_ms = INSTANT_NONE;
    outlook->fired_at_ms = fired ? mark->effective_at_ms : INSTANT_NONE;
    if (clock->running)
        look_ahead(engine, fold, slot,
                   !fired && !foresight_held_out(ticket_name(ticket), rules->hold_out_bp / PERMILLE_BP),
                   outlook);
    return true;
}

void
engine_set_foresight(struct engine *engine, const struct engine_foresight *foresight, int64_t t_ms)
{
    bool knew = engine->risk.foresight.forecast != NULL;
    struct ticket *ticket;
    size_t cursor = 0;

    engine->risk.foresight = foresight != NULL ? *foresight : (struct engine_foresight){.forecast = NULL};
    engine->t_ms = t_ms > engine->t_ms ? t_ms : engine->t_ms;
    if (knew || foresight == NULL || risk_rules(engine) == NULL)
        return; /* nobody has to be asked anew, or nobody asks */
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        if (ticket->open &&
            !ticket->cold) /* those are asked when they are warmed: a start waits for nobody */
            engine_wake_at(engine, ticket, engine->t_ms);
    }
}
