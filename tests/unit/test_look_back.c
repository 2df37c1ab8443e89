/* How far back the tickets go: by what happened, and by when they are said to have begun. */
#include "../support/desk.h"

/* The whole look, in minutes; INT64_MAX's: -1. */
static long
look(struct desk *desk)
{
    int64_t oldest_ms = 0;

    while (!engine_look_back(desk->engine, 1000, &oldest_ms))
        ;
    return oldest_ms == INT64_MAX ? -1 : desk_minute(oldest_ms);
}

static void
test_the_oldest_instant_is_told(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY);
    assert_int_equal(look(&desk), -1);
    desk_say(&desk, 30, "created T-1 status=New actor=requester");
    desk_say(&desk, 40, "created T-2 status=New actor=requester");
    assert_int_equal(look(&desk), 30);
    desk_say(&desk, 20, "updated T-2 priority=P1"); /* told late */
    assert_int_equal(look(&desk), 20);
    desk_say(&desk, 50, "updated T-1 priority=P1 created_at=-600");
    assert_int_equal(look(&desk), -600);
    desk_say(&desk, 60, "updated T-1 priority=P2 created_at=25"); /* what was said first still stands there */
    assert_int_equal(look(&desk), -600);
    desk_close(&desk);
}

static void
test_what_retired_goes_back_nowhere(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY);
    desk_say(&desk, 0, "created T-1 status=New actor=requester");
    desk_say(&desk, 10, "updated T-1 status=Closed");
    desk_say(&desk, 20, "created T-2 status=New actor=requester");
    assert_int_equal(look(&desk), 0);
    desk_until(&desk, 10 + 30 * 1440);
    assert_int_equal(look(&desk), 20);
    desk_close(&desk);
}

/* Part by part: what comes into a part that was looked at already is noted all the same. */
static void
test_what_comes_meanwhile_is_seen(void **state)
{
    enum { TICKETS = 1000 };
    struct desk desk;
    int64_t oldest_ms = 0;
    size_t parts = 1, left;
    char words[80];

    (void)state;
    desk_open(&desk, DESK_POLICY);
    for (int i = 0; i < TICKETS; i++) {
        (void)snprintf(words, sizeof words, "created T-%d status=New actor=requester", i);
        desk_say(&desk, 100, words);
    }
    while (!engine_look_back(desk.engine, 1, &oldest_ms))
        assert_true(parts++ < TICKETS);
    assert_true(parts > 2);
    for (left = parts; left > 1; left--)
        assert_false(engine_look_back(desk.engine, 1, &oldest_ms));
    for (int i = 0; i < TICKETS; i += 10) { /* in every part */
        (void)snprintf(words, sizeof words, "updated T-%d priority=P1 created_at=%d", i, -1 - i);
        desk_say(&desk, 101, words);
    }
    assert_true(engine_look_back(desk.engine, 1, &oldest_ms));
    assert_int_equal(desk_minute(oldest_ms), -(TICKETS - 9));
    desk_close(&desk);
}

/* A version that nobody goes back to is let go, and nothing is said of it, nor is what was seen forgotten. */
static void
test_without_a_version_that_is_over_all_is_the_same(void **state)
{
    static const char *const texts[] = {
        "version: \"1\"\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, "
        "target: 1h}}}]\n",
        "version: \"2\"\nfrom: 2026-03-27T09:10:00Z\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}}}]\n",
        "version: \"3\"\nfrom: 2026-03-27T10:40:00Z\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 3h}}}]\n"};
    struct policies fewer;
    struct buffer buffers[2] = {0};
    struct desk desk;

    (void)state;
    desk_load(&desk, texts, 3);
    desk_start(&desk, desk_options(&desk));
    desk.hears = DESK_ALERTS | DESK_VERDICTS | DESK_TICKETS | DESK_DUE_CHANGED;
    desk_say(&desk, 20, "created T-1 status=New actor=requester");
    desk_say(&desk, 150, "created T-2 status=New actor=requester");
    desk_until(&desk, 160);
    buffer_append_text(&buffers[0], texts[1]);
    buffer_append_text(&buffers[1], texts[2]);
    policies_load_with(&fewer, buffers, 2, desk.policies.symbols);
    buffer_reset(&desk.log);
    engine_set_policies(desk.engine, fewer.set, DESK_AT_MS(160));
    desk_heard(&desk, "");
    desk_until(&desk, 400);
    desk_heard(&desk, "330 T-2/sla/r/1/breach firing\n330 sla/r/1 breached at 330 r1\n");
    policy_set_free(desk.policies.set);
    desk.policies.set = fewer.set;
    buffer_free(&buffers[0]);
    buffer_free(&buffers[1]);
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_instant_is_told),
        cmocka_unit_test(test_what_retired_goes_back_nowhere),
        cmocka_unit_test(test_what_comes_meanwhile_is_seen),
        cmocka_unit_test(test_without_a_version_that_is_over_all_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
