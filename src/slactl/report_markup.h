#ifndef SLAD_SLACTL_REPORT_MARKUP_H
#define SLAD_SLACTL_REPORT_MARKUP_H

/*
 * HTML piece by piece into a buffer: texts escaped, figures with their units, tables. What is passed as
 * `const char *` is ours and goes out as it is; what is passed as a slice is a stranger's and is escaped.
 */
#include "base/buffer.h"
#include "slad/policy.h"

/* & < > " ' as entities; control characters and those that turn the direction of writing as U+FFFD. at NULL:
 * nothing. */
void report_markup_plain(struct buffer *out, struct slice text);
/* The same, with places to break a line (<wbr>) in what has no blank for long: not for attributes and titles.
 */
void report_markup_text(struct buffer *out, struct slice text);
/* A printf of our own words and numbers (below 512 bytes). */
void report_markup_format(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The ticket's name, a link when there is a template: {ticket} in it is the percent-encoded name. */
void report_markup_ticket(struct buffer *out, const char *template, struct slice ticket);
/* "http://" or "https://" with {ticket} in it and nothing that could end an attribute. */
bool report_markup_is_template(const char *template);

/* ---- figures ---- */

/* "99.4 %": whole numbers, cut off after one decimal, so nobody reaches a target by rounding. n > 0. */
void report_markup_share_of(struct buffer *out, int64_t hits, int64_t n);
void report_markup_share(struct buffer *out, double share);   /* "38.9 %", cut off as well */
void report_markup_points(struct buffer *out, double points); /* "+12.5", "−3.0", rounded */
void report_markup_decimal(struct buffer *out, double value); /* "3.3", rounded */
void report_markup_bp(struct buffer *out, int share_bp);      /* "95 %", "99.95 %" */
/* "9 d 4 h", "5 h 30 min", "12 min", "40 s": two units, cut off. Days of 24 hours. */
void report_markup_length(struct buffer *out, int64_t length_ms);
/* "2026-11-05 13:21", local. */
void report_markup_instant(struct buffer *out, const struct zone *zone, int64_t at_ms);
void report_markup_month(struct buffer *out, const struct zone *zone, int64_t at_ms); /* "2026-11" */
void report_markup_date(struct buffer *out, const struct zone *zone, int64_t at_ms);
/* "40,000.00 EUR" from 4000000. */
void report_markup_money(struct buffer *out, int64_t minor, struct slice currency);
void report_markup_count(struct buffer *out, int64_t count); /* "12,345" */

/* ---- tables ---- */

/* heads: as many as there are columns, NULL at the end; one that begins with '#' is of numbers. */
void report_markup_table(struct buffer *out, const char *const *heads);
void report_markup_row(struct buffer *out);
void report_markup_cell(struct buffer *out);        /* text; ends the cell before it */
void report_markup_number_cell(struct buffer *out); /* number */
void report_markup_row_end(struct buffer *out);
void report_markup_table_end(struct buffer *out);

#endif
