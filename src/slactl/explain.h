#ifndef SLAD_SLACTL_EXPLAIN_H
#define SLAD_SLACTL_EXPLAIN_H

/* slactl explain TICKET --replay FILE... --policy P [--until T] [--clock KIND/CLOCK] [--json]: the life of
 * each clock in stretches that add up to elapsed and to due (semantics.md section 11). argv[0] is "explain".
 * Returns the exit status: 0 explained, 2 bad policy or option, 1 the ticket is not there, or input or output
 * failed. */
int explain_main(int argc, char **argv);

#endif
