#ifndef SLAD_CORE_TICKET_H
#define SLAD_CORE_TICKET_H

/*
 * A resident ticket: its history, what was announced of it, and the last derived point. And the engine around
 * it, for the files of the engine only.
 */
#include "base/buffer.h"
#include "base/heap.h"
#include "base/map.h"
#include "core/hot.h"
#include "core/risk.h"

/* One alert identity that was ever announced (section 7). */
struct alert_mark {
    symbol clock, stage, by;
    uint32_t cycle;
    uint32_t revision; /* records of this key so far (R64) */
    uint32_t n;        /* repeats so far */
    uint8_t kind;      /* enum clock_kind */
    uint8_t state;     /* enum alert_state */
    int64_t effective_at_ms;
    int64_t paged_ms; /* the clock's counted time at the last page or acknowledgement (R35) */
};

/* One verdict outcome that was announced. */
#define REVISION_MAX ((UINT32_C(1) << 23) - 1)
struct verdict_mark {
    symbol clock, agreement;
    uint32_t cycle;
    uint32_t revision : 23; /* REVISION_MAX */
    uint32_t stopped : 1;   /* a sample told when it stopped */
    uint32_t kind : 2;      /* enum clock_kind */
    uint32_t verdict : 3;   /* enum verdict */
    uint32_t measure : 3;   /* enum measure */
    int64_t decided_at_ms;  /* as the last record said; INSTANT_NONE */
    uint64_t content;       /* hash of everything but `arrival` */
};

/* What another ticket was told. */
struct relay_mark {
    uint64_t content; /* 0: nothing, or that it is taken back */
    symbol into;
};

struct marks {
    struct alert_mark *alerts; /* room for mark_room(count) of each */
    struct verdict_mark *verdicts;
    struct relay_mark *relay; /* NULL: never */
    uint64_t ticket_content;
    uint32_t alerts_count, verdicts_count;
    uint32_t ticket_revision;
};

/* The next power of two: arrays of marks grow by it. */
static inline size_t
mark_room(size_t count)
{
    size_t room = 1;

    while (room < count)
        room *= 2;
    return room;
}

/* The second byte of a state record. */
enum { RECORD_TICKET = 'T', RECORD_RETIRED = 'R', RECORD_MERGE = 'M' };

struct ticket {
    struct heap_item timer; /* first: the heap hands it back */
    struct ticket *next_changed;
    struct history history;
    struct marks marks;
    struct point point;    /* the last derived one */
    uint16_t seen_version; /* the newest version whose days were announced (due_changed) */
    bool changed : 1;      /* in the list of changed tickets */
    bool unannounced : 1;  /* something happened while quiet: it is derived when the task is loud again */
    bool stale : 1;        /* while quiet: its point is older than its history */
    bool retired : 1;      /* only the name is left */
    bool final : 1;
    bool merge_is_void : 1; /* its merge closes a circle */
    bool open : 1;          /* not solved, cancelled, deleted or merged */
    bool rests : 1; /* nothing is left to say until its timer: true of its history and its marks alone */
    bool cold : 1;  /* loaded as it rested: it has no point yet */
    bool full : 1;  /* ticket_bytes_max, when it was last looked at */
    uint32_t spare_bytes; /* so much more before its record is looked at again (engine_is_full) */
    union {
        int64_t last_arrival_ms;
        int64_t retired_at_ms; /* once it is retired */
    };
    uint32_t name_bytes;
    char name[]; /* NUL-terminated */
};

/* Of one with a name of so many bytes, without what it points to. */
static inline size_t
ticket_bytes(size_t name_bytes)
{
    size_t bytes = offsetof(struct ticket, name) + name_bytes + 1;

    return bytes > sizeof(struct ticket) ? bytes : sizeof(struct ticket);
}

/* A merge: `from` into `into`. Kept for retire_after. */
struct merge_edge {
    struct merge_edge *before, *behind; /* in order of arrival */
    struct slice name;                  /* from's text */
    symbol from, into;
    int64_t at_ms, arrived_at_ms;
    bool inherits; /* a relay for `into` is waiting for its ticket: the rest is its content */
    bool has_contact;
    int64_t started_at_ms, contact_at_ms;
};

/* A relay on its way back into its own engine; it holds the names, which its tickets may outlive. */
struct waiting_relay {
    struct relay relay;
    symbol from, into;
};

/* The attributes last put into a record, with their texts and hashes: what is said at once mostly has the
 * same. */
struct spoken {
    bool is_known;
    uint64_t age; /* of the symbols */
    symbol values[ATTRIBUTES_COUNT];
    struct slice texts[ATTRIBUTES_COUNT];
    uint64_t hashes[ATTRIBUTES_COUNT];
};

/* A look at every history, part by part (look_back.c). */
struct look_back {
    bool is_under_way;
    unsigned bits;
    size_t part;
    int64_t oldest_ms;
};

struct engine {
    struct engine_options options;
    const struct policy_set *set;
    struct map *tickets;
    struct heap *timers;
    struct ticket *changed_first, *changed_last;
    struct fold full, light, other, later;
    struct survey *survey;
    struct look_back look_back;
    uint64_t moves;                   /* counts what a survey might see */
    size_t open_count, retired_count; /* tickets */
    size_t surveyed_bytes;
    size_t unsettled_count, cold_count; /* tickets loaded: those to be derived, those that rest */
    size_t warm_part;
    unsigned warm_bits;
    uint64_t circumstances;       /* what a rest depends on besides its ticket */
    struct fold *said;            /* what is being announced: full, or during announce_step light */
    struct history_source source; /* of the last event */
    struct spoken *spoken;
    struct hot *hot; /* the points of tickets touched lately */
    struct buffer scratch;
    struct saving *saving; /* state.c's */
    struct engine_figures figures;
    int64_t t_ms;
    int64_t fired_ms; /* the last instant whose timers were fired: they are not taken back by what arrives at
                         it later */
    bool quiet, lagging;
    bool event_in_hand;               /* not time alone: for risk_tell */
    int64_t late_entry_at_ms;         /* the event in hand, for arrival.late; NEVER: none */
    symbol breach_stage, slack_stage; /* interned */
    struct risk risk;
    struct map *edges; /* struct merge_edge, by from */
    struct merge_edge *edges_oldest, *edges_newest;
    symbol *edges_changed; /* a reference each: their records must be written */
    size_t edges_changed_count;
    struct waiting_relay *queue; /* loop_relays: what waits for its turn */
    size_t queue_count, queue_room;
    bool draining;
    symbol merging; /* the name of the ticket being folded, while edges are known; else 0 */
};

/* announce.c: effects = desired - announced, for the ticket just derived into engine->full. */
void announce(struct engine *engine, struct ticket *ticket);
/* The same for the light step just taken by engine->light, which step_suffices let through. */
void announce_step(struct engine *engine, struct ticket *ticket);
bool announce_acknowledge(struct engine *engine, struct ticket *ticket, const struct event *event);
/* One record of an alert in the state its mark has now. */
void announce_send(struct engine *engine, struct ticket *ticket, const struct clock *clock,
                   const struct clock_extra *extra, struct alert_mark *mark);
/* A new one, all zeroes behind its name. */
struct alert_mark *announce_add_mark(struct engine *engine, struct ticket *ticket, const struct clock *clock,
                                     symbol stage);
bool announce_is_live(const struct alert_mark *mark); /* firing, repeated or acknowledged */
/* Whether a verdict was taken back with nothing decided in its place: its record follows the ticket. */
bool announce_has_undecided(const struct ticket *ticket);
/* Sets the repeat threshold of a breached clock that runs from its mark. */
void announce_arm_repeats(struct engine *engine, struct ticket *ticket);
/* The newest days' corrections are flagged on engine->full. */
void announce_corrections(struct engine *engine, struct ticket *ticket);
/* The counted time at which the next page of a breach is due (R35); NEVER: none. */
int64_t announce_repeat_due_ms(const struct clock *clock, const struct clock_extra *extra,
                               const struct alert_mark *mark);
struct alert_mark *announce_mark(struct ticket *ticket, enum clock_kind kind, symbol clock, uint32_t cycle,
                                 symbol stage);

/* outcome.c: the records */
bool outcome_is_late(const struct engine *engine, const struct life *life, const struct clock *clock);
void outcome_verdict(struct engine *engine, const struct ticket *ticket, const struct clock *clock,
                     const struct clock_extra *extra, struct verdict_outcome *ret_outcome);
uint64_t outcome_verdict_content(const struct engine *engine, const struct verdict_outcome *outcome,
                                 const symbol *attributes);
void outcome_ticket(struct engine *engine, const struct ticket *ticket, const struct fold *fold,
                    struct ticket_outcome *ret_outcome);
enum ticket_state outcome_ticket_state(const struct life *life);
uint64_t outcome_ticket_content(const struct engine *engine, const struct ticket_outcome *outcome,
                                const struct life *life);
void outcome_attributes(const struct engine *engine, const symbol *values, bool erased,
                        struct slice *ret_texts);

/* engine_query.c: with all it points to */
size_t ticket_resident_bytes(const struct ticket *ticket);

/* state.c: the memory in which records are put together */
void state_init(struct engine *engine);
void state_done(struct engine *engine);

/* survey.c */
void survey_free(struct engine *engine);

/* look_back.c: an entry that came in while one is under way */
void look_back_note(struct look_back *look, const struct entry *entry);

/* merge.c */
bool merge_is_void(void *engine, const struct entry *merge);
void merge_init(struct engine *engine);
void merge_loaded(struct engine *engine);
void merge_announce(struct engine *engine, struct ticket *ticket);
void merge_deliver_kept(struct engine *engine, struct ticket *ticket);
void merge_drain_queue(struct engine *engine, int64_t t_ms);
void merge_done(struct engine *engine);

/* engine.c */
void engine_derive(struct engine *engine, struct ticket *ticket, int64_t t_ms, bool through);
/* Derives it as of now for its point's sake: nothing is said, no timer moves. */
void engine_refresh(struct engine *engine, struct ticket *ticket);
void engine_wake_at(struct engine *engine, struct ticket *ticket,
                    int64_t at_ms);                              /* its timer, at the latest */
void engine_touch(struct engine *engine, struct ticket *ticket); /* on the list of changed tickets */
/* Just loaded: a retirement mark, or what engine_save wrote as resting, under the same circumstances. */
void engine_rest(struct engine *engine, struct ticket *ticket, bool open, int64_t next_ms);
struct ticket *engine_ticket_new(struct slice name); /* in no engine yet */
/* Whether its record has grown to ticket_bytes_max, so that this event is one too many; what people say to
 * end it has an eighth more. Asked once for an event, of tickets of ENGINE_FULL_FROM events and more: fewer
 * fill no record of Kafka. */
enum { ENGINE_FULL_FROM = 64 };
bool engine_is_full(const struct engine *engine, struct ticket *ticket, const struct event *event);
void engine_ticket_put(struct engine *engine, struct ticket *ticket);  /* its name is not there */
void engine_ticket_drop(struct engine *engine, struct ticket *ticket); /* frees one that was never put */
struct slice engine_text(const struct engine *engine, symbol number);
void ticket_marks_done(struct engine *engine, struct ticket *ticket);

#endif
