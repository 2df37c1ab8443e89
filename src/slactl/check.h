#ifndef SLAD_SLACTL_CHECK_H
#define SLAD_SLACTL_CHECK_H

/* slactl check P [--zoneinfo DIR]: is this policy (a file or a directory) sound? argv[0] is "check". Returns
 * the exit status: 0 and a line "ok: ..." on standard output, or 2 and the errors on standard error. */
int check_main(int argc, char **argv);

#endif
