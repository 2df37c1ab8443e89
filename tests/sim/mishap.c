/*
 * What befalls the topics, and the person who decides then.
 *
 * What: the group's offsets are deleted or set to somewhere else, a partition's records are deleted, a
 * partition is made anew, a partition is added; then tasks are held, and after a while somebody says adopt or
 * fresh, as slactl task does. In every run a record that no version knows lies in slad.state.
 *
 * Why so: what a person decides is what slactl would propose: the marker's offsets when they still exist,
 * else the oldest there are. What nobody can have read by then is lost, and the oracle is not told of it.
 *
 * Not here: whether a task is held (restore_plan.c, protocol.c).
 */
#include "sim.h"
#include <string.h>

enum {
    MISHAP_MS_MIN = 8000,
    MISHAP_MS_MAX = 38000,
    MISHAP_DECIDES_MS_MAX = 2500,
    MISHAP_DECIDES_AGAIN_MS = 6000
};

/* ---- what a newer version of slad keeps besides ---- */

static const char *const mishap_strange_keys[] = {"~future/a", "~"};
enum { MISHAP_STRANGE_KEYS = sizeof mishap_strange_keys / sizeof *mishap_strange_keys };

static void
mishap_write_strange(struct sim *sim)
{
    struct mishap *mishap = &sim->mishap;

    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        if (mishap->strange_written[p] || sim->now_ms < mishap->strange_ms[p])
            continue;
        mishap->strange_written[p] = true;
        for (size_t i = 0; i < MISHAP_STRANGE_KEYS; i++)
            broker_append(&sim->broker, TOPIC_STATE, p, slice_of(mishap_strange_keys[i]),
                          slice_of("\377what nobody can read"));
    }
}

void
mishap_end(struct sim *sim)
{
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
        for (size_t i = 0; i < MISHAP_STRANGE_KEYS; i++) {
            const struct broker_record *record;
            size_t count = 0;
            int64_t offset = 0;

            while ((record = broker_read(&sim->broker, TOPIC_STATE, p, &offset)) != NULL)
                if (slice_is(broker_key(record), mishap_strange_keys[i]))
                    count += record->has_value ? 1 : 1000;
            if (count != (sim->mishap.strange_written[p] ? 1 : 0))
                sim_fail(sim, "slad.state[%d]: the record %s of another version was touched", (int)p,
                         mishap_strange_keys[i]);
        }
}

/* ---- the scores' offsets ---- */

static bool
mishap_scores_are_held(const struct sim *sim)
{
    for (int i = 0; i < SIM_PROCESSES_MAX; i++)
        if (sim->processes[i].running && sim->processes[i].scoring.on &&
            sim->processes[i].scoring.task.state == SCORE_TASK_HELD)
            return true;
    return false;
}

/* What slactl task adopt scores, or fresh, writes. */
static void
mishap_decide_scores(struct sim *sim, const int64_t *offsets)
{
    struct broker *broker = &sim->broker;
    struct buffer feedback = {0}, bytes = {0};
    struct control_scores control = {.verb = chance_one_in(&sim->faults, 2) ? CONTROL_ADOPT : CONTROL_FRESH,
                                     .committed_offset = MARKER_NO_OFFSET,
                                     .at_ms = sim->now_ms,
                                     .by = slice_of("somebody")};

    for (int p = 0; p < BROKER_FEEDBACKS; p++) {
        bool committed = offsets[1 + p] >= 0;

        control.feedback_sum += committed ? offsets[1 + p] : 0;
        control_offset_add(&feedback, control.verb == CONTROL_ADOPT && committed
                                          ? offsets[1 + p]
                                          : broker_begin(broker, TOPIC_FEEDBACK, p));
    }
    control.feedback = buffer_slice(&feedback);
    control_scores_write(&control, &bytes);
    (void)broker_append(broker, TOPIC_STATE, 0, slice_of(CONTROL_SCORES_KEY), buffer_slice(&bytes));
    sim_tell(sim, "somebody says %s of the scores", control.verb == CONTROL_ADOPT ? "adopt" : "fresh");
    buffer_free(&feedback);
    buffer_free(&bytes);
}

/* The offset of slad.outcomes goes, as with a topic that was made anew; then somebody decides, or deletes the
 * others, too, and feedback is read from its beginning. */
static void
mishap_turn_scores(struct sim *sim)
{
    struct mishap *mishap = &sim->mishap;
    struct broker *broker = &sim->broker;
    int64_t offsets[1 + BROKER_FEEDBACKS];
    char note[BROKER_NOTE_BYTES];

    if (mishap->scores_ms == 0 || sim->now_ms < mishap->scores_ms || !broker_scores(broker, offsets, note))
        return;
    if (!mishap->scores_happened && !sim->calm && offsets[0] >= 0 && offsets[1] >= 0) {
        mishap->scores_happened = true;
        broker->scores_committed[0] = -1;
        broker->scores_note[0] = '\0';
        sim_tell(sim, "the offset of slad.outcomes is gone");
    }
    if (!mishap_scores_are_held(sim))
        mishap->scores_decides_ms = 0;
    else if (mishap->scores_decides_ms == 0)
        mishap->scores_decides_ms = sim->now_ms + chance_within(&sim->faults, 100, MISHAP_DECIDES_MS_MAX);
    else if (sim->now_ms >= mishap->scores_decides_ms && offsets[0] < 0) {
        sim->scoring_witness.may_begin_anew = true;
        mishap->scores_decides_ms = sim->now_ms + MISHAP_DECIDES_AGAIN_MS;
        sim->ground->decisions++;
        if (chance_one_in(&sim->faults, 3)) {
            memset(broker->scores_committed, 0xff, sizeof broker->scores_committed);
            sim_tell(sim, "somebody deletes the offsets of the scores");
        } else
            mishap_decide_scores(sim, offsets);
    }
}

/* ---- what befalls ---- */

static bool
mishap_is_wanted(const struct sim *sim)
{
    enum crash_point point = sim->fuses[0].point;

    return sim->fuses[0].is_armed && point >= CRASH_OFFSET_LOST && point <= CRASH_DECIDED;
}

void
mishap_plan(struct sim *sim)
{
    static const enum mishap_kind kinds[] = {MISHAP_OFFSETS_GONE, MISHAP_OFFSETS_RESET, MISHAP_TRIMMED,
                                             MISHAP_ANEW, MISHAP_GROWN};
    struct mishap *mishap = &sim->mishap;
    bool wanted = mishap_is_wanted(sim);

    for (int32_t p = 0; p < BROKER_PARTITIONS; p++)
        mishap->strange_ms[p] = SIM_START_MS + chance_within(&sim->chance, 0, MISHAP_MS_MAX);
    if (sim->with_scores && (chance_one_in(&sim->chance, 4) || sim->fuses[0].point == CRASH_SCORES_HELD))
        mishap->scores_ms = SIM_START_MS + chance_within(&sim->chance, MISHAP_MS_MIN, MISHAP_MS_MAX);
    if (!chance_one_in(&sim->chance, 4) && !wanted)
        return;
    mishap->kind = CHANCE_PICK(&sim->chance, kinds);
    if (wanted)
        mishap->kind = sim->fuses[0].point == CRASH_OFFSET_LOST ? MISHAP_ANEW : MISHAP_GROWN;
    mishap->partition = (int32_t)chance_below(&sim->chance, BROKER_KEYED);
    mishap->at_ms = SIM_START_MS +
                    chance_within(&sim->chance, MISHAP_MS_MIN,
                                  mishap->kind == MISHAP_GROWN && wanted ? 2 * MISHAP_MS_MIN : MISHAP_MS_MAX);
}

bool
mishap_is_possible(const struct sim *sim)
{
    return sim->mishap.happened;
}

/* Whoever stands in the partition stands behind all that its new life will bring: nobody takes one for the
 * other. */
static bool
mishap_is_far_enough(const struct sim *sim, int32_t partition)
{
    int64_t to_come = 0, least = sim->broker.committed[partition][0];

    for (size_t i = sim->load.sent; i < sim->load.count; i++)
        to_come += sim->load.events[i].partition == partition;
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        const struct process *process = &sim->processes[i];
        const struct task *task = process->running ? protocol_task(&process->protocol, partition) : NULL;

        if (task != NULL && task->state != TASK_LOADING && process->positions[partition][0] < least)
            least = process->positions[partition][0];
    }
    return least > to_come;
}

static void
mishap_happen(struct sim *sim)
{
    struct mishap *mishap = &sim->mishap;
    struct broker *broker = &sim->broker;
    int32_t p = mishap->partition;

    if (mishap->kind == MISHAP_ANEW && !mishap_is_far_enough(sim, p))
        return; /* a little later */
    if (broker->committed[p][0] <= 0)
        return; /* a task that has no position yet reads what there is */
    mishap->happened = true;
    sim_tell(sim, "mishap %d befalls partition %d", (int)mishap->kind, (int)p);
    switch (mishap->kind) {
    case MISHAP_NONE:
        break;
    case MISHAP_OFFSETS_GONE:
        memset(broker->committed[p], 0xff, sizeof broker->committed[p]);
        broker->committed_notes[p] = 0;
        break;
    case MISHAP_OFFSETS_RESET:
        broker->committed[p][0] = chance_within(&sim->faults, 0, broker->logs[TOPIC_TICKETS][p].end);
        broker->committed_notes[p] = 0;
        break;
    case MISHAP_TRIMMED:
        broker_trim(broker, TOPIC_TICKETS, p, false);
        break;
    case MISHAP_ANEW:
        mishap->life++;
        broker_trim(broker, TOPIC_TICKETS, p, true);
        break;
    case MISHAP_GROWN:
        broker_add_partition(broker);
        break;
    }
}

/* ---- the person ---- */

static bool
mishap_find_marker(const struct broker *broker, int32_t p, struct marker *ret_marker)
{
    const struct broker_log *log = &broker->logs[TOPIC_STATE][p];
    int64_t end = broker_stable_end(broker, TOPIC_STATE, p);

    for (size_t i = log->count; i-- > 0;) {
        const struct broker_record *record = &log->records[i];

        if (record->offset < end && !record->control && slice_is(broker_key(record), MARKER_KEY) &&
            (record->transaction < 0 || broker->transactions[record->transaction].state == BROKER_COMMITTED))
            return marker_read(broker_value(record), ret_marker) == 0;
    }
    return false;
}

static void
mishap_decide(struct sim *sim, int32_t p)
{
    static const enum topic topics[] = {TOPIC_TICKETS, TOPIC_RELAY};
    struct broker *broker = &sim->broker;
    struct marker marker = {0};
    bool adopts = mishap_find_marker(broker, p, &marker) && !chance_one_in(&sim->faults, 6);
    struct control control = {.verb = adopts ? CONTROL_ADOPT : CONTROL_FRESH,
                              .lineage = marker.lineage,
                              .epoch = marker.epoch,
                              .at_ms = sim->now_ms,
                              .by = slice_of("somebody")};
    struct buffer bytes = {0};
    int64_t offset;

    for (int s = 0; s < 2; s++) {
        int64_t begin = broker_begin(broker, topics[s], p), end = broker->logs[topics[s]][p].end;

        control.offsets[s] =
            adopts && marker.offsets[s] >= begin && marker.offsets[s] <= end ? marker.offsets[s] : begin;
    }
    control_write(&control, &bytes);
    offset = broker_append(broker, TOPIC_STATE, p, slice_of(CONTROL_KEY), buffer_slice(&bytes));
    buffer_free(&bytes);
    if (!adopts) {
        sim->witness.anew_offset[p] = offset;
        sim->mishap.fresh[p] = true;
    }
    sim->ground->decisions++;
    sim_tell(sim, "somebody says %s of task %d at epoch %llu, from %lld", adopts ? "adopt" : "fresh", (int)p,
             (unsigned long long)marker.epoch, (long long)control.offsets[0]);
}

static bool
mishap_is_held(const struct sim *sim, int32_t p)
{
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        const struct process *process = &sim->processes[i];
        const struct task *task = process->running ? protocol_task(&process->protocol, p) : NULL;

        if (task != NULL && task->state == TASK_HELD &&
            process->world.partitions_count == sim->broker.groups[BROKER_TICKETS].partitions_count)
            return true;
    }
    return false;
}

/* Who was started before the topic grew is started again. */
static void
mishap_restart(struct sim *sim)
{
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        struct process *process = &sim->processes[i];

        if (process->running &&
            process->world.partitions_count != sim->broker.groups[BROKER_TICKETS].partitions_count &&
            process->joined && !process->parting && sim->now_ms >= process->frozen_until_ms &&
            chance_one_in(&sim->faults, 50))
            process_stop(process);
    }
}

void
mishap_turn(struct sim *sim)
{
    struct mishap *mishap = &sim->mishap;

    mishap_write_strange(sim);
    mishap_turn_scores(sim);
    if (mishap->kind == MISHAP_NONE)
        return;
    if (!mishap->happened && !sim->calm && sim->now_ms >= mishap->at_ms)
        mishap_happen(sim);
    if (!mishap->happened)
        return;
    if (mishap->kind == MISHAP_GROWN)
        mishap_restart(sim);
    for (int32_t p = 0; p < BROKER_PARTITIONS; p++) {
        if (!mishap_is_held(sim, p))
            mishap->decides_ms[p] = 0;
        else if (mishap->decides_ms[p] == 0)
            mishap->decides_ms[p] = sim->now_ms + chance_within(&sim->faults, 100, MISHAP_DECIDES_MS_MAX);
        else if (sim->now_ms >= mishap->decides_ms[p]) {
            mishap_decide(sim, p);
            mishap->decides_ms[p] = sim->now_ms + MISHAP_DECIDES_AGAIN_MS;
        }
    }
}

/* ---- what is lost ---- */

void
mishap_note_decided(struct sim *sim, const struct task *task, int64_t from_offset)
{
    struct mishap *mishap = &sim->mishap;

    if (mishap->words_count < MISHAP_WORDS_MAX)
        mishap->words[mishap->words_count++] = (struct mishap_word){
            task->partition, task->epoch + 1, task->world->writer, from_offset, mishap->life};
}

void
mishap_epoch(struct sim *sim, int32_t partition, const struct marker *marker, int64_t before_offset)
{
    struct mishap *mishap = &sim->mishap;

    for (size_t i = 0; i < mishap->words_count; i++) {
        const struct mishap_word *word = &mishap->words[i];

        if (word->partition != partition || word->epoch != marker->epoch ||
            !hash128_equal(word->writer, marker->writer))
            continue;
        if (word->life > mishap->lives[partition] ? marker->offsets[0] >= before_offset
                                                  : marker->offsets[0] < word->from_offset)
            continue; /* what the same process had sent before it was held has happened after all */
        for (size_t k = 0; k < sim->load.sent; k++) {
            struct load_event *event = &sim->load.events[k];
            int life = mishap->lives[partition];

            if (event->partition == partition && event->life == life && event->offset >= before_offset &&
                (life < word->life || event->offset < word->from_offset))
                event->lost = true;
        }
        mishap->lives[partition] = word->life;
    }
}
