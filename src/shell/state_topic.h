#ifndef SLAD_SHELL_STATE_TOPIC_H
#define SLAD_SHELL_STATE_TOPIC_H

/*
 * Reading slad.state: a partition's records to its end, its marker, what a person decided about it, and the
 * offsets the group has committed beside it. Everything waits for the brokers, so this is for a thread of its
 * own (the loader) and for slactl.
 */
#include "shell/control.h"
#include "shell/kafka.h"
#include "shell/restore_plan.h"
#include "shell/topics.h"

struct state_topic {
    const struct kafka *kafka; /* both borrowed, outlive it */
    const struct topics *topics;
    const atomic_bool *stopping; /* gives up when it becomes true; NULL: never */
    struct kafka_setting settings[2];
    struct kafka_client description;
    rd_kafka_t *consumer; /* NULL until it is needed, and when it was not for a while */
    int64_t opened_mono_ms;
    struct kafka_warm warm;
};

/* group: whose committed offsets are the check. Must not be moved afterwards. */
void state_topic_init(struct state_topic *topic, const struct kafka *kafka, const struct topics *topics,
                      const char *group, const atomic_bool *stopping);
void state_topic_done(struct state_topic *topic);
/* Connects when it has not yet. 0, or -1 with the reason. */
int state_topic_open(struct state_topic *topic, char error[KAFKA_ERROR_BYTES]);
/* While nothing is read: lets the client tell what it has to tell, and go when nobody has needed it. */
void state_topic_idle(struct state_topic *topic);

/* What is about the state among the records, not of it: the last marker and the last decision, as bytes, and
 * where they lie. Zeroes are empty. */
struct state_tail {
    bool has_marker, has_control;
    struct buffer marker, control;
    int64_t marker_offset, control_offset;
};
void state_tail_done(struct state_tail *tail);
/* Notes it when it is one of them. false: it is part of the state. */
bool state_tail_note(struct state_tail *tail, const rd_kafka_message_t *message);
/* What a person has decided about this very marker (it is ignored when the tail has none), behind it. Texts
 * borrow from the tail. */
bool state_tail_decision(const struct state_tail *tail, const struct marker *marker,
                         struct control *ret_control);

/* Reads partition p from an offset to its end, one call of take a record. 0, or -1 with the reason. */
struct state_taker {
    void (*take)(void *context, const rd_kafka_message_t *message);
    void *context;
};
int state_topic_read(struct state_topic *topic, int32_t partition, int64_t from_offset,
                     const struct state_taker *taker, char error[KAFKA_ERROR_BYTES]);
/* The marker, from the last records or, when none is among them, from all: tail->has_marker says whether
 * there is one. Its texts borrow from tail. 0; 1: there is one that this version cannot read, as error says;
 * -1: with the reason. */
int state_topic_find_marker(struct state_topic *topic, int32_t partition, struct state_tail *tail,
                            struct marker *ret_marker, char error[KAFKA_ERROR_BYTES]);
/* What the group has committed for tickets[p] and relay[p], into found. */
int state_topic_find_committed(struct state_topic *topic, int32_t partition, struct restore_found *found,
                               char error[KAFKA_ERROR_BYTES]);

#endif
