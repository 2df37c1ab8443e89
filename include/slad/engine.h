#ifndef SLAD_ENGINE_H
#define SLAD_ENGINE_H

/*
 * The ticket side of slad as a function: (state, event or tick, T) -> (state, effects). semantics.md sections
 * 0-7.
 *
 * One engine holds the tickets of one task (one partition), their timers and nothing of the world: the caller
 * brings events and the task time T, and ships what the sink is given. T never goes back. Same calls in the
 * same order, same effects, byte for byte.
 *
 * Order of calls for one record that arrives at T:
 *     engine_advance(engine, T, ENGINE_BEFORE, ...)   every timer before T fires
 *     engine_event(engine, &event, ...)               its consequences go to the sink before it returns
 * and, with nothing more to read at T:
 *     engine_advance(engine, T, ENGINE_THROUGH, ...)  timers at T fire too
 *
 * Every event of every ticket that matters later is in the ticket's history; what was announced is in its
 * marks. engine_save and engine_load move a ticket as one byte string: history, marks, nothing derived.
 */
#include "base/buffer.h"
#include "slad/foresight.h"

struct engine;
struct ticket;

/* What one ticket must tell another when it is merged into it (section 5, R32, R41). Sent whenever any of it
 * changes; active false takes it back (an unmerge, or a merge that late proof has moved away). */
struct relay {
    struct slice from_ticket, into_ticket;
    int64_t at_ms; /* the merge's event time */
    bool active;
    int64_t started_at_ms; /* start of the merged ticket (of the earliest in a chain, R67) */
    bool has_contact;      /* an unanswered contact is inherited */
    int64_t contact_at_ms;
};

/* What is known of one open, unbreached clock at an event of its ticket or at a landmark. */
struct engine_risk {
    struct clock_name name;
    int64_t at_ms;
    int64_t elapsed_ms, target_ms;
    bool paused;
    int landmark; /* passed at this very instant; -1: none */
    const struct foresight_query *query;
    const struct foresight_told *told; /* NULL: nothing is known of such clocks yet */
};

/* Who answers for probabilities: a table, or a learner (slad/foresight.h). */
struct engine_foresight {
    /* As foresight_table_forecast; called inside engine calls, must not call the engine. NULL: nobody. */
    bool (*forecast)(void *context, const struct foresight_query *query,
                     struct foresight_forecast *ret_forecast);
    void *context;
    const struct foresight_contexts
        *contexts;              /* of what answers; borrowed until the next engine_set_foresight */
    uint32_t task, tasks_count; /* this engine's place among all, for its share of a budget; 0 of 1 */
};

/* The sink is called inside engine_event, engine_relay and engine_advance. It must not call the engine. Any
 * pointer may be NULL. */
struct engine_sink {
    void *context;
    void (*alert)(void *context, const struct alert *alert);
    void (*verdict)(void *context, const struct verdict_outcome *outcome);
    void (*ticket)(void *context, const struct ticket_outcome *outcome);
    void (*due_changed)(void *context, const struct due_changed_outcome *outcome);
    void (*relay)(void *context, const struct relay *relay);
    /* The ticket's last trace goes: every alert key it ever announced gets a tombstone. key lives for the
     * call. */
    void (*tombstone)(void *context, struct slice ticket, struct slice alert_key);
    /* What foresight learns from; NULL: nobody learns, and nothing is derived for it. */
    void (*risk_sample)(void *context, const struct risk_sample *sample);
    void (*risk)(void *context, const struct engine_risk *risk);
};

#define ENGINE_HOT_TICKETS 16384 /* the usual bound */
/* How long a ticket that is over is kept, as the daemon's configuration has it by default. */
#define ENGINE_RETIRE_AFTER_MS (INT64_C(30) * 86400000)

struct engine_options {
    struct symbols *symbols; /* borrowed; the same the policies were read with */
    struct engine_sink sink;
    int64_t late_after_ms;      /* 1 h */
    int64_t retire_after_ms;    /* 30 d */
    int64_t retirement_mark_ms; /* 400 d */
    int64_t alerts_from_ms;     /* stages effective before are recorded, not announced; INT64_MIN: from the
                                   beginning */
    int64_t allowed_skew_ms;    /* -1: any (replay without arrived_at, R14) */
    int64_t accept_age_ms;      /* -1: any */
    size_t hot_tickets_max;     /* so many tickets touched lately lie unpacked, some 1 KiB each; 0: none */
    size_t history_max;         /* 1,024 events; what is older than the newest of those beyond them is
                                   `before_history` */
    size_t ticket_bytes_max;    /* a ticket whose record is larger takes no more (`history_full`); 0: any */
    size_t merges_max;          /* merges remembered for retire_after; over it the oldest go first; 0: any */
    bool loop_relays;           /* replay: relays go to the tickets of this engine at once */
    bool self_check;   /* derive from scratch after every event and compare; differences are counted */
    bool keep_retired; /* replay: a retired ticket keeps its clock lines (R44) */
    bool keep_ids;     /* explain: histories keep the texts of event ids */
    bool stepwise;     /* replay: a timer fires at its own instant; else, as on a live task, at T, folded */
};

enum engine_moment { ENGINE_BEFORE, ENGINE_THROUGH };

enum engine_disposition {
    ENGINE_APPLIED,
    ENGINE_WAITS,     /* stamped ahead within allowed_skew: kept, effective at its time */
    ENGINE_DUPLICATE, /* (source, id) seen before */
    ENGINE_NO_EFFECT, /* sound, but changes nothing (an acknowledgement of an alert that is over ...) */
    ENGINE_REFUSED    /* a dead letter: see error and detail */
};

struct engine_answer {
    enum engine_disposition disposition;
    enum error_code error; /* ERROR_NONE unless refused */
    const char *detail;    /* static English text with the reason, or NULL */
};

/* Of an engine that is told a history from its beginning (replay): what the daemon's configuration says by
 * default, but no event is too old or too early, all is announced, and relays go round. Without a sink. */
struct engine_options engine_options_of_history(struct symbols *symbols);

/* Never NULL. set is borrowed and must outlive the engine or the next engine_set_policies. */
struct engine *engine_new(const struct engine_options *options, const struct policy_set *set);
void engine_free(struct engine *engine);

/* From now on this answers (NULL: nobody does). The first time every ticket is looked at anew, at t_ms; one
 * that was loaded resting when engine_warm comes to it.
 * Forecasts are outside the law of section 6: they depend on what was learned when. */
void engine_set_foresight(struct engine *engine, const struct engine_foresight *foresight, int64_t t_ms);

/* A reload: every ticket is derived again under the new set (differences go to the sink). */
void engine_set_policies(struct engine *engine, const struct policy_set *set, int64_t t_ms);

/* One event of the topic `tickets` that arrives at t_ms (>= every T before). Never keeps a pointer into
 * event. */
struct engine_answer engine_event(struct engine *engine, const struct event *event, int64_t t_ms);
/* A relay that arrives at t_ms. Ignored and kept (merge edges) for tickets this engine does not know. */
void engine_relay(struct engine *engine, const struct relay *relay, int64_t t_ms);

/* The earliest timer, INT64_MAX when there is none. O(1). */
int64_t engine_next_ms(const struct engine *engine);
/* Fires timers before t_ms (ENGINE_BEFORE) or up to and including it (ENGINE_THROUGH), at most tickets_max
 * tickets; returns true when some are left: call again. */
bool engine_advance(struct engine *engine, int64_t t_ms, enum engine_moment moment, size_t tickets_max);

/* While quiet (the task is behind, section 1.5) nothing goes to the sink, outcomes neither: the event that
 * disproves a breach may be the next. Leaving quiet wakes every ticket that has something to say, at t_ms:
 * engine_advance then announces only the difference, the highest stage a clock. lagging marks what follows
 * (catchup_max passed). */
void engine_set_quiet(struct engine *engine, bool quiet, int64_t t_ms);
void engine_set_lagging(struct engine *engine, bool lagging);

/* ---- state, for the shell ---- */

size_t engine_tickets_count(const struct engine *engine);
struct engine_figures {
    uint64_t events, duplicates, refused, no_effect, unknown_fields, late_events, derivations, steps,
        self_check_differences;
    uint64_t records;      /* given to the sink: alerts, verdicts, tickets, changed dues, relays */
    uint64_t false_alerts; /* withdrawn breaches */
    uint64_t merge_circles, unmapped_statuses, never_due;
    uint64_t merges_forgotten; /* before their time (merges_max) */
    size_t merges;             /* remembered */
    uint64_t risks_fired, risks_cleared, risk_samples;
    size_t tickets, tickets_open, retirement_marks;
    size_t tickets_hot;    /* unpacked (hot_tickets_max) */
    size_t resident_bytes; /* of all tickets, as of the last complete survey */
};
void engine_figures(const struct engine *engine, struct engine_figures *ret_figures); /* O(1) */
/* What histories hold, and what all tickets hold with them, in bytes. O(tickets). */
void engine_memory(const struct engine *engine, size_t *ret_history_bytes, size_t *ret_resident_bytes);
/* Packs every ticket that lies unpacked. Nothing else changes. */
void engine_cool(struct engine *engine);

/* Tickets changed since the last call that emptied the list, each once, in the order they changed first. NULL
 * at the end. The pointer lives until the next engine_event/advance. A ticket that retired is named once
 * more: then engine_save writes its retirement mark. */
struct ticket *engine_changed_next(struct engine *engine);
struct slice ticket_name(const struct ticket *ticket);
struct ticket *engine_find(const struct engine *engine, struct slice ticket);
/* Every ticket once, unspecified order; *cursor starts at 0. NULL at the end. */
struct ticket *engine_each(const struct engine *engine, size_t *cursor);
/* The tickets in 2^bits parts (bits <= 32) by their names alone, the same parts in every process: what a
 * snapshot is cut by. */
size_t engine_part(const struct engine *engine, struct slice ticket, unsigned bits);
/* As engine_each, those of one part, in a time that depends on the part alone. */
struct ticket *engine_each_in_part(const struct engine *engine, size_t part, unsigned bits, size_t *cursor);

/* Appends the ticket's state as bytes (format STATE_FORMAT, self-contained: texts, not symbols). Returns
 * false when nothing is left to keep: a tombstone is due (the retirement mark's time is over). */
#define ENGINE_STATE_FORMAT 3
bool engine_save(const struct engine *engine, const struct ticket *ticket, struct buffer *out);
/* A record without the short cut at its end (its rest): two engines of which the same is true give the same
 * bytes. */
struct slice engine_record_facts(struct slice record);
/* Takes up a ticket saved earlier, silently: no effect, nothing is due until engine_loaded. Returns -1 when
 * the bytes are not a sound record (nothing is changed then). The last one of a name wins. */
int engine_load(struct engine *engine, struct slice ticket, struct slice record);
/* So many tickets will be loaded, more or less. */
void engine_expect(struct engine *engine, size_t tickets_count);
void engine_forget(struct engine *engine, struct slice ticket); /* a tombstone was read */

/* Merges this task knows of, by the name of the merged ticket (R41): kept for retire_after whether the
 * tickets are here or not, and saved and loaded as tickets are. engine_merge_changed_next: *ret_from gets a
 * name whose record must be written, or (engine_save_merge says false) its tombstone; false: none is left. */
bool engine_merge_changed_next(struct engine *engine, struct buffer *ret_from);
bool engine_each_merge(const struct engine *engine, size_t *cursor,
                       struct slice *ret_from); /* *cursor starts at 0 */
bool engine_each_merge_in_part(const struct engine *engine, size_t part, unsigned bits, size_t *cursor,
                               struct slice *ret_from);
bool engine_save_merge(const struct engine *engine, struct slice from, struct buffer *out);
int engine_load_merge(struct engine *engine, struct slice from,
                      struct slice record); /* -1: not a sound record */
void engine_forget_merge(struct engine *engine, struct slice from);
/* Loading is done. Tickets that rested when they were saved, under the same policies and options, go on
 * resting until their timers; all others are derived by the first advance, and nothing is sent before it. */
void engine_loaded(struct engine *engine, int64_t t_ms);
/* Tickets that were loaded resting are derived once, silently, so that engine_survey finds them and a step is
 * enough for their next event: up to tickets_max of them. true: there are more. */
bool engine_warm(struct engine *engine, size_t tickets_max);
bool engine_is_warm(const struct engine *engine);

/* ---- what is over ---- */

/* Goes on with a look at every history, some tickets_max tickets at a time. true: all were looked at, and
 * *ret_oldest_ms is the earliest instant that any of them names, as it is now (INT64_MAX: there are none).
 * Tickets are derived by no version that was over then; an event that comes later may go back further, by its
 * time as far as accept_age, by its created_at any far. */
bool engine_look_back(struct engine *engine, size_t tickets_max, int64_t *ret_oldest_ms);

/* ---- questions ---- */

/* Every cycle of every clock of the ticket as of t_ms, in order of kind, clock name, cycle. */
void engine_clock_lines(struct engine *engine, struct ticket *ticket, int64_t t_ms,
                        void (*line)(void *context, const struct clock_line *line), void *context);

/* The ticket itself at one instant. Slices live until the ticket's next event. */
struct ticket_picture {
    enum ticket_state state;
    bool waiting; /* open, and nobody works on it */
    bool erased;
    uint8_t ball;    /* PARTY_BITs of who has it */
    enum party turn; /* the first of them in the precedence */
    int64_t started_at_ms;
    struct slice attributes[ATTRIBUTES_COUNT]; /* at NULL: none; the status among them */
    struct slice source;
};
/* false: nothing is left of it but its name (it retired, or it was only ever merged into). Costs a
 * derivation. */
bool engine_picture(struct engine *engine, struct ticket *ticket, int64_t t_ms,
                    struct ticket_picture *ret_picture);

/* One open clock in the order of its danger, for `open` scores and the board. Slices live until the next
 * call. */
struct open_clock {
    struct clock_name name;
    enum clock_state state; /* running, paused or breached (and not stopped) */
    int64_t due_at_ms;      /* INSTANT_NONE while paused */
    int64_t target_ms, elapsed_ms;
    enum party turn;
    struct slice customer, service, priority, group;
    bool has_told;
    struct foresight_told
        told; /* running or paused: the probability that it will breach, if somebody knows */
};
/* Of tickets. open: not solved, waiting ones among them; breached_open, paused: open with a clock that is so.
 */
struct open_counts {
    size_t open, waiting, solved, breached_open, paused;
};
/* Looks at some tickets_max tickets more for the next picture; true: it is complete, and is the one that
 * engine_open gives from now on (at once while the last one stands: nothing has moved since it was begun).
 * The counts are as of when each ticket was looked at. */
bool engine_survey(struct engine *engine, size_t clocks_max, size_t tickets_max);
bool engine_has_picture(const struct engine *engine);
bool engine_picture_stands(const struct engine *engine);
/* Fills up to clocks_max open clocks of the last complete picture, as they are now: the running ones by due
 * (half of the places), then the breached ones, the latest first, then the paused ones by what is left (a
 * quarter each; places that one kind does not need go to the others). Returns how many. Without a picture one
 * is made first, O(tickets). */
size_t engine_open(struct engine *engine, struct open_counts *ret_counts, struct open_clock *ret_clocks,
                   size_t clocks_max);

#endif
