#ifndef SLAD_SHELL_MODEL_H
#define SLAD_SHELL_MODEL_H

/*
 * The newest table of foresight that stands on slad.scores, put together from its pieces (risk_model/N).
 * Whoever may write slad.scores may write anything: what is no sound table is refused, logged, and the one
 * before stays. The loop thread only.
 */
#include "base/slice.h"
#include "shell/log.h"

struct foresight_table;
struct model;

enum { MODEL_PIECES_MAX = 256 }; /* a table of more is not taken */

/* Never NULL. log is borrowed. */
struct model *model_new(struct log *log);
void model_free(struct model *model);
/* Whether a record of slad.scores is a piece: by its key. */
bool model_is_piece(struct slice key);
/* One piece; value empty: it is gone. true: there is another table now, and the one before lives until the
 * next call that gives true. */
bool model_take(struct model *model, struct slice key, struct slice value);
/* NULL: none yet. */
const struct foresight_table *model_table(const struct model *model);

#endif
