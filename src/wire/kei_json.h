#ifndef SLAD_WIRE_KEI_JSON_H
#define SLAD_WIRE_KEI_JSON_H

/*
 * Key experience indicators as bytes, on slad.scores: one compact JSON object, appended to out. Shares are
 * fractions of 1, lengths whole milliseconds. Without enough behind it there is no value, no met and no
 * trend.
 */
#include "base/buffer.h"
#include "slad/scores.h"

void kei_json_print(struct buffer *out, const struct score_kei *kei);
void kei_json_key(struct buffer *out, const struct score_kei *kei); /* kei/NAME */
void kei_json_id(struct buffer *out, const struct score_kei *kei);  /* KEY/INSTANT (ms) */

#endif
