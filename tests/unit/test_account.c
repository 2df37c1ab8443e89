/* Where time went: attribution, the course of a ticket, and the sums that a light step draws from it. */
#include "../support/desk.h"
#include "../support/folds.h"

#define POLICY                                                                                               \
    DESK_POLICY "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}, f: "       \
                "{measure: first_response, target: 1h}}}]\n"

static void
an_instant_goes_to_one_party(void **state)
{
    (void)state;
    for (unsigned ball = 0; ball <= PARTY_EVERYONE; ball++) {
        enum party party = account_attribution((uint8_t)ball);

        assert_true(party == PARTY_NOBODY || (ball & PARTY_BIT(party)) != 0);
        for (unsigned before = PARTY_CUSTOMER; before < party; before++) /* the customer's side first */
            assert_int_equal(ball & PARTY_BIT(before), 0);
    }
}

/* ---- a course by hand ---- */

struct bench {
    struct policies policies;
    struct history history;
    struct fold fold;
};

/* A light fold with two clocks of the first two promises, started at minute 0. */
static void
begin(struct bench *bench)
{
    struct buffer text = {0};

    memset(bench, 0, sizeof *bench);
    buffer_append_text(&text, POLICY);
    policies_load(&bench->policies, &text, 1, 0);
    buffer_free(&text);
    fold_init(&bench->fold, bench->policies.set, &bench->history);
    bench->fold.light = true;
    bench->fold.life.exists = true;
    for (size_t i = 0; i < 2; i++) {
        const struct policy_clock *promise = &policy_set_version(bench->policies.set, 0)->clocks[i];
        size_t slot = fold_add_slot(&bench->fold, promise, 0);

        bench->fold.clocks[slot].started_at_ms = DESK_AT_MS(0);
        bench->fold.clocks[slot].calendar = clock_calendar(&bench->fold, promise, 0);
    }
}

static void
end(struct bench *bench)
{
    fold_done(&bench->fold);
    policies_free(&bench->policies);
}

static void
mark(struct bench *bench, int minute, enum party party, bool first_runs, bool second_runs)
{
    bench->fold.life.ball = PARTY_BIT(party);
    bench->fold.life.at_ms = DESK_AT_MS(minute);
    bench->fold.clocks[0].running = first_runs;
    bench->fold.clocks[1].running = second_runs;
    account_note_course(&bench->fold, DESK_AT_MS(minute));
}

static const struct account *
sketch(struct bench *bench, size_t slot, int minute)
{
    bench->fold.life.at_ms = DESK_AT_MS(minute);
    memset(&bench->fold.sketches[slot], 0, sizeof bench->fold.sketches[slot]);
    account_sketch(&bench->fold, slot);
    return &bench->fold.sketches[slot].now;
}

static void
assert_minutes(int64_t found_ms, long minutes)
{
    assert_int_equal(found_ms, minutes * DESK_MINUTE_MS);
}

static void
stretches_are_summed_by_party(void **state)
{
    struct bench bench;
    const struct account *account;
    int64_t by_party_ms[PARTIES_COUNT];

    (void)state;
    begin(&bench);
    mark(&bench, 0, PARTY_PROVIDER, true, true);
    mark(&bench, 10, PARTY_PROVIDER, true, true); /* nothing changed: no mark */
    mark(&bench, 20, PARTY_CUSTOMER, false, true);
    mark(&bench, 50, PARTY_CUSTOMER, false, false);
    mark(&bench, 50, PARTY_SUPPLIER, true, false);  /* of that instant the last one holds */
    mark(&bench, 90, PARTY_SUPPLIER, false, false); /* the ball stays, the clock pauses */
    mark(&bench, 100, PARTY_NOBODY, false, false);
    assert_int_equal(bench.fold.course.count, 5);
    account = sketch(&bench, 0, 130);
    assert_minutes(account->by_party[PARTY_PROVIDER].wall_ms, 20);
    assert_minutes(account->by_party[PARTY_CUSTOMER].wall_ms, 30);
    assert_minutes(account->by_party[PARTY_SUPPLIER].wall_ms, 50);
    assert_minutes(account->by_party[PARTY_NOBODY].wall_ms, 30);
    assert_minutes(account->by_party[PARTY_NOBODY].in_hours_ms, 30);
    assert_minutes(account->paused_ms, 40); /* 20-50 and 90-100; nobody's time is no pause */
    assert_minutes(account->paused_wall_ms, 40);
    account = sketch(&bench, 1, 130);
    assert_minutes(account->paused_ms, 50); /* 50-100 */
    bench.fold.clocks[0].breached_at_ms = DESK_AT_MS(60);
    account = sketch(&bench, 0, 130);
    assert_minutes(account->overrun_wall_ms, 40); /* 60-100: nobody's time is no overrun */
    assert_minutes(bench.fold.sketches[0].at_breach.by_party[PARTY_SUPPLIER].wall_ms, 10);
    assert_minutes(bench.fold.sketches[0].at_breach.paused_ms, 30);
    bench.fold.clocks[0].ended = true;
    bench.fold.clocks[0].stopped_at_ms = DESK_AT_MS(95);
    account = sketch(&bench, 0, 130);
    assert_minutes(account->overrun_wall_ms, 35);
    assert_minutes(account->by_party[PARTY_SUPPLIER].wall_ms, 45);
    bench.fold.life.first_ball = PARTY_BIT(PARTY_SUPPLIER); /* R40: before its first event, at minute 0 */
    bench.fold.life.started_at_ms = DESK_AT_MS(-7);
    bench.fold.life.first_event_at_ms = DESK_AT_MS(0);
    account_ticket(&bench.fold, DESK_AT_MS(60), by_party_ms);
    assert_minutes(by_party_ms[PARTY_PROVIDER], 20);
    assert_minutes(by_party_ms[PARTY_CUSTOMER], 30);
    assert_minutes(by_party_ms[PARTY_SUPPLIER], 10 + 7);
    assert_minutes(by_party_ms[PARTY_NOBODY], 0);
    end(&bench);
}

static void
a_course_that_is_too_long_says_so(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    for (int i = 0; i < COURSE_MARKS_MAX; i++)
        mark(&bench, i, i % 2 == 0 ? PARTY_PROVIDER : PARTY_CUSTOMER, i % 2 == 0, true);
    assert_int_equal(bench.fold.course.count, COURSE_MARKS_MAX);
    assert_false(bench.fold.course.broken);
    mark(&bench, COURSE_MARKS_MAX, PARTY_PROVIDER, true, true);
    assert_int_equal(bench.fold.course.count, COURSE_MARKS_MAX);
    assert_true(bench.fold.course.broken);
    end(&bench);
    begin(&bench);
    while (bench.fold.clocks_count <= COURSE_SLOTS_MAX)
        (void)fold_add_slot(&bench.fold, bench.fold.clocks[0].promise, 0);
    mark(&bench, 0, PARTY_PROVIDER, true, true);
    assert_true(bench.fold.course.broken);
    end(&bench);
}

/* ---- a course against the full fold ---- */

struct compared {
    struct folds folds;
    size_t clocks, paused, breached;
};

/* Regular, so that the course tells all of it. */
static bool
is_regular(const struct fold *fold, const struct clock *clock)
{
    return clock->started_at_ms != INSTANT_NONE && !clock->irregular &&
           (clock->version >= fold->days_version ||
            clock->calendar ==
                policy_set_calendar(fold->set, clock->version, clock->promise->calendar, clock->version));
}

static void
compare_clock(struct compared *compared, size_t slot)
{
    const struct fold *full = &compared->folds.full;
    struct fold *light = &compared->folds.light;
    const struct clock *clock = &full->clocks[slot];
    const struct clock_extra *extra = &full->extras[slot], *sketch = &light->sketches[slot];

    memset(&light->sketches[slot], 0, sizeof *sketch);
    account_sketch(light, slot);
    assert_memory_equal(sketch->now.by_party, extra->now.by_party, sizeof extra->now.by_party);
    assert_int_equal(sketch->now.paused_ms, extra->now.paused_ms);
    assert_int_equal(sketch->now.paused_wall_ms, extra->now.paused_wall_ms);
    compared->clocks++;
    compared->paused += extra->now.paused_ms > 0;
    if (clock->breached_at_ms == INSTANT_NONE)
        return;
    compared->breached++;
    assert_int_equal(sketch->now.overrun_wall_ms, extra->now.overrun_wall_ms);
    assert_memory_equal(sketch->at_breach.by_party, extra->at_breach.by_party,
                        sizeof extra->at_breach.by_party);
    assert_int_equal(sketch->at_breach.paused_ms, extra->at_breach.paused_ms);
    assert_int_equal(sketch->at_breach.paused_wall_ms, extra->at_breach.paused_wall_ms);
}

static void
compare_ticket(void *context, const struct ticket *ticket, int64_t t_ms)
{
    struct compared *compared = context;
    const struct fold *full = &compared->folds.full, *light = &compared->folds.light;
    int64_t by_party_ms[PARTIES_COUNT], sum_ms = 0;

    (void)ticket;
    if (!full->life.exists || full->course.broken)
        return;
    account_ticket(light, t_ms, by_party_ms);
    for (unsigned i = 0; i < PARTIES_COUNT; i++)
        sum_ms += by_party_ms[i];
    assert_int_equal(sum_ms, t_ms - full->life.started_at_ms); /* every instant goes to one */
    assert_memory_equal(by_party_ms, full->by_party_wall_ms, sizeof by_party_ms);
    for (size_t slot = 0; slot < full->clocks_count; slot++) {
        if (is_regular(full, &full->clocks[slot]))
            compare_clock(compared, slot);
    }
}

static void
a_sketch_says_what_the_history_says(void **state)
{
    static struct compared compared;

    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        folds_of_seed(&compared.folds, seed, compare_ticket, &compared);
    assert_in_range(compared.clocks, 1000, 1000000);
    assert_in_range(compared.paused, 200, 1000000);
    assert_in_range(compared.breached, 200, 1000000);
    folds_done(&compared.folds);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instant_goes_to_one_party),
        cmocka_unit_test(stretches_are_summed_by_party),
        cmocka_unit_test(a_course_that_is_too_long_says_so),
        cmocka_unit_test(a_sketch_says_what_the_history_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
