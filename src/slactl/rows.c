/*
 * What: records as rows.
 *
 * Why so: a state looks the same in every table, and a colour never says what the word beside it does not.
 *
 * Always true: a record with anything in it gives its cells.
 *
 * Not here: which columns (the commands).
 */
#include "slactl/rows.h"
#include "base/instant.h"
#include "shell/wallclock.h"
#include "slactl/json_fields.h"
#include "slactl/words.h"
#include "slad/effect.h"
#include <stdlib.h>

enum { MINUTE_MS = 60000 };

static void
take_cell(struct table *table, enum terminal_style style, struct buffer *text)
{
    table_cell(table, style, buffer_slice(text));
    buffer_free(text);
}

void
rows_cell(struct table *table, const struct api *api, const struct cJSON *object, const char *key)
{
    struct slice text = json_fields_shown(api->json, object, key);

    table_cell(table, TERMINAL_PLAIN, text.at != NULL ? text : slice_of("-"));
}

void
rows_cell_instant(struct table *table, const struct cJSON *object, const char *key)
{
    struct buffer text = {0};

    words_append_here(&text, json_fields_instant(object, key));
    take_cell(table, TERMINAL_PLAIN, &text);
}

/* Whole minutes, but seconds below one. */
static void
append_length(struct buffer *out, int64_t length_ms)
{
    words_append_length(out, length_ms >= MINUTE_MS ? length_ms - length_ms % MINUTE_MS
                                                    : length_ms - length_ms % 1000);
}

void
rows_cell_length(struct table *table, int64_t length_ms)
{
    struct buffer text = {0};

    append_length(&text, length_ms);
    take_cell(table, TERMINAL_PLAIN, &text);
}

void
rows_cell_share(struct table *table, const struct api *api, const struct cJSON *object, const char *key)
{
    const struct cJSON *value = json_fields_find(object, key);
    char number[JSON_NUMBER_BYTES_MAX + 1], text[32];
    struct slice digits;

    if (value == NULL || !json_is_number(value)) {
        table_cell(table, TERMINAL_PLAIN, slice_of("-"));
        return;
    }
    digits = json_number(api->json, value);
    memcpy(number, digits.at, digits.bytes);
    number[digits.bytes] = '\0';
    snprintf(text, sizeof text, "%.1f %%", strtod(number, NULL) * 100);
    table_cell(table, TERMINAL_PLAIN, slice_of(text));
}

void
rows_cell_clock(struct table *table, const struct api *api, const struct cJSON *object)
{
    struct buffer text = {0};
    int64_t cycle = 1;

    buffer_append_slice(&text, json_fields_text(object, "kind"));
    buffer_append_byte(&text, '/');
    buffer_append_slice(&text, json_fields_text(object, "clock"));
    if (json_fields_integer(api->json, object, "cycle", &cycle) && cycle > 1) {
        buffer_append_byte(&text, '/');
        buffer_append_int64(&text, cycle);
    }
    take_cell(table, TERMINAL_PLAIN, &text);
}

void
rows_cell_state(struct table *table, const struct cJSON *object, const char *key)
{
    static const struct {
        const char *word;
        enum terminal_style style;
    } styles[] = {{"critical", TERMINAL_RED},   {"breached", TERMINAL_RED}, {"held", TERMINAL_RED},
                  {"ripe", TERMINAL_RED},       {"plan", TERMINAL_YELLOW},  {"release_right", TERMINAL_RED},
                  {"warning", TERMINAL_YELLOW}, {"paused", TERMINAL_DIM},   {"met", TERMINAL_GREEN},
                  {"healthy", TERMINAL_GREEN},  {"live", TERMINAL_GREEN}};
    struct slice text = json_fields_text(object, key);
    enum terminal_style style = TERMINAL_PLAIN;

    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        if (slice_is(text, styles[i].word))
            style = styles[i].style;
    table_cell(table, style, text.at != NULL ? text : slice_of("-"));
}

void
rows_print_zone(const struct table *table, int64_t at_ms, FILE *out)
{
    struct buffer text = {0};

    if (table_rows_count(table) == 0)
        return;
    buffer_append_text(&text, "times are ");
    words_append_here_zone(&text, at_ms);
    fprintf(out, "%s%.*s%s\n", terminal_begin(table->terminal, TERMINAL_DIM), (int)text.bytes, text.at,
            terminal_end(table->terminal, TERMINAL_DIM));
    buffer_free(&text);
}

int64_t
rows_now_ms(const struct api *api)
{
    return api->server_ms != INSTANT_NONE ? api->server_ms : wallclock_wall_ms();
}

void
rows_append_left(struct buffer *out, const struct cJSON *clock, int64_t now_ms)
{
    int64_t due_ms = json_fields_instant(clock, "due_at");

    if (slice_is(json_fields_text(clock, "state"), "paused")) {
        buffer_append_text(out, "paused");
    } else if (due_ms == INSTANT_NONE) {
        buffer_append_text(out, "-");
    } else if (due_ms <= now_ms) {
        buffer_append_text(out, "over by ");
        append_length(out, now_ms - due_ms);
    } else {
        append_length(out, due_ms - now_ms);
        buffer_append_text(out, " left");
    }
}
