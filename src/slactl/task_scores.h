#ifndef SLAD_SLACTL_TASK_SCORES_H
#define SLAD_SLACTL_TASK_SCORES_H

/* slactl task, of the scores: what is committed for them beside slad.outcomes, and what becomes of them when
 * they are held. */
#include "slactl/reach.h"
#include "slactl/task.h"

/* What there is, on standard output. 0, or an exit status: it was said. reach is open. */
int task_scores_list(struct reach *reach);
/* Writes the decision and waits for an owner that acts on it. Returns the exit status. */
int task_scores_settle(struct reach *reach, const struct task_request *request);

#endif
