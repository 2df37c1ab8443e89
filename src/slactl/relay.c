/*
 * slactl relay: alerts passed on.
 *
 * What: the loop between slad.alerts and a receiver: which records are wanted, which alerts are not over,
 * when to stop.
 *
 * Why so: one thread waits for Kafka, the receiver and signals in one place. Reading a partition from its
 * beginning tells what is firing without a store of our own (relay_source.c); a filter decides when an alert
 * is first seen, and what has been passed on is followed to its end, whatever its ticket becomes meanwhile.
 *
 * Always true: a record's mark is given back when the receiver has taken or refused it, or when nobody wants
 * it; what is read and not delivered is bounded by queue_max, for reading pauses.
 *
 * Not here: partitions and offsets (relay_source.c), requests (relay_queue.c, relay_alertmanager.c).
 */
#include "slactl/relay.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/wallclock.h"
#include "slactl/relay_options.h"
#include "slactl/relay_webhook.h"
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    RELAY_RECORDS_MAX = 1000, /* of one turn */
    RELAY_COMMIT_MS = 250,
    RELAY_END_MS = 5000,    /* what is under way may take so long at the end */
    RELAY_RECEIVER_GONE = 4 /* exit status */
};

static int relay_run(int argc, char **argv);

const struct command relay_command = {
    .name = "relay",
    .run = relay_run,
    .help = "passes alerts on to Alertmanager, PagerDuty or a webhook",
    .usage = "--to alertmanager|pagerduty|webhook [OPTION]...",
    .operands = "",
    .text = "Reads slad.alerts as a member of a consumer group and tells another system of each record, at "
            "least once, in "
            "order within an alert, until it takes it. An alert that was passed on is followed to its end, "
            "whatever the "
            "filters say of its later records.\n"
            "alertmanager: API v2; labels are stable over the life of an alert, and what is firing is sent "
            "again and again. "
            "pagerduty: Events API v2; trigger, acknowledge, resolve; dedup_key is the alert's key. webhook: "
            "Standard "
            "Webhooks, one POST a record.\n"
            "Refused for good, logged and counted: 4xx but 408, 425 and 429; 401, 403, 407 and 3xx are tried "
            "for 15 minutes "
            "first. 410 from a webhook's receiver ends the relay with exit status 4.",
    .options = relay_options_table,
    .fails = "it cannot go on",
    .asks = true,
};

/* An alert that is not over. */
struct live {
    struct buffer key;
    struct buffer value; /* until its partition has caught up */
    int32_t partition;
    int64_t offset, recorded_at_ms;
};

struct relay {
    struct reach reach;
    struct relay_options options;
    struct relay_world world;
    struct relay_sink sink;
    struct map *live;
    struct json *json;
    char *group;
    int signals;
    bool ended;
    int64_t commit_mono_ms, report_mono_ms;
};

/* ---- what the parts share ---- */

void
relay_world_refresh(struct relay_world *world)
{
    char error[SECRET_ERROR_BYTES];

    for (size_t i = 0; i <= world->options->secret_files_count; i++) {
        bool is_token = i == world->options->secret_files_count;
        const char *name = is_token ? world->options->token_file : world->options->secret_files[i];
        struct buffer fresh;

        if (name == NULL)
            continue;
        if (secret_read(name, &fresh, error) != 0) {
            log_write(world->log, LOG_WARNING, "secret_unreadable", LOG_TEXT("text", error));
            continue;
        }
        secret_free(is_token ? &world->token : &world->secrets[i]);
        *(is_token ? &world->token : &world->secrets[i]) = fresh;
    }
}

const char *
relay_world_token(const struct relay_world *world, struct buffer *scratch)
{
    struct slice rest = buffer_slice(&world->token), line;

    if (!secret_next_line(&rest, &line))
        return NULL;
    buffer_append_slice(scratch, line);
    buffer_append_byte(scratch, '\0');
    return scratch->at;
}

uint64_t
relay_world_random(void)
{
    uint64_t number;

    must(getrandom(&number, sizeof number, 0) == sizeof number);
    return number;
}

/* ---- alerts that are not over ---- */

static struct slice
live_key(const void *value)
{
    return buffer_slice(&((const struct live *)value)->key);
}

static void
live_drop(struct relay *relay, struct live *live)
{
    if (live == NULL)
        return;
    map_remove(relay->live, buffer_slice(&live->key));
    buffer_free(&live->key);
    buffer_free(&live->value);
    memory_free(live);
}

/* false: there is no room. */
static bool
live_keep(struct relay *relay, struct live *live, const struct relay_alert *alert,
          const struct relay_message *message)
{
    if (live == NULL) {
        if (map_count(relay->live) >= (size_t)relay->options.alerts_max) {
            relay->world.counts.bound_hits++;
            log_write(relay->world.log, LOG_WARNING, "bound_hit", LOG_TEXT("bound", "alerts-max"),
                      LOG_SLICE("key", alert->key));
            return false;
        }
        live = memory_allocate_zeroed(1, sizeof *live);
        buffer_append_slice(&live->key, alert->key);
        map_put(relay->live, live);
    }
    live->partition = message->partition;
    live->offset = message->offset;
    live->recorded_at_ms = message->recorded_at_ms;
    buffer_reset(&live->value);
    if (message->mark == NULL)
        buffer_append_slice(&live->value, alert->value);
    return true;
}

/* ---- what the source hands out ---- */

static void
done(struct relay *relay, const struct relay_message *message)
{
    if (message->mark != NULL)
        relay_source_done(relay->world.source, message->mark);
}

static void
on_alert(struct relay *relay, const struct relay_alert *alert, const struct relay_message *message)
{
    struct live *live = map_get(relay->live, alert->key);
    bool over = relay_alert_is_over(alert), kept = true;

    if (live == NULL &&
        (alert->state == RELAY_REMOVED || !relay_filter_matches(&relay->options.filter, alert))) {
        relay->world.counts.filtered += message->mark != NULL;
        done(relay, message);
        return;
    }
    if (!over)
        kept = live_keep(relay, live, alert, message);
    if (message->mark == NULL)
        ;
    else if (!kept && relay->options.to == RELAY_TO_ALERTMANAGER)
        done(relay, message); /* it could not be sent again */
    else
        relay->sink.take(relay->sink.self, alert, message);
    if (over)
        live_drop(relay, live);
}

static void
on_message(void *context, const struct relay_message *message)
{
    struct relay *relay = context;
    struct relay_alert alert;
    char detail[JSON_DETAIL_BYTES];

    relay->world.counts.read += message->mark != NULL;
    if (relay_alert_read(relay->json, message->key, message->value, message->recorded_at_ms, &alert,
                         detail) == 0) {
        on_alert(relay, &alert, message);
        return;
    }
    relay->world.counts.unreadable++;
    log_write(relay->world.log, LOG_WARNING, "alert_unreadable", LOG_INTEGER("partition", message->partition),
              LOG_INTEGER("offset", message->offset), LOG_TEXT("text", detail));
    done(relay, message);
}

/* A receiver that must hear of everything again, or for the first time. */
static void
tell_live(struct relay *relay, struct live *live, bool first)
{
    struct relay_message message = {.key = buffer_slice(&live->key),
                                    .value = buffer_slice(&live->value),
                                    .partition = live->partition,
                                    .offset = live->offset,
                                    .recorded_at_ms = live->recorded_at_ms};
    struct relay_alert alert;
    char detail[JSON_DETAIL_BYTES];

    must(relay_alert_read(relay->json, message.key, message.value, message.recorded_at_ms, &alert, detail) ==
         0);
    if (first)
        message.mark = relay_source_mark(relay->world.source, live->partition);
    relay->sink.take(relay->sink.self, &alert, &message);
}

static void
on_caught_up(void *context, int32_t partition, bool first)
{
    struct relay *relay = context;
    struct live *live;
    size_t cursor = 0;

    first &= !relay->options.from_now;
    while ((live = map_each(relay->live, &cursor)) != NULL) {
        if (live->partition != partition)
            continue;
        if (first || relay->options.to == RELAY_TO_ALERTMANAGER)
            tell_live(relay, live, first);
        buffer_free(&live->value);
    }
}

static void
on_lost(void *context, int32_t partition)
{
    struct relay *relay = context;
    struct live *live, **found = memory_allocate((map_count(relay->live) + 1) * sizeof(struct live *));
    size_t count = 0, cursor = 0;

    relay->sink.forget(relay->sink.self, partition);
    while ((live = map_each(relay->live, &cursor)) != NULL)
        if (live->partition == partition)
            found[count++] = live;
    for (size_t i = 0; i < count; i++)
        live_drop(relay, found[i]);
    memory_free(found);
}

/* ---- the loop ---- */

static void
report(struct relay *relay, const char *event)
{
    const struct relay_counts *counts = &relay->world.counts;

    log_write(relay->world.log, LOG_INFO, event, LOG_INTEGER("read", counts->read),
              LOG_INTEGER("delivered", counts->delivered),
              LOG_INTEGER("waiting", relay->sink.waiting(relay->sink.self)),
              LOG_INTEGER("retried", counts->retried), LOG_INTEGER("refused", counts->refused),
              LOG_INTEGER("given_up", counts->given_up), LOG_INTEGER("filtered", counts->filtered),
              LOG_INTEGER("unreadable", counts->unreadable), LOG_INTEGER("bound_hits", counts->bound_hits),
              LOG_INTEGER("alerts", map_count(relay->live)));
    relay->report_mono_ms = wallclock_mono_ms() + relay->options.report_every_ms;
}

static void
finish_exchanges(struct relay *relay)
{
    struct http_response response;
    void *context;

    while (!relay->world.gone && http_client_next(relay->world.http, &context, &response) != 0) {
        relay->sink.finish(relay->sink.self, context, &response, wallclock_mono_ms());
        http_response_done(&response);
    }
}

static void
wait(struct relay *relay, int64_t due_mono_ms)
{
    struct pollfd descriptors[] = {{.fd = relay->signals, .events = POLLIN},
                                   {.fd = relay_source_descriptor(relay->world.source), .events = POLLIN}};
    int64_t length_ms = due_mono_ms - wallclock_mono_ms();

    if (length_ms < 0)
        length_ms = 0;
    http_client_wait(relay->world.http, descriptors, 2,
                     (int)(length_ms > RELAY_COMMIT_MS ? RELAY_COMMIT_MS : length_ms));
    relay->ended |= descriptors[0].revents != 0;
}

static bool
is_finished(const struct relay *relay)
{
    return relay->world.gone || relay_source_failed(relay->world.source) ||
           (relay->options.once && relay_source_at_end(relay->world.source) &&
            relay->sink.waiting(relay->sink.self) == 0);
}

static void
turn(struct relay *relay)
{
    int64_t now_mono_ms = wallclock_mono_ms(), due_mono_ms;
    int64_t room = relay->options.queue_max - (int64_t)relay_source_marks_count(relay->world.source);
    bool more;

    relay_source_pause(relay->world.source, room <= 0);
    more = relay_source_drain(relay->world.source,
                              room <= 0 ? 1 : (int)(room < RELAY_RECORDS_MAX ? room : RELAY_RECORDS_MAX));
    finish_exchanges(relay);
    due_mono_ms = relay->sink.step(relay->sink.self, now_mono_ms);
    if (now_mono_ms >= relay->commit_mono_ms) {
        relay_source_commit(relay->world.source);
        relay->commit_mono_ms = now_mono_ms + RELAY_COMMIT_MS;
    }
    if (now_mono_ms >= relay->report_mono_ms)
        report(relay, "relay_progress");
    log_flush(relay->world.log);
    if (!is_finished(relay))
        wait(relay, more ? 0 : due_mono_ms);
}

/* Nothing new is begun; what is under way may end, so that it need not be sent twice. */
static void
wind_down(struct relay *relay)
{
    int64_t end_mono_ms = wallclock_mono_ms() + RELAY_END_MS;

    while (!relay->world.gone && http_client_count(relay->world.http) > 0 &&
           wallclock_mono_ms() < end_mono_ms) {
        http_client_wait(relay->world.http, NULL, 0, 100);
        finish_exchanges(relay);
    }
}

static int
run(struct relay *relay)
{
    const struct relay_reader reader = {
        .context = relay, .message = on_message, .caught_up = on_caught_up, .lost = on_lost};
    const struct relay_source_options options = {
        .group = relay->group, .instance = relay->options.instance, .reader = &reader};
    char error[KAFKA_ERROR_BYTES] = "";
    int status;

    relay->world.source = relay_source_new(&relay->reach, &options, error);
    if (relay->world.source == NULL) {
        fprintf(stderr, "slactl relay: %s at %s: %s\n", relay->reach.topics.names[TOPIC_ALERTS],
                relay->reach.kafka.brokers, error);
        return strncmp(error, "there is no topic", 17) == 0 ? COMMAND_FAILED : COMMAND_NO_ANSWER;
    }
    log_write(relay->world.log, LOG_INFO, "relay_started", LOG_TEXT("to", relay->options.urls[0]),
              LOG_TEXT("group", relay->group));
    relay->report_mono_ms = wallclock_mono_ms() + relay->options.report_every_ms;
    while (!relay->ended && !is_finished(relay))
        turn(relay);
    status = relay->world.gone                          ? RELAY_RECEIVER_GONE
             : relay_source_failed(relay->world.source) ? COMMAND_FAILED
                                                        : COMMAND_DONE;
    wind_down(relay);
    report(relay, "relay_ended");
    relay_source_free(relay->world.source);
    return status;
}

/* ---- beginning and end ---- */

static bool
is_routing_key(struct slice key)
{
    for (size_t i = 0; i < key.bytes; i++)
        if (!((key.at[i] >= '0' && key.at[i] <= '9') || (key.at[i] >= 'A' && key.at[i] <= 'Z') ||
              (key.at[i] >= 'a' && key.at[i] <= 'z')))
            return false;
    return key.bytes == 32;
}

static bool
is_signing_secret(struct slice secret)
{
    char signature[RELAY_WEBHOOK_SIGNATURE_BYTES];

    return relay_webhook_sign(secret, "", 0, slice_of(""), signature) == 0;
}

/* Every file that is named can be read, and every line of a secret's is one. */
static int
check_secrets(const struct relay_options *options)
{
    char error[SECRET_ERROR_BYTES];
    struct buffer text = {0};
    struct slice rest, line;
    bool good = true;

    if (options->token_file != NULL) {
        good = secret_read(options->token_file, &text, error) == 0;
        secret_free(&text);
    }
    for (size_t i = 0; good && i < options->secret_files_count; i++) {
        good = secret_read(options->secret_files[i], &text, error) == 0;
        rest = buffer_slice(&text);
        while (good && secret_next_line(&rest, &line)) {
            good = options->to == RELAY_TO_PAGERDUTY ? is_routing_key(line) : is_signing_secret(line);
            if (!good)
                snprintf(error, sizeof error, "%.400s: %s", options->secret_files[i],
                         options->to == RELAY_TO_PAGERDUTY
                             ? "a routing key has 32 letters and digits"
                             : "a signing secret is whsec_ and 24 to 64 bytes in base64");
        }
        secret_free(&text);
    }
    if (!good)
        fprintf(stderr, "slactl relay: %s\n", error);
    return good ? 0 : -1;
}

static int
open_signals(void)
{
    sigset_t set;
    int descriptor;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    must(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0); /* librdkafka's threads inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    must(descriptor >= 0);
    return descriptor;
}

static void
open_world(struct relay *relay)
{
    static const char *const suffixes[RELAY_TO_COUNT] = {"-relay-alertmanager", "-relay-pagerduty",
                                                         "-relay-webhook"};
    const struct config *config = relay->reach.config;
    const struct http_client_options http = {.timeout_ms = relay->options.timeout_ms,
                                             .response_bytes_max = 65536,
                                             .ca_file = relay->options.ca_file};

    if (relay->options.board_url == NULL && config->api_url != NULL && *config->api_url != '\0')
        relay->options.board_url = config->api_url;
    relay->group = relay->options.group != NULL ? kafka_name(relay->options.group, "")
                                                : kafka_name(config->prefix, suffixes[relay->options.to]);
    log_set(relay->reach.log, (enum log_level)config->log_level, (enum log_format)config->log_format,
            config->log_burst_max);
    relay->world.options = &relay->options;
    relay->world.log = relay->reach.log;
    relay->world.installation = config->prefix;
    relay->world.http = http_client_new(&http);
    relay->live = map_new(live_key, relay_world_random());
    relay->json = json_new();
    relay->sink = relay->options.to == RELAY_TO_ALERTMANAGER ? relay_alertmanager_sink(&relay->world)
                                                             : relay_queue_sink(&relay->world);
}

static void
close_world(struct relay *relay)
{
    relay->sink.free(relay->sink.self);
    must(map_count(relay->live) == 0);
    map_free(relay->live);
    json_free(relay->json);
    http_client_free(relay->world.http);
    secret_free(&relay->world.token);
    for (size_t i = 0; i < RELAY_SECRETS_MAX; i++)
        secret_free(&relay->world.secrets[i]);
    memory_free(relay->group);
    close(relay->signals);
}

static int
relay_run(int argc, char **argv)
{
    struct relay relay = {0};
    int status = relay_options_read(argc, argv, &relay.reach, &relay.options);

    if (status < 0 && check_secrets(&relay.options) != 0)
        status = COMMAND_REFUSED;
    if (status < 0) {
        relay.signals = open_signals();
        status = reach_open(&relay.reach) != 0 ? COMMAND_REFUSED : -1;
        if (status < 0) {
            open_world(&relay);
            status = run(&relay);
            close_world(&relay);
        }
    }
    reach_close(&relay.reach);
    relay_options_done(&relay.options);
    return status;
}
