#ifndef SLAD_SLACTL_TASK_H
#define SLAD_SLACTL_TASK_H

#include "base/slice.h"
#include "slactl/command.h"
#include <stdint.h>

struct reach;

/* slactl task list | adopt | fresh: held tasks, and what is to become of them. */
extern const struct command task_command;

/* ---- for what it is made of (task_scores.c) ---- */

enum { TASK_ANSWER_MS = 10000, TASK_AGAIN_US = 500000 };

enum task_from {
    TASK_FROM_STANDARD,
    TASK_FROM_MARKER,
    TASK_FROM_BEGINNING,
    TASK_FROM_COMMITTED,
    TASK_FROM_END
};

struct task_request {
    const char *verb; /* list, adopt or fresh */
    bool scores;      /* what it is about: the scores, or this partition */
    int32_t partition;
    enum task_from from;
    const char *by;
    long wait_s;
};

/* A decision as a record of slad.state. 0, or -1: it was said on standard error. */
int task_write_record(struct reach *reach, int32_t partition, const char *key, struct slice value);

#endif
