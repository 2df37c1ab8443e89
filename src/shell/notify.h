#ifndef SLAD_SHELL_NOTIFY_H
#define SLAD_SHELL_NOTIFY_H

/*
 * Telling systemd (sd_notify(3), protocol of NOTIFY_SOCKET): ready, stopping, reloading, alive, and a line of
 * status. Without a socket every call does nothing. Nothing blocks and nothing fails: a supervisor that does
 * not listen is no reason to stop working.
 */
#include <stdbool.h>
#include <stdint.h>

struct notify {
    int descriptor;      /* -1: nobody listens */
    int64_t watchdog_ms; /* 0: nobody watches */
};

/* What getenv says of NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; each may be NULL. A path or, beginning
 * with @, an abstract name. Returns 0, or -1 when the socket cannot be used (errno is set; the struct is
 * still fine to call). */
int notify_init(struct notify *notify, const char *socket, const char *watchdog_usec,
                const char *watchdog_pid);
void notify_done(struct notify *notify);

void notify_ready(struct notify *notify);
void notify_reloading(struct notify *notify,
                      int64_t monotonic_us); /* wallclock_mono_us(); notify_ready ends it */
void notify_stopping(struct notify *notify);
void notify_alive(struct notify *notify);                    /* WATCHDOG=1 */
void notify_status(struct notify *notify, const char *text); /* line breaks become blanks; cut at 512 bytes */
/* How often notify_alive is due: half of what the watchdog allows; 0: never. */
int64_t notify_alive_every_ms(const struct notify *notify);

#endif
