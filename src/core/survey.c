/*
 * The survey: which clocks of a task a board shows, found a few tickets at a time (slad/engine.h).
 *
 * Why so: a picture of a million tickets takes a quarter of a second, and no turn of the loop has that. So
 * tickets are looked at part by part of their names' hashes, whatever comes and goes meanwhile, and what was
 * found is looked up once more when the picture is given: it says nothing that is not true then. A picture
 * stands until something moves; while the next one is made the last one is given. Always true: a picture that
 * was made in one go is exact. Not here: when one is made (shell).
 */
#include "base/memory.h"
#include "core/ticket.h"

#define PART_TICKETS 128 /* on the average */

/* What a board shows of a task: what breaks next, what broke last, what waits. Each kind has its own list. */
enum open_list { OPEN_RUNNING, OPEN_BREACHED, OPEN_PAUSED, OPEN_LISTS_COUNT };

struct open_lists {
    struct open_clock *clocks[OPEN_LISTS_COUNT];
    size_t count[OPEN_LISTS_COUNT];
    size_t clocks_max;
};

static enum open_list
list_of(const struct open_clock *clock)
{
    return clock->state == CLOCK_BREACHED ? OPEN_BREACHED
           : clock->state == CLOCK_PAUSED ? OPEN_PAUSED
                                          : OPEN_RUNNING;
}

/* Running: the next due first. Breached: the latest breach first. Paused: the least that is left first. */
static bool
comes_before(enum open_list list, const struct open_clock *a, const struct open_clock *b)
{
    int64_t left_a = a->target_ms - a->elapsed_ms, left_b = b->target_ms - b->elapsed_ms;

    if (list == OPEN_PAUSED && left_a != left_b)
        return left_a < left_b;
    if (list != OPEN_PAUSED && a->due_at_ms != b->due_at_ms) {
        if (a->due_at_ms == INSTANT_NONE || b->due_at_ms == INSTANT_NONE)
            return b->due_at_ms == INSTANT_NONE;
        return list == OPEN_RUNNING ? a->due_at_ms < b->due_at_ms : a->due_at_ms > b->due_at_ms;
    }
    return slice_compare(a->name.ticket, b->name.ticket) < 0;
}

static void
offer(struct open_lists *lists, const struct open_clock *candidate)
{
    enum open_list list = list_of(candidate);
    struct open_clock *clocks = lists->clocks[list];
    size_t place;

    if (lists->count[list] == lists->clocks_max) {
        if (lists->clocks_max == 0 || !comes_before(list, candidate, &clocks[lists->clocks_max - 1]))
            return;
        lists->count[list]--;
    }
    for (place = lists->count[list]++; place > 0 && comes_before(list, candidate, &clocks[place - 1]);
         place--)
        clocks[place] = clocks[place - 1];
    clocks[place] = *candidate;
}

/* Half the places are for what breaks next, a quarter each for what broke last and what waits; what a kind
 * does not use the others may, in that order. */
static size_t
share_out(const struct open_lists *lists, struct open_clock *clocks, size_t clocks_max)
{
    size_t take[OPEN_LISTS_COUNT] = {clocks_max - clocks_max / 4 * 2, clocks_max / 4, clocks_max / 4};
    size_t left = clocks_max, count = 0;

    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        take[list] = take[list] < lists->count[list] ? take[list] : lists->count[list];
        left -= take[list];
    }
    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        size_t more = lists->count[list] - take[list] < left ? lists->count[list] - take[list] : left;

        left -= more;
        memcpy(clocks + count, lists->clocks[list], (take[list] + more) * sizeof *clocks);
        count += take[list] + more;
    }
    return count;
}

/* A clock found on the way; its ticket may be gone by the end. */
struct candidate {
    char *name;
    size_t name_bytes;
    symbol clock; /* a reference */
    uint32_t cycle;
    uint8_t kind;
    int64_t rank; /* the least first */
};

struct candidates {
    struct candidate *list[OPEN_LISTS_COUNT];
    size_t count[OPEN_LISTS_COUNT];
};

struct survey {
    unsigned bits;
    size_t part, bytes;
    size_t clocks_max;
    uint64_t moves; /* of the engine, when it was begun */
    bool is_under_way;
    struct open_counts counts;
    struct candidates found;
    /* the last complete one */
    bool has_shown;
    uint64_t shown_moves;
    struct open_counts shown_counts;
    struct candidates shown;
};

static void
candidate_done(struct engine *engine, struct candidate *candidate)
{
    symbols_release(engine->options.symbols, candidate->clock);
    memory_free(candidate->name);
}

static void
empty(struct engine *engine, struct candidates *candidates)
{
    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        for (size_t i = 0; i < candidates->count[list]; i++)
            candidate_done(engine, &candidates->list[list][i]);
        candidates->count[list] = 0;
    }
}

static void
make_room(struct engine *engine, struct candidates *candidates, size_t clocks_max)
{
    empty(engine, candidates);
    for (int list = 0; list < OPEN_LISTS_COUNT; list++)
        candidates->list[list] =
            memory_resize(candidates->list[list], (clocks_max + 1) * sizeof *candidates->list[list]);
}

void
survey_free(struct engine *engine)
{
    struct survey *survey = engine->survey;

    if (survey == NULL)
        return;
    empty(engine, &survey->found);
    empty(engine, &survey->shown);
    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        memory_free(survey->found.list[list]);
        memory_free(survey->shown.list[list]);
    }
    memory_free(survey);
}

static void
begin(struct engine *engine, size_t clocks_max)
{
    struct survey *survey = engine->survey;

    if (survey == NULL)
        survey = engine->survey = memory_allocate_zeroed(1, sizeof *survey);
    empty(engine, &survey->found);
    if (survey->clocks_max != clocks_max || survey->found.list[0] == NULL) {
        survey->clocks_max = clocks_max;
        survey->has_shown = false;
        make_room(engine, &survey->found, clocks_max);
        make_room(engine, &survey->shown, clocks_max);
    }
    survey->bits = 0;
    while (survey->bits < 24 && map_count(engine->tickets) >> survey->bits > PART_TICKETS)
        survey->bits++;
    survey->part = survey->bytes = 0;
    survey->moves = engine->moves;
    survey->is_under_way = true;
    memset(&survey->counts, 0, sizeof survey->counts);
}

/* It takes the place of the one before. */
static void
complete(struct engine *engine, struct survey *survey)
{
    struct candidates before = survey->shown;

    survey->shown = survey->found;
    survey->found = before;
    empty(engine, &survey->found);
    survey->shown_counts = survey->counts;
    survey->shown_moves = survey->moves;
    survey->has_shown = true;
    survey->is_under_way = false;
    engine->surveyed_bytes = survey->bytes;
}

/* The ticket's kept point goes into engine->light. False: nothing of it is open. */
static bool
look_at(struct engine *engine, const struct ticket *ticket)
{
    struct fold *fold = &engine->light;

    fold->set = engine->set;
    fold->history = &ticket->history;
    fold->days_version = policy_set_in_force(engine->set, engine->t_ms);
    return !ticket->retired && hot_restore(ticket, fold);
}

static void
fill_open(const struct engine *engine, const struct ticket *ticket, const struct clock *clock, int64_t t_ms,
          struct open_clock *open)
{
    const struct policy *policy = policy_set_version(engine->set, clock->version);
    const struct life *life = &engine->light.life;
    const symbol *attributes = life->attributes;

    *open = (struct open_clock){
        .name = {ticket_name(ticket), clock->promise->kind,
                 policy->agreements[clock->promise->agreement].name,
                 engine_text(engine, clock->promise->name), clock->cycle},
        .state = clock_state(clock),
        .due_at_ms = clock_due_at_ms(clock, NULL),
        .target_ms = clock->target_ms,
        .elapsed_ms = clock_elapsed_ms(clock, t_ms),
        .turn = account_attribution(life->ball),
        .customer = engine_text(engine, attributes[ATTRIBUTE_CUSTOMER]),
        .service = engine_text(engine, attributes[ATTRIBUTE_SERVICE]),
        .priority = engine_text(engine, attributes[ATTRIBUTE_PRIORITY]),
        .group = engine_text(engine, attributes[ATTRIBUTE_GROUP]),
    };
}

/* What is known of it now: the kept point is taken as it is, for nothing has happened to it since. */
static void
fill_told(struct engine *engine, size_t slot, struct open_clock *open)
{
    int64_t kept_ms = engine->light.life.at_ms;

    engine->light.life.at_ms = engine->t_ms > kept_ms ? engine->t_ms : kept_ms;
    open->has_told = risk_ask(engine, &engine->light, slot, &open->told);
    engine->light.life.at_ms = kept_ms;
}

static int64_t
rank_of(const struct open_clock *clock)
{
    enum open_list list = list_of(clock);

    if (list == OPEN_PAUSED)
        return clock->target_ms - clock->elapsed_ms;
    if (clock->due_at_ms == INSTANT_NONE)
        return NEVER;
    return list == OPEN_RUNNING ? clock->due_at_ms : -clock->due_at_ms;
}

static bool
goes_before(const struct open_clock *clock, int64_t rank, const struct candidate *other)
{
    if (rank != other->rank)
        return rank < other->rank;
    return slice_compare(clock->name.ticket, (struct slice){other->name, other->name_bytes}) < 0;
}

static void
find_one(struct engine *engine, const struct clock *clock, const struct open_clock *open)
{
    struct survey *survey = engine->survey;
    enum open_list list = list_of(open);
    struct candidate *found = survey->found.list[list];
    size_t count = survey->found.count[list], place;
    int64_t rank = rank_of(open);

    if (count == survey->clocks_max) {
        if (count == 0 || !goes_before(open, rank, &found[count - 1]))
            return;
        candidate_done(engine, &found[--count]);
    }
    for (place = count; place > 0 && goes_before(open, rank, &found[place - 1]); place--)
        found[place] = found[place - 1];
    found[place] = (struct candidate){memory_copy(open->name.ticket.at, open->name.ticket.bytes),
                                      open->name.ticket.bytes,
                                      clock->promise->name,
                                      clock->cycle,
                                      (uint8_t)clock->promise->kind,
                                      rank};
    symbols_retain(engine->options.symbols, clock->promise->name);
    survey->found.count[list] = count + 1;
}

static void
survey_ticket(struct engine *engine, struct ticket *ticket)
{
    struct open_counts *counts = &engine->survey->counts;
    const struct fold *fold = &engine->light;
    const struct life *life = &fold->life;
    bool breached = false, paused = false;

    if (ticket->stale)
        engine_refresh(engine, ticket);
    if (!ticket->open) {
        struct life other;

        counts->solved += !ticket->retired && hot_life(ticket, &other) && other.exists && !other.deleted &&
                          !other.merged && other.phase == PHASE_SOLVED;
        return;
    }
    if (!look_at(engine, ticket) || !life->exists || life->deleted || life->merged)
        return;
    counts->open += life->phase == PHASE_ACTIVE;
    counts->waiting += life->phase == PHASE_ACTIVE && life->state == STATUS_WAITING;
    for (size_t i = 0; life->phase == PHASE_ACTIVE && i < fold->clocks_count; i++) {
        const struct clock *clock = &fold->clocks[i];
        struct open_clock open;

        if (clock->started_at_ms == INSTANT_NONE || clock->ended)
            continue;
        breached |= clock_is_breached(clock);
        paused |= !clock->running;
        fill_open(engine, ticket, clock, engine->t_ms, &open);
        find_one(engine, clock, &open);
    }
    counts->breached_open += breached;
    counts->paused += paused;
}

bool
engine_has_picture(const struct engine *engine)
{
    return engine->survey != NULL && engine->survey->has_shown;
}

bool
engine_picture_stands(const struct engine *engine)
{
    return engine_has_picture(engine) && engine->survey->shown_moves == engine->moves;
}

bool
engine_survey(struct engine *engine, size_t clocks_max, size_t tickets_max)
{
    struct survey *survey = engine->survey;
    size_t looked = 0;

    if (survey == NULL || survey->clocks_max != clocks_max || !survey->is_under_way) {
        if (engine_picture_stands(engine) && survey->clocks_max == clocks_max)
            return true;
        begin(engine, clocks_max);
        survey = engine->survey;
    }
    while (survey->part >> survey->bits == 0) {
        struct ticket *ticket;
        size_t cursor = 0;

        if (looked >= tickets_max)
            return false;
        for (; (ticket = map_each_in_part(engine->tickets, survey->part, survey->bits, &cursor)) != NULL;
             looked++) {
            survey->bytes += ticket_resident_bytes(ticket);
            survey_ticket(engine, ticket);
        }
        survey->part++;
    }
    complete(engine, survey);
    return true;
}

/* What became of a clock that was found: into the lists, if it is still open. */
static void
offer_again(struct engine *engine, const struct candidate *candidate, struct open_lists *lists)
{
    const struct ticket *ticket = engine_find(engine, (struct slice){candidate->name, candidate->name_bytes});
    const struct fold *fold = &engine->light;
    struct open_clock open;
    int slot;

    if (ticket == NULL || !look_at(engine, ticket) || !fold_is_active(fold))
        return;
    slot = fold_slot(fold, (enum clock_kind)candidate->kind, candidate->clock);
    if (slot < 0 || fold->clocks[slot].cycle != candidate->cycle ||
        fold->clocks[slot].started_at_ms == INSTANT_NONE || fold->clocks[slot].ended)
        return;
    fill_open(engine, ticket, &fold->clocks[slot], engine->t_ms, &open);
    fill_told(engine, (size_t)slot, &open);
    offer(lists, &open);
}

size_t
engine_open(struct engine *engine, struct open_counts *counts, struct open_clock *clocks, size_t clocks_max)
{
    struct open_lists lists = {.clocks_max = clocks_max};
    const struct survey *survey;
    size_t count;

    while (!engine_has_picture(engine) || engine->survey->clocks_max != clocks_max)
        (void)engine_survey(engine, clocks_max, SIZE_MAX);
    survey = engine->survey;
    *counts = survey->shown_counts;
    for (int list = 0; list < OPEN_LISTS_COUNT; list++)
        lists.clocks[list] = memory_allocate((clocks_max + 1) * sizeof *clocks);
    for (int list = 0; list < OPEN_LISTS_COUNT; list++) {
        for (size_t i = 0; i < survey->shown.count[list]; i++)
            offer_again(engine, &survey->shown.list[list][i], &lists);
    }
    count = share_out(&lists, clocks, clocks_max);
    for (int list = 0; list < OPEN_LISTS_COUNT; list++)
        memory_free(lists.clocks[list]);
    return count;
}
