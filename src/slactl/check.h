#ifndef SLAD_SLACTL_CHECK_H
#define SLAD_SLACTL_CHECK_H

#include "slactl/command.h"

/* slactl check P [--zoneinfo DIR]: is this policy (a file or a directory) sound? */
extern const struct command check_command;

#endif
