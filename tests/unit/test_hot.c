/* Unpacked points: so many and no more, and what is restored does not depend on where it lay. */
#include "../support/desk.h"
#include "core/ticket.h"

enum { TICKETS = 12, HOT_MAX = 4 };

static const char policy[] =
    DESK_POLICY "agreements:\n  - name: a\n    kind: sla\n    warn_at: [50%]\n    clocks:\n"
                "      fr: {measure: first_response, target: 1h}\n"
                "      r: {measure: resolution, target: 8h}\n";

struct pair {
    struct desk hot, packed;
};

static void
open_pair(struct pair *pair)
{
    const char *texts[] = {policy};
    struct engine_options options;

    desk_load(&pair->packed, texts, 1);
    desk_start(&pair->packed, desk_options(&pair->packed));
    desk_load(&pair->hot, texts, 1);
    options = desk_options(&pair->hot);
    options.hot_tickets_max = HOT_MAX;
    desk_start(&pair->hot, options);
}

static void
close_pair(struct pair *pair)
{
    desk_close(&pair->hot);
    desk_close(&pair->packed);
}

static void
say(struct pair *pair, int minute, const char *format, int ticket)
{
    char text[160];

    snprintf(text, sizeof text, format, ticket);
    (void)desk_say(&pair->hot, minute, text);
    (void)desk_say(&pair->packed, minute, text);
}

static const struct ticket *
ticket_of(const struct desk *desk, int number)
{
    char name[16];

    snprintf(name, sizeof name, "T-%d", number);
    return engine_find(desk->engine, slice_of(name));
}

/* Restored into the engine's own light fold. */
static const struct fold *
restored(struct desk *desk, int number)
{
    const struct ticket *ticket = ticket_of(desk, number);
    struct fold *fold = &desk->engine->light;

    fold->set = desk->engine->set;
    fold->history = &ticket->history;
    fold->days_version = 0;
    assert_true(hot_restore(ticket, fold));
    return fold;
}

static void
assert_alike(struct pair *pair, int number)
{
    const struct fold *a = restored(&pair->hot, number), *b = restored(&pair->packed, number);
    struct life life;

    assert_int_equal(a->life.at_ms, b->life.at_ms);
    assert_int_equal(a->life.ball, b->life.ball);
    assert_int_equal(a->clocks_count, b->clocks_count);
    for (size_t i = 0; i < a->clocks_count; i++) {
        assert_int_equal(a->clocks[i].elapsed_ms, b->clocks[i].elapsed_ms);
        assert_int_equal(a->clocks[i].next_at_ms, b->clocks[i].next_at_ms);
        assert_int_equal(a->clocks[i].running, b->clocks[i].running);
    }
    assert_int_equal(a->course.count, b->course.count);
    assert_true(hot_life(ticket_of(&pair->hot, number), &life));
    assert_int_equal(life.at_ms, b->life.at_ms);
}

static size_t
count_hot(const struct desk *desk)
{
    size_t count = 0;

    for (int i = 0; i < TICKETS; i++)
        count += point_is_hot(&ticket_of(desk, i)->point);
    assert_int_equal(count, hot_count(desk->engine->hot));
    return count;
}

static void
live(struct pair *pair)
{
    for (int i = 0; i < TICKETS; i++)
        say(pair, i, "created T-%d status=New customer=acme priority=P2 actor=requester", i);
    for (int i = 0; i < TICKETS; i += 2)
        say(pair, 20 + i, "message T-%d public=1 by=a-1 actor=agent", i);
    for (int i = 0; i < TICKETS; i += 3)
        say(pair, 50 + i, "updated T-%d status=Waiting actor=agent", i);
}

static void
no_more_than_its_bound_is_hot(void **state)
{
    static struct pair pair;

    (void)state;
    open_pair(&pair);
    live(&pair);
    assert_int_equal(count_hot(&pair.hot), HOT_MAX);
    assert_int_equal(count_hot(&pair.packed), 0);
    for (int i = 0; i < TICKETS; i++)
        assert_alike(&pair, i);
    assert_true(hot_bytes(ticket_of(&pair.hot, TICKETS - 3)) >
                hot_bytes(ticket_of(&pair.packed, TICKETS - 3)));
    close_pair(&pair);
}

/* One that is touched again and again stays while others come and go. */
static void
what_is_touched_again_stays(void **state)
{
    static struct pair pair;

    (void)state;
    open_pair(&pair);
    say(&pair, 0, "created T-%d status=New customer=acme priority=P2 actor=requester", 0);
    for (int i = 1; i < TICKETS; i++) {
        say(&pair, i * 3, "created T-%d status=New customer=acme priority=P2 actor=requester", i);
        say(&pair, i * 3 + 1, "updated T-%d assignee=a-1 actor=agent", 0);
        assert_true(point_is_hot(&ticket_of(&pair.hot, 0)->point));
    }
    close_pair(&pair);
}

static void
cooled_it_is_the_same_and_takes_no_more(void **state)
{
    static struct pair pair;
    size_t history_bytes, hot_resident, packed_resident;

    (void)state;
    open_pair(&pair);
    live(&pair);
    engine_cool(pair.hot.engine);
    assert_int_equal(count_hot(&pair.hot), 0);
    for (int i = 0; i < TICKETS; i++)
        assert_alike(&pair, i);
    engine_memory(pair.hot.engine, &history_bytes, &hot_resident);
    engine_memory(pair.packed.engine, &history_bytes, &packed_resident);
    assert_int_equal(hot_resident, packed_resident);
    live(&pair); /* every one is known: and it goes on */
    for (int i = 0; i < TICKETS; i++)
        say(&pair, 100 + i, "updated T-%d status=Resolved actor=agent", i);
    for (int i = 0; i < TICKETS; i++)
        assert_alike(&pair, i);
    close_pair(&pair);
}

static void
one_that_is_forgotten_leaves_its_place(void **state)
{
    static struct pair pair;

    (void)state;
    open_pair(&pair);
    live(&pair);
    for (int i = 0; i < TICKETS; i++) {
        char name[16];

        snprintf(name, sizeof name, "T-%d", i);
        engine_forget(pair.hot.engine, slice_of(name));
    }
    assert_int_equal(hot_count(pair.hot.engine->hot), 0);
    close_pair(&pair);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_than_its_bound_is_hot),
        cmocka_unit_test(what_is_touched_again_stays),
        cmocka_unit_test(cooled_it_is_the_same_and_takes_no_more),
        cmocka_unit_test(one_that_is_forgotten_leaves_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
