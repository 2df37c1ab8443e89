#ifndef SLAD_CORE_FOLD_H
#define SLAD_CORE_FOLD_H

/*
 * derive(history, policies, T): what is true of one ticket at T (semantics.md section 0).
 *
 * A fold reads a history from its beginning and keeps, beside the life of the ticket (attributes, status,
 * ball), one struct clock for every promise made to it and everything a record may later have to say (extras,
 * past cycles). A *light* fold goes on from a kept life by one entry: it has no extras. What it decides it
 * sketches (`touched`), which with the ticket's course is all a record needs while the clock is regular; it
 * says `needs_full` when it cannot know, and then the ticket is derived from its history. Both run the same
 * code, so they agree.
 *
 * Instants are UTC ms, lengths counted or real ms. Pointers into policies live as long as the policy set.
 */
#include "core/history.h"
#include "slad/effect.h"

#define NEVER INT64_MAX

/* One cycle of one promise. Assigned to in clock.c only. */
struct clock {
    const struct policy_clock *promise; /* the present terms */
    const struct calendar *calendar;    /* the present one */
    int64_t started_at_ms;              /* INSTANT_NONE: idle */
    int64_t since_ms;                   /* running: counts from here on */
    int64_t elapsed_ms;                 /* counted before since_ms (running) or in all */
    int64_t target_ms;
    int64_t next_ms;        /* the next threshold in counted time; NEVER: none */
    int64_t next_at_ms;     /* when it is reached, if nothing happens; NEVER */
    int64_t breached_at_ms; /* INSTANT_NONE */
    int64_t stopped_at_ms;  /* INSTANT_NONE: goes on */
    int64_t due_at_ms;      /* as decided, by the breach or the end: when it was due, or would have been;
                               INSTANT_NONE */
    uint32_t decided_after; /* the entries whose attributes counted when it was decided */
    uint32_t cycle;
    uint16_t version;       /* pinned: promise is one of its */
    uint16_t asked_version; /* whose agreements decide what becomes of it; pinned, or applied to running */
    uint16_t flags;         /* enum clock_flag */
    bool running;
    bool ended;     /* stopped or cancelled; a reopen or a restore may take it up again */
    bool cancelled; /* ended without a verdict */
    bool unanswered;
    bool answered; /* first_response: by an answer, not by a solve */
    bool excused;
    bool lost;      /* no agreement promises it any more */
    bool final;     /* a reopen began anew behind it: over for good */
    bool renewed;   /* handling: the next stay after a reopen is a new cycle */
    bool irregular; /* resumed, moved, retargeted or excused: only its whole history tells its record */
};

/* A stretch during which the clock counted. */
struct clock_run {
    int64_t from_ms, to_ms; /* to_ms NEVER: still running */
    int64_t elapsed_before_ms;
    const struct calendar *calendar;
};

struct account {
    struct party_time by_party[PARTIES_COUNT];
    int64_t paused_ms, paused_wall_ms, overrun_wall_ms;
};

/* A stage that is true of a cycle. */
struct passed {
    const struct policy_stage *stage; /* NULL: the breach */
    int64_t effective_at_ms;
    int64_t threshold_ms;
};
#define PASSED_MAX (2 * POLICY_STAGES_MAX + 1)

/* What only a full fold keeps beside a clock. */
struct clock_extra {
    struct account now, at_breach;
    struct account at_due;  /* closing_grace: as of at_due_ms, for a breach that is decided later */
    int64_t at_due_ms;      /* INSTANT_NONE: not kept */
    struct clock_run *runs; /* owned */
    size_t runs_count, runs_room;
    size_t passed_count;
    const struct calendar *first_calendar;
    uint8_t first_counts;       /* the `counts` of its first terms (R40) */
    int64_t inherited_start_ms; /* from a merged ticket; NEVER: none */
    int64_t resumed_at_ms;      /* the last time it was taken up again; INSTANT_NONE */
    int64_t decided_at_ms;      /* breach, else end; INSTANT_NONE */
    int64_t due_at_ms;          /* at the stop or the breach (R24) */
    int64_t elapsed_at_breach_ms,
        target_at_breach_ms; /* at_breach, elapsed: at the last resume while not breached */
    bool decision_corrected; /* the newest days changed what was decided (R49) */
    bool retargeted_below;   /* R24: counted time came to lie below a later target */
    int64_t slack_at_ms;     /* the leg began with less left than its target; INSTANT_NONE */
    bool slack_looked_at;
    int64_t wait_from_ms; /* first_response: where wait_ms begins; INSTANT_NONE */
    /* as at the decision (R43) */
    symbol attributes[ATTRIBUTES_COUNT];
    const struct policy_clock *promise;
    uint16_t version;
    symbol excused_by, excused_reason;
    int64_t excused_at_ms;
    struct passed passed[PASSED_MAX]; /* last: those beyond the count are never looked at */
};

/* From at_ms to the next mark this party had the ball and these clocks ran. */
struct course_mark {
    int64_t at_ms;
    uint8_t ball;     /* PARTY_BITs */
    uint32_t running; /* SLOT_BITs */
};
/* The ticket's course: its stretches from its first event on, no two marks at one instant. */
struct course {
    struct course_mark *marks; /* owned */
    uint32_t count, room;
    bool broken; /* more clocks or stretches than it can tell */
};
#define COURSE_SLOTS_MAX 32
#define COURSE_MARKS_MAX 250
#define SLOT_BIT(slot) ((slot) < COURSE_SLOTS_MAX ? UINT32_C(1) << (slot) : 0)

enum phase { PHASE_ACTIVE, PHASE_SOLVED, PHASE_CLOSED, PHASE_CANCELLED };

/* The ticket itself at one instant. */
struct life {
    bool exists;
    bool created_by_agent;
    bool deleted, merged, erased;
    bool contacted; /* R27: the requester's side has a public human answer to its last word */
    bool answered;  /* a public human answer was ever given */
    bool handed_off;
    bool message_since_solve;
    bool has_waiting_on;
    bool through;                       /* timers at at_ms have passed */
    bool excused_ahead;                 /* an excuse waits for a cycle to begin */
    bool canned_seen, auto_closed_seen; /* the honest view differs */
    bool has_past;                      /* a clock has begun another cycle */
    bool figures_moved;                 /* what a ticket's record counts has changed since the last solve */
    uint8_t state;                      /* enum status_state, as the status says */
    uint8_t phase;                      /* enum phase: a pending reopen is still solved */
    uint8_t status_on;                  /* enum party; PARTIES_COUNT: not said */
    uint8_t waiting_on;
    uint8_t ball;           /* PARTY_BITs of who has it */
    uint8_t first_ball;     /* R40 */
    uint16_t version;       /* in force at at_ms */
    uint16_t start_version; /* in force at the start */
    int64_t at_ms;          /* folded up to here */
    int64_t started_at_ms;
    int64_t first_event_at_ms;
    int64_t changed_at_ms;              /* what the ticket's record says holds since this event time */
    int64_t earliest_start_ms;          /* with what merges brought (R67) */
    int64_t solved_at_ms, closed_at_ms; /* INSTANT_NONE */
    int64_t final_at_ms; /* it was final when a later version began, with whatever window; INSTANT_NONE */
    int64_t pending_reopen_at_ms; /* INSTANT_NONE */
    int64_t oldest_unanswered_ms; /* message of the requester's side; INSTANT_NONE */
    int64_t first_contact_ms;     /* creation, or the first message of the requester's side; INSTANT_NONE */
    int64_t inherited_contact_ms; /* from a merged ticket; INSTANT_NONE */
    int64_t priority_since_ms;
    symbol priority_before;
    int64_t merged_at_ms;
    int64_t relay_contact_ms; /* the unanswered contact a merge hands on, as of the merge; INSTANT_NONE */
    symbol merged_into;
    symbol attributes[ATTRIBUTES_COUNT];
    symbol group_before, assignee_before; /* the last that was not none */
    symbol source;
    uint32_t reopens, group_bounces, assignee_changes, tiers_touched, agent_messages;
};

/* As of the last solve (R58). */
struct solve_figures {
    uint32_t reopens, group_bounces, assignee_changes, tiers_touched, agent_messages;
    int64_t by_party_wall_ms[PARTIES_COUNT];
};

struct past_cycle {
    struct clock clock;
    struct clock_extra extra;
};

struct excuse {
    uint8_t kind;
    symbol clock, by, reason;
    uint32_t cycle;
    int64_t at_ms;
};

/* A piece of a calendar somebody asked about: tickets go through the same hours together. */
struct fold_stretch {
    const struct calendar *calendar; /* NULL: empty */
    struct calendar_stretch stretch;
};
enum { FOLD_STRETCHES_BITS = 6 };

struct fold {
    const struct policy_set *set;
    const struct history *history;
    size_t days_version; /* whose days count (semantics.md section 3) */
    int64_t until_ms;    /* T */
    bool through;        /* timers at T fire */
    bool light;
    bool honest;         /* R60: canned answers ignored, on_reopen: continue */
    bool pinned_days;    /* every clock keeps the days of its own version (R49) */
    bool loud_ticket;    /* the ticket's record may be due */
    bool solve_known;    /* light: solve is of this step */
    bool needs_full;     /* light: only the history can tell */
    uint32_t touched;    /* light: SLOT_BITs of the clocks whose record may be due; their sketches hold */
    uint32_t recalled;   /* light: of those decided before this step whose record is due again; fold_recall
                            sketches them */
    uint32_t begun;      /* light: of the clocks that began a cycle in this step */
    bool merge_void;     /* a merge closes a circle */
    bool birth;          /* the entry in hand is the ticket's first */
    bool version_begins; /* what is matched now is matched because a version came into force */
    const struct policy_clock
        *only; /* a trial run of one promise (R21): no stage passes, nothing else is promised */
    uint16_t only_version;
    uint32_t entries_done; /* entries whose attributes are in life */
    uint32_t cursor;       /* into the history: behind the entry in hand */
    uint32_t entry_from;   /* where the entry in hand begins; between entries: cursor */
    bool (*merge_is_void)(void *context,
                          const struct entry *merge); /* closes a circle (R41); NULL: none does */
    void *merge_context;
    void (*watch)(void *context, const struct fold *fold,
                  const struct entry *entry); /* explain: behind each entry of a derivation, and
                                               * (NULL) each version's beginning; or NULL */
    void (*watch_before)(void *context, struct fold *fold,
                         int64_t until_ms); /* risk samples: before time goes on up to until_ms, and
                                             * before anything happens then; or NULL */
    void *watch_context;
    struct life life;
    int64_t by_party_wall_ms[PARTIES_COUNT];
    struct solve_figures solve;
    struct clock *clocks;         /* the present cycle of each promise */
    struct clock_extra *extras;   /* parallel; NULL in a light fold */
    struct clock_extra *sketches; /* light: parallel; what this step decided, without runs */
    struct course course;
    size_t clocks_count, clocks_room;
    struct past_cycle *past;
    size_t past_count, past_room;
    struct excuse *excuses; /* given beforehand */
    size_t excuses_count, excuses_room;
    struct fold_stretch stretches[1 << FOLD_STRETCHES_BITS]; /* account_total_ms */
    uint16_t match_mask; /* ATTRIBUTE_BITs that any agreement or target of the set asks about */
    uint64_t unmapped_statuses;
};

void fold_init(struct fold *fold, const struct policy_set *set, const struct history *history);
void fold_done(struct fold *fold);
/* Another history in the same memory, options at their defaults. */
void fold_init_again(struct fold *fold, const struct policy_set *set, const struct history *history);
/* Forgets what was folded, keeps memory and options. */
void fold_reset(struct fold *fold);
/* The same but for the life, which the caller puts there. */
void fold_reset_around(struct fold *fold);

/* Derives everything at until_ms. The days of the right version are chosen here (R49). */
void fold_derive(struct fold *fold, int64_t until_ms, bool through);
/* The same with the days of this version. */
void fold_derive_with_days(struct fold *fold, size_t days_version, int64_t until_ms, bool through);
/* Goes on by one entry, which must be the history's last, then up to until_ms. */
void fold_step(struct fold *fold, const struct entry *entry, int64_t until_ms, bool through);

/* Light: sketches what was decided before this step of the clocks in `recalled`, and of the last solve. */
void fold_recall(struct fold *fold);

/* ---- between the files of the fold ---- */

/* fold.c */
void fold_reserve(struct fold *fold, size_t slots); /* room for so many clocks */
size_t fold_add_slot(struct fold *fold, const struct policy_clock *promise, uint16_t version);
void fold_through_versions(struct fold *fold, int64_t at_ms);
void fold_settle(struct fold *fold, int64_t at_ms, bool through);
int64_t fold_reopen_window_ms(const struct fold *fold);
const struct policy *fold_policy(const struct fold *fold); /* in force now */
/* Whether the honest view (R60) may differ from the contract's and needs a fold of its own. */
bool fold_has_honest_view(const struct life *life);
bool fold_is_final(const struct fold *fold, int64_t *ret_final_at_ms);

/* fold_event.c */
struct happening;
void fold_entry(struct fold *fold, const struct entry *entry);
void fold_version_begins(struct fold *fold, size_t version, int64_t at_ms);

/* reopen.c */
enum reopen_fate { REOPEN_IS_REAL, REOPEN_IS_PENDING, REOPEN_IS_NONE };
enum reopen_fate reopen_fate(const struct fold *fold, const struct entry *entry, enum actor actor);
void reopen_clocks(struct fold *fold, int64_t at_ms);
void fold_update_ball(struct fold *fold, int64_t at_ms);
void fold_update_running(struct fold *fold, int64_t at_ms);
bool fold_is_active(const struct fold *fold); /* open or waiting, and neither deleted nor merged */
enum actor fold_actor(const struct fold *fold, const struct entry *entry);
void fold_status_meaning(const struct fold *fold, symbol status, enum status_state *ret_state,
                         uint8_t *ret_on);

/* promise.c: which promises the agreements make to the ticket as it is now */
const struct policy_clock *promise_find(const struct policy *policy, const struct life *life,
                                        enum clock_kind kind, symbol name);
/* What the version in force now promises in place of this clock's promise; NULL: nothing, so no new cycle
 * begins. *ret_version: whose it is. */
const struct policy_clock *promise_now(const struct fold *fold, const struct clock *clock,
                                       uint16_t *ret_version);
int64_t promise_target_ms(const struct policy_clock *promise, symbol priority); /* 0: none */
bool promise_match(const struct policy_match *match, const struct life *life);
void fold_match(struct fold *fold, int64_t at_ms);
/* The clock of this kind, name and cycle and what is kept beside it, past or present; NULL. */
const struct clock *fold_find_cycle(const struct fold *fold, enum clock_kind kind, symbol name,
                                    uint32_t cycle, const struct clock_extra **ret_extra);
void fold_repin(struct fold *fold, size_t version, int64_t at_ms); /* apply_to_running */
/* The clock's slot, or -1. */
int fold_slot(const struct fold *fold, enum clock_kind kind, symbol name);

/* clock.c */
/* Forgets everything but the room for runs, which slots keep from one fold to the next. */
void clock_extra_clear(struct clock_extra *extra);
/* Light: the sketch of a regular clock's earlier decision, but for the attributes of then and the sums. */
void clock_recall(struct fold *fold, size_t slot);
void clock_begin(struct fold *fold, size_t slot, const struct policy_clock *promise, uint16_t version,
                 int64_t at_ms);
void clock_idle(struct clock *clock, const struct policy_clock *promise, uint16_t version);
void clock_settle(struct fold *fold, size_t slot, int64_t at_ms, bool through);
void clock_set_running(struct fold *fold, size_t slot, bool running, int64_t at_ms);
void clock_stop(struct fold *fold, size_t slot, int64_t at_ms);
void clock_cancel(struct fold *fold, size_t slot, int64_t at_ms);
void clock_resume(struct fold *fold, size_t slot, int64_t at_ms, bool counts_gap);
void clock_retarget(struct fold *fold, size_t slot, const struct policy_clock *promise, uint16_t version,
                    int64_t at_ms);
void clock_shift_start(struct fold *fold, size_t slot, int64_t start_ms, int64_t at_ms);
void clock_excuse(struct fold *fold, size_t slot, const struct excuse *excuse);
void clock_adopt(struct fold *fold, size_t slot, const struct fold *trial, int64_t at_ms);
int64_t clock_elapsed_ms(const struct clock *clock, int64_t at_ms);
/* The projection, or what was missed (R24); INSTANT_NONE. */
int64_t clock_due_at_ms(const struct clock *clock, const struct clock_extra *extra);
bool clock_is_breached(const struct clock *clock); /* and not excused */
enum clock_state clock_state(const struct clock *clock);
/* When this much counted time is reached if nothing happens; NEVER: paused, or not within ten years. */
int64_t clock_reaches_at_ms(const struct clock *clock, int64_t counted_ms);
const struct calendar *clock_calendar(const struct fold *fold, const struct policy_clock *promise,
                                      uint16_t version);
/* The same, remembering stretches of the calendar. */
int64_t clock_reaches_in(struct fold *fold, const struct clock *clock, int64_t counted_ms);
/* As of at_ms, at or after everything folded. */
void clock_figures_at(const struct clock *clock, const struct clock_extra *extra, int64_t at_ms,
                      struct clock_figures *ret_figures);

/* A stage's threshold in counted time; NEVER when it is not armed. */
int64_t clock_stage_threshold_ms(const struct policy_stage *stage, int64_t target_ms);
/* The next page of a breached clock is due at this counted time (NEVER: none). */
void clock_arm_repeat(struct clock *clock, int64_t due_ms);

/* account.c: by_party and pauses, for full folds */
enum party account_attribution(uint8_t ball);
/* Behind everything of at_ms: whose ball it is and which clocks run from here on. */
void account_note_course(struct fold *fold, int64_t at_ms);
void course_done(struct course *course);
/* These marks instead of its own. */
void course_take(struct course *course, const struct course_mark *marks, uint32_t count);
/* The sums of a regular clock's sketch, from the course. */
void account_sketch(struct fold *fold, size_t slot);
/* Light: where the ticket's time went up to at_ms, [PARTIES_COUNT]. */
void account_ticket(const struct fold *fold, int64_t at_ms, int64_t *ret_by_party_wall_ms);
void account_segment(struct fold *fold, size_t slot, int64_t from_ms, int64_t to_ms);
void account_gap(struct account *account, const struct calendar *calendar, enum party party, int64_t from_ms,
                 int64_t to_ms);
/* A calendar's total at an instant (calendar.h), calendar_add_ms and calendar_counted_ms, remembering
 * stretches; account_forget before another policy set. */
int64_t account_total_ms(struct fold *fold, const struct calendar *calendar, int64_t at_ms);
int64_t account_add_ms(struct fold *fold, const struct calendar *calendar, int64_t start_ms,
                       int64_t amount_ms);
void account_forget(struct fold *fold);
int64_t account_counted_ms(struct fold *fold, const struct calendar *calendar, int64_t from_ms,
                           int64_t to_ms);

#endif
