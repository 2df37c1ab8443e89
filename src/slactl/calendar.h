#ifndef SLAD_SLACTL_CALENDAR_H
#define SLAD_SLACTL_CALENDAR_H

#include "slactl/command.h"

/* slactl calendar --policy P: NDJSON requests on standard input (or FILE...), NDJSON answers on standard
 * output (semantics.md section 11). */
extern const struct command calendar_command;

#endif
