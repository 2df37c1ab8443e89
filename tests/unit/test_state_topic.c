/* Reading slad.state, from the broker in the process: it ends when it is told to, and with what was there. */
#include "../support/worlds.h"
#include "shell/embedded.h"
#include "shell/state_topic.h"
#include <stdatomic.h>

enum { BEFORE = 300 };

struct scene {
    struct worlds worlds;
    struct embedded *embedded;
    struct topics topics;
    struct state_topic state;
    struct kafka_client writing;
    rd_kafka_t *writer;
    atomic_bool stopping;
    size_t seen, stop_at;
};

static void
write_one(struct scene *scene)
{
    const rd_kafka_vu_t values[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = scene->topics.names[TOPIC_STATE]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {"k", 1}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {"v", 1}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };

    assert_null(rd_kafka_produceva(scene->writer, values, sizeof values / sizeof *values));
    rd_kafka_poll(scene->writer, 0);
}

static void
take(void *context, const rd_kafka_message_t *message)
{
    struct scene *scene = context;

    (void)message;
    scene->seen++;
    if (scene->seen == scene->stop_at)
        atomic_store(&scene->stopping, true);
}

static void
open_scene(struct scene *scene)
{
    static const struct kafka_setting settings[] = {{"linger.ms", "0"}};
    char error[KAFKA_ERROR_BYTES] = "";
    struct kafka *kafka;

    memset(scene, 0, sizeof *scene);
    worlds_open(&scene->worlds, "version: \"1\"\nstatuses:\n  New: {state: open}\n", NULL, 0);
    kafka = &scene->worlds.world.kafka;
    kafka->config = scene->worlds.config;
    kafka->log = scene->worlds.world.log;
    kafka->embedded = true;
    topics_init(&scene->topics, scene->worlds.config);
    scene->embedded = embedded_new(kafka, &scene->topics, error);
    assert_string_equal(error, "");
    kafka->brokers = embedded_address(scene->embedded);
    scene->writing =
        (struct kafka_client){.kafka = kafka, .name = "writer", .settings = settings, .settings_count = 1};
    scene->writer = kafka_producer_new(&scene->writing, error);
    assert_non_null(scene->writer);
    for (int i = 0; i < BEFORE; i++)
        write_one(scene);
    assert_int_equal(rd_kafka_flush(scene->writer, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    state_topic_init(&scene->state, kafka, &scene->topics, "group", &scene->stopping);
    assert_int_equal(state_topic_open(&scene->state, error), 0);
}

static void
close_scene(struct scene *scene)
{
    state_topic_done(&scene->state);
    rd_kafka_purge(scene->writer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(scene->writer);
    embedded_free(scene->embedded);
    topics_done(&scene->topics);
    worlds_close(&scene->worlds);
}

static int
read_all(struct scene *scene)
{
    const struct state_taker taker = {take, scene};
    char error[KAFKA_ERROR_BYTES];

    return state_topic_read(&scene->state, 0, RD_KAFKA_OFFSET_BEGINNING, &taker, error);
}

/* A stop does not wait for the rest of a long state. */
static void
test_it_stops_in_the_middle(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene);
    scene.stop_at = 5;
    assert_int_equal(read_all(&scene), -1);
    assert_int_equal(scene.seen, 5);
    scene.stop_at = scene.seen = 0;
    atomic_store(&scene.stopping, false);
    assert_int_equal(read_all(&scene), 0);
    assert_int_equal(scene.seen, BEFORE);
    close_scene(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_stops_in_the_middle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
