#ifndef SLAD_SHELL_LEARNING_H
#define SLAD_SHELL_LEARNING_H

/*
 * What the score task learns from slad.outcomes for foresight, and the records of slad.scores in which it
 * tells (risk_model/N, docs/records.md). The loop thread only.
 */
#include "shell/batch.h"
#include "shell/world.h"
#include "slad/foresight.h"

struct learning;
struct scribe;

/* Begins with nothing learned, by the policies of world. Never NULL. world is borrowed. */
struct learning *learning_new(const struct world *world);
void learning_free(struct learning *learning);
/* From now on what takes long is done by scribe, which is borrowed; NULL: at once. While it is at it, the
 * learner is away: nothing may be given to it (learning_is_away). */
void learning_set_scribe(struct learning *learning, struct scribe *scribe);
bool learning_is_away(const struct learning *learning);
/* Once a turn: whether it is back. */
void learning_turn(struct learning *learning);
/* Another policy may be in force: contexts it does not share are learned anew. */
void learning_take_policies(struct learning *learning);

/* One record of slad.outcomes at this offset says this; what lies before the offset a snapshot was taken at
 * is passed over. */
void learning_sample(struct learning *learning, const struct risk_sample *sample, int64_t offset);
void learning_time(struct learning *learning, int64_t t_ms, int64_t offset);

/* In how long something is to be told: at most once in foresight_every, when something was learned.
 * INT64_MAX: nothing. While it is away: soon. */
int64_t learning_wait_ms(const struct learning *learning);
/* Writes the table, all of it. Only from a state that has read slad.outcomes to its end. false: it is made
 * ready first; learning_wait_ms says 0 again when it is. */
bool learning_tell(struct learning *learning, struct batch *batch);
void learning_measure(struct learning *learning);

/* Appends all that was learned, up to (not including) offset of slad.outcomes. Equal learning, equal bytes.
 */
void learning_save(const struct learning *learning, struct buffer *out);
/* The same for a snapshot that is written over several turns: true when the bytes are at hand (false: ask
 * again); they stay until learning_saved_over. */
bool learning_is_saved(struct learning *learning);
struct slice learning_saved(const struct learning *learning);
/* They are not needed any more. true: something was learned since they were made. Never mind when there are
 * none. */
bool learning_saved_over(struct learning *learning);
/* Into a new one. -1: no sound state; then it is as new. *ret_offset: what it was taken at. */
int learning_load(struct learning *learning, struct slice state, int64_t *ret_offset);

#endif
