/*
 * What: when a scope's records go out: on change, at most once in publish_every; and when time alone changes
 * them.
 *
 * Why this way: one heap of scopes by the instant at which each has something to say next. A change asks for
 * "now, or when the pause is over"; after each publication the scope asks for the next instant at which
 * something leaves a window. So an expiry is exact to the millisecond and costs nothing until it comes.
 *
 * Always true: a scope that changed since its last publication is in the heap; a record goes out only if it
 * says something else than the last one of its scope and window.
 *
 * Not here: what a record says (score_figures).
 */
#include "base/panic.h"
#include "core/scores_state.h"

static int64_t
no_earlier_ms(const struct scores *scores, const struct score_scope_state *scope, int64_t wanted_ms)
{
    int64_t pause_over_ms = scope->published_at_ms;

    if (pause_over_ms == INT64_MIN)
        return wanted_ms;
    pause_over_ms += scores->options.publish_every_ms;
    return wanted_ms > pause_over_ms ? wanted_ms : pause_over_ms;
}

static void
ask_for(struct scores *scores, struct score_scope_state *scope, int64_t at_ms)
{
    if (!heap_item_is_in(&scope->due))
        heap_put(scores->scopes.due, &scope->due, at_ms);
    else if (scope->due.at_ms > at_ms)
        heap_move(scores->scopes.due, &scope->due, at_ms);
}

void
score_publish_touch(struct scores *scores, struct score_scope_state *scope)
{
    bool wanted = scores->options.sink.score != NULL;

    if (scores->scopes.definitions[scope->definition].use == SCORE_USE_WATERMELON)
        wanted |= scores->options.sink.contract != NULL;
    if (wanted)
        ask_for(scores, scope, no_earlier_ms(scores, scope, scores->t_ms));
}

void
score_publish_ask(struct scores *scores, struct score_scope_state *scope, int64_t at_ms)
{
    if (scores->options.sink.score != NULL)
        ask_for(scores, scope, no_earlier_ms(scores, scope, at_ms));
}

bool
score_publish_differs(struct scores *scores, struct score_scope_state *scope, uint64_t digest,
                      uint32_t *ret_revision)
{
    struct score_published *last = &scope->published[0];

    *ret_revision = last->revision;
    if (last->digest == digest)
        return false;
    last->digest = digest;
    *ret_revision = ++last->revision;
    scope->published_at_ms = scores->t_ms;
    scores->published++;
    return true;
}

int64_t
score_publish_next_ms(const struct scores *scores)
{
    const struct heap_item *top = heap_top(scores->scopes.due);

    if (top == NULL || scores->rebuilding)
        return INT64_MAX;
    return top->at_ms > scores->resumed_at_ms ? top->at_ms : scores->resumed_at_ms;
}

struct publication {
    struct scores *scores;
    struct score_scope_state *scope;
    int64_t next_ms;
    bool said;
};

static void
publish_window(void *context, size_t window, struct score_reading *reading)
{
    struct publication *publication = context;
    struct scores *scores = publication->scores;
    struct score_published *last = &publication->scope->published[window];

    if (reading->expires_at_ms < publication->next_ms)
        publication->next_ms = reading->expires_at_ms;
    if (reading->digest == last->digest)
        return;
    last->digest = reading->digest;
    reading->record.revision = ++last->revision;
    publication->said = true;
    scores->published++;
    scores->options.sink.score(scores->options.sink.context, &reading->record);
}

/* Returns when time alone changes it. */
static int64_t
publish_scores(struct scores *scores, struct score_scope_state *scope, int64_t at_ms)
{
    struct publication publication = {.scores = scores, .scope = scope, .next_ms = INT64_MAX};

    if (scores->options.sink.score == NULL)
        return INT64_MAX;
    score_figures_read(scores, scope, at_ms, publish_window, &publication);
    if (publication.said)
        scope->published_at_ms = at_ms;
    return publication.next_ms;
}

static int64_t
publish(struct scores *scores, struct score_scope_state *scope, int64_t at_ms, bool always)
{
    switch (scores->scopes.definitions[scope->definition].use) {
    case SCORE_USE_SCORES:
        return publish_scores(scores, scope, at_ms);
    case SCORE_USE_KEI:
        return score_keis_publish(scores, scope, at_ms, always);
    case SCORE_USE_PXA:
        return score_pxa_publish(scores, scope, at_ms, always);
    case SCORE_USE_WATERMELON:
        return score_watermelons_publish(scores, scope, at_ms, always);
    case SCORE_USE_CREDITS:
        return score_credits_publish(scores, scope, at_ms, always);
    case SCORE_USE_ATTAINMENT:
        return score_attainments_publish(scores, scope, at_ms, always);
    case SCORE_USE_CUT:
        return INT64_MAX; /* read by scores_cut only */
    }
    panic("a scope for nothing");
}

void
score_publish_again(struct scores *scores, struct score_scope_state *scope)
{
    (void)publish(scores, scope, scores->t_ms, true);
}

void
score_publish_due(struct scores *scores)
{
    struct heap_item *top = heap_top(scores->scopes.due);
    struct score_scope_state *scope = (void *)top;
    int64_t at_ms = score_publish_next_ms(scores);
    int64_t next_ms;

    must(top != NULL);
    heap_remove(scores->scopes.due, top);
    next_ms = publish(scores, scope, at_ms, false);
    if (next_ms != INT64_MAX)
        ask_for(scores, scope, no_earlier_ms(scores, scope, next_ms));
}
