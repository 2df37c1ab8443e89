#ifndef SLAD_SHELL_BOARD_PAGE_H
#define SLAD_SHELL_BOARD_PAGE_H

/* The file board.html as bytes; the build writes board_page.c into its generated/ directory
 * (board_page.cmake). */
#include <stddef.h>

extern const unsigned char board_page[];
extern const size_t board_page_bytes;

#endif
