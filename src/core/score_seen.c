/*
 * What: which feedback events were seen, by source and id.
 *
 * Why this way: 64 bits a pair in a table of plain numbers; two generations, so forgetting is dropping one. A
 * pair is forgotten when its answer is old enough to have left every window.
 *
 * Always true: a pair added in this generation or the last is found; at most three quarters of a table are
 * full.
 *
 * Not here: what a second one means (score_join).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "core/scores_state.h"

enum { ROOM_MIN = 64 };

static uint64_t
pair_hash(struct slice source, struct slice id)
{
    uint64_t hash = hash_slice(source.at == NULL ? 1 : hash_slice(2, source), id);

    return hash != 0 ? hash : 1;
}

static uint64_t *
place_of(const struct score_seen *seen, uint64_t hash)
{
    size_t place = hash & (seen->room - 1);

    while (seen->hashes[place] != 0 && seen->hashes[place] != hash)
        place = (place + 1) & (seen->room - 1);
    return &seen->hashes[place];
}

static bool
has(const struct score_seen *seen, uint64_t hash)
{
    return seen->count > 0 && *place_of(seen, hash) != 0;
}

bool
score_seen_has(const struct scores *scores, struct slice source, struct slice id)
{
    uint64_t hash = pair_hash(source, id);

    return has(&scores->seen[0], hash) || has(&scores->seen[1], hash);
}

static void
grow(struct score_seen *seen)
{
    struct score_seen old = *seen;

    seen->room = old.room == 0 ? ROOM_MIN : old.room * 2;
    seen->hashes = memory_allocate_zeroed(seen->room, sizeof *seen->hashes);
    for (size_t i = 0; i < old.room; i++)
        if (old.hashes[i] != 0)
            *place_of(seen, old.hashes[i]) = old.hashes[i];
    memory_free(old.hashes);
}

void
score_seen_adopt(struct scores *scores, uint64_t hash)
{
    struct score_seen *seen = &scores->seen[0];
    uint64_t *place;

    if (seen->count + 1 > seen->room / 4 * 3)
        grow(seen);
    place = place_of(seen, hash);
    seen->count += *place == 0;
    *place = hash;
}

void
score_seen_add(struct scores *scores, struct slice source, struct slice id)
{
    score_seen_adopt(scores, pair_hash(source, id));
}

void
score_seen_swap(struct scores *scores)
{
    struct score_seen first = scores->seen[0];

    scores->seen[0] = scores->seen[1];
    scores->seen[1] = first;
}

void
score_seen_turn(struct scores *scores)
{
    memory_free(scores->seen[1].hashes);
    scores->seen[1] = scores->seen[0];
    scores->seen[0] = (struct score_seen){0};
}

void
score_seen_done(struct scores *scores)
{
    memory_free(scores->seen[0].hashes);
    memory_free(scores->seen[1].hashes);
}
