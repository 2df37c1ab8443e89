/*
 * slactl lint: what a policy promises against what stands behind it (semantics.md section 10).
 *
 * Why a command of its own beside check: check says whether slad takes a policy; lint says whether one
 * should. It is meant to run before a policy goes out, by people and by a pipeline that stops at exit
 * status 1.
 *
 * Always true: the newest version is judged, over one year; what is printed is in order, so two runs compare.
 *
 * Not here: the checks (lint_chains, lint_calendars, lint_matches).
 */
#include "slactl/lint.h"
#include "base/instant.h"
#include "shell/policy_files.h"
#include "shell/wallclock.h"
#include "slactl/words.h"
#include "wire/print.h"
#include <stdlib.h>

enum { DAY_MS = 86400000, YEAR_MIN = 1971, YEAR_MAX = 2100 };

struct lint_options {
    const char *path, *zoneinfo_dir;
    int year;
    bool json;
};

static int
year_of(int64_t at_ms)
{
    return (int)instant_civil_from_days(at_ms / DAY_MS - (at_ms % DAY_MS < 0)).year;
}

/* The present year, or the one in which the newest version comes into force when that is later. */
static int
year_by_default(const struct policy *policy)
{
    int now = year_of(wallclock_wall_ms()),
        from = policy->from_ms != INT64_MIN ? year_of(policy->from_ms) : now;

    return from > now && from <= YEAR_MAX ? from : now;
}

static void
print_sum(const struct lint *lint, const struct lint_options *options)
{
    size_t warnings = findings_count(&lint->findings, LINT_WARNS),
           fails = findings_count(&lint->findings, LINT_FAILS);
    size_t late = lint->chains - lint->chains_fit;
    struct buffer line = {0};

    if (!options->json) {
        (void)printf("%.*s, starts of %d: %zu chain%s, %zu fit%s, %zu do%s not; %zu warning%s\n",
                     (int)lint->policy->label.bytes, lint->policy->label.at, options->year, lint->chains,
                     lint->chains == 1 ? "" : "s", lint->chains_fit, lint->chains_fit == 1 ? "s" : "", late,
                     late == 1 ? "es" : "", warnings, warnings == 1 ? "" : "s");
        return;
    }
    buffer_append_text(&line, "{\"record\":\"sum\"");
    print_key(&line, "policy"), print_text(&line, lint->policy->label);
    print_key(&line, "year"), buffer_append_int64(&line, options->year);
    print_key(&line, "chains"), buffer_append_int64(&line, (int64_t)lint->chains);
    print_key(&line, "chains_fit"), buffer_append_int64(&line, (int64_t)lint->chains_fit);
    print_key(&line, "fails"), buffer_append_int64(&line, (int64_t)fails);
    print_key(&line, "warnings"), buffer_append_int64(&line, (int64_t)warnings);
    buffer_append_text(&line, "}\n");
    (void)fwrite(line.at, 1, line.bytes, stdout);
    buffer_free(&line);
}

static int
lint_set(const struct policy_set *set, const struct symbols *symbols, struct lint_options *options)
{
    struct lint lint = {.set = set, .version = policy_set_count(set) - 1, .symbols = symbols};
    int status;

    lint.policy = policy_set_version(set, lint.version);
    if (options->year == 0)
        options->year = year_by_default(lint.policy);
    lint.from_ms = instant_days_from_civil(options->year, 1, 1) * DAY_MS;
    lint.to_ms = instant_days_from_civil(options->year + 1, 1, 1) * DAY_MS;
    lint.span = chain_span_new(lint.from_ms, lint.to_ms);
    lint_chains(&lint);
    chain_span_free(lint.span);
    lint_calendars(&lint);
    lint_matches(&lint);
    findings_sort(&lint.findings);
    if (options->json)
        findings_print_json(&lint.findings, stdout);
    else
        findings_print(&lint.findings, stdout);
    print_sum(&lint, options);
    status = findings_count(&lint.findings, LINT_FAILS) > 0 ? 1 : 0;
    findings_done(&lint.findings);
    return status;
}

static int lint_run(int argc, char **argv);

static const struct command_option lint_option_rows[] = {
    {"json", 'j', NULL, "NDJSON: a finding a line, at the end the sum"},
    {"year", 'y', "YEAR", "the starts of this year, in UTC (default: the present one)"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    {0},
};

const struct command lint_command = {
    .name = "lint",
    .run = lint_run,
    .help = "can the inside keep what is promised outside, and what looks wrong in a policy?",
    .usage = "POLICY [OPTION]...",
    .operands = "POLICY",
    .text =
        "Can the OLAs and UCs of the newest version keep its SLAs, from every start instant of a year? And "
        "what in it is probably not meant so. docs/lint.md lists the codes.",
    .options = lint_option_rows,
    .fails = "something does not fit",
};

static int
parse_options(int argc, char **argv, struct lint_options *options)
{
    int option;

    while ((option = command_next(&lint_command, argc, argv)) != COMMAND_END) {
        if (option == 'j') {
            options->json = true;
        } else if (option == 'z') {
            options->zoneinfo_dir = optarg;
        } else if (option == 'y') {
            char *end;
            long year = strtol(optarg, &end, 10);

            if (*end != '\0' || year < YEAR_MIN || year > YEAR_MAX)
                return command_refuse(&lint_command, "--year: expected a year from %d to %d", YEAR_MIN,
                                      YEAR_MAX);
            options->year = (int)year;
        } else {
            return option == COMMAND_HELP ? 1 : COMMAND_REFUSED;
        }
    }
    if (optind != argc - 1)
        return command_refuse(&lint_command, "expected one POLICY");
    options->path = argv[optind];
    return 0;
}

static int
lint_run(int argc, char **argv)
{
    struct lint_options options = {.zoneinfo_dir = policy_files_zoneinfo_default()};
    int status = parse_options(argc, argv, &options);
    struct buffer errors = {0};
    struct symbols *symbols;
    struct policy_set *set;

    if (status != 0)
        return status == 1 ? 0 : 2;
    symbols = symbols_new();
    set = policy_files_load(options.path, options.zoneinfo_dir, symbols, &errors);
    if (set == NULL) {
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
        status = 2;
    } else {
        status = lint_set(set, symbols, &options);
        if (fflush(stdout) != 0)
            status = 2;
    }
    buffer_free(&errors);
    policy_set_free(set);
    symbols_free(symbols);
    return status;
}
