/*
 * What: answer outcomes stamped ahead of T: they are facts already, and count from their own time on.
 *
 * Why this way: the outcome goes out when the event comes, so a restart finds it in the log; only its fold
 * waits. Rare, so a sorted array of copies serves.
 *
 * Always true: everything that waits is stamped after T; in order of time; of one feedback and instant only
 * the highest revision.
 *
 * Not here: refusing what is stamped too far ahead (score_join).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/scores_state.h"

static bool
same_feedback(const struct answer_outcome *a, const struct answer_outcome *b)
{
    return a->offered_only == b->offered_only && slice_equal(a->feedback.id, b->feedback.id) &&
           (a->feedback.survey.at == NULL) == (b->feedback.survey.at == NULL) &&
           slice_equal(a->feedback.survey, b->feedback.survey);
}

/* Every slice of an outcome, to be moved one by one. */
static size_t
slices_of(struct answer_outcome *outcome, struct slice **ret_slices)
{
    struct slice *own[] = {&outcome->feedback.id,
                           &outcome->feedback.survey,
                           &outcome->feedback.touchpoint,
                           &outcome->feedback.scale,
                           &outcome->feedback.respondent,
                           &outcome->source,
                           &outcome->ticket,
                           &outcome->event,
                           &outcome->event_source,
                           &outcome->acknowledged_by};
    size_t count = sizeof own / sizeof *own;

    memcpy(ret_slices, own, sizeof own);
    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        ret_slices[count++] = &outcome->attributes[i];
    return count;
}
enum { SLICES_MAX = 10 + ATTRIBUTES_COUNT };

static char *
move_slice(struct slice *slice, char *to)
{
    if (slice->at == NULL)
        return to;
    if (slice->bytes > 0)
        memcpy(to, slice->at, slice->bytes);
    slice->at = to;
    return to + slice->bytes;
}

/* A copy with everything it points to in one block. */
static struct score_waiting
copy(const struct answer_outcome *outcome)
{
    struct score_waiting result = {.outcome = *outcome};
    struct slice *slices[SLICES_MAX];
    size_t count = slices_of(&result.outcome, slices);
    size_t aspects_bytes = outcome->feedback.aspects_count * sizeof(struct feedback_aspect);
    size_t bytes = aspects_bytes + 1;
    struct feedback_aspect *aspects;
    char *at;

    for (size_t i = 0; i < count; i++)
        bytes += slices[i]->bytes;
    for (size_t i = 0; i < outcome->feedback.aspects_count; i++)
        bytes += outcome->feedback.aspects[i].name.bytes;
    result.bytes = memory_allocate(bytes);
    aspects = (void *)result.bytes;
    if (aspects_bytes > 0)
        memcpy(aspects, outcome->feedback.aspects, aspects_bytes);
    at = result.bytes + aspects_bytes;
    for (size_t i = 0; i < count; i++)
        at = move_slice(slices[i], at);
    for (size_t i = 0; i < outcome->feedback.aspects_count; i++)
        at = move_slice(&aspects[i].name, at);
    result.outcome.feedback.aspects = aspects;
    return result;
}

static void
remove_at(struct scores *scores, size_t i)
{
    memory_free(scores->waiting[i].bytes);
    scores->waiting_count--;
    memmove(&scores->waiting[i], &scores->waiting[i + 1],
            (scores->waiting_count - i) * sizeof *scores->waiting);
}

static void
keep(struct scores *scores, const struct answer_outcome *outcome)
{
    size_t i = 0;

    for (; i < scores->waiting_count && scores->waiting[i].outcome.answered_at_ms <= outcome->answered_at_ms;
         i++) {
        const struct answer_outcome *other = &scores->waiting[i].outcome;

        if (other->answered_at_ms != outcome->answered_at_ms || !same_feedback(other, outcome))
            continue;
        if (other->arrival.revision >= outcome->arrival.revision) {
            scores->stale++;
            if (other->arrival.revision == outcome->arrival.revision) /* loaded, and read once more */
                scores->waiting[i].is_behind = false;
            return;
        }
        remove_at(scores, i);
        break;
    }
    if (scores->waiting_count == scores->waiting_room) {
        scores->waiting_room = scores->waiting_room * 2 + 4;
        scores->waiting = memory_resize(scores->waiting, scores->waiting_room * sizeof *scores->waiting);
    }
    memmove(&scores->waiting[i + 1], &scores->waiting[i],
            (scores->waiting_count - i) * sizeof *scores->waiting);
    scores->waiting[i] = copy(outcome);
    scores->waiting_count++;
    score_parts_touch(scores, SCORE_PART_REST, 0);
}

void
score_waiting_take(struct scores *scores, const struct answer_outcome *outcome)
{
    if (outcome->answered_at_ms > scores->t_ms)
        keep(scores, outcome);
    else
        score_answers_fold(scores, outcome);
}

void
score_waiting_adopt(struct scores *scores, const struct answer_outcome *outcome)
{
    keep(scores, outcome);
}

void
score_waiting_fold_due(struct scores *scores)
{
    while (scores->waiting_count > 0 && scores->waiting[0].outcome.answered_at_ms <= scores->t_ms) {
        struct score_waiting due = scores->waiting[0];

        scores->waiting_count--;
        memmove(&scores->waiting[0], &scores->waiting[1], scores->waiting_count * sizeof *scores->waiting);
        score_answers_fold(scores, &due.outcome);
        if (due.is_behind)
            score_join_mark(scores, &due.outcome);
        memory_free(due.bytes);
    }
}

void
score_waiting_renew(struct scores *scores, size_t i, const struct answer_outcome *outcome)
{
    struct score_waiting renewed = copy(outcome); /* it may point at what is there */

    memory_free(scores->waiting[i].bytes);
    scores->waiting[i] = renewed;
    score_parts_touch(scores, SCORE_PART_REST, 0);
}

const struct answer_outcome *
score_waiting_next(const struct scores *scores, const struct answer_outcome *like, size_t *cursor)
{
    while (*cursor < scores->waiting_count) {
        const struct answer_outcome *outcome = &scores->waiting[(*cursor)++].outcome;

        if (same_feedback(outcome, like))
            return outcome;
    }
    return NULL;
}

void
score_waiting_done(struct scores *scores)
{
    while (scores->waiting_count > 0)
        remove_at(scores, scores->waiting_count - 1);
    memory_free(scores->waiting);
}
