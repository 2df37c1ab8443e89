/*
 * The fold: a history read from its beginning to an instant (semantics.md section 0).
 *
 * Why one fold for everything: late proof, retarget, merge, correction, catch-up and restart differ only in
 * which entries the history has and what T is. So there is one way to the truth, and one cheap step along it
 * for what arrives in order. Always true: clocks are settled up to an instant before anything of that instant
 * happens; the light step and the full fold are the same code and leave the same clocks. Not here: what an
 * entry does (fold_event), what goes out because of it (announce).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "core/fold.h"

/* What matching and targets depend on: other attributes change without a look at the agreements. */
static uint16_t
match_mask(const struct policy_set *set)
{
    uint16_t mask = ATTRIBUTE_BIT(ATTRIBUTE_PRIORITY);

    for (size_t version = 0; version < policy_set_count(set); version++) {
        const struct policy *policy = policy_set_version(set, version);

        for (size_t i = 0; i < policy->agreements_count; i++) {
            const struct policy_match *match = &policy->agreements[i].match;

            for (size_t k = 0; k < match->keys_count; k++) {
                if (match->keys[k].attribute != POLICY_MATCH_SOURCE)
                    mask |= ATTRIBUTE_BIT(match->keys[k].attribute);
            }
        }
    }
    return mask;
}

void
fold_init(struct fold *fold, const struct policy_set *set, const struct history *history)
{
    memset(fold, 0, sizeof *fold);
    fold->set = set;
    fold->history = history;
    fold->match_mask = match_mask(set);
    fold_reset(fold);
}

static void
life_init(struct life *life)
{
    memset(life, 0, sizeof *life);
    life->status_on = PARTIES_COUNT;
    life->ball = PARTY_BIT(PARTY_NOBODY);
    life->at_ms = life->started_at_ms = life->first_event_at_ms = life->changed_at_ms =
        life->earliest_start_ms = INSTANT_NONE;
    life->priority_since_ms = life->merged_at_ms = life->relay_contact_ms = INSTANT_NONE;
    life->solved_at_ms = life->closed_at_ms = life->final_at_ms = INSTANT_NONE;
    life->pending_reopen_at_ms = INSTANT_NONE;
    life->oldest_unanswered_ms = life->first_contact_ms = life->inherited_contact_ms = INSTANT_NONE;
}

static void
free_runs(struct fold *fold)
{
    for (size_t i = 0; i < fold->past_count; i++)
        memory_free(fold->past[i].extra.runs);
}

void
fold_reset_around(struct fold *fold)
{
    if (fold->past_count > 0)
        free_runs(fold);
    memset(fold->by_party_wall_ms, 0, sizeof fold->by_party_wall_ms);
    memset(&fold->solve, 0, sizeof fold->solve);
    fold->clocks_count = fold->past_count = fold->excuses_count = 0;
    fold->cursor = fold->entry_from = 0;
    fold->loud_ticket = fold->needs_full = fold->birth = fold->solve_known = false;
    fold->touched = fold->begun = fold->recalled = fold->entries_done = 0;
    fold->course.count = 0;
    fold->course.broken = fold->merge_void = false;
    fold->unmapped_statuses = 0;
}

void
fold_reset(struct fold *fold)
{
    fold_reset_around(fold);
    life_init(&fold->life);
}

void
fold_init_again(struct fold *fold, const struct policy_set *set, const struct history *history)
{
    if (fold->set != set) {
        fold->match_mask = match_mask(set);
        account_forget(fold);
    }
    fold->set = set;
    fold->history = history;
    fold->honest = fold->pinned_days = fold->through = false;
    fold->only = NULL;
    fold->watch = NULL;
    fold->watch_before = NULL;
    fold_reset(fold);
}

void
fold_done(struct fold *fold)
{
    free_runs(fold);
    for (size_t i = 0; fold->extras != NULL && i < fold->clocks_room; i++)
        memory_free(fold->extras[i].runs);
    memory_free(fold->clocks);
    memory_free(fold->extras);
    memory_free(fold->sketches);
    course_done(&fold->course);
    memory_free(fold->past);
    memory_free(fold->excuses);
}

const struct policy *
fold_policy(const struct fold *fold)
{
    return policy_set_version(fold->set, fold->life.version);
}

void
fold_reserve(struct fold *fold, size_t slots)
{
    size_t had = fold->clocks_room, room = had > 0 ? had : 8;

    if (slots <= had)
        return;
    while (room < slots)
        room *= 2;
    fold->clocks_room = room;
    fold->clocks = memory_resize(fold->clocks, room * sizeof *fold->clocks);
    if (fold->light) {
        fold->sketches = memory_resize(fold->sketches, room * sizeof *fold->sketches);
        memset(fold->sketches + had, 0, (room - had) * sizeof *fold->sketches);
    } else {
        fold->extras = memory_resize(fold->extras, room * sizeof *fold->extras);
        memset(fold->extras + had, 0, (room - had) * sizeof *fold->extras);
    }
}

size_t
fold_add_slot(struct fold *fold, const struct policy_clock *promise, uint16_t version)
{
    size_t slot = fold->clocks_count;

    fold_reserve(fold, slot + 1);
    fold->clocks_count++;
    clock_idle(&fold->clocks[slot], promise, version);
    if (!fold->light)
        clock_extra_clear(&fold->extras[slot]);
    return slot;
}

/* Of the ticket's agreements the longest (R67). */
int64_t
fold_reopen_window_ms(const struct fold *fold)
{
    int64_t longest_ms = 0;

    for (size_t i = 0; i < fold->clocks_count; i++) {
        const struct clock *clock = &fold->clocks[i];
        const struct policy *policy = policy_set_version(fold->set, clock->version);
        int64_t window_ms = policy->agreements[clock->promise->agreement].reopen_window_ms;

        if (window_ms == 0)
            window_ms = fold_policy(fold)->reopen_window_ms;
        if (!clock->lost && window_ms > longest_ms)
            longest_ms = window_ms;
    }
    return longest_ms > 0 ? longest_ms : fold_policy(fold)->reopen_window_ms;
}

const struct clock *
fold_find_cycle(const struct fold *fold, enum clock_kind kind, symbol name, uint32_t cycle,
                const struct clock_extra **ret_extra)
{
    for (size_t i = 0; i < fold->clocks_count + fold->past_count; i++) {
        bool present = i < fold->clocks_count;
        const struct past_cycle *past = present ? NULL : &fold->past[i - fold->clocks_count];
        const struct clock *clock = present ? &fold->clocks[i] : &past->clock;

        if (clock->promise->kind != kind || clock->promise->name != name || clock->cycle != cycle ||
            clock->started_at_ms == INSTANT_NONE)
            continue;
        *ret_extra = present ? &fold->extras[i] : &past->extra;
        return clock;
    }
    return NULL;
}

bool
fold_has_honest_view(const struct life *life)
{
    return life->canned_seen || life->reopens > 0;
}

bool
fold_is_final(const struct fold *fold, int64_t *ret_final_at_ms)
{
    const struct life *life = &fold->life;
    int64_t final_at_ms;

    if (!life->exists || life->deleted || life->merged)
        return false;
    if (life->final_at_ms != INSTANT_NONE) {
        final_at_ms = life->final_at_ms;
    } else if (life->phase == PHASE_CLOSED) {
        final_at_ms = life->closed_at_ms;
    } else if (life->phase == PHASE_SOLVED && life->solved_at_ms != INSTANT_NONE &&
               life->pending_reopen_at_ms == INSTANT_NONE) {
        final_at_ms = life->solved_at_ms + fold_reopen_window_ms(fold);
        if (final_at_ms > fold->until_ms || (final_at_ms == fold->until_ms && !fold->through))
            return false;
    } else {
        return false;
    }
    *ret_final_at_ms = final_at_ms;
    return true;
}

/* Everything up to at_ms happens but the timers at at_ms itself (through: they too). */
void
fold_settle(struct fold *fold, int64_t at_ms, bool through)
{
    struct life *life = &fold->life;

    if (!life->exists)
        return;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (!fold->light || fold->clocks[slot].next_at_ms <= at_ms)
            clock_settle(fold, slot, at_ms, through);
    }
    if (!fold->light)
        fold->by_party_wall_ms[account_attribution(life->ball)] += at_ms - life->at_ms;
    life->at_ms = at_ms;
    life->through = through;
}

/* The same, with whoever watches told before. */
static void
settle_watched(struct fold *fold, int64_t at_ms, bool through)
{
    if (fold->watch_before != NULL)
        fold->watch_before(fold->watch_context, fold, at_ms);
    fold_settle(fold, at_ms, through);
}

/* What was final under the window of its time stays so when a later version has a longer one (R19, R44). */
static void
latch_final(struct fold *fold, int64_t from_ms)
{
    struct life *life = &fold->life;

    if (life->phase == PHASE_SOLVED && life->solved_at_ms != INSTANT_NONE &&
        life->pending_reopen_at_ms == INSTANT_NONE && life->final_at_ms == INSTANT_NONE &&
        life->solved_at_ms + fold_reopen_window_ms(fold) < from_ms)
        life->final_at_ms = life->solved_at_ms + fold_reopen_window_ms(fold);
}

/* Versions that come into force up to and including at_ms begin before anything else of their instant (R49).
 */
void
fold_through_versions(struct fold *fold, int64_t at_ms)
{
    while (fold->life.exists) {
        size_t version = policy_set_in_force(fold->set, at_ms);
        int64_t from_ms;

        if (fold->life.version >= version)
            return;
        version = fold->life.version + (size_t)1;
        from_ms = policy_set_version(fold->set, version)->from_ms;
        settle_watched(fold, from_ms > fold->life.at_ms ? from_ms : fold->life.at_ms, false);
        latch_final(fold, from_ms);
        fold_version_begins(fold, version, fold->life.at_ms);
        if (fold->watch != NULL)
            fold->watch(fold->watch_context, fold, NULL);
    }
}

void
fold_derive_with_days(struct fold *fold, size_t days_version, int64_t until_ms, bool through)
{
    struct entry entry;

    fold_reset(fold);
    fold->light = false;
    fold->days_version = days_version;
    fold->until_ms = until_ms;
    fold->through = through;
    while (history_next(fold->history, &fold->cursor, &entry) && entry.at_ms <= until_ms) {
        fold_through_versions(fold, entry.at_ms);
        settle_watched(fold, entry.at_ms, false);
        fold_entry(fold, &entry);
        fold->entry_from = fold->cursor;
        if (fold->watch != NULL)
            fold->watch(fold->watch_context, fold, &entry);
    }
    fold_through_versions(fold, until_ms);
    settle_watched(fold, until_ms, through);
}

void
fold_derive(struct fold *fold, int64_t until_ms, bool through)
{
    size_t newest = policy_set_in_force(fold->set, until_ms);
    int64_t final_at_ms;

    fold_derive_with_days(fold, newest, until_ms, through);
    if (newest == 0 || !fold_is_final(fold, &final_at_ms))
        return;
    /* its days reach no clock that was final before (R49) */
    if (policy_set_in_force(fold->set, final_at_ms) < newest)
        fold_derive_with_days(fold, policy_set_in_force(fold->set, final_at_ms), until_ms, through);
}

void
fold_step(struct fold *fold, const struct entry *entry, int64_t until_ms, bool through)
{
    fold->light = true;
    fold->until_ms = until_ms;
    fold->through = through;
    fold->loud_ticket = fold->needs_full = fold->solve_known = false;
    fold->touched = fold->begun = fold->recalled = 0;
    fold->entries_done = fold->history->count - (entry != NULL);
    fold->cursor = fold->entry_from = fold->history->used;
    if (fold->life.exists && policy_set_in_force(fold->set, until_ms) != fold->life.version) {
        fold->needs_full = true;
        return;
    }
    if (entry != NULL) {
        fold_settle(fold, entry->at_ms, false);
        fold_entry(fold, entry);
        /* born under an older one */
        fold->needs_full |= policy_set_in_force(fold->set, until_ms) != fold->life.version;
    }
    fold_settle(fold, until_ms, through);
}

/* The attributes as they were when each recalled clock was decided. */
static void
recall_attributes(struct fold *fold)
{
    symbol attributes[ATTRIBUTES_COUNT] = {0};
    uint32_t cursor = 0, done = 0;
    bool more;

    do {
        for (size_t slot = 0; slot < fold->clocks_count; slot++) {
            if ((fold->recalled & SLOT_BIT(slot)) != 0 && fold->clocks[slot].decided_after == done)
                memcpy(fold->sketches[slot].attributes, attributes, sizeof attributes);
        }
        more = history_next_attributes(fold->history, &cursor, attributes);
        done++;
    } while (more);
}

void
fold_recall(struct fold *fold)
{
    const struct life *life = &fold->life;

    if (!fold->solve_known && life->solved_at_ms != INSTANT_NONE && !life->figures_moved) {
        fold->solve =
            (struct solve_figures){life->reopens,       life->group_bounces,  life->assignee_changes,
                                   life->tiers_touched, life->agent_messages, {0}};
        account_ticket(fold, life->solved_at_ms, fold->solve.by_party_wall_ms);
        fold->solve_known = true;
    }
    fold->recalled &= ~fold->touched;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (fold->recalled & SLOT_BIT(slot))
            clock_recall(fold, slot);
    }
    if (fold->recalled != 0)
        recall_attributes(fold);
}
