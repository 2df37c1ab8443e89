/*
 * slactl explain: why a ticket's clocks say what they say.
 *
 * Why from a log: the answer follows from the ticket's events and the policy alone, so whoever has both can
 * check it, years later too. Without a log the running daemon is asked (explain_live), and says the same.
 *
 * Always true: all events of the log are read, for another ticket may be merged into this one.
 *
 * Not here: what is true (core/explain), words (explain_print).
 */
#include "slactl/explain.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/policy_files.h"
#include "slactl/backlog.h"
#include "slactl/explain_live.h"
#include "slactl/words.h"

struct explain_options {
    const char *policy_path, *zoneinfo_dir, *clock;
    char **paths; /* owned; the texts are argv's */
    int paths_count;
    bool json, foresight;
    struct event_lines lines; /* as of when, how old */
    struct slice ticket;      /* an argument: ends in NUL */
    struct api api;
};

static int explain_run(int argc, char **argv);

static const struct command_option explain_option_rows[] = {
    {"replay", 'r', "FILE",
     "the events, NDJSON as for slactl replay; may be given more than once, - is standard input"},
    {"policy", 'p', "POLICY", "with --replay: a file or a directory; needed"},
    {"until", 'u', "TIME", "with --replay: as of this instant (default: the last arrival)"},
    {"accept-age", 'a', "DURATION",
     "with --replay: as accept_age of the slad it is held against (default: 400d)"},
    {"clock", 'c', "KIND/CLOCK", "only this clock"},
    {"json", 'j', NULL, "NDJSON, every stretch"},
    {"foresight", 'f', NULL,
     "with --replay: learns from all tickets read and says how likely a breach is (a running slad says it by "
     "itself)"},
    {"zoneinfo", 'z', "DIR", "with --replay: where time zones are read"},
    API_OPTIONS,
    {0},
};

const struct command explain_command = {
    .name = "explain",
    .run = explain_run,
    .help = "why a ticket's clocks say what they say, stretch by stretch",
    .usage = "TICKET [OPTION]...\nTICKET --replay FILE --policy POLICY [OPTION]...",
    .operands = "",
    .text = "Every stretch of every clock of the ticket, counted or not, with who had the ball and what made "
            "it so; "
            "they add up to what was counted and, while the clock runs, to when it is due. Asks a running "
            "slad, or with --replay the events alone. docs/explain.md "
            "says more.",
    .options = explain_option_rows,
    .fails = "no such ticket or clock, or input or output failed",
    .asks = true,
};

/* The end of both ways: what is said when nothing was told. */
static int
finish(const struct explain_options *options, struct explain_page *page)
{
    int status = COMMAND_DONE;

    if (page->told == 0 && options->clock != NULL) {
        fprintf(stderr, "slactl explain: the ticket has no clock %s; it has %.*s\n", options->clock,
                page->skipped.bytes > 0 ? (int)page->skipped.bytes : 4,
                page->skipped.bytes > 0 ? page->skipped.at : "none");
        status = COMMAND_FAILED;
    } else if (page->told == 0 && !options->json) {
        explain_page_title(page);
        puts("No agreement promises it anything.");
    }
    explain_page_done(page);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

static struct explain_page
page_of(const struct explain_options *options)
{
    return (struct explain_page){
        .out = stdout, .json = options->json, .ticket = options->ticket, .only = slice_of(options->clock)};
}

static int
explain(const struct explain_options *options, struct backlog *backlog)
{
    struct explain_page page = page_of(options);
    const struct explain_sink sink = {.context = &page,
                                      .clock = explain_page_clock,
                                      .stretch = explain_page_stretch,
                                      .risk = explain_page_risk};
    struct ticket *ticket = engine_find(backlog->engines[0], options->ticket);

    if (ticket == NULL) {
        fprintf(stderr, "slactl explain: no event of ticket \"%.*s\" was read\n", (int)options->ticket.bytes,
                options->ticket.at);
        return COMMAND_FAILED;
    }
    page.t_ms = backlog->lines.t_ms;
    engine_explain(backlog->engines[0], ticket, backlog->lines.t_ms, &sink);
    explain_page_end(&page);
    return finish(options, &page);
}

/* The running daemon's. */
static int
ask(struct explain_options *options)
{
    struct explain_page page = page_of(options);
    int status = api_open(&options->api, &explain_command);

    if (status == COMMAND_DONE)
        status = explain_live(&options->api, &page, options->ticket.at, options->zoneinfo_dir);
    if (status == COMMAND_DONE)
        status = finish(options, &page);
    else
        explain_page_done(&page);
    api_close(&options->api);
    return status;
}

static int
take_option(struct explain_options *options, int option)
{
    switch (option) {
    case 'r':
        options->paths = memory_resize(options->paths, ((size_t)options->paths_count + 1) * sizeof(char *));
        options->paths[options->paths_count++] = optarg;
        return 0;
    case 'p':
        options->policy_path = optarg;
        return 0;
    case 'z':
        options->zoneinfo_dir = optarg;
        return 0;
    case 'c':
        options->clock = optarg;
        return 0;
    case 'j':
        options->json = true;
        return 0;
    case 'f':
        options->foresight = true;
        return 0;
    case 'a':
        if (event_lines_take_age(&options->lines, optarg) == 0)
            return 0;
        return command_refuse(&explain_command, "--accept-age: expected a duration, such as 400d");
    case 'u':
        options->lines.has_until = true;
        if (instant_parse(slice_of(optarg), &options->lines.until_ms) == 0)
            return 0;
        return command_refuse(&explain_command, "--until: expected an RFC 3339 instant");
    default:
        if (api_take_option(&options->api, option, optarg))
            return 0;
        return option == COMMAND_HELP ? 1 : COMMAND_REFUSED;
    }
}

static int
parse_options(int argc, char **argv, struct explain_options *options)
{
    int option, bad;

    while ((option = command_next(&explain_command, argc, argv)) != COMMAND_END) {
        bad = take_option(options, option);
        if (bad != 0)
            return bad;
    }
    if (optind != argc - 1)
        return command_refuse(&explain_command, "expected one TICKET");
    options->ticket = slice_of(argv[optind]);
    if (options->paths_count == 0)
        return options->policy_path == NULL && !options->lines.has_until &&
                       options->lines.accept_age_ms == 0 && !options->foresight
                   ? 0
                   : command_refuse(&explain_command, "--policy, --until, --accept-age and --foresight go "
                                                      "with --replay: a running slad explains as of "
                                                      "now");
    return options->policy_path != NULL ? 0 : command_refuse(&explain_command, "--policy is missing");
}

static struct foresight *
learner_of(const struct policy_set *set, struct foresight_contexts *ret_contexts)
{
    struct foresight_options options;

    foresight_options_default(&options);
    foresight_contexts_of(&policy_set_version(set, policy_set_count(set) - 1)->foresight, &options.contexts);
    *ret_contexts = options.contexts;
    return foresight_new(&options);
}

static int
run(const struct explain_options *options)
{
    struct buffer errors = {0};
    struct symbols *symbols = symbols_new();
    struct policy_set *set = policy_files_load(options->policy_path, options->zoneinfo_dir, symbols, &errors);
    struct backlog backlog = {.lines = options->lines};
    int status = 2;

    if (set == NULL) {
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
    } else {
        if (options->foresight)
            backlog.learner = learner_of(set, &backlog.contexts);
        backlog_init(&backlog, "explain", symbols, &set, 1, true);
        backlog_read(&backlog, options->paths, options->paths_count);
        status = backlog.lines.failed ? 1 : explain(options, &backlog);
        status = fflush(stdout) != 0 ? 1 : status;
        backlog_done(&backlog);
        foresight_free(backlog.learner);
    }
    policy_set_free(set);
    symbols_free(symbols);
    buffer_free(&errors);
    return status;
}

static int
explain_run(int argc, char **argv)
{
    struct explain_options options = {.zoneinfo_dir = policy_files_zoneinfo_default()};
    int status = parse_options(argc, argv, &options);

    if (status == 0)
        status = options.paths_count > 0 ? run(&options) : ask(&options);
    else
        status = status == 1 ? 0 : 2;
    memory_free(options.paths);
    return status;
}
