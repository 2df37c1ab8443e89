/*
 * What: outcomes from bytes to structs.
 *
 * Why this way: slad.outcomes is the truth that every score and report is folded from, by us and by others;
 * whoever folds it reads what is written there and nothing else. The rows are the printer's own (effect.c).
 *
 * Always true: print, read, print gives the same bytes.
 *
 * Not here: the evidence of contract outcomes, scores, alerts.
 */
#include "wire/outcome_read.h"
#include "base/memory.h"
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/risk_json.h"
#include <stdio.h>

struct outcome_reader {
    struct json *json;
    struct feedback_aspect aspects[EVENT_ASPECTS_MAX];
};

struct outcome_reader *
outcome_reader_new(void)
{
    struct outcome_reader *reader = memory_allocate_zeroed(1, sizeof *reader);

    reader->json = json_new();
    return reader;
}

void
outcome_reader_free(struct outcome_reader *reader)
{
    if (reader == NULL)
        return;
    json_free(reader->json);
    memory_free(reader);
}

const struct json *
outcome_reader_json(const struct outcome_reader *reader)
{
    return reader->json;
}

static enum error_code
read_type(const struct cJSON *object, struct slice *ret_type, char detail[JSON_DETAIL_BYTES])
{
    const struct cJSON *member = object->child;

    while (member != NULL && !slice_is(json_key(member), "type"))
        member = member->next;
    if (member == NULL) {
        (void)snprintf(detail, JSON_DETAIL_BYTES, "type: required, but it is not there");
        return ERROR_MISSING_FIELD;
    }
    if (!json_is_text(member)) {
        (void)snprintf(detail, JSON_DETAIL_BYTES, "type: expected text, found %s", json_kind_text(member));
        return ERROR_WRONG_TYPE;
    }
    *ret_type = json_text(member);
    return ERROR_NONE;
}

static enum error_code
read_record(struct outcome_reader *reader, const struct record_table *table, enum outcome_kind kind,
            void *record, struct outcome *ret_outcome, char detail[JSON_DETAIL_BYTES])
{
    ret_outcome->kind = kind;
    return record_read(reader->json, table, ret_outcome->object, record, reader->aspects, detail);
}

enum error_code
outcome_read(struct outcome_reader *reader, struct slice value, struct outcome *ret_outcome,
             char detail[JSON_DETAIL_BYTES])
{
    enum error_code error;

    memset(ret_outcome, 0, sizeof *ret_outcome);
    error = json_read(reader->json, value, &ret_outcome->object, detail);
    if (error == ERROR_NONE)
        error = read_type(ret_outcome->object, &ret_outcome->type, detail);
    if (error != ERROR_NONE)
        return error;
    if (slice_is(ret_outcome->type, "verdict"))
        return read_record(reader, &effect_verdict_table, OUTCOME_VERDICT, &ret_outcome->verdict, ret_outcome,
                           detail);
    if (slice_is(ret_outcome->type, "ticket"))
        return read_record(reader, &effect_ticket_table, OUTCOME_TICKET, &ret_outcome->ticket, ret_outcome,
                           detail);
    if (slice_is(ret_outcome->type, "answer"))
        return read_record(reader, &effect_answer_table, OUTCOME_ANSWER, &ret_outcome->answer, ret_outcome,
                           detail);
    if (slice_is(ret_outcome->type, "due_changed"))
        return read_record(reader, &effect_due_changed_table, OUTCOME_DUE_CHANGED, &ret_outcome->due_changed,
                           ret_outcome, detail);
    if (slice_is(ret_outcome->type, "contract")) {
        ret_outcome->kind = OUTCOME_CONTRACT;
        return contract_json_read(reader->json, ret_outcome->object, &ret_outcome->contract, detail);
    }
    if (slice_is(ret_outcome->type, "risk_sample")) {
        ret_outcome->kind = OUTCOME_RISK_SAMPLE;
        return risk_json_read_sample(reader->json, ret_outcome->object, &ret_outcome->risk_sample, detail);
    }
    ret_outcome->kind = OUTCOME_OTHER;
    return ERROR_NONE;
}
