#ifndef SLAD_TESTS_UNIT_H
#define SLAD_TESTS_UNIT_H

/* What cmocka wants included before it, and what every unit test of this tree uses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* True when act(argument) ends the process by abort(). Its last words go to `words`, if that is not NULL. */
static inline bool
unit_aborts(void (*act)(void *argument), void *argument, char *words, size_t words_max)
{
    int ends[2];
    int status;
    ssize_t count;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        act(argument);
        _exit(0);
    }
    close(ends[1]);
    if (words != NULL) {
        memset(words, 0, words_max);
        for (size_t used = 0; used + 1 < words_max; used += (size_t)count)
            if ((count = read(ends[0], words + used, words_max - 1 - used)) <= 0)
                break;
    }
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* A small generator for tests that shuffle: the same sequence for the same seed. */
static inline uint64_t
unit_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(2685821657736338717) >> 11;
}

#endif
