/*
 * slactl report: one month of one customer, for the committee, from outcomes alone.
 *
 * Why this way: slad.outcomes is the truth that everything else is folded from, so a report can be made by
 * anyone who has read it, years later, and says the same. The policy adds what outcomes do not carry:
 * targets, owners, contracts, and whose duty a clock is.
 *
 * Always true: same outcomes and options, same bytes; no clock is read.
 *
 * Not here: reading (report_read), figures (report_figures ...), the page (report_page), JSON (report_json).
 */
#include "slactl/report.h"
#include "base/instant.h"
#include "base/memory.h"
#include "core/score_windows.h"
#include "shell/policy_files.h"
#include "slactl/report_markup.h"
#include "slactl/report_model.h"
#include <stdio.h>

enum { ARENA_BYTES = 1 << 16, DAY_OF_MONTH = 15 };

#define DAY_MS INT64_C(86400000)

const char *
report_side_text(enum report_side side)
{
    static const char *const texts[SIDES_COUNT] = {[SIDE_PROVIDER] = "provider",
                                                   [SIDE_CUSTOMER] = "customer",
                                                   [SIDE_SUPPLIER] = "supplier",
                                                   [SIDE_INSIDE] = "inside",
                                                   [SIDE_UNKNOWN] = "unknown"};

    return texts[side];
}

/* ---- options ---- */

static int report_run(int argc, char **argv);

static const struct command_option report_options[] = {
    {"customer", 'c', "NAME", "whose report; needed"},
    {"month", 'm', "YYYY-MM", "which month; needed"},
    {"contract", 'k', "NAME", "only this contract"},
    {"ticket-url", 't', "TEMPLATE", "an http(s) address with {ticket} in it: tickets become links"},
    {"policy", 'p', "POLICY", "adds targets, indicators and contracts (with a configuration: its own)"},
    {"until", 'u', "TIME", "without what was learnt after this instant"},
    {"json", 'j', NULL, "the figures instead of the page"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    REACH_OPTIONS,
    {0},
};

const struct command report_command = {
    .name = "report",
    .run = report_run,
    .help = "one month of one customer for the committee, as a page or JSON",
    .usage = "--customer NAME --month YYYY-MM [OPTION]... [FILE...]\n--customer NAME --month YYYY-MM "
             "--config FILE "
             "[OPTION]...",
    .operands = "FILE",
    .text = "One month of one customer for the committee, as a page (HTML, A4) on standard output. A FILE "
            "(standard "
            "input by default) is NDJSON in the order of the log: outcomes as slactl replay --emit outcomes "
            "prints "
            "them, or the records alone, or {\"offset\":N,\"value\":RECORD}. With the daemon's "
            "configuration: its "
            "topic of outcomes, from the beginning to where it ends now.",
    .options = report_options,
    .fails = "nothing of the customer in that month, or a record, a file or the brokers fail",
};

static int
refuse(const char *why)
{
    return command_refuse(&report_command, "%s", why);
}

static int
digit_of(char byte)
{
    return byte >= '0' && byte <= '9' ? byte - '0' : -1;
}

/* "2026-11" */
static int
parse_month(struct report *report)
{
    static const char shape[] = "0000-00";
    const char *text = report->month;
    int32_t numbers[2] = {0, 0};

    if (strlen(text) != sizeof shape - 1 || text[4] != '-')
        return -1;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (i == 4)
            continue;
        if (digit_of(text[i]) < 0)
            return -1;
        numbers[i > 4] = numbers[i > 4] * 10 + digit_of(text[i]);
    }
    report->year = numbers[0];
    report->month_of_year = numbers[1];
    return report->year >= 1970 && report->month_of_year >= 1 && report->month_of_year <= 12 ? 0 : -1;
}

static int
check_options(struct report *report)
{
    if (report->customer == NULL || report->month == NULL)
        return refuse("--customer and --month are both needed");
    if (parse_month(report) != 0)
        return refuse("--month: expected a month from 1970 on, like 2026-11");
    if (report->ticket_url != NULL && !report_markup_is_template(report->ticket_url))
        return refuse("--ticket-url: expected http:// or https:// and {ticket}, without quotes and blanks");
    return 0;
}

static int
take_option(struct report *report, int option)
{
    switch (option) {
    case 'c':
        report->customer = optarg;
        break;
    case 'm':
        report->month = optarg;
        break;
    case 'k':
        report->contract = optarg;
        break;
    case 't':
        report->ticket_url = optarg;
        break;
    case 'p':
        report->policy_path = optarg;
        break;
    case 'z':
        report->zoneinfo_dir = optarg;
        break;
    case 'j':
        report->json = true;
        break;
    case 'u':
        report->has_until = true;
        if (instant_parse(slice_of(optarg), &report->until_ms) != 0)
            return refuse("--until: expected an RFC 3339 instant");
        break;
    default:
        if (reach_take_option(&report->reach, option, optarg))
            break;
        return option == COMMAND_HELP ? 1 : COMMAND_REFUSED;
    }
    return 0;
}

static int
parse_options(struct report *report, int argc, char **argv)
{
    int option, status = 0;

    while (status == 0 && (option = command_next(&report_command, argc, argv)) != COMMAND_END)
        status = take_option(report, option);
    if (status == 0 && reach_is_wanted(&report->reach) && optind < argc)
        return refuse("either files or a configuration");
    return status != 0 ? status : check_options(report);
}

/* ---- the policy and the month ---- */

/* Without --policy: the scales that are built in, and nothing else. */
static struct policy_set *
load_empty(struct symbols *symbols)
{
    const struct policy_zone_reader reader = {NULL, NULL};
    struct policy_error error;
    struct policy *policy =
        policy_yaml_load(slice_of("version: none\n"), slice_of("none"), &reader, symbols, &error);

    return policy_set_new(&policy, 1, symbols);
}

/* The configuration, if the topic is to be read: what was not asked for is as it says. 0, or 2: it was said.
 */
static int
open_reach(struct report *report)
{
    if (reach_is_wanted(&report->reach)) {
        if (reach_open(&report->reach) != 0)
            return 2;
        if (report->policy_path == NULL && report->reach.config_file != NULL)
            report->policy_path = report->reach.config->policy;
        if (report->zoneinfo_dir == NULL)
            report->zoneinfo_dir = report->reach.config->zoneinfo_dir;
    }
    if (report->zoneinfo_dir == NULL)
        report->zoneinfo_dir = policy_files_zoneinfo_default();
    return 0;
}

static int
load_policies(struct report *report)
{
    struct buffer errors = {0};

    report->has_policy = report->policy_path != NULL;
    report->set = report->has_policy
                      ? policy_files_load(report->policy_path, report->zoneinfo_dir, report->symbols, &errors)
                      : load_empty(report->symbols);
    if (report->set == NULL)
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
    buffer_free(&errors);
    return report->set == NULL ? 2 : 0;
}

static int
zone_of_contract(const struct report *report)
{
    const struct policy *policy = report->policy;

    for (size_t i = 0; i < policy->contracts_count; i++)
        if (report->contract != NULL && slice_is(policy->contracts[i].name, report->contract) &&
            policy->contracts[i].zone != POLICY_NONE)
            return policy->contracts[i].zone;
    return policy->experience.zone;
}

/* The month in the contract's zone, else that of experience, else UTC. */
static void
find_month(struct report *report)
{
    int64_t middle_ms = instant_days_from_civil(report->year, report->month_of_year, DAY_OF_MONTH) * DAY_MS;
    int zone;

    report->policy = policy_set_version(report->set, policy_set_in_force(report->set, middle_ms));
    zone = zone_of_contract(report);
    report->zone = zone != POLICY_NONE ? report->policy->zones[zone].zone : NULL;
    report->zone_name = zone != POLICY_NONE ? report->policy->zones[zone].name : slice_of("UTC");
    report->span = (struct scores_span){score_windows_month_ms(report->zone, middle_ms, -1) - 1,
                                        score_windows_month_ms(report->zone, middle_ms, 0) - 1,
                                        score_windows_month_ms(report->zone, middle_ms, 1) - 1};
    report->policy =
        policy_set_version(report->set, policy_set_in_force(report->set, report->span.through_ms));
}

static int
check_contract(const struct report *report)
{
    const struct policy *policy = report->policy;

    if (report->contract == NULL || !report->has_policy)
        return 0;
    for (size_t i = 0; i < policy->contracts_count; i++)
        if (slice_is(policy->contracts[i].name, report->contract))
            return 0;
    return refuse("--contract: the policy in force at the month's end has no contract of that name");
}

/* ---- the command ---- */

static void
begin(struct report *report)
{
    struct scores_options options = {.symbols = report->symbols,
                                     .sink = {.context = report,
                                              .kei = report_figures_hear_kei,
                                              .pxa = report_figures_hear_pxa,
                                              .watermelon = report_figures_hear_watermelon,
                                              .credit = report_figures_hear_credit},
                                     .publish_every_ms = 1000,
                                     .retire_after_ms = -1,
                                     .allowed_skew_ms = -1,
                                     .accept_age_ms = -1};

    report->customer_symbol = symbols_intern(report->symbols, slice_of(report->customer));
    if (report->contract != NULL)
        report->contract_symbol = symbols_intern(report->symbols, slice_of(report->contract));
    report_figures_cuts(report);
    options.cuts = report->cuts;
    options.cuts_count = report->cuts_count;
    report->scores = scores_new(&options, report->set);
    scores_set_rebuilding(report->scores, true, report->span.through_ms);
}

static void
end(struct report *report)
{
    report_read_done(report);
    scores_free(report->scores);
    memory_free(report->improvements);
    symbols_release(report->symbols, report->customer_symbol);
    symbols_release(report->symbols, report->contract_symbol);
}

static int
write_out(const struct report *report)
{
    struct buffer out = {0};
    bool failed;

    if (report->json)
        report_json_print(&out, report);
    else
        report_page_print(&out, report);
    failed = fwrite(out.at, 1, out.bytes, stdout) != out.bytes || fflush(stdout) != 0;
    if (failed)
        fputs("slactl report: cannot write\n", stderr);
    buffer_free(&out);
    return failed ? 1 : 0;
}

static int
run(struct report *report, int paths_count, char **paths)
{
    int status;

    begin(report);
    report_read(report, paths_count, paths);
    report_figures_collect(report);
    report_facts_collect(report);
    report_improve(report);
    status = write_out(report);
    if (report->whole.count == 0) {
        fprintf(stderr, "slactl report: nothing of customer \"%s\" in %s\n", report->customer, report->month);
        status = 1;
    }
    end(report);
    return report->failed || report->unread > 0 ? 1 : status;
}

static int
make(struct report *report, int paths_count, char **paths)
{
    int status;

    report->symbols = symbols_new();
    report->arena = arena_new(ARENA_BYTES);
    status = load_policies(report);
    if (status == 0) {
        find_month(report);
        status = check_contract(report);
    }
    if (status == 0)
        status = run(report, paths_count, paths);
    policy_set_free(report->set);
    symbols_free(report->symbols);
    arena_free(report->arena);
    return status;
}

static int
report_run(int argc, char **argv)
{
    struct report report = {.known_until_ms = INSTANT_NONE};
    int status = parse_options(&report, argc, argv);

    if (status != 0)
        status = status == 1 ? 0 : 2;
    else if (open_reach(&report) != 0)
        status = 2;
    else
        status = make(&report, argc - optind, argv + optind);
    reach_close(&report.reach);
    return status;
}
