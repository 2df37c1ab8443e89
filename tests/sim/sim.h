#ifndef SLAD_TESTS_SIM_SIM_H
#define SLAD_TESTS_SIM_SIM_H

/*
 * One run of the simulation: three processes made of the daemon's own code, a model of Kafka and one of
 * Redis, a load, faults, and witnesses of what must be true. One thread; everything follows from the seed.
 */
#include "base/map.h"
#include "broker.h"
#include "../support/chance.h"
#include "shell/ingest.h"
#include "shell/policy_book.h"
#include "shell/protocol.h"
#include "shell/score_task.h"
#include "shell/snapshot.h"
#include "shell/state_topic.h"
#include "shell/wallclock.h"
#include "wire/outcome_read.h"
#include "wire/score_json.h"
#include <stdatomic.h>

enum crash_point {
#define CRASH(NAME, where) CRASH_##NAME,
#include "crash_points.def"
#undef CRASH
    CRASH_POINTS_COUNT
};
extern const char *const crash_point_names[CRASH_POINTS_COUNT];
extern const char *const crash_point_wheres[CRASH_POINTS_COUNT];

enum {
    SIM_INSTANCES = 3,
    SIM_PROCESSES_MAX = 4, /* one may have a double */
    SIM_TICK_MS = 20,
    SIM_ORPHANS_MAX = 32,
    SIM_BEHINDS_MAX = 4096,
    SIM_FROZEN_MAX = 256,
    SIM_SNAPSHOT_AGE_MS_MAX = 10000 /* half of what tombstones are kept */
};
#define SIM_START_MS INT64_C(1774602000000) /* Friday 2026-03-27T09:00:00Z */

struct sim;
struct process;

/* ---- what all runs of a process share ---- */

/* What is only there to be faster is not in a build that looks for mistakes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SIM_HAS_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SIM_HAS_SANITIZERS 1
#endif
#endif
#ifndef SIM_HAS_SANITIZERS
#define SIM_HAS_SANITIZERS 0
#endif

enum { ROLLOUT_TEXTS_MAX = 8 };

struct sim_ground {
    struct symbols *symbols;
    struct policy *texts[ROLLOUT_TEXTS_MAX]; /* read: what may ever lie on a disk */
    struct policy_set *policies;             /* those that ever come into force: the oracle's */
    struct config *configs[SIM_INSTANCES];
    struct log *log;
    struct metrics *metrics;
    struct topics topics;
    char *group, *source;
    struct event_reader *reader;      /* the oracle's */
    atomic_uint_fast64_t seeds_taken; /* the first job's: of all jobs */
    uint64_t crashed[CRASH_POINTS_COUNT];
    uint64_t events, crashes, rebalances, alerts, restores, snapshots, unknown, zombies;
    uint64_t held, decisions, scores, answers, scores_loaded, versions_over;
    uint64_t announced, expected, excused[6], failed;
    uint64_t last_count; /* the counts end here */
    uint64_t seed;       /* at work, or the last one */
    bool verbose, digests;
};

/* ---- the load ---- */

struct load_event {
    int64_t at_ms;
    unsigned order;
    char ticket[16];
    int32_t partition;
    bool poison;
    bool lost;       /* nobody has read it, and it is gone */
    int64_t sent_ms; /* when it came into Kafka, and where it lay */
    int64_t offset;
    int life;   /* of its topic: made anew so many times */
    char *json; /* owned */
};
struct load_feedback {
    int64_t at_ms;
    unsigned order;
    int32_t partition;
    char *json; /* owned */
};
struct load {
    struct load_event *events;
    size_t count, room, sent;
    struct load_feedback *feedback;
    size_t feedback_count, feedback_room, feedback_sent, feedback_ids;
};
void load_make_feedback(struct load *load, struct chance *chance);
void load_make(struct load *load, struct chance *chance, size_t events_min);
void load_done(struct load *load);

/* ---- disks: which versions of the policy an instance has (rollout.c) ---- */

enum {
    DISK_FIRST = 1,
    DISK_SECOND = 2,       /* in force from the middle of the run */
    DISK_FUTURE = 4,       /* never in force while the run lasts */
    DISK_FUTURE_TEXT = 8,  /* the same name, another text */
    DISK_FUTURE_NAME = 16, /* another name, the same `from` */
    DISK_ELDER = 32        /* over before any ticket began */
};
enum { ROLLOUT_STEPS_MAX = 4 };
struct rollout {
    unsigned disk;   /* now */
    int64_t told_ms; /* from then on its processes know */
    struct rollout_step {
        int64_t at_ms;
        unsigned disk;
    } steps[ROLLOUT_STEPS_MAX];
    size_t steps_count, done;
};
void rollout_plan(struct sim *sim);
void rollout_turn(struct sim *sim);
/* Reads every text there is, once. */
void rollout_read_texts(struct sim_ground *ground);
/* The versions of a disk; the caller's. */
struct policy_set *rollout_read(const struct sim_ground *ground, unsigned disk);
/* No two versions in force contradict each other. */
/* Which versions these are, as a disk would have them. */
unsigned rollout_versions(const struct sim *sim, struct slice ids);
void rollout_check(const struct sim *sim, int32_t partition, struct slice ids);

/* ---- what befalls the topics, and the person who decides then (mishap.c) ---- */

enum mishap_kind {
    MISHAP_NONE,
    MISHAP_OFFSETS_GONE,  /* of the group */
    MISHAP_OFFSETS_RESET, /* to somewhere else */
    MISHAP_TRIMMED,       /* what lay in the partition is deleted */
    MISHAP_ANEW,          /* the partition begins at 0 again */
    MISHAP_GROWN          /* one more partition */
};
/* A task went on by a person's word: its next epoch, should it happen, reads on from there. */
struct mishap_word {
    int32_t partition;
    uint64_t epoch;
    struct hash128 writer;
    int64_t from_offset;
    int life;
};
enum { MISHAP_WORDS_MAX = 64 };
struct mishap {
    struct mishap_word words[MISHAP_WORDS_MAX];
    size_t words_count;
    int lives[BROKER_PARTITIONS]; /* of the topic, that the last epoch's offsets are of */
    enum mishap_kind kind;
    int32_t partition;
    int64_t at_ms;
    bool happened;
    int life;
    bool fresh[BROKER_PARTITIONS]; /* somebody said fresh: what was before is forgotten */
    int64_t decides_ms[BROKER_PARTITIONS];
    int64_t scores_ms; /* then the offset of slad.outcomes is gone; 0: it is not */
    bool scores_happened;
    int64_t scores_decides_ms;
    int64_t strange_ms[BROKER_PARTITIONS]; /* then records that no version knows come into slad.state */
    bool strange_written[BROKER_PARTITIONS];
};
void mishap_plan(struct sim *sim);
void mishap_turn(struct sim *sim);
void mishap_end(struct sim *sim); /* what nobody knows is still there */
void mishap_note_decided(struct sim *sim, const struct task *task, int64_t from_offset);
/* An epoch has happened; before_offset: of tickets, as the epoch before it had it. */
void mishap_epoch(struct sim *sim, int32_t partition, const struct marker *marker, int64_t before_offset);
/* Whether something may be held at all. */
bool mishap_is_possible(const struct sim *sim);

/* ---- Redis ---- */

struct store_value {
    struct slice name, bytes; /* one piece of memory */
};
enum { STORE_ORPHANS_MAX = 64 };
struct store_orphan { /* its sender is gone, it is still on its way */
    int64_t applies_ms;
    struct buffer words;
};
struct store {
    struct store_orphan orphans[STORE_ORPHANS_MAX];
    size_t orphans_count;
    struct map *values; /* struct store_value */
    struct map *copy;   /* of an earlier time; NULL */
    int64_t down_until_ms;
    uint64_t digest; /* of every value that was ever set */
};
void store_init(struct store *store);
void store_done(struct store *store);
struct slice store_get(const struct store *store, struct slice name); /* at NULL: there is none */
void store_set(struct store *store, struct slice name, struct slice bytes);
bool store_remove(struct store *store, struct slice name);
void store_wipe(struct store *store);
void store_keep(struct store *store);
void store_roll_back(struct store *store);
void store_spoil(struct store *store, struct chance *chance);
struct redis *store_connect(struct process *process);
void store_disconnect(struct redis *redis); /* every answer that is out becomes an error */
void store_deliver(struct sim *sim);        /* what those who are gone have sent */

/* ---- what must be true ---- */

struct witness_behind {
    int32_t partition;
    int64_t from_ms, until_ms;
};
struct witness_ending {
    int64_t from_ms, until_ms;
    uint64_t epoch; /* that must have happened; 0: nothing is pending */
    struct hash128 writer;
};
struct witness_frozen {
    uint64_t sum; /* of the hashes of every record of the state */
    size_t count; /* of its tickets */
    struct hash128 writer;
    int64_t t_ms;
};
struct witness {
    struct sim *sim;
    struct map *states[BROKER_PARTITIONS];            /* what slad.state says now */
    struct witness_frozen *frozen[BROKER_PARTITIONS]; /* by epoch */
    size_t frozen_room[BROKER_PARTITIONS];
    uint64_t epoch[BROKER_PARTITIONS];
    struct hash128 lineage[BROKER_PARTITIONS];
    int64_t anew_offset[BROKER_PARTITIONS];    /* of the word that a new life may begin with; -1: none */
    int64_t alerts_from_ms[BROKER_PARTITIONS]; /* of the first epoch that happened */
    int64_t t_ms[BROKER_PARTITIONS], marker_offset[BROKER_PARTITIONS];
    int64_t tickets_offset[BROKER_PARTITIONS];
    struct buffer policies[BROKER_PARTITIONS]; /* in force, as ids */
    int64_t open_from_ms[BROKER_PARTITIONS];   /* behind when it died; INT64_MAX: not */
    struct witness_ending endings[BROKER_PARTITIONS];
    struct witness_behind frozen_clocks[SIM_FROZEN_MAX];
    size_t frozen_clocks_count;
    struct witness_behind behinds[SIM_BEHINDS_MAX];
    size_t behinds_count;
};
void witness_init(struct witness *witness, struct sim *sim);
void witness_done(struct witness *witness);
void witness_committed(void *context, const struct broker_transaction *transaction);
/* The task has everything the loader had to say. */
void witness_loaded(struct witness *witness, const struct task *task);
/* A head was moved in Redis. */
void witness_moved(struct witness *witness, struct slice head_name, struct slice found, struct slice head);
/* A task was behind, or its process's timers were frozen; until_ms INT64_MAX: it died so. */
void witness_behind(struct witness *witness, const struct task *task, int64_t from_ms, int64_t until_ms);
/* Its process's timers were frozen: the clock had jumped. */
void witness_frozen_clock(struct witness *witness, int32_t partition, int64_t from_ms, int64_t until_ms);
/* Nothing comes of it any more but what is committed. */
/* The run is over: what is open stays open. */
void witness_end(struct witness *witness, int32_t partition);
void witness_gone(struct witness *witness, const struct task *task);

/* The read_committed alerts and outcomes against one engine that was never disturbed. */
void oracle_compare(struct sim *sim);

/* ---- processes ---- */

enum request_kind {
    REQUEST_NONE,
    REQUEST_INIT,
    REQUEST_PRODUCE,
    REQUEST_OFFSETS,
    REQUEST_COMMIT,
    REQUEST_ABORT
};
struct request {
    enum request_kind kind;
    int64_t applies_ms, replies_ms, gives_up_ms;
    bool applied, reply_lost;
    enum broker_error error;
    int producer, epoch;
    uint64_t member;
    int generation;
    size_t part, first, end;
    int64_t offsets[BROKER_PARTITIONS][2];
    uint64_t notes[BROKER_PARTITIONS];
    bool has_offsets[BROKER_PARTITIONS];
    bool of_scores;
    int64_t scores_offsets[1 + BROKER_FEEDBACKS];
    char scores_note[BROKER_NOTE_BYTES];
};

/* A role's transaction thread. */
struct writer {
    struct process *process;
    bool of_scores;
    bool starting; /* its first producer is not there yet */
    int epoch;     /* of the producer */
    struct course course;
    struct transaction_job *job, *done;
    uint64_t job_member;
    int job_generation;
    size_t part, record;
    int64_t again_ms;
    struct request request;
};

enum { LOADER_QUESTIONS_MAX = 64, LOADER_NEWS_MAX = 8 };
enum loader_step {
    LOADER_IDLE,
    LOADER_MARKER,
    LOADER_COMMITTED,
    LOADER_POLICIES,
    LOADER_HEADS,
    LOADER_BUCKETS,
    LOADER_STREAM
};
struct loader_question {
    uint64_t number;
    int32_t partition;
    bool marker_only;
    struct buffer known; /* policy versions */
    int64_t again_ms;
    struct restore_patience patience;
    bool held, needs_decision;
};
struct loader {
    struct loader_question questions[LOADER_QUESTIONS_MAX];
    size_t questions_count;
    uint64_t last_number;
    struct restore_news *news[LOADER_NEWS_MAX];
    size_t news_count;
    enum loader_step step;
    struct restore_found found;
    struct state_tail tail;
    bool decided;
    struct buffer last_marker_bytes, policies, head, before;
    bool has_last_marker;
    int64_t state_end, position;
    struct snapshot_head chosen;
    int used;
    uint32_t bucket;
    bool snapshots_failed;
};

/* The score role of a process (scoring.c). */
struct scoring_role {
    bool on;
    struct process *process;
    struct writer writer;
    struct score_task task;
    bool joined, owned, parting, closed, stopping;
    uint64_t member;
    int generation;
    int64_t part_until_ms, asked_ms;
    uint64_t question;
    bool fetching_outcomes, fetching_feedback;
    int64_t outcomes_position, feedback_positions[BROKER_FEEDBACKS];
    int64_t told_outcomes, told_feedback[BROKER_FEEDBACKS]; /* ends; -1: not */
    struct score_load *load;                                /* asked for; NULL: none */
    struct buffer wanted;                                   /* texts of policies that are asked for */
};
void scoring_start(struct process *process);
void scoring_kill(struct process *process);
void scoring_turn(struct process *process);
void scoring_stop(struct process *process);
void scoring_part(struct process *process);
/* NULL: the scores are at rest. */
const char *scoring_unrest(struct sim *sim);
/* What was published against what the log says. */
void scoring_compare(struct sim *sim);

struct scoring_answer {
    struct slice key; /* behind the struct */
    int64_t revision;
    int64_t from_ms; /* the earliest instant that a revision of it is of */
    int32_t since;   /* the transaction that let it stand */
    bool withdrawn;
};
struct scoring_witness {
    uint64_t epoch;
    struct hash128 lineage, former; /* former: of the life before the offsets were deleted; else none */
    bool may_begin_anew;
    struct buffer policies; /* in force, as ids */
    struct map *answers;    /* NULL: none yet */
};
void scoring_committed(struct sim *sim, const struct broker_transaction *transaction);
bool scoring_moved(struct sim *sim, struct slice head_name, struct slice head); /* false: not of the scores */
void scoring_witness_done(struct scoring_witness *witness);

struct process {
    struct sim *sim;
    int instance;
    bool running, dying, ended;
    int64_t frozen_until_ms;
    struct world world;
    struct wallclock clock;
    int64_t wall_off_ms; /* how wrong its clock is */
    unsigned disk;       /* as it was read last */
    const struct policy_set *policies;
    struct protocol protocol;
    struct ingest *ingest;
    struct redis *redis;
    struct snapshot *snapshot;
    int64_t measured_ms;
    struct writer writer;
    struct scoring_role scoring;
    /* the consumer */
    bool joined;
    uint64_t member;
    int generation;
    unsigned owned, revoking;
    bool parting, closed, stopping;
    int64_t part_until_ms;
    int64_t positions[BROKER_PARTITIONS][2];
    int64_t told_end[BROKER_PARTITIONS][2]; /* -1: not */
    int64_t slow_until_ms;                  /* its fetches come late */
    struct loader loader;
    bool was_behind[BROKER_PARTITIONS];
    uint64_t serials[BROKER_PARTITIONS];
    int64_t t_ms[BROKER_PARTITIONS];
};

void process_start(struct process *process, struct sim *sim, int instance);
/* It is gone, in the middle of what it did. */
void process_kill(struct process *process);
void process_turn(struct process *process);
/* In peace: the last commit, then it leaves the group. */
void process_stop(struct process *process);
/* The next steps of a role's transaction thread. */
void process_write(struct writer *writer);
/* true: it dies here. */
bool process_dies(struct process *process, enum crash_point point);
uint64_t process_ask(struct process *process, struct loader_question question);
void loader_turn(struct process *process);
void loader_done(struct loader *loader);
void loader_forget(struct loader *loader, int32_t partition);
/* What was sent is applied when its time comes, also when its sender is gone. */
void request_apply(struct sim *sim, struct request *request, struct transaction_job *job);

/* ---- one run ---- */

/* A crash that is to come: a point, and which time it is reached. */
struct sim_fuse {
    bool is_armed;
    bool freezes; /* it does not die, it stands still there */
    enum crash_point point;
    unsigned after;
    int64_t until_ms;
};

struct sim {
    struct sim_ground *ground;
    uint64_t seed;
    struct chance chance, faults;
    int64_t now_ms;
    bool calm; /* no more faults */
    bool with_redis, with_jumps, with_scores;
    int64_t bucket_bytes;
    struct broker broker;
    struct store store;
    struct load load;
    struct witness witness;
    struct process processes[SIM_PROCESSES_MAX];
    struct request orphans[SIM_ORPHANS_MAX];
    size_t orphans_count;
    uint64_t writers;
    struct sim_fuse
        fuses[2]; /* the seed's own point, until it is reached; and one after the other at random */
    int64_t restart_ms[SIM_INSTANCES];
    struct rollout rollouts[SIM_INSTANCES];
    struct mishap mishap;
    struct scoring_witness scoring_witness;
    uint64_t crashes;
};

/* Of the run under way: what stands for a state directory. */
extern int sim_state_files[SIM_INSTANCES];

/* A run that went wrong says so, with its seed, and ends the process. */
_Noreturn void sim_fail(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With --verbose: what happens, with the time of the run. */
void sim_tell(const struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_run(struct sim_ground *ground, uint64_t seed);
/* heap.c: what is allocated from now on lies on pages of its own. */
void heap_begin_run(void);
/* readings.c: at the end of a run. */
void readings_forget(void);

#endif
