/*
 * What: what may be said of an alert, whatever happens (semantics.md sections 1.5 and 7; R33-R36, R47, R64).
 * Each identity fires once until it is withdrawn; nothing fires or repeats on a clock that has ended;
 * revisions count up by one; what is over is not resolved twice; when everything is over nothing is left out.
 * In order and stepwise, pages come exactly when `every`, `ack_timeout` and `stop_after` say. After a silence
 * only the difference is announced, one stage a clock, and the truth is the same as without the silence.
 *
 * Why this way: the rules are checked on the records as they come, with nothing but the records to go by.
 *
 * Always true: a failure prints its seed, the policies and what is left of the history.
 *
 * Not here: whether a breach is one (the oracle, golden tests).
 */
#include "../support/runs.h"

enum { KEYS_MAX = 512, KEY_BYTES = 96 };

struct seen {
    char key[KEY_BYTES];
    size_t cycle_bytes; /* of the key, up to the stage */
    enum alert_state state;
    uint32_t revision, n;
    int64_t breach_elapsed_ms; /* counted time at the breach */
    int64_t paged_ms;          /* counted time at the last page or acknowledgement */
    int64_t figures_elapsed_ms;
    unsigned fired_now; /* since the silence ended */
    bool taken_up;      /* by a reopen: the pages begin anew (R47) */
};

struct watcher {
    struct seen seen[KEYS_MAX];
    size_t count;
    struct run run;
    const struct world *world;
    const struct policy *policy; /* of the one version, when pages are checked; else NULL */
    bool silent;
    bool good;
};

static void
wrong(struct watcher *watcher, const struct seen *seen, const char *what)
{
    if (watcher->good)
        printf("%s: %s\n", seen->key, what);
    watcher->good = false;
}

static struct seen *
look_up(struct watcher *watcher, const struct alert *alert)
{
    struct buffer key = {0};
    struct seen *seen;
    size_t i = 0;

    effect_alert_key(&key, alert);
    buffer_append_byte(&key, '\0');
    must(key.bytes <= KEY_BYTES);
    while (i < watcher->count && strcmp(watcher->seen[i].key, key.at) != 0)
        i++;
    must(i < KEYS_MAX);
    seen = &watcher->seen[i];
    if (i == watcher->count) {
        watcher->count++;
        memset(seen, 0, sizeof *seen);
        memcpy(seen->key, key.at, key.bytes);
        seen->cycle_bytes = key.bytes - 1 - alert->stage.bytes;
        seen->state = ALERT_WITHDRAWN;
    }
    buffer_free(&key);
    return seen;
}

static bool
is_live(enum alert_state state)
{
    return state == ALERT_FIRING || state == ALERT_REPEATED || state == ALERT_ACKNOWLEDGED;
}

static const struct policy_repeat *
repeat_of(const struct watcher *watcher, const struct alert *alert)
{
    const struct policy *policy = watcher->policy;

    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *promise = &policy->clocks[i];

        if (promise->kind == alert->name.kind &&
            slice_equal(symbols_text(policy->symbols, promise->name), alert->name.clock) &&
            slice_equal(policy->agreements[promise->agreement].name, alert->name.agreement))
            return &promise->repeat;
    }
    panic("an alert of no clock");
}

/* R35, in order and stepwise: to the millisecond of counted time. */
static void
check_page(struct watcher *watcher, struct seen *seen, const struct alert *alert)
{
    const struct policy_repeat *repeat = repeat_of(watcher, alert);
    int64_t counted_ms = alert->figures.elapsed_ms;
    int64_t after_ms = seen->state == ALERT_ACKNOWLEDGED ? repeat->ack_timeout_ms : repeat->every_ms;

    if (seen->taken_up)
        return;
    if (repeat->every_ms == 0 || after_ms == 0)
        wrong(watcher, seen, "repeated without a rule for it");
    else if (counted_ms != seen->paged_ms + after_ms)
        wrong(watcher, seen, "repeated at another counted time than the rule says");
    else if (repeat->stop_after_ms > 0 && counted_ms - seen->breach_elapsed_ms > repeat->stop_after_ms)
        wrong(watcher, seen, "repeated after stop_after");
}

static void
check_state(struct watcher *watcher, struct seen *seen, const struct alert *alert)
{
    bool ended = alert->figures.stopped_at_ms != INSTANT_NONE;

    switch (alert->state) {
    case ALERT_FIRING:
        if (seen->state != ALERT_WITHDRAWN)
            wrong(watcher, seen, "fires again without a withdrawal");
        break;
    case ALERT_REPEATED:
        if (seen->state == ALERT_WITHDRAWN)
            wrong(watcher, seen, "repeats without firing");
        if (alert->n != seen->n + 1)
            wrong(watcher, seen, "n does not count up");
        if (!slice_is(alert->stage, "breach"))
            wrong(watcher, seen, "a stage repeats that is no breach");
        seen->taken_up = seen->state == ALERT_RESOLVED;
        if (watcher->policy != NULL)
            check_page(watcher, seen, alert);
        break;
    case ALERT_ACKNOWLEDGED:
        if (!is_live(seen->state))
            wrong(watcher, seen, "acknowledged though not out");
        break;
    case ALERT_RESOLVED:
        if (!is_live(seen->state))
            wrong(watcher, seen, "resolved though not out");
        break;
    case ALERT_WITHDRAWN:
        if (seen->state == ALERT_WITHDRAWN)
            wrong(watcher, seen, "withdrawn though not out");
        break;
    }
    if (ended && (alert->state == ALERT_FIRING || alert->state == ALERT_REPEATED))
        wrong(watcher, seen, "said on a clock that has ended");
}

static void
on_alert(void *context, const struct alert *alert)
{
    struct watcher *watcher = context;
    struct seen *seen = look_up(watcher, alert);

    if (alert->arrival.revision != seen->revision + 1)
        wrong(watcher, seen, "the revision does not count up by one");
    if (alert->effective_at_ms > alert->arrival.detected_at_ms)
        wrong(watcher, seen, "effective after it was known");
    if (watcher->silent &&
        alert->state != ALERT_ACKNOWLEDGED) /* somebody is waiting for the answer: it pages nobody */
        wrong(watcher, seen, "announced while the task is behind");
    check_state(watcher, seen, alert);
    if (alert->state == ALERT_FIRING) {
        seen->fired_now++;
        seen->breach_elapsed_ms = alert->figures.elapsed_ms - alert->figures.overrun_ms;
        seen->taken_up = false;
    }
    if (alert->state == ALERT_FIRING || alert->state == ALERT_REPEATED || alert->state == ALERT_ACKNOWLEDGED)
        seen->paged_ms = alert->figures.elapsed_ms;
    seen->state = alert->state;
    seen->revision = alert->arrival.revision;
    seen->n = alert->state == ALERT_REPEATED ? alert->n : seen->n;
}

/* When all is done: what is out belongs to a clock that has not ended, and no page is owed. */
static void
on_clock(void *context, const struct clock_line *line)
{
    struct watcher *watcher = context;
    char start[KEY_BYTES];
    struct buffer key = {0};

    runs_on_clock(&watcher->run, line);
    alert_key_append(&key, line->name.ticket, line->name.kind, line->name.clock, line->name.cycle,
                     slice_of(""));
    (void)snprintf(start, sizeof start, "%.*s", (int)key.bytes, key.at);
    buffer_free(&key);
    for (size_t i = 0; i < watcher->count; i++) {
        const struct seen *seen = &watcher->seen[i];
        struct alert alert = {.name = line->name};
        const struct policy_repeat *repeat;
        int64_t due_ms;

        if (strncmp(seen->key, start, strlen(start)) != 0 || !is_live(seen->state))
            continue;
        if (line->figures.stopped_at_ms != INSTANT_NONE)
            wrong(watcher, seen, "still out though its clock has ended");
        if (watcher->policy == NULL || strcmp(seen->key + seen->cycle_bytes, "breach") != 0)
            continue;
        repeat = repeat_of(watcher, &alert);
        due_ms =
            seen->paged_ms + (seen->state == ALERT_ACKNOWLEDGED ? repeat->ack_timeout_ms : repeat->every_ms);
        if (repeat->every_ms > 0 && due_ms > seen->paged_ms && line->figures.elapsed_ms > due_ms &&
            !seen->taken_up &&
            (repeat->stop_after_ms == 0 || due_ms - seen->breach_elapsed_ms <= repeat->stop_after_ms))
            wrong(watcher, seen, "a page is owed");
    }
}

/* ---- the runs ---- */

static bool
watch(struct watcher *watcher, const struct world *world, bool stepwise, size_t silent_from, size_t silent_to)
{
    struct engine_sink sink = {.context = watcher, .alert = on_alert};
    struct engine_options options = runs_options(world->policies.symbols, sink);
    struct ticket *tickets[HISTORIES_TICKETS_MAX];
    uint64_t refused = 0;
    size_t count;

    memset(watcher, 0, sizeof *watcher);
    options.stepwise = stepwise;
    watcher->world = world;
    watcher->good = true;
    watcher->policy = stepwise ? policy_set_version(world->policies.set, 0) : NULL;
    watcher->run.engine = engine_new(&options, world->policies.set);
    for (size_t i = 0; i < world->plan.count; i++) {
        const struct runs_step *step = &world->plan.steps[i];

        if (i == silent_from || i == silent_to)
            engine_set_quiet(watcher->run.engine, i == silent_from, step->t_ms);
        watcher->silent = i >= silent_from && i < silent_to;
        for (size_t k = 0; k < watcher->count && i == silent_to; k++)
            watcher->seen[k].fired_now = 0;
        run_step(watcher->run.engine, step, &refused);
    }
    count = run_tickets(watcher->run.engine, tickets);
    for (size_t i = 0; i < count; i++)
        engine_clock_lines(watcher->run.engine, tickets[i], world->plan.steps[world->plan.count - 1].t_ms,
                           on_clock, watcher);
    return watcher->good;
}

static void
watcher_done(struct watcher *watcher)
{
    run_close(&watcher->run);
}

/* Right after a silence: of every cycle at most one stage (and a slack) fires. */
static bool
check_after_silence(struct watcher *watcher)
{
    for (size_t i = 0; i < watcher->count; i++) {
        const struct seen *one = &watcher->seen[i];

        if (one->fired_now == 0 || strcmp(one->key + one->cycle_bytes, "slack") == 0)
            continue;
        for (size_t k = i + 1; k < watcher->count; k++) {
            const struct seen *other = &watcher->seen[k];

            if (other->fired_now > 0 && other->cycle_bytes == one->cycle_bytes &&
                strncmp(one->key, other->key, one->cycle_bytes) == 0 &&
                strcmp(other->key + other->cycle_bytes, "slack") != 0) {
                wrong(watcher, other, "a second stage of one cycle after a silence");
                return false;
            }
        }
    }
    return watcher->good;
}

static bool
same_truth(const struct watcher *loud, const struct watcher *silent)
{
    for (size_t i = 0; i < HISTORIES_TICKETS_MAX; i++) {
        struct slice a = buffer_slice(&loud->run.logs[i]), b = buffer_slice(&silent->run.logs[i]);

        if (slice_equal(a, b))
            continue;
        printf("a silence changed the truth (one: without, other: with)\n");
        runs_print_difference(a, b);
        return false;
    }
    return true;
}

struct trial {
    struct chance chance;
    bool in_order;
};

static bool
check(struct world *world, const struct trial *trial)
{
    static struct watcher loud, silent;
    struct chance chance = trial->chance;
    size_t from, to;
    bool good;

    plan_make(&world->plan, &chance, &world->history, false);
    to = world->plan.count -
         1; /* the silence ends as the last timers fire: nothing happens after it but what is owed */
    from = chance_below(&chance, (unsigned)world->plan.count - 1);
    good = watch(&loud, world, trial->in_order, SIZE_MAX, SIZE_MAX);
    if (good) {
        good = watch(&silent, world, false, from, to) && check_after_silence(&silent) &&
               same_truth(&loud, &silent);
        watcher_done(&silent);
    }
    watcher_done(&loud);
    return good;
}

static bool
fails(struct world *world, void *context)
{
    histories_arrive(&world->history);
    return !check(world, context);
}

static bool
test_seed(uint64_t seed)
{
    static struct world world;
    struct policies_traits policies_traits = {0};
    struct histories_traits traits = {.events_max = 40};
    struct trial trial;

    memset(&world, 0, sizeof world);
    world.chance = chance_of_seed(seed);
    trial.in_order = chance_one_in(&world.chance, 2);
    policies_traits.one_version = trial.in_order;
    policies_traits.no_retarget = trial.in_order;
    world_make_policies(&world, &policies_traits);
    traits.in_order = trial.in_order;
    traits.no_corrections = trial.in_order;
    traits.no_merges = trial.in_order;
    traits.no_duplicates = trial.in_order;
    histories_generate(&world.history, &world.chance, &traits);
    trial.chance = world.chance;
    return world_end(&world, check(&world, &trial), fails, &trial);
}

int
main(void)
{
    return chance_run(test_seed, 20, 4);
}
