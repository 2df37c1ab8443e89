#ifndef SLAD_SLACTL_WHATIF_H
#define SLAD_SLACTL_WHATIF_H

#include "slactl/command.h"

/* slactl whatif --old P --new Q [--until T] [--json] [FILE...]: the same events under two policies; which
 * verdicts differ, by ticket and in sum (semantics.md section 11, rulings R19). */
extern const struct command whatif_command;

#endif
