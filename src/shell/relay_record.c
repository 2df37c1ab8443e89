/*
 * What one task tells the others, as bytes.
 *
 * What: a format number and the members of struct relay as varints and texts.
 *
 * Why so: written and read by slad alone, a few times a day; see marker.c.
 *
 * Always true: what was written is read back; anything cut, longer or of another format is refused whole.
 *
 * Not here: who applies it (task.c, and the engine behind it).
 */
#include "shell/relay_record.h"

void
relay_record_write(const struct relay *relay, struct buffer *out)
{
    buffer_append_varint(out, RELAY_RECORD_FORMAT);
    buffer_append_varint_slice(out, relay->from_ticket);
    buffer_append_varint_slice(out, relay->into_ticket);
    buffer_append_varint_signed(out, relay->at_ms);
    buffer_append_varint(out, relay->active ? 1 : 0);
    buffer_append_varint_signed(out, relay->started_at_ms);
    buffer_append_varint(out, relay->has_contact ? 1 : 0);
    buffer_append_varint_signed(out, relay->contact_at_ms);
}

int
relay_record_read(struct slice bytes, struct relay *ret_relay)
{
    struct relay relay = {0};
    uint64_t format, active, has_contact;

    if (varint_get(&bytes, &format) != 0 || format != RELAY_RECORD_FORMAT ||
        varint_get_slice(&bytes, &relay.from_ticket) != 0 ||
        varint_get_slice(&bytes, &relay.into_ticket) != 0 || varint_get_signed(&bytes, &relay.at_ms) != 0 ||
        varint_get(&bytes, &active) != 0 || active > 1 ||
        varint_get_signed(&bytes, &relay.started_at_ms) != 0 || varint_get(&bytes, &has_contact) != 0 ||
        has_contact > 1 || varint_get_signed(&bytes, &relay.contact_at_ms) != 0 || bytes.bytes != 0)
        return -1;
    relay.active = active != 0;
    relay.has_contact = has_contact != 0;
    *ret_relay = relay;
    return 0;
}
