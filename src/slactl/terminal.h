#ifndef SLAD_SLACTL_TERMINAL_H
#define SLAD_SLACTL_TERMINAL_H

/*
 * Strangers' text on a terminal, and how wide it stands there.
 *
 * A ticket's or a customer's name may hold anything that UTF-8 can: escape sequences, line ends, marks that
 * turn the direction of writing around. Here such characters become visible escapes (\u001b, \u202e, and \xff
 * for a byte that is no UTF-8), as in JSON, so that what is seen is what is there.
 */
#include "base/buffer.h"
#include <stdbool.h>
#include <stdio.h>

/* Sets the process up for wide characters. Once, at the start of main. */
void terminal_start(void);

/* Appends text: control characters (C0, DEL, C1), bytes that are no UTF-8, marks of direction, characters
 * that cannot be seen, and characters that are none are escaped; everything else stays. */
void terminal_append(struct buffer *out, struct slice text);
/* As many columns of the escaped text as fit into `columns`; if some had to go, the last one is "…". */
void terminal_append_cut(struct buffer *out, struct slice text, size_t columns);
/* How many columns a text without control characters takes. */
size_t terminal_columns(struct slice text);

/* ---- what standard output is ---- */

struct terminal {
    bool is_terminal;
    bool colours;   /* a terminal, and the environment has no NO_COLOR and TERM is not dumb */
    size_t columns; /* SIZE_MAX: no terminal, nothing is cut */
    size_t lines;   /* 0: no terminal */
};
struct terminal terminal_look(FILE *stream);

enum terminal_style {
    TERMINAL_PLAIN,
    TERMINAL_BOLD,
    TERMINAL_DIM,
    TERMINAL_RED,
    TERMINAL_YELLOW,
    TERMINAL_GREEN
};
/* The sequences around a text in this style; "" without colours. */
const char *terminal_begin(const struct terminal *terminal, enum terminal_style style);
const char *terminal_end(const struct terminal *terminal, enum terminal_style style);

#endif
