#ifndef SLAD_WIRE_SCORE_JSON_H
#define SLAD_WIRE_SCORE_JSON_H

/*
 * Scores and detractor alerts as bytes: one compact JSON object a record, appended to out (rulings R53, R59,
 * R70; docs/experience.md says what each field means). A figure that is not present is left out; the counts
 * beside it stay. Points are printed to 4 decimals, shares and z to 6, both without trailing zeros.
 */
#include "base/buffer.h"
#include "slad/scores.h"

void score_json_print(struct buffer *out, const struct score_record *record);
/* Key on slad.scores: score/24h/customer=acme,service=network; over all: score/24h/. In values % / , = are
 * percent-encoded. */
void score_json_key(struct buffer *out, const struct score_record *record);
/* ce_id: KEY/INSTANT (ms): the same record sent again has the same one. */
void score_json_id(struct buffer *out, const struct score_record *record);

/* ,"attainment":{...} of a record: both views and the gap; nothing without a verdict. */
void score_json_attainment(struct buffer *out, const struct score_record *record);
/* An alert of kind "experience" on slad.alerts, keyed
 * TICKET-or-CUSTOMER/experience/SURVEY/FEEDBACK-ID/detractor. */
void score_json_print_detractor(struct buffer *out, const struct score_detractor *alert);
void score_json_detractor_key(struct buffer *out, const struct score_detractor *alert);
void score_json_detractor_id(struct buffer *out,
                             const struct score_detractor *alert); /* KEY/state/revision */

#endif
