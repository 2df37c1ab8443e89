/*
 * kafka_load: the client side of the rows that need a broker.
 *
 * - `produce BROKERS TOPIC FILE`: the events of an NDJSON file, keyed by their ticket as Java clients do
 * - `raw BROKERS TOPIC`: reads it all; nothing is done with it
 * - `baseline BROKERS TOPIC OUT`: reads it all, parses it with cJSON, produces the same bytes to OUT
 * - `writer BROKERS TOPIC FROM TO...`: reads and parses it, produces what the topics FROM hold to TO
 * - `relay BROKERS TOPIC OUT`: passes on what comes from now on, until it is ended
 * - `latency BROKERS TOPIC ALERTS`: 2,000 events a second for 10 s (not counted) and another 15 s
 *
 * baseline and writer work in transactions with the offsets, cut where slad cuts its epochs by default: 100
 * ms or 10,000 records out. The writer has what it writes in memory before it begins, and spreads it evenly
 * over what it reads. relay passes on whatever is there, at once, as one transaction with the offsets, and
 * again.
 *
 * raw, baseline and writer print "records seconds CPU-seconds", from the first record read to the last read
 * or committed; latency prints "p50 p99 alerts" in ms, from just before an event is given to the producer
 * until a read_committed reader of another client has its alert. Every tenth event is a P1 ticket created an
 * hour ago, which the policy of bench_latency finds broken as soon as it is read, so no timer is part of it;
 * the others create tickets that have time (one in ten) or assign them.
 *
 * Why so: the same settings as slad's clients (shell/kafka.c), one thread, commits without rd_kafka_flush,
 * which sleeps in steps of 10 ms. Always true: a record that fails to arrive fails the program. Not here:
 * what starts slad (bench_kafka).
 */
#include <cjson/cJSON.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    PARTITIONS_MAX = 64,
    CALL_MS = 30000,
    EPOCH_MS = 100,
    EPOCH_RECORDS_MAX = 10000,
    RATE = 2000, /* events a second */
    WARM_S = 10, /* the broker compiles what it does often in its first seconds */
    MEASURED_S = 15,
    EVENTS_MAX = RATE * (WARM_S + MEASURED_S),
    ALERT_EVERY = 10,
    COPIES_MAX = 8
};

/* A topic being read from its beginning to where it ended when it was opened. */
struct reader {
    rd_kafka_t *client;
    const char *topic;
    int32_t partitions_count;
    int64_t end[PARTITIONS_MAX], next[PARTITIONS_MAX];
    int64_t records_count, from_us, from_cpu_us;
};

/* A record that lies in memory on its way to another topic. */
struct said {
    rd_kafka_message_t *message;
    rd_kafka_headers_t *headers; /* NULL: it has none */
};

/* What a topic holds, and how many of it are written. */
struct copy {
    const char *to;
    struct said *said;
    size_t said_count, written_count;
};

/* Events in, in transactions with their offsets; what goes out for them is themselves to topic `out`, or the
 * copies. */
struct baseline {
    struct reader reader;
    rd_kafka_t *producer;
    const char *out; /* NULL: the copies */
    struct copy copies[COPIES_MAX];
    size_t copies_count;
};

struct latency {
    const char *brokers, *alerts;
    _Atomic int64_t sent_us[EVENTS_MAX]; /* by event; 0: not sent */
    int64_t took_us[EVENTS_MAX / ALERT_EVERY];
    size_t taken_count;
    atomic_bool reading;
};

__attribute__((noreturn)) static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "kafka_load: %s: %s\n", what, why);
    exit(1);
}

static int64_t
clock_us(clockid_t clock)
{
    struct timespec at;

    (void)clock_gettime(clock, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void
check(const char *what, rd_kafka_resp_err_t code)
{
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        fail(what, rd_kafka_err2str(code));
}

static void
check_error(const char *what, const rd_kafka_error_t *error)
{
    if (error != NULL)
        fail(what, rd_kafka_error_string(error));
}

/* ---- clients ---- */

static void
on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    (void)client;
    (void)opaque;
    check("a record was not taken", message->err);
}

/* settings: name, value, ..., NULL. */
static rd_kafka_t *
client_new(rd_kafka_type_t type, const char *brokers, const char *const *settings)
{
    static const char *const common[] = {"socket.nagle.disable", "true", "log_level", "3", NULL};
    char error[512] = "";
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;

    (void)rd_kafka_conf_set(conf, "bootstrap.servers", brokers, error, sizeof error);
    for (const char *const *at = common; *at != NULL; at += 2)
        (void)rd_kafka_conf_set(conf, at[0], at[1], error, sizeof error);
    for (; *settings != NULL; settings += 2)
        if (rd_kafka_conf_set(conf, settings[0], settings[1], error, sizeof error) != RD_KAFKA_CONF_OK)
            fail(settings[0], error);
    if (type == RD_KAFKA_PRODUCER)
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    client = rd_kafka_new(type, conf, error, sizeof error);
    if (client == NULL)
        fail("client", error);
    return client;
}

static rd_kafka_t *
consumer_new(const char *brokers, const char *tells_end)
{
    const char *const settings[] = {"group.id",
                                    "bench",
                                    "enable.auto.commit",
                                    "false",
                                    "isolation.level",
                                    "read_committed",
                                    "queued.max.messages.kbytes",
                                    "65536",
                                    "fetch.error.backoff.ms",
                                    "50",
                                    "enable.partition.eof",
                                    tells_end,
                                    NULL};
    rd_kafka_t *client = client_new(RD_KAFKA_CONSUMER, brokers, settings);

    rd_kafka_poll_set_consumer(client);
    return client;
}

/* Serves delivery reports until nothing is out. */
static void
settle(rd_kafka_t *producer)
{
    int64_t until_us = clock_us(CLOCK_MONOTONIC) + CALL_MS * INT64_C(1000);

    while (rd_kafka_outq_len(producer) > 0) {
        rd_kafka_poll(producer, 1);
        if (clock_us(CLOCK_MONOTONIC) > until_us)
            fail("produce", "not everything was taken");
    }
}

/* The headers, if there are any, are the record's from now on. */
static void
produce(rd_kafka_t *producer, const char *topic, int32_t partition, const void *key, size_t key_bytes,
        const void *value, size_t value_bytes, rd_kafka_headers_t *headers)
{
    const rd_kafka_vu_t values[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key, key_bytes}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value, value_bytes}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    size_t count = sizeof values / sizeof *values - (headers == NULL);
    rd_kafka_error_t *error;

    while ((error = rd_kafka_produceva(producer, values, count)) != NULL &&
           rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_error_destroy(error);
        rd_kafka_poll(producer, 10);
    }
    check_error("produce", error);
    rd_kafka_poll(producer, 0);
}

/* A topic that was made a moment ago may not be known to the broker yet. */
static int32_t
partitions_of(rd_kafka_t *client, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    const struct rd_kafka_metadata *metadata;
    int32_t count = 0;

    for (int tries = 0; tries < 50 && count < 1; tries++) {
        if (tries > 0)
            usleep(100000);
        check(name, rd_kafka_metadata(client, 0, topic, &metadata, CALL_MS));
        count = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (count < 1 || count > PARTITIONS_MAX)
        fail(name, "no such topic, or too many partitions");
    rd_kafka_topic_destroy(topic);
    return count;
}

static void
reader_open(struct reader *reader, rd_kafka_t *client, const char *topic, bool from_end)
{
    rd_kafka_topic_partition_list_t *list;

    memset(reader, 0, sizeof *reader);
    reader->client = client;
    reader->topic = topic;
    reader->partitions_count = partitions_of(reader->client, topic);
    list = rd_kafka_topic_partition_list_new(reader->partitions_count);
    for (int32_t p = 0; p < reader->partitions_count; p++) {
        int64_t low;

        check("watermarks",
              rd_kafka_query_watermark_offsets(reader->client, topic, p, &low, &reader->end[p], CALL_MS));
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = from_end ? reader->end[p] : low;
    }
    check("assign", rd_kafka_assign(reader->client, list));
    rd_kafka_topic_partition_list_destroy(list);
}

/* The next record, or NULL when none came in that time. */
static rd_kafka_message_t *
reader_next(struct reader *reader, int timeout_ms)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(reader->client, timeout_ms);

    if (message == NULL)
        return NULL;
    check("read", message->err);
    if (reader->records_count++ == 0) {
        reader->from_us = clock_us(CLOCK_MONOTONIC);
        reader->from_cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    }
    reader->next[message->partition] = message->offset + 1;
    return message;
}

static bool
reader_at_end(const struct reader *reader)
{
    for (int32_t p = 0; p < reader->partitions_count; p++)
        if (reader->next[p] < reader->end[p])
            return false;
    return true;
}

/* How many there were when it was opened; of a topic without transactions. */
static int64_t
reader_events_count(const struct reader *reader)
{
    int64_t count = 0;

    for (int32_t p = 0; p < reader->partitions_count; p++)
        count += reader->end[p];
    return count;
}

static void
reader_close(struct reader *reader)
{
    rd_kafka_consumer_close(reader->client);
    rd_kafka_destroy(reader->client);
}

static void
reader_print(const struct reader *reader)
{
    printf("%lld %.6f %.6f\n", (long long)reader->records_count,
           (double)(clock_us(CLOCK_MONOTONIC) - reader->from_us) / 1e6,
           (double)(clock_us(CLOCK_PROCESS_CPUTIME_ID) - reader->from_cpu_us) / 1e6);
}

/* ---- produce, raw, baseline ---- */

static void
run_produce(const char *brokers, const char *topic, const char *path)
{
    static const char *const settings[] = {
        "partitioner", "murmur2_random", "linger.ms", "20", "queue.buffering.max.messages", "500000", NULL};
    static char line[65536];
    rd_kafka_t *producer = client_new(RD_KAFKA_PRODUCER, brokers, settings);
    FILE *file = fopen(path, "r");

    if (file == NULL)
        fail(path, "cannot be read");
    while (fgets(line, sizeof line, file) != NULL) {
        size_t bytes = strcspn(line, "\n");
        cJSON *event = cJSON_ParseWithLength(line, bytes);
        const char *ticket = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, "ticket"));

        if (ticket == NULL)
            fail(path, "an event without a ticket");
        produce(producer, topic, RD_KAFKA_PARTITION_UA, ticket, strlen(ticket), line, bytes, NULL);
        cJSON_Delete(event);
    }
    fclose(file);
    settle(producer);
    rd_kafka_destroy(producer);
}

static void
run_raw(const char *brokers, const char *topic)
{
    struct reader reader;

    reader_open(&reader, consumer_new(brokers, "false"), topic, false);
    while (!reader_at_end(&reader)) {
        rd_kafka_message_t *message = reader_next(&reader, CALL_MS);

        if (message == NULL)
            fail(topic, "nothing comes any more");
        rd_kafka_message_destroy(message);
    }
    reader_print(&reader);
    reader_close(&reader);
}

static void
baseline_commit(struct baseline *baseline)
{
    struct reader *reader = &baseline->reader;
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new(reader->partitions_count);
    rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata(reader->client);

    for (int32_t p = 0; p < reader->partitions_count; p++)
        if (reader->next[p] > 0)
            rd_kafka_topic_partition_list_add(offsets, reader->topic, p)->offset = reader->next[p];
    settle(baseline->producer);
    check_error("send_offsets",
                rd_kafka_send_offsets_to_transaction(baseline->producer, offsets, group, CALL_MS));
    check_error("commit", rd_kafka_commit_transaction(baseline->producer, CALL_MS));
    rd_kafka_consumer_group_metadata_destroy(group);
    rd_kafka_topic_partition_list_destroy(offsets);
}

/* Of every copy the part that the events read so far are of all events. */
static size_t
baseline_write_copies(struct baseline *baseline)
{
    int64_t read_count = baseline->reader.records_count,
            events_count = reader_events_count(&baseline->reader);
    size_t count = 0;

    for (size_t i = 0; i < baseline->copies_count; i++) {
        struct copy *copy = &baseline->copies[i];

        for (; (int64_t)copy->written_count * events_count < (int64_t)copy->said_count * read_count;
             count++) {
            const struct said *said = &copy->said[copy->written_count++];
            const rd_kafka_message_t *message = said->message;

            produce(baseline->producer, copy->to, message->partition, message->key, message->key_len,
                    message->payload, message->len, said->headers);
        }
    }
    return count;
}

/* How many records went out for this event. */
static size_t
baseline_event(struct baseline *baseline, const rd_kafka_message_t *message)
{
    cJSON *event = cJSON_ParseWithLength(message->payload, message->len);
    size_t count = 1;

    if (event == NULL)
        fail(baseline->reader.topic, "no JSON");
    if (baseline->out != NULL)
        produce(baseline->producer, baseline->out, message->partition, message->key, message->key_len,
                message->payload, message->len, NULL);
    else
        count = baseline_write_copies(baseline);
    cJSON_Delete(event);
    return count;
}

/* One transaction: 100 ms of events from the first one on, or at_once: those that are there. */
static void
baseline_epoch(struct baseline *baseline, bool at_once)
{
    struct reader *reader = &baseline->reader;
    int64_t until_us = INT64_MAX;
    size_t count = 0;

    check_error("begin", rd_kafka_begin_transaction(baseline->producer));
    while (count < EPOCH_RECORDS_MAX && !reader_at_end(reader) && clock_us(CLOCK_MONOTONIC) < until_us) {
        bool is_first = until_us == INT64_MAX;
        rd_kafka_message_t *message = reader_next(reader, is_first ? CALL_MS : at_once ? 0 : 1);

        if (message == NULL && is_first)
            fail(reader->topic, "nothing comes any more");
        if (message == NULL && at_once)
            break;
        if (message == NULL)
            continue;
        if (is_first)
            until_us = clock_us(CLOCK_MONOTONIC) + EPOCH_MS * 1000;
        count += baseline_event(baseline, message);
        rd_kafka_message_destroy(message);
    }
    baseline_commit(baseline);
}

static void
baseline_open(struct baseline *baseline, const char *brokers, const char *topic, bool from_end)
{
    static const char *const settings[] = {"transactional.id",
                                           "bench-baseline",
                                           "linger.ms",
                                           "1",
                                           "retry.backoff.ms",
                                           "5",
                                           "queue.buffering.max.messages",
                                           "2000000",
                                           "queue.buffering.max.kbytes",
                                           "2097151",
                                           NULL};

    baseline->producer = client_new(RD_KAFKA_PRODUCER, brokers, settings);
    /* Asked for before, as slad does. */
    if (baseline->out != NULL)
        (void)partitions_of(baseline->producer, baseline->out);
    for (size_t i = 0; i < baseline->copies_count; i++)
        (void)partitions_of(baseline->producer, baseline->copies[i].to);
    check_error("init", rd_kafka_init_transactions(baseline->producer, CALL_MS));
    reader_open(&baseline->reader, consumer_new(brokers, "false"), topic, from_end);
}

static void
baseline_run(struct baseline *baseline)
{
    while (!reader_at_end(&baseline->reader))
        baseline_epoch(baseline, false);
    reader_print(&baseline->reader);
    reader_close(&baseline->reader);
    rd_kafka_destroy(baseline->producer);
}

static void
run_baseline(const char *brokers, const char *topic, const char *out)
{
    struct baseline baseline = {.out = out};

    baseline_open(&baseline, brokers, topic, false);
    baseline_run(&baseline);
}

__attribute__((noreturn)) static void
run_relay(const char *brokers, const char *topic, const char *out)
{
    struct baseline baseline = {.out = out};

    baseline_open(&baseline, brokers, topic, true);
    for (int32_t p = 0; p < baseline.reader.partitions_count; p++)
        baseline.reader.end[p] = INT64_MAX;
    printf("ready\n");
    (void)fflush(stdout);
    for (;;)
        baseline_epoch(&baseline, true);
}

/* ---- writer ---- */

/* All committed records of a topic. The last offset of one that was written in transactions is no record, so
 * its end is where the client says so. */
static void
copy_read(struct copy *copy, const char *brokers, const char *from)
{
    int32_t ends_count = 0;
    struct reader reader;

    reader_open(&reader, consumer_new(brokers, "true"), from, false);
    while (ends_count < reader.partitions_count) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(reader.client, CALL_MS);
        struct said *said;

        if (message == NULL)
            fail(from, "nothing comes any more");
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
            ends_count++;
            rd_kafka_message_destroy(message);
            continue;
        }
        check(from, message->err);
        if ((copy->said_count & (copy->said_count - 1)) == 0)
            copy->said = realloc(copy->said, (copy->said_count * 2 + 1) * sizeof *copy->said);
        if (copy->said == NULL)
            fail(from, "no memory");
        said = &copy->said[copy->said_count++];
        said->message = message;
        if (rd_kafka_message_detach_headers(message, &said->headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
            said->headers = NULL;
    }
    /* The messages keep the client, which fetches no more; the process's end is theirs. */
    check("assign", rd_kafka_assign(reader.client, NULL));
}

/* pairs: FROM, TO, ..., NULL. */
static void
run_writer(const char *brokers, const char *topic, char *const *pairs)
{
    struct baseline baseline = {.out = NULL};

    for (; pairs[0] != NULL && pairs[1] != NULL && baseline.copies_count < COPIES_MAX; pairs += 2) {
        struct copy *copy = &baseline.copies[baseline.copies_count++];

        copy->to = pairs[1];
        copy_read(copy, brokers, pairs[0]);
    }
    if (pairs[0] != NULL)
        fail(pairs[0], "too many, or without a topic to go to");
    baseline_open(&baseline, brokers, topic, false);
    baseline_run(&baseline);
}

/* ---- latency ---- */

static void *
latency_read(void *context)
{
    struct latency *latency = context;
    int64_t last_us = clock_us(CLOCK_MONOTONIC);
    struct reader reader;

    reader_open(&reader, consumer_new(latency->brokers, "false"), latency->alerts, true);
    (void)rd_kafka_consumer_poll(reader.client, 1000); /* nothing there; it is fetching now */
    atomic_store(&latency->reading, true);
    while (latency->taken_count < EVENTS_MAX / ALERT_EVERY) {
        rd_kafka_message_t *message = reader_next(&reader, 1000);
        int64_t now_us = clock_us(CLOCK_MONOTONIC);
        char number[24] = "";

        if (message == NULL && now_us - last_us > (WARM_S + MEASURED_S + 20) * INT64_C(1000000))
            fail(latency->alerts, "not every alert came");
        if (message == NULL)
            continue;
        snprintf(number, sizeof number, "%.*s", (int)message->key_len, (const char *)message->key);
        if (number[0] == 'L') /* L123/sla/... (relay: L123): event 123 */
            latency->took_us[latency->taken_count++] =
                now_us - atomic_load(&latency->sent_us[strtoul(number + 1, NULL, 10) % EVENTS_MAX]);
        rd_kafka_message_destroy(message);
    }
    reader_close(&reader);
    return NULL;
}

/* The n-th event, and its ticket. */
static size_t
latency_event(size_t n, char *event, size_t event_size, char ticket[24])
{
    bool alerts = n % ALERT_EVERY == 0, creates = alerts || n % ALERT_EVERY == 1;
    time_t at = time(NULL) - (alerts ? 3600 : creates ? 60 : 0);
    struct tm day;
    char instant[40];

    snprintf(ticket, 24, "%c%zu", alerts ? 'L' : 'T', creates ? n : n / ALERT_EVERY * ALERT_EVERY + 1);
    (void)gmtime_r(&at, &day);
    (void)strftime(instant, sizeof instant, "%Y-%m-%dT%H:%M:%SZ", &day);
    return (size_t)snprintf(
        event, event_size,
        "{\"id\":\"%zu\",\"source\":\"bench\",\"type\":\"ticket.%s\",\"time\":\"%s\",\"ticket\":\"%s\","
        "\"customer\":\"location-%zu\",\"service\":\"network\",\"category\":\"incident\",\"priority\":\"%s\","
        "\"status\":\"New\",\"group\":\"desk\",\"assignee\":\"agent-%zu\",\"channel\":\"mail\",\"actor\":"
        "\"agent\"}",
        n, creates ? "created" : "updated", instant, ticket, n % 100, alerts ? "P1" : "P3", n % 17);
}

static int
compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

    return (first > second) - (first < second);
}

static void
latency_print(struct latency *latency)
{
    size_t skipped = (size_t)WARM_S * RATE / ALERT_EVERY, count = latency->taken_count - skipped;
    int64_t *took_us = latency->took_us + skipped;

    qsort(took_us, count, sizeof *took_us, compare);
    printf("%.3f %.3f %zu\n", (double)took_us[count / 2] / 1e3, (double)took_us[count * 99 / 100] / 1e3,
           count);
}

static void
run_latency(const char *brokers, const char *topic, const char *alerts)
{
    static const char *const settings[] = {"partitioner", "murmur2_random", "linger.ms", "1", NULL};
    rd_kafka_t *producer = client_new(RD_KAFKA_PRODUCER, brokers, settings);
    struct latency *latency = calloc(1, sizeof *latency);
    char event[512], ticket[24];
    int64_t from_us;
    pthread_t thread;

    if (latency == NULL)
        fail("latency", "no memory");
    latency->brokers = brokers;
    latency->alerts = alerts;
    (void)partitions_of(producer, topic);
    if (pthread_create(&thread, NULL, latency_read, latency) != 0)
        fail("latency", "no thread");
    while (!atomic_load(&latency->reading))
        usleep(1000);
    from_us = clock_us(CLOCK_MONOTONIC);
    for (size_t n = 0; n < EVENTS_MAX; n++) {
        int64_t left_us = from_us + (int64_t)n * 1000000 / RATE - clock_us(CLOCK_MONOTONIC);
        size_t bytes = latency_event(n, event, sizeof event, ticket);

        if (left_us > 0)
            usleep((useconds_t)left_us);
        atomic_store(&latency->sent_us[n], clock_us(CLOCK_MONOTONIC));
        produce(producer, topic, RD_KAFKA_PARTITION_UA, ticket, strlen(ticket), event, bytes, NULL);
    }
    settle(producer);
    (void)pthread_join(thread, NULL);
    latency_print(latency);
    rd_kafka_destroy(producer);
    free(latency);
}

int
main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    if (argc == 5 && strcmp(command, "produce") == 0)
        run_produce(argv[2], argv[3], argv[4]);
    else if (argc == 4 && strcmp(command, "raw") == 0)
        run_raw(argv[2], argv[3]);
    else if (argc == 5 && strcmp(command, "baseline") == 0)
        run_baseline(argv[2], argv[3], argv[4]);
    else if (argc >= 6 && strcmp(command, "writer") == 0)
        run_writer(argv[2], argv[3], argv + 4);
    else if (argc == 5 && strcmp(command, "relay") == 0)
        run_relay(argv[2], argv[3], argv[4]);
    else if (argc == 5 && strcmp(command, "latency") == 0)
        run_latency(argv[2], argv[3], argv[4]);
    else {
        fprintf(stderr, "usage: kafka_load produce BROKERS TOPIC FILE | raw BROKERS TOPIC | baseline|relay "
                        "BROKERS TOPIC OUT | "
                        "writer BROKERS TOPIC FROM TO... | "
                        "latency BROKERS TOPIC ALERTS\n");
        return 2;
    }
    return 0;
}
