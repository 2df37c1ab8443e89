#ifndef SLAD_SLACTL_EXPLAIN_LIVE_H
#define SLAD_SLACTL_EXPLAIN_LIVE_H

/* The explanation that a running slad gives of a ticket (GET /api/v1/tickets/ID/explain). */
#include "slactl/api.h"
#include "slactl/explain_print.h"

/* Fetches it and tells it to the page: t_ms and, unless it is for programs, its clocks and stretches. For
 * programs the lines of slactl explain --json are printed at once. zones: where time zones are read, for
 * local times. Returns the exit status; what failed was said. */
int explain_live(struct api *api, struct explain_page *page, const char *ticket, const char *zoneinfo_dir);

#endif
