/*
 * What: a clock that a test sets, put before the program's own by LD_PRELOAD.
 *
 * Why this way: the real clock of a test's machine cannot be set, and a time namespace shifts neither the
 * wall clock nor a process that runs. Every clock of a program is read by one function of the C library.
 *
 *     SLAD_CLOCK_FILE   two numbers of 64 bits, in ms, read at every call: how far the wall clock stands from
 *                       the real one; how long the machine was suspended, which counts for the wall clock and
 *                       the clock since boot, and not for CLOCK_MONOTONIC
 *
 * Always true: without the file the time is the real one. Not here: sleeping, which nothing of it changes.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct clock_shift {
    _Atomic int64_t wall_ms, suspended_ms;
};

static const struct clock_shift clock_real;
static _Atomic(const struct clock_shift *) clock_shift;

static const struct clock_shift *
clock_open(void)
{
    const char *path = getenv("SLAD_CLOCK_FILE");
    int descriptor = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *found = MAP_FAILED;

    if (descriptor >= 0) {
        found = mmap(NULL, sizeof clock_real, PROT_READ, MAP_SHARED, descriptor, 0);
        (void)close(descriptor);
    }
    return found != MAP_FAILED ? found : &clock_real;
}

int
clock_gettime(clockid_t id, struct timespec *ret_at)
{
    const struct clock_shift *shift = clock_shift;
    int64_t ms = 0, ns;

    if (syscall(SYS_clock_gettime, id, ret_at) != 0)
        return -1;
    if (shift == NULL)
        clock_shift = shift = clock_open();
    if (id == CLOCK_REALTIME)
        ms = shift->wall_ms + shift->suspended_ms;
    else if (id == CLOCK_BOOTTIME)
        ms = shift->suspended_ms;
    ns = ret_at->tv_nsec + ms % 1000 * 1000000;
    ret_at->tv_sec += ms / 1000 + (ns >= 1000000000) - (ns < 0);
    ret_at->tv_nsec = ns + (ns < 0) * INT64_C(1000000000) - (ns >= 1000000000) * INT64_C(1000000000);
    return 0;
}
