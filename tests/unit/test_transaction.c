/* The transaction thread: every way one can end, with errors from a mock broker. (Every outside call that
 * fails in its turn: fault/fault_transaction.c.) */
#include "../support/brokers.h"
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    PRODUCE = 0,
    TXN_OFFSET_COMMIT = 28,
    END_TXN = 26,
    WAIT_MS = 30000
}; /* API keys of the Kafka protocol */

/* Short sleeps of whoever is linked with this: the transaction thread's rests, and nobody else's. */
static atomic_int rests_count;
static atomic_uint rest_us_max;

int
usleep(useconds_t length_us)
{
    struct timespec length = {.tv_sec = length_us / 1000000, .tv_nsec = (long)(length_us % 1000000) * 1000};

    if (length_us < 10000) {
        atomic_fetch_add(&rests_count, 1);
        if (length_us > atomic_load(&rest_us_max))
            atomic_store(&rest_us_max, length_us);
    }
    return nanosleep(&length, NULL);
}

struct fixture {
    struct brokers brokers;
    struct transaction *transaction;
};

static int
set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    const struct log_options log_options = {.descriptor = 2, .level = LOG_ERROR};

    brokers_open(&fixture->brokers, &log_options);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;

    transaction_free(fixture->transaction);
    brokers_close(&fixture->brokers);
    test_free(fixture);
    return 0;
}

static struct transaction_job *
wait_for(struct fixture *fixture)
{
    struct transaction_job *job = transaction_take_wait(fixture->transaction, WAIT_MS);

    assert_non_null(job);
    return job;
}

static void
begin(struct fixture *fixture)
{
    struct transaction_options options = {.kafka = &fixture->brokers.kafka,
                                          .topics = &fixture->brokers.topics,
                                          .name = "test",
                                          .transactional_id = "test"};
    struct transaction_job *job;

    fixture->transaction = transaction_new(&options);
    job = wait_for(fixture);
    assert_int_equal(job->result, TRANSACTION_READY);
    transaction_job_free(job);
}

static struct transaction_job *
make_job(struct fixture *fixture)
{
    struct transaction_job *job = transaction_job_new(1);
    struct transaction_part *part = &job->parts[job->parts_count++];

    part->batch = batch_new(NULL);
    for (int i = 0; i < 5; i++) {
        batch_begin(part->batch, TOPIC_STATE, 0, slice_of("key"));
        buffer_append_text(batch_value(part->batch), "value");
        batch_header(part->batch, slice_of("name"), slice_of("header"));
        batch_end(part->batch);
    }
    part->offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(part->offsets, fixture->brokers.topics.names[TOPIC_TICKETS], 0)
        ->offset = 7;
    job->group = rd_kafka_consumer_group_metadata_new("group");
    return job;
}

static enum transaction_result
run(struct fixture *fixture, struct transaction_job *job)
{
    transaction_submit(fixture->transaction, job);
    assert_ptr_equal(wait_for(fixture), job);
    return job->result;
}

static void
test_commits(void **state)
{
    struct fixture *fixture = *state;
    struct transaction_job *job;

    begin(fixture);
    for (int i = 0; i < 3; i++) {
        job = make_job(fixture);
        assert_int_equal(run(fixture, job), TRANSACTION_COMMITTED);
        assert_int_equal(job->records_count, 5);
        transaction_job_free(job);
    }
}

/* As short as the configuration lets it be: librdkafka makes no producer whose records linger for longer. */
static void
test_commits_with_the_shortest_timeout(void **state)
{
    struct fixture *fixture = *state;
    struct transaction_job *job;

    fixture->brokers.config->transaction_timeout_ms = config_row(CONFIG_transaction_timeout)->min;
    begin(fixture);
    job = make_job(fixture);
    assert_int_equal(run(fixture, job), TRANSACTION_COMMITTED);
    transaction_job_free(job);
}

/* Several full requests, and what is left over of each partition. */
static void
test_a_large_epoch(void **state)
{
    static const char text[1000] = {'x'};
    struct fixture *fixture = *state;
    struct transaction_job *job;

    begin(fixture);
    job = make_job(fixture);
    for (int i = 0; i < 4000; i++) {
        struct batch *batch = job->parts[0].batch;

        batch_begin(batch, i % 3 == 0 ? TOPIC_ALERTS : TOPIC_OUTCOMES, 0, slice_of("key"));
        buffer_append(batch_value(batch), text, sizeof text);
        batch_end(batch);
    }
    assert_int_equal(run(fixture, job), TRANSACTION_COMMITTED);
    assert_int_equal(job->records_count, 4005);
    transaction_job_free(job);
}

/* One right behind another waits until the brokers have finished the last one: a millisecond behind its end,
 * and not longer. A pause of the machine in between is as good, so one of many is enough. */
static void
test_rests_between_two(void **state)
{
    enum { TRANSACTIONS_MAX = 200 };
    struct fixture *fixture = *state;
    struct transaction_job *job;
    int count = 0;

    begin(fixture);
    atomic_store(&rests_count, 0);
    do {
        job = make_job(fixture);
        assert_int_equal(run(fixture, job), TRANSACTION_COMMITTED);
        transaction_job_free(job);
    } while (atomic_load(&rests_count) == 0 && ++count < TRANSACTIONS_MAX);
    assert_true(atomic_load(&rests_count) > 0);
    assert_true(atomic_load(&rest_us_max) <= 1000);
}

/* The group has gone on without us: abortable, nothing happened, and the same job goes through later. */
static void
test_abortable_error_sends_the_same_again(void **state)
{
    struct fixture *fixture = *state;
    struct transaction_job *job;

    begin(fixture);
    job = make_job(fixture);
    rd_kafka_mock_push_request_errors(fixture->brokers.cluster, TXN_OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION);
    assert_int_equal(run(fixture, job), TRANSACTION_ABORTED);
    assert_true(strlen(job->error) > 0);
    assert_int_equal(job->records_count, 0); /* refused before a record was out */
    assert_int_equal(run(fixture, job), TRANSACTION_COMMITTED);
    assert_int_equal(job->records_count, 5);
    transaction_job_free(job);
}

/* A record that the broker does not take aborts, too. */
static void
test_undelivered_record_aborts(void **state)
{
    struct fixture *fixture = *state;
    struct transaction_job *job;

    begin(fixture);
    job = make_job(fixture);
    rd_kafka_mock_push_request_errors(fixture->brokers.cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_int_equal(run(fixture, job), TRANSACTION_ABORTED);
    for (int i = 0; i < 3 && job->result != TRANSACTION_COMMITTED; i++) /* the mock refuses a second time */
        run(fixture, job);
    assert_int_equal(job->result, TRANSACTION_COMMITTED);
    transaction_job_free(job);
}

/* Somebody else has our transactional id: unknown, and a new producer is there before the loop hears of it.
 */
static void
test_fenced_gets_a_new_producer(void **state)
{
    struct fixture *fixture = *state;
    struct transaction_job *job;

    begin(fixture);
    job = make_job(fixture);
    rd_kafka_mock_push_request_errors(fixture->brokers.cluster, END_TXN, 1,
                                      RD_KAFKA_RESP_ERR_PRODUCER_FENCED);
    assert_int_equal(run(fixture, job), TRANSACTION_FATAL);
    transaction_job_free(job);
    job = make_job(fixture);
    assert_int_equal(run(fixture, job), TRANSACTION_COMMITTED);
    transaction_job_free(job);
}

/* No broker and a stop: the thread ends all the same. */
static void
test_stops_without_a_broker(void **state)
{
    struct fixture *fixture = *state;
    struct transaction_options options = {.kafka = &fixture->brokers.kafka,
                                          .topics = &fixture->brokers.topics,
                                          .name = "test",
                                          .transactional_id = "test"};

    fixture->brokers.kafka.brokers = "127.0.0.1:1";
    fixture->brokers.config->transaction_timeout_ms = 1000;
    fixture->transaction = transaction_new(&options);
    assert_null(transaction_take_wait(fixture->transaction, 50));
    transaction_stop(fixture->transaction);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_commits_with_the_shortest_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_epoch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rests_between_two, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abortable_error_sends_the_same_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_undelivered_record_aborts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fenced_gets_a_new_producer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stops_without_a_broker, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
