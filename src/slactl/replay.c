/*
 * slactl replay: the engine and the score task over events from files, as fast as they can be read.
 *
 * Why a program of its own and not a mode of the daemon: it has no broker, no wall clock and no state to
 * keep; the input says what time it is. It prints what slad would publish, so it is the oracle of the tests
 * and the tool of whoever asks "what if". Always true: T never goes back; every timer before a line's arrival
 * fires before the line (R38); the engine and the scores move through time together, so an outcome is folded
 * at the instant it is known. Not here: truth (core), decoding and printing (wire).
 */
#include "slactl/replay.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "slactl/event_lines.h"
#include "slad/engine.h"
#include "slad/scores.h"
#include "wire/effect.h"
#include "wire/event_read.h"
#include "wire/contract_json.h"
#include "wire/kei_json.h"
#include "wire/risk_json.h"
#include "wire/score_json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OUTPUT_BYTES = 1 << 18 };
enum {
    EMIT_ALERTS = 1,
    EMIT_OUTCOMES = 2,
    EMIT_SCORES = 4,
    EMIT_CLOCKS = 8,
    EMIT_RISKS = 16, /* with outcomes: what foresight learns from, too */
    EMIT_DEFAULT = EMIT_ALERTS | EMIT_OUTCOMES | EMIT_SCORES | EMIT_CLOCKS
};

struct replay {
    const char *policy_path;
    const char *zoneinfo_dir;
    unsigned emit;
    bool self_check;
    bool failed; /* the output could not be written */
    struct event_lines lines;
    int64_t outcomes_count; /* decided so far, printed or not: the offset that contracts' decisions carry */
    struct symbols *symbols;
    struct policy_set *set;
    struct engine *engine;
    struct scores *scores;
    struct foresight *foresight;        /* NULL: risks are not asked for */
    struct foresight_contexts contexts; /* asked for */
    bool has_contexts;
    bool begun; /* the first line has arrived: nothing is decided about the time before it */
    struct buffer out;
};

static void
flush(struct replay *replay)
{
    size_t written = 0;

    while (written < replay->out.bytes && !replay->failed) {
        ssize_t count = write(STDOUT_FILENO, replay->out.at + written, replay->out.bytes - written);

        if (count < 0 && errno != EINTR) {
            fprintf(stderr, "slactl replay: cannot write: %s\n", strerror(errno));
            replay->failed = true;
        } else if (count > 0) {
            written += (size_t)count;
        }
    }
    buffer_reset(&replay->out);
}

/* Prints one record with its topic in front. The printer's object begins at its own brace, which is replaced.
 */
#define EMIT(replay, topic, print, record)                                                                   \
    do {                                                                                                     \
        buffer_append_text(&(replay)->out, "{\"record\":\"" topic "\"");                                     \
        size_t object = (replay)->out.bytes;                                                                 \
        print(&(replay)->out, record);                                                                       \
        (replay)->out.at[object] = ',';                                                                      \
        buffer_append_byte(&(replay)->out, '\n');                                                            \
        if ((replay)->out.bytes > OUTPUT_BYTES)                                                              \
            flush(replay);                                                                                   \
    } while (0)

static void
on_alert(void *context, const struct alert *alert)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_ALERTS)
        EMIT(replay, "alert", effect_print_alert, alert);
}

static void
on_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_OUTCOMES)
        EMIT(replay, "outcome", effect_print_verdict, outcome);
    replay->outcomes_count++;
    if (replay->scores != NULL)
        scores_verdict(replay->scores, outcome, outcome->arrival.detected_at_ms);
}

static void
on_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_OUTCOMES)
        EMIT(replay, "outcome", effect_print_ticket, outcome);
    replay->outcomes_count++;
    if (replay->scores != NULL)
        scores_ticket(replay->scores, outcome, outcome->arrival.detected_at_ms);
}

static void
on_due_changed(void *context, const struct due_changed_outcome *outcome)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_OUTCOMES)
        EMIT(replay, "outcome", effect_print_due_changed, outcome);
    replay->outcomes_count++;
}

static void
on_answer(void *context, const struct answer_outcome *outcome)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_OUTCOMES)
        EMIT(replay, "outcome", effect_print_answer, outcome);
    replay->outcomes_count++;
}

static void
on_score(void *context, const struct score_record *record)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_SCORES)
        EMIT(replay, "score", score_json_print, record);
}

static void
on_detractor(void *context, const struct score_detractor *alert)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_ALERTS)
        EMIT(replay, "alert", score_json_print_detractor, alert);
}

static void
on_contract(void *context, const struct contract_outcome *outcome)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_OUTCOMES)
        EMIT(replay, "outcome", contract_json_print, outcome);
    replay->outcomes_count++;
}

static void
on_kei(void *context, const struct score_kei *kei)
{
    struct replay *replay = context;

    EMIT(replay, "score", kei_json_print, kei);
}

static void
on_pxa(void *context, const struct score_pxa *pxa)
{
    struct replay *replay = context;

    EMIT(replay, "score", contract_json_print_pxa, pxa);
}

static void
on_watermelon(void *context, const struct score_watermelon *watermelon)
{
    struct replay *replay = context;

    EMIT(replay, "score", contract_json_print_watermelon, watermelon);
}

static void
on_credit(void *context, const struct score_credit *credit)
{
    struct replay *replay = context;

    EMIT(replay, "score", contract_json_print_credit, credit);
}

static void
on_attainment(void *context, const struct score_attainment *attainment)
{
    struct replay *replay = context;

    EMIT(replay, "score", contract_json_print_attainment, attainment);
}

/* Predict, then learn: the engine has asked before it gives the sample. */
static void
on_risk_sample(void *context, const struct risk_sample *sample)
{
    struct replay *replay = context;

    if (replay->emit & EMIT_OUTCOMES)
        EMIT(replay, "outcome", risk_json_print_sample, sample);
    foresight_learn(replay->foresight, sample);
}

static void
on_risk(void *context, const struct engine_risk *risk)
{
    struct replay *replay = context;
    struct foresight_told told = {.finish_p50_at_ms = INSTANT_NONE, .finish_p90_at_ms = INSTANT_NONE};
    struct risk_line line = {risk, risk->told != NULL ? risk->told : &told};

    if (risk->told == NULL) /* what is said of clocks nobody knows anything of */
        (void)foresight_forecast(replay->foresight, risk->query, &told.forecast);
    EMIT(replay, "risk", risk_json_print, &line);
}

static struct scores_sink
sink_of(struct replay *replay)
{
    struct scores_sink sink = {
        .context = replay, .answer = on_answer, .detractor = on_detractor, .contract = on_contract};

    if (!(replay->emit & EMIT_SCORES))
        return sink;
    sink.score = on_score;
    sink.kei = on_kei;
    sink.pxa = on_pxa;
    sink.watermelon = on_watermelon;
    sink.credit = on_credit;
    sink.attainment = on_attainment;
    return sink;
}

static bool
forecast(void *context, const struct foresight_query *query, struct foresight_forecast *ret_forecast)
{
    return foresight_forecast(context, query, ret_forecast);
}

/* Contexts are those of the newest version unless others are asked for. */
static void
start_foresight(struct replay *replay)
{
    const struct policy *policy = policy_set_version(replay->set, policy_set_count(replay->set) - 1);
    struct engine_foresight foresight = {.forecast = forecast, .tasks_count = 1};
    struct foresight_options options;

    if ((replay->emit & EMIT_RISKS) == 0)
        return;
    foresight_options_default(&options);
    foresight_contexts_of(&policy->foresight, &options.contexts);
    if (replay->has_contexts)
        options.contexts = replay->contexts;
    if (!policy->foresight.people)
        foresight_contexts_without_people(&options.contexts);
    replay->contexts = options.contexts;
    replay->foresight = foresight_new(&options);
    foresight.context = replay->foresight;
    foresight.contexts = &replay->contexts;
    engine_set_foresight(replay->engine, &foresight, INT64_MIN);
}

static void
start(struct replay *replay)
{
    struct engine_options engine = engine_options_of_history(replay->symbols);
    struct scores_options scores = {
        .symbols = replay->symbols,
        .sink = sink_of(replay),
        .publish_every_ms = 1000,
        .retire_after_ms = -1,
        .allowed_skew_ms = -1,
        .accept_age_ms = -1,
        .outcomes_offset = &replay->outcomes_count,
    };

    engine.sink = (struct engine_sink){.context = replay,
                                       .alert = on_alert,
                                       .verdict = on_verdict,
                                       .ticket = on_ticket,
                                       .due_changed = on_due_changed,
                                       .risk_sample = replay->emit & EMIT_RISKS ? on_risk_sample : NULL,
                                       .risk = replay->emit & EMIT_RISKS ? on_risk : NULL};
    engine.hot_tickets_max = ENGINE_HOT_TICKETS;
    engine.self_check = replay->self_check;
    engine.keep_retired = engine.stepwise = true;
    replay->engine = engine_new(&engine, replay->set);
    start_foresight(replay);
    replay->scores = scores_new(&scores, replay->set);
}

/* Labels count from the instant at which they are known. */
static void
pass_time(struct replay *replay, int64_t t_ms)
{
    if (replay->foresight != NULL)
        foresight_advance(replay->foresight, t_ms);
}

/* Timers of both sides in the order of their instants, up to t (through: t's too). */
static void
advance(struct replay *replay, int64_t t_ms, bool through)
{
    while (replay->begun) {
        int64_t engine_ms = engine_next_ms(replay->engine), scores_ms = scores_next_ms(replay->scores);
        int64_t next_ms = engine_ms < scores_ms ? engine_ms : scores_ms;

        if (next_ms > t_ms || (!through && next_ms == t_ms))
            break;
        pass_time(replay, next_ms);
        (void)engine_advance(replay->engine, next_ms, ENGINE_THROUGH, SIZE_MAX);
        scores_advance(replay->scores, next_ms, SCORES_THROUGH);
    }
    replay->begun = true;
    pass_time(replay, t_ms);
    (void)engine_advance(replay->engine, t_ms, through ? ENGINE_THROUGH : ENGINE_BEFORE, SIZE_MAX);
    scores_advance(replay->scores, t_ms, through ? SCORES_THROUGH : SCORES_BEFORE);
}

static void
on_arrive(void *context, int64_t t_ms)
{
    advance(context, t_ms, false);
}

static struct engine_answer
on_event(void *context, const struct event *event, int64_t t_ms)
{
    struct replay *replay = context;

    replay->lines.failed |= replay->failed;
    return event_read_topic(event) == EVENT_TOPIC_TICKETS ? engine_event(replay->engine, event, t_ms)
                                                          : scores_feedback(replay->scores, event, t_ms);
}

static void
on_clock(void *context, const struct clock_line *line)
{
    struct replay *replay = context;

    EMIT(replay, "clock", effect_print_clock, line);
}

static int
compare_tickets(const void *a, const void *b)
{
    return slice_compare(ticket_name(*(struct ticket *const *)a), ticket_name(*(struct ticket *const *)b));
}

/* Every ticket's clocks, in order of ticket ids. */
static void
print_clocks(struct replay *replay)
{
    struct ticket **tickets = memory_allocate((engine_tickets_count(replay->engine) + 1) * sizeof *tickets);
    struct ticket *ticket;
    size_t cursor = 0, count = 0;

    while ((ticket = engine_each(replay->engine, &cursor)) != NULL)
        tickets[count++] = ticket;
    qsort(tickets, count, sizeof *tickets, compare_tickets);
    for (size_t i = 0; i < count; i++)
        engine_clock_lines(replay->engine, tickets[i], replay->lines.t_ms, on_clock, replay);
    memory_free(tickets);
}

/* Light steps against derivations from scratch: any difference is a bug of the engine. The digest is that of
 * whoever folds the outcomes printed here. */
static void
report_self_check(struct replay *replay)
{
    struct engine_figures figures;

    engine_figures(replay->engine, &figures);
    fprintf(stderr, "slactl replay: self-check: %llu steps, %llu derivations, %llu differences\n",
            (unsigned long long)figures.steps, (unsigned long long)figures.derivations,
            (unsigned long long)figures.self_check_differences);
    fprintf(stderr, "slactl replay: self-check: digest of the scores %016llx\n",
            (unsigned long long)scores_digest(replay->scores));
    replay->failed |= figures.self_check_differences > 0;
}

static void
finish(struct replay *replay)
{
    int64_t t_ms = replay->lines.t_ms;

    if (!replay->lines.has_t)
        return;
    advance(replay, t_ms, true);
    if (replay->emit & EMIT_SCORES)
        scores_publish_all(replay->scores, t_ms);
    if (replay->emit & EMIT_CLOCKS)
        print_clocks(replay);
    if (replay->self_check)
        report_self_check(replay);
}

static int
parse_emit(const char *text, unsigned *ret_emit)
{
    static const char *const names[] = {"alerts", "outcomes", "scores", "clocks", "risks"};
    struct slice rest = slice_of(text);

    *ret_emit = 0;
    while (rest.bytes > 0) {
        const char *comma = memchr(rest.at, ',', rest.bytes);
        struct slice word = {rest.at, comma != NULL ? (size_t)(comma - rest.at) : rest.bytes};
        unsigned i = 0;

        while (i < sizeof names / sizeof names[0] && !slice_is(word, names[i]))
            i++;
        if (i == sizeof names / sizeof names[0])
            return -1;
        *ret_emit |= 1U << i;
        rest.at += word.bytes + (comma != NULL);
        rest.bytes -= word.bytes + (comma != NULL);
    }
    return *ret_emit != 0 ? 0 : -1;
}

static int replay_run(int argc, char **argv);

static const struct command_option replay_options[] = {
    {"policy", 'p', "POLICY", "a file or a directory; needed"},
    {"until", 'u', "TIME", "timers fire up to here (default: the last arrival); later lines are not read"},
    {"emit", 'e', "alerts,outcomes,scores,clocks,risks", "what is printed (default: all of it but risks)"},
    {"contexts", 'c', "CONTEXTS", "which tickets are like one another to foresight (docs/foresight.md)"},
    {"accept-age", 'a', "DURATION", "as accept_age of the slad it is held against (default: 400d)"},
    {"zoneinfo", 'z', "DIR", "where time zones are read"},
    {"self-check", 's', NULL, "holds every light step against a derivation from the history"},
    {0},
};

const struct command replay_command = {
    .name = "replay",
    .run = replay_run,
    .help = "runs the engine over recorded events and prints what slad would publish",
    .usage = "--policy POLICY [OPTION]... [FILE...]",
    .operands = "FILE",
    .text = "Runs the engine over NDJSON events of both topics (standard input by default) and prints what "
            "slad would "
            "publish, one JSON object a line with a \"record\" field. Each line arrives at its arrived_at, "
            "else at "
            "its time. Bad lines go to standard error as dead letters.",
    .options = replay_options,
    .fails = "input or output failed, or a self-check found a difference",
};

static int
parse_options(struct replay *replay, int argc, char **argv)
{
    char detail[FORESIGHT_DETAIL_BYTES];
    int option;

    while ((option = command_next(&replay_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return 1;
        if (option == 'p') {
            replay->policy_path = optarg;
        } else if (option == 'z') {
            replay->zoneinfo_dir = optarg;
        } else if (option == 's') {
            replay->self_check = true;
        } else if (option == 'u' && instant_parse(slice_of(optarg), &replay->lines.until_ms) == 0) {
            replay->lines.has_until = true;
        } else if (option == 'a' && event_lines_take_age(&replay->lines, optarg) == 0) {
            continue;
        } else if (option == 'e' && parse_emit(optarg, &replay->emit) == 0) {
            continue;
        } else if (option == 'c') {
            if (foresight_contexts_read(slice_of(optarg), &replay->contexts, detail) != 0)
                return command_refuse(&replay_command, "--contexts: %s", detail);
            replay->has_contexts = true;
        } else {
            return option == COMMAND_BAD ? COMMAND_REFUSED
                                         : command_refuse(&replay_command, "bad value: %s", optarg);
        }
    }
    if (replay->policy_path != NULL)
        return 0;
    return command_refuse(&replay_command, "--policy is missing");
}

static void
end(struct replay *replay)
{
    flush(replay);
    event_lines_done(&replay->lines);
    scores_free(replay->scores);
    engine_free(replay->engine);
    foresight_free(replay->foresight);
    policy_set_free(replay->set);
    symbols_free(replay->symbols);
    buffer_free(&replay->out);
}

static int
replay_run(int argc, char **argv)
{
    struct replay replay = {.lines = {.command = "replay", .arrive = on_arrive, .take = on_event},
                            .emit = EMIT_DEFAULT,
                            .zoneinfo_dir = policy_files_zoneinfo_default()};
    struct buffer errors = {0};
    int bad = parse_options(&replay, argc, argv);

    if (bad != 0)
        return bad == 1 ? 0 : 2;
    replay.symbols = symbols_new();
    replay.set = policy_files_load(replay.policy_path, replay.zoneinfo_dir, replay.symbols, &errors);
    if (replay.set == NULL) {
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
        buffer_free(&errors);
        symbols_free(replay.symbols);
        return 2;
    }
    replay.lines.context = &replay;
    start(&replay);
    event_lines_read(&replay.lines, argv + optind, argc - optind);
    finish(&replay);
    end(&replay);
    buffer_free(&errors);
    return replay.failed || replay.lines.failed ? 1 : 0;
}
