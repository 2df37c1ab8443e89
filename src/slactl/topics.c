/*
 * slactl topics: creates the topics of an installation, or checks them.
 *
 * What: shell/topics behind a command line.
 *
 * Why so: exactly-once rests on how topics are set up, so the set-up comes from one table, never from what a
 * broker does by default.
 *
 * Always true: --create changes nothing that exists, and ends with the check; exit 0 means that slad would
 * start on these topics, 1 that it would not.
 *
 * Not here: what is judged (shell/topics.c).
 */
#include "slactl/topics.h"
#include "base/memory.h"
#include "slactl/reach.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TOPICS_ANSWER_MS = 10000, TOPICS_TRIES_MAX = 50 };

static int topics_run(int argc, char **argv);

static const struct command_option topics_options[] = {
    {"create", 'c', NULL, "creates what is missing; what exists is not changed. Then checks"},
    {"check", 'k', NULL, "says whether slad would start on these topics"},
    {"partitions", 'n', "N", "of tickets, feedback and what goes with tickets (12)"},
    {"replication", 'r', "N", "copies of each partition (default: as the brokers do)"},
    REACH_OPTIONS,
    REACH_TOPIC_OPTIONS,
    {0},
};

const struct command topics_command = {
    .name = "topics",
    .run = topics_run,
    .help = "creates the topics of an installation, or checks them",
    .usage = "--create | --check [OPTION]...",
    .operands = "",
    .text = "Exactly-once rests on how topics are set up, so the set-up comes from one table.",
    .options = topics_options,
    .fails = "slad would not start on these topics, or they cannot be created",
    .asks = true,
};

struct topics_request {
    bool create, check;
    long partitions_count, replication;
};

static void
topics_print(FILE *out, const char *before, const struct buffer *text)
{
    const char *at = buffer_slice(text).at, *end = at + text->bytes;

    while (at < end) {
        const char *line_end = at;

        while (line_end < end && *line_end != '\n')
            line_end++;
        fprintf(out, "%s%.*s\n", before, (int)(line_end - at), at);
        at = line_end + 1;
    }
}

static int
topics_check(struct reach *reach)
{
    struct topic_found found[TOPICS_COUNT];
    struct buffer refusals = {0}, warnings = {0}, command = {0};
    char error[KAFKA_ERROR_BYTES];
    int status = COMMAND_FAILED;

    if (topics_find(&reach->kafka, &reach->topics, TOPICS_ANSWER_MS, found, error) != 0) {
        fprintf(stderr, "slactl topics: no answer from %s: %s\n", reach->kafka.brokers, error);
        status = COMMAND_NO_ANSWER;
    } else if (topics_judge(&reach->topics, found, &refusals, &warnings) == 0) {
        printf("ok: %s with %d partitions\n", reach->topics.names[TOPIC_TICKETS],
               (int)found[TOPIC_TICKETS].partitions_count);
        status = 0;
    } else {
        topics_print(stderr, "refused: ", &refusals);
        topics_append_command(&reach->kafka, &reach->topics, found[TOPIC_TICKETS].partitions_count, &command);
        topics_print(stderr, "create what is missing with: ", &command);
    }
    topics_print(stderr, "doubtful: ", &warnings);
    buffer_free(&refusals);
    buffer_free(&warnings);
    buffer_free(&command);
    return status;
}

/* What was created takes a moment until every broker knows it. */
static void
topics_wait(struct reach *reach)
{
    struct topic_found found[TOPICS_COUNT];
    char error[KAFKA_ERROR_BYTES];

    for (int tries = 0; tries < TOPICS_TRIES_MAX; tries++) {
        int there = 0;

        if (topics_find(&reach->kafka, &reach->topics, TOPICS_ANSWER_MS, found, error) != 0)
            return;
        for (int i = 0; i < TOPICS_COUNT; i++)
            there += found[i].partitions_count > 0;
        if (there == TOPICS_COUNT)
            return;
        usleep(100000);
    }
}

static int
topics_make(struct reach *reach, const struct topics_request *request)
{
    struct buffer report = {0};
    int result = topics_create(&reach->kafka, &reach->topics, (int32_t)request->partitions_count,
                               (int)request->replication, &report);

    topics_print(result == 0 ? stdout : stderr, "", &report);
    buffer_free(&report);
    if (result == 0)
        topics_wait(reach);
    return result == 0 ? 0 : 1;
}

/* -1: go on; else the exit status. */
static int
topics_read_options(int argc, char **argv, struct reach *reach, struct topics_request *request)
{
    int option;

    while ((option = command_next(&topics_command, argc, argv)) != COMMAND_END)
        switch (option) {
        case 'c':
            request->create = true;
            break;
        case 'k':
            request->check = true;
            break;
        case 'n':
            request->partitions_count = strtol(optarg, NULL, 10);
            break;
        case 'r':
            request->replication = strtol(optarg, NULL, 10);
            break;
        case COMMAND_HELP:
            return COMMAND_DONE;
        default:
            if (!reach_take_option(reach, option, optarg))
                return COMMAND_REFUSED;
        }
    if (optind != argc || request->create == request->check || request->partitions_count < 1 ||
        request->partitions_count > 4096 || request->replication < -1 || request->replication == 0)
        return command_refuse(&topics_command, "expected --create or --check, with 1 to 4096 partitions");
    return -1;
}

static int
topics_run(int argc, char **argv)
{
    struct topics_request request = {.partitions_count = 12, .replication = -1};
    struct reach reach = {0};
    int status = topics_read_options(argc, argv, &reach, &request);

    if (status < 0) {
        status = reach_open(&reach) != 0 ? 2 : 0;
        if (status == 0 && request.create)
            status = topics_make(&reach, &request);
        if (status == 0)
            status = topics_check(&reach);
    }
    reach_close(&reach);
    return status;
}
