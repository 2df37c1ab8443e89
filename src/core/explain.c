/*
 * What: a ticket's clocks told as stretches of time, each with its cause (slad/explain.h).
 *
 * Why this way: the fold keeps what was counted as runs, and that is the truth to be told. So nothing is
 * computed twice: a watcher of one more derivation writes down, after each event and version, how the ticket
 * stood (moments) and which terms each clock had (terms); then each cycle's life is cut at its runs, at the
 * moments that changed something, and inside a run at the calendar's edges. What lies in a run is counted,
 * whatever the ticket looked like; the moments only say why.
 *
 * Always true: stretches follow one another from the start to the end or T without a hole; the counted ones
 * add up to elapsed (checked, also in production); the projected ones to target - elapsed.
 *
 * Not here: words (slactl explain).
 */
#include "slad/explain.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/ticket.h"
#include <stdlib.h>

/* How the ticket stood behind an event or a version's beginning. */
struct moment {
    struct entry entry; /* type and ids; of a version all zero */
    bool is_version;
    bool relevant; /* it changed who has the ball, or what a reader would call the reason */
    uint16_t changed;
    uint16_t version;
    uint8_t ball, phase, waiting_on;
    bool gone; /* deleted or merged */
    int64_t at_ms;
    symbol status, group;
};

/* A clock's terms from a moment on. */
struct term {
    size_t moment;
    enum clock_kind kind;
    symbol name;
    uint32_t cycle;
    const struct policy_clock *promise;
    const struct calendar *calendar;
    int64_t target_ms;
    uint16_t version;
    bool running, ended;
};

struct explaining {
    struct engine *engine;
    const struct ticket *ticket;
    const struct explain_sink *sink;
    int64_t t_ms;
    struct moment *moments;
    size_t moments_count, moments_room;
    struct term *terms;
    size_t terms_count, terms_room;
    int64_t *cuts;
    size_t cuts_count, cuts_room;
};

/* One cycle in hand. */
struct cycle {
    const struct clock *clock;
    const struct clock_extra *extra;
    int64_t from_ms, to_ms;
    int64_t elapsed_ms; /* of the stretches told so far */
};

/* ---- watching ---- */

static struct term *
last_term(struct explaining *explaining, const struct clock *clock)
{
    for (size_t i = explaining->terms_count; i > 0; i--) {
        struct term *term = &explaining->terms[i - 1];

        if (term->kind == clock->promise->kind && term->name == clock->promise->name)
            return term;
    }
    return NULL;
}

static void
watch_clock(struct explaining *explaining, const struct clock *clock)
{
    const struct term *last = last_term(explaining, clock);
    struct term now = {explaining->moments_count - 1,
                       clock->promise->kind,
                       clock->promise->name,
                       clock->cycle,
                       clock->promise,
                       clock->calendar,
                       clock->target_ms,
                       clock->version,
                       clock->running,
                       clock->ended};

    if (clock->started_at_ms == INSTANT_NONE ||
        (last != NULL && last->cycle == now.cycle && last->promise == now.promise &&
         last->calendar == now.calendar && last->target_ms == now.target_ms && last->version == now.version &&
         last->running == now.running && last->ended == now.ended))
        return;
    if (explaining->terms_count == explaining->terms_room) {
        explaining->terms_room = explaining->terms_room > 0 ? explaining->terms_room * 2 : 64;
        explaining->terms =
            memory_resize(explaining->terms, explaining->terms_room * sizeof *explaining->terms);
    }
    explaining->terms[explaining->terms_count++] = now;
}

static void
compare_moments(const struct moment *before, struct moment *now)
{
    now->changed |= (uint16_t)(before->status != now->status ? ATTRIBUTE_BIT(ATTRIBUTE_STATUS) : 0);
    now->changed |= (uint16_t)(before->group != now->group ? ATTRIBUTE_BIT(ATTRIBUTE_GROUP) : 0);
    now->relevant = now->changed != 0 || before->ball != now->ball || before->phase != now->phase ||
                    before->waiting_on != now->waiting_on || before->gone != now->gone;
}

static void
watch(void *context, const struct fold *fold, const struct entry *entry)
{
    struct explaining *explaining = context;
    const struct life *life = &fold->life;
    struct moment now = {
        .is_version = entry == NULL,
        .version = life->version,
        .ball = life->ball,
        .phase = life->phase,
        .waiting_on = life->waiting_on,
        .gone = life->deleted || life->merged,
        .at_ms = entry != NULL ? entry->at_ms : life->at_ms,
        .status = life->attributes[ATTRIBUTE_STATUS],
        .group = life->attributes[ATTRIBUTE_GROUP],
        .relevant = true,
    };

    if (!life->exists) /* a merge or an excuse before the ticket's first event */
        return;
    if (entry != NULL)
        now.entry = *entry;
    if (explaining->moments_count > 0)
        compare_moments(&explaining->moments[explaining->moments_count - 1], &now);
    if (explaining->moments_count == explaining->moments_room) {
        explaining->moments_room = explaining->moments_room > 0 ? explaining->moments_room * 2 : 64;
        explaining->moments =
            memory_resize(explaining->moments, explaining->moments_room * sizeof *explaining->moments);
    }
    explaining->moments[explaining->moments_count++] = now;
    for (size_t slot = 0; slot < fold->clocks_count; slot++)
        watch_clock(explaining, &fold->clocks[slot]);
}

/* The same days as any other question would get (R49), then once more with the watcher. */
static void
derive(struct explaining *explaining, struct ticket *ticket)
{
    struct engine *engine = explaining->engine;
    struct fold *fold = &engine->full;

    fold_init_again(fold, engine->set, &ticket->history);
    engine->merging =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
    fold_derive(fold, explaining->t_ms, true);
    fold->watch = watch;
    fold->watch_context = explaining;
    fold_derive_with_days(fold, fold->days_version, explaining->t_ms, true);
    fold->watch = NULL;
    announce_corrections(engine, ticket);
}

/* ---- looking up ---- */

/* The last moment at or before at_ms; NULL: before the first. */
static const struct moment *
moment_at(const struct explaining *explaining, int64_t at_ms)
{
    const struct moment *found = NULL;

    for (size_t i = 0; i < explaining->moments_count && explaining->moments[i].at_ms <= at_ms; i++)
        found = &explaining->moments[i];
    return found;
}

/* The terms of this cycle as of at_ms; NULL: none were written down (a clock gained later looks back). */
static const struct term *
term_at(const struct explaining *explaining, const struct clock *clock, int64_t at_ms)
{
    const struct term *found = NULL;

    for (size_t i = 0; i < explaining->terms_count; i++) {
        const struct term *term = &explaining->terms[i];

        if (term->kind == clock->promise->kind && term->name == clock->promise->name &&
            term->cycle == clock->cycle && explaining->moments[term->moment].at_ms <= at_ms)
            found = term;
    }
    return found;
}

/* The cause that a reader would name: the last moment up to at_ms that changed the ticket, or this clock. */
static const struct moment *
cause_at(const struct explaining *explaining, const struct clock *clock, int64_t at_ms)
{
    const struct term *term = term_at(explaining, clock, at_ms);
    const struct moment *found = NULL;

    for (size_t i = 0; i < explaining->moments_count && explaining->moments[i].at_ms <= at_ms; i++) {
        if (explaining->moments[i].relevant || (term != NULL && term->moment == i))
            found = &explaining->moments[i];
    }
    return found;
}

/* What ended a clock: where its terms say so, else (the same event began its next cycle) the last event of
 * that instant. */
static const struct moment *
cause_of_end(const struct explaining *explaining, const struct clock *clock)
{
    const struct moment *found = NULL;

    for (size_t i = 0; i < explaining->moments_count; i++) {
        if (explaining->moments[i].at_ms == clock->stopped_at_ms && !explaining->moments[i].is_version)
            found = &explaining->moments[i];
    }
    for (size_t i = 0; i < explaining->terms_count; i++) {
        const struct term *term = &explaining->terms[i];

        if (term->ended && term->kind == clock->promise->kind && term->name == clock->promise->name &&
            term->cycle == clock->cycle && explaining->moments[term->moment].at_ms == clock->stopped_at_ms)
            found = &explaining->moments[term->moment];
    }
    return found;
}

/* What put the start before the ticket's first event: a merge that brought its own, else a correction; the
 * last of them. */
static const struct moment *
cause_of_start(const struct explaining *explaining, const struct cycle *cycle)
{
    const struct moment *found = &explaining->moments[0];

    for (size_t i = 0; i < explaining->moments_count; i++) {
        const struct entry *entry = &explaining->moments[i].entry;

        if (explaining->moments[i].is_version)
            continue;
        if (entry->type == ENTRY_MERGE_IN ? entry->created_at_ms == cycle->from_ms ||
                                                (entry->has_contact && entry->contact_at_ms == cycle->from_ms)
                                          : entry->has_created_at && entry->created_at_ms == cycle->from_ms)
            found = &explaining->moments[i];
    }
    return found;
}

static const struct clock_run *
run_at(const struct clock_extra *extra, int64_t at_ms)
{
    for (size_t i = 0; i < extra->runs_count; i++) {
        if (extra->runs[i].from_ms <= at_ms && at_ms < extra->runs[i].to_ms)
            return &extra->runs[i];
    }
    return NULL;
}

static struct slice
calendar_name(const struct explaining *explaining, const struct policy_clock *promise, uint16_t version)
{
    return policy_set_version(explaining->engine->set, version)->calendars[promise->calendar].name;
}

static struct slice
label_of(const struct explaining *explaining, size_t version)
{
    return policy_set_version(explaining->engine->set, version)->label;
}

static void
fill_cause(const struct explaining *explaining, const struct moment *moment, struct explain_cause *cause)
{
    const struct engine *engine = explaining->engine;
    const struct entry *entry = &moment->entry;

    *cause = (struct explain_cause){
        .kind = moment->is_version              ? EXPLAIN_VERSION
                : entry->type == ENTRY_MERGE_IN ? EXPLAIN_MERGE_IN
                                                : EXPLAIN_EVENT,
        .type = moment->is_version || entry->type == ENTRY_MERGE_IN ? EVENT_TYPES_COUNT
                                                                    : (enum event_type)entry->type,
        .at_ms = moment->at_ms,
        .event = engine_text(engine, entry->id),
        .source = engine_text(engine, entry->source),
        .other = engine_text(engine, entry->other),
        .status = engine_text(engine, moment->status),
        .group = engine_text(engine, moment->group),
        .ball = moment->ball,
        .changed = moment->changed,
        .waits = entry->has_waiting_on,
    };
    if (moment->is_version)
        cause->policy = label_of(explaining, moment->version);
}

/* ---- cutting ---- */

static void
cut(struct explaining *explaining, const struct cycle *cycle, int64_t at_ms)
{
    if (at_ms < cycle->from_ms || at_ms > cycle->to_ms)
        return;
    if (explaining->cuts_count == explaining->cuts_room) {
        explaining->cuts_room = explaining->cuts_room > 0 ? explaining->cuts_room * 2 : 64;
        explaining->cuts = memory_resize(explaining->cuts, explaining->cuts_room * sizeof *explaining->cuts);
    }
    explaining->cuts[explaining->cuts_count++] = at_ms;
}

static int
compare_cuts(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

    return left < right ? -1 : left > right;
}

static void
find_cuts(struct explaining *explaining, const struct cycle *cycle, const struct clock_figures *figures)
{
    const struct policy_clock *promise = cycle->clock->promise;

    explaining->cuts_count = 0;
    cut(explaining, cycle, cycle->from_ms);
    cut(explaining, cycle, cycle->to_ms);
    if (figures->due_at_ms != INSTANT_NONE)
        cut(explaining, cycle, figures->due_at_ms);
    if (figures->breached_at_ms != INSTANT_NONE)
        cut(explaining, cycle, figures->breached_at_ms);
    for (size_t i = 0; i < cycle->extra->runs_count; i++) {
        cut(explaining, cycle, cycle->extra->runs[i].from_ms);
        cut(explaining, cycle, cycle->extra->runs[i].to_ms);
    }
    for (size_t i = 0; i < explaining->moments_count; i++) {
        if (explaining->moments[i].relevant)
            cut(explaining, cycle, explaining->moments[i].at_ms);
    }
    for (size_t i = 0; i < explaining->terms_count; i++) {
        const struct term *term = &explaining->terms[i];

        if (term->kind == promise->kind && term->name == promise->name && term->cycle == cycle->clock->cycle)
            cut(explaining, cycle, explaining->moments[term->moment].at_ms);
    }
    qsort(explaining->cuts, explaining->cuts_count, sizeof *explaining->cuts, compare_cuts);
}

/* ---- telling ---- */

static void
tell(struct explaining *explaining, struct cycle *cycle, struct explain_stretch *stretch)
{
    stretch->counted_ms = stretch->why == EXPLAIN_COUNTED ? stretch->to_ms - stretch->from_ms : 0;
    cycle->elapsed_ms += stretch->counted_ms;
    stretch->elapsed_ms = cycle->elapsed_ms;
    if (explaining->sink->stretch != NULL)
        explaining->sink->stretch(explaining->sink->context, stretch);
}

/* Inside a run: open and closed in turn. */
static void
tell_run(struct explaining *explaining, struct cycle *cycle, const struct explain_stretch *whole,
         const struct calendar *calendar)
{
    int64_t at_ms = whole->from_ms;

    while (at_ms < whole->to_ms) {
        struct explain_stretch stretch = *whole;
        int64_t edge_ms = calendar_next_edge_ms(calendar, at_ms);
        bool open = calendar_is_open(calendar, at_ms);

        stretch.why = open ? EXPLAIN_COUNTED : EXPLAIN_CLOSED;
        stretch.from_ms = at_ms;
        stretch.to_ms = edge_ms < whole->to_ms ? edge_ms : whole->to_ms;
        stretch.in_hours_ms = open ? stretch.to_ms - stretch.from_ms : 0;
        stretch.begins_at_edge = calendar_previous_edge_ms(calendar, at_ms) == at_ms;
        stretch.ends_at_edge = edge_ms <= whole->to_ms;
        tell(explaining, cycle, &stretch);
        at_ms = stretch.to_ms;
    }
}

/* Whose time it was, as the account of the clock has it (R26, R31, R40). */
static enum party
party_of_piece(const struct explaining *explaining, const struct moment *moment, const struct term *term,
               bool runs)
{
    if (moment == NULL)
        return account_attribution(explaining->engine->full.life.first_ball);
    if (runs && (moment->phase != PHASE_ACTIVE || moment->gone || (term != NULL && term->ended)))
        return PARTY_PROVIDER;
    return !runs && term != NULL && term->ended ? PARTY_NOBODY : account_attribution(moment->ball);
}

/* From one cut to the next. */
static void
tell_piece(struct explaining *explaining, struct cycle *cycle, int64_t from_ms, int64_t to_ms)
{
    const struct clock *clock = cycle->clock;
    const struct clock_run *run = run_at(cycle->extra, from_ms);
    const struct moment *moment = moment_at(explaining, from_ms),
                        *cause = cause_at(explaining, clock, from_ms);
    const struct term *term = term_at(explaining, clock, from_ms);
    const struct policy_clock *promise = term != NULL ? term->promise : clock->promise;
    const struct calendar *calendar = run != NULL    ? run->calendar
                                      : term != NULL ? term->calendar
                                                     : cycle->extra->first_calendar;
    uint16_t version = term != NULL ? term->version : clock->version;
    struct explain_stretch stretch = {.from_ms = from_ms, .to_ms = to_ms};

    stretch.party = party_of_piece(explaining, moment, term, run != NULL);
    stretch.calendar = calendar_name(explaining, promise, version);
    stretch.policy = label_of(explaining, version);
    stretch.target_ms = term != NULL ? term->target_ms : clock->target_ms;
    fill_cause(explaining, moment == NULL || cause == NULL ? cause_of_start(explaining, cycle) : cause,
               &stretch.cause);
    stretch.cause.moved_start = moment == NULL;
    if (run != NULL) {
        tell_run(explaining, cycle, &stretch, calendar);
        return;
    }
    stretch.why = stretch.party == PARTY_NOBODY ? EXPLAIN_OVER : EXPLAIN_PAUSED;
    stretch.in_hours_ms = calendar_counted_ms(calendar, from_ms, to_ms);
    tell(explaining, cycle, &stretch);
}

/* What is still to be counted up to due, if nothing happens. */
static void
tell_rest(struct explaining *explaining, struct cycle *cycle, int64_t due_at_ms)
{
    const struct clock *clock = cycle->clock;
    struct explain_stretch stretch = {.projected = true, .from_ms = explaining->t_ms, .to_ms = due_at_ms};
    const struct moment *cause = cause_at(explaining, clock, explaining->t_ms);

    stretch.party = account_attribution(explaining->engine->full.life.ball);
    stretch.calendar = calendar_name(explaining, clock->promise, clock->version);
    stretch.policy = label_of(explaining, clock->version);
    stretch.target_ms = clock->target_ms;
    fill_cause(explaining, cause, &stretch.cause);
    tell_run(explaining, cycle, &stretch, clock->calendar);
    must(cycle->elapsed_ms == clock->target_ms);
}

static void
fill_zone(const struct explaining *explaining, const struct policy_clock *promise, uint16_t version,
          struct explain_clock *told)
{
    const struct policy *policy = policy_set_version(explaining->engine->set, version);
    int calendar = promise->calendar;

    told->zone_name = slice_of("UTC");
    while (policy->calendars[calendar].is_union)
        calendar = policy->calendars[calendar].members[0];
    if (policy->calendars[calendar].zone == POLICY_NONE)
        return;
    told->zone_name = policy->zones[policy->calendars[calendar].zone].name;
    told->zone_bytes = policy->zones[policy->calendars[calendar].zone].bytes;
    told->zone = policy->zones[policy->calendars[calendar].zone].zone;
}

/* The days, and with them the zone, are those of a later version if it has the calendar. */
static void
fill_clock(const struct explaining *explaining, const struct clock *clock, const struct clock_extra *extra,
           struct explain_clock *told)
{
    const struct fold *fold = &explaining->engine->full;
    const struct policy *policy = policy_set_version(fold->set, clock->version);
    int64_t at_ms = clock->ended ? clock->stopped_at_ms : explaining->t_ms;
    const struct moment *end;

    *told = (struct explain_clock){
        .name = {ticket_name(explaining->ticket), clock->promise->kind,
                 policy->agreements[clock->promise->agreement].name,
                 engine_text(explaining->engine, clock->promise->name), clock->cycle},
        .measure = clock->promise->measure,
        .counts = clock->promise->counts,
        .calendar = calendar_name(explaining, clock->promise, clock->version),
        .policy = policy->label,
        .days_policy =
            label_of(explaining, fold->days_version > clock->version ? fold->days_version : clock->version),
        .supports_kind = clock->promise->supports_kind,
        .supports_clock = engine_text(explaining->engine, clock->promise->supports_clock),
    };
    clock_figures_at(clock, extra, at_ms, &told->figures);
    if (clock->started_at_ms == INSTANT_NONE)
        told->figures.target_ms =
            promise_target_ms(clock->promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
    fill_zone(explaining, clock->promise, clock->version, told);
    end = clock->ended ? cause_of_end(explaining, clock) : NULL;
    told->has_end = end != NULL;
    if (end != NULL)
        fill_cause(explaining, end, &told->end);
}

/* When a clock was, or if nothing happens will be, at this much counted time. */
static void
fill_stage(const struct explaining *explaining, const struct clock *clock, const struct clock_extra *extra,
           struct explain_stage *told)
{
    int64_t reached_ms = clock->ended ? NEVER : clock_reaches_at_ms(clock, told->after_ms);

    told->at_ms = INSTANT_NONE;
    for (size_t i = 0; i < extra->passed_count; i++) {
        if (extra->passed[i].stage != NULL && slice_equal(extra->passed[i].stage->name, told->name))
            told->at_ms = extra->passed[i].effective_at_ms;
    }
    if (told->at_ms != INSTANT_NONE || reached_ms == NEVER || reached_ms <= explaining->t_ms)
        return;
    told->at_ms = reached_ms;
    told->projected = true;
}

static void
tell_stages(const struct explaining *explaining, const struct clock *clock, const struct clock_extra *extra)
{
    struct explain_stage stages[POLICY_STAGES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < clock->promise->stages_count; i++) {
        const struct policy_stage *stage = &clock->promise->stages[i];
        int64_t after_ms = clock_stage_threshold_ms(stage, clock->target_ms);
        size_t place = count;

        if (after_ms == NEVER)
            continue;
        for (; place > 0 && stages[place - 1].after_ms > after_ms; place--)
            stages[place] = stages[place - 1];
        stages[place] = (struct explain_stage){.name = stage->name, .after_ms = after_ms};
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        fill_stage(explaining, clock, extra, &stages[i]);
        explaining->sink->stage(explaining->sink->context, &stages[i]);
    }
}

/* A present cycle alone: past ones are over. */
static void
tell_risk(const struct explaining *explaining, const struct clock *clock)
{
    const struct fold *fold = &explaining->engine->full;
    struct explain_risk told;

    for (size_t slot = 0; slot < fold->clocks_count; slot++)
        if (clock == &fold->clocks[slot] && risk_outlook(explaining->engine, explaining->ticket, slot, &told))
            explaining->sink->risk(explaining->sink->context, &told);
}

static void
explain_cycle(struct explaining *explaining, const struct clock *clock, const struct clock_extra *extra)
{
    struct explain_clock told;
    struct cycle cycle = {clock, extra, clock->started_at_ms,
                          clock->ended ? clock->stopped_at_ms : explaining->t_ms, 0};

    fill_clock(explaining, clock, extra, &told);
    if (explaining->sink->clock != NULL)
        explaining->sink->clock(explaining->sink->context, &told);
    if (clock->started_at_ms == INSTANT_NONE)
        return;
    if (explaining->sink->stage != NULL)
        tell_stages(explaining, clock, extra);
    if (explaining->sink->risk != NULL)
        tell_risk(explaining, clock);
    find_cuts(explaining, &cycle, &told.figures);
    for (size_t i = 0; i + 1 < explaining->cuts_count; i++) {
        if (explaining->cuts[i] < explaining->cuts[i + 1])
            tell_piece(explaining, &cycle, explaining->cuts[i], explaining->cuts[i + 1]);
    }
    must(cycle.elapsed_ms == told.figures.elapsed_ms);
    if (clock->running && told.figures.due_at_ms != INSTANT_NONE && told.figures.due_at_ms > explaining->t_ms)
        tell_rest(explaining, &cycle, told.figures.due_at_ms);
}

/* A present or past cycle in the order in which they are told. */
struct place {
    const struct clock *clock;
    const struct clock_extra *extra;
    struct slice name;
};

static int
compare_places(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    int order;

    if (left->clock->promise->kind != right->clock->promise->kind)
        return left->clock->promise->kind < right->clock->promise->kind ? -1 : 1;
    order = slice_compare(left->name, right->name);
    return order != 0                                 ? order
           : left->clock->cycle < right->clock->cycle ? -1
                                                      : left->clock->cycle > right->clock->cycle;
}

void
engine_explain(struct engine *engine, struct ticket *ticket, int64_t t_ms, const struct explain_sink *sink)
{
    struct explaining explaining = {.engine = engine, .ticket = ticket, .sink = sink, .t_ms = t_ms};
    const struct fold *fold = &engine->full;
    struct place *places;
    size_t count = 0;

    derive(&explaining, ticket);
    places = memory_allocate((fold->clocks_count + fold->past_count + 1) * sizeof *places);
    for (size_t i = 0; i < fold->past_count; i++)
        places[count++] = (struct place){&fold->past[i].clock, &fold->past[i].extra, {NULL, 0}};
    for (size_t i = 0; i < fold->clocks_count; i++) {
        if (!(fold->clocks[i].lost && fold->clocks[i].started_at_ms == INSTANT_NONE))
            places[count++] = (struct place){&fold->clocks[i], &fold->extras[i], {NULL, 0}};
    }
    for (size_t i = 0; i < count; i++)
        places[i].name = engine_text(engine, places[i].clock->promise->name);
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++)
        explain_cycle(&explaining, places[i].clock, places[i].extra);
    memory_free(places);
    memory_free(explaining.moments);
    memory_free(explaining.terms);
    memory_free(explaining.cuts);
}
