/*
 * The engine: tickets by name, their timers, and the way of an event through them (slad/engine.h is the
 * contract).
 *
 * Why so little: a ticket is its history, so an event is an insertion, and what follows from it is derived.
 * In order and without consequence, which is nearly always, the kept life takes one light step instead.
 * Always true: a ticket's timer stands at its earliest instant of interest; a ticket whose record must be
 * written is on the list of changed tickets; T never goes back. Not here: the truth (fold), the records
 * (announce, outcome), merges (merge), bytes (state).
 */
#include "base/hash.h"
#include "base/memory.h"
#include "base/panic.h"
#include "core/ticket.h"

#define PART_TICKETS 32 /* of a walk that can be interrupted, on the average */
enum { CACHE_LINE_BYTES = 64 };

static struct slice
key_of_ticket(const void *value)
{
    return ticket_name(value);
}

/* Equal instants go in order of names: the same on every machine, after every restart. */
static bool
tie_by_name(const struct heap_item *a, const struct heap_item *b)
{
    return slice_compare(ticket_name((const struct ticket *)a), ticket_name((const struct ticket *)b)) < 0;
}

struct slice
ticket_name(const struct ticket *ticket)
{
    return (struct slice){ticket->name, ticket->name_bytes};
}

/* What decides, besides a ticket's history and marks, what is said of it and when. The program's version is
 * in it: another one may read the same history otherwise. */
static void
note_circumstances(struct engine *engine)
{
    const struct engine_options *options = &engine->options;
    const int64_t numbers[] = {options->retire_after_ms, options->alerts_from_ms};
    uint64_t hash = hash_slice(1, slice_of(SLAD_VERSION));

    hash = hash_bytes(hash, numbers, sizeof numbers);
    for (size_t i = 0; i < policy_set_count(engine->set); i++)
        hash = hash_bytes(hash, policy_set_version(engine->set, i)->hash,
                          sizeof policy_set_version(engine->set, i)->hash);
    engine->circumstances = hash;
}

struct engine_options
engine_options_of_history(struct symbols *symbols)
{
    return (struct engine_options){
        .symbols = symbols,
        .late_after_ms = 3600000,
        .retire_after_ms = ENGINE_RETIRE_AFTER_MS,
        .retirement_mark_ms = INT64_C(400) * 86400000,
        .alerts_from_ms = INT64_MIN,
        .allowed_skew_ms = -1,
        .accept_age_ms = -1,
        .history_max = 1024,
        .loop_relays = true,
    };
}

struct engine *
engine_new(const struct engine_options *options, const struct policy_set *set)
{
    struct engine *engine = memory_allocate_zeroed(1, sizeof *engine);

    engine->options = *options;
    engine->set = set;
    engine->tickets = map_new(key_of_ticket, 0);
    engine->timers = heap_new(tie_by_name);
    engine->spoken = memory_allocate_zeroed(1, sizeof *engine->spoken);
    engine->hot = hot_new(options->hot_tickets_max);
    engine->t_ms = engine->fired_ms = INSTANT_NONE;
    engine->late_entry_at_ms = NEVER;
    engine->breach_stage = symbols_intern(options->symbols, slice_of("breach"));
    engine->slack_stage = symbols_intern(options->symbols, slice_of("slack"));
    fold_init(&engine->full, set, NULL);
    fold_init(&engine->light, set, NULL);
    fold_init(&engine->other, set, NULL);
    fold_init(&engine->later, set, NULL);
    engine->full.merge_is_void = engine->other.merge_is_void = engine->later.merge_is_void = merge_is_void;
    engine->full.merge_context = engine->other.merge_context = engine->later.merge_context = engine;
    engine->light.light = true;
    engine->said = &engine->full;
    note_circumstances(engine);
    merge_init(engine);
    risk_init(engine);
    state_init(engine);
    return engine;
}

void
ticket_marks_done(struct engine *engine, struct ticket *ticket)
{
    struct symbols *symbols = engine->options.symbols;
    struct marks *marks = &ticket->marks;

    for (uint32_t i = 0; i < marks->alerts_count; i++) {
        symbols_release(symbols, marks->alerts[i].clock);
        symbols_release(symbols, marks->alerts[i].stage);
        symbols_release(symbols, marks->alerts[i].by);
    }
    for (uint32_t i = 0; i < marks->verdicts_count; i++) {
        symbols_release(symbols, marks->verdicts[i].clock);
        symbols_release(symbols, marks->verdicts[i].agreement);
    }
    symbols_release(symbols, marks->relay != NULL ? marks->relay->into : 0);
    memory_free(marks->relay);
    memory_free(marks->alerts);
    memory_free(marks->verdicts);
    *marks = (struct marks){0};
}

static void
ticket_free(struct engine *engine, struct ticket *ticket)
{
    ticket_marks_done(engine, ticket);
    history_done(&ticket->history, engine->options.symbols);
    hot_drop(engine->hot, ticket);
    memory_free(ticket);
}

void
engine_free(struct engine *engine)
{
    struct ticket *ticket;
    size_t cursor = 0;

    if (engine == NULL)
        return;
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL)
        ticket_free(engine, ticket);
    map_free(engine->tickets);
    heap_free(engine->timers);
    hot_free(engine->hot);
    memory_free(engine->spoken);
    fold_done(&engine->full);
    engine->light.extras = NULL;
    fold_done(&engine->light);
    fold_done(&engine->other);
    fold_done(&engine->later);
    merge_done(engine);
    survey_free(engine);
    risk_done(engine);
    state_done(engine);
    symbols_release(engine->options.symbols, engine->breach_stage);
    symbols_release(engine->options.symbols, engine->slack_stage);
    buffer_free(&engine->scratch);
    memory_free(engine);
}

struct ticket *
engine_find(const struct engine *engine, struct slice name)
{
    return map_get(engine->tickets, name);
}

size_t
engine_tickets_count(const struct engine *engine)
{
    return map_count(engine->tickets);
}

struct ticket *
engine_each(const struct engine *engine, size_t *cursor)
{
    return map_each(engine->tickets, cursor);
}

size_t
engine_part(const struct engine *engine, struct slice ticket, unsigned bits)
{
    return map_part(engine->tickets, ticket, bits);
}

struct ticket *
engine_each_in_part(const struct engine *engine, size_t part, unsigned bits, size_t *cursor)
{
    return map_each_in_part(engine->tickets, part, bits, cursor);
}

struct ticket *
engine_ticket_new(struct slice name)
{
    struct ticket *ticket = memory_allocate_zeroed(1, ticket_bytes(name.bytes));

    memcpy(ticket->name, name.at, name.bytes);
    ticket->name_bytes = (uint32_t)name.bytes;
    ticket->last_arrival_ms = INSTANT_NONE;
    heap_item_init(&ticket->timer);
    return ticket;
}

void
engine_ticket_put(struct engine *engine, struct ticket *ticket)
{
    must(map_put(engine->tickets, ticket) == NULL);
    engine->retired_count += ticket->retired;
}

void
engine_ticket_drop(struct engine *engine, struct ticket *ticket)
{
    ticket_free(engine, ticket);
}

void
engine_touch(struct engine *engine, struct ticket *ticket)
{
    engine->moves++;
    if (ticket->changed)
        return;
    ticket->changed = true;
    ticket->next_changed = NULL;
    if (engine->changed_last != NULL)
        engine->changed_last->next_changed = ticket;
    else
        engine->changed_first = ticket;
    engine->changed_last = ticket;
}

/* Whoever asks reads its history, and nobody has for a while: the next ones are on their way meanwhile. */
static void
fetch_ahead(const struct ticket *next)
{
    if (next == NULL)
        return;
    for (uint32_t at = 0; at < next->history.used; at += CACHE_LINE_BYTES)
        __builtin_prefetch(next->history.bytes + at);
    if (next->next_changed != NULL)
        __builtin_prefetch(next->next_changed);
}

struct ticket *
engine_changed_next(struct engine *engine)
{
    struct ticket *ticket = engine->changed_first;

    if (ticket == NULL)
        return NULL;
    engine->changed_first = ticket->next_changed;
    fetch_ahead(ticket->next_changed);
    if (engine->changed_first == NULL)
        engine->changed_last = NULL;
    ticket->changed = false;
    return ticket;
}

/* ---- timers ---- */

static void
earlier(int64_t *least_ms, int64_t at_ms)
{
    if (at_ms < *least_ms)
        *least_ms = at_ms;
}

/* When a ticket whose story is over is let go (semantics.md section 2, R44, R67); NEVER while it goes on. */
static int64_t
retires_at_ms(const struct engine *engine, const struct ticket *ticket, const struct fold *fold)
{
    const struct life *life = &fold->life;
    int64_t end_ms;

    if (engine->quiet) /* never retired while its task is behind */
        return NEVER;
    if (!life->exists)
        end_ms = ticket->last_arrival_ms;
    else if (life->deleted || life->merged || life->phase == PHASE_CANCELLED)
        end_ms = ticket->history.last_at_ms;
    else if (!fold_is_final(fold, &end_ms))
        return NEVER;
    if (ticket->last_arrival_ms > end_ms)
        end_ms = ticket->last_arrival_ms;
    return end_ms + engine->options.retire_after_ms;
}

/* The first entry that waits for its time. */
static int64_t
waiting_entry_ms(const struct ticket *ticket, int64_t t_ms)
{
    uint32_t cursor = 0;
    struct entry entry;

    if (ticket->history.last_at_ms <= t_ms)
        return NEVER;
    while (history_next(&ticket->history, &cursor, &entry)) {
        if (entry.at_ms > t_ms)
            return entry.at_ms;
    }
    return NEVER;
}

static void
set_timer(struct engine *engine, struct ticket *ticket, int64_t at_ms)
{
    if (at_ms == NEVER) {
        if (heap_item_is_in(&ticket->timer))
            heap_remove(engine->timers, &ticket->timer);
    } else if (!heap_item_is_in(&ticket->timer)) {
        heap_put(engine->timers, &ticket->timer, at_ms);
    } else if (ticket->timer.at_ms != at_ms) {
        heap_move(engine->timers, &ticket->timer, at_ms);
    }
}

void
engine_wake_at(struct engine *engine, struct ticket *ticket, int64_t at_ms)
{
    if (!heap_item_is_in(&ticket->timer) || ticket->timer.at_ms > at_ms)
        set_timer(engine, ticket, at_ms);
}

static int64_t
clocks_next_ms(const struct fold *fold)
{
    int64_t next_ms = NEVER;

    for (size_t i = 0; i < fold->clocks_count; i++)
        earlier(&next_ms, fold->clocks[i].next_at_ms);
    return next_ms;
}

/* By the version that was in force at the reopen, as reopen.c judges it. */
static int64_t
courtesy_ends_ms(const struct engine *engine, const struct life *life)
{
    size_t version = policy_set_in_force(engine->set, life->pending_reopen_at_ms);

    return life->pending_reopen_at_ms + policy_set_version(engine->set, version)->courtesy_window_ms;
}

/* Everything that may happen to this ticket without an event, seen from this fold at t_ms. */
static void
arm_timer(struct engine *engine, struct ticket *ticket, const struct fold *fold, int64_t t_ms)
{
    const struct life *life = &fold->life;
    int64_t next_ms = clocks_next_ms(fold);

    earlier(&next_ms, waiting_entry_ms(ticket, t_ms));
    for (size_t i = 0; !fold->light && engine->other.honest && i < engine->other.clocks_count; i++)
        earlier(&next_ms, engine->other.clocks[i].next_at_ms); /* the honest view has deadlines of its own */
    if (life->pending_reopen_at_ms != INSTANT_NONE)
        earlier(&next_ms, courtesy_ends_ms(engine, life));
    else if (life->exists && life->phase == PHASE_SOLVED && !ticket->final && !life->deleted && !life->merged)
        earlier(&next_ms, life->solved_at_ms + fold_reopen_window_ms(fold));
    if (life->exists && !ticket->final)
        earlier(&next_ms, policy_set_next_from_ms(engine->set, t_ms));
    earlier(&next_ms, retires_at_ms(engine, ticket, fold));
    if (engine->risk.foresight.forecast != NULL)
        earlier(&next_ms, risk_next_ms(engine, fold));
    set_timer(engine, ticket, next_ms);
}

/* ---- deriving ---- */

static void
set_open(struct engine *engine, struct ticket *ticket, bool open)
{
    engine->open_count += open;
    engine->open_count -= ticket->open;
    ticket->open = open;
}

static void
set_cold(struct engine *engine, struct ticket *ticket, bool cold)
{
    engine->cold_count += cold;
    engine->cold_count -= ticket->cold;
    ticket->cold = cold;
}

/* Whether nothing but its history, its marks and what is agreed has a say in this ticket's life: no other
 * ticket, and no budget of risks that is counted from points. */
static bool
is_alone(const struct engine *engine, const struct ticket *ticket, const struct life *life)
{
    for (uint32_t i = 0; i < ticket->marks.alerts_count; i++) {
        if (ticket->marks.alerts[i].stage == engine->risk.stage)
            return false;
    }
    return engine->merging == 0 && !life->merged && !ticket->merge_is_void && ticket->marks.relay == NULL;
}

static void
keep_derived(struct engine *engine, struct ticket *ticket, const struct fold *fold)
{
    set_cold(engine, ticket, false);
    ticket->stale = false;
    set_open(engine, ticket, fold->life.exists && fold_is_active(fold));
    hot_keep(engine->hot, ticket, fold);
}

/* Derives from the history and announces what differs, unless the task is quiet. */
void
engine_derive(struct engine *engine, struct ticket *ticket, int64_t t_ms, bool through)
{
    struct fold *fold = &engine->full;
    int64_t final_at_ms;

    engine->figures.derivations++;
    engine->moves++;
    engine->other.honest = false;
    fold_init_again(fold, engine->set, &ticket->history);
    if (!engine->quiet)
        risk_sample_follow(engine, fold);
    engine->merging =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
    fold_derive(fold, t_ms, through || engine->fired_ms == t_ms);
    announce_corrections(engine, ticket);
    ticket->final = fold_is_final(fold, &final_at_ms);
    ticket->merge_is_void = fold->merge_void;
    ticket->unannounced = engine->quiet;
    if (!engine->quiet)
        announce(engine, ticket);
    risk_follow(engine, ticket);
    risk_tell(engine, ticket, fold, engine->event_in_hand);
    announce_arm_repeats(engine, ticket);
    ticket->rests = !engine->quiet && is_alone(engine, ticket, &fold->life);
    keep_derived(engine, ticket, fold);
    arm_timer(engine, ticket, fold, t_ms);
}

/* While quiet nothing is said, and leaving it derives whatever was put off: until then its history is enough.
 */
static void
put_off(struct engine *engine, struct ticket *ticket)
{
    engine->moves++;
    ticket->unannounced = ticket->stale = true;
    ticket->rests = false;
    set_timer(engine, ticket, NEVER);
}

static bool
clocks_agree(const struct clock *a, const struct clock *b)
{
    bool same_next = a->next_ms == b->next_ms && a->next_at_ms == b->next_at_ms;

    /* a breached clock's next is its page, from the marks; the flag of corrected days is announce's */
    return a->promise == b->promise && a->calendar == b->calendar && a->started_at_ms == b->started_at_ms &&
           (a->since_ms == b->since_ms || !a->running) && a->elapsed_ms == b->elapsed_ms &&
           a->target_ms == b->target_ms && (same_next || a->breached_at_ms != INSTANT_NONE) &&
           a->due_at_ms == b->due_at_ms && a->decided_after == b->decided_after &&
           a->breached_at_ms == b->breached_at_ms && a->stopped_at_ms == b->stopped_at_ms &&
           a->cycle == b->cycle && a->version == b->version &&
           ((a->flags ^ b->flags) & ~FLAG_CALENDAR_CORRECTED) == 0 && a->running == b->running &&
           a->ended == b->ended && a->cancelled == b->cancelled && a->unanswered == b->unanswered &&
           a->answered == b->answered && a->irregular == b->irregular && a->excused == b->excused &&
           a->lost == b->lost && a->renewed == b->renewed && a->final == b->final;
}

/* The debug switch: what the light steps left must be what the history says, and what they said all there is
 * to say. */
static void
self_check(struct engine *engine, struct ticket *ticket, int64_t t_ms, bool through)
{
    struct fold *fold = &engine->full, *kept = &engine->light;
    uint64_t said = engine->figures.records;
    bool agree;

    if (!hot_restore(ticket, kept)) /* it did not fit: the ticket is always derived */
        return;
    fold_init_again(fold, engine->set, &ticket->history);
    engine->other.honest = false;
    engine->merging =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
    fold_derive(fold, t_ms, through);
    agree =
        fold->clocks_count == kept->clocks_count && memcmp(&fold->life, &kept->life, sizeof fold->life) == 0;
    for (size_t i = 0; agree && i < fold->clocks_count; i++)
        agree = clocks_agree(&fold->clocks[i], &kept->clocks[i]);
    if (!engine->quiet) {
        announce_corrections(engine, ticket);
        announce(engine, ticket);
    }
    engine->figures.self_check_differences += !agree || engine->figures.records != said;
}

/* The first event of a ticket that nothing else is known of. */
static bool
is_plain_birth(const struct ticket *ticket, const struct entry *entry)
{
    return ticket->history.count == 1 && !entry->has_created_at &&
           (entry->type == EVENT_TICKET_CREATED || entry->type == EVENT_TICKET_UPDATED);
}

/* Whether a light step may begin from the kept point at this instant. */
static bool
may_step(const struct engine *engine, const struct ticket *ticket, int64_t at_ms)
{
    const struct life *life = &engine->light.life;

    return life->exists && !ticket->unannounced && !ticket->final && life->at_ms <= at_ms &&
           (life->at_ms < at_ms || !life->through) && !announce_has_undecided(ticket) &&
           life->pending_reopen_at_ms == INSTANT_NONE && !fold_has_honest_view(life) &&
           ticket->seen_version >= policy_set_in_force(engine->set, engine->t_ms);
}

/* Nothing but thresholds of clocks can have come due. */
static bool
is_time_alone(const struct engine *engine, const struct ticket *ticket, int64_t t_ms)
{
    const struct life *life = &engine->light.life;

    return life->phase <= PHASE_SOLVED && !life->deleted && !life->merged &&
           ticket->history.last_at_ms <= life->at_ms && life->at_ms < t_ms;
}

/* Days of a later version may have changed what this clock says (R49). */
static bool
days_were_corrected(const struct fold *fold, const struct clock *clock)
{
    return clock->version < fold->days_version &&
           clock->calendar !=
               policy_set_calendar(fold->set, clock->version, clock->promise->calendar, clock->version);
}

static bool
has_to_speak(const struct fold *fold)
{
    return fold->touched != 0 || fold->recalled != 0 || fold->past_count > 0 || fold->loud_ticket;
}

/* Whether a sketch tells all of this clock's record. */
static bool
is_plain(const struct fold *fold, const struct clock *clock)
{
    return !clock->irregular && !fold->course.broken && !days_were_corrected(fold, clock);
}

/* When it is final, every verdict says so. */
static void
recall_all(struct fold *fold)
{
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (fold->clocks[slot].started_at_ms != INSTANT_NONE)
            fold->recalled |= SLOT_BIT(slot);
    }
    fold->loud_ticket = true;
}

/* Whether what the light step leaves to be said can be said from sketches. */
static bool
step_suffices(const struct engine *engine, struct fold *fold)
{
    const struct life *life = &fold->life;
    int64_t final_at_ms;

    if (fold->needs_full || fold_has_honest_view(life))
        return false;
    if (fold_is_final(fold, &final_at_ms))
        recall_all(fold);
    if (!has_to_speak(fold))
        return true;
    if (engine->quiet || fold->course.broken || (life->has_past && fold_is_final(fold, &final_at_ms)) ||
        (fold->loud_ticket && !fold->solve_known && life->figures_moved))
        return false;
    for (size_t slot = 0; slot < fold->clocks_count; slot++) {
        if (((fold->touched | fold->recalled) & SLOT_BIT(slot)) != 0 && !is_plain(fold, &fold->clocks[slot]))
            return false;
    }
    for (size_t i = 0; i < fold->past_count; i++) {
        if (!is_plain(fold, &fold->past[i].clock))
            return false;
    }
    return fold->clocks_count <= COURSE_SLOTS_MAX;
}

/* The kept point goes on by this entry, before which the history ended at was_last_ms, or (NULL) by time
 * alone. False: the ticket has to be derived. */
static bool
step(struct engine *engine, struct ticket *ticket, const struct entry *entry, int64_t was_last_ms,
     int64_t t_ms, bool through)
{
    struct fold *fold = &engine->light;

    fold->history = &ticket->history;
    fold->set = engine->set;
    fold->days_version = policy_set_in_force(engine->set, t_ms);
    if (!hot_restore(ticket, fold) || !fold->life.exists) {
        /* a birth has to speak: while quiet it would be put off all the same */
        if (entry == NULL || engine->quiet || !is_plain_birth(ticket, entry))
            return false;
        ticket->rests = true;
    } else if (!may_step(engine, ticket, entry != NULL ? entry->at_ms : t_ms) ||
               (entry == NULL && !is_time_alone(engine, ticket, t_ms)) || was_last_ms > fold->life.at_ms) {
        /* an event that waited for this very instant has not happened yet: no light step over it */
        return false;
    }
    fold_step(fold, entry, t_ms, through);
    if (!step_suffices(engine, fold) ||
        (engine->risk.foresight.forecast != NULL && risk_speaks(engine, ticket, fold)))
        return false;
    engine->figures.steps++;
    if (has_to_speak(fold)) {
        fold_recall(fold);
        announce_step(engine, ticket);
    }
    if (engine->options.sink.risk != NULL)
        risk_tell(engine, ticket, fold, entry != NULL);
    /* while quiet nothing retires: a story that is over does not rest */
    ticket->rests =
        ticket->rests && (!engine->quiet || (fold->life.phase <= PHASE_SOLVED && !fold->life.deleted));
    keep_derived(engine, ticket, fold);
    arm_timer(engine, ticket, fold, t_ms);
    if (engine->options.self_check)
        self_check(engine, ticket, t_ms, through);
    return true;
}

/* ---- events ---- */

static symbol
intern(struct engine *engine, struct slice text)
{
    return symbols_intern(engine->options.symbols, text);
}

enum { CYCLE_DIGITS_MAX = 9 };

/* "kind/clock" or "kind/clock/cycle" of an excuse. Digits alone behind the last slash are a cycle. */
static bool
read_clock_reference(struct engine *engine, struct slice text, struct entry *entry)
{
    const char *slash = text.bytes > 0 ? memchr(text.at, '/', text.bytes) : NULL;
    struct slice kind = {text.at, slash != NULL ? (size_t)(slash - text.at) : 0}, name;
    const char *end = text.at + text.bytes;
    size_t digits = 0;
    bool numbered;

    for (entry->kind = KIND_SLA; entry->kind < KIND_EXPERIENCE; entry->kind++) {
        if (slice_is(kind, clock_kind_text((enum clock_kind)entry->kind)))
            break;
    }
    if (slash == NULL || entry->kind == KIND_EXPERIENCE)
        return false;
    name = (struct slice){slash + 1, (size_t)(end - slash - 1)};
    while (digits < name.bytes && name.at[name.bytes - 1 - digits] >= '0' &&
           name.at[name.bytes - 1 - digits] <= '9')
        digits++;
    numbered = digits > 0 && digits < name.bytes && name.at[name.bytes - 1 - digits] == '/';
    if (numbered && digits > CYCLE_DIGITS_MAX)
        return false;
    if (numbered) {
        for (size_t i = name.bytes - digits; i < name.bytes; i++)
            entry->cycle = entry->cycle * 10 + (uint32_t)(name.at[i] - '0');
        name.bytes -= digits + 1;
    }
    entry->clock = intern(engine, name);
    return entry->clock != 0 && name.bytes > 0 && (!numbered || entry->cycle > 0);
}

static void
entry_from_event(struct engine *engine, const struct event *event, uint64_t identity, struct entry *entry)
{
    *entry = (struct entry){
        .type = (uint8_t)event->type,
        .actor = (uint8_t)event->actor,
        .handled_by = (uint8_t)event->handled_by,
        .is_public = (uint8_t)event->is_public,
        .canned = (uint8_t)event->canned,
        .has_seq = event->has_seq,
        .seq = event->has_seq ? event->seq : 0,
        .has_waiting_on = event->has_waiting_on,
        .waiting_on = event->waiting_on,
        .has_created_at = event->has_created_at,
        .created_at_ms = event->has_created_at ? event->created_at_ms : 0,
        .present = event->attributes_present,
        .at_ms = event->at_ms,
        .identity = identity,
        .source = intern(engine, event->source),
        .id = engine->options.keep_ids ? intern(engine, event->id) : 0,
        .by = intern(engine, event->by),
    };
    for (unsigned left = event->attributes_present; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);

        entry->attributes[i] = intern(engine, event->attributes[i]);
    }
    if (event->type == EVENT_TICKET_MERGED)
        entry->other = intern(engine, event->into);
    if (event->type == EVENT_VERDICT_EXCUSED)
        entry->reason = intern(engine, event->reason);
}

static struct engine_answer
refuse(struct engine *engine, enum error_code error, const char *detail)
{
    engine->figures.refused++;
    return (struct engine_answer){ENGINE_REFUSED, error, detail};
}

static struct engine_answer
answer(struct engine *engine, enum engine_disposition disposition)
{
    engine->figures.duplicates += disposition == ENGINE_DUPLICATE;
    engine->figures.no_effect += disposition == ENGINE_NO_EFFECT;
    return (struct engine_answer){disposition, ERROR_NONE, NULL};
}

static bool
status_is_unknown(const struct engine *engine, const struct event *event, bool *ret_rejected)
{
    const struct policy *policy =
        policy_set_version(engine->set, policy_set_in_force(engine->set, event->at_ms));
    struct slice text = event->attributes[ATTRIBUTE_STATUS];
    symbol status;

    *ret_rejected = policy->unknown_status_rejects;
    if ((event->attributes_present & ATTRIBUTE_BIT(ATTRIBUTE_STATUS)) == 0 || text.at == NULL)
        return false;
    status = symbols_find(engine->options.symbols, text);
    return status == 0 || policy_status_find(policy, status) == NULL;
}

/* What can be said before the ticket is looked at. */
static struct engine_answer
examine(struct engine *engine, const struct event *event, int64_t t_ms)
{
    const struct engine_options *options = &engine->options;
    bool rejected;

    if ((event_type_topic(event->type) & EVENT_TOPIC_TICKETS) == 0)
        return refuse(engine, ERROR_UNKNOWN_TYPE, "type: an event of the feedback topic on tickets");
    if (options->allowed_skew_ms >= 0 && event->at_ms > t_ms &&
        event->at_ms - t_ms > options->allowed_skew_ms)
        return refuse(engine, ERROR_FUTURE_STAMPED, "time: further ahead than allowed_skew");
    if (options->accept_age_ms >= 0 && t_ms > event->at_ms && t_ms - event->at_ms > options->accept_age_ms &&
        event->type != EVENT_ALERT_ACKNOWLEDGED)
        return refuse(engine, ERROR_TOO_OLD, "time: older than accept_age");
    if (event->type == EVENT_TICKET_MERGED && slice_equal(event->into, event->ticket))
        return refuse(engine, ERROR_BAD_MERGE, "into: a ticket cannot be merged into itself");
    if (status_is_unknown(engine, event, &rejected)) {
        if (rejected)
            return refuse(engine, ERROR_UNKNOWN_STATUS, "status: the policy does not map it");
        engine->figures.unmapped_statuses++;
    }
    return answer(engine, ENGINE_APPLIED);
}

static struct engine_answer
acknowledge(struct engine *engine, struct ticket *ticket, const struct event *event, uint64_t identity,
            int64_t t_ms)
{
    struct entry entry;
    bool bound;

    if (ticket == NULL)
        return refuse(engine, ERROR_UNKNOWN_ALERT, "alert: its ticket is not known here");
    entry_from_event(engine, event, identity, &entry);
    entry.present = 0;
    fold_init_again(&engine->full, engine->set, &ticket->history);
    fold_derive(&engine->full, t_ms, false);
    bound = announce_acknowledge(engine, ticket, event);
    (void)history_insert(&ticket->history, &entry, false);
    engine_touch(engine, ticket);
    engine_derive(engine, ticket, t_ms, false);
    return answer(engine, bound ? ENGINE_APPLIED : ENGINE_NO_EFFECT);
}

/* What follows from what was put into its history, or from the time. */
static void
follow(struct engine *engine, struct ticket *ticket, int64_t t_ms, bool through)
{
    if (engine->quiet)
        put_off(engine, ticket);
    else
        engine_derive(engine, ticket, t_ms, through);
}

/* Puts the event into its ticket's history; what follows is derived. */
static struct engine_answer
take(struct engine *engine, struct ticket *ticket, const struct event *event, uint64_t identity, int64_t t_ms)
{
    struct entry entry;
    int64_t was_last_ms;
    bool last;

    entry_from_event(engine, event, identity, &entry);
    if (event->type == EVENT_VERDICT_EXCUSED && !read_clock_reference(engine, event->clock, &entry)) {
        struct history dropped = {0};

        (void)history_insert(&dropped, &entry, false);
        history_done(&dropped, engine->options.symbols);
        return refuse(engine, ERROR_WRONG_TYPE, "clock: expected kind/clock or kind/clock/cycle");
    }
    if (ticket == NULL) {
        ticket = engine_ticket_new(event->ticket);
        engine_ticket_put(engine, ticket);
        ticket->seen_version = (uint16_t)policy_set_in_force(engine->set, t_ms);
        merge_deliver_kept(engine, ticket);
    }
    was_last_ms = ticket->history.count > 0 ? ticket->history.last_at_ms : INSTANT_NONE;
    if (engine->look_back.is_under_way)
        look_back_note(&engine->look_back, &entry);
    last = history_insert(&ticket->history, &entry, false);
    ticket->last_arrival_ms = t_ms;
    engine_touch(engine, ticket);
    if (entry.at_ms > t_ms) {
        if (!heap_item_is_in(&ticket->timer) || ticket->timer.at_ms > entry.at_ms)
            set_timer(engine, ticket, entry.at_ms);
        return answer(engine, ENGINE_WAITS);
    }
    engine->figures.late_events += !last;
    engine->late_entry_at_ms = entry.at_ms;
    engine->event_in_hand = true;
    if (engine->quiet && ticket->unannounced)
        put_off(engine, ticket);
    else if (!last || !step(engine, ticket, &entry, was_last_ms, t_ms, engine->fired_ms == t_ms))
        follow(engine, ticket, t_ms, false);
    engine->late_entry_at_ms = NEVER;
    engine->event_in_hand = false;
    return answer(engine, ENGINE_APPLIED);
}

/* An acknowledgement counts from its arrival, and people are forgotten whenever they ask. */
static bool
changes_what_was(enum event_type type)
{
    return type != EVENT_ALERT_ACKNOWLEDGED && type != EVENT_TICKET_ERASED;
}

struct engine_answer
engine_event(struct engine *engine, const struct event *event, int64_t t_ms)
{
    struct ticket *ticket = map_get(engine->tickets, event->ticket);
    struct engine_answer verdict;
    uint64_t identity;

    must(t_ms >= engine->t_ms);
    engine->t_ms = t_ms;
    engine->figures.events++;
    engine->figures.unknown_fields += event->unknown_fields;
    verdict = examine(engine, event, t_ms);
    if (verdict.disposition == ENGINE_REFUSED)
        return verdict;
    if (ticket != NULL && ticket->retired)
        return refuse(engine, ERROR_TICKET_RETIRED, "ticket: retired");
    identity = history_identity_with(&engine->source, event->source, event->id);
    if (ticket != NULL && history_knows(&ticket->history, identity))
        return answer(engine, ENGINE_DUPLICATE);
    if (ticket != NULL && event->at_ms < ticket->history.last_at_ms && changes_what_was(event->type) &&
        event->at_ms < history_floor_ms(&ticket->history, engine->options.history_max))
        return refuse(engine, ERROR_BEFORE_HISTORY, "time: older than what is left of its ticket's history");
    if (ticket != NULL && ticket->history.count >= ENGINE_FULL_FROM && engine->options.ticket_bytes_max > 0 &&
        engine_is_full(engine, ticket, event))
        return refuse(engine, ERROR_HISTORY_FULL, "ticket: its state takes ticket_bytes_max");
    if (event->type == EVENT_ALERT_ACKNOWLEDGED)
        verdict = acknowledge(engine, ticket, event, identity, t_ms);
    else
        verdict = take(engine, ticket, event, identity, t_ms);
    merge_drain_queue(engine, t_ms);
    return verdict;
}

/* ---- time ---- */

int64_t
engine_next_ms(const struct engine *engine)
{
    const struct heap_item *top = heap_top(engine->timers);

    return top != NULL ? top->at_ms : INT64_MAX;
}

static void
send_tombstones(struct engine *engine, struct ticket *ticket)
{
    for (uint32_t i = 0; i < ticket->marks.alerts_count && engine->options.sink.tombstone != NULL; i++) {
        const struct alert_mark *mark = &ticket->marks.alerts[i];

        buffer_reset(&engine->scratch);
        alert_key_append(&engine->scratch, ticket_name(ticket), (enum clock_kind)mark->kind,
                         engine_text(engine, mark->clock), mark->cycle, engine_text(engine, mark->stage));
        engine->options.sink.tombstone(engine->options.sink.context, ticket_name(ticket),
                                       buffer_slice(&engine->scratch));
    }
}

/* All but the name goes; the mark refuses what comes later, until it goes too. */
static void
retire(struct engine *engine, struct ticket *ticket, int64_t t_ms)
{
    set_open(engine, ticket, false);
    engine->retired_count++;
    ticket->retired = true;
    ticket->retired_at_ms = t_ms;
    set_cold(engine, ticket, false);
    engine_touch(engine, ticket);
    set_timer(engine, ticket, t_ms + engine->options.retirement_mark_ms);
    send_tombstones(engine, ticket);
    if (engine->options.keep_retired)
        return;
    ticket_marks_done(engine, ticket);
    history_done(&ticket->history, engine->options.symbols);
    hot_drop(engine->hot, ticket);
}

static void
wake(struct engine *engine, struct ticket *ticket, int64_t t_ms, bool through)
{
    if (ticket->retired) { /* the mark's time is over; the shell drops it when it has written the tombstone */
        set_timer(engine, ticket, NEVER);
        engine_touch(engine, ticket);
        return;
    }
    engine->late_entry_at_ms = NEVER;
    if (step(engine, ticket, NULL, ticket->history.last_at_ms, t_ms, through || engine->fired_ms == t_ms))
        return;
    /* what waits for t_ms itself has not happened before t_ms */
    if (!through && ticket->history.last_at_ms >= t_ms)
        follow(engine, ticket, t_ms - 1, true);
    else
        follow(engine, ticket, t_ms, through);
    if (!engine->quiet && retires_at_ms(engine, ticket, &engine->full) <= t_ms)
        retire(engine, ticket, t_ms);
    must(!heap_item_is_in(&ticket->timer) || ticket->timer.at_ms > t_ms ||
         (!through && ticket->timer.at_ms == t_ms));
}

bool
engine_advance(struct engine *engine, int64_t t_ms, enum engine_moment moment, size_t tickets_max)
{
    for (size_t i = 0;; i++) {
        struct ticket *ticket = (struct ticket *)heap_top(engine->timers);
        int64_t at_ms;
        bool through;

        if (ticket == NULL || ticket->timer.at_ms > t_ms ||
            (moment == ENGINE_BEFORE && ticket->timer.at_ms == t_ms))
            break;
        if (i == tickets_max)
            return true;
        at_ms = engine->options.stepwise ? ticket->timer.at_ms : t_ms;
        through = engine->options.stepwise || moment == ENGINE_THROUGH;
        engine->t_ms = at_ms > engine->t_ms ? at_ms : engine->t_ms;
        engine->fired_ms = through ? engine->t_ms : engine->fired_ms;
        wake(engine, ticket, engine->t_ms, through);
        merge_drain_queue(engine, engine->t_ms);
    }
    if (t_ms > engine->t_ms)
        engine->t_ms = t_ms;
    if (moment == ENGINE_THROUGH)
        engine->fired_ms = engine->t_ms;
    return false;
}

/* ---- mode and policies ---- */

void
engine_cool(struct engine *engine)
{
    hot_cool(engine->hot);
}

void
engine_set_quiet(struct engine *engine, bool quiet, int64_t t_ms)
{
    struct ticket *ticket;
    size_t cursor = 0;

    if (engine->quiet == quiet)
        return;
    engine->quiet = quiet;
    while (!quiet && (ticket = map_each(engine->tickets, &cursor)) != NULL) {
        if (ticket->unannounced)
            set_timer(engine, ticket, t_ms);
    }
}

void
engine_set_lagging(struct engine *engine, bool lagging)
{
    engine->lagging = lagging;
}

/* The version of the same content in the new set; the first for one that is over and gone (engine_look_back);
 * else the one in force. */
static uint16_t
same_version(const struct policy_set *old, uint16_t version, const struct policy_set *set, int64_t t_ms)
{
    struct slice label = policy_set_version(old, version)->label;

    if (policy_set_version(old, version)->from_ms < policy_set_version(set, 0)->from_ms)
        return 0;
    for (size_t i = 0; i < policy_set_count(set); i++) {
        if (slice_equal(policy_set_version(set, i)->label, label))
            return (uint16_t)i;
    }
    return (uint16_t)policy_set_in_force(set, t_ms);
}

/* Calendars of the old set may be gone, and others lie in their place. */
static void
forget_totals(struct engine *engine)
{
    account_forget(&engine->full);
    account_forget(&engine->light);
    account_forget(&engine->other);
    account_forget(&engine->later);
}

void
engine_set_policies(struct engine *engine, const struct policy_set *set, int64_t t_ms)
{
    const struct policy_set *old = engine->set;
    struct ticket *ticket;
    size_t cursor = 0;

    hot_cool(engine->hot);
    forget_totals(engine);
    engine->set = set;
    note_circumstances(engine);
    engine->t_ms = t_ms > engine->t_ms ? t_ms : engine->t_ms;
    engine->late_entry_at_ms = NEVER;
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        if (ticket->retired)
            continue;
        ticket->seen_version = same_version(old, ticket->seen_version, set, engine->t_ms);
        engine_derive(engine, ticket, engine->t_ms, false);
    }
    merge_drain_queue(engine, engine->t_ms);
}

/* ---- loading ---- */

static void
take_off_changed(struct engine *engine, struct ticket *ticket)
{
    struct ticket **link = &engine->changed_first;

    engine->changed_last = NULL;
    while (*link != NULL) {
        if (*link == ticket) {
            *link = ticket->next_changed;
        } else {
            engine->changed_last = *link;
            link = &(*link)->next_changed;
        }
    }
}

void
engine_forget(struct engine *engine, struct slice name)
{
    struct ticket *ticket = map_remove(engine->tickets, name);

    if (ticket == NULL)
        return;
    if (ticket->changed)
        take_off_changed(engine, ticket);
    engine->moves++;
    set_open(engine, ticket, false);
    engine->retired_count -= ticket->retired;
    set_cold(engine, ticket, false);
    set_timer(engine, ticket, NEVER);
    ticket_free(engine, ticket);
}

void
engine_expect(struct engine *engine, size_t tickets_count)
{
    map_reserve(engine->tickets, tickets_count);
}

void
engine_rest(struct engine *engine, struct ticket *ticket, bool open, int64_t next_ms)
{
    if (!ticket->retired) {
        ticket->rests = true;
        set_cold(engine, ticket, true);
        set_open(engine, ticket, open);
    }
    set_timer(engine, ticket, next_ms);
}

void
engine_loaded(struct engine *engine, int64_t t_ms)
{
    struct ticket *ticket;
    size_t cursor = 0;

    engine->t_ms = t_ms > engine->t_ms ? t_ms : engine->t_ms;
    engine->risk.recount = true;
    merge_loaded(engine);
    engine->warm_part = 0;
    for (engine->warm_bits = 0; map_count(engine->tickets) >> engine->warm_bits > PART_TICKETS;)
        engine->warm_bits++;
    if (engine->unsettled_count == 0)
        return; /* a walk over a million tickets takes a while */
    engine->unsettled_count = 0;
    while ((ticket = map_each(engine->tickets, &cursor)) != NULL) {
        if (!ticket->rests && !ticket->retired)
            set_timer(engine, ticket, t_ms);
    }
}

/* What a light step and the survey need, and nothing that could be heard. */
void
engine_refresh(struct engine *engine, struct ticket *ticket)
{
    struct fold *fold = &engine->full;

    engine->other.honest = false;
    fold_init_again(fold, engine->set, &ticket->history);
    engine->merging =
        map_count(engine->edges) > 0 ? symbols_find(engine->options.symbols, ticket_name(ticket)) : 0;
    fold_derive(fold, engine->t_ms, engine->fired_ms == engine->t_ms);
    announce_corrections(engine, ticket);
    announce_arm_repeats(engine, ticket);
    keep_derived(engine, ticket, fold);
}

/* What foresight would say of it is said by its timer: the rest it was loaded with may know nothing of that.
 */
static void
warm(struct engine *engine, struct ticket *ticket)
{
    const struct fold *fold = &engine->full;
    int64_t ask_at_ms;

    engine->moves++;
    engine_refresh(engine, ticket);
    ask_at_ms = risk_speaks(engine, ticket, fold) ? engine->t_ms : risk_next_ms(engine, fold);
    if (ask_at_ms != NEVER)
        engine_wake_at(engine, ticket, ask_at_ms);
}

bool
engine_is_warm(const struct engine *engine)
{
    return engine->cold_count == 0;
}

bool
engine_warm(struct engine *engine, size_t tickets_max)
{
    size_t warmed = 0;

    if (engine->quiet) /* what a point says of pages is known when the task is loud */
        return false;
    while (engine->cold_count > 0 && warmed < tickets_max) {
        struct ticket *ticket;
        size_t cursor = 0;

        must(engine->warm_part >> engine->warm_bits == 0); /* what is loaded is in the parts still to come */
        while ((ticket = map_each_in_part(engine->tickets, engine->warm_part, engine->warm_bits, &cursor)) !=
               NULL) {
            if (!ticket->cold)
                continue;
            warm(engine, ticket);
            warmed++;
        }
        engine->warm_part++;
    }
    return engine->cold_count > 0;
}
