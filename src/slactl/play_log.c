/*
 * Recorded events for slactl play and import.
 *
 * What: reading files, line by line, and finding in each line the places of its instants and names.
 *
 * Why so: a line is sent as it was recorded but for its instants; so they are replaced in place and all other
 * bytes stay.
 *
 * Always true: every event has been read by the same reader as the daemon's, so what is sent is well-formed.
 *
 * Not here: what the instants become (play.c).
 */
#include "slactl/play_log.h"
#include "base/memory.h"
#include "base/panic.h"
#include "wire/event_read.h"
#include "wire/json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLAY_READ_BYTES = 1 << 16 };

struct play_source {
    FILE *file;
    pid_t child; /* gzip; 0: none */
};

static int
play_source_unzip(struct play_source *source, const char *path)
{
    int ends[2];

    if (pipe(ends) != 0)
        return -1;
    source->child = fork();
    if (source->child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execlp("gzip", "gzip", "-dc", "--", path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (source->child < 0) {
        close(ends[0]);
        return -1;
    }
    source->file = fdopen(ends[0], "r");
    return source->file != NULL ? 0 : -1;
}

static int
play_source_open(struct play_source *source, const char *path)
{
    size_t bytes = strlen(path);

    *source = (struct play_source){0};
    if (bytes > 3 && strcmp(path + bytes - 3, ".gz") == 0)
        return play_source_unzip(source, path);
    source->file = fopen(path, "r");
    return source->file != NULL ? 0 : -1;
}

/* 0, or -1 when gzip was not content. */
static int
play_source_close(struct play_source *source)
{
    int status = 0;

    fclose(source->file);
    if (source->child > 0 && waitpid(source->child, &status, 0) != source->child)
        return -1;
    return status == 0 ? 0 : -1;
}

/* ---- a line ---- */

static struct play_span
play_span_of(const struct json *json, const struct cJSON *value, const char *line)
{
    size_t at = json_offset(json, value) + 1, end = at;

    if (!json_is_text(value))
        return (struct play_span){0};
    while (line[end] != '"')
        end += line[end] == '\\' ? 2 : 1;
    return (struct play_span){(uint32_t)at, (uint32_t)(end - at)};
}

static void
play_note_spans(struct play_event *event, const struct json *json, const struct cJSON *object)
{
    static const char *const times[] = {"time", "created_at", "arrived_at"};
    static const char *const names[] = {"id", "ticket", "into"};

    for (const struct cJSON *member = object->child; member != NULL; member = member->next) {
        for (size_t i = 0; i < sizeof times / sizeof *times; i++)
            if (slice_is(json_key(member), times[i]))
                event->times[i] = play_span_of(json, member, event->line);
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            if (slice_is(json_key(member), names[i]))
                event->names[i] = play_span_of(json, member, event->line);
        if (slice_is(json_key(member), "feedback") && json_is_object(member))
            for (const struct cJSON *inner = member->child; inner != NULL; inner = inner->next)
                if (slice_is(json_key(inner), "id"))
                    event->names[3] = play_span_of(json, inner, event->line);
    }
}

struct play_tools {
    struct event_reader *reader;
    struct json *json;
};

static void
play_log_add(struct play_log *log, const struct play_tools *tools, const char *path, size_t number,
             struct slice line)
{
    char detail[EVENT_DETAIL_BYTES];
    const struct cJSON *object;
    struct play_event event = {0};
    struct event read;
    enum error_code error = event_read(tools->reader, line, NULL, EVENT_TOPIC_BOTH, &read, detail);

    if (error != ERROR_NONE) {
        fprintf(stderr, "%s:%zu: %s: %s\n", path, number, error_code_text(error), detail);
        log->bad_count++;
        return;
    }
    event.topic = event_read_topic(&read);
    event.at_ms = read.at_ms;
    event.line = memory_copy(line.at, line.bytes);
    event.line_bytes = line.bytes;
    event.order = log->count;
    event.path = path;
    event.number = number;
    must(json_read(tools->json, (struct slice){event.line, event.line_bytes}, &object, detail) == ERROR_NONE);
    play_note_spans(&event, tools->json, object);
    if (log->count == log->room) {
        log->room = log->room == 0 ? 1024 : log->room * 2;
        log->events = memory_resize(log->events, log->room * sizeof *log->events);
    }
    log->events[log->count++] = event;
}

int
play_log_read(struct play_log *log, const char *path)
{
    struct play_tools tools = {.reader = event_reader_new(), .json = json_new()};
    struct play_source source;
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t bytes;
    int result = 0;

    if (play_source_open(&source, path) != 0) {
        fprintf(stderr, "slactl %s: %s: %s\n", log->command, path, strerror(errno));
        result = -1;
    } else {
        while ((bytes = getline(&line, &room, source.file)) > 0) {
            while (bytes > 0 && (line[bytes - 1] == '\n' || line[bytes - 1] == '\r'))
                bytes--;
            number++;
            if (bytes > 0)
                play_log_add(log, &tools, path, number, (struct slice){line, (size_t)bytes});
        }
        if (play_source_close(&source) != 0) {
            fprintf(stderr, "slactl %s: %s: gzip cannot read it\n", log->command, path);
            result = -1;
        }
    }
    free(line);
    event_reader_free(tools.reader);
    json_free(tools.json);
    return result;
}

int
play_log_text(const struct play_log *log, const char *path, struct buffer *text)
{
    struct play_source source;
    size_t bytes = 1;
    int result = 0;

    if (play_source_open(&source, path) != 0) {
        fprintf(stderr, "slactl %s: %s: %s\n", log->command, path, strerror(errno));
        return -1;
    }
    while (bytes > 0) {
        bytes = fread(buffer_reserve(text, PLAY_READ_BYTES), 1, PLAY_READ_BYTES, source.file);
        text->bytes += bytes;
    }
    if (ferror(source.file)) {
        fprintf(stderr, "slactl %s: %s: cannot read it\n", log->command, path);
        result = -1;
    }
    if (play_source_close(&source) != 0) {
        fprintf(stderr, "slactl %s: %s: gzip cannot read it\n", log->command, path);
        result = -1;
    }
    return result;
}

void
play_log_take(struct play_log *log, const char *path, size_t number, struct slice line)
{
    struct play_tools tools;

    if (log->reader == NULL) {
        log->reader = event_reader_new();
        log->json = json_new();
    }
    tools = (struct play_tools){log->reader, log->json};
    play_log_add(log, &tools, path, number, line);
}

static int
play_log_compare(const void *first, const void *second)
{
    const struct play_event *a = first, *b = second;

    if (a->at_ms != b->at_ms)
        return a->at_ms < b->at_ms ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

void
play_log_sort(struct play_log *log)
{
    if (log->count > 0)
        qsort(log->events, log->count, sizeof *log->events, play_log_compare);
}

void
play_log_free(struct play_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        memory_free(log->events[i].line);
    memory_free(log->events);
    event_reader_free(log->reader);
    json_free(log->json);
    *log = (struct play_log){0};
}
