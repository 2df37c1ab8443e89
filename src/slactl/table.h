#ifndef SLAD_SLACTL_TABLE_H
#define SLAD_SLACTL_TABLE_H

/*
 * Tables for people: cells of strangers' text in columns that line up. On a terminal the last column that may
 * be cut is cut so that a row is a line; elsewhere nothing is cut.
 *
 *     struct table table = {.terminal = &terminal};
 *     table_heads(&table, "TICKET", "DUE", ">LEFT", NULL);     ">": to the right, "=": never cut
 *     table_cell(&table, TERMINAL_PLAIN, slice); ...           as many as there are heads
 *     table_print(&table, stdout);
 *     table_done(&table);
 */
#include "slactl/terminal.h"

enum { TABLE_COLUMNS_MAX = 16 };

struct table_cell {
    size_t from, bytes; /* in texts */
    enum terminal_style style;
};

struct table {
    const struct terminal *terminal; /* required */
    const char *heads[TABLE_COLUMNS_MAX];
    size_t columns_count;
    struct table_cell *cells; /* row by row */
    size_t count, room;
    struct buffer texts; /* as they came */
};

/* Texts live as long as the table; NULL ends. */
void table_heads(struct table *table, ...) __attribute__((sentinel));
void table_cell(struct table *table, enum terminal_style style, struct slice text);
size_t table_rows_count(const struct table *table);
/* The heads and every row (at most rows_max of them; 0: all). Nothing without rows. */
void table_print(const struct table *table, FILE *out, size_t rows_max);
void table_done(struct table *table);

#endif
