/*
 * A model of Kafka.
 *
 * What: see broker.h.
 *
 * Why so: everything happens at once when it is called; what is late on a real network is late because the
 * simulation calls late.
 *
 * Always true: a record of a transaction that is not settled stops every read_committed reader of its log; a
 * settled one's records are all readable or none is.
 *
 * Not here: time, faults, who calls.
 */
#include "broker.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include <stdio.h>
#include <string.h>

void
broker_init(struct broker *broker, struct chance *chance, int64_t now_ms)
{
    *broker = (struct broker){.chance = chance, .now_ms = now_ms};
    broker->groups[BROKER_TICKETS].partitions_count = BROKER_KEYED;
    broker->groups[BROKER_SCORES].partitions_count = 1;
    memset(broker->scores_committed, 0xff, sizeof broker->scores_committed);
    for (int i = 0; i < BROKER_PRODUCERS; i++)
        broker->producers[i] = (struct broker_producer){.transaction = -1};
    memset(broker->committed, 0xff, sizeof broker->committed);
}

void
broker_done(struct broker *broker)
{
    for (int t = 0; t < TOPICS_COUNT; t++)
        for (int p = 0; p < BROKER_PARTITIONS; p++) {
            struct broker_log *log = &broker->logs[t][p];

            for (size_t i = 0; i < log->count; i++)
                memory_free(log->records[i].bytes);
            memory_free(log->records);
        }
    memory_free(broker->transactions);
}

/* ---- logs ---- */

static void
broker_digest(struct broker *broker, enum topic topic, int32_t partition, const struct broker_record *record)
{
    const uint64_t words[] = {
        broker->digest,
        (uint64_t)topic << 32 | (uint32_t)partition,
        (uint64_t)record->offset,
        (uint64_t)record->timestamp_ms,
        (uint64_t)record->transaction,
        record->control | (uint64_t)record->has_value << 1,
        record->key_bytes,
        record->bytes != NULL ? hash_content(record->bytes, record->key_bytes + record->value_bytes) : 0};

    broker->digest = hash_content(words, sizeof words);
}

static int64_t
broker_add(struct broker *broker, enum topic topic, int32_t partition, struct broker_record record)
{
    struct broker_log *log = &broker->logs[topic][partition];

    if (log->count == log->room) {
        log->room = log->room == 0 ? 64 : log->room * 2;
        log->records = memory_resize(log->records, log->room * sizeof *log->records);
    }
    record.offset = log->end++;
    record.timestamp_ms = broker->now_ms;
    broker_digest(broker, topic, partition, &record);
    log->records[log->count++] = record;
    return record.offset;
}

static struct broker_record
broker_record_new(struct slice key, struct slice value, int32_t transaction)
{
    struct broker_record record = {
        .transaction = transaction,
        .has_value = value.at != NULL,
        .key_bytes = (uint32_t)key.bytes,
        .value_bytes = value.at != NULL ? (uint32_t)value.bytes : 0,
    };

    record.bytes = memory_allocate(key.bytes + record.value_bytes + 1);
    if (key.bytes > 0)
        memcpy(record.bytes, key.at, key.bytes);
    if (record.value_bytes > 0)
        memcpy(record.bytes + key.bytes, value.at, value.bytes);
    return record;
}

int64_t
broker_append(struct broker *broker, enum topic topic, int32_t partition, struct slice key,
              struct slice value)
{
    return broker_add(broker, topic, partition, broker_record_new(key, value, -1));
}

static bool
broker_is_over(const struct broker_transaction *transaction)
{
    return transaction->state == BROKER_COMMITTED || transaction->state == BROKER_ABORTED;
}

int64_t
broker_stable_end(const struct broker *broker, enum topic topic, int32_t partition)
{
    int64_t end = broker->logs[topic][partition].end;

    for (int i = 0; i < BROKER_PRODUCERS; i++) {
        int32_t t = broker->producers[i].transaction;
        const struct broker_transaction *transaction = t >= 0 ? &broker->transactions[t] : NULL;

        if (transaction != NULL && !broker_is_over(transaction) &&
            transaction->first_offsets[topic][partition] >= 0 &&
            transaction->first_offsets[topic][partition] < end)
            end = transaction->first_offsets[topic][partition];
    }
    return end;
}

static size_t
broker_find(const struct broker_log *log, int64_t offset)
{
    size_t low = 0, high = log->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (log->records[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct broker_record *
broker_read(const struct broker *broker, enum topic topic, int32_t partition, int64_t *offset)
{
    const struct broker_log *log = &broker->logs[topic][partition];
    int64_t end = broker_stable_end(broker, topic, partition);

    for (size_t i = broker_find(log, *offset); i < log->count && log->records[i].offset < end; i++) {
        const struct broker_record *record = &log->records[i];

        if (record->control ||
            (record->transaction >= 0 && broker->transactions[record->transaction].state != BROKER_COMMITTED))
            continue;
        *offset = record->offset + 1;
        return record;
    }
    if (*offset < end)
        *offset = end;
    return NULL;
}

struct slice
broker_key(const struct broker_record *record)
{
    return (struct slice){record->bytes, record->key_bytes};
}

struct slice
broker_value(const struct broker_record *record)
{
    return record->has_value ? (struct slice){record->bytes + record->key_bytes, record->value_bytes}
                             : (struct slice){NULL, 0};
}

int64_t
broker_begin(const struct broker *broker, enum topic topic, int32_t partition)
{
    return broker->logs[topic][partition].begin;
}

void
broker_trim(struct broker *broker, enum topic topic, int32_t partition, bool renumbered)
{
    struct broker_log *log = &broker->logs[topic][partition];

    for (size_t i = 0; i < log->count; i++)
        memory_free(log->records[i].bytes);
    log->count = 0;
    if (renumbered)
        log->end = 0;
    log->begin = log->end;
}

/* Whether a later record of the stable part has the same key. Short keys, short logs: from behind. */
static bool
broker_is_superseded(const struct broker *broker, const struct broker_log *log, size_t i, size_t end)
{
    struct slice key = broker_key(&log->records[i]);

    for (size_t k = end; k-- > i + 1;) {
        const struct broker_record *later = &log->records[k];

        if (later->bytes != NULL && later->key_bytes == key.bytes &&
            memcmp(later->bytes, key.at, key.bytes) == 0 &&
            (later->transaction < 0 || broker->transactions[later->transaction].state == BROKER_COMMITTED))
            return true;
    }
    return false;
}

void
broker_compact(struct broker *broker, enum topic topic, int32_t partition, int64_t tombstones_ms)
{
    struct broker_log *log = &broker->logs[topic][partition];
    size_t end = broker_find(log, broker_stable_end(broker, topic, partition)), kept = 0;
    bool *gone = memory_allocate_zeroed(end + 1, sizeof *gone);

    for (size_t i = 0; i < end; i++) {
        const struct broker_record *record = &log->records[i];

        gone[i] =
            record->control ||
            (record->transaction >= 0 && broker->transactions[record->transaction].state == BROKER_ABORTED) ||
            (!record->has_value && broker->now_ms - record->timestamp_ms > tombstones_ms) ||
            broker_is_superseded(broker, log, i, end);
    }
    for (size_t i = 0; i < log->count; i++) {
        if (i < end && gone[i])
            memory_free(log->records[i].bytes);
        else
            log->records[kept++] = log->records[i];
    }
    log->count = kept;
    memory_free(gone);
}

/* ---- transactions ---- */

static struct broker_transaction *
broker_transaction_of(struct broker *broker, int producer)
{
    int32_t t = broker->producers[producer].transaction;

    return t >= 0 ? &broker->transactions[t] : NULL;
}

/* The offsets can be seen; the records perhaps not yet: every partition is told by itself. */
static void
broker_settle_offsets(struct broker *broker, struct broker_transaction *transaction)
{
    bool commits = transaction->state == BROKER_COMMITTING;

    if (transaction->offsets_settled)
        return;
    transaction->offsets_settled = true;
    for (int p = 0; commits && p < BROKER_PARTITIONS; p++) {
        if (!transaction->has_offsets[p])
            continue;
        broker->committed_notes[p] = transaction->notes[p];
        for (int s = 0; s < 2; s++)
            if (transaction->offsets[p][s] >= 0)
                broker->committed[p][s] = transaction->offsets[p][s];
    }
    for (int i = 0; commits && transaction->has_scores && i <= BROKER_FEEDBACKS; i++)
        if (transaction->scores_offsets[i] >= 0)
            broker->scores_committed[i] = transaction->scores_offsets[i];
    if (commits && transaction->has_scores)
        memcpy(broker->scores_note, transaction->scores_note, sizeof broker->scores_note);
}

/* Control records, offsets: now everybody can see how it ended. */
static void
broker_settle(struct broker *broker, struct broker_transaction *transaction)
{
    broker_settle_offsets(broker, transaction);
    transaction->state = transaction->state == BROKER_COMMITTING ? BROKER_COMMITTED : BROKER_ABORTED;
    for (int t = 0; t < TOPICS_COUNT; t++)
        for (int p = 0; p < BROKER_PARTITIONS; p++)
            if (transaction->first_offsets[t][p] >= 0)
                broker_add(broker, (enum topic)t, p,
                           (struct broker_record){.control = true, .transaction = -1});
}

static void
broker_finish(struct broker *broker, int producer)
{
    struct broker_transaction *transaction = broker_transaction_of(broker, producer);

    if (transaction == NULL || broker_is_over(transaction))
        return;
    if (transaction->state == BROKER_OPEN)
        transaction->state = BROKER_ABORTING;
    broker_settle(broker, transaction);
}

int
broker_init_producer(struct broker *broker, int producer)
{
    broker_finish(broker, producer);
    broker->producers[producer].transaction = -1;
    return ++broker->producers[producer].epoch;
}

static struct broker_transaction *
broker_ensure_transaction(struct broker *broker, int producer)
{
    struct broker_transaction *transaction = broker_transaction_of(broker, producer);

    if (transaction != NULL && !broker_is_over(transaction))
        return transaction;
    if (broker->transactions_count == broker->transactions_room) {
        broker->transactions_room = broker->transactions_room == 0 ? 64 : broker->transactions_room * 2;
        broker->transactions =
            memory_resize(broker->transactions, broker->transactions_room * sizeof *broker->transactions);
    }
    transaction = &broker->transactions[broker->transactions_count];
    memset(transaction, 0xff, sizeof *transaction);
    transaction->state = BROKER_OPEN;
    transaction->producer = producer;
    transaction->begun_ms = broker->now_ms;
    memset(transaction->has_offsets, 0, sizeof transaction->has_offsets);
    transaction->has_scores = transaction->offsets_settled = false;
    broker->producers[producer].transaction = (int32_t)broker->transactions_count++;
    return transaction;
}

static enum broker_error
broker_may_write(struct broker *broker, int producer, int epoch)
{
    const struct broker_transaction *transaction = broker_transaction_of(broker, producer);

    if (broker->producers[producer].epoch != epoch)
        return BROKER_FENCED;
    return transaction != NULL && !broker_is_over(transaction) && transaction->state != BROKER_OPEN
               ? BROKER_CONCURRENT
               : BROKER_OK;
}

enum broker_error
broker_produce(struct broker *broker, int producer, int epoch, enum topic topic, int32_t partition,
               struct slice key, struct slice value, int64_t *ret_offset)
{
    enum broker_error error = broker_may_write(broker, producer, epoch);
    struct broker_transaction *transaction;

    if (error != BROKER_OK)
        return error;
    transaction = broker_ensure_transaction(broker, producer);
    *ret_offset = broker_add(broker, topic, partition,
                             broker_record_new(key, value, broker->producers[producer].transaction));
    if (transaction->first_offsets[topic][partition] < 0)
        transaction->first_offsets[topic][partition] = *ret_offset;
    return BROKER_OK;
}

static struct broker_member *
broker_member(const struct broker_group *group, uint64_t id)
{
    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        if (group->members[i].there && group->members[i].id == id)
            return (struct broker_member *)(uintptr_t)&group->members[i];
    return NULL;
}

enum broker_error
broker_send_offsets(struct broker *broker, int producer, int epoch, uint64_t member, int generation,
                    int32_t partition, const int64_t offsets[2], uint64_t note)
{
    enum broker_error error = broker_may_write(broker, producer, epoch);
    struct broker_transaction *transaction;

    if (error != BROKER_OK)
        return error;
    if (broker_member(&broker->groups[BROKER_TICKETS], member) == NULL ||
        generation != broker->groups[BROKER_TICKETS].generation)
        return BROKER_ILLEGAL_GENERATION;
    transaction = broker_ensure_transaction(broker, producer);
    transaction->has_offsets[partition] = true;
    transaction->notes[partition] = note;
    memcpy(transaction->offsets[partition], offsets, sizeof transaction->offsets[partition]);
    return BROKER_OK;
}

enum broker_error
broker_send_scores(struct broker *broker, int producer, int epoch, uint64_t member, int generation,
                   const int64_t offsets[1 + BROKER_FEEDBACKS], const char *note)
{
    enum broker_error error = broker_may_write(broker, producer, epoch);
    const struct broker_group *group = &broker->groups[BROKER_SCORES];
    struct broker_transaction *transaction;

    if (error != BROKER_OK)
        return error;
    if (broker_member(group, member) == NULL || generation != group->generation)
        return BROKER_ILLEGAL_GENERATION;
    transaction = broker_ensure_transaction(broker, producer);
    transaction->has_scores = true;
    memcpy(transaction->scores_offsets, offsets, sizeof transaction->scores_offsets);
    (void)snprintf(transaction->scores_note, sizeof transaction->scores_note, "%s", note);
    return BROKER_OK;
}

bool
broker_scores(const struct broker *broker, int64_t ret_offsets[1 + BROKER_FEEDBACKS], char *ret_note)
{
    for (int i = 0; i < BROKER_PRODUCERS; i++) {
        int32_t t = broker->producers[i].transaction;

        if (t >= 0 && !broker_is_over(&broker->transactions[t]) && !broker->transactions[t].offsets_settled &&
            broker->transactions[t].has_scores)
            return false;
    }
    memcpy(ret_offsets, broker->scores_committed, sizeof broker->scores_committed);
    memcpy(ret_note, broker->scores_note, sizeof broker->scores_note);
    return true;
}

enum broker_error
broker_end(struct broker *broker, int producer, int epoch, bool commit)
{
    struct broker_transaction *transaction = broker_transaction_of(broker, producer);

    if (broker->producers[producer].epoch != epoch)
        return BROKER_FENCED;
    if (transaction == NULL)
        return commit ? BROKER_INVALID_STATE : BROKER_OK;
    if (transaction->state != BROKER_OPEN) /* told twice */
        return (transaction->state == BROKER_COMMITTING || transaction->state == BROKER_COMMITTED) == commit
                   ? BROKER_OK
                   : BROKER_INVALID_STATE;
    transaction->state = commit ? BROKER_COMMITTING : BROKER_ABORTING;
    if (commit)
        broker->on_committed(broker->context, transaction);
    transaction->settles_ms = broker->now_ms + (broker->slow_markers && chance_one_in(broker->chance, 4)
                                                    ? chance_within(broker->chance, 100, 3000)
                                                    : chance_within(broker->chance, 0, 4));
    transaction->offsets_settle_ms =
        chance_one_in(broker->chance, 3) ? broker->now_ms : transaction->settles_ms;
    return BROKER_OK;
}

bool
broker_offsets(const struct broker *broker, int32_t partition, int64_t ret_offsets[2], uint64_t *ret_note)
{
    for (int i = 0; i < BROKER_PRODUCERS; i++) {
        int32_t t = broker->producers[i].transaction;

        if (t >= 0 && !broker_is_over(&broker->transactions[t]) && !broker->transactions[t].offsets_settled &&
            broker->transactions[t].has_offsets[partition])
            return false;
    }
    memcpy(ret_offsets, broker->committed[partition], sizeof broker->committed[partition]);
    *ret_note = broker->committed_notes[partition];
    return true;
}

/* ---- the group ---- */

static void
broker_begin_round(struct broker *broker, struct broker_group *group)
{
    if (group->rebalancing)
        return;
    group->rebalancing = true;
    group->rebalance_until_ms = broker->now_ms + broker->session_ms;
    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        group->members[i].joined = false;
}

/* What nobody has is given out in a new round: its former owner was to give it back, and died before it did.
 */
static bool
broker_has_orphans(const struct broker_group *group)
{
    unsigned assigned = 0;

    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        if (group->members[i].there)
            assigned |= group->members[i].assigned;
    return assigned != (1U << group->partitions_count) - 1;
}

uint64_t
broker_join(struct broker *broker, enum broker_group_name name, int instance, unsigned owned)
{
    struct broker_group *group = &broker->groups[name];
    struct broker_member *member = NULL;
    uint64_t id = ++broker->last_member;

    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        if (group->members[i].there && group->members[i].instance == instance)
            member = &group->members[i];
    if (member != NULL) { /* a static one: its place is still there, and nobody notices */
        member->id = id;
        member->heard_ms = broker->now_ms;
        member->owned = owned;
        if (broker_has_orphans(group))
            broker_begin_round(broker, group);
        if (group->rebalancing)
            member->joined = true;
        return id;
    }
    for (int i = 0; member == NULL; i++) {
        must(i < BROKER_MEMBERS_MAX);
        if (!group->members[i].there)
            member = &group->members[i];
    }
    broker_begin_round(broker, group);
    *member = (struct broker_member){.there = true,
                                     .id = id,
                                     .instance = instance,
                                     .heard_ms = broker->now_ms,
                                     .joined = true,
                                     .owned = owned};
    return id;
}

void
broker_rejoin(struct broker *broker, enum broker_group_name name, uint64_t id, unsigned owned)
{
    struct broker_group *group = &broker->groups[name];
    struct broker_member *member = broker_member(group, id);

    if (member == NULL)
        return;
    broker_begin_round(broker, group);
    member->joined = true;
    member->owned = owned;
    member->heard_ms = broker->now_ms;
}

void
broker_leave(struct broker *broker, enum broker_group_name name, uint64_t id)
{
    struct broker_group *group = &broker->groups[name];
    struct broker_member *member = broker_member(group, id);

    if (member == NULL)
        return;
    member->there = false;
    broker_begin_round(broker, group);
}

enum broker_beat
broker_heartbeat(struct broker *broker, enum broker_group_name name, uint64_t id, int instance)
{
    const struct broker_group *group = &broker->groups[name];
    struct broker_member *member = broker_member(group, id);

    if (member == NULL) {
        for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
            if (group->members[i].there && group->members[i].instance == instance)
                return BROKER_FENCED_MEMBER;
        return BROKER_UNKNOWN_MEMBER;
    }
    member->heard_ms = broker->now_ms;
    return group->rebalancing && !member->joined ? BROKER_REJOIN : BROKER_STEADY;
}

bool
broker_assignment(const struct broker *broker, enum broker_group_name name, uint64_t id, int *ret_generation,
                  unsigned *ret_assigned)
{
    const struct broker_group *group = &broker->groups[name];
    const struct broker_member *member = broker_member(group, id);

    if (member == NULL || group->rebalancing)
        return false;
    *ret_generation = group->generation;
    *ret_assigned = member->assigned;
    return true;
}

void
broker_add_partition(struct broker *broker)
{
    struct broker_group *group = &broker->groups[BROKER_TICKETS];

    group->partitions_count++;
    broker_begin_round(broker, group);
}

static int
broker_least_loaded(const struct broker_group *group, const unsigned *targets)
{
    int least = -1;

    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        if (group->members[i].there &&
            (least < 0 || __builtin_popcount(targets[i]) < __builtin_popcount(targets[least])))
            least = i;
    return least;
}

/* Sticky and cooperative: whoever must give one back gets it taken first; it is given on in the next round.
 */
static void
broker_assign(struct broker_group *group)
{
    unsigned targets[BROKER_MEMBERS_MAX] = {0};
    unsigned owned = 0, homeless = 0;
    int members = 0;

    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        members += group->members[i].there;
    if (members == 0)
        return;
    for (int p = 0; p < group->partitions_count; p++) {
        unsigned bit = 1U << p;
        int share_max = (group->partitions_count + members - 1) / members, owner = -1;

        for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
            if (group->members[i].there && (group->members[i].owned & bit) != 0)
                owner = i;
        if (owner >= 0)
            owned |= bit;
        if (owner >= 0 && __builtin_popcount(targets[owner]) < share_max)
            targets[owner] |= bit;
        else
            homeless |= bit;
    }
    for (int p = 0; p < group->partitions_count; p++)
        if ((homeless & 1U << p) != 0)
            targets[broker_least_loaded(group, targets)] |= 1U << p;
    for (int i = 0; i < BROKER_MEMBERS_MAX; i++)
        group->members[i].assigned = targets[i] & (group->members[i].owned | ~owned);
}

static void
broker_turn_group(struct broker *broker, struct broker_group *group)
{
    bool all = true;

    for (int i = 0; i < BROKER_MEMBERS_MAX; i++) {
        struct broker_member *member = &group->members[i];

        if (member->there && broker->now_ms - member->heard_ms > broker->session_ms) {
            member->there = false;
            broker_begin_round(broker, group);
        }
    }
    for (int i = 0; i < BROKER_MEMBERS_MAX; i++) {
        struct broker_member *member = &group->members[i];

        if (member->there && group->rebalancing && !member->joined) {
            all = false;
            if (broker->now_ms > group->rebalance_until_ms)
                member->there = false;
        }
    }
    if (!group->rebalancing || (!all && broker->now_ms <= group->rebalance_until_ms))
        return;
    group->rebalancing = false;
    group->generation++;
    broker->rebalances += group == &broker->groups[BROKER_TICKETS];
    broker_assign(group);
}

void
broker_tick(struct broker *broker, int64_t now_ms)
{
    broker->now_ms = now_ms;
    for (int i = 0; i < BROKER_PRODUCERS; i++) {
        struct broker_transaction *transaction = broker_transaction_of(broker, i);

        if (transaction == NULL || broker_is_over(transaction))
            continue;
        if (transaction->state == BROKER_OPEN && now_ms - transaction->begun_ms > broker->transaction_ms) {
            broker->producers[i].epoch++; /* whoever wrote it is fenced */
            transaction->state = BROKER_ABORTING;
            transaction->settles_ms = transaction->offsets_settle_ms = now_ms;
        }
        if (transaction->state != BROKER_OPEN && now_ms >= transaction->offsets_settle_ms)
            broker_settle_offsets(broker, transaction);
        if (transaction->state != BROKER_OPEN && now_ms >= transaction->settles_ms)
            broker_settle(broker, transaction);
    }
    for (int g = 0; g < BROKER_GROUPS_COUNT; g++)
        broker_turn_group(broker, &broker->groups[g]);
}
