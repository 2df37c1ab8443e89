#ifndef SLAD_TESTS_POLICIES_H
#define SLAD_TESTS_POLICIES_H

/*
 * Random policies as YAML, and their loading with the zones of tests/zoneinfo. What varies: which clocks,
 * their targets, calendars (always, office hours, a night shift overseas, their union), warnings, repeats,
 * grace, counts, starts, reopen modes, windows small enough that random histories hit them, several versions
 * with other days, targets and weekly windows.
 */
#include "base/instant.h"
#include "base/panic.h"
#include "chance.h"
#include "wire/policy_yaml.h"
#include "zones.h"
#include <stdarg.h>

enum { POLICIES_VERSIONS_MAX = 3 };

/* What a policy may hold. Zeroes: everything. */
struct policies_traits {
    bool one_version;
    bool percent_stages;       /* warn_at without "left" */
    bool no_courtesy;          /* a window so short that nothing falls into it */
    bool calendar_by_customer; /* acme: day; beta: night; nothing else, and no other SLA */
    bool no_retarget;          /* one target for every priority, one SLA */
};

struct policies {
    struct symbols *symbols;
    struct policy_set *set;
};

static inline void
policies_say(struct buffer *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_text(out, text);
}

static const char *const policies_targets[] = {"5m", "15m", "30m", "1h",  "90m",
                                               "2h", "4h",  "8h",  "20h", "3d"};
static const char *const policies_calendars[] = {"always", "always", "day", "night", "all"};

static inline void
policies_say_calendars(struct buffer *out, struct chance *chance, int64_t from_ms)
{
    static const char *const weeks[] = {
        "{mon-fri: [\"09:00-17:00\"]}", "{mon-fri: [\"08:00-12:00\", \"13:00-18:00\"]}",
        "{daily: [\"00:00-24:00\"]}", "{mon-sat: [\"09:00-17:00\"], sun: [\"01:00-04:00\"]}"};

    policies_say(out, "calendars:\n  always: {always: true}\n  day: {time_zone: Europe/Berlin, week: %s",
                 CHANCE_PICK(chance, weeks));
    if (chance_one_in(chance, 2)) {
        struct instant_date date = instant_civil_from_days(from_ms / 86400000 + chance_below(chance, 5));

        policies_say(out, ", closed: [%04d-%02d-%02d]", date.year, date.month, date.day);
    }
    if (chance_one_in(chance, 3)) {
        struct instant_date date = instant_civil_from_days(from_ms / 86400000 + chance_below(chance, 5));

        policies_say(out, ", special: {%04d-%02d-%02d: [\"10:00-11:30\"]}", date.year, date.month, date.day);
    }
    policies_say(out, "}\n  night: {time_zone: America/New_York, week: {daily: [\"22:00-06:00\"]}}\n"
                      "  all: {union: [day, night]}\n");
}

static inline void
policies_say_fixed(struct buffer *out)
{
    policies_say(
        out,
        "statuses:\n  New: {state: open}\n  Working: {state: open, on: provider}\n"
        "  Awaiting User: {state: waiting, on: customer}\n  Awaiting Vendor: {state: waiting, on: supplier}\n"
        "  On Hold: {state: waiting}\n  Resolved: {state: solved}\n  Closed: {state: closed}\n"
        "  Canceled: {state: cancelled}\n"
        "groups:\n  desk: {party: provider, tier: 1, calendar: day}\n  l2: {party: provider, tier: 2}\n"
        "  telco: {party: supplier}\n  feed: {party: customer_supplier}\n  users: {party: customer}\n");
}

static inline void
policies_say_target(struct buffer *out, struct chance *chance, const struct policies_traits *traits)
{
    if (traits->no_retarget || chance_one_in(chance, 3))
        policies_say(out, "target: %s", CHANCE_PICK(chance, policies_targets));
    else if (!traits->calendar_by_customer && chance_one_in(chance, 4))
        policies_say(out, "target: {P1: %s, P2: %s}", CHANCE_PICK(chance, policies_targets),
                     CHANCE_PICK(chance, policies_targets));
    else
        policies_say(out, "target: {P1: %s, P2: %s, default: %s}", CHANCE_PICK(chance, policies_targets),
                     CHANCE_PICK(chance, policies_targets), CHANCE_PICK(chance, policies_targets));
}

/* Options that an agreement and a clock share; separator is what stands between them. */
static inline void
policies_say_options(struct buffer *out, struct chance *chance, const struct policies_traits *traits,
                     const char *separator)
{
    static const char *const stages[] = {"50%", "75%, 90%", "50%, 100%", "33.33%, 66.67%, 99%",
                                         "90%, 50%, 75%"};
    static const char *const left[] = {"50%, \"10m left\"", "\"30m left\", 75%",
                                       "\"5m left\", \"15m left\", \"1h left\""};
    static const char *const repeats[] = {"{every: 30m}", "{every: 15m, stop_after: 2h}",
                                          "{every: 1h, stop_after: 1d, ack_timeout: 90m}",
                                          "{every: 10m, ack_timeout: 25m}"};
    static const char *const modes[] = {"resume", "continue", "new_cycle"};

    if (chance_one_in(chance, 2))
        policies_say(out, "%swarn_at: [%s]", separator,
                     traits->percent_stages || chance_one_in(chance, 2) ? CHANCE_PICK(chance, stages)
                                                                        : CHANCE_PICK(chance, left));
    if (chance_one_in(chance, 2))
        policies_say(out, "%srepeat: %s", separator, CHANCE_PICK(chance, repeats));
    if (chance_one_in(chance, 4))
        policies_say(out, "%sclosing_grace: true", separator);
    if (chance_one_in(chance, 2))
        policies_say(out, "%son_reopen: %s", separator, CHANCE_PICK(chance, modes));
}

static inline void
policies_say_clock(struct buffer *out, struct chance *chance, const struct policies_traits *traits,
                   const char *name, const char *what)
{
    static const char *const counts[] = {"everyone", "[provider]", "[provider, supplier]",
                                         "[provider, supplier, customer]", "[provider, customer_supplier]"};

    policies_say(out, "      %s: {%s, ", name, what);
    policies_say_target(out, chance, traits);
    if (!traits->calendar_by_customer && chance_one_in(chance, 3))
        policies_say(out, ", calendar: %s", CHANCE_PICK(chance, policies_calendars));
    if (strstr(what, "handling") == NULL && chance_one_in(chance, 3))
        policies_say(out, ", counts: %s", CHANCE_PICK(chance, counts));
    if (chance_one_in(chance, 4))
        policies_say_options(out, chance, traits, ", ");
    policies_say(out, "}\n");
}

static inline void
policies_open_agreement(struct buffer *out, struct chance *chance, const struct policies_traits *traits,
                        const char *head, const char *calendar)
{
    policies_say(out, "  - %s\n    calendar: %s", head, calendar);
    policies_say_options(out, chance, traits, "\n    ");
    if (traits->one_version && chance_one_in(chance, 4) && strstr(head, "sla") != NULL)
        policies_say(out, "\n    reopen_window: %s", chance_one_in(chance, 2) ? "2h" : "12h");
    policies_say(out, "\n    clocks:\n");
}

static inline void
policies_say_sla(struct buffer *out, struct chance *chance, const struct policies_traits *traits,
                 const char *head, const char *calendar)
{
    static const char *const responses[] = {"measure: first_response",
                                            "measure: first_response, start: creation_always",
                                            "measure: first_response, start: handoff"};

    const bool all =
        traits->calendar_by_customer; /* the same promises in both, so that none is gained late (R21) */

    policies_open_agreement(out, chance, traits, head, calendar);
    policies_say_clock(out, chance, traits, "resolution", "measure: resolution");
    if (all || !chance_one_in(chance, 4))
        policies_say_clock(out, chance, traits, "first-response", CHANCE_PICK(chance, responses));
    if (all || chance_one_in(chance, 2))
        policies_say_clock(out, chance, traits, "next-response", "measure: next_response");
    if (all || chance_one_in(chance, 2))
        policies_say_clock(out, chance, traits, "update", "measure: update");
    if (all || chance_one_in(chance, 3))
        policies_say_clock(out, chance, traits, "lived", "measure: resolution, attainment: false");
    if (all || chance_one_in(chance, 3))
        policies_say_clock(out, chance, traits, "their-turn",
                           !all && chance_one_in(chance, 2)
                               ? "measure: handling, of: {party: customer}, mode: per_stay"
                               : "measure: handling, of: {party: provider}");
}

static inline void
policies_say_legs(struct buffer *out, struct chance *chance, const struct policies_traits *traits)
{
    static const char *const modes[] = {", mode: per_stay", ""};
    static const char *const links[] = {", supports: sla/resolution", ""};
    char what[128];

    if (chance_one_in(chance, 2)) {
        policies_open_agreement(out, chance, traits, "name: desk-ola\n    kind: ola",
                                CHANCE_PICK(chance, policies_calendars));
        (void)snprintf(what, sizeof what, "measure: handling, of: {group: desk}%s%s",
                       CHANCE_PICK(chance, modes), CHANCE_PICK(chance, links));
        policies_say_clock(out, chance, traits, "desk", what);
    }
    if (chance_one_in(chance, 2)) {
        policies_open_agreement(out, chance, traits,
                                "name: l2-ola\n    kind: ola\n    match: {category: incident}",
                                CHANCE_PICK(chance, policies_calendars));
        (void)snprintf(what, sizeof what, "measure: handling, of: {group: l2}%s%s",
                       CHANCE_PICK(chance, modes), CHANCE_PICK(chance, links));
        policies_say_clock(out, chance, traits, "l2", what);
    }
    if (chance_one_in(chance, 2)) {
        policies_open_agreement(out, chance, traits, "name: telco-uc\n    kind: uc",
                                CHANCE_PICK(chance, policies_calendars));
        (void)snprintf(what, sizeof what, "measure: handling, of: {group: telco}%s%s",
                       CHANCE_PICK(chance, modes), CHANCE_PICK(chance, links));
        policies_say_clock(out, chance, traits, "telco", what);
    }
}

/* One version, as text. from_ms: in force from then on; days lie around around_ms. */
static inline void
policies_write(struct buffer *out, struct chance *chance, const struct policies_traits *traits,
               unsigned number, const char *reopen_window, int64_t from_ms, int64_t around_ms)
{
    char from[INSTANT_TEXT_BYTES];

    instant_format(from_ms, from);
    policies_say(out, "version: \"v%u\"\n", number);
    if (number > 0)
        policies_say(out, "from: %s\n", from);
    policies_say(out, "reopen_window: %s\ncourtesy_window: %s\nflip_window: 15m\n", reopen_window,
                 traits->no_courtesy        ? "1s"
                 : chance_one_in(chance, 2) ? "5m"
                                            : "30m");
    if (chance_one_in(chance, 6))
        policies_say(out, "merge: own_clock\n");
    if (number > 0 && chance_one_in(chance, 3))
        policies_say(out, "apply_to_running: true\n");
    policies_say_calendars(out, chance, around_ms);
    policies_say_fixed(out);
    policies_say(out, "agreements:\n");
    if (traits->no_retarget) {
        policies_say_sla(out, chance, traits, "name: all\n    kind: sla",
                         CHANCE_PICK(chance, policies_calendars));
    } else {
        policies_say_sla(out, chance, traits, "name: acme\n    kind: sla\n    match: {customer: acme}",
                         traits->calendar_by_customer ? "day" : CHANCE_PICK(chance, policies_calendars));
        if (traits->calendar_by_customer || chance_one_in(chance, 2))
            policies_say_sla(out, chance, traits, "name: beta\n    kind: sla\n    match: {customer: beta}",
                             traits->calendar_by_customer ? "night"
                                                          : CHANCE_PICK(chance, policies_calendars));
        if (!traits->calendar_by_customer && chance_one_in(chance, 2))
            policies_say_sla(out, chance, traits, "name: rest\n    kind: sla",
                             CHANCE_PICK(chance, policies_calendars));
    }
    if (!traits->calendar_by_customer)
        policies_say_legs(out, chance, traits);
}

static inline int
policies_read_zone(void *context, struct slice name, struct buffer *out)
{
    static unsigned char bytes[ZONE_FILE_BYTES_MAX];
    char text[128];

    (void)context;
    (void)snprintf(text, sizeof text, "%.*s", (int)name.bytes, name.at);
    buffer_append(out, bytes, zones_read_file("zoneinfo", text, bytes));
    return 0;
}

/* Loads the versions with symbols that somebody has already. */
static inline void
policies_load_with(struct policies *policies, const struct buffer *texts, size_t count,
                   struct symbols *symbols)
{
    const struct policy_zone_reader reader = {NULL, policies_read_zone};
    struct policy *loaded[POLICIES_VERSIONS_MAX];

    policies->symbols = symbols;
    for (size_t i = 0; i < count; i++) {
        struct policy_error error = {0};

        loaded[i] = policy_yaml_load(buffer_slice(&texts[i]), slice_of("random.yaml"), &reader,
                                     policies->symbols, &error);
        if (loaded[i] == NULL) {
            printf("%.*s\n%u:%u: %s\n", (int)texts[i].bytes, texts[i].at, error.line, error.column,
                   error.message);
            panic("a random policy does not load");
        }
    }
    policies->set = policy_set_new(loaded, count, policies->symbols);
}

/* Loads the versions into symbols of their own. ballast: so many texts are there before, so that numbers
 * differ. */
static inline void
policies_load(struct policies *policies, const struct buffer *texts, size_t count, unsigned ballast)
{
    struct symbols *symbols = symbols_new();
    char text[32];

    for (unsigned i = 0; i < ballast; i++) {
        static const char *const words[] = {"Resolved", "users", "resolution", "P2", "acme", "New", "desk"};

        (void)snprintf(text, sizeof text, "ballast-%u", i);
        symbols_intern(symbols, i < 7 ? slice_of(words[i]) : slice_of(text));
    }
    policies_load_with(policies, texts, count, symbols);
}

static inline void
policies_free(struct policies *policies)
{
    policy_set_free(policies->set);
    symbols_free(policies->symbols);
}

#endif
