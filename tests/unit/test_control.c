/* A person's decision as bytes: back whole, or refused; and which marker it is of. */
#include "../support/unit.h"
#include "shell/control.h"

static struct control
example(void)
{
    return (struct control){.verb = CONTROL_ADOPT,
                            .lineage = {7, UINT64_MAX},
                            .epoch = 12,
                            .offsets = {500, MARKER_NO_OFFSET},
                            .at_ms = 1795327670442,
                            .by = slice_of("Ada")};
}

static void
test_it_comes_back(void **state)
{
    struct control control = example(), read;
    struct buffer bytes = {0};

    (void)state;
    control_write(&control, &bytes);
    assert_int_equal(control_read(buffer_slice(&bytes), &read), 0);
    assert_int_equal(read.verb, CONTROL_ADOPT);
    assert_true(hash128_equal(read.lineage, control.lineage));
    assert_int_equal(read.epoch, 12);
    assert_int_equal(read.offsets[0], 500);
    assert_int_equal(read.offsets[1], MARKER_NO_OFFSET);
    assert_int_equal(read.at_ms, control.at_ms);
    assert_true(slice_is(read.by, "Ada"));
    buffer_free(&bytes);
}

static void
test_it_is_whole_or_refused(void **state)
{
    struct control control = example(), read;
    struct buffer bytes = {0};

    (void)state;
    control_write(&control, &bytes);
    for (size_t cut = 0; cut < bytes.bytes; cut++)
        assert_int_equal(control_read((struct slice){bytes.at, cut}, &read), -1);
    buffer_append_byte(&bytes, 0);
    assert_int_equal(control_read(buffer_slice(&bytes), &read), -1);
    bytes.bytes--;
    bytes.at[0]++; /* another format */
    assert_int_equal(control_read(buffer_slice(&bytes), &read), -1);
    bytes.at[0]--;
    bytes.at[1] = 3; /* no verb */
    assert_int_equal(control_read(buffer_slice(&bytes), &read), -1);
    buffer_reset(&bytes);
    control.offsets[0] = -2;
    control_write(&control, &bytes);
    assert_int_equal(control_read(buffer_slice(&bytes), &read), -1);
    buffer_free(&bytes);
}

static void
test_it_is_of_one_marker(void **state)
{
    struct control control = example();
    struct marker marker = {.lineage = control.lineage, .epoch = control.epoch};

    (void)state;
    assert_true(control_is_of(&control, &marker));
    marker.epoch++;
    assert_false(control_is_of(&control, &marker));
    marker.epoch--;
    marker.lineage.low++;
    assert_false(control_is_of(&control, &marker));
    assert_false(control_is_of(&control, NULL));
    control = (struct control){.verb = CONTROL_FRESH};
    assert_true(control_is_of(&control, NULL));
    control.verb = CONTROL_ADOPT; /* there is nothing to adopt */
    assert_false(control_is_of(&control, NULL));
}

/* ---- about the scores ---- */

static void
test_of_the_scores_it_comes_back_or_is_refused(void **state)
{
    struct buffer feedback = {0}, bytes = {0};
    struct control_scores control = {.verb = CONTROL_FRESH,
                                     .lineage = {7, UINT64_MAX},
                                     .epoch = 12,
                                     .committed_offset = MARKER_NO_OFFSET,
                                     .feedback_sum = 700,
                                     .at_ms = 1795327670442,
                                     .by = slice_of("Ada")},
                          read;
    struct slice offsets;
    int64_t offset;

    (void)state;
    control_offset_add(&feedback, 0);
    control_offset_add(&feedback, INT64_MAX);
    control.feedback = buffer_slice(&feedback);
    control_scores_write(&control, &bytes);
    assert_int_equal(control_scores_read(buffer_slice(&bytes), &read), 0);
    assert_int_equal(read.verb, CONTROL_FRESH);
    assert_true(hash128_equal(read.lineage, control.lineage));
    assert_int_equal(read.epoch, 12);
    assert_int_equal(read.committed_offset, MARKER_NO_OFFSET);
    assert_int_equal(read.feedback_sum, 700);
    assert_int_equal(read.at_ms, control.at_ms);
    assert_true(slice_is(read.by, "Ada"));
    offsets = read.feedback;
    assert_true(control_offset_take(&offsets, &offset));
    assert_int_equal(offset, 0);
    assert_true(control_offset_take(&offsets, &offset));
    assert_true(offset == INT64_MAX);
    assert_false(control_offset_take(&offsets, &offset));
    for (size_t cut = 0; cut < bytes.bytes; cut++)
        assert_int_equal(control_scores_read((struct slice){bytes.at, cut}, &read), -1);
    bytes.at[1] = 3; /* no verb */
    assert_int_equal(control_scores_read(buffer_slice(&bytes), &read), -1);
    buffer_reset(&bytes);
    control.feedback = slice_of("\xff"); /* no whole number */
    control_scores_write(&control, &bytes);
    assert_int_equal(control_scores_read(buffer_slice(&bytes), &read), -1);
    buffer_free(&feedback);
    buffer_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_comes_back),
        cmocka_unit_test(test_it_is_whole_or_refused),
        cmocka_unit_test(test_it_is_of_one_marker),
        cmocka_unit_test(test_of_the_scores_it_comes_back_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
