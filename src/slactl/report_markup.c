/*
 * What: HTML piece by piece: escaping, figures as people read them, tables.
 *
 * Why this way: the page is small and its parts repeat, so a few functions do what a template language would,
 * and the compiler checks them. Figures never pass through printf's locale: whole numbers are cut, doubles
 * are rounded by one addition.
 *
 * Always true: a stranger's text enters the page through report_markup_text and _plain only; same figures,
 * same bytes.
 *
 * Not here: what the page says (report_page), pictures (report_chart).
 */
#include "slactl/report_markup.h"
#include "base/instant.h"
#include <stdarg.h>
#include <stdio.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
enum { UNBROKEN_MAX = 18 };
#define ALMOST 1e-6 /* a share that is a tenth of a percent is a hair below it as a double */

#define REPLACEMENT "\xEF\xBF\xBD"

/* ---- strangers' texts ---- */

/* Whether U+202A to U+202E, U+2066 to U+2069, U+200E or U+200F stands here: three bytes. */
static bool
turns_direction(struct slice rest)
{
    unsigned char second, third;

    if (rest.bytes < 3 || (unsigned char)rest.at[0] != 0xE2)
        return false;
    second = (unsigned char)rest.at[1];
    third = (unsigned char)rest.at[2];
    return (second == 0x80 && ((third >= 0xAA && third <= 0xAE) || third == 0x8E || third == 0x8F)) ||
           (second == 0x81 && third >= 0xA6 && third <= 0xA9);
}

static const char *
entity_of(char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)byte < 0x20 || byte == 0x7F ? REPLACEMENT : NULL;
    }
}

/* One character (or byte of one) escaped; how many bytes of the text it took. */
static size_t
append_escaped(struct buffer *out, struct slice rest)
{
    const char *entity = entity_of(rest.at[0]);

    if (turns_direction(rest)) {
        buffer_append_text(out, REPLACEMENT);
        return 3;
    }
    if (entity != NULL)
        buffer_append_text(out, entity);
    else
        buffer_append_byte(out, rest.at[0]);
    return 1;
}

void
report_markup_plain(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.bytes;)
        i += append_escaped(out, (struct slice){text.at + i, text.bytes - i});
}

void
report_markup_text(struct buffer *out, struct slice text)
{
    size_t run = 0;

    for (size_t i = 0; i < text.bytes;) {
        bool begins = ((unsigned char)text.at[i] & 0xC0) != 0x80;

        if (begins && run == UNBROKEN_MAX) {
            buffer_append_text(out, "<wbr>");
            run = 0;
        }
        run = text.at[i] == ' ' ? 0 : run + begins;
        i += append_escaped(out, (struct slice){text.at + i, text.bytes - i});
    }
}

void
report_markup_format(struct buffer *out, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_append_text(out, text);
}

bool
report_markup_is_template(const char *template)
{
    if (strncmp(template, "http://", 7) != 0 && strncmp(template, "https://", 8) != 0)
        return false;
    for (const char *at = template; *at != '\0'; at++)
        if ((unsigned char)*at <= 0x20 || (unsigned char)*at >= 0x7F || strchr("\"'<>\\`", *at) != NULL)
            return false;
    return strstr(template, "{ticket}") != NULL;
}

static void
append_encoded(struct buffer *out, struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_' || byte == '.' || byte == '~';

        if (plain)
            buffer_append_byte(out, (char)byte);
        else
            report_markup_format(out, "%%%02X", byte);
    }
}

void
report_markup_ticket(struct buffer *out, const char *template, struct slice ticket)
{
    static const char place[] = "{ticket}";
    const char *found;

    if (template == NULL) {
        report_markup_text(out, ticket);
        return;
    }
    buffer_append_text(out, "<a href=\"");
    while ((found = strstr(template, place)) != NULL) {
        report_markup_plain(out, (struct slice){template, (size_t)(found - template)});
        append_encoded(out, ticket);
        template = found + sizeof place - 1;
    }
    report_markup_plain(out, slice_of(template));
    buffer_append_text(out, "\">");
    report_markup_text(out, ticket);
    buffer_append_text(out, "</a>");
}

/* ---- figures ---- */

/* Tenths with one decimal; a sign when asked for. */
static void
append_tenths(struct buffer *out, int64_t tenths, bool sign)
{
    if (tenths < 0)
        buffer_append_text(out, "\xE2\x88\x92"); /* the minus sign */
    else if (sign && tenths > 0)
        buffer_append_byte(out, '+');
    if (tenths < 0)
        tenths = -tenths;
    buffer_append_int64(out, tenths / 10);
    buffer_append_byte(out, '.');
    buffer_append_int64(out, tenths % 10);
}

static int64_t
round_to_int64(double value)
{
    return value < 0 ? -(int64_t)(0.5 - value) : (int64_t)(value + 0.5);
}

void
report_markup_share_of(struct buffer *out, int64_t hits, int64_t n)
{
    append_tenths(out, hits * 1000 / n, false);
    buffer_append_text(out, "&nbsp;%");
}

void
report_markup_share(struct buffer *out, double share)
{
    append_tenths(out, (int64_t)(share * 1000.0 + ALMOST), false);
    buffer_append_text(out, "&nbsp;%");
}

void
report_markup_points(struct buffer *out, double points)
{
    append_tenths(out, round_to_int64(points * 10.0), true);
}

void
report_markup_decimal(struct buffer *out, double value)
{
    append_tenths(out, round_to_int64(value * 10.0), false);
}

void
report_markup_bp(struct buffer *out, int share_bp)
{
    buffer_append_int64(out, share_bp / 100);
    if (share_bp % 100 != 0)
        report_markup_format(out, share_bp % 10 != 0 ? ".%02d" : ".%d",
                             share_bp % 10 != 0 ? share_bp % 100 : share_bp % 100 / 10);
    buffer_append_text(out, "&nbsp;%");
}

void
report_markup_length(struct buffer *out, int64_t length_ms)
{
    static const struct {
        int64_t ms, next_ms;
        const char *name, *next_name;
    } units[] = {{DAY_MS, HOUR_MS, "d", "h"}, {HOUR_MS, MINUTE_MS, "h", "min"}};

    if (length_ms < 0) {
        buffer_append_text(out, "\xE2\x88\x92");
        length_ms = -length_ms;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (length_ms >= units[i].ms) {
            int64_t rest = length_ms % units[i].ms / units[i].next_ms;

            report_markup_format(out, "%lld&nbsp;%s", (long long)(length_ms / units[i].ms), units[i].name);
            if (rest > 0)
                report_markup_format(out, " %lld&nbsp;%s", (long long)rest, units[i].next_name);
            return;
        }
    if (length_ms >= MINUTE_MS || length_ms == 0)
        report_markup_format(out, "%lld&nbsp;min", (long long)(length_ms / MINUTE_MS));
    else
        report_markup_format(out, "%lld&nbsp;s", (long long)(length_ms / 1000));
}

static void
append_local(struct buffer *out, const struct zone *zone, int64_t at_ms, size_t bytes)
{
    int64_t at_s = at_ms / 1000 - (at_ms % 1000 < 0);
    char text[INSTANT_TEXT_BYTES];

    instant_format(zone != NULL ? at_ms + (int64_t)zone_offset_s(zone, at_s) * 1000 : at_ms, text);
    text[10] = ' ';
    buffer_append_text(out, "<time>");
    buffer_append(out, text, bytes);
    buffer_append_text(out, "</time>");
}

void
report_markup_instant(struct buffer *out, const struct zone *zone, int64_t at_ms)
{
    append_local(out, zone, at_ms, 16);
}

void
report_markup_month(struct buffer *out, const struct zone *zone, int64_t at_ms)
{
    append_local(out, zone, at_ms, 7);
}

void
report_markup_date(struct buffer *out, const struct zone *zone, int64_t at_ms)
{
    append_local(out, zone, at_ms, 10);
}

void
report_markup_count(struct buffer *out, int64_t count)
{
    if (count >= 1000) {
        report_markup_count(out, count / 1000);
        report_markup_format(out, ",%03d", (int)(count % 1000));
        return;
    }
    buffer_append_int64(out, count);
}

void
report_markup_money(struct buffer *out, int64_t minor, struct slice currency)
{
    report_markup_count(out, minor / 100);
    report_markup_format(out, ".%02d&nbsp;", (int)(minor % 100));
    report_markup_text(out, currency);
}

/* ---- tables ---- */

void
report_markup_table(struct buffer *out, const char *const *heads)
{
    buffer_append_text(out, "<table>\n<thead><tr>");
    for (; *heads != NULL; heads++) {
        buffer_append_text(out, **heads == '#' ? "<th class=\"n\" scope=\"col\">" : "<th scope=\"col\">");
        buffer_append_text(out, **heads == '#' ? *heads + 1 : *heads);
        buffer_append_text(out, "</th>");
    }
    buffer_append_text(out, "</tr></thead>\n<tbody>\n");
}

void
report_markup_row(struct buffer *out)
{
    buffer_append_text(out, "<tr>");
}

/* Ends of cells may be left out in HTML; so nobody has to remember one. */
void
report_markup_cell(struct buffer *out)
{
    buffer_append_text(out, "<td>");
}

void
report_markup_number_cell(struct buffer *out)
{
    buffer_append_text(out, "<td class=\"n\">");
}

void
report_markup_row_end(struct buffer *out)
{
    buffer_append_text(out, "</tr>\n");
}

void
report_markup_table_end(struct buffer *out)
{
    buffer_append_text(out, "</tbody>\n</table>\n");
}
