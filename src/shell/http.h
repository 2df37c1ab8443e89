#ifndef SLAD_SHELL_HTTP_H
#define SLAD_SHELL_HTTP_H

/*
 * The HTTP door over evhttp, on the loop's own event_base: the board's page, its API and stream, metrics and
 * probes.
 *
 * What is there is a table in http.c and, for people and tools, docs/openapi.yaml. Everything else is refused
 * with an RFC 9457 problem document. Beyond a loopback address, and wherever a token file is named, requests
 * need a token (access.h). Nothing blocks; every limit is a row of config.def. The caller runs the loop, and
 * ignores SIGPIPE.
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

struct acks;
struct reports;
struct tickets;
struct world;

/* What came of a reload; texts are lines, or names with comma and blank between. Filled and freed by whoever
 * asks. */
struct reload_report {
    bool configuration_taken, policies_taken;
    struct buffer changed, needs_restart, configuration_errors, policy_errors;
    size_t versions_count; /* in force and known now */
};

/* What stands behind the board: for questions about tickets, tasks and policies. Borrowed; the pointers may
 * be NULL until the roles begin. */
struct http_installation {
    struct world *world;
    struct tickets *const *tickets;
    struct acks *const *acks;
    struct reports *const *reports;
    /* Loads configuration and policies again, as SIGHUP does, at once. May be NULL. */
    void (*reload)(void *context, struct reload_report *report);
    void *context; /* of reload */
};

/* Binds and listens at config->listen. NULL when it cannot (logged with the reason): the address is taken,
 * the tokens or the certificate are not sound, or there are no tokens and it is not a loopback address. */
struct http *http_new(struct event_base *base, const struct http_rooms *rooms);
/* From now on what is behind the board is answered too. Borrowed; outlives the door. */
void http_set_installation(struct http *http, const struct http_installation *installation);
void http_reload_report_done(struct reload_report *report);
/* On a reload: tokens and certificates are looked at now, not within the second. */
void http_reload(struct http *http);
/* Ends every stream and connection; call it before the event_base goes. NULL is fine. */
void http_free(struct http *http);
/* The port it really listens at (listen with port 0), and "http://ADDRESS:PORT" or https. */
int http_port(const struct http *http);
const char *http_url(const struct http *http);

#endif
