#ifndef SLAD_SLACTL_COMMAND_H
#define SLAD_SLACTL_COMMAND_H

/*
 * What a command of slactl is: its name, its options and its words, said once. --help, the manual page
 * slactl(1) and the shell's completion are printed from it, and the command line is read by it.
 */
#include "base/buffer.h"
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

/* One option, "--name" or "--name VALUE". */
struct command_option {
    const char *name;
    int id; /* what command_next returns for it: above COMMAND_OWN */
    const char
        *value; /* NULL: it takes none. FILE, DIR and POLICY are names of files, "a|b" and "a,b" words */
    const char *help; /* without a full stop */
};

/* An option's own letter is its id; options that many commands share begin here. */
enum { COMMAND_SHARED = 256 };
/* What command_next returns beside ids. */
enum { COMMAND_END = -1, COMMAND_BAD = '?', COMMAND_HELP = 'h' };
enum { COMMAND_OPTIONS_MAX = 40 };

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
    const char *help;                  /* one line for the list of commands */
    const char *usage;                 /* what may follow the name, a line each: "POLICY [OPTION]..." */
    const char *operands;              /* what stands beside options: FILE, DIR, POLICY, "list|adopt" or "" */
    const char *text;                  /* one or more paragraphs, a line each; lines are wrapped */
    const struct command_option *options; /* ends with name NULL; --help is everybody's and not in it */
    const char *fails;                    /* when the exit status is 1: "the ticket is not there" */
    bool asks;                            /* others (a server, brokers): the exit status may be 3 */
};

/* Exit statuses: one meaning in every command. */
enum {
    COMMAND_DONE = 0,
    COMMAND_FAILED = 1,    /* it could not be done, or the answer is no */
    COMMAND_REFUSED = 2,   /* the command line, the configuration or a policy is refused */
    COMMAND_NO_ANSWER = 3, /* no server or broker answered in time: it may later */
};

/* The next option of the command line: its id (its value is in optarg), or one of the above. At COMMAND_END
 * operands begin at argv[optind]. COMMAND_BAD and COMMAND_HELP: all there is to say was said. */
int command_next(const struct command *command, int argc, char **argv);
/* Says what is wrong with the command line, and the usage, on standard error. Returns COMMAND_REFUSED. */
int command_refuse(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* --help. */
void command_print_help(const struct command *command, FILE *out);
/* "0 done, 1 ..., 2 ...": in one sentence without its full stop, appended. */
void command_append_exits(const struct command *command, struct buffer *out);

#endif
