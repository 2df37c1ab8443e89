#ifndef SLAD_SLACTL_RELAY_PAGERDUTY_H
#define SLAD_SLACTL_RELAY_PAGERDUTY_H

/* An alert as an event of PagerDuty's Events API v2. */
#include "slactl/relay_alert.h"

enum { RELAY_PAGERDUTY_KEY_BYTES_MAX = 255, RELAY_PAGERDUTY_SUMMARY_BYTES_MAX = 1024 };

/* firing and repeated trigger, acknowledged acknowledges, what is over resolves. Everything but the routing
 * key: the object's members after `{"routing_key":"...",`, and its closing brace. source: what names the
 * installation; board: its URL or NULL. */
void relay_pagerduty_print(const struct relay_alert *alert, const char *source, const char *board,
                           struct buffer *out);
/* The alert's key; a longer one is cut and ends with its hash. The same for every record of a key. */
void relay_pagerduty_append_dedup_key(struct slice key, struct buffer *out);

#endif
