/*
 * What: score records and detractor alerts as JSON, and their keys.
 *
 * Why this way: a score is mostly figures that may be absent, so it is printed by hand, figure by figure, and
 * the rule of absence stands in one place for each kind of figure.
 *
 * Always true: the same record gives the same bytes; no figure without its n; keys of two scopes or windows
 * differ.
 *
 * Not here: the other records (effect.c), what the figures mean (core/score_figures.c).
 */
#include "wire/score_json.h"
#include "wire/effect.h"
#include "wire/number.h"
#include "wire/print.h"
#include "wire/score_parts.h"

static void
print_nps(struct buffer *out, const struct score_nps *nps)
{
    if (!nps->present)
        return;
    score_parts_open(out, "nps");
    score_parts_nps(out, nps);
    score_parts_close(out);
}

static void
print_px(struct buffer *out, const struct score_px *px)
{
    if (!px->present)
        return;
    score_parts_open(out, "px");
    score_parts_px(out, px);
    score_parts_close(out);
}

static void
print_mean(struct buffer *out, const char *key, const struct score_mean *mean)
{
    if (!mean->present)
        return;
    score_parts_open(out, key);
    score_parts_points(out, "value", mean->value);
    score_parts_count(out, "n", mean->n);
    score_parts_close(out);
}

static void
print_lost_minutes(struct buffer *out, const struct score_mean *lost)
{
    if (!lost->present)
        return;
    score_parts_open(out, "lost_minutes");
    score_parts_count(out, "sum", lost->sum);
    score_parts_points(out, "mean", lost->value);
    score_parts_count(out, "n", lost->n);
    score_parts_close(out);
}

/* {value, HITS, TOTAL}: the two counts under their own names. */
static void
print_rate(struct buffer *out, const char *key, const struct score_rate *rate, const char *hits,
           const char *total)
{
    if (!rate->present)
        return;
    score_parts_open(out, key);
    score_parts_share(out, "value", rate->value);
    score_parts_count(out, hits, rate->hits);
    score_parts_count(out, total, rate->n);
    score_parts_close(out);
}

static void
print_coverage(struct buffer *out, const struct score_record *record)
{
    if (!record->coverage.present)
        return;
    score_parts_open(out, "coverage");
    score_parts_share(out, "value", record->coverage.value);
    score_parts_count(out, "offered", record->coverage.hits);
    score_parts_count(out, "solved", record->coverage.n);
    print_rate(out, "met", &record->coverage_met, "offered", "solved");
    print_rate(out, "breached", &record->coverage_breached, "offered", "solved");
    score_parts_close(out);
}

static void
print_aspect(struct buffer *out, const struct score_aspect *aspect)
{
    print_comma(out);
    print_text(out, aspect->name);
    buffer_append(out, ":{", 2);
    if (aspect->px.present) {
        score_parts_px(out, &aspect->px);
        if (aspect->mean.present)
            score_parts_points(out, "mean", aspect->mean.value);
        if (aspect->has_impact)
            score_parts_points(out, "impact", aspect->impact);
    } else {
        score_parts_count(out, "n", aspect->px.n);
    }
    score_parts_close(out);
}

static void
print_aspects(struct buffer *out, const struct score_record *record)
{
    if (record->aspects_count == 0)
        return;
    score_parts_open(out, "aspects");
    for (size_t i = 0; i < record->aspects_count; i++)
        print_aspect(out, &record->aspects[i]);
    score_parts_close(out);
}

/* R59: {met, n, value, clocks: {name: {met, n, value}}} of one view. */
static void
print_view_members(struct buffer *out, const struct score_rate *rate)
{
    score_parts_count(out, "met", rate->hits);
    score_parts_count(out, "n", rate->n);
    if (rate->present)
        score_parts_share(out, "value", rate->value);
}

static void
print_view(struct buffer *out, const char *key, const struct score_record *record, bool honest)
{
    score_parts_open(out, key);
    print_view_members(out, honest ? &record->attainment_honest : &record->attainment_contract);
    score_parts_open(out, "clocks");
    for (size_t i = 0; i < record->clocks_count; i++) {
        const struct score_rate *rate = honest ? &record->clocks[i].honest : &record->clocks[i].contract;

        if (!rate->present)
            continue;
        print_comma(out);
        print_text(out, record->clocks[i].name);
        buffer_append(out, ":{", 2);
        print_view_members(out, rate);
        score_parts_close(out);
    }
    score_parts_close(out);
    score_parts_close(out);
}

void
score_json_attainment(struct buffer *out, const struct score_record *record)
{
    if (record->clocks_count == 0)
        return;
    score_parts_open(out, "attainment");
    print_view(out, "contract", record, false);
    print_view(out, "honest", record, true);
    if (record->has_gap)
        score_parts_share(out, "gap", record->attainment_gap);
    score_parts_close(out);
}

static void
print_impact(struct buffer *out, const struct score_record *record)
{
    if (!record->has_impact_px && !record->has_impact_nps)
        return;
    score_parts_open(out, "impact");
    if (record->has_impact_px)
        score_parts_points(out, "px", record->impact_px);
    if (record->has_impact_nps)
        score_parts_points(out, "nps", record->impact_nps);
    score_parts_close(out);
}

static void
print_one_change(struct buffer *out, const char *key, const struct score_change *change, int decimals)
{
    if (!change->present)
        return;
    score_parts_open(out, key);
    print_key(out, "previous");
    number_print(out, change->previous, decimals);
    print_key(out, "difference");
    number_print(out, change->difference, decimals);
    score_parts_share(out, "z", change->z);
    score_parts_count(out, "previous_n", change->previous_n);
    score_parts_close(out);
}

static void
print_change(struct buffer *out, const struct score_record *record)
{
    if (!record->change_nps.present && !record->change_px.present)
        return;
    score_parts_open(out, "change");
    print_one_change(out, "nps", &record->change_nps, NUMBER_POINTS_DECIMALS);
    print_one_change(out, "px", &record->change_px, NUMBER_SHARE_DECIMALS);
    score_parts_close(out);
}

void
score_json_print(struct buffer *out, const struct score_record *record)
{
    buffer_append_byte(out, '{');
    print_key(out, "type");
    buffer_append_text(out, "\"score\"");
    score_parts_scope(out, &record->scope);
    print_key(out, "window");
    print_text(out, record->window);
    print_key(out, "at");
    print_instant(out, record->at_ms);
    score_parts_count(out, "n", record->n);
    score_parts_count(out, "people", record->people);
    print_key(out, "insufficient");
    print_bool(out, record->insufficient);
    print_nps(out, &record->nps);
    print_px(out, &record->px);
    print_mean(out, "csat", &record->csat);
    print_mean(out, "ces", &record->ces);
    print_lost_minutes(out, &record->lost_minutes);
    print_rate(out, "response_rate", &record->response_rate, "answered", "offered");
    print_coverage(out, record);
    print_aspects(out, record);
    score_json_attainment(out, record);
    print_impact(out, record);
    print_change(out, record);
    score_parts_close(out);
}

/* ---- keys ---- */

void
score_json_key(struct buffer *out, const struct score_record *record)
{
    buffer_append_text(out, "score/");
    buffer_append_slice(out, record->window);
    buffer_append_byte(out, '/');
    score_parts_scope_key(out, &record->scope);
}

void
score_json_id(struct buffer *out, const struct score_record *record)
{
    score_json_key(out, record);
    buffer_append_byte(out, '/');
    buffer_append_int64(out, record->at_ms);
}

/* ---- detractor alerts ---- */

void
score_json_detractor_key(struct buffer *out, const struct score_detractor *alert)
{
    effect_print_segment(out, alert->ticket.at != NULL ? alert->ticket : alert->customer);
    buffer_append_text(out, "/experience/");
    effect_print_segment(out, alert->survey);
    buffer_append_byte(out, '/');
    effect_print_segment(out, alert->feedback);
    buffer_append_text(out, "/detractor");
}

void
score_json_detractor_id(struct buffer *out, const struct score_detractor *alert)
{
    score_json_detractor_key(out, alert);
    buffer_append_byte(out, '/');
    buffer_append_text(out, alert_state_text(alert->state));
    buffer_append_byte(out, '/');
    buffer_append_int64(out, alert->arrival.revision);
}

static void
print_named_text(struct buffer *out, const char *key, struct slice text)
{
    print_key(out, key);
    print_text_or_null(out, text);
}

void
score_json_print_detractor(struct buffer *out, const struct score_detractor *alert)
{
    struct buffer key = {0};

    score_json_detractor_key(&key, alert);
    buffer_append_byte(out, '{');
    print_named_text(out, "key", buffer_slice(&key));
    print_named_text(out, "ticket", alert->ticket);
    print_named_text(out, "kind", slice_of(clock_kind_text(KIND_EXPERIENCE)));
    print_named_text(out, "survey", alert->survey);
    print_named_text(out, "feedback", alert->feedback);
    print_named_text(out, "stage", slice_of("detractor"));
    print_named_text(out, "state", slice_of(alert_state_text(alert->state)));
    if (alert->n > 0)
        score_parts_count(out, "n", alert->n);
    if (alert->by.at != NULL)
        print_named_text(out, "by", alert->by);
    print_named_text(out, "severity", slice_of(severity_text(alert->severity)));
    print_key(out, "effective_at");
    print_instant(out, alert->effective_at_ms);
    print_named_text(out, "scale", alert->scale);
    score_parts_count(out, "score", alert->score);
    for (unsigned i = 0; i < ATTRIBUTE_REQUESTER; i++)
        print_named_text(out, score_parts_dimension(i), alert->attributes[i]);
    if (alert->respondent.at != NULL)
        print_named_text(out, "respondent", alert->respondent);
    print_named_text(out, "policy", alert->policy);
    effect_print_arrival(out, &alert->arrival);
    buffer_append_byte(out, '}');
    buffer_free(&key);
}
