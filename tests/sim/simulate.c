/*
 * simulate: runs the exactly-once protocol against models of Kafka and Redis, and kills it at every step.
 *
 *   simulate COUNT [--from SEED] [--jobs N] [--list FILE] [--first] [--digest] [--verbose]
 *
 * --first: no more runs after one that failed. --digest: a line a run, made of every record of every log,
 * every value in Redis and of where chance stood at its end: a change that should change nothing shows that
 * it did not.
 *
 * One seed is one run: three processes, some 2,000 events, crashes at named points, freezes, doubles, stops
 * in peace, lost answers, unknown outcomes, clock jumps, poison, a Redis that forgets. Exit status 1 when a
 * run failed (its seed and the reason are printed), or when a crash point of the table was never reached in a
 * run of at least COVER_SEEDS_MIN seeds.
 */
#include "base/memory.h"
#include "base/panic.h"
#include "shell/partitioner.h"
#include "sim.h"
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SIM_EVENTS_MIN = 2000,
    SIM_FAULTS_UNTIL_MS = 52000,
    SIM_REST_MS_MAX = 90000,
    SIM_ARMED_MS_MAX = 6000,
    SIM_JOBS_MAX = 64,
    SIM_RUNS_OF_PROCESS = SIM_HAS_SANITIZERS ? 1 : 16,
    COVER_SEEDS_MIN = 1000
};

const char *const crash_point_names[CRASH_POINTS_COUNT] = {
#define CRASH(NAME, where) #NAME,
#include "crash_points.def"
#undef CRASH
};
const char *const crash_point_wheres[CRASH_POINTS_COUNT] = {
#define CRASH(NAME, where) where,
#include "crash_points.def"
#undef CRASH
};

int sim_state_files[SIM_INSTANCES];

void
sim_fail(const struct sim *sim, const char *format, ...)
{
    va_list arguments;

    printf("seed %" PRIu64 " at +%lld ms: ", sim->seed, (long long)(sim->now_ms - SIM_START_MS));
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    (void)fflush(stdout);
    _exit(1);
}

void
sim_tell(const struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (!sim->ground->verbose)
        return;
    (void)fprintf(stderr, "+%lld ", (long long)(sim->now_ms - SIM_START_MS));
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

/* ---- faults ---- */

static struct process *
sim_find(struct sim *sim, int instance)
{
    for (int i = 0; i < SIM_PROCESSES_MAX; i++)
        if (sim->processes[i].running && sim->processes[i].instance == instance &&
            sim->now_ms >= sim->processes[i].frozen_until_ms)
            return &sim->processes[i];
    return NULL;
}

static struct process *
sim_vacancy(struct sim *sim)
{
    for (int i = 0; i < SIM_PROCESSES_MAX; i++)
        if (!sim->processes[i].running)
            return &sim->processes[i];
    return NULL;
}

/* Whoever is gone comes back after a while. */
static void
sim_restart(struct sim *sim)
{
    for (int instance = 0; instance < SIM_INSTANCES; instance++) {
        bool there = false;
        struct process *vacancy = sim_vacancy(sim);

        for (int i = 0; i < SIM_PROCESSES_MAX; i++)
            there |= sim->processes[i].running && sim->processes[i].instance == instance;
        if (there || vacancy == NULL) {
            sim->restart_ms[instance] = 0;
            continue;
        }
        if (sim->restart_ms[instance] == 0)
            sim->restart_ms[instance] =
                sim->now_ms +
                (sim->calm || chance_one_in(&sim->faults, 2)
                     ? 0
                     : chance_within(&sim->faults, 0, chance_one_in(&sim->faults, 3) ? 8000 : 1500));
        if (sim->now_ms >= sim->restart_ms[instance]) {
            process_start(vacancy, sim, instance);
            sim->restart_ms[instance] = 0;
        }
    }
}

static void
sim_arm(struct sim *sim)
{
    struct sim_fuse *fuse = &sim->fuses[1];

    if (fuse->is_armed && sim->now_ms < fuse->until_ms)
        return;
    fuse->is_armed = !chance_one_in(&sim->faults, 4);
    fuse->point = (enum crash_point)chance_below(&sim->faults, CRASH_POINTS_COUNT);
    fuse->after = chance_below(&sim->faults, 1U << chance_below(&sim->faults, 7));
    fuse->freezes = chance_one_in(&sim->faults, 4);
    if (sim->fuses[0].point == CRASH_LOAD_AMISS) { /* it takes an open transaction in slad.state */
        fuse->freezes = !chance_one_in(&sim->faults, 3);
        fuse->point = CRASH_REPORTS_HEARD;
        fuse->after = chance_below(&sim->faults, 8);
    }
    fuse->until_ms = sim->now_ms + chance_within(&sim->faults, 500, SIM_ARMED_MS_MAX);
}

/* Stopped, to be continued; perhaps somebody starts another in its place meanwhile. */
static void
sim_freeze(struct sim *sim, struct process *process)
{
    struct process *vacancy = sim_vacancy(sim);

    process->frozen_until_ms =
        sim->now_ms + (chance_one_in(&sim->faults, 2) ? chance_within(&sim->faults, 100, 900)
                                                      : chance_within(&sim->faults, 2100, 9000));
    sim_tell(sim, "process %d stands still until +%lld", process->instance,
             (long long)(process->frozen_until_ms - SIM_START_MS));
    if (vacancy != NULL && chance_one_in(&sim->faults, 3)) {
        sim->ground->zombies++;
        process_start(vacancy, sim, process->instance);
    }
}

static void
sim_disturb_process(struct sim *sim)
{
    struct process *process = sim_find(sim, (int)chance_below(&sim->faults, SIM_INSTANCES));

    if (process == NULL)
        return;
    if (chance_one_in(&sim->faults, sim->fuses[0].point == CRASH_LOAD_AMISS ? 200 : 500))
        sim_freeze(sim, process);
    else if (chance_one_in(&sim->faults, 700) && process->joined && !process->parting)
        process_stop(process);
    else if (sim->with_jumps && chance_one_in(&sim->faults, 900))
        process->wall_off_ms = chance_within(&sim->faults, -7200000, 7200000);
    else if (process->wall_off_ms != 0 && chance_one_in(&sim->faults, 100))
        process->wall_off_ms = 0;
}

/* A run without a crash proves little. */
static void
sim_kill_somebody(struct sim *sim)
{
    struct process *process = sim_find(sim, (int)chance_below(&sim->faults, SIM_INSTANCES));

    if (process == NULL)
        return;
    process->dying = true;
    process_kill(process);
}

static void
sim_disturb_store(struct sim *sim)
{
    if (chance_one_in(&sim->faults, 250))
        store_keep(&sim->store);
    else if (chance_one_in(&sim->faults, 1200))
        store_wipe(&sim->store);
    else if (chance_one_in(&sim->faults, 600))
        store_roll_back(&sim->store);
    else if (chance_one_in(&sim->faults, sim->fuses[0].point == CRASH_LOAD_BUCKET_MISSING ? 60 : 300))
        store_spoil(&sim->store, &sim->faults);
    else if (chance_one_in(&sim->faults, 900))
        sim->store.down_until_ms = sim->now_ms + chance_within(&sim->faults, 50, 6000);
}

static void
sim_become_calm(struct sim *sim)
{
    sim->calm = true;
    sim->fuses[0].is_armed = sim->fuses[1].is_armed = false;
    sim->broker.slow_markers = false;
    sim->store.down_until_ms = 0;
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        sim->processes[i].frozen_until_ms = 0;
        sim->processes[i].wall_off_ms = 0;
        sim->processes[i].writer.again_ms = 0;
        sim->processes[i].scoring.writer.again_ms = 0;
    }
}

static void
sim_disturb(struct sim *sim)
{
    if (sim->calm)
        return;
    if (sim->now_ms - SIM_START_MS > SIM_FAULTS_UNTIL_MS) {
        sim_become_calm(sim);
        return;
    }
    sim_arm(sim);
    if (sim->crashes == 0 && sim->now_ms - SIM_START_MS > SIM_FAULTS_UNTIL_MS / 2)
        sim_kill_somebody(sim);
    sim_disturb_process(sim);
    if (sim->with_redis)
        sim_disturb_store(sim);
    if (chance_one_in(&sim->faults, 300))
        broker_compact(&sim->broker, TOPIC_STATE, (int32_t)chance_below(&sim->faults, BROKER_PARTITIONS),
                       2 * SIM_SNAPSHOT_AGE_MS_MAX);
}

/* ---- a tick ---- */

static void
sim_send(struct sim *sim)
{
    struct load *load = &sim->load;

    while (load->sent < load->count && load->events[load->sent].at_ms <= sim->now_ms) {
        struct load_event *event = &load->events[load->sent++];

        event->sent_ms = sim->now_ms;
        event->life = sim->mishap.life;
        event->offset = broker_append(&sim->broker, TOPIC_TICKETS, event->partition, slice_of(event->ticket),
                                      slice_of(event->json));
    }
}

static void
sim_send_feedback(struct sim *sim)
{
    struct load *load = &sim->load;

    while (load->feedback_sent < load->feedback_count &&
           load->feedback[load->feedback_sent].at_ms <= sim->now_ms) {
        const struct load_feedback *feedback = &load->feedback[load->feedback_sent++];

        broker_append(&sim->broker, TOPIC_FEEDBACK, feedback->partition, slice_of("K"),
                      slice_of(feedback->json));
    }
}

/* What travels arrives, also at or from those who are gone. */
static void
sim_deliver(struct sim *sim)
{
    size_t kept = 0;

    for (size_t i = 0; i < sim->orphans_count; i++) {
        if (sim->orphans[i].applies_ms <= sim->now_ms)
            request_apply(sim, &sim->orphans[i], NULL);
        else
            sim->orphans[kept++] = sim->orphans[i];
    }
    sim->orphans_count = kept;
    store_deliver(sim);
    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        struct process *process = &sim->processes[i];

        if (process->running && process->writer.request.kind != REQUEST_NONE &&
            !process->writer.request.applied && process->writer.request.applies_ms <= sim->now_ms)
            request_apply(sim, &process->writer.request, process->writer.job);
        if (process->running && process->scoring.on) {
            struct writer *writer = &process->scoring.writer;

            if (writer->request.kind != REQUEST_NONE && !writer->request.applied &&
                writer->request.applies_ms <= sim->now_ms)
                request_apply(sim, &writer->request, writer->job);
        }
    }
}

static void
sim_tick(struct sim *sim)
{
    unsigned first = chance_below(&sim->faults, SIM_PROCESSES_MAX);

    sim->now_ms += SIM_TICK_MS;
    broker_tick(&sim->broker, sim->now_ms);
    sim_send(sim);
    sim_send_feedback(sim);
    rollout_turn(sim);
    mishap_turn(sim);
    sim_deliver(sim);
    sim_disturb(sim);
    sim_restart(sim);
    for (unsigned i = 0; i < SIM_PROCESSES_MAX; i++)
        process_turn(&sim->processes[(first + i) % SIM_PROCESSES_MAX]);
}

/* ---- the end of a run ---- */

static const char *
sim_unrest_of(const struct sim *sim, int32_t partition)
{
    const struct task *found = NULL;

    for (int i = 0; i < SIM_PROCESSES_MAX; i++) {
        const struct process *process = &sim->processes[i];
        const struct task *task = process->running ? protocol_task(&process->protocol, partition) : NULL;

        if (task == NULL)
            continue;
        if (found != NULL)
            return "two have it";
        if (protocol_is_out(&process->protocol))
            return "a transaction is out";
        found = task;
    }
    if (found == NULL)
        return "nobody has it";
    if (found->state != TASK_LIVE)
        return "it is not live";
    if (found->quiet || found->catching_up || found->lagging)
        return "it is behind";
    if (found->announces)
        return "it has something to say";
    if (found->next_offsets[TASK_TICKETS] < sim->broker.logs[TOPIC_TICKETS][partition].end)
        return "tickets are not read";
    if (found->next_offsets[TASK_RELAY] < broker_stable_end(&sim->broker, TOPIC_RELAY, partition))
        return "relays are not read";
    return found->t_ms + 200 < sim->now_ms ? "its time stands still" : NULL;
}

static const char *
sim_unrest(const struct sim *sim, int32_t *ret_partition)
{
    for (*ret_partition = 0; *ret_partition < sim->broker.groups[BROKER_TICKETS].partitions_count;
         (*ret_partition)++) {
        const char *unrest = sim_unrest_of(sim, *ret_partition);

        if (unrest != NULL)
            return unrest;
    }
    return NULL;
}

static void
sim_come_to_rest(struct sim *sim)
{
    int64_t until_ms = sim->now_ms + SIM_REST_MS_MAX;
    int64_t last_ms = sim->load.events[sim->load.count - 1].at_ms + 16000;
    int32_t partition = 0;
    int rested = 0;

    while (sim->now_ms < last_ms || rested < 30) {
        const char *unrest = sim_unrest(sim, &partition);

        if (unrest == NULL)
            unrest = scoring_unrest(sim);
        rested = unrest == NULL ? rested + 1 : 0;
        if (unrest != NULL)
            sim_tell(sim, "unrest: task %d: %s", (int)partition, unrest);
        if (sim->now_ms > until_ms && unrest != NULL)
            sim_fail(sim, "it does not come to rest: task %d: %s", (int)partition, unrest);
        sim_tick(sim);
    }
}

static void
sim_vary(struct sim *sim)
{
    static const int64_t records[] = {40, 200, 10000, 10000};

    sim->with_redis = !chance_one_in(&sim->chance, 5);
    sim->with_scores = chance_one_in(&sim->chance, 3); /* and see below: 45 % of all */
    sim->fuses[0] =
        (struct sim_fuse){.is_armed = true,
                          .point = (enum crash_point)(sim->seed % CRASH_POINTS_COUNT),
                          .after = chance_below(&sim->chance, 1U << chance_below(&sim->chance, 5))};
    if (sim->fuses[0].point >= CRASH_OFFSET_LOST && sim->fuses[0].point <= CRASH_DECIDED)
        sim->fuses[0].after = 0; /* it comes once or twice a run */
    if (sim->fuses[0].point == CRASH_POLICY_REFUSED || sim->fuses[0].point == CRASH_SNAPSHOT_REFUSED ||
        sim->fuses[0].point == CRASH_SCORES_FROM_SNAPSHOT)
        sim->fuses[0].after = 0;
    sim->with_scores |= sim->fuses[0].point >= CRASH_SCORES_ASSIGNED;
    if (sim->with_scores)
        load_make_feedback(&sim->load, &sim->chance);
    sim->with_jumps = sim->fuses[0].point == CRASH_CLOCK_JUMPED || chance_one_in(&sim->chance, 8);
    if ((sim->fuses[0].point >= CRASH_LOAD_HEAD && sim->fuses[0].point <= CRASH_SNAPSHOT_SWEEP) ||
        sim->fuses[0].point == CRASH_SCORES_FROM_SNAPSHOT)
        sim->with_redis = true;
    mishap_plan(sim);
    sim->broker.slow_markers = chance_one_in(&sim->chance, 2);
    sim->bucket_bytes = chance_one_in(&sim->chance, 3) ? 262144 : chance_within(&sim->chance, 1500, 20000);
    for (int i = 0; i < SIM_INSTANCES; i++) {
        struct config *config = sim->ground->configs[i];

        /* the load knows of four partitions, whatever is added */
        config->partitioner = sim->mishap.kind == MISHAP_GROWN ? PARTITIONER_ANY : PARTITIONER_MURMUR2;
        config->epoch_records_max = CHANCE_PICK(&sim->chance, records);
        config->turn_records_max = chance_within(&sim->chance, 2, 60);
        config->turn_tickets_max = chance_within(&sim->chance, 1, 50);
        config->catchup_max_ms = chance_within(&sim->chance, 1000, 8000);
        config->snapshot = sim->with_redis ? CONFIG_SNAPSHOT_REDIS : CONFIG_SNAPSHOT_NONE;
        config->snapshot_bucket_bytes_max = sim->bucket_bytes;
        config->snapshot_every_ms = chance_within(&sim->chance, 500, 4000);
    }
}

void
sim_run(struct sim_ground *ground, uint64_t seed)
{
    struct sim *sim = memory_allocate_zeroed(1, sizeof *sim);

    *sim =
        (struct sim){.ground = ground, .seed = seed, .chance = chance_of_seed(seed), .now_ms = SIM_START_MS};
    sim->faults = chance_of_seed(seed + (UINT64_C(1) << 32));
    for (int i = 0; i < SIM_INSTANCES; i++)
        must((sim_state_files[i] = memfd_create("state", MFD_CLOEXEC)) >= 0);
    broker_init(&sim->broker, &sim->faults, SIM_START_MS);
    sim->broker.session_ms = ground->configs[0]->session_timeout_ms;
    sim->broker.transaction_ms = ground->configs[0]->transaction_timeout_ms =
        chance_one_in(&sim->chance, 2) ? 2000 : 5000;
    for (int i = 1; i < SIM_INSTANCES; i++)
        ground->configs[i]->transaction_timeout_ms = sim->broker.transaction_ms;
    sim->broker.on_committed = witness_committed;
    sim->broker.context = &sim->witness;
    store_init(&sim->store);
    witness_init(&sim->witness, sim);
    load_make(&sim->load, &sim->chance, SIM_EVENTS_MIN);
    rollout_plan(sim);
    sim_vary(sim);
    while (!sim->calm)
        sim_tick(sim);
    sim_come_to_rest(sim);
    scoring_compare(sim);
    for (int i = 0; i < SIM_PROCESSES_MAX; i++)
        if (sim->processes[i].running)
            process_kill(&sim->processes[i]);
    oracle_compare(sim);
    mishap_end(sim);
    if (sim->crashes == 0 || sim->broker.rebalances < 2)
        sim_fail(sim, "%" PRIu64 " crashes and %u rebalances: nothing is proven", sim->crashes,
                 sim->broker.rebalances);
    if (ground->digests)
        printf("seed %" PRIu64 " digest %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n", seed,
               sim->broker.digest, sim->store.digest, sim->faults.state);
    ground->events += sim->load.count;
    ground->crashes += sim->crashes;
    ground->rebalances += sim->broker.rebalances;
    load_done(&sim->load);
    witness_done(&sim->witness);
    scoring_witness_done(&sim->scoring_witness);
    store_done(&sim->store);
    broker_done(&sim->broker);
    readings_forget();
    for (int i = 0; i < SIM_INSTANCES; i++)
        (void)close(sim_state_files[i]);
    memory_free(sim);
}

/* ---- the ground ---- */

static struct config *
ground_config(int instance)
{
    char name[32], directory[32];
    const char *overrides[] = {name,
                               "prefix=sim",
                               "session_timeout=2s",
                               "transaction_timeout=2s",
                               "accept_age=2000d",
                               "allowed_skew=1h",
                               "log_level=debug",
                               directory};
    const struct config_source source = {.overrides = overrides,
                                         .overrides_count = sizeof overrides / sizeof *overrides};
    struct buffer errors = {0};
    struct config *config;

    (void)snprintf(name, sizeof name, "instance=sim-%d", instance);
    (void)snprintf(directory, sizeof directory, "state_dir=/sim-%d", instance);
    config = config_load(&source, &errors);
    if (config == NULL)
        panic(buffer_slice(&errors).at);
    buffer_free(&errors);
    return config;
}

/* Shared with the children: their counts come back. */
static struct sim_ground *
ground_new(bool verbose)
{
    struct sim_ground *ground =
        mmap(NULL, sizeof *ground, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct log_options log_options = {.descriptor = verbose ? 2 : -1,
                                      .level = verbose ? LOG_DEBUG : LOG_ERROR};

    must(ground != MAP_FAILED);
    if (!verbose)
        log_options.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ground->symbols = symbols_new();
    rollout_read_texts(ground);
    ground->policies = rollout_read(ground, DISK_FIRST | DISK_SECOND);
    for (int i = 0; i < SIM_INSTANCES; i++)
        ground->configs[i] = ground_config(i);
    ground->log = log_new(&log_options);
    ground->verbose = verbose;
    ground->metrics = metrics_new();
    topics_init(&ground->topics, ground->configs[0]);
    ground->group = kafka_name("sim", "-tickets");
    ground->source = kafka_name("/", "sim");
    ground->reader = event_reader_new();
    return ground;
}

static void
ground_free(struct sim_ground *ground)
{
    event_reader_free(ground->reader);
    memory_free(ground->group);
    memory_free(ground->source);
    topics_done(&ground->topics);
    metrics_free(ground->metrics);
    log_free(ground->log);
    for (int i = 0; i < SIM_INSTANCES; i++)
        config_free(ground->configs[i]);
    policy_set_free(ground->policies);
    for (int i = 0; i < ROLLOUT_TEXTS_MAX; i++)
        policy_free(ground->texts[i]);
    symbols_free(ground->symbols);
    (void)munmap(ground, sizeof *ground);
}

/* ---- many runs ---- */

struct runs {
    uint64_t from, count;
    uint64_t *list; /* NULL: from, from + 1, ... */
    int jobs;
    bool verbose, first, digests;
};

#ifdef SLAD_PROFILE_IS_RECORDED
void __gcov_dump(void); /* gcc's: _exit would lose what was counted */
#define RUNS_NOTE_PROFILE() __gcov_dump()
#else
#define RUNS_NOTE_PROFILE() ((void)0)
#endif

/* A child's: takes the next seed that nobody has, some of them; some cost ten times as much as others. */
static void
runs_some(const struct runs *runs, struct sim_ground *ground, atomic_uint_fast64_t *next)
{
    uint64_t i;

    heap_begin_run();
    for (int run = 0;
         run < (runs->verbose ? 1 : SIM_RUNS_OF_PROCESS) && (i = atomic_fetch_add(next, 1)) < runs->count;
         run++) {
        ground->seed = runs->list != NULL ? runs->list[i] : runs->from + i;
        sim_run(ground, ground->seed);
        (void)fflush(stdout);
    }
    RUNS_NOTE_PROFILE();
}

/* In a process of their own: a panic is a failure like another, and the seeds behind it go on in another.
 * What one run frees the next one has, without faulting it in again; a build with sanitizers has a process
 * for each run, and comes to the same digests. */
static bool
runs_fork(const struct runs *runs, struct sim_ground *ground, atomic_uint_fast64_t *next)
{
    pid_t child;
    int status;

    (void)fflush(stdout);
    child = fork();
    must(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        runs_some(runs, ground, next);
        _exit(0);
    }
    must(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) {
        printf("seed %" PRIu64 ": died of signal %d\n", ground->seed, WTERMSIG(status));
        (void)fflush(stdout);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
runs_job(const struct runs *runs, struct sim_ground *ground, atomic_uint_fast64_t *next)
{
    while (!(runs->first && ground->failed > 0) && atomic_load(next) < runs->count)
        if (!runs_fork(runs, ground, next))
            ground->failed++;
}

static int
runs_report(const struct runs *runs, struct sim_ground *const *grounds, double seconds)
{
    struct sim_ground all = {0};
    unsigned reached = 0;

    for (int job = 0; job < runs->jobs; job++) {
        const struct sim_ground *one = grounds[job];
        const uint64_t *from = &one->events;
        uint64_t *to = &all.events;

        for (size_t i = 0; i < (size_t)(&one->last_count - from); i++)
            to[i] += from[i];
        for (unsigned i = 0; i < CRASH_POINTS_COUNT; i++)
            all.crashed[i] += one->crashed[i];
    }
    for (unsigned i = 0; i < CRASH_POINTS_COUNT; i++) {
        reached += all.crashed[i] > 0;
        if (all.crashed[i] == 0 && (runs->verbose || runs->count >= COVER_SEEDS_MIN))
            printf("never reached: %s (%s)\n", crash_point_names[i], crash_point_wheres[i]);
        if (runs->verbose)
            printf("%8" PRIu64 " %s\n", all.crashed[i], crash_point_names[i]);
    }
    printf("%" PRIu64 " seeds in %.1f s (%.0f a minute): %" PRIu64 " events, %" PRIu64 " crashes, %" PRIu64
           " rebalances, %" PRIu64 " doubles, %" PRIu64 " tasks loaded, %" PRIu64
           " unknown outcomes, %" PRIu64 " snapshots, %" PRIu64 " tasks held, %" PRIu64 " decisions, %" PRIu64
           " answers, %" PRIu64 " numbers, %" PRIu64 " scores out of a snapshot, %" PRIu64
           " versions let go\n",
           runs->count, seconds, (double)runs->count * 60 / seconds, all.events, all.crashes, all.rebalances,
           all.zombies, all.restores, all.unknown, all.snapshots, all.held, all.decisions, all.answers,
           all.scores, all.scores_loaded, all.versions_over);
    printf("%" PRIu64 " alert keys announced of %" PRIu64 " expected; not announced: %" PRIu64
           " a higher stage was, %" PRIu64 " the clock had ended, %" PRIu64 " taken back, %" PRIu64
           " folded on the way, %" PRIu64 " before the first epoch; besides and taken back: %" PRIu64 "\n",
           all.announced, all.expected, all.excused[0], all.excused[1], all.excused[2], all.excused[3],
           all.excused[5], all.excused[4]);
    printf("%u of %u crash points reached, %" PRIu64 " seeds failed\n", reached, (unsigned)CRASH_POINTS_COUNT,
           all.failed);
    return all.failed > 0 || (runs->count >= COVER_SEEDS_MIN && reached < CRASH_POINTS_COUNT);
}

static int
runs_all(const struct runs *runs)
{
    struct sim_ground *grounds[SIM_JOBS_MAX];
    struct timespec begun, ended;
    int status;

    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    for (int job = 0; job < runs->jobs; job++) {
        pid_t child;

        grounds[job] = ground_new(runs->verbose);
        grounds[job]->digests = runs->digests;
        child = runs->jobs > 1 ? fork() : 0;
        must(child >= 0);
        if (child == 0) {
            if (runs->jobs > 1)
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left behind */
            runs_job(runs, grounds[job], &grounds[0]->seeds_taken);
            if (runs->jobs > 1)
                _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    status = runs_report(
        runs, grounds, (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
    for (int job = 0; job < runs->jobs; job++)
        ground_free(grounds[job]);
    return status;
}

/* One seed a line; what comes behind a blank is for people. */
static void
runs_read_list(struct runs *runs, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256];

    must(file != NULL);
    runs->count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] < '0' || line[0] > '9')
            continue;
        runs->list = memory_resize(runs->list, (runs->count + 1) * sizeof *runs->list);
        runs->list[runs->count++] = strtoull(line, NULL, 10);
    }
    (void)fclose(file);
}

int
main(int arguments_count, char **arguments)
{
    struct runs runs = {.from = 1, .count = 100, .jobs = 2};
    int status;

    for (int i = 1; i < arguments_count; i++) {
        const char *value = i + 1 < arguments_count ? arguments[i + 1] : "0";

        if (strcmp(arguments[i], "--verbose") == 0)
            runs.verbose = true;
        else if (strcmp(arguments[i], "--first") == 0)
            runs.first = true;
        else if (strcmp(arguments[i], "--digest") == 0)
            runs.digests = true;
        else if (strcmp(arguments[i], "--from") == 0)
            runs.from = strtoull(value, NULL, 10), i++;
        else if (strcmp(arguments[i], "--jobs") == 0)
            runs.jobs = atoi(value), i++;
        else if (strcmp(arguments[i], "--list") == 0)
            runs_read_list(&runs, value), i++;
        else
            runs.count = strtoull(arguments[i], NULL, 10);
    }
    if (runs.jobs < 1 || runs.jobs > SIM_JOBS_MAX)
        runs.jobs = 2;
    status = runs_all(&runs);
    memory_free(runs.list);
    return status;
}
