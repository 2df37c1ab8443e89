/*
 * What: reading the two clocks, and the watch that freezes timers when the wall clock jumps
 * (semantics.md 1.7).
 *
 * Why this way: a stepped wall clock would fire every timer between the old and the new time, truly or not.
 * The boot clock never jumps and counts suspend, so wall - boot is a constant but for slewing, and a change
 * of it is the jump. What the watch trusts follows slewing at SLEW_PER_MILLE at most (ten times what a time
 * server slews), so that two small jumps one after the other are as large as their sum.
 *
 * Always true: not frozen, |offset of the last reading - offset trusted| <= WALLCLOCK_JUMP_MS; frozen, now_ms
 * stands still.
 *
 * Not here: what a freeze means to tasks and readiness (the daemon's), leap seconds, other processes' clocks.
 */
#include "shell/wallclock.h"
#include "base/panic.h"
#include <time.h>

enum { SLEW_PER_MILLE = 5 };

static int64_t
read_us(clockid_t id)
{
    struct timespec at;

    must(clock_gettime(id, &at) == 0);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

int64_t
wallclock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t
wallclock_mono_ms(void)
{
    return read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t
wallclock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t
wallclock_thread_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

struct wallclock_reading
wallclock_read(void)
{
    return (struct wallclock_reading){.wall_ms = wallclock_wall_ms(), .boot_mono_ms = wallclock_mono_ms()};
}

static int64_t
distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

void
wallclock_init(struct wallclock *wallclock, struct wallclock_reading reading)
{
    *wallclock = (struct wallclock){
        .offset_ms = reading.wall_ms - reading.boot_mono_ms,
        .boot_mono_ms = reading.boot_mono_ms,
        .now_ms = reading.wall_ms,
    };
}

/* The trusted offset moves towards the present one, as far as slewing can have moved it. */
static void
follow(struct wallclock *wallclock, int64_t offset_ms, int64_t passed_ms)
{
    int64_t step_ms = passed_ms * SLEW_PER_MILLE / 1000 + 1;
    int64_t gap_ms = offset_ms - wallclock->offset_ms;

    if (gap_ms > step_ms)
        gap_ms = step_ms;
    if (gap_ms < -step_ms)
        gap_ms = -step_ms;
    /* Turns may be closer than a millisecond: only time that passed moves the offset. */
    if (passed_ms > 0)
        wallclock->offset_ms += gap_ms;
}

static enum wallclock_news
hold(struct wallclock *wallclock, int64_t offset_ms)
{
    if (distance(offset_ms, wallclock->held_offset_ms) > WALLCLOCK_JUMP_MS) {
        wallclock->jump_ms = offset_ms - wallclock->held_offset_ms;
        wallclock->held_offset_ms = offset_ms;
        wallclock->held_since_mono_ms = wallclock->boot_mono_ms;
        return WALLCLOCK_JUMPED;
    }
    if (wallclock->boot_mono_ms - wallclock->held_since_mono_ms < WALLCLOCK_HOLD_MS)
        return WALLCLOCK_STEADY;
    wallclock->frozen = false;
    wallclock->offset_ms = offset_ms;
    wallclock->now_ms = wallclock->boot_mono_ms + offset_ms;
    return WALLCLOCK_RESUMED;
}

enum wallclock_news
wallclock_turn(struct wallclock *wallclock, struct wallclock_reading reading)
{
    int64_t offset_ms = reading.wall_ms - reading.boot_mono_ms;
    int64_t passed_ms = reading.boot_mono_ms - wallclock->boot_mono_ms;

    wallclock->boot_mono_ms = reading.boot_mono_ms;
    if (wallclock->frozen)
        return hold(wallclock, offset_ms);
    if (distance(offset_ms, wallclock->offset_ms) > WALLCLOCK_JUMP_MS) {
        wallclock->frozen = true;
        wallclock->jump_ms = offset_ms - wallclock->offset_ms;
        wallclock->held_offset_ms = offset_ms;
        wallclock->held_since_mono_ms = reading.boot_mono_ms;
        return WALLCLOCK_JUMPED;
    }
    follow(wallclock, offset_ms, passed_ms);
    wallclock->now_ms = reading.wall_ms;
    return WALLCLOCK_STEADY;
}

int64_t
wallclock_now_ms(const struct wallclock *wallclock)
{
    return wallclock->now_ms;
}

bool
wallclock_frozen(const struct wallclock *wallclock)
{
    return wallclock->frozen;
}

int64_t
wallclock_jump_ms(const struct wallclock *wallclock)
{
    return wallclock->jump_ms;
}
