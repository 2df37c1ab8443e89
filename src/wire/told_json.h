#ifndef SLAD_WIRE_TOLD_JSON_H
#define SLAD_WIRE_TOLD_JSON_H

/*
 * A forecast with its reasons, as JSON (docs/records.md): {"model", "confidence", "finish_p50", "finish_p90",
 * "because":
 * [{"context", "values", "like", "late", "odds"}]}. At most TOLD_JSON_REASONS_MAX reasons, the weightiest
 * first. Shares and odds are decimals with three places at most.
 */
#include "base/buffer.h"
#include "slad/foresight.h"

enum { TOLD_JSON_REASONS_MAX = 3 };

void told_json_print(struct buffer *out, const struct foresight_told *told);
/* Thousandths as a decimal: 930 is 0.93. */
void told_json_permille(struct buffer *out, int64_t permille);
/* "of 49 like it (group network-l2, status Waiting) 41 were late", of the weightiest reason; nothing without
 * one. */
void told_json_sentence(struct buffer *out, const struct foresight_told *told);

#endif
