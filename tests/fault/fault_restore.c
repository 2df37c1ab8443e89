/*
 * The loader whose every outside call fails, each in its turn, once or twice: a client that cannot be had, an
 * assignment that is refused, an error in the middle of reading, committed offsets that do not come, each of
 * them wrong in itself. On the broker in the process. Whatever fails, what the loop is told in the end is the
 * whole state and nothing beside it, a line of the log says that it waits, and the other questions get the
 * answers they would have got.
 *
 * The functions below stand before librdkafka's own. A poll that brings nothing is no call: how many there
 * are depends on the machine.
 */
#include "../support/brokers.h"
#include "shell/restore.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

enum call {
    CALL_NEW,
    CALL_ASSIGN,
    CALL_UNASSIGN,
    CALL_COMMITTED,
    CALL_ONE_COMMITTED,
    CALL_WATERMARKS,
    CALL_POLL
};

static struct {
    pthread_mutex_t lock; /* clients of the test's own are made while the loader lives */
    int until_failure;    /* calls that still go through; below 0: every one does */
    enum call failed;
    bool hit;
    int again;    /* so often the same call fails once more */
    size_t count; /* so often it has failed */
} faults = {.lock = PTHREAD_MUTEX_INITIALIZER, .until_failure = -1};

/* The turn of the one that fails. */
static bool
fails(enum call call)
{
    bool failed;

    pthread_mutex_lock(&faults.lock);
    if (faults.hit && faults.again > 0 && call == faults.failed) {
        faults.again--;
        failed = true;
    } else {
        failed = faults.until_failure >= 0 && faults.until_failure-- == 0;
        if (failed) {
            faults.hit = true;
            faults.failed = call;
        }
    }
    faults.count += failed;
    pthread_mutex_unlock(&faults.lock);
    return failed;
}

static void
arm(int nth, int again)
{
    pthread_mutex_lock(&faults.lock);
    faults.until_failure = nth;
    faults.again = again;
    faults.count = 0;
    faults.hit = false;
    pthread_mutex_unlock(&faults.lock);
}

static bool
disarm(void)
{
    bool hit;

    pthread_mutex_lock(&faults.lock);
    hit = faults.hit;
    faults.until_failure = -1;
    faults.again = 0;
    pthread_mutex_unlock(&faults.lock);
    return hit;
}

#define REAL(result, name, ...)                                                                              \
    result (*real)(__VA_ARGS__) = (result(*)(__VA_ARGS__))(uintptr_t)dlsym(RTLD_NEXT, #name)

rd_kafka_t *
rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *error, size_t error_bytes)
{
    REAL(rd_kafka_t *, rd_kafka_new, rd_kafka_type_t, rd_kafka_conf_t *, char *, size_t);

    if (!fails(CALL_NEW))
        return real(type, conf, error, error_bytes);
    (void)snprintf(error, error_bytes, "made to fail");
    return NULL;
}

rd_kafka_resp_err_t
rd_kafka_assign(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *partitions)
{
    REAL(rd_kafka_resp_err_t, rd_kafka_assign, rd_kafka_t *, const rd_kafka_topic_partition_list_t *);

    return fails(partitions != NULL ? CALL_ASSIGN : CALL_UNASSIGN) ? RD_KAFKA_RESP_ERR__FAIL
                                                                   : real(client, partitions);
}

rd_kafka_resp_err_t
rd_kafka_committed(rd_kafka_t *client, rd_kafka_topic_partition_list_t *partitions, int timeout_ms)
{
    REAL(rd_kafka_resp_err_t, rd_kafka_committed, rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
    rd_kafka_resp_err_t code;

    if (fails(CALL_COMMITTED))
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    code = real(client, partitions, timeout_ms);
    if (fails(CALL_ONE_COMMITTED)) { /* the whole succeeded, but for one of them */
        partitions->elems[0].offset = RD_KAFKA_OFFSET_INVALID;
        partitions->elems[0].err = RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    }
    return code;
}

rd_kafka_resp_err_t
rd_kafka_query_watermark_offsets(rd_kafka_t *client, const char *topic, int32_t partition, int64_t *low,
                                 int64_t *high, int timeout_ms)
{
    REAL(rd_kafka_resp_err_t, rd_kafka_query_watermark_offsets, rd_kafka_t *, const char *, int32_t,
         int64_t *, int64_t *, int);

    return fails(CALL_WATERMARKS) ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                  : real(client, topic, partition, low, high, timeout_ms);
}

static rd_kafka_message_t broken = {.err = RD_KAFKA_RESP_ERR__TRANSPORT};

rd_kafka_message_t *
rd_kafka_consumer_poll(rd_kafka_t *client, int timeout_ms)
{
    REAL(rd_kafka_message_t *, rd_kafka_consumer_poll, rd_kafka_t *, int);
    rd_kafka_message_t *message = real(client, timeout_ms);

    if (message == NULL || !fails(CALL_POLL))
        return message;
    rd_kafka_message_destroy(message);
    return &broken;
}

void
rd_kafka_message_destroy(rd_kafka_message_t *message)
{
    REAL(void, rd_kafka_message_destroy, rd_kafka_message_t *);

    if (message != &broken)
        real(message);
}

/* Nobody needs to wait for a broker that is to come back. */
int
usleep(useconds_t length_us)
{
    struct timespec length = {.tv_nsec = (long)(length_us < 1000 ? length_us : 1000) * 1000};

    return nanosleep(&length, NULL);
}

/* ---- what lies in Kafka ---- */

enum { TICKETS = 2, WAIT_MS = 30000, LOG_BYTES_MAX = 65536, OFFSET = 41 };
#define GROUP "slad-tickets"

struct scene {
    struct brokers brokers;
    struct restore *restore;
    int log;
};

static void
produce(rd_kafka_t *producer, const char *topic, const char *key, struct slice value)
{
    const rd_kafka_vu_t values[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key, strlen(key)}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.at, value.bytes}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
    };

    assert_null(rd_kafka_produceva(producer, values, sizeof values / sizeof *values));
}

static const struct marker marker = {.lineage = {1, 2},
                                     .epoch = 9,
                                     .t_ms = 1000,
                                     .writer = {3, 4},
                                     .offsets = {OFFSET, MARKER_NO_OFFSET},
                                     .partitions_count = 1,
                                     .group = {GROUP, sizeof GROUP - 1},
                                     .instance = {"one", 3}};

/* The state of one task: its tickets, then the marker. */
static void
fill(struct scene *scene)
{
    struct kafka_client description = {.kafka = &scene->brokers.kafka, .name = "test"};
    char error[KAFKA_ERROR_BYTES], key[16];
    rd_kafka_t *producer = kafka_producer_new(&description, error);
    struct buffer bytes = {0};

    assert_non_null(producer);
    for (int i = 0; i < TICKETS; i++) {
        (void)snprintf(key, sizeof key, "T-%d", i);
        produce(producer, scene->brokers.topics.names[TOPIC_STATE], key, slice_of("state"));
    }
    marker_write(&marker, &bytes);
    produce(producer, scene->brokers.topics.names[TOPIC_STATE], MARKER_KEY, buffer_slice(&bytes));
    produce(producer, scene->brokers.topics.names[TOPIC_OUTCOMES], "key", slice_of("outcome"));
    assert_int_equal(rd_kafka_flush(producer, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
    buffer_free(&bytes);
}

static void
commit(struct scene *scene)
{
    struct kafka_setting setting = {"group.id", GROUP};
    struct kafka_client description = {
        .kafka = &scene->brokers.kafka, .name = "test", .settings = &setting, .settings_count = 1};
    char error[KAFKA_ERROR_BYTES], note[RESTORE_NOTE_BYTES];
    rd_kafka_t *consumer = kafka_consumer_new(&description, error);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *at =
        rd_kafka_topic_partition_list_add(list, scene->brokers.topics.names[TOPIC_TICKETS], 0);

    assert_non_null(consumer);
    restore_plan_note(marker.epoch, note);
    at->offset = OFFSET;
    at->metadata = memory_copy(note, strlen(note) + 1);
    at->metadata_size = strlen(note);
    assert_int_equal(rd_kafka_commit(consumer, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(consumer);
}

static int
set_up(void **state)
{
    struct scene *scene = test_calloc(1, sizeof *scene);
    struct log_options log_options = {.level = LOG_WARNING};

    scene->log = log_options.descriptor = memfd_create("log", MFD_CLOEXEC);
    brokers_open(&scene->brokers, &log_options);
    scene->brokers.kafka.embedded = false; /* committed offsets count */
    for (int topic = 0; topic < TOPICS_COUNT; topic++)
        assert_int_equal(
            rd_kafka_mock_topic_create(scene->brokers.cluster, scene->brokers.topics.names[topic], 1, 1),
            RD_KAFKA_RESP_ERR_NO_ERROR);
    fill(scene);
    commit(scene);
    *state = scene;
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *scene = *state;

    brokers_close(&scene->brokers);
    close(scene->log);
    test_free(scene);
    return 0;
}

/* ---- questions ---- */

static struct restore_news *
wait_for_news(struct scene *scene)
{
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms++) {
        struct restore_news *news = restore_take(scene->restore);

        if (news != NULL)
            return news;
        usleep(1000);
    }
    fail_msg("no news");
    return NULL;
}

/* What was told since the last BEGUN is the state, each ticket once. */
static void
ask_task(struct scene *scene)
{
    bool seen[TICKETS] = {false}, over = false, begun = false;

    (void)restore_ask_task(scene->restore, 0, 1, (struct slice){0});
    while (!over) {
        struct restore_news *news = wait_for_news(scene);
        struct slice rest = buffer_slice(&news->bytes), key, value;

        assert_true(news->kind == RESTORE_BEGUN || news->kind == RESTORE_CHUNK || news->kind == RESTORE_DONE);
        over = news->kind == RESTORE_DONE;
        if (news->kind == RESTORE_BEGUN) {
            memset(seen, 0, sizeof seen);
            begun = news->has_marker && marker_is(&news->marker, &marker);
        } else
            while (restore_plan_take(&rest, &key, &value)) {
                int number = key.at[2] - '0';

                assert_true(key.bytes == 3 && number >= 0 && number < TICKETS && !seen[number]);
                assert_true(slice_is(value, "state"));
                seen[number] = true;
            }
        if (over)
            assert_int_equal(news->state_end, TICKETS + 1);
        restore_news_free(news);
    }
    assert_true(begun);
    for (int i = 0; i < TICKETS; i++)
        assert_true(seen[i]);
}

static void
ask_marker(struct scene *scene)
{
    struct restore_news *news;

    (void)restore_ask_marker(scene->restore, 0);
    news = wait_for_news(scene);
    assert_int_equal(news->kind, RESTORE_MARKER);
    assert_true(news->has_marker && marker_is(&news->marker, &marker));
    assert_int_equal(news->state_end, TICKETS + 1);
    restore_news_free(news);
}

static rd_kafka_topic_partition_list_t *
two_places(struct scene *scene)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);

    rd_kafka_topic_partition_list_add(list, scene->brokers.topics.names[TOPIC_TICKETS], 0);
    rd_kafka_topic_partition_list_add(list, scene->brokers.topics.names[TOPIC_OUTCOMES], 0);
    return list;
}

static void
ask_offsets(struct scene *scene)
{
    struct restore_news *news;

    (void)restore_ask_offsets(scene->restore, GROUP, two_places(scene));
    news = wait_for_news(scene);
    assert_int_equal(news->kind, RESTORE_OFFSETS);
    assert_int_equal(news->offsets->elems[0].offset, OFFSET);
    assert_true(news->offsets->elems[1].offset < 0);
    restore_news_free(news);
}

static void
ask_found(struct scene *scene)
{
    struct restore_news *news;

    (void)restore_ask_found(scene->restore, GROUP, two_places(scene));
    news = wait_for_news(scene);
    assert_int_equal(news->kind, RESTORE_FOUND);
    assert_int_equal(news->found.log_begin, 0);
    assert_int_equal(news->found.log_end, 1);
    assert_true(news->found.has_feedback);
    assert_int_equal(news->found.feedback_sum, OFFSET);
    restore_news_free(news);
}

/* ---- each call fails ---- */

static size_t
lines(struct scene *scene)
{
    static char text[LOG_BYTES_MAX];
    ssize_t bytes = pread(scene->log, text, sizeof text - 1, 0);
    size_t count = 0;

    assert_true(bytes >= 0);
    text[bytes] = '\0';
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

/* again: how often the call that failed fails once more, wherever it is made next. */
static void
fail_each(struct scene *scene, const char *name, void (*ask)(struct scene *scene), int again)
{
    const struct restore_options options = {
        .kafka = &scene->brokers.kafka, .topics = &scene->brokers.topics, .group = GROUP};
    bool failed;
    int nth = 0;

    do {
        size_t before = lines(scene), wanted;

        scene->restore = restore_new(&options);
        arm(nth++, again);
        ask(scene);
        failed = disarm();
        restore_free(scene->restore);
        wanted = faults.failed != CALL_UNASSIGN ? faults.count : 0; /* what was read is read */
        if (lines(scene) - before != wanted)
            fail_msg("%s, call %d: %zu lines, not %zu", name, nth, lines(scene) - before, wanted);
    } while (failed);
    print_message("%s: %d calls, each failed %d times\n", name, nth - 1, again + 1);
    assert_true(nth > 3);
}

static void
test_task(void **state)
{
    for (int again = 0; again < 2; again++)
        fail_each(*state, "task", ask_task, again);
}

static void
test_marker(void **state)
{
    for (int again = 0; again < 2; again++)
        fail_each(*state, "marker", ask_marker, again);
}

static void
test_offsets(void **state)
{
    for (int again = 0; again < 2; again++)
        fail_each(*state, "offsets", ask_offsets, again);
}

static void
test_found(void **state)
{
    for (int again = 0; again < 2; again++)
        fail_each(*state, "found", ask_found, again);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_marker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_offsets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_found, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
