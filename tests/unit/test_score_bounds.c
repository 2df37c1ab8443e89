/* How much the score side holds, and what becomes of what is more: refused in words, never in silence, and
 * nothing that is held is harmed. */
#include "../support/unit.h"
#include "../support/scores.h"

#define POLICY "{min_answers: 1, windows: [7d], scopes: [[], [customer]]}"

static const struct scores_sink silent = {0};

static void
bound(struct house *house, size_t answers_max, size_t facts_max, size_t scopes_max)
{
    const struct scores_bounds bounds = {answers_max, facts_max, scopes_max, 0};

    scores_set_bounds(house->scores, &bounds);
}

static struct engine_answer
answer_of(struct house *house, int64_t at_ms, const char *id, const char *customer)
{
    struct event event = house_answer(house, at_ms, id, "nps", 9);

    house_attribute(&event, ATTRIBUTE_CUSTOMER, customer);
    return scores_feedback(house->scores, &event, T0_MS);
}

static void
test_one_answer_too_many_is_refused_and_may_come_again(void **state)
{
    struct house house;
    struct event event;

    (void)state;
    house_open(&house, POLICY, silent);
    bound(&house, 3, 0, 0);
    assert_int_equal(answer_of(&house, T0_MS, "a", "acme").disposition, ENGINE_APPLIED);
    event = house_event(&house, EVENT_FEEDBACK_OFFERED, T0_MS, "o");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_APPLIED);
    assert_int_equal(answer_of(&house, T0_MS + 60000, "ahead", "acme").disposition, ENGINE_WAITS);
    event = house_answer(&house, T0_MS, "c", "nps", 9);
    event.id = slice_of("refused");
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).error, ERROR_SCORES_FULL);
    assert_int_equal(scores_fill(house.scores).answers, 3);
    assert_int_equal(scores_fill(house.scores).answers_refused, 1);
    scores_check(house.scores);
    /* what is held may be said otherwise, taken back, and what waits too */
    assert_int_equal(answer_of(&house, T0_MS, "a", "beta").disposition, ENGINE_APPLIED);
    assert_int_equal(answer_of(&house, T0_MS + 60000, "ahead", "beta").disposition, ENGINE_WAITS);
    {
        struct event back = house_event(&house, EVENT_FEEDBACK_WITHDRAWN, T0_MS, "a");

        assert_int_equal(scores_feedback(house.scores, &back, T0_MS).disposition, ENGINE_APPLIED);
    }
    /* the very event that was refused is none that was seen before */
    bound(&house, 4, 0, 0);
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_APPLIED);
    scores_check(house.scores);
    house_close(&house);
}

/* One feedback id, said again and again, fills the memory of what was seen. */
static void
test_events_of_one_answer_are_bounded_too(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, POLICY, silent);
    bound(&house, 2, 0, 0);
    for (int i = 0; i < 2 * SCORES_EVENTS_PER_ANSWER; i++)
        assert_int_equal(answer_of(&house, T0_MS, "a", "acme").disposition, ENGINE_APPLIED);
    assert_int_equal(answer_of(&house, T0_MS, "a", "acme").error, ERROR_SCORES_FULL);
    scores_check(house.scores);
    house_close(&house);
}

/* What another owner has decided stands in the log: it is folded, whatever the bound of this one. */
static void
test_what_is_decided_is_folded_over_the_bound(void **state)
{
    struct house house;
    struct answer_outcome outcome = {
        .feedback = {.id = slice_of("x"), .scale = slice_of("nps"), .has_score = true, .score = 9},
        .answer_class = ANSWER_POSITIVE,
        .answered_at_ms = T0_MS,
        .arrival = {T0_MS, 1, false, false}};

    (void)state;
    house_open(&house, POLICY, silent);
    bound(&house, 1, 0, 0);
    assert_int_equal(answer_of(&house, T0_MS, "a", "acme").disposition, ENGINE_APPLIED);
    scores_answer(house.scores, &outcome, T0_MS);
    assert_int_equal(scores_fill(house.scores).answers, 2);
    assert_int_equal(answer_of(&house, T0_MS, "b", "acme").error, ERROR_SCORES_FULL);
    assert_int_equal(house_read(&house, "7d", T0_MS).n, 2);
    house_close(&house);
}

/* A scope is whole or not there: also when room comes back, until all are made anew. */
static void
test_a_scope_without_room_is_not_there_at_all(void **state)
{
    struct house house;

    (void)state;
    house_open(&house, POLICY, silent);
    bound(&house, 0, 0, 2); /* [] and one customer */
    assert_int_equal(answer_of(&house, T0_MS, "a", "acme").disposition, ENGINE_APPLIED);
    assert_int_equal(answer_of(&house, T0_MS, "b", "beta").disposition, ENGINE_APPLIED);
    assert_int_equal(house_read(&house, "7d", T0_MS).n, 2); /* it counts where there is a scope */
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "acme", "7d", T0_MS).n, 1);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "beta", "7d", T0_MS).n, 0);
    assert_true(scores_fill(house.scores).scopes_full);
    assert_int_equal(scores_fill(house.scores).scopes_refused, 1);
    assert_int_equal(answer_of(&house, T0_MS, "a", "gamma").disposition, ENGINE_APPLIED); /* acme's goes */
    assert_int_equal(answer_of(&house, T0_MS, "c", "beta").disposition, ENGINE_APPLIED);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "beta", "7d", T0_MS).n, 0); /* not 1 of 2 */
    scores_check(house.scores);
    bound(&house, 0, 0, 3);
    assert_false(scores_fill(house.scores).scopes_full);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "beta", "7d", T0_MS).n, 2);
    assert_int_equal(house_read_one(&house, ATTRIBUTE_CUSTOMER, "gamma", "7d", T0_MS).n, 1);
    assert_int_equal(scores_fill(house.scores).scopes, 3);
    scores_check(house.scores);
    house_close(&house);
}

static void
test_tickets_and_verdicts_over_the_bound_are_passed_over(void **state)
{
    struct house house;
    struct ticket_outcome ticket;
    struct event event;

    (void)state;
    house_open(&house, POLICY, silent);
    bound(&house, 0, 2, 0);
    ticket = house_ticket("T1", 1, TICKET_OPEN, T0_MS);
    scores_ticket(house.scores, &ticket, T0_MS);
    event = house_answer(&house, T0_MS, "a", "nps", 9);
    event.ticket = slice_of("T2"); /* known by name only */
    assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_APPLIED);
    ticket = house_ticket("T3", 1, TICKET_OPEN, T0_MS);
    scores_ticket(house.scores, &ticket, T0_MS);
    assert_int_equal(scores_fill(house.scores).facts, 2);
    assert_int_equal(scores_fill(house.scores).facts_refused, 1);
    ticket = house_ticket("T1", 2, TICKET_SOLVED, T0_MS); /* what is held goes on */
    scores_ticket(house.scores, &ticket, T0_MS);
    ticket = house_ticket("T2", 1, TICKET_SOLVED, T0_MS);
    scores_ticket(house.scores, &ticket, T0_MS);
    assert_int_equal(scores_fill(house.scores).facts_refused, 1);
    assert_int_equal(house_read(&house, "7d", T0_MS).coverage.n, 2);
    {
        const struct verdict_outcome verdict =
            house_verdict("T1", "resolution", 1, VERDICT_MET, VERDICT_MET, T0_MS);

        scores_verdict(house.scores, &verdict, T0_MS);
        assert_int_equal(scores_fill(house.scores).facts_refused, 2);
        bound(&house, 0, 3, 0);
        scores_verdict(house.scores, &verdict, T0_MS);
        assert_int_equal(scores_fill(house.scores).facts, 3);
        scores_verdict(house.scores, &verdict, T0_MS); /* stale, not refused */
        assert_int_equal(scores_fill(house.scores).facts_refused, 2);
    }
    assert_int_equal(house_read(&house, "7d", T0_MS).attainment_contract.n, 1);
    scores_check(house.scores);
    house_close(&house);
}

/* Names of aspects are what people type: a record tells those that most have answered, in order of names. */
static void
test_a_record_tells_so_many_aspects(void **state)
{
    static const char *const names[] = {"speed", "clarity", "a", "b", "c"};
    const struct scores_bounds bounds = {.aspects_max = 2};
    struct feedback_aspect aspects[5];
    struct score_record record;
    struct house house;

    (void)state;
    house_open(&house, POLICY, silent);
    for (int i = 0; i < 2; i++) {
        struct event event = house_answer(&house, T0_MS, i == 0 ? "f" : "g", "nps", 9);

        for (size_t k = 0; k < 5; k++)
            aspects[k] = (struct feedback_aspect){slice_of(names[k]), 9};
        event.feedback.aspects = aspects;
        event.feedback.aspects_count = i == 0 ? 5 : 2; /* twice: speed and clarity */
        assert_int_equal(scores_feedback(house.scores, &event, T0_MS).disposition, ENGINE_APPLIED);
    }
    assert_int_equal(house_read(&house, "7d", T0_MS).aspects_count, 5);
    assert_int_equal(scores_fill(house.scores).aspects_refused, 0);
    scores_set_bounds(house.scores, &bounds);
    record = house_read(&house, "7d", T0_MS);
    assert_int_equal(record.aspects_count, 2);
    assert_true(slice_is(record.aspects[0].name, "clarity") && slice_is(record.aspects[1].name, "speed"));
    assert_int_equal(scores_fill(house.scores).aspects_refused, 3);
    scores_check(house.scores);
    house_close(&house);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_answer_too_many_is_refused_and_may_come_again),
        cmocka_unit_test(test_events_of_one_answer_are_bounded_too),
        cmocka_unit_test(test_what_is_decided_is_folded_over_the_bound),
        cmocka_unit_test(test_a_scope_without_room_is_not_there_at_all),
        cmocka_unit_test(test_tickets_and_verdicts_over_the_bound_are_passed_over),
        cmocka_unit_test(test_a_record_tells_so_many_aspects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
