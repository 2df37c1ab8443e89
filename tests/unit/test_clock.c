/* One clock's arithmetic: thresholds, projections, states, and what a stop, a pause, a retarget, a correction
 * do to the sums. */
#include "../support/desk.h"
#include "core/fold.h"

/* ---- pure functions ---- */

static void
r6_percent_thresholds_round_up(void **state)
{
    struct policy_stage half = {.share_bp = 5000}, third = {.share_bp = 3333}, all = {.share_bp = 10000},
                        least = {.share_bp = 1};

    (void)state;
    assert_int_equal(clock_stage_threshold_ms(&half, 10), 5);
    assert_int_equal(clock_stage_threshold_ms(&half, 11), 6);
    assert_int_equal(clock_stage_threshold_ms(&third, 10000), 3333);
    assert_int_equal(clock_stage_threshold_ms(&third, 10001), 3334);
    assert_int_equal(clock_stage_threshold_ms(&least, 1000), 1);
    assert_int_equal(clock_stage_threshold_ms(&half, POLICY_DURATION_MAX_MS), POLICY_DURATION_MAX_MS / 2);
    assert_int_equal(clock_stage_threshold_ms(&all, 1000),
                     NEVER); /* one that falls on the breach folds into it */
}

static void
r34_a_left_warning_not_shorter_than_the_target_is_not_armed(void **state)
{
    struct policy_stage left = {.left_ms = 30};

    (void)state;
    assert_int_equal(clock_stage_threshold_ms(&left, 31), 1);
    assert_int_equal(clock_stage_threshold_ms(&left, 30), NEVER);
    assert_int_equal(clock_stage_threshold_ms(&left, 29), NEVER);
}

/* The state of a clock from its facts: one row a state. */
static void
the_state_follows_from_the_facts(void **state)
{
    const struct {
        struct clock clock;
        enum clock_state is;
    } rows[] = {
        {{.started_at_ms = INSTANT_NONE, .breached_at_ms = INSTANT_NONE}, CLOCK_IDLE},
        {{.breached_at_ms = INSTANT_NONE, .running = true}, CLOCK_RUNNING},
        {{.breached_at_ms = INSTANT_NONE}, CLOCK_PAUSED},
        {{.breached_at_ms = INSTANT_NONE, .ended = true}, CLOCK_MET},
        {{.breached_at_ms = INSTANT_NONE, .ended = true, .unanswered = true}, CLOCK_UNANSWERED},
        {{.breached_at_ms = INSTANT_NONE, .ended = true, .cancelled = true}, CLOCK_CANCELLED},
        {{.breached_at_ms = 5, .running = true}, CLOCK_BREACHED},
        {{.breached_at_ms = 5}, CLOCK_BREACHED},
        {{.breached_at_ms = 5, .ended = true}, CLOCK_BREACHED},
        {{.breached_at_ms = 5, .ended = true, .cancelled = true}, CLOCK_BREACHED}, /* R22 */
        {{.breached_at_ms = 5, .running = true, .excused = true}, CLOCK_RUNNING},  /* R39 */
        {{.breached_at_ms = 5, .excused = true}, CLOCK_PAUSED},
        {{.breached_at_ms = 5, .ended = true, .excused = true}, CLOCK_MET},
        {{.breached_at_ms = 5, .ended = true, .cancelled = true, .excused = true}, CLOCK_MET}, /* R61 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(clock_state_text(clock_state(&rows[i].clock)), clock_state_text(rows[i].is));
}

static void
reaching_a_count(void **state)
{
    struct desk desk;
    struct clock clock = {
        .running = true, .since_ms = DESK_AT_MS(60), .started_at_ms = DESK_AT_MS(0), .elapsed_ms = 1000};

    (void)state;
    desk_open(&desk, DESK_POLICY
              "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}]\n");
    clock.calendar = policy_set_calendar(desk.policies.set, 0, 0, 0); /* always */
    assert_int_equal(clock_reaches_at_ms(&clock, 3000), DESK_AT_MS(60) + 2000);
    assert_int_equal(clock_reaches_at_ms(&clock, 1000), DESK_AT_MS(60));
    assert_int_equal(clock_reaches_at_ms(&clock, 10), DESK_AT_MS(60)); /* counted already */
    assert_int_equal(clock_elapsed_ms(&clock, DESK_AT_MS(61)), 61000);
    assert_int_equal(clock_reaches_at_ms(&clock, POLICY_DURATION_MAX_MS * 2),
                     NEVER); /* not within ten years */
    clock.running = false;
    assert_int_equal(clock_reaches_at_ms(&clock, 3000), NEVER);
    assert_int_equal(clock_elapsed_ms(&clock, DESK_AT_MS(61)), 1000);
    desk_close(&desk);
}

/* ---- a clock's life ---- */

#define ONE_HOUR                                                                                             \
    DESK_POLICY "agreements:\n  - {name: a, kind: sla, clocks: {r: {measure: resolution, target: {P1: 30m, " \
                "default: 1h}}}}\n"

static void
a_stop_exactly_at_due_is_met(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 60, "updated T-0 status=Resolved");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_MET, 60, 60, -1, 60);
    desk_until(&desk, 70);
    desk_heard(&desk, "");
    desk_close(&desk);
}

static void
a_stop_a_moment_later_is_a_breach_at_due(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 61, "updated T-0 status=Resolved");
    desk_heard(&desk, "60 T-0/sla/r/1/breach firing\n61 T-0/sla/r/1/breach resolved\n");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_BREACHED, 61, 60, 60, 61);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->overrun_ms, DESK_MINUTE_MS);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->overrun_wall_ms, DESK_MINUTE_MS);
    desk_close(&desk);
}

static void
a_pause_has_no_due_and_moves_it(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 20, "updated T-0 status=Waiting actor=agent");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_PAUSED, 20, -1, -1, -1);
    (void)desk_say(&desk, 500, "updated T-0 status=New actor=requester");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_RUNNING, 20, 540, -1, -1);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->paused_ms, 480 * DESK_MINUTE_MS);
    (void)desk_say(&desk, 510, "updated T-0 status=Vendor actor=agent"); /* the supplier's time counts */
    desk_until(&desk, 540);
    desk_heard(&desk, "540 T-0/sla/r/1/breach firing\n");
    desk_close(&desk);
}

static void
a_retarget_carries_what_was_counted(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 10, "updated T-0 priority=P1 actor=agent");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_RUNNING, 10, 30, -1, -1);
    (void)desk_say(&desk, 30,
                   "updated T-0 priority=P3 actor=agent"); /* exactly at the old due: not yet late */
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_RUNNING, 30, 60, -1, -1);
    (void)desk_say(&desk, 40, "updated T-0 priority=P1 actor=agent"); /* past the new target: breach now */
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_BREACHED, 40, 40, 40, -1);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->flags & FLAG_AT_RETARGET, FLAG_AT_RETARGET);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->overrun_ms, 0);
    (void)desk_say(
        &desk, 50,
        "updated T-0 priority=P3 actor=agent"); /* a retarget never un-breaches (R24: due follows) */
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_BREACHED, 50, 60, 40, -1);
    desk_heard(&desk, "40 T-0/sla/r/1/breach firing\n");
    desk_close(&desk);
}

static void
r6_equal_to_the_new_target_is_an_ordinary_due(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 30, "updated T-0 priority=P1 status=Waiting actor=agent");
    desk_until(&desk, 100);
    desk_heard(&desk, ""); /* not while paused */
    (void)desk_say(&desk, 200, "updated T-0 status=New actor=requester");
    desk_until(&desk, 200);
    desk_heard(&desk, "200 T-0/sla/r/1/breach firing\n");
    desk_close(&desk);
}

static void
closing_grace_waits_for_the_opening(void **state)
{
    static const char policy[] =
        DESK_POLICY "calendars: {office: {time_zone: UTC, week: {daily: [\"09:00-10:00\"]}}}\n"
                    "agreements:\n  - {name: a, kind: sla, calendar: office, closing_grace: true,\n"
                    "     clocks: {r: {measure: resolution, target: 1h}}}\n";
    struct desk desk;

    (void)state;
    desk_open(&desk, policy);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 0, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 700, "updated T-0 assignee=a-1 actor=agent"); /* in between nothing is decided */
    (void)desk_say(&desk, 1440, "updated T-1 status=Resolved actor=agent");
    desk_heard(&desk, "");
    desk_until(&desk, 1440);
    desk_heard(&desk, "1440 T-0/sla/r/1/breach firing\n");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_BREACHED, 60, 60, 60, -1);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->overrun_wall_ms, 1380 * DESK_MINUTE_MS);
    assert_string_equal(clock_state_text(desk_clock(&desk, "T-1", "sla/r", 1)->state), "met");
    desk_close(&desk);
}

static void
r10_a_corrected_start_counts_again(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    desk.hears |= DESK_VERDICTS;
    (void)desk_say(&desk, 100, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 110, "updated T-0 created_at=60 actor=agent");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_RUNNING, 50, 120, -1, -1);
    (void)desk_say(&desk, 115,
                   "updated T-0 created_at=30 actor=agent"); /* past the target: effective when it was said */
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_BREACHED, 85, 90, 115, -1);
    assert_int_equal(desk_clock(&desk, "T-0", "sla/r", 1)->flags, FLAG_RETROACTIVE);
    (void)desk_say(
        &desk, 116,
        "updated T-0 created_at=200 actor=agent arrives=300"); /* R40: never later than the first event */
    assert_int_equal(desk_minute(desk_clock(&desk, "T-0", "sla/r", 1)->started_at_ms), 100);
    desk_close(&desk);
}

static void
time_goes_to_somebody(void **state)
{
    struct desk desk;
    const struct clock_figures *figures;
    int64_t wall_ms = 0;

    (void)state;
    desk_open(&desk, ONE_HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 10, "updated T-0 status=Waiting actor=agent");
    (void)desk_say(&desk, 30, "updated T-0 status=Vendor actor=agent");
    (void)desk_say(&desk, 35, "updated T-0 status=Resolved actor=agent");
    (void)desk_say(&desk, 90, "updated T-0 status=New actor=agent");
    (void)desk_say(&desk, 100, "updated T-0 status=Resolved actor=agent");
    figures = desk_clock(&desk, "T-0", "sla/r", 1);
    assert_int_equal(figures->by_party[PARTY_PROVIDER].wall_ms, 20 * DESK_MINUTE_MS);
    assert_int_equal(figures->by_party[PARTY_CUSTOMER].wall_ms, 20 * DESK_MINUTE_MS);
    assert_int_equal(figures->by_party[PARTY_SUPPLIER].wall_ms, 5 * DESK_MINUTE_MS);
    assert_int_equal(figures->by_party[PARTY_NOBODY].wall_ms, 55 * DESK_MINUTE_MS);
    for (unsigned i = 0; i < PARTIES_COUNT; i++)
        wall_ms += figures->by_party[i].wall_ms;
    assert_int_equal(wall_ms, 100 * DESK_MINUTE_MS);
    assert_int_equal(figures->elapsed_ms, 25 * DESK_MINUTE_MS);
    assert_int_equal(figures->paused_ms, 20 * DESK_MINUTE_MS);
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r6_percent_thresholds_round_up),
        cmocka_unit_test(r34_a_left_warning_not_shorter_than_the_target_is_not_armed),
        cmocka_unit_test(the_state_follows_from_the_facts),
        cmocka_unit_test(reaching_a_count),
        cmocka_unit_test(a_stop_exactly_at_due_is_met),
        cmocka_unit_test(a_stop_a_moment_later_is_a_breach_at_due),
        cmocka_unit_test(a_pause_has_no_due_and_moves_it),
        cmocka_unit_test(a_retarget_carries_what_was_counted),
        cmocka_unit_test(r6_equal_to_the_new_target_is_an_ordinary_due),
        cmocka_unit_test(closing_grace_waits_for_the_opening),
        cmocka_unit_test(r10_a_corrected_start_counts_again),
        cmocka_unit_test(time_goes_to_somebody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
