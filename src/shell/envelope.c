/*
 * The CloudEvents headers of what slad publishes.
 *
 * What: specversion, type, source, id, time and content type as record headers; the record's value is the
 * data.
 *
 * Why so: a consumer can route and deduplicate without parsing the value, and tools that speak CloudEvents
 * need nothing of slad.
 *
 * Always true: the id depends on the record alone, so a resend has the same.
 *
 * Not here: ids (wire/effect), the internal topics (they carry no envelope).
 */
#include "shell/envelope.h"
#include "base/instant.h"

void
envelope_add(struct batch *batch, const struct world *world, const char *type, struct slice id, int64_t at_ms)
{
    char time[INSTANT_TEXT_BYTES];

    instant_format(at_ms, time);
    batch_header(batch, slice_of("ce_specversion"), slice_of("1.0"));
    batch_header(batch, slice_of("ce_type"), slice_of(type));
    batch_header(batch, slice_of("ce_source"), slice_of(world->source));
    batch_header(batch, slice_of("ce_id"), id);
    batch_header(batch, slice_of("ce_time"), slice_of(time));
    batch_header(batch, slice_of("content-type"), slice_of("application/json"));
}
