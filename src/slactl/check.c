/*
 * slactl check: reads a policy as the daemon would and says whether it could.
 *
 * Why this way: the same loader, so what is sound here is sound there; errors in the form editors jump to.
 *
 * Always true: exit 0 means that slad takes this policy with these zone files; exit 2 that it does not, or
 * that the command line is wrong.
 *
 * Not here: advice (slactl lint).
 */
#include "slactl/check.h"
#include "base/instant.h"
#include "shell/policy_files.h"
#include <stdio.h>

static const char *
plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* "ok: 2 versions, 6 calendars, ...": the sums over all versions. */
static void
print_sums(const struct policy_set *set)
{
    size_t count = policy_set_count(set), calendars = 0, agreements = 0, clocks = 0, contracts = 0;

    for (size_t i = 0; i < count; i++) {
        const struct policy *policy = policy_set_version(set, i);

        calendars += policy->calendars_count;
        agreements += policy->agreements_count;
        clocks += policy->clocks_count;
        contracts += policy->contracts_count;
    }
    (void)printf("ok: %zu version%s, %zu calendar%s, %zu agreement%s, %zu clock%s, %zu contract%s\n", count,
                 plural(count), calendars, plural(calendars), agreements, plural(agreements), clocks,
                 plural(clocks), contracts, plural(contracts));
}

/* "2026-11@1f3a9c from 2026-11-01T00:00:00.000Z" */
static void
print_version(const struct policy *policy)
{
    char from[INSTANT_TEXT_BYTES] = "always";

    if (policy->from_ms != INT64_MIN)
        instant_format(policy->from_ms, from);
    (void)printf("%.*s from %s\n", (int)policy->label.bytes, policy->label.at, from);
}

static int
check(const char *path, const char *zoneinfo_dir)
{
    struct buffer errors = {0};
    struct symbols *symbols = symbols_new();
    struct policy_set *set = policy_files_load(path, zoneinfo_dir, symbols, &errors);
    int status = set != NULL ? 0 : 2;

    if (set != NULL) {
        print_sums(set);
        for (size_t i = 0; i < policy_set_count(set); i++)
            print_version(policy_set_version(set, i));
    }
    (void)fwrite(buffer_slice(&errors).at, 1, errors.bytes, stderr);
    buffer_free(&errors);
    policy_set_free(set);
    symbols_free(symbols);
    return status;
}

static int check_run(int argc, char **argv);

static const struct command_option check_options[] = {
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    {0},
};

const struct command check_command = {
    .name = "check",
    .run = check_run,
    .help = "is this policy sound?",
    .usage = "POLICY [OPTION]...",
    .operands = "POLICY",
    .text =
        "Reads a policy, a file or a directory of versions, exactly as slad does. What is wrong is said as "
        "FILE:LINE:COLUMN: what was found, what was expected [code]. slad-policy(5) is the grammar.",
    .options = check_options,
    .fails = "never",
};

static int
check_run(int argc, char **argv)
{
    const char *zoneinfo_dir = policy_files_zoneinfo_default();
    int option;

    while ((option = command_next(&check_command, argc, argv)) != COMMAND_END) {
        if (option != 'z')
            return option == COMMAND_HELP ? COMMAND_DONE : COMMAND_REFUSED;
        zoneinfo_dir = optarg;
    }
    if (optind != argc - 1)
        return command_refuse(&check_command, "expected one POLICY");
    return check(argv[optind], zoneinfo_dir);
}
