#ifndef SLAD_SHELL_API_H
#define SLAD_SHELL_API_H

/*
 * What stands behind /api/v1 (docs/openapi.yaml), but for the stream: lists out of the board, tickets out of
 * the engines of this process, acknowledgements. Each function answers one request, in one go but for an
 * acknowledgement. The loop thread only.
 */
#include "shell/access.h"
#include "shell/acks.h"
#include "shell/http.h"
#include "shell/tickets.h"

struct evhttp_request;

struct api_call {
    const struct http_rooms *rooms;
    const struct http_installation *installation; /* NULL: the board alone is there */
    struct evhttp_request *request;
    struct visitor visitor;
    struct board_view view; /* what this visitor may see */
    struct slice subject;   /* decoded, of a path with one */
    const char *path;       /* as in the route */
};

/* api.c: of the board */
void api_open(struct api_call *call);
void api_alerts(struct api_call *call);
void api_scores(struct api_call *call);
void api_outcomes(struct api_call *call);
void api_alert(struct api_call *call);
void api_alert_acknowledge(struct api_call *call);
/* Whether a contract is one customer's alone, by the policy in force: its match names that customer and no
 * other. context: struct http_installation, or NULL. */
bool api_owns(void *context, struct slice contract, struct slice customer);

/* api_tickets.c */
void api_tickets(struct api_call *call);
void api_ticket(struct api_call *call);
void api_ticket_explain(struct api_call *call);

/* api_installation.c */
void api_contracts(struct api_call *call);
void api_policies(struct api_call *call);
void api_tasks(struct api_call *call);
void api_report(struct api_call *call);
void api_reload(struct api_call *call);

#endif
