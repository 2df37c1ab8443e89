#ifndef SLAD_SLACTL_TOPICS_H
#define SLAD_SLACTL_TOPICS_H

#include "slactl/command.h"

/* slactl topics --create | --check: the topics of an installation. argv[0] is "topics". Returns the exit
 * status. */
extern const struct command topics_command;

#endif
