/*
 * slactl import: teaches foresight from an export of tickets that are over.
 *
 * Why samples and not events: an old ticket's events, sent to `tickets` today, all arrive today. Between its
 * creation and its end the engine would see a clock that broke years ago, say so, and teach it. So the same
 * engine runs here, each event arriving at its own time, and what goes to Kafka is what a slad of those days
 * would have told the learner: risk_samples. No ticket, alert or score comes of it.
 *
 * Always true: nothing is sent before all of it was read once and found good; what is sent stands on
 * slad.outcomes once (import_send.c). The same files and policy give the same samples.
 *
 * Not here: what a sample is (core/risk_sample), what is learned of it (core/foresight), reading files
 * (play_log.c).
 */
#include "slactl/import.h"
#include "base/arena.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "shell/wallclock.h"
#include "slactl/event_lines.h"
#include "slactl/import_csv.h"
#include "slactl/import_send.h"
#include "slactl/play_log.h"
#include "slactl/table.h"
#include "slactl/words.h"
#include "slad/engine.h"
#include "wire/event_read.h"
#include <signal.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
enum { ARENA_BYTES = 16384, RATE_DEFAULT = 5000, TOLD_EVERY_MS = 5000 };

static int import_run(int argc, char **argv);

static const struct command_option import_options[] = {
    {"policy", 'p', "POLICY", "the installation's: a file or a directory; needed"},
    {"dry-run", 'd', NULL, "reads everything and says what would be learned; needs no Kafka"},
    {"name", 'n', "NAME",
     "what is exported (default: export): an import goes on where the last one of its name ended"},
    {"until", 'u', "TIME", "only events before this instant: when slad itself began to watch these tickets"},
    {"skip-bad", 'k', NULL, "leaves bad lines out; without it one of them is enough to refuse the whole"},
    {"rate", 'r', "N", "at most so many samples a second (default: 5000; 0: as fast as it goes)"},
    {"columns", 'c', "FIELD=COLUMN,...",
     "of files whose names end in .csv: ticket, created, solved, closed, and attributes such as group or "
     "priority"},
    {"time-zone", 't', "ZONE", "of times in such files that name none (default: UTC)"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    REACH_OPTIONS,
    {0},
};

const struct command import_command = {
    .name = "import",
    .run = import_run,
    .help = "teaches foresight from an export of old tickets",
    .usage = "--policy POLICY [OPTION]... FILE...",
    .operands = "FILE",
    .text =
        "Reads events of old tickets (NDJSON, .gz too, in any order), lets their clocks run as they would "
        "have run "
        "under the policy, and gives foresight what became of them: risk_sample outcomes, each once, in "
        "order. Ended "
        "early it is simply started again. No ticket, alert or score comes of it. First everything is "
        "read: a bad "
        "line is named with its place, and nothing is sent. A .csv has a ticket a row. docs/foresight.md "
        "says more.",
    .options = import_options,
    .fails = "a file cannot be read, a line is no good, or not everything was sent",
    .asks = true,
};

/* Clocks of one name, priority and tier: what foresight needs fifty of. */
struct class
{
    struct slice key;
    enum clock_kind kind;
    struct slice clock, priority;
    uint32_t tier;
};
/* What would be learned of one clock. */
struct taught {
    enum clock_kind kind;
    struct slice clock;
    uint64_t labels[RISK_CENSORED + 1], finishes;
};

struct import {
    struct reach reach;
    const char *policy_path, *zoneinfo_dir, *name, *columns;
    bool dry_run, skip_bad;
    int64_t until_ms, rate;
    struct import_csv csv;
    const char *time_zone, *path; /* the file in hand */
    struct zone *zone;
    struct play_log log;
    size_t refused_count; /* by the engine */
    struct symbols *symbols;
    struct policy_set *set;
    /* the pass in hand */
    struct engine *engine;
    struct event_reader *reader;
    bool first_pass;
    struct import_send *send;
    int64_t told_mono_ms;
    bool failed; /* it was said */
    /* what the first pass finds */
    struct foresight *learner;
    struct arena *arena;
    struct map *classes;
    struct taught *taught;
    size_t taught_count;
    int64_t samples_count, half_life_ms;
};

static volatile sig_atomic_t import_ended;

static void
import_on_signal(int number)
{
    (void)number;
    import_ended = 1;
}

/* ---- what a sample says ---- */

static struct slice
class_key(const void *value)
{
    return ((const struct class *)value)->key;
}

static void
note_class(struct import *import, const struct risk_sample *sample)
{
    struct slice priority =
        sample->points_count > 0 ? sample->points[0].texts[ATTRIBUTE_PRIORITY] : (struct slice){0};
    struct buffer key = {0};
    struct class *class;

    if (sample->points_count == 0)
        return;
    buffer_append_byte(&key, (char)sample->name.kind);
    buffer_append_int64(&key, sample->points[0].numbers[FORESIGHT_TIER]);
    buffer_append_byte(&key, '/');
    buffer_append_slice(&key, sample->name.clock);
    buffer_append_byte(&key, '/');
    buffer_append_slice(&key, priority);
    if (map_get(import->classes, buffer_slice(&key)) == NULL) {
        class = arena_allocate(import->arena, sizeof *class);
        class->key = arena_copy_slice(import->arena, buffer_slice(&key));
        class->kind = sample->name.kind;
        class->clock = arena_copy_slice(import->arena, sample->name.clock);
        class->priority = priority.at != NULL ? arena_copy_slice(import->arena, priority) : priority;
        class->tier = sample->points[0].numbers[FORESIGHT_TIER];
        (void)map_put(import->classes, class);
    }
    buffer_free(&key);
}

static void
note_sample(struct import *import, const struct risk_sample *sample)
{
    size_t i = 0;

    while (i < import->taught_count && (import->taught[i].kind != sample->name.kind ||
                                        !slice_equal(import->taught[i].clock, sample->name.clock)))
        i++;
    if (i == import->taught_count) {
        import->taught = memory_resize(import->taught, (i + 1) * sizeof *import->taught);
        import->taught[i] = (struct taught){.kind = sample->name.kind,
                                            .clock = arena_copy_slice(import->arena, sample->name.clock)};
        import->taught_count++;
    }
    if (sample->finish)
        import->taught[i].finishes++;
    else
        import->taught[i].labels[sample->label]++;
    import->samples_count++;
    note_class(import, sample);
    foresight_learn(import->learner, sample);
}

/* Every now and then, how far it has come. */
static void
tell_progress(struct import *import)
{
    struct import_mark mark = import_send_mark(import->send);
    struct buffer line = {0};

    if (wallclock_mono_ms() - import->told_mono_ms < TOLD_EVERY_MS || import_send_sent(import->send) == 0)
        return;
    import->told_mono_ms = wallclock_mono_ms();
    words_append_here(&line, mark.through_ms);
    fprintf(stderr, "slactl import: %lld of %lld samples sent, up to %.*s\n",
            (long long)import_send_sent(import->send),
            (long long)(import->samples_count - import_send_passed(import->send)), (int)line.bytes, line.at);
    buffer_free(&line);
}

static void
on_sample(void *context, const struct risk_sample *sample)
{
    struct import *import = context;
    char error[KAFKA_ERROR_BYTES];

    if (import->first_pass) {
        note_sample(import, sample);
    } else if (!import->failed && !import_ended) {
        if (import_send_take(import->send, sample, error) != 0) {
            fprintf(stderr, "slactl import: %s\n", error);
            import->failed = true;
        }
        tell_progress(import);
    }
}

/* ---- one pass over everything ---- */

static void
begin_pass(struct import *import, bool first)
{
    struct engine_options options = engine_options_of_history(import->symbols);

    options.sink.context = import;
    options.sink.risk_sample = on_sample;
    options.alerts_from_ms = INT64_MAX; /* nobody is told of the past */
    options.stepwise = true;
    import->first_pass = first;
    import->engine = engine_new(&options, import->set);
    import->reader = event_reader_new();
}

static void
end_pass(struct import *import)
{
    engine_free(import->engine);
    event_reader_free(import->reader);
    import->engine = NULL;
    import->reader = NULL;
}

static void
take_event(struct import *import, const struct play_event *at)
{
    char detail[EVENT_DETAIL_BYTES];
    struct engine_answer answer;
    struct event event;

    must(event_read(import->reader, (struct slice){at->line, at->line_bytes}, NULL, EVENT_TOPIC_BOTH, &event,
                    detail) == ERROR_NONE); /* as when the file was read */
    if (at->topic != EVENT_TOPIC_TICKETS || event.type == EVENT_ALERT_ACKNOWLEDGED)
        return;
    (void)engine_advance(import->engine, at->at_ms, ENGINE_BEFORE, SIZE_MAX);
    answer = engine_event(import->engine, &event, at->at_ms);
    if (answer.disposition == ENGINE_REFUSED && import->first_pass) {
        fprintf(stderr, "%s:%zu: %s: %s\n", at->path, at->number, error_code_text(answer.error),
                answer.detail != NULL ? answer.detail : "");
        import->refused_count++;
    }
}

/* How many of the log's events lie before --until. */
static size_t
events_count(const struct import *import)
{
    size_t from = 0, to = import->log.count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (import->log.events[middle].at_ms < import->until_ms)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static void
run_pass(struct import *import, bool first)
{
    size_t count = events_count(import);

    begin_pass(import, first);
    for (size_t i = 0; i < count && !import->failed && !import_ended; i++)
        take_event(import, &import->log.events[i]);
    if (count > 0 && !import->failed && !import_ended)
        (void)engine_advance(import->engine, import->log.events[count - 1].at_ms, ENGINE_THROUGH, SIZE_MAX);
    end_pass(import);
}

/* ---- what would be learned ---- */

/* Classes of this clock, and those of them that foresight would speak of. */
static void
count_classes(const struct import *import, const struct taught *taught, size_t *ret_all, size_t *ret_known)
{
    const struct class *class;
    size_t cursor = 0;

    *ret_all = *ret_known = 0;
    while ((class = map_each(import->classes, &cursor)) != NULL) {
        struct foresight_query query = {
            .kind = class->kind, .clock = foresight_text_hash(class->clock), .target_ms = 1000};
        struct foresight_forecast forecast;

        if (class->kind != taught->kind || !slice_equal(class->clock, taught->clock))
            continue;
        query.view.texts[ATTRIBUTE_PRIORITY] = foresight_text_hash(class->priority);
        query.view.numbers[FORESIGHT_TIER] = class->tier;
        ++*ret_all;
        *ret_known +=
            foresight_forecast(import->learner, &query, &forecast) && forecast.confidence == FORESIGHT_NORMAL;
    }
}

static int
calibration_error(const struct import *import, const struct taught *taught)
{
    struct foresight_calibration calibration;

    for (size_t clock = 0; foresight_calibration(import->learner, clock, &calibration); clock++)
        if (calibration.kind == taught->kind && slice_equal(calibration.clock, taught->clock))
            return calibration.error_permille;
    return 0;
}

static void
number_cell(struct table *table, uint64_t number)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    table_cell(table, TERMINAL_PLAIN, slice_of(text));
}

static void
add_row(struct table *table, const struct import *import, const struct taught *taught)
{
    struct buffer name = {0};
    char text[32];
    size_t all, known;
    int error_permille = calibration_error(import, taught);

    count_classes(import, taught, &all, &known);
    buffer_append_text(&name, clock_kind_text(taught->kind));
    buffer_append_byte(&name, '/');
    buffer_append_slice(&name, taught->clock);
    table_cell(table, TERMINAL_PLAIN, buffer_slice(&name));
    number_cell(table, taught->labels[RISK_MET]);
    number_cell(table, taught->labels[RISK_BREACHED]);
    number_cell(table, taught->labels[RISK_CENSORED]);
    number_cell(table, all);
    number_cell(table, known);
    snprintf(text, sizeof text, "%d.%d %%", error_permille / 10, error_permille % 10);
    table_cell(table, TERMINAL_PLAIN, slice_of(text));
    buffer_free(&name);
}

/* Old tickets count little: that is said before anyone wonders. */
static void
print_faded(const struct import *import, int64_t newest_ms)
{
    int64_t age_ms = wallclock_wall_ms() - newest_ms, halvings = age_ms / import->half_life_ms;

    if (halvings >= 2)
        printf("The newest event is %lld days old: of what it teaches, %s %d %% is left (half in every %lld "
               "days).\n",
               (long long)(age_ms / DAY_MS), halvings < 7 ? "about" : "less than",
               halvings < 7 ? 100 >> halvings : 1, (long long)(import->half_life_ms / DAY_MS));
}

static void
print_learned(struct import *import)
{
    size_t count = events_count(import);
    struct terminal terminal = terminal_look(stdout);
    struct table table = {.terminal = &terminal};
    struct buffer line = {0};

    foresight_advance(import->learner, wallclock_wall_ms());
    words_append(&line, "read: %zu events", count);
    if (count > 0) {
        buffer_append_text(&line, ", ");
        words_append_here(&line, import->log.events[0].at_ms);
        buffer_append_text(&line, " to ");
        words_append_here(&line, import->log.events[count - 1].at_ms);
    }
    words_append(&line, "; bad lines: %zu", import->log.bad_count + import->refused_count);
    printf("%.*s\nto learn from: %lld samples\n", (int)line.bytes, line.at, (long long)import->samples_count);
    buffer_free(&line);
    table_heads(&table, "CLOCK", ">MET", ">BREACHED", ">CUT SHORT", ">CLASSES", ">SPOKEN OF",
                ">CALIBRATION ERROR", NULL);
    for (size_t i = 0; i < import->taught_count; i++)
        add_row(&table, import, &import->taught[i]);
    table_print(&table, stdout, 0);
    table_done(&table);
    if (count > 0)
        print_faded(import, import->log.events[count - 1].at_ms);
    (void)fflush(stdout);
}

/* ---- sending ---- */

static int
open_send(struct import *import, struct import_mark *mark)
{
    const struct policy *policy = policy_set_version(import->set, policy_set_count(import->set) - 1);
    char error[KAFKA_ERROR_BYTES] = "";

    import->send = import_send_open(&import->reach, import->name, policy->label, import->rate, mark, error);
    if (import->send != NULL)
        return COMMAND_DONE;
    fprintf(stderr, "slactl import: %s: %s\n", import->reach.kafka.brokers, error);
    return COMMAND_NO_ANSWER;
}

static int
send_all(struct import *import)
{
    char error[KAFKA_ERROR_BYTES] = "";
    struct import_mark mark;
    struct buffer line = {0};
    int status = open_send(import, &mark);

    if (status != COMMAND_DONE)
        return status;
    if (mark.samples > 0) {
        words_append_here(&line, mark.through_ms);
        printf("import \"%s\" stands at %.*s (%lld samples): what is older is left out\n", import->name,
               (int)line.bytes, line.at, (long long)mark.samples);
        (void)fflush(stdout);
    }
    import->told_mono_ms = wallclock_mono_ms();
    run_pass(import, false);
    if (!import->failed && !import_ended && import_send_finish(import->send, error) != 0) {
        fprintf(stderr, "slactl import: %s\n", error);
        import->failed = true;
    }
    printf("sent: %lld samples; left out, sent before: %lld\n", (long long)import_send_sent(import->send),
           (long long)import_send_passed(import->send));
    if (import->failed || import_ended)
        fputs("slactl import: ended early: start it again, it goes on from here\n", stderr);
    buffer_free(&line);
    return import->failed || import_ended || fflush(stdout) != 0 ? COMMAND_FAILED : COMMAND_DONE;
}

/* ---- the command ---- */

/* What is learned must have been: an event of tomorrow would take the learner's time with it. */
static void
check_future(struct import *import)
{
    int64_t now_ms = wallclock_wall_ms();

    for (size_t i = events_count(import); i-- > 0 && import->log.events[i].at_ms > now_ms;) {
        fprintf(stderr, "%s:%zu: %s: time: later than now\n", import->log.events[i].path,
                import->log.events[i].number, error_code_text(ERROR_FUTURE_STAMPED));
        import->refused_count++;
        import->until_ms = import->log.events[i].at_ms;
    }
}

static int
import_all(struct import *import)
{
    size_t bad;

    check_future(import);
    run_pass(import, true);
    if (import_ended)
        return COMMAND_FAILED;
    print_learned(import);
    bad = import->log.bad_count + import->refused_count;
    if (bad > 0 && !import->skip_bad) {
        fprintf(stderr,
                "slactl import: %zu lines are no good; nothing was sent (--skip-bad leaves them out)\n", bad);
        return COMMAND_FAILED;
    }
    if (import->samples_count == 0) {
        fputs("slactl import: no clock of the policy ended in these events\n", stderr);
        return COMMAND_FAILED;
    }
    return import->dry_run ? COMMAND_DONE : send_all(import);
}

/* ---- files ---- */

static bool
ends_in(const char *path, const char *end)
{
    size_t bytes = strlen(path), end_bytes = strlen(end);

    return bytes > end_bytes && strcmp(path + bytes - end_bytes, end) == 0;
}

static void
on_csv_event(void *context, uint64_t line, struct slice json)
{
    struct import *import = context;

    play_log_take(&import->log, import->path, line, json);
}

static void
on_csv_bad(void *context, uint64_t line, const char *why)
{
    struct import *import = context;

    fprintf(stderr, "%s:%llu: %s\n", import->path, (unsigned long long)line, why);
    import->log.bad_count++;
}

/* The policy's word for it: of several the first by name, for they mean the same to a clock. */
static struct slice
status_word(const struct import *import, enum status_state state)
{
    const struct policy *policy = policy_set_version(import->set, policy_set_count(import->set) - 1);
    struct slice word = {NULL, 0};

    for (size_t i = 0; i < policy->statuses_count; i++) {
        struct slice name = symbols_text(import->symbols, policy->statuses[i].name);

        if (policy->statuses[i].state == state && (word.at == NULL || slice_compare(name, word) < 0))
            word = name;
    }
    return word;
}

/* -1: go on; else the exit status. */
static int
find_zone(struct import *import)
{
    struct policy_zone_reader reader = policy_files_zone_reader(import->zoneinfo_dir);
    struct buffer bytes = {0};
    const char *error = "not found";

    if (import->time_zone == NULL)
        return -1;
    if (reader.read(reader.context, slice_of(import->time_zone), &bytes) == 0)
        import->zone = zone_new(bytes.at, bytes.bytes, &error);
    buffer_free(&bytes);
    import->csv.zone = import->zone;
    return import->zone != NULL
               ? -1
               : command_refuse(&import_command, "--time-zone %s: %s", import->time_zone, error);
}

/* -1: go on; else the exit status. */
static int
prepare_csv(struct import *import)
{
    struct import_csv *csv = &import->csv;
    struct slice bad;

    if (import->columns == NULL)
        return command_refuse(&import_command, "a .csv needs --columns");
    if (import_csv_columns(csv, slice_of(import->columns), &bad) != 0)
        return command_refuse(&import_command, "--columns: %.*s", (int)bad.bytes, bad.at);
    csv->solved_status = status_word(import, STATUS_SOLVED);
    csv->closed_status = status_word(import, STATUS_CLOSED);
    if ((csv->heads[IMPORT_CSV_SOLVED].at != NULL && csv->solved_status.at == NULL) ||
        (csv->heads[IMPORT_CSV_CLOSED].at != NULL && csv->closed_status.at == NULL))
        return command_refuse(&import_command, "--columns: the policy has no status for solved or closed");
    csv->context = import;
    csv->event = on_csv_event;
    csv->bad = on_csv_bad;
    return find_zone(import);
}

/* -1: go on; else the exit status. */
static int
read_csv(struct import *import)
{
    struct buffer text = {0};
    struct slice missing;
    int status = import->csv.context == NULL ? prepare_csv(import) : -1;

    if (status < 0 && play_log_text(&import->log, import->path, &text) != 0)
        status = COMMAND_FAILED;
    if (status < 0 && import_csv_read(&import->csv, buffer_slice(&text), &missing) != 0) {
        fprintf(stderr, "slactl import: %s: no column \"%.*s\"\n", import->path, (int)missing.bytes,
                missing.at);
        status = COMMAND_FAILED;
    }
    buffer_free(&text);
    return status;
}

static int
read_file(struct import *import, const char *path)
{
    import->path = path;
    if (ends_in(path, ".csv") || ends_in(path, ".csv.gz"))
        return read_csv(import);
    return play_log_read(&import->log, path) != 0 ? COMMAND_FAILED : -1;
}

/* ---- the command line ---- */

static bool
is_name(const char *text)
{
    size_t bytes = strlen(text);

    return bytes > 0 && bytes <= IMPORT_NAME_BYTES_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == bytes;
}

/* False: the value is no good. */
static bool
take_option(struct import *import, int option)
{
    char *end = optarg;

    switch (option) {
    case 'p':
        import->policy_path = optarg;
        return true;
    case 'z':
        import->zoneinfo_dir = optarg;
        return true;
    case 'd':
        import->dry_run = true;
        return true;
    case 'k':
        import->skip_bad = true;
        return true;
    case 'c':
        import->columns = optarg;
        return true;
    case 't':
        import->time_zone = optarg;
        return true;
    case 'n':
        import->name = optarg;
        return is_name(optarg);
    case 'u':
        return instant_parse(slice_of(optarg), &import->until_ms) == 0;
    default:
        import->rate = strtoll(optarg, &end, 10);
        return end != optarg && *end == '\0' && import->rate >= 0 && import->rate <= 10000000;
    }
}

/* -1: go on; else the exit status. */
static int
parse_options(struct import *import, int argc, char **argv)
{
    int option;

    while ((option = command_next(&import_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option == COMMAND_BAD)
            return COMMAND_REFUSED;
        if (!reach_take_option(&import->reach, option, optarg) && !take_option(import, option))
            return command_refuse(&import_command, "bad value: %s", optarg);
    }
    if (import->policy_path == NULL)
        return command_refuse(&import_command, "--policy is missing");
    return optind < argc ? -1 : command_refuse(&import_command, "expected a FILE");
}

static void
start(struct import *import)
{
    const struct policy *policy = policy_set_version(import->set, policy_set_count(import->set) - 1);
    struct foresight_options options;

    foresight_options_default(&options);
    foresight_contexts_of(&policy->foresight, &options.contexts);
    if (import->reach.config != NULL)
        options.half_life_ms = import->reach.config->foresight_half_life_ms;
    import->half_life_ms = options.half_life_ms;
    import->learner = foresight_new(&options);
    import->arena = arena_new(ARENA_BYTES);
    import->classes = map_new(class_key, 0);
}

static void
end(struct import *import)
{
    import_send_close(import->send);
    foresight_free(import->learner);
    map_free(import->classes);
    arena_free(import->arena);
    memory_free(import->taught);
    play_log_free(&import->log);
    zone_free(import->zone);
    policy_set_free(import->set);
    symbols_free(import->symbols);
    reach_close(&import->reach);
}

static int
import_run(int argc, char **argv)
{
    struct import import = {.log = {.command = "import"},
                            .name = "export",
                            .zoneinfo_dir = policy_files_zoneinfo_default(),
                            .until_ms = INT64_MAX,
                            .rate = RATE_DEFAULT};
    struct buffer errors = {0};
    int status = parse_options(&import, argc, argv);

    if (status >= 0) {
        reach_close(&import.reach);
        return status;
    }
    import.symbols = symbols_new();
    import.set = policy_files_load(import.policy_path, import.zoneinfo_dir, import.symbols, &errors);
    if (import.set == NULL)
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
    if (import.set == NULL ||
        ((!import.dry_run || reach_is_wanted(&import.reach)) && reach_open(&import.reach) != 0)) {
        status = COMMAND_REFUSED;
    } else {
        signal(SIGINT, import_on_signal);
        signal(SIGTERM, import_on_signal);
        start(&import);
        for (int i = optind; i < argc && status < 0; i++)
            status = read_file(&import, argv[i]);
        play_log_sort(&import.log);
        if (status < 0)
            status = import_all(&import);
    }
    end(&import);
    buffer_free(&errors);
    return status;
}
