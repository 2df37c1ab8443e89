#ifndef SLAD_SLACTL_API_H
#define SLAD_SLACTL_API_H

/*
 * How a command asks a running slad: its HTTP API (docs/api.md, docs/openapi.yaml).
 *
 * Where it is, in this order: --url, SLACTL_URL, http://127.0.0.1:8080. The bearer token: the first line of
 * --token-file or SLACTL_TOKEN_FILE, else SLACTL_TOKEN. Answers that lie elsewhere (307) are fetched there,
 * with the token, but never from https to http. What goes wrong is said on standard error under the command's
 * name.
 */
#include "slactl/command.h"
#include "slactl/http_client.h"
#include "wire/json.h"

struct api {
    const struct command *command;
    const char *url, *token_file, *ca_file; /* as asked for; NULL: not */
    int64_t timeout_ms;                     /* 0: as by default */
    bool bad_timeout;
    bool quiet; /* nothing is said: it is in `said` */
    char *token;
    struct http_client *client;
    struct json *json;
    struct buffer said; /* what went wrong last, one line, fit for a terminal */
    int64_t
        server_ms; /* the server's time in its last answer, to the second; INSTANT_NONE: it does not say */
};

enum { API_URL = COMMAND_SHARED + 32, API_TOKEN_FILE, API_CA_FILE, API_TIMEOUT };
/* clang-format off */
#define API_OPTIONS                                                                                          \
    {"url", API_URL, "URL", "where slad answers (SLACTL_URL; else http://127.0.0.1:8080)"},                   \
    {"token-file", API_TOKEN_FILE, "FILE",                                                                   \
     "its first line is the bearer token (SLACTL_TOKEN_FILE; or the token itself in SLACTL_TOKEN)"},          \
    {"ca-file", API_CA_FILE, "FILE", "PEM, instead of the machine's authorities"},                            \
    {"timeout", API_TIMEOUT, "SECONDS", "how long an answer may take (10)"}
/* clang-format on */
/* True when it was one of these. */
bool api_take_option(struct api *api, int option, const char *argument);

/* COMMAND_DONE, or the exit status: it was said. */
int api_open(struct api *api, const struct command *command);
void api_close(struct api *api);

/* One exchange; path begins with "/api/v1/". COMMAND_DONE: a 2xx answer is in *ret_response
 * (http_response_done). Else the exit status, and there is nothing to give back. */
int api_get(struct api *api, const char *path, struct http_response *ret_response);
int api_post(struct api *api, const char *path, struct slice body, struct http_response *ret_response);

/* Every element of a list, page after page, until take says false. */
int api_each(struct api *api, const char *path, bool (*take)(void *context, struct slice element),
             void *context);
/* An element or answer as a tree; it and its texts live until the next one. NULL: no JSON, it was said. */
const struct cJSON *api_read(struct api *api, struct slice text);

/* "?" or "&", key, "=" and the value escaped; nothing for a value of NULL. */
void api_append_query(struct buffer *path, const char *key, const char *value);
/* One segment of a path, escaped. */
void api_append_segment(struct buffer *path, const char *segment);

/* What --json prints of a list: an element a line, as it came but without line ends. */
bool api_print_element(void *stream, struct slice element);

#endif
