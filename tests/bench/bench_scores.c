/*
 * bench_scores: decoded outcomes through the score side on one core, ten scopes and six windows; what an
 * answer and an entry of a scope cost; a rebuild; many scopes.
 *
 * A ticket says five things: open, first response met, resolution met or breached, solved, and an answer.
 * BENCH_PER_MS (10) outcomes have one millisecond of event time: 10,000 a second. Rows: scores_fold live,
 * every scope that changed published once a second of event time scores_fold_only   the same with nobody to
 * publish to scores_answers     answers alone, live, published scores_rebuild     read back, and counted when
 * the end is reached scores_load_1m, _10m   seconds to load what that left, from its snapshot in memory
 *     scores_rebuild_10m seconds for ten million outcomes (only with BENCH_LONG set: 6 GiB)
 *     scores_answer_bytes, scores_entry_bytes, scores_scopes_100k_mib
 */
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "slad/scores.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char policy_text[] =
    "version: bench\n"
    "experience:\n"
    "  windows: [24h, 7d, 30d, 90d, month, quarter]\n"
    "  time_zone: Europe/Berlin\n"
    "  targets: {px: 90%, nps: 30, attainment: 95%}\n"
    "  scopes: [[], [customer], [service], [customer, service], [group], [category], [priority], [channel], "
    "[user_group], [touchpoint, user_group]]\n";
static const char scopes_text[] = "version: bench\n"
                                  "experience: {windows: [24h, 30d], scopes: [[customer, service]]}\n";

#define START_MS INT64_C(1780302600000) /* Mon 2026-06-01 10:30 in Berlin */
enum { KINDS = 5, TEXT_BYTES = 24 };

struct load {
    struct scores *scores;
    struct policy_set *set;
    struct symbols *symbols;
    int64_t per_ms; /* outcomes */
    bool silent;
    uint64_t published;
};

static void
on_score(void *context, const struct score_record *record)
{
    (void)record;
    ((struct load *)context)->published++;
}

static double
cpu_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
load_open(struct load *load, const char *text)
{
    struct policy_zone_reader reader = policy_files_zone_reader(policy_files_zoneinfo_default());
    struct scores_options options = {.sink = {.context = load, .score = load->silent ? NULL : on_score},
                                     .publish_every_ms = 1000,
                                     .retire_after_ms = -1,
                                     .allowed_skew_ms = -1,
                                     .accept_age_ms = -1};
    struct policy_error error = {0};
    struct policy *policy;

    load->symbols = symbols_new();
    policy = policy_yaml_load(slice_of(text), slice_of("bench"), &reader, load->symbols, &error);
    if (policy == NULL)
        panic("the benchmark's policy does not load");
    load->set = policy_set_new(&policy, 1, load->symbols);
    options.symbols = load->symbols;
    load->scores = scores_new(&options, load->set);
    load->published = 0;
}

static void
load_close(struct load *load)
{
    scores_free(load->scores);
    policy_set_free(load->set);
    symbols_free(load->symbols);
}

/* ---- outcomes ---- */

static const char *const customers[] = {"acme",  "globex",   "initech", "umbrella",
                                        "hooli", "vehement", "massive", "stark"};
static const char *const services[] = {"network", "mail", "erp", "phone", "storage", "print"};
static const char *const groups[] = {"desk", "network-l2", "servers-l2", "field"};
static const char *const priorities[] = {"P1", "P2", "P3", "P4"};
static const char *const channels[] = {"portal", "mail", "phone"};
static const char *const users[] = {"stores", "office", "warehouse"};

static void
attributes_of(size_t ticket, struct slice *attributes)
{
    attributes[ATTRIBUTE_CUSTOMER] = slice_of(customers[ticket * 7 % 8]);
    attributes[ATTRIBUTE_SERVICE] = slice_of(services[ticket * 5 % 6]);
    attributes[ATTRIBUTE_CATEGORY] = slice_of(ticket % 9 == 0 ? "request" : "incident");
    attributes[ATTRIBUTE_PRIORITY] = slice_of(priorities[ticket * 3 % 4]);
    attributes[ATTRIBUTE_GROUP] = slice_of(groups[ticket / 3 % 4]);
    attributes[ATTRIBUTE_CHANNEL] = slice_of(channels[ticket / 2 % 3]);
    attributes[ATTRIBUTE_USER_GROUP] = slice_of(users[ticket / 5 % 3]);
}

/* One decoded outcome, with its texts. */
struct item {
    int kind;
    union {
        struct ticket_outcome ticket;
        struct verdict_outcome verdict;
        struct answer_outcome answer;
    };
    char name[TEXT_BYTES], person[TEXT_BYTES], id[TEXT_BYTES];
};

static void
make_ticket(struct item *item, size_t ticket, bool solved, int64_t at_ms)
{
    item->ticket = (struct ticket_outcome){.ticket = slice_of(item->name),
                                           .state = solved ? TICKET_SOLVED : TICKET_OPEN,
                                           .counted = solved,
                                           .started_at_ms = at_ms - 1000,
                                           .solved_at_ms = solved ? at_ms : INSTANT_NONE,
                                           .closed_at_ms = INSTANT_NONE,
                                           .source = slice_of("desk"),
                                           .changed_at_ms = at_ms,
                                           .arrival = {.detected_at_ms = at_ms, .revision = solved ? 2 : 1}};
    attributes_of(ticket, item->ticket.attributes);
}

static void
make_verdict(struct item *item, size_t ticket, const char *clock, bool met, int64_t at_ms)
{
    enum verdict verdict = met ? VERDICT_MET : VERDICT_BREACHED;

    item->verdict = (struct verdict_outcome){
        .name = {slice_of(item->name), KIND_SLA, slice_of("gold"), slice_of(clock), 1},
        .verdict = verdict,
        .honest = verdict,
        .ended = true,
        .attainment = true,
        .decided_at_ms = at_ms,
        .source = slice_of("desk"),
        .arrival = {.detected_at_ms = at_ms, .revision = 1}};
    attributes_of(ticket, item->verdict.attributes);
}

static void
make_answer(struct item *item, size_t ticket, int64_t at_ms)
{
    int score = (int)(ticket * 13 % 11);

    snprintf(item->id, sizeof item->id, "f-%zu", ticket);
    snprintf(item->person, sizeof item->person, "u-%zu", ticket % 50000);
    item->answer = (struct answer_outcome){.feedback = {.id = slice_of(item->id),
                                                        .survey = slice_of("post-ticket"),
                                                        .touchpoint = slice_of("resolution"),
                                                        .scale = slice_of("nps"),
                                                        .respondent = slice_of(item->person),
                                                        .has_score = true,
                                                        .score = score},
                                           .ticket = slice_of(item->name),
                                           .source = slice_of("desk"),
                                           .answer_class = score >= 9   ? ANSWER_POSITIVE
                                                           : score >= 7 ? ANSWER_NEUTRAL
                                                                        : ANSWER_NEGATIVE,
                                           .answered_at_ms = at_ms,
                                           .arrival = {.detected_at_ms = at_ms, .revision = 1}};
    attributes_of(ticket, item->answer.attributes);
}

static int64_t
make(const struct load *load, struct item *item, size_t number, int kind, size_t ticket)
{
    int64_t at_ms = START_MS + (int64_t)number / load->per_ms;

    item->kind = kind;
    snprintf(item->name, sizeof item->name, "INC%07zu", ticket);
    if (kind == 0 || kind == 3)
        make_ticket(item, ticket, kind == 3, at_ms);
    else if (kind == 4)
        make_answer(item, ticket, at_ms);
    else
        make_verdict(item, ticket, kind == 1 ? "first-response" : "resolution", kind == 1 || ticket % 10 != 0,
                     at_ms);
    return at_ms;
}

static void
fold(const struct load *load, const struct item *item, int64_t at_ms)
{
    if (item->kind == 0 || item->kind == 3)
        scores_ticket(load->scores, &item->ticket, at_ms);
    else if (item->kind == 4)
        scores_answer(load->scores, &item->answer, at_ms);
    else
        scores_verdict(load->scores, &item->verdict, at_ms);
}

/* Folds count outcomes, made outside of the time that is taken. kind -1: all five of each ticket, interleaved
 * over 64 tickets. */
static double
run(const struct load *load, size_t count, int kind)
{
    enum { BATCH = 320 };
    static struct item batch[BATCH];
    double spent_s = 0;

    for (size_t done = 0; done < count; done += BATCH) {
        int64_t at_ms[BATCH];
        double from_s;

        for (size_t i = 0; i < BATCH; i++)
            at_ms[i] = kind >= 0 ? make(load, &batch[i], done + i, kind, done + i)
                                 : make(load, &batch[i], done + i, (int)(i / 64), done / KINDS + i % 64);
        from_s = cpu_s();
        for (size_t i = 0; i < BATCH; i++)
            fold(load, &batch[i], at_ms[i]);
        spent_s += cpu_s() - from_s;
    }
    return spent_s;
}

/* ---- rows ---- */

static void
row_live(const char *name, size_t count, int kind, bool silent)
{
    struct load load = {.per_ms = getenv("BENCH_PER_MS") != NULL ? atol(getenv("BENCH_PER_MS")) : 10,
                        .silent = silent};
    double spent_s;

    load_open(&load, policy_text);
    spent_s = run(&load, count, kind);
    printf("%s %.0f outcomes/s\n", name, (double)count / spent_s);
    if (kind >= 0) {
        struct scores_figures figures;

        scores_figures(load.scores, &figures);
        printf("scores_answer_bytes %.1f B\n", (double)figures.answers_bytes / (double)figures.answers);
        printf("scores_entry_bytes %.1f B\n", (double)figures.entries_bytes / (double)figures.entries);
    }
    load_close(&load);
}

/* What it holds, saved and loaded into another one, until it may go on. */
static void
row_load(const struct load *load, bool ten_million)
{
    struct load other = {.per_ms = 10};
    struct buffer state = {0};
    double spent_s;

    scores_save(load->scores, &state);
    load_open(&other, policy_text);
    scores_set_rebuilding(other.scores, true, START_MS);
    spent_s = cpu_s();
    must(scores_load(other.scores, buffer_slice(&state)) == 0);
    printf("%s %.2f s\n", ten_million ? "scores_load_10m" : "scores_load_1m", cpu_s() - spent_s);
    load_close(&other);
    buffer_free(&state);
}

/* Its snapshot, part by part, as a turn of the loop writes them: the heaviest one, and the head they take. */
static void
row_parts(const struct load *load)
{
    struct buffer part = {0};
    size_t bytes_max = 0, count = 0;
    double most_s = 0;

    for (uint32_t i = 0; i < SCORES_PARTS_COUNT - 1; i++) {
        double from_s = cpu_s(), spent_s;

        buffer_reset(&part);
        if (!scores_save_part(load->scores, i, &part))
            continue;
        spent_s = cpu_s() - from_s;
        count++;
        most_s = spent_s > most_s ? spent_s : most_s;
        bytes_max = part.bytes > bytes_max ? part.bytes : bytes_max;
    }
    printf("scores_part_kib_max %.0f KiB\n", (double)bytes_max / 1024);
    printf("scores_part_us_max %.0f us\n", most_s * 1e6);
    printf("scores_parts %zu parts\n", count);
    buffer_free(&part);
}

static void
row_rebuild(const char *name, size_t count, bool seconds)
{
    struct load load = {.per_ms = 10};
    double spent_s, from_s;
    struct scores_figures figures;

    load_open(&load, policy_text);
    scores_set_rebuilding(load.scores, true, START_MS);
    spent_s = run(&load, count, -1);
    from_s = cpu_s();
    scores_set_rebuilding(load.scores, false, START_MS + (int64_t)count / load.per_ms);
    spent_s += cpu_s() - from_s;
    if (seconds)
        printf("%s %.1f s\n", name, spent_s);
    else
        printf("%s %.0f outcomes/s\n", name, (double)count / spent_s);
    scores_figures(load.scores, &figures);
    if (seconds)
        fprintf(stderr, "resident %zu MiB\n", figures.resident_bytes >> 20);
    row_load(&load, seconds);
    if (!seconds)
        row_parts(&load);
    load_close(&load);
}

/* 100,000 scopes, each with two answers. */
static void
row_scopes(void)
{
    enum { SCOPES = 100000 };
    struct load load = {.per_ms = 1};
    struct scores_figures figures;
    struct item item;
    char customer[TEXT_BYTES];

    load_open(&load, scopes_text);
    for (size_t i = 0; i < 2 * SCOPES; i++) {
        int64_t at_ms = make(&load, &item, i, 4, i);

        attributes_of(i % SCOPES, item.answer.attributes);
        snprintf(customer, sizeof customer, "c-%zu", i % SCOPES);
        item.answer.attributes[ATTRIBUTE_CUSTOMER] = slice_of(customer);
        fold(&load, &item, at_ms);
    }
    scores_figures(load.scores, &figures);
    must(figures.scopes == SCOPES);
    printf("scores_scopes_100k_mib %.0f MiB\n", (double)figures.resident_bytes / 1048576.0);
    load_close(&load);
}

int
main(void)
{
    const char *wanted = getenv("BENCH_OUTCOMES");
    size_t count = wanted != NULL ? strtoul(wanted, NULL, 10) : 1000000;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    row_live("scores_fold", count, -1, false);
    row_live("scores_fold_only", count, -1, true);
    row_live("scores_answers", count, 4, false);
    row_rebuild("scores_rebuild", count, false);
    row_scopes();
    if (getenv("BENCH_LONG") != NULL)
        row_rebuild("scores_rebuild_10m", 10000000, true);
    return 0;
}
