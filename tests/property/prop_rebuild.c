/*
 * What: slad.outcomes is enough. What `slactl replay --emit outcomes` printed, read back into an empty score
 * side, gives the digest and the last score records of the run that printed it; and a score task that stops
 * anywhere and is built again from the log goes on as if it had not stopped, also when its last answers were
 * never committed and their events come again.
 *
 * Why this way: the second score side has symbols and policies of its own, so nothing but the bytes can carry
 * anything over.
 *
 * Always true: a failure prints its seed.
 *
 * And `slactl audit` finds nothing in it.
 *
 * Not here: whether the figures are right (prop_scores, test_scores, the golden tests).
 */
#include "base/memory.h"
#include "base/panic.h"
#include "shell/policy_files.h"
#include "slad/engine.h"
#include "slad/scores.h"
#include "../support/survey_lives.h"
#include "wire/contract_json.h"
#include "wire/effect.h"
#include "wire/event_read.h"
#include "wire/kei_json.h"
#include "wire/outcome_read.h"
#include "wire/score_json.h"
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MAX = 8192, POLICIES_MAX = 2, SHELVES_MAX = 512, HEADS_MAX = 8, PARTS_FINER = 9 };

/* One outcome as it went out. */
struct entry {
    size_t at, bytes;
    size_t line; /* of the input that made it */
    bool is_answer;
};

/* Parts of a snapshot, and the entry from which the log is folded behind it. */
struct shelf {
    uint32_t part;
    struct buffer bytes; /* none: it was empty */
    bool dirty, pending;
};
struct shelves {
    struct shelf of[SHELVES_MAX];
    size_t count, offset;
    size_t line; /* whoever has it knows the lines up to this one */
};

/* A score task, and the log it writes or has read. */
struct task {
    struct symbols *symbols;
    struct policy_set *set;
    struct scores_options options;
    struct scores *scores;
    struct outcome_reader *reader;
    struct buffer text, printed;
    struct entry entries[ENTRIES_MAX];
    size_t count, line;
    bool lost;               /* something it had said was not committed */
    struct shelves *shelves; /* NULL: no snapshots of it are made */
};

static struct shelf *
shelf_of(struct shelves *shelves, uint32_t part)
{
    for (size_t i = 0; i < shelves->count; i++)
        if (shelves->of[i].part == part)
            return &shelves->of[i];
    must(shelves->count < SHELVES_MAX);
    shelves->of[shelves->count] = (struct shelf){.part = part, .dirty = true};
    return &shelves->of[shelves->count++];
}

static void
on_part_changed(void *context, uint32_t part)
{
    struct task *task = context;

    if (task->shelves != NULL)
        shelf_of(task->shelves, part)->dirty = true;
}

static void
on_parts_moved(void *context)
{
    struct task *task = context;

    for (size_t i = 0; task->shelves != NULL && i < task->shelves->count; i++) {
        task->shelves->of[i].dirty = true;
        task->shelves->of[i].pending = false;
        task->shelves->line = 0; /* the one under way is spoiled */
    }
}

static void
add_entry(struct task *task, size_t at, bool is_answer)
{
    must(task->count < ENTRIES_MAX);
    task->entries[task->count++] = (struct entry){at, task->text.bytes - at, task->line, is_answer};
}

static struct slice
entry_text(const struct task *task, size_t i)
{
    return (struct slice){task->text.at + task->entries[i].at, task->entries[i].bytes};
}

static void
on_answer(void *context, const struct answer_outcome *outcome)
{
    struct task *task = context;
    size_t at = task->text.bytes;

    effect_print_answer(&task->text, outcome);
    add_entry(task, at, true);
}

static void
on_contract(void *context, const struct contract_outcome *outcome)
{
    struct task *task = context;
    size_t at = task->text.bytes;

    contract_json_print(&task->text, outcome);
    add_entry(task, at, true);
}

/* What contracts decide depends on what was known then, so it may differ when something was lost and came
 * again. */
#define PRINTER(name, type, print, decided)                                                                  \
    static void name(void *context, const struct type *record)                                               \
    {                                                                                                        \
        struct task *task = context;                                                                         \
                                                                                                             \
        if (decided && task->lost)                                                                           \
            return;                                                                                          \
        print(&task->printed, record);                                                                       \
        buffer_append_byte(&task->printed, '\n');                                                            \
    }
PRINTER(on_score, score_record, score_json_print, false)
PRINTER(on_kei, score_kei, kei_json_print, false)
PRINTER(on_pxa, score_pxa, contract_json_print_pxa, true)
PRINTER(on_watermelon, score_watermelon, contract_json_print_watermelon, true)
PRINTER(on_credit, score_credit, contract_json_print_credit, false)
PRINTER(on_attainment, score_attainment, contract_json_print_attainment, false)

static void
task_new_scores(struct task *task)
{
    const struct scores_watch watch = {task, on_part_changed, on_parts_moved};

    task->scores = scores_new(&task->options, task->set);
    scores_watch_parts(task->scores, &watch);
}

/* policies: a file or a directory. */
static void
task_open(struct task *task, const char *policies)
{
    struct buffer errors = {0};
    struct scores_options options = {.sink = {.context = task,
                                              .answer = on_answer,
                                              .score = on_score,
                                              .kei = on_kei,
                                              .pxa = on_pxa,
                                              .watermelon = on_watermelon,
                                              .credit = on_credit,
                                              .attainment = on_attainment,
                                              .contract = on_contract},
                                     .publish_every_ms = 1000,
                                     .parts_finer = PARTS_FINER,
                                     .retire_after_ms = -1,
                                     .allowed_skew_ms = -1,
                                     .accept_age_ms = -1};

    memset(task, 0, sizeof *task);
    task->symbols = symbols_new();
    task->set = policy_files_load(policies, TESTS_DIR "/zoneinfo", task->symbols, &errors);
    if (task->set == NULL) {
        printf("%.*s", (int)errors.bytes, errors.at);
        panic("a random policy does not load");
    }
    options.symbols = task->symbols;
    task->options = options;
    task_new_scores(task);
    task->reader = outcome_reader_new();
}

/* Saves, forgets and loads; saved once more it is the same bytes. */
static void
task_sleep(struct task *task)
{
    struct buffer first = {0}, second = {0};
    uint64_t digest = scores_digest(task->scores);

    scores_save(task->scores, &first);
    scores_free(task->scores);
    task_new_scores(task);
    scores_set_rebuilding(task->scores, true, 0);
    must(scores_load(task->scores, buffer_slice(&first)) == 0);
    scores_check(task->scores);
    scores_save(task->scores, &second);
    must(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    must(scores_digest(task->scores) == digest);
    buffer_free(&first);
    buffer_free(&second);
}

static void
task_close(struct task *task)
{
    scores_free(task->scores);
    policy_set_free(task->set);
    symbols_free(task->symbols);
    outcome_reader_free(task->reader);
    buffer_free(&task->text);
    buffer_free(&task->printed);
}

/* Reads one outcome and folds it at the instant it was known. */
static void
task_fold(struct task *task, struct slice text)
{
    char detail[JSON_DETAIL_BYTES];
    struct outcome outcome;

    if (outcome_read(task->reader, text, &outcome, detail) != ERROR_NONE) {
        printf("%.*s\n%s\n", (int)text.bytes, text.at, detail);
        panic("an outcome cannot be read back");
    }
    if (outcome.kind == OUTCOME_VERDICT)
        scores_verdict(task->scores, &outcome.verdict, outcome.verdict.arrival.detected_at_ms);
    else if (outcome.kind == OUTCOME_TICKET)
        scores_ticket(task->scores, &outcome.ticket, outcome.ticket.arrival.detected_at_ms);
    else if (outcome.kind == OUTCOME_ANSWER)
        scores_answer(task->scores, &outcome.answer, outcome.answer.arrival.detected_at_ms);
    else if (outcome.kind == OUTCOME_CONTRACT)
        scores_contract(task->scores, &outcome.contract, outcome.contract.arrival.detected_at_ms);
}

static uint64_t
task_finish(struct task *task, int64_t end_ms)
{
    scores_advance(task->scores, end_ms, SCORES_THROUGH);
    buffer_reset(&task->printed);
    scores_publish_all(task->scores, end_ms);
    return scores_digest(task->scores);
}

/* ---- what slactl replay printed ---- */

/* The end of what was printed, as long as what is compared with it. */
static struct slice
last_scores(const struct buffer *scores, size_t bytes)
{
    size_t kept = bytes < scores->bytes ? bytes : scores->bytes;

    return (struct slice){scores->at + scores->bytes - kept, kept};
}

/* Folds the outcomes that a replay prints and compares; end_ms is its --until. */
static bool
check_replay(const char *policies, const char *input, int64_t end_ms)
{
    static struct task task;
    struct buffer scores = {0};
    char command[2048], until[INSTANT_TEXT_BYTES], *line = NULL;
    size_t room = 0, outcomes = 0;
    ssize_t bytes;
    uint64_t digest = 0, rebuilt;
    FILE *replay;
    bool good;

    instant_format(end_ms, until);
    (void)snprintf(command, sizeof command,
                   "%s replay --policy '%s' --zoneinfo '%s/zoneinfo' --self-check --until %s --emit "
                   "outcomes,scores '%s' 2>&1",
                   SLACTL, policies, TESTS_DIR, until, input);
    task_open(&task, policies);
    scores_set_rebuilding(task.scores, true, 0);
    replay = popen(command, "r");
    must(replay != NULL);
    while ((bytes = getline(&line, &room, replay)) > 0) {
        static const char outcome[] = "{\"record\":\"outcome\",", score[] = "{\"record\":\"score\",";
        const char *said = strstr(line, "digest of the scores ");

        if (strncmp(line, outcome, sizeof outcome - 1) == 0) {
            task_fold(&task, (struct slice){line, (size_t)bytes - 1});
            outcomes++;
        } else if (strncmp(line, score, sizeof score - 1) == 0) {
            buffer_append_byte(&scores, '{');
            buffer_append(&scores, line + sizeof score - 1, (size_t)bytes - (sizeof score - 1));
        } else if (said != NULL) {
            digest = strtoull(said + strlen("digest of the scores "), NULL, 16);
        }
    }
    free(line);
    if (pclose(replay) != 0)
        printf("slactl replay failed\n");
    scores_set_rebuilding(task.scores, false, end_ms);
    scores_check(task.scores);
    rebuilt = task_finish(&task, end_ms);
    good = rebuilt == digest && outcomes > 0 && task.count == 0 && scores.bytes >= task.printed.bytes &&
           memcmp(scores.at + scores.bytes - task.printed.bytes, task.printed.at, task.printed.bytes) == 0;
    if (!good && !slice_equal(last_scores(&scores, task.printed.bytes), buffer_slice(&task.printed)))
        printf("rebuilt\n%.*s\nexpected\n%.*s\n", (int)task.printed.bytes, task.printed.at,
               (int)last_scores(&scores, task.printed.bytes).bytes,
               last_scores(&scores, task.printed.bytes).at);
    if (!good)
        printf("%zu outcomes: digest %016" PRIx64 ", rebuilt %016" PRIx64
               ", %zu answers decided again, scores %s\n",
               outcomes, digest, rebuilt, task.count, rebuilt == digest ? "may differ" : "differ");
    task_close(&task);
    buffer_free(&scores);
    return good;
}

/* The same outcomes and scores, each decided and read once more by `slactl audit`. */
static bool
check_audit(const char *policies, const char *input, int64_t end_ms)
{
    char command[4096], until[INSTANT_TEXT_BYTES];
    bool good;

    instant_format(end_ms, until);
    (void)snprintf(
        command, sizeof command,
        "%s replay --policy '%s' --zoneinfo '%s/zoneinfo' --until %s --emit outcomes,scores '%s' "
        "2>/dev/null | %s audit --policy '%s' --zoneinfo '%s/zoneinfo' | { cat; } >'%s.audit'; tail -n 1 "
        "'%s.audit' | grep -q ' 0 differences'",
        SLACTL, policies, TESTS_DIR, until, input, SLACTL, policies, TESTS_DIR, input, input);
    good = system(command) == 0;
    (void)snprintf(command, sizeof command, "%s '%s.audit'", good ? "rm -f" : "head -c 4000", input);
    return system(command) == 0 && good;
}

/* ---- a task that stops ---- */

/* The whole life in one process, as replay does it. */
struct whole {
    struct task task;
    struct engine *engine;
    struct event_reader *reader;
    struct shelves now, heads[HEADS_MAX]; /* the snapshot under way; those that were completed */
    size_t heads_count;
};

static void
on_verdict(void *context, const struct verdict_outcome *outcome)
{
    struct whole *whole = context;
    size_t at = whole->task.text.bytes;

    effect_print_verdict(&whole->task.text, outcome);
    add_entry(&whole->task, at, false);
    scores_verdict(whole->task.scores, outcome, outcome->arrival.detected_at_ms);
}

static void
on_ticket(void *context, const struct ticket_outcome *outcome)
{
    struct whole *whole = context;
    size_t at = whole->task.text.bytes;

    effect_print_ticket(&whole->task.text, outcome);
    add_entry(&whole->task, at, false);
    scores_ticket(whole->task.scores, outcome, outcome->arrival.detected_at_ms);
}

static void
shelves_free(struct shelves *shelves)
{
    for (size_t i = 0; i < shelves->count; i++)
        buffer_free(&shelves->of[i].bytes);
    shelves->count = 0;
}

static void
whole_open(struct whole *whole, const char *policies)
{
    struct engine_options options;

    task_open(&whole->task, policies);
    whole->now.line = whole->now.count = 0;
    (void)shelf_of(&whole->now, 0);
    whole->task.shelves = &whole->now;
    options = engine_options_of_history(whole->task.symbols);
    options.sink = (struct engine_sink){.context = whole, .verdict = on_verdict, .ticket = on_ticket};
    whole->engine = engine_new(&options, whole->task.set);
    whole->reader = event_reader_new();
}

static void
whole_close(struct whole *whole)
{
    engine_free(whole->engine);
    event_reader_free(whole->reader);
    task_close(&whole->task);
    shelves_free(&whole->now);
    for (size_t i = 0; i < HEADS_MAX; i++)
        shelves_free(&whole->heads[i]);
    whole->heads_count = 0;
}

static void
give_feedback(struct scores *scores, struct event_reader *reader, struct slice text, int64_t t_ms)
{
    char detail[EVENT_DETAIL_BYTES];
    struct event event;

    must(event_read(reader, text, NULL, EVENT_TOPIC_FEEDBACK, &event, detail) == ERROR_NONE);
    (void)scores_feedback(scores, &event, t_ms);
}

static int
compare_shelves(const void *a, const void *b)
{
    uint32_t left = ((const struct shelf *)a)->part, right = ((const struct shelf *)b)->part;

    return (left > right) - (left < right);
}

static void
keep_head(struct whole *whole, size_t line)
{
    struct shelves *head = &whole->heads[whole->heads_count++ % HEADS_MAX];

    shelves_free(head);
    *head = whole->now;
    head->line = line;
    for (size_t i = 0; i < head->count; i++) {
        head->of[i].bytes = (struct buffer){0};
        buffer_append_slice(&head->of[i].bytes, buffer_slice(&whole->now.of[i].bytes));
    }
}

/* Behind line: begins a snapshot, saves a part that changed, or ends it, as chance will have it. */
static void
make_snapshot(struct whole *whole, size_t line, struct chance *chance)
{
    struct shelves *now = &whole->now;
    bool whole_one = true;

    if (now->line == 0 && chance_one_in(chance, 6)) {
        now->line = line + 1;
        now->offset = whole->task.count;
        shelf_of(now, 0)->dirty = true; /* what there is little of is always written */
        qsort(now->of, now->count, sizeof *now->of, compare_shelves);
        for (size_t i = 0; i < now->count; i++)
            now->of[i].pending = now->of[i].dirty;
    }
    for (size_t i = 0; now->line > 0 && i < now->count; i++) {
        struct shelf *shelf = &now->of[i];

        if (!shelf->pending)
            continue;
        if (i > 0 && chance_one_in(chance, 3)) {
            whole_one = false;
            break;
        }
        buffer_reset(&shelf->bytes);
        (void)scores_save_part(whole->task.scores, shelf->part, &shelf->bytes);
        shelf->pending = shelf->dirty = false;
    }
    if (now->line == 0 || !whole_one)
        return;
    keep_head(whole, line);
    now->line = 0;
}

static void
load_head(struct task *task, const struct shelves *head)
{
    struct shelves sorted = *head;

    qsort(sorted.of, sorted.count, sizeof *sorted.of, compare_shelves);
    for (size_t i = 0; i < sorted.count; i++)
        if (sorted.of[i].bytes.bytes > 0)
            must(scores_load_part(task->scores, sorted.of[i].part, buffer_slice(&sorted.of[i].bytes)) == 0);
    must(scores_load_end(task->scores) == 0);
    scores_check(task->scores);
}

static void
whole_live(struct whole *whole, const struct lives *lives, struct chance *chance)
{
    char detail[EVENT_DETAIL_BYTES];
    struct event event;

    for (size_t i = 0; i < lives->count; i++) {
        struct slice text = lives_line_text(lives, i);
        int64_t t_ms = lives->lines[i].arrives_ms;

        whole->task.line = i;
        while (engine_advance(whole->engine, t_ms, ENGINE_BEFORE, 1))
            continue;
        scores_advance(whole->task.scores, t_ms, SCORES_BEFORE);
        if (lives->lines[i].is_feedback) {
            give_feedback(whole->task.scores, whole->reader, text, t_ms);
        } else {
            must(event_read(whole->reader, text, NULL, EVENT_TOPIC_TICKETS, &event, detail) == ERROR_NONE);
            (void)engine_event(whole->engine, &event, t_ms);
        }
        make_snapshot(whole, i, chance);
    }
    whole->task.line = lives->count;
    while (engine_advance(whole->engine, lives->end_ms, ENGINE_THROUGH, 1))
        continue;
}

/* Lines before `committed` stand in the log with all they made; of those up to `cut` only what tickets made.
 * head NULL: from the log alone. */
static void
rebuild(struct task *task, const struct whole *whole, const struct shelves *head, size_t committed,
        size_t cut, size_t sleeps_at, int64_t t_ms)
{
    scores_set_rebuilding(task->scores, true, 0);
    if (head != NULL)
        load_head(task, head);
    for (size_t i = head != NULL ? head->offset : 0; i < whole->task.count; i++) {
        const struct entry *entry = &whole->task.entries[i];

        if (entry->line >= sleeps_at) {
            task_sleep(task);
            sleeps_at = SIZE_MAX;
        }
        if (entry->line < (entry->is_answer ? committed : cut))
            task_fold(task, entry_text(&whole->task, i));
    }
    scores_set_rebuilding(task->scores, false, t_ms);
    scores_check(task->scores);
}

/* The rest: feedback from `committed` on, what tickets made from `cut` on. */
static void
go_on(struct task *task, struct whole *whole, const struct lives *lives, size_t committed, size_t cut)
{
    size_t next = 0;

    for (size_t i = committed; i <= lives->count; i++) {
        const struct task *made = &whole->task;

        task->line = i;
        for (; next < made->count && made->entries[next].line <= i; next++)
            if (!made->entries[next].is_answer && made->entries[next].line >= cut)
                task_fold(task, entry_text(made, next));
        if (i < lives->count && lives->lines[i].is_feedback)
            give_feedback(task->scores, whole->reader, lives_line_text(lives, i),
                          lives->lines[i < cut ? cut - 1 : i].arrives_ms);
    }
}

/* What it said after the cut, byte for byte. */
static bool
same_answers(const struct task *task, const struct task *whole, size_t cut)
{
    size_t i = 0;

    for (size_t k = 0; k < whole->count; k++) {
        if (!whole->entries[k].is_answer || whole->entries[k].line < cut)
            continue;
        if (i == task->count || !slice_equal(entry_text(task, i), entry_text(whole, k))) {
            struct slice said = i < task->count ? entry_text(task, i) : slice_of("nothing");

            printf("said\n%.*s\nexpected\n%.*s\n", (int)said.bytes, said.at, (int)entry_text(whole, k).bytes,
                   entry_text(whole, k).at);
            return false;
        }
        i++;
    }
    return i == task->count;
}

static bool
check_cut(struct whole *whole, const char *policies, const struct lives *lives, const struct shelves *head,
          size_t committed, size_t cut, size_t sleeps_at)
{
    static struct task task;
    uint64_t digest, rebuilt;
    bool good;

    task_open(&task, policies);
    task.lost = whole->task.lost = committed != cut;
    digest = task_finish(&whole->task, lives->end_ms);
    rebuild(&task, whole, head, committed, cut, sleeps_at, lives->lines[cut - 1].arrives_ms);
    go_on(&task, whole, lives, committed, cut);
    scores_check(task.scores);
    rebuilt = task_finish(&task, lives->end_ms);
    good = slice_equal(buffer_slice(&task.printed), buffer_slice(&whole->task.printed));
    if (committed == cut) /* nothing was lost: nothing is said twice */
        good = good && rebuilt == digest && same_answers(&task, &whole->task, cut);
    if (!good)
        printf(
            "cut after line %zu of %zu, answers after line %zu lost, snapshot of line %zd: digest %016" PRIx64
            ", rebuilt %016" PRIx64 "\n%.*s\n"
            "expected\n%.*s\n",
            cut, lives->count, committed, head != NULL ? (ssize_t)head->line : -1, digest, rebuilt,
            (int)task.printed.bytes, task.printed.at, (int)whole->task.printed.bytes, whole->task.printed.at);
    task_close(&task);
    return good;
}

static bool
check_cuts(const char *policies, const struct lives *lives, struct chance *chance)
{
    static struct whole whole;
    bool good = true;

    whole_open(&whole, policies);
    whole_live(&whole, lives, chance);
    scores_check(whole.task.scores);
    for (int i = 0; good && i < 6; i++) {
        size_t cut = 1 + chance_below(chance, (unsigned)lives->count);
        size_t lost = i % 2 == 0 ? 0 : chance_below(chance, 12);

        good = check_cut(&whole, policies, lives, NULL, cut > lost ? cut - lost : 0, cut,
                         chance_below(chance, (unsigned)cut + 1));
    }
    for (size_t i = 0; good && i < HEADS_MAX && i < whole.heads_count; i++) {
        size_t known = whole.heads[i].line + 1;
        size_t cut = known + chance_below(chance, (unsigned)(lives->count - known) + 1);
        size_t committed = i % 2 == 0 ? cut : known + chance_below(chance, (unsigned)(cut - known) + 1);

        good = check_cut(&whole, policies, lives, &whole.heads[i], committed, cut,
                         chance_below(chance, (unsigned)cut + 1));
    }
    whole_close(&whole);
    return good;
}

/* ---- random lives ---- */

static void
write_file(const char *path, struct slice text)
{
    FILE *file = fopen(path, "w");

    must(file != NULL && fwrite(text.at, 1, text.bytes, file) == text.bytes);
    must(fclose(file) == 0);
}

struct place {
    char folder[64], policies[80], input[80], version[POLICIES_MAX][96];
};

static void
place_open(struct place *place)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(place->folder, sizeof place->folder, "%s/slad-rebuild.XXXXXX",
                   base != NULL ? base : "/tmp");
    must(mkdtemp(place->folder) != NULL);
    (void)snprintf(place->policies, sizeof place->policies, "%s/policy", place->folder);
    (void)snprintf(place->input, sizeof place->input, "%s/input", place->folder);
    must(mkdir(place->policies, 0700) == 0);
    for (unsigned i = 0; i < POLICIES_MAX; i++)
        (void)snprintf(place->version[i], sizeof place->version[i], "%s/%u.yaml", place->policies, i);
}

static void
place_close(struct place *place)
{
    for (unsigned i = 0; i < POLICIES_MAX; i++)
        (void)unlink(place->version[i]);
    (void)unlink(place->input);
    (void)rmdir(place->policies);
    (void)rmdir(place->folder);
}

static void
place_fill(const struct place *place, const struct lives *lives, struct chance *chance)
{
    struct buffer text = {0};

    for (unsigned i = 0; i < 1 + chance_below(chance, POLICIES_MAX); i++) {
        buffer_reset(&text);
        lives_say_policy(&text, chance, i);
        write_file(place->version[i], buffer_slice(&text));
    }
    buffer_reset(&text);
    for (size_t i = 0; i < lives->count; i++) {
        buffer_append_slice(&text, lives_line_text(lives, i));
        buffer_append_byte(&text, '\n');
    }
    write_file(place->input, buffer_slice(&text));
    buffer_free(&text);
}

static bool
test_seed(uint64_t seed)
{
    struct chance chance = chance_of_seed(seed);
    static struct lives lives;
    struct place place;
    bool good;

    place_open(&place);
    lives_make(&lives, &chance);
    place_fill(&place, &lives, &chance);
    good = check_replay(place.policies, place.input, lives.end_ms) &&
           check_audit(place.policies, place.input, lives.end_ms) &&
           check_cuts(place.policies, &lives, &chance);
    if (good || getenv("SLAD_KEEP") == NULL)
        place_close(&place);
    else
        printf("kept: %s\n", place.folder);
    buffer_free(&lives.text);
    return good;
}

/* ---- the demo's data ---- */

static bool
check_demo(void)
{
    static const char gather[] =
        "zcat '" TESTS_DIR "/../conf/demo/'demo-*.ndjson.gz | jq -sc 'sort_by(.time)[]' >'%s'";
    char command[1024];
    struct place place;
    bool good;

    place_open(&place);
    (void)snprintf(command, sizeof command, gather, place.input);
    good = system(command) == 0 && check_replay(TESTS_DIR "/../conf/demo/policy", place.input,
                                                INT64_C(1466294400000)); /* 2016-06-19 */
    place_close(&place);
    if (!good)
        printf("the demo's data, rebuilt from its outcomes, differ\n");
    return good;
}

int
main(void)
{
    return check_demo() ? chance_run(test_seed, 20, 8) : 1;
}
