/* shell/acks: the id of an acknowledgement, and the partition it goes to. */
#include "../support/unit.h"
#include "shell/acks.h"
#include "shell/partitioner.h"
#include <fcntl.h>
#include <stdlib.h>

struct room {
    struct config *config;
    struct metrics *metrics;
    struct log *log;
    struct board *board;
    struct world world;
    int descriptor;
};

static int
setup(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    struct buffer errors = {0};

    room->config = config_load(&(struct config_source){0}, &errors);
    room->metrics = metrics_new();
    room->descriptor = open("/dev/null", O_WRONLY);
    room->log = log_new(&(struct log_options){.descriptor = room->descriptor, .level = LOG_DEBUG});
    room->board = board_new(room->config, room->metrics, room->log, 7);
    room->world = (struct world){.config = room->config, .partitions_count = 12};
    *state = room;
    return 0;
}

static int
teardown(void **state)
{
    struct room *room = *state;

    board_free(room->board);
    log_free(room->log);
    metrics_free(room->metrics);
    config_free(room->config);
    close(room->descriptor);
    free(room);
    return 0;
}

static const struct board_entry *
put(struct room *room, const char *key, const char *value)
{
    board_record_from(room->board, BOARD_ALERTS, 5, slice_of(key), slice_of(value), 0);
    return board_find(room->board, BOARD_ALERTS, slice_of(key), NULL);
}

static const char *
id_of(const struct board_entry *alert, const char *by)
{
    static char ids[8][ACKS_ID_BYTES];
    static unsigned next;
    const struct ack ack = {.alert = alert, .by = slice_of(by)};

    acks_make_id(&ack, ids[next % 8]);
    return ids[next++ % 8];
}

static void
one_press_is_one_event(void **state)
{
    struct room *room = *state;
    const struct board_entry *alert =
        put(room, "T1/sla/c/1/breach",
            "{\"ticket\":\"T1\",\"kind\":\"sla\",\"state\":\"firing\",\"arrival\":{\"revision\":1}}");
    char first[ACKS_ID_BYTES];

    strcpy(first, id_of(alert, "mona"));
    assert_int_equal(strlen(first), 36);
    assert_string_equal(id_of(alert, "mona"), first);
    assert_string_not_equal(id_of(alert, "nils"), first);
    alert = put(room, "T1/sla/c/2/breach",
                "{\"ticket\":\"T1\",\"kind\":\"sla\",\"state\":\"firing\",\"arrival\":{\"revision\":1}}");
    assert_string_not_equal(id_of(alert, "mona"), first);
    alert = put(room, "T1/sla/c/1/breach",
                "{\"ticket\":\"T1\",\"kind\":\"sla\",\"state\":\"repeated\",\"arrival\":{\"revision\":2}}");
    assert_string_not_equal(id_of(alert, "mona"), first); /* it was said again: a new press is a new event */
}

static void
it_goes_where_its_ticket_is(void **state)
{
    struct room *room = *state;
    const struct board_entry *alert =
        put(room, "T1/sla/c/1/breach", "{\"ticket\":\"T1\",\"kind\":\"sla\",\"state\":\"firing\"}");

    room->config->partitioner = CONFIG_PARTITIONER_MURMUR2;
    assert_int_equal(acks_partition(&room->world, alert),
                     partitioner_partition(PARTITIONER_MURMUR2, slice_of("T1"), 12));
    room->config->partitioner = CONFIG_PARTITIONER_CRC32;
    assert_int_equal(acks_partition(&room->world, alert),
                     partitioner_partition(PARTITIONER_CRC32, slice_of("T1"), 12));
    room->config->partitioner = CONFIG_PARTITIONER_ANY; /* the alert lies in its task's partition */
    assert_int_equal(acks_partition(&room->world, alert), 5);
    alert = put(room, "T1/experience/s/f/detractor",
                "{\"ticket\":\"T1\",\"kind\":\"experience\",\"state\":\"firing\"}");
    assert_int_equal(acks_partition(&room->world, alert), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_press_is_one_event, setup, teardown),
        cmocka_unit_test_setup_teardown(it_goes_where_its_ticket_is, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
