#ifndef SLAD_TESTS_FUZZ_POLICY_RICH_H
#define SLAD_TESTS_FUZZ_POLICY_RICH_H

/* Two versions with one of everything, for the fuzz targets of the engine. Its zone is UTC, so no file is
 * read. */
#include "base/panic.h"
#include "slad/policy.h"
#include "wire/policy_yaml.h"

struct fuzz_policy {
    struct symbols *symbols;
    struct policy_set *set;
};

#define FUZZ_POLICY_STATUSES                                                                                 \
    "statuses:\n  New: {state: open}\n  Waiting: {state: waiting, on: customer}\n"                           \
    "  Vendor: {state: waiting, on: supplier}\n  Resolved: {state: solved}\n  Closed: {state: closed}\n"     \
    "  Canceled: {state: cancelled}\n"                                                                       \
    "groups:\n  desk: {party: provider, tier: 1, calendar: day}\n  l2: {party: provider, tier: 2}\n"         \
    "  telco: {party: supplier}\n  feed: {party: customer_supplier}\n"

#define FUZZ_POLICY_AGREEMENTS(target)                                                                       \
    "agreements:\n"                                                                                          \
    "  - name: acme\n    kind: sla\n    match: {customer: acme}\n    calendar: day\n"                        \
    "    warn_at: [50%, 75%, \"10m left\"]\n    repeat: {every: 1h, stop_after: 12h, ack_timeout: 2h}\n"     \
    "    closing_grace: true\n    on_reopen: continue\n    clocks:\n"                                        \
    "      first-response: {measure: first_response, target: {P1: 15m, default: 1h}, start: handoff}\n"      \
    "      next-response: {measure: next_response, target: 1h}\n"                                            \
    "      update: {measure: update, target: 4h}\n"                                                          \
    "      resolution: {measure: resolution, target: {P1: " target ", default: 8h}}\n"                       \
    "      turn: {measure: handling, of: {party: customer}, mode: per_stay, target: 2h}\n"                   \
    "  - name: rest\n    kind: sla\n    calendar: all\n    clocks:\n"                                        \
    "      first-response: {measure: first_response, target: 1h}\n"                                          \
    "      resolution: {measure: resolution, target: 5h, counts: everyone, on_reopen: new_cycle}\n"          \
    "  - name: l2\n    kind: ola\n    match: {category: [incident, request]}\n    clocks:\n"                 \
    "      l2: {measure: handling, of: {group: l2}, target: 1h, supports: sla/resolution}\n"                 \
    "  - name: telco\n    kind: uc\n    clocks:\n"                                                           \
    "      telco: {measure: handling, of: {group: telco}, mode: per_stay, target: 3h}\n"

static const char *const fuzz_policy_rich_texts[] = {
    "version: \"1\"\ncourtesy_window: 10m\nreopen_window: 1d\n"
    "calendars:\n  day: {time_zone: UTC, week: {mon-fri: [\"09:00-17:00\"]}}\n"
    "  night: {time_zone: UTC, week: {daily: [\"22:00-06:00\"]}}\n  all: {union: [day, "
    "night]}\n" FUZZ_POLICY_STATUSES FUZZ_POLICY_AGREEMENTS("4h"),
    "version: \"2\"\nfrom: 2026-03-28T12:00:00Z\ncourtesy_window: 10m\nreopen_window: 2d\napply_to_running: "
    "true\n"
    "calendars:\n  day: {time_zone: UTC, week: {mon-fri: [\"08:00-18:00\"]}, closed: [2026-03-30]}\n"
    "  night: {time_zone: UTC, week: {daily: [\"22:00-06:00\"]}}\n  all: {union: [day, "
    "night]}\n" FUZZ_POLICY_STATUSES FUZZ_POLICY_AGREEMENTS(
        "2h") "experience: {detractor_alert: true, min_answers: 1}\n"
              "contracts:\n  - {name: acme, match: {customer: acme}, watermelon: {window: 30d}}\n",
};

/* Etc/UTC in version 2 of TZif with an empty version 1 block. */
static inline int
fuzz_policy_rich_zone(void *context, struct slice name, struct buffer *out)
{
    static const char bytes[] =
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
        "\0\0\0\0\0\0UTC\0"
        "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4"
        "\0\0\0\0\0\0UTC\0\nUTC0\n";

    (void)context;
    (void)name;
    buffer_append(out, bytes, sizeof bytes - 1);
    return 0;
}

static inline void
fuzz_policy_rich_load(struct fuzz_policy *policies)
{
    const struct policy_zone_reader reader = {NULL, fuzz_policy_rich_zone};
    struct policy *versions[2];

    policies->symbols = symbols_new();
    for (size_t i = 0; i < 2; i++) {
        struct policy_error error = {0};

        versions[i] = policy_yaml_load(slice_of(fuzz_policy_rich_texts[i]), slice_of("rich.yaml"), &reader,
                                       policies->symbols, &error);
        if (versions[i] == NULL)
            panic(error.message);
    }
    policies->set = policy_set_new(versions, 2, policies->symbols);
}

#endif
