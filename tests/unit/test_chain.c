#include "../support/unit.h"
#include "../support/zones.h"
#include "base/instant.h"
#include "slad/chain.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

struct calendars {
    struct zone *berlin;
    struct calendar *always, *office, *once;
};

static int
setup(void **state)
{
    static struct calendars calendars;
    static const struct calendar_window day = {9 * 60, 17 * 60};
    static const struct calendar_date once = {2026, 5, 4};
    struct calendar_week week = {.always = true};
    struct calendar_days days = {0};
    struct calendar_special special = {once, &day, 1};

    calendars.berlin = zones_load("Europe/Berlin");
    calendars.always = calendar_new(&week, &days);
    week.always = false;
    days.zone = calendars.berlin;
    for (int i = 0; i < 5; i++) {
        week.days[i] = &day;
        week.days_count[i] = 1;
    }
    calendars.office = calendar_new(&week, &days);
    memset(week.days_count, 0, sizeof week.days_count);
    days.special = &special;
    days.special_count = 1;
    calendars.once = calendar_new(&week, &days);
    *state = &calendars;
    return 0;
}

static int
teardown(void **state)
{
    struct calendars *calendars = *state;

    calendar_free(calendars->always);
    calendar_free(calendars->office);
    calendar_free(calendars->once);
    zone_free(calendars->berlin);
    return 0;
}

static int64_t
at(const char *text)
{
    int64_t at_ms = 0;

    assert_int_equal(instant_parse(slice_of(text), &at_ms), 0);
    return at_ms;
}

static struct chain_verdict
judge(const struct chain *chain, const char *from, const char *to)
{
    struct chain_span *span = chain_span_new(at(from), at(to));
    struct chain_verdict verdict;

    chain_judge(span, chain, &verdict);
    chain_span_free(span);
    return verdict;
}

/* product.md idea 9: "created Friday 17:00: 65 h 30 min late". */
static void
test_friday_evening(void **state)
{
    const struct calendars *calendars = *state;
    const struct chain_leg leg = {calendars->office, 2 * HOUR_MS, 1};
    const struct chain chain = {calendars->always, 30 * MINUTE_MS, false, &leg, 1};
    struct chain_verdict verdict = judge(&chain, "2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z");

    assert_true(verdict.due_ever);
    assert_false(verdict.fits);
    assert_false(verdict.alike);
    assert_int_equal(verdict.start_at_ms, at("2026-06-05T17:00:00+02:00"));
    assert_int_equal(verdict.due_at_ms, at("2026-06-05T17:30:00+02:00"));
    assert_int_equal(verdict.end_at_ms, at("2026-06-08T11:00:00+02:00"));
    assert_int_equal(verdict.late_ms, 65 * HOUR_MS + 30 * MINUTE_MS);
}

/* SC-56: 1 + 4 + 4 h against 8 h, around the clock. */
static void
test_green_parts_red_whole(void **state)
{
    const struct calendars *calendars = *state;
    const struct chain_leg legs[] = {{calendars->always, HOUR_MS, 1},
                                     {calendars->always, 4 * HOUR_MS, 2},
                                     {calendars->always, 4 * HOUR_MS, 1000}};
    const struct chain chain = {calendars->always, 8 * HOUR_MS, false, legs, 3};
    struct chain_span *span = chain_span_new(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    struct chain_verdict verdict;
    struct chain_stay stays[3];

    chain_judge(span, &chain, &verdict);
    assert_true(verdict.alike);
    assert_int_equal(verdict.late_ms, HOUR_MS);
    assert_int_equal(verdict.start_at_ms, at("2026-01-01T00:00:00Z"));
    assert_int_equal(chain_tighten_ms(span, &chain, 0), 0); /* all of its hour would not be enough */
    assert_int_equal(chain_tighten_ms(span, &chain, 1), 3 * HOUR_MS);
    assert_int_equal(chain_tighten_ms(span, &chain, 2), 3 * HOUR_MS);
    assert_int_equal(chain_walk(&chain, verdict.start_at_ms, stays), 3);
    assert_int_equal(stays[1].from_ms, at("2026-01-01T01:00:00Z"));
    assert_int_equal(stays[2].to_ms, at("2026-01-01T09:00:00Z"));
    chain_span_free(span);
}

static void
test_the_worst_of_a_step_counts(void **state)
{
    const struct calendars *calendars = *state;
    const struct chain_leg legs[] = {{calendars->always, 3 * HOUR_MS, 1},
                                     {calendars->always, 5 * HOUR_MS, 1}};
    const struct chain chain = {calendars->always, 5 * HOUR_MS, false, legs, 2};
    struct chain_stay stays[2];

    assert_true(judge(&chain, "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z").fits);
    assert_int_equal(judge(&chain, "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z").late_ms, 0);
    assert_int_equal(chain_walk(&chain, at("2026-06-01T00:00:00Z"), stays), 1);
    assert_int_equal(stays[0].leg, 1);
}

/* The chain is done at the next opening: kept under closing_grace only. */
static void
test_closing_grace(void **state)
{
    const struct calendars *calendars = *state;
    const struct chain_leg leg = {calendars->always, 16 * HOUR_MS, 1};
    struct chain chain = {calendars->office, 8 * HOUR_MS, false, &leg, 1};

    assert_int_equal(judge(&chain, "2026-06-01T07:00:00Z", "2026-06-01T07:00:00.001Z").late_ms, 8 * HOUR_MS);
    chain.closing_grace = true;
    assert_int_equal(judge(&chain, "2026-06-01T07:00:00Z", "2026-06-01T07:00:00.001Z").late_ms, -8 * HOUR_MS);
}

static void
test_never(void **state)
{
    const struct calendars *calendars = *state;
    const struct chain_leg late = {calendars->once, HOUR_MS, 1}, leg = {calendars->always, HOUR_MS, 1};
    const struct chain never_done = {calendars->always, HOUR_MS, false, &late, 1};
    const struct chain never_due = {calendars->once, HOUR_MS, false, &leg, 1};
    struct chain_verdict verdict = judge(&never_done, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    struct chain_stay stay;

    assert_false(verdict.fits);
    assert_int_equal(verdict.late_ms, INT64_MAX);
    assert_int_equal(verdict.end_at_ms, CALENDAR_NEVER);
    assert_int_equal(chain_walk(&never_done, verdict.start_at_ms, &stay), 1);
    assert_int_equal(stay.to_ms, CALENDAR_NEVER);
    verdict = judge(&never_due, "2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    assert_false(verdict.due_ever);
    assert_true(verdict.fits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_friday_evening),
        cmocka_unit_test(test_green_parts_red_whole),
        cmocka_unit_test(test_the_worst_of_a_step_counts),
        cmocka_unit_test(test_closing_grace),
        cmocka_unit_test(test_never),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
