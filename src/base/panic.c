/*
 * What: the last words of a process that found itself broken.
 *
 * Why this way: the log in Kafka holds the truth, so a process that cannot trust its memory stops at once and
 * is started again. The line is written with write(2): no allocation, no locks, no buffers that die with us.
 *
 * Always true: nothing returns from here; the line is at most LINE_MAX_BYTES long and names no directory.
 *
 * Not here: no cleaning up, no stack trace (the core file has it).
 */
#include "base/panic.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 512 };

static _Noreturn void
say_and_abort(char *line, int bytes)
{
    size_t count = bytes < 0 ? 0 : (size_t)bytes;

    if (count > LINE_MAX_BYTES - 1)
        count = LINE_MAX_BYTES - 1;
    line[count] = '\n';
    /* Nothing can be done about a closed standard error. */
    if (write(STDERR_FILENO, line, count + 1) < 0)
        abort();
    abort();
}

void
panic(const char *what)
{
    char line[LINE_MAX_BYTES + 1];

    say_and_abort(line, snprintf(line, LINE_MAX_BYTES, "panic: %s", what));
}

void
panic_broken_must(const char *file, int line_number, const char *expression)
{
    char line[LINE_MAX_BYTES + 1];
    const char *slash = strrchr(file, '/');

    say_and_abort(line, snprintf(line, LINE_MAX_BYTES, "panic: %s:%d: must(%s)",
                                 slash != NULL ? slash + 1 : file, line_number, expression));
}
