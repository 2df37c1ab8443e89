/*
 * What: the picture of slactl top: tasks, what breaks next, what is broken, scores.
 *
 * Why so: the same lines for a terminal and for a pipe, so what is seen can be sent to somebody.
 *
 * Always true: a picture is of one moment: when any part of it cannot be had, there is none.
 *
 * Not here: when it is drawn, and where (top.c).
 */
#include "slactl/top_frame.h"
#include "slactl/json_fields.h"
#include "slactl/rows.h"
#include "slactl/words.h"
#include <stdlib.h>

enum {
    ROWS_BY_DEFAULT = 20,
    BREACHES_LOOKED_AT = 1000,
    SCORES_LOOKED_AT = 1000,
    LINES_BESIDE_ROWS = 13, /* of head, titles, heads of tables and the lines between */
    ROWS_MIN = 3
};

const char *const top_frame_filters[TOP_FILTERS_COUNT] = {"customer", "service", "group", "priority"};

/* One of those that stand; its record is in texts. */
struct breach {
    int64_t since_ms;
    size_t from, bytes;
};

struct frame {
    struct api *api;
    const struct top_request *request;
    const struct terminal *terminal;
    struct table next, breaches, scores;
    size_t live, held, behind, tasks, breaches_count, rows;
    int64_t lag;
    struct buffer held_text;
    bool failed;
    size_t looked_at;
    struct buffer texts;
    struct breach found[BREACHES_LOOKED_AT];
};

static const struct cJSON *
read_element(struct frame *frame, struct slice element)
{
    const struct cJSON *object = api_read(frame->api, element);

    frame->failed |= object == NULL;
    return object;
}

/* ---- the parts ---- */

static bool
take_task(void *context, struct slice element)
{
    struct frame *frame = context;
    const struct cJSON *task = read_element(frame, element);
    struct slice state = json_fields_text(task, "state");
    int64_t lag = 0;

    frame->tasks++;
    frame->live += slice_is(state, "live");
    frame->behind += json_fields_true(task, "behind");
    if (json_fields_integer(frame->api->json, task, "lag", &lag))
        frame->lag += lag;
    if (slice_is(state, "held") && frame->held++ == 0) {
        buffer_append_text(&frame->held_text, "task ");
        buffer_append_slice(&frame->held_text, json_fields_shown(frame->api->json, task, "task"));
        buffer_append_text(&frame->held_text, " is held: ");
        terminal_append(&frame->held_text, json_fields_text(task, "reason"));
    }
    return !frame->failed;
}

static bool
take_clock(void *context, struct slice element)
{
    struct frame *frame = context;
    const struct cJSON *clock = read_element(frame, element);
    struct buffer left = {0};

    if (clock == NULL)
        return false;
    rows_cell(&frame->next, frame->api, clock, "ticket");
    rows_cell_clock(&frame->next, frame->api, clock);
    rows_cell_state(&frame->next, clock, "state");
    rows_append_left(&left, clock, rows_now_ms(frame->api));
    table_cell(&frame->next,
               slice_is(json_fields_text(clock, "state"), "breached") ? TERMINAL_RED : TERMINAL_PLAIN,
               buffer_slice(&left));
    buffer_free(&left);
    rows_cell_instant(&frame->next, clock, "due_at");
    rows_cell(&frame->next, frame->api, clock, "turn");
    rows_cell(&frame->next, frame->api, clock, "customer");
    rows_cell(&frame->next, frame->api, clock, "priority");
    rows_cell(&frame->next, frame->api, clock, "group");
    return table_rows_count(&frame->next) < frame->rows;
}

static bool
take_breach(void *context, struct slice element)
{
    struct frame *frame = context;
    const struct cJSON *value = json_fields_find(read_element(frame, element), "value");

    if (frame->failed)
        return false;
    frame->found[frame->breaches_count++] =
        (struct breach){json_fields_instant(value, "effective_at"), frame->texts.bytes, element.bytes};
    buffer_append_slice(&frame->texts, element);
    return frame->breaches_count < BREACHES_LOOKED_AT;
}

static int
compare_breaches(const void *a, const void *b)
{
    const struct breach *x = a, *y = b;

    if (x->since_ms != y->since_ms)
        return x->since_ms > y->since_ms ? -1 : 1;
    return x->from < y->from ? -1 : 1;
}

/* The newest first. */
static void
add_breaches(struct frame *frame)
{
    qsort(frame->found, frame->breaches_count, sizeof *frame->found, compare_breaches);
    for (size_t i = 0; i < frame->breaches_count && i < frame->rows; i++) {
        struct slice text = {buffer_slice(&frame->texts).at + frame->found[i].from, frame->found[i].bytes};
        const struct cJSON *entry = read_element(frame, text), *value = json_fields_find(entry, "value");

        rows_cell_state(&frame->breaches, value, "severity");
        rows_cell_state(&frame->breaches, value, "state");
        rows_cell_instant(&frame->breaches, value, "effective_at");
        rows_cell(&frame->breaches, frame->api, value, "customer");
        rows_cell(&frame->breaches, frame->api, value, "priority");
        rows_cell(&frame->breaches, frame->api, value, "by");
        rows_cell(&frame->breaches, frame->api, entry, "key");
    }
}

static bool
take_score(void *context, struct slice element)
{
    struct frame *frame = context;
    const struct cJSON *entry = read_element(frame, element), *value = json_fields_find(entry, "value");
    const struct cJSON *attainment = json_fields_find(value, "attainment");
    struct slice key = json_fields_text(entry, "key");
    size_t head = strlen("score/") + strlen(frame->request->window) + 1;

    if (entry == NULL)
        return false;
    frame->looked_at++;
    table_cell(&frame->scores, TERMINAL_PLAIN,
               key.bytes > head ? (struct slice){key.at + head, key.bytes - head} : slice_of("over all"));
    rows_cell(&frame->scores, frame->api, value, "n");
    rows_cell(&frame->scores, frame->api, json_fields_find(value, "nps"), "value");
    rows_cell_share(&frame->scores, frame->api, json_fields_find(value, "px"), "value");
    rows_cell_share(&frame->scores, frame->api, json_fields_find(attainment, "contract"), "value");
    rows_cell_share(&frame->scores, frame->api, json_fields_find(attainment, "honest"), "value");
    return table_rows_count(&frame->scores) < frame->rows && frame->looked_at < SCORES_LOOKED_AT;
}

/* ---- asking ---- */

static int
ask(struct frame *frame, const char *what, const char *const more[][2], bool filtered,
    bool (*take)(void *context, struct slice element))
{
    struct buffer path = {0};
    int status;

    buffer_append_text(&path, what);
    for (size_t i = 0; more[i][0] != NULL; i++)
        api_append_query(&path, more[i][0], more[i][1]);
    for (size_t i = 0; filtered && i < TOP_FILTERS_COUNT; i++)
        api_append_query(&path, top_frame_filters[i], frame->request->filters[i]);
    buffer_append_byte(&path, '\0');
    status = api_each(frame->api, path.at, take, frame);
    buffer_free(&path);
    return status == COMMAND_DONE && frame->failed ? COMMAND_FAILED : status;
}

static int
ask_everything(struct frame *frame)
{
    static const char *const all[][2] = {{NULL, NULL}};
    static const char *const breaches[][2] = {{"stage", "breach"},
                                              {"state", "firing"},
                                              {"state", "repeated"},
                                              {"state", "acknowledged"},
                                              {NULL, NULL}};
    const char *const scores[][2] = {{"kind", "score"},
                                     {"window", frame->request->window},
                                     {"customer", frame->request->filters[0]},
                                     {NULL, NULL}};
    int status = ask(frame, "/api/v1/tasks", all, false, take_task);

    if (status == COMMAND_FAILED) /* a token of one customer sees no tasks */
        status = COMMAND_DONE;
    if (status == COMMAND_DONE)
        status = ask(frame, "/api/v1/tickets", all, true, take_clock);
    if (status == COMMAND_DONE)
        status = ask(frame, "/api/v1/alerts", breaches, true, take_breach);
    add_breaches(frame);
    if (status == COMMAND_DONE)
        status = ask(frame, "/api/v1/scores", scores, false, take_score);
    return status;
}

/* ---- drawing ---- */

static void
print_title(struct frame *frame, FILE *out, const char *title, const struct table *table, size_t rows)
{
    fprintf(out, "\n%s%s%s\n", terminal_begin(frame->terminal, TERMINAL_BOLD), title,
            terminal_end(frame->terminal, TERMINAL_BOLD));
    if (table_rows_count(table) == 0)
        fputs("none\n", out);
    table_print(table, out, rows);
}

static void
print_head(struct frame *frame, FILE *out)
{
    struct buffer line = {0};
    int64_t now_ms = rows_now_ms(frame->api);

    buffer_append_text(&line, "slad at ");
    terminal_append(&line, slice_of(frame->api->url));
    buffer_append_text(&line, ", ");
    words_append_here(&line, now_ms);
    buffer_append_byte(&line, ' ');
    words_append_here_zone(&line, now_ms);
    if (frame->tasks > 0)
        words_append(&line, ", %zu of %zu tasks live", frame->live, frame->tasks);
    if (frame->behind > 0)
        words_append(&line, ", catching up, %lld records behind", (long long)frame->lag);
    fprintf(out, "%.*s\n", (int)line.bytes, line.at);
    if (frame->held > 0)
        fprintf(out, "%s%.*s%s\n", terminal_begin(frame->terminal, TERMINAL_RED), (int)frame->held_text.bytes,
                frame->held_text.at, terminal_end(frame->terminal, TERMINAL_RED));
    buffer_free(&line);
}

static void
draw(struct frame *frame, FILE *out)
{
    char title[64];
    size_t room = frame->terminal->lines > LINES_BESIDE_ROWS ? frame->terminal->lines - LINES_BESIDE_ROWS : 0;
    size_t next = room / 2, breaches = room / 4, scores = room - next - breaches;

    if (frame->request->rows_max > 0 || frame->terminal->lines == 0)
        next = breaches = scores = frame->rows;
    print_head(frame, out);
    print_title(frame, out, "Next to break", &frame->next, next > ROWS_MIN ? next : ROWS_MIN);
    snprintf(title, sizeof title, "Breaches that stand: %zu%s", frame->breaches_count,
             frame->breaches_count == BREACHES_LOOKED_AT ? " or more" : "");
    print_title(frame, out, title, &frame->breaches, breaches > ROWS_MIN ? breaches : ROWS_MIN);
    snprintf(title, sizeof title, "Scores, %.40s", frame->request->window);
    print_title(frame, out, title, &frame->scores, scores > ROWS_MIN ? scores : ROWS_MIN);
}

int
top_frame_draw(struct api *api, const struct top_request *request, const struct terminal *terminal,
               struct buffer *out)
{
    struct frame frame = {.api = api,
                          .request = request,
                          .terminal = terminal,
                          .next = {.terminal = terminal},
                          .breaches = {.terminal = terminal},
                          .scores = {.terminal = terminal},
                          .rows = request->rows_max > 0 ? request->rows_max
                                  : terminal->lines > 0 ? terminal->lines
                                                        : ROWS_BY_DEFAULT};
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream;
    int status;

    table_heads(&frame.next, "TICKET", "CLOCK", "STATE", "LEFT", "DUE", "TURN", "CUSTOMER", "PRIORITY",
                "GROUP", NULL);
    table_heads(&frame.breaches, "SEVERITY", "STATE", "SINCE", "CUSTOMER", "PRIORITY", "BY", "KEY", NULL);
    table_heads(&frame.scores, "SCOPE", ">N", ">NPS", ">PX", ">ATTAINMENT", ">HONEST", NULL);
    status = ask_everything(&frame);
    stream = status == COMMAND_DONE ? open_memstream(&text, &bytes) : NULL;
    if (stream != NULL) {
        draw(&frame, stream);
        (void)fclose(stream);
        buffer_append(out, text, bytes);
        free(text);
    }
    table_done(&frame.next);
    table_done(&frame.breaches);
    table_done(&frame.scores);
    buffer_free(&frame.held_text);
    buffer_free(&frame.texts);
    return status;
}
