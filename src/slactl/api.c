/*
 * What: asking the API, and saying what came of it.
 *
 * Why so: a ticket is answered by the process that holds it, so answers may lie elsewhere; whoever asks at
 * night should neither have to know that nor lose the token to somebody who is not asked.
 *
 * Always true: a status of 2xx, or a sentence on standard error and an exit status that says whether asking
 * again may help (COMMAND_NO_ANSWER), the question was wrong (COMMAND_REFUSED) or the answer is no
 * (COMMAND_FAILED). Nothing of an answer reaches the terminal unescaped.
 *
 * Not here: what is asked.
 */
#include "slactl/api.h"
#include "base/instant.h"
#include "base/memory.h"
#include "slactl/json_fields.h"
#include "slactl/json_pieces.h"
#include "slactl/terminal.h"
#include "slad/effect.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum {
    API_TIMEOUT_MS = 10000,
    API_TIMEOUT_S_MAX = 3600,
    API_TOKEN_BYTES_MAX = 4096,
    API_HOPS_MAX = 5,
    API_PAGES_MAX = 100000,
    API_ANSWER_BYTES_MAX = 256 << 20
};

static const char api_url_by_default[] = "http://127.0.0.1:8080";

bool
api_take_option(struct api *api, int option, const char *argument)
{
    switch (option) {
    case API_URL:
        api->url = argument;
        return true;
    case API_TOKEN_FILE:
        api->token_file = argument;
        return true;
    case API_CA_FILE:
        api->ca_file = argument;
        return true;
    case API_TIMEOUT: {
        char *end;
        long seconds = strtol(argument, &end, 10);

        api->bad_timeout = *end != '\0' || seconds < 1 || seconds > API_TIMEOUT_S_MAX;
        api->timeout_ms = seconds * 1000;
        return true;
    }
    default:
        return false;
    }
}

/* ---- saying what went wrong ---- */

static void
say_begin(struct api *api)
{
    buffer_reset(&api->said);
}

static int
say_end(struct api *api, int status)
{
    if (!api->quiet)
        fprintf(stderr, "slactl %s: %.*s\n", api->command->name, (int)api->said.bytes,
                buffer_slice(&api->said).at);
    return status;
}

static int
say(struct api *api, int status, const char *text, struct slice more)
{
    say_begin(api);
    buffer_append_text(&api->said, text);
    terminal_append(&api->said, more);
    return say_end(api, status);
}

/* A refusal: a problem document (RFC 9457), or whatever came instead. */
static int
say_problem(struct api *api, const struct http_response *response)
{
    const struct cJSON *problem = NULL;
    char detail[JSON_DETAIL_BYTES];
    struct slice code, sentence;

    if (strncmp(response->content_type, "application/problem+json", 24) == 0)
        (void)json_read(api->json, buffer_slice(&response->body), &problem, detail);
    code = json_fields_text(problem, "code");
    sentence = json_fields_text(problem, "detail");
    say_begin(api);
    buffer_append_text(&api->said, "refused with ");
    buffer_append_int64(&api->said, response->status);
    if (code.bytes > 0) {
        buffer_append_byte(&api->said, ' ');
        terminal_append(&api->said, code);
    }
    if (sentence.bytes > 0 || problem != NULL) {
        buffer_append_text(&api->said, ": ");
        terminal_append(&api->said, sentence.bytes > 0 ? sentence : json_fields_text(problem, "title"));
    }
    if (response->status == 401)
        buffer_append_text(&api->said, " (--token-file says which token)");
    if (response->retry_after_ms >= 0) {
        buffer_append_text(&api->said, "; to be asked again in ");
        buffer_append_int64(&api->said, response->retry_after_ms / 1000);
        buffer_append_text(&api->said, " s");
    }
    return say_end(api, http_client_is_transient(response->status) ? COMMAND_NO_ANSWER
                        : response->status == 400                  ? COMMAND_REFUSED
                                                                   : COMMAND_FAILED);
}

/* ---- open and close ---- */

/* The first line of the file; without it the environment's. 0, or the exit status. */
static int
read_token(struct api *api)
{
    const char *path = api->token_file != NULL ? api->token_file : getenv("SLACTL_TOKEN_FILE");
    const char *token = getenv("SLACTL_TOKEN");
    char line[API_TOKEN_BYTES_MAX + 2];
    FILE *file;

    if (path != NULL && *path != '\0') {
        file = fopen(path, "re");
        if (file == NULL || fgets(line, sizeof line, file) == NULL) {
            fprintf(stderr, "slactl %s: the token's file %s: %s\n", api->command->name, path,
                    file == NULL ? strerror(errno) : "it is empty");
            if (file != NULL)
                (void)fclose(file);
            return COMMAND_REFUSED;
        }
        (void)fclose(file);
        line[strcspn(line, "\r\n")] = '\0';
        token = line;
    }
    if (token == NULL || *token == '\0')
        return COMMAND_DONE;
    for (const char *at = token; *at != '\0'; at++)
        if (*at <= ' ' || *at == 0x7F)
            return say(api, COMMAND_REFUSED, "the token has a character that no token has", slice_of(""));
    api->token = memory_copy(token, strlen(token) + 1);
    return COMMAND_DONE;
}

int
api_open(struct api *api, const struct command *command)
{
    struct http_client_options options = {.timeout_ms =
                                              api->timeout_ms > 0 ? api->timeout_ms : API_TIMEOUT_MS,
                                          .ca_file = api->ca_file,
                                          .response_bytes_max = API_ANSWER_BYTES_MAX};
    const char *url = api->url != NULL ? api->url : getenv("SLACTL_URL");

    api->command = command;
    api->url = url != NULL && *url != '\0' ? url : api_url_by_default;
    if (api->bad_timeout)
        return command_refuse(command, "--timeout: expected 1 to %d seconds", API_TIMEOUT_S_MAX);
    if (strncasecmp(api->url, "http://", 7) != 0 && strncasecmp(api->url, "https://", 8) != 0)
        return command_refuse(command, "--url: expected http://HOST:PORT or https://HOST:PORT");
    api->server_ms = INSTANT_NONE;
    api->json = json_new();
    api->client = http_client_new(&options);
    return read_token(api);
}

void
api_close(struct api *api)
{
    http_client_free(api->client);
    json_free(api->json);
    memory_free(api->token);
    buffer_free(&api->said);
}

/* ---- one exchange ---- */

static bool
is_secure(const char *url)
{
    return strncasecmp(url, "https://", 8) == 0;
}

static void
note_server_time(struct api *api, const struct http_response *response)
{
    struct slice date = http_response_header(response, "Date");
    char text[64];
    time_t at;

    if (date.at == NULL || date.bytes >= sizeof text)
        return;
    memcpy(text, date.at, date.bytes);
    text[date.bytes] = '\0';
    at = curl_getdate(text, NULL);
    if (at != -1)
        api->server_ms = (int64_t)at * 1000;
}

/* To this address, and on to where it says the answer is. */
static int
exchange(struct api *api, const char *url, const char *method, struct slice body,
         struct http_response *response)
{
    struct buffer here = {0};
    int status = -1;

    buffer_append(&here, url, strlen(url) + 1);
    for (int hops = 0; status < 0; hops++) {
        struct http_request request = {.url = here.at, .method = method, .token = api->token, .body = body};

        if (body.at != NULL)
            request.headers[0] = "Content-Type: application/json";
        if (http_client_perform(api->client, &request, response) != 0) {
            status = say(api, COMMAND_NO_ANSWER, "", slice_of(response->error));
        } else if (response->status / 100 == 2) {
            note_server_time(api, response);
            buffer_free(&here);
            return COMMAND_DONE;
        } else if (response->redirect_url.bytes == 0) {
            status = say_problem(api, response);
        } else if (hops == API_HOPS_MAX) {
            status = say(api, COMMAND_NO_ANSWER, "sent from one process to the next without end, last to ",
                         slice_of(response->redirect_url.at));
        } else if (is_secure(here.at) && !is_secure(response->redirect_url.at)) {
            status = say(api, COMMAND_FAILED,
                         "the answer lies where there is no TLS: ", slice_of(response->redirect_url.at));
        } else {
            buffer_reset(&here);
            buffer_append_slice(&here, buffer_slice(&response->redirect_url));
        }
        http_response_done(response);
    }
    buffer_free(&here);
    return status;
}

static int
call(struct api *api, const char *method, const char *path, struct slice body, struct http_response *response)
{
    struct buffer url = {0};
    size_t bytes = strlen(api->url);
    int status;

    while (bytes > 0 && api->url[bytes - 1] == '/')
        bytes--;
    buffer_append(&url, api->url, bytes);
    buffer_append(&url, path, strlen(path) + 1);
    status = exchange(api, url.at, method, body, response);
    buffer_free(&url);
    return status;
}

int
api_get(struct api *api, const char *path, struct http_response *ret_response)
{
    return call(api, "GET", path, (struct slice){0}, ret_response);
}

int
api_post(struct api *api, const char *path, struct slice body, struct http_response *ret_response)
{
    return call(api, "POST", path, body, ret_response);
}

const struct cJSON *
api_read(struct api *api, struct slice text)
{
    const struct cJSON *object = NULL;
    char detail[JSON_DETAIL_BYTES];

    if (json_read(api->json, text, &object, detail) == ERROR_NONE)
        return object;
    (void)say(api, COMMAND_FAILED, "the answer cannot be read: ", slice_of(detail));
    return NULL;
}

/* ---- lists ---- */

/* What the Link header says of the next page: `<...>; rel="next"`. 0 and an empty path: this was the last
 * one. */
static void
next_page(const struct http_response *response, struct buffer *path)
{
    struct slice link = http_response_header(response, "Link");
    const char *from = link.at != NULL ? memchr(link.at, '<', link.bytes) : NULL;
    const char *to = from != NULL ? memchr(from, '>', link.bytes - (size_t)(from - link.at)) : NULL;

    buffer_reset(path);
    if (to == NULL || memmem(to, link.bytes - (size_t)(to - link.at), "next", 4) == NULL)
        return;
    for (const char *at = from + 1; at + 3 <= to; at++) /* of an absolute address the path */
        if (memcmp(at, "://", 3) == 0) {
            const char *slash = memchr(at + 3, '/', (size_t)(to - at - 3));

            from = slash != NULL ? slash - 1 : to - 1;
            break;
        }
    buffer_append(path, from + 1, (size_t)(to - from - 1));
    buffer_append_byte(path, '\0');
}

/* COMMAND_DONE; *ret_more: take wants more. */
static int
take_page(struct api *api, struct slice list, bool (*take)(void *context, struct slice element),
          void *context, bool *ret_more)
{
    struct json_pieces pieces;
    struct slice key, element;
    int more = -1;

    *ret_more = true;
    if (json_pieces_begin(&pieces, list) && !pieces.object)
        while (*ret_more && (more = json_pieces_next(&pieces, &key, &element)) == 1)
            *ret_more = take(context, element);
    return more < 0 ? say(api, COMMAND_FAILED, "the answer is not the list it should be", slice_of(""))
                    : COMMAND_DONE;
}

int
api_each(struct api *api, const char *path, bool (*take)(void *context, struct slice element), void *context)
{
    struct buffer next = {0};
    int status = COMMAND_DONE;

    buffer_append(&next, path, strlen(path) + 1);
    for (int pages = 0; status == COMMAND_DONE && next.bytes > 0 && pages < API_PAGES_MAX; pages++) {
        struct http_response response;
        bool more = false;

        status = api_get(api, next.at, &response);
        if (status != COMMAND_DONE)
            break;
        status = take_page(api, buffer_slice(&response.body), take, context, &more);
        next_page(&response, &next);
        http_response_done(&response);
        if (!more)
            break;
    }
    buffer_free(&next);
    return status;
}

bool
api_print_element(void *stream, struct slice element)
{
    struct buffer line = {0};

    for (size_t i = 0; i < element.bytes; i++) /* between values alone: in a text they are escaped */
        if (element.at[i] != '\n' && element.at[i] != '\r')
            buffer_append_byte(&line, element.at[i]);
    if (isatty(fileno(stream)) == 1) { /* the escapes of a terminal are JSON's */
        struct buffer shown = {0};

        terminal_append(&shown, buffer_slice(&line));
        buffer_free(&line);
        line = shown;
    }
    buffer_append_byte(&line, '\n');
    (void)fwrite(line.at, 1, line.bytes, stream);
    buffer_free(&line);
    return true;
}

/* ---- addresses ---- */

static void
append_escaped(struct buffer *path, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if ((byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
            byte == '-' || byte == '_' || byte == '.' || byte == '~') {
            buffer_append_byte(path, *text);
            continue;
        }
        buffer_append_byte(path, '%');
        buffer_append_byte(path, digits[byte >> 4]);
        buffer_append_byte(path, digits[byte & 15]);
    }
}

void
api_append_query(struct buffer *path, const char *key, const char *value)
{
    if (value == NULL)
        return;
    buffer_append_byte(path, memchr(path->at, '?', path->bytes) == NULL ? '?' : '&');
    buffer_append_text(path, key);
    buffer_append_byte(path, '=');
    append_escaped(path, value);
}

void
api_append_segment(struct buffer *path, const char *segment)
{
    append_escaped(path, segment);
}
