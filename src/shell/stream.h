#ifndef SLAD_SHELL_STREAM_H
#define SLAD_SHELL_STREAM_H

/*
 * The stream of /api/v1/stream: server-sent events (WHATWG HTML, section 9.2) to many clients at their own
 * pace.
 *
 *     event: hello      data:
 * {"server":"0.1.0","board":"9f..","now_ms":..,"heartbeat_ms":5000,"role":"full","customer":null} event:
 * reset      what follows is everything, from the beginning: forget what you have event: records    data:
 * {"records":[{"kind","key","at","value"}, ...]}      with an id once the client has all event: synced the
 * client has all there is event: heartbeat  data:
 * {"now_ms":..,"ready":true,"reasons":[],"lag":0}
 *
 * A client that comes back with Last-Event-ID gets what changed since, when that is still known.
 */
#include "shell/access.h"
#include "shell/http.h"

struct event_base;
struct evhttp_request;
struct stream;

/* rooms and access are borrowed and outlive it. Never NULL. */
struct stream *stream_new(struct event_base *base, const struct http_rooms *rooms, struct access *access);
/* Before the connections of its clients go. */
void stream_free(struct stream *stream);
/* Takes a GET request over, or refuses it. view: what this visitor may see. */
void stream_accept(struct stream *stream, struct evhttp_request *request, const struct visitor *visitor,
                   const struct board_view *view);
size_t stream_clients_count(const struct stream *stream);

#endif
