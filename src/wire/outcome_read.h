#ifndef SLAD_WIRE_OUTCOME_READ_H
#define SLAD_WIRE_OUTCOME_READ_H

/*
 * Outcomes read back (the score task, report, audit): what effect_print_verdict, _ticket, _answer and
 * _due_changed have written becomes the same struct again. Strict in types, words and required fields; keys
 * that nobody knows are passed over, so a record of a later version, or a line of slactl replay with its
 * "record", can be read.
 */
#include "slad/foresight.h"
#include "slad/scores.h"
#include "wire/json.h"

enum outcome_kind {
    OUTCOME_VERDICT,
    OUTCOME_TICKET,
    OUTCOME_ANSWER,
    OUTCOME_DUE_CHANGED,
    OUTCOME_CONTRACT, /* but for its evidence */
    OUTCOME_RISK_SAMPLE,
    OUTCOME_OTHER     /* a type that a later version writes */
};

struct outcome {
    enum outcome_kind kind;
    struct slice type; /* as it stands there */
    const struct cJSON
        *object; /* the whole record, for types read elsewhere; numbers by outcome_reader_json */
    union {
        struct verdict_outcome verdict;
        struct ticket_outcome ticket;
        struct answer_outcome answer;
        struct due_changed_outcome due_changed;
        struct contract_outcome contract;
        struct risk_sample risk_sample;
    };
};

struct outcome_reader;

struct outcome_reader *outcome_reader_new(void);
void outcome_reader_free(struct outcome_reader *reader);

/* ERROR_NONE: *ret_outcome is filled; its slices live until the next outcome_read or outcome_reader_free.
 * Else the codes of json_read, or wrong_type, missing_field, bad_time, number_out_of_range; detail says what
 * and where, *ret_outcome is undefined. */
enum error_code outcome_read(struct outcome_reader *reader, struct slice value, struct outcome *ret_outcome,
                             char detail[JSON_DETAIL_BYTES]);
const struct json *outcome_reader_json(const struct outcome_reader *reader);

#endif
