/*
 * A person's decision about a held task, or about the scores, as bytes.
 *
 * What: a format number and the members as varints and texts, as the marker has them.
 *
 * Why so: a decision belongs to what was seen when it was made. So it names the marker, and it travels
 * through the log that holds the state: no door has to be open, no process has to be up, and access to it is
 * access to the state itself.
 *
 * Always true: what control_write wrote, control_read gives back; anything cut, longer or of another format
 * is refused.
 *
 * Not here: who reads it and when it counts (restore.c), asking the person (slactl/task.c).
 */
#include "shell/control.h"

/* What both kinds begin with. */
struct head {
    enum control_verb verb;
    struct hash128 lineage;
    uint64_t epoch;
};

static void
head_write(const struct head *head, struct buffer *out)
{
    buffer_append_varint(out, CONTROL_FORMAT);
    buffer_append_varint(out, head->verb);
    buffer_append_varint(out, head->lineage.low);
    buffer_append_varint(out, head->lineage.high);
    buffer_append_varint(out, head->epoch);
}

static int
head_take(struct slice *bytes, struct head *ret_head)
{
    uint64_t format, verb;

    if (varint_get(bytes, &format) != 0 || format != CONTROL_FORMAT || varint_get(bytes, &verb) != 0 ||
        (verb != CONTROL_ADOPT && verb != CONTROL_FRESH) || varint_get(bytes, &ret_head->lineage.low) != 0 ||
        varint_get(bytes, &ret_head->lineage.high) != 0)
        return -1;
    ret_head->verb = (enum control_verb)verb;
    return varint_get(bytes, &ret_head->epoch);
}

static int
offset_take(struct slice *bytes, int64_t *ret_offset)
{
    return varint_get_signed(bytes, ret_offset) == 0 && *ret_offset >= MARKER_NO_OFFSET ? 0 : -1;
}

/* ---- about a task ---- */

void
control_write(const struct control *control, struct buffer *out)
{
    head_write(&(struct head){control->verb, control->lineage, control->epoch}, out);
    buffer_append_varint_signed(out, control->offsets[0]);
    buffer_append_varint_signed(out, control->offsets[1]);
    buffer_append_varint_signed(out, control->at_ms);
    buffer_append_varint_slice(out, control->by);
}

int
control_read(struct slice bytes, struct control *ret_control)
{
    struct control control = {0};
    struct head head;

    if (head_take(&bytes, &head) != 0 || offset_take(&bytes, &control.offsets[0]) != 0 ||
        offset_take(&bytes, &control.offsets[1]) != 0 || varint_get_signed(&bytes, &control.at_ms) != 0 ||
        varint_get_slice(&bytes, &control.by) != 0 || bytes.bytes != 0)
        return -1;
    control.verb = head.verb;
    control.lineage = head.lineage;
    control.epoch = head.epoch;
    *ret_control = control;
    return 0;
}

bool
control_is_of(const struct control *control, const struct marker *marker)
{
    struct marker none = {0};

    if (marker == NULL)
        marker = &none;
    return hash128_equal(control->lineage, marker->lineage) && control->epoch == marker->epoch &&
           (marker != &none || control->verb == CONTROL_FRESH);
}

/* ---- about the scores ---- */

void
control_offset_add(struct buffer *offsets, int64_t offset)
{
    buffer_append_varint(offsets, (uint64_t)offset);
}

bool
control_offset_take(struct slice *offsets, int64_t *ret_offset)
{
    uint64_t offset;

    if (offsets->bytes == 0 || varint_get(offsets, &offset) != 0 || offset > INT64_MAX)
        return false;
    *ret_offset = (int64_t)offset;
    return true;
}

void
control_scores_write(const struct control_scores *control, struct buffer *out)
{
    head_write(&(struct head){control->verb, control->lineage, control->epoch}, out);
    buffer_append_varint_signed(out, control->committed_offset);
    buffer_append_varint_signed(out, control->feedback_sum);
    buffer_append_varint_signed(out, control->at_ms);
    buffer_append_varint_slice(out, control->by);
    buffer_append_varint_slice(out, control->feedback);
}

/* Every one of them can be read. */
static bool
control_offsets_are_sound(struct slice offsets)
{
    int64_t offset;

    while (control_offset_take(&offsets, &offset))
        ;
    return offsets.bytes == 0;
}

int
control_scores_read(struct slice bytes, struct control_scores *ret_control)
{
    struct control_scores control = {0};
    struct head head;

    if (head_take(&bytes, &head) != 0 || offset_take(&bytes, &control.committed_offset) != 0 ||
        varint_get_signed(&bytes, &control.feedback_sum) != 0 ||
        varint_get_signed(&bytes, &control.at_ms) != 0 || varint_get_slice(&bytes, &control.by) != 0 ||
        varint_get_slice(&bytes, &control.feedback) != 0 || !control_offsets_are_sound(control.feedback) ||
        bytes.bytes != 0)
        return -1;
    control.verb = head.verb;
    control.lineage = head.lineage;
    control.epoch = head.epoch;
    *ret_control = control;
    return 0;
}
