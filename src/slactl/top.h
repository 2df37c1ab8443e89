#ifndef SLAD_SLACTL_TOP_H
#define SLAD_SLACTL_TOP_H

#include "slactl/command.h"

/* slactl top: what breaks next, what is broken and how users feel, again and again. */
extern const struct command top_command;

#endif
