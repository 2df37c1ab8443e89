/* The grammar of a policy (semantics.md sections 3, 8, 9): what each key becomes, and every default. Its
 * errors are in test_policy_error. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include "shell/policy_files.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct fixture {
    struct symbols *symbols;
    struct policy *policy;
};

static int
set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){symbols_new(), NULL};
    *state = &fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    policy_free(fixture->policy);
    assert_int_equal(symbols_count(fixture->symbols), 0);
    symbols_free(fixture->symbols);
    return 0;
}

static const struct policy *
load(struct fixture *fixture, const char *text)
{
    struct policy_zone_reader reader = policy_files_zone_reader(TESTS_DIR "/zoneinfo");
    struct policy_error error;

    policy_free(fixture->policy);
    fixture->policy = policy_yaml_load(slice_of(text), slice_of("p.yaml"), &reader, fixture->symbols, &error);
    if (fixture->policy == NULL)
        fail_msg("%u:%u: %s", error.line, error.column, error.message);
    return fixture->policy;
}

static void
assert_slice(struct slice found, const char *expected)
{
    assert_int_equal(found.bytes, strlen(expected));
    assert_memory_equal(found.at, expected, found.bytes);
}

static void
assert_symbol(struct fixture *fixture, symbol found, const char *expected)
{
    assert_slice(symbols_text(fixture->symbols, found), expected);
}

/* ---- top level ---- */

static void
only_version_is_required(void **state)
{
    const struct policy *policy = load(*state, "version: 2026-11");

    assert_slice(policy->version, "2026-11");
    assert_slice(policy->text, "version: 2026-11");
    assert_slice(policy->file, "p.yaml");
    assert_true(policy->from_ms == INT64_MIN);
    assert_int_equal(policy->calendars_count + policy->statuses_count + policy->groups_count, 0);
    assert_int_equal(policy->agreements_count + policy->clocks_count + policy->contracts_count, 0);
    assert_false(policy->unknown_status_rejects || policy->merge_own_clock || policy->apply_to_running);
    assert_int_equal(policy->reopen_window_ms, 7 * DAY_MS);
    assert_int_equal(policy->courtesy_window_ms, 15 * MINUTE_MS);
    assert_int_equal(policy->flip_window_ms, 15 * MINUTE_MS);
}

static void
top_level_settings(void **state)
{
    const struct policy *policy = load(*state, "version: v\n"
                                               "from: 2026-11-01T00:00:00+01:00\n"
                                               "unknown_status: reject\n"
                                               "merge: own_clock\n"
                                               "apply_to_running: yes\n"
                                               "reopen_window: 3d\n"
                                               "courtesy_window: 90s\n"
                                               "flip_window: 1h30m\n");

    assert_int_equal(policy->from_ms, INT64_C(1793487600000));
    assert_true(policy->unknown_status_rejects && policy->merge_own_clock && policy->apply_to_running);
    assert_int_equal(policy->reopen_window_ms, 3 * DAY_MS);
    assert_int_equal(policy->courtesy_window_ms, 90000);
    assert_int_equal(policy->flip_window_ms, 90 * MINUTE_MS);
    policy =
        load(*state, "{version: v, unknown_status: open, merge: earliest_contact, apply_to_running: false}");
    assert_false(policy->unknown_status_rejects || policy->merge_own_clock || policy->apply_to_running);
}

static void
add_file(EVP_MD_CTX *context, const char *name)
{
    char path[256], bytes[8192];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/zoneinfo/%s", TESTS_DIR, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    EVP_DigestUpdate(context, name, strlen(name));
    EVP_DigestUpdate(context, bytes, fread(bytes, 1, sizeof bytes, file));
    (void)fclose(file);
}

/* R16: over the text and the zones it names, in order of their names. */
static void
hash_and_label(void **state)
{
    static const char text[] = "version: a@b\n"
                               "calendars:\n"
                               "  x: {time_zone: Europe/Berlin, week: {mon: [\"09:00-17:00\"]}}\n"
                               "  y: {time_zone: America/New_York, week: {mon: [\"09:00-17:00\"]}}\n"
                               "  z: {time_zone: Europe/Berlin, week: {tue: [\"09:00-17:00\"]}}\n"
                               "experience: {time_zone: Etc/UTC}\n";
    const struct policy *policy = load(*state, text);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    uint8_t hash[32];
    char label[32];

    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, text, strlen(text));
    add_file(context, "America/New_York");
    add_file(context, "Etc/UTC");
    add_file(context, "Europe/Berlin");
    EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
    assert_memory_equal(policy->hash, hash, sizeof hash);
    (void)snprintf(label, sizeof label, "a@b@%02x%02x%02x", hash[0], hash[1], hash[2]);
    assert_slice(policy->label, label);
    assert_int_equal(policy->zones_count, 3);
    assert_int_equal(policy->calendars[0].zone, policy->calendars[2].zone);
    assert_slice(policy->zones[policy->experience.zone].name, "Etc/UTC");
}

/* ---- calendars ---- */

static void
assert_window(struct calendar_window found, int open, int close)
{
    assert_int_equal(found.open_minute, open);
    assert_int_equal(found.close_minute, close);
}

static void
weeks(void **state)
{
    const struct policy *policy = load(
        *state, "version: v\n"
                "calendars:\n"
                "  a: {time_zone: Europe/Berlin, week: {mon-fri: [\"09:00-12:00\", 13:00-17:30], sat: []}}\n"
                "  b: {time_zone: Europe/Berlin, week: {sun-thu: [\"22:00-06:00\"]}}\n"
                "  c: {time_zone: Europe/Berlin, week: {daily: [\"00:00-24:00\"]}}\n"
                "  d: {time_zone: Europe/Berlin, week: {sat: [\"18:00-00:00\"], sun: [\"17:00-16:00\"]}}\n"
                "  e: {always: true}\n"
                "  f: {always: no, time_zone: Etc/UTC, week: {fri: [\"23:00-02:00\", \"02:00-04:00\"]}}\n");
    const struct policy_calendar *calendars = policy->calendars;

    assert_int_equal(policy->calendars_count, 6);
    for (int day = 0; day < 7; day++) {
        assert_int_equal(calendars[0].week.days_count[day], day < 5 ? 2 : 0);
        assert_int_equal(calendars[1].week.days_count[day], day == 4 || day == 5 ? 0 : 1);
        assert_window(calendars[2].week.days[day][0], 0, 1440);
    }
    assert_window(calendars[0].week.days[4][0], 540, 720);
    assert_window(calendars[0].week.days[4][1], 780, 1050);
    assert_window(calendars[1].week.days[6][0], 1320, 360);
    assert_window(calendars[3].week.days[5][0], 1080, 1440);
    assert_window(calendars[3].week.days[6][0], 1020, 960);
    assert_true(calendars[4].week.always);
    assert_int_equal(calendars[4].zone, POLICY_NONE);
    assert_null(calendars[4].days.zone);
    assert_false(calendars[5].week.always);
    assert_int_equal(calendars[5].week.days_count[4], 2);
    assert_ptr_equal(calendars[0].days.zone, policy->zones[calendars[0].zone].zone);
    assert_int_equal(policy_calendar_find(policy, slice_of("d")), 3);
    assert_int_equal(policy_calendar_find(policy, slice_of("D")), POLICY_NONE);
}

static void
days_and_unions(void **state)
{
    const struct policy *policy =
        load(*state, "version: v\n"
                     "calendars:\n"
                     "  all: {union: [late, both, berlin]}\n"
                     "  both: {union: [berlin]}\n"
                     "  berlin:\n"
                     "    time_zone: Europe/Berlin\n"
                     "    week: {mon-fri: [\"09:00-17:00\"]}\n"
                     "    closed: [2026-12-25, \"01-01\", 02-29, 2028-02-29]\n"
                     "    special: {2026-12-24: [\"09:00-12:00\"], \"2026-12-31\": []}\n"
                     "  late: {time_zone: Etc/UTC, special: {2030-01-01: [\"00:00-00:01\"]}}\n");
    const struct calendar_days *days = &policy->calendars[2].days;

    assert_true(policy->calendars[0].is_union && policy->calendars[1].is_union &&
                !policy->calendars[2].is_union);
    assert_int_equal(policy->calendars[0].members_count, 3);
    assert_int_equal(policy->calendars[0].members[0], 3);
    assert_int_equal(policy->calendars[0].members[1], 1);
    assert_int_equal(policy->calendars[0].members[2], 2);
    assert_int_equal(days->closed_count, 4);
    assert_int_equal(days->closed[0].year * 10000 + days->closed[0].month * 100 + days->closed[0].day,
                     20261225);
    assert_int_equal(days->closed[1].year * 10000 + days->closed[1].month * 100 + days->closed[1].day, 101);
    assert_int_equal(days->closed[2].year * 10000 + days->closed[2].month * 100 + days->closed[2].day, 229);
    assert_int_equal(days->special_count, 2);
    assert_int_equal(days->special[0].date.day, 24);
    assert_window(days->special[0].windows[0], 540, 720);
    assert_int_equal(days->special[1].windows_count, 0);
    assert_int_equal(policy->calendars[3].week.days_count[0], 0);
}

/* A calendar whose weekly windows every yearly day closes never opens; with one day left it does. */
static void
yearly_closings(void **state)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct fixture *fixture = *state;
    struct policy_zone_reader reader = policy_files_zone_reader(TESTS_DIR "/zoneinfo");
    struct buffer text = {0};
    struct policy_error error;

    buffer_append_text(&text,
                       "calendars: {c: {time_zone: Etc/UTC, week: {sun: [\"09:00-17:00\"]}, closed: [");
    for (int month = 1; month <= 12; month++) {
        for (int day = 1; day <= lengths[month - 1]; day++) {
            char date[32];

            (void)snprintf(date, sizeof date, "%s%02d-%02d", month + day > 2 ? ", " : "", month, day);
            buffer_append_text(&text, date);
        }
    }
    buffer_append_text(&text, "]}}\nversion: v\n");
    buffer_append_byte(&text, '\0');
    assert_null(policy_yaml_load(slice_of(text.at), slice_of("p"), &reader, fixture->symbols, &error));
    assert_int_equal(error.code, POLICY_ERROR_NEVER_OPEN);
    memcpy(strstr(text.at, ", 07-14"), "       ", 7);
    fixture->policy = policy_yaml_load(slice_of(text.at), slice_of("p"), &reader, fixture->symbols, &error);
    assert_non_null(fixture->policy);
    buffer_free(&text);
}

/* ---- statuses and groups ---- */

static void
statuses_and_groups(void **state)
{
    struct fixture *fixture = *state;
    const struct policy *policy = load(fixture, "version: v\n"
                                                "calendars: {berlin: {always: true}}\n"
                                                "statuses:\n"
                                                "  New: {state: open}\n"
                                                "  \"-100\": {state: open, on: supplier}\n"
                                                "  Awaiting User: {state: waiting, on: customer}\n"
                                                "  Hold: {state: waiting}\n"
                                                "  Resolved: {state: solved}\n"
                                                "  Closed: {state: closed}\n"
                                                "  Canceled: {state: cancelled}\n"
                                                "groups:\n"
                                                "  l2: {party: provider, tier: 2, calendar: berlin}\n"
                                                "  data-feed: {party: customer_supplier}\n"
                                                "  plain: {}\n");
    const struct policy_status *status =
        policy_status_find(policy, symbols_find(fixture->symbols, slice_of("Hold")));
    const struct policy_group *group;

    assert_int_equal(policy->statuses_count, 7);
    assert_int_equal(status->state, STATUS_WAITING);
    assert_int_equal(status->on, PARTIES_COUNT);
    status = policy_status_find(policy, symbols_find(fixture->symbols, slice_of("-100")));
    assert_int_equal(status->on, PARTY_SUPPLIER);
    status = policy_status_find(policy, symbols_find(fixture->symbols, slice_of("Canceled")));
    assert_int_equal(status->state, STATUS_CANCELLED);
    assert_null(policy_status_find(policy, symbols_find(fixture->symbols, slice_of("l2"))));
    assert_null(policy_status_find(policy, 0));
    group = policy_group_find(policy, symbols_find(fixture->symbols, slice_of("l2")));
    assert_int_equal(group->tier, 2);
    assert_int_equal(group->calendar, 0);
    group = policy_group_find(policy, symbols_find(fixture->symbols, slice_of("data-feed")));
    assert_int_equal(group->party, PARTY_CUSTOMER_SUPPLIER);
    group = policy_group_find(policy, symbols_find(fixture->symbols, slice_of("plain")));
    assert_int_equal(group->party, PARTY_PROVIDER);
    assert_int_equal(group->tier, 0);
    assert_int_equal(group->calendar, POLICY_NONE);
    assert_null(policy_group_find(policy, symbols_find(fixture->symbols, slice_of("New"))));
}

/* ---- agreements ---- */

static void
agreements(void **state)
{
    struct fixture *fixture = *state;
    const struct policy *policy = load(
        fixture,
        "version: v\n"
        "calendars: {office: {time_zone: Etc/UTC, week: {mon: [\"09:00-17:00\"]}}, full: {always: true}}\n"
        "agreements:\n"
        "  - name: gold\n"
        "    kind: sla\n"
        "    match: {customer: acme, category: [incident, request], priority: 1, source: snow}\n"
        "    calendar: office\n"
        "    attainment_target: 97.25%\n"
        "    reopen_window: 2d\n"
        "    clocks:\n"
        "      resolution: {measure: resolution, target: {P1: 4h, P2: 8h, default: 3d}}\n"
        "      lived: {measure: resolution, target: 5d, calendar: full}\n"
        "  - {name: empty, kind: sla}\n"
        "  - {name: gold, kind: uc, clocks: {u: {measure: update, target: {P1: 30m}}}}\n");
    const struct policy_agreement *gold = &policy->agreements[0];

    assert_int_equal(policy->agreements_count, 3);
    assert_slice(gold->name, "gold");
    assert_int_equal(gold->match.keys_count, 4);
    assert_int_equal(gold->match.keys[0].attribute, ATTRIBUTE_CUSTOMER);
    assert_int_equal(gold->match.keys[1].attribute, ATTRIBUTE_CATEGORY);
    assert_int_equal(gold->match.keys[1].values_count, 2);
    assert_symbol(fixture, gold->match.keys[1].values[1], "request");
    assert_symbol(fixture, gold->match.keys[2].values[0], "1");
    assert_int_equal(gold->match.keys[3].attribute, POLICY_MATCH_SOURCE);
    assert_int_equal(gold->calendar, 0);
    assert_int_equal(gold->attainment_target_bp, 9725);
    assert_int_equal(gold->reopen_window_ms, 2 * DAY_MS);
    assert_int_equal(gold->clocks_count, 2);
    assert_int_equal(policy->agreements[1].clocks_count, 0);
    assert_int_equal(policy->agreements[1].reopen_window_ms, 0);
    assert_int_equal(policy->agreements[2].first_clock, 2);
    assert_int_equal(policy->agreements[2].calendar, POLICY_NONE);
    assert_int_equal(policy->agreements[2].kind, KIND_UC);
    assert_int_equal(policy->clocks_count, 3);
    assert_int_equal(policy->clocks[0].targets_count, 2);
    assert_symbol(fixture, policy->clocks[0].targets[1].priority, "P2");
    assert_int_equal(policy->clocks[0].targets[1].ms, 8 * HOUR_MS);
    assert_int_equal(policy->clocks[0].target_default_ms, 3 * DAY_MS);
    assert_int_equal(policy->clocks[0].calendar, 0);
    assert_int_equal(policy->clocks[1].calendar, 1);
    assert_int_equal(policy->clocks[1].targets_count, 0);
    assert_int_equal(policy->clocks[2].target_default_ms, 0);
    assert_int_equal(policy->clocks[2].calendar, 1); /* nobody names one: the one that is always there */
    assert_int_equal(policy->clocks[2].agreement, 2);
}

static void
options_of_agreements_and_clocks(void **state)
{
    struct fixture *fixture = *state;
    const struct policy *policy =
        load(fixture, "version: v\n"
                      "agreements:\n"
                      "  - name: a\n"
                      "    kind: sla\n"
                      "    warn_at: [50%, 12.5%, \"30m left\", \"1h30m  left\"]\n"
                      "    repeat: {every: 30m, stop_after: 7d, ack_timeout: 60m}\n"
                      "    severity: {warn-12.5%: warning, breach: {P1: critical, default: warning}}\n"
                      "    closing_grace: true\n"
                      "    on_reopen: new_cycle\n"
                      "    clocks:\n"
                      "      inherits: {measure: resolution, target: 1h}\n"
                      "      own:\n"
                      "        measure: resolution\n"
                      "        target: 1h\n"
                      "        warn_at: []\n"
                      "        repeat: {every: 5m}\n"
                      "        severity: {risk: info}\n"
                      "        closing_grace: no\n"
                      "        on_reopen: continue\n");
    const struct policy_clock *inherits = &policy->clocks[0], *own = &policy->clocks[1];

    assert_int_equal(inherits->stages_count, 4);
    assert_slice(inherits->stages[0].name, "warn-50%");
    assert_int_equal(inherits->stages[0].share_bp, 5000);
    assert_int_equal(inherits->stages[0].left_ms, 0);
    assert_slice(inherits->stages[1].name, "warn-12.5%");
    assert_int_equal(inherits->stages[1].share_bp, 1250);
    assert_slice(inherits->stages[2].name, "warn-30m");
    assert_int_equal(inherits->stages[2].share_bp, 0);
    assert_int_equal(inherits->stages[2].left_ms, 30 * MINUTE_MS);
    assert_slice(inherits->stages[3].name, "warn-1h30m");
    assert_int_equal(inherits->repeat.every_ms, 30 * MINUTE_MS);
    assert_int_equal(inherits->repeat.stop_after_ms, 7 * DAY_MS);
    assert_int_equal(inherits->repeat.ack_timeout_ms, HOUR_MS);
    assert_int_equal(inherits->severities_count, 3);
    assert_slice(inherits->severities[1].stage, "breach");
    assert_symbol(fixture, inherits->severities[1].priority, "P1");
    assert_int_equal(inherits->severities[1].severity, SEVERITY_CRITICAL);
    assert_int_equal(inherits->severities[2].priority, 0);
    assert_int_equal(inherits->severities[2].severity, SEVERITY_WARNING);
    assert_true(inherits->closing_grace);
    assert_int_equal(inherits->on_reopen, REOPEN_NEW_CYCLE);
    assert_int_equal(own->stages_count, 0);
    assert_int_equal(own->repeat.every_ms, 5 * MINUTE_MS);
    assert_int_equal(own->repeat.stop_after_ms + own->repeat.ack_timeout_ms, 0);
    assert_int_equal(own->severities_count, 1);
    assert_int_equal(own->severities[0].severity, SEVERITY_INFO);
    assert_false(own->closing_grace);
    assert_int_equal(own->on_reopen, REOPEN_CONTINUE);
}

static void
defaults_of_measures(void **state)
{
    static const uint8_t work = PARTY_BIT(PARTY_PROVIDER) | PARTY_BIT(PARTY_SUPPLIER);
    const struct policy *policy =
        load(*state, "version: v\n"
                     "agreements:\n"
                     "  - name: a\n"
                     "    kind: sla\n"
                     "    clocks:\n"
                     "      c0: {measure: first_response, target: 1h}\n"
                     "      c1: {measure: next_response, target: 1h}\n"
                     "      c2: {measure: update, target: 1h}\n"
                     "      c3: {measure: resolution, target: 1h}\n"
                     "      c4: {measure: handling, of: {party: customer}, target: 1h}\n");
    const struct policy_clock *clocks = policy->clocks;

    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(clocks[i].measure, i);
        assert_int_equal(clocks[i].counts, i == 2 || i == 3 ? work : PARTY_EVERYONE);
        assert_true(clocks[i].counts_is_default);
        assert_true(clocks[i].attainment == (i < 4));
        assert_int_equal(clocks[i].start, START_CREATION);
        assert_int_equal(clocks[i].mode, HANDLING_CUMULATIVE);
        assert_int_equal(clocks[i].of_party, i == 4 ? PARTY_CUSTOMER : PARTIES_COUNT);
        assert_int_equal(clocks[i].of_group, 0);
        assert_int_equal(clocks[i].on_reopen, REOPEN_RESUME);
        assert_int_equal(clocks[i].supports_kind, POLICY_NONE);
        assert_int_equal(clocks[i].calendar, 0);
        assert_int_equal(clocks[i].stages_count + clocks[i].severities_count, 0);
        assert_int_equal(clocks[i].repeat.every_ms, 0);
        assert_false(clocks[i].closing_grace);
    }
    assert_int_equal(policy->calendars_count, 1); /* R18: nobody names one */
    assert_slice(policy->calendars[0].name, "always");
    assert_true(policy->calendars[0].week.always);
}

/* R50, R59: counts are judged by value. */
static void
counts_and_attainment(void **state)
{
    const struct policy *policy =
        load(*state, "version: v\n"
                     "agreements:\n"
                     "  - name: a\n"
                     "    kind: sla\n"
                     "    clocks:\n"
                     "      c0: {measure: resolution, target: 1h, counts: [supplier, provider]}\n"
                     "      c1: {measure: resolution, target: 1h, counts: everyone}\n"
                     "      c2: {measure: resolution, target: 1h, counts: everyone, attainment: yes}\n"
                     "      c3: {measure: resolution, target: 1h, attainment: no}\n"
                     "      c4: {measure: first_response, target: 1h, counts: [provider, supplier, customer, "
                     "customer_supplier, nobody]}\n"
                     "      c5: {measure: first_response, target: 1h, counts: [customer]}\n"
                     "  - {name: a, kind: ola, clocks: {c0: {measure: resolution, target: 1h}}}\n");
    const struct policy_clock *clocks = policy->clocks;
    static const bool standard[] = {true, false, false, true, true, false, true};
    static const bool attainment[] = {true, false, true, false, true, false, false};

    for (size_t i = 0; i < 7; i++) {
        assert_true(clocks[i].counts_is_default == standard[i]);
        assert_true(clocks[i].attainment == attainment[i]);
    }
    assert_int_equal(clocks[1].counts, PARTY_EVERYONE);
    assert_int_equal(clocks[4].counts, PARTY_EVERYONE);
    assert_int_equal(clocks[5].counts, PARTY_BIT(PARTY_CUSTOMER));
}

static void
handling_and_supports(void **state)
{
    struct fixture *fixture = *state;
    const struct policy *policy =
        load(fixture, "version: v\n"
                      "calendars: {office: {time_zone: Etc/UTC, week: {mon: [\"09:00-17:00\"]}}, other: "
                      "{time_zone: Etc/UTC, week: {tue: [\"09:00-17:00\"]}}}\n"
                      "groups: {l2: {calendar: office}, telco: {party: supplier, calendar: office}}\n"
                      "agreements:\n"
                      "  - {name: o, kind: ola, clocks: {h: {measure: handling, of: {group: l2}, mode: "
                      "per_stay, target: 2h, supports: sla/resolution}}}\n"
                      "  - {name: o2, kind: ola, calendar: other, clocks: {h2: {measure: handling, of: "
                      "{group: l2}, target: 2h}}}\n"
                      "  - {name: u, kind: uc, match: {service: net}, clocks: {h: {measure: handling, of: "
                      "{group: telco}, target: 2h}}}\n"
                      "  - {name: s, kind: sla, match: {group: l2}, clocks: {resolution: {measure: "
                      "resolution, target: 1d}, mine: {measure: handling, of: {group: l2}, target: 1d}}}\n"
                      "  - {name: t, kind: sla, clocks: {resolution: {measure: resolution, target: 1d}, "
                      "first: {measure: first_response, start: handoff, target: 1h}}}\n");
    const struct policy_clock *clocks = policy->clocks;

    assert_int_equal(clocks[0].mode, HANDLING_PER_STAY);
    assert_symbol(fixture, clocks[0].of_group, "l2");
    assert_int_equal(clocks[0].of_party, PARTIES_COUNT);
    assert_int_equal(clocks[0].calendar, 0); /* an OLA's: its group's */
    assert_int_equal(clocks[0].supports_kind, KIND_SLA);
    assert_symbol(fixture, clocks[0].supports_clock, "resolution");
    assert_int_equal(clocks[1].calendar, 1);
    assert_int_equal(clocks[1].supports_kind, POLICY_NONE);
    assert_int_equal(clocks[2].calendar, 2);
    assert_slice(policy->calendars[2].name, "always");
    assert_int_equal(clocks[3].name, clocks[5].name); /* one promise in two SLAs */
    assert_int_equal(clocks[4].measure, MEASURE_HANDLING);
    assert_int_equal(clocks[6].start, START_HANDOFF);
}

/* ---- experience ---- */

static void
experience_by_default(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_experience *experience = &load(fixture, "version: v")->experience;
    static const char *const names[] = {"nps", "stars5", "thumbs", "smiley3", "ces7", "percent"};
    static const char *const classes[] = {"nnnnnnn..pp", "nn.pp", "np", "n.p", "nnn.ppp"};
    static const char *const windows[] = {"24h", "7d", "30d", "90d", "month", "quarter"};

    assert_int_equal(experience->scales_count, SCALES_BUILTIN_COUNT);
    for (size_t i = 0; i < 5; i++) {
        const struct policy_scale *scale = &experience->scales[i];

        assert_symbol(fixture, scale->name, names[i]);
        assert_int_equal(scale->lowest, i == 0 || i == 2 ? 0 : 1);
        assert_int_equal(scale->classes_count, strlen(classes[i]));
        for (size_t score = 0; score < scale->classes_count; score++)
            assert_int_equal(classes[i][score], "p.n"[scale->classes[score]]);
    }
    assert_int_equal(experience->scales[SCALE_PERCENT].classes_count, 101);
    assert_int_equal(experience->scales[SCALE_PERCENT].classes[49], ANSWER_NEGATIVE);
    assert_int_equal(experience->scales[SCALE_PERCENT].classes[50], ANSWER_NEUTRAL);
    assert_int_equal(experience->scales[SCALE_PERCENT].classes[74], ANSWER_NEUTRAL);
    assert_int_equal(experience->scales[SCALE_PERCENT].classes[75], ANSWER_POSITIVE);
    assert_int_equal(experience->one_answer_per, ONE_ANSWER_PER_TICKET);
    assert_int_equal(experience->min_answers, 5);
    assert_int_equal(experience->neutral, NEUTRAL_COUNTED);
    assert_int_equal(experience->windows_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_slice(experience->windows[i].name, windows[i]);
    assert_int_equal(experience->windows[3].length_ms, 90 * DAY_MS);
    assert_int_equal(experience->scopes_count, 1);
    assert_int_equal(experience->scopes[0], 0);
    assert_int_equal(experience->zone, POLICY_NONE);
    assert_int_equal(experience->px_target_bp + experience->attainment_target_bp, 0);
    assert_false(experience->has_nps_target || experience->detractor_alert);
    assert_int_equal(experience->keis_count, 0);
}

static void
experience_in_full(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_experience *experience =
        &load(fixture,
              "version: v\n"
              "experience:\n"
              "  scales: {delight4: {positive: [4], neutral: [3], negative: [1]}, signed: {positive: [1], "
              "negative: [-1]}}\n"
              "  one_answer_per: respondent\n"
              "  min_answers: 8\n"
              "  neutral: excluded\n"
              "  windows: [24h, quarter, month]\n"
              "  time_zone: Europe/Berlin\n"
              "  scopes: [[], [customer], [service, customer], [touchpoint, user_group, survey, source]]\n"
              "  targets: {px: 95%, nps: -30, attainment: 97.5%}\n"
              "  detractor_alert: true\n")
             ->experience;
    const struct policy_scale *own = &experience->scales[SCALES_BUILTIN_COUNT];

    assert_int_equal(experience->scales_count, SCALES_BUILTIN_COUNT + 2);
    assert_symbol(fixture, own[0].name, "delight4");
    assert_int_equal(own[0].lowest, 1);
    assert_int_equal(own[0].classes_count, 4);
    assert_int_equal(own[0].classes[0], ANSWER_NEGATIVE);
    assert_int_equal(own[0].classes[1], -1);
    assert_int_equal(own[0].classes[3], ANSWER_POSITIVE);
    assert_int_equal(own[1].lowest, -1);
    assert_int_equal(own[1].classes[1], -1);
    assert_int_equal(own[1].classes[2], ANSWER_POSITIVE);
    assert_int_equal(experience->one_answer_per, ONE_ANSWER_PER_RESPONDENT);
    assert_int_equal(experience->min_answers, 8);
    assert_int_equal(experience->neutral, NEUTRAL_EXCLUDED);
    assert_int_equal(experience->windows_count, 3);
    assert_int_equal(experience->windows[1].kind, WINDOW_QUARTER);
    assert_int_equal(experience->windows[0].length_ms, DAY_MS);
    assert_int_equal(experience->zone, 0);
    assert_int_equal(experience->scopes_count, 4);
    assert_int_equal(experience->scopes[2], 1U << ATTRIBUTE_CUSTOMER | 1U << ATTRIBUTE_SERVICE);
    assert_int_equal(experience->scopes[3],
                     SCOPE_TOUCHPOINT | SCOPE_SURVEY | SCOPE_SOURCE | 1U << ATTRIBUTE_USER_GROUP);
    assert_int_equal(experience->px_target_bp, 9500);
    assert_true(experience->has_nps_target && experience->detractor_alert);
    assert_int_equal(experience->nps_target, -30);
    assert_int_equal(experience->attainment_target_bp, 9750);
}

static void
keis(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_experience *experience =
        &load(fixture,
              "version: v\n"
              "experience:\n"
              "  time_zone: Europe/Berlin\n"
              "  keis:\n"
              "    - {name: a, measure: px, match: {service: network, touchpoint: chat, survey: s1, "
              "user_group: stores}, window: 30d, target: 90%, owner: Head of IT, review_by: 2027-05-01}\n"
              "    - {name: b, measure: nps, window: month, target: -12.5}\n"
              "    - {name: c, measure: csat, window: 7d, target: 4.25}\n"
              "    - {name: d, measure: experienced_p90, window: 7d, target: 1d12h}\n"
              "    - {name: e, measure: \"tier_share:1\", window: 7d, target: 80%}\n"
              "    - {name: f, measure: aspect:speed of reply, window: 7d, target: 80%}\n"
              "    - {name: g, measure: lost_minutes, window: 7d, target: 30}\n")
             ->experience;
    const struct policy_kei *kei = experience->keis;

    assert_int_equal(experience->keis_count, 7);
    assert_slice(kei[0].name, "a");
    assert_slice(kei[0].measure, "px");
    assert_int_equal(kei[0].match.keys_count, 2);
    assert_int_equal(kei[0].match.keys[1].attribute, ATTRIBUTE_USER_GROUP);
    assert_symbol(fixture, kei[0].touchpoint, "chat");
    assert_symbol(fixture, kei[0].survey, "s1");
    assert_int_equal(kei[0].window.length_ms, 30 * DAY_MS);
    assert_slice(kei[0].target, "90%");
    assert_int_equal(kei[0].target_value, 9000);
    assert_slice(kei[0].owner, "Head of IT");
    assert_slice(kei[0].review_by, "2027-05-01");
    assert_int_equal(kei[0].review_by_ms, INT64_C(1809208800000)); /* 2027-05-01T22:00Z: midnight in Berlin */
    assert_int_equal(kei[1].target_value, -125000);
    assert_int_equal(kei[1].window.kind, WINDOW_MONTH);
    assert_null(kei[1].owner.at);
    assert_int_equal(kei[1].touchpoint + kei[1].survey, 0);
    assert_int_equal(kei[2].target_value, 42500);
    assert_int_equal(kei[3].target_value, 36 * HOUR_MS);
    assert_int_equal(kei[4].target_value, 8000);
    assert_slice(kei[5].measure, "aspect:speed of reply");
    assert_int_equal(kei[6].target_value, 300000);
}

/* ---- contracts ---- */

static void
contracts(void **state)
{
    struct fixture *fixture = *state;
    const struct policy *policy = load(
        fixture,
        "version: v\n"
        "agreements: [{name: a, kind: sla, clocks: {resolution: {measure: resolution, target: 1h}}}, {name: "
        "o, kind: uc, clocks: {x/y: {measure: resolution, target: 1h}}}]\n"
        "contracts:\n"
        "  - name: acme-gold\n"
        "    match: {customer: acme}\n"
        "    time_zone: Europe/Berlin\n"
        "    honest: {exclude: {category: [maintenance]}}\n"
        "    pxa: {window: 90d, surveys: [post-ticket], threshold: 95%, min_answers: 20, neutral: excluded, "
        "plan_days: 60}\n"
        "    watermelon: {window: quarter}\n"
        "    credits: {currency: EUR, monthly_fee: \"100000.00\", at_risk: 10%, rounding: down,\n"
        "              lines: [{clock: sla/resolution, view: honest, target: 95%, allocation: 50%, share: "
        "40%},\n"
        "                      {clock: uc/x/y, target: 99.5%, allocation: 100%, share: 5%, bonus: true}]}\n"
        "  - {name: plain, pxa: {window: 30d, threshold: 90%, neutral: counted}, credits: {currency: USD, "
        "monthly_fee: 12.5, at_risk: 5%, lines: [{clock: sla/resolution, target: 1%, allocation: 1%, share: "
        "1%}]}}\n");
    const struct policy_contract *gold = &policy->contracts[0], *plain = &policy->contracts[1];

    assert_int_equal(policy->contracts_count, 2);
    assert_slice(gold->name, "acme-gold");
    assert_symbol(fixture, gold->name_symbol, "acme-gold");
    assert_int_equal(gold->match.keys_count, 1);
    assert_int_equal(gold->zone, 0);
    assert_int_equal(gold->honest_exclude.keys[0].attribute, ATTRIBUTE_CATEGORY);
    assert_true(gold->has_pxa && gold->has_watermelon && gold->has_credits && !gold->rounds_half_up);
    assert_int_equal(gold->pxa_window_ms, 90 * DAY_MS);
    assert_int_equal(gold->pxa_surveys_count, 1);
    assert_symbol(fixture, gold->pxa_surveys[0], "post-ticket");
    assert_int_equal(gold->pxa_threshold_bp, 9500);
    assert_int_equal(gold->pxa_min_answers, 20);
    assert_int_equal(gold->pxa_plan_days, 60);
    assert_int_equal(gold->pxa_neutral, NEUTRAL_EXCLUDED);
    assert_int_equal(gold->watermelon_window.kind, WINDOW_QUARTER);
    assert_slice(gold->currency, "EUR");
    assert_int_equal(gold->monthly_fee_minor, 10000000);
    assert_int_equal(gold->at_risk_bp, 1000);
    assert_int_equal(gold->lines_count, 2);
    assert_true(gold->lines[0].honest && !gold->lines[0].bonus);
    assert_int_equal(gold->lines[0].kind, KIND_SLA);
    assert_symbol(fixture, gold->lines[0].clock, "resolution");
    assert_int_equal(gold->lines[0].allocation_bp, 5000);
    assert_int_equal(gold->lines[0].share_bp, 4000);
    assert_true(!gold->lines[1].honest && gold->lines[1].bonus);
    assert_int_equal(gold->lines[1].kind, KIND_UC);
    assert_symbol(fixture, gold->lines[1].clock, "x/y");
    assert_int_equal(gold->lines[1].target_bp, 9950);
    assert_int_equal(plain->zone, POLICY_NONE);
    assert_int_equal(plain->match.keys_count + plain->honest_exclude.keys_count + plain->pxa_surveys_count,
                     0);
    assert_int_equal(plain->pxa_min_answers, 30);
    assert_int_equal(plain->pxa_plan_days, 90);
    assert_false(plain->has_watermelon);
    assert_true(plain->rounds_half_up);
    assert_int_equal(plain->monthly_fee_minor, 1250);
}

/* ---- files ---- */

static void
json_is_yaml(void **state)
{
    const struct policy *policy = load(
        *state,
        "{\"version\": \"j\", \"calendars\": {\"h\": {\"time_zone\": \"Etc/UTC\", \"week\": {\"mon\": "
        "[\"10:30-19:00\"]}}}, \"agreements\": [{\"name\": \"a\", \"kind\": \"sla\", \"calendar\": \"h\", "
        "\"clocks\": {\"r\": {\"measure\": \"resolution\", \"target\": \"30m\"}}}]}");

    assert_int_equal(policy->clocks[0].target_default_ms, 30 * MINUTE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_version_is_required, set_up, tear_down),
        cmocka_unit_test_setup_teardown(top_level_settings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hash_and_label, set_up, tear_down),
        cmocka_unit_test_setup_teardown(weeks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(days_and_unions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(yearly_closings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(statuses_and_groups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(agreements, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_of_agreements_and_clocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(defaults_of_measures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_and_attainment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(handling_and_supports, set_up, tear_down),
        cmocka_unit_test_setup_teardown(experience_by_default, set_up, tear_down),
        cmocka_unit_test_setup_teardown(experience_in_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keis, set_up, tear_down),
        cmocka_unit_test_setup_teardown(contracts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_is_yaml, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
