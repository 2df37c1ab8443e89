/* Outcomes read back: print, read, print gives the same bytes; what is not sound is refused by its place. */
#include "../support/unit.h"
#include "../support/records.h"
#include "wire/effect.h"
#include "wire/outcome_read.h"
#include <stdio.h>

static const struct feedback_aspect aspects[] = {{{"speed", 5}, 5}, {{"clarity", 7}, -2}};

static void
print_outcome(struct buffer *out, const struct outcome *outcome)
{
    switch (outcome->kind) {
    case OUTCOME_VERDICT:
        effect_print_verdict(out, &outcome->verdict);
        break;
    case OUTCOME_TICKET:
        effect_print_ticket(out, &outcome->ticket);
        break;
    case OUTCOME_ANSWER:
        effect_print_answer(out, &outcome->answer);
        break;
    case OUTCOME_DUE_CHANGED:
        effect_print_due_changed(out, &outcome->due_changed);
        break;
    case OUTCOME_RISK_SAMPLE: /* test_risk_json.c */
    case OUTCOME_CONTRACT:    /* test_contract_json.c */
    case OUTCOME_OTHER:
        fail();
    }
}

/* first is read, printed again and compared; it is emptied. */
static void
round_trip(struct buffer *first, enum outcome_kind kind)
{
    struct outcome_reader *reader = outcome_reader_new();
    struct outcome outcome;
    struct buffer second = {0};
    char detail[JSON_DETAIL_BYTES];

    if (outcome_read(reader, buffer_slice(first), &outcome, detail) != ERROR_NONE)
        fail_msg("%.*s: %s", (int)first->bytes, first->at, detail);
    assert_int_equal(outcome.kind, kind);
    print_outcome(&second, &outcome);
    if (!slice_equal(buffer_slice(first), buffer_slice(&second)))
        fail_msg("\n%.*s\nexpected\n%.*s", (int)second.bytes, second.at, (int)first->bytes, first->at);
    buffer_reset(first);
    buffer_free(&second);
    outcome_reader_free(reader);
}

static void
test_verdicts(void **state)
{
    struct verdict_outcome outcome = records_verdict();
    struct buffer out = {0};

    (void)state;
    effect_print_verdict(&out, &outcome);
    round_trip(&out, OUTCOME_VERDICT);
    outcome.excused_by = outcome.excused_reason = NOTHING;
    outcome.source = SLICE("");
    outcome.arrival.late = outcome.arrival.lagging = false;
    for (int i = 0; i < 1 << CLOCK_FLAGS_COUNT; i += 37) {
        outcome.figures.flags = (uint16_t)i;
        outcome.name.kind = (enum clock_kind)(i % 3);
        outcome.measure = (enum measure)(i % MEASURES_COUNT);
        outcome.verdict = (enum verdict)(i % (VERDICT_VOID + 1));
        outcome.honest = (enum verdict)((i + 3) % (VERDICT_VOID + 1));
        outcome.figures.state = (enum clock_state)(i % (CLOCK_UNANSWERED + 1));
        outcome.ended = i & 1, outcome.final = i & 2, outcome.attainment = i & 4,
        outcome.default_counts = i & 8;
        outcome.honest_excluded = i & 1;
        outcome.has_wait = i & 1;
        outcome.wait_ms = i & 4 ? INSTANT_NONE : i;
        outcome.figures.due_at_ms = i & 2 ? INSTANT_NONE : MONDAY_MS + i;
        outcome.figures.elapsed_ms = INT64_C(1) << 53;
        effect_print_verdict(&out, &outcome);
        round_trip(&out, OUTCOME_VERDICT);
    }
    buffer_free(&out);
}

static void
test_others(void **state)
{
    struct ticket_outcome ticket = records_ticket();
    struct due_changed_outcome due_changed = records_due_changed();
    struct answer_outcome answer = records_answer(aspects, 2);
    struct buffer out = {0};

    (void)state;
    effect_print_ticket(&out, &ticket), round_trip(&out, OUTCOME_TICKET);
    ticket.counted = false;
    ticket.state = TICKET_CANCELLED;
    effect_print_ticket(&out, &ticket), round_trip(&out, OUTCOME_TICKET);
    ticket.counted = true;
    ticket.tiers_touched = UINT32_MAX;
    ticket.reopens = UINT32_MAX;
    effect_print_ticket(&out, &ticket), round_trip(&out, OUTCOME_TICKET);
    ticket.erased = true;
    ticket.changed_at_ms = 0;
    effect_print_ticket(&out, &ticket), round_trip(&out, OUTCOME_TICKET);
    effect_print_due_changed(&out, &due_changed), round_trip(&out, OUTCOME_DUE_CHANGED);
    effect_print_answer(&out, &answer), round_trip(&out, OUTCOME_ANSWER);
    answer.feedback = (struct feedback){.id = SLICE("f")};
    answer.ticket = answer.event = NOTHING;
    answer.attributes_own = (1 << ATTRIBUTE_STATUS) - 1;
    answer.answer_class = ANSWER_CLASSES_COUNT;
    answer.offered_only = true;
    answer.answered_at_ms = INSTANT_NONE;
    effect_print_answer(&out, &answer), round_trip(&out, OUTCOME_ANSWER);
    buffer_free(&out);
}

/* Values, not just bytes. */
static void
test_values(void **state)
{
    struct verdict_outcome verdict = records_verdict();
    struct outcome_reader *reader = outcome_reader_new();
    struct buffer out = {0};
    struct outcome outcome;
    char detail[JSON_DETAIL_BYTES];

    (void)state;
    effect_print_verdict(&out, &verdict);
    assert_int_equal(outcome_read(reader, buffer_slice(&out), &outcome, detail), ERROR_NONE);
    assert_true(slice_is(outcome.verdict.name.ticket, "INC001"));
    assert_int_equal(outcome.verdict.figures.by_party[PARTY_CUSTOMER].wall_ms, 36 * MINUTE_MS);
    assert_int_equal(outcome.verdict.figures.by_party[PARTY_PROVIDER].in_hours_ms, 3 * HOUR_MS);
    assert_int_equal(outcome.verdict.figures.flags, FLAG_EXCUSED | FLAG_AT_RETARGET);
    assert_int_equal(outcome.verdict.arrival.revision, 3);
    assert_true(outcome.verdict.arrival.late && outcome.verdict.honest_excluded && !outcome.verdict.final);
    assert_false(outcome.verdict.has_wait);
    assert_int_equal(outcome.verdict.honest, VERDICT_BREACHED);
    assert_true(slice_is(outcome.verdict.attributes[ATTRIBUTE_ASSIGNEE], "a \"3\"\n"));
    assert_null(outcome.verdict.attributes[ATTRIBUTE_CHANNEL].at);
    assert_true(slice_is(outcome.verdict.excused_reason, "storm \xc3\xa4\x01"));
    /* what others add is passed over; other types are handed on */
    assert_int_equal(outcome_read(reader, slice_of("{\"record\":\"outcome\",\"type\":\"later\",\"x\":5}"),
                                  &outcome, detail),
                     ERROR_NONE);
    assert_int_equal(outcome.kind, OUTCOME_OTHER);
    assert_true(slice_is(outcome.type, "later"));
    assert_int_equal(json_offset(outcome_reader_json(reader), outcome.object->child->next->next), 39);
    buffer_free(&out);
    outcome_reader_free(reader);
}

/* What a rebuild of the score side needs beyond the figures. */
static void
test_rebuild_values(void **state)
{
    struct ticket_outcome ticket = records_ticket();
    struct answer_outcome answer = records_answer(aspects, 2);
    struct outcome_reader *reader = outcome_reader_new();
    struct buffer out = {0};
    struct outcome outcome;
    char detail[JSON_DETAIL_BYTES];

    (void)state;
    ticket.erased = true;
    effect_print_ticket(&out, &ticket);
    assert_int_equal(outcome_read(reader, buffer_slice(&out), &outcome, detail), ERROR_NONE);
    assert_true(outcome.ticket.erased);
    assert_int_equal(outcome.ticket.changed_at_ms, ticket.changed_at_ms);
    buffer_reset(&out);
    effect_print_answer(&out, &answer);
    assert_int_equal(outcome_read(reader, buffer_slice(&out), &outcome, detail), ERROR_NONE);
    assert_int_equal(outcome.answer.attributes_own, answer.attributes_own);
    assert_true(slice_is(outcome.answer.event, "e-1"));
    assert_true(slice_is(outcome.answer.event_source, "survey"));
    assert_int_equal(outcome.answer.arrival.revision, 1);
    buffer_reset(&out);
    answer.event = answer.event_source = NOTHING;
    effect_print_answer(&out, &answer);
    assert_int_equal(outcome_read(reader, buffer_slice(&out), &outcome, detail), ERROR_NONE);
    assert_null(outcome.answer.event.at);
    buffer_free(&out);
    outcome_reader_free(reader);
}

static enum error_code
read_changed(const struct buffer *sound, const char *from, const char *to, char detail[JSON_DETAIL_BYTES])
{
    struct outcome_reader *reader = outcome_reader_new();
    const char *place = memmem(sound->at, sound->bytes, from, strlen(from));
    struct buffer changed = {0};
    struct outcome outcome;
    enum error_code error;

    assert_non_null(place);
    buffer_append(&changed, sound->at, (size_t)(place - sound->at));
    buffer_append_text(&changed, to);
    place += strlen(from);
    buffer_append(&changed, place, (size_t)(sound->at + sound->bytes - place));
    error = outcome_read(reader, buffer_slice(&changed), &outcome, detail);
    buffer_free(&changed);
    outcome_reader_free(reader);
    return error;
}

static void
test_refusals(void **state)
{
    static const struct {
        const char *from, *to;
        enum error_code error;
    } rows[] = {
        {"\"later\":0", "\"later\":{\"a\":[]}", ERROR_NONE},
        {"\"type\":\"verdict\",", "", ERROR_MISSING_FIELD},
        {"\"type\":\"verdict\"", "\"type\":7", ERROR_WRONG_TYPE},
        {"\"ticket\":\"INC001\",", "", ERROR_MISSING_FIELD},
        {"\"ticket\":\"INC001\"", "\"ticket\":null", ERROR_WRONG_TYPE},
        {"\"channel\":null,", "", ERROR_MISSING_FIELD},
        {"\"channel\":null", "\"channel\":0", ERROR_WRONG_TYPE},
        {"\"kind\":\"sla\"", "\"kind\":\"sle\"", ERROR_WRONG_TYPE},
        {"\"cycle\":1", "\"cycle\":-1", ERROR_NUMBER_OUT_OF_RANGE},
        {"\"cycle\":1", "\"cycle\":4294967296", ERROR_NUMBER_OUT_OF_RANGE},
        {"\"cycle\":1", "\"cycle\":\"1\"", ERROR_WRONG_TYPE},
        {"\"ended\":true", "\"ended\":1", ERROR_WRONG_TYPE},
        {"\"target_ms\":14400000", "\"target_ms\":1.5", ERROR_NUMBER_OUT_OF_RANGE},
        {"\"decided_at\":\"2026", "\"decided_at\":\"x2026", ERROR_BAD_TIME},
        {"\"decided_at\":\"2026-11-23T13:50:00.000Z\"", "\"decided_at\":0", ERROR_WRONG_TYPE},
        {"\"flags\":[\"at_retarget\"", "\"flags\":[\"at_target\"", ERROR_WRONG_TYPE},
        {"\"flags\":[\"at_retarget\",\"excused\"]", "\"flags\":{}", ERROR_WRONG_TYPE},
        {"\"flags\":[\"at_retarget\",\"excused\"]", "\"flags\":[1]", ERROR_WRONG_TYPE},
        {"\"nobody\":{", "\"somebody\":{", ERROR_MISSING_FIELD},
        {"\"in_hours_ms\":0,", "", ERROR_MISSING_FIELD},
        {"\"nobody\":{\"wall_ms\":0,\"in_hours_ms\":0,\"outside_ms\":0}", "\"nobody\":5",
         ERROR_MISSING_FIELD},
        {"\"by\":\"m-1\"", "\"by\":null", ERROR_WRONG_TYPE},
        {"\"arrival\":{", "\"arrival2\":{", ERROR_MISSING_FIELD},
        {"\"revision\":3,", "", ERROR_MISSING_FIELD},
        {"\"late\":true,", "", ERROR_NONE},
    };
    struct verdict_outcome outcome = records_verdict();
    struct buffer out = {0};
    char detail[JSON_DETAIL_BYTES];

    (void)state;
    effect_print_verdict(&out, &outcome);
    out.bytes--;
    buffer_append_text(&out, ",\"later\":0}");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum error_code error = read_changed(&out, rows[i].from, rows[i].to, detail);

        if (error != rows[i].error)
            fail_msg("%s: %s, expected %s", rows[i].to, error_code_text(error),
                     error_code_text(rows[i].error));
    }
    assert_int_equal(read_changed(&out, "\"cycle\":1", "\"cycle\":\"1\"", detail), ERROR_WRONG_TYPE);
    assert_string_equal(detail, "cycle: expected an integer, found text at byte 102");
    buffer_free(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),       cmocka_unit_test(test_others),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_rebuild_values), cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
