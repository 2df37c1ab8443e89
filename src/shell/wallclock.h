#ifndef SLAD_SHELL_WALLCLOCK_H
#define SLAD_SHELL_WALLCLOCK_H

/*
 * Telling the time: the only place in slad that reads a clock, and the watch over the wall clock
 * (semantics.md 1.7).
 *
 * The wall (UTC ms) is what people set and time servers step; the boot clock (CLOCK_BOOTTIME, ms since boot,
 * suspend included) never jumps. When the wall jumps by more than 5 s against it, timers freeze until the new
 * offset has held 60 s.
 */
#include <stdbool.h>
#include <stdint.h>

enum { WALLCLOCK_JUMP_MS = 5000, WALLCLOCK_HOLD_MS = 60000 };

struct wallclock_reading {
    int64_t wall_ms;
    int64_t boot_mono_ms;
};

/* Reads both clocks. Any thread. */
struct wallclock_reading wallclock_read(void);
int64_t wallclock_wall_ms(void);
int64_t wallclock_mono_ms(void); /* CLOCK_BOOTTIME */
int64_t wallclock_mono_us(void); /* CLOCK_MONOTONIC, as systemd's MONOTONIC_USEC wants it */
int64_t wallclock_thread_us(void); /* processor time that the calling thread has had */

enum wallclock_news {
    WALLCLOCK_STEADY, /* nothing new */
    WALLCLOCK_JUMPED, /* frozen from now on: log, alarm, not ready. Said again when it jumps once more while
                         frozen */
    WALLCLOCK_RESUMED /* the new offset has held: timers run again */
};

/* Storage is the caller's; members are for wallclock.c and tests. */
struct wallclock {
    int64_t offset_ms;    /* wall - boot that timers trust */
    int64_t boot_mono_ms; /* of the last reading */
    int64_t now_ms;       /* what wallclock_now_ms gives */
    int64_t jump_ms;      /* of the last jump, signed */
    bool frozen;
    int64_t held_offset_ms; /* frozen: the new offset */
    int64_t held_since_mono_ms;
};

void wallclock_init(struct wallclock *wallclock, struct wallclock_reading reading);
/* Once a turn of the loop, with a fresh reading. */
enum wallclock_news wallclock_turn(struct wallclock *wallclock, struct wallclock_reading reading);
/* The wall time that timers may use: the last reading's, or, while frozen, the last one before the jump. It
 * goes back only when a jump back was accepted (task time T takes the larger). */
int64_t wallclock_now_ms(const struct wallclock *wallclock);
bool wallclock_frozen(const struct wallclock *wallclock);
int64_t wallclock_jump_ms(const struct wallclock *wallclock);

#endif
