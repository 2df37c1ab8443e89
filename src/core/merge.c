/*
 * Merges between tickets: edges, circles, and what one ticket tells the other (semantics.md section 5, rulings R32, R41, R67).
 *
 * Why edges: two merged tickets may live in different tasks, and a circle is decided by event time whatever arrives
 * first. So every task keeps every edge for a while, and a merge is void if the earlier ones already lead back.
 * Always true: an edge `from` is there at most once; a void merge tells nothing.
 * Not here: what an inherited start does to a clock (fold_event).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "core/ticket.h"

#define CHAIN_MAX 64

static struct merge_edge *
find_edge(const struct engine *engine, symbol from)
{
    for (size_t i = 0; i < engine->edges_count; i++) {
        if (engine->edges[i].from == from)
            return &engine->edges[i];
    }
    return NULL;
}

static bool
is_earlier(const struct engine *engine, const struct merge_edge *edge, int64_t at_ms, symbol from)
{
    if (edge->at_ms != at_ms)
        return edge->at_ms < at_ms;
    return slice_compare(engine_text(engine, edge->from), engine_text(engine, from)) < 0;
}

/* Whether the edges earlier than (at_ms, from) lead from `into` back to `from`. */
static bool
closes_circle(const struct engine *engine, symbol from, symbol into, int64_t at_ms, int depth)
{
    symbol here = into;

    for (int hops = 0; hops < CHAIN_MAX && depth < CHAIN_MAX; hops++) {
        const struct merge_edge *edge = find_edge(engine, here);

        if (here == from)
            return true;
        if (edge == NULL || !is_earlier(engine, edge, at_ms, from) ||
            closes_circle(engine, edge->from, edge->into, edge->at_ms, depth + 1))
            return false;
        here = edge->into;
    }
    return false;
}

bool
merge_is_void(void *context, const struct entry *merge)
{
    const struct engine *engine = context;

    if (engine->merging == 0)
        return false;
    return closes_circle(engine, engine->merging, merge->other, merge->at_ms, 0);
}

/* Edges are kept for retire_after (R41). */
static void
forget_old_edges(struct engine *engine, int64_t t_ms)
{
    for (size_t i = 0; i < engine->edges_count;) {
        if (t_ms - engine->edges[i].arrived_at_ms > engine->options.retire_after_ms)
            merge_edge_remove(engine, engine->edges[i].from);
        else
            i++;
    }
}

void
merge_edge_put(struct engine *engine, symbol from, symbol into, int64_t at_ms, int64_t t_ms)
{
    struct merge_edge *edge;

    forget_old_edges(engine, t_ms);
    edge = find_edge(engine, from);
    if (edge == NULL) {
        if (engine->edges_count == engine->edges_room) {
            engine->edges_room = engine->edges_room > 0 ? engine->edges_room * 2 : 8;
            engine->edges = memory_resize(engine->edges, engine->edges_room * sizeof *engine->edges);
        }
        edge = &engine->edges[engine->edges_count++];
        *edge = (struct merge_edge){.from = from};
        symbols_retain(engine->options.symbols, from);
    }
    symbols_retain(engine->options.symbols, into);
    symbols_release(engine->options.symbols, edge->into);
    edge->into = into;
    edge->at_ms = at_ms;
    edge->arrived_at_ms = t_ms;
}

void
merge_edge_remove(struct engine *engine, symbol from)
{
    struct merge_edge *edge = find_edge(engine, from);

    if (edge == NULL)
        return;
    symbols_release(engine->options.symbols, edge->from);
    symbols_release(engine->options.symbols, edge->into);
    *edge = engine->edges[--engine->edges_count];
}

static void
put_in_queue(struct engine *engine, const struct relay *relay)
{
    struct waiting_relay waiting = {.relay = *relay,
                                    .from = symbols_intern(engine->options.symbols, relay->from_ticket),
                                    .into = symbols_intern(engine->options.symbols, relay->into_ticket)};

    waiting.relay.from_ticket = engine_text(engine, waiting.from);
    waiting.relay.into_ticket = engine_text(engine, waiting.into);
    if (engine->queue_count == engine->queue_room) {
        engine->queue_room = engine->queue_room > 0 ? engine->queue_room * 2 : 4;
        engine->queue = memory_resize(engine->queue, engine->queue_room * sizeof *engine->queue);
    }
    engine->queue[engine->queue_count++] = waiting;
}

static void
send_relay(struct engine *engine, const struct relay *relay)
{
    if (engine->options.loop_relays)
        put_in_queue(engine, relay);
    engine->figures.records++;
    if (engine->options.sink.relay != NULL)
        engine->options.sink.relay(engine->options.sink.context, relay);
}

/* Tells the other ticket what this one's life says now, if it says anything new. */
void
merge_announce(struct engine *engine, struct ticket *ticket)
{
    const struct life *life = &engine->said->life;
    struct marks *marks = &ticket->marks;
    struct relay_mark *mark;
    struct relay relay = {.from_ticket = ticket_name(ticket), .at_ms = life->merged_at_ms};
    const int64_t numbers[] = {life->merged_at_ms, life->earliest_start_ms, life->relay_contact_ms};
    uint64_t into = life->merged ? hash_slice(0, engine_text(engine, life->merged_into)) : 0;
    uint64_t content = life->merged ? hash_bytes(into, numbers, sizeof numbers) | 1 : 0;

    if (content == (marks->relay != NULL ? marks->relay->content : 0))
        return;
    if (marks->relay == NULL)
        marks->relay = memory_allocate_zeroed(1, sizeof *marks->relay);
    mark = marks->relay;
    engine_touch(engine, ticket);
    if (mark->into != 0 && mark->into != (life->merged ? life->merged_into : 0)) {
        relay.into_ticket = engine_text(engine, mark->into);
        send_relay(engine, &relay);
    }
    if (life->merged) {
        relay.active = true;
        relay.into_ticket = engine_text(engine, life->merged_into);
        relay.started_at_ms = life->earliest_start_ms;
        relay.has_contact = life->relay_contact_ms != INSTANT_NONE;
        relay.contact_at_ms = life->relay_contact_ms;
        send_relay(engine, &relay);
    }
    symbols_retain(engine->options.symbols, life->merged ? life->merged_into : 0);
    symbols_release(engine->options.symbols, mark->into);
    mark->into = life->merged ? life->merged_into : 0;
    mark->content = content;
}

/* What was kept for a ticket that nobody knew yet. */
void
merge_deliver_kept(struct engine *engine, struct ticket *ticket)
{
    symbol into = symbols_find(engine->options.symbols, ticket_name(ticket));

    for (size_t i = 0; i < engine->edges_count && into != 0; i++) {
        struct merge_edge *edge = &engine->edges[i];
        struct entry entry = {.type = ENTRY_MERGE_IN};

        if (!edge->inherits || edge->into != into)
            continue;
        edge->inherits = false;
        entry.at_ms = edge->at_ms;
        entry.identity = edge->from_hash;
        entry.other = edge->from;
        entry.has_created_at = true;
        entry.created_at_ms = edge->started_at_ms;
        entry.has_contact = edge->has_contact;
        entry.contact_at_ms = edge->contact_at_ms;
        symbols_retain(engine->options.symbols, entry.other);
        (void)history_insert(&ticket->history, &entry, false);
    }
}

static void
insert_merge_in(struct engine *engine, struct ticket *ticket, const struct relay *relay)
{
    struct entry entry = {.type = ENTRY_MERGE_IN, .at_ms = relay->at_ms, .has_created_at = true};

    entry.identity = hash_slice(0, relay->from_ticket);
    (void)history_remove_merge_in(&ticket->history, entry.identity, engine->options.symbols);
    if (!relay->active)
        return;
    entry.other = symbols_intern(engine->options.symbols, relay->from_ticket);
    entry.created_at_ms = relay->started_at_ms;
    entry.has_contact = relay->has_contact;
    entry.contact_at_ms = relay->has_contact ? relay->contact_at_ms : 0;
    (void)history_insert(&ticket->history, &entry, false);
}

/* A new or lost edge may make another ticket's merge void or valid: those are derived again (R41). */
static void
review_circles(struct engine *engine, const struct relay *relay, int64_t t_ms)
{
    size_t count = engine->edges_count;
    symbol from = symbols_find(engine->options.symbols, relay->from_ticket);

    for (size_t i = 0; i < count && i < engine->edges_count && count > 1; i++) {
        struct ticket *ticket = engine_find(engine, engine_text(engine, engine->edges[i].from));

        if (ticket != NULL && engine->edges[i].from != from)
            engine_derive(engine, ticket, t_ms, false);
    }
}

void
engine_relay(struct engine *engine, const struct relay *relay, int64_t t_ms)
{
    struct symbols *symbols = engine->options.symbols;
    struct ticket *ticket = engine_find(engine, relay->into_ticket);
    symbol from = symbols_intern(symbols, relay->from_ticket), into = symbols_intern(symbols, relay->into_ticket);

    engine->late_entry_at_ms = NEVER;
    if (relay->active)
        merge_edge_put(engine, from, into, relay->at_ms, t_ms);
    else
        merge_edge_remove(engine, from);
    if (ticket != NULL && !ticket->retired) {
        insert_merge_in(engine, ticket, relay);
        engine->t_ms = t_ms > engine->t_ms ? t_ms : engine->t_ms;
        engine_touch(engine, ticket);
        engine_derive(engine, ticket, engine->t_ms, false);
    } else if (relay->active) {
        struct merge_edge *edge = find_edge(engine, from);

        edge->inherits = true;
        edge->from_hash = hash_slice(0, relay->from_ticket);
        edge->has_contact = relay->has_contact;
        edge->started_at_ms = relay->started_at_ms;
        edge->contact_at_ms = relay->contact_at_ms;
    }
    review_circles(engine, relay, engine->t_ms);
    symbols_release(symbols, from);
    symbols_release(symbols, into);
    if (!engine->draining)
        merge_drain_queue(engine, engine->t_ms);
}

void
merge_drain_queue(struct engine *engine, int64_t t_ms)
{
    engine->draining = true;
    for (size_t i = 0; i < engine->queue_count; i++) {
        struct waiting_relay waiting = engine->queue[i];

        engine_relay(engine, &waiting.relay, t_ms);
        symbols_release(engine->options.symbols, waiting.from);
        symbols_release(engine->options.symbols, waiting.into);
    }
    engine->queue_count = 0;
    engine->draining = false;
}

void
merge_done(struct engine *engine)
{
    while (engine->edges_count > 0)
        merge_edge_remove(engine, engine->edges[0].from);
    memory_free(engine->edges);
    memory_free(engine->queue);
}
