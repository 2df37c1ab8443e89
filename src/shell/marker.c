/*
 * The epoch marker as bytes.
 *
 * What: a format number and then the members as varints and texts, in the order of the struct.
 *
 * Why so: it is written once an epoch and task and read by slad alone; what cannot be misread needs no names
 * in it. `slactl state` prints it for people.
 *
 * Always true: what marker_write wrote, marker_read gives back, and what the format before this one wrote
 * too; anything cut, longer or of another format is refused whole.
 *
 * Not here: what a difference means (restore.c).
 */
#include "shell/marker.h"
#include "shell/policy_record.h"

static void
marker_write_hash(struct buffer *out, struct hash128 hash)
{
    buffer_append_varint(out, hash.low);
    buffer_append_varint(out, hash.high);
}

void
marker_write(const struct marker *marker, struct buffer *out)
{
    buffer_append_varint(out, MARKER_FORMAT);
    marker_write_hash(out, marker->lineage);
    buffer_append_varint(out, marker->epoch);
    buffer_append_varint_signed(out, marker->t_ms);
    marker_write_hash(out, marker->writer);
    buffer_append_varint_signed(out, marker->offsets[0]);
    buffer_append_varint_signed(out, marker->offsets[1]);
    buffer_append_varint_signed(out, marker->alerts_from_ms);
    buffer_append_varint_signed(out, marker->created_at_ms);
    buffer_append_varint_signed(out, marker->begins_offset);
    buffer_append_varint(out, (uint64_t)marker->partitions_count);
    buffer_append_varint_slice(out, marker->group);
    buffer_append_varint_slice(out, marker->instance);
    buffer_append_varint_slice(out, marker->policies);
}

static int
marker_read_hash(struct slice *from, struct hash128 *ret_hash)
{
    return varint_get(from, &ret_hash->low) != 0 || varint_get(from, &ret_hash->high) != 0 ? -1 : 0;
}

int
marker_read(struct slice bytes, struct marker *ret_marker)
{
    struct marker marker = {0};
    uint64_t format, partitions;

    if (varint_get(&bytes, &format) != 0 || format < 1 || format > MARKER_FORMAT ||
        marker_read_hash(&bytes, &marker.lineage) != 0 || varint_get(&bytes, &marker.epoch) != 0 ||
        varint_get_signed(&bytes, &marker.t_ms) != 0 || marker_read_hash(&bytes, &marker.writer) != 0 ||
        varint_get_signed(&bytes, &marker.offsets[0]) != 0 ||
        varint_get_signed(&bytes, &marker.offsets[1]) != 0 ||
        varint_get_signed(&bytes, &marker.alerts_from_ms) != 0 ||
        varint_get_signed(&bytes, &marker.created_at_ms) != 0 ||
        (format >= 2 && varint_get_signed(&bytes, &marker.begins_offset) != 0) || marker.begins_offset < 0 ||
        varint_get(&bytes, &partitions) != 0 || partitions > INT32_MAX ||
        varint_get_slice(&bytes, &marker.group) != 0 || varint_get_slice(&bytes, &marker.instance) != 0 ||
        (format >= 3 && varint_get_slice(&bytes, &marker.policies) != 0) ||
        marker.policies.bytes % POLICY_ID_BYTES != 0 || bytes.bytes != 0)
        return -1;
    marker.partitions_count = (int32_t)partitions;
    *ret_marker = marker;
    return 0;
}

bool
marker_is(const struct marker *a, const struct marker *b)
{
    return hash128_equal(a->lineage, b->lineage) && a->epoch == b->epoch &&
           hash128_equal(a->writer, b->writer);
}
