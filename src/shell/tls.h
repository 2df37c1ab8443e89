#ifndef SLAD_SHELL_TLS_H
#define SLAD_SHELL_TLS_H

/* TLS 1.2 and later for the HTTP door, by certificate files that may be renewed while we run. */
#include "shell/config.h"
#include "shell/log.h"
#include "shell/metrics.h"

struct bufferevent;
struct event_base;
struct tls;

/* NULL: the files cannot be used; why was logged. config, log and metrics are borrowed and outlive it. */
struct tls *tls_new(const struct config *config, struct log *log, struct metrics *metrics);
void tls_free(struct tls *tls); /* NULL is fine */
/* Once a second and on a reload: takes the files anew when they have changed. What cannot be used changes
 * nothing. Connections keep what they began with. */
void tls_refresh(struct tls *tls);
/* A connection about to be accepted; no socket yet. Never NULL. */
struct bufferevent *tls_accept(struct tls *tls, struct event_base *base);

#endif
