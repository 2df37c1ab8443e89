#ifndef SLAD_SHELL_FACTS_H
#define SLAD_SHELL_FACTS_H

/*
 * What a record on the board says of itself, as far as lists are filtered and views are cut by it. Packed: a
 * byte for which, a varint for how long, the text.
 */
#include "base/buffer.h"
#include "wire/json.h"

enum fact {
    FACT_TYPE,  /* "score", "verdict" ... */
    FACT_STATE, /* of an alert */
    FACT_STAGE,
    FACT_SEVERITY,
    FACT_KIND, /* of an alert: "sla" ... "experience" */
    FACT_BY,
    FACT_TICKET,
    FACT_CUSTOMER, /* whose alone it is; of a score its scope's, of a KEI the one customer it is matched to */
    FACT_SERVICE,
    FACT_GROUP,
    FACT_PRIORITY,
    FACT_CONTRACT,
    FACT_WINDOW,
    FACT_MONTH,    /* of no record: a parameter of a report */
    FACT_SCOPE,    /* of a score: as in its key */
    FACT_REVISION, /* of an alert: arrival.revision, in digits */
    FACT_FORMER,   /* a customer whose it was before; may stand more than once */
    FACTS_COUNT
};

/* Appends what the object says. key: the record's. */
void facts_read(const struct json *json, const struct cJSON *object, struct slice key, struct buffer *out);
void facts_add(struct buffer *out, enum fact fact, struct slice value);

/* The first of this name; at NULL: it says nothing of it. Borrowed from facts. */
struct slice facts_get(struct slice facts, enum fact fact);
/* Whether one of this name is this text. */
bool facts_has(struct slice facts, enum fact fact, struct slice value);
/* The next of this name behind *cursor (0 at first); at NULL: no more. */
struct slice facts_next(struct slice facts, enum fact fact, size_t *cursor);

#endif
