/*
 * What: explanations add up, for every clock of every golden run, of the demo's log, and of the log that
 * SLAD_UCI_LOG names.
 *
 * Why this way: an explanation is told stretch by stretch; here the stretches are put together again and held
 * against what the clock line says, which comes from sums that the fold kept on the way: elapsed, due, the
 * pauses, and each party's time in and out of hours. Stretches that overlap, miss a minute or name the wrong
 * party show in one of them.
 *
 * Always true: a failure names the log, the ticket and the clock.
 *
 * Not here: words (golden tests of slactl explain).
 */
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "slad/explain.h"
#include "wire/event_read.h"
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_BYTES_MAX = 262144 };

/* One cycle, put together from its stretches. */
struct sums {
    struct explain_clock clock;
    int64_t at_ms, counted_ms, projected_ms, paused_ms;
    bool projects;
    struct party_time by_party[PARTIES_COUNT];
};

struct checking {
    const char *log;
    struct engine *engine;
    struct ticket *ticket;
    int64_t t_ms;
    struct sums *list;
    size_t count, room;
    size_t clocks, stretches; /* of all */
};

static void
on_clock(void *context, const struct explain_clock *clock)
{
    struct checking *checking = context;

    if (checking->count == checking->room) {
        checking->room = checking->room > 0 ? checking->room * 2 : 16;
        checking->list = memory_resize(checking->list, checking->room * sizeof *checking->list);
    }
    checking->list[checking->count++] = (struct sums){.clock = *clock, .at_ms = clock->figures.started_at_ms};
    checking->clocks++;
}

static void
fail(const struct checking *checking, const struct sums *sums, const char *what, int64_t found,
     int64_t expected)
{
    const struct clock_name *name = &sums->clock.name;

    fprintf(stderr, "%s: %.*s %s/%.*s/%u: %s: the stretches say %" PRId64 ", the clock %" PRId64 "\n",
            checking->log, (int)name->ticket.bytes, name->ticket.at, clock_kind_text(name->kind),
            (int)name->clock.bytes, name->clock.at, (unsigned)name->cycle, what, found, expected);
    abort();
}

static void
on_stretch(void *context, const struct explain_stretch *stretch)
{
    struct checking *checking = context;
    struct sums *sums = &checking->list[checking->count - 1];
    int64_t length_ms = stretch->to_ms - stretch->from_ms;

    checking->stretches++;
    if (stretch->from_ms != sums->at_ms || length_ms <= 0)
        fail(checking, sums, "a stretch begins at", stretch->from_ms, sums->at_ms);
    sums->at_ms = stretch->to_ms;
    if (stretch->counted_ms != (stretch->why == EXPLAIN_COUNTED ? length_ms : 0))
        fail(checking, sums, "a stretch counts", stretch->counted_ms, length_ms);
    sums->projects |= stretch->projected;
    if (stretch->projected) {
        sums->projected_ms += stretch->counted_ms;
        return;
    }
    sums->counted_ms += stretch->counted_ms;
    if (stretch->elapsed_ms != sums->counted_ms)
        fail(checking, sums, "the running sum", stretch->elapsed_ms, sums->counted_ms);
    sums->by_party[stretch->party].wall_ms += length_ms;
    sums->by_party[stretch->party].in_hours_ms += stretch->in_hours_ms;
    if (stretch->why == EXPLAIN_PAUSED)
        sums->paused_ms += stretch->in_hours_ms;
}

static void
check_sums(const struct checking *checking, const struct sums *sums, const struct clock_figures *figures)
{
    int64_t end_ms = figures->stopped_at_ms != INSTANT_NONE ? figures->stopped_at_ms : checking->t_ms;

    if (memcmp(&sums->clock.figures, figures, sizeof *figures) != 0)
        fail(checking, sums, "other figures: elapsed", sums->clock.figures.elapsed_ms, figures->elapsed_ms);
    if (figures->started_at_ms == INSTANT_NONE)
        return;
    if (sums->counted_ms != figures->elapsed_ms)
        fail(checking, sums, "elapsed", sums->counted_ms, figures->elapsed_ms);
    if (sums->projects && sums->counted_ms + sums->projected_ms != figures->target_ms)
        fail(checking, sums, "elapsed at due", sums->counted_ms + sums->projected_ms, figures->target_ms);
    if (figures->state == CLOCK_RUNNING && figures->due_at_ms != INSTANT_NONE &&
        figures->due_at_ms > checking->t_ms) {
        if (!sums->projects)
            fail(checking, sums, "projects", 0, 1);
        end_ms = figures->due_at_ms;
    }
    if (!(figures->state == CLOCK_BREACHED && sums->projects) && sums->at_ms != end_ms)
        fail(checking, sums, "the end", sums->at_ms, end_ms);
    if (sums->paused_ms != figures->paused_ms)
        fail(checking, sums, "paused", sums->paused_ms, figures->paused_ms);
    for (int party = 0; party < PARTIES_COUNT; party++) {
        if (sums->by_party[party].wall_ms != figures->by_party[party].wall_ms)
            fail(checking, sums, party_text((enum party)party), sums->by_party[party].wall_ms,
                 figures->by_party[party].wall_ms);
        if (sums->by_party[party].in_hours_ms != figures->by_party[party].in_hours_ms)
            fail(checking, sums, "a party's time in hours", sums->by_party[party].in_hours_ms,
                 figures->by_party[party].in_hours_ms);
    }
}

static void
on_line(void *context, const struct clock_line *line)
{
    struct checking *checking = context;
    struct sums *sums = &checking->list[checking->count++];

    must(sums->clock.name.kind == line->name.kind && sums->clock.name.cycle == line->name.cycle &&
         slice_equal(sums->clock.name.clock, line->name.clock));
    check_sums(checking, sums, &line->figures);
}

static void
check_ticket(struct checking *checking, struct ticket *ticket)
{
    const struct explain_sink sink = {.context = checking, .clock = on_clock, .stretch = on_stretch};
    size_t explained;

    checking->ticket = ticket;
    checking->count = 0;
    engine_explain(checking->engine, ticket, checking->t_ms, &sink);
    explained = checking->count;
    checking->count = 0;
    engine_clock_lines(checking->engine, ticket, checking->t_ms, on_line, checking);
    must(checking->count == explained);
}

/* Every event into its history, then what merges tell; T is the last event's time, or until_ms if that is not
 * INSTANT_NONE. */
static void
read_log(struct checking *checking, FILE *file, int64_t until_ms)
{
    struct event_reader *reader = event_reader_new();
    char *line = NULL, detail[EVENT_DETAIL_BYTES];
    size_t room = 0;
    ssize_t bytes;

    checking->t_ms = INSTANT_MIN_MS;
    while ((bytes = getline(&line, &room, file)) > 0) {
        struct slice text = {line, (size_t)bytes - (line[bytes - 1] == '\n')};
        struct event event;

        if (event_read(reader, text, NULL, EVENT_TOPIC_BOTH, &event, detail) != ERROR_NONE ||
            event_read_topic(&event) != EVENT_TOPIC_TICKETS || event.type == EVENT_ALERT_ACKNOWLEDGED ||
            (until_ms != INSTANT_NONE && event.at_ms > until_ms))
            continue;
        checking->t_ms = event.at_ms > checking->t_ms ? event.at_ms : checking->t_ms;
        (void)engine_event(checking->engine, &event, INSTANT_MIN_MS - 1);
    }
    free(line);
    event_reader_free(reader);
    checking->t_ms = until_ms != INSTANT_NONE ? until_ms : checking->t_ms;
    (void)engine_advance(checking->engine, checking->t_ms, ENGINE_THROUGH, SIZE_MAX);
}

static void
check_log(struct checking *checking, const char *log, FILE *file, const char *policy, int64_t until_ms)
{
    struct symbols *symbols = symbols_new();
    struct buffer errors = {0};
    struct policy_set *set = policy_files_load(policy, TESTS_DIR "/zoneinfo", symbols, &errors);
    const struct engine_options options = {.symbols = symbols,
                                           .retire_after_ms = INT64_MAX / 4,
                                           .alerts_from_ms = INT64_MIN,
                                           .allowed_skew_ms = -1,
                                           .accept_age_ms = -1,
                                           .history_max = 1024,
                                           .loop_relays = true,
                                           .keep_retired = true,
                                           .keep_ids = true};
    struct ticket *ticket;
    size_t cursor = 0;

    if (set != NULL) { /* some golden policies are bad on purpose */
        checking->log = log;
        checking->engine = engine_new(&options, set);
        read_log(checking, file, until_ms);
        while ((ticket = engine_each(checking->engine, &cursor)) != NULL)
            check_ticket(checking, ticket);
        engine_free(checking->engine);
    }
    policy_set_free(set);
    symbols_free(symbols);
    buffer_free(&errors);
}

/* What stands behind --until in NAME.args. */
static int64_t
until_of(const char *path)
{
    char text[1024] = "", *at;
    int64_t until_ms = INSTANT_NONE;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return INSTANT_NONE;
    if (fgets(text, sizeof text, file) != NULL && (at = strstr(text, "--until ")) != NULL) {
        at += strlen("--until ");
        must(instant_parse((struct slice){at, strcspn(at, " \n")}, &until_ms) == 0);
    }
    fclose(file);
    return until_ms;
}

/* Each run as of its end, and with some hours and days more, so that open clocks are seen running on. */
static void
check_golden(struct checking *checking)
{
    static const int64_t later_ms[] = {0, INT64_C(5400001), INT64_C(12) * 86400000};
    glob_t found;

    must(glob(TESTS_DIR "/golden/*.in", 0, NULL, &found) == 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char policy[1024], arguments[1024];
        int stem = (int)strlen(found.gl_pathv[i]) - 3;

        snprintf(policy, sizeof policy, "%.*s.policy", stem, found.gl_pathv[i]);
        snprintf(arguments, sizeof arguments, "%.*s.args", stem, found.gl_pathv[i]);
        for (size_t k = 0; k < sizeof later_ms / sizeof *later_ms; k++) {
            int64_t until_ms = until_of(arguments);
            FILE *file = fopen(found.gl_pathv[i], "r");

            must(file != NULL);
            if (until_ms == INSTANT_NONE && k > 0)
                until_ms = checking->t_ms - (k > 1 ? later_ms[k - 1] : 0);
            check_log(checking, found.gl_pathv[i], file, policy,
                      until_ms == INSTANT_NONE ? until_ms : until_ms + later_ms[k]);
            fclose(file);
        }
    }
    globfree(&found);
}

static void
check_command(struct checking *checking, const char *name, const char *command, const char *policy)
{
    size_t clocks = checking->clocks, stretches = checking->stretches;
    FILE *file = popen(command, "r");

    must(file != NULL);
    check_log(checking, name, file, policy, INSTANT_NONE);
    must(pclose(file) == 0);
    must(checking->clocks > clocks);
    printf("%s: %zu clocks, %zu stretches add up\n", name, checking->clocks - clocks,
           checking->stretches - stretches);
}

int
main(void)
{
    const char *large = getenv("SLAD_UCI_LOG"), *policy = getenv("SLAD_UCI_POLICY");
    struct checking checking = {0};

    check_golden(&checking);
    printf("golden: %zu clocks, %zu stretches add up\n", checking.clocks, checking.stretches);
    check_command(&checking, "demo",
                  "cd '" TESTS_DIR
                  "/../conf/demo' && gzip -dc demo-incidents.ndjson.gz demo-messages.ndjson.gz",
                  TESTS_DIR "/../conf/demo/policy");
    if (large != NULL && *large != '\0') {
        must(setenv("LOG", large, 1) == 0);
        check_command(&checking, "SLAD_UCI_LOG", "gzip -dcf -- \"$LOG\"",
                      policy != NULL ? policy : TESTS_DIR "/../conf/demo/policy");
    }
    memory_free(checking.list);
    return 0;
}
