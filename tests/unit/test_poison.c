/* Three deaths on one record, and what is no death: a child dies for each. */
#include "../support/unit.h"
#include "base/memory.h"
#include "shell/poison.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char directory[64];
    struct config *config;
    struct log *log;
};

static int
set_up(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    char setting[96];
    const char *overrides[] = {setting, "instance=a/b"};
    const struct config_source source = {.overrides = overrides, .overrides_count = 2};
    const struct log_options options = {.descriptor = open("/dev/null", O_WRONLY), .level = LOG_ERROR};
    struct buffer errors = {0};

    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/slad-poison.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(setting, sizeof setting, "state_dir=%s", fixture->directory);
    fixture->config = config_load(&source, &errors);
    assert_non_null(fixture->config);
    fixture->log = log_new(&options);
    buffer_free(&errors);
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    char path[128];

    snprintf(path, sizeof path, "%s/poison-a_b", fixture->directory);
    unlink(path);
    assert_int_equal(rmdir(fixture->directory), 0);
    config_free(fixture->config);
    log_free(fixture->log);
    test_free(fixture);
    return 0;
}

/* A process that works on these records and dies on the last, or, whole, on none. */
static void
live(struct fixture *fixture, int64_t first, int64_t last, bool dies)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        struct poison *poison = poison_new(fixture->config, fixture->log, NULL);

        for (int64_t offset = first; offset <= last; offset++) {
            (void)poison_begin(poison, TOPIC_TICKETS, 3, offset, slice_of("words"));
            if (dies && offset == last)
                _exit(0);
            poison_end(poison);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
}

static bool
is_poison(struct fixture *fixture, int64_t offset)
{
    struct poison *poison = poison_new(fixture->config, fixture->log, NULL);
    bool is = poison_begin(poison, TOPIC_TICKETS, 3, offset, slice_of("words"));

    poison_end(poison);
    poison_free(poison);
    return is;
}

static void
test_the_third_death_puts_it_aside(void **state)
{
    for (int i = 0; i < POISON_DEATHS_MAX; i++)
        live(*state, 10, 17, true);
    assert_false(is_poison(*state, 16));
    assert_true(is_poison(*state, 17));
    assert_true(is_poison(*state, 17)); /* until its dead letter is committed, however often we start */
    assert_false(is_poison(*state, 18));
}

static void
test_two_deaths_are_not_enough(void **state)
{
    live(*state, 10, 17, true);
    live(*state, 10, 17, true);
    assert_false(is_poison(*state, 17)); /* and it passed */
    live(*state, 10, 17, true);
    live(*state, 10, 17, true);
    assert_false(is_poison(*state, 17));
}

static void
test_an_end_between_records_is_no_death(void **state)
{
    for (int i = 0; i < 5; i++)
        live(*state, 10, 17, false);
    assert_false(is_poison(*state, 17));
}

static void
test_other_places_are_other_records(void **state)
{
    struct fixture *fixture = *state;
    struct poison *poison;

    for (int i = 0; i < POISON_DEATHS_MAX; i++)
        live(fixture, 17, 17, true);
    poison = poison_new(fixture->config, fixture->log, NULL);
    assert_false(poison_begin(poison, TOPIC_RELAY, 3, 17, slice_of("words")));
    poison_end(poison);
    assert_false(poison_begin(poison, TOPIC_TICKETS, 2, 17, slice_of("words")));
    poison_end(poison);
    assert_false(poison_begin(poison, TOPIC_TICKETS, 3, 17, slice_of("others"))); /* a topic made anew */
    poison_end(poison);
    assert_true(poison_begin(poison, TOPIC_TICKETS, 3, 17, slice_of("words")));
    poison_end(poison);
    poison_free(poison);
}

/* A hundred records that each killed once take each other's places; one that kills again and again is still
 * found. */
static void
test_many_suspects(void **state)
{
    for (int64_t offset = 100; offset < 100 + POISON_SUSPECTS_MAX + 36; offset++)
        live(*state, offset, offset, true);
    for (int i = 0; i < POISON_DEATHS_MAX; i++)
        live(*state, 7, 7, true);
    assert_true(is_poison(*state, 7));
}

static void
test_garbage_in_the_file(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/poison-a_b", fixture->directory);
    file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 5000; i++)
        fputc(0xff, file);
    fclose(file);
    assert_false(is_poison(fixture, 17));
    for (int i = 0; i < POISON_DEATHS_MAX; i++)
        live(fixture, 17, 17, true);
    assert_true(is_poison(fixture, 17));
}

/* ---- the outside fails ---- */

static int calls_until_failure;

static bool
fails_now(void)
{
    errno = ENOSPC;
    return calls_until_failure-- == 0;
}

static int
failing_open(const char *path, int flags, ...)
{
    return fails_now() ? -1 : open(path, flags, 0640);
}

static int
failing_resize(int descriptor, off_t bytes)
{
    return fails_now() ? -1 : ftruncate(descriptor, bytes);
}

static void *
failing_map(void *at, size_t bytes, int protection, int flags, int descriptor, off_t offset)
{
    return fails_now() ? MAP_FAILED : mmap(at, bytes, protection, flags, descriptor, offset);
}

static void
test_every_call_fails_once(void **state)
{
    static const struct poison_calls calls = {failing_open, failing_resize, failing_map};
    struct fixture *fixture = *state;
    int failures = 0;

    for (;;) {
        struct poison *poison;

        calls_until_failure = failures;
        poison = poison_new(fixture->config, fixture->log, &calls);
        assert_false(poison_begin(poison, TOPIC_TICKETS, 0, 1, slice_of("words")));
        poison_end(poison);
        poison_free(poison);
        if (calls_until_failure >= 0)
            break;
        failures++;
    }
    assert_int_equal(failures, 3);
    assert_false(poison_begin(NULL, TOPIC_TICKETS, 0, 1, slice_of("words")));
    poison_end(NULL);
    poison_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_third_death_puts_it_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_deaths_are_not_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_end_between_records_is_no_death, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_places_are_other_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_suspects, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_garbage_in_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_call_fails_once, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
