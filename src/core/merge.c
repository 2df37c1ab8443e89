/*
 * Merges between tickets: edges, circles, and what one ticket tells the other (semantics.md section 5,
 * rulings R32, R41, R67).
 *
 * Why edges: two merged tickets may live in different tasks, and a circle is decided by event time whatever
 * arrives first. So every task keeps every edge for a while, and a merge is void if the earlier ones already
 * lead back. Always true: an edge `from` is there at most once; a void merge tells nothing. Not here: what an
 * inherited start does to a clock (fold_event).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/ticket.h"
#include <stdlib.h>

#define CHAIN_MAX 64

static struct slice
key_of_edge(const void *value)
{
    return ((const struct merge_edge *)value)->name;
}

void
merge_init(struct engine *engine)
{
    engine->edges = map_new(key_of_edge, 0);
}

static struct merge_edge *
find_edge(const struct engine *engine, symbol from)
{
    return map_count(engine->edges) > 0 ? map_get(engine->edges, engine_text(engine, from)) : NULL;
}

static bool
is_earlier(const struct engine *engine, const struct merge_edge *edge, int64_t at_ms, symbol from)
{
    if (edge->at_ms != at_ms)
        return edge->at_ms < at_ms;
    return slice_compare(edge->name, engine_text(engine, from)) < 0;
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

/* ---- edges, the oldest arrival first ---- */

static void
unlink_edge(struct engine *engine, struct merge_edge *edge)
{
    *(edge->before != NULL ? &edge->before->behind : &engine->edges_oldest) = edge->behind;
    *(edge->behind != NULL ? &edge->behind->before : &engine->edges_newest) = edge->before;
}

static void
link_newest(struct engine *engine, struct merge_edge *edge)
{
    edge->behind = NULL;
    edge->before = engine->edges_newest;
    *(edge->before != NULL ? &edge->before->behind : &engine->edges_oldest) = edge;
    engine->edges_newest = edge;
}

/* Its record must be written, or its tombstone. */
static void
note_changed(struct engine *engine, symbol from)
{
    for (size_t i = 0; i < engine->edges_changed_count; i++) {
        if (engine->edges_changed[i] == from)
            return;
    }
    engine->edges_changed = memory_resize(engine->edges_changed,
                                          (engine->edges_changed_count + 1) * sizeof *engine->edges_changed);
    engine->edges_changed[engine->edges_changed_count++] = from;
    symbols_retain(engine->options.symbols, from);
}

static void
remove_edge(struct engine *engine, struct merge_edge *edge)
{
    must(map_remove(engine->edges, edge->name) == edge);
    unlink_edge(engine, edge);
    symbols_release(engine->options.symbols, edge->from);
    symbols_release(engine->options.symbols, edge->into);
    memory_free(edge);
}

/* Edges are kept for retire_after (R41). */
static void
forget_old_edges(struct engine *engine, int64_t t_ms)
{
    struct merge_edge *edge;

    while ((edge = engine->edges_oldest) != NULL &&
           t_ms - edge->arrived_at_ms > engine->options.retire_after_ms) {
        note_changed(engine, edge->from);
        remove_edge(engine, edge);
    }
}

/* More than are remembered: the oldest goes before its time. */
static void
forget_oldest_edge(struct engine *engine)
{
    struct merge_edge *edge = engine->edges_oldest;

    if (engine->options.merges_max == 0 || map_count(engine->edges) <= engine->options.merges_max)
        return;
    engine->figures.merges_forgotten++;
    note_changed(engine, edge->from);
    remove_edge(engine, edge);
}

static struct merge_edge *
put_edge(struct engine *engine, symbol from, symbol into, int64_t at_ms, int64_t t_ms)
{
    struct merge_edge *edge = find_edge(engine, from);

    if (edge == NULL) {
        edge = memory_allocate_zeroed(1, sizeof *edge);
        edge->from = from;
        edge->name = engine_text(engine, from);
        symbols_retain(engine->options.symbols, from);
        must(map_put(engine->edges, edge) == NULL);
    } else {
        unlink_edge(engine, edge);
    }
    link_newest(engine, edge);
    symbols_retain(engine->options.symbols, into);
    symbols_release(engine->options.symbols, edge->into);
    edge->into = into;
    edge->at_ms = at_ms;
    edge->arrived_at_ms = t_ms;
    edge->inherits = false;
    forget_oldest_edge(engine); /* not this one: it is the newest */
    return edge;
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
/* A ticket into which thousands are merged may be full of that alone: what more brings it nothing. */
static bool
has_room(struct engine *engine, struct ticket *ticket, struct slice from)
{
    const struct event event = {.type = EVENT_TICKET_MERGED, .into = from};

    if (ticket->history.count < ENGINE_FULL_FROM || engine->options.ticket_bytes_max == 0 ||
        !engine_is_full(engine, ticket, &event))
        return true;
    engine->figures.no_effect++;
    return false;
}

void
merge_deliver_kept(struct engine *engine, struct ticket *ticket)
{
    symbol into =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;

    for (struct merge_edge *edge = engine->edges_oldest; edge != NULL && into != 0; edge = edge->behind) {
        struct entry entry = {.type = ENTRY_MERGE_IN};

        if (!edge->inherits || edge->into != into)
            continue;
        edge->inherits = false;
        note_changed(engine, edge->from);
        if (!has_room(engine, ticket, edge->name))
            continue;
        entry.at_ms = edge->at_ms;
        entry.identity = hash_slice(0, edge->name);
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
    if (!relay->active || !has_room(engine, ticket, relay->from_ticket))
        return;
    entry.other = symbols_intern(engine->options.symbols, relay->from_ticket);
    entry.created_at_ms = relay->started_at_ms;
    entry.has_contact = relay->has_contact;
    entry.contact_at_ms = relay->has_contact ? relay->contact_at_ms : 0;
    (void)history_insert(&ticket->history, &entry, false);
}

/* A new or lost edge may make another ticket's merge void or valid, if a way leads on from it to that ticket:
 * those are derived again (R41). */
static void
review_circles(struct engine *engine, symbol from, symbol into, int64_t t_ms)
{
    symbol here = into;

    for (int hops = 0; hops < CHAIN_MAX && here != from; hops++) {
        const struct merge_edge *edge = find_edge(engine, here);
        symbol next = edge != NULL ? edge->into : 0;
        struct ticket *ticket = engine_find(engine, engine_text(engine, here));

        if (ticket != NULL && !ticket->retired && (edge != NULL || ticket->merge_is_void))
            engine_derive(engine, ticket, t_ms, false);
        if (next == 0)
            return;
        here = next;
    }
}

void
engine_relay(struct engine *engine, const struct relay *relay, int64_t t_ms)
{
    struct symbols *symbols = engine->options.symbols;
    struct ticket *ticket = engine_find(engine, relay->into_ticket);
    symbol from = symbols_intern(symbols, relay->from_ticket),
           into = symbols_intern(symbols, relay->into_ticket);
    struct merge_edge *edge = NULL;

    engine->late_entry_at_ms = NEVER;
    forget_old_edges(engine, t_ms);
    note_changed(engine, from);
    if (relay->active)
        edge = put_edge(engine, from, into, relay->at_ms, t_ms);
    else if ((edge = find_edge(engine, from)) != NULL)
        remove_edge(engine, edge);
    if (ticket != NULL && !ticket->retired) {
        insert_merge_in(engine, ticket, relay);
        engine->t_ms = t_ms > engine->t_ms ? t_ms : engine->t_ms;
        engine_touch(engine, ticket);
        engine_derive(engine, ticket, engine->t_ms, false);
    } else if (relay->active) {
        edge->inherits = true;
        edge->has_contact = relay->has_contact;
        edge->started_at_ms = relay->started_at_ms;
        edge->contact_at_ms = relay->contact_at_ms;
    }
    review_circles(engine, from, into, engine->t_ms);
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
    while (engine->edges_oldest != NULL)
        remove_edge(engine, engine->edges_oldest);
    map_free(engine->edges);
    while (engine->edges_changed_count > 0)
        symbols_release(engine->options.symbols, engine->edges_changed[--engine->edges_changed_count]);
    memory_free(engine->edges_changed);
    memory_free(engine->queue);
}

/* ---- for the shell ---- */

bool
engine_merge_changed_next(struct engine *engine, struct buffer *from)
{
    symbol name;

    if (engine->edges_changed_count == 0)
        return false;
    name = engine->edges_changed[--engine->edges_changed_count];
    buffer_reset(from);
    buffer_append_slice(from, engine_text(engine, name));
    symbols_release(engine->options.symbols, name);
    return true;
}

bool
engine_each_merge(const struct engine *engine, size_t *cursor, struct slice *from)
{
    const struct merge_edge *edge = map_each(engine->edges, cursor);

    if (edge != NULL)
        *from = edge->name;
    return edge != NULL;
}

bool
engine_each_merge_in_part(const struct engine *engine, size_t part, unsigned bits, size_t *cursor,
                          struct slice *from)
{
    const struct merge_edge *edge = map_each_in_part(engine->edges, part, bits, cursor);

    if (edge != NULL)
        *from = edge->name;
    return edge != NULL;
}

bool
engine_save_merge(const struct engine *engine, struct slice from, struct buffer *out)
{
    const struct merge_edge *edge = map_get(engine->edges, from);

    if (edge == NULL)
        return false;
    buffer_append_byte(out, ENGINE_STATE_FORMAT);
    buffer_append_byte(out, RECORD_MERGE);
    buffer_append_byte(out, (char)(edge->inherits | edge->has_contact << 1));
    buffer_append_varint_signed(out, edge->at_ms);
    buffer_append_varint_signed(out, edge->arrived_at_ms);
    buffer_append_varint_signed(out, edge->started_at_ms);
    buffer_append_varint_signed(out, edge->contact_at_ms);
    buffer_append_varint_slice(out, engine_text(engine, edge->into));
    return true;
}

int
engine_load_merge(struct engine *engine, struct slice from, struct slice record)
{
    struct slice rest = {record.at + 3, record.bytes - 3}, into_text;
    struct merge_edge read = {.inherits = false}, *edge;
    symbol from_symbol, into;

    if (record.bytes < 3 || record.at[0] < 2 || record.at[0] > ENGINE_STATE_FORMAT ||
        record.at[1] != RECORD_MERGE || (unsigned char)record.at[2] > 3 ||
        varint_get_signed(&rest, &read.at_ms) != 0 || varint_get_signed(&rest, &read.arrived_at_ms) != 0 ||
        varint_get_signed(&rest, &read.started_at_ms) != 0 ||
        varint_get_signed(&rest, &read.contact_at_ms) != 0 || varint_get_slice(&rest, &into_text) != 0 ||
        rest.bytes > 0 || into_text.bytes == 0 || from.bytes == 0)
        return -1;
    from_symbol = symbols_intern(engine->options.symbols, from);
    into = symbols_intern(engine->options.symbols, into_text);
    edge = put_edge(engine, from_symbol, into, read.at_ms, read.arrived_at_ms);
    edge->inherits = record.at[2] & 1;
    edge->has_contact = record.at[2] >> 1 & 1;
    edge->started_at_ms = read.started_at_ms;
    edge->contact_at_ms = read.contact_at_ms;
    symbols_release(engine->options.symbols, from_symbol);
    symbols_release(engine->options.symbols, into);
    return 0;
}

void
engine_forget_merge(struct engine *engine, struct slice from)
{
    struct merge_edge *edge = map_get(engine->edges, from);

    if (edge != NULL)
        remove_edge(engine, edge);
}

/* Loaded in any order, they are forgotten in the order of their arrival. */
static int
compare_arrivals(const void *a, const void *b)
{
    const struct merge_edge *left = *(struct merge_edge *const *)a, *right = *(struct merge_edge *const *)b;

    if (left->arrived_at_ms != right->arrived_at_ms)
        return left->arrived_at_ms < right->arrived_at_ms ? -1 : 1;
    return slice_compare(left->name, right->name);
}

void
merge_loaded(struct engine *engine)
{
    size_t count = map_count(engine->edges), cursor = 0;
    struct merge_edge **edges = memory_allocate((count + 1) * sizeof *edges);

    for (size_t i = 0; i < count; i++)
        edges[i] = map_each(engine->edges, &cursor);
    qsort(edges, count, sizeof *edges, compare_arrivals);
    engine->edges_oldest = engine->edges_newest = NULL;
    for (size_t i = 0; i < count; i++)
        link_newest(engine, edges[i]);
    memory_free(edges);
}
