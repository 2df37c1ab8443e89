/*
 * What: lines of log in logfmt or JSON, one write each, with a limit on each kind.
 *
 * Why this way: a line is built whole and written with one write(2), so lines of several threads and of a
 * crash never mix. What is logged about strangers is quoted and escaped here, at the one door, so no caller
 * can forget it. The limit is by kind, in windows of ten seconds: a storm of one kind never hides another,
 * and the count comes out.
 *
 * Always true: an output line has no control character but its end; a field's value is at most
 * LOG_VALUE_BYTES_MAX bytes of input; what was suppressed is told before the kind's next line, at log_flush,
 * or at log_free.
 *
 * Not here: files, rotation, syslog (the journal's), deciding what is worth a line.
 */
#include "shell/log.h"
#include "base/buffer.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/wallclock.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KINDS_MAX = 512, WINDOW_MS = 10000 };

static const char *const level_texts[] = {"error", "warning", "notice", "info", "debug"};
static const char journal_priorities[] = {'3', '4', '5', '6', '7'};

struct kind {
    const char *event;
    enum log_level level;
    int64_t window_mono_ms; /* when this window began */
    int64_t written;        /* in this window */
    int64_t suppressed;
};

struct log {
    struct log_options options;
    pthread_mutex_t lock;
    struct buffer line;
    struct kind kinds[KINDS_MAX];
    size_t kinds_count;
};

struct log *
log_new(const struct log_options *options)
{
    struct log *log = memory_allocate_zeroed(1, sizeof *log);

    log->options = *options;
    must(pthread_mutex_init(&log->lock, NULL) == 0);
    return log;
}

bool
log_under_journal(const char *journal_stream, int descriptor)
{
    unsigned long long device;
    unsigned long long inode;
    struct stat status;

    if (journal_stream == NULL || sscanf(journal_stream, "%llu:%llu", &device, &inode) != 2)
        return false;
    return fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

/* ---- writing values ---- */

/* How many bytes the UTF-8 character at the front takes; 0 when it is none (RFC 3629). */
static size_t
character_bytes(const unsigned char *at, size_t bytes)
{
    size_t length = at[0] < 0x80   ? 1
                    : at[0] < 0xC2 ? 0
                    : at[0] < 0xE0 ? 2
                    : at[0] < 0xF0 ? 3
                    : at[0] < 0xF5 ? 4
                                   : 0;

    if (length == 0 || length > bytes)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
        (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
        return 0;
    return length;
}

/* Controls C0 and C1, DEL, line and paragraph separators, and what turns the direction of text around on a
 * terminal. */
static bool
is_harmful(const unsigned char *at, size_t length)
{
    if (length == 1)
        return at[0] < 0x20 || at[0] == 0x7F;
    if (length == 2)
        return at[0] == 0xC2 && at[1] < 0xA0;
    if (length == 3 && at[0] == 0xE2)
        return (at[1] == 0x80 && at[2] >= 0xA8 && at[2] <= 0xAE) ||
               (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9);
    return false;
}

static void
append_escaped_character(struct buffer *out, const unsigned char *at, size_t length)
{
    char text[8];
    unsigned code = at[0];

    if (length == 2)
        code = (at[0] & 0x1FU) << 6 | (at[1] & 0x3FU);
    if (length == 3)
        code = (at[0] & 0x0FU) << 12 | (at[1] & 0x3FU) << 6 | (at[2] & 0x3FU);
    switch (code) {
    case '\n':
        buffer_append_text(out, "\\n");
        return;
    case '\r':
        buffer_append_text(out, "\\r");
        return;
    case '\t':
        buffer_append_text(out, "\\t");
        return;
    default:
        snprintf(text, sizeof text, "\\u%04x", code);
        buffer_append_text(out, text);
    }
}

static void
append_quoted(struct buffer *out, struct slice value)
{
    bool cut = value.bytes > LOG_VALUE_BYTES_MAX;
    const unsigned char *at = (const unsigned char *)value.at;
    size_t rest = cut ? LOG_VALUE_BYTES_MAX : value.bytes;

    buffer_append_byte(out, '"');
    while (rest > 0) {
        size_t length = character_bytes(at, rest);

        if (length == 0) {
            buffer_append_text(out, "\\ufffd");
            length = 1;
        } else if (is_harmful(at, length)) {
            append_escaped_character(out, at, length);
        } else {
            if (*at == '"' || *at == '\\')
                buffer_append_byte(out, '\\');
            buffer_append(out, at, length);
        }
        at += length;
        rest -= length;
    }
    if (cut)
        buffer_append_text(out, "...");
    buffer_append_byte(out, '"');
}

static bool
is_bare(struct slice value)
{
    if (value.bytes == 0 || value.bytes > LOG_VALUE_BYTES_MAX || slice_is(value, "null"))
        return false;
    for (size_t i = 0; i < value.bytes; i++) {
        unsigned char byte = (unsigned char)value.at[i];

        if (byte <= ' ' || byte >= 0x7F || byte == '"' || byte == '=' || byte == '\\')
            return false;
    }
    return true;
}

static void
append_text_value(const struct log *log, struct buffer *out, struct slice value)
{
    if (value.at == NULL)
        buffer_append_text(out, "null");
    else if (log->options.format == LOG_FORMAT_LOGFMT && is_bare(value))
        buffer_append_slice(out, value);
    else
        append_quoted(out, value);
}

static void
append_key(const struct log *log, struct buffer *out, const char *key)
{
    bool json = log->options.format == LOG_FORMAT_JSON;

    buffer_append_byte(out, json ? ',' : ' ');
    if (json)
        append_quoted(out, slice_of(key));
    else
        buffer_append_text(out, key);
    buffer_append_byte(out, json ? ':' : '=');
}

static void
append_instant(const struct log *log, struct buffer *out, int64_t at_ms)
{
    char text[INSTANT_TEXT_BYTES];

    if (at_ms == INT64_MIN) {
        buffer_append_text(out, "null");
        return;
    }
    instant_format(at_ms, text);
    append_text_value(log, out, slice_of(text));
}

static void
append_fields(const struct log *log, struct buffer *out, va_list fields)
{
    const char *key;

    while ((key = va_arg(fields, const char *)) != NULL) {
        enum log_field_type type = (enum log_field_type)va_arg(fields, int);

        append_key(log, out, key);
        switch (type) {
        case LOG_FIELD_TEXT:
            append_text_value(log, out, slice_of(va_arg(fields, const char *)));
            break;
        case LOG_FIELD_SLICE:
            append_text_value(log, out, va_arg(fields, struct slice));
            break;
        case LOG_FIELD_INTEGER:
            buffer_append_int64(out, va_arg(fields, int64_t));
            break;
        case LOG_FIELD_BOOLEAN:
            buffer_append_text(out, va_arg(fields, int) ? "true" : "false");
            break;
        case LOG_FIELD_INSTANT:
            append_instant(log, out, va_arg(fields, int64_t));
            break;
        }
    }
}

/* ---- lines ---- */

static void
begin_line(struct log *log, enum log_level level, const char *event)
{
    struct buffer *out = &log->line;
    char at[INSTANT_TEXT_BYTES];

    buffer_reset(out);
    if (log->options.journal) {
        const char priority[] = {'<', journal_priorities[level], '>'};

        buffer_append(out, priority, sizeof priority);
    }
    instant_format(wallclock_wall_ms(), at);
    if (log->options.format == LOG_FORMAT_JSON) {
        buffer_append_text(out, "{\"at\":");
        append_quoted(out, slice_of(at));
        append_key(log, out, "level");
        append_quoted(out, slice_of(level_texts[level]));
        append_key(log, out, "event");
        append_quoted(out, slice_of(event));
        return;
    }
    if (!log->options.journal) { /* the journal stamps and ranks by itself */
        buffer_append_text(out, at);
        buffer_append_byte(out, ' ');
        buffer_append_text(out, level_texts[level]);
        buffer_append_byte(out, ' ');
    }
    buffer_append_text(out, event);
}

static void
end_line(struct log *log)
{
    struct slice line;

    if (log->options.format == LOG_FORMAT_JSON)
        buffer_append_byte(&log->line, '}');
    buffer_append_byte(&log->line, '\n');
    line = buffer_slice(&log->line);
    /* Nowhere to complain when standard error is gone. */
    (void)!write(log->options.descriptor, line.at, line.bytes);
}

/* A line of its own for what was held back. */
static void
tell_suppressed(struct log *log, struct kind *kind)
{
    if (kind->suppressed == 0)
        return;
    begin_line(log, kind->level, kind->event);
    append_key(log, &log->line, "suppressed");
    buffer_append_int64(&log->line, kind->suppressed);
    end_line(log);
    kind->suppressed = 0;
}

/* The kind of an event: literals, so the pointer finds it; the text is compared for copies of one literal. */
static struct kind *
kind_of(struct log *log, const char *event)
{
    for (size_t i = 0; i < log->kinds_count; i++)
        if (log->kinds[i].event == event || strcmp(log->kinds[i].event, event) == 0)
            return &log->kinds[i];
    must(log->kinds_count < KINDS_MAX);
    log->kinds[log->kinds_count] = (struct kind){.event = event, .window_mono_ms = wallclock_mono_ms()};
    return &log->kinds[log->kinds_count++];
}

static bool
may_write(struct log *log, const char *event, enum log_level level)
{
    struct kind *kind = kind_of(log, event);
    int64_t now_mono_ms = wallclock_mono_ms();

    kind->level = level;
    if (now_mono_ms - kind->window_mono_ms >= WINDOW_MS) {
        tell_suppressed(log, kind);
        kind->window_mono_ms = now_mono_ms;
        kind->written = 0;
    }
    if (log->options.burst_max > 0 && kind->written >= log->options.burst_max) {
        kind->suppressed++;
        return false;
    }
    kind->written++;
    return true;
}

void
log_record(struct log *log, enum log_level level, const char *event, ...)
{
    va_list fields;

    pthread_mutex_lock(&log->lock);
    if (level <= log->options.level && may_write(log, event, level)) {
        begin_line(log, level, event);
        va_start(fields, event);
        append_fields(log, &log->line, fields);
        va_end(fields);
        end_line(log);
    }
    pthread_mutex_unlock(&log->lock);
}

void
log_flush(struct log *log)
{
    int64_t now_mono_ms = wallclock_mono_ms();

    pthread_mutex_lock(&log->lock);
    for (size_t i = 0; i < log->kinds_count; i++)
        if (now_mono_ms - log->kinds[i].window_mono_ms >= WINDOW_MS)
            tell_suppressed(log, &log->kinds[i]);
    pthread_mutex_unlock(&log->lock);
}

void
log_set(struct log *log, enum log_level level, enum log_format format, int64_t burst_max)
{
    pthread_mutex_lock(&log->lock);
    log->options.level = level;
    log->options.format = format;
    log->options.burst_max = burst_max;
    pthread_mutex_unlock(&log->lock);
}

bool
log_enabled(const struct log *log, enum log_level level)
{
    return level <= log->options.level;
}

void
log_free(struct log *log)
{
    if (log == NULL)
        return;
    for (size_t i = 0; i < log->kinds_count; i++)
        tell_suppressed(log, &log->kinds[i]);
    buffer_free(&log->line);
    pthread_mutex_destroy(&log->lock);
    memory_free(log);
}
