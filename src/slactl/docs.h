#ifndef SLAD_SLACTL_DOCS_H
#define SLAD_SLACTL_DOCS_H

#include "slactl/command.h"

/* slactl docs PAGE | DIRECTORY: the pages that are generated from the tables in include/slad. PAGE
 * (configuration, conf, metrics, errors) is printed; into a directory all are written under their paths in
 * the tree. */
extern const struct command docs_command;

#endif
