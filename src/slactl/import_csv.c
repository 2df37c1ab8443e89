/*
 * What: rows of a table to events.
 *
 * Why events: they go through the same door as any other, so what is no good is refused in the same words.
 *
 * Always true: an event's place is the line in which its row begins; a cell that is empty says nothing. What
 * a ticket was in the end stands in every row as if it had always been so: a table knows no better.
 *
 * Not here: which statuses there are (import.c).
 */
#include "slactl/import_csv.h"
#include "base/instant.h"
#include "base/memory.h"
#include "wire/print.h"

enum { CELLS_MAX = 512, SECOND_MS = 1000, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

static const char *const fields[IMPORT_CSV_FIELDS_COUNT] = {"ticket", "created", "solved", "closed"};

/* ---- the mapping ---- */

static struct slice *
head_of(struct import_csv *csv, struct slice name)
{
    for (int i = 0; i < IMPORT_CSV_FIELDS_COUNT; i++)
        if (slice_is(name, fields[i]))
            return &csv->heads[i];
    for (int i = 0; i < ATTRIBUTES_COUNT; i++)
        if (i != ATTRIBUTE_STATUS && slice_is(name, attribute_text((enum attribute)i)))
            return &csv->attributes[i];
    return NULL;
}

int
import_csv_columns(struct import_csv *csv, struct slice text, struct slice *bad)
{
    while (text.bytes > 0) {
        const char *comma = memchr(text.at, ',', text.bytes);
        struct slice piece = {text.at, comma != NULL ? (size_t)(comma - text.at) : text.bytes};
        const char *equals = memchr(piece.at, '=', piece.bytes);
        struct slice *head =
            equals != NULL ? head_of(csv, (struct slice){piece.at, (size_t)(equals - piece.at)}) : NULL;

        *bad = piece;
        if (head == NULL || head->at != NULL || equals + 1 == piece.at + piece.bytes)
            return -1;
        *head = (struct slice){equals + 1, piece.bytes - (size_t)(equals + 1 - piece.at)};
        text.at += piece.bytes + (comma != NULL);
        text.bytes -= piece.bytes + (comma != NULL);
    }
    *bad = slice_of(csv->heads[IMPORT_CSV_TICKET].at == NULL ? "ticket is missing" : "created is missing");
    return csv->heads[IMPORT_CSV_TICKET].at != NULL && csv->heads[IMPORT_CSV_CREATED].at != NULL ? 0 : -1;
}

/* ---- rows ---- */

struct rows {
    struct slice rest;
    char by;
    uint64_t line;          /* of the next row */
    struct buffer texts;    /* of the row in hand */
    size_t ends[CELLS_MAX]; /* of its cells in texts */
    size_t count;
};

static char
separator_of(struct slice text)
{
    static const char all[] = {',', ';', '\t'};
    size_t counts[3] = {0}, best = 0;

    for (size_t i = 0; i < text.bytes && text.at[i] != '\n'; i++)
        for (size_t k = 0; k < 3; k++)
            counts[k] += text.at[i] == all[k];
    for (size_t k = 1; k < 3; k++)
        best = counts[k] > counts[best] ? k : best;
    return all[best];
}

static char
take(struct rows *rows)
{
    char byte = *rows->rest.at++;

    rows->rest.bytes--;
    rows->line += byte == '\n';
    return byte;
}

/* A cell up to its separator or the row's end. False: the row is over. */
static bool
take_cell(struct rows *rows)
{
    bool quoted = rows->rest.bytes > 0 && *rows->rest.at == '"';

    if (quoted)
        (void)take(rows);
    while (rows->rest.bytes > 0) {
        char byte = take(rows);

        if (quoted && byte == '"' && rows->rest.bytes > 0 && *rows->rest.at == '"')
            buffer_append_byte(&rows->texts, take(rows));
        else if (quoted && byte == '"')
            quoted = false;
        else if (!quoted && (byte == rows->by || byte == '\n'))
            return byte == rows->by;
        else if (quoted || byte != '\r')
            buffer_append_byte(&rows->texts, byte);
    }
    return false;
}

/* False: there is none left. */
static bool
take_row(struct rows *rows)
{
    bool more = rows->rest.bytes > 0;

    rows->count = 0;
    buffer_reset(&rows->texts);
    if (!more)
        return false;
    while (more) {
        more = take_cell(rows);
        if (rows->count < CELLS_MAX)
            rows->ends[rows->count++] = rows->texts.bytes;
    }
    return true;
}

static struct slice
cell(const struct rows *rows, size_t place)
{
    size_t from = place > 0 && place < rows->count ? rows->ends[place - 1] : 0;

    if (place >= rows->count || rows->ends[place] == from)
        return (struct slice){NULL, 0};
    return (struct slice){rows->texts.at + from, rows->ends[place] - from};
}

/* ---- times ---- */

static bool
take_number(struct slice *text, size_t digits, int64_t *ret_number)
{
    *ret_number = 0;
    if (text->bytes < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (text->at[i] < '0' || text->at[i] > '9')
            return false;
        *ret_number = *ret_number * 10 + (text->at[i] - '0');
    }
    text->at += digits;
    text->bytes -= digits;
    return true;
}

static bool
take_byte(struct slice *text, const char *any)
{
    if (text->bytes == 0 || strchr(any, *text->at) == NULL)
        return false;
    text->at++;
    text->bytes--;
    return true;
}

/* RFC 3339; or 2026-03-01 09:00[:00], with a T between too, local to the zone. */
static bool
read_time(const struct zone *zone, struct slice text, int64_t *ret_ms)
{
    int64_t year, month, day, hour, minute, second = 0, local_s;

    if (instant_parse(text, ret_ms) == 0)
        return true;
    if (!take_number(&text, 4, &year) || !take_byte(&text, "-/") || !take_number(&text, 2, &month) ||
        !take_byte(&text, "-/") || !take_number(&text, 2, &day) || !take_byte(&text, " T") ||
        !take_number(&text, 2, &hour) || !take_byte(&text, ":") || !take_number(&text, 2, &minute) ||
        (take_byte(&text, ":") && !take_number(&text, 2, &second)) || text.bytes > 0)
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
        return false;
    local_s = instant_days_from_civil(year, (int32_t)month, (int32_t)day) * DAY_S + hour * HOUR_S +
              minute * MINUTE_S + second;
    *ret_ms = (zone != NULL ? zone_first_utc_s(zone, local_s) : local_s) * SECOND_MS;
    return true;
}

/* ---- events ---- */

struct reading {
    const struct import_csv *csv;
    struct rows rows;
    size_t places[IMPORT_CSV_FIELDS_COUNT], attributes[ATTRIBUTES_COUNT]; /* CELLS_MAX: none */
    struct buffer json;
    uint64_t line;
};

static void
begin_event(struct reading *reading, const char *what, const char *type, int64_t at_ms)
{
    struct slice ticket = cell(&reading->rows, reading->places[IMPORT_CSV_TICKET]);
    struct buffer *out = &reading->json, id = {0};

    buffer_append_slice(&id, ticket);
    buffer_append_byte(&id, '/');
    buffer_append_text(&id, what);
    buffer_reset(out);
    buffer_append_byte(out, '{');
    print_key(out, "id"), print_text(out, buffer_slice(&id));
    print_key(out, "source"), print_text(out, slice_of("import"));
    print_key(out, "type"), print_text(out, slice_of(type));
    print_key(out, "time"), print_instant(out, at_ms);
    print_key(out, "ticket"), print_text(out, ticket);
    print_key(out, "actor"), print_text(out, slice_of("agent"));
    buffer_free(&id);
}

static void
end_event(struct reading *reading)
{
    buffer_append_byte(&reading->json, '}');
    reading->csv->event(reading->csv->context, reading->line, buffer_slice(&reading->json));
}

static void
bad(const struct reading *reading, const char *why)
{
    reading->csv->bad(reading->csv->context, reading->line, why);
}

static void
add_end(struct reading *reading, enum import_csv_field field, struct slice status)
{
    struct slice text = cell(&reading->rows, reading->places[field]);
    int64_t at_ms;

    if (text.at == NULL)
        return;
    if (!read_time(reading->csv->zone, text, &at_ms)) {
        bad(reading, field == IMPORT_CSV_SOLVED ? "bad_time: when it was solved is no time"
                                                : "bad_time: when it was closed is no time");
        return;
    }
    begin_event(reading, fields[field], "ticket.updated", at_ms);
    print_key(&reading->json, "status"), print_text(&reading->json, status);
    end_event(reading);
}

static void
add_row(struct reading *reading)
{
    struct slice created = cell(&reading->rows, reading->places[IMPORT_CSV_CREATED]);
    int64_t at_ms;

    if (reading->rows.count == 1 && reading->rows.texts.bytes == 0)
        return; /* an empty line */
    if (cell(&reading->rows, reading->places[IMPORT_CSV_TICKET]).at == NULL) {
        bad(reading, "missing_field: no ticket");
        return;
    }
    if (created.at == NULL || !read_time(reading->csv->zone, created, &at_ms)) {
        bad(reading, "bad_time: when it was created is no time");
        return;
    }
    begin_event(reading, "created", "ticket.created", at_ms);
    for (int i = 0; i < ATTRIBUTES_COUNT; i++) {
        struct slice value = cell(&reading->rows, reading->attributes[i]);

        if (value.at != NULL) {
            print_key(&reading->json, attribute_text((enum attribute)i));
            print_text(&reading->json, value);
        }
    }
    end_event(reading);
    add_end(reading, IMPORT_CSV_SOLVED, reading->csv->solved_status);
    add_end(reading, IMPORT_CSV_CLOSED, reading->csv->closed_status);
}

/* The column of this name in the first row. False: it is wanted and not there. */
static bool
find_column(const struct rows *rows, struct slice name, size_t *ret_place)
{
    *ret_place = CELLS_MAX;
    for (size_t i = 0; i < rows->count && name.at != NULL; i++)
        if (slice_equal(cell(rows, i), name))
            *ret_place = i;
    return name.at == NULL || *ret_place < CELLS_MAX;
}

int
import_csv_read(const struct import_csv *csv, struct slice text, struct slice *missing)
{
    static const char mark[] = "\xef\xbb\xbf"; /* what spreadsheets put in front of UTF-8 */
    struct reading *reading = memory_allocate_zeroed(1, sizeof *reading);
    int result = 0;

    if (text.bytes >= 3 && memcmp(text.at, mark, 3) == 0)
        text = (struct slice){text.at + 3, text.bytes - 3};
    reading->csv = csv;
    reading->rows = (struct rows){.rest = text, .by = separator_of(text), .line = 1};
    (void)take_row(&reading->rows);
    for (int i = 0; i < IMPORT_CSV_FIELDS_COUNT && result == 0; i++)
        if (!find_column(&reading->rows, csv->heads[i], &reading->places[i])) {
            *missing = csv->heads[i];
            result = -1;
        }
    for (int i = 0; i < ATTRIBUTES_COUNT && result == 0; i++)
        if (!find_column(&reading->rows, csv->attributes[i], &reading->attributes[i])) {
            *missing = csv->attributes[i];
            result = -1;
        }
    while (result == 0 && (reading->line = reading->rows.line, take_row(&reading->rows)))
        add_row(reading);
    buffer_free(&reading->rows.texts);
    buffer_free(&reading->json);
    memory_free(reading);
    return result;
}
