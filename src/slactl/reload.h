#ifndef SLAD_SLACTL_RELOAD_H
#define SLAD_SLACTL_RELOAD_H

#include "slactl/command.h"

/* slactl reload: a running slad loads its configuration and policies again, and says whether it took. */
extern const struct command reload_command;

#endif
