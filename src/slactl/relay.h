#ifndef SLAD_SLACTL_RELAY_H
#define SLAD_SLACTL_RELAY_H

/* slactl relay: alerts passed on to Alertmanager, PagerDuty or a webhook. */
#include "slactl/command.h"

extern const struct command relay_command;

#endif
