/*
 * slactl, the operator's tool: which command, and no more.
 *
 * What: finds the command in the list and runs it.
 *
 * Why so: a command is a file of its own; adding one touches its file and the list (commands.c).
 *
 * Always true: a command gets its own name as argv[0]; exit status 2 means that what was given is refused.
 *
 * Not here: what commands do.
 */
#include "slactl/commands.h"
#include "slactl/terminal.h"
#include <stdio.h>
#include <string.h>

static void
main_print_help(FILE *out)
{
    size_t count;
    const struct command *const *commands = commands_all(&count);

    fputs("usage: slactl COMMAND [OPTION]... [ARGUMENT]...\n\nThe operator's tool of slad. `slactl COMMAND "
          "--help` says more.\n\n",
          out);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-11s  %s\n", commands[i]->name, commands[i]->help);
    fputs("\n  --help, --version\n", out);
}

int
main(int argc, char **argv)
{
    const struct command *command;

    terminal_start();
    if (argc < 2) {
        main_print_help(stderr);
        return COMMAND_REFUSED;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        main_print_help(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("slactl " SLAD_VERSION);
        return COMMAND_DONE;
    }
    command = commands_find(argv[1]);
    if (command != NULL)
        return command->run(argc - 1, argv + 1);
    fprintf(stderr, "slactl: no command \"%s\" (slactl --help lists them)\n", argv[1]);
    return COMMAND_REFUSED;
}
