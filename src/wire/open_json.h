#ifndef SLAD_WIRE_OPEN_JSON_H
#define SLAD_WIRE_OPEN_JSON_H

/*
 * The `open` record of a ticket task (slad.scores, key open/PARTITION; semantics.md section 7): counts by
 * state and the clocks next to break, for the board and for whoever looks for the process that holds a
 * ticket.
 */
#include "base/buffer.h"
#include "slad/engine.h"

enum { OPEN_JSON_KEY_BYTES = 32 };

struct open_record {
    int64_t task;               /* the partition */
    int64_t at_ms;              /* T of the task */
    struct slice instance, api; /* who holds it; api at NULL: null */
    bool behind;
    int64_t lag_records, lag_ms;
    struct open_counts counts;
    const struct open_clock *clocks; /* in order of danger, as engine_open gives them */
    size_t clocks_count;
};

/* Appends the object. */
void open_json_print(struct buffer *out, const struct open_record *record);
/* "open/17" */
void open_json_key(int64_t task, char ret_key[OPEN_JSON_KEY_BYTES]);

#endif
