#ifndef SLAD_SLACTL_CALENDAR_H
#define SLAD_SLACTL_CALENDAR_H

/* slactl calendar --policy P: NDJSON requests on standard input (or FILE...), NDJSON answers on standard
 * output (semantics.md section 11). argv[0] is "calendar". Returns the exit status: 0, 2 for a bad policy or
 * option, 1 when a file cannot be read or the output not written. */
int calendar_main(int argc, char **argv);

#endif
