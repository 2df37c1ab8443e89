#ifndef SLAD_SLACTL_REPORT_H
#define SLAD_SLACTL_REPORT_H

#include "slactl/command.h"

/* slactl report: one month of one customer for the committee, from outcomes, as a page (HTML) or JSON. */
extern const struct command report_command;

#endif
