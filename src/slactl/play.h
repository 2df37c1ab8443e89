#ifndef SLAD_SLACTL_PLAY_H
#define SLAD_SLACTL_PLAY_H

#include "slactl/command.h"

/* slactl play: sends recorded events to Kafka. */
extern const struct command play_command;

#endif
