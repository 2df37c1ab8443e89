#ifndef SLAD_EFFECT_H
#define SLAD_EFFECT_H

/*
 * What goes out (semantics.md section 7): the records the core decides on, before they become bytes. Texts
 * are slices that live as long as the call of the sink that gets them. Instants are UTC milliseconds;
 * INSTANT_NONE is null. Lengths are ms.
 */
#include "base/buffer.h"
#include "slad/policy.h"

#define INSTANT_NONE INT64_MIN

enum clock_state {
    CLOCK_IDLE,
    CLOCK_RUNNING,
    CLOCK_PAUSED,
    CLOCK_MET,
    CLOCK_BREACHED,
    CLOCK_CANCELLED,
    CLOCK_UNANSWERED
};

enum alert_state { ALERT_FIRING, ALERT_REPEATED, ALERT_ACKNOWLEDGED, ALERT_RESOLVED, ALERT_WITHDRAWN };

/* Flags with a verdict (section 4), as bits, in the order they are printed. */
enum clock_flag {
    FLAG_AT_RETARGET = 1 << 0,
    FLAG_RETROACTIVE = 1 << 1,
    FLAG_CALENDAR_CORRECTED = 1 << 2,
    FLAG_PAUSE_WITHOUT_CONTACT = 1 << 3,
    FLAG_AUTO_CLOSED = 1 << 4,
    FLAG_CANNED_RESPONSE = 1 << 5,
    FLAG_REOPENED = 1 << 6,
    FLAG_PRIORITY_FLIP = 1 << 7,
    FLAG_MERGED = 1 << 8,
    FLAG_EXCUSED = 1 << 9
};
#define CLOCK_FLAGS_COUNT 10

enum verdict {
    VERDICT_MET,
    VERDICT_BREACHED,
    VERDICT_UNANSWERED,
    VERDICT_CANCELLED,
    VERDICT_OPEN,
    VERDICT_VOID
};

/* When we knew: the one part of a record that depends on the order of arrival (section 6). */
struct arrival {
    int64_t detected_at_ms;
    uint32_t revision; /* the how-manieth record of its key (R64), from 1 */
    bool late;
    bool lagging;
};

struct party_time {
    int64_t wall_ms;
    int64_t in_hours_ms; /* outside = wall - in_hours */
};

/* Which promise of which ticket: the part every record of a clock shares. */
struct clock_name {
    struct slice ticket;
    enum clock_kind kind;
    struct slice agreement;
    struct slice clock;
    uint32_t cycle;
};

/* The measured side of a clock at one instant. */
struct clock_figures {
    enum clock_state state;
    int64_t started_at_ms;  /* INSTANT_NONE when idle */
    int64_t due_at_ms;      /* R24; INSTANT_NONE: null */
    int64_t breached_at_ms; /* INSTANT_NONE: never */
    int64_t stopped_at_ms;  /* INSTANT_NONE: goes on */
    int64_t target_ms;
    int64_t elapsed_ms;
    int64_t overrun_ms;
    int64_t overrun_wall_ms;
    int64_t paused_ms;
    int64_t paused_wall_ms;
    struct party_time by_party[PARTIES_COUNT]; /* R26 */
    uint16_t flags;
};

struct foresight_told; /* slad/foresight.h */

struct alert {
    struct clock_name name;
    struct slice stage; /* "breach", "warn-50%", ... */
    enum alert_state state;
    enum severity severity;
    int64_t effective_at_ms;
    struct clock_figures figures; /* as of arrival.detected_at */
    int64_t remaining_ms;         /* target - elapsed, never below 0 */
    enum party turn;
    int risk_permille; /* -1: unknown */
    bool has_foresight;
    const struct foresight_told *foresight; /* what is behind it; NULL: unknown */
    struct slice attributes[ATTRIBUTES_COUNT];
    struct slice policy;   /* label */
    struct slice calendar; /* its name in the policy, for the reason */
    uint8_t counts; /* PARTY_BITs of those whose turn the clock counts, for the reason; handling: of whom it
                     * is, nobody's bit for a group's; 0: not told */
    const struct zone *zone; /* for local times in the reason; NULL: UTC */
    uint32_t n;              /* repeated: which repeat, from 1; else 0 */
    struct slice by;         /* acknowledged; at NULL else */
    struct arrival arrival;
};

struct verdict_outcome {
    struct clock_name name;
    enum measure measure;
    enum verdict verdict;
    bool ended;
    bool final;
    int64_t decided_at_ms; /* the instant it counts at: the breach or the end; INSTANT_NONE: open */
    struct clock_figures figures;
    bool attainment;     /* counts in SLA attainment */
    bool default_counts; /* R59 */
    bool has_wait;       /* first_response: wait_ms stands, perhaps null */
    int64_t wait_ms;     /* INSTANT_NONE: null */
    struct slice attributes[ATTRIBUTES_COUNT];
    struct slice source;
    struct slice policy;
    struct slice excused_by, excused_reason; /* at NULL when not excused, or erased */
    enum verdict honest;                     /* the honest view's verdict of the same cycle (R60) */
    bool honest_excluded;
    struct arrival arrival;
};

enum ticket_state { TICKET_OPEN, TICKET_SOLVED, TICKET_CLOSED, TICKET_CANCELLED };

struct ticket_outcome {
    struct slice ticket;
    enum ticket_state state;
    bool final;
    int64_t started_at_ms;
    int64_t solved_at_ms, closed_at_ms; /* INSTANT_NONE */
    bool counted; /* reopens ... by_party stand: only while solved or closed, as of the last solve (R58) */
    uint32_t reopens, group_bounces, assignee_changes;
    uint32_t tiers_touched; /* bit n: tier n */
    bool first_contact_resolution;
    int64_t by_party_wall_ms[PARTIES_COUNT];
    struct slice attributes[ATTRIBUTES_COUNT];
    struct slice source;
    struct slice policy;
    struct arrival arrival;
    int64_t changed_at_ms; /* the event time from which these attributes and this state hold: the score task
                            * joins answers by it; 0: not told, arrival.detected_at_ms stands in */
    bool erased;           /* R63: answers of this ticket lose their respondent */
};

struct due_changed_outcome {
    struct clock_name name;
    int64_t was_due_at_ms, due_at_ms; /* INSTANT_NONE: not within ten years */
    struct slice from, to;            /* policy labels */
    int64_t effective_at_ms;          /* the new version's `from` */
    struct arrival arrival;
};

/* A feedback answer with its ticket's attributes at the answer's time (R65). */
struct answer_outcome {
    struct feedback feedback;       /* as sent, without comment */
    struct slice source, ticket;    /* ticket: at NULL when it names none */
    enum answer_class answer_class; /* offers: ANSWER_CLASSES_COUNT */
    bool offered_only;              /* an offer without an answer yet */
    bool withdrawn;
    int64_t answered_at_ms;
    struct slice attributes[ATTRIBUTES_COUNT];
    struct arrival arrival;
    uint16_t attributes_own;      /* ATTRIBUTE_BITs of those that came with the feedback itself (JSON: own) */
    struct slice event;           /* id of the event that made this revision; at NULL: its ticket did */
    struct slice event_source;    /* and its source: the pair is dropped when it comes again */
    bool acknowledged;            /* its detractor alert stands and somebody has it in hand */
    int64_t acknowledged_at_ms;   /* arrival of the acknowledgement (R55) */
    struct slice acknowledged_by; /* at NULL: erased */
};

/* One printed line of `slactl replay --emit clocks`: the present figures of one cycle. */
struct clock_line {
    struct clock_name name;
    struct clock_figures figures;
};

/* Appends TICKET/kind/clock/cycle/stage; % and / in ticket and clock are written %25 and %2F, the stage as it
 * is (R42). */
void alert_key_append(struct buffer *out, struct slice ticket, enum clock_kind kind, struct slice clock,
                      uint32_t cycle, struct slice stage);

/* "state", "stage" words as printed. */
const char *clock_state_text(enum clock_state state);
const char *alert_state_text(enum alert_state state);
const char *verdict_text(enum verdict verdict);
const char *ticket_state_text(enum ticket_state state);
const char *clock_flag_text(enum clock_flag flag);

#endif
