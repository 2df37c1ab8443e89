/*
 * slad itself.
 *
 * What: the struct that holds everything, its birth, its turn, its death. daemon_turn is the loop: a turn is
 * one page.
 *
 * Why so: callbacks do not decide. libevent wakes the loop when a queue has something, a thread is done or an
 * instant has come; then one turn looks at everything in a fixed order, with one reading of the clocks. What
 * happens in a turn can be read from top to bottom.
 *
 * Always true: every phase is bounded; a phase that leaves something says so and the next turn follows at
 * once; queues are cleared before they are drained, so no wake-up is lost.
 *
 * Not here: what the roles do (tickets.c, scoring.c, watch.c), pages and probes (http.c).
 */
#include "shell/daemon.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/acks.h"
#include "shell/board.h"
#include "shell/embedded.h"
#include "shell/http.h"
#include "shell/notify.h"
#include "shell/policy_book.h"
#include "shell/policy_files.h"
#include "shell/poison.h"
#include "shell/reports.h"
#include "shell/restore.h"
#include "shell/scoring.h"
#include "shell/snapshot.h"
#include "shell/tickets.h"
#include "shell/wallclock.h"
#include "shell/watch.h"
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    DAEMON_WAIT_MS_MAX = 1000,
    DAEMON_SHOW_EVERY_MS = 200,
    DAEMON_MEASURE_EVERY_MS = 1000,
    DAEMON_TRIM_EVERY_MS = 10000,
    DAEMON_WATCHES_MAX = 10,
    DAEMON_REASONS_MAX = 16
};

struct daemon {
    const struct daemon_options *options;
    struct config *config;
    struct log *log;
    struct metrics *metrics;
    struct symbols *symbols;
    struct policy_book *book;
    const struct policy_set *policies; /* held of the book */
    struct wallclock clock;
    struct notify notify;
    struct world world;

    struct event_base *base;
    struct event *timer;
    struct event *signals[3];
    struct event *watches[DAEMON_WATCHES_MAX]; /* descriptors of the roles' queues */
    size_t watches_count;

    struct board *board;
    struct http *http;
    struct embedded *embedded;
    struct restore *restore;
    struct redis *redis; /* NULL: no snapshots */
    struct snapshot *snapshot;
    struct tickets *tickets;
    struct scoring *scoring;
    struct watch *watch;
    struct model *model;
    struct acks *acks;
    struct reports *reports;

    bool topics_sound, ready, ready_once, done, reload;
    enum daemon_status status;
    char topics_error[KAFKA_ERROR_BYTES];
    int64_t shown_mono_ms, measured_mono_ms, trimmed_mono_ms, alive_mono_ms;
    uint64_t kafka_errors_counted;
};

/* ---- what wakes the loop ---- */

/* Being woken is all: the turn looks at everything. */
static void
daemon_on_wake(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    (void)context;
}

static void
daemon_on_signal(evutil_socket_t number, short what, void *context)
{
    struct daemon *daemon = context;

    (void)what;
    if (number == SIGHUP)
        daemon->reload = true;
    else
        daemon->done = true;
}

static void
daemon_wake_on(struct daemon *daemon, int descriptor)
{
    struct event *event = event_new(daemon->base, descriptor, EV_READ | EV_PERSIST, daemon_on_wake, NULL);

    must(event != NULL && daemon->watches_count < DAEMON_WATCHES_MAX);
    must(event_add(event, NULL) == 0);
    daemon->watches[daemon->watches_count++] = event;
}

static void
daemon_end(struct daemon *daemon, enum daemon_status status)
{
    if (!daemon->done)
        daemon->status = status;
    daemon->done = true;
}

/* ---- the topics were looked at: the roles begin ---- */

/* Each line of the text as a line of the log. */
static void
daemon_log_lines(struct daemon *daemon, enum log_level level, const char *event, struct slice text)
{
    while (text.bytes > 0) {
        const char *line_end = memchr(text.at, '\n', text.bytes);
        size_t bytes = line_end != NULL ? (size_t)(line_end - text.at) : text.bytes;

        log_write(daemon->log, level, event, LOG_SLICE("text", ((struct slice){text.at, bytes})));
        text.at += bytes < text.bytes ? bytes + 1 : bytes;
        text.bytes -= bytes < text.bytes ? bytes + 1 : bytes;
    }
}

static bool
daemon_judge_topics(struct daemon *daemon, const struct topic_found found[TOPICS_COUNT])
{
    struct buffer refusals = {0}, warnings = {0}, command = {0};
    size_t wrong = topics_judge(&daemon->world.topics, found, &refusals, &warnings);

    daemon_log_lines(daemon, LOG_WARNING, "topic_doubtful", buffer_slice(&warnings));
    daemon_log_lines(daemon, LOG_ERROR, "topic_refused", buffer_slice(&refusals));
    if (wrong > 0) {
        topics_append_command(&daemon->world.kafka, &daemon->world.topics,
                              found[TOPIC_TICKETS].partitions_count, &command);
        log_write(daemon->log, LOG_ERROR, "topics_refused", LOG_INTEGER("faults", wrong),
                  LOG_SLICE("create_what_is_missing_with", buffer_slice(&command)));
    }
    buffer_free(&refusals);
    buffer_free(&warnings);
    buffer_free(&command);
    return wrong == 0;
}

/* The broker in the process forgets everything with it: there is nothing to restart from. */
static void
daemon_open_snapshots(struct daemon *daemon)
{
    const struct redis_options options = {
        .config = daemon->config, .base = daemon->base, .log = daemon->log, .metrics = daemon->metrics};

    if (daemon->config->snapshot != CONFIG_SNAPSHOT_REDIS || daemon->options->embedded)
        return;
    daemon->redis = redis_new(&options);
    daemon->snapshot = snapshot_new(&daemon->world, daemon->redis);
}

static void
daemon_begin_roles(struct daemon *daemon, const struct topic_found found[TOPICS_COUNT])
{
    unsigned roles = daemon->config->roles;

    daemon->world.partitions_count = found[TOPIC_TICKETS].partitions_count;
    daemon->world.feedback_partitions_count = found[TOPIC_FEEDBACK].partitions_count;
    if ((roles & (CONFIG_ROLE_TICKETS | CONFIG_ROLE_SCORES)) != 0)
        daemon_open_snapshots(daemon);
    if ((roles & CONFIG_ROLE_TICKETS) != 0) {
        daemon->tickets = tickets_new(&daemon->world, daemon->restore);
        if (daemon->tickets == NULL)
            goto refused;
        daemon_wake_on(daemon, tickets_records_descriptor(daemon->tickets));
        daemon_wake_on(daemon, tickets_done_descriptor(daemon->tickets));
    }
    if ((roles & CONFIG_ROLE_SCORES) != 0) {
        daemon->scoring = scoring_new(&daemon->world, daemon->restore);
        if (daemon->scoring == NULL)
            goto refused;
        daemon_wake_on(daemon, scoring_records_descriptor(daemon->scoring));
        daemon_wake_on(daemon, scoring_done_descriptor(daemon->scoring));
        daemon_wake_on(daemon, scoring_loaded_descriptor(daemon->scoring));
        if (daemon->snapshot != NULL)
            snapshot_set_scores(daemon->snapshot, scoring_task(daemon->scoring));
    }
    if ((roles & (CONFIG_ROLE_BOARD | CONFIG_ROLE_TICKETS)) != 0) {
        daemon->model = model_new(daemon->log);
        daemon->watch = watch_new(&daemon->world, (roles & CONFIG_ROLE_BOARD) != 0 ? daemon->board : NULL,
                                  daemon->model, found);
        if (daemon->watch == NULL)
            goto refused;
        daemon_wake_on(daemon, watch_descriptor(daemon->watch));
    }
    daemon->acks = acks_new(&daemon->world, daemon->base);
    daemon->topics_sound = true;
    return;
refused:
    daemon_end(daemon, DAEMON_REFUSED);
}

static void
daemon_on_topics(struct daemon *daemon, const struct restore_news *news)
{
    if (news->error[0] != '\0') {
        memcpy(daemon->topics_error, news->error, sizeof news->error);
        log_write(daemon->log, LOG_WARNING, "no_broker", LOG_TEXT("trying", daemon->world.kafka.brokers),
                  LOG_TEXT("text", news->error));
        return;
    }
    daemon->topics_error[0] = '\0';
    if (daemon_judge_topics(daemon, news->topics))
        daemon_begin_roles(daemon, news->topics);
    else
        daemon_end(daemon, DAEMON_REFUSED);
}

/* ---- phases ---- */

static void
daemon_read_time(struct daemon *daemon)
{
    struct wallclock_reading reading = wallclock_read();
    enum wallclock_news news = wallclock_turn(&daemon->clock, reading);

    if (news == WALLCLOCK_JUMPED) {
        log_write(daemon->log, LOG_ERROR, "wall_clock_jumped",
                  LOG_INTEGER("jump_ms", wallclock_jump_ms(&daemon->clock)),
                  LOG_INTEGER("timers_freeze_for_ms", WALLCLOCK_HOLD_MS));
        metrics_add(daemon->metrics, METRIC_WALL_JUMPS, 0, 1);
    } else if (news == WALLCLOCK_RESUMED)
        log_write(daemon->log, LOG_NOTICE, "timers_resumed",
                  LOG_INSTANT("now", wallclock_now_ms(&daemon->clock)));
    daemon->world.now_ms = wallclock_now_ms(&daemon->clock);
    daemon->world.now_mono_ms = reading.boot_mono_ms;
}

static void
daemon_clear_wakes(struct daemon *daemon)
{
    restore_clear(daemon->restore);
    if (daemon->tickets != NULL)
        tickets_clear(daemon->tickets);
    if (daemon->scoring != NULL)
        scoring_clear(daemon->scoring);
    if (daemon->watch != NULL)
        watch_clear(daemon->watch);
}

/* A few of the loader's news a turn: a chunk may hold a thousand tickets. true: there is more. */
static bool
daemon_take_news(struct daemon *daemon)
{
    for (int i = 0; i < 2; i++) {
        struct restore_news *news = restore_take(daemon->restore);

        if (news == NULL)
            return false;
        daemon->shown_mono_ms = 0;
        if (news->kind == RESTORE_TOPICS)
            daemon_on_topics(daemon, news);
        else if ((daemon->scoring != NULL && scoring_take_news(daemon->scoring, news)) ||
                 (daemon->tickets != NULL && tickets_take_news(daemon->tickets, news)))
            continue;
        restore_news_free(news);
    }
    return true;
}

static bool
daemon_turn_tickets(struct daemon *daemon)
{
    bool more;

    if (daemon->tickets == NULL)
        return false;
    tickets_take_done(daemon->tickets);
    more = tickets_ingest(daemon->tickets);
    more |= tickets_tick(daemon->tickets);
    tickets_close_epoch(daemon->tickets);
    return more;
}

/* After both roles: a step of the snapshot under way. */
static bool
daemon_turn_snapshots(struct daemon *daemon)
{
    if (daemon->snapshot == NULL)
        return false;
    return daemon->tickets != NULL ? tickets_snapshot(daemon->tickets, daemon->snapshot)
                                   : snapshot_turn(daemon->snapshot, NULL, 0);
}

static bool
daemon_turn_scoring(struct daemon *daemon)
{
    bool more;

    if (daemon->scoring == NULL)
        return false;
    scoring_take_done(daemon->scoring);
    more = scoring_ingest(daemon->scoring);
    scoring_tick(daemon->scoring);
    scoring_close_epoch(daemon->scoring);
    return more;
}

static void
daemon_look_for_faults(struct daemon *daemon)
{
    const char *fatal = daemon->tickets != NULL ? tickets_fatal(daemon->tickets) : NULL;

    if (fatal == NULL && daemon->scoring != NULL)
        fatal = scoring_fatal(daemon->scoring);
    if (fatal == NULL || daemon->done)
        return;
    log_write(daemon->log, LOG_ERROR, "cannot_go_on", LOG_TEXT("why", fatal),
              LOG_TEXT("instance", daemon->config->instance),
              LOG_TEXT("hint", "if it was fenced: every process needs an `instance` of its own"));
    daemon_end(daemon, DAEMON_FAILED);
}

/* ---- readiness ---- */

static void
daemon_list_reasons(struct daemon *daemon, struct buffer *out)
{
    if (!daemon->topics_sound) {
        buffer_append_text(out, "no answer yet from the brokers ");
        buffer_append_text(out, daemon->world.kafka.brokers);
        if (daemon->topics_error[0] != '\0') {
            buffer_append_text(out, ": ");
            buffer_append_text(out, daemon->topics_error);
        }
        buffer_append_byte(out, '\n');
    }
    if (wallclock_frozen(&daemon->clock))
        buffer_append_text(
            out, "the wall clock jumped: timers are frozen until it has been steady for a minute\n");
    if (daemon->tickets != NULL)
        tickets_reasons(daemon->tickets, out);
    if (daemon->scoring != NULL)
        scoring_reasons(daemon->scoring, out);
    if ((daemon->config->roles & CONFIG_ROLE_BOARD) != 0 && daemon->watch != NULL &&
        !watch_caught_up(daemon->watch))
        buffer_append_text(out, "the board is being read\n");
}

static void
daemon_became_ready(struct daemon *daemon, bool ready, const char *first_reason)
{
    if (ready == daemon->ready && daemon->shown_mono_ms != 0)
        return;
    if (ready != daemon->ready)
        log_write(daemon->log, LOG_NOTICE, ready ? "ready" : "not_ready", LOG_TEXT("why", first_reason));
    daemon->ready = ready;
    if (ready && !daemon->ready_once)
        notify_ready(&daemon->notify);
    daemon->ready_once |= ready;
    notify_status(&daemon->notify, ready ? "live" : first_reason);
}

static void
daemon_show(struct daemon *daemon)
{
    const char *reasons[DAEMON_REASONS_MAX];
    struct buffer text = {0};
    size_t count = 0;

    daemon_list_reasons(daemon, &text);
    buffer_append_byte(&text, '\0');
    for (char *line = text.at, *line_end;
         count < DAEMON_REASONS_MAX && (line_end = strchr(line, '\n')) != NULL; line = line_end + 1) {
        *line_end = '\0';
        reasons[count++] = line;
    }
    board_set_ready(daemon->board, reasons, count);
    daemon_became_ready(daemon, count == 0, count > 0 ? reasons[0] : NULL);
    daemon->shown_mono_ms = daemon->world.now_mono_ms;
    buffer_free(&text);
}

/* ---- now and then ---- */

static void
daemon_refresh_metrics(void *context)
{
    struct daemon *daemon = context;
    uint64_t errors = atomic_load(&daemon->world.kafka.errors_count);

    metrics_set(daemon->metrics, METRIC_READY, 0, daemon->ready);
    metrics_set(daemon->metrics, METRIC_WALL_FROZEN, 0, wallclock_frozen(&daemon->clock));
    metrics_add(daemon->metrics, METRIC_KAFKA_ERRORS, 0, errors - daemon->kafka_errors_counted);
    daemon->kafka_errors_counted = errors;
}

static void
daemon_measure(struct daemon *daemon)
{
    if (daemon->tickets != NULL)
        tickets_measure(daemon->tickets);
    if (daemon->scoring != NULL)
        scoring_measure(daemon->scoring);
    if (daemon->watch != NULL)
        watch_measure(daemon->watch);
    if (daemon->world.now_mono_ms - daemon->trimmed_mono_ms >= DAEMON_TRIM_EVERY_MS) {
        daemon->trimmed_mono_ms = daemon->world.now_mono_ms;
        batch_store_trim(daemon->world.batches);
    }
    metrics_set(daemon->metrics, METRIC_EPOCH_SPARE_BYTES, 0,
                (int64_t)batch_store_bytes(daemon->world.batches));
    log_flush(daemon->log);
}

static void
daemon_now_and_then(struct daemon *daemon)
{
    int64_t now_mono_ms = daemon->world.now_mono_ms, alive_every_ms = notify_alive_every_ms(&daemon->notify);

    if (daemon->shown_mono_ms == 0 || now_mono_ms - daemon->shown_mono_ms >= DAEMON_SHOW_EVERY_MS)
        daemon_show(daemon);
    if (now_mono_ms - daemon->measured_mono_ms >= DAEMON_MEASURE_EVERY_MS) {
        daemon->measured_mono_ms = now_mono_ms;
        daemon_measure(daemon);
    }
    if (alive_every_ms > 0 && now_mono_ms - daemon->alive_mono_ms >= alive_every_ms) {
        daemon->alive_mono_ms = now_mono_ms;
        notify_alive(&daemon->notify);
    }
}

static void
daemon_reload_config(struct daemon *daemon, struct reload_report *report)
{
    report->configuration_taken = config_reload(daemon->config, &daemon->options->source, &report->changed,
                                                &report->needs_restart, &report->configuration_errors) == 0;
    if (!report->configuration_taken)
        daemon_log_lines(daemon, LOG_ERROR, "configuration_refused",
                         buffer_slice(&report->configuration_errors));
    else
        log_write(daemon->log, LOG_NOTICE, "configuration_loaded",
                  LOG_SLICE("changed", buffer_slice(&report->changed)),
                  LOG_SLICE("needs_restart", buffer_slice(&report->needs_restart)));
    log_set(daemon->log, (enum log_level)daemon->config->log_level,
            daemon->options->log_format >= 0 ? (enum log_format)daemon->options->log_format
                                             : (enum log_format)daemon->config->log_format,
            daemon->config->log_burst_max);
}

/* The disk is known; whether anything goes by it is decided by what the tasks hold. */
static void
daemon_take_policies(struct daemon *daemon)
{
    const struct policy_set *before = daemon->policies;

    daemon->policies = policy_book_hold(daemon->book, policy_book_disk(daemon->book));
    daemon->world.policies = daemon->policies;
    if (daemon->tickets != NULL)
        tickets_take_policies(daemon->tickets);
    if (daemon->scoring != NULL)
        scoring_take_policies(daemon->scoring);
    policy_book_release(daemon->book, before);
    metrics_add(daemon->metrics, METRIC_POLICY_LOADS, 0, 1);
    log_write(daemon->log, LOG_NOTICE, "policy_loaded",
              LOG_INTEGER("versions", policy_set_count(daemon->policies)));
}

static void
daemon_reload_policies(struct daemon *daemon, struct reload_report *report)
{
    struct buffer *errors = &report->policy_errors;
    struct policy_set *fresh =
        policy_files_load(daemon->config->policy, daemon->config->zoneinfo_dir, daemon->symbols, errors);
    bool refused = fresh == NULL;

    if (fresh != NULL) {
        policy_book_set_disk(daemon->book, fresh);
        refused = daemon->tickets != NULL && tickets_refuse_policies(daemon->tickets, errors);
        refused |= daemon->scoring != NULL && scoring_refuses_policies(daemon->scoring, errors);
    }
    daemon->shown_mono_ms = 0;
    if (refused) {
        daemon_log_lines(daemon, LOG_ERROR, "policy_refused", buffer_slice(errors));
        metrics_add(daemon->metrics, METRIC_POLICY_REFUSED, 0, 1);
    } else
        daemon_take_policies(daemon);
    report->policies_taken = !refused;
    report->versions_count = policy_set_count(daemon->policies);
}

/* By a signal, or asked for over HTTP. */
static void
daemon_reload(void *context, struct reload_report *report)
{
    struct daemon *daemon = context;

    notify_reloading(&daemon->notify, wallclock_mono_us());
    daemon_reload_config(daemon, report);
    http_reload(daemon->http);
    daemon_reload_policies(daemon, report);
    if (daemon->ready_once)
        notify_ready(&daemon->notify);
}

static void
daemon_do_reload(struct daemon *daemon)
{
    struct reload_report report = {0};

    daemon->reload = false;
    daemon_reload(daemon, &report);
    http_reload_report_done(&report);
}

/* ---- the turn ---- */

/* How long until something is due; the timer sees to it. */
static void
daemon_arm(struct daemon *daemon)
{
    int64_t wait_ms = DAEMON_WAIT_MS_MAX, role_ms;
    struct timeval length;

    role_ms = daemon->tickets != NULL ? tickets_wait_ms(daemon->tickets) : INT64_MAX;
    if (role_ms < wait_ms)
        wait_ms = role_ms;
    if (daemon->snapshot != NULL) {
        role_ms = daemon->tickets != NULL ? tickets_snapshot_wait_ms(daemon->tickets, daemon->snapshot)
                                          : snapshot_wait_ms(daemon->snapshot, NULL, 0);
        if (role_ms < wait_ms)
            wait_ms = role_ms;
    }
    role_ms = daemon->scoring != NULL ? scoring_wait_ms(daemon->scoring) : INT64_MAX;
    if (role_ms < wait_ms)
        wait_ms = role_ms;
    if (!daemon->ready && wait_ms > DAEMON_SHOW_EVERY_MS)
        wait_ms = DAEMON_SHOW_EVERY_MS;
    length = (struct timeval){.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
    event_add(daemon->timer, &length);
}

/* The table before goes with the next one: nobody may ask it any more. */
static void
daemon_take_foresight(struct daemon *daemon)
{
    const struct foresight_table *table = model_table(daemon->model);

    if (table == daemon->world.foresight)
        return;
    daemon->world.foresight = table;
    if (daemon->tickets != NULL)
        tickets_take_foresight(daemon->tickets);
    metrics_set(daemon->metrics, METRIC_FORESIGHT_MODEL, 0, (int64_t)foresight_table_version(table));
}

/* true: there is more to do at once. */
static bool
daemon_turn(struct daemon *daemon)
{
    int64_t begun_us = wallclock_mono_us();
    bool more;

    daemon_read_time(daemon);
    daemon_clear_wakes(daemon);
    if (daemon->reload)
        daemon_do_reload(daemon);
    more = daemon_take_news(daemon);
    more |= daemon_turn_tickets(daemon);
    more |= daemon_turn_scoring(daemon);
    more |= daemon_turn_snapshots(daemon);
    if (daemon->watch != NULL) {
        more |= watch_drain(daemon->watch, daemon->config->turn_records_max);
        daemon_take_foresight(daemon);
    }
    daemon_look_for_faults(daemon);
    daemon_now_and_then(daemon);
    daemon_arm(daemon);
    metrics_observe(daemon->metrics, METRIC_TURN_TIME, 0, wallclock_mono_us() - begun_us);
    return more;
}

static void
daemon_loop(struct daemon *daemon)
{
    bool more = true;

    while (!daemon->done) {
        if (event_base_loop(daemon->base, EVLOOP_ONCE | (more ? EVLOOP_NONBLOCK : 0)) < 0)
            panic("the event loop failed");
        more = daemon_turn(daemon);
    }
}

/* ---- birth ---- */

/* 0, or -1 with the reason added to errors. */
static int
daemon_check_kafka(const struct daemon *daemon, struct buffer *errors)
{
    char error[KAFKA_ERROR_BYTES] = "";

    if (kafka_check_settings(daemon->config, error) == 0)
        return 0;
    buffer_append_text(errors, "kafka: ");
    buffer_append_text(errors, error);
    buffer_append_byte(errors, '\n');
    return -1;
}

static int
daemon_load_settings(struct daemon *daemon)
{
    struct buffer errors = {0};
    struct log_options log_options = {.descriptor = STDERR_FILENO};
    struct policy_set *policies = NULL;

    daemon->config = config_load(&daemon->options->source, &errors);
    if (daemon->config != NULL) {
        log_options.level = (enum log_level)daemon->config->log_level;
        log_options.format = daemon->options->log_format >= 0 ? (enum log_format)daemon->options->log_format
                                                              : (enum log_format)daemon->config->log_format;
        log_options.journal = log_under_journal(getenv("JOURNAL_STREAM"), STDERR_FILENO);
        log_options.burst_max = daemon->config->log_burst_max;
        daemon->log = log_new(&log_options);
        daemon->symbols = symbols_new();
    }
    if (daemon->config != NULL && daemon_check_kafka(daemon, &errors) == 0)
        policies =
            policy_files_load(daemon->config->policy, daemon->config->zoneinfo_dir, daemon->symbols, &errors);
    if (policies != NULL) {
        daemon->book = policy_book_new(daemon->symbols);
        policy_book_set_disk(daemon->book, policies);
        daemon->policies = policy_book_hold(daemon->book, policy_book_disk(daemon->book));
    }
    if (daemon->policies == NULL)
        fprintf(stderr, "%.*s", (int)errors.bytes, buffer_slice(&errors).at);
    buffer_free(&errors);
    return daemon->policies != NULL ? 0 : -1;
}

static void
daemon_fill_world(struct daemon *daemon)
{
    struct world *world = &daemon->world;

    world->config = daemon->config;
    world->log = daemon->log;
    world->metrics = daemon->metrics = metrics_new();
    world->batches = batch_store_new();
    world->symbols = daemon->symbols;
    world->policies = daemon->policies;
    world->book = daemon->book;
    world->kafka.config = daemon->config;
    world->kafka.log = daemon->log;
    world->kafka.brokers = daemon->config->brokers;
    world->kafka.embedded = daemon->options->embedded;
    topics_init(&world->topics, daemon->config);
    world->group = kafka_name(daemon->config->prefix, "-tickets");
    world->source = kafka_name("/", daemon->config->prefix);
    must(getrandom(&world->writer, sizeof world->writer, 0) == (ssize_t)sizeof world->writer);
    wallclock_init(&daemon->clock, wallclock_read());
    daemon_read_time(daemon);
    world->started_at_ms = world->now_ms;
    metrics_set(daemon->metrics, METRIC_START, 0, world->now_ms);
}

static int
daemon_open_http(struct daemon *daemon)
{
    const struct http_rooms rooms = {
        .config = daemon->config,
        .metrics = daemon->metrics,
        .log = daemon->log,
        .board = daemon->board,
        .refresh_metrics = daemon_refresh_metrics,
        .context = daemon,
    };

    daemon->reports = reports_new(&daemon->world, daemon->base, &daemon->options->source);
    daemon->http = http_new(daemon->base, &rooms);
    if (daemon->http == NULL)
        return -1;
    http_set_installation(daemon->http, &(struct http_installation){.world = &daemon->world,
                                                                    .tickets = &daemon->tickets,
                                                                    .acks = &daemon->acks,
                                                                    .reports = &daemon->reports,
                                                                    .reload = daemon_reload,
                                                                    .context = daemon});
    daemon->world.api_url =
        daemon->config->api_url[0] != '\0' ? daemon->config->api_url : http_url(daemon->http);
    log_write(daemon->log, LOG_NOTICE, "listening", LOG_TEXT("at", http_url(daemon->http)));
    return 0;
}

static void
daemon_open_loop(struct daemon *daemon)
{
    struct event_config *settings = event_config_new();
    const int signals[] = {SIGTERM, SIGINT, SIGHUP};

    event_config_set_flag(settings, EVENT_BASE_FLAG_PRECISE_TIMER); /* a deadline to the millisecond */
    daemon->base = event_base_new_with_config(settings);
    event_config_free(settings);
    must(daemon->base != NULL);
    daemon->timer = evtimer_new(daemon->base, daemon_on_wake, NULL);
    must(daemon->timer != NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        daemon->signals[i] = evsignal_new(daemon->base, signals[i], daemon_on_signal, daemon);
        must(daemon->signals[i] != NULL && event_add(daemon->signals[i], NULL) == 0);
    }
    signal(SIGPIPE, SIG_IGN);
    daemon->board = board_new(daemon->config, daemon->metrics, daemon->log, daemon->world.writer.low);
}

static int
daemon_write_address(struct daemon *daemon)
{
    const char *path = daemon->options->embedded_address_file, *address = embedded_address(daemon->embedded);
    FILE *file;
    bool written;

    printf("embedded broker: %s\n", address);
    fflush(stdout);
    if (path == NULL)
        return 0;
    file = fopen(path, "w");
    written = file != NULL && fprintf(file, "%s\n", address) > 0;
    if (file == NULL || fclose(file) != 0 || !written) {
        log_write(daemon->log, LOG_ERROR, "address_not_written", LOG_TEXT("file", path),
                  LOG_TEXT("why", strerror(errno)));
        return -1;
    }
    return 0;
}

static int
daemon_open_embedded(struct daemon *daemon)
{
    char error[KAFKA_ERROR_BYTES] = "";

    daemon->embedded = embedded_new(&daemon->world.kafka, &daemon->world.topics, error);
    if (daemon->embedded == NULL) {
        log_write(daemon->log, LOG_ERROR, "embedded_failed", LOG_TEXT("why", error));
        return -1;
    }
    daemon->world.kafka.brokers = embedded_address(daemon->embedded);
    log_write(daemon->log, LOG_WARNING, "embedded_broker", LOG_TEXT("at", daemon->world.kafka.brokers),
              LOG_TEXT("text", "for trying out: nothing survives this process"));
    return daemon_write_address(daemon);
}

static int
daemon_open(struct daemon *daemon)
{
    struct restore_options restore_options = {
        .kafka = &daemon->world.kafka, .topics = &daemon->world.topics, .group = daemon->world.group};

    if (notify_init(&daemon->notify, getenv("NOTIFY_SOCKET"), getenv("WATCHDOG_USEC"),
                    getenv("WATCHDOG_PID")) != 0)
        log_write(daemon->log, LOG_WARNING, "no_supervisor", LOG_TEXT("why", strerror(errno)));
    log_write(daemon->log, LOG_NOTICE, "starting", LOG_TEXT("version", SLAD_VERSION),
              LOG_TEXT("instance", daemon->config->instance), LOG_TEXT("prefix", daemon->config->prefix),
              LOG_TEXT("brokers", daemon->options->embedded ? "embedded" : daemon->config->brokers),
              LOG_INTEGER("policies", policy_set_count(daemon->policies)));
    if (!daemon->options->embedded)
        daemon->world.poison = poison_new(daemon->config, daemon->log, NULL);
    daemon_open_loop(daemon);
    if (daemon_open_http(daemon) != 0 || (daemon->options->embedded && daemon_open_embedded(daemon) != 0))
        return -1;
    daemon->restore = restore_new(&restore_options);
    daemon_wake_on(daemon, restore_descriptor(daemon->restore));
    restore_ask_topics(daemon->restore);
    return 0;
}

/* ---- death ---- */

static void
daemon_on_alarm(int number)
{
    static const char last_words[] =
        "slad: the stop hangs: ended the hard way; what was not committed never happened\n";

    (void)number;
    (void)!write(STDERR_FILENO, last_words, sizeof last_words - 1);
    _exit(DAEMON_FAILED);
}

/* A stop that hangs (closing a client can) ends all the same. */
static void
daemon_arm_watchdog(const struct daemon *daemon)
{
    struct sigaction action = {.sa_handler = daemon_on_alarm};

    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)((daemon->config->shutdown_timeout_ms + 999) / 1000));
}

/* In this order: the door, the queues, consumers, producers, the broker in the process, its owner. */
static void
daemon_close(struct daemon *daemon)
{
    int64_t each_ms;

    if (daemon->config != NULL) {
        each_ms = daemon->config->shutdown_timeout_ms / 3;
        daemon_arm_watchdog(daemon);
        notify_stopping(&daemon->notify);
        acks_free(daemon->acks);
        reports_free(daemon->reports);
        http_free(daemon->http);
        if (daemon->tickets != NULL)
            tickets_stop(daemon->tickets, each_ms);
        if (daemon->scoring != NULL)
            scoring_stop(daemon->scoring, each_ms);
    }
    for (size_t i = 0; i < daemon->watches_count; i++)
        event_free(daemon->watches[i]);
    redis_free(daemon->redis);
    snapshot_free(daemon->snapshot);
    restore_free(daemon->restore);
    watch_free(daemon->watch);
    tickets_free(daemon->tickets);
    model_free(daemon->model);
    scoring_free(daemon->scoring);
    poison_free(daemon->world.poison);
    embedded_free(daemon->embedded);
}

static void
daemon_free(struct daemon *daemon)
{
    for (size_t i = 0; i < sizeof daemon->signals / sizeof *daemon->signals; i++)
        if (daemon->signals[i] != NULL)
            event_free(daemon->signals[i]);
    if (daemon->timer != NULL)
        event_free(daemon->timer);
    if (daemon->base != NULL)
        event_base_free(daemon->base);
    if (daemon->board != NULL)
        board_free(daemon->board);
    topics_done(&daemon->world.topics);
    batch_store_free(daemon->world.batches);
    memory_free(daemon->world.group);
    memory_free(daemon->world.source);
    notify_done(&daemon->notify);
    policy_book_release(daemon->book, daemon->policies);
    policy_book_free(daemon->book);
    if (daemon->symbols != NULL)
        symbols_free(daemon->symbols);
    if (daemon->metrics != NULL)
        metrics_free(daemon->metrics);
    if (daemon->config != NULL)
        config_free(daemon->config);
    log_free(daemon->log);
}

enum daemon_status
daemon_run(const struct daemon_options *options)
{
    struct daemon daemon = {.options = options, .notify = {.descriptor = -1}};

    if (daemon_load_settings(&daemon) != 0)
        daemon.status = DAEMON_REFUSED;
    else {
        daemon_fill_world(&daemon);
        if (daemon_open(&daemon) != 0)
            daemon.status = DAEMON_FAILED;
        else
            daemon_loop(&daemon);
        log_write(daemon.log, LOG_NOTICE, "stopping", LOG_INTEGER("status", daemon.status));
        daemon_close(&daemon);
        log_write(daemon.log, LOG_NOTICE, "stopped", LOG_INTEGER("status", daemon.status));
    }
    daemon_free(&daemon);
    return daemon.status;
}
