#ifndef SLAD_SLACTL_TASK_H
#define SLAD_SLACTL_TASK_H

#include "slactl/command.h"

/* slactl task list | adopt | fresh: held tasks, and what is to become of them. */
extern const struct command task_command;

#endif
