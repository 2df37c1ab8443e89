#ifndef SLAD_SLACTL_REPORT_PAGE_H
#define SLAD_SLACTL_REPORT_PAGE_H

/* The sections of the page, and what they share. */
#include "slactl/report_chart.h"
#include "slactl/report_markup.h"
#include "slactl/report_model.h"

enum report_text {
#define TEXT(NAME, title, says) TEXT_##NAME,
#include "slactl/report_text.def"
#undef TEXT
    TEXTS_COUNT
};

const char *report_style(void); /* the style sheet */

/* ---- shared ---- */

void report_page_section(struct buffer *out, enum report_text text); /* heading and what it says */
void report_page_section_end(struct buffer *out);
void report_page_nothing(struct buffer *out, const char *why); /* a paragraph */

enum report_mark { MARK_GOOD, MARK_BAD, MARK_UNSURE };
void report_page_mark(struct buffer *out, enum report_mark mark, const char *words); /* shape and word */
/* "99.2 % (131 of 132)"; "none" without any. */
void report_page_rate(struct buffer *out, const struct score_rate *rate);
void report_page_px(struct buffer *out, const struct score_px *px); /* "38.9 % (31.6 to 46.8), n 154" */
void report_page_nps(struct buffer *out, const struct score_nps *nps);
/* Against its target by the interval. */
enum report_mark report_page_judge_px(const struct score_px *px, int target_bp);
bool report_page_is_kept(const struct score_rate *rate, int target_bp);
void report_page_scope(struct buffer *out, const struct score_scope *scope, const char *customer);
const char *report_page_party(enum party party); /* "the provider" */
/* Who had the ball longest, and his share of whole_ms. */
void report_page_holder(struct buffer *out, const int64_t wall_ms[PARTIES_COUNT]);

/* ---- sections ---- */

/* report_page_sides.c */
void report_page_sides_glance(struct buffer *out, const struct report *report);
void report_page_sides_both(struct buffer *out, const struct report *report);
void report_page_sides_time(struct buffer *out, const struct report *report);
void report_page_sides_honest(struct buffer *out, const struct report *report);
void report_page_sides_inside(struct buffer *out, const struct report *report);
/* report_page_users.c */
void report_page_users(struct buffer *out, const struct report *report);
/* report_page_contracts.c */
void report_page_contracts_watermelons(struct buffer *out, const struct report *report);
void report_page_contracts_keis(struct buffer *out, const struct report *report);
void report_page_contracts_agreements(struct buffer *out, const struct report *report);
/* report_page_lists.c */
void report_page_lists_stretches(struct buffer *out, const struct report *report);
void report_page_lists_improve(struct buffer *out, const struct report *report);
void report_page_lists_unknown(struct buffer *out, const struct report *report);

#endif
