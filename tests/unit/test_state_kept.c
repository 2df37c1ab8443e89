/*
 * Records that were written long ago are still read: stored bytes of every format there has been, of what
 * slad.state and Redis hold, against what they said when they were written. A format is never taken out of
 * here. When a format changes, SLAD_KEEP=1 writes the files of the new one beside the old ones, and the list
 * below gets a row.
 */
#include "../support/desk.h"
#include "shell/control.h"
#include "shell/restore_plan.h"
#include "shell/snapshot_plan.h"
#include "shell/task.h"
#include <stdio.h>
#include <stdlib.h>

enum { UNTIL_MINUTE = 24 * 60 };

/* What each format of the tickets' records is kept in: state/tickets.N and what its clocks were,
 * state/tickets.N.clocks. */
static const int ticket_formats[] = {2, 3};
static const int marker_formats[] = {1, 2, 3};

static const char policy[] =
    DESK_POLICY "agreements:\n"
                "  - name: all\n"
                "    kind: sla\n"
                "    warn_at: [50%]\n"
                "    clocks:\n"
                "      resolution: {measure: resolution, target: {P1: 1h, default: 8h}}\n"
                "      first-response: {measure: first_response, target: 30m}\n"
                "      update: {measure: update, target: 2h}\n";

static void
path_of(char path[512], const char *name)
{
    snprintf(path, 512, "%s/data/state/%s", TESTS_DIR, name);
}

static void
read_file(const char *name, struct buffer *out)
{
    char path[512], bytes[4096];
    size_t count;
    FILE *file;

    path_of(path, name);
    file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s is not there", path);
    while ((count = fread(bytes, 1, sizeof bytes, file)) > 0)
        buffer_append(out, bytes, count);
    fclose(file);
}

static bool
keeping(void)
{
    return getenv("SLAD_KEEP") != NULL;
}

static void
keep(const char *name, const struct buffer *bytes)
{
    char path[512];
    FILE *file;

    path_of(path, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes->at, 1, bytes->bytes, file), bytes->bytes);
    assert_int_equal(fclose(file), 0);
}

/* ---- tickets ---- */

/* Lives with everything a record holds: late proof, waits, merges, alerts of every state, verdicts, a
 * retirement. */
static void
tell_lives(struct desk *desk)
{
    desk_say(desk, 0,
             "created T-0 status=New actor=requester priority=P1 customer=acme group=desk requester=u-1");
    desk_say(desk, 5, "created T-1 status=New actor=requester customer=other service=mail");
    desk_say(desk, 10, "message T-1 actor=agent public=1 by=ada");
    desk_say(desk, 20, "updated T-1 status=Waiting actor=agent");
    desk_say(desk, 50, "updated T-1 status=New actor=requester");
    desk_say(desk, 95, "message T-0 actor=agent public=1 by=bert seq=7");
    desk_say(desk, 100, "message T-0 actor=agent public=1 by=ada arrives=130");
    desk_say(desk, 140, "created ~odd status=New actor=requester priority=P2");
    desk_say(desk, 150, "created T-3 status=New actor=requester");
    desk_say(desk, 160, "merged T-3 into=T-1 actor=agent");
    desk_say(desk, 300, "updated ~odd status=Resolved actor=agent");
    desk_say(desk, 330, "updated ~odd status=New actor=requester");
    desk_say(desk, 400, "updated T-0 status=Closed actor=agent");
    desk_until(desk, UNTIL_MINUTE);
}

static void
print_clock(void *context, const struct clock_line *line)
{
    struct buffer *out = context;
    const struct clock_figures *figures = &line->figures;
    char text[256];

    snprintf(text, sizeof text, "  %s/%.*s/%u %s elapsed %lld of %lld due %ld stopped %ld\n",
             clock_kind_text(line->name.kind), (int)line->name.clock.bytes, line->name.clock.at,
             line->name.cycle, clock_state_text(figures->state), (long long)figures->elapsed_ms,
             (long long)figures->target_ms, desk_minute(figures->due_at_ms),
             desk_minute(figures->stopped_at_ms));
    buffer_append_text(out, text);
}

static void
print_clocks(struct engine *engine, int64_t t_ms, struct buffer *out)
{
    static const char *const names[] = {"T-0", "T-1", "T-3", "~odd"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ticket *ticket = engine_find(engine, slice_of(names[i]));

        buffer_append_text(out, names[i]);
        buffer_append_byte(out, '\n');
        assert_non_null(ticket);
        engine_clock_lines(engine, ticket, t_ms, print_clock, out);
    }
}

/* Every record of an engine, as a loader takes them. */
static void
save_all(struct engine *engine, struct buffer *out)
{
    struct buffer key = {0}, record = {0};
    size_t cursor = 0;
    struct ticket *ticket;
    struct slice from;

    while ((ticket = engine_each(engine, &cursor)) != NULL) {
        buffer_reset(&key);
        buffer_reset(&record);
        task_state_key(ticket_name(ticket), &key);
        assert_true(engine_save(engine, ticket, &record));
        restore_plan_add(out, buffer_slice(&key), buffer_slice(&record));
    }
    cursor = 0;
    while (engine_each_merge(engine, &cursor, &from)) {
        buffer_reset(&key);
        buffer_reset(&record);
        task_merge_key(from, &key);
        assert_true(engine_save_merge(engine, from, &record));
        restore_plan_add(out, buffer_slice(&key), buffer_slice(&record));
    }
    buffer_free(&key);
    buffer_free(&record);
}

static void
keep_tickets(int format)
{
    struct buffer records = {0}, clocks = {0};
    char name[64];
    struct desk desk;

    desk_open(&desk, policy);
    tell_lives(&desk);
    save_all(desk.engine, &records);
    print_clocks(desk.engine, desk.t_ms, &clocks);
    snprintf(name, sizeof name, "tickets.%d", format);
    keep(name, &records);
    snprintf(name, sizeof name, "tickets.%d.clocks", format);
    keep(name, &clocks);
    buffer_free(&records);
    buffer_free(&clocks);
    desk_close(&desk);
}

static void
check_tickets(int format)
{
    struct buffer records = {0}, wanted = {0}, found = {0};
    struct slice rest, key, value, from;
    char name[64];
    struct desk desk;

    snprintf(name, sizeof name, "tickets.%d", format);
    read_file(name, &records);
    snprintf(name, sizeof name, "tickets.%d.clocks", format);
    read_file(name, &wanted);
    desk_open(&desk, policy);
    rest = buffer_slice(&records);
    while (restore_plan_take(&rest, &key, &value))
        assert_int_equal(task_is_merge(key, &from) ? engine_load_merge(desk.engine, from, value)
                                                   : engine_load(desk.engine, task_state_ticket(key), value),
                         0);
    desk.t_ms = DESK_AT_MS(UNTIL_MINUTE);
    engine_loaded(desk.engine, desk.t_ms);
    desk_until(&desk, UNTIL_MINUTE);
    desk_heard(&desk, ""); /* what was announced then is not announced again */
    print_clocks(desk.engine, desk.t_ms, &found);
    buffer_append_byte(&wanted, '\0');
    buffer_append_byte(&found, '\0');
    assert_string_equal(found.at, wanted.at);
    buffer_free(&records);
    buffer_free(&wanted);
    buffer_free(&found);
    desk_close(&desk);
}

static void
test_tickets(void **state)
{
    const size_t count = sizeof ticket_formats / sizeof *ticket_formats;

    (void)state;
    if (keeping())
        keep_tickets(ENGINE_STATE_FORMAT);
    assert_int_equal(ticket_formats[count - 1],
                     ENGINE_STATE_FORMAT); /* else: keep its files, and add its row */
    for (size_t i = 0; i < count; i++)
        check_tickets(ticket_formats[i]);
}

/* ---- markers, decisions, heads ---- */

static struct marker
marker_example(void)
{
    return (struct marker){.lineage = {11, 12},
                           .epoch = 77,
                           .t_ms = HISTORIES_START_MS,
                           .writer = {13, 14},
                           .offsets = {500, 6},
                           .alerts_from_ms = HISTORIES_START_MS - 1000,
                           .created_at_ms = HISTORIES_START_MS - 2000,
                           .begins_offset = 44,
                           .partitions_count = 12,
                           .group = slice_of("slad-tickets"),
                           .instance = slice_of("slad-1"),
                           .policies = slice_of("0123456789abcdef")};
}

static void
test_markers(void **state)
{
    const size_t count = sizeof marker_formats / sizeof *marker_formats;
    struct marker wanted = marker_example(), read;
    struct buffer bytes = {0};
    char name[64];

    (void)state;
    if (keeping()) {
        marker_write(&wanted, &bytes);
        snprintf(name, sizeof name, "marker.%d", MARKER_FORMAT);
        keep(name, &bytes);
    }
    assert_int_equal(marker_formats[count - 1], MARKER_FORMAT);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "marker.%d", marker_formats[i]);
        buffer_reset(&bytes);
        read_file(name, &bytes);
        assert_int_equal(marker_read(buffer_slice(&bytes), &read), 0);
        assert_true(marker_is(&read, &wanted));
        assert_int_equal(read.offsets[0], 500);
        assert_int_equal(read.offsets[1], 6);
        assert_int_equal(read.t_ms, wanted.t_ms);
        assert_int_equal(read.alerts_from_ms, wanted.alerts_from_ms);
        assert_int_equal(read.created_at_ms, wanted.created_at_ms);
        assert_int_equal(read.begins_offset, marker_formats[i] == 1 ? 0 : 44);
        assert_int_equal(read.partitions_count, 12);
        assert_true(slice_is(read.group, "slad-tickets") && slice_is(read.instance, "slad-1"));
        assert_true(slice_is(read.policies, marker_formats[i] < 3 ? "" : "0123456789abcdef"));
    }
    buffer_free(&bytes);
}

static void
test_decision(void **state)
{
    struct control read, wanted = {.verb = CONTROL_ADOPT,
                                   .lineage = {11, 12},
                                   .epoch = 77,
                                   .offsets = {500, MARKER_NO_OFFSET},
                                   .at_ms = HISTORIES_START_MS,
                                   .by = slice_of("ada")};
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(CONTROL_FORMAT, 1);
    if (keeping()) {
        control_write(&wanted, &bytes);
        keep("control.1", &bytes);
    }
    buffer_reset(&bytes);
    read_file("control.1", &bytes);
    assert_int_equal(control_read(buffer_slice(&bytes), &read), 0);
    assert_int_equal(read.verb, CONTROL_ADOPT);
    assert_true(hash128_equal(read.lineage, wanted.lineage) && read.epoch == 77 && slice_is(read.by, "ada"));
    assert_int_equal(read.offsets[0], 500);
    assert_int_equal(read.offsets[1], MARKER_NO_OFFSET);
    buffer_free(&bytes);
}

static void
check_head(const struct snapshot_head *read, const struct snapshot_head *wanted)
{
    struct buffer name = {0};

    assert_true(hash128_equal(read->lineage, wanted->lineage) && hash128_equal(read->writer, wanted->writer));
    assert_int_equal(read->epoch, 77);
    assert_int_equal(read->state_offset, 90);
    assert_int_equal(read->begun_at_ms, HISTORIES_START_MS);
    assert_int_equal(read->buckets_count, 2);
    assert_int_equal(read->buckets[0].bytes, 1000);
    assert_int_equal(read->buckets[0].hash, 5);
    assert_int_equal(read->buckets[1].epoch, 0);
    snapshot_name_bucket(&name, "slad", 3, read, 0);
    assert_true(slice_is(buffer_slice(&name), "slad:snapshot:3:2:0:70:0000000000000009"));
    buffer_free(&name);
}

static void
test_head(void **state)
{
    struct snapshot_bucket buckets[2] = {{.epoch = 70, .stamp = 9, .bytes = 1000, .hash = 5}, {.epoch = 0}};
    struct snapshot_head read, wanted = {.lineage = {11, 12},
                                         .epoch = 77,
                                         .writer = {13, 14},
                                         .state_offset = 90,
                                         .begun_at_ms = HISTORIES_START_MS,
                                         .buckets_count = 2,
                                         .buckets = buckets};
    struct buffer bytes = {0};

    (void)state;
    assert_int_equal(SNAPSHOT_FORMAT, 2);
    if (keeping()) {
        snapshot_head_write(&wanted, &bytes);
        keep("head.2", &bytes);
    }
    for (int format = 1; format <= SNAPSHOT_FORMAT; format++) {
        buffer_reset(&bytes);
        read_file(format == 1 ? "head.1" : "head.2", &bytes);
        assert_int_equal(snapshot_head_read(buffer_slice(&bytes), &read), 0);
        check_head(&read, &wanted);
        snapshot_head_done(&read);
    }
    buffer_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tickets),
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_decision),
        cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
