/*
 * What: the alert of a negative answer: it fires at once, is acknowledged, and is over when the answer is
 * changed to better (resolved) or taken back (withdrawn).
 *
 * Why this way: whether an alert stands is read off the answer and one flag beside it, after every fold of
 * it; so a rebuild from the log knows what fired without a word said again.
 *
 * Always true: the flag is set exactly while the answer is negative, not withdrawn, and alerts were asked for
 * when it came.
 *
 * Not here: its bytes (wire), repeats.
 */
#include "core/scores_state.h"

static void
describe(const struct scores *scores, const struct score_answer *answer, struct score_detractor *alert)
{
    const struct score_values *values = score_scopes_values(&scores->scopes, answer->context);
    struct symbols *symbols = scores->options.symbols;

    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        alert->attributes[i] = symbols_text(symbols, values->of[i]);
    alert->customer = alert->attributes[ATTRIBUTE_CUSTOMER];
    if (answer->ticket != 0)
        alert->ticket = score_texts_get(&scores->texts, scores_ticket_at(scores, answer->ticket)->name);
    alert->survey = symbols_text(symbols, values->of[SCORE_SURVEY]);
    alert->feedback = score_texts_get(&scores->texts, answer->id);
    alert->scale = symbols_text(symbols, scores->scales[answer->scale]);
    if (answer->person != 0)
        alert->respondent = score_texts_get(&scores->texts, scores_person_at(scores, answer->person)->name);
    alert->score = answer->score;
    alert->severity = SEVERITY_WARNING;
    alert->effective_at_ms = answer->at_ms;
    alert->policy = scores->policy->label;
    alert->arrival = (struct arrival){.detected_at_ms = scores->t_ms, .revision = answer->alert_revision};
}

static void
tell(struct scores *scores, struct score_answer *answer, enum alert_state state, struct slice by)
{
    struct score_detractor alert = {.state = state, .by = by};

    answer->alert_revision++;
    if (scores->rebuilding || scores->options.sink.detractor == NULL)
        return;
    describe(scores, answer, &alert);
    scores->options.sink.detractor(scores->options.sink.context, &alert);
}

void
score_detractors_follow(struct scores *scores, uint32_t number)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    bool withdrawn = (answer->flags & ANSWER_WITHDRAWN) != 0;
    bool stands = (answer->flags & ANSWER_ALERTED) != 0;
    bool negative =
        !withdrawn && (answer->flags & ANSWER_OFFER) == 0 && score_class(answer) == ANSWER_NEGATIVE;
    struct slice nobody = {NULL, 0};

    if (negative == stands || (negative && !scores->experience->detractor_alert))
        return;
    answer->flags = (uint8_t)(answer->flags ^ ANSWER_ALERTED);
    tell(scores, answer, negative ? ALERT_FIRING : withdrawn ? ALERT_WITHDRAWN : ALERT_RESOLVED, nobody);
}

/* The next segment of a key, decoded (%2F, %25, R42) into `to`; what is left of the key stays in *key. */
static struct slice
take_segment(struct slice *key, char *to)
{
    size_t i = 0, count = 0;

    for (; i < key->bytes && key->at[i] != '/'; i++) {
        bool escaped = key->bytes - i >= 3 && key->at[i] == '%' && key->at[i + 1] == '2';

        if (escaped && (key->at[i + 2] == '5' || key->at[i + 2] == 'F')) {
            to[count++] = key->at[i + 2] == '5' ? '%' : '/';
            i += 2;
        } else {
            to[count++] = key->at[i];
        }
    }
    key->at += i < key->bytes ? i + 1 : i;
    key->bytes -= i < key->bytes ? i + 1 : i;
    return (struct slice){to, count};
}

/* TICKET-or-CUSTOMER/experience/SURVEY/FEEDBACK-ID/detractor */
static uint32_t
find(const struct scores *scores, struct slice key)
{
    char room[4][512];
    struct slice segments[4];
    uint32_t number;

    if (key.bytes > sizeof room[0])
        return 0;
    for (size_t i = 0; i < 4; i++)
        segments[i] = take_segment(&key, room[i]);
    if (!slice_is(segments[1], "experience") || !slice_is(key, "detractor"))
        return 0;
    number =
        score_answers_find(scores, symbols_find(scores->options.symbols, segments[2]), segments[3], false);
    if (number == 0 && segments[2].bytes == 0)
        number = score_answers_find(scores, 0, segments[3], false);
    return number;
}

struct engine_answer
score_detractors_acknowledge(struct scores *scores, const struct event *event)
{
    uint32_t number;

    if (event->alert.at == NULL)
        return (struct engine_answer){ENGINE_REFUSED, ERROR_MISSING_FIELD, "alert is missing"};
    number = find(scores, event->alert);
    if (number == 0)
        return (struct engine_answer){ENGINE_REFUSED, ERROR_UNKNOWN_ALERT, "no answer of this key is known"};
    if ((scores_answer_at(scores, number)->flags & ANSWER_ALERTED) == 0)
        return (struct engine_answer){ENGINE_NO_EFFECT, ERROR_NONE, "the alert is over"};
    tell(scores, scores_answer_at(scores, number), ALERT_ACKNOWLEDGED, event->by);
    return (struct engine_answer){ENGINE_APPLIED, ERROR_NONE, NULL};
}
