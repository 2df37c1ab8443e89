#ifndef SLAD_SLACTL_PLAY_H
#define SLAD_SLACTL_PLAY_H

/* slactl play: sends recorded events to Kafka. argv[0] is "play". Returns the exit status. */
int play_main(int argc, char **argv);

#endif
