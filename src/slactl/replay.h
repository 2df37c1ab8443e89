#ifndef SLAD_SLACTL_REPLAY_H
#define SLAD_SLACTL_REPLAY_H

/* slactl replay --policy P [--until T] [--emit LIST] [FILE...]: the engine over NDJSON events (semantics.md
 * section 11, rulings R13, R14, R38). argv[0] is "replay". Returns the exit status: 0 when all was read, 2
 * for a bad policy or option, 1 when a file could not be read or the output not be written. */
int replay_main(int argc, char **argv);

#endif
