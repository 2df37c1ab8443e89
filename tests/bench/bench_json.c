/*
 * What: how fast an event is decoded, against plain cJSON over the same bytes.
 *
 * bench_json FILE...: NDJSON events. Prints `name value unit` lines: the plain parser with the machine's
 * allocator (parse and delete), the door alone, and the door with the event decoder.
 *
 * Always true: every line is decoded without refusal, or the program says so and fails. Not here: a verdict.
 */
#include "base/memory.h"
#include "wire/event_read.h"
#include "wire/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES_MAX = 65536, LINE_BYTES_MAX = 65536, ROUNDS = 10 };

struct lines {
    struct slice at[LINES_MAX];
    size_t count, bytes;
};

static double
now_s(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void
read_file(const char *path, struct lines *lines)
{
    static char line[LINE_BYTES_MAX];
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        perror(path);
        exit(1);
    }
    while (lines->count < LINES_MAX && fgets(line, sizeof line, file) != NULL) {
        size_t bytes = strcspn(line, "\n");

        if (bytes == 0)
            continue;
        lines->at[lines->count++] = (struct slice){memory_copy(line, bytes), bytes};
        lines->bytes += bytes;
    }
    (void)fclose(file);
}

static void
print_rate(const char *name, const struct lines *lines, double seconds)
{
    double events = (double)lines->count;

    printf("%s %.3f M/s\n", name, events / seconds / 1e6);
}

/* One round of each; returns how long it took. */
static double
round_plain(const struct lines *lines)
{
    double from = now_s();

    for (size_t i = 0; i < lines->count; i++) {
        cJSON *tree = cJSON_ParseWithLength(lines->at[i].at, lines->at[i].bytes);

        if (tree == NULL)
            exit(1);
        cJSON_Delete(tree);
    }
    return now_s() - from;
}

static double
round_door(struct json *json, const struct lines *lines)
{
    char detail[JSON_DETAIL_BYTES];
    double from = now_s();

    for (size_t i = 0; i < lines->count; i++) {
        const struct cJSON *object;

        if (json_read(json, lines->at[i], &object, detail) != ERROR_NONE)
            exit(1);
    }
    return now_s() - from;
}

static double
round_event(struct event_reader *reader, const struct lines *lines)
{
    char detail[EVENT_DETAIL_BYTES];
    double from = now_s();

    for (size_t i = 0; i < lines->count; i++) {
        struct event event;

        if (event_read(reader, lines->at[i], NULL, EVENT_TOPIC_BOTH, &event, detail) != ERROR_NONE) {
            fprintf(stderr, "line %zu: %s\n", i + 1, detail);
            exit(1);
        }
    }
    return now_s() - from;
}

static void
keep_least(double *least, double seconds)
{
    if (*least <= 0 || seconds < *least)
        *least = seconds;
}

int
main(int argc, char **argv)
{
    struct lines *lines = memory_allocate_zeroed(1, sizeof *lines);
    cJSON_Hooks plain_hooks = {malloc, free};
    double plain = 0, door = 0, event = 0;
    struct json *json;
    struct event_reader *reader;

    for (int i = 1; i < argc; i++)
        read_file(argv[i], lines);
    if (lines->count == 0) {
        fprintf(stderr, "usage: bench_json FILE...\n");
        return 1;
    }
    for (int i = 0; i < ROUNDS; i++) {
        cJSON_InitHooks(&plain_hooks);
        keep_least(&plain, round_plain(lines));
        json = json_new(); /* sets the door's hooks again */
        reader = event_reader_new();
        (void)round_event(reader, lines); /* warm */
        keep_least(&door, round_door(json, lines));
        keep_least(&event, round_event(reader, lines));
        event_reader_free(reader);
        json_free(json);
    }
    printf("event_size %.1f bytes\n", (double)lines->bytes / (double)lines->count);
    print_rate("cjson_plain", lines, plain);
    print_rate("json_door", lines, door);
    print_rate("event_read", lines, event);
    printf("event_read_to_plain %.3f ratio\n", plain / event);
    for (size_t i = 0; i < lines->count; i++)
        memory_free((void *)(uintptr_t)lines->at[i].at);
    memory_free(lines);
    return 0;
}
