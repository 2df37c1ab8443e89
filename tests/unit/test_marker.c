/* The epoch marker, and what one task tells the others: bytes and back; nothing else is taken for one. */
#include "../support/unit.h"
#include "shell/marker.h"
#include "shell/relay_record.h"

static struct marker
example(void)
{
    return (struct marker){
        .lineage = {UINT64_MAX, 1},
        .epoch = 77,
        .t_ms = 1795327670442,
        .writer = {2, 3},
        .offsets = {12345678901, MARKER_NO_OFFSET},
        .alerts_from_ms = INT64_MIN,
        .created_at_ms = -5,
        .begins_offset = 4321,
        .partitions_count = 12,
        .group = slice_of("slad-tickets"),
        .instance = slice_of("slad-1"),
        .policies = slice_of("0123456789abcdef"),
    };
}

static void
test_marker_comes_back(void **state)
{
    struct marker marker = example(), read;
    struct buffer bytes = {0};

    (void)state;
    marker_write(&marker, &bytes);
    assert_int_equal(marker_read(buffer_slice(&bytes), &read), 0);
    assert_true(hash128_equal(read.lineage, marker.lineage) && hash128_equal(read.writer, marker.writer));
    assert_int_equal(read.epoch, marker.epoch);
    assert_int_equal(read.t_ms, marker.t_ms);
    assert_int_equal(read.offsets[0], marker.offsets[0]);
    assert_int_equal(read.offsets[1], marker.offsets[1]);
    assert_true(read.alerts_from_ms == INT64_MIN);
    assert_int_equal(read.created_at_ms, marker.created_at_ms);
    assert_int_equal(read.begins_offset, 4321);
    assert_int_equal(read.partitions_count, 12);
    assert_true(slice_is(read.group, "slad-tickets") && slice_is(read.instance, "slad-1"));
    assert_true(slice_is(read.policies, "0123456789abcdef"));
    buffer_free(&bytes);
}

static void
test_marker_is_whole_or_refused(void **state)
{
    struct marker marker = example(), read;
    struct buffer bytes = {0};
    struct slice text;

    (void)state;
    marker_write(&marker, &bytes);
    text = buffer_slice(&bytes);
    for (size_t cut = 0; cut < text.bytes; cut++)
        assert_int_equal(marker_read((struct slice){text.at, cut}, &read), -1);
    buffer_append_byte(&bytes, 0);
    assert_int_equal(marker_read(buffer_slice(&bytes), &read), -1);
    bytes.at[0] = MARKER_FORMAT + 1;
    bytes.bytes--;
    assert_int_equal(marker_read(buffer_slice(&bytes), &read), -1);
    buffer_free(&bytes);
}

static void
test_marker_identity(void **state)
{
    struct marker own = example(), other = example();

    (void)state;
    other.t_ms++;
    assert_true(marker_is(&own, &other));
    other.epoch++;
    assert_false(marker_is(&own, &other));
    other = example();
    other.writer.low++;
    assert_false(marker_is(&own, &other)); /* same lineage, same epoch, another process: not mine */
    other = example();
    other.lineage.high++;
    assert_false(marker_is(&own, &other));
}

static void
test_relay_comes_back(void **state)
{
    struct relay relay = {.from_ticket = slice_of("A"),
                          .into_ticket = slice_of("B"),
                          .at_ms = 5,
                          .active = true,
                          .started_at_ms = -7,
                          .has_contact = true,
                          .contact_at_ms = 9};
    struct relay read;
    struct buffer bytes = {0};

    (void)state;
    relay_record_write(&relay, &bytes);
    assert_int_equal(relay_record_read(buffer_slice(&bytes), &read), 0);
    assert_true(slice_is(read.from_ticket, "A") && slice_is(read.into_ticket, "B"));
    assert_true(read.active && read.has_contact);
    assert_int_equal(read.at_ms, 5);
    assert_int_equal(read.started_at_ms, -7);
    assert_int_equal(read.contact_at_ms, 9);
    for (size_t cut = 0; cut < bytes.bytes; cut++)
        assert_int_equal(relay_record_read((struct slice){bytes.at, cut}, &read), -1);
    buffer_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marker_comes_back),
        cmocka_unit_test(test_marker_is_whole_or_refused),
        cmocka_unit_test(test_marker_identity),
        cmocka_unit_test(test_relay_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
