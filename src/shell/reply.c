/*
 * What: sending one HTTP answer: body or problem document, security headers, HEAD, the count by class of
 * status.
 *
 * Why this way: whatever is answered, also in error, goes through reply_secure, so no page can be framed,
 * sniffed into another type or cached by accident.
 *
 * Always true: an answer to HEAD has the Content-Length its GET would have, and no body.
 *
 * Not here: what is answered (http.c), streams (stream.c).
 */
#include "shell/reply.h"
#include "base/panic.h"
#include "wire/print.h"
#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>

void
reply_secure(struct evhttp_request *request, const char *policy)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

    evhttp_add_header(
        headers, "Content-Security-Policy",
        policy != NULL ? policy
                       : "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "X-Frame-Options", "DENY");
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    evhttp_add_header(headers, "Cross-Origin-Resource-Policy", "same-origin");
    evhttp_add_header(headers, "Cross-Origin-Opener-Policy", "same-origin");
    evhttp_add_header(headers, "Permissions-Policy", "geolocation=(), camera=(), microphone=()");
    evhttp_add_header(headers, "Cache-Control", "no-store");
}

void
reply_count(struct metrics *metrics, int status)
{
    metrics_add(metrics, METRIC_HTTP_REQUESTS, (size_t)(status < 300 ? 0 : status / 100 - 2), 1);
}

static const char *
reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {303, "See Other"},
                   {307, "Temporary Redirect"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {415, "Unsupported Media Type"},
                   {421, "Misdirected Request"},
                   {503, "Service Unavailable"}};

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    panic("a status without a reason");
}

void
reply_send(struct evhttp_request *request, struct metrics *metrics, int status, const char *content_type,
           struct slice body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *out = NULL;
    char bytes[32];

    snprintf(bytes, sizeof bytes, "%zu", body.bytes);
    evhttp_add_header(headers, "Content-Type", content_type);
    evhttp_add_header(headers, "Content-Length", bytes);
    if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD && body.bytes > 0) {
        out = evbuffer_new();
        must(out != NULL && evbuffer_add(out, body.at, body.bytes) == 0);
    }
    evhttp_send_reply(request, status, reason_of(status), out);
    if (out != NULL)
        evbuffer_free(out);
    reply_count(metrics, status);
}

void
reply_json(struct evhttp_request *request, struct metrics *metrics, int status, struct slice body)
{
    reply_secure(request, NULL);
    reply_send(request, metrics, status, "application/json", body);
}

void
reply_empty(struct evhttp_request *request, struct metrics *metrics, int status)
{
    reply_secure(request, NULL);
    if (status != 204)
        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Length", "0");
    evhttp_send_reply(request, status, reason_of(status), NULL);
    reply_count(metrics, status);
}

/* ---- problems ---- */

static const struct {
    const char *code;
    int status;
} problems[] = {
#define PROBLEM(NAME, code, status) {code, status},
#include "shell/problems.def"
};

const char *
reply_problem_code(enum problem problem)
{
    return problems[problem].code;
}

void
reply_problem(struct evhttp_request *request, struct metrics *metrics, enum problem problem,
              const char *detail)
{
    struct buffer type = {0}, body = {0};
    int status = problems[problem].status;

    buffer_append_text(&type, "urn:slad:problem:");
    buffer_append_text(&type, problems[problem].code);
    buffer_append_byte(&body, '{');
    print_key(&body, "type"), print_text(&body, buffer_slice(&type));
    print_key(&body, "code"), print_text(&body, slice_of(problems[problem].code));
    print_key(&body, "title"), print_text(&body, slice_of(reason_of(status)));
    print_key(&body, "status"), buffer_append_int64(&body, status);
    print_key(&body, "detail"), print_text(&body, slice_of(detail));
    buffer_append_text(&body, "}\n");
    reply_secure(request, NULL);
    reply_send(request, metrics, status, "application/problem+json", buffer_slice(&body));
    buffer_free(&type);
    buffer_free(&body);
}

void
reply_later(struct evhttp_request *request, struct metrics *metrics, enum problem problem, const char *detail,
            int seconds)
{
    char text[16];

    snprintf(text, sizeof text, "%d", seconds);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", text);
    reply_problem(request, metrics, problem, detail);
}
