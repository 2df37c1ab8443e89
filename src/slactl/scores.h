#ifndef SLAD_SLACTL_SCORES_H
#define SLAD_SLACTL_SCORES_H

#include "slactl/command.h"

/* slactl scores: the present scores, indicators and contracts of a running slad. */
extern const struct command scores_command;

#endif
