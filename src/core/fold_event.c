/*
 * What one event does to a ticket and its clocks, in the order of rulings R1: creation; message effects;
 * attributes and retarget; status; starts.
 *
 * Why one pass in a fixed order: an answer that also raises the priority is judged under the old target, an
 * answer that also waits for the customer stops the response clock and pauses the other. The order is the
 * rule. Always true: when this returns, the ball says who is waited for and every clock runs exactly if it
 * should. Not here: what a stop or a retarget does to one clock (clock), matching (promise), reopening
 * (reopen).
 */
#include "base/memory.h"
#include "core/fold.h"

/* The event in hand, understood. */
struct happening {
    const struct entry *entry;
    int64_t at_ms;
    enum actor actor;
    bool human_answer; /* a public message by a human agent who is not the requester */
    bool contact;      /* a public message from the requester's side */
    bool handoff;
    bool was_active;
    uint8_t ball_before;
};

enum actor
fold_actor(const struct fold *fold, const struct entry *entry)
{
    const struct life *life = &fold->life;
    symbol requester = life->attributes[ATTRIBUTE_REQUESTER];
    symbol assignee = life->attributes[ATTRIBUTE_ASSIGNEE];

    if (entry->actor != ACTOR_MISSING)
        return entry->actor;
    if (entry->present & ATTRIBUTE_BIT(ATTRIBUTE_REQUESTER))
        requester = entry->attributes[ATTRIBUTE_REQUESTER];
    if (entry->present & ATTRIBUTE_BIT(ATTRIBUTE_ASSIGNEE))
        assignee = entry->attributes[ATTRIBUTE_ASSIGNEE];
    if (entry->by != 0 && entry->by == requester)
        return ACTOR_REQUESTER;
    return entry->by != 0 && entry->by == assignee ? ACTOR_AGENT : ACTOR_SYSTEM;
}

bool
fold_is_active(const struct fold *fold)
{
    return fold->life.phase == PHASE_ACTIVE && !fold->life.deleted && !fold->life.merged;
}

void
fold_status_meaning(const struct fold *fold, symbol status, enum status_state *ret_state, uint8_t *ret_on)
{
    const struct policy_status *known = status != 0 ? policy_status_find(fold_policy(fold), status) : NULL;

    *ret_state = known != NULL ? known->state : STATUS_OPEN; /* R18; unknown_status: open */
    *ret_on = (uint8_t)(known != NULL ? known->on : PARTIES_COUNT);
}

static void
understand(const struct fold *fold, const struct entry *entry, struct happening *happening)
{
    bool by_side, public;

    *happening = (struct happening){.entry = entry, .at_ms = entry->at_ms};
    happening->actor = fold_actor(fold, entry);
    happening->was_active = fold_is_active(fold);
    happening->ball_before = fold->life.ball;
    by_side = happening->actor == ACTOR_REQUESTER || happening->actor == ACTOR_CUSTOMER;
    /* R7 */
    public = entry->is_public == EVENT_FLAG_TRUE || (entry->is_public == EVENT_FLAG_MISSING && by_side);
    if (entry->type == EVENT_TICKET_MESSAGE && public) {
        happening->contact = by_side;
        happening->human_answer =
            happening->actor == ACTOR_AGENT && entry->handled_by != HANDLED_BY_BOT &&
            (entry->by == 0 || entry->by != fold->life.attributes[ATTRIBUTE_REQUESTER]) &&
            !(fold->honest && entry->canned == EVENT_FLAG_TRUE);
    }
    happening->handoff = entry->handled_by == HANDLED_BY_HUMAN || happening->human_answer;
}

static void
begin(struct fold *fold, size_t slot, int64_t at_ms)
{
    uint16_t version;
    const struct policy_clock *promise = promise_now(fold, &fold->clocks[slot], &version);

    if (promise != NULL) /* a new cycle asks the version in force, whatever its slot's old one promises now */
        clock_begin(fold, slot, promise, version, at_ms);
}

static bool
is_idle(const struct clock *clock)
{
    return clock->started_at_ms == INSTANT_NONE;
}

/* ---- messages ---- */

static void
answer_clock(struct fold *fold, size_t slot, const struct happening *happening)
{
    struct clock *clock = &fold->clocks[slot];
    bool response = clock->promise->measure == MEASURE_FIRST_RESPONSE;

    /* R46 */
    if (response && is_idle(clock) && clock->promise->start == START_HANDOFF && fold_is_active(fold)) {
        begin(fold, slot, happening->at_ms);
        fold_update_running(fold, happening->at_ms);
    }
    clock = &fold->clocks[slot];
    if (is_idle(clock) || clock->ended ||
        !(response || clock->promise->measure == MEASURE_NEXT_RESPONSE ||
          clock->promise->measure == MEASURE_UPDATE))
        return;
    clock->answered = response;
    if (happening->entry->canned == EVENT_FLAG_TRUE)
        clock->flags |= FLAG_CANNED_RESPONSE;
    clock_stop(fold, slot, happening->at_ms);
}

static void
take_message(struct fold *fold, const struct happening *happening)
{
    struct life *life = &fold->life;

    if (happening->entry->canned == EVENT_FLAG_TRUE)
        life->canned_seen = true;
    if (happening->human_answer) {
        for (size_t slot = 0; slot < fold->clocks_count; slot++)
            answer_clock(fold, slot, happening);
        life->contacted = life->answered = true;
        life->figures_moved |= life->solved_at_ms != INSTANT_NONE;
        life->oldest_unanswered_ms = life->inherited_contact_ms = INSTANT_NONE;
        life->agent_messages++;
    } else if (happening->contact) {
        life->contacted = false;
        life->message_since_solve = !happening->was_active;
        if (life->oldest_unanswered_ms == INSTANT_NONE)
            life->oldest_unanswered_ms = happening->at_ms;
        if (life->first_contact_ms == INSTANT_NONE)
            life->first_contact_ms = happening->at_ms;
    }
}

/* ---- attributes ---- */

static void
touch_tier(struct fold *fold)
{
    const struct policy_group *group =
        policy_group_find(fold_policy(fold), fold->life.attributes[ATTRIBUTE_GROUP]);

    if (group != NULL && group->tier > 0 && group->tier < 32)
        fold->life.tiers_touched |= 1U << group->tier;
}

/* From one to another, also by way of none (R58). */
static void
count_change(symbol value, symbol *before, uint32_t *count)
{
    if (value == 0)
        return;
    *count += *before != 0 && *before != value;
    *before = value;
}

/* A clock that is breached, or decided and open again, has a verdict that says so at once. */
static void
set_flag(struct fold *fold, struct clock *clock, uint16_t flag)
{
    clock->flags |= flag;
    fold->needs_full |= fold->light && (clock->breached_at_ms != INSTANT_NONE || clock->irregular);
}

/* R27: back at its previous value within flip_window. */
static void
watch_flip(struct fold *fold, symbol priority, int64_t at_ms)
{
    struct life *life = &fold->life;
    bool flip = priority == life->priority_before && life->priority_since_ms != INSTANT_NONE &&
                at_ms - life->priority_since_ms <= fold_policy(fold)->flip_window_ms;

    for (size_t slot = 0; slot < fold->clocks_count && flip; slot++) {
        struct clock *clock = &fold->clocks[slot];

        if (!is_idle(clock) && !clock->ended) {
            set_flag(fold, clock, FLAG_PRIORITY_FLIP);
        }
    }
    life->priority_before = life->attributes[ATTRIBUTE_PRIORITY];
    life->priority_since_ms = at_ms;
}

/* What the ticket's record says is another from here on. */
static void
note_change(struct fold *fold, int64_t at_ms)
{
    fold->life.changed_at_ms = at_ms;
    fold->loud_ticket = true;
}

static void
take_attributes(struct fold *fold, const struct happening *happening)
{
    const uint16_t assignee = ATTRIBUTE_BIT(ATTRIBUTE_ASSIGNEE);
    const struct entry *entry = happening->entry;
    struct life *life = &fold->life;
    uint16_t changed = 0;

    for (unsigned left = entry->present; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);

        if (entry->attributes[i] == life->attributes[i])
            continue;
        changed |= ATTRIBUTE_BIT(i);
        if (i == ATTRIBUTE_PRIORITY && !fold->birth)
            watch_flip(fold, entry->attributes[i], happening->at_ms);
        life->attributes[i] = entry->attributes[i];
    }
    fold->entries_done++;
    if (changed & (assignee | ATTRIBUTE_BIT(ATTRIBUTE_GROUP)))
        life->figures_moved |= life->solved_at_ms != INSTANT_NONE;
    if (changed & ATTRIBUTE_BIT(ATTRIBUTE_GROUP)) {
        count_change(life->attributes[ATTRIBUTE_GROUP], &life->group_before, &life->group_bounces);
        touch_tier(fold);
    }
    if (changed & assignee)
        count_change(life->attributes[ATTRIBUTE_ASSIGNEE], &life->assignee_before, &life->assignee_changes);
    if (changed & fold->match_mask || fold->birth)
        fold_match(fold, happening->at_ms);
    if (changed & (uint16_t)~ATTRIBUTE_BIT(ATTRIBUTE_STATUS))
        note_change(fold, happening->at_ms);
}

/* ---- status ---- */

/* What the ticket's record tells while it is solved or closed (R58). */
static void
keep_solve_figures(struct fold *fold)
{
    const struct life *life = &fold->life;

    fold->solve = (struct solve_figures){life->reopens,       life->group_bounces,  life->assignee_changes,
                                         life->tiers_touched, life->agent_messages, {0}};
    fold->solve_known = true;
    if (fold->light)
        account_ticket(fold, life->at_ms, fold->solve.by_party_wall_ms);
    else
        memcpy(fold->solve.by_party_wall_ms, fold->by_party_wall_ms, sizeof fold->by_party_wall_ms);
}

static void
solve(struct fold *fold, const struct happening *happening)
{
    struct life *life = &fold->life;
    /* R7 */
    bool automatic = happening->entry != NULL &&
                     (happening->entry->actor == ACTOR_BOT || happening->entry->actor == ACTOR_SYSTEM);

    life->solved_at_ms = happening->at_ms;
    life->message_since_solve = life->figures_moved = false;
    life->oldest_unanswered_ms = INSTANT_NONE;
    life->auto_closed_seen |= automatic;
    keep_solve_figures(fold);
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        struct clock *clock = &fold->clocks[slot];

        if (is_idle(clock) || clock->ended)
            continue;
        if (clock->promise->measure == MEASURE_FIRST_RESPONSE && clock->breached_at_ms == INSTANT_NONE)
            clock->unanswered = true;
        if (clock->promise->measure == MEASURE_RESOLUTION && automatic)
            clock->flags |= FLAG_AUTO_CLOSED;
        clock_stop(fold, slot, happening->at_ms);
    }
}

static void
cancel_all(struct fold *fold, int64_t at_ms, uint16_t flag)
{
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (!is_idle(&fold->clocks[slot]) && !fold->clocks[slot].ended)
            fold->clocks[slot].flags |= flag;
        clock_cancel(fold, slot, at_ms);
    }
}

/* What a cancellation ended goes on (section 5, Delete; a cancelled ticket that is open again). */
static void
resume_all(struct fold *fold, int64_t at_ms)
{
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        struct clock *clock = &fold->clocks[slot];

        if (clock->cancelled && !clock->lost)
            clock_resume(fold, slot, at_ms, false);
        else if (is_idle(clock) && clock->promise->measure == MEASURE_RESOLUTION)
            begin(fold, slot, at_ms);
    }
    fold_match(fold, at_ms);
}

static void
take_reopen(struct fold *fold, const struct happening *happening)
{
    struct life *life = &fold->life;
    enum reopen_fate fate;

    if (fold->light) {
        fold->needs_full = true;
        return;
    }
    fate = happening->entry != NULL ? reopen_fate(fold, happening->entry, happening->actor) : REOPEN_IS_REAL;
    if (fate == REOPEN_IS_REAL)
        reopen_clocks(fold, happening->at_ms);
    else if (fate == REOPEN_IS_PENDING)
        life->pending_reopen_at_ms = happening->at_ms;
}

static enum phase
phase_of(enum status_state state)
{
    return state == STATUS_SOLVED      ? PHASE_SOLVED
           : state == STATUS_CLOSED    ? PHASE_CLOSED
           : state == STATUS_CANCELLED ? PHASE_CANCELLED
                                       : PHASE_ACTIVE;
}

/* From a phase in which it is over back to open: was_solved tells a reopen from a restored cancellation. */
static void
open_again(struct fold *fold, const struct happening *happening)
{
    struct life *life = &fold->life;

    if (life->phase == PHASE_CANCELLED) {
        note_change(fold, happening->at_ms);
        life->phase = PHASE_ACTIVE;
        if (fold_is_active(fold))
            resume_all(fold, happening->at_ms);
    } else if (life->deleted || life->merged) {
        life->phase = PHASE_ACTIVE;
    } else {
        take_reopen(fold, happening);
    }
}

static void
enter_phase(struct fold *fold, const struct happening *happening, enum phase phase, bool was_open)
{
    struct life *life = &fold->life;
    bool standing = !life->deleted && !life->merged;

    if (phase == PHASE_ACTIVE) {
        if (life->phase != PHASE_ACTIVE && !was_open)
            open_again(fold, happening);
        return;
    }
    if (life->phase == phase)
        return;
    note_change(fold, happening->at_ms);
    if (phase == PHASE_CANCELLED) {
        if (life->pending_reopen_at_ms == INSTANT_NONE)
            cancel_all(fold, happening->at_ms, 0);
    } else {
        if (life->phase == PHASE_ACTIVE && standing)
            solve(fold, happening);
        if (phase == PHASE_CLOSED)
            life->closed_at_ms = happening->at_ms;
        else
            life->closed_at_ms = INSTANT_NONE;
        /* cancelled or deleted before: no clock ends, but the ticket is solved */
        if (life->solved_at_ms == INSTANT_NONE) {
            life->solved_at_ms = happening->at_ms;
            keep_solve_figures(fold);
        }
    }
    life->phase = (uint8_t)phase;
    life->pending_reopen_at_ms = INSTANT_NONE;
}

/* What the status means now: on an event that carries one, and when a new version maps it differently. */
static void
take_status(struct fold *fold, const struct happening *happening)
{
    struct life *life = &fold->life;
    enum phase raw_before = phase_of((enum status_state)life->state);
    enum status_state state;
    uint8_t on;

    fold_status_meaning(fold, life->attributes[ATTRIBUTE_STATUS], &state, &on);
    life->state = (uint8_t)state;
    life->status_on = on;
    enter_phase(fold, happening, phase_of(state), raw_before == PHASE_ACTIVE && !fold->birth);
}

/* ---- ball and running ---- */

static uint8_t
ball_of(const struct fold *fold)
{
    const struct life *life = &fold->life;
    const struct policy_group *group;

    if (!fold_is_active(fold))
        return PARTY_BIT(PARTY_NOBODY);
    if (life->waiting_on != 0)
        return life->waiting_on;
    if (life->status_on < PARTIES_COUNT)
        return PARTY_BIT(life->status_on);
    group = policy_group_find(fold_policy(fold), life->attributes[ATTRIBUTE_GROUP]);
    return PARTY_BIT(group != NULL ? group->party : PARTY_PROVIDER);
}

/* R20: by party it is among those who have the ball; by group it is the ticket's group and its party has the
 * ball. */
static bool
has_ball(const struct fold *fold, const struct policy_clock *promise)
{
    const struct policy_group *group;

    if (promise->of_party < PARTIES_COUNT)
        return (fold->life.ball & PARTY_BIT(promise->of_party)) != 0;
    if (promise->of_group != fold->life.attributes[ATTRIBUTE_GROUP])
        return false;
    group = policy_group_find(fold_policy(fold), promise->of_group);
    return (fold->life.ball & PARTY_BIT(group != NULL ? group->party : PARTY_PROVIDER)) != 0;
}

static void
update_handling(struct fold *fold, size_t slot, int64_t at_ms)
{
    struct clock *clock = &fold->clocks[slot];
    bool has = fold_is_active(fold) && has_ball(fold, clock->promise);
    bool per_stay = clock->promise->mode == HANDLING_PER_STAY;

    if (!is_idle(clock) && !clock->ended && !has && per_stay)
        clock_stop(fold, slot, at_ms);
    if (has && (is_idle(clock) || (clock->ended && !clock->cancelled && (per_stay || clock->renewed))))
        begin(fold, slot, at_ms);
    clock = &fold->clocks[slot];
    if (!is_idle(clock) && !clock->ended)
        clock_set_running(fold, slot, has, at_ms);
}

void
fold_update_running(struct fold *fold, int64_t at_ms)
{
    bool active = fold_is_active(fold);

    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        struct clock *clock = &fold->clocks[slot];

        if (clock->promise->measure == MEASURE_HANDLING)
            update_handling(fold, slot, at_ms);
        else if (!is_idle(clock) && !clock->ended)
            clock_set_running(fold, slot, active && (fold->life.ball & ~clock->promise->counts) == 0, at_ms);
    }
}

/* R27: the ball goes to the customer though nobody has spoken to him since his last word. */
static void
watch_contact(struct fold *fold, uint8_t before)
{
    const uint8_t customer = PARTY_BIT(PARTY_CUSTOMER);

    if (fold->life.contacted || (fold->life.ball & customer) == 0 || (before & customer) != 0)
        return;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (fold->clocks[slot].running)
            set_flag(fold, &fold->clocks[slot], FLAG_PAUSE_WITHOUT_CONTACT);
    }
}

void
fold_update_ball(struct fold *fold, int64_t at_ms)
{
    uint8_t before = fold->life.ball;

    fold->life.ball = ball_of(fold);
    watch_contact(fold, before);
    fold_update_running(fold, at_ms);
}

/* ---- starts ---- */

static bool
starts_now(const struct fold *fold, const struct clock *clock, const struct happening *happening)
{
    switch (clock->promise->measure) {
    case MEASURE_FIRST_RESPONSE:
        if (!is_idle(clock))
            return false;
        if (clock->promise->start == START_HANDOFF)
            return happening->handoff;
        if (fold->birth)
            return clock->promise->start == START_CREATION_ALWAYS || !fold->life.created_by_agent;
        return happening->contact && fold->life.created_by_agent && clock->promise->start == START_CREATION;
    case MEASURE_NEXT_RESPONSE:
        return happening->contact && (is_idle(clock) || clock->ended);
    case MEASURE_UPDATE:
        return is_idle(clock) ? fold->birth : clock->ended && !clock->cancelled && happening->human_answer;
    case MEASURE_RESOLUTION:
        return is_idle(clock) && fold->birth;
    case MEASURE_HANDLING:
    case MEASURES_COUNT:
        break;
    }
    return false;
}

static void
take_starts(struct fold *fold, const struct happening *happening)
{
    bool began = false;

    if (!fold_is_active(fold))
        return;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (!starts_now(fold, &fold->clocks[slot], happening))
            continue;
        begin(fold, slot, happening->at_ms);
        began = true;
    }
    if (began)
        fold_update_running(fold, happening->at_ms);
}

static bool
has_too_little_left(const struct fold *fold, const struct clock *leg, int64_t at_ms)
{
    int served = fold_slot(fold, (enum clock_kind)leg->promise->supports_kind, leg->promise->supports_clock);
    const struct clock *promised = served >= 0 ? &fold->clocks[served] : NULL;

    return promised != NULL && !is_idle(promised) && !promised->ended &&
           promised->target_ms - clock_elapsed_ms(promised, at_ms) < leg->target_ms;
}

/* A leg that begins with less left than its own target says so at once (idea 9, section 7). */
static void
look_at_slack(struct fold *fold, int64_t at_ms)
{
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        const struct clock *leg = &fold->clocks[slot];
        struct clock_extra *extra = fold->light ? NULL : &fold->extras[slot];

        if (leg->promise->supports_kind == POLICY_NONE || is_idle(leg) ||
            (fold->light ? (fold->begun & SLOT_BIT(slot)) == 0 : extra->slack_looked_at))
            continue;
        if (!fold->light)
            extra->slack_looked_at = true;
        if (!has_too_little_left(fold, leg, at_ms))
            continue;
        if (fold->light)
            fold->needs_full = true;
        else
            extra->slack_at_ms = at_ms;
    }
}

/* ---- corrections and company ---- */

static void
swap_past(struct fold *fold, size_t past, size_t slot)
{
    struct past_cycle kept = fold->past[past];

    fold->past[past] = (struct past_cycle){fold->clocks[slot], fold->extras[slot]};
    fold->clocks[slot] = kept.clock;
    fold->extras[slot] = kept.extra;
}

/* A first response that begins with a contact or a hand-off, not with the ticket. */
static bool
starts_on_contact(const struct fold *fold, const struct policy_clock *promise)
{
    return promise->measure == MEASURE_FIRST_RESPONSE &&
           (promise->start == START_HANDOFF ||
            (promise->start == START_CREATION && fold->life.created_by_agent));
}

/* The start of this slot's cycle moves if it is the creation, or lies where a merge has put it (then the
 * earlier counts). */
static void
correct_slot(struct fold *fold, size_t slot, int64_t start_ms, int64_t at_ms)
{
    const struct clock *clock = &fold->clocks[slot];
    const struct policy_clock *promise = clock->promise;
    int64_t inherited_ms = fold->extras != NULL ? fold->extras[slot].inherited_start_ms : NEVER;

    if (is_idle(clock) || clock->cycle != 1 || promise->measure == MEASURE_HANDLING ||
        promise->measure == MEASURE_NEXT_RESPONSE ||
        (clock->started_at_ms != inherited_ms &&
         (clock->started_at_ms != fold->life.started_at_ms || starts_on_contact(fold, promise))))
        return;
    clock_shift_start(fold, slot, start_ms < inherited_ms ? start_ms : inherited_ms, at_ms);
}

/* created_at moves the start of the clocks that start at creation, cycle 1 (R10, R40). */
static void
take_created_at(struct fold *fold, const struct entry *entry)
{
    struct life *life = &fold->life;
    int64_t start_ms =
        entry->created_at_ms < life->first_event_at_ms ? entry->created_at_ms : life->first_event_at_ms;

    if (start_ms == life->started_at_ms)
        return;
    fold->needs_full |= fold->light;
    fold->by_party_wall_ms[account_attribution(life->first_ball)] += life->started_at_ms - start_ms;
    fold->solve.by_party_wall_ms[account_attribution(life->first_ball)] += life->started_at_ms - start_ms;
    for (size_t slot = 0; slot < fold->clocks_count; slot++)
        correct_slot(fold, slot, start_ms, entry->at_ms);
    for (size_t i = 0; i < fold->past_count; i++) { /* cycle 1 may be over */
        int slot = fold_slot(fold, fold->past[i].clock.promise->kind, fold->past[i].clock.promise->name);

        if (slot < 0)
            continue;
        swap_past(fold, i, (size_t)slot);
        correct_slot(fold, (size_t)slot, start_ms, entry->at_ms);
        swap_past(fold, i, (size_t)slot);
    }
    if (life->first_contact_ms == life->started_at_ms)
        life->first_contact_ms = start_ms;
    if (life->earliest_start_ms == life->started_at_ms || life->earliest_start_ms > start_ms)
        life->earliest_start_ms = start_ms;
    life->started_at_ms = start_ms;
}

/* Another ticket was merged into this one (R32, R41). */
static void
take_merge_in(struct fold *fold, const struct entry *entry)
{
    struct life *life = &fold->life;

    fold->needs_full |= fold->light;
    if (!fold_is_active(fold) || fold_policy(fold)->merge_own_clock || fold->light)
        return;
    if (entry->created_at_ms < life->earliest_start_ms)
        life->earliest_start_ms = entry->created_at_ms;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        struct clock *clock = &fold->clocks[slot];
        bool response = clock->promise->measure == MEASURE_FIRST_RESPONSE;
        int64_t start_ms = response ? entry->contact_at_ms : entry->created_at_ms;

        if (clock->cycle != 1 || clock->lost || (response && !entry->has_contact) ||
            (!response && clock->promise->measure != MEASURE_RESOLUTION))
            continue;
        if (response && is_idle(clock) && clock->promise->start != START_HANDOFF) {
            begin(fold, slot, entry->at_ms);
            if (!is_idle(clock)) /* the version in force may not promise it any more */
                clock_set_running(fold, slot, (life->ball & ~clock->promise->counts) == 0, entry->at_ms);
        }
        if (!is_idle(clock) && !clock->ended && clock->breached_at_ms == INSTANT_NONE &&
            start_ms < clock->started_at_ms) {
            fold->extras[slot].inherited_start_ms = start_ms;
            clock_shift_start(fold, slot, start_ms, entry->at_ms);
        }
    }
    if (entry->has_contact &&
        (life->inherited_contact_ms == INSTANT_NONE || entry->contact_at_ms < life->inherited_contact_ms))
        life->inherited_contact_ms = entry->contact_at_ms;
}

/* An unmerge takes the merge out of history (R32): whether one follows is looked up. */
static bool
is_unmerged_later(const struct fold *fold)
{
    uint32_t cursor = fold->cursor;
    struct entry later;

    while (history_next(fold->history, &cursor, &later) && later.at_ms <= fold->until_ms) {
        if (later.type == EVENT_TICKET_MERGED)
            return false;
        if (later.type == EVENT_TICKET_UNMERGED)
            return true;
    }
    return false;
}

static void
take_merge(struct fold *fold, const struct entry *entry)
{
    struct life *life = &fold->life;

    fold->needs_full |= fold->light;
    if (life->merged || is_unmerged_later(fold))
        return;
    if (fold->merge_is_void != NULL && fold->merge_is_void(fold->merge_context, entry)) {
        fold->merge_void = true;
        return;
    }
    note_change(fold, entry->at_ms);
    cancel_all(fold, entry->at_ms, FLAG_MERGED);
    life->merged = true;
    life->merged_at_ms = entry->at_ms;
    life->merged_into = entry->other;
    life->relay_contact_ms = life->oldest_unanswered_ms; /* R41 */
    if (!life->answered && !life->created_by_agent)
        life->relay_contact_ms = life->started_at_ms;
    if (life->inherited_contact_ms != INSTANT_NONE && life->inherited_contact_ms < life->relay_contact_ms)
        life->relay_contact_ms = life->inherited_contact_ms;
    else if (life->relay_contact_ms == INSTANT_NONE)
        life->relay_contact_ms = life->inherited_contact_ms;
}

static void
take_deletion(struct fold *fold, const struct entry *entry, bool deleted)
{
    fold->needs_full |= fold->light;
    if (fold->life.deleted == deleted)
        return;
    note_change(fold, entry->at_ms);
    if (deleted)
        cancel_all(fold, entry->at_ms, 0);
    fold->life.deleted = deleted;
    if (!deleted && fold_is_active(fold))
        resume_all(fold, entry->at_ms);
}

/* R39: without a cycle the latest breached, else the latest there is; a cycle that is still to come is
 * remembered. */
static void
take_excuse(struct fold *fold, const struct entry *entry)
{
    struct excuse excuse = {entry->kind, entry->clock, entry->by, entry->reason, entry->cycle, entry->at_ms};
    int slot = fold_slot(fold, entry->kind, entry->clock);

    fold->needs_full |= fold->light;
    if (fold->light)
        return;
    if (slot >= 0) {
        const struct clock *clock = &fold->clocks[slot];
        bool here =
            excuse.cycle == clock->cycle || (excuse.cycle == 0 && clock->breached_at_ms != INSTANT_NONE);

        for (size_t i = fold->past_count; i > 0 && !here; i--) {
            struct past_cycle *past = &fold->past[i - 1];

            if (past->clock.promise->kind != clock->promise->kind ||
                past->clock.promise->name != clock->promise->name ||
                (excuse.cycle != 0 ? past->clock.cycle != excuse.cycle
                                   : past->clock.breached_at_ms == INSTANT_NONE))
                continue;
            past->clock.excused = true;
            past->clock.flags |= past->clock.breached_at_ms != INSTANT_NONE ? FLAG_EXCUSED : 0;
            past->extra.excused_by = excuse.by;
            past->extra.excused_reason = excuse.reason;
            return;
        }
        if (here || excuse.cycle == 0) {
            clock_excuse(fold, (size_t)slot, &excuse);
            return;
        }
    }
    fold->life.excused_ahead = true;
    excuse.cycle = excuse.cycle != 0 ? excuse.cycle : 1;
    fold->excuses = memory_resize(fold->excuses, (fold->excuses_count + 1) * sizeof *fold->excuses);
    fold->excuses[fold->excuses_count++] = excuse;
}

/* ---- the whole event ---- */

static void
be_born(struct fold *fold, const struct entry *entry)
{
    struct life *life = &fold->life;
    enum actor actor = fold_actor(fold, entry);
    int64_t start_ms =
        entry->has_created_at && entry->created_at_ms < entry->at_ms ? entry->created_at_ms : entry->at_ms;

    life->exists = true;
    life->changed_at_ms = life->at_ms = life->started_at_ms = life->first_event_at_ms =
        life->earliest_start_ms = entry->at_ms;
    life->priority_since_ms = INSTANT_NONE;
    life->version = (uint16_t)policy_set_in_force(fold->set, entry->at_ms);
    life->start_version = (uint16_t)policy_set_in_force(fold->set, start_ms);
    life->source = entry->source;
    life->created_by_agent = life->contacted = actor == ACTOR_AGENT;
    life->first_contact_ms = actor == ACTOR_AGENT ? INSTANT_NONE : entry->at_ms;
    fold->birth = true;
    fold->loud_ticket = true;
}

/* A start before the first event: until that event the ticket counts as open, whatever the event says of its
 * status. */
static void
start_early(struct fold *fold, const struct happening *happening)
{
    const struct entry *entry = happening->entry;

    fold->life.status_on = PARTIES_COUNT;
    fold->life.ball = fold->life.first_ball;
    take_starts(fold, happening);
    take_created_at(fold, entry);
}

static void
take_company(struct fold *fold, const struct entry *entry)
{
    switch (entry->type) {
    case EVENT_TICKET_MERGED:
        take_merge(fold, entry);
        break;
    case EVENT_TICKET_UNMERGED:
        fold->needs_full |= fold->light;
        break;
    case EVENT_TICKET_DELETED:
        take_deletion(fold, entry, true);
        break;
    case EVENT_TICKET_RESTORED:
        take_deletion(fold, entry, false);
        break;
    default:
        break;
    }
}

static void
take_ticket_event(struct fold *fold, const struct entry *entry)
{
    const bool has_status = (entry->present & ATTRIBUTE_BIT(ATTRIBUTE_STATUS)) != 0;
    struct life *life = &fold->life;
    struct happening happening;

    if (!life->exists)
        be_born(fold, entry);
    understand(fold, entry, &happening);
    if (life->pending_reopen_at_ms != INSTANT_NONE)
        fold->needs_full |= fold->light;
    if (entry->type == EVENT_TICKET_MESSAGE)
        take_message(fold, &happening);
    life->handed_off |= happening.handoff;
    take_attributes(fold, &happening);
    if (fold->birth) {
        const struct policy_group *group =
            policy_group_find(fold_policy(fold), life->attributes[ATTRIBUTE_GROUP]);

        life->first_ball = PARTY_BIT(group != NULL ? group->party : PARTY_PROVIDER);
    }
    if (entry->has_created_at && fold->birth && entry->created_at_ms < entry->at_ms)
        start_early(fold, &happening);
    else if (entry->has_created_at && !fold->birth)
        take_created_at(fold, entry);
    take_company(fold, entry);
    if (has_status || entry->has_waiting_on)
        life->waiting_on = entry->has_waiting_on ? entry->waiting_on : 0; /* R8 */
    if (has_status || fold->birth)
        take_status(fold, &happening);
    fold_update_ball(fold, happening.at_ms);
    take_starts(fold, &happening);
    look_at_slack(fold, happening.at_ms);
    fold->birth = false;
}

void
fold_entry(struct fold *fold, const struct entry *entry)
{
    if (history_has_attributes(entry->type)) {
        take_ticket_event(fold, entry);
        account_note_course(fold, entry->at_ms);
        return;
    }
    switch (entry->type) {
    case ENTRY_MERGE_IN:
        if (fold->life.exists) {
            take_merge_in(fold, entry);
            look_at_slack(fold, entry->at_ms);
        }
        break;
    case EVENT_VERDICT_EXCUSED:
        take_excuse(fold, entry);
        break;
    case EVENT_TICKET_ERASED:
        fold->life.erased = true;
        fold->needs_full |= fold->light;
        break;
    default: /* acknowledgements bind by key when they arrive (R11); feedback is the score task's */
        break;
    }
    fold->entries_done++;
    if (fold->life.exists)
        account_note_course(fold, entry->at_ms);
}

/* A version comes into force between two events (R19, R49). */
void
fold_version_begins(struct fold *fold, size_t version, int64_t at_ms)
{
    struct happening happening = {.at_ms = at_ms, .actor = ACTOR_SYSTEM};

    fold->life.version = (uint16_t)version;
    fold->needs_full |= fold->light;
    take_status(fold, &happening);
    fold_update_ball(fold, at_ms);
    fold->version_begins = true;
    fold_match(fold, at_ms);
    fold->version_begins = false;
    if (fold_policy(fold)->apply_to_running)
        fold_repin(fold, version, at_ms);
    fold_update_ball(fold, at_ms);
    look_at_slack(fold, at_ms);
    account_note_course(fold, at_ms);
}
