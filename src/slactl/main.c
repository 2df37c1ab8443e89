/*
 * slactl, the operator's tool: which command, and no more.
 *
 * What: a table of commands, one row each: name, function, one line of help.
 *
 * Why so: a command is a file of its own with one function; adding one touches its file and this table.
 *
 * Always true: a command gets its own name as argv[0]; exit status 2 means that what was given is refused.
 *
 * Not here: what commands do.
 */
#include "slactl/audit.h"
#include "slactl/calendar.h"
#include "slactl/check.h"
#include "slactl/docs.h"
#include "slactl/explain.h"
#include "slactl/lint.h"
#include "slactl/play.h"
#include "slactl/replay.h"
#include "slactl/report.h"
#include "slactl/task.h"
#include "slactl/topics.h"
#include "slactl/whatif.h"
#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"audit", audit_main, "are scores, contracts' moves and credits what the outcomes say?"},
    {"calendar", calendar_main, "adds and subtracts business time, line by line"},
    {"check", check_main, "is this policy sound?"},
    {"docs", docs_main, "prints the pages that are generated from the tables"},
    {"explain", explain_main, "why a ticket's clocks say what they say, stretch by stretch"},
    {"lint", lint_main, "can the inside keep what is promised outside, and what looks wrong in a policy?"},
    {"play", play_main, "sends recorded events to Kafka, as they were or moved to the present"},
    {"replay", replay_main, "runs the engine over recorded events and prints what slad would publish"},
    {"report", report_main, "one month of one customer for the committee, as a page or JSON"},
    {"task", task_main, "what is known of the tasks, and what becomes of a held one"},
    {"topics", topics_main, "creates the topics of an installation, or checks them"},
    {"whatif", whatif_main, "the same events under two policies: which verdicts differ"},
};

static void
main_print_help(FILE *out)
{
    fputs("usage: slactl COMMAND [OPTION]... [ARGUMENT]...\n\nThe operator's tool of slad. `slactl COMMAND "
          "--help` says more.\n\n",
          out);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s  %s\n", commands[i].name, commands[i].help);
    fputs("\n  --help, --version\n", out);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        main_print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        main_print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("slactl " SLAD_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "slactl: no command \"%s\" (slactl --help lists them)\n", argv[1]);
    return 2;
}
