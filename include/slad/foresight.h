#ifndef SLAD_FORESIGHT_H
#define SLAD_FORESIGHT_H

/*
 * The probability that a clock will breach (semantics.md section 7, "risk"; docs/foresight.md): landmark
 * Kaplan-Meier cells (van Houwelingen 2007), mixed by an online logistic, beside a plain online logistic of
 * the same contexts (leans), calibrated.
 *
 * When a clock ends the engine gives a struct risk_sample (engine_sink.risk_sample) that goes to
 * slad.outcomes; in the score task foresight_learn takes it, and foresight_publish writes the table for
 * slad.scores (`risk_model`). Every ticket task reads it (foresight_table_read) and gives it to its engine
 * (engine_set_foresight), which asks it about its open clocks and tells its sink (engine_sink.risk).
 *
 * Integers only. The same samples in the same order give the same learner, byte for byte, on every machine,
 * wherever it was saved and loaded in between; the same learner gives the same table, and the same table the
 * same forecasts. Nothing here allocates but the learner and the table. Instants are UTC ms, lengths ms of
 * the clock's counted time unless they say wall.
 */
#include "slad/effect.h"

/* A clock passes landmark l when it has counted so much of its target. Interval j lies between landmark j and
 * the next one, the last one ends at the target. */
#define FORESIGHT_LANDMARKS_COUNT 8
#define FORESIGHT_LANDMARKS_PERMILLE                                                                         \
    {                                                                                                        \
        20, 125, 250, 375, 500, 625, 750, 875                                                                \
    }
#define FORESIGHT_CONTEXTS_MAX 14
#define FORESIGHT_FIELDS_MAX 4 /* of one context */

enum foresight_number {
#define NUMBER(NAME, text, KIND, default_, help) FORESIGHT_##NAME,
#include "slad/foresight.def"
#undef NUMBER
    FORESIGHT_NUMBERS_COUNT
};

/* The number of the landmark last passed, or -1; permille of the target rounds down. */
int foresight_landmark(int64_t elapsed_ms, int64_t target_ms);
/* Counted time at which landmark 0 .. 7 is passed: the share rounds up (R6). */
int64_t foresight_landmark_ms(int landmark, int64_t target_ms);

/* ---- contexts: which tickets are like one another ---- */

/* One field: an attribute (its text), or a number with its N (foresight.def). */
struct foresight_field {
    uint8_t attribute; /* enum attribute; ATTRIBUTES_COUNT: number stands */
    uint8_t number;    /* enum foresight_number */
    uint16_t of;       /* N */
};
struct foresight_context {
    struct foresight_field fields[FORESIGHT_FIELDS_MAX];
    uint8_t fields_count;
};
struct foresight_contexts {
    struct foresight_context at[FORESIGHT_CONTEXTS_MAX];
    size_t count;
};
/* The default, as text. */
#define FORESIGHT_CONTEXTS_DEFAULT                                                                           \
    "group, group+status+moves:2, assignee+group, assignee+status, assignee+service, group+service, "        \
    "group+hour:8, holds:2+idle:15, events:12"
#define FORESIGHT_DETAIL_BYTES 160
/* Fields joined by +, contexts parted by commas; attributes by their names (attribute_text). -1: not a sound
 * list, and detail says what was found. Two contexts of the same fields are refused; an empty list is sound
 * (the base rate alone). */
int foresight_contexts_read(struct slice text, struct foresight_contexts *ret_contexts,
                            char detail[FORESIGHT_DETAIL_BYTES]);
/* The same text again, in its one form. */
void foresight_contexts_print(struct buffer *out, const struct foresight_contexts *contexts);
void foresight_context_print(struct buffer *out, const struct foresight_context *context);
/* What a policy asks for: its contexts or the default ones, without people if it says so. */
struct policy_foresight;
void foresight_contexts_of(const struct policy_foresight *policy, struct foresight_contexts *ret_contexts);
/* Takes out every context that names people (assignee, requester). */
void foresight_contexts_without_people(struct foresight_contexts *contexts);

/* ---- what is asked ---- */

/* A clock's ticket at one instant. Texts stand as symbols_hash / foresight_text_hash: 0 is none. */
struct foresight_view {
    uint64_t texts[ATTRIBUTES_COUNT];
    uint32_t numbers[FORESIGHT_NUMBERS_COUNT];
};
uint64_t foresight_text_hash(struct slice text); /* what symbols_hash gives for it */

/* One clock, open and not breached. */
struct foresight_query {
    enum clock_kind kind;
    uint64_t clock; /* hash of its name */
    struct foresight_view view;
    int64_t elapsed_ms, target_ms; /* 0 <= elapsed < target, target > 0 */
    bool brief;                    /* P and confidence are enough: no finish (-1), no evidence */
};

enum foresight_confidence {
    FORESIGHT_NORMAL,
    FORESIGHT_LOW, /* fewer than `class_min` finished clocks of this clock, priority and tier: plain rules
                      only */
    FORESIGHT_UNCALIBRATED /* the running calibration error of this clock is too high: plain rules only */
};
const char *
foresight_confidence_text(enum foresight_confidence confidence); /* "normal", "low", "uncalibrated" */

/* What one context says. */
struct foresight_evidence {
    uint8_t context;     /* its place in the model's contexts */
    int32_t logit_q16;   /* what it adds to the log-odds, by its cell and by its lean, in 1/65536 */
    uint32_t like, late; /* of so many like tickets at this point (faded), so many were late */
};
struct foresight_forecast {
    int p_permille;    /* 1 .. 999 */
    int32_t logit_q16; /* calibrated log-odds */
    int base_permille; /* without contexts, not calibrated */
    enum foresight_confidence confidence;
    uint32_t class_count;   /* finished clocks of its class */
    int64_t p50_ms, p90_ms; /* counted time from now to the finish, pauses to come included; -1: not known.
                               p90 >= p50 >= 0 */
    uint64_t model;         /* version */
    struct foresight_evidence
        evidence[FORESIGHT_CONTEXTS_MAX]; /* the weightiest first; those that say nothing are left out */
    size_t evidence_count;
};
/* A forecast with what it was made of, for records and pages. */
struct foresight_told {
    struct foresight_forecast forecast;
    const struct foresight_contexts *contexts; /* of the model; lives as long as the call that tells */
    uint32_t numbers[FORESIGHT_NUMBERS_COUNT]; /* of the ticket now */
    struct slice texts[ATTRIBUTES_COUNT]; /* of the ticket now; at NULL: none, or people who are not named */
    int64_t finish_p50_at_ms, finish_p90_at_ms; /* through the clock's calendar; INSTANT_NONE: not known */
};
/* exp of a difference of log-odds, in permille (1,500: odds times 1.5). 1 .. 1,000,000. */
uint32_t foresight_odds_permille(int32_t logit_q16);

/* ---- the table: what ticket tasks look up ---- */

struct foresight_table;

/* Reads what foresight_publish wrote: NULL when it is not a sound table of this format. The caller owns it.
 */
struct foresight_table *foresight_table_read(struct slice bytes);
void foresight_table_free(struct foresight_table *table);
uint64_t foresight_table_version(const struct foresight_table *table);
int64_t foresight_table_at_ms(const struct foresight_table *table); /* the learner's time when it was made */
const struct foresight_contexts *foresight_table_contexts(const struct foresight_table *table);
size_t foresight_table_bytes(const struct foresight_table *table); /* memory held */
/* False: nothing is known of this clock (ret_forecast is untouched). Never allocates; some hundred
 * nanoseconds. */
bool foresight_table_forecast(const struct foresight_table *table, const struct foresight_query *query,
                              struct foresight_forecast *ret_forecast);

/* ---- what is learned from ---- */

enum risk_label {
    RISK_MET,
    RISK_BREACHED,
    RISK_CENSORED /* cancelled, merged, retargeted, excused: it was open so long, more is not known */
};
struct risk_point {
    uint8_t landmark;
    int64_t at_ms;
    int64_t remaining_ms; /* in the clock's hours, pauses included, from there to its first stop; -1: not
                             known yet */
    struct slice texts[ATTRIBUTES_COUNT]; /* at NULL: none, or (assignee, requester) people are switched off
                                             or erased */
    uint32_t numbers[FORESIGHT_NUMBERS_COUNT];
};
/* What became of one cycle of one clock. The engine gives it once when the cycle is decided (`finish` false)
 * and, for a breached one, once more when it stops (`finish` true: only the finish is learned then). The
 * first label stands. Derived from the history when it is given: nothing is kept beside the ticket. */
struct risk_sample {
    struct clock_name name;
    enum measure measure;
    enum risk_label label;
    bool finish;
    bool alarmed;  /* its risk alert fired before: learned at reduced weight */
    bool held_out; /* foresight_held_out: nobody was told */
    int64_t started_at_ms;
    int64_t decided_at_ms;
    int64_t
        known_at_ms; /* when its deadline would have passed: the label counts from then on, whatever it is */
    int64_t target_ms, elapsed_ms; /* as of the decision */
    size_t points_count;           /* landmarks passed, in order */
    struct risk_point points[FORESIGHT_LANDMARKS_COUNT];
    struct arrival arrival;
};
const char *risk_label_text(enum risk_label label); /* "met", "breached", "censored" */
/* Whether this ticket belongs to the silent share: by its name alone, the same everywhere. */
bool foresight_held_out(struct slice ticket, int share_permille);

/* ---- the learner ---- */

struct foresight_options {
    struct foresight_contexts contexts;
    int64_t half_life_ms; /* 30 d; 1 h .. 10 years */
    uint32_t shrinkage;   /* k, in tickets: 5; 1 .. 1,000 */
    /* Weight of clocks that alarmed: 1,000; 0 .. 1,000. Less makes P too low where alarms prevent little, for
     * those that alarm are mostly those that end late (docs/foresight.md). */
    uint32_t alarmed_permille;
    uint32_t class_min;   /* 50 */
    uint32_t values_max;  /* values of contexts held, cells and leans each: 16,384; 64 .. 1,048,576. Over it
                             the lightest eighth is forgotten */
    uint32_t clocks_max;  /* clock names: 64; over it samples of further ones are refused */
    uint32_t pending_max; /* labels waiting for their deadline: 100,000; over it the next one counts early */
};
/* The values above. */
void foresight_options_default(struct foresight_options *ret_options);

struct foresight;
/* Never NULL. */
struct foresight *foresight_new(const struct foresight_options *options);
void foresight_free(struct foresight *learner);

/* Takes one sample; the learner's time becomes arrival.detected_at_ms if that is later, and labels that are
 * known by then are learned first, in the order (known_at, arrival). Nothing of sample is kept by pointer. */
void foresight_learn(struct foresight *learner, const struct risk_sample *sample);
/* Time passes without a sample. To be the same everywhere call it with instants that stand in slad.outcomes,
 * not with a wall clock's. */
void foresight_advance(struct foresight *learner, int64_t t_ms);
int64_t foresight_at_ms(const struct foresight *learner); /* INSTANT_NONE: nothing yet */
/* Grows by one with every label learned. */
uint64_t foresight_version(const struct foresight *learner);

/* The same forecast that a table published at this moment would give, without one. */
bool foresight_forecast(const struct foresight *learner, const struct foresight_query *query,
                        struct foresight_forecast *ret_forecast);
/* Appends the table as bytes (FORESIGHT_TABLE_FORMAT). O(values), some milliseconds at the bound. */
#define FORESIGHT_TABLE_FORMAT 2
void foresight_publish(const struct foresight *learner, struct buffer *out);

/* Appends the whole state; equal learners give equal bytes. */
#define FORESIGHT_STATE_FORMAT 2
void foresight_save(const struct foresight *learner, struct buffer *out);
/* Into a new learner. Contexts that differ from the saved ones are learned anew, the rest is kept; -1: not a
 * sound state, and the learner is to be thrown away. */
int foresight_load(struct foresight *learner, struct slice state);

struct foresight_figures {
    uint64_t labels, breached, censored, finishes;         /* learned, ever */
    uint64_t evicted_values, refused_clocks, early_labels; /* bounds hit */
    size_t values, clocks, pending;
    size_t resident_bytes;
};
void foresight_figures(const struct foresight *learner, struct foresight_figures *ret_figures);
/* One clock's running calibration: mean |P - share late| over its bins, in permille, of this many outcomes
 * (capped). Clocks 0 .. figures.clocks - 1 in the order they came; name lives as long as the learner. */
struct foresight_calibration {
    enum clock_kind kind;
    struct slice clock;
    int error_permille;
    int drift_permille; /* mean P less the share late, of the same outcomes: above 0 it said too much */
    uint64_t outcomes;
    bool uncalibrated;             /* above 50 over 500 outcomes or more */
    int32_t offset_q16, slope_q16; /* logit(P') = offset + slope logit(P) */
};
bool foresight_calibration(const struct foresight *learner, size_t clock,
                           struct foresight_calibration *ret_calibration);

#endif
