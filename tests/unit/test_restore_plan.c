/* When a task's state is to be believed: marker and committed offsets, every way they can differ. */
#include "../support/unit.h"
#include "shell/restore_plan.h"

static struct restore_found
sound(void)
{
    return (struct restore_found){
        .has_marker = true,
        .marker = {.epoch = 9, .offsets = {100, 7}, .partitions_count = 4, .group = slice_of("slad-tickets")},
        .committed = {100, 7},
        .partitions_count = 4,
        .group = "slad-tickets",
    };
}

static enum restore_verdict
judge(struct restore_found found)
{
    const char *reason = NULL;
    enum restore_verdict verdict = restore_plan_judge(&found, &reason);

    assert_true((reason != NULL) == (verdict == RESTORE_IS_AMISS));
    return verdict;
}

static void
test_sound_and_new(void **state)
{
    struct restore_found found = sound();

    (void)state;
    assert_int_equal(judge(found), RESTORE_IS_SOUND);
    found.has_marker = false;
    found.committed[0] = found.committed[1] = MARKER_NO_OFFSET;
    assert_int_equal(judge(found), RESTORE_IS_NEW);
}

static void
test_no_marker_but_offsets(void **state)
{
    struct restore_found found = sound();

    (void)state;
    found.has_marker = false;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found.committed[0] = MARKER_NO_OFFSET;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
}

static void
test_offsets_differ(void **state)
{
    struct restore_found found = sound();

    (void)state;
    found.committed[0] = 101;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found.committed[0] = 99;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found.committed[0] = MARKER_NO_OFFSET;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found = sound();
    found.committed[1] = 8;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found.committed[1] = MARKER_NO_OFFSET; /* nobody subscribes to relay: its offset may have expired */
    assert_int_equal(judge(found), RESTORE_IS_SOUND);
    found = sound();
    found.marker.offsets[0] = found.committed[0] = MARKER_NO_OFFSET; /* an epoch before the first record */
    assert_int_equal(judge(found), RESTORE_IS_SOUND);
}

static void
test_another_installation(void **state)
{
    struct restore_found found = sound();

    (void)state;
    found.partitions_count = 5;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found = sound();
    found.group = "other-tickets";
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
}

/* Somebody's open transaction hides the later marker; no record was read between the two epochs. */
static void
test_offsets_of_another_epoch(void **state)
{
    struct restore_found found = sound();
    char note[RESTORE_NOTE_BYTES];
    uint64_t epoch = 0;

    (void)state;
    restore_plan_note(10, note);
    restore_plan_read_note(slice_of(note), &epoch);
    assert_int_equal(epoch, 10);
    restore_plan_note(9, note);
    restore_plan_read_note(slice_of(note), &epoch);
    assert_int_equal(epoch, 10);
    restore_plan_read_note(slice_of("epoch=1x"), &epoch);
    restore_plan_read_note(slice_of("epoch="), &epoch);
    restore_plan_read_note(slice_of(""), &epoch);
    assert_int_equal(epoch, 10);
    found.committed_epoch = 10;
    assert_int_equal(judge(found), RESTORE_IS_AMISS);
    found.committed_epoch = 9;
    assert_int_equal(judge(found), RESTORE_IS_SOUND);
}

static void
test_embedded_has_no_committed_offsets(void **state)
{
    struct restore_found found = sound();

    (void)state;
    found.embedded = true;
    found.committed[0] = found.committed[1] = MARKER_NO_OFFSET;
    assert_int_equal(judge(found), RESTORE_IS_SOUND);
    found.has_marker = false;
    assert_int_equal(judge(found), RESTORE_IS_NEW);
}

/* ---- a person's decision ---- */

static void
test_a_decision_makes_what_was_found_be_what_is_wanted(void **state)
{
    struct control control = {.verb = CONTROL_ADOPT, .offsets = {3, 0}};
    struct marker marker = sound().marker;
    bool has_marker = true;

    (void)state;
    restore_plan_decide(&control, 77, 5, &has_marker, &marker);
    assert_true(has_marker);
    assert_int_equal(marker.offsets[0], 3);
    assert_int_equal(marker.offsets[1], 0);
    assert_int_equal(marker.partitions_count, 5);
    assert_int_equal(marker.epoch, 9);
    assert_int_equal(marker.begins_offset, 0);
    control.verb = CONTROL_FRESH;
    restore_plan_decide(&control, 77, 5, &has_marker, &marker);
    assert_false(has_marker);
    assert_int_equal(marker.begins_offset, 77); /* what lies before the decision is of another life */
}

/* Offsets of epoch 11 are committed and the marker of 9 is seen: 10 and 11 may lie behind an open
 * transaction, and a decision that was made of 9 is void as soon as they are seen. */
static void
test_a_decision_about_a_hidden_past_waits(void **state)
{
    struct restore_patience patience = {.patience_ms = 30000};
    struct restore_found found = sound();

    (void)state;
    found.committed_epoch = 9;
    assert_true(restore_plan_may_decide(&found, &patience, 1000));
    found.committed_epoch = 0; /* somebody reset the offsets */
    assert_true(restore_plan_may_decide(&found, &patience, 1000));
    found.committed_epoch = 11;
    assert_false(restore_plan_may_decide(&found, &patience, 1000));
    assert_false(restore_plan_may_decide(&found, &patience, 30999));
    assert_true(
        restore_plan_may_decide(&found, &patience, 31000)); /* nothing is pending any more: it was lost */
    found.committed_epoch = 2; /* of the life after a `fresh` */
    patience = (struct restore_patience){.patience_ms = 30000};
    assert_false(restore_plan_may_decide(&found, &patience, 1000));
    found.has_marker = false;
    patience = (struct restore_patience){.patience_ms = 30000};
    assert_false(restore_plan_may_decide(&found, &patience, 1000));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_decision_makes_what_was_found_be_what_is_wanted),
        cmocka_unit_test(test_a_decision_about_a_hidden_past_waits),
        cmocka_unit_test(test_sound_and_new),
        cmocka_unit_test(test_no_marker_but_offsets),
        cmocka_unit_test(test_offsets_differ),
        cmocka_unit_test(test_offsets_of_another_epoch),
        cmocka_unit_test(test_another_installation),
        cmocka_unit_test(test_embedded_has_no_committed_offsets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
