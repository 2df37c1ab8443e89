#ifndef SLAD_SHELL_SCORING_H
#define SLAD_SHELL_SCORING_H

/*
 * The score role of this process: whoever the group gives the one partition of slad.outcomes folds it from
 * its beginning, then reads every partition of feedback, and publishes answers, detractor alerts and scores.
 * The loop thread only.
 */
#include "shell/restore.h"
#include "shell/world.h"

struct scoring;

/* The topics must have been looked at. restore is borrowed. NULL: refused by librdkafka, logged. */
struct scoring *scoring_new(struct world *world, struct restore *restore);
/* Phases, as in tickets.h. */
void scoring_take_done(struct scoring *scoring);
bool scoring_take_news(struct scoring *scoring,
                       struct restore_news *news); /* true: it was ours, and is freed */
bool scoring_ingest(struct scoring *scoring);
void scoring_tick(struct scoring *scoring);
void scoring_close_epoch(struct scoring *scoring);
int64_t scoring_wait_ms(const struct scoring *scoring);
void scoring_take_policies(struct scoring *scoring); /* the disk was loaded anew */
/* Whether the disk contradicts what is in force for the scores: lines. */
bool scoring_refuses_policies(const struct scoring *scoring, struct buffer *refusals);
/* Borrowed, as long as the role lives: for its snapshots. */
struct score_task *scoring_task(struct scoring *scoring);

int scoring_records_descriptor(const struct scoring *scoring);
int scoring_done_descriptor(const struct scoring *scoring);
int scoring_loaded_descriptor(const struct scoring *scoring);
void scoring_clear(struct scoring *scoring);
/* About once a second: gauges of what is learned. */
void scoring_measure(struct scoring *scoring);
void scoring_reasons(const struct scoring *scoring, struct buffer *out);
const char *scoring_fatal(const struct scoring *scoring);

void scoring_stop(struct scoring *scoring, int64_t timeout_ms);
void scoring_free(struct scoring *scoring); /* NULL is fine */

#endif
