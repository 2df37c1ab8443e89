/*
 * What: which feedback events were seen, by source and id.
 *
 * Why this way: 64 bits a pair, in order of their coming, and a table of their places; two generations, so
 * forgetting is dropping one. A pair is forgotten when its answer is old enough to have left every window. In
 * order of coming, because then a snapshot writes anew only the last of them.
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

/* Where it stands, or would. There is a table. */
static uint32_t *
slot_of(const struct score_seen *seen, uint64_t hash)
{
    size_t place = hash & (seen->room - 1);

    while (seen->slots[place] != 0 && seen->hashes[seen->slots[place] - 1] != hash)
        place = (place + 1) & (seen->room - 1);
    return &seen->slots[place];
}

static bool
has(const struct score_seen *seen, uint64_t hash)
{
    return seen->count > 0 && *slot_of(seen, hash) != 0;
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
    seen->room = seen->room == 0 ? ROOM_MIN : seen->room * 2;
    seen->hashes = memory_resize(seen->hashes, seen->room / 4 * 3 * sizeof *seen->hashes);
    memory_free(seen->slots);
    seen->slots = memory_allocate_zeroed(seen->room, sizeof *seen->slots);
    for (size_t i = 0; i < seen->count; i++)
        *slot_of(seen, seen->hashes[i]) = (uint32_t)(i + 1);
}

static bool
add(struct score_seen *seen, uint64_t hash)
{
    uint32_t *slot;

    if (seen->count + 1 > seen->room / 4 * 3)
        grow(seen);
    slot = slot_of(seen, hash);
    if (*slot != 0)
        return false;
    seen->hashes[seen->count++] = hash;
    *slot = (uint32_t)seen->count;
    return true;
}

void
score_seen_adopt(struct scores *scores, size_t generation, uint64_t hash)
{
    (void)add(&scores->seen[generation], hash != 0 ? hash : 1);
}

void
score_seen_add(struct scores *scores, struct slice source, struct slice id)
{
    if (add(&scores->seen[0], pair_hash(source, id)))
        score_parts_touch(scores, SCORE_PART_SEEN, (uint32_t)scores->seen[0].count - 1);
}

static void
done(struct score_seen *seen)
{
    memory_free(seen->hashes);
    memory_free(seen->slots);
}

void
score_seen_turn(struct scores *scores)
{
    done(&scores->seen[1]);
    scores->seen[1] = scores->seen[0];
    scores->seen[0] = (struct score_seen){0};
    score_parts_touch_all(scores);
}

size_t
score_seen_count(const struct scores *scores)
{
    return scores->seen[0].count + scores->seen[1].count;
}

size_t
score_seen_bytes(const struct scores *scores)
{
    size_t bytes = 0;

    for (size_t i = 0; i < 2; i++)
        bytes += scores->seen[i].room * sizeof(uint32_t) + scores->seen[i].room / 4 * 3 * sizeof(uint64_t);
    return bytes;
}

void
score_seen_done(struct scores *scores)
{
    done(&scores->seen[0]);
    done(&scores->seen[1]);
}
