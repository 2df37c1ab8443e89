/*
 * What: contexts (shared sets of attribute values), scopes (where things count), and which context counts in
 * which scopes.
 *
 * Why this way: an answer refers to its context by one number, and the context has looked up its scopes once;
 * so counting an answer is one loop over a short list of numbers, whatever the policy calls a scope. KEIs and
 * contracts are scopes with a filter in place of dimensions: the fold does not know the difference.
 *
 * Always true: a context has all its scopes or none, but for those that found no room; a scope that is there
 * has everything of its values, for where one was refused none is made any more; a scope's references are the
 * contexts that list it, and a scope nobody lists is gone. A missing value never counts in a scope that names
 * it.
 *
 * Not here: what is counted and when (score_answers, score_tickets), when it is published (score_publish).
 */
#include "core/score_scopes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"

static uint64_t
context_hash(const void *context, uint32_t number)
{
    const struct score_context *record = score_store_at(context, number);

    return hash_bytes(1, &record->values, sizeof record->values);
}

static uint64_t
hash_of_scope(uint32_t definition, const struct score_values *values)
{
    return hash_bytes(definition, values, sizeof *values);
}

static uint64_t
scope_hash(const void *context, uint32_t number)
{
    const struct score_scope_state *scope = score_store_at(context, number);

    return hash_of_scope(scope->definition, &scope->values);
}

/* At one instant in an order that does not depend on which scope was made first: it is the same after a
 * rebuild. */
static bool
due_before(const struct heap_item *a, const struct heap_item *b)
{
    const struct score_scope_state *left = (const void *)a, *right = (const void *)b;

    if (left->definition != right->definition)
        return left->definition < right->definition;
    return left->order != right->order ? left->order < right->order : left->number < right->number;
}

static uint64_t
order_of(const struct score_scopes *scopes, const struct score_values *values)
{
    uint64_t order = 0;

    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        order = hash_slice(order + (values->of[i] != 0), symbols_text(scopes->symbols, values->of[i]));
    return order;
}

void
score_scopes_init(struct score_scopes *scopes, struct symbols *symbols)
{
    *scopes = (struct score_scopes){.symbols = symbols};
    score_store_init(&scopes->contexts, sizeof(struct score_context));
    score_store_init(&scopes->scopes, sizeof(struct score_scope_state));
    score_index_init(&scopes->context_index, context_hash, &scopes->contexts);
    score_index_init(&scopes->scope_index, scope_hash, &scopes->scopes);
    scopes->due = heap_new(due_before);
}

static void
free_scope(struct score_scopes *scopes, struct score_scope_state *scope)
{
    for (uint32_t i = 0; i < scope->series_count; i++) {
        symbols_release(scopes->symbols, score_series_name(scope->series[i].kind));
        score_series_done(&scope->series[i].series);
    }
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        symbols_release(scopes->symbols, scope->values.of[i]);
    memory_free(scope->series);
    memory_free(scope->published);
    if (heap_item_is_in(&scope->due))
        heap_remove(scopes->due, &scope->due);
    score_index_remove(&scopes->scope_index, scope->number);
    score_store_give_back(&scopes->scopes, scope->number);
    scope->number = 0;
}

static void
leave_scope(struct score_scopes *scopes, uint32_t number)
{
    struct score_scope_state *scope = score_scopes_at(scopes, number);

    must(scope->references > 0);
    if (--scope->references == 0)
        free_scope(scopes, scope);
}

static void
leave_scopes(struct score_scopes *scopes, struct score_context *context)
{
    if (context->places_count == SCORE_PLACES_UNKNOWN)
        return;
    for (uint32_t i = 0; i < context->places_count; i++)
        leave_scope(scopes, context->places[i].scope);
    memory_free(context->places);
    context->places = NULL;
    context->places_count = SCORE_PLACES_UNKNOWN;
}

/* KEIs, contracts: there from the beginning, with or without anything that counts. */
static bool
is_always_there(const struct score_definition *definition)
{
    return definition->use != SCORE_USE_SCORES && definition->use != SCORE_USE_WATERMELON &&
           definition->use != SCORE_USE_CUT;
}

static void
leave_all_scopes(struct score_scopes *scopes)
{
    const struct score_values none = {{0}};

    for (uint32_t i = 1; i < scopes->contexts.used; i++) {
        struct score_context *context = score_store_at(&scopes->contexts, i);

        if (context->references > 0)
            leave_scopes(scopes, context);
    }
    for (uint32_t i = 0; i < scopes->definitions_count; i++)
        if (is_always_there(&scopes->definitions[i]))
            leave_scope(scopes, score_scopes_find(scopes, i, &none)->number);
    must(scopes->scopes.count == 0);
}

void
score_scopes_done(struct score_scopes *scopes)
{
    leave_all_scopes(scopes);
    for (uint32_t i = 1; i < scopes->contexts.used; i++) {
        const struct score_context *context = score_store_at(&scopes->contexts, i);

        for (size_t d = 0; context->references > 0 && d < SCORE_DIMENSIONS_COUNT; d++)
            symbols_release(scopes->symbols, context->values.of[d]);
    }
    score_index_done(&scopes->context_index);
    score_index_done(&scopes->scope_index);
    score_store_done(&scopes->contexts);
    score_store_done(&scopes->scopes);
    heap_free(scopes->due);
    memory_free(scopes->definitions);
}

uint32_t
score_scopes_context(struct score_scopes *scopes, const struct score_values *values)
{
    uint64_t hash = hash_bytes(1, values, sizeof *values);
    uint32_t place = score_index_home(&scopes->context_index, hash);
    uint32_t number;
    struct score_context *context;

    for (; (number = scopes->context_index.slots[place]) != 0;
         place = score_index_next(&scopes->context_index, place)) {
        context = score_store_at(&scopes->contexts, number);
        if (score_index_may_be(&scopes->context_index, place, hash) &&
            memcmp(&context->values, values, sizeof *values) == 0) {
            context->references++;
            return number;
        }
    }
    number = score_store_take(&scopes->contexts);
    context = score_store_at(&scopes->contexts, number);
    context->values = *values;
    context->references = 1;
    context->places_count = SCORE_PLACES_UNKNOWN;
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        symbols_retain(scopes->symbols, values->of[i]);
    score_index_add(&scopes->context_index, number);
    return number;
}

void
score_scopes_retain(struct score_scopes *scopes, uint32_t context)
{
    ((struct score_context *)score_store_at(&scopes->contexts, context))->references++;
}

void
score_scopes_release(struct score_scopes *scopes, uint32_t number)
{
    struct score_context *context;

    if (number == 0)
        return;
    context = score_store_at(&scopes->contexts, number);
    must(context->references > 0);
    if (--context->references > 0)
        return;
    leave_scopes(scopes, context);
    score_index_remove(&scopes->context_index, number);
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        symbols_release(scopes->symbols, context->values.of[i]);
    score_store_give_back(&scopes->contexts, number);
}

const struct score_values *
score_scopes_values(const struct score_scopes *scopes, uint32_t context)
{
    return &((const struct score_context *)score_store_at(&scopes->contexts, context))->values;
}

static bool
is_among(const symbol *values, size_t count, symbol value)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] == value)
            return value != 0;
    return false;
}

/* Whether something with these values counts under the definition. */
static bool
counts(const struct score_definition *definition, const struct score_values *values)
{
    for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        if ((definition->dimensions & 1U << i) != 0 && values->of[i] == 0)
            return false;
    if (definition->touchpoint != 0 && values->of[SCORE_TOUCHPOINT] != definition->touchpoint)
        return false;
    if (definition->survey != 0 && values->of[SCORE_SURVEY] != definition->survey)
        return false;
    if (definition->surveys_count > 0 &&
        !is_among(definition->surveys, definition->surveys_count, values->of[SCORE_SURVEY]))
        return false;
    for (size_t i = 0; definition->match != NULL && i < definition->match->keys_count; i++) {
        const struct policy_match_key *key = &definition->match->keys[i];

        if (!is_among(key->values, key->values_count,
                      values->of[key->attribute])) /* POLICY_MATCH_SOURCE is SCORE_SOURCE */
            return false;
    }
    return true;
}

static struct score_values
values_of_scope(const struct score_definition *definition, const struct score_values *values)
{
    struct score_values result = {{0}};

    for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        if ((definition->dimensions & 1U << i) != 0)
            result.of[i] = values->of[i];
    return result;
}

struct score_scope_state *
score_scopes_find(const struct score_scopes *scopes, uint32_t definition, const struct score_values *values)
{
    uint64_t hash = hash_of_scope(definition, values);
    uint32_t place = score_index_home(&scopes->scope_index, hash);
    uint32_t number;

    for (; (number = scopes->scope_index.slots[place]) != 0;
         place = score_index_next(&scopes->scope_index, place)) {
        struct score_scope_state *scope = score_scopes_at(scopes, number);

        if (score_index_may_be(&scopes->scope_index, place, hash) && scope->definition == definition &&
            memcmp(&scope->values, values, sizeof *values) == 0)
            return scope;
    }
    return NULL;
}

static uint32_t
make_scope(struct score_scopes *scopes, uint32_t definition, const struct score_values *values)
{
    uint32_t number = score_store_take(&scopes->scopes);
    struct score_scope_state *scope = score_scopes_at(scopes, number);

    heap_item_init(&scope->due);
    scope->number = number;
    scope->definition = definition;
    scope->kinds = scopes->definitions[definition].kinds;
    scope->values = *values;
    scope->order = order_of(scopes, values);
    scope->published_at_ms = INT64_MIN;
    scope->published = memory_allocate_zeroed(scopes->windows_count, sizeof *scope->published);
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        symbols_retain(scopes->symbols, values->of[i]);
    score_index_add(&scopes->scope_index, number);
    return number;
}

void
score_scopes_define(struct score_scopes *scopes, const struct score_definition *definitions, size_t count,
                    size_t windows_count)
{
    const struct score_values none = {{0}};

    leave_all_scopes(scopes);
    memory_free(scopes->definitions);
    scopes->definitions = memory_copy(definitions, count * sizeof *definitions);
    scopes->definitions_count = count;
    scopes->windows_count = windows_count;
    scopes->full = false;
    for (uint32_t i = 0; i < count; i++)
        if (is_always_there(&definitions[i]))
            score_scopes_at(scopes, make_scope(scopes, i, &none))->references = 1;
}

struct score_scope_state *
score_scopes_always(const struct score_scopes *scopes, enum score_use use, uint32_t index)
{
    const struct score_values none = {{0}};

    for (uint32_t i = 0; i < scopes->definitions_count; i++)
        if (scopes->definitions[i].use == use && scopes->definitions[i].index == index)
            return score_scopes_find(scopes, i, &none);
    return NULL;
}

/* A scope that comes later than what ought to count in it would tell half the truth. */
static bool
has_room(struct score_scopes *scopes)
{
    scopes->full = scopes->full || (scopes->scopes_max > 0 && scopes->scopes.count >= scopes->scopes_max);
    scopes->refused += scopes->full;
    return !scopes->full;
}

/* Looks up its scopes, once. */
static void
place_context(struct score_scopes *scopes, struct score_context *context)
{
    struct score_place *places = memory_allocate((scopes->definitions_count + 1) * sizeof *places);

    context->places_count = 0;
    for (uint32_t i = 0; i < scopes->definitions_count; i++) {
        const struct score_definition *definition = &scopes->definitions[i];
        struct score_values values;
        struct score_scope_state *scope;
        uint32_t number;

        if (!counts(definition, &context->values))
            continue;
        values = values_of_scope(definition, &context->values);
        scope = score_scopes_find(scopes, i, &values);
        if (scope == NULL && !has_room(scopes))
            continue;
        number = scope != NULL ? scope->number : make_scope(scopes, i, &values);
        score_scopes_at(scopes, number)->references++;
        places[context->places_count++] = (struct score_place){i, number};
    }
    context->places = memory_copy(places, context->places_count * sizeof *places);
    memory_free(places);
}

const struct score_place *
score_scopes_of(struct score_scopes *scopes, uint32_t number, uint32_t *ret_count)
{
    struct score_context *context = score_store_at(&scopes->contexts, number);

    if (context->places_count == SCORE_PLACES_UNKNOWN)
        place_context(scopes, context);
    *ret_count = context->places_count;
    return context->places;
}

bool
score_scopes_counts_in(struct score_scopes *scopes, uint32_t context, uint32_t scope)
{
    uint32_t count;
    const struct score_place *places = score_scopes_of(scopes, context, &count);

    for (uint32_t i = 0; i < count; i++)
        if (places[i].scope == scope)
            return true;
    return false;
}

struct score_series *
score_scopes_series(struct score_scopes *scopes, struct score_scope_state *scope, uint64_t kind)
{
    uint32_t i = 0;

    while (i < scope->series_count && scope->series[i].kind < kind)
        i++;
    if (i < scope->series_count && scope->series[i].kind == kind)
        return &scope->series[i].series;
    if (scope->series_count == scope->series_room) {
        scope->series_room += scope->series_room / 2 + 2;
        scope->series = memory_resize(scope->series, scope->series_room * sizeof *scope->series);
    }
    memmove(&scope->series[i + 1], &scope->series[i], (scope->series_count - i) * sizeof *scope->series);
    scope->series_count++;
    symbols_retain(scopes->symbols, score_series_name(kind));
    scope->series[i] = (struct score_named_series){.kind = kind};
    return &scope->series[i].series;
}

size_t
score_scopes_entries(const struct score_scopes *scopes)
{
    size_t count = 0;

    for (uint32_t i = 1; i < scopes->scopes.used; i++) {
        const struct score_scope_state *scope = score_scopes_at(scopes, i);

        for (uint32_t s = 0; scope->number != 0 && s < scope->series_count; s++)
            count += scope->series[s].series.count;
    }
    return count;
}

size_t
score_scopes_entries_bytes(const struct score_scopes *scopes)
{
    size_t bytes = 0;

    for (uint32_t i = 1; i < scopes->scopes.used; i++) {
        const struct score_scope_state *scope = score_scopes_at(scopes, i);

        for (uint32_t s = 0; scope->number != 0 && s < scope->series_count; s++)
            bytes += score_series_bytes(&scope->series[s].series);
    }
    return bytes;
}

size_t
score_scopes_bytes(const struct score_scopes *scopes)
{
    size_t bytes = score_store_bytes(&scopes->contexts) + score_store_bytes(&scopes->scopes) +
                   score_index_bytes(&scopes->context_index) + score_index_bytes(&scopes->scope_index) +
                   heap_bytes(scopes->due);

    for (uint32_t i = 1; i < scopes->scopes.used; i++) {
        const struct score_scope_state *scope = score_scopes_at(scopes, i);

        if (scope->number != 0)
            bytes +=
                scope->series_room * sizeof *scope->series + scopes->windows_count * sizeof *scope->published;
    }
    for (uint32_t i = 1; i < scopes->contexts.used; i++) {
        const struct score_context *context = score_store_at(&scopes->contexts, i);

        if (context->references > 0 && context->places_count != SCORE_PLACES_UNKNOWN)
            bytes += context->places_count * sizeof *context->places;
    }
    return bytes;
}
