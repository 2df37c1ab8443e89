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
 * Live and in replay, at T:
 *   - scores_advance(scores, T, SCORES_BEFORE): every timer before T fires;
 *   - scores_feedback(scores, &event, T): decides an answer outcome, gives it to the sink, folds it;
 *   - scores_ticket(scores, &outcome, T): folds it, and decides revisions of the answers it changes;
 *   - scores_verdict(scores, &outcome, T): folds it;
 *   - scores_answer(scores, &outcome, T): folds one read back; its own are known by key and revision, and
 *     ignored;
 *   - scores_advance(scores, T, SCORES_THROUGH): with nothing more to read at T, timers at T fire too.
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

/* ---- KEIs and contracts (semantics.md sections 8 and 9) ---- */

enum kei_unit { KEI_SHARE, KEI_POINTS, KEI_LENGTH };

/* One key experience indicator in its window. Values are in the unit of its measure: shares as fractions of
 * 1, points, means, minutes, counts; lengths in milliseconds. */
struct score_kei {
    const struct symbols *symbols; /* of its match */
    enum kei_unit unit;
    const struct policy_kei *kei; /* name, measure, match, target, owner, review_by */
    int64_t at_ms;
    bool present; /* enough stands behind it: min_answers answers, or one ticket or verdict */
    double value;
    int64_t n;
    bool met;          /* on the right side of its target; only while present */
    bool has_previous; /* the window before is present too */
    double previous;
    int64_t previous_n;
    bool has_z; /* px, nps, aspects: how much of the trend is chance */
    double z;
    bool overdue; /* review_by is over */
    uint32_t revision;
};

enum pxa_state { PXA_NO_DATA, PXA_PROVISIONAL, PXA_HEALTHY, PXA_PLAN, PXA_RELEASE_RIGHT, PXA_STATES_COUNT };
const char *pxa_state_text(enum pxa_state state); /* "no_data", ... */

/* What one daily decision looks at. */
struct pxa_question {
    enum pxa_state state;
    int64_t at_ms, plan_until_ms;
    int64_t positive, n; /* n as `neutral` counts */
    int threshold_bp, min_answers;
};
/* The state after it. A plan runs to its end; release_right is left by hand only. */
enum pxa_state pxa_decide(const struct pxa_question *question);

struct score_pxa {
    struct slice contract;
    enum pxa_state state;
    int64_t since_ms;      /* INSTANT_NONE: never decided */
    int64_t plan_until_ms; /* INSTANT_NONE: no plan */
    int64_t at_ms, after_ms;
    struct score_px px;      /* present: n >= min_answers */
    int64_t people, tickets; /* behind the answers */
    int threshold_bp, min_answers;
    bool proven; /* the interval leaves the threshold out on the value's side; only while px is present */
    uint32_t revision;
};

struct score_share {
    struct slice name;
    int64_t n;
    double value;
};
enum { WATERMELON_ASPECTS_MAX = 3 };

struct score_watermelon {
    struct slice contract;
    struct score_scope scope;
    struct slice window;
    bool ripe;
    int64_t since_ms, at_ms;
    struct score_rate attainment; /* contract view */
    int attainment_target_bp;
    bool has_px_target, has_nps_target;
    struct score_px px;
    int px_target_bp;
    struct score_nps nps;
    int nps_target;
    struct score_share negative[WATERMELON_ASPECTS_MAX],
        positive[WATERMELON_ASPECTS_MAX]; /* the greatest first */
    size_t negative_count, positive_count;
    int64_t wall_ms[PARTIES_COUNT]; /* where the time of the window's solved tickets went */
    uint32_t revision;
};

struct score_credit_line {
    const struct policy_credit_line *line;
    struct slice clock;
    struct score_rate contract, honest; /* both views, whichever the line asks for */
    bool due;                           /* under target (a bonus: at or over it), and not without verdicts */
    int64_t amount_minor;
};
struct score_credit {
    struct slice contract;
    char month[8]; /* "2026-11" */
    struct slice currency;
    int64_t at_ms, after_ms;
    int64_t monthly_fee_minor, at_risk_minor;
    const struct score_credit_line *lines; /* as listed */
    size_t lines_count;
    int64_t credit_minor, bonus_minor; /* sums, each at most at_risk_minor */
    uint32_t revision;
};

/* The verdicts of the contract's running month, in its zone. */
struct score_attainment {
    struct slice contract;
    char month[8]; /* "2026-11" */
    int64_t at_ms, after_ms;
    int target_bp;                      /* 0: the policy has none */
    const struct score_record *figures; /* its attainment and clocks alone */
    uint32_t revision;
};

enum contract_subject { CONTRACT_PXA, CONTRACT_WATERMELON, CONTRACT_CREDIT, CONTRACT_SUBJECTS_COUNT };
/* The states of an experience agreement (enum pxa_state), then those of a watermelon. */
enum contract_state { CONTRACT_CLEAR = PXA_STATES_COUNT, CONTRACT_RIPE, CONTRACT_STATES_COUNT };
const char *contract_subject_text(enum contract_subject subject); /* "pxa", "watermelon", "credit" */
const char *contract_state_text(int state);                       /* "healthy", "ripe", ... */

struct contract_answer {
    struct slice survey, feedback, ticket;
    enum answer_class answer_class;
    int64_t at_ms;
};
enum { CONTRACT_ANSWERS_MAX = 100 };

/* A fact about a contract: a daily decision of its PXA (whether or not it moved), a watermelon that opens or
 * is over, the credits of a month that is over. Never rewritten. One of the three evidences stands, by
 * subject. Read back only what comes before `evidence` is filled. */
struct contract_outcome {
    struct slice contract;
    enum contract_subject subject;
    int64_t decided_at_ms;
    bool has_states;       /* pxa, watermelon */
    int from, to;          /* enum pxa_state or contract_state */
    bool moved;            /* they differ, or it is the first */
    int64_t since_ms;      /* in `to` */
    bool has_plan;         /* pxa */
    int64_t plan_until_ms; /* INSTANT_NONE: no plan */
    bool has_scope;        /* watermelon */
    struct score_scope scope;
    struct slice window;
    struct slice month;      /* credit: "2026-11"; else at NULL */
    struct slice by, reason; /* moved by hand; else at NULL */
    int64_t offset; /* it has read slad.outcomes up to here (this one not); its own task's records stand
                     * before it in any case */
    struct slice policy;
    struct slice event, event_source; /* moved by hand: by which event */
    struct arrival arrival;
    /* evidence */
    const struct score_pxa *pxa;
    const struct contract_answer
        *answers; /* pxa, when it moved: those that are not positive, the latest; in order of time */
    size_t answers_count, answers_omitted;
    const struct score_watermelon *watermelon;
    const struct score_credit *credit;
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
    void (*kei)(void *context, const struct score_kei *kei);
    void (*pxa)(void *context, const struct score_pxa *pxa);
    void (*watermelon)(void *context, const struct score_watermelon *watermelon);
    void (*credit)(void *context, const struct score_credit *credit);
    void (*attainment)(void *context, const struct score_attainment *attainment);
    void (*contract)(void *context, const struct contract_outcome *outcome); /* also without score */
};

/* Who writes snapshots listens to this. Neither may call back. */
struct scores_watch {
    void *context;
    void (*part_changed)(void *context, uint32_t part); /* what scores_save_part would say of it */
    void (*parts_moved)(void *context);                 /* of all of them, and which record is in which */
};

/* For a report: besides what the policy asks for, everything that matches, cut by these dimensions (0: all in
 * one). */
struct scores_cut {
    struct policy_match match;
    uint32_t dimensions; /* SCOPE bits */
};

/* How much is held; 0: any number. What is beyond is refused, never let in for something else:
 *   - answers_max: answers and offers. scores_feedback refuses a new feedback id (ERROR_SCORES_FULL), and
 *     when SCORES_EVENTS_PER_ANSWER times as many events of them are remembered, any. What slad.outcomes
 * holds is folded whatever it says: somebody has decided it.
 *   - facts_max: tickets and verdicts. A ticket nobody named before, a verdict of a clock and cycle that is
 * new are passed over: what they would say of coverage, attainment and the attributes of answers is missing.
 *   - scopes_max: scopes that a value makes (not KEIs, contracts). From the first that finds no room on no
 *     other is made, until all are made anew (scores_set_policies, a restart, scores_set_bounds): a scope
 *     counts everything of its values, or is not there.
 *   - aspects_max: of one score record; those with the most answers are in it. All of them are counted.
 * scores_fill counts what was refused. */
struct scores_bounds {
    size_t answers_max, facts_max, scopes_max, aspects_max;
};
enum { SCORES_EVENTS_PER_ANSWER = 8 };

struct scores_options {
    struct symbols *symbols; /* borrowed; the same the policies were read with */
    struct scores_sink sink;
    int64_t publish_every_ms; /* a scope is published at most once in this time; 1,000. 0: at every change */
    int64_t retire_after_ms;  /* how long answers, offers, tickets and verdicts are kept past their instant;
                               * never less than  twice the longest window. 0: that. A scope goes with the last
                               * thing in it. -1: nothing  ever goes (replay) */
    int64_t allowed_skew_ms;  /* stamped ahead: -1: any (replay, R14) */
    int64_t accept_age_ms;    /* too old: -1: any */
    const int64_t *outcomes_offset; /* borrowed: how far slad.outcomes has been given to these functions;
                                     * NULL: nobody knows (-1 in decisions) */
    unsigned parts_finer;           /* parts hold fewer records, by this power of two; 0 ... 9. For tests */
    const struct scores_cut *cuts;  /* borrowed with all they point to; who gives them holds their symbols */
    size_t cuts_count;
    struct scores_bounds bounds;
};

enum scores_moment { SCORES_BEFORE, SCORES_THROUGH };

/* Never NULL. set is borrowed and must outlive the object or the next scores_set_policies. */
struct scores *scores_new(const struct scores_options *options, const struct policy_set *set);
void scores_free(struct scores *scores);

/* A reload: scopes and windows are built again from what is kept. Classes of answers stay as they were
 * decided. */
void scores_set_policies(struct scores *scores, const struct policy_set *set, int64_t t_ms);
void scores_set_rebuilding(struct scores *scores, bool rebuilding, int64_t t_ms);
/* A reload. Scopes that were refused are made when there is room for more now. */
void scores_set_bounds(struct scores *scores, const struct scores_bounds *bounds);

/* While the caller knows that more is waiting to be read than T says (it has just been down), nothing is
 * decided of contracts: midnights wait, watermelons stay as they are. Afterwards all of it is decided at
 * once. False to begin with. */
void scores_set_behind(struct scores *scores, bool behind);

/* feedback.offered, .submitted, .withdrawn. alert.acknowledged of a detractor. contract.moved (refused:
 * unknown_contract, wrong_type). Other types: ENGINE_NO_EFFECT.
 * Refused: unknown_scale, number_out_of_range, missing_field, future_stamped, too_old, scores_full. An event
 * stamped ahead within the skew gives its outcome now and counts from its own time on (ENGINE_WAITS). An
 * event older than what its feedback id already says: no effect. */
struct engine_answer scores_feedback(struct scores *scores, const struct event *event, int64_t t_ms);
void scores_ticket(struct scores *scores, const struct ticket_outcome *outcome, int64_t t_ms);
void scores_verdict(struct scores *scores, const struct verdict_outcome *outcome, int64_t t_ms);
void scores_answer(struct scores *scores, const struct answer_outcome *outcome, int64_t t_ms);
void scores_contract(struct scores *scores, const struct contract_outcome *outcome, int64_t t_ms);

/* ---- snapshots ---- */

/*
 * The state lies in parts: records under neighbouring numbers. A part says everything that was ever folded
 * into its records, and nothing that follows from them (sums, chains, who counts). So parts need not be of
 * one instant. Let the log be read up to `offset` and then the parts be saved one by one, in ascending order,
 * each whenever there is time, while folding goes on; and all that was decided before the last of them be
 * committed. Then the parts, loaded, and the log folded again from `offset` on give the state of the whole
 * log: what a part has seen already is stale by its revision, and what it has not seen comes.
 *
 * A part that did not change since it was saved (scores_watch) need not be saved again. After
 * parts_moved what was saved belongs to no common snapshot with what is saved from then on.
 */
enum {
    SCORES_PARTS_COUNT = 65536,
    SCORES_PARTS_OWN = 128, /* the last ones: never used here, the caller's own */
    SCORES_STATE_FORMAT = 2
};
/* Appends the part. false: it is empty, nothing is appended; the caller's own always are.
 * O(records of the part), some thousands. Format SCORES_STATE_FORMAT, on any machine of this byte order. */
bool scores_save_part(const struct scores *scores, uint32_t part, struct buffer *out);
/* More records than parts take: no snapshots. */
bool scores_has_room_for_parts(const struct scores *scores);

/* Loading, into a new object that is rebuilding: every part that is not empty, in ascending order, then the
 * end. -1: another format or no sound part; the object is to be thrown away. Between the two the object may
 * only be freed. Afterwards it is as if the log had been folded, with T as it was; what comes behind is
 * folded as ever, then scores_set_rebuilding(false). Policies may be others. */
int scores_load_part(struct scores *scores, uint32_t part, struct slice bytes);
int scores_load_end(struct scores *scores);
/* From now on; nobody listened before (a thread loads, another one listens). */
void scores_watch_parts(struct scores *scores, const struct scores_watch *watch);
/* T of what was loaded or folded; INT64_MIN: of nothing. */
int64_t scores_t_ms(const struct scores *scores);

/* All parts at once, ended by a sum over them. */
void scores_save(const struct scores *scores, struct buffer *out);
int scores_load(struct scores *scores, struct slice state);

/* ---- audits ---- */

/* Only while rebuilding, with all folded that had been read when the decision was made. The sink's `contract`
 * is given what ought to have been decided; then the state is what was read. */
enum scores_verdict_of_audit {
    SCORES_AUDIT_DECIDED, /* the sink has it: to be compared */
    SCORES_AUDIT_GAP,     /* so too, but a midnight before it was left out */
    SCORES_AUDIT_DROPPED, /* a watermelon that the policy does not look for any more is clear: nothing to
                             compare */
    SCORES_AUDIT_NOTHING, /* there was nothing to decide */
    SCORES_AUDIT_UNKNOWN  /* the policy in force has no such contract, or no such scope of it */
};
enum scores_verdict_of_audit scores_redecide(struct scores *scores, const struct contract_outcome *read,
                                             int64_t t_ms);
/* The instant at which the next decision of a contract was due, by what was decided so far; INT64_MAX: none.
 */
int64_t scores_undecided_ms(struct scores *scores);
/* Gives the sink one present value as of t_ms once more (a score: all its windows). name: of the KEI or the
 * contract. False: there is no such thing. Only while rebuilding. */
enum scores_value {
    SCORES_VALUE_SCORE,
    SCORES_VALUE_KEI,
    SCORES_VALUE_PXA,
    SCORES_VALUE_WATERMELON,
    SCORES_VALUE_CREDIT,
    SCORES_VALUE_ATTAINMENT
};
bool scores_say(struct scores *scores, enum scores_value value, struct slice name,
                const struct score_scope *scope, int64_t t_ms);

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

/* ---- cuts ---- */

/* A stretch of time, (after, through], and the one it is compared with, (before, after]. before < after <
 * through. */
struct scores_span {
    int64_t before_ms, after_ms, through_ms;
};
/* Verdicts of one clock of any kind, whether or not it counts in attainment. */
struct scores_line {
    enum clock_kind kind;
    struct slice clock;
    struct score_rate contract, honest;
};
struct scores_slice {
    struct score_record record;      /* its window has no name. `people` is right when through is T */
    const struct scores_line *lines; /* by kind and name, those with a verdict */
    size_t lines_count;
    int64_t tickets; /* solved in it, and where their time went up to that */
    int64_t wall_ms[PARTIES_COUNT];
};
/* Gives every scope of the cut options.cuts[cut], in order of its values. What take is given lives for its
 * call. */
void scores_read_cut(struct scores *scores, size_t cut, const struct scores_span *span,
                     void (*take)(void *context, const struct scores_slice *slice), void *context);

struct scores_figures {
    uint64_t events, duplicates, refused, no_effect, answers_decided, folded, stale, published, joined_later;
    size_t answers, offers, tickets, verdicts, people, scopes, entries, contexts, waiting;
    size_t answers_bytes; /* answers and offers: records and index, without texts and aspects */
    size_t texts_bytes, entries_bytes, resident_bytes;
};
void scores_figures(const struct scores *scores, struct scores_figures *ret_figures); /* O(state) */
/* How full it is, by its bounds. O(1). */
struct scores_fill {
    size_t answers, facts, scopes; /* answers: with offers, and those that wait for their time */
    uint64_t answers_refused, facts_refused, scopes_refused, aspects_refused;
    bool scopes_full;
};
struct scores_fill scores_fill(const struct scores *scores);
/* A hash over the whole state but for the order in memory: two folds of one log have the same. O(state). */
uint64_t scores_digest(const struct scores *scores);
/* Audits everything against a count from scratch; panics when it is broken. O(state * scopes). For tests. */
void scores_check(struct scores *scores);

#endif
