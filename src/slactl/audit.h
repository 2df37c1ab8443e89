#ifndef SLAD_SLACTL_AUDIT_H
#define SLAD_SLACTL_AUDIT_H

#include "slactl/command.h"

/* slactl audit: are the scores and the decisions about contracts what the outcomes say? */
extern const struct command audit_command;

#endif
