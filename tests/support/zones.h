#ifndef SLAD_TESTS_ZONES_H
#define SLAD_TESTS_ZONES_H

/* The zones that the tests ship (tests/zoneinfo). */
#include "base/panic.h"
#include "slad/zone.h"
#include <stdio.h>

enum { ZONE_FILE_BYTES_MAX = 64 * 1024 };

static inline size_t
zones_read_file(const char *directory, const char *name, unsigned char bytes[ZONE_FILE_BYTES_MAX])
{
    char path[1024];
    FILE *file;
    size_t count;

    snprintf(path, sizeof path, "%s/%s/%s", TESTS_DIR, directory, name);
    file = fopen(path, "rb");
    must(file != NULL);
    count = fread(bytes, 1, ZONE_FILE_BYTES_MAX, file);
    fclose(file);
    must(count > 0 && count < ZONE_FILE_BYTES_MAX);
    return count;
}

static inline struct zone *
zones_load_from(const char *directory, const char *name)
{
    static unsigned char bytes[ZONE_FILE_BYTES_MAX];
    size_t count = zones_read_file(directory, name, bytes);
    const char *error = NULL;
    struct zone *zone = zone_new(bytes, count, &error);

    if (zone == NULL)
        panic(error);
    return zone;
}

static inline struct zone *
zones_load(const char *name)
{
    return zones_load_from("zoneinfo", name);
}

#endif
