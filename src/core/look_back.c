/*
 * How far back the tickets of a task go (slad/engine.h, engine_look_back).
 *
 * Why so: a ticket is derived from its first event on, by the versions that were in force then. A version
 * that was over before the oldest instant of any ticket is asked by nobody, and by nobody else can be said
 * that it is. A million histories are not read in one turn of a loop, so they are read part by part of their
 * names' hashes, and what arrives meanwhile is noted as it comes. Always true: the instant that is told is
 * not later than any that a history held then names, starts told by a ticket's tool among them. Not here:
 * what still may come (its age is bounded by accept_age), which versions go (shell).
 */
#include "core/ticket.h"

#define PART_TICKETS 128 /* on the average */

void
look_back_note(struct look_back *look, const struct entry *entry)
{
    if (entry->at_ms < look->oldest_ms)
        look->oldest_ms = entry->at_ms;
    if (entry->has_created_at && entry->created_at_ms < look->oldest_ms)
        look->oldest_ms = entry->created_at_ms;
}

static void
look_at(struct look_back *look, const struct ticket *ticket)
{
    uint32_t cursor = 0;
    struct entry entry;

    while (!ticket->retired && history_next(&ticket->history, &cursor, &entry))
        look_back_note(look, &entry);
}

static void
begin(struct engine *engine)
{
    struct look_back *look = &engine->look_back;

    *look = (struct look_back){.is_under_way = true, .oldest_ms = NEVER};
    while (look->bits < 24 && map_count(engine->tickets) >> look->bits > PART_TICKETS)
        look->bits++;
}

bool
engine_look_back(struct engine *engine, size_t tickets_max, int64_t *ret_oldest_ms)
{
    struct look_back *look = &engine->look_back;
    size_t looked = 0;

    if (!look->is_under_way)
        begin(engine);
    while (look->part >> look->bits == 0) {
        const struct ticket *ticket;
        size_t cursor = 0;

        if (looked >= tickets_max)
            return false;
        while ((ticket = map_each_in_part(engine->tickets, look->part, look->bits, &cursor)) != NULL) {
            look_at(look, ticket);
            looked++;
        }
        look->part++;
        looked++; /* a part without tickets, too */
    }
    look->is_under_way = false;
    *ret_oldest_ms = look->oldest_ms;
    return true;
}
