/*
 * bench_backlog: what the loop thread does with a backlog, without a broker.
 *
 * What: four partitions of ticket events lie there when the tasks begin. Each record is read, judged and put
 * into its ticket's history in silence; at the end of the backlog what is true is derived and printed; every
 * EPOCH_EVENTS events, and at every full epoch, the changed tickets are written. These are the daemon's own
 * task, ingest, batch and publish; what is played is where records come from and where a batch goes (two take
 * turns, as after a commit). Prints, as processor time an event (us/event): backlog_read, backlog_state
 * (closing epochs), backlog_announce, backlog (all three), and of the second part backlog_record_cpu, per
 * record announced. BENCH_ROUNDS is how often (1).
 *
 * Always true: the same events and the same program give the same bytes; with BENCH_DIGEST set their hash is
 * told on stderr, so that two versions can be compared.
 *
 * Not here: librdkafka, the transaction, a model of foresight.
 */
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/ingest.h"
#include "shell/partitioner.h"
#include "shell/policy_files.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PARTITIONS = 4, EPOCH_EVENTS = 10000, LINE_BYTES_MAX = 65536 };
#define DAY_MS INT64_C(86400000)

enum phase { PHASE_READ, PHASE_STATE, PHASE_ANNOUNCE, PHASES };

struct line {
    size_t at, bytes; /* in the text */
    struct slice key, value;
    int32_t partition;
    int64_t offset;
};

struct backlog {
    struct world world;
    struct buffer text;
    struct line *lines;
    size_t lines_count;
    int64_t ends[PARTITIONS];
    struct task *tasks[PARTITIONS];
    struct batch
        *spares[PARTITIONS]; /* of the epoch before, as if it was committed when the next one closes */
    enum phase phase;
    double from_s, spent_s[PHASES];
    size_t records_count; /* announced */
    bool digests;
    struct hash128 digest;
};

static double
cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Ends the phase that is. */
static void
enter(struct backlog *backlog, enum phase phase)
{
    double now_s = cpu_s();

    backlog->spent_s[backlog->phase] += now_s - backlog->from_s;
    backlog->phase = phase;
    backlog->from_s = now_s;
}

/* ---- what lies there ---- */

/* The text of a member of one of the benchmark's lines: compact JSON without escapes in these. */
static struct slice
text_of(const char *line, const char *member)
{
    const char *at = strstr(line, member);

    if (at == NULL)
        panic("an event without a ticket or a time");
    at += strlen(member);
    return (struct slice){at, strcspn(at, "\"")};
}

static void
read_events(struct backlog *backlog, const char *path)
{
    static char line[LINE_BYTES_MAX];
    FILE *file = fopen(path, "r");
    int64_t last_ms = 0;
    size_t room = 0;

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        size_t bytes = strcspn(line, "\n"), begin = backlog->text.bytes;

        if (strstr(line, "\"type\":\"ticket.") == NULL)
            continue;
        must(instant_parse(text_of(line, "\"time\":\""), &last_ms) == 0);
        buffer_append(&backlog->text, line, bytes);
        if (backlog->lines_count == room) {
            room = room == 0 ? 1024 : room * 2;
            backlog->lines = memory_resize(backlog->lines, room * sizeof *backlog->lines);
        }
        backlog->lines[backlog->lines_count++] = (struct line){.at = begin, .bytes = bytes};
    }
    (void)fclose(file);
    backlog->world.now_ms = backlog->world.started_at_ms = last_ms + DAY_MS;
}

/* The text lies still now. */
static void
deal_events(struct backlog *backlog)
{
    for (size_t i = 0; i < backlog->lines_count; i++) {
        struct line *line = &backlog->lines[i];

        line->value = (struct slice){backlog->text.at + line->at, line->bytes};
        line->key = text_of(line->value.at, "\"ticket\":\"");
        line->partition = partitioner_partition(PARTITIONER_MURMUR2, line->key, PARTITIONS);
        line->offset = backlog->ends[line->partition]++;
    }
}

static void
open_world(struct backlog *backlog)
{
    static const char *const overrides[] = {"accept_age=400d", "retire_after=300d"};
    const struct config_source source = {.overrides = overrides, .overrides_count = 2};
    const struct log_options options = {.descriptor = STDERR_FILENO, .level = LOG_ERROR};
    const char *policy = getenv("BENCH_POLICY");
    struct world *world = &backlog->world;
    struct buffer errors = {0};

    world->config = config_load(&source, &errors);
    world->log = log_new(&options);
    world->metrics = metrics_new();
    world->symbols = symbols_new();
    world->policies = policy_files_load(policy != NULL ? policy : "conf/demo/policy",
                                        policy_files_zoneinfo_default(), world->symbols, &errors);
    if (world->config == NULL || world->policies == NULL)
        panic(buffer_slice(&errors).at);
    buffer_free(&errors);
    world->writer = (struct hash128){7, 9};
    world->group = kafka_name("bench", "-tickets");
    world->source = kafka_name("/", "bench");
    world->partitions_count = PARTITIONS;
    world->feedback_partitions_count = 1;
    world->now_mono_ms = 1000000;
    topics_init(&world->topics, world->config);
}

static void
close_world(struct world *world)
{
    topics_done(&world->topics);
    memory_free(world->group);
    memory_free(world->source);
    policy_set_free((struct policy_set *)(uintptr_t)world->policies);
    symbols_free(world->symbols);
    metrics_free(world->metrics);
    log_free(world->log);
    config_free((struct config *)(uintptr_t)world->config);
}

/* ---- what is said ---- */

static void
digest_slice(struct backlog *backlog, struct slice text)
{
    backlog->digest = hash_bytes128(backlog->digest, &text.bytes, sizeof text.bytes);
    backlog->digest = hash_bytes128(backlog->digest, text.at != NULL ? text.at : "", text.bytes);
}

static void
look_at(struct backlog *backlog, const struct batch *batch)
{
    for (size_t i = 0; i < batch_count(batch); i++) {
        struct batch_record record = batch_get(batch, i);
        const int64_t where[] = {(int64_t)record.topic, record.partition};

        backlog->records_count += record.topic != TOPIC_STATE;
        if (!backlog->digests)
            continue;
        backlog->digest = hash_bytes128(backlog->digest, where, sizeof where);
        digest_slice(backlog, record.key);
        digest_slice(backlog, record.value);
        digest_slice(backlog, record.headers);
    }
}

static void
close_epoch(struct backlog *backlog)
{
    enum phase phase = backlog->phase;
    struct transaction_job *job = transaction_job_new(PARTITIONS);

    enter(backlog, PHASE_STATE);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct task *task = backlog->tasks[p];

        if (backlog->spares[p] != NULL)
            task_take_back(task, &backlog->spares[p]);
        task_close(task, &job->parts[p]);
        task_committed(task, job->parts[p].epoch);
    }
    enter(backlog, phase);
    for (int32_t p = 0; p < PARTITIONS; p++) {
        look_at(backlog, job->parts[p].batch);
        backlog->spares[p] = job->parts[p].batch;
        rd_kafka_topic_partition_list_destroy(job->parts[p].offsets);
    }
    transaction_job_free(job); /* its parts_count is 0: the batches are ours */
    backlog->from_s = cpu_s();
}

/* As protocol_is_full. */
static bool
is_full(const struct backlog *backlog)
{
    const struct config *config = backlog->world.config;
    size_t bytes = 0, records = 0;

    for (int32_t p = 0; p < PARTITIONS; p++) {
        bytes += batch_bytes(backlog->tasks[p]->batch);
        records += batch_count(backlog->tasks[p]->batch);
    }
    return records >= (size_t)config->epoch_records_max || bytes >= (size_t)config->epoch_bytes_max;
}

/* ---- the way ---- */

static void
begin(struct backlog *backlog)
{
    for (int32_t p = 0; p < PARTITIONS; p++) {
        struct task *task = backlog->tasks[p] = task_new(&backlog->world, p);

        task_begin(task, false, NULL);
        task_loaded(task);
        task_reach_end(task, TASK_RELAY, 0);
    }
}

static void
read_backlog(struct backlog *backlog)
{
    struct ingest *ingest = ingest_new(&backlog->world);

    for (size_t i = 0; i < backlog->lines_count; i++) {
        const struct line *line = &backlog->lines[i];
        const struct ingest_record record = {.topic = "tickets",
                                             .partition = line->partition,
                                             .offset = line->offset,
                                             .timestamp_ms = backlog->world.now_ms - 60000,
                                             .key = line->key,
                                             .value = line->value};

        while (
            ingest_ticket(ingest, backlog->tasks[line->partition], &record, backlog->ends[line->partition]))
            continue;
        if (i % EPOCH_EVENTS == EPOCH_EVENTS - 1)
            close_epoch(backlog);
    }
    ingest_free(ingest);
}

static void
announce_backlog(struct backlog *backlog)
{
    bool more = true;

    while (more) {
        more = false;
        for (int32_t p = 0; p < PARTITIONS; p++)
            more |= task_tick(backlog->tasks[p]);
        if (is_full(backlog) || !more)
            close_epoch(backlog);
    }
}

/* A function of its own also when it was optimized: callgrind --toggle-collect=run counts this alone. */
__attribute__((noinline)) static void
run(struct backlog *backlog)
{
    backlog->from_s = cpu_s();
    read_backlog(backlog);
    enter(backlog, PHASE_ANNOUNCE);
    announce_backlog(backlog);
    enter(backlog, PHASE_READ);
}

static void
end(struct backlog *backlog)
{
    for (int32_t p = 0; p < PARTITIONS; p++) {
        must(!backlog->tasks[p]->quiet && !backlog->tasks[p]->catching_up);
        task_free(backlog->tasks[p]);
        batch_free(backlog->spares[p]);
        backlog->spares[p] = NULL;
    }
}

static void
print(const struct backlog *backlog, double events)
{
    const double *spent_s = backlog->spent_s;

    printf("backlog_read %.4f us/event\n", spent_s[PHASE_READ] / events * 1e6);
    printf("backlog_state %.4f us/event\n", spent_s[PHASE_STATE] / events * 1e6);
    printf("backlog_announce %.4f us/event\n", spent_s[PHASE_ANNOUNCE] / events * 1e6);
    printf("backlog %.4f us/event\n",
           (spent_s[PHASE_READ] + spent_s[PHASE_STATE] + spent_s[PHASE_ANNOUNCE]) / events * 1e6);
    printf("backlog_record %.4f us/record\n", spent_s[PHASE_ANNOUNCE] / (double)backlog->records_count * 1e6);
    if (backlog->digests)
        fprintf(stderr, "%zu events, %zu records, %016llx%016llx\n", backlog->lines_count,
                backlog->records_count, (unsigned long long)backlog->digest.high,
                (unsigned long long)backlog->digest.low);
}

int
main(int argc, char **argv)
{
    const char *rounds_text = getenv("BENCH_ROUNDS");
    size_t rounds = rounds_text != NULL ? strtoul(rounds_text, NULL, 10) : 1;
    struct backlog backlog = {.digests = getenv("BENCH_DIGEST") != NULL};

    if (argc != 2) {
        fprintf(stderr, "usage: bench_backlog EVENTS\n");
        return 2;
    }
    open_world(&backlog);
    read_events(&backlog, argv[1]);
    deal_events(&backlog);
    for (size_t i = 0; i < rounds; i++) {
        begin(&backlog);
        run(&backlog);
        end(&backlog);
    }
    print(&backlog, (double)(backlog.lines_count * rounds));
    memory_free(backlog.lines);
    buffer_free(&backlog.text);
    close_world(&backlog.world);
    return 0;
}
