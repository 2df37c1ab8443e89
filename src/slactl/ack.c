/*
 * slactl ack: somebody has it in hand.
 *
 * What: POST /api/v1/alerts/KEY/ack, and then waits until the alert itself says so.
 *
 * Why so: an acknowledgement is an event like any other and goes through Kafka; that the brokers have it is
 * not yet that the pages stop.
 *
 * Always true: pressed twice it is one event (the server makes its id of the alert, its revision and who).
 *
 * Not here: what an acknowledgement does (core/announce).
 */
#include "slactl/ack.h"
#include "shell/wallclock.h"
#include "slactl/api.h"
#include "slactl/json_fields.h"
#include "slactl/terminal.h"
#include "wire/print.h"
#include <stdlib.h>
#include <unistd.h>

static int ack_run(int argc, char **argv);

enum { ACK_WAIT_S = 10, ACK_WAIT_S_MAX = 3600, ACK_AGAIN_US = 200000 };

static const struct command_option ack_options[] = {
    {"by", 'y', "NAME", "who has it in hand (the user)"},
    {"note", 'n', "TEXT", "goes with the event; slad itself does not keep it"},
    {"wait", 'w', "SECONDS", "how long to wait until the alert says acknowledged (10); 0: not at all"},
    {"json", 'j', NULL, "the server's answer"},
    API_OPTIONS,
    {0},
};

const struct command ack_command = {
    .name = "ack",
    .run = ack_run,
    .help = "says that somebody has an alert in hand",
    .usage = "KEY [OPTION]...",
    .operands = "",
    .text = "Acknowledges an alert by its key, as slactl alerts shows it. It goes through Kafka like every "
            "input; this "
            "waits until the alert itself says acknowledged.",
    .options = ack_options,
    .fails = "there is no such alert, it is over, or this token may not",
    .asks = true,
};

struct ack {
    struct api api;
    const char *key, *by, *note;
    long wait_s;
    bool json;
};

static int
post(struct ack *ack, const char *path)
{
    struct buffer body = {0};
    struct http_response response;
    int status;

    buffer_append_byte(&body, '{');
    print_key(&body, "by"), print_text(&body, slice_of(ack->by));
    if (ack->note != NULL)
        print_key(&body, "note"), print_text(&body, slice_of(ack->note));
    buffer_append_byte(&body, '}');
    status = api_post(&ack->api, path, buffer_slice(&body), &response);
    buffer_free(&body);
    if (status != COMMAND_DONE)
        return status;
    if (ack->json)
        (void)api_print_element(stdout, buffer_slice(&response.body));
    http_response_done(&response);
    return COMMAND_DONE;
}

/* 1: acknowledged, 0: not yet, -1: nobody said. */
static int
look(struct ack *ack, const char *path)
{
    struct http_response response;
    const struct cJSON *value;
    int found = -1;

    if (api_get(&ack->api, path, &response) == COMMAND_DONE) {
        value = json_fields_find(api_read(&ack->api, buffer_slice(&response.body)), "value");
        found = slice_is(json_fields_text(value, "state"), "acknowledged") ? 1 : 0;
        http_response_done(&response);
    }
    return found;
}

static int
wait_for(struct ack *ack, const char *path)
{
    int64_t until_mono_ms = wallclock_mono_ms() + ack->wait_s * 1000;
    int found;

    while ((found = look(ack, path)) == 0 && wallclock_mono_ms() < until_mono_ms)
        usleep(ACK_AGAIN_US);
    if (found == 1 && !ack->json) {
        struct buffer line = {0};

        buffer_append_text(&line, "acknowledged by ");
        terminal_append(&line, slice_of(ack->by));
        buffer_append_text(&line, ": ");
        terminal_append(&line, slice_of(ack->key));
        printf("%.*s\n", (int)line.bytes, line.at);
        buffer_free(&line);
    }
    if (found == 0)
        fprintf(
            stderr,
            "slactl ack: the brokers have it, but the alert does not say so after %ld s: it may have to wait "
            "for its task\n",
            ack->wait_s);
    return found == 1 ? COMMAND_DONE : COMMAND_NO_ANSWER;
}

static int
acknowledge(struct ack *ack)
{
    struct buffer path = {0}, post_path = {0};
    int status;

    buffer_append_text(&path, "/api/v1/alerts/");
    api_append_segment(&path, ack->key);
    buffer_append_slice(&post_path, buffer_slice(&path));
    buffer_append(&post_path, "/ack", sizeof "/ack");
    buffer_append_byte(&path, '\0');
    status = post(ack, post_path.at);
    if (status == COMMAND_DONE && ack->wait_s > 0)
        status = wait_for(ack, path.at);
    else if (status == COMMAND_DONE && !ack->json)
        puts("the brokers have it");
    buffer_free(&path);
    buffer_free(&post_path);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct ack *ack)
{
    char *end = NULL;
    int option;

    while ((option = command_next(&ack_command, argc, argv)) != COMMAND_END)
        switch (option) {
        case 'y':
            ack->by = optarg;
            break;
        case 'n':
            ack->note = optarg;
            break;
        case 'j':
            ack->json = true;
            break;
        case 'w':
            ack->wait_s = strtol(optarg, &end, 10);
            if (end == optarg || *end != '\0' || ack->wait_s < 0 || ack->wait_s > ACK_WAIT_S_MAX)
                return command_refuse(&ack_command, "--wait: expected 0 to %d seconds", ACK_WAIT_S_MAX);
            break;
        case COMMAND_HELP:
            return COMMAND_DONE;
        default:
            if (!api_take_option(&ack->api, option, optarg))
                return COMMAND_REFUSED;
        }
    if (optind != argc - 1)
        return command_refuse(&ack_command, "expected one KEY");
    if (ack->by == NULL || *ack->by == '\0')
        return command_refuse(&ack_command, "--by: who?");
    ack->key = argv[optind];
    return -1;
}

static int
ack_run(int argc, char **argv)
{
    struct ack ack = {.by = getenv("USER"), .wait_s = ACK_WAIT_S};
    int status = read_options(argc, argv, &ack);

    if (status >= 0)
        return status;
    status = api_open(&ack.api, &ack_command);
    if (status == COMMAND_DONE)
        status = acknowledge(&ack);
    api_close(&ack.api);
    return status;
}
