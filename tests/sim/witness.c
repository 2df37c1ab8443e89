/*
 * What must be true at every moment.
 *
 * What: whenever a transaction is settled its markers are compared with those before; whenever a task is
 * loaded its state is compared with what was frozen at that epoch; whenever a head moves in Redis it is
 * compared with Kafka, and what it would restore with what is frozen there.
 *
 * Not here: what was announced (oracle.c).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "sim.h"
#include <string.h>

/* The last record of one key. */
struct witness_record {
    struct slice key;
    uint64_t hash;
};

static struct slice
witness_key_of(const void *value)
{
    return ((const struct witness_record *)value)->key;
}

void
witness_init(struct witness *witness, struct sim *sim)
{
    *witness = (struct witness){.sim = sim};
    for (int p = 0; p < BROKER_PARTITIONS; p++) {
        witness->states[p] = map_new(witness_key_of, 1);
        witness->frozen_room[p] = 256;
        witness->open_from_ms[p] = INT64_MAX;
        witness->anew_offset[p] = -1;
        witness->frozen[p] = memory_allocate_zeroed(256, sizeof *witness->frozen[p]);
    }
}

void
witness_done(struct witness *witness)
{
    for (int p = 0; p < BROKER_PARTITIONS; p++) {
        size_t cursor = 0;
        void *record;

        while ((record = map_each(witness->states[p], &cursor)) != NULL)
            memory_free(record);
        map_free(witness->states[p]);
        buffer_free(&witness->policies[p]);
        memory_free(witness->frozen[p]);
    }
}

static uint64_t
witness_hash(struct slice key, struct slice value)
{
    return hash_slice(hash_slice(7, key), value);
}

static struct witness_frozen *
witness_frozen_at(struct witness *witness, int32_t partition, uint64_t epoch)
{
    while (epoch >= witness->frozen_room[partition]) {
        size_t room = witness->frozen_room[partition];

        witness->frozen[partition] =
            memory_resize(witness->frozen[partition], 2 * room * sizeof *witness->frozen[partition]);
        memset(witness->frozen[partition] + room, 0, room * sizeof *witness->frozen[partition]);
        witness->frozen_room[partition] = 2 * room;
    }
    return &witness->frozen[partition][epoch];
}

static void
witness_note(struct witness *witness, int32_t partition, struct slice key, struct slice value,
             struct witness_frozen *sums)
{
    struct witness_record *record = map_remove(witness->states[partition], key);

    if (record != NULL) {
        sums->sum ^= record->hash;
        sums->count--;
        memory_free(record);
    }
    if (value.at == NULL)
        return;
    record = memory_allocate(sizeof *record + key.bytes);
    memcpy(record + 1, key.at, key.bytes);
    *record = (struct witness_record){{(const char *)(record + 1), key.bytes},
                                      witness_hash(key, engine_record_facts(value))};
    sums->sum ^= record->hash;
    sums->count++;
    (void)map_put(witness->states[partition], record);
}

/* Not of the tickets: texts of policies, a person's word, what nobody knows. */
static bool
witness_is_aside(struct slice key)
{
    struct slice from;

    return key.bytes > 0 && key.at[0] == '~' && (key.bytes == 1 || key.at[1] != '~') &&
           !task_is_merge(key, &from);
}

/* The texts that this epoch leaves in slad.state. Returns how many are of this life: in the simulation a text
 * is one record. */
static size_t
witness_texts(const struct witness *witness, int32_t number, int32_t partition, const struct marker *marker,
              struct policy_gather *gather)
{
    const struct broker *broker = &witness->sim->broker;
    const struct broker_log *log = &broker->logs[TOPIC_STATE][partition];
    struct map *seen = map_new(witness_key_of, 1);
    size_t count = 0, cursor = 0;
    void *key;

    for (size_t i = log->count; i-- > 0;) {
        const struct broker_record *record = &log->records[i];
        struct witness_record *found;

        if (record->control || !policy_record_is(broker_key(record)) ||
            map_get(seen, broker_key(record)) != NULL ||
            (record->transaction >= 0 && record->transaction != number &&
             broker->transactions[record->transaction].state != BROKER_COMMITTED))
            continue;
        found = memory_allocate_zeroed(1, sizeof *found);
        found->key = broker_key(record);
        (void)map_put(seen, found);
        if (!record->has_value)
            continue;
        policy_gather_take(gather, broker_value(record));
        count += record->offset >= marker->begins_offset;
    }
    while ((key = map_each(seen, &cursor)) != NULL)
        memory_free(key);
    map_free(seen);
    return count;
}

/* What is in force stays in force, unless it was over before any ticket began. Its text lies in slad.state
 * for whoever does not have it, and no other text does. */
static void
witness_policies(struct witness *witness, int32_t number, int32_t partition, const struct marker *marker)
{
    struct buffer *held = &witness->policies[partition];
    unsigned gone = rollout_versions(witness->sim, buffer_slice(held)) &
                    ~rollout_versions(witness->sim, marker->policies);
    struct policy_gather gather;
    struct slice id, source;
    size_t texts;

    if (slice_equal(buffer_slice(held), marker->policies))
        return;
    if ((gone & ~(unsigned)DISK_ELDER) != 0)
        sim_fail(witness->sim, "task %d: a version is not in force any more at epoch %llu", (int)partition,
                 (unsigned long long)marker->epoch);
    witness->sim->ground->versions_over += gone != 0;
    policy_gather_init(&gather, marker->policies);
    texts = witness_texts(witness, number, partition, marker, &gather);
    if (texts != gather.count)
        sim_fail(witness->sim, "task %d: epoch %llu names %zu versions and leaves %zu texts in slad.state",
                 (int)partition, (unsigned long long)marker->epoch, gather.count, texts);
    for (size_t i = 0; i < gather.count; i++)
        if (!policy_gather_get(&gather, i, &id, &source))
            sim_fail(witness->sim, "task %d: epoch %llu names a version whose text is not in slad.state",
                     (int)partition, (unsigned long long)marker->epoch);
    policy_gather_done(&gather);
    rollout_check(witness->sim, partition, marker->policies);
    buffer_reset(held);
    buffer_append_slice(held, marker->policies);
}

static void
witness_marker(struct witness *witness, const struct broker_transaction *transaction, int32_t partition,
               const struct marker *marker, int64_t offset)
{
    struct sim *sim = witness->sim;
    uint64_t before = witness->epoch[partition];

    sim_tell(sim, "kafka: task %d epoch %llu by producer %d", (int)partition,
             (unsigned long long)marker->epoch, transaction->producer);
    if (before > 0 && !hash128_equal(marker->lineage, witness->lineage[partition]))
        sim_fail(sim, "task %d: a lineage of its own began at epoch %llu, after epoch %llu", (int)partition,
                 (unsigned long long)marker->epoch, (unsigned long long)before);
    if (marker->epoch != before + 1)
        sim_fail(sim, "task %d: epoch %llu was committed after epoch %llu", (int)partition,
                 (unsigned long long)marker->epoch, (unsigned long long)before);
    if (offset <= witness->marker_offset[partition] && before > 0)
        sim_fail(sim, "task %d: the marker of epoch %llu lies before its predecessor's", (int)partition,
                 (unsigned long long)marker->epoch);
    if (before > 0 && marker->t_ms < witness->t_ms[partition])
        sim_fail(sim, "task %d: T goes back at epoch %llu", (int)partition,
                 (unsigned long long)marker->epoch);
    for (int s = 0; s < 2; s++)
        if (marker->offsets[s] >= 0 && transaction->offsets[partition][s] != marker->offsets[s])
            sim_fail(sim, "task %d: the marker of epoch %llu says offset %lld, its transaction says %lld",
                     (int)partition, (unsigned long long)marker->epoch, (long long)marker->offsets[s],
                     (long long)transaction->offsets[partition][s]);
    mishap_epoch(sim, partition, marker, witness->tickets_offset[partition]);
    witness->tickets_offset[partition] = marker->offsets[0];
    witness->epoch[partition] = marker->epoch;
    witness->alerts_from_ms[partition] = marker->alerts_from_ms;
    witness->lineage[partition] = marker->lineage;
    witness->t_ms[partition] = marker->t_ms;
    witness->marker_offset[partition] = offset;
}

/* Somebody said fresh, and the first epoch of the new life is there. */
static void
witness_begin_anew(struct witness *witness, int32_t p)
{
    size_t cursor = 0;
    void *record;

    while ((record = map_each(witness->states[p], &cursor)) != NULL)
        memory_free(record);
    map_free(witness->states[p]);
    witness->states[p] = map_new(witness_key_of, 1);
    memset(witness->frozen[p], 0, witness->frozen_room[p] * sizeof *witness->frozen[p]);
    witness->epoch[p] = 0;
    witness->t_ms[p] = 0;
    witness->anew_offset[p] = -1;
    buffer_reset(&witness->policies[p]);
}

/* Whether this transaction's marker is the first of the life that was allowed. */
static bool
witness_is_anew(const struct witness *witness, int32_t number, int32_t p)
{
    const struct broker_log *log = &witness->sim->broker.logs[TOPIC_STATE][p];

    for (size_t i = log->count; i-- > 0 && witness->anew_offset[p] >= 0;) {
        const struct broker_record *record = &log->records[i];
        struct marker marker;

        if (record->transaction != number || record->control || !slice_is(broker_key(record), MARKER_KEY))
            continue;
        must(marker_read(broker_value(record), &marker) == 0);
        return marker.epoch == 1 && marker.begins_offset == witness->anew_offset[p] &&
               !hash128_equal(marker.lineage, witness->lineage[p]);
    }
    return false;
}

void
witness_committed(void *context, const struct broker_transaction *transaction)
{
    struct witness *witness = context;
    struct broker *broker = &witness->sim->broker;
    int32_t number = (int32_t)(transaction - broker->transactions);

    scoring_committed(witness->sim, transaction);
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        const struct broker_log *log = &broker->logs[TOPIC_STATE][p];
        struct witness_frozen sums;

        if (transaction->first_offsets[TOPIC_STATE][p] < 0)
            continue;
        if (witness_is_anew(witness, number, p))
            witness_begin_anew(witness, p);
        sums = *witness_frozen_at(witness, p, witness->epoch[p]);
        for (size_t i = log->count;
             i-- > 0 && log->records[i].offset >= transaction->first_offsets[TOPIC_STATE][p];)
            if (log->records[i].offset == transaction->first_offsets[TOPIC_STATE][p]) {
                for (; i < log->count; i++) {
                    const struct broker_record *record = &log->records[i];
                    struct marker marker;

                    if (record->transaction != number || record->control)
                        continue;
                    if (!slice_is(broker_key(record), MARKER_KEY)) {
                        if (!witness_is_aside(broker_key(record)))
                            witness_note(witness, p, broker_key(record), broker_value(record), &sums);
                        continue;
                    }
                    must(marker_read(broker_value(record), &marker) == 0);
                    witness_policies(witness, number, p, &marker);
                    witness_marker(witness, transaction, p, &marker, record->offset);
                    sums.writer = marker.writer;
                    sums.t_ms = marker.t_ms;
                    *witness_frozen_at(witness, p, marker.epoch) = sums;
                }
                break;
            }
    }
}

/* ---- loaded state ---- */

void
witness_loaded(struct witness *witness, const struct task *task)
{
    const struct witness_frozen *frozen;
    struct witness_frozen found = {0};
    struct buffer key = {0}, record = {0};
    struct ticket *ticket;
    struct slice from;
    size_t cursor = 0;

    if (witness->sim->mishap.fresh[task->partition] &&
        !hash128_equal(task->lineage, witness->lineage[task->partition]))
        return; /* it slept since a former life: nobody listens to it */
    if (task->epoch > witness->epoch[task->partition])
        sim_fail(witness->sim, "task %d was loaded to epoch %llu, Kafka has %llu", (int)task->partition,
                 (unsigned long long)task->epoch, (unsigned long long)witness->epoch[task->partition]);
    while ((ticket = engine_each(task->engine, &cursor)) != NULL) {
        buffer_reset(&key);
        buffer_reset(&record);
        task_state_key(ticket_name(ticket), &key);
        if (!engine_save(task->engine, ticket, &record))
            continue;
        found.sum ^= witness_hash(buffer_slice(&key), engine_record_facts(buffer_slice(&record)));
        found.count++;
    }
    cursor = 0;
    while (engine_each_merge(task->engine, &cursor, &from)) {
        buffer_reset(&key);
        buffer_reset(&record);
        task_merge_key(from, &key);
        must(engine_save_merge(task->engine, from, &record));
        found.sum ^= witness_hash(buffer_slice(&key), buffer_slice(&record));
        found.count++;
    }
    frozen = witness_frozen_at(witness, task->partition, task->epoch);
    if (found.count != frozen->count || found.sum != frozen->sum)
        sim_fail(witness->sim, "task %d was loaded to epoch %llu with %zu tickets, %zu were frozen%s",
                 (int)task->partition, (unsigned long long)task->epoch, found.count, frozen->count,
                 found.count == frozen->count ? ", and they differ" : "");
    buffer_free(&key);
    buffer_free(&record);
}

/* ---- Redis ---- */

/* What a loader would make of this head now. */
static void
witness_restorable(struct witness *witness, int32_t partition, const struct snapshot_head *head,
                   const char *prefix)
{
    struct map *state = map_new(witness_key_of, 1);
    struct witness fake = {.sim = witness->sim};
    struct witness_frozen sums = {0},
                          frozen = *witness_frozen_at(witness, partition, witness->epoch[partition]);
    int64_t position = head->state_offset;
    const struct broker_record *record;
    bool whole = true;
    size_t cursor = 0;
    void *left;

    fake.states[partition] = state;
    for (uint32_t i = 0; i < head->buckets_count; i++) {
        struct buffer name = {0};
        struct slice rest, key, value;

        if (head->buckets[i].epoch == 0)
            continue;
        snapshot_name_bucket(&name, prefix, partition, head, i);
        rest = store_get(&witness->sim->store, buffer_slice(&name));
        buffer_free(&name);
        if (rest.at == NULL || !snapshot_bucket_is(&head->buckets[i], rest)) {
            whole = false; /* spoiled since: a loader will see it */
            break;
        }
        while (restore_plan_take(&rest, &key, &value))
            witness_note(&fake, partition, key, value, &sums);
    }
    while (whole && (record = broker_read(&witness->sim->broker, TOPIC_STATE, partition, &position)) != NULL)
        if (!witness_is_aside(broker_key(record)))
            witness_note(&fake, partition, broker_key(record), broker_value(record), &sums);
    /* what stands behind somebody's open transaction cannot be read yet */
    while (whole && position > witness->marker_offset[partition] && sums.sum != frozen.sum &&
           (left = map_each(witness->states[partition], &cursor)) != NULL) {
        const struct witness_record *kept = left, *restored = map_get(state, kept->key);

        if (restored == NULL || restored->hash != kept->hash)
            sim_tell(witness->sim, "%.*s is %s", (int)kept->key.bytes, kept->key.at,
                     restored == NULL ? "missing" : "another");
    }
    cursor = 0;
    if (whole && position > witness->marker_offset[partition] &&
        (sums.count != frozen.count || sums.sum != frozen.sum))
        sim_fail(witness->sim, "the head of task %d at epoch %llu restores %zu tickets, %zu are frozen%s",
                 (int)partition, (unsigned long long)head->epoch, sums.count, frozen.count,
                 sums.count == frozen.count ? ", and they differ" : "");
    while ((left = map_each(state, &cursor)) != NULL)
        memory_free(left);
    map_free(state);
}

void
witness_moved(struct witness *witness, struct slice head_name, struct slice found, struct slice bytes)
{
    struct sim *sim = witness->sim;
    const char *prefix = sim->ground->configs[0]->prefix;
    struct snapshot_head head, was;

    if (scoring_moved(sim, head_name, bytes))
        return;
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        struct buffer name = {0};
        bool is_it;

        snapshot_name_head(&name, prefix, p);
        is_it = slice_equal(buffer_slice(&name), head_name);
        buffer_free(&name);
        if (!is_it)
            continue;
        if (snapshot_head_read(bytes, &head) != 0)
            sim_fail(sim, "task %d moved its head to what is none", (int)p);
        if (head.epoch > witness->epoch[p] || !hash128_equal(head.lineage, witness->lineage[p]) ||
            !hash128_equal(head.writer, witness_frozen_at(witness, p, head.epoch)->writer))
            sim_fail(sim, "Redis is newer than Kafka: head of task %d at epoch %llu, Kafka at %llu", (int)p,
                     (unsigned long long)head.epoch, (unsigned long long)witness->epoch[p]);
        if (snapshot_head_read(found, &was) == 0) {
            if (hash128_equal(was.lineage, head.lineage) && was.epoch > head.epoch)
                sim_fail(sim, "the head of task %d was moved back from epoch %llu to %llu", (int)p,
                         (unsigned long long)was.epoch, (unsigned long long)head.epoch);
            snapshot_head_done(&was);
        }
        witness_restorable(witness, p, &head, prefix);
        snapshot_head_done(&head);
        return;
    }
    sim_fail(sim, "a head of nobody was moved");
}

/* ---- behind ---- */

void
witness_frozen_clock(struct witness *witness, int32_t partition, int64_t from_ms, int64_t until_ms)
{
    if (witness->frozen_clocks_count < SIM_FROZEN_MAX)
        witness->frozen_clocks[witness->frozen_clocks_count++] =
            (struct witness_behind){partition, from_ms, until_ms};
}

/* What an interval's end led to is in an epoch that may never have happened: then it has not ended. */
static void
witness_settle(struct witness *witness, int32_t partition)
{
    struct witness_ending *ending = &witness->endings[partition];
    const struct witness_frozen *frozen;

    if (ending->epoch == 0)
        return;
    frozen = witness_frozen_at(witness, partition, ending->epoch);
    if (witness->epoch[partition] >= ending->epoch && hash128_equal(frozen->writer, ending->writer) &&
        frozen->t_ms >= ending->until_ms) {
        if (witness->behinds_count == SIM_BEHINDS_MAX)
            sim_fail(witness->sim, "behind too often");
        witness->behinds[witness->behinds_count++] =
            (struct witness_behind){partition, ending->from_ms, ending->until_ms};
    } else if (ending->from_ms < witness->open_from_ms[partition])
        witness->open_from_ms[partition] = ending->from_ms;
    ending->epoch = 0;
}

void
witness_behind(struct witness *witness, const struct task *task, int64_t from_ms, int64_t until_ms)
{
    int32_t partition = task->partition;
    int64_t *open_from_ms = &witness->open_from_ms[partition];

    witness_settle(witness, partition);
    if (until_ms != INT64_MAX)
        sim_tell(witness->sim, "task %d: behind from +%lld until +%lld, in epoch %llu", (int)partition,
                 (long long)(from_ms - SIM_START_MS), (long long)(until_ms - SIM_START_MS),
                 (unsigned long long)task->epoch + 1);
    else
        sim_tell(witness->sim, "task %d: behind from +%lld when it died", (int)partition,
                 (long long)(from_ms - SIM_START_MS));
    if (from_ms < *open_from_ms)
        *open_from_ms = from_ms;
    if (until_ms == INT64_MAX)
        return;
    witness->endings[partition] =
        (struct witness_ending){*open_from_ms, until_ms, task->epoch + 1, task->world->writer};
    *open_from_ms = INT64_MAX;
}

void
witness_end(struct witness *witness, int32_t partition)
{
    witness_settle(witness, partition);
    if (witness->open_from_ms[partition] != INT64_MAX)
        witness->behinds[witness->behinds_count++] =
            (struct witness_behind){partition, witness->open_from_ms[partition], INT64_MAX};
}

void
witness_gone(struct witness *witness, const struct task *task)
{
    witness_settle(witness, task->partition);
}
