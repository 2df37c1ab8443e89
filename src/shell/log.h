#ifndef SLAD_SHELL_LOG_H
#define SLAD_SHELL_LOG_H

/*
 * The log: one line an event, to standard error, as logfmt or JSON.
 *
 *     log_write(log, LOG_WARNING, "task_held", LOG_INTEGER("task", 3), LOG_TEXT("why", why),
 * LOG_SLICE("ticket", name));
 *
 *     2026-11-22T10:15:30.000Z warning task_held task=3 why="no marker" ticket=INC001
 *
 * The event is a lower_snake name of its own for every kind of line (a literal: it is the key of the rate
 * limit). Values may come from strangers: they are quoted, escaped and cut at LOG_VALUE_BYTES_MAX. Of one
 * kind at most log_burst_max lines in ten seconds are written; the rest is counted and told as suppressed=N
 * with the kind's next line, or by log_flush. Errors are never suppressed silently: the count comes out. Any
 * thread may write.
 */
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_NOTICE,
    LOG_INFO,
    LOG_DEBUG
}; /* the order of config.def's log_level */
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum { LOG_VALUE_BYTES_MAX = 1024 };

struct log;

struct log_options {
    int descriptor; /* 2 */
    enum log_level level;
    enum log_format format;
    bool journal; /* begin lines with <N>, and leave time and level to the journal: see log_under_journal */
    int64_t burst_max; /* 0: no limit */
};

/* Never NULL. */
struct log *log_new(const struct log_options *options);
void log_free(struct log *log); /* flushes; NULL is fine */
/* A reload. */
void log_set(struct log *log, enum log_level level, enum log_format format, int64_t burst_max);
bool log_enabled(const struct log *log, enum log_level level);
/* Tells what is suppressed and overdue; call it every few seconds. */
void log_flush(struct log *log);
/* Whether this descriptor is the journal's (JOURNAL_STREAM names its device and inode: pass getenv's answer).
 */
bool log_under_journal(const char *journal_stream, int descriptor);

enum log_field_type {
    LOG_FIELD_TEXT,
    LOG_FIELD_SLICE,
    LOG_FIELD_INTEGER,
    LOG_FIELD_BOOLEAN,
    LOG_FIELD_INSTANT
};

/* Fields of a line. Texts may be NULL (written as null); an instant of INT64_MIN is null. */
#define LOG_TEXT(key, value) (const char *)(key), (int)LOG_FIELD_TEXT, (const char *)(value)
#define LOG_SLICE(key, value) (const char *)(key), (int)LOG_FIELD_SLICE, (value)
#define LOG_INTEGER(key, value) (const char *)(key), (int)LOG_FIELD_INTEGER, (int64_t)(value)
#define LOG_BOOLEAN(key, value) (const char *)(key), (int)LOG_FIELD_BOOLEAN, (int)(value)
#define LOG_INSTANT(key, value) (const char *)(key), (int)LOG_FIELD_INSTANT, (int64_t)(value)

/* log_write(log, level, "event", fields ...) */
#define log_write(...) log_record(__VA_ARGS__, (const char *)0)
void log_record(struct log *log, enum log_level level, const char *event, ...);

#endif
