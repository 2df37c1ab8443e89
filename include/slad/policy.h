#ifndef SLAD_POLICY_H
#define SLAD_POLICY_H

/*
 * Policies, read and checked (semantics.md sections 3, 8, 9; rulings R15-R19). One YAML file is one struct
 * policy: wire/policy_yaml fills it, everything in it lives in its arena and is never changed afterwards. A
 * struct policy_set is all versions of one installation in order of `from`, with their calendars compiled
 * when first asked for; nothing in it changes as far as its users can see, and a reload makes a new set. A
 * set is used by one thread at a time. Texts that are compared with ticket attributes are symbols; texts that
 * are only printed are slices.
 *
 * Lengths are milliseconds, instants UTC milliseconds, percentages basis points (95% = 9500).
 */
#include "base/symbols.h"
#include "slad/calendar.h"
#include "slad/event.h"
#include "slad/zone.h"

#define POLICY_NONE (-1) /* an index that points nowhere */
#define POLICY_DURATION_MAX_MS (INT64_C(10) * 365 * 86400000)
#define POLICY_STAGES_MAX 12 /* entries of one warn_at */
#define POLICY_BYTES_MAX (4 * 1024 * 1024)

enum status_state { STATUS_OPEN, STATUS_WAITING, STATUS_SOLVED, STATUS_CLOSED, STATUS_CANCELLED };
enum clock_kind {
    KIND_SLA,
    KIND_OLA,
    KIND_UC,
    KIND_EXPERIENCE
}; /* experience: detractor alerts only, never in a policy */

enum measure {
#define MEASURE(NAME, text, everyone, help) MEASURE_##NAME,
#include "slad/measures.def"
#undef MEASURE
    MEASURES_COUNT
};

enum clock_start { START_CREATION, START_CREATION_ALWAYS, START_HANDOFF }; /* first_response only */
enum handling_mode { HANDLING_CUMULATIVE, HANDLING_PER_STAY };
enum on_reopen { REOPEN_RESUME, REOPEN_CONTINUE, REOPEN_NEW_CYCLE };
enum severity { SEVERITY_UNSET, SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };

struct policy_zone {
    struct slice name;
    struct slice bytes; /* the TZif file, kept with the version (R16) */
    struct zone *zone;  /* owned by the policy */
};

struct policy_calendar {
    struct slice name;
    bool is_union;
    const int *members; /* union: indices of calendars of this policy; no circles */
    size_t members_count;
    int zone; /* index, or POLICY_NONE with always */
    struct calendar_week week;
    struct calendar_days days;
};

struct policy_status {
    symbol name;
    enum status_state state;
    enum party on; /* PARTIES_COUNT: not said. Only for open and waiting */
};

struct policy_group {
    symbol name;
    enum party party; /* provider when not said */
    int tier;         /* 0: none */
    int calendar;     /* index or POLICY_NONE */
};

/* One key of a match: the value is one of values. A missing attribute never matches a key that is named. */
struct policy_match_key {
    int attribute; /* enum attribute, or POLICY_MATCH_SOURCE */
    const symbol *values;
    size_t values_count;
};
#define POLICY_MATCH_SOURCE ATTRIBUTES_COUNT

struct policy_match {
    const struct policy_match_key *keys;
    size_t keys_count;
};

struct policy_target {
    symbol priority;
    int64_t ms;
};

/* One entry of warn_at. Exactly one of the two is set. Percent thresholds round up (R6). */
struct policy_stage {
    struct slice name; /* as in an alert's stage: "warn-50%", "warn-30m" */
    int share_bp;      /* "50%": 5000; 0 when left_ms is set */
    int64_t left_ms;   /* "30m left" */
};

struct policy_severity {
    struct slice stage; /* "breach", "warn-90%", "risk", "slack" ... */
    symbol priority;    /* 0: the default of this stage */
    enum severity severity;
};

struct policy_repeat {
    int64_t every_ms;       /* 0: no repeats */
    int64_t stop_after_ms;  /* 0: for ever */
    int64_t ack_timeout_ms; /* 0: an acknowledgement silences for good */
};

struct policy_clock {
    symbol name;
    enum clock_kind kind;
    int agreement; /* index of its agreement */
    enum measure measure;
    enum clock_start start;
    enum handling_mode mode;
    symbol of_group;        /* handling: one of the two */
    enum party of_party;    /* PARTIES_COUNT: by group */
    uint8_t counts;         /* PARTY_BITs, any of the five (R50); everyone: all; handling: PARTY_EVERYONE */
    bool counts_is_default; /* judged by value (R59) */
    int calendar;           /* index; never POLICY_NONE: "always" is added when nobody names one (R18) */
    const struct policy_target *targets; /* by priority */
    size_t targets_count;
    int64_t target_default_ms;         /* 0: none: no clock for other priorities */
    const struct policy_stage *stages; /* warn_at as listed */
    size_t stages_count;               /* <= POLICY_STAGES_MAX */
    const struct policy_severity *severities;
    size_t severities_count;
    struct policy_repeat repeat;
    enum on_reopen on_reopen;
    bool closing_grace;
    bool attainment;   /* counts in SLA attainment (section 8) */
    int supports_kind; /* enum clock_kind, or POLICY_NONE */
    symbol supports_clock;
};

struct policy_agreement {
    struct slice name;
    enum clock_kind kind;
    struct policy_match match;
    int calendar;    /* index or POLICY_NONE (each clock has its own resolved one) */
    int first_clock; /* clocks[first_clock .. first_clock + clocks_count) of the policy */
    size_t clocks_count;
    int attainment_target_bp; /* 0: none */
    int64_t reopen_window_ms; /* 0: the top level's */
};

/* ---- experience (section 8) ---- */

enum answer_class { ANSWER_POSITIVE, ANSWER_NEUTRAL, ANSWER_NEGATIVE, ANSWER_CLASSES_COUNT };

/* A scale by table. The built-in ones (nps, stars5, thumbs, smiley3, ces7, percent) come first in every
 * policy's array, in this order. */
enum scale_builtin {
    SCALE_NPS,
    SCALE_STARS5,
    SCALE_THUMBS,
    SCALE_SMILEY3,
    SCALE_CES7,
    SCALE_PERCENT,
    SCALES_BUILTIN_COUNT
};
struct policy_scale {
    symbol name;
    int32_t lowest;        /* classes[score - lowest]; a score outside is number_out_of_range */
    const int8_t *classes; /* enum answer_class, or -1: no score of this scale */
    size_t classes_count;
};

enum one_answer_per { ONE_ANSWER_PER_TICKET, ONE_ANSWER_PER_CYCLE, ONE_ANSWER_PER_RESPONDENT };
enum neutral_rule { NEUTRAL_COUNTED, NEUTRAL_EXCLUDED };

enum window_kind { WINDOW_ROLLING, WINDOW_MONTH, WINDOW_QUARTER };
struct policy_window {
    struct slice name; /* as written: "24h", "month" */
    enum window_kind kind;
    int64_t length_ms; /* rolling */
};

/* Dimensions of a scope as bits: 1 << enum attribute, and these. */
#define SCOPE_SOURCE (1U << ATTRIBUTES_COUNT)
#define SCOPE_TOUCHPOINT (1U << (ATTRIBUTES_COUNT + 1))
#define SCOPE_SURVEY (1U << (ATTRIBUTES_COUNT + 2))

struct policy_kei {
    struct slice name;
    struct slice measure; /* "px", "aspect:speed", "tier_share:2" ... checked */
    struct policy_match match;
    symbol touchpoint, survey; /* 0: any */
    struct policy_window window;
    struct slice target;  /* as written */
    int64_t target_value; /* share: basis points; points and means: times 10,000; lengths: ms */
    struct slice owner;
    struct slice review_by; /* YYYY-MM-DD */
    int64_t review_by_ms;   /* end of that day in the experience's zone */
};

struct policy_experience {
    const struct policy_scale *scales;
    size_t scales_count;
    enum one_answer_per one_answer_per;
    int min_answers;
    enum neutral_rule neutral;
    const struct policy_window *windows;
    size_t windows_count;
    int zone;               /* index; POLICY_NONE: UTC */
    const uint32_t *scopes; /* SCOPE bits; 0 is "over all" */
    size_t scopes_count;
    int px_target_bp; /* 0: none */
    bool has_nps_target;
    int nps_target;           /* -100 .. 100 */
    int attainment_target_bp; /* 0: none */
    bool detractor_alert;
    struct policy_repeat detractor_repeat; /* real time; every_ms 0: said once */
    const struct policy_kei *keis;
    size_t keis_count;
};

/* ---- contracts (section 9) ---- */

struct policy_credit_line {
    enum clock_kind kind;
    symbol clock;
    bool honest; /* view: honest | contract */
    bool bonus;
    int target_bp, allocation_bp, share_bp;
};

struct policy_contract {
    struct slice name;
    symbol name_symbol;
    struct policy_match match;
    int zone;                           /* index or POLICY_NONE: UTC */
    struct policy_match honest_exclude; /* keys_count 0: nothing is excluded */
    bool has_pxa;
    int64_t pxa_window_ms;
    const symbol *pxa_surveys;
    size_t pxa_surveys_count; /* 0: every survey */
    int pxa_threshold_bp, pxa_min_answers, pxa_plan_days;
    enum neutral_rule pxa_neutral;
    bool has_watermelon;
    struct policy_window watermelon_window;
    bool has_credits;
    struct slice currency;
    int64_t monthly_fee_minor; /* integer minor units */
    int at_risk_bp;
    bool rounds_half_up; /* half_up | down */
    const struct policy_credit_line *lines;
    size_t lines_count;
};

/* ---- foresight (docs/foresight.md) ---- */

/* When the probability of a breach becomes an alert of stage `risk`. */
struct policy_foresight {
    bool enabled;
    bool people;               /* contexts may name people */
    struct slice contexts;     /* as foresight_contexts_read takes them; at NULL: the default */
    int fire_bp, clear_bp;     /* P in basis points: fires at or above, clears below; clear <= fire */
    int backstop_bp;           /* share of the target after which it fires whatever P says */
    int64_t min_actionable_ms; /* with less counted time left it does not fire; 0: always */
    uint32_t budget;           /* alerts a group and day, over all tasks; 0: as many as there are */
    int hold_out_bp;           /* share of tickets nobody is told of, to learn from */
};

struct policy {
    struct slice version; /* free text */
    struct slice label;   /* "2026-11@1f3a9c": version and six hex digits of the hash */
    uint8_t hash[32];     /* SHA-256 over the text and the zone files it names */
    struct slice text;    /* the file as it was read */
    struct slice file;    /* its name, for messages */
    int64_t from_ms;      /* INT64_MIN: always */
    const struct policy_zone *zones;
    size_t zones_count;
    const struct policy_calendar *calendars;
    size_t calendars_count;
    const struct policy_status *statuses; /* sorted by name (symbol number) */
    size_t statuses_count;
    const struct policy_group *groups; /* sorted by name (symbol number) */
    size_t groups_count;
    const struct policy_agreement *agreements; /* as written: of SLAs the first match wins */
    size_t agreements_count;
    const struct policy_clock *clocks; /* grouped by agreement, in order */
    size_t clocks_count;
    struct policy_experience experience;
    struct policy_foresight foresight;
    const struct policy_contract *contracts;
    size_t contracts_count;
    bool unknown_status_rejects; /* unknown_status: reject | open (default open) */
    bool merge_own_clock;        /* merge: own_clock | earliest_contact (default) */
    bool apply_to_running;
    int64_t reopen_window_ms;   /* 7 d */
    int64_t courtesy_window_ms; /* 15 min */
    int64_t flip_window_ms;     /* 15 min */
    struct arena *arena;        /* owns everything above but the zones' compiled form */
    struct symbols *symbols;    /* borrowed; the policy holds a reference on each symbol it names */
    symbol *held;               /* those references, one each (policy_symbol) */
    size_t held_count, held_room;
    size_t shared_count; /* holders besides the first */
};

/* An empty policy with the defaults of the top level and of experience, for a loader to fill: the struct
 * itself lives in its arena, which everything else must come from. Never NULL. symbols is borrowed and must
 * outlive the policy. */
struct policy *policy_new(struct symbols *symbols);
/* The number of this text; the policy keeps one reference until policy_free. 0 for a text that is not there.
 */
symbol policy_symbol(struct policy *policy, struct slice text);
/* The same policy, for one holder more, who calls policy_free as well. Holders are of one thread. */
struct policy *policy_share(struct policy *policy);
/* The last holder's: gives back the symbols and frees the zones' compiled forms too. NULL is fine. */
void policy_free(struct policy *policy);

/* Look-ups; NULL / 0 when the policy does not name it. */
const struct policy_status *policy_status_find(const struct policy *policy, symbol name);
const struct policy_group *policy_group_find(const struct policy *policy, symbol name);
int policy_calendar_find(const struct policy *policy, struct slice name);

const char *clock_kind_text(enum clock_kind kind); /* "sla", "ola", "uc", "experience" */
const char *measure_text(enum measure measure);
const char *severity_text(enum severity severity); /* "info", "warning", "critical" */

/* ---- all versions ---- */

struct policy_set;

/* Takes the versions (1 or more; the pointers, not the array) and puts them in order of from_ms. Two versions
 * with the same name or the same from are a caller's error (the loader has refused them). Cheap: a calendar
 * is compiled when it is first asked for, and calendars of equal weeks and days are compiled once, whatever
 * versions and names they have. symbols is borrowed. */
struct policy_set *policy_set_new(struct policy **policies, size_t policies_count, struct symbols *symbols);
void policy_set_free(struct policy_set *set); /* frees the policies too */
size_t policy_set_count(const struct policy_set *set);
const struct policy *policy_set_version(const struct policy_set *set, size_t version);
/* The same, for one holder more (policy_share). */
struct policy *policy_set_share(const struct policy_set *set, size_t version);
/* The index of the version in force at this event time: the newest with from <= at, else the earliest (R19).
 */
size_t policy_set_in_force(const struct policy_set *set, int64_t at_ms);
/* The first from after at_ms; INT64_MAX when none. */
int64_t policy_set_next_from_ms(const struct policy_set *set, int64_t at_ms);
/* The compiled calendar: weekly windows of `version`, days of `days_version` (>= version; a calendar the
 * later version does not have, or has as a union or as always, keeps its own days; a union is the union of
 * its members, each with its later days). Never NULL; lives as long as the set. The first call for a pair may
 * take some milliseconds, the next ones O(1). */
const struct calendar *policy_set_calendar(const struct policy_set *set, size_t version, int calendar,
                                           size_t days_version);

#endif
