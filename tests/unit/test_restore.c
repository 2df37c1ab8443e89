/* The loader, on the broker in the process: a question that cannot be answered does not hold up the others.
 */
#include "../support/worlds.h"
#include "shell/restore.h"
#include <librdkafka/rdkafka_mock.h>
#include <unistd.h>

enum { OFFSET_FETCH = 9, REFUSALS = 1000, PATIENCE = 1000, PAUSE_US = 10000 };

struct scene {
    struct worlds worlds;
    rd_kafka_t *owner;
    rd_kafka_mock_cluster_t *cluster;
    struct restore *restore;
};

static void
open_scene(struct scene *scene)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct kafka *kafka;
    char error[KAFKA_ERROR_BYTES];

    memset(scene, 0, sizeof *scene);
    worlds_open(&scene->worlds, "version: \"1\"\nstatuses:\n  New: {state: open}\n", NULL, 0);
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "3", error, sizeof error), RD_KAFKA_CONF_OK);
    scene->owner = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    assert_non_null(scene->owner);
    scene->cluster = rd_kafka_mock_cluster_new(scene->owner, 1);
    assert_int_equal(
        rd_kafka_mock_topic_create(scene->cluster, scene->worlds.world.topics.names[TOPIC_STATE], 1, 1),
        RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka = &scene->worlds.world.kafka;
    kafka->config = scene->worlds.config;
    kafka->log = scene->worlds.world.log;
    kafka->brokers = rd_kafka_mock_cluster_bootstraps(scene->cluster);
}

static void
close_scene(struct scene *scene)
{
    restore_free(scene->restore);
    rd_kafka_mock_cluster_destroy(scene->cluster);
    rd_kafka_destroy(scene->owner);
    worlds_close(&scene->worlds);
}

/* The group of the scores may not be asked; a task that waits to hear of its marker hears of it all the same.
 */
static void
test_a_group_that_does_not_answer_holds_up_no_task(void **state)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t refusals[REFUSALS];
    struct restore_news *news = NULL;
    struct restore_options options;
    struct scene scene;
    uint64_t marker;

    (void)state;
    open_scene(&scene);
    for (int i = 0; i < REFUSALS; i++)
        refusals[i] = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    rd_kafka_mock_push_request_errors_array(scene.cluster, OFFSET_FETCH, REFUSALS, refusals);
    options = (struct restore_options){
        .kafka = &scene.worlds.world.kafka, .topics = &scene.worlds.world.topics, .group = "tickets"};
    scene.restore = restore_new(&options);
    rd_kafka_topic_partition_list_add(list, scene.worlds.world.topics.names[TOPIC_OUTCOMES], 0);
    (void)restore_ask_offsets(scene.restore, "scores", list);
    marker = restore_ask_marker(scene.restore, 0);
    for (int i = 0; i < PATIENCE && news == NULL; i++) {
        usleep(PAUSE_US);
        news = restore_take(scene.restore);
    }
    assert_non_null(news);
    assert_int_equal(news->kind, RESTORE_MARKER);
    assert_int_equal(news->question, marker);
    assert_false(news->has_marker);
    restore_news_free(news);
    close_scene(&scene);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_group_that_does_not_answer_holds_up_no_task)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
