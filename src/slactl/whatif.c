/*
 * slactl whatif: the same events under two policies, and which verdicts differ.
 *
 * Why it is quick: a verdict is derived from a ticket's history at one instant, so nothing has to happen on
 * the way. Events are decoded once and put into the histories of two engines as if they had come ahead of
 * their time; then each ticket is derived once under each policy. Only merges, which tell another ticket,
 * need the engines to wake up in between.
 *
 * Always true: both sides see the same events up to the same instant; a policy's earliest version also holds
 * for everything before its `from` (R19). What is compared is the verdict; due and elapsed stand beside it.
 *
 * Not here: announcements and scores (replay); printing (whatif_print).
 */
#include "slactl/whatif.h"
#include "base/instant.h"
#include "base/memory.h"
#include "shell/policy_files.h"
#include "slactl/lines.h"
#include "slactl/whatif_print.h"
#include "wire/dead_letter.h"
#include "wire/event_read.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

enum { LINE_BYTES_MAX = 262144, SIDES = 2 };

/* What an event may be away from its arrival when it has one (R14; config's allowed_skew and accept_age). */
#define ALLOWED_SKEW_MS INT64_C(86400000)
#define ACCEPT_AGE_MS (INT64_C(400) * 86400000)
/* Before every event: all of them wait, none is derived. */
#define BEFORE_ALL_MS (INSTANT_MIN_MS - 1)

struct whatif {
    const char *paths[SIDES];
    const char *zoneinfo_dir;
    bool has_until, has_t, json, failed, merges;
    int64_t until_ms, t_ms;
    struct symbols *symbols;
    struct policy_set *sets[SIDES];
    struct engine *engines[SIDES];
    struct event_reader *reader;
    struct buffer errors;
    struct whatif_report report;
};

static void
start(struct whatif *whatif)
{
    const struct engine_options options = {
        .symbols = whatif->symbols,
        .late_after_ms = 3600000,
        .retire_after_ms = INT64_MAX / 4, /* nothing is let go before it is compared */
        .retirement_mark_ms = 0,
        .alerts_from_ms = INT64_MIN,
        .allowed_skew_ms = -1,
        .accept_age_ms = -1,
        .history_max = 1024,
        .loop_relays = true,
        .keep_retired = true,
    };

    for (int side = 0; side < SIDES; side++)
        whatif->engines[side] = engine_new(&options, whatif->sets[side]);
    whatif->reader = event_reader_new();
}

static void
refuse(struct whatif *whatif, enum error_code error, const char *detail, uint64_t line, const char *file)
{
    buffer_reset(&whatif->errors);
    dead_letter_print_line(&whatif->errors, error, detail, line, file);
    (void)fwrite(whatif->errors.at, 1, whatif->errors.bytes, stderr);
}

static enum error_code
check_age(const struct event *event, int64_t arrived_ms)
{
    if (event->at_ms - arrived_ms > ALLOWED_SKEW_MS)
        return ERROR_FUTURE_STAMPED;
    return arrived_ms - event->at_ms > ACCEPT_AGE_MS ? ERROR_TOO_OLD : ERROR_NONE;
}

/* Into both histories. What only one policy refuses is no reason to be silent. */
static void
give(struct whatif *whatif, const struct event *event, uint64_t number, const char *file)
{
    struct engine_answer refused = {.disposition = ENGINE_APPLIED};

    whatif->merges |= event->type == EVENT_TICKET_MERGED;
    for (int side = 0; side < SIDES; side++) {
        struct engine_answer answer = engine_event(whatif->engines[side], event, BEFORE_ALL_MS);

        if (answer.disposition == ENGINE_REFUSED && refused.disposition != ENGINE_REFUSED)
            refused = answer;
    }
    if (refused.disposition == ENGINE_REFUSED)
        refuse(whatif, refused.error, refused.detail, number, file);
}

/* One line. False: it lies beyond --until, and so does everything after it. */
static bool
take_line(struct whatif *whatif, struct slice line, uint64_t number, const char *file)
{
    char detail[EVENT_DETAIL_BYTES];
    struct event event;
    int64_t t_ms, arrived_ms;
    bool has_arrived;
    enum error_code error = event_read(whatif->reader, line, NULL, EVENT_TOPIC_BOTH, &event, detail);

    if (error != ERROR_NONE) {
        refuse(whatif, error, detail, number, file);
        return true;
    }
    has_arrived = event_reader_arrived_at(whatif->reader, &arrived_ms);
    t_ms = has_arrived ? arrived_ms : event.at_ms;
    if (whatif->has_until && t_ms > whatif->until_ms)
        return false;
    whatif->t_ms = whatif->has_t && whatif->t_ms > t_ms ? whatif->t_ms : t_ms;
    whatif->has_t = true;
    if (event_read_topic(&event) != EVENT_TOPIC_TICKETS || event.type == EVENT_ALERT_ACKNOWLEDGED)
        return true; /* they decide no verdict */
    error = has_arrived ? check_age(&event, whatif->t_ms) : ERROR_NONE;
    if (error != ERROR_NONE)
        refuse(whatif, error, "time: too far from arrived_at", number, file);
    else
        give(whatif, &event, number, file);
    return true;
}

static bool
is_blank(struct slice line)
{
    size_t i = 0;

    while (i < line.bytes && (line.at[i] == ' ' || line.at[i] == '\t' || line.at[i] == '\r'))
        i++;
    return i == line.bytes;
}

static void
take_file(struct whatif *whatif, const char *path, bool named)
{
    struct lines *lines = lines_open(path, LINE_BYTES_MAX);
    struct slice line;
    int more = -1;

    while (lines != NULL && (more = lines_next(lines, &line)) == 1) {
        if (!is_blank(line) && !take_line(whatif, line, lines_number(lines), named ? path : NULL))
            break;
    }
    if (more < 0) {
        fprintf(stderr, "slactl whatif: %s: %s\n", path != NULL ? path : "standard input", strerror(errno));
        whatif->failed = true;
    }
    lines_close(lines);
}

/* ---- comparing ---- */

/* The clocks of one ticket on one side; texts live until its next ones. */
struct side_lines {
    struct clock_line *list;
    size_t count, room;
};

static void
keep_line(void *context, const struct clock_line *line)
{
    struct side_lines *lines = context;

    if (lines->count == lines->room) {
        lines->room = lines->room > 0 ? lines->room * 2 : 16;
        lines->list = memory_resize(lines->list, lines->room * sizeof *lines->list);
    }
    lines->list[lines->count++] = *line;
}

static int
compare_names(const struct clock_name *a, const struct clock_name *b)
{
    int order = a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : slice_compare(a->clock, b->clock);

    return order != 0 ? order : a->cycle < b->cycle ? -1 : a->cycle > b->cycle;
}

/* Both lists are in order of kind, clock, cycle. */
static void
compare_ticket(struct whatif *whatif, const struct side_lines lines[SIDES])
{
    size_t old = 0, new = 0;

    while (old < lines[0].count || new < lines[1].count) {
        int order = old == lines[0].count ? 1
                    : new == lines[1].count
                        ? -1
                        : compare_names(&lines[0].list[old].name, &lines[1].list[new].name);

        whatif_report_add(&whatif->report, order <= 0 ? &lines[0].list[old] : NULL,
                          order >= 0 ? &lines[1].list[new] : NULL);
        old += order <= 0;
        new += order >= 0;
    }
}

static int
compare_tickets(const void *a, const void *b)
{
    return slice_compare(ticket_name(*(struct ticket *const *)a), ticket_name(*(struct ticket *const *)b));
}

/* Merges speak to other tickets when their own is derived: wake them all. */
static void
let_merges_speak(struct whatif *whatif)
{
    for (int side = 0; side < SIDES && whatif->merges; side++)
        (void)engine_advance(whatif->engines[side], whatif->t_ms, ENGINE_THROUGH, SIZE_MAX);
}

static void
compare(struct whatif *whatif)
{
    size_t count = 0, cursor = 0;
    struct ticket **tickets =
                      memory_allocate((engine_tickets_count(whatif->engines[0]) + 1) * sizeof *tickets),
                  *ticket;
    struct side_lines lines[SIDES] = {{0}, {0}};

    let_merges_speak(whatif);
    while ((ticket = engine_each(whatif->engines[0], &cursor)) != NULL)
        tickets[count++] = ticket;
    qsort(tickets, count, sizeof(struct ticket *), compare_tickets);
    for (size_t i = 0; i < count; i++) {
        struct ticket *twin = engine_find(whatif->engines[1], ticket_name(tickets[i]));

        lines[0].count = lines[1].count = 0;
        engine_clock_lines(whatif->engines[0], tickets[i], whatif->t_ms, keep_line, &lines[0]);
        if (twin != NULL)
            engine_clock_lines(whatif->engines[1], twin, whatif->t_ms, keep_line, &lines[1]);
        compare_ticket(whatif, lines);
    }
    whatif->report.tickets = count;
    memory_free(lines[0].list);
    memory_free(lines[1].list);
    memory_free(tickets);
}

/* ---- the command ---- */

static int
parse_options(int argc, char **argv, struct whatif *whatif)
{
    static const struct option options[] = {
        {"old", required_argument, NULL, 'o'},
        {"new", required_argument, NULL, 'n'},
        {"until", required_argument, NULL, 'u'},
        {"zoneinfo", required_argument, NULL, 'z'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    static const char usage[] =
        "usage: slactl whatif --old P --new Q [--until T] [--json] [--zoneinfo DIR] [FILE...]\n"
        "The same events (NDJSON, standard input without FILE) under two policies: which verdicts differ, by "
        "ticket and in\n"
        "sum. P and Q are files or directories. Until T (default: the last arrival). --json: NDJSON, every "
        "difference.\n"
        "Exit status: 0 all was read, 2 bad policy or option, 1 input or output failed.\n";
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'o' || option == 'n') {
            whatif->paths[option == 'n'] = optarg;
        } else if (option == 'z') {
            whatif->zoneinfo_dir = optarg;
        } else if (option == 'j') {
            whatif->json = true;
        } else if (option == 'u') {
            if (instant_parse(slice_of(optarg), &whatif->until_ms) != 0) {
                fprintf(stderr, "slactl whatif: --until: expected an RFC 3339 instant\n");
                return 2;
            }
            whatif->has_until = true;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 1 : 2;
        }
    }
    if (whatif->paths[0] != NULL && whatif->paths[1] != NULL)
        return 0;
    fprintf(stderr, "slactl whatif: --old and --new are both needed\n%s", usage);
    return 2;
}

static int
run(struct whatif *whatif, int files, char **paths)
{
    if (files == 0)
        take_file(whatif, NULL, false);
    for (int i = 0; i < files && !whatif->failed; i++)
        take_file(whatif, paths[i], files > 1);
    if (whatif->has_until)
        whatif->t_ms = whatif->until_ms;
    whatif->report.until_ms = whatif->has_t || whatif->has_until ? whatif->t_ms : INSTANT_NONE;
    for (int side = 0; side < SIDES; side++)
        whatif->report.labels[side] =
            policy_set_version(whatif->sets[side], policy_set_count(whatif->sets[side]) - 1)->label;
    if (whatif->has_t)
        compare(whatif);
    whatif_report_end(&whatif->report);
    return whatif->failed || fflush(stdout) != 0 ? 1 : 0;
}

int
whatif_main(int argc, char **argv)
{
    struct whatif whatif = {.zoneinfo_dir = policy_files_zoneinfo_default()};
    int status = parse_options(argc, argv, &whatif);

    if (status != 0)
        return status == 1 ? 0 : 2;
    whatif.symbols = symbols_new();
    for (int side = 0; side < SIDES && status == 0; side++) {
        whatif.sets[side] =
            policy_files_load(whatif.paths[side], whatif.zoneinfo_dir, whatif.symbols, &whatif.errors);
        if (whatif.sets[side] == NULL) {
            (void)fwrite(whatif.errors.at, 1, whatif.errors.bytes, stderr);
            status = 2;
        }
    }
    if (status == 0) {
        start(&whatif);
        whatif_report_begin(&whatif.report, stdout, whatif.json);
        status = run(&whatif, argc - optind, argv + optind);
    }
    whatif_report_done(&whatif.report);
    event_reader_free(whatif.reader);
    for (int side = 0; side < SIDES; side++) {
        engine_free(whatif.engines[side]);
        policy_set_free(whatif.sets[side]);
    }
    symbols_free(whatif.symbols);
    buffer_free(&whatif.errors);
    return status;
}
