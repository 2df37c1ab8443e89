/*
 * A member of a consumer group.
 *
 * What: the consumer with its wake-up, the producer's thread with the same group's offsets, and the calls
 * that need both.
 *
 * Why so: the roles differ in what they do with partitions, not in how a group is joined, told and left; what
 * librdkafka needs to be treated well stands here once.
 *
 * Always true: the metadata that goes with offsets is the group's at the moment the epoch closes.
 *
 * Not here: what is assigned and when (tickets.c, scoring.c), how a transaction runs (transaction.c).
 */
#include "shell/member.h"
#include "base/memory.h"
#include "base/panic.h"
#include "shell/wallclock.h"
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MEMBER_FIRST_ANSWER_MS = 2000, /* a stop waits so long for the group's first word */
    MEMBER_POLL_MS = 50
};

static int
member_open_consumer(struct member *member, const struct member_options *options)
{
    struct world *world = member->world;
    char error[KAFKA_ERROR_BYTES];

    member->settings[0] = (struct kafka_setting){"group.id", member->group};
    member->settings[1] = (struct kafka_setting){"group.instance.id", world->config->instance};
    member->description = (struct kafka_client){
        .kafka = &world->kafka,
        .name = member->name,
        .settings = member->settings,
        .settings_count = world->kafka.embedded ? 1 : 2,
        .context = options->context,
        .rebalance = options->rebalance,
    };
    member->consumer = kafka_consumer_new(&member->description, error);
    if (member->consumer == NULL) {
        log_write(world->log, LOG_ERROR, "kafka_setting_refused", LOG_TEXT("text", error));
        return -1;
    }
    member->queue = rd_kafka_queue_get_consumer(member->consumer);
    kafka_queue_wake(member->queue, member->descriptor);
    for (size_t i = 0; i < 2; i++)
        kafka_warm_add(&member->warm, member->consumer, world->topics.names[options->read[i]]);
    return 0;
}

int
member_open(struct member *ret_member, struct world *world, const struct member_options *options)
{
    struct transaction_options producer = {
        .kafka = &world->kafka, .topics = &world->topics, .name = options->name};
    char *first = kafka_name(options->group, "-");

    *ret_member = (struct member){
        .world = world,
        .name = options->name,
        .group = kafka_name(options->group, ""),
        .transactional_id = kafka_name(first, world->config->instance),
        .descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
        .topic = options->read[0],
    };
    memory_free(first);
    must(ret_member->descriptor >= 0);
    if (member_open_consumer(ret_member, options) != 0)
        return -1;
    producer.transactional_id = ret_member->transactional_id;
    ret_member->transaction = transaction_new(&producer);
    return 0;
}

/* librdkafka before 2.2 aborts when a client goes that was made the leader of its group and has not given out
 * anything yet (its issue 4312): a stop that comes right after the start waits for that, for a while. */
void
member_settle(struct member *member)
{
    int64_t until_mono_ms = wallclock_mono_ms() + MEMBER_FIRST_ANSWER_MS;

    while (member->joined && !member->assigned_once && wallclock_mono_ms() < until_mono_ms) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(member->consumer, MEMBER_POLL_MS);

        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
}

void
member_leave(struct member *member)
{
    rd_kafka_consumer_close(member->consumer);
}

void
member_done(struct member *member)
{
    transaction_free(member->transaction);
    if (member->queue != NULL) {
        rd_kafka_queue_io_event_enable(member->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(member->queue);
    }
    kafka_warm_done(&member->warm);
    if (member->consumer != NULL)
        rd_kafka_destroy(member->consumer);
    close(member->descriptor);
    memory_free(member->group);
    memory_free(member->transactional_id);
}

void
member_join(struct member *member)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t code;

    member->joined = true;
    rd_kafka_topic_partition_list_add(topics, member->world->topics.names[member->topic],
                                      RD_KAFKA_PARTITION_UA);
    code = rd_kafka_subscribe(member->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(member->fatal, sizeof member->fatal, "subscribe: %s", rd_kafka_err2str(code));
}

void
member_assign(struct member *member, bool add, rd_kafka_topic_partition_list_t *list)
{
    char text[KAFKA_ERROR_BYTES];
    rd_kafka_error_t *failed = add ? rd_kafka_incremental_assign(member->consumer, list)
                                   : rd_kafka_incremental_unassign(member->consumer, list);

    rd_kafka_topic_partition_list_destroy(list);
    if (failed == NULL)
        return;
    kafka_error_text(failed, text);
    log_write(member->world->log, LOG_ERROR, "assignment_failed", LOG_TEXT("client", member->name),
              LOG_TEXT("call", add ? "assign" : "unassign"), LOG_TEXT("text", text));
}

void
member_submit(struct member *member, struct transaction_job *job)
{
    if (job->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(job->group);
    job->group = rd_kafka_consumer_group_metadata(member->consumer);
    if (job->group == NULL) /* embedded: never joined */
        job->group = rd_kafka_consumer_group_metadata_new(member->group);
    transaction_submit(member->transaction, job);
}

void
member_on_error(struct member *member, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__FATAL)
        rd_kafka_fatal_error(member->consumer, member->fatal, sizeof member->fatal);
    else
        log_write(member->world->log, LOG_WARNING, "consumer_error", LOG_TEXT("client", member->name),
                  LOG_TEXT("code", rd_kafka_err2name(message->err)),
                  LOG_TEXT("text", rd_kafka_message_errstr(message)));
}

void
member_clear(struct member *member)
{
    uint64_t rung;

    while (read(member->descriptor, &rung, sizeof rung) > 0)
        ;
    transaction_clear(member->transaction);
}

const char *
member_fatal(const struct member *member)
{
    return member->fatal[0] != '\0' ? member->fatal : NULL;
}
