/* The score task without Kafka: what a bound keeps out goes to the dead letters, is counted and said, and the
 * stream goes on. */
#include "../support/ports.h"
#include "../support/worlds.h"
#include "base/memory.h"
#include "shell/learning.h"
#include "shell/policy_book.h"
#include "shell/restore_plan.h"
#include <stdio.h>

static const char policy[] =
    "version: \"1\"\nexperience: {min_answers: 1, windows: [7d], scopes: [[], [customer]]}\n";

struct desk {
    struct worlds worlds;
    struct score_task task;
    uint64_t questions;
    int64_t offset;
    /* what the task asked for last */
    struct transaction_job *job;
    struct score_load *load;
    struct buffer wanted; /* ids of versions */
};

static uint64_t
on_ask(void *context)
{
    struct desk *desk = context;

    return ++desk->questions;
}

static uint64_t
on_ask_policies(void *context, struct slice ids)
{
    struct desk *desk = context;

    buffer_reset(&desk->wanted);
    buffer_append_slice(&desk->wanted, ids);
    return ++desk->questions;
}

static void
on_load(void *context, struct score_load *load)
{
    struct desk *desk = context;

    assert_null(desk->load);
    desk->load = load;
}

static bool
on_has_snapshots(void *context)
{
    (void)context;
    return false;
}

static void
on_submit(void *context, struct transaction_job *job)
{
    struct desk *desk = context;

    transaction_job_free(desk->job);
    desk->job = job;
}

/* Live, and has read nothing. */
static void
open_desk_of(struct desk *desk, const char *text, const char *const *overrides, size_t overrides_count)
{
    const struct score_task_port port = ports_of_scores(desk, on_ask, on_submit);
    const int64_t nowhere = MARKER_NO_OFFSET;
    const struct score_found now = {.committed_offset = MARKER_NO_OFFSET};

    memset(desk, 0, sizeof *desk);
    worlds_open(&desk->worlds, text, overrides, overrides_count);
    score_task_init(&desk->task, &desk->worlds.world, &port);
    score_task_begin(&desk->task);
    score_task_on_outcomes_end(&desk->task, 0);
    assert_true(score_task_on_offsets(&desk->task, desk->questions, &nowhere, &now));
    assert_int_equal(desk->task.state, SCORE_TASK_LIVE);
}

static void
open_desk(struct desk *desk, const char *const *overrides, size_t overrides_count)
{
    open_desk_of(desk, policy, overrides, overrides_count);
}

static void
close_desk(struct desk *desk)
{
    score_task_done(&desk->task);
    transaction_job_free(desk->job);
    score_load_free(desk->load);
    buffer_free(&desk->wanted);
    policy_book_free(desk->worlds.world.book);
    worlds_close(&desk->worlds);
}

/* It has lain there for so long. */
static void
give_late(struct desk *desk, const char *id, const char *customer, int64_t lay_ms)
{
    struct ingest_record record = {.topic = desk->worlds.world.topics.names[TOPIC_FEEDBACK],
                                   .offset = desk->offset++,
                                   .timestamp_ms = desk->worlds.world.now_ms - lay_ms};
    char text[512];

    (void)snprintf(text, sizeof text,
                   "{\"type\":\"feedback.submitted\",\"id\":\"e-%lld\",\"source\":\"desk\","
                   "\"time\":\"2026-03-27T09:00:00Z\",\"customer\":\"%s\","
                   "\"feedback\":{\"id\":\"%s\",\"scale\":\"nps\",\"score\":9}}",
                   (long long)record.offset, customer, id);
    record.value = slice_of(text);
    score_task_on_feedback(&desk->task, &record);
    assert_int_equal(desk->task.feedback_offsets[0], record.offset + 1);
}

static void
give(struct desk *desk, const char *id, const char *customer)
{
    give_late(desk, id, customer, 0);
}

/* How many records of the topic the open epoch holds that have this header. */
static size_t
headed(const struct desk *desk, enum topic topic, const char *header, const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < batch_count(desk->task.open.batch); i++) {
        struct batch_record record = batch_get(desk->task.open.batch, i);
        struct slice name, value;

        while (record.topic == topic && batch_header_next(&record.headers, &name, &value))
            count += slice_is(name, header) && slice_is(value, text);
    }
    return count;
}

/* How many dead letters of this code the open epoch holds. */
static size_t
letters(const struct desk *desk, const char *code)
{
    return headed(desk, TOPIC_DEADLETTERS, "slad-error", code);
}

static bool
says(const struct desk *desk, const char *words)
{
    struct buffer reasons = {0};
    bool said;

    score_task_reasons(&desk->task, &reasons);
    buffer_append_byte(&reasons, '\0');
    said = strstr(reasons.at, words) != NULL;
    buffer_free(&reasons);
    return said;
}

static int64_t
hits(const struct desk *desk, enum config_key key)
{
    return metrics_value(desk->worlds.world.metrics, METRIC_BOUND_HITS, (size_t)key);
}

static void
test_answers_over_the_bound_are_dead_letters(void **state)
{
    static const char *const overrides[] = {"answers_max=100"};
    struct desk desk;
    char id[32];

    (void)state;
    open_desk(&desk, overrides, 1);
    for (int i = 0; i < 103; i++) {
        (void)snprintf(id, sizeof id, "f-%d", i);
        give(&desk, id, "acme");
    }
    give(&desk, "f-7", "acme"); /* held: it may change */
    score_task_measure(&desk.task);
    assert_int_equal(letters(&desk, "scores_full"), 3);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_DEADLETTERS, ERROR_SCORES_FULL), 3);
    assert_int_equal(hits(&desk, CONFIG_answers_max), 3);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_ANSWERS, 0), 100);
    assert_true(says(&desk, "answers_max (100) is reached"));
    desk.worlds.config->answers_max = 200; /* a reload */
    score_task_measure(&desk.task);
    assert_false(says(&desk, "answers_max"));
    give(&desk, "f-101", "acme");
    assert_int_equal(letters(&desk, "scores_full"), 3);
    score_task_measure(&desk.task);
    assert_int_equal(hits(&desk, CONFIG_answers_max), 3);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_ANSWERS, 0), 101);
    close_desk(&desk);
}

static void
test_scopes_over_the_bound_are_told(void **state)
{
    static const char *const overrides[] = {"scopes_max=10"};
    struct desk desk;
    char text[32];

    (void)state;
    open_desk(&desk, overrides, 1);
    for (int i = 0; i < 12; i++) {
        (void)snprintf(text, sizeof text, "c-%d", i);
        give(&desk, text, text);
    }
    score_task_measure(&desk.task);
    assert_int_equal(letters(&desk, "scores_full"), 0); /* the answers count where there is a scope */
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_SCOPES, 0), 10);
    assert_int_equal(hits(&desk, CONFIG_scopes_max), 3);
    assert_true(says(&desk, "scopes_max (10) was reached"));
    desk.worlds.config->scopes_max = 20;
    score_task_measure(&desk.task);
    assert_false(says(&desk, "scopes_max"));
    score_task_measure(&desk.task);
    assert_int_equal(metrics_value(desk.worlds.world.metrics, METRIC_SCORE_SCOPES, 0), 13);
    close_desk(&desk);
}

/* What was learned lies in the last parts, one behind the other; those before are the scores'. */
static void
test_what_was_learned_is_cut_into_parts(void **state)
{
    struct buffer whole = {0}, parts = {0};
    struct desk desk;

    (void)state;
    open_desk(&desk, NULL, 0);
    learning_save(desk.task.learning, &whole);
    for (uint32_t part = SCORE_TASK_PART_LEARNING; part < SCORES_PARTS_COUNT; part++) {
        assert_true(score_task_has_part(&desk.task, part));
        score_task_save_part(&desk.task, part, &parts);
        assert_true(parts.bytes > 0);
    }
    assert_true(slice_equal(buffer_slice(&whole), buffer_slice(&parts)));
    score_task_parts_over(&desk.task);
    assert_true(score_task_may_read(&desk.task));
    buffer_free(&whole);
    buffer_free(&parts);
    close_desk(&desk);
}

/* ---- owners ---- */

enum { FIRST = 1, SECOND = 2, THIRD = 4 };

/* Of 2026-01-01, 2026-02-01 and 2026-03-01: all of them have begun. */
static struct policy_set *
versions_set(struct symbols *symbols, unsigned versions)
{
    const struct policy_zone_reader reader = {NULL, policies_read_zone};
    struct policy *policies[3];
    struct policy_error error;
    size_t count = 0;
    char text[256];

    for (int i = 0; i < 3; i++) {
        if ((versions & 1U << i) == 0)
            continue;
        (void)snprintf(text, sizeof text,
                       "version: \"v%d\"\nfrom: 2026-0%d-01T00:00:00Z\n"
                       "experience: {min_answers: 1, windows: [7d], scopes: [[]]}\n",
                       i, i + 1);
        policies[count] = policy_yaml_load(slice_of(text), slice_of("p"), &reader, symbols, &error);
        assert_non_null(policies[count++]);
    }
    return policy_set_new(policies, count, symbols);
}

static void
put_on_disk(struct desk *desk, unsigned versions)
{
    policy_book_set_disk(desk->worlds.world.book, versions_set(desk->worlds.world.symbols, versions));
}

/* An owner that keeps texts, and asks who it is. */
static void
open_owner(struct desk *desk, const char *const *overrides, size_t overrides_count, unsigned versions)
{
    struct score_task_port port = ports_of_scores(desk, on_ask, on_submit);

    port.ask_found = on_ask;
    port.ask_policies = on_ask_policies;
    port.load = on_load;
    port.has_snapshots = on_has_snapshots;
    memset(desk, 0, sizeof *desk);
    worlds_open(&desk->worlds, policy, overrides, overrides_count);
    desk->worlds.world.book = policy_book_new(desk->worlds.world.symbols);
    put_on_disk(desk, versions);
    score_task_init(&desk->task, &desk->worlds.world, &port);
    desk->task.producer_ready = true;
    score_task_begin(&desk->task);
}

/* Loads what it asked to be loaded, with nothing in it, and folds an empty log. */
static void
load_owner(struct desk *desk)
{
    struct score_load *load = desk->load;

    assert_int_equal(desk->task.state, SCORE_TASK_LOADING);
    desk->load = NULL;
    load->home = score_home_new(&load->options, buffer_slice(&load->sources));
    load->used = -1;
    score_task_on_loaded(&desk->task, load);
    score_task_on_outcomes_end(&desk->task, desk->task.found.log_end);
    assert_int_equal(desk->task.state, SCORE_TASK_ASKING);
}

static void
make_live(struct desk *desk, const struct score_found *now)
{
    const int64_t nowhere = MARKER_NO_OFFSET;

    load_owner(desk);
    assert_true(score_task_on_offsets(&desk->task, desk->questions, &nowhere, now));
    assert_int_equal(desk->task.state, SCORE_TASK_LIVE);
}

/* What the epoch made of the texts, and which versions its note names, as bits. */
struct texts {
    unsigned written, gone, named;
};

static unsigned
version_bit(const char *name)
{
    return 1U << (name[1] - '0');
}

static struct texts
commit_epoch(struct desk *desk)
{
    struct texts texts = {0};
    struct buffer ids = {0};
    struct score_note note;

    score_task_turn(&desk->task);
    worlds_wait(&desk->worlds, 1000);
    score_task_turn(&desk->task);
    assert_non_null(desk->job);
    for (size_t i = 0; i < batch_count(desk->job->parts[0].batch); i++) {
        struct batch_record record = batch_get(desk->job->parts[0].batch, i);

        if (record.topic == TOPIC_STATE && policy_record_is_scores(record.key))
            *(record.value.at != NULL ? &texts.written : &texts.gone) |=
                version_bit(record.key.at + strlen(POLICY_RECORD_SCORES_PREFIX));
    }
    assert_int_equal(score_note_read(slice_of(desk->job->parts[0].offsets->elems[0].metadata), &note, &ids),
                     0);
    for (size_t i = 0; i < policy_ids_count(note.policies); i++)
        texts.named |=
            version_bit(policy_book_version(desk->worlds.world.book, policy_ids_get(note.policies, i)).at);
    buffer_free(&ids);
    desk->job->result = TRANSACTION_COMMITTED;
    score_task_on_done(&desk->task, desk->job);
    desk->job = NULL;
    return texts;
}

/* Nothing was ever committed. */
static const struct score_found nothing_found = {
    .committed_offset = MARKER_NO_OFFSET, .log_begin = 0, .log_end = 0};

/* A version that score_versions_max leaves no room for goes with its text, in the epoch that names it no
 * more. */
static void
test_a_version_that_goes_takes_its_text_along(void **state)
{
    static const char *const overrides[] = {"score_versions_max=2"};
    struct texts texts;
    struct desk desk;

    (void)state;
    open_owner(&desk, overrides, 1, FIRST | SECOND);
    assert_true(score_task_on_found(&desk.task, desk.questions, &nothing_found));
    make_live(&desk, &nothing_found);
    texts = commit_epoch(&desk);
    assert_int_equal(texts.written, FIRST | SECOND);
    assert_int_equal(texts.gone, 0);
    assert_int_equal(texts.named, FIRST | SECOND);
    put_on_disk(&desk, FIRST | SECOND | THIRD);
    score_task_take_policies(&desk.task);
    texts = commit_epoch(&desk);
    assert_int_equal(texts.written, THIRD);
    assert_int_equal(texts.gone, FIRST);
    assert_int_equal(texts.named, SECOND | THIRD);
    close_desk(&desk);
}

/* A version over for longer than events are accepted may go from the disk: its text is kept, and nothing is
 * amiss. One that is in force may not. */
static void
test_what_is_over_may_go_from_disk(void **state)
{
    static const char *const overrides[] = {"accept_age=10d"};
    struct desk desk;

    (void)state;
    open_owner(&desk, overrides, 1, FIRST | SECOND | THIRD);
    assert_true(score_task_on_found(&desk.task, desk.questions, &nothing_found));
    make_live(&desk, &nothing_found);
    put_on_disk(&desk, THIRD);
    score_task_take_policies(&desk.task);
    assert_false(says(&desk, "not on disk"));
    desk.worlds.config->accept_age_ms = INT64_C(40) * 86400000;
    assert_true(says(&desk, "policy v1@"));
    assert_false(says(&desk, "policy v0@"));
    put_on_disk(&desk, SECOND);
    assert_true(says(&desk, "policy v2@"));
    close_desk(&desk);
}

/* The note of another owner's epoch. */
static void
note_of(struct desk *desk, uint64_t epoch, struct slice policies, struct score_found *found)
{
    const struct score_note note = {
        .lineage = {1, 2}, .epoch = epoch, .writer = {3, epoch}, .policies = policies, .keeps_texts = true};

    (void)desk;
    *found = (struct score_found){
        .has_note = true, .note = note, .committed_offset = 0, .log_begin = 0, .log_end = 0};
}

/* Somebody who was the owner before has committed once more, while the outcomes were being read here: all of
 * it begins again, and nothing is published of what does not know that epoch. */
static void
test_an_owner_that_was_overtaken_begins_again(void **state)
{
    const int64_t five = 5;
    struct score_found found, now;
    struct desk desk;
    uint64_t serial;

    (void)state;
    open_owner(&desk, NULL, 0, FIRST);
    note_of(&desk, 7, policy_book_disk(desk.worlds.world.book), &found);
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    load_owner(&desk);
    serial = desk.task.serial;
    note_of(&desk, 8, policy_book_disk(desk.worlds.world.book), &now);
    assert_true(score_task_on_offsets(&desk.task, desk.questions, &five, &now));
    assert_int_equal(desk.task.state, SCORE_TASK_FINDING);
    assert_true(desk.task.serial > serial); /* what is out is nobody's */
    assert_false(desk.task.feedback_fetching);
    worlds_wait(&desk.worlds, 60000);
    score_task_turn(&desk.task);
    assert_null(desk.job);

    assert_true(score_task_on_found(&desk.task, desk.questions, &now));
    make_live(&desk, &now);
    assert_int_equal(desk.task.epoch, 8);
    give(&desk, "f-1", "acme");
    (void)commit_epoch(&desk);
    assert_int_equal(desk.task.committed_epoch, 9);
    close_desk(&desk);
}

/* The text of a version in force is neither here nor in slad.state: nothing is loaded, nothing published,
 * readiness says so; and after a while all is asked for again, the note too: another owner may have let that
 * version go. */
static void
test_a_missing_text_is_waited_for(void **state)
{
    struct buffer ids = {0}, sources = {0};
    struct score_found found;
    struct desk desk, other;
    uint64_t asked;

    (void)state;
    open_owner(&other, NULL, 0, FIRST | SECOND);
    buffer_append_slice(&ids, policy_book_disk(other.worlds.world.book));
    open_owner(&desk, NULL, 0, SECOND);
    note_of(&desk, 7, buffer_slice(&ids), &found);
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    assert_int_equal(desk.task.state, SCORE_TASK_LEARNING);
    assert_int_equal(policy_ids_count(buffer_slice(&desk.wanted)), 1);
    assert_true(score_task_on_policies(&desk.task, desk.questions, (struct slice){"", 0}));
    assert_true(says(&desk, "neither on this disk nor in slad.state"));
    assert_null(desk.load);
    asked = desk.questions;
    score_task_turn(&desk.task);
    assert_int_equal(desk.questions, asked); /* not at once */
    worlds_wait(&desk.worlds, 2000);
    score_task_turn(&desk.task);
    assert_int_equal(desk.task.state, SCORE_TASK_FINDING);

    assert_true(score_task_on_found(&desk.task, desk.questions, &found)); /* the same, and now it is there */
    restore_plan_add(&sources, buffer_slice(&desk.wanted),
                     policy_book_source(other.worlds.world.book, buffer_slice(&desk.wanted)));
    assert_true(score_task_on_policies(&desk.task, desk.questions, buffer_slice(&sources)));
    assert_false(says(&desk, "neither on this disk"));
    make_live(&desk, &found);
    assert_int_equal(policy_ids_count(buffer_slice(&desk.task.policies)), 2);
    buffer_free(&ids);
    buffer_free(&sources);
    close_desk(&desk);
    close_desk(&other);
}

/* ---- held, and decided ---- */

/* The tombstones of a person's decision in the epoch that is out. */
static size_t
words_used_up(const struct desk *desk)
{
    size_t count = 0;

    for (size_t i = 0; desk->job != NULL && i < batch_count(desk->job->parts[0].batch); i++) {
        struct batch_record record = batch_get(desk->job->parts[0].batch, i);

        count += record.topic == TOPIC_STATE && slice_is(record.key, CONTROL_SCORES_KEY) &&
                 record.value.at == NULL;
    }
    return count;
}

static void
send_epoch(struct desk *desk)
{
    score_task_turn(&desk->task);
    worlds_wait(&desk->worlds, 1000);
    score_task_turn(&desk->task);
    assert_non_null(desk->job);
}

/* What was committed lies beyond the log: nothing is loaded, nothing published, until a person has decided.
 * The epoch that comes then uses the decision up, and says where feedback goes on. */
static void
decide(enum control_verb verb, uint64_t epoch_then, int64_t feedback_then)
{
    struct control_scores control = {.verb = verb, .epoch = 7, .committed_offset = 500};
    const int64_t five = 5;
    struct buffer feedback = {0};
    struct score_found found, now;
    struct desk desk;

    open_owner(&desk, NULL, 0, FIRST);
    note_of(&desk, 7, policy_book_disk(desk.worlds.world.book), &found);
    found.committed_offset = 500;
    found.has_feedback = true;
    now = found;
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    assert_int_equal(desk.task.state, SCORE_TASK_HELD);
    assert_true(says(&desk, "slactl task adopt scores"));
    score_task_turn(&desk.task);
    assert_int_equal(desk.task.state, SCORE_TASK_HELD);
    worlds_wait(&desk.worlds, 2000);
    score_task_turn(&desk.task);
    assert_int_equal(desk.task.state, SCORE_TASK_FINDING);

    control.lineage = found.note.lineage;
    control_offset_add(&feedback, feedback_then);
    control.feedback = buffer_slice(&feedback);
    assert_true(score_plan_decide(&control, &found));
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    assert_false(says(&desk, "held"));
    assert_false(desk.load->snapshots); /* they are of the log that is no more */
    load_owner(&desk);
    assert_true(score_task_on_offsets(&desk.task, desk.questions, &five, &now));
    assert_int_equal(desk.task.state, SCORE_TASK_LIVE);
    assert_int_equal(desk.task.feedback_offsets[0], feedback_then);
    send_epoch(&desk);
    assert_int_equal(words_used_up(&desk), 1);
    assert_int_equal(desk.job->parts[0].offsets->elems[1].offset, feedback_then);
    assert_int_equal(desk.task.epoch, epoch_then);
    assert_int_equal(hash128_equal(desk.task.identity.lineage, control.lineage), verb == CONTROL_ADOPT);
    desk.job->result = TRANSACTION_COMMITTED;
    score_task_on_done(&desk.task, desk.job);
    desk.job = NULL;
    give(&desk, "f-1", "acme");
    send_epoch(&desk);
    assert_int_equal(words_used_up(&desk), 0);
    buffer_free(&feedback);
    close_desk(&desk);
}

static void
test_adopted_scores_go_on(void **state)
{
    (void)state;
    decide(CONTROL_ADOPT, 8, 0);
}

static void
test_fresh_scores_begin_anew(void **state)
{
    (void)state;
    decide(CONTROL_FRESH, 1, 0);
}

/* Feedback does not have its offset any more: the process goes on, for its tickets do, and the scores are
 * held until a person has decided; then they go on, also in a new life. */
static void
lose_feedback(enum control_verb verb, uint64_t epoch_then)
{
    struct control_scores control = {.verb = verb, .lineage = {1, 2}, .epoch = 7};
    struct buffer feedback = {0};
    struct score_found found, now;
    struct desk desk;
    const int64_t five = 5;

    open_owner(&desk, NULL, 0, FIRST);
    note_of(&desk, 7, policy_book_disk(desk.worlds.world.book), &found);
    now = found;
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    load_owner(&desk);
    assert_true(score_task_on_offsets(&desk.task, desk.questions, &five, &now));
    assert_int_equal(desk.task.state, SCORE_TASK_LIVE);
    score_task_on_feedback_lost(&desk.task, 0);
    assert_int_equal(desk.task.state, SCORE_TASK_FINDING);
    score_found_take_ends(&found, five, 6, 9);
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    assert_int_equal(desk.task.state, SCORE_TASK_HELD);
    assert_true(says(&desk, "slactl task adopt scores"));
    worlds_wait(&desk.worlds, 2000);
    score_task_turn(&desk.task);
    control_offset_add(&feedback, 6);
    control.feedback = buffer_slice(&feedback);
    assert_true(score_plan_decide(&control, &found));
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    load_owner(&desk);
    assert_true(score_task_on_offsets(&desk.task, desk.questions, &five, &now));
    assert_int_equal(desk.task.state, SCORE_TASK_LIVE);
    assert_int_equal(desk.task.feedback_offsets[0], 6);
    send_epoch(&desk);
    assert_int_equal(desk.task.epoch, epoch_then);
    buffer_free(&feedback);
    close_desk(&desk);
}

static void
test_lost_feedback_is_for_a_person(void **state)
{
    (void)state;
    lose_feedback(CONTROL_ADOPT, 8);
    lose_feedback(CONTROL_FRESH, 1);
}

/* Looking for it took half a minute, in which the tickets' tasks could not be loaded: they have the loader
 * most of the time. A reload looks at once. */
static void
test_a_long_search_is_rare(void **state)
{
    struct buffer ids = {0};
    struct score_found found;
    struct desk desk, other;

    (void)state;
    open_owner(&other, NULL, 0, FIRST | SECOND);
    buffer_append_slice(&ids, policy_book_disk(other.worlds.world.book));
    open_owner(&desk, NULL, 0, SECOND);
    note_of(&desk, 7, buffer_slice(&ids), &found);
    for (int i = 0; i < 2; i++) {
        assert_true(score_task_on_found(&desk.task, desk.questions, &found));
        worlds_wait(&desk.worlds, 30000);
        assert_true(score_task_on_policies(&desk.task, desk.questions, (struct slice){"", 0}));
        worlds_wait(&desk.worlds, 299999);
        score_task_turn(&desk.task);
        assert_int_equal(desk.task.state, SCORE_TASK_LEARNING);
        if (i == 0)
            worlds_wait(&desk.worlds, 1);
        else
            score_task_take_policies(&desk.task);
        score_task_turn(&desk.task);
        assert_int_equal(desk.task.state, SCORE_TASK_FINDING);
    }
    buffer_free(&ids);
    close_desk(&desk);
    close_desk(&other);
}

/* The version that is missing was let go meanwhile: it is not waited for any longer. */
static void
test_what_was_let_go_is_not_waited_for(void **state)
{
    struct buffer ids = {0};
    struct score_found found;
    struct desk desk, other;

    (void)state;
    open_owner(&other, NULL, 0, FIRST | SECOND);
    buffer_append_slice(&ids, policy_book_disk(other.worlds.world.book));
    open_owner(&desk, NULL, 0, SECOND);
    note_of(&desk, 7, buffer_slice(&ids), &found);
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    assert_true(score_task_on_policies(&desk.task, desk.questions, (struct slice){"", 0}));
    worlds_wait(&desk.worlds, 2000);
    score_task_turn(&desk.task);
    note_of(&desk, 8, policy_book_disk(desk.worlds.world.book), &found);
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    assert_false(says(&desk, "neither on this disk"));
    make_live(&desk, &found);
    buffer_free(&ids);
    close_desk(&desk);
    close_desk(&other);
}

/* Under a steady load no end is ever told: what was there when it was asked for is enough. */
static void
test_folds_where_something_is_always_coming(void **state)
{
    struct score_found found = nothing_found;
    struct ingest_record record = {.value = slice_of("{}")};
    struct score_load *load;
    struct desk desk;

    (void)state;
    found.log_end = 3;
    open_owner(&desk, NULL, 0, 1);
    assert_true(score_task_on_found(&desk.task, desk.questions, &found));
    load = desk.load;
    desk.load = NULL;
    load->home = score_home_new(&load->options, buffer_slice(&load->sources));
    load->used = -1;
    score_task_on_loaded(&desk.task, load);
    for (record.offset = 0; record.offset < 3; record.offset++) {
        assert_int_equal(desk.task.state, SCORE_TASK_FOLDING);
        score_task_on_outcome(&desk.task, &record);
    }
    assert_int_equal(desk.task.state, SCORE_TASK_ASKING);
    close_desk(&desk);
}

static const char contract_policy[] =
    "version: \"1\"\nexperience: {min_answers: 1, windows: [7d], scopes: [[]]}\n"
    "contracts:\n  - name: acme-gold\n    match: {customer: acme}\n"
    "    pxa: {window: 2d, threshold: 75%, min_answers: 1, neutral: counted, plan_days: 2}\n";

/* How many decisions about contracts the open epoch holds. */
static size_t
decisions(const struct desk *desk)
{
    return headed(desk, TOPIC_OUTCOMES, "ce_type", "slad.contract");
}

/* An hour later an answer comes, and an outcome; both have lain for so long. No end is told. */
static void
come_by(struct desk *desk, int64_t lay_ms)
{
    struct ingest_record record = {.value = slice_of("{}"), .offset = desk->task.outcomes_offset};
    char id[32];

    worlds_wait(&desk->worlds, 3600000);
    record.timestamp_ms = desk->worlds.world.now_ms - lay_ms;
    (void)snprintf(id, sizeof id, "f-%lld", (long long)desk->offset);
    score_task_on_outcome(&desk->task, &record);
    give_late(desk, id, "acme", lay_ms);
    score_task_tick(&desk->task);
}

/* What always comes and is fresh is not behind: contracts are decided about. What is old has more behind it.
 */
static void
test_decides_where_something_is_always_coming(void **state)
{
    struct desk desk;

    (void)state;
    open_desk_of(&desk, contract_policy, NULL, 0);
    for (int hour = 0; hour < 24; hour++)
        come_by(&desk, 2001);
    assert_int_equal(decisions(&desk), 0);
    assert_true(score_task_lags(&desk.task));
    come_by(&desk, 2000);
    assert_false(score_task_lags(&desk.task));
    come_by(&desk, 0);
    assert_int_equal(decisions(&desk), 1);
    for (int hour = 0; hour < 24; hour++)
        come_by(&desk, 0);
    assert_int_equal(decisions(&desk), 2);
    close_desk(&desk);
}

/* Who was at the end of everything and then stood still may not be there any more: T waits for a moment. */
static void
test_stands_still(void **state)
{
    struct desk desk;
    int64_t t_ms;

    (void)state;
    open_desk(&desk, NULL, 0);
    score_task_on_feedback_end(&desk.task, 0, 0);
    worlds_wait(&desk.worlds, 1000);
    score_task_tick(&desk.task);
    assert_int_equal(desk.task.t_ms, desk.worlds.world.now_ms);
    t_ms = desk.task.t_ms;
    worlds_wait(&desk.worlds, 60000);
    score_task_tick(&desk.task);
    assert_int_equal(desk.task.t_ms, t_ms);
    assert_in_range(score_task_wait_ms(&desk.task), 1, 1000);
    worlds_wait(&desk.worlds, score_task_wait_ms(&desk.task));
    score_task_tick(&desk.task);
    assert_int_equal(desk.task.t_ms, desk.worlds.world.now_ms);
    close_desk(&desk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_over_the_bound_are_dead_letters),
        cmocka_unit_test(test_scopes_over_the_bound_are_told),
        cmocka_unit_test(test_what_was_learned_is_cut_into_parts),
        cmocka_unit_test(test_a_version_that_goes_takes_its_text_along),
        cmocka_unit_test(test_what_is_over_may_go_from_disk),
        cmocka_unit_test(test_an_owner_that_was_overtaken_begins_again),
        cmocka_unit_test(test_a_missing_text_is_waited_for),
        cmocka_unit_test(test_a_long_search_is_rare),
        cmocka_unit_test(test_what_was_let_go_is_not_waited_for),
        cmocka_unit_test(test_adopted_scores_go_on),
        cmocka_unit_test(test_fresh_scores_begin_anew),
        cmocka_unit_test(test_lost_feedback_is_for_a_person),
        cmocka_unit_test(test_folds_where_something_is_always_coming),
        cmocka_unit_test(test_decides_where_something_is_always_coming),
        cmocka_unit_test(test_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
