/*
 * What: cuts, for reports: whatever matches, by whatever dimensions, in whatever stretch of time.
 *
 * Why this way: a report asks for what the policy need not ask for (this customer's services, his months, the
 * clocks of both sides). To the fold a cut is one definition more; what it says is read by the same functions
 * as every score, so a report and a board cannot differ.
 *
 * Always true: nothing of a cut is published; a scope without anything in it does not exist.
 *
 * Not here: what a report makes of it (slactl/report).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/scores_state.h"
#include <stdlib.h>

struct cut_scope {
    const struct symbols *symbols;
    const struct score_scope_state *scope;
};

static int
compare_scopes(const void *a, const void *b)
{
    const struct cut_scope *left = a, *right = b;
    int order = 0;

    for (size_t i = 0; order == 0 && i < SCORE_DIMENSIONS_COUNT; i++)
        order = slice_compare(symbols_text(left->symbols, left->scope->values.of[i]),
                              symbols_text(left->symbols, right->scope->values.of[i]));
    return order;
}

static int
compare_lines(const void *a, const void *b)
{
    const struct scores_line *left = a, *right = b;

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return slice_compare(left->clock, right->clock);
}

static struct score_rate
rate_of(const struct score_tally *tally, int hits, int n)
{
    struct score_rate rate = {.hits = tally->columns[hits], .n = tally->columns[n]};

    rate.present = rate.n > 0;
    if (rate.present)
        rate.value = (double)rate.hits / (double)rate.n;
    return rate;
}

static size_t
read_lines(const struct scores *scores, const struct score_scope_state *scope, const struct scores_span *span,
           struct scores_line *lines)
{
    size_t count = 0;

    for (uint32_t i = 0; i < scope->series_count; i++) {
        uint64_t kind = scope->series[i].kind;
        struct score_tally tally;

        if (kind >> 56 != SCORE_LINE)
            continue;
        tally = score_figures_tally(scores, scope, kind, span->after_ms, span->through_ms);
        if (tally.columns[CLOCK_CONTRACT_N] == 0 && tally.columns[CLOCK_HONEST_N] == 0)
            continue;
        lines[count++] =
            (struct scores_line){.kind = (enum clock_kind)(uint8_t)kind,
                                 .clock = symbols_text(scores->options.symbols, score_series_name(kind)),
                                 .contract = rate_of(&tally, CLOCK_CONTRACT_MET, CLOCK_CONTRACT_N),
                                 .honest = rate_of(&tally, CLOCK_HONEST_MET, CLOCK_HONEST_N)};
    }
    if (count > 1)
        qsort(lines, count, sizeof *lines, compare_lines);
    return count;
}

static void
read_scope(struct scores *scores, const struct score_scope_state *scope, const struct scores_span *span,
           void (*take)(void *context, const struct scores_slice *slice), void *context)
{
    const struct score_frame frame = {.before_ms = span->before_ms,
                                      .after_ms = span->after_ms,
                                      .through_ms = span->through_ms,
                                      .min_answers = scores->experience->min_answers,
                                      .neutral = scores->experience->neutral};
    struct scores_line *lines = memory_allocate(((size_t)scope->series_count + 1) * sizeof *lines);
    struct score_tally life = score_figures_tally(scores, scope, score_series_kind(SCORE_LIFE, 0, 0),
                                                  span->after_ms, span->through_ms);
    struct scores_slice slice = {.lines = lines, .tickets = life.columns[LIFE_N]};
    struct score_reading reading;

    score_figures_frame(scores, scope, &frame, &reading);
    slice.record = reading.record;
    slice.lines_count = read_lines(scores, scope, span, lines);
    for (int i = 0; i < PARTIES_COUNT; i++)
        slice.wall_ms[i] = life.columns[LIFE_PARTY_FIRST + i];
    take(context, &slice);
    memory_free(lines);
}

void
scores_read_cut(struct scores *scores, size_t cut, const struct scores_span *span,
                void (*take)(void *context, const struct scores_slice *slice), void *context)
{
    struct cut_scope *found = memory_allocate(((size_t)scores->scopes.scopes.count + 1) * sizeof *found);
    size_t count = 0;

    must(cut < scores->options.cuts_count);
    for (uint32_t i = 1; i < scores->scopes.scopes.used; i++) {
        const struct score_scope_state *scope = score_scopes_at(&scores->scopes, i);
        const struct score_definition *definition = &scores->scopes.definitions[scope->definition];

        if (scope->number != 0 && definition->use == SCORE_USE_CUT && definition->index == cut)
            found[count++] = (struct cut_scope){scores->options.symbols, scope};
    }
    if (count > 1)
        qsort(found, count, sizeof *found, compare_scopes);
    for (size_t i = 0; i < count; i++)
        read_scope(scores, found[i].scope, span, take, context);
    memory_free(found);
}
