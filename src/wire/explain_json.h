#ifndef SLAD_WIRE_EXPLAIN_JSON_H
#define SLAD_WIRE_EXPLAIN_JSON_H

/*
 * An explanation as JSON (docs/explain.md, docs/openapi.yaml): one object a call, without a line's end,
 * appended to out. slactl explain --json prints them as lines with "record", the API as members.
 */
#include "base/buffer.h"
#include "slad/explain.h"

/* The clock line of replay, and whose days and zone it goes by. record: the first member; NULL: none. */
void explain_json_clock(struct buffer *out, const char *record, const struct explain_clock *clock);
/* name: "record":"stretch" and whose it is come first; NULL: neither. */
void explain_json_stretch(struct buffer *out, const struct clock_name *name,
                          const struct explain_stretch *stretch);
void explain_json_sum(struct buffer *out, const struct clock_name *name, size_t stretches_count,
                      int64_t counted_ms, int64_t projected_ms);
void explain_json_stage(struct buffer *out, const struct explain_stage *stage);
/* name: as for a stretch, "record":"foresight". */
void explain_json_risk(struct buffer *out, const struct clock_name *name, const struct explain_risk *risk);

/* ["provider","supplier"]: in the order of enum party. */
void explain_json_parties(struct buffer *out, uint8_t parties);
/* "1f3a9c07": the beginning of the zone file's SHA-256, which sha256sum shows too. */
void explain_json_append_zone(struct buffer *out, struct slice file);

#endif
