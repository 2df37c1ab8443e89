/*
 * What: tokens loaded, loaded again when their file changes, and looked up for a request.
 *
 * Why this way: a file that is replaced is noticed by its identity, size and time once a second, so rotation
 * needs no restart and no signal; a new file that is not sound changes nothing, and says so in the log and a
 * metric. A token comes in the Authorization header; a browser's EventSource cannot send one, so the page
 * exchanges it for a cookie that scripts cannot read and other sites' pages cannot make it send.
 *
 * Always true: with a token file every request needs a token, also on loopback (a proxy may stand there);
 * beyond loopback there is a token file. A header beats a cookie: a wrong one is refused whatever the cookie.
 *
 * Not here: what each role may do (http.c), what a customer sees (board.c).
 */
#include "shell/access.h"
#include "base/memory.h"
#include "base/panic.h"
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct access {
    const struct config *config;
    struct log *log;
    struct metrics *metrics;
    bool guarded;
    struct tokens tokens;
    struct stat seen; /* of the file that was read, or refused, last */
    uint64_t generation;
};

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
load(struct access *access)
{
    struct tokens fresh;
    struct buffer error = {0};
    int status = tokens_load(access->config->tokens, &fresh, &error);

    if (status == 0) {
        tokens_done(&access->tokens);
        access->tokens = fresh;
        access->generation++;
        log_write(access->log, LOG_NOTICE, "tokens_loaded", LOG_INTEGER("tokens", fresh.count));
        if ((access->seen.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0)
            log_write(access->log, LOG_WARNING, "tokens_readable_by_others",
                      LOG_TEXT("file", access->config->tokens), LOG_TEXT("hint", "chmod 640 or 600"));
    } else {
        metrics_add(access->metrics, METRIC_TOKENS_REFUSED, 0, 1);
        log_write(access->log, LOG_ERROR, "tokens_refused", LOG_TEXT("file", access->config->tokens),
                  LOG_SLICE("why", buffer_slice(&error)));
    }
    metrics_set(access->metrics, METRIC_TOKENS, 0, (int64_t)access->tokens.count);
    buffer_free(&error);
    return status;
}

struct access *
access_new(const struct config *config, struct log *log, struct metrics *metrics, bool loopback)
{
    struct access *access = memory_allocate_zeroed(1, sizeof *access);

    access->config = config;
    access->log = log;
    access->metrics = metrics;
    access->guarded = config->tokens[0] != '\0';
    if (!access->guarded && loopback)
        return access;
    if (!access->guarded)
        log_write(log, LOG_ERROR, "tokens_needed", LOG_TEXT("listen", config->listen),
                  LOG_TEXT("hint", "listening beyond this machine needs a token file: set `tokens`"));
    (void)!stat(config->tokens, &access->seen);
    if (access->guarded && load(access) == 0) {
        if (!loopback && config->tls_certificate[0] == '\0')
            log_write(log, LOG_WARNING, "tokens_in_the_clear", LOG_TEXT("listen", config->listen),
                      LOG_TEXT("hint", "without tls_certificate and tls_key a proxy in front must do TLS"));
        return access;
    }
    access_free(access);
    return NULL;
}

void
access_free(struct access *access)
{
    if (access == NULL)
        return;
    tokens_done(&access->tokens);
    memory_free(access);
}

void
access_refresh(struct access *access)
{
    struct stat now;

    if (!access->guarded || stat(access->config->tokens, &now) != 0 || is_same_file(&now, &access->seen))
        return;
    access->seen = now;
    (void)!load(access);
}

uint64_t
access_generation(const struct access *access)
{
    return access->generation;
}

bool
access_is_guarded(const struct access *access)
{
    return access->guarded;
}

/* ---- who asks ---- */

static struct slice
cookie_of(const char *header)
{
    while (header != NULL && *header != '\0') {
        size_t bytes;

        header += strspn(header, "; ");
        bytes = strcspn(header, ";");
        if (strncmp(header, ACCESS_COOKIE "=", sizeof ACCESS_COOKIE) == 0)
            return (struct slice){header + sizeof ACCESS_COOKIE, bytes - sizeof ACCESS_COOKIE};
        header += bytes;
    }
    return (struct slice){NULL, 0};
}

struct slice
access_token_of(struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *header = evhttp_find_header(headers, "Authorization");

    if (header == NULL)
        return cookie_of(evhttp_find_header(headers, "Cookie"));
    if (strncasecmp(header, "Bearer ", 7) != 0)
        return slice_of("");
    return slice_of(header + 7 + strspn(header + 7, " "));
}

struct visitor
access_visitor_of(struct access *access, struct slice given)
{
    const struct token *token;

    if (!access->guarded)
        return (struct visitor){.known = true, .role = TOKEN_FULL};
    token = given.at != NULL ? tokens_find(&access->tokens, given) : NULL;
    if (token != NULL)
        return (struct visitor){true, token->role, slice_of(token->customer), token};
    metrics_add(access->metrics, METRIC_HTTP_UNKNOWN, 0, 1);
    if (given.at != NULL)
        log_write(access->log, LOG_WARNING, "token_unknown", LOG_INTEGER("bytes", given.bytes));
    return (struct visitor){.known = false, .role = TOKEN_CUSTOMER, .customer = slice_of("")};
}

struct visitor
access_visitor(struct access *access, struct evhttp_request *request)
{
    return access_visitor_of(access, access_token_of(request));
}

bool
access_still(const struct access *access, const struct token *token)
{
    return token == NULL ? !access->guarded : tokens_have(&access->tokens, token);
}

/* ---- other sites ---- */

static bool
is_listed(const char *list, const char *text)
{
    size_t wanted = strlen(text);

    while (*list != '\0') {
        size_t bytes = strcspn(list, ", ");

        if (bytes == wanted && strncasecmp(list, text, bytes) == 0)
            return true;
        list += bytes;
        list += strspn(list, ", ");
    }
    return false;
}

const char *
access_cors_origin(const struct config *config, struct evhttp_request *request)
{
    const char *origin = evhttp_find_header(evhttp_request_get_input_headers(request), "Origin");

    return origin != NULL && is_listed(config->cors_origins, origin) ? origin : NULL;
}

/* "https://board.example:8443" and the Host "board.example:8443". */
static bool
is_own_origin(const char *origin, const char *host)
{
    const char *name = strstr(origin, "://");

    return name != NULL && host != NULL && strcasecmp(name + 3, host) == 0;
}

bool
access_is_cross_site(const struct config *config, struct evhttp_request *request)
{
    struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const char *origin = evhttp_find_header(headers, "Origin");
    const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");

    if (access_cors_origin(config, request) != NULL)
        return false;
    if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return true;
    return origin != NULL && !is_own_origin(origin, evhttp_find_header(headers, "Host"));
}
