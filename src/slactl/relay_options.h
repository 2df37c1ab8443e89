#ifndef SLAD_SLACTL_RELAY_OPTIONS_H
#define SLAD_SLACTL_RELAY_OPTIONS_H

/* The command line of slactl relay. */
#include "slactl/relay_world.h"

extern const struct command_option relay_options_table[];

/* -1: go on; else the exit status, and what is wrong (or the help) was said. Texts are argv's, but for URLs,
 * which relay_options_done gives back. */
int relay_options_read(int argc, char **argv, struct reach *reach, struct relay_options *ret_options);
void relay_options_done(struct relay_options *options);

#endif
