/*
 * slactl ticket: one ticket as it is now.
 *
 * What: /api/v1/tickets/ID: state, who has it, its clocks and its alerts.
 *
 * Why so: it is asked of the process that holds the ticket, wherever that is, so it is what the next alert is
 * decided by.
 *
 * Always true: everything is as of the task's own time, which is said.
 *
 * Not here: why (slactl explain).
 */
#include "slactl/ticket.h"
#include "slactl/json_fields.h"
#include "slactl/json_pieces.h"
#include "slactl/rows.h"
#include "slactl/words.h"
#include "slad/effect.h"

static int ticket_run(int argc, char **argv);

static const struct command_option ticket_options[] = {
    {"json", 'j', NULL, "the server's answer"},
    API_OPTIONS,
    {0},
};

const struct command ticket_command = {
    .name = "ticket",
    .run = ticket_run,
    .help = "one ticket: its state, clocks and alerts",
    .usage = "TICKET [OPTION]...",
    .operands = "",
    .text = "Asks the process that holds the ticket how it is now. slactl explain says why.",
    .options = ticket_options,
    .fails = "no such ticket",
    .asks = true,
};

/* "label    value" */
static void
print_fact(const char *label, struct slice value)
{
    struct buffer line = {0};

    words_append(&line, "%-12s", label);
    terminal_append(&line, value);
    printf("%.*s\n", (int)line.bytes, line.at);
    buffer_free(&line);
}

static void
print_attributes(const struct cJSON *attributes)
{
    for (const struct cJSON *member = attributes != NULL ? attributes->child : NULL; member != NULL;
         member = member->next)
        if (json_is_text(member)) {
            char label[32];
            struct slice key = json_key(member);

            snprintf(label, sizeof label, "%.*s", (int)key.bytes, key.at);
            print_fact(label, json_text(member));
        }
}

static void
print_facts(const struct cJSON *ticket)
{
    struct buffer at = {0};

    words_append_here(&at, json_fields_instant(ticket, "at"));
    buffer_append_byte(&at, ' ');
    words_append_here_zone(&at, json_fields_instant(ticket, "at"));
    print_fact("ticket", json_fields_text(ticket, "ticket"));
    print_fact("as of", buffer_slice(&at));
    print_fact("state", json_fields_text(ticket, "state"));
    print_fact("status", json_fields_text(ticket, "status"));
    print_fact("turn", json_fields_text(ticket, "turn"));
    print_attributes(json_fields_find(ticket, "attributes"));
    print_fact("held by", json_fields_text(ticket, "instance"));
    buffer_free(&at);
}

/* The answer without its long lists: what the door takes whole. False: it is no ticket. */
static bool
print_head(struct api *api, struct slice answer)
{
    struct buffer head = {0};
    struct json_pieces pieces;
    struct slice key, value;
    const struct cJSON *ticket = NULL;
    int more = json_pieces_begin(&pieces, answer) ? 1 : -1;

    buffer_append_byte(&head, '{');
    while (more == 1 && (more = json_pieces_next(&pieces, &key, &value)) == 1)
        if (!slice_is(key, "clocks") && !slice_is(key, "alerts")) {
            buffer_append_text(&head, head.bytes > 1 ? ",\"" : "\"");
            buffer_append_slice(&head, key);
            buffer_append_text(&head, "\":");
            buffer_append_slice(&head, value);
        }
    buffer_append_byte(&head, '}');
    if (more == 0)
        ticket = api_read(api, buffer_slice(&head));
    else
        fputs("slactl ticket: the answer is not the ticket it should be\n", stderr);
    if (ticket != NULL)
        print_facts(ticket);
    buffer_free(&head);
    return ticket != NULL;
}

static void
add_clock(struct table *table, struct api *api, const struct cJSON *clock)
{
    struct buffer left = {0};
    int64_t elapsed_ms = 0, target_ms = 0;

    (void)json_fields_integer(api->json, clock, "elapsed_ms", &elapsed_ms);
    (void)json_fields_integer(api->json, clock, "target_ms", &target_ms);
    rows_cell_clock(table, api, clock);
    rows_cell(table, api, clock, "agreement");
    rows_cell_state(table, clock, "state");
    rows_cell_length(table, elapsed_ms);
    rows_cell_length(table, target_ms);
    rows_cell_instant(table, clock, "due_at");
    if (json_fields_instant(clock, "stopped_at") == INSTANT_NONE)
        rows_append_left(&left, clock, rows_now_ms(api));
    else
        buffer_append_text(&left, "-");
    table_cell(table, TERMINAL_PLAIN, buffer_slice(&left));
    buffer_free(&left);
}

static void
add_alert(struct table *table, struct api *api, const struct cJSON *entry)
{
    const struct cJSON *value = json_fields_find(entry, "value");

    rows_cell_state(table, value, "severity");
    rows_cell_state(table, value, "state");
    rows_cell_instant(table, value, "effective_at");
    rows_cell(table, api, value, "by");
    rows_cell(table, api, entry, "key");
}

static bool
fill(struct api *api, struct slice list, struct table *table,
     void (*add)(struct table *table, struct api *api, const struct cJSON *element))
{
    struct json_pieces pieces;
    struct slice key, element;

    if (!json_pieces_begin(&pieces, list))
        return false;
    while (json_pieces_next(&pieces, &key, &element) == 1) {
        const struct cJSON *value = api_read(api, element);

        if (value == NULL)
            return false;
        add(table, api, value);
    }
    return true;
}

static int
print_ticket(struct api *api, struct slice answer)
{
    struct terminal terminal = terminal_look(stdout);
    struct table clocks = {.terminal = &terminal}, alerts = {.terminal = &terminal};
    bool good;

    table_heads(&clocks, "CLOCK", "AGREEMENT", "STATE", ">COUNTED", ">TARGET", "DUE", "LEFT", NULL);
    table_heads(&alerts, "SEVERITY", "STATE", "SINCE", "BY", "=KEY", NULL);
    good = print_head(api, answer) && fill(api, json_pieces_member(answer, "clocks"), &clocks, add_clock) &&
           fill(api, json_pieces_member(answer, "alerts"), &alerts, add_alert);
    if (table_rows_count(&clocks) > 0)
        putchar('\n');
    table_print(&clocks, stdout, 0);
    if (table_rows_count(&alerts) > 0)
        putchar('\n');
    table_print(&alerts, stdout, 0);
    table_done(&clocks);
    table_done(&alerts);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

static int
ask(struct api *api, const char *id, bool json)
{
    struct http_response response;
    struct buffer path = {0};
    int status;

    buffer_append_text(&path, "/api/v1/tickets/");
    api_append_segment(&path, id);
    buffer_append_byte(&path, '\0');
    status = api_get(api, path.at, &response);
    buffer_free(&path);
    if (status != COMMAND_DONE)
        return status;
    if (json)
        (void)api_print_element(stdout, buffer_slice(&response.body));
    else
        status = print_ticket(api, buffer_slice(&response.body));
    http_response_done(&response);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

static int
ticket_run(int argc, char **argv)
{
    struct api api = {0};
    bool json = false;
    int option, status;

    while ((option = command_next(&ticket_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == 'j')
            json = true;
        else if (!api_take_option(&api, option, optarg))
            return COMMAND_REFUSED;
    }
    if (optind != argc - 1)
        return command_refuse(&ticket_command, "expected one TICKET");
    status = api_open(&api, &ticket_command);
    if (status == COMMAND_DONE)
        status = ask(&api, argv[optind], json);
    api_close(&api);
    return status;
}
