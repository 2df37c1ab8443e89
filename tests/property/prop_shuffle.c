/*
 * What: any order of arrival ends in the same truth (semantics.md section 6): the same clock lines, the same
 * last verdict of every cycle and last outcome of every ticket but for `arrival`, and the same alerts still
 * out.
 *
 * Why this way: one engine gets the history in order, each event at its time; the other gets the same events
 * late, up to days, in whatever order the delays give, or all of them at the very end. Times are distinct, or
 * one source's `seq` tells the order. A warning is only announced when it is the highest stage that is true
 * (R34), and not again after a reopen (R47), so of the alerts that are still out the breaches must be the
 * same, and of the others the highest of each cycle that was never reopened.
 *
 * Always true: a failure prints its seed, the policies and what is left of the history.
 *
 * Not here: acknowledgements, which bind when they arrive (R11); due_changed (R49).
 */
#include "../support/runs.h"

enum { KEYS_MAX = 1024, KEY_BYTES = 96 };

/* The last record of one key, without its arrival. */
struct last {
    char key[KEY_BYTES];
    struct buffer text;
    bool live;     /* alerts */
    bool gone;     /* a verdict that is void or open: the other order may never have spoken of it */
    bool reopened; /* the clock */
    int rank;
};

struct listener {
    struct last *lasts;
    size_t count;
    struct engine *engine;
    struct buffer clocks;
    bool excuses; /* the history holds some: an excused clock warns no more (R61), but what it said stands */
};

static struct last *
find(struct listener *listener, const char *word, struct slice key)
{
    char name[KEY_BYTES];
    size_t i = 0;

    (void)snprintf(name, sizeof name, "%s %.*s", word, (int)key.bytes, key.at);
    while (i < listener->count && strcmp(listener->lasts[i].key, name) != 0)
        i++;
    if (i == listener->count) {
        must(listener->count++ < KEYS_MAX);
        memcpy(listener->lasts[i].key, name, sizeof name);
    }
    buffer_reset(&listener->lasts[i].text);
    return &listener->lasts[i];
}

/* warn-50% and the like; the breach is above all, slack apart from them. */
static int
rank_of(struct slice stage)
{
    int whole = 0, part = 0;

    if (slice_is(stage, "breach"))
        return 1000000;
    if (slice_is(stage, "slack"))
        return 0;
    must(sscanf(stage.at, "warn-%d.%d", &whole, &part) >= 1);
    return whole * 100 + part;
}

static void
on_alert(void *context, const struct alert *alert)
{
    struct buffer key = {0};
    struct last *last;

    effect_alert_key(&key, alert);
    last = find(context, "alert", buffer_slice(&key));
    last->live = alert->state <= ALERT_ACKNOWLEDGED;
    last->rank = rank_of(alert->stage);
    buffer_free(&key);
}

static void
on_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct verdict_outcome plain = *outcome;
    struct buffer key = {0};
    struct last *last;

    plain.arrival = (struct arrival){0};
    effect_verdict_key(&key, outcome);
    last = find(context, "verdict", buffer_slice(&key));
    last->gone = outcome->verdict == VERDICT_VOID || outcome->verdict == VERDICT_OPEN;
    effect_print_verdict(&last->text, &plain);
    buffer_free(&key);
}

static void
on_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct ticket_outcome plain = *outcome;
    struct last *last = find(context, "ticket", outcome->ticket);

    plain.arrival = (struct arrival){0};
    plain.changed_at_ms = 0;
    effect_print_ticket(&last->text, &plain);
}

static void
on_clock(void *context, const struct clock_line *line)
{
    struct listener *listener = context;
    char key[KEY_BYTES];
    struct last *last;

    effect_print_clock(&listener->clocks, line);
    buffer_append_byte(&listener->clocks, '\n');
    (void)snprintf(key, sizeof key, "%.*s/%s/%.*s/%u", (int)line->name.ticket.bytes, line->name.ticket.at,
                   clock_kind_text(line->name.kind), (int)line->name.clock.bytes, line->name.clock.at,
                   line->name.cycle);
    last = find(listener, "clock", slice_of(key));
    last->reopened = (line->figures.flags & FLAG_REOPENED) != 0;
}

/* ---- the two runs ---- */

static void
listener_open(struct listener *listener, const struct world *world)
{
    struct engine_sink sink = {
        .context = listener, .alert = on_alert, .verdict = on_verdict, .ticket = on_ticket};
    struct engine_options options = runs_options(world->policies.symbols, sink);

    memset(listener, 0, sizeof *listener);
    listener->lasts = memory_allocate_zeroed(KEYS_MAX, sizeof *listener->lasts);
    listener->engine = engine_new(&options, world->policies.set);
}

static void
listener_close(struct listener *listener)
{
    for (size_t i = 0; i < listener->count; i++)
        buffer_free(&listener->lasts[i].text);
    memory_free(listener->lasts);
    buffer_free(&listener->clocks);
    engine_free(listener->engine);
}

static void
run_history(struct listener *listener, struct world *world, int64_t end_ms)
{
    struct ticket *tickets[HISTORIES_TICKETS_MAX];
    uint64_t refused = 0;
    size_t count;

    world->history.end_ms = end_ms;
    plan_make(&world->plan, &world->chance, &world->history, false);
    for (size_t i = 0; i < world->plan.count; i++)
        run_step(listener->engine, &world->plan.steps[i], &refused);
    count = run_tickets(listener->engine, tickets);
    for (size_t i = 0; i < count; i++)
        engine_clock_lines(listener->engine, tickets[i], end_ms, on_clock, listener);
}

/* ---- the comparison ---- */

static const struct last *
peek(const struct listener *listener, const char *key)
{
    for (size_t i = 0; i < listener->count; i++) {
        if (strcmp(listener->lasts[i].key, key) == 0)
            return &listener->lasts[i];
    }
    return NULL;
}

static bool
same_records(const struct listener *a, const struct listener *b, const char *word)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct last *here = &a->lasts[i], *there = peek(b, here->key);

        if (strncmp(here->key, word, strlen(word)) != 0 || here->gone)
            continue;
        if (there != NULL && !there->gone &&
            slice_equal(buffer_slice(&here->text), buffer_slice(&there->text)))
            continue;
        printf("%s:\n here %.*s\nthere %.*s\n", here->key, (int)here->text.bytes, here->text.at,
               there != NULL ? (int)there->text.bytes : 7, there != NULL ? there->text.at : "nothing");
        return false;
    }
    return true;
}

/* Whether an alert of this run must be out in the other too. */
static bool
counts(const struct listener *listener, const struct last *alert)
{
    size_t bytes = (size_t)(strrchr(alert->key, '/') - alert->key);
    const struct last *clock = NULL;
    char key[KEY_BYTES];

    if (strncmp(alert->key, "alert", 5) != 0 || !alert->live)
        return false;
    if (alert->rank == 1000000 || listener->excuses)
        return alert->rank == 1000000;
    (void)snprintf(key, sizeof key, "clock%.*s", (int)bytes - 5, alert->key + 5);
    if (strstr(key, "%2F") != NULL) { /* clock lines have no keys: the one name with an escape */
        char *escape = strstr(key, "T%2F1%25");

        memmove(escape, "T/1%", 4);
        memmove(escape + 4, escape + 8, strlen(escape + 8) + 1);
    }
    clock = peek(listener, key);
    if (clock == NULL || clock->reopened)
        return false;
    for (size_t i = 0; i < listener->count; i++) {
        const struct last *other = &listener->lasts[i];

        if (alert->rank > 0 && other->live && other->rank > alert->rank &&
            strncmp(other->key, alert->key, bytes + 1) == 0)
            return false;
    }
    return true;
}

static bool
same_alerts(const struct listener *a, const struct listener *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct last *there;

        if (!counts(a, &a->lasts[i]))
            continue;
        there = peek(b, a->lasts[i].key);
        if (there == NULL || !there->live) {
            printf("%s is out here, not there\n", a->lasts[i].key);
            return false;
        }
    }
    return true;
}

static bool
agree(const struct listener *in_order, const struct listener *shuffled)
{
    if (!slice_equal(buffer_slice(&in_order->clocks), buffer_slice(&shuffled->clocks))) {
        printf("the clocks differ (one: in order, other: shuffled)\n");
        runs_print_difference(buffer_slice(&in_order->clocks), buffer_slice(&shuffled->clocks));
        return false;
    }
    return same_records(in_order, shuffled, "verdict") && same_records(shuffled, in_order, "verdict") &&
           same_records(in_order, shuffled, "ticket") && same_records(shuffled, in_order, "ticket") &&
           same_alerts(in_order, shuffled) && same_alerts(shuffled, in_order);
}

/* ---- orders of arrival ---- */

static void
arrive_in_order(struct history_made *history)
{
    for (size_t i = 0; i < history->count; i++)
        history->events[i].arrives_ms = history->events[i].event.at_ms;
    histories_arrive(history);
}

static void
arrive_anyhow(struct history_made *history, struct chance *chance, int64_t last_ms)
{
    unsigned manner = chance_below(chance, 4);
    uint64_t seed = chance_next(chance);

    for (size_t i = 0; i < history->count; i++) {
        struct histories_event *made = &history->events[i];
        struct chance own =
            chance_of_seed(seed + strtoull(made->id + 1, NULL, 10)); /* the same when others are left out */

        if (manner == 0)
            made->arrives_ms = last_ms + chance_within(&own, 0, 600000);
        else if (chance_one_in(&own, manner))
            made->arrives_ms = chance_within(&own, made->event.at_ms,
                                             last_ms > made->event.at_ms ? last_ms : made->event.at_ms);
        else
            made->arrives_ms = made->event.at_ms + chance_within(&own, 0, 120) * 60000;
    }
    histories_arrive(history);
}

static bool
check(struct world *world, struct chance chance)
{
    struct listener in_order, shuffled;
    int64_t last_ms, end_ms;
    bool good;

    world->chance = chance;
    arrive_in_order(&world->history);
    last_ms = world->history.end_ms - INT64_C(2) * 86400000;
    end_ms = world->history.end_ms + chance_within(&chance, 0, 48) * 3600000;
    listener_open(&in_order, world);
    run_history(&in_order, world, end_ms);
    for (size_t i = 0; i < world->history.count; i++)
        in_order.excuses |= world->history.events[i].event.type == EVENT_VERDICT_EXCUSED;
    arrive_anyhow(&world->history, &chance, last_ms);
    listener_open(&shuffled, world);
    run_history(&shuffled, world, end_ms);
    shuffled.excuses = in_order.excuses;
    good = agree(&in_order, &shuffled);
    listener_close(&in_order);
    listener_close(&shuffled);
    return good;
}

static bool
fails(struct world *world, void *context)
{
    return !check(world, *(struct chance *)context);
}

/* Distinct instants for every event of all tickets, if there is no seq to tell. */
static void
spread(struct history_made *history)
{
    qsort(history->events, history->count, sizeof history->events[0], histories_compare_instants);
    histories_point_again(history);
    for (size_t i = 1; i < history->count; i++) {
        struct event *event = &history->events[i].event;
        int64_t before_ms = history->events[i - 1].event.at_ms;

        event->at_ms = event->at_ms > before_ms ? event->at_ms : before_ms + 1;
    }
}

static bool
test_seed(uint64_t seed)
{
    static const struct policies_traits policies_traits = {.percent_stages = true};
    static struct world world;
    struct histories_traits traits = {.in_order = true,
                                      .no_future = true,
                                      .no_duplicates = true,
                                      .no_acknowledgements = true,
                                      .events_max = 32};
    struct chance chance;

    memset(&world, 0, sizeof world);
    world.chance = chance_of_seed(seed);
    world_make_policies(&world, &policies_traits);
    traits.with_seq = chance_one_in(&world.chance, 2);
    traits.no_merges = chance_one_in(&world.chance, 2);
    histories_generate(&world.history, &world.chance, &traits);
    if (!traits.with_seq)
        spread(&world.history);
    chance = world.chance;
    return world_end(&world, check(&world, chance), fails, &chance);
}

int
main(void)
{
    return chance_run(test_seed, 20, 4);
}
