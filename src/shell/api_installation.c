/*
 * What: what an installation is made of: its contracts, its policy versions, its tasks; and a customer's
 * month.
 *
 * Why this way: contracts are put together from what is on the board anyway; tasks of this process are known
 * here, those of others by their `open` records.
 *
 * Always true: values of contracts are the records' own; a task is live only when somebody said so lately.
 *
 * Not here: who may ask (http.c).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "shell/api.h"
#include "shell/query.h"
#include "shell/reply.h"
#include "shell/reports.h"
#include "wire/json.h"
#include "wire/print.h"
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- contracts ---- */

enum part { PART_PXA, PART_CREDIT, PART_MONTH, PART_ATTAINMENT, PART_WATERMELON };

struct piece {
    struct slice contract;
    enum part part;
    const struct board_entry *entry;
};

struct pieces {
    struct piece *list;
    size_t count, room;
};

/* The attainment of a contract is that of the scope that is the contract and nothing else. */
static bool
find_part(const struct board_entry *entry, enum part *ret_part)
{
    static const struct {
        const char *type;
        enum part part;
    } types[] = {{"pxa", PART_PXA},
                 {"credit", PART_CREDIT},
                 {"attainment", PART_MONTH},
                 {"watermelon", PART_WATERMELON}};
    struct slice type = board_entry_fact(entry, FACT_TYPE), scope = board_entry_fact(entry, FACT_SCOPE);

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (slice_is(type, types[i].type)) {
            *ret_part = types[i].part;
            return true;
        }
    *ret_part = PART_ATTAINMENT;
    return slice_is(type, "score") && scope.bytes > 9 && memcmp(scope.at, "contract=", 9) == 0 &&
           memchr(scope.at, ',', scope.bytes) == NULL;
}

static void
collect(struct api_call *call, const struct query *query, struct pieces *pieces)
{
    const struct board_entry *entry;
    size_t cursor = 0;

    while ((entry = board_each(call->rooms->board, BOARD_SCORES, &call->view, &cursor)) != NULL) {
        struct piece piece = {.contract = board_entry_fact(entry, FACT_CONTRACT), .entry = entry};

        if (piece.contract.at == NULL || !find_part(entry, &piece.part) ||
            !query_fits(query, FACT_CONTRACT, piece.contract))
            continue;
        if (pieces->count == pieces->room) {
            pieces->room = pieces->room > 0 ? pieces->room * 2 : 64;
            pieces->list = memory_resize(pieces->list, pieces->room * sizeof *pieces->list);
        }
        pieces->list[pieces->count++] = piece;
    }
}

static int
compare_pieces(const void *a, const void *b)
{
    const struct piece *left = a, *right = b;
    int order = slice_compare(left->contract, right->contract);

    if (order == 0)
        order = (int)left->part - (int)right->part;
    return order != 0 ? order : slice_compare(board_entry_key(left->entry), board_entry_key(right->entry));
}

/* The text of a value that begins here: objects alone are asked for. */
static struct slice
object_text(struct slice text, size_t from)
{
    size_t depth = 0, at = from;
    bool quoted = false;

    for (; at < text.bytes; at++) {
        char byte = text.at[at];

        if (quoted && byte == '\\')
            at++;
        else if (byte == '"')
            quoted = !quoted;
        else if (!quoted && byte == '{')
            depth++;
        else if (!quoted && byte == '}' && --depth == 0)
            break;
    }
    return (struct slice){text.at + from, at + 1 - from};
}

/* {"window":...,"at":...,"contract":...,"honest":...,"gap":...} out of a score; nothing when it has none. */
static void
print_attainment(struct json *json, const struct board_entry *entry, struct buffer *out)
{
    struct slice value = board_entry_value(entry), figures;
    const struct cJSON *object, *found[3] = {NULL};
    static const char *const keys[] = {"window", "at", "attainment"};
    char detail[JSON_DETAIL_BYTES];

    if (json_read(json, value, &object, detail) != ERROR_NONE)
        return;
    for (const struct cJSON *member = object->child; member != NULL; member = member->next)
        for (size_t i = 0; i < 3; i++)
            if (slice_is(json_key(member), keys[i]))
                found[i] = member;
    if (found[0] == NULL || found[1] == NULL || found[2] == NULL || !json_is_text(found[0]) ||
        !json_is_text(found[1]) || !json_is_object(found[2]) || found[2]->child == NULL)
        return;
    figures = object_text(value, json_offset(json, found[2]));
    print_comma(out);
    buffer_append_byte(out, '{');
    print_key(out, "window"), print_text(out, json_text(found[0]));
    print_key(out, "at"), print_text(out, json_text(found[1]));
    buffer_append_byte(out, ',');
    buffer_append(out, figures.at + 1, figures.bytes - 1);
}

/* All pieces of one part from *place on. many: as a list, else the first or null. */
static void
print_part(struct json *json, const struct piece *list, size_t count, enum part part, struct buffer *out)
{
    bool many = part == PART_ATTAINMENT || part == PART_WATERMELON, any = false;

    if (many)
        buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (list[i].part != part || (any && !many))
            continue;
        any = true;
        if (part == PART_ATTAINMENT) {
            print_attainment(json, list[i].entry, out);
            continue;
        }
        if (many)
            print_comma(out);
        buffer_append_slice(out, board_entry_value(list[i].entry));
    }
    if (many)
        buffer_append_byte(out, ']');
    else if (!any)
        buffer_append_text(out, "null");
}

static void
print_contracts(const struct pieces *pieces, struct buffer *out)
{
    static const struct {
        const char *key;
        enum part part;
    } parts[] = {{"pxa", PART_PXA},
                 {"credit", PART_CREDIT},
                 {"month", PART_MONTH},
                 {"attainment", PART_ATTAINMENT},
                 {"watermelons", PART_WATERMELON}};
    struct json *json = json_new();

    for (size_t from = 0, to; from < pieces->count; from = to) {
        struct slice contract = pieces->list[from].contract;

        for (to = from; to < pieces->count && slice_equal(pieces->list[to].contract, contract); to++)
            continue;
        print_comma(out);
        buffer_append_byte(out, '{');
        print_key(out, "contract"), print_text(out, contract);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            print_key(out, parts[i].key);
            print_part(json, pieces->list + from, to - from, parts[i].part, out);
        }
        buffer_append_byte(out, '}');
    }
    json_free(json);
}

void
api_contracts(struct api_call *call)
{
    static const struct query_name names[] = {{"contract", FACT_CONTRACT}};
    struct pieces pieces = {0};
    struct buffer out = {0};
    struct query query;

    if (query_read(call->request, false, names, 1, &query) != 0) {
        reply_problem(call->request, call->rooms->metrics, PROBLEM_BAD_PARAMETER, query.wrong);
    } else {
        collect(call, &query, &pieces);
        if (pieces.count > 0)
            qsort(pieces.list, pieces.count, sizeof *pieces.list, compare_pieces);
        buffer_append_byte(&out, '[');
        print_contracts(&pieces, &out);
        buffer_append_text(&out, "]\n");
        reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    }
    query_done(&query);
    memory_free(pieces.list);
    buffer_free(&out);
}

/* ---- policies ---- */

struct versions {
    const struct policy **list;
    size_t count;
};

static void
add_versions(struct versions *versions, const struct policy_set *set)
{
    for (size_t i = 0; set != NULL && i < policy_set_count(set); i++) {
        const struct policy *policy = policy_set_version(set, i);
        size_t place = versions->count;

        for (size_t k = 0; k < versions->count; k++)
            if (memcmp(versions->list[k]->hash, policy->hash, sizeof policy->hash) == 0)
                place = SIZE_MAX;
        if (place == SIZE_MAX)
            continue;
        versions->list = memory_resize(versions->list, (versions->count + 1) * sizeof *versions->list);
        for (; place > 0 && versions->list[place - 1]->from_ms > policy->from_ms; place--)
            versions->list[place] = versions->list[place - 1];
        versions->list[place] = policy;
        versions->count++;
    }
}

/* By what the tasks here go, else the disk. */
static const struct policy *
policy_in_force(const struct api_call *call)
{
    const struct world *world = call->installation->world;
    const struct policy_set *set = world->policies;
    struct tickets *tickets = *call->installation->tickets;

    for (int32_t p = 0; tickets != NULL && p < world->partitions_count; p++) {
        const struct task *task = tickets_task(tickets, p);

        if (task != NULL && task->set != NULL && task->state == TASK_LIVE) {
            set = task->set;
            break;
        }
    }
    return policy_set_version(set, policy_set_in_force(set, world->now_ms));
}

static void
print_version(const struct policy *policy, bool in_force, struct buffer *out)
{
    char digits[3];

    print_comma(out);
    buffer_append_byte(out, '{');
    print_key(out, "version"), print_text(out, policy->version);
    print_key(out, "label"), print_text(out, policy->label);
    print_key(out, "digest"), buffer_append_byte(out, '"');
    for (size_t i = 0; i < sizeof policy->hash; i++) {
        snprintf(digits, sizeof digits, "%02x", policy->hash[i]);
        buffer_append_text(out, digits);
    }
    buffer_append_byte(out, '"');
    print_key(out, "from"), print_instant(out, policy->from_ms);
    print_key(out, "in_force"), print_bool(out, in_force);
    buffer_append_byte(out, '}');
}

static void
print_lines(struct slice lines, struct buffer *out)
{
    while (lines.bytes > 0) {
        const char *end = memchr(lines.at, '\n', lines.bytes);
        size_t bytes = end != NULL ? (size_t)(end - lines.at) : lines.bytes;

        print_comma(out);
        print_text(out, (struct slice){lines.at, bytes});
        bytes += end != NULL;
        lines = (struct slice){lines.at + bytes, lines.bytes - bytes};
    }
}

static void
print_policies(struct api_call *call, struct buffer *out)
{
    const struct world *world = call->installation->world;
    struct tickets *tickets = *call->installation->tickets;
    const struct policy *in_force = policy_in_force(call);
    struct versions versions = {0};
    struct buffer differences = {0};

    for (int32_t p = 0; tickets != NULL && p < world->partitions_count; p++)
        if (tickets_task(tickets, p) != NULL)
            add_versions(&versions, tickets_task(tickets, p)->set);
    add_versions(&versions, world->policies);
    if (tickets != NULL)
        tickets_policy_differences(tickets, &differences);
    buffer_append_byte(out, '{');
    print_key(out, "versions"), buffer_append_byte(out, '[');
    for (size_t i = 0; i < versions.count; i++)
        print_version(versions.list[i],
                      memcmp(versions.list[i]->hash, in_force->hash, sizeof in_force->hash) == 0, out);
    buffer_append_byte(out, ']');
    print_key(out, "differences"), buffer_append_byte(out, '[');
    print_lines(buffer_slice(&differences), out);
    buffer_append_text(out, "]}\n");
    memory_free(versions.list);
    buffer_free(&differences);
}

/* Answers whatever is wrong with a call that takes no parameters. */
static bool
is_plain(struct api_call *call)
{
    struct query query;
    bool plain = query_read(call->request, false, NULL, 0, &query) == 0;

    if (!plain)
        reply_problem(call->request, call->rooms->metrics, PROBLEM_BAD_PARAMETER, query.wrong);
    query_done(&query);
    if (plain && call->installation == NULL) {
        reply_later(call->request, call->rooms->metrics, PROBLEM_NO_BROKER, "the board alone is here", 5);
        return false;
    }
    return plain;
}

void
api_policies(struct api_call *call)
{
    struct buffer out = {0};

    if (!is_plain(call))
        return;
    print_policies(call, &out);
    reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    buffer_free(&out);
}

/* ---- reload ---- */

/* Names with comma and blank between, or lines: a list of texts. */
static void
print_pieces(struct buffer *out, const char *key, const struct buffer *pieces, const char *between)
{
    struct slice rest = buffer_slice(pieces);
    size_t step = strlen(between);

    print_key(out, key);
    buffer_append_byte(out, '[');
    while (rest.bytes > 0) {
        const char *end = memmem(rest.at, rest.bytes, between, step);
        size_t bytes = end != NULL ? (size_t)(end - rest.at) : rest.bytes;

        if (bytes > 0) {
            print_comma(out);
            print_text(out, (struct slice){rest.at, bytes});
        }
        bytes += end != NULL ? step : 0;
        rest = (struct slice){rest.at + bytes, rest.bytes - bytes};
    }
    buffer_append_byte(out, ']');
}

static void
print_reload(struct buffer *out, const struct reload_report *report, const char *instance)
{
    buffer_append_byte(out, '{');
    print_key(out, "instance"), print_text(out, slice_of(instance));
    print_key(out, "configuration");
    buffer_append_byte(out, '{');
    print_key(out, "taken"), print_bool(out, report->configuration_taken);
    print_pieces(out, "changed", &report->changed, ", ");
    print_pieces(out, "needs_restart", &report->needs_restart, ", ");
    print_pieces(out, "errors", &report->configuration_errors, "\n");
    buffer_append_byte(out, '}');
    print_key(out, "policies");
    buffer_append_byte(out, '{');
    print_key(out, "taken"), print_bool(out, report->policies_taken);
    print_key(out, "versions"), buffer_append_int64(out, (int64_t)report->versions_count);
    print_pieces(out, "errors", &report->policy_errors, "\n");
    buffer_append_text(out, "}}");
}

/* Both are tried, and each is taken or not by itself: 200 says that it was tried. */
void
api_reload(struct api_call *call)
{
    struct reload_report report = {0};
    struct buffer out = {0};

    if (!is_plain(call))
        return;
    if (call->installation == NULL || call->installation->reload == NULL) {
        reply_problem(call->request, call->rooms->metrics, PROBLEM_NOT_FOUND, "nothing to load again here");
        return;
    }
    call->installation->reload(call->installation->context, &report);
    print_reload(&out, &report, call->rooms->config->instance);
    reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    http_reload_report_done(&report);
    buffer_free(&out);
}

/* ---- tasks ---- */

enum { FRESH_MS = 30000 }; /* an `open` record comes every ten seconds */

/* What is known of a task, of whatever process. */
struct task_row {
    int32_t partition;
    const struct task *here;        /* NULL: held elsewhere */
    const struct open_record *open; /* NULL: nobody said anything */
    int64_t said_at_ms;
};

static const char *
state_of(const struct api_call *call, const struct task_row *row)
{
    static const char *const states[] = {
        [TASK_LOADING] = "loading", [TASK_LIVE] = "live", [TASK_CHECKING] = "checking", [TASK_HELD] = "held"};

    if (row->here != NULL)
        return states[row->here->state];
    return row->open != NULL && call->installation->world->now_ms - row->said_at_ms < FRESH_MS ? "live"
                                                                                               : "unknown";
}

static void
print_number(struct buffer *out, const char *key, bool known, int64_t value)
{
    print_key(out, key);
    if (known)
        buffer_append_int64(out, value);
    else
        buffer_append_text(out, "null");
}

static void
print_task(const struct api_call *call, const struct task_row *row, struct buffer *out)
{
    const struct world *world = call->installation->world;
    const struct task *here = row->here;
    const struct open_record *open = row->open;
    bool live = here != NULL && here->engine != NULL, known = live || (here == NULL && open != NULL);
    size_t label = (size_t)row->partition;

    print_comma(out);
    buffer_append_byte(out, '{');
    print_number(out, "task", true, row->partition);
    print_key(out, "state"), print_text(out, slice_of(state_of(call, row)));
    print_key(out, "reason"), print_text_or_null(out, slice_of(here != NULL ? here->held_reason : NULL));
    print_key(out, "here"), print_bool(out, here != NULL);
    print_key(out, "instance");
    print_text_or_null(out, here != NULL   ? slice_of(world->config->instance)
                            : open != NULL ? open->instance
                                           : (struct slice){NULL, 0});
    print_key(out, "api");
    print_text_or_null(out, here != NULL   ? slice_of(world->api_url)
                            : open != NULL ? open->api
                                           : (struct slice){NULL, 0});
    print_key(out, "at");
    print_instant(out, live ? here->t_ms : here == NULL && open != NULL ? open->at_ms : INSTANT_NONE);
    print_key(out, "behind");
    if (known)
        print_bool(out, live ? task_is_behind(here) : open->behind);
    else
        buffer_append_text(out, "null");
    print_number(out, "lag", known,
                 live           ? metrics_value(world->metrics, METRIC_TASK_LAG, label)
                 : open != NULL ? open->lag_records
                                : 0);
    print_number(out, "lag_ms", known,
                 live           ? metrics_value(world->metrics, METRIC_TASK_LAG_TIME, label)
                 : open != NULL ? open->lag_ms
                                : 0);
    print_number(out, "epoch", live, live ? (int64_t)here->committed_epoch : 0);
    print_number(out, "tickets", live, live ? (int64_t)engine_tickets_count(here->engine) : 0);
    buffer_append_byte(out, '}');
}

void
api_tasks(struct api_call *call)
{
    struct tickets *tickets;
    struct buffer out = {0};

    if (!is_plain(call))
        return;
    tickets = *call->installation->tickets;
    buffer_append_byte(&out, '[');
    for (int32_t p = 0; p < call->installation->world->partitions_count; p++) {
        char key[OPEN_JSON_KEY_BYTES];
        const struct board_entry *entry;
        struct task_row row = {.partition = p};

        open_json_key(p, key);
        entry = board_find(call->rooms->board, BOARD_SCORES, slice_of(key), NULL);
        row.here = tickets != NULL ? tickets_task(tickets, p) : NULL;
        row.open = entry != NULL ? board_entry_open(entry) : NULL;
        row.said_at_ms = entry != NULL ? board_entry_at_ms(entry) : 0;
        print_task(call, &row, &out);
    }
    buffer_append_text(&out, "]\n");
    reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    buffer_free(&out);
}

/* ---- the report ---- */

/* What is wrong with the wish, or NULL. */
static const char *
read_wish(const struct query *query, struct report_wish *wish)
{
    for (size_t i = 0; i < query->filters_count; i++) {
        const struct board_filter *filter = &query->filters[i];
        struct slice *place = filter->fact == FACT_CUSTOMER   ? &wish->customer
                              : filter->fact == FACT_CONTRACT ? &wish->contract
                                                              : &wish->month;

        if (place->at != NULL)
            return "a parameter stands twice";
        *place = filter->value;
    }
    if (wish->customer.bytes == 0)
        return "customer: whose report?";
    return wish->month.at != NULL && reports_is_month(wish->month) ? NULL : "month: expected YYYY-MM";
}

void
api_report(struct api_call *call)
{
    static const struct query_name names[] = {
        {"customer", FACT_CUSTOMER}, {"month", FACT_MONTH}, {"contract", FACT_CONTRACT}};
    struct report_wish wish = {.customer = {NULL, 0}};
    struct metrics *metrics = call->rooms->metrics;
    struct query query;
    const char *wrong =
        query_read(call->request, false, names, 3, &query) != 0 ? query.wrong : read_wish(&query, &wish);

    if (wrong != NULL)
        reply_problem(call->request, metrics, PROBLEM_BAD_PARAMETER, wrong);
    else if (call->installation == NULL || call->installation->world->partitions_count == 0)
        reply_later(call->request, metrics, PROBLEM_NO_BROKER, "the brokers have not answered yet", 5);
    else if (evhttp_request_get_command(call->request) == EVHTTP_REQ_HEAD)
        reply_json(call->request, metrics, 200, slice_of(""));
    else
        reports_make(*call->installation->reports, call->request, &wish);
    query_done(&query);
}
