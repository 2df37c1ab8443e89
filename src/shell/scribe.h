#ifndef SLAD_SHELL_SCRIBE_H
#define SLAD_SHELL_SCRIBE_H

/*
 * A thread that turns a learner into bytes beside the loop: at its bounds that takes tens of milliseconds.
 * The learner is lent: until it is back nobody else may touch it. One at a time.
 */
#include "base/buffer.h"
#include "slad/foresight.h"
#include <stdbool.h>

struct scribe;

enum scribe_wish { SCRIBE_STATE, SCRIBE_TABLE }; /* foresight_save, foresight_publish */

/* Starts the thread. */
struct scribe *scribe_new(void);
/* What is lent is waited for. NULL is fine. */
void scribe_free(struct scribe *scribe);

/* Lends the learner, and takes out's bytes: what is made is appended to them. Nothing is lent. */
void scribe_ask(struct scribe *scribe, struct foresight *learner, enum scribe_wish wish, struct buffer *out);
/* true: it is back, and so are the bytes; out is empty. false: not yet, or nothing is lent. */
bool scribe_take(struct scribe *scribe, struct buffer *out);
/* Waits for it; something is lent. */
void scribe_take_wait(struct scribe *scribe, struct buffer *out);

#endif
