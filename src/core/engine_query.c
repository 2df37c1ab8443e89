/*
 * Questions to the engine that change nothing: clock lines, open clocks, figures.
 *
 * Why apart: they are asked by people and by the end of a replay, never by an event. Always true: the answers are derived the
 * same way as the records. Not here: printing.
 */
#include "base/memory.h"
#include "core/ticket.h"
#include <stdlib.h>


static int
compare_lines(const void *a, const void *b)
{
    const struct clock_name *left = &((const struct clock_line *)a)->name;
    const struct clock_name *right = &((const struct clock_line *)b)->name;
    int order;

    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    order = slice_compare(left->clock, right->clock);
    return order != 0 ? order : left->cycle < right->cycle ? -1 : left->cycle > right->cycle;
}

static void
fill_line(const struct engine *engine, const struct ticket *ticket, const struct clock *clock,
          const struct clock_extra *extra, struct clock_line *line)
{
    const struct fold *fold = &engine->full;
    const struct policy *policy = policy_set_version(engine->set, clock->version);
    int64_t at_ms = clock->ended ? clock->stopped_at_ms : fold->life.at_ms;

    memset(line, 0, sizeof *line);
    line->name = (struct clock_name){ticket_name(ticket), clock->promise->kind,
                                     policy->agreements[clock->promise->agreement].name,
                                     engine_text(engine, clock->promise->name), clock->cycle};
    clock_figures_at(clock, extra, at_ms, &line->figures);
    if (clock->started_at_ms == INSTANT_NONE)
        line->figures.target_ms = promise_target_ms(clock->promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
}

void
engine_clock_lines(struct engine *engine, struct ticket *ticket, int64_t t_ms,
                   void (*line)(void *context, const struct clock_line *line), void *context)
{
    struct fold *fold = &engine->full;
    struct clock_line *lines;
    size_t count = 0;

    fold_init_again(fold, engine->set, &ticket->history);
    engine->merging = engine->edges_count > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
    fold_derive(fold, t_ms, true);
    announce_corrections(engine, ticket);
    lines = memory_allocate((fold->clocks_count + fold->past_count + 1) * sizeof *lines);
    for (size_t i = 0; i < fold->past_count; i++)
        fill_line(engine, ticket, &fold->past[i].clock, &fold->past[i].extra, &lines[count++]);
    for (size_t i = 0; i < fold->clocks_count; i++) {
        if (!(fold->clocks[i].lost && fold->clocks[i].started_at_ms == INSTANT_NONE))
            fill_line(engine, ticket, &fold->clocks[i], &fold->extras[i], &lines[count++]);
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++)
        line(context, &lines[i]);
    memory_free(lines);
}

void
engine_figures(const struct engine *engine, struct engine_figures *figures)
{
    const struct ticket *ticket;
    size_t cursor = 0;

    *figures = engine->figures;
    figures->tickets = figures->tickets_open = figures->retirement_marks = 0;
    figures->history_bytes = figures->resident_bytes = 0;
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        figures->tickets += !ticket->retired;
        figures->retirement_marks += ticket->retired;
        figures->tickets_open += !ticket->retired && ticket->life.exists && ticket->life.phase == PHASE_ACTIVE;
        figures->history_bytes += ticket->history.used;
        figures->resident_bytes += sizeof *ticket + ticket->name_bytes + 1 + ticket->history.room +
                                   ticket->clocks_count * sizeof *ticket->clocks +
                                   ticket->marks.alerts_room * sizeof *ticket->marks.alerts +
                                   ticket->marks.verdicts_room * sizeof *ticket->marks.verdicts;
    }
}

static bool
more_dangerous(const struct open_clock *a, const struct open_clock *b)
{
    bool a_late = a->state == CLOCK_BREACHED, b_late = b->state == CLOCK_BREACHED;
    bool a_paused = a->due_at_ms == INSTANT_NONE, b_paused = b->due_at_ms == INSTANT_NONE;

    if (a_late != b_late)
        return a_late;
    if (a_paused != b_paused)
        return b_paused;
    if (a->due_at_ms != b->due_at_ms)
        return a->due_at_ms < b->due_at_ms;
    return slice_compare(a->name.ticket, b->name.ticket) < 0;
}

static void
offer(struct open_clock *clocks, size_t *count, size_t clocks_max, const struct open_clock *candidate)
{
    size_t place;

    if (*count == clocks_max) {
        if (clocks_max == 0 || !more_dangerous(candidate, &clocks[clocks_max - 1]))
            return;
        (*count)--;
    }
    for (place = (*count)++; place > 0 && more_dangerous(candidate, &clocks[place - 1]); place--)
        clocks[place] = clocks[place - 1];
    clocks[place] = *candidate;
}

static void
fill_open(const struct engine *engine, const struct ticket *ticket, const struct clock *clock, int64_t t_ms,
          struct open_clock *open)
{
    const struct policy *policy = policy_set_version(engine->set, clock->version);
    const symbol *attributes = ticket->life.attributes;

    *open = (struct open_clock){
        .name = {ticket_name(ticket), clock->promise->kind, policy->agreements[clock->promise->agreement].name,
                 engine_text(engine, clock->promise->name), clock->cycle},
        .state = clock_state(clock),
        .due_at_ms = clock_due_at_ms(clock, NULL),
        .target_ms = clock->target_ms,
        .elapsed_ms = clock_elapsed_ms(clock, t_ms),
        .turn = account_attribution(ticket->life.ball),
        .customer = engine_text(engine, attributes[ATTRIBUTE_CUSTOMER]),
        .service = engine_text(engine, attributes[ATTRIBUTE_SERVICE]),
        .priority = engine_text(engine, attributes[ATTRIBUTE_PRIORITY]),
        .group = engine_text(engine, attributes[ATTRIBUTE_GROUP]),
    };
}

size_t
engine_open(struct engine *engine, int64_t t_ms, struct open_counts *counts, struct open_clock *clocks, size_t clocks_max)
{
    const struct ticket *ticket;
    size_t cursor = 0, count = 0;

    memset(counts, 0, sizeof *counts);
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        const struct life *life = &ticket->life;
        bool breached = false, paused = false;

        if (ticket->retired || !life->exists || life->deleted || life->merged)
            continue;
        counts->solved += life->phase == PHASE_SOLVED;
        counts->open += life->phase == PHASE_ACTIVE;
        counts->waiting += life->phase == PHASE_ACTIVE && life->state == STATUS_WAITING;
        for (uint32_t i = 0; i < ticket->clocks_count && life->phase == PHASE_ACTIVE; i++) {
            const struct clock *clock = &ticket->clocks[i];
            struct open_clock open;

            if (clock->started_at_ms == INSTANT_NONE || clock->ended)
                continue;
            breached |= clock_is_breached(clock);
            paused |= !clock->running;
            fill_open(engine, ticket, clock, t_ms, &open);
            offer(clocks, &count, clocks_max, &open);
        }
        counts->breached_open += breached;
        counts->paused += paused;
    }
    return count;
}
