/* Merges between tickets: what is inherited, circles by event time, relays kept for who is not there yet
 * (R32, R41, R67). */
#include "../support/desk.h"

#define POLICY                                                                                               \
    DESK_POLICY "agreements:\n  - name: a\n    kind: sla\n    clocks:\n"                                     \
                "      fr: {measure: first_response, target: 1h}\n"                                          \
                "      r: {measure: resolution, target: 2h}\n"

static const struct clock_figures *
figures_of(struct desk *desk, const char *ticket, const char *clock)
{
    const struct clock_figures *figures = desk_clock(desk, ticket, clock, 1);

    assert_non_null(figures);
    return figures;
}

static void
r32_the_earlier_start_is_inherited(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    desk.hears |= DESK_RELAYS;
    (void)desk_say(&desk, 0, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 20, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 30, "merged T-1 into=T-0 actor=agent");
    desk_heard(&desk, "T-1 into T-0 at 30 start 0 contact 0\n");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-1", "sla/r")->state), "cancelled");
    assert_int_equal(figures_of(&desk, "T-1", "sla/r")->flags, FLAG_MERGED);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 0);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/fr")->started_at_ms), 0);
    (void)desk_say(&desk, 40, "unmerged T-1 actor=agent"); /* as if it had never been */
    desk_heard(&desk, "T-1 not into T-0\n");
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 20);
    assert_string_equal(clock_state_text(figures_of(&desk, "T-1", "sla/r")->state), "running");
    assert_int_equal(figures_of(&desk, "T-1", "sla/r")->elapsed_ms, 40 * DESK_MINUTE_MS);
    desk_close(&desk);
}

static void
r32_past_the_target_the_breach_is_effective_at_the_merge(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    (void)desk_say(&desk, 0, "created T-1 status=Waiting actor=requester");
    (void)desk_say(&desk, 0, "message T-1 actor=agent public=1");
    (void)desk_say(&desk, 200, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 210, "merged T-1 into=T-0 actor=agent");
    desk_heard(&desk, "210 T-0/sla/r/1/breach firing\n");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_BREACHED, 210, 120, 210, -1);
    assert_int_equal(figures_of(&desk, "T-0", "sla/r")->flags, FLAG_RETROACTIVE);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/fr")->started_at_ms),
                     200); /* it was answered there */
    desk_close(&desk);
}

static void
own_clock_inherits_nothing(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, "merge: own_clock\n" POLICY);
    (void)desk_say(&desk, 0, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 20, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 30, "merged T-1 into=T-0 actor=agent");
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 20);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/fr")->started_at_ms), 20);
    desk_close(&desk);
}

static void
r67_a_chain_inherits_the_earliest(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    (void)desk_say(&desk, 0, "created T-2 status=New actor=requester");
    (void)desk_say(&desk, 10, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 20, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 25, "merged T-2 into=T-1 actor=agent");
    (void)desk_say(&desk, 30, "merged T-1 into=T-0 actor=agent");
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 0);
    (void)desk_say(&desk, 40, "unmerged T-2 actor=agent");
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 10);
    desk_close(&desk);
}

static void
r41_a_circle_has_no_effect_whatever_arrives_first(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct desk desk;

        desk_open(&desk, POLICY);
        (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
        (void)desk_say(&desk, 1, "created T-1 status=New actor=requester");
        if (order == 0)
            (void)desk_say(&desk, 10, "merged T-0 into=T-1 actor=agent");
        (void)desk_say(&desk, 20, "merged T-1 into=T-0 actor=agent"); /* closes the circle */
        if (order == 1)
            (void)desk_say(&desk, 10, "merged T-0 into=T-1 actor=agent");
        assert_string_equal(clock_state_text(figures_of(&desk, "T-0", "sla/r")->state), "cancelled");
        assert_string_equal(clock_state_text(figures_of(&desk, "T-1", "sla/r")->state), "running");
        assert_int_equal(desk_minute(figures_of(&desk, "T-1", "sla/r")->started_at_ms), 0);
        desk_close(&desk);
    }
}

static void
a_relay_waits_for_its_ticket(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    (void)desk_say(&desk, 0, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 30, "merged T-1 into=T-0 actor=agent");
    (void)desk_say(&desk, 20, "created T-0 status=New actor=requester arrives=50");
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 0);
    desk_close(&desk);
}

/* What comes from another task, for tickets of this one and of others. */
static void
relays_of_other_tasks(void **state)
{
    struct relay relay = {.from_ticket = slice_of("X-1"),
                          .into_ticket = slice_of("T-0"),
                          .at_ms = DESK_AT_MS(30),
                          .active = true,
                          .started_at_ms = DESK_AT_MS(5),
                          .has_contact = false};
    struct relay elsewhere = {.from_ticket = slice_of("X-1"),
                              .into_ticket = slice_of("X-2"),
                              .at_ms = DESK_AT_MS(30),
                              .active = true};
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    (void)desk_say(&desk, 20, "created T-0 status=New actor=requester");
    desk_until(&desk, 40);
    engine_relay(desk.engine, &elsewhere, desk.t_ms);
    assert_int_equal(engine_tickets_count(desk.engine), 1);
    engine_relay(desk.engine, &relay, desk.t_ms);
    engine_relay(desk.engine, &relay, desk.t_ms); /* again: the same */
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 5);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/fr")->started_at_ms),
                     20);                /* no contact came along */
    relay.started_at_ms = DESK_AT_MS(8); /* known better meanwhile */
    engine_relay(desk.engine, &relay, desk.t_ms);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 8);
    relay.active = false;
    engine_relay(desk.engine, &relay, desk.t_ms);
    engine_relay(desk.engine, &relay, desk.t_ms);
    assert_int_equal(desk_minute(figures_of(&desk, "T-0", "sla/r")->started_at_ms), 20);
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(r32_the_earlier_start_is_inherited),
        cmocka_unit_test(r32_past_the_target_the_breach_is_effective_at_the_merge),
        cmocka_unit_test(own_clock_inherits_nothing),
        cmocka_unit_test(r67_a_chain_inherits_the_earliest),
        cmocka_unit_test(r41_a_circle_has_no_effect_whatever_arrives_first),
        cmocka_unit_test(a_relay_waits_for_its_ticket),
        cmocka_unit_test(relays_of_other_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
