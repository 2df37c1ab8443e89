/*
 * What: decides answer outcomes: what a feedback event says, with the attributes its ticket had at that
 * instant; and says it again when the ticket turns up later or its past is corrected.
 *
 * Why this way: an answer outcome is a fact for everybody who reads the log, so it carries all it takes to
 * recompute a score; and slad itself learns nothing but from that fact: decide, send, fold.
 *
 * Always true: the newest event of a feedback id decides (R54: at its own time), whatever the order of
 * arrival; a revision is one more than any before it; what the answer says of itself wins over its ticket;
 * a revision that was lost with its transaction is made again when the log is read back.
 *
 * Not here: counting (score_answers), free text (it never gets this far).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/scores_state.h"

static struct engine_answer
refuse(struct scores *scores, enum error_code error, const char *detail)
{
    scores->refused++;
    return (struct engine_answer){ENGINE_REFUSED, error, detail};
}

/* ---- what is sound ---- */

static struct engine_answer
check_scale(struct scores *scores, const struct event *event)
{
    const struct feedback *feedback = &event->feedback;
    const struct policy_scale *scale;

    if (feedback->scale.at == NULL)
        return refuse(scores, ERROR_MISSING_FIELD, "feedback.scale is missing");
    if (!feedback->has_score)
        return refuse(scores, ERROR_MISSING_FIELD, "feedback.score is missing");
    scale = score_answers_scale(scores, symbols_find(scores->options.symbols, feedback->scale), event->at_ms);
    if (scale == NULL)
        return refuse(scores, ERROR_UNKNOWN_SCALE, "feedback.scale names no scale of the policy");
    if (score_answers_class(scale, feedback->score) < 0)
        return refuse(scores, ERROR_NUMBER_OUT_OF_RANGE, "feedback.score is not in its scale's table");
    for (size_t i = 0; i < feedback->aspects_count; i++)
        if (score_answers_class(scale, feedback->aspects[i].score) < 0)
            return refuse(scores, ERROR_NUMBER_OUT_OF_RANGE,
                          "feedback.aspects has a score not in the scale's table");
    return (struct engine_answer){ENGINE_APPLIED, ERROR_NONE, NULL};
}

static struct engine_answer
check(struct scores *scores, const struct event *event)
{
    int64_t ahead_ms = event->at_ms - scores->t_ms;

    if (event->feedback.id.at == NULL)
        return refuse(scores, ERROR_MISSING_FIELD, "feedback.id is missing");
    if (scores->options.allowed_skew_ms >= 0 && ahead_ms > scores->options.allowed_skew_ms)
        return refuse(scores, ERROR_FUTURE_STAMPED, "stamped further ahead than allowed_skew");
    if (scores->options.accept_age_ms >= 0 && -ahead_ms > scores->options.accept_age_ms)
        return refuse(scores, ERROR_TOO_OLD, "older than accept_age");
    if (event->type == EVENT_FEEDBACK_SUBMITTED)
        return check_scale(scores, event);
    return (struct engine_answer){ENGINE_APPLIED, ERROR_NONE, NULL};
}

/* ---- the join ---- */

static void
erase(struct answer_outcome *outcome)
{
    outcome->feedback.respondent = (struct slice){NULL, 0};
    outcome->attributes[ATTRIBUTE_REQUESTER] = (struct slice){NULL, 0};
    outcome->attributes[ATTRIBUTE_ASSIGNEE] = (struct slice){NULL, 0};
    outcome->acknowledged_by = (struct slice){NULL, 0};
}

static bool
is_erased(const struct scores *scores, const struct answer_outcome *outcome)
{
    uint32_t ticket = outcome->ticket.at != NULL ? score_tickets_find(scores, outcome->ticket) : 0;

    return ticket != 0 && (scores_ticket_at(scores, ticket)->flags & TICKET_ERASED) != 0;
}

/* What the ticket adds: every attribute that the answer did not bring itself, as of the answer's instant. */
static void
join(const struct scores *scores, struct answer_outcome *outcome)
{
    struct symbols *symbols = scores->options.symbols;
    uint32_t ticket = outcome->ticket.at != NULL ? score_tickets_find(scores, outcome->ticket) : 0;
    uint32_t number = ticket != 0 ? score_tickets_version_at(scores, ticket, outcome->answered_at_ms) : 0;
    const struct score_version *version;
    struct score_values values;

    if (number == 0)
        return;
    version = score_store_at(&scores->versions, number);
    values = *score_scopes_values(&scores->scopes, version->context);
    values.of[ATTRIBUTE_REQUESTER] = version->requester;
    values.of[ATTRIBUTE_ASSIGNEE] = version->assignee;
    values.of[ATTRIBUTE_STATUS] = 0;
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        if ((outcome->attributes_own & ATTRIBUTE_BIT(i)) == 0)
            outcome->attributes[i] = symbols_text(symbols, values.of[i]);
    outcome->source = symbols_text(symbols, values.of[SCORE_SOURCE]);
    if ((scores_ticket_at(scores, ticket)->flags & TICKET_ERASED) != 0)
        erase(outcome);
}

static struct answer_outcome
outcome_of_event(const struct scores *scores, const struct event *event)
{
    struct answer_outcome outcome = {.feedback = event->feedback,
                                     .source = event->source,
                                     .ticket = event->ticket,
                                     .answer_class = ANSWER_CLASSES_COUNT,
                                     .offered_only = event->type == EVENT_FEEDBACK_OFFERED,
                                     .withdrawn = event->type == EVENT_FEEDBACK_WITHDRAWN,
                                     .answered_at_ms = event->at_ms,
                                     .event = event->id,
                                     .event_source = event->source};

    if (outcome.feedback.survey.bytes == 0) /* one identity has one key: an empty survey is none */
        outcome.feedback.survey = (struct slice){NULL, 0};
    outcome.attributes_own = (uint16_t)(event->attributes_present & ~ATTRIBUTE_BIT(ATTRIBUTE_STATUS));
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        if ((outcome.attributes_own & ATTRIBUTE_BIT(i)) != 0)
            outcome.attributes[i] = event->attributes[i];
    if (event->type == EVENT_FEEDBACK_SUBMITTED) {
        symbol name = symbols_find(scores->options.symbols, event->feedback.scale);
        const struct policy_scale *scale = score_answers_scale(scores, name, event->at_ms);

        outcome.answer_class = (enum answer_class)score_answers_class(scale, event->feedback.score);
    }
    if (outcome.offered_only || outcome.withdrawn) { /* whatever else it carries is no answer */
        outcome.feedback.has_score = false;
        outcome.feedback.has_lost_minutes = false;
        outcome.feedback.aspects_count = 0;
        outcome.feedback.scale = (struct slice){NULL, 0};
    }
    join(scores, &outcome);
    return outcome;
}

/* ---- deciding ---- */

static uint32_t
record_like(const struct scores *scores, const struct answer_outcome *outcome)
{
    symbol survey = symbols_find(scores->options.symbols, outcome->feedback.survey);

    if (survey == 0 && outcome->feedback.survey.at != NULL)
        return 0; /* a survey nobody heard of */
    return score_answers_find(scores, survey, outcome->feedback.id, outcome->offered_only);
}

static uint32_t
next_revision(const struct scores *scores, const struct answer_outcome *outcome)
{
    uint32_t number = record_like(scores, outcome);
    uint32_t revision = number != 0 ? scores_answer_at(scores, number)->revision : 0;
    const struct answer_outcome *other;
    size_t cursor = 0;

    while ((other = score_waiting_next(scores, outcome, &cursor)) != NULL)
        if (other->arrival.revision > revision)
            revision = other->arrival.revision;
    return revision + 1;
}

static void
send(struct scores *scores, struct answer_outcome *outcome)
{
    outcome->arrival.revision = next_revision(scores, outcome);
    outcome->arrival.detected_at_ms = scores->t_ms;
    scores->answers_decided++;
    if (scores->options.sink.answer != NULL)
        scores->options.sink.answer(scores->options.sink.context, outcome);
}

/* What waits for a later instant comes after this one: it needs a higher revision. */
static void
send_later(struct scores *scores, const struct answer_outcome *outcome)
{
    const struct answer_outcome *later;
    size_t cursor = 0;

    while ((later = score_waiting_next(scores, outcome, &cursor)) != NULL)
        if (later->answered_at_ms > outcome->answered_at_ms) {
            struct answer_outcome again = *later;

            send(scores, &again);
            scores->waiting[cursor - 1].outcome.arrival = again.arrival;
        }
}

static void
decide(struct scores *scores, struct answer_outcome *outcome)
{
    send(scores, outcome);
    score_waiting_take(scores, outcome);
    send_later(scores, outcome);
}

/* One more may be held: it is of an answer that is, or there is room. */
static bool
has_room(const struct scores *scores, const struct answer_outcome *outcome)
{
    size_t answers_max = scores->options.bounds.answers_max, cursor = 0;

    if (answers_max == 0)
        return true;
    if (score_seen_count(scores) >= answers_max * SCORES_EVENTS_PER_ANSWER)
        return false;
    return scores_fill(scores).answers < answers_max || record_like(scores, outcome) != 0 ||
           score_waiting_next(scores, outcome, &cursor) != NULL;
}

struct engine_answer
score_join_feedback(struct scores *scores, const struct event *event)
{
    struct engine_answer answer;
    struct answer_outcome outcome;
    uint32_t number;

    if (score_seen_has(scores, event->source, event->id)) {
        scores->duplicates++;
        return (struct engine_answer){ENGINE_DUPLICATE, ERROR_NONE, NULL};
    }
    answer = check(scores, event);
    if (answer.disposition == ENGINE_REFUSED)
        return answer;
    outcome = outcome_of_event(scores, event);
    if (!has_room(scores, &outcome)) {
        scores->answers_refused++;
        return refuse(scores, ERROR_SCORES_FULL, "feedback.id is new, and answers_max are held already");
    }
    score_seen_add(scores, event->source, event->id);
    number = record_like(scores, &outcome);
    if (number != 0 && scores_answer_at(scores, number)->at_ms > event->at_ms) {
        scores->no_effect++;
        return (struct engine_answer){ENGINE_NO_EFFECT, ERROR_NONE,
                                      "a newer event of this feedback id was read before"};
    }
    if (number != 0 && outcome.answer_class == ANSWER_NEGATIVE) {
        score_detractors_describe(scores, number, &outcome);
        if (is_erased(scores, &outcome))
            outcome.acknowledged_by = (struct slice){NULL, 0};
    }
    decide(scores, &outcome);
    if (event->at_ms > scores->t_ms)
        return (struct engine_answer){ENGINE_WAITS, ERROR_NONE, NULL};
    return answer;
}

/* ---- again ---- */

/* What was decided of this answer last, but for what its ticket adds. */
static struct answer_outcome
outcome_of_record(const struct scores *scores, uint32_t number, struct feedback_aspect *aspects)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    const struct score_values *values = score_scopes_values(&scores->scopes, answer->context);
    struct symbols *symbols = scores->options.symbols;
    struct answer_outcome outcome = {.answer_class = score_class(answer),
                                     .offered_only = (answer->flags & ANSWER_OFFER) != 0,
                                     .withdrawn = (answer->flags & ANSWER_WITHDRAWN) != 0,
                                     .answered_at_ms = answer->at_ms,
                                     .attributes_own = answer->own};
    struct feedback *feedback = &outcome.feedback;

    feedback->id = score_texts_get(&scores->texts, answer->id);
    feedback->survey = symbols_text(symbols, values->of[SCORE_SURVEY]);
    feedback->touchpoint = symbols_text(symbols, values->of[SCORE_TOUCHPOINT]);
    feedback->scale = symbols_text(symbols, scores->scales[answer->scale]);
    if (answer->person != 0)
        feedback->respondent =
            score_texts_get(&scores->texts, scores_person_at(scores, answer->person)->name);
    feedback->has_score = answer->scale != 0;
    feedback->score = score_of_answer(answer);
    feedback->has_lost_minutes = answer->lost_minutes != 0;
    feedback->lost_minutes = answer->lost_minutes != 0 ? (int32_t)(answer->lost_minutes - 1) : 0;
    if (answer->aspects != 0) {
        const struct score_answer_aspects *items = score_store_at(&scores->aspects, answer->aspects);

        for (uint32_t i = 0; i < items->count; i++)
            aspects[i] =
                (struct feedback_aspect){symbols_text(symbols, items->items[i].name), items->items[i].score};
        feedback->aspects = aspects;
        feedback->aspects_count = items->count;
    }
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        outcome.attributes[i] = symbols_text(symbols, values->of[i]);
    outcome.source = symbols_text(symbols, values->of[SCORE_SOURCE]);
    if (answer->ticket != 0)
        outcome.ticket = score_texts_get(&scores->texts, scores_ticket_at(scores, answer->ticket)->name);
    score_detractors_describe(scores, number, &outcome);
    return outcome;
}

static void
decide_again(struct scores *scores, uint32_t number)
{
    struct feedback_aspect aspects[EVENT_ASPECTS_MAX];
    struct answer_outcome outcome = outcome_of_record(scores, number, aspects);

    join(scores, &outcome);
    scores->joined_later++;
    decide(scores,
           &outcome); /* its texts are those of the record: the fold takes hold of them before it lets go */
}

/* While a log is read back its revision is to be expected there: only a mark, which the revision takes away.
 */
static void
say_again(struct scores *scores, uint32_t number)
{
    if (scores->rebuilding) {
        scores_answer_at(scores, number)->flags |= ANSWER_BEHIND;
        scores->behind_count++;
    } else
        decide_again(scores, number);
}

void
score_join_acknowledge(struct scores *scores, uint32_t number, const struct event *event)
{
    struct feedback_aspect aspects[EVENT_ASPECTS_MAX];
    struct answer_outcome outcome = outcome_of_record(scores, number, aspects);

    outcome.acknowledged = true;
    outcome.acknowledged_at_ms = scores->t_ms;
    outcome.acknowledged_by = event->by;
    outcome.event = event->id;
    outcome.event_source = event->source;
    join(scores, &outcome);
    decide(scores, &outcome);
}

/* R63: what was taken back is in no chain, but its last record may name somebody. A ticket without any such
 * answer is the rule and costs nothing. */
static void
erase_withdrawn(struct scores *scores, uint32_t number)
{
    const struct score_ticket *ticket = scores_ticket_at(scores, number);
    uint32_t others = ticket->references - ((ticket->flags & TICKET_KNOWN) != 0) -
                      score_tickets_verdicts_count(scores, number);
    uint32_t next = ticket->answers;

    for (; next != 0; next = scores_answer_at(scores, next)->next_of_ticket)
        others--;
    for (uint32_t i = 1; others > 0 && i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id == 0 || answer->ticket != number || (answer->flags & ANSWER_WITHDRAWN) == 0)
            continue;
        others--;
        if (answer->person != 0 || (answer->own & ATTRIBUTE_PEOPLE) != 0)
            say_again(scores, i);
    }
}

/* The same for what waits for its time, and is no record yet. */
static void
say_again_waiting(struct scores *scores, size_t i)
{
    struct answer_outcome outcome = scores->waiting[i].outcome;

    if (scores->rebuilding) {
        scores->waiting[i].is_behind = true;
        return;
    }
    if (outcome.withdrawn)
        erase(&outcome);
    else
        join(scores, &outcome);
    outcome.event = outcome.event_source = (struct slice){NULL, 0};
    scores->joined_later++;
    send(scores, &outcome);
    score_waiting_renew(scores, i, &outcome);
    send_later(scores, &scores->waiting[i].outcome);
}

static bool
concerns(const struct scores *scores, const struct answer_outcome *outcome, uint32_t ticket, uint32_t version)
{
    struct slice name = score_texts_get(&scores->texts, scores_ticket_at(scores, ticket)->name);

    if (outcome->ticket.at == NULL || !slice_equal(outcome->ticket, name))
        return false;
    if (outcome->withdrawn)
        return version == 0 &&
               (outcome->feedback.respondent.at != NULL || (outcome->attributes_own & ATTRIBUTE_PEOPLE) != 0);
    return version == 0 || score_tickets_version_at(scores, ticket, outcome->answered_at_ms) == version;
}

void
score_join_again(struct scores *scores, uint32_t ticket, uint32_t version)
{
    uint32_t *numbers = NULL;
    size_t count = 0, room = 0;
    uint32_t number = scores_ticket_at(scores, ticket)->answers;

    for (; number != 0; number = scores_answer_at(scores, number)->next_of_ticket) {
        int64_t at_ms = scores_answer_at(scores, number)->at_ms;

        if (version != 0 && score_tickets_version_at(scores, ticket, at_ms) != version)
            continue;
        if (count == room) {
            room = room * 2 + 8;
            numbers = memory_resize(numbers, room * sizeof *numbers);
        }
        numbers[count++] = number;
    }
    for (size_t i = count; i > 0; i--) /* the earliest first */
        say_again(scores, numbers[i - 1]);
    memory_free(numbers);
    if (version == 0)
        erase_withdrawn(scores, ticket);
    for (size_t i = 0; i < scores->waiting_count; i++)
        if (concerns(scores, &scores->waiting[i].outcome, ticket, version))
            say_again_waiting(scores, i);
}

/* ---- a log read back ---- */

static bool
same_text(struct slice a, struct slice b)
{
    return (a.at == NULL) == (b.at == NULL) && slice_equal(a, b);
}

/* What is withdrawn is joined no more, but that an erased ticket names nobody. */
static bool
is_behind(const struct scores *scores, const struct answer_outcome *outcome)
{
    struct answer_outcome now = *outcome;

    if (!outcome->withdrawn)
        join(scores, &now);
    else if (is_erased(scores, outcome))
        erase(&now);
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        if (!same_text(now.attributes[i], outcome->attributes[i]))
            return true;
    return !same_text(now.source, outcome->source) ||
           !same_text(now.feedback.respondent, outcome->feedback.respondent) ||
           !same_text(now.acknowledged_by, outcome->acknowledged_by);
}

void
score_join_mark(struct scores *scores, const struct answer_outcome *outcome)
{
    uint32_t number = record_like(scores, outcome);
    const struct answer_outcome *other;
    size_t cursor = 0;

    if (number != 0 && scores_answer_at(scores, number)->revision == outcome->arrival.revision)
        say_again(scores, number);
    while ((other = score_waiting_next(scores, outcome, &cursor)) != NULL)
        if (other->arrival.revision == outcome->arrival.revision)
            say_again_waiting(scores, cursor - 1);
}

void
score_join_check(struct scores *scores, const struct answer_outcome *outcome)
{
    if (is_behind(scores, outcome))
        score_join_mark(scores, outcome);
}

void
score_join_catch_up(struct scores *scores)
{
    must(!scores->rebuilding);
    for (uint32_t i = 1; i < scores->answers.used && scores->behind_count > 0; i++)
        if ((scores_answer_at(scores, i)->flags & ANSWER_BEHIND) != 0)
            say_again(scores, i);
    scores->behind_count = 0;
    for (size_t i = 0; i < scores->waiting_count; i++)
        if (scores->waiting[i].is_behind)
            say_again_waiting(scores, i);
}
