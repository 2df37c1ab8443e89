#ifndef SLAD_SHELL_ACKS_H
#define SLAD_SHELL_ACKS_H

/*
 * Acknowledgements asked for over HTTP, on their way into Kafka: the event alert.acknowledged
 * (docs/events.md) like any other producer's. The loop thread only.
 */
#include "shell/board.h"
#include "shell/world.h"

struct acks;
struct event_base;
struct evhttp_request;

/* Never NULL. world is borrowed; its topics must have been looked at. */
struct acks *acks_new(struct world *world, struct event_base *base);
/* Requests still waiting are answered 503. Before the door goes. NULL is fine. */
void acks_free(struct acks *acks);

/* What is asked for. note, id: at NULL when not given. */
struct ack {
    const struct board_entry *alert;
    struct slice by, note, id;
};
/* Takes the request over: 202 once the brokers have the event, 503 when they have not taken it in time or too
 * many are waiting. */
void acks_post(struct acks *acks, struct evhttp_request *request, const struct ack *ack);
/* The id of an acknowledgement that brings none: the same for the same alert, revision and person. */
enum { ACKS_ID_BYTES = 40 };
void acks_make_id(const struct ack *ack, char ret_id[ACKS_ID_BYTES]);
/* The partition its event goes to; -1: any. */
int32_t acks_partition(const struct world *world, const struct board_entry *alert);

#endif
