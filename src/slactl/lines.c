/*
 * Lines of a file, for NDJSON.
 *
 * Why our own: getline() copies every line, and a hostile file may have a line of any length. Here a line is
 * a slice of the read buffer, and what lies beyond the bound is skipped, not kept. Always true: memory is
 * bounded by twice the bound. Not here: what is in a line.
 */
#include "slactl/lines.h"
#include "base/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct lines {
    int file;
    bool at_end;
    bool skipping; /* the rest of a line that was given cut */
    char *room;
    size_t room_bytes, from, to, line_bytes_max;
    uint64_t number;
};

struct lines *
lines_open(const char *path, size_t line_bytes_max)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    int file = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct lines *lines;

    if (file < 0)
        return NULL;
    lines = memory_allocate_zeroed(1, sizeof *lines);
    lines->file = file;
    lines->line_bytes_max = line_bytes_max;
    lines->room_bytes = 2 * line_bytes_max + 2;
    lines->room = memory_allocate(lines->room_bytes);
    return lines;
}

/* More bytes behind those not yet given. -1: errno. */
static int
fill(struct lines *lines)
{
    ssize_t count;

    memmove(lines->room, lines->room + lines->from, lines->to - lines->from);
    lines->to -= lines->from;
    lines->from = 0;
    do
        count = read(lines->file, lines->room + lines->to, lines->room_bytes - lines->to);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return -1;
    lines->at_end = count == 0;
    lines->to += (size_t)count;
    return 0;
}

static struct slice
take(struct lines *lines, size_t bytes, size_t with_end)
{
    struct slice line = {lines->room + lines->from, bytes};

    lines->from += with_end;
    if (line.bytes > 0 && line.at[line.bytes - 1] == '\r')
        line.bytes--;
    return line;
}

int
lines_next(struct lines *lines, struct slice *ret_line)
{
    for (;;) {
        size_t held = lines->to - lines->from;
        const char *end = held > 0 ? memchr(lines->room + lines->from, '\n', held) : NULL;
        size_t bytes = end != NULL ? (size_t)(end - (lines->room + lines->from)) : held;

        if (end == NULL && !lines->at_end && held <= lines->line_bytes_max) {
            if (fill(lines) != 0)
                return -1;
            continue;
        }
        if (lines->skipping) {
            lines->from += end != NULL ? bytes + 1 : held;
            lines->skipping = end == NULL && !lines->at_end;
            if (lines->skipping && fill(lines) != 0)
                return -1;
            continue;
        }
        if (end == NULL && held == 0)
            return 0;
        lines->number++;
        lines->skipping = end == NULL && !lines->at_end;
        *ret_line = take(lines, bytes, end != NULL ? bytes + 1 : held);
        return 1;
    }
}

uint64_t
lines_number(const struct lines *lines)
{
    return lines->number;
}

void
lines_close(struct lines *lines)
{
    if (lines == NULL)
        return;
    if (lines->file != STDIN_FILENO)
        (void)close(lines->file);
    memory_free(lines->room);
    memory_free(lines);
}
