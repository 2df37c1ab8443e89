#ifndef SLAD_SHELL_REPLY_H
#define SLAD_SHELL_REPLY_H

/*
 * Answers of the HTTP door: every one with the headers that keep a browser from doing more than show it, and
 * counted.
 */
#include "base/buffer.h"
#include "shell/metrics.h"

struct evhttp_request;

enum problem {
#define PROBLEM(NAME, code, status) PROBLEM_##NAME,
#include "shell/problems.def"
    PROBLEMS_COUNT
};

/* Puts the security headers on. policy: the Content-Security-Policy; NULL: nothing may be loaded or run. */
void reply_secure(struct evhttp_request *request, const char *policy);
void reply_count(struct metrics *metrics, int status);

/* The whole answer; a HEAD gets its headers alone. The request is done with. */
void reply_send(struct evhttp_request *request, struct metrics *metrics, int status, const char *content_type,
                struct slice body);
/* A JSON answer with the security headers. */
void reply_json(struct evhttp_request *request, struct metrics *metrics, int status, struct slice body);
/* Headers alone: 204, 303, 307. */
void reply_empty(struct evhttp_request *request, struct metrics *metrics, int status);
/* A problem document (RFC 9457). detail is for people; it may hold what the client sent. */
void reply_problem(struct evhttp_request *request, struct metrics *metrics, enum problem problem,
                   const char *detail);
/* The same with Retry-After. */
void reply_later(struct evhttp_request *request, struct metrics *metrics, enum problem problem,
                 const char *detail, int seconds);
const char *reply_problem_code(enum problem problem);

#endif
