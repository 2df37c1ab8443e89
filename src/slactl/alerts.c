/*
 * slactl alerts: which alerts stand.
 *
 * What: /api/v1/alerts, filtered there, as a table with the worst and oldest first, or as the records are.
 *
 * Why so: who is called at night wants to know what burns, since when, and under which key to say "I have
 * it".
 *
 * Always true: without --all and --state only what is not over.
 *
 * Not here: acknowledging (ack.c).
 */
#include "slactl/alerts.h"
#include "base/memory.h"
#include "slactl/json_fields.h"
#include "slactl/rows.h"
#include "slad/effect.h"
#include <stdlib.h>

static int alerts_run(int argc, char **argv);

enum { ALERTS_ALL = 'a', ALERTS_JSON = 'j', ALERTS_FILTER = 'A' };

/* Options that are the API's own filters: their place is their id's. */
static const char *const alerts_filters[] = {"state",    "stage",   "severity", "ticket",
                                             "customer", "service", "group",    "priority"};
enum { FILTERS_COUNT = sizeof alerts_filters / sizeof *alerts_filters };

static const struct command_option alerts_options[] = {
    {"state", ALERTS_FILTER, "firing|repeated|acknowledged|resolved|withdrawn", "only in this state"},
    {"stage", ALERTS_FILTER + 1, "STAGE", "only this stage: breach, warn-50%, risk, slack, detractor"},
    {"severity", ALERTS_FILTER + 2, "info|warning|critical", "only of this severity"},
    {"ticket", ALERTS_FILTER + 3, "TICKET", "only of this ticket"},
    {"customer", ALERTS_FILTER + 4, "NAME", "only of this customer"},
    {"service", ALERTS_FILTER + 5, "NAME", "only of this service"},
    {"group", ALERTS_FILTER + 6, "NAME", "only of this group"},
    {"priority", ALERTS_FILTER + 7, "NAME", "only of this priority"},
    {"all", ALERTS_ALL, NULL, "also those that are over"},
    {"json", ALERTS_JSON, NULL, "NDJSON, an alert a line, in order of keys"},
    API_OPTIONS,
    {0},
};

const struct command alerts_command = {
    .name = "alerts",
    .run = alerts_run,
    .help = "the alerts that stand, the worst first",
    .usage = "[OPTION]...",
    .operands = "",
    .text = "Asks a running slad which alerts stand: what, since when, and the key by which slactl ack takes "
            "one in hand.",
    .options = alerts_options,
    .fails = "refused",
    .asks = true,
};

/* What of an alert decides its place; texts are in texts. */
struct alert_row {
    int severity;
    int64_t since_ms;
    size_t from, bytes;
};

struct alerts {
    struct api api;
    const char *filters[FILTERS_COUNT];
    bool all, json, failed;
    struct buffer texts; /* elements as they came */
    struct alert_row *rows;
    size_t count, room;
};

static int
severity_of(struct slice word)
{
    return slice_is(word, "critical") ? 0 : slice_is(word, "warning") ? 1 : 2;
}

static bool
take_alert(void *context, struct slice element)
{
    struct alerts *alerts = context;
    const struct cJSON *value = json_fields_find(api_read(&alerts->api, element), "value");

    if (value == NULL) {
        alerts->failed = true;
        return false;
    }
    if (alerts->count == alerts->room) {
        alerts->room = alerts->room > 0 ? alerts->room * 2 : 64;
        alerts->rows = memory_resize(alerts->rows, alerts->room * sizeof *alerts->rows);
    }
    alerts->rows[alerts->count++] =
        (struct alert_row){severity_of(json_fields_text(value, "severity")),
                           json_fields_instant(value, "effective_at"), alerts->texts.bytes, element.bytes};
    buffer_append_slice(&alerts->texts, element);
    return true;
}

static int
compare(const void *a, const void *b)
{
    const struct alert_row *x = a, *y = b;

    if (x->severity != y->severity)
        return x->severity < y->severity ? -1 : 1;
    if (x->since_ms != y->since_ms)
        return x->since_ms < y->since_ms ? -1 : 1;
    return x->from < y->from ? -1 : 1;
}

static void
add_row(struct alerts *alerts, struct table *table, const struct alert_row *row)
{
    const struct cJSON *entry =
        api_read(&alerts->api, (struct slice){buffer_slice(&alerts->texts).at + row->from, row->bytes});
    const struct cJSON *value = json_fields_find(entry, "value");

    rows_cell_state(table, value, "severity");
    rows_cell_state(table, value, "state");
    rows_cell_instant(table, value, "effective_at");
    rows_cell_instant(table, value, "due_at");
    rows_cell(table, &alerts->api, value, "turn");
    rows_cell(table, &alerts->api, value, "customer");
    rows_cell(table, &alerts->api, value, "priority");
    rows_cell(table, &alerts->api, value, "group");
    rows_cell(table, &alerts->api, value, "by");
    rows_cell(table, &alerts->api, entry, "key");
}

static void
print_table(struct alerts *alerts)
{
    struct terminal terminal = terminal_look(stdout);
    struct table table = {.terminal = &terminal};

    if (alerts->count > 0)
        qsort(alerts->rows, alerts->count, sizeof *alerts->rows, compare);
    table_heads(&table, "SEVERITY", "STATE", "SINCE", "DUE", "TURN", "CUSTOMER", "PRIORITY", "GROUP", "BY",
                "=KEY", NULL);
    for (size_t i = 0; i < alerts->count; i++)
        add_row(alerts, &table, &alerts->rows[i]);
    table_print(&table, stdout, 0);
    rows_print_zone(&table, rows_now_ms(&alerts->api), stdout);
    if (alerts->count == 0)
        puts("no alerts");
    table_done(&table);
}

static int
ask(struct alerts *alerts)
{
    struct buffer path = {0};
    int status;

    buffer_append_text(&path, "/api/v1/alerts");
    for (size_t i = 0; i < FILTERS_COUNT; i++)
        api_append_query(&path, alerts_filters[i], alerts->filters[i]);
    if (!alerts->all && alerts->filters[0] == NULL) {
        api_append_query(&path, "state", "firing");
        api_append_query(&path, "state", "repeated");
        api_append_query(&path, "state", "acknowledged");
    }
    buffer_append_byte(&path, '\0');
    status = alerts->json ? api_each(&alerts->api, path.at, api_print_element, stdout)
                          : api_each(&alerts->api, path.at, take_alert, alerts);
    if (status == COMMAND_DONE && alerts->failed)
        status = COMMAND_FAILED;
    if (status == COMMAND_DONE && !alerts->json)
        print_table(alerts);
    buffer_free(&path);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct alerts *alerts)
{
    int option;

    while ((option = command_next(&alerts_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == ALERTS_ALL)
            alerts->all = true;
        else if (option == ALERTS_JSON)
            alerts->json = true;
        else if (option >= ALERTS_FILTER && option < ALERTS_FILTER + FILTERS_COUNT)
            alerts->filters[option - ALERTS_FILTER] = optarg;
        else if (!api_take_option(&alerts->api, option, optarg))
            return COMMAND_REFUSED;
    }
    return optind == argc ? -1 : command_refuse(&alerts_command, "no such argument: %s", argv[optind]);
}

static int
alerts_run(int argc, char **argv)
{
    struct alerts alerts = {0};
    int status = read_options(argc, argv, &alerts);

    if (status < 0) {
        status = api_open(&alerts.api, &alerts_command);
        if (status == COMMAND_DONE)
            status = ask(&alerts);
        api_close(&alerts.api);
    }
    memory_free(alerts.rows);
    buffer_free(&alerts.texts);
    return status;
}
