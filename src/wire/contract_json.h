#ifndef SLAD_WIRE_CONTRACT_JSON_H
#define SLAD_WIRE_CONTRACT_JSON_H

/*
 * Contracts as bytes: outcomes of slad.outcomes, and present values of slad.scores. One compact JSON object a
 * record, appended to out (docs/experience.md, docs/records.md). Money is whole minor units.
 */
#include "base/buffer.h"
#include "slad/scores.h"
#include "wire/json.h"

/* Key: contract/NAME/pxa, contract/NAME/watermelon/SCOPE, contract/NAME/credit/MONTH. ce_id: KEY/revision. */
void contract_json_print(struct buffer *out, const struct contract_outcome *outcome);
void contract_json_key(struct buffer *out, const struct contract_outcome *outcome);
void contract_json_id(struct buffer *out, const struct contract_outcome *outcome);
/* Reads it back but for its evidence; the struct is all zeroes. Texts live as long as the tree. Codes as
 * record_read. */
enum error_code contract_json_read(const struct json *json, const struct cJSON *object,
                                   struct contract_outcome *outcome, char detail[JSON_DETAIL_BYTES]);

/* Keys: pxa/CONTRACT, watermelon/CONTRACT/SCOPE, credit/CONTRACT, attainment/CONTRACT. ce_id: KEY/INSTANT (ms). */
void contract_json_print_pxa(struct buffer *out, const struct score_pxa *pxa);
void contract_json_pxa_key(struct buffer *out, const struct score_pxa *pxa);
void contract_json_pxa_id(struct buffer *out, const struct score_pxa *pxa);
void contract_json_print_watermelon(struct buffer *out, const struct score_watermelon *watermelon);
void contract_json_watermelon_key(struct buffer *out, const struct score_watermelon *watermelon);
void contract_json_watermelon_id(struct buffer *out, const struct score_watermelon *watermelon);
void contract_json_print_credit(struct buffer *out, const struct score_credit *credit);
void contract_json_credit_key(struct buffer *out, const struct score_credit *credit);
void contract_json_credit_id(struct buffer *out, const struct score_credit *credit);
void contract_json_print_attainment(struct buffer *out, const struct score_attainment *attainment);
void contract_json_attainment_key(struct buffer *out, const struct score_attainment *attainment);
void contract_json_attainment_id(struct buffer *out, const struct score_attainment *attainment);

#endif
