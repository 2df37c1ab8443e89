#ifndef SLAD_SHELL_TOPICS_H
#define SLAD_SHELL_TOPICS_H

/*
 * The topics of one installation: their names, how each must be set up, creating them and checking them.
 */
#include "base/buffer.h"
#include "shell/kafka.h"

/* The first ones are in the order of enum metric_topic. */
enum topic {
    TOPIC_TICKETS,
    TOPIC_FEEDBACK,
    TOPIC_RELAY,
    TOPIC_STATE,
    TOPIC_OUTCOMES,
    TOPIC_SCORES,
    TOPIC_ALERTS,
    TOPIC_DEADLETTERS,
    TOPICS_COUNT
};

struct topics {
    char *names[TOPICS_COUNT];
};

void topics_init(struct topics *topics, const struct config *config);
void topics_done(struct topics *topics);

/* ---- how they must be ---- */

enum topic_partitions { TOPIC_PARTITIONS_OWN, TOPIC_PARTITIONS_AS_TICKETS, TOPIC_PARTITIONS_ONE };

struct topic_setting {
    const char *name;
    const char *value;
};
enum { TOPIC_SETTINGS_MAX = 6 };

struct topic_row {
    enum topic topic;
    bool is_input;
    enum topic_partitions partitions;
    bool compacted;           /* cleanup.policy must be compact, and nothing else; else it must be delete */
    int64_t retention_ms_min; /* refused below; 0: any */
    struct topic_setting settings[TOPIC_SETTINGS_MAX]; /* given at creation; name NULL ends */
    const char *help;
};
const struct topic_row *topics_row(enum topic topic);

/* ---- what was found ---- */

struct topic_found {
    int32_t partitions_count; /* 0: there is no such topic */
    bool settings_known;      /* false: the cluster does not show its settings */
    bool compact, deletes;    /* cleanup.policy */
    int64_t retention_ms;     /* -1: for ever */
    int64_t delete_retention_ms;
    int64_t message_bytes_max; /* 0: not known */
    bool log_append_time;
};

/* Asks the cluster. 0, or -1 with the reason when there is no answer within timeout_ms. */
int topics_find(const struct kafka *kafka, const struct topics *topics, int timeout_ms,
                struct topic_found found[TOPICS_COUNT], char error[KAFKA_ERROR_BYTES]);

/* Judges what was found: appends one line a fault to refusals and one a doubt to warnings. Returns how many
 * refusals. Pure. */
size_t topics_judge(const struct topics *topics, const struct topic_found found[TOPICS_COUNT],
                    struct buffer *refusals, struct buffer *warnings);

/* Creates what is missing, explicitly set up. partitions_count: of tickets and what goes with it, and of
 * feedback. What was done goes to report, one line a topic. 0, or -1 with the reasons in report. */
int topics_create(const struct kafka *kafka, const struct topics *topics, int32_t partitions_count,
                  int replication, struct buffer *report);

/* The command that mends a wrong set-up, appended. */
void topics_append_command(const struct kafka *kafka, const struct topics *topics, int32_t partitions_count,
                           struct buffer *out);

#endif
