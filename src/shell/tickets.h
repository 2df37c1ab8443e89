#ifndef SLAD_SHELL_TICKETS_H
#define SLAD_SHELL_TICKETS_H

/*
 * The ticket role of this process: the consumer of tickets and slad.relay, the tasks it was given, and their
 * common transaction. The loop thread only; each phase below is bounded.
 */
#include "shell/restore.h"
#include "shell/snapshot.h"
#include "shell/task.h"

struct tickets;

/* The topics must have been looked at (world->partitions_count). restore is borrowed and outlives it. NULL: a
 * setting of the configuration is refused by librdkafka; why was logged. */
struct tickets *tickets_new(struct world *world, struct restore *restore);
/* Once the producer is there (tickets_take_done), joins the group by itself; embedded: takes every partition.
 */

/* Phase: transactions that ended, retries. */
void tickets_take_done(struct tickets *tickets);
/* Phase: news of the loader that are for this role. Takes them when it returns true. */
bool tickets_take_news(struct tickets *tickets, struct restore_news *news);
/* Phase: records, at most turn_records_max. true: there is more. */
bool tickets_ingest(struct tickets *tickets);
/* Phase: time passes for every task. true: there is more due. */
bool tickets_tick(struct tickets *tickets);
/* Phase: closes the epoch when it is time and no transaction is in flight. */
void tickets_close_epoch(struct tickets *tickets);
/* Phase: a step of the snapshot under way. true: there is more. */
bool tickets_snapshot(struct tickets *tickets, struct snapshot *snapshot);
int64_t tickets_snapshot_wait_ms(const struct tickets *tickets, const struct snapshot *snapshot);
/* How long the loop may sleep at most, in ms. */
int64_t tickets_wait_ms(const struct tickets *tickets);
/* About once a second: `open` records, gauges. */
void tickets_measure(struct tickets *tickets);
/* Whether the policies on disk contradict what tasks hold: appends lines to refusals. */
bool tickets_refuse_policies(const struct tickets *tickets, struct buffer *refusals);
/* A reload: every task takes what is new on disk. */
void tickets_take_policies(struct tickets *tickets);
/* world->foresight is another one. */
void tickets_take_foresight(struct tickets *tickets);

/* Readable when there is something for tickets_ingest, or for tickets_take_done. Edge: see handover.h for the
 * second. */
int tickets_records_descriptor(const struct tickets *tickets);
int tickets_done_descriptor(const struct tickets *tickets);
void tickets_clear(struct tickets *tickets);

/* What stands between this role and ready: appends lines to out (each ended with a line break). Empty: it is
 * live. */
void tickets_reasons(const struct tickets *tickets, struct buffer *out);
/* Where the disk and what the tasks go by disagree: lines appended to out. */
void tickets_policy_differences(const struct tickets *tickets, struct buffer *out);
/* The task of a partition, NULL: not held here. For questions; lives until the next phase. */
struct task *tickets_task(const struct tickets *tickets, int32_t partition);
/* Why this process cannot go on (fenced by another of the same name); NULL: it can. */
const char *tickets_fatal(const struct tickets *tickets);

/* Commits the last epoch, leaves the group. Bounded by timeout_ms. */
void tickets_stop(struct tickets *tickets, int64_t timeout_ms);
void tickets_free(struct tickets *tickets); /* NULL is fine */

#endif
