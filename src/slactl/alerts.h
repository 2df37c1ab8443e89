#ifndef SLAD_SLACTL_ALERTS_H
#define SLAD_SLACTL_ALERTS_H

#include "slactl/command.h"

/* slactl alerts: the alerts that stand, of a running slad. */
extern const struct command alerts_command;

#endif
