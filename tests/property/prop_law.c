/*
 * What: the law of slad. A history run whole equals the history run up to any cut, every ticket saved, loaded
 * into a new engine, and run on: the same records with the same revisions, the same clocks, the same saved
 * bytes. On the way every light step is compared with a derivation from scratch.
 *
 * Why this way: the second engine has symbols and policies of its own, numbered otherwise, so nothing but the
 * bytes and the policies' texts can carry anything over. Timers fire at any instants, one ticket a call.
 *
 * Always true: a failure prints its seed, the policies and the history.
 *
 * There is no cut between two calls at one T whose timers have fired: nobody restarts within a millisecond.
 *
 * Not here: how a record looks (unit tests of wire), whether it is right (golden tests, the oracle).
 */
#include "../support/runs.h"
#include "core/ticket.h"

/* Tickets first, then merges. */
struct saved {
    struct buffer names, records;
    size_t ends[2 * HISTORIES_TICKETS_MAX][2];
    size_t count, tickets;
};

static void
save_one(struct saved *saved, struct slice name)
{
    buffer_append_slice(&saved->names, name);
    saved->ends[saved->count][0] = saved->names.bytes;
    saved->ends[saved->count++][1] = saved->records.bytes;
}

static int
compare_names(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void
save_merges(struct engine *engine, struct saved *saved)
{
    struct slice names[HISTORIES_TICKETS_MAX];
    size_t count = 0, cursor = 0;

    while (count < HISTORIES_TICKETS_MAX && engine_each_merge(engine, &cursor, &names[count]))
        count++;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        must(engine_save_merge(engine, names[i], &saved->records));
        save_one(saved, names[i]);
    }
}

/* With the rests, which say when a ticket was derived last, or without. */
static void
save_all(struct engine *engine, bool rests, struct saved *saved)
{
    struct ticket *tickets[HISTORIES_TICKETS_MAX];
    size_t count = run_tickets(engine, tickets);

    memset(saved, 0, sizeof *saved);
    for (size_t i = 0; i < count; i++) {
        size_t from = saved->records.bytes;

        if (!engine_save(engine, tickets[i], &saved->records))
            continue;
        if (!rests)
            saved->records.bytes = from + engine_record_facts((struct slice){saved->records.at + from,
                                                                             saved->records.bytes - from})
                                              .bytes;
        save_one(saved, ticket_name(tickets[i]));
    }
    saved->tickets = saved->count;
    save_merges(engine, saved);
}

static void
saved_done(struct saved *saved)
{
    buffer_free(&saved->names);
    buffer_free(&saved->records);
}

static void
load_all(struct engine *engine, const struct saved *saved)
{
    for (size_t i = 0; i < saved->count; i++) {
        size_t name = i > 0 ? saved->ends[i - 1][0] : 0, record = i > 0 ? saved->ends[i - 1][1] : 0;
        struct slice name_text = {saved->names.at + name, saved->ends[i][0] - name};
        struct slice bytes = {saved->records.at + record, saved->ends[i][1] - record};

        must((i < saved->tickets ? engine_load(engine, name_text, bytes)
                                 : engine_load_merge(engine, name_text, bytes)) == 0);
    }
}

static bool
saved_equal(const struct saved *a, const struct saved *b)
{
    return slice_equal(buffer_slice(&a->names), buffer_slice(&b->names)) &&
           slice_equal(buffer_slice(&a->records), buffer_slice(&b->records));
}

static void
print_bytes(const char *word, const struct saved *saved)
{
    printf("%s: %zu tickets:", word, saved->count);
    for (size_t i = 0; i < saved->records.bytes; i++)
        printf(" %02x", (unsigned char)saved->records.at[i]);
    printf("\n");
}

static struct engine_options
random_options(struct chance *chance)
{
    struct engine_options options = runs_options(NULL, (struct engine_sink){0});

    if (chance_one_in(chance, 4))
        options.retire_after_ms = INT64_C(86400000);
    if (chance_one_in(chance, 8))
        options.retirement_mark_ms = INT64_C(86400000);
    if (chance_one_in(chance, 4))
        options.alerts_from_ms = HISTORIES_START_MS + chance_within(chance, 0, 48) * 3600000;
    if (chance_one_in(chance, 4))
        options.allowed_skew_ms = 3600000;
    if (chance_one_in(chance, 4))
        options.accept_age_ms = 86400000;
    options.keep_ids = chance_one_in(chance, 4);
    options.hot_tickets_max = (size_t)chance_within(chance, 0, 4); /* the cut engine's are others */
    return options;
}

static bool
agree(const char *what, struct slice whole, struct slice cut)
{
    if (slice_equal(whole, cut))
        return true;
    printf("the %s differ (one: whole, other: cut)\n", what);
    runs_print_difference(whole, cut);
    return false;
}

/* From the state after step k on, in another engine. */
struct cut {
    struct saved saved;
    size_t log_bytes[HISTORIES_TICKETS_MAX];
    bool quiet;
    bool waits; /* a retirement mark for its last timer; more at the instant whose timers have fired */
};

static bool
go_on(const struct world *world, const struct policies *elsewhere, const struct engine_options *options,
      const struct cut *cut, size_t k, const struct run *whole, const struct saved *end)
{
    const struct plan *plan = &world->plan;
    struct saved again, last;
    struct run run;
    bool good;

    run_open(&run, *options, elsewhere);
    engine_set_quiet(run.engine, cut->quiet, plan->steps[k].t_ms);
    load_all(run.engine, &cut->saved);
    save_all(run.engine, true, &again);
    good =
        agree("bytes of save, load, save", buffer_slice(&cut->saved.records), buffer_slice(&again.records));
    engine_loaded(run.engine, plan->steps[k].t_ms);
    for (size_t i = k + 1; i < plan->count; i++) {
        if (k % 3 == 0) /* some of what was loaded resting is derived meanwhile, some is not */
            (void)engine_warm(run.engine, 1);
        run_step(run.engine, &plan->steps[i], &run.refused);
    }
    run_clock_lines(&run, plan->steps[plan->count - 1].t_ms);
    for (size_t i = 0; i < HISTORIES_TICKETS_MAX && good; i++) {
        size_t bytes = cut->log_bytes[i];
        struct slice rest = {bytes > 0 ? whole->logs[i].at + bytes : whole->logs[i].at,
                             whole->logs[i].bytes - bytes};

        good = agree("records", rest, buffer_slice(&run.logs[i]));
    }
    save_all(run.engine, false, &last);
    if (good && !saved_equal(end, &last)) {
        printf("the bytes at the end differ (one: whole, other: cut)\n");
        print_bytes("one  ", end);
        print_bytes("other", &last);
        good = false;
    }
    saved_done(&again);
    saved_done(&last);
    run_close(&run);
    return good;
}

/* Runs the plan whole and keeps what stands after every step. */
static bool
run_whole(const struct world *world, struct run *run, struct cut *cuts)
{
    struct engine_figures figures;
    int64_t fired_ms = INSTANT_NONE;
    bool quiet = false;

    for (size_t i = 0; i < world->plan.count; i++) {
        const struct runs_step *step = &world->plan.steps[i];

        run_step(run->engine, step, &run->refused);
        quiet = step->action == RUNS_QUIET || (quiet && step->action != RUNS_LOUD);
        save_all(run->engine, true, &cuts[i].saved);
        for (size_t k = 0; k < HISTORIES_TICKETS_MAX; k++)
            cuts[i].log_bytes[k] = run->logs[k].bytes;
        cuts[i].quiet = quiet;
        fired_ms = step->action == RUNS_ADVANCE && step->moment == ENGINE_THROUGH ? step->t_ms : fired_ms;
        cuts[i].waits =
            fired_ms == step->t_ms && i + 1 < world->plan.count && world->plan.steps[i + 1].t_ms == fired_ms;
        cuts[i].waits |= cuts[i].saved.tickets < engine_tickets_count(run->engine);
    }
    engine_figures(run->engine, &figures);
    if (figures.self_check_differences > 0)
        printf("light steps and the history differ: %" PRIu64 " times in %" PRIu64 " steps\n",
               figures.self_check_differences, figures.steps);
    return figures.self_check_differences == 0;
}

/* Some cuts, or (chance NULL) every one. */
static bool
check_cuts(const struct world *world, const struct policies *elsewhere, const struct engine_options *options,
           struct chance *chance)
{
    static struct cut cuts[RUNS_STEPS_MAX];
    const size_t count = world->plan.count;
    struct saved end;
    struct run run;
    bool good;

    run_open(&run, *options, &world->policies);
    good = run_whole(world, &run, cuts);
    save_all(run.engine, false, &end);
    run_clock_lines(&run, world->plan.steps[count - 1].t_ms);
    for (unsigned i = 0; i < (chance != NULL ? 4 : count - 1) && good; i++) {
        size_t k = chance != NULL ? chance_below(chance, (unsigned)count - 1) : i;

        good = cuts[k].waits || go_on(world, elsewhere, options, &cuts[k], k, &run, &end);
        if (!good)
            printf("cut after step %zu of %zu, at %" PRId64 "\n", k, count, world->plan.steps[k].t_ms);
    }
    for (size_t i = 0; i < count; i++)
        saved_done(&cuts[i].saved);
    saved_done(&end);
    run_close(&run);
    return good;
}

struct trial {
    const struct policies *elsewhere;
    const struct engine_options *options;
    struct chance chance; /* for the plan */
    bool quiet;
};

static bool
trial_fails(struct world *world, void *context)
{
    const struct trial *trial = context;
    struct chance chance = trial->chance;

    plan_make(&world->plan, &chance, &world->history, trial->quiet);
    return !check_cuts(world, trial->elsewhere, trial->options, NULL);
}

static bool
test_seed(uint64_t seed)
{
    static const struct policies_traits policies_traits;
    static struct world world;
    struct histories_traits traits = {.events_max = 48};
    struct engine_options options;
    struct policies elsewhere;
    struct trial trial;
    size_t symbols;
    bool good;

    memset(&world, 0, sizeof world);
    world.chance = chance_of_seed(seed);
    world_make_policies(&world, &policies_traits);
    policies_load(&elsewhere, world.texts, world.versions, 3 + chance_below(&world.chance, 20));
    symbols = symbols_count(world.policies.symbols) + symbols_count(elsewhere.symbols);
    traits.in_order = chance_one_in(&world.chance, 4);
    traits.no_merges = chance_one_in(&world.chance, 2);
    histories_generate(&world.history, &world.chance, &traits);
    options = random_options(&world.chance);
    trial = (struct trial){&elsewhere, &options, world.chance,
                           traits.no_merges && chance_one_in(&world.chance, 2)};
    trial.chance = world.chance;
    plan_make(&world.plan, &world.chance, &world.history, trial.quiet);
    good = check_cuts(&world, &elsewhere, &options, &world.chance);
    if (good && symbols_count(world.policies.symbols) + symbols_count(elsewhere.symbols) != symbols) {
        printf("symbols are left behind\n");
        good = false;
    }
    good = world_end(&world, good, trial_fails, &trial);
    policies_free(&elsewhere);
    return good;
}

int
main(void)
{
    return chance_run(test_seed, 10, 4);
}
