/*
 * slactl audit: everything about scores, experience agreements, watermelons and credits computed again from
 * outcomes alone, and compared with what was published.
 *
 * Why this way: the log is folded as a score task folds it, and every decision in it is made once more at its
 * place, with what it says it had read; what comes out must be the same bytes. Published values in the file
 * are read at their place in the same way.
 *
 * Always true: a decision sees the records of tickets before its offset, and the records of its own task
 * (answers, decisions) that stand before it; nothing of the file is believed but outcomes of tickets and
 * answers.
 *
 * Not here: verdicts (whatif, explain), alerts.
 */
#include "slactl/audit.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "slactl/outcome_lines.h"
#include "slad/scores.h"
#include "wire/contract_json.h"
#include "wire/kei_json.h"
#include "wire/outcome_read.h"
#include "wire/score_json.h"
#include "wire/score_parts.h"
#include <stdio.h>
#include <string.h>

enum { QUEUE_MAX = 100000 };

#define OVERDUE_MS INT64_C(3600000)

/* An outcome of tickets that may not have been read yet when the next decision was made. */
struct queued {
    int64_t offset;
    size_t bytes;
    char *text;
};

struct audit {
    const char *policy_path, *zoneinfo_dir;
    struct reach reach;
    struct symbols *symbols;
    struct policy_set *set;
    struct scores *scores;
    struct outcome_reader *reader, *queue_reader;
    struct queued *queue; /* a ring */
    size_t queue_first, queue_count;
    int64_t offset; /* of the decision that is looked at */
    int64_t next_offset, t_ms;
    uint64_t outcomes, decisions, values, unread, differences;
    const struct outcome_line *line; /* that is being read */
    struct buffer place, expected;
    bool has_expected, deciding;
    struct slice window; /* wanted of a score */
};

/* ---- what ought to be ---- */

#define AUDIT_HEAR(name, struct_name, print, decision)                                                       \
    static void name(void *context, const struct struct_name *record)                                        \
    {                                                                                                        \
        struct audit *audit = context;                                                                       \
                                                                                                             \
        if (audit->deciding != decision)                                                                     \
            return;                                                                                          \
        buffer_reset(&audit->expected);                                                                      \
        print(&audit->expected, record);                                                                     \
        audit->has_expected = true;                                                                          \
    }
AUDIT_HEAR(hear_contract, contract_outcome, contract_json_print, true)
AUDIT_HEAR(hear_kei, score_kei, kei_json_print, false)
AUDIT_HEAR(hear_pxa, score_pxa, contract_json_print_pxa, false)
AUDIT_HEAR(hear_watermelon, score_watermelon, contract_json_print_watermelon, false)
AUDIT_HEAR(hear_credit, score_credit, contract_json_print_credit, false)
AUDIT_HEAR(hear_attainment, score_attainment, contract_json_print_attainment, false)
AUDIT_HEAR(print_score, score_record, score_json_print, false)

static void
hear_score(void *context, const struct score_record *record)
{
    struct audit *audit = context;

    if (slice_equal(record->window, audit->window))
        print_score(audit, record);
}

/* Where the record stands that is being read. */
static struct slice
place_of(struct audit *audit)
{
    buffer_reset(&audit->place);
    outcome_lines_place(audit->line, &audit->place);
    return buffer_slice(&audit->place);
}

static void
report(struct audit *audit, const char *what, struct slice published)
{
    struct slice place = place_of(audit);

    audit->differences++;
    printf("%.*s: %s\n  published  %.*s\n", (int)place.bytes, place.at, what, (int)published.bytes,
           published.at);
    if (audit->has_expected)
        printf("  recomputed %.*s\n", (int)audit->expected.bytes, audit->expected.at);
}

/* Replay's "record" stands before the first field; what is compared is the rest. */
static void
compare(struct audit *audit, const char *what, struct slice published)
{
    static const char *const records[] = {"{\"record\":\"outcome\",", "{\"record\":\"score\","};
    struct slice rest = {published.at + 1, published.bytes - 1};

    for (size_t i = 0; i < 2; i++)
        if (published.bytes > strlen(records[i]) && memcmp(published.at, records[i], strlen(records[i])) == 0)
            rest = (struct slice){published.at + strlen(records[i]), published.bytes - strlen(records[i])};
    if (!audit->has_expected || audit->expected.bytes != rest.bytes + 1 ||
        memcmp(audit->expected.at + 1, rest.at, rest.bytes) != 0)
        report(audit, what, published);
}

/* ---- outcomes ---- */

static void
come_to(struct audit *audit, int64_t at_ms)
{
    if (at_ms > audit->t_ms)
        audit->t_ms = at_ms;
}

static void
fold(struct audit *audit, const struct outcome *outcome)
{
    if (outcome->kind == OUTCOME_VERDICT) {
        come_to(audit, outcome->verdict.arrival.detected_at_ms);
        scores_verdict(audit->scores, &outcome->verdict, audit->t_ms);
    } else if (outcome->kind == OUTCOME_TICKET) {
        come_to(audit, outcome->ticket.arrival.detected_at_ms);
        scores_ticket(audit->scores, &outcome->ticket, audit->t_ms);
    } else if (outcome->kind == OUTCOME_ANSWER) {
        come_to(audit, outcome->answer.arrival.detected_at_ms);
        scores_answer(audit->scores, &outcome->answer, audit->t_ms);
    }
}

/* Folds what stands in the queue before this offset. */
static void
fold_queue(struct audit *audit, int64_t before)
{
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;

    while (audit->queue_count > 0 && audit->queue[audit->queue_first].offset < before) {
        struct queued *queued = &audit->queue[audit->queue_first];

        must(outcome_read(audit->queue_reader, (struct slice){queued->text, queued->bytes}, &outcome,
                          detail) == ERROR_NONE);
        fold(audit, &outcome);
        memory_free(queued->text);
        audit->queue_first = (audit->queue_first + 1) % QUEUE_MAX;
        audit->queue_count--;
    }
}

static void
enqueue(struct audit *audit, struct slice text, int64_t offset)
{
    if (audit->queue_count == QUEUE_MAX)
        fold_queue(audit, audit->queue[audit->queue_first].offset + 1);
    audit->queue[(audit->queue_first + audit->queue_count++) % QUEUE_MAX] =
        (struct queued){offset, text.bytes, memory_copy(text.at, text.bytes)};
}

static void
check_decision(struct audit *audit, const struct contract_outcome *read, struct slice text)
{
    enum scores_verdict_of_audit verdict;

    audit->decisions++;
    fold_queue(audit, read->offset >= 0 ? read->offset : INT64_MAX);
    audit->offset = read->offset;
    come_to(audit, read->arrival.detected_at_ms);
    audit->has_expected = false;
    audit->deciding = true;
    verdict = scores_redecide(audit->scores, read, audit->t_ms);
    audit->deciding = false;
    if (verdict == SCORES_AUDIT_UNKNOWN)
        report(audit, "the policy in force has no such contract", text);
    else if (verdict == SCORES_AUDIT_NOTHING)
        report(audit, "there was nothing to decide", text);
    else if (verdict == SCORES_AUDIT_GAP)
        report(audit, "a midnight before it was not decided", text);
    else if (verdict != SCORES_AUDIT_DROPPED)
        compare(audit, "the decision differs", text);
}

static void
take_outcome(struct audit *audit, struct slice text, int64_t offset)
{
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;
    enum error_code error = outcome_read(audit->reader, text, &outcome, detail);

    audit->outcomes++;
    if (error != ERROR_NONE) {
        struct slice place = place_of(audit);

        audit->unread++;
        fprintf(stderr, "slactl audit: %.*s: %s: %s\n", (int)place.bytes, place.at, error_code_text(error),
                detail);
        return;
    }
    if (outcome.kind == OUTCOME_CONTRACT)
        check_decision(audit, &outcome.contract, text);
    else if (outcome.kind == OUTCOME_ANSWER)
        fold(audit, &outcome);
    else if (outcome.kind == OUTCOME_VERDICT || outcome.kind == OUTCOME_TICKET)
        enqueue(audit, text, offset);
}

/* ---- published values ---- */

static const struct cJSON *
member_of(const struct cJSON *object, const char *key)
{
    const struct cJSON *member = object->child;

    while (member != NULL && !slice_is(json_key(member), key))
        member = member->next;
    return member;
}

static struct slice
text_of(const struct cJSON *object, const char *key)
{
    const struct cJSON *member = member_of(object, key);

    return member != NULL && json_is_text(member) ? json_text(member) : (struct slice){NULL, 0};
}

static struct score_scope
scope_of(const struct cJSON *object)
{
    const struct cJSON *scope = member_of(object, "scope");
    struct score_scope result = {0};

    for (const struct cJSON *member = scope != NULL && json_is_object(scope) ? scope->child : NULL;
         member != NULL; member = member->next)
        for (unsigned i = 0; i < SCORE_DIMENSIONS_COUNT; i++)
            if (slice_is(json_key(member), score_parts_dimension(i)) && json_is_text(member)) {
                result.dimensions |= 1U << i;
                result.values[i] = json_text(member);
            }
    return result;
}

static void
check_value(struct audit *audit, const struct cJSON *object, struct slice text)
{
    static const char *const types[] = {
        [SCORES_VALUE_SCORE] = "score",   [SCORES_VALUE_KEI] = "kei",
        [SCORES_VALUE_PXA] = "pxa",       [SCORES_VALUE_WATERMELON] = "watermelon",
        [SCORES_VALUE_CREDIT] = "credit", [SCORES_VALUE_ATTAINMENT] = "attainment"};
    struct slice type = text_of(object, "type");
    struct score_scope scope = scope_of(object);
    int value = SCORES_VALUE_SCORE;
    int64_t at_ms;

    while (value <= SCORES_VALUE_ATTAINMENT && !slice_is(type, types[value]))
        value++;
    if (value > SCORES_VALUE_ATTAINMENT || instant_parse(text_of(object, "at"), &at_ms) != 0)
        return;
    if (value == SCORES_VALUE_WATERMELON && text_of(object, "window").bytes == 0)
        return; /* the policy does not look for it any more: it has no figures */
    audit->values++;
    fold_queue(audit, INT64_MAX);
    come_to(audit, at_ms);
    audit->window = text_of(object, "window");
    audit->has_expected = false;
    (void)scores_say(audit->scores, (enum scores_value)value,
                     text_of(object, value == SCORES_VALUE_KEI ? "name" : "contract"), &scope, audit->t_ms);
    compare(audit, "the value differs", text);
}

static bool
is_value(struct slice type)
{
    static const char *const types[] = {"score", "kei", "pxa", "watermelon", "credit", "attainment"};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (slice_is(type, types[i]))
            return true;
    return false;
}

/* ---- lines ---- */

static void
take_line(void *context, const struct outcome_line *line)
{
    struct audit *audit = context;
    char detail[JSON_DETAIL_BYTES];
    const struct cJSON *object;
    struct json *json = json_new();
    bool value =
        json_read(json, line->text, &object, detail) == ERROR_NONE && is_value(text_of(object, "type"));
    int64_t offset = line->offset >= 0 ? line->offset : audit->next_offset;

    audit->line = line;
    if (value)
        check_value(audit, object, line->text);
    json_free(json);
    if (value)
        return;
    audit->next_offset = offset + 1;
    take_outcome(audit, line->text, offset);
}

/* A midnight that is long over and was never decided. */
static void
check_end(struct audit *audit)
{
    char text[INSTANT_TEXT_BYTES];
    int64_t due_ms;

    fold_queue(audit, INT64_MAX);
    due_ms = scores_undecided_ms(audit->scores);
    if (due_ms > audit->t_ms - OVERDUE_MS)
        return;
    instant_format(due_ms, text);
    audit->differences++;
    printf("at the end: nothing was decided at %s\n", text);
}

/* ---- the command ---- */

enum { AUDIT_POLICY = 'p', AUDIT_ZONEINFO = 'z' };

static int audit_run(int argc, char **argv);

static const struct command_option audit_options[] = {
    {"policy", AUDIT_POLICY, "POLICY", "a file or a directory (with a configuration: its own)"},
    {"zoneinfo", AUDIT_ZONEINFO, "DIR", "where time zones are read"},
    REACH_OPTIONS,
    {0},
};

const struct command audit_command = {
    .name = "audit",
    .run = audit_run,
    .help = "are scores, contracts' moves and credits what the outcomes say?",
    .usage = "--policy POLICY [FILE...]\n--config FILE [OPTION]...",
    .operands = "FILE",
    .text =
        "Computes scores, the moves of experience agreements, watermelons and credits again from outcomes "
        "alone and says where what was published differs. A FILE (standard input by default) is NDJSON "
        "in the order of the log: outcomes, and scores at their place if they are to be checked too, as "
        "slactl replay --emit outcomes,scores prints them, or the records alone, or "
        "{\"offset\":N,\"value\":RECORD} as a reader of the topic writes them. With the daemon's "
        "configuration: its topic of outcomes, from the beginning to where it ends now.",
    .options = audit_options,
    .fails = "something differs, a record or file cannot be read, or the brokers fail",
};

static int
parse_options(struct audit *audit, int argc, char **argv)
{
    int option;

    while ((option = command_next(&audit_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return 1;
        if (option == AUDIT_POLICY) {
            audit->policy_path = optarg;
        } else if (option == AUDIT_ZONEINFO) {
            audit->zoneinfo_dir = optarg;
        } else if (!reach_take_option(&audit->reach, option, optarg)) {
            return COMMAND_REFUSED;
        }
    }
    if (reach_is_wanted(&audit->reach) && optind < argc)
        return command_refuse(&audit_command, "either files or a configuration");
    if (audit->policy_path == NULL && audit->reach.config_file == NULL)
        return command_refuse(&audit_command, "--policy is missing");
    return 0;
}

/* The configuration, if the topic is to be read, and the policies. 0, or 2: it was said. */
static int
prepare(struct audit *audit)
{
    struct buffer errors = {0};

    if (reach_is_wanted(&audit->reach)) {
        if (reach_open(&audit->reach) != 0)
            return 2;
        if (audit->policy_path == NULL)
            audit->policy_path = audit->reach.config->policy;
        if (audit->zoneinfo_dir == NULL)
            audit->zoneinfo_dir = audit->reach.config->zoneinfo_dir;
    }
    if (audit->zoneinfo_dir == NULL)
        audit->zoneinfo_dir = policy_files_zoneinfo_default();
    audit->set = policy_files_load(audit->policy_path, audit->zoneinfo_dir, audit->symbols, &errors);
    if (audit->set == NULL)
        (void)fwrite(errors.at, 1, errors.bytes, stderr);
    buffer_free(&errors);
    return audit->set == NULL ? 2 : 0;
}

static void
begin(struct audit *audit)
{
    struct scores_options options = {.symbols = audit->symbols,
                                     .sink = {.context = audit,
                                              .score = hear_score,
                                              .kei = hear_kei,
                                              .pxa = hear_pxa,
                                              .watermelon = hear_watermelon,
                                              .credit = hear_credit,
                                              .attainment = hear_attainment,
                                              .contract = hear_contract},
                                     .publish_every_ms = 1000,
                                     .retire_after_ms = -1,
                                     .allowed_skew_ms = -1,
                                     .accept_age_ms = -1,
                                     .outcomes_offset = &audit->offset};

    audit->scores = scores_new(&options, audit->set);
    audit->reader = outcome_reader_new();
    audit->queue_reader = outcome_reader_new();
    audit->queue = memory_allocate(QUEUE_MAX * sizeof *audit->queue);
    audit->t_ms = INT64_MIN;
    scores_set_rebuilding(audit->scores, true, INT64_MIN);
}

static void
end(struct audit *audit)
{
    scores_free(audit->scores);
    outcome_reader_free(audit->reader);
    outcome_reader_free(audit->queue_reader);
    memory_free(audit->queue);
    buffer_free(&audit->expected);
    buffer_free(&audit->place);
}

static int
run(struct audit *audit, int paths_count, char **paths)
{
    const struct outcome_taker taker = {take_line, audit};
    bool failed;

    begin(audit);
    failed = outcome_lines_read("audit", &audit->reach, paths_count, paths, &taker) != 0;
    check_end(audit);
    printf("%llu outcomes, %llu decisions and %llu values checked, %llu differences\n",
           (unsigned long long)audit->outcomes, (unsigned long long)audit->decisions,
           (unsigned long long)audit->values, (unsigned long long)audit->differences);
    end(audit);
    return failed || audit->differences > 0 || audit->unread > 0 ? 1 : 0;
}

static int
audit_run(int argc, char **argv)
{
    struct audit audit = {0};
    int status = parse_options(&audit, argc, argv);

    if (status == 0) {
        audit.symbols = symbols_new();
        status = prepare(&audit);
        if (status == 0)
            status = run(&audit, argc - optind, argv + optind);
        policy_set_free(audit.set);
        symbols_free(audit.symbols);
    } else if (status == 1) {
        status = 0; /* helped */
    }
    reach_close(&audit.reach);
    return status;
}
