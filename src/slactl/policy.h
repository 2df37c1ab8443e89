#ifndef SLAD_SLACTL_POLICY_H
#define SLAD_SLACTL_POLICY_H

#include "slactl/command.h"

/* slactl policy diff OLD NEW | diff POLICY: what changes between two policies; whether the disk is what slad
 * goes by. */
extern const struct command policy_command;

#endif
