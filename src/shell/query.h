#ifndef SLAD_SHELL_QUERY_H
#define SLAD_SHELL_QUERY_H

/* The query of a request: its parameters, pages and filters. */
#include "shell/board.h"
#include <event2/keyvalq_struct.h>

struct evhttp_request;

enum { QUERY_FILTERS_MAX = 32, QUERY_RECORDS = 1000, QUERY_RECORDS_MAX = 10000, QUERY_DETAIL_BYTES = 128 };

/* A parameter that is a filter. */
struct query_name {
    const char *name;
    enum fact fact;
};

struct query {
    struct evkeyvalq parameters;
    struct slice after; /* at NULL: from the first */
    size_t limit;
    struct board_filter filters[QUERY_FILTERS_MAX];
    size_t filters_count;
    char wrong[QUERY_DETAIL_BYTES]; /* why it is refused */
};

/* Reads the query; of its parameters only limit and after (when paged) and these are known. -1: ret_query->
 * wrong says why. query_done in any case. Texts live in *ret_query. */
int query_read(struct evhttp_request *request, bool paged, const struct query_name *names, size_t names_count,
               struct query *ret_query);
void query_done(struct query *query);
/* Whether what stands for a fact is among what is asked for. */
bool query_fits(const struct query *query, enum fact fact, struct slice value);
/* The Link header to the page behind `last`, with the same filters. */
void query_link_next(const struct query *query, struct evhttp_request *request, const char *path,
                     struct slice last);

#endif
