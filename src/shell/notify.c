/*
 * What: the datagrams of sd_notify(3), own code over AF_UNIX.
 *
 * Why this way: the protocol is a handful of lines of text to one socket; a library for it would be a
 * dependency for thirty lines. The socket is connected once, at start, while the sandbox still lets everybody
 * see it.
 *
 * Always true: descriptor is -1 or a connected, non-blocking, close-on-exec datagram socket.
 *
 * Not here: when to say what (the daemon's), reading the environment (the program's), watching anybody else.
 */
#include "shell/notify.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { STATUS_BYTES_MAX = 512 };

/* A whole positive decimal number, else 0. */
static int64_t
number_of(const char *text)
{
    char *end;
    long long number;

    if (text == NULL || *text < '0' || *text > '9')
        return 0;
    errno = 0;
    number = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0 ? number : 0;
}

static int
connect_to(const char *socket_name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t bytes = strlen(socket_name);
    int descriptor;

    if ((socket_name[0] != '/' && socket_name[0] != '@') || bytes < 2 || bytes >= sizeof address.sun_path) {
        errno = EINVAL;
        return -1;
    }
    memcpy(address.sun_path, socket_name, bytes);
    if (socket_name[0] == '@')
        address.sun_path[0] = '\0';
    descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -1;
    if (connect(descriptor, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes)) != 0) {
        int why = errno;

        close(descriptor);
        errno = why;
        return -1;
    }
    return descriptor;
}

int
notify_init(struct notify *notify, const char *socket_name, const char *watchdog_usec,
            const char *watchdog_pid)
{
    int64_t pid = number_of(watchdog_pid);

    *notify = (struct notify){.descriptor = -1};
    if (watchdog_pid == NULL || pid == getpid())
        notify->watchdog_ms = number_of(watchdog_usec) / 1000;
    if (socket_name == NULL || *socket_name == '\0')
        return 0;
    notify->descriptor = connect_to(socket_name);
    return notify->descriptor < 0 ? -1 : 0;
}

void
notify_done(struct notify *notify)
{
    if (notify->descriptor >= 0)
        close(notify->descriptor);
    notify->descriptor = -1;
}

static void
say(struct notify *notify, const char *text)
{
    /* Lost when the supervisor's socket is full or gone: there is nobody to tell. */
    if (notify->descriptor >= 0)
        (void)!send(notify->descriptor, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
notify_ready(struct notify *notify)
{
    say(notify, "READY=1");
}

void
notify_reloading(struct notify *notify, int64_t monotonic_us)
{
    char text[64];

    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)monotonic_us);
    say(notify, text);
}

void
notify_stopping(struct notify *notify)
{
    say(notify, "STOPPING=1");
}

void
notify_alive(struct notify *notify)
{
    say(notify, "WATCHDOG=1");
}

void
notify_status(struct notify *notify, const char *text)
{
    char line[sizeof "STATUS=" + STATUS_BYTES_MAX];

    snprintf(line, sizeof line, "STATUS=%s", text);
    for (char *at = line; *at != '\0'; at++)
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    say(notify, line);
}

int64_t
notify_alive_every_ms(const struct notify *notify)
{
    return notify->descriptor >= 0 ? notify->watchdog_ms / 2 : 0;
}
