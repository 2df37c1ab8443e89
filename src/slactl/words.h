#ifndef SLAD_SLACTL_WORDS_H
#define SLAD_SLACTL_WORDS_H

/* Times, lengths and names as people read them: what lint, whatif and explain print for humans. */
#include "base/buffer.h"
#include "slad/policy.h"
#include <stdio.h>

/* "17:00", "17:00:05", "17:00:05.250": local in this zone (NULL: UTC). */
void words_append_time(struct buffer *out, const struct zone *zone, int64_t at_ms);
/* "Fri 2026-06-05 17:00". */
void words_append_day_and_time(struct buffer *out, const struct zone *zone, int64_t at_ms);
/* "2026-06-05 17:00" where who asks is (TZ); "-" for INSTANT_NONE. */
void words_append_here(struct buffer *out, int64_t at_ms);
/* What words_append_here's times are called around this instant: "CEST". */
void words_append_here_zone(struct buffer *out, int64_t at_ms);
/* Whether the two lie on one local date. */
bool words_is_same_day(const struct zone *zone, int64_t a_ms, int64_t b_ms);
/* "65 h 30 min", "30 min", "5 s", "1 s 250 ms"; "0 min" for nothing. Exact. */
void words_append_length(struct buffer *out, int64_t length_ms);
/* Any text of a policy or an event, made harmless for a terminal (terminal.h). */
void words_append_name(struct buffer *out, struct slice name);
/* A printf of short texts (below 512 bytes). */
void words_append(struct buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The zone in which a calendar's days are told: its own, a union's first one; NULL with always. *ret_name is
 * the zone's, "UTC" for NULL. Lives as long as the policy. */
const struct zone *words_calendar_zone(const struct policy *policy, int calendar, struct slice *ret_name);
/* The calendar's name; "always" when it needs none. */
struct slice words_calendar_name(const struct policy *policy, int calendar);

/* A paragraph in lines of at most 100 columns: the first and the others indented by this much. */
void words_print_wrapped(FILE *out, struct slice text, int first_indent, int indent);
/* How wide a text stands. */
size_t words_columns(struct slice text);
/* Blanks, at least one, until what stands behind `from` fills this many columns. */
void words_pad(struct buffer *out, size_t from, size_t columns);

#endif
