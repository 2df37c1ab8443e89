#ifndef SLAD_SLACTL_ROWS_H
#define SLAD_SLACTL_ROWS_H

/* Cells of tables out of records: what the live commands have in common. Objects are trees of the door; what
 * is not there is "-". */
#include "slactl/api.h"
#include "slactl/table.h"

/* A member as it is. */
void rows_cell(struct table *table, const struct api *api, const struct cJSON *object, const char *key);
void rows_cell_instant(struct table *table, const struct cJSON *object, const char *key); /* local time */
void rows_cell_length(struct table *table, int64_t length_ms); /* "1 h 30 min", to the minute */
void rows_cell_share(struct table *table, const struct api *api, const struct cJSON *object,
                     const char *key); /* "93.3 %" */
/* "sla/resolution", from cycle 2 on "sla/resolution/2". */
void rows_cell_clock(struct table *table, const struct api *api, const struct cJSON *object);
/* A state or severity: critical and breached in red, warning and held in yellow; the word is always there. */
void rows_cell_state(struct table *table, const struct cJSON *object, const char *key);

/* "times are CEST" below a table, when it has rows. */
void rows_print_zone(const struct table *table, int64_t at_ms, FILE *out);

/* Instants are compared with this: the server's time if it said one, else this machine's. */
int64_t rows_now_ms(const struct api *api);
/* "12 min left", "over by 2 h", "paused". */
void rows_append_left(struct buffer *out, const struct cJSON *clock, int64_t now_ms);

#endif
