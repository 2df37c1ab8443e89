/* The engine: what becomes of an event, when timers fire, silence, restarts, retirement. Times are minutes
 * (support/desk.h). */
#include "../support/desk.h"

#define HOUR                                                                                                 \
    DESK_POLICY "agreements:\n  - {name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}\n"
#define PAGES                                                                                                \
    DESK_POLICY                                                                                              \
    "agreements:\n  - {name: a, kind: sla, repeat: {every: 15m, stop_after: 1h, ack_timeout: 30m},\n"        \
    "     clocks: {r: {measure: resolution, target: 5m}}}\n"
#define STAGES                                                                                               \
    DESK_POLICY "agreements:\n  - {name: a, kind: sla, warn_at: [50%, 75%, \"10m left\"],\n"                 \
                "     clocks: {r: {measure: resolution, target: 1h}}}\n"

static struct engine_figures
figures(const struct desk *desk)
{
    struct engine_figures found;

    engine_figures(desk->engine, &found);
    return found;
}

/* ---- what becomes of an event ---- */

static void
each_disposition(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    assert_int_equal(desk_say(&desk, 0, "created T-0 status=New id=x").disposition, ENGINE_APPLIED);
    assert_int_equal(desk_say(&desk, 1, "created T-0 status=Closed id=x").disposition, ENGINE_DUPLICATE);
    assert_int_equal(desk_say(&desk, 1, "updated T-0 id=x source=other").disposition, ENGINE_APPLIED);
    assert_int_equal(desk_say(&desk, 9, "updated T-0 status=Resolved arrives=2").disposition, ENGINE_WAITS);
    assert_int_equal(desk_say(&desk, 3, "alert.acknowledged T-0 alert=T-0/sla/r/1/breach").disposition,
                     ENGINE_NO_EFFECT);
    assert_int_equal(desk_say(&desk, 3, "alert.acknowledged T-9 alert=T-9/sla/r/1/breach").error,
                     ERROR_UNKNOWN_ALERT);
    assert_int_equal(desk_say(&desk, 3, "merged T-0 into=T-0").error, ERROR_BAD_MERGE);
    assert_int_equal(desk_say(&desk, 3, "verdict.excused T-0 clock=nonsense").error, ERROR_WRONG_TYPE);
    assert_int_equal(desk_say(&desk, 3, "verdict.excused T-0 clock=sla/").error, ERROR_WRONG_TYPE);
    assert_int_equal(desk_say(&desk, 3, "feedback.offered T-0").error, ERROR_UNKNOWN_TYPE);
    assert_int_equal(figures(&desk).duplicates, 1);
    assert_int_equal(figures(&desk).no_effect, 1);
    assert_int_equal(figures(&desk).refused, 5);
    assert_int_equal(figures(&desk).events, 10);
    assert_int_equal(engine_tickets_count(desk.engine), 1);
    desk_close(&desk);
}

static void
r14_a_refused_event_does_not_count_as_seen(void **state)
{
    struct engine_options options;
    struct desk desk;
    const char *policy = HOUR;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.allowed_skew_ms = 10 * DESK_MINUTE_MS;
    options.accept_age_ms = 100 * DESK_MINUTE_MS;
    desk_start(&desk, options);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    assert_int_equal(desk_say(&desk, 21, "updated T-0 id=x arrives=10").error, ERROR_FUTURE_STAMPED);
    assert_int_equal(desk_say(&desk, 20, "updated T-0 id=x arrives=10").disposition, ENGINE_WAITS);
    assert_int_equal(desk_say(&desk, 0, "updated T-0 id=y arrives=101").error, ERROR_TOO_OLD);
    assert_int_equal(desk_say(&desk, 1, "updated T-0 id=y arrives=101").disposition, ENGINE_APPLIED);
    desk_close(&desk);
}

static void
unknown_statuses_by_policy(void **state)
{
    static const char rejects[] = "version: \"1\"\nunknown_status: reject\n" DESK_STATUSES;
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    assert_int_equal(desk_say(&desk, 0, "created T-0 status=Odd").disposition, ENGINE_APPLIED);
    assert_int_equal(desk_say(&desk, 1, "updated T-0 status=").disposition,
                     ENGINE_APPLIED); /* null is not unknown */
    assert_int_equal(figures(&desk).unmapped_statuses, 1);
    desk_close(&desk);
    desk_open(&desk, rejects);
    assert_int_equal(desk_say(&desk, 0, "created T-0 status=Odd").error, ERROR_UNKNOWN_STATUS);
    assert_int_equal(engine_tickets_count(desk.engine), 0);
    desk_close(&desk);
}

static void
an_event_waits_for_its_time(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    desk.hears = DESK_TICKETS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 50, "updated T-0 status=Resolved arrives=5");
    desk_until(&desk, 49);
    desk_heard(&desk, "0 T-0 open\n");
    desk_until(&desk, 50);
    desk_heard(&desk, "50 T-0 solved\n");
    desk_close(&desk);
}

/* What waited for this instant happens though another event of the instant comes first, in a light step. */
static void
what_waits_is_not_stepped_over(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    desk.hears = DESK_TICKETS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 50, "updated T-0 status=Resolved arrives=5");
    (void)desk_say(&desk, 50, "updated T-0 assignee=a-2 actor=bot");
    desk_until(&desk, 51);
    desk_heard(&desk, "0 T-0 open\n50 T-0 solved\n");
    desk_close(&desk);
}

/* ---- timers ---- */

static void
timers_fire_at_their_instant(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, STAGES);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    assert_int_equal(engine_next_ms(desk.engine), DESK_AT_MS(30));
    (void)engine_advance(desk.engine, DESK_AT_MS(30), ENGINE_BEFORE, 9);
    desk_heard(&desk, "");
    (void)engine_advance(desk.engine, DESK_AT_MS(30), ENGINE_THROUGH, 9);
    desk_heard(&desk, "30 T-0/sla/r/1/warn-50% firing\n");
    assert_int_equal(engine_next_ms(desk.engine), DESK_AT_MS(45));
    desk_until(&desk, 100);
    desk_heard(
        &desk,
        "45 T-0/sla/r/1/warn-75% firing\n50 T-0/sla/r/1/warn-10m firing\n60 T-0/sla/r/1/breach firing\n");
    desk_close(&desk);
}

/* As on a live task: what is passed in one go folds into the highest (R34). */
static void
late_timers_fold(void **state)
{
    struct engine_options options;
    struct desk desk;
    const char *policy = STAGES;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.stepwise = false;
    desk_start(&desk, options);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 51);
    desk_heard(&desk, "51 T-0/sla/r/1/warn-10m firing\n");
    desk_until(&desk, 61);
    desk_heard(&desk, "61 T-0/sla/r/1/breach firing\n");
    desk_close(&desk);
}

static void
a_slice_of_tickets_at_a_time(void **state)
{
    struct desk desk;
    char words[64];
    int calls = 0;

    (void)state;
    desk_open(&desk, HOUR);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(words, sizeof words, "created T-%d status=New", i);
        (void)desk_say(&desk, 0, words);
    }
    while (engine_advance(desk.engine, DESK_AT_MS(60), ENGINE_THROUGH, 3))
        calls++;
    assert_int_equal(calls, 3);
    desk_heard(&desk,
               "60 T-0/sla/r/1/breach firing\n60 T-1/sla/r/1/breach firing\n60 T-2/sla/r/1/breach firing\n"
               "60 T-3/sla/r/1/breach firing\n60 T-4/sla/r/1/breach firing\n60 T-5/sla/r/1/breach firing\n"
               "60 T-6/sla/r/1/breach firing\n60 T-7/sla/r/1/breach firing\n60 T-8/sla/r/1/breach firing\n"
               "60 T-9/sla/r/1/breach firing\n"); /* equal instants: in order of names */
    desk_close(&desk);
}

/* A record that arrives at an instant whose timers have fired takes nothing back. */
static void
fired_timers_are_not_taken_back(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 60);
    (void)desk_say(&desk, 59, "message T-0 actor=requester"); /* older, so it arrives now; derived again */
    (void)desk_say(&desk, 60, "updated T-0 assignee=a-1 actor=agent");
    desk_until(&desk, 60);
    desk_heard(&desk, "60 T-0/sla/r/1/breach firing\n");
    (void)desk_say(&desk, 60,
                   "updated T-0 status=Resolved actor=agent"); /* but a stop exactly at due is met */
    desk_heard(&desk, "60 T-0/sla/r/1/breach withdrawn\n");
    assert_int_equal(figures(&desk).false_alerts, 1);
    desk_close(&desk);
}

/* A light step at the very instant of a timer that is no clock's leaves that timer alone. */
static void
final_is_said_though_a_note_comes_at_its_instant(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    desk.hears = DESK_TICKETS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 10, "updated T-0 status=Resolved actor=agent");
    (void)desk_say(&desk, 1450, "message T-0 actor=bot public=0");
    desk_until(&desk, 1451);
    desk_heard(&desk, "0 T-0 open\n10 T-0 solved\n1450 T-0 solved final\n");
    desk_close(&desk);
}

static void
solved_out_of_a_cancellation(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    desk.hears = DESK_TICKETS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 10, "updated T-0 status=Canceled");
    (void)desk_say(&desk, 20, "updated T-0 status=Resolved");
    desk_until(&desk, 1460);
    desk_heard(&desk, "0 T-0 open\n10 T-0 cancelled\n20 T-0 solved\n1460 T-0 solved final\n");
    desk_close(&desk);
}

static void
a_pending_reopen_goes_by_its_own_version(void **state)
{
    static const char *const versions[] = {
        "version: \"1\"\ncourtesy_window: 30m\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}]\n",
        "version: \"2\"\nfrom: 2026-03-27T10:10:00Z\ncourtesy_window: 5m\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}]\n"};
    struct desk desk;

    (void)state;
    desk_load(&desk, versions, 2);
    desk_start(&desk, desk_options(&desk));
    desk.hears = DESK_TICKETS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 10, "updated T-0 status=Resolved actor=agent");
    (void)desk_say(&desk, 60, "updated T-0 status=New actor=requester");
    desk_until(&desk, 89);
    desk_heard(&desk, "0 T-0 open\n10 T-0 solved\n");
    desk_until(&desk, 90);
    desk_heard(&desk, "90 T-0 open\n");
    desk_close(&desk);
}

/* ---- pages ---- */

static void
r35_pages_follow_the_rule(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, PAGES);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 34);
    desk_heard(&desk, "5 T-0/sla/r/1/breach firing\n20 T-0/sla/r/1/breach repeated\n");
    assert_int_equal(
        desk_say(&desk, 34, "alert.acknowledged T-0 alert=T-0/sla/r/1/breach by=m-1").disposition,
        ENGINE_APPLIED);
    desk_until(&desk, 200);
    desk_heard(&desk, "34 T-0/sla/r/1/breach acknowledged\n64 T-0/sla/r/1/breach repeated\n");
    (void)desk_say(&desk, 201, "updated T-0 status=Resolved");
    assert_int_equal(
        desk_say(&desk, 202, "alert.acknowledged T-0 alert=T-0/sla/r/1/breach by=m-1").disposition,
        ENGINE_NO_EFFECT);
    desk_heard(&desk, "201 T-0/sla/r/1/breach resolved\n");
    desk_close(&desk);
}

/* Timers come last: what happens at the page's own instant is told first. */
static void
a_page_waits_for_the_timers_of_its_instant(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, PAGES);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 6);
    (void)desk_say(&desk, 3, "message T-0 actor=requester arrives=20"); /* late, so derived, at its instant */
    desk_heard(&desk, "5 T-0/sla/r/1/breach firing\n");
    (void)desk_say(&desk, 20, "updated T-0 status=Waiting actor=agent");
    desk_until(&desk, 40);
    desk_heard(&desk, "");
    desk_close(&desk);
}

/* ---- silence ---- */

static void
silence_announces_only_the_difference(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, STAGES);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 0, "created T-1 status=New");
    desk_until(&desk, 30);
    desk_heard(&desk, "30 T-0/sla/r/1/warn-50% firing\n30 T-1/sla/r/1/warn-50% firing\n");
    engine_set_quiet(desk.engine, true, desk.t_ms);
    (void)desk_say(&desk, 61, "updated T-1 status=Resolved");
    desk_until(&desk, 70);
    desk_heard(&desk, "");
    engine_set_quiet(desk.engine, false, desk.t_ms);
    desk_until(&desk, 70);
    desk_heard(&desk, "70 T-0/sla/r/1/breach firing\n70 T-1/sla/r/1/warn-50% resolved\n");
    desk_close(&desk);
}

static void
a_page_that_comes_due_in_a_silence_waits(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, PAGES);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 6);
    engine_set_quiet(desk.engine, true, desk.t_ms);
    (void)desk_say(&desk, 30, "message T-0 actor=requester");
    desk_until(&desk, 31);
    desk_heard(&desk, "5 T-0/sla/r/1/breach firing\n");
    engine_set_quiet(desk.engine, false, desk.t_ms);
    desk_until(&desk, 31);
    desk_heard(&desk, "31 T-0/sla/r/1/breach repeated\n");
    desk_close(&desk);
}

static void
alerts_from_keeps_old_tickets_quiet(void **state)
{
    struct engine_options options;
    struct desk desk;
    const char *policy = STAGES;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.alerts_from_ms = DESK_AT_MS(50);
    desk_start(&desk, options);
    desk.hears = DESK_ALERTS | DESK_VERDICTS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 49);
    desk_heard(&desk, "");
    desk_until(&desk, 60);
    desk_heard(
        &desk,
        "50 T-0/sla/r/1/warn-10m firing\n60 T-0/sla/r/1/breach firing\n60 sla/r/1 breached at 60 r1\n");
    desk_close(&desk);
}

/* ---- verdicts ---- */

static void
r37_revisions_of_a_verdict(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    desk.hears = DESK_VERDICTS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 20, "updated T-0 status=Resolved actor=agent");
    (void)desk_say(&desk, 30, "updated T-0 status=New actor=agent");
    desk_until(&desk, 80);
    (void)desk_say(&desk, 90, "updated T-0 status=Closed actor=agent");
    desk_heard(&desk,
               "20 sla/r/1 met ended at 20 r1\n30 sla/r/1 open at 30 r2\n"
               "60 sla/r/1 open at 30 r3\n" /* the honest view counts the solved time: breached there */
               "70 sla/r/1 breached at 70 r4\n90 sla/r/1 breached ended final at 70 r5\n");
    (void)desk_say(&desk, 65,
                   "updated T-0 status=Resolved actor=agent arrives=200"); /* late proof: it was met */
    desk_heard(&desk, "200 sla/r/1 met ended final at 65 r6 late\n");
    desk_close(&desk);
}

/* A version that comes after the end promises nothing to what is over. */
static void
a_later_version_promises_nothing_to_what_is_over(void **state)
{
    static const char *const versions[] = {
        DESK_POLICY "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h}}}]\n",
        "version: \"2\"\nfrom: 2026-03-27T12:00:00Z\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 1h},\n"
        "  turn: {measure: handling, of: {party: provider}, target: 5m}}}]\n"};
    struct desk desk;

    (void)state;
    desk_load(&desk, versions, 2);
    desk_start(&desk, desk_options(&desk));
    desk.hears = DESK_VERDICTS;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 20, "updated T-0 status=Closed actor=agent");
    desk_heard(&desk, "20 sla/r/1 met ended final at 20 r1\n");
    (void)desk_say(&desk, 25, "message T-0 actor=requester arrives=300");
    (void)desk_say(&desk, 301, "updated T-0 created_at=-1");
    assert_int_equal(desk_clock(&desk, "T-0", "sla/turn", 1) == NULL ||
                         desk_clock(&desk, "T-0", "sla/turn", 1)->state == CLOCK_IDLE,
                     true);
    desk_close(&desk);
}

/* ---- memory of tickets ---- */

static void
changed_tickets_are_named_once_in_order(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    (void)desk_say(&desk, 0, "created T-1 status=New");
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 1, "updated T-1 assignee=a-1");
    assert_true(slice_is(ticket_name(engine_changed_next(desk.engine)), "T-1"));
    assert_true(slice_is(ticket_name(engine_changed_next(desk.engine)), "T-0"));
    assert_null(engine_changed_next(desk.engine));
    (void)desk_say(&desk, 2, "updated T-0 assignee=a-1");
    (void)desk_say(&desk, 2, "updated T-1 assignee=a-2");
    engine_forget(desk.engine, slice_of("T-0")); /* also from the list */
    assert_true(slice_is(ticket_name(engine_changed_next(desk.engine)), "T-1"));
    assert_null(engine_changed_next(desk.engine));
    engine_forget(desk.engine, slice_of("T-0"));
    assert_int_equal(engine_tickets_count(desk.engine), 1);
    desk_close(&desk);
}

static void
a_ticket_retires_and_leaves_a_mark(void **state)
{
    struct engine_options options;
    struct buffer record = {0};
    struct desk desk;
    const char *policy = HOUR;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.retire_after_ms = 1440 * DESK_MINUTE_MS;
    options.retirement_mark_ms = 2880 * DESK_MINUTE_MS;
    desk_start(&desk, options);
    desk.hears = DESK_ALERTS | DESK_TOMBSTONES;
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 61, "updated T-0 status=Closed");
    (void)desk_say(&desk, 70, "message T-0 actor=requester public=0"); /* its arrival counts from here */
    desk_until(&desk, 1509);
    desk_heard(&desk, "60 T-0/sla/r/1/breach firing\n61 T-0/sla/r/1/breach resolved\n");
    desk_until(&desk, 1510);
    desk_heard(&desk, "tombstone T-0/sla/r/1/breach of T-0\n");
    assert_int_equal(figures(&desk).retirement_marks, 1);
    assert_int_equal(desk_say(&desk, 1511, "updated T-0 status=New").error, ERROR_TICKET_RETIRED);
    while (engine_changed_next(desk.engine) != NULL)
        continue;
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("T-0")), &record));
    assert_true(record.bytes < 16);
    desk_until(&desk, 1510 + 2880);
    assert_true(slice_is(ticket_name(engine_changed_next(desk.engine)), "T-0"));
    buffer_reset(&record);
    assert_false(engine_save(desk.engine, engine_find(desk.engine, slice_of("T-0")), &record));
    buffer_free(&record);
    desk_close(&desk);
}

static void
never_retired_while_behind(void **state)
{
    struct engine_options options;
    struct desk desk;
    const char *policy = HOUR;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.retire_after_ms = 60 * DESK_MINUTE_MS;
    desk_start(&desk, options);
    (void)desk_say(&desk, 0, "created T-0 status=Closed");
    engine_set_quiet(desk.engine, true, desk.t_ms);
    desk_until(&desk, 5000);
    assert_int_equal(figures(&desk).retirement_marks, 0);
    assert_int_equal(desk_say(&desk, 5000, "updated T-0 service=mail").disposition, ENGINE_APPLIED);
    engine_set_quiet(desk.engine, false, desk.t_ms);
    desk_until(&desk, 5060);
    assert_int_equal(figures(&desk).retirement_marks, 1);
    desk_close(&desk);
}

static void
a_new_set_of_policies_is_a_correction(void **state)
{
    static const char longer[] =
        "version: \"1\"\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}}}]\n";
    const struct policy_zone_reader reader = {NULL, policies_read_zone};
    struct policy_error error = {0};
    struct policy_set *set;
    struct policy *policy;
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    desk_until(&desk, 60);
    policy = policy_yaml_load(slice_of(longer), slice_of("p"), &reader, desk.policies.symbols, &error);
    assert_non_null(policy);
    set = policy_set_new(&policy, 1, desk.policies.symbols);
    engine_set_policies(desk.engine, set, DESK_AT_MS(70));
    policy_set_free(desk.policies.set);
    desk.policies.set = set;
    desk_until(&desk, 120);
    desk_heard(
        &desk,
        "60 T-0/sla/r/1/breach firing\n70 T-0/sla/r/1/breach withdrawn\n120 T-0/sla/r/1/breach firing\n");
    desk_close(&desk);
}

/* Which version a ticket has seen is part of its state: whoever loads it must not see it for the first time.
 */
static void
a_version_seen_changes_the_state(void **state)
{
    static const char later[] =
        "version: \"2\"\nfrom: 2026-03-27T10:00:00Z\n" DESK_STATUSES
        "agreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}}}]\n";
    const struct policy_zone_reader reader = {NULL, policies_read_zone};
    struct policy_error error = {0};
    struct policy *versions[2];
    struct policy_set *set;
    struct ticket *ticket;
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    versions[0] = policy_yaml_load(slice_of(HOUR), slice_of("p"), &reader, desk.policies.symbols, &error);
    versions[1] = policy_yaml_load(slice_of(later), slice_of("q"), &reader, desk.policies.symbols, &error);
    assert_non_null(versions[0]);
    assert_non_null(versions[1]);
    set = policy_set_new(versions, 2, desk.policies.symbols);
    (void)desk_say(&desk, 30, "created T-0 status=New");
    desk_until(&desk, 65);
    while (engine_changed_next(desk.engine) != NULL)
        ;
    engine_set_policies(desk.engine, set, DESK_AT_MS(65)); /* it changes no clock of T-0 */
    ticket = engine_changed_next(desk.engine);
    assert_non_null(ticket);
    assert_true(slice_is(ticket_name(ticket), "T-0"));
    desk_heard(&desk, "");
    policy_set_free(desk.policies.set);
    desk.policies.set = set;
    desk_close(&desk);
}

/* ---- the list of what is next to break ---- */

static void
open_clocks_by_danger(void **state)
{
    const struct open_clock *breached = NULL, *ahead[3];
    struct open_clock clocks[3];
    struct open_counts counts;
    size_t count = 0;
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    (void)desk_say(&desk, 5, "created T-1 status=New");
    (void)desk_say(&desk, 10, "created T-2 status=New");
    (void)desk_say(&desk, 20, "updated T-1 status=Waiting actor=agent");
    (void)desk_say(&desk, 30, "created T-3 status=Resolved");
    (void)desk_say(&desk, 30, "created T-4 status=New");
    desk_until(&desk, 65);
    assert_int_equal(engine_open(desk.engine, &counts, clocks, 3), 3);
    for (size_t i = 0; i < 3; i++) {
        if (slice_is(clocks[i].name.ticket, "T-0"))
            breached = &clocks[i];
        else
            ahead[count++] = &clocks[i];
    }
    assert_non_null(breached); /* the three lists share the places: what is late, what is next */
    assert_string_equal(clock_state_text(breached->state), "breached");
    assert_int_equal(count, 2);
    assert_true(slice_is(ahead[0]->name.ticket, "T-2"));
    assert_int_equal(ahead[0]->due_at_ms, DESK_AT_MS(70));
    assert_int_equal(ahead[0]->elapsed_ms, 55 * DESK_MINUTE_MS);
    assert_true(slice_is(ahead[1]->name.ticket, "T-4"));
    assert_int_equal(counts.open, 4);
    assert_int_equal(counts.waiting, 1);
    assert_int_equal(counts.solved, 1);
    assert_int_equal(counts.breached_open, 1);
    assert_int_equal(counts.paused, 1);
    desk_close(&desk);
}

/* Nothing is derived in a silence but for whoever asks. */
static void
a_silence_is_surveyed_as_it_is(void **state)
{
    struct engine_figures figures;
    struct open_clock clocks[3];
    struct open_counts counts;
    struct desk desk;
    size_t derived;

    (void)state;
    desk_open(&desk, HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New");
    engine_set_quiet(desk.engine, true, desk.t_ms);
    engine_figures(desk.engine, &figures);
    derived = figures.derivations;
    (void)desk_say(&desk, 5, "created T-1 status=New");
    (void)desk_say(&desk, 10, "updated T-0 status=Resolved");
    (void)desk_say(&desk, 20, "updated T-1 status=Waiting actor=agent");
    desk_until(&desk, 30);
    engine_figures(desk.engine, &figures);
    assert_int_equal(figures.derivations, derived);
    assert_int_equal(engine_open(desk.engine, &counts, clocks, 3), 1);
    assert_true(slice_is(clocks[0].name.ticket, "T-1"));
    assert_int_equal(clocks[0].elapsed_ms, 15 * DESK_MINUTE_MS);
    assert_int_equal(counts.open, 1);
    assert_int_equal(counts.waiting, 1);
    assert_int_equal(counts.solved, 1);
    desk_close(&desk);
}

/* A picture stands while nothing happens, and is what a board has until the next one is complete. */
static void
a_picture_stands_until_something_moves(void **state)
{
    struct open_clock clocks[3];
    struct open_counts counts;
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    for (int i = 0; i < 300; i++) {
        char words[64];

        (void)snprintf(words, sizeof words, "created T-%d status=New actor=requester", i);
        (void)desk_say(&desk, i / 100, words);
    }
    assert_false(engine_has_picture(desk.engine));
    while (!engine_survey(desk.engine, 3, 1))
        assert_false(engine_picture_stands(desk.engine));
    desk_until(&desk, 20);
    assert_true(engine_picture_stands(desk.engine));
    assert_true(engine_survey(desk.engine, 3, 0)); /* nothing to look at */
    assert_int_equal(engine_open(desk.engine, &counts, clocks, 3), 3);
    assert_int_equal(counts.open, 300);
    assert_int_equal(clocks[0].elapsed_ms, 20 * DESK_MINUTE_MS);
    assert_true(engine_picture_stands(desk.engine));
    (void)desk_say(&desk, 21, "created U status=New actor=requester");
    assert_false(engine_picture_stands(desk.engine));
    assert_false(engine_survey(desk.engine, 3, 1));
    assert_int_equal(engine_open(desk.engine, &counts, clocks, 3), 3);
    assert_int_equal(counts.open, 300);
    while (!engine_survey(desk.engine, 3, 1))
        ;
    (void)engine_open(desk.engine, &counts, clocks, 3);
    assert_int_equal(counts.open, 301);
    desk_until(&desk, 60); /* breaches, without an event */
    assert_false(engine_picture_stands(desk.engine));
    desk_close(&desk);
}

/* ---- light steps that have something to say ---- */

/* Two of one instant, the second of which stands before the first: no light step. */
static void
r1_what_stands_before_its_instants_last_is_derived(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, HOUR);
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester seq=1");
    (void)desk_say(&desk, 10, "updated T-0 status=New actor=agent seq=8");
    (void)desk_say(&desk, 10, "updated T-0 status=Waiting actor=agent seq=7");
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_RUNNING, 10, 60, -1, -1);
    desk_until(&desk, 30);
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_RUNNING, 30, 60, -1, -1);
    desk_close(&desk);
}

/* When the ticket is final, so are the cycles that were over long before. */
static void
past_cycles_become_final(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY
              "agreements:\n  - {name: a, kind: sla, clocks: {u: {measure: update, target: 1h}}}\n");
    desk.hears = DESK_VERDICTS;
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 10, "message T-0 public=1 by=a-1 actor=agent");
    (void)desk_say(&desk, 20, "updated T-0 status=Resolved actor=agent");
    desk_heard(&desk, "10 sla/u/1 met ended at 10 r1\n20 sla/u/2 met ended at 20 r1\n");
    desk_until(&desk, 20 + 1440);
    desk_heard(&desk, "1460 sla/u/1 met ended final at 10 r2\n1460 sla/u/2 met ended final at 20 r2\n");
    desk_close(&desk);
}

/* A cycle that was breached ends, and the next one begins, in one step: the record of the first is still due.
 */
static void
a_breached_cycle_ends_where_the_next_begins(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY
              "agreements:\n  - {name: a, kind: sla, clocks: {u: {measure: update, target: 30m}}}\n");
    desk.hears = DESK_ALERTS | DESK_VERDICTS;
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    desk_until(&desk, 35);
    desk_heard(&desk, "30 T-0/sla/u/1/breach firing\n30 sla/u/1 breached at 30 r1\n");
    (void)desk_say(&desk, 40, "message T-0 public=1 by=a-1 actor=agent");
    desk_heard(&desk, "40 T-0/sla/u/1/breach resolved\n40 sla/u/1 breached ended at 30 r2\n");
    desk_until(&desk, 70);
    desk_heard(&desk, "70 T-0/sla/u/2/breach firing\n70 sla/u/2 breached at 70 r1\n");
    desk_close(&desk);
}

/* A leg that began with too little left did so for good: its alert is over with the leg, not untrue. */
static void
slack_is_resolved_with_its_leg(void **state)
{
    struct desk desk;

    (void)state;
    desk_open(&desk, DESK_POLICY "groups:\n  l2: {party: provider, tier: 2}\nagreements:\n"
                                 "  - {name: a, kind: sla, clocks: {r: {measure: resolution, target: 2h}}}\n"
                                 "  - {name: o, kind: ola, clocks: {l: {measure: handling, of: {group: l2}, "
                                 "mode: per_stay, target: 1h, supports: sla/r}}}\n");
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 90, "updated T-0 group=l2 actor=agent");
    desk_heard(&desk, "90 T-0/ola/l/1/slack firing\n");
    (void)desk_say(&desk, 95, "updated T-0 service=net actor=agent");
    (void)desk_say(&desk, 100, "updated T-0 group=desk actor=agent");
    desk_heard(&desk, "100 T-0/ola/l/1/slack resolved\n");
    desk_close(&desk);
}

/* R49: the corrected day comes after its version; until then nothing differs. */
static void
r49_a_day_to_come_is_flagged_when_it_has_changed_something(void **state)
{
#define WEEK(closed)                                                                                         \
    DESK_STATUSES "calendars:\n  day: {time_zone: UTC, week: {daily: [\"09:00-17:00\"]}" closed "}\n"        \
                  "agreements: [{name: a, kind: sla, calendar: day, clocks: {r: {measure: resolution, "      \
                  "target: 20h}}}]\n"
    static const char *const versions[] = {
        "version: \"1\"\n" WEEK(""),
        "version: \"2\"\nfrom: 2026-03-27T12:00:00Z\n" WEEK(", closed: [2026-03-28]")};
    const struct clock_figures *found;
    uint64_t steps;
    struct desk desk;

    (void)state;
    desk_load(&desk, versions, 2);
    desk_start(&desk, desk_options(&desk));
    (void)desk_say(&desk, 0, "created T-0 status=New actor=requester");
    (void)desk_say(&desk, 200, "updated T-0 service=net actor=agent");
    found = desk_clock(&desk, "T-0", "sla/r", 1);
    assert_int_equal(found->flags, 0);
    steps = figures(&desk).steps;
    (void)desk_say(&desk, 210, "updated T-0 service=mail actor=agent");
    assert_int_equal(figures(&desk).steps, steps + 1); /* nothing to say: a light step */
    (void)desk_say(&desk, 2 * 1440 + 60, "updated T-0 status=Resolved actor=agent");
    found = desk_clock(&desk, "T-0", "sla/r", 1);
    assert_int_equal(found->elapsed_ms, 9 * 60 * DESK_MINUTE_MS);
    assert_int_equal(found->flags, FLAG_CALENDAR_CORRECTED);
    desk_close(&desk);
#undef WEEK
}

/* Over history_max events, what is older than the newest of those beyond them is refused; what is not still
 * counts. */
static void
what_is_before_the_history_is_refused(void **state)
{
    struct engine_options options;
    struct desk desk;
    const char *policy = HOUR;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.history_max = 4;
    desk_start(&desk, options);
    (void)desk_say(&desk, 10, "created T-0 status=New actor=requester");
    for (int minute = 20; minute < 50; minute += 10)
        (void)desk_say(&desk, minute, "updated T-0 service=net actor=agent");
    assert_int_equal(desk_say(&desk, 5, "updated T-0 service=a").disposition,
                     ENGINE_APPLIED); /* four are not too many */
    assert_int_equal(desk_say(&desk, 4, "updated T-0 service=b").error, ERROR_BEFORE_HISTORY);
    assert_int_equal(desk_say(&desk, 5, "updated T-0 service=c").disposition,
                     ENGINE_APPLIED); /* not older than the fifth */
    assert_int_equal(desk_say(&desk, 7, "updated T-0 service=d").disposition, ENGINE_APPLIED);
    assert_int_equal(desk_say(&desk, 6, "updated T-0 service=e").error, ERROR_BEFORE_HISTORY);
    assert_int_equal(desk_say(&desk, 4, "updated T-1 service=f").disposition,
                     ENGINE_APPLIED); /* a history of its own */
    assert_int_equal(desk_say(&desk, 50, "updated T-0 status=Resolved actor=agent").disposition,
                     ENGINE_APPLIED);
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_MET, 45, 65, -1, 50); /* and what is beyond is kept */
    desk_close(&desk);
}

/* A record of Kafka holds a ticket whole: what would go on making it grow is refused, but for what people say
 * to end it; and it is so for whoever loads it. */
static void
a_ticket_that_has_grown_too_large_takes_no_more(void **state)
{
    struct engine_options options;
    struct engine_answer answer;
    struct desk desk;
    struct buffer record = {0};
    const char *policy = HOUR;
    int count = 0;

    (void)state;
    desk_load(&desk, &policy, 1);
    options = desk_options(&desk);
    options.ticket_bytes_max = 65536;
    desk_start(&desk, options);
    (void)desk_say(&desk, 10, "created T-0 status=New actor=requester");
    do {
        char words[512];

        (void)snprintf(words, sizeof words, "updated T-0 service=%d.%0*d actor=agent", count, 450, 0);
        answer = desk_say(&desk, 20, words);
    } while (answer.disposition == ENGINE_APPLIED && ++count < 200);
    assert_int_equal(answer.error, ERROR_HISTORY_FULL);
    assert_in_range(count, 64, 65536 / 450 + 16);
    assert_int_equal(desk_say(&desk, 21, "updated T-0 status=Resolved actor=agent").error,
                     ERROR_HISTORY_FULL);
    assert_int_equal(desk_say(&desk, 21, "updated T-1 status=New").disposition,
                     ENGINE_APPLIED); /* its neighbour */
    assert_true(engine_save(desk.engine, engine_find(desk.engine, slice_of("T-0")), &record));
    assert_int_equal(engine_load(desk.engine, slice_of("T-0"), buffer_slice(&record)), 0);
    engine_loaded(desk.engine, DESK_AT_MS(21));
    assert_int_equal(desk_say(&desk, 22, "updated T-0 status=Resolved actor=agent").error,
                     ERROR_HISTORY_FULL);
    assert_int_equal(desk_say(&desk, 23, "deleted T-0").disposition, ENGINE_APPLIED);
    desk_expect_clock(&desk, "sla/r", 1, CLOCK_CANCELLED, 13, 70, -1, 23);
    buffer_free(&record);
    desk_close(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_disposition),
        cmocka_unit_test(r14_a_refused_event_does_not_count_as_seen),
        cmocka_unit_test(a_ticket_that_has_grown_too_large_takes_no_more),
        cmocka_unit_test(unknown_statuses_by_policy),
        cmocka_unit_test(an_event_waits_for_its_time),
        cmocka_unit_test(what_waits_is_not_stepped_over),
        cmocka_unit_test(timers_fire_at_their_instant),
        cmocka_unit_test(late_timers_fold),
        cmocka_unit_test(a_slice_of_tickets_at_a_time),
        cmocka_unit_test(fired_timers_are_not_taken_back),
        cmocka_unit_test(final_is_said_though_a_note_comes_at_its_instant),
        cmocka_unit_test(solved_out_of_a_cancellation),
        cmocka_unit_test(a_pending_reopen_goes_by_its_own_version),
        cmocka_unit_test(r35_pages_follow_the_rule),
        cmocka_unit_test(a_page_waits_for_the_timers_of_its_instant),
        cmocka_unit_test(silence_announces_only_the_difference),
        cmocka_unit_test(a_page_that_comes_due_in_a_silence_waits),
        cmocka_unit_test(alerts_from_keeps_old_tickets_quiet),
        cmocka_unit_test(r37_revisions_of_a_verdict),
        cmocka_unit_test(a_later_version_promises_nothing_to_what_is_over),
        cmocka_unit_test(changed_tickets_are_named_once_in_order),
        cmocka_unit_test(a_ticket_retires_and_leaves_a_mark),
        cmocka_unit_test(never_retired_while_behind),
        cmocka_unit_test(a_new_set_of_policies_is_a_correction),
        cmocka_unit_test(a_version_seen_changes_the_state),
        cmocka_unit_test(open_clocks_by_danger),
        cmocka_unit_test(a_silence_is_surveyed_as_it_is),
        cmocka_unit_test(a_picture_stands_until_something_moves),
        cmocka_unit_test(r1_what_stands_before_its_instants_last_is_derived),
        cmocka_unit_test(past_cycles_become_final),
        cmocka_unit_test(a_breached_cycle_ends_where_the_next_begins),
        cmocka_unit_test(slack_is_resolved_with_its_leg),
        cmocka_unit_test(r49_a_day_to_come_is_flagged_when_it_has_changed_something),
        cmocka_unit_test(what_is_before_the_history_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
