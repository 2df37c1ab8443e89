/*
 * HTTP requests on libcurl.
 *
 * What: exchanges, one after another or many at a time, with time-outs, a bound for what comes back, a token,
 * and Retry-After.
 *
 * Why so: proxies, TLS, redirects and the corners of HTTP are libcurl's trade. Everything goes through its
 * multi interface, so that whoever has many under way waits for all of them and for descriptors of its own in
 * one place; the one request that is waited for is the same with a count of one.
 *
 * Always true: an exchange ends exactly once, by http_client_next or http_client_cancel; a status is told
 * only for an answer that came whole and within the bounds.
 *
 * Not here: what an answer means to whoever asked; when to ask again.
 */
#include "slactl/http_client.h"
#include "base/memory.h"
#include "base/panic.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
    HTTP_TIMEOUT_MS = 30000,
    HTTP_CONNECT_TIMEOUT_MS = 10000,
    HTTP_RESPONSE_BYTES_MAX = 1 << 20,
    HTTP_REDIRECTS_MAX = 3,
    HTTP_WAIT_MS = 1000
};

static const char http_own_hosts[] = "localhost,127.0.0.1,::1";

struct exchange {
    struct http_client *client;
    struct exchange *next;
    uint64_t number;
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    bool (*take)(void *context, struct slice bytes);
    void *context;
    struct buffer received, received_headers;
    size_t header_bytes;
    bool too_large, stopped;
    char error[CURL_ERROR_SIZE];
};

struct http_client {
    struct http_client_options options;
    char *ca_file, *no_proxy;
    CURLM *multi;
    struct exchange *first; /* under way */
    size_t count;
    uint64_t numbers_given;
};

static char *
copy_text(const char *text)
{
    return text != NULL ? memory_copy(text, strlen(text) + 1) : NULL;
}

/* The environment's, and this machine besides: a proxy would reach another one by that name. */
static char *
no_proxy_hosts(void)
{
    const char *given = getenv("no_proxy");
    struct buffer text = {0};

    if (given == NULL)
        given = getenv("NO_PROXY");
    if (given != NULL && *given != '\0') {
        buffer_append_text(&text, given);
        if (strcmp(given, "*") != 0)
            buffer_append_byte(&text, ',');
    }
    if (given == NULL || strcmp(given, "*") != 0)
        buffer_append_text(&text, http_own_hosts);
    buffer_append_byte(&text, '\0');
    return text.at;
}

struct http_client *
http_client_new(const struct http_client_options *options)
{
    struct http_client *client = memory_allocate_zeroed(1, sizeof *client);

    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    client->options = *options;
    client->ca_file = copy_text(options->ca_file);
    client->no_proxy = no_proxy_hosts();
    if (client->options.timeout_ms == 0)
        client->options.timeout_ms = HTTP_TIMEOUT_MS;
    if (client->options.connect_timeout_ms == 0)
        client->options.connect_timeout_ms = HTTP_CONNECT_TIMEOUT_MS;
    if (client->options.response_bytes_max == 0)
        client->options.response_bytes_max = HTTP_RESPONSE_BYTES_MAX;
    client->multi = curl_multi_init();
    must(client->multi != NULL);
    return client;
}

/* It is out of the list. */
static void
exchange_free(struct exchange *exchange)
{
    curl_multi_remove_handle(exchange->client->multi, exchange->easy);
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    memory_free(exchange->body);
    buffer_free(&exchange->received);
    buffer_free(&exchange->received_headers);
    memory_free(exchange);
}

static void
unlink_exchange(struct http_client *client, const struct exchange *exchange)
{
    struct exchange **place = &client->first;

    while (*place != exchange)
        place = &(*place)->next;
    *place = exchange->next;
    client->count--;
}

void
http_client_free(struct http_client *client)
{
    if (client == NULL)
        return;
    while (client->first != NULL) {
        struct exchange *exchange = client->first;

        unlink_exchange(client, exchange);
        exchange_free(exchange);
    }
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    memory_free(client->ca_file);
    memory_free(client->no_proxy);
    memory_free(client);
}

/* ---- what comes back ---- */

static size_t
on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;

    exchange->header_bytes += size * count;
    exchange->too_large |= exchange->header_bytes > exchange->client->options.response_bytes_max;
    if (size * count > 5 && strncmp(bytes, "HTTP/", 5) == 0) /* the next answer's */
        buffer_reset(&exchange->received_headers);
    buffer_append(&exchange->received_headers, bytes, size * count);
    return exchange->too_large ? 0 : size * count;
}

static size_t
on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t length = size * count;
    long status = 0;

    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->take != NULL && status / 100 == 2) {
        exchange->stopped = !exchange->take(exchange->context, (struct slice){bytes, length});
        return exchange->stopped ? 0 : length;
    }
    if (length > exchange->client->options.response_bytes_max - exchange->received.bytes) {
        exchange->too_large = true;
        return 0;
    }
    buffer_append(&exchange->received, bytes, length);
    return length;
}

/* ---- what goes out ---- */

static void
set_limits(const struct exchange *exchange)
{
    const struct http_client_options *options = &exchange->client->options;
    CURL *easy = exchange->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms);
    if (exchange->take == NULL)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
    else if (options->silence_ms > 0) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)((options->silence_ms + 999) / 1000));
    }
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, options->redirects ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)HTTP_REDIRECTS_MAX);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, exchange->client->no_proxy);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (exchange->client->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, exchange->client->ca_file);
}

static void
set_content(struct exchange *exchange, const struct http_request *request)
{
    CURL *easy = exchange->easy;

    if (request->body.at != NULL) {
        exchange->body = memory_copy(request->body.at, request->body.bytes);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.bytes);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body);
        exchange->headers = curl_slist_append(exchange->headers, "Expect:"); /* no waiting for a 100 */
        must(exchange->headers != NULL);
    } else if (request->method != NULL && strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    if (request->method != NULL)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    for (size_t i = 0; i < HTTP_CLIENT_HEADERS_MAX && request->headers[i] != NULL; i++) {
        exchange->headers = curl_slist_append(exchange->headers, request->headers[i]);
        must(exchange->headers != NULL);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
    if (request->token != NULL) {
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(easy, CURLOPT_XOAUTH2_BEARER, request->token);
    }
}

uint64_t
http_client_begin(struct http_client *client, const struct http_request *request)
{
    struct exchange *exchange = memory_allocate_zeroed(1, sizeof *exchange);

    exchange->client = client;
    exchange->number = ++client->numbers_given;
    exchange->take = request->take;
    exchange->context = request->context;
    exchange->easy = curl_easy_init();
    must(exchange->easy != NULL);
    curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(exchange->easy, CURLOPT_ERRORBUFFER, exchange->error);
    curl_easy_setopt(exchange->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(exchange->easy, CURLOPT_USERAGENT, "slactl/" SLAD_VERSION);
    curl_easy_setopt(exchange->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(exchange->easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(exchange->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(exchange->easy, CURLOPT_WRITEDATA, exchange);
    set_limits(exchange);
    set_content(exchange, request);
    must(curl_multi_add_handle(client->multi, exchange->easy) == CURLM_OK);
    exchange->next = client->first;
    client->first = exchange;
    client->count++;
    return exchange->number;
}

void
http_client_cancel(struct http_client *client, uint64_t number)
{
    for (struct exchange *exchange = client->first; exchange != NULL; exchange = exchange->next)
        if (exchange->number == number) {
            unlink_exchange(client, exchange);
            exchange_free(exchange);
            return;
        }
}

/* ---- the end of an exchange ---- */

static void
tell_error(const struct exchange *exchange, CURLcode code, struct http_response *response)
{
    const char *url = "";

    curl_easy_getinfo(exchange->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (exchange->too_large)
        snprintf(response->error, sizeof response->error, "%.200s: the answer is larger than %zu bytes", url,
                 exchange->client->options.response_bytes_max);
    else
        snprintf(response->error, sizeof response->error, "%.200s: %s", url,
                 exchange->error[0] != '\0' ? exchange->error : curl_easy_strerror(code));
}

static void
tell(struct exchange *exchange, CURLcode code, struct http_response *response)
{
    curl_off_t retry_after_s = 0;
    const char *content_type = NULL, *redirect_url = NULL;
    long status = 0;

    *response = (struct http_response){.retry_after_ms = -1};
    if (code != CURLE_OK && !(exchange->stopped && code == CURLE_WRITE_ERROR)) {
        tell_error(exchange, code, response);
        return;
    }
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &content_type);
    curl_easy_getinfo(exchange->easy, CURLINFO_REDIRECT_URL, &redirect_url);
    response->status = (int)status;
    if (retry_after_s > 0 && retry_after_s < INT32_MAX)
        response->retry_after_ms = (int64_t)retry_after_s * 1000;
    if (content_type != NULL)
        snprintf(response->content_type, sizeof response->content_type, "%s", content_type);
    if (redirect_url != NULL)
        buffer_append(&response->redirect_url, redirect_url, strlen(redirect_url) + 1);
    response->body = exchange->received;
    response->headers = exchange->received_headers;
    exchange->received = exchange->received_headers = (struct buffer){0};
}

uint64_t
http_client_next(struct http_client *client, void **ret_context, struct http_response *ret_response)
{
    int left = 0;
    CURLMsg *message;

    curl_multi_perform(client->multi, &left);
    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct exchange *exchange = NULL;
        CURLcode code = message->data.result;
        uint64_t number;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        tell(exchange, code, ret_response);
        number = exchange->number;
        if (ret_context != NULL)
            *ret_context = exchange->context;
        unlink_exchange(client, exchange);
        exchange_free(exchange);
        return number;
    }
    return 0;
}

void
http_client_wait(struct http_client *client, struct pollfd *descriptors, size_t descriptors_count,
                 int timeout_ms)
{
    struct curl_waitfd extra[8];

    must(descriptors_count <= sizeof extra / sizeof *extra);
    for (size_t i = 0; i < descriptors_count; i++)
        extra[i] = (struct curl_waitfd){
            .fd = descriptors[i].fd,
            .events = (short)((descriptors[i].events & POLLIN ? CURL_WAIT_POLLIN : 0) |
                              (descriptors[i].events & POLLOUT ? CURL_WAIT_POLLOUT : 0))};
    curl_multi_poll(client->multi, extra, (unsigned)descriptors_count, timeout_ms, NULL);
    for (size_t i = 0; i < descriptors_count; i++)
        descriptors[i].revents = (short)((extra[i].revents & CURL_WAIT_POLLIN ? POLLIN : 0) |
                                         (extra[i].revents & CURL_WAIT_POLLOUT ? POLLOUT : 0));
}

int
http_client_perform(struct http_client *client, const struct http_request *request,
                    struct http_response *ret_response)
{
    must(client->count == 0);
    http_client_begin(client, request);
    while (http_client_next(client, NULL, ret_response) == 0)
        http_client_wait(client, NULL, 0, HTTP_WAIT_MS);
    return ret_response->status > 0 ? 0 : -1;
}

void
http_response_done(struct http_response *response)
{
    buffer_free(&response->body);
    buffer_free(&response->headers);
    buffer_free(&response->redirect_url);
}

struct slice
http_response_header(const struct http_response *response, const char *name)
{
    struct slice rest = buffer_slice(&response->headers);
    size_t name_bytes = strlen(name);

    while (rest.bytes > 0) {
        const char *end = memchr(rest.at, '\n', rest.bytes);
        size_t bytes = end != NULL ? (size_t)(end - rest.at) : rest.bytes, from = name_bytes + 1, to = bytes;

        if (bytes > name_bytes && rest.at[name_bytes] == ':' && strncasecmp(rest.at, name, name_bytes) == 0) {
            while (from < to && (rest.at[from] == ' ' || rest.at[from] == '\t'))
                from++;
            while (to > from && (rest.at[to - 1] == '\r' || rest.at[to - 1] == ' '))
                to--;
            return (struct slice){rest.at + from, to - from};
        }
        bytes += end != NULL;
        rest = (struct slice){rest.at + bytes, rest.bytes - bytes};
    }
    return (struct slice){0};
}

size_t
http_client_count(const struct http_client *client)
{
    return client->count;
}

bool
http_client_is_transient(int status)
{
    return status == 408 || status == 425 || status == 429 || (status >= 500 && status < 600);
}
