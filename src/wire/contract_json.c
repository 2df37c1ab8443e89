/*
 * What: what is said of contracts, as JSON, and their keys: PXA, watermelons, credits, and the outcomes that
 * carry them as evidence.
 *
 * Why this way: the evidence of an outcome and the present value on slad.scores are one body, printed by one
 * function; whoever audits a decision compares bytes.
 *
 * Always true: the same struct gives the same bytes; what comes before `evidence` can be read back; arrival
 * is last.
 *
 * Not here: what the figures mean (core/score_pxa.c, score_watermelons.c, score_credits.c).
 */
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/print.h"
#include "wire/record.h"
#include "wire/score_json.h"
#include "wire/score_parts.h"
#include <stdio.h>

/* The order of R26. */
static const enum party parties[PARTIES_COUNT] = {PARTY_PROVIDER, PARTY_SUPPLIER, PARTY_CUSTOMER,
                                                  PARTY_CUSTOMER_SUPPLIER, PARTY_NOBODY};

static double
share_of_bp(int share_bp)
{
    return (double)share_bp / 10000.0;
}

/* ---- figures with their targets ---- */

/* The interval only when there is a value. */
static void
print_px(struct buffer *out, const struct score_px *px, const char *target, int target_bp)
{
    score_parts_open(out, "px");
    if (px->present) {
        score_parts_px(out, px);
    } else {
        score_parts_count(out, "positive", px->positive);
        score_parts_count(out, "neutral", px->neutral);
        score_parts_count(out, "negative", px->negative);
        score_parts_count(out, "n", px->n);
    }
    score_parts_share(out, target, share_of_bp(target_bp));
    score_parts_close(out);
}

static void
print_nps(struct buffer *out, const struct score_nps *nps, int target)
{
    score_parts_open(out, "nps");
    score_parts_nps(out, nps);
    score_parts_count(out, "target", target);
    score_parts_close(out);
}

/* {value, met, n}, and the target unless it is 0. */
static void
print_attainment(struct buffer *out, const char *key, const struct score_rate *rate, int target_bp)
{
    score_parts_open(out, key);
    if (rate->present)
        score_parts_share(out, "value", rate->value);
    score_parts_count(out, "met", rate->hits);
    score_parts_count(out, "n", rate->n);
    if (target_bp > 0)
        score_parts_share(out, "target", share_of_bp(target_bp));
    score_parts_close(out);
}

/* ---- experience agreements ---- */

static void
print_pxa_figures(struct buffer *out, const struct score_pxa *pxa)
{
    score_parts_instant(out, "after", pxa->after_ms);
    print_px(out, &pxa->px, "threshold", pxa->threshold_bp);
    score_parts_count(out, "people", pxa->people);
    score_parts_count(out, "min_answers", pxa->min_answers);
    if (pxa->px.present)
        score_parts_text(out, "confidence", slice_of(pxa->proven ? "proven" : "unproven"));
}

void
contract_json_print_pxa(struct buffer *out, const struct score_pxa *pxa)
{
    buffer_append_byte(out, '{');
    score_parts_text(out, "type", slice_of("pxa"));
    score_parts_text(out, "contract", pxa->contract);
    score_parts_text(out, "state", slice_of(pxa_state_text(pxa->state)));
    score_parts_instant(out, "since", pxa->since_ms);
    score_parts_instant(out, "plan_until", pxa->plan_until_ms);
    score_parts_instant(out, "at", pxa->at_ms);
    print_pxa_figures(out, pxa);
    buffer_append_byte(out, '}');
}

static void
print_answers(struct buffer *out, const struct contract_outcome *outcome)
{
    print_key(out, "answers");
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < outcome->answers_count; i++) {
        const struct contract_answer *answer = &outcome->answers[i];

        print_comma(out);
        buffer_append_byte(out, '{');
        score_parts_text(out, "survey", answer->survey);
        score_parts_text(out, "feedback", answer->feedback);
        score_parts_text(out, "ticket", answer->ticket);
        score_parts_text(out, "class", slice_of(record_class_text(answer->answer_class)));
        score_parts_instant(out, "answered_at", answer->at_ms);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
    score_parts_count(out, "answers_omitted", (int64_t)outcome->answers_omitted);
}

/* ---- watermelons ---- */

static void
print_aspects(struct buffer *out, const char *key, const struct score_share *shares, size_t count)
{
    print_key(out, key);
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        print_comma(out);
        buffer_append_byte(out, '{');
        score_parts_text(out, "aspect", shares[i].name);
        score_parts_count(out, "n", shares[i].n);
        score_parts_share(out, "share", shares[i].value);
        buffer_append_byte(out, '}');
    }
    buffer_append_byte(out, ']');
}

static void
print_lost(struct buffer *out, const int64_t *wall_ms)
{
    int64_t total_ms = 0;

    for (int i = 0; i < PARTIES_COUNT; i++)
        total_ms += wall_ms[i];
    if (total_ms == 0)
        return;
    score_parts_open(out, "lost_by_party");
    for (int i = 0; i < PARTIES_COUNT; i++)
        score_parts_share(out, party_text(parties[i]), (double)wall_ms[parties[i]] / (double)total_ms);
    score_parts_close(out);
}

static void
print_watermelon_figures(struct buffer *out, const struct score_watermelon *watermelon)
{
    print_attainment(out, "attainment", &watermelon->attainment, watermelon->attainment_target_bp);
    if (watermelon->has_px_target)
        print_px(out, &watermelon->px, "target", watermelon->px_target_bp);
    if (watermelon->has_nps_target)
        print_nps(out, &watermelon->nps, watermelon->nps_target);
    print_aspects(out, "negative_aspects", watermelon->negative, watermelon->negative_count);
    print_aspects(out, "positive_aspects", watermelon->positive, watermelon->positive_count);
    print_lost(out, watermelon->wall_ms);
}

void
contract_json_print_watermelon(struct buffer *out, const struct score_watermelon *watermelon)
{
    buffer_append_byte(out, '{');
    score_parts_text(out, "type", slice_of("watermelon"));
    score_parts_text(out, "contract", watermelon->contract);
    score_parts_scope(out, &watermelon->scope);
    score_parts_text(out, "window", watermelon->window);
    score_parts_text(out, "state",
                     slice_of(contract_state_text(watermelon->ripe ? CONTRACT_RIPE : CONTRACT_CLEAR)));
    score_parts_instant(out, "since", watermelon->since_ms);
    score_parts_instant(out, "at", watermelon->at_ms);
    print_watermelon_figures(out, watermelon);
    buffer_append_byte(out, '}');
}

/* ---- credits ---- */

static void
print_line(struct buffer *out, const struct score_credit_line *line)
{
    struct buffer clock = {0};

    buffer_append_text(&clock, clock_kind_text(line->line->kind));
    buffer_append_byte(&clock, '/');
    buffer_append_slice(&clock, line->clock);
    buffer_append_byte(out, '{');
    score_parts_text(out, "clock", buffer_slice(&clock));
    score_parts_text(out, "view", slice_of(line->line->honest ? "honest" : "contract"));
    score_parts_boolean(out, "bonus", line->line->bonus);
    score_parts_share(out, "target", share_of_bp(line->line->target_bp));
    score_parts_share(out, "allocation", share_of_bp(line->line->allocation_bp));
    score_parts_share(out, "share", share_of_bp(line->line->share_bp));
    print_attainment(out, "contract", &line->contract, 0);
    print_attainment(out, "honest", &line->honest, 0);
    score_parts_boolean(out, "due", line->due);
    score_parts_count(out, "amount_minor", line->amount_minor);
    buffer_append_byte(out, '}');
    buffer_free(&clock);
}

static void
print_credit_figures(struct buffer *out, const struct score_credit *credit)
{
    score_parts_text(out, "currency", credit->currency);
    score_parts_count(out, "monthly_fee_minor", credit->monthly_fee_minor);
    score_parts_count(out, "at_risk_minor", credit->at_risk_minor);
    print_key(out, "lines");
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < credit->lines_count; i++) {
        print_comma(out);
        print_line(out, &credit->lines[i]);
    }
    buffer_append_byte(out, ']');
    score_parts_count(out, "credit_minor", credit->credit_minor);
    score_parts_count(out, "bonus_minor", credit->bonus_minor);
}

void
contract_json_print_credit(struct buffer *out, const struct score_credit *credit)
{
    buffer_append_byte(out, '{');
    score_parts_text(out, "type", slice_of("credit"));
    score_parts_text(out, "contract", credit->contract);
    score_parts_text(out, "month", slice_of(credit->month));
    score_parts_instant(out, "at", credit->at_ms);
    print_credit_figures(out, credit);
    buffer_append_byte(out, '}');
}

/* ---- attainment ---- */

void
contract_json_print_attainment(struct buffer *out, const struct score_attainment *attainment)
{
    buffer_append_byte(out, '{');
    score_parts_text(out, "type", slice_of("attainment"));
    score_parts_text(out, "contract", attainment->contract);
    score_parts_text(out, "month", slice_of(attainment->month));
    score_parts_instant(out, "at", attainment->at_ms);
    score_parts_instant(out, "after", attainment->after_ms);
    if (attainment->target_bp > 0)
        score_parts_share(out, "target", share_of_bp(attainment->target_bp));
    score_json_attainment(out, attainment->figures);
    buffer_append_byte(out, '}');
}

/* ---- outcomes ---- */

static void
print_scope(struct buffer *out, const void *record)
{
    const struct contract_outcome *outcome = record;

    buffer_append_byte(out, '{');
    for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        if ((outcome->scope.dimensions & 1U << i) != 0)
            score_parts_text(out, score_parts_dimension(i), outcome->scope.values[i]);
    buffer_append_byte(out, '}');
}

static void
print_evidence(struct buffer *out, const void *record)
{
    const struct contract_outcome *outcome = record;

    buffer_append_byte(out, '{');
    if (outcome->pxa != NULL) {
        print_pxa_figures(out, outcome->pxa);
        score_parts_count(out, "tickets", outcome->pxa->tickets);
        if (outcome->moved)
            print_answers(out, outcome);
    }
    if (outcome->watermelon != NULL)
        print_watermelon_figures(out, outcome->watermelon);
    if (outcome->credit != NULL)
        print_credit_figures(out, outcome->credit);
    buffer_append_byte(out, '}');
}

#define FIELD(key, kind, member)                                                                             \
    {                                                                                                        \
        RECORD_KEY(key), kind, offsetof(struct contract_outcome, member), RECORD_ALWAYS, RECORD_WORDS_KIND,  \
            NULL, NULL, NULL                                                                                 \
    }
#define WHEN(key, kind, words, member, condition)                                                            \
    {                                                                                                        \
        RECORD_KEY(key), kind, offsetof(struct contract_outcome, member),                                    \
            offsetof(struct contract_outcome, condition), words, NULL, NULL, NULL                            \
    }
#define PRINTED(key, condition, function)                                                                    \
    {                                                                                                        \
        RECORD_KEY(key), RECORD_PRINTED, 0, condition, RECORD_WORDS_KIND, NULL, NULL, function               \
    }

static const struct record_field arrival_rows[] = {
    FIELD("detected_at", RECORD_INSTANT, arrival.detected_at_ms),
    FIELD("revision", RECORD_COUNT, arrival.revision),
    FIELD("event", RECORD_TEXT_IF_THERE, event),
    FIELD("event_source", RECORD_TEXT_IF_THERE, event_source),
};
static const struct record_table arrival_table = {arrival_rows, sizeof arrival_rows / sizeof arrival_rows[0]};

static const struct record_field rows[] = {
    {RECORD_KEY("type"), RECORD_TYPE, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, NULL, "contract", NULL},
    FIELD("contract", RECORD_TEXT, contract),
    {RECORD_KEY("subject"), RECORD_WORD, offsetof(struct contract_outcome, subject), RECORD_ALWAYS,
     RECORD_WORDS_CONTRACT_SUBJECT, NULL, NULL, NULL},
    FIELD("decided_at", RECORD_INSTANT, decided_at_ms),
    WHEN("from", RECORD_WORD, RECORD_WORDS_CONTRACT_STATE, from, has_states),
    WHEN("to", RECORD_WORD, RECORD_WORDS_CONTRACT_STATE, to, has_states),
    WHEN("moved", RECORD_BOOL, RECORD_WORDS_KIND, moved, has_states),
    WHEN("since", RECORD_INSTANT, RECORD_WORDS_KIND, since_ms, has_states),
    WHEN("plan_until", RECORD_INSTANT, RECORD_WORDS_KIND, plan_until_ms, has_plan),
    PRINTED("scope", offsetof(struct contract_outcome, has_scope), print_scope),
    WHEN("window", RECORD_TEXT, RECORD_WORDS_KIND, window, has_scope),
    FIELD("month", RECORD_TEXT_IF_THERE, month),
    FIELD("by", RECORD_TEXT_IF_THERE, by),
    FIELD("reason", RECORD_TEXT_IF_THERE, reason),
    PRINTED("evidence", RECORD_ALWAYS, print_evidence),
    FIELD("offset", RECORD_LENGTH, offset),
    FIELD("policy", RECORD_TEXT, policy),
    {RECORD_KEY("arrival"), RECORD_OBJECT, 0, RECORD_ALWAYS, RECORD_WORDS_KIND, &arrival_table, NULL, NULL},
};
static const struct record_table table = {rows, sizeof rows / sizeof rows[0]};

void
contract_json_print(struct buffer *out, const struct contract_outcome *outcome)
{
    record_print(out, &table, outcome);
}

/* ---- reading ---- */

static int
dimension_of(struct slice key)
{
    int dimension = 0;

    while (dimension < SCORE_DIMENSIONS_COUNT && !slice_is(key, score_parts_dimension((unsigned)dimension)))
        dimension++;
    return dimension;
}

static enum error_code
read_scope(const struct json *json, const struct cJSON *value, struct contract_outcome *outcome,
           char detail[JSON_DETAIL_BYTES])
{
    const struct cJSON *member = json_is_object(value) ? value->child : value;

    for (; member != NULL; member = member->next) {
        int dimension =
            json_is_text(member) && member != value ? dimension_of(json_key(member)) : SCORE_DIMENSIONS_COUNT;

        if (dimension == SCORE_DIMENSIONS_COUNT) {
            (void)snprintf(detail, JSON_DETAIL_BYTES,
                           "scope: expected dimensions and their values, found %s at byte %zu",
                           json_kind_text(member), json_offset(json, member));
            return ERROR_WRONG_TYPE;
        }
        outcome->scope.dimensions |= 1U << dimension;
        outcome->scope.values[dimension] = json_text(member);
    }
    return ERROR_NONE;
}

enum error_code
contract_json_read(const struct json *json, const struct cJSON *object, struct contract_outcome *outcome,
                   char detail[JSON_DETAIL_BYTES])
{
    enum error_code error = record_read(json, &table, object, outcome, NULL, detail);

    for (const struct cJSON *member = object->child; error == ERROR_NONE && member != NULL;
         member = member->next)
        if (slice_is(json_key(member), "scope"))
            error = read_scope(json, member, outcome, detail);
    return error;
}

/* ---- keys ---- */

static void
append_segments(struct buffer *out, const char *first, struct slice contract)
{
    buffer_append_text(out, first);
    effect_print_segment(out, contract);
}

static void
append_number(struct buffer *out, int64_t number)
{
    buffer_append_byte(out, '/');
    buffer_append_int64(out, number);
}

void
contract_json_key(struct buffer *out, const struct contract_outcome *outcome)
{
    append_segments(out, "contract/", outcome->contract);
    buffer_append_byte(out, '/');
    buffer_append_text(out, contract_subject_text(outcome->subject));
    if (outcome->subject == CONTRACT_WATERMELON) {
        buffer_append_byte(out, '/');
        score_parts_scope_key(out, &outcome->scope);
    } else if (outcome->subject == CONTRACT_CREDIT) {
        append_segments(out, "/", outcome->month);
    }
}

void
contract_json_id(struct buffer *out, const struct contract_outcome *outcome)
{
    contract_json_key(out, outcome);
    append_number(out, outcome->arrival.revision);
}

void
contract_json_pxa_key(struct buffer *out, const struct score_pxa *pxa)
{
    append_segments(out, "pxa/", pxa->contract);
}

void
contract_json_pxa_id(struct buffer *out, const struct score_pxa *pxa)
{
    contract_json_pxa_key(out, pxa);
    append_number(out, pxa->at_ms);
}

void
contract_json_watermelon_key(struct buffer *out, const struct score_watermelon *watermelon)
{
    append_segments(out, "watermelon/", watermelon->contract);
    buffer_append_byte(out, '/');
    score_parts_scope_key(out, &watermelon->scope);
}

void
contract_json_watermelon_id(struct buffer *out, const struct score_watermelon *watermelon)
{
    contract_json_watermelon_key(out, watermelon);
    append_number(out, watermelon->at_ms);
}

void
contract_json_credit_key(struct buffer *out, const struct score_credit *credit)
{
    append_segments(out, "credit/", credit->contract);
}

void
contract_json_credit_id(struct buffer *out, const struct score_credit *credit)
{
    contract_json_credit_key(out, credit);
    append_number(out, credit->at_ms);
}

void
contract_json_attainment_key(struct buffer *out, const struct score_attainment *attainment)
{
    append_segments(out, "attainment/", attainment->contract);
}

void
contract_json_attainment_id(struct buffer *out, const struct score_attainment *attainment)
{
    contract_json_attainment_key(out, attainment);
    append_number(out, attainment->at_ms);
}
