#ifndef SLAD_SCORES_H
#define SLAD_SCORES_H

/*
 * The score side of slad as a function: (state, feedback | outcome | tick, T) -> (state, effects).
 * semantics.md section 8.
 *
 * One object holds what the users said (answers, offers), what they said it about (tickets, verdicts) and
 * every scope's figures. Its state is a fold over the records of slad.outcomes by key and revision: whoever
 * folds the same log, in whatever cuts, holds the same state. The caller brings records and the task time T,
 * which never goes back, and ships what the sink is given. Same calls in the same order, same effects, byte
 * for byte. No floating point before a figure is read; what is read uses + - * / and sqrt only (R70).
 *
 * Live and in replay:
 *     scores_advance(scores, T, SCORES_BEFORE)   every timer before T fires
 *     scores_feedback(scores, &event, T)         decides an answer outcome, gives it to the sink, folds it
 *     scores_ticket(scores, &outcome, T)         folds it, and decides revisions of the answers it changes
 *     scores_verdict(scores, &outcome, T)        folds it
 *     scores_answer(scores, &outcome, T)         folds one read back; its own are known by key and revision
 * and ignored scores_advance(scores, T, SCORES_THROUGH)  with nothing more to read at T: timers at T fire too
 *
 * Rebuilding from the log: scores_set_rebuilding(scores, true, T) first: then scores_ticket decides nothing
 * (the revisions stand in the log) and nothing is published. Fold the log in order, then
 * scores_set_rebuilding(scores, false, T): every scope that changed is due at once, and the sink is given the
 * answers' revisions that the log should hold and does not: whoever wrote it stopped after it had read a
 * ticket and before its revisions were committed.
 *
 * Free text (comments) never enters. Texts given to the sink live for its call; nothing given to a function
 * is kept by pointer.
 */
#include "slad/effect.h"
#include "slad/engine.h" /* struct engine_answer */

struct scores;

/* ---- what is published ---- */

/* Values of a scope's dimensions: SCOPE bits of policy.h, and the value of each dimension that is in it. */
#define SCORE_DIMENSIONS_COUNT                                                                               \
    (ATTRIBUTES_COUNT + 3) /* attributes, source, touchpoint, survey: bit number = index */
struct score_scope {
    uint32_t dimensions;
    struct slice values[SCORE_DIMENSIONS_COUNT]; /* at NULL where the bit is not set */
};

/* A figure is `present` when at least min_answers answers (of its own kind) stand behind it; the counts are
 * right either way. Shares are fractions of 1, NPS and its bounds are points. */
struct score_nps {
    bool present;
    int64_t promoters, passives, detractors, n;
    double value, low, high;
};
struct score_px {
    bool present;
    int64_t positive, neutral, negative;
    int64_t n; /* positive + negative, and neutral when they are counted */
    double value, low, high;
};
struct score_mean {
    bool present;
    int64_t n, sum;
    double value;
};
struct score_rate { /* no floor: present when n > 0 */
    bool present;
    int64_t hits, n;
    double value;
};
struct score_aspect {
    struct slice name;
    struct score_px px;
    struct score_mean mean; /* absent when its answers are of several scales */
    bool has_impact;        /* px.present and a px target */
    double impact;          /* n * (px - target), in answers */
};
struct score_attainment_clock {
    struct slice name;
    struct score_rate contract, honest;
};
struct score_change { /* against the window before: same length, or the whole month or quarter before */
    bool present;     /* both are present */
    double previous, difference, z; /* z of the adjusted figures */
    int64_t previous_n;
};

struct score_record {
    struct score_scope scope;
    struct slice window; /* its name: "24h", "month" */
    int64_t at_ms;       /* the window ends here, this instant included */
    int64_t after_ms;    /* and begins after this instant */
    int64_t n, people;   /* answers that count, and distinct people behind them */
    bool insufficient;   /* n < min_answers */
    struct score_nps nps;
    struct score_px px;
    struct score_mean csat, ces;
    struct score_mean lost_minutes;  /* n: answers that say it. present with n > 0 */
    struct score_rate response_rate; /* offers of the window that were answered / offers */
    struct score_rate coverage, coverage_met,
        coverage_breached;              /* solved tickets offered / solved; by SLA verdict */
    const struct score_aspect *aspects; /* by name */
    size_t aspects_count;
    const struct score_attainment_clock *clocks; /* by name; 0: no verdict, and the three below are absent */
    size_t clocks_count;
    struct score_rate attainment_contract, attainment_honest;
    bool has_gap;
    double attainment_gap; /* contract - honest */
    bool has_impact_px, has_impact_nps;
    double impact_px, impact_nps; /* n * (score - target): answers; points */
    struct score_change change_px, change_nps;
    uint32_t revision; /* counts the records of this scope and window since the start, from 1 */
};

/* A negative answer is an alert of its own (detractor_alert). Key:
 * TICKET-or-CUSTOMER/experience/SURVEY/FEEDBACK-ID/detractor. */
struct score_detractor {
    struct slice ticket, customer; /* ticket at NULL: the customer stands in the key */
    struct slice survey, feedback, scale, respondent;
    int32_t score;
    enum alert_state state; /* firing; repeated; acknowledged; resolved (changed to better); withdrawn (taken
                             * back) */
    uint32_t n;             /* repeated: which repeat, from 1; else 0 */
    enum severity severity;
    int64_t effective_at_ms; /* of the answer that fired it, the same in every record (R36) */
    struct slice attributes[ATTRIBUTES_COUNT];
    struct slice policy;
    struct slice by; /* acknowledged; at NULL else */
    struct arrival arrival;
};

/* Called inside the functions below; must not call them. Any pointer may be NULL; with score NULL nothing is
 * computed for it. */
struct scores_sink {
    void *context;
    void (*answer)(void *context, const struct answer_outcome *outcome);
    void (*score)(void *context, const struct score_record *record);
    void (*detractor)(void *context, const struct score_detractor *alert);
    /* Its answer is forgotten: a tombstone for its key. Only what the key is made of is filled. */
    void (*detractor_gone)(void *context, const struct score_detractor *alert);
    /* later, on top of the same fold: kei, watermelon, pxa, credit */
};

struct scores_options {
    struct symbols *symbols; /* borrowed; the same the policies were read with */
    struct scores_sink sink;
    int64_t publish_every_ms; /* a scope is published at most once in this time; 1,000. 0: at every change */
    int64_t retire_after_ms;  /* how long answers, offers, tickets and verdicts are kept past their instant;
                               * never less than  twice the longest window. 0: that. A scope goes with the last
                               * thing in it. -1: nothing  ever goes (replay) */
    int64_t allowed_skew_ms;  /* stamped ahead: -1: any (replay, R14) */
    int64_t accept_age_ms;    /* too old: -1: any */
};

enum scores_moment { SCORES_BEFORE, SCORES_THROUGH };

/* Never NULL. set is borrowed and must outlive the object or the next scores_set_policies. */
struct scores *scores_new(const struct scores_options *options, const struct policy_set *set);
void scores_free(struct scores *scores);

/* A reload: scopes and windows are built again from what is kept. Classes of answers stay as they were
 * decided. */
void scores_set_policies(struct scores *scores, const struct policy_set *set, int64_t t_ms);
void scores_set_rebuilding(struct scores *scores, bool rebuilding, int64_t t_ms);

/* feedback.offered, .submitted, .withdrawn. alert.acknowledged of a detractor. Other types: ENGINE_NO_EFFECT.
 * Refused: unknown_scale, number_out_of_range, missing_field, future_stamped, too_old. An event stamped ahead
 * within the skew gives its outcome now and counts from its own time on (ENGINE_WAITS). An event older than
 * what its feedback id already says: no effect. */
struct engine_answer scores_feedback(struct scores *scores, const struct event *event, int64_t t_ms);
void scores_ticket(struct scores *scores, const struct ticket_outcome *outcome, int64_t t_ms);
void scores_verdict(struct scores *scores, const struct verdict_outcome *outcome, int64_t t_ms);
void scores_answer(struct scores *scores, const struct answer_outcome *outcome, int64_t t_ms);

/* The earliest timer (an answer that leaves a window, a month that turns, a waiting answer, a publication
 * held back, a policy that comes into force); INT64_MAX when there is none. O(1). */
int64_t scores_next_ms(const struct scores *scores);
/* Fires timers before t_ms or up to and including it, in order; each record is as of its timer's instant. */
void scores_advance(struct scores *scores, int64_t t_ms, enum scores_moment moment);
/* The present value of every scope and window once, in order of scope (as listed, then by values) and window
 * (as listed). Needs scores_advance(THROUGH t_ms) first. */
void scores_publish_all(struct scores *scores, int64_t t_ms);

/* One scope and window now, whatever was published; false when the scope does not exist. For the board and
 * for tests. The record's arrays live until the next call. */
bool scores_read(struct scores *scores, const struct score_scope *scope, struct slice window, int64_t t_ms,
                 struct score_record *ret_record);

struct scores_figures {
    uint64_t events, duplicates, refused, no_effect, answers_decided, folded, stale, published, joined_later;
    size_t answers, offers, tickets, verdicts, people, scopes, entries, contexts, waiting;
    size_t answers_bytes; /* answers and offers: records and index, without texts and aspects */
    size_t texts_bytes, entries_bytes, resident_bytes;
};
void scores_figures(const struct scores *scores, struct scores_figures *ret_figures);
/* A hash over the whole state but for the order in memory: two folds of one log have the same. O(state). */
uint64_t scores_digest(const struct scores *scores);
/* Audits everything against a count from scratch; panics when it is broken. O(state * scopes). For tests. */
void scores_check(struct scores *scores);

#endif
