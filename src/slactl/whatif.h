#ifndef SLAD_SLACTL_WHATIF_H
#define SLAD_SLACTL_WHATIF_H

/* slactl whatif --old P --new Q [--until T] [--json] [FILE...]: the same events under two policies; which
 * verdicts differ, by ticket and in sum (semantics.md section 11, rulings R19). argv[0] is "whatif". Returns
 * the exit status: 0 when all was read, 2 for a bad policy or option, 1 when a file could not be read or the
 * output not be written. */
int whatif_main(int argc, char **argv);

#endif
