#ifndef SLAD_SLACTL_PLAY_LOG_H
#define SLAD_SLACTL_PLAY_LOG_H

/* Recorded events, read from files of NDJSON (gzip'd when their name ends in .gz), and in the order of their
 * time. */
#include "base/buffer.h"
#include "base/slice.h"
#include "slad/event.h"
#include <stddef.h>
#include <stdint.h>

/* A place in a line where an instant or a name stands: the text between the quotes. */
struct play_span {
    uint32_t at, bytes; /* bytes 0: it is not there */
};

struct play_event {
    char *line; /* without its end */
    size_t line_bytes;
    enum event_topic topic;
    int64_t at_ms;
    struct play_span times[3]; /* time, created_at, arrived_at */
    struct play_span names[4]; /* id, ticket, into, feedback.id */
    size_t order;              /* as it was read */
    const char *path;          /* where it stood: the caller's path, and a line from 1 */
    size_t number;
};

struct event_reader;
struct json;

struct play_log {
    const char *command;       /* "play", for messages */
    struct play_event *events; /* in order of time, then as read */
    size_t count, room;
    size_t bad_count;
    struct event_reader *reader; /* of play_log_take */
    struct json *json;
};

/* Reads one file. Lines that are no events are named on standard error and left out. 0, or -1: the file
 * cannot be read (said). */
int play_log_read(struct play_log *log, const char *path);
/* The whole file, unzipped. 0, or -1: it cannot be read (said). */
int play_log_text(const struct play_log *log, const char *path, struct buffer *ret_text);
/* One event that stood in such a line. One that is none is named on standard error and left out. */
void play_log_take(struct play_log *log, const char *path, size_t number, struct slice line);
void play_log_sort(struct play_log *log);
void play_log_free(struct play_log *log);

#endif
