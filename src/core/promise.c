/*
 * Which promises the agreements make to a ticket as it is now, and what changes when it changes (semantics.md
 * sections 3 and 5, rulings R18, R19, R21, R22, R48).
 *
 * Why here: matching happens whenever an attribute moves, and only then. A slot is one promise by (kind,
 * clock name); agreements come and go behind it. Always true: of SLAs the first that matches decides, of OLAs
 * and UCs every one; a started cycle keeps its version; a slot that no agreement promises any more is `lost`,
 * not removed, so that its cycle number is never used twice. Not here: what a retarget or a cancellation does
 * to a clock (clock).
 */
#include "base/memory.h"
#include "core/fold.h"

bool
promise_match(const struct policy_match *match, const struct life *life)
{
    for (size_t i = 0; i < match->keys_count; i++) {
        const struct policy_match_key *key = &match->keys[i];
        symbol value =
            key->attribute == POLICY_MATCH_SOURCE ? life->source : life->attributes[key->attribute];
        size_t k = 0;

        while (k < key->values_count && key->values[k] != value)
            k++;
        if (value == 0 || k == key->values_count)
            return false;
    }
    return true;
}

int64_t
promise_target_ms(const struct policy_clock *promise, symbol priority)
{
    for (size_t i = 0; i < promise->targets_count && priority != 0; i++) {
        if (promise->targets[i].priority == priority)
            return promise->targets[i].ms;
    }
    return promise->target_default_ms;
}

/* Whether this agreement is the one that counts: the first matching SLA, or any matching OLA or UC. */
static bool
agreement_holds(const struct policy *policy, const struct life *life, size_t agreement)
{
    const struct policy_agreement *candidate = &policy->agreements[agreement];

    if (!promise_match(&candidate->match, life))
        return false;
    for (size_t i = 0; i < agreement && candidate->kind == KIND_SLA; i++) {
        if (policy->agreements[i].kind == KIND_SLA && promise_match(&policy->agreements[i].match, life))
            return false;
    }
    return true;
}

const struct policy_clock *
promise_find(const struct policy *policy, const struct life *life, enum clock_kind kind, symbol name)
{
    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *promise = &policy->clocks[i];

        if (promise->kind == kind && promise->name == name &&
            promise_target_ms(promise, life->attributes[ATTRIBUTE_PRIORITY]) > 0 &&
            agreement_holds(policy, life, (size_t)promise->agreement))
            return promise;
    }
    return NULL;
}

const struct policy_clock *
promise_now(const struct fold *fold, const struct clock *clock, uint16_t *ret_version)
{
    if (fold->only != NULL) {
        *ret_version = fold->only_version;
        return fold->only;
    }
    *ret_version = fold->life.version;
    return promise_find(fold_policy(fold), &fold->life, clock->promise->kind, clock->promise->name);
}

int
fold_slot(const struct fold *fold, enum clock_kind kind, symbol name)
{
    for (size_t i = 0; i < fold->clocks_count; i++) {
        if (fold->clocks[i].promise->kind == kind && fold->clocks[i].promise->name == name)
            return (int)i;
    }
    return -1;
}

/* The promise is gone: a clock under way is cancelled (R21, R22). */
static void
lose(struct fold *fold, size_t slot, int64_t at_ms)
{
    fold->clocks[slot].lost = true;
    clock_cancel(fold, slot, at_ms);
}

static void gain_late(struct fold *fold, size_t slot, int64_t at_ms);

static void
come_back(struct fold *fold, size_t slot, const struct policy_clock *promise, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];

    clock->lost = false;
    /* what would have started it may have come while it was lost */
    if (clock->started_at_ms == INSTANT_NONE) {
        clock->promise = promise;
        clock->version = clock->asked_version = fold->life.version; /* whose promise it is (match_slot) */
        fold->needs_full |= fold->light;
        if (!fold->light && !fold->birth && !(fold->version_begins && !fold_is_active(fold)))
            gain_late(fold, slot, at_ms);
        return;
    }
    if (!clock->cancelled || !fold_is_active(fold))
        return;
    clock_resume(fold, slot, at_ms, false);
    if (fold->extras != NULL)
        clock_retarget(fold, slot, promise, clock->asked_version, at_ms);
}

static void
match_slot(struct fold *fold, size_t slot, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    bool started = clock->started_at_ms != INSTANT_NONE;
    uint16_t version = started ? clock->asked_version : fold->life.version;
    const struct policy_clock *promise = promise_find(policy_set_version(fold->set, version), &fold->life,
                                                      clock->promise->kind, clock->promise->name);

    if (promise == NULL) {
        lose(fold, slot, at_ms);
    } else if (clock->lost) {
        come_back(fold, slot, promise, at_ms);
    } else if (!started) {
        clock->promise = promise;
        clock->version = clock->asked_version = version;
    } else if (!clock->ended) {
        clock_retarget(fold, slot, promise, version, at_ms);
    }
}

/* Runs the history again for this promise alone, as if it had been made from the beginning, and takes over
 * what it finds: a clock gained late counts from its own start (R21). */
static void
gain_late(struct fold *fold, size_t slot, int64_t at_ms)
{
    const struct clock *clock = &fold->clocks[slot];
    struct fold trial;
    struct entry entry;

    fold_init(&trial, fold->set, fold->history);
    trial.days_version = fold->days_version;
    trial.honest = fold->honest;
    trial.pinned_days = fold->pinned_days;
    trial.merge_is_void = fold->merge_is_void;
    trial.merge_context = fold->merge_context;
    trial.until_ms = at_ms;
    trial.only = clock->promise;
    trial.only_version = clock->version;
    while (trial.cursor < fold->entry_from && history_next(trial.history, &trial.cursor, &entry)) {
        fold_through_versions(&trial, entry.at_ms);
        fold_settle(&trial, entry.at_ms, false);
        fold_entry(&trial, &entry);
        trial.entry_from = trial.cursor;
    }
    fold_settle(&trial, at_ms, false);
    if (trial.clocks_count > 0) {
        for (size_t i = 0; i < trial.past_count; i++) {
            fold->past = memory_resize(fold->past, (fold->past_count + 1) * sizeof *fold->past);
            fold->past_room = fold->past_count + 1;
            fold->past[fold->past_count++] = trial.past[i];
            trial.past[i].extra.runs = NULL;
        }
        clock_adopt(fold, slot, &trial, at_ms);
    }
    fold_done(&trial);
}

static bool
starts_at_creation(const struct policy_clock *promise)
{
    return promise->measure == MEASURE_RESOLUTION || promise->measure == MEASURE_UPDATE ||
           (promise->measure == MEASURE_FIRST_RESPONSE && promise->start != START_HANDOFF);
}

/* Promises of this version that have no slot yet. A clock that starts at creation is pinned to the version in
 * force then. */
static void
gain(struct fold *fold, uint16_t version, int64_t at_ms)
{
    const struct policy *policy = policy_set_version(fold->set, version);

    for (size_t i = 0; i < policy->clocks_count; i++) {
        const struct policy_clock *promise = &policy->clocks[i];
        uint16_t start_version = starts_at_creation(promise) ? fold->life.start_version : fold->life.version;
        size_t slot;

        if (start_version != version || fold_slot(fold, promise->kind, promise->name) >= 0 ||
            promise_find(policy, &fold->life, promise->kind, promise->name) != promise)
            continue;
        slot = fold_add_slot(fold, promise, version);
        /* a new version promises nothing for what is over */
        if (fold->birth || (fold->version_begins && !fold_is_active(fold)))
            continue;
        if (fold->light)
            fold->needs_full = true;
        else
            gain_late(fold, slot, at_ms);
    }
}

void
fold_match(struct fold *fold, int64_t at_ms)
{
    if (fold->only != NULL) {
        if (fold->clocks_count == 0)
            fold_add_slot(fold, fold->only, fold->only_version);
        return;
    }
    for (size_t slot = 0; slot < fold->clocks_count; slot++)
        match_slot(fold, slot, at_ms);
    gain(fold, fold->life.start_version, at_ms);
    if (fold->life.version != fold->life.start_version)
        gain(fold, fold->life.version, at_ms);
}

/* apply_to_running: every clock under way is retargeted to this version. */
void
fold_repin(struct fold *fold, size_t version, int64_t at_ms)
{
    for (size_t slot = 0; slot < fold->clocks_count && fold->only == NULL; slot++) {
        struct clock *clock = &fold->clocks[slot];
        const struct policy_clock *promise;

        if (clock->started_at_ms == INSTANT_NONE || clock->ended)
            continue;
        promise = promise_find(policy_set_version(fold->set, version), &fold->life, clock->promise->kind,
                               clock->promise->name);
        clock->asked_version = (uint16_t)version;
        if (promise == NULL)
            lose(fold, slot, at_ms);
        else
            clock_retarget(fold, slot, promise, (uint16_t)version, at_ms);
    }
}
