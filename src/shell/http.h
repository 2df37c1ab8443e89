#ifndef SLAD_SHELL_HTTP_H
#define SLAD_SHELL_HTTP_H

/*
 * The HTTP door over evhttp, on the loop's own event_base: the board's page, its API and stream, metrics and
 * probes.
 *
 *     /   /metrics   /livez   /readyz   /api/v1/open   /api/v1/alerts   /api/v1/scores   /api/v1/outcomes
 *     /api/v1/stream
 *
 * GET and HEAD. Everything else is refused with an RFC 9457 problem document. Nothing blocks; every limit is
 * a row of config.def. The caller runs the loop, and ignores SIGPIPE.
 */
#include "shell/board.h"
#include "shell/config.h"
#include "shell/log.h"
#include "shell/metrics.h"

struct event_base;
struct http;

/* What the door shows. All borrowed; they outlive it. */
struct http_rooms {
    const struct config *config;
    struct metrics *metrics;
    struct log *log;
    struct board *board;
    /* Called before /metrics is printed, to bring gauges up to date. May be NULL. */
    void (*refresh_metrics)(void *context);
    void *context;
};

/* Binds and listens at config->listen. NULL when it cannot (logged with the reason). */
struct http *http_new(struct event_base *base, const struct http_rooms *rooms);
/* Ends every stream and connection; call it before the event_base goes. NULL is fine. */
void http_free(struct http *http);
/* The port it really listens at (listen with port 0), and "http://ADDRESS:PORT". */
int http_port(const struct http *http);
const char *http_url(const struct http *http);

#endif
