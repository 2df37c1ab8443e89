#ifndef SLAD_SLACTL_TOP_FRAME_H
#define SLAD_SLACTL_TOP_FRAME_H

/* One picture of slactl top: asked for, and drawn as lines. */
#include "slactl/api.h"
#include "slactl/terminal.h"

enum { TOP_FILTERS_COUNT = 4 };
extern const char
    *const top_frame_filters[TOP_FILTERS_COUNT]; /* "customer", "service", "group", "priority" */

struct top_request {
    const char *filters[TOP_FILTERS_COUNT]; /* NULL: all */
    const char *window;                     /* of the scores */
    size_t rows_max;                        /* of each table; 0: as many as the terminal has room for */
};

/* Asks everything anew and appends the picture's lines to out. The exit status; what failed is in api->said
 * (api->quiet is set), and out is as before. */
int top_frame_draw(struct api *api, const struct top_request *request, const struct terminal *terminal,
                   struct buffer *out);

#endif
