/* The sentence of an alert, for every state and stage, in the calendar's local time. */
#include "../support/unit.h"
#include "../support/records.h"
#include "../support/zones.h"
#include "wire/reason.h"

static void
expect(const struct alert *alert, const char *expected)
{
    struct buffer out = {0};

    reason_print(&out, alert);
    if (!slice_is(buffer_slice(&out), expected))
        fail_msg("\n%.*s\nexpected\n%s", (int)out.bytes, out.at, expected);
    buffer_free(&out);
}

static void
test_breach(void **state)
{
    struct zone *berlin = zones_load("Europe/Berlin");
    struct alert alert = records_alert();

    (void)state;
    alert.zone = berlin;
    expect(&alert, "counted 4h of 4h on berlin since 10:15; paused 35m for customer");
    /* it began on the local day before: 23:30Z is 00:30 of the alert's day, 22:30Z is not */
    alert.figures.started_at_ms = MONDAY_MS - 9 * HOUR_MS + 30 * MINUTE_MS;
    expect(&alert, "counted 4h of 4h on berlin since 00:30; paused 35m for customer");
    alert.figures.started_at_ms -= HOUR_MS;
    expect(&alert, "counted 4h of 4h on berlin since 2026-11-22 23:30; paused 35m for customer");
    alert.figures = records_figures();
    alert.figures.paused_ms = 0;
    alert.figures.by_party[PARTY_CUSTOMER] = (struct party_time){0, 0};
    alert.state = ALERT_REPEATED;
    alert.n = 3;
    alert.figures.elapsed_ms = 5 * HOUR_MS + 30 * MINUTE_MS + 12345;
    alert.figures.overrun_ms = 90 * MINUTE_MS + 12345;
    expect(&alert, "still not over, repeat 3: counted 5h 30m of 4h on berlin since 10:15; 1h 30m over");
    alert.state = ALERT_ACKNOWLEDGED;
    alert.n = 0;
    alert.by = SLICE("a-3");
    alert.figures.overrun_ms = 95 * 1000 + 7;
    expect(&alert, "acknowledged by a-3: counted 5h 30m of 4h on berlin since 10:15; 1m 35s over");
    zone_free(berlin);
}

static void
test_dated_otherwise(void **state)
{
    struct alert alert = records_alert();

    (void)state;
    alert.figures.paused_ms = 0;
    alert.figures.elapsed_ms = 5 * HOUR_MS;
    alert.figures.flags = FLAG_AT_RETARGET;
    expect(&alert, "counted 5h of 4h on berlin since 09:15 UTC; already past the target that came into force "
                   "at 13:50 UTC");
    alert.figures.flags = FLAG_RETROACTIVE;
    alert.calendar = NOTHING;
    expect(&alert, "counted 5h of 4h since 09:15 UTC; already past the target when its start was corrected "
                   "at 13:50 UTC");
}

static void
test_warning(void **state)
{
    struct alert alert = records_alert();

    (void)state;
    alert.stage = SLICE("warn-50%");
    alert.severity = SEVERITY_INFO;
    alert.figures.state = CLOCK_RUNNING;
    alert.figures.breached_at_ms = INSTANT_NONE;
    alert.figures.elapsed_ms = 2 * HOUR_MS;
    alert.remaining_ms = 2 * HOUR_MS;
    alert.figures.paused_ms = 0;
    alert.figures.flags = FLAG_AT_RETARGET;
    expect(&alert, "counted 2h of 4h on berlin since 09:15 UTC; 2h left");
    alert.stage = SLICE("risk");
    expect(&alert, "likely to miss its target, 93%: counted 2h of 4h on berlin since 09:15 UTC; 2h left");
    alert.risk_permille = -1;
    expect(&alert, "likely to miss its target: counted 2h of 4h on berlin since 09:15 UTC; 2h left");
    alert.stage = SLICE("slack");
    alert.remaining_ms = 59999;
    expect(&alert, "begins with less left than its own target: counted 2h of 4h on berlin since 09:15 UTC; "
                   "59s 999ms left");
}

static void
test_over(void **state)
{
    struct alert alert = records_alert();

    (void)state;
    alert.figures.paused_ms = 0;
    alert.state = ALERT_RESOLVED;
    alert.figures.stopped_at_ms = alert.effective_at_ms + HOUR_MS;
    alert.figures.overrun_ms = HOUR_MS;
    alert.figures.elapsed_ms = 5 * HOUR_MS;
    expect(&alert, "over, ended breached at 14:50 UTC: counted 5h of 4h on berlin since 09:15 UTC; 1h over");
    alert.figures.state = CLOCK_MET;
    alert.figures.overrun_ms = 0;
    alert.figures.elapsed_ms = 3 * HOUR_MS;
    alert.remaining_ms = HOUR_MS;
    expect(&alert, "over, ended met at 14:50 UTC: counted 3h of 4h on berlin since 09:15 UTC; 1h left");
    alert.figures.state = CLOCK_RUNNING; /* excused, and it runs on (R39) */
    alert.figures.stopped_at_ms = INSTANT_NONE;
    expect(&alert, "over: counted 3h of 4h on berlin since 09:15 UTC; 1h left");
    alert.figures.flags = FLAG_EXCUSED;
    expect(&alert, "excused: counted 3h of 4h on berlin since 09:15 UTC; 1h left");
    alert.figures.flags = 0;
    alert.state = ALERT_WITHDRAWN;
    expect(&alert, "withdrawn, it is not so: counted 3h of 4h on berlin since 09:15 UTC");
    alert.figures.state = CLOCK_CANCELLED;
    expect(&alert, "withdrawn, the clock was cancelled: counted 3h of 4h on berlin since 09:15 UTC");
}

/* Who held it up is named only where the figures add up to the pause. */
static void
test_paused(void **state)
{
    struct alert alert = records_alert();
    struct party_time *times = alert.figures.by_party;

    (void)state;
    alert.figures.elapsed_ms = 4 * HOUR_MS;
    times[PARTY_CUSTOMER_SUPPLIER] = (struct party_time){HOUR_MS, 10 * MINUTE_MS};
    alert.figures.paused_ms = 45 * MINUTE_MS;
    expect(&alert, "counted 4h of 4h on berlin since 09:15 UTC; paused 35m for customer, 10m for the "
                   "customer's supplier");
    alert.figures.paused_ms = 105 * MINUTE_MS; /* supplier does not count either */
    expect(&alert, "counted 4h of 4h on berlin since 09:15 UTC; paused 35m for customer, 10m for the "
                   "customer's supplier, "
                   "1h for supplier");
    alert.figures.paused_ms = HOUR_MS; /* supplier alone */
    expect(&alert, "counted 4h of 4h on berlin since 09:15 UTC; paused 1h for supplier");
    /* a clock of the customer's turn stands still for the provider, whoever else's time is as long */
    alert.counts = PARTY_BIT(PARTY_CUSTOMER);
    times[PARTY_CUSTOMER].in_hours_ms = times[PARTY_PROVIDER].in_hours_ms = HOUR_MS;
    times[PARTY_CUSTOMER_SUPPLIER].in_hours_ms = times[PARTY_SUPPLIER].in_hours_ms = 0;
    expect(&alert, "counted 4h of 4h on berlin since 09:15 UTC; paused 1h for provider");
    alert.counts = PARTY_BIT(PARTY_NOBODY); /* a group's: another of the same party may have had the ball */
    expect(&alert, "counted 4h of 4h on berlin since 09:15 UTC; paused 1h");
    alert.counts = 0;
    alert.figures.paused_ms = 7 * MINUTE_MS;
    expect(&alert, "counted 4h of 4h on berlin since 09:15 UTC; paused 7m");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_breach), cmocka_unit_test(test_dated_otherwise), cmocka_unit_test(test_warning),
        cmocka_unit_test(test_over),   cmocka_unit_test(test_paused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
