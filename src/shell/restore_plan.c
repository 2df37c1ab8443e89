/*
 * What a loader decides.
 *
 * What: a marker and the committed offsets become a verdict; a verdict that stays bad becomes a held task.
 *
 * Why so: these few comparisons are what stands between a crash and a doubled page; without I/O they can be
 * tried in every order of events.
 *
 * Always true: nothing is loaded that marker and committed offsets do not agree on; nothing is held before
 * every transaction that may have been open has been settled.
 *
 * Not here: reading (restore.c), snapshots (snapshot_plan.c).
 */
#include "shell/restore_plan.h"
#include "base/panic.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum restore_verdict
restore_plan_judge(const struct restore_found *found, const char **ret_reason)
{
    const struct marker *marker = &found->marker;
    const char *reason = NULL;

    if (!found->has_marker) {
        if (found->embedded ||
            (found->committed[0] == MARKER_NO_OFFSET && found->committed[1] == MARKER_NO_OFFSET))
            return RESTORE_IS_NEW;
        reason = "offsets are committed but slad.state has no marker";
    } else if (marker->partitions_count != found->partitions_count)
        reason = "the number of partitions is not the one the state was written for";
    else if (!slice_is(marker->group, found->group))
        reason = "the state was written for another group";
    else if (!found->embedded && found->committed[0] != marker->offsets[0])
        reason = found->committed[0] == MARKER_NO_OFFSET
                     ? "there is a marker but no committed offset of tickets"
                     : "the committed offset of tickets is not the marker's";
    else if (!found->embedded && found->committed[1] != MARKER_NO_OFFSET &&
             found->committed[1] != marker->offsets[1])
        reason = "the committed offset of relay is not the marker's";
    else if (!found->embedded && found->committed_epoch != 0 && found->committed_epoch != marker->epoch)
        reason = "the committed offsets are of another epoch than the marker";
    else
        return RESTORE_IS_SOUND;
    *ret_reason = reason;
    return RESTORE_IS_AMISS;
}

static const char restore_note_begins[] = "epoch=";

void
restore_plan_note(uint64_t epoch, char out[RESTORE_NOTE_BYTES])
{
    (void)snprintf(out, RESTORE_NOTE_BYTES, "%s%" PRIu64, restore_note_begins, epoch);
}

void
restore_plan_read_note(struct slice note, uint64_t *epoch)
{
    size_t begins_bytes = sizeof restore_note_begins - 1;
    uint64_t read = 0;

    if (note.bytes <= begins_bytes || note.bytes >= RESTORE_NOTE_BYTES ||
        memcmp(note.at, restore_note_begins, begins_bytes) != 0)
        return;
    for (size_t i = begins_bytes; i < note.bytes; i++) {
        if (note.at[i] < '0' || note.at[i] > '9')
            return;
        read = read * 10 + (uint64_t)(note.at[i] - '0');
    }
    if (read > *epoch)
        *epoch = read;
}

bool
restore_plan_is_whole(const struct marker *found, const struct marker *last)
{
    return last != NULL && marker_is(last, found);
}

void
restore_plan_decide(const struct control *control, int64_t control_offset, int32_t partitions_count,
                    bool *has_marker, struct marker *marker)
{
    marker->offsets[0] = control->offsets[0];
    marker->offsets[1] = control->offsets[1];
    marker->partitions_count = partitions_count;
    if (control->verb == CONTROL_FRESH) {
        *has_marker = false;
        marker->begins_offset = control_offset;
    }
}

bool
restore_plan_gives_up(struct restore_patience *patience, bool amiss, int64_t now_mono_ms)
{
    if (amiss && !patience->amiss)
        patience->amiss_since_mono_ms = now_mono_ms;
    patience->amiss = amiss;
    return amiss && now_mono_ms - patience->amiss_since_mono_ms >= patience->patience_ms;
}

bool
restore_plan_may_decide(const struct restore_found *found, struct restore_patience *patience,
                        int64_t now_mono_ms)
{
    uint64_t epoch = found->has_marker ? found->marker.epoch : 0;

    return found->committed_epoch == 0 || found->committed_epoch == epoch ||
           restore_plan_gives_up(patience, true, now_mono_ms);
}

/* ---- chunks ---- */

void
restore_plan_add(struct buffer *chunk, struct slice key, struct slice value)
{
    buffer_append_varint_slice(chunk, key);
    buffer_append_varint(chunk, value.at != NULL ? 1 : 0);
    if (value.at == NULL)
        value.bytes = 0;
    buffer_append_varint_slice(chunk, value);
}

bool
restore_plan_take(struct slice *rest, struct slice *ret_key, struct slice *ret_value)
{
    uint64_t has_value;

    if (rest->bytes == 0)
        return false;
    must(varint_get_slice(rest, ret_key) == 0 && varint_get(rest, &has_value) == 0 &&
         varint_get_slice(rest, ret_value) == 0);
    if (has_value == 0)
        ret_value->at = NULL;
    return true;
}
