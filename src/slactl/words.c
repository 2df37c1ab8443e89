/*
 * What: times, lengths and names as people read them.
 *
 * Why this way: who asks why a clock is late thinks in weekdays, local time and hours, not in UTC
 * milliseconds. Nothing is rounded: what is printed adds up.
 *
 * Always true: a text of a policy or an event cannot steer a terminal.
 *
 * Not here: other languages; JSON (wire/print).
 */
#include "slactl/words.h"
#include "base/instant.h"
#include "slactl/terminal.h"
#include "slad/effect.h"
#include <stdarg.h>
#include <time.h>

enum {
    SECOND_MS = 1000,
    MINUTE_MS = 60000,
    HOUR_MS = 3600000,
    DAY_MS = 86400000,
    COLUMNS = 100,
    UNION_DEPTH_MAX = 8
};

static int64_t
local_ms(const struct zone *zone, int64_t at_ms)
{
    int64_t at_s = at_ms / SECOND_MS - (at_ms % SECOND_MS < 0);

    return zone != NULL ? at_ms + (int64_t)zone_offset_s(zone, at_s) * SECOND_MS : at_ms;
}

static int64_t
day_of(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

static void
append_clock_time(struct buffer *out, const char text[INSTANT_TEXT_BYTES])
{
    size_t bytes = 5;

    if (memcmp(text + 17, "00.000", 6) != 0)
        bytes = memcmp(text + 20, "000", 3) != 0 ? 12 : 8;
    buffer_append(out, text + 11, bytes);
}

void
words_append_time(struct buffer *out, const struct zone *zone, int64_t at_ms)
{
    char text[INSTANT_TEXT_BYTES];

    instant_format(local_ms(zone, at_ms), text);
    append_clock_time(out, text);
}

void
words_append_day_and_time(struct buffer *out, const struct zone *zone, int64_t at_ms)
{
    static const char *const days[] = {"Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "};
    int64_t local = local_ms(zone, at_ms);
    char text[INSTANT_TEXT_BYTES];

    instant_format(local, text);
    buffer_append_text(out, days[instant_weekday(day_of(local))]);
    buffer_append(out, text, 10);
    buffer_append_byte(out, ' ');
    append_clock_time(out, text);
}

static bool
here(int64_t at_ms, struct tm *ret_local)
{
    time_t at_s = (time_t)(at_ms / SECOND_MS);

    return at_ms != INSTANT_NONE && localtime_r(&at_s, ret_local) != NULL;
}

void
words_append_here(struct buffer *out, int64_t at_ms)
{
    struct tm local;
    char text[32] = "-";

    if (here(at_ms, &local))
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local);
    buffer_append_text(out, text);
}

void
words_append_here_zone(struct buffer *out, int64_t at_ms)
{
    struct tm local;
    char text[32] = "UTC";

    if (here(at_ms, &local))
        (void)strftime(text, sizeof text, "%Z", &local);
    buffer_append_text(out, text);
}

bool
words_is_same_day(const struct zone *zone, int64_t a_ms, int64_t b_ms)
{
    return day_of(local_ms(zone, a_ms)) == day_of(local_ms(zone, b_ms));
}

void
words_append_length(struct buffer *out, int64_t length_ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{HOUR_MS, " h"}, {MINUTE_MS, " min"}, {SECOND_MS, " s"}, {1, " ms"}};
    bool first = true;

    if (length_ms < 0) {
        buffer_append_byte(out, '-');
        length_ms = -length_ms;
    }
    if (length_ms == 0)
        buffer_append_text(out, "0 min");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (length_ms < units[i].ms)
            continue;
        if (!first)
            buffer_append_byte(out, ' ');
        first = false;
        buffer_append_int64(out, length_ms / units[i].ms);
        buffer_append_text(out, units[i].name);
        length_ms %= units[i].ms;
    }
}

void
words_append_name(struct buffer *out, struct slice name)
{
    terminal_append(out, name);
}

void
words_append(struct buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_text(out, text);
}

const struct zone *
words_calendar_zone(const struct policy *policy, int calendar, struct slice *ret_name)
{
    *ret_name = slice_of("UTC");
    for (int depth = 0; depth < UNION_DEPTH_MAX && calendar != POLICY_NONE; depth++) {
        const struct policy_calendar *here = &policy->calendars[calendar];

        if (here->is_union) {
            calendar = here->members[0];
            continue;
        }
        if (here->zone == POLICY_NONE)
            return NULL;
        *ret_name = policy->zones[here->zone].name;
        return policy->zones[here->zone].zone;
    }
    return NULL;
}

struct slice
words_calendar_name(const struct policy *policy, int calendar)
{
    return calendar != POLICY_NONE ? policy->calendars[calendar].name : slice_of("always");
}

size_t
words_columns(struct slice text)
{
    return terminal_columns(text);
}

/* How many bytes of the text go into one line of this many columns: whole words if any word fits. */
static size_t
line_bytes(struct slice text, size_t columns)
{
    size_t end = 0, word = 0;

    while (end < text.bytes && words_columns((struct slice){text.at, end + 1}) <= columns) {
        end++;
        if (end < text.bytes && text.at[end] == ' ')
            word = end;
    }
    while (end < text.bytes && ((unsigned char)text.at[end] & 0xC0) == 0x80)
        end++;
    return end == text.bytes || word == 0 ? end : word;
}

void
words_print_wrapped(FILE *out, struct slice text, int first_indent, int indent)
{
    int here = first_indent;

    while (text.bytes > 0) {
        size_t bytes = line_bytes(text, (size_t)(COLUMNS - here));

        (void)fprintf(out, "%*s%.*s\n", here, "", (int)bytes, text.at);
        while (bytes < text.bytes && text.at[bytes] == ' ')
            bytes++;
        text = (struct slice){text.at + bytes, text.bytes - bytes};
        here = indent;
    }
}

void
words_pad(struct buffer *out, size_t from, size_t columns)
{
    do
        buffer_append_byte(out, ' ');
    while (words_columns((struct slice){out->at + from, out->bytes - from}) < columns);
}
