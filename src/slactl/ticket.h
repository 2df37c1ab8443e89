#ifndef SLAD_SLACTL_TICKET_H
#define SLAD_SLACTL_TICKET_H

#include "slactl/command.h"

/* slactl ticket ID: one ticket as a running slad knows it now. */
extern const struct command ticket_command;

#endif
