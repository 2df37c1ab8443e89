/*
 * What: reading a command line by a command's table, and saying the table to people.
 *
 * Why so: help, manual page, completion and what is really taken are one list, so none of them can lie.
 *
 * Always true: what is wrong with a command line is said in one sentence with the usage below it, on standard
 * error, and the exit status is COMMAND_REFUSED.
 *
 * Not here: what commands do; the list of them (main.c); their pages (docs_command.c).
 */
#include "slactl/command.h"
#include "base/panic.h"
#include "slactl/words.h"
#include <stdarg.h>
#include <string.h>

enum { OPTION_COLUMNS = 24 };

static void
print_usage(const struct command *command, FILE *out)
{
    const char *before = "usage:";

    for (const char *line = command->usage; *line != '\0'; before = "      ") {
        size_t bytes = strcspn(line, "\n");

        fprintf(out, "%s slactl %s%s%.*s\n", before, command->name, bytes > 0 ? " " : "", (int)bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
}

int
command_refuse(const struct command *command, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "slactl %s: ", command->name);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    print_usage(command, stderr);
    fprintf(stderr, "slactl %s --help says more\n", command->name);
    return COMMAND_REFUSED;
}

/* What getopt_long found wrong. */
static void
say_bad(const struct command *command, int found, char **argv)
{
    if (found == ':')
        (void)command_refuse(command, "%s: its value is missing", argv[optind - 1]);
    else if (optopt != 0 && strncmp(argv[optind - 1], "--", 2) == 0)
        (void)command_refuse(command, "%s: it takes no value", argv[optind - 1]);
    else
        (void)command_refuse(command, "%s: no such option", argv[optind - 1]);
}

int
command_next(const struct command *command, int argc, char **argv)
{
    struct option options[COMMAND_OPTIONS_MAX + 2] = {{"help", no_argument, NULL, COMMAND_HELP}};
    int found, count = 1;

    for (const struct command_option *option = command->options; option->name != NULL; option++) {
        must(count <= COMMAND_OPTIONS_MAX);
        options[count++] = (struct option){
            option->name, option->value != NULL ? required_argument : no_argument, NULL, option->id};
    }
    opterr = 0;
    found = getopt_long(argc, argv, ":h", options, NULL);
    if (found == ':' || found == COMMAND_BAD) {
        say_bad(command, found, argv);
        return COMMAND_BAD;
    }
    if (found == COMMAND_HELP)
        command_print_help(command, stdout);
    return found;
}

/* "  --name VALUE   help": an option that is too long has its help on the next line. */
static void
print_option(const struct command_option *option, FILE *out)
{
    struct buffer line = {0};

    words_append(&line, "  --%s%s%s", option->name, option->value != NULL ? " " : "",
                 option->value != NULL ? option->value : "");
    if (words_columns(buffer_slice(&line)) >= OPTION_COLUMNS) {
        fprintf(out, "%.*s\n", (int)line.bytes, line.at);
        words_print_wrapped(out, slice_of(option->help), OPTION_COLUMNS, OPTION_COLUMNS);
    } else {
        words_pad(&line, 0, OPTION_COLUMNS);
        buffer_append_text(&line, option->help);
        words_print_wrapped(out, buffer_slice(&line), 0, OPTION_COLUMNS);
    }
    buffer_free(&line);
}

/* "Exit status: 0 done, 1 ..." */
void
command_append_exits(const struct command *command, struct buffer *out)
{
    words_append(out, "0 done, 1 %s, 2 command line, configuration or policy refused%s", command->fails,
                 command->asks ? ", 3 nobody answered in time" : "");
}

void
command_print_help(const struct command *command, FILE *out)
{
    struct buffer exits = {0};

    print_usage(command, out);
    fputc('\n', out);
    for (const char *line = command->text; *line != '\0';) {
        size_t bytes = strcspn(line, "\n");

        words_print_wrapped(out, (struct slice){line, bytes}, 0, 0);
        line += bytes + (line[bytes] == '\n');
    }
    if (command->options->name != NULL)
        fputc('\n', out);
    for (const struct command_option *option = command->options; option->name != NULL; option++)
        print_option(option, out);
    fputc('\n', out);
    buffer_append_text(&exits, "Exit status: ");
    command_append_exits(command, &exits);
    buffer_append_byte(&exits, '.');
    words_print_wrapped(out, buffer_slice(&exits), 0, 0);
    buffer_free(&exits);
}
