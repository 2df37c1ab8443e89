#ifndef SLAD_SHELL_SNAPSHOT_H
#define SLAD_SHELL_SNAPSHOT_H

/*
 * Snapshots of ticket tasks and of the score task, written to Redis beside everything else: one task's at a
 * time, a bucket or a few a turn, and nothing is ever waited for. What is decided lies in snapshot_plan.h.
 * The loop thread only.
 */
#include "shell/redis.h"
#include "shell/snapshot_plan.h"
#include "shell/world.h"

struct snapshot;
struct score_task;
struct snapshot_task; /* what is known of one task's snapshots; the task owns it */
struct task;

/* redis is borrowed and outlives it, but it must be turned by nobody else. */
struct snapshot *snapshot_new(struct world *world, struct redis *redis);
/* After the redis: its last answers come here. NULL is fine. */
void snapshot_free(struct snapshot *snapshot);

/* The score task of this process has its turn as well; borrowed. NULL: not any more. */
void snapshot_set_scores(struct snapshot *snapshot, struct score_task *scores);

/* A phase: goes on with the snapshot under way, or begins the one that is due. tasks: by partition, NULL
 * where there is none. true: there is more to do at once. */
bool snapshot_turn(struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count);
/* When snapshot_turn has something to do, in ms; INT64_MAX: when it is woken. */
int64_t snapshot_wait_ms(const struct snapshot *snapshot, struct task *const *tasks, int32_t tasks_count);

/* options as in snapshot_plan_new. */
struct snapshot_task *snapshot_task_new(const struct snapshot_plan_options *options, int64_t now_mono_ms);
void snapshot_task_free(struct snapshot_task *of_task); /* NULL is fine */
/* A ticket's state record was written, or read behind the snapshot. NULL is fine. */
void snapshot_task_changed(struct snapshot_task *of_task, struct slice ticket);
/* The same of a part of the score task's state, or all of it. NULL is fine. */
void snapshot_task_touch(struct snapshot_task *of_task, uint32_t part);
void snapshot_task_touch_from(struct snapshot_task *of_task, uint32_t part); /* with all parts behind it */
void snapshot_task_touch_all(struct snapshot_task *of_task);
/* Since the last one, or since the task was loaded. */
int64_t snapshot_task_age_ms(const struct snapshot_task *of_task, int64_t now_mono_ms);

#endif
