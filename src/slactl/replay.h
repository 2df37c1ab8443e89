#ifndef SLAD_SLACTL_REPLAY_H
#define SLAD_SLACTL_REPLAY_H

#include "slactl/command.h"

/* slactl replay --policy P [--until T] [--emit LIST] [FILE...]: the engine over NDJSON events (semantics.md
 * section 11, rulings R13, R14, R38). */
extern const struct command replay_command;

#endif
