#ifndef SLAD_TESTS_SIM_BROKER_H
#define SLAD_TESTS_SIM_BROKER_H

/*
 * A model of Kafka, as far as slad leans on it: logs with offsets, transactions with control records and the
 * last stable offset, producer epochs that fence, offsets that are pending until their transaction is
 * settled, a group with generations, static members and cooperative rebalances, compaction.
 *
 * As on real brokers: the answer to a commit may come before its control records are written, and until then
 * neither the records nor the offsets can be read; offsets of an old generation are refused; a transaction
 * whose writer is silent is aborted after its time-out, and the writer fenced.
 */
#include "base/slice.h"
#include "../support/chance.h"
#include "shell/topics.h"

/* Producers: of the tickets 0 to 2, of the scores 3 to 5. Tickets lie in the first four, whatever is added.
 */
enum {
    BROKER_PARTITIONS = 5,
    BROKER_KEYED = 4,
    BROKER_PRODUCERS = 6,
    BROKER_FEEDBACKS = 2,
    BROKER_MEMBERS_MAX = 8
};

enum broker_error {
    BROKER_OK,
    BROKER_FENCED,
    BROKER_ILLEGAL_GENERATION,
    BROKER_CONCURRENT,   /* the transaction before is being settled */
    BROKER_INVALID_STATE /* no such transaction */
};

struct broker_record {
    int64_t offset, timestamp_ms;
    int32_t transaction; /* -1: none */
    bool control;
    bool has_value;
    uint32_t key_bytes, value_bytes;
    char *bytes; /* key, then value; owned */
};

struct broker_log {
    struct broker_record *records; /* by offset */
    size_t count, room;
    int64_t begin, end;
};

/* What goes with an offset of slad.outcomes. */
enum { BROKER_NOTE_BYTES = 512 };

enum broker_state { BROKER_OPEN, BROKER_COMMITTING, BROKER_ABORTING, BROKER_COMMITTED, BROKER_ABORTED };

struct broker_transaction {
    enum broker_state state;
    int producer;
    int64_t begun_ms, settles_ms;
    int64_t first_offsets[TOPICS_COUNT][BROKER_PARTITIONS]; /* -1: not touched */
    int64_t offsets[BROKER_PARTITIONS][2];                  /* pending; -1: none */
    uint64_t notes[BROKER_PARTITIONS];                      /* what their metadata says */
    bool has_offsets[BROKER_PARTITIONS];
    bool has_scores;                              /* offsets of the group of the scores */
    int64_t scores_offsets[1 + BROKER_FEEDBACKS]; /* of slad.outcomes[0], of feedback; -1: none */
    char scores_note[BROKER_NOTE_BYTES];
    int64_t offsets_settle_ms; /* they may be seen before the records */
    bool offsets_settled;
};

struct broker_producer {
    int epoch;
    int32_t transaction; /* -1: none yet; it may be over */
};

/* One of the tickets' partitions, one of slad.outcomes[0]. */
enum broker_group_name { BROKER_TICKETS, BROKER_SCORES, BROKER_GROUPS_COUNT };
struct broker_member {
    bool there;
    uint64_t id;
    int instance;
    int64_t heard_ms;
    bool joined;              /* in the round that is under way */
    unsigned owned, assigned; /* partitions as bits */
};

struct broker_group {
    int32_t partitions_count; /* the tickets' get a fifth in some runs */
    struct broker_member members[BROKER_MEMBERS_MAX];
    int generation;
    bool rebalancing;
    int64_t rebalance_until_ms;
};
struct broker {
    struct chance *chance;
    struct broker_group groups[BROKER_GROUPS_COUNT];
    int64_t scores_committed[1 + BROKER_FEEDBACKS];
    char scores_note[BROKER_NOTE_BYTES];
    int64_t now_ms;
    int64_t session_ms, transaction_ms;
    struct broker_log logs[TOPICS_COUNT][BROKER_PARTITIONS];
    struct broker_transaction *transactions;
    size_t transactions_count, transactions_room;
    struct broker_producer producers[BROKER_PRODUCERS];
    int64_t committed[BROKER_PARTITIONS][2];
    uint64_t committed_notes[BROKER_PARTITIONS];
    uint64_t last_member;
    unsigned rebalances;
    uint64_t digest;   /* of every record that was ever added, where and when */
    bool slow_markers; /* control records are long in coming */
    /* It is decided; nobody can see it yet. */
    void (*on_committed)(void *context, const struct broker_transaction *transaction);
    void *context;
};

void broker_init(struct broker *broker, struct chance *chance, int64_t now_ms);
void broker_done(struct broker *broker);
void broker_tick(struct broker *broker, int64_t now_ms);

/* ---- logs ---- */

int64_t broker_append(struct broker *broker, enum topic topic, int32_t partition, struct slice key,
                      struct slice value);
/* What a read_committed reader may read up to. */
int64_t broker_stable_end(const struct broker *broker, enum topic topic, int32_t partition);
/* The first record at or behind *offset that such a reader gets, NULL: none. *offset moves behind it, or to
 * the end. */
const struct broker_record *broker_read(const struct broker *broker, enum topic topic, int32_t partition,
                                        int64_t *offset);
struct slice broker_key(const struct broker_record *record);
struct slice broker_value(const struct broker_record *record); /* at NULL: a tombstone */
/* The oldest record that is there. */
int64_t broker_begin(const struct broker *broker, enum topic topic, int32_t partition);
/* Everything that is there goes; renumbered: the topic was made anew, and begins at 0. */
void broker_trim(struct broker *broker, enum topic topic, int32_t partition, bool renumbered);
/* The group begins a round: there is one more partition. */
void broker_add_partition(struct broker *broker);
/* slad.state: the last record of a key stays, tombstones for a while. */
void broker_compact(struct broker *broker, enum topic topic, int32_t partition, int64_t tombstones_ms);

/* ---- producers ---- */

/* Fences whoever had the id, settles what it left. The new epoch. */
int broker_init_producer(struct broker *broker, int producer);
enum broker_error broker_produce(struct broker *broker, int producer, int epoch, enum topic topic,
                                 int32_t partition, struct slice key, struct slice value,
                                 int64_t *ret_offset);
enum broker_error broker_send_offsets(struct broker *broker, int producer, int epoch, uint64_t member,
                                      int generation, int32_t partition, const int64_t offsets[2],
                                      uint64_t note);
enum broker_error broker_send_scores(struct broker *broker, int producer, int epoch, uint64_t member,
                                     int generation, const int64_t offsets[1 + BROKER_FEEDBACKS],
                                     const char *note);
/* false: pending, ask again. note: BROKER_NOTE_BYTES. */
bool broker_scores(const struct broker *broker, int64_t ret_offsets[1 + BROKER_FEEDBACKS], char *ret_note);
enum broker_error broker_end(struct broker *broker, int producer, int epoch, bool commit);
/* false: pending, ask again. */
bool broker_offsets(const struct broker *broker, int32_t partition, int64_t ret_offsets[2],
                    uint64_t *ret_note);

/* ---- the group ---- */

enum broker_beat { BROKER_STEADY, BROKER_REJOIN, BROKER_UNKNOWN_MEMBER, BROKER_FENCED_MEMBER };
/* A new member (a static one of an instance that is still known takes its place at once). Its id. */
uint64_t broker_join(struct broker *broker, enum broker_group_name name, int instance, unsigned owned);
void broker_rejoin(struct broker *broker, enum broker_group_name name, uint64_t member, unsigned owned);
void broker_leave(struct broker *broker, enum broker_group_name name, uint64_t member);
enum broker_beat broker_heartbeat(struct broker *broker, enum broker_group_name name, uint64_t member,
                                  int instance);
/* What the last round gave to it; false: that round is not over for it. */
bool broker_assignment(const struct broker *broker, enum broker_group_name name, uint64_t member,
                       int *ret_generation, unsigned *ret_assigned);

#endif
