#ifndef SLAD_SLACTL_IMPORT_CSV_H
#define SLAD_SLACTL_IMPORT_CSV_H

/*
 * A table of old tickets, one a row, as events: each was created, and solved or closed if the row says when.
 */
#include "base/buffer.h"
#include "slad/event.h"
#include "slad/zone.h"
#include <stdbool.h>

/* What a column may be; attributes by their names beside them. */
enum import_csv_field { IMPORT_CSV_TICKET, IMPORT_CSV_CREATED, IMPORT_CSV_SOLVED, IMPORT_CSV_CLOSED };
enum { IMPORT_CSV_FIELDS_COUNT = IMPORT_CSV_CLOSED + 1 };

struct import_csv {
    struct slice heads[IMPORT_CSV_FIELDS_COUNT]; /* the column of each; at NULL: none */
    struct slice attributes[ATTRIBUTES_COUNT];
    struct slice solved_status, closed_status; /* the policy's words */
    const struct zone *zone;                   /* of times that name none; NULL: UTC */
    void *context;
    /* An event as JSON, from the row that begins in this line. */
    void (*event)(void *context, uint64_t line, struct slice json);
    /* A row that is none. */
    void (*bad)(void *context, uint64_t line, const char *why);
};

/* "ticket=Number,created=Opened at,group=Assignment group": ticket and created are needed. 0, or -1 with the
 * piece that is no good. Slices point into text. */
int import_csv_columns(struct import_csv *csv, struct slice text, struct slice *ret_bad);
/* The whole file: RFC 4180, parted by what the first line has more of: comma, semicolon or tab. 0, or -1 with
 * the name of a column that is not there. */
int import_csv_read(const struct import_csv *csv, struct slice text, struct slice *ret_missing);

#endif
