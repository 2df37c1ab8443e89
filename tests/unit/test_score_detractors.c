/* The alert of a negative answer: pages in real time, acknowledgements that are outcomes, what a rebuild
 * knows. */
#include "../support/unit.h"
#include "../support/scores.h"

enum { TOLD_MAX = 64, LOG_MAX = 64 };
#define REPEATING                                                                                            \
    "{detractor_alert: true, detractor_repeat: {every: 30m, stop_after: 5h, ack_timeout: 60m}, windows: "    \
    "[24h]}"
#define MINUTE_MS INT64_C(60000)
#define KEY "T1/experience/post-ticket/f-1/detractor"

struct heard {
    enum alert_state state;
    uint32_t n, revision;
    int64_t at_ms, effective_at_ms;
};

struct told {
    struct heard alerts[TOLD_MAX];
    size_t alerts_count;
    struct answer_outcome log[LOG_MAX]; /* texts: literals and those of the events below */
    size_t log_count;
    char by[LOG_MAX][16];
};

static void
hear_detractor(void *context, const struct score_detractor *alert)
{
    struct told *told = context;

    assert_in_range(told->alerts_count, 0, TOLD_MAX - 1);
    told->alerts[told->alerts_count++] =
        (struct heard){alert->state, alert->n, alert->arrival.revision, alert->arrival.detected_at_ms,
                       alert->effective_at_ms};
}

/* Every text here is one of few: the log may point at literals. */
static struct slice
literal(struct slice text)
{
    static const char *const known[] = {"f-1",  "f-2", "post-ticket", "nps", "T1",
                                        "test", "u-1", "acme",        "desk"};

    if (text.at == NULL)
        return text;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (slice_is(text, known[i]))
            return slice_of(known[i]);
    fail_msg("%.*s", (int)text.bytes, text.at);
    return text;
}

static void
hear_answer(void *context, const struct answer_outcome *outcome)
{
    struct told *told = context;
    struct answer_outcome *kept = &told->log[told->log_count];

    assert_in_range(told->log_count, 0, LOG_MAX - 1);
    *kept = *outcome;
    kept->feedback.id = literal(outcome->feedback.id);
    kept->feedback.survey = literal(outcome->feedback.survey);
    kept->feedback.scale = literal(outcome->feedback.scale);
    kept->feedback.respondent = literal(outcome->feedback.respondent);
    kept->ticket = literal(outcome->ticket);
    kept->source = literal(outcome->source);
    kept->event = kept->event_source = (struct slice){NULL, 0};
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        kept->attributes[i] = literal(outcome->attributes[i]);
    if (outcome->acknowledged_by.at != NULL) {
        snprintf(told->by[told->log_count], sizeof told->by[0], "%.*s", (int)outcome->acknowledged_by.bytes,
                 outcome->acknowledged_by.at);
        kept->acknowledged_by = slice_of(told->by[told->log_count]);
    }
    told->log_count++;
}

static void
open_told(struct house *house, struct told *told, const char *policy)
{
    *told = (struct told){.alerts_count = 0};
    house_open(house, policy,
               (struct scores_sink){.context = told, .answer = hear_answer, .detractor = hear_detractor});
}

static void
answer(struct house *house, int64_t at_ms, int32_t score)
{
    struct event event = house_answer(house, at_ms, "f-1", "nps", score);

    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-1");
    assert_int_equal(scores_feedback(house->scores, &event, at_ms).disposition, ENGINE_APPLIED);
}

static enum engine_disposition
acknowledge(struct house *house, int64_t at_ms)
{
    struct event event = house_event(house, EVENT_ALERT_ACKNOWLEDGED, at_ms, "");

    event.alert = slice_of(KEY);
    event.by = slice_of("m-1");
    return scores_feedback(house->scores, &event, at_ms).disposition;
}

static void
expect(const struct told *told, size_t i, enum alert_state state, uint32_t n, int64_t minutes)
{
    assert_in_range(i, 0, told->alerts_count - 1);
    assert_int_equal(told->alerts[i].state, state);
    assert_int_equal(told->alerts[i].n, n);
    assert_int_equal(told->alerts[i].at_ms, T0_MS + minutes * MINUTE_MS);
    assert_int_equal(told->alerts[i].revision, i + 1);
    assert_int_equal(told->alerts[i].effective_at_ms, T0_MS);
}

/* SC-58, of an answer: 10:00 fires, 10:30 again, acknowledged 10:50, again 11:50, 12:20; over at 12:40. */
static void
test_pages(void **state)
{
    struct told told;
    struct house house;

    (void)state;
    open_told(&house, &told, REPEATING);
    answer(&house, T0_MS, 2);
    assert_int_equal(scores_next_ms(house.scores), T0_MS + 30 * MINUTE_MS);
    assert_int_equal(acknowledge(&house, T0_MS + 50 * MINUTE_MS), ENGINE_APPLIED);
    answer(&house, T0_MS + 160 * MINUTE_MS, 9);
    scores_advance(house.scores, T0_MS + 2 * DAY_MS, SCORES_THROUGH);
    assert_int_equal(told.alerts_count, 6);
    expect(&told, 0, ALERT_FIRING, 0, 0);
    expect(&told, 1, ALERT_REPEATED, 1, 30);
    expect(&told, 2, ALERT_ACKNOWLEDGED, 0, 50);
    expect(&told, 3, ALERT_REPEATED, 2, 110);
    expect(&told, 4, ALERT_REPEATED, 3, 140);
    expect(&told, 5, ALERT_RESOLVED, 0, 160);
    house_close(&house);
}

/* stop_after is 5 h: the tenth page is the last. */
static void
test_stops(void **state)
{
    struct told told;
    struct house house;

    (void)state;
    open_told(&house, &told, REPEATING);
    answer(&house, T0_MS, 2);
    scores_advance(house.scores, T0_MS + 2 * DAY_MS, SCORES_THROUGH);
    assert_int_equal(told.alerts_count, 11);
    expect(&told, 10, ALERT_REPEATED, 10, 300);
    house_close(&house);
}

/* R33: resolved and true again is repeated; withdrawn and true again fires. The instant is that of the answer
 * that fired it, the same in every record until it is withdrawn (R36). */
static void
test_again(void **state)
{
    struct told told;
    struct house house;
    struct event event;

    (void)state;
    open_told(&house, &told, "{detractor_alert: true, windows: [24h]}");
    answer(&house, T0_MS, 2);
    answer(&house, T0_MS + 1, 9);
    answer(&house, T0_MS + 2, 3);
    event = house_event(&house, EVENT_FEEDBACK_WITHDRAWN, T0_MS + 3, "f-1");
    event.ticket = slice_of("T1");
    (void)scores_feedback(house.scores, &event, T0_MS + 3);
    answer(&house, T0_MS + 4, 1);
    assert_int_equal(told.alerts_count, 5);
    assert_int_equal(told.alerts[2].state, ALERT_REPEATED);
    assert_int_equal(told.alerts[2].n, 1);
    assert_int_equal(told.alerts[3].state, ALERT_WITHDRAWN);
    assert_int_equal(told.alerts[4].state, ALERT_FIRING);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(told.alerts[i].revision, i + 1);
        assert_int_equal(told.alerts[i].effective_at_ms, i < 4 ? T0_MS : T0_MS + 4);
    }
    house_close(&house);
}

/* An acknowledgement is an outcome: rebuilt from the log, the alert is in the same hands, and the next page
 * comes when it would have come. */
static void
test_rebuilt(void **state)
{
    struct told told, again;
    struct house house, rebuilt;

    (void)state;
    open_told(&house, &told, REPEATING);
    answer(&house, T0_MS, 2);
    assert_int_equal(acknowledge(&house, T0_MS + 50 * MINUTE_MS), ENGINE_APPLIED);
    assert_int_equal(told.log_count, 2);
    assert_true(told.log[1].acknowledged);
    assert_int_equal(told.log[1].acknowledged_at_ms, T0_MS + 50 * MINUTE_MS);
    assert_true(slice_is(told.log[1].acknowledged_by, "m-1"));
    assert_int_equal(told.log[1].arrival.revision, 2);
    open_told(&rebuilt, &again, REPEATING);
    scores_set_rebuilding(rebuilt.scores, true, 0);
    for (size_t i = 0; i < told.log_count; i++)
        scores_answer(rebuilt.scores, &told.log[i], told.log[i].arrival.detected_at_ms);
    scores_set_rebuilding(rebuilt.scores, false, T0_MS + 60 * MINUTE_MS);
    scores_advance(house.scores, T0_MS + 60 * MINUTE_MS, SCORES_THROUGH);
    assert_int_equal(scores_digest(house.scores), scores_digest(rebuilt.scores));
    scores_advance(house.scores, T0_MS + 110 * MINUTE_MS, SCORES_THROUGH);
    scores_advance(rebuilt.scores, T0_MS + 110 * MINUTE_MS, SCORES_THROUGH);
    assert_int_equal(again.alerts_count, 1);
    assert_memory_equal(&again.alerts[0], &told.alerts[3], sizeof again.alerts[0]);
    assert_int_equal(scores_digest(house.scores), scores_digest(rebuilt.scores));
    house_close(&house);
    house_close(&rebuilt);
}

/* R11: over is over; the same acknowledgement twice is one. R63: an erased ticket's alert is in nobody's
 * hands by name, and what was taken back names nobody either. */
static void
test_erased(void **state)
{
    struct told told;
    struct house house;
    struct event event;
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_OPEN, T0_MS);

    (void)state;
    open_told(&house, &told, REPEATING);
    scores_ticket(house.scores, &ticket, T0_MS);
    event = house_answer(&house, T0_MS, "f-2", "nps", 3);
    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-1");
    (void)scores_feedback(house.scores, &event, T0_MS);
    event = house_event(&house, EVENT_FEEDBACK_WITHDRAWN, T0_MS + 1, "f-2");
    event.ticket = slice_of("T1");
    event.feedback.respondent = slice_of("u-1");
    (void)scores_feedback(house.scores, &event, T0_MS + 1);
    answer(&house, T0_MS + 2, 2);
    assert_int_equal(acknowledge(&house, T0_MS + 3), ENGINE_APPLIED);
    assert_int_equal(told.log_count, 4);
    ticket.arrival.revision = 2;
    ticket.erased = true;
    scores_ticket(house.scores, &ticket, T0_MS + 4);
    assert_int_equal(told.log_count, 6);
    for (size_t i = 4; i < 6; i++) {
        assert_null(told.log[i].feedback.respondent.at);
        assert_null(told.log[i].acknowledged_by.at);
        assert_int_equal(told.log[i].acknowledged, slice_is(told.log[i].feedback.id, "f-1"));
        assert_int_equal(told.log[i].withdrawn, slice_is(told.log[i].feedback.id, "f-2"));
        assert_int_equal(told.log[i].arrival.revision, 3);
    }
    answer(&house, T0_MS + 5, 10);
    assert_int_equal(acknowledge(&house, T0_MS + 6), ENGINE_NO_EFFECT);
    house.events--;
    assert_int_equal(acknowledge(&house, T0_MS + 7), ENGINE_DUPLICATE);
    scores_check(house.scores);
    house_close(&house);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),   cmocka_unit_test(test_stops),  cmocka_unit_test(test_again),
        cmocka_unit_test(test_rebuilt), cmocka_unit_test(test_erased),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
