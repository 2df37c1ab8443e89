#ifndef SLAD_SLACTL_EXPLAIN_H
#define SLAD_SLACTL_EXPLAIN_H

#include "slactl/command.h"

/* slactl explain TICKET --replay FILE... --policy P [--until T] [--clock KIND/CLOCK] [--json]: the life of
 * each clock in stretches that add up to elapsed and to due (semantics.md section 11). */
extern const struct command explain_command;

#endif
