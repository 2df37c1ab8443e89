/*
 * slactl whatif: the same events under two policies, and which verdicts differ.
 *
 * Why it is quick: a verdict is derived from a ticket's history at one instant, so nothing has to happen on
 * the way. Events are decoded once and put into the histories of two engines as if they had come ahead of
 * their time; then each ticket is derived once under each policy. Only merges, which tell another ticket,
 * need the engines to wake up in between.
 *
 * Always true: both sides see the same events up to the same instant; a policy's earliest version also holds
 * for everything before its `from` (R19). What is compared is the verdict; due and elapsed stand beside it.
 *
 * Not here: announcements and scores (replay); reading (backlog), printing (whatif_print).
 */
#include "slactl/whatif.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/policy_files.h"
#include "slactl/backlog.h"
#include "slactl/whatif_print.h"
#include <stdlib.h>

enum { OLD, NEW, SIDES };

struct whatif {
    const char *paths[SIDES];
    const char *zoneinfo_dir;
    bool json;
    struct symbols *symbols;
    struct policy_set *sets[SIDES];
    struct backlog backlog;
    struct whatif_report report;
};

/* ---- comparing ---- */

/* The clocks of one ticket on one side; texts live until its next ones. */
struct side_lines {
    struct clock_line *list;
    size_t count, room;
};

static void
keep_line(void *context, const struct clock_line *line)
{
    struct side_lines *lines = context;

    if (lines->count == lines->room) {
        lines->room = lines->room > 0 ? lines->room * 2 : 16;
        lines->list = memory_resize(lines->list, lines->room * sizeof *lines->list);
    }
    lines->list[lines->count++] = *line;
}

static int
compare_names(const struct clock_name *a, const struct clock_name *b)
{
    int order = a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : slice_compare(a->clock, b->clock);

    return order != 0 ? order : a->cycle < b->cycle ? -1 : a->cycle > b->cycle;
}

/* Both lists are in order of kind, clock, cycle. */
static void
compare_ticket(struct whatif *whatif, const struct side_lines lines[SIDES])
{
    size_t old = 0, new = 0;

    while (old < lines[0].count || new < lines[1].count) {
        int order = old == lines[0].count ? 1
                    : new == lines[1].count
                        ? -1
                        : compare_names(&lines[0].list[old].name, &lines[1].list[new].name);

        whatif_report_add(&whatif->report, order <= 0 ? &lines[0].list[old] : NULL,
                          order >= 0 ? &lines[1].list[new] : NULL);
        old += order <= 0;
        new += order >= 0;
    }
}

static int
compare_tickets(const void *a, const void *b)
{
    return slice_compare(ticket_name(*(struct ticket *const *)a), ticket_name(*(struct ticket *const *)b));
}

static void
compare(struct whatif *whatif)
{
    size_t count = 0, cursor = 0;
    struct ticket **tickets = memory_allocate((engine_tickets_count(whatif->backlog.engines[OLD]) + 1) *
                                              sizeof *tickets),
                  *ticket;
    struct side_lines lines[SIDES] = {{0}, {0}};

    while ((ticket = engine_each(whatif->backlog.engines[OLD], &cursor)) != NULL)
        tickets[count++] = ticket;
    qsort(tickets, count, sizeof(struct ticket *), compare_tickets);
    for (size_t i = 0; i < count; i++) {
        struct ticket *twin = engine_find(whatif->backlog.engines[NEW], ticket_name(tickets[i]));

        lines[0].count = lines[1].count = 0;
        engine_clock_lines(whatif->backlog.engines[OLD], tickets[i], whatif->backlog.lines.t_ms, keep_line,
                           &lines[0]);
        if (twin != NULL)
            engine_clock_lines(whatif->backlog.engines[NEW], twin, whatif->backlog.lines.t_ms, keep_line,
                               &lines[1]);
        compare_ticket(whatif, lines);
    }
    whatif->report.tickets = count;
    memory_free(lines[0].list);
    memory_free(lines[1].list);
    memory_free(tickets);
}

/* ---- the command ---- */

static int whatif_run(int argc, char **argv);

static const struct command_option whatif_options[] = {
    {"old", 'o', "POLICY", "the one policy; needed"},
    {"new", 'n', "POLICY", "the other one; needed"},
    {"until", 'u', "TIME", "as of this instant (default: the last arrival)"},
    {"accept-age", 'a', "DURATION", "as accept_age of the slad it is held against (default: 400d)"},
    {"json", 'j', NULL, "NDJSON, every difference"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    {0},
};

const struct command whatif_command = {
    .name = "whatif",
    .run = whatif_run,
    .help = "the same events under two policies: which verdicts differ",
    .usage = "--old POLICY --new POLICY [OPTION]... [FILE...]",
    .operands = "FILE",
    .text =
        "The same events (NDJSON, standard input without FILE) under two policies: which verdicts differ, by "
        "ticket and in sum. docs/whatif.md says more.",
    .options = whatif_options,
    .fails = "input or output failed",
};

static int
parse_options(int argc, char **argv, struct whatif *whatif)
{
    int option;

    while ((option = command_next(&whatif_command, argc, argv)) != COMMAND_END) {
        if (option == 'o' || option == 'n') {
            whatif->paths[option == 'n'] = optarg;
        } else if (option == 'z') {
            whatif->zoneinfo_dir = optarg;
        } else if (option == 'j') {
            whatif->json = true;
        } else if (option == 'a') {
            if (event_lines_take_age(&whatif->backlog.lines, optarg) != 0)
                return command_refuse(&whatif_command, "--accept-age: expected a duration, such as 400d");
        } else if (option == 'u') {
            if (instant_parse(slice_of(optarg), &whatif->backlog.lines.until_ms) != 0)
                return command_refuse(&whatif_command, "--until: expected an RFC 3339 instant");
            whatif->backlog.lines.has_until = true;
        } else {
            return option == COMMAND_HELP ? 1 : COMMAND_REFUSED;
        }
    }
    if (whatif->paths[0] != NULL && whatif->paths[1] != NULL)
        return 0;
    return command_refuse(&whatif_command, "--old and --new are both needed");
}

static int
run(struct whatif *whatif, int paths_count, char **paths)
{
    backlog_read(&whatif->backlog, paths, paths_count);
    whatif->report.until_ms = whatif->backlog.lines.has_t ? whatif->backlog.lines.t_ms : INSTANT_NONE;
    for (int side = 0; side < SIDES; side++)
        whatif->report.labels[side] =
            policy_set_version(whatif->sets[side], policy_set_count(whatif->sets[side]) - 1)->label;
    if (whatif->backlog.lines.has_t)
        compare(whatif);
    whatif_report_end(&whatif->report);
    return whatif->backlog.lines.failed || fflush(stdout) != 0 ? 1 : 0;
}

static int
whatif_run(int argc, char **argv)
{
    struct whatif whatif = {.zoneinfo_dir = policy_files_zoneinfo_default()};
    struct buffer errors = {0};
    int status = parse_options(argc, argv, &whatif);

    if (status != 0)
        return status == 1 ? 0 : 2;
    whatif.symbols = symbols_new();
    for (int side = 0; side < SIDES && status == 0; side++) {
        whatif.sets[side] =
            policy_files_load(whatif.paths[side], whatif.zoneinfo_dir, whatif.symbols, &errors);
        if (whatif.sets[side] == NULL) {
            (void)fwrite(errors.at, 1, errors.bytes, stderr);
            status = 2;
        }
    }
    if (status == 0) {
        backlog_init(&whatif.backlog, "whatif", whatif.symbols, whatif.sets, SIDES, false);
        whatif_report_begin(&whatif.report, stdout, whatif.json);
        status = run(&whatif, argc - optind, argv + optind);
        backlog_done(&whatif.backlog);
    }
    whatif_report_done(&whatif.report);
    for (int side = 0; side < SIDES; side++)
        policy_set_free(whatif.sets[side]);
    symbols_free(whatif.symbols);
    buffer_free(&errors);
    return status;
}
