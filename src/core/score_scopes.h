#ifndef SLAD_CORE_SCORE_SCOPES_H
#define SLAD_CORE_SCORE_SCOPES_H

/*
 * Where a thing counts. A context is a set of attribute values that answers, tickets and verdicts share; it
 * knows its scopes. A scope is one value of one definition (a set of dimensions of the policy, or a filter
 * such as a KEI's match) and holds a series per kind of thing that counts in it.
 */
#include "base/heap.h"
#include "base/symbols.h"
#include "core/score_index.h"
#include "core/score_series.h"
#include "core/score_store.h"
#include "slad/policy.h"
#include "slad/scores.h"

#define SCORE_SOURCE ATTRIBUTES_COUNT
#define SCORE_TOUCHPOINT (ATTRIBUTES_COUNT + 1)
#define SCORE_SURVEY (ATTRIBUTES_COUNT + 2)

struct score_values {
    symbol of[SCORE_DIMENSIONS_COUNT]; /* 0: missing */
};

/* Where it counts: one scope of one definition. */
struct score_place {
    uint32_t definition, scope;
};
struct score_context {
    struct score_values values;
    uint32_t references;
    uint32_t places_count;      /* SCORE_PLACES_UNKNOWN until something counts */
    struct score_place *places; /* by definition */
};
#define SCORE_PLACES_UNKNOWN UINT32_MAX

/* What a series counts. Columns of a kind stand below. */
enum score_kind {
    SCORE_ANSWERS,
    SCORE_ASPECT,
    SCORE_OFFERS,
    SCORE_SOLVED,
    SCORE_CLOCK,   /* verdicts of one SLA clock that count in attainment */
    SCORE_LINE,    /* verdicts of one clock of any kind, whether or not it counts in attainment */
    SCORE_LIFE,    /* solved tickets again: where their time went */
    SCORE_TIER,    /* solved tickets whose highest tier is the scale number of the series */
    SCORE_CREATED, /* created tickets */
    SCORE_KINDS_COUNT
};
#define SCORE_KIND_BIT(kind) ((uint16_t)(1U << (kind)))

/* What a definition is for. */
enum score_use {
    SCORE_USE_SCORES,     /* one of the policy's scopes, in all its windows */
    SCORE_USE_KEI,        /* the KEI `index` */
    SCORE_USE_PXA,        /* the contract `index` */
    SCORE_USE_WATERMELON, /* the contract `index`, cut by dimensions */
    SCORE_USE_CREDITS,    /* the contract `index` */
    SCORE_USE_ATTAINMENT, /* the contract `index` */
    SCORE_USE_CUT         /* the cut `index` of the options, cut by dimensions */
};

/* Dimensions, and a filter that says what counts (0: any). Without dimensions, and not a scope of the policy,
 * it is one scope that is always there. */
struct score_definition {
    uint32_t dimensions;
    const struct policy_match *match; /* NULL: everything. Borrowed from the policy, as surveys */
    symbol touchpoint, survey;
    const symbol *surveys; /* one of these; NULL: any */
    size_t surveys_count;
    enum score_use use;
    uint32_t index;
    uint16_t kinds; /* SCORE_KIND_BITs that are counted */
};
enum {
    ANSWER_N,
    ANSWER_CLASS_FIRST,
    ANSWER_SCORE = 4,
    ANSWER_LOST_N,
    ANSWER_LOST,
    ANSWER_PEOPLE
}; /* classes: 1, 2, 3 */
enum { OFFER_N, OFFER_ANSWERED };
enum {
    SOLVED_N,
    SOLVED_OFFERED,
    SOLVED_MET_N,
    SOLVED_MET_OFFERED,
    SOLVED_BREACHED_N,
    SOLVED_BREACHED_OFFERED,
    SOLVED_REOPENED,
    SOLVED_FIRST_CONTACT
};
enum { CLOCK_CONTRACT_N, CLOCK_CONTRACT_MET, CLOCK_HONEST_N, CLOCK_HONEST_MET }; /* of lines too */
enum { LIFE_N, LIFE_BOUNCES, LIFE_PARTY_FIRST };                                 /* five parties: 2 ... 6 */
enum { TIER_N };
enum { CREATED_N, CREATED_REPEATED };

/* kind, scale number (answers, aspects), name (aspects, clocks) in one number; kinds, then names stand
 * together. */
static inline uint64_t
score_series_kind(enum score_kind kind, uint8_t scale, symbol name)
{
    return (uint64_t)kind << 56 | (uint64_t)name << 8 | scale;
}

static inline symbol
score_series_name(uint64_t kind)
{
    return (symbol)(kind >> 8);
}

/* Holds a reference on its name: it may be empty, and is read all the same. */
struct score_named_series {
    uint64_t kind;
    struct score_series series;
};

struct score_scope_state {
    struct heap_item due; /* first: a heap item is its scope */
    uint32_t number;
    uint32_t definition;
    uint32_t references; /* contexts that count here, and the definition itself when it is always there */
    uint16_t kinds;      /* of the definition */
    uint32_t series_count, series_room;
    struct score_named_series *series; /* by kind */
    struct score_values values;        /* of the definition's dimensions; else 0 */
    uint64_t order;                    /* a hash of their texts */
    int64_t published_at_ms;           /* INT64_MIN: never */
    struct score_published *published; /* by window */
};
struct score_published {
    uint64_t digest; /* of what was published last; 0: nothing */
    uint32_t revision;
};

struct score_scopes {
    struct symbols *symbols;
    struct score_store contexts, scopes;
    struct score_index context_index, scope_index;
    struct score_definition *definitions;
    size_t definitions_count;
    size_t windows_count;
    size_t scopes_max; /* 0: any number */
    bool full;         /* one found no room: none is made until they are defined again */
    uint64_t refused;
    struct heap *due; /* scopes with something to publish, by when */
};

void score_scopes_init(struct score_scopes *scopes, struct symbols *symbols);
void score_scopes_done(struct score_scopes *scopes);
/* Forgets all scopes; what counts must be counted again. definitions are copied. */
void score_scopes_define(struct score_scopes *scopes, const struct score_definition *definitions,
                         size_t count, size_t windows_count);

/* The context with these values, one reference more. The symbols are retained by the context. */
uint32_t score_scopes_context(struct score_scopes *scopes, const struct score_values *values);
/* Whether this number is a context now. */
static inline bool
score_scopes_holds(const struct score_scopes *scopes, uint32_t context)
{
    return context < scopes->contexts.used &&
           ((const struct score_context *)score_store_at(&scopes->contexts, context))->references > 0;
}
void score_scopes_retain(struct score_scopes *scopes, uint32_t context);
void score_scopes_release(struct score_scopes *scopes, uint32_t context); /* 0 is fine */
const struct score_values *score_scopes_values(const struct score_scopes *scopes, uint32_t context);
/* The scopes this context counts in, by definition; creates them while there is room. The list lives until
 * the definitions change. */
const struct score_place *score_scopes_of(struct score_scopes *scopes, uint32_t context, uint32_t *ret_count);
bool score_scopes_counts_in(struct score_scopes *scopes, uint32_t context, uint32_t scope);

static inline struct score_scope_state *
score_scopes_at(const struct score_scopes *scopes, uint32_t scope)
{
    return score_store_at(&scopes->scopes, scope);
}
/* The scope that a definition without dimensions always has. */
struct score_scope_state *score_scopes_always(const struct score_scopes *scopes, enum score_use use,
                                              uint32_t index);
/* The scope of these values; NULL when nothing ever counted there. */
struct score_scope_state *score_scopes_find(const struct score_scopes *scopes, uint32_t definition,
                                            const struct score_values *values);
/* The series of this kind, made when missing. Pointers live until the next series of this scope is made. */
struct score_series *score_scopes_series(struct score_scopes *scopes, struct score_scope_state *scope,
                                         uint64_t kind);
size_t score_scopes_entries(const struct score_scopes *scopes);
size_t score_scopes_entries_bytes(const struct score_scopes *scopes);
size_t score_scopes_bytes(const struct score_scopes *scopes);

#endif
