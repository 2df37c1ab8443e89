#ifndef SLAD_WIRE_SCORE_PARTS_H
#define SLAD_WIRE_SCORE_PARTS_H

/*
 * Members of a JSON object, each with its key, appended to an object that is open: a comma comes by itself.
 */
#include "base/buffer.h"
#include "slad/scores.h"

void score_parts_count(struct buffer *out, const char *key, int64_t count);
void score_parts_share(struct buffer *out, const char *key, double share);   /* a fraction of 1, 6 decimals */
void score_parts_points(struct buffer *out, const char *key, double points); /* 4 decimals */
void score_parts_text(struct buffer *out, const char *key, struct slice text); /* at NULL: null */
void score_parts_instant(struct buffer *out, const char *key, int64_t at_ms);  /* INSTANT_NONE: null */
void score_parts_boolean(struct buffer *out, const char *key, bool value);
void score_parts_open(struct buffer *out, const char *key); /* "key":{ */
void score_parts_close(struct buffer *out);
void score_parts_scope(struct buffer *out, const struct score_scope *scope); /* "scope":{...} */
void score_parts_px(struct buffer *out, const struct score_px *px); /* the members, without an object */
/* Likewise; without value and interval when there is none. */
void score_parts_nps(struct buffer *out, const struct score_nps *nps);

/* DIMENSION=VALUE,... of a key; %, /, comma and = in values are percent-encoded. */
void score_parts_scope_key(struct buffer *out, const struct score_scope *scope);
const char *score_parts_dimension(unsigned dimension); /* bit number; "customer", ... "survey" */

#endif
