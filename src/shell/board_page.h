#ifndef SLAD_SHELL_BOARD_PAGE_H
#define SLAD_SHELL_BOARD_PAGE_H

/* The parts in board/ as one page, as bytes; the build writes board_page.c into its generated/ directory
 * (board_page.cmake). */
#include <stddef.h>

extern const unsigned char board_page[];
extern const size_t board_page_bytes;

#endif
