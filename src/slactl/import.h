#ifndef SLAD_SLACTL_IMPORT_H
#define SLAD_SLACTL_IMPORT_H

#include "slactl/command.h"

/* slactl import: teaches foresight from an export of tickets that are over. */
extern const struct command import_command;

#endif
