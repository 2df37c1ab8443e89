#ifndef SLAD_CORE_HISTORY_H
#define SLAD_CORE_HISTORY_H

/*
 * The events of one ticket, in the order in which they count (semantics.md section 1.4, rulings R1), packed:
 * some 20 to 30 bytes an event. A value of zeroes is an empty history.
 *
 * A history owns one reference on every symbol in its entries; history_done gives them back.
 */
#include "base/symbols.h"
#include "slad/engine.h"
#include <stdint.h>

/* An event of another ticket that reached this one: a relay (R32, R41). Stands after the ticket's own events
 * of its instant. */
#define ENTRY_MERGE_IN ((uint8_t)EVENT_TYPES_COUNT)

struct entry {
    uint8_t type;       /* enum event_type or ENTRY_MERGE_IN */
    uint8_t actor;      /* enum actor */
    uint8_t handled_by; /* enum handled_by */
    uint8_t is_public;  /* enum event_flag */
    uint8_t canned;     /* enum event_flag */
    bool has_seq;
    bool has_waiting_on;
    bool has_created_at;
    bool has_contact;   /* merge in */
    uint8_t waiting_on; /* PARTY_BITs */
    uint8_t kind;       /* excuse: enum clock_kind */
    uint16_t present;   /* ATTRIBUTE_BITs */
    uint32_t arrived;   /* the how-manieth of its ticket, from 0 */
    uint32_t cycle;     /* excuse: 0 = not said */
    int64_t at_ms;
    int64_t seq;
    int64_t created_at_ms; /* merge in: the other ticket's start */
    int64_t contact_at_ms; /* merge in */
    uint64_t identity;     /* of (source, id); merge in: of the other ticket's name */
    symbol source;
    symbol id; /* only when the history keeps texts of ids (explain), else 0 */
    symbol by;
    symbol other;  /* merged: into; merge in: from */
    symbol clock;  /* excuse */
    symbol reason; /* excuse */
    symbol attributes[ATTRIBUTES_COUNT];
};

struct history {
    char *bytes;
    uint32_t used, room;
    uint32_t count;     /* entries */
    uint32_t arrivals;  /* ever: the next entry's `arrived` */
    int64_t base_ms;    /* the instants are kept relative to this one */
    int64_t last_at_ms; /* of the last entry */
    uint32_t last_from; /* where the last entry begins */
    uint32_t traces;    /* of the identities: a new one is mostly told by it alone */
};

void history_done(struct history *history, struct symbols *symbols);
/* Gives back the room for entries to come: of a ticket at rest. */
void history_trim(struct history *history);

/* Puts the entry in its place; its `arrived` is set here unless keep_arrived (loading). Takes over one
 * reference on each of its symbols. Returns true when it now is the last of all and nothing else moved: it
 * may be stepped; false: derive again. */
bool history_insert(struct history *history, struct entry *entry, bool keep_arrived);
/* Takes out the merge-in entry of this identity, if it is there; true if it was. */
bool history_remove_merge_in(struct history *history, uint64_t identity, struct symbols *symbols);

/* Reads one entry after another in order; *cursor begins at 0. False at the end. */
bool history_next(const struct history *history, uint32_t *cursor, struct entry *ret_entry);
/* The same for the ticket's attributes alone: those the entry has are put in their places. */
bool history_next_attributes(const struct history *history, uint32_t *cursor, symbol *attributes);
/* Whether an entry of this type changes its ticket's attributes. */
bool history_has_attributes(uint8_t type);
/* The instant of the newest entry beyond the newest `count_max` ones: what is older cannot come in any more
 * (semantics.md section 2). INSTANT_NONE: there are no more than that. */
int64_t history_floor_ms(const struct history *history, size_t count_max);
/* Whether an entry with this identity is there. */
bool history_knows(const struct history *history, uint64_t identity);

uint64_t history_identity(struct slice source, struct slice id);
/* The source last asked about: most events come from the one before them's. All zeroes: none. */
struct history_source {
    char text[32];
    size_t bytes;
    uint64_t hash;
    bool is_known;
};
/* The same with a memory. */
uint64_t history_identity_with(struct history_source *memo, struct slice source, struct slice id);

#endif
