#ifndef SLAD_WIRE_RISK_JSON_H
#define SLAD_WIRE_RISK_JSON_H

/*
 * Foresight as JSON: the line of `slactl replay --emit risks`, and `risk_sample` outcomes, printed and read
 * back.
 */
#include "base/buffer.h"
#include "slad/engine.h"
#include "slad/foresight.h"
#include "wire/json.h"

/* An open clock and what is said of it. */
struct risk_line {
    const struct engine_risk *risk;
    const struct foresight_told *told;
};
/* {"ticket", "kind", "clock", "cycle", "at", "elapsed_permille", "p_permille", "finish_p50", "finish_p90",
 * "model", "confidence"} */
void risk_json_print(struct buffer *out, const struct risk_line *line);

/* {"type": "risk_sample", ...}: points carry what changed since the point before; what is not there is as it
 * was, at first null and 0. */
void risk_json_print_sample(struct buffer *out, const struct risk_sample *sample);
/* object as read by json. ERROR_NONE: *ret_sample is filled, its slices live as long as the text in json.
 * Else wrong_type, missing_field, bad_time, number_out_of_range, and detail says what and where. */
enum error_code risk_json_read_sample(const struct json *json, const struct cJSON *object,
                                      struct risk_sample *ret_sample, char detail[JSON_DETAIL_BYTES]);
void risk_json_sample_key(struct buffer *out, const struct risk_sample *sample); /* TICKET/kind/clock/cycle */
void risk_json_sample_id(struct buffer *out, const struct risk_sample *sample); /* key/risk_sample/revision */

#endif
