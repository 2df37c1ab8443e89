#ifndef SLAD_SLACTL_LINES_H
#define SLAD_SLACTL_LINES_H

/* Lines of a file, one after another, without copying: for NDJSON. A line that is longer than the bound is
 * given cut, one byte over the bound, so that who reads it sees that it is too large. */
#include "base/slice.h"
#include <stdint.h>

struct lines;

/* path NULL or "-": standard input. NULL with errno when it cannot be opened. */
struct lines *lines_open(const char *path, size_t line_bytes_max);
/* The next line without its LF (and CR before it); lives until the next call. 1, 0 at the end, -1 with errno.
 */
int lines_next(struct lines *lines, struct slice *ret_line);
uint64_t lines_number(const struct lines *lines); /* of the line given last, from 1 */
void lines_close(struct lines *lines);

#endif
