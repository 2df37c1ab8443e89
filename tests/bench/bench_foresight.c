/*
 * bench_foresight: one forecast of the published table, default contexts, some thousand values: what a ticket
 * task adds to an event for each open clock. Prints foresight_forecast (microseconds) and
 * foresight_table_bytes.
 */
#include "slad/foresight.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES = 20000, FORECASTS = 2000000, GROUPS = 70, PEOPLE = 300 };
#define TARGET_MS INT64_C(108000000)
#define BEGIN_MS INT64_C(1767571200000)

static char texts[PEOPLE][16];

static double
now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
fill_point(struct risk_point *point, int landmark, unsigned i)
{
    *point = (struct risk_point){.landmark = (uint8_t)landmark, .remaining_ms = 3600000};
    point->texts[ATTRIBUTE_PRIORITY] = slice_of(texts[i % 3]);
    point->texts[ATTRIBUTE_GROUP] = slice_of(texts[i % GROUPS]);
    point->texts[ATTRIBUTE_ASSIGNEE] = slice_of(texts[i % PEOPLE]);
    point->texts[ATTRIBUTE_STATUS] = slice_of(texts[i % 5]);
    point->texts[ATTRIBUTE_SERVICE] = slice_of(texts[i % 50]);
    point->numbers[FORESIGHT_MOVES] = i % 4;
    point->numbers[FORESIGHT_EVENTS] = i % 15;
    point->numbers[FORESIGHT_IDLE] = i % 2000;
}

static struct foresight_table *
learn_table(void)
{
    struct foresight_options options;
    struct foresight *learner;
    struct foresight_table *table;
    struct buffer bytes = {0};

    foresight_options_default(&options);
    learner = foresight_new(&options);
    for (unsigned i = 0; i < SAMPLES; i++) {
        unsigned points = 1 + i * 2654435761U % 8;
        struct risk_sample sample = {
            .name = {slice_of("T"), KIND_SLA, slice_of("a"), slice_of("resolution"), 1},
            .label = points == 8 ? RISK_BREACHED : RISK_MET,
            .target_ms = TARGET_MS,
            .elapsed_ms = foresight_landmark_ms((int)points - 1, TARGET_MS) + 1,
            .known_at_ms = BEGIN_MS + i * INT64_C(60000),
            .points_count = points,
            .arrival = {.detected_at_ms = BEGIN_MS + i * INT64_C(60000)}};

        for (unsigned l = 0; l < points; l++)
            fill_point(&sample.points[l], (int)l, i);
        foresight_learn(learner, &sample);
    }
    foresight_publish(learner, &bytes);
    table = foresight_table_read(buffer_slice(&bytes));
    foresight_free(learner);
    buffer_free(&bytes);
    return table;
}

int
main(void)
{
    struct foresight_query queries[256];
    struct foresight_forecast forecast;
    struct foresight_table *table;
    uint64_t sum = 0;
    double from_s;

    for (int i = 0; i < PEOPLE; i++)
        (void)snprintf(texts[i], sizeof texts[i], "text-%d", i);
    table = learn_table();
    if (table == NULL)
        return 1;
    for (unsigned i = 0; i < 256; i++) {
        struct risk_point point;

        fill_point(&point, 0, i * 7919);
        queries[i] = (struct foresight_query){.kind = KIND_SLA,
                                              .clock = foresight_text_hash(slice_of("resolution")),
                                              .elapsed_ms = TARGET_MS / 256 * i,
                                              .target_ms = TARGET_MS};
        for (unsigned a = 0; a < ATTRIBUTES_COUNT; a++)
            queries[i].view.texts[a] = foresight_text_hash(point.texts[a]);
        memcpy(queries[i].view.numbers, point.numbers, sizeof point.numbers);
    }
    from_s = now_s();
    for (unsigned i = 0; i < FORECASTS; i++)
        sum +=
            foresight_table_forecast(table, &queries[i % 256], &forecast) ? (uint64_t)forecast.p_permille : 0;
    printf("foresight_forecast %.4f us\n", (now_s() - from_s) / FORECASTS * 1e6);
    printf("foresight_table_bytes %zu B\n", foresight_table_bytes(table));
    foresight_table_free(table);
    return sum == 0;
}
