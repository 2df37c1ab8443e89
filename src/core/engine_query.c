/*
 * Questions to the engine that change nothing: clock lines, figures.
 *
 * Why apart: they are asked by people and by the end of a replay, never by an event. Always true: the answers
 * are derived the same way as the records. Not here: printing.
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
        line->figures.target_ms =
            promise_target_ms(clock->promise, fold->life.attributes[ATTRIBUTE_PRIORITY]);
}

void
engine_clock_lines(struct engine *engine, struct ticket *ticket, int64_t t_ms,
                   void (*line)(void *context, const struct clock_line *line), void *context)
{
    struct fold *fold = &engine->full;
    struct clock_line *lines;
    size_t count = 0;

    fold_init_again(fold, engine->set, &ticket->history);
    engine->merging =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
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

bool
engine_picture(struct engine *engine, struct ticket *ticket, int64_t t_ms, struct ticket_picture *picture)
{
    struct fold *fold = &engine->full;
    const struct life *life = &fold->life;

    if (ticket->retired)
        return false;
    fold_init_again(fold, engine->set, &ticket->history);
    engine->merging =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
    fold_derive(fold, t_ms, true);
    if (!life->exists)
        return false;
    *picture = (struct ticket_picture){
        .state = outcome_ticket_state(life),
        .erased = life->erased,
        .ball = life->ball,
        .turn = account_attribution(life->ball),
        .started_at_ms = life->started_at_ms,
        .source = engine_text(engine, life->source),
    };
    picture->waiting = picture->state == TICKET_OPEN && life->state == STATUS_WAITING;
    outcome_attributes(engine, life->attributes, life->erased, picture->attributes);
    return true;
}

void
engine_figures(const struct engine *engine, struct engine_figures *figures)
{
    *figures = engine->figures;
    figures->tickets = map_count(engine->tickets) - engine->retired_count;
    figures->tickets_open = engine->open_count;
    figures->retirement_marks = engine->retired_count;
    figures->merges = map_count(engine->edges);
    figures->tickets_hot = hot_count(engine->hot);
    figures->resident_bytes = engine->surveyed_bytes;
}

size_t
ticket_resident_bytes(const struct ticket *ticket)
{
    const struct marks *marks = &ticket->marks;

    return ticket_bytes(ticket->name_bytes) + ticket->history.room + hot_bytes(ticket) +
           (marks->alerts != NULL ? mark_room(marks->alerts_count) * sizeof *marks->alerts : 0) +
           (marks->verdicts != NULL ? mark_room(marks->verdicts_count) * sizeof *marks->verdicts : 0) +
           (marks->relay != NULL ? sizeof *marks->relay : 0);
}

void
engine_memory(const struct engine *engine, size_t *history_bytes, size_t *resident_bytes)
{
    const struct ticket *ticket;
    size_t cursor = 0;

    *history_bytes = *resident_bytes = 0;
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        *history_bytes += ticket->history.used;
        *resident_bytes += ticket_resident_bytes(ticket);
    }
}
