/* Cuts: what matches and nothing else, by dimension, in a stretch of time; the same figures as a score's. */
#include "../support/unit.h"
#include "../support/scores.h"

enum { SLICES_MAX = 8, LINES_MAX = 4 };

struct heard {
    struct scores_slice slices[SLICES_MAX];
    struct scores_line lines[SLICES_MAX][LINES_MAX];
    size_t count;
};

static void
hear(void *context, const struct scores_slice *slice)
{
    struct heard *heard = context;

    assert_in_range(heard->count, 0, SLICES_MAX - 1);
    assert_in_range(slice->lines_count, 0, LINES_MAX);
    heard->slices[heard->count] = *slice;
    memcpy(heard->lines[heard->count], slice->lines, slice->lines_count * sizeof *slice->lines);
    heard->count++;
}

static void
say(struct house *house, const char *customer, const char *service, int32_t score, int64_t at_ms)
{
    struct event event = house_answer(house, at_ms, "f", "stars5", score);
    char id[32];

    snprintf(id, sizeof id, "f-%llu", (unsigned long long)house->events);
    event.feedback.id = slice_of(id);
    house_attribute(&event, ATTRIBUTE_CUSTOMER, customer);
    if (service != NULL)
        house_attribute(&event, ATTRIBUTE_SERVICE, service);
    assert_int_equal(scores_feedback(house->scores, &event, at_ms).disposition, ENGINE_APPLIED);
}

static void
decide(struct house *house, const char *ticket, enum clock_kind kind, const char *clock,
       enum verdict contract, enum verdict honest, int64_t at_ms)
{
    struct verdict_outcome outcome = house_verdict(ticket, clock, 1, contract, honest, at_ms);

    outcome.name.kind = kind;
    outcome.attainment = kind == KIND_SLA;
    outcome.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    outcome.attributes[ATTRIBUTE_SERVICE] = slice_of("mail");
    scores_verdict(house->scores, &outcome, at_ms);
}

static void
open_with_cuts(struct house *house, struct scores_cut cuts[2], struct policy_match_key *key, symbol *acme)
{
    struct scores_options options = {
        .publish_every_ms = 1000, .retire_after_ms = -1, .allowed_skew_ms = -1, .accept_age_ms = -1};
    struct policy *policies[1];

    *house = (struct house){.symbols = symbols_new()};
    policies[0] =
        house_policy(house->symbols, "version: \"1\"\nexperience: {min_answers: 2, targets: {px: 75%}}\n");
    house->set = policy_set_new(policies, 1, house->symbols);
    *acme = symbols_intern(house->symbols, slice_of("acme"));
    *key = (struct policy_match_key){ATTRIBUTE_CUSTOMER, acme, 1};
    cuts[0] = (struct scores_cut){{key, 1}, 0};
    cuts[1] = (struct scores_cut){{key, 1}, 1U << ATTRIBUTE_SERVICE};
    options.symbols = house->symbols;
    options.cuts = cuts;
    options.cuts_count = 2;
    house->scores = scores_new(&options, house->set);
}

static void
test_cut(void **state)
{
    const struct scores_span span = {T0_MS - 2 * DAY_MS, T0_MS - DAY_MS, T0_MS};
    struct ticket_outcome ticket = house_ticket("T1", 1, TICKET_SOLVED, T0_MS - HOUR_MS);
    struct heard heard = {.count = 0};
    struct policy_match_key key;
    struct scores_cut cuts[2];
    struct house house;
    symbol acme;

    (void)state;
    open_with_cuts(&house, cuts, &key, &acme);
    scores_set_rebuilding(house.scores, true, INT64_MIN);
    say(&house, "acme", "mail", 5, T0_MS - DAY_MS - HOUR_MS); /* the day before */
    say(&house, "acme", "mail", 5, T0_MS - DAY_MS - HOUR_MS);
    say(&house, "acme", "mail", 5, T0_MS - 2 * HOUR_MS);
    say(&house, "acme", "mail", 1, T0_MS - 2 * HOUR_MS);
    say(&house, "acme", "erp", 5, T0_MS - 2 * HOUR_MS);
    say(&house, "acme", NULL, 1, T0_MS - 2 * HOUR_MS);
    say(&house, "borealis", "mail", 1, T0_MS - 2 * HOUR_MS);
    decide(&house, "T1", KIND_SLA, "resolution", VERDICT_MET, VERDICT_BREACHED, T0_MS - HOUR_MS);
    decide(&house, "T1", KIND_OLA, "handling", VERDICT_BREACHED, VERDICT_BREACHED, T0_MS - HOUR_MS);
    ticket.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    ticket.by_party_wall_ms[PARTY_CUSTOMER] = 7;
    ticket.by_party_wall_ms[PARTY_PROVIDER] = 5;
    scores_ticket(house.scores, &ticket, T0_MS - HOUR_MS);
    scores_advance(house.scores, T0_MS, SCORES_BEFORE);

    scores_read_cut(house.scores, 0, &span, hear, &heard);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.slices[0].record.n, 4);
    assert_int_equal(heard.slices[0].record.px.positive, 2);
    assert_true(heard.slices[0].record.change_px.present);
    assert_int_equal(heard.slices[0].record.change_px.previous_n, 2);
    assert_int_equal(heard.slices[0].record.coverage.n, 1);
    assert_int_equal(heard.slices[0].tickets, 1);
    assert_int_equal(heard.slices[0].wall_ms[PARTY_CUSTOMER], 7);
    assert_int_equal(heard.slices[0].wall_ms[PARTY_PROVIDER], 5);
    assert_int_equal(heard.slices[0].lines_count, 2);
    assert_int_equal(heard.lines[0][0].kind, KIND_SLA);
    assert_true(slice_is(heard.lines[0][0].clock, "resolution"));
    assert_int_equal(heard.lines[0][0].contract.hits, 1);
    assert_int_equal(heard.lines[0][0].honest.hits, 0);
    assert_int_equal(heard.lines[0][1].kind, KIND_OLA);
    assert_int_equal(heard.slices[0].record.clocks_count, 1); /* the OLA is no attainment */

    heard.count = 0;
    scores_read_cut(house.scores, 1, &span, hear, &heard);
    assert_int_equal(heard.count, 2); /* erp before mail; what has no service is in neither */
    assert_true(slice_is(heard.slices[0].record.scope.values[ATTRIBUTE_SERVICE], "erp"));
    assert_int_equal(heard.slices[0].record.n, 1);
    assert_int_equal(heard.slices[1].record.n, 2);
    assert_int_equal(heard.slices[1].lines_count, 2);
    scores_check(house.scores);
    symbols_release(house.symbols, acme);
    house_close(&house);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
