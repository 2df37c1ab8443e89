#ifndef SLAD_SHELL_DAEMON_H
#define SLAD_SHELL_DAEMON_H

/* slad itself: everything wired together, and the loop. */
#include "shell/config.h"

struct daemon_options {
    struct config_source source;
    bool embedded;                     /* bring the broker along */
    const char *embedded_address_file; /* its address is written there; NULL: nowhere */
    int log_format;                    /* enum log_format; -1: as configured */
};

enum daemon_status {
    DAEMON_ENDED = 0,
    DAEMON_FAILED = 1,
    DAEMON_REFUSED = 2 /* configuration, policy, topics */
};

/* Runs until SIGTERM or SIGINT. */
enum daemon_status daemon_run(const struct daemon_options *options);

#endif
