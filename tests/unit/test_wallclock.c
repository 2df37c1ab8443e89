/* shell/wallclock: the watch over the wall clock, with readings given. */
#include "shell/wallclock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { WALL_MS = 1000000, BOOT_MS = 5000 };

static struct wallclock wallclock;

static void
begin(void)
{
    wallclock_init(&wallclock, (struct wallclock_reading){WALL_MS, BOOT_MS});
}

/* After passed_ms of real time, with the wall moved by jump_ms against it since the beginning. */
static enum wallclock_news
turn(int64_t passed_ms, int64_t jump_ms)
{
    return wallclock_turn(&wallclock,
                          (struct wallclock_reading){WALL_MS + passed_ms + jump_ms, BOOT_MS + passed_ms});
}

static void
follows_the_wall(void **state)
{
    (void)state;
    begin();
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS);
    assert_int_equal(turn(250, 0), WALLCLOCK_STEADY);
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS + 250);
    assert_int_equal(turn(86400000, 0), WALLCLOCK_STEADY); /* a suspend: both clocks went on */
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS + 86400000);
}

static void
five_seconds_are_no_jump_but_more_is(void **state)
{
    (void)state;
    begin();
    assert_int_equal(turn(1, 5000), WALLCLOCK_STEADY);
    begin();
    assert_int_equal(turn(1, 5001), WALLCLOCK_JUMPED);
    begin();
    assert_int_equal(turn(1, -5001), WALLCLOCK_JUMPED);
    assert_int_equal(wallclock_jump_ms(&wallclock), -5001);
}

static void
frozen_until_the_offset_held_sixty_seconds(void **state)
{
    (void)state;
    begin();
    turn(100, 0);
    assert_int_equal(turn(200, 3600000), WALLCLOCK_JUMPED);
    assert_true(wallclock_frozen(&wallclock));
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS + 100);
    assert_int_equal(turn(60199, 3600000), WALLCLOCK_STEADY);
    assert_true(wallclock_frozen(&wallclock));
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS + 100);
    assert_int_equal(turn(60200, 3600000), WALLCLOCK_RESUMED);
    assert_false(wallclock_frozen(&wallclock));
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS + 60200 + 3600000);
    assert_int_equal(turn(60300, 3600000), WALLCLOCK_STEADY);
}

static void
a_second_jump_begins_the_hold_again(void **state)
{
    (void)state;
    begin();
    assert_int_equal(turn(0, 10000), WALLCLOCK_JUMPED);
    assert_int_equal(turn(30000, 20000), WALLCLOCK_JUMPED);
    assert_int_equal(turn(60000, 20000), WALLCLOCK_STEADY);
    assert_true(wallclock_frozen(&wallclock));
    assert_int_equal(turn(90000, 20000), WALLCLOCK_RESUMED);
}

static void
a_jump_there_and_back_holds_too(void **state)
{
    (void)state;
    begin();
    assert_int_equal(turn(0, -10000), WALLCLOCK_JUMPED);
    assert_int_equal(turn(1000, 0), WALLCLOCK_JUMPED);
    assert_int_equal(turn(60999, 0), WALLCLOCK_STEADY);
    assert_int_equal(turn(61000, 0), WALLCLOCK_RESUMED);
    assert_int_equal(wallclock_now_ms(&wallclock), WALL_MS + 61000);
}

static void
slewing_is_followed_small_steps_add_up(void **state)
{
    (void)state;
    begin();
    for (int64_t hour = 1; hour <= 100; hour++) /* 500 ppm for 100 hours: 180 s in all */
        for (int64_t minute = 0; minute < 60; minute++) {
            int64_t passed_ms = (hour * 60 + minute) * 60000;

            assert_int_equal(turn(passed_ms, passed_ms / 2000), WALLCLOCK_STEADY);
        }
    begin();
    assert_int_equal(turn(10, 3000), WALLCLOCK_STEADY);
    assert_int_equal(turn(20, 6000), WALLCLOCK_JUMPED);
    begin();
    for (int64_t i = 0; i < 10000; i++) /* turns within one millisecond move nothing */
        assert_int_equal(turn(10, 4000), WALLCLOCK_STEADY);
    assert_int_equal(turn(20, 6000), WALLCLOCK_JUMPED);
}

static void
reads_clocks_that_run(void **state)
{
    struct wallclock_reading a = wallclock_read();
    struct wallclock_reading b = wallclock_read();

    (void)state;
    assert_true(a.wall_ms > INT64_C(1600000000000));
    assert_true(b.boot_mono_ms >= a.boot_mono_ms);
    assert_true(wallclock_mono_us() > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_wall),
        cmocka_unit_test(five_seconds_are_no_jump_but_more_is),
        cmocka_unit_test(frozen_until_the_offset_held_sixty_seconds),
        cmocka_unit_test(a_second_jump_begins_the_hold_again),
        cmocka_unit_test(a_jump_there_and_back_holds_too),
        cmocka_unit_test(slewing_is_followed_small_steps_add_up),
        cmocka_unit_test(reads_clocks_that_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
