/*
 * slactl top: what breaks next, what is broken, how users feel: now, and again every two seconds.
 *
 * What: pictures (top_frame.c) on a terminal's second screen, or as plain lines where there is no terminal.
 *
 * Why it asks again instead of following the stream: a picture is a few dozen rows that the server has
 * sorted; to keep everything that changes would be the board's work once more.
 *
 * Always true: the terminal is given back as it was; a picture that cannot be had anew is never left standing
 * as if it were: its age and the reason stand above it.
 *
 * Not here: what is in a picture (top_frame.c).
 */
#include "slactl/top.h"
#include "shell/wallclock.h"
#include "slactl/top_frame.h"
#include "slactl/words.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int top_run(int argc, char **argv);

enum {
    TOP_FILTER = 'A',
    TOP_EVERY_S = 2,
    TOP_EVERY_S_MAX = 3600,
    TOP_ROWS_MAX = 10000,
    KEY_ESCAPE = 27,
    KEY_CONTROL_C = 3
};

static const struct command_option top_options[] = {
    {"customer", TOP_FILTER, "NAME", "only of this customer"},
    {"service", TOP_FILTER + 1, "NAME", "only of this service"},
    {"group", TOP_FILTER + 2, "NAME", "only of this group"},
    {"priority", TOP_FILTER + 3, "NAME", "only of this priority"},
    {"window", 'w', "WINDOW", "of the scores (30d)"},
    {"every", 'e', "SECONDS", "how often (2); where there is no terminal once, unless this is said"},
    {"count", 'n', "N", "ends after so many pictures"},
    {"rows", 'r', "N", "of each table (as the terminal has room; else 20)"},
    API_OPTIONS,
    {0},
};

const struct command top_command = {
    .name = "top",
    .run = top_run,
    .help = "a live view: what breaks next, what is broken, scores",
    .usage = "[OPTION]...",
    .operands = "",
    .text = "What breaks next, which breaches stand, and the scores, of a running slad. On a terminal the "
            "picture stays and "
            "is drawn again; q ends it. Elsewhere plain lines.",
    .options = top_options,
    .fails = "refused",
    .asks = true,
};

struct top {
    struct api api;
    struct top_request request;
    long every_s, count; /* 0: not said */
    struct terminal terminal;
    struct termios before;
    bool has_screen;
    struct buffer picture; /* the last one that could be had */
    int64_t drawn_mono_ms;
};

/* A signal that ends it while the second screen stands: the loop sees it. */
static volatile sig_atomic_t top_ended;

static void
on_signal(int number)
{
    (void)number;
    top_ended = 1;
}

/* ---- the terminal ---- */

static void
screen_take(struct top *top)
{
    struct termios raw;
    struct sigaction action = {.sa_handler = on_signal};

    if (!top->terminal.is_terminal)
        return;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    if (tcgetattr(STDIN_FILENO, &top->before) == 0) {
        raw = top->before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        top->has_screen = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    }
    fputs("\x1b[?1049h\x1b[?25l", stdout);
}

static void
screen_give_back(struct top *top)
{
    if (!top->terminal.is_terminal)
        return;
    fputs("\x1b[?25h\x1b[?1049l", stdout);
    (void)fflush(stdout);
    if (top->has_screen)
        (void)tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
}

/* The lines that fit, each to its end, and nothing below. */
static void
screen_show(const struct top *top, struct slice text)
{
    size_t lines = 0;

    fputs("\x1b[H", stdout);
    while (text.bytes > 0 && lines + 1 < top->terminal.lines) {
        const char *end = memchr(text.at, '\n', text.bytes);
        size_t bytes = end != NULL ? (size_t)(end - text.at) : text.bytes;

        printf("%.*s\x1b[K\n", (int)bytes, text.at);
        bytes += end != NULL;
        text = (struct slice){text.at + bytes, text.bytes - bytes};
        lines++;
    }
    fputs("\x1b[J", stdout);
    (void)fflush(stdout);
}

/* ---- pictures ---- */

static int
draw_on_terminal(struct top *top)
{
    struct buffer fresh = {0}, shown = {0};
    int status;

    top->terminal = terminal_look(stdout);
    status = top_frame_draw(&top->api, &top->request, &top->terminal, &fresh);
    if (status == COMMAND_DONE) {
        buffer_free(&top->picture);
        top->picture = fresh;
        top->drawn_mono_ms = wallclock_mono_ms();
        screen_show(top, buffer_slice(&top->picture));
        return status;
    }
    buffer_append_text(&shown, terminal_begin(&top->terminal, TERMINAL_RED));
    if (top->picture.bytes > 0) {
        buffer_append_text(&shown, "STALE, ");
        words_append_length(&shown, (wallclock_mono_ms() - top->drawn_mono_ms) / 1000 * 1000);
        buffer_append_text(&shown, " old: ");
    }
    buffer_append_slice(&shown, buffer_slice(&top->api.said));
    buffer_append_text(&shown, terminal_end(&top->terminal, TERMINAL_RED));
    buffer_append_byte(&shown, '\n');
    buffer_append_slice(&shown, buffer_slice(&top->picture));
    screen_show(top, buffer_slice(&shown));
    buffer_free(&shown);
    buffer_free(&fresh);
    return status;
}

static int
draw_lines(struct top *top)
{
    struct buffer lines = {0};
    int status = top_frame_draw(&top->api, &top->request, &top->terminal, &lines);

    if (status != COMMAND_DONE)
        fprintf(stderr, "slactl top: %.*s\n", (int)top->api.said.bytes, buffer_slice(&top->api.said).at);
    (void)fwrite(buffer_slice(&lines).at, 1, lines.bytes, stdout);
    buffer_free(&lines);
    return fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

/* True: go on; false: somebody wants it to end. */
static bool
pause_until_next(const struct top *top)
{
    int64_t until_mono_ms = wallclock_mono_ms() + top->every_s * 1000;

    while (!top_ended) {
        struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
        int64_t left_ms = until_mono_ms - wallclock_mono_ms();
        char byte;

        if (left_ms <= 0)
            return true;
        if (poll(&key, top->has_screen ? 1 : 0, (int)left_ms) < 0 && errno == EINTR)
            return !top_ended; /* another size: draw at once */
        if (top->has_screen && (key.revents & POLLIN) != 0 && read(STDIN_FILENO, &byte, 1) == 1 &&
            (byte == 'q' || byte == 'Q' || byte == KEY_ESCAPE || byte == KEY_CONTROL_C))
            return false;
    }
    return false;
}

static int
run(struct top *top)
{
    int status = COMMAND_DONE;

    top->terminal = terminal_look(stdout);
    top->api.quiet = true;
    if (top->every_s == 0) {
        top->every_s = TOP_EVERY_S;
        top->count = !top->terminal.is_terminal && top->count == 0 ? 1 : top->count;
    }
    screen_take(top);
    for (long pictures = 1; !top_ended; pictures++) {
        status = top->terminal.is_terminal ? draw_on_terminal(top) : draw_lines(top);
        if (status == COMMAND_REFUSED || (top->count > 0 && pictures >= top->count) || !pause_until_next(top))
            break;
        if (!top->terminal.is_terminal)
            putchar('\n');
    }
    screen_give_back(top);
    if (top->terminal.is_terminal && status != COMMAND_DONE)
        fprintf(stderr, "slactl top: %.*s\n", (int)top->api.said.bytes, buffer_slice(&top->api.said).at);
    buffer_free(&top->picture);
    return status;
}

/* ---- the command line ---- */

static bool
read_number(const char *text, long max, long *ret_number)
{
    char *end;
    long number = strtol(text, &end, 10);

    *ret_number = number;
    return end != text && *end == '\0' && number >= 1 && number <= max;
}

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct top *top)
{
    long rows = 0;
    bool good = true;
    int option;

    while ((option = command_next(&top_command, argc, argv)) != COMMAND_END) {
        if (option == COMMAND_HELP)
            return COMMAND_DONE;
        if (option >= TOP_FILTER && option < TOP_FILTER + TOP_FILTERS_COUNT)
            top->request.filters[option - TOP_FILTER] = optarg;
        else if (option == 'w')
            top->request.window = optarg;
        else if (option == 'e')
            good &= read_number(optarg, TOP_EVERY_S_MAX, &top->every_s);
        else if (option == 'n')
            good &= read_number(optarg, LONG_MAX, &top->count);
        else if (option == 'r')
            good &= read_number(optarg, TOP_ROWS_MAX, &rows);
        else if (!api_take_option(&top->api, option, optarg))
            return COMMAND_REFUSED;
    }
    if (!good)
        return command_refuse(&top_command, "--every, --count and --rows take a number from 1 on");
    top->request.rows_max = (size_t)rows;
    return optind == argc ? -1 : command_refuse(&top_command, "no such argument: %s", argv[optind]);
}

static int
top_run(int argc, char **argv)
{
    struct top top = {.request = {.window = "30d"}};
    int status = read_options(argc, argv, &top);

    if (status >= 0)
        return status;
    status = api_open(&top.api, &top_command);
    if (status == COMMAND_DONE)
        status = run(&top);
    api_close(&top.api);
    return status;
}
