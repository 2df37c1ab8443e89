/*
 * What: the open clocks of the installation, and one ticket: as it is, and why.
 *
 * Why this way: the clocks next to break stand in every task's `open` record, so any process can list them; a
 * ticket itself is in one engine, so whoever does not hold it names the process that does (307).
 *
 * Always true: everything of a ticket is as of its task's time; a task that is loading or held answers
 * nothing of its tickets; one customer's view gets no other customer's ticket, not even by name.
 *
 * Not here: what is true (the engine), how it is printed (wire).
 */
#include "base/memory.h"
#include "shell/api.h"
#include "shell/partitioner.h"
#include "shell/query.h"
#include "shell/reply.h"
#include "wire/effect.h"
#include "wire/explain_json.h"
#include "wire/print.h"
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICKET_ALERTS_MAX = 10000, LATER_LOADING_S = 2, LATER_HELD_S = 30 };

/* ---- the list ---- */

/* One clock with the text it is sorted and paged by: when it is due, then whose it is. */
struct row {
    const struct open_record *record;
    const struct open_clock *clock;
    size_t key_at, key_bytes; /* in rows.keys */
};

struct rows {
    struct row *list;
    size_t count, room;
    struct buffer keys;
};

static void
append_row_key(struct buffer *out, const struct open_clock *clock)
{
    int64_t due_at_ms = clock->due_at_ms == INSTANT_NONE ? INT64_MAX : clock->due_at_ms;
    char due[24];

    snprintf(due, sizeof due, "%019" PRId64 "/", due_at_ms < 0 ? 0 : due_at_ms);
    buffer_append_text(out, due);
    alert_key_append(out, clock->name.ticket, clock->name.kind, clock->name.clock, clock->name.cycle,
                     clock->name.agreement);
}

static bool
is_wanted(const struct api_call *call, const struct query *query, const struct open_clock *clock)
{
    if (call->view.customer.at != NULL && !slice_equal(clock->customer, call->view.customer))
        return false;
    return query_fits(query, FACT_CUSTOMER, clock->customer) &&
           query_fits(query, FACT_SERVICE, clock->service) && query_fits(query, FACT_GROUP, clock->group) &&
           query_fits(query, FACT_PRIORITY, clock->priority) &&
           query_fits(query, FACT_STATE, slice_of(clock_state_text(clock->state)));
}

static void
take_row(struct rows *rows, const struct query *query, const struct open_record *record,
         const struct open_clock *clock)
{
    size_t begin = rows->keys.bytes;
    struct slice key;

    append_row_key(&rows->keys, clock);
    key = (struct slice){rows->keys.at + begin, rows->keys.bytes - begin};
    if (query->after.at != NULL && slice_compare(key, query->after) <= 0) {
        rows->keys.bytes = begin;
        return;
    }
    if (rows->count == rows->room) {
        rows->room = rows->room > 0 ? rows->room * 2 : 64;
        rows->list = memory_resize(rows->list, rows->room * sizeof *rows->list);
    }
    rows->list[rows->count++] = (struct row){record, clock, begin, key.bytes};
}

static struct slice
row_key(const struct rows *rows, const struct row *row)
{
    return (struct slice){rows->keys.at + row->key_at, row->key_bytes};
}

static int
compare_rows(const void *a, const void *b, void *context)
{
    return slice_compare(row_key(context, a), row_key(context, b));
}

static void
collect_rows(struct api_call *call, const struct query *query, struct rows *rows)
{
    const struct board_entry *entry;
    size_t cursor = 0;

    while ((entry = board_each(call->rooms->board, BOARD_SCORES, &call->view, &cursor)) != NULL) {
        const struct open_record *record = board_entry_open(entry);

        for (size_t i = 0; record != NULL && i < record->clocks_count; i++)
            if (is_wanted(call, query, &record->clocks[i]))
                take_row(rows, query, record, &record->clocks[i]);
    }
    if (rows->count > 0)
        qsort_r(rows->list, rows->count, sizeof *rows->list, compare_rows, rows);
}

void
api_tickets(struct api_call *call)
{
    static const struct query_name names[] = {{"customer", FACT_CUSTOMER},
                                              {"service", FACT_SERVICE},
                                              {"group", FACT_GROUP},
                                              {"priority", FACT_PRIORITY},
                                              {"state", FACT_STATE}};
    struct query query;
    struct rows rows = {0};
    struct buffer out = {0};

    if (query_read(call->request, true, names, sizeof names / sizeof *names, &query) != 0) {
        reply_problem(call->request, call->rooms->metrics, PROBLEM_BAD_PARAMETER, query.wrong);
    } else {
        collect_rows(call, &query, &rows);
        buffer_append_byte(&out, '[');
        for (size_t i = 0; i < rows.count && i < query.limit; i++)
            open_json_print_clock(&out, rows.list[i].record, rows.list[i].clock);
        buffer_append_text(&out, "]\n");
        if (rows.count > query.limit)
            query_link_next(&query, call->request, call->path, row_key(&rows, &rows.list[query.limit - 1]));
        reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    }
    query_done(&query);
    memory_free(rows.list);
    buffer_free(&rows.keys);
    buffer_free(&out);
}

/* ---- finding one ---- */

static bool
is_live(const struct task *task)
{
    return task->engine != NULL && (task->state == TASK_LIVE || task->state == TASK_CHECKING);
}

/* What a task of this process that is not live says. */
static void
refuse_task(struct api_call *call, const struct task *task)
{
    if (task->state == TASK_HELD)
        reply_later(call->request, call->rooms->metrics, PROBLEM_TASK_HELD,
                    "the task that holds this ticket waits for an operator: see /api/v1/tasks", LATER_HELD_S);
    else
        reply_later(call->request, call->rooms->metrics, PROBLEM_TASK_LOADING,
                    "the task that holds this ticket is being restored", LATER_LOADING_S);
}

static void
refuse_unknown(struct api_call *call)
{
    reply_problem(call->request, call->rooms->metrics, PROBLEM_NOT_FOUND, "there is no such ticket");
}

/* To the process that holds the partition, as its `open` record says. */
static void
redirect(struct api_call *call, int32_t partition)
{
    const struct world *world = call->installation->world;
    const struct board_entry *entry;
    const struct open_record *open;
    char key[OPEN_JSON_KEY_BYTES];
    struct buffer location = {0};

    open_json_key(partition, key);
    entry = board_find(call->rooms->board, BOARD_SCORES, slice_of(key), NULL);
    open = entry != NULL ? board_entry_open(entry) : NULL;
    if (open == NULL || open->api.bytes == 0 || slice_equal(open->api, slice_of(world->api_url))) {
        reply_later(call->request, call->rooms->metrics, PROBLEM_TASK_ELSEWHERE,
                    "another process holds this ticket's task, or is about to, and has not said where it "
                    "listens",
                    LATER_LOADING_S);
        return;
    }
    buffer_append_slice(&location, open->api);
    buffer_append_text(&location, evhttp_request_get_uri(call->request));
    buffer_append_byte(&location, '\0');
    evhttp_add_header(evhttp_request_get_output_headers(call->request), "Location", location.at);
    reply_empty(call->request, call->rooms->metrics, 307);
    buffer_free(&location);
}

/* A clock next to break names its task, whatever the producers' partitioner is; -1: none does. */
static int32_t
partition_by_clocks(const struct api_call *call)
{
    const struct board_entry *entry;
    size_t cursor = 0;

    while ((entry = board_each(call->rooms->board, BOARD_SCORES, NULL, &cursor)) != NULL) {
        const struct open_record *open = board_entry_open(entry);

        for (size_t i = 0; open != NULL && i < open->clocks_count; i++)
            if (slice_equal(open->clocks[i].name.ticket, call->subject))
                return (int32_t)open->task;
    }
    return -1;
}

static struct ticket *
find_here(struct api_call *call, struct task **ret_task)
{
    struct tickets *tickets = *call->installation->tickets;

    for (int32_t p = 0; tickets != NULL && p < call->installation->world->partitions_count; p++) {
        struct task *task = tickets_task(tickets, p);
        struct ticket *ticket =
            task != NULL && is_live(task) ? engine_find(task->engine, call->subject) : NULL;

        if (ticket == NULL)
            continue;
        *ret_task = task;
        return ticket;
    }
    return NULL;
}

/* It is in none of the engines here: says where it may be. */
static void
answer_not_here(struct api_call *call)
{
    const struct world *world = call->installation->world;
    struct tickets *tickets = *call->installation->tickets;
    struct task *task;
    int32_t partition;

    if (world->partitions_count == 0) {
        reply_later(call->request, call->rooms->metrics, PROBLEM_NO_BROKER,
                    "the brokers have not answered yet", LATER_LOADING_S);
        return;
    }
    partition = world->config->partitioner == CONFIG_PARTITIONER_ANY
                    ? partition_by_clocks(call)
                    : partitioner_partition((enum partitioner)world->config->partitioner, call->subject,
                                            world->partitions_count);
    task = tickets != NULL && partition >= 0 ? tickets_task(tickets, partition) : NULL;
    if (partition < 0 || (task != NULL && is_live(task)))
        refuse_unknown(call);
    else if (task != NULL)
        refuse_task(call, task);
    else
        redirect(call, partition);
}

/* The ticket and how it stands; NULL: answered already. */
static struct ticket *
find_ticket(struct api_call *call, struct task **ret_task, struct ticket_picture *ret_picture)
{
    struct ticket *ticket;

    if (call->installation == NULL) {
        refuse_unknown(call);
        return NULL;
    }
    ticket = find_here(call, ret_task);
    if (ticket == NULL) {
        answer_not_here(call);
        return NULL;
    }
    if (engine_picture((*ret_task)->engine, ticket, (*ret_task)->t_ms, ret_picture) &&
        (call->view.customer.at == NULL ||
         (ret_picture->attributes[ATTRIBUTE_CUSTOMER].at != NULL &&
          slice_equal(ret_picture->attributes[ATTRIBUTE_CUSTOMER], call->view.customer))))
        return ticket;
    refuse_unknown(call);
    return NULL;
}

/* ---- one ticket ---- */

static void
print_head(struct buffer *out, const struct api_call *call, const struct task *task)
{
    print_key(out, "ticket"), print_text(out, call->subject);
    print_key(out, "at"), print_instant(out, task->t_ms);
    print_key(out, "task"), buffer_append_int64(out, task->partition);
    print_key(out, "instance"), print_text(out, slice_of(task->world->config->instance));
}

static void
print_alerts(struct buffer *out, struct api_call *call)
{
    struct buffer prefix = {0};
    struct board_page page = {.kind = BOARD_ALERTS, .records_max = TICKET_ALERTS_MAX, .view = &call->view};

    effect_print_segment(&prefix, call->subject);
    buffer_append_byte(&prefix, '/');
    page.prefix = buffer_slice(&prefix);
    print_key(out, "alerts");
    (void)board_print(call->rooms->board, &page, out);
    buffer_free(&prefix);
}

static void
print_attributes(struct buffer *out, const struct ticket_picture *picture)
{
    static const struct {
        const char *key;
        enum attribute attribute;
    } rows[] = {{"customer", ATTRIBUTE_CUSTOMER},     {"contract", ATTRIBUTE_CONTRACT},
                {"service", ATTRIBUTE_SERVICE},       {"category", ATTRIBUTE_CATEGORY},
                {"priority", ATTRIBUTE_PRIORITY},     {"group", ATTRIBUTE_GROUP},
                {"user_group", ATTRIBUTE_USER_GROUP}, {"channel", ATTRIBUTE_CHANNEL},
                {"requester", ATTRIBUTE_REQUESTER},   {"assignee", ATTRIBUTE_ASSIGNEE}};

    buffer_append_byte(out, '{');
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_key(out, rows[i].key);
        print_text_or_null(out, picture->attributes[rows[i].attribute]);
    }
    print_key(out, "source"), print_text_or_null(out, picture->source);
    buffer_append_byte(out, '}');
}

static void
print_clock_line(void *context, const struct clock_line *line)
{
    struct buffer *out = context;

    print_comma(out);
    effect_print_clock(out, line);
}

void
api_ticket(struct api_call *call)
{
    struct ticket_picture picture;
    struct task *task;
    struct ticket *ticket = find_ticket(call, &task, &picture);
    struct buffer out = {0};

    if (ticket == NULL)
        return;
    buffer_append_byte(&out, '{');
    print_head(&out, call, task);
    print_key(&out, "state");
    print_text(&out, slice_of(picture.waiting ? "waiting" : ticket_state_text(picture.state)));
    print_key(&out, "status"), print_text_or_null(&out, picture.attributes[ATTRIBUTE_STATUS]);
    print_key(&out, "turn"), print_text(&out, slice_of(party_text(picture.turn)));
    print_key(&out, "waits_for"), explain_json_parties(&out, picture.ball);
    print_key(&out, "started_at"), print_instant(&out, picture.started_at_ms);
    print_key(&out, "attributes"), print_attributes(&out, &picture);
    print_key(&out, "clocks"), buffer_append_byte(&out, '[');
    engine_clock_lines(task->engine, ticket, task->t_ms, print_clock_line, &out);
    buffer_append_byte(&out, ']');
    print_alerts(&out, call);
    buffer_append_text(&out, "}\n");
    reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    buffer_free(&out);
}

/* ---- why ---- */

struct explanation {
    const struct api_call *call;
    struct buffer out, risk, stages, stretches;
    int64_t counted_ms, projected_ms;
    bool begun;
    size_t bytes_max;
};

/* In one customer's view the ticket that was merged in, or into, is not named: it may be another's. */
static void
hide_other(const struct explanation *explanation, struct explain_cause *cause)
{
    if (explanation->call->view.customer.at != NULL)
        cause->other = (struct slice){NULL, 0};
}

static void
end_clock(struct explanation *explanation)
{
    struct buffer *out = &explanation->out;

    if (!explanation->begun)
        return;
    print_key(out, "risk");
    buffer_append_slice(out,
                        explanation->risk.bytes > 0 ? buffer_slice(&explanation->risk) : slice_of("null"));
    print_key(out, "stages"), buffer_append_byte(out, '[');
    buffer_append_slice(out, buffer_slice(&explanation->stages));
    buffer_append_byte(out, ']');
    print_key(out, "stretches"), buffer_append_byte(out, '[');
    buffer_append_slice(out, buffer_slice(&explanation->stretches));
    buffer_append_byte(out, ']');
    print_key(out, "counted_ms"), buffer_append_int64(out, explanation->counted_ms);
    print_key(out, "projected_ms"), buffer_append_int64(out, explanation->projected_ms);
    buffer_append_byte(out, '}');
    buffer_reset(&explanation->risk);
    buffer_reset(&explanation->stages);
    buffer_reset(&explanation->stretches);
    explanation->counted_ms = explanation->projected_ms = 0;
    explanation->begun = false;
}

static void
on_clock(void *context, const struct explain_clock *clock)
{
    struct explanation *explanation = context;
    struct explain_clock shown = *clock;
    struct buffer *out = &explanation->out;

    end_clock(explanation);
    explanation->begun = true;
    hide_other(explanation, &shown.end);
    print_comma(out);
    buffer_append_byte(out, '{');
    print_key(out, "clock");
    explain_json_clock(out, NULL, &shown);
    print_key(out, "supports");
    if (clock->supports_kind == POLICY_NONE) {
        buffer_append_text(out, "null");
        return;
    }
    buffer_append_byte(out, '{');
    print_key(out, "kind");
    print_text(out, slice_of(clock_kind_text((enum clock_kind)clock->supports_kind)));
    print_key(out, "clock");
    print_text(out, clock->supports_clock);
    buffer_append_byte(out, '}');
}

static bool
is_too_large(const struct explanation *explanation)
{
    return explanation->out.bytes + explanation->stretches.bytes > explanation->bytes_max;
}

static void
on_stretch(void *context, const struct explain_stretch *stretch)
{
    struct explanation *explanation = context;
    struct explain_stretch shown = *stretch;

    if (is_too_large(explanation))
        return;
    hide_other(explanation, &shown.cause);
    if (explanation->stretches.bytes > 0)
        buffer_append_byte(&explanation->stretches, ',');
    explain_json_stretch(&explanation->stretches, NULL, &shown);
    *(stretch->projected ? &explanation->projected_ms : &explanation->counted_ms) += stretch->counted_ms;
}

static void
on_stage(void *context, const struct explain_stage *stage)
{
    struct explanation *explanation = context;

    if (explanation->stages.bytes > 0)
        buffer_append_byte(&explanation->stages, ',');
    explain_json_stage(&explanation->stages, stage);
}

static void
on_risk(void *context, const struct explain_risk *risk)
{
    struct explanation *explanation = context;

    explain_json_risk(&explanation->risk, NULL, risk);
}

void
api_ticket_explain(struct api_call *call)
{
    struct ticket_picture picture;
    struct task *task;
    struct ticket *ticket = find_ticket(call, &task, &picture);
    struct explanation explanation = {.call = call,
                                      .bytes_max = (size_t)call->rooms->config->http_answer_bytes_max};
    const struct explain_sink sink = {&explanation, on_clock, on_stretch, on_stage, on_risk};
    struct buffer *out = &explanation.out;

    if (ticket == NULL)
        return;
    buffer_append_byte(out, '{');
    print_head(out, call, task);
    print_key(out, "clocks"), buffer_append_byte(out, '[');
    engine_explain(task->engine, ticket, task->t_ms, &sink);
    end_clock(&explanation);
    buffer_append_byte(out, ']');
    print_alerts(out, call);
    buffer_append_text(out, "}\n");
    if (is_too_large(&explanation)) {
        metrics_bound_hit(call->rooms->metrics, CONFIG_http_answer_bytes_max);
        reply_problem(call->request, call->rooms->metrics, PROBLEM_ANSWER_TOO_LARGE,
                      "more than http_answer_bytes_max: use slactl explain on the log");
    } else
        reply_json(call->request, call->rooms->metrics, 200, buffer_slice(out));
    buffer_free(out);
    buffer_free(&explanation.risk);
    buffer_free(&explanation.stages);
    buffer_free(&explanation.stretches);
}
