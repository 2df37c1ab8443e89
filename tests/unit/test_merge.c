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

/* What was announced of the breach was never true: its verdict follows the ticket until something is decided.
 */
static void
an_open_verdict_follows_its_ticket(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY
              "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}}}]\n");
    (void)desk_say(&desk, 0, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 200, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 210, "merged T-1 into=T-0 actor=agent");
    desk.hears = DESK_VERDICTS;
    buffer_reset(&desk.log);
    (void)desk_say(&desk, 220, "unmerged T-1 actor=agent");
    desk_heard(
        &desk,
        "220 sla/r/1 breached at 120 r3\n220 sla/r/1 open at -1 r2\n"); /* T-1's goes on; T-0's was none */
    (void)desk_say(&desk, 230, "updated T-0 category=incident actor=agent");
    desk_heard(&desk, "230 sla/r/1 open at -1 r3\n");
    (void)desk_say(&desk, 235, "message T-0 actor=agent");
    desk_heard(&desk, "");
    (void)desk_say(&desk, 240, "updated T-0 status=Resolved actor=agent");
    desk_heard(&desk, "240 sla/r/1 met ended at 240 r4\n");
    desk_close(&desk);
}

/* Taken out of the circle, one edge makes the other valid, from its own instant on. */
static void
r41_a_void_merge_becomes_valid(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    desk.hears = DESK_RELAYS;
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 1, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 10, "merged T-0 into=T-1 actor=agent");
    (void)desk_say(&desk, 20, "merged T-1 into=T-0 actor=agent");
    desk_heard(&desk, "T-0 into T-1 at 10 start 0 contact 0\n");
    (void)desk_say(&desk, 30, "unmerged T-0 actor=agent");
    desk_heard(&desk, "T-0 not into T-1\nT-1 into T-0 at 20 start 1 contact 1\n");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-0", "sla/r")->state), "running");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-1", "sla/r")->state), "cancelled");
    assert_int_equal(desk_minute(figures_of(&desk, "T-1", "sla/r")->stopped_at_ms), 20);
    desk_close(&desk);
}

/* A longer one, opened two tickets away from the merge that was void; nothing else is news to that ticket. */
static void
r41_a_circle_is_opened_elsewhere(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, POLICY);
    (void)desk_say(&desk, 0, "created T-2 status=New actor=requester");
    (void)desk_say(&desk, 1, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 2, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 10, "merged T-0 into=T-1 actor=agent");
    (void)desk_say(&desk, 15, "merged T-1 into=T-2 actor=agent");
    (void)desk_say(&desk, 20, "merged T-2 into=T-0 actor=agent");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-2", "sla/r")->state), "running");
    desk.hears = DESK_RELAYS;
    (void)desk_say(&desk, 30, "unmerged T-0 actor=agent");
    desk_heard(&desk, "T-0 not into T-1\nT-2 into T-0 at 20 start 0 contact 0\n");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-0", "sla/r")->state), "running");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-1", "sla/r")->state), "cancelled");
    assert_string_equal(clock_state_text(figures_of(&desk, "T-2", "sla/r")->state), "cancelled");
    assert_int_equal(desk_minute(figures_of(&desk, "T-2", "sla/r")->stopped_at_ms), 20);
    desk_close(&desk);
}

/* ---- edges as records ---- */

static void
expect_changed(struct desk *desk, const char *name)
{
    struct buffer from = {0};
    bool more = engine_merge_changed_next(desk->engine, &from);

    assert_int_equal(more, name != NULL);
    if (name != NULL)
        assert_true(slice_is(buffer_slice(&from), name));
    buffer_free(&from);
}

static void
a_merge_outlives_its_engine(void **state)
{
    struct buffer record = {0};
    struct desk desk, other;
    struct slice from;
    size_t cursor = 0;

    (void)state;
    desk_open(&desk, POLICY);
    expect_changed(&desk, NULL);
    (void)desk_say(&desk, 0, "created T-1 status=New actor=requester");
    (void)desk_say(&desk, 30, "merged T-1 into=T-0 actor=agent"); /* T-0 is still to come */
    expect_changed(&desk, "T-1");
    expect_changed(&desk, NULL);
    assert_true(engine_each_merge(desk.engine, &cursor, &from));
    assert_true(slice_is(from, "T-1"));
    assert_false(engine_each_merge(desk.engine, &cursor, &from));
    assert_true(engine_save_merge(desk.engine, slice_of("T-1"), &record));
    assert_false(engine_save_merge(desk.engine, slice_of("T-0"), &record));
    desk_open(&other, POLICY);
    for (size_t bytes = 0; bytes < record.bytes; bytes++) /* no part of it is one */
        assert_int_equal(engine_load_merge(other.engine, slice_of("T-1"), (struct slice){record.at, bytes}),
                         -1);
    assert_int_equal(engine_load_merge(other.engine, slice_of(""), buffer_slice(&record)), -1);
    assert_int_equal(engine_load_merge(other.engine, slice_of("T-1"), buffer_slice(&record)), 0);
    engine_loaded(other.engine, DESK_AT_MS(40));
    (void)desk_say(&other, 20, "created T-0 status=New actor=requester arrives=50");
    assert_int_equal(desk_minute(figures_of(&other, "T-0", "sla/r")->started_at_ms), 0);
    assert_int_equal(desk_minute(figures_of(&other, "T-0", "sla/fr")->started_at_ms), 0);
    expect_changed(&other, "T-1"); /* it waits no longer */
    expect_changed(&other, NULL);
    (void)desk_say(&desk, 60, "unmerged T-1 actor=agent");
    expect_changed(&desk, "T-1");
    assert_false(engine_save_merge(desk.engine, slice_of("T-1"), &record)); /* a tombstone */
    engine_forget_merge(other.engine, slice_of("T-1"));
    engine_forget_merge(other.engine, slice_of("T-1"));
    cursor = 0;
    assert_false(engine_each_merge(other.engine, &cursor, &from));
    buffer_free(&record);
    desk_close(&desk);
    desk_close(&other);
}

static struct relay
make_relay(const char *from, const char *into, int minute)
{
    return (struct relay){.from_ticket = slice_of(from),
                          .into_ticket = slice_of(into),
                          .at_ms = DESK_AT_MS(minute),
                          .active = true,
                          .started_at_ms = DESK_AT_MS(minute - 1)};
}

/* Loaded in any order, they are forgotten in the order in which they came, retire_after later. */
static void
edges_are_forgotten_in_the_order_of_their_arrival(void **state)
{
    static const char *const names[] = {"X-1", "X-2", "X-3"};
    struct relay late = make_relay("X-9", "Y", 9);
    struct buffer records[3] = {{0}};
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    for (int i = 0; i < 3; i++) {
        struct relay relay = make_relay(names[i], "Y", 1);

        engine_relay(desk.engine, &relay, DESK_AT_MS(10 * i));
        assert_true(engine_save_merge(desk.engine, relay.from_ticket, &records[i]));
    }
    for (int i = 0; i < 3; i++) {
        int k = (i + 2) % 3;

        assert_int_equal(engine_load_merge(other.engine, slice_of(names[k]), buffer_slice(&records[k])), 0);
    }
    engine_loaded(other.engine, DESK_AT_MS(30));
    engine_relay(other.engine, &late, DESK_AT_MS(30 * 1440 + 11)); /* over 30 d: two of the three */
    expect_changed(&other, "X-9");
    expect_changed(&other, "X-2");
    expect_changed(&other, "X-1");
    expect_changed(&other, NULL);
    assert_true(engine_save_merge(other.engine, slice_of("X-3"), &records[0]));
    for (int i = 0; i < 3; i++)
        buffer_free(&records[i]);
    desk_close(&desk);
    desk_close(&other);
}

/* How many tickets one relay derives, with so many edges about that have nothing to do with it. */
static uint64_t
derivations_of_a_relay(int edges)
{
    struct relay relay = make_relay("T-1", "T-0", 30);
    struct engine_figures before, after;
    struct desk desk;

    desk_open(&desk, POLICY);
    (void)desk_say(&desk, 20, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 20, "created T-5 status=New actor=requester");
    for (int i = 0; i < edges; i++) {
        char from[16];
        struct relay other;

        (void)snprintf(from, sizeof from, "X-%d", i);
        other = make_relay(from, i % 2 == 0 ? "Y" : "Z", 25);
        engine_relay(desk.engine, &other, DESK_AT_MS(25));
    }
    engine_figures(desk.engine, &before);
    engine_relay(desk.engine, &relay, DESK_AT_MS(40));
    engine_figures(desk.engine, &after);
    desk_close(&desk);
    return after.derivations - before.derivations;
}

static void
a_relay_derives_no_bystanders(void **state)
{
    (void)state;
    assert_int_equal(derivations_of_a_relay(0), derivations_of_a_relay(1000));
    assert_in_range(derivations_of_a_relay(1000), 1, 2);
}

/* Thousands are merged into one: its record stays as small as it must be. */
static void
merges_fill_a_ticket_and_no_more(void **state)
{
    enum { BYTES_MAX = 65536 };
    const char *policy = DESK_POLICY;
    struct engine_options options;
    struct buffer record = {0};
    struct desk desk;
    char words[80];

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.ticket_bytes_max = BYTES_MAX;
    options.self_check = false;
    desk_start(&desk, options);
    desk_say(&desk, 0, "created T-0 status=New actor=requester");
    for (int i = 1; i < 1500; i++) {
        (void)snprintf(words, sizeof words, "created T-%d status=New actor=requester", i);
        assert_int_equal(desk_say(&desk, 1, words).disposition, ENGINE_APPLIED);
        (void)snprintf(words, sizeof words, "merged T-%d into=T-0 actor=agent", i);
        assert_int_equal(desk_say(&desk, 2, words).disposition, ENGINE_APPLIED);
    }
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("T-0")), &record));
    assert_in_range(record.bytes, BYTES_MAX - 1024, BYTES_MAX + 1024);
    buffer_free(&record);
    desk_close(&desk);
}

/* What other partitions tell is remembered up to a bound: the oldest goes, with its record. */
static void
so_many_merges_are_remembered(void **state)
{
    const char *policy = DESK_POLICY;
    struct engine_options options;
    struct engine_figures figures;
    struct buffer from = {0}, record = {0};
    struct slice name;
    struct desk desk;
    size_t cursor = 0, count = 0, tombstones = 0;
    char text[32];

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.merges_max = 2;
    desk_start(&desk, options);
    for (int i = 0; i < 5; i++) {
        struct relay relay = {.into_ticket = slice_of("T-0"), .active = true, .at_ms = DESK_AT_MS(i)};

        (void)snprintf(text, sizeof text, "T-%d", i + 1);
        relay.from_ticket = slice_of(text);
        relay.started_at_ms = DESK_AT_MS(0);
        engine_relay(desk.engine, &relay, DESK_AT_MS(i));
    }
    while (engine_each_merge(desk.engine, &cursor, &name)) {
        assert_true(slice_is(name, "T-4") || slice_is(name, "T-5"));
        count++;
    }
    assert_int_equal(count, 2);
    engine_figures(desk.engine, &figures);
    assert_int_equal(figures.merges, 2);
    assert_int_equal(figures.merges_forgotten, 3);
    while (engine_merge_changed_next(desk.engine, &from)) {
        buffer_reset(&record);
        tombstones += !engine_save_merge(desk.engine, buffer_slice(&from), &record);
    }
    assert_int_equal(tombstones, 3);
    buffer_free(&from);
    buffer_free(&record);
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
        cmocka_unit_test(an_open_verdict_follows_its_ticket),
        cmocka_unit_test(r41_a_void_merge_becomes_valid),
        cmocka_unit_test(r41_a_circle_is_opened_elsewhere),
        cmocka_unit_test(a_merge_outlives_its_engine),
        cmocka_unit_test(edges_are_forgotten_in_the_order_of_their_arrival),
        cmocka_unit_test(a_relay_derives_no_bystanders),
        cmocka_unit_test(merges_fill_a_ticket_and_no_more),
        cmocka_unit_test(so_many_merges_are_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
