/*
 * What: the parameters of a request, read strictly.
 *
 * Why this way: a misspelt filter that is passed over gives everything and looks like an answer; so an
 * unknown parameter is refused.
 *
 * Always true: what is read is within its bounds.
 *
 * Not here: what filters mean (board.c).
 */
#include "shell/query.h"
#include "base/panic.h"
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

static int
refuse(struct query *query, const char *what, const char *name)
{
    snprintf(query->wrong, sizeof query->wrong, "%.60s: %s", name, what);
    return -1;
}

static int
read_limit(struct query *query, const char *text)
{
    char *end;

    if (*text < '1' || *text > '9')
        return -1;
    query->limit = strtoul(text, &end, 10);
    return *end == '\0' && query->limit <= QUERY_RECORDS_MAX ? 0 : -1;
}

static int
read_filter(struct query *query, const struct evkeyval *parameter, const struct query_name *names,
            size_t names_count)
{
    for (size_t i = 0; i < names_count; i++) {
        if (strcmp(parameter->key, names[i].name) != 0)
            continue;
        if (query->filters_count == QUERY_FILTERS_MAX)
            return refuse(query, "too many filters", parameter->key);
        query->filters[query->filters_count++] =
            (struct board_filter){names[i].fact, slice_of(parameter->value)};
        return 0;
    }
    return refuse(query, "unknown parameter", parameter->key);
}

int
query_read(struct evhttp_request *request, bool paged, const struct query_name *names, size_t names_count,
           struct query *query)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *text = uri != NULL ? evhttp_uri_get_query(uri) : NULL;

    *query = (struct query){.limit = QUERY_RECORDS};
    TAILQ_INIT(&query->parameters);
    if (text == NULL || *text == '\0')
        return 0;
    if (evhttp_parse_query_str(text, &query->parameters) != 0) {
        TAILQ_INIT(&query->parameters);
        return refuse(query, "cannot be read", "query");
    }
    for (const struct evkeyval *one = query->parameters.tqh_first; one != NULL; one = one->next.tqe_next) {
        if (paged && strcmp(one->key, "limit") == 0) {
            if (read_limit(query, one->value) != 0)
                return refuse(query, "expected a number from 1 to 10000", "limit");
        } else if (paged && strcmp(one->key, "after") == 0)
            query->after = slice_of(one->value);
        else if (read_filter(query, one, names, names_count) != 0)
            return -1;
    }
    return 0;
}

void
query_done(struct query *query)
{
    evhttp_clear_headers(&query->parameters);
}

bool
query_fits(const struct query *query, enum fact fact, struct slice value)
{
    bool asked = false;

    for (size_t i = 0; i < query->filters_count; i++) {
        if (query->filters[i].fact != fact)
            continue;
        asked = true;
        if (value.at != NULL && slice_equal(query->filters[i].value, value))
            return true;
    }
    return !asked;
}

static void
append_encoded(struct buffer *out, struct slice text)
{
    char *encoded = evhttp_uriencode(text.at, (ev_ssize_t)text.bytes, 0);

    must(encoded != NULL);
    buffer_append_text(out, encoded);
    free(encoded);
}

void
query_link_next(const struct query *query, struct evhttp_request *request, const char *path,
                struct slice last)
{
    struct buffer link = {0};

    buffer_append_byte(&link, '<');
    buffer_append_text(&link, path);
    buffer_append_text(&link, "?limit=");
    buffer_append_int64(&link, (int64_t)query->limit);
    for (const struct evkeyval *one = query->parameters.tqh_first; one != NULL; one = one->next.tqe_next) {
        if (strcmp(one->key, "limit") == 0 || strcmp(one->key, "after") == 0)
            continue;
        buffer_append_byte(&link, '&');
        append_encoded(&link, slice_of(one->key));
        buffer_append_byte(&link, '=');
        append_encoded(&link, slice_of(one->value));
    }
    buffer_append_text(&link, "&after=");
    append_encoded(&link, last);
    buffer_append_text(&link, ">; rel=\"next\"");
    buffer_append_byte(&link, '\0');
    evhttp_add_header(evhttp_request_get_output_headers(request), "Link", link.at);
    buffer_free(&link);
}
