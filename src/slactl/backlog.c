/*
 * What: recorded events as histories, without anything happening on the way.
 *
 * Why this way: what is true of a ticket is derived from its history at one instant. So events are decoded
 * once and given to the engines as if they had come ahead of their time: they wait, nobody is derived. Only a
 * merge has to tell another ticket something; then the engines wake up once at the end.
 *
 * Always true: the same lines are read, refused and cut off by --until as in slactl replay, but for
 * retirement: no ticket retires.
 *
 * Not here: what is asked afterwards.
 */
#include "slactl/backlog.h"
#include "base/instant.h"
#include "slactl/lines.h"
#include "wire/dead_letter.h"
#include "wire/event_read.h"
#include <errno.h>

enum { LINE_BYTES_MAX = 262144 };

/* What an event may be away from its arrival when it has one (R14; config's allowed_skew and accept_age). */
#define ALLOWED_SKEW_MS INT64_C(86400000)
#define ACCEPT_AGE_MS (INT64_C(400) * 86400000)
/* Before every event: all of them wait. */
#define BEFORE_ALL_MS (INSTANT_MIN_MS - 1)

void
backlog_init(struct backlog *backlog, const char *command, struct symbols *symbols,
             struct policy_set *const *sets, size_t sets_count, bool keep_ids)
{
    const struct engine_options options = {
        .symbols = symbols,
        .late_after_ms = 3600000,
        .retire_after_ms = INT64_MAX / 4,
        .retirement_mark_ms = 0,
        .alerts_from_ms = INT64_MIN,
        .allowed_skew_ms = -1,
        .accept_age_ms = -1,
        .history_max = 1024,
        .loop_relays = true,
        .keep_retired = true,
        .keep_ids = keep_ids,
    };

    backlog->command = command;
    backlog->engines_count = sets_count;
    for (size_t i = 0; i < sets_count; i++)
        backlog->engines[i] = engine_new(&options, sets[i]);
    backlog->reader = event_reader_new();
}

void
backlog_done(struct backlog *backlog)
{
    for (size_t i = 0; i < backlog->engines_count; i++)
        engine_free(backlog->engines[i]);
    event_reader_free(backlog->reader);
    buffer_free(&backlog->errors);
}

static void
refuse(struct backlog *backlog, enum error_code error, const char *detail, uint64_t line, const char *file)
{
    buffer_reset(&backlog->errors);
    dead_letter_print_line(&backlog->errors, error, detail, line, file);
    (void)fwrite(backlog->errors.at, 1, backlog->errors.bytes, stderr);
}

static enum error_code
check_age(const struct event *event, int64_t arrived_ms)
{
    if (event->at_ms - arrived_ms > ALLOWED_SKEW_MS)
        return ERROR_FUTURE_STAMPED;
    return arrived_ms - event->at_ms > ACCEPT_AGE_MS ? ERROR_TOO_OLD : ERROR_NONE;
}

/* Into every history. What only one policy refuses is no reason to be silent. */
static void
give(struct backlog *backlog, const struct event *event, uint64_t number, const char *file)
{
    struct engine_answer refused = {.disposition = ENGINE_APPLIED};

    backlog->merges |= event->type == EVENT_TICKET_MERGED;
    for (size_t i = 0; i < backlog->engines_count; i++) {
        struct engine_answer answer = engine_event(backlog->engines[i], event, BEFORE_ALL_MS);

        if (answer.disposition == ENGINE_REFUSED && refused.disposition != ENGINE_REFUSED)
            refused = answer;
    }
    if (refused.disposition == ENGINE_REFUSED)
        refuse(backlog, refused.error, refused.detail, number, file);
}

/* One line. False: it lies beyond until, and so does everything after it. */
static bool
take_line(struct backlog *backlog, struct slice line, uint64_t number, const char *file)
{
    char detail[EVENT_DETAIL_BYTES];
    struct event event;
    int64_t t_ms, arrived_ms;
    bool has_arrived;
    enum error_code error = event_read(backlog->reader, line, NULL, EVENT_TOPIC_BOTH, &event, detail);

    if (error != ERROR_NONE) {
        refuse(backlog, error, detail, number, file);
        return true;
    }
    has_arrived = event_reader_arrived_at(backlog->reader, &arrived_ms);
    t_ms = has_arrived ? arrived_ms : event.at_ms;
    t_ms = backlog->has_t && backlog->t_ms > t_ms ? backlog->t_ms : t_ms;
    if (backlog->has_until && t_ms > backlog->until_ms)
        return false;
    backlog->t_ms = t_ms;
    backlog->has_t = true;
    if (event_read_topic(&event) != EVENT_TOPIC_TICKETS || event.type == EVENT_ALERT_ACKNOWLEDGED)
        return true; /* they decide nothing of a clock */
    error = has_arrived ? check_age(&event, t_ms) : ERROR_NONE;
    if (error != ERROR_NONE)
        refuse(backlog, error, "time: too far from arrived_at", number, file);
    else
        give(backlog, &event, number, file);
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

static void
take_file(struct backlog *backlog, const char *path, bool named)
{
    struct lines *lines = lines_open(path, LINE_BYTES_MAX);
    struct slice line;
    int more = -1;

    while (lines != NULL && (more = lines_next(lines, &line)) == 1) {
        if (!is_blank(line) && !take_line(backlog, line, lines_number(lines), named ? path : NULL))
            break;
    }
    if (more < 0) {
        fprintf(stderr, "%s: %s: %s\n", backlog->command, path != NULL ? path : "standard input",
                strerror(errno));
        backlog->failed = true;
    }
    lines_close(lines);
}

void
backlog_read(struct backlog *backlog, char **paths, int paths_count)
{
    if (paths_count == 0)
        take_file(backlog, NULL, false);
    for (int i = 0; i < paths_count && !backlog->failed; i++)
        take_file(backlog, paths[i], paths_count > 1);
    if (backlog->has_until) {
        backlog->t_ms = backlog->until_ms;
        backlog->has_t = true;
    }
    for (size_t i = 0; i < backlog->engines_count && backlog->merges; i++)
        (void)engine_advance(backlog->engines[i], backlog->t_ms, ENGINE_THROUGH, SIZE_MAX);
}
