/* The kept point of a ticket: what is restored is what was kept, whatever the fold; and how little it takes.
 */
#include "../support/desk.h"
#include "../support/folds.h"

static bool
calendars_agree(const struct clock *a, const struct clock *b)
{
    return a->started_at_ms == INSTANT_NONE || (a->calendar == b->calendar && a->target_ms == b->target_ms);
}

/* But for since_ms of a clock that does not run, and target and calendar of one that never started. */
static bool
clocks_agree(const struct clock *a, const struct clock *b)
{
    return a->promise == b->promise && calendars_agree(a, b) && a->started_at_ms == b->started_at_ms &&
           (!a->running || a->since_ms == b->since_ms) && a->elapsed_ms == b->elapsed_ms &&
           a->next_ms == b->next_ms && a->next_at_ms == b->next_at_ms &&
           a->breached_at_ms == b->breached_at_ms && a->stopped_at_ms == b->stopped_at_ms &&
           a->due_at_ms == b->due_at_ms && a->decided_after == b->decided_after && a->cycle == b->cycle &&
           a->version == b->version && a->asked_version == b->asked_version && a->flags == b->flags &&
           a->running == b->running && a->ended == b->ended && a->cancelled == b->cancelled &&
           a->unanswered == b->unanswered && a->answered == b->answered && a->excused == b->excused &&
           a->lost == b->lost && a->final == b->final && a->renewed == b->renewed &&
           a->irregular == b->irregular;
}

static bool
courses_agree(const struct course *a, const struct course *b)
{
    bool agree = a->count == b->count && a->broken == b->broken;

    for (uint32_t i = 0; agree && i < a->count; i++)
        agree = a->marks[i].at_ms == b->marks[i].at_ms && a->marks[i].ball == b->marks[i].ball &&
                a->marks[i].running == b->marks[i].running;
    return agree;
}

/* What a round through bytes has to leave as it was, and what was met on the way. */
struct rounds {
    struct folds folds;
    struct point again;
    size_t count, clocks, breached, retargeted, marks;
};

static void
go_round(void *context, const struct ticket *ticket, int64_t t_ms)
{
    struct rounds *rounds = context;
    const struct fold *full = &rounds->folds.full, *light = &rounds->folds.light;
    const struct point *point = &rounds->folds.point;
    struct life life;

    (void)t_ms;
    assert_memory_equal(&light->life, &full->life, sizeof full->life);
    assert_int_equal(light->clocks_count, full->clocks_count);
    for (size_t i = 0; i < full->clocks_count; i++) {
        assert_true(clocks_agree(&full->clocks[i], &light->clocks[i]));
        rounds->breached += full->clocks[i].breached_at_ms != INSTANT_NONE;
        rounds->retargeted += full->clocks[i].irregular;
    }
    assert_true(courses_agree(&full->course, &light->course));
    assert_true(point_life(point, ticket->history.base_ms, &life));
    assert_memory_equal(&life, &full->life, sizeof life);
    point_keep(&rounds->again, light, &rounds->folds.scratch);
    assert_int_equal(rounds->again.used, point->used);
    assert_memory_equal(rounds->again.bytes, point->bytes, point->used);
    rounds->count++;
    rounds->clocks += full->clocks_count;
    rounds->marks += full->course.count;
}

static void
what_is_restored_is_what_was_kept(void **state)
{
    static struct rounds rounds;

    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        folds_of_seed(&rounds.folds, seed, go_round, &rounds);
    assert_in_range(rounds.count, 200, 100000);
    assert_in_range(rounds.clocks, 2 * rounds.count, 100 * rounds.count);
    assert_in_range(rounds.breached, 100, 100000);
    assert_in_range(rounds.retargeted, 50, 100000);
    assert_in_range(rounds.marks, rounds.count, 100 * rounds.count);
    point_done(&rounds.again);
    folds_done(&rounds.folds);
}

/* One that does not exist yet is kept as such. */
static void
nothing_is_nothing(void **state)
{
    struct point point = {0};
    struct desk desk;
    struct life life;

    (void)state;
    desk_open(&desk, DESK_POLICY
              "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}}}]\n");
    assert_false(point_life(&point, 0, &life));
    assert_int_equal(point.used, 0);
    (void)desk_say(&desk, 60, "created T-0 status=New actor=requester");
    assert_true(point_life(&engine_find(desk.engine, slice_of("T-0"))->point,
                           engine_find(desk.engine, slice_of("T-0"))->history.base_ms, &life));
    assert_true(life.exists);
    assert_int_equal(desk_minute(life.started_at_ms), 60);
    point_done(&point);
    desk_close(&desk);
}

/* A ticket of eight events and three clocks: its point has to leave room for its history within 512 bytes. */
static void
an_ordinary_ticket_is_small(void **state)
{
    struct desk desk;
    const struct ticket *ticket;
    uint32_t open_bytes;

    (void)state;
    desk_open(&desk, DESK_POLICY "agreements:\n  - name: a\n    kind: sla\n    warn_at: [50%]\n    clocks:\n"
                                 "      fr: {measure: first_response, target: 1h}\n"
                                 "      u: {measure: update, target: 4h}\n"
                                 "      r: {measure: resolution, target: 8h}\n");
    (void)desk_say(&desk, 0,
                   "created T-0 status=New customer=acme service=net category=incident priority=P2 "
                   "group=desk requester=u-1 channel=portal actor=requester");
    (void)desk_say(&desk, 5, "updated T-0 assignee=a-1 actor=agent");
    (void)desk_say(&desk, 20, "message T-0 public=1 by=a-1 actor=agent");
    (void)desk_say(&desk, 30, "updated T-0 status=Waiting actor=agent");
    (void)desk_say(&desk, 90, "message T-0 by=u-1 actor=requester");
    ticket = engine_find(desk.engine, slice_of("T-0"));
    open_bytes = ticket->point.used;
    (void)desk_say(&desk, 91, "updated T-0 status=New actor=system");
    (void)desk_say(&desk, 120, "updated T-0 group=l2 actor=agent");
    (void)desk_say(&desk, 200, "updated T-0 status=Resolved actor=agent");
    printf("kept point: %u bytes while open, %u solved\n", (unsigned)open_bytes,
           (unsigned)ticket->point.used);
    assert_in_range(open_bytes, 60, 128);
    assert_in_range(ticket->point.used, 60, 192);
    assert_in_range(ticket->point.room, ticket->point.used, 224);
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_restored_is_what_was_kept),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(an_ordinary_ticket_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
