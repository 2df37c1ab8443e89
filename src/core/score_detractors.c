/*
 * What: the alert of a negative answer: it fires at once, is acknowledged, is said again in real time, and is
 * over when the answer is changed to better (resolved) or taken back (withdrawn).
 *
 * Why this way: everything an alert is follows from the answer's outcomes: when it fired and who acknowledged
 * it when stand in them, and the pages in between are arithmetic. So a rebuild from the log knows what was
 * said without a word said again, and what would be said next.
 *
 * Always true: an alert stands exactly while its answer is negative, not withdrawn, and alerts were asked for
 * when it came; an acknowledgement is an outcome of its answer before it is anything here; of pages missed
 * while nobody ran none is made up for, the next one comes at its time.
 *
 * Not here: its bytes (wire).
 */
#include "base/hash.h"
#include "base/panic.h"
#include "core/scores_state.h"

static struct score_alert *
alert_at(const struct scores *scores, uint32_t number)
{
    return score_store_at(&scores->alerts, number);
}

static bool
page_before(const struct heap_item *a, const struct heap_item *b)
{
    return ((const struct score_alert *)(const void *)a)->answer <
           ((const struct score_alert *)(const void *)b)->answer;
}

static uint64_t
hash_of_answer(uint32_t answer)
{
    return hash_bytes(9, &answer, sizeof answer);
}

static uint64_t
alert_hash(const void *context, uint32_t number)
{
    return hash_of_answer(alert_at(context, number)->answer);
}

uint32_t
score_detractors_of(const struct scores *scores, uint32_t answer)
{
    uint64_t hash;
    uint32_t place, number;

    if (scores->alerts.count == 0)
        return 0;
    hash = hash_of_answer(answer);
    place = score_index_home(&scores->alert_index, hash);
    for (; (number = scores->alert_index.slots[place]) != 0;
         place = score_index_next(&scores->alert_index, place))
        if (score_index_may_be(&scores->alert_index, place, hash) &&
            alert_at(scores, number)->answer == answer)
            return number;
    return 0;
}

void
score_detractors_init(struct scores *scores)
{
    score_store_init(&scores->alerts, sizeof(struct score_alert));
    score_index_init(&scores->alert_index, alert_hash, scores);
    scores->pages = heap_new(page_before);
}

void
score_detractors_done(struct scores *scores)
{
    score_index_done(&scores->alert_index);
    score_store_done(&scores->alerts);
    heap_free(scores->pages);
}

/* ---- pages, by arithmetic ---- */

static const struct policy_experience *
experience_at(const struct scores *scores, int64_t at_ms)
{
    return &policy_set_version(scores->set, policy_set_in_force(scores->set, at_ms))->experience;
}

/* The first page since the alert fired or was acknowledged; INT64_MAX: there will be none. */
static int64_t
first_page_ms(const struct score_alert *alert, const struct policy_repeat *repeat)
{
    if (repeat->every_ms == 0 || (alert->is_acknowledged && repeat->ack_timeout_ms == 0))
        return INT64_MAX;
    return alert->is_acknowledged ? alert->acknowledged_at_ms + repeat->ack_timeout_ms
                                  : alert->fired_at_ms + repeat->every_ms;
}

/* How many of them lie before this instant. */
static int64_t
pages_before(const struct scores *scores, const struct score_alert *alert, int64_t at_ms)
{
    const struct policy_repeat *repeat = &experience_at(scores, alert->fired_at_ms)->detractor_repeat;
    int64_t first_ms = first_page_ms(alert, repeat), last_ms = at_ms - 1;

    if (first_ms == INT64_MAX)
        return 0;
    if (repeat->stop_after_ms > 0 && last_ms > alert->fired_at_ms + repeat->stop_after_ms)
        last_ms = alert->fired_at_ms + repeat->stop_after_ms;
    return last_ms < first_ms ? 0 : 1 + (last_ms - first_ms) / repeat->every_ms;
}

/* The first page not before this instant; INT64_MAX when none is left. */
static int64_t
next_page_ms(const struct scores *scores, const struct score_alert *alert, int64_t from_ms)
{
    const struct policy_repeat *repeat = &experience_at(scores, alert->fired_at_ms)->detractor_repeat;
    int64_t first_ms = first_page_ms(alert, repeat), page_ms;

    if (first_ms == INT64_MAX)
        return INT64_MAX;
    page_ms = first_ms + pages_before(scores, alert, from_ms) * repeat->every_ms;
    if (page_ms < from_ms ||
        (repeat->stop_after_ms > 0 && page_ms > alert->fired_at_ms + repeat->stop_after_ms))
        return INT64_MAX;
    return page_ms;
}

static void
ask_for_page(struct scores *scores, struct score_alert *alert, int64_t from_ms)
{
    int64_t page_ms = alert->state == SCORE_ALERT_STANDS ? next_page_ms(scores, alert, from_ms) : INT64_MAX;

    if (page_ms == INT64_MAX) {
        if (heap_item_is_in(&alert->page))
            heap_remove(scores->pages, &alert->page);
    } else if (heap_item_is_in(&alert->page)) {
        heap_move(scores->pages, &alert->page, page_ms);
    } else {
        heap_put(scores->pages, &alert->page, page_ms);
    }
}

/* ---- saying it ---- */

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
    alert->score = score_of_answer(answer);
    alert->severity = SEVERITY_WARNING;
    alert->policy = scores->policy->label;
}

/* at_ms: the instant this record is of. Pages count as records of the key whether somebody heard them or not.
 */
static void
tell(struct scores *scores, uint32_t number, enum alert_state state, int64_t at_ms)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    struct score_alert *alert = alert_at(scores, score_detractors_of(scores, number));
    struct score_detractor record = {.state = state, .effective_at_ms = alert->effective_at_ms};

    if (scores->rebuilding || scores->options.sink.detractor == NULL)
        return;
    describe(scores, answer, &record);
    record.n = state == ALERT_REPEATED ? alert->pages : 0;
    if (state == ALERT_ACKNOWLEDGED)
        record.by = score_texts_get(&scores->texts, alert->acknowledged_by);
    record.arrival = (struct arrival){.detected_at_ms = at_ms, .revision = alert->told + alert->pages};
    scores->options.sink.detractor(scores->options.sink.context, &record);
}

/* Pages up to now become history: what comes counts from another instant. */
static void
settle_pages(const struct scores *scores, struct score_alert *alert, int64_t at_ms)
{
    alert->pages = alert->settled + (uint32_t)pages_before(scores, alert, at_ms);
    alert->settled = alert->pages;
}

static void
forget_acknowledgement(struct scores *scores, struct score_alert *alert)
{
    score_texts_drop(&scores->texts, alert->acknowledged_by);
    alert->acknowledged_by = 0;
    alert->is_acknowledged = false;
}

/* R33: an alert that was resolved and is true again is repeated, one that was withdrawn fires. */
static void
begin(struct scores *scores, uint32_t number, int64_t at_ms)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    uint32_t of = score_detractors_of(scores, number);
    struct score_alert *alert;
    bool again;

    if (of == 0) {
        of = score_store_take(&scores->alerts);
        alert = alert_at(scores, of);
        heap_item_init(&alert->page);
        alert->answer = number;
        score_index_add(&scores->alert_index, of);
    }
    alert = alert_at(scores, of);
    again = alert->state == SCORE_ALERT_RESOLVED;
    if (alert->state == SCORE_ALERT_WITHDRAWN) {
        alert->told += alert->pages;
        alert->pages = alert->settled = 0;
    }
    if (again)
        alert->pages = ++alert->settled;
    else
        alert->told++;
    alert->state = SCORE_ALERT_STANDS;
    if (!again) /* R36: one instant in every record of the key, until it is withdrawn */
        alert->effective_at_ms = answer->at_ms;
    alert->fired_at_ms = at_ms;
    answer->flags |= ANSWER_ALERTED;
    tell(scores, number, again ? ALERT_REPEATED : ALERT_FIRING, at_ms);
}

static void
end(struct scores *scores, uint32_t number, bool withdrawn, int64_t at_ms)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    struct score_alert *alert = alert_at(scores, score_detractors_of(scores, number));

    settle_pages(scores, alert, at_ms);
    forget_acknowledgement(scores, alert);
    alert->state = withdrawn ? SCORE_ALERT_WITHDRAWN : SCORE_ALERT_RESOLVED;
    alert->told++;
    answer->flags = (uint8_t)(answer->flags & ~(unsigned)ANSWER_ALERTED);
    tell(scores, number, withdrawn ? ALERT_WITHDRAWN : ALERT_RESOLVED, at_ms);
}

/* An outcome made of what is kept here points at it: the same name is left where it stands. */
static void
name_hands(struct scores *scores, struct score_alert *alert, struct slice by)
{
    struct slice before = score_texts_get(&scores->texts, alert->acknowledged_by);

    if ((before.at == NULL) == (by.at == NULL) && slice_equal(before, by))
        return;
    score_texts_drop(&scores->texts, alert->acknowledged_by);
    alert->acknowledged_by = score_texts_add(&scores->texts, by);
}

static void
take_acknowledgement(struct scores *scores, uint32_t number, const struct answer_outcome *outcome)
{
    struct score_alert *alert = alert_at(scores, score_detractors_of(scores, number));
    bool renewed = !alert->is_acknowledged || alert->acknowledged_at_ms != outcome->acknowledged_at_ms;

    if (renewed)
        settle_pages(scores, alert, outcome->acknowledged_at_ms);
    name_hands(scores, alert, outcome->acknowledged_by);
    alert->is_acknowledged = true;
    alert->acknowledged_at_ms = outcome->acknowledged_at_ms;
    if (!renewed)
        return;
    alert->told++;
    tell(scores, number, ALERT_ACKNOWLEDGED, outcome->acknowledged_at_ms);
}

void
score_detractors_follow(struct scores *scores, uint32_t number, const struct answer_outcome *outcome)
{
    struct score_answer *answer = scores_answer_at(scores, number);
    bool withdrawn = (answer->flags & ANSWER_WITHDRAWN) != 0;
    bool stands = (answer->flags & ANSWER_ALERTED) != 0;
    bool negative =
        !withdrawn && (answer->flags & ANSWER_OFFER) == 0 && score_class(answer) == ANSWER_NEGATIVE;
    int64_t at_ms = outcome->arrival.detected_at_ms;

    if (at_ms < outcome->answered_at_ms)
        at_ms = outcome->answered_at_ms; /* it was stamped ahead, and begins now */
    if (stands && !negative)
        end(scores, number, withdrawn, at_ms);
    else if (negative && !stands && experience_at(scores, at_ms)->detractor_alert)
        begin(scores, number, at_ms);
    if ((answer->flags & ANSWER_ALERTED) != 0 && outcome->acknowledged)
        take_acknowledgement(scores, number, outcome);
    if ((stands || negative) && !scores->rebuilding && score_detractors_of(scores, number) != 0)
        ask_for_page(scores, alert_at(scores, score_detractors_of(scores, number)), scores->t_ms);
}

void
score_detractors_forget(struct scores *scores, uint32_t number)
{
    struct score_detractor record = {.state = ALERT_WITHDRAWN};
    uint32_t of = score_detractors_of(scores, number);
    struct score_alert *alert;

    if (of == 0)
        return;
    alert = alert_at(scores, of);
    if (scores->options.sink.detractor_gone != NULL && !scores->rebuilding) {
        describe(scores, scores_answer_at(scores, number), &record);
        scores->options.sink.detractor_gone(scores->options.sink.context, &record);
    }
    if (heap_item_is_in(&alert->page))
        heap_remove(scores->pages, &alert->page);
    score_texts_drop(&scores->texts, alert->acknowledged_by);
    score_index_remove(&scores->alert_index, of);
    alert->answer = 0;
    score_store_give_back(&scores->alerts, of);
}

/* ---- time ---- */

int64_t
score_detractors_next_ms(const struct scores *scores)
{
    const struct heap_item *top = heap_top(scores->pages);

    return top == NULL || scores->rebuilding ? INT64_MAX : top->at_ms;
}

void
score_detractors_page(struct scores *scores)
{
    struct score_alert *alert = (void *)heap_top(scores->pages);
    int64_t at_ms = alert->page.at_ms;

    alert->pages = alert->settled + (uint32_t)pages_before(scores, alert, at_ms + 1);
    tell(scores, alert->answer, ALERT_REPEATED, at_ms);
    ask_for_page(scores, alert, at_ms + 1);
}

void
score_detractors_resume(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->alerts.used; i++) {
        struct score_alert *alert = alert_at(scores, i);

        if (alert->answer == 0)
            continue;
        if (alert->state == SCORE_ALERT_STANDS)
            alert->pages = alert->settled + (uint32_t)pages_before(scores, alert, scores->t_ms);
        ask_for_page(scores, alert, scores->t_ms);
    }
}

/* ---- acknowledgements ---- */

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
    char room[4][SCORE_ALERT_KEY_BYTES_MAX];
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

void
score_detractors_describe(const struct scores *scores, uint32_t number, struct answer_outcome *outcome)
{
    const struct score_answer *answer = scores_answer_at(scores, number);
    const struct score_alert *alert;

    if ((answer->flags & ANSWER_ALERTED) == 0)
        return;
    alert = alert_at(scores, score_detractors_of(scores, number));
    outcome->acknowledged = alert->is_acknowledged;
    outcome->acknowledged_at_ms = alert->acknowledged_at_ms;
    outcome->acknowledged_by = score_texts_get(&scores->texts, alert->acknowledged_by);
}

struct engine_answer
score_detractors_acknowledge(struct scores *scores, const struct event *event)
{
    uint32_t number;

    if (event->alert.at == NULL)
        return (struct engine_answer){ENGINE_REFUSED, ERROR_MISSING_FIELD, "alert is missing"};
    if (score_seen_has(scores, event->source, event->id)) {
        scores->duplicates++;
        return (struct engine_answer){ENGINE_DUPLICATE, ERROR_NONE, NULL};
    }
    number = find(scores, event->alert);
    if (number == 0)
        return (struct engine_answer){ENGINE_REFUSED, ERROR_UNKNOWN_ALERT, "no answer of this key is known"};
    score_seen_add(scores, event->source, event->id);
    if ((scores_answer_at(scores, number)->flags & ANSWER_ALERTED) == 0) {
        scores->no_effect++;
        return (struct engine_answer){ENGINE_NO_EFFECT, ERROR_NONE, "the alert is over"};
    }
    score_join_acknowledge(scores, number, event);
    return (struct engine_answer){ENGINE_APPLIED, ERROR_NONE, NULL};
}

void
score_detractors_adopt(struct scores *scores, const struct score_alert *alert)
{
    uint32_t number = score_store_take(&scores->alerts);
    struct score_alert *taken = alert_at(scores, number);

    *taken = *alert;
    heap_item_init(&taken->page);
    score_index_add(&scores->alert_index, number);
}
