/* Every row of policy_errors.def is reached, at its exact place and with its exact words (ruling R15). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "base/memory.h"
#include "shell/policy_files.h"
#include "wire/yaml.h"

struct row {
    enum policy_error_code code;
    const char *text;
    uint32_t line, column;
    const char *message;
};

static const struct row rows[] = {
    {POLICY_ERROR_BAD_UTF8, "version: \"1\"\ngroups: {\"a\377\": {}}", 2, 12,
     "found bytes that are no text (invalid leading UTF-8 octet), expected UTF-8 without control characters"},
    {POLICY_ERROR_BAD_UTF8, "version: \"1\"\ngroups: {a\001: {}}", 2, 11,
     "found bytes that are no text (control characters are not allowed), expected UTF-8 without control "
     "characters"},
    {POLICY_ERROR_BAD_YAML, "version: \"1\"\ngroups: {a: {}", 3, 1,
     "not YAML: did not find expected ',' or '}', while parsing a flow mapping"},
    {POLICY_ERROR_BAD_YAML, "version: \"1\"\na: b: c", 2, 5,
     "not YAML: mapping values are not allowed in this context"},
    {POLICY_ERROR_SEVERAL_DOCUMENTS, "version: \"1\"\n---\nversion: \"2\"\n", 2, 1,
     "found a second document, expected one in a file"},
    {POLICY_ERROR_ANCHOR, "version: \"1\"\ngroups: &g {}", 2, 9,
     "found an anchor (&...), expected the value alone"},
    {POLICY_ERROR_ANCHOR, "version: \"1\"\nflip_window: &f 5m", 2, 14,
     "found an anchor (&...), expected the value alone"},
    {POLICY_ERROR_ALIAS, "version: \"1\"\ngroups: *g", 2, 9,
     "found an alias (*...), expected the value itself"},
    {POLICY_ERROR_TAG, "version: \"1\"\nflip_window: !!str 5m", 2, 14,
     "found a tag (!...), expected the value alone"},
    {POLICY_ERROR_TAG, "version: \"1\"\ngroups: !x {}", 2, 9, "found a tag (!...), expected the value alone"},
    {POLICY_ERROR_TAG, "%TAG ! tag:x,2000:\n---\nversion: \"1\"\n", 1, 1,
     "found a %TAG directive, expected none"},
    {POLICY_ERROR_MERGE_KEY, "version: \"1\"\ngroups:\n  <<: {a: {}}", 3, 3,
     "found the merge key <<, expected the keys themselves"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {1: {}}", 2, 10,
     "found the key \"1\", expected a text: put it in quotes if it is one"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {-1.5e3: {}}", 2, 10,
     "found the key \"-1.5e3\", expected a text: put it in quotes if it is one"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {true: {}}", 2, 10,
     "found the key \"true\", expected a text: put it in quotes if it is one"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {null: {}}", 2, 10,
     "found the key \"null\", expected a text: put it in quotes if it is one"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {\"\": {}}", 2, 10,
     "found the key \"\", expected a text: put it in quotes if it is one"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {[a]: {}}", 2, 10,
     "found a list as a key, expected a text"},
    {POLICY_ERROR_BAD_KEY, "version: \"1\"\ngroups: {{a: b}: {}}", 2, 10,
     "found a mapping as a key, expected a text"},
    {POLICY_ERROR_DUPLICATE_KEY, "version: \"1\"\ngroups:\n  a: {}\n  b: {}\n  a: {}", 5, 3,
     "the key \"a\" stands here twice, first at 3:3"},
    {POLICY_ERROR_DUPLICATE_KEY, "version: \"1\"\nversion: \"2\"", 2, 1,
     "the key \"version\" stands here twice, first at 1:1"},
    {POLICY_ERROR_NESTED_TOO_DEEP, "version: \"1\"\ngroups: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 2, 40,
     "found a 33rd level of lists and mappings, expected at most 32"},
    {POLICY_ERROR_WRONG_TYPE, "", 1, 1, "found an empty file, expected a mapping"},
    {POLICY_ERROR_WRONG_TYPE, "# nothing\n", 1, 1, "found an empty file, expected a mapping"},
    {POLICY_ERROR_WRONG_TYPE, "- a\n", 1, 1, "found a list, expected a mapping (a policy)"},
    {POLICY_ERROR_WRONG_TYPE, "hello", 1, 1, "found \"hello\", expected a mapping (a policy)"},
    {POLICY_ERROR_WRONG_TYPE, "version: [1]", 1, 10, "found a list, expected the version's name"},
    {POLICY_ERROR_WRONG_TYPE, "version:", 1, 9, "found nothing, expected the version's name"},
    {POLICY_ERROR_WRONG_TYPE, "version: null", 1, 10, "found nothing, expected the version's name"},
    {POLICY_ERROR_WRONG_TYPE, "version: \"1\"\ncalendars: [a]", 2, 12,
     "found a list, expected a mapping of calendars"},
    {POLICY_ERROR_WRONG_TYPE, "version: \"1\"\nagreements: {a: 1}", 2, 13,
     "found a mapping, expected a list of agreements"},
    {POLICY_ERROR_WRONG_TYPE, "version: \"1\"\napply_to_running: \"yes\"", 2, 19,
     "found the text \"yes\", expected true or false"},
    {POLICY_ERROR_WRONG_TYPE, "version: \"1\"\napply_to_running: on", 2, 19,
     "found \"on\", expected true or false"},
    {POLICY_ERROR_WRONG_TYPE, "version: \"1\"\ngroups: {a: {tier: \"1\"}}", 2, 20,
     "found the text \"1\", expected a whole number from 1 to 31"},
    {POLICY_ERROR_WRONG_TYPE, "version: \"1\"\nflip_window: [5m]", 2, 14,
     "found a list, expected a duration like 90s, 15m, 4h, 2d or 1h30m"},
    {POLICY_ERROR_UNKNOWN_KEY, "version: \"1\"\nagrements: []", 2, 1,
     "unknown key \"agrements\" in a policy; did you mean \"agreements\"? Expected one of: version, from, "
     "calendars, statuses, groups, agreements, experience, contracts, foresight, unknown_status, reopen_window, "
     "courtesy_window, flip_window, merge, apply_to_running"},
    {POLICY_ERROR_UNKNOWN_KEY, "version: \"1\"\nxyz: []", 2, 1,
     "unknown key \"xyz\" in a policy, expected one of: version, from, calendars, statuses, groups, "
     "agreements, experience, contracts, foresight, unknown_status, reopen_window, courtesy_window, flip_window, merge, "
     "apply_to_running"},
    {POLICY_ERROR_UNKNOWN_KEY, "version: \"1\"\nagreements:\n  - name: a\n    kind: sla\n    calender: x", 5,
     5,
     "unknown key \"calender\" in an agreement; did you mean \"calendar\"? Expected one of: name, kind, "
     "match, calendar, warn_at, repeat, severity, closing_grace, on_reopen, reopen_window, "
     "attainment_target, clocks"},
    {POLICY_ERROR_UNKNOWN_KEY, "version: \"1\"\nagreements: [{name: a, kind: sla, match: {status: New}}]", 2,
     43,
     "unknown key \"status\" in a match, expected one of: customer, contract, service, category, priority, "
     "group, user_group, channel, requester, assignee, source"},
    {POLICY_ERROR_UNKNOWN_KEY, "version: \"1\"\nagreements: [{name: a, kind: sla, match: {touchpoint: x}}]",
     2, 43,
     "unknown key \"touchpoint\" in a match, expected one of: customer, contract, service, category, "
     "priority, group, user_group, channel, requester, assignee, source"},
    {POLICY_ERROR_MISSING_KEY, "groups: {}", 1, 1, "the key \"version\" is missing here"},
    {POLICY_ERROR_MISSING_KEY, "version: \"1\"\nagreements:\n  - kind: sla", 3, 5,
     "the key \"name\" is missing here"},
    {POLICY_ERROR_MISSING_KEY, "version: \"1\"\nagreements:\n  - name: a", 3, 5,
     "the key \"kind\" is missing here"},
    {POLICY_ERROR_MISSING_KEY, "version: \"1\"\ncalendars:\n  a: {week: {daily: [\"09:00-17:00\"]}}", 3, 6,
     "the key \"time_zone\" is missing here"},
    {POLICY_ERROR_MISSING_KEY, "version: \"1\"\nstatuses: {New: {on: customer}}", 2, 17,
     "the key \"state\" is missing here"},
    {POLICY_ERROR_MISSING_KEY,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {target: 4h}}}]", 2, 47,
     "the key \"measure\" is missing here"},
    {POLICY_ERROR_MISSING_KEY,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution}}}]", 2, 47,
     "the key \"target\" is missing here"},
    {POLICY_ERROR_MISSING_KEY,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: handling, target: 4h}}}]", 2,
     47, "the key \"of\" is missing here"},
    {POLICY_ERROR_MISSING_KEY,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: handling, of: {}, target: "
     "4h}}}]",
     2, 71, "found nothing in it, expected either {group: NAME} or {party: PARTY}"},
    {POLICY_ERROR_MISSING_KEY, "version: \"1\"\nagreements: [{name: a, kind: sla, repeat: {stop_after: 4h}}]",
     2, 43, "the key \"every\" is missing here"},
    {POLICY_ERROR_MISSING_KEY, "version: \"1\"\ncontracts: [{name: a, pxa: {window: 90d, threshold: 95%}}]",
     2, 28, "the key \"neutral\" is missing here"},
    {POLICY_ERROR_UNKNOWN_WORD, "version: \"1\"\nstatuses: {New: {state: opne}}", 2, 25,
     "unknown state \"opne\"; did you mean \"open\"? Expected one of: open, waiting, solved, closed, "
     "cancelled"},
    {POLICY_ERROR_UNKNOWN_WORD, "version: \"1\"\nstatuses: {New: {state: waiting, on: nobody}}", 2, 38,
     "unknown party \"nobody\", expected one of: provider, supplier, customer, customer_supplier"},
    {POLICY_ERROR_UNKNOWN_WORD, "version: \"1\"\ngroups: {a: {party: vendor}}", 2, 21,
     "unknown party \"vendor\", expected one of: provider, supplier, customer, customer_supplier"},
    {POLICY_ERROR_UNKNOWN_WORD, "version: \"1\"\nagreements: [{name: a, kind: SLA}]", 2, 30,
     "unknown kind \"SLA\"; did you mean \"sla\"? Expected one of: sla, ola, uc"},
    {POLICY_ERROR_UNKNOWN_WORD,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: response, target: 4h}}}]", 2,
     57,
     "unknown measure \"response\", expected one of: first_response, next_response, update, resolution, "
     "handling"},
    {POLICY_ERROR_UNKNOWN_WORD,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, "
     "counts: all}}}]",
     2, 89, "unknown value of counts \"all\", expected one of: everyone"},
    {POLICY_ERROR_UNKNOWN_WORD,
     "version: \"1\"\nagreements: [{name: a, kind: sla, severity: {breach: {P1: fatal}}}]", 2, 59,
     "unknown severity \"fatal\", expected one of: info, warning, critical"},
    {POLICY_ERROR_UNKNOWN_WORD, "version: \"1\"\nexperience: {scopes: [[custmer]]}", 2, 24,
     "unknown dimension \"custmer\"; did you mean \"customer\"? Expected one of: customer, contract, "
     "service, category, priority, group, user_group, channel, requester, assignee, source, touchpoint, "
     "survey"},
    {POLICY_ERROR_UNKNOWN_WORD, "version: \"1\"\nmerge: both", 2, 8,
     "unknown merge \"both\", expected one of: earliest_contact, own_clock"},
    {POLICY_ERROR_BAD_TEXT, "version: \"\"", 1, 10,
     "found 0 bytes, expected the version's name of 1 to 256 bytes"},
    {POLICY_ERROR_BAD_TEXT, "version: \"a\\e[31mb\"", 1, 10,
     "found the text \"a\\x1b[31mb\", expected a text without control characters"},
    {POLICY_ERROR_BAD_TEXT, "version: \"1\"\ngroups: {\"a\\0\": {}}", 2, 10,
     "found U+0000 in a text, expected none"},
    {POLICY_ERROR_BAD_TEXT,
     "version: \"1\"\ngroups: "
     "{aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {}}",
     2, 10, "found 257 bytes, expected a name of 1 to 256 bytes"},
    {POLICY_ERROR_BAD_TEXT,
     "version: \"1\"\nagreements: [{name: "
     "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303"
     "\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
     "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303"
     "\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
     "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303"
     "\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
     "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303"
     "\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
     "\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303"
     "\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251\303\251"
     "\303\251\303\251\303\251\303\251}]",
     2, 21, "found 258 bytes, expected a name of 1 to 256 bytes"},
    {POLICY_ERROR_BAD_NUMBER, "version: \"1\"\ngroups: {a: {tier: 0}}", 2, 20,
     "found \"0\", expected a whole number from 1 to 31"},
    {POLICY_ERROR_BAD_NUMBER, "version: \"1\"\ngroups: {a: {tier: 32}}", 2, 20,
     "found \"32\", expected a whole number from 1 to 31"},
    {POLICY_ERROR_BAD_NUMBER, "version: \"1\"\ngroups: {a: {tier: 1.5}}", 2, 20,
     "found \"1.5\", expected a whole number from 1 to 31"},
    {POLICY_ERROR_BAD_NUMBER, "version: \"1\"\nexperience: {targets: {nps: 101}}", 2, 29,
     "found \"101\", expected a whole number from -100 to 100"},
    {POLICY_ERROR_BAD_NUMBER,
     "version: \"1\"\ncontracts: [{name: a, credits: {currency: EUR, monthly_fee: \"100.001\", at_risk: 10%, "
     "lines: []}}]",
     2, 61,
     "found the text \"100.001\", expected an amount over 0 with at most two decimals, like \"100000.00\""},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nflip_window: 1w", 2, 14,
     "found \"1w\", expected a duration like 90s, 15m, 4h, 2d or 1h30m"},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nflip_window: 0s", 2, 14,
     "found \"0s\", expected a duration like 90s, 15m, 4h, 2d or 1h30m"},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nflip_window: 30m1h", 2, 14,
     "found \"30m1h\", expected a duration like 90s, 15m, 4h, 2d or 1h30m"},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nflip_window: 3651d", 2, 14,
     "found \"3651d\", expected a duration like 90s, 15m, 4h, 2d or 1h30m"},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nagreements: [{name: a, kind: sla, warn_at: [30m]}]", 2, 45,
     "found \"30m\", expected a percentage like 75%, or \"30m left\""},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nagreements: [{name: a, kind: sla, warn_at: [\"30mleft\"]}]",
     2, 45, "found the text \"30mleft\", expected a percentage like 75%, or \"30m left\""},
    {POLICY_ERROR_BAD_DURATION, "version: \"1\"\nexperience: {windows: [week]}", 2, 24,
     "found \"week\", expected month, quarter or a duration like 30d"},
    {POLICY_ERROR_BAD_PERCENTAGE, "version: \"1\"\nagreements: [{name: a, kind: sla, attainment_target: 95}]",
     2, 54, "found \"95\", expected a percentage over 0% and at most 100%, like 95% or 12.5%"},
    {POLICY_ERROR_BAD_PERCENTAGE, "version: \"1\"\nagreements: [{name: a, kind: sla, attainment_target: 0%}]",
     2, 54, "found \"0%\", expected a percentage over 0% and at most 100%, like 95% or 12.5%"},
    {POLICY_ERROR_BAD_PERCENTAGE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, attainment_target: 100.01%}]", 2, 54,
     "found \"100.01%\", expected a percentage over 0% and at most 100%, like 95% or 12.5%"},
    {POLICY_ERROR_BAD_PERCENTAGE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, attainment_target: 99.999%}]", 2, 54,
     "found \"99.999%\", expected a percentage over 0% and at most 100%, like 95% or 12.5%"},
    {POLICY_ERROR_BAD_PERCENTAGE, "version: \"1\"\nagreements: [{name: a, kind: sla, warn_at: [50%, 110%]}]",
     2, 50, "found \"110%\", expected a percentage like 75%, or \"30m left\""},
    {POLICY_ERROR_BAD_INSTANT, "version: \"1\"\nfrom: 2026-11-01", 2, 7,
     "found \"2026-11-01\", expected an instant like 2026-11-01T00:00:00Z"},
    {POLICY_ERROR_BAD_INSTANT, "version: \"1\"\nfrom: 2026-11-31T00:00:00Z", 2, 7,
     "found \"2026-11-31T00:00:00Z\", expected an instant like 2026-11-01T00:00:00Z"},
    {POLICY_ERROR_BAD_DATE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, closed: "
     "[2026-02-29]}}",
     2, 84, "found \"2026-02-29\", expected a date like 2026-12-25, or a yearly one like \"12-25\""},
    {POLICY_ERROR_BAD_DATE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, closed: "
     "[\"02-30\"]}}",
     2, 84, "found the text \"02-30\", expected a date like 2026-12-25, or a yearly one like \"12-25\""},
    {POLICY_ERROR_BAD_DATE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, closed: "
     "[25.12.2026]}}",
     2, 84, "found \"25.12.2026\", expected a date like 2026-12-25, or a yearly one like \"12-25\""},
    {POLICY_ERROR_BAD_DATE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, closed: "
     "[0000-01-01]}}",
     2, 84, "found \"0000-01-01\", expected a date like 2026-12-25, or a yearly one like \"12-25\""},
    {POLICY_ERROR_BAD_DATE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, special: "
     "{12-24: []}}}",
     2, 85, "found \"12-24\", expected a date like 2026-12-24"},
    {POLICY_ERROR_BAD_DATE,
     "version: \"1\"\nexperience: {keis: [{name: k, measure: px, window: 30d, target: 90%, review_by: "
     "soon}]}",
     2, 81, "found \"soon\", expected a date like 2027-05-01"},
    {POLICY_ERROR_DUPLICATE_VALUE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, closed: "
     "[2026-12-25, \"12-25\", 2026-12-25]}}",
     2, 105, "the date \"2026-12-25\" stands here twice"},
    {POLICY_ERROR_DUPLICATE_VALUE, "version: \"1\"\ncalendars: {a: {always: true}, b: {union: [a, a]}}", 2,
     47, "the calendar \"a\" stands here twice"},
    {POLICY_ERROR_DUPLICATE_VALUE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, match: {customer: [x, y, x]}}]", 2, 60,
     "the value \"x\" stands here twice"},
    {POLICY_ERROR_DUPLICATE_VALUE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, warn_at: [50%, \"1h left\", 50%]}]", 2, 61,
     "the warning \"50%\" stands here twice"},
    {POLICY_ERROR_DUPLICATE_VALUE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, "
     "counts: [provider, provider]}}}]",
     2, 100, "the party \"provider\" stands here twice"},
    {POLICY_ERROR_DUPLICATE_VALUE, "version: \"1\"\nexperience: {windows: [24h, 1d]}", 2, 29,
     "the window \"1d\" stands here twice"},
    {POLICY_ERROR_DUPLICATE_VALUE,
     "version: \"1\"\nexperience: {scopes: [[customer, group], [group, customer]]}", 2, 42,
     "this scope stands here twice, whatever the order of its dimensions"},
    {POLICY_ERROR_DUPLICATE_VALUE, "version: \"1\"\nexperience: {scopes: [[survey, survey]]}", 2, 32,
     "the dimension \"survey\" stands here twice"},
    {POLICY_ERROR_TOO_FEW, "version: \"1\"\ncalendars: {a: {union: []}}", 2, 24,
     "found nothing in it, expected a list of calendars"},
    {POLICY_ERROR_TOO_FEW,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: {}}}}]", 2,
     77,
     "found nothing in it, expected a duration like 4h, or durations by priority like {P1: 4h, default: 3d}"},
    {POLICY_ERROR_TOO_FEW, "version: \"1\"\nagreements: [{name: a, kind: sla, match: {customer: []}}]", 2, 53,
     "found nothing in it, expected a list of texts"},
    {POLICY_ERROR_TOO_FEW, "version: \"1\"\nagreements: [{name: a, kind: sla, severity: {breach: {}}}]", 2,
     54, "found nothing in it, expected priorities like {P1: critical, default: warning}"},
    {POLICY_ERROR_TOO_FEW, "version: \"1\"\nexperience: {scales: {s: {positive: []}}}", 2, 26,
     "found no score, expected scores like {positive: [4], neutral: [3], negative: [1, 2]}"},
    {POLICY_ERROR_TOO_MANY,
     "version: \"1\"\nagreements: [{name: a, kind: sla, warn_at: [1%, 2%, 3%, 4%, 5%, 6%, 7%, 8%, 9%, 10%, "
     "11%, 12%, 13%]}]",
     2, 44, "found 13 entries, expected at most 12: a list of warnings like [50%, 75%, \"30m left\"]"},
    {POLICY_ERROR_TOO_MANY,
     "version: \"1\"\ncalendars: {a: {union: [a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, "
     "a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, "
     "a, a, a, a, a, a, a, a, a, a]}}",
     2, 24, "found 65 entries, expected at most 64: a list of calendars"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\ngroups: {a: {calendar: berln}}\ncalendars: {berlin: {always: true}}", 2, 24,
     "unknown calendar \"berln\", expected one of this policy; did you mean \"berlin\"?"},
    {POLICY_ERROR_UNKNOWN_NAME, "version: \"1\"\nagreements: [{name: a, kind: sla, calendar: always}]", 2, 45,
     "unknown calendar \"always\", expected one of this policy"},
    {POLICY_ERROR_UNKNOWN_NAME, "version: \"1\"\ncalendars: {a: {union: [b]}}", 2, 25,
     "unknown calendar \"b\", expected one of this policy"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\ngroups: {network-l2: {}}\nagreements: [{name: a, kind: ola, clocks: {h: {measure: "
     "handling, of: {group: network-l3}, target: 1h}}}]",
     3, 79, "unknown group \"network-l3\", expected one of this policy; did you mean \"network-l2\"?"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\nagreements:\n  - {name: a, kind: sla, clocks: {resolution: {measure: resolution, "
     "target: 1h}}}\n  - {name: b, kind: ola, clocks: {h: {measure: handling, of: {party: provider}, target: "
     "1h, supports: sla/resolutoin}}}",
     4, 103,
     "unknown clock \"sla/resolutoin\", expected one of this policy; did you mean \"sla/resolution\"?"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\nagreements: [{name: a, kind: ola, clocks: {h: {measure: handling, of: {party: "
     "provider}, target: 1h, supports: h}}}]",
     2, 112, "found \"h\", expected the clock of an SLA, like sla/resolution"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\nagreements: [{name: a, kind: ola, clocks: {h: {measure: handling, of: {party: "
     "provider}, target: 1h, supports: ola/h}}}]",
     2, 112, "found \"ola/h\", expected the clock of an SLA, like sla/resolution"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\nagreements: [{name: a, kind: sla, warn_at: [90%], severity: {warn-9%: info}}]", 2, 62,
     "unknown stage \"warn-9%\", expected breach, risk, slack or a warning of warn_at like warn-90%; did you "
     "mean \"warn-90%\"?"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, "
     "severity: {warn-50%: info}}}}]",
     2, 92, "unknown stage \"warn-50%\", expected breach, risk, slack or a warning of warn_at like warn-90%"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\ncontracts: [{name: a, credits: {currency: EUR, monthly_fee: \"1\", at_risk: 10%, "
     "lines: [{clock: sla/r, target: 95%, allocation: 50%, share: 40%}]}}]",
     2, 96, "unknown clock \"sla/r\", expected one of this policy"},
    {POLICY_ERROR_DUPLICATE_NAME, "version: \"1\"\nagreements: [{name: a, kind: sla}, {name: a, kind: sla}]",
     2, 43, "two agreements of kind sla have the name \"a\""},
    {POLICY_ERROR_DUPLICATE_NAME,
     "version: \"1\"\nagreements:\n  - {name: a, kind: uc, clocks: {x: {measure: resolution, target: 1h}}}\n "
     " - {name: b, kind: uc, clocks: {x: {measure: resolution, target: 1h}}}",
     4, 34, "two clocks of kind uc have the name \"x\", the first at 3:34"},
    {POLICY_ERROR_DUPLICATE_NAME, "version: \"1\"\ncontracts: [{name: a}, {name: b}, {name: a}]", 2, 42,
     "two contracts have the name \"a\", the first at 2:20"},
    {POLICY_ERROR_DUPLICATE_NAME, "version: \"1\"\nexperience: {scales: {nps: {positive: [1]}}}", 2, 23,
     "the scale nps is built in, expected another name"},
    {POLICY_ERROR_DUPLICATE_NAME,
     "version: \"1\"\nexperience: {keis: [{name: k, measure: px, window: 30d, target: 90%}, {name: k, "
     "measure: px, window: 30d, target: 90%}]}",
     2, 78, "two KEIs have the name \"k\", the first at 2:28"},
    {POLICY_ERROR_NOT_HERE, "version: \"1\"\ncalendars: {a: {always: true, week: {}}}", 2, 31,
     "found \"week\" beside always, expected always alone in its calendar"},
    {POLICY_ERROR_NOT_HERE, "version: \"1\"\ncalendars: {a: {union: [b], closed: []}, b: {always: true}}", 2,
     29, "found \"closed\" beside union, expected union alone in its calendar"},
    {POLICY_ERROR_NOT_HERE, "version: \"1\"\nstatuses: {Done: {state: solved, on: customer}}", 2, 34,
     "found on beside state solved, expected it with open or waiting only: nobody has the ball then"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\ngroups: {g: {}}\nagreements: [{name: a, kind: ola, match: {group: g}, clocks: {h: "
     "{measure: handling, of: {group: g}, target: 1h}}}]",
     3, 43, "found group in the match of an agreement whose clock is of a group, expected it in one place"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, start: "
     "handoff}}}]",
     2, 81, "found start, expected it with measure first_response only"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, of: "
     "{party: customer}}}}]",
     2, 81, "found of, expected it with measure handling only"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, mode: "
     "per_stay}}}]",
     2, 81, "found mode, expected it with measure handling only"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\nagreements: [{name: a, kind: ola, clocks: {h: {measure: handling, of: {party: "
     "provider}, target: 1h, counts: everyone}}}]",
     2, 102, "found counts, expected it with other measures than handling only"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\ngroups: {g: {}}\nagreements: [{name: a, kind: ola, clocks: {h: {measure: handling, of: "
     "{party: provider, group: g}, target: 1h}}}]",
     3, 71, "found both, expected either {group: NAME} or {party: PARTY}"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\nagreements: [{name: a, kind: ola, clocks: {h: {measure: handling, of: {party: "
     "provider}, target: 1h, attainment: yes}}}]",
     2, 102, "found attainment, expected it in an SLA only"},
    {POLICY_ERROR_NOT_HERE,
     "version: \"1\"\nagreements: [{name: a, kind: sla, clocks: {r: {measure: resolution, target: 4h, "
     "supports: sla/r}}}]",
     2, 81, "found supports, expected it in an OLA or a UC only"},
    {POLICY_ERROR_BAD_ZONE_NAME, "version: \"1\"\ncalendars: {a: {time_zone: ../etc/passwd}}", 2, 28,
     "found \"../etc/passwd\", expected the name of a time zone like Europe/Berlin"},
    {POLICY_ERROR_BAD_ZONE_NAME, "version: \"1\"\ncalendars: {a: {time_zone: /Europe/Berlin}}", 2, 28,
     "found \"/Europe/Berlin\", expected the name of a time zone like Europe/Berlin"},
    {POLICY_ERROR_BAD_ZONE_NAME, "version: \"1\"\ncalendars: {a: {time_zone: Europe//Berlin}}", 2, 28,
     "found \"Europe//Berlin\", expected the name of a time zone like Europe/Berlin"},
    {POLICY_ERROR_BAD_ZONE_NAME, "version: \"1\"\ncalendars: {a: {time_zone: Europe/}}", 2, 28,
     "found \"Europe/\", expected the name of a time zone like Europe/Berlin"},
    {POLICY_ERROR_UNKNOWN_ZONE, "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berln}}", 2, 28,
     "unknown time zone \"Europe/Berln\", expected one that the zone directory has, like Europe/Berlin"},
    {POLICY_ERROR_BAD_ZONE, "version: \"1\"\ncalendars: {a: {time_zone: Test/Broken}}", 2, 28,
     "the file of the time zone \"Test/Broken\" is not sound: the file ends within a header"},
    {POLICY_ERROR_UNKNOWN_DAY,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {monday: []}}}", 2, 50,
     "unknown day \"monday\", expected mon, tue, wed, thu, fri, sat, sun, a range like mon-fri, or daily"},
    {POLICY_ERROR_UNKNOWN_DAY,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon-mon: []}}}", 2, 50,
     "unknown day \"mon-mon\", expected mon, tue, wed, thu, fri, sat, sun, a range like mon-fri, or daily"},
    {POLICY_ERROR_UNKNOWN_DAY, "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {Mon: []}}}",
     2, 50,
     "unknown day \"Mon\", expected mon, tue, wed, thu, fri, sat, sun, a range like mon-fri, or daily; did "
     "you mean \"mon\"?"},
    {POLICY_ERROR_DAY_TWICE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon-fri: [], wed: []}}}", 2, 63,
     "the key \"wed\" names wed, which an earlier key names too"},
    {POLICY_ERROR_DAY_TWICE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {sun-tue: [], mon: []}}}", 2, 63,
     "the key \"mon\" names mon, which an earlier key names too"},
    {POLICY_ERROR_DAY_TWICE,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {sat: [], daily: []}}}", 2, 59,
     "the key \"daily\" names sat, which an earlier key names too"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"9:00-17:00\"]}}}", 2, 56,
     "found the text \"9:00-17:00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09:00-09:00\"]}}}", 2, 56,
     "found the text \"09:00-09:00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"24:00-01:00\"]}}}", 2, 56,
     "found the text \"24:00-01:00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09:00-24:01\"]}}}", 2, 56,
     "found the text \"09:00-24:01\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09:60-10:00\"]}}}", 2, 56,
     "found the text \"09:60-10:00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09:00 - 17:00\"]}}}", 2, 56,
     "found the text \"09:00 - 17:00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09.00-17.00\"]}}}", 2, 56,
     "found the text \"09.00-17.00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"00:00-00:00\"]}}}", 2, 56,
     "found the text \"00:00-00:00\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_BAD_WINDOW,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {daily: [\"09:00-17:00\"]}, special: "
     "{2026-12-24: [9-12]}}}",
     2, 98, "found \"9-12\", expected a window like 09:00-17:00, with 24:00 only as its end"},
    {POLICY_ERROR_OVERLAPPING_WINDOWS,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"09:00-12:00\", "
     "\"11:59-13:00\"]}}}",
     2, 71, "the window \"11:59-13:00\" overlaps \"09:00-12:00\" of the same day"},
    {POLICY_ERROR_OVERLAPPING_WINDOWS,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"22:00-06:00\", "
     "\"23:00-24:00\"]}}}",
     2, 71, "the window \"23:00-24:00\" overlaps \"22:00-06:00\" of the same day"},
    {POLICY_ERROR_OVERLAPPING_WINDOWS,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: [\"13:00-18:00\", "
     "\"08:00-12:00\", \"10:00-14:00\"]}}}",
     2, 86, "the window \"10:00-14:00\" overlaps \"13:00-18:00\" of the same day"},
    {POLICY_ERROR_UNION_CIRCLE, "version: \"1\"\ncalendars: {a: {union: [a]}}", 2, 25,
     "the union \"a\" contains itself by way of \"a\""},
    {POLICY_ERROR_UNION_CIRCLE,
     "version: \"1\"\ncalendars:\n  a: {union: [d, b]}\n  b: {union: [c]}\n  c: {union: [d, a]}\n  d: "
     "{always: true}",
     5, 18, "the union \"c\" contains itself by way of \"a\""},
    {POLICY_ERROR_NEVER_OPEN, "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {}}}", 2, 13,
     "the calendar \"a\" is never open, expected a window on some day that is not closed"},
    {POLICY_ERROR_NEVER_OPEN, "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin}}", 2, 13,
     "the calendar \"a\" is never open, expected a window on some day that is not closed"},
    {POLICY_ERROR_NEVER_OPEN,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, week: {mon: []}, special: {2026-12-24: []}}}",
     2, 13, "the calendar \"a\" is never open, expected a window on some day that is not closed"},
    {POLICY_ERROR_NEVER_OPEN,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, special: {2026-12-24: [\"09:00-12:00\"]}, "
     "closed: [2026-12-24]}}",
     2, 13, "the calendar \"a\" is never open, expected a window on some day that is not closed"},
    {POLICY_ERROR_NEVER_OPEN,
     "version: \"1\"\ncalendars: {a: {time_zone: Europe/Berlin, special: {2026-03-29: [\"02:10-02:50\"]}}}",
     2, 13, "the calendar \"a\" is never open, expected a window on some day that is not closed"},
    {POLICY_ERROR_BAD_SCALE,
     "version: \"1\"\nexperience: {scales: {s: {positive: [3, 4], negative: [1, 3]}}}", 2, 59,
     "the score \"3\" stands in this scale twice"},
    {POLICY_ERROR_BAD_SCALE, "version: \"1\"\nexperience: {scales: {s: {positive: [20000], negative: [1]}}}",
     2, 26, "found scores over 10000 apart, expected less"},
    {POLICY_ERROR_BAD_MEASURE,
     "version: \"1\"\nexperience: {keis: [{name: k, measure: pxx, window: 30d, target: 90%}]}", 2, 40,
     "unknown measure \"pxx\"; did you mean \"px\"? Expected px, nps, csat, ces, lost_minutes, reopen_rate, "
     "repeat_contact_rate, bounce_count, first_contact_resolution, tier_share:N, honest_attainment, "
     "experienced_p50, experienced_p90 or aspect:NAME"},
    {POLICY_ERROR_BAD_MEASURE,
     "version: \"1\"\nexperience: {keis: [{name: k, measure: \"tier_share:0\", window: 30d, target: 90%}]}",
     2, 40,
     "unknown measure \"tier_share:0\", expected px, nps, csat, ces, lost_minutes, reopen_rate, "
     "repeat_contact_rate, bounce_count, first_contact_resolution, tier_share:N, honest_attainment, "
     "experienced_p50, experienced_p90 or aspect:NAME"},
    {POLICY_ERROR_BAD_MEASURE,
     "version: \"1\"\nexperience: {keis: [{name: k, measure: \"aspect:\", window: 30d, target: 90%}]}", 2, 40,
     "unknown measure \"aspect:\", expected px, nps, csat, ces, lost_minutes, reopen_rate, "
     "repeat_contact_rate, bounce_count, first_contact_resolution, tier_share:N, honest_attainment, "
     "experienced_p50, experienced_p90 or aspect:NAME"},
    {POLICY_ERROR_BAD_CURRENCY,
     "version: \"1\"\ncontracts: [{name: a, credits: {currency: euro, monthly_fee: \"1\", at_risk: 10%, "
     "lines: []}}]",
     2, 43, "found \"euro\", expected a currency of three letters like EUR"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\n# \303\244\303\266\303\274\ngroups: {\303\244\303\266\303\274: {calendar: x}}", 3, 26,
     "unknown calendar \"x\", expected one of this policy"},
    {POLICY_ERROR_UNKNOWN_NAME, "version: \"1\"\ngroups: {a: {calendar: \"\\e[31m\\n\\x9b\\\"\"}}", 2, 24,
     "unknown calendar \"\\x1b[31m\\x0a\\x9b\\\"\", expected one of this policy"},
    {POLICY_ERROR_UNKNOWN_NAME,
     "version: \"1\"\ngroups: {a: {calendar: "
     "\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303"
     "\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274"
     "\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303"
     "\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274"
     "\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274}}",
     2, 24,
     "unknown calendar "
     "\"\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303"
     "\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274\303\274...\", "
     "expected one of this policy"},
};

static int
read_zone(void *context, struct slice name, struct buffer *out)
{
    const struct policy_zone_reader *files = context;

    if (!slice_is(name, "Test/Broken"))
        return files->read(files->context, name, out);
    buffer_append_text(out, "TZif? no");
    return 0;
}

/* Loads; a copy of just these bytes, so that a step beyond them is seen by the sanitizer. Nothing may stay
 * behind. */
static void
expect_error(struct slice text, struct policy_error *error)
{
    struct policy_zone_reader files = policy_files_zone_reader(TESTS_DIR "/zoneinfo");
    const struct policy_zone_reader reader = {&files, read_zone};
    struct symbols *symbols = symbols_new();
    char *copy = memory_copy(text.at, text.bytes);

    assert_null(
        policy_yaml_load((struct slice){copy, text.bytes}, slice_of("p.yaml"), &reader, symbols, error));
    assert_int_equal(symbols_count(symbols), 0);
    assert_true(slice_is(error->file, "p.yaml"));
    memory_free(copy);
    symbols_free(symbols);
}

static void
check_row(const struct row *row, bool *seen)
{
    struct policy_error error;
    struct buffer found = {0}, expected = {0};
    char place[64];

    expect_error(slice_of(row->text), &error);
    policy_error_format(&error, &found);
    (void)snprintf(place, sizeof place, "p.yaml:%u:%u: ", row->line, row->column);
    buffer_append_text(&expected, place);
    buffer_append_text(&expected, row->message);
    buffer_append_byte(&expected, '\0');
    buffer_append_byte(&found, '\0');
    assert_string_equal(found.at, expected.at);
    assert_string_equal(policy_error_code_text(error.code), policy_error_code_text(row->code));
    assert_true(strlen(error.message) <= 300);
    seen[error.code] = true;
    buffer_free(&found);
    buffer_free(&expected);
}

static void
check_too_large(bool *seen)
{
    struct slice text = {memory_allocate(YAML_BYTES_MAX + 1), YAML_BYTES_MAX + 1};
    struct policy_error error;

    memset((char *)(uintptr_t)text.at, ' ', text.bytes);
    expect_error(text, &error);
    assert_string_equal(error.message, "found 4194305 bytes, expected at most 4194304");
    assert_int_equal(error.code, POLICY_ERROR_TOO_LARGE);
    assert_int_equal(error.line * 10 + error.column, 11);
    seen[error.code] = true;
    text.bytes--; /* exactly 4 MiB is accepted, and empty */
    expect_error(text, &error);
    assert_int_equal(error.code, POLICY_ERROR_WRONG_TYPE);
    memory_free((char *)(uintptr_t)text.at);
}

static struct policy *
load(const char *text, const char *file, struct symbols *symbols)
{
    const struct policy_zone_reader reader = {NULL, read_zone};
    struct policy_error error;
    struct policy *policy = policy_yaml_load(slice_of(text), slice_of(file), &reader, symbols, &error);

    assert_non_null(policy);
    return policy;
}

static void
check_set(bool *seen)
{
    static const char *const texts[] = {"{version: a}", "{version: b, from: 2026-01-01T00:00:00Z}",
                                        "{version: a, from: 2027-01-01T00:00:00Z}",
                                        "{version: c, from: 2026-01-01T01:00:00+01:00}"};
    struct symbols *symbols = symbols_new();
    struct policy *policies[4];
    struct policy *pair[3];
    struct policy_error error;

    for (int i = 0; i < 4; i++)
        policies[i] = load(texts[i], (const char *[]){"a.yaml", "b.yaml", "c.yaml", "d.yaml"}[i], symbols);
    assert_int_equal(policy_yaml_check_set(policies, 2, &error), 0);
    assert_int_equal(policy_yaml_check_set(policies, 3, &error), -1);
    assert_int_equal(error.code, POLICY_ERROR_VERSION_TWICE);
    assert_true(slice_is(error.file, "c.yaml"));
    assert_string_equal(error.message, "this is version \"a\", and so is \"a.yaml\"");
    seen[error.code] = true;
    memcpy(pair, (struct policy *[]){policies[0], policies[1], policies[3]}, sizeof pair);
    assert_int_equal(policy_yaml_check_set(pair, 3, &error), -1);
    assert_int_equal(error.code, POLICY_ERROR_FROM_TWICE);
    assert_true(slice_is(error.file, "d.yaml"));
    assert_string_equal(error.message, "version \"c\" has the same `from` as \"b.yaml\" (version \"b\")");
    assert_int_equal(error.line * 10 + error.column, 11);
    seen[error.code] = true;
    for (int i = 0; i < 4; i++)
        policy_free(policies[i]);
    assert_int_equal(symbols_count(symbols), 0);
    symbols_free(symbols);
}

static void
check_unreadable(bool *seen)
{
    struct symbols *symbols = symbols_new();
    struct buffer errors = {0};

    assert_null(policy_files_load("/nowhere/\x1b[31m.yaml", "/nowhere", symbols, &errors));
    buffer_append_byte(&errors, '\0');
    assert_string_equal(
        errors.at,
        "/nowhere/\\x1b[31m.yaml:1:1: cannot be read as a policy: No such file or directory [unreadable]\n");
    seen[POLICY_ERROR_UNREADABLE] = true;
    buffer_free(&errors);
    symbols_free(symbols);
}

static void
every_row_is_reached(void **state)
{
    bool seen[POLICY_ERROR_CODES_COUNT] = {[POLICY_ERROR_NONE] = true};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i], seen);
    check_too_large(seen);
    check_set(seen);
    check_unreadable(seen);
    for (enum policy_error_code code = 0; code < POLICY_ERROR_CODES_COUNT; code++) {
        if (!seen[code])
            fail_msg("nothing reaches %s", policy_error_code_text(code));
        assert_true(code == POLICY_ERROR_NONE || strlen(policy_error_help(code)) > 10);
    }
}

static void
codes_are_different(void **state)
{
    (void)state;
    for (enum policy_error_code a = 0; a < POLICY_ERROR_CODES_COUNT; a++)
        for (enum policy_error_code b = 0; b < a; b++)
            assert_string_not_equal(policy_error_code_text(a), policy_error_code_text(b));
}

/* docs/policy.md has a row for each, in the table's words. */
static void
every_row_is_documented(void **state)
{
    static char page[65536];
    FILE *file = fopen(TESTS_DIR "/../docs/policy.md", "r");

    (void)state;
    assert_non_null(file);
    page[fread(page, 1, sizeof page - 1, file)] = '\0';
    (void)fclose(file);
    for (enum policy_error_code code = 1; code < POLICY_ERROR_CODES_COUNT; code++) {
        char row[512];

        (void)snprintf(row, sizeof row, "\n| `%s` | %s |\n", policy_error_code_text(code),
                       policy_error_help(code));
        if (strstr(page, row) == NULL)
            fail_msg("docs/policy.md lacks %s", row);
    }
}

static void
the_first_error_stays(void **state)
{
    struct policy_error error = {0};

    (void)state;
    policy_error_set(&error, POLICY_ERROR_ALIAS, 3, 4, "one %d", 1);
    policy_error_set(&error, POLICY_ERROR_TAG, 5, 6, "two");
    assert_int_equal(error.code, POLICY_ERROR_ALIAS);
    assert_int_equal(error.line, 3);
    assert_string_equal(error.message, "one 1");
}

static void
messages_are_cut_between_characters(void **state)
{
    struct policy_error error = {0};
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 2 == 0 ? '\xc3' : '\xa4';
    text[598] = '\0';
    policy_error_set(&error, POLICY_ERROR_ALIAS, 1, 1, "x%s", text);
    assert_int_equal(strlen(error.message), 299);
    assert_memory_equal(error.message + 297, "\xc3\xa4", 3);
    error = (struct policy_error){0};
    policy_error_set(&error, POLICY_ERROR_ALIAS, 1, 1, "%s", text);
    assert_int_equal(strlen(error.message), 300);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_reached),
        cmocka_unit_test(codes_are_different),
        cmocka_unit_test(every_row_is_documented),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(messages_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
