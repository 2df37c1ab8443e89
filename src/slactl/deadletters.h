#ifndef SLAD_SLACTL_DEADLETTERS_H
#define SLAD_SLACTL_DEADLETTERS_H

#include "slactl/command.h"

/* slactl deadletters: what could not be taken, and sending it again. */
extern const struct command deadletters_command;

#endif
