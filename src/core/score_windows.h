#ifndef SLAD_CORE_SCORE_WINDOWS_H
#define SLAD_CORE_SCORE_WINDOWS_H

/* Where the windows of section 8 lie at an instant: (after, through], and the window before it. */
#include "slad/policy.h"

struct score_window {
    int64_t before_ms; /* the window before: (before, after] */
    int64_t after_ms;  /* this window: (after, now] */
};

/* Rolling: the last length_ms, the left end not included, exact to the millisecond. Month and quarter: from
 * local midnight of their first day in the zone (NULL: UTC), that instant included (R65); the window before
 * is the whole month or quarter before. */
struct score_window score_windows_at(const struct policy_window *window, const struct zone *zone,
                                     int64_t now_ms);
/* The first instant after now_ms at which the window begins anew; INT64_MAX for a rolling one. */
int64_t score_windows_next_turn_ms(const struct policy_window *window, const struct zone *zone,
                                   int64_t now_ms);
/* The beginning of the local day that many days (1 or more) after this instant's: always after it. */
int64_t score_windows_midnight_ms(const struct zone *zone, int64_t at_ms, int64_t days);
/* The beginning of the local month that many months after this instant's; "2026-11". */
int64_t score_windows_month_ms(const struct zone *zone, int64_t at_ms, int64_t months);
void score_windows_month_text(const struct zone *zone, int64_t at_ms, char text[8]);
/* How far back the window and the one before it ever reach. */
int64_t score_windows_reach_ms(const struct policy_window *window);

#endif
