#ifndef SLAD_SHELL_ACCESS_H
#define SLAD_SHELL_ACCESS_H

/*
 * Who may ask the HTTP door for what: tokens and their file, and what a browser must not be made to do by a
 * stranger's page.
 */
#include "shell/config.h"
#include "shell/log.h"
#include "shell/metrics.h"
#include "shell/tokens.h"

struct access;
struct evhttp_request;

/* The cookie a browser keeps its token in. */
#define ACCESS_COOKIE "slad_token"

/* NULL: the token file is needed (not on loopback) or named, and cannot be read; why was logged. config, log
 * and metrics are borrowed and outlive it. */
struct access *access_new(const struct config *config, struct log *log, struct metrics *metrics,
                          bool loopback);
void access_free(struct access *access);
/* Once a second and on a reload: reads the file again when it has changed. What is refused changes nothing.
 */
void access_refresh(struct access *access);
/* Grows whenever the tokens changed. */
uint64_t access_generation(const struct access *access);
/* Whether a token is needed at all. */
bool access_is_guarded(const struct access *access);

/* Who asks. */
struct visitor {
    bool known; /* false: a token is needed and there is none, or no sound one */
    enum token_role role;
    struct slice customer;     /* of TOKEN_CUSTOMER; at NULL else. Lives until the next access_refresh */
    const struct token *token; /* NULL: none is needed. As long */
};
struct visitor access_visitor(struct access *access, struct evhttp_request *request);
struct visitor access_visitor_of(struct access *access, struct slice token);
/* The token a request carries, in its header or its cookie; at NULL: none. Lives as long as the request. */
struct slice access_token_of(struct evhttp_request *request);
/* Whether the token still stands, with the same rights. NULL: none was needed. */
bool access_still(const struct access *access, const struct token *token);

/* Whether a page of another site made the browser ask: for requests that change something. */
bool access_is_cross_site(const struct config *config, struct evhttp_request *request);
/* The Origin of the request when it is among cors_origins; NULL. */
const char *access_cors_origin(const struct config *config, struct evhttp_request *request);

#endif
