/*
 * What: from the texts of a record to the number of its context.
 *
 * Why this way: most records look like one that came before. A small cache by a cheap hash over all texts
 * finds the context in one step and compares every text, so neither the hash nor the cache can make a
 * mistake; only what is new is looked up word by word.
 *
 * Always true: the result does not depend on what the cache holds.
 *
 * Not here: what a context counts in (score_scopes).
 */
#include "base/hash.h"
#include "core/scores_state.h"

/* The texts of a record, in order of dimension; at NULL: missing, or not to be kept. */
struct texts {
    struct slice of[SCORE_DIMENSIONS_COUNT];
};

static bool
is_kept(const struct scores *scores, size_t attribute, uint16_t own)
{
    if (attribute == ATTRIBUTE_REQUESTER)
        return scores->counts_requester || (own & ATTRIBUTE_BIT(attribute)) != 0;
    if (attribute == ATTRIBUTE_ASSIGNEE)
        return scores->counts_assignee || (own & ATTRIBUTE_BIT(attribute)) != 0;
    return attribute != ATTRIBUTE_STATUS;
}

static uint64_t
mix(uint64_t hash, struct slice text)
{
    uint64_t word = text.bytes;

    for (size_t i = 0; i + 8 <= text.bytes; i += 8) {
        memcpy(&word, text.at + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = text.bytes;
    if (text.bytes % 8 != 0)
        memcpy(&word, text.at + text.bytes / 8 * 8, text.bytes % 8);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15) + text.bytes;
    return hash ^ hash >> 29;
}

static bool
has_texts(const struct scores *scores, uint32_t context, const struct texts *texts)
{
    const struct score_values *values = score_scopes_values(&scores->scopes, context);

    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++) {
        if ((values->of[i] == 0) != (texts->of[i].at == NULL))
            return false;
        if (values->of[i] != 0 &&
            !slice_equal(symbols_text(scores->options.symbols, values->of[i]), texts->of[i]))
            return false;
    }
    return true;
}

static uint32_t
look_up(struct scores *scores, const struct texts *texts)
{
    struct symbols *symbols = scores->options.symbols;
    struct score_values values = {{0}};
    uint32_t context;

    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        values.of[i] = symbols_intern(symbols, texts->of[i]);
    context = score_scopes_context(&scores->scopes, &values);
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        symbols_release(symbols, values.of[i]);
    return context;
}

uint32_t
score_context_of(struct scores *scores, const struct slice *attributes, struct slice source,
                 const struct feedback *feedback, uint16_t own)
{
    struct texts texts = {{{0}}};
    uint64_t hash = 0;
    uint32_t *cached;

    for (size_t i = 0; i < ATTRIBUTES_COUNT; i++)
        if (is_kept(scores, i, own))
            texts.of[i] = attributes[i];
    texts.of[SCORE_SOURCE] = source;
    if (feedback != NULL) {
        texts.of[SCORE_TOUCHPOINT] = feedback->touchpoint;
        texts.of[SCORE_SURVEY] = feedback->survey;
    }
    for (size_t i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
        hash = mix(hash, texts.of[i]);
    cached = &scores->context_cache[hash >> (64 - SCORE_CONTEXT_CACHE_BITS)];
    if (*cached != 0 && score_scopes_holds(&scores->scopes, *cached) && has_texts(scores, *cached, &texts)) {
        score_scopes_retain(&scores->scopes, *cached);
        return *cached;
    }
    return *cached = look_up(scores, &texts);
}

uint32_t
score_context_with_people(struct scores *scores, uint32_t context, symbol requester, symbol assignee,
                          uint16_t own)
{
    struct score_values values = *score_scopes_values(&scores->scopes, context);
    uint32_t placed;

    if ((own & ATTRIBUTE_BIT(ATTRIBUTE_REQUESTER)) == 0)
        values.of[ATTRIBUTE_REQUESTER] = scores->counts_requester ? requester : 0;
    if ((own & ATTRIBUTE_BIT(ATTRIBUTE_ASSIGNEE)) == 0)
        values.of[ATTRIBUTE_ASSIGNEE] = scores->counts_assignee ? assignee : 0;
    placed = score_scopes_context(&scores->scopes, &values);
    score_scopes_release(&scores->scopes, context);
    return placed;
}
