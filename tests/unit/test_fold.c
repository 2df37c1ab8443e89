/* The fold: a history read to an instant, and the light step that must say the same. */
#include "../support/desk.h"
#include "core/fold.h"
#include "base/memory.h"

#define POLICY                                                                                               \
    DESK_POLICY "groups:\n  desk: {party: provider, tier: 1}\n  l2: {party: provider, tier: 2}\n"            \
                "  telco: {party: supplier}\n"                                                               \
                "agreements:\n"                                                                              \
                "  - name: a\n    kind: sla\n    match: {customer: acme}\n    warn_at: [50%]\n    clocks:\n" \
                "      fr: {measure: first_response, target: 30m}\n"                                         \
                "      r: {measure: resolution, target: 2h}\n"                                               \
                "  - {name: o, kind: ola, clocks: {l2: {measure: handling, of: {group: l2}, target: 1h}}}\n"

struct bench {
    struct policies policies;
    struct history history;
    struct fold fold;
    uint64_t number;
};

static void
begin(struct bench *bench)
{
    struct buffer text = {0};

    memset(bench, 0, sizeof *bench);
    buffer_append_text(&text, POLICY);
    policies_load(&bench->policies, &text, 1, 0);
    buffer_free(&text);
    fold_init(&bench->fold, bench->policies.set, &bench->history);
}

static void
end(struct bench *bench)
{
    fold_done(&bench->fold);
    history_done(&bench->history, bench->policies.symbols);
    policy_set_free(bench->policies.set);
    assert_int_equal(symbols_count(bench->policies.symbols), 0);
    symbols_free(bench->policies.symbols);
}

static struct entry
make(struct bench *bench, enum event_type type, int minute, enum actor actor, enum attribute attribute,
     const char *value)
{
    struct entry entry = {.type = (uint8_t)type,
                          .at_ms = DESK_AT_MS(minute),
                          .actor = (uint8_t)actor,
                          .identity = ++bench->number};

    if (attribute < ATTRIBUTES_COUNT) {
        entry.present = ATTRIBUTE_BIT(attribute);
        entry.attributes[attribute] = symbols_intern(bench->policies.symbols, slice_of(value));
    }
    return entry;
}

static void
put(struct bench *bench, enum event_type type, int minute, enum actor actor, enum attribute attribute,
    const char *value)
{
    struct entry entry = make(bench, type, minute, actor, attribute, value);

    (void)history_insert(&bench->history, &entry, false);
}

static const struct clock *
slot(const struct bench *bench, enum clock_kind kind, const char *name)
{
    int found = fold_slot(&bench->fold, kind, symbols_find(bench->policies.symbols, slice_of(name)));

    assert_true(found >= 0);
    return &bench->fold.clocks[found];
}

static void
nothing_before_the_first_event(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    fold_derive(&bench.fold, DESK_AT_MS(0), true);
    assert_false(bench.fold.life.exists);
    put(&bench, EVENT_TICKET_CREATED, 10, ACTOR_REQUESTER, ATTRIBUTE_CUSTOMER, "acme");
    fold_derive(&bench.fold, DESK_AT_MS(9), true); /* what waits for its time */
    assert_false(bench.fold.life.exists);
    fold_derive(&bench.fold, DESK_AT_MS(10), false);
    assert_true(bench.fold.life.exists);
    assert_int_equal(bench.fold.life.started_at_ms, DESK_AT_MS(10));
    end(&bench);
}

static void
timers_come_last_at_their_instant(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    put(&bench, EVENT_TICKET_CREATED, 0, ACTOR_REQUESTER, ATTRIBUTE_CUSTOMER, "acme");
    fold_derive(&bench.fold, DESK_AT_MS(30), false);
    assert_int_equal(slot(&bench, KIND_SLA, "fr")->breached_at_ms, INSTANT_NONE);
    fold_derive(&bench.fold, DESK_AT_MS(30), true);
    assert_int_equal(slot(&bench, KIND_SLA, "fr")->breached_at_ms, DESK_AT_MS(30));
    put(&bench, EVENT_TICKET_UPDATED, 30, ACTOR_AGENT, ATTRIBUTE_STATUS, "Resolved");
    fold_derive(&bench.fold, DESK_AT_MS(30), true);
    assert_int_equal(slot(&bench, KIND_SLA, "fr")->breached_at_ms, INSTANT_NONE);
    assert_true(slot(&bench, KIND_SLA, "fr")->unanswered);
    end(&bench);
}

/* One by one from a kept life, or all from the beginning: the same clocks and the same life. */
static void
a_light_step_says_what_the_history_says(void **state)
{
    const struct {
        enum event_type type;
        int minute;
        enum actor actor;
        enum attribute attribute;
        const char *value;
    } story[] = {
        {EVENT_TICKET_CREATED, 0, ACTOR_REQUESTER, ATTRIBUTE_CUSTOMER, "acme"},
        {EVENT_TICKET_UPDATED, 1, ACTOR_AGENT, ATTRIBUTE_ASSIGNEE, "a-1"},
        {EVENT_TICKET_MESSAGE, 2, ACTOR_REQUESTER, ATTRIBUTES_COUNT, NULL},
        {EVENT_TICKET_UPDATED, 3, ACTOR_AGENT, ATTRIBUTE_STATUS, "Waiting"},
        {EVENT_TICKET_UPDATED, 4, ACTOR_AGENT, ATTRIBUTE_STATUS, "New"},
        {EVENT_TICKET_UPDATED, 9, ACTOR_BOT, ATTRIBUTE_CHANNEL, "portal"},
    };
    struct bench bench;
    struct fold light;
    size_t steps = 0;

    (void)state;
    begin(&bench);
    for (size_t i = 0; i < sizeof story / sizeof story[0]; i++) {
        struct entry entry =
            make(&bench, story[i].type, story[i].minute, story[i].actor, story[i].attribute, story[i].value);

        fold_init(&light, bench.policies.set, &bench.history);
        light.light = true;
        light.life = bench.fold.life;
        light.clocks_count = light.clocks_room = bench.fold.clocks_count;
        light.clocks = memory_copy(bench.fold.clocks, bench.fold.clocks_count * sizeof *light.clocks);
        light.sketches = memory_allocate_zeroed(light.clocks_room, sizeof *light.sketches);
        assert_true(history_insert(&bench.history, &entry, false));
        fold_step(&light, &entry, entry.at_ms, false);
        fold_derive(&bench.fold, entry.at_ms, false);
        if (i > 0 && !light.needs_full && light.touched == 0) {
            steps++;
            assert_memory_equal(&light.life, &bench.fold.life, sizeof light.life);
            assert_int_equal(light.clocks_count, bench.fold.clocks_count);
            for (size_t k = 0; k < light.clocks_count; k++) {
                assert_int_equal(light.clocks[k].elapsed_ms, bench.fold.clocks[k].elapsed_ms);
                assert_int_equal(light.clocks[k].running, bench.fold.clocks[k].running);
                assert_int_equal(light.clocks[k].next_at_ms, bench.fold.clocks[k].next_at_ms);
            }
        }
        fold_done(&light);
    }
    assert_true(steps >= 3);
    end(&bench);
}

static void
who_acts_when_nobody_says(void **state)
{
    struct bench bench;
    struct entry entry;
    symbol someone;

    (void)state;
    begin(&bench);
    put(&bench, EVENT_TICKET_CREATED, 0, ACTOR_REQUESTER, ATTRIBUTE_REQUESTER, "u-1");
    put(&bench, EVENT_TICKET_UPDATED, 1, ACTOR_AGENT, ATTRIBUTE_ASSIGNEE, "a-1");
    fold_derive(&bench.fold, DESK_AT_MS(2), false);
    entry = (struct entry){.type = EVENT_TICKET_MESSAGE};
    assert_int_equal(fold_actor(&bench.fold, &entry), ACTOR_SYSTEM);
    entry.by = symbols_find(bench.policies.symbols, slice_of("u-1"));
    assert_int_equal(fold_actor(&bench.fold, &entry), ACTOR_REQUESTER);
    entry.by = symbols_find(bench.policies.symbols, slice_of("a-1"));
    assert_int_equal(fold_actor(&bench.fold, &entry), ACTOR_AGENT);
    someone = symbols_intern(bench.policies.symbols, slice_of("x"));
    entry.by = someone;
    assert_int_equal(fold_actor(&bench.fold, &entry), ACTOR_SYSTEM);
    entry.actor = ACTOR_SUPPLIER;
    assert_int_equal(fold_actor(&bench.fold, &entry), ACTOR_SUPPLIER);
    symbols_release(bench.policies.symbols, someone);
    end(&bench);
}

static void
the_ball_goes_by_status_then_group(void **state)
{
    struct bench bench;

    (void)state;
    begin(&bench);
    put(&bench, EVENT_TICKET_CREATED, 0, ACTOR_REQUESTER, ATTRIBUTE_GROUP, "telco");
    fold_derive(&bench.fold, DESK_AT_MS(0), false);
    assert_int_equal(bench.fold.life.ball, PARTY_BIT(PARTY_SUPPLIER));
    put(&bench, EVENT_TICKET_UPDATED, 1, ACTOR_AGENT, ATTRIBUTE_STATUS, "Waiting");
    fold_derive(&bench.fold, DESK_AT_MS(1), false);
    assert_int_equal(bench.fold.life.ball, PARTY_BIT(PARTY_CUSTOMER));
    put(&bench, EVENT_TICKET_UPDATED, 2, ACTOR_AGENT, ATTRIBUTE_STATUS, "New");
    put(&bench, EVENT_TICKET_UPDATED, 3, ACTOR_AGENT, ATTRIBUTE_GROUP, "nobody listed");
    fold_derive(&bench.fold, DESK_AT_MS(3), false);
    assert_int_equal(bench.fold.life.ball, PARTY_BIT(PARTY_PROVIDER)); /* R18 */
    put(&bench, EVENT_TICKET_UPDATED, 4, ACTOR_AGENT, ATTRIBUTE_STATUS, "Resolved");
    fold_derive(&bench.fold, DESK_AT_MS(4), false);
    assert_int_equal(bench.fold.life.ball, PARTY_BIT(PARTY_NOBODY));
    assert_int_equal(account_attribution(PARTY_EVERYONE), PARTY_CUSTOMER);
    assert_int_equal(account_attribution(PARTY_BIT(PARTY_PROVIDER) | PARTY_BIT(PARTY_SUPPLIER)),
                     PARTY_SUPPLIER);
    end(&bench);
}

static void
final_when_closed_or_solved_long_enough(void **state)
{
    struct bench bench;
    int64_t final_at_ms = 0;

    (void)state;
    begin(&bench);
    put(&bench, EVENT_TICKET_CREATED, 0, ACTOR_REQUESTER, ATTRIBUTE_CUSTOMER, "acme");
    put(&bench, EVENT_TICKET_UPDATED, 10, ACTOR_AGENT, ATTRIBUTE_STATUS, "Resolved");
    fold_derive(&bench.fold, DESK_AT_MS(10 + 1440), false);
    assert_false(fold_is_final(&bench.fold, &final_at_ms));
    fold_derive(&bench.fold, DESK_AT_MS(10 + 1440), true); /* R44: a timer, inclusive */
    assert_true(fold_is_final(&bench.fold, &final_at_ms));
    assert_int_equal(final_at_ms, DESK_AT_MS(10 + 1440));
    put(&bench, EVENT_TICKET_UPDATED, 20, ACTOR_AGENT, ATTRIBUTE_STATUS, "Closed");
    fold_derive(&bench.fold, DESK_AT_MS(20), false);
    assert_true(fold_is_final(&bench.fold, &final_at_ms));
    assert_int_equal(final_at_ms, DESK_AT_MS(20));
    put(&bench, EVENT_TICKET_DELETED, 30, ACTOR_AGENT, ATTRIBUTES_COUNT, NULL);
    fold_derive(&bench.fold, DESK_AT_MS(30), false);
    assert_false(fold_is_final(&bench.fold, &final_at_ms));
    end(&bench);
}

/* R19: a version with a longer reopen_window does not make open again what was final. */
static void
final_stays_final_under_a_later_version(void **state)
{
    static const char *const versions[] = {
        "version: \"1\"\nreopen_window: 1h\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}]\n",
        "version: \"2\"\nfrom: 2026-03-27T12:00:00Z\nreopen_window: 10h\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}]\n"};
    struct desk desk;

    (void)state;
    desk_load(&desk, versions, 2);
    desk_start(&desk, desk_options(&desk));
    desk.hears = DESK_TICKETS;
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 10, "updated T-0 status=Resolved actor=agent");
    desk_until(&desk, 200);
    desk_heard(&desk, "0 T-0 open\n10 T-0 solved\n70 T-0 solved final\n");
    (void)desk_say(&desk, 15, "message T-0 actor=agent public=0"); /* late: derived again under version 2 */
    desk_until(&desk, 2000);
    desk_heard(&desk, "");
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_before_the_first_event),
        cmocka_unit_test(timers_come_last_at_their_instant),
        cmocka_unit_test(a_light_step_says_what_the_history_says),
        cmocka_unit_test(who_acts_when_nobody_says),
        cmocka_unit_test(the_ball_goes_by_status_then_group),
        cmocka_unit_test(final_when_closed_or_solved_long_enough),
        cmocka_unit_test(final_stays_final_under_a_later_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
