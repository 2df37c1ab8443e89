#ifndef SLAD_WIRE_OPEN_JSON_H
#define SLAD_WIRE_OPEN_JSON_H

/*
 * The `open` record of a ticket task (slad.scores, key open/PARTITION; semantics.md section 7): counts by
 * state and the clocks next to break, for the board and for whoever looks for the process that holds a
 * ticket.
 */
#include "base/buffer.h"
#include "slad/engine.h"
#include "wire/json.h"

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
/* The same for one customer's eyes: its clocks alone, and of what is counted over all customers only whether
 * there is anything: "counts" is null, "lag" 0 or 1. */
void open_json_print_for(struct buffer *out, const struct open_record *record, struct slice customer);
/* Appends one clock with its task and the task's time: an element of GET /api/v1/tickets. */
void open_json_print_clock(struct buffer *out, const struct open_record *record,
                           const struct open_clock *clock);

/* The object read back, in one piece for memory_free; NULL: it is no such record. Clocks that are not sound
 * are left out. The counts and the reasons of a probability are not read. */
struct open_record *open_json_read(const struct json *json, const struct cJSON *object);
/* "open/17" */
void open_json_key(int64_t task, char ret_key[OPEN_JSON_KEY_BYTES]);

#endif
