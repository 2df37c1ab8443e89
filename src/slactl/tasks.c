/*
 * slactl tasks: who holds which ticket task, and how it is.
 *
 * What: /api/v1/tasks as a table.
 *
 * Why so: during an outage the first question is who has what and how far behind it is. (What Kafka itself
 * says of a task, and deciding about a held one: slactl task.)
 *
 * Always true: a row a partition, in order.
 *
 * Not here: decisions (task.c).
 */
#include "slactl/tasks.h"
#include "slactl/json_fields.h"
#include "slactl/rows.h"

static int tasks_run(int argc, char **argv);

static const struct command_option tasks_options[] = {
    {"json", 'j', NULL, "NDJSON, a task a line"},
    API_OPTIONS,
    {0},
};

const struct command tasks_command = {
    .name = "tasks",
    .run = tasks_run,
    .help = "who holds which ticket task, and how it is",
    .usage = "[OPTION]...",
    .operands = "",
    .text = "Asks a running slad about every ticket task of the installation. What is null elsewhere is "
            "known to the "
            "process alone that holds the task. slactl task decides about a held one.",
    .options = tasks_options,
    .fails = "refused",
    .asks = true,
};

struct tasks {
    struct api api;
    struct table table;
    bool json, failed;
};

static bool
take_task(void *context, struct slice element)
{
    struct tasks *tasks = context;
    struct table *table = &tasks->table;
    const struct cJSON *task = api_read(&tasks->api, element);
    int64_t lag_ms = 0;

    tasks->failed = task == NULL;
    if (tasks->failed)
        return false;
    rows_cell(table, &tasks->api, task, "task");
    rows_cell_state(table, task, "state");
    rows_cell(table, &tasks->api, task, "instance");
    rows_cell(table, &tasks->api, task, "behind");
    rows_cell(table, &tasks->api, task, "lag");
    if (json_fields_integer(tasks->api.json, task, "lag_ms", &lag_ms))
        rows_cell_length(table, lag_ms);
    else
        table_cell(table, TERMINAL_PLAIN, slice_of("-"));
    rows_cell(table, &tasks->api, task, "epoch");
    rows_cell(table, &tasks->api, task, "tickets");
    rows_cell(table, &tasks->api, task, "api");
    rows_cell(table, &tasks->api, task, "reason");
    return true;
}

static int
ask(struct tasks *tasks)
{
    struct terminal terminal = terminal_look(stdout);
    int status;

    tasks->table.terminal = &terminal;
    table_heads(&tasks->table, ">TASK", "STATE", "INSTANCE", "BEHIND", ">LAG", ">LAG TIME", ">EPOCH",
                ">TICKETS", "API", "REASON", NULL);
    status = tasks->json ? api_each(&tasks->api, "/api/v1/tasks", api_print_element, stdout)
                         : api_each(&tasks->api, "/api/v1/tasks", take_task, tasks);
    if (status == COMMAND_DONE && tasks->failed)
        status = COMMAND_FAILED;
    if (status == COMMAND_DONE && !tasks->json) {
        table_print(&tasks->table, stdout, 0);
        if (table_rows_count(&tasks->table) == 0)
            puts("no tasks");
    }
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

static int
tasks_run(int argc, char **argv)
{
    struct tasks tasks = {0};
    int option, status;

    while ((option = command_next(&tasks_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == 'j')
            tasks.json = true;
        else if (!api_take_option(&tasks.api, option, optarg))
            return COMMAND_REFUSED;
    }
    if (optind != argc)
        return command_refuse(&tasks_command, "no such argument: %s", argv[optind]);
    status = api_open(&tasks.api, &tasks_command);
    if (status == COMMAND_DONE)
        status = ask(&tasks);
    api_close(&tasks.api);
    table_done(&tasks.table);
    return status;
}
