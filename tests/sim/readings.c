/*
 * Outcomes that were read before.
 *
 * What: outcome_read as score_task.c calls it here. A record's bytes are read once in a run; whoever has the
 * scores next and folds slad.outcomes from its beginning is given the same struct.
 *
 * Why so: a run has ten owners of the scores, and reading the same thousands of records for each of them was
 * an eighth of it. What bytes say does not depend on who reads them.
 *
 * Always true: what is given is a copy with texts of its own. The witness (scoring_compare) reads for itself,
 * and a build with sanitizers reads everything anew: both come to the same scores.
 *
 * Not here: answers and contracts, which are few.
 */
#include "base/memory.h"
#include "base/panic.h"
#include "sim.h"
#include "wire/effect.h"
#include "wire/outcome_read.h"
#include "wire/record.h"
#include <string.h>

enum error_code sim_outcome_read(struct outcome_reader *reader, struct slice value,
                                 struct outcome *ret_outcome, char detail[JSON_DETAIL_BYTES]);

/* Of one text of bytes; its texts lie behind it. */
struct reading {
    uint64_t hash;
    size_t bytes; /* of the outcome that mean something */
    struct outcome outcome;
};

/* Walks over the texts of an outcome, twice: to count them, and to move them. */
struct readings_move {
    char *to; /* NULL: they are counted */
    size_t bytes;
    struct slice from[ATTRIBUTES_COUNT], moved[ATTRIBUTES_COUNT]; /* of the point before */
};

static struct map *readings;

static struct slice
readings_hash_of(const void *value)
{
    return (struct slice){value, sizeof(uint64_t)};
}

static void
readings_move_text(struct readings_move *move, struct slice *text)
{
    if (move->to != NULL && text->bytes > 0)
        text->at = memcpy(move->to + move->bytes, text->at, text->bytes);
    else if (move->to != NULL && text->at != NULL)
        text->at = "";
    move->bytes += text->bytes;
}

static void
readings_move_record(struct readings_move *move, const struct record_table *table, void *record)
{
    for (size_t i = 0; i < table->fields_count; i++) {
        const struct record_field *field = &table->fields[i];
        void *at = (char *)record + field->offset;

        if (field->kind == RECORD_TEXT || field->kind == RECORD_TEXT_OR_NULL ||
            field->kind == RECORD_TEXT_IF_THERE)
            readings_move_text(move, at);
        else if (field->kind == RECORD_OBJECT)
            readings_move_record(move, field->table, at);
        must(field->kind != RECORD_ASPECTS);
    }
}

/* What did not change from one point to the next is the same text. */
static void
readings_move_point(struct readings_move *move, struct risk_point *point)
{
    for (int i = 0; i < ATTRIBUTES_COUNT; i++) {
        struct slice from = point->texts[i];

        if (from.at != NULL && from.at == move->from[i].at && from.bytes == move->from[i].bytes) {
            point->texts[i] = move->moved[i];
            continue;
        }
        readings_move_text(move, &point->texts[i]);
        move->from[i] = from;
        move->moved[i] = point->texts[i];
    }
}

/* ret_bytes: how much of the struct means something. false: it is of a kind that is not kept. */
static bool
readings_move_all(struct readings_move *move, struct outcome *outcome, size_t *ret_bytes)
{
    readings_move_text(move, &outcome->type);
    outcome->object = NULL;
    switch (outcome->kind) {
    case OUTCOME_VERDICT:
        readings_move_record(move, &effect_verdict_table, &outcome->verdict);
        *ret_bytes = offsetof(struct outcome, verdict) + sizeof outcome->verdict;
        return true;
    case OUTCOME_TICKET:
        readings_move_record(move, &effect_ticket_table, &outcome->ticket);
        *ret_bytes = offsetof(struct outcome, ticket) + sizeof outcome->ticket;
        return true;
    case OUTCOME_RISK_SAMPLE:
        readings_move_text(move, &outcome->risk_sample.name.ticket);
        readings_move_text(move, &outcome->risk_sample.name.agreement);
        readings_move_text(move, &outcome->risk_sample.name.clock);
        for (size_t i = 0; i < outcome->risk_sample.points_count; i++)
            readings_move_point(move, &outcome->risk_sample.points[i]);
        *ret_bytes = sizeof *outcome;
        return true;
    default:
        return false;
    }
}

void
readings_forget(void)
{
    struct reading *reading;
    size_t cursor = 0;

    while (readings != NULL && (reading = map_each(readings, &cursor)) != NULL)
        memory_free(reading);
    map_free(readings);
    readings = NULL;
}

static void
readings_keep(uint64_t hash, const struct outcome *outcome)
{
    struct readings_move count = {0}, move = {0};
    struct outcome copy = *outcome;
    struct reading *reading;
    size_t bytes;

    if (!readings_move_all(&count, &copy, &bytes))
        return;
    reading = memory_allocate(offsetof(struct reading, outcome) + bytes + count.bytes);
    reading->hash = hash;
    reading->bytes = bytes;
    copy = *outcome;
    move.to = (char *)&reading->outcome + bytes;
    (void)readings_move_all(&move, &copy, &bytes);
    must(move.bytes == count.bytes);
    memcpy(&reading->outcome, &copy, bytes);
    if (readings == NULL)
        readings = map_new_of_hashes(readings_hash_of);
    must(map_put(readings, reading) == NULL);
}

/* Of bytes that no stranger has chosen: two lanes of multiplications, a fifth of what hash_bytes takes. */
static uint64_t
readings_hash(struct slice value)
{
    uint64_t lanes[2] = {value.bytes, ~value.bytes}, words[2];
    size_t at = 0;

    for (; at + sizeof words <= value.bytes; at += sizeof words) {
        memcpy(words, value.at + at, sizeof words);
        for (int i = 0; i < 2; i++) {
            lanes[i] = (lanes[i] ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
            lanes[i] ^= lanes[i] >> 32;
        }
    }
    return hash_bytes(lanes[0], value.at + at, value.bytes - at) ^ lanes[1] * UINT64_C(0xd6e8feb86659fd93);
}

enum error_code
sim_outcome_read(struct outcome_reader *reader, struct slice value, struct outcome *ret_outcome,
                 char detail[JSON_DETAIL_BYTES])
{
    uint64_t hash;
    const struct reading *reading;
    enum error_code error;

    if (SIM_HAS_SANITIZERS)
        return outcome_read(reader, value, ret_outcome, detail);
    hash = readings_hash(value);
    reading = readings != NULL ? map_get(readings, readings_hash_of(&hash)) : NULL;
    if (reading != NULL) {
        memcpy(ret_outcome, &reading->outcome, reading->bytes);
        return ERROR_NONE;
    }
    error = outcome_read(reader, value, ret_outcome, detail);
    if (error == ERROR_NONE)
        readings_keep(hash, ret_outcome);
    return error;
}
