#ifndef SLAD_SHELL_TASK_H
#define SLAD_SHELL_TASK_H

/*
 * A ticket task: one partition of tickets (and its sibling of slad.relay), the engine that holds its tickets,
 * its position, its time, and what it has to say in the present epoch. Assigned, loaded, committed and
 * dropped as one. The loop thread only.
 */
#include "shell/marker.h"
#include "shell/source.h"
#include "shell/transaction.h"
#include "shell/world.h"
#include "slad/engine.h"

struct snapshot_task;

enum task_source { TASK_TICKETS, TASK_RELAY, TASK_SOURCES_COUNT };

enum task_state {
    TASK_LOADING, /* the loader is at it */
    TASK_LIVE,
    TASK_CHECKING, /* an epoch's outcome is unknown: the marker is being read back; goes on reading meanwhile
                    */
    TASK_HELD      /* waits for a person */
};

struct task {
    struct world *world;
    int32_t partition;
    uint64_t serial; /* of this assignment: the same partition comes back with another */
    enum task_state state;
    uint64_t question; /* to the loader, open */
    int64_t assigned_mono_ms;
    bool fetching; /* in the consumer's assignment */
    bool paused;
    bool beyond; /* held because the process has tasks_max tasks already: nothing is asked for it */
    char *held_reason;

    struct engine *engine; /* NULL until loading began */
    int64_t t_ms;          /* task time T */

    /* policy versions, as ids (policy_record.h) */
    struct buffer policies;         /* in force */
    struct buffer policies_written; /* their texts are in slad.state */
    const struct policy_set *set;   /* held of the book; NULL: without a book */
    bool policies_due;              /* the disk was loaded anew while this task was being restored */
    bool looks_back;                /* for versions that nobody asks for any more */
    int64_t look_back_mono_ms;      /* when that begins next */

    /* position */
    int64_t next_offsets[TASK_SOURCES_COUNT]; /* MARKER_NO_OFFSET: none yet */
    int64_t ends[TASK_SOURCES_COUNT];         /* of the partitions, as last heard: tickets.c's */
    int64_t last_record_ms[TASK_SOURCES_COUNT];
    struct source sources[TASK_SOURCES_COUNT];
    int64_t wall_from_mono_ms; /* until then T does not follow the wall */
    bool quiet;                /* the engine announces nothing */
    bool catching_up;          /* loud again, but the difference is not announced yet */
    bool lagging;              /* behind for longer than catchup_max */
    int64_t behind_since_mono_ms;
    int64_t behind_from_ms; /* event time from which stages may have been missed */

    /* identity */
    struct hash128 lineage;
    int64_t alerts_from_ms, created_at_ms;
    uint64_t epoch; /* the last that was closed */
    uint64_t committed_epoch;
    bool decided;          /* the first epoch is to be written although nothing has happened */
    int64_t begins_offset; /* of slad.state: what lies before is of another life */
    int64_t state_end;     /* next offset of slad.state behind the marker of committed_epoch; 0: not known */

    int64_t state_end_max; /* as it was when the epoch before was closed: it goes back with the topic alone */
    size_t again_left;     /* parts of all tickets to be written again: slad.state was made anew */
    unsigned again_bits;   /* of 2^again_bits parts */

    struct hash128 loaded_writer;   /* of the marker it was loaded to, or this process */
    struct snapshot_task *snapshot; /* NULL: no snapshots */
    int restored_from;              /* enum metric_source */
    uint64_t restored_records;
    uint64_t snapshot_bytes; /* of the one being loaded, until its first bucket is here */

    /* the present epoch */
    struct batch *batch;
    struct batch *spare;   /* of an epoch that is committed, for the next one; NULL: none */
    struct buffer key, id; /* of the record in hand: the batch they go into is growing */
    bool dirty;            /* there is something to write */
    bool announces;        /* an alert is among it: the epoch closes at once */
    int64_t dirty_since_mono_ms, announces_since_mono_ms;
    size_t taken_count;               /* records taken into the open epoch: whoever reads them counts */
    int64_t closed_mono_ms;           /* when an epoch was closed last */
    int64_t closed_announces_mono_ms; /* announces_since_mono_ms of that epoch; 0: it announced nothing */

    /* the `open` record */
    uint64_t open_hash;
    int64_t open_mono_ms;
    bool open_behind;
    int64_t surveyed_mono_ms; /* the last complete picture */
    int64_t surveyed_offset;  /* of tickets, when the last picture was complete */

    int64_t measured_mono_ms;
    struct engine_figures counted; /* what has been added to the metrics */
};

struct task *task_new(struct world *world, int32_t partition);
void task_free(struct task *task);

/* ---- loading ---- */

/* has_marker false: a new task, with a lineage of its own. May be called again: what was loaded is dropped.
 */
void task_begin(struct task *task, bool has_marker, const struct marker *marker);
/* After task_begin: a person has decided where it goes on, with the state of the marker or without any. */
void task_begin_decided(struct task *task, const struct marker *marker);
/* After task_begin: its snapshots go on from what the loader has found in Redis. used as in
 * snapshot_plan_options. */
void task_begin_snapshots(struct task *task, struct slice head, struct slice before, int used);
/* A chunk of slad.state. Returns how many records could not be read. */
size_t task_load(struct task *task, struct slice records);
/* The same, of records that were written since the snapshot that was loaded. */
size_t task_load_behind(struct task *task, struct slice records);
void task_loaded(struct task *task);
void task_hold(struct task *task, const char *reason);

/* ---- policies ---- */

/* The disk was loaded anew: what is on it and new is in force from now on, and written with the next epoch; a
 * disk that contradicts what the task holds changes nothing. */
void task_take_policies(struct task *task);
/* From now on the engine asks world->foresight; before the task is live: when it is. */
void task_take_foresight(struct task *task);

/* ---- living ---- */

/* Before a record of this Kafka timestamp at this offset is given to the engine: moves T, fires what is due
 * before it. true: not done yet, call again next turn. */
bool task_arrive(struct task *task, enum task_source source, int64_t timestamp_ms);
/* The record is dealt with: the position moves. high: the partition's end as far as it is known, -1: it is
 * not. */
void task_advance_offset(struct task *task, enum task_source source, int64_t offset, int64_t high);
/* The end of a partition was reached. */
void task_reach_end(struct task *task, enum task_source source, int64_t offset);
/* Once a turn: T follows the wall when nothing is to be read, timers fire (bounded), behind begins and ends.
 * true: more is due now. */
bool task_tick(struct task *task);
/* Some of what a restart put off: tickets left as they rested (engine_warm), then the first picture of all of
 * them (engine_survey). */
bool task_is_cold(const struct task *task);
void task_warm(struct task *task);
/* The next instant (wall) at which task_tick has something to do; INT64_MAX: none. */
int64_t task_next_ms(const struct task *task);
bool task_is_behind(const struct task *task);
/* The process stood still: what came meanwhile lies in Kafka, and nothing told us yet that more is waiting. T
 * stays where it is for SOURCE_SETTLE_MS, or goes by the records. */
void task_stood_still(struct task *task);
/* It was at the end, and nothing was read for a while: more may be there by now. When that much later neither
 * a record nor an end has come, there is nothing that can be read: a transaction is open in front of it. */
void task_doubt_end(struct task *task, enum task_source source);
/* Something other than the engine's effects is to be committed (a position, a dead letter). */
void task_touch(struct task *task);
/* Puts the `open` record into the epoch when it is due (changed and a second old, or ten seconds old). */
void task_publish_open(struct task *task);

/* ---- epochs ---- */

/* Ends the epoch: state records of every changed ticket, the marker, the offsets. The part owns batch and
 * offsets. */
void task_close(struct task *task, struct transaction_part *ret_part);
void task_committed(struct task *task, uint64_t epoch);
/* The batch of an epoch that is committed, for another one; it is taken (and NULL) if one is wanted. */
void task_take_back(struct task *task, struct batch **batch);
/* The marker of the last closed epoch, for comparison. */
struct marker task_marker(const struct task *task);

/* Counters of the engine into the metrics, gauges anew. */
void task_measure(struct task *task);

/* The state topic's key of a ticket and back (a name that begins with ~ gets one more). */
void task_state_key(struct slice ticket, struct buffer *out);
struct slice task_state_ticket(struct slice key);
/* The key of a merge this task keeps, by the merged ticket's name. No ticket's key begins so. */
#define TASK_MERGE_PREFIX "~merge/"
void task_merge_key(struct slice from, struct buffer *out);
bool task_is_merge(struct slice key, struct slice *ret_from);

#endif
