#ifndef SLAD_SLACTL_HTTP_CLIENT_H
#define SLAD_SLACTL_HTTP_CLIENT_H

/*
 * HTTP requests, one that is waited for or many at a time, on libcurl. For slactl only: the daemon calls
 * nobody.
 *
 *     struct http_client *client = http_client_new(&(struct http_client_options){.timeout_ms = 5000});
 *     struct http_request request = {.url = "http://127.0.0.1:8080/api/v1/alerts", .token = token};
 *     struct http_response response;
 *
 *     if (http_client_perform(client, &request, &response) != 0)
 *         fprintf(stderr, "%s\n", response.error);          nobody answered
 *     else if (response.status != 200)
 *         ...
 *     http_response_done(&response);
 *
 * http and https only; certificates are always verified; redirects are not followed unless asked for, and
 * never carry the token to another host. Proxies come from the environment (https_proxy, no_proxy) as with
 * curl(1), but this machine itself is never reached through one. A client belongs to one thread.
 */
#include "base/buffer.h"
#include <poll.h>

struct http_client;

struct http_client_options {
    int64_t timeout_ms;         /* a whole exchange; 0: 30 s. A stream (take) has no end: see silence_ms */
    int64_t connect_timeout_ms; /* 0: 10 s, never more than timeout_ms */
    int64_t silence_ms;         /* streams only: nothing came for so long, rounded up to s; 0: for ever */
    size_t response_bytes_max;  /* of a body and of the headers; more is an error; 0: 1 MiB */
    const char *ca_file;        /* PEM, instead of the machine's authorities; NULL: those */
    bool redirects;             /* follow up to three */
};

enum { HTTP_CLIENT_HEADERS_MAX = 16, HTTP_CLIENT_ERROR_BYTES = 512 };

/* Everything is copied when the request begins, but for take's context. */
struct http_request {
    const char *url;
    const char *method;                           /* "GET", "POST", ...; NULL: GET, with a body POST */
    const char *headers[HTTP_CLIENT_HEADERS_MAX]; /* "Name: value" without control characters; NULL ends */
    const char *token;                            /* Authorization: Bearer; NULL: none */
    struct slice body;                            /* at NULL: none */
    /* What comes with status 2xx is given here piece by piece, not kept; false ends the exchange as if the
     * server had. NULL: it is kept in the response. */
    bool (*take)(void *context, struct slice bytes);
    void *context; /* also found again in http_client_next */
};

struct http_response {
    int status;             /* 100 ... 599; 0: no answer, why is in error */
    int64_t retry_after_ms; /* Retry-After, from now; -1: none, or it cannot be read */
    struct buffer body;
    struct buffer headers; /* of the last answer: its lines as they came */
    struct buffer
        redirect_url;       /* of a 3xx that was not followed: where to, absolute, ends in NUL; or empty */
    char content_type[128]; /* "": none */
    char error[HTTP_CLIENT_ERROR_BYTES]; /* with status 0: what went wrong, and with whom */
};

/* The options are copied. Never NULL. */
struct http_client *http_client_new(const struct http_client_options *options);
void http_client_free(struct http_client *client); /* what is under way is given up; NULL is fine */

/* Waits for the answer. 0, or -1 when there is none (status 0; also an answer that is too large, or cut off).
 * Not while others are under way. */
int http_client_perform(struct http_client *client, const struct http_request *request,
                        struct http_response *ret_response);
void http_response_done(struct http_response *response);
/* The value of the first header of this name; at NULL: there is none. Lives as long as the response. */
struct slice http_response_header(const struct http_response *response, const char *name);

/* Many at a time. begin starts one, which is known by the number returned (never 0, never used twice). */
uint64_t http_client_begin(struct http_client *client, const struct http_request *request);
/* Gives one up: it is not told of any more. Unknown numbers are fine. */
void http_client_cancel(struct http_client *client, uint64_t number);
/* Waits until something has happened to one under way, or to one of these descriptors (events as with
 * poll(2), revents are written), or the time is over. */
void http_client_wait(struct http_client *client, struct pollfd *descriptors, size_t descriptors_count,
                      int timeout_ms);
/* The next one that has ended, as after http_client_perform; 0: none. */
uint64_t http_client_next(struct http_client *client, void **ret_context, struct http_response *ret_response);
size_t http_client_count(const struct http_client *client); /* under way */

/* What a status says about the same request later: 408, 425, 429 and 5xx. */
bool http_client_is_transient(int status);

#endif
