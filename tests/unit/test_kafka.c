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

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_queue_that_is_not_empty_rings)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
