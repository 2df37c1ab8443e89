/*
 * slactl play: sends recorded events to Kafka.
 *
 * What: merges files by time, moves the instants to the present if asked to, produces each event when its
 * instant has come.
 *
 * Why so: a daemon without events shows nothing, and five-year-old events are refused as too old. Moving by
 * whole weeks keeps weekdays, hours and all distances of the past part true, so calendars and clocks say what
 * they would have said.
 *
 * The mapping of --shift-to-now: one instant of the log, near 70 % of its events, becomes now. Everything up
 * to it is moved by one whole number of weeks and sent at once. What comes after it is sent live, SPEED times
 * as fast as life, and stamped with the instant at which it is sent: now + (time - that instant) / SPEED.
 * Both parts meet at now, so the order never changes.
 *
 * Always true: an event's bytes are as recorded but for its instants (and, with --loop, names that get a
 * suffix from the second round on); key and partition are those of the daemon's own check.
 *
 * Not here: reading the files (play_log.c).
 */
#include "slactl/play.h"
#include "base/buffer.h"
#include "base/instant.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/partitioner.h"
#include "shell/wallclock.h"
#include "slactl/play_log.h"
#include "slactl/reach.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAY_WEEK_MS (INT64_C(7) * 86400000)
#define PLAY_SPEED_MAX INT64_C(0) /* "max": no waiting */
enum { PLAY_ANCHOR_PERCENT = 70, PLAY_POLL_MS = 50, PLAY_FLUSH_MS = 30000 };

static int play_run(int argc, char **argv);

static const struct command_option play_options[] = {
    {"speed", 's', "N|max",
     "N times as fast as life (with --shift-to-now 60 by default); max, the default: without waiting"},
    {"shift-to-now", 'n', NULL,
     "moves the instants by whole weeks, so that about 70 % of the events are past; the rest follows live"},
    {"until-now", 'u', NULL, "only what comes before now"},
    {"live", 'l', NULL, "only what comes after it"},
    {"stamp", 'm', NULL,
     "stamps records with the instants of their events, so that a daemon that reads them now learns as if it "
     "had read "
     "them then (a topic with LogAppendTime stamps them anew)"},
    {"loop", 'o', NULL, "begins again at the end, with new ticket names, until it is ended"},
    {"partitioner", 'r', "murmur2|crc32", "how keys choose partitions"},
    REACH_OPTIONS,
    REACH_TOPIC_OPTIONS,
    {0},
};

const struct command play_command = {
    .name = "play",
    .run = play_run,
    .help = "sends recorded events to Kafka, as they were or moved to the present",
    .usage = "[OPTION]... FILE...",
    .operands = "FILE",
    .text =
        "Sends recorded events (NDJSON, .gz too) in order of their time: ticket.* to tickets, feedback.* to "
        "feedback.",
    .options = play_options,
    .fails = "a file cannot be read, or not everything was delivered",
};

struct play {
    struct reach reach;
    bool shift, only_past, only_live, loop, stamp;
    int64_t speed; /* -1: not said */
    enum partitioner partitioner;
    struct play_log log;
    rd_kafka_t *producer;
    rd_kafka_topic_t *topics[2]; /* tickets, feedback */
    int32_t partitions_count[2];
    /* the mapping */
    int64_t anchor_ms, shift_ms, now_ms;
    unsigned round; /* from 0 */
    uint64_t sent_count, past_count, failed_count;
};

static volatile sig_atomic_t play_ended;

static void
play_on_signal(int number)
{
    (void)number;
    play_ended = 1;
}

/* ---- instants ---- */

/* Chooses the instant of the log that becomes now: a whole number of weeks before now, nearest to 70 % of its
 * events: a log thins out at its end, where hardly a ticket is open. */
static void
play_choose_anchor(struct play *play)
{
    int64_t wanted_ms = play->log.events[play->log.count * PLAY_ANCHOR_PERCENT / 100].at_ms;
    int64_t weeks;

    play->now_ms = wallclock_wall_ms();
    weeks = (play->now_ms - wanted_ms + PLAY_WEEK_MS / 2) / PLAY_WEEK_MS;
    play->shift_ms = weeks * PLAY_WEEK_MS;
    play->anchor_ms = play->now_ms - play->shift_ms;
}

static int64_t
play_map(const struct play *play, int64_t at_ms)
{
    if (!play->shift)
        return at_ms;
    if (at_ms <= play->anchor_ms)
        return at_ms + play->shift_ms;
    return play->speed == PLAY_SPEED_MAX ? play->now_ms
                                         : play->now_ms + (at_ms - play->anchor_ms) / play->speed;
}

/* When the event is to be sent (wall). */
static int64_t
play_due_ms(const struct play *play, const struct play_event *event)
{
    if (play->speed == PLAY_SPEED_MAX)
        return 0;
    if (play->shift)
        return event->at_ms <= play->anchor_ms ? 0 : play_map(play, event->at_ms);
    return play->now_ms + (event->at_ms - play->log.events[0].at_ms) / play->speed;
}

/* ---- bytes ---- */

struct play_edit {
    struct play_span span;
    bool is_time;
};

static int
play_edit_compare(const void *first, const void *second)
{
    const struct play_edit *a = first, *b = second;

    return a->span.at < b->span.at ? -1 : a->span.at > b->span.at;
}

/* The line with its instants moved (and its names suffixed), into out. */
static void
play_rewrite(const struct play *play, const struct play_event *event, struct buffer *out)
{
    struct play_edit edits[7];
    size_t count = 0, at = 0;
    char text[INSTANT_TEXT_BYTES], suffix[16];

    snprintf(suffix, sizeof suffix, "-r%u", play->round + 1);
    for (size_t i = 0; i < 3; i++)
        if (play->shift && event->times[i].bytes > 0)
            edits[count++] = (struct play_edit){event->times[i], true};
    for (size_t i = 0; i < 4; i++)
        if (play->round > 0 && event->names[i].bytes > 0)
            edits[count++] = (struct play_edit){event->names[i], false};
    qsort(edits, count, sizeof *edits, play_edit_compare);
    for (size_t i = 0; i < count; i++) {
        struct slice old = {event->line + edits[i].span.at, edits[i].span.bytes};
        int64_t at_ms;

        buffer_append(out, event->line + at, edits[i].span.at - at);
        at = edits[i].span.at + edits[i].span.bytes;
        if (!edits[i].is_time || instant_parse(old, &at_ms) != 0)
            buffer_append_slice(out, old);
        else {
            instant_format(play_map(play, at_ms), text);
            buffer_append_text(out, text);
        }
        if (!edits[i].is_time)
            buffer_append_text(out, suffix);
    }
    buffer_append(out, event->line + at, event->line_bytes - at);
}

/* ---- sending ---- */

static void
play_on_delivered(void *context, const rd_kafka_message_t *message)
{
    struct play *play = context;

    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    if (play->failed_count++ == 0)
        fprintf(stderr, "slactl play: not delivered: %s\n", rd_kafka_err2str(message->err));
}

/* Waits while the producer's queue is full. */
static rd_kafka_resp_err_t
play_produce(struct play *play, const rd_kafka_vu_t *values, size_t count)
{
    rd_kafka_resp_err_t code;

    do {
        rd_kafka_error_t *error = rd_kafka_produceva(play->producer, values, count);

        code = error != NULL ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_error_destroy(error);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(play->producer, PLAY_POLL_MS);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !play_ended);
    return code;
}

static int
play_send(struct play *play, const struct play_event *event)
{
    size_t which = event->topic == EVENT_TOPIC_FEEDBACK ? 1 : 0;
    struct buffer value = {0}, key = {0};
    rd_kafka_resp_err_t code;
    int32_t partition;

    play_rewrite(play, event, &value);
    buffer_append(&key, event->line + event->names[1].at, event->names[1].bytes);
    if (play->round > 0 && key.bytes > 0) {
        char suffix[16];

        snprintf(suffix, sizeof suffix, "-r%u", play->round + 1);
        buffer_append_text(&key, suffix);
    }
    partition = key.bytes == 0 ? RD_KAFKA_PARTITION_UA
                               : partitioner_partition(play->partitioner, buffer_slice(&key),
                                                       play->partitions_count[which]);
    code = play_produce(
        play,
        (rd_kafka_vu_t[]){
            {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = play->topics[which]},
            {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
            {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {key.bytes > 0 ? key.at : NULL, key.bytes}},
            {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {value.at, value.bytes}},
            {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = play->stamp ? play_map(play, event->at_ms) : 0},
            {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        },
        6);
    buffer_free(&value);
    buffer_free(&key);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        fprintf(stderr, "slactl play: %s\n", rd_kafka_err2str(code));
    play->sent_count++;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : -1;
}

/* Until the wall says so. */
static void
play_wait(struct play *play, int64_t due_ms)
{
    int64_t left_ms;

    while (!play_ended && (left_ms = due_ms - wallclock_wall_ms()) > 0)
        rd_kafka_poll(play->producer, (int)(left_ms < PLAY_POLL_MS ? left_ms : PLAY_POLL_MS));
    rd_kafka_poll(play->producer, 0);
}

static int
play_round(struct play *play)
{
    bool told = false;

    if (play->shift)
        play_choose_anchor(play);
    else
        play->now_ms = wallclock_wall_ms();
    for (size_t i = 0; i < play->log.count && !play_ended; i++) {
        const struct play_event *event = &play->log.events[i];
        bool past = !play->shift || event->at_ms <= play->anchor_ms;

        if ((past && play->only_live) || (!past && play->only_past))
            continue;
        if (play->shift && !past && !told) {
            rd_kafka_flush(play->producer, PLAY_FLUSH_MS);
            printf("past: %llu events sent, %zu follow live\n", (unsigned long long)play->sent_count,
                   play->log.count - i);
            fflush(stdout);
            told = true;
        }
        play->past_count += past;
        play_wait(play, play_due_ms(play, event));
        if (!play_ended && play_send(play, event) != 0)
            return -1;
    }
    return 0;
}

/* ---- begin and end ---- */

static int
play_open(struct play *play)
{
    static struct kafka_client description; /* as long as the producer: until the end of the program */
    const enum topic topics[] = {TOPIC_TICKETS, TOPIC_FEEDBACK};
    char error[KAFKA_ERROR_BYTES];

    if (reach_open(&play->reach) != 0)
        return 2;
    description = (struct kafka_client){
        .kafka = &play->reach.kafka, .name = "play", .context = play, .delivered = play_on_delivered};
    play->producer = kafka_producer_new(&description, error);
    if (play->producer == NULL) {
        fprintf(stderr, "slactl play: %s\n", error);
        return 2;
    }
    for (int i = 0; i < 2; i++) {
        const char *name = play->reach.topics.names[topics[i]];

        play->partitions_count[i] = kafka_partitions_count(play->producer, name, 10000, error);
        if (play->partitions_count[i] <= 0) {
            fprintf(stderr, "slactl play: %s at %s: %s\n", name, play->reach.kafka.brokers,
                    play->partitions_count[i] == 0 ? "no such topic" : error);
            return 1;
        }
        play->topics[i] = rd_kafka_topic_new(play->producer, name, NULL);
        must(play->topics[i] != NULL);
    }
    return 0;
}

static int
play_close(struct play *play, int status)
{
    if (play->producer != NULL) {
        if (rd_kafka_flush(play->producer, PLAY_FLUSH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR ||
            play->failed_count > 0) {
            fprintf(stderr, "slactl play: %llu events were not delivered\n",
                    (unsigned long long)(play->failed_count + (uint64_t)rd_kafka_outq_len(play->producer)));
            status = 1;
        }
        for (int i = 0; i < 2; i++)
            if (play->topics[i] != NULL)
                rd_kafka_topic_destroy(play->topics[i]);
        rd_kafka_destroy(play->producer);
        printf("sent: %llu events, %llu of them past; lines left out: %zu\n",
               (unsigned long long)play->sent_count, (unsigned long long)play->past_count,
               play->log.bad_count);
    }
    play_log_free(&play->log);
    reach_close(&play->reach);
    return status;
}

static bool
play_read_speed(struct play *play, const char *text)
{
    char *end;
    long long speed = strtoll(text, &end, 10);

    play->speed = strcmp(text, "max") == 0 ? PLAY_SPEED_MAX : speed;
    return strcmp(text, "max") == 0 || (*end == '\0' && end != text && speed >= 1 && speed <= 100000000);
}

/* -1: go on; else the exit status. */
static int
play_read_options(int argc, char **argv, struct play *play)
{
    bool sound = true;
    int option;

    while ((option = command_next(&play_command, argc, argv)) != COMMAND_END)
        switch (option) {
        case 's':
            sound = sound && play_read_speed(play, optarg);
            break;
        case 'n':
            play->shift = true;
            break;
        case 'u':
            play->only_past = true;
            break;
        case 'l':
            play->only_live = true;
            break;
        case 'o':
            play->loop = true;
            break;
        case 'm':
            play->stamp = true;
            break;
        case 'r':
            play->partitioner = strcmp(optarg, "crc32") == 0 ? PARTITIONER_CRC32 : PARTITIONER_MURMUR2;
            sound = sound && (strcmp(optarg, "crc32") == 0 || strcmp(optarg, "murmur2") == 0);
            break;
        case COMMAND_HELP:
            return COMMAND_DONE;
        default:
            if (!reach_take_option(&play->reach, option, optarg))
                return COMMAND_REFUSED;
        }
    if (!sound)
        return command_refuse(&play_command,
                              "--speed takes max or 1 to 100000000, --partitioner murmur2 or crc32");
    if (optind == argc)
        return command_refuse(&play_command, "expected a FILE");
    if ((play->only_past && play->only_live) || ((play->only_past || play->only_live) && !play->shift))
        return command_refuse(&play_command, "--until-now and --live go with --shift-to-now, one of them");
    if (play->speed < 0)
        play->speed = play->shift ? 60 : PLAY_SPEED_MAX;
    return -1;
}

static int
play_run(int argc, char **argv)
{
    struct play play = {.speed = -1, .log = {.command = "play"}};
    int status = play_read_options(argc, argv, &play);

    if (status >= 0) {
        reach_close(&play.reach);
        return status;
    }
    signal(SIGINT, play_on_signal);
    signal(SIGTERM, play_on_signal);
    status = 0;
    for (int i = optind; i < argc && status == 0; i++)
        status = play_log_read(&play.log, argv[i]) != 0 ? 1 : 0;
    play_log_sort(&play.log);
    if (status == 0 && play.log.count == 0) {
        fprintf(stderr, "slactl play: no events in these files\n");
        status = 1;
    }
    if (status == 0)
        status = play_open(&play);
    while (status == 0 && !play_ended) {
        status = play_round(&play) != 0 ? 1 : 0;
        if (!play.loop)
            break;
        play.round++;
    }
    return play_close(&play, status);
}
