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
    engine->merging = map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
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
        figures->tickets_open += !ticket->retired && ticket->open;
        figures->history_bytes += ticket->history.used;
        figures->resident_bytes += ticket_bytes(ticket->name_bytes) + ticket->history.room +
                                   ticket->point.room +
                                   (ticket->marks.alerts != NULL ? mark_room(ticket->marks.alerts_count) * sizeof *ticket->marks.alerts : 0) +
                                   (ticket->marks.verdicts != NULL ? mark_room(ticket->marks.verdicts_count) * sizeof *ticket->marks.verdicts : 0) +
                                   (ticket->marks.relay != NULL ? sizeof *ticket->marks.relay : 0);
    }
}

/* What a board shows of a task: what breaks next, what broke last, what waits. Each kind has its own list. */
enum open_list { OPEN_RUNNING, OPEN_BREACHED, OPEN_PAUSED, OPEN_LISTS_COUNT };

struct open_lists {
    struct open_clock *clocks[OPEN_LISTS_COUNT];
    size_t count[OPEN_LISTS_COUNT];
    size_t clocks_max;
};

static enum open_list
list_of(const struct open_clock *clock)
{
    return clock->state == CLOCK_BREACHED ? OPEN_BREACHED : clock->state == CLOCK_PAUSED ? OPEN_PAUSED : OPEN_RUNNING;
}

/* Running: the next due first. Breached: the latest breach first. Paused: the least that is left first. */
static bool
comes_before(enum open_list list, const struct open_clock *a, const struct open_clock *b)
{
    int64_t left_a = a->target_ms - a->elapsed_ms, left_b = b->target_ms - b->elapsed_ms;

    if (list == OPEN_PAUSED && left_a != left_b)
        return left_a < left_b;
    if (list != OPEN_PAUSED && a->due_at_ms != b->due_at_ms) {
        if (a->due_at_ms == INSTANT_NONE || b->due_at_ms == INSTANT_NONE)
            return b->due_at_ms == INSTANT_NONE;
        return list == OPEN_RUNNING ? a->due_at_ms < b->due_at_ms : a->due_at_ms > b->due_at_ms;
    }
    return slice_compare(a->name.ticket, b->name.ticket) < 0;
}

static void
offer(struct open_lists *lists, const struct open_clock *candidate)
{
    enum open_list list = list_of(candidate);
    struct open_clock *clocks = lists->clocks[list];
    size_t place;

    if (lists->count[list] == lists->clocks_max) {
        if (lists->clocks_max == 0 || !comes_before(list, candidate, &clocks[lists->clocks_max - 1]))
            return;
        lists->count[list]--;
    }
    for (place = lists->count[list]++; place > 0 && comes_before(list, candidate, &clocks[place - 1]); place--)
        clocks[place] = clocks[place - 1];
    clocks[place] = *candidate;
}

/* Half the places are for what breaks next, a quarter each for what broke last and what waits; what a kind does not use the
 * others may, in that order. */
static size_t
share_out(const struct open_lists *lists, struct open_clock *clocks, size_t clocks_max)
{
    size_t take[OPEN_LISTS_COUNT] = {clocks_max - clocks_max / 4 * 2, clocks_max / 4, clocks_max / 4};
    size_t left = clocks_max, count = 0;

    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        take[list] = take[list] < lists->count[list] ? take[list] : lists->count[list];
        left -= take[list];
    }
    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        size_t more = lists->count[list] - take[list] < left ? lists->count[list] - take[list] : left;

        left -= more;
        memcpy(clocks + count, lists->clocks[list], (take[list] + more) * sizeof *clocks);
        count += take[list] + more;
    }
    return count;
}

static void
fill_open(const struct engine *engine, const struct ticket *ticket, const struct clock *clock, int64_t t_ms,
          struct open_clock *open)
{
    const struct policy *policy = policy_set_version(engine->set, clock->version);
    const struct life *life = &engine->light.life;
    const symbol *attributes = life->attributes;

    *open = (struct open_clock){
        .name = {ticket_name(ticket), clock->promise->kind, policy->agreements[clock->promise->agreement].name,
                 engine_text(engine, clock->promise->name), clock->cycle},
        .state = clock_state(clock),
        .due_at_ms = clock_due_at_ms(clock, NULL),
        .target_ms = clock->target_ms,
        .elapsed_ms = clock_elapsed_ms(clock, t_ms),
        .turn = account_attribution(life->ball),
        .customer = engine_text(engine, attributes[ATTRIBUTE_CUSTOMER]),
        .service = engine_text(engine, attributes[ATTRIBUTE_SERVICE]),
        .priority = engine_text(engine, attributes[ATTRIBUTE_PRIORITY]),
        .group = engine_text(engine, attributes[ATTRIBUTE_GROUP]),
    };
}

static void
offer_ticket(struct engine *engine, const struct ticket *ticket, int64_t t_ms, struct open_counts *counts,
             struct open_lists *lists)
{
    struct fold *fold = &engine->light;
    const struct life *life = &fold->life;
    bool breached = false, paused = false;

    if (ticket->retired || !point_life(&ticket->point, ticket->history.base_ms, &fold->life) || !life->exists ||
        life->deleted || life->merged)
        return;
    counts->solved += life->phase == PHASE_SOLVED;
    counts->open += life->phase == PHASE_ACTIVE;
    counts->waiting += life->phase == PHASE_ACTIVE && life->state == STATUS_WAITING;
    if (life->phase == PHASE_ACTIVE) {
        fold->set = engine->set;
        fold->history = &ticket->history;
        fold->days_version = policy_set_in_force(engine->set, engine->t_ms);
        (void)point_restore(&ticket->point, fold);
    }
    for (size_t i = 0; life->phase == PHASE_ACTIVE && i < fold->clocks_count; i++) {
        const struct clock *clock = &fold->clocks[i];
        struct open_clock open;

        if (clock->started_at_ms == INSTANT_NONE || clock->ended)
            continue;
        breached |= clock_is_breached(clock);
        paused |= !clock->running;
        fill_open(engine, ticket, clock, t_ms, &open);
        offer(lists, &open);
    }
    counts->breached_open += breached;
    counts->paused += paused;
}

size_t
engine_open(struct engine *engine, int64_t t_ms, struct open_counts *counts, struct open_clock *clocks, size_t clocks_max)
{
    struct open_lists lists = {.clocks_max = clocks_max};
    const struct ticket *ticket;
    size_t cursor = 0, count;

    memset(counts, 0, sizeof *counts);
    for (int list = 0; list < OPEN_LISTS_COUNT; list++)
        lists.clocks[list] = memory_allocate((clocks_max + 1) * sizeof *clocks);
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL)
        offer_ticket(engine, ticket, t_ms, counts, &lists);
    count = share_out(&lists, clocks, clocks_max);
    for (int list = 0; list < OPEN_LISTS_COUNT; list++)
        memory_free(lists.clocks[list]);
    return count;
}
