/* Stage `risk` of the engine with a forecaster that says what the test wants: when it fires, clears, repeats
 * and keeps silent; and the samples that are learned from. */
#include "../support/desk.h"
#include "slad/foresight.h"

#define CLOCKS                                                                                               \
    "agreements:\n  - {name: a, kind: sla, clocks: {resolution: {measure: resolution, target: 100m}}}\n"
#define POLICY DESK_POLICY CLOCKS

/* Says by_permille of what is elapsed, from there on. */
struct oracle {
    struct {
        int from_permille, p_permille;
    } says[8];
    size_t says_count;
    enum foresight_confidence confidence;
    uint64_t asked;
    struct foresight_query last;
    struct foresight_contexts contexts;
};

static bool
forecast(void *context, const struct foresight_query *query, struct foresight_forecast *forecast)
{
    struct oracle *oracle = context;

    oracle->asked++;
    oracle->last = *query;
    *forecast = (struct foresight_forecast){.p_permille = 100,
                                            .confidence = oracle->confidence,
                                            .p50_ms = 10 * DESK_MINUTE_MS,
                                            .p90_ms = -1,
                                            .model = 7};
    for (size_t i = 0; i < oracle->says_count; i++)
        if (query->elapsed_ms * 1000 >= query->target_ms * oracle->says[i].from_permille)
            forecast->p_permille = oracle->says[i].p_permille;
    return true;
}

static void
open_with(struct desk *desk, const char *policy, struct oracle *oracle)
{
    const struct engine_foresight foresight = {forecast, oracle, &oracle->contexts, 0, 1};

    desk_open(desk, policy);
    engine_set_foresight(desk->engine, &foresight, desk->t_ms);
}

static void
test_fires_clears_repeats(void **state)
{
    struct oracle oracle = {.says = {{250, 800}, {375, 599}, {500, 950}, {625, 650}}, .says_count = 4};
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY, &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 24);
    desk_heard(&desk, "");
    desk_until(&desk, 25);
    desk_heard(&desk, "25 T/sla/resolution/1/risk firing\n");
    desk_until(&desk, 49);
    desk_heard(&desk, "37 T/sla/resolution/1/risk resolved\n");
    desk_until(&desk, 80); /* 65 % is between the two: it stands */
    desk_heard(&desk, "50 T/sla/resolution/1/risk repeated\n");
    desk_until(&desk, 100);
    desk_heard(&desk, "100 T/sla/resolution/1/risk resolved\n100 T/sla/resolution/1/breach firing\n");
    desk_close(&desk);
}

static void
test_ends(void **state)
{
    struct oracle oracle = {.says = {{20, 900}}, .says_count = 1};
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY, &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_say(&desk, 1, "created U status=New actor=requester");
    desk_say(&desk, 10, "updated T status=Resolved actor=agent");
    desk_say(&desk, 10, "updated U status=Canceled actor=agent");
    desk_heard(&desk, "2 T/sla/resolution/1/risk firing\n3 U/sla/resolution/1/risk firing\n"
                      "10 T/sla/resolution/1/risk resolved\n10 U/sla/resolution/1/risk withdrawn\n");
    desk_close(&desk);
}

/* At an event, not only at landmarks; and whatever it says of a clock that waits, nothing moves. */
static void
test_events_and_pauses(void **state)
{
    struct oracle oracle = {.confidence = FORESIGHT_NORMAL};
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY, &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 20);
    oracle.says[0].p_permille = 900;
    oracle.says_count = 1;
    desk_say(&desk, 21, "updated T status=Waiting actor=agent");
    desk_until(&desk, 200);
    desk_heard(&desk, "");
    desk_say(&desk, 201, "updated T status=New group=g actor=agent");
    desk_heard(&desk, "201 T/sla/resolution/1/risk firing\n");
    assert_int_equal(oracle.last.elapsed_ms, 21 * DESK_MINUTE_MS);
    assert_int_equal(oracle.last.view.numbers[FORESIGHT_HOLDS], 1);
    assert_int_equal(oracle.last.view.numbers[FORESIGHT_EVENTS], 3);
    assert_int_equal(oracle.last.view.numbers[FORESIGHT_HOUR], 4 * 24 + 12); /* Friday 12:21 UTC */
    assert_int_equal(oracle.last.view.texts[ATTRIBUTE_GROUP], foresight_text_hash(slice_of("g")));
    desk_close(&desk);
}

static void
test_backstop(void **state)
{
    struct oracle oracle = {.confidence = FORESIGHT_NORMAL};
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY, &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 99);
    desk_heard(&desk, "87 T/sla/resolution/1/risk firing\n"); /* 87.5 minutes */
    oracle.confidence = FORESIGHT_UNCALIBRATED;
    oracle.says[0].p_permille = 999;
    oracle.says_count = 1;
    desk_say(&desk, 200, "created U status=New actor=requester");
    desk_until(&desk, 299);
    desk_heard(&desk, "100 T/sla/resolution/1/risk resolved\n100 T/sla/resolution/1/breach firing\n"
                      "287 U/sla/resolution/1/risk firing\n");
    oracle.confidence = FORESIGHT_LOW;
    desk_say(&desk, 400, "created V status=New actor=requester");
    desk_until(&desk, 499);
    desk_heard(&desk, "300 U/sla/resolution/1/risk resolved\n300 U/sla/resolution/1/breach firing\n");
    desk_close(&desk);
}

static void
test_rules(void **state)
{
    struct oracle oracle = {.says = {{0, 500}, {625, 700}}, .says_count = 2};
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY "foresight: {fire: 70%, min_actionable: 38m, backstop: 100%}\n", &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 99);
    desk_heard(&desk, ""); /* 37.5 minutes are left */
    desk_close(&desk);
    open_with(&desk, POLICY "foresight: {fire: 70%, min_actionable: 37m}\n", &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 99);
    desk_heard(&desk, "62 T/sla/resolution/1/risk firing\n");
    desk_close(&desk);
    open_with(&desk, POLICY "foresight: {enabled: false}\n", &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 99);
    desk_heard(&desk, "");
    desk_close(&desk);
    /* (1 + 10) / (30 % of 100 + 10) = 27.5 % */
    oracle.says[0].p_permille = 276;
    open_with(&desk, POLICY "foresight: {cost: {alarm: 1, false_alarm: 10, breach: 100, effect: 30%}}\n",
              &oracle);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_heard(&desk, "0 T/sla/resolution/1/risk firing\n");
    desk_close(&desk);
}

/* At most so many a group and day, and after a restart those of before count. */
static void
test_budget(void **state)
{
    struct oracle oracle = {.says = {{0, 900}}, .says_count = 1};
    const struct engine_foresight foresight = {forecast, &oracle, &oracle.contexts, 0, 1};
    struct buffer record = {0};
    struct desk desk;
    struct engine *before;

    (void)state;
    open_with(&desk, POLICY "foresight: {budget: 1}\n", &oracle);
    desk_say(&desk, 0, "created A status=New group=g actor=requester");
    desk_say(&desk, 0, "created B status=New group=g actor=requester");
    desk_say(&desk, 0, "created C status=New group=h actor=requester");
    desk_heard(&desk, "0 A/sla/resolution/1/risk firing\n0 C/sla/resolution/1/risk firing\n");
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("A")), &record));
    before = desk.engine;
    desk_start(&desk, desk_options(&desk));
    assert_int_equal(engine_load(desk.engine, slice_of("A"), buffer_slice(&record)), 0);
    engine_free(before);
    engine_loaded(desk.engine, desk.t_ms);
    engine_set_foresight(desk.engine, &foresight, desk.t_ms);
    desk_until(&desk, 1);
    desk_say(&desk, 2, "created D status=New group=g actor=requester");
    desk_heard(&desk, "");
    desk_until(&desk, 99);
    desk_say(&desk, 15 * 60, "created E status=New group=g actor=requester"); /* the next day */
    desk_until(&desk, 15 * 60);
    buffer_append_byte(&desk.log, '\0');
    assert_true(strstr(buffer_slice(&desk.log).at, "900 E/sla/resolution/1/risk firing") != NULL);
    buffer_reset(&desk.log);
    buffer_free(&record);
    desk_close(&desk);
}

/* Each of several tasks takes its part, and the parts add up. */
static void
test_budget_is_shared(void **state)
{
    size_t fired = 0;

    (void)state;
    for (uint32_t task = 0; task < 3; task++) {
        struct oracle oracle = {.says = {{0, 900}}, .says_count = 1};
        const struct engine_foresight foresight = {forecast, &oracle, &oracle.contexts, task, 3};
        struct engine_figures figures;
        struct desk desk;

        desk_open(&desk, POLICY "foresight: {budget: 5}\n");
        engine_set_foresight(desk.engine, &foresight, desk.t_ms);
        for (int i = 0; i < 9; i++) {
            char words[64];

            (void)snprintf(words, sizeof words, "created T-%d status=New group=g actor=requester", i);
            desk_say(&desk, 0, words);
        }
        engine_figures(desk.engine, &figures);
        fired += figures.risks_fired;
        desk_close(&desk);
    }
    assert_int_equal(fired, 5);
}

static void
test_held_out(void **state)
{
    struct oracle oracle = {.says = {{0, 900}}, .says_count = 1};
    struct engine_figures figures;
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY "foresight: {hold_out: 50%}\n", &oracle);
    for (int i = 0; i < 100; i++) {
        char words[64];

        (void)snprintf(words, sizeof words, "created T-%d status=New actor=requester", i);
        desk_say(&desk, 0, words);
    }
    engine_figures(desk.engine, &figures);
    assert_in_range(figures.risks_fired, 30, 70);
    desk_close(&desk);
}

/* While its task is behind nothing is said; what the probability is then counts. */
static void
test_quiet(void **state)
{
    struct oracle oracle = {.says = {{0, 900}}, .says_count = 1};
    struct desk desk;

    (void)state;
    open_with(&desk, POLICY, &oracle);
    engine_set_quiet(desk.engine, true, desk.t_ms);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 30);
    desk_heard(&desk, "");
    engine_set_quiet(desk.engine, false, desk.t_ms);
    desk_until(&desk, 31);
    desk_heard(&desk, "30 T/sla/resolution/1/risk firing\n");
    desk_close(&desk);
}

/* A million tickets that were loaded resting are not asked before the first alert of one of them: each is
 * when it is warmed, now or at its next landmark. */
static void
test_asked_when_warmed(void **state)
{
    struct oracle oracle = {.says = {{250, 900}}, .says_count = 1};
    const struct engine_foresight foresight = {forecast, &oracle, &oracle.contexts, 0, 1};
    struct buffer now = {0}, later = {0};
    struct engine_figures figures;
    struct desk desk, other;

    (void)state;
    desk_open(&desk, POLICY);
    desk_open(&other, POLICY);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_say(&desk, 20, "created U status=New actor=requester");
    desk_until(&desk, 30);
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("T")), &now));
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("U")), &later));
    assert_int_equal(engine_load(other.engine, slice_of("T"), buffer_slice(&now)), 0);
    assert_int_equal(engine_load(other.engine, slice_of("U"), buffer_slice(&later)), 0);
    engine_loaded(other.engine, DESK_AT_MS(30));
    engine_set_foresight(other.engine, &foresight, DESK_AT_MS(30));
    desk_until(&other, 40);
    engine_figures(other.engine, &figures);
    assert_int_equal(figures.derivations, 0);
    assert_false(engine_warm(other.engine, 10));
    desk_until(&other, 44);
    desk_heard(&other, "40 T/sla/resolution/1/risk firing\n");
    desk_until(&other, 45);
    desk_heard(&other, "45 U/sla/resolution/1/risk firing\n");
    buffer_free(&now);
    buffer_free(&later);
    desk_close(&desk);
    desk_close(&other);
}

/* ---- samples ---- */

struct told {
    struct risk_sample samples[8];
    char groups[8][FORESIGHT_LANDMARKS_COUNT][16];
    size_t count;
};

static void
on_sample(void *context, const struct risk_sample *sample)
{
    struct told *told = ((struct desk *)context)->told;

    must(told->count < 8);
    told->samples[told->count] = *sample;
    for (size_t i = 0; i < sample->points_count; i++)
        (void)snprintf(
            told->groups[told->count][i], 16, "%.*s", (int)sample->points[i].texts[ATTRIBUTE_GROUP].bytes,
            sample->points[i].texts[ATTRIBUTE_GROUP].at != NULL ? sample->points[i].texts[ATTRIBUTE_GROUP].at
                                                                : "");
    told->count++;
}

static void
open_listening(struct desk *desk, const char *policy, struct told *told)
{
    struct engine_options options;

    *told = (struct told){.count = 0};
    desk_load(desk, &policy, 1);
    desk->told = told;
    desk->hears = 0;
    options = desk_options(desk);
    options.sink.risk_sample = on_sample;
    desk_start(desk, options);
}

static void
test_sample_of_a_met_clock(void **state)
{
    struct told told;
    struct desk desk;

    (void)state;
    open_listening(&desk, POLICY, &told);
    desk_say(&desk, 0, "created T status=New group=g actor=requester assignee=p");
    desk_say(&desk, 10, "updated T status=Waiting actor=agent");
    desk_say(&desk, 60, "updated T status=New group=h actor=agent");
    desk_say(&desk, 90, "updated T status=Resolved actor=agent"); /* counted: 10 + 30 */
    assert_int_equal(told.count, 1);
    assert_int_equal(told.samples[0].label, RISK_MET);
    assert_false(told.samples[0].finish);
    assert_int_equal(told.samples[0].elapsed_ms, 40 * DESK_MINUTE_MS);
    assert_int_equal(told.samples[0].decided_at_ms, DESK_AT_MS(90));
    assert_int_equal(told.samples[0].known_at_ms, DESK_AT_MS(150));
    assert_int_equal(told.samples[0].points_count, 4); /* 2, 12.5, 25, 37.5 minutes */
    assert_int_equal(told.samples[0].points[0].at_ms, DESK_AT_MS(2));
    assert_int_equal(told.samples[0].points[0].remaining_ms, 88 * DESK_MINUTE_MS);
    assert_string_equal(told.groups[0][0], "g");
    assert_int_equal(told.samples[0].points[0].numbers[FORESIGHT_HOLDS], 0);
    assert_int_equal(told.samples[0].points[0].numbers[FORESIGHT_EVENTS], 1);
    assert_int_equal(told.samples[0].points[0].numbers[FORESIGHT_IDLE], 2);
    assert_int_equal(told.samples[0].points[1].at_ms, DESK_AT_MS(62) + 30000);
    assert_string_equal(told.groups[0][1], "h");
    assert_int_equal(told.samples[0].points[1].numbers[FORESIGHT_HOLDS], 1);
    assert_int_equal(told.samples[0].points[1].numbers[FORESIGHT_MOVES], 1);
    assert_int_equal(told.samples[0].points[1].numbers[FORESIGHT_EVENTS], 3);
    assert_int_equal(told.samples[0].points[3].numbers[FORESIGHT_IDLE], 27);
    desk_say(&desk, 95, "updated T priority=P1 actor=agent"); /* nothing more of a decided one */
    desk_until(&desk, 3000);
    assert_int_equal(told.count, 1);
    desk_close(&desk);
}

static void
test_sample_of_a_breach(void **state)
{
    struct told told;
    struct desk desk;
    struct buffer record = {0};
    struct engine_options options;
    struct engine *before;

    (void)state;
    open_listening(&desk, POLICY, &told);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_until(&desk, 120);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.samples[0].label, RISK_BREACHED);
    assert_int_equal(told.samples[0].known_at_ms, DESK_AT_MS(100));
    assert_int_equal(told.samples[0].points_count, 8);
    assert_int_equal(told.samples[0].points[7].remaining_ms, -1);
    desk_say(&desk, 130, "updated T status=Resolved actor=agent");
    assert_int_equal(told.count, 2);
    assert_true(told.samples[1].finish);
    assert_int_equal(told.samples[1].points[0].remaining_ms, 128 * DESK_MINUTE_MS);
    /* a restart knows that it was told */
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("T")), &record));
    before = desk.engine;
    options = desk_options(&desk);
    options.sink.risk_sample = on_sample;
    desk_start(&desk, options);
    assert_int_equal(engine_load(desk.engine, slice_of("T"), buffer_slice(&record)), 0);
    engine_free(before);
    engine_loaded(desk.engine, desk.t_ms);
    desk_say(&desk, 140, "updated T status=Closed actor=agent");
    desk_until(&desk, 5000);
    assert_int_equal(told.count, 2);
    buffer_free(&record);
    desk_close(&desk);
}

static void
test_censored(void **state)
{
    struct told told;
    struct desk desk;

    (void)state;
    open_listening(&desk,
                   DESK_POLICY
                   "agreements:\n  - {name: a, kind: sla, clocks: {resolution: {measure: resolution, "
                   "target: {P1: 50m, default: 100m}}}}\n",
                   &told);
    desk_say(&desk, 0, "created T status=New actor=requester");
    desk_say(&desk, 20, "updated T status=Canceled actor=agent");
    desk_say(&desk, 20, "created U status=New actor=requester");
    desk_say(&desk, 30, "updated U priority=P1 actor=agent");
    desk_say(&desk, 40, "updated U status=Resolved actor=agent");
    assert_int_equal(told.count, 2);
    assert_int_equal(told.samples[0].label, RISK_CENSORED);
    assert_int_equal(told.samples[0].points_count, 2);
    assert_int_equal(told.samples[1].label, RISK_CENSORED);
    desk_close(&desk);
}

static void
test_people(void **state)
{
    struct told told;
    struct desk desk;

    (void)state;
    open_listening(&desk, POLICY "foresight: {people: no}\n", &told);
    desk_say(&desk, 0, "created T status=New actor=requester requester=u assignee=p group=g");
    desk_say(&desk, 20, "updated T status=Resolved actor=agent");
    assert_int_equal(told.count, 1);
    assert_null(told.samples[0].points[0].texts[ATTRIBUTE_ASSIGNEE].at);
    assert_null(told.samples[0].points[0].texts[ATTRIBUTE_REQUESTER].at);
    assert_string_equal(told.groups[0][0], "g");
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fires_clears_repeats),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_events_and_pauses),
        cmocka_unit_test(test_backstop),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_budget_is_shared),
        cmocka_unit_test(test_held_out),
        cmocka_unit_test(test_quiet),
        cmocka_unit_test(test_asked_when_warmed),
        cmocka_unit_test(test_sample_of_a_met_clock),
        cmocka_unit_test(test_sample_of_a_breach),
        cmocka_unit_test(test_censored),
        cmocka_unit_test(test_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
