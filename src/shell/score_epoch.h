#ifndef SLAD_SHELL_SCORE_EPOCH_H
#define SLAD_SHELL_SCORE_EPOCH_H

/*
 * The open epoch of the score task: what the scores have said since the last one was closed, as records, and
 * when it has to be closed. The loop thread only.
 */
#include "shell/batch.h"
#include "shell/world.h"
#include "slad/scores.h"

struct score_epoch {
    const struct world *world; /* borrowed */
    struct batch *batch;       /* owned; ingest, learning and the task itself write into it, too */
    bool dirty;                /* something is to be committed, if only an offset */
    bool announces;            /* somebody waits for it */
    int64_t dirty_since_mono_ms;
};

/* Empty. world is borrowed. */
void score_epoch_init(struct score_epoch *epoch, const struct world *world);
void score_epoch_done(struct score_epoch *epoch);

/* What the scores say becomes records of whatever epoch is open then. The sink borrows the epoch. */
struct scores_sink score_epoch_sink(struct score_epoch *epoch);

/* There is something to commit. announces: somebody waits for it, so it goes at once. */
void score_epoch_touch(struct score_epoch *epoch, bool announces);
/* It may take no more (epoch_records_max, epoch_bytes_max). */
bool score_epoch_is_full(const struct score_epoch *epoch);
/* Now or sooner: it is to be closed; INT64_MAX: nothing is to be said. */
int64_t score_epoch_close_at_mono_ms(const struct score_epoch *epoch);
/* Closes it: what it says is the caller's, and an empty one is open. */
struct batch *score_epoch_take(struct score_epoch *epoch);

#endif
