/*
 * The yardstick: cJSON with its default allocator parses the same events, and does nothing with them.
 *
 * Why: decoding JSON is what every consumer of these topics pays at least, so the other rows are shown
 * against it. Prints its speed by the wall and its processor time an event: on a busy machine only the second
 * can be compared. Always true: the file is in memory before the clock starts; every line is parsed whole and
 * freed. Not here: the strict door (wire/json), which does more and is part of what is compared.
 */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
clock_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The whole file, owned by the caller; NULL when it cannot be read. */
static char *
read_file(const char *path, size_t *ret_bytes)
{
    FILE *file = path != NULL ? fopen(path, "rb") : NULL;
    char *text = NULL;
    long bytes;

    if (file == NULL)
        return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (bytes = ftell(file)) > 0 && fseek(file, 0, SEEK_SET) == 0) {
        text = malloc((size_t)bytes);
        if (text != NULL && fread(text, 1, (size_t)bytes, file) != (size_t)bytes) {
            free(text);
            text = NULL;
        }
        *ret_bytes = (size_t)bytes;
    }
    fclose(file);
    return text;
}

int
main(void)
{
    size_t bytes = 0;
    char *text = read_file(getenv("BENCH_EVENTS"), &bytes);
    size_t count = 0;
    double start_s, start_cpu_s;

    if (text == NULL) {
        fprintf(stderr, "bench_cjson_parse: cannot read BENCH_EVENTS\n");
        return 1;
    }
    start_s = clock_s(CLOCK_MONOTONIC);
    start_cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    for (char *line = text, *end; line < text + bytes; line = end + 1) {
        cJSON *event;

        end = memchr(line, '\n', (size_t)(text + bytes - line));
        if (end == NULL)
            break;
        event = cJSON_ParseWithLength(line, (size_t)(end - line));
        if (event == NULL) {
            fprintf(stderr, "bench_cjson_parse: no JSON: %.80s\n", line);
            return 1;
        }
        cJSON_Delete(event);
        count++;
    }
    printf("cjson_parse %.0f events/s\n", (double)count / (clock_s(CLOCK_MONOTONIC) - start_s));
    printf("cjson_parse_cpu %.3f us/event\n",
           (clock_s(CLOCK_PROCESS_CPUTIME_ID) - start_cpu_s) / (double)count * 1e6);
    free(text);
    return 0;
}
