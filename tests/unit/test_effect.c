/* What goes out: the bytes of every record, against docs/schema/ too; keys and ids. */
#include "../support/schema.h"
#include "../support/records.h"
#include "wire/effect.h"

static const struct feedback_aspect aspects[] = {{{"speed", 5}, 5}, {{"clar\"ity", 8}, -2}};

static void
expect(struct buffer *out, const char *expected)
{
    if (!slice_is(buffer_slice(out), expected))
        fail_msg("\n%.*s\nexpected\n%s", (int)out->bytes, out->at, expected);
    buffer_reset(out);
}

static void
contains(const struct buffer *out, const char *part)
{
    if (memmem(out->at, out->bytes, part, strlen(part)) == NULL)
        fail_msg("\n%.*s\nlacks\n%s", (int)out->bytes, out->at, part);
}

/* The example of semantics.md section 7. */
static void
test_alert(void **state)
{
    struct alert alert = records_alert();
    struct buffer out = {0};

    (void)state;
    effect_print_alert(&out, &alert);
    schema_check_record("alert", buffer_slice(&out));
    expect(&out, "{\"key\":\"INC001/sla/resolution/1/"
                 "breach\",\"ticket\":\"INC001\",\"kind\":\"sla\",\"agreement\":\"acme-gold\","
                 "\"clock\":\"resolution\",\"cycle\":1,\"stage\":\"breach\",\"state\":\"firing\","
                 "\"severity\":\"critical\","
                 "\"effective_at\":\"2026-11-23T13:50:00.000Z\",\"due_at\":\"2026-11-23T13:50:00.000Z\","
                 "\"target_ms\":14400000,"
                 "\"elapsed_ms\":14400000,\"remaining_ms\":0,\"overrun_ms\":0,\"turn\":\"provider\",\"risk\":"
                 "0.93,\"customer\":\"acme\","
                 "\"service\":\"network\",\"priority\":\"P1\",\"group\":\"network-l2\",\"policy\":\"2026-11@"
                 "1f3a9c\",\"flags\":[],"
                 "\"reason\":\"counted 4h of 4h on berlin since 09:15 UTC; paused 35m for customer\","
                 "\"arrival\":{\"detected_at\":\"2026-11-23T13:51:00.000Z\",\"revision\":1}}");
    alert.state = ALERT_REPEATED;
    alert.n = 2;
    alert.risk_permille = -1;
    alert.figures.due_at_ms = INSTANT_NONE;
    alert.figures.flags = (1 << CLOCK_FLAGS_COUNT) - 1;
    alert.attributes[ATTRIBUTE_GROUP] = NOTHING;
    alert.arrival.late = alert.arrival.lagging = true;
    effect_print_alert(&out, &alert);
    schema_check_record("alert", buffer_slice(&out));
    contains(&out, "\"state\":\"repeated\",\"n\":2,\"severity\"");
    contains(&out, "\"risk\":null");
    contains(&out, "\"due_at\":null");
    contains(&out, "\"group\":null");
    contains(&out,
             "\"flags\":[\"at_retarget\",\"retroactive\",\"calendar_corrected\",\"pause_without_contact\","
             "\"auto_closed\",\"canned_response\",\"reopened\",\"priority_flip\",\"merged\",\"excused\"]");
    contains(&out, "\"revision\":1,\"late\":true,\"lagging\":true}}");
    buffer_reset(&out);
    alert.state = ALERT_ACKNOWLEDGED;
    alert.n = 0;
    alert.by = SLICE("a-3");
    effect_print_alert(&out, &alert);
    schema_check_record("alert", buffer_slice(&out));
    contains(&out, "\"state\":\"acknowledged\",\"by\":\"a-3\",\"severity\"");
    buffer_free(&out);
}

static void
test_risk(void **state)
{
    static const struct {
        int permille;
        const char *text;
    } rows[] = {{0, "\"risk\":0,"},
                {1000, "\"risk\":1,"},
                {7, "\"risk\":0.007,"},
                {800, "\"risk\":0.8,"},
                {999, "\"risk\":0.999,"}};
    struct alert alert = records_alert();
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        alert.risk_permille = rows[i].permille;
        buffer_reset(&out);
        effect_print_alert(&out, &alert);
        contains(&out, rows[i].text);
    }
    buffer_free(&out);
}

#define BY_PARTY                                                                                             \
    "\"by_party\":{\"provider\":{\"wall_ms\":18000000,\"in_hours_ms\":10800000,\"outside_ms\":7200000},"     \
    "\"supplier\":{\"wall_ms\":3600000,\"in_hours_ms\":3600000,\"outside_ms\":0},"                           \
    "\"customer\":{\"wall_ms\":2160000,\"in_hours_ms\":2100000,\"outside_ms\":60000},"                       \
    "\"customer_supplier\":{\"wall_ms\":0,\"in_hours_ms\":0,\"outside_ms\":0},"                              \
    "\"nobody\":{\"wall_ms\":0,\"in_hours_ms\":0,\"outside_ms\":0}}"
#define ATTRIBUTES                                                                                           \
    "\"customer\":\"acme\",\"contract\":\"acme-gold\",\"service\":\"network\",\"category\":\"incident\","    \
    "\"priority\":\"P1\","                                                                                   \
    "\"group\":\"network-l2\",\"user_group\":\"stores\",\"channel\":null,\"requester\":\"u-77\","            \
    "\"assignee\":\"a \\\"3\\\"\\n\""

static void
test_verdict(void **state)
{
    struct verdict_outcome outcome = records_verdict();
    struct buffer out = {0};

    (void)state;
    effect_print_verdict(&out, &outcome);
    schema_check_record("verdict", buffer_slice(&out));
    expect(&out,
           "{\"type\":\"verdict\",\"ticket\":\"INC001\",\"kind\":\"sla\",\"agreement\":\"acme-gold\","
           "\"clock\":\"resolution\",\"cycle\":1,"
           "\"measure\":\"resolution\",\"verdict\":\"met\",\"ended\":true,\"final\":false,\"decided_at\":"
           "\"2026-11-23T13:50:00.000Z\","
           "\"state\":\"met\",\"started_at\":\"2026-11-23T09:15:00.000Z\",\"due_at\":\"2026-11-23T13:50:00."
           "000Z\","
           "\"breached_at\":\"2026-11-23T13:50:00.000Z\",\"stopped_at\":\"2026-11-23T14:40:00.000Z\","
           "\"target_ms\":14400000,"
           "\"elapsed_ms\":14400000,\"overrun_ms\":3000000,\"overrun_wall_ms\":3060000,\"paused_ms\":2100000,"
           "\"paused_wall_ms\":2160000," BY_PARTY ",\"flags\":[\"at_retarget\",\"excused\"],\"by\":\"m-1\","
           "\"reason\":\"storm \xc3\xa4\\u0001\",\"attainment\":true,"
           "\"default_counts\":true,\"honest\":\"breached\",\"honest_excluded\":true," ATTRIBUTES
           ",\"source\":\"snow\","
           "\"policy\":\"2026-11@1f3a9c\",\"arrival\":{\"detected_at\":\"2026-11-23T08:00:00.000Z\","
           "\"revision\":3,\"late\":true,"
           "\"lagging\":true}}");
    outcome.excused_by = outcome.excused_reason = NOTHING;
    outcome.measure = MEASURE_FIRST_RESPONSE;
    outcome.has_wait = true;
    outcome.wait_ms = INSTANT_NONE;
    outcome.figures.breached_at_ms = INSTANT_NONE;
    effect_print_verdict(&out, &outcome);
    schema_check_record("verdict", buffer_slice(&out));
    contains(&out, "\"wait_ms\":null,\"by_party\"");
    contains(&out, "\"flags\":[\"at_retarget\",\"excused\"],\"attainment\"");
    contains(&out, "\"breached_at\":null");
    buffer_free(&out);
}

static void
test_ticket(void **state)
{
    struct ticket_outcome outcome = records_ticket();
    struct buffer out = {0};

    (void)state;
    effect_print_ticket(&out, &outcome);
    schema_check_record("ticket", buffer_slice(&out));
    expect(&out, "{\"type\":\"ticket\",\"ticket\":\"INC001\",\"state\":\"solved\",\"final\":false,\"started_"
                 "at\":\"2026-11-23T08:00:00.000Z\","
                 "\"solved_at\":\"2026-11-23T09:00:00.000Z\",\"closed_at\":null,\"reopens\":2,\"group_"
                 "bounces\":1,\"assignee_changes\":0,"
                 "\"tiers_touched\":[1,2],\"first_contact_resolution\":false,\"by_party\":{\"provider\":{"
                 "\"wall_ms\":4},"
                 "\"supplier\":{\"wall_ms\":3},\"customer\":{\"wall_ms\":1},\"customer_supplier\":{\"wall_"
                 "ms\":2},\"nobody\":{\"wall_ms\":5}}," ATTRIBUTES
                 ",\"source\":null,\"policy\":\"2026-11@1f3a9c\",\"changed_at\":\"2026-11-23T08:01:00.000Z\","
                 "\"arrival\":{\"detected_at\":\"2026-11-23T09:00:00.000Z\","
                 "\"revision\":2,\"lagging\":true}}");
    outcome.counted = false; /* R58: only while solved or closed */
    outcome.state = TICKET_OPEN;
    outcome.solved_at_ms = INSTANT_NONE;
    effect_print_ticket(&out, &outcome);
    schema_check_record("ticket", buffer_slice(&out));
    contains(&out, "\"closed_at\":null,\"customer\"");
    buffer_reset(&out);
    outcome.erased = true;
    effect_print_ticket(&out, &outcome);
    schema_check_record("ticket", buffer_slice(&out));
    contains(&out, "\"changed_at\":\"2026-11-23T08:01:00.000Z\",\"erased\":true,\"arrival\"");
    buffer_free(&out);
}

static void
test_due_changed(void **state)
{
    struct due_changed_outcome outcome = records_due_changed();
    struct buffer out = {0};

    (void)state;
    effect_print_due_changed(&out, &outcome);
    schema_check_record("due_changed", buffer_slice(&out));
    expect(
        &out,
        "{\"type\":\"due_changed\",\"ticket\":\"INC001\",\"kind\":\"sla\",\"agreement\":\"acme-gold\","
        "\"clock\":\"resolution\","
        "\"cycle\":1,\"was_due_at\":\"2026-11-23T08:00:00.000Z\",\"due_at\":null,\"from\":\"2026-11@1f3a9c\","
        "\"to\":\"2026/12@aaaaaa\",\"effective_at\":\"2026-11-23T07:00:00.000Z\","
        "\"arrival\":{\"detected_at\":\"2026-11-23T08:00:00.000Z\",\"revision\":1}}");
    buffer_free(&out);
}

static void
test_answer(void **state)
{
    struct answer_outcome outcome = records_answer(aspects, 2);
    struct buffer out = {0};

    (void)state;
    effect_print_answer(&out, &outcome);
    schema_check_record("answer", buffer_slice(&out));
    expect(
        &out,
        "{\"type\":\"answer\",\"ticket\":\"INC001\",\"feedback\":{\"id\":\"f-1\",\"survey\":\"post-ticket\","
        "\"touchpoint\":\"resolution\",\"scale\":\"stars5\",\"score\":4,\"aspects\":{\"speed\":5,"
        "\"clar\\\"ity\":-2},"
        "\"lost_minutes\":45,\"respondent\":\"u-77\"},\"class\":\"positive\",\"answered_at\":\"2026-11-23T08:"
        "00:00.000Z\","
        "\"offered_only\":false,\"withdrawn\":false," ATTRIBUTES ",\"source\":\"survey\",\"own\":["
        "\"user_group\",\"requester\"],\"arrival\":{\"detected_at\":\"2026-11-23T08:00:00.000Z\","
        "\"revision\":1,"
        "\"event\":\"e-1\",\"event_source\":\"survey\"}}");
    outcome = (struct answer_outcome){.feedback = {.id = SLICE("f-2")},
                                      .answer_class = ANSWER_CLASSES_COUNT,
                                      .offered_only = true,
                                      .answered_at_ms = INSTANT_NONE,
                                      .arrival = {MONDAY_MS, 1, false, false}};
    effect_print_answer(&out, &outcome);
    schema_check_record("answer", buffer_slice(&out));
    contains(&out, "\"ticket\":null,\"feedback\":{\"id\":\"f-2\"},\"class\":null,\"answered_at\":null");
    contains(&out, "\"own\":[],\"arrival\":{\"detected_at\":\"2026-11-23T08:00:00.000Z\",\"revision\":1}}");
    buffer_free(&out);
}

/* The names and the order of semantics.md section 11. */
static void
test_clock(void **state)
{
    struct clock_line line = {records_name(), records_figures()};
    struct buffer out = {0};

    (void)state;
    effect_print_clock(&out, &line);
    schema_check_record("clock", buffer_slice(&out));
    expect(&out,
           "{\"ticket\":\"INC001\",\"kind\":\"sla\",\"agreement\":\"acme-gold\",\"clock\":\"resolution\","
           "\"cycle\":1,"
           "\"state\":\"breached\",\"started_at\":\"2026-11-23T09:15:00.000Z\",\"due_at\":\"2026-11-23T13:50:"
           "00.000Z\","
           "\"breached_at\":\"2026-11-23T13:50:00.000Z\",\"stopped_at\":null,\"target_ms\":14400000,"
           "\"elapsed_ms\":14400000,"
           "\"overrun_ms\":0,\"overrun_wall_ms\":0,\"paused_ms\":2100000,\"paused_wall_ms\":2160000," BY_PARTY
           ",\"flags\":[]}");
    line.figures = (struct clock_figures){.state = CLOCK_IDLE,
                                          .started_at_ms = INSTANT_NONE,
                                          .due_at_ms = INSTANT_NONE,
                                          .breached_at_ms = INSTANT_NONE,
                                          .stopped_at_ms = INSTANT_NONE};
    effect_print_clock(&out, &line);
    schema_check_record("clock", buffer_slice(&out));
    contains(
        &out,
        "\"state\":\"idle\",\"started_at\":null,\"due_at\":null,\"breached_at\":null,\"stopped_at\":null");
    buffer_free(&out);
}

static void
test_keys_and_ids(void **state)
{
    struct alert alert = records_alert();
    struct verdict_outcome verdict = records_verdict();
    struct ticket_outcome ticket = records_ticket();
    struct due_changed_outcome due_changed = records_due_changed();
    struct answer_outcome answer = records_answer(aspects, 2);
    struct buffer out = {0};

    (void)state;
    effect_alert_id(&out, &alert), expect(&out, "INC001/sla/resolution/1/breach/firing/1");
    alert.name.ticket = SLICE("A/B%C");
    alert.name.clock = SLICE("x/y");
    alert.stage = SLICE("warn-50%");
    alert.name.cycle = 12;
    effect_alert_key(&out, &alert), expect(&out, "A%2FB%25C/sla/x%2Fy/12/warn-50%"); /* R42 */
    effect_verdict_key(&out, &verdict), expect(&out, "INC001/sla/resolution/1");
    effect_verdict_id(&out, &verdict), expect(&out, "INC001/sla/resolution/1/verdict/3");
    effect_ticket_key(&out, &ticket), expect(&out, "INC001");
    effect_ticket_id(&out, &ticket), expect(&out, "INC001/ticket/2");
    effect_due_changed_key(&out, &due_changed), expect(&out, "INC001/sla/resolution/1");
    effect_due_changed_id(&out, &due_changed),
        expect(&out, "INC001/sla/resolution/1/due_changed/2026%2F12@aaaaaa");
    effect_answer_key(&out, &answer), expect(&out, "post-ticket/f-1/answer");
    effect_answer_id(&out, &answer), expect(&out, "post-ticket/f-1/answer/1");
    answer.source = SLICE("desk"); /* of its ticket, when that turns up */
    answer.arrival.revision = 2;
    effect_answer_id(&out, &answer), expect(&out, "post-ticket/f-1/answer/2");
    answer.offered_only = true;
    answer.feedback.survey = NOTHING;
    answer.feedback.id = SLICE("f/%");
    effect_answer_id(&out, &answer), expect(&out, "/f%2F%25/offer/2");
    buffer_append_byte(&out, '{');
    effect_print_arrival(&out, &answer.arrival),
        expect(&out, "{\"arrival\":{\"detected_at\":\"2026-11-23T08:00:00.000Z\",\"revision\":2}");
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alert),  cmocka_unit_test(test_risk),         cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_ticket), cmocka_unit_test(test_due_changed),  cmocka_unit_test(test_answer),
        cmocka_unit_test(test_clock),  cmocka_unit_test(test_keys_and_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
