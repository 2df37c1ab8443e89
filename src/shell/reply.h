#ifndef SLAD_SHELL_REPLY_H
#define SLAD_SHELL_REPLY_H

/*
 * Answers of the HTTP door: every one with the headers that keep a browser from doing more than show it, and
 * counted.
 */
#include "base/buffer.h"
#include "shell/metrics.h"

struct evhttp_request;

/* Puts the security headers on. policy: the Content-Security-Policy; NULL: nothing may be loaded or run. */
void reply_secure(struct evhttp_request *request, const char *policy);
void reply_count(struct metrics *metrics, int status);

/* The whole answer; a HEAD gets its headers alone. The request is done with. */
void reply_send(struct evhttp_request *request, struct metrics *metrics, int status, const char *content_type,
                struct slice body);
/* A problem document (RFC 9457). detail is for people; it may hold what the client sent. */
void reply_problem(struct evhttp_request *request, struct metrics *metrics, int status, const char *detail);

#endif
