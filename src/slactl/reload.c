/*
 * slactl reload: configuration and policies anew, and whether it took.
 *
 * What: POST /api/v1/reload of one process.
 *
 * Why over HTTP and not a signal: a signal says nothing back; the answer here is what stood in the way, with
 * its place.
 *
 * Always true: exit status 0 means that configuration and policies were both taken by the process that was
 * asked.
 *
 * Not here: what a reload does (shell/daemon.c).
 */
#include "slactl/reload.h"
#include "slactl/api.h"
#include "slactl/json_fields.h"
#include "slactl/terminal.h"

static int reload_run(int argc, char **argv);

static const struct command_option reload_options[] = {
    {"json", 'j', NULL, "the server's answer"},
    API_OPTIONS,
    {0},
};

const struct command reload_command = {
    .name = "reload",
    .run = reload_run,
    .help = "slad loads configuration and policies again, and says whether it took",
    .usage = "[OPTION]...",
    .operands = "",
    .text = "Asks one process, that of --url, to load its configuration and its policies again, as SIGHUP "
            "and systemctl reload "
            "do. Each is taken whole or not at all. Of several processes reload one after the other, in any "
            "order.",
    .options = reload_options,
    .fails = "something was not taken; why is said",
    .asks = true,
};

/* "label: a, b", or a line each. */
static void
print_list(FILE *out, const char *label, const struct cJSON *list, bool lines)
{
    struct buffer text = {0};

    for (const struct cJSON *item = list != NULL ? list->child : NULL; item != NULL; item = item->next) {
        if (!json_is_text(item))
            continue;
        if (text.bytes == 0 || lines)
            buffer_append_text(&text, label);
        else
            buffer_append_text(&text, ", ");
        terminal_append(&text, json_text(item));
        if (lines)
            buffer_append_byte(&text, '\n');
    }
    if (text.bytes > 0)
        fprintf(out, "%.*s%s", (int)text.bytes, text.at, lines ? "" : "\n");
    buffer_free(&text);
}

/* Whether it took. */
static bool
print_part(const struct cJSON *answer, const char *name, const char *said)
{
    const struct cJSON *part = json_fields_find(answer, name);
    bool taken = json_fields_true(part, "taken");

    printf("%s: %s\n", said, taken ? "taken" : "refused, nothing of it was taken");
    print_list(stdout, "  changed: ", json_fields_find(part, "changed"), false);
    print_list(stdout, "  waits for a restart: ", json_fields_find(part, "needs_restart"), false);
    (void)fflush(stdout);
    print_list(stderr, "", json_fields_find(part, "errors"), true);
    return taken;
}

static int
ask(struct api *api, bool json)
{
    struct http_response response;
    const struct cJSON *answer;
    bool taken = false;
    int status = api_post(api, "/api/v1/reload", (struct slice){0}, &response);

    if (status != COMMAND_DONE)
        return status;
    answer = api_read(api, buffer_slice(&response.body));
    if (answer != NULL && json) {
        taken = json_fields_true(json_fields_find(answer, "configuration"), "taken") &&
                json_fields_true(json_fields_find(answer, "policies"), "taken");
        (void)api_print_element(stdout, buffer_slice(&response.body));
    } else if (answer != NULL) {
        taken = print_part(answer, "configuration", "configuration");
        taken &= print_part(answer, "policies", "policies");
    }
    http_response_done(&response);
    return taken && fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int
reload_run(int argc, char **argv)
{
    struct api api = {0};
    bool json = false;
    int option, status;

    while ((option = command_next(&reload_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == 'j')
            json = true;
        else if (!api_take_option(&api, option, optarg))
            return COMMAND_REFUSED;
    }
    if (optind != argc)
        return command_refuse(&reload_command, "no such argument: %s", argv[optind]);
    status = api_open(&api, &reload_command);
    if (status == COMMAND_DONE)
        status = ask(&api, json);
    api_close(&api);
    return status;
}
