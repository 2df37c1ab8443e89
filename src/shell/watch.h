#ifndef SLAD_SHELL_WATCH_H
#define SLAD_SHELL_WATCH_H

/*
 * The board's reading: every partition of slad.alerts and slad.scores from the beginning, the last of
 * slad.outcomes, into the board; and the pieces of foresight's table into the model. No group: every process
 * shows the whole. The loop thread only.
 */
#include "shell/board.h"
#include "shell/model.h"
#include "shell/world.h"

struct watch;

/* found: what the topics are. board and model are borrowed; either may be NULL, and without a board
 * slad.scores alone is read. NULL: refused, logged. */
struct watch *watch_new(struct world *world, struct board *board, struct model *model,
                        const struct topic_found found[TOPICS_COUNT]);
void watch_free(struct watch *watch);

/* Phase: at most records_max records. true: there is more. */
bool watch_drain(struct watch *watch, int64_t records_max);
/* About once a second. */
void watch_measure(struct watch *watch);
int watch_descriptor(const struct watch *watch);
void watch_clear(struct watch *watch);
/* Everything that was there at the start has been read. */
bool watch_caught_up(const struct watch *watch);

#endif
