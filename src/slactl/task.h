#ifndef SLAD_SLACTL_TASK_H
#define SLAD_SLACTL_TASK_H

/* slactl task list | adopt | fresh: held tasks, and what is to become of them. argv[0] is "task". Returns the
 * exit status. */
int task_main(int argc, char **argv);

#endif
