/* All versions together: which one is in force, and calendars of one version with the days of a later one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/buffer.h"
#include "base/instant.h"
#include "shell/policy_files.h"

struct fixture {
    struct symbols *symbols;
    struct policy_set *set;
};

static int64_t
at(const char *text)
{
    int64_t ms;

    assert_int_equal(instant_parse(slice_of(text), &ms), 0);
    return ms;
}

static struct policy *
load(struct fixture *fixture, const char *text)
{
    struct policy_zone_reader reader = policy_files_zone_reader(TESTS_DIR "/zoneinfo");
    struct policy_error error;
    struct policy *policy =
        policy_yaml_load(slice_of(text), slice_of("p.yaml"), &reader, fixture->symbols, &error);

    if (policy == NULL)
        fail_msg("%u:%u: %s", error.line, error.column, error.message);
    return policy;
}

static struct fixture
set_of(const char *const *texts, size_t count)
{
    struct fixture fixture = {symbols_new(), NULL};
    struct policy *policies[8];

    for (size_t i = 0; i < count; i++)
        policies[i] = load(&fixture, texts[i]);
    fixture.set = policy_set_new(policies, count, fixture.symbols);
    assert_int_equal(policy_set_count(fixture.set), count);
    return fixture;
}

static void
done(struct fixture *fixture)
{
    policy_set_free(fixture->set);
    assert_int_equal(symbols_count(fixture->symbols), 0);
    symbols_free(fixture->symbols);
}

static void
in_force(void **state)
{
    static const char *const texts[] = {"{version: c, from: 2026-03-01T00:00:00Z}",
                                        "{version: a, from: 2026-01-01T00:00:00Z}",
                                        "{version: b, from: 2026-02-01T00:00:00Z}"};
    struct fixture fixture = set_of(texts, 3);
    const struct policy_set *set = fixture.set;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(policy_set_version(set, i)->version.at[0], 'a' + (int)i);
    assert_int_equal(policy_set_in_force(set, INT64_MIN),
                     0); /* R19: the earliest holds before its from, too */
    assert_int_equal(policy_set_in_force(set, at("2025-12-31T23:59:59.999Z")), 0);
    assert_int_equal(policy_set_in_force(set, at("2026-01-31T23:59:59.999Z")), 0);
    assert_int_equal(policy_set_in_force(set, at("2026-02-01T00:00:00.000Z")), 1);
    assert_int_equal(policy_set_in_force(set, at("2026-03-01T00:00:00.000Z")), 2);
    assert_int_equal(policy_set_in_force(set, INT64_MAX), 2);
    assert_int_equal(policy_set_next_from_ms(set, INT64_MIN), at("2026-01-01T00:00:00Z"));
    assert_int_equal(policy_set_next_from_ms(set, at("2025-12-31T23:59:59.999Z")),
                     at("2026-01-01T00:00:00Z"));
    assert_int_equal(policy_set_next_from_ms(set, at("2026-01-01T00:00:00Z")), at("2026-02-01T00:00:00Z"));
    assert_true(policy_set_next_from_ms(set, at("2026-03-01T00:00:00Z")) == INT64_MAX);
    done(&fixture);
}

#define BERLIN(week, rest) "berlin: {time_zone: Europe/Berlin, week: {mon-fri: [\"" week "\"]}" rest "}"

static const struct calendar *
calendar(const struct fixture *fixture, size_t version, const char *name, size_t days_version)
{
    int index = policy_calendar_find(policy_set_version(fixture->set, version), slice_of(name));

    assert_int_not_equal(index, POLICY_NONE);
    return policy_set_calendar(fixture->set, version, index, days_version);
}

/* Weekly windows stay pinned, days come from the later version (semantics.md section 3). */
static void
later_days(void **state)
{
    static const char *const texts[] = {
        "{version: a, calendars: {" BERLIN("09:00-17:00", "") "}}",
        "{version: b, from: 2026-02-01T00:00:00Z, calendars: {" BERLIN(
            "08:00-12:00", ", closed: [2026-05-01], special: {2026-05-04: [\"10:00-11:00\"]}") "}}",
        "{version: c, from: 2026-03-01T00:00:00Z, calendars: {other: {always: true}}}",
        "{version: d, from: 2026-04-01T00:00:00Z, calendars: {berlin: {always: true}}}"};
    struct fixture fixture = set_of(texts, 4);
    const struct calendar *own = calendar(&fixture, 0, "berlin", 0),
                          *later = calendar(&fixture, 0, "berlin", 1);

    (void)state;
    assert_true(calendar_is_open(own, at("2026-05-01T10:00:00+02:00")));
    assert_false(calendar_is_open(later, at("2026-05-01T10:00:00+02:00")));
    assert_true(calendar_is_open(later, at("2026-05-05T16:00:00+02:00"))); /* the pinned week */
    assert_false(calendar_is_open(later, at("2026-05-04T12:00:00+02:00")));
    assert_true(calendar_is_open(later, at("2026-05-04T10:30:00+02:00")));
    assert_false(calendar_is_open(calendar(&fixture, 1, "berlin", 1), at("2026-05-05T16:00:00+02:00")));
    assert_ptr_equal(calendar(&fixture, 0, "berlin", 2), own); /* not there any more: its own days */
    assert_ptr_equal(calendar(&fixture, 0, "berlin", 3), own); /* always has no days */
    assert_ptr_equal(calendar(&fixture, 0, "berlin", 1), later);
    assert_true(calendar_is_open(calendar(&fixture, 3, "berlin", 3), at("2026-05-02T00:00:00Z")));
    done(&fixture);
}

/* A later zone is days, too: the windows move with it. */
static void
later_zone(void **state)
{
    static const char *const texts[] = {
        "{version: a, calendars: {c: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}}}}",
        "{version: b, from: 2026-02-01T00:00:00Z, calendars: {c: {time_zone: Etc/UTC, week: {daily: "
        "[\"00:00-01:00\"]}}}}"};
    struct fixture fixture = set_of(texts, 2);

    (void)state;
    assert_true(calendar_is_open(calendar(&fixture, 0, "c", 0), at("2026-01-15T08:30:00Z")));
    assert_false(calendar_is_open(calendar(&fixture, 0, "c", 1), at("2026-01-15T08:30:00Z")));
    assert_true(calendar_is_open(calendar(&fixture, 0, "c", 1), at("2026-01-15T16:30:00Z")));
    done(&fixture);
}

static void
unions(void **state)
{
    static const char *const texts[] = {
        "{version: a, calendars: {both: {union: [berlin, night]}, " BERLIN(
            "09:00-17:00", "") ", night: {time_zone: Etc/UTC, week: {daily: [\"22:00-23:00\"]}}}}",
        "{version: b, from: 2026-02-01T00:00:00Z, calendars: {both: {always: true}, " BERLIN(
            "09:00-17:00", ", closed: [2026-05-01]") "}}",
        "{version: c, from: 2026-03-01T00:00:00Z, calendars: {" BERLIN("01:00-02:00",
                                                                       ", closed: [2026-05-01]") "}}"};
    struct fixture fixture = set_of(texts, 3);
    const struct calendar *own = calendar(&fixture, 0, "both", 0), *later = calendar(&fixture, 0, "both", 1);

    (void)state;
    assert_true(calendar_is_open(own, at("2026-05-01T10:00:00+02:00")));
    assert_true(calendar_is_open(own, at("2026-05-01T22:30:00Z")));
    assert_false(calendar_is_open(own, at("2026-05-01T23:30:00Z")));
    assert_false(calendar_is_open(later, at("2026-05-01T10:00:00+02:00"))); /* its member's later days */
    assert_true(
        calendar_is_open(later, at("2026-05-01T22:30:00Z"))); /* a member that is gone keeps its own */
    assert_true(calendar_is_open(later, at("2026-05-04T10:00:00+02:00")));
    assert_ptr_equal(calendar(&fixture, 0, "both", 2), later); /* the same days again */
    done(&fixture);
}

/* Equal contents are compiled once, whatever version and name they stand under. */
static void
sharing(void **state)
{
    static const char *const texts[] = {
        "{version: a, calendars: {x: {time_zone: Etc/UTC, week: {mon: [\"09:00-17:00\"]}}, y: {time_zone: "
        "Etc/UTC, week: {mon: [\"09:00-17:00\"]}}, "
        "z: {time_zone: Europe/Berlin, week: {mon: [\"09:00-17:00\"]}}, u: {union: [x, z]}}}",
        "{version: b, from: 2026-02-01T00:00:00Z, calendars: {x: {time_zone: Etc/UTC, week: {mon: "
        "[\"09:00-17:00\"]}}, "
        "z: {time_zone: Europe/Berlin, week: {mon: [\"09:00-17:00\"]}, closed: [2030-01-01]}, u: {union: [x, "
        "z]}}}"};
    struct fixture fixture = set_of(texts, 2);

    (void)state;
    assert_ptr_equal(calendar(&fixture, 0, "x", 0), calendar(&fixture, 0, "y", 0));
    assert_ptr_equal(calendar(&fixture, 0, "x", 0), calendar(&fixture, 1, "x", 1));
    assert_ptr_equal(calendar(&fixture, 0, "x", 0), calendar(&fixture, 0, "x", 1));
    assert_ptr_not_equal(calendar(&fixture, 0, "x", 0), calendar(&fixture, 0, "z", 0));
    assert_ptr_not_equal(calendar(&fixture, 0, "z", 0), calendar(&fixture, 0, "z", 1));
    assert_ptr_equal(calendar(&fixture, 0, "z", 1), calendar(&fixture, 1, "z", 1));
    assert_ptr_not_equal(calendar(&fixture, 0, "u", 0), calendar(&fixture, 0, "u", 1));
    assert_ptr_equal(calendar(&fixture, 0, "u", 1), calendar(&fixture, 1, "u", 1));
    done(&fixture);
}

/* A hundred calendars in six versions, each version with another year's closed day: nothing is compiled by
 * making the set. */
static void
many_versions(void **state)
{
    struct fixture fixture = {symbols_new(), NULL};
    struct policy *policies[6];
    struct buffer text = {0};
    char line[160];

    (void)state;
    for (int version = 0; version < 6; version++) {
        buffer_reset(&text);
        (void)snprintf(line, sizeof line, "version: v%d\nfrom: 202%d-01-01T00:00:00Z\ncalendars:\n", version,
                       version);
        buffer_append_text(&text, line);
        for (int i = 0; i < 100; i++) {
            (void)snprintf(line, sizeof line,
                           "  c%d: {time_zone: Europe/Berlin, week: {mon-fri: [\"09:00-17:%02d\"]}, closed: "
                           "[202%d-12-25]}\n",
                           i, i % 60, version);
            buffer_append_text(&text, line);
        }
        buffer_append_byte(&text, '\0');
        policies[version] = load(&fixture, text.at);
    }
    buffer_free(&text);
    fixture.set = policy_set_new(policies, 6, fixture.symbols);
    assert_false(calendar_is_open(calendar(&fixture, 0, "c99", 5), at("2025-12-25T10:00:00Z")));
    assert_true(calendar_is_open(calendar(&fixture, 0, "c99", 4), at("2025-12-25T10:00:00Z")));
    done(&fixture);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_force), cmocka_unit_test(later_days), cmocka_unit_test(later_zone),
        cmocka_unit_test(unions),   cmocka_unit_test(sharing),    cmocka_unit_test(many_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
