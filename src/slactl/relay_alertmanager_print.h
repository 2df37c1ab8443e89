#ifndef SLAD_SLACTL_RELAY_ALERTMANAGER_PRINT_H
#define SLAD_SLACTL_RELAY_ALERTMANAGER_PRINT_H

/* An alert in the words of Alertmanager's API v2. */
#include "slactl/relay_alert.h"

/* {"alertname":"SladBreach",...}: labels are what Alertmanager knows an alert by, so an alert must keep those
 * it was first sent with. Those of the key never change: alertname, installation, key, ticket, kind, clock,
 * cycle, stage (of an answer's alert survey and feedback); severity, customer, service and the further ones
 * are as of this record. */
void relay_alertmanager_print_labels(const struct relay_alert *alert, const char *installation,
                                     const enum relay_field *further, size_t further_count,
                                     struct buffer *out);
/* "annotations":{...},"startsAt":...: what may change. An alert that is over ends at ends_at_ms
 * (INSTANT_NONE: it is not over, and Alertmanager's resolve_timeout says when it is without a word). board:
 * its URL, or NULL. */
void relay_alertmanager_print_rest(const struct relay_alert *alert, const char *board, int64_t ends_at_ms,
                                   struct buffer *out);

#endif
