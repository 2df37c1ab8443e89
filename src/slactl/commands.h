#ifndef SLAD_SLACTL_COMMANDS_H
#define SLAD_SLACTL_COMMANDS_H

/* The commands of slactl: the one list of them. */
#include "slactl/command.h"

/* All commands, in order of their names. */
const struct command *const *commands_all(size_t *ret_count);
/* NULL: there is none of this name. */
const struct command *commands_find(const char *name);

#endif
