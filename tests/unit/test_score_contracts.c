/* Contracts: the PXA's row of numbers, midnights in a zone, moves by hand, a rebuild, what waits while
 * behind; credits. */
#include "../support/unit.h"
#include "../support/scores.h"

enum { LOG_MAX = 64 };

/* 2026-11-22 is a Sunday; Berlin is an hour ahead of UTC in November. */
#define MIDNIGHT_MS (T0_MS + 11 * HOUR_MS) /* T0 is noon UTC */
#define POLICY                                                                                               \
    "contracts:\n  - name: acme-gold\n    match: {customer: acme}\n    time_zone: Europe/Berlin\n"           \
    "    pxa: {window: 2d, threshold: 75%, min_answers: 3, neutral: counted, plan_days: 2}\n"                \
    "    credits: {currency: EUR, monthly_fee: \"100000.00\", at_risk: 10%, lines: [{clock: "                \
    "sla/resolution, target: 95%, allocation: 50%, share: 40%}]}\n"                                          \
    "agreements:\n  - {name: gold, kind: sla, clocks: {resolution: {measure: resolution, target: 1h}}}\n"

struct told {
    struct contract_outcome log[LOG_MAX];
    struct score_credit credits[LOG_MAX]; /* by number of the outcome */
    char by[LOG_MAX][16];
    size_t count;
    struct score_pxa pxa;
    struct score_credit credit;
    struct score_attainment attainment;
    struct score_rate contract, honest;
};

static void
hear(void *context, const struct contract_outcome *outcome)
{
    struct told *told = context;
    struct contract_outcome *kept = &told->log[told->count];

    assert_in_range(told->count, 0, LOG_MAX - 1);
    *kept = *outcome;
    kept->contract = slice_of("acme-gold");
    kept->policy = slice_of("1");
    if (outcome->credit != NULL)
        told->credits[told->count] = *outcome->credit;
    kept->month = (struct slice){NULL, 0};
    if (outcome->event.at != NULL) {
        snprintf(told->by[told->count], sizeof told->by[0], "%.*s", (int)outcome->event.bytes,
                 outcome->event.at);
        kept->event = slice_of(told->by[told->count]);
        kept->event_source = slice_of("test");
        kept->by = kept->reason = slice_of("m-1");
    }
    kept->pxa = NULL;
    kept->credit = NULL;
    told->count++;
}

static void
hear_pxa(void *context, const struct score_pxa *pxa)
{
    ((struct told *)context)->pxa = *pxa;
}

static void
hear_credit(void *context, const struct score_credit *credit)
{
    ((struct told *)context)->credit = *credit;
}

static void
hear_attainment(void *context, const struct score_attainment *attainment)
{
    struct told *told = context;

    told->attainment = *attainment;
    told->contract = attainment->figures->attainment_contract;
    told->honest = attainment->figures->attainment_honest;
}

static void
hear_nothing(void *context, const struct score_record *record)
{
    (void)context, (void)record;
}

static void
open_told(struct house *house, struct told *told)
{
    *told = (struct told){.count = 0};
    house_open_text(house, "version: \"1\"\n" POLICY,
                    (struct scores_sink){.context = told,
                                         .score = hear_nothing,
                                         .contract = hear,
                                         .pxa = hear_pxa,
                                         .credit = hear_credit,
                                         .attainment = hear_attainment});
}

static void
answer(struct house *house, int64_t at_ms, int score)
{
    char id[24];
    struct event event;

    snprintf(id, sizeof id, "f-%lld", (long long)at_ms);
    event = house_answer(house, at_ms, id, "thumbs", score);
    house_attribute(&event, ATTRIBUTE_CUSTOMER, "acme");
    assert_int_equal(scores_feedback(house->scores, &event, at_ms).disposition, ENGINE_APPLIED);
}

static struct engine_answer
move(struct house *house, int64_t at_ms, const char *contract, const char *to)
{
    struct event event = house_event(house, EVENT_CONTRACT_MOVED, at_ms, "");

    house_attribute(&event, ATTRIBUTE_CONTRACT, contract);
    event.to = slice_of(to);
    event.by = slice_of("m-1");
    event.reason = slice_of("because");
    return scores_feedback(house->scores, &event, at_ms);
}

static enum pxa_state
decide(enum pxa_state state, int64_t at_ms, int64_t positive, int64_t n)
{
    return pxa_decide(&(struct pxa_question){.state = state,
                                             .at_ms = at_ms,
                                             .plan_until_ms = 100,
                                             .positive = positive,
                                             .n = n,
                                             .threshold_bp = 9500,
                                             .min_answers = 20});
}

static void
test_row_of_numbers(void **state)
{
    (void)state;
    assert_int_equal(decide(PXA_NO_DATA, 0, 0, 0), PXA_NO_DATA);
    assert_int_equal(decide(PXA_NO_DATA, 0, 1, 1), PXA_PROVISIONAL);
    assert_int_equal(decide(PXA_PROVISIONAL, 0, 19, 20), PXA_HEALTHY); /* 95 % is at the threshold */
    assert_int_equal(decide(PXA_PROVISIONAL, 0, 18, 20), PXA_PLAN);
    assert_int_equal(decide(PXA_NO_DATA, 0, 0, 20), PXA_PLAN);
    assert_int_equal(decide(PXA_HEALTHY, 0, 18, 20), PXA_PLAN);
    assert_int_equal(decide(PXA_HEALTHY, 0, 0, 19), PXA_PROVISIONAL); /* too few to say */
    assert_int_equal(decide(PXA_HEALTHY, 0, 0, 0), PXA_NO_DATA);
    assert_int_equal(decide(PXA_PLAN, 99, 20, 20), PXA_PLAN); /* it runs to its end */
    assert_int_equal(decide(PXA_PLAN, 100, 19, 20), PXA_HEALTHY);
    assert_int_equal(decide(PXA_PLAN, 100, 18, 20), PXA_RELEASE_RIGHT);
    assert_int_equal(decide(PXA_PLAN, 100, 0, 19), PXA_PLAN); /* and further, day by day */
    assert_int_equal(decide(PXA_RELEASE_RIGHT, 200, 20, 20), PXA_RELEASE_RIGHT);
}

static void
test_midnights(void **state)
{
    struct told told;
    struct house house;

    (void)state;
    open_told(&house, &told);
    for (int i = 0; i < 4; i++)
        answer(&house, T0_MS + i, i < 2);
    assert_int_equal(scores_next_ms(house.scores),
                     T0_MS + 1000); /* the present value, a second after the first */
    scores_advance(house.scores, MIDNIGHT_MS - 1, SCORES_THROUGH);
    assert_int_equal(told.count, 0);
    assert_int_equal(told.pxa.px.n, 4);
    assert_int_equal(told.pxa.since_ms, INSTANT_NONE);
    scores_advance(house.scores, MIDNIGHT_MS + 3 * DAY_MS, SCORES_THROUGH);
    assert_int_equal(told.count, 4);
    assert_int_equal(told.log[0].decided_at_ms, MIDNIGHT_MS);
    assert_int_equal(told.log[0].to, PXA_PLAN);
    assert_int_equal(told.log[0].plan_until_ms, MIDNIGHT_MS + 2 * DAY_MS);
    assert_int_equal(told.log[0].answers_count, 2);
    assert_false(told.log[1].moved);
    assert_int_equal(told.log[3].to, PXA_PLAN); /* too few answers at its end */
    assert_int_equal(told.log[3].arrival.revision, 4);
    house_close(&house);
}

static void
test_by_hand(void **state)
{
    struct told told;
    struct house house;

    (void)state;
    open_told(&house, &told);
    assert_int_equal(move(&house, T0_MS, "nobody", "plan").error, ERROR_UNKNOWN_CONTRACT);
    assert_int_equal(move(&house, T0_MS, "acme-gold", "gone").error, ERROR_WRONG_TYPE);
    assert_int_equal(move(&house, T0_MS, "acme-gold", "release_right").disposition, ENGINE_APPLIED);
    house.events--;
    assert_int_equal(move(&house, T0_MS, "acme-gold", "release_right").disposition, ENGINE_DUPLICATE);
    assert_int_equal(move(&house, T0_MS, "acme-gold", "release_right").disposition, ENGINE_NO_EFFECT);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.log[0].decided_at_ms, T0_MS);
    scores_advance(house.scores, MIDNIGHT_MS, SCORES_THROUGH);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.log[1].to, PXA_RELEASE_RIGHT); /* only a hand leaves it */
    assert_int_equal(move(&house, MIDNIGHT_MS + 1, "acme-gold", "plan").disposition, ENGINE_APPLIED);
    assert_int_equal(told.log[2].plan_until_ms, MIDNIGHT_MS + 2 * DAY_MS);
    house_close(&house);
}

/* What is read back goes on at the midnight after the last that was decided, not while more is to be read. */
static void
test_rebuilt(void **state)
{
    struct told told, again;
    struct house house, rebuilt;

    (void)state;
    open_told(&house, &told);
    for (int i = 0; i < 4; i++)
        answer(&house, T0_MS + i, 1);
    assert_int_equal(move(&house, T0_MS + HOUR_MS, "acme-gold", "plan").disposition, ENGINE_APPLIED);
    scores_advance(house.scores, MIDNIGHT_MS, SCORES_THROUGH);
    assert_int_equal(told.count, 2);
    open_told(&rebuilt, &again);
    scores_set_rebuilding(rebuilt.scores, true, 0);
    for (size_t i = 0; i < told.count; i++)
        scores_contract(rebuilt.scores, &told.log[i], told.log[i].arrival.detected_at_ms);
    scores_set_rebuilding(rebuilt.scores, false, MIDNIGHT_MS + 2 * DAY_MS + HOUR_MS);
    scores_set_behind(rebuilt.scores, true);
    scores_advance(rebuilt.scores, MIDNIGHT_MS + 2 * DAY_MS + HOUR_MS, SCORES_THROUGH);
    assert_int_equal(again.count, 0);
    scores_set_behind(rebuilt.scores, false);
    scores_advance(rebuilt.scores, MIDNIGHT_MS + 2 * DAY_MS + HOUR_MS, SCORES_THROUGH);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.log[0].decided_at_ms, MIDNIGHT_MS + DAY_MS);
    assert_int_equal(again.log[1].decided_at_ms, MIDNIGHT_MS + 2 * DAY_MS);
    assert_int_equal(again.log[1].arrival.revision, 4);
    rebuilt.events = 5;
    assert_int_equal(move(&rebuilt, MIDNIGHT_MS + 3 * DAY_MS, "acme-gold", "healthy").disposition,
                     ENGINE_APPLIED);
    rebuilt.events = 4; /* the event that moved it before the rebuild */
    assert_int_equal(move(&rebuilt, MIDNIGHT_MS + 3 * DAY_MS, "acme-gold", "plan").disposition,
                     ENGINE_DUPLICATE);
    house_close(&house);
    house_close(&rebuilt);
}

static void
give_verdict(struct house *house, const char *ticket, enum verdict verdict, int64_t at_ms)
{
    struct verdict_outcome outcome = house_verdict(ticket, "resolution", 1, verdict, verdict, at_ms);

    outcome.attributes[ATTRIBUTE_CUSTOMER] = slice_of("acme");
    scores_verdict(house->scores, &outcome, at_ms);
}

/* 50 % x 40 % x 10 % of 100,000 = 2,000, to the cent, while the month runs and when it is over. */
static void
test_credits(void **state)
{
    struct told told;
    struct house house;
    const int64_t december_ms = T0_MS + 8 * DAY_MS + 11 * HOUR_MS;

    (void)state;
    open_told(&house, &told);
    give_verdict(&house, "T1", VERDICT_MET, T0_MS);
    scores_advance(house.scores, T0_MS + 2000, SCORES_THROUGH);
    assert_int_equal(told.credit.credit_minor, 0);
    assert_int_equal(told.credit.at_risk_minor, 1000000);
    assert_string_equal(told.credit.month, "2026-11");
    give_verdict(&house, "T2", VERDICT_BREACHED, T0_MS + HOUR_MS);
    scores_advance(house.scores, december_ms - 1, SCORES_THROUGH);
    assert_int_equal(told.credit.credit_minor, 200000);
    give_verdict(&house, "T3", VERDICT_BREACHED, december_ms);
    scores_advance(house.scores, december_ms + DAY_MS, SCORES_THROUGH);
    for (size_t i = 0; i < told.count; i++)
        if (told.log[i].subject == CONTRACT_CREDIT) {
            assert_int_equal(told.log[i].decided_at_ms, december_ms);
            assert_int_equal(told.credits[i].credit_minor, 200000);
            assert_string_equal(told.credits[i].month, "2026-11");
        }
    assert_string_equal(told.credit.month, "2026-12");
    assert_int_equal(told.credit.credit_minor, 200000); /* T3 alone */
    house_close(&house);
}

/* Of the contract's own verdicts, by the month of its zone; nobody else's. */
static void
test_attainment(void **state)
{
    struct told told;
    struct house house;
    const int64_t december_ms = T0_MS + 8 * DAY_MS + 11 * HOUR_MS;
    struct verdict_outcome other =
        house_verdict("X", "resolution", 1, VERDICT_BREACHED, VERDICT_BREACHED, T0_MS);

    (void)state;
    open_told(&house, &told);
    scores_advance(house.scores, T0_MS, SCORES_THROUGH);
    assert_string_equal(told.attainment.month, "2026-11");
    assert_int_equal(told.contract.n, 0);
    other.attributes[ATTRIBUTE_CUSTOMER] = slice_of("umbra");
    scores_verdict(house.scores, &other, T0_MS);
    give_verdict(&house, "T1", VERDICT_MET, T0_MS);
    give_verdict(&house, "T2", VERDICT_BREACHED, december_ms - 1);
    scores_advance(house.scores, december_ms - 1, SCORES_THROUGH);
    scores_verdict(house.scores, &other, december_ms - 1);
    assert_int_equal(told.contract.hits, 1);
    assert_int_equal(told.honest.n, 2);
    scores_advance(house.scores, december_ms - 1 + 1000, SCORES_THROUGH);
    assert_string_equal(told.attainment.month, "2026-12");
    assert_int_equal(told.contract.n, 0);
    give_verdict(&house, "T3", VERDICT_BREACHED, december_ms + 2000);
    scores_advance(house.scores, december_ms + DAY_MS, SCORES_THROUGH);
    assert_int_equal(told.contract.n, 1);
    assert_int_equal(told.contract.hits, 0);
    house_close(&house);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_of_numbers), cmocka_unit_test(test_midnights),
        cmocka_unit_test(test_by_hand),        cmocka_unit_test(test_rebuilt),
        cmocka_unit_test(test_credits),        cmocka_unit_test(test_attainment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
