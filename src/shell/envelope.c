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

#define LITERAL(text)                                                                                        \
    (struct slice)                                                                                           \
    {                                                                                                        \
        text, sizeof text - 1                                                                                \
    }

enum { HEADERS = 6, LITERALS_BYTES = 128 };

void
envelope_add(struct batch *batch, const struct world *world, const char *type, struct slice id, int64_t at_ms)
{
    struct slice type_text = slice_of(type), source = slice_of(world->source);
    char time[INSTANT_TEXT_BYTES];
    char *at = batch_reserve_headers(batch, LITERALS_BYTES + type_text.bytes + source.bytes + id.bytes +
                                                (size_t)HEADERS * BATCH_HEADER_BYTES_MAX);

    instant_format(at_ms, time);
    at = batch_put_header(at, LITERAL("ce_specversion"), LITERAL("1.0"));
    at = batch_put_header(at, LITERAL("ce_type"), type_text);
    at = batch_put_header(at, LITERAL("ce_source"), source);
    at = batch_put_header(at, LITERAL("ce_id"), id);
    at = batch_put_header(at, LITERAL("ce_time"), (struct slice){time, INSTANT_TEXT_BYTES - 1});
    at = batch_put_header(at, LITERAL("content-type"), LITERAL("application/json"));
    batch_took_headers(batch, at);
}
