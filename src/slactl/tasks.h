#ifndef SLAD_SLACTL_TASKS_H
#define SLAD_SLACTL_TASKS_H

#include "slactl/command.h"

/* slactl tasks: who holds which ticket task, and how it is. */
extern const struct command tasks_command;

#endif
