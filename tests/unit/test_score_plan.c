/* What the score task decides about its own life: notes, identities, heads, how far it has read. */
#include "../support/unit.h"
#include "shell/policy_record.h"
#include "shell/score_plan.h"

#define IDS "0123456789abcdefABCDEFGHIJKLMNOP"

static const struct hash128 ours = {11, 12}, other = {21, 22}, writer = {31, 32};

static struct score_found
found_of(uint64_t epoch, int64_t committed_offset, int64_t log_end)
{
    return (struct score_found){.has_note = epoch > 0,
                                .note = {.lineage = ours,
                                         .epoch = epoch,
                                         .writer = writer,
                                         .policies = slice_of(IDS),
                                         .keeps_texts = true},
                                .committed_offset = committed_offset,
                                .log_end = log_end};
}

static void
test_note(void **state)
{
    const struct score_note note = {
        .lineage = ours, .epoch = 77, .writer = writer, .policies = slice_of(IDS), .keeps_texts = true};
    struct score_note read;
    struct buffer text = {0}, policies = {0};

    (void)state;
    score_note_write(&note, &text);
    assert_int_equal(score_note_read(buffer_slice(&text), &read, &policies), 0);
    assert_true(hash128_equal(read.lineage, ours) && hash128_equal(read.writer, writer));
    assert_int_equal(read.epoch, 77);
    assert_true(slice_equal(read.policies, slice_of(IDS)) && read.keeps_texts);
    buffer_reset(&policies);
    text.at[12] = '1'; /* the format before: nobody saw to the texts */
    assert_int_equal(score_note_read(buffer_slice(&text), &read, &policies), 0);
    assert_false(read.keeps_texts);
    text.at[12] = '2';
    buffer_reset(&policies);
    for (size_t i = 0; i < text.bytes; i++) {
        struct slice cut = {text.at, i};
        char kept = text.at[i];

        /* cut off where no id ends, it is none; a list of ids may end after any of them */
        if (i < text.bytes - 64 || (text.bytes - i) % ((size_t)POLICY_ID_BYTES * 2) != 0)
            assert_int_equal(score_note_read(cut, &read, &policies), -1);
        text.at[i] = 'x';
        assert_int_equal(score_note_read(buffer_slice(&text), &read, &policies), -1);
        text.at[i] = kept;
        buffer_reset(&policies);
    }
    buffer_free(&text);
    buffer_free(&policies);
}

/* The most versions that a note takes fit into what brokers take. */
static void
test_note_fits(void **state)
{
    struct buffer ids = {0}, text = {0};
    struct score_note note = {.lineage = {UINT64_MAX, UINT64_MAX},
                              .epoch = INT64_MAX,
                              .writer = {UINT64_MAX, UINT64_MAX},
                              .keeps_texts = true};

    (void)state;
    for (size_t i = 0; i < SCORE_NOTE_POLICIES_MAX * POLICY_ID_BYTES; i++)
        buffer_append_byte(&ids, (char)i);
    note.policies = buffer_slice(&ids);
    score_note_write(&note, &text);
    assert_in_range(text.bytes, 1, 4096);
    buffer_free(&ids);
    buffer_free(&text);
}

/* The offset of slad.outcomes and the log it is of belong to one life, and feedback's offsets to the same. */
static void
test_amiss(void **state)
{
    struct score_found found = found_of(7, 100, 100);

    (void)state;
    assert_null(score_plan_amiss(&found));
    found.log_end = 99; /* made anew, or an older copy */
    assert_non_null(score_plan_amiss(&found));
    found.log_end = -1; /* not known */
    assert_null(score_plan_amiss(&found));
    found = found_of(0, MARKER_NO_OFFSET, 0); /* nobody was there */
    assert_null(score_plan_amiss(&found));
    found.has_feedback = true; /* somebody was */
    assert_non_null(score_plan_amiss(&found));
    found.committed_offset = 0; /* and left no note: an older version of slad */
    assert_null(score_plan_amiss(&found));
}

/* Feedback has what is committed of it, from its first record to behind its last. */
static void
test_lost_feedback(void **state)
{
    static const struct {
        int64_t committed, low, high;
        bool lost;
    } cases[] = {
        {10, 0, 10, false}, {10, 10, 20, false}, {10, 11, 20, true}, {10, 0, 9, true}, {-1, 5, 9, false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct score_found found = found_of(7, 100, 100);

        score_found_take_ends(&found, cases[i].committed, cases[i].low, cases[i].high);
        assert_int_equal(score_plan_amiss(&found) != NULL, cases[i].lost);
        score_found_take_ends(&found, 3, 3, 3); /* the others do not make it good */
        assert_int_equal(score_plan_amiss(&found) != NULL, cases[i].lost);
    }
}

static void
test_identity(void **state)
{
    struct score_found found = found_of(5, 100, 200);
    struct score_note identity = score_plan_identity(&found, other);

    (void)state;
    assert_true(hash128_equal(identity.lineage, ours));
    assert_int_equal(identity.epoch, 5);
    assert_true(score_plan_same(&identity, &found));
    found.note.epoch = 6;
    assert_false(score_plan_same(&identity, &found)); /* somebody else has committed */
    found = found_of(5, 100, 99);                     /* the log was made anew */
    identity = score_plan_identity(&found, other);
    assert_true(hash128_equal(identity.lineage, other));
    assert_int_equal(identity.epoch, 0);
    assert_int_equal(identity.policies.bytes, 0);
    assert_true(score_plan_same(&identity, &found));
    found = found_of(0, MARKER_NO_OFFSET, 0);
    identity = score_plan_identity(&found, other);
    assert_true(hash128_equal(identity.lineage, other));
    assert_true(score_plan_same(&identity, &found));
    found = found_of(1, 0, 0);
    assert_false(score_plan_same(&identity, &found));
}

static void
head_of(struct buffer *out, struct hash128 lineage, uint64_t epoch, int64_t state_offset, uint32_t count)
{
    struct snapshot_bucket buckets[8] = {{0}};
    const struct snapshot_head head = {.lineage = lineage,
                                       .epoch = epoch,
                                       .writer = writer,
                                       .state_offset = state_offset,
                                       .begun_at_ms = 1000,
                                       .buckets_count = count,
                                       .buckets = buckets};

    buffer_reset(out);
    snapshot_head_write(&head, out);
}

static enum snapshot_verdict
judge(const struct buffer *head, const struct score_found *found, const struct score_note *identity)
{
    struct snapshot_head read;
    enum snapshot_verdict verdict =
        score_plan_judge(buffer_slice(head), found, identity, 8, INT64_C(1) << 50, &read);

    if (verdict == SNAPSHOT_FITS)
        snapshot_head_done(&read);
    return verdict;
}

static void
test_judge(void **state)
{
    struct score_found found = found_of(5, 100, 200);
    struct score_note identity = score_plan_identity(&found, other);
    struct buffer head = {0};

    (void)state;
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_ABSENT);
    head_of(&head, ours, 5, 150, 8);
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_FITS);
    head_of(&head, ours, 4, 150, 8); /* of yesterday: the tail is longer, that is all */
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_FITS);
    head_of(&head, other, 5, 150, 8);
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_OTHER_LINEAGE);
    head_of(&head, ours, 6, 150, 8);
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_NEWER);
    head_of(&head, ours, 5, 201, 8);
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_NEWER);
    head_of(&head, ours, 5, 150, 4);
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_GARBAGE);
    head_of(&head, ours, 5, 150, 8);
    head.at[3] ^= 1;
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_GARBAGE);
    head_of(&head, ours, 5, 150, 8);
    found.log_begin = 151;
    assert_int_equal(judge(&head, &found, &identity), SNAPSHOT_TOO_OLD);
    buffer_free(&head);
}

static void
test_reached(void **state)
{
    struct score_found found = found_of(5, 100, 200);

    (void)state;
    assert_int_equal(score_plan_reached(&found, 0, 199),
                     SCORE_REACH_MORE); /* a transaction is open behind it */
    assert_int_equal(score_plan_reached(&found, 0, 200), SCORE_REACH_WHOLE);
    assert_int_equal(score_plan_reached(&found, 0, 300), SCORE_REACH_WHOLE);
    assert_int_equal(score_plan_reached(&found, 250, 210), SCORE_REACH_SHORT);
    found.log_end = 90;
    assert_int_equal(score_plan_reached(&found, 0, 90), SCORE_REACH_SHORT);
}

static void
test_missing(void **state)
{
    struct buffer missing = {0};

    (void)state;
    score_plan_missing(slice_of(IDS), slice_of("0123456789abcdef"), &missing);
    assert_true(slice_equal(buffer_slice(&missing), slice_of("ABCDEFGHIJKLMNOP")));
    buffer_free(&missing);
}

/* A person's decision counts of what was seen, and of nothing else. */
static void
test_decision(void **state)
{
    const struct score_found held = found_of(7, 500, 20);
    struct control_scores control = {.verb = CONTROL_ADOPT,
                                     .lineage = ours,
                                     .epoch = 7,
                                     .committed_offset = 500,
                                     .feedback = slice_of("f")};
    struct score_found found = held, none = {.committed_offset = MARKER_NO_OFFSET, .has_feedback = true};

    (void)state;
    assert_non_null(score_plan_amiss(&held));
    assert_true(score_plan_decide(&control, &found));
    assert_null(score_plan_amiss(&found));
    assert_true(slice_is(found.feedback, "f"));
    assert_true(hash128_equal(score_plan_identity(&found, other).lineage, ours)); /* who we are stays */
    assert_int_equal(score_plan_reached(&found, 0, 20), SCORE_REACH_WHOLE);
    found = held;
    control.verb = CONTROL_FRESH;
    assert_true(score_plan_decide(&control, &found));
    assert_true(hash128_equal(score_plan_identity(&found, other).lineage, other));
    for (int i = 0; i < 4; i++) {
        struct control_scores of_another = control;

        found = held;
        of_another.lineage.low += i == 0;
        of_another.epoch += i == 1;
        of_another.committed_offset -= i == 2;
        of_another.feedback_sum += i == 3;
        assert_false(score_plan_decide(&of_another, &found));
        assert_non_null(score_plan_amiss(&found));
    }
    found = held;
    found.log_end = 600; /* nothing is amiss: nothing is decided */
    assert_false(score_plan_decide(&control, &found));
    control = (struct control_scores){.verb = CONTROL_ADOPT, .committed_offset = MARKER_NO_OFFSET};
    assert_true(score_plan_decide(&control, &none));
    assert_null(score_plan_amiss(&none));
    assert_int_equal(score_plan_identity(&none, other).epoch, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note),          cmocka_unit_test(test_note_fits),
        cmocka_unit_test(test_identity),      cmocka_unit_test(test_amiss),
        cmocka_unit_test(test_judge),         cmocka_unit_test(test_reached),
        cmocka_unit_test(test_missing),       cmocka_unit_test(test_decision),
        cmocka_unit_test(test_lost_feedback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
