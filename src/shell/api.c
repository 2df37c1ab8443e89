/*
 * What: the lists of the board, one alert, and its acknowledgement.
 *
 * Why this way: what everybody may read is on the board of every process, so these answers are the same
 * wherever they are asked for.
 *
 * Always true: an answer shows what its visitor's view lets through, and a key that is not in it is not there
 * (404), whether it exists or not.
 *
 * Not here: tickets (api_tickets.c), contracts, policies and tasks (api_installation.c), who asks (access.c).
 */
#include "shell/api.h"
#include "shell/query.h"
#include "shell/reply.h"
#include "wire/json.h"
#include <event2/buffer.h>
#include <event2/http.h>
#include <string.h>
#include <strings.h>

bool
api_owns(void *context, struct slice contract, struct slice customer)
{
    const struct http_installation *installation = context;
    const struct world *world = installation != NULL ? installation->world : NULL;
    const struct policy *policy;

    if (world == NULL || world->policies == NULL)
        return false;
    policy = policy_set_version(world->policies, policy_set_in_force(world->policies, world->now_ms));
    for (size_t i = 0; i < policy->contracts_count; i++) {
        const struct policy_match *match = &policy->contracts[i].match;

        if (!slice_equal(policy->contracts[i].name, contract))
            continue;
        for (size_t k = 0; k < match->keys_count; k++)
            if (match->keys[k].attribute == ATTRIBUTE_CUSTOMER && match->keys[k].values_count == 1)
                return slice_equal(symbols_text(world->symbols, match->keys[k].values[0]), customer);
    }
    return false;
}

/* ---- lists ---- */

static void
answer_list(struct api_call *call, struct board_page page, const struct query_name *names, size_t names_count)
{
    struct query query;
    struct buffer out = {0};
    struct slice last;

    if (query_read(call->request, true, names, names_count, &query) != 0) {
        reply_problem(call->request, call->rooms->metrics, PROBLEM_BAD_PARAMETER, query.wrong);
        query_done(&query);
        return;
    }
    page.after = query.after;
    page.records_max = query.limit;
    page.filters = query.filters;
    page.filters_count = query.filters_count;
    page.view = &call->view;
    last = board_print(call->rooms->board, &page, &out);
    buffer_append_byte(&out, '\n');
    if (last.at != NULL)
        query_link_next(&query, call->request, call->path, last);
    reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    buffer_free(&out);
    query_done(&query);
}

void
api_open(struct api_call *call)
{
    answer_list(call, (struct board_page){.kind = BOARD_SCORES, .prefix = slice_of("open/")}, NULL, 0);
}

void
api_alerts(struct api_call *call)
{
    static const struct query_name names[] = {{"state", FACT_STATE},       {"stage", FACT_STAGE},
                                              {"severity", FACT_SEVERITY}, {"ticket", FACT_TICKET},
                                              {"service", FACT_SERVICE},   {"group", FACT_GROUP},
                                              {"priority", FACT_PRIORITY}, {"customer", FACT_CUSTOMER}};

    answer_list(call, (struct board_page){.kind = BOARD_ALERTS}, names, sizeof names / sizeof *names);
}

void
api_scores(struct api_call *call)
{
    static const struct query_name names[] = {{"kind", FACT_TYPE},
                                              {"window", FACT_WINDOW},
                                              {"scope", FACT_SCOPE},
                                              {"contract", FACT_CONTRACT},
                                              {"customer", FACT_CUSTOMER}};

    answer_list(call, (struct board_page){.kind = BOARD_SCORES}, names, sizeof names / sizeof *names);
}

void
api_outcomes(struct api_call *call)
{
    answer_list(call, (struct board_page){.kind = BOARD_OUTCOMES}, NULL, 0);
}

/* ---- one alert ---- */

void
api_alert(struct api_call *call)
{
    const struct board_entry *alert =
        board_find(call->rooms->board, BOARD_ALERTS, call->subject, &call->view);
    struct buffer out = {0};

    if (alert == NULL) {
        reply_problem(call->request, call->rooms->metrics, PROBLEM_NOT_FOUND,
                      "there is no alert of this key");
        return;
    }
    board_print_entry(alert, &call->view, &out);
    buffer_append_byte(&out, '\n');
    reply_json(call->request, call->rooms->metrics, 200, buffer_slice(&out));
    buffer_free(&out);
}

/* ---- acknowledging ---- */

enum { BY_BYTES_MAX = 1024, ID_BYTES_MAX = 128 };

static bool
is_json(struct evhttp_request *request)
{
    static const char type[] = "application/json";
    const char *header = evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");

    return header != NULL && strncasecmp(header, type, sizeof type - 1) == 0 &&
           strchr("; \t", header[sizeof type - 1]) != NULL;
}

/* What is wrong, or NULL. Texts of *ack live as long as the door's tree. */
static const char *
read_ack(const struct cJSON *object, struct ack *ack)
{
    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        struct slice key = json_key(member);

        if (!json_is_text(member))
            return "by, note and id are texts";
        if (slice_is(key, "by"))
            ack->by = json_text(member);
        else if (slice_is(key, "note"))
            ack->note = json_text(member);
        else if (slice_is(key, "id"))
            ack->id = json_text(member);
        else
            return "known are by, note and id";
    }
    if (ack->by.bytes == 0 || ack->by.bytes > BY_BYTES_MAX || ack->note.bytes > BY_BYTES_MAX)
        return "by: who has it in hand, 1 to 1024 bytes; note: at most 1024";
    if (ack->id.at != NULL && (ack->id.bytes == 0 || ack->id.bytes > ID_BYTES_MAX))
        return "id: 1 to 128 bytes";
    return NULL;
}

static void
acknowledge(struct api_call *call, const struct board_entry *alert)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(call->request);
    struct json *json = json_new();
    struct slice text = {(const char *)evbuffer_pullup(body, -1), evbuffer_get_length(body)};
    const struct cJSON *object;
    char detail[JSON_DETAIL_BYTES];
    struct ack ack = {.alert = alert};
    const char *wrong;

    if (text.at == NULL)
        text = slice_of("");
    wrong = json_read(json, text, &object, detail) != ERROR_NONE ? detail : read_ack(object, &ack);
    if (wrong != NULL)
        reply_problem(call->request, call->rooms->metrics, PROBLEM_BAD_BODY, wrong);
    else
        acks_post(*call->installation->acks, call->request, &ack);
    json_free(json);
}

void
api_alert_acknowledge(struct api_call *call)
{
    const struct board_entry *alert =
        board_find(call->rooms->board, BOARD_ALERTS, call->subject, &call->view);
    struct metrics *metrics = call->rooms->metrics;
    struct slice state;

    if (!is_json(call->request)) {
        reply_problem(call->request, metrics, PROBLEM_NOT_JSON, "send Content-Type: application/json");
        return;
    }
    if (alert == NULL) {
        reply_problem(call->request, metrics, PROBLEM_NOT_FOUND, "there is no alert of this key");
        return;
    }
    state = board_entry_fact(alert, FACT_STATE);
    if (state.at != NULL && (slice_is(state, "resolved") || slice_is(state, "withdrawn")))
        reply_problem(call->request, metrics, PROBLEM_ALERT_OVER,
                      "it is over: there is nothing to have in hand");
    else if (call->installation == NULL || *call->installation->acks == NULL)
        reply_later(call->request, metrics, PROBLEM_NO_BROKER, "the brokers have not answered yet", 5);
    else
        acknowledge(call, alert);
}
