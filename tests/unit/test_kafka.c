/* Clients as slad sets them up: what a queue holds before anybody listens is heard of, too. */
#include "../support/unit.h"
#include "shell/kafka.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { PAUSE_US = 10000, PAUSES_MAX = 3000 };

static bool
rings(int descriptor)
{
    struct pollfd waiting = {.fd = descriptor, .events = POLLIN};

    return poll(&waiting, 1, 0) == 1;
}

/* Nobody listens on this port: the client has an error to tell soon. */
static void
test_a_queue_that_is_not_empty_rings(void **state)
{
    const char *overrides[] = {"brokers=127.0.0.1:1"};
    const struct config_source source = {.overrides = overrides, .overrides_count = 1};
    const struct log_options log_options = {.descriptor = 2, .level = LOG_ERROR};
    struct buffer errors = {0};
    struct config *config = config_load(&source, &errors);
    struct log *log = log_new(&log_options);
    struct kafka kafka = {.config = config, .log = log, .brokers = "127.0.0.1:1"};
    struct kafka_client description = {.kafka = &kafka, .name = "test"};
    char error[KAFKA_ERROR_BYTES];
    rd_kafka_t *client = kafka_producer_new(&description, error);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(client);
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    (void)state;
    for (int i = 0; i < PAUSES_MAX && rd_kafka_queue_length(queue) == 0; i++)
        usleep(PAUSE_US);
    assert_true(rd_kafka_queue_length(queue) > 0);
    kafka_queue_wake(queue, descriptor);
    assert_true(rings(descriptor));
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    close(descriptor);
    log_free(log);
    config_free(config);
    buffer_free(&errors);
}

static int
check(const char *kafka, char error[KAFKA_ERROR_BYTES])
{
    const char *overrides[] = {kafka};
    const struct config_source source = {.overrides = overrides, .overrides_count = 1};
    struct buffer errors = {0};
    struct config *config = config_load(&source, &errors);
    int status;

    assert_non_null(config);
    status = kafka_check_settings(config, error);
    config_free(config);
    buffer_free(&errors);
    return status;
}

static void
test_a_setting_nobody_knows_is_refused(void **state)
{
    char error[KAFKA_ERROR_BYTES] = "";

    (void)state;
    assert_int_equal(check("kafka.compression.type=lz4", error), 0);
    assert_int_equal(check("kafka.compression.type=brotli", error), -1);
    assert_non_null(strstr(error, "brotli"));
    assert_int_equal(check("kafka.compresion.type=lz4", error), -1);
    assert_non_null(strstr(error, "compresion.type"));
}

/* A consumer that is given what only producers use says so, and nobody needs to know. */
static void
test_what_the_other_kind_uses_is_no_news(void **state)
{
    const char *overrides[] = {"brokers=127.0.0.1:1", "kafka.compression.type=lz4"};
    const struct config_source source = {.overrides = overrides, .overrides_count = 2};
    struct buffer errors = {0};
    struct config *config = config_load(&source, &errors);
    int pipes[2];
    char said[65536];
    ssize_t bytes;
    struct log *log;
    struct kafka kafka = {.config = config, .brokers = "127.0.0.1:1"};
    const struct kafka_setting settings[] = {{"group.id", "test"}};
    struct kafka_client description = {
        .kafka = &kafka, .name = "test", .settings = settings, .settings_count = 1};
    char error[KAFKA_ERROR_BYTES];
    rd_kafka_t *client;

    (void)state;
    assert_int_equal(pipe(pipes), 0);
    kafka.log = log = log_new(&(struct log_options){.descriptor = pipes[1], .level = LOG_INFO});
    client = kafka_consumer_new(&description, error);
    assert_non_null(client);
    rd_kafka_destroy(client);
    log_write(log, LOG_WARNING, "end", LOG_INTEGER("one", 1));
    log_flush(log);
    bytes = read(pipes[0], said, sizeof said - 1);
    assert_true(bytes > 0);
    said[bytes] = '\0';
    assert_null(strstr(said, "CONFWARN"));
    log_free(log);
    close(pipes[0]);
    close(pipes[1]);
    config_free(config);
    buffer_free(&errors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_queue_that_is_not_empty_rings),
        cmocka_unit_test(test_a_setting_nobody_knows_is_refused),
        cmocka_unit_test(test_what_the_other_kind_uses_is_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
