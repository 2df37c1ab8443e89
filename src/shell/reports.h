#ifndef SLAD_SHELL_REPORTS_H
#define SLAD_SHELL_REPORTS_H

/*
 * The committee's report over HTTP: `slactl report --json` beside this program, as a process of its own that
 * reads slad.outcomes from the brokers. One at a time. The loop thread only.
 */
#include "shell/world.h"

struct reports;
struct event_base;
struct evhttp_request;

/* world and source (what the configuration came from) are borrowed and outlive it. Never NULL. */
struct reports *reports_new(struct world *world, struct event_base *base, const struct config_source *source);
/* A report being made is ended, its request answered 503. Before the door goes. NULL is fine. */
void reports_free(struct reports *reports);

/* Takes the request over: 200 with docs/schema/report.json, 404 when there is nothing of that customer in
 * that month, 503 when one is being made, or it fails or takes longer than report_timeout. month: YYYY-MM;
 * contract at NULL: all. */
struct report_wish {
    struct slice customer, month, contract;
};
void reports_make(struct reports *reports, struct evhttp_request *request, const struct report_wish *wish);
/* Whether it is four digits, a dash and 01 to 12. */
bool reports_is_month(struct slice text);

#endif
