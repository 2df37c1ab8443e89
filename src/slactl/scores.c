/*
 * slactl scores: how users feel, and what was kept of the promises.
 *
 * What: /api/v1/scores, filtered there, a table for each kind of record.
 *
 * Why so: a figure without the n behind it and its interval says nothing, so they stand beside it.
 *
 * Always true: what a record does not have is "-", never nought.
 *
 * Not here: what a figure means (docs/experience.md).
 */
#include "slactl/scores.h"
#include "slactl/json_fields.h"
#include "slactl/rows.h"
#include <stdlib.h>

static int scores_run(int argc, char **argv);

enum { SCORES_FILTER = 'A', SCORES_JSON = 'j' };

static const char *const scores_filters[] = {"kind", "window", "scope", "contract", "customer"};
enum { FILTERS_COUNT = sizeof scores_filters / sizeof *scores_filters };

static const struct command_option scores_options[] = {
    {"kind", SCORES_FILTER, "score|kei|pxa|watermelon|credit|open", "only records of this kind"},
    {"window", SCORES_FILTER + 1, "WINDOW", "only this window: 24h, 30d, month"},
    {"scope", SCORES_FILTER + 2, "DIMENSION=VALUE,...", "only this scope, whole; empty: over all"},
    {"contract", SCORES_FILTER + 3, "NAME", "only of this contract"},
    {"customer", SCORES_FILTER + 4, "NAME", "only of this customer"},
    {"json", SCORES_JSON, NULL, "NDJSON, a record a line, in order of keys"},
    API_OPTIONS,
    {0},
};

const struct command scores_command = {
    .name = "scores",
    .run = scores_run,
    .help = "scores, indicators, experience agreements, watermelons and credits",
    .usage = "[OPTION]...",
    .operands = "",
    .text =
        "Asks a running slad for the present values of slad.scores. NPS is in points with its interval, PX "
        "and "
        "attainment are shares; n is how many answers count. docs/experience.md says what each figure means.",
    .options = scores_options,
    .fails = "refused",
    .asks = true,
};

struct scores_view {
    struct api api;
    const char *filters[FILTERS_COUNT];
    bool json, failed;
    int64_t at_ms; /* of the newest record: for the zone's name */
    struct table *tables;
};

static struct slice
scope_of(struct slice key)
{
    const char *slash = key.at;

    for (int i = 0; i < 2 && slash != NULL; i++) {
        slash = memchr(slash, '/', key.bytes - (size_t)(slash - key.at));
        slash = slash != NULL ? slash + 1 : NULL;
    }
    if (slash == NULL || slash == key.at + key.bytes)
        return slice_of("over all");
    return (struct slice){slash, key.bytes - (size_t)(slash - key.at)};
}

static double
number_of(const struct api *api, const struct cJSON *object, const char *key)
{
    struct slice text = json_fields_shown(api->json, object, key);
    char number[JSON_NUMBER_BYTES_MAX + 1];

    if (text.at == NULL || text.bytes > JSON_NUMBER_BYTES_MAX)
        return 0;
    memcpy(number, text.at, text.bytes);
    number[text.bytes] = '\0';
    return strtod(number, NULL);
}

/* "25.0 (-11.7 to 55.2)": points; of a share in percent. */
static void
cell_interval(struct table *table, const struct api *api, const struct cJSON *figure, double factor,
              const char *unit)
{
    char text[96] = "-";

    if (json_fields_find(figure, "value") != NULL)
        snprintf(text, sizeof text, "%.1f%s (%.1f to %.1f)", number_of(api, figure, "value") * factor, unit,
                 number_of(api, figure, "low") * factor, number_of(api, figure, "high") * factor);
    table_cell(table, TERMINAL_PLAIN, slice_of(text));
}

static void
add_score(struct table *table, const struct api *api, struct slice key, const struct cJSON *value)
{
    const struct cJSON *attainment = json_fields_find(value, "attainment");

    table_cell(table, TERMINAL_PLAIN, scope_of(key));
    rows_cell(table, api, value, "window");
    rows_cell(table, api, value, "n");
    rows_cell(table, api, value, "people");
    cell_interval(table, api, json_fields_find(value, "nps"), 1, "");
    cell_interval(table, api, json_fields_find(value, "px"), 100, " %");
    rows_cell(table, api, json_fields_find(value, "csat"), "value");
    rows_cell_share(table, api, json_fields_find(attainment, "contract"), "value");
    rows_cell_share(table, api, json_fields_find(attainment, "honest"), "value");
}

static void
add_kei(struct table *table, const struct api *api, struct slice key, const struct cJSON *value)
{
    bool share = slice_is(json_fields_text(value, "unit"), "share");

    (void)key;
    rows_cell(table, api, value, "name");
    rows_cell(table, api, value, "measure");
    rows_cell(table, api, value, "window");
    rows_cell(table, api, value, "n");
    (share ? rows_cell_share : rows_cell)(table, api, value, "value");
    (share ? rows_cell_share : rows_cell)(table, api, value, "target");
    rows_cell(table, api, value, "met");
    rows_cell(table, api, value, "owner");
    rows_cell(table, api, value, "review_by");
    rows_cell(table, api, value, "overdue");
}

static void
add_pxa(struct table *table, const struct api *api, struct slice key, const struct cJSON *value)
{
    const struct cJSON *px = json_fields_find(value, "px");

    (void)key;
    rows_cell(table, api, value, "contract");
    rows_cell_state(table, value, "state");
    rows_cell_instant(table, value, "since");
    rows_cell_instant(table, value, "plan_until");
    cell_interval(table, api, px, 100, " %");
    rows_cell_share(table, api, px, "threshold");
    rows_cell(table, api, px, "n");
    rows_cell(table, api, value, "confidence");
}

static void
add_watermelon(struct table *table, const struct api *api, struct slice key, const struct cJSON *value)
{
    rows_cell(table, api, value, "contract");
    table_cell(table, TERMINAL_PLAIN, scope_of(key));
    rows_cell(table, api, value, "window");
    rows_cell_state(table, value, "state");
    rows_cell_instant(table, value, "since");
    rows_cell_share(table, api, json_fields_find(value, "attainment"), "value");
    cell_interval(table, api, json_fields_find(value, "px"), 100, " %");
    cell_interval(table, api, json_fields_find(value, "nps"), 1, "");
}

/* Minor units as they are written: 200000 is 2000.00. */
static void
cell_money(struct table *table, const struct api *api, const struct cJSON *value, const char *key)
{
    char text[48] = "-";
    int64_t minor;

    if (json_fields_integer(api->json, value, key, &minor))
        snprintf(text, sizeof text, "%lld.%02d", (long long)(minor / 100), (int)(minor % 100));
    table_cell(table, TERMINAL_PLAIN, slice_of(text));
}

static void
add_credit(struct table *table, const struct api *api, struct slice key, const struct cJSON *value)
{
    (void)key;
    rows_cell(table, api, value, "contract");
    rows_cell(table, api, value, "month");
    rows_cell(table, api, value, "currency");
    cell_money(table, api, value, "credit_minor");
    cell_money(table, api, value, "bonus_minor");
    cell_money(table, api, value, "at_risk_minor");
}

static void
add_open(struct table *table, const struct api *api, struct slice key, const struct cJSON *value)
{
    const struct cJSON *counts = json_fields_find(value, "counts");

    (void)key;
    rows_cell(table, api, value, "task");
    rows_cell(table, api, value, "instance");
    rows_cell_instant(table, value, "at");
    rows_cell(table, api, value, "behind");
    rows_cell(table, api, counts, "open");
    rows_cell(table, api, counts, "waiting");
    rows_cell(table, api, counts, "paused");
    rows_cell(table, api, counts, "breached_open");
    rows_cell(table, api, counts, "solved");
}

static const struct kind {
    const char *type, *title;
    const char *heads[TABLE_COLUMNS_MAX + 1];
    void (*add)(struct table *table, const struct api *api, struct slice key, const struct cJSON *value);
} kinds[] = {
    {"score",
     "Scores",
     {"SCOPE", "WINDOW", ">N", ">PEOPLE", ">NPS", ">PX", ">CSAT", ">ATTAINMENT", ">HONEST"},
     add_score},
    {"kei",
     "Key experience indicators",
     {"NAME", "MEASURE", "WINDOW", ">N", ">VALUE", ">TARGET", "MET", "OWNER", "REVIEW BY", "OVERDUE"},
     add_kei},
    {"pxa",
     "Experience agreements",
     {"CONTRACT", "STATE", "SINCE", "PLAN UNTIL", ">PX", ">THRESHOLD", ">N", "CONFIDENCE"},
     add_pxa},
    {"watermelon",
     "Watermelons",
     {"CONTRACT", "SCOPE", "WINDOW", "STATE", "SINCE", ">ATTAINMENT", ">PX", ">NPS"},
     add_watermelon},
    {"credit",
     "Credits (indicative)",
     {"CONTRACT", "MONTH", "CURRENCY", ">CREDIT", ">BONUS", ">AT RISK"},
     add_credit},
    {"open",
     "Tasks",
     {">TASK", "INSTANCE", "AT", "BEHIND", ">OPEN", ">WAITING", ">PAUSED", ">BREACHED", ">SOLVED"},
     add_open},
};
enum { KINDS_COUNT = sizeof kinds / sizeof *kinds };

static bool
take_score(void *context, struct slice element)
{
    struct scores_view *view = context;
    const struct cJSON *entry = api_read(&view->api, element), *value = json_fields_find(entry, "value");
    struct slice type = json_fields_text(value, "type");

    view->failed = value == NULL;
    for (size_t i = 0; i < KINDS_COUNT; i++)
        if (slice_is(type, kinds[i].type) && (i + 1 < KINDS_COUNT || view->filters[0] != NULL))
            kinds[i].add(&view->tables[i], &view->api, json_fields_text(entry, "key"), value);
    return !view->failed;
}

static void
print_tables(struct scores_view *view)
{
    bool any = false;

    for (size_t i = 0; i < KINDS_COUNT; i++) {
        if (table_rows_count(&view->tables[i]) == 0)
            continue;
        printf("%s%s%s%s\n", any ? "\n" : "", terminal_begin(view->tables[i].terminal, TERMINAL_BOLD),
               kinds[i].title, terminal_end(view->tables[i].terminal, TERMINAL_BOLD));
        table_print(&view->tables[i], stdout, 0);
        any = true;
    }
    if (!any)
        puts("no scores");
}

static int
ask(struct scores_view *view)
{
    struct terminal terminal = terminal_look(stdout);
    struct table tables[KINDS_COUNT];
    struct buffer path = {0};
    int status;

    view->tables = tables;
    for (size_t i = 0; i < KINDS_COUNT; i++) {
        tables[i] = (struct table){.terminal = &terminal};
        for (const char *const *head = kinds[i].heads; *head != NULL; head++)
            table_heads(&tables[i], *head, NULL);
    }
    buffer_append_text(&path, "/api/v1/scores");
    for (size_t i = 0; i < FILTERS_COUNT; i++)
        api_append_query(&path, scores_filters[i], view->filters[i]);
    buffer_append_byte(&path, '\0');
    status = view->json ? api_each(&view->api, path.at, api_print_element, stdout)
                        : api_each(&view->api, path.at, take_score, view);
    if (status == COMMAND_DONE && view->failed)
        status = COMMAND_FAILED;
    if (status == COMMAND_DONE && !view->json)
        print_tables(view);
    for (size_t i = 0; i < KINDS_COUNT; i++)
        table_done(&tables[i]);
    buffer_free(&path);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

static int
scores_run(int argc, char **argv)
{
    struct scores_view view = {0};
    int option, status;

    while ((option = command_next(&scores_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == SCORES_JSON)
            view.json = true;
        else if (option >= SCORES_FILTER && option < SCORES_FILTER + FILTERS_COUNT)
            view.filters[option - SCORES_FILTER] = optarg;
        else if (!api_take_option(&view.api, option, optarg))
            return COMMAND_REFUSED;
    }
    if (optind != argc)
        return command_refuse(&scores_command, "no such argument: %s", argv[optind]);
    status = api_open(&view.api, &scores_command);
    if (status == COMMAND_DONE)
        status = ask(&view);
    api_close(&view.api);
    return status;
}
