/*
 * What foresight learns from: how each decided cycle looked at the landmarks it passed, and what became of
 * it.
 *
 * Why from the history: a ticket that kept its landmarks would be larger for its whole life and wrong after
 * every late event. So nothing is kept: when verdicts go out, the history is read once more up to now, with a
 * watcher that notes, between one event and the next, which landmarks each of the clocks passes and what was
 * true then. Always true: the same history gives the same points; a cycle has one sample when it is decided,
 * and one more when it stops after its breach. Not here: what is learned (foresight), when a verdict is due
 * (announce).
 */
#include "base/memory.h"
#include "core/ticket.h"

/* One cycle that is looked for, and how it stood behind the last entry. */
struct track {
    const struct risk_due *due;
    struct clock clock; /* promise NULL: not begun */
    int64_t first_target_ms;
    int64_t decided_at_ms;           /* breach, or the first stop; INSTANT_NONE */
    int64_t stopped_at_ms;           /* the first stop */
    const struct calendar *calendar; /* when it first stopped */
    bool censored;
    size_t points_count;
    struct {
        uint8_t landmark;
        int64_t at_ms;
        symbol attributes[ATTRIBUTES_COUNT];
        uint32_t numbers[FORESIGHT_NUMBERS_COUNT];
    } points[FORESIGHT_LANDMARKS_COUNT];
    symbol attributes[ATTRIBUTES_COUNT];
    uint32_t numbers[FORESIGHT_NUMBERS_COUNT];
};
struct tracking {
    struct track *tracks;
    size_t count;
    struct risk_past past;
};

void
risk_sample_due(struct engine *engine, const struct clock *clock, bool finish)
{
    struct risk *risk = &engine->risk;

    if (engine->options.sink.risk_sample == NULL || risk_rules(engine) == NULL ||
        clock->started_at_ms == INSTANT_NONE)
        return;
    if (risk->due_count == risk->due_room) {
        risk->due_room = risk->due_room > 0 ? risk->due_room * 2 : 8;
        risk->due = memory_resize(risk->due, risk->due_room * sizeof *risk->due);
    }
    risk->due[risk->due_count++] =
        (struct risk_due){clock->promise->kind, clock->promise->name, clock->cycle, finish};
}

/* ---- reading the history once more ---- */

/* The landmarks that this clock, as it stood, passed up to and including until_ms. */
static void
pass_landmarks(struct track *track, const struct risk_past *past, int64_t until_ms)
{
    const struct clock *clock = &track->clock;

    while (clock->promise != NULL && clock->running && track->points_count < FORESIGHT_LANDMARKS_COUNT) {
        int landmark = track->points_count > 0 ? track->points[track->points_count - 1].landmark + 1 : 0;
        int64_t counted_ms, at_ms;

        if (landmark >= FORESIGHT_LANDMARKS_COUNT)
            return;
        counted_ms = foresight_landmark_ms(landmark, clock->target_ms);
        at_ms = clock_reaches_at_ms(clock, counted_ms);
        if (at_ms == NEVER || at_ms > until_ms || counted_ms >= clock->target_ms)
            return;
        track->points[track->points_count].landmark = (uint8_t)landmark;
        track->points[track->points_count].at_ms = at_ms;
        memcpy(track->points[track->points_count].attributes, track->attributes, sizeof track->attributes);
        memcpy(track->points[track->points_count].numbers, track->numbers, sizeof track->numbers);
        risk_numbers_go_on(clock, at_ms, past, track->points[track->points_count].numbers);
        track->points_count++;
    }
}

static void
look(struct track *track, const struct fold *fold, const struct risk_past *past, int64_t at_ms)
{
    int slot = fold_slot(fold, track->due->kind, track->due->clock);
    const struct clock *clock = slot >= 0 ? &fold->clocks[slot] : NULL;

    if (clock == NULL || clock->cycle != track->due->cycle || clock->started_at_ms == INSTANT_NONE) {
        track->clock.running = false;
        return;
    }
    if (track->clock.promise == NULL)
        track->first_target_ms = clock->target_ms;
    track->censored |= clock->target_ms != track->first_target_ms && track->decided_at_ms == INSTANT_NONE;
    track->clock = *clock;
    if (track->decided_at_ms == INSTANT_NONE && clock->breached_at_ms != INSTANT_NONE)
        track->decided_at_ms = clock->breached_at_ms;
    if (clock->ended && track->stopped_at_ms == INSTANT_NONE) {
        track->stopped_at_ms = clock->stopped_at_ms;
        track->calendar = clock->calendar;
        if (track->decided_at_ms == INSTANT_NONE)
            track->decided_at_ms = clock->stopped_at_ms;
    }
    memcpy(track->attributes, fold->life.attributes, sizeof track->attributes);
    risk_numbers(fold, (size_t)slot, at_ms, past, track->numbers);
}

static void
watch(void *context, const struct fold *fold, const struct entry *entry)
{
    struct tracking *tracking = context;

    if (!fold->life.exists)
        return;
    for (size_t i = 0; i < tracking->count; i++) {
        struct track *track = &tracking->tracks[i];

        if (track->decided_at_ms == INSTANT_NONE)
            pass_landmarks(track, &tracking->past, fold->life.at_ms);
    }
    if (entry != NULL)
        tracking->past = (struct risk_past){tracking->past.events + 1, entry->at_ms};
    for (size_t i = 0; i < tracking->count; i++)
        look(&tracking->tracks[i], fold, &tracking->past, fold->life.at_ms);
}

static void
read_history(struct engine *engine, const struct ticket *ticket, struct tracking *tracking)
{
    struct fold *fold = &engine->later;

    fold_init_again(fold, engine->set, &ticket->history);
    fold->watch = watch;
    fold->watch_context = tracking;
    fold_derive_with_days(fold, engine->said->days_version, engine->said->until_ms, engine->said->through);
    watch(tracking, fold, NULL);
    fold->watch = NULL;
}

/* ---- what is told ---- */

static enum risk_label
label_of(const struct track *track)
{
    const struct clock *clock = &track->clock;

    if (track->censored || clock->excused || (clock->cancelled && clock->breached_at_ms == INSTANT_NONE))
        return RISK_CENSORED;
    return clock->breached_at_ms != INSTANT_NONE ? RISK_BREACHED : RISK_MET;
}

static void
fill_points(const struct engine *engine, const struct track *track, bool people, struct risk_sample *sample)
{
    bool named = people && !engine->said->life.erased;

    sample->points_count = track->points_count;
    for (size_t i = 0; i < track->points_count; i++) {
        struct risk_point *point = &sample->points[i];

        point->landmark = track->points[i].landmark;
        point->at_ms = track->points[i].at_ms;
        point->remaining_ms =
            track->stopped_at_ms != INSTANT_NONE && !track->clock.cancelled
                ? calendar_counted_ms(track->calendar, point->at_ms,
                                      track->stopped_at_ms > point->at_ms ? track->stopped_at_ms
                                                                          : point->at_ms)
                : -1;
        memcpy(point->numbers, track->points[i].numbers, sizeof point->numbers);
        for (unsigned a = 0; a < ATTRIBUTES_COUNT; a++) {
            bool person = a == ATTRIBUTE_REQUESTER || a == ATTRIBUTE_ASSIGNEE;

            point->texts[a] = engine_text(engine, named || !person ? track->points[i].attributes[a] : 0);
        }
    }
}

/* When its deadline would have passed had it gone on: also of one that was paused when it stopped. */
static int64_t
known_at_ms(const struct track *track)
{
    const struct clock *clock = &track->clock;
    int64_t left_ms = clock->target_ms - clock_elapsed_ms(clock, track->decided_at_ms), at_ms;

    if (clock->breached_at_ms != INSTANT_NONE || left_ms <= 0)
        return track->decided_at_ms;
    at_ms = calendar_add_ms(clock->calendar, track->decided_at_ms, left_ms);
    return at_ms != CALENDAR_NEVER ? at_ms : track->decided_at_ms;
}

static void
tell(struct engine *engine, const struct ticket *ticket, const struct track *track)
{
    const struct policy_foresight *rules = risk_rules(engine);
    const struct clock *clock = &track->clock;
    const struct policy *policy;
    const struct alert_mark *mark;
    struct risk_sample sample;

    if (clock->promise == NULL || track->decided_at_ms == INSTANT_NONE)
        return;
    policy = policy_set_version(engine->set, clock->version);
    mark = announce_mark((struct ticket *)ticket, track->due->kind, track->due->clock, track->due->cycle,
                         engine->risk.stage);
    sample = (struct risk_sample){
        .name = {ticket_name(ticket), track->due->kind, policy->agreements[clock->promise->agreement].name,
                 engine_text(engine, track->due->clock), track->due->cycle},
        .measure = clock->promise->measure,
        .label = label_of(track),
        .finish = track->due->finish,
        .alarmed = mark != NULL && mark->state != ALERT_WITHDRAWN,
        .held_out = foresight_held_out(ticket_name(ticket), rules->hold_out_bp / 10),
        .started_at_ms = clock->started_at_ms,
        .decided_at_ms = track->decided_at_ms,
        .known_at_ms = known_at_ms(track),
        .target_ms = clock->target_ms,
        .elapsed_ms = clock->breached_at_ms != INSTANT_NONE ? clock->target_ms
                                                            : clock_elapsed_ms(clock, track->decided_at_ms),
        .arrival = {engine->t_ms, 1 + (uint32_t)track->due->finish, false, engine->lagging},
    };
    fill_points(engine, track, rules->people, &sample);
    engine->figures.risk_samples++;
    engine->options.sink.risk_sample(engine->options.sink.context, &sample);
}

void
risk_sample_tell(struct engine *engine, const struct ticket *ticket)
{
    struct risk *risk = &engine->risk;
    struct tracking tracking = {.count = risk->due_count};

    if (risk->due_count == 0)
        return;
    tracking.tracks = memory_allocate_zeroed(risk->due_count, sizeof *tracking.tracks);
    for (size_t i = 0; i < risk->due_count; i++) {
        tracking.tracks[i].due = &risk->due[i];
        tracking.tracks[i].decided_at_ms = tracking.tracks[i].stopped_at_ms = INSTANT_NONE;
    }
    read_history(engine, ticket, &tracking);
    for (size_t i = 0; i < tracking.count; i++)
        tell(engine, ticket, &tracking.tracks[i]);
    memory_free(tracking.tracks);
    risk->due_count = 0;
}
