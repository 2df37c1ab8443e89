/*
 * What foresight learns from: how each decided cycle looked at the landmarks it passed, and what became of
 * it.
 *
 * Why from the history: a ticket that kept its landmarks would be larger for its whole life and wrong after
 * every late event. So nothing is kept: a watcher of a derivation notes, before each entry is put into it,
 * which landmarks the running clocks have passed since the one before and what is true until then. The
 * derivation that announces is watched itself; a light step that decides something has the history read once
 * more. Always true: the same history gives the same points; a cycle has one sample when it is decided, and
 * one more when it stops after its breach. Not here: what is learned (foresight), when a verdict is due
 * (announce).
 */
#include "base/memory.h"
#include "core/ticket.h"

/* One cycle, and how it stood behind the last entry. */
struct track {
    size_t slot;
    uint32_t cycle;
    struct clock clock;
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
};
struct risk_tracking {
    struct track *tracks;
    size_t count, room;
    struct risk_past past;
    const struct risk_due *due; /* only these cycles are looked for; NULL: all */
    size_t due_count;
};

void
risk_sample_done(struct engine *engine)
{
    if (engine->risk.tracking != NULL)
        memory_free(engine->risk.tracking->tracks);
    memory_free(engine->risk.tracking);
    memory_free(engine->risk.due);
}

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

/* ---- watching a derivation ---- */

/* The landmarks that the clock in its track's slot passes up to and including until_ms. */
static void
pass_landmarks(struct track *track, struct fold *fold, const struct risk_past *past, int64_t until_ms)
{
    const struct clock *clock = &fold->clocks[track->slot];

    while (track->points_count < FORESIGHT_LANDMARKS_COUNT) {
        int landmark = track->points_count > 0 ? track->points[track->points_count - 1].landmark + 1 : 0;
        int64_t counted_ms, at_ms;

        if (landmark >= FORESIGHT_LANDMARKS_COUNT)
            return;
        counted_ms = foresight_landmark_ms(landmark, clock->target_ms);
        if (counted_ms >= clock->target_ms || counted_ms - clock->elapsed_ms > until_ms - clock->since_ms)
            return; /* no calendar counts faster than time goes by */
        at_ms = clock_reaches_in(fold, clock, counted_ms);
        if (at_ms == NEVER || at_ms > until_ms)
            return;
        track->points[track->points_count].landmark = (uint8_t)landmark;
        track->points[track->points_count].at_ms = at_ms;
        memcpy(track->points[track->points_count].attributes, fold->life.attributes,
               sizeof fold->life.attributes);
        risk_numbers(fold, track->slot, at_ms, past, track->points[track->points_count].numbers);
        track->points_count++;
    }
}

static void
watch_before(void *context, struct fold *fold, int64_t until_ms)
{
    struct risk_tracking *tracking = context;

    if (!fold->life.exists) { /* it begins */
        tracking->count = 0;
        tracking->past = (struct risk_past){0, 0};
        return;
    }
    for (size_t i = 0; i < tracking->count; i++) {
        struct track *track = &tracking->tracks[i];

        if (track->clock.running && track->decided_at_ms == INSTANT_NONE)
            pass_landmarks(track, fold, &tracking->past, until_ms);
    }
}

static bool
is_looked_for(const struct risk_tracking *tracking, const struct clock *clock)
{
    for (size_t i = 0; i < tracking->due_count; i++) {
        const struct risk_due *due = &tracking->due[i];

        if (due->kind == clock->promise->kind && due->clock == clock->promise->name &&
            due->cycle == clock->cycle)
            return true;
    }
    return tracking->due == NULL;
}

static struct track *
add_track(struct risk_tracking *tracking, const struct clock *clock, size_t slot)
{
    struct track *track;

    if (tracking->count == tracking->room) {
        tracking->room = tracking->room > 0 ? tracking->room * 2 : 8;
        tracking->tracks = memory_resize(tracking->tracks, tracking->room * sizeof *tracking->tracks);
    }
    track = &tracking->tracks[tracking->count++];
    memset(track, 0, offsetof(struct track, points));
    track->slot = slot;
    track->cycle = clock->cycle;
    track->first_target_ms = clock->target_ms;
    track->decided_at_ms = track->stopped_at_ms = INSTANT_NONE;
    return track;
}

/* The track of the cycle that this clock is in; those of its former ones stand still. NULL: it is in none,
 * or in none that is looked for. */
static struct track *
find_track(struct risk_tracking *tracking, const struct clock *clock, size_t slot)
{
    struct track *found = NULL;

    for (size_t i = 0; i < tracking->count; i++) {
        struct track *track = &tracking->tracks[i];

        if (track->slot != slot)
            continue;
        if (track->cycle == clock->cycle && clock->started_at_ms != INSTANT_NONE)
            found = track;
        else
            track->clock.running = false;
    }
    if (found != NULL || clock->started_at_ms == INSTANT_NONE || !is_looked_for(tracking, clock))
        return found;
    return add_track(tracking, clock, slot);
}

static void
look(struct risk_tracking *tracking, const struct clock *clock, size_t slot)
{
    struct track *track = find_track(tracking, clock, slot);

    if (track == NULL)
        return;
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
}

static void
watch(void *context, const struct fold *fold, const struct entry *entry)
{
    struct risk_tracking *tracking = context;

    if (!fold->life.exists)
        return;
    if (entry != NULL)
        tracking->past = (struct risk_past){tracking->past.events + 1, entry->at_ms};
    for (size_t slot = 0; slot < fold->clocks_count; slot++)
        look(tracking, &fold->clocks[slot], slot);
}

static void
follow(struct risk *risk, struct fold *fold, const struct risk_due *due, size_t due_count)
{
    if (risk->tracking == NULL)
        risk->tracking = memory_allocate_zeroed(1, sizeof *risk->tracking);
    risk->tracking->count = 0;
    risk->tracking->due = due;
    risk->tracking->due_count = due_count;
    fold->watch_before = watch_before;
    fold->watch = watch;
    fold->watch_context = risk->tracking;
}

void
risk_sample_follow(struct engine *engine, struct fold *fold)
{
    if (engine->options.sink.risk_sample != NULL && risk_rules(engine) != NULL)
        follow(&engine->risk, fold, NULL, 0);
}

static void
read_history(struct engine *engine, const struct ticket *ticket)
{
    struct fold *fold = &engine->later;

    fold_init_again(fold, engine->set, &ticket->history);
    follow(&engine->risk, fold, engine->risk.due, engine->risk.due_count);
    fold_derive_with_days(fold, engine->said->days_version, engine->said->until_ms, engine->said->through);
    watch(engine->risk.tracking, fold, NULL);
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
        const symbol *attributes = track->points[i].attributes;

        point->landmark = track->points[i].landmark;
        point->at_ms = track->points[i].at_ms;
        point->remaining_ms =
            track->stopped_at_ms != INSTANT_NONE && !track->clock.cancelled
                ? account_counted_ms(engine->said, track->calendar, point->at_ms, track->stopped_at_ms)
                : -1;
        memcpy(point->numbers, track->points[i].numbers, sizeof point->numbers);
        if (i > 0 &&
            memcmp(attributes, track->points[i - 1].attributes, sizeof track->points->attributes) == 0)
            memcpy(point->texts, point[-1].texts, sizeof point->texts);
        else
            outcome_attributes(engine, attributes, !named, point->texts);
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
tell(struct engine *engine, const struct ticket *ticket, const struct risk_due *due,
     const struct track *track)
{
    const struct policy_foresight *rules = risk_rules(engine);
    const struct clock *clock = &track->clock;
    const struct policy *policy;
    const struct alert_mark *mark;
    struct risk_sample sample;

    if (track->decided_at_ms == INSTANT_NONE)
        return;
    policy = policy_set_version(engine->set, clock->version);
    mark = announce_mark((struct ticket *)ticket, due->kind, due->clock, due->cycle, engine->risk.stage);
    sample = (struct risk_sample){
        .name = {ticket_name(ticket), due->kind, policy->agreements[clock->promise->agreement].name,
                 engine_text(engine, due->clock), due->cycle},
        .measure = clock->promise->measure,
        .label = label_of(track),
        .finish = due->finish,
        .alarmed = mark != NULL && mark->state != ALERT_WITHDRAWN,
        .held_out = foresight_held_out(ticket_name(ticket), rules->hold_out_bp / 10),
        .started_at_ms = clock->started_at_ms,
        .decided_at_ms = track->decided_at_ms,
        .known_at_ms = known_at_ms(track),
        .target_ms = clock->target_ms,
        .elapsed_ms = clock->breached_at_ms != INSTANT_NONE ? clock->target_ms
                                                            : clock_elapsed_ms(clock, track->decided_at_ms),
        .arrival = {engine->t_ms, 1 + (uint32_t)due->finish, false, engine->lagging},
    };
    fill_points(engine, track, rules->people, &sample);
    engine->figures.risk_samples++;
    engine->options.sink.risk_sample(engine->options.sink.context, &sample);
}

void
risk_sample_tell(struct engine *engine, const struct ticket *ticket)
{
    struct risk *risk = &engine->risk;

    if (risk->due_count == 0)
        return;
    if (engine->said->watch == watch) /* it was followed */
        watch(risk->tracking, engine->said, NULL);
    else
        read_history(engine, ticket);
    for (size_t i = 0; i < risk->due_count; i++) {
        const struct risk_due *due = &risk->due[i];

        for (size_t k = 0; k < risk->tracking->count; k++) {
            const struct track *track = &risk->tracking->tracks[k];

            if (track->cycle == due->cycle && track->clock.promise->name == due->clock &&
                track->clock.promise->kind == due->kind)
                tell(engine, ticket, due, track);
        }
    }
    risk->due_count = 0;
}
