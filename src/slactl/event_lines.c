/*
 * What: NDJSON events, decoded, at the instants of their arrival.
 *
 * Why one: what replay reads, refuses and cuts off by --until is what whatif and explain must read, refuse
 * and cut off.
 *
 * Always true: T never goes back; a line beyond until ends its file, and nothing of it happens.
 *
 * Not here: what becomes of an event.
 */
#include "slactl/event_lines.h"
#include "slactl/lines.h"
#include "wire/dead_letter.h"
#include "wire/event_read.h"
#include "wire/quantity.h"
#include <errno.h>
#include <stdio.h>

enum { LINE_BYTES_MAX = 262144 };

/* What an event may be away from its arrival when it has one (the defaults of allowed_skew and accept_age).
 */
#define ALLOWED_SKEW_MS INT64_C(86400000)
#define ACCEPT_AGE_MS (INT64_C(400) * 86400000)

static void
refuse(struct event_lines *lines, enum error_code error, const char *detail, uint64_t number,
       const char *file)
{
    buffer_reset(&lines->errors);
    dead_letter_print_line(&lines->errors, error, detail, number, file);
    (void)fwrite(lines->errors.at, 1, lines->errors.bytes, stderr);
}

int
event_lines_take_age(struct event_lines *lines, const char *text)
{
    return quantity_parse_duration_ms(slice_of(text), &lines->accept_age_ms);
}

/* R14: only an event that says when it arrived can be too early or too old. */
static enum error_code
check_age(const struct event_lines *lines, const struct event *event, int64_t arrived_ms)
{
    int64_t accept_age_ms = lines->accept_age_ms > 0 ? lines->accept_age_ms : ACCEPT_AGE_MS;

    if (event->type == EVENT_ALERT_ACKNOWLEDGED)
        return ERROR_NONE;
    if (event->at_ms - arrived_ms > ALLOWED_SKEW_MS)
        return ERROR_FUTURE_STAMPED;
    return arrived_ms - event->at_ms > accept_age_ms ? ERROR_TOO_OLD : ERROR_NONE;
}

/* One line. False: it lies beyond until, and so does everything after it. */
static bool
take_line(struct event_lines *lines, struct slice line, uint64_t number, const char *file)
{
    char detail[EVENT_DETAIL_BYTES];
    struct engine_answer answer;
    struct event event;
    int64_t t_ms, arrived_ms;
    bool has_arrived;
    enum error_code error = event_read(lines->reader, line, NULL, EVENT_TOPIC_BOTH, &event, detail);

    if (error != ERROR_NONE) {
        refuse(lines, error, detail, number, file);
        return true;
    }
    has_arrived = event_reader_arrived_at(lines->reader, &arrived_ms);
    t_ms = has_arrived ? arrived_ms : event.at_ms;
    t_ms = lines->has_t && lines->t_ms > t_ms ? lines->t_ms : t_ms;
    if (lines->has_until && t_ms > lines->until_ms)
        return false;
    lines->t_ms = t_ms;
    lines->has_t = true;
    if (lines->arrive != NULL)
        lines->arrive(lines->context, t_ms);
    error = has_arrived ? check_age(lines, &event, t_ms) : ERROR_NONE;
    if (error != ERROR_NONE) {
        refuse(lines, error, "time: too far from arrived_at", number, file);
        return true;
    }
    answer = lines->take(lines->context, &event, t_ms);
    if (answer.disposition == ENGINE_REFUSED)
        refuse(lines, answer.error, answer.detail, number, file);
    return true;
}

static bool
is_blank(struct slice line)
{
    size_t i = 0;

    while (i < line.bytes && (line.at[i] == ' ' || line.at[i] == '\t' || line.at[i] == '\r'))
        i++;
    return i == line.bytes;
}

/* path NULL: standard input. named: dead letters say which file. */
static void
read_file(struct event_lines *lines, const char *path, bool named)
{
    struct lines *file = lines_open(path, LINE_BYTES_MAX);
    struct slice line;
    int more = -1;

    while (file != NULL && (more = lines_next(file, &line)) == 1 && !lines->failed)
        if (!is_blank(line) && !take_line(lines, line, lines_number(file), named ? path : NULL))
            break;
    if (more < 0) {
        fprintf(stderr, "slactl %s: %s: %s\n", lines->command, path != NULL ? path : "standard input",
                strerror(errno));
        lines->failed = true;
    }
    lines_close(file);
}

void
event_lines_read(struct event_lines *lines, char *const *paths, int paths_count)
{
    lines->reader = event_reader_new();
    if (paths_count == 0)
        read_file(lines, NULL, false);
    for (int i = 0; i < paths_count && !lines->failed; i++)
        read_file(lines, paths[i], paths_count > 1);
    if (lines->has_until) {
        lines->t_ms = lines->until_ms;
        lines->has_t = true;
    }
}

void
event_lines_done(struct event_lines *lines)
{
    event_reader_free(lines->reader);
    buffer_free(&lines->errors);
}
