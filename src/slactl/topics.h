#ifndef SLAD_SLACTL_TOPICS_H
#define SLAD_SLACTL_TOPICS_H

/* slactl topics --create | --check: the topics of an installation. argv[0] is "topics". Returns the exit
 * status. */
int topics_main(int argc, char **argv);

#endif
