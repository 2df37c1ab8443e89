/*
 * What: time goes to somebody, all of it (semantics.md section 4, R26): by_party's walls add up to the
 * clock's life, and elapsed + paused + nobody's time in hours to what its calendars count in that life. On
 * every verdict and every clock line.
 *
 * Why this way: what the calendars count is asked of them here, piece by piece: two agreements with one
 * calendar each (by customer), and the test knows from the events, not from the engine, when the ticket went
 * from one to the other.
 *
 * Always true: a failure prints its seed, the policy and what is left of the history.
 *
 * Not here: who ought to have had the time (the oracle, golden tests).
 */
#include "../support/runs.h"

struct auditor {
    struct run run;
    struct world *world;
    const struct calendar *day, *night;
    bool good;
};

/* ---- what the calendars say ---- */

/* The calendar of this ticket's SLA from the event on. Customers without one keep the last: their clocks are
 * cancelled. */
static const struct calendar *
calendar_of(const struct auditor *auditor, const struct event *event, const struct calendar *present)
{
    struct slice customer = event->attributes[ATTRIBUTE_CUSTOMER];

    if ((event->attributes_present & ATTRIBUTE_BIT(ATTRIBUTE_CUSTOMER)) == 0)
        return present;
    return slice_is(customer, "acme") ? auditor->day : slice_is(customer, "beta") ? auditor->night : present;
}

/* In hours over [from, to), each stretch by the calendar in force then; events stand in order of their
 * instants. */
static int64_t
hours_ms(const struct auditor *auditor, struct slice ticket, int64_t from_ms, int64_t to_ms)
{
    const struct history_made *history = &auditor->world->history;
    const struct calendar *present = NULL;
    int64_t at_ms = from_ms, sum_ms = 0;

    for (size_t i = 0; i < history->count; i++) {
        const struct event *event = &history->events[i].event;
        const struct calendar *next;

        if (!slice_equal(event->ticket, ticket))
            continue;
        next = calendar_of(auditor, event, present);
        if (next != present && present != NULL && event->at_ms > at_ms) {
            int64_t until_ms = event->at_ms < to_ms ? event->at_ms : to_ms;

            sum_ms += until_ms > at_ms ? calendar_counted_ms(present, at_ms, until_ms) : 0;
            at_ms = until_ms > at_ms ? until_ms : at_ms;
        }
        present = next;
    }
    return sum_ms + (present != NULL && to_ms > at_ms ? calendar_counted_ms(present, at_ms, to_ms) : 0);
}

/* ---- the audit ---- */

static void
audit(struct auditor *auditor, const char *what, const struct clock_name *name,
      const struct clock_figures *figures, int64_t end_ms)
{
    int64_t wall_ms = 0, in_hours_ms = 0, life_ms, hours;

    if (figures->started_at_ms == INSTANT_NONE || !auditor->good)
        return;
    for (unsigned i = 0; i < PARTIES_COUNT; i++) {
        const struct party_time *time = &figures->by_party[i];

        wall_ms += time->wall_ms;
        in_hours_ms += time->in_hours_ms;
        if (time->in_hours_ms < 0 || time->in_hours_ms > time->wall_ms)
            auditor->good = false;
    }
    life_ms = end_ms - figures->started_at_ms;
    hours = hours_ms(auditor, name->ticket, figures->started_at_ms, end_ms);
    if (wall_ms != life_ms || in_hours_ms != hours ||
        figures->elapsed_ms + figures->paused_ms + figures->by_party[PARTY_NOBODY].in_hours_ms != hours)
        auditor->good = false;
    if (!auditor->good)
        printf("%s %.*s/%s/%.*s/%u: walls %" PRId64 " of a life of %" PRId64 "; in hours %" PRId64
               ", elapsed %" PRId64 " + paused %" PRId64 " + nobody %" PRId64 ", of %" PRId64 "\n",
               what, (int)name->ticket.bytes, name->ticket.at, clock_kind_text(name->kind),
               (int)name->clock.bytes, name->clock.at, name->cycle, wall_ms, life_ms, in_hours_ms,
               figures->elapsed_ms, figures->paused_ms, figures->by_party[PARTY_NOBODY].in_hours_ms, hours);
}

static void
on_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct auditor *auditor = context;
    int64_t end_ms = outcome->ended ? outcome->figures.stopped_at_ms : outcome->decided_at_ms;

    /* A breach found after the end, by a correction, and reopened since: what it tells ends at that end,
     * which it no longer names. */
    if (!outcome->ended && (outcome->figures.flags & FLAG_RETROACTIVE) != 0)
        return;
    if (outcome->verdict != VERDICT_VOID && end_ms != INSTANT_NONE)
        audit(auditor, "verdict", &outcome->name, &outcome->figures, end_ms);
}

static void
on_clock(void *context, const struct clock_line *line)
{
    struct auditor *auditor = context;
    int64_t end_ms = line->figures.stopped_at_ms;

    if (end_ms == INSTANT_NONE)
        end_ms = auditor->world->plan.steps[auditor->world->plan.count - 1].t_ms;
    audit(auditor, "clock", &line->name, &line->figures, end_ms);
    for (unsigned i = 0; i < PARTIES_COUNT; i++)
        auditor->good &= line->figures.by_party[i].wall_ms >= 0;
    if (line->figures.overrun_ms > line->figures.elapsed_ms || line->figures.overrun_ms < 0) {
        printf("overrun %" PRId64 " of %" PRId64 "\n", line->figures.overrun_ms, line->figures.elapsed_ms);
        auditor->good = false;
    }
}

/* The life of the ticket itself, wall time: up to the solve that it tells of. */
static void
on_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct auditor *auditor = context;
    int64_t sum_ms = 0;

    for (unsigned i = 0; i < PARTIES_COUNT; i++)
        sum_ms += outcome->by_party_wall_ms[i];
    if (!outcome->counted || sum_ms == outcome->solved_at_ms - outcome->started_at_ms)
        return;
    printf("ticket %.*s: %" PRId64 " by party, %" PRId64 " up to its solve\n", (int)outcome->ticket.bytes,
           outcome->ticket.at, sum_ms, outcome->solved_at_ms - outcome->started_at_ms);
    auditor->good = false;
}

static bool
check(struct world *world, struct chance chance)
{
    const struct policy *policy = policy_set_version(world->policies.set, 0);
    struct auditor auditor = {.world = world, .good = true};
    struct engine_sink sink = {.context = &auditor, .verdict = on_verdict, .ticket = on_ticket};
    struct engine_options options = runs_options(world->policies.symbols, sink);
    struct ticket *tickets[HISTORIES_TICKETS_MAX];
    uint64_t refused = 0;
    size_t count;

    auditor.day =
        policy_set_calendar(world->policies.set, 0, policy_calendar_find(policy, slice_of("day")), 0);
    auditor.night =
        policy_set_calendar(world->policies.set, 0, policy_calendar_find(policy, slice_of("night")), 0);
    plan_make(&world->plan, &chance, &world->history, false);
    auditor.run.engine = engine_new(&options, world->policies.set);
    for (size_t i = 0; i < world->plan.count; i++)
        run_step(auditor.run.engine, &world->plan.steps[i], &refused);
    count = run_tickets(auditor.run.engine, tickets);
    for (size_t i = 0; i < count; i++)
        engine_clock_lines(auditor.run.engine, tickets[i], world->plan.steps[world->plan.count - 1].t_ms,
                           on_clock, &auditor);
    run_close(&auditor.run);
    return auditor.good;
}

static bool
fails(struct world *world, void *context)
{
    return !check(world, *(struct chance *)context);
}

/* Customers are always ones with an agreement. They change only (changes) while the ticket has never been
 * over, and then it is never opened again: a clock that is over keeps its calendar, and the time until a
 * reopen with it. */
static void
keep_customers_simple(struct history_made *history, bool changes)
{
    static const char *const over[] = {"Resolved", "Closed", "Canceled"};
    bool known[HISTORIES_TICKETS_MAX] = {false}, ended[HISTORIES_TICKETS_MAX] = {false};

    for (size_t i = 0; i < history->count; i++) {
        struct event *event = &history->events[i].event;
        const uint16_t status = ATTRIBUTE_BIT(ATTRIBUTE_STATUS), customer = ATTRIBUTE_BIT(ATTRIBUTE_CUSTOMER);
        size_t ticket = 0;

        while (!slice_is(event->ticket, histories_names[ticket]))
            ticket++;
        if (!known[ticket] && event->type <= EVENT_TICKET_MESSAGE)
            event->attributes_present |= customer;
        else if (!changes || ended[ticket])
            event->attributes_present &= (uint16_t)~customer;
        if ((event->attributes_present & customer) &&
            !slice_is(event->attributes[ATTRIBUTE_CUSTOMER], "beta"))
            histories_set(event, ATTRIBUTE_CUSTOMER, "acme");
        known[ticket] |= event->type <= EVENT_TICKET_MESSAGE;
        if (changes && ended[ticket])
            event->attributes_present &= (uint16_t)~status;
        for (size_t k = 0; k < 3; k++)
            ended[ticket] |= (event->attributes_present & status) &&
                             slice_is(event->attributes[ATTRIBUTE_STATUS], over[k]);
    }
}

static bool
test_seed(uint64_t seed)
{
    static struct world world;
    struct policies_traits policies_traits = {.one_version = true, .calendar_by_customer = true};
    struct histories_traits traits = {.in_order = true,
                                      .with_seq = true,
                                      .no_duplicates = true,
                                      .no_acknowledgements = true,
                                      .no_deletions = true,
                                      .no_merges = true,
                                      .events_max = 40};
    struct chance chance;

    memset(&world, 0, sizeof world);
    world.chance = chance_of_seed(seed);
    world_make_policies(&world, &policies_traits);
    histories_generate(&world.history, &world.chance, &traits);
    keep_customers_simple(&world.history, chance_one_in(&world.chance, 2));
    chance = world.chance;
    return world_end(&world, check(&world, chance), fails, &chance);
}

int
main(void)
{
    return chance_run(test_seed, 20, 4);
}
