/* The bytes of a score and of a detractor alert (R53, R59), and their keys. */
#include "../support/unit.h"
#include "../support/schema.h"
#include "../support/scores.h"
#include "wire/score_json.h"

static void
expect(struct buffer *out, const char *expected)
{
    if (!slice_is(buffer_slice(out), expected))
        fail_msg("\n%.*s\nexpected\n%s", (int)out->bytes, out->at, expected);
    buffer_free(out);
}

static void
test_score(void **state)
{
    static const struct feedback_aspect aspects[] = {{{"speed", 5}, 5}};
    struct house house;
    struct score_record record;
    struct score_scope scope = {.dimensions = 1U << ATTRIBUTE_CUSTOMER};
    struct verdict_outcome verdict =
        house_verdict("T1", "resolution", 1, VERDICT_MET, VERDICT_BREACHED, T0_MS);
    struct buffer out = {0};

    (void)state;
    house_open(&house, "{min_answers: 3, windows: [24h], scopes: [[customer]], targets: {px: 95%}}",
               (struct scores_sink){0});
    for (int i = 0; i < 3; i++) {
        char id[] = {'f', (char)('0' + i), '\0'};
        struct event event =
            house_answer(&house, T0_MS, id, i == 2 ? "stars5" : "nps", i == 2 ? 4 : 6 + 3 * i);

        house_attribute(&event, ATTRIBUTE_CUSTOMER, "a/c,me");
        event.feedback.aspects = aspects;
        event.feedback.aspects_count = i == 2;
        (void)scores_feedback(house.scores, &event, T0_MS);
    }
    verdict.attributes[ATTRIBUTE_CUSTOMER] = slice_of("a/c,me");
    scores_verdict(house.scores, &verdict, T0_MS);
    scope.values[ATTRIBUTE_CUSTOMER] = slice_of("a/c,me");
    assert_true(scores_read(house.scores, &scope, slice_of("24h"), T0_MS, &record));
    score_json_print(&out, &record);
    schema_check_record("score", buffer_slice(&out));
    expect(
        &out,
        "{\"type\":\"score\",\"scope\":{\"customer\":\"a/c,me\"},\"window\":\"24h\","
        "\"at\":\"2026-11-22T12:00:00.000Z\",\"n\":3,\"people\":3,\"insufficient\":false,"
        "\"px\":{\"value\":0.666667,\"low\":0.20766,\"high\":0.938508,\"positive\":2,\"neutral\":0,"
        "\"negative\":1,\"n\":3},\"aspects\":{\"speed\":{\"n\":1}},"
        "\"attainment\":{\"contract\":{\"met\":1,\"n\":1,\"value\":1,\"clocks\":{\"resolution\":{\"met\":1,"
        "\"n\":1,\"value\":1}}},\"honest\":{\"met\":0,\"n\":1,\"value\":0,\"clocks\":{\"resolution\":{"
        "\"met\":0,"
        "\"n\":1,\"value\":0}}},\"gap\":1},\"impact\":{\"px\":-0.85}}");
    score_json_key(&out, &record);
    expect(&out, "score/24h/customer=a%2Fc%2Cme");
    score_json_id(&out, &record);
    expect(&out, "score/24h/customer=a%2Fc%2Cme/1795348800000");
    house_close(&house);
}

static void
test_detractor(void **state)
{
    struct score_detractor alert = {.customer = slice_of("acme"),
                                    .survey = slice_of("post-ticket"),
                                    .feedback = slice_of("f/1"),
                                    .scale = slice_of("nps"),
                                    .score = 2,
                                    .state = ALERT_FIRING,
                                    .severity = SEVERITY_WARNING,
                                    .effective_at_ms = T0_MS,
                                    .policy = slice_of("1@abc"),
                                    .arrival = {.detected_at_ms = T0_MS, .revision = 1}};
    struct buffer out = {0};

    (void)state;
    alert.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    score_json_print_detractor(&out, &alert);
    schema_check_record("detractor_alert", buffer_slice(&out));
    expect(&out,
           "{\"key\":\"acme/experience/post-ticket/f%2F1/detractor\",\"ticket\":null,\"kind\":\"experience\","
           "\"survey\":\"post-ticket\",\"feedback\":\"f/1\",\"stage\":\"detractor\",\"state\":\"firing\","
           "\"severity\":\"warning\",\"effective_at\":\"2026-11-22T12:00:00.000Z\",\"scale\":\"nps\","
           "\"score\":2,"
           "\"customer\":\"acme\",\"contract\":null,\"service\":null,\"category\":null,\"priority\":null,"
           "\"group\":null,\"user_group\":null,\"channel\":null,\"policy\":\"1@abc\","
           "\"arrival\":{\"detected_at\":\"2026-11-22T12:00:00.000Z\",\"revision\":1}}");
    alert.ticket = slice_of("T1");
    score_json_detractor_id(&out, &alert);
    expect(&out, "T1/experience/post-ticket/f%2F1/detractor/firing/1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score),
        cmocka_unit_test(test_detractor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
