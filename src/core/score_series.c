/*
 * What: a time-ordered log in leaves of up to 64 entries, each leaf with the sums of its entries, and sums of
 * 64 leaves where somebody asked for them.
 *
 * Why this way: almost everything comes in order, so an insert is an append and one addition, whatever the
 * number of windows; late answers, changes and withdrawals move at most a leaf. A window is read when
 * somebody wants it (a scope is published at most once a second), in one pass over the leaves for all windows
 * and the windows before them, and only the leaves that a bound cuts are weighed entry by entry. So no cursor
 * is kept, none can be wrong, and a window's edge is exact to the millisecond.
 *
 * Always true: entries ascend strictly by (at, number); no leaf is empty; first_ms[i] is the first instant of
 * leaf i, kept apart so that looking for a leaf touches nothing else; a leaf's sums are those of its entries;
 * two neighbours together hold more than half a leaf, but for a leaf that was just split or appended.
 *
 * Not here: what an entry is and weighs (the caller says, and says it the same when taking it out).
 */
#include "core/score_series.h"
#include "base/memory.h"
#include "base/panic.h"
#include <string.h>

enum { LEAF_ENTRIES_MAX = 64, LEAVES_MIN = 1, GROUP_LEAVES = 64 };

struct score_leaf {
    struct score_tally tally;
    int64_t *at_ms; /* room instants, then room entries, one block */
    uint8_t count, room;
};

static const uint8_t rooms[] = {2, 4, 8, 12, 16, 24, 32, 48, 64};

static inline uint32_t *
entries_of(const struct score_leaf *leaf)
{
    return (uint32_t *)(leaf->at_ms + leaf->room);
}

static inline uint32_t
number_of(uint32_t entry)
{
    return entry & ~SCORE_SERIES_MARK;
}

void
score_series_done(struct score_series *series)
{
    for (uint32_t i = 0; i < series->leaves_count; i++)
        memory_free(series->leaves[i].at_ms);
    memory_free(series->leaves);
    memory_free(series->first_ms);
    memory_free(series->groups);
    *series = (struct score_series){0};
}

/* The leaf in which (at, number) stands or belongs: the last one that does not begin behind it. */
static uint32_t
leaf_of(const struct score_series *series, int64_t at_ms, uint32_t number)
{
    uint32_t low = 0, high = series->leaves_count;

    if (high > 0 && series->first_ms[high - 1] < at_ms)
        return high - 1; /* nearly always */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (series->first_ms[middle] < at_ms || (series->first_ms[middle] == at_ms &&
                                                 number_of(entries_of(&series->leaves[middle])[0]) <= number))
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The first place in the leaf not before (at, number). */
static uint8_t
place_of(const struct score_leaf *leaf, int64_t at_ms, uint32_t number)
{
    const uint32_t *entries = entries_of(leaf);
    uint32_t low = 0, high = leaf->count;

    if (high > 0 && leaf->at_ms[high - 1] < at_ms)
        return leaf->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;

        if (leaf->at_ms[middle] < at_ms ||
            (leaf->at_ms[middle] == at_ms && number_of(entries[middle]) < number))
            low = middle + 1;
        else
            high = middle;
    }
    return (uint8_t)low;
}

/* A leaf's block with this room; what is in it moves along. */
static void
set_room(struct score_leaf *leaf, uint8_t room)
{
    int64_t *block = memory_allocate((size_t)room * (sizeof(int64_t) + sizeof(uint32_t)));

    if (leaf->count > 0) {
        memcpy(block, leaf->at_ms, leaf->count * sizeof *block);
        memcpy(block + room, entries_of(leaf), leaf->count * sizeof(uint32_t));
    }
    memory_free(leaf->at_ms);
    leaf->at_ms = block;
    leaf->room = room;
}

static uint8_t
room_for(size_t count)
{
    size_t i = 0;

    while (rooms[i] < count)
        i++;
    return rooms[i];
}

/* ---- sums of whole groups: kept while leaves keep their places, read up to where they are known ---- */

/* Leaves from this one on have moved. */
static void
forget_groups(struct score_series *series, uint32_t place)
{
    if (series->groups_valid > place / GROUP_LEAVES)
        series->groups_valid = place / GROUP_LEAVES;
}

static void
change_group(struct score_series *series, const struct score_leaf *leaf, const struct score_tally *weight,
             bool in)
{
    uint32_t group = (uint32_t)(leaf - series->leaves) / GROUP_LEAVES;

    if (group >= series->groups_valid)
        return;
    if (in)
        score_tally_add(&series->groups[group], weight);
    else
        score_tally_subtract(&series->groups[group], weight);
}

void
score_series_prepare(struct score_series *series)
{
    uint32_t full = series->leaves_count / GROUP_LEAVES;

    if (series->groups_valid >= full)
        return;
    if (series->groups_room < full) {
        series->groups_room = full + full / 2 + 1;
        series->groups = memory_resize(series->groups, series->groups_room * sizeof *series->groups);
    }
    for (; series->groups_valid < full; series->groups_valid++) {
        struct score_tally *sum = &series->groups[series->groups_valid];
        const struct score_leaf *leaves = &series->leaves[(size_t)series->groups_valid * GROUP_LEAVES];

        *sum = (struct score_tally){{0}};
        for (uint32_t i = 0; i < GROUP_LEAVES; i++)
            score_tally_add(sum, &leaves[i].tally);
    }
}

/* A new empty leaf at this place of the list. */
static struct score_leaf *
open_leaf(struct score_series *series, uint32_t place, uint8_t room)
{
    if (series->leaves_count == series->leaves_room) {
        series->leaves_room += series->leaves_room / 4 + LEAVES_MIN;
        series->leaves = memory_resize(series->leaves, series->leaves_room * sizeof *series->leaves);
        series->first_ms = memory_resize(series->first_ms, series->leaves_room * sizeof *series->first_ms);
    }
    memmove(&series->leaves[place + 1], &series->leaves[place],
            (series->leaves_count - place) * sizeof *series->leaves);
    memmove(&series->first_ms[place + 1], &series->first_ms[place],
            (series->leaves_count - place) * sizeof *series->first_ms);
    forget_groups(series, place);
    series->leaves_count++;
    series->leaves[place] = (struct score_leaf){0};
    set_room(&series->leaves[place], room);
    return &series->leaves[place];
}

static void
close_leaf(struct score_series *series, uint32_t place)
{
    forget_groups(series, place);
    memory_free(series->leaves[place].at_ms);
    series->leaves_count--;
    memmove(&series->leaves[place], &series->leaves[place + 1],
            (series->leaves_count - place) * sizeof *series->leaves);
    memmove(&series->first_ms[place], &series->first_ms[place + 1],
            (series->leaves_count - place) * sizeof *series->first_ms);
}

/* The directory says again what the leaf begins with. */
static void
note_first(struct score_series *series, const struct score_leaf *leaf)
{
    series->first_ms[leaf - series->leaves] = leaf->at_ms[0];
}

static void
put(struct score_leaf *leaf, uint8_t place, int64_t at_ms, uint32_t entry)
{
    uint32_t *entries;
    size_t behind = (size_t)(leaf->count - place);

    if (leaf->count == leaf->room)
        set_room(leaf, room_for((size_t)leaf->count + 1));
    entries = entries_of(leaf);
    memmove(&leaf->at_ms[place + 1], &leaf->at_ms[place], behind * sizeof *leaf->at_ms);
    memmove(&entries[place + 1], &entries[place], behind * sizeof *entries);
    leaf->at_ms[place] = at_ms;
    entries[place] = entry;
    leaf->count++;
}

/* Moves the upper half of a full leaf into a new one. The sums stay behind: the caller weighs (split_sums).
 */
static void
split(struct score_series *series, uint32_t place)
{
    struct score_leaf *upper = open_leaf(series, place + 1, LEAF_ENTRIES_MAX);
    struct score_leaf *lower = &series->leaves[place];
    uint8_t half = (uint8_t)(lower->count / 2);

    upper->count = (uint8_t)(lower->count - half);
    memcpy(upper->at_ms, lower->at_ms + half, upper->count * sizeof *upper->at_ms);
    memcpy(entries_of(upper), entries_of(lower) + half, upper->count * sizeof(uint32_t));
    lower->count = half;
    note_first(series, upper);
}

static void
weigh_leaf(const struct score_leaf *leaf, uint8_t from, uint8_t to, const struct score_weigher *weigher,
           struct score_tally *tally)
{
    const uint32_t *entries = entries_of(leaf);

    for (uint8_t i = from; i < to; i++)
        weigher->weigh(weigher, entries[i], tally);
}
static void
split_sums(struct score_series *series, uint32_t place, const struct score_weigher *weigher)
{
    struct score_leaf *lower = &series->leaves[place];
    struct score_leaf *upper = &series->leaves[place + 1];

    weigh_leaf(upper, 0, upper->count, weigher, &upper->tally);
    score_tally_subtract(&lower->tally, &upper->tally);
    forget_groups(series, place);
}

/* The leaf that (at, number) goes into, with room for one more. */
static struct score_leaf *
leaf_with_room(struct score_series *series, int64_t at_ms, uint32_t number,
               const struct score_weigher *weigher)
{
    uint32_t place;
    struct score_leaf *leaf;

    if (series->leaves_count == 0)
        return open_leaf(series, 0, rooms[0]);
    place = leaf_of(series, at_ms, number);
    leaf = &series->leaves[place];
    if (leaf->count < LEAF_ENTRIES_MAX)
        return leaf;
    if (place + 1 == series->leaves_count && place_of(leaf, at_ms, number) == leaf->count)
        return open_leaf(series, place + 1, series->leaves_count > 2 ? LEAF_ENTRIES_MAX : rooms[3]);
    split(series, place);
    split_sums(series, place, weigher);
    return &series->leaves[leaf_of(series, at_ms, number)];
}

void
score_series_insert(struct score_series *series, int64_t at_ms, uint32_t entry,
                    const struct score_tally *weight, const struct score_weigher *weigher)
{
    struct score_leaf *leaf = leaf_with_room(series, at_ms, number_of(entry), weigher);

    put(leaf, place_of(leaf, at_ms, number_of(entry)), at_ms, entry);
    note_first(series, leaf);
    score_tally_add(&leaf->tally, weight);
    change_group(series, leaf, weight, true);
    series->count++;
}

/* Where (at, number) stands. */
static struct score_leaf *
locate(const struct score_series *series, int64_t at_ms, uint32_t number, uint8_t *ret_place)
{
    struct score_leaf *leaf;

    must(series->leaves_count > 0);
    leaf = &series->leaves[leaf_of(series, at_ms, number)];
    *ret_place = place_of(leaf, at_ms, number);
    must(*ret_place < leaf->count && leaf->at_ms[*ret_place] == at_ms &&
         number_of(entries_of(leaf)[*ret_place]) == number);
    return leaf;
}

uint32_t
score_series_find(const struct score_series *series, int64_t at_ms, uint32_t number)
{
    uint8_t place;
    const struct score_leaf *leaf = locate(series, at_ms, number, &place);

    return entries_of(leaf)[place];
}

/* Leaves that have become small are joined with the next one, so removing does not leave a log of crumbs. */
static void
join_with_next(struct score_series *series, uint32_t place)
{
    struct score_leaf *leaf = &series->leaves[place];
    struct score_leaf *next = leaf + 1;

    if (place + 1 >= series->leaves_count || leaf->count + next->count > LEAF_ENTRIES_MAX / 2)
        return;
    if (leaf->room < leaf->count + next->count)
        set_room(leaf, LEAF_ENTRIES_MAX / 2);
    memcpy(leaf->at_ms + leaf->count, next->at_ms, next->count * sizeof *leaf->at_ms);
    memcpy(entries_of(leaf) + leaf->count, entries_of(next), next->count * sizeof(uint32_t));
    leaf->count = (uint8_t)(leaf->count + next->count);
    score_tally_add(&leaf->tally, &next->tally);
    forget_groups(series, place);
    close_leaf(series, place + 1);
}

void
score_series_remove(struct score_series *series, int64_t at_ms, uint32_t number,
                    const struct score_tally *weight)
{
    uint8_t place;
    struct score_leaf *leaf = locate(series, at_ms, number, &place);
    uint32_t *entries = entries_of(leaf);
    size_t behind = (size_t)(leaf->count - place - 1);

    memmove(&leaf->at_ms[place], &leaf->at_ms[place + 1], behind * sizeof *leaf->at_ms);
    memmove(&entries[place], &entries[place + 1], behind * sizeof *entries);
    leaf->count--;
    score_tally_subtract(&leaf->tally, weight);
    change_group(series, leaf, weight, false);
    series->count--;
    if (leaf->count == 0) {
        close_leaf(series, (uint32_t)(leaf - series->leaves));
        return;
    }
    note_first(series, leaf);
    join_with_next(series, (uint32_t)(leaf - series->leaves));
}

void
score_series_mark(struct score_series *series, int64_t at_ms, uint32_t number, bool marked,
                  const struct score_tally *change)
{
    uint8_t place;
    struct score_leaf *leaf = locate(series, at_ms, number, &place);

    entries_of(leaf)[place] = marked ? number | SCORE_SERIES_MARK : number;
    score_tally_add(&leaf->tally, change);
    change_group(series, leaf, change, true);
}

/* The first place in the leaf behind at_ms. */
static uint8_t
place_after(const struct score_leaf *leaf, int64_t at_ms)
{
    return at_ms == INT64_MAX ? leaf->count : place_of(leaf, at_ms + 1, 0);
}

/* Everything in the leaves before this one is at most at the instant with which it begins. */
static bool
begins_by(const struct score_series *series, uint32_t leaf, int64_t bound_ms)
{
    return leaf < series->leaves_count && series->first_ms[leaf] <= bound_ms;
}

/* Adds whole groups and leaves from *place on whose followers begin by the bound. */
static void
add_whole(const struct score_series *series, int64_t bound_ms, uint32_t *place, struct score_tally *sum)
{
    while (begins_by(series, *place + 1, bound_ms)) {
        uint32_t group = *place / GROUP_LEAVES;

        if (*place % GROUP_LEAVES == 0 && group < series->groups_valid &&
            begins_by(series, *place + GROUP_LEAVES, bound_ms)) {
            score_tally_add(sum, &series->groups[group]);
            *place += GROUP_LEAVES;
        } else {
            score_tally_add(sum, &series->leaves[(*place)++].tally);
        }
    }
}

void
score_series_sums(const struct score_series *series, const int64_t *bounds, size_t bounds_count,
                  const struct score_weigher *weigher, struct score_tally *ret_sums)
{
    struct score_tally sum = {0};
    uint32_t i = 0;
    uint8_t place = 0;

    if (series->leaves_count > 0 && bounds_count > 0) {
        i = leaf_of(series, bounds[0], UINT32_MAX);
        place = place_after(&series->leaves[i], bounds[0]);
    }
    for (size_t b = 0; b < bounds_count; b++) {
        /* Whole leaves up to the bound, then the part of the one that it cuts. */
        for (; i < series->leaves_count; i++, place = 0) {
            const struct score_leaf *leaf;
            uint8_t end;

            if (place == 0)
                add_whole(series, bounds[b], &i, &sum);
            leaf = &series->leaves[i];
            end = place_after(leaf, bounds[b]);
            if (place == 0 && end == leaf->count) {
                score_tally_add(&sum, &leaf->tally);
                continue;
            }
            if (end > place)
                weigh_leaf(leaf, place, end, weigher, &sum);
            if (end < leaf->count) {
                place = end > place ? end : place;
                break;
            }
        }
        ret_sums[b] = sum;
    }
}

int64_t
score_series_first_after_ms(const struct score_series *series, int64_t at_ms)
{
    uint32_t i;
    uint8_t place;

    if (series->leaves_count == 0)
        return INT64_MAX;
    i = leaf_of(series, at_ms, UINT32_MAX);
    place = place_after(&series->leaves[i], at_ms);
    if (place < series->leaves[i].count)
        return series->leaves[i].at_ms[place];
    return i + 1 < series->leaves_count ? series->leaves[i + 1].at_ms[0] : INT64_MAX;
}

void
score_series_each(const struct score_series *series, int64_t after_ms, int64_t through_ms,
                  void (*visit)(void *context, int64_t at_ms, uint32_t entry), void *context)
{
    if (series->leaves_count == 0)
        return;
    for (uint32_t i = leaf_of(series, after_ms, UINT32_MAX); i < series->leaves_count; i++) {
        const struct score_leaf *leaf = &series->leaves[i];

        for (uint8_t place = place_after(leaf, after_ms); place < leaf->count; place++) {
            if (leaf->at_ms[place] > through_ms)
                return;
            visit(context, leaf->at_ms[place], entries_of(leaf)[place]);
        }
    }
}

size_t
score_series_bytes(const struct score_series *series)
{
    size_t bytes = series->leaves_room * (sizeof *series->leaves + sizeof *series->first_ms) +
                   series->groups_room * sizeof *series->groups;

    for (uint32_t i = 0; i < series->leaves_count; i++)
        bytes += series->leaves[i].room * (sizeof(int64_t) + sizeof(uint32_t));
    return bytes;
}

void
score_series_check(const struct score_series *series, const struct score_weigher *weigher)
{
    uint32_t count = 0;
    int64_t last_ms = INT64_MIN;
    uint32_t last = 0;

    for (uint32_t i = 0; i < series->leaves_count; i++) {
        const struct score_leaf *leaf = &series->leaves[i];
        struct score_tally tally = {0};

        must(leaf->count > 0 && leaf->count <= leaf->room && series->first_ms[i] == leaf->at_ms[0]);
        weigh_leaf(leaf, 0, leaf->count, weigher, &tally);
        must(memcmp(&tally, &leaf->tally, sizeof tally) == 0);
        for (uint8_t j = 0; j < leaf->count; j++) {
            uint32_t number = number_of(entries_of(leaf)[j]);

            must(leaf->at_ms[j] > last_ms || (leaf->at_ms[j] == last_ms && number > last));
            last_ms = leaf->at_ms[j];
            last = number;
        }
        count += leaf->count;
    }
    must(count == series->count);
    for (uint32_t group = 0; group < series->groups_valid; group++) {
        struct score_tally tally = {0};

        for (uint32_t i = 0; i < GROUP_LEAVES; i++)
            score_tally_add(&tally, &series->leaves[group * GROUP_LEAVES + i].tally);
        must(memcmp(&tally, &series->groups[group], sizeof tally) == 0);
    }
}
