/*
 * What: everything that counts into the scopes at once: after a snapshot was loaded, after another policy
 * came into force.
 *
 * Why this way: one at a time each answer would look through all the others of its person for the one that
 * bears the mark in each scope. Here a person's answers are walked once, from the latest to the earliest:
 * whoever comes first to a scope bears its mark. And what goes into the series in order of time is an append.
 *
 * Always true: what the series hold afterwards is what score_count would have made, one by one.
 *
 * Not here: who is elected (score_answers), what is solved (score_tickets).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/scores_state.h"

enum { MARKS_MAX = 64, DIGIT_BITS = 11, DIGIT_VALUES = 1 << DIGIT_BITS };

/* ---- in order of time ---- */

struct moment {
    int64_t at_ms;
    uint32_t number;
};
struct moments {
    struct moment *of, *spare;
    size_t count;
    int64_t first_ms, last_ms;
    bool in_order;
};

static void
begin(struct moments *moments, size_t count_max)
{
    *moments = (struct moments){.first_ms = INT64_MAX, .last_ms = INT64_MIN, .in_order = true};
    moments->of = memory_allocate((count_max + 1) * sizeof *moments->of);
}

static void
add(struct moments *moments, int64_t at_ms, uint32_t number)
{
    moments->in_order &= at_ms >= moments->last_ms;
    moments->of[moments->count++] = (struct moment){at_ms, number};
    if (at_ms < moments->first_ms)
        moments->first_ms = at_ms;
    if (at_ms > moments->last_ms)
        moments->last_ms = at_ms;
}

/* By one digit of the time since the first; equal ones keep their order. */
static void
sort_by_digit(struct moments *moments, unsigned shift)
{
    size_t places[DIGIT_VALUES] = {0}, place = 0;
    struct moment *sorted = moments->spare;

    for (size_t i = 0; i < moments->count; i++)
        places[((uint64_t)moments->of[i].at_ms - (uint64_t)moments->first_ms) >> shift &
               (DIGIT_VALUES - 1)]++;
    for (size_t d = 0; d < DIGIT_VALUES; d++) {
        size_t count = places[d];

        places[d] = place;
        place += count;
    }
    for (size_t i = 0; i < moments->count; i++) {
        uint64_t since_ms = (uint64_t)moments->of[i].at_ms - (uint64_t)moments->first_ms;

        sorted[places[since_ms >> shift & (DIGIT_VALUES - 1)]++] = moments->of[i];
    }
    moments->spare = moments->of;
    moments->of = sorted;
}

/* By time, then by number: they came in order of their numbers. */
static void
sort(struct moments *moments)
{
    uint64_t span_ms = (uint64_t)moments->last_ms - (uint64_t)moments->first_ms;

    if (moments->in_order)
        return;
    moments->spare = memory_allocate(moments->count * sizeof *moments->spare);
    for (unsigned shift = 0; shift < 64 && span_ms >> shift != 0; shift += DIGIT_BITS)
        sort_by_digit(moments, shift);
}

static void
end(struct moments *moments)
{
    memory_free(moments->of);
    memory_free(moments->spare);
}

/* ---- marks ---- */

struct marks {
    uint64_t *of_answers; /* bit: the place in its context's list */
    uint32_t *seen;       /* by scope: the person that was there last */
};

/* Every scope is made before their number is asked for. */
static void
place_contexts(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);
        uint32_t count;

        if (answer->id != 0 && (answer->flags & ANSWER_COUNTED) != 0)
            (void)score_scopes_of(&scores->scopes, answer->context, &count);
    }
}

static void
mark_person(struct scores *scores, const struct marks *marks, uint32_t person)
{
    uint32_t number = scores_person_at(scores, person)->answers;

    for (; number != 0; number = scores_answer_at(scores, number)->next_of_person) {
        const struct score_answer *answer = scores_answer_at(scores, number);
        const struct score_place *places;
        uint32_t count;

        if ((answer->flags & (ANSWER_COUNTED | ANSWER_OFFER)) != ANSWER_COUNTED)
            continue;
        places = score_scopes_of(&scores->scopes, answer->context, &count);
        for (uint32_t i = 0; i < count; i++)
            if (marks->seen[places[i].scope] != person) {
                marks->seen[places[i].scope] = person;
                marks->of_answers[number] |= UINT64_C(1) << i;
            }
    }
}

static struct marks
mark_all(struct scores *scores)
{
    struct marks marks;

    place_contexts(scores);
    marks.of_answers = memory_allocate_zeroed((size_t)scores->answers.used, sizeof *marks.of_answers);
    marks.seen = memory_allocate_zeroed((size_t)scores->scopes.scopes.used, sizeof *marks.seen);
    for (uint32_t i = 1; i < scores->people.used; i++)
        if (scores_person_at(scores, i)->references > 0)
            mark_person(scores, &marks, i);
    memory_free(marks.seen);
    return marks;
}

/* ---- answers, offers ---- */

/* Too many definitions for the bits: as one by one. */
static void
count_one_by_one(struct scores *scores)
{
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id == 0 || (answer->flags & ANSWER_WITHDRAWN) != 0 ||
            score_answers_elected(scores, i) != i)
            continue;
        answer->flags = (uint8_t)(answer->flags & ~(unsigned)ANSWER_COUNTED);
        score_count_answer(scores, i, true);
    }
}

static void
count_answers(struct scores *scores)
{
    struct moments moments;
    struct marks marks;

    if (scores->scopes.definitions_count > MARKS_MAX) {
        score_answers_uncount_all(scores);
        count_one_by_one(scores);
        return;
    }
    marks = mark_all(scores);
    begin(&moments, scores->answers.count);
    for (uint32_t i = 1; i < scores->answers.used; i++) {
        const struct score_answer *answer = scores_answer_at(scores, i);

        if (answer->id != 0 && (answer->flags & ANSWER_COUNTED) != 0)
            add(&moments, answer->at_ms, i);
    }
    sort(&moments);
    for (size_t i = 0; i < moments.count; i++) {
        uint32_t number = moments.of[i].number;

        score_count_marked(scores, number,
                           scores_answer_at(scores, number)->person == 0 ? UINT64_MAX
                                                                         : marks.of_answers[number]);
    }
    end(&moments);
    memory_free(marks.of_answers);
}

/* ---- tickets, verdicts ---- */

static void
count_solved(struct scores *scores)
{
    struct moments moments;

    begin(&moments, scores->tickets.count);
    for (uint32_t i = 1; i < scores->tickets.used; i++)
        if (scores_ticket_at(scores, i)->counted_context != 0)
            add(&moments, scores_ticket_at(scores, i)->counted_at_ms, i);
    sort(&moments);
    for (size_t i = 0; i < moments.count; i++)
        score_count_solved(scores, moments.of[i].number, true);
    end(&moments);
}

static void
count_verdicts(struct scores *scores)
{
    struct moments moments;

    begin(&moments, scores->verdicts.count);
    for (uint32_t i = 1; i < scores->verdicts.used; i++) {
        const struct score_verdict *verdict = score_store_at(&scores->verdicts, i);

        if (verdict->context != 0)
            add(&moments, verdict->decided_at_ms, i);
    }
    sort(&moments);
    for (size_t i = 0; i < moments.count; i++)
        score_count_verdict(scores, moments.of[i].number, true);
    end(&moments);
}

void
score_bulk_count(struct scores *scores)
{
    score_answers_elect_all(scores);
    count_answers(scores);
    count_solved(scores);
    count_verdicts(scores);
    score_contacts_count_all(scores);
    for (uint32_t i = 1; i < scores->scopes.scopes.used; i++) {
        struct score_scope_state *scope = score_scopes_at(&scores->scopes, i);

        if (scope->number != 0 && scope->series_count > 0)
            score_publish_touch(scores, scope);
    }
}
