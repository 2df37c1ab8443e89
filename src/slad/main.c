/*
 * slad, the SLA and experience daemon: its command line.
 *
 * What: options into a struct daemon_options, and daemon_run.
 *
 * Why so: everything else is a module that a test can call.
 *
 * Always true: exit status 0 is an orderly end, 1 a failure while running, 2 what was given is refused
 * (options, configuration, policy, topics), with the place and the reason on standard error.
 *
 * Not here: the loop (shell/daemon.c).
 */
#include "base/memory.h"
#include "shell/allocator.h"
#include "shell/daemon.h"
#include "shell/log.h"
#include <stdio.h>
#include <string.h>

static const char main_help[] =
    "usage: slad [--config FILE] [--set KEY=VALUE]... [--embedded] [--log logfmt|json]\n"
    "\n"
    "The SLA and experience daemon: reads ticket events and user feedback from Kafka, keeps every ticket's "
    "SLA clocks,\n"
    "publishes alerts, outcomes and scores.\n"
    "\n"
    "  --config FILE      the configuration (YAML; docs/configuration.md); without it every key has its "
    "default\n"
    "  --set KEY=VALUE    overrides one key; kafka.NAME=VALUE passes a property to librdkafka\n"
    "  --embedded         brings a broker along, in this process: for trying out, nothing survives\n"
    "  --embedded-address-file FILE\n"
    "                     writes that broker's address there\n"
    "  --log FORMAT       logfmt or json, whatever the configuration says\n"
    "  --help, --version\n"
    "\n"
    "SIGHUP loads policies and reloadable settings again, SIGTERM and SIGINT end in order.\n"
    "Exit status: 0 ended as asked, 1 failed, 2 refused (options, configuration, policy, topics).\n";

static int
main_refuse(const char *what, const char *argument)
{
    fprintf(stderr, "slad: %s%s%s (slad --help says more)\n", what, argument != NULL ? ": " : "",
            argument != NULL ? argument : "");
    return DAEMON_REFUSED;
}

/* The value of an option that takes one: of "--x=v" or the next argument. NULL: another option, or nothing
 * follows. */
static const char *
main_value(const char *option, char **arguments, int count, int *at)
{
    size_t bytes = strlen(option);

    if (strncmp(arguments[*at], option, bytes) != 0)
        return NULL;
    if (arguments[*at][bytes] == '=')
        return arguments[*at] + bytes + 1;
    if (arguments[*at][bytes] != '\0' || *at + 1 >= count)
        return NULL;
    return arguments[++*at];
}

static int
main_log_format(const char *word)
{
    return strcmp(word, "json") == 0 ? LOG_FORMAT_JSON : strcmp(word, "logfmt") == 0 ? LOG_FORMAT_LOGFMT : -1;
}

/* -1: go on; else the exit status. */
static int
main_read_options(int count, char **arguments, struct daemon_options *options, const char **overrides)
{
    for (int i = 1; i < count; i++) {
        const char *value;

        if (strcmp(arguments[i], "--help") == 0 || strcmp(arguments[i], "-h") == 0) {
            fputs(main_help, stdout);
            return DAEMON_ENDED;
        }
        if (strcmp(arguments[i], "--version") == 0) {
            puts("slad " SLAD_VERSION);
            return DAEMON_ENDED;
        }
        if (strcmp(arguments[i], "--embedded") == 0)
            options->embedded = true;
        else if ((value = main_value("--config", arguments, count, &i)) != NULL)
            options->source.file = value;
        else if ((value = main_value("--set", arguments, count, &i)) != NULL)
            overrides[options->source.overrides_count++] = value;
        else if ((value = main_value("--embedded-address-file", arguments, count, &i)) != NULL)
            options->embedded_address_file = value;
        else if ((value = main_value("--log", arguments, count, &i)) != NULL) {
            options->log_format = main_log_format(value);
            if (options->log_format < 0)
                return main_refuse("--log takes logfmt or json, found", value);
        } else
            return main_refuse("no such option, or its value is missing", arguments[i]);
    }
    return -1;
}

int
main(int count, char **arguments)
{
    const char **overrides = memory_allocate_zeroed((size_t)count + 1, sizeof *overrides);
    struct daemon_options options = {.source = {.overrides = overrides}, .log_format = -1};
    int status = main_read_options(count, arguments, &options, overrides);

    allocator_keep_freed();
    if (status < 0)
        status = (int)daemon_run(&options);
    memory_free(overrides);
    return status;
}
