#ifndef SLAD_SLACTL_ACK_H
#define SLAD_SLACTL_ACK_H

#include "slactl/command.h"

/* slactl ack KEY: somebody has an alert in hand. */
extern const struct command ack_command;

#endif
